//! Containers that end, that are not well, and what goes with them.

use atlas::plan::Options;
use serde_json::json;

use super::{Engine, container, head, until};
use crate::support::summary;

#[tokio::test]
async fn a_job_is_in_order_once_it_ended_well() {
    let Some(engine) = Engine::here() else { return };
    let job = |script: &str, more: &str| {
        let command = format!("command = [\"/bin/sh\", \"-c\", \"{script}\"]\nrun = \"once\"\n{more}");
        head("job") + &container("job", &command)
    };
    engine.converge(&job("sleep 1; exit 0", ""), &Options::default(), &[]).await.expect("it ends well");
    let id = engine.id("job");
    assert_eq!(engine.inspect("container", "job")["State"]["Status"], "exited");
    // What changes nothing about the job does not run it again.
    engine.converge(&job("sleep 1; exit 0", "memory_mib = 64\n"), &Options::default(), &[]).await.expect("in place");
    assert_eq!(engine.id("job"), id);
    let seen = engine.inspect("container", "job");
    assert_eq!(
        (&seen["State"]["Status"], &seen["HostConfig"]["RestartPolicy"]["Name"]),
        (&json!("exited"), &json!("no"))
    );
    // One that runs is on its way, which is no drift, and is waited for.
    engine.docker(&["start", "job"]);
    let (_, plan) = engine.plan(&job("sleep 1; exit 0", "memory_mib = 64\n"), &Options::default()).await;
    assert!(summary(&plan).contains("not done yet"), "{}", summary(&plan));
    assert_eq!(plan.changes[0].reason, "it is on its way, and is waited for");
    assert!(plan.changes[0].attributes.iter().all(|one| !one.drift.is_some()), "{}", summary(&plan));
    engine.converge(&job("sleep 1; exit 0", "memory_mib = 64\n"), &Options::default(), &[]).await.expect("waited for");
    // What changes it runs it again, and a job that fails is told with its last words.
    let failing = job("echo no luck >&2; exit 3", "memory_mib = 64\n");
    let error = engine.converge(&failing, &Options::default(), &[]).await.expect_err("it fails");
    assert!(error.contains("ended with exit code 3") && error.contains("no luck"), "{error}");
    assert_ne!(engine.id("job"), id);
    let (plan, why) = engine.planned(&failing).await;
    assert_eq!(plan, json!({ "container.job": "update" }), "{why}");
    assert!(why.contains("failed with exit code 3"), "{why}");
    engine.clean("job").await;
}

#[tokio::test]
async fn a_container_that_is_not_well_is_degraded_and_started_again() {
    let Some(engine) = Engine::here() else { return };
    let folder = tempfile::tempdir().expect("a folder");
    let well = folder.path().join("well");
    std::fs::write(&well, "").expect("written");
    let bind = format!(
        "\"/usr:/usr:ro\", \"/lib:/lib:ro\", \"/lib64:/lib64:ro\", \"/bin:/bin:ro\", \"{}:/data:ro\"",
        folder.path().display()
    );
    let lines = format!(
        "binds = [{bind}]\nwait = \"healthy\"\nhealth = {{ shell = \"test -e /data/well\", interval = \"1s\", retries = 1 }}\n"
    );
    let spec = head("unwell") + &container("unwell", &lines);
    engine.converge(&spec, &Options::default(), &[]).await.expect("made");
    let (id, health) =
        (engine.id("unwell"), || engine.inspect("container", "unwell")["State"]["Health"]["Status"].clone());
    let started = engine.inspect("container", "unwell")["State"]["StartedAt"].clone();
    std::fs::remove_file(&well).expect("removed");
    until("it is not well", || health() == "unhealthy");
    let (plan, why) = engine.planned(&spec).await;
    assert_eq!(plan, json!({ "container.unwell": "update" }), "{why}");
    assert!(why.contains("unhealthy"), "{why}");
    std::fs::write(&well, "").expect("written");
    // It may be well again by itself before it is started again.
    engine.converge(&spec, &Options::default(), &[]).await.expect("well again");
    assert_eq!((engine.id("unwell"), health()), (id, json!("healthy")));
    assert!(started.is_string());
    engine.clean("unwell").await;
}

#[tokio::test]
async fn how_a_container_ended_is_said() {
    let Some(engine) = Engine::here() else { return };
    let spec = head("ended") + &container("ended", "");
    engine.converge(&spec, &Options::default(), &[]).await.expect("made");
    engine.docker(&["kill", "ended"]);
    let (_, why) = engine.planned(&spec).await;
    assert!(why.contains("stopped with exit code 137"), "{why}");
    engine.converge(&spec, &Options::default(), &[]).await.expect("started");
    engine.clean("ended").await;
}

#[tokio::test]
async fn volumes_that_nobody_named_go_only_when_that_is_allowed() {
    let Some(engine) = Engine::here() else { return };
    let lines = |script: &str| {
        let command = format!("command = [\"/bin/sh\", \"-c\", \"{script}; trap 'exit 0' TERM; sleep 1d & wait\"]\n");
        head("nameless") + &container("nameless", &format!("image = \"atlas-test/full:1\"\nuser = \"0\"\n{command}"))
    };
    let writes = "echo 0123456789 > /var/theirs/file; sync";
    engine.converge(&lines(writes), &Options::default(), &[]).await.expect("made");
    let volume = engine.inspect("container", "nameless")["Mounts"][4]["Source"].as_str().map(str::to_owned);
    let file = std::path::PathBuf::from(volume.expect("a volume")).join("file");
    until("the file is written", || std::fs::read(&file).is_ok_and(|bytes| bytes.len() == 11));
    let (_, plan) = engine.plan(&lines("true"), &Options::default()).await;
    let verdict = plan.changes[0].verdict.clone().expect("a replacement");
    let said = (format!("{:?}", verdict.risk), verdict.evidence);
    assert_eq!(said, ("Lossy".into(), "its volumes without a name hold 11 bytes".into()));
    engine.converge(&lines("true"), &Options::default(), &["container.nameless"]).await.expect("allowed");
    assert!(!file.exists());
    // An empty one holds nothing that could be lost.
    let (_, plan) = engine.plan(&head("nameless"), &Options::default()).await;
    assert_eq!(format!("{:?}", plan.changes[0].risk()), "Recoverable");
    engine.clean("nameless").await;
}
