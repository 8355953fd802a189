//! Random edits of a random spec.

use super::model::{Bucket, Cluster, Database, Model, Queue};
use super::random::Random;

/// Keys that belong to the mark, or to AWS, however they are written.
const RESERVED: [&str; 4] = ["atlas:protect", "Atlas:address", "aws:createdBy", "AWS:x"];

impl Model {
    pub fn random(random: &mut Random) -> Self {
        let mut model = Self { regions: [true, true], ..Self::default() };
        for _ in 0..4 + random.below(12) {
            model.edit(random);
        }
        Self { reserved: None, ..model }
    }

    /// One random edit.
    pub fn edit(&mut self, random: &mut Random) {
        match random.below(24) {
            0..8 => {
                let at = random.below(self.queues.len());
                self.queues[at] = (!random.chance(25)).then(|| Queue::random(at, random));
            }
            8..14 => {
                let at = random.below(self.buckets.len());
                self.buckets[at] = (!random.chance(25)).then(|| Bucket::random(random));
            }
            14..19 => {
                let at = random.below(self.clusters.len());
                self.clusters[at] = (!random.chance(25)).then(|| Cluster::random(random));
            }
            19..21 => {
                let database = Database { columns: 1 + random.below(3), zone: random.chance(50) };
                self.database = (!random.chance(25)).then_some(database);
            }
            21..23 => {
                let at = random.below(self.regions.len());
                self.regions[at] = !self.regions[at];
            }
            _ => self.reserved = random.chance(30).then(|| RESERVED[random.below(RESERVED.len())]),
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
            forget: random.chance(25),
            renamed: random.chance(30),
        }
    }
}

impl Cluster {
    fn random(random: &mut Random) -> Self {
        Self {
            region: random.below(2),
            moved: random.chance(50),
            agents: random.below(3),
            namespace: random.chance(70),
            port: random.chance(60).then(|| 8080 + random.below(2)),
        }
    }
}
