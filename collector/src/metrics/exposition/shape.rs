//! Shapes: the label names of a line, in its order.
//!
//! Owns the memory of forms already seen, and the guess which form the next line has. A page has
//! thousands of lines and few shapes; what depends on the names alone is worked out once per
//! shape by whoever keeps a table beside this one.
//! Invariants: an id stays valid until the generation changes; the number of shapes and of labels
//! in them is bounded, a full table is emptied and its generation counted up.

use std::hash::Hasher;

use foldhash::fast::FixedState;

use super::swar::load16;
use super::{LINE_LABELS_MAX, Span};

/// Which shape of a table; means nothing to another table.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ShapeId(pub(crate) u32);

/// Most shapes of a table. Derivation: ten times what a large page (kube-state-metrics) has at
/// once; at some 500 bytes each the table stays below 100 KiB.
const SHAPES_MAX: usize = 200;

/// Most labels in all shapes of a table: one line of the largest size and as much again.
const LABELS_MAX: usize = 2 * LINE_LABELS_MAX;

/// The shapes of one target's pages.
#[derive(Debug)]
pub struct Shapes {
    shapes: Vec<Shape>,
    labels: usize,
    generation: u32,
    last: u32,
}

#[derive(Debug)]
struct Shape {
    hash: u64,
    /// `name="` of the first label, `",name="` of the others: what stands between two values.
    literals: Box<[Literal]>,
    /// The shape that came after this one last time.
    next: u32,
}

/// A constant piece of text, laid out so that 32 bytes compare as two numbers.
#[derive(Debug)]
struct Literal {
    head: u128,
    head_mask: u128,
    /// The last 16 bytes, where there are more than 16.
    tail: u128,
    text: Box<[u8]>,
    /// Where the name stands in `text`.
    name: Span,
}

impl Literal {
    fn new(first: bool, name: &[u8]) -> Self {
        let lead: &[u8] = if first { b"" } else { b"\"," };
        let text = [lead, name, b"=\""].concat();
        let mut head = [0; 16];
        let head_len = text.len().min(16);
        head[..head_len].copy_from_slice(&text[..head_len]);
        let head_mask = if head_len == 16 { u128::MAX } else { (1 << (8 * head_len)) - 1 };
        let tail = text.len().checked_sub(16).and_then(|at| load16(&text, at)).unwrap_or(0);
        let name = Span { start: lead.len(), len: name.len() };
        Self { head: u128::from_le_bytes(head), head_mask, tail, text: text.into(), name }
    }

    /// Whether the literal stands at `at`; says no near the end of `page`.
    #[inline]
    fn stands(&self, page: &[u8], at: usize) -> bool {
        let Some(found) = load16(page, at) else { return false };
        if (found ^ self.head) & self.head_mask != 0 {
            return false;
        }
        match self.text.len() {
            0..=16 => true,
            len @ 17..=32 => load16(page, at + len - 16) == Some(self.tail),
            len => page.get(at..at + len) == Some(&self.text),
        }
    }
}

impl Default for Shapes {
    fn default() -> Self {
        let mut shapes = Self { shapes: Vec::new(), labels: 0, generation: 0, last: 0 };
        shapes.reset();
        shapes
    }
}

impl Shapes {
    /// The shape of a line without labels.
    pub const BARE: ShapeId = ShapeId(0);

    /// Counts the times that ids have become invalid.
    pub fn generation(&self) -> u32 {
        self.generation
    }

    /// Number of labels of a shape.
    pub fn len_of(&self, id: ShapeId) -> usize {
        self.shapes.get(id.0 as usize).map_or(0, |shape| shape.literals.len())
    }

    /// The label names of a shape, in the order of the line.
    pub fn names(&self, id: ShapeId) -> impl Iterator<Item = &[u8]> {
        let literals = self.shapes.get(id.0 as usize).map_or(&[][..], |shape| &shape.literals);
        literals.iter().map(|literal| literal.name.of(&literal.text))
    }

    /// The shape whose first literal stands at `at`: the last one, or what followed it last time.
    #[inline]
    pub(super) fn guess(&self, page: &[u8], at: usize) -> Option<Guess<'_>> {
        let last = self.shapes.get(self.last as usize)?;
        if let Some(guess) = last.begin(page, at) {
            return Some(Guess { id: ShapeId(self.last), ..guess });
        }
        let next = self.shapes.get(last.next as usize)?;
        next.begin(page, at).map(|guess| Guess { id: ShapeId(last.next), ..guess })
    }

    /// Notes that a line had the shape `id`.
    #[inline]
    pub(super) fn saw(&mut self, id: ShapeId) {
        if self.last != id.0 {
            if let Some(last) = self.shapes.get_mut(self.last as usize) {
                last.next = id.0;
            }
            self.last = id.0;
        }
    }

    /// The shape with these names, entered where it is new.
    pub(super) fn enter(&mut self, side: &[u8], names: &[Span]) -> ShapeId {
        let hash = hash_of(side, names);
        let known = |shape: &Shape| shape.hash == hash && shape.is(side, names);
        // A short table is searched faster than a map is asked, and this is the rare road.
        if let Some(at) = self.shapes.iter().position(known) {
            return ShapeId(at as u32);
        }
        if self.shapes.len() >= SHAPES_MAX || self.labels + names.len() > LABELS_MAX {
            self.reset();
            self.generation = self.generation.wrapping_add(1);
        }
        if names.is_empty() {
            return Self::BARE;
        }
        let literals =
            names.iter().enumerate().map(|(i, name)| Literal::new(i == 0, name.of(side)));
        self.shapes.push(Shape { hash, literals: literals.collect(), next: 0 });
        self.labels += names.len();
        ShapeId(self.shapes.len() as u32 - 1)
    }

    /// Forgets all but the shape without labels.
    fn reset(&mut self) {
        self.shapes.clear();
        self.shapes.push(Shape { hash: hash_of(b"", &[]), literals: Box::default(), next: 0 });
        self.labels = 0;
        self.last = 0;
    }
}

impl Shape {
    #[inline]
    fn begin(&self, page: &[u8], at: usize) -> Option<Guess<'_>> {
        let (first, rest) = self.literals.split_first()?;
        first.stands(page, at).then(|| Guess {
            id: ShapeId(0),
            value_at: at + first.text.len(),
            rest: GuessRest(rest),
        })
    }

    fn is(&self, side: &[u8], names: &[Span]) -> bool {
        let mine = self.literals.iter().map(|literal| literal.name.of(&literal.text));
        mine.eq(names.iter().map(|name| name.of(side)))
    }
}

/// A shape whose first label name stands on the line.
#[derive(Debug)]
pub(super) struct Guess<'s> {
    pub(super) id: ShapeId,
    /// Where the first value begins.
    pub(super) value_at: usize,
    rest: GuessRest<'s>,
}

#[derive(Debug)]
struct GuessRest<'s>(&'s [Literal]);

impl Guess<'_> {
    /// Takes the next label name, which stands at `at`; the start of its value.
    #[inline]
    pub(super) fn next_label(&mut self, page: &[u8], at: usize) -> Option<usize> {
        let (literal, rest) = self.rest.0.split_first()?;
        self.rest.0 = rest;
        literal.stands(page, at).then(|| at + literal.text.len())
    }

    /// Whether all names were taken.
    #[inline]
    pub(super) fn is_done(&self) -> bool {
        self.rest.0.is_empty()
    }
}

fn hash_of(side: &[u8], names: &[Span]) -> u64 {
    use std::hash::BuildHasher;
    let mut hasher = FixedState::default().build_hasher();
    for name in names {
        hasher.write(name.of(side));
        hasher.write_u8(0xff); // no byte of a name
    }
    hasher.finish()
}
