//! `atlas adopt` and `atlas forget`: taking over an object that exists, and letting go of one.

use super::Done;
use super::apply::{Work, carry_out};
use super::args::{Carrying, Global, OneArgs};
use super::failure::Failure;
use super::load::{self, selectors};
use super::ui::Ui;
use crate::action::Action;
use crate::plan::Options;

pub async fn adopt(global: &Global, args: &OneArgs, ui: &Ui) -> Result<Done, Failure> {
    let one = selectors(std::slice::from_ref(&args.address));
    let options = Options { adopt: one.clone(), targets: one, exact: true, ..Options::default() };
    let otherwise = Failure::new(format!("there is nothing to adopt for {}", args.address))
        .hint("an object can be adopted when it exists under the resource's name and is not Atlas's; see `atlas show`");
    let only = Some((Action::Adopt, otherwise));
    let work = Work { options, command: "adopt", question: "Take this over", saved: None, only };
    carry_out(load::spec(global)?, work, &carrying(args), ui).await
}

pub async fn forget(global: &Global, args: &OneArgs, ui: &Ui) -> Result<Done, Failure> {
    let one = selectors(std::slice::from_ref(&args.address));
    let options = Options { forget: one.clone(), targets: one, exact: true, ..Options::default() };
    let otherwise = Failure::new(format!("there is nothing to forget: no object carries the mark of {}", args.address))
        .hint("`atlas status` lists every address");
    let only = Some((Action::Forget, otherwise));
    let work = Work { options, command: "forget", question: "Let go of this and leave it as it is", saved: None, only };
    carry_out(load::spec(global)?, work, &carrying(args), ui).await
}

const fn carrying(args: &OneArgs) -> Carrying {
    Carrying { yes: args.yes, parallelism: 1, allow_loss: Vec::new() }
}
