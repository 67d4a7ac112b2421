//! Two agents on the same pages: what they stored, made comparable.
//!
//! Two agents scrape at different times, so a timestamp is replaced by its meaning: the number of
//! the scrape of the same target, the gap behind one (a stale marker at real time), or the
//! explicit timestamp that the page showed.

use std::collections::{BTreeMap, BTreeSet};

use crate::series::{self, Labels, Sample, Store, labels_text, value_text};

/// What a timestamp means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Moment {
    /// The time of the target's scrape of this number, from 0.
    Scrape(usize),
    /// Between the scrape of this number and the next one.
    After(usize),
    /// Explicit, in milliseconds since the epoch.
    Stamp(i64),
}

/// Series with what they were at each moment, in order.
pub type Story = BTreeMap<Labels, Vec<(Moment, String)>>;

/// How the targets of a scenario are compared.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    /// Explicit timestamps of the pages.
    pub stamps: BTreeSet<i64>,
    /// Number of scrapes compared, by the target's `instance`; `None` compares only the order of
    /// values, for a target that ends at a time of its own.
    pub steps: BTreeMap<String, Option<usize>>,
}

/// Replaces the timestamps of all series that have an `instance` known to `rules`.
pub fn normalise(store: &Store, rules: &Rules) -> Story {
    let times = scrape_times(store);
    let mut story = Story::new();
    for (labels, samples) in store {
        let instance = labels.get("instance").map_or("", String::as_str);
        let Some(steps) = rules.steps.get(instance) else { continue };
        let none = BTreeSet::new();
        let times = times.get(instance).unwrap_or(&none);
        let told = match steps {
            Some(steps) => by_moment(labels, samples, times, &rules.stamps, *steps),
            None => by_order(labels, samples),
        };
        if !told.is_empty() {
            story.insert(labels.clone(), told);
        }
    }
    story
}

/// What two stories differ in, one line per difference.
pub fn diff(expected: &Story, found: &Story) -> Vec<String> {
    series::diff(expected, found, labels_text, |a, b| {
        (a != b).then(|| format!("expected {}, found {}", story_text(a), story_text(b)))
    })
}

/// Moments in words, such as `[0:1.5 1+:stale]`.
pub fn story_text(moments: &[(Moment, String)]) -> String {
    let words: Vec<String> = moments
        .iter()
        .map(|(moment, value)| match moment {
            Moment::Scrape(n) => format!("{n}:{value}"),
            Moment::After(n) => format!("{n}+:{value}"),
            Moment::Stamp(at) => format!("@{at}:{value}"),
        })
        .collect();
    format!("[{}]", words.join(" "))
}

/// The times of the scrapes by `instance`, from a series that every scrape writes.
fn scrape_times(store: &Store) -> BTreeMap<String, BTreeSet<i64>> {
    let mut times = BTreeMap::<String, BTreeSet<i64>>::new();
    for (labels, samples) in store {
        if labels.get("__name__").is_some_and(|name| name == CLOCK) {
            let instance = labels.get("instance").cloned().unwrap_or_default();
            let real = samples.iter().filter(|s| !s.value.is_nan()).map(|s| s.at_ms);
            times.entry(instance).or_default().extend(real);
        }
    }
    times
}

fn by_moment(
    labels: &Labels,
    samples: &[Sample],
    times: &BTreeSet<i64>,
    stamps: &BTreeSet<i64>,
    steps: usize,
) -> Vec<(Moment, String)> {
    let mut told: Vec<(Moment, String)> = samples
        .iter()
        .map(|sample| (moment(sample.at_ms, times, stamps), text(labels, sample.value)))
        .filter(|(moment, _)| match moment {
            Moment::Scrape(n) => *n < steps,
            // What follows the last scrape is cut off at a time of its own.
            Moment::After(n) => n + 1 < steps,
            Moment::Stamp(_) => true,
        })
        .collect();
    told.sort();
    // An explicit timestamp shown by several scrapes is sent by each of them.
    told.dedup_by(|a, b| matches!(a.0, Moment::Stamp(_)) && a == b);
    told
}

fn moment(at_ms: i64, times: &BTreeSet<i64>, stamps: &BTreeSet<i64>) -> Moment {
    if stamps.contains(&at_ms) {
        return Moment::Stamp(at_ms);
    }
    let before = times.range(..at_ms).count();
    if times.contains(&at_ms) {
        return Moment::Scrape(before);
    }
    // Invariant: a sample before the first scrape has a timestamp of its own.
    before.checked_sub(1).map_or(Moment::Stamp(at_ms), Moment::After)
}

/// Values in order, each run of equal ones told once.
fn by_order(labels: &Labels, samples: &[Sample]) -> Vec<(Moment, String)> {
    let mut told: Vec<String> = samples.iter().map(|s| text(labels, s.value)).collect();
    told.dedup();
    told.into_iter().enumerate().map(|(n, value)| (Moment::Scrape(n), value)).collect()
}

fn text(labels: &Labels, value: f64) -> String {
    let name = labels.get("__name__").map_or("", String::as_str);
    if name == DURATION && !value.is_nan() {
        return "any".into();
    }
    value_text(value)
}

/// The automatic metric that no page of a scenario shows under its own name.
const CLOCK: &str = "scrape_samples_post_metric_relabeling";
/// The automatic metric that differs at every scrape.
const DURATION: &str = "scrape_duration_seconds";

#[cfg(test)]
mod tests {
    use super::*;
    use crate::series::{STALE, labels};

    fn store(start: i64) -> Store {
        let at = |ms: i64, value: f64| Sample { at_ms: start + ms, value };
        let clock = labels(&[("__name__", CLOCK), ("instance", "a")]);
        let gone = labels(&[("__name__", "gone"), ("instance", "a")]);
        let stamped = labels(&[("__name__", "stamped"), ("instance", "a")]);
        Store::from([
            (clock, vec![at(0, 2.0), at(1000, 1.0), at(2000, 1.0)]),
            (gone, vec![at(0, 1.5), at(1003, f64::from_bits(STALE))]),
            (stamped, vec![Sample { at_ms: 77, value: 3.0 }; 2]),
        ])
    }

    #[test]
    fn other_times_tell_the_same_story() {
        let rules = Rules { stamps: [77].into(), steps: [("a".into(), Some(3))].into() };
        let (left, right) = (normalise(&store(5_000), &rules), normalise(&store(905_123), &rules));
        assert_eq!(diff(&left, &right), Vec::<String>::new());
        let gone = labels(&[("__name__", "gone"), ("instance", "a")]);
        assert_eq!(story_text(&left[&gone]), "[0:1.5 1+:stale]");
    }

    #[test]
    fn differences_are_named() {
        let rules = Rules { stamps: [77].into(), steps: [("a".into(), Some(2))].into() };
        let left = normalise(&store(5_000), &rules);
        let mut right = left.clone();
        let stamped = labels(&[("__name__", "stamped"), ("instance", "a")]);
        right.remove(&stamped);
        let gone = labels(&[("__name__", "gone"), ("instance", "a")]);
        right.insert(gone, vec![(Moment::Scrape(0), "2".into())]);
        assert_eq!(
            diff(&left, &right),
            [
                "differs: gone{instance=\"a\"}: expected [0:1.5], found [0:2]",
                "missing: stamped{instance=\"a\"}",
            ]
        );
    }
}
