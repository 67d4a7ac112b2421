//! A label set: names and values, sorted by name.
//!
//! Owns the order and the rule that an empty value means an absent label.
//! Never knows where labels came from. Used wherever labels are few and handled one set at a time
//! (targets, relabeling); the scrape path works on the page's bytes instead.

use std::fmt;

/// One label.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Label {
    /// Name.
    pub name: String,
    /// Value, never empty inside [`Labels`].
    pub value: String,
}

/// A label set.
///
/// Invariant: sorted by name, names unique, no empty value.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Labels(Vec<Label>);

impl Labels {
    /// An empty set.
    pub fn new() -> Self {
        Self::default()
    }

    /// The value of `name`, empty where there is none.
    pub fn value(&self, name: &str) -> &str {
        self.find(name).map_or("", |label| &label.value)
    }

    /// Whether the set holds `name`.
    pub fn contains(&self, name: &str) -> bool {
        self.find(name).is_some()
    }

    /// Writes a label; an empty value removes it.
    pub fn set(&mut self, name: &str, value: &str) {
        match (self.position(name), value.is_empty()) {
            (Ok(at), true) => drop(self.0.remove(at)),
            (Ok(at), false) => value.clone_into(&mut self.0[at].value),
            (Err(_), true) => {}
            (Err(at), false) => {
                self.0.insert(at, Label { name: name.to_owned(), value: value.to_owned() });
            }
        }
    }

    /// Removes a label and returns its value.
    pub fn remove(&mut self, name: &str) -> Option<String> {
        self.position(name).ok().map(|at| self.0.remove(at).value)
    }

    /// Keeps the labels that `keep` says yes to.
    pub fn retain(&mut self, mut keep: impl FnMut(&Label) -> bool) {
        self.0.retain(|label| keep(label));
    }

    /// Removes all labels, keeps the memory.
    pub fn clear(&mut self) {
        self.0.clear();
    }

    /// Labels in the order of their names.
    pub fn iter(&self) -> std::slice::Iter<'_, Label> {
        self.0.iter()
    }

    /// Number of labels.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is no label.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// A set has about ten labels: comparing lengths one after the other is faster than halving.
    fn find(&self, name: &str) -> Option<&Label> {
        self.0.iter().find(|label| label.name == name)
    }

    fn position(&self, name: &str) -> Result<usize, usize> {
        self.0.binary_search_by(|label| label.name.as_str().cmp(name))
    }
}

impl<'a> IntoIterator for &'a Labels {
    type Item = &'a Label;
    type IntoIter = std::slice::Iter<'a, Label>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<N: AsRef<str>, V: AsRef<str>> FromIterator<(N, V)> for Labels {
    /// Later pairs win over earlier ones of the same name.
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Self {
        let mut labels = Self::new();
        for (name, value) in pairs {
            labels.set(name.as_ref(), value.as_ref());
        }
        labels
    }
}

impl fmt::Display for Labels {
    /// `{a="b", c="d"}`, values escaped as on a metrics page.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (i, label) in self.iter().enumerate() {
            let comma = if i == 0 { "" } else { ", " };
            write!(f, "{comma}{}={:?}", label.name, label.value)?;
        }
        f.write_str("}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn set_keeps_order_and_an_empty_value_removes() {
        let mut labels: Labels =
            [("b", "2"), ("a", "1"), ("b", "3"), ("c", "")].into_iter().collect();
        assert_eq!(labels.to_string(), r#"{a="1", b="3"}"#);
        labels.set("a", "");
        assert_eq!((labels.value("a"), labels.value("b"), labels.len()), ("", "3", 1));
        assert_eq!(labels.remove("b"), Some("3".to_owned()));
        assert!(labels.is_empty());
    }
}
