//! Playing the world behind Atlas's back: deletions, edits, outages, latency and scripted faults.

use std::collections::BTreeMap;
use std::time::Duration;

use rusqlite::{OptionalExtension as _, params};

use super::error::WorldError;
use super::world::{Transaction, World};
use crate::address::Address;
use crate::driver::Class;
use crate::observed::Object;

/// A scripted fault: the next calls for an address fail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScriptedFault {
    /// The resource whose calls fail.
    pub address: Address,
    /// Which calls: `create`, `update`, `delete`, `forget`; empty means all.
    pub verb: String,
    /// How they fail.
    pub class: Class,
    /// How many of them.
    pub times: u32,
}

impl World {
    /// Deletes an object with everything that lives in it, as a person with a console would. The world goes on
    /// remembering that Atlas made it. Returns how many objects are gone.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn destroy(&self, identity: &str) -> Result<usize, WorldError> {
        self.write(|transaction| {
            let below = format!("{identity}/");
            let gone = transaction.0.execute(
                "DELETE FROM object WHERE identity = ?1 OR substr(identity, 1, length(?2)) = ?2",
                params![identity, below],
            )?;
            Ok(gone + orphaned(transaction)?)
        })
    }

    /// Changes an object as a person with a console would: its mark stays as it is.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn edit(&self, identity: &str, edit: impl FnOnce(&mut Object)) -> Result<bool, WorldError> {
        self.write(|transaction| {
            let Some(mut object) = transaction.get(identity)? else { return Ok(false) };
            edit(&mut object);
            transaction.put(&object)?;
            let sql = "INSERT OR REPLACE INTO setting (key, value) VALUES (?1, 'somebody at the sandbox, with `atlas sandbox set`')";
            transaction.0.execute(sql, [format!("writer {identity}")])?;
            Ok(true)
        })
    }

    /// Who last changed an object as [`World::edit`] does; none when nobody did.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn writer(&self, identity: &str) -> Result<Option<String>, WorldError> {
        let connection = self.lock();
        let mut statement = connection.prepare_cached("SELECT value FROM setting WHERE key = ?1")?;
        Ok(statement.query_row([format!("writer {identity}")], |row| row.get(0)).optional()?)
    }

    /// Makes an object that is nobody's, or somebody else's.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn plant(&self, object: &Object) -> Result<(), WorldError> {
        self.write(|transaction| transaction.put(object))
    }

    /// Begins or ends an outage of a host: nothing in it answers.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn set_outage(&self, identity: &str, out: bool) -> Result<(), WorldError> {
        self.write(|transaction| {
            if out {
                let sql = "INSERT OR REPLACE INTO outage (identity, reason) VALUES (?1, 'does not answer')";
                transaction.0.execute(sql, [identity])?;
            } else {
                transaction.0.execute("DELETE FROM outage WHERE identity = ?1", [identity])?;
            }
            Ok(())
        })
    }

    /// Every host that is out, by identity, and why.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn outages(&self) -> Result<BTreeMap<String, String>, WorldError> {
        let connection = self.lock();
        let mut statement = connection.prepare_cached("SELECT identity, reason FROM outage")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Why an object does not answer, if it or something that it lives in is out.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn outage_of(&self, identity: &str) -> Result<Option<String>, WorldError> {
        let outages = self.outages()?;
        Ok(outages.into_iter().find(|(host, _)| within(identity, host)).map(|(_, reason)| reason))
    }

    /// Lets the next calls for an address fail.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn fail(&self, fault: &ScriptedFault) -> Result<(), WorldError> {
        self.write(|transaction| {
            transaction.0.execute(
                "INSERT INTO fault (address, verb, class, times) VALUES (?1, ?2, ?3, ?4)",
                params![fault.address.as_str(), fault.verb, fault.class.word(), fault.times],
            )?;
            Ok(())
        })
    }

    /// Takes one scripted fault for a call, if there is one.
    ///
    /// # Errors
    /// When the database can't be used.
    pub fn take_fault(&self, address: &str, verb: &str) -> Result<Option<ScriptedFault>, WorldError> {
        let connection = self.lock();
        let any: bool =
            connection.prepare_cached("SELECT EXISTS (SELECT 1 FROM fault)")?.query_row([], |row| row.get(0))?;
        drop(connection);
        if !any {
            return Ok(None);
        }
        self.write(|transaction| {
            let sql =
                "SELECT id, class, times FROM fault WHERE address = ?1 AND verb IN ('', ?2) AND times > 0 ORDER BY id";
            let found: Option<(i64, String, u32)> = transaction
                .0
                .query_row(sql, params![address, verb], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)))
                .optional()?;
            let Some((id, class, times)) = found else { return Ok(None) };
            transaction.0.execute("UPDATE fault SET times = times - 1 WHERE id = ?1", [id])?;
            transaction.0.execute("DELETE FROM fault WHERE times = 0", [])?;
            let class = Class::ALL.into_iter().find(|known| known.word() == class).unwrap_or(Class::Transient);
            let address = Address::parse(address).map_err(|_| WorldError::Unreadable(address.to_owned()))?;
            Ok(Some(ScriptedFault { address, verb: verb.to_owned(), class, times }))
        })
    }

    /// How long every call takes.
    ///
    /// # Errors
    /// When the database can't be read.
    pub fn latency(&self) -> Result<Duration, WorldError> {
        let connection = self.lock();
        let mut statement = connection.prepare_cached("SELECT value FROM setting WHERE key = 'latency_ms'")?;
        let text: Option<String> = statement.query_row([], |row| row.get(0)).optional()?;
        Ok(Duration::from_millis(text.and_then(|text| text.parse().ok()).unwrap_or_default()))
    }

    /// Sets how long every call takes.
    ///
    /// # Errors
    /// When the database can't be written.
    pub fn set_latency(&self, latency: Duration) -> Result<(), WorldError> {
        self.write(|transaction| {
            let sql = "INSERT OR REPLACE INTO setting (key, value) VALUES ('latency_ms', ?1)";
            transaction.0.execute(sql, [latency.as_millis().to_string()])?;
            Ok(())
        })
    }
}

/// Whether an object lives in a host, or is that host.
pub(super) fn within(identity: &str, host: &str) -> bool {
    identity.strip_prefix(host).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Removes what lived in several hosts, none of which is there any more.
fn orphaned(transaction: &Transaction<'_>) -> Result<usize, WorldError> {
    let sql = "DELETE FROM object WHERE host = '*' AND NOT EXISTS (
        SELECT 1 FROM json_each(object.body, '$.hosts') AS one JOIN object AS other ON other.identity = one.value
    )";
    let mut gone = transaction.0.execute(sql, [])?;
    let inside = "DELETE FROM object WHERE host NOT IN ('', '*') AND host NOT IN (SELECT identity FROM object)";
    loop {
        let more = transaction.0.execute(inside, [])?;
        if more == 0 {
            return Ok(gone);
        }
        gone += more;
    }
}
