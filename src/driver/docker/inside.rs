//! Looking into running containers: what they write, and commands in them.

use std::pin::Pin;
use std::sync::Arc;

use bollard::container::LogOutput;
use bollard::exec::{CreateExecOptions, StartExecOptions, StartExecResults};
use bollard::query_parameters::{LogsOptionsBuilder, ResizeExecOptionsBuilder};
use futures_util::StreamExt as _;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};
use tokio::sync::{mpsc, watch};

use super::engine::Engine;
use super::error::classify;
use super::{Docker, cluster, names};
use crate::driver::{Class, DriverError};
use crate::identity::Identity;
use crate::observed::Owner;
use crate::value::Attributes;

/// What is looked into.
pub struct Subject<'a> {
    /// Whose it is.
    pub owner: &'a Owner,
    /// Its identity.
    pub identity: &'a Identity,
    /// What the spec says about it.
    pub attributes: &'a Attributes,
}

/// Something that a container wrote.
#[derive(Clone, Copy, Debug)]
pub enum Heard<'a> {
    /// On its standard output.
    Out(&'a [u8]),
    /// On its standard error.
    Err(&'a [u8]),
}

/// What a command in a container reads.
pub enum Input {
    /// Nothing.
    Nothing,
    /// What somebody else writes.
    Stream(Box<dyn AsyncRead + Unpin + Send>),
    /// What a person types.
    Terminal(Terminal),
}

/// A person's terminal.
pub struct Terminal {
    /// What sort of terminal it is, as `TERM` says it.
    pub sort: String,
    /// What is typed.
    pub keys: mpsc::UnboundedReceiver<Vec<u8>>,
    /// How large it is, in columns and rows.
    pub size: watch::Receiver<(u16, u16)>,
}

impl Docker {
    /// What a resource's container writes: its last `tail` lines or all, and with `follow` what comes after them until it
    /// ends, or `hear` wants no more. A cluster's container is its first server.
    ///
    /// # Errors
    /// When there is no such container, or its engine does not answer.
    pub async fn logs(
        &self,
        subject: &Subject<'_>,
        follow: bool,
        tail: Option<usize>,
        mut hear: impl FnMut(Heard<'_>) -> bool,
    ) -> Result<(), DriverError> {
        let engine = self.engine(subject)?;
        let docker = engine.docker().await?;
        let tail = tail.map_or_else(|| "all".to_owned(), |lines| lines.to_string());
        let options = LogsOptionsBuilder::default().stdout(true).stderr(true).follow(follow).tail(&tail).build();
        let mut lines = docker.logs(&container(subject)?, Some(options));
        while let Some(line) = lines.next().await {
            if !hear_line(&line.map_err(|error| classify("reading what it writes", &error))?, &mut hear) {
                break;
            }
        }
        Ok(())
    }

    /// Runs a command in a resource's container and gives its exit code.
    ///
    /// # Errors
    /// When there is no such container, it does not run, or its engine does not answer.
    pub async fn exec(
        &self,
        subject: &Subject<'_>,
        command: &[String],
        input: Input,
        mut hear: impl FnMut(Heard<'_>) -> bool,
    ) -> Result<i64, DriverError> {
        let engine = self.engine(subject)?;
        let docker = engine.docker().await?;
        let tty = matches!(input, Input::Terminal(_));
        let sort = match &input {
            Input::Terminal(terminal) => vec![format!("TERM={}", terminal.sort)],
            _ => Vec::new(),
        };
        let options = CreateExecOptions {
            attach_stdin: Some(!matches!(input, Input::Nothing)),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            tty: Some(tty),
            env: Some(sort),
            cmd: Some(command.to_vec()),
            ..Default::default()
        };
        let failed = |error| classify("running a command", &error);
        let id = docker.create_exec(&container(subject)?, options).await.map_err(failed)?.id;
        let start = StartExecOptions { tty, ..Default::default() };
        let started = docker.start_exec(&id, Some(start)).await.map_err(failed)?;
        if let StartExecResults::Attached { mut output, input: theirs } = started {
            let feeding = tokio::spawn(feed(docker.clone(), id.clone(), input, theirs));
            while let Some(line) = output.next().await {
                // A command without a listener still has an exit code.
                hear_line(&line.map_err(failed)?, &mut hear);
            }
            feeding.abort();
        }
        Ok(docker.inspect_exec(&id).await.map_err(failed)?.exit_code.unwrap_or_default())
    }

    fn engine(&self, subject: &Subject<'_>) -> Result<Arc<Engine>, DriverError> {
        self.surroundings.engines.of(subject.identity, Some(subject.attributes))
    }
}

/// The name of a resource's container.
fn container(subject: &Subject<'_>) -> Result<String, DriverError> {
    let (owner, name) = (subject.owner, subject.identity.name());
    match subject.identity.kind() {
        "container" => Ok(name.into_owned()),
        "region" => Ok(names::region(&owner.project, &owner.environment, &name)),
        "cluster" => Ok(cluster::first_server(&name)),
        other => Err(DriverError::new(Class::Invalid, format!("a {other} has no container to look into"))),
    }
}

/// Gives a command its input, and tells it how large its terminal is. The command may end before it read all of it, which is
/// its own business.
async fn feed(docker: bollard::Docker, id: String, input: Input, mut theirs: Pin<Box<dyn AsyncWrite + Send>>) {
    match input {
        Input::Nothing => {}
        Input::Stream(mut ours) => {
            let _ = tokio::io::copy(&mut ours, &mut theirs).await;
            let _ = theirs.shutdown().await;
        }
        Input::Terminal(mut terminal) => {
            let mut size = Some(*terminal.size.borrow_and_update());
            loop {
                if let Some((columns, rows)) = size.take() {
                    let options = ResizeExecOptionsBuilder::default().w(columns.into()).h(rows.into()).build();
                    // A command that just ended has no terminal any more.
                    let _ = docker.resize_exec(&id, options).await;
                }
                tokio::select! {
                    keys = terminal.keys.recv() => {
                        let Some(keys) = keys else { return };
                        if theirs.write_all(&keys).await.is_err() || theirs.flush().await.is_err() {
                            return;
                        }
                    }
                    changed = terminal.size.changed() => {
                        if changed.is_err() {
                            std::future::pending::<()>().await;
                        }
                        size = Some(*terminal.size.borrow_and_update());
                    }
                }
            }
        }
    }
}

fn hear_line(line: &LogOutput, hear: &mut impl FnMut(Heard<'_>) -> bool) -> bool {
    match line {
        LogOutput::StdErr { message } => hear(Heard::Err(message)),
        LogOutput::StdOut { message } | LogOutput::Console { message } => hear(Heard::Out(message)),
        LogOutput::StdIn { .. } => true,
    }
}
