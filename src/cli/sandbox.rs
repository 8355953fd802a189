//! `atlas sandbox`: playing the simulated world behind Atlas's back.

use super::End;
use super::args::{Global, SandboxCommand};
use super::failure::Failure;
use super::ui::Ui;

#[cfg(not(feature = "sandbox"))]
#[allow(clippy::unused_async, reason = "the same shape as with the sandbox")]
pub async fn run(_: &Global, _: &SandboxCommand, _: &Ui) -> Result<End, Failure> {
    Err(Failure::new("this build leaves the sandbox out").hint("build Atlas with its default features"))
}

#[cfg(feature = "sandbox")]
pub async fn run(global: &Global, command: &SandboxCommand, ui: &Ui) -> Result<End, Failure> {
    let spec = super::load::spec(global)?;
    if spec.desired.world != crate::desired::WorldChoice::Sandbox {
        return Err(Failure::new(format!("environment `{}` is not in the sandbox", spec.desired.environment))
            .hint("name one with `world = \"sandbox\"`: -e ENVIRONMENT"));
    }
    play::play(&spec, command, ui).await
}

#[cfg(feature = "sandbox")]
mod play {
    use super::super::End;
    use super::super::args::SandboxCommand;
    use super::super::failure::{Failure, locked};
    use super::super::ui::Ui;
    use crate::address::Address;
    use crate::desired::Instance;
    use crate::driver::sandbox::{ScriptedFault, World, WorldError};
    use crate::driver::{Class, DriverError};
    use crate::identity::Identity;
    use crate::kind::attribute_at;
    use crate::observed::{Object, Observed};
    use crate::path::split;
    use crate::run::{self, Destination, Spec};
    use crate::spec::read_value;
    use crate::suggest::suggest;

    pub async fn play(spec: &Spec, command: &SandboxCommand, ui: &Ui) -> Result<End, Failure> {
        if let SandboxCommand::Reset { yes } = command {
            return reset(spec, *yes, ui).await;
        }
        let world = run::world(&spec.local, &spec.desired, true)?;
        let said = match command {
            SandboxCommand::Delete { address } => {
                let object = find(&world, spec, address)?;
                let gone = world.destroy(&object.identity).map_err(failed)?;
                let inside = if gone > 1 { format!(", and {} that lived in it", gone - 1) } else { String::new() };
                format!("Deleted {address}{inside}.")
            }
            SandboxCommand::Set { address, change: (path, text) } => set(&world, spec, address, path, text)?,
            SandboxCommand::Outage { host, end } => {
                let (address, identity) = host_of(&world, spec, host, *end)?;
                world.set_outage(&identity, !end).map_err(failed)?;
                if *end { format!("{address} answers again.") } else { format!("{address} does not answer any more.") }
            }
            SandboxCommand::Fail { address, class, times } => fail(&world, spec, address, class, *times)?,
            SandboxCommand::Latency { milliseconds } => {
                world.set_latency(std::time::Duration::from_millis(*milliseconds)).map_err(failed)?;
                format!("Every call takes {milliseconds} ms now.")
            }
            SandboxCommand::Reset { .. } => String::new(),
        };
        if ui.json() {
            ui.out_json(&serde_json::json!({ "done": said }));
        } else {
            ui.note(&format!("{said}\n"));
        }
        Ok(End::Good)
    }

    async fn reset(spec: &Spec, yes: bool, ui: &Ui) -> Result<End, Failure> {
        let folder = spec.local.world(&spec.desired.environment);
        let destination = Destination::of(&spec.desired, &Observed::default());
        let question = format!("Delete the whole simulated world of {destination}? Only `yes` will do:");
        if !yes && ui.ask(&question).await != Some(true) {
            return Err(Failure::new("nothing was done").hint("add --yes"));
        }
        // No run may be at work in the world that is deleted.
        let _held = spec.store.lock("atlas sandbox reset", super::super::environment::lease()).map_err(locked)?;
        match spec.local.refuse_links(&folder).and_then(|()| std::fs::remove_dir_all(&folder)) {
            Ok(()) => {}
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => {
                return Err(Failure::new(format!("`{}` can't be removed", folder.display())).because(error.to_string()));
            }
        }
        let said = "The simulated world is gone; the next apply makes a new one.";
        if ui.json() {
            ui.out_json(&serde_json::json!({ "done": said }));
        } else {
            ui.note(&format!("{said}\n"));
        }
        Ok(End::Good)
    }

    fn set(world: &World, spec: &Spec, address: &Address, path: &str, text: &str) -> Result<String, Failure> {
        let object = find(world, spec, address)?;
        if object.kind.usage.contains(&path) {
            let count: u64 = text
                .parse()
                .map_err(|_| Failure::new(format!("`{path}` counts something, and `{text}` is no number")))?;
            world
                .edit(&object.identity, |object| {
                    object.usage.insert(path.into(), count.into());
                })
                .map_err(failed)?;
            return Ok(format!("{address} has {path} = {count} now."));
        }
        let parts = split(path);
        let first = parts.first().copied().unwrap_or_default();
        let ty = attribute_at(&object.kind, path).map_err(|unknown| {
            if !unknown.within.is_empty() {
                return Failure::new(format!("`{path}` leads nowhere: there is no `{}`", unknown.part))
                    .hint(format!("`atlas explain {}` shows what there is", object.kind.name));
            }
            let known: Vec<&str> = unknown.known.into_iter().chain(object.kind.usage.iter().copied()).collect();
            Failure::new(format!("a {} has no `{first}`", object.kind.name))
                .hint(suggest(first, &known).unwrap_or_else(|| format!("it has {}", known.join(", "))))
        })?;
        let name = object.kind.attribute(first).map_or("", |attribute| attribute.name);
        let value = read_value(ty, text).map_err(|diagnostics| {
            let why: Vec<&str> = diagnostics.iter().map(|one| one.detail.as_str()).collect();
            Failure::new(format!("`{path}` can't be `{text}`")).because(why.join("; "))
        })?;
        let whole = object.attributes.get(first).clone().with(&parts[1..], value);
        world.edit(&object.identity, |object| object.attributes.set(name, whole)).map_err(failed)?;
        Ok(format!("{address} has {path} = {text} now."))
    }

    fn fail(world: &World, spec: &Spec, address: &Address, class: &str, times: u32) -> Result<String, Failure> {
        let words: Vec<&str> = Class::ALL.iter().map(|class| class.word()).collect();
        let Some(class) = Class::ALL.into_iter().find(|known| known.word() == class) else {
            return Err(Failure::new(format!("there is no class `{class}` of errors"))
                .hint(suggest(class, &words).unwrap_or_else(|| format!("the classes are {}", words.join(", ")))));
        };
        if spec.desired.get(address).is_none() {
            return Err(unknown(spec, address));
        }
        let fault = ScriptedFault { address: address.clone(), verb: String::new(), class, times };
        world.fail(&fault).map_err(failed)?;
        let calls = if times == 1 { "call".to_owned() } else { format!("{times} calls") };
        Ok(format!("The next {calls} for {address} will fail: {class}."))
    }

    fn find(world: &World, spec: &Spec, address: &Address) -> Result<Object, Failure> {
        let found = world.find(&spec.desired.project, &spec.desired.environment, address).map_err(failed)?;
        found.ok_or_else(|| match spec.desired.get(address) {
            Some(_) => Failure::new(format!("{address} is not there")).hint("make it with `atlas apply`"),
            None => unknown(spec, address),
        })
    }

    fn unknown(spec: &Spec, address: &Address) -> Failure {
        let known: Vec<&str> = spec.desired.objects().map(|one| one.address.as_str()).collect();
        Failure::new(format!("there is no {address}"))
            .hint(suggest(address.as_str(), &known).unwrap_or_else(|| "`atlas status` lists every address".into()))
    }

    /// A region or a cluster by its address, or by its name alone. An outage can be ended although the spec no longer
    /// has what is out.
    fn host_of(world: &World, spec: &Spec, text: &str, end: bool) -> Result<(Address, Identity), Failure> {
        let hosts = || spec.desired.of_kind("region").chain(spec.desired.of_kind("cluster"));
        let meant = |one: &&Instance| one.address.as_str() == text || one.declaration.name == text;
        if let Some(instance) = hosts().find(meant) {
            return Ok((instance.address.clone(), instance.identity.clone()));
        }
        let name = text.rsplit('.').next().unwrap_or(text);
        let out = world.outages().map_err(failed)?;
        if let Some(identity) = out.keys().find(|identity| end && identity.ends_with(&format!("/{name}"))) {
            let kind = identity.rsplit('/').nth(1).unwrap_or("region");
            return Ok((Address::new(kind, name, None), Identity::from_text(identity.as_str())));
        }
        let known: Vec<&str> = hosts().map(|one| one.declaration.name.as_str()).collect();
        Err(Failure::new(format!("there is no region and no cluster `{text}`"))
            .hint(suggest(text, &known).unwrap_or_else(|| format!("there are {}", known.join(", ")))))
    }

    fn failed(error: WorldError) -> Failure {
        Failure::new("the sandbox could not be changed").because(DriverError::from(error).chain())
    }
}
