//! What the server refuses of an object, and of a change to one.

use serde_json::{Value, json};

use super::custom;
use super::failure::Cause;
use super::json;
use super::kinds::Kind;
use super::meta_checks;
use super::pod_checks;
use super::quantity;

/// What is wrong with an object.
pub fn object(kind: &Kind, object: &Value) -> Vec<Cause> {
    let mut causes = meta_checks::metadata(kind, object);
    if kind.custom {
        causes.extend(custom::refusals(&kind.schema, object, ""));
        return causes;
    }
    match kind.kind.as_str() {
        "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet" => workload(kind, object, &mut causes),
        "PodTemplate" => pod_checks::spec(json::at(object, "template.spec"), "template.spec", "Always", &mut causes),
        "Pod" => pod_checks::spec(json::at(object, "spec"), "spec", "Always", &mut causes),
        "Job" => {
            let template = json::at(object, "spec.template.spec");
            pod_checks::spec(template, "spec.template.spec", "Job", &mut causes);
        }
        "CronJob" => {
            if json::text(object, "spec.schedule").is_empty() {
                causes.push(Cause::required("spec.schedule", ""));
            }
            let template = json::at(object, "spec.jobTemplate.spec.template.spec");
            pod_checks::spec(template, "spec.jobTemplate.spec.template.spec", "Job", &mut causes);
        }
        "Service" => service(object, &mut causes),
        "ConfigMap" | "Secret" => {
            keys(object, &mut causes);
            size(object, &mut causes);
            let needed: &[&str] = match json::text(object, "type") {
                "kubernetes.io/tls" => &["tls.crt", "tls.key"],
                "kubernetes.io/dockerconfigjson" => &[".dockerconfigjson"],
                "kubernetes.io/ssh-auth" => &["ssh-privatekey"],
                _ => &[],
            };
            let data = object.get("data").unwrap_or(&Value::Null);
            for key in needed.iter().filter(|key| data.get(*key).is_none()) {
                causes.push(Cause::required(&format!("data[{key}]"), ""));
            }
        }
        "PersistentVolumeClaim" => claim(object, &mut causes),
        "StorageClass" if json::text(object, "provisioner").is_empty() => {
            causes.push(Cause::required("provisioner", ""));
        }
        "RoleBinding" | "ClusterRoleBinding" if json::text(object, "roleRef.name").is_empty() => {
            causes.push(Cause::required("roleRef.name", ""));
        }
        "PodDisruptionBudget" => budget(object, &mut causes),
        "LimitRange" => limits(object, &mut causes),
        "Ingress" => {
            let has = |field: &str| json::at(object, field).is_some_and(|value| !value.is_null());
            if !has("spec.defaultBackend") && json::list(object, "spec.rules").is_empty() {
                let detail = "either `defaultBackend` or `rules` must be specified";
                causes.push(Cause::invalid("spec", &Value::Null, detail));
            }
        }
        "HorizontalPodAutoscaler" => autoscaler(object, &mut causes),
        "CustomResourceDefinition" => definition(object, &mut causes),
        _ => {}
    }
    causes
}

/// Amounts that are above those that they have to be below.
fn limits(object: &Value, causes: &mut Vec<Cause>) {
    for (at, limit) in json::list(object, "spec.limits").iter().enumerate() {
        let amount =
            |of: &str, name: &str| limit[of][name].as_str().map(|text| (text.to_owned(), quantity::thousandths(text)));
        let names = ["min", "max", "default", "defaultRequest"].into_iter().flat_map(|of| json::members(limit, of));
        let mut names: Vec<&String> = names.map(|(name, _)| name).collect();
        names.sort();
        names.dedup();
        for name in names {
            let mut above = |(low, low_word): (&str, &str),
                             (high, high_word): (&str, &str),
                             field: &str,
                             shown_low: bool| {
                let (Some(less), Some(more)) = (amount(low, name), amount(high, name)) else { return };
                if less.1 > more.1 {
                    let shown = if shown_low { &less.0 } else { &more.0 };
                    let detail = format!("{low_word} value {} is greater than {high_word} value {}", less.0, more.0);
                    causes.push(Cause::invalid(&format!("spec.limits[{at}].{field}[{name}]"), &json!(shown), &detail));
                }
            };
            above(("min", "min"), ("max", "max"), "min", true);
            above(("min", "min"), ("defaultRequest", "default request"), "defaultRequest", false);
            above(("defaultRequest", "default request"), ("max", "max"), "defaultRequest", true);
            above(("defaultRequest", "default request"), ("default", "default limit"), "defaultRequest", true);
            above(("min", "min"), ("default", "default"), "default", true);
            above(("default", "default"), ("max", "max"), "default", true);
        }
    }
}

fn workload(kind: &Kind, object: &Value, causes: &mut Vec<Cause>) {
    if let Some(replicas) = json::number(object, "spec.replicas").filter(|replicas| *replicas < 0) {
        causes.push(Cause::invalid("spec.replicas", &replicas.into(), "must be greater than or equal to 0"));
    }
    let wanted: Vec<(&String, &Value)> = json::members(object, "spec.selector.matchLabels").collect();
    let more = !json::list(object, "spec.selector.matchExpressions").is_empty();
    if json::at(object, "spec.selector").is_none() {
        causes.push(Cause::required("spec.selector", ""));
    } else if wanted.is_empty() && !more {
        let selector = json::at(object, "spec.selector").cloned().unwrap_or_default();
        let detail = format!("empty selector is invalid for {}", kind.kind.to_lowercase());
        causes.push(Cause::invalid("spec.selector", &selector, &detail));
    }
    let labels = json::at(object, "spec.template.metadata.labels").cloned().unwrap_or(Value::Null);
    let selects = json::at(object, "spec.selector").is_some();
    if !selects || wanted.iter().any(|(name, value)| labels.get(name) != Some(value)) {
        let shown = if labels.is_null() { Value::Null } else { labels };
        let detail = "`selector` does not match template `labels`";
        causes.push(Cause::invalid("spec.template.metadata.labels", &shown, detail));
    }
    let partition = json::at(object, "spec.updateStrategy.rollingUpdate.partition").cloned();
    if let Some(partition) = partition.filter(|_| json::text(object, "spec.updateStrategy.type") == "OnDelete") {
        let shown = json!({ "Partition": partition, "MaxUnavailable": null });
        let detail = "only allowed for updateStrategy 'RollingUpdate'";
        causes.push(Cause::invalid("spec.updateStrategy.rollingUpdate", &shown, detail));
    }
    let spec = with_claims(object);
    pod_checks::spec(spec.as_ref(), "spec.template.spec", "Always only", causes);
    let recreate = json::text(object, "spec.strategy.type") == "Recreate";
    if recreate && json::at(object, "spec.strategy.rollingUpdate").is_some() {
        let detail = "may not be specified when strategy `type` is 'Recreate'";
        causes.push(Cause::forbidden("spec.strategy.rollingUpdate", detail));
    }
}

/// The spec of the pods of a workload, with a volume for each of its claims.
fn with_claims(object: &Value) -> Option<Value> {
    let mut spec = json::at(object, "spec.template.spec")?.clone();
    let mut volumes: Vec<Value> = json::list(object, "spec.volumeClaimTemplates")
        .iter()
        .map(|claim| {
            let name = json::text(claim, "metadata.name");
            json!({ "name": name, "persistentVolumeClaim": { "claimName": name } })
        })
        .collect();
    let claimed = volumes.clone();
    let free = |volume: &&Value| !claimed.iter().any(|claim| claim["name"] == volume["name"]);
    volumes.extend(json::list(&spec, "volumes").iter().filter(free).cloned());
    json::set(&mut spec, "volumes", volumes);
    Some(spec)
}

fn service(object: &Value, causes: &mut Vec<Cause>) {
    let ports = json::list(object, "spec.ports");
    let kind = json::text(object, "spec.type");
    let headless = json::text(object, "spec.clusterIP") == "None";
    if ports.is_empty() && kind != "ExternalName" && !headless {
        causes.push(Cause::required("spec.ports", ""));
    }
    let mut twice = Vec::new();
    for (index, port) in ports.iter().enumerate() {
        let path = format!("spec.ports[{index}]");
        let name = json::text(port, "name");
        if name.is_empty() && ports.len() > 1 {
            causes.push(Cause::required(&format!("{path}.name"), ""));
        }
        if !name.is_empty() && ports[..index].iter().any(|other| json::text(other, "name") == name) {
            causes.push(Cause::duplicate(&format!("{path}.name"), name));
        }
        let number = json::number(port, "port").unwrap_or(0);
        if !(1..=65535).contains(&number) {
            let detail = "must be between 1 and 65535, inclusive";
            causes.push(Cause::invalid(&format!("{path}.port"), &number.into(), detail));
        }
        let same =
            |other: &&Value| other.get("port") == port.get("port") && other.get("protocol") == port.get("protocol");
        if ports[..index].iter().any(|other| same(&other)) {
            let protocol = json::text(port, "protocol");
            let message = format!(
                "Duplicate value: {{\"Name\":\"\",\"Protocol\":{protocol:?},\"AppProtocol\":null,\"Port\":{number},\
                 \"TargetPort\":0,\"NodePort\":0}}"
            );
            twice.push(Cause { reason: "FieldValueDuplicate", message, field: path.clone() });
        }
        let target = json::number(port, "targetPort").filter(|target| !(1..=65535).contains(target));
        if let Some(target) = target {
            let detail = "must be between 1 and 65535, inclusive";
            causes.push(Cause::invalid(&format!("{path}.targetPort"), &target.into(), detail));
        }
    }
    causes.extend(twice);
    if kind == "ExternalName" && json::text(object, "spec.externalName").is_empty() {
        causes.push(Cause::required("spec.externalName", ""));
    }
    let known = ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"];
    if !known.contains(&kind) {
        causes.push(Cause::unsupported("spec.type", kind, &known));
    }
}

fn keys(object: &Value, causes: &mut Vec<Cause>) {
    for field in ["data", "binaryData"] {
        for (key, _) in json::members(object, field) {
            if field == "data" && object.get("binaryData").is_some_and(|other| other.get(key).is_some()) {
                let detail = "duplicate of key present in binaryData";
                causes.push(Cause::invalid(&format!("data[{key}]"), &key.as_str().into(), detail));
            }
            if key.is_empty() || !key.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)) {
                let detail = "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. \
                              'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is \
                              '[-._a-zA-Z0-9]+')";
                causes.push(Cause::invalid(&format!("{field}[{key}]"), &key.as_str().into(), detail));
            }
        }
    }
}

/// What is too much for one object.
fn size(object: &Value, causes: &mut Vec<Cause>) {
    let texts = ["data", "binaryData"].iter().flat_map(|field| json::members(object, field));
    let total: usize = texts.map(|(_, value)| value.as_str().map_or(0, str::len)).sum();
    if total > 1_048_576 {
        let message = "Too long: may not be more than 1048576 bytes".to_owned();
        let field = if json::text(object, "kind") == "Secret" { "data" } else { "[]" }.to_owned();
        causes.push(Cause { reason: "FieldValueTooLong", message, field });
    }
}

fn claim(object: &Value, causes: &mut Vec<Cause>) {
    if json::list(object, "spec.accessModes").is_empty() {
        causes.push(Cause::required("spec.accessModes", "at least 1 access mode is required"));
    }
    if json::at(object, "spec.resources.requests.storage").is_none() {
        causes.push(Cause::required("spec.resources[storage]", ""));
    }
}

fn budget(object: &Value, causes: &mut Vec<Cause>) {
    let of = |name: &str| json::at(object, &format!("spec.{name}")).cloned().unwrap_or_default();
    let (least, most) = (of("minAvailable"), of("maxUnavailable"));
    if !least.is_null() && !most.is_null() {
        let shown = json!({ "MinAvailable": least, "Selector": of("selector"), "MaxUnavailable": most,
            "UnhealthyPodEvictionPolicy": of("unhealthyPodEvictionPolicy") });
        causes.push(Cause::invalid("spec", &shown, "minAvailable and maxUnavailable cannot be both set"));
    }
}

fn autoscaler(object: &Value, causes: &mut Vec<Cause>) {
    let most = json::number(object, "spec.maxReplicas").unwrap_or(0);
    if most < 1 {
        causes.push(Cause::required("spec.maxReplicas", "must be set and greater than 0"));
    }
    if most < json::number(object, "spec.minReplicas").unwrap_or(1) {
        let detail = "must be greater than or equal to `minReplicas`";
        causes.push(Cause::invalid("spec.maxReplicas", &most.into(), detail));
    }
    if json::text(object, "spec.scaleTargetRef.kind").is_empty() {
        causes.push(Cause::required("spec.scaleTargetRef.kind", ""));
    }
    if json::text(object, "spec.scaleTargetRef.name").is_empty() {
        causes.push(Cause::required("spec.scaleTargetRef.name", ""));
    }
    let api = json::text(object, "spec.scaleTargetRef.apiVersion");
    if api.is_empty() {
        let detail = "apiVersion must specify API group";
        causes.push(Cause::invalid("spec.scaleTargetRef.apiVersion", &api.into(), detail));
    }
}

fn definition(object: &Value, causes: &mut Vec<Cause>) {
    let expected = format!("{}.{}", json::text(object, "spec.names.plural"), json::text(object, "spec.group"));
    let name = json::text(object, "metadata.name");
    if name != expected {
        let detail = "must be spec.names.plural+\".\"+spec.group";
        causes.push(Cause::invalid("metadata.name", &name.into(), detail));
    }
    let stored = json::list(object, "spec.versions")
        .iter()
        .filter(|version| version.get("storage") == Some(&Value::Bool(true)))
        .count();
    if stored != 1 {
        let detail = "must have exactly one version marked as storage version";
        let versions = json::at(object, "spec.versions").cloned().unwrap_or_default();
        causes.push(Cause::invalid("spec.versions", &versions, detail));
    }
    for (index, version) in json::list(object, "spec.versions").iter().enumerate() {
        if json::at(version, "schema.openAPIV3Schema").is_none() {
            let path = format!("spec.versions[{index}].schema.openAPIV3Schema");
            causes.push(Cause::required(&path, ""));
        }
    }
}
