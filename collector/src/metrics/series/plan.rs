//! How the labels of one shape become the labels of a series, worked out once per shape.
//!
//! Owns the merge of the page's labels with the target's and the external ones: clashes, order,
//! what is left out. Its result is a list of constant pieces and places for values.
//! Invariant: the names are sorted by byte and unique; which labels win depends on names alone,
//! never on values (an empty value of the page still wins or moves, and is then left out).
//!
//! Source: vmagent `appendExtraLabels` and `FinalizeLabels`.

use super::options::{ClashPolicy, SeriesOptions};
use crate::labels::Labels;
use crate::metrics::encode::{HeadSpan, Out, put_label, put_varint, varint_len};
use crate::metrics::exposition::Line;

/// Zero bytes behind the constant pieces, so that short ones copy at full width.
const PADDING: [u8; 64] = [0; 64];

/// Longest label whose lengths take one byte.
const SHORT_LABEL_BYTES_MAX: usize = 127;

/// The name that stands for the metric's own.
const NAME_LABEL: &[u8] = b"__name__";

/// What a renamed label of the page begins with.
pub(super) const EXPORTED: &str = "exported_";

/// How lines of one shape are encoded.
#[derive(Debug)]
pub(super) struct Plan {
    bytes: Box<[u8]>,
    steps: Box<[Step]>,
    /// The constant labels behind the last value.
    tail: (usize, usize),
    /// Bytes to reserve beside the values.
    room: usize,
}

/// One value with what stands before it.
#[derive(Clone, Copy, Debug)]
struct Step {
    head: HeadSpan,
    /// The value's place on the line; `None` for the metric name.
    value: Option<u32>,
    /// Longest value that makes a short label.
    short_max: usize,
}

/// Which layers a plan puts together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Layers {
    /// Page, target and external labels; labels that begin with `__` are left out.
    Final,
    /// Page and target labels: what relabel rules see.
    Page,
    /// Page, target and external labels, none left out: an identity before relabeling.
    Whole,
}

#[derive(Debug)]
struct Slot {
    name: Vec<u8>,
    source: Source,
}

#[derive(Debug)]
enum Source {
    Constant(Vec<u8>),
    MetricName,
    Value(u32),
}

impl Plan {
    /// Works out the plan for lines with the label names `names`.
    pub(super) fn new<'n>(
        names: impl Iterator<Item = &'n [u8]>,
        options: &SeriesOptions,
        layers: Layers,
    ) -> Self {
        let mut slots = vec![Slot { name: NAME_LABEL.to_vec(), source: Source::MetricName }];
        for (i, name) in names.enumerate().filter(|(_, name)| *name != NAME_LABEL) {
            slots.push(Slot { name: name.to_vec(), source: Source::Value(i as u32) });
        }
        add_layer(&mut slots, &options.target_labels, options.honor_labels);
        if layers == Layers::Final {
            slots.retain(|slot| slot.name == NAME_LABEL || !slot.name.starts_with(b"__"));
        }
        if layers != Layers::Page {
            let keep = options.honor_labels || options.external_clash == ClashPolicy::Series;
            add_layer(&mut slots, &options.external_labels, keep);
        }
        // Where a renamed label meets a constant one of its new name, the constant one stays.
        slots.sort_by(|a, b| a.name.cmp(&b.name));
        slots.reverse();
        slots.dedup_by(|a, b| a.name == b.name);
        slots.reverse();
        Self::compile(&slots)
    }

    fn compile(slots: &[Slot]) -> Self {
        let (mut bytes, mut steps, mut lead_at, mut room) = (Vec::new(), Vec::new(), 0, 0);
        for Slot { name, source } in slots {
            let value = match source {
                Source::Constant(value) => {
                    put_label(&mut bytes, name, value);
                    continue;
                }
                Source::MetricName => None,
                Source::Value(at) => Some(*at),
            };
            let head_at = bytes.len();
            bytes.extend([0x0a, 0, 0x0a]);
            put_varint(&mut bytes, name.len() as u64);
            bytes.extend_from_slice(name);
            bytes.extend([0x12, 0]);
            let head_len = bytes.len() - head_at;
            // The label's length counts everything behind its own two bytes.
            let short_max = SHORT_LABEL_BYTES_MAX.saturating_sub(head_len - 2);
            let head = HeadSpan { start: lead_at, len: bytes.len() - lead_at, head_len };
            steps.push(Step { head, value, short_max });
            // Two lengths may take four bytes more each.
            room += 2 * varint_len(u64::from(u32::MAX));
            lead_at = bytes.len();
        }
        let tail = (lead_at, bytes.len() - lead_at);
        room += bytes.len();
        bytes.extend(PADDING);
        Self { bytes: bytes.into(), steps: steps.into(), tail, room }
    }

    /// Bytes held, about.
    pub(super) fn memory_bytes(&self) -> usize {
        self.bytes.len() + self.steps.len() * size_of::<Step>()
    }

    /// Bytes to reserve beside the values.
    #[inline]
    pub(super) fn room(&self) -> usize {
        self.room
    }

    /// Writes the labels of `line`, whose metric name is `name` (a text and a place in it).
    #[inline]
    pub(super) fn write(&self, out: &mut Out, line: &Line<'_>, name: (&[u8], usize, usize)) {
        for step in &self.steps {
            let (text, start, len) = match step.value {
                None => name,
                Some(at) => {
                    let span = line.values.get(at as usize).copied().unwrap_or_default();
                    (line.text, span.start, span.len)
                }
            };
            if len != 0 && len <= step.short_max {
                out.label(&self.bytes, step.head, text, (start, len));
            } else {
                self.write_unusual(out, step, text.get(start..start + len).unwrap_or_default());
            }
        }
        out.copy(&self.bytes, self.tail.0, self.tail.1);
    }

    /// Writes a label that is left out or long.
    #[cold]
    fn write_unusual(&self, out: &mut Out, step: &Step, value: &[u8]) {
        let HeadSpan { start, len, head_len } = step.head;
        out.copy(&self.bytes, start, len - head_len);
        if !value.is_empty() {
            // The head is: tag, length, name field, value tag, value length.
            let head = start + len - head_len;
            let name_field = self.bytes.get(head + 2..head + head_len - 2);
            out.label_long(name_field.unwrap_or_default(), value);
        }
    }
}

/// Adds constant labels; on a clash the page's label stays (`honor`) or is renamed.
fn add_layer(slots: &mut Vec<Slot>, labels: &Labels, honor: bool) {
    let known = slots.len();
    for label in labels {
        let at = |slots: &[Slot], name: &[u8]| {
            slots.iter().take(known).position(|slot| slot.name == name)
        };
        if let Some(found) = at(slots, label.name.as_bytes()) {
            if honor {
                continue;
            }
            let exported = [EXPORTED, &label.name].concat().into_bytes();
            if let Some(moved) = at(slots, &exported) {
                let mut name = exported.clone();
                while at(slots, &name).is_some() {
                    name.splice(..0, EXPORTED.bytes());
                }
                slots[moved].name = name;
            }
            slots[found].name = exported;
        }
        let source = Source::Constant(label.value.clone().into_bytes());
        slots.push(Slot { name: label.name.clone().into_bytes(), source });
    }
}
