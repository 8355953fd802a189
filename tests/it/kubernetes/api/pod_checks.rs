//! What the server refuses of a pod's spec.

use serde_json::Value;

use super::failure::Cause;
use super::json;
use super::quantity;

/// What is wrong with a pod's spec. `place` says where it is: `Always` for a pod, `Always only` for the template of a workload,
/// `Job` for that of a job.
pub fn spec(spec: Option<&Value>, path: &str, place: &str, causes: &mut Vec<Cause>) {
    let nothing = Value::Null;
    let spec = spec.unwrap_or(&nothing);
    volumes(spec, path, causes);
    let containers = json::list(spec, "containers");
    if containers.is_empty() {
        causes.push(Cause::required(&format!("{path}.containers"), ""));
    }
    for list in ["containers", "initContainers"] {
        let all = json::list(spec, list);
        for (index, one) in all.iter().enumerate() {
            let here = format!("{path}.{list}[{index}]");
            let name = json::text(one, "name");
            container(spec, one, &here, causes);
            if list == "initContainers" && json::text(one, "restartPolicy") != "Always" {
                for field in ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"] {
                    if json::at(one, field).is_some() {
                        let detail = "may not be set for init containers without restartPolicy=Always";
                        causes.push(Cause::forbidden(&format!("{here}.{field}"), detail));
                    }
                }
            }
            if !name.is_empty() && all[..index].iter().any(|other| json::text(other, "name") == name) {
                causes.push(Cause::duplicate(&format!("{here}.name"), name));
            }
        }
    }
    let policy = json::text(spec, "restartPolicy");
    let known: &[&str] = match place {
        "Job" => &["Never", "OnFailure"],
        "Always only" => &["Always"],
        _ => &["Always", "Never", "OnFailure"],
    };
    let field = format!("{path}.restartPolicy");
    if place == "Job" && policy == "Always" {
        let mut cause = Cause::unsupported(&field, policy, &["OnFailure", "Never"]);
        cause.message = "Required value: valid values: \"OnFailure\", \"Never\"".to_owned();
        cause.reason = "FieldValueRequired";
        causes.push(cause);
    } else if !policy.is_empty() && !known.contains(&policy) {
        causes.push(Cause::unsupported(&field, policy, known));
    }
}

fn volumes(spec: &Value, path: &str, causes: &mut Vec<Cause>) {
    let all = json::list(spec, "volumes");
    for (index, volume) in all.iter().enumerate() {
        let name = json::text(volume, "name");
        let field = format!("{path}.volumes[{index}].name");
        if name.is_empty() {
            causes.push(Cause::required(&field, ""));
        } else if all[..index].iter().any(|other| json::text(other, "name") == name) {
            causes.push(Cause::duplicate(&field, name));
        }
        let sources = volume.as_object().into_iter().flat_map(|fields| fields.keys()).filter(|name| *name != "name");
        let mut sources: Vec<&String> = sources.collect();
        sources.sort_by_key(|name| place(name));
        for source in sources.iter().skip(1) {
            let field = format!("{path}.volumes[{index}].{source}");
            causes.push(Cause::forbidden(&field, "may not specify more than 1 volume type"));
        }
    }
}

/// The place of a sort of volume in the order in which the server looks at them.
fn place(source: &str) -> usize {
    let order = "emptyDir hostPath gitRepo gcePersistentDisk awsElasticBlockStore secret nfs iscsi glusterfs flocker \
                 persistentVolumeClaim rbd cinder cephfs quobyte downwardAPI fc configMap azureFile vsphereVolume \
                 photonPersistentDisk portworxVolume azureDisk storageos projected scaleIO csi ephemeral image";
    order.split_whitespace().position(|one| one == source).unwrap_or(usize::MAX)
}

fn environment(one: &Value, path: &str, causes: &mut Vec<Cause>) {
    for (index, variable) in json::list(one, "env").iter().enumerate() {
        let field = format!("{path}.env[{index}]");
        if json::text(variable, "name").is_empty() {
            causes.push(Cause::required(&format!("{field}.name"), ""));
        }
        let Some(source) = json::at(variable, "valueFrom").and_then(Value::as_object) else { continue };
        let value = Value::String(String::new());
        let field = format!("{field}.valueFrom");
        if source.is_empty() {
            let detail = "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef`, `secretKeyRef` or \
                          `fileKeyRef`";
            causes.push(Cause::invalid(&field, &value, detail));
        }
        if !json::text(variable, "value").is_empty() && !source.is_empty() {
            causes.push(Cause::invalid(&field, &value, "may not be specified when `value` is not empty"));
        } else if source.len() > 1 {
            causes.push(Cause::invalid(&field, &value, "may not have more than one field specified at a time"));
        }
    }
}

fn container(spec: &Value, one: &Value, path: &str, causes: &mut Vec<Cause>) {
    if json::text(one, "name").is_empty() {
        causes.push(Cause::required(&format!("{path}.name"), ""));
    }
    if json::text(one, "image").is_empty() {
        causes.push(Cause::required(&format!("{path}.image"), ""));
    }
    let ports = json::list(one, "ports");
    for (index, port) in ports.iter().enumerate() {
        let name = json::text(port, "name");
        if !name.is_empty() && ports[..index].iter().any(|other| json::text(other, "name") == name) {
            causes.push(Cause::duplicate(&format!("{path}.ports[{index}].name"), name));
        }
        let number = json::number(port, "containerPort").unwrap_or(0);
        let field = format!("{path}.ports[{index}].containerPort");
        if number == 0 {
            causes.push(Cause::required(&field, ""));
        } else if !(1..=65535).contains(&number) {
            causes.push(Cause::invalid(&field, &number.into(), "must be between 1 and 65535, inclusive"));
        }
    }
    environment(one, path, causes);
    for (index, mount) in json::list(one, "volumeMounts").iter().enumerate() {
        let name = json::text(mount, "name");
        let sound = |volume: &&Value| volume.as_object().is_some_and(|fields| fields.len() == 2);
        if !json::list(spec, "volumes").iter().filter(sound).any(|volume| json::text(volume, "name") == name) {
            let field = format!("{path}.volumeMounts[{index}].name");
            let message = format!("Not found: {name:?}");
            causes.push(Cause { reason: "FieldValueNotFound", message, field });
        }
    }
    let policy = json::text(one, "imagePullPolicy");
    let known = ["Always", "IfNotPresent", "Never"];
    if !policy.is_empty() && !known.contains(&policy) {
        causes.push(Cause::unsupported(&format!("{path}.imagePullPolicy"), policy, &known));
    }
    amounts(one, path, causes);
}

/// What the server warns of in a pod's spec.
pub fn warnings(spec: &Value, path: &str) -> Vec<String> {
    let mut all = Vec::new();
    for list in ["initContainers", "containers"] {
        for (place, one) in json::list(spec, list).iter().enumerate() {
            let variables = json::list(one, "env");
            for (index, variable) in variables.iter().enumerate() {
                let name = json::text(variable, "name");
                if variables[..index].iter().any(|other| json::text(other, "name") == name) {
                    all.push(format!(
                        "{path}.{list}[{place}].env[{index}]: hides previous definition of {name:?}, which may be \
                         dropped when using apply"
                    ));
                }
            }
        }
    }
    all
}

fn amounts(one: &Value, path: &str, causes: &mut Vec<Cause>) {
    for side in ["limits", "requests"] {
        for (name, amount) in json::members(one, &format!("resources.{side}")) {
            if amount.as_str().is_some_and(|text| text.starts_with('-')) {
                let field = format!("{path}.resources.{side}[{name}]");
                causes.push(Cause::invalid(&field, amount, "must be greater than or equal to 0"));
            }
        }
    }
    for (name, request) in json::members(one, "resources.requests") {
        let limit = json::at(one, &format!("resources.limits.{name}"));
        let (Some(request), Some(limit)) = (request.as_str(), limit.and_then(Value::as_str)) else { continue };
        if quantity::thousandths(request) > quantity::thousandths(limit) {
            let field = format!("{path}.resources.requests");
            let detail = format!("must be less than or equal to {name} limit of {limit}");
            causes.push(Cause::invalid(&field, &request.into(), &detail));
        }
    }
}
