//! The same thing done to many things at once, on all cores; what comes of it is in the order of the things.
//!
//! It is for what has no effects, so that nobody can tell whether it happened at once or one after the other, but by how
//! long it took.

use rayon::prelude::*;

/// How many resources one core takes at a time. For less work than two such shares no other core is woken.
pub const SHARE: usize = 256;

/// What `work` makes of each number below `count`, the positions of some items, of which a core takes `share` at a time.
pub fn map<R: Send>(count: usize, share: usize, work: impl Fn(usize) -> R + Sync + Send) -> Vec<R> {
    if count < 2 * share {
        return (0..count).map(work).collect();
    }
    (0..count).into_par_iter().with_min_len(share).map(work).collect()
}

/// What `work` makes of each item, of which a core takes `share` at a time.
pub fn map_into<T: Send, R: Send>(items: Vec<T>, share: usize, work: impl Fn(T) -> R + Sync + Send) -> Vec<R> {
    if items.len() < 2 * share {
        return items.into_iter().map(work).collect();
    }
    items.into_par_iter().with_min_len(share).map(work).collect()
}

/// What `work` makes of each run of items that follow each other, for work that collects something on the way.
pub fn map_runs<T: Sync, R: Send>(items: &[T], work: impl Fn(&[T]) -> R + Sync + Send) -> Vec<R> {
    if items.len() < 2 * SHARE {
        return vec![work(items)];
    }
    items.par_chunks(SHARE).map(work).collect()
}

#[cfg(test)]
mod tests {
    use super::{SHARE, map, map_into, map_runs};

    #[test]
    fn the_order_stays() {
        for count in [0, 1, 511, 512, 10_001] {
            let items: Vec<usize> = (0..count).collect();
            assert_eq!(map(count, SHARE, |at| at), items);
            assert_eq!(map_into(items.clone(), 1, |item| item), items);
            assert_eq!(map_runs(&items, <[usize]>::to_vec).concat(), items);
        }
    }
}
