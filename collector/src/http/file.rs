//! A file as it was when last looked at.
//!
//! Owns reading small files whole and telling whether they changed. Never knows what they hold.
//! Reads block the calling task: the files are small and lie in a mounted secret, which is memory.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Duration;

use tokio::time::Instant;

/// What tells one version of a file from the next. A mounted Kubernetes secret changes by a
/// symbolic link, so links are followed and the inode counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    inode: u64,
    size: u64,
    mtime_ns: i128,
}

impl Stamp {
    /// The stamp of `path` now; none when there is no such file.
    pub(super) fn of(path: &Path) -> Option<Self> {
        let meta = fs::metadata(path).ok()?;
        let mtime_ns = i128::from(meta.mtime()) * 1_000_000_000 + i128::from(meta.mtime_nsec());
        Some(Self { inode: meta.ino(), size: meta.size(), mtime_ns })
    }
}

/// Reads a small file whole.
///
/// # Errors
/// A text when the file cannot be read or is larger than [`FILE_BYTES_MAX`].
pub(super) fn read(path: &Path) -> Result<Vec<u8>, String> {
    let fail = |cause: String| format!("read file {}: {cause}", path.display());
    let file = File::open(path).map_err(|e| fail(e.to_string()))?;
    let mut bytes = Vec::new();
    file.take(FILE_BYTES_MAX + 1).read_to_end(&mut bytes).map_err(|e| fail(e.to_string()))?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        return Err(fail(format!("larger than {FILE_BYTES_MAX} bytes")));
    }
    Ok(bytes)
}

/// Says when it is time to look at files again.
#[derive(Debug)]
pub(super) struct Pace {
    every: Duration,
    last: Option<Instant>,
}

impl Pace {
    pub(super) fn new(every: Duration) -> Self {
        Self { every, last: None }
    }

    /// True at the first call and then at most once per span.
    pub(super) fn due(&mut self, now: Instant) -> bool {
        let due = self.last.is_none_or(|last| now.duration_since(last) >= self.every);
        if due {
            self.last = Some(now);
        }
        due
    }
}

/// Largest secret or PEM file. A Kubernetes secret ends at 1 MiB, a full bundle of public
/// authorities is about 220 KiB.
const FILE_BYTES_MAX: u64 = 1 << 20;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::testing::Folder;

    #[test]
    fn looks_are_paced() {
        let start = Instant::now();
        let mut pace = Pace::new(Duration::from_secs(1));
        for (ms, due) in [(0, true), (0, false), (999, false), (1000, true), (1500, false)] {
            assert_eq!(pace.due(start + Duration::from_millis(ms)), due, "at {ms} ms");
        }
    }

    #[test]
    fn stamps_tell_versions_apart_and_large_files_are_refused() {
        let folder = Folder::new();
        let path = folder.write("a", "one");
        let first = Stamp::of(&path);
        assert_eq!(Stamp::of(&path), first);
        folder.write("a", "two");
        assert_ne!(Stamp::of(&path), first);
        assert_eq!(read(&path).as_deref(), Ok(&b"two"[..]));
        folder.write("a", &"x".repeat(FILE_BYTES_MAX as usize + 1));
        assert!(read(&path).unwrap_err().contains("larger than 1048576 bytes"));
        assert_eq!(Stamp::of(&folder.path("none")), None);
    }
}
