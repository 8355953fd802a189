//! OpenID Connect providers, over IAM: <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc.html>.

use async_trait::async_trait;

use super::api::{Api, Directory, ObjectPart, PartWrite};
use super::error::{done, found};
use super::iam::{tags, to_tags};
use super::mark::Tags;
use super::object::{Description, texts};
use super::region::Region;
use crate::driver::protocol::is_managed;
use crate::driver::{DriverError, Request};
use crate::value::{Attributes, Value};

pub(super) struct OidcProviders;

/// What stands before the name in an ARN.
const SORT: &str = ":oidc-provider/";

static PARTS: &[ObjectPart] = &[
    ObjectPart {
        covers: &["client_ids"],
        read: None,
        write: |to| Box::pin(put_clients(to)),
        always: false,
        clear: None,
    },
    ObjectPart {
        covers: &["thumbprints"],
        read: None,
        write: |to| Box::pin(put_thumbprints(to)),
        always: false,
        // IAM keeps some in any case: those that are there stay, and are nobody's business then.
        clear: Some(|_| Box::pin(async { Ok(()) })),
    },
];

#[async_trait]
impl Api for OidcProviders {
    fn kind(&self) -> &'static str {
        "oidc_provider"
    }

    fn directory(&self) -> Directory {
        Directory::of_account("iam:oidc-provider", |arn| arn.contains(SORT).then_some(arn))
    }

    /// The ARNs of all providers of the account.
    async fn list(&self, region: &Region) -> Result<Vec<String>, DriverError> {
        let answer = region.iam().await.list_open_id_connect_providers().send().await;
        let list = done("listing OpenID Connect providers", answer)?.open_id_connect_provider_list.unwrap_or_default();
        Ok(list.into_iter().filter_map(|provider| provider.arn).collect())
    }

    fn name<'k>(&self, arn: &'k str) -> &'k str {
        arn.split_once(SORT).map_or(arn, |(_, name)| name)
    }

    async fn key(&self, region: &Region, name: &str, _: Option<&Attributes>) -> Result<Option<String>, DriverError> {
        Ok(Some(format!("arn:aws:iam::{}{SORT}{name}", region.account().await?)))
    }

    async fn find(&self, region: &Region, arn: &str) -> Result<Option<Description>, DriverError> {
        let ask = region.iam().await.get_open_id_connect_provider().open_id_connect_provider_arn(arn);
        let Some(provider) = found("reading an OpenID Connect provider", ask.send().await)? else { return Ok(None) };
        let mut described = Description::new(self.kind(), arn, self.name(arn), tags(provider.tags()));
        let list = |texts: &[String]| Value::List(texts.iter().map(|text| Value::from(text.as_str())).collect());
        described.attributes.push(("client_ids", list(provider.client_id_list())));
        described.attributes.push(("thumbprints", list(provider.thumbprint_list())));
        Ok(Some(described))
    }

    /// IAM finds out thumbprints by itself where nobody says any.
    async fn complete(
        &self,
        _: &Region,
        described: &mut Description,
        wanted: Option<&Attributes>,
    ) -> Result<bool, DriverError> {
        if !is_managed("thumbprints", described.mark.as_ref(), wanted) {
            described.attributes.retain(|(name, _)| *name != "thumbprints");
        }
        Ok(true)
    }

    fn parts(&self) -> &'static [ObjectPart] {
        PARTS
    }

    async fn create(&self, region: &Region, want: &Request<'_>, tags: &Tags) -> Result<String, DriverError> {
        let all = |name: &str| texts(want.attributes, name).into_iter().map(str::to_owned).collect::<Vec<_>>();
        let make = region.iam().await.create_open_id_connect_provider();
        let make = make.url(format!("https://{}", want.identity.name())).set_client_id_list(Some(all("client_ids")));
        let thumbprints = Some(all("thumbprints")).filter(|all| !all.is_empty());
        let made = make.set_thumbprint_list(thumbprints).set_tags(Some(to_tags(tags)?)).send().await;
        let made = done("creating the OpenID Connect provider", made)?;
        Ok(made.open_id_connect_provider_arn.unwrap_or_default())
    }

    async fn untag(&self, region: &Region, arn: &str, gone: Vec<String>) -> Result<(), DriverError> {
        let untag = region.iam().await.untag_open_id_connect_provider().open_id_connect_provider_arn(arn);
        done("removing tags of the provider", untag.set_tag_keys(Some(gone)).send().await).map(drop)
    }

    async fn tag(&self, region: &Region, arn: &str, fresh: Tags) -> Result<(), DriverError> {
        let tag = region.iam().await.tag_open_id_connect_provider().open_id_connect_provider_arn(arn);
        done("tagging the provider", tag.set_tags(Some(to_tags(&fresh)?)).send().await).map(drop)
    }

    async fn delete(&self, region: &Region, described: &Description) -> Result<(), DriverError> {
        let delete = region.iam().await.delete_open_id_connect_provider();
        let delete = delete.open_id_connect_provider_arn(&described.key).send().await;
        found("deleting the OpenID Connect provider", delete).map(drop)
    }
}

/// Adds clients before it removes others, so that at no time there is none.
async fn put_clients(to: PartWrite<'_>) -> Result<(), DriverError> {
    let iam = to.region.iam().await;
    let (old, new) = (texts(to.before, "client_ids"), texts(to.after, "client_ids"));
    for id in new.iter().filter(|id| !old.contains(id)) {
        let add = iam.add_client_id_to_open_id_connect_provider().open_id_connect_provider_arn(to.key);
        done("adding a client to the provider", add.client_id(*id).send().await)?;
    }
    for id in old.iter().filter(|id| !new.contains(id)) {
        let remove = iam.remove_client_id_from_open_id_connect_provider().open_id_connect_provider_arn(to.key);
        found("removing a client from the provider", remove.client_id(*id).send().await)?;
    }
    Ok(())
}

async fn put_thumbprints(to: PartWrite<'_>) -> Result<(), DriverError> {
    let all = texts(to.after, "thumbprints").into_iter().map(str::to_owned).collect();
    let put = to.region.iam().await.update_open_id_connect_provider_thumbprint().open_id_connect_provider_arn(to.key);
    done("changing the thumbprints of the provider", put.set_thumbprint_list(Some(all)).send().await).map(drop)
}
