//! Whether a failed call is tried again, and after how long: a plain function of the error's class and the attempt.

use std::time::Duration;

use crate::driver::Class;

/// How long to wait before the next attempt; none when there is none. `attempt` counts from one.
///
/// The wait doubles each time, up to half a minute. `seed` spreads it by up to a half either way, so that many steps
/// that were throttled together don't come back together.
#[must_use]
pub fn backoff(class: Class, attempt: u32, seed: u64) -> Option<Duration> {
    let (attempts, base) = match class {
        Class::Throttled => (10, 400),
        Class::Transient => (6, 200),
        Class::Unreachable => (3, 500),
        Class::Conflict | Class::Denied | Class::Invalid => return None,
    };
    if attempt >= attempts {
        return None;
    }
    let full: u64 = (base << (attempt - 1).min(10)).min(30_000);
    let spread = scramble(seed ^ u64::from(attempt)) % (full + 1);
    Some(Duration::from_millis(full / 2 + spread))
}

/// A number that has nothing to do with its neighbours (the finaliser of SplitMix64).
#[must_use]
pub const fn scramble(seed: u64) -> u64 {
    let mut z = seed.wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::backoff;
    use crate::driver::Class;

    #[test]
    fn waits_grow_and_end() {
        let waits: Vec<u128> =
            (1..).map_while(|n| backoff(Class::Transient, n, 7)).map(|wait| wait.as_millis()).collect();
        assert_eq!(waits.len(), 5);
        for (n, wait) in waits.iter().enumerate() {
            let full = 200_u128 << n;
            assert!((full / 2..=full * 3 / 2).contains(wait), "attempt {n}: {wait}");
        }
    }

    #[test]
    fn what_can_not_get_better_is_not_tried_again() {
        for class in [Class::Conflict, Class::Denied, Class::Invalid] {
            assert_eq!(backoff(class, 1, 0), None);
        }
    }
}
