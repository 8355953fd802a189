//! What AWS documents as passing by itself: throttling, two calls at once, and what was made a moment ago and is not known
//! everywhere yet. One apply gets over it, soon; what does not pass ends it with the reason.

use std::time::{Duration, Instant};

use super::Cloud;
use super::proxy::{Failure, Proxy, Spoil};
use super::trouble::many;
use crate::support::Place;

const fn failure(status: u16, code: &'static str, message: &'static str) -> Failure {
    Failure { status, code, message }
}

const PRINCIPAL: &str = "Invalid principal in policy: AWS";

fn spec(head: &str, name: &str) -> String {
    format!(
        r#"{head}
[policy.shared]
regions = ["us-east-1"]
name = "{name}-policy"
allow = [{{ actions = ["s3:GetObject"], resources = ["arn:aws:s3:::x/*"] }}]

[role.app]
regions = ["us-east-1"]
name = "{name}-role"
trust = {{ service = "ec2.amazonaws.com" }}
allow = [{{ actions = ["s3:GetObject"], resources = ["arn:aws:s3:::y/*"] }}]
policies = ["policy.shared"]

[bucket.data]
regions = ["us-east-1"]
name = "us-east-1-{name}"
versioning = true

[queue.work]
regions = ["us-east-1"]
name = "{name}-queue"
"#
    )
}

#[test]
fn what_passes_by_itself_is_waited_for() {
    let Some(cloud) = Cloud::moto() else { return };
    for (at, (request, times, says)) in [
        ("PUT /", 2, failure(409, "OperationAborted", "a conflicting operation is in progress")),
        ("?versioning", 3, failure(404, "NoSuchBucket", "the bucket does not exist")),
        ("?tagging", 1, failure(404, "NoSuchBucket", "the bucket does not exist")),
        ("Action=CreateRole", 2, failure(409, "ConcurrentModification", "try again")),
        ("Action=CreateRole", 2, failure(400, "MalformedPolicyDocument", PRINCIPAL)),
        ("Action=PutRolePolicy", 2, failure(404, "NoSuchEntity", "the role can't be found")),
        ("Action=AttachRolePolicy", 3, failure(404, "NoSuchEntity", "the policy can't be found")),
        ("Action=CreatePolicy", 2, failure(400, "Throttling", "rate exceeded")),
        ("AmazonSQS.CreateQueue", 2, failure(400, "RequestThrottled", "too fast")),
    ]
    .into_iter()
    .enumerate()
    {
        let what = format!("{request} {}", says.code);
        let proxy = Proxy::before(&cloud.us, Spoil::First(request, times, says));
        let behind = Cloud::new("moto", &proxy.url(), &proxy.url());
        let name = format!("races-{at}");
        let place = Place::with(&spec(&behind.head(&name), &name));
        let run = place.run(&["apply", "--yes"]);
        assert_eq!(run.code, 0, "{what}: {run:?}");
        place.expect(0, &["plan", "--detailed-exitcode"]);
        for command in ["status", "drift"] {
            let said = place.expect(0, &[command]);
            assert!(said.contains(&format!("of project `{name}`")) && said.contains("account 123456789012"), "{said}");
            let json = place.json(&[command, "--json"]);
            assert_eq!(json["accounts"], serde_json::json!(["123456789012"]), "{json}");
        }
        let run = place.run(&["destroy", "--yes"]);
        assert_eq!(run.code, 0, "{what}: {run:?}");
    }
}

#[test]
fn what_does_not_pass_ends_with_the_reason() {
    let Some(cloud) = Cloud::moto() else { return };
    for (at, (request, says, tries)) in [
        ("Action=CreateRole", failure(409, "ConcurrentModification", "try again"), "(after 6 attempts)"),
        ("Action=CreateRole", failure(400, "MalformedPolicyDocument", "a syntax error"), ""),
        ("Action=AttachRolePolicy", failure(404, "NoSuchEntity", "the policy can't be found"), "(after 6 attempts)"),
    ]
    .into_iter()
    .enumerate()
    {
        let proxy = Proxy::before(&cloud.us, Spoil::First(request, usize::MAX, says));
        let behind = Cloud::new("moto", &proxy.url(), &proxy.url());
        let name = format!("stays-{at}");
        let place = Place::with(&spec(&behind.head(&name), &name));
        let begun = Instant::now();
        let run = place.run(&["apply", "--yes"]);
        let said = (run.stdout.clone() + &run.stderr).split_whitespace().collect::<Vec<_>>().join(" ");
        assert_eq!(run.code, 3, "{request} {}: {run:?}", says.code);
        assert!(said.contains(says.code) && said.contains(tries), "{request}: {said}");
        assert!(!tries.is_empty() || !said.contains("attempts"), "it was tried again: {said}");
        assert!(begun.elapsed() < Duration::from_secs(60), "{request} {}: {:?}", says.code, begun.elapsed());
        place.write("atlas.toml", &place.read("atlas.toml").replace(&proxy.url(), &cloud.us));
        place.expect(0, &["apply", "--yes"]);
        place.expect(0, &["destroy", "--yes"]);
    }
}

/// One client of an SDK slows all its calls down for a long time after one that was throttled, unless it is told not to.
#[test]
fn a_call_that_is_throttled_slows_down_no_other() {
    let Some(cloud) = Cloud::moto() else { return };
    let mut took = Vec::new();
    for times in [0, 1, 12] {
        let says = failure(503, "SlowDown", "please reduce your request rate");
        let proxy = Proxy::before(&cloud.us, Spoil::First("PUT /", times, says));
        let behind = Cloud::new("moto", &proxy.url(), &proxy.url());
        let project = format!("slow{times}");
        let place = Place::with(&many(&behind.head(&project), &project, 12, "\"us-east-1\""));
        let begun = Instant::now();
        place.expect(0, &["apply", "--yes"]);
        took.push(begun.elapsed());
        place.expect(0, &["destroy", "--yes"]);
    }
    println!("12 buckets and queues with 0, 1 and 12 calls throttled: {took:?}");
    // Each call waits for itself, and these are made at once.
    let longest = took[0] + Duration::from_secs(10);
    assert!(took[1] < longest && took[2] < longest, "{took:?}");
}
