//! Builds the tree from the parser's events.
//!
//! Owns: the stack of open nodes, the anchors seen so far, the limits.
//! Never knows: what the tree is for.
//! Invariant: the stack is at most `DEPTH_MAX` deep, however the text or its aliases nest.
//! Called by `load` through [`parse`].

use std::collections::{HashMap, HashSet};

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, StrInput, Tag};

use super::{DEPTH_MAX, Entry, Node, Pos, TEXT_BYTES_MAX, TREE_BYTES_MAX, Value, YamlError};

/// Parses one document.
///
/// An empty text is an empty mapping, as Prometheus has it.
///
/// # Errors
/// The first place that is not YAML, a second document, a key that stands twice or is not a scalar,
/// an alias of itself, a tag outside YAML's core, and each limit of the parent module.
pub(crate) fn parse(text: &str) -> Result<Node, YamlError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if text.len() > TEXT_BYTES_MAX {
        let found = text.len();
        return fail(Pos::START, format!("the text has {found} bytes, at most {TEXT_BYTES_MAX}"));
    }
    // The parser takes a zero byte for the end of the text and would drop what follows.
    if let Some(at) = text.find('\0') {
        let line = text[..at].matches('\n').count() + 1;
        let column = text[..at].chars().rev().take_while(|c| *c != '\n').count() + 1;
        return fail(Pos { line, column }, "found a zero byte, expected text".to_owned());
    }
    Builder::default().run(Parser::new_from_str(text))
}

#[derive(Default)]
struct Builder {
    stack: Vec<Open>,
    anchors: HashMap<usize, Node>,
    /// Anchors of nodes that are still open: an alias of one would be endless.
    open_anchors: HashSet<usize>,
    bytes: usize,
    root: Option<Node>,
    documents: usize,
}

/// A list or mapping whose end has not come yet.
struct Open {
    pos: Pos,
    anchor: usize,
    kind: OpenKind,
}

enum OpenKind {
    Map { entries: Vec<Entry>, seen: HashSet<String>, key: Option<(String, Pos)>, merge: Vec<Node> },
    Seq(Vec<Node>),
}

impl Builder {
    fn run(mut self, mut parser: Parser<'_, StrInput<'_>>) -> Result<Node, YamlError> {
        while let Some(event) = parser.next_event() {
            let (event, span) = event.map_err(not_yaml)?;
            self.event(event, place(&span.start))?;
        }
        Ok(self.root.filter(|root| !root.is_null()).unwrap_or_else(Node::empty))
    }

    fn event(&mut self, event: Event<'_>, pos: Pos) -> Result<(), YamlError> {
        match event {
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.documents > 1 {
                    return fail(pos, "found a second document, expected one per file".to_owned());
                }
                Ok(())
            }
            Event::Scalar(text, style, anchor, tag) => {
                core_tag(tag.as_deref(), pos)?;
                // `!!str null` is the text, not nothing.
                let plain = style == ScalarStyle::Plain
                    && !tag.is_some_and(|tag| tag.suffix == "str" || tag.handle == "!");
                let value = Value::Scalar { text: text.into_owned(), plain };
                self.finished(Node { pos, value }, anchor)
            }
            Event::SequenceStart(anchor, tag) => {
                core_tag(tag.as_deref(), pos)?;
                self.open(pos, anchor, OpenKind::Seq(Vec::new()))
            }
            Event::MappingStart(anchor, tag) => {
                core_tag(tag.as_deref(), pos)?;
                let kind = OpenKind::Map {
                    entries: Vec::new(),
                    seen: HashSet::new(),
                    key: None,
                    merge: Vec::new(),
                };
                self.open(pos, anchor, kind)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::Alias(anchor) => self.alias(anchor, pos),
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
        }
    }

    fn open(&mut self, pos: Pos, anchor: usize, kind: OpenKind) -> Result<(), YamlError> {
        if self.stack.len() + 1 >= DEPTH_MAX {
            return fail(pos, format!("nested deeper than {DEPTH_MAX} levels"));
        }
        if anchor > 0 {
            self.open_anchors.insert(anchor);
        }
        self.stack.push(Open { pos, anchor, kind });
        Ok(())
    }

    fn close(&mut self) -> Result<(), YamlError> {
        let Some(Open { pos, anchor, kind }) = self.stack.pop() else { return Ok(()) };
        self.open_anchors.remove(&anchor);
        let value = match kind {
            OpenKind::Seq(items) => Value::Seq(items),
            OpenKind::Map { mut entries, mut seen, merge, .. } => {
                // Earlier merges win over later ones, the mapping's own keys over all.
                for source in merge {
                    let Value::Map(inherited) = source.value else { continue };
                    entries.extend(inherited.into_iter().filter(|e| seen.insert(e.key.clone())));
                }
                Value::Map(entries)
            }
        };
        self.finished(Node { pos, value }, anchor)
    }

    fn alias(&mut self, anchor: usize, pos: Pos) -> Result<(), YamlError> {
        if self.open_anchors.contains(&anchor) {
            return fail(pos, "found an alias of a node that holds it".to_owned());
        }
        let Some(node) = self.anchors.get(&anchor) else {
            return fail(pos, "found an alias without its anchor".to_owned());
        };
        if self.stack.len() + node.height() >= DEPTH_MAX {
            return fail(pos, format!("nested deeper than {DEPTH_MAX} levels by an alias"));
        }
        self.take_bytes(node.bytes(), pos)?;
        let node = self.anchors.get(&anchor).cloned().expect("looked up above");
        self.place_node(node, pos)
    }

    fn finished(&mut self, node: Node, anchor: usize) -> Result<(), YamlError> {
        let pos = node.pos;
        match &node.value {
            Value::Scalar { text, .. } => self.take_bytes(text.len() + size_of::<Entry>(), pos)?,
            _ => self.take_bytes(size_of::<Entry>(), pos)?,
        }
        if anchor > 0 {
            self.take_bytes(node.bytes(), pos)?;
            self.anchors.insert(anchor, node.clone());
        }
        self.place_node(node, pos)
    }

    /// Puts a whole node where it belongs: as a key, as a value, as an item, or as the root.
    fn place_node(&mut self, node: Node, pos: Pos) -> Result<(), YamlError> {
        let Some(open) = self.stack.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        match &mut open.kind {
            OpenKind::Seq(items) => items.push(node),
            OpenKind::Map { entries, seen, key, merge } => match key.take() {
                None => *key = Some((key_text(node, seen, pos)?, pos)),
                Some((name, _)) if name == "<<" => merge.extend(merge_sources(node, pos)?),
                Some((name, pos)) => entries.push(Entry { key: name, pos, value: node }),
            },
        }
        Ok(())
    }

    fn take_bytes(&mut self, bytes: usize, pos: Pos) -> Result<(), YamlError> {
        self.bytes += bytes;
        if self.bytes > TREE_BYTES_MAX {
            return fail(pos, format!("takes over {TREE_BYTES_MAX} bytes with aliases expanded"));
        }
        Ok(())
    }
}

fn key_text(node: Node, seen: &mut HashSet<String>, pos: Pos) -> Result<String, YamlError> {
    let found = node.found();
    let Value::Scalar { text, .. } = node.value else {
        return fail(pos, format!("found {found} as a key, expected text"));
    };
    if !seen.insert(text.clone()) {
        return fail(pos, format!("the key {found} stands twice in one mapping"));
    }
    Ok(text)
}

fn merge_sources(node: Node, pos: Pos) -> Result<Vec<Node>, YamlError> {
    let sources = match node.value {
        Value::Map(_) => vec![node],
        Value::Seq(items) => items,
        Value::Scalar { .. } => Vec::new(),
    };
    if sources.is_empty() || sources.iter().any(|source| !matches!(source.value, Value::Map(_))) {
        return fail(pos, "`<<` takes a mapping or a list of mappings".to_owned());
    }
    Ok(sources)
}

fn core_tag(tag: Option<&Tag>, pos: Pos) -> Result<(), YamlError> {
    let core = |tag: &Tag| tag.is_yaml_core_schema() || tag.handle == "!" && tag.suffix.is_empty();
    match tag {
        Some(tag) if !core(tag) => fail(pos, format!("found the tag {tag}, expected none")),
        _ => Ok(()),
    }
}

fn not_yaml(error: ScanError) -> YamlError {
    YamlError { pos: place(error.marker()), text: format!("not valid YAML: {}", error.info()) }
}

fn place(marker: &Marker) -> Pos {
    Pos { line: marker.line().max(1), column: marker.col() + 1 }
}

fn fail<T>(pos: Pos, text: String) -> Result<T, YamlError> {
    Err(YamlError { pos, text })
}
