//! Random specs, and random edits of them. Whatever comes out is a valid spec.

use std::fmt::Write as _;

/// Random numbers from one seed (SplitMix64).
#[derive(Clone, Debug)]
pub struct Random(u64);

impl Random {
    pub const fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub const fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }

    pub fn below(&mut self, limit: usize) -> usize {
        usize::try_from(self.next() % limit as u64).unwrap_or_default()
    }

    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }
}

/// What a random spec has.
#[derive(Clone, Debug, Default)]
pub struct Model {
    queues: [Option<Queue>; 5],
    buckets: [Option<Bucket>; 3],
    clusters: [Option<Cluster>; 2],
    database: Option<Database>,
}

#[derive(Clone, Debug)]
struct Queue {
    /// A bit for each of the two regions.
    regions: usize,
    retention: usize,
    /// Chooses the name of the object.
    variant: usize,
    dead_letter: Option<usize>,
    tag: Option<usize>,
    protect: bool,
    forget: bool,
}

#[derive(Clone, Debug)]
struct Bucket {
    region: usize,
    variant: usize,
    versioning: bool,
    protect: bool,
    /// Whether the block has another name than the bucket: a renamed block.
    renamed: bool,
}

#[derive(Clone, Debug)]
struct Cluster {
    region: usize,
    servers: bool,
    agents: usize,
    namespace: bool,
}

#[derive(Clone, Debug)]
struct Database {
    columns: usize,
    zone: bool,
}

const REGIONS: [&str; 2] = ["a", "b"];

impl Model {
    pub fn random(random: &mut Random) -> Self {
        let mut model = Self::default();
        for _ in 0..4 + random.below(12) {
            model.edit(random);
        }
        model
    }

    /// One random edit.
    pub fn edit(&mut self, random: &mut Random) {
        match random.below(10) {
            0..4 => {
                let at = random.below(self.queues.len());
                self.queues[at] = (!random.chance(25)).then(|| Queue::random(at, random));
            }
            4..7 => {
                let at = random.below(self.buckets.len());
                self.buckets[at] = (!random.chance(25)).then(|| Bucket::random(random));
            }
            7..9 => {
                let at = random.below(self.clusters.len());
                self.clusters[at] = (!random.chance(25)).then(|| Cluster::random(random));
            }
            _ => {
                let database = Database { columns: 1 + random.below(3), zone: random.chance(50) };
                self.database = (!random.chance(25)).then_some(database);
            }
        }
    }

    /// The spec as text.
    pub fn text(&self) -> String {
        let mut text = String::from("[project]\nname = \"t\"\n[region.a]\n[region.b]\n[region.c]\n");
        for (at, queue) in self.queues.iter().enumerate() {
            if let Some(queue) = queue {
                self.queue(at, queue, &mut text);
            }
        }
        for (at, bucket) in self.buckets.iter().enumerate() {
            if let Some(bucket) = bucket {
                let block = if bucket.renamed { format!("renamed{at}") } else { format!("b{at}") };
                let (region, variant) = (REGIONS[bucket.region], bucket.variant);
                let _ = write!(
                    text,
                    "[bucket.{block}]\nregions = [\"{region}\"]\nname = \"${{region}}-b{at}-{variant}\"\nversioning = {}\nprotect = {}\n",
                    bucket.versioning, bucket.protect
                );
            }
        }
        for (at, cluster) in self.clusters.iter().enumerate() {
            if let Some(cluster) = cluster {
                let servers = if cluster.servers { 3 } else { 1 };
                let (region, agents) = (REGIONS[cluster.region], cluster.agents);
                let _ =
                    write!(text, "[cluster.c{at}]\nregion = \"{region}\"\nservers = {servers}\nagents = {agents}\n");
                if cluster.namespace {
                    let _ = write!(text, "[namespace.n{at}]\nclusters = [\"c{at}\"]\n");
                }
            }
        }
        if let Some(database) = &self.database {
            let survive = if database.zone { "zone" } else { "region" };
            let columns: Vec<String> =
                (0..database.columns).map(|n| format!("{{ name = \"c{n}\", type = \"INT\" }}")).collect();
            let _ = write!(
                text,
                "[database.d]\nregions = [\"a\", \"b\", \"c\"]\nsurvive = \"{survive}\"\n[database.d.table.t]\ncolumns = [{}]\nprimary_key = [\"c0\"]\n",
                columns.join(", ")
            );
        }
        text
    }

    fn queue(&self, at: usize, queue: &Queue, text: &mut String) {
        let regions: Vec<String> =
            (0..2).filter(|bit| queue.regions & (1 << bit) != 0).map(|bit| format!("\"{}\"", REGIONS[bit])).collect();
        let _ = write!(
            text,
            "[queue.q{at}]\nregions = [{}]\nname = \"q{at}-{}\"\nretention = \"{}d\"\nprotect = {}\non_remove = \"{}\"\n",
            regions.join(", "),
            queue.variant,
            queue.retention,
            queue.protect,
            if queue.forget { "forget" } else { "delete" }
        );
        // Only an earlier queue that stands wherever this one does can be named.
        let usable = |other: &usize| {
            self.queues[*other].as_ref().is_some_and(|other| other.regions & queue.regions == queue.regions)
        };
        if let Some(other) = queue.dead_letter.filter(usable) {
            let _ = writeln!(text, "dead_letter = {{ queue = \"queue.q{other}\" }}");
        }
        if let Some(other) = queue.tag.filter(usable) {
            let _ = writeln!(text, "tags = {{ other = \"${{queue.q{other}.arn}}\" }}");
        }
    }
}

impl Queue {
    fn random(at: usize, random: &mut Random) -> Self {
        let earlier = |random: &mut Random| (at > 0 && random.chance(60)).then(|| random.below(at));
        Self {
            regions: 1 + random.below(3),
            retention: 1 + random.below(4),
            variant: random.below(3),
            dead_letter: earlier(random),
            tag: earlier(random),
            protect: random.chance(10),
            forget: random.chance(15),
        }
    }
}

impl Bucket {
    fn random(random: &mut Random) -> Self {
        Self {
            region: random.below(2),
            variant: random.below(2),
            versioning: random.chance(50),
            protect: random.chance(15),
            renamed: random.chance(30),
        }
    }
}

impl Cluster {
    fn random(random: &mut Random) -> Self {
        Self {
            region: random.below(2),
            servers: random.chance(50),
            agents: random.below(3),
            namespace: random.chance(70),
        }
    }
}
