//! The server as tests see it.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};

use super::body::{Options, Target};
use super::controllers::settle;
use super::delete::delete;
use super::json;
use super::patch;
use super::serving::{Failing, Request, Shared, listen, locked};
use super::world::World;
use super::write;

/// A server on its own thread. It stops when it is dropped.
pub struct ApiServer {
    shared: Arc<Shared>,
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl ApiServer {
    /// Starts a server on a free port of this machine.
    pub fn start() -> Self {
        Self::start_at("127.0.0.1:0")
    }

    /// Starts a server on a free port of an address, for containers to reach it.
    pub fn start_at(address: &str) -> Self {
        let mut world = World::default();
        settle(&mut world);
        let shared = Arc::new(Shared {
            world: Mutex::new(world),
            changed: watch::Sender::new(0),
            failing: Mutex::default(),
            requests: Mutex::default(),
            token: Mutex::default(),
        });
        let listener = std::net::TcpListener::bind(address).expect("a free port");
        listener.set_nonblocking(true).expect("a socket that does not block");
        let address = listener.local_addr().expect("an address");
        let (stop, stopped) = oneshot::channel();
        let served = shared.clone();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async move {
                let listener = TcpListener::from_std(listener).expect("a listener");
                listen(served, listener, stopped).await;
            });
        });
        let server = Self { shared, address, stop: Some(stop), thread: Some(thread) };
        for name in ["default", "kube-node-lease", "kube-public", "kube-system"] {
            server.create(
                "kube-apiserver",
                json!({ "apiVersion": "v1", "kind": "Namespace",
                "metadata": { "name": name } }),
            );
        }
        server
    }

    /// Where it listens.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A kubeconfig with one context.
    pub fn kubeconfig(&self, context: &str) -> String {
        let url = self.url();
        format!(
            "apiVersion: v1\nkind: Config\ncurrent-context: {context}\nclusters:\n- name: {context}\n  cluster:\n    \
             server: {url}\ncontexts:\n- name: {context}\n  context:\n    cluster: {context}\n    user: {context}\n\
             users:\n- name: {context}\n  user: {{}}\n"
        )
    }

    fn key(world: &World, kind: &str, namespace: Option<&str>, name: &str) -> Option<Target> {
        let kind = world.named(kind)?;
        let (namespace, name) = (namespace.unwrap_or_default().to_owned(), name.to_owned());
        Some(Target { kind, namespace, name, subresource: String::new() })
    }

    /// An object as it is kept.
    pub fn object(&self, kind: &str, namespace: Option<&str>, name: &str) -> Option<Value> {
        let world = locked(&self.shared.world);
        let target = Self::key(&world, kind, namespace, name)?;
        world.get(&target.key()).cloned()
    }

    /// All objects of a kind.
    pub fn objects(&self, kind: &str) -> Vec<Value> {
        let world = locked(&self.shared.world);
        let Some(kind) = world.named(kind) else { return Vec::new() };
        world.list(&kind, "").into_iter().map(|(_, object)| object.clone()).collect()
    }

    /// A merge patch, as another client with its own manager would send it.
    pub fn edit(&self, manager: &str, kind: &str, namespace: Option<&str>, name: &str, merge_patch: Value) {
        self.write(manager, kind, namespace, name, "", merge_patch);
    }

    fn write(&self, manager: &str, kind: &str, namespace: Option<&str>, name: &str, subresource: &str, patch: Value) {
        let options = Options { manager: manager.to_owned(), ..Options::default() };
        let done = self.shared.change(|world| {
            let mut target = Self::key(world, kind, namespace, name).expect("a kind that is served");
            target.subresource = subresource.to_owned();
            write::modify(world, &target, &options, |live| {
                let mut object = live.clone();
                patch::merge(&mut object, &patch);
                Ok(object)
            })
        });
        if let Err(failure) = done {
            panic!("the edit of {kind} {name} was refused: {}", failure.body);
        }
    }

    /// Creates an object, as another client with its own manager would.
    pub fn create(&self, manager: &str, object: Value) {
        let options = Options { manager: manager.to_owned(), ..Options::default() };
        let done = self.shared.change(|world| {
            let kind = world.kind_of(&object).expect("a kind that is served");
            let namespace = json::text(&object, "metadata.namespace").to_owned();
            let namespace = if namespace.is_empty() && kind.namespaced { "default".to_owned() } else { namespace };
            let target = Target { kind, namespace, name: String::new(), subresource: String::new() };
            write::create(world, &target, &object, &options)
        });
        if let Err(failure) = done {
            panic!("the create was refused: {}", failure.body);
        }
    }

    /// Deletes an object, as another client would: finalizers hold it.
    pub fn delete(&self, kind: &str, namespace: Option<&str>, name: &str) {
        let done = self.shared.change(|world| {
            let target = Self::key(world, kind, namespace, name).expect("a kind that is served");
            let how = json!({ "propagationPolicy": "Background" });
            delete(world, &target.kind, &target.key(), &how, false)
        });
        if let Err(failure) = done {
            panic!("the deletion of {kind} {name} was refused: {}", failure.body);
        }
    }

    /// Gives an object another status, as its controller would. Controllers leave it so as long as it has seen the newest
    /// generation.
    pub fn set_status(&self, kind: &str, namespace: Option<&str>, name: &str, status: Value) {
        let options = Options { manager: "kube-controller-manager".to_owned(), ..Options::default() };
        let done = self.shared.change(|world| {
            let mut target = Self::key(world, kind, namespace, name).expect("a kind that is served");
            if target.kind.status {
                target.subresource = "status".to_owned();
            }
            write::modify(world, &target, &options, |live| {
                let mut object = live.clone();
                json::set(&mut object, "status", status);
                Ok(object)
            })
        });
        if let Err(failure) = done {
            panic!("the status of {kind} {name} was refused: {}", failure.body);
        }
    }

    /// Whether controllers do their work. They do at first. Without them nothing moves: no definition is established, no
    /// finalizer of the server's own is taken off, and no namespace gets its service account.
    pub fn controllers(&self, on: bool) {
        self.shared.change(|world| {
            world.controllers = on;
            world.settled = 0;
        });
    }

    /// The next requests that match fail so. Status 0: the connection is dropped. An empty method is any.
    pub fn fail(&self, method: &str, path_contains: &str, count: usize, status: u16, retry_after: Option<u32>) {
        let (method, path) = (method.to_owned(), path_contains.to_owned());
        locked(&self.shared.failing).push(Failing { method, path, count, status, retry_after, message: None });
    }

    /// The same, with what the server says.
    pub fn fail_saying(&self, method: &str, path_contains: &str, count: usize, status: u16, message: &str) {
        let (method, path, message) = (method.to_owned(), path_contains.to_owned(), Some(message.to_owned()));
        locked(&self.shared.failing).push(Failing { method, path, count, status, retry_after: None, message });
    }

    /// Lets in only those who have this token.
    pub fn ask_for_token(&self, token: &str) {
        *locked(&self.shared.token) = Some(token.to_owned());
    }

    /// The requests that came, in order.
    pub fn requests(&self) -> Vec<Request> {
        locked(&self.shared.requests).clone()
    }

    /// Forgets the requests that came.
    pub fn forget_requests(&self) {
        locked(&self.shared.requests).clear();
    }

    /// Hangs in a function that changes objects on their way in. It must not ask this server for anything.
    pub fn mutate(&self, f: impl Fn(&str, &mut Value) + Send + Sync + 'static) {
        locked(&self.shared.world).mutate.push(Arc::new(f));
    }

    /// Hangs in a function that refuses objects on their way in. It must not ask this server for anything. The operation is `CREATE`, `UPDATE` or `DELETE`.
    pub fn validate(&self, f: impl Fn(&str, &Value) -> Result<(), String> + Send + Sync + 'static) {
        locked(&self.shared.world).validate.push(Arc::new(f));
    }

    /// What the containers of a pod said.
    pub fn set_log(&self, namespace: &str, pod: &str, text: &str) {
        locked(&self.shared.world).logs.insert((namespace.to_owned(), pod.to_owned()), text.to_owned());
    }

    /// Forgets what happened until now: watches and lists that begin in an older version fail with 410.
    pub fn forget_history(&self) {
        let mut world = locked(&self.shared.world);
        world.oldest = world.version();
    }
}

impl Drop for ApiServer {
    fn drop(&mut self) {
        if let Some(stop) = self.stop.take() {
            // The thread may have ended on its own.
            let _ = stop.send(());
        }
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}
