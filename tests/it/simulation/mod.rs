//! Seeded simulation of the whole engine: random specs, random edits, faults, denials, crashes, rival writers, listings that
//! lag behind and a second account, in virtual time. The invariants are the promises. A failing seed prints one line that
//! reproduces it.

mod chaos;
mod edits;
mod life;
mod model;
mod proof;
mod random;
mod store;
mod turn;
mod unruly;
mod watch;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use atlas::mutation::Mutation;
use life::simulate;

/// Every way in which a test can break the engine. Each has to be caught.
#[cfg(feature = "crash-points")]
const MUTATIONS: [Mutation; 20] = [
    Mutation::SkipTheIntent,
    Mutation::IgnoreAnEdge,
    Mutation::TakeUnreachableForAbsent,
    Mutation::TrustListings,
    Mutation::IgnoreProtection,
    Mutation::AdoptAnything,
    Mutation::ForgetWhatLivesInHosts,
    Mutation::DestroyTheUnseen,
    Mutation::TrustAMissingProof,
    Mutation::AcceptReservedKeys,
    Mutation::TakeABoundForAll,
    Mutation::TakeAnUnreadableLock,
    Mutation::ClaimFromElsewhere,
    Mutation::ApplyAnywhere,
    Mutation::TakeBeforeRelease,
    Mutation::KeepADeniedIntent,
    Mutation::RememberAdoptions,
    Mutation::LookOnce,
    Mutation::OverlookNewcomers,
    Mutation::IgnoreWhatUpdatesLose,
];

/// Runs seeds on all cores; the failures, by seed.
fn seeds(from: u64, count: u64, mutation: Option<Mutation>, enough: usize) -> BTreeMap<u64, String> {
    let next = AtomicU64::new(from);
    let failures = std::sync::Mutex::new(BTreeMap::new());
    let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    std::thread::scope(|scope| {
        for _ in 0..cores {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= from + count || failures.lock().expect("sound").len() >= enough {
                        return;
                    }
                    if let Err(broken) = simulate(seed, mutation) {
                        failures.lock().expect("sound").insert(seed, broken);
                    }
                }
            });
        }
    });
    failures.into_inner().expect("sound")
}

/// The number that a variable of the environment says.
pub fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn ten_thousand_seeds_keep_the_promises() {
    let from = number("ATLAS_SEED").unwrap_or(1);
    let count = number("ATLAS_SEEDS").unwrap_or(if number("ATLAS_SEED").is_some() { 1 } else { 10_000 });
    let began = std::time::Instant::now();
    let failures = seeds(from, count, None, 5);
    println!("{count} seeds in {:.1?}", began.elapsed());
    let told: Vec<String> = failures
        .iter()
        .map(|(seed, broken)| {
            format!("{broken}\nreproduce: ATLAS_SEED={seed} cargo test --test it ten_thousand -- --nocapture")
        })
        .collect();
    assert!(told.is_empty(), "{}", told.join("\n\n"));
}

#[test]
fn a_seed_always_gives_the_same_life() {
    for seed in 1..20 {
        assert_eq!(simulate(seed, None), simulate(seed, None), "seed {seed}");
    }
    assert_ne!(simulate(1, None), simulate(2, None), "two seeds tell two stories");
}

#[cfg(feature = "crash-points")]
#[test]
fn a_broken_engine_is_caught() {
    let mut missed = Vec::new();
    for mutation in MUTATIONS {
        let failures = seeds(1, 10_000, Some(mutation), 1);
        match failures.first_key_value() {
            Some((seed, broken)) => {
                println!("{mutation:?} is caught by seed {seed}: {}", broken.lines().next().unwrap_or_default());
            }
            None => missed.push(mutation),
        }
    }
    assert!(missed.is_empty(), "{missed:?} were not caught");
}
