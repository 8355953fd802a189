//! Looking into running containers: what they write, and commands in them.

use bollard::container::LogOutput;
use bollard::exec::{CreateExecOptions, StartExecResults};
use bollard::query_parameters::LogsOptionsBuilder;
use futures_util::StreamExt as _;
use tokio::io::{AsyncRead, AsyncWriteExt as _};

use super::error::classify;
use super::{Docker, cluster, localstack};
use crate::kind::Kind;
use crate::provider::{Class, ProviderError};

/// Something that a container wrote.
#[derive(Clone, Copy, Debug)]
pub enum Heard<'a> {
    /// On its standard output.
    Out(&'a [u8]),
    /// On its standard error.
    Err(&'a [u8]),
}

impl Docker {
    /// What a resource's container writes: its last `tail` lines or all, and with `follow` what comes after them until it
    /// ends, or `hear` wants no more. A cluster's container is its first server.
    ///
    /// # Errors
    /// When there is no such container, or its engine does not answer.
    pub async fn logs(
        &self,
        kind: &Kind,
        identity: &str,
        follow: bool,
        tail: Option<usize>,
        mut hear: impl FnMut(Heard<'_>) -> bool,
    ) -> Result<(), ProviderError> {
        let docker = self.engine(identity)?.docker().await?;
        let tail = tail.map_or_else(|| "all".to_owned(), |lines| lines.to_string());
        let options = LogsOptionsBuilder::default().stdout(true).stderr(true).follow(follow).tail(&tail).build();
        let mut lines = docker.logs(&self.container(kind, identity).await?, Some(options));
        while let Some(line) = lines.next().await {
            if !hear_line(&line.map_err(|error| classify("reading what it writes", &error))?, &mut hear) {
                break;
            }
        }
        Ok(())
    }

    /// Runs a command in a resource's container and gives its exit code. `input` becomes its standard input.
    ///
    /// # Errors
    /// When there is no such container, it does not run, or its engine does not answer.
    pub async fn exec(
        &self,
        kind: &Kind,
        identity: &str,
        command: &[String],
        input: Option<impl AsyncRead + Unpin + Send + 'static>,
        mut hear: impl FnMut(Heard<'_>) -> bool,
    ) -> Result<i64, ProviderError> {
        let docker = self.engine(identity)?.docker().await?;
        let options = CreateExecOptions {
            attach_stdin: Some(input.is_some()),
            attach_stdout: Some(true),
            attach_stderr: Some(true),
            cmd: Some(command.to_vec()),
            ..Default::default()
        };
        let failed = |error| classify("running a command", &error);
        let id = docker.create_exec(&self.container(kind, identity).await?, options).await.map_err(failed)?.id;
        let started = docker.start_exec(&id, None).await.map_err(failed)?;
        if let StartExecResults::Attached { mut output, input: mut theirs } = started {
            let feeding = input.map(|mut ours| {
                tokio::spawn(async move {
                    // The command may end before it read all of it, which is its own business.
                    let _ = tokio::io::copy(&mut ours, &mut theirs).await;
                    let _ = theirs.shutdown().await;
                })
            });
            while let Some(line) = output.next().await {
                // A command that nobody listens to any more still has an exit code.
                hear_line(&line.map_err(failed)?, &mut hear);
            }
            if let Some(feeding) = feeding {
                feeding.abort();
            }
        }
        Ok(docker.inspect_exec(&id).await.map_err(failed)?.exit_code.unwrap_or_default())
    }

    /// The name of a resource's container.
    async fn container(&self, kind: &Kind, identity: &str) -> Result<String, ProviderError> {
        let name = identity.rsplit(['/', ':']).next().unwrap_or_default();
        match kind.name {
            "container" => Ok(name.to_owned()),
            "region" => Ok(localstack::name(&self.project, &self.environment, name)),
            "cluster" => Ok(cluster::first_server(name)),
            other => Err(ProviderError::new(Class::Invalid, format!("a {other} has no container to look into"))),
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
