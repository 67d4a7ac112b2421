//! From a line to the encoded labels of its series, and their identity.
//!
//! Owns the target's shapes and the plans made for them, the rename of pages' automatic metrics,
//! and the decisions of the relabel rules.

use std::hash::{BuildHasher, Hasher};

use foldhash::quality::FixedState;

use super::decide::{Decision, Decisions};
use super::options::{ClashPolicy, SeriesOptions};
use super::plan::{EXPORTED, Layers, Plan};
use super::report::is_automatic;
use crate::labels::Labels;
use crate::metrics::encode::{Mark, Out, Series, put_labels};
use crate::metrics::exposition::{Line, ShapeId, Shapes, Span};

/// Encodes the labels of one target's series.
#[derive(Debug)]
pub(super) struct Labeler {
    pub(super) shapes: Shapes,
    generation: u32,
    plans: Vec<Option<Box<ShapePlans>>>,
    decisions: Decisions,
    /// Whether rules stand behind the encoding.
    relabels: bool,
    honor_labels: bool,
}

#[derive(Debug)]
struct ShapePlans {
    main: Plan,
    /// What the rules see; only where there are rules.
    page: Option<Plan>,
}

/// A name for the identity of a series: a hash over its encoded labels.
#[inline]
pub(super) fn identity(labels: &[u8]) -> u64 {
    let mut hasher = FixedState::default().build_hasher();
    hasher.write(labels);
    hasher.finish()
}

impl Labeler {
    pub(super) fn new(options: &SeriesOptions) -> Self {
        let shapes = Shapes::default();
        Self {
            generation: shapes.generation(),
            shapes,
            plans: Vec::new(),
            decisions: Decisions::default(),
            relabels: options.relabel.is_some(),
            honor_labels: options.honor_labels,
        }
    }

    /// Bytes held, about.
    pub(super) fn memory_bytes(&self) -> usize {
        let plans = self.plans.iter().flatten();
        let plans: usize = plans
            .map(|plans| {
                plans.main.memory_bytes() + plans.page.as_ref().map_or(0, Plan::memory_bytes)
            })
            .sum();
        // A shape weighs about as much as its plan.
        2 * plans + self.decisions.memory_bytes()
    }

    /// Writes the labels of a line's series as they stand before relabeling; their identity.
    #[inline]
    pub(super) fn encode(
        &mut self,
        options: &SeriesOptions,
        line: &Line<'_>,
        out: &mut Out,
    ) -> (Mark, u64) {
        let honor_labels = self.honor_labels;
        let plans = self.plans(options, line.shape);
        let name = (line.text, line.name.start, line.name.len);
        let mark = out.begin(plans.main.room() + line.text_bytes + EXPORTED.len());
        // Source: vmagent renames a scraped `up` or `scrape_…` that has no label.
        if line.values.is_empty() && !honor_labels && is_automatic(line.name.of(line.text)) {
            let renamed = [EXPORTED.as_bytes(), line.name.of(line.text)].concat();
            plans.main.write(out, line, (&renamed, 0, renamed.len()));
        } else {
            plans.main.write(out, line, name);
        }
        let hash = identity(out.labels(mark));
        (mark, hash)
    }

    /// Writes the labels of a metric of our own.
    pub(super) fn encode_own(
        &mut self,
        options: &SeriesOptions,
        name: &str,
        out: &mut Out,
    ) -> Mark {
        let plan = Plan::new(std::iter::empty(), options, Layers::Final);
        let mark = out.begin(plan.room() + name.len());
        let span = Span { start: 0, len: name.len() };
        let line = Line {
            text: name.as_bytes(),
            name: span,
            values: &[],
            shape: Shapes::BARE,
            text_bytes: name.len(),
            value: 0.0,
            timestamp_ms: None,
            exemplar: None,
        };
        plan.write(out, &line, (line.text, 0, name.len()));
        mark
    }

    /// Lets the rules decide about the series just encoded; says whether it is kept, and puts
    /// rewritten labels in place.
    pub(super) fn relabel(
        &mut self,
        options: &SeriesOptions,
        line: &Line<'_>,
        out: &mut Out,
        (mark, hash): (Mark, u64),
    ) -> bool {
        let Some(rules) = &options.relabel else { return true };
        if let Some(decision) = self.decisions.known(hash) {
            return decision.act(out, mark);
        }
        let mut labels = self.before_rules(options, line);
        let before = labels.clone();
        let kept = rules.apply(&mut labels);
        labels.retain(|label| label.name == "__name__" || !label.name.starts_with("__"));
        let decision = if !kept || labels.is_empty() {
            Decision::Drop
        } else if labels == before {
            Decision::Unchanged
        } else {
            add_external(&mut labels, options);
            let mut bytes = Vec::new();
            put_labels(&mut bytes, &labels);
            Decision::Rewritten(bytes.into())
        };
        let kept = decision.act(out, mark);
        self.decisions.remember(hash, decision);
        kept
    }

    /// Ends a page: decisions about series long gone are forgotten.
    pub(super) fn end_page(&mut self, series: usize) {
        self.decisions.trim(series);
    }

    /// The labels of a line as the rules see them.
    fn before_rules(&mut self, options: &SeriesOptions, line: &Line<'_>) -> Labels {
        let renames = line.values.is_empty() && !self.honor_labels;
        let plans = self.plans(options, line.shape);
        let plan = plans.page.as_ref().unwrap_or(&plans.main);
        let mut out = Out::default();
        let mark = out.begin(plan.room() + line.text_bytes + EXPORTED.len());
        let name = line.name.of(line.text);
        if renames && is_automatic(name) {
            let renamed = [EXPORTED.as_bytes(), name].concat();
            plan.write(&mut out, line, (&renamed, 0, renamed.len()));
        } else {
            plan.write(&mut out, line, (line.text, line.name.start, line.name.len));
        }
        labels_of(out.labels(mark))
    }

    #[inline]
    fn plans(&mut self, options: &SeriesOptions, shape: ShapeId) -> &ShapePlans {
        let at = shape.0 as usize;
        let current = self.generation == self.shapes.generation();
        if !current || !matches!(self.plans.get(at), Some(Some(_))) {
            self.make_plans(options, shape);
        }
        self.plans[at].as_ref().expect("plans of a shape stand after they were made")
    }

    #[cold]
    fn make_plans(&mut self, options: &SeriesOptions, shape: ShapeId) {
        if self.generation != self.shapes.generation() {
            self.generation = self.shapes.generation();
            self.plans.clear();
        }
        let at = shape.0 as usize;
        if self.plans.len() <= at {
            self.plans.resize_with(at + 1, || None);
        }
        let names = || self.shapes.names(shape);
        let layers = if self.relabels { Layers::Whole } else { Layers::Final };
        let main = Plan::new(names(), options, layers);
        let page = self.relabels.then(|| Plan::new(names(), options, Layers::Page));
        self.plans[at] = Some(Box::new(ShapePlans { main, page }));
    }
}

/// The label set of encoded labels that we wrote ourselves.
pub(super) fn labels_of(encoded: &[u8]) -> Labels {
    let pairs = Series::from_body(encoded).labels().flatten();
    pairs
        .filter_map(|(name, value)| {
            Some((std::str::from_utf8(name).ok()?, std::str::from_utf8(value).ok()?))
        })
        .collect()
}

/// Adds the external labels to a relabeled series, as [`Plan`] does to a shape.
fn add_external(labels: &mut Labels, options: &SeriesOptions) {
    let honor = options.honor_labels || options.external_clash == ClashPolicy::Series;
    let series = labels.clone();
    for external in &options.external_labels {
        let name = external.name.as_str();
        if series.contains(name) {
            if honor {
                continue;
            }
            let exported = format!("{EXPORTED}{name}");
            if let Some(moved) = labels.remove(&exported) {
                let mut further = format!("{EXPORTED}{exported}");
                while labels.contains(&further) {
                    further.insert_str(0, EXPORTED);
                }
                labels.set(&further, &moved);
            }
            let value = labels.remove(name).unwrap_or_default();
            labels.set(&exported, &value);
        }
        labels.set(name, &external.value);
    }
}
