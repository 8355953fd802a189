//! Engines that are reached through `ssh`, the way Docker's own tools do it: the machine's own `ssh` with its own settings,
//! and `docker system dial-stdio` on the other side, once for each connection.
//!
//! <https://docs.docker.com/engine/security/protect-access/#use-ssh-to-protect-the-docker-daemon-socket>

use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bollard::{API_DEFAULT_VERSION, BollardRequest, Docker};
use hyper_util::client::legacy::Client;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::io::AsyncReadExt as _;
use tokio::net::UnixStream;
use tokio::process::Command;
use tower_service::Service;

use crate::driver::{Class, DriverError};

/// How much of what `ssh` says is kept, in bytes.
const SAID: u64 = 4_096;
/// How long what `ssh` says may come after its connection ended.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// A machine as `ssh` is told about it.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Machine {
    user: Option<String>,
    host: String,
    port: Option<u16>,
}

/// Makes connections through `ssh`.
#[derive(Clone)]
struct Connector {
    machine: Machine,
    said: Said,
}

/// What `ssh` said last.
#[derive(Clone, Default)]
pub(super) struct Said(Arc<Mutex<String>>);

impl Said {
    /// Why it failed, once it had the time to say so.
    pub async fn last_words(&self) -> Option<String> {
        let end = tokio::time::Instant::now() + LAST_WORDS;
        loop {
            let said = self.0.lock().unwrap_or_else(PoisonError::into_inner).trim().to_owned();
            let last = said.lines().last().map(|line| line.trim().to_owned());
            if last.is_some() || tokio::time::Instant::now() > end {
                return last;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

/// A client of the engine at `ssh://[USER@]HOST[:PORT]`. Nothing is connected yet.
pub(super) fn open(address: &str, said: &Said, timeout: u64) -> Result<Docker, DriverError> {
    let machine = Machine::parse(address).map_err(|why| {
        let message =
            format!("an engine can't be reached at `{address}`: {why}; write ssh://USER@HOST or ssh://HOST:PORT");
        DriverError::new(Class::Invalid, message)
    })?;
    let client = Client::builder(TokioExecutor::new()).build(Connector { machine, said: said.clone() });
    let send = move |request: BollardRequest| {
        let client = client.clone();
        async move { client.request(request).await.map_err(bollard::errors::Error::from) }
    };
    let opened = Docker::connect_with_custom_transport(send, Some("http://engine"), timeout, API_DEFAULT_VERSION);
    opened.map_err(|error| super::error::refused(address, &error))
}

/// One connection to the engine, for what its client can't ask.
pub(super) fn stream(address: &str, said: &Said) -> std::io::Result<UnixStream> {
    let machine = Machine::parse(address).map_err(std::io::Error::other)?;
    Connector { machine, said: said.clone() }.connect()
}

impl Machine {
    fn parse(address: &str) -> Result<Self, String> {
        let rest = address.strip_prefix("ssh://").unwrap_or(address).trim_end_matches('/');
        if rest.contains('/') {
            return Err("the path of a socket can't be named".into());
        }
        let (user, place) = match rest.rsplit_once('@') {
            Some((user, place)) => (Some(user), place),
            None => (None, rest),
        };
        let (host, port) = match place.rsplit_once(':') {
            // An IPv6 address has colons of its own, and stands in brackets.
            Some((host, port)) if !port.ends_with(']') => {
                (host, Some(port.parse().map_err(|_| format!("`{port}` is no port"))?))
            }
            _ => (place, None),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        // What begins with a dash would be an option of `ssh`.
        if host.is_empty() || host.starts_with('-') || user.is_some_and(|user| user.is_empty() || user.starts_with('-'))
        {
            return Err("it names no machine".into());
        }
        Ok(Self { user: user.map(str::to_owned), host: host.to_owned(), port })
    }

    /// The command that leads to its engine. Nobody is there to answer a question, so none is asked.
    fn command(&self) -> Command {
        let mut command = Command::new("ssh");
        command.args(["-T", "-o", "BatchMode=yes", "-o", "ConnectTimeout=10"]);
        if let Some(user) = &self.user {
            command.args(["-l", user]);
        }
        if let Some(port) = self.port {
            command.args(["-p", &port.to_string()]);
        }
        command.args(["--", &self.host, "docker", "system", "dial-stdio"]);
        command
    }
}

impl Connector {
    /// One end of a pair of sockets is all that `ssh` reads and writes, so that either side can end its half.
    fn connect(&self) -> std::io::Result<UnixStream> {
        let (ours, theirs) = std::os::unix::net::UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let input: OwnedFd = theirs.try_clone()?.into();
        let output: OwnedFd = theirs.into();
        let mut command = self.machine.command();
        command.stdin(Stdio::from(input)).stdout(Stdio::from(output)).stderr(Stdio::piped());
        let spawned = command.spawn();
        // The command keeps its ends of the pair open, and would hide from us that the process closed its own.
        drop(command);
        let mut child = spawned.map_err(|error| {
            std::io::Error::other(format!("`ssh` can't be run: {error}; it has to be installed and on the PATH"))
        })?;
        let errors = child.stderr.take();
        let said = self.said.clone();
        tokio::spawn(async move {
            let mut text = Vec::new();
            if let Some(errors) = errors
                && errors.take(SAID).read_to_end(&mut text).await.is_ok()
                && !text.is_empty()
            {
                *said.0.lock().unwrap_or_else(PoisonError::into_inner) = String::from_utf8_lossy(&text).into_owned();
            }
            // It ends once our end of its connection is closed.
            let _ = child.wait().await;
        });
        UnixStream::from_std(ours)
    }
}

impl Service<http::Uri> for Connector {
    type Response = TokioIo<UnixStream>;
    type Error = std::io::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, Self::Error>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: http::Uri) -> Self::Future {
        Box::pin(std::future::ready(self.connect().map(TokioIo::new)))
    }
}

#[cfg(test)]
mod tests {
    use super::Machine;

    #[test]
    fn a_machine_is_named_as_docker_s_tools_name_it() {
        let words = |address: &str| {
            let machine = Machine::parse(address)?;
            let command = machine.command();
            let words: Vec<_> = command.as_std().get_args().skip(5).filter_map(std::ffi::OsStr::to_str).collect();
            Ok::<_, String>(words.join(" "))
        };
        let dial = "docker system dial-stdio";
        assert_eq!(words("ssh://build").as_deref(), Ok(format!("-- build {dial}").as_str()));
        assert_eq!(words("ssh://ada@build:2222/").as_deref(), Ok(format!("-l ada -p 2222 -- build {dial}").as_str()));
        assert_eq!(words("ssh://[fd00::7]:22").as_deref(), Ok(format!("-p 22 -- fd00::7 {dial}").as_str()));
        assert_eq!(words("ssh://[fd00::7]").as_deref(), Ok(format!("-- fd00::7 {dial}").as_str()));
        for wrong in
            ["ssh://", "ssh://-oProxyCommand=x", "ssh://-l@host", "ssh://@host", "ssh://host:x", "ssh://host/a.sock"]
        {
            assert!(words(wrong).is_err(), "{wrong}");
        }
    }
}
