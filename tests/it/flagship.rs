//! The flagship, with the program itself: what a newcomer does in the first minutes.

use serde_json::Value;

use crate::support::Place;

fn applied() -> Place {
    let place = Place::flagship();
    place.expect(0, &["apply", "--yes"]);
    place
}

fn changes(plan: &Value) -> Vec<(&str, &str)> {
    let list = plan["changes"].as_array().expect("a list");
    let word = |change: &'_ Value, key: &str| -> &'static str {
        Box::leak(change[key].as_str().expect("a word").to_owned().into_boxed_str())
    };
    list.iter().map(|change| (word(change, "address"), word(change, "action"))).collect()
}

#[test]
fn one_apply_builds_everything_and_the_next_changes_nothing() {
    let place = Place::flagship();
    let first = place.expect(0, &["apply", "--yes"]);
    let last = first.lines().last().expect("a summary");
    let created: usize = last
        .strip_prefix("Done: ")
        .and_then(|rest| rest.split(' ').next()?.parse().ok())
        .unwrap_or_else(|| panic!("{last}"));
    assert!(created >= 20, "{last}");
    let world = std::fs::read(place.path(".atlas/world/sandbox/world.db")).expect("there");
    let second = place.expect(0, &["apply", "--yes"]);
    assert!(second.contains("No changes: 75 resources are as the spec says."), "{second}");
    assert_eq!(std::fs::read(place.path(".atlas/world/sandbox/world.db")).expect("there"), world);
    place.expect(0, &["plan", "--detailed-exitcode"]);
}

#[test]
fn a_deleted_bucket_is_drift_and_comes_back() {
    let place = applied();
    place.expect(0, &["drift"]);
    place.expect(0, &["sandbox", "delete", "bucket.audit-logs@us-east-1"]);
    insta::assert_snapshot!(place.expect(2, &["drift"]));
    let run = place.run(&["drift", "--json"]);
    let json: Value = serde_json::from_str(&run.stdout).expect("JSON");
    assert_eq!(json["drift"].as_array().map(Vec::len), Some(1));
    assert_eq!(json["drift"][0]["address"], "bucket.audit-logs@us-east-1");
    let dependants: Vec<&str> =
        json["drift"][0]["dependants"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    assert_eq!(dependants, ["app.ledger@dc-us", "role.ledger-app@us-east-1"]);
    place.expect(0, &["apply", "--yes"]);
    place.expect(0, &["drift"]);
    place.expect(0, &["plan", "--detailed-exitcode"]);
}

#[test]
fn a_changed_queue_is_drift_and_is_set_back() {
    let place = applied();
    place.expect(0, &["sandbox", "set", "queue.transactions@eu-central-1", "visibility_timeout=5s"]);
    insta::assert_snapshot!(place.expect(2, &["drift"]));
    place.expect(0, &["apply", "--yes"]);
    place.expect(0, &["drift"]);
    place.expect(0, &["plan", "--detailed-exitcode"]);
}

#[test]
fn an_outage_blocks_its_region_and_nothing_else() {
    let place = applied();
    place.expect(0, &["sandbox", "delete", "bucket.audit-logs@us-east-1"]);
    place.expect(0, &["sandbox", "outage", "us-east-1"]);
    let plan = place.json(&["plan", "--json", "--var", "agents=3"]);
    let mut elsewhere = Vec::new();
    for change in plan["changes"].as_array().expect("a list") {
        let address = change["address"].as_str().expect("a word");
        let there = address.ends_with("us-east-1") || address.ends_with("dc-us") || address.contains("dc-us/");
        assert_eq!(there, !change["blocked"].is_null(), "{change}");
        if there {
            assert_eq!(change["action"], "no-op", "{change}");
            assert_eq!(change["blocked"]["by"], "region.us-east-1");
        } else {
            elsewhere.push((address, change["action"].as_str().expect("a word")));
        }
    }
    assert_eq!(elsewhere, [("cluster.dc-eu", "update")]);
    assert_eq!(plan["summary"]["blocked"], 37);
    insta::assert_snapshot!(place.expect(0, &["plan", "--var", "agents=3"]));
    // What answers is changed; what does not is left for another run.
    place.expect(3, &["apply", "--yes", "--var", "agents=3"]);
    place.expect(0, &["sandbox", "outage", "us-east-1", "--end"]);
    place.expect(0, &["apply", "--yes", "--var", "agents=3"]);
    place.expect(0, &["plan", "--detailed-exitcode", "--var", "agents=3"]);
}

#[test]
fn without_records_the_plan_is_the_same_to_the_byte() {
    let place = applied();
    // A change, a drift, something missing and an orphan, all at once.
    place.expect(0, &["sandbox", "set", "queue.transactions@eu-central-1", "visibility_timeout=5s"]);
    place.expect(0, &["sandbox", "delete", "app.monitoring@dc-us"]);
    place.edit("retention = \"14d\"\ndead_letter", "retention = \"13d\"\ndead_letter");
    place.edit(
        "clusters = [\"dc-us\", \"dc-eu\"]\nnamespace = \"ledger\"\nchart = \"charts/monitoring\"",
        "clusters = [\"dc-us\"]\nnamespace = \"ledger\"\nchart = \"charts/monitoring\"",
    );
    let before = [place.expect(0, &["plan"]), place.expect(0, &["plan", "--json"])];
    assert!(
        before[1].contains("\"orphan\"") && before[1].contains("\"missing\"") && before[1].contains("changed behind")
            || before[1].contains("behind Atlas's back")
    );
    std::fs::remove_dir_all(place.path(".atlas/records")).expect("removed");
    assert_eq!([place.expect(0, &["plan"]), place.expect(0, &["plan", "--json"])], before);
    place.expect(0, &["apply", "--yes"]);
    place.expect(0, &["plan", "--detailed-exitcode"]);
}

#[test]
fn what_lives_in_an_absent_host_is_deferred_with_its_content() {
    let place = Place::flagship();
    let plan = place.json(&["plan", "--json"]);
    let mut deferred = 0;
    for change in plan["changes"].as_array().expect("a list") {
        let kind = change["kind"].as_str().expect("a word");
        let behind = kind != "region";
        assert_eq!(change["deferred"], behind, "{change}");
        assert_eq!(change["action"], "create");
        if behind {
            deferred += 1;
            let paths = change["attributes"].as_array().expect("a list").len();
            assert!(paths >= 3, "{change}");
        }
    }
    assert_eq!(deferred, 72);
    let table =
        plan["changes"].as_array().expect("a list").iter().find(|change| change["kind"] == "table").expect("a table");
    assert!(table["attributes"].to_string().contains("gen_random_uuid()"));
    // One apply builds all of it, and all values that the plan knew are as it showed them.
    place.expect(0, &["apply", "--yes"]);
    for change in plan["changes"].as_array().expect("a list") {
        let address = change["address"].as_str().expect("a word");
        let shown = place.json(&["show", address, "--json"]);
        for attribute in change["attributes"].as_array().expect("a list").iter().filter(|one| one["known"] == true) {
            let path = attribute["path"].as_str().expect("a word");
            if path == "protect" {
                assert_eq!(shown["observed"]["mark"]["protect"], true, "{address}");
                continue;
            }
            assert_eq!(shown["observed"]["attributes"][path], attribute["after"], "{address} {path}");
        }
    }
}

#[test]
fn the_first_plan_reads_well() {
    let place = Place::flagship();
    insta::assert_snapshot!(place.expect(0, &["plan"]));
    let again = place.json(&["plan", "--json"]);
    assert_eq!(changes(&again).len(), 75);
}

#[test]
fn the_role_allows_exactly_what_it_should() {
    let place = applied();
    let role = place.json(&["show", "role.ledger-app@us-east-1", "--json"]);
    let allow = &role["observed"]["attributes"]["allow"];
    let expected = serde_json::json!([
        {
            "actions": ["s3:GetObject", "s3:ListBucket", "s3:PutObject"],
            "resources": ["arn:aws:s3:::us-east-1-audit-logs", "arn:aws:s3:::us-east-1-audit-logs/*"]
        },
        {
            "actions": ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage", "sqs:SendMessage"],
            "resources": ["arn:aws:sqs:us-east-1:000000000000:us-east-1-transaction-queue"]
        }
    ]);
    assert_eq!(allow, &expected);
}

#[test]
fn in_the_real_world_a_kind_without_a_provider_says_so() {
    let place = Place::flagship();
    let run = place.run(&["-e", "production", "plan"]);
    assert_eq!(run.code, 1);
    assert!(!run.stderr.contains("cluster."), "{}", run.stderr);
    for kind in ["database", "table"] {
        let says = format!("no driver for `{kind}` in world `real` yet");
        assert!(run.stderr.contains(&says), "{says}: {}", run.stderr);
    }
    assert!(run.stderr.contains("--> atlas.toml:"));
    assert!(!place.path(".atlas").exists());
    for environment in ["production", "local", "cloud"] {
        let run = place.run(&["-e", environment, "validate"]);
        assert_eq!(run.code, 0, "{environment}");
        // Only production has kinds that nobody serves yet.
        assert_eq!(run.stderr.contains("warning"), environment == "production", "{environment}: {}", run.stderr);
    }
    place.edit("eks = {} # a cluster that exists already, which Atlas neither makes nor removes", "");
    let run = place.run(&["-e", "production", "plan"]);
    assert!(run.stderr.contains("nothing can reach cluster.dc-us in world `real` yet"), "{}", run.stderr);
}
