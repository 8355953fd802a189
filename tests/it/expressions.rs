//! Expressions of people who mean no good.

use atlas::expression::{Expression, Undecided};
use serde_json::{Value, json};

fn decide(text: &str, object: &Value) -> Result<bool, Undecided> {
    let expression = Expression::compile(text, &["object"]).unwrap_or_else(|fault| panic!("{text}: {fault:?}"));
    expression.decide(&[("object", object)])
}

#[test]
fn a_hostile_expression_ends_soon() {
    let began = std::time::Instant::now();
    let long = json!({ "l": (0..2_000).collect::<Vec<_>>(), "t": "a".repeat(100_000) });
    let macros = "object.l.all(a, object.l.all(b, object.l.all(c, object.l.all(d, a + b + c + d >= 0))))";
    assert_eq!(decide(macros, &long), Err(Undecided::Wrong("it takes too much work".to_owned())));
    let grows = "[object.t].map(a, a+a+a+a+a+a+a+a).map(a, a+a+a+a+a+a+a+a).map(a, a+a+a+a+a+a+a+a)[0] == ''";
    assert_eq!(decide(grows, &long), Err(Undecided::Wrong("it takes too much work".to_owned())));
    let compares = "object.l.exists(a, object == object && a < 0)";
    assert_eq!(decide(compares, &long), Err(Undecided::Wrong("it takes too much work".to_owned())));
    let patterns = "object.l.exists(a, object.t.matches('(a{100}){100}b'))";
    assert!(matches!(decide(patterns, &long), Err(Undecided::Wrong(_))));
    for text in [
        "(".repeat(900),
        "[".repeat(900),
        "-".repeat(900),
        "!".repeat(900),
        "a?".repeat(450),
        "object.a?object.b:".repeat(50) + "1",
        "1+".repeat(450) + "1",
        "object".to_owned() + &".a".repeat(450),
        "object".to_owned() + &"[0]".repeat(300),
        "object.l.all(x,".repeat(20) + "true" + &")".repeat(20),
        "object.l.all(x,".repeat(60) + "true" + &")".repeat(60),
        "'".repeat(999),
        "\u{1F600}".repeat(999),
        "a\0b\u{7f}\\".repeat(20),
        "x".repeat(2_000),
    ] {
        if let Ok(expression) = Expression::compile(&text, &["object"]) {
            let _ = expression.decide(&[("object", &long)]);
        }
    }
    assert!(began.elapsed().as_secs() < 20, "{:?}", began.elapsed());
}
