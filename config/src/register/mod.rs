//! The register of keys: every key with its type, default, fate and one line of documentation.
//!
//! Owns: which keys exist. The decoder asks it for each key it reads and takes each default from
//! it, the checker for each key it meets, `docs/configuration.md` is printed from it: so the three
//! cannot differ.
//! Never knows: YAML, settings.
//! Invariants: a key stands once per section; a default is readable as its kind.
//! Called by `check`, `decode`, `docs`, `suggest`.

mod http;
mod node;
mod relabel;
mod scrape;
mod sd;
mod write;

#[cfg(test)]
mod tests;

pub(crate) use node::ROOT;
pub(crate) use relabel::RELABEL;
pub(crate) use scrape::{SCRAPE, SCRAPE_FILE};

/// The keys of one mapping.
pub(crate) struct Section {
    /// Title in the documentation, as `scrape_configs[]`.
    pub title: &'static str,
    /// What the section is for.
    pub about: &'static str,
    /// The keys, in groups that several sections may share.
    pub groups: &'static [&'static [Key]],
}

impl Section {
    /// All keys, in the order of the documentation.
    pub fn keys(&self) -> impl Iterator<Item = &'static Key> + use<> {
        self.groups.iter().flat_map(|group| group.iter())
    }

    /// The key of a name.
    pub fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys().find(|key| key.name == name)
    }
}

/// One key.
#[derive(Clone, Copy)]
pub(crate) struct Key {
    pub name: &'static str,
    pub kind: Kind,
    /// Text of the default; empty where there is none.
    pub default: &'static str,
    pub fate: Fate,
    pub doc: &'static str,
}

/// What becomes of a key.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Fate {
    /// Checked, then dropped: for this agent it means nothing.
    Ignored,
    /// An error that says why.
    Refused(&'static str),
    /// An error that says the new name.
    Renamed(&'static str),
    /// Read; an error when missing.
    Required,
    /// Read.
    Used,
    /// Checked, then dropped, with a warning that says what is lost.
    Warned(&'static str),
}

/// What a key holds.
#[derive(Clone, Copy)]
pub(crate) enum Kind {
    Address,
    Any,
    Bool,
    Count,
    Duration,
    /// A list of `Name: value`, or a mapping of names to values.
    Headers,
    /// A mapping of names to texts.
    Labels,
    List(&'static Section),
    Map(&'static Section),
    /// A mapping of free names to sections.
    Named(&'static Section),
    Number,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A mapping of names to lists of texts.
    Params,
    Path,
    Rate,
    /// A regex, or a list of which one has to match.
    Regex,
    Secret,
    /// A series selector, or a list of which one has to match.
    Selectors,
    Share,
    Size,
    /// A size whose `MB` is binary.
    SizeBinary,
    Text,
    Texts,
    Time,
    Url,
    Version,
}

impl Kind {
    /// The name in the documentation.
    pub fn name(&self) -> String {
        match self {
            Kind::Address => "address".to_owned(),
            Kind::Any => "anything".to_owned(),
            Kind::Bool => "true or false".to_owned(),
            Kind::Count => "count".to_owned(),
            Kind::Duration => "duration".to_owned(),
            Kind::Headers => "list of `Name: value`, or mapping".to_owned(),
            Kind::Labels => "mapping to text".to_owned(),
            Kind::List(section) => {
                format!("list of [{0}](#{1})", section.title, anchor(section.title))
            }
            Kind::Map(section) => format!("[{0}](#{1})", section.title, anchor(section.title)),
            Kind::Named(section) => {
                format!("mapping to [{0}](#{1})", section.title, anchor(section.title))
            }
            Kind::Number => "number".to_owned(),
            Kind::OneOf(words) => {
                words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
            }
            Kind::Params => "mapping to lists of text".to_owned(),
            Kind::Path => "path".to_owned(),
            Kind::Rate => "rate".to_owned(),
            Kind::Regex => "regex, or list of them".to_owned(),
            Kind::Secret => "secret".to_owned(),
            Kind::Selectors => "series selector, or list of them".to_owned(),
            Kind::Share => "share".to_owned(),
            Kind::Size => "size".to_owned(),
            Kind::SizeBinary => "size, `MB` being binary".to_owned(),
            Kind::Text => "text".to_owned(),
            Kind::Texts => "list of text".to_owned(),
            Kind::Time => "time of day".to_owned(),
            Kind::Url => "URL".to_owned(),
            Kind::Version => "`TLS10` to `TLS13`".to_owned(),
        }
    }

    /// The section below, if there is one.
    pub fn section(&self) -> Option<&'static Section> {
        match self {
            Kind::List(section) | Kind::Map(section) | Kind::Named(section) => Some(section),
            _ => None,
        }
    }
}

/// The part of a link behind `#`, as the common Markdown renderers make it of a title.
pub(crate) fn anchor(title: &str) -> String {
    title.chars().filter(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-')).collect()
}

/// All sections, each once, in the order of the documentation.
pub(crate) fn sections() -> Vec<&'static Section> {
    let mut found: Vec<&'static Section> = vec![&ROOT];
    let mut at = 0;
    while let Some(section) = found.get(at).copied() {
        let below = section.keys().filter_map(|key| key.kind.section());
        for below in below {
            if !found.iter().any(|known| std::ptr::eq(*known, below)) {
                found.push(below);
            }
        }
        at += 1;
    }
    found
}

const fn key(name: &'static str, kind: Kind, default: &'static str, doc: &'static str) -> Key {
    Key { name, kind, default, fate: Fate::Used, doc }
}

impl Key {
    const fn required(self) -> Self {
        Self { fate: Fate::Required, ..self }
    }

    const fn ignored(self) -> Self {
        Self { fate: Fate::Ignored, ..self }
    }

    const fn warned(self, text: &'static str) -> Self {
        Self { fate: Fate::Warned(text), ..self }
    }

    const fn refused(self, text: &'static str) -> Self {
        Self { fate: Fate::Refused(text), ..self }
    }

    const fn renamed(self, to: &'static str) -> Self {
        Self { fate: Fate::Renamed(to), ..self }
    }
}
