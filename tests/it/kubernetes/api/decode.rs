//! What the server keeps of a body: known fields only, amounts in their one form, no zero values where Go leaves them out.

use serde_json::{Map as Object, Value, json};

use super::kinds::Kind;
use super::quantity;
use super::schema::{Atom, Map, Presence, Scalar, Type};

/// A body as the server keeps it.
#[derive(Debug, Default)]
pub struct Decoded {
    /// The object.
    pub object: Value,
    /// Paths that the kind does not have.
    pub unknown: Vec<String>,
    /// The first value that is of another type than its field.
    pub misfit: Option<String>,
    /// Whether an empty list or object of the spec was left out.
    pub emptied: bool,
    /// Whether the value of another type is a fraction where there may be none.
    pub fraction: bool,
}

/// Reads a body as an object of a kind.
pub fn decode(kind: &Kind, body: &Value) -> Decoded {
    let mut reader = Reader { built_in: !kind.custom, ..Reader::default() };
    let name = format!("{}.{}", kind.version, kind.kind);
    let object = reader.read(&kind.shape, body, "", &name).unwrap_or_else(|| json!({}));
    let mut object = first(object);
    object["apiVersion"] = json!(kind.api_version());
    object["kind"] = json!(kind.kind);
    Decoded {
        object: first(object),
        unknown: reader.unknown,
        misfit: reader.misfit,
        emptied: reader.emptied,
        fraction: reader.fraction,
    }
}

/// The object with its kind and metadata first.
fn first(object: Value) -> Value {
    let Value::Object(mut fields) = object else { return object };
    let mut out = Object::new();
    for name in ["apiVersion", "kind", "metadata"] {
        if let Some(value) = fields.shift_remove(name) {
            out.insert(name.to_owned(), value);
        }
    }
    out.extend(fields);
    Value::Object(out)
}

#[derive(Default)]
struct Reader {
    built_in: bool,
    /// The fields of structures on the way, as Go's messages name them.
    trail: Vec<String>,
    unknown: Vec<String>,
    misfit: Option<String>,
    fraction: bool,
    emptied: bool,
}

impl Reader {
    fn read(&mut self, shape: &Type, value: &Value, path: &str, holder: &str) -> Option<Value> {
        self.read_one(shape, value, path, holder, false)
    }

    /// `among`: it is one of the values of a map, or of a list.
    fn read_one(&mut self, shape: &Type, value: &Value, path: &str, holder: &str, among: bool) -> Option<Value> {
        if value.is_null() {
            // In Go a null among texts is an empty one.
            if self.built_in && among && matches!(shape, Type::Scalar(Scalar::Text)) {
                return Some(json!(""));
            }
            return (!self.built_in && matches!(shape, Type::Any)).then_some(Value::Null);
        }
        match shape.atom(Some(value)) {
            Atom::Scalar(scalar) => {
                self.fit(scalar, value, holder);
                Some(if self.built_in { whole(value) } else { value.clone() })
            }
            Atom::List(list) => {
                let Some(items) = value.as_array() else { return self.refuse(value, holder, "[]string") };
                let mut out = Vec::new();
                for (index, item) in items.iter().enumerate() {
                    let read = self.read(&list.element, item, &format!("{path}[{index}]"), holder);
                    out.extend(read.or_else(|| (!self.built_in).then_some(Value::Null)));
                }
                Some(Value::Array(out))
            }
            Atom::Map(map) => {
                let Some(fields) = value.as_object() else { return self.refuse(value, holder, &go(shape)) };
                let holder = match shape {
                    Type::Named(name) => name.rsplit('.').next().unwrap_or(name).to_owned(),
                    _ => holder.to_owned(),
                };
                Some(self.fields(&map, fields, path, &holder))
            }
        }
    }

    fn fields(&mut self, map: &Map, fields: &Object<String, Value>, path: &str, holder: &str) -> Value {
        let mut out = Object::new();
        for (name, value) in fields {
            let below = if path.is_empty() { name.clone() } else { format!("{path}.{name}") };
            let Some(shape) = map.field(name) else {
                self.unknown.push(below);
                continue;
            };
            let named = map.fields.contains_key(name);
            if named {
                self.trail.push(name.clone());
            }
            let mut read = self.read_one(shape, value, &below, holder, !named);
            if named {
                self.trail.pop();
            }
            if self.built_in
                && let Some(value) = &mut read
                && amount(map, shape, name)
                && !quantity::normalise(value)
            {
                self.misfit.get_or_insert_with(|| {
                    "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'"
                        .to_owned()
                });
            }
            let presence = map.fields.get(name).map(|field| field.presence);
            let never = presence == Some(Presence::NeverZero);
            // Empty policy types are filled in.
            if never && below.starts_with("spec.") && name != "policyTypes" {
                self.emptied |= read.as_ref().is_some_and(hollow);
            }
            let kept = read.filter(|value| !never || !zero(value));
            if let Some(value) = kept {
                out.insert(name.clone(), value);
            }
        }
        for (name, field) in &map.fields {
            if field.presence == Presence::Always && !out.contains_key(name) {
                let nothing = json!({});
                let value = match &field.shape {
                    Type::Scalar(Scalar::Text) => json!(""),
                    Type::Scalar(Scalar::Number) => json!(0),
                    Type::Scalar(Scalar::Bool) => json!(false),
                    Type::Named(_) => self.read(&field.shape, &nothing, path, holder).unwrap_or(nothing),
                    _ => Value::Null,
                };
                out.insert(name.clone(), value);
            }
        }
        Value::Object(out)
    }

    fn fit(&mut self, scalar: Scalar, value: &Value, holder: &str) {
        let fraction = value.as_f64().filter(|number| number.fract() != 0.0);
        if let Some(number) = fraction.filter(|_| scalar == Scalar::Number && holder != "JSONSchemaProps") {
            let trail = self.trail.join(".");
            self.misfit.get_or_insert_with(|| {
                format!("json: cannot unmarshal number {number} into Go struct field {holder}.{trail} of type int32")
            });
            self.fraction = true;
        }
        let wanted = match scalar {
            Scalar::Text if !value.is_string() => "string",
            Scalar::Number if !value.is_number() => "int32",
            Scalar::Bool if !value.is_boolean() => "bool",
            _ => return,
        };
        self.refuse(value, holder, wanted);
    }

    fn refuse(&mut self, value: &Value, holder: &str, wanted: &str) -> Option<Value> {
        let got = match value {
            Value::Bool(_) => "bool",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) | Value::Null => "object",
        };
        let path = self.trail.join(".");
        self.misfit.get_or_insert_with(|| {
            format!("json: cannot unmarshal {got} into Go struct field {holder}.{path} of type {wanted}")
        });
        None
    }
}

/// A number without a fraction, however it was written.
fn whole(value: &Value) -> Value {
    let number = value.as_f64().filter(|number| value.is_f64() && number.fract() == 0.0 && number.abs() < 9e15);
    number
        .and_then(|number| format!("{number}").parse::<i64>().ok())
        .map_or_else(|| value.clone(), |number| json!(number))
}

fn go(shape: &Type) -> String {
    match shape {
        Type::Named(name) => {
            let words: Vec<&str> = name.split('.').collect();
            words[1..].join(".")
        }
        _ => "map[string]string".to_owned(),
    }
}

/// Whether a field is an amount: all maps of plain scalars are, and some fields by their names.
fn amount(map: &Map, shape: &Type, name: &str) -> bool {
    matches!(shape, Type::Scalar(Scalar::Any))
        && (map.fields.is_empty() || ["sizeLimit", "divisor", "averageValue", "value"].contains(&name))
}

/// Whether it is an empty list or object.
fn hollow(value: &Value) -> bool {
    value.as_array().is_some_and(Vec::is_empty) || value.as_object().is_some_and(Object::is_empty)
}

/// The object as it comes back from the store: an empty list that is always there has become null.
pub fn settle(kind: &Kind, object: &mut Value) {
    if !kind.custom {
        settled(&kind.shape, object);
    }
}

fn settled(shape: &Type, value: &mut Value) {
    match (shape.atom(Some(value)), value) {
        (Atom::Map(map), Value::Object(fields)) => {
            for (name, value) in fields {
                let Some(field) = map.fields.get(name) else { continue };
                if field.presence == Presence::Always && value.as_array().is_some_and(Vec::is_empty) {
                    *value = Value::Null;
                }
                settled(&field.shape, value);
            }
        }
        (Atom::List(list), Value::Array(items)) => items.iter_mut().for_each(|item| settled(&list.element, item)),
        _ => {}
    }
}

fn zero(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Bool(value) => !value,
        Value::Number(number) => number.as_f64() == Some(0.0),
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty(),
        Value::Object(fields) => fields.is_empty(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::kinds::built_in;
    use super::*;

    #[test]
    fn a_body_is_kept_as_the_server_keeps_it() {
        let kind = built_in().into_iter().find(|kind| kind.kind == "Pod").unwrap();
        let body = json!({ "metadata": { "name": "a", "labels": {} }, "nonsense": 1, "spec": { "hostNetwork": false,
            "containers": [{ "name": "c", "env": [{ "name": "A", "value": "" }], "more": 1, "resources": { "limits": {
                "cpu": 1, "memory": "1024Mi" } } }] } });
        let decoded = decode(&kind, &body);
        assert_eq!(decoded.unknown, ["nonsense", "spec.containers[0].more"]);
        let container = &decoded.object["spec"]["containers"][0];
        assert_eq!(container["resources"]["limits"], json!({ "cpu": "1", "memory": "1Gi" }));
        assert_eq!(container["env"], json!([{ "name": "A" }]));
        assert!(decoded.object["spec"].get("hostNetwork").is_none());
        assert_eq!(decoded.object["metadata"], json!({ "name": "a" }));
        assert_eq!(decoded.object["status"], json!({}));
    }

    #[test]
    fn a_misfit_is_named() {
        let kind = built_in().into_iter().find(|kind| kind.kind == "Deployment").unwrap();
        let decoded = decode(&kind, &json!({ "spec": { "replicas": "three" } }));
        let expected = "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32";
        assert_eq!(decoded.misfit.as_deref(), Some(expected));
    }
}
