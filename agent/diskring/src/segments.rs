//! The segment files: which exist, how large, in which state.
//!
//! Owns the files, their creation and removal within the budget.
//! Never knows frames; what is live is told by the caller.
//! Invariant: files are created and removed only when the budget asks for it; in steady state
//! they are used again.
//! Called by recovery and by the writer.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use crate::disk::{Disk, FileId};
use crate::options::Sizes;
use crate::segment::{SegmentHeader, file_name};

/// One segment file.
#[derive(Clone, Debug)]
pub(crate) struct Segment {
    pub file: FileId,
    pub bytes: u64,
    /// The header it carries; nothing when it was never used.
    pub header: Option<SegmentHeader>,
    /// An error was seen: not written any more.
    pub quarantined: bool,
    /// Emptied into the segment being written, which is not durable yet.
    pub held_back: bool,
}

impl Segment {
    pub(crate) fn new(file: FileId, bytes: u64, header: Option<SegmentHeader>) -> Segment {
        Segment { file, bytes, header, quarantined: false, held_back: false }
    }

    /// Orders segments by age; zero when never used.
    pub(crate) fn segment_seq(&self) -> u64 {
        self.header.as_ref().map_or(0, |header| header.segment_seq)
    }
}

/// All segment files by slot.
#[derive(Debug, Default)]
pub(crate) struct Segments {
    pub slots: BTreeMap<u32, Segment>,
    /// Slots whose file is there but not to be had.
    unusable: BTreeSet<u32>,
    /// Whether entries of the folder are not durable yet.
    pub dir_dirty: bool,
    /// Whether creating failed, so that it is not tried again at every turn.
    pub growth_failed: bool,
}

impl Segments {
    /// A slot by number.
    pub(crate) fn at(&self, slot: u32) -> Option<&Segment> {
        self.slots.get(&slot)
    }

    /// Marks a slot whose file cannot be opened.
    pub(crate) fn mark_unusable(&mut self, slot: u32) {
        self.unusable.insert(slot);
    }

    /// The bytes of all files.
    pub(crate) fn bytes(&self) -> u64 {
        self.slots.values().map(|segment| segment.bytes).sum()
    }

    /// Whether the files take more than the budget.
    pub(crate) fn over_budget(&self, sizes: &Sizes) -> bool {
        self.bytes() > sizes.segment_bytes * u64::from(sizes.segments)
    }

    /// Fits the files to the budget: removes free ones that are too many or of another size,
    /// then creates what is missing.
    ///
    /// # Errors
    /// That of the disk; the files stand as far as it went.
    pub(crate) fn fit(
        &mut self,
        disk: &mut impl Disk,
        sizes: &Sizes,
        mut free: Vec<u32>,
    ) -> io::Result<()> {
        let odd = |slot: &u32| self.at(*slot).is_some_and(|one| one.bytes != sizes.segment_bytes);
        let odd: Vec<u32> = free.iter().copied().filter(odd).collect();
        free.retain(|slot| !odd.contains(slot));
        for slot in odd {
            self.remove(disk, slot)?;
        }
        while self.over_budget(sizes) && free.len() > 1 {
            let slot = free.pop().expect("the loop checked the length");
            self.remove(disk, slot)?;
        }
        if self.growth_failed {
            return Ok(());
        }
        let created = self.grow(disk, sizes);
        self.growth_failed = created.is_err();
        created
    }

    fn remove(&mut self, disk: &mut impl Disk, slot: u32) -> io::Result<()> {
        let Some(segment) = self.slots.get_mut(&slot) else { return Ok(()) };
        // A file that will not go must not be tried again at every turn.
        segment.quarantined = true;
        disk.remove(&file_name(slot), segment.file)?;
        self.slots.remove(&slot);
        self.dir_dirty = true;
        Ok(())
    }

    fn grow(&mut self, disk: &mut impl Disk, sizes: &Sizes) -> io::Result<()> {
        let budget_bytes = sizes.segment_bytes * u64::from(sizes.segments);
        let mut slot = 0;
        while self.bytes() + sizes.segment_bytes <= budget_bytes {
            while self.slots.contains_key(&slot) || self.unusable.contains(&slot) {
                slot += 1;
            }
            match disk.create(&file_name(slot), sizes.segment_bytes) {
                Ok(file) => {
                    self.slots.insert(slot, Segment::new(file, sizes.segment_bytes, None));
                    self.dir_dirty = true;
                }
                Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                    self.unusable.insert(slot);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }
}
