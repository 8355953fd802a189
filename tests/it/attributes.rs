//! The cases that the kinds' own schema gives, and the suite for every kind in the sandbox.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::rc::Rc;

use atlas::kind::{self, Attribute, COMMON, Kind, Places, Type};
use atlas::run::Pipeline;
use serde_json::{Value, json};

use crate::conformance::{Lines, Stand, suite};
use crate::support::{Engine, address};

/// What the examples of all kinds refer to.
const SURROUNDINGS: &str = r#"
[project]
name = "t"
[region.us-east-1]
[region.eu-central-1]
[region.us-west-2]
[region.eu-west-1]
[queue.dead]
regions = ["us-east-1"]
[queue.dead-2]
regions = ["us-east-1"]
[policy.read]
regions = ["us-east-1"]
allow = [{ actions = ["s3:GetObject"], resources = ["*"] }]
[role.replicate]
regions = ["us-east-1"]
trust = { service = "s3.amazonaws.com" }
[role.replicate-2]
regions = ["us-east-1"]
trust = { service = "s3.amazonaws.com" }
[group.staff]
regions = ["us-east-1"]
[role.machines]
regions = ["us-east-1"]
trust = { service = "ec2.amazonaws.com" }
[role.machines-2]
regions = ["us-east-1"]
trust = { service = "ec2.amazonaws.com" }
[bucket.replica]
regions = ["eu-central-1"]
versioning = true
[bucket.access]
regions = ["us-east-1"]
[queue.orders]
regions = ["us-east-1"]
name = "the-orders"
[cluster.dc-us]
region = "us-east-1"
[cluster.dc-eu]
region = "eu-central-1"
[app.cockroachdb]
clusters = ["dc-us"]
chart = "charts/cockroachdb"
[app.cockroachdb-2]
clusters = ["dc-us"]
chart = "charts/cockroachdb"
[app.ledger]
clusters = ["dc-us", "dc-eu"]
chart = "charts/ledger"
name = "the-ledger"
[database.parent]
regions = ["us-east-1", "eu-central-1", "us-west-2"]
[check.ledger-us]
target = "app.ledger@dc-us"
[check.ledger-eu]
target = "app.ledger@dc-eu"
[queue.transactions]
regions = ["us-east-1"]
[network.shared]
[network.more]
[volume.data]
[volume.more]
"#;

/// A spec in which the subject of a test says these lines; without lines there is no subject.
pub fn spec(kind: &Kind, lines: Option<&Lines>) -> String {
    let Some(lines) = lines else { return SURROUNDINGS.to_owned() };
    let header = match kind.places {
        Places::Inside(parent) => format!("{parent}.parent.{}.subject", kind.name),
        _ => format!("{}.subject", kind.name),
    };
    let mut text = format!("{SURROUNDINGS}\n[{header}]\n");
    for (name, value) in lines {
        let _ = writeln!(text, "{name} = {value}");
    }
    text
}

/// The address of the subject.
pub fn subject(kind: &Kind) -> String {
    match kind.places {
        Places::One => format!("{}.subject", kind.name),
        Places::Regions => format!("{}.subject@us-east-1", kind.name),
        Places::Clusters => format!("{}.subject@dc-us", kind.name),
        Places::Inside(parent) => format!("{parent}.parent/{}/subject", kind.name),
        Places::Rendered => unreachable!("nobody declares one"),
    }
}

/// The least that a good block of a kind says.
pub fn base(kind: &Kind) -> BTreeMap<String, String> {
    let mut lines = BTreeMap::new();
    match kind.places {
        Places::Regions => drop(lines.insert("regions".to_owned(), "[\"us-east-1\"]".to_owned())),
        Places::Clusters => drop(lines.insert("clusters".to_owned(), "[\"dc-us\"]".to_owned())),
        Places::One | Places::Inside(_) | Places::Rendered => {}
    }
    kind.example.iter().for_each(|line| say(&mut lines, line));
    lines
}

pub fn say(lines: &mut BTreeMap<String, String>, line: &str) {
    match line.strip_prefix('!') {
        Some(name) => drop(lines.remove(name)),
        None => {
            let (name, value) = line.split_once(" = ").expect("an example line is NAME = VALUE");
            lines.insert(name.to_owned(), value.to_owned());
        }
    }
}

/// The specs that an attribute's test goes through, one after the other.
pub fn stages(kind: &Kind, attribute: &Attribute) -> Vec<BTreeMap<String, String>> {
    let plain = base(kind);
    let mut stages = vec![plain.clone()];
    for example in attribute.examples.iter() {
        let mut lines = plain.clone();
        attribute.beside.iter().for_each(|line| say(&mut lines, line));
        // `ignore` names an attribute of the kind itself, which an example for all kinds can't.
        let example = match attribute.name {
            "ignore" if example != "[]" => {
                let other = kind.attributes.iter().find(|one| !["name", "namespace"].contains(&one.name));
                format!("[\"{}\"]", other.expect("an attribute").name)
            }
            "renamed_from" => example.replace("bucket.", &format!("{}.", kind.name)),
            _ => example.to_owned(),
        };
        lines.insert(attribute.name.to_owned(), example);
        stages.push(lines);
    }
    stages.push(plain);
    stages
}

/// Whether an attribute, or something in it, names another resource.
pub fn names_others(ty: &Type) -> bool {
    match ty {
        Type::Address(_) => true,
        Type::List(inner) | Type::Set(inner) | Type::Map(inner) => names_others(inner),
        Type::Object(parts) | Type::WordOrObject(_, parts) => parts.iter().any(|part| names_others(&part.ty)),
        _ => false,
    }
}

/// The sandbox, with direct access to its world, as somebody else would change it.
struct Simulated(RefCell<Rc<Engine>>);

impl Simulated {
    fn engine(&self) -> Rc<Engine> {
        self.0.borrow().clone()
    }

    fn identity(&self, kind: &Kind, lines: &Lines) -> String {
        let pipeline = Stand::pipeline(self, &self.spec(kind, Some(lines)));
        pipeline.desired.get(&address(&self.subject(kind))).expect("the subject").identity.to_string()
    }
}

impl Stand for Simulated {
    fn name(&self) -> &'static str {
        "sandbox"
    }

    fn attributes(&self, kind: &'static Kind) -> Vec<&'static Attribute> {
        kind::attributes_of(kind).collect()
    }

    fn spec(&self, kind: &Kind, lines: Option<&Lines>) -> String {
        spec(kind, lines)
    }

    fn pipeline(&self, spec: &str) -> Pipeline {
        self.engine().pipeline(spec).unwrap_or_else(|diagnostics| panic!("{diagnostics:#?}\n{spec}"))
    }

    fn look(&self, kind: &Kind, lines: &Lines) -> Value {
        let object = self.engine().world().get(&self.identity(kind, lines)).expect("readable");
        object.map_or(Value::Null, |object| {
            let attributes = object.attributes.iter().map(|(name, value)| (name.to_owned(), value.to_json()));
            json!({ "attributes": attributes.collect::<serde_json::Map<_, _>>(), "mark": format!("{:?}", object.mark) })
        })
    }

    async fn make(&self, kind: &'static Kind, lines: &Lines) -> Result<(), String> {
        self.engine().converge(&self.spec(kind, Some(lines))).await;
        let identity = self.identity(kind, lines);
        self.engine().world().edit(&identity, |object| object.mark = None).expect("edited");
        Ok(())
    }

    fn unmake(&self, kind: &Kind, lines: &Lines) -> Result<(), String> {
        self.engine().world().destroy(&self.identity(kind, lines)).map(drop).map_err(|error| error.to_string())
    }

    fn check(&self, _: &'static Kind, attribute: &Attribute, seen: &Value, wanted: &Value) -> Result<(), String> {
        let now = &seen["attributes"][attribute.name];
        // The spec has a reference where the world has the value that it stands for.
        if now == wanted || wanted.to_string().contains("${") {
            return Ok(());
        }
        Err(format!("in the world it is {now}, not {wanted}"))
    }

    async fn meddle(
        &self,
        kind: &'static Kind,
        attribute: &Attribute,
        lines: &Lines,
        other: &str,
    ) -> Result<(), String> {
        // Another engine applies the other spec, and the attribute's value is copied from there.
        let source = Engine::new();
        source.converge(other).await;
        let value = source.object(&subject(kind)).expect("made").attributes.get(attribute.name).clone();
        let identity = self.identity(kind, lines);
        self.engine().world().edit(&identity, |object| object.attributes.set(attribute.name, value)).expect("edited");
        Ok(())
    }

    fn same(&self, before: &Value, after: &Value) -> bool {
        !before.is_null() && before["attributes"] == after["attributes"]
    }

    async fn clean(&self, _: &'static Kind) {
        self.0.replace(Rc::new(Engine::new()));
    }
}

#[tokio::test]
async fn the_sandbox_conforms() {
    let kinds: Vec<&'static Kind> = kind::ALL.iter().copied().filter(|kind| kind.object).collect();
    let cells = suite(&Simulated(RefCell::new(Rc::new(Engine::new()))), &kinds).await;
    println!("{cells} cells");
    assert!(cells > 200, "{cells}");
}

#[test]
fn every_attribute_has_examples_other_than_its_default() {
    let lists = kind::ALL.iter().map(|kind| (kind.name, &*kind.attributes)).chain([("common", COMMON)]);
    for (kind, attributes) in lists {
        for attribute in attributes {
            let default = attribute.default.as_ref().map(ToString::to_string);
            let other = attribute.examples.iter().any(|example| Some(example) != default.as_deref());
            assert!(other, "{kind}.{}", attribute.name);
            assert!(attribute.doc.ends_with('.'), "{kind}.{}: {}", attribute.name, attribute.doc);
        }
    }
}

#[test]
fn defaults_are_written_in_normal_form() {
    for attribute in kind::ALL.iter().flat_map(|kind| &*kind.attributes).chain(COMMON) {
        if let Some(default) = attribute.default.as_ref().map(ToString::to_string) {
            let value = kind::literal(&default);
            assert!(!value.is_null(), "{}: {default}", attribute.name);
            assert_eq!(kind::normal(&attribute.ty, value.clone()), value, "{}", attribute.name);
        }
    }
}

/// Whatever says that it stands in place of something else is refused beside it, and not dropped without a word.
#[test]
fn two_ways_to_say_one_thing_are_refused_together() {
    let mut pairs = 0;
    for kind in kind::ALL {
        for attribute in kind.attributes.iter() {
            let left_out = attribute.beside.iter().filter_map(|line| line.strip_prefix('!'));
            let others: std::collections::BTreeSet<&str> = left_out.chain(attribute.instead_of.iter()).collect();
            for other in others {
                let other = kind.attribute(other).expect("an attribute");
                let mut lines = base(kind);
                for one in [attribute, other] {
                    one.beside.iter().filter(|line| !line.starts_with('!')).for_each(|line| say(&mut lines, line));
                    lines.insert(one.name.to_owned(), one.example().to_owned());
                }
                let (_, diagnostics) = atlas::spec::compile(&spec(kind, Some(&lines)), &atlas::spec::Inputs::default());
                let said = diagnostics.iter().any(|one| {
                    one.detail.contains("both")
                        || one.detail.contains("only one of them")
                        || one.detail.contains("either")
                });
                assert!(
                    diagnostics.has_errors() && said,
                    "{}: {} and {}: {diagnostics:#?}",
                    kind.name,
                    attribute.name,
                    other.name
                );
                pairs += 1;
            }
        }
    }
    assert!(pairs >= 6, "{pairs}");
}
