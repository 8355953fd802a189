//! The codes of diagnostics: what each means, what causes it, and the way out.
//!
//! A code never changes its meaning, and a number that was once given is not given again, so that people, tests and searches
//! can refer to one. Its summary may get better words. `atlas explain CODE` and `docs/reference/diagnostics.md` are written
//! from these tables.

mod definition;
mod kinds;
mod outline;
mod plan;
mod reference;
mod value;
mod world;

pub use definition::{Code, Example, PREAMBLE};
pub use kinds::*;
pub use outline::*;
pub use plan::*;
pub use reference::*;
pub use value::*;
pub use world::*;

/// The tables, each with what its codes are about.
pub static GROUPS: [(&str, &[&Code]); 6] = [
    ("The outline of a spec", outline::ALL),
    ("Values", value::ALL),
    ("References", reference::ALL),
    ("What a kind asks for", kinds::ALL),
    ("Plans", plan::ALL),
    ("The world", world::ALL),
];

/// Every code, in the order of the numbers.
pub fn all() -> impl Iterator<Item = &'static Code> {
    GROUPS.iter().flat_map(|(_, codes)| codes.iter().copied())
}

/// The code with this name, in small or capital letters.
#[must_use]
pub fn get(name: &str) -> Option<&'static Code> {
    all().find(|code| code.name.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::{Example, all, get};

    #[test]
    fn every_code_is_said_once_and_wholly() {
        let mut before = "";
        for code in all() {
            assert!(code.name > before, "{code:?} is not behind {before}");
            before = code.name;
            assert_eq!(all().filter(|other| other.summary == code.summary).count(), 1, "{code:?}");
            assert!(code.meaning.ends_with('.') && code.remedy.ends_with('.'), "{code:?}");
            let (Example::Spec(text) | Example::Story(text)) = code.example;
            assert!(text.is_empty() || text.ends_with('\n'), "{code:?}");
            assert_eq!(get(&code.name.to_lowercase()), Some(code));
        }
        assert_eq!(get("A9999"), None);
    }
}
