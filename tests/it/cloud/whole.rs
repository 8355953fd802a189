//! What is written as a whole is read as a whole: whatever another writer says with the words of the service is seen, can be
//! said in a spec, and is not overwritten without a plan that shows it.

use atlas::plan::{Options, Plan};
use atlas::value::Value;
use serde_json::{Value as Json, json};

use super::Cloud;
use crate::support::{address, selector};

/// Makes one call as a client that knows nothing of Atlas.
pub fn call(cloud: &Cloud, service: &str, operation: &str, arguments: &Json) {
    let calls = json!([[[[service, operation, arguments]]], 1]);
    cloud.ask("us-east-1", "race", calls).unwrap_or_else(|error| panic!("{operation} {arguments}: {error}"));
}

/// A value as a spec says it.
pub fn toml(value: &Json) -> String {
    match value {
        Json::Object(entries) => {
            let entries = entries.iter().map(|(key, value)| format!("{key:?} = {}", toml(value)));
            format!("{{ {} }}", entries.collect::<Vec<_>>().join(", "))
        }
        Json::Array(items) => format!("[{}]", items.iter().map(toml).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}

/// What a plan would change of one attribute: what is there, put together from the paths that differ.
pub fn there(plan: &Plan, subject: &str, attribute: &str) -> Option<Value> {
    let change = plan.change(&address(subject))?;
    let below = |path: &str| path == attribute || path.starts_with(&format!("{attribute}."));
    change.attributes.iter().find(|one| below(&one.path))?;
    change.before.as_ref().map(|before| before.attributes.get(attribute).clone())
}

/// One way to say something, as another writer says it.
struct Variant {
    says: &'static str,
    raw: fn() -> Json,
}

impl Cloud {
    /// LocalStack 4.4 refuses a rule with a prefix of its own, which S3 still takes. moto 5.2 forgets sizes, and how many old
    /// versions are kept.
    fn takes(&self, variant: &Variant) -> bool {
        let forgotten = match self.name {
            "moto" => &["a size", "all conditions at once", "old versions"][..],
            _ => &["the former prefix"],
        };
        !forgotten.contains(&variant.says)
    }
}

/// A rule of lifecycle in the words of S3, for every word that S3 has.
const LIFECYCLES: &[Variant] = &[
    Variant {
        says: "a tag",
        raw: || json!({ "Filter": { "Tag": { "Key": "temp", "Value": "true" } }, "Expiration": { "Days": 1 } }),
    },
    Variant {
        says: "a disabled rule",
        raw: || json!({ "Status": "Disabled", "Filter": { "Prefix": "" }, "Expiration": { "Days": 1 } }),
    },
    Variant { says: "a prefix", raw: || json!({ "Filter": { "Prefix": "tmp/" }, "Expiration": { "Days": 1 } }) },
    Variant { says: "the former prefix", raw: || json!({ "Prefix": "tmp/", "Expiration": { "Days": 1 } }) },
    Variant {
        says: "a size",
        raw: || json!({ "Filter": { "ObjectSizeGreaterThan": 500 }, "Expiration": { "Days": 1 } }),
    },
    Variant {
        says: "all conditions at once",
        raw: || {
            let tags = json!([{ "Key": "a", "Value": "1" }, { "Key": "b", "Value": "2" }]);
            let all = json!({ "Prefix": "x/", "Tags": tags, "ObjectSizeGreaterThan": 1, "ObjectSizeLessThan": 9000 });
            json!({ "Filter": { "And": all }, "Expiration": { "Days": 1 } })
        },
    },
    Variant {
        says: "a day",
        raw: || json!({ "Filter": { "Prefix": "" }, "Expiration": { "Date": "2041-02-03T00:00:00Z" } }),
    },
    Variant {
        says: "markers",
        raw: || json!({ "Filter": { "Prefix": "" }, "Expiration": { "ExpiredObjectDeleteMarker": true } }),
    },
    Variant {
        says: "old versions",
        raw: || json!({ "Filter": { "Prefix": "" }, "Expiration": { "Days": 1 }, "NoncurrentVersionExpiration": { "NoncurrentDays": 7, "NewerNoncurrentVersions": 3 } }),
    },
    Variant {
        says: "moves",
        raw: || json!({ "Filter": { "Prefix": "" }, "Transitions": [{ "Days": 40, "StorageClass": "GLACIER" }], "Expiration": { "Days": 90 } }),
    },
    Variant {
        says: "moves of old versions",
        raw: || json!({ "Filter": { "Prefix": "" }, "Expiration": { "Days": 1 }, "NoncurrentVersionTransitions": [{ "NoncurrentDays": 31, "StorageClass": "STANDARD_IA", "NewerNoncurrentVersions": 2 }] }),
    },
    Variant {
        says: "uploads",
        raw: || json!({ "Filter": { "Prefix": "" }, "Expiration": { "Days": 1 }, "AbortIncompleteMultipartUpload": { "DaysAfterInitiation": 2 } }),
    },
];

/// Puts rules in place, each with the name that the spec's own rule has.
fn put_lifecycle(cloud: &Cloud, bucket: &str, rules: Vec<Json>) {
    let whole = |mut rule: Json| {
        let own = rule.as_object_mut().expect("a table");
        own.entry("ID").or_insert("expire-temp".into());
        own.entry("Status").or_insert("Enabled".into());
        rule
    };
    let rules: Vec<Json> = rules.into_iter().map(whole).collect();
    let put = json!({ "Bucket": bucket, "LifecycleConfiguration": { "Rules": rules } });
    call(cloud, "s3", "put_bucket_lifecycle_configuration", &put);
}

pub const ADOPTED: &str = "bucket.adopted@us-east-1";

pub fn bucket_spec(cloud: &Cloud, project: &str, name: &str, lines: &str) -> String {
    format!("{}[bucket.adopted]\nregions = [\"us-east-1\"]\nname = \"{name}\"\n{lines}\n", cloud.head(project))
}

fn adopting() -> Options {
    Options { adopt: vec![selector(ADOPTED)], ..Options::default() }
}

/// The rule that the spec says matches every object of the bucket. One that matches fewer is not the same.
#[tokio::test]
async fn a_rule_that_another_writer_made_is_seen_whole_before_it_is_taken_over() {
    for cloud in Cloud::localstack().into_iter().chain(Cloud::moto()) {
        for (at, variant) in LIFECYCLES.iter().enumerate().filter(|(_, variant)| cloud.takes(variant)) {
            let what = format!("{}: {}", cloud.name, variant.says);
            let name = format!("us-east-1-whole-{at}");
            cloud.ask("us-east-1", "make", json!(["bucket", name])).expect("made");
            put_lifecycle(&cloud, &name, vec![(variant.raw)()]);
            cloud.ask("us-east-1", "put", json!([name, "kept", "what must not expire"])).expect("put");

            let said = bucket_spec(
                &cloud,
                "whole-adopt",
                &name,
                "lifecycle = [{ id = \"expire-temp\", expire_after = \"1d\" }]",
            );
            let (_, plan) = Cloud::plan(&said, &adopting()).await;
            let Some(seen) = there(&plan, ADOPTED, "lifecycle") else { panic!("{what}: it counts as the same") };

            // What is there can be said, and then nothing of it changes.
            let whole = bucket_spec(&cloud, "whole-adopt", &name, &format!("lifecycle = {}", toml(&seen.to_json())));
            let (pipeline, plan) = Cloud::plan(&whole, &adopting()).await;
            assert!(there(&plan, ADOPTED, "lifecycle").is_none(), "{what}: {:#?}", plan.changes);
            let report = crate::support::execute(&pipeline, plan, &[]).await;
            assert!(report.is_complete(), "{what}: {:?}", report.failed);
            let (_, left) = Cloud::plan(&whole, &Options::default()).await;
            assert!(left.is_empty(), "{what}: {:#?}", left.changes);

            // To widen it needs to be told, as an object would expire that did not before.
            let error = Cloud::converge(&said, &Options::default(), &[]).await;
            let widens = ["moves", "old versions", "moves of old versions", "uploads"];
            if !widens.contains(&variant.says) {
                let error = error.err().unwrap_or_else(|| panic!("{what}: the bucket expires without a word"));
                assert!(error.contains("--allow-loss"), "{what}: {error}");
                Cloud::converge(&said, &Options::default(), &[ADOPTED])
                    .await
                    .unwrap_or_else(|why| panic!("{what}: {why}"));
            }
            cloud.ask("us-east-1", "clear_bucket", json!([name])).expect("cleared");
        }
    }
}

/// What somebody adds to a rule, or beside it, is drift and healed.
#[tokio::test]
async fn every_word_that_another_writer_changes_in_a_lifecycle_is_drift() {
    for cloud in Cloud::localstack().into_iter().chain(Cloud::moto()) {
        let name = "us-east-1-whole-drift";
        let said = bucket_spec(
            &cloud,
            "whole-drift",
            name,
            "lifecycle = [{ id = \"expire-temp\", prefix = \"own/\", expire_after = \"5d\" }]",
        );
        Cloud::converge(&said, &Options::default(), &[]).await.expect("made");
        let own = json!({ "Filter": { "Prefix": "own/" }, "Expiration": { "Days": 5 } });
        for variant in LIFECYCLES.iter().filter(|variant| cloud.takes(variant)) {
            let beside = vec![
                own.clone(),
                json!({ "ID": "other", "Status": "Enabled", "Filter": { "Prefix": "y/" }, "Expiration": { "Days": 3 } }),
            ];
            for rules in [vec![(variant.raw)()], beside] {
                let what = format!("{}: {}: {rules:?}", cloud.name, variant.says);
                put_lifecycle(&cloud, name, rules);
                let (_, plan) = Cloud::plan(&said, &Options::default()).await;
                let change = plan.change(&address(ADOPTED)).unwrap_or_else(|| panic!("{what}: not seen"));
                assert!(
                    change.attributes.iter().all(|one| one.path.starts_with("lifecycle") && one.drift.is_some()),
                    "{what}"
                );
                Cloud::converge(&said, &Options::default(), &[ADOPTED])
                    .await
                    .unwrap_or_else(|why| panic!("{what}: {why}"));
            }
        }
        // The order of rules means nothing.
        let two = "lifecycle = [{ id = \"b\", prefix = \"b/\", expire_after = \"5d\" }, { id = \"a\", prefix = \"a/\", expire_after = \"5d\" }]";
        let said = bucket_spec(&cloud, "whole-drift", name, two);
        Cloud::converge(&said, &Options::default(), &[ADOPTED]).await.expect("changed");
        let rule =
            |id: &str| json!({ "ID": id, "Filter": { "Prefix": format!("{id}/") }, "Expiration": { "Days": 5 } });
        put_lifecycle(&cloud, name, vec![rule("a"), rule("b")]);
        let (_, plan) = Cloud::plan(&said, &Options::default()).await;
        assert!(plan.is_empty(), "{:#?}", plan.changes);
        cloud.ask("us-east-1", "clear_bucket", json!([name])).expect("cleared");
    }
}

/// A rule of replication in the words of S3, for every word that S3 has.
const REPLICATIONS: &[Variant] = &[
    Variant { says: "a disabled rule", raw: || json!([{ "Status": "Disabled" }]) },
    Variant { says: "a prefix", raw: || json!([{ "Filter": { "Prefix": "x/" } }]) },
    Variant { says: "a tag", raw: || json!([{ "Filter": { "Tag": { "Key": "copy", "Value": "true" } } }]) },
    Variant {
        says: "both",
        raw: || json!([{ "Filter": { "And": { "Prefix": "x/", "Tags": [{ "Key": "a", "Value": "1" }, { "Key": "b", "Value": "2" }] } } }]),
    },
    Variant {
        says: "a second rule",
        raw: || json!([{}, { "ID": "second", "Priority": 2, "Filter": { "Prefix": "y/" } }]),
    },
    Variant { says: "a storage class", raw: || json!([{ "Destination": { "StorageClass": "GLACIER" } }]) },
    Variant { says: "delete markers", raw: || json!([{ "DeleteMarkerReplication": { "Status": "Enabled" } }]) },
    Variant {
        says: "an account",
        raw: || json!([{ "Destination": { "Account": "111122223333", "AccessControlTranslation": { "Owner": "Destination" } } }]),
    },
    Variant {
        says: "KMS",
        raw: || {
            json!([{
                "SourceSelectionCriteria": { "SseKmsEncryptedObjects": { "Status": "Enabled" } },
                "Destination": { "EncryptionConfiguration": { "ReplicaKmsKeyID": "arn:aws:kms:us-east-1:000000000000:key/a" } },
            }])
        },
    },
    Variant {
        says: "a time",
        raw: || {
            json!([{ "Destination": {
            "ReplicationTime": { "Status": "Enabled", "Time": { "Minutes": 15 } },
            "Metrics": { "Status": "Enabled", "EventThreshold": { "Minutes": 15 } },
        } }])
        },
    },
    Variant {
        says: "changes of copies",
        raw: || json!([{ "SourceSelectionCriteria": { "ReplicaModifications": { "Status": "Enabled" } } }]),
    },
    Variant { says: "what is there", raw: || json!([{ "ExistingObjectReplication": { "Status": "Enabled" } }]) },
];

/// moto 5.2 forgets filters and most of a destination, so this is tried on LocalStack.
#[tokio::test]
async fn every_word_that_another_writer_changes_in_a_replication_is_drift_and_can_be_said() {
    let Some(cloud) = Cloud::localstack() else { return };
    let name = "us-east-1-whole-copied";
    let others = "[bucket.copies]\nregions = [\"us-east-1\"]\nname = \"us-east-1-whole-copies\"\nversioning = true\n\
        [role.copier]\nregions = [\"us-east-1\"]\nname = \"whole-copier\"\ntrust = { service = \"s3.amazonaws.com\" }\n";
    let spec = |lines: &str| bucket_spec(&cloud, "whole-copy", name, &format!("versioning = true\n{lines}")) + others;
    let said = spec("replication = { to = \"bucket.copies\", role = \"role.copier\" }");
    Cloud::converge(&said, &Options::default(), &[]).await.expect("made");
    for variant in REPLICATIONS {
        let what = variant.says;
        let whole = |mut rule: Json| {
            let own = rule.as_object_mut().expect("a table");
            let to = json!("arn:aws:s3:::us-east-1-whole-copies");
            own.entry("Destination").or_insert(json!({})).as_object_mut().expect("a table").insert("Bucket".into(), to);
            for (key, value) in [
                ("ID", json!("first")),
                ("Priority", json!(1)),
                ("Status", json!("Enabled")),
                ("Filter", json!({ "Prefix": "" })),
                ("DeleteMarkerReplication", json!({ "Status": "Disabled" })),
            ] {
                own.entry(key).or_insert(value);
            }
            rule
        };
        let rules: Vec<Json> = (variant.raw)().as_array().expect("rules").iter().cloned().map(whole).collect();
        let role = "arn:aws:iam::000000000000:role/whole-copier";
        let put = json!({ "Bucket": name, "ReplicationConfiguration": { "Role": role, "Rules": rules } });
        call(&cloud, "s3", "put_bucket_replication", &put);
        let (_, plan) = Cloud::plan(&said, &Options::default()).await;
        let change = plan.change(&address(ADOPTED)).unwrap_or_else(|| panic!("{what}: not seen"));
        assert!(
            change.attributes.iter().any(|one| one.path.starts_with("replication") && one.drift.is_some()),
            "{what}"
        );
        let seen = there(&plan, ADOPTED, "replication_rules").map(|seen| ("replication_rules", seen));
        let (form, seen) = seen.or_else(|| Some(("replication", there(&plan, ADOPTED, "replication")?))).expect("seen");
        let long = spec(&format!("{form} = {}", toml(&seen.to_json())));
        let (pipeline, plan) = Cloud::plan(&long, &Options::default()).await;
        let changes = plan.change(&address(ADOPTED));
        let kept = |one: &&atlas::plan::AttributeChange| one.path.starts_with("replication") && one.before != one.after;
        let changed: Vec<_> = changes.iter().flat_map(|change| change.attributes.iter().filter(kept)).collect();
        assert!(changed.is_empty(), "{what}: {changed:#?}");
        let report = crate::support::execute(&pipeline, plan, &[]).await;
        assert!(report.is_complete(), "{what}: {:?}", report.failed);
        Cloud::converge(&said, &Options::default(), &[]).await.unwrap_or_else(|why| panic!("{what}: {why}"));
    }
    let (pipeline, plan) =
        Cloud::plan(&cloud.head("whole-copy"), &Options { destroy: true, ..Options::default() }).await;
    assert!(crate::support::execute(&pipeline, plan, &[]).await.is_complete());
}

/// A role has exactly the rights that the spec gives, whoever gave it others.
#[tokio::test]
async fn rights_that_another_writer_gave_a_role_are_seen_and_taken_back() {
    for cloud in Cloud::localstack().into_iter().chain(Cloud::moto()) {
        let role = "role.worker@us-east-1";
        let spec = |lines: &str| {
            let head = cloud.head("whole-role");
            format!(
                "{head}[role.worker]\nregions = [\"us-east-1\"]\nname = \"whole-worker\"\ntrust = {{ service = \"ec2.amazonaws.com\" }}\n{lines}\n"
            )
        };
        let said = spec("allow = [{ actions = [\"s3:GetObject\"], resources = [\"arn:aws:s3:::x/*\"] }]");
        Cloud::converge(&said, &Options::default(), &[]).await.expect("made");
        let all =
            "{\"Version\":\"2012-10-17\",\"Statement\":[{\"Effect\":\"Allow\",\"Action\":\"*\",\"Resource\":\"*\"}]}";
        let inline = json!({ "RoleName": "whole-worker", "PolicyName": "everything", "PolicyDocument": all });
        call(&cloud, "iam", "put_role_policy", &inline);
        let (_, plan) = Cloud::plan(&said, &Options::default()).await;
        let seen = there(&plan, role, "inline_policies").expect("seen");
        assert!(seen.to_json()["everything"].as_str().is_some_and(|text| text.contains("\"*\"")), "{seen:?}");
        // By its name it can stay.
        let named = spec(&format!(
            "allow = [{{ actions = [\"s3:GetObject\"], resources = [\"arn:aws:s3:::x/*\"] }}]\ninline_policies = {}",
            toml(&seen.to_json())
        ));
        Cloud::converge(&named, &Options::default(), &[]).await.expect("kept");
        assert_eq!(
            cloud.describe("us-east-1", "role", "whole-worker")["inline_policies"].as_object().map(|all| all.len()),
            Some(1)
        );
        let left = spec(
            "allow = [{ actions = [\"s3:GetObject\"], resources = [\"arn:aws:s3:::x/*\"] }]\nignore = [\"inline_policies\"]",
        );
        Cloud::converge(&left, &Options::default(), &[]).await.expect("left alone");
        assert_eq!(
            cloud.describe("us-east-1", "role", "whole-worker")["inline_policies"].as_object().map(|all| all.len()),
            Some(1)
        );
        Cloud::converge(&said, &Options::default(), &[]).await.expect("taken back");
        let now = cloud.describe("us-east-1", "role", "whole-worker");
        assert!(now["inline_policies"].is_null() && now["allow"][0]["actions"] == json!(["s3:GetObject"]), "{now}");
        // An attached policy gives rights as well.
        let policy = json!({ "PolicyName": "whole-attached", "PolicyDocument": all });
        call(&cloud, "iam", "create_policy", &policy);
        let account = if cloud.name == "moto" { "123456789012" } else { "000000000000" };
        let attach =
            json!({ "RoleName": "whole-worker", "PolicyArn": format!("arn:aws:iam::{account}:policy/whole-attached") });
        call(&cloud, "iam", "attach_role_policy", &attach);
        let (_, plan) = Cloud::plan(&said, &Options::default()).await;
        assert!(there(&plan, role, "policies").is_some(), "{:#?}", plan.changes);
        Cloud::converge(&said, &Options::default(), &[]).await.expect("detached");
        cloud.ask("us-east-1", "unmake", json!(["policy", "whole-attached"])).expect("free");
        cloud.ask("us-east-1", "unmake", json!(["role", "whole-worker"])).expect("gone");
    }
}

/// IAM can change neither the description nor the path of a policy, and deletes none that anything has.
#[tokio::test]
async fn a_policy_that_roles_have_is_replaced_under_them() {
    for cloud in Cloud::localstack().into_iter().chain(Cloud::moto()) {
        let spec = |lines: &str| {
            let head = cloud.head("whole-policy");
            let allow = "allow = [{ actions = [\"s3:GetObject\"], resources = [\"arn:aws:s3:::x/*\"] }]";
            let role = |name: &str| {
                format!(
                    "[role.{name}]\nregions = [\"us-east-1\"]\nname = \"whole-{name}\"\ntrust = {{ service = \"ec2.amazonaws.com\" }}\npolicies = [\"policy.shared\"]\n"
                )
            };
            format!(
                "{head}[policy.shared]\nregions = [\"us-east-1\"]\nname = \"whole-shared\"\n{allow}\n{lines}\n{}{}",
                role("one"),
                role("two")
            )
        };
        Cloud::converge(&spec(""), &Options::default(), &[]).await.expect("made");
        for lines in ["description = \"one\"", "description = \"two\"", "description = \"two\"\npath = \"/atlas/\"", ""]
        {
            let what = format!("{}: {lines}", cloud.name);
            Cloud::converge(&spec(lines), &Options::default(), &[]).await.unwrap_or_else(|why| panic!("{what}: {why}"));
            for role in ["whole-one", "whole-two"] {
                let seen = cloud.describe("us-east-1", "role", role);
                assert_eq!(seen["policies"], json!(["whole-shared"]), "{what}");
            }
        }
        // While somebody else's role has it, nobody loses it.
        cloud.ask("us-east-1", "make", json!(["role", "whole-theirs"])).expect("made");
        let account = if cloud.name == "moto" { "123456789012" } else { "000000000000" };
        let attach =
            json!({ "RoleName": "whole-theirs", "PolicyArn": format!("arn:aws:iam::{account}:policy/whole-shared") });
        call(&cloud, "iam", "attach_role_policy", &attach);
        let refused = spec("description = \"three\"");
        let error = Cloud::converge(&refused, &Options::default(), &[]).await.expect_err("theirs");
        assert!(error.contains("the role `whole-theirs` has it still"), "{error}");
        for role in ["whole-one", "whole-two", "whole-theirs"] {
            assert_eq!(
                cloud.describe("us-east-1", "role", role)["policies"],
                json!(["whole-shared"]),
                "{}",
                cloud.name
            );
        }
        cloud.ask("us-east-1", "unmake", json!(["role", "whole-theirs"])).expect("gone");
        let (pipeline, plan) =
            Cloud::plan(&cloud.head("whole-policy"), &Options { destroy: true, ..Options::default() }).await;
        assert!(crate::support::execute(&pipeline, plan, &[]).await.is_complete());
    }
}
