//! One delivery: some frames of the ring, brought to a final state or put off.
//!
//! Owns the search for the piece that a destination refuses: frames one by one, then halves of a
//! frame down to one series. Never knows the ring, the clock or the socket: it is handed frames and
//! a transport, and answers what became of each frame.
//!
//! Invariant: of every frame that is final, `delivered + rejected = items`.
//!
//! Called by a lane, on the network runtime.

use bytes::Bytes;
use runnel_collector::metrics::encode::{Field, Request, split};

use crate::codec;
use crate::ledger::Reject;
use crate::send::{Codec, Transport, Verdict};

/// Refusals in a row, with nothing accepted in between, before the destination is asked whether it
/// takes anything at all. To corner one series of the largest frame (16,000 series) takes 14.
const REFUSALS_IN_A_ROW_MAX: u32 = 32;

/// Refusals after which the rest of a frame is rejected as a whole, so that a frame of nothing but
/// poison holds up fresh data for some hundred requests and not for some ten thousand.
const REFUSALS_PER_FRAME_MAX: u32 = 512;

/// A frame on its way.
#[derive(Clone, Debug)]
pub struct Parcel {
    /// Sequence number in the ring.
    pub seq: u64,
    /// Samples in it.
    pub items: u64,
    /// One whole zstd frame of remote-write protobuf.
    pub body: Bytes,
}

/// What became of a frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settled {
    /// Sequence number in the ring.
    pub seq: u64,
    /// Samples delivered.
    pub delivered: u64,
    /// Samples rejected, by reason.
    pub rejected: Vec<(Reject, u64)>,
}

/// How a delivery ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Frames that are final, in order.
    pub settled: Vec<Settled>,
    /// What stopped the delivery before the end; `None` when all frames are final.
    pub stopped: Option<Stop>,
    /// The last refusal in words, for the status page.
    pub refusal: Option<String>,
    /// The joined request was too large for the destination.
    pub too_large: bool,
}

/// What stopped a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stop {
    /// Back off or park.
    pub verdict: Verdict,
    /// The answer in words.
    pub reason: String,
    /// Samples that the destination may have taken and that will be sent again.
    pub repeated_items: u64,
}

/// The codec of one destination, with its memory of what was refused.
#[derive(Clone, Copy, Debug)]
pub struct CodecChoice {
    /// What requests are packed with.
    pub current: Codec,
    /// Whether snappy may be tried where zstd is refused.
    pub may_change: bool,
    /// Whether a request packed so was accepted: then a 400 is about its content.
    pub proven: bool,
}

/// Brings `parcels` to the destination, all in one request where it takes them.
pub async fn deliver(
    parcels: &[Parcel],
    codec: &mut CodecChoice,
    transport: &mut impl Transport,
) -> Outcome {
    let mut delivery = Delivery { codec, transport, outcome: Outcome::default(), in_a_row: 0 };
    let stopped = delivery.all(parcels).await.err();
    Outcome { stopped, ..delivery.outcome }
}

struct Delivery<'a, T> {
    codec: &'a mut CodecChoice,
    transport: &'a mut T,
    outcome: Outcome,
    /// Refusals since something was last accepted.
    in_a_row: u32,
}

/// What a destination said to one body, codec changes already tried.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Said {
    No(Reject),
    Yes,
}

impl<T: Transport> Delivery<'_, T> {
    /// All frames in one request; one by one where it is refused.
    async fn all(&mut self, parcels: &[Parcel]) -> Result<(), Stop> {
        if parcels.len() > 1 {
            let bodies: Vec<Bytes> = parcels.iter().map(|parcel| parcel.body.clone()).collect();
            let items = parcels.iter().map(|parcel| parcel.items).sum();
            match self.say(&bodies, items).await? {
                Said::Yes => {
                    self.outcome.settled.extend(parcels.iter().map(Settled::whole));
                    return Ok(());
                }
                Said::No(reason) => self.outcome.too_large = reason == Reject::TooLarge,
            }
        }
        for parcel in parcels {
            let settled = self.frame(parcel).await?;
            self.outcome.settled.push(settled);
        }
        Ok(())
    }

    /// One frame; its halves where it is refused.
    async fn frame(&mut self, parcel: &Parcel) -> Result<Settled, Stop> {
        let reason = match self.say(std::slice::from_ref(&parcel.body), parcel.items).await? {
            Said::Yes => return Ok(Settled::whole(parcel)),
            Said::No(reason) => reason,
        };
        let mut settled = Settled { seq: parcel.seq, delivered: 0, rejected: Vec::new() };
        match codec::unpack(&parcel.body) {
            Ok(raw) => self.halves(&raw, reason, &mut settled).await?,
            Err(codec::Undecodable) => settled.reject(Reject::Undecodable, parcel.items),
        }
        Ok(settled.squared_with(parcel.items))
    }

    /// Halves of halves of a refused body, until single series are cornered.
    async fn halves(
        &mut self,
        raw: &[u8],
        reason: Reject,
        settled: &mut Settled,
    ) -> Result<(), Stop> {
        let mut refusals = 0;
        let mut pieces = Vec::new();
        cut_or_reject(raw, reason, &mut pieces, settled);
        while let Some(piece) = pieces.pop() {
            let items = samples(piece);
            if refusals >= REFUSALS_PER_FRAME_MAX {
                settled.reject(reason, items);
                continue;
            }
            match self.say_raw(piece, items).await {
                Ok(Said::Yes) => settled.delivered += items,
                Ok(Said::No(reason)) => {
                    refusals += 1;
                    cut_or_reject(piece, reason, &mut pieces, settled);
                }
                // The frame is not final, so what was taken of it is sent again.
                Err(stop) => return Err(stop.with_repeated(settled.delivered)),
            }
        }
        Ok(())
    }

    async fn say_raw(&mut self, raw: &[u8], items: u64) -> Result<Said, Stop> {
        match codec::pack_raw(raw, Codec::Zstd) {
            Ok(body) => self.say(&[body], items).await,
            Err(codec::Undecodable) => Ok(Said::No(Reject::Undecodable)),
        }
    }

    /// Posts bodies as one request, in the other codec too where that may help.
    async fn say(&mut self, bodies: &[Bytes], items: u64) -> Result<Said, Stop> {
        let current = self.codec.current;
        let (said, verdict) = self.post(bodies, current, items).await?;
        let codec_in_doubt = match verdict {
            Verdict::ChangeCodec => true,
            Verdict::Refused => !self.codec.proven,
            _ => false,
        };
        if !(codec_in_doubt && self.codec.may_change && current == Codec::Zstd) {
            return Ok(said);
        }
        let (said, _) = self.post(bodies, Codec::Snappy, items).await?;
        if said == Said::Yes {
            self.codec.current = Codec::Snappy;
        }
        Ok(said)
    }

    async fn post(
        &mut self,
        bodies: &[Bytes],
        codec: Codec,
        items: u64,
    ) -> Result<(Said, Verdict), Stop> {
        let Ok(body) = codec::pack(bodies, codec) else {
            return Ok((Said::No(Reject::Undecodable), Verdict::Delivered));
        };
        let answer = self.transport.post(body, codec).await;
        let verdict = answer.verdict();
        let said = match verdict {
            Verdict::Delivered => {
                self.in_a_row = 0;
                self.codec.proven = true;
                Said::Yes
            }
            Verdict::Refused | Verdict::ChangeCodec => Said::No(Reject::BadRequest),
            Verdict::TooLarge => Said::No(Reject::TooLarge),
            Verdict::BackOff { ambiguous, .. } => {
                let repeated_items = if ambiguous { items } else { 0 };
                return Err(Stop { verdict, reason: answer.to_string(), repeated_items });
            }
            Verdict::Park => {
                return Err(Stop { verdict, reason: answer.to_string(), repeated_items: 0 });
            }
        };
        if said != Said::Yes {
            let reason = answer.to_string();
            self.refused(reason, codec).await?;
        }
        Ok((said, verdict))
    }

    /// Counts a refusal. When nothing at all is accepted any more, an empty request tells whether
    /// it is the samples or the destination: one that refuses even that is parked, not fed.
    async fn refused(&mut self, reason: String, codec: Codec) -> Result<(), Stop> {
        self.outcome.refusal = Some(reason.clone());
        self.in_a_row += 1;
        if self.in_a_row < REFUSALS_IN_A_ROW_MAX {
            return Ok(());
        }
        self.in_a_row = 0;
        let empty = codec::pack_raw(&[], codec).expect("nothing fits any codec");
        match self.transport.post(empty, codec).await.verdict() {
            Verdict::Delivered => Ok(()),
            _ => {
                let reason = format!("refuses everything, even an empty request: {reason}");
                Err(Stop { verdict: Verdict::Park, reason, repeated_items: 0 })
            }
        }
    }
}

/// Puts the halves of a refused piece on the stack, the first one on top; a single series is
/// rejected.
fn cut_or_reject<'a>(
    piece: &'a [u8],
    reason: Reject,
    pieces: &mut Vec<&'a [u8]>,
    settled: &mut Settled,
) {
    match split::halve(piece) {
        Ok(Some((first, second))) => pieces.extend([second, first]),
        Ok(None) => settled.reject(reason, samples(piece)),
        Err(_) => settled.reject(Reject::Undecodable, samples(piece)),
    }
}

/// Samples of a raw request, as far as it can be read.
fn samples(raw: &[u8]) -> u64 {
    let series = Request::new(raw).map_while(Result::ok).filter_map(|field| match field {
        Field::Series(series) => Some(series),
        _ => None,
    });
    series.map(|series| series.samples().map_while(Result::ok).count() as u64).sum()
}

impl Settled {
    fn whole(parcel: &Parcel) -> Self {
        Self { seq: parcel.seq, delivered: parcel.items, rejected: Vec::new() }
    }

    fn reject(&mut self, reason: Reject, items: u64) {
        match self.rejected.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, sum)) => *sum += items,
            None if items > 0 => self.rejected.push((reason, items)),
            None => {}
        }
    }

    /// A frame whose pieces hold another number of samples than its header says was decoded
    /// wrongly: then all of it counts as rejected, so that the count is never short.
    fn squared_with(mut self, items: u64) -> Self {
        let rejected: u64 = self.rejected.iter().map(|(_, items)| items).sum();
        if self.delivered + rejected != items {
            self.delivered = 0;
            self.rejected = vec![(Reject::Undecodable, items)];
        }
        self
    }
}

impl Stop {
    fn with_repeated(mut self, items: u64) -> Self {
        self.repeated_items += items;
        self
    }
}

#[cfg(test)]
mod tests;
