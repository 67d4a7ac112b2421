//! A folder of a real file system.
//!
//! Owns the file handles and the lock file. Positional calls only: a full disk or a bad sector is
//! an error code here, where a mapping would raise SIGBUS.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::hash::{BuildHasher, RandomState};
use std::io;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use rustix::fs::{Advice, FallocateFlags, FlockOperation, fadvise, fallocate, flock};

use super::{Disk, FileId};

/// The name of the file that carries the lock.
const LOCK_NAME: &str = "ring.lock";

/// A folder on disk.
///
/// Its lock is let go when this value is dropped.
#[derive(Debug)]
pub struct RealDisk {
    folder: PathBuf,
    read_only: bool,
    files: BTreeMap<FileId, File>,
    next_file: u32,
    lock: Option<File>,
}

impl RealDisk {
    /// A folder to be written; created when it is missing, at the first call that needs it.
    pub fn new(folder: impl AsRef<Path>) -> RealDisk {
        RealDisk {
            folder: folder.as_ref().to_owned(),
            read_only: false,
            files: BTreeMap::new(),
            next_file: 0,
            lock: None,
        }
    }

    /// A folder to be read only, for the offline commands: takes no lock, changes nothing.
    pub fn read_only(folder: impl AsRef<Path>) -> RealDisk {
        RealDisk { read_only: true, ..RealDisk::new(folder) }
    }

    fn keep(&mut self, file: File) -> FileId {
        let id = FileId(self.next_file);
        self.next_file += 1;
        self.files.insert(id, file);
        id
    }

    fn file(&self, id: FileId) -> io::Result<&File> {
        self.files.get(&id).ok_or_else(|| io::ErrorKind::NotFound.into())
    }
}

impl Disk for RealDisk {
    fn lock(&mut self) -> io::Result<bool> {
        fs::create_dir_all(&self.folder)?;
        let path = self.folder.join(LOCK_NAME);
        let file = OpenOptions::new().write(true).create(true).truncate(false).open(path)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {
                self.lock = Some(file);
                Ok(true)
            }
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn list(&mut self) -> io::Result<Vec<(String, u64)>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let meta = entry.metadata()?;
            if let (true, Ok(name)) = (meta.is_file(), entry.file_name().into_string()) {
                found.push((name, meta.len()));
            }
        }
        Ok(found)
    }

    fn open(&mut self, name: &str) -> io::Result<FileId> {
        let mut options = OpenOptions::new();
        options.read(true).write(!self.read_only);
        let file = options.open(self.folder.join(name))?;
        Ok(self.keep(file))
    }

    fn create(&mut self, name: &str, bytes: u64) -> io::Result<FileId> {
        let path = self.folder.join(name);
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(&path)?;
        if let Err(error) = allocate(&file, bytes) {
            // The first error is the one to tell; a file left behind is found by the next open.
            let _ = fs::remove_file(&path);
            return Err(error);
        }
        Ok(self.keep(file))
    }

    fn remove(&mut self, name: &str, file: FileId) -> io::Result<()> {
        self.files.remove(&file);
        fs::remove_file(self.folder.join(name))
    }

    fn write_at(&mut self, file: FileId, offset: u64, bytes: &[u8]) -> io::Result<usize> {
        self.file(file)?.write_at(bytes, offset)
    }

    fn read_at(&mut self, file: FileId, offset: u64, bytes: &mut [u8]) -> io::Result<usize> {
        self.file(file)?.read_at(bytes, offset)
    }

    fn sync(&mut self, file: FileId) -> io::Result<()> {
        self.file(file)?.sync_data()
    }

    fn sync_dir(&mut self) -> io::Result<()> {
        File::open(&self.folder)?.sync_all()
    }

    fn forget(&mut self, file: FileId, offset: u64, bytes: u64) {
        if let (Ok(file), Some(bytes)) = (self.file(file), std::num::NonZeroU64::new(bytes)) {
            // Advice only: a file system that knows none keeps its cache.
            let _ = fadvise(file, offset, Some(bytes), Advice::DontNeed);
        }
    }

    fn random(&mut self) -> u64 {
        // std seeds every RandomState from the kernel; that is all the chance needed here.
        RandomState::new().hash_one(self.next_file)
    }
}

/// Allocates all bytes, so that later writes cannot run out of space on ext4 and XFS.
///
/// A file system that cannot allocate gets a sparse file: a full disk then shows when writing.
fn allocate(file: &File, bytes: u64) -> io::Result<()> {
    loop {
        match fallocate(file, FallocateFlags::empty(), 0, bytes) {
            Ok(()) => return Ok(()),
            Err(rustix::io::Errno::INTR) => {}
            Err(rustix::io::Errno::OPNOTSUPP) => return file.set_len(bytes),
            Err(error) => return Err(error.into()),
        }
    }
}
