//! Which resources are declared, at which places, and how a reference chooses one of them.

use std::collections::BTreeMap;

use foldhash::HashMap;

use super::declare::Block;
use super::scope::Scope;
use crate::address::{Address, Written};
use crate::diagnostic::{Code, code};
use crate::kind::Catalog;
use crate::suggest::{listed, suggest, suggest_sorted};
use crate::value::Text;

/// Every declared resource.
#[derive(Default)]
pub struct Index {
    /// By kind, and then by name; what lives inside another resource by its whole address, as two of those may have one
    /// name.
    entries: HashMap<&'static str, HashMap<Text, Declared>>,
    /// The region of each cluster.
    regions: BTreeMap<Text, String>,
    /// Which cluster of each app is the how manieth, as its spec says them.
    orders: HashMap<Text, HashMap<String, usize>>,
    /// The kinds that the spec can use.
    pub kinds: Catalog,
}

/// Where a declared resource stands. Everything that names it shares these addresses.
pub enum Declared {
    /// In one place only, which its address does not say.
    Once(Address),
    /// In one place that its address says, as most do.
    In(Address),
    /// In any number of places that its addresses say, ordered by place.
    At(Several),
}

/// The addresses of a resource that stands in several places.
pub struct Several {
    /// Ordered by place.
    all: Vec<Address>,
    /// Where its places are clusters: which of them is in a region, when only one is.
    alone: BTreeMap<String, Option<usize>>,
}

/// Why a reference chooses no resource: the problem in words and the way out.
pub struct Unresolved {
    pub code: &'static Code,
    pub detail: String,
    pub hint: String,
    /// The unknown name, and of which kind it is.
    pub unknown: Option<(&'static str, String)>,
}

impl Declared {
    /// Its addresses, ordered by place.
    pub fn addresses(&self) -> &[Address] {
        match self {
            Self::Once(one) | Self::In(one) => std::slice::from_ref(one),
            Self::At(several) => &several.all,
        }
    }
}

impl Several {
    pub fn new(all: Vec<Address>, index: &Index) -> Self {
        let mut alone = BTreeMap::new();
        for (at, address) in all.iter().enumerate() {
            if let Some(region) = address.place().and_then(|place| index.region_of(place)) {
                alone.entry(region.to_owned()).and_modify(|one| *one = None).or_insert(Some(at));
            }
        }
        Self { all, alone }
    }
}

impl Index {
    /// Nothing is declared yet.
    pub fn new(kinds: Catalog) -> Self {
        Self { kinds, ..Self::default() }
    }

    /// Adds a resource: by its name, or by its whole address where it lives inside another one.
    pub fn insert(&mut self, kind: &'static str, key: Text, declared: Declared) {
        self.entries.entry(kind).or_default().insert(key, declared);
    }

    /// Learns in which region a cluster is.
    pub fn place_cluster(&mut self, cluster: Text, region: String) {
        self.regions.insert(cluster, region);
    }

    /// Learns in which order the clusters of an app stand.
    pub fn set_order(&mut self, app: Text, clusters: &[String]) {
        let mut order: HashMap<String, usize> = HashMap::default();
        for cluster in clusters {
            let next = order.len();
            order.entry(cluster.clone()).or_insert(next);
        }
        self.orders.insert(app, order);
    }

    /// How many clusters of an app stand before one.
    pub fn position_of(&self, app: &str, cluster: &str) -> usize {
        self.orders.get(app).and_then(|order| order.get(cluster)).copied().unwrap_or_default()
    }

    /// The resource that a block declares.
    pub fn of(&self, block: &Block) -> Option<&Declared> {
        match block.parent_address() {
            Some(parent) => self.get(block.kind.name, parent.child(block.kind.name, &block.declaration.name).as_str()),
            None => self.get(block.kind.name, &block.declaration.name),
        }
    }

    /// A declared resource; one that lives inside another by its whole address.
    pub fn get(&self, kind: &str, name: &str) -> Option<&Declared> {
        self.entries.get(kind)?.get(name)
    }

    /// The declared resource that an address means, whatever place it says.
    pub fn find(&self, address: Written<'_>) -> Option<&Declared> {
        self.get(address.kind(), key(address))
    }

    /// The names of all declared resources of a kind.
    pub fn names(&self, kind: &str) -> impl Iterator<Item = &str> {
        self.entries.get(kind).into_iter().flat_map(HashMap::keys).map(Text::as_str)
    }

    /// The region of a cluster.
    pub fn region_of(&self, cluster: &str) -> Option<&str> {
        self.regions.get(cluster).map(String::as_str)
    }

    /// Chooses the resources that `kind.name` or `kind.name@place` means for a resource of `scope`. With `all`, a
    /// resource that stands nowhere in particular may mean every place of another one.
    pub fn choose(&self, text: &str, scope: &Scope<'_>, all: bool) -> Result<&[Address], Unresolved> {
        let address = Written::parse(text).map_err(|error| Unresolved {
            code: &code::BAD_ADDRESS,
            detail: error.to_string(),
            hint: "an address is kind.name or kind.name@place, such as queue.orders@us-east-1".into(),
            unknown: None,
        })?;
        let declared = self.declared(address)?;
        let places = declared.addresses();
        if matches!(declared, Declared::Once(_)) {
            return match address.place() {
                None => Ok(places),
                Some(place) => Err(Unresolved {
                    code: &code::NO_SUCH_PLACE,
                    detail: format!("{}.{} stands in no place of its own", address.kind(), address.name()),
                    hint: format!("leave out `@{place}`"),
                    unknown: None,
                }),
            };
        }
        // Places are sorted.
        let at = |place: &str| {
            let found = places.binary_search_by(|other| other.place().unwrap_or_default().cmp(place));
            found.ok().map(|at| std::slice::from_ref(&places[at]))
        };
        if let Some(place) = address.place() {
            return at(place).ok_or_else(|| absent(address, place, places));
        }
        if let Some(one) = [scope.place, scope.cluster, scope.region].into_iter().flatten().find_map(at) {
            return Ok(one);
        }
        let region = |one: &Address| one.place().and_then(|place| self.region_of(place));
        let near = match (declared, scope.region) {
            (Declared::At(several), Some(own)) => several.alone.get(own).copied().flatten(),
            (Declared::In(one), Some(own)) => (region(one) == Some(own)).then_some(0),
            _ => None,
        };
        match (near, places) {
            (Some(at), _) => Ok(std::slice::from_ref(&places[at])),
            (_, [_]) if scope.place.is_none() => Ok(places),
            _ if all && scope.place.is_none() => Ok(places),
            (_, []) => Err(Unresolved {
                code: &code::REFERENCE_TO_NOTHING,
                detail: format!("{address} stands in no place at all"),
                hint: format!("name a place where {address} is declared"),
                unknown: None,
            }),
            _ => match scope.place {
                Some(place) => Err(absent(address, place, places)),
                None => {
                    let all = standing(places);
                    Err(Unresolved {
                        code: &code::SEVERAL_PLACES,
                        detail: format!("{address} stands in {all}, and this resource in none of them"),
                        hint: format!("name one: {}", places[0]),
                        unknown: None,
                    })
                }
            },
        }
    }

    fn declared(&self, address: Written<'_>) -> Result<&Declared, Unresolved> {
        let (kind, name) = (address.kind(), address.name());
        let Some(own) = self.kinds.get(kind) else {
            let names: Vec<&str> = self.kinds.names().collect();
            return Err(Unresolved {
                code: &code::UNKNOWN_KIND,
                detail: format!("there is no kind `{kind}`"),
                hint: suggest(kind, &names).unwrap_or_else(|| format!("the kinds are {}", names.join(", "))),
                unknown: None,
            });
        };
        self.find(address).ok_or_else(|| {
            let key = key(address);
            let parent = address.to_owned().parent();
            let within = parent.as_ref().map(|parent| format!(" in {parent}")).unwrap_or_default();
            let header = key.replacen('/', ".", 2);
            let header = if parent.is_some() { header } else { format!("{kind}.{name}") };
            Unresolved {
                code: &code::REFERENCE_TO_NOTHING,
                detail: format!("the spec declares no {kind} `{name}`{within}"),
                hint: format!("declare [{header}]"),
                unknown: Some((own.name, key.to_owned())),
            }
        })
    }
}

/// What an address is indexed by: a name, or all of it where it lives inside another resource.
fn key(address: Written<'_>) -> &str {
    if address.is_inside() { address.as_str() } else { address.name() }
}

fn absent(address: Written<'_>, place: &str, places: &[Address]) -> Unresolved {
    let (kind, name) = (address.kind(), address.name());
    let at = |position: usize| places[position].place().unwrap_or_default();
    let hint =
        suggest_sorted(place, places.len(), at).unwrap_or_else(|| match places.first().and_then(Address::place) {
            None => format!("it stands nowhere: add {place} to it"),
            Some(first) => {
                format!("it stands in {}: write {kind}.{name}@{first}, or add {place} to it", standing(places))
            }
        });
    Unresolved {
        code: &code::NO_SUCH_PLACE,
        detail: format!("{kind}.{name} does not stand in {place}"),
        hint,
        unknown: None,
    }
}

/// The places of some addresses, for a message.
fn standing(places: &[Address]) -> String {
    listed(places.iter().map(|one| one.place().unwrap_or_default()), " and ")
}

#[cfg(test)]
mod tests {
    use crate::spec::{Inputs, compile};

    #[test]
    fn tables_of_two_databases_may_have_one_name() {
        let table = "columns = [{ name = \"id\", type = \"UUID\" }]\nprimary_key = [\"id\"]\n";
        let database = |name: &str| {
            format!("[database.{name}]\nregions = [\"a\"]\nengine = \"postgresql\"\n[database.{name}.table.t]\n{table}")
        };
        let needs = ["database.one/table/t", "database.two/table/t"];
        let text = format!(
            "[project]\nname = \"t\"\n[region.a]\n{}{}[queue.q]\nregions = [\"a\"]\ndepends_on = {needs:?}\n",
            database("one"),
            database("two")
        );
        let (desired, diagnostics) = compile(&text, &Inputs::default());
        let desired = desired.unwrap_or_else(|| panic!("{diagnostics:#?}"));
        let queue = desired.of_kind("queue").next().expect("declared");
        assert_eq!(queue.references.iter().map(|edge| edge.to.as_str()).collect::<Vec<_>>(), needs);
        let (_, diagnostics) = compile(&text.replace("one/table/t\"", "one/table/u\""), &Inputs::default());
        let problem = diagnostics.iter().next().expect("one");
        assert_eq!(problem.detail, "the spec declares no table `u` in database.one");
        assert_eq!(problem.hint.as_deref(), Some("did you mean `database.one/table/t`?"));
    }
}
