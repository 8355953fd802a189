//! Paths with slashes, for Sprig's `base`, `dir`, `clean`, `ext` and `isAbs`, and their forms for files, which are the same.

use crate::render::template::arguments::ArgumentType;
use crate::render::template::state::{TemplateFunction, text};
use crate::render::value::ChartValue;

use ArgumentType::Text;

pub const FUNCTIONS: &[TemplateFunction] = &[
    TemplateFunction::new("base", &[Text], |call| text(base(&call.args.text(0)))),
    TemplateFunction::new("dir", &[Text], |call| text(dir(&call.args.text(0)))),
    TemplateFunction::new("clean", &[Text], |call| text(clean(&call.args.text(0)))),
    TemplateFunction::new("ext", &[Text], |call| text(ext(&call.args.text(0)))),
    TemplateFunction::new("isAbs", &[Text], |call| Ok(ChartValue::Bool(call.args.text(0).starts_with('/')))),
    TemplateFunction::new("osBase", &[Text], |call| text(base(&call.args.text(0)))),
    TemplateFunction::new("osDir", &[Text], |call| text(dir(&call.args.text(0)))),
    TemplateFunction::new("osClean", &[Text], |call| text(clean(&call.args.text(0)))),
    TemplateFunction::new("osExt", &[Text], |call| text(ext(&call.args.text(0)))),
    TemplateFunction::new("osIsAbs", &[Text], |call| Ok(ChartValue::Bool(call.args.text(0).starts_with('/')))),
];

fn base(path: &str) -> &str {
    let trimmed = path.trim_end_matches('/');
    match (path.is_empty(), trimmed.is_empty()) {
        (true, _) => ".",
        (_, true) => "/",
        _ => trimmed.rsplit('/').next().unwrap_or(trimmed),
    }
}

fn dir(path: &str) -> String {
    clean(path.rfind('/').map_or("", |at| &path[..=at]))
}

fn ext(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or_default();
    name.rfind('.').map_or("", |at| &name[at..])
}

/// The shortest path that means the same.
fn clean(path: &str) -> String {
    let rooted = path.starts_with('/');
    let mut parts: Vec<&str> = Vec::new();
    for part in path.split('/') {
        match part {
            "" | "." => {}
            ".." => match parts.last() {
                Some(last) if *last != ".." => drop(parts.pop()),
                _ if rooted => {}
                _ => parts.push(part),
            },
            part => parts.push(part),
        }
    }
    let joined = parts.join("/");
    match (rooted, joined.is_empty()) {
        (true, _) => format!("/{joined}"),
        (false, true) => ".".to_owned(),
        (false, false) => joined,
    }
}
