//! A disk in RAM that crashes, tears, rots and fails on demand.
//!
//! Owns the files twice: what a reader sees, and what a power cut leaves. It follows Linux where
//! Linux is unkind: after a failed `sync` the pages count as clean and a later `sync` succeeds.
//! Called by the tests and by the fuzz entry; never by the agent.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::{Arc, Mutex, MutexGuard};

use super::{Disk, FileId};

/// The unit that a power cut keeps or loses whole.
pub const SECTOR: usize = 512;

/// What a call that was chosen to fail does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// The device reports an error.
    Error,
    /// A signal interrupts the call.
    Interrupted,
    /// No space is left.
    NoSpace,
    /// Half of a transfer is done; other calls succeed.
    Short,
}

/// A plan of failing calls.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// The first failing call, counted from now.
    pub at_call: u64,
    /// How many calls fail from there.
    pub calls: u64,
    /// How they fail.
    pub fault: Fault,
}

#[derive(Default)]
struct Stored {
    /// What reads see.
    seen: Vec<u8>,
    /// What a power cut leaves, but for dirty sectors.
    durable: Vec<u8>,
    dirty: BTreeSet<usize>,
    entry_durable: bool,
}

#[derive(Default)]
struct State {
    files: BTreeMap<String, Stored>,
    open: BTreeMap<FileId, String>,
    next_file: u32,
    quota_bytes: Option<u64>,
    locked: bool,
    plan: Option<Plan>,
    calls: u64,
    random: u64,
}

/// A simulated folder; clones share it.
#[derive(Clone, Default)]
pub struct SimDisk(Arc<Mutex<State>>);

impl SimDisk {
    /// An empty folder; `seed` decides every later draw.
    pub fn new(seed: u64) -> SimDisk {
        let disk = SimDisk::default();
        disk.state().random = seed;
        disk
    }

    /// Puts a durable file into the folder.
    pub fn put(&self, name: &str, bytes: &[u8]) {
        let stored = Stored {
            seen: bytes.to_vec(),
            durable: bytes.to_vec(),
            dirty: BTreeSet::new(),
            entry_durable: true,
        };
        self.state().files.insert(name.to_owned(), stored);
    }

    /// The names and bytes of all files, as a reader sees them.
    pub fn image(&self) -> Vec<(String, Vec<u8>)> {
        let state = self.state();
        state.files.iter().map(|(name, stored)| (name.clone(), stored.seen.clone())).collect()
    }

    /// Bounds the bytes of all files together.
    pub fn quota(&self, bytes: Option<u64>) {
        self.state().quota_bytes = bytes;
    }

    /// Makes calls fail by plan, or never.
    pub fn fail(&self, plan: Option<Plan>) {
        let mut state = self.state();
        state.calls = 0;
        state.plan = plan;
    }

    /// The calls made since the plan was set.
    pub fn calls(&self) -> u64 {
        self.state().calls
    }

    /// Lets the process die: the lock is free and handles are gone, the page cache stays.
    pub fn kill(&self) {
        let mut state = self.state();
        state.locked = false;
        state.open.clear();
    }

    /// Cuts the power: each dirty sector survives with `keep` chances in 256, or is torn.
    pub fn crash(&self, keep: u8) {
        self.kill();
        let mut state = self.state();
        let mut random = state.random;
        state.files.retain(|_, stored| stored.entry_durable || (draw(&mut random) as u8) < keep);
        for stored in state.files.values_mut() {
            stored.crash(keep, &mut random);
        }
        state.random = random;
    }

    /// Flips one bit of what lies on the disk.
    pub fn flip(&self, name: &str, bit: u64) {
        if let Some(stored) = self.state().files.get_mut(name) {
            let at = (bit / 8) as usize;
            for bytes in [&mut stored.seen, &mut stored.durable] {
                if let Some(byte) = bytes.get_mut(at) {
                    *byte ^= 1 << (bit % 8);
                }
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().expect("no test panics while it holds the lock")
    }
}

impl Stored {
    fn crash(&mut self, keep: u8, random: &mut u64) {
        for sector in std::mem::take(&mut self.dirty) {
            let start = sector * SECTOR;
            let end = (start + SECTOR).min(self.seen.len());
            let drawn = draw(random);
            let kept = if (drawn as u8) < keep {
                end - start
            } else if drawn >> 8 & 15 == 0 {
                // A torn sector: drives promise whole ones, cheap ones lie.
                (drawn >> 16) as usize % SECTOR
            } else {
                0
            };
            let kept_end = (start + kept).min(end);
            let (seen, durable) = (&self.seen, &mut self.durable);
            durable[start..kept_end].copy_from_slice(&seen[start..kept_end]);
        }
        self.seen = self.durable.clone();
        self.entry_durable = true;
    }
}

/// A step of SplitMix64.
pub fn draw(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *state;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    mixed ^ (mixed >> 31)
}

impl State {
    /// Counts a call and says how it fails, if it does.
    fn fault(&mut self) -> Option<Fault> {
        let call = self.calls;
        self.calls += 1;
        let plan = self.plan?;
        (call >= plan.at_call && call - plan.at_call < plan.calls).then_some(plan.fault)
    }

    /// As `fault`, for calls that cannot be short.
    fn check(&mut self) -> io::Result<()> {
        match self.fault() {
            None | Some(Fault::Short) => Ok(()),
            Some(fault) => Err(error(fault)),
        }
    }

    fn stored(&mut self, file: FileId) -> io::Result<&mut Stored> {
        let name = self.open.get(&file).ok_or(io::ErrorKind::NotFound)?;
        self.files.get_mut(name).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn keep(&mut self, name: &str) -> FileId {
        let id = FileId(self.next_file);
        self.next_file += 1;
        self.open.insert(id, name.to_owned());
        id
    }
}

fn error(fault: Fault) -> io::Error {
    match fault {
        Fault::Error | Fault::Short => io::Error::other("simulated device error"),
        Fault::Interrupted => io::ErrorKind::Interrupted.into(),
        Fault::NoSpace => io::ErrorKind::StorageFull.into(),
    }
}

impl Disk for SimDisk {
    fn lock(&mut self) -> io::Result<bool> {
        let mut state = self.state();
        state.check()?;
        let free = !state.locked;
        state.locked = true;
        Ok(free)
    }

    fn list(&mut self) -> io::Result<Vec<(String, u64)>> {
        let mut state = self.state();
        state.check()?;
        let sizes = state.files.iter().map(|(name, file)| (name.clone(), file.seen.len() as u64));
        Ok(sizes.collect())
    }

    fn open(&mut self, name: &str) -> io::Result<FileId> {
        let mut state = self.state();
        state.check()?;
        if !state.files.contains_key(name) {
            return Err(io::ErrorKind::NotFound.into());
        }
        Ok(state.keep(name))
    }

    fn create(&mut self, name: &str, bytes: u64) -> io::Result<FileId> {
        let mut state = self.state();
        state.check()?;
        if state.files.contains_key(name) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let used: u64 = state.files.values().map(|file| file.seen.len() as u64).sum();
        if state.quota_bytes.is_some_and(|quota| used + bytes > quota) {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let blank = vec![0; bytes as usize];
        let stored = Stored { durable: blank.clone(), seen: blank, ..Stored::default() };
        state.files.insert(name.to_owned(), stored);
        Ok(state.keep(name))
    }

    fn remove(&mut self, name: &str, file: FileId) -> io::Result<()> {
        let mut state = self.state();
        state.check()?;
        state.open.remove(&file);
        state.files.remove(name).map(|_| ()).ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn write_at(&mut self, file: FileId, offset: u64, bytes: &[u8]) -> io::Result<usize> {
        let mut state = self.state();
        let taken = match state.fault() {
            None => bytes.len(),
            Some(Fault::Short) => bytes.len().div_ceil(2),
            Some(fault) => return Err(error(fault)),
        };
        let stored = state.stored(file)?;
        let (start, end) = (offset as usize, offset as usize + taken);
        if end > stored.seen.len() {
            // A ring never grows a file; a write past the end is a bug of the ring.
            return Err(io::Error::other("simulated write past the end"));
        }
        stored.seen[start..end].copy_from_slice(&bytes[..taken]);
        stored.dirty.extend(start / SECTOR..end.div_ceil(SECTOR));
        Ok(taken)
    }

    fn read_at(&mut self, file: FileId, offset: u64, bytes: &mut [u8]) -> io::Result<usize> {
        let mut state = self.state();
        let wanted = match state.fault() {
            None => bytes.len(),
            Some(Fault::Short) => bytes.len().div_ceil(2),
            Some(fault) => return Err(error(fault)),
        };
        let stored = state.stored(file)?;
        let start = (offset as usize).min(stored.seen.len());
        let end = (start + wanted).min(stored.seen.len());
        bytes[..end - start].copy_from_slice(&stored.seen[start..end]);
        Ok(end - start)
    }

    fn sync(&mut self, file: FileId) -> io::Result<()> {
        let mut state = self.state();
        let failed = state.check();
        let stored = state.stored(file)?;
        let dirty = std::mem::take(&mut stored.dirty);
        if failed.as_ref().is_err_and(|error| error.kind() == io::ErrorKind::Interrupted) {
            stored.dirty = dirty;
            return failed;
        }
        failed?;
        for sector in dirty {
            let start = sector * SECTOR;
            let end = (start + SECTOR).min(stored.seen.len());
            stored.durable[start..end].copy_from_slice(&stored.seen[start..end]);
        }
        Ok(())
    }

    fn sync_dir(&mut self) -> io::Result<()> {
        let mut state = self.state();
        state.check()?;
        for stored in state.files.values_mut() {
            stored.entry_durable = true;
        }
        Ok(())
    }

    fn forget(&mut self, _file: FileId, _offset: u64, _bytes: u64) {}

    fn random(&mut self) -> u64 {
        draw(&mut self.state().random)
    }
}
