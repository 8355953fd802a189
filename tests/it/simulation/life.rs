//! One simulated life of a platform.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use atlas::address::Address;
use atlas::charts::ChartSurroundings;
use atlas::diagnostic::code;
use atlas::driver::{Driver, Registry};
use atlas::mutation::Mutation;
#[cfg(feature = "crash-points")]
use atlas::mutation::arm;
use atlas::plan::{Options, SavedPlan, Selector};
use atlas::run::{self, Opened, Purpose, RunError, Spec, SpecParts, SpecText};
use atlas::spec::{Inputs, compile};
use atlas::store::LocalFolder;

use super::model::Model;
use super::random::Random;
use super::store::Records;
use super::turn::{Came, Turn};
use super::unruly::{LAG, Unruly};

/// How long a lease lasts. No life takes that long.
const LEASE: Duration = Duration::from_secs(600);

pub struct Life {
    pub random: Random,
    /// One world for each account. Most lives never see the second.
    pub worlds: [Arc<Unruly>; 2],
    /// The world in which the next run acts.
    pub here: usize,
    /// Whether runs go to the second world as well.
    travels: bool,
    pub records: Records,
    /// Whether only what somebody named may be lost.
    pub careful: bool,
    /// The plan that was applied last, for the message of a failure.
    pub plan: String,
}

/// Without the feature the engine can't be broken.
#[cfg(not(feature = "crash-points"))]
const fn arm(_: Option<Mutation>) {}

/// Runs one life; its end, or the promise that was broken.
pub fn simulate(seed: u64, mutation: Option<Mutation>) -> Result<String, String> {
    arm(mutation);
    let life = std::panic::catch_unwind(|| run(seed));
    arm(None);
    life.unwrap_or_else(|_| Err(format!("seed {seed}: the engine panicked")))
}

fn run(seed: u64) -> Result<String, String> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
    runtime.expect("a runtime").block_on(async {
        let mut random = Random::new(seed);
        let world = |account, random: &mut Random| Arc::new(Unruly::new(account, Random::new(random.next())));
        let life = Life {
            worlds: [world("111111111111", &mut random), world("222222222222", &mut random)],
            here: 0,
            travels: random.chance(20),
            // Few lives use the disk, because it is slow.
            records: if random.chance(12) { Records::on_disk() } else { Records::in_memory() },
            careful: random.chance(40),
            random,
            plan: String::new(),
        };
        let (unruly, begun) = (life.worlds[0].clone(), tokio::time::Instant::now());
        life.live().await.map_err(|broken| format!("seed {seed}: {broken}"))?;
        Ok(format!("{:?} {:?}", begun.elapsed(), unruly.owned()))
    })
}

impl Life {
    async fn live(mut self) -> Result<(), String> {
        let mut model = Model::random(&mut self.random);
        if self.travels && self.random.chance(60) {
            self.visit(&model).await?;
        }
        for _ in 0..2 + self.random.below(4) {
            let before = model.clone();
            for _ in 0..1 + self.random.below(3) {
                model.edit(&mut self.random);
            }
            if model.reserved.is_some() {
                self.refused(&model)?;
                model = before;
                continue;
            }
            let planted = self.chaos(&model)?;
            self.trouble();
            let crash = self.random.chance(40).then(|| Duration::from_millis(self.random.below(400) as u64));
            let turn = Turn { options: self.options(&model, planted)?, crash, saved: None };
            let came =
                if self.random.chance(15) { self.later(&model, turn).await? } else { self.run(&model, turn).await? };
            match came {
                // The plan would delete what is protected, or lose what nobody allowed to be lost: the edit is undone.
                Came::Refused => model = before,
                Came::Crashed if self.travels && self.random.chance(70) => self.visit(&model).await?,
                _ => {}
            }
            if self.random.chance(50) {
                tokio::time::sleep(LAG).await;
            }
        }
        self.careful = false;
        self.settle(&model).await?;
        if self.travels {
            self.here = 1;
            self.settle(&model).await?;
        }
        Ok(())
    }

    /// A spec that sets a reserved key is refused before any driver is asked.
    fn refused(&self, model: &Model) -> Result<(), String> {
        let (desired, diagnostics) = compile(&model.text(), &Inputs::default());
        let told = diagnostics.iter().any(|one| one.code == &code::RESERVED_KEY);
        if told && desired.is_none() { Ok(()) } else { Err(format!("a reserved key was accepted\n{}", model.text())) }
    }

    /// A run in the other account, which must leave alone what belongs to the first one.
    async fn visit(&mut self, model: &Model) -> Result<(), String> {
        self.here = 1;
        self.foreign_objects(model)?;
        let careful = std::mem::take(&mut self.careful);
        self.run(model, Turn::plain()).await?;
        self.careful = careful;
        self.here = 0;
        Ok(())
    }

    /// A plan is saved and applied later: the world may have changed by then, and it may be in another account.
    async fn later(&mut self, model: &Model, turn: Turn) -> Result<Came, String> {
        let opened = self.open(model, Purpose::Look).map_err(|error| format!("{error:?}"))?;
        let plan = match run::plan(&opened, &turn.options).await {
            Ok(planned) => planned.plan,
            Err(RunError::Driver(_)) => return Ok(Came::Undone),
            Err(error) => return Err(format!("{error:?}")),
        };
        drop(opened);
        if plan.diagnostics.has_errors() {
            return self.expected(&plan, model).map(|()| Came::Refused);
        }
        let text = SavedPlan::new(&plan, &turn.options).to_text();
        let saved = SavedPlan::from_text(&text).map_err(|error| error.to_string())?;
        let elsewhere = self.travels && self.random.chance(50);
        self.here = usize::from(elsewhere);
        if self.random.chance(40) {
            self.chaos(model)?;
        }
        let options = saved.options();
        let turn = Turn { saved: Some((saved, plan, elsewhere)), options, ..turn };
        let came = self.run(model, turn).await;
        self.here = 0;
        came
    }

    /// What somebody asks for besides the spec.
    fn options(&mut self, model: &Model, planted: Option<Address>) -> Result<Options, String> {
        let mut options = Options::default();
        let choice = self.random.below(20);
        if (2..6).contains(&choice) {
            let opened = self.open(model, Purpose::Look).map_err(|error| format!("{error:?}"))?;
            let all: Vec<Address> = opened.pipeline.desired.objects().map(|one| one.address.clone()).collect();
            let at = self.random.below(all.len());
            let selectors = vec![Selector::new(all[at].clone())];
            match choice {
                2..4 => options.targets = selectors,
                4 => options.excludes = selectors,
                _ => options.replace = selectors,
            }
        }
        options.destroy = choice < 2;
        if choice > 10 {
            options.adopt = planted.map(Selector::new).into_iter().collect();
        }
        Ok(options)
    }

    pub fn unruly(&self) -> &Arc<Unruly> {
        &self.worlds[self.here]
    }

    /// Opens the spec over the world that this life is in.
    pub fn open(&self, model: &Model, access: Purpose<'_>) -> Result<Opened, RunError> {
        let text = model.text();
        let (desired, warnings) = compile(&text, &Inputs::default());
        let desired = desired.unwrap_or_else(|| panic!("the spec is broken: {warnings:?}\n{text}"));
        let spec = Spec {
            source: SpecText::new("atlas.toml".to_owned(), text),
            desired,
            store: self.records.store.clone(),
            local: LocalFolder::beside(&PathBuf::from("nowhere/atlas.toml")),
            warnings,
            variables: Arc::new(|_: &str| None),
            hidden: Arc::default(),
            base: PathBuf::new(),
            parts: SpecParts::default(),
            charts: ChartSurroundings {
                base: PathBuf::new(),
                lock: PathBuf::from("nowhere/atlas.lock"),
                local: LocalFolder::beside(&PathBuf::from("nowhere/atlas.toml")),
                variables: Arc::new(|_: &str| None),
                hidden: Arc::default(),
            },
        };
        run::open_with(spec, Registry::new([self.unruly().clone() as Arc<dyn Driver>]), access)
    }
}

/// What a run of a life is opened for.
pub const fn writing() -> Purpose<'static> {
    Purpose::Write { command: "apply", lease: LEASE }
}
