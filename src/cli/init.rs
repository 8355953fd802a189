//! `atlas init`: a small spec to begin with.

use std::fs::OpenOptions;
use std::io::{ErrorKind, Write as _};

use super::End;
use super::args::Global;
use super::failure::Failure;
use super::ui::Ui;
use crate::spec::STARTER;

pub fn run(global: &Global, ui: &Ui) -> Result<End, Failure> {
    let path = &global.file;
    // A spec that is there already is never touched.
    let written = OpenOptions::new().write(true).create_new(true).open(path).and_then(|mut file| {
        file.write_all(STARTER.as_bytes())?;
        file.sync_all()
    });
    match written {
        Ok(()) if ui.json() => ui.out_json(&serde_json::json!({ "written": path.display().to_string() })),
        Ok(()) => ui.note(&format!("Wrote {}. Next: atlas plan\n", path.display())),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            return Err(Failure::new(format!("`{}` exists already", path.display()))
                .hint("it was left as it is; choose another name with `-f FILE`"));
        }
        Err(error) => {
            return Err(Failure::new(format!("`{}` can't be written", path.display())).because(error.to_string()));
        }
    }
    Ok(End::Good)
}
