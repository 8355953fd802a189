//! What compose files made, taken over by one command: the calls are those that compose makes.

use super::{Engine, head};
use crate::support::Place;

const FOLDERS: [&str; 4] = ["/usr", "/lib", "/lib64", "/bin"];

/// Starts a service of a stack as compose does, with its labels.
fn service(engine: &Engine, stack: &str, name: &str, image: &str, options: &[&str]) {
    let container = format!("{stack}-{name}-1");
    let labels = [format!("com.docker.compose.project={stack}"), format!("com.docker.compose.service={name}")];
    let binds: Vec<String> = FOLDERS.iter().map(|folder| format!("{folder}:{folder}:ro")).collect();
    let mut all = vec!["run", "-d", "--name", &container];
    labels.iter().for_each(|label| all.extend(["--label", label]));
    binds.iter().for_each(|bind| all.extend(["-v", bind]));
    all.extend(options);
    all.extend([image, "/bin/sh", "-c", "trap 'exit 0' TERM; sleep 1d & wait"]);
    engine.docker(&all);
}

fn parts(engine: &Engine, stack: &str) {
    let label = format!("com.docker.compose.project={stack}");
    engine.docker(&["network", "create", "--label", &label, &format!("{stack}_default")]);
    engine.docker(&["volume", "create", "--label", &label, &format!("{stack}_data")]);
}

/// Takes a stack over, and gives what the spec says then.
fn adopted(engine: &Engine, stack: &str, containers: &[&str]) -> String {
    let ids: Vec<String> = containers.iter().map(|name| engine.id(name)).collect();
    let place = Place::with(&head(stack));
    let (hyphen, underscore) = (format!("{stack}-*"), format!("{stack}_*"));
    let named = ["--named", &hyphen, "--named", &underscore];
    let words = [&["adopt", "--all-in", "engine"][..], &named, &["--write", "--yes"]].concat();
    let run = engine.run(&place, &words);
    assert_eq!(run.code, 0, "{run:?}");
    let spec = place.read("atlas.toml");
    let plan = engine.run(&place, &["plan", "--detailed-exitcode"]);
    assert_eq!(plan.code, 0, "{}\n{spec}", plan.stdout);
    assert_eq!(spec.contains("DB_PASSWORD"), run.stderr.contains("look like secrets"), "{run:?}");
    let now: Vec<String> = containers.iter().map(|name| engine.id(name)).collect();
    assert_eq!(now, ids, "nothing was made anew");
    let times = |name: &&str| engine.inspect("container", name)["RestartCount"].clone();
    assert!(containers.iter().all(|name| times(name) == 0), "nothing was started again");
    engine.expect(&place, 1, &[&["adopt", "--all-in", "engine"][..], &named].concat());
    engine.expect(&place, 0, &["destroy", "--yes"]);
    spec
}

#[test]
fn a_web_server_with_its_database_is_taken_over() {
    let Some(engine) = Engine::here() else { return };
    parts(&engine, "stack-web");
    let network = ["--network", "stack-web_default"];
    let database = [
        "--network-alias",
        "database",
        "-v",
        "stack-web_data:/var/data",
        "-e",
        "MODE=fast",
        "-e",
        "DB_PASSWORD=planted",
        "--restart",
        "always",
    ];
    let health = ["--health-cmd", "true", "--health-interval", "5s", "--health-retries", "4", "--health-timeout", "3s"];
    service(&engine, "stack-web", "database", "atlas-test/empty:1", &[&network[..], &database, &health].concat());
    let port = format!("127.0.0.1:{}:80", super::free_port());
    let web =
        ["-p", &port, "--mount", "type=volume,src=stack-web_data,dst=/srv/data,readonly", "--restart", "on-failure:3"];
    service(&engine, "stack-web", "web", "atlas-test/empty:1", &[&network[..], &web].concat());
    let spec = adopted(&engine, "stack-web", &["stack-web-database-1", "stack-web-web-1"]);
    for said in [
        "volumes = [{ read_only = false, to = \"/var/data\", volume = \"volume.stack-web_data\" }]",
        "network = \"network.stack-web_default\"",
        "environment = { DB_PASSWORD = \"planted\", MODE = \"fast\" }",
        "shell = \"true\"",
        "restart_retries = 3",
    ] {
        assert!(spec.contains(said), "{said}: {spec}");
    }
    assert!(!spec.contains("compose"), "{spec}");
}

#[test]
fn a_worker_with_limits_is_taken_over() {
    let Some(engine) = Engine::here() else { return };
    parts(&engine, "stack-job");
    let limits =
        ["--memory", "64m", "--memory-swap", "96m", "--cpus", "0.5", "--pids-limit", "50", "--shm-size", "32m"];
    let rights = [
        "--cap-add",
        "NET_ADMIN",
        "--cap-drop",
        "MKNOD",
        "--ulimit",
        "nofile=4096",
        "--security-opt",
        "no-new-privileges",
    ];
    let ways =
        ["--read-only", "--tmpfs", "/tmp", "--init", "--user", "0", "--workdir", "/usr/", "--hostname", "worker"];
    let ends = ["--stop-signal", "SIGTERM", "--stop-timeout", "5", "--log-opt", "max-size=1m", "--group-add", "1000"];
    let all = [&["--network", "stack-job_default"][..], &limits, &rights, &ways, &ends].concat();
    service(&engine, "stack-job", "worker", "atlas-test/empty:1", &all);
    // A job that is done is not run again, and what was killed is left to whoever did that.
    service(&engine, "stack-job", "migrate", "atlas-test/empty:1", &["--entrypoint", "/bin/true"]);
    super::until("the job is done", || {
        engine.inspect("container", "stack-job-migrate-1")["State"]["Status"] == "exited"
    });
    let started = engine.inspect("container", "stack-job-migrate-1")["State"]["StartedAt"].clone();
    service(&engine, "stack-job", "killed", "atlas-test/empty:1", &[]);
    engine.docker(&["kill", "stack-job-killed-1"]);
    let spec = adopted(&engine, "stack-job", &["stack-job-worker-1", "stack-job-migrate-1"]);
    assert!(started.is_string() && spec.contains("run = \"once\"") && !spec.contains("stack-job-killed-1"), "{spec}");
    assert_eq!(engine.inspect("container", "stack-job-killed-1")["State"]["Status"], "exited");
    engine.docker(&["rm", "stack-job-killed-1"]);
    for said in ["memory_mib = 64", "swap_mib = 32", "hostname = \"worker\"", "workdir = \"/usr\"", "read_only = true"]
    {
        assert!(spec.contains(said), "{said}: {spec}");
    }
}

#[test]
fn a_service_of_an_image_that_says_everything_is_taken_over_without_what_that_says() {
    let Some(engine) = Engine::here() else { return };
    parts(&engine, "stack-full");
    let names = ["--add-host", "db.local:10.77.0.9", "--dns", "10.77.0.2", "--dns-search", "ledger.test"];
    let all =
        [&["--network", "stack-full_default"][..], &names, &["-e", "LEVEL=mine", "--label", "team=ours"]].concat();
    service(&engine, "stack-full", "full", "atlas-test/full:1", &all);
    let spec = adopted(&engine, "stack-full", &["stack-full-full-1"]);
    assert!(
        spec.contains("environment = { LEVEL = \"mine\" }") && spec.contains("labels = { team = \"ours\" }"),
        "{spec}"
    );
    for theirs in ["entrypoint", "user", "workdir", "health", "stop_signal", "theirs"] {
        assert!(!spec.contains(theirs), "{theirs}: {spec}");
    }
}
