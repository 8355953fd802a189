//! Environment variables, labels and names of hosts.

use super::service::{ServiceDraft, pairs};
use super::untaken::Untakable;
use super::yaml::{Yaml, YamlContent, YamlEntry};
use crate::spec::is_secret_name;
use crate::value::Value;

pub(super) fn environment(service: &mut ServiceDraft<'_>, from: &YamlEntry) -> Result<(), Untakable> {
    for (name, value, line) in pairs(&from.value, &['='])? {
        match value {
            Some(value) => variable(service, from, &name, &value, line),
            None => passed_on(service, from, &name, line),
        }
    }
    Ok(())
}

fn variable(service: &mut ServiceDraft<'_>, from: &YamlEntry, name: &str, value: &Yaml, line: usize) {
    if name.is_empty() || name.contains(['=', '\0']) {
        let why = format!("`{}` is no name of an environment variable", name.escape_debug());
        service.leave("environment", line, Untakable::new(why, "write NAME=VALUE"));
        return;
    }
    if let Some(variable) = &value.variable
        && refers(service, variable)
    {
        secret(service, from, name, variable);
        return;
    }
    match value.text() {
        Some(text) => {
            if is_secret_name(name) && !text.is_empty() {
                service.secrets.push(name.to_owned());
            }
            plain(service, from, name, &text);
        }
        None => service.leave(format!("environment.{name}"), line, Untakable::sort(value.sort(), "a text")),
    }
}

/// A name alone: the variable of that name where compose runs.
fn passed_on(service: &mut ServiceDraft<'_>, from: &YamlEntry, name: &str, line: usize) {
    if refers(service, name) {
        return secret(service, from, name, name);
    }
    let known = (service.file.environment)(name).or_else(|| service.file.dotenv.get(name).cloned());
    match known {
        Some(text) => {
            if is_secret_name(name) {
                service.secrets.push(name.to_owned());
            }
            plain(service, from, name, &text);
        }
        None => {
            let why = "it is passed on from where compose runs, and is not set here";
            let way_out = format!("write `secrets = {{ {name} = {{ env = \"{name}\" }} }}`, or its value");
            service.leave(format!("environment.{name}"), line, Untakable::new(why, way_out));
        }
    }
}

/// Whether a variable is one that only a reference should stand for: a secret that does not come from a file.
fn refers(service: &ServiceDraft<'_>, variable: &str) -> bool {
    let elsewhere = (service.file.environment)(variable).is_some() || !service.file.dotenv.contains_key(variable);
    is_secret_name(variable) && elsewhere
}

/// What stands there later counts, where a name stands there twice.
fn plain(service: &mut ServiceDraft<'_>, from: &YamlEntry, name: &str, value: &str) {
    service.tables.get_mut("secrets").map(|secrets| secrets.remove(name));
    service.put("environment", name, Value::from(value), from);
}

fn secret(service: &mut ServiceDraft<'_>, from: &YamlEntry, name: &str, variable: &str) {
    service.tables.get_mut("environment").map(|plain| plain.remove(name));
    service.put("secrets", name, super::service::table([("env", Value::from(variable))]), from);
}

/// Files of variables stay files: the spec reads them itself.
pub(super) fn env_file(service: &mut ServiceDraft<'_>, from: &YamlEntry) -> Result<(), Untakable> {
    let one = std::slice::from_ref(&from.value);
    let items = if let YamlContent::List(items) = &from.value.content { items } else { one };
    for item in items {
        let Some(path) = item.text().or_else(|| item.get("path").and_then(Yaml::text)) else {
            service.leave("env_file", item.line, Untakable::sort(item.sort(), "a path"));
            continue;
        };
        for entry in item.entries() {
            let why = match entry.key.as_str() {
                "path" => continue,
                "required" if entry.value.flag() == Some(true) => continue,
                "required" => Untakable::new("a file that is not there is an error", "make it, or leave it out"),
                "format" => Untakable::new("files are read in one way", "put between single quotes what has a `$`"),
                other => Untakable::unknown(other, &["path", "required", "format"]),
            };
            service.leave(format!("env_file.{}", entry.key), entry.line, why);
        }
        let path = super::mount::beside(service, &path)?;
        service.push("env_file", Value::from(path.strip_prefix("./").unwrap_or(&path)), from);
    }
    Ok(())
}

pub(super) fn labels(service: &mut ServiceDraft<'_>, from: &YamlEntry) -> Result<(), Untakable> {
    for (name, value, _) in pairs(&from.value, &['='])? {
        let text = value.and_then(|value| value.text()).unwrap_or_default();
        service.put("labels", &name, Value::from(text.as_str()), from);
    }
    Ok(())
}

pub(super) fn extra_hosts(service: &mut ServiceDraft<'_>, from: &YamlEntry) -> Result<(), Untakable> {
    let several = || Untakable::new("one name has several addresses", "keep one of them");
    for (name, value, line) in pairs(&from.value, &['=', ':'])? {
        let address = match value.as_ref().map(|value| &value.content) {
            Some(YamlContent::List(all)) => match all.as_slice() {
                [one] => one.text(),
                _ => None,
            },
            _ => value.as_ref().and_then(Yaml::text),
        };
        let known = service.tables.get("extra_hosts").is_some_and(|known| known.contains_key(&name));
        match address.filter(|_| !known) {
            Some(address) => {
                let address = address.trim_matches(['[', ']']).to_owned();
                service.put("extra_hosts", &name, Value::from(address.as_str()), from);
            }
            None => service.leave(format!("extra_hosts.{name}"), line, several()),
        }
    }
    Ok(())
}
