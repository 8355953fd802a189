//! The values of secrets, which go to the engine and nowhere else.

use std::io::Read as _;
use std::path::Path;

use crate::driver::{Class, DriverError, Variables};
use crate::value::Value;

/// The most bytes that a secret may have: an engine hands it on as a variable, and a system takes no longer ones.
const MOST: u64 = 128 * 1024;

/// The value that a reference leads to. Relative paths begin at `base`. No message says anything of the value.
pub(super) fn value(base: &Path, variables: &Variables, reference: &Value) -> Result<String, DriverError> {
    let get = |key: &str| reference.at(key).and_then(Value::as_str);
    let (whose, text) = match get("env") {
        Some(name) => {
            let whose = format!("the secret in ${name}");
            let text = variables(name).filter(|text| !text.is_empty());
            (whose.clone(), text.ok_or_else(|| unusable(&whose, "is not set in this environment"))?)
        }
        None => {
            let path = base.join(get("file").unwrap_or_default());
            let whose = format!("the secret in `{}`", path.display());
            let text = read(&path).map_err(|why| unusable(&whose, &why))?;
            (whose, text)
        }
    };
    if text.contains('\0') {
        return Err(unusable(&whose, "holds a NUL byte, which no environment variable can"));
    }
    Ok(text)
}

/// What a file holds, without the ends of its last line.
fn read(path: &Path) -> Result<String, String> {
    let unreadable = |error: std::io::Error| format!("can't be read: {error}");
    // A pipe or a device might never end.
    if !std::fs::metadata(path).map_err(unreadable)?.is_file() {
        return Err("is no file".into());
    }
    let mut text = String::new();
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let length = file.take(MOST + 1).read_to_string(&mut text).map_err(unreadable)?;
    if length as u64 > MOST {
        return Err(format!("is longer than {} KiB", MOST / 1024));
    }
    Ok(text.trim_end_matches(['\n', '\r']).to_owned())
}

fn unusable(whose: &str, why: &str) -> DriverError {
    DriverError::new(Class::Invalid, format!("{whose} {why}"))
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::value;
    use crate::driver::Variables;
    use crate::value::Value;

    #[test]
    fn a_secret_that_can_t_be_handed_on_is_refused_by_its_reference_alone() {
        let folder = tempfile::tempdir().expect("a folder");
        for (name, text) in [("good", "planted\n"), ("nul", "plan\0ted"), ("long", &"planted".repeat(20_000))] {
            std::fs::write(folder.path().join(name), text).expect("written");
        }
        std::fs::create_dir(folder.path().join("folder")).expect("made");
        let variables: Variables = Arc::new(|name| match name {
            "GOOD" => Some("planted".into()),
            "NUL" => Some("plan\0ted".into()),
            "EMPTY" => Some(String::new()),
            _ => None,
        });
        for (key, name, wanted) in [
            ("file", "good", Ok("planted")),
            ("env", "GOOD", Ok("planted")),
            ("env", "NUL", Err("the secret in $NUL holds a NUL byte")),
            ("env", "EMPTY", Err("the secret in $EMPTY is not set")),
            ("env", "ABSENT", Err("the secret in $ABSENT is not set")),
            ("file", "nul", Err("holds a NUL byte")),
            ("file", "long", Err("is longer than 128 KiB")),
            ("file", "folder", Err("is no file")),
            ("file", "absent", Err("can't be read")),
        ] {
            let reference = Value::default().with(&[key], name.into());
            match (value(folder.path(), &variables, &reference), wanted) {
                (Ok(text), Ok(wanted)) => assert_eq!(text, wanted),
                (Err(error), Err(wanted)) => {
                    assert!(error.message.contains(wanted), "{error}");
                    assert!(["planted", "plan\0ted"].iter().all(|text| !error.message.contains(text)), "{error}");
                    assert!(error.message.contains(name), "{error}");
                }
                (value, wanted) => panic!("{key} {name}: {value:?}, not {wanted:?}"),
            }
        }
    }
}
