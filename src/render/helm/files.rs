//! `.Files`: what templates can read of a chart's other files.

use std::collections::BTreeMap;
use std::rc::Rc;

use base64::Engine as _;

use super::entry::ChartEntry;
use super::patterns::of_glob;
use crate::render::bytes;
use crate::render::fault::RenderFault;
use crate::render::value::{ChartValue, Map, Methods};
use crate::render::yaml;

/// The files of a chart, or some of them.
#[derive(Clone, Debug, Default)]
pub(super) struct ChartFiles {
    files: BTreeMap<Rc<str>, Rc<[u8]>>,
}

impl ChartFiles {
    /// The files of a chart.
    pub(super) fn new(files: &[ChartEntry]) -> Self {
        Self { files: files.iter().map(|file| (file.name.as_str().into(), Rc::clone(&file.data))).collect() }
    }

    fn get(&self, name: &str) -> ChartValue {
        match self.files.get(name) {
            None => ChartValue::text(""),
            Some(data) => ChartValue::text(bytes::text(data)),
        }
    }

    fn lines(&self, name: &str) -> ChartValue {
        let Some(data) = self.files.get(name).filter(|data| !data.is_empty()) else {
            return ChartValue::list(Vec::new());
        };
        let text = bytes::text(data);
        let text = text.strip_suffix('\n').unwrap_or(&text);
        ChartValue::list(text.split('\n').map(ChartValue::text).collect())
    }

    fn glob(&self, pattern: &str) -> ChartValue {
        let fits = of_glob(pattern);
        let files = self.files.iter().filter(|(name, _)| fits.as_ref().is_none_or(|fits| fits.is_match(name)));
        ChartValue::Object(Rc::new(Self {
            files: files.map(|(name, data)| (Rc::clone(name), Rc::clone(data))).collect(),
        }))
    }

    /// The files by their names without folders, as YAML without the break at its end.
    fn written(&self, data: impl Fn(&[u8]) -> String) -> ChartValue {
        let mut map = Map::new();
        for (path, bytes) in &self.files {
            let name = path.rsplit('/').next().unwrap_or(path);
            map.insert(name.into(), ChartValue::text(data(bytes)));
        }
        // Where a text cannot be written as YAML, Helm gives nothing.
        let text = yaml::write(&ChartValue::map(map)).unwrap_or_default();
        ChartValue::text(text.strip_suffix('\n').unwrap_or(&text))
    }
}

impl Methods for ChartFiles {
    fn call(&self, name: &str, arguments: &[ChartValue]) -> Option<Result<ChartValue, RenderFault>> {
        let argument = || match arguments {
            [ChartValue::Text(text)] => Ok(Rc::clone(text)),
            _ => Err(RenderFault::new(format!("{name} asks for one text"))),
        };
        Some(match name {
            "Get" | "GetBytes" => argument().map(|path| self.get(&path)),
            "Lines" => argument().map(|path| self.lines(&path)),
            "Glob" => argument().map(|pattern| self.glob(&pattern)),
            "AsConfig" => Ok(self.written(bytes::text)),
            "AsSecrets" => Ok(self.written(|data| base64::engine::general_purpose::STANDARD.encode(data))),
            _ => return None,
        })
    }

    fn value(&self) -> ChartValue {
        let text = |data: &[u8]| ChartValue::text(bytes::text(data));
        ChartValue::map(self.files.iter().map(|(name, data)| (Rc::clone(name), text(data))).collect())
    }

    fn type_name(&self) -> &'static str {
        "engine.files"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files() -> ChartFiles {
        let file = |name: &str, data: &[u8]| ChartEntry { name: name.to_owned(), data: data.into() };
        ChartFiles::new(&[file("conf/a.ini", b"x=1\ny=2\n"), file("conf/b.bin", b"\xff\x00"), file("README.md", b"hi")])
    }

    #[test]
    fn methods() {
        let call = |name: &str, argument: &str| files().call(name, &[ChartValue::text(argument)]).unwrap();
        assert!(matches!(call("Get", "conf/a.ini"), Ok(ChartValue::Text(text)) if &*text == "x=1\ny=2\n"));
        assert!(matches!(call("Get", "none"), Ok(ChartValue::Text(text)) if text.is_empty()));
        assert!(matches!(call("Lines", "conf/a.ini"), Ok(ChartValue::List(lines)) if lines.len() == 2));
        assert!(matches!(call("Get", "conf/b.bin"), Ok(ChartValue::Text(text)) if bytes::bytes(&text) == b"\xff\x00"));
        let Ok(ChartValue::Object(some)) = call("Glob", "conf/*.ini") else { panic!("files") };
        assert!(
            matches!(some.call("AsConfig", &[]), Some(Ok(ChartValue::Text(text))) if &*text == "a.ini: |\n  x=1\n  y=2")
        );
        let Ok(ChartValue::Object(some)) = call("Glob", "**.bin") else { panic!("files") };
        assert!(matches!(some.call("AsSecrets", &[]), Some(Ok(ChartValue::Text(text))) if &*text == "b.bin: /wA="));
    }
}
