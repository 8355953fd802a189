//! What another tool made, taken over by one command: the calls are those that Terraform's provider makes.

use serde_json::{Value, json};

use super::Cloud;
use crate::support::Place;

const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Sid":"","Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;

/// The calls for a ledger's cloud layer in one region: a bucket for audit logs with all that belongs to one, a queue with its
/// dead-letter queue, a role with rights of its own and shared ones, and its instance profile.
fn made_by_terraform(account: &str, name: &str) -> Value {
    let logs = format!("{name}-audit-logs");
    let tags = json!([{ "Key": "team", "Value": "ledger" }, { "Key": "terraform", "Value": "true" }]);
    let arn = |queue: &str| format!("arn:aws:sqs:us-east-1:{account}:{queue}");
    let rights = json!({ "Version": "2012-10-17", "Statement": [
        { "Effect": "Allow", "Action": ["s3:PutObject", "s3:GetObject"], "Resource": format!("arn:aws:s3:::{logs}/*") },
        { "Effect": "Allow", "Action": "sqs:SendMessage", "Resource": arn(&format!("{name}-transactions")) },
    ] });
    let tls = json!({ "Version": "2012-10-17", "Statement": [{ "Sid": "tls", "Effect": "Deny", "Principal": "*", "Action": "s3:*",
        "Resource": [format!("arn:aws:s3:::{logs}"), format!("arn:aws:s3:::{logs}/*")],
        "Condition": { "Bool": { "aws:SecureTransport": "false" } } }] });
    let read = json!({ "Version": "2012-10-17", "Statement": [{ "Effect": "Allow", "Action": "sqs:GetQueueUrl", "Resource": "*" }] });
    let redrive = json!({ "deadLetterTargetArn": arn(&format!("{name}-dlq")), "maxReceiveCount": 4 });
    let allow = json!({ "redrivePermission": "byQueue", "sourceQueueArns": [arn(&format!("{name}-transactions"))] });
    let url = |queue: &str| json!(format!("URL/{account}/{queue}"));
    json!([[
        ["s3", "create_bucket", { "Bucket": logs }],
        ["s3", "put_bucket_tagging", { "Bucket": logs, "Tagging": { "TagSet": tags } }],
        ["s3", "put_bucket_versioning", { "Bucket": logs, "VersioningConfiguration": { "Status": "Enabled" } }],
        ["s3", "put_bucket_encryption", { "Bucket": logs, "ServerSideEncryptionConfiguration": { "Rules": [{
            "ApplyServerSideEncryptionByDefault": { "SSEAlgorithm": "AES256" } }] } }],
        ["s3", "put_public_access_block", { "Bucket": logs, "PublicAccessBlockConfiguration": {
            "BlockPublicAcls": true, "BlockPublicPolicy": true, "IgnorePublicAcls": true, "RestrictPublicBuckets": true } }],
        ["s3", "put_bucket_policy", { "Bucket": logs, "Policy": tls.to_string() }],
        ["s3", "put_bucket_lifecycle_configuration", { "Bucket": logs, "LifecycleConfiguration": { "Rules": [
            { "ID": "old", "Status": "Enabled", "Filter": { "Prefix": "logs/" }, "Expiration": { "Days": 365 },
              "Transitions": [{ "Days": 90, "StorageClass": "GLACIER" }] },
            { "ID": "tmp", "Status": "Disabled", "Filter": { "Tag": { "Key": "temp", "Value": "true" } }, "Expiration": { "Days": 1 } },
        ] } }],
        ["sqs", "create_queue", { "QueueName": format!("{name}-dlq"), "Attributes": { "MessageRetentionPeriod": "1209600" },
            "tags": { "team": "ledger" } }],
        ["sqs", "create_queue", { "QueueName": format!("{name}-transactions"), "Attributes": {
            "VisibilityTimeout": "60", "SqsManagedSseEnabled": "true", "RedrivePolicy": redrive.to_string() },
            "tags": { "team": "ledger" } }],
        ["sqs", "set_queue_attributes", { "QueueUrl": url(&format!("{name}-dlq")), "Attributes": { "RedriveAllowPolicy": allow.to_string() } }],
        ["iam", "create_policy", { "PolicyName": format!("{name}-read"), "Path": "/ledger/", "Description": "May find queues",
            "PolicyDocument": read.to_string(), "Tags": tags }],
        ["iam", "create_role", { "RoleName": format!("{name}-app"), "AssumeRolePolicyDocument": TRUST, "MaxSessionDuration": 7200,
            "Description": "The ledger", "Tags": tags }],
        ["iam", "put_role_policy", { "RoleName": format!("{name}-app"), "PolicyName": "terraform-20240101", "PolicyDocument": rights.to_string() }],
        ["iam", "attach_role_policy", { "RoleName": format!("{name}-app"),
            "PolicyArn": format!("arn:aws:iam::{account}:policy/ledger/{name}-read") }],
        ["iam", "create_instance_profile", { "InstanceProfileName": format!("{name}-app") }],
        ["iam", "add_role_to_instance_profile", { "InstanceProfileName": format!("{name}-app"), "RoleName": format!("{name}-app") }],
        ["iam", "create_open_id_connect_provider", { "Url": format!("https://{name}-tokens.example.com/id/A"),
            "ClientIDList": ["sts.amazonaws.com"], "ThumbprintList": ["6938fd4d98bab03faadb97b34396831e3780aea1"], "Tags": tags }],
        ["iam", "create_group", { "GroupName": format!("{name}-staff"), "Path": "/ledger/" }],
        ["iam", "put_group_policy", { "GroupName": format!("{name}-staff"), "PolicyName": "read", "PolicyDocument": read.to_string() }],
        ["iam", "attach_group_policy", { "GroupName": format!("{name}-staff"),
            "PolicyArn": format!("arn:aws:iam::{account}:policy/ledger/{name}-read") }],
        ["iam", "create_user", { "UserName": format!("{name}-auditor"), "Path": "/ledger/", "Tags": tags }],
        ["iam", "add_user_to_group", { "UserName": format!("{name}-auditor"), "GroupName": format!("{name}-staff") }],
        ["iam", "put_user_policy", { "UserName": format!("{name}-auditor"), "PolicyName": "read", "PolicyDocument": read.to_string() }],
    ]])
}

#[test]
fn what_terraform_made_is_taken_over_by_one_command_and_plans_empty() {
    for cloud in [Cloud::localstack(), Cloud::moto()].into_iter().flatten() {
        let name = "brown";
        let account = if cloud.name == "moto" { "123456789012" } else { "000000000000" };
        let calls = made_by_terraform(account, name).to_string().replace("URL", &cloud.us);
        let calls: Value = serde_json::from_str(&calls).expect("JSON");
        cloud.ask("us-east-1", "race", json!([calls, 1])).expect("made");
        let kinds = [
            ("bucket", "brown-audit-logs"),
            ("queue", "brown-dlq"),
            ("queue", "brown-transactions"),
            ("role", "brown-app"),
            ("policy", "brown-read"),
            ("instance_profile", "brown-app"),
            ("oidc_provider", "brown-tokens.example.com/id/A"),
            ("group", "brown-staff"),
            ("user", "brown-auditor"),
        ];
        let look =
            || kinds.map(|(kind, name)| cloud.ask("us-east-1", "describe", json!([kind, name])).unwrap_or_default());
        let before = look();
        let place = Place::with(&cloud.head("brown"));
        // To look changes nothing, and what is printed is the whole of it.
        let blocks = place.expect(0, &["adopt", "--all-in", "region.us-east-1", "--named", "brown-*"]);
        for (kind, name) in kinds {
            let block = name.to_lowercase().replace(['.', '/'], "-");
            assert!(blocks.contains(&format!("[{kind}.{block}]")), "{}: {blocks}", cloud.name);
        }
        assert_eq!(place.read("atlas.toml"), cloud.head("brown"));
        // Nobody said yes, so nothing is taken over, and the spec is as before.
        place.expect(1, &["adopt", "--all-in", "region.us-east-1", "--named", "brown-*", "--write"]);
        assert_eq!(place.read("atlas.toml"), cloud.head("brown"));
        // In a spec with environments the blocks belong to one of them.
        place.write("atlas.toml", &(cloud.head("brown") + "[environment.staging]\n"));
        let named = ["--named", "brown-dlq"];
        let blocks =
            place.expect(0, &[&["-e", "staging", "adopt", "--all-in", "region.us-east-1"][..], &named].concat());
        assert!(blocks.contains("[environment.staging.queue.brown-dlq]\nnew = true"), "{blocks}");
        place.write("atlas.toml", &cloud.head("brown"));
        place.expect(0, &["adopt", "--all-in", "region.us-east-1", "--named", "brown-*", "--write", "--yes"]);
        let plan = place.run(&["plan", "--detailed-exitcode"]);
        assert_eq!(plan.code, 0, "{}: {}\n{}", cloud.name, plan.stdout, place.read("atlas.toml"));
        // Only the marks are new.
        let own = |mut seen: Value| {
            if let Some(seen) = seen.as_object_mut() {
                seen.remove("mark");
            }
            if let Some(tags) = seen["tags"].as_object_mut() {
                tags.retain(|key, _| !key.starts_with("atlas:"));
            }
            seen
        };
        for (before, after) in before.into_iter().zip(look()) {
            assert_eq!(own(after), own(before), "{}", cloud.name);
        }
        // What is there is the project's now: nothing is left to adopt, and it can be let go and removed.
        place.expect(1, &["adopt", "--all-in", "region.us-east-1", "--named", "brown-*"]);
        place.expect(0, &["drift"]);
        place.write("atlas.toml", &cloud.head("brown"));
        let gone = place.run(&["apply", "--yes", "--allow-loss", "bucket.brown-audit-logs@us-east-1"]);
        assert_eq!(gone.code, 0, "{}: {gone:?}", cloud.name);
    }
}
