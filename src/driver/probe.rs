//! Asking whether something answers at an address.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
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

/// Asks an address once; a status below 400 is a good one.
pub(super) async fn answers(url: &str, probe: Duration) -> Result<(), String> {
    let Some(rest) = url.strip_prefix("http://") else { return Err("only http:// can be asked".into()) };
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    let address = if host.contains(':') { host.to_owned() } else { format!("{host}:80") };
    let asked = async {
        let mut stream = connects(&address, probe).await?;
        let request = format!("GET /{path} HTTP/1.0\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        stream.write_all(request.as_bytes()).await.map_err(|error| error.to_string())?;
        let mut head = [0; 64];
        let read = stream.read(&mut head).await.map_err(|error| error.to_string())?;
        let line = String::from_utf8_lossy(&head[..read]).into_owned();
        match line.split(' ').nth(1).and_then(|code| code.parse::<u16>().ok()) {
            Some(code) if code < 400 => Ok(()),
            Some(code) => Err(format!("status {code}")),
            None => Err("no status".into()),
        }
    };
    tokio::time::timeout(probe, asked).await.unwrap_or_else(|_| Err(NO_ANSWER.into()))
}
