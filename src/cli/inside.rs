//! `atlas logs` and `atlas exec`: looking into the container of a resource.

use super::End;
use super::args::{ExecArgs, Global, LogsArgs};
use super::failure::Failure;
use super::ui::Ui;

#[cfg(feature = "docker")]
mod real {
    use std::io::IsTerminal as _;

    use super::{End, ExecArgs, Failure, Global, LogsArgs, Ui};
    use crate::address::Address;
    use crate::cli::load;
    use crate::desired::WorldChoice;
    use crate::driver::DriverError;
    use crate::driver::docker::{Docker, Heard, Input, Subject};
    use crate::identity::Identity;
    use crate::observed::Owner;
    use crate::run;
    use crate::suggest::suggest;
    use crate::value::Attributes;

    pub async fn logs(global: &Global, args: &LogsArgs, ui: &Ui) -> Result<End, Failure> {
        let (docker, found) = find(global, &args.address)?;
        let heard = docker.logs(&found.subject(), args.follow, args.tail, |heard| pass(heard, ui)).await;
        heard.map(|()| End::Good).map_err(|error| failed(&args.address, error))
    }

    pub async fn exec(global: &Global, args: &ExecArgs, ui: &Ui) -> Result<End, Failure> {
        let (docker, found) = find(global, &args.address)?;
        let (console, input) = input(ui)
            .map_err(|error| Failure::new("the terminal can't be handed to the command").because(error.to_string()))?;
        let code = docker.exec(&found.subject(), &args.command, input, |heard| pass(heard, ui)).await;
        // Messages from here on go to the person's own terminal again.
        drop(console);
        let code = code.map_err(|error| failed(&args.address, error))?;
        Ok(End::Code(u8::try_from(code).unwrap_or(1)))
    }

    /// The terminal when a person sits there, and what is piped in otherwise.
    #[cfg(unix)]
    fn input(ui: &Ui) -> std::io::Result<(Option<crate::cli::console::Console>, Input)> {
        if !ui.talks() {
            return Ok((None, piped()));
        }
        let (console, terminal) = crate::cli::console::Console::take_over()?;
        Ok((Some(console), Input::Terminal(terminal)))
    }

    #[cfg(not(unix))]
    #[allow(clippy::unnecessary_wraps, reason = "the same shape as where there are terminals to hand over")]
    fn input(_: &Ui) -> std::io::Result<(Option<()>, Input)> {
        Ok((None, piped()))
    }

    fn piped() -> Input {
        match std::io::stdin().is_terminal() {
            true => Input::Nothing,
            false => Input::Stream(Box::new(tokio::io::stdin())),
        }
    }

    /// The resource that is looked into.
    struct Inside {
        owner: Owner,
        identity: Identity,
        attributes: Attributes,
    }

    impl Inside {
        const fn subject(&self) -> Subject<'_> {
            Subject { owner: &self.owner, identity: &self.identity, attributes: &self.attributes }
        }
    }

    fn find(global: &Global, address: &Address) -> Result<(Docker, Inside), Failure> {
        let spec = load::spec(global)?;
        let desired = &spec.desired;
        let Some(instance) = desired.get(address) else {
            let known: Vec<&str> = desired.instances().iter().map(|one| one.address.as_str()).collect();
            return Err(Failure::new(format!("there is no {address} in the spec")).hint(
                suggest(address.as_str(), &known).unwrap_or_else(|| "`atlas status` lists every address".into()),
            ));
        };
        if desired.world == WorldChoice::Sandbox {
            return Err(Failure::new(format!("{address} is simulated: there is nothing to look into"))
                .hint("name an environment of the real world with -e"));
        }
        let owner = Owner::new(&desired.project, &desired.environment);
        let (identity, attributes) = (instance.identity.clone(), instance.attributes.clone());
        Ok((run::engines(&spec), Inside { owner, identity, attributes }))
    }

    /// Passes on what a container wrote; whether anybody still reads it.
    fn pass(heard: Heard<'_>, ui: &Ui) -> bool {
        match heard {
            Heard::Out(bytes) => ui.pass(bytes),
            Heard::Err(bytes) => {
                ui.err(&String::from_utf8_lossy(bytes));
                true
            }
        }
    }

    fn failed(address: &Address, error: DriverError) -> Failure {
        Failure::new(format!("{address} can't be looked into")).because(error.chain())
    }
}

#[cfg(not(feature = "docker"))]
mod real {
    use super::{End, ExecArgs, Failure, Global, LogsArgs, Ui};

    #[allow(clippy::unused_async, reason = "the same shape as with engines")]
    pub async fn logs(_: &Global, _: &LogsArgs, _: &Ui) -> Result<End, Failure> {
        Err(without())
    }

    #[allow(clippy::unused_async, reason = "the same shape as with engines")]
    pub async fn exec(_: &Global, _: &ExecArgs, _: &Ui) -> Result<End, Failure> {
        Err(without())
    }

    fn without() -> Failure {
        Failure::new("this build of Atlas leaves container engines out").hint("build Atlas with its default features")
    }
}

pub use real::{exec, logs};
