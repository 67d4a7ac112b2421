//! The seam between the ring and a disk.
//!
//! Owns the trait [`Disk`] and the loops that turn short and interrupted transfers into whole
//! ones. Never knows frames or segments. The ring calls it from the one thread that runs it.

use std::io;

mod real;
#[doc(hidden)]
pub mod sim;

pub use real::RealDisk;

/// An open file of a [`Disk`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct FileId(pub u32);

/// What a ring needs of a folder.
///
/// Every call may fail with any error; transfers may be short or interrupted. After a failed
/// `sync` the written bytes count as lost, whatever a later `sync` says.
pub trait Disk: Send {
    /// Takes the folder's lock; `false` when another process holds it.
    fn lock(&mut self) -> io::Result<bool>;
    /// Lists plain files by name and size.
    fn list(&mut self) -> io::Result<Vec<(String, u64)>>;
    /// Opens an existing file.
    fn open(&mut self, name: &str) -> io::Result<FileId>;
    /// Creates a file with all its bytes allocated; leaves none behind when that fails.
    fn create(&mut self, name: &str, bytes: u64) -> io::Result<FileId>;
    /// Closes and removes a file.
    fn remove(&mut self, name: &str, file: FileId) -> io::Result<()>;
    /// Writes at a position; returns how many bytes were taken.
    fn write_at(&mut self, file: FileId, offset: u64, bytes: &[u8]) -> io::Result<usize>;
    /// Reads at a position; returns how many bytes came, zero at the end.
    fn read_at(&mut self, file: FileId, offset: u64, bytes: &mut [u8]) -> io::Result<usize>;
    /// Makes the file's bytes durable.
    fn sync(&mut self, file: FileId) -> io::Result<()>;
    /// Makes the folder's entries durable.
    fn sync_dir(&mut self) -> io::Result<()>;
    /// Advises that these bytes need no page cache.
    fn forget(&mut self, file: FileId, offset: u64, bytes: u64);
    /// Draws a random number.
    fn random(&mut self) -> u64;
}

/// How often an interrupted or empty transfer is tried again without progress.
const STALLS_MAX: u32 = 16;

/// Writes all bytes.
///
/// # Errors
/// That of the disk; `WriteZero` when it takes nothing.
pub(crate) fn write_all(
    disk: &mut impl Disk,
    file: FileId,
    mut offset: u64,
    mut bytes: &[u8],
) -> io::Result<()> {
    let mut stalls = 0;
    while !bytes.is_empty() {
        match disk.write_at(file, offset, bytes) {
            Ok(taken) if taken > 0 => {
                bytes = bytes.get(taken..).unwrap_or_default();
                offset += taken as u64;
                stalls = 0;
            }
            Ok(_) if stalls >= STALLS_MAX => return Err(io::ErrorKind::WriteZero.into()),
            Ok(_) => stalls += 1,
            Err(error) if retry(&error) && stalls < STALLS_MAX => stalls += 1,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Reads until `bytes` is full or the file ends; returns how many bytes came.
///
/// # Errors
/// That of the disk.
pub(crate) fn read_full(
    disk: &mut impl Disk,
    file: FileId,
    offset: u64,
    bytes: &mut [u8],
) -> io::Result<usize> {
    let mut done = 0;
    let mut stalls = 0;
    while done < bytes.len() {
        match disk.read_at(file, offset + done as u64, &mut bytes[done..]) {
            Ok(0) => break,
            Ok(came) => {
                done += came.min(bytes.len() - done);
                stalls = 0;
            }
            Err(error) if retry(&error) && stalls < STALLS_MAX => stalls += 1,
            Err(error) => return Err(error),
        }
    }
    Ok(done)
}

/// Syncs, trying again only when a signal came.
///
/// # Errors
/// That of the disk; it must not be tried again (see [`Disk`]).
pub(crate) fn sync_file(disk: &mut impl Disk, file: FileId) -> io::Result<()> {
    for _ in 0..STALLS_MAX {
        match disk.sync(file) {
            Err(error) if retry(&error) => {}
            done => return done,
        }
    }
    disk.sync(file)
}

fn retry(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::Interrupted
}
