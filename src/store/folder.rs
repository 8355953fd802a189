//! The folder `.atlas` beside a spec: its files are closed to others, and no link is followed there.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};

/// The folder `.atlas` beside a spec: records are in it, and the sandbox's worlds.
#[derive(Clone, Debug)]
pub struct LocalFolder {
    root: PathBuf,
}

impl LocalFolder {
    /// The folder beside a spec. It need not be there.
    #[must_use]
    pub fn beside(spec: &Path) -> Self {
        let folder = spec.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or_else(|| Path::new("."));
        Self { root: folder.join(".atlas") }
    }

    /// Where the records of a project in an environment are.
    #[must_use]
    pub fn records(&self, project: &str, environment: &str) -> PathBuf {
        self.root.join("records").join(project).join(environment)
    }

    /// Where versions kept records that did not tell projects apart.
    pub(super) fn older_records(&self, environment: &str) -> PathBuf {
        self.root.join("records").join(environment)
    }

    /// Where drivers keep what saves them questions.
    #[must_use]
    pub fn cache(&self, project: &str, environment: &str) -> PathBuf {
        self.root.join("cache").join(project).join(environment)
    }

    /// Where the files of the spec are that was last applied.
    #[must_use]
    pub fn applied(&self, project: &str, environment: &str) -> PathBuf {
        self.root.join("applied").join(project).join(environment)
    }

    /// Where the sandbox's world is: each environment has one of its own, as it would have an account of its own.
    #[must_use]
    pub fn world(&self, environment: &str) -> PathBuf {
        self.root.join("world").join(environment)
    }

    /// Where archives of charts are that were pulled.
    #[must_use]
    pub fn charts(&self) -> PathBuf {
        self.root.join("charts")
    }

    /// Writes a file in it, whole or not at all, and closed to others.
    ///
    /// # Errors
    /// When the disk fails, or a part of its path is a link.
    pub fn write(&self, path: &Path, bytes: &[u8]) -> io::Result<()> {
        if let Some(folder) = path.parent() {
            self.make(folder)?;
        }
        let part = path.with_extension(format!("part-{}", std::process::id()));
        open_anew(&part)?.write_all(bytes).and_then(|()| fs::rename(&part, path)).map_err(at(path))
    }

    /// Makes a folder in it, closed to others, and keeps it out of version control.
    ///
    /// # Errors
    /// When the disk fails, or a part of it is a link.
    pub fn make(&self, folder: &Path) -> io::Result<()> {
        self.refuse_links(folder)?;
        private(&self.root).map_err(at(&self.root))?;
        private(folder).map_err(at(folder))?;
        let ignore = self.root.join(".gitignore");
        match OpenOptions::new().write(true).create_new(true).open(&ignore) {
            Ok(mut file) => file.write_all(b"*\n"),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
            Err(error) => Err(at(&ignore)(error)),
        }
    }

    /// Refuses a path in it when what is there, `.atlas`, or anything between them is a link: what is written there would be
    /// written elsewhere.
    ///
    /// # Errors
    /// When a part of it is a link.
    pub fn refuse_links(&self, path: &Path) -> io::Result<()> {
        let parts = path.ancestors().take_while(|part| part.starts_with(&self.root));
        parts.collect::<Vec<_>>().into_iter().rev().try_for_each(refuse_link)
    }
}

/// Opens a file of the store, closed to others, if it is a file and no link.
pub fn open(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_symlink() => return Err(link(path)),
        Ok(found) if found.is_dir() => return Err(at(path)(io::Error::other("a folder is where a file belongs"))),
        Ok(found) if !found.is_file() => return Err(at(path)(io::Error::other("it is no regular file"))),
        // Opening the file reports any other problem.
        _ => {}
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        // It may have become a link since.
        options.mode(0o600).custom_flags(rustix::fs::OFlags::NOFOLLOW.bits().cast_signed());
    }
    options.open(path).map_err(at(path))
}

/// Opens a file of the store for reading; none when it is not there.
pub fn open_known(path: &Path) -> io::Result<Option<File>> {
    match open(OpenOptions::new().read(true), path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Opens a file of the store for writing it anew.
pub fn open_anew(path: &Path) -> io::Result<File> {
    open(OpenOptions::new().create(true).write(true).truncate(true), path)
}

/// An error that says at which path it came up.
pub fn at(path: &Path) -> impl Fn(io::Error) -> io::Error {
    let path = path.display().to_string();
    move |error| io::Error::new(error.kind(), format!("`{path}`: {error}"))
}

fn refuse_link(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Ok(found) if found.is_symlink() => Err(link(path)),
        _ => Ok(()),
    }
}

fn link(path: &Path) -> io::Error {
    at(path)(io::Error::other("it is a link, and Atlas follows none in its own folder; remove it"))
}

#[cfg(unix)]
fn private(folder: &Path) -> io::Result<()> {
    use std::os::unix::fs::DirBuilderExt as _;
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)
}

#[cfg(not(unix))]
fn private(folder: &Path) -> io::Result<()> {
    fs::create_dir_all(folder)
}
