//! Who delivers an app to its clusters: Atlas itself, or an Argo CD that reads the chart for it.

use super::chart_rule::{self, SOURCES};
use super::fault::Fault;
use super::rule;
use super::schema::{Attribute, Rule, Type};
use super::shared::Shared::Static;
use super::view::{Findings, Resource, View};
use crate::diagnostic::code;
use crate::path::join;
use crate::suggest::suggest;
use crate::value::{Attributes, Value};

/// The attribute `deliver`.
pub const DELIVER: Attribute = Attribute::new(
    "deliver",
    Type::word_or_object(
        &["direct", "argocd"],
        const {
            &[Attribute::new(
                "argocd",
                Type::object(const { &SETTINGS }),
                "An Argo CD delivers it, with these settings.",
                &["{ hub = \"dc-us\" }", "{ project = \"shop\" }"],
            )]
        },
    ),
    "Who delivers it: Atlas itself (`direct`, which is so by default), or an Argo CD that Atlas gives an Application or an \
     ApplicationSet.",
    &["\"argocd\"", "{ argocd = { hub = \"dc-us\" } }"],
)
.beside(&["chart = \"oci://registry.example.com/charts/ledger\""]);

/// What may be said of the Argo CD and of what it is given.
const SETTINGS: [Attribute; 9] = [
    Attribute::new(
        "hub",
        Type::Name("cluster"),
        "The cluster whose Argo CD delivers to all clusters of the app, by one ApplicationSet. Without it each cluster has an Argo \
         CD of its own, and an Application there.",
        &["\"dc-us\"", "\"dc-eu\""],
    ),
    Attribute::new(
        "namespace",
        Type::text(&rule::DNS_LABEL),
        "The namespace that the Argo CD is in.",
        &["\"argocd\"", "\"gitops\""],
    )
    .default("\"argocd\""),
    Attribute::new(
        "project",
        Type::text(&WORD),
        "The project of the Argo CD that it belongs to.",
        &["\"default\"", "\"shop\""],
    )
    .default("\"default\""),
    Attribute::new(
        "application",
        Type::text(&rule::DNS_LABEL),
        "What the Application or the ApplicationSet is called. The app's own name by default.",
        &["\"shop-web\"", "\"web-2\""],
    ),
    Attribute::new(
        "repository",
        Type::text(&GIT),
        "The Git repository that the folder of the spec is in, for charts, kustomizations and manifests below it.",
        &["\"https://git.example.com/shop.git\"", "\"git@git.example.com:shop.git\""],
    ),
    Attribute::new(
        "revision",
        Type::text(&WORD),
        "The branch, the tag or the commit that the Argo CD reads there.",
        &["\"main\"", "\"v1.2.0\""],
    ),
    Attribute::new(
        "folder",
        Type::text(&rule::PATH),
        "The folder of the spec in that repository. Its root by default.",
        &["\"platform\"", "\"platform/shop\""],
    ),
    Attribute::new(
        "destinations",
        Type::map(const { &Type::text(&WORD) }),
        "What the Argo CD of a hub calls the clusters, where that is not their name in the spec. It calls its own `in-cluster`.",
        &["{ dc-eu = \"production-eu\" }", "{ dc-us = \"production-us\" }"],
    ),
    Attribute::new(
        "sync_options",
        Type::set(const { &Type::text(&WORD) }),
        "Options with which the Argo CD applies the objects.",
        &["[\"ServerSideApply=true\"]", "[\"ApplyOutOfSyncOnly=true\"]"],
    ),
];

/// A word for Argo CD, which may not be a template: an ApplicationSet would complete it.
static WORD: Rule = Rule {
    says: Static("text without spaces and braces"),
    pattern: Some(Static("^[^\\s{}]+$")),
    normal: None,
    several: None,
    check: Static(&|text| match text.find(|c: char| c.is_whitespace() || "{}".contains(c)) {
        Some(at) => Err(Fault::new(format!("`{text}` has a space or a brace in it")).at(at..at + 1)),
        None => (rule::SOME.check)(text),
    }),
};

/// A Git repository: <https://argo-cd.readthedocs.io/en/stable/user-guide/private-repositories/>.
static GIT: Rule = Rule {
    says: Static("URL of a Git repository"),
    pattern: Some(Static("^(https?://|ssh://|git@)[^\\s{}]+$")),
    normal: None,
    several: None,
    check: Static(&|text| {
        (WORD.check)(text)?;
        let Some(rest) = ["https://", "http://", "ssh://", "git@"].iter().find_map(|start| text.strip_prefix(start))
        else {
            let fault = Fault::new(format!("`{text}` is no URL of a Git repository"));
            return Err(
                fault.hint("write it as \"https://git.example.com/shop.git\" or \"git@git.example.com:shop.git\"")
            );
        };
        let host = rest.split('/').next().unwrap_or_default();
        // A password in a spec would be shown, stored and shared.
        match host.rsplit_once('@').is_some_and(|(user, _)| text.starts_with("http") || user.contains(':')) {
            true => Err(Fault::new("a repository's URL has no credentials in it")
                .hint("the Argo CD keeps them, in a Secret of its own")),
            false => Ok(()),
        }
    }),
};

/// The table of settings for an Argo CD; none where an app is delivered directly. A word alone is a table without entries.
#[must_use]
pub fn argo_settings(attributes: &Attributes) -> Option<&Value> {
    static NONE: Value = Value::Null;
    match attributes.get("deliver") {
        Value::String(word) if word == "argocd" => Some(&NONE),
        Value::Map(entries) => entries.get("argocd").filter(|settings| !settings.is_null()),
        _ => None,
    }
}

/// Whether what is said of an app goes with how it is delivered.
pub fn check(resource: &Resource<'_>, spec: &dyn View, findings: &mut Findings) {
    let attributes = resource.attributes;
    let Some(settings) = argo_settings(attributes) else {
        if matches!(attributes.get("deliver"), Value::Map(_)) {
            let what = "`deliver` is a table and says nobody who delivers";
            findings.error(
                "deliver",
                &code::DELIVERY,
                what,
                "write `deliver = { argocd = { … } }`, or `deliver = \"argocd\"`",
            );
        }
        return;
    };
    for (name, why) in [
        ("rollout", "an Argo CD delivers to all clusters at once, and nothing holds it back"),
        ("api_versions", "Argo CD asks the cluster itself which APIs it has"),
    ] {
        if !attributes.get(name).is_null() {
            let what = format!("`{name}` is for apps that Atlas delivers itself: {why}");
            findings.error(name, &code::DELIVERY, what, format!("remove `{name}`, or `deliver`"));
        }
    }
    sources(attributes, settings, findings);
    if let Some(Value::Map(destinations)) = settings.at("destinations") {
        let here = |name: &str| format!("deliver.argocd.{name}");
        if settings.at("hub").is_none_or(Value::is_null) {
            let what = "without a `hub` each cluster is delivered to by its own Argo CD, which calls it `in-cluster`";
            findings.error(here("destinations"), &code::DELIVERY, what, "say `hub`, or remove `destinations`");
        }
        let apps = spec.of_kind("app").filter(|app| app.address.name() == resource.address.name());
        let clusters: Vec<&str> = apps.filter_map(|app| app.address.place()).collect();
        for name in destinations.keys().filter(|name| !clusters.contains(&name.as_str())) {
            let what = format!("{} is not on `{name}`", resource.address.name());
            let hint = suggest(name, &clusters).unwrap_or_else(|| format!("it is on {}", clusters.join(", ")));
            findings.error(join(&here("destinations"), name), &code::DELIVERY, what, hint);
        }
    }
}

/// Whether an Argo CD finds what the app is made of.
fn sources(attributes: &Attributes, settings: &Value, findings: &mut Findings) {
    const OF_GIT: [&str; 3] = ["repository", "revision", "folder"];
    let says = |name: &str| settings.at(name).is_some_and(|value| !value.is_null());
    let Some(source) = SOURCES.into_iter().find(|name| !attributes.get(name).is_null()) else { return };
    let chart = attributes.get("chart").as_str().unwrap_or_default();
    if source == "chart" && (!attributes.get("repository").is_null() || chart_rule::is_in_registry(chart)) {
        if let Some(name) = OF_GIT.into_iter().find(|name| says(name)) {
            let what = format!("`{name}` is about a Git repository, and the chart comes from where it is published");
            findings.error(format!("deliver.argocd.{name}"), &code::DELIVERY, what, format!("remove `{name}` there"));
        }
        return;
    }
    if let Some(missing) = ["repository", "revision"].into_iter().find(|name| !says(name)) {
        let what = format!(
            "its `{source}` lies in the folder of the spec, and an Argo CD reads it from Git: it needs `{missing}`"
        );
        let hint =
            "write `deliver = { argocd = { repository = \"https://git.example.com/shop.git\", revision = \"main\" } }`";
        findings.error("deliver", &code::DELIVERY, what, hint);
    }
    if [".tgz", ".tar.gz"].iter().any(|end| chart.ends_with(end)) {
        let what = format!("`{chart}` is an archive, and an Argo CD reads charts in Git as folders");
        findings.error("chart", &code::DELIVERY, what, "name a folder, or publish the chart");
    }
    if source == "manifests" {
        let patterns = attributes.get("manifests").items().iter().filter_map(Value::as_str);
        let mut folders: Vec<&str> =
            patterns.map(|one| one.rsplit_once('/').map_or("", |(folder, _)| folder)).collect();
        folders.dedup();
        if folders.len() > 1 {
            let what = format!("its manifests are in the folders {}, and an Application has one", folders.join(", "));
            findings.error(
                "manifests",
                &code::DELIVERY,
                what,
                "put them into one folder, or write a kustomization of them",
            );
        }
    }
}

#[cfg(test)]
mod tests {
    use super::GIT;

    #[test]
    fn repositories_are_told_from_what_is_none() {
        for good in
            ["https://git.example.com/shop.git", "git@git.example.com:shop.git", "ssh://git@git.example.com:2222/shop"]
        {
            assert_eq!((GIT.check)(good), Ok(()), "{good}");
        }
        for bad in [
            "",
            "shop",
            "../shop",
            "https://me:pass@git.example.com/a",
            "https://token@git.example.com/a",
            "https://a/{{b}}",
        ] {
            assert!((GIT.check)(bad).is_err(), "{bad}");
        }
    }
}
