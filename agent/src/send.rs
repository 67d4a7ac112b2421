//! One attempt: what goes on the wire, and what the answer means.
//!
//! Owns the classes of answers. Never knows samples or the ring, never decodes a body and never
//! decides what happens next: that is the delivery's business.
//!
//! Source: design section 7; facts on remote write, section 3.3.

use std::time::Duration;

use bytes::Bytes;

/// How a request body is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    /// One raw snappy block: remote write 1.0.
    Snappy,
    /// zstd frames one behind the other: VictoriaMetrics' remote write.
    Zstd,
}

impl Codec {
    /// The word of `Content-Encoding`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Snappy => "snappy",
            Self::Zstd => "zstd",
        }
    }
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// No answer: refused, reset, timed out.
    Failed {
        /// What went wrong, in words.
        reason: String,
        /// The whole body had been written, so the destination may have taken it.
        body_sent: bool,
    },
    /// An HTTP answer.
    Status {
        /// Status code.
        code: u16,
        /// `Retry-After`, in seconds from now.
        retry_after: Option<Duration>,
        /// The request was sent twice, the first time whole and without an answer.
        sent_twice: bool,
        /// The beginning of the answer's body, for the operator's eyes only.
        text: String,
    },
}

/// What an answer means.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Try again later.
    BackOff {
        /// The destination's own wish.
        retry_after: Option<Duration>,
    },
    /// Pack in another way and try again.
    ChangeCodec,
    /// Done.
    Delivered,
    /// The destination is not as configured: keep everything and probe slowly.
    Park,
    /// Something in the body is not acceptable: find it.
    Refused,
    /// The body is too large: cut it.
    TooLarge,
}

impl Answer {
    /// What this answer means.
    pub fn verdict(&self) -> Verdict {
        match self {
            Self::Failed { .. } => Verdict::BackOff { retry_after: None },
            Self::Status { code, retry_after, .. } => status_verdict(*code, *retry_after),
        }
    }

    /// Whether the destination may have taken the body although it is sent again.
    pub fn may_repeat(&self) -> bool {
        match self {
            Self::Failed { body_sent, .. } => *body_sent,
            Self::Status { sent_twice, .. } => *sent_twice,
        }
    }

    /// The label `code` of the request counter.
    pub fn code(&self) -> u16 {
        match self {
            Self::Failed { .. } => 0,
            Self::Status { code, .. } => *code,
        }
    }
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Failed { reason, .. } => f.write_str(reason),
            Self::Status { code, text, .. } if text.is_empty() => write!(f, "answered {code}"),
            Self::Status { code, text, .. } => write!(f, "answered {code}: {text}"),
        }
    }
}

fn status_verdict(code: u16, retry_after: Option<Duration>) -> Verdict {
    match code {
        200..=299 => Verdict::Delivered,
        // 409 and 422 are how some stores say that they will not have these samples.
        400 | 409 | 422 => Verdict::Refused,
        // A wrong URL or token. Whoever mends it wants the data that came meanwhile.
        401 | 403 | 404 => Verdict::Park,
        413 => Verdict::TooLarge,
        415 => Verdict::ChangeCodec,
        // Everything else says nothing about the samples: a redirect that the client did not
        // follow, a proxy on the way, an error of the destination.
        _ => Verdict::BackOff { retry_after },
    }
}

/// One way to a destination.
pub trait Transport: Send {
    /// Posts one body and waits for the answer.
    fn post(&mut self, body: Bytes, codec: Codec) -> impl Future<Output = Answer> + Send;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_status_has_its_class() {
        let back_off = Verdict::BackOff { retry_after: None };
        let cases: [(&[u16], Verdict); 7] = [
            (&[200, 202, 204], Verdict::Delivered),
            (&[400, 409, 422], Verdict::Refused),
            (&[401, 403, 404], Verdict::Park),
            (&[413], Verdict::TooLarge),
            (&[415], Verdict::ChangeCodec),
            (&[301, 302, 304, 402, 405, 407, 408, 410, 425, 429, 451], back_off.clone()),
            (&[100, 101, 500, 501, 502, 503, 504, 507, 599, 0, 999], back_off),
        ];
        for (codes, expected) in cases {
            for &code in codes {
                let answer = Answer::Status {
                    code,
                    retry_after: None,
                    sent_twice: false,
                    text: String::new(),
                };
                assert_eq!(answer.verdict(), expected, "{code}");
            }
        }
    }

    #[test]
    fn a_lost_answer_is_ambiguous_only_after_the_body_was_sent() {
        for body_sent in [false, true] {
            let answer = Answer::Failed { reason: "timed out".to_owned(), body_sent };
            assert_eq!(answer.verdict(), Verdict::BackOff { retry_after: None });
            assert_eq!(answer.may_repeat(), body_sent);
        }
    }
}
