//! Values for the charts of the project, and what must hold of what they come to.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::{Place, copy, root};

pub const CHARTS: [&str; 3] = ["cockroachdb", "ledger-app", "monitoring"];

/// Ten sets of values for each chart of the project, whether it has them or not.
pub const VALUES: [&[&str]; 10] = [
    &[],
    &["--set", "replicas=5,image.tag=1.2.3"],
    &["--set-string", "image.tag=007", "--set", "fullnameOverride=other"],
    &["--namespace", "ledger", "--set", "nameOverride=short"],
    &[
        "--set-json",
        "nodeSelector={\"a\":\"b\"}",
        "--set-json",
        "tolerations=[{\"key\":\"x\",\"operator\":\"Exists\"}]",
    ],
    &["--set", "service.port=9090,podAnnotations.a\\.b/c=d"],
    &["--set", "resources.requests.cpu=2,resources.limits.memory=1000000000"],
    &["--kube-version", "1.28.3", "--api-versions", "monitoring.coreos.com/v1"],
    &["--set", "serviceAccount.create=false,serviceAccount.name=mine", "--set-json", "affinity={}"],
    &["--set", "persistence.enabled=false,autoscaling.enabled=true,networkPolicy.enabled=false"],
];

const OPERATOR: [&str; 2] = ["--api-versions", "monitoring.coreos.com/v1"];

/// Values that each chart has, in all their forms.
pub const TAKEN: &[(&str, &[&str])] = &[
    (
        "ledger-app",
        &["--set", "autoscaling.enabled=true,autoscaling.maxReplicas=4,podDisruptionBudget.maxUnavailable=50%"],
    ),
    ("ledger-app", &["--set", "metrics.serviceMonitor=auto"]),
    ("ledger-app", &["--set", "metrics.serviceMonitor=auto,metrics.path=/own", OPERATOR[0], OPERATOR[1]]),
    (
        "ledger-app",
        &[
            "--set",
            "metrics.serviceMonitor=always,metrics.serviceMonitorLabels.release=x,metrics.enabled=false,replicas=0",
        ],
    ),
    ("ledger-app", &["--set", "region=us-east-1,aws.sqsQueue=q,aws.s3Bucket=b,aws.endpoint=http://x:4566"]),
    ("ledger-app", &["--set", "database.existingSecret=db,database.caSecret=ca,database.sslMode=require"]),
    ("ledger-app", &["--set", "networkPolicy.instanceMetadata=true", "--set-json", "networkPolicy.databasePeers=[]"]),
    (
        "ledger-app",
        &[
            "--set-json",
            r#"networkPolicy={"prometheus":{"namespaceLabels":{"team":"watch"}},"clients":[{"podSelector":{}}],"extraEgress":[{"to":[{"ipBlock":{"cidr":"10.0.0.0/8","except":["10.1.0.0/16"]}}],"ports":[{"port":4566,"endPort":4570,"protocol":"TCP"}]}]}"#,
        ],
    ),
    ("cockroachdb", &["--set", "init.enabled=true"]),
    ("cockroachdb", &["--set", "init.enabled=true,tls.enabled=false,storage.className=fast,replicas=1"]),
    (
        "cockroachdb",
        &[
            "--set",
            "init.enabled=true,init.region=us,locality.region=us,metrics.serviceMonitor=always,metrics.serviceMonitorLabels.release=x",
        ],
    ),
    ("cockroachdb", &["--set", "init.enabled=true,init.region=us,locality.region=eu"]),
    ("cockroachdb", &["--set", "metrics.serviceMonitor=auto", OPERATOR[0], OPERATOR[1]]),
    (
        "cockroachdb",
        &[
            "--set",
            "locality.region=us,external.domain=us.x,external.cidrs={10.0.0.0/8,192.168.0.0/16},join={cockroachdb-0.eu.x}",
            "--set-json",
            r#"external.annotations={"a/b":"c"}"#,
        ],
    ),
    (
        "cockroachdb",
        &[
            "--set",
            "locality.region=us,external.domain=us.x,external.cidrs={10.0.0.0/8},external.loadBalancers=false",
            "--set-json",
            r#"networkPolicy={"clients":[],"prometheus":{"namespaceLabels":{"team":"watch"}},"extraEgress":[{"ports":[{"port":443}]}]}"#,
        ],
    ),
    ("monitoring", &["--set", "prometheusRule=auto,storage.className=fast"]),
    ("monitoring", &["--set", "prometheusRule=auto", OPERATOR[0], OPERATOR[1]]),
    (
        "monitoring",
        &["--set", "prometheusRule=always,prometheusRuleLabels.release=x,alertmanagers={a.x:9093,b.x:9093,c.x:9094}"],
    ),
    ("monitoring", &["--set", "cockroachdb.enabled=false,dashboards.enabled=false,prometheusRule=always"]),
    ("monitoring", &["--set", "cockroachdb.scheme=http,networkPolicy.apiPorts={443}"]),
    (
        "monitoring",
        &["--set", "cockroachdb.caSecret=", "--set-json", r#"networkPolicy={"clients":[],"extraEgress":[{"to":[]}]}"#],
    ),
];

/// What a chart refuses, and a word of the reason.
pub const REFUSED: &[(&str, &[&str], &str)] = &[
    ("ledger-app", &["--set", "image.tag=latest"], "image.tag"),
    ("ledger-app", &["--set", "resources.limits=null"], "limits"),
    ("ledger-app", &["--set", "autoscaling.enabled=true,autoscaling.minReplicas=11"], "maxReplicas"),
    ("ledger-app", &["--set", "metrics.serviceMonitor=true"], "metrics.serviceMonitor"),
    ("ledger-app", &["--set", "networkPolicy.clients={any}"], "networkPolicy.clients"),
    ("cockroachdb", &["--set", "external.domain=us.x,external.cidrs={10.0.0.0/8}"], "locality.region"),
    ("cockroachdb", &["--set", "external.domain=us.x,locality.region=us"], "external.cidrs"),
    ("cockroachdb", &["--set", "tls.existingSecret="], "tls.existingSecret"),
    ("monitoring", &["--set", "alertmanagers={am}"], "alertmanagers"),
    ("monitoring", &["--set", "resources.requests.cpu=fast"], "resources.requests.cpu"),
];

/// The objects of a chart, over all sets of values that it takes.
fn objects() -> Vec<(String, Value)> {
    let place = Place::empty();
    copy(&root().join("charts"), &place.path("charts"));
    let plain = CHARTS.map(|chart| (chart, &[][..]));
    let mut all = Vec::new();
    for (chart, words) in plain.iter().chain(TAKEN) {
        let json = place.json(&[&["render", &format!("charts/{chart}"), "--json"], *words].concat());
        for one in json["objects"].as_array().expect("objects") {
            all.push((format!("{chart} {words:?}"), one["object"].clone()));
        }
    }
    all
}

/// The pods that an object makes.
fn pods(object: &Value) -> Option<&Value> {
    ["Deployment", "StatefulSet", "Job"].iter().any(|kind| object["kind"] == *kind).then(|| &object["spec"]["template"])
}

#[test]
fn every_pod_is_restricted_and_bounded() {
    let mut seen = 0;
    for (case, object) in objects() {
        let Some(template) = pods(&object) else { continue };
        let pod = &template["spec"];
        let kind = object["kind"].as_str().expect("a kind");
        let case = format!("{case} {kind}");
        seen += 1;
        assert_eq!(pod["securityContext"]["runAsNonRoot"], true, "{case}");
        assert_eq!(pod["securityContext"]["seccompProfile"]["type"], "RuntimeDefault", "{case}");
        for word in ["hostNetwork", "hostPID", "hostIPC"] {
            assert!(pod[word].is_null(), "{case}");
        }
        let volumes = pod["volumes"].as_array().expect("volumes");
        assert!(volumes.iter().all(|volume| volume["hostPath"].is_null()), "{case}");
        // Only Prometheus asks the Kubernetes API.
        let asks = object["metadata"]["name"] == "monitoring-prometheus";
        assert_eq!(pod["automountServiceAccountToken"], asks, "{case}");
        for container in pod["containers"].as_array().expect("containers") {
            let security = &container["securityContext"];
            assert_eq!(security["allowPrivilegeEscalation"], false, "{case}");
            assert_eq!(security["readOnlyRootFilesystem"], true, "{case}");
            assert_eq!(security["capabilities"], serde_json::json!({"drop": ["ALL"]}), "{case}");
            for (bound, amount) in
                [("requests", "cpu"), ("requests", "memory"), ("limits", "cpu"), ("limits", "memory")]
            {
                assert!(!container["resources"][bound][amount].is_null(), "{case} {bound} {amount}");
            }
            let image = container["image"].as_str().expect("an image");
            assert!(image.rsplit_once(':').is_some_and(|(_, tag)| tag != "latest"), "{case} {image}");
            for probe in ["livenessProbe", "readinessProbe"] {
                assert_eq!(container[probe].is_object(), kind != "Job", "{case} {probe}");
            }
        }
    }
    assert!(seen > 20, "{seen}");
}

#[test]
fn every_pod_has_a_network_policy_that_lets_it_ask_for_names() {
    let all = objects();
    for (case, object) in &all {
        let Some(template) = pods(object) else { continue };
        let labels = template["metadata"]["labels"].as_object().expect("labels");
        let of_it = all.iter().filter(|(other, policy)| {
            let selector = policy["spec"]["podSelector"]["matchLabels"].as_object();
            other == case
                && policy["kind"] == "NetworkPolicy"
                && selector.is_some_and(|wanted| wanted.iter().all(|(key, value)| labels.get(key) == Some(value)))
        });
        let policies: Vec<&Value> = of_it.map(|(_, policy)| policy).collect();
        assert_eq!(policies.len(), 1, "{case} {}", object["kind"]);
        assert_eq!(policies[0]["spec"]["policyTypes"], serde_json::json!(["Ingress", "Egress"]), "{case}");
        let names = policies[0]["spec"]["egress"].as_array().expect("egress").iter().any(|rule| {
            rule["ports"]
                .as_array()
                .is_some_and(|ports| ports.iter().any(|port| port["port"] == 53 && port["protocol"] == "UDP"))
        });
        assert!(names, "{case}");
    }
}

#[test]
fn no_object_has_rights_beyond_its_namespace() {
    for (case, object) in objects() {
        let kind = object["kind"].as_str().expect("a kind");
        assert!(!kind.starts_with("Cluster"), "{case} {kind}");
        for rule in object["rules"].as_array().into_iter().flatten() {
            assert_eq!(rule["resources"], serde_json::json!(["pods"]), "{case}");
            assert_eq!(rule["verbs"], serde_json::json!(["get", "list", "watch"]), "{case}");
        }
    }
}

#[test]
fn the_database_of_the_flagship_is_initialised_in_one_cluster_and_every_node_is_known_to_the_other() {
    let place = Place::flagship();
    let of = |address: &str| place.expect(0, &["render", address]);
    let (us, eu) = (of("app.cockroachdb@dc-us"), of("app.cockroachdb@dc-eu"));
    assert!(us.contains("kind: Job") && !eu.contains("kind: Job"));
    for (text, region) in [(&us, "us-east-1"), (&eu, "eu-central-1")] {
        assert!(text.contains(&format!("--locality=region={region}\"")), "{text}");
        assert!(text.contains(&format!("--advertise-addr=$(POD_NAME).{region}.ledger.internal:26257\"")), "{text}");
        for node in 0..3 {
            let name = format!("hostname: cockroachdb-{node}.{region}.ledger.internal\n");
            assert!(text.contains(&name), "{name}");
        }
        let join = text.lines().find(|line| line.contains("--join=")).expect("a list");
        for other in ["us-east-1", "eu-central-1"] {
            assert!(join.contains(&format!("cockroachdb-0.{other}.ledger.internal")), "{join}");
        }
    }
}

/// What CockroachDB 24.3, Prometheus itself and the ledger tell.
const METRICS: [&str; 17] = [
    "ALERTS",
    "capacity",
    "capacity_available",
    "clock_offset_meannanos",
    "ledger_queue_depth",
    "liveness_livenodes",
    "ranges_unavailable",
    "ranges_underreplicated",
    "scrape_duration_seconds",
    "security_certificate_expiration_node",
    "sql_conns",
    "sql_failure_count",
    "sql_query_count",
    "sql_service_latency_bucket",
    "sys_cpu_combined_percent_normalized",
    "sys_rss",
    "up",
];

/// The names of metrics in a query: words that are no function, no label and no text.
fn metrics(query: &str) -> BTreeSet<String> {
    let mut names = BTreeSet::new();
    for (number, part) in query.split('"').enumerate() {
        if number % 2 == 1 {
            continue;
        }
        let words = part.split(|c: char| !c.is_ascii_alphanumeric() && c != '_' && c != ':');
        names.extend(words.filter(|word| word.contains(['_', ':']) || METRICS.contains(word)).map(str::to_owned));
    }
    for function in ["histogram_quantile", "min_over_time", "max_over_time"] {
        names.remove(function);
    }
    names
}

#[test]
fn rules_and_dashboards_ask_for_metrics_that_there_are() {
    let place = Place::empty();
    copy(&root().join("charts"), &place.path("charts"));
    let mut known: BTreeSet<String> = METRICS.map(str::to_owned).into();
    let mut queries = Vec::new();
    let json = place.json(&["render", "charts/monitoring", "--set", "prometheusRule=always", "--json"]);
    let objects = json["objects"].as_array().expect("objects");
    let rules = objects.iter().find(|one| one["object"]["kind"] == "PrometheusRule").expect("rules");
    for group in rules["object"]["spec"]["groups"].as_array().expect("groups") {
        for rule in group["rules"].as_array().expect("rules") {
            known.extend(rule["record"].as_str().map(str::to_owned));
            queries.push(rule["expr"].as_str().expect("a query").to_owned());
        }
    }
    for name in ["ledger.json", "cockroachdb.json"] {
        let text = std::fs::read_to_string(place.path("charts/monitoring/files/dashboards").join(name)).expect("read");
        let dashboard: Value = serde_json::from_str(&text).expect("JSON");
        let panels = dashboard["panels"].as_array().expect("panels");
        for target in panels.iter().flat_map(|panel| panel["targets"].as_array().expect("targets")) {
            queries.push(target["expr"].as_str().expect("a query").to_owned());
        }
    }
    assert!(queries.len() > 40, "{}", queries.len());
    let mut used = BTreeSet::new();
    for query in queries {
        let names = metrics(&query);
        assert!(!names.is_empty() && names.is_subset(&known), "{query}: {:?}", names.difference(&known));
        used.extend(names);
    }
    assert_eq!(used, known, "known, and used by nothing");
}
