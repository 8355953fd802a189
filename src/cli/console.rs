//! A person's terminal, given to a command in a container: what is typed goes there as it is, until the command ends.

use std::io::{self, Read as _};

use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{mpsc, watch};

use super::environment;
use crate::driver::docker::Terminal;

/// A terminal that passes on every key. It is as before once this is dropped.
pub struct Console {
    before: Termios,
}

impl Console {
    /// Takes over the terminal at which a person sits.
    ///
    /// # Errors
    /// When the terminal can't be set up.
    pub fn take_over() -> io::Result<(Self, Terminal)> {
        let before = tcgetattr(io::stdin())?;
        let mut raw = before.clone();
        raw.make_raw();
        tcsetattr(io::stdin(), OptionalActions::Now, &raw)?;
        let console = Self { before };
        let terminal = Terminal { sort: environment::terminal(), keys: keys(), size: sizes()? };
        Ok((console, terminal))
    }
}

impl Drop for Console {
    fn drop(&mut self) {
        // If the terminal is gone there is nothing to give back.
        let _ = tcsetattr(io::stdin(), OptionalActions::Now, &self.before);
    }
}

/// What is typed. A thread of its own waits for it, which the end of the program does not wait for.
fn keys() -> mpsc::UnboundedReceiver<Vec<u8>> {
    let (send, keys) = mpsc::unbounded_channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 1_024];
        while let Ok(count @ 1..) = io::stdin().lock().read(&mut buffer) {
            if send.send(buffer[..count].to_vec()).is_err() {
                break;
            }
        }
    });
    keys
}

/// How large the terminal is, now and whenever that changes.
fn sizes() -> io::Result<watch::Receiver<(u16, u16)>> {
    let (send, sizes) = watch::channel(size());
    let mut changes = signal(SignalKind::window_change())?;
    tokio::spawn(async move { while changes.recv().await.is_some() && send.send(size()).is_ok() {} });
    Ok(sizes)
}

fn size() -> (u16, u16) {
    terminal_size::terminal_size().map_or((80, 24), |(columns, rows)| (columns.0, rows.0))
}
