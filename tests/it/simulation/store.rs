//! Where a life keeps its records: in memory, as a crash would leave them, or on the disk, under the real lock.

use std::collections::BTreeMap;
use std::future::Future;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use async_trait::async_trait;
use atlas::address::Address;
use atlas::execute::{Entry, Journal, Outcome};
use atlas::recorded::{Intent, Inventory, Recorded};
use atlas::store::{Disk, Document, Fence, Held, Lease, LocalFolder, LockError, Run, RunSummary, Store, Watch};

/// The records of a life.
pub struct Records {
    pub store: Arc<dyn Store>,
    /// The lock on the disk, and what is to go with it.
    disk: Option<(PathBuf, tempfile::TempDir)>,
}

impl Records {
    pub fn in_memory() -> Self {
        Self { store: Arc::new(Memory::default()), disk: None }
    }

    pub fn on_disk() -> Self {
        // Files in memory are faster, where the system has a folder for them.
        let shared = Path::new("/dev/shm");
        let folder = if shared.is_dir() { tempfile::tempdir_in(shared) } else { tempfile::tempdir() };
        let folder = folder.expect("a folder");
        let disk = Disk::new(LocalFolder::beside(&folder.path().join("atlas.toml")), "t", "default");
        let lock = disk.folder().join("lock");
        Self { store: Arc::new(OnDisk(disk)), disk: Some((lock, folder)) }
    }

    /// What runs before left open.
    pub fn pending(&self) -> BTreeMap<Intent, Address> {
        self.store.recorded().expect("readable").pending
    }

    /// Who holds the lock, as its file tells; none where there is no such file.
    pub fn holder(&self) -> Option<String> {
        self.lock_file().and_then(|lock| std::fs::read_to_string(lock).ok())
    }

    /// A dead process leaves its name in the lock and, at worst, half a line in the journal.
    pub fn leave(&self, holder: &str) {
        let Some(lock) = self.lock_file() else { return };
        std::fs::write(lock, holder).expect("writable");
        let journal = std::fs::OpenOptions::new().append(true).open(lock.with_file_name("journal.jsonl"));
        if let Ok(mut journal) = journal {
            journal.write_all(b"{\"intent\":{\"step\":3,").expect("writable");
        }
    }

    /// The lock's file, where there is one.
    pub fn lock_file(&self) -> Option<&Path> {
        self.disk.as_ref().map(|(lock, _)| lock.as_path())
    }
}

/// Records in memory that know what a crash would leave of them. Their lock keeps nobody out.
#[derive(Clone, Debug, Default)]
struct Memory(Arc<Mutex<Kept>>);

#[derive(Debug, Default)]
struct Kept {
    pending: BTreeMap<Intent, Address>,
    inventory: Inventory,
    documents: BTreeMap<Document, String>,
    token: u64,
}

impl Memory {
    fn with<T>(&self, look: impl FnOnce(&mut Kept) -> T) -> T {
        look(&mut self.0.lock().expect("sound"))
    }
}

impl Store for Memory {
    fn lock(&self, _: &str, _: Duration) -> Result<Held, LockError> {
        let token = self.with(|kept| {
            kept.token += 1;
            kept.token
        });
        Ok(Held { lock: Box::new(Unshared(Fence::new(token, Never))), former: None, notes: Vec::new() })
    }

    fn lead(&self, command: &str, lease: Duration) -> Result<Held, LockError> {
        self.lock(command, lease)
    }

    fn document(&self, document: &Document) -> io::Result<Option<String>> {
        Ok(self.with(|kept| kept.documents.get(document).cloned()))
    }

    fn keep_document(&self, document: &Document, text: &str) -> io::Result<()> {
        self.change_document(document, &mut |_| Some(text.to_owned()))
    }

    fn change_document(
        &self,
        document: &Document,
        edit: &mut dyn FnMut(Option<&str>) -> Option<String>,
    ) -> io::Result<()> {
        self.with(|kept| match edit(kept.documents.get(document).map(String::as_str)) {
            Some(text) => drop(kept.documents.insert(document.clone(), text)),
            None => drop(kept.documents.remove(document)),
        });
        Ok(())
    }

    fn recorded(&self) -> io::Result<Recorded> {
        Ok(Recorded { pending: self.with(|kept| kept.pending.clone()), ..Recorded::default() })
    }

    fn aside(&self) -> String {
        String::new()
    }

    fn journal(&self, _: &Run, open: &Recorded, _: Fence) -> Result<Arc<dyn Journal>, LockError> {
        self.with(|kept| kept.pending.clone_from(&open.pending));
        Ok(Arc::new(self.clone()))
    }

    fn inventory(&self) -> io::Result<Inventory> {
        Ok(self.with(|kept| kept.inventory.clone()))
    }

    fn keep(&self, inventory: &Inventory) -> io::Result<()> {
        self.with(|kept| kept.inventory.clone_from(inventory));
        Ok(())
    }

    fn remember(&self, _: &RunSummary) -> io::Result<()> {
        Ok(())
    }

    fn history(&self) -> io::Result<Vec<RunSummary>> {
        Ok(Vec::new())
    }
}

#[async_trait]
impl Journal for Memory {
    async fn intend(&self, entry: Entry) -> io::Result<()> {
        if entry.may_leave_unmarked() {
            self.with(|kept| kept.pending.insert(Intent::new(entry.identity, entry.place), entry.address));
        }
        Ok(())
    }

    async fn conclude(&self, entry: Entry, outcome: Outcome) -> io::Result<()> {
        if outcome.settles() {
            self.with(|kept| kept.pending.remove(&Intent::new(entry.identity, entry.place)));
        }
        Ok(())
    }
}

/// A lease that is never taken over.
struct Unshared(Fence);

impl Lease for Unshared {
    fn fence(&self) -> &Fence {
        &self.0
    }
}

#[derive(Debug)]
struct Never;

impl Watch for Never {
    fn check(&self) -> io::Result<()> {
        Ok(())
    }
}

/// The real records. Virtual time advances as soon as no task has work, and does not count disk writes as work. So each
/// write blocks all tasks until it is done.
#[derive(Debug)]
struct OnDisk(Disk);

impl Store for OnDisk {
    fn lock(&self, command: &str, lease: Duration) -> Result<Held, LockError> {
        self.0.lock(command, lease)
    }

    fn lead(&self, command: &str, lease: Duration) -> Result<Held, LockError> {
        self.0.lead(command, lease)
    }

    fn document(&self, document: &Document) -> io::Result<Option<String>> {
        self.0.document(document)
    }

    fn keep_document(&self, document: &Document, text: &str) -> io::Result<()> {
        self.0.keep_document(document, text)
    }

    fn change_document(
        &self,
        document: &Document,
        edit: &mut dyn FnMut(Option<&str>) -> Option<String>,
    ) -> io::Result<()> {
        self.0.change_document(document, edit)
    }

    fn recorded(&self) -> io::Result<Recorded> {
        self.0.recorded()
    }

    fn aside(&self) -> String {
        self.0.aside()
    }

    fn journal(&self, run: &Run, open: &Recorded, fence: Fence) -> Result<Arc<dyn Journal>, LockError> {
        Ok(Arc::new(AtOnce(self.0.journal(run, open, fence)?)))
    }

    fn inventory(&self) -> io::Result<Inventory> {
        self.0.inventory()
    }

    fn keep(&self, inventory: &Inventory) -> io::Result<()> {
        self.0.keep(inventory)
    }

    fn remember(&self, summary: &RunSummary) -> io::Result<()> {
        self.0.remember(summary)
    }

    fn history(&self) -> io::Result<Vec<RunSummary>> {
        self.0.history()
    }
}

/// A journal that blocks all tasks while it writes.
struct AtOnce(Arc<dyn Journal>);

#[async_trait]
impl Journal for AtOnce {
    async fn intend(&self, entry: Entry) -> io::Result<()> {
        at_once(self.0.intend(entry))
    }

    async fn conclude(&self, entry: Entry, outcome: Outcome) -> io::Result<()> {
        at_once(self.0.conclude(entry, outcome))
    }

    fn check(&self) -> io::Result<()> {
        self.0.check()
    }
}

fn at_once<T>(work: impl Future<Output = T>) -> T {
    let mut work = pin!(work);
    let mut context = Context::from_waker(Waker::noop());
    loop {
        match work.as_mut().poll(&mut context) {
            Poll::Ready(value) => return value,
            Poll::Pending => std::thread::sleep(Duration::from_micros(20)),
        }
    }
}
