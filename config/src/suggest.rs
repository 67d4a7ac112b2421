//! What an unknown word may have meant.
//!
//! Owns: the distance between two words and where it ends to be helpful.
//! Never knows: what the words are for.
//! Invariant: the cost is bounded, however long the unknown word is.
//! Called by `check`.

/// Longest word looked at. The longest key has 34 characters.
const WORD_CHARS_MAX: usize = 64;

/// The known word nearest to an unknown one, if one is near.
pub(crate) fn nearest<'a>(
    unknown: &str,
    known: impl IntoIterator<Item = &'a str>,
) -> Option<&'a str> {
    let wanted = plain(unknown);
    if wanted.len() > WORD_CHARS_MAX {
        return None;
    }
    // A third of the word may be wrong, at most three characters: more suggests nonsense.
    let distance_max = (wanted.len() / 3).clamp(1, 3);
    known
        .into_iter()
        .map(|word| (distance(&wanted, &plain(word)), word))
        .filter(|(distance, _)| *distance <= distance_max)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, word)| word)
}

/// Lower case without separators, so that `scrapeInterval` is `scrape_interval`.
fn plain(word: &str) -> Vec<char> {
    word.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Insertions, deletions, replacements and swaps of neighbours that make one word the other.
fn distance(a: &[char], b: &[char]) -> usize {
    let mut before: Vec<usize> = Vec::new();
    let mut last: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1];
        for (j, y) in b.iter().enumerate() {
            let mut best = (last[j] + usize::from(x != y)).min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *x == b[j - 1] && a[i - 1] == *y {
                best = best.min(before[j - 1] + 1);
            }
            row.push(best);
        }
        before = std::mem::replace(&mut last, row);
    }
    last.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(unknown: &str, expected: Option<&str>) {
        let known = ["url", "scrape_interval", "scrape_timeout", "job_name", "params"];
        assert_eq!(nearest(unknown, known), expected, "for {unknown:?}");
    }

    #[test]
    fn nearest_words() {
        check("scrape_intervall", Some("scrape_interval"));
        check("scrapeInterval", Some("scrape_interval"));
        check("job-name", Some("job_name"));
        check("jbo_name", Some("job_name"));
        check("ulr", Some("url"));
        check("param", Some("params"));
        check("something_else", None);
        check("", None);
        check(&"x".repeat(1000), None);
    }
}
