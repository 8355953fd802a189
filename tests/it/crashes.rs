//! Killed at any point, the next run carries on: no duplicate, no orphan, no unlock.

use atlas::driver::sandbox::World;

use crate::support::{Place, Run, copy};

const BEFORE: &str = r#"
[project]
name = "t"
environment = "s"
[environment.s]
world = "sandbox"
[region.us-east-1]
[bucket.stays]
regions = ["us-east-1"]
protect = true
[bucket.edited]
regions = ["us-east-1"]
[bucket.let-go]
regions = ["us-east-1"]
on_remove = "forget"
[bucket.old]
regions = ["us-east-1"]
name = "renamed"
[queue.goes]
regions = ["us-east-1"]
[queue.user]
regions = ["us-east-1"]
dead_letter = { queue = "queue.goes" }
[queue.moves]
regions = ["us-east-1"]
[cluster.dc]
region = "us-east-1"
[namespace.a]
clusters = ["dc"]
"#;

/// The same with creations, updates, both orders of replacement, deletions, a rename and something let go.
const AFTER: &str = r#"
[project]
name = "t"
environment = "s"
[environment.s]
world = "sandbox"
[region.us-east-1]
[region.new]
[bucket.stays]
regions = ["us-east-1"]
protect = true
[bucket.edited]
regions = ["us-east-1"]
versioning = true
[bucket.new]
regions = ["us-east-1"]
name = "renamed"
[bucket.fresh]
regions = ["new"]
[queue.user]
regions = ["us-east-1"]
[queue.moves]
regions = ["us-east-1"]
name = "moved"
[role.fresh]
regions = ["new"]
trust = { service = "ec2.amazonaws.com" }
[[role.fresh.allow]]
actions = ["s3:GetObject"]
resources = ["${bucket.fresh.arn}"]
[cluster.dc]
region = "us-east-1"
engine = "tcp://10.0.0.7:2376"
[namespace.a]
clusters = ["dc"]
"#;

#[test]
fn every_crash_point_converges() {
    let start = Place::with(BEFORE);
    start.expect(0, &["apply", "--yes"]);
    start.write("atlas.toml", AFTER);
    let mut point = 0;
    let mut died = 0;
    // The number of lines in one write varies between runs, and with it the number of crash points. So the loop ends
    // only after several runs in a row went past the last point.
    let mut past = 0;
    while past < 3 {
        point += 1;
        let place = Place::empty();
        copy(&start.path("."), &place.path("."));
        let log = place.path("points");
        let mut command = place.command(&["apply", "--yes", "--parallelism", "1"]);
        let output = command.env("ATLAS_CRASH_AT", point.to_string()).env("ATLAS_CRASH_LOG", &log).output();
        let run = output.expect("it runs");
        if run.status.code() == Some(0) {
            past += 1;
            continue;
        }
        past = 0;
        died += 1;
        let name = std::fs::read_to_string(&log).unwrap_or_default().lines().last().unwrap_or_default().to_owned();
        assert_eq!(run.status.code(), None, "point {name}: {:?}", Run::of(run));
        let carried = place.run(&["apply", "--yes"]);
        assert_eq!(carried.code, 0, "after dying at {name}: {carried:?}");
        let left = place.run(&["plan", "--detailed-exitcode"]);
        assert_eq!(left.code, 0, "after dying at {name}: {left:?}");
        let status = place.json(&["status", "--json"]);
        let resources = status["resources"].as_array().expect("a list");
        assert_eq!(resources.len(), 11, "after dying at {name}: {status}");
        assert!(resources.iter().all(|one| one["status"] == "ok"), "after dying at {name}: {status}");
        assert_eq!(strays(&place), ["region/us-east-1/bucket/let-go"], "after dying at {name}");
    }
    println!("{died} crash points converged");
    assert!(died > 100, "only {died} crash points");
}

/// Everything in the world without an owner: the forgotten object should be there, and nothing else.
fn strays(place: &Place) -> Vec<String> {
    let world = World::look(&place.path(".atlas/world/s")).expect("there");
    let mut strays = Vec::new();
    let mut count = 0;
    let mut open = vec![String::new()];
    while let Some(host) = open.pop() {
        let mut visit = |object: atlas::observed::Object| {
            count += 1;
            open.push(object.identity.to_string());
            if object.mark.is_none() {
                strays.push(object.identity.to_string());
            }
        };
        world.visit_host(&host, &mut visit).expect("readable");
    }
    assert_eq!(count, 12, "nothing is there twice");
    strays
}
