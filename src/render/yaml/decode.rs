//! Values from the nodes of a document, by way of what JSON can say.

use std::rc::Rc;

use base64::Engine as _;

use super::number::{Numbers, format_general_single};
use super::resolve::{Scalar, resolve};
use super::timestamp::is_timestamp;
use super::tree::{NodeKind, YamlNode, at_line};
use crate::render::fault::RenderFault;
use crate::render::value::{ChartValue, Map};

/// How many nodes a document may come to, aliases counted each time.
const NODES: usize = 20_000_000;

/// The value of a document.
pub(super) fn decode(node: &Rc<YamlNode>, numbers: Numbers) -> Result<ChartValue, RenderFault> {
    Decoder { numbers, all: 0, by_alias: 0, aliases: 0 }.value(node)
}

struct Decoder {
    numbers: Numbers,
    all: usize,
    by_alias: usize,
    aliases: usize,
}

impl Decoder {
    fn value(&mut self, node: &Rc<YamlNode>) -> Result<ChartValue, RenderFault> {
        self.count(node)?;
        match &node.kind {
            NodeKind::Alias(target) => {
                self.aliases += 1;
                let value = self.value(target);
                self.aliases -= 1;
                value
            }
            NodeKind::Scalar { text, plain } => {
                let scalar = scalar(node, text, *plain)?;
                self.scalar(node, scalar)
            }
            NodeKind::List(items) => {
                Ok(ChartValue::list(items.iter().map(|item| self.value(item)).collect::<Result<_, _>>()?))
            }
            NodeKind::Map(entries) => {
                let mut map = Map::new();
                self.map(entries, &mut map)?;
                Ok(ChartValue::map(map))
            }
        }
    }

    /// Refuses documents that are made almost of aliases alone, by the measure that Go's reader has.
    fn count(&mut self, node: &YamlNode) -> Result<(), RenderFault> {
        self.all += 1;
        self.by_alias += usize::from(self.aliases > 0);
        #[allow(clippy::cast_precision_loss)]
        let (all, by_alias) = (self.all as f64, self.by_alias as f64);
        let allowed = 0.99 - 0.89 * ((all - 400_000.0) / 3_600_000.0).clamp(0.0, 1.0);
        if self.all > NODES || (self.by_alias > 100 && self.all > 1000 && by_alias / all > allowed) {
            return Err(at_line(node.line, "the document has too many aliases".to_owned()));
        }
        Ok(())
    }

    fn map(&mut self, entries: &[(Rc<YamlNode>, Rc<YamlNode>)], map: &mut Map) -> Result<(), RenderFault> {
        for (key, value) in entries {
            if is_merge(key) {
                self.merge(value, map)?;
                continue;
            }
            let name = self.key(key)?;
            let value = self.value(value)?;
            map.insert(name.into(), value);
        }
        Ok(())
    }

    /// What a map takes over from others. As in Go, the place of the `<<` decides: keys before it are overwritten, keys after it are not.
    fn merge(&mut self, node: &Rc<YamlNode>, map: &mut Map) -> Result<(), RenderFault> {
        let sources: Vec<&Rc<YamlNode>> = match &node.kind {
            NodeKind::List(items) => items.iter().rev().collect(),
            _ => vec![node],
        };
        for source in sources {
            let target = if let NodeKind::Alias(target) = &source.kind { target } else { source };
            let NodeKind::Map(entries) = &target.kind else {
                return Err(at_line(node.line, "only a map, or a list of maps, can be merged".to_owned()));
            };
            let alias = usize::from(!Rc::ptr_eq(target, source));
            self.count(node)?;
            self.aliases += alias;
            self.map(entries, map)?;
            self.aliases -= alias;
        }
        Ok(())
    }

    fn key(&mut self, node: &Rc<YamlNode>) -> Result<String, RenderFault> {
        self.count(node)?;
        match &node.kind {
            NodeKind::Alias(target) => self.key(target),
            NodeKind::Scalar { text, plain } => match scalar(node, text, *plain)? {
                (Scalar::Bool(yes), _) => Ok(yes.to_string()),
                (Scalar::Int(int), _) => Ok(int.to_string()),
                (Scalar::Float(float), _) => Ok(key_of_float(float)),
                (Scalar::Null | Scalar::Large(_), _) => {
                    Err(at_line(node.line, format!("\"{text}\" cannot be the key of a map")))
                }
                (Scalar::Text | Scalar::Time, text) => Ok(text),
            },
            _ => Err(at_line(node.line, "a list or a map cannot be the key of a map".to_owned())),
        }
    }

    fn scalar(&self, node: &YamlNode, (scalar, text): (Scalar, String)) -> Result<ChartValue, RenderFault> {
        #[allow(clippy::cast_precision_loss)]
        Ok(match scalar {
            Scalar::Null => ChartValue::Nil,
            Scalar::Bool(yes) => ChartValue::Bool(yes),
            Scalar::Int(int) if self.numbers == Numbers::Whole => ChartValue::Int(int),
            Scalar::Int(int) => ChartValue::Float(int as f64),
            Scalar::Large(large) => ChartValue::Float(large as f64),
            Scalar::Float(float) if float.is_finite() => ChartValue::Float(float),
            Scalar::Float(_) => return Err(at_line(node.line, format!("JSON has no number {text}"))),
            Scalar::Time | Scalar::Text => ChartValue::text(text),
        })
    }
}

#[allow(clippy::cast_possible_truncation)]
fn key_of_float(float: f64) -> String {
    match format_general_single(float as f32).as_str() {
        "+Inf" => ".inf".to_owned(),
        "-Inf" => "-.inf".to_owned(),
        "NaN" => ".nan".to_owned(),
        text => text.to_owned(),
    }
}

fn is_merge(node: &YamlNode) -> bool {
    matches!(&node.kind, NodeKind::Scalar { text, plain }
        if text == "<<" && ((*plain && node.tag.is_none()) || node.tag.as_deref() == Some("tag:yaml.org,2002:merge")))
}

/// What a scalar is by its tag and its words.
fn scalar(node: &YamlNode, text: &str, plain: bool) -> Result<(Scalar, String), RenderFault> {
    let own = || text.to_owned();
    let found = resolve(text);
    let Some(tag) = node.tag.as_deref() else { return Ok((if plain { found } else { Scalar::Text }, own())) };
    let wanted = tag.strip_prefix("tag:yaml.org,2002:").unwrap_or("");
    let fits = match (wanted, found) {
        ("bool", Scalar::Bool(_)) | ("int", Scalar::Int(_) | Scalar::Large(_)) | ("null", Scalar::Null) => Some(found),
        ("float", Scalar::Float(_)) => Some(found),
        #[allow(clippy::cast_precision_loss)]
        ("float", Scalar::Int(int)) => Some(Scalar::Float(int as f64)),
        ("timestamp", _) if is_timestamp(text) => Some(Scalar::Time),
        ("binary", _) => return binary(node, text),
        ("bool" | "int" | "float" | "null" | "timestamp", _) => None,
        _ => Some(Scalar::Text),
    };
    let fault = || at_line(node.line, format!("\"{text}\" is no {wanted}, which its tag says"));
    Ok((fits.ok_or_else(fault)?, own()))
}

fn binary(node: &YamlNode, text: &str) -> Result<(Scalar, String), RenderFault> {
    let packed: String = text.chars().filter(|c| !matches!(c, '\n' | '\r')).collect();
    match base64::engine::general_purpose::STANDARD.decode(packed) {
        Ok(bytes) => Ok((Scalar::Text, String::from_utf8_lossy(&bytes).into_owned())),
        Err(_) => Err(at_line(node.line, "a !!binary value is no base64".to_owned())),
    }
}
