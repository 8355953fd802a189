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

/// The document that the lists `allow` and `deny` stand for.
#[must_use]
pub fn from_grants(allow: &Value, deny: &Value) -> String {
    let statement = |effect: &str, one: &Value| {
        let mut parts = vec![("Effect", effect.into())];
        let keys = [("actions", "Action"), ("resources", "Resource"), ("conditions", "Condition")];
        parts.extend(keys.iter().filter_map(|(short, long)| Some((*long, one.at(short)?.clone()))));
        map(parts)
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
        let Value::Map(parts) = &statement else { return None };
        if parts.keys().any(|key| !["Effect", "Action", "Resource", "Condition"].contains(&key.as_str())) {
            return None;
        }
        let mut short = vec![("actions", listed(parts.get("Action")?)), ("resources", listed(parts.get("Resource")?))];
        if let Some(condition) = parts.get("Condition") {
            short.push(("conditions", condition.clone()));
        }
        match parts.get("Effect").and_then(Value::as_str) {
            Some("Allow") => allow.push(map(short)),
            _ => deny.push(map(short)),
        }
    }
    Some((Value::List(allow), Value::List(deny)))
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
    // An empty name is none.
    if parts.get("Sid").and_then(Value::as_str) == Some("") {
        parts.remove("Sid");
    }
    let part = |(key, value): (Text, Value)| {
        let value = match key.as_str() {
            "Action" | "NotAction" | "Resource" | "NotResource" => single(value, &|item| item),
            "Principal" | "NotPrincipal" => inner(everybody(value), &|_, one| single(one, &account)),
            "Condition" => inner(value, &|_, tests| inner(tests, &|_, one| single(one, &as_text))),
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
    let lower = |item: Value| item.as_str().map(|text| text.to_ascii_lowercase().as_str().into()).unwrap_or(item);
    let Some(all) = statements(text) else { return text.into() };
    let statement = |statement: Value| {
        inner(statement, &|key, value| if key.ends_with("Action") { single(value, &lower) } else { value })
    };
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
    use super::{from_grants, from_trust, normal, same, split_secure_transport, to_grants, to_trust};
    use crate::kind::literal;

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
    fn the_statement_about_tls_is_told_apart() {
        let own = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"*"}]}"#;
        let whole = super::with_secure_transport(Some(own), "b");
        assert_eq!(split_secure_transport(&whole, "b"), (Some(normal(own)), true));
        assert_eq!(split_secure_transport(&super::with_secure_transport(None, "b"), "b"), (None, true));
        assert_eq!(split_secure_transport(own, "b"), (Some(normal(own)), false));
    }
}
