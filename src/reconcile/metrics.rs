//! What the loop tells Prometheus: how resources are, what differs, what was done, what is held back and why, and who leads.

use std::time::Duration;

use prometheus::{
    Encoder as _, Histogram, HistogramOpts, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry, TextEncoder,
};

use super::pass::LoopPass;

/// The metrics of a loop.
pub struct Metrics {
    registry: Registry,
    resources: IntGaugeVec,
    differing: IntGaugeVec,
    held: IntGaugeVec,
    actions: IntCounterVec,
    passes: IntCounterVec,
    duration: Histogram,
    calls: IntCounterVec,
    leads: IntGauge,
}

impl Metrics {
    /// No pass was made yet.
    ///
    /// # Errors
    /// When a metric is named twice, or not as Prometheus allows.
    pub fn new(project: &str, environment: &str) -> Result<Self, prometheus::Error> {
        let labels = [("project", project), ("environment", environment)];
        let labels = labels.map(|(name, value)| (name.to_owned(), value.to_owned()));
        let registry = Registry::new_custom(Some("atlas".to_owned()), Some(labels.into_iter().collect()))?;
        let gauges = |name: &str, help: &str, labels: &[&str]| {
            let family = IntGaugeVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(family.clone())).map(|()| family)
        };
        let resources =
            gauges("resources", "Resources by kind and condition, as the last pass saw them.", &["kind", "condition"])?;
        let differing = gauges(
            "differing",
            "Resources that differ, by the sort of difference, as the last pass saw them.",
            &["difference"],
        )?;
        let held = gauges("held", "Resources that the governor leaves as they are, by why.", &["reason"])?;
        let counters = |name: &str, help: &str, labels: &[&str]| {
            let family = IntCounterVec::new(Opts::new(name, help), labels)?;
            registry.register(Box::new(family.clone())).map(|()| family)
        };
        let actions =
            counters("actions_total", "Actions that the loop took, and how they ended.", &["action", "outcome"])?;
        let passes = counters("passes_total", "Passes, by how they ended.", &["outcome"])?;
        let calls = counters(
            "driver_calls_total",
            "Calls of drivers, by the class of the error; ok where there was none.",
            &["driver", "class"],
        )?;
        let buckets = vec![0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0, 900.0];
        let options = HistogramOpts::new("pass_duration_seconds", "How long passes take.").buckets(buckets);
        let duration = Histogram::with_opts(options)?;
        registry.register(Box::new(duration.clone()))?;
        let leads = IntGauge::new("leads", "Whether this loop has the lead: 1, or 0 while it stands by.")?;
        registry.register(Box::new(leads.clone()))?;
        Ok(Self { registry, resources, differing, held, actions, passes, duration, calls, leads })
    }

    /// Learns of a pass.
    pub fn pass(&self, pass: &LoopPass, took: Duration) {
        self.passes.with_label_values(&[pass.ending.word()]).inc();
        self.duration.observe(took.as_secs_f64());
        self.resources.reset();
        for ((kind, condition), count) in &pass.conditions {
            self.resources.with_label_values(&[kind, *condition]).set(number(*count));
        }
        self.differing.reset();
        for (difference, count) in &pass.differences {
            self.differing.with_label_values(&[*difference]).set(number(*count));
        }
        self.held.reset();
        for hold in pass.held.values() {
            self.held.with_label_values(&[hold.word()]).inc();
        }
        for deed in &pass.deeds {
            let outcome = if deed.error.is_some() { "failed" } else { "done" };
            self.actions.with_label_values(&[deed.verb.word(), outcome]).inc();
        }
        for ((driver, class), count) in &pass.calls {
            self.calls.with_label_values(&[*driver, *class]).inc_by(*count);
        }
    }

    /// Learns of a pass that could not be made.
    pub fn failed_pass(&self) {
        self.passes.with_label_values(&["error"]).inc();
    }

    /// Learns whether this loop leads.
    pub fn lead(&self, leads: bool) {
        self.leads.set(i64::from(leads));
    }

    /// All of them, as Prometheus reads them.
    #[must_use]
    pub fn text(&self) -> String {
        let mut bytes = Vec::new();
        // Only a writer that fails makes this fail.
        let _ = TextEncoder::new().encode(&self.registry.gather(), &mut bytes);
        String::from_utf8(bytes).unwrap_or_default()
    }
}

fn number(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
