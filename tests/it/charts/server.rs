//! Whoever publishes charts: a repository and a registry on one port of this machine.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use base64::Engine as _;
use sha2::{Digest as _, Sha256};

/// A chart that is published.
#[derive(Clone)]
struct Published {
    name: String,
    version: String,
    archive: Vec<u8>,
}

#[derive(Default)]
struct Shelf {
    charts: Vec<Published>,
    /// What is answered to the next requests instead.
    faults: VecDeque<u16>,
    /// The name and the password that are asked for.
    credentials: Option<(String, String)>,
    /// What was asked, with `!` behind what was asked with credentials.
    asked: Vec<String>,
    /// What stands in the index in place of what is true.
    index: Option<String>,
    /// Whether the index says no digests.
    hides_digests: bool,
    /// How many tags a page has, whatever is asked for.
    page: Option<usize>,
    /// Where the token service is said to be instead.
    realm: Option<String>,
    /// Where archives are said to be instead.
    elsewhere: Option<String>,
}

/// A repository at `/repo` and a registry whose charts are below `charts`.
pub struct ChartServer {
    address: SocketAddr,
    shelf: Arc<Mutex<Shelf>>,
}

impl ChartServer {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let shelf = Arc::new(Mutex::new(Shelf::default()));
        let held = Arc::clone(&shelf);
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let shelf = Arc::clone(&held);
                std::thread::spawn(move || answer(stream, &shelf));
            }
        });
        Self { address, shelf }
    }

    pub fn repository(&self) -> String {
        format!("http://{}/repo", self.address)
    }

    pub fn registry(&self) -> String {
        format!("oci://{}/charts", self.address)
    }

    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// Publishes a chart of these files, in place of one of the same version.
    pub fn publish(&self, name: &str, version: &str, files: &[(&str, &str)]) {
        let chart = format!("apiVersion: v2\nname: {name}\nversion: {version}\n");
        let has_own = files.iter().any(|(path, _)| *path == "Chart.yaml");
        let own = [("Chart.yaml", chart.as_str())];
        let files: Vec<(&str, &str)> = own.into_iter().filter(|_| !has_own).chain(files.iter().copied()).collect();
        let published = Published { name: name.into(), version: version.into(), archive: archive(name, &files) };
        let mut shelf = self.shelf();
        shelf.charts.retain(|chart| (chart.name.as_str(), chart.version.as_str()) != (name, version));
        shelf.charts.push(published);
    }

    /// Publishes a chart with one object, which says the version.
    pub fn publish_simple(&self, name: &str, version: &str) {
        let text = "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: {{ .Release.Name }}-{{ .Chart.Name }} }\ndata: { version: {{ .Chart.Version | quote }} }\n";
        self.publish(name, version, &[("templates/a.yaml", text)]);
    }

    pub fn withdraw(&self, name: &str) {
        self.shelf().charts.retain(|chart| chart.name != name);
    }

    pub fn fail(&self, statuses: &[u16]) {
        self.shelf().faults.extend(statuses);
    }

    pub fn ask_for(&self, name: &str, password: &str) {
        self.shelf().credentials = Some((name.into(), password.into()));
    }

    pub fn say(&self, index: &str) {
        self.shelf().index = Some(index.into());
    }

    pub fn hide_digests(&self) {
        self.shelf().hides_digests = true;
    }

    pub fn move_archives(&self, url: &str) {
        self.shelf().elsewhere = Some(url.into());
    }

    pub fn give_pages_of(&self, tags: usize) {
        self.shelf().page = Some(tags);
    }

    pub fn move_tokens(&self, url: &str) {
        self.shelf().realm = Some(url.into());
    }

    /// What was asked since the last time.
    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.shelf().asked)
    }

    fn shelf(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An archive as `helm package` writes it.
pub fn archive(name: &str, files: &[(&str, &str)]) -> Vec<u8> {
    let mut tar = tar::Builder::new(flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast()));
    for (path, content) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(content.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, format!("{name}/{path}"), content.as_bytes()).expect("packed");
    }
    tar.into_inner().and_then(flate2::write::GzEncoder::finish).expect("packed")
}

pub fn digest(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn answer(mut stream: TcpStream, shelf: &Mutex<Shelf>) {
    let mut reader = BufReader::new(stream.try_clone().expect("cloned"));
    let mut line = String::new();
    if reader.read_line(&mut line).unwrap_or_default() == 0 {
        return;
    }
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let (mut shown, mut length) = (None, 0);
    loop {
        let mut header = String::new();
        if reader.read_line(&mut header).unwrap_or_default() == 0 || header.trim().is_empty() {
            break;
        }
        let (name, value) = header.split_once(':').unwrap_or_default();
        match name.to_ascii_lowercase().as_str() {
            "authorization" => shown = Some(value.trim().to_owned()),
            "content-length" => length = value.trim().parse().unwrap_or_default(),
            _ => {}
        }
    }
    let _ = reader.take(length).read_to_end(&mut Vec::new());
    let mut shelf = shelf.lock().unwrap_or_else(PoisonError::into_inner);
    shelf.asked.push(format!("{path}{}", if shown.is_some() { "!" } else { "" }));
    let fault = shelf.faults.pop_front();
    let (status, headers, body) = match fault {
        Some(status) => (status, String::new(), Vec::new()),
        None => {
            reply(&path, shown.as_deref(), &shelf, &stream.local_addr().map(|at| at.to_string()).unwrap_or_default())
        }
    };
    drop(shelf);
    let head = format!("HTTP/1.1 {status} x\r\nContent-Length: {}\r\nConnection: close\r\n{headers}\r\n", body.len());
    let _ = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&body));
}

type Reply = (u16, String, Vec<u8>);

fn reply(path: &str, shown: Option<&str>, shelf: &Shelf, host: &str) -> Reply {
    let basic = shelf.credentials.as_ref().map(|(name, password)| {
        format!("Basic {}", base64::prelude::BASE64_STANDARD.encode(format!("{name}:{password}")))
    });
    let absent = || (404, String::new(), b"{}".to_vec());
    if path.starts_with("/token") {
        return match basic.as_deref() == shown {
            true => (200, json(), b"{\"token\":\"the-token\"}".to_vec()),
            false => (401, json(), b"{}".to_vec()),
        };
    }
    if let Some(rest) = path.strip_prefix("/repo/") {
        if basic.is_some() && basic.as_deref() != shown {
            return (401, "WWW-Authenticate: Basic realm=\"charts\"\r\n".into(), Vec::new());
        }
        if rest == "index.yaml" {
            return (200, String::new(), index(shelf).into_bytes());
        }
        let found = shelf.charts.iter().find(|chart| rest == format!("{}-{}.tgz", chart.name, chart.version));
        return found.map_or_else(absent, |chart| (200, String::new(), chart.archive.clone()));
    }
    let Some(rest) = path.strip_prefix("/v2/") else { return absent() };
    if basic.is_some() && shown != Some("Bearer the-token") {
        let realm = shelf.realm.clone().unwrap_or_else(|| format!("http://{host}/token"));
        let challenge = format!("WWW-Authenticate: Bearer realm=\"{realm}\",service=\"charts\"\r\n");
        return (401, challenge, b"{\"errors\":[{\"code\":\"UNAUTHORIZED\",\"message\":\"who are you\"}]}".to_vec());
    }
    registry(rest, shelf).unwrap_or_else(|| {
        (404, json(), b"{\"errors\":[{\"code\":\"MANIFEST_UNKNOWN\",\"message\":\"manifest unknown\"}]}".to_vec())
    })
}

fn json() -> String {
    "Content-Type: application/json\r\n".to_owned()
}

fn index(shelf: &Shelf) -> String {
    if let Some(index) = &shelf.index {
        return index.clone();
    }
    let mut charts = serde_json::Map::new();
    for Published { name, version, archive } in &shelf.charts {
        let folder = shelf.elsewhere.as_ref().map_or_else(String::new, |url| format!("{url}/"));
        let mut entry = serde_json::json!({
            "apiVersion": "v2", "name": name, "version": version, "urls": [format!("{folder}{name}-{version}.tgz")],
        });
        if !shelf.hides_digests {
            entry["digest"] = digest(archive).into();
        }
        let list = charts.entry(name.clone()).or_insert_with(|| serde_json::json!([]));
        list.as_array_mut().expect("a list").push(entry);
    }
    // JSON is YAML.
    serde_json::json!({ "apiVersion": "v1", "entries": charts }).to_string()
}

fn registry(rest: &str, shelf: &Shelf) -> Option<Reply> {
    if rest.is_empty() {
        return Some((200, json(), b"{}".to_vec()));
    }
    let (rest, query) = rest.split_once('?').unwrap_or((rest, ""));
    let mut parts = rest.strip_prefix("charts/")?.splitn(3, '/');
    let (name, what, which) = (parts.next()?, parts.next()?, parts.next()?);
    let of = |chart: &&Published| chart.name == name;
    match what {
        "tags" => {
            let asked = |key: &str| query.split('&').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='));
            let mut tags: Vec<String> = shelf.charts.iter().filter(of).map(|chart| tag(&chart.version)).collect();
            tags.sort();
            let most = asked("n").and_then(|n| n.parse().ok()).unwrap_or(usize::MAX);
            let last = asked("last").unwrap_or_default().to_owned();
            let most = shelf.page.map_or(most, |page| page.min(most));
            let all = tags.into_iter().filter(|tag| *tag > last);
            let tags: Vec<String> = all.clone().take(most).collect();
            // As registries do that say where they go on.
            let link = tags
                .last()
                .filter(|_| shelf.page.is_some() && all.count() > most)
                .map(|last| format!("Link: </v2/charts/{name}/tags/list?n={most}&last={last}>; rel=\"next\"\r\n"));
            Some((
                200,
                json() + &link.unwrap_or_default(),
                serde_json::json!({ "name": name, "tags": tags }).to_string().into_bytes(),
            ))
        }
        "manifests" => {
            let chart = shelf.charts.iter().filter(of).find(|chart| tag(&chart.version) == which)?;
            let config = b"{}";
            let manifest = serde_json::json!({
                "schemaVersion": 2,
                "mediaType": "application/vnd.oci.image.manifest.v1+json",
                "config": { "mediaType": "application/vnd.cncf.helm.config.v1+json", "digest": format!("sha256:{}", digest(config)), "size": config.len() },
                "layers": [{
                    "mediaType": "application/vnd.cncf.helm.chart.content.v1.tar+gzip",
                    "digest": format!("sha256:{}", digest(&chart.archive)),
                    "size": chart.archive.len(),
                }],
            });
            let body = manifest.to_string().into_bytes();
            let headers = format!(
                "Content-Type: application/vnd.oci.image.manifest.v1+json\r\nDocker-Content-Digest: sha256:{}\r\n",
                digest(&body)
            );
            Some((200, headers, body))
        }
        "blobs" => {
            let wanted = which.strip_prefix("sha256:")?;
            let bytes = match wanted == digest(b"{}") {
                true => b"{}".to_vec(),
                false => shelf.charts.iter().filter(of).find(|chart| digest(&chart.archive) == wanted)?.archive.clone(),
            };
            Some((200, "Content-Type: application/octet-stream\r\n".into(), bytes))
        }
        _ => None,
    }
}

fn tag(version: &str) -> String {
    version.replace('+', "_")
}
