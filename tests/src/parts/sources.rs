//! Where this machine's own apt gets Debian from.

use std::fs;
use std::path::{Path, PathBuf};

/// A Debian mirror and the keyring that signs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mirror {
    uri: String,
    keyring: String,
}

impl Mirror {
    /// Reads apt's own source files, both formats.
    pub(super) fn of_this_machine() -> Result<Self, String> {
        let mut files = vec![PathBuf::from("/etc/apt/sources.list")];
        if let Ok(entries) = fs::read_dir("/etc/apt/sources.list.d") {
            files.extend(entries.flatten().map(|entry| entry.path()));
        }
        files.sort();
        let found = files.iter().find_map(|file| {
            let text = fs::read_to_string(file).ok()?;
            match file.extension()?.to_str()? {
                "sources" => from_stanzas(&text),
                "list" => from_lines(&text),
                _ => None,
            }
        });
        let mirror = found.ok_or("no Debian mirror among apt's sources")?;
        if !Path::new(&mirror.keyring).is_file() {
            return Err(format!("no keyring {}", mirror.keyring));
        }
        Ok(mirror)
    }

    /// The line of a `sources.list` for a suite.
    pub(super) fn line(&self, suite: &str) -> String {
        format!("deb [signed-by={}] {} {suite} main\n", self.keyring, self.uri)
    }
}

/// Shape: deb822, stanzas of `Key: value` separated by empty lines.
fn from_stanzas(text: &str) -> Option<Mirror> {
    let text: Vec<&str> = text.lines().filter(|line| !line.starts_with('#')).collect();
    text.split(|line| line.trim().is_empty()).find_map(|stanza| {
        let value = |key: &str| {
            stanza.iter().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.trim().eq_ignore_ascii_case(key).then_some(value.trim())
            })
        };
        if value("Enabled") == Some("no") {
            return None;
        }
        let uri = value("URIs")?.split_whitespace().find(|uri| is_debian(uri))?;
        let keyring = value("Signed-By").filter(|path| path.starts_with('/'));
        Some(Mirror { uri: uri.into(), keyring: keyring.unwrap_or(KEYRING).into() })
    })
}

/// Shape: `deb [option=value …] uri suite component…`.
fn from_lines(text: &str) -> Option<Mirror> {
    text.lines().find_map(|line| {
        let rest = line.trim().strip_prefix("deb ")?.trim_start();
        let (options, rest) = match rest.strip_prefix('[') {
            Some(rest) => rest.split_once(']')?,
            None => ("", rest),
        };
        let uri = rest.split_whitespace().next().filter(|uri| is_debian(uri))?;
        let keyring = options.split_whitespace().find_map(|o| o.strip_prefix("signed-by="));
        Some(Mirror { uri: uri.into(), keyring: keyring.unwrap_or(KEYRING).into() })
    })
}

/// The main archive, not the security one: `…/debian`, or the mirror list of cloud images.
fn is_debian(uri: &str) -> bool {
    let name = uri.trim_end_matches('/').rsplit('/').next();
    matches!(name, Some("debian" | "debian.list"))
}

/// Where Debian installs its own keys.
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";

#[cfg(test)]
mod tests {
    use super::*;

    fn check(found: Option<Mirror>, expected: Option<(&str, &str)>) {
        let expected =
            expected.map(|(uri, keyring)| Mirror { uri: uri.into(), keyring: keyring.into() });
        assert_eq!(found, expected);
    }

    #[test]
    fn stanzas() {
        let text = "Types: deb\nURIs: http://a.example/debian-security\nSuites: x-security\n\n\
            Types: deb\n# a comment\nURIs: http://a.example/debian/\nSuites: x x-updates\n\
            Signed-By: /keys/a.gpg\n";
        check(from_stanzas(text), Some(("http://a.example/debian/", "/keys/a.gpg")));
        check(from_stanzas("Enabled: no\nURIs: http://a.example/debian\n"), None);
        check(from_stanzas("URIs: http://a.example/node\n"), None);
    }

    #[test]
    fn lines() {
        let text = "# deb http://old.example/debian x main\n\
            deb http://a.example/debian-security x/updates main\n\
            deb [arch=amd64 signed-by=/keys/b.gpg] http://a.example/debian x main\n";
        check(from_lines(text), Some(("http://a.example/debian", "/keys/b.gpg")));
        check(
            from_lines("deb http://a.example/debian x main\n"),
            Some(("http://a.example/debian", KEYRING)),
        );
    }
}
