//! The flagship's cloud layer on two LocalStack regions, as a person runs it.

use atlas::plan::Options;
use serde_json::{Value, json};

use super::Cloud;
use crate::support::Place;

/// The flagship with the endpoints of this run.
fn flagship(cloud: &Cloud) -> Place {
    let place = Place::flagship();
    place.edit("http://127.0.0.1:4566", &cloud.us);
    place.edit("http://127.0.0.1:4567", &cloud.eu);
    place
}

#[test]
fn the_cloud_layer_converges_and_others_see_it() {
    let Some(cloud) = Cloud::localstack() else { return };
    let place = flagship(&cloud);
    let said = place.expect(0, &["apply", "-e", "cloud", "--yes"]);
    assert!(said.contains("8 created"), "{said}");
    assert!(said.contains("(real world, account 000000000000)"), "{said}");
    place.expect(0, &["plan", "-e", "cloud", "--detailed-exitcode"]);
    for region in ["us-east-1", "eu-central-1"] {
        others_see(&cloud, region);
    }
    // Without any records the marks alone tell what belongs to whom.
    std::fs::remove_dir_all(place.path(".atlas")).expect("there");
    place.expect(0, &["plan", "-e", "cloud", "--detailed-exitcode"]);
    // The buckets are protected, so nothing is destroyed before the spec says that it may be.
    place.expect(1, &["destroy", "-e", "cloud", "--yes"]);
    place.edit("public_access = \"blocked\"\nprotect = true", "public_access = \"blocked\"");
    place.expect(0, &["apply", "-e", "cloud", "--yes"]);
    place.expect(0, &["destroy", "-e", "cloud", "--yes"]);
    assert_eq!(cloud.describe("us-east-1", "bucket", "us-east-1-audit-logs"), Value::Null);
}

/// Every attribute that the flagship says, and every default, as boto3 sees it.
fn others_see(cloud: &Cloud, region: &str) {
    let bucket = cloud.describe(region, "bucket", &format!("{region}-audit-logs"));
    let attributes = json!({
        "versioning": true, "encryption": "aes256", "public_access": "blocked", "secure_transport": false,
        "object_ownership": "bucket-owner-enforced",
    });
    has(&bucket, &attributes);
    let mark = json!({
        "atlas:project": "atlas", "atlas:environment": "cloud", "atlas:protect": "true",
        "atlas:address": format!("bucket.audit-logs@{region}"),
    });
    has(&bucket["tags"], &mark);
    let queue = cloud.describe(region, "queue", &format!("{region}-transaction-queue"));
    let attributes = json!({
        "fifo": false, "visibility_timeout": "30s", "retention": "14d", "delay": "0s", "max_message_size": 262_144,
        "receive_wait": "0s", "encryption": "sqs", "dead_letter": [format!("{region}-transaction-dlq"), 5],
    });
    has(&queue, &attributes);
    has(&cloud.describe(region, "queue", &format!("{region}-transaction-dlq")), &json!({ "retention": "14d" }));
    let role = cloud.describe(region, "role", &format!("{region}-ledger-app"));
    let bucket = format!("arn:aws:s3:::{region}-audit-logs");
    let attributes = json!({
        "path": "/", "max_session": "1h", "description": "The ledger: writes audit logs, moves transactions.",
        "trust": { "Service": "ec2.amazonaws.com" },
        "allow": [
            { "actions": ["s3:GetObject", "s3:ListBucket", "s3:PutObject"], "resources": [bucket, format!("{bucket}/*")] },
            {
                "actions": ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage", "sqs:SendMessage"],
                "resources": [format!("arn:aws:sqs:{region}:000000000000:{region}-transaction-queue")],
            },
        ],
    });
    has(&role, &attributes);
}

fn has(seen: &Value, wanted: &Value) {
    for (name, value) in wanted.as_object().expect("a table") {
        assert_eq!(&seen[name], value, "{name} of {seen:#}");
    }
}

#[tokio::test]
async fn a_replicated_bucket_gets_the_role_that_it_needs() {
    let Some(cloud) = Cloud::localstack() else { return };
    let spec = format!(
        "{}[bucket.source]\nregions = [\"us-east-1\"]\nname = \"derived-source\"\nversioning = true\n\
         replication = {{ to = \"bucket.copies\" }}\n\
         [bucket.copies]\nregions = [\"us-east-1\"]\nname = \"derived-copies\"\nversioning = true\n",
        cloud.head("derived")
    );
    let report = Cloud::converge(&spec, &Options::default(), &[]).await.expect("it converges");
    assert_eq!(report.counts().created, 3, "{report:?}");
    let role = cloud.describe("us-east-1", "role", "us-east-1-source-replication");
    let (source, copies) = ("arn:aws:s3:::derived-source", "arn:aws:s3:::derived-copies");
    let wanted = json!({
        "trust": { "Service": "s3.amazonaws.com" },
        "allow": [
            {
                "actions": ["s3:GetObjectVersionAcl", "s3:GetObjectVersionForReplication", "s3:GetObjectVersionTagging"],
                "resources": [format!("{source}/*")],
            },
            { "actions": ["s3:GetReplicationConfiguration", "s3:ListBucket"], "resources": [source] },
            { "actions": ["s3:ReplicateDelete", "s3:ReplicateObject", "s3:ReplicateTags"], "resources": [format!("{copies}/*")] },
        ],
    });
    has(&role, &wanted);
    assert_eq!(cloud.describe("us-east-1", "bucket", "derived-source")["replication"], "derived-copies");
    Cloud::converge(&cloud.head("derived"), &Options::default(), &[]).await.expect("it goes");
}
