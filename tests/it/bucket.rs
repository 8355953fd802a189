//! An S3 server in this process: as much of S3 as records need, with its own clock, and with ways to fail.

use std::collections::BTreeMap;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use crate::support::{Place, Run};

/// A server with one bucket, `team-records`.
pub struct Bucket {
    port: u16,
    inner: Arc<Mutex<Inner>>,
}

#[derive(Default)]
struct Inner {
    objects: BTreeMap<String, Object>,
    written: u64,
    behaviour: Behaviour,
    requests: Vec<String>,
}

struct Object {
    body: Vec<u8>,
    tag: u64,
    /// In seconds since 1970, by the server's clock.
    modified: u64,
}

/// How the server answers.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub enum Behaviour {
    #[default]
    Good,
    /// It accepts connections and never answers.
    NoAnswer,
    /// It sends half of each answer.
    Breaking,
    /// It denies every request.
    Denying,
    /// Its answers have no date.
    Timeless,
}

impl Bucket {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("known").port();
        let inner = Arc::new(Mutex::new(Inner::default()));
        let shared = Arc::clone(&inner);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let inner = Arc::clone(&shared);
                // A connection that breaks is handled by the client.
                std::thread::spawn(move || serve(&stream, &inner));
            }
        });
        Self { port, inner }
    }

    /// The value of `records` that puts a spec's records into this bucket.
    pub fn url(&self) -> String {
        format!("s3://team-records/all?region=us-east-1&endpoint=http://127.0.0.1:{}", self.port)
    }

    pub fn set_behaviour(&self, behaviour: Behaviour) {
        self.inner.lock().expect("sound").behaviour = behaviour;
    }

    pub fn keys(&self) -> Vec<String> {
        self.inner.lock().expect("sound").objects.keys().cloned().collect()
    }

    pub fn text(&self, key: &str) -> Option<String> {
        let inner = self.inner.lock().expect("sound");
        inner.objects.get(key).map(|object| String::from_utf8_lossy(&object.body).into_owned())
    }

    /// Puts an object there that was written so long ago.
    pub fn plant(&self, key: &str, body: &[u8], ago: Duration) {
        let mut inner = self.inner.lock().expect("sound");
        inner.written += 1;
        let object = Object { body: body.to_vec(), tag: inner.written, modified: now() - ago.as_secs() };
        inner.objects.insert(key.to_owned(), object);
    }

    pub fn remove(&self, key: &str) {
        self.inner.lock().expect("sound").objects.remove(key);
    }

    pub fn requests(&self) -> usize {
        self.inner.lock().expect("sound").requests.len()
    }

    /// A command with credentials for this bucket.
    pub fn command(&self, place: &Place, args: &[&str]) -> Command {
        let mut command = place.command(args);
        command.env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", "test");
        command.env("AWS_EC2_METADATA_DISABLED", "true").env_remove("AWS_PROFILE").env_remove("AWS_ENDPOINT_URL");
        command
    }

    pub fn run(&self, place: &Place, args: &[&str]) -> Run {
        Run::of(self.command(place, args).output().expect("it runs"))
    }
}

fn serve(stream: &TcpStream, inner: &Mutex<Inner>) {
    let mut reader = BufReader::new(stream);
    while let Some((head, body)) = request(&mut reader) {
        let line = head.lines().next().unwrap_or_default().to_owned();
        let behaviour = {
            let mut inner = inner.lock().expect("sound");
            inner.requests.push(line.clone());
            inner.behaviour
        };
        if behaviour == Behaviour::NoAnswer {
            // The connection stays open until the client closes it.
            let _ = reader.read(&mut [0]);
            return;
        }
        let mut answer = if behaviour == Behaviour::Denying {
            failure(403, "AccessDenied", "not \u{1b}[2J for you")
        } else {
            inner.lock().expect("sound").answer(&line, &head, body)
        };
        if behaviour != Behaviour::Timeless {
            answer.0 = format!("{}\r\nDate: {}", answer.0, date(now()));
        }
        let (head, body) = answer;
        let told = if behaviour == Behaviour::Breaking { body.len() / 2 } else { body.len() };
        let head = format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\n\r\n", body.len());
        let mut stream = stream;
        if stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body[..told])).is_err() {
            return;
        }
        if told < body.len() {
            let _ = reader.read(&mut [0]);
            return;
        }
    }
}

impl Inner {
    fn answer(&mut self, line: &str, head: &str, body: Vec<u8>) -> (String, Vec<u8>) {
        let mut words = line.split(' ');
        let (method, target) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let key = decode(path.trim_start_matches('/').split_once('/').map_or("", |(_, key)| key));
        match (method, key.as_str()) {
            ("GET", "") => self.list(query),
            ("GET", key) => match self.objects.get(key) {
                None => failure(404, "NoSuchKey", "there is none"),
                Some(Object { body, tag, modified }) => {
                    let modified = date(*modified);
                    (format!("200 OK\r\nETag: \"{tag}\"\r\nLast-Modified: {modified}"), body.clone())
                }
            },
            ("PUT", key) => {
                let there = self.objects.get(key).map(|object| format!("\"{}\"", object.tag));
                let wanted = field(head, "if-match");
                if wanted.is_some() && there.is_none() {
                    return failure(404, "NoSuchKey", "there is none");
                }
                if (wanted.is_some() && wanted != there) || (field(head, "if-none-match").is_some() && there.is_some())
                {
                    return failure(412, "PreconditionFailed", "it is not as it was");
                }
                self.written += 1;
                let tag = self.written;
                self.objects.insert(key.to_owned(), Object { body, tag, modified: now() });
                (format!("200 OK\r\nETag: \"{tag}\""), Vec::new())
            }
            ("DELETE", key) => {
                self.objects.remove(key);
                ("204 No Content".into(), Vec::new())
            }
            _ => failure(405, "MethodNotAllowed", "that can't be done"),
        }
    }

    fn list(&self, query: &str) -> (String, Vec<u8>) {
        let prefix = query.split('&').find_map(|pair| pair.strip_prefix("prefix=")).map(decode).unwrap_or_default();
        let found = self.objects.iter().filter(|(key, _)| key.starts_with(&prefix));
        let entries: String = found
            .map(|(key, object)| format!("<Contents><Key>{key}</Key><Size>{}</Size></Contents>", object.body.len()))
            .collect();
        let text = format!("<ListBucketResult><IsTruncated>false</IsTruncated>{entries}</ListBucketResult>");
        ("200 OK\r\nContent-Type: application/xml".into(), text.into_bytes())
    }
}

/// Reads a request: its head and its body.
fn request(reader: &mut BufReader<&TcpStream>) -> Option<(String, Vec<u8>)> {
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
    }
    let length = field(&head, "content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some((head, body))
}

fn field(head: &str, name: &str) -> Option<String> {
    let value = |line: &str| {
        let (key, value) = line.split_once(':')?;
        key.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
    };
    head.lines().find_map(value)
}

fn failure(code: u16, word: &str, message: &str) -> (String, Vec<u8>) {
    let message = message.replace('\u{1b}', "&#x9b;");
    let body = format!("<Error><Code>{word}</Code><Message>{message}</Message></Error>");
    (format!("{code} {word}\r\nContent-Type: application/xml"), body.into_bytes())
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let hex = tail.get(..2).and_then(|hex| u8::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok());
        match hex.filter(|_| *first == b'%') {
            Some(byte) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            None => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The server's clock, in seconds since 1970. It is a day ahead of every machine.
pub fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("after 1970");
    since.as_secs() + 86_400
}

/// A moment as HTTP writes it.
fn date(seconds: u64) -> String {
    let time = jiff::Timestamp::from_second(i64::try_from(seconds).expect("small")).expect("in range");
    time.strftime("%a, %d %b %Y %H:%M:%S GMT").to_string()
}
