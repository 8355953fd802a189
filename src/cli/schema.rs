//! `atlas schema`: the JSON Schema of the spec.

use super::End;
use super::failure::Failure;
use super::ui::Ui;
use crate::kind::json_schema;

#[allow(clippy::unnecessary_wraps, reason = "every command has this shape")]
pub fn run(ui: &Ui) -> Result<End, Failure> {
    ui.out_pretty(&json_schema());
    Ok(End::Good)
}
