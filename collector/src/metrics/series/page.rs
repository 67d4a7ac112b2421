//! One page: from its body to samples, with every sample accounted for.
//!
//! Owns the order of the rules: duplicate, relabeling, limits of labels, sample limit, series
//! limit. A page that can fail late is read so that nothing of it leaves before its end is known:
//! held back where it is small, read twice where it is large.

use super::body::{Body, Inflate, Kept, Opened, Source};
use super::gzip::WHOLE_BYTES_MAX;
use super::labeler::{Labeler, identity};
use super::metadata::{METADATA_AGAIN_MS, MetadataSeen, Pending};
use super::options::{LabelLimits, SeriesOptions};
use super::outcome::{BadLine, PageCounts, PageError, PageFault, PageTimes};
use super::track::{Track, TrackScratch};
use super::{Outbox, SCRATCH_KEEP_BYTES, Scratch, SeriesLimit, Sink, TargetSeries};
use crate::metrics::encode::{Mark, Series};
use crate::metrics::exposition::{BadReason, Format, Item, Line, Parser};
use runnel_config::settings::BadLines;

/// Most encoded bytes that are held back. Derivation: a page of 12,000 samples; a larger one is
/// read twice, since a short line grows to the size of the target's labels.
const HOLD_BYTES_MAX: usize = 4 << 20;

impl TargetSeries {
    /// Takes a page: writes its samples, the markers of vanished series, and metadata that is due.
    ///
    /// # Errors
    /// [`PageError`] as [`PageFault`] says; nothing was then written, and the caller goes on with
    /// [`TargetSeries::failed`] and a report of `up 0`.
    pub fn page(
        &mut self,
        body: &Body,
        format: Format,
        times: PageTimes,
        scratch: &mut Scratch,
        seen: &MetadataSeen,
        sink: &mut dyn Sink,
    ) -> Result<PageCounts, PageError> {
        scratch.out.discard();
        scratch.metadata.clear();
        if self.options.series_limit > 0 {
            self.series_limit.turn(times.real_ms);
        }
        let result = self.read(body.source(), format, times, scratch, sink);
        let result = match result {
            Ok(mut counts) => {
                scratch.out.flush(sink);
                self.good(body, format, times, &mut counts, scratch, sink);
                if times.real_ms >= self.metadata_due_ms {
                    scratch.metadata.flush(seen, times.real_ms, sink);
                    // New series may belong to new families.
                    let wait = if counts.series_added > 0 { 0 } else { METADATA_AGAIN_MS };
                    self.metadata_due_ms = times.real_ms + wait;
                }
                Ok(counts)
            }
            Err(error) => Err(error),
        };
        scratch.trim();
        result
    }

    /// Reads the body once, or twice where its end must be known before its start may leave.
    fn read(
        &mut self,
        source: Source<'_>,
        format: Format,
        times: PageTimes,
        scratch: &mut Scratch,
        sink: &mut dyn Sink,
    ) -> Result<PageCounts, PageError> {
        let bytes_max = self.options.body_bytes_max;
        let Scratch { parser, out, inflate, track, metadata } = scratch;
        let metadata_due = times.real_ms >= self.metadata_due_ms;
        let mut run = Run {
            options: &self.options,
            labeler: &mut self.labeler,
            track: &self.track,
            series_limit: &mut self.series_limit,
            format,
            times,
            parser,
            out,
            seen: track,
            metadata: metadata_due.then_some(metadata),
            sink,
            road: Road::Write,
            counts: PageCounts::default(),
            fault: None,
            eof: false,
            slow: self.options.has_rules(),
        };
        run.begin(Road::Write);
        match inflate.open(source, bytes_max).map_err(PageError::body)? {
            Opened::Whole(text) => run.whole(text),
            Opened::Streamed => run.streamed(inflate, source),
        }
    }

    /// Takes over what a good page changed.
    fn good(
        &mut self,
        body: &Body,
        format: Format,
        times: PageTimes,
        counts: &mut PageCounts,
        scratch: &mut Scratch,
        sink: &mut dyn Sink,
    ) {
        let change = self.track.end(&mut scratch.track);
        if change.differs && !self.ended && !scratch.track.vanished.is_empty() {
            counts.stale_markers = self.mark_vanished(times.scrape_ms, scratch, sink);
        }
        self.track.take(&mut scratch.track);
        if !self.options.no_stale_markers {
            // Source: vmagent counts no added series where it tracks none.
            counts.series_added = change.added;
            if change.differs || self.kept.is_none() {
                // Two kept bodies at once would be one too many of a large page.
                self.kept = None;
                self.kept = Some((Kept::new(body), format));
            }
        }
        self.ended = false;
        self.labeler.end_page(self.track.len());
    }
}

impl Scratch {
    /// Gives back what a large page needed.
    pub(super) fn trim(&mut self) {
        self.out.discard();
        self.inflate.trim(SCRATCH_KEEP_BYTES);
        Track::trim(&mut self.track, SCRATCH_KEEP_BYTES);
    }
}

/// What becomes of encoded samples.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Road {
    /// Nothing is written; only what can fail is looked at.
    Check,
    /// They are held back until the end of the page.
    Hold,
    /// They go to the sink batch by batch.
    Write,
}

/// One walk over a page.
struct Run<'r> {
    options: &'r SeriesOptions,
    labeler: &'r mut Labeler,
    track: &'r Track,
    series_limit: &'r mut SeriesLimit,
    format: Format,
    times: PageTimes,
    parser: &'r mut Parser,
    out: &'r mut Outbox,
    seen: &'r mut TrackScratch,
    metadata: Option<&'r mut Pending>,
    sink: &'r mut dyn Sink,
    road: Road,
    counts: PageCounts,
    fault: Option<PageFault>,
    eof: bool,
    /// Whether there are rules or limits to hold a series against.
    slow: bool,
}

impl Run<'_> {
    fn begin(&mut self, road: Road) {
        self.road = road;
        self.counts = PageCounts::default();
        self.fault = None;
        self.eof = false;
        self.track.begin(self.seen);
    }

    /// Reads a page that stands in memory.
    fn whole(&mut self, text: &[u8]) -> Result<PageCounts, PageError> {
        if self.options.can_fail_late() {
            let holds = text.len() <= WHOLE_BYTES_MAX && self.options.series_limit == 0;
            self.begin(if holds { Road::Hold } else { Road::Check });
            self.lines(text);
            let counts = self.end(text.len() as u64)?;
            if self.road == Road::Hold {
                return Ok(counts);
            }
            // What was held until there was too much of it goes again from the start.
            self.out.discard();
            self.begin(Road::Write);
        }
        self.lines(text);
        self.end(text.len() as u64)
    }

    /// Reads a page piece by piece, twice: the first pass also proves that the body is whole.
    fn streamed(
        &mut self,
        inflate: &mut Inflate,
        source: Source<'_>,
    ) -> Result<PageCounts, PageError> {
        let bytes_max = self.options.body_bytes_max;
        let can_fail_late = self.options.can_fail_late();
        self.begin(Road::Check);
        let mut check = |text: &[u8]| {
            if can_fail_late {
                self.lines(text);
            }
        };
        let bytes = inflate.stream(source, bytes_max, &mut check).map_err(PageError::body)?;
        if can_fail_late {
            self.end(bytes)?;
        }
        self.begin(Road::Write);
        let write = &mut |text: &[u8]| self.lines(text);
        let bytes = inflate.stream(source, bytes_max, write).map_err(PageError::body)?;
        self.end(bytes)
    }

    /// Reads a piece of whole lines.
    fn lines(&mut self, text: &[u8]) {
        // The parser's buffers are lent to the lines, so it must not be part of `self` meanwhile.
        let mut parser = std::mem::take(self.parser);
        parser.begin(self.format, self.metadata.is_some() && self.road != Road::Check);
        while let Some(item) = parser.next(text, &mut self.labeler.shapes) {
            match item {
                Item::Sample(line) => self.sample(&line),
                Item::Metadata(line) => {
                    if let Some(pending) = &mut self.metadata {
                        pending.line(&line);
                    }
                }
                Item::Eof => self.eof = true,
                Item::Bad(text, reason) => self.bad(text, reason),
            }
        }
        *self.parser = parser;
    }

    #[inline]
    fn sample(&mut self, line: &Line<'_>) {
        self.counts.samples_scraped += 1;
        if self.eof && self.options.bad_lines == BadLines::Fail {
            self.fault = Some(PageFault::Eof);
        }
        let (mark, hash) = self.labeler.encode(self.options, line, &mut self.out.out);
        let stated = line.timestamp_ms.filter(|&t| self.options.honor_timestamps && t != 0);
        // Samples of one series with times of their own are no duplicates.
        let first = self.track.observe(self.seen, hash) || stated.is_some();
        if !first {
            self.counts.duplicates += 1;
            // It passed the rules as the first one did, as far as anybody counts.
            self.counts.samples_post_relabel += u64::from(!self.slow);
            self.out.out.rollback(mark);
            return;
        }
        if self.slow && !self.passes_rules(line, mark, hash) {
            self.out.out.rollback(mark);
            return;
        }
        self.counts.samples_post_relabel += u64::from(!self.slow);
        self.write(line, mark, stated.unwrap_or(self.times.scrape_ms));
    }

    /// Relabels a series and holds it against the limits; says whether it goes on.
    fn passes_rules(&mut self, line: &Line<'_>, mark: Mark, hash: u64) -> bool {
        let out = &mut self.out.out;
        if !self.labeler.relabel(self.options, line, out, (mark, hash)) {
            self.counts.relabel_dropped += 1;
            return false;
        }
        self.counts.samples_post_relabel += 1;
        if self.options.label_limits.any() && self.fault.is_none() {
            self.fault = label_fault(&self.options.label_limits, out.labels(mark));
        }
        let limit = self.options.sample_limit;
        if limit > 0 && self.counts.samples_post_relabel > limit {
            // It will fail at the end of the page; until then it only counts.
            self.road = Road::Check;
        }
        let limit = self.options.series_limit;
        if limit == 0 || self.road == Road::Check {
            return true;
        }
        let relabeled = self.options.relabel.is_some();
        let hash = if relabeled { identity(out.labels(mark)) } else { hash };
        let admitted = self.series_limit.admit(hash, limit);
        self.counts.series_limit_dropped += u64::from(!admitted);
        admitted
    }

    /// Ends the series of a sample that passed everything.
    #[inline]
    fn write(&mut self, line: &Line<'_>, mark: Mark, timestamp_ms: i64) {
        if self.road == Road::Check || self.fault.is_some() {
            self.out.out.rollback(mark);
            return;
        }
        self.counts.samples_written += 1;
        let out = &mut self.out.out;
        out.sample(line.value, timestamp_ms);
        if self.options.exemplars
            && line.has_exemplar()
            && let Some(exemplar) = line.exemplar()
        {
            let labels = exemplar.labels.iter().map(|(n, v)| (n.as_slice(), v.as_slice()));
            out.exemplar(labels, exemplar.value, exemplar.timestamp_ms);
        }
        out.close(mark);
        self.out.count(timestamp_ms);
        match self.road {
            Road::Check => {}
            // From here on it is only looked at, and read once more in the end.
            Road::Hold if self.out.out.len() > HOLD_BYTES_MAX => self.road = Road::Check,
            Road::Hold => {}
            Road::Write => self.out.flush_full(self.sink),
        }
    }

    fn bad(&mut self, text: &[u8], reason: BadReason) {
        self.counts.bad_lines += 1;
        let first = self.counts.first_bad.get_or_insert_with(|| BadLine::new(text, reason));
        if self.options.bad_lines == BadLines::Fail && self.fault.is_none() {
            self.fault = Some(PageFault::BadLine(first.clone()));
        }
    }

    /// Ends the walk: what was counted, or why the page fails.
    fn end(&mut self, page_bytes: u64) -> Result<PageCounts, PageError> {
        let mut counts = std::mem::take(&mut self.counts);
        counts.page_bytes = page_bytes;
        let strict = self.options.bad_lines == BadLines::Fail;
        let limit = self.options.sample_limit;
        let nothing = counts.samples_scraped == 0;
        let fault = match (self.fault.take(), &counts.first_bad) {
            (Some(fault), _) => fault,
            (None, Some(first)) if nothing => PageFault::NoMetrics(first.clone()),
            _ if strict && self.format == Format::OpenMetrics && !self.eof => PageFault::Eof,
            _ if limit > 0 && counts.samples_post_relabel > limit => PageFault::SampleLimit(limit),
            _ => return Ok(counts),
        };
        counts.samples_written = 0;
        if matches!(fault, PageFault::LabelLimit(..)) {
            // Source: vmagent 1.145, observed; a sample limit reports what it found.
            counts.samples_post_relabel = 0;
        }
        self.out.discard();
        Err(PageError::new(fault, counts))
    }
}

/// The first limit that the encoded labels break.
fn label_fault(limits: &LabelLimits, labels: &[u8]) -> Option<PageFault> {
    let mut count = 0;
    let over = |limit: u64, found: usize| limit > 0 && found as u64 > limit;
    for (name, value) in Series::from_body(labels).labels().flatten() {
        count += 1;
        if over(limits.name_bytes_max, name.len()) {
            let (found, limit) = (name.len() as u64, limits.name_bytes_max);
            return Some(PageFault::LabelLimit("a label name of length", found, limit));
        }
        if over(limits.value_bytes_max, value.len()) {
            let (found, limit) = (value.len() as u64, limits.value_bytes_max);
            return Some(PageFault::LabelLimit("a label value of length", found, limit));
        }
    }
    let limit = limits.count_max;
    over(limit, count).then_some(PageFault::LabelLimit("a label count of", count as u64, limit))
}
