//! Every key of the compose specification is taken or named, whatever its value.

use std::collections::BTreeSet;

use atlas::compose::{Imported, Untaken, read_env_file};
use atlas::spec::toml_of;

use super::{is_good, translated};

/// The attributes that a key becomes, with their values.
type Becomes = &'static [(&'static str, &'static str)];

/// The keys of a service in the specification's schema.
pub const SERVICE_KEYS: &str = "annotations attach blkio_config build cap_add cap_drop cgroup cgroup_parent command configs \
    container_name cpu_count cpu_percent cpu_period cpu_quota cpu_rt_period cpu_rt_runtime cpu_shares cpus cpuset \
    credential_spec depends_on deploy develop device_cgroup_rules devices dns dns_opt dns_search domainname driver_opts \
    entrypoint env_file environment expose extends external_links extra_hosts gpus group_add healthcheck hostname image init \
    ipc isolation label_file labels links logging mac_address mem_limit mem_reservation mem_swappiness memswap_limit models \
    network_mode networks oom_kill_disable oom_score_adj pid pids_limit platform ports post_start pre_stop privileged profiles \
    provider pull_policy pull_refresh_after read_only restart runtime scale secrets security_opt shm_size stdin_open \
    stop_grace_period stop_signal storage_opt sysctls tmpfs tty ulimits use_api_socket user userns_mode uts volumes \
    volumes_from working_dir";

/// What a key of a service says, and what becomes of it: attributes of the container, or nothing, and then it is named.
const SERVICE: &[(&str, &str, Becomes)] = &[
    ("annotations", "{ a: b }", &[]),
    ("attach", "false", &[]),
    ("blkio_config", "{ weight: 300 }", &[]),
    ("build", ".", &[]),
    ("cap_add", "[NET_ADMIN, CAP_SYS_TIME]", &[("capabilities", r#"{ add = ["NET_ADMIN", "CAP_SYS_TIME"] }"#)]),
    ("cap_drop", "[ALL]", &[("capabilities", r#"{ drop = ["ALL"] }"#)]),
    ("cgroup", "host", &[]),
    ("cgroup_parent", "m", &[]),
    ("command", "run --as \"a b\"", &[("command", r#"["run", "--as", "a b"]"#)]),
    ("command", "[run, 1, true]", &[("command", r#"["run", "1", "true"]"#)]),
    ("command", "[]", &[]),
    ("configs", "[c]", &[("binds", r#"["./c.txt:/c:ro"]"#)]),
    ("configs", "[{ source: c, target: /etc/c }]", &[("binds", r#"["./c.txt:/etc/c:ro"]"#)]),
    ("configs", "[inline]", &[]),
    ("container_name", "mine", &[("name", r#""mine""#)]),
    ("container_name", "not/mine", &[]),
    ("cpu_count", "2", &[]),
    ("cpu_percent", "50", &[]),
    ("cpu_period", "100000", &[]),
    ("cpu_quota", "50000", &[]),
    ("cpu_rt_period", "1ms", &[]),
    ("cpu_rt_runtime", "1ms", &[]),
    ("cpu_shares", "512", &[]),
    ("cpus", "1.5", &[("cpu_millis", "1500")]),
    ("cpus", "\"0.25\"", &[("cpu_millis", "250")]),
    ("cpus", "many", &[]),
    ("cpuset", "0-1", &[]),
    ("credential_spec", "{ file: x }", &[]),
    ("depends_on", "[other]", &[("depends_on", r#"["container.other"]"#)]),
    ("depends_on", "{ other: { condition: service_healthy } }", &[("depends_on", r#"["container.other"]"#)]),
    ("depends_on", "{ other: { condition: service_gone } }", &[]),
    ("depends_on", "[nobody]", &[]),
    (
        "deploy",
        "{ resources: { limits: { memory: 64M, cpus: 0.5, pids: 9 } } }",
        &[("memory_mib", "64"), ("cpu_millis", "500"), ("pids", "9")],
    ),
    (
        "deploy",
        "{ restart_policy: { condition: on-failure, max_attempts: 3 } }",
        &[("restart", r#""on-failure""#), ("restart_retries", "3")],
    ),
    ("deploy", "{ replicas: 1000 }", &[]),
    ("deploy", "{ replicas: many }", &[]),
    ("deploy", "{ placement: { constraints: [a] } }", &[]),
    ("develop", "{ watch: [] }", &[]),
    ("device_cgroup_rules", "[a]", &[]),
    (
        "devices",
        "[\"/dev/fuse:/dev/fuse\", { source: /dev/full, permissions: r }]",
        &[("devices", r#"["/dev/fuse:/dev/fuse", "/dev/full:/dev/full:r"]"#)],
    ),
    ("devices", "[vendor.com/class=device]", &[]),
    ("dns", "10.0.0.2", &[("dns", r#"["10.0.0.2"]"#)]),
    ("dns", "[10.0.0.2, 10.0.0.3]", &[("dns", r#"["10.0.0.2", "10.0.0.3"]"#)]),
    ("dns_opt", "[ndots:1]", &[]),
    ("dns_search", "a.test", &[("dns_search", r#"["a.test"]"#)]),
    ("domainname", "a.test", &[]),
    ("driver_opts", "{ a: b }", &[]),
    ("entrypoint", "/run.sh -x", &[("entrypoint", r#"["/run.sh", "-x"]"#)]),
    ("env_file", "[a.env, ./b/c.env]", &[("env_file", r#"["a.env", "b/c.env"]"#)]),
    ("env_file", "a.env", &[("env_file", r#"["a.env"]"#)]),
    ("env_file", "[{ path: a.env, required: true }]", &[("env_file", r#"["a.env"]"#)]),
    ("env_file", "[/etc/a.env]", &[]),
    ("env_file", "[../a.env]", &[]),
    ("environment", "{ A: 1, B: true, C: x }", &[("environment", r#"{ A = "1", B = "true", C = "x" }"#)]),
    ("environment", "[A=1, \"B=x=y\", C=]", &[("environment", r#"{ A = "1", B = "x=y", C = "" }"#)]),
    ("environment", "[FROM_HERE]", &[("environment", r#"{ FROM_HERE = "here" }"#)]),
    ("environment", "[NOT_SET]", &[]),
    ("environment", "[API_TOKEN]", &[("secrets", r#"{ API_TOKEN = { env = "API_TOKEN" } }"#)]),
    ("environment", "{ PASSWORD: \"${DB_PASSWORD}\" }", &[("secrets", r#"{ PASSWORD = { env = "DB_PASSWORD" } }"#)]),
    (
        "environment",
        "[\"PASSWORD=${DB_PASSWORD:?set it}\"]",
        &[("secrets", r#"{ PASSWORD = { env = "DB_PASSWORD" } }"#)],
    ),
    ("environment", "{ PASSWORD: \"${FILE_PASSWORD}\" }", &[("environment", r#"{ PASSWORD = "of-a-file" }"#)]),
    ("environment", "{ PRICE: \"$${5}\" }", &[("environment", r#"{ PRICE = "$${5}" }"#)]),
    ("expose", "[80]", &[]),
    ("extends", "other", &[("image", r#""x""#), ("user", r#""7""#)]),
    ("extends", "{ service: other, file: elsewhere.yaml }", &[]),
    ("extends", "subject", &[]),
    ("external_links", "[a]", &[]),
    ("extra_hosts", "[\"db:10.0.0.9\", \"db6=[::1]\"]", &[("extra_hosts", r#"{ db = "10.0.0.9", db6 = "::1" }"#)]),
    ("extra_hosts", "{ db: 10.0.0.9 }", &[("extra_hosts", r#"{ db = "10.0.0.9" }"#)]),
    ("extra_hosts", "{ db: [10.0.0.9, 10.0.0.8] }", &[]),
    ("gpus", "all", &[]),
    ("group_add", "[\"1000\", 7]", &[("groups", r#"["1000", "7"]"#)]),
    (
        "healthcheck",
        "{ test: [CMD, a, b], interval: 5s, retries: 4 }",
        &[(
            "health",
            r#"{ command = ["a", "b"], interval = "5s", retries = 4, start_period = "0s", timeout = "30s" }"#,
        )],
    ),
    (
        "healthcheck",
        "{ test: a | b, timeout: 90s, start_period: 1m }",
        &[("health", r#"{ interval = "30s", shell = "a | b", start_period = "1m", timeout = "1m30s" }"#)],
    ),
    (
        "healthcheck",
        "{ test: [CMD-SHELL, a] }",
        &[("health", r#"{ interval = "30s", shell = "a", start_period = "0s", timeout = "30s" }"#)],
    ),
    ("healthcheck", "{ test: [NONE] }", &[]),
    ("healthcheck", "{ test: NONE, disable: true }", &[]),
    ("healthcheck", "{ interval: 5s }", &[]),
    ("healthcheck", "{ test: [a, b] }", &[]),
    ("hostname", "me", &[("hostname", r#""me""#)]),
    ("image", "redis:8", &[("image", r#""redis:8""#)]),
    ("init", "true", &[("init", "true")]),
    ("ipc", "host", &[]),
    ("isolation", "default", &[]),
    ("label_file", "a", &[]),
    ("labels", "{ a: 1 }", &[("labels", r#"{ a = "1" }"#)]),
    ("labels", "[a=1, b]", &[("labels", r#"{ a = "1", b = "" }"#)]),
    ("labels", "{ atlas.project: mine }", &[]),
    ("links", "[other]", &[("depends_on", r#"["container.other"]"#)]),
    ("links", "[\"other:alias\"]", &[]),
    (
        "logging",
        "{ driver: local, options: { max-file: 3 } }",
        &[("logging", r#"{ driver = "local", options = { max-file = "3" } }"#)],
    ),
    ("logging", "{ options: { a: b } }", &[]),
    ("mac_address", "\"02:42:ac:11:65:43\"", &[]),
    ("mem_limit", "1.5g", &[("memory_mib", "1536")]),
    ("mem_limit", "64k", &[]),
    ("mem_reservation", "1g", &[]),
    ("mem_swappiness", "0", &[]),
    ("memswap_limit", "-1", &[]),
    ("models", "[m]", &[]),
    ("network_mode", "host", &[("network_mode", r#""host""#)]),
    ("network_mode", "none", &[("network_mode", r#""none""#)]),
    ("network_mode", "service:other", &[]),
    ("networks", "[n]", &[("networks", r#"[{ aliases = ["subject"], network = "network.n" }]"#)]),
    (
        "networks",
        "{ n: { aliases: [a_b], ipv4_address: 10.1.0.9 } }",
        &[("networks", r#"[{ address = "10.1.0.9", aliases = ["subject", "a_b"], network = "network.n" }]"#)],
    ),
    (
        "networks",
        "{ n: { ipv6_address: \"fd00::9\" } }",
        &[("networks", r#"[{ address = "fd00::9", aliases = ["subject"], network = "network.n" }]"#)],
    ),
    ("networks", "{ n: { mac_address: a, link_local_ips: [b] } }", &[]),
    ("networks", "[undeclared]", &[]),
    ("oom_kill_disable", "true", &[]),
    ("oom_score_adj", "5", &[]),
    ("pid", "host", &[]),
    ("pids_limit", "100", &[("pids", "100")]),
    ("platform", "linux/arm64", &[]),
    ("ports", "[\"8080:80\", 127.0.0.1:53:53/udp]", &[("ports", r#"["0.0.0.0:8080:80", "127.0.0.1:53:53/udp"]"#)]),
    (
        "ports",
        "[{ target: 80, published: 8080, host_ip: \"::1\", protocol: udp }]",
        &[("ports", r#"["[::1]:8080:80/udp"]"#)],
    ),
    ("ports", "[\"9000-9001:80-81\"]", &[("ports", r#"["0.0.0.0:9000:80", "0.0.0.0:9001:81"]"#)]),
    ("ports", "[80]", &[]),
    ("ports", "[\"9000-9010:80\"]", &[]),
    ("ports", "[\"99999:80\"]", &[]),
    ("post_start", "[{ command: a }]", &[]),
    ("pre_stop", "[{ command: a }]", &[]),
    ("privileged", "true", &[("privileged", "true")]),
    ("profiles", "[debug]", &[]),
    ("provider", "{ type: a }", &[]),
    ("pull_policy", "always", &[("pull", r#""always""#)]),
    ("pull_policy", "never", &[("pull", r#""never""#)]),
    ("pull_policy", "daily", &[]),
    ("pull_refresh_after", "1d", &[]),
    ("read_only", "true", &[("read_only", "true")]),
    ("restart", "always", &[("restart", r#""always""#)]),
    ("restart", "no", &[("restart", r#""no""#)]),
    ("restart", "\"on-failure:5\"", &[("restart", r#""on-failure""#), ("restart_retries", "5")]),
    ("restart", "sometimes", &[]),
    ("runtime", "runsc", &[]),
    ("scale", "-2", &[]),
    ("secrets", "[s]", &[("binds", r#"["./s.txt:/run/secrets/s:ro"]"#)]),
    ("secrets", "[{ source: s, target: t, mode: 256 }]", &[("binds", r#"["./s.txt:/run/secrets/t:ro"]"#)]),
    ("secrets", "[of_environment]", &[]),
    ("security_opt", "[no-new-privileges]", &[("security_options", r#"["no-new-privileges"]"#)]),
    ("shm_size", "67108864", &[("shm_mib", "64")]),
    ("stdin_open", "true", &[]),
    ("stop_grace_period", "1m30s", &[("stop_timeout", r#""1m30s""#)]),
    ("stop_grace_period", "2h", &[]),
    ("stop_signal", "SIGINT", &[("stop_signal", r#""SIGINT""#)]),
    ("storage_opt", "{ size: 1G }", &[]),
    ("sysctls", "{ net.core.somaxconn: 1024 }", &[("sysctls", r#"{ "net.core.somaxconn" = "1024" }"#)]),
    ("sysctls", "[net.core.somaxconn=1024]", &[("sysctls", r#"{ "net.core.somaxconn" = "1024" }"#)]),
    ("tmpfs", "/run", &[("tmpfs", r#"["/run"]"#)]),
    ("tmpfs", "[/run, \"/tmp:size=64m\"]", &[("tmpfs", r#"["/run", "/tmp"]"#)]),
    ("tty", "true", &[]),
    ("ulimits", "{ nofile: 4096 }", &[("ulimits", "{ nofile = 4096 }")]),
    ("ulimits", "{ nofile: { soft: 8, hard: 9 } }", &[("ulimits", "{ nofile = { hard = 9, soft = 8 } }")]),
    ("ulimits", "{ nofile: { soft: 10, hard: 9 } }", &[]),
    ("ulimits", "{ nofile: { soft: 9 }, memlock: -1 }", &[]),
    ("ulimits", "{ nofile: { soft: 9, hard: 9 } }", &[("ulimits", "{ nofile = 9 }")]),
    ("use_api_socket", "true", &[]),
    ("user", "1000:1000", &[("user", r#""1000:1000""#)]),
    ("userns_mode", "host", &[]),
    ("uts", "host", &[]),
    ("volumes", "[\"v:/data:ro\"]", &[("volumes", r#"[{ read_only = true, to = "/data", volume = "volume.v" }]"#)]),
    (
        "volumes",
        "[{ type: volume, source: v, target: /data }]",
        &[("volumes", r#"[{ to = "/data", volume = "volume.v" }]"#)],
    ),
    (
        "volumes",
        "[./a:/b, ../c:/d:z, ~/e:/f, /g:/h]",
        &[("binds", r#"["./a:/b", "../c:/d:z", "/home/me/e:/f", "/g:/h"]"#)],
    ),
    (
        "volumes",
        "[{ type: bind, source: ./a, target: /b, read_only: true, bind: { propagation: rslave } }]",
        &[("binds", r#"["./a:/b:ro,rslave"]"#)],
    ),
    ("volumes", "[{ type: tmpfs, target: /b }]", &[("tmpfs", r#"["/b"]"#)]),
    ("volumes", "[/nameless]", &[]),
    ("volumes", "[\"undeclared:/data\"]", &[]),
    ("volumes", "[{ type: image, source: a, target: /b }]", &[]),
    ("volumes_from", "[other]", &[]),
    ("working_dir", "/srv", &[("workdir", r#""/srv""#)]),
    ("working_dir", "srv", &[]),
];

/// The keys of a network and of a volume: which, what it says, and what becomes of it.
const SHARED: &[(&str, &str, &str, Becomes)] = &[
    ("network", "name", "mine", &[("name", r#""mine""#)]),
    ("network", "driver", "macvlan", &[("driver", r#""macvlan""#)]),
    ("network", "driver_opts", "{ a: 1 }", &[("options", r#"{ a = "1" }"#)]),
    (
        "network",
        "ipam",
        "{ config: [{ subnet: 10.2.0.0/24, ip_range: 10.2.0.0/25 }, { subnet: fd00::/64, gateway: 'fd00::1' }] }",
        &[(
            "subnets",
            r#"[{ ip_range = "10.2.0.0/25", subnet = "10.2.0.0/24" }, { gateway = "fd00::1", subnet = "fd00::/64" }]"#,
        )],
    ),
    (
        "network",
        "ipam",
        "{ config: [{ subnet: 10.2.0.0/24, ip_range: 10.2.0.0/25 }] }",
        &[("subnet", r#""10.2.0.0/24""#), ("ip_range", r#""10.2.0.0/25""#)],
    ),
    ("network", "ipam", "{ config: [{ gateway: 10.2.0.1 }] }", &[]),
    ("network", "ipam", "{ config: [{ subnet: nonsense, gateway: 10.2.0.1 }] }", &[]),
    ("network", "ipam", "{ config: [{ aux_addresses: { a: 10.2.0.1 } }] }", &[]),
    (
        "network",
        "ipam",
        "{ config: [{ subnet: 10.2.0.0/24, gateway: 10.2.0.1 }] }",
        &[("subnet", r#""10.2.0.0/24""#), ("gateway", r#""10.2.0.1""#)],
    ),
    ("network", "ipam", "{ driver: other }", &[]),
    ("network", "external", "true", &[("name", r#""subject""#), ("on_remove", r#""forget""#)]),
    ("network", "internal", "true", &[("internal", "true")]),
    ("network", "enable_ipv4", "false", &[]),
    ("network", "enable_ipv6", "true", &[("ipv6", "true")]),
    ("network", "attachable", "true", &[]),
    ("network", "labels", "[a=b]", &[("labels", r#"{ a = "b" }"#)]),
    ("volume", "name", "mine", &[("name", r#""mine""#)]),
    ("volume", "driver", "nfs", &[("driver", r#""nfs""#)]),
    ("volume", "driver_opts", "{ type: tmpfs, size: 8 }", &[("options", r#"{ size = "8", type = "tmpfs" }"#)]),
    ("volume", "external", "true", &[("name", r#""subject""#), ("on_remove", r#""forget""#)]),
    ("volume", "external", "{ name: other }", &[("name", r#""other""#), ("on_remove", r#""forget""#)]),
    ("volume", "labels", "{ a: b }", &[("labels", r#"{ a = "b" }"#)]),
];

/// The lines of a block that an import made; none when it made none.
fn lines(imported: &Imported, address: &str) -> Option<Vec<(&'static str, String)>> {
    let block = imported.blocks.iter().find(|block| block.address.as_str() == address)?;
    Some(block.lines.iter().map(|(name, value)| (*name, toml_of(value))).collect())
}

/// Each attribute is there, or the key is named with its line; a key that becomes nothing changes no line.
fn holds(text: &str, address: &str, path: &str, line: usize, expected: &[(&str, &str)], plain: &Imported) {
    let imported = translated(text).unwrap_or_else(|fault| panic!("{fault:?}\n{text}"));
    is_good(&imported);
    let found = lines(&imported, address);
    if expected.is_empty() {
        let named = |one: &&Untaken| one.path().starts_with(path) && one.line >= line;
        assert!(imported.all_untaken().iter().any(named), "{text}\n{:#?}", imported.all_untaken());
    }
    let Some(found) = found else { return assert!(expected.is_empty(), "{text}") };
    for (attribute, value) in expected {
        let there = found.iter().find(|(name, _)| name == attribute).map(|(_, value)| value.as_str());
        assert_eq!(there, Some(*value), "{text}");
    }
    let before = lines(plain, address).unwrap_or_default();
    let known = |name: &str| expected.iter().any(|(known, _)| *known == name);
    let more: Vec<_> = found.iter().filter(|one| !before.contains(one) && !known(one.0)).collect();
    let allowed = ["depends_on", "networks", "secrets"];
    assert!(more.iter().all(|(name, _)| allowed.contains(name)), "{text}\n{more:?}");
}

#[test]
fn every_key_of_a_service_is_taken_or_named() {
    let known: BTreeSet<&str> = SERVICE_KEYS.split_whitespace().collect();
    let tried: BTreeSet<&str> = SERVICE.iter().map(|(key, ..)| *key).collect();
    assert_eq!(tried, known, "the cases, and the keys of the specification");
    let around = "  other: { image: x, user: 7 }\nnetworks: { n: { ipam: { config: [{ subnet: 10.1.0.0/16 }] } } }\nvolumes: { v: }\n\
        configs: { c: { file: c.txt }, inline: { content: a } }\nsecrets: { s: { file: ./s.txt }, of_environment: { environment: A } }\n";
    let plain = translated(&format!("services:\n  subject:\n    image: i\n{around}")).expect("a plain file");
    for (key, value, expected) in SERVICE {
        let image = if ["image", "extends"].contains(key) { "" } else { "    image: i\n" };
        let text = format!("services:\n  subject:\n{image}    {key}: {value}\n{around}");
        holds(&text, "container.subject", &format!("services.subject.{key}"), 3, expected, &plain);
    }
}

#[test]
fn every_key_of_a_network_and_of_a_volume_is_taken_or_named() {
    let file = |more: &str, kind: &str| {
        let uses = match kind {
            "network" => "networks: [subject]",
            _ => "volumes: [\"subject:/data\"]",
        };
        format!("services:\n  s: {{ image: i, {uses} }}\n{kind}s:\n  subject:\n{more}")
    };
    for (kind, key, value, expected) in SHARED {
        let plain = translated(&file("", kind)).expect("a plain file");
        let text = file(&format!("    {key}: {value}\n"), kind);
        holds(&text, &format!("{kind}.subject"), &format!("{kind}s.subject.{key}"), 5, expected, &plain);
    }
}

/// Any value at any key is taken or named, and never a panic.
#[test]
fn wrong_sorts_of_values_are_named() {
    let values = [
        "null",
        "1",
        "-1",
        "1.5",
        "true",
        "text",
        "\"\"",
        "[]",
        "{}",
        "[[a]]",
        "{ a: { b: c } }",
        "[{ a: b }]",
        "[null]",
        "[1, a]",
    ];
    for key in SERVICE_KEYS.split_whitespace() {
        for value in values {
            let image = if key == "image" { "" } else { "image: i, " };
            let text = format!("services: {{ s: {{ {image}{key}: {value} }}, t: {{ image: i }} }}\n");
            match translated(&text) {
                Ok(imported) => is_good(&imported),
                Err(fault) => panic!("{text}: {fault:?}"),
            }
        }
    }
    for (kind, key, ..) in SHARED {
        for value in values {
            let uses = if *kind == "network" { "networks: [x]" } else { "volumes: [\"x:/y\"]" };
            let text = format!("services: {{ s: {{ image: i, {uses} }} }}\n{kind}s: {{ x: {{ {key}: {value} }} }}\n");
            is_good(&translated(&text).unwrap_or_else(|fault| panic!("{text}: {fault:?}")));
        }
    }
    assert!(read_env_file("A=1", &|_| None).is_ok_and(|all| all["A"] == "1"));
}
