//! Which step may run next: counters of what each still waits for. No IO, no clock, no threads.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use crate::mutation::{Mutation, broken};
use crate::plan::Step;

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
    /// Takes the steps of a plan.
    #[must_use]
    pub fn new(steps: &[Step]) -> Self {
        let mut followers = vec![Vec::new(); steps.len()];
        let mut waiting: Vec<usize> = steps.iter().map(|step| step.after.len()).collect();
        let ignored = waiting.iter().position(|count| *count > 0).filter(|_| broken(Mutation::IgnoreAnEdge));
        ignored.into_iter().for_each(|at| waiting[at] = 0);
        for (at, step) in steps.iter().enumerate().filter(|(at, _)| Some(*at) != ignored) {
            step.after.iter().for_each(|before| followers[*before].push(at));
        }
        let ready = (0..steps.len()).filter(|at| waiting[*at] == 0).map(Reverse).collect();
        Self { waiting, followers, dead: vec![false; steps.len()], ready, open: steps.len() }
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
    use crate::plan::Step;

    fn queue(after: &[&[usize]]) -> ReadyQueue {
        let step = |after: &&[usize]| Step { change: 0, verb: Verb::Create, after: after.to_vec() };
        ReadyQueue::new(&after.iter().map(step).collect::<Vec<_>>())
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
