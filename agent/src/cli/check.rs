//! `runnel check`: validates a configuration and prints it resolved.

use std::path::{Path, PathBuf};

use super::Failure;
use crate::config_files;

/// Prints the resolved file on standard output and warnings on standard error.
///
/// # Errors
/// [`Failure::Usage`] with all mistakes of the file.
pub fn run(config: &Path, vars: &[PathBuf]) -> Result<(), Failure> {
    let loaded = config_files::load(config, vars).map_err(Failure::Usage)?;
    for warning in &loaded.warnings {
        eprintln!("warning: {warning}");
    }
    print!("{}", loaded.resolved);
    Ok(())
}
