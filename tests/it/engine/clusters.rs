//! Clusters of stand-ins for k3s, laid out as k3d lays them out.

use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Mutex, PoisonError};

use serde_json::{Value, json};

use super::{Engine, free_port, head};
use crate::cloud::variable;
use crate::support::{Place, root};

/// The image of the stand-in for k3s, with its interpreter, under two versions; and the one for the load balancer.
fn image(engine: &Engine) -> String {
    let home = variable("ATLAS_TEST_LOCALSTACK_HOME").expect("set with the others");
    let config = std::fs::read_to_string(Path::new(&home).join("pyvenv.cfg")).expect("a virtual environment");
    let base =
        config.lines().find_map(|line| line.strip_prefix("home = ")).expect("its Python").trim_end_matches("/bin");
    static ONCE: Mutex<()> = Mutex::new(());
    let alone = ONCE.lock().unwrap_or_else(PoisonError::into_inner);
    if !engine.docker(&["images", "-q", BALANCER]).contains(|c: char| c.is_ascii_hexdigit()) {
        let folder = tempfile::tempdir().expect("a folder");
        let script = std::fs::read_to_string(root().join("tests/it/engine/k3s.py")).expect("readable");
        let program = folder.path().join("k3s");
        std::fs::write(&program, format!("#!{home}/bin/python\n{script}")).expect("written");
        let mode: std::fs::Permissions = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(&program, mode).expect("executable");
        // As k3s's own image has it: an agent's data lies in a volume without a name, unless it is given one.
        for version in ["1", "2"] {
            let version_is = format!("ENV K3S_VERSION={version}");
            let changes = ["ENTRYPOINT [\"/k3s\"]", &version_is, "VOLUME /var/lib/rancher/k3s", "VOLUME /var/log"];
            import(engine, folder.path(), &["k3s"], &changes, &format!("atlas-test/k3s:{version}"));
        }
        balancer(engine);
    }
    drop(alone);
    let mut binds = vec!["/usr", "/lib", "/lib64", "/bin", home.as_str()];
    if !base.starts_with("/usr") {
        binds.push(base);
    }
    let binds: Vec<String> = binds.iter().map(|bind| format!("\"{bind}:{bind}:ro\"")).collect();
    binds.join(", ")
}

/// The image of the stand-in for the load balancer: a program with the libraries that it needs.
const BALANCER: &str = "atlas-test/k3d-proxy:1";

fn balancer(engine: &Engine) {
    let folder = tempfile::tempdir().expect("a folder");
    let program = folder.path().join("balancer");
    let compiled = Command::new("rustc")
        .args(["--edition", "2024", "-C", "strip=symbols", "-o"])
        .arg(&program)
        .arg(root().join("tests/it/engine/balancer.rs"))
        .output()
        .expect("rustc runs");
    assert!(compiled.status.success(), "{compiled:?}");
    let libraries = Command::new("ldd").arg(&program).output().expect("ldd runs");
    let libraries = String::from_utf8(libraries.stdout).expect("text");
    let files = libraries.split_whitespace().filter(|word| word.starts_with('/'));
    let mut names = vec!["balancer".to_owned()];
    for file in files {
        let copy = folder.path().join(file.trim_start_matches('/'));
        std::fs::create_dir_all(copy.parent().expect("a folder")).expect("made");
        std::fs::copy(file, &copy).expect("copied");
        names.push(file.trim_start_matches('/').to_owned());
    }
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    import(engine, folder.path(), &names, &["ENTRYPOINT [\"/balancer\"]"], BALANCER);
}

fn import(engine: &Engine, folder: &Path, files: &[&str], changes: &[&str], image: &str) {
    let mut tar = Command::new("tar")
        .args(["-C", folder.to_str().expect("text"), "-cf", "-"])
        .args(files)
        .stdout(Stdio::piped())
        .spawn()
        .expect("tar runs");
    let changes = changes.iter().flat_map(|change| ["--change", change]);
    let import = Command::new("docker")
        .args(["-H", &engine.host, "import"])
        .args(changes)
        .args(["-", image])
        .stdin(tar.stdout.take().expect("piped"))
        .output()
        .expect("docker runs");
    assert!(import.status.success() && tar.wait().expect("it ends").success(), "{import:?}");
}

pub(super) fn spec(engine: &Engine, project: &str, cluster: &str, agents: usize, more: &str) -> String {
    let moto = variable("ATLAS_TEST_MOTO").expect("set with the others");
    let binds = image(engine);
    format!(
        "{}[region.us-east-1]\naws = {{ endpoint = \"{moto}\" }}\n[network.{project}]\n[cluster.{cluster}]\nregion = \
         \"us-east-1\"\nagents = {agents}\nlabels = {{ tier = \"ledger\" }}\ntimeout = \"3m\"\n[cluster.{cluster}.k3d]\n\
         image = \"atlas-test/k3s:1\"\nloadbalancer_image = \"{BALANCER}\"\nbinds = [{binds}]\nprivileged = \
         false\n{more}\n",
        head(project)
    )
}

fn labels(engine: &Engine, node: &str) -> Value {
    engine.inspect("container", node)["Config"]["Labels"].clone()
}

pub(super) fn nodes(engine: &Engine, cluster: &str) -> Vec<String> {
    let filter = format!("label=k3d.cluster={cluster}");
    let names = engine.docker(&["ps", "--filter", &filter, "--format", "{{.Names}}"]);
    let mut names: Vec<String> = names.lines().map(str::to_owned).collect();
    names.sort();
    names
}

#[test]
fn a_cluster_is_laid_out_as_k3d_does_it() {
    let Some(engine) = Engine::here() else { return };
    let port = free_port();
    let more = format!(
        "api_port = {port}\nnetwork = \"network.layout\"\nkubeconfig = \"file\"\ntaints = [\"a=b:NoSchedule\"]\n\
         volumes = [{{ volume = \"volume.layout\", to = \"/data\" }}]\n\
         registries = {{ \"docker.io\" = [\"http://registry:5000\"] }}\n[volume.layout]\nname = \"layout-data\"\n"
    );
    let place = Place::with(&spec(&engine, "layout", "layout", 1, &more));
    engine.expect(&place, 0, &["apply", "--yes"]);
    engine.expect(&place, 0, &["plan", "--detailed-exitcode"]);
    assert_eq!(nodes(&engine, "layout"), ["k3d-layout-agent-0", "k3d-layout-server-0", "k3d-layout-serverlb"]);
    let server = labels(&engine, "k3d-layout-server-0");
    let wanted = json!({
        "app": "k3d", "k3d.cluster": "layout", "k3d.role": "server", "k3d.cluster.network": "layout",
        "k3d.cluster.network.external": "true", "k3d.cluster.imageVolume": "k3d-layout-images",
        "k3d.cluster.url": "https://k3d-layout-server-0:6443", "k3d.server.api.port": port.to_string(),
        "k3d.server.api.hostIP": "127.0.0.1", "k3d.server.loadbalancer": "k3d-layout-serverlb",
        "k3d.cluster.network.id": engine.docker(&["network", "inspect", "-f", "{{.Id}}", "layout"]).trim(),
    });
    let balancer = engine.inspect("container", "k3d-layout-serverlb");
    assert_eq!(balancer["Config"]["Labels"]["k3d.role"], "loadbalancer");
    assert_eq!(balancer["HostConfig"]["PortBindings"]["6443/tcp"][0]["HostPort"], port.to_string());
    assert_eq!(balancer["HostConfig"]["Privileged"], false);
    let bindings = engine.inspect("container", "k3d-layout-server-0")["HostConfig"]["PortBindings"].clone();
    assert!(bindings.as_object().is_none_or(serde_json::Map::is_empty), "{bindings:#}");
    for (key, value) in wanted.as_object().expect("a table") {
        assert_eq!(&server[key], value, "{key} of {server:#}");
    }
    // k3d warns when the only server of a cluster has the label of the first of several.
    assert!(server["k3d.server.init"].is_null(), "{server:#}");
    let agent = engine.inspect("container", "k3d-layout-agent-0");
    assert_eq!(agent["Config"]["Labels"]["k3d.role"], "agent");
    assert_eq!(agent["Config"]["Labels"]["k3d.cluster.token"], server["k3d.cluster.token"]);
    let environment = agent["Config"]["Env"].to_string();
    assert!(environment.contains("K3S_URL=https://k3d-layout-server-0:6443"), "{environment}");
    let command = engine.inspect("container", "k3d-layout-server-0")["Config"]["Cmd"].to_string();
    assert!(
        command.contains("--node-label=tier=ledger") && command.contains("--node-taint=a=b:NoSchedule"),
        "{command}"
    );
    assert!(agent["NetworkSettings"]["Networks"]["layout"].is_object(), "{agent:#}");
    for node in ["k3d-layout-server-0", "k3d-layout-agent-0"] {
        let mirrors = engine.docker(&["exec", node, "/bin/cat", "/etc/rancher/k3s/registries.yaml"]);
        assert_eq!(mirrors, r#"{"mirrors":{"docker.io":{"endpoint":["http://registry:5000"]}}}"#);
        let mounts = engine.inspect("container", node)["Mounts"].clone();
        let there = |mount: &Value| mount["Name"] == "layout-data" && mount["Destination"] == "/data";
        assert!(mounts.as_array().is_some_and(|all| all.iter().any(there)), "{mounts:#}");
    }
    let kubeconfig = place.read(".atlas/clusters/layout/default/k3d-layout.yaml");
    // The path where an earlier version kept it.
    std::fs::create_dir_all(place.path(".atlas/clusters/default")).expect("made");
    place.write(".atlas/clusters/default/k3d-layout.yaml", &kubeconfig);
    assert!(kubeconfig.contains(&format!("https://127.0.0.1:{port}")), "{kubeconfig}");
    engine.expect(&place, 0, &["destroy", "--yes", "--allow-loss", "cluster.layout"]);
    assert!(nodes(&engine, "layout").is_empty());
    assert!(!engine.docker(&["volume", "ls", "-q"]).contains("k3d-layout"), "its volumes go with it");
    for folder in ["layout/default", "default"] {
        assert!(!place.path(&format!(".atlas/clusters/{folder}/k3d-layout.yaml")).exists(), "{folder}");
    }
}

/// What a node does before it becomes k3s: it finds other containers at the gateway's address, where pods reach it as well.
#[test]
fn a_node_finds_others_by_name_at_its_gateway() {
    let Some(engine) = Engine::here() else { return };
    engine.docker(&["network", "create", "names"]);
    let gateway = engine.docker(&["network", "inspect", "-f", "{{(index .IPAM.Config 0).Gateway}}", "names"]);
    engine.start("names-other", &["--network", "names"]);
    let script = root().join("src/driver/docker/cluster/entrypoint.sh");
    let script = format!("{}:/entrypoint.sh:ro", script.display());
    let (gateway_is, path) = (format!("ATLAS_GATEWAY={gateway}"), "PATH=/usr/sbin:/usr/bin:/sbin:/bin");
    let mut arguments =
        vec!["run", "--rm", "--network", "names", "--cap-add", "NET_ADMIN", "-e", &gateway_is, "-e", path];
    for bind in ["/usr:/usr:ro", "/lib:/lib:ro", "/lib64:/lib64:ro", "/bin:/bin:ro", "/sbin:/sbin:ro", &script] {
        arguments.extend(["-v", bind]);
    }
    arguments.extend(["-v", "/etc/alternatives:/etc/alternatives:ro", engine.image, "/bin/sh", "/entrypoint.sh"]);
    let asks = "cat /etc/resolv.conf; getent hosts names-other; cat /proc/1/comm";
    arguments.extend(["/bin/sh", "-c", asks]);
    // It says that it can't share its mounts, which takes more than a test may do.
    let said = engine.docker(&arguments);
    assert!(said.contains(&format!("nameserver {gateway}")) && !said.contains("127.0.0.11"), "{said}");
    assert!(said.contains("names-other") && said.ends_with("sh"), "{said}");
    engine.docker(&["rm", "-f", "names-other"]);
    engine.docker(&["network", "rm", "names"]);
}

#[test]
fn agents_come_and_go_in_place_and_a_killed_server_heals() {
    let Some(engine) = Engine::here() else { return };
    let place = Place::with(&spec(&engine, "agents", "agents", 1, ""));
    engine.expect(&place, 0, &["apply", "--yes"]);
    let server = engine.id("k3d-agents-server-0");
    for (agents, names) in [(3, 5), (1, 3)] {
        place.write("atlas.toml", &spec(&engine, "agents", "agents", agents, ""));
        let plan = engine.json(&place, 0, &["plan", "--json"]);
        assert_eq!(plan["changes"][0]["action"], "update", "{plan:#}");
        engine.expect(&place, 0, &["apply", "--yes"]);
        assert_eq!(nodes(&engine, "agents").len(), names);
        engine.expect(&place, 0, &["plan", "--detailed-exitcode"]);
    }
    engine.docker(&["kill", "k3d-agents-server-0"]);
    let drift = engine.expect(&place, 2, &["drift"]);
    assert!(drift.contains("k3d-agents-server-0 is stopped"), "{drift}");
    engine.expect(&place, 0, &["apply", "--yes"]);
    assert_eq!(engine.id("k3d-agents-server-0"), server, "it was started and not made anew");
    // A server that is gone is made again, with the data of the one before.
    let born = ["exec", "k3d-agents-server-0", "/bin/cat", "/var/lib/rancher/k3s/born"];
    let before = engine.docker(&born);
    engine.docker(&["rm", "-f", "k3d-agents-server-0"]);
    let drift = engine.expect(&place, 2, &["drift"]);
    assert!(drift.contains("without k3d-agents-server-0"), "{drift}");
    engine.expect(&place, 0, &["apply", "--yes"]);
    assert_eq!(engine.docker(&born), before);
    engine.expect(&place, 0, &["plan", "--detailed-exitcode"]);
    engine.expect(&place, 0, &["destroy", "--yes", "--allow-loss", "cluster.agents"]);
}

#[test]
fn a_renamed_cluster_keeps_its_nodes() {
    let Some(engine) = Engine::here() else { return };
    let place = Place::with(&spec(&engine, "renaming", "before", 1, ""));
    engine.expect(&place, 0, &["apply", "--yes"]);
    let ids = || nodes(&engine, "before").iter().map(|node| engine.id(node)).collect::<Vec<_>>();
    let made = ids();
    assert_eq!(made.len(), 3);
    let renamed = |agents| {
        let text = spec(&engine, "renaming", "after", agents, "");
        text.replace("[cluster.after]\n", "[cluster.after]\nrenamed_from = \"cluster.before\"\n")
    };
    place.write("atlas.toml", &renamed(1));
    let plan = engine.json(&place, 0, &["plan", "--json"]);
    assert_eq!(plan["changes"][0]["action"], "adopt", "{plan:#}");
    engine.expect(&place, 0, &["apply", "--yes"]);
    assert_eq!((ids(), nodes(&engine, "after")), (made.clone(), Vec::new()), "nothing but the mark was touched");
    engine.expect(&place, 0, &["plan", "--detailed-exitcode"]);
    place.write("atlas.toml", &renamed(2));
    engine.expect(&place, 0, &["apply", "--yes"]);
    assert_eq!(nodes(&engine, "before").len(), 4);
    engine.expect(&place, 0, &["plan", "--detailed-exitcode"]);
    engine.expect(&place, 0, &["destroy", "--yes", "--allow-loss", "cluster.after"]);
    assert_eq!(nodes(&engine, "before"), Vec::<String>::new());
}

#[test]
fn a_kubeconfig_is_merged_and_taken_out_again() {
    let Some(engine) = Engine::here() else { return };
    let place = Place::with(&spec(&engine, "merging", "merging", 0, "kubeconfig = \"merge\""));
    let mine = "apiVersion: v1\nkind: Config\ncurrent-context: work\nclusters:\n- name: work\n  cluster:\n    server: \
                https://work:6443\ncontexts:\n- name: work\n  context:\n    cluster: work\n    user: me\nusers:\n- name: me\n  user:\n    token: mine\n";
    place.write("kubeconfig", mine);
    let run = |arguments: &[&str]| {
        let mut command = engine.command(&place, arguments);
        let output = command.env("KUBECONFIG", place.path("kubeconfig")).output().expect("it runs");
        assert!(output.status.success(), "{output:?}");
    };
    run(&["apply", "--yes"]);
    let both = place.read("kubeconfig");
    assert!(both.contains("k3d-merging") && both.contains("admin@k3d-merging"), "{both}");
    assert!(both.contains("https://work:6443") && both.contains("current-context: work"), "{both}");
    run(&["destroy", "--yes", "--allow-loss", "cluster.merging"]);
    let left = place.read("kubeconfig");
    assert!(!left.contains("k3d-merging") && left.contains("token: mine"), "{left}");
}

#[test]
fn somebody_else_s_cluster_is_left_alone() {
    let Some(engine) = Engine::here() else { return };
    let own = ["--label", "app=k3d", "--label", "k3d.cluster=theirs", "--label", "k3d.role=server"];
    engine.start("k3d-theirs-server-0", &own);
    let place = Place::with(&spec(&engine, "thief", "theirs", 0, ""));
    let plan = engine.json(&place, 0, &["plan", "--json"]);
    let changes = plan["changes"].as_array().expect("changes");
    let change = changes.iter().find(|change| change["address"] == "cluster.theirs").expect("the cluster");
    let reason = change["blocked"]["reason"].as_str().unwrap_or_default();
    assert!(reason.contains("belongs to nobody that Atlas knows"), "{change:#}");
    engine.docker(&["rm", "-f", "k3d-theirs-server-0"]);
}

#[test]
fn a_cluster_of_containers_has_to_go_before_it_can_be_elsewhere() {
    let Some(engine) = Engine::here() else { return };
    let place = Place::with(&spec(&engine, "moving", "moving", 0, ""));
    engine.expect(&place, 0, &["apply", "--yes"]);
    let made = place.read("atlas.toml");
    let (head, _) = made.split_once("[cluster.moving]").expect("the cluster");
    let elsewhere = "[cluster.moving]\nregion = \"us-east-1\"\nkubeconfig = { context = \"other\" }\n";
    place.write("atlas.toml", &format!("{head}{elsewhere}"));
    let plan = engine.json(&place, 0, &["plan", "--json"]);
    let reason = plan["changes"][0]["blocked"]["reason"].as_str().unwrap_or_default().to_owned();
    assert!(reason.contains("still in containers that Atlas made"), "{plan:#}");
    engine.run(&place, &["apply", "--yes"]);
    assert_eq!(nodes(&engine, "moving"), ["k3d-moving-server-0", "k3d-moving-serverlb"], "nothing was done to it");
    place.write("atlas.toml", &made);
    engine.expect(&place, 0, &["destroy", "--yes", "--allow-loss", "cluster.moving"]);
}

#[test]
fn what_a_container_writes_and_commands_in_it() {
    let Some(engine) = Engine::here() else { return };
    let place = Place::with(&format!("{}{}", head("inside"), super::container("inside", "")));
    engine.expect(&place, 0, &["apply", "--yes"]);
    super::until("it has said it", || engine.expect(&place, 0, &["logs", "container.inside"]).contains("ready"));
    let said = engine.expect(&place, 0, &["exec", "container.inside", "--", "/bin/sh", "-c", "echo in; exit 0"]);
    assert_eq!(said, "in\n");
    engine.expect(&place, 7, &["exec", "container.inside", "--", "/bin/sh", "-c", "exit 7"]);
    let unknown = engine.run(&place, &["logs", "container.insid"]);
    assert!(unknown.code == 1 && unknown.stderr.contains("container.inside"), "{}", unknown.stderr);
    engine.docker(&["rm", "-f", "inside"]);
    let gone = engine.run(&place, &["exec", "container.inside", "--", "/bin/true"]);
    assert!(gone.code == 1 && gone.stderr.contains("can't be looked into"), "{}", gone.stderr);
}

/// Runs a command at a terminal of 40 rows and 133 columns, types, and prints the screen and how the command ended.
const PERSON: &str = r#"
import fcntl, os, pty, struct, sys, termios
pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 133, 0, 0))
screen, typed = b"", False
while True:
    try:
        more = os.read(terminal, 4096)
    except OSError:
        break
    if not more:
        break
    screen += more
    if b"name?" in screen and not typed:
        typed = True
        os.write(terminal, b"ada\r")
status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
print(screen.decode(), "ended with", status)
"#;

#[test]
fn a_person_can_talk_to_a_command_in_a_container() {
    let Some(engine) = Engine::here() else { return };
    let python = variable("ATLAS_TEST_PYTHON").expect("set with the others");
    let place = Place::with(&format!("{}{}", head("talking"), super::container("talking", "")));
    engine.expect(&place, 0, &["apply", "--yes"]);
    // The command learns the terminal's size once it runs, so the size is asked for after the first answer.
    let script = "test -t 0 && printf 'name? '; read name; echo \"hello $name\"; stty size; exit 5";
    let mut command = Command::new(python);
    command.arg("-c").arg(PERSON).arg(env!("CARGO_BIN_EXE_atlas"));
    command.args(["exec", "container.talking", "--", "/bin/sh", "-c", script]);
    command.env("DOCKER_HOST", &engine.host).current_dir(place.path("")).stdin(Stdio::null());
    let run = crate::support::Run::of(command.output().expect("it runs"));
    let screen = run.stdout;
    assert!(screen.contains("hello ada") && screen.contains("40 133"), "{screen}{}", run.stderr);
    assert!(screen.contains("ended with 5"), "{screen}");
    engine.expect(&place, 0, &["destroy", "--yes"]);
}
