//! Asking whether something answers at an address.

mod any_certificate;

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// What is said of an address that takes no connection, or says nothing, in the time that it has.
pub(super) const NO_ANSWER: &str = "no answer";

/// Connects to `HOST:PORT`; why not, in words.
pub(super) async fn connects(address: &str, probe: Duration) -> Result<TcpStream, String> {
    match tokio::time::timeout(probe, TcpStream::connect(address)).await {
        Ok(connected) => connected.map_err(|error| error.to_string()),
        Err(_) => Err(NO_ANSWER.into()),
    }
}

/// Asks an address once; a status below 400 is a good one. Over HTTPS any certificate will do, as for the probes of Kubernetes:
/// <https://kubernetes.io/docs/concepts/workloads/pods/probes/>. It is only asked whether somebody answers, and nothing is told.
pub(super) async fn answers(url: &str, probe: Duration) -> Result<(), String> {
    let (scheme, rest) = url.split_once("://").ok_or("it is no URL")?;
    let end = rest.find(['/', '?', '#']).unwrap_or(rest.len());
    let (host, path) = (&rest[..end], rest[end..].strip_prefix('/').unwrap_or(&rest[end..]));
    let usual = match scheme {
        "http" => 80,
        "https" => 443,
        _ => return Err("only http:// and https:// can be asked".into()),
    };
    // In an address of version 6, `[::1]`, a colon is no sign of a port.
    let (name, address) = match host.rsplit_once(':') {
        Some((name, port)) if !port.contains(']') => (name, host.to_owned()),
        _ => (host, format!("{host}:{usual}")),
    };
    let asked = async {
        let stream = connects(&address, probe).await?;
        match scheme {
            "https" => ask(any_certificate::secured(stream, name).await?, host, path).await,
            _ => ask(stream, host, path).await,
        }
    };
    tokio::time::timeout(probe, asked).await.unwrap_or_else(|_| Err(NO_ANSWER.into()))
}

async fn ask(mut stream: impl AsyncRead + AsyncWrite + Unpin, host: &str, path: &str) -> Result<(), String> {
    let request = format!("GET /{path} HTTP/1.0\r\nHost: {host}\r\nConnection: close\r\n\r\n");
    stream.write_all(request.as_bytes()).await.map_err(|error| error.to_string())?;
    // A server may write its first line in several pieces.
    let (mut head, mut read) = ([0; 64], 0);
    while read < head.len() && !head[..read].contains(&b'\n') {
        match stream.read(&mut head[read..]).await.map_err(|error| error.to_string())? {
            0 => break,
            more => read += more,
        }
    }
    let line = String::from_utf8_lossy(&head[..read]).into_owned();
    match line.split(' ').nth(1).and_then(|code| code.parse::<u16>().ok()) {
        Some(code) if code < 400 => Ok(()),
        Some(code) => Err(format!("status {code}")),
        None => Err("no status".into()),
    }
}
