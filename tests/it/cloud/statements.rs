//! Statements in their short form: each of their words reaches IAM and comes back, and what means the same is the same.

use atlas::plan::Options;
use serde_json::{Value as Json, json};

use super::Cloud;
use crate::support::{address, execute, selector};

/// Statements with all words of the short form, references and conditions of every type among them.
const GRANTS: &str = r#"
[[KIND.statements.allow]]
sid = "ReadData"
actions = ["s3:GetObject", "s3:ListBucket"]
resources = ["${bucket.data.arn}", "${bucket.data.arn}/*"]
conditions = { Bool = { "aws:SecureTransport" = true }, NumericLessThan = { "aws:MultiFactorAuthAge" = [3600, 60] } }

[[KIND.statements.allow]]
sid = "Mail"
actions = ["ses:SendEmail"]
resources = ["*"]

[[KIND.statements.deny]]
not_actions = ["s3:*", "ses:*"]
not_resources = ["${bucket.data.arn}"]
conditions = { StringNotEquals = { "aws:PrincipalTag/team" = "ledger" } }
"#;

fn spec(cloud: &Cloud, project: &str, kind: &str, grants: &str) -> String {
    let trust = if kind == "role" { "trust = { service = \"ec2.amazonaws.com\" }\n" } else { "" };
    format!(
        "{}[bucket.data]\nregions = [\"us-east-1\"]\nname = \"us-east-1-{project}\"\n\n[{kind}.statements]\nregions = [\"us-east-1\"]\nname = \"{project}\"\n{trust}{}",
        cloud.head(project),
        grants.replace("KIND", kind)
    )
}

/// Writes a document as a client that knows nothing of Atlas.
fn put(cloud: &Cloud, kind: &str, name: &str, document: &Json) {
    let attribute = if kind == "role" { "policy" } else { "document" };
    let put = cloud.ask("us-east-1", "meddle", json!([kind, name, attribute, document.to_string()]));
    assert_eq!(put, Ok(json!(true)), "{}: {kind}", cloud.name);
}

/// The same statements as another writer may put them: in another order, and each part in its other form.
fn in_other_words(project: &str) -> Json {
    let bucket = format!("arn:aws:s3:::us-east-1-{project}");
    let deny = json!({
        "NotResource": [bucket],
        "Effect": "Deny",
        "Sid": "",
        "NotAction": ["ses:*", "S3:*"],
        "Condition": { "StringNotEquals": { "aws:PrincipalTag/team": ["ledger"] } },
    });
    let mail =
        json!({ "Sid": "Mail", "Effect": "Allow", "Action": ["SES:sendemail"], "Resource": ["*"], "Condition": {} });
    let read = json!({
        "Sid": "ReadData",
        "Effect": "Allow",
        "Action": ["s3:listbucket", "s3:GetObject"],
        "Resource": [format!("{bucket}/*"), bucket],
        "Condition": { "NumericLessThan": { "aws:MultiFactorAuthAge": ["60", "3600"] }, "Bool": { "aws:SecureTransport": ["true"] } },
    });
    json!({ "Statement": [deny, mail, read], "Version": "2012-10-17" })
}

#[tokio::test]
async fn what_means_the_same_to_iam_is_no_difference() {
    for cloud in Cloud::localstack().into_iter().chain(Cloud::moto()) {
        for kind in ["role", "policy"] {
            let what = format!("{}: {kind}", cloud.name);
            let said = spec(&cloud, "statements", kind, GRANTS);
            Cloud::converge(&said, &Options::default(), &[]).await.unwrap_or_else(|why| panic!("{what}: {why}"));
            let seen = cloud.describe("us-east-1", kind, "statements");
            let read = json!({
                "sid": "ReadData",
                "actions": ["s3:GetObject", "s3:ListBucket"],
                "resources": ["arn:aws:s3:::us-east-1-statements", "arn:aws:s3:::us-east-1-statements/*"],
                "conditions": { "Bool": { "aws:SecureTransport": "true" }, "NumericLessThan": { "aws:MultiFactorAuthAge": ["3600", "60"] } },
            });
            assert_eq!(seen["allow"][0], read, "{what}");
            assert_eq!(seen["deny"][0]["not_actions"], json!(["s3:*", "ses:*"]), "{what}");
            assert_eq!(seen["deny"][0]["not_resources"], json!(["arn:aws:s3:::us-east-1-statements"]), "{what}");
            put(&cloud, kind, "statements", &in_other_words("statements"));
            let (_, plan) = Cloud::plan(&said, &Options::default()).await;
            assert!(plan.is_empty(), "{what}: {}", crate::support::summary(&plan));
            // Each word counts: another one is drift, and is put back.
            for (from, to) in [
                ("\"Mail\"", "\"Post\""),
                ("NotAction", "Action"),
                ("NotResource", "Resource"),
                ("[\"60\",\"3600\"]", "[\"61\",\"3600\"]"),
                ("\"Deny\"", "\"Allow\""),
            ] {
                let text = in_other_words("statements").to_string();
                let other = text.replacen(from, to, 1);
                assert_ne!(text, other, "{from}");
                put(&cloud, kind, "statements", &serde_json::from_str(&other).expect("JSON"));
                let (_, plan) = Cloud::plan(&said, &Options::default()).await;
                let subject = address(&format!("{kind}.statements@us-east-1"));
                let change = plan.change(&subject).unwrap_or_else(|| panic!("{what}: {to} is not seen"));
                assert!(change.attributes.iter().any(|one| one.drift.is_some()), "{what}: {to}");
                Cloud::converge(&said, &Options::default(), &[]).await.unwrap_or_else(|why| panic!("{what}: {why}"));
                let again = cloud.describe("us-east-1", kind, "statements");
                assert_eq!((&again["allow"], &again["deny"]), (&seen["allow"], &seen["deny"]), "{what}: {to}");
            }
            let destroy = Options { destroy: true, ..Options::default() };
            let (pipeline, plan) = Cloud::plan(&cloud.head("statements"), &destroy).await;
            assert!(execute(&pipeline, plan, &[]).await.is_complete(), "{what}");
        }
    }
}

/// Statements that somebody else wrote with these words are taken over as they are.
#[tokio::test]
async fn statements_of_others_are_taken_over_in_the_short_form() {
    for cloud in Cloud::localstack().into_iter().chain(Cloud::moto()) {
        cloud.ask("us-east-1", "make", json!(["role", "statements-taken"])).expect("made");
        put(&cloud, "role", "statements-taken", &in_other_words("statements-taken"));
        let said = spec(&cloud, "statements-taken", "role", GRANTS);
        let adopting = Options { adopt: vec![selector("role.statements@us-east-1")], ..Options::default() };
        let (_, plan) = Cloud::plan(&said, &adopting).await;
        let change = plan.change(&address("role.statements@us-east-1")).expect("adopted");
        let changed: Vec<_> = change.attributes.iter().map(|one| one.path.as_str()).collect();
        assert!(changed.is_empty(), "{}: {changed:?}", cloud.name);
        Cloud::converge(&said, &adopting, &[]).await.unwrap_or_else(|why| panic!("{}: {why}", cloud.name));
        let destroy = Options { destroy: true, ..Options::default() };
        let (pipeline, plan) = Cloud::plan(&cloud.head("statements-taken"), &destroy).await;
        assert!(execute(&pipeline, plan, &[]).await.is_complete(), "{}", cloud.name);
    }
}
