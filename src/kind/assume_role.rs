//! Which role the calls of a region are made as.
//!
//! Source: <https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html>.

use super::arn::account_in;
use super::fault::Fault;
use super::rule::{allow, length};
use super::schema::{Attribute, Rule, Type};
use super::shared::Shared::Static;

/// The role, and how it is taken on.
pub static ASSUME_ROLE: &[Attribute] = &[
    Attribute::new(
        "role",
        Type::text(&ROLE_ARN),
        "The role's ARN.",
        &["\"arn:aws:iam::123456789012:role/deploy\"", "\"arn:aws:iam::123456789012:role/deploy-2\""],
    )
    .required(),
    Attribute::new(
        "session_name",
        Type::text(&SESSION_NAME),
        "What the calls are logged under in the role's account.",
        &["\"ledger\"", "\"ci\""],
    )
    .default("\"atlas\""),
    Attribute::new(
        "external_id",
        Type::text(&EXTERNAL_ID),
        "The id that the role's trust policy asks for.",
        &["\"ledger-7\"", "\"ledger-8\""],
    ),
    Attribute::new(
        "duration",
        Type::Duration(900, 43_200),
        "How long the credentials last, and are asked for again before their end. An hour when nothing is said.",
        &["\"15m\"", "\"1h\""],
    ),
];

/// The ARN of a role.
static ROLE_ARN: Rule = Rule {
    says: Static("ARN of a role"),
    pattern: Some(Static("^arn:aws[a-z-]*:iam::[0-9]{12}:role/[!-~]+$")),
    normal: None,
    several: None,
    check: Static(&|text| {
        let name = account_in(text, "role/").map(|(_, name)| name);
        match name.filter(|name| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_graphic())) {
            Some(_) => Ok(()),
            None => Err(Fault::new(format!("`{text}` is not the ARN of a role"))
                .hint("write it as \"arn:aws:iam::123456789012:role/NAME\"")),
        }
    }),
};

static SESSION_NAME: Rule = Rule {
    says: Static("name of a session, 2 to 64 characters"),
    pattern: Some(Static("^[A-Za-z0-9_+=,.@-]{2,64}$")),
    normal: None,
    several: None,
    check: Static(&|text| {
        allow(text, |c| c.is_ascii_alphanumeric() || "_+=,.@-".contains(c), "letters, digits and `_+=,.@-`")?;
        length(text, 2, 64)
    }),
};

static EXTERNAL_ID: Rule = Rule {
    says: Static("external id, 2 to 1224 characters"),
    pattern: Some(Static("^[A-Za-z0-9_+=,.@:/-]{2,1224}$")),
    normal: None,
    several: None,
    check: Static(&|text| {
        allow(text, |c| c.is_ascii_alphanumeric() || "_+=,.@:/-".contains(c), "letters, digits and `_+=,.@:/-`")?;
        length(text, 2, 1_224)
    }),
};
