//! `atlas import`: a compose file as the blocks of a spec.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};
use std::path::{Component, Path, PathBuf};

use super::args::{Global, ImportArgs};
use super::failure::{self, Failure};
use super::ui::Ui;
use super::{End, environment, load};
use crate::compose::{self, ComposeFault, ComposeSource, Imported};
use crate::diagnostic::SourceText;
use crate::run::{self, FileError, RunError};
use crate::spec::{Inputs, compile};
use crate::{graph, style};

pub fn run(global: &Global, args: &ImportArgs, ui: &Ui) -> Result<End, Failure> {
    let text = run::read_text(&args.compose).map_err(|error| failure::file(error, "the compose file"))?;
    let target = args.out.as_ref().unwrap_or(&global.file);
    let imported = translated(args, target, &text)?;
    let file = args.compose.display().to_string();
    let added = args.write && global.file.exists();
    let written = compose::written(&imported, &file, Some(imported.project.as_str()).filter(|_| !added));
    if !added {
        check(&written, &file)?;
    }
    if added {
        append(global, &written)?;
    } else if args.write || args.out.is_some() {
        create(target, &written)?;
    }
    tell(&imported, &written, args, target, ui);
    Ok(End::Good)
}

/// Translates the file, with what stands around it.
fn translated(args: &ImportArgs, target: &Path, text: &str) -> Result<Imported, Failure> {
    let (folder, beside) = folders(&args.compose, target);
    let (variables, home) = (environment::variable, environment::variable("HOME"));
    let dotenv = variables_beside(&args.compose)?;
    let source = ComposeSource {
        text,
        name: args.name.as_deref(),
        folder: &folder,
        beside: &beside,
        home: home.as_deref(),
        environment: &variables,
        dotenv: &dotenv,
    };
    let name = args.compose.display();
    compose::import(&source).map_err(|fault| {
        let ComposeFault { way_out, .. } = &fault;
        Failure::new(format!("`{name}` can't be imported")).because(fault.to_string()).hint(way_out)
    })
}

/// The variables of the `.env` beside a compose file.
fn variables_beside(file: &Path) -> Result<BTreeMap<String, String>, Failure> {
    let path = parent(file).join(".env");
    let text = match run::read_text(&path) {
        Err(RunError::File { source: FileError::Missing, .. }) => return Ok(BTreeMap::new()),
        read => read.map_err(|error| failure::file(error, "the file of variables"))?,
    };
    compose::read_env_file(&text, &environment::variable).map_err(|fault| {
        Failure::new(format!("`{}` can't be used", path.display()))
            .because(format!("line {}: {}", fault.line, fault.why))
            .hint("write NAME=VALUE on each line")
    })
}

/// What is written has to be a good spec.
fn check(written: &str, file: &str) -> Result<(), Failure> {
    let (desired, mut diagnostics) = compile(written, &Inputs::default());
    if let Some(Err(found)) = desired.as_ref().map(graph::build) {
        diagnostics.append(found);
    }
    if !diagnostics.has_errors() {
        return Ok(());
    }
    let name = format!("what comes of {file}");
    let source = SourceText { name: &name, text: written };
    Err(Failure::found(source, diagnostics).titled("what this file says can't be said in a spec; nothing was written"))
}

/// Adds blocks to the spec, which is as before when it is no good spec with them.
fn append(global: &Global, written: &str) -> Result<(), Failure> {
    let before = run::read_text(&global.file)?;
    let gap = if before.ends_with('\n') { "\n" } else { "\n\n" };
    run::set_text(&global.file, &format!("{before}{gap}{written}"))?;
    let found = load::spec(global).and_then(|spec| match graph::build(&spec.desired) {
        Ok(_) => Ok(()),
        Err(diagnostics) => Err(Failure::found(spec.source.text(), diagnostics)),
    });
    found.or_else(|failure| {
        run::set_text(&global.file, &before)?;
        Err(failure.titled("what this file says can't be added to the spec; the spec is as before"))
    })
}

/// Writes a new file. One that is there already is never touched.
fn create(path: &Path, text: &str) -> Result<(), Failure> {
    let written = OpenOptions::new().write(true).create_new(true).open(path).and_then(|mut file| {
        file.write_all(text.as_bytes())?;
        file.sync_all()
    });
    written.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => Failure::new(format!("`{}` exists already", path.display()))
            .hint("it was left as it is; name another file, or add to a spec with `--write`"),
        _ => Failure::new(format!("`{}` can't be written", path.display())).because(error.to_string()),
    })
}

fn tell(imported: &Imported, written: &str, args: &ImportArgs, target: &Path, ui: &Ui) {
    let to_file = args.write || args.out.is_some();
    let untaken = imported.all_untaken();
    if ui.json() {
        let one = |one: &&compose::Untaken| serde_json::json!({ "path": one.path(), "line": one.line, "why": one.why, "way_out": one.way_out });
        ui.out_pretty(&serde_json::json!({
            "project": imported.project,
            "addresses": imported.blocks.iter().map(|block| &block.address).collect::<Vec<_>>(),
            "blocks": written,
            "untaken": untaken.iter().map(one).collect::<Vec<_>>(),
            "secrets": imported.secrets,
            "written": to_file.then(|| target.display().to_string()),
        }));
        return;
    }
    if !to_file {
        ui.out(written);
    }
    for one in &untaken {
        ui.err(&format!("not taken: {}\n", style::harmless(&one.to_string())));
    }
    if !imported.secrets.is_empty() {
        let all = style::harmless(&imported.secrets.join(", "));
        ui.err(&format!("warning: these variables look like secrets, and their values stand in the blocks: {all}\n"));
        ui.err("         to have only references to them, say `secrets` instead\n");
    }
    let count = imported.blocks.len();
    match to_file {
        true => ui.side(&format!("wrote {count} blocks to {}; next: atlas plan\n", target.display())),
        false => {
            ui.side("nothing was written; `--out FILE` writes a spec, and `--write` adds to the one that there is\n")
        }
    }
}

/// The name of the folder of a compose file, and where that folder is, seen from the one of the spec.
fn folders(file: &Path, spec: &Path) -> (String, String) {
    let whole = |path: &Path| std::fs::canonicalize(parent(path)).unwrap_or_else(|_| parent(path).to_owned());
    let (own, other) = (whole(file), whole(spec));
    let name = own.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let (own, other): (Vec<Component<'_>>, Vec<Component<'_>>) =
        (own.components().collect(), other.components().collect());
    let shared = own.iter().zip(&other).take_while(|(one, other)| one == other).count();
    let up = other.len() - shared;
    let mut way = PathBuf::new();
    (0..up).for_each(|_| way.push(".."));
    own[shared..].iter().for_each(|part| way.push(part));
    let way = way.to_string_lossy().into_owned();
    let beside = match way.as_str() {
        "" => String::new(),
        way if way.starts_with("..") => way.to_owned(),
        way => format!("./{way}"),
    };
    (name, beside)
}

fn parent(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."))
}
