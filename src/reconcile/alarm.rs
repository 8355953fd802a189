//! Much that seems lost at once is more likely a fault of whoever looks. It is believed once several looks agree.

/// How many looks have to agree.
pub const LOOKS: u32 = 3;
/// So few lost resources raise no alarm: a small spec loses all of them in an ordinary outage.
const FEW: usize = 3;

/// Counts the looks that found too much lost.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Alarm {
    looks: u32,
}

impl Alarm {
    /// One that goes on after so many looks.
    #[must_use]
    pub const fn after(looks: u32) -> Self {
        Self { looks }
    }

    /// How many looks found too much lost so far.
    #[must_use]
    pub const fn looks(self) -> u32 {
        self.looks
    }

    /// Takes a look: so many of all are lost, and more than `share` percent raises the alarm. Gives which look this is, as long as it is
    /// not believed.
    pub fn look(&mut self, lost: usize, all: usize, share: u8) -> Option<u32> {
        let is_many = lost > FEW && lost * 100 > all * usize::from(share);
        if !is_many {
            self.looks = 0;
            return None;
        }
        self.looks = self.looks.saturating_add(1);
        (self.looks < LOOKS).then_some(self.looks)
    }
}

#[cfg(test)]
mod tests {
    use super::Alarm;

    #[test]
    fn three_looks_that_agree_are_believed_and_one_that_does_not_begins_anew() {
        let mut alarm = Alarm::default();
        assert_eq!(alarm.look(6, 10, 50), Some(1));
        assert_eq!(alarm.look(0, 10, 50), None);
        assert_eq!(alarm.look(6, 10, 50), Some(1));
        assert_eq!(alarm.look(7, 10, 50), Some(2));
        assert_eq!(alarm.look(7, 10, 50), None, "believed");
        assert_eq!(alarm.look(7, 10, 50), None, "and it stays so");
    }

    #[test]
    fn what_is_within_the_share_or_little_raises_none() {
        assert_eq!(Alarm::default().look(5, 10, 50), None);
        assert_eq!(Alarm::default().look(3, 3, 50), None);
        assert_eq!(Alarm::default().look(0, 0, 1), None);
    }
}
