//! Patterns that need no regex engine: alternatives of literal text with `.*` and `.+` between.
//!
//! Owns the recognition of such patterns and their matching. Never knows about groups' values,
//! except for the one shape `prefix(.*)suffix` whose group is cut out directly.
//! Invariant: a [`Globs`] matches exactly the texts that the anchored regex it was made from
//! matches, with a dot that matches any character.

use foldhash::{HashSet, HashSetExt};
use regex_syntax::hir::{Class, Hir, HirKind};

use super::text::{same, strip_prefix, strip_suffix};

/// Most alternatives that are spelled out; above it the regex engine is cheaper to hold.
///
/// A drop rule of kube-prometheus lists about 40 metric names; 1,000 leaves room for a generated
/// list, at about 64 bytes each.
const ALTERNATIVES_MAX: usize = 1000;

/// Most characters of a class that are spelled out.
const CLASS_CHARS_MAX: usize = 16;

/// Number of plain texts up to which comparing each is faster than hashing.
const FEW: usize = 4;

/// Alternatives of literal text with wildcards.
#[derive(Clone, Debug)]
pub(super) struct Globs {
    texts: Texts,
    globs: Box<[Glob]>,
}

/// Alternatives without a wildcard.
#[derive(Clone, Debug)]
enum Texts {
    Few(Box<[String]>),
    Many(HashSet<String>),
}

/// `prefix`, then a wildcard and a text any number of times, then a wildcard and `suffix`.
#[derive(Clone, Debug)]
struct Glob {
    prefix: String,
    /// Whether the wildcard in front takes at least one character, and the text behind it.
    middle: Box<[(bool, String)]>,
    last_takes_one: bool,
    suffix: String,
}

/// The pattern `prefix(.*)suffix` or `prefix(.+)suffix` with nothing else in it.
#[derive(Clone, Debug)]
pub(super) struct Slice {
    prefix: String,
    takes_one: bool,
    suffix: String,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Wild { takes_one: bool },
}

type Parts = Vec<Part>;

impl Globs {
    /// Reads a pattern, or says no where it needs the engine.
    pub(super) fn new(hir: &Hir) -> Option<Self> {
        let mut texts = Vec::new();
        let mut globs = Vec::new();
        for parts in expand(hir)? {
            match Glob::new(parts) {
                Ok(text) => texts.push(text),
                Err(glob) => globs.push(glob),
            }
        }
        let texts = if texts.len() <= FEW {
            Texts::Few(texts.into())
        } else {
            let mut set = HashSet::with_capacity(texts.len());
            set.extend(texts);
            Texts::Many(set)
        };
        Some(Self { texts, globs: globs.into() })
    }

    /// What every matching text starts with.
    pub(super) fn start(&self) -> String {
        let texts: Box<dyn Iterator<Item = &String>> = match &self.texts {
            Texts::Few(texts) => Box::new(texts.iter()),
            Texts::Many(texts) => Box::new(texts.iter()),
        };
        let mut starts = texts.chain(self.globs.iter().map(|glob| &glob.prefix));
        let first = starts.next().cloned().unwrap_or_default();
        starts.fold(first, |start, other| common_start(&start, other).to_owned())
    }

    /// Whether a text matches as a whole.
    pub(super) fn is_match(&self, text: &str) -> bool {
        let plain = match &self.texts {
            Texts::Few(texts) => texts.iter().any(|t| same(t, text)),
            Texts::Many(texts) => texts.contains(text),
        };
        plain || self.globs.iter().any(|glob| glob.is_match(text))
    }
}

impl Glob {
    /// A glob, or the plain text where there is no wildcard.
    fn new(parts: Parts) -> Result<String, Self> {
        let mut texts = vec![String::new()];
        let mut wilds = Vec::new();
        for part in parts {
            match part {
                Part::Text(text) => texts.last_mut().expect("never empty").push_str(&text),
                Part::Wild { takes_one } => {
                    wilds.push(takes_one);
                    texts.push(String::new());
                }
            }
        }
        let suffix = texts.pop().expect("one text more than wildcards");
        let Some(last_takes_one) = wilds.pop() else { return Ok(suffix) };
        let prefix = texts.remove(0);
        Err(Self { prefix, middle: wilds.into_iter().zip(texts).collect(), last_takes_one, suffix })
    }

    fn is_match(&self, text: &str) -> bool {
        let Some(rest) = strip_prefix(text, &self.prefix) else { return false };
        let Some(mut rest) = strip_suffix(rest, &self.suffix) else { return false };
        // Taking the first place of each text leaves the most for those behind it.
        for (takes_one, text) in &self.middle {
            let skip = if *takes_one { rest.chars().next().map_or(1, char::len_utf8) } else { 0 };
            let found = rest.get(skip..).and_then(|tail| tail.split_once(text.as_str()));
            let Some((_, behind)) = found else { return false };
            rest = behind;
        }
        !(self.last_takes_one && rest.is_empty())
    }
}

impl Slice {
    /// Reads a pattern of this one shape.
    pub(super) fn new(hir: &Hir) -> Option<Self> {
        let parts = match hir.kind() {
            HirKind::Concat(parts) => parts.as_slice(),
            _ => std::slice::from_ref(hir),
        };
        let at = parts.iter().position(|part| matches!(part.kind(), HirKind::Capture(_)))?;
        let HirKind::Capture(group) = parts.get(at)?.kind() else { return None };
        // A name or a second group would be asked for by the replacement.
        if group.name.is_some() || hir.properties().explicit_captures_len() != 1 {
            return None;
        }
        let [Part::Wild { takes_one }] = expand(&group.sub)?.pop()?[..] else { return None };
        let text = |parts: &[Hir]| match parts {
            [] => Some(String::new()),
            [one] => match one.kind() {
                HirKind::Literal(text) => String::from_utf8(text.0.to_vec()).ok(),
                _ => None,
            },
            _ => None,
        };
        Some(Self { prefix: text(&parts[..at])?, takes_one, suffix: text(&parts[at + 1..])? })
    }

    /// What the group holds, where the text matches.
    pub(super) fn cut<'a>(&self, text: &'a str) -> Option<&'a str> {
        let group = strip_suffix(strip_prefix(text, &self.prefix)?, &self.suffix)?;
        (!self.takes_one || !group.is_empty()).then_some(group)
    }
}

/// Whether the pattern is `.*`, groups aside: the default regex of a rule.
pub(super) fn is_default(hir: &Hir) -> bool {
    let alternatives = expand(hir).unwrap_or_default();
    matches!(alternatives.as_slice(), [parts] if parts[..] == [Part::Wild { takes_one: false }])
}

/// All alternatives of a pattern, or nothing where it needs the engine.
///
/// Recursion is bounded by the nesting limit of the pattern's parser.
fn expand(hir: &Hir) -> Option<Vec<Parts>> {
    match hir.kind() {
        HirKind::Empty => Some(vec![Vec::new()]),
        HirKind::Literal(text) => {
            Some(vec![vec![Part::Text(String::from_utf8(text.0.to_vec()).ok()?)]])
        }
        HirKind::Capture(group) => expand(&group.sub),
        HirKind::Class(class) => class_chars(class),
        HirKind::Repetition(repetition) => {
            match (repetition.min, repetition.max, is_any_char(&repetition.sub)) {
                (min @ (0 | 1), None, true) => Some(vec![vec![Part::Wild { takes_one: min == 1 }]]),
                (0, Some(1), false) => {
                    let mut alternatives = expand(&repetition.sub)?;
                    alternatives.push(Vec::new());
                    Some(alternatives)
                }
                _ => None,
            }
        }
        HirKind::Concat(parts) => {
            let mut all = vec![Vec::new()];
            for part in parts {
                all = product(&all, &expand(part)?)?;
            }
            Some(all)
        }
        HirKind::Alternation(parts) => {
            let mut all = Vec::new();
            for part in parts {
                all.append(&mut expand(part)?);
                if all.len() > ALTERNATIVES_MAX {
                    return None;
                }
            }
            Some(all)
        }
        HirKind::Look(_) => None,
    }
}

/// Each of `heads` followed by each of `tails`.
fn product(heads: &[Parts], tails: &[Parts]) -> Option<Vec<Parts>> {
    if heads.len() * tails.len() > ALTERNATIVES_MAX {
        return None;
    }
    let mut all = Vec::with_capacity(heads.len() * tails.len());
    for head in heads {
        for tail in tails {
            let mut joined = head.clone();
            for part in tail {
                append(&mut joined, part)?;
            }
            all.push(joined);
        }
    }
    Some(all)
}

/// Appends a part; says no to `.+.+`, which takes two characters.
fn append(parts: &mut Parts, part: &Part) -> Option<()> {
    match (parts.last_mut(), part) {
        (Some(Part::Text(text)), Part::Text(more)) => text.push_str(more),
        (Some(Part::Wild { takes_one: true }), Part::Wild { takes_one: true }) => return None,
        (Some(Part::Wild { takes_one }), Part::Wild { takes_one: more }) => *takes_one |= more,
        _ => parts.push(part.clone()),
    }
    Some(())
}

fn common_start<'a>(a: &'a str, b: &str) -> &'a str {
    let same = a.char_indices().zip(b.chars()).find(|((_, a), b)| a != b).map(|((at, _), _)| at);
    &a[..same.unwrap_or(a.len().min(b.len()))]
}

fn is_any_char(hir: &Hir) -> bool {
    let HirKind::Class(Class::Unicode(class)) = hir.kind() else { return false };
    matches!(class.ranges(), [all] if all.start() == '\0' && all.end() == char::MAX)
}

fn class_chars(class: &Class) -> Option<Vec<Parts>> {
    let Class::Unicode(class) = class else { return None };
    let chars = class.ranges().iter().flat_map(|range| range.start()..=range.end());
    let chars: Vec<char> = chars.take(CLASS_CHARS_MAX + 1).collect();
    (chars.len() <= CLASS_CHARS_MAX)
        .then(|| chars.into_iter().map(|c| vec![Part::Text(c.into())]).collect())
}
