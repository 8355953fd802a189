//! What expressions give, and how they end that are wrong or would take for ever.

use serde_json::{Value, json};

use super::{Expression, Undecided};

fn decide(text: &str, object: &Value) -> Result<bool, Undecided> {
    let expression = Expression::compile(text, &["object"]).unwrap_or_else(|fault| panic!("{text}: {fault:?}"));
    expression.decide(&[("object", object)])
}

fn widget() -> Value {
    json!({
        "metadata": { "name": "w", "generation": 3, "labels": { "tier": "edge" } },
        "spec": { "replicas": 2, "share": 0.5 },
        "status": {
            "phase": "Running", "ready": 2, "observedGeneration": 3,
            "conditions": [
                { "type": "Ready", "status": "True" }, { "type": "Odd" }, { "type": "Synced", "status": "False" },
            ],
        },
    })
}

#[test]
fn expressions_of_every_sort_are_decided() {
    let cases = [
        ("object.status.phase == 'Running'", true),
        ("object.status.phase != \"Running\"", false),
        ("object.status.phase in ['Running', 'Idle'] && object.status.ready >= object.spec.replicas", true),
        ("object.status.conditions.exists(c, c.type == 'Ready' && c.status == 'True')", true),
        ("object.status.conditions.all(c, has(c.status))", false),
        ("object.status.conditions.exists_one(c, c.type == 'Odd')", true),
        ("object.status.conditions.filter(c, has(c.status)).map(c, c.type) == ['Ready', 'Synced']", true),
        ("size(object.status.conditions) == 3 && object.status.conditions.size() > 2", true),
        ("object.status.conditions[0].status == 'True'", true),
        ("has(object.status.phase) && !has(object.status.error)", true),
        ("'tier' in object.metadata.labels && object.metadata.labels['tier'].startsWith('ed')", true),
        ("object.status.phase.matches('^Run') && object.status.phase.lowerAscii().contains('unn')", true),
        ("object.spec.share * 2 == 1.0 && object.spec.replicas % 2 == 0 && -1 < 0", true),
        ("int('7') + 1 == 8 && string(7) == '7' && double(1) == 1", true),
        ("object.status.observedGeneration == object.metadata.generation ? true : false", true),
        ("object.metadata.name + '-x' == 'w-x' && {'a': 1}.a == 1", true),
        ("object.status.conditions.map(c, c.type).exists(t, t == 'Synced')", true),
        // Of two of which one decides, the other may be missing.
        ("object.status.error == 'x' || object.status.ready == 2", true),
        ("object.status.ready == 3 && object.status.error == 'x'", false),
        ("object.status.conditions.exists(c, c.status == 'False')", true),
    ];
    for (text, is_so) in cases {
        assert_eq!(decide(text, &widget()), Ok(is_so), "{text}");
    }
}

#[test]
fn what_is_not_there_is_told_from_what_is_wrong() {
    for object in [json!({}), json!({ "status": null }), json!({ "status": {} }), json!(null)] {
        for text in [
            "object.status.phase == 'Running'",
            "object.status.conditions.exists(c, c.type == 'Ready')",
            "object.status.conditions[0].type == 'Ready'",
            "object.status.ready > 0",
            "object.status['ready'] > 0",
            "size(object.status.items) == 1",
        ] {
            assert!(matches!(decide(text, &object), Err(Undecided::Missing(_))), "{text} of {object}");
        }
    }
    let wrong = |text: &str| match decide(text, &widget()) {
        Err(Undecided::Wrong(why)) => why,
        other => panic!("{text}: {other:?}"),
    };
    assert_eq!(wrong("object.status.phase"), "it gives a text, and not true or false");
    assert_eq!(wrong("1"), "it gives the number 1, and not true or false");
    assert_eq!(wrong("object.spec.replicas / 0 == 1"), "it divides by zero");
    assert_eq!(wrong("object.status.phase > 1"), "a text and the number 1 have no order");
    assert_eq!(wrong("object.status.phase.x == 1"), "`x` is asked of a text");
    assert_eq!(wrong("!object.status.phase"), "`!` stands before a text");
    assert_eq!(wrong("9223372036854775807 + 1 > 0"), "a number in it gets too large");
    assert!(wrong("object.status.phase.matches('(')").starts_with("it is no pattern"));
    assert!(wrong("object.status.phase.exists(c, c == 1)").contains("has no items"));
}

#[test]
fn a_wrong_text_is_refused_with_what_is_wrong_and_where() {
    let fault = |text: &str| Expression::compile(text, &["object"]).expect_err(text);
    let cases = [
        ("", "the expression is empty"),
        ("object.status.", "`.` can't stand there"),
        ("object.status = 1", "`="),
        ("obj.status == 1", "there is no variable `obj` at character 1"),
        ("object.items.exist(c, c)", "there is no function `exist`"),
        ("object.name.startWith('a')", "there is no function `startWith`"),
        ("size(object, 1) == 1", "`size` takes 1 values in its brackets, and not 2"),
        ("now() > 1", "there is no function `now`"),
        ("object.a == ", "it ends too early"),
        ("has(object)", ""),
        ("b'x' == object", "there are no bytes in JSON"),
        ("Thing{a: 1}.a == 1", "there is no type `Thing`"),
        ("object.all(c)", "`all` is not written like this"),
        ("object.?status.x", ""),
    ];
    for (text, says) in cases {
        let told = fault(text);
        assert!(told.message.contains(says), "{text}: {told:?}");
        assert!(!told.message.is_empty() && !told.message.contains("ERROR"), "{text}: {told:?}");
    }
    assert_eq!(fault("objekt.status == 1").hint.as_deref(), Some("did you mean `object`?"));
    assert_eq!(fault("object.name.startWith('a')").hint.as_deref(), Some("did you mean `startsWith`?"));
}
