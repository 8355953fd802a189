//! Did you mean …?
//!
//! A word is compared with every known one only where those are few. Among many, only those are looked at that begin or end as
//! the word does: a thousand misspelt names in a spec of a hundred thousand cost no more than a thousand.

use std::ops::Range;

/// Up to so many known words are all compared.
const FEW: usize = 500;
/// How many words on either side of the place at which a word would stand are compared among many.
const AROUND: usize = 20;
/// How many words a message lists.
const LISTED: usize = 12;

/// A question with the nearest of some known words, when one is near enough to be meant.
#[must_use]
pub fn suggest(word: &str, known: &[&str]) -> Option<String> {
    nearest(word, known).map(question)
}

/// The nearest of some known words, when one is near enough to be meant.
#[must_use]
pub fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    among(word, known.iter().copied())
}

/// The same among the words of a sorted list, of which there may be many.
pub fn suggest_sorted<'a>(word: &str, count: usize, at: impl Fn(usize) -> &'a str) -> Option<String> {
    among(word, around(count, |position| at(position) < word).map(&at)).map(question)
}

/// Some words for a message; of many only the first, and how many more there are.
#[must_use]
pub fn listed<'a>(words: impl ExactSizeIterator<Item = &'a str>, between: &str) -> String {
    let more = words.len().saturating_sub(LISTED);
    let first: Vec<&str> = words.take(LISTED).collect();
    if more == 0 { first.join(between) } else { format!("{} and {more} more", first.join(", ")) }
}

/// Many known words, among which the nearest is found quickly.
#[derive(Debug, Default)]
pub struct Near {
    /// In order.
    words: Vec<Box<str>>,
    /// Their positions, ordered by how the words end. Empty where there are few words.
    by_end: Vec<u32>,
}

impl Near {
    /// Takes the known words, in any order.
    pub fn new<'a>(words: impl Iterator<Item = &'a str>) -> Self {
        let mut words: Vec<Box<str>> = words.map(Box::from).collect();
        words.sort_unstable();
        words.dedup();
        let mut by_end: Vec<u32> = Vec::new();
        if words.len() > FEW {
            by_end.extend(0..u32::try_from(words.len()).unwrap_or(u32::MAX));
            by_end.sort_unstable_by(|a, b| backwards(&words[*a as usize]).cmp(backwards(&words[*b as usize])));
        }
        Self { words, by_end }
    }

    /// A question with the nearest word, when one is near enough to be meant.
    #[must_use]
    pub fn suggest(&self, word: &str) -> Option<String> {
        let begins = around(self.words.len(), |at| *self.words[at] < *word).map(|at| &self.words[at]);
        let end = |at: usize| &self.words[self.by_end[at] as usize];
        let ends = around(self.by_end.len(), |at| backwards(end(at)).lt(backwards(word))).map(end);
        among(word, begins.chain(ends).map(|word| &**word)).map(question)
    }
}

fn question(word: &str) -> String {
    format!("did you mean `{word}`?")
}

fn backwards(word: &str) -> impl Iterator<Item = u8> {
    word.bytes().rev()
}

/// The positions in a sorted list that are worth a look: all of a short one, and otherwise those around where a word would
/// stand. `before` tells whether what is at a position stands before it.
fn around(count: usize, before: impl Fn(usize) -> bool) -> Range<usize> {
    if count <= FEW {
        return 0..count;
    }
    let (mut low, mut high) = (0, count);
    while low < high {
        let middle = low + (high - low) / 2;
        if before(middle) { low = middle + 1 } else { high = middle }
    }
    low.saturating_sub(AROUND)..(low + AROUND).min(count)
}

fn among<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    // The difference in length is the least number of letters that have to be added.
    let possible = |candidate: &&str| {
        let (shorter, longer) = (candidate.len().min(word.len()), candidate.len().max(word.len()));
        longer - shorter <= (longer / 4).max(1) || candidate.starts_with(word)
    };
    let distance = |candidate: &&str| strsim::damerau_levenshtein(word, candidate);
    let best = known.filter(possible).min_by_key(distance)?;
    let distance = distance(&best);
    let limit = (word.len().max(best.len()) / 4).max(1);
    (distance <= limit || (word.len() > 3 && best.starts_with(word))).then_some(best)
}

#[cfg(test)]
mod tests {
    use super::{Near, listed, nearest, suggest_sorted};

    #[test]
    fn among_many_words_the_near_one_is_found_wherever_the_mistake_is() {
        let words: Vec<String> = (0..20_000).map(|n| format!("orders-{:05}-events", (n * 7_919) % 20_000)).collect();
        let near = Near::new(words.iter().map(String::as_str));
        let sorted = {
            let mut sorted: Vec<&str> = words.iter().map(String::as_str).collect();
            sorted.sort_unstable();
            sorted
        };
        for wrong in ["ordesr-01234-events", "orders-01234-event", "orders-01234-evnets", "roders-01234-events"] {
            assert_eq!(near.suggest(wrong).as_deref(), Some("did you mean `orders-01234-events`?"), "{wrong}");
        }
        let found = suggest_sorted("orders-01234-evnets", sorted.len(), |at| sorted[at]);
        assert_eq!(found.as_deref(), Some("did you mean `orders-01234-events`?"));
        assert_eq!(near.suggest("something else"), None);
    }

    #[test]
    fn among_few_words_all_are_compared() {
        let known = ["us-east-1", "us-west-2", "eu-central-1"];
        let near = Near::new(known.into_iter());
        for word in ["us-esat-1", "eu-centrall-1", "eu-c", "mars", ""] {
            let plain = nearest(word, &known).map(|best| format!("did you mean `{best}`?"));
            assert_eq!(near.suggest(word), plain, "{word}");
        }
        assert_eq!(nearest("us-esat-1", &known), Some("us-east-1"));
        assert_eq!(nearest("eu-c", &known), Some("eu-central-1"));
        assert_eq!(nearest("mars", &known), None);
    }

    #[test]
    fn long_lists_are_cut() {
        assert_eq!(listed(["a", "b"].into_iter(), " and "), "a and b");
        assert_eq!(listed(["x"; 100].into_iter(), " and "), format!("{} and 88 more", ["x"; 12].join(", ")));
    }
}
