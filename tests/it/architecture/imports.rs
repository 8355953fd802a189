//! Which file uses what which other file defines. A re-exported name belongs to the file that defines it.

use std::collections::{BTreeMap, BTreeSet};

use super::parse::{Import, Names, names};
use super::source::SourceFile;

/// One file uses another one.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Edge {
    /// The file that uses, by its path below `src/`.
    pub from: String,
    /// The file that is used.
    pub to: String,
    /// The line in which it does so first.
    pub line: usize,
    /// What it uses.
    pub path: String,
}

/// What a path leads to.
enum Target {
    Module(Vec<String>),
    /// Something that this file defines.
    Item(String),
}

/// All files, and what each names.
pub struct Crate {
    files: Vec<(String, Names)>,
    /// The file of each module.
    modules: BTreeMap<Vec<String>, String>,
    /// What each module calls by which name.
    bindings: BTreeMap<(Vec<String>, String), Import>,
}

impl Crate {
    pub fn new(sources: &[SourceFile]) -> Self {
        let mut all = Self { files: Vec::new(), modules: BTreeMap::new(), bindings: BTreeMap::new() };
        for source in sources {
            let names = names(&source.code, &source.module);
            for module in &names.modules {
                all.modules.insert(module.clone(), source.path.clone());
            }
            for import in &names.imports {
                if let Some(name) = &import.name {
                    // A name may be imported once for each of several features; any one of those imports will do.
                    all.bindings.entry((import.module.clone(), name.clone())).or_insert_with(|| import.clone());
                }
            }
            all.files.push((source.path.clone(), names));
        }
        all
    }

    /// Which file uses which. A re-export is no use of its name, unless `passed_on` says that it counts.
    pub fn edges(&self, passed_on: bool) -> Vec<Edge> {
        let mut edges: BTreeMap<(String, String), Edge> = BTreeMap::new();
        for (from, names) in &self.files {
            let mut add = |to: String, line: usize, path: &[String]| {
                if &to != from {
                    let edge = Edge { from: from.clone(), to: to.clone(), line, path: path.join("::") };
                    edges.entry((from.clone(), to)).or_insert(edge);
                }
            };
            let begun: BTreeSet<&String> =
                names.mentions.iter().filter(|one| one.path.len() > 1).map(|one| &one.path[0]).collect();
            for import in names.imports.iter().filter(|import| passed_on || !import.public) {
                match self.resolve(&import.module, &import.path, 0) {
                    Some(Target::Item(file)) => add(file, import.line, &import.path),
                    // A module counts as used here only if none of its items is named through this import below.
                    Some(Target::Module(module))
                        if import.name.as_ref().is_none_or(|name| passed_on || !begun.contains(name)) =>
                    {
                        add(self.modules[&module].clone(), import.line, &import.path);
                    }
                    _ => {}
                }
            }
            for mention in &names.mentions {
                match self.resolve(&mention.module, &mention.path, 0) {
                    Some(Target::Item(file)) => add(file, mention.line, &mention.path),
                    // A function may be called like the module that it is in.
                    Some(Target::Module(module)) if mention.path.len() > 1 => {
                        let file = self.modules.get(&module);
                        file.into_iter().for_each(|file| add(file.clone(), mention.line, &mention.path));
                    }
                    _ => {}
                }
            }
        }
        edges.into_values().collect()
    }

    /// Every path that a file names, in full where it comes from outside of the crate: `std::fs::read`.
    pub fn outside(&self, file: &str) -> Vec<(String, usize)> {
        let mut found = Vec::new();
        for (_, names) in self.files.iter().filter(|(path, _)| path == file) {
            found.extend(names.imports.iter().map(|import| (import.path.join("::"), import.line)));
            for mention in &names.mentions {
                let full = match self.bindings.get(&(mention.module.clone(), mention.path[0].clone())) {
                    Some(import) => import.path.iter().chain(&mention.path[1..]).cloned().collect(),
                    None => mention.path.clone(),
                };
                found.push((full.join("::"), mention.line));
            }
        }
        found
    }

    fn resolve(&self, module: &[String], path: &[String], depth: usize) -> Option<Target> {
        let mut rest = path;
        let mut here = match rest.first()?.as_str() {
            "crate" => Vec::new(),
            "self" | "super" => module.to_vec(),
            first => {
                let child = [module, &[first.to_owned()]].concat();
                if self.modules.contains_key(&child) {
                    rest = &rest[1..];
                    child
                } else {
                    match self.bound(module, first, depth)? {
                        Target::Item(file) => return Some(Target::Item(file)),
                        Target::Module(module) => {
                            rest = &rest[1..];
                            module
                        }
                    }
                }
            }
        };
        for (at, part) in rest.iter().enumerate() {
            match part.as_str() {
                "crate" | "self" if at == 0 => continue,
                "super" => {
                    here.pop()?;
                    continue;
                }
                _ => {}
            }
            let child = [here.as_slice(), std::slice::from_ref(part)].concat();
            if self.modules.contains_key(&child) {
                here = child;
                continue;
            }
            match self.bound(&here, part, depth) {
                Some(Target::Module(module)) => here = module,
                Some(item) => return Some(item),
                None => return self.modules.get(&here).cloned().map(Target::Item),
            }
        }
        Some(Target::Module(here))
    }

    /// What a module calls by a name that it has from elsewhere.
    fn bound(&self, module: &[String], name: &str, depth: usize) -> Option<Target> {
        let import = self.bindings.get(&(module.to_vec(), name.to_owned()))?;
        // A name whose imports lead back to it resolves to nothing.
        if depth < 8 { self.resolve(&import.module, &import.path, depth + 1) } else { None }
    }
}

/// The groups of files that use each other in a cycle, each ordered by path.
pub fn circles(edges: &[Edge]) -> Vec<Vec<String>> {
    let mut uses: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for edge in edges {
        uses.entry(&edge.from).or_default().push(&edge.to);
    }
    let reach = |from: &str| {
        let (mut seen, mut open) = (BTreeSet::new(), vec![from.to_owned()]);
        while let Some(file) = open.pop() {
            for next in uses.get(file.as_str()).into_iter().flatten() {
                if seen.insert((*next).to_owned()) {
                    open.push((*next).to_owned());
                }
            }
        }
        seen
    };
    let reached: BTreeMap<&str, BTreeSet<String>> = uses.keys().map(|file| (*file, reach(file))).collect();
    let mut groups = BTreeSet::new();
    for (file, below) in reached.iter().filter(|(file, below)| below.contains(**file)) {
        let group = below.iter().filter(|other| reached.get(other.as_str()).is_some_and(|back| back.contains(*file)));
        groups.insert(group.cloned().collect::<Vec<_>>());
    }
    groups.into_iter().collect()
}
