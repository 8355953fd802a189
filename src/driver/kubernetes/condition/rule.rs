//! The shape of the rules for custom resources: which of their conditions, fields and words mean what. They are data,
//! so that a kind is added in a line or two and none can do anything but be read.

/// What a kind of object says of itself.
#[derive(Debug)]
pub struct ConditionRule {
    /// Its API group; `*.crossplane.io` for all groups below one, `*` for any.
    pub group: &'static str,
    /// Its kinds; any kind of the group when empty.
    pub kinds: &'static [&'static str],
    /// Places of which one must hold something for the rule to hold: tells Crossplane's own composite resources, whose
    /// groups and kinds their users make up. No places: it holds in any case.
    pub marks: &'static [&'static str],
    /// Places that say, when true, that a user stopped it: nothing is to wait for it, whatever else it tells.
    pub idle: &'static [&'static str],
    /// The first of these that says anything decides.
    pub steps: &'static [RuleStep],
}

impl ConditionRule {
    /// A rule for the kinds of a group.
    pub const fn of(group: &'static str, kinds: &'static [&'static str], steps: &'static [RuleStep]) -> Self {
        Self { group, kinds, marks: &[], idle: &[], steps }
    }

    /// A rule for objects that never tell anything, as they are only read by others.
    pub const fn at_once(group: &'static str, kinds: &'static [&'static str]) -> Self {
        Self::of(group, kinds, &[RuleStep::Always(Means::Ready)])
    }

    /// The same with places that stop it.
    pub const fn idle(mut self, idle: &'static [&'static str]) -> Self {
        self.idle = idle;
        self
    }

    /// The same with marks.
    pub const fn marked(mut self, marks: &'static [&'static str]) -> Self {
        self.marks = marks;
        self
    }

    /// Whether it is for objects of a group and a kind.
    pub fn is_for(&self, group: &str, kind: &str) -> bool {
        let of_group = match self.group.strip_prefix('*') {
            Some(below) => group.ends_with(below),
            None => group == self.group,
        };
        of_group && (self.kinds.is_empty() || self.kinds.contains(&kind))
    }
}

/// What something that an object tells means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Means {
    /// It does what it is for.
    Ready,
    /// It is on its way.
    Progressing,
    /// It does not do what it is for.
    Degraded,
    /// Not even its controller can say.
    Unknown,
}

/// Something that an object may tell.
#[derive(Debug)]
pub enum RuleStep {
    /// A condition.
    When {
        /// Its type.
        condition: &'static str,
        /// Its status.
        is: Comparison,
        /// Its reason.
        for_: Reasons,
        /// What it means.
        means: Means,
    },
    /// A word at a place.
    Word {
        /// The place.
        at: &'static str,
        /// The words; any when there are none here.
        words: &'static [&'static str],
        /// What they mean.
        means: Means,
        /// Where it says why.
        why: &'static str,
    },
    /// Any content at a place.
    Set {
        /// The place.
        at: &'static str,
        /// What it means.
        means: Means,
    },
    /// Fewer at one place than are wanted at another: it is on its way.
    Fewer {
        /// Where it says how many there are; none where nothing is said.
        have: &'static str,
        /// Where it says how many are wanted.
        want: &'static str,
        /// How many are wanted where nothing is said.
        or: i64,
        /// What there are too few of: "replicas are available".
        what: &'static str,
    },
    /// Different contents at two places, of which both are there: it is on its way.
    Differ {
        /// The one.
        one: &'static str,
        /// The other.
        other: &'static str,
        /// What it waits for.
        waiting: &'static str,
    },
    /// A list of which each entry has conditions of its own.
    Each {
        /// The place of the list.
        list: &'static str,
        /// Where an entry has its name.
        name: &'static str,
        /// What an entry may tell.
        steps: &'static [RuleStep],
        /// Whether the object is ready when all of these are; otherwise only what is wrong with them counts.
        decides: bool,
        /// Whether entries of an older generation are what a controller left behind once there is one of the newest.
        left_over: bool,
    },
    /// Nothing more is asked.
    Always(Means),
}

/// The status of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Comparison {
    /// `True`.
    True,
    /// `False`.
    False,
    /// Anything but `True`.
    NotTrue,
    /// Any.
    Any,
}

/// The reason of a condition.
#[derive(Debug)]
pub enum Reasons {
    /// Any.
    Any,
    /// One of these.
    Only(&'static [&'static str]),
    /// Any, when the condition is not a mere information: Cluster API's own field.
    Severe,
}

/// A condition that means the object is ready when true.
pub const fn ready(condition: &'static str) -> RuleStep {
    RuleStep::When { condition, is: Comparison::True, for_: Reasons::Any, means: Means::Ready }
}

/// A condition that is a failure when false.
pub const fn failed(condition: &'static str) -> RuleStep {
    RuleStep::When { condition, is: Comparison::False, for_: Reasons::Any, means: Means::Degraded }
}

/// A condition that is a failure when true.
pub const fn wrong(condition: &'static str) -> RuleStep {
    RuleStep::When { condition, is: Comparison::True, for_: Reasons::Any, means: Means::Degraded }
}

/// A condition that is worked on when true.
pub const fn busy(condition: &'static str) -> RuleStep {
    RuleStep::When { condition, is: Comparison::True, for_: Reasons::Any, means: Means::Progressing }
}

/// A condition that is worked on when not true.
pub const fn awaited(condition: &'static str) -> RuleStep {
    RuleStep::When { condition, is: Comparison::NotTrue, for_: Reasons::Any, means: Means::Progressing }
}

/// A condition that is not true for reasons that mean something else than they do in general.
pub const fn unless(condition: &'static str, reasons: &'static [&'static str], means: Means) -> RuleStep {
    RuleStep::When { condition, is: Comparison::NotTrue, for_: Reasons::Only(reasons), means }
}

/// The phase of a status.
pub const fn phase(words: &'static [&'static str], means: Means) -> RuleStep {
    RuleStep::Word { at: "/status/phase", words, means, why: "/status/message" }
}

/// The state of a status.
pub const fn state(words: &'static [&'static str], means: Means) -> RuleStep {
    RuleStep::Word { at: "/status/state", words, means, why: "/status/reason" }
}
