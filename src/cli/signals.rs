//! Being asked to stop: Ctrl-C, SIGTERM and SIGHUP. Before anything is done a run ends at once and lets go of its lock;
//! after that the first request finishes what is in flight, and the second ends the process.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

#[cfg(unix)]
use tokio::signal::unix::Signal as Stream;
#[cfg(windows)]
use tokio::signal::windows::CtrlC as Stream;
use tokio::sync::{mpsc, watch};

use super::end::at_once;
use super::ui::{Ui, write_error};
use crate::reconcile::Trigger;
use crate::style::Role;

/// What listens for requests to stop, as long as the process runs.
pub struct StopRequests {
    code: watch::Receiver<Option<u8>>,
    stop: watch::Receiver<bool>,
    acting: Arc<AtomicBool>,
}

/// A request to stop.
#[derive(Clone, Copy, PartialEq, Eq)]
struct StopRequest {
    /// The exit code of a process that ends by it: 128 and the signal's number, as shells say it.
    code: u8,
    /// Whether a second one ends the process. A terminal that closes may say so more than once.
    urges: bool,
}

impl StopRequests {
    /// Begins to listen.
    pub fn listen(ui: &Ui) -> Self {
        let (code, asked) = watch::channel(None);
        let (stop, stopped) = watch::channel(false);
        let acting = Arc::new(AtomicBool::new(false));
        let word = ui.error_palette().paint(Role::Warning, "stopping:");
        let flag = Arc::clone(&acting);
        let mut signals = signals(false);
        tokio::spawn(async move {
            let first = signals.next().await;
            if flag.load(Ordering::Relaxed) {
                // A line break first: the terminal shows the interrupt itself where the cursor is.
                write_error(&format!("\n{word} what is in flight is finished; once more stops at once\n"));
            }
            // The run may be over already.
            let _ = code.send(Some(first.code));
            let _ = stop.send(true);
            loop {
                let again = signals.next().await;
                if again.urges {
                    // The journal has every intent, so the next run carries on.
                    at_once(again.code);
                }
            }
        });
        Self { code: asked, stop: stopped, acting }
    }

    /// Waits until somebody asks to stop; gives the exit code that says so.
    pub async fn asked(&self) -> u8 {
        let mut code = self.code.clone();
        match code.wait_for(Option::is_some).await.map(|code| *code) {
            Ok(Some(code)) => code,
            // The listener is gone, so no request will come.
            _ => std::future::pending().await,
        }
    }

    /// From now on something is in flight.
    pub fn acting(&self) -> watch::Receiver<bool> {
        self.acting.store(true, Ordering::Relaxed);
        self.stop.clone()
    }
}

/// What listens for the signals of the loop: Ctrl-C and SIGTERM end it, SIGHUP asks for a pass.
pub struct LoopSignals {
    /// True once it is to end.
    pub stop: watch::Receiver<bool>,
}

impl LoopSignals {
    /// Begins to listen.
    pub fn listen(wake: mpsc::UnboundedSender<Trigger>, ui: &Ui) -> Self {
        let (stop, stopped) = watch::channel(false);
        let word = ui.error_palette().paint(Role::Warning, "stopping:");
        // A hang-up ends no loop, so one that was begun with `nohup` can be asked for a pass as well.
        let mut signals = signals(true);
        tokio::spawn(async move {
            let mut is_asked = false;
            loop {
                let next = signals.next().await;
                match (next.urges, is_asked) {
                    // Once nobody listens, the loop is over.
                    (false, _) => drop(wake.send(Trigger::Asked)),
                    (true, false) => {
                        write_error(&format!("\n{word} what is in flight is finished; once more stops at once\n"));
                        is_asked = true;
                        let _ = stop.send(true);
                    }
                    // The journal has every intent, so the next run carries on.
                    (true, true) => at_once(next.code),
                }
            }
        });
        Self { stop: stopped }
    }
}

/// The signals that are listened to.
struct Signals(Vec<(Stream, StopRequest)>);

impl Signals {
    /// Waits for the next one.
    async fn next(&mut self) -> StopRequest {
        if self.0.is_empty() {
            return std::future::pending().await;
        }
        let waits = self.0.iter_mut().map(|(stream, request)| {
            let request = *request;
            Box::pin(async move {
                if stream.recv().await.is_none() {
                    std::future::pending::<()>().await;
                }
                request
            })
        });
        futures_util::future::select_all(waits).await.0
    }
}

#[cfg(unix)]
fn signals(hang_up: bool) -> Signals {
    use tokio::signal::unix::{SignalKind, signal};
    let ignored = ignored();
    let kinds = [(SignalKind::interrupt(), true), (SignalKind::terminate(), true), (SignalKind::hangup(), false)];
    // Signals that the process was told to ignore, as `nohup` does, stay ignored.
    let is_heard =
        |(kind, urges): &(SignalKind, bool)| (ignored >> (kind.as_raw_value() - 1)) & 1 == 0 || hang_up && !urges;
    let heard = kinds.into_iter().filter(is_heard);
    let streams = heard.filter_map(|(kind, urges)| {
        let code = 128 + u8::try_from(kind.as_raw_value()).unwrap_or_default();
        Some((signal(kind).ok()?, StopRequest { code, urges }))
    });
    Signals(streams.collect())
}

/// The signals that this process was begun to ignore, one bit each.
#[cfg(unix)]
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default()
}

#[cfg(windows)]
fn signals(_: bool) -> Signals {
    let stream = tokio::signal::windows::ctrl_c().ok();
    Signals(stream.map(|stream| (stream, StopRequest { code: 130, urges: true })).into_iter().collect())
}
