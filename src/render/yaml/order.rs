//! The order in which keys are written: numbers within them by their size, letters after everything else.

use std::cmp::Ordering;

/// Compares two keys the way Go's usual emitter of YAML sorts them.
#[must_use]
pub fn natural(one: &str, other: &str) -> Ordering {
    compare(one, other, false)
}

/// Compares two keys the way Go's newer emitter of YAML sorts them, for which a letter right after a digit comes first.
#[must_use]
pub(super) fn newer(one: &str, other: &str) -> Ordering {
    compare(one, other, true)
}

fn compare(one: &str, other: &str, newer: bool) -> Ordering {
    let (a, b): (Vec<char>, Vec<char>) = (one.chars().collect(), other.chars().collect());
    let Some(at) = a.iter().zip(&b).position(|(x, y)| x != y) else { return a.len().cmp(&b.len()) };
    let (x, y) = (a[at], b[at]);
    match (x.is_alphabetic(), y.is_alphabetic()) {
        (true, true) => return x.cmp(&y),
        (left, right) if left != right => {
            let after_digit = newer && at.checked_sub(1).is_some_and(|before| a[before].is_numeric());
            return if left == after_digit { Ordering::Less } else { Ordering::Greater };
        }
        _ => {}
    }
    // A zero within a number is a digit of its size; one in front of it is not.
    let inside = (x == '0' || y == '0') && a[..at].iter().rev().take_while(|c| c.is_numeric()).any(|c| *c != '0');
    let start = i64::from(inside);
    let ((left, left_end), (right, right_end)) = (number(&a, at, start), number(&b, at, start));
    left.cmp(&right).then(left_end.cmp(&right_end)).then(x.cmp(&y))
}

/// Sorts entries by their keys in that order. The order has circles (`a2`, `a10`, `a1b`), at which the standard library's sort may
/// panic; this one only merges, and ends whatever the order says.
#[must_use]
pub(super) fn sorted<T>(mut entries: Vec<(&str, T)>, order: fn(&str, &str) -> Ordering) -> Vec<(&str, T)> {
    if entries.len() < 2 {
        return entries;
    }
    let second = sorted(entries.split_off(entries.len() / 2), order);
    let first = sorted(entries, order);
    let mut merged = Vec::with_capacity(first.len() + second.len());
    let (mut first, mut second) = (first.into_iter().peekable(), second.into_iter().peekable());
    while let (Some(one), Some(other)) = (first.peek(), second.peek()) {
        let next = if order(one.0, other.0).is_le() { first.next() } else { second.next() };
        merged.extend(next);
    }
    merged.extend(first);
    merged.extend(second);
    merged
}

fn number(text: &[char], from: usize, start: i64) -> (i64, usize) {
    let mut at = from;
    let mut number = start;
    while let Some(c) = text.get(at).filter(|c| c.is_numeric()) {
        number = number.wrapping_mul(10).wrapping_add(i64::from(u32::from(*c)) - i64::from(u32::from('0')));
        at += 1;
    }
    (number, at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_by_size_and_letters_last() {
        let keys = ["a10", "a2", "a-b", "a", "B", "1", "a02", "ab", "-x"];
        let keys: Vec<&str> =
            sorted(keys.map(|key| (key, ())).to_vec(), natural).into_iter().map(|(key, ())| key).collect();
        assert_eq!(keys, ["-x", "1", "B", "a", "a-b", "a2", "a02", "a10", "ab"]);
    }

    #[test]
    fn circles_do_no_harm() {
        let keys: Vec<String> = (0..500).map(|n| ["a2", "a10", "a1b"][n % 3].to_owned() + &"x".repeat(n)).collect();
        assert_eq!(sorted(keys.iter().map(|key| (key.as_str(), ())).collect(), natural).len(), 500);
    }
}
