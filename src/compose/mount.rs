//! What is mounted: volumes, folders, memory, and the files of configs and secrets.

use std::collections::BTreeMap;

use super::service::ServiceDraft;
use super::untaken::Untakable;
use super::yaml::{Yaml, YamlContent, YamlEntry};
use crate::value::Value;

pub(super) fn volumes(service: &mut ServiceDraft<'_>, from: &YamlEntry) -> Result<(), Untakable> {
    let YamlContent::List(items) = &from.value.content else {
        return Err(Untakable::sort(from.value.sort(), "a list"));
    };
    for item in items {
        let taken = match &item.content {
            YamlContent::Map(_) => long(service, from, item),
            _ => match item.text() {
                Some(text) => short(service, from, &text, item.line),
                None => Err(Untakable::sort(item.sort(), "a volume")),
            },
        };
        if let Err(why) = taken {
            service.leave("volumes", item.line, why);
        }
    }
    Ok(())
}

/// `[FROM:]TO[:OPTIONS]`.
fn short(service: &mut ServiceDraft<'_>, from: &YamlEntry, text: &str, line: usize) -> Result<(), Untakable> {
    let parts: Vec<&str> = text.split(':').collect();
    let (source, to, options) = match parts.as_slice() {
        [_] => return Err(nameless()),
        [source, to] => (*source, *to, ""),
        [source, to, options] => (*source, *to, *options),
        _ => return Err(Untakable::new(format!("`{text}` is no volume"), "write it as \"NAME:/data\"")),
    };
    if !is_path(source) {
        let others: Vec<&str> = options.split(',').filter(|one| !["", "ro", "rw"].contains(one)).collect();
        if !others.is_empty() {
            let why = format!("of a volume no option `{}` can be said", others.join(","));
            service.leave("volumes", line, Untakable::new(why, "leave it out"));
        }
        return volume(service, from, source, to, options.split(',').any(|one| one == "ro"));
    }
    bind(service, from, source, to, options)
}

fn long(service: &mut ServiceDraft<'_>, from: &YamlEntry, item: &Yaml) -> Result<(), Untakable> {
    let text = |key: &str| item.get(key).and_then(Yaml::text);
    let read_only = item.get("read_only").and_then(Yaml::flag) == Some(true);
    let to = text("target").ok_or_else(|| Untakable::new("it has no `target`", "say where it is in the container"))?;
    let sort = text("type").unwrap_or_default();
    let known: &[(&str, &[&str])] =
        &[("bind", &["propagation", "selinux", "create_host_path"]), ("volume", &[]), ("tmpfs", &[])];
    for entry in item.entries() {
        let inner = known.iter().find(|(key, _)| *key == entry.key);
        match (entry.key.as_str(), inner) {
            ("type" | "source" | "target" | "read_only", _) => {}
            (key, Some((_, read))) => {
                let path = format!("volumes.{key}");
                service.leave_others(&YamlEntry { value: entry.value.clone(), ..entry.clone() }, &path, read);
            }
            (key, None) => {
                let why = Untakable::new("no attribute of a container says this", "leave it out");
                service.leave(format!("volumes.{key}"), entry.line, why);
            }
        }
    }
    match (sort.as_str(), text("source")) {
        ("volume", None) => Err(nameless()),
        ("volume", Some(source)) => volume(service, from, &source, &to, read_only),
        ("bind", Some(source)) => {
            let option = |key: &str| item.get("bind").and_then(|bind| bind.get(key)).and_then(Yaml::text);
            if option("create_host_path").as_deref() == Some("false") {
                let why = "a folder that is not there is made by the engine";
                service.leave("volumes.bind.create_host_path", item.line, Untakable::new(why, "make it yourself"));
            }
            let read_only = read_only.then(|| "ro".to_owned());
            let options: Vec<String> =
                [read_only, option("propagation"), option("selinux")].into_iter().flatten().collect();
            bind(service, from, &source, &to, &options.join(","))
        }
        ("tmpfs", _) => {
            service.push("tmpfs", Value::from(to.as_str()), from);
            Ok(())
        }
        (sort, _) => Err(Untakable::new(
            format!("a mount of the type `{sort}` without more can't be said"),
            "use a volume with a name, a bind with a `source`, or a tmpfs",
        )),
    }
}

pub(super) fn tmpfs(service: &mut ServiceDraft<'_>, from: &YamlEntry) -> Result<(), Untakable> {
    for (text, line) in super::service::texts(&from.value)? {
        let (path, options) = text.split_once(':').unwrap_or((&text, ""));
        if !options.is_empty() {
            let why = format!("of a folder in memory no option `{options}` can be said");
            service.leave("tmpfs", line, Untakable::new(why, "leave it out; the usual ones count then"));
        }
        service.push("tmpfs", Value::from(path), from);
    }
    Ok(())
}

pub(super) fn configs(service: &mut ServiceDraft<'_>, from: &YamlEntry) -> Result<(), Untakable> {
    files(service, from, &service.file.configs, "configs", |name| format!("/{name}"))
}

pub(super) fn secrets(service: &mut ServiceDraft<'_>, from: &YamlEntry) -> Result<(), Untakable> {
    files(service, from, &service.file.secrets, "secrets", |name| format!("/run/secrets/{name}"))
}

/// Files that compose binds into the container.
fn files(
    service: &mut ServiceDraft<'_>,
    from: &YamlEntry,
    all: &BTreeMap<&str, &Yaml>,
    key: &str,
    usual: impl Fn(&str) -> String,
) -> Result<(), Untakable> {
    let YamlContent::List(items) = &from.value.content else {
        return Err(Untakable::sort(from.value.sort(), "a list"));
    };
    for item in items {
        let name = item.text().or_else(|| item.get("source").and_then(Yaml::text)).unwrap_or_default();
        let other = YamlEntry { key: key.to_owned(), line: item.line, value: item.clone() };
        service.leave_others(&other, key, &["source", "target"]);
        let to = item.get("target").and_then(Yaml::text).unwrap_or_else(|| name.clone());
        let to = if to.starts_with('/') { to } else { usual(&to) };
        let file = all.get(name.as_str()).and_then(|entry| entry.get("file"));
        match file.and_then(Yaml::text) {
            Some(file) => bind(service, from, &file, &to, "ro")?,
            None => {
                let why = format!("`{name}` is no file");
                let way_out = "write it into a file beside the spec and bind that, or say `secrets` of the container";
                service.leave(key, item.line, Untakable::new(why, way_out));
            }
        }
    }
    Ok(())
}

fn volume(
    service: &mut ServiceDraft<'_>,
    from: &YamlEntry,
    name: &str,
    to: &str,
    read_only: bool,
) -> Result<(), Untakable> {
    let address = service.file.address("volume", name).ok_or_else(|| {
        Untakable::new(format!("the file declares no volume `{name}`"), format!("write `{name}:` below `volumes:`"))
    })?;
    service.used.push(("volume", name.to_owned()));
    let mut mount = vec![("volume", Value::from(address.as_str())), ("to", Value::from(to))];
    if read_only {
        mount.push(("read_only", Value::Bool(true)));
    }
    let mount = Value::map(mount.into_iter().map(|(key, value)| (key.into(), value)).collect());
    service.push("volumes", mount, from);
    Ok(())
}

fn bind(
    service: &mut ServiceDraft<'_>,
    from: &YamlEntry,
    source: &str,
    to: &str,
    options: &str,
) -> Result<(), Untakable> {
    let source = beside(service, source)?;
    let options = if options.is_empty() { String::new() } else { format!(":{options}") };
    service.push("binds", Value::from(format!("{source}:{to}{options}").as_str()), from);
    Ok(())
}

/// A path of the file as the spec says it, which may be in another folder.
pub(super) fn beside(service: &ServiceDraft<'_>, path: &str) -> Result<String, Untakable> {
    if path.starts_with('/') {
        return Ok(path.to_owned());
    }
    if let Some(rest) = path.strip_prefix('~') {
        let unknown = || Untakable::new("where `~` is, is not known here", "write the whole path");
        return Ok(format!("{}{rest}", service.file.home.ok_or_else(unknown)?));
    }
    Ok(match service.file.beside {
        "" if path.starts_with("./") || path.starts_with("../") => path.to_owned(),
        "" => format!("./{path}"),
        folder => format!("{folder}/{path}"),
    })
}

fn is_path(source: &str) -> bool {
    source.starts_with(['/', '.', '~'])
}

fn nameless() -> Untakable {
    Untakable::new(
        "a volume without a name goes with its container",
        "give it a name, and declare that below `volumes:`",
    )
}

/// Of several mounts at one place the last counts, as in a service that extends another.
pub(super) fn last_of_each_place(mounts: Vec<Value>) -> Vec<Value> {
    let place = |mount: &Value| match mount.as_str() {
        Some(bind) => bind.split(':').nth(1).unwrap_or_default().to_owned(),
        None => mount.at("to").and_then(Value::as_str).unwrap_or_default().to_owned(),
    };
    let last: BTreeMap<String, usize> = mounts.iter().enumerate().map(|(at, mount)| (place(mount), at)).collect();
    let counts = |(at, mount): &(usize, Value)| last.get(&place(mount)) == Some(at);
    mounts.into_iter().enumerate().filter(counts).map(|(_, mount)| mount).collect()
}
