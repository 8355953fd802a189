//! A proxy between Atlas and a server. It counts requests, and makes some of them fail.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// A proxy in front of a server: it counts requests and spoils some of them.
pub struct Proxy {
    port: u16,
    pub requests: Arc<AtomicUsize>,
    pub heads: Arc<Mutex<Vec<String>>>,
    /// What was asked for, as [`call`] reads it.
    pub calls: Arc<Mutex<Vec<String>>>,
    pub log: Arc<Log>,
    _runtime: tokio::runtime::Runtime,
}

/// What went through a proxy.
#[derive(Default)]
pub struct Log {
    pub requests: Mutex<Vec<String>>,
    /// The answers that hold credentials.
    pub credentials: Mutex<Vec<String>>,
}

impl Log {
    /// What was put last as S3's document of a name.
    pub fn put_last(&self, name: &str) -> Option<String> {
        let requests = self.requests.lock().expect("sound");
        let put = requests.iter().rev().find(|request| call(request) == format!("S3 PUT {name}"))?;
        put.split_once("\r\n\r\n").map(|(_, body)| body.to_owned())
    }
}

/// What a proxy does besides forwarding requests.
#[derive(Clone, Copy)]
pub enum Spoil {
    Nothing,
    /// One request in so many fails: with 503 before it arrives, or with 500 or 429 after it was carried out.
    OneIn(usize),
    /// One request in so many is answered with 500 after it was carried out.
    Lost(usize),
    /// A request whose first line contains this is denied.
    Deny(&'static str),
    /// A request to one of these services is denied.
    DenyServices(&'static [&'static str]),
    /// A request whose first line contains this is answered as done, and is not carried out.
    Swallow(&'static str),
    /// The first so many requests that contain this are answered with this error, and are not carried out.
    First(&'static str, usize, Failure),
    /// Calls that begin so are answered as done, and are not carried out.
    Done(&'static [&'static str]),
    /// S3's document of this name is told as it was put last, also words that the server does not know.
    Keeps(&'static str),
    /// Credentials end so many seconds earlier than the server says.
    EndsEarly(i64),
    /// Once a request came whose first line contains this, every request for a list is answered with this status.
    NoListsAfter(&'static str, u16),
}

/// An error as a service says it.
#[derive(Clone, Copy)]
pub struct Failure {
    pub status: u16,
    pub code: &'static str,
    pub message: &'static str,
}

impl Failure {
    /// As S3, SQS or IAM would say it to this request.
    fn answer(self, request: &str) -> Vec<u8> {
        let Self { status, code, message } = self;
        let error = format!("<Error><Code>{code}</Code><Message>{message}</Message></Error>");
        let body = if request.contains("Action=") {
            format!("<ErrorResponse>{error}</ErrorResponse>")
        } else if request.contains("AmazonSQS.") {
            format!("{{\"__type\":\"com.amazonaws.sqs#{code}\",\"message\":\"{message}\"}}")
        } else {
            error
        };
        let head = format!("HTTP/1.1 {status} {code}\r\ncontent-length: {}\r\n\r\n", body.len());
        (head + &body).into_bytes()
    }
}

/// What tells a request for a list: S3 says it in the address, SQS in a header, and IAM in the body.
const LISTS: [&str; 3] = ["x-id=ListBuckets", "AmazonSQS.ListQueues", "Action=List"];

impl Proxy {
    pub fn before(server: &str, spoil: Spoil) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let listener = runtime.block_on(tokio::net::TcpListener::bind("127.0.0.1:0")).expect("a port");
        let port = listener.local_addr().expect("known").port();
        let server = server.trim_start_matches("http://").to_owned();
        let requests = Arc::new(AtomicUsize::new(0));
        let heads = Arc::new(Mutex::new(Vec::new()));
        let calls = Arc::new(Mutex::new(Vec::new()));
        let log = Arc::<Log>::default();
        let (asked, kept) = (Arc::clone(&calls), Arc::clone(&log));
        let (count, seen) = (Arc::clone(&requests), Arc::clone(&heads));
        let spoilt = Arc::new(AtomicUsize::new(0));
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (server, count, seen) = (server.clone(), Arc::clone(&count), Arc::clone(&seen));
                let (spoilt, asked, kept) = (Arc::clone(&spoilt), Arc::clone(&asked), Arc::clone(&kept));
                tokio::spawn(async move {
                    // A connection that breaks is handled by the client.
                    let _ = serve(stream, &server, (&count, &spoilt), (&seen, &asked, &kept), spoil).await;
                });
            }
        });
        Self { port, requests, heads, calls, log, _runtime: runtime }
    }

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }
}

/// What a request asks for: the service, and its call, or of S3 the method and what of the object is asked for.
fn call(request: &str) -> String {
    let word = |after: &str| {
        let rest = request.split_once(after)?.1;
        Some(rest.split(|c: char| !c.is_ascii_alphanumeric()).next().unwrap_or_default().to_owned())
    };
    if let Some(action) = word("\nAction=").or_else(|| word("&Action=")) {
        let service = if ["GetCallerIdentity", "AssumeRole"].contains(&&*action) { "STS" } else { "IAM" };
        return format!("{service} {action}");
    }
    if let Some(action) = word("AmazonSQS.") {
        return format!("SQS {action}");
    }
    if let Some(action) = word("ResourceGroupsTaggingAPI_20170126.") {
        return format!("Tagging {action}");
    }
    let line = request.lines().next().unwrap_or_default();
    let (method, rest) = line.split_once(' ').unwrap_or((line, ""));
    let query = rest.split(' ').next().and_then(|path| path.split_once('?')).map_or("", |(_, query)| query);
    let keys: Vec<&str> = query.split('&').filter_map(|pair| pair.split('=').next()).collect();
    format!("S3 {method} {}", keys.first().unwrap_or(&""))
}

async fn serve(
    mut client: TcpStream,
    server: &str,
    (count, spoilt): (&AtomicUsize, &AtomicUsize),
    (seen, asked, kept): (&Mutex<Vec<String>>, &Mutex<Vec<String>>, &Log),
    spoil: Spoil,
) -> std::io::Result<()> {
    while let Some(request) = read_message(&mut client).await? {
        let number = count.fetch_add(1, Ordering::Relaxed) + 1;
        let text = String::from_utf8_lossy(&request);
        let head = text.lines().next().unwrap_or_default().to_owned();
        let call = call(&text);
        asked.lock().expect("sound").push(call.clone());
        kept.requests.lock().expect("sound").push(text.clone().into_owned());
        let refused = match spoil {
            Spoil::DenyServices(services) if services.iter().any(|one| call.starts_with(one)) => Some(403),
            Spoil::Deny(name) if head.contains(name) => Some(403),
            Spoil::NoListsAfter(name, status) => {
                let begun = seen.lock().expect("sound").iter().any(|head| head.contains(name));
                Some(status).filter(|_| begun && LISTS.iter().any(|list| text.contains(list)))
            }
            _ => None,
        };
        if let Some(answer) = own_answer(spoil, (&text, &call), spoilt, kept) {
            if matches!(spoil, Spoil::First(..)) {
                seen.lock().expect("sound").push(head);
            }
            client.write_all(&answer).await?;
            continue;
        }
        let swallowed = matches!(spoil, Spoil::Swallow(name) if head.contains(name));
        seen.lock().expect("sound").push(head);
        if let Some(status) = refused {
            let code = if status == 403 { "AccessDenied" } else { "InternalError" };
            client.write_all(&Failure { status, code, message: "not for you" }.answer(&text)).await?;
            continue;
        }
        if swallowed {
            client.write_all(b"HTTP/1.1 204 No Content\r\ncontent-length: 0\r\n\r\n").await?;
            continue;
        }
        let broken = match spoil {
            Spoil::OneIn(every) if number.is_multiple_of(every) => Some(number / every % 3),
            Spoil::Lost(every) if number.is_multiple_of(every) => Some(1),
            _ => None,
        };
        if broken == Some(0) {
            client.write_all(&failure(503, "Service Unavailable")).await?;
            continue;
        }
        let mut upstream = TcpStream::connect(server).await?;
        upstream.write_all(&request).await?;
        let mut answer = read_message(&mut upstream).await?.unwrap_or_default();
        if call == "STS AssumeRole" {
            let text = String::from_utf8_lossy(&answer).into_owned();
            if let Spoil::EndsEarly(seconds) = spoil {
                answer = ending_early(&text, seconds).into_bytes();
            }
            kept.credentials.lock().expect("sound").push(text);
        }
        match broken {
            Some(1) => client.write_all(&failure(500, "Internal Server Error")).await?,
            Some(_) => client.write_all(&failure(429, "Too Many Requests")).await?,
            None => client.write_all(&answer).await?,
        }
    }
    Ok(())
}

/// What the proxy answers by itself.
fn own_answer(spoil: Spoil, (text, call): (&str, &str), spoilt: &AtomicUsize, kept: &Log) -> Option<Vec<u8>> {
    match spoil {
        Spoil::First(name, most, failure) if text.contains(name) => {
            (spoilt.fetch_add(1, Ordering::Relaxed) < most).then(|| failure.answer(text))
        }
        Spoil::Done(calls) if calls.iter().any(|one| call.starts_with(one)) => Some(done(call)),
        Spoil::Keeps(name) if call == format!("S3 GET {name}") => kept.put_last(name).map(|document| answer(&document)),
        _ => None,
    }
}

/// What IAM answers to a call that has nothing to tell.
fn done(call: &str) -> Vec<u8> {
    let action = call.trim_start_matches("IAM ");
    answer(&format!("<{action}Response><ResponseMetadata/></{action}Response>"))
}

fn answer(body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}", body.len()).into_bytes()
}

/// The answer of AssumeRole with an end that is so many seconds earlier, and as long as before.
fn ending_early(answer: &str, seconds: i64) -> String {
    let Some((before, rest)) = answer.split_once("<Expiration>") else { return answer.to_owned() };
    let (end, _) = rest.split_once('<').expect("it ends");
    let earlier: jiff::Timestamp = end.parse::<jiff::Timestamp>().expect("a time") - jiff::Span::new().seconds(seconds);
    let earlier = earlier.strftime("%Y-%m-%dT%H:%M:%S").to_string() + &end[19..];
    format!("{before}<Expiration>{}", rest.replacen(end, &earlier, 1))
}

fn failure(code: u16, words: &str) -> Vec<u8> {
    format!("HTTP/1.1 {code} {words}\r\ncontent-length: 0\r\n\r\n").into_bytes()
}

/// Reads one HTTP message: its head, and as much of a body as the head says.
async fn read_message(stream: &mut TcpStream) -> std::io::Result<Option<Vec<u8>>> {
    let mut message = Vec::new();
    let mut buffer = [0; 16_384];
    loop {
        if let Some(at) = message.windows(4).position(|window| window == b"\r\n\r\n") {
            let head = String::from_utf8_lossy(&message[..at]).to_lowercase();
            let field =
                |name: &str| head.lines().find_map(|line| line.strip_prefix(name).map(|value| value.trim().to_owned()));
            let whole = match field("content-length:").and_then(|length| length.parse::<usize>().ok()) {
                Some(length) => message.len() >= at + 4 + length,
                None if field("transfer-encoding:").is_some() => message.ends_with(b"0\r\n\r\n"),
                None => true,
            };
            if whole {
                return Ok(Some(message));
            }
        }
        match stream.read(&mut buffer).await? {
            0 => return Ok(None),
            read => message.extend_from_slice(&buffer[..read]),
        }
    }
}
