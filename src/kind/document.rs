//! IAM documents as values: their normal form, and the short forms of the spec.
//!
//! In the normal form a single text and a list of it, the order of such lists, and the two ways to write an account make
//! no difference. The case of actions and the order of statements mean nothing to IAM either; they are kept for people to
//! read, and [`same`] ignores them.
//!
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>.

use litemap::LiteMap;

use super::json;
use crate::value::{Text, Value};

/// The version of the policy language that all documents are written in.
const VERSION: &str = "2012-10-17";

/// The parts of a statement in its short form, and as IAM calls them.
const SHORT: [(&str, &str); 6] = [
    ("sid", "Sid"),
    ("actions", "Action"),
    ("not_actions", "NotAction"),
    ("resources", "Resource"),
    ("not_resources", "NotResource"),
    ("conditions", "Condition"),
];

/// The statement that refuses requests without TLS is known by this name.
const TLS: &str = "AtlasSecureTransport";

/// The normal form of a document's text. A text that is no document is only brought into the normal form of JSON.
#[must_use]
pub fn normal(text: &str) -> String {
    let Value::Map(mut document) = json::meaning(text) else { return json::normal(text) };
    let mut statements = match document.remove("Statement") {
        Some(Value::List(statements)) => statements,
        Some(one) => vec![one],
        None => return json::normal(text),
    };
    statements = statements.into_iter().map(normal_statement).collect();
    document.insert("Statement".into(), Value::List(statements));
    pretty(&Value::Map(document))
}

/// Whether two documents mean the same to IAM.
#[must_use]
pub fn same(a: &str, b: &str) -> bool {
    normal(a) == normal(b) || meaning(a) == meaning(b)
}

/// Whether a statement of a document allows something to everybody, on no condition.
#[must_use]
pub fn opens_to_all(text: &str) -> bool {
    let everybody = |principal: Option<&Value>| match principal {
        Some(Value::List(all)) => all.iter().any(|one| one.as_str() == Some("*")),
        one => one.and_then(Value::as_str) == Some("*"),
    };
    let opens = |one: &Value| {
        let allows = one.at("Effect").and_then(Value::as_str) == Some("Allow");
        allows && everybody(one.at("Principal.AWS")) && one.at("Condition").is_none()
    };
    statements(text).is_some_and(|all| all.iter().any(opens))
}

/// What a condition compares with, in normal form: texts, sorted and without doubles.
#[must_use]
pub fn texts(value: Value) -> Value {
    single(value, &as_text)
}

/// The document that the lists `allow` and `deny` stand for.
#[must_use]
pub fn from_grants(allow: &Value, deny: &Value) -> String {
    let statement = |effect: &str, one: &Value| {
        let parts = SHORT.iter().filter_map(|(short, long)| Some((*long, one.at(short)?.clone())));
        map(parts.chain([("Effect", effect.into())]))
    };
    let allowed = allow.items().iter().map(|one| statement("Allow", one));
    let denied = deny.items().iter().map(|one| statement("Deny", one));
    document(allowed.chain(denied).collect())
}

/// The lists `allow` and `deny` that stand for a document, when they can say all of it.
#[must_use]
pub fn to_grants(text: &str) -> Option<(Value, Value)> {
    let (mut allow, mut deny) = (Vec::new(), Vec::new());
    for statement in statements(text)? {
        let short = SHORT.iter().filter_map(|(short, long)| {
            let value = statement.at(long)?;
            let is_set = !["Sid", "Condition"].contains(long);
            Some((*short, if is_set { listed(value) } else { value.clone() }))
        });
        match statement.at("Effect").and_then(Value::as_str) {
            Some("Allow") => allow.push(map(short)),
            _ => deny.push(map(short)),
        }
    }
    let (allow, deny) = (Value::List(allow), Value::List(deny));
    // What the lists have no word for, such as a principal or another version of the language, is not in them.
    same(&from_grants(&allow, &deny), text).then_some((allow, deny))
}

/// A list of statements as another list says it, where that means the same: in its order, and with its case of actions. What
/// is not known yet in the other list may be anything.
#[must_use]
pub fn worded_like(said: &Value, found: Value) -> Value {
    let Value::List(mut left) = found else { return found };
    let mut ordered = Vec::with_capacity(left.len());
    for one in said.items() {
        if let Some(at) = left.iter().position(|other| may_mean(one, other)) {
            let own = [one.at("actions"), one.at("not_actions")];
            let other = left.remove(at);
            let keys = ["actions", "not_actions"].into_iter().zip(own);
            ordered.push(keys.fold(other, |whole, (key, own)| match own.filter(|own| own.is_known()) {
                Some(own) => whole.with(&[key], own.clone()),
                None => whole,
            }));
        }
    }
    ordered.append(&mut left);
    Value::List(ordered)
}

/// Whether a statement in its short form means the same as one that is there, as far as it is known.
fn may_mean(said: &Value, found: &Value) -> bool {
    let same = |key: &str| match (said.at(key), found.at(key)) {
        (Some(said), Some(found)) if key.ends_with("actions") => !said.is_known() || lower(said) == lower(found),
        (Some(said), Some(found)) => !said.is_known() || said == found,
        (said, found) => said.is_none() && found.is_none(),
    };
    SHORT.iter().all(|(key, _)| same(key))
}

/// Actions without their case, which means nothing.
fn lower(actions: &Value) -> Value {
    let lower = |item: Value| item.as_str().map(|text| text.to_ascii_lowercase().as_str().into()).unwrap_or(item);
    single(actions.clone(), &lower)
}

/// The trust policy that the short form of `trust` stands for, in an account.
#[must_use]
pub fn from_trust(trust: &Value, account: &str) -> String {
    let mut statements = Vec::new();
    let text = |name: &str| trust.at(name).and_then(Value::as_str);
    let named = [("aws", "AWS"), ("service", "Service")];
    let principals: Vec<_> = named.iter().filter_map(|(short, long)| Some((*long, text(short)?.into()))).collect();
    if !principals.is_empty() {
        let parts = [("Effect", "Allow".into()), ("Principal", map(principals)), ("Action", "sts:AssumeRole".into())];
        statements.push(map(parts));
    }
    if let Some(provider) = text("oidc") {
        let mut equals = vec![(Text::from(format!("{provider}:aud")), "sts.amazonaws.com".into())];
        equals.extend(text("subject").map(|subject| (format!("{provider}:sub").into(), subject.into())));
        let arn = format!("{}{provider}", oidc_prefix(account));
        statements.push(map([
            ("Effect", "Allow".into()),
            ("Principal", map([("Federated", arn.as_str().into())])),
            ("Action", "sts:AssumeRoleWithWebIdentity".into()),
            ("Condition", map([("StringEquals", Value::Map(equals.into_iter().collect()))])),
        ]));
    }
    document(statements)
}

/// The short form of a trust policy, when there is one that stands for exactly this document.
#[must_use]
pub fn to_trust(text: &str, account: &str) -> Option<Value> {
    let mut trust: LiteMap<Text, Value> = LiteMap::new_vec();
    let mut put = |name: &str, value: Option<&Value>| {
        if let Some(text @ Value::String(_)) = value {
            trust.insert(name.into(), text.clone());
        }
    };
    for statement in statements(text)? {
        put("aws", statement.at("Principal.AWS"));
        put("service", statement.at("Principal.Service"));
        let provider = statement.at("Principal.Federated").and_then(Value::as_str);
        if let Some(provider) = provider.and_then(|arn| arn.strip_prefix(&oidc_prefix(account))) {
            put("oidc", Some(&provider.into()));
            let equals = statement.at("Condition.StringEquals");
            if let Some(Value::Map(equals)) = equals {
                put("subject", equals.get(format!("{provider}:sub").as_str()));
            }
        }
    }
    let trust = Value::Map(trust);
    same(&from_trust(&trust, account), text).then_some(trust)
}

/// A bucket's whole policy: its own statements, and the one that refuses requests without TLS.
#[must_use]
pub fn with_secure_transport(policy: Option<&str>, bucket: &str) -> String {
    let mut all = policy.and_then(statements).unwrap_or_default();
    all.push(tls_statement(bucket));
    let mut whole = policy.map(json::meaning).filter(|value| matches!(value, Value::Map(_))).unwrap_or_default();
    whole = whole.with(&["Version"], VERSION.into()).with(&["Statement"], Value::List(all));
    normal(&compact(&whole))
}

/// Takes the statement that refuses requests without TLS out of a bucket's policy: what is left of it, and whether the
/// statement was there as Atlas writes it.
#[must_use]
pub fn split_secure_transport(policy: &str, bucket: &str) -> (Option<String>, bool) {
    let expected = normal_statement(tls_statement(bucket));
    let Some(mut all) = statements(policy) else { return (Some(normal(policy)), false) };
    let before = all.len();
    all.retain(|statement| *statement != expected);
    let secure = all.len() < before;
    if all.is_empty() {
        return (None, secure);
    }
    let rest = json::meaning(policy).with(&["Statement"], Value::List(all));
    (Some(normal(&compact(&rest))), secure)
}

fn tls_statement(bucket: &str) -> Value {
    let arn = format!("arn:aws:s3:::{bucket}");
    map([
        ("Sid", TLS.into()),
        ("Effect", "Deny".into()),
        ("Principal", "*".into()),
        ("Action", "s3:*".into()),
        ("Resource", Value::List(vec![arn.as_str().into(), format!("{arn}/*").as_str().into()])),
        ("Condition", map([("Bool", map([("aws:SecureTransport", "false".into())]))])),
    ])
}

fn oidc_prefix(account: &str) -> String {
    format!("arn:aws:iam::{account}:oidc-provider/")
}

fn document(statements: Vec<Value>) -> String {
    normal(&compact(&map([("Version", VERSION.into()), ("Statement", Value::List(statements))])))
}

/// The statements of a document in normal form.
fn statements(text: &str) -> Option<Vec<Value>> {
    match json::meaning(&normal(text)) {
        Value::Map(mut document) => match document.remove("Statement")? {
            Value::List(statements) => Some(statements),
            _ => None,
        },
        _ => None,
    }
}

fn normal_statement(statement: Value) -> Value {
    let Value::Map(mut parts) = statement else { return statement };
    // An empty name is none, and conditions without a test are none.
    if parts.get("Sid").and_then(Value::as_str) == Some("") {
        parts.remove("Sid");
    }
    if matches!(parts.get("Condition"), Some(Value::Map(tests)) if tests.is_empty()) {
        parts.remove("Condition");
    }
    let part = |(key, value): (Text, Value)| {
        let value = match key.as_str() {
            "Action" | "NotAction" | "Resource" | "NotResource" => single(value, &|item| item),
            "Principal" | "NotPrincipal" => inner(everybody(value), &|_, one| single(one, &account)),
            "Condition" => inner(value, &|_, tests| inner(tests, &|_, one| texts(one))),
            _ => value,
        };
        (key, value)
    };
    Value::Map(parts.into_iter().map(part).collect())
}

/// A list sorted and without doubles; a list of one is that one.
fn single(value: Value, item: &dyn Fn(Value) -> Value) -> Value {
    let mut items: Vec<Value> = match value {
        Value::List(items) => items.into_iter().map(item).collect(),
        one => return item(one),
    };
    items.sort_by_cached_key(compact);
    items.dedup();
    if items.len() == 1 { items.remove(0) } else { Value::List(items) }
}

fn inner(value: Value, change: &dyn Fn(&str, Value) -> Value) -> Value {
    match value {
        Value::Map(entries) => Value::Map(
            entries
                .into_iter()
                .map(|(key, one)| {
                    let one = change(&key, one);
                    (key, one)
                })
                .collect(),
        ),
        other => other,
    }
}

/// Everybody may be written as a star, or as a star among the accounts:
/// <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>.
fn everybody(principal: Value) -> Value {
    if principal.as_str() == Some("*") { map([("AWS", principal)]) } else { principal }
}

/// An account may be written as its number or as the ARN of its root.
fn account(principal: Value) -> Value {
    // AWS has one partition for China and one for governments, whose ARNs begin with `arn:aws-cn` and `arn:aws-us-gov`.
    let arn = principal.as_str().and_then(|arn| arn.strip_prefix("arn:aws")?.split_once(":iam::"));
    let root = arn.filter(|(partition, _)| !partition.contains(':')).and_then(|(_, rest)| rest.strip_suffix(":root"));
    match (root, &principal) {
        (Some(root), _) => Value::from(root),
        // A number that JSON writes as one.
        (None, Value::Int(number)) => format!("{number:012}").as_str().into(),
        (None, _) => principal,
    }
}

/// IAM takes `true` and `"true"`, `5` and `"5"` for the same.
fn as_text(value: Value) -> Value {
    match value {
        Value::Bool(flag) => flag.to_string().as_str().into(),
        Value::Int(number) => number.to_string().as_str().into(),
        Value::Float(number) => number.to_string().as_str().into(),
        other => other,
    }
}

/// A document without what IAM ignores: the case of actions, the order of statements.
fn meaning(text: &str) -> Value {
    let Some(all) = statements(text) else { return text.into() };
    let statement =
        |statement: Value| inner(statement, &|key, value| if key.ends_with("Action") { lower(&value) } else { value });
    let mut all: Vec<Value> = all.into_iter().map(statement).collect();
    all.sort_by_cached_key(compact);
    json::meaning(text).with(&["Statement"], Value::List(all))
}

fn listed(value: &Value) -> Value {
    match value {
        Value::List(_) => value.clone(),
        one => Value::List(vec![one.clone()]),
    }
}

fn map<'a>(entries: impl IntoIterator<Item = (&'a str, Value)>) -> Value {
    Value::Map(entries.into_iter().map(|(key, value)| (key.into(), value)).collect())
}

fn compact(value: &Value) -> String {
    serde_json::to_string(value).unwrap_or_default()
}

fn pretty(value: &Value) -> String {
    serde_json::to_string_pretty(value).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::{from_grants, from_trust, normal, same, split_secure_transport, to_grants, to_trust, worded_like};
    use crate::kind::literal;
    use crate::value::{Part, Template, Value};

    #[test]
    fn order_and_lists_of_one_make_no_difference() {
        let one = r#"{"Version":"2012-10-17","Statement":{"Effect":"Allow","Principal":{"AWS":["arn:aws:iam::1:root"]},"Action":["s3:b","s3:a"],"Resource":"*","Condition":{"Bool":{"x":true}}}}"#;
        let other = r#"{"Statement":[{"Action":["s3:a","s3:b","s3:a"],"Resource":["*"],"Principal":{"AWS":"1"},"Effect":"Allow","Condition":{"Bool":{"x":["true"]}}}],"Version":"2012-10-17"}"#;
        assert_eq!(normal(one), normal(other));
        assert!(same(one, &other.replace("s3:a", "S3:A")));
        assert!(!same(one, &other.replace("s3:a", "s3:c")));
    }

    #[test]
    fn what_means_the_same_is_the_same() {
        let statement = |rest: &str| {
            format!(
                "{{\"Version\":\"2012-10-17\",\"Statement\":[{{\"Effect\":\"Allow\",\"Action\":\"s3:a\",\"Resource\":\"*\",{rest}}}]}}"
            )
        };
        for (one, other) in [
            ("\"Principal\":\"*\"", "\"Principal\":{\"AWS\":\"*\"}"),
            ("\"Principal\":\"*\"", "\"Principal\":{\"AWS\":[\"*\"]}"),
            (
                "\"Principal\":{\"AWS\":\"111122223333\"}",
                "\"Principal\":{\"AWS\":[\"arn:aws:iam::111122223333:root\"]}",
            ),
            (
                "\"Principal\":{\"AWS\":\"111122223333\"}",
                "\"Principal\":{\"AWS\":\"arn:aws-cn:iam::111122223333:root\"}",
            ),
            ("\"Principal\":{\"AWS\":111122223333}", "\"Principal\":{\"AWS\":\"111122223333\"}"),
            ("\"Sid\":\"\",\"Principal\":\"*\"", "\"Principal\":\"*\""),
            ("\"Condition\":{\"Bool\":{\"x\":true}}", "\"Condition\":{\"Bool\":{\"x\":[\"true\"]}}"),
            (
                "\"Condition\":{\"NumericLessThan\":{\"x\":[5,6]}}",
                "\"Condition\":{\"NumericLessThan\":{\"x\":[\"6\",\"5\"]}}",
            ),
            ("\"Condition\":{\"NumericLessThan\":{\"x\":1.5}}", "\"Condition\":{\"NumericLessThan\":{\"x\":\"1.5\"}}"),
        ] {
            assert_eq!(normal(&statement(one)), normal(&statement(other)), "{one} {other}");
        }
        for (one, other) in [
            ("\"Principal\":\"*\"", "\"Principal\":{\"Service\":\"*\"}"),
            (
                "\"Principal\":{\"AWS\":\"111122223333\"}",
                "\"Principal\":{\"AWS\":\"arn:aws:iam::111122223333:role/root\"}",
            ),
            ("\"Sid\":\"a\"", "\"Sid\":\"b\""),
        ] {
            assert!(!same(&statement(one), &statement(other)), "{one} {other}");
        }
    }

    #[test]
    fn short_forms_come_back() {
        let allow = literal(r#"[{ actions = ["s3:GetObject"], resources = ["arn:aws:s3:::a/*"] }]"#);
        let deny = literal(r#"[{ actions = ["s3:*"], resources = ["*"], conditions = { Bool = { a = "true" } } }]"#);
        assert_eq!(to_grants(&from_grants(&allow, &deny)), Some((allow, deny)));
        for trust in ["{ service = \"ec2.amazonaws.com\" }", "{ aws = \"1\" }", "{ oidc = \"h/id\", subject = \"s\" }"]
        {
            let trust = literal(trust);
            assert_eq!(to_trust(&from_trust(&trust, "9"), "9"), Some(trust));
        }
        let own = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"a:b"}]}"#;
        assert_eq!(to_trust(own, "9"), None);
    }

    #[test]
    fn all_parts_of_a_statement_have_a_short_form() {
        let allow = literal(
            r#"[{ sid = "Mail", not_actions = ["iam:*"], not_resources = ["arn:aws:s3:::a/*"], conditions = { NumericLessThan = { n = ["5", "60"] } } }]"#,
        );
        let none = literal("[]");
        assert_eq!(to_grants(&from_grants(&allow, &none)), Some((allow.clone(), none)));
        // What has no short form is no statement without it.
        let document = from_grants(&allow, &literal("[]"));
        for other in [
            document.replace("2012-10-17", "2008-10-17"),
            document.replace("\"Effect\"", "\"Principal\": \"*\", \"Effect\""),
            document.replace("\"Version\"", "\"Id\": \"mine\", \"Version\""),
        ] {
            assert_ne!(other, document);
            assert_eq!(to_grants(&other), None, "{other}");
        }
    }

    #[test]
    fn statements_are_worded_as_the_spec_words_them() {
        let said = literal(
            r#"[{ actions = ["s3:GetObject"], resources = ["a"] }, { actions = ["sqs:SendMessage"], resources = ["b"] }]"#,
        );
        let found = literal(
            r#"[{ actions = ["SQS:sendmessage"], resources = ["b"] }, { actions = ["s3:GetObject"], resources = ["a"] }]"#,
        );
        assert_eq!(worded_like(&said, found.clone()), said);
        assert_eq!(worded_like(&literal("[]"), found.clone()), found);
        let other = literal(r#"[{ actions = ["sqs:*"], resources = ["b"] }]"#);
        assert_eq!(worded_like(&said, other.clone()), other);
        // A reference may come to anything, and the rest tells which statement it is.
        let reference = Template(vec![Part::Literal("x".into())]);
        let waiting = said.clone().with(&["0", "resources"], Value::List(vec![Value::Template(Box::new(reference))]));
        assert_eq!(worded_like(&waiting, found), said);
    }

    #[test]
    fn the_statement_about_tls_is_told_apart() {
        let own = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"*"}]}"#;
        let whole = super::with_secure_transport(Some(own), "b");
        assert_eq!(split_secure_transport(&whole, "b"), (Some(normal(own)), true));
        assert_eq!(split_secure_transport(&super::with_secure_transport(None, "b"), "b"), (None, true));
        assert_eq!(split_secure_transport(own, "b"), (Some(normal(own)), false));
    }
}
