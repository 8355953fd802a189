//! Rendering an app again: what a chart computes of a value that is not known yet is taken from a rendering in which it is.

use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::{Mutex, PoisonError};

use crate::address::Address;
use crate::charts::{ChartSurroundings, Charts};
use crate::desired::{ChartPin, ChartSource, Completion};
use crate::path::join;
use crate::render::app::values_of;
use crate::render::helm::{Capabilities, KubernetesVersion, RenderRequest, render};
use crate::render::objects::{self, AppObject, computed_places, tell_chance, told_by};
use crate::value::{Part, Value};

/// All that a rendering of an app follows from but its values.
pub(super) struct Rerendering {
    pub source: ChartSource,
    pub pin: ChartPin,
    pub surroundings: ChartSurroundings,
    pub app: Address,
    pub name: String,
    pub namespace: String,
    pub now: i128,
    pub seed: [u8; 32],
    pub version: Option<String>,
    pub apis: Vec<String>,
}

/// What an object says, as it was planned.
struct PlannedObject {
    manifest: Value,
    data: Value,
}

impl Rerendering {
    /// Tells what of the objects is made by chance although it is computed of what is not known: what two renderings with any value in its
    /// place make otherwise. Where the chart can't be rendered with any value, all that is computed counts as that.
    pub fn tell_chance(&self, values: &Value, made: &mut [AppObject]) {
        let values = standing_in(values);
        let (now, seed) = another_moment(self.now, self.seed);
        let one = self.objects(&values, self.now, self.seed);
        let again = self.objects(&values, now, seed);
        let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let told = one.ok().zip(again.ok()).and_then(|(mut one, again)| tell_chance(&mut one, &again).then_some(one));
        match told {
            Some(one) => found.extend(one.into_iter().map(|object| (object.key(), object.by_chance))),
            None => found.extend(made.iter().map(|object| (object.key(), computed_places(object, &self.app)))),
        }
        for object in made {
            let paths = found.remove(&object.key()).unwrap_or_default();
            let new: Vec<String> = paths.into_iter().filter(|path| !object.by_chance.contains(path)).collect();
            object.by_chance.extend(new);
        }
    }

    /// What renders the app at the same moment and with the same randomness, with other values. The chart has to be the one that was
    /// planned with, and it has to come to what was planned. It remembers what came of the last values.
    pub fn completion(self, made: &[AppObject]) -> Completion {
        let planned = |object: &AppObject| {
            let (manifest, data) = (object.manifest.clone(), object.data.clone());
            (object.key(), PlannedObject { manifest, data })
        };
        let planned: BTreeMap<String, PlannedObject> = made.iter().map(planned).collect();
        let last: Mutex<Option<(Value, Result<Value, String>)>> = Mutex::new(None);
        Completion::new(move |values| {
            let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
            if let Some((_, told)) = last.as_ref().filter(|(before, _)| before == values) {
                return told.clone();
            }
            let told = self.objects(values, self.now, self.seed).and_then(|made| as_planned(made, &planned));
            *last = Some((values.clone(), told.clone()));
            told
        })
    }

    fn objects(&self, values: &Value, now: i128, seed: [u8; 32]) -> Result<Vec<AppObject>, String> {
        let mut charts = Charts::new(self.surroundings.clone());
        let loaded = charts.get(&self.source).map_err(|problem| problem.to_string())?;
        if loaded.pin != self.pin {
            return Err(format!("{} is another one than was planned with; plan again", self.source));
        }
        let mut request = RenderRequest::new(self.name.as_str(), self.namespace.as_str());
        (request.now, request.seed, request.include_crds) = (now, seed, true);
        request.values = values_of(values).0;
        request.capabilities = capabilities(self.version.as_deref(), &self.apis);
        let rendered = render(&loaded.chart, &request).map_err(|fault| fault.to_string())?;
        let made = objects::objects(&rendered, values, &self.namespace, &self.app);
        Ok(made.map_err(|fault| fault.to_string())?.0)
    }
}

/// Another moment than that of a rendering, and other randomness, so that what follows from them differs: a day and an hour later, so that
/// no part of the date is the same.
pub(super) fn another_moment(now: i128, seed: [u8; 32]) -> (i128, [u8; 32]) {
    (now + 90_061_000_000_000, seed.map(|byte| !byte))
}

/// What a cluster can do: the version that the spec says of it, and the APIs that it has beside those that every cluster has.
pub(super) fn capabilities(version: Option<&str>, apis: &[String]) -> Capabilities {
    let mut capabilities = Capabilities::default();
    if let Some(version) = version.and_then(|version| KubernetesVersion::read(version).ok()) {
        capabilities.kubernetes = version;
    }
    Rc::make_mut(&mut capabilities.apis).extend(apis.iter().cloned());
    capabilities
}

/// What objects say, if they are the planned ones and say the same where nothing was left open.
fn as_planned(made: Vec<AppObject>, planned: &BTreeMap<String, PlannedObject>) -> Result<Value, String> {
    for object in &made {
        let Some(before) = planned.get(&object.key()) else { return Err(otherwise(&object.key())) };
        for (name, before, now) in
            [("manifest", &before.manifest, &object.manifest), ("data", &before.data, &object.data)]
        {
            if let Some(path) = differs(name, before, now) {
                return Err(otherwise(&format!("`{path}` of {}/{}", object.kind, object.name)));
            }
        }
    }
    if made.len() != planned.len() {
        return Err(otherwise("the app"));
    }
    Ok(told_by(made))
}

fn otherwise(what: &str) -> String {
    format!(
        "{what} comes to something else than was planned, with the values that are known now; write it so that its form does not \
             depend on them"
    )
}

/// Where a value is not as it was planned, what was left open aside.
fn differs(path: &str, planned: &Value, now: &Value) -> Option<String> {
    match (planned, now) {
        (Value::Template(_), now) if !now.is_null() => None,
        (Value::Map(planned), Value::Map(now)) => {
            let missing = planned.keys().find(|key| !now.contains_key(key.as_str()));
            let new = now.keys().find(|key| !planned.contains_key(key.as_str()));
            missing
                .or(new)
                .map(|key| join(path, key))
                .or_else(|| planned.iter().find_map(|(key, planned)| differs(&join(path, key), planned, now.get(key)?)))
        }
        (Value::List(planned), Value::List(now)) if planned.len() == now.len() => {
            let mut all = planned.iter().zip(now).enumerate();
            all.find_map(|(at, (planned, now))| differs(&join(path, &at.to_string()), planned, now))
        }
        (planned, now) => (planned != now).then(|| path.to_owned()),
    }
}

/// Values in which any text stands for what is not known yet.
fn standing_in(value: &Value) -> Value {
    match value {
        Value::Template(template) => {
            let part = |part: &Part| match part {
                Part::Literal(text) => text.to_string(),
                Part::Reference(_) => "unknown".to_owned(),
            };
            Value::String(template.0.iter().map(part).collect::<String>().into())
        }
        Value::List(items) => Value::List(items.iter().map(standing_in).collect()),
        Value::Map(entries) => Value::Map(entries.iter().map(|(key, item)| (key.clone(), standing_in(item))).collect()),
        other => other.clone(),
    }
}
