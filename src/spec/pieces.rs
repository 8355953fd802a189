//! A long spec is parsed piece by piece: the parser's own copies of a text are many times as large as the text, and those
//! of a piece stay small enough to be near.
//!
//! The text is cut only before a header `[kind.name]` that differs from the one before, and only where the pieces mean
//! together what the whole does. A cut inside a text or a list of several lines leaves a piece that is not TOML by
//! itself, so a wrong cut is always noticed: then, as for every error, the whole text is parsed, and tells what is
//! wrong.

use std::collections::BTreeSet;
use std::ops::Range;

use foldhash::HashMap;
use toml::de::DeTable;

use super::node::{Content, Table, TableEntry};
use super::parse::{Reading, whole};
use crate::diagnostic::Diagnostics;
use crate::parallel;
use crate::value::Text;

/// Pieces of this many bytes, and the block that goes over it.
const PIECE: usize = 64 * 1024;

/// The entries below one key of the root, from all pieces.
type Entries = Vec<(Text, TableEntry)>;

/// Parses TOML, collecting every syntax error.
pub fn parse(source: &str, diagnostics: &mut Diagnostics) -> Table {
    let long = source.len() > 2 * PIECE;
    long.then(|| in_pieces(source, PIECE)).flatten().unwrap_or_else(|| whole(source, diagnostics))
}

/// Parses a text in pieces of about `size` bytes; none when that can't be done, or when anything is wrong with it.
fn in_pieces(source: &str, size: usize) -> Option<Table> {
    let cuts = cuts(source, size)?;
    let mut kinds: Vec<(Text, TableEntry, Entries)> = Vec::new();
    let mut places: HashMap<Text, usize> = HashMap::default();
    let tables = parallel::map(cuts.pieces.len(), 1, |at| {
        let piece = cuts.pieces[at].clone();
        let mut diagnostics = Diagnostics::default();
        let table = DeTable::parse(&source[piece.clone()]).ok()?;
        let table = Reading::new(piece.start, &mut diagnostics).table(table.into_inner());
        diagnostics.is_empty().then_some(table)
    });
    for table in tables {
        for (kind, mut entry) in table? {
            let Content::Table(names) = &mut entry.node.content else { return None };
            let names = std::mem::take(names);
            match places.get(&kind) {
                // `[queue]` and `[queue.a]` may not be told apart from `[queue]` twice once they are in two pieces.
                Some(_) if cuts.plain.contains(kind.as_str()) => return None,
                Some(at) => kinds[*at].2.extend(names),
                None => {
                    places.insert(kind.clone(), kinds.len());
                    kinds.push((kind, entry, names.into_iter().collect()));
                }
            }
        }
    }
    let whole = kinds.into_iter().map(|(kind, mut entry, names)| {
        let names: Table = names.into_iter().collect();
        if names.has_duplicate_keys() {
            return None;
        }
        entry.node.content = Content::Table(names);
        Some((kind, entry))
    });
    whole.collect()
}

/// Where a text is cut.
struct Cuts<'a> {
    pieces: Vec<Range<usize>>,
    /// The keys of all headers with one key.
    plain: BTreeSet<&'a str>,
}

/// Finds the cuts; none where it is not certain whether a line is a header.
fn cuts(source: &str, size: usize) -> Option<Cuts<'_>> {
    let mut pieces = Vec::new();
    let mut plain = BTreeSet::new();
    let mut from = 0;
    let mut at = 0;
    let mut before: Option<(&str, Option<&str>)> = None;
    for line in source.split_inclusive('\n') {
        let text = line.trim();
        if text.starts_with('[') {
            let header = header(text)?;
            if header.1.is_none() {
                plain.insert(header.0);
            }
            if at - from >= size && before.is_some_and(|before| before != header) {
                pieces.push(from..at);
                from = at;
            }
            before = Some(header);
        } else if before.is_none() && !text.is_empty() && !text.starts_with('#') {
            return None;
        }
        at += line.len();
    }
    pieces.push(from..at);
    Some(Cuts { pieces, plain })
}

/// The first two keys of a header of bare keys.
fn header(text: &str) -> Option<(&str, Option<&str>)> {
    let (keys, rest) = text.strip_prefix('[')?.split_once(']')?;
    let rest = rest.trim_start();
    let bare = |key: &str| !key.is_empty() && key.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-' || c == b'_');
    let mut keys = keys.split('.').map(|key| key.trim_matches([' ', '\t']));
    let sound = (rest.is_empty() || rest.starts_with('#')) && keys.clone().all(bare);
    if sound { Some((keys.next()?, keys.next())) } else { None }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::in_pieces;
    use crate::diagnostic::Diagnostics;
    use crate::spec::parse::whole;

    /// Lines that together make sound and unsound documents in many ways.
    const LINES: [&str; 30] = [
        "[a.x]",
        "[a.y]",
        "[a.z]",
        "[b.x]",
        "[b.y]",
        "[b.z]",
        "[a.x.sub]",
        "[a.y.sub]",
        "  [b.w] # behind",
        "[ a . v ]",
        "[a]",
        "[b]",
        "[c]",
        "[[a]]",
        "[[a.x]]",
        "[\"a\".x]",
        "[a.\"q\"]",
        "k = 1",
        "l = 2",
        "x = 3",
        "x.k = 4",
        "a.x = 5",
        "s = \"\"\"",
        "\"\"\"",
        "m = [",
        "[1],",
        "]",
        "# only a note",
        "",
        "n = \"ü\" # and a note",
    ];

    proptest! {
        #![proptest_config(ProptestConfig { cases: 20_000, ..ProptestConfig::default() })]
        #[test]
        fn pieces_mean_what_the_whole_means(lines in prop::collection::vec(prop_oneof![4 => 0..10_usize, 1 => 0..LINES.len()], 0..9)) {
            let text: String = lines.iter().map(|at| format!("{}\n", LINES[*at])).collect();
            if let Some(pieces) = in_pieces(&text, 1) {
                let mut diagnostics = Diagnostics::default();
                let unbroken = whole(&text, &mut diagnostics);
                prop_assert!(diagnostics.is_empty(), "{text}\n{diagnostics:?}");
                prop_assert_eq!(format!("{pieces:?}"), format!("{unbroken:?}"), "{}", text);
            }
        }
    }

    #[test]
    fn a_usual_spec_is_cut() {
        let block = |n: usize| {
            format!("# Queue {n}.\n[queue.q{n}]\nregions = [\n  \"r0\",\n]\n[queue.q{n}.tags]\na = \"ü\"\n\n")
        };
        let text: String = std::iter::once("[project]\nname = \"a\"\n".to_owned()).chain((0..9).map(block)).collect();
        assert!(super::cuts(&text, 100).is_some_and(|cuts| cuts.pieces.len() >= 4));
        let unbroken = whole(&text, &mut Diagnostics::default());
        assert_eq!(format!("{:?}", in_pieces(&text, 100).expect("cut")), format!("{unbroken:?}"));
    }
}
