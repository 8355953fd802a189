//! The server's sockets: requests in, answers and streams out, failures on demand.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http_body_util::{BodyExt, Either, Full, channel::Channel, channel::Sender};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{Request as HttpRequest, Response};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::{oneshot, watch};

use super::answer::{Answer, answer};
use super::asked::Asked;
use super::controllers::settle;
use super::failure::Failure;
use super::json;
use super::watching::Watch;
use super::world::World;

/// A request that came, and how it was answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The method.
    pub method: String,
    /// The path.
    pub path: String,
    /// The query, as it came.
    pub query: String,
    /// The status code of the answer; 0 if the connection was dropped.
    pub status: u16,
}

/// Requests that are to fail.
pub struct Failing {
    /// The method; empty for any.
    pub method: String,
    /// What the path with its query contains, in this order; `*` stands between two parts.
    pub path: String,
    /// How many of them.
    pub count: usize,
    /// The status code; 0 for a dropped connection.
    pub status: u16,
    /// After how many seconds the client may try again.
    pub retry_after: Option<u32>,
    /// What is said; a usual message for the code where it is none.
    pub message: Option<String>,
}

/// What the thread of the server and the test share.
pub struct Shared {
    /// All that the server holds.
    pub world: Mutex<World>,
    /// The newest version, for those who wait for it.
    pub changed: watch::Sender<u64>,
    /// Requests that are to fail.
    pub failing: Mutex<Vec<Failing>>,
    /// Requests that came.
    pub requests: Mutex<Vec<Request>>,
    /// The token that everybody has to have, where one is asked for.
    pub token: Mutex<Option<String>>,
}

/// The sort of a list of all groups with their resources.
const DISCOVERY: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

type Body = Either<Full<Bytes>, Channel<Bytes>>;

/// What a mutex guards, even if somebody panicked with it.
pub fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    /// Changes the world, lets the controllers work, and wakes the watches.
    pub fn change<T>(&self, change: impl FnOnce(&mut World) -> T) -> T {
        let mut world = locked(&self.world);
        let done = change(&mut world);
        settle(&mut world);
        self.changed.send_replace(world.version());
        done
    }

    /// How a request is to fail, if it is; none where its connection is to be dropped.
    fn failure(&self, method: &str, path: &str) -> Option<Option<Failure>> {
        let mut all = locked(&self.failing);
        let fits = |one: &&mut Failing| {
            one.count > 0 && (one.method.is_empty() || one.method == method) && contains(path, &one.path)
        };
        let found = all.iter_mut().find(fits)?;
        found.count -= 1;
        let mut failure = injected(found.status, found.retry_after);
        if let Some(message) = &found.message {
            json::set(&mut failure.body, "message", json!(message));
        }
        Some((found.status > 0).then_some(failure))
    }

    /// Whether somebody may ask at all.
    fn knows(&self, authorization: &str) -> bool {
        locked(&self.token).as_ref().is_none_or(|token| authorization == format!("Bearer {token}"))
    }
}

fn contains(path: &str, parts: &str) -> bool {
    let mut rest = path;
    parts.split('*').all(|part| match rest.split_once(part) {
        Some((_, more)) => {
            rest = more;
            true
        }
        None => false,
    })
}

fn injected(status: u16, retry_after: Option<u32>) -> Failure {
    let (reason, message) = match status {
        400 => ("BadRequest", "the server rejected our request for an unknown reason"),
        401 => ("Unauthorized", "Unauthorized"),
        403 => ("Forbidden", "forbidden: User \"system:anonymous\" cannot do this"),
        404 => ("NotFound", "the server could not find the requested resource"),
        409 => (
            "Conflict",
            "Operation cannot be fulfilled: the object has been modified; please apply your changes to the \
                              latest version and try again",
        ),
        410 => ("Expired", "The resourceVersion for the provided watch is too old."),
        429 => ("TooManyRequests", "too many requests, please try again later."),
        503 => ("ServiceUnavailable", "the server is currently unable to handle the request"),
        504 => ("Timeout", "Timeout: request did not complete within the allotted timeout"),
        _ => ("InternalError", "Internal error occurred: injected"),
    };
    let mut failure = Failure::new(status, reason, message);
    failure.retry_after = retry_after;
    if let Some(seconds) = retry_after {
        json::set(&mut failure.body, "details", json!({ "retryAfterSeconds": seconds }));
    }
    failure
}

async fn serve(shared: Arc<Shared>, request: HttpRequest<Incoming>) -> Result<Response<Body>, &'static str> {
    let (parts, body) = request.into_parts();
    let header =
        |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default().to_owned();
    let query = parts.uri.query().unwrap_or_default().to_owned();
    let asked = Asked {
        method: parts.method.to_string(),
        path: parts.uri.path().to_owned(),
        query: Asked::parse_query(&query),
        accept: header("accept"),
        content_type: header("content-type"),
        agent: header("user-agent"),
        body: body.collect().await.map_err(|_| "the body did not come")?.to_bytes().to_vec(),
    };
    let note = |status: u16| {
        let (method, path) = (asked.method.clone(), asked.path.clone());
        locked(&shared.requests).push(Request { method, path, query: query.clone(), status });
    };
    let answered = match shared.failure(&asked.method, &format!("{}?{query}", asked.path)) {
        _ if !shared.knows(&header("authorization")) => Err(injected(401, None)),
        Some(None) => {
            note(0);
            return Err("dropped");
        }
        Some(Some(failure)) => Err(failure),
        None => {
            // A read changes nothing, but controllers that were just turned on have their work done before it.
            shared.change(|world| answer(world, &asked))
        }
    };
    let response = match answered {
        Ok(Answer::Json(code, body, warnings)) => {
            let whole = json::text(&body, "kind") == "APIGroupDiscoveryList";
            let sort = if whole { DISCOVERY } else { "application/json" };
            reply(code, sort, body.to_string(), &warnings, None)
        }
        Ok(Answer::Text(code, text)) => reply(code, "text/plain; charset=utf-8", text, &[], None),
        Ok(Answer::Watch(watch, first)) => stream(&shared, *watch, &first, asked.word("timeoutSeconds")),
        Err(failure) => reply(failure.code, "application/json", failure.body.to_string(), &[], failure.retry_after),
    };
    note(response.status().as_u16());
    Ok(response)
}

fn reply(code: u16, sort: &str, body: String, warnings: &[String], retry_after: Option<u32>) -> Response<Body> {
    let mut response = Response::builder().status(code).header("content-type", sort);
    for warning in warnings {
        response = response.header("warning", format!("299 - \"{}\"", warning.replace('"', "\\\"")));
    }
    if let Some(seconds) = retry_after {
        response = response.header("retry-after", seconds);
    }
    response.body(Either::Left(Full::new(Bytes::from(body)))).expect("a response of plain parts")
}

fn stream(shared: &Arc<Shared>, watch: Watch, first: &[Value], seconds: &str) -> Response<Body> {
    let (sender, body) = Channel::new(64);
    let limit = Duration::from_secs(seconds.parse().unwrap_or(1800));
    let (shared, first) = (shared.clone(), first.to_vec());
    tokio::spawn(async move {
        // The client may go before the time is over; then there is nobody left to tell.
        drop(tokio::time::timeout(limit, follow(&shared, watch, &first, sender)).await);
    });
    Response::builder()
        .status(200)
        .header("content-type", "application/json")
        .body(Either::Right(body))
        .expect("a response of plain parts")
}

async fn follow(shared: &Shared, mut watch: Watch, first: &[Value], mut sender: Sender<Bytes>) {
    let mut changes = shared.changed.subscribe();
    let mut events = first.to_vec();
    loop {
        for event in &events {
            if sender.send_data(Bytes::from(format!("{event}\n"))).await.is_err() {
                return;
            }
        }
        if watch.ended() {
            return;
        }
        changes.mark_unchanged();
        events = watch.next(&locked(&shared.world));
        if events.is_empty() && changes.changed().await.is_err() {
            return;
        }
    }
}

/// Answers requests until it is told to stop.
pub async fn listen(shared: Arc<Shared>, listener: TcpListener, stop: oneshot::Receiver<()>) {
    let accept = async {
        while let Ok((socket, _)) = listener.accept().await {
            let shared = shared.clone();
            tokio::spawn(async move {
                let service = service_fn(move |request| serve(shared.clone(), request));
                let connection =
                    hyper::server::conn::http1::Builder::new().serve_connection(TokioIo::new(socket), service);
                // A client that goes, or one that was dropped on purpose, is none of the server's troubles.
                drop(connection.await);
            });
        }
    };
    tokio::select! {
        () = accept => {}
        _ = stop => {}
    }
}
