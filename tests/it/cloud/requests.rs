//! How many requests it takes to plan and to make one object in an account that is full of others'. The tables are printed.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::mem;

use serde_json::{Value, json};

use super::proxy::{Proxy, Spoil};
use super::trouble::{Region, free_port, own_moto};
use super::{Cloud, SEARCH};
use crate::support::Place;

/// What others have in the account.
const ROLES: usize = 500;
const POLICIES: usize = 200;
const BUCKETS: usize = 200;
const QUEUES: usize = 300;

const TRUST: &str = r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}"#;
const RIGHTS: &str =
    r#"{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:GetObject","Resource":"*"}]}"#;

/// One object of each kind; how many requests the API takes to make it and to read all that its spec says, at least.
const ONE: [(&str, &str, usize, usize); 8] = [
    ("queue", "name = \"one\"\n", 1, 2),
    ("bucket", "name = \"one-bucket\"\n", 3, 6),
    (
        "role",
        "name = \"one\"\ntrust = { service = \"ec2.amazonaws.com\" }\nallow = [{ actions = [\"s3:GetObject\"], resources = [\"*\"] }]\n",
        2,
        4,
    ),
    ("policy", "name = \"one\"\nallow = [{ actions = [\"s3:GetObject\"], resources = [\"*\"] }]\n", 1, 2),
    ("instance_profile", "name = \"one\"\n", 1, 1),
    ("oidc_provider", "name = \"one.example.com\"\nclient_ids = [\"one\"]\n", 1, 1),
    // The group, its mark and its policy; the group, its mark, and the lists and the policy.
    ("group", "name = \"one\"\nallow = [{ actions = [\"s3:GetObject\"], resources = [\"*\"] }]\n", 3, 5),
    ("user", "name = \"one\"\nallow = [{ actions = [\"s3:GetObject\"], resources = [\"*\"] }]\n", 2, 5),
];

/// Fills an account with what others have.
fn crowd(cloud: &Cloud, threads: usize) {
    let tag = json!([{ "Key": "team", "Value": "theirs" }]);
    let role = |n| json!([["iam", "create_role", { "RoleName": format!("theirs-{n}"), "AssumeRolePolicyDocument": TRUST, "Tags": tag }]]);
    let policy = |n| json!([["iam", "create_policy", { "PolicyName": format!("theirs-{n}"), "PolicyDocument": RIGHTS, "Tags": tag }]]);
    let bucket = |n| {
        let name = format!("theirs-{n}");
        json!([["s3", "create_bucket", { "Bucket": name }], ["s3", "put_bucket_tagging", { "Bucket": name, "Tagging": { "TagSet": tag } }]])
    };
    let queue =
        |n| json!([["sqs", "create_queue", { "QueueName": format!("theirs-{n}"), "tags": { "team": "theirs" } }]]);
    let calls: Vec<Value> = (0..ROLES)
        .map(role)
        .chain((0..POLICIES).map(policy))
        .chain((0..BUCKETS).map(bucket))
        .chain((0..QUEUES).map(queue))
        .collect();
    cloud.ask("us-east-1", "race", json!([calls, threads])).expect("made");
}

/// The program before a server that counts.
struct Counted {
    proxy: Proxy,
    settings: &'static str,
}

impl Counted {
    fn head(&self, project: &str) -> String {
        let (url, settings) = (self.proxy.url(), self.settings);
        format!("[project]\nname = \"{project}\"\n[region.us-east-1]\naws = {{ endpoint = \"{url}\"{settings} }}\n")
    }

    /// Runs the program, and tells the requests that it made, by call.
    fn run(&self, place: &Place, code: i32, arguments: &[&str]) -> BTreeMap<String, usize> {
        self.proxy.calls.lock().expect("sound").clear();
        place.expect(code, arguments);
        let mut all = BTreeMap::new();
        for call in mem::take(&mut *self.proxy.calls.lock().expect("sound")) {
            *all.entry(call).or_insert(0) += 1;
        }
        all
    }
}

fn sum(calls: &BTreeMap<String, usize>) -> usize {
    calls.values().sum()
}

fn of_service(calls: &BTreeMap<String, usize>, service: &str) -> usize {
    calls.iter().filter(|(call, _)| call.starts_with(service)).map(|(_, count)| count).sum()
}

/// A line of a table, also where what a test prints is kept for its failure.
fn say(line: &str) {
    // Nobody may listen.
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// Makes and plans one object of each kind, prints how many requests that took, and holds them.
fn table(name: &str, counted: &Counted, first: usize) {
    say(&format!("{name}: {ROLES} roles, {POLICIES} policies, {BUCKETS} buckets and {QUEUES} queues of others"));
    say(&format!("{:<18}{:>12}{:>12}{:>12}{:>12}", "", "first look", "apply", "plan", "at least"));
    for (kind, lines, make, read) in ONE {
        let head = counted.head(&format!("one-{kind}").replace('_', "-"));
        // The first look of all asks whose everything is.
        let place = Place::with(&head);
        let look = counted.run(&place, 0, &["apply", "--yes"]);
        place.write("atlas.toml", &format!("{head}[{kind}.one]\nregions = [\"us-east-1\"]\n{lines}"));
        let apply = counted.run(&place, 0, &["apply", "--yes"]);
        let plan = counted.run(&place, 0, &["plan", "--detailed-exitcode"]);
        // Who is calling, what left the spec, a look before and one after.
        let least = 1 + 1 + 1 + make + read;
        say(&format!("{kind:<18}{:>12}{:>12}{:>12}{least:>12}", sum(&look), sum(&apply), sum(&plan)));
        assert!(sum(&look) <= first, "{kind}: {look:#?}");
        assert!(sum(&apply) <= 2 * least, "{kind}: {apply:#?}");
        assert!(sum(&plan) <= 3 + read, "{kind}: {plan:#?}");
        for (service, kinds) in [
            ("S3", &["bucket"][..]),
            ("SQS", &["queue"]),
            ("IAM", &["role", "policy", "instance_profile", "oidc_provider", "group", "user"]),
        ] {
            let asked = of_service(&plan, service) + of_service(&apply, service);
            assert!(kinds.contains(&kind) || asked == 0, "{kind} asked {service}: {apply:#?} {plan:#?}");
        }
    }
}

#[test]
fn only_what_the_spec_needs_is_asked_where_tags_are_read_one_by_one() {
    let Some(region) = Region::start(free_port()) else { return };
    let url = format!("http://127.0.0.1:{}", region.port);
    crowd(&Cloud::new("localstack", &url, &url), 4);
    let counted = Counted { proxy: Proxy::before(&url, Spoil::Nothing), settings: "" };
    // Roles tell all their tags at once, and everything else is asked one by one, once an hour.
    table("LocalStack, no tag search", &counted, POLICIES + BUCKETS + QUEUES + 20);
}

#[test]
fn only_what_the_spec_needs_is_asked_where_tags_can_be_searched() {
    let Some((_server, url)) = own_moto() else { return };
    // moto makes one object at a time.
    crowd(&Cloud::new("moto", &url, &url), 1);
    let counted = Counted { proxy: Proxy::before(&url, Spoil::Nothing), settings: SEARCH };
    // moto's search does not know policies, which are asked one by one, once an hour.
    table("moto, tag search for buckets and queues", &counted, POLICIES + 20);
}

#[test]
fn a_queue_is_planned_and_made_where_everything_else_is_denied() {
    for cloud in [Cloud::localstack(), Cloud::moto()].into_iter().flatten() {
        let proxy = Proxy::before(&cloud.us, Spoil::DenyServices(&["S3 ", "IAM ", "Tagging "]));
        let settings = if cloud.name == "moto" { SEARCH } else { "" };
        let counted = Counted { proxy, settings };
        let head = counted.head("only-queues");
        let queue = "[queue.one]\nregions = [\"us-east-1\"]\nname = \"only-queues\"\n";
        let place = Place::with(&format!("{head}{queue}"));
        place.expect(2, &["plan", "--detailed-exitcode"]);
        place.expect(0, &["apply", "--yes"]);
        place.expect(0, &["plan", "--detailed-exitcode"]);
        place.expect(0, &["drift"]);
        // What is wanted and may not be looked at is unknown.
        let bucket = "[bucket.one]\nregions = [\"us-east-1\"]\nname = \"only-queues\"\n";
        place.write("atlas.toml", &format!("{head}{queue}{bucket}"));
        place.expect(4, &["plan", "--detailed-exitcode"]);
        // A removal is certain only when everything was looked at.
        place.write("atlas.toml", &head);
        place.expect(0, &["apply", "--yes"]);
        assert_eq!(cloud.describe("us-east-1", "queue", "only-queues"), Value::Null, "{}", cloud.name);
    }
}

#[test]
fn what_became_the_owners_elsewhere_is_seen_whatever_was_looked_at_before() {
    for cloud in [Cloud::localstack(), Cloud::moto()].into_iter().flatten() {
        let head = cloud.head("elsewhere");
        let queue = |name: &str| format!("[queue.{name}]\nregions = [\"us-east-1\"]\nname = \"elsewhere-{name}\"\n");
        let (here, there) = (Place::with(&format!("{head}{}", queue("a"))), Place::with(&head));
        here.expect(0, &["apply", "--yes"]);
        // Another machine makes a queue that the spec here does not have.
        there.write("atlas.toml", &format!("{head}{}{}", queue("a"), queue("b")));
        there.expect(0, &["apply", "--yes"]);
        let plan = here.expect(2, &["plan", "--detailed-exitcode"]);
        assert!(plan.contains("queue.b@us-east-1"), "{}: {plan}", cloud.name);
        // What was somebody else's is taken over here and left out: the run that took it over knows that.
        cloud
            .ask("us-east-1", "race", json!([[[["sqs", "create_queue", { "QueueName": "elsewhere-c" }]]], 1]))
            .expect("made");
        here.expect(0, &["apply", "--yes"]);
        here.write("atlas.toml", &format!("{head}{}{}", queue("a"), queue("c")));
        here.expect(0, &["adopt", "queue.c@us-east-1", "--yes"]);
        here.write("atlas.toml", &format!("{head}{}", queue("a")));
        let plan = here.expect(2, &["plan", "--detailed-exitcode"]);
        assert!(plan.contains("queue.c@us-east-1"), "{}: {plan}", cloud.name);
        // Nothing of all that is needed: without it the plan is the same.
        std::fs::remove_dir_all(here.path(".atlas")).expect("there");
        assert_eq!(here.expect(2, &["plan", "--detailed-exitcode"]), plan);
        here.expect(0, &["destroy", "--yes"]);
        for name in ["a", "b", "c"] {
            let left = cloud.describe("us-east-1", "queue", &format!("elsewhere-{name}"));
            assert_eq!(left, Value::Null, "{}: {name}", cloud.name);
        }
    }
}
