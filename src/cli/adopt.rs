//! `atlas adopt` and `atlas forget`: taking over an object that exists, or all that is there, and letting go of one.

use super::apply::{Work, carry_out};
use super::args::{AdoptArgs, AdoptedHost, Carrying, Global, OneArgs};
use super::failure::Failure;
use super::load::{self, selectors};
use super::ui::Ui;
use super::{Done, End};
use crate::action::Action;
use crate::address::Address;
use crate::plan::Options;
use crate::run::{self, Spec, Survey};

pub async fn adopt(global: &Global, args: &AdoptArgs, ui: &Ui) -> Result<Done, Failure> {
    match (&args.address, &args.all_in) {
        (Some(address), _) => take_over(load::spec(global)?, std::slice::from_ref(address), args.yes, ui).await,
        (None, Some(host)) => all_in(global, host, args, ui).await,
        (None, None) => Err(Failure::new("say what to adopt: an address, or --all-in HOST")),
    }
}

pub async fn forget(global: &Global, args: &OneArgs, ui: &Ui) -> Result<Done, Failure> {
    let one = selectors(std::slice::from_ref(&args.address));
    let options = Options { forget: one.clone(), targets: one, exact: true, ..Options::default() };
    let otherwise = Failure::new(format!("there is nothing to forget: no object carries the mark of {}", args.address))
        .hint("`atlas status` lists every address");
    let only = Some((Action::Forget, otherwise));
    let work = Work { options, command: "forget", question: "Let go of this and leave it as it is", saved: None, only };
    carry_out(load::spec(global)?, work, &carrying(args.yes), ui).await
}

async fn take_over(spec: Spec, addresses: &[Address], yes: bool, ui: &Ui) -> Result<Done, Failure> {
    let all = selectors(addresses);
    let options = Options { adopt: all.clone(), targets: all, exact: true, ..Options::default() };
    let what = addresses.iter().map(Address::as_str).collect::<Vec<_>>().join(", ");
    let otherwise = Failure::new(format!("there is nothing to adopt for {what}"))
        .hint("an object can be adopted when it exists under the resource's name and is not Atlas's; see `atlas show`");
    let only = Some((Action::Adopt, otherwise));
    let work = Work { options, command: "adopt", question: "Take this over", saved: None, only };
    carry_out(spec, work, &carrying(yes), ui).await
}

/// Prints the blocks of all that is nobody's in a host; with `--write` adds them to the spec and takes it over.
async fn all_in(global: &Global, host: &AdoptedHost, args: &AdoptArgs, ui: &Ui) -> Result<Done, Failure> {
    let opened = load::look(global, ui).await?;
    let region = match host {
        AdoptedHost::Region(address) => Some(address),
        AdoptedHost::Engines => None,
    };
    let Survey { addresses, text, secrets, unseen } = run::survey(&opened, region, &args.named).await?;
    for (identity, why) in unseen {
        ui.err(&format!("left out: `{identity}` {why}\n"));
    }
    if addresses.is_empty() {
        return Err(Failure::new(
            "there is nothing to adopt: everything that is there has an owner, or is in the spec",
        ));
    }
    if !secrets.is_empty() {
        let all = secrets.join(", ");
        ui.err(&format!("warning: these variables look like secrets, and their values stand in the blocks: {all}\n"));
        ui.err("         to have only references to them, say `secrets` instead once they are adopted\n");
    }
    if !args.write {
        match ui.json() {
            true => ui.out_pretty(&serde_json::json!({ "addresses": addresses, "blocks": text })),
            false => ui.out(text.trim_start()),
        }
        ui.side("nothing was changed; `--write` adds these blocks to the spec and takes over what they say\n");
        return Ok(End::Good.into());
    }
    drop(opened);
    let before = run::read_text(&global.file)?;
    let gap = if before.ends_with('\n') { "" } else { "\n" };
    let with = format!("{before}{gap}{text}");
    run::set_text(&global.file, &with)?;
    let spec = match load::spec(global) {
        Ok(spec) => spec,
        Err(failure) => {
            run::set_text(&global.file, &before)?;
            return Err(failure.titled("what is there can't be said in a spec as it is; the spec is as before"));
        }
    };
    ui.side(&format!("added {} blocks to {}\n", addresses.len(), global.file.display()));
    take_over(spec, &addresses, args.yes, ui).await.inspect_err(|_| {
        // A failure comes before the first effect, so nothing was taken over that the spec would not have any more.
        let now = run::read_text(&global.file);
        if now.is_ok_and(|now| now == with) && run::set_text(&global.file, &before).is_ok() {
            ui.side("the spec is as before\n");
        }
    })
}

const fn carrying(yes: bool) -> Carrying {
    Carrying { yes, parallelism: 16, allow_loss: Vec::new() }
}
