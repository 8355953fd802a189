//! Clusters that exist already: by a context of a kubeconfig, and as EKS. A stand-in for the Kubernetes API is on this machine.

use std::process::{Child, Command, Stdio};

use super::{Engine, container, free_port, head, until};
use crate::cloud::variable;
use crate::support::{Place, Run, root};

const TOKEN: &str = "planted-token-of-the-cluster-0001";

/// A cluster that exists without Atlas.
struct Cluster {
    server: Child,
    place: Place,
}

impl Cluster {
    /// None where the servers of the tests are not there.
    fn start(blocks: &str) -> Option<Self> {
        let home = variable("ATLAS_TEST_LOCALSTACK_HOME")?;
        let moto = variable("ATLAS_TEST_MOTO")?;
        let region = format!("[region.us-east-1]\naws = {{ endpoint = \"{moto}\" }}\n");
        let place =
            Place::with(&format!("{}{region}[cluster.work]\nregion = \"us-east-1\"\n{blocks}", head("existing")));
        let server = Command::new(format!("{home}/bin/python"))
            .arg(root().join("tests/it/engine/k3s.py"))
            .args(["server", "--https-listen-port", &free_port().to_string(), "--data-dir"])
            .arg(place.path("data"))
            .env("K3S_TOKEN", TOKEN)
            .env("K3S_KUBECONFIG_OUTPUT", place.path("work.yaml"))
            .stdin(Stdio::null())
            .spawn()
            .expect("it starts");
        until("the cluster is there", || place.path("work.yaml").exists());
        Some(Self { server, place })
    }

    fn kill(&mut self) {
        self.server.kill().and_then(|()| self.server.wait()).expect("it ends");
    }

    fn run(&self, arguments: &[&str]) -> Run {
        let mut command = self.place.command(arguments);
        command.env("PATH", self.place.search_path());
        Run::of(command.env_remove("KUBECONFIG").output().expect("it runs"))
    }

    fn expect(&self, code: i32, arguments: &[&str]) -> String {
        let run = self.run(arguments);
        assert_eq!(run.code, code, "atlas {}\n{}\n{}", arguments.join(" "), run.stdout, run.stderr);
        assert!(!(run.stdout.clone() + &run.stderr).contains(TOKEN), "{run:?}");
        run.stdout
    }

    /// A value of the kubeconfig that the stand-in wrote.
    fn value(&self, key: &str) -> String {
        let text = self.place.read("work.yaml");
        let line = text.lines().find_map(|line| line.trim().strip_prefix(key)).expect("it has the key");
        line.trim_start_matches(':').trim().to_owned()
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        let _ = self.server.kill().and_then(|()| self.server.wait());
    }
}

const BY_CONTEXT: &str = "kubeconfig = { context = \"default\", file = \"work.yaml\" }\n";

#[test]
fn a_cluster_that_exists_is_neither_made_nor_removed() {
    let Some(mut cluster) = Cluster::start(BY_CONTEXT) else { return };
    cluster.expect(0, &["plan", "--detailed-exitcode"]);
    cluster.expect(0, &["apply", "--yes"]);
    let shown = cluster.expect(0, &["show", "cluster.work"]);
    assert!(shown.contains(&cluster.value("server")), "{shown}");
    cluster.expect(0, &["destroy", "--yes"]);
    cluster.expect(0, &["plan", "--detailed-exitcode"]);
    // One that does not answer is unknown, and nothing is made in its place.
    cluster.kill();
    let run = cluster.run(&["plan", "--json"]);
    let plan: serde_json::Value = serde_json::from_str(&run.stdout).expect("JSON");
    let changes = plan["changes"].as_array().expect("changes");
    assert!(changes.iter().all(|change| change["action"] == "no-op" || !change["blocked"].is_null()), "{plan:#}");
    let said = cluster.run(&["plan"]);
    assert!(said.stdout.contains("does not answer"), "{}\n{}", said.stdout, said.stderr);
}

#[test]
fn a_context_that_is_not_there_is_named_with_those_that_are() {
    let Some(cluster) = Cluster::start("kubeconfig = { context = \"defautl\", file = \"work.yaml\" }\n") else {
        return;
    };
    let said = cluster.run(&["plan"]);
    assert!(said.stdout.contains("no context `defautl`") && said.stdout.contains("there are default"), "{said:?}");
}

#[test]
fn a_cluster_is_one_thing() {
    let place = Place::with(&format!(
        "{}[region.us-east-1]\naws = {{}}\n[cluster.work]\nregion = \"us-east-1\"\nk3d = {{}}\n{BY_CONTEXT}",
        head("existing")
    ));
    let run = place.run(&["validate"]);
    assert!(run.code == 1 && run.stderr.contains("cluster is two things at once"), "{run:?}");
}

/// Answers as AWS's command line does, and writes down what it was asked.
fn answers(cluster: &Cluster, token: &str) -> String {
    let log = cluster.place.path("asked").display().to_string();
    let credential = serde_json::json!({
        "kind": "ExecCredential", "apiVersion": "client.authentication.k8s.io/v1beta1",
        "status": { "token": token, "expirationTimestamp": "2100-01-01T00:00:00Z" },
    });
    let described = serde_json::json!({ "cluster": {
        "status": "ACTIVE", "endpoint": cluster.value("server"),
        "certificateAuthority": { "data": cluster.value("certificate-authority-data") },
    } });
    format!(
        "echo \"$AWS_PROFILE $*\" >> '{log}'\ncase \"$*\" in\n*get-token*) echo '{credential}' ;;\n\
         *) echo '{described}' ;;\nesac"
    )
}

#[test]
fn a_cluster_of_eks_is_reached_with_aws_s_own_tokens() {
    let Some(cluster) = Cluster::start("eks = { name = \"ledger-us\", profile = \"staging\" }\n") else { return };
    cluster.place.program("aws", &answers(&cluster, TOKEN));
    cluster.expect(0, &["plan", "--detailed-exitcode"]);
    let asked = cluster.place.read("asked");
    let wanted = [
        "staging --region us-east-1 eks describe-cluster --name ledger-us --output json",
        "staging --region us-east-1 eks get-token --cluster-name ledger-us --output json",
    ];
    // The client asks for a token as often as it likes, and for nothing else.
    assert_eq!(asked.lines().next(), Some(wanted[0]));
    assert!(asked.lines().count() > 1 && asked.lines().skip(1).all(|line| line == wanted[1]), "{asked}");
    // Credentials that the cluster refuses, and a command line that fails, change nothing.
    cluster.place.program("aws", &answers(&cluster, "somebody-else-s"));
    let denied = cluster.run(&["plan"]);
    assert!(denied.stdout.contains("denies access") && denied.stdout.contains("401"), "{denied:?}");
    cluster.place.program("aws", "echo 'The config profile (staging) could not be found' >&2; exit 255");
    let failed = cluster.run(&["plan"]);
    assert!(failed.stderr.contains("profile (staging) could not be found"), "{failed:?}");
    // AWS is not asked for what the spec says itself.
    cluster.place.program("aws", &answers(&cluster, TOKEN));
    let address = format!(
        "eks = {{ name = \"ledger-us\", endpoint = \"{}\", certificate_authority = \"{}\" }}",
        cluster.value("server"),
        cluster.value("certificate-authority-data")
    );
    cluster.place.edit("eks = { name = \"ledger-us\", profile = \"staging\" }", &address);
    std::fs::remove_file(cluster.place.path("asked")).expect("removed");
    cluster.expect(0, &["plan", "--detailed-exitcode"]);
    assert!(!cluster.place.read("asked").contains("describe-cluster"));
}

#[test]
fn a_container_waits_for_an_answer_over_https() {
    let (Some(engine), Some(cluster)) = (Engine::here(), Cluster::start(BY_CONTEXT)) else { return };
    let with = |path: &str| {
        let wait = format!("wait = {{ http = \"{}{path}\" }}\ntimeout = \"3s\"\n", cluster.value("server"));
        head("https") + &container("https", &wait)
    };
    let place = Place::with(&with("/stand-in/hello"));
    engine.expect(&place, 0, &["apply", "--yes"]);
    engine.expect(&place, 0, &["plan", "--detailed-exitcode"]);
    engine.expect(&place, 0, &["destroy", "--yes"]);
    place.write("atlas.toml", &with("/readyz"));
    let run = engine.run(&place, &["apply", "--yes"]);
    assert!(run.code == 3 && (run.stdout.clone() + &run.stderr).contains("status 401"), "{run:?}");
    engine.expect(&place, 0, &["destroy", "--yes"]);
}
