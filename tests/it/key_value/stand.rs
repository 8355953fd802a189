//! The key-value store, with somebody who edits its entries directly.

use std::cell::RefCell;
use std::sync::Arc;

use atlas::driver::{Driver, Registry, Service};
use atlas::kind::{self, Attribute, Kind};
use atlas::plan::Options;
use atlas::run::Pipeline;
use atlas::spec::{Inputs, compile};
use serde_json::Value;

use super::driver::KeyValue;
use super::store::Store;
use crate::attributes;
use crate::conformance::{Lines, Stand, converge, suite};
use crate::support::address;

/// The store has no place for what lives in several hosts.
const ELSEWHERE: &str = "[database.parent]\nregions = [\"us-east-1\", \"eu-central-1\", \"us-west-2\"]\n";

struct Keys(RefCell<Arc<Store>>);

impl Keys {
    fn new() -> Self {
        Self(RefCell::default())
    }

    fn store(&self) -> Arc<Store> {
        self.0.borrow().clone()
    }

    fn identity(&self, kind: &Kind, lines: &Lines) -> String {
        let pipeline = self.pipeline(&self.spec(kind, Some(lines)));
        pipeline.desired.get(&address(&self.subject(kind))).expect("the subject").identity.to_string()
    }

    /// Changes an entry by its stored form: attributes, outputs, mark.
    fn edit(&self, key: &str, change: impl FnOnce(&mut Value)) -> Result<(), String> {
        let entry = self.store().get(key).ok_or_else(|| format!("no entry `{key}`"))?;
        let mut value = serde_json::from_str(&entry.text).map_err(|error| error.to_string())?;
        change(&mut value);
        self.store().put(key, value.to_string(), Some(entry.revision)).map_err(|error| error.to_string())
    }
}

impl Stand for Keys {
    fn name(&self) -> &'static str {
        "key-value"
    }

    fn attributes(&self, kind: &'static Kind) -> Vec<&'static Attribute> {
        kind::attributes_of(kind).collect()
    }

    fn spec(&self, kind: &Kind, lines: Option<&Lines>) -> String {
        let text = attributes::spec(kind, lines);
        assert!(text.contains(ELSEWHERE));
        text.replace(ELSEWHERE, "")
    }

    fn pipeline(&self, spec: &str) -> Pipeline {
        let (desired, diagnostics) = compile(spec, &Inputs::default());
        let mut desired = desired.unwrap_or_else(|| panic!("{diagnostics:#?}\n{spec}"));
        let pin = || atlas::desired::ChartPin { version: None, digest: "c0ffee".to_owned() };
        let charts = desired.charts().map(|(chart, ..)| (chart, pin())).collect();
        desired.attach(&charts);
        let driver = Arc::new(KeyValue(self.store())) as Arc<dyn Driver>;
        Pipeline::new(desired, Registry::new([driver])).unwrap_or_else(|diagnostics| panic!("{diagnostics:#?}\n{spec}"))
    }

    fn look(&self, kind: &Kind, lines: &Lines) -> Value {
        let entry = self.store().get(&self.identity(kind, lines));
        entry.map_or(Value::Null, |entry| serde_json::from_str(&entry.text).expect("JSON"))
    }

    async fn make(&self, kind: &'static Kind, lines: &Lines) -> Result<(), String> {
        converge(self, &self.spec(kind, Some(lines)), &Options::default(), &[]).await?;
        self.edit(&self.identity(kind, lines), |entry| entry[2] = Value::Null)
    }

    fn unmake(&self, kind: &Kind, lines: &Lines) -> Result<(), String> {
        let key = self.identity(kind, lines);
        let entry = self.store().get(&key).ok_or("it is not there")?;
        self.store().remove(&key, entry.revision).map_err(|error| error.to_string())
    }

    fn check(&self, _: &'static Kind, attribute: &Attribute, seen: &Value, wanted: &Value) -> Result<(), String> {
        let now = &seen[0][attribute.name];
        // The store holds the API's own name in place of an address, and a value in place of a reference.
        let named = attributes::names_others(&attribute.ty) && !now.is_null();
        if now == wanted || named || wanted.to_string().contains("${") {
            return Ok(());
        }
        Err(format!("in the store it is {now}, not {wanted}"))
    }

    async fn meddle(
        &self,
        kind: &'static Kind,
        attribute: &Attribute,
        lines: &Lines,
        other: &str,
    ) -> Result<(), String> {
        let source = Self::new();
        converge(&source, other, &Options::default(), &[]).await?;
        let subject =
            source.pipeline(other).desired.get(&address(&self.subject(kind))).expect("there").identity.clone();
        let made = source.store().get(&subject).ok_or("the other one was not made")?;
        let mut made: Value = serde_json::from_str(&made.text).map_err(|error| error.to_string())?;
        let value = made[0][attribute.name].take();
        self.edit(&self.identity(kind, lines), |entry| entry[0][attribute.name] = value)
    }

    fn same(&self, before: &Value, after: &Value) -> bool {
        !before.is_null() && before[0] == after[0]
    }

    async fn clean(&self, _: &'static Kind) {
        self.0.replace(Arc::default());
    }
}

#[tokio::test]
async fn a_driver_written_from_the_documentation_conforms() {
    let keys = Keys::new();
    let driver = KeyValue(keys.store());
    let kept = |kind: &&'static Kind| kind.object && driver.serves(kind, None) == Service::Keeps;
    let kinds: Vec<&'static Kind> = kind::ALL.iter().copied().filter(kept).collect();
    let cells = suite(&keys, &kinds).await;
    println!("{cells} cells of {} kinds", kinds.len());
    assert!(kinds.len() >= 12 && cells > 200, "{cells} cells of {} kinds", kinds.len());
    let lines = include_str!("driver.rs").lines().count();
    assert!(lines < 200, "a driver takes less than 200 lines, and this one has {lines}");
}
