//! What a target's configuration says about its series.
//!
//! Owns the shape of the choices; the caller makes them from the job and the target.

use std::fmt;
use std::sync::Arc;

use crate::labels::Labels;
use crate::metrics::seam::Relabel;
use runnel_config::settings::BadLines;

/// Who wins when an external label has the name of a label of the series.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum ClashPolicy {
    /// vmagent: the external one, and the series' is renamed `exported_…`; under `honor_labels`
    /// the series' one.
    #[default]
    External,
    /// Prometheus: the series' one.
    Series,
}

/// Limits of the labels of one series; 0 means none. Breaking one fails the scrape.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LabelLimits {
    /// Most labels, after relabeling, external ones included.
    pub count_max: u64,
    /// Longest name. Units: bytes.
    pub name_bytes_max: u64,
    /// Longest value. Units: bytes.
    pub value_bytes_max: u64,
}

impl LabelLimits {
    /// Whether there is any.
    pub fn any(&self) -> bool {
        *self != Self::default()
    }
}

/// What a target's configuration says about its series.
#[derive(Clone)]
pub struct SeriesOptions {
    /// Labels of the target (job, instance, …).
    pub target_labels: Labels,
    /// Labels that everything gets, after relabeling.
    pub external_labels: Labels,
    /// Who wins when an external label clashes.
    pub external_clash: ClashPolicy,
    /// Labels of the page win over the target's.
    pub honor_labels: bool,
    /// Timestamps of the page are used.
    pub honor_timestamps: bool,
    /// Series with a timestamp on the page get stale markers too.
    pub track_timestamps_staleness: bool,
    /// No stale markers at all, and no body is kept for them.
    pub no_stale_markers: bool,
    /// What a line that does not parse does.
    pub bad_lines: BadLines,
    /// Rules for each series; `None` where there are none.
    pub relabel: Option<Arc<dyn Relabel>>,
    /// Limits of labels.
    pub label_limits: LabelLimits,
    /// Most samples after relabeling, all or nothing; 0 means no limit.
    pub sample_limit: u64,
    /// Most series within 24 hours; 0 means no limit.
    pub series_limit: u64,
    /// Largest body, compressed or not.
    pub body_bytes_max: u64,
    /// Exemplars are sent.
    pub exemplars: bool,
}

impl SeriesOptions {
    /// vmagent's defaults with no labels and no limits but the body's 16 MiB.
    pub fn new(target_labels: Labels) -> Self {
        Self {
            target_labels,
            external_labels: Labels::new(),
            external_clash: ClashPolicy::External,
            honor_labels: false,
            honor_timestamps: false,
            track_timestamps_staleness: false,
            no_stale_markers: false,
            bad_lines: BadLines::Skip,
            relabel: None,
            label_limits: LabelLimits::default(),
            sample_limit: 0,
            series_limit: 0,
            body_bytes_max: 16 << 20,
            exemplars: false,
        }
    }

    /// Whether series are held against rules or limits.
    pub(super) fn has_rules(&self) -> bool {
        self.relabel.is_some()
            || self.label_limits.any()
            || self.sample_limit > 0
            || self.series_limit > 0
    }

    /// Whether a page can fail after samples of it were encoded, so that none may leave before
    /// its end was seen.
    pub(super) fn can_fail_late(&self) -> bool {
        self.sample_limit > 0 || self.label_limits.any() || self.bad_lines == BadLines::Fail
    }
}

impl fmt::Debug for SeriesOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SeriesOptions")
            .field("target_labels", &self.target_labels)
            .field("relabel", &self.relabel.is_some())
            .finish_non_exhaustive()
    }
}
