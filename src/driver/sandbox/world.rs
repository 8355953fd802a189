//! The world on disk: one SQLite database, because it survives a killed process and lets several of them in at once.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, OptionalExtension as _, TransactionBehavior, params};

use super::error::WorldError;
use super::row::{self, Row};
use crate::address::Address;
use crate::crash::point;
use crate::driver::{Class, DriverError};
use crate::identity::Identity;
use crate::kind::{Catalog, Host};
use crate::observed::{Mark, Object, Owner};
use crate::parallel;

/// How many rows are read before objects are made of them.
const BATCH: usize = 4_096;

/// The host column of objects that live in several hosts at once.
pub(super) const SPANNING: &str = "*";

/// What `user_version` says of a file that has all tables.
const VERSION: i64 = 1;

const SCHEMA: &str = "
    CREATE TABLE IF NOT EXISTS object (
        identity TEXT PRIMARY KEY, host TEXT NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL, mark TEXT, owner TEXT
    ) WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS object_by_owner ON object (owner);
    CREATE INDEX IF NOT EXISTS object_by_host ON object (host, identity);
    CREATE TABLE IF NOT EXISTS made (
        project TEXT NOT NULL, environment TEXT NOT NULL, address TEXT NOT NULL,
        PRIMARY KEY (project, environment, address)
    ) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS outage (identity TEXT PRIMARY KEY, reason TEXT NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS fault (
        id INTEGER PRIMARY KEY, address TEXT NOT NULL, verb TEXT NOT NULL, class TEXT NOT NULL, times INTEGER NOT NULL
    );
    CREATE TABLE IF NOT EXISTS fence (owner TEXT PRIMARY KEY, token INTEGER NOT NULL) WITHOUT ROWID;
    CREATE TABLE IF NOT EXISTS setting (key TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
";

/// An embedded world.
pub struct World {
    connection: Mutex<Connection>,
    path: Option<PathBuf>,
    kinds: Catalog,
}

/// A write in progress: all of it happens, or nothing.
pub struct Transaction<'a>(pub(super) rusqlite::Transaction<'a>, &'a Catalog);

impl World {
    /// The file of the world in a folder.
    #[must_use]
    pub fn file(folder: &Path) -> PathBuf {
        folder.join("world.db")
    }

    /// Opens the world in a folder, and makes it when it is not there.
    ///
    /// # Errors
    /// When the folder or the database can't be used.
    pub fn open(folder: &Path) -> Result<Self, WorldError> {
        let path = Self::file(folder);
        let mut connection = Connection::open(&path)?;
        prepare(&mut connection)?;
        Ok(Self { connection: Mutex::new(connection), path: Some(path), kinds: Catalog::default() })
    }

    /// Opens the world in a folder only for looking: nothing is made, and a folder without a world is an empty one.
    ///
    /// # Errors
    /// When there is a database that can't be read.
    pub fn look(folder: &Path) -> Result<Self, WorldError> {
        let path = Self::file(folder);
        // Only a file that is certainly not there, or that a crash left before anything was in it, is an empty world.
        match std::fs::metadata(&path) {
            Ok(metadata) if metadata.len() > 0 => {}
            Ok(_) => return Self::in_memory(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Self::in_memory(),
            Err(error) => return Err(WorldError::Disk(error)),
        }
        let open = |uri: &str, flags| -> rusqlite::Result<(Connection, bool)> {
            let connection = Connection::open_with_flags(uri, flags)?;
            connection.busy_timeout(Duration::from_secs(10))?;
            // A plan reads most rows once, and mapping the file saves copying all of them.
            connection.pragma_update(None, "mmap_size", 1_i64 << 30)?;
            // This reads the file, so that whatever keeps it from being read is known now.
            is_whole(&connection).map(|whole| (connection, whole))
        };
        let text = path.to_string_lossy();
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let (connection, whole) = open(&text, flags).or_else(|error| {
            // On a disk that can't be written the log beside the database can't be opened; the database itself can.
            let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX | OpenFlags::SQLITE_OPEN_URI;
            open(&format!("file:{}?immutable=1", text.replace('?', "%3f").replace('#', "%23")), flags)
                .map_err(|_| error)
        })?;
        if !whole {
            // A first start was killed while it made the world, before anything could be in it.
            return Self::in_memory();
        }
        Ok(Self { connection: Mutex::new(connection), path: Some(path), kinds: Catalog::default() })
    }

    /// A world that is gone when it is dropped.
    ///
    /// # Errors
    /// When the database can't be made.
    pub fn in_memory() -> Result<Self, WorldError> {
        let mut connection = Connection::open_in_memory()?;
        prepare(&mut connection)?;
        Ok(Self { connection: Mutex::new(connection), path: None, kinds: Catalog::default() })
    }

    /// The same world with objects of these kinds in it.
    #[must_use]
    pub fn with_kinds(self, kinds: Catalog) -> Self {
        Self { kinds, ..self }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        self.path.as_deref()
    }

    /// One object.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn get(&self, identity: &str) -> Result<Option<Object>, WorldError> {
        get(&self.lock(), identity, &self.kinds)
    }

    /// Every object in a host, in order.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn visit_host(&self, host: &str, visit: &mut dyn FnMut(Object)) -> Result<(), WorldError> {
        let connection = self.lock();
        // What lives in a host stands together, as identities begin with their host's: to read it in a row is twice as fast
        // as to look each object up by the index. What lives in none, or in several, is few and stands anywhere, and objects of
        // apps and namespaces are called by their cluster, as they may move from one to the other.
        let scattered =
            host.is_empty() || host == SPANNING || ["app", "namespace"].contains(&Identity::from_text(host).kind());
        let mut statement = connection.prepare_cached(if scattered {
            "SELECT identity, kind, body, mark FROM object WHERE host = ?1 ORDER BY identity"
        } else {
            "SELECT identity, kind, body, mark FROM object
             WHERE identity > ?1 || '/' AND identity < ?1 || '0' AND +host = ?1 ORDER BY identity"
        })?;
        let mut rows = statement.query([host])?;
        let mut read = || -> Result<Vec<Row>, WorldError> {
            let mut batch = Vec::new();
            while batch.len() < BATCH
                && let Some(row) = rows.next()?
            {
                batch.push(Row::of(row, &self.kinds)?);
            }
            Ok(batch)
        };
        let mut batch = read()?;
        while !batch.is_empty() {
            let (objects, next) = if batch.len() < BATCH {
                (Row::read_all(batch), Ok(Vec::new()))
            } else {
                // Other cores make objects of these rows while more of them are read.
                parallel::beside(|| Row::read_all(batch), &mut read)
            };
            for object in objects {
                visit(object?);
            }
            batch = next?;
        }
        Ok(())
    }

    /// Every object that lives in this host and in others, in order.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn visit_spanning(&self, host: &str, visit: &mut dyn FnMut(Object)) -> Result<(), WorldError> {
        let connection = self.lock();
        let mut statement = connection.prepare_cached(
            "SELECT identity, kind, body, mark FROM object WHERE host = '*'
             AND EXISTS (SELECT 1 FROM json_each(body, '$.hosts') WHERE value = ?1) ORDER BY identity",
        )?;
        let mut rows = statement.query([host])?;
        while let Some(row) = rows.next()? {
            visit(Row::of(row, &self.kinds)?.read()?);
        }
        Ok(())
    }

    /// The object of a resource, by its mark.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn find(&self, project: &str, environment: &str, address: &Address) -> Result<Option<Object>, WorldError> {
        let connection = self.lock();
        let mut statement =
            connection.prepare_cached("SELECT identity, kind, body, mark FROM object WHERE owner = ?1")?;
        let found = statement
            .query_row([owner(project, environment, address)], |row| Ok(Row::of(row, &self.kinds).and_then(Row::read)))
            .optional()?;
        found.transpose()
    }

    /// The resources whose objects this world remembers as made by Atlas and never removed by it.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn made(&self, project: &str, environment: &str) -> Result<BTreeSet<Address>, WorldError> {
        let connection = self.lock();
        let mut statement = connection.prepare("SELECT address FROM made WHERE project = ?1 AND environment = ?2")?;
        let rows = statement.query_map([project, environment], |row| row.get::<_, String>(0))?;
        let mut made = BTreeSet::new();
        for text in rows {
            let text = text?;
            made.insert(Address::parse(&text).map_err(|_| WorldError::Unreadable(text))?);
        }
        Ok(made)
    }

    /// Writes: all of what `work` does, or nothing.
    ///
    /// # Errors
    /// What `work` returns, or when the database can't be written.
    pub fn write<T>(&self, work: impl FnOnce(&Transaction<'_>) -> Result<T, WorldError>) -> Result<T, WorldError> {
        let mut connection = self.lock();
        let begun = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let transaction = Transaction(begun, &self.kinds);
        let value = work(&transaction)?;
        point("world: before a commit");
        transaction.0.commit()?;
        point("world: after a commit");
        Ok(value)
    }

    pub(super) fn lock(&self) -> std::sync::MutexGuard<'_, Connection> {
        // A panic while the lock was held rolled its transaction back, so what is behind the lock is sound.
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Transaction<'_> {
    /// One object.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn get(&self, identity: &str) -> Result<Option<Object>, WorldError> {
        get(&self.0, identity, self.1)
    }

    /// Refuses a writer whose lease was lost to a later one, and remembers the latest.
    ///
    /// # Errors
    /// [`Class::Denied`] for a late writer; or when the database can't be used.
    pub fn fence(&self, owner: &Owner, token: u64) -> Result<(), WorldError> {
        if token == 0 {
            return Ok(());
        }
        let token = i64::try_from(token).unwrap_or(i64::MAX);
        let owner = format!("{} {}", owner.project, owner.environment);
        let mut statement = self.0.prepare_cached("SELECT token FROM fence WHERE owner = ?1")?;
        let latest: Option<i64> = statement.query_row([&owner], |row| row.get(0)).optional()?;
        match latest {
            Some(latest) if latest > token => {
                Err(DriverError::new(Class::Denied, "the lease was lost, and a later run is at work").into())
            }
            Some(latest) if latest == token => Ok(()),
            _ => {
                self.0
                    .prepare_cached("INSERT OR REPLACE INTO fence (owner, token) VALUES (?1, ?2)")?
                    .execute(params![owner, token])?;
                Ok(())
            }
        }
    }

    /// Whether an object is there.
    #[must_use]
    pub fn exists(&self, identity: &str) -> bool {
        let found = self.0.query_row("SELECT 1 FROM object WHERE identity = ?1", [identity], |_| Ok(()));
        found.is_ok()
    }

    /// How many objects live in a host.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn contents(&self, identity: &str) -> Result<usize, WorldError> {
        let sql = "SELECT count(*) FROM object WHERE host = ?1";
        let count: i64 = self.0.query_row(sql, [identity], |row| row.get(0))?;
        Ok(usize::try_from(count).unwrap_or_default())
    }

    /// Stores an object, and remembers that Atlas made it when it has a mark.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn put(&self, object: &Object) -> Result<(), WorldError> {
        let unreadable = |_| WorldError::Unreadable(object.identity.to_string());
        let body = row::body(object).map_err(unreadable)?;
        let mark = object.mark.as_ref().map(serde_json::to_string).transpose().map_err(unreadable)?;
        let owner = object.mark.as_ref().map(|mark| owner(&mark.project, &mark.environment, &mark.address));
        let host = match object.hosts.as_slice() {
            [] => "",
            [one] if object.kind.host != Host::AnyServer => one.as_str(),
            _ => SPANNING,
        };
        self.0
            .prepare_cached("INSERT OR REPLACE INTO object (identity, host, kind, body, mark, owner) VALUES (?1, ?2, ?3, ?4, ?5, ?6)")?
            .execute(params![object.identity.as_str(), host, object.kind.name, body, mark, owner])?;
        if let Some(mark) = &object.mark {
            self.0
                .prepare_cached("INSERT OR IGNORE INTO made (project, environment, address) VALUES (?1, ?2, ?3)")?
                .execute(params![mark.project.as_str(), mark.environment.as_str(), mark.address.as_str()])?;
        }
        Ok(())
    }

    /// Removes an object.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn remove(&self, identity: &str) -> Result<(), WorldError> {
        self.0.execute("DELETE FROM object WHERE identity = ?1", [identity])?;
        Ok(())
    }

    /// Forgets that Atlas made an object, unless another one carries the same mark: half of a replacement.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn forget_made(&self, mark: &Mark) -> Result<(), WorldError> {
        let mut statement = self.0.prepare_cached("SELECT EXISTS (SELECT 1 FROM object WHERE owner = ?1)")?;
        if statement.query_row([owner(&mark.project, &mark.environment, &mark.address)], |row| row.get(0))? {
            return Ok(());
        }
        self.0.execute(
            "DELETE FROM made WHERE project = ?1 AND environment = ?2 AND address = ?3",
            params![mark.project.as_str(), mark.environment.as_str(), mark.address.as_str()],
        )?;
        Ok(())
    }
}

/// Who a mark names, as one indexed text. No part of it can hold a space.
fn owner(project: &str, environment: &str, address: &Address) -> String {
    format!("{project} {environment} {address}")
}

/// Makes a connection ready, and the world's tables where they are not: all of them or none, should it be killed.
fn prepare(connection: &mut Connection) -> Result<(), WorldError> {
    connection.busy_timeout(Duration::from_secs(10))?;
    // The world is simulated, so what it must survive is the death of a process, not of the machine: with a write-ahead
    // log that needs no fsync at each commit.
    connection.pragma_update(None, "journal_mode", "wal")?;
    connection.pragma_update(None, "synchronous", "normal")?;
    let version: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if version == VERSION {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    transaction.execute_batch(SCHEMA)?;
    transaction.pragma_update(None, "user_version", VERSION)?;
    point("world: before its tables are there");
    transaction.commit()?;
    point("world: after its tables are there");
    Ok(())
}

/// Whether a world has its tables. The one that versions before made last stands for all of them.
fn is_whole(connection: &Connection) -> rusqlite::Result<bool> {
    let sql = "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = 'setting'";
    connection.query_row(sql, [], |row| row.get::<_, i64>(0)).map(|count| count == 1)
}

fn get(connection: &Connection, identity: &str, kinds: &Catalog) -> Result<Option<Object>, WorldError> {
    let mut statement =
        connection.prepare_cached("SELECT identity, kind, body, mark FROM object WHERE identity = ?1")?;
    let found = statement.query_row([identity], |row| Ok(Row::of(row, kinds).and_then(Row::read))).optional()?;
    found.transpose()
}

#[cfg(test)]
mod tests {
    use rusqlite::Connection;

    use super::{SCHEMA, World};

    /// Whatever a first start leaves that is killed, the next look is at an empty world, and the next start makes a whole one.
    #[test]
    fn a_world_is_there_whole_or_not_at_all() {
        let tables: Vec<&str> = SCHEMA.split_inclusive(';').collect();
        // Versions before made one table after the other; nothing could be in them before the last one was there.
        for made in 0..tables.len() {
            for log in ["wal", "delete"] {
                let folder = tempfile::tempdir().expect("a folder");
                let first = Connection::open(folder.path().join("world.db")).expect("made");
                first.pragma_update(None, "journal_mode", log).expect("set");
                first.execute_batch(&tables[..made.min(tables.len() - 2)].concat()).expect("made");
                drop(first);
                let before = std::fs::read(folder.path().join("world.db")).expect("there");
                let looked = World::look(folder.path()).expect("an empty world");
                looked.visit_host("", &mut |_| panic!("nothing is in it")).expect("readable");
                assert!(looked.made("t", "s").expect("readable").is_empty());
                assert_eq!(
                    std::fs::read(folder.path().join("world.db")).expect("there"),
                    before,
                    "looking writes nothing"
                );
                let world = World::open(folder.path()).expect("made");
                assert!(world.outages().expect("readable").is_empty());
                drop(world);
                assert!(World::look(folder.path()).expect("there").path().is_some(), "it is there now");
            }
        }
    }

    #[test]
    fn a_world_of_a_version_before_is_opened_as_it_is() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("world.db");
        let older = Connection::open(&path).expect("made");
        older.execute_batch(SCHEMA).expect("made");
        older.execute("INSERT INTO made VALUES ('t', 's', 'bucket.a@r')", []).expect("written");
        drop(older);
        for world in [World::look(folder.path()), World::open(folder.path()), World::look(folder.path())] {
            assert_eq!(world.expect("opened").made("t", "s").expect("readable").len(), 1);
        }
    }

    #[test]
    fn two_that_make_one_world_at_once_make_one() {
        let folder = tempfile::tempdir().expect("a folder");
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| World::open(folder.path()).expect("opened").outages().expect("readable"));
            }
        });
    }
}
