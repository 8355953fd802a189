//! A journal in a file.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use super::Sink;
use super::line::{Line, recover};
use crate::crash::point;
use crate::recorded::Recorded;

/// A file that only ever holds whole lines and, after a crash, a part of one at its end.
struct Lines<F> {
    file: F,
    /// How many bytes of it are whole lines.
    whole: u64,
    /// Why nothing more can be written.
    broken: Option<String>,
}

/// What a journal needs of a file.
pub trait Medium: Send {
    fn write(&mut self, text: &[u8]) -> io::Result<()>;
    fn sync(&mut self) -> io::Result<()>;
    /// Takes back what was written behind this many bytes.
    fn cut(&mut self, length: u64) -> io::Result<()>;
}

/// Begins a journal. It takes the place of the old one at once, so that no crash can lose what is carried over; an old one
/// that is damaged is set aside.
pub fn begin(path: &Path, text: &str, damaged: bool) -> io::Result<Box<dyn Sink>> {
    let part = path.with_extension("part");
    let mut options = OpenOptions::new();
    let mut file = crate::store::open_private(options.create(true).write(true).truncate(true), &part)?;
    file.write_all(text.as_bytes())?;
    file.sync_data()?;
    if damaged {
        std::fs::copy(path, aside(path))?;
    }
    point("journal: before it begins");
    std::fs::rename(&part, path)?;
    // The name survives a crash of the machine only once its folder is on the disk as well.
    #[cfg(unix)]
    File::open(path.parent().unwrap_or(path))?.sync_all()?;
    point("journal: after it began");
    Ok(over(file, text.len() as u64))
}

/// A journal in a medium that holds so many bytes of it already.
pub fn over(file: impl Medium + 'static, whole: u64) -> Box<dyn Sink> {
    Box::new(Lines { file, whole, broken: None })
}

/// Where a damaged journal is set aside.
pub fn aside(path: &Path) -> PathBuf {
    path.with_extension("damaged.jsonl")
}

/// What runs before left open.
///
/// # Errors
/// When the file is there and can't be read.
pub fn read(path: &Path) -> io::Result<Recorded> {
    let mut file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Recorded::default()),
        Err(error) => return Err(error),
    };
    if is_settled(&mut file)? {
        return Ok(Recorded::default());
    }
    let mut text = Vec::new();
    file.read_to_end(&mut text)?;
    Ok(recover(&text))
}

/// Whether the file ends with the line of a run that left nothing open: then the rest of it need not be read, which for
/// a large run would take longer than to plan. Leaves the file at its beginning.
fn is_settled(file: &mut File) -> io::Result<bool> {
    let last = Line::Settled {}.text()?;
    let length = file.seek(SeekFrom::End(0))?;
    let from = length.saturating_sub(last.len() as u64 + 1);
    file.seek(SeekFrom::Start(from))?;
    let mut tail = Vec::new();
    file.read_to_end(&mut tail)?;
    file.rewind()?;
    Ok(tail == format!("\n{last}").as_bytes())
}

impl Medium for File {
    fn write(&mut self, text: &[u8]) -> io::Result<()> {
        self.write_all(text)
    }

    fn sync(&mut self) -> io::Result<()> {
        self.sync_data()
    }

    fn cut(&mut self, length: u64) -> io::Result<()> {
        self.set_len(length)?;
        self.seek(SeekFrom::Start(length)).map(drop)
    }
}

impl<F: Medium> Sink for Lines<F> {
    /// Invariant: whatever fails, the next line begins where a line begins, or nothing is written any more.
    fn append(&mut self, text: &str, durable: bool) -> io::Result<()> {
        if let Some(why) = &self.broken {
            return Err(io::Error::other(format!("it could not be written before: {why}")));
        }
        if let Err(error) = self.file.write(text.as_bytes()) {
            if let Err(worse) = self.file.cut(self.whole) {
                self.broken = Some(worse.to_string());
            }
            return Err(error);
        }
        point("journal: after a write, before its fsync");
        if durable && let Err(error) = self.file.sync() {
            // After a failed fsync nobody knows what is on the disk, and a later one that succeeds does not tell.
            self.broken = Some(error.to_string());
            return Err(error);
        }
        self.whole += text.len() as u64;
        Ok(())
    }
}
