//! Records in S3: one lock and one journal for two machines.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use super::Cloud;
use super::proxy::{Proxy, Spoil};
use super::trouble::{assert_all_there, many, something_is_made};
use crate::support::{Place, Run};

/// A spec whose records are in S3.
fn shared(cloud: &Cloud, project: &str, count: usize) -> String {
    shared_behind(cloud, &cloud.us, project, count)
}

/// A spec whose records are in S3, behind an endpoint of their own.
fn shared_behind(cloud: &Cloud, endpoint: &str, project: &str, count: usize) -> String {
    let head = cloud.head(project).replace(
        "\n\n[region.us-east-1]",
        &format!(
            "\nrecords = \"s3://shared-records/{project}?region=us-east-1&endpoint={endpoint}\"\n\n[region.us-east-1]"
        ),
    );
    many(&head, project, count, "\"us-east-1\"")
}

/// An apply that takes its time, under a lease of so many seconds.
fn slow_apply(place: &Place, lease: &str) -> Command {
    let mut command = place.command(&["apply", "--yes", "--parallelism", "2"]);
    command.env("ATLAS_LEASE_SECONDS", lease).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// Runs a command until nobody else holds the lock.
fn once_let_in(command: impl Fn() -> Command) -> Run {
    let end = Instant::now() + Duration::from_secs(60);
    loop {
        let run = Run::of(command().output().expect("it runs"));
        if run.code != 5 {
            return run;
        }
        assert!(Instant::now() < end, "the lease never ends");
    }
}

#[test]
fn two_machines_share_one_lock_and_a_killed_winner_is_replaced() {
    let Some(cloud) = Cloud::localstack() else { return };
    // The bucket may be there already: making one's own again in us-east-1 is no error.
    cloud.ask("us-east-1", "make", json!(["bucket", "shared-records"])).expect("made");
    let spec = shared(&cloud, "shared", 60);
    // Two folders are as good as two machines: nothing on disk is common to them.
    let (one, other) = (Place::with(&spec), Place::with(&spec));
    let lease = |place: &Place| slow_apply(place, "5");
    let mut winner = lease(&one).spawn().expect("it runs");
    something_is_made(&cloud, "us-east-1", "shared");
    let loser = Run::of(lease(&other).output().expect("it runs"));
    assert_eq!(loser.code, 5, "{}\n{}", loser.stdout, loser.stderr);
    assert!(loser.stderr.contains(&format!("process {}", winner.id())), "{}", loser.stderr);
    winner.kill().expect("killed");
    winner.wait().expect("gone");
    // While the lease lasts nobody gets in; once it is over the other one carries on from the shared journal.
    let taken = once_let_in(|| lease(&other));
    assert_eq!(taken.code, 0, "{}\n{}", taken.stdout, taken.stderr);
    assert_all_there(&cloud, "us-east-1", "shared", 60);
    one.expect(0, &["plan", "--detailed-exitcode"]);
    let history = one.expect(0, &["history"]);
    assert!(history.contains("apply"), "the run of the other machine is known here: {history}");
    for place in [&one, &other] {
        assert!(!place.path(".atlas/records").exists(), "records are in S3 only");
    }
}

#[test]
fn a_stopped_holder_of_a_shared_lease_can_not_go_on() {
    let Some(cloud) = Cloud::localstack() else { return };
    cloud.ask("us-east-1", "make", json!(["bucket", "shared-records"])).expect("made");
    let spec = shared(&cloud, "stopped", 60);
    let (one, other) = (Place::with(&spec), Place::with(&spec));
    let lease = |place: &Place| slow_apply(place, "4");
    let slow = lease(&one).spawn().expect("it runs");
    something_is_made(&cloud, "us-east-1", "stopped");
    let signal = |name: &str| {
        let sent = Command::new("kill").args([format!("-{name}"), slow.id().to_string()]).status().expect("sent");
        assert!(sent.success());
    };
    signal("STOP");
    let quick = once_let_in(|| lease(&other));
    assert_eq!(quick.code, 0, "{}\n{}", quick.stdout, quick.stderr);
    signal("CONT");
    let slow = Run::of(slow.wait_with_output().expect("it ends"));
    assert_ne!(slow.code, 0, "{}\n{}", slow.stdout, slow.stderr);
    assert!(slow.stdout.contains("lease") || slow.stderr.contains("lease"), "{}\n{}", slow.stdout, slow.stderr);
    other.expect(0, &["plan", "--detailed-exitcode"]);
    assert_all_there(&cloud, "us-east-1", "stopped", 60);
    // The object that fences the former holder off stays, because that holder may come back at any time.
    let keys = cloud.ask("us-east-1", "keys", json!(["shared-records", "stopped/"])).expect("listed");
    let fence = |key: &&serde_json::Value| key[0].as_str().is_some_and(|key| key.contains("/journal/")) && key[1] == 0;
    assert_eq!(keys.as_array().expect("a list").iter().filter(fence).count(), 1, "{keys}");
}

#[test]
fn an_answer_that_is_lost_is_no_lost_lease() {
    let Some(cloud) = Cloud::localstack() else { return };
    cloud.ask("us-east-1", "make", json!(["bucket", "shared-records"])).expect("made");
    // A failed call was carried out all the same, so the next attempt finds what it wrote itself.
    let proxy = Proxy::before(&cloud.us, Spoil::Lost(3));
    let spec = shared_behind(&cloud, &proxy.url(), "answers", 3);
    let place = Place::with(&spec);
    place.expect(0, &["apply", "--yes", "--parallelism", "2"]);
    place.expect(0, &["plan", "--detailed-exitcode"]);
    assert!(place.expect(0, &["history"]).contains("converged"));
    assert_all_there(&cloud, "us-east-1", "answers", 3);
}
