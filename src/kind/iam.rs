//! IAM policy grammar: actions, statements, documents.
//!
//! Source: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html>.

use std::iter::repeat;

use foldhash::HashSet;
use jsonc_parser::ast::{Object, Value as Node};

use super::fault::Fault;
use super::schema::{Attribute, Facts, Rule, Type};
use super::shared::Shared::Static;
use super::view::{Findings, Resource};
use super::{json, rule};
use crate::diagnostic::code;
use crate::value::Value;

/// An action: `s3:GetObject`, `sqs:*`, `*`.
pub static ACTION: Rule = Rule {
    says: Static("IAM action, \"service:Action\""),
    pattern: Some(Static("^(\\*|[A-Za-z0-9-]+:[A-Za-z0-9*?]+)$")),
    normal: None,
    several: None,
    check: Static(&|text| {
        let hint = "write it as \"service:Action\", such as \"s3:GetObject\" or \"sqs:*\"";
        if text == "*" {
            return Ok(());
        }
        let Some((service, action)) = text.split_once(':') else {
            return Err(Fault::new(format!("`{text}` names no service")).hint(hint));
        };
        let wrong = |part: &str, extra: &str| part.find(|c: char| !c.is_ascii_alphanumeric() && !extra.contains(c));
        if service.is_empty() || action.is_empty() {
            return Err(Fault::new(format!("`{text}` is only half an action")).hint(hint));
        }
        let at = wrong(service, "-").or_else(|| wrong(action, "*?").map(|at| at + service.len() + 1));
        match at {
            Some(at) => Err(Fault::new("this character can't stand in an action").at(at..at + 1).hint(hint)),
            None => Ok(()),
        }
    }),
};

/// The name of a statement: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_sid.html>.
static SID: Rule = Rule {
    says: Static("name of a statement, letters and digits"),
    pattern: Some(Static("^[A-Za-z0-9]+$")),
    normal: None,
    several: None,
    check: Static(&|text| {
        rule::allow(text, |c| c.is_ascii_alphanumeric(), "letters and digits")?;
        rule::length(text, 1, usize::MAX)
    }),
};

/// A whole policy document as JSON.
pub static DOCUMENT: Rule = Rule {
    says: Static("an IAM policy"),
    pattern: None,
    normal: None,
    several: None,
    check: Static(&|text| check_document(text, false)),
};

/// A whole trust policy as JSON: its statements name principals instead of resources.
pub static TRUST: Rule = Rule {
    says: Static("an IAM trust policy"),
    pattern: None,
    normal: None,
    several: None,
    check: Static(&|text| check_document(text, true)),
};

/// A resource's own policy as JSON: its statements name principals besides resources.
pub static RESOURCE_POLICY: Rule = Rule {
    says: Static("a resource policy"),
    pattern: None,
    normal: None,
    several: None,
    check: Static(&|text| check_document(text, false)),
};

/// The path of a user or a group, which can be moved.
pub const MOVABLE_PATH: Attribute =
    Attribute::new("path", Type::text(&rule::IAM_PATH), "The path in front of the name.", &["\"/\"", "\"/atlas/\""])
        .default("\"/\"");

/// The path of a role, a policy or an instance profile.
pub const PATH: Attribute = MOVABLE_PATH.replaces();

/// The attributes of one statement in its short form.
pub static STATEMENT: &[Attribute] = &[
    Attribute::new(
        "sid",
        Type::text(&SID),
        "Its name, which no other statement of the policy has.",
        &["\"ReadAudit\"", "\"WriteAudit\""],
    ),
    Attribute::new(
        "actions",
        Type::set(const { &Type::text(&ACTION) }),
        "The actions.",
        &["[\"s3:GetObject\"]", "[\"sqs:*\"]"],
    ),
    Attribute::new(
        "not_actions",
        Type::set(const { &Type::text(&ACTION) }),
        "All actions but these, in place of `actions`.",
        &["[\"iam:*\"]", "[\"iam:*\", \"sts:*\"]"],
    ),
    Attribute::new(
        "resources",
        Type::set(const { &Type::text(&rule::SOME) }),
        "The resources, as ARNs.",
        &["[\"arn:aws:s3:::a\"]", "[\"arn:aws:s3:::b/*\"]"],
    ),
    Attribute::new(
        "not_resources",
        Type::set(const { &Type::text(&rule::SOME) }),
        "All resources but these, in place of `resources`.",
        &["[\"arn:aws:s3:::a\"]", "[\"arn:aws:s3:::b/*\"]"],
    ),
    Attribute::new(
        "conditions",
        Type::map(const { &Type::map(const { &Type::Texts }) }),
        "Conditions, as IAM writes them: operator, key, values.",
        &[
            "{ Bool = { \"aws:SecureTransport\" = \"true\" } }",
            "{ StringEquals = { \"aws:PrincipalOrgID\" = \"o-1\" } }",
        ],
    ),
];

/// The ARN of an object of IAM: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_identifiers.html>.
pub fn arn(facts: &Facts<'_>, sort: &str) -> Option<String> {
    let account = facts.host?.get("account")?;
    let path = match facts.attributes.get("path") {
        Value::Null => "/",
        path => path.as_str()?,
    };
    Some(format!("arn:aws:iam::{account}:{sort}{path}{}", facts.attributes.get("name").as_str()?))
}

/// Checks the statements of a resource in their short form, and warns about those that allow everything on everything.
pub fn check_grants(resource: &Resource<'_>, findings: &mut Findings) {
    check_statements(resource, findings);
    let star =
        |value: Option<&Value>| value.is_some_and(|set| set.items().iter().any(|item| item.as_str() == Some("*")));
    for (index, statement) in resource.attributes.get("allow").items().iter().enumerate() {
        if star(statement.at("actions")) && star(statement.at("resources")) {
            grants_everything(&format!("allow.{index}"), findings);
        }
    }
    for path in ["document", "policy"] {
        let Some(text) = resource.attributes.get(path).as_str() else { continue };
        let meaning = json::meaning(text);
        let statements = meaning.at("Statement").cloned().unwrap_or_default();
        let statements = if let Value::List(list) = statements { list } else { vec![statements] };
        let star = |value: Option<&Value>| value.is_some_and(|v| v.as_str() == Some("*")) || star(value);
        let open = |s: &Value| {
            s.at("Effect").and_then(Value::as_str) == Some("Allow") && star(s.at("Action")) && star(s.at("Resource"))
        };
        if statements.iter().any(open) {
            grants_everything(path, findings);
        }
    }
}

/// A statement says its actions and its resources in exactly one way each, and has its name for itself.
fn check_statements(resource: &Resource<'_>, findings: &mut Findings) {
    let mut names = HashSet::default();
    let lists =
        ["allow", "deny"].map(|list| resource.attributes.get(list).items().iter().enumerate().zip(repeat(list)));
    for ((index, statement), list) in lists.into_iter().flatten() {
        let at = format!("{list}.{index}");
        for (one, other) in [("actions", "not_actions"), ("resources", "not_resources")] {
            match (statement.at(one).is_some(), statement.at(other).is_some()) {
                (true, true) => findings.error(
                    format!("{at}.{other}"),
                    &code::SAID_IN_TWO_WAYS,
                    format!("a statement is about `{one}` or about all but `{other}`, and IAM takes only one of them"),
                    format!("keep `{one}` or `{other}`, not both"),
                ),
                (false, false) => findings.error(
                    &at,
                    &code::MISSING_ATTRIBUTE,
                    format!("a statement needs `{one}` or `{other}`"),
                    format!("say which {one} it is about"),
                ),
                _ => {}
            }
        }
        if let Some(name) = statement.at("sid").and_then(Value::as_str).filter(|name| !names.insert(*name)) {
            findings.error(
                format!("{at}.sid"),
                &code::STATEMENT_TWICE,
                format!("another statement of this policy is named `{name}`"),
                "give each `sid` once, or leave it out",
            );
        }
    }
}

fn grants_everything(path: &str, findings: &mut Findings) {
    findings.warning(
        path,
        &code::GRANTS_EVERYTHING,
        "this statement allows every action on every resource",
        "name the actions and the ARNs that the workload needs",
    );
}

fn check_document(text: &str, trust: bool) -> Result<(), Fault> {
    json::with_tree(text, |tree| {
        let object = expect_object(tree, "a policy is a JSON object")?;
        known_keys(object, &["Version", "Id", "Statement"])?;
        if let Some(version) = json::get(object, "Version") {
            one_of(version, &["2012-10-17", "2008-10-17"], "Version")?;
        }
        let Some(statement) = json::get(object, "Statement") else {
            return Err(Fault::new("a policy needs a `Statement`").at(json::range_of(tree)));
        };
        json::no_key_twice(tree)?;
        let statements = statement.as_array().map_or_else(|| vec![statement], |list| list.elements.iter().collect());
        statements.iter().try_for_each(|statement| check_statement(statement, trust))?;
        no_name_twice(&statements)
    })
}

fn check_statement(node: &Node<'_>, trust: bool) -> Result<(), Fault> {
    let object = expect_object(node, "a statement is a JSON object")?;
    let keys =
        ["Sid", "Effect", "Principal", "NotPrincipal", "Action", "NotAction", "Resource", "NotResource", "Condition"];
    known_keys(object, &keys)?;
    let Some(effect) = json::get(object, "Effect") else {
        return Err(Fault::new("a statement needs an `Effect`").at(json::range_of(node)));
    };
    one_of(effect, &["Allow", "Deny"], "Effect")?;
    let has = |key: &str| json::get(object, key).is_some();
    if !has("Action") && !has("NotAction") {
        return Err(Fault::new("a statement needs an `Action`").at(json::range_of(node)));
    }
    if trust && !has("Principal") && !has("NotPrincipal") {
        return Err(Fault::new("a trust policy's statement needs a `Principal`").at(json::range_of(node)));
    }
    if let Some(resource) = json::get(object, "Resource").or(json::get(object, "NotResource")).filter(|_| trust) {
        let fault = Fault::new("a trust policy is about its own role, so that IAM takes no `Resource` in it");
        return Err(fault.at(json::range_of(resource)).hint("remove it"));
    }
    if !trust && !has("Resource") && !has("NotResource") {
        return Err(Fault::new("a statement needs a `Resource`").at(json::range_of(node)));
    }
    let Some(action) = json::get(object, "Action") else { return Ok(()) };
    let actions = action.as_array().map_or_else(|| vec![action], |list| list.elements.iter().collect());
    actions.into_iter().try_for_each(|item| {
        let at = json::range_of(item);
        let text = item.as_string_lit().ok_or_else(|| Fault::new("an action is a text").at(at.clone()))?;
        (ACTION.check)(&text.value).map_err(|fault| {
            let inner = fault.at.clone().map_or(at.clone(), |part| at.start + 1 + part.start..at.start + 1 + part.end);
            Fault { at: Some(inner), ..fault }
        })
    })
}

/// IAM tells the statements of a document apart by their names, where they have any.
fn no_name_twice(statements: &[&Node<'_>]) -> Result<(), Fault> {
    let mut seen = HashSet::default();
    let names = statements.iter().filter_map(|statement| json::get(statement.as_object()?, "Sid"));
    for name in names {
        let Some(text) = name.as_string_lit().filter(|text| !text.value.is_empty()) else { continue };
        if !seen.insert(&text.value) {
            let fault = Fault::new(format!("another statement of this policy is named `{}`", text.value));
            return Err(fault.at(json::range_of(name)).hint("give each `Sid` once, or leave it out"));
        }
    }
    Ok(())
}

fn expect_object<'a, 'b>(node: &'a Node<'b>, what: &str) -> Result<&'a Object<'b>, Fault> {
    node.as_object().ok_or_else(|| Fault::new(what).at(json::range_of(node)))
}

fn known_keys(object: &Object<'_>, keys: &[&str]) -> Result<(), Fault> {
    for property in &object.properties {
        let key = property.name.as_str();
        if !keys.contains(&key) {
            let at = property.range.start..property.range.start + key.len() + 2;
            let near = keys.iter().min_by_key(|known| strsim::damerau_levenshtein(known, key)).unwrap_or(&"");
            return Err(Fault::new(format!("IAM knows no key `{key}` here"))
                .at(at)
                .hint(format!("did you mean `{near}`?")));
        }
    }
    Ok(())
}

fn one_of(node: &Node<'_>, words: &[&str], key: &str) -> Result<(), Fault> {
    match node.as_string_lit() {
        Some(text) if words.contains(&text.value.as_ref()) => Ok(()),
        _ => Err(Fault::new(format!("`{key}` has to be {}", words.join(" or "))).at(json::range_of(node))),
    }
}
