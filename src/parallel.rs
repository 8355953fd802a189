//! The same thing done to many things at once, on all cores; what comes of it is in the order of the things.
//!
//! The work has no effects, so only the time that it takes shows whether it ran at once or one after the other.

use std::sync::LazyLock;

use rayon::prelude::*;
use rayon::{ThreadPool, ThreadPoolBuilder};

/// How many resources one core takes at a time. For less work than two such shares no other core is used.
pub const SHARE: usize = 256;

/// The main thread's stack size: nested values of a spec are read by a recursive function.
const STACK: usize = 8 << 20;

/// A thread for each core, begun when there is work for them; none where they can't be begun.
static CORES: LazyLock<Option<ThreadPool>> = LazyLock::new(|| ThreadPoolBuilder::new().stack_size(STACK).build().ok());

/// What `work` makes of each number below `count`, the positions of some items, of which a core takes `share` at a time.
pub fn map<R: Send>(count: usize, share: usize, work: impl Fn(usize) -> R + Sync + Send) -> Vec<R> {
    match cores_for(count, share) {
        Some(cores) => cores.install(|| (0..count).into_par_iter().with_min_len(share).map(work).collect()),
        None => (0..count).map(work).collect(),
    }
}

/// What `work` makes of each item, of which a core takes `share` at a time.
#[cfg(feature = "sandbox")]
pub fn map_into<T: Send, R: Send>(items: Vec<T>, share: usize, work: impl Fn(T) -> R + Sync + Send) -> Vec<R> {
    match cores_for(items.len(), share) {
        Some(cores) => cores.install(|| items.into_par_iter().with_min_len(share).map(work).collect()),
        None => items.into_iter().map(work).collect(),
    }
}

/// What `work` makes of each run of items that follow each other, for work that collects something on the way.
pub fn map_runs<T: Sync, R: Send>(items: &[T], work: impl Fn(&[T]) -> R + Sync + Send) -> Vec<R> {
    match cores_for(items.len(), SHARE) {
        Some(cores) => cores.install(|| items.par_chunks(SHARE).map(work).collect()),
        None => vec![work(items)],
    }
}

/// Does one thing here and another one on other cores meanwhile.
#[cfg(feature = "sandbox")]
pub fn beside<A: Default + Send, B>(elsewhere: impl FnOnce() -> A + Send, here: impl FnOnce() -> B) -> (A, B) {
    let Some(cores) = CORES.as_ref() else { return (elsewhere(), here()) };
    let mut there = A::default();
    let own = cores.in_place_scope(|scope| {
        scope.spawn(|_| there = elsewhere());
        here()
    });
    (there, own)
}

/// The other cores, when there is enough for them to do. A small spec never begins a thread.
fn cores_for(count: usize, share: usize) -> Option<&'static ThreadPool> {
    if count < 2 * share { None } else { CORES.as_ref() }
}

#[cfg(test)]
mod tests {
    #[cfg(feature = "sandbox")]
    use super::map_into;
    use super::{SHARE, map, map_runs};

    #[cfg(feature = "sandbox")]
    #[test]
    fn two_things_at_once_both_end() {
        let mut count = 0;
        let (there, here) = super::beside(|| 1, || count += 1);
        assert_eq!((there, here, count), (1, (), 1));
    }

    #[test]
    fn the_order_stays() {
        for count in [0, 1, 511, 512, 10_001] {
            let items: Vec<usize> = (0..count).collect();
            assert_eq!(map(count, SHARE, |at| at), items);
            #[cfg(feature = "sandbox")]
            assert_eq!(map_into(items.clone(), 1, |item| item), items);
            assert_eq!(map_runs(&items, <[usize]>::to_vec).concat(), items);
        }
    }
}
