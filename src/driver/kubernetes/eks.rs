//! Clusters of EKS: an address, and tokens from AWS's own command line, as `aws eks update-kubeconfig` sets it up.
//!
//! <https://docs.aws.amazon.com/eks/latest/userguide/create-kubeconfig.html>

use std::process::Stdio;
use std::time::Duration;

use kube::config::Kubeconfig;
use serde_json::{Value, json};

use crate::driver::{Class, DriverError};

/// How long AWS's command line may take.
const TIMEOUT: Duration = Duration::from_secs(30);

/// A cluster of EKS.
#[derive(Clone, PartialEq, Eq)]
pub(super) struct Eks {
    pub name: String,
    pub region: String,
    /// Where its API answers, and the authority of its certificate, in base64. AWS is asked for what the spec leaves out.
    pub endpoint: Option<String>,
    pub certificate_authority: Option<String>,
    pub profile: Option<String>,
}

/// The kubeconfig of a cluster, whose only context has the cluster's name.
pub(super) async fn kubeconfig(eks: &Eks) -> Result<Kubeconfig, DriverError> {
    let (endpoint, authority) = match (&eks.endpoint, &eks.certificate_authority) {
        (Some(endpoint), Some(authority)) => (endpoint.clone(), authority.clone()),
        (endpoint, authority) => {
            let cluster = describe(eks).await?;
            let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
            let asked = (text(&cluster["endpoint"]), text(&cluster["certificateAuthority"]["data"]));
            (endpoint.clone().unwrap_or(asked.0), authority.clone().unwrap_or(asked.1))
        }
    };
    let arguments = arguments(eks, &["get-token", "--cluster-name"]);
    let profile = eks.profile.iter().map(|profile| json!({ "name": "AWS_PROFILE", "value": profile }));
    let kubeconfig = json!({
        "clusters": [{
            "name": eks.name,
            "cluster": { "server": endpoint, "certificate-authority-data": authority },
        }],
        "users": [{
            "name": eks.name,
            "user": { "exec": {
                "apiVersion": "client.authentication.k8s.io/v1beta1",
                "command": "aws",
                "args": arguments,
                "env": profile.collect::<Vec<_>>(),
                "interactiveMode": "Never",
            } },
        }],
        "contexts": [{ "name": eks.name, "context": { "cluster": eks.name, "user": eks.name } }],
    });
    serde_json::from_value(kubeconfig).map_err(|error| DriverError::new(Class::Invalid, error.to_string()))
}

fn arguments(eks: &Eks, command: &[&str]) -> Vec<String> {
    let words = ["--region", &eks.region, "eks"].into_iter().chain(command.iter().copied());
    words.chain([eks.name.as_str(), "--output", "json"]).map(str::to_owned).collect()
}

/// What AWS says of a cluster.
async fn describe(eks: &Eks) -> Result<Value, DriverError> {
    let mut command = tokio::process::Command::new("aws");
    command.args(arguments(eks, &["describe-cluster", "--name"])).stdin(Stdio::null()).kill_on_drop(true);
    if let Some(profile) = &eks.profile {
        command.env("AWS_PROFILE", profile);
    }
    let output = match tokio::time::timeout(TIMEOUT, command.output()).await {
        Ok(Ok(output)) => output,
        Ok(Err(error)) => {
            let hint = "install AWS's command line, which its tokens come from as well";
            return Err(DriverError::new(Class::Invalid, format!("`aws` can't be run: {error}; {hint}")));
        }
        Err(_) => {
            let message = format!("`aws eks describe-cluster` takes longer than {} s", TIMEOUT.as_secs());
            return Err(DriverError::new(Class::Unreachable, message));
        }
    };
    if !output.status.success() {
        return Err(refused(&String::from_utf8_lossy(&output.stderr)));
    }
    let answer: Value = serde_json::from_slice(&output.stdout).unwrap_or_default();
    match &answer["cluster"] {
        cluster if cluster["endpoint"].is_string() => Ok(cluster.clone()),
        cluster => {
            let status = cluster["status"].as_str().unwrap_or("unknown");
            let message = format!("EKS tells no address of `{}` yet: its status is {status}", eks.name);
            Err(DriverError::new(Class::Unreachable, message))
        }
    }
}

/// What AWS's command line complains about, with the class that its error's name tells.
fn refused(said: &str) -> DriverError {
    let said = said.trim().lines().last().unwrap_or("it failed without a word").trim();
    let any = |words: &[&str]| words.iter().any(|word| said.contains(word));
    let class = if any(&["AccessDenied", "UnrecognizedClient", "ExpiredToken", "InvalidSignature", "credentials"]) {
        Class::Denied
    } else if any(&["ResourceNotFound", "InvalidParameter", "config profile"]) {
        Class::Invalid
    } else {
        Class::Unreachable
    };
    DriverError::new(class, format!("`aws eks describe-cluster` says: {said}"))
}
