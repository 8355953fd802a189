//! `${…}` inside texts.

use std::ops::Range;

/// A piece of a text.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// Text that stands for itself.
    Literal(&'a str),
    /// What stands between `${` and `}`, and where.
    Hole(&'a str, Range<usize>),
}

/// Cuts a text into its pieces. `$${` stands for `${` itself.
///
/// # Errors
/// The range of a `${` that is never closed.
pub fn pieces(text: &str) -> Result<Vec<Piece<'_>>, Range<usize>> {
    let mut pieces = Vec::new();
    let mut from = 0;
    let mut at = 0;
    while let Some(found) = text[at..].find("${") {
        let hole = at + found;
        if text[..hole].ends_with('$') {
            pieces.push(Piece::Literal(&text[from..hole]));
            from = hole + 1;
            at = hole + 2;
            pieces.push(Piece::Literal("{"));
            from += 1;
            continue;
        }
        let Some(length) = text[hole..].find('}') else { return Err(hole..text.len()) };
        if from < hole {
            pieces.push(Piece::Literal(&text[from..hole]));
        }
        let inside = hole + 2..hole + length;
        pieces.push(Piece::Hole(&text[inside.clone()], inside));
        at = hole + length + 1;
        from = at;
    }
    if from < text.len() {
        pieces.push(Piece::Literal(&text[from..]));
    }
    Ok(pieces)
}

/// Cuts `bucket.audit-logs@us-east-1.arn` into its address and its attribute.
pub fn split_reference(hole: &str) -> Option<(&str, &str)> {
    // The name of what lives inside another resource stands behind the last slash; any other one behind the kind.
    let name = match hole.rfind('/') {
        Some(slash) => slash + 1,
        None => hole.find('.')? + 1,
    };
    let dot = name + hole[name..].find('.')?;
    let (address, attribute) = (&hole[..dot], &hole[dot + 1..]);
    attribute.split('.').all(|part| !part.is_empty()).then_some((address, attribute))
}

#[cfg(test)]
mod tests {
    use super::{Piece, pieces};

    #[test]
    fn texts_are_cut_at_their_references() {
        assert_eq!(pieces("plain"), Ok(vec![Piece::Literal("plain")]));
        assert_eq!(pieces("a-${x}-b"), Ok(vec![Piece::Literal("a-"), Piece::Hole("x", 4..5), Piece::Literal("-b")]));
        assert_eq!(pieces("a${x"), Err(1..4));
    }

    #[test]
    fn a_doubled_dollar_stands_for_itself() {
        let text: String = pieces("cost: $${x}")
            .expect("closed")
            .iter()
            .map(|piece| match piece {
                Piece::Literal(text) => *text,
                Piece::Hole(..) => "HOLE",
            })
            .collect();
        assert_eq!(text, "cost: ${x}");
    }
}
