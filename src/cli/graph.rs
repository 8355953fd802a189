//! `atlas graph`: what needs what.

use super::args::{Global, GraphFormat};
use super::failure::Failure;
use super::ui::Ui;
use super::{End, load};
use crate::graph::{Format, build, render};

pub fn run(global: &Global, format: GraphFormat, ui: &Ui) -> Result<End, Failure> {
    let spec = load::spec(global)?;
    let graph = build(&spec.desired).map_err(|diagnostics| Failure::found(spec.source.text(), diagnostics))?;
    let format = match format {
        _ if ui.json() => Format::Json,
        GraphFormat::Dot => Format::Dot,
        GraphFormat::Mermaid => Format::Mermaid,
        GraphFormat::Json => Format::Json,
    };
    ui.out(&render(&graph, format));
    Ok(End::Good)
}
