//! Who the pods of a namespace are: its service accounts with their rights, and the credentials of registries that they use.

use crate::diagnostic::code;
use crate::kind::rule;
use crate::kind::schema::{Attribute, Type};
use crate::kind::secrets::{SECRETS, refuse_name};
use crate::kind::view::{Findings, Resource};
use crate::path::join;
use crate::value::Value;

/// Service accounts by name.
pub const SERVICE_ACCOUNTS: Attribute = Attribute::new(
    "service_accounts",
    Type::map(const { &Type::object(ACCOUNT) }),
    "Service accounts by name, with what each may do in the namespace.",
    &[
        "{ ledger = { role = \"arn:aws:iam::111122223333:role/ledger\" } }",
        "{ ledger = { rules = [{ resources = [\"configmaps\"], verbs = [\"get\"] }] } }",
    ],
);

static ACCOUNT: &[Attribute] = &[
    Attribute::new(
        "role",
        Type::text(&rule::SOME),
        "The ARN of the IAM role that its pods take on, as on EKS.",
        &["\"arn:aws:iam::111122223333:role/ledger\"", "\"arn:aws:iam::111122223333:role/jobs\""],
    ),
    Attribute::new(
        "annotations",
        Type::map(const { &Type::text(&rule::ANY) }),
        "Annotations.",
        &["{ owner = \"ledger\" }", "{ owner = \"payments\" }"],
    ),
    Attribute::new(
        "rules",
        Type::list(const { &Type::object(RULE) }),
        "What its pods may ask the API of the cluster for, in this namespace: a Role of its name, and a RoleBinding.",
        &[
            "[{ resources = [\"configmaps\"], verbs = [\"get\"] }]",
            "[{ groups = [\"apps\"], resources = [\"deployments\"], verbs = [\"get\", \"list\"] }]",
        ],
    ),
];

static RULE: &[Attribute] = &[
    Attribute::new(
        "groups",
        Type::set(const { &Type::text(&rule::ANY) }),
        "The groups of the API; `\"\"` is Kubernetes' first one.",
        &["[\"\"]", "[\"apps\"]"],
    )
    .default("[\"\"]"),
    Attribute::new(
        "resources",
        Type::set(const { &Type::text(&rule::SOME) }),
        "The resources, as paths of the API have them.",
        &["[\"configmaps\"]", "[\"pods\", \"pods/log\"]"],
    )
    .required(),
    Attribute::new(
        "names",
        Type::set(const { &Type::text(&rule::SOME) }),
        "Only objects of these names.",
        &["[\"settings\"]", "[\"flags\"]"],
    ),
    Attribute::new(
        "verbs",
        Type::set(const { &Type::text(&rule::SOME) }),
        "What may be done with them.",
        &["[\"get\"]", "[\"get\", \"list\", \"watch\"]"],
    )
    .required(),
];

/// Credentials of registries by name.
pub const IMAGE_PULL_SECRETS: Attribute = Attribute::new(
    "image_pull_secrets",
    Type::map(const { &Type::object(REGISTRY) }),
    "Credentials of registries, each a Secret of that name. The service account `default` has them, and those of `service_accounts`.",
    &[
        "{ ghcr = { server = \"ghcr.io\", username = \"bot\", password = { env = \"GHCR_TOKEN\" } } }",
        "{ quay = { server = \"quay.io\", username = \"bot\", password = { file = \"secrets/quay\" } } }",
    ],
);

static REGISTRY: &[Attribute] = &[
    Attribute::new("server", Type::text(&rule::SOME), "The registry.", &["\"ghcr.io\"", "\"quay.io\""]).required(),
    Attribute::new("username", Type::text(&rule::SOME), "Who logs in there.", &["\"bot\"", "\"deploy\""]).required(),
    Attribute::new(
        "password",
        Type::Secret,
        "The password or token, as a reference.",
        &["{ env = \"GHCR_TOKEN\" }", "{ file = \"secrets/ghcr\" }"],
    )
    .required(),
];

/// The annotation by which pods of a service account take on an IAM role:
/// <https://docs.aws.amazon.com/eks/latest/userguide/associate-service-account-role.html>.
pub const ROLE_ARN: &str = "eks.amazonaws.com/role-arn";

/// Refuses names that can't be, and what two would have.
pub fn check(resource: &Resource<'_>, findings: &mut Findings) {
    let names = |attribute: &Attribute| match resource.attributes.get(attribute.name) {
        Value::Map(all) => all.keys().cloned().collect(),
        _ => Vec::new(),
    };
    for name in names(&SERVICE_ACCOUNTS) {
        let path = join(SERVICE_ACCOUNTS.name, &name);
        refuse_name(&name, &path, "service account", findings);
        let account = resource.attributes.at(&path);
        let says = |part: &str| account.is_some_and(|account| account.at(part).is_some_and(|one| !one.is_null()));
        let annotated = account.and_then(|account| account.at("annotations")).is_some_and(|all| match all {
            Value::Map(all) => all.get(ROLE_ARN).is_some(),
            _ => false,
        });
        if says("role") && annotated {
            let detail = format!("`role` and the annotation `{ROLE_ARN}` both say the IAM role of `{name}`");
            findings.error(&path, &code::SAID_IN_TWO_WAYS, detail, "keep `role`");
        }
        if name == "default" {
            let detail = "every namespace has a service account `default`, which Kubernetes makes itself";
            findings.error(&path, &code::RESERVED_KEY, detail, "give the pods a service account of another name");
        }
    }
    let secrets = names(&SECRETS);
    for name in names(&IMAGE_PULL_SECRETS) {
        let path = join(IMAGE_PULL_SECRETS.name, &name);
        refuse_name(&name, &path, "Secret", findings);
        if secrets.contains(&name) {
            let detail = format!("`secrets` and `image_pull_secrets` would both be the Secret `{name}`");
            findings.error(&path, &code::TWO_WITH_ONE_OBJECT, detail, "give one of them another name");
        }
    }
}
