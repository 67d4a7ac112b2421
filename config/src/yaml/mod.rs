//! YAML text to a tree whose nodes know their line and column.
//!
//! Owns: the tree, anchors, aliases, merge keys, and the limits on all of them.
//! Never knows: which keys mean what; a scalar stays text here, its type is the reader's business.
//! Invariants: a tree is at most [`DEPTH_MAX`] deep, so that walking it by recursion is safe; a
//! mapping has no key twice; an aliased node keeps the place of its anchor.
//! Called by `load`, once per source.

mod build;

#[cfg(test)]
mod tests;

pub(crate) use build::parse;

/// Deepest nesting. The deepest real path, an OAuth2 TLS option of a discovery, has 9 levels.
pub(crate) const DEPTH_MAX: usize = 64;

/// Longest text of one source. An operator's generated file of 5,000 jobs has about 10 MB.
pub(crate) const TEXT_BYTES_MAX: usize = 32 << 20;

/// Most memory the tree may take once aliases are expanded: twice the longest text, nodes included.
/// This is what stops a "billion laughs" file.
pub(crate) const TREE_BYTES_MAX: usize = 64 << 20;

/// A place in the text, both counted from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Pos {
    pub line: usize,
    pub column: usize,
}

impl Pos {
    /// The first character.
    pub const START: Self = Self { line: 1, column: 1 };
}

/// One node.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Node {
    pub pos: Pos,
    pub value: Value,
}

/// What a node holds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Map(Vec<Entry>),
    /// `plain` means unquoted: only then do an empty text, `~` and `null` mean "nothing".
    Scalar {
        text: String,
        plain: bool,
    },
    Seq(Vec<Node>),
}

/// One key of a mapping with its value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub key: String,
    pub pos: Pos,
    pub value: Node,
}

/// Why a text is no tree.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct YamlError {
    pub pos: Pos,
    pub text: String,
}

impl Node {
    /// An empty mapping at the start: what an empty file means.
    pub fn empty() -> Self {
        Self { pos: Pos::START, value: Value::Map(Vec::new()) }
    }

    /// True for `~`, `null` and for nothing at all.
    pub fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar { text, plain: true }
            if matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"))
    }

    /// True for what switches nothing on: null, `false`, an empty list or mapping.
    pub fn is_off(&self) -> bool {
        match &self.value {
            Value::Map(entries) => entries.is_empty(),
            Value::Scalar { text, .. } => self.is_null() || text == "false",
            Value::Seq(items) => items.is_empty(),
        }
    }

    /// The text of a scalar that is not null.
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar { text, .. } if !self.is_null() => Some(text),
            _ => None,
        }
    }

    /// The items of a list; none for anything else.
    pub fn items(&self) -> &[Node] {
        match &self.value {
            Value::Seq(items) => items,
            _ => &[],
        }
    }

    /// The entries of a mapping; none for anything else.
    pub fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The value of a key, null included.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// What was found, for a message: `"text"`, `a list`, `a mapping`, `nothing`.
    pub fn found(&self) -> String {
        const SHOWN_CHARS_MAX: usize = 80;
        match &self.value {
            _ if self.is_null() => "nothing".to_owned(),
            Value::Map(_) => "a mapping".to_owned(),
            Value::Seq(_) => "a list".to_owned(),
            Value::Scalar { text, .. } if text.chars().count() > SHOWN_CHARS_MAX => {
                format!("{:?}...", text.chars().take(SHOWN_CHARS_MAX).collect::<String>())
            }
            Value::Scalar { text, .. } => format!("{text:?}"),
        }
    }

    /// Memory taken by the node and all below it. Unit: bytes, roughly.
    pub fn bytes(&self) -> usize {
        size_of::<Entry>()
            + match &self.value {
                Value::Map(entries) => {
                    entries.iter().map(|entry| entry.key.len() + entry.value.bytes()).sum()
                }
                Value::Scalar { text, .. } => text.len(),
                Value::Seq(items) => items.iter().map(Node::bytes).sum(),
            }
    }

    /// Levels below and including this node.
    pub fn height(&self) -> usize {
        1 + match &self.value {
            Value::Map(entries) => {
                entries.iter().map(|entry| entry.value.height()).max().unwrap_or(0)
            }
            Value::Scalar { .. } => 0,
            Value::Seq(items) => items.iter().map(Node::height).max().unwrap_or(0),
        }
    }
}
