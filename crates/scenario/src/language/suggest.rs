//! "Did you mean …?"

/// A hint for a word that is none of the candidates: the closest, or all when there are few.
pub(crate) fn hint<'a>(
    word: &str,
    candidates: impl IntoIterator<Item = &'a str>,
) -> Option<String> {
    let candidates: Vec<&str> = candidates.into_iter().collect();
    if let Some(best) = closest(word, &candidates) {
        return Some(format!("did you mean `{best}`?"));
    }
    match candidates.len() {
        1..=16 => Some(format!("there is {}", list(&candidates))),
        _ => None,
    }
}

/// Whether a word is a candidate, or a misspelt one: what it defines is then taken as defined, so
/// that a slip is reported once and not again wherever the name is used.
pub(crate) fn means(word: &str, candidate: &str, candidates: &[&str]) -> bool {
    word == candidate
        || (!candidates.contains(&word) && closest(word, candidates) == Some(candidate))
}

/// The candidate that takes the fewest changes, if they are few enough for it to be meant.
fn closest<'a>(word: &str, candidates: &[&'a str]) -> Option<&'a str> {
    let lower = word.to_lowercase();
    let distance = |candidate: &str| strsim::damerau_levenshtein(&lower, &candidate.to_lowercase());
    let (best, changes) = candidates
        .iter()
        .map(|name| (*name, distance(name)))
        .min_by_key(|(_, changes)| *changes)?;
    // A third of the word may be wrong, and in a short one a single letter.
    (changes <= (word.chars().count() / 3).max(1)).then_some(best)
}

/// `a`, `b`, `c` in the form of a sentence.
pub(crate) fn list(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::hint;

    #[test]
    fn a_typo_names_the_word_that_was_meant() {
        let words = ["link", "host", "role"];
        assert_eq!(hint("hots", words).as_deref(), Some("did you mean `host`?"));
        assert_eq!(hint("LINK", words).as_deref(), Some("did you mean `link`?"));
    }

    #[test]
    fn a_word_like_none_lists_what_there_is() {
        let hint = hint("elephant", ["link", "host"]);
        assert_eq!(hint.as_deref(), Some("there is `link`, `host`"));
    }
}
