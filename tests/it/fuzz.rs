//! No bytes make it panic: the parser, the reference resolver and the reader of saved plans, with generated input.
//!
//! `PROPTEST_CASES=1000000 cargo test --release --test it fuzz` digs deeper.

use atlas::address::Address;
use atlas::diagnostic::SourceText;
use atlas::kind;
use atlas::plan::SavedPlan;
use atlas::spec::{Inputs, compile, read_value};
use proptest::prelude::*;

/// A good spec, to be damaged.
const GOOD: &str = include_str!("../../atlas.toml");

/// Compiles, and looks at every diagnostic as the program would: a span has to point into the text.
fn compiles(text: &str) {
    let (_, diagnostics) = compile(text, &Inputs::default());
    let source = SourceText { name: "fuzz", text };
    let _ = source.to_json(&diagnostics);
    for span in diagnostics.iter().filter_map(|diagnostic| diagnostic.span) {
        assert!(text.get(span.range()).is_some(), "{span:?} does not point into the text");
    }
}

/// Pieces that specs are made of, and some that they are not.
fn piece() -> impl Strategy<Value = String> {
    let words = [
        "[project]\nname = \"t\"\n",
        "[region.a]\n",
        "[bucket.b]\n",
        "[queue.\"q\"]\n",
        "[[role.r.allow]]\n",
        "regions = [\"a\"]\n",
        "name = \"",
        "\"\n",
        "${",
        "}",
        "${region}",
        "${bucket.b.arn}",
        "${queue.q@a.url}",
        "$${",
        "'''",
        "\"\"\"",
        "\\u00e9",
        "\\",
        "\n",
        " = ",
        "{ ",
        " }",
        "[",
        "]",
        ".",
        ",",
        "@",
        "/",
        "30s",
        "trust_policy = '{\"Statement\":",
        "document = \"{",
        "depends_on = [\"bucket.b\", \"database.d/table/t\"]\n",
        "[database.d.table.t]\n",
        "[environment.default]\nworld = \"sandbox\"\n",
        "[var.v]\ndefault = 1\n",
        "${var.v}",
        "é",
        "\u{202e}",
        "\0",
        "\r\n",
        "nan",
        "inf",
        "-0",
        "0x",
        "1979-05-27T07:32:00Z",
        "9223372036854775808",
    ];
    prop_oneof![8 => proptest::sample::select(words.to_vec()).prop_map(str::to_owned), 1 => "\\PC{0,8}"]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_compiles_or_is_refused(text in any::<String>()) {
        compiles(&text);
    }

    #[test]
    fn pieces_of_specs_compile_or_are_refused(pieces in proptest::collection::vec(piece(), 0..40)) {
        compiles(&format!("[project]\nname = \"t\"\n{}", pieces.concat()));
        compiles(&pieces.concat());
    }

    #[test]
    fn a_damaged_spec_compiles_or_is_refused(at in 0..GOOD.len(), length in 0_usize..40, with in piece()) {
        let (mut start, mut end) = (at, (at + length).min(GOOD.len()));
        while !GOOD.is_char_boundary(start) {
            start -= 1;
        }
        while !GOOD.is_char_boundary(end) {
            end += 1;
        }
        compiles(&format!("{}{with}{}", &GOOD[..start], &GOOD[end..]));
    }

    #[test]
    fn any_reference_resolves_or_is_refused(hole in "[a-z.@/$\\{\\}\\- ]{0,30}") {
        let head = "[project]\nname = \"t\"\n[region.a]\n[bucket.b]\nregions = [\"a\"]\n";
        compiles(&format!("{head}tags = {{ x = \"${{{hole}}}\" }}\n"));
        compiles(&format!("{head}depends_on = [\"{hole}\"]\n"));
    }

    #[test]
    fn any_bytes_are_a_saved_plan_or_are_refused(text in any::<String>(), cut in 0_usize..400, with in "\\PC{0,5}") {
        let _ = SavedPlan::from_text(&text);
        let good = concat!(
            r#"{"atlas_plan":1,"project":"t","environment":"e","fingerprint":"f","options":{"destroy":false,"#,
            r#""targets":["bucket.b"],"excludes":[],"replace":[],"adopt":[]},"#,
            r#""changes":{"bucket.b":{"action":"create","fingerprint":"f"}},"checksum":"c"}"#
        );
        let cut = cut.min(good.len());
        let _ = SavedPlan::from_text(&format!("{}{with}{}", &good[..cut], &good[cut..]));
        let _ = SavedPlan::from_text(&good[..cut]);
    }

    #[test]
    fn any_value_of_any_type_is_read_or_refused(text in any::<String>()) {
        for attribute in kind::ALL.iter().flat_map(|kind| kind.attributes) {
            if let Ok(value) = read_value(&attribute.ty, &text) {
                let _ = kind::normal(&attribute.ty, value);
            }
        }
        let _ = Address::parse(&text);
    }
}
