//! What a rendering needs that is not in the chart.

use std::cell::RefCell;
use std::rc::Rc;

use crate::render::value::{ChartValue, UnknownValue};

/// Fills a buffer with random bytes.
pub type Entropy = Box<dyn FnMut(&mut [u8])>;

/// What a rendering needs that is not in the chart: the time, randomness, and where to note down values that are not known yet.
pub struct RenderSettings {
    /// The time of day, in nanoseconds since 1970, that `now` answers all through one rendering.
    pub now: i128,
    /// Fills a buffer with random bytes, for passwords, keys and certificates.
    pub entropy: RefCell<Entropy>,
    /// Every value that is not known yet, by the number in its mark. The caller puts its own here before it renders; functions add
    /// what they compute from them.
    pub unknowns: RefCell<Vec<Rc<UnknownValue>>>,
    /// How many steps a rendering may take: a step is a node, a command, or 16 bytes of text that a function makes.
    pub steps: u64,
    /// How many bytes of text one template may come to.
    pub output: usize,
}

impl RenderSettings {
    /// Settings with the usual limits.
    #[must_use]
    pub fn new(now: i128, entropy: Entropy) -> Self {
        Self {
            now,
            entropy: RefCell::new(entropy),
            unknowns: RefCell::new(Vec::new()),
            steps: 50_000_000,
            output: 64 << 20,
        }
    }

    /// A new value that is not known yet.
    #[must_use]
    pub fn unknown(&self, of: impl Into<Rc<str>>) -> ChartValue {
        let mut all = self.unknowns.borrow_mut();
        let unknown =
            Rc::new(UnknownValue { id: u32::try_from(all.len()).unwrap_or(u32::MAX), of: of.into(), is_filled: false });
        all.push(Rc::clone(&unknown));
        ChartValue::Unknown(unknown)
    }
}

impl std::fmt::Debug for RenderSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settings").field("now", &self.now).field("unknowns", &self.unknowns).finish_non_exhaustive()
    }
}
