//! Did you mean …?

/// A question with the nearest of some known words, when one is near enough to be meant.
#[must_use]
pub fn suggest(word: &str, known: &[&str]) -> Option<String> {
    nearest(word, known).map(|best| format!("did you mean `{best}`?"))
}

/// The nearest of some known words, when one is near enough to be meant.
#[must_use]
pub fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let worth = |candidate: &&str| strsim::damerau_levenshtein(word, candidate);
    let best = known.iter().copied().min_by_key(worth)?;
    let limit = (word.len().max(best.len()) / 4).max(1);
    (worth(&best) <= limit || (word.len() > 3 && best.starts_with(word))).then_some(best)
}
