//! Much that seems lost at once is more likely a fault of whoever looks. It is believed once several looks agree.

use std::time::Duration;

/// How many looks have to agree.
pub const LOOKS: u32 = 3;
/// How far they are apart at least.
const APART: Duration = Duration::from_secs(1);
/// So few lost resources raise no alarm: a small spec loses all of them in an ordinary outage.
const FEW: usize = 3;

/// Counts the looks that found too much lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Alarm {
    looks: u32,
    /// When the last of them was.
    last: Option<Duration>,
}

impl Alarm {
    /// One that goes on after so many looks.
    #[must_use]
    pub const fn after(looks: u32) -> Self {
        Self { looks, last: None }
    }

    /// How many looks found too much lost so far.
    #[must_use]
    pub const fn looks(self) -> u32 {
        self.looks
    }

    /// Takes a look: so many of all are lost, and more than `share` percent raises the alarm. Gives which look this is, as long as it is
    /// not believed.
    pub fn look(&mut self, lost: usize, all: usize, share: u8, now: Duration) -> Option<u32> {
        let is_many = lost > FEW && lost * 100 > all * usize::from(share);
        if !is_many {
            *self = Self::default();
            return None;
        }
        // Looks at one and the same moment are one look.
        if self.last.is_none_or(|last| now.saturating_sub(last) >= APART) && self.looks < LOOKS {
            self.looks += 1;
            self.last = Some(now);
        }
        (self.looks < LOOKS).then_some(self.looks)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::Alarm;

    const fn at(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn three_looks_that_agree_are_believed_and_one_that_does_not_begins_anew() {
        let mut alarm = Alarm::default();
        assert_eq!(alarm.look(6, 10, 50, at(0)), Some(1));
        assert_eq!(alarm.look(0, 10, 50, at(5)), None);
        assert_eq!(alarm.look(6, 10, 50, at(10)), Some(1));
        assert_eq!(alarm.look(6, 10, 50, at(10)), Some(1), "the same moment");
        assert_eq!(alarm.look(7, 10, 50, at(15)), Some(2));
        assert_eq!(alarm.look(7, 10, 50, at(20)), None, "believed");
        assert_eq!(alarm.look(7, 10, 50, at(25)), None, "and it stays so");
    }

    #[test]
    fn what_is_within_the_share_or_little_raises_none() {
        assert_eq!(Alarm::default().look(5, 10, 50, at(0)), None);
        assert_eq!(Alarm::default().look(3, 3, 50, at(0)), None);
        assert_eq!(Alarm::default().look(0, 0, 1, at(0)), None);
    }
}
