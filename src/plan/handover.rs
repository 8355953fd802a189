//! An app that somebody else delivers than before: Atlas lets go of its objects, or takes them back, and nothing that runs is removed.

use crate::address::Address;
use crate::desired::{ArgoDelivery, Desired, Instance};
use crate::kind::{self, Verdict};
use crate::observed::{Object, Observed};
use crate::plan::options::Options;
use crate::render::objects::is_delivery;
use crate::value::Value;

/// What becomes of an object of an app, in place of being deleted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Handover {
    /// An Argo CD delivers it from now on.
    LetGo,
    /// It is what an Argo CD was given. It goes, and what was delivered by it stays.
    Spare,
}

/// What becomes of an object that its app does not have any more because somebody else delivers the app; none where it is to be
/// deleted, as the app does not want it any more.
pub fn of(desired: &Desired, address: &Address, object: &Object, options: &Options) -> Option<Handover> {
    let parent = address.parent().filter(|parent| parent.kind() == "app")?;
    if options.destroy || object.kind.name != kind::OBJECT.name {
        return None;
    }
    if !is_delivery(&object.attributes) {
        // Secrets that the spec says are Atlas's own, whoever delivers the rest.
        let is_secret = object.mark.as_ref().is_some_and(|mark| mark.digest_of("secrets").is_some());
        let argo = ArgoDelivery::of(&desired.get(&parent)?.attributes);
        return argo.filter(|_| !is_secret).map(|_| Handover::LetGo);
    }
    // An ApplicationSet delivers to other clusters than the one that it is on.
    let is_set = object.attributes.get("kind").as_str() == Some("ApplicationSet");
    let mut apps = desired.of_kind("app").filter(|app| match is_set {
        true => app.address.name() == parent.name(),
        false => app.address == parent,
    });
    apps.any(|app| is_same_release(app, object)).then_some(Handover::Spare)
}

/// Whether an Argo CD delivered an object until now that nobody marked and that its app delivers directly.
pub fn is_handed_back(desired: &Desired, observed: &Observed, instance: &Instance, object: &Object) -> bool {
    let Some(app) = instance.address.parent() else { return false };
    let is_direct = || desired.get(&app).is_some_and(|app| ArgoDelivery::of(&app.attributes).is_none());
    object.mark.is_none() && observed.is_delivered(&app, &object.identity) && is_direct()
}

/// The verdict on the removal of what an Argo CD was given, when what it delivered stays.
pub fn spared() -> Verdict {
    Verdict::safe("what was delivered by it stays")
}

/// Whether an Application delivered what its app is now called, to where it is now. What another release made is not taken over.
fn is_same_release(app: &Instance, object: &Object) -> bool {
    let manifest = object.attributes.get("manifest");
    let said = |path: &str| {
        let text = |start: &str| manifest.at(&format!("{start}{path}")).and_then(Value::as_str);
        text("spec.template.spec.").or_else(|| text("spec.")).filter(|text| !text.contains("{{"))
    };
    let namespace = app.attributes.get("namespace").as_str();
    said("destination.namespace").is_none_or(|said| Some(said) == namespace)
        && said("source.helm.releaseName").is_none_or(|said| said == app.object_name())
}
