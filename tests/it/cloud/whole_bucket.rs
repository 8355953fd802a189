//! Parts of a bucket that are written as a whole: whatever another writer says with S3's words is seen, can be said in a spec, and is
//! not overwritten without a plan that shows it.

use atlas::action::{Action, Cause};
use atlas::plan::Options;
use serde_json::{Value as Json, json};

use super::Cloud;
use super::external_names::account;
use super::proxy::{Failure, Proxy, Spoil};
use super::whole::{ADOPTED, bucket_spec, call, there, toml};
use crate::support::{Place, address, execute, selector, summary};

/// A part of a bucket: its attribute, what the spec says of it first, S3's call for it, and what others say with that call.
struct Part {
    attribute: &'static str,
    said: &'static str,
    operation: &'static str,
    variants: fn(&str) -> Vec<Json>,
}

const PARTS: &[Part] = &[
    Part {
        attribute: "cors",
        said: "[{ origins = [\"https://example.com\"], methods = [\"GET\"] }]",
        operation: "put_bucket_cors",
        variants: |_| {
            let rule = |more: Json| {
                let mut rule = json!({ "AllowedOrigins": ["https://example.com"], "AllowedMethods": ["GET"] });
                rule.as_object_mut().expect("a table").extend(more.as_object().expect("a table").clone());
                rule
            };
            let whole = |rules: Vec<Json>| json!({ "CORSConfiguration": { "CORSRules": rules } });
            vec![
                whole(vec![rule(json!({ "AllowedOrigins": ["*"] }))]),
                whole(vec![rule(json!({ "AllowedMethods": ["PUT", "GET"] }))]),
                whole(vec![rule(json!({ "AllowedHeaders": ["x-*"] }))]),
                whole(vec![rule(json!({ "ExposeHeaders": ["ETag"] }))]),
                whole(vec![rule(json!({ "MaxAgeSeconds": 0 }))]),
                whole(vec![rule(json!({ "ID": "theirs" }))]),
                whole(vec![rule(json!({})), rule(json!({ "AllowedMethods": ["DELETE"] }))]),
                whole(vec![rule(json!({ "AllowedMethods": ["DELETE"] })), rule(json!({}))]),
            ]
        },
    },
    Part {
        attribute: "website",
        said: "{ index = \"index.html\" }",
        operation: "put_bucket_website",
        variants: |_| {
            let site = |more: Json| {
                let mut site = json!({ "IndexDocument": { "Suffix": "index.html" } });
                site.as_object_mut().expect("a table").extend(more.as_object().expect("a table").clone());
                json!({ "WebsiteConfiguration": site })
            };
            let route = |condition: Json, to: Json| {
                site(json!({ "RoutingRules": [{ "Condition": condition, "Redirect": to }] }))
            };
            let all = |to: Json| json!({ "WebsiteConfiguration": { "RedirectAllRequestsTo": to } });
            vec![
                site(json!({ "IndexDocument": { "Suffix": "start.html" } })),
                site(json!({ "ErrorDocument": { "Key": "error.html" } })),
                route(json!({ "KeyPrefixEquals": "a/" }), json!({ "ReplaceKeyPrefixWith": "b/" })),
                route(
                    json!({ "HttpErrorCodeReturnedEquals": "404" }),
                    json!({ "HostName": "h", "Protocol": "https", "HttpRedirectCode": "302" }),
                ),
                site(json!({ "RoutingRules": [{ "Redirect": { "ReplaceKeyWith": "gone.html" } }] })),
                all(json!({ "HostName": "example.com" })),
                all(json!({ "HostName": "example.com", "Protocol": "http" })),
            ]
        },
    },
    Part {
        attribute: "notifications",
        said: "{ queues = [{ id = \"new\", to = \"queue.told\", events = [\"s3:ObjectCreated:*\"] }] }",
        operation: "put_bucket_notification_configuration",
        variants: |account| {
            let arn = |service: &str, name: &str| format!("arn:aws:{service}:us-east-1:{account}:{name}");
            let own =
                json!({ "Id": "new", "QueueArn": arn("sqs", "whole-parts-told"), "Events": ["s3:ObjectCreated:*"] });
            let with = |more: Json| {
                let mut one = own.clone();
                one.as_object_mut().expect("a table").extend(more.as_object().expect("a table").clone());
                one
            };
            let whole = |more: Json| {
                let mut all = json!({ "QueueConfigurations": [own.clone()] });
                all.as_object_mut().expect("a table").extend(more.as_object().expect("a table").clone());
                json!({ "NotificationConfiguration": all, "SkipDestinationValidation": true })
            };
            let rules = json!([{ "Name": "prefix", "Value": "in/" }, { "Name": "suffix", "Value": ".csv" }]);
            let topic = json!({ "Id": "topic", "TopicArn": arn("sns", "t"), "Events": ["s3:ObjectRemoved:*"] });
            let function = json!({ "Id": "f", "LambdaFunctionArn": arn("lambda", "function:f"), "Events": ["s3:ObjectRestore:Post"] });
            let second =
                json!({ "Id": "gone", "QueueArn": arn("sqs", "whole-parts-told"), "Events": ["s3:ObjectRemoved:*"] });
            vec![
                whole(
                    json!({ "QueueConfigurations": [with(json!({ "Events": ["s3:ObjectCreated:Put", "s3:ObjectCreated:Copy"] }))] }),
                ),
                whole(
                    json!({ "QueueConfigurations": [with(json!({ "Filter": { "Key": { "FilterRules": rules } } }))] }),
                ),
                whole(json!({ "QueueConfigurations": [with(json!({ "Id": "theirs" }))] })),
                whole(json!({ "QueueConfigurations": [own.clone(), second] })),
                whole(json!({ "TopicConfigurations": [topic] })),
                whole(json!({ "LambdaFunctionConfigurations": [function] })),
                whole(json!({ "EventBridgeConfiguration": {} })),
                whole(json!({ "QueueConfigurations": [] })),
            ]
        },
    },
    Part {
        attribute: "object_lock",
        said: "{ mode = \"governance\", days = 30 }",
        operation: "put_object_lock_configuration",
        variants: |_| {
            let whole = |rule: Json| {
                let mut lock = json!({ "ObjectLockEnabled": "Enabled" });
                lock.as_object_mut().expect("a table").extend(rule.as_object().expect("a table").clone());
                json!({ "ObjectLockConfiguration": lock })
            };
            let kept = |retention: Json| whole(json!({ "Rule": { "DefaultRetention": retention } }));
            vec![
                whole(json!({})),
                kept(json!({ "Mode": "GOVERNANCE", "Days": 1 })),
                kept(json!({ "Mode": "COMPLIANCE", "Days": 30 })),
                kept(json!({ "Mode": "GOVERNANCE", "Years": 1 })),
            ]
        },
    },
];

/// The lists that S3 has words for, and some that it has none for. moto 5.2 gives two of them one right of two.
const LISTS: &[&str] = &["public-read", "public-read-write", "authenticated-read", "log-delivery-write"];

/// A spec of a bucket that is called like its project.
fn spec(cloud: &Cloud, project: &str, lines: &str) -> String {
    // S3 asks a queue whether it may send to it, and the queue names the bucket back.
    let queue = r#"
[queue.told]
regions = ["us-east-1"]
name = "PROJECT-told"
policy = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":"sqs:SendMessage","Resource":"${queue.told.arn}","Condition":{"ArnEquals":{"aws:SourceArn":"${bucket.adopted.arn}"}}}]}'
"#;
    let queue = queue.replace("PROJECT", project);
    bucket_spec(cloud, project, &named(cloud, project), &format!("versioning = true\n{lines}")) + &queue
}

fn named(cloud: &Cloud, project: &str) -> String {
    format!("us-east-1-{project}-{}", cloud.name)
}

/// What is there can be said, then nothing of it changes; and what the spec says instead comes back.
async fn can_be_said(cloud: &Cloud, project: &str, attribute: &str, (said, rest): (&str, &str), what: &str) {
    let (_, plan) = Cloud::plan(said, &Options::default()).await;
    let change = plan.change(&address(ADOPTED)).unwrap_or_else(|| panic!("{what}: not seen"));
    assert_eq!(change.cause, Cause::Drift, "{what}: {}", summary(&plan));
    assert!(change.attributes.iter().all(|one| one.path.starts_with(attribute)), "{what}: {}", summary(&plan));
    let seen = there(&plan, ADOPTED, attribute).expect("seen");
    let lines = if seen.is_null() { rest.to_owned() } else { format!("{rest}{attribute} = {}", toml(&seen.to_json())) };
    let theirs = spec(cloud, project, &lines);
    let (pipeline, plan) = Cloud::plan(&theirs, &Options::default()).await;
    let kept = |one: &&atlas::plan::AttributeChange| one.path.starts_with(attribute) && one.before != one.after;
    let changed: Vec<_> = plan
        .change(&address(ADOPTED))
        .iter()
        .flat_map(|change| change.attributes.iter().filter(kept))
        .cloned()
        .collect();
    assert!(changed.is_empty(), "{what}: {changed:#?}");
    assert!(execute(&pipeline, plan, &[ADOPTED]).await.is_complete(), "{what}");
    let (_, left) = Cloud::plan(&theirs, &Options::default()).await;
    assert!(left.is_empty(), "{what}: {}", summary(&left));
    Cloud::converge(said, &Options::default(), &[ADOPTED]).await.unwrap_or_else(|why| panic!("{what}: {why}"));
}

#[tokio::test]
async fn every_word_that_another_writer_changes_in_a_part_of_a_bucket_is_drift_and_can_be_said() {
    for cloud in Cloud::localstack().into_iter().chain(Cloud::moto()) {
        let (project, name) = ("whole-parts", named(&cloud, "whole-parts"));
        for part in PARTS {
            let said = spec(&cloud, project, &format!("{} = {}", part.attribute, part.said));
            Cloud::converge(&said, &Options::default(), &[ADOPTED])
                .await
                .unwrap_or_else(|why| panic!("{}: {}: {why}", cloud.name, part.attribute));
            for mut variant in (part.variants)(account(&cloud)) {
                let what = format!("{}: {variant}", cloud.name);
                // moto 5.2 forgets EventBridge.
                if cloud.name == "moto" && what.contains("EventBridge") {
                    continue;
                }
                variant.as_object_mut().expect("a table").insert("Bucket".into(), json!(name));
                call(&cloud, "s3", part.operation, &variant);
                can_be_said(&cloud, project, part.attribute, (&said, ""), &what).await;
            }
            // What nobody says any more goes, and S3 can't take a lock back.
            let (_, plan) = Cloud::plan(&spec(&cloud, project, ""), &Options::default()).await;
            let replaced =
                plan.change(&address(ADOPTED)).is_some_and(|change| matches!(change.action, Action::Replace(_)));
            assert_eq!(replaced, part.attribute == "object_lock", "{}", summary(&plan));
            Cloud::converge(&spec(&cloud, project, ""), &Options::default(), &[ADOPTED]).await.expect("cleared");
            let seen = cloud.describe("us-east-1", "bucket", &name);
            assert!(seen[part.attribute].is_null(), "{}: {seen}", cloud.name);
        }
        let (pipeline, plan) =
            Cloud::plan(&cloud.head(project), &Options { destroy: true, ..Options::default() }).await;
        assert!(execute(&pipeline, plan, &[ADOPTED, "queue.told@us-east-1"]).await.is_complete());
    }
}

/// A list that others put on a bucket shows wherever it counts, also where the spec says nothing of it.
#[tokio::test]
async fn a_list_that_opens_a_bucket_is_drift_where_lists_count() {
    for cloud in Cloud::localstack().into_iter().chain(Cloud::moto()) {
        let (project, name) = ("whole-lists", named(&cloud, "whole-lists"));
        let rest = "object_ownership = \"object-writer\"\npublic_access = \"allowed\"\n";
        let said = spec(&cloud, project, rest);
        Cloud::converge(&said, &Options::default(), &[]).await.expect("made");
        for list in LISTS.iter().filter(|list| cloud.name != "moto" || !list.contains("write")) {
            call(&cloud, "s3", "put_bucket_acl", &json!({ "Bucket": name, "ACL": list }));
            let (_, plan) = Cloud::plan(&said, &Options::default()).await;
            assert_eq!(there(&plan, ADOPTED, "acl").expect("seen").to_json(), json!(list), "{}", cloud.name);
            can_be_said(&cloud, project, "acl", (&said, rest), list).await;
        }
        let owner = cloud.ask("us-east-1", "call", json!(["s3", "get_bucket_acl", { "Bucket": name }])).expect("told");
        let grant = json!({ "Grantee": { "Type": "Group", "URI": "http://acs.amazonaws.com/groups/s3/LogDelivery" }, "Permission": "WRITE_ACP" });
        let own =
            json!({ "Grantee": { "Type": "CanonicalUser", "ID": owner["Owner"]["ID"] }, "Permission": "FULL_CONTROL" });
        for grants in [json!([own, grant]), json!([grant])] {
            let policy = json!({ "Owner": { "ID": owner["Owner"]["ID"] }, "Grants": grants });
            call(&cloud, "s3", "put_bucket_acl", &json!({ "Bucket": name, "AccessControlPolicy": policy }));
            can_be_said(&cloud, project, "acl", (&said, rest), &format!("{}: {grants}", cloud.name)).await;
        }
        // S3 closes the list before the owner owns everything, and opens it after.
        let open = spec(&cloud, project, &format!("{rest}acl = \"public-read\""));
        Cloud::converge(&open, &Options::default(), &[]).await.expect("opened");
        Cloud::converge(&spec(&cloud, project, ""), &Options::default(), &[]).await.expect("closed");
        Cloud::converge(&open, &Options::default(), &[]).await.expect("opened again");
        let (pipeline, plan) =
            Cloud::plan(&cloud.head(project), &Options { destroy: true, ..Options::default() }).await;
        assert!(execute(&pipeline, plan, &[]).await.is_complete());
    }
}

/// A list that somebody put on a bucket is hidden while its owner owns everything, and opens nothing when it begins to count.
#[tokio::test]
async fn a_hidden_list_opens_nothing_when_lists_count() {
    for cloud in Cloud::localstack().into_iter().chain(Cloud::moto()) {
        let (project, name) = ("whole-hidden", named(&cloud, "whole-hidden"));
        let own = |who: &str| {
            let rules = json!({ "Rules": [{ "ObjectOwnership": who }] });
            call(&cloud, "s3", "put_bucket_ownership_controls", &json!({ "Bucket": name, "OwnershipControls": rules }));
        };
        cloud.ask("us-east-1", "make", json!(["bucket", name])).expect("made");
        own("ObjectWriter");
        call(&cloud, "s3", "put_bucket_acl", &json!({ "Bucket": name, "ACL": "public-read" }));
        own("BucketOwnerEnforced");
        let said = bucket_spec(&cloud, project, &name, "object_ownership = \"object-writer\"");
        let adopt = Options { adopt: vec![selector(ADOPTED)], ..Options::default() };
        Cloud::converge(&said, &adopt, &[]).await.expect("taken over");
        let acl = cloud.describe("us-east-1", "bucket", &name)["acl"].clone();
        assert_eq!(acl.as_array().map(Vec::len), Some(1), "{}: {acl}", cloud.name);
        Cloud::converge(&cloud.head(project), &Options::default(), &[]).await.expect("gone");
    }
}

/// A bucket with locked objects is not half emptied.
#[tokio::test]
async fn a_bucket_that_locks_objects_is_removed_empty_only() {
    for cloud in Cloud::localstack().into_iter().chain(Cloud::moto()) {
        let name = format!("us-east-1-locked-{}", cloud.name);
        let lines = "versioning = true\nforce_empty = true\nobject_lock = { mode = \"governance\", days = 1 }";
        let said = bucket_spec(&cloud, "whole-locked", &name, lines);
        Cloud::converge(&said, &Options::default(), &[]).await.expect("made");
        let head = cloud.head("whole-locked");
        cloud.ask("us-east-1", "put", json!([name, "kept", "what S3 keeps"])).expect("put");
        let (pipeline, plan) = Cloud::plan(&head, &Options::default()).await;
        let report = execute(&pipeline, plan, &[ADOPTED]).await;
        let why = &report.failed.first().expect("refused").error;
        assert!(why.contains("its objects may be locked, so none of them was removed"), "{why}");
        assert_eq!(cloud.ask("us-east-1", "keys", json!([name, ""])).expect("there").as_array().map(Vec::len), Some(1));
        // A shorter time says what it does not change.
        let shorter = said.replace("days = 1", "days = 2").replace("governance", "compliance");
        let (_, plan) = Cloud::plan(&shorter, &Options::default()).await;
        let verdict = plan.change(&address(ADOPTED)).and_then(|change| change.verdict.clone()).expect("a verdict");
        assert!(verdict.evidence.contains("stays locked as it was"), "{verdict:?}");
        let versions = cloud.ask("us-east-1", "call", json!(["s3", "list_object_versions", { "Bucket": name }]));
        let version = versions.expect("told")["Versions"][0]["VersionId"].clone();
        let gone = json!({ "Bucket": name, "Key": "kept", "VersionId": version, "BypassGovernanceRetention": true });
        cloud.ask("us-east-1", "call", json!(["s3", "delete_object", gone])).expect("removed");
        Cloud::converge(&head, &Options::default(), &[ADOPTED]).await.expect("gone");
        assert!(cloud.describe("us-east-1", "bucket", &name).is_null());
    }
}

/// The name of a bucket that another account has is said to be that, and an own bucket that may not be looked at is denied. On AWS
/// both answers are 403.
#[test]
fn a_name_that_another_account_has_is_no_denial() {
    for cloud in Cloud::localstack().into_iter().chain(Cloud::moto()) {
        let (name, why) = ("us-east-1-whole-theirs", "another account has this one: choose another `name`");
        let said = |endpoint: &str| bucket_spec(&cloud, "whole-theirs", name, "").replace(&cloud.us, endpoint);
        let taken =
            Failure { status: 409, code: "BucketAlreadyExists", message: "The requested name is not available" };
        for spoil in [Spoil::Deny(name), Spoil::First("PUT /us-east-1-whole-theirs", 9, taken)] {
            let proxy = Proxy::before(&cloud.us, spoil);
            let place = Place::with(&said(&proxy.url()));
            for _ in 0..2 {
                let run = place.run(&["apply", "--yes"]);
                let error = (run.stdout + &run.stderr).split_whitespace().collect::<Vec<_>>().join(" ");
                assert_eq!(run.code, 3, "{error}");
                assert!(error.contains(why) && !error.contains("enied") && !error.contains("attempts"), "{error}");
            }
        }
        let place = Place::with(&said(&cloud.us));
        place.expect(0, &["apply", "--yes"]);
        let proxy = Proxy::before(&cloud.us, Spoil::Deny(name));
        place.write("atlas.toml", &said(&proxy.url()));
        let run = place.run(&["plan", "--detailed-exitcode"]);
        let error = (run.stdout + &run.stderr).split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(run.code == 4 && error.contains("denies access") && !error.contains(why), "{}: {error}", run.code);
        place.write("atlas.toml", &said(&cloud.us));
        place.expect(0, &["destroy", "--yes"]);
    }
}

/// No server here knows which keys are blocked, so a proxy keeps what it is told. Where the spec says nothing of them they stay as they
/// are, although the rule that they stand in is written as a whole.
#[test]
fn which_customer_keys_are_blocked_is_seen_written_and_kept() {
    let Some(cloud) = Cloud::localstack() else { return };
    let proxy = Proxy::before(&cloud.us, Spoil::Keeps("encryption"));
    let others = Cloud::new("localstack", &proxy.url(), &proxy.url());
    let name = "us-east-1-whole-keys";
    let said = |lines: &str| bucket_spec(&cloud, "whole-keys", name, lines).replace(&cloud.us, &proxy.url());
    let is_last = |word: &str| {
        let put = proxy.log.put_last("encryption").expect("put");
        assert!(put.contains(&format!("<EncryptionType>{word}</EncryptionType>")), "{put}");
    };
    let place = Place::with(&said("customer_keys = \"blocked\""));
    place.expect(0, &["apply", "--yes"]);
    is_last("SSE-C");
    place.expect(0, &["plan", "--detailed-exitcode"]);
    others.ask("us-east-1", "meddle", json!(["bucket", name, "customer_keys", "allowed"])).expect("allowed");
    is_last("NONE");
    place.expect(2, &["drift"]);
    place.expect(0, &["apply", "--yes"]);
    is_last("SSE-C");
    // Another word of the same document is changed, and this one stays.
    place.write("atlas.toml", &said("encryption = \"kms\""));
    place.expect(0, &["apply", "--yes"]);
    is_last("SSE-C");
    place.expect(0, &["plan", "--detailed-exitcode"]);
    place.write("atlas.toml", &said("encryption = \"kms\"\ncustomer_keys = \"allowed\""));
    place.expect(0, &["apply", "--yes"]);
    is_last("NONE");
    place.expect(0, &["plan", "--detailed-exitcode"]);
    place.expect(0, &["destroy", "--yes"]);
}
