//! An app that somebody else delivers than before: Atlas lets go of its objects, or takes them back, and nothing that runs is removed.

use foldhash::{HashMap, HashSet};

use crate::action::Action;
use crate::address::Address;
use crate::desired::{ArgoDelivery, Desired, Instance};
use crate::kind::{self, Verdict};
use crate::observed::{Object, Observed};
use crate::plan::change::{Blocked, Change};
use crate::plan::options::Options;
use crate::plan::refusal::loss;
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
        let argo = ArgoDelivery::of(&successor(desired, &parent)?.attributes);
        return argo.filter(|_| !is_secret).map(|_| Handover::LetGo);
    }
    successors(desired, &parent, object).any(|app| is_same_release(app, object)).then_some(Handover::Spare)
}

/// What is lost with an object that goes. By what an Argo CD was given goes all that it delivered: nobody asked for that where the app
/// stays in the spec.
pub fn loss_of(desired: &Desired, address: &Address, object: &Object, options: &Options) -> Verdict {
    let stays = || address.parent().is_some_and(|app| successors(desired, &app, object).next().is_some());
    match !options.destroy && is_delivery(&object.attributes) && stays() {
        true => Verdict::lossy("Argo CD removes all that it delivered by it, before anybody delivers it again"),
        false => loss(object),
    }
}

/// Lets objects stay Atlas's where the Argo CD that is to deliver them is not given their app in this plan, and gives an app to no Argo CD
/// while another one still has it: both would fight over its objects.
pub fn hold(changes: &mut [Change], desired: &Desired, observed: &Observed) {
    if !desired.of_kind("app").any(|app| ArgoDelivery::of(&app.attributes).is_some()) {
        return;
    }
    let deliveries = || desired.of_kind(kind::OBJECT.name).filter(|one| is_delivery(&one.attributes));
    let wanted: HashSet<&str> = deliveries().map(|one| one.identity.as_str()).collect();
    let mut of_app: HashMap<String, Vec<&Instance>> = HashMap::default();
    for one in deliveries() {
        one.address.parent().into_iter().for_each(|app| of_app.entry(app.name().to_owned()).or_default().push(one));
    }
    let acting = |does: fn(Action) -> bool| -> HashSet<Address> {
        let all = changes.iter().filter(|one| one.acts() && does(one.action));
        all.map(|one| one.address.clone()).collect()
    };
    let (making, going) = (acting(Action::makes), acting(Action::destroys));
    let mut former: HashMap<String, Address> = HashMap::default();
    for (address, object) in observed.owned(|_, object| is_delivery(&object.attributes)) {
        let is_former = !wanted.contains(object.identity.as_str()) && !going.contains(address);
        if let Some(app) = address.parent().filter(|_| is_former) {
            former.entry(app.name().to_owned()).or_insert_with(|| address.clone());
        }
    }
    for change in changes.iter_mut().filter(|change| change.acts()) {
        let Some(app) = change.address.parent().filter(|app| app.kind() == "app") else { continue };
        let before = change.before.as_ref();
        if change.after.as_ref().is_some_and(|after| is_delivery(&after.attributes)) {
            if let Some(by) = former.get(app.name()).filter(|_| change.action == Action::Create) {
                let reason = "still delivers the app, and would fight over it".into();
                change.block(Blocked { by: by.clone(), reason });
            }
        } else if change.lets_go && before.is_some_and(|before| !is_delivery(&before.attributes)) {
            let own = of_app.get(app.name()).map(Vec::as_slice).unwrap_or_default();
            let takes =
                |one: &&Instance| observed.marked(&one.address).next().is_some() || making.contains(&one.address);
            if let Some(missing) = own.first().filter(|_| !own.iter().any(takes)) {
                let reason = "is to deliver it, and is not given the app in this plan".into();
                change.block(Blocked { by: missing.address.clone(), reason });
            }
        }
    }
}

/// The app of the spec that has an address, or had it before.
fn successor<'d>(desired: &'d Desired, app: &Address) -> Option<&'d Instance> {
    desired.get(app).or_else(|| desired.of_kind("app").find(|one| one.settings.renamed_from.as_ref() == Some(app)))
}

/// The apps of the spec for which an object may have delivered. An ApplicationSet delivers to other clusters than the one that it is on.
fn successors<'d>(
    desired: &'d Desired,
    parent: &'d Address,
    object: &Object,
) -> impl Iterator<Item = &'d Instance> + use<'d> {
    let is_set = object.attributes.get("kind").as_str() == Some("ApplicationSet");
    desired.of_kind("app").filter(move |app| {
        let is_it = |address: &Address| match is_set {
            true => address.name() == parent.name(),
            false => address == parent,
        };
        is_it(&app.address) || app.settings.renamed_from.as_ref().is_some_and(is_it)
    })
}

/// Whether an Argo CD delivered an object until now that nobody marked and that its app delivers directly.
pub fn is_handed_back(desired: &Desired, observed: &Observed, instance: &Instance, object: &Object) -> bool {
    let Some(app) = instance.address.parent() else { return false };
    let Some(own) = desired.get(&app).filter(|app| ArgoDelivery::of(&app.attributes).is_none()) else { return false };
    let mut names = std::iter::once(&app).chain(&own.settings.renamed_from);
    object.mark.is_none() && names.any(|app| observed.is_delivered(app, &object.identity))
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
