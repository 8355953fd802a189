//! ARNs in the place of addresses: what other accounts or AWS itself own is named, used and left alone.

use atlas::plan::Options;
use serde_json::{Value as Json, json};

use super::Cloud;
use crate::support::summary;

pub fn account(cloud: &Cloud) -> &'static str {
    if cloud.name == "moto" { "123456789012" } else { "000000000000" }
}

fn theirs(cloud: &Cloud) -> [(&'static str, String); 5] {
    let account = account(cloud);
    [
        ("policy", "external-policy".to_owned()),
        ("role", "external-role".to_owned()),
        ("queue", "external-queue".to_owned()),
        ("bucket", format!("external-bucket-{}", cloud.name)),
        ("role", format!("external-copier-{account}")),
    ]
}

/// A spec that names everything by ARN; `more` stands behind it.
fn spec(cloud: &Cloud, more: &str) -> String {
    let (account, bucket) = (account(cloud), format!("external-bucket-{}", cloud.name));
    let replication = match cloud.name {
        // moto 5.2 forgets the filter of a replication rule.
        "moto" => String::new(),
        _ => format!(
            "replication = {{ to = \"arn:aws:s3:::{bucket}\", role = \"arn:aws:iam::{account}:role/external-copier-{account}\" }}"
        ),
    };
    format!(
        r#"{}
[role.app]
regions = ["us-east-1"]
name = "external-app"
trust = {{ service = "ec2.amazonaws.com" }}
policies = ["arn:aws:iam::{account}:policy/external-policy"]

[instance_profile.machines]
regions = ["us-east-1"]
name = "external-machines"
role = "arn:aws:iam::{account}:role/external-role"

[queue.work]
regions = ["us-east-1"]
name = "external-work"
dead_letter = {{ queue = "arn:aws:sqs:us-east-1:{account}:external-queue", max_receives = 3 }}

[bucket.data]
regions = ["us-east-1"]
name = "external-data-{}"
versioning = true
logging = {{ to = "arn:aws:s3:::{bucket}", prefix = "a/" }}
{replication}
{more}
"#,
        cloud.head("external"),
        cloud.name
    )
}

#[tokio::test]
async fn what_others_own_is_named_by_its_arn() {
    for cloud in Cloud::localstack().into_iter().chain(Cloud::moto()) {
        for (kind, name) in theirs(&cloud) {
            cloud.ask("us-east-1", "make", json!([kind, name])).expect("made");
        }
        let bucket = format!("external-bucket-{}", cloud.name);
        for (operation, arguments) in [
            ("put_bucket_versioning", json!({ "Bucket": bucket, "VersioningConfiguration": { "Status": "Enabled" } })),
            (
                "put_bucket_policy",
                json!({ "Bucket": bucket, "Policy": json!({ "Version": "2012-10-17", "Statement": [{
                    "Effect": "Allow", "Principal": { "Service": "logging.s3.amazonaws.com" }, "Action": "s3:PutObject",
                    "Resource": format!("arn:aws:s3:::{bucket}/*") }] }).to_string() }),
            ),
        ] {
            cloud.ask("us-east-1", "race", json!([[[["s3", operation, arguments]]], 1])).expect("called");
        }
        let before: Vec<Json> =
            theirs(&cloud).iter().map(|(kind, name)| cloud.describe("us-east-1", kind, name)).collect();

        let said = spec(&cloud, "");
        Cloud::converge(&said, &Options::default(), &[]).await.unwrap_or_else(|why| panic!("{}: {why}", cloud.name));
        assert_eq!(cloud.describe("us-east-1", "role", "external-app")["policies"], json!(["external-policy"]));

        // What is its own, it may name by its ARN as well as by its address, and go from one to the other.
        let account = account(&cloud);
        let own = "[policy.own]\nregions = [\"us-east-1\"]\nname = \"external-own\"\nallow = [{ actions = [\"s3:GetObject\"], resources = [\"*\"] }]\n";
        Cloud::converge(&spec(&cloud, own), &Options::default(), &[]).await.expect("made");
        let theirs_only = format!("\"arn:aws:iam::{account}:policy/external-policy\"");
        for both in [
            format!("{theirs_only}, \"policy.own\""),
            format!("{theirs_only}, \"arn:aws:iam::{account}:policy/external-own\""),
        ] {
            let said = spec(&cloud, own).replace(&theirs_only, &both);
            Cloud::converge(&said, &Options::default(), &[])
                .await
                .unwrap_or_else(|why| panic!("{}: {both}: {why}", cloud.name));
            assert_eq!(
                cloud.describe("us-east-1", "role", "external-app")["policies"],
                json!(["external-own", "external-policy"])
            );
            let (_, plan) = Cloud::plan(&said, &Options::default()).await;
            assert!(plan.is_empty(), "{}", summary(&plan));
        }

        let destroyed = Options { destroy: true, ..Options::default() };
        let (pipeline, plan) = Cloud::plan(&spec(&cloud, own), &destroyed).await;
        let report = crate::support::execute(&pipeline, plan, &["bucket.data@us-east-1"]).await;
        assert!(report.is_complete(), "{:?}", report.failed);
        for ((kind, name), before) in theirs(&cloud).iter().zip(before) {
            assert_eq!(cloud.describe("us-east-1", kind, name), before, "{}: {kind} {name}", cloud.name);
            if *kind == "bucket" {
                cloud.ask("us-east-1", "clear_bucket", json!([name])).expect("cleared");
            } else {
                cloud.ask("us-east-1", "unmake", json!([kind, name])).expect("gone");
            }
        }
    }
}
