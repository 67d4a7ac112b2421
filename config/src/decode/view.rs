//! One mapping seen through its section of the register.
//!
//! Owns: reading a value by name, its default included.
//! Never knows: what a key is for.
//! Invariants: a key that the register lacks, or does not call used, panics with `BUG:`, so that no
//! key can be read without being documented; a value that does not read gives the default, since
//! the checker has already reported it.
//! Called by the other files of `decode`.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::check::join;
use crate::context::Context;
use crate::register::{Fate, Key, Kind, Section};
use crate::scalar::{self, Expected};
use crate::units::{BitsPerSecond, Bytes, Millis, Secret};
use crate::yaml::{Node, Pos, Value};

static EMPTY: Node = Node { pos: Pos::START, value: Value::Map(Vec::new()) };

/// One mapping seen through its section.
pub(super) struct View<'a> {
    pub cx: &'a Context<'a>,
    pub path: String,
    /// Where the mapping begins, or where it would stand.
    pub pos: Pos,
    section: &'static Section,
    node: &'a Node,
}

impl<'a> View<'a> {
    pub fn new(
        cx: &'a Context<'a>,
        section: &'static Section,
        node: &'a Node,
        path: String,
    ) -> Self {
        Self { cx, path, pos: node.pos, section, node }
    }

    /// True when the key is there and not null.
    pub fn has(&self, name: &str) -> bool {
        self.node(name).is_some()
    }

    /// True when the key is there without a value.
    pub fn is_null(&self, name: &str) -> bool {
        self.key(name);
        self.node.entry(name).is_some_and(|entry| entry.value.is_null())
    }

    /// The value of a key, unless it is absent or null.
    pub fn node(&self, name: &str) -> Option<&'a Node> {
        self.key(name);
        self.node.entry(name).map(|entry| &entry.value).filter(|value| !value.is_null())
    }

    /// Where a key stands, or the mapping when it is absent.
    pub fn pos_of(&self, name: &str) -> Pos {
        self.node.entry(name).map_or(self.pos, |entry| entry.pos)
    }

    pub fn error(&self, name: &str, text: impl Into<String>) {
        let pos = self.node(name).map_or(self.pos_of(name), |node| node.pos);
        self.cx.error(pos, &join(&self.path, name), text.into());
    }

    pub fn error_here(&self, text: impl Into<String>) {
        self.cx.error(self.pos, &self.path, text.into());
    }

    pub fn warn(&self, name: &str, text: impl Into<String>) {
        let pos = self.node(name).map_or(self.pos_of(name), |node| node.pos);
        self.cx.warn(pos, &join(&self.path, name), text.into());
    }

    pub fn bool(&self, name: &str) -> bool {
        self.read(name, scalar::parse_bool).unwrap_or_default()
    }

    pub fn bool_opt(&self, name: &str) -> Option<bool> {
        self.read(name, scalar::parse_bool)
    }

    pub fn count(&self, name: &str) -> u64 {
        self.read(name, scalar::parse_count).unwrap_or_default()
    }

    pub fn count_opt(&self, name: &str) -> Option<u64> {
        self.read(name, scalar::parse_count)
    }

    pub fn duration(&self, name: &str) -> Millis {
        self.read(name, scalar::parse_duration).unwrap_or_default()
    }

    pub fn duration_opt(&self, name: &str) -> Option<Millis> {
        self.read(name, scalar::parse_duration)
    }

    /// A duration that has to be above zero.
    pub fn interval_opt(&self, name: &str) -> Option<Millis> {
        let span = self.duration_opt(name)?;
        if span.0 == 0 {
            self.error(name, "found 0, expected a duration above 0");
            return None;
        }
        Some(span)
    }

    /// A duration with a default that has to be above zero.
    pub fn interval(&self, name: &str) -> Millis {
        self.interval_opt(name).unwrap_or(Millis(1))
    }

    pub fn size(&self, name: &str) -> Bytes {
        self.size_opt(name).unwrap_or_default()
    }

    pub fn size_opt(&self, name: &str) -> Option<Bytes> {
        match self.key(name).kind {
            Kind::SizeBinary => self.read(name, scalar::parse_size_binary),
            _ => self.read(name, scalar::parse_size),
        }
    }

    pub fn rate_opt(&self, name: &str) -> Option<BitsPerSecond> {
        self.read(name, scalar::parse_rate)
    }

    pub fn share(&self, name: &str) -> f64 {
        self.read(name, scalar::parse_share).unwrap_or_default()
    }

    pub fn time(&self, name: &str) -> u16 {
        self.read(name, scalar::parse_time).unwrap_or_default()
    }

    pub fn address(&self, name: &str) -> SocketAddr {
        let unspecified = SocketAddr::from(([0, 0, 0, 0], 0));
        self.read(name, scalar::parse_address).unwrap_or(unspecified)
    }

    /// A text; empty when absent and without default.
    pub fn text(&self, name: &str) -> String {
        self.text_opt(name).unwrap_or_default()
    }

    pub fn text_opt(&self, name: &str) -> Option<String> {
        self.read(name, |text| Ok(text.to_owned()))
    }

    /// One of the words of the key, in the register's spelling; empty when absent.
    pub fn word(&self, name: &str) -> &'static str {
        let Kind::OneOf(words) = self.key(name).kind else {
            panic!("BUG: `{name}` of `{}` is not one of some words", self.section.title);
        };
        let text = self.text(name);
        words.iter().find(|word| word.eq_ignore_ascii_case(&text)).copied().unwrap_or_default()
    }

    /// A path, resolved; an empty one counts as absent, as in Prometheus.
    pub fn path_opt(&self, name: &str) -> Option<PathBuf> {
        let given = self.node(name).and_then(Node::text).filter(|text| !text.is_empty());
        let text = given.unwrap_or(self.key(name).default);
        (!text.is_empty()).then(|| self.cx.source.resolve(text))
    }

    pub fn secret_opt(&self, name: &str) -> Option<Secret> {
        self.text_opt(name).map(Secret::new)
    }

    /// A URL as it was written, if it is one.
    pub fn url_opt(&self, name: &str) -> Option<String> {
        self.text_opt(name).filter(|text| scalar::parse_url(text).is_ok())
    }

    /// A list of texts.
    pub fn texts(&self, name: &str) -> Vec<String> {
        self.node(name).map(texts).unwrap_or_default()
    }

    /// A mapping of names to texts, in the order of the file.
    pub fn pairs(&self, name: &str) -> Vec<(String, String)> {
        let entries = self.node(name).map(Node::entries).unwrap_or_default();
        entries
            .iter()
            .map(|entry| (entry.key.clone(), entry.value.text().unwrap_or_default().to_owned()))
            .collect()
    }

    /// A mapping of names to lists of texts, in the order of the file.
    pub fn params(&self, name: &str) -> Vec<(String, Vec<String>)> {
        let entries = self.node(name).map(Node::entries).unwrap_or_default();
        entries.iter().map(|entry| (entry.key.clone(), texts(&entry.value))).collect()
    }

    /// The mapping below a key, if it is there.
    pub fn map(&self, name: &str) -> Option<View<'a>> {
        let node = self.node(name)?;
        Some(View::new(self.cx, self.below(name), node, join(&self.path, name)))
    }

    /// The mapping below a key, or an empty one that gives the defaults.
    pub fn map_or_empty(&self, name: &str) -> View<'a> {
        let pos = self.pos_of(name);
        self.map(name).unwrap_or_else(|| View {
            pos,
            ..View::new(self.cx, self.below(name), &EMPTY, join(&self.path, name))
        })
    }

    /// The mappings in a list below a key.
    pub fn list(&self, name: &str) -> Vec<View<'a>> {
        let items = self.node(name).map(Node::items).unwrap_or_default();
        let path = join(&self.path, name);
        let section = self.below(name);
        let one = |(index, node)| View::new(self.cx, section, node, format!("{path}[{index}]"));
        items.iter().enumerate().map(one).collect()
    }

    /// The mappings under free names below a key.
    pub fn named(&self, name: &str) -> Vec<(&'a str, View<'a>)> {
        let entries = self.node(name).map(Node::entries).unwrap_or_default();
        let path = join(&self.path, name);
        let section = self.below(name);
        entries
            .iter()
            .map(|entry| {
                let path = join(&path, &entry.key);
                (entry.key.as_str(), View::new(self.cx, section, &entry.value, path))
            })
            .collect()
    }

    fn key(&self, name: &str) -> &'static Key {
        let title = self.section.title;
        let Some(key) = self.section.key(name) else {
            panic!("BUG: the register has no `{name}` in `{title}`");
        };
        assert!(
            matches!(key.fate, Fate::Required | Fate::Used),
            "BUG: `{name}` of `{title}` is read, the register says that it is not"
        );
        #[cfg(test)]
        asked::note(title, key.name);
        key
    }

    fn below(&self, name: &str) -> &'static Section {
        self.key(name).kind.section().expect("called for keys with a section only")
    }

    /// The value of a key or its default; `None` when there is neither or it does not read.
    fn read<T>(&self, name: &str, parse: impl Fn(&str) -> Result<T, Expected>) -> Option<T> {
        let default = self.key(name).default;
        let given = self.node(name).and_then(Node::text).and_then(|text| parse(text).ok());
        given.or_else(|| if default.is_empty() { None } else { parse(default).ok() })
    }
}

fn texts(node: &Node) -> Vec<String> {
    node.items().iter().map(|item| item.text().unwrap_or_default().to_owned()).collect()
}

/// Which keys the decoder has asked for, so that a test can find those it never does.
#[cfg(test)]
pub(crate) mod asked {
    use std::cell::RefCell;
    use std::collections::BTreeSet;

    thread_local! {
        static ASKED: RefCell<BTreeSet<(&'static str, &'static str)>> = RefCell::default();
    }

    pub fn note(section: &'static str, key: &'static str) {
        ASKED.with_borrow_mut(|asked| asked.insert((section, key)));
    }

    pub fn has(section: &'static str, key: &'static str) -> bool {
        ASKED.with_borrow(|asked| asked.contains(&(section, key)))
    }
}
