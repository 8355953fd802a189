//! Which step may run next: counters of what each still waits for. No IO, no clock, no threads.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::mutation::{Mutation, broken};
use crate::plan::{Gate, Step};

/// The steps that are not done yet.
#[derive(Debug)]
pub struct ReadyQueue {
    waiting: Vec<usize>,
    followers: Vec<Vec<usize>>,
    dead: Vec<bool>,
    ready: BinaryHeap<Reverse<usize>>,
    open: usize,
}

impl ReadyQueue {
    /// Takes the steps of a plan, and the gates between them, which are numbered on behind the steps.
    #[must_use]
    pub fn new(steps: &[Step], gates: &[Gate]) -> Self {
        let all = steps.len() + gates.len();
        let mut followers = vec![Vec::new(); all];
        let mut waiting: Vec<usize> = steps.iter().map(|step| step.after.len()).collect();
        let ignored = waiting.iter().position(|count| *count > 0).filter(|_| broken(Mutation::IgnoreAnEdge));
        ignored.into_iter().for_each(|at| waiting[at] = 0);
        for (at, step) in steps.iter().enumerate().filter(|(at, _)| Some(*at) != ignored) {
            step.after.iter().for_each(|before| followers[*before].push(at));
        }
        for (at, gate) in gates.iter().enumerate().map(|(at, gate)| (at + steps.len(), gate)) {
            waiting.push(gate.after.len());
            gate.after.iter().for_each(|before| followers[*before].push(at));
            gate.before.iter().for_each(|behind| waiting[*behind] += 1);
            followers[at].extend(&gate.before);
        }
        let ready = (0..all).filter(|at| waiting[*at] == 0).map(Reverse).collect();
        Self { waiting, followers, dead: vec![false; all], ready, open: all }
    }

    /// The next step that may run: always the first in the plan's order, so that a run is the same each time.
    pub fn pop(&mut self) -> Option<usize> {
        while let Some(Reverse(at)) = self.ready.pop() {
            if !self.dead[at] {
                return Some(at);
            }
        }
        None
    }

    /// Whether every step is done, failed or skipped.
    #[must_use]
    pub const fn is_done(&self) -> bool {
        self.open == 0
    }

    /// Whether a step failed or was skipped.
    #[must_use]
    pub fn is_dead(&self, at: usize) -> bool {
        self.dead[at]
    }

    /// A step succeeded: what waited for it alone is ready.
    pub fn succeed(&mut self, at: usize) {
        self.open -= 1;
        for next in std::mem::take(&mut self.followers[at]) {
            self.waiting[next] -= 1;
            if self.waiting[next] == 0 && !self.dead[next] {
                self.ready.push(Reverse(next));
            }
        }
    }

    /// A step failed: whatever waits for it, directly or not, is skipped, and nobody else. Returns those steps in
    /// order.
    pub fn fail(&mut self, at: usize) -> Vec<usize> {
        self.open -= 1;
        self.dead[at] = true;
        let mut skipped = Vec::new();
        let mut open = vec![at];
        while let Some(step) = open.pop() {
            for next in std::mem::take(&mut self.followers[step]) {
                if !self.dead[next] {
                    self.dead[next] = true;
                    self.open -= 1;
                    skipped.push(next);
                    open.push(next);
                }
            }
        }
        skipped.sort_unstable();
        skipped
    }

    /// Skips everything that was not handed out yet; `running` says what was. Returns those steps in order.
    pub fn abandon(&mut self, running: &[bool]) -> Vec<usize> {
        let left: Vec<usize> = (0..self.dead.len()).filter(|at| !self.dead[*at] && !running[*at]).collect();
        for at in &left {
            self.dead[*at] = true;
            self.open -= 1;
        }
        left
    }
}

#[cfg(test)]
mod tests {
    use super::ReadyQueue;
    use crate::action::Verb;
    use crate::address::Address;
    use crate::plan::{Gate, Step};

    fn queue(after: &[&[usize]]) -> ReadyQueue {
        let step = |after: &&[usize]| Step { change: 0, verb: Verb::Create, after: after.to_vec() };
        ReadyQueue::new(&after.iter().map(step).collect::<Vec<_>>(), &[])
    }

    #[test]
    fn a_gate_holds_back_what_is_behind_it_until_all_before_it_is_done() {
        let step = || Step { change: 0, verb: Verb::Create, after: Vec::new() };
        let steps: Vec<Step> = (0..5).map(|_| step()).collect();
        let gate = Gate {
            app: Address::new("app", "web", Some("a")),
            former: vec!["a".into()],
            next: vec!["b".into()],
            pause: 0,
            limit: 1,
            after: vec![0, 1],
            before: vec![2, 3],
            watched: Vec::new(),
        };
        let mut queue = ReadyQueue::new(&steps, std::slice::from_ref(&gate));
        assert_eq!([queue.pop(), queue.pop(), queue.pop(), queue.pop()], [Some(0), Some(1), Some(4), None]);
        queue.succeed(0);
        assert_eq!(queue.pop(), None);
        queue.succeed(1);
        assert_eq!(queue.pop(), Some(5), "the gate");
        queue.succeed(5);
        assert_eq!([queue.pop(), queue.pop()], [Some(2), Some(3)]);
        let mut queue = ReadyQueue::new(&steps, &[gate]);
        assert_eq!(queue.fail(0), [2, 3, 5]);
    }

    #[test]
    fn a_step_runs_once_all_that_it_waits_for_is_done() {
        let mut queue = queue(&[&[], &[], &[0, 1]]);
        assert_eq!((queue.pop(), queue.pop(), queue.pop()), (Some(0), Some(1), None));
        queue.succeed(1);
        assert_eq!(queue.pop(), None);
        queue.succeed(0);
        assert_eq!(queue.pop(), Some(2));
        queue.succeed(2);
        assert!(queue.is_done());
    }

    #[test]
    fn a_failure_skips_its_dependants_and_nobody_else() {
        let mut queue = queue(&[&[], &[], &[0], &[2], &[1]]);
        assert_eq!((queue.pop(), queue.pop()), (Some(0), Some(1)));
        assert_eq!(queue.fail(0), [2, 3]);
        queue.succeed(1);
        assert_eq!(queue.pop(), Some(4));
        queue.succeed(4);
        assert!(queue.is_done());
    }

    #[test]
    fn what_is_abandoned_is_never_handed_out() {
        let mut queue = queue(&[&[], &[0], &[]]);
        assert_eq!(queue.pop(), Some(0));
        assert_eq!(queue.abandon(&[true, false, false]), [1, 2]);
        queue.succeed(0);
        assert_eq!(queue.pop(), None);
        assert!(queue.is_done());
    }
}
