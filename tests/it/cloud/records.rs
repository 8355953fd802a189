//! Records in S3: one lock and one journal for two machines.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::json;

use super::Cloud;
use super::trouble::{assert_all_there, many};
use crate::support::{Place, Run};

/// A spec whose records are in S3.
fn shared(cloud: &Cloud, project: &str, count: usize) -> String {
    let head = cloud.head(project).replace(
        "\n\n[region.us-east-1]",
        &format!(
            "\nrecords = \"s3://shared-records/{project}?region=us-east-1&endpoint={}\"\n\n[region.us-east-1]",
            cloud.us
        ),
    );
    many(&head, project, count, "\"us-east-1\"")
}

#[test]
fn two_machines_share_one_lock_and_a_killed_winner_is_replaced() {
    let Some(cloud) = Cloud::localstack() else { return };
    // The bucket may be there already: making one's own again in us-east-1 is no error.
    cloud.ask("us-east-1", "make", json!(["bucket", "shared-records"])).expect("made");
    let spec = shared(&cloud, "shared", 60);
    // Two folders are as good as two machines: nothing on disk is common to them.
    let (one, other) = (Place::with(&spec), Place::with(&spec));
    let lease = |place: &Place| {
        let mut command = place.command(&["apply", "--yes", "--parallelism", "2"]);
        command.env("ATLAS_LEASE_SECONDS", "3").stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    };
    let mut winner = lease(&one).spawn().expect("it runs");
    let end = Instant::now() + Duration::from_secs(60);
    while cloud.ask("us-east-1", "count", json!(["us-east-1-shared-"])).is_ok_and(|names| names == json!([])) {
        assert!(Instant::now() < end, "nothing was ever made");
    }
    let loser = Run::of(lease(&other).output().expect("it runs"));
    assert_eq!(loser.code, 5, "{}\n{}", loser.stdout, loser.stderr);
    assert!(loser.stderr.contains(&format!("process {}", winner.id())), "{}", loser.stderr);
    winner.kill().expect("killed");
    winner.wait().expect("gone");
    // While the lease lasts nobody gets in; once it is over the other one carries on from the shared journal.
    let end = Instant::now() + Duration::from_secs(60);
    let taken = loop {
        let run = Run::of(lease(&other).output().expect("it runs"));
        if run.code != 5 {
            break run;
        }
        assert!(Instant::now() < end, "the lease never ends");
    };
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
    let lease = |place: &Place| {
        let mut command = place.command(&["apply", "--yes", "--parallelism", "2"]);
        command.env("ATLAS_LEASE_SECONDS", "2").stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    };
    let slow = lease(&one).spawn().expect("it runs");
    let end = Instant::now() + Duration::from_secs(60);
    while cloud.ask("us-east-1", "count", json!(["us-east-1-stopped-"])).is_ok_and(|names| names == json!([])) {
        assert!(Instant::now() < end, "nothing was ever made");
    }
    let signal = |name: &str| {
        let sent = Command::new("kill").args([format!("-{name}"), slow.id().to_string()]).status().expect("sent");
        assert!(sent.success());
    };
    signal("STOP");
    let quick = loop {
        let run = Run::of(lease(&other).output().expect("it runs"));
        if run.code != 5 {
            break run;
        }
        assert!(Instant::now() < end, "the lease never ends");
    };
    assert_eq!(quick.code, 0, "{}\n{}", quick.stdout, quick.stderr);
    signal("CONT");
    let slow = Run::of(slow.wait_with_output().expect("it ends"));
    assert_ne!(slow.code, 0, "{}\n{}", slow.stdout, slow.stderr);
    assert!(slow.stdout.contains("lease") || slow.stderr.contains("lease"), "{}\n{}", slow.stdout, slow.stderr);
    other.expect(0, &["plan", "--detailed-exitcode"]);
    assert_all_there(&cloud, "us-east-1", "stopped", 60);
}
