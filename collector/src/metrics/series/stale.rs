//! Stale markers: telling the store that a series has ended.
//!
//! Owns which series get one: those that vanished from a page, all of a target that fails or goes.
//! Labels are derived again from the kept body, the same way as those of the samples were.
//! Invariant: a series that has had its marker gets no second one before it has a sample again.

use super::body::Opened;
use super::hashes::HashTable;
use super::labeler::identity;
use super::outcome::PageTimes;
use super::report::ScrapeReport;
use super::{Outbox, Scratch, Sink, TargetSeries};
use crate::metrics::encode::STALE_NAN_BITS;
use crate::metrics::exposition::{Format, Item, Line, Parser};

impl TargetSeries {
    /// Takes note of a failed scrape: ends the series of the last good page, once.
    ///
    /// Returns the number of markers. Source: vmagent, which sends them at the real time.
    pub fn failed(&mut self, times: PageTimes, scratch: &mut Scratch, sink: &mut dyn Sink) -> u64 {
        if self.ended {
            return 0;
        }
        self.ended = true;
        scratch.out.discard();
        // At the time that the samples would have had. Source: vmagent 1.145, observed.
        let markers = self.mark(times.scrape_ms, false, scratch, sink);
        scratch.trim();
        markers
    }

    /// Takes note that the target is gone: ends its series and the automatic ones.
    ///
    /// Returns the number of markers. Not to be called at shutdown, which ends nothing.
    pub fn gone(&mut self, real_ms: i64, scratch: &mut Scratch, sink: &mut dyn Sink) -> u64 {
        let times = PageTimes { scrape_ms: real_ms, real_ms };
        let markers = self.failed(times, scratch, sink);
        if self.options.no_stale_markers {
            return markers;
        }
        let stale = f64::from_bits(STALE_NAN_BITS);
        markers + self.write_report(&ScrapeReport::default(), Some(stale), real_ms, scratch, sink)
    }

    /// Ends the series in the scratch memory's set of vanished ones.
    pub(super) fn mark_vanished(
        &mut self,
        real_ms: i64,
        scratch: &mut Scratch,
        sink: &mut dyn Sink,
    ) -> u64 {
        self.mark(real_ms, true, scratch, sink)
    }

    fn mark(
        &mut self,
        real_ms: i64,
        only_vanished: bool,
        scratch: &mut Scratch,
        sink: &mut dyn Sink,
    ) -> u64 {
        let Some((kept, format)) = self.kept.take() else { return 0 };
        let Scratch { parser, out, inflate, track, .. } = scratch;
        let only = only_vanished.then_some(&track.vanished);
        let mut walk =
            Walk { target: self, out, sink, real_ms, only, index: 0, passed: 0, sent: 0 };
        let source = kept.source();
        // The body was read before, so its size and form need no second judgement.
        match inflate.open(source, u64::MAX) {
            Ok(Opened::Whole(text)) => walk.lines(parser, format, text),
            Ok(Opened::Streamed) => {
                let each = &mut |text: &[u8]| walk.lines(parser, format, text);
                let _ = inflate.stream(source, u64::MAX, each);
            }
            Err(_) => {}
        }
        let sent = walk.sent;
        out.flush(sink);
        self.kept = Some((kept, format));
        sent
    }
}

/// One walk over the kept body.
struct Walk<'w> {
    target: &'w mut TargetSeries,
    out: &'w mut Outbox,
    sink: &'w mut dyn Sink,
    real_ms: i64,
    only: Option<&'w HashTable>,
    /// Place of the next sample.
    index: usize,
    /// Duplicates passed.
    passed: usize,
    sent: u64,
}

impl Walk<'_> {
    fn lines(&mut self, parser: &mut Parser, format: Format, text: &[u8]) {
        parser.begin(format, false);
        while let Some(item) = parser.next(text, &mut self.target.labeler.shapes) {
            if let Item::Sample(line) = item {
                self.sample(&line);
            }
        }
    }

    fn sample(&mut self, line: &Line<'_>) {
        let index = self.index;
        self.index += 1;
        let duplicate = self.target.track.duplicates().get(self.passed);
        if duplicate.is_some_and(|&at| at as usize == index) {
            self.passed += 1;
            return;
        }
        let options = &self.target.options;
        let stated = options.honor_timestamps && line.timestamp_ms.is_some_and(|t| t != 0);
        // Source: Prometheus `track_timestamps_staleness`.
        if stated && !options.track_timestamps_staleness {
            return;
        }
        let out = &mut self.out.out;
        let labeler = &mut self.target.labeler;
        let (mark, hash) = labeler.encode(options, line, out);
        let chosen = self.only.is_none_or(|only| only.contains(hash));
        let kept = chosen && labeler.relabel(options, line, out, (mark, hash));
        let limit = &self.target.series_limit;
        // Source: vmagent sends no markers for series that the limit kept out.
        let shown = options.series_limit == 0
            || !limit.exceeded
            || (kept && limit.seen.contains(identity(out.labels(mark))));
        if !kept || !shown {
            out.rollback(mark);
            return;
        }
        out.finish(mark, f64::from_bits(STALE_NAN_BITS), self.real_ms);
        self.out.count(self.real_ms);
        self.out.flush_full(self.sink);
        self.sent += 1;
    }
}
