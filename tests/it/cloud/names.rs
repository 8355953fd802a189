//! What AWS takes as a name only is named by address, whether it is there or not, and may name back.

use atlas::action::Cause;
use atlas::plan::Options;
use serde_json::{Value as Json, json};

use super::Cloud;
use super::external_names::account;
use crate::support::{Place, actions, address, execute, summary};

/// A queue and its dead-letter queue, which allows that one only.
fn spec(cloud: &Cloud, work: &str) -> String {
    format!(
        "{}[queue.work]\nregions = [\"us-east-1\"]\nname = \"{work}\"\ndead_letter = {{ queue = \"queue.dead\", max_receives = 3 }}\n\n\
         [queue.dead]\nregions = [\"us-east-1\"]\nname = \"names-dead\"\nredrive_allow = {{ from = \"listed\", queues = [\"queue.work\", \"queue.far@eu-central-1\"] }}\n\n\
         [queue.far]\nregions = [\"eu-central-1\"]\nname = \"names-far\"\n",
        cloud.head("names")
    )
}

fn allowed(cloud: &Cloud) -> Vec<String> {
    let url = format!("{}/{}/names-dead", cloud.us, account(cloud));
    let ask = json!({ "QueueUrl": url, "AttributeNames": ["RedriveAllowPolicy"] });
    let told = cloud.ask("us-east-1", "call", json!(["sqs", "get_queue_attributes", ask])).expect("told");
    let policy: Json =
        serde_json::from_str(told["Attributes"]["RedriveAllowPolicy"].as_str().expect("set")).expect("JSON");
    let mut all: Vec<String> = policy["sourceQueueArns"]
        .as_array()
        .expect("a list")
        .iter()
        .map(|arn| arn.as_str().expect("a text").to_owned())
        .collect();
    all.sort();
    all
}

/// moto 5.2 knows no `RedriveAllowPolicy`.
#[tokio::test]
async fn a_dead_letter_queue_names_its_own_source() {
    let Some(cloud) = Cloud::localstack() else { return };
    let arn = |region: &str, name: &str| format!("arn:aws:sqs:{region}:{}:{name}", account(&cloud));
    let far = arn("eu-central-1", "names-far");
    let said = spec(&cloud, "names-work");
    Cloud::converge(&said, &Options::default(), &[]).await.expect("made at once");
    assert_eq!(allowed(&cloud), [far.clone(), arn("us-east-1", "names-work")]);
    // What is gone is still named, so only that is made again.
    cloud.ask("us-east-1", "unmake", json!(["queue", "names-work"])).expect("gone");
    let (_, plan) = Cloud::plan(&said, &Options::default()).await;
    assert_eq!(actions(&plan).len(), 1, "{}", summary(&plan));
    Cloud::converge(&said, &Options::default(), &[]).await.expect("made again");
    // Another name is another ARN, and no drift.
    let renamed = spec(&cloud, "names-work-2");
    let (_, plan) = Cloud::plan(&renamed, &Options::default()).await;
    let dead = plan.change(&address("queue.dead@us-east-1")).unwrap_or_else(|| panic!("{}", summary(&plan)));
    assert!(dead.attributes.iter().all(|one| !one.drift.is_some()), "{}", summary(&plan));
    assert_eq!((dead.cause, dead.reason.as_str()), (Cause::ReplacedDependency, "queue.work@us-east-1 is made anew"));
    Cloud::converge(&renamed, &Options::default(), &["queue.work@us-east-1"]).await.expect("renamed");
    assert_eq!(allowed(&cloud), [far.clone(), arn("us-east-1", "names-work-2")]);
    // Somebody else's change is drift, and healed; an ARN of theirs is shown.
    let url = format!("{}/{}/names-dead", cloud.us, account(&cloud));
    let theirs = json!({ "redrivePermission": "byQueue", "sourceQueueArns": [arn("us-east-1", "theirs")] });
    let put = json!({ "QueueUrl": url, "Attributes": { "RedriveAllowPolicy": theirs.to_string() } });
    cloud.ask("us-east-1", "call", json!(["sqs", "set_queue_attributes", put])).expect("set");
    let (_, plan) = Cloud::plan(&renamed, &Options::default()).await;
    let dead = plan.change(&address("queue.dead@us-east-1")).expect("seen");
    assert_eq!(dead.cause, Cause::Drift);
    assert!(summary(&plan).contains(&arn("us-east-1", "theirs")), "{}", summary(&plan));
    Cloud::converge(&renamed, &Options::default(), &[]).await.expect("healed");
    let (pipeline, plan) = Cloud::plan(&cloud.head("names"), &Options { destroy: true, ..Options::default() }).await;
    assert!(execute(&pipeline, plan, &[]).await.is_complete());
    assert!(cloud.describe("us-east-1", "queue", "names-dead").is_null());
}

/// Of an account that the spec has in two regions, each queue is found; what others own stays an ARN.
#[test]
fn queues_that_name_each_other_are_adopted_by_address() {
    let Some(cloud) = Cloud::localstack() else { return };
    let account = account(&cloud);
    let arn = |name: &str| format!("arn:aws:sqs:us-east-1:{account}:{name}");
    let url = |name: &str| format!("{}/{account}/{name}", cloud.us);
    let allow = json!({ "redrivePermission": "byQueue", "sourceQueueArns": [arn("named-work"), arn("theirs")] });
    let redrive = json!({ "deadLetterTargetArn": arn("named-dead"), "maxReceiveCount": 3 });
    for (operation, arguments) in [
        ("create_queue", json!({ "QueueName": "named-dead" })),
        ("create_queue", json!({ "QueueName": "named-work", "Attributes": { "RedrivePolicy": redrive.to_string() } })),
        (
            "set_queue_attributes",
            json!({ "QueueUrl": url("named-dead"), "Attributes": { "RedriveAllowPolicy": allow.to_string() } }),
        ),
    ] {
        cloud.ask("us-east-1", "call", json!(["sqs", operation, arguments])).expect("called");
    }
    let place = Place::with(&cloud.head("named"));
    place.expect(0, &["adopt", "--all-in", "region.us-east-1", "--named", "named-*", "--write", "--yes"]);
    let spec = place.read("atlas.toml");
    assert!(spec.contains("queue = \"queue.named-dead@us-east-1\""), "{spec}");
    let theirs = arn("theirs");
    assert!(spec.contains(&format!("queues = [\"{theirs}\", \"queue.named-work@us-east-1\"]")), "{spec}");
    assert_eq!(place.run(&["plan", "--detailed-exitcode"]).code, 0);
    place.write("atlas.toml", &cloud.head("named"));
    place.expect(0, &["apply", "--yes"]);
}
