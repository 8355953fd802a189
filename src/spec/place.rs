//! Which resources are declared, at which places, and how a reference chooses one of them.

use std::collections::BTreeMap;

use foldhash::HashMap;

use super::declare::Block;
use super::scope::Scope;
use crate::address::{Address, Written};
use crate::kind;
use crate::suggest::suggest;
use crate::value::Text;

/// Every declared resource.
#[derive(Default)]
pub struct Index {
    /// By kind, and then by name; what lives inside another resource by its whole address, as two of those may have one
    /// name.
    entries: HashMap<&'static str, HashMap<Text, Declared>>,
    /// The region of each cluster.
    regions: BTreeMap<Text, String>,
}

/// Where a declared resource stands. Everything that names it shares these addresses.
pub enum Declared {
    /// In one place only, which its address does not say.
    Once(Address),
    /// In one place that its address says, as most do.
    In(Address),
    /// In any number of places that its addresses say, ordered by place.
    At(Vec<Address>),
}

/// Why a reference chooses no resource: the problem in words and the way out.
pub struct Unresolved {
    pub summary: &'static str,
    pub detail: String,
    pub hint: String,
}

impl Declared {
    /// Its addresses, ordered by place.
    pub fn addresses(&self) -> &[Address] {
        match self {
            Self::Once(one) | Self::In(one) => std::slice::from_ref(one),
            Self::At(all) => all,
        }
    }
}

impl Index {
    /// Adds a resource: by its name, or by its whole address where it lives inside another one.
    pub fn insert(&mut self, kind: &'static str, key: Text, declared: Declared) {
        self.entries.entry(kind).or_default().insert(key, declared);
    }

    /// Learns in which region a cluster is.
    pub fn place_cluster(&mut self, cluster: Text, region: String) {
        self.regions.insert(cluster, region);
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
    pub fn names(&self, kind: &str) -> Vec<&str> {
        let mut names: Vec<&str> =
            self.entries.get(kind).map(|names| names.keys().map(Text::as_str).collect()).unwrap_or_default();
        names.sort_unstable();
        names
    }

    /// The region of a cluster.
    pub fn region_of(&self, cluster: &str) -> Option<&str> {
        self.regions.get(cluster).map(String::as_str)
    }

    /// Chooses the resources that `kind.name` or `kind.name@place` means for a resource of `scope`. With `all`, a
    /// resource that stands nowhere in particular may mean every place of another one.
    pub fn choose(&self, text: &str, scope: &Scope<'_>, all: bool) -> Result<&[Address], Unresolved> {
        let address = Written::parse(text).map_err(|error| Unresolved {
            summary: "bad address",
            detail: error.to_string(),
            hint: "an address is kind.name or kind.name@place, such as queue.orders@us-east-1".into(),
        })?;
        let declared = self.declared(address)?;
        let places = declared.addresses();
        if matches!(declared, Declared::Once(_)) {
            return match address.place() {
                None => Ok(places),
                Some(place) => Err(Unresolved {
                    summary: "place where the target does not exist",
                    detail: format!("{}.{} stands in no place of its own", address.kind(), address.name()),
                    hint: format!("leave out `@{place}`"),
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
        // Only a cluster can be near a region, so a resource that stands in regions need not be looked through.
        let clusters = places.first().is_some_and(|one| region(one).is_some());
        let inside = |one: &&Address| region(one).is_some() && region(one) == scope.region;
        let near: Vec<&Address> = if clusters { places.iter().filter(inside).collect() } else { Vec::new() };
        match (near.as_slice(), places) {
            ([one], _) => Ok(std::slice::from_ref(*one)),
            (_, [_]) if scope.place.is_none() => Ok(places),
            _ if all && scope.place.is_none() => Ok(places),
            (_, []) => Err(Unresolved {
                summary: "reference to nothing",
                detail: format!("{address} stands in no place at all"),
                hint: format!("name a place where {address} is declared"),
            }),
            _ => match scope.place {
                Some(place) => Err(absent(address, place, places)),
                None => {
                    let all: Vec<&str> = places.iter().filter_map(Address::place).collect();
                    Err(Unresolved {
                        summary: "reference to several places",
                        detail: format!("{address} stands in {}, and this resource in none of them", all.join(" and ")),
                        hint: format!("name one: {}", places[0]),
                    })
                }
            },
        }
    }

    fn declared(&self, address: Written<'_>) -> Result<&Declared, Unresolved> {
        let (kind, name) = (address.kind(), address.name());
        if kind::get(kind).is_none() {
            let names: Vec<&str> = kind::ALL.iter().map(|kind| kind.name).collect();
            return Err(Unresolved {
                summary: "unknown kind",
                detail: format!("there is no kind `{kind}`"),
                hint: suggest(kind, &names).unwrap_or_else(|| format!("the kinds are {}", names.join(", "))),
            });
        }
        self.find(address).ok_or_else(|| {
            let key = key(address);
            let parent = address.to_owned().parent();
            let within = parent.as_ref().map(|parent| format!(" in {parent}")).unwrap_or_default();
            let header = key.replacen('/', ".", 2);
            let header = if parent.is_some() { header } else { format!("{kind}.{name}") };
            Unresolved {
                summary: "reference to nothing",
                detail: format!("the spec declares no {kind} `{name}`{within}"),
                hint: suggest(key, &self.names(kind)).unwrap_or_else(|| format!("declare [{header}]")),
            }
        })
    }
}

/// What an address is indexed by: a name, or all of it where it lives inside another resource.
fn key(address: Written<'_>) -> &str {
    if address.is_inside() { address.as_str() } else { address.name() }
}

fn absent(address: Written<'_>, place: &str, places: &[Address]) -> Unresolved {
    let known: Vec<&str> = places.iter().filter_map(Address::place).collect();
    let (kind, name) = (address.kind(), address.name());
    let hint = suggest(place, &known).unwrap_or_else(|| match known.as_slice() {
        [] => format!("it stands nowhere: add {place} to it"),
        [first, ..] => {
            format!("it stands in {}: write {kind}.{name}@{first}, or add {place} to it", known.join(" and "))
        }
    });
    Unresolved {
        summary: "place where the target does not exist",
        detail: format!("{kind}.{name} does not stand in {place}"),
        hint,
    }
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
