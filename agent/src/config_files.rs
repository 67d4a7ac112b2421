//! From files and variables to settings: the part of configuration that touches the disk.
//!
//! Owns reading the configuration, the files it names, the folders of variables and the
//! environment. What any of it means is the config crate's business.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use runnel_collector::metrics::discover;
use runnel_config::settings::WriteProtocol;
use runnel_config::{Loaded, Settings, Source};

/// A configuration that was read and checked.
#[derive(Debug)]
pub struct Configuration {
    /// The settings.
    pub settings: Settings,
    /// What the operator should know.
    pub warnings: Vec<String>,
    /// The file as it is used: defaults filled in, secrets masked.
    pub resolved: String,
    /// Files that it was read from, beside the main one.
    pub named_files: Vec<PathBuf>,
}

/// Largest file that is read as configuration: 30 times the largest Secret of Kubernetes.
const FILE_BYTES_MAX: u64 = 32 << 20;

/// Reads and checks a configuration.
///
/// # Errors
/// The text for the operator: every mistake with file, line and column.
pub fn load(path: &Path, vars: &[PathBuf]) -> Result<Configuration, String> {
    let variables = Variables::read(vars)?;
    let source = read_source(path)?;
    let lookup = |name: &str| variables.value(name);
    let files = |pattern: &str| {
        let paths = discover::file::expand(Path::new(pattern));
        let paths = paths.map_err(|error| format!("cannot list {pattern}: {error}"))?;
        paths.iter().map(|path| read_source(path)).collect()
    };
    match runnel_config::load(&source, &lookup, &files) {
        Ok(Loaded { settings, warnings, files }) => {
            refuse_what_is_to_come(&settings)?;
            let warnings = warnings.iter().map(ToString::to_string);
            Ok(Configuration {
                resolved: runnel_config::render(&settings),
                warnings: warnings.chain(without_effect(&settings)).collect(),
                settings,
                named_files: files.iter().skip(1).map(PathBuf::from).collect(),
            })
        }
        Err(errors) => Err(errors.to_string()),
    }
}

/// Refuses what would do something else than it says.
fn refuse_what_is_to_come(settings: &Settings) -> Result<(), String> {
    let version_2 =
        settings.remote_write.iter().find(|to| to.protocol == WriteProtocol::RemoteWrite2);
    match version_2 {
        Some(to) => Err(format!(
            "remote_write {}: remote write 2.0 is not supported by this version; \
             leave the protocol out, or use remote_write_1",
            to.name
        )),
        None => Ok(()),
    }
}

/// Names what is checked but does nothing in this version, so that nobody relies on it.
fn without_effect(settings: &Settings) -> impl Iterator<Item = String> {
    let link = &settings.link;
    let found = [
        ("kubernetes", settings.kubernetes.is_some()),
        ("logs", settings.logs.is_some()),
        ("link.capacity", link.capacity.is_some()),
        ("link.windows", !link.windows.is_empty()),
        (
            "kubernetes_sd_configs",
            settings.scrape_configs.iter().any(|job| !job.kubernetes_sd_configs.is_empty()),
        ),
        ("remote_write", settings.remote_write.is_empty()),
    ];
    found.into_iter().filter(|(_, there)| *there).map(|(key, _)| match key {
        "remote_write" => {
            "remote_write: there is none, so nothing is kept and nothing sent".to_owned()
        }
        key => format!("{key}: checked, but without effect in this version"),
    })
}

/// A number that changes whenever the configuration, a file it names or a variable may have
/// changed.
///
/// Made of sizes, times and inodes, so that looking every few seconds costs some `stat` calls.
pub fn fingerprint(path: &Path, vars: &[PathBuf], named: &[PathBuf]) -> u64 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    use std::os::unix::fs::MetadataExt;
    let mut hasher = DefaultHasher::new();
    let mut look = |path: &Path| {
        let found = fs::metadata(path).ok();
        found.map(|is| (is.ino(), is.size(), is.mtime(), is.mtime_nsec())).hash(&mut hasher);
    };
    look(path);
    named.iter().for_each(|path| look(path));
    for dir in vars {
        look(dir);
        variable_files(dir).unwrap_or_default().iter().for_each(|(_, path)| look(path));
    }
    hasher.finish()
}

/// Variables of the `--vars` folders and of the environment.
struct Variables(BTreeMap<String, String>);

impl Variables {
    /// Reads the folders. A later folder wins over an earlier one, as a later overlay would.
    fn read(dirs: &[PathBuf]) -> Result<Self, String> {
        let mut values = BTreeMap::new();
        for dir in dirs {
            for (name, path) in variable_files(dir)? {
                let text = read_text(&path)?;
                // An editor's or a template's last newline is not part of a value.
                values.insert(name, text.trim_end_matches(['\n', '\r']).to_owned());
            }
        }
        Ok(Self(values))
    }

    fn value(&self, name: &str) -> Option<String> {
        self.0.get(name).cloned().or_else(|| std::env::var(name).ok())
    }
}

/// The files of a folder of variables, by name. A mounted ConfigMap's own entries (`..data`) and
/// other hidden files are no variables.
fn variable_files(dir: &Path) -> Result<Vec<(String, PathBuf)>, String> {
    let entries = fs::read_dir(dir).map_err(|error| {
        format!("cannot read the folder of variables {}: {error}", dir.display())
    })?;
    let mut files = Vec::new();
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        if !name.starts_with('.') && entry.path().is_file() {
            files.push((name, entry.path()));
        }
    }
    files.sort();
    Ok(files)
}

fn read_source(path: &Path) -> Result<Source, String> {
    Ok(Source::new(path, read_text(path)?))
}

fn read_text(path: &Path) -> Result<String, String> {
    let size = fs::metadata(path)
        .map_err(|error| format!("cannot read {}: {error}", path.display()))?
        .len();
    if size > FILE_BYTES_MAX {
        return Err(format!(
            "cannot read {}: {size} bytes, at most {FILE_BYTES_MAX}",
            path.display()
        ));
    }
    fs::read_to_string(path).map_err(|error| format!("cannot read {}: {error}", path.display()))
}
