use super::*;
use crate::check;

#[test]
fn each_key_stands_once_per_section_and_is_documented() {
    for section in sections() {
        let mut names: Vec<_> = section.keys().map(|key| key.name).collect();
        let count = names.len();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), count, "a key stands twice in `{}`", section.title);
        for key in section.keys() {
            let silent = matches!(key.fate, Fate::Refused(_) | Fate::Renamed(_));
            assert!(silent || key.doc.ends_with('.'), "`{}` lacks a sentence", key.name);
        }
    }
}

#[test]
fn titles_are_unique() {
    let mut anchors: Vec<_> = sections().iter().map(|section| anchor(section.title)).collect();
    let count = anchors.len();
    anchors.sort_unstable();
    anchors.dedup();
    assert_eq!(anchors.len(), count);
}

#[test]
fn defaults_read_as_their_kind() {
    for section in sections() {
        for key in section.keys().filter(|key| !key.default.is_empty()) {
            assert_eq!(check::read(&key.kind, key.default), Ok(()), "for `{}`", key.name);
        }
    }
}

#[test]
fn renamed_keys_name_a_key() {
    for section in sections() {
        for key in section.keys() {
            if let Fate::Renamed(to) = key.fate {
                assert!(section.key(to).is_some(), "`{}` is renamed to nothing", key.name);
            }
        }
    }
}
