//! A compose file as the blocks of a spec.
//!
//! Services become containers, and networks and volumes are what they are, each under the name that compose would give it:
//! what already runs can be adopted, and data stays where it is. What can't be taken is named, with its line, the reason and
//! the way out; nothing is left away without a word.
//!
//! Source: <https://github.com/compose-spec/compose-spec/blob/main/spec.md>.

mod block;
mod copies;
mod env_file;
mod extends;
mod health;
mod imported;
mod interpolate;
mod join;
mod keys;
mod limit;
mod measure;
mod mount;
mod needs;
mod port;
mod service;
mod shared_parts;
mod start;
mod untaken;
mod variable;
mod yaml;

pub use block::written;
pub use env_file::{EnvFileFault, read_env_file};
pub use imported::{Imported, ImportedBlock};
pub use interpolate::Lookup;
pub use untaken::{ComposeFault, Untaken};

use std::collections::{BTreeMap, BTreeSet};

use service::{ComposeFile, ServiceDraft};
use untaken::Untakable;
use yaml::{Yaml, YamlContent, YamlEntry};

use crate::spec::{block_name, is_secret_name};

/// A compose file, and what stands around it.
pub struct ComposeSource<'a> {
    /// Its text.
    pub text: &'a str,
    /// The project's name where one was asked for: it counts before what the file says.
    pub name: Option<&'a str>,
    /// The name of its folder: the project's where nothing else says one.
    pub folder: &'a str,
    /// Where its folder is, seen from the spec; empty where both are one.
    pub beside: &'a str,
    /// The folder that `~` stands for.
    pub home: Option<&'a str>,
    /// The environment variables of this process.
    pub environment: Lookup<'a>,
    /// The variables of the `.env` beside it.
    pub dotenv: &'a BTreeMap<String, String>,
}

/// The keys at the top of a file.
const TOP: [&str; 9] =
    ["version", "name", "include", "services", "models", "networks", "volumes", "secrets", "configs"];

/// Translates a compose file.
///
/// # Errors
/// When it is no compose file, or something in it has to be set and is not.
pub fn import(source: &ComposeSource<'_>) -> Result<Imported, ComposeFault> {
    let mut root = yaml::parse(source.text)?;
    if !matches!(root.content, YamlContent::Map(_)) {
        let why = format!("it is {}, and a compose file is a mapping", root.sort());
        return Err(ComposeFault { line: None, why, way_out: "name a compose file".into() });
    }
    let mut filling = Filling { source, unset: BTreeMap::new(), size: 0 };
    filling.fill(&mut root, false)?;
    let mut imported = Imported { project: project(source, &root), ..Imported::default() };
    top(&root, &mut imported.untaken);
    for (name, line) in filling.unset {
        let why = "this variable is not set, so its value is empty";
        let way_out = format!("set it and import again, or write it into `.env`: {name}=…");
        let (part, key, why) = (String::new(), format!("${{{name}}}"), why.to_owned());
        imported.untaken.push(Untaken { part, key, line, why, way_out });
    }
    let services = mapping(&root, "services", &mut imported.untaken);
    if services.is_empty() {
        return Err(ComposeFault {
            line: None,
            why: "it has no services".into(),
            way_out: "name a compose file with `services:`".into(),
        });
    }
    let services = extends::resolved(services, &mut imported.untaken)?;
    let mut networks = mapping(&root, "networks", &mut imported.untaken).to_vec();
    if !networks.iter().any(|network| network.key == "default") {
        networks.push(YamlEntry { key: "default".into(), line: root.line, value: Yaml::default() });
    }
    let volumes = mapping(&root, "volumes", &mut imported.untaken).to_vec();
    let [configs, secrets] = ["configs", "secrets"].map(|key| {
        let entries = mapping(&root, key, &mut imported.untaken).iter();
        entries.map(|entry| (entry.key.as_str(), &entry.value)).collect()
    });
    let project = imported.project.clone();
    let blocks = block_names(&services, &networks, &volumes);
    let file = ComposeFile {
        project: &project,
        beside: source.beside,
        home: source.home,
        environment: source.environment,
        dotenv: source.dotenv,
        services,
        networks: &networks,
        volumes: &volumes,
        configs,
        secrets,
        blocks,
    };
    blocks_of(&file, &mut imported);
    imported.untaken.sort_by_key(|untaken| untaken.line);
    Ok(imported)
}

/// Makes the blocks: of all services, and of the networks and volumes that they use.
fn blocks_of(file: &ComposeFile<'_>, imported: &mut Imported) {
    let mut services: Vec<ServiceDraft<'_>> = Vec::new();
    for entry in &file.services {
        let mut service = ServiceDraft::new(file, entry);
        if is_for_later(&mut service, entry) {
            service.left_out = true;
        } else {
            keys::take(&mut service, entry);
            let image = service.values.get("image").and_then(|(image, ..)| image.as_str());
            if !service.left_out && image.is_none_or(|image| image.trim().is_empty()) {
                service.left_out = true;
                let why = "it has no image, so there is no block for it";
                service.leave("image", entry.line, Untakable::new(why, "write one"));
            }
        }
        services.push(service);
    }
    needs::meet(&mut services);
    let used: BTreeSet<(&str, String)> =
        services.iter().filter(|service| !service.left_out).flat_map(|service| service.used.clone()).collect();
    shared_parts::add(file, &used, imported);
    for mut service in services {
        if service.left_out {
            imported.untaken.append(&mut service.untaken);
        } else {
            block::of_service(service, imported);
        }
    }
}

/// Whether compose starts a service only when it is asked to.
fn is_for_later(service: &mut ServiceDraft<'_>, entry: &YamlEntry) -> bool {
    let Some(profiles) = entry.value.get("profiles") else { return false };
    let named = service::texts(profiles).unwrap_or_default();
    if named.is_empty() {
        return false;
    }
    let names: Vec<&str> = named.iter().map(|(name, _)| name.as_str()).collect();
    let why = format!("compose starts it only with the profile {}, so there is no block for it", names.join(" or "));
    service.leave("profiles", profiles.line, Untakable::new(why, "remove `profiles` from it, and import again"));
    true
}

/// Names what stands at the top of a file and becomes nothing.
fn top(root: &Yaml, untaken: &mut Vec<Untaken>) {
    for entry in root.entries() {
        let Untakable { why, way_out } = match entry.key.as_str() {
            "version" => Untakable::new("compose itself pays no attention to it", "there is nothing to do"),
            "include" => Untakable::new(
                "other files are not read",
                "import what `docker compose config` prints, in which they are put together",
            ),
            "models" => Untakable::new("Atlas runs no models", "run one as a container of its own"),
            key if TOP.contains(&key) => continue,
            key => Untakable::unknown(key, &TOP),
        };
        untaken.push(Untaken { part: String::new(), key: entry.key.clone(), line: entry.line, why, way_out });
    }
}

/// The entries of a mapping at the top; what is there and is no mapping is named.
fn mapping<'a>(root: &'a Yaml, key: &str, untaken: &mut Vec<Untaken>) -> &'a [YamlEntry] {
    let Some(value) = root.get(key) else { return &[] };
    if !matches!(value.content, YamlContent::Map(_) | YamlContent::Null) {
        let Untakable { why, way_out } = Untakable::sort(value.sort(), "a mapping");
        untaken.push(Untaken { part: String::new(), key: key.to_owned(), line: value.line, why, way_out });
    }
    value.entries()
}

/// The project's name, in the letters that compose allows in one.
fn project(source: &ComposeSource<'_>, root: &Yaml) -> String {
    let variable = "COMPOSE_PROJECT_NAME";
    let known = (source.environment)(variable).or_else(|| source.dotenv.get(variable).cloned());
    let said = root.get("name").and_then(Yaml::text);
    let chosen = source.name.map(str::to_owned).or(known).or(said).unwrap_or_else(|| source.folder.to_owned());
    let good = |c: &char| c.is_ascii_lowercase() || c.is_ascii_digit() || "_-".contains(*c);
    let name: String = chosen.to_lowercase().chars().filter(good).collect();
    let name = name.trim_start_matches(['_', '-']);
    if name.is_empty() { "imported".to_owned() } else { name.to_owned() }
}

/// Each thing of the file has a block with a name of its own, and a service of several containers one for each of them.
fn block_names(
    services: &[YamlEntry],
    networks: &[YamlEntry],
    volumes: &[YamlEntry],
) -> BTreeMap<(&'static str, String), Vec<String>> {
    let mut names = BTreeMap::new();
    for (kind, entries) in [("container", services), ("network", networks), ("volume", volumes)] {
        let mut taken: BTreeSet<String> = BTreeSet::new();
        for entry in entries {
            let base = block_name(&entry.key);
            let count = if kind == "container" { copies::wanted(&entry.value).unwrap_or(1) } else { 1 };
            let own = (1..=count).map(|at| {
                let base = if count == 1 { base.clone() } else { format!("{base}-{at}") };
                let numbered = (2..).map(|number| format!("{base}-{number}"));
                let free = std::iter::once(base.clone()).chain(numbered).find(|name| !taken.contains(name));
                let name = free.unwrap_or(base);
                taken.insert(name.clone());
                name
            });
            names.insert((kind, entry.key.clone()), own.collect());
        }
    }
    names
}

/// The most that all texts with variables in them may hold.
const LARGEST_FILLING: usize = 16 * 1024 * 1024;

/// The variables of every text, on their way to their values.
struct Filling<'a> {
    source: &'a ComposeSource<'a>,
    /// Those that are not set, each with a line on which it stands.
    unset: BTreeMap<String, usize>,
    size: usize,
}

impl Filling<'_> {
    /// `hides` says whether a secret that is not set stands for a reference to it, as among environment variables.
    fn fill(&mut self, value: &mut Yaml, hides: bool) -> Result<(), ComposeFault> {
        match &mut value.content {
            YamlContent::Text(text) if text.contains('$') => {
                value.variable = interpolate::sole_variable(text).map(str::to_owned);
                let hidden = value.variable.as_deref().is_some_and(|name| hides && is_secret_name(name));
                *text = self.filled(text, value.line, hidden)?;
            }
            YamlContent::List(items) => {
                for item in items {
                    // An item may be a pair, and its value one variable.
                    let pair = item.text().and_then(|text| {
                        let (_, value) = text.split_once('=')?;
                        interpolate::sole_variable(value).map(str::to_owned)
                    });
                    let hidden = hides && pair.as_deref().is_some_and(is_secret_name);
                    match &mut item.content {
                        YamlContent::Text(text) if hidden => *text = self.filled(text, item.line, true)?,
                        _ => self.fill(item, hides)?,
                    }
                    item.variable = item.variable.take().or(pair);
                }
            }
            YamlContent::Map(entries) => {
                for entry in entries.iter_mut().filter(|entry| !entry.key.starts_with("x-")) {
                    self.fill(&mut entry.value, hides || entry.key == "environment")?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn filled(&mut self, text: &str, line: usize, hidden: bool) -> Result<String, ComposeFault> {
        let source = self.source;
        let known = |name: &str| (source.environment)(name).or_else(|| source.dotenv.get(name).cloned());
        let mut missing = BTreeSet::new();
        let filled = interpolate::interpolate(text, &known, &mut missing);
        for name in missing.into_iter().filter(|_| !hidden) {
            self.unset.entry(name).or_insert(line);
        }
        self.size += filled.as_ref().map_or(0, String::len);
        let filled = match filled {
            Ok(_) if self.size > LARGEST_FILLING => Err(format!("all texts hold more than {LARGEST_FILLING} bytes")),
            filled => filled,
        };
        filled.map_err(|why| ComposeFault {
            line: Some(line),
            why,
            way_out: "set it here or in the `.env` beside the file; a `$` itself is written `$$`".into(),
        })
    }
}
