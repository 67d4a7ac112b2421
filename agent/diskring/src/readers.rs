//! Who reads: names, and the slot (a bit of every frame's claims) that each has.
//!
//! Owns the slot table. Never knows frames.
//! Invariant: a claim of a slot counts only on frames from the reader's `since_seq` on, so a slot
//! that changes hands never hands over claims.
//! Called by the ring when readers are declared, and by recovery.

use std::sync::Arc;

use crate::error::ReadersError;

/// The most readers: the bits of a frame's claims.
pub const READERS_MAX: usize = 32;
/// The longest reader name: its length is one byte on disk.
pub const READER_NAME_BYTES_MAX: usize = 255;

/// A declared reader, valid until readers are declared again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReaderId(pub(crate) u8);

/// The set of readers that a frame is for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Claims(pub(crate) u32);

impl Claims {
    /// No reader.
    pub const NONE: Claims = Claims(0);

    /// These readers.
    pub fn of(readers: &[ReaderId]) -> Claims {
        Claims(readers.iter().fold(0, |bits, reader| bits | 1 << reader.0))
    }

    /// Whether this reader is among them.
    pub fn has(self, reader: ReaderId) -> bool {
        self.0 & 1 << reader.0 != 0
    }
}

/// One reader.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Reader {
    pub name: Arc<str>,
    /// The first sequence that this reader may claim.
    pub since_seq: u64,
}

/// The slot table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Readers {
    slots: Vec<Option<Reader>>,
}

impl Readers {
    /// The readers with their slots, in slot order.
    pub(crate) fn named(&self) -> impl Iterator<Item = (u8, &Reader)> {
        (0..).zip(&self.slots).filter_map(|(slot, reader)| Some((slot, reader.as_ref()?)))
    }

    /// The reader of a slot.
    pub(crate) fn at(&self, slot: u8) -> Option<&Reader> {
        self.slots.get(usize::from(slot))?.as_ref()
    }

    /// The slot of a name.
    pub(crate) fn find(&self, name: &str) -> Option<ReaderId> {
        self.named().find(|(_, reader)| &*reader.name == name).map(|(slot, _)| ReaderId(slot))
    }

    /// The claims that may exist on a frame of this sequence.
    pub(crate) fn mask(&self, seq: u64) -> u32 {
        let old_enough = self.named().filter(|(_, reader)| reader.since_seq <= seq);
        old_enough.fold(0, |bits, (slot, _)| bits | 1 << slot)
    }

    /// Puts a reader into a slot; nothing when the slot does not exist.
    pub(crate) fn put(&mut self, slot: u8, name: &str, since_seq: u64) -> Option<()> {
        let at = usize::from(slot);
        if at >= READERS_MAX {
            return None;
        }
        if self.slots.len() <= at {
            self.slots.resize(at + 1, None);
        }
        *self.slots.get_mut(at)? = Some(Reader { name: name.into(), since_seq });
        Some(())
    }

    /// The slots whose reader is not among `names`.
    pub(crate) fn gone(&self, names: &[&str]) -> Vec<ReaderId> {
        let gone = self.named().filter(|(_, reader)| !names.contains(&&*reader.name));
        gone.map(|(slot, _)| ReaderId(slot)).collect()
    }

    /// Empties a slot; its claims must be released already.
    pub(crate) fn remove(&mut self, reader: ReaderId) {
        if let Some(slot) = self.slots.get_mut(usize::from(reader.0)) {
            *slot = None;
        }
    }

    /// Adds the names that are missing, each in the first empty slot.
    ///
    /// At most [`READERS_MAX`] names stand in the table, since the gone ones were removed.
    pub(crate) fn add(&mut self, names: &[&str], since_seq: u64) {
        for name in names {
            if self.find(name).is_none() {
                let empty = (0..).find(|&slot| self.at(slot).is_none());
                let slot = empty.expect("a table of 32 slots and an open range has an empty one");
                self.put(slot, name, since_seq).expect("at most 32 names were checked");
            }
        }
    }
}

/// Checks the names of a declaration.
pub(crate) fn check(names: &[&str]) -> Result<(), ReadersError> {
    if names.len() > READERS_MAX {
        return Err(ReadersError::TooMany(names.len()));
    }
    for (at, name) in names.iter().enumerate() {
        if name.is_empty() || name.len() > READER_NAME_BYTES_MAX {
            return Err(ReadersError::Name((*name).to_owned()));
        }
        if names.iter().take(at).any(|earlier| earlier == name) {
            return Err(ReadersError::Repeated((*name).to_owned()));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_reused_but_claims_are_not_handed_over() {
        let mut readers = Readers::default();
        readers.add(&["a", "b"], 1);
        assert_eq!(readers.gone(&["b", "c"]), vec![ReaderId(0)]);
        readers.remove(ReaderId(0));
        readers.add(&["b", "c"], 50);
        assert_eq!(readers.find("c"), Some(ReaderId(0)));
        assert_eq!(readers.find("a"), None);
        assert_eq!((readers.mask(49), readers.mask(50)), (0b10, 0b11));
    }

    #[test]
    fn bad_declarations_are_refused() {
        let long = "x".repeat(256);
        let many: Vec<String> = (0..33).map(|n| n.to_string()).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        assert_eq!(check(&["a", "b"]), Ok(()));
        assert_eq!(check(&["a", "a"]), Err(ReadersError::Repeated("a".into())));
        assert_eq!(check(&[""]), Err(ReadersError::Name(String::new())));
        assert_eq!(check(&[&long]), Err(ReadersError::Name(long.clone())));
        assert_eq!(check(&many), Err(ReadersError::TooMany(33)));
        assert_eq!(check(&many[..32]), Ok(()));
    }
}
