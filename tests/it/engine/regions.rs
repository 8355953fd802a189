//! Regions that are LocalStack containers: made along with what lives in them, and what becomes of it when one of them is
//! killed or paused.

use std::path::Path;

use serde_json::{Value, json};

use super::{Engine, free_port, head};
use crate::cloud::{Cloud, variable};
use crate::support::Place;

const REGIONS: [&str; 2] = ["us-east-1", "eu-central-1"];
const KINDS: [&str; 3] = ["bucket", "queue", "role"];

/// Two regions on an engine, and the client that knows nothing of Atlas.
pub(super) struct Regions {
    pub engine: Engine,
    pub cloud: Cloud,
    pub place: Place,
    project: &'static str,
}

impl Regions {
    /// None where no engine or no LocalStack is there.
    pub fn new(project: &'static str, count: usize) -> Option<Self> {
        let engine = Engine::here()?;
        let home = variable("ATLAS_TEST_LOCALSTACK_HOME")?;
        let ports = [free_port(), free_port()];
        let [us, eu] = ports.map(|port| format!("http://127.0.0.1:{port}"));
        let cloud = Cloud::new("localstack", &us, &eu);
        let mut spec = head(project);
        spec += &format!("[network.shared]\nname = \"{project}\"\n\n");
        for (region, port) in REGIONS.iter().zip(ports).take(count) {
            spec += &format!("[region.{region}]\nlocalstack = {}\n\n", localstack(&home, port));
        }
        let names = json!(REGIONS[..count]);
        spec += &format!(
            "[bucket.logs]\nregions = {names}\nname = \"${{region}}-{project}\"\nversioning = true\n\n\
             [queue.jobs]\nregions = {names}\nname = \"${{region}}-{project}\"\nretention = \"13d\"\n\n\
             [role.app]\nregions = {names}\nname = \"${{region}}-{project}\"\ntrust = {{ service = \"ec2.amazonaws.com\" }}\n\
             allow = [{{ actions = [\"s3:GetObject\"], resources = [\"${{bucket.logs.arn}}/*\"] }}]\n"
        );
        Some(Self { engine, cloud, place: Place::with(&spec), project })
    }

    pub fn container(&self, region: &str) -> String {
        format!("{}-default-{region}", self.project)
    }

    /// What the other client sees of all that lives in a region.
    pub fn contents(&self, region: &str) -> Vec<Value> {
        KINDS.iter().map(|kind| self.cloud.describe(region, kind, &format!("{region}-{}", self.project))).collect()
    }

    pub fn run(&self, code: i32, arguments: &[&str]) -> String {
        self.engine.expect(&self.place, code, arguments)
    }

    pub fn plan(&self) -> Vec<Value> {
        let plan = self.engine.json(&self.place, 0, &["plan", "--json"]);
        plan["changes"].as_array().expect("a list").clone()
    }
}

impl Drop for Regions {
    fn drop(&mut self) {
        // LocalStack needs a processor of its own, which the tests after this one should have.
        for region in REGIONS {
            let _ = self.engine.ask(&["rm", "--force", "--volumes", &self.container(region)]);
        }
        let _ = self.engine.ask(&["network", "rm", self.project]);
    }
}

/// A LocalStack that is installed on this machine, in a container without files of its own.
fn localstack(home: &str, port: u16) -> String {
    let config = std::fs::read_to_string(Path::new(home).join("pyvenv.cfg")).expect("a virtual environment");
    let base = config.lines().find_map(|line| line.strip_prefix("home = ")).expect("it names its Python");
    let base = base.strip_suffix("/bin").unwrap_or(base);
    let mut folders = vec!["/usr", "/lib", "/lib64", "/bin", home];
    if base != "/usr" {
        folders.push(base);
    }
    let binds = json!(folders.iter().map(|folder| format!("{folder}:{folder}:ro")).collect::<Vec<_>>());
    format!(
        "{{ port = {port}, image = \"atlas-test/empty:1\", network = \"network.shared\", \
         command = [\"{home}/bin/python\", \"-m\", \"localstack.runtime.main\"], binds = {binds}, \
         environment = {{ DISABLE_EVENTS = \"1\", SKIP_SSL_CERT_DOWNLOAD = \"1\", PATH = \"/usr/bin:/bin\", \
         HOME = \"/tmp\", TMPDIR = \"/tmp\" }} }}"
    )
}

fn addresses(changes: &[Value]) -> Vec<&str> {
    changes.iter().filter_map(|change| change["address"].as_str()).collect()
}

#[test]
fn one_apply_makes_two_regions_and_all_that_lives_in_them() {
    let Some(regions) = Regions::new("two-regions", 2) else { return };
    let before = regions.plan();
    assert_eq!(before.len(), 3 + 2 * KINDS.len(), "{before:#?}");
    for change in &before {
        let inside = KINDS.iter().any(|kind| change["kind"] == *kind);
        assert_eq!((&change["action"], &change["deferred"]), (&json!("create"), &json!(inside)), "{change}");
        assert!(!inside || change["attributes"].as_array().is_some_and(|all| all.len() >= 3), "{change}");
    }
    regions.run(0, &["apply", "--yes"]);
    for region in REGIONS {
        let [bucket, queue, role] = &regions.contents(region)[..] else { panic!("three kinds") };
        assert_eq!(bucket["versioning"], true, "{bucket}");
        assert_eq!(bucket["tags"]["atlas:address"], format!("bucket.logs@{region}"), "{bucket}");
        assert_eq!(queue["retention"], "13d", "{queue}");
        let arn = format!("arn:aws:s3:::{region}-two-regions/*");
        assert_eq!(role["allow"], json!([{ "actions": ["s3:GetObject"], "resources": [arn] }]), "{role}");
        let seen = regions.engine.inspect("container", &regions.container(region));
        assert!(seen["NetworkSettings"]["Networks"]["two-regions"].is_object(), "{seen}");
    }
    regions.run(0, &["plan", "--detailed-exitcode"]);
    // The apply did what the plan showed: known values are the same, and unknown ones have a value now.
    let mut unknown = 0;
    for change in &before {
        let address = change["address"].as_str().expect("a word");
        let shown = regions.engine.json(&regions.place, 0, &["show", address, "--json"]);
        for attribute in change["attributes"].as_array().expect("a list") {
            let path = attribute["path"].as_str().expect("a word");
            let now = &shown["observed"]["attributes"][path];
            if attribute["known"] == true {
                assert_eq!(now, &attribute["after"], "{address} {path}");
            } else {
                assert!(!now.is_null(), "{address} {path}: {shown:#}");
                unknown += 1;
            }
        }
    }
    println!("{} resources as shown before; {unknown} values were known only after", before.len());
    regions.run(0, &["destroy", "--yes"]);
    for region in REGIONS {
        assert!(regions.engine.inspect("container", &regions.container(region)).is_null());
    }
}

#[test]
fn a_region_that_was_killed_is_started_and_gets_back_what_it_held() {
    let Some(regions) = Regions::new("killed-region", 2) else { return };
    regions.run(0, &["apply", "--yes"]);
    let made = regions.contents("us-east-1");
    let container = regions.container("us-east-1");
    let id = regions.engine.id(&container);
    regions.engine.docker(&["kill", &container]);
    let inside = ["bucket.logs@us-east-1", "queue.jobs@us-east-1", "role.app@us-east-1"];
    let drift = regions.engine.json(&regions.place, 2, &["drift", "--json"]);
    assert_eq!(addresses(drift["drift"].as_array().expect("a list")), ["region.us-east-1"], "{drift:#}");
    let condition = json!([{ "path": "condition", "expected": "running", "known": true, "observed": "stopped with exit code 137" }]);
    assert_eq!(drift["drift"][0]["attributes"], condition, "{drift:#}");
    let mut unknown: Vec<&str> =
        drift["unknown"].as_array().expect("a list").iter().filter_map(Value::as_str).collect();
    unknown.sort_unstable();
    assert_eq!(unknown, inside, "{drift:#}");
    let text = regions.run(2, &["drift"]);
    assert!(text.contains("stopped") && inside.iter().all(|address| text.contains(address)), "{text}");
    let plan = regions.plan();
    assert_eq!(plan.len(), 4, "{plan:#?}");
    for change in &plan {
        let inside = json!(change["kind"] != "region");
        assert_eq!((&change["unsure"], &change["blocked"]), (&inside, &Value::Null), "{change}");
    }
    // Nobody can look into the region, so its own verdict covers everything in it.
    let plan = regions.engine.json(&regions.place, 0, &["plan", "--destroy", "--json"]);
    let plan = plan["changes"].as_array().expect("a list").clone();
    let region = plan.iter().find(|change| change["address"] == "region.us-east-1").expect("it goes");
    assert_eq!(region["risk"], "lossy", "{region}");
    regions.run(0, &["apply", "--yes"]);
    assert_eq!(regions.engine.id(&container), id, "it is the same container");
    let policy = regions.engine.inspect("container", &container)["HostConfig"]["RestartPolicy"]["Name"].clone();
    assert_eq!(policy, "unless-stopped", "the engine starts it again by itself as before");
    assert_eq!(stable(regions.contents("us-east-1")), stable(made.clone()));
    regions.run(0, &["plan", "--detailed-exitcode"]);
    regions.run(0, &["drift"]);
    // Another LocalStack is another region: its contents go with it, and are made again in the new one.
    let spec = regions.place.read("atlas.toml").replacen("localstack = {", "localstack = { persist = true,", 1);
    regions.place.write("atlas.toml", &spec);
    let plan = regions.plan();
    assert_eq!(plan.len(), 4, "{plan:#?}");
    assert!(plan.iter().all(|change| change["action"] == "replace"), "{plan:#?}");
    regions.run(0, &["apply", "--yes"]);
    assert_ne!(regions.engine.id(&container), id);
    assert_eq!(stable(regions.contents("us-east-1")), stable(made));
    regions.run(0, &["plan", "--detailed-exitcode"]);
}

#[test]
fn a_region_goes_once_nothing_protected_is_in_it() {
    let Some(regions) = Regions::new("leaving-region", 2) else { return };
    let spec = regions.place.read("atlas.toml").replace("versioning = true", "versioning = true\nprotect = true");
    regions.place.write("atlas.toml", &spec);
    regions.run(0, &["apply", "--yes"]);
    let bucket = "eu-central-1-leaving-region";
    regions.cloud.ask("eu-central-1", "put", json!([bucket, "entry", "a transaction"])).expect("put");
    let container = regions.container("eu-central-1");
    let (id, made) = (regions.engine.id(&container), regions.contents("eu-central-1"));

    let block = spec.lines().position(|line| line == "[region.eu-central-1]").expect("its block");
    let kept = spec.lines().enumerate().filter(|(at, _)| !(block..block + 2).contains(at)).map(|(_, line)| line);
    let without = kept.collect::<Vec<_>>().join("\n").replace("\"us-east-1\",\"eu-central-1\"", "\"us-east-1\"");
    regions.place.write("atlas.toml", &(without + "\n"));
    // No option deletes a protected object or the region that it lives in.
    for arguments in [&["plan"][..], &["apply", "--yes"], &["apply", "--yes", "--allow-loss", "region.eu-central-1"]] {
        let refused = regions.engine.run(&regions.place, arguments);
        let said = format!("{}{}", refused.stdout, refused.stderr);
        assert_eq!(refused.code, 1, "{arguments:?}: {said}");
        assert!(said.contains("bucket.logs@eu-central-1") && said.contains("protect"), "{said}");
    }
    assert_eq!(regions.engine.id(&container), id);
    assert_eq!(regions.contents("eu-central-1"), made);

    // After `forget` nobody owns the bucket, but it is still in the region: deleting that region needs `--allow-loss`.
    regions.run(0, &["forget", "bucket.logs@eu-central-1", "--yes"]);
    let plan = regions.plan();
    let region = plan.iter().find(|change| change["address"] == "region.eu-central-1").expect("it goes");
    assert_eq!((&region["action"], &region["risk"]), (&json!("delete"), &json!("lossy")), "{region:#}");
    let refused = regions.engine.run(&regions.place, &["apply", "--yes"]);
    assert_eq!(refused.code, 1, "{}{}", refused.stdout, refused.stderr);
    let evidence = format!(
        "`region/eu-central-1/bucket/{bucket}` (which belongs to nobody that Atlas knows; the bucket holds 1 object"
    );
    assert!(refused.stderr.contains(&evidence), "{}", refused.stderr);
    assert_eq!(regions.engine.id(&container), id, "what would be lost was not allowed");
    regions.run(0, &["apply", "--yes", "--allow-loss", "region.eu-central-1"]);
    assert!(regions.engine.inspect("container", &container).is_null());
    regions.run(0, &["plan", "--detailed-exitcode"]);
    assert!(regions.contents("us-east-1").iter().all(|one| !one.is_null()), "the other region stays as it is");
}

/// Without what a server makes up for each new object.
pub(super) fn stable(mut contents: Vec<Value>) -> Vec<Value> {
    for one in contents.iter_mut().filter_map(Value::as_object_mut) {
        one.retain(|key, _| !["id", "created"].contains(&key.as_str()));
    }
    contents
}

/// A port is fixed for the life of a container, so another one is another region, with all that lives in it.
#[test]
fn a_region_at_another_port_is_made_again_with_what_lives_in_it() {
    let Some(regions) = Regions::new("ported-region", 2) else { return };
    regions.run(0, &["apply", "--yes"]);
    let made = REGIONS.map(|region| stable(regions.contents(region)));
    let spec = regions.place.read("atlas.toml");
    let ports: Vec<&str> = spec.split("port = ").skip(1).filter_map(|rest| rest.split(',').next()).collect();
    let [us, eu] = [ports[0], ports[1]].map(|port| format!("port = {port},"));
    let at = |region: &str| {
        let seen = regions.engine.inspect("container", &regions.container(region));
        seen["HostConfig"]["PortBindings"]["4566/tcp"][0]["HostPort"].as_str().expect("a port").to_owned()
    };
    // Each takes the port of the other one.
    let swapped = spec.replace(&us, "port = 0,").replace(&eu, &us).replace("port = 0,", &eu);
    regions.place.write("atlas.toml", &swapped);
    let plan = regions.plan();
    assert_eq!(plan.len(), 2 + 2 * KINDS.len(), "{plan:#?}");
    assert!(plan.iter().all(|change| change["action"] == "replace"), "{plan:#?}");
    regions.run(0, &["apply", "--yes"]);
    regions.run(0, &["plan", "--detailed-exitcode"]);
    assert_eq!([at("us-east-1"), at("eu-central-1")], [ports[1], ports[0]]);
    let there = Cloud::new("localstack", &regions.cloud.eu, &regions.cloud.us);
    let contents = |cloud: &Cloud, region: &str| {
        let name = format!("{region}-ported-region");
        stable(KINDS.iter().map(|kind| cloud.describe(region, kind, &name)).collect())
    };
    assert_eq!(REGIONS.map(|region| contents(&there, region)), made);
    // One that nobody has.
    let free = free_port().to_string();
    regions.place.write("atlas.toml", &swapped.replacen(&eu, &format!("port = {free},"), 1));
    let plan = regions.plan();
    assert_eq!(plan.len(), 1 + KINDS.len(), "{plan:#?}");
    regions.run(0, &["apply", "--yes"]);
    regions.run(0, &["plan", "--detailed-exitcode"]);
    assert_eq!(at("us-east-1"), free);
    let there = Cloud::new("localstack", &format!("http://127.0.0.1:{free}"), &regions.cloud.us);
    assert_eq!(contents(&there, "us-east-1"), made[0]);
}

#[test]
fn a_region_that_was_paused_is_resumed_and_its_contents_are_found() {
    let Some(regions) = Regions::new("paused-region", 1) else { return };
    regions.run(0, &["apply", "--yes"]);
    let made = regions.contents("us-east-1");
    let container = regions.container("us-east-1");
    let id = regions.engine.id(&container);
    regions.engine.docker(&["pause", &container]);
    let drift = regions.engine.json(&regions.place, 2, &["drift", "--json"]);
    assert_eq!(drift["drift"][0]["attributes"][0]["observed"], "paused", "{drift:#}");
    assert_eq!(drift["unknown"].as_array().map(Vec::len), Some(3), "{drift:#}");
    let said = regions.run(0, &["apply", "--yes", "--json"]);
    let last: Value = serde_json::from_str(said.lines().last().expect("a summary")).expect("JSON");
    let counts = &last["counts"];
    assert_eq!([&counts["found"], &counts["updated"], &counts["created"]], [3, 1, 0], "{said}");
    assert_eq!(regions.engine.id(&container), id);
    assert_eq!(regions.contents("us-east-1"), made);
    let names = regions.cloud.ask("us-east-1", "count", json!(["us-east-1-paused-region"])).expect("counted");
    assert_eq!(names.as_array().map(Vec::len), Some(2), "a bucket and a queue, once: {names}");
    regions.run(0, &["plan", "--detailed-exitcode"]);
}
