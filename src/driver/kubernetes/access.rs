//! How a cluster is reached: by an entry of a kubeconfig, chosen as `kubectl` chooses it, or as EKS is.
//!
//! <https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/>

use std::path::{Path, PathBuf};
use std::time::Duration;

use kube::config::{ExecInteractiveMode, KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};

use super::eks::{self, Eks};
use super::error::{classify, unusable};
use crate::driver::{Class, DriverError, Variables};
use crate::identity::Identity;
use crate::value::{Attributes, Value};

/// How long it may take to connect.
const CONNECT: Duration = Duration::from_secs(3);
/// How long one question may take, with whatever has to be run for the credentials.
pub(super) const ANSWER: Duration = Duration::from_secs(15);

/// How one cluster is reached.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Access {
    /// By a context of some kubeconfigs, of which the first that knows a name counts.
    Context { files: Vec<PathBuf>, context: String },
    /// Through AWS.
    Eks(Eks),
}

impl Access {
    /// How a cluster's attributes say that it is reached; none when it is not there already.
    pub fn of(identity: &Identity, attributes: &Attributes, base: &Path, variables: &Variables) -> Option<Self> {
        let get = |path: &str| attributes.at(path).and_then(Value::as_str).map(str::to_owned);
        if let Some(context) = get("kubeconfig.context") {
            let files = files(get("kubeconfig.file").as_deref(), base, variables);
            return Some(Self::Context { files, context });
        }
        let eks = attributes.get("eks");
        (!eks.is_null()).then(|| {
            Self::Eks(Eks {
                name: get("eks.name").unwrap_or_else(|| identity.name().into_owned()),
                region: get("region").unwrap_or_default(),
                endpoint: get("eks.endpoint"),
                certificate_authority: get("eks.certificate_authority"),
                profile: get("eks.profile"),
            })
        })
    }

    async fn kubeconfig(&self) -> Result<(Kubeconfig, String), DriverError> {
        match self {
            Self::Eks(eks) => Ok((eks::kubeconfig(eks).await?, eks.name.clone())),
            Self::Context { files, context } => {
                let all = read(files)?;
                if !all.contexts.iter().any(|one| one.name == *context) {
                    return Err(without(context, &all, files));
                }
                Ok((all, context.clone()))
            }
        }
    }
}

/// The kubeconfigs that count: the spec's own, or the user's.
fn files(own: Option<&str>, base: &Path, variables: &Variables) -> Vec<PathBuf> {
    match own.map(|own| (own, own.strip_prefix("~/"))) {
        Some((_, Some(rest))) => vec![home(variables).unwrap_or_default().join(rest)],
        Some((own, None)) => vec![base.join(own)],
        None => kubeconfigs(variables),
    }
}

/// The user's own kubeconfigs: those of `KUBECONFIG`, or the one at the usual place. The first is the one to write to.
pub fn kubeconfigs(variables: &Variables) -> Vec<PathBuf> {
    match variables("KUBECONFIG").filter(|paths| !paths.is_empty()) {
        Some(paths) => std::env::split_paths(&paths).filter(|path| !path.as_os_str().is_empty()).collect(),
        None => home(variables).map(|home| home.join(".kube/config")).into_iter().collect(),
    }
}

fn home(variables: &Variables) -> Option<PathBuf> {
    variables("HOME").filter(|home| !home.is_empty()).map(PathBuf::from)
}

/// What several kubeconfigs say together. One that is not there says nothing.
fn read(files: &[PathBuf]) -> Result<Kubeconfig, DriverError> {
    let mut all = Kubeconfig::default();
    for file in files.iter().filter(|file| file.exists()) {
        let one = Kubeconfig::read_from(file).map_err(|error| unusable(&format!("`{}`", file.display()), &error))?;
        all = all.merge(one).map_err(|error| unusable(&format!("`{}`", file.display()), &error))?;
    }
    Ok(all)
}

fn without(context: &str, all: &Kubeconfig, files: &[PathBuf]) -> DriverError {
    let names: Vec<&str> = all.contexts.iter().map(|one| one.name.as_str()).collect();
    let there = match names.as_slice() {
        [] => "there is none at all".to_owned(),
        names => format!("there are {}", names.join(", ")),
    };
    let files: Vec<String> = files.iter().map(|file| format!("`{}`", file.display())).collect();
    DriverError::new(Class::Invalid, format!("no context `{context}` in {}; {there}", files.join(", ")))
}

/// A client of a cluster, and where its API answers. Nothing is asked of the API yet.
pub(super) async fn connect(access: &Access) -> Result<(Client, String), DriverError> {
    let (kubeconfig, context) = access.kubeconfig().await?;
    client(kubeconfig, Some(context)).await
}

/// A client of the cluster that a context of a kubeconfig names, and where its API answers.
async fn client(mut kubeconfig: Kubeconfig, context: Option<String>) -> Result<(Client, String), DriverError> {
    // Nobody is there to answer a program that asks for a password.
    for user in kubeconfig.auth_infos.iter_mut().filter_map(|user| user.auth_info.as_mut()) {
        if let Some(exec) = &mut user.exec {
            exec.interactive_mode = Some(ExecInteractiveMode::Never);
        }
    }
    let options = KubeConfigOptions { context, ..KubeConfigOptions::default() };
    let config = Config::from_custom_kubeconfig(kubeconfig, &options).await;
    let mut config = config.map_err(|error| unusable("the kubeconfig", &error))?;
    config.connect_timeout = Some(CONNECT);
    // Steps are tried again by the engine, so the client does not.
    config.default_retry = false;
    let endpoint = config.cluster_url.to_string().trim_end_matches('/').to_owned();
    // Credentials may come from a program, which is waited for.
    let made = tokio::task::spawn_blocking(move || Client::try_from(config));
    match tokio::time::timeout(ANSWER, made).await {
        Ok(Ok(made)) => Ok((made.map_err(|error| classify(&error))?, endpoint)),
        Ok(Err(error)) => Err(DriverError::new(Class::Transient, error.to_string())),
        Err(_) => {
            let message = format!("the program for its credentials does not end within {} s", ANSWER.as_secs());
            Err(DriverError::new(Class::Unreachable, message))
        }
    }
}

/// A client of the cluster that is current in a kubeconfig as a cluster itself writes it, reached at an address.
///
/// # Errors
/// When the kubeconfig can't be used.
#[cfg(feature = "docker")]
pub async fn client_of(mut kubeconfig: serde_json::Value, server: &str) -> Result<Client, DriverError> {
    kubeconfig["clusters"][0]["cluster"]["server"] = server.into();
    let kubeconfig = serde_json::from_value(kubeconfig)
        .map_err(|error| DriverError::new(Class::Invalid, format!("the kubeconfig can't be used: {error}")))?;
    client(kubeconfig, None).await.map(|(client, _)| client)
}

/// Asks whether a cluster's API is ready: <https://kubernetes.io/docs/reference/using-api/health-checks/>.
///
/// # Errors
/// [`Class::Unreachable`] when it is not, or does not answer; [`Class::Denied`] when it takes no such credentials.
pub async fn ready(client: &Client) -> Result<(), DriverError> {
    let request = http::Request::get("/readyz").body(Vec::new());
    let request = request.map_err(|error| DriverError::new(Class::Invalid, error.to_string()))?;
    match tokio::time::timeout(ANSWER, client.request_text(request)).await {
        Ok(answer) => answer.map(drop).map_err(|error| classify(&error)),
        Err(_) => Err(DriverError::new(Class::Unreachable, format!("no answer within {} s", ANSWER.as_secs()))),
    }
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};
    use std::sync::Arc;

    use super::{Variables, files};

    #[test]
    fn kubeconfigs_are_found_where_kubectl_finds_them() {
        let with = |pairs: &'static [(&str, &str)]| -> Variables {
            Arc::new(move |name| pairs.iter().find(|(own, _)| *own == name).map(|(_, value)| (*value).to_owned()))
        };
        let base = Path::new("/srv/spec");
        let home: &'static [(&str, &str)] = &[("HOME", "/home/ada")];
        let listed: &'static [(&str, &str)] = &[("HOME", "/home/ada"), ("KUBECONFIG", "/a::/b")];
        for (own, pairs, wanted) in [
            (None, home, vec!["/home/ada/.kube/config"]),
            (None, listed, vec!["/a", "/b"]),
            (Some("~/work.yaml"), listed, vec!["/home/ada/work.yaml"]),
            (Some("clusters/work.yaml"), listed, vec!["/srv/spec/clusters/work.yaml"]),
            (Some("/etc/work.yaml"), home, vec!["/etc/work.yaml"]),
        ] {
            let wanted: Vec<PathBuf> = wanted.into_iter().map(PathBuf::from).collect();
            assert_eq!(files(own, base, &with(pairs)), wanted, "{own:?}");
        }
    }
}
