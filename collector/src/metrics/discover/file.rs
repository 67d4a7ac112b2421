//! Targets read from JSON and YAML files.
//!
//! Owns which files a pattern names, when a file is read again, and what a bad or vanished file
//! does. Never knows targets. Invariants: a file that does not parse keeps its last good groups;
//! a file is only read when its size, time or inode changed, or at the slow re-read.
//! Called by the corridor as one task per `file_sd_configs` entry.
//!
//! Polling metadata costs a few microseconds per file and second, works on every file system, and
//! sees the symlink swap of a mounted ConfigMap, which inotify on the file does not.

use std::collections::BTreeMap;
use std::fs::Metadata;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use runnel_config::settings::FileSd;
use tokio::fs;
use tokio::sync::watch;
use tokio::time::{Instant, sleep};

use super::groups::{self, Keys};
use super::{Discovered, Group, SourceError};

#[cfg(test)]
mod tests;

/// Time between two looks at the files' metadata.
const POLL: Duration = Duration::from_secs(1);

/// Looks that a vanished file has to be missing for before its groups go: a writer that removes
/// and writes anew takes less than one.
const LOOKS_MISSING: u8 = 2;

/// Largest file. A list of 100,000 targets with ten labels has about 20 MB.
const FILE_BYTES_MAX: u64 = 32 << 20;

/// Most files that one pattern names; more is a pattern on the wrong folder.
const PATTERN_FILES_MAX: usize = 10_000;

/// Reads the files again and again, and publishes all their groups.
///
/// Ends when nobody listens any more.
pub async fn run(settings: FileSd, out: watch::Sender<Discovered>) {
    let mut watcher = Watcher::new(&settings.files);
    let mut reread_at = Instant::now();
    loop {
        let reread = Instant::now() >= reread_at;
        if reread {
            reread_at = Instant::now() + settings.refresh_interval.duration().max(POLL);
        }
        watcher.look(reread).await;
        groups::publish(&out, watcher.groups(), watcher.errors());
        tokio::select! {
            () = out.closed() => return,
            () = sleep(POLL) => {}
        }
    }
}

/// What tells that a file changed: size, time of change, inode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Print(u64, i64, i64, u64);

/// One file as last seen.
#[derive(Debug, Default)]
struct File {
    print: Option<Print>,
    groups: Vec<Group>,
    error: Option<String>,
    looks_missing: u8,
}

#[derive(Debug)]
struct Watcher {
    patterns: Vec<PathBuf>,
    files: BTreeMap<PathBuf, File>,
    /// Patterns whose folder cannot be read.
    broken: Vec<SourceError>,
}

impl Watcher {
    fn new(patterns: &[String]) -> Self {
        let patterns = patterns.iter().map(PathBuf::from).collect();
        Self { patterns, files: BTreeMap::new(), broken: Vec::new() }
    }

    fn groups(&self) -> Vec<Group> {
        self.files.values().flat_map(|file| file.groups.iter().cloned()).collect()
    }

    fn errors(&self) -> Vec<SourceError> {
        let of_files = self.files.iter().filter_map(|(path, file)| {
            let text = file.error.clone()?;
            Some(SourceError { source: path.display().to_string(), text })
        });
        self.broken.iter().cloned().chain(of_files).collect()
    }

    /// One look at all patterns; `reread` reads files that seem unchanged too.
    async fn look(&mut self, reread: bool) {
        self.broken.clear();
        for file in self.files.values_mut() {
            file.looks_missing = file.looks_missing.saturating_add(1);
        }
        for pattern in self.patterns.clone() {
            match expand(&pattern) {
                Ok(paths) => {
                    for path in paths {
                        self.look_at(path, reread).await;
                    }
                }
                // The files of a folder that cannot be read are neither there nor gone.
                Err(error) => {
                    let source = pattern.display().to_string();
                    let text = format!("cannot list the folder: {error}");
                    self.broken.push(SourceError { source, text });
                    let kept = self.files.iter_mut().filter(|(path, _)| names(&pattern, path));
                    kept.for_each(|(_, file)| file.looks_missing = 0);
                }
            }
        }
        let patterns = &self.patterns;
        self.files.retain(|path, file| {
            let is_named = patterns.contains(path);
            if file.looks_missing >= LOOKS_MISSING {
                file.groups.clear();
                file.print = None;
            }
            is_named || file.looks_missing < LOOKS_MISSING
        });
    }

    async fn look_at(&mut self, path: PathBuf, reread: bool) {
        let found = fs::metadata(&path).await;
        let file = self.files.entry(path.clone()).or_default();
        let metadata = match found {
            Ok(metadata) => metadata,
            // Counted as missing; a path without a wildcard says so.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                file.error = Some("cannot read the file: it does not exist".to_owned());
                return;
            }
            Err(error) => {
                file.looks_missing = 0;
                file.error = Some(format!("cannot read the file: {error}"));
                return;
            }
        };
        file.looks_missing = 0;
        let print = Print::new(&metadata);
        if file.print == Some(print) && !reread {
            return;
        }
        file.print = Some(print);
        match read(&path, &metadata).await {
            Ok(groups) => (file.groups, file.error) = (groups, None),
            Err(error) => file.error = Some(error),
        }
    }
}

impl Print {
    fn new(metadata: &Metadata) -> Self {
        Self(metadata.len(), metadata.mtime(), metadata.mtime_nsec(), metadata.ino())
    }
}

/// The paths that a pattern names, in order; only the last part may hold `*`.
///
/// # Errors
/// The disk's; more than [`PATTERN_FILES_MAX`] files.
pub fn expand(pattern: &Path) -> io::Result<Vec<PathBuf>> {
    if !is_pattern(pattern) {
        return Ok(vec![pattern.to_owned()]);
    }
    let folder = match pattern.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        // As with a pattern that names nothing.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error),
    };
    let mut paths = Vec::new();
    for entry in entries {
        let path = pattern.with_file_name(entry?.file_name());
        if names(pattern, &path) {
            paths.push(path);
        }
        if paths.len() > PATTERN_FILES_MAX {
            return Err(io::Error::other(format!("more than {PATTERN_FILES_MAX} files match")));
        }
    }
    paths.sort_unstable();
    Ok(paths)
}

fn is_pattern(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name.to_string_lossy().contains('*'))
}

/// Whether a pattern names a path; a hidden file only when the pattern begins with a dot too.
fn names(pattern: &Path, path: &Path) -> bool {
    let (Some(pattern_name), Some(name)) = (pattern.file_name(), path.file_name()) else {
        return false;
    };
    let (pattern_name, name) = (pattern_name.to_string_lossy(), name.to_string_lossy());
    let hidden = name.starts_with('.') && !pattern_name.starts_with('.');
    pattern.parent() == path.parent() && !hidden && matches(&pattern_name, &name)
}

/// Whether a name matches a pattern with `*`. Taking the first place of each text suffices.
fn matches(pattern: &str, name: &str) -> bool {
    let Some((prefix, rest)) = pattern.split_once('*') else { return pattern == name };
    let Some(mut name) = name.strip_prefix(prefix) else { return false };
    let (middle, suffix) = rest.rsplit_once('*').unwrap_or(("", rest));
    for text in middle.split('*') {
        let Some((_, behind)) = name.split_once(text) else { return false };
        name = behind;
    }
    name.ends_with(suffix)
}

async fn read(path: &Path, metadata: &Metadata) -> Result<Vec<Group>, String> {
    if metadata.len() > FILE_BYTES_MAX {
        let len = metadata.len();
        return Err(format!("the file has {len} bytes, at most {FILE_BYTES_MAX} are read"));
    }
    let text = fs::read(path).await.map_err(|error| format!("cannot read the file: {error}"))?;
    let source = path.display().to_string();
    let mut groups = if path.extension().is_some_and(|extension| extension == "json") {
        groups::from_json(&text, &source, Keys::Known)?
    } else {
        let text =
            std::str::from_utf8(&text).map_err(|error| format!("expected UTF-8: {error}"))?;
        groups::from_yaml(text, &source)?
    };
    for group in &mut groups {
        group.labels.set("__meta_filepath", &source);
    }
    Ok(groups)
}
