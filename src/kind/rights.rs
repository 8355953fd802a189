//! The attributes that say what an identity of IAM may do: a role, a user, a group.

use super::schema::{Attribute, Type};
use super::{iam, reserved, rule};

static STATEMENT: Type = Type::object(iam::STATEMENT);

/// What an identity or a policy allows.
pub const ALLOW: Attribute = Attribute::new(
    "allow",
    Type::set(&STATEMENT),
    "What it allows.",
    &[
        "[{ actions = [\"s3:GetObject\"], resources = [\"arn:aws:s3:::a/*\"] }]",
        "[{ sid = \"Mail\", not_actions = [\"iam:*\", \"sts:*\"], not_resources = [\"arn:aws:s3:::a/*\"], conditions = { Bool = { \"aws:SecureTransport\" = true }, NumericLessThan = { \"aws:MultiFactorAuthAge\" = [3600, 60] } } }, { actions = [\"s3:PutObject\"], resources = [\"arn:aws:s3:::a/*\"] }]",
    ],
);

/// What an identity or a policy denies.
pub const DENY: Attribute = Attribute::new(
    "deny",
    Type::set(&STATEMENT),
    "What it denies, whatever else allows it.",
    &[
        "[{ actions = [\"s3:DeleteObject\"], resources = [\"arn:aws:s3:::a/*\"] }]",
        "[{ actions = [\"s3:DeleteBucket\"], resources = [\"arn:aws:s3:::a\"] }]",
    ],
);

/// The statements as JSON.
pub const POLICY: Attribute = Attribute::new(
    "policy",
    Type::json(&iam::DOCUMENT),
    "Its inline policy, as IAM writes it, in place of `allow` and `deny`.",
    DOCUMENT_EXAMPLES,
)
.instead_of(&["allow", "deny"]);

/// Further inline policies.
pub const INLINE_POLICIES: Attribute = Attribute::new(
    "inline_policies",
    Type::map(const { &Type::json(&iam::DOCUMENT) }),
    "Further inline policies by name, as IAM writes them. One that it does not name is removed.",
    INLINE_EXAMPLES,
)
.reserved(reserved::INLINE_POLICIES);

/// Policies of their own that are attached.
pub const POLICIES: Attribute = Attribute::new(
    "policies",
    Type::set(const { &Type::address(&["policy"]) }),
    "Managed policies to attach. One that it does not name is detached.",
    &["[\"policy.read\"]", "[]"],
);

/// The policy that bounds all of that.
pub const PERMISSIONS_BOUNDARY: Attribute = Attribute::new(
    "permissions_boundary",
    Type::text(&rule::SOME),
    "The ARN of the policy that bounds its rights.",
    &["\"arn:aws:iam::111122223333:policy/a\"", "\"arn:aws:iam::111122223333:policy/b\""],
);

/// Two good policy documents.
pub const DOCUMENT_EXAMPLES: &[&str] = &[
    r#"'{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::a/*"}]}'"#,
    r#"'{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:PutObject","Resource":"arn:aws:s3:::a/*"}]}'"#,
];

/// Two good tables of inline policies.
const INLINE_EXAMPLES: &[&str] = &[
    r#"{ logs = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"logs:PutLogEvents","Resource":"*"}]}' }"#,
    r#"{ logs = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"logs:*","Resource":"*"}]}', "to.read" = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"arn:aws:s3:::a/*"}]}' }"#,
];
