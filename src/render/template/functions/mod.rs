//! The functions that templates can call: Go's own, Sprig's and Helm's.

mod builtins;
mod cases;
mod casts;
mod certificates;
mod compare;
mod data;
mod dates;
mod defaults;
mod durations;
mod encodings;
mod helm;
mod json;
mod lists;
mod maps;
mod merge;
mod numbers;
mod passwords;
mod paths;
mod patterns;
mod random;
mod reflection;
mod text;
mod toml;
mod urls;
mod versions;
mod wrapping;

pub use encodings::{base64_bytes, base64_text};

use super::state::TemplateFunction;

/// Every function.
pub fn all() -> impl Iterator<Item = &'static TemplateFunction> {
    GROUPS.iter().flat_map(|group| group.iter())
}

/// Whether there is a function of the name.
pub fn exists(name: &str) -> bool {
    all().any(|function| function.name == name)
}

static GROUPS: [&[TemplateFunction]; 24] = [
    builtins::FUNCTIONS,
    cases::FUNCTIONS,
    certificates::FUNCTIONS,
    compare::FUNCTIONS,
    data::FUNCTIONS,
    dates::FUNCTIONS,
    defaults::FUNCTIONS,
    durations::FUNCTIONS,
    encodings::FUNCTIONS,
    helm::FUNCTIONS,
    lists::FUNCTIONS,
    maps::FUNCTIONS,
    merge::FUNCTIONS,
    numbers::FUNCTIONS,
    passwords::FUNCTIONS,
    paths::FUNCTIONS,
    patterns::FUNCTIONS,
    random::FUNCTIONS,
    reflection::FUNCTIONS,
    text::FUNCTIONS,
    toml::FUNCTIONS,
    urls::FUNCTIONS,
    versions::FUNCTIONS,
    wrapping::FUNCTIONS,
];
