//! What a random spec has, and its text. Whatever comes out is a valid spec, unless it names a reserved key.

use std::fmt::Write as _;

/// What a random spec has. A region's contents are left out together with the region, and come back with it.
#[derive(Clone, Debug, Default)]
pub struct Model {
    /// Whether each of the two regions that may leave is there.
    pub regions: [bool; 2],
    pub queues: [Option<Queue>; 5],
    pub buckets: [Option<Bucket>; 3],
    pub clusters: [Option<Cluster>; 2],
    pub database: Option<Database>,
    /// A key that is not the spec's to set.
    pub reserved: Option<&'static str>,
}

#[derive(Clone, Debug)]
pub struct Queue {
    /// A bit for each of the two regions.
    pub regions: usize,
    pub retention: usize,
    /// Chooses the name of the object.
    pub variant: usize,
    pub dead_letter: Option<usize>,
    pub tag: Option<usize>,
    pub protect: bool,
    pub forget: bool,
}

#[derive(Clone, Debug)]
pub struct Bucket {
    pub region: usize,
    pub variant: usize,
    pub versioning: bool,
    pub protect: bool,
    pub forget: bool,
    /// Whether the block has another name than the bucket: a renamed block.
    pub renamed: bool,
}

#[derive(Clone, Debug)]
pub struct Cluster {
    pub region: usize,
    /// Whether it is on another engine, with more servers.
    pub moved: bool,
    pub agents: usize,
    pub namespace: bool,
    /// Which port of the machine it takes; both may want one, and then the first has it.
    pub port: Option<usize>,
}

#[derive(Clone, Debug)]
pub struct Database {
    pub columns: usize,
    pub zone: bool,
}

pub const REGIONS: [&str; 2] = ["a", "b"];

impl Model {
    /// The spec as text.
    pub fn text(&self) -> String {
        let mut text = String::from("[project]\nname = \"t\"\n");
        let live: Vec<&str> = (0..2).filter(|at| self.regions[*at]).map(|at| REGIONS[at]).chain(["c"]).collect();
        for region in &live {
            let _ = writeln!(text, "[region.{region}]");
        }
        for (at, queue) in self.queues.iter().enumerate() {
            if let Some(queue) = queue.as_ref().filter(|queue| self.live(queue) != 0) {
                self.queue(at, queue, &mut text);
            }
        }
        for (at, bucket) in self.buckets.iter().enumerate() {
            if let Some(bucket) = bucket.as_ref().filter(|bucket| self.regions[bucket.region]) {
                bucket.write(at, &mut text);
            }
        }
        for (at, cluster) in self.clusters.iter().enumerate() {
            if let Some(cluster) = cluster.as_ref().filter(|cluster| self.regions[cluster.region]) {
                self.cluster(at, cluster, &mut text);
            }
        }
        if let Some(database) = self.database.as_ref().filter(|_| live.len() == 3) {
            let survive = if database.zone { "zone" } else { "region" };
            let columns: Vec<String> =
                (0..database.columns).map(|n| format!("{{ name = \"c{n}\", type = \"INT\" }}")).collect();
            let _ = write!(
                text,
                "[database.d]\nregions = [\"a\", \"b\", \"c\"]\nsurvive = \"{survive}\"\n[database.d.table.t]\ncolumns = [{}]\nprimary_key = [\"c0\"]\n",
                columns.join(", ")
            );
        }
        if let Some(key) = self.reserved {
            let _ = write!(text, "[queue.reserved]\nregions = [\"c\"]\ntags = {{ \"{key}\" = \"false\" }}\n");
        }
        text
    }

    /// The regions in which a queue is, a bit for each region that the spec has.
    fn live(&self, queue: &Queue) -> usize {
        (0..2).filter(|at| self.regions[*at]).map(|at| queue.regions & (1 << at)).sum()
    }

    fn queue(&self, at: usize, queue: &Queue, text: &mut String) {
        let live = self.live(queue);
        let regions: Vec<String> =
            (0..2).filter(|bit| live & (1 << bit) != 0).map(|bit| format!("\"{}\"", REGIONS[bit])).collect();
        let _ = write!(
            text,
            "[queue.q{at}]\nregions = [{}]\nname = \"q{at}-{}\"\nretention = \"{}d\"\nprotect = {}\non_remove = \"{}\"\n",
            regions.join(", "),
            queue.variant,
            queue.retention,
            queue.protect,
            on_remove(queue.forget)
        );
        // A queue can only name an earlier one that is in all of its regions.
        let usable = |other: &usize| self.queues[*other].as_ref().is_some_and(|other| self.live(other) & live == live);
        if let Some(other) = queue.dead_letter.filter(usable) {
            let _ = writeln!(text, "dead_letter = {{ queue = \"queue.q{other}\" }}");
        }
        if let Some(other) = queue.tag.filter(usable) {
            let _ = writeln!(text, "tags = {{ other = \"${{queue.q{other}.arn}}\" }}");
        }
    }

    fn cluster(&self, at: usize, cluster: &Cluster, text: &mut String) {
        // Other addresses make it again.
        let more = if cluster.moved { "servers = 3\nk3d = { subnet = \"10.9.0.0/16\" }" } else { "servers = 1" };
        let (region, agents) = (REGIONS[cluster.region], cluster.agents);
        let _ = write!(text, "[cluster.c{at}]\nregion = \"{region}\"\n{more}\nagents = {agents}\n");
        let before = self.clusters[..at].iter().flatten().filter(|other| self.regions[other.region]);
        let taken: Vec<usize> = before.filter_map(|other| other.port).collect();
        if let Some(port) = cluster.port.filter(|port| !taken.contains(port)) {
            let _ = writeln!(text, "ports = [\"{port}:80\"]");
        }
        if cluster.namespace {
            let _ = write!(text, "[namespace.n{at}]\nclusters = [\"c{at}\"]\n");
        }
    }
}

impl Bucket {
    fn write(&self, at: usize, text: &mut String) {
        let block = if self.renamed { format!("renamed{at}") } else { format!("b{at}") };
        let (region, variant) = (REGIONS[self.region], self.variant);
        let _ = write!(
            text,
            "[bucket.{block}]\nregions = [\"{region}\"]\nname = \"${{region}}-b{at}-{variant}\"\nversioning = {}\nprotect = {}\non_remove = \"{}\"\n",
            self.versioning,
            self.protect,
            on_remove(self.forget)
        );
    }
}

const fn on_remove(forget: bool) -> &'static str {
    if forget { "forget" } else { "delete" }
}
