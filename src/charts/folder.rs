//! The content of a chart's folder, as a digest or as it is: the names and bytes of its files, and of those that links in it
//! lead to.
//!
//! A folder is looked at as a whole before anything in it is read: what is too large, is no file, or leads out of the project
//! is refused by then.

use std::collections::BTreeMap;
use std::fs::{self, File, FileType};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

/// The largest folder, the most that it holds, and how deep.
const LARGEST: u64 = 64 * 1024 * 1024;
const MOST: usize = 10_000;
const DEEPEST: usize = 64;

/// The digest of the files of a chart's folder.
pub fn digest(files: &BTreeMap<String, Vec<u8>>) -> String {
    let mut hash = Sha256::new();
    for (name, content) in files {
        hash.update((name.len() as u64).to_be_bytes());
        hash.update(name.as_bytes());
        hash.update((content.len() as u64).to_be_bytes());
        hash.update(content);
    }
    let bytes = hash.finalize();
    bytes[..6].iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The files of a chart's folder by their names in it. `project` is the folder that nothing may lead out of, without links in
/// its own path.
pub fn read(project: &Path, folder: &Path) -> io::Result<BTreeMap<String, Vec<u8>>> {
    let mut files = BTreeMap::new();
    for file in list(project, folder)? {
        let mut content = Vec::new();
        file.read(&mut |bytes| content.extend_from_slice(bytes))?;
        files.insert(file.name, content);
    }
    Ok(files)
}

/// A path without links, which does not lead out of the folder of the spec.
pub fn inside(base: &Path, path: &Path) -> io::Result<PathBuf> {
    let (project, real) = (fs::canonicalize(base)?, fs::canonicalize(path)?);
    match real.starts_with(project) {
        true => Ok(real),
        false => Err(io::Error::other("it leads out of the folder of the spec")),
    }
}

fn list(project: &Path, folder: &Path) -> io::Result<Vec<ChartFile>> {
    let mut listing = ChartListing { project, files: Vec::new(), bytes: 0, entries: 0, open: Vec::new() };
    listing.folder(folder, "")?;
    if !listing.files.iter().any(|file| file.name == "Chart.yaml") {
        return Err(io::Error::new(io::ErrorKind::NotFound, "there is no Chart.yaml"));
    }
    listing.files.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(listing.files)
}

/// What was found in a folder.
struct ChartListing<'a> {
    project: &'a Path,
    files: Vec<ChartFile>,
    /// How many bytes the files have in all, each as often as it is in the folder.
    bytes: u64,
    /// How many files and folders there are.
    entries: usize,
    /// The folders that are being listed, without links in their paths: a link to one of them is a circle.
    open: Vec<PathBuf>,
}

/// A file in a folder.
struct ChartFile {
    /// Its name in the folder.
    name: String,
    /// Where it is.
    path: PathBuf,
    bytes: u64,
}

impl ChartListing<'_> {
    fn folder(&mut self, path: &Path, name: &str) -> io::Result<()> {
        let real = self.inside(path, name)?;
        if self.open.contains(&real) {
            return Err(refused(name, "is a link to a folder that it is in, so it has no end"));
        }
        if self.open.len() >= DEEPEST {
            return Err(io::Error::other(format!("it is more than {DEEPEST} folders deep")));
        }
        self.open.push(real);
        for entry in fs::read_dir(path)? {
            let entry = entry?;
            let part = entry.file_name().into_string().map_err(|_| io::Error::other("a file's name is not UTF-8"))?;
            let name = if name.is_empty() { part } else { format!("{name}/{part}") };
            self.entries += 1;
            if self.entries > MOST {
                return Err(io::Error::other(format!("it holds more than {MOST} files and folders")));
            }
            self.entry(entry.path(), name, entry.file_type()?)?;
        }
        self.open.pop();
        Ok(())
    }

    fn entry(&mut self, path: PathBuf, name: String, kind: FileType) -> io::Result<()> {
        let link = kind.is_symlink();
        if link {
            self.inside(&path, &name)?;
        }
        let found = fs::metadata(&path)?;
        if found.is_dir() {
            return self.folder(&path, &name);
        }
        if !found.is_file() {
            return Err(refused(&name, "is neither a file nor a folder"));
        }
        self.bytes = self.bytes.saturating_add(found.len());
        if self.bytes > LARGEST {
            return Err(io::Error::other(format!("it has more than {LARGEST} bytes, with `{name}`")));
        }
        self.files.push(ChartFile { name, path, bytes: found.len() });
        Ok(())
    }

    /// Where a path leads, which has to be in the project.
    fn inside(&self, path: &Path, name: &str) -> io::Result<PathBuf> {
        let real = fs::canonicalize(path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound if !name.is_empty() => refused(name, "is a link that leads nowhere"),
            io::ErrorKind::NotFound => io::Error::new(io::ErrorKind::NotFound, "there is no such folder"),
            _ if error.raw_os_error().is_some_and(|code| code == TOO_MANY_LINKS) => {
                refused(name, "is a link that leads to itself")
            }
            _ => error,
        })?;
        if real.starts_with(self.project) {
            return Ok(real);
        }
        let how = "leads out of the folder of the spec, whose content would be no part of the project";
        Err(if name.is_empty() { io::Error::other(format!("it {how}")) } else { refused(name, how) })
    }
}

/// What the operating system says of a path with links that lead in a circle.
const TOO_MANY_LINKS: i32 = if cfg!(target_os = "linux") { 40 } else { 62 };

impl ChartFile {
    /// Reads the file's bytes, piece by piece.
    fn read(&self, take: &mut dyn FnMut(&[u8])) -> io::Result<()> {
        let moved = || io::Error::other(format!("`{}` changed while it was read", self.name));
        let file = File::open(&self.path)?;
        let now = file.metadata()?;
        if !now.is_file() || now.len() != self.bytes {
            return Err(moved());
        }
        let mut file = file.take(self.bytes.saturating_add(1));
        let mut buffer = vec![0; 64 * 1024];
        let mut read = 0;
        loop {
            match file.read(&mut buffer) {
                Ok(0) => break,
                Ok(length) => {
                    read += length as u64;
                    take(&buffer[..length]);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        if read == self.bytes { Ok(()) } else { Err(moved()) }
    }
}

fn refused(name: &str, why: &str) -> io::Error {
    io::Error::other(format!("`{name}` {why}"))
}

#[cfg(all(test, unix))]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;
    use std::path::{Path, PathBuf};

    use super::{LARGEST, MOST, digest, read};

    /// A project with a chart in it.
    struct Project {
        folder: tempfile::TempDir,
    }

    impl Project {
        fn new() -> Self {
            let project = Self { folder: tempfile::tempdir().expect("made") };
            project.write("app/Chart.yaml", "name: app\n");
            project.write("app/templates/a.yaml", "kind: A\n");
            project.write("shared/b.yaml", "kind: B\n");
            project
        }

        fn path(&self, name: &str) -> PathBuf {
            self.folder.path().join(name)
        }

        fn write(&self, name: &str, text: &str) {
            let path = self.path(name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            fs::write(path, text).expect("written");
        }

        fn link(&self, name: &str, to: impl AsRef<Path>) {
            symlink(to, self.path(name)).expect("linked");
        }

        fn digest(&self) -> Result<String, String> {
            let project = fs::canonicalize(self.folder.path()).expect("there");
            read(&project, &project.join("app")).map(|files| digest(&files)).map_err(|error| error.to_string())
        }

        fn refused(&self, why: &str) {
            let said = self.digest().expect_err("refused");
            assert!(said.contains(why), "{said}");
        }
    }

    #[test]
    fn names_and_bytes_tell_folders_apart_and_nothing_else_does() {
        let (one, other) = (Project::new(), Project::new());
        assert_eq!(one.digest(), other.digest());
        // As it was before links were followed.
        assert_eq!(one.digest().as_deref(), Ok("d46ad542ee86"));
        one.write("app/templates/a.yaml", "kind: AA\n");
        assert_ne!(one.digest(), other.digest());
        other.write("app/templates/more.yaml", "kind: A\n");
        assert_ne!(one.digest(), other.digest());
    }

    #[test]
    fn what_a_link_leads_to_counts_as_if_it_were_there() {
        let (linked, plain) = (Project::new(), Project::new());
        linked.link("app/templates/shared", "../../shared");
        linked.link("app/values.yaml", "../shared/b.yaml");
        plain.write("app/templates/shared/b.yaml", "kind: B\n");
        plain.write("app/values.yaml", "kind: B\n");
        assert_eq!(linked.digest(), plain.digest());
        let before = linked.digest();
        linked.write("shared/b.yaml", "kind: C\n");
        assert_ne!(linked.digest(), before, "an edit behind a link was not seen");
        // Two links to one folder are no circle, and neither is a link within the chart.
        linked.link("app/again", "../shared");
        linked.link("app/templates/b.yaml", "a.yaml");
        assert!(linked.digest().is_ok());
    }

    #[test]
    fn links_out_of_the_project_are_refused() {
        let outside = tempfile::tempdir().expect("made");
        fs::write(outside.path().join("secret"), "s").expect("written");
        let file = Project::new();
        file.link("app/templates/x.yaml", outside.path().join("secret"));
        file.refused("`templates/x.yaml` leads out of the folder of the spec");
        let folder = Project::new();
        folder.link("app/templates/x", outside.path());
        folder.refused("`templates/x` leads out of the folder of the spec");
        let behind = Project::new();
        behind.link("shared/out", outside.path());
        behind.link("app/shared", "../shared");
        behind.refused("`shared/out` leads out of the folder of the spec");
        let whole = Project::new();
        fs::remove_dir_all(whole.path("app")).expect("removed");
        whole.link("app", outside.path());
        whole.refused("it leads out of the folder of the spec");
    }

    #[test]
    fn circles_and_links_to_nothing_are_refused() {
        let up = Project::new();
        up.link("app/templates/up", "..");
        up.refused("`templates/up` is a link to a folder that it is in");
        let two = Project::new();
        two.link("app/shared", "../shared");
        two.link("shared/app", "../app");
        two.refused("`shared/app` is a link to a folder that it is in");
        let own = Project::new();
        own.link("app/own", "own");
        own.refused("`own` is a link that leads to itself");
        let gone = Project::new();
        gone.link("app/gone", "nowhere");
        gone.refused("`gone` is a link that leads nowhere");
    }

    #[test]
    fn links_that_double_again_and_again_end_at_the_limit() {
        let project = Project::new();
        for n in 0..20 {
            project.write(&format!("deep/{n}/file"), "x");
            for side in ["a", "b"] {
                project.link(&format!("deep/{n}/{side}"), format!("../{}", n + 1));
            }
        }
        fs::create_dir_all(project.path("deep/20")).expect("made");
        project.link("app/deep", "../deep/0");
        project.refused(&format!("more than {MOST} files and folders"));
    }

    #[test]
    fn what_is_too_large_is_refused_before_it_is_read() {
        let project = Project::new();
        let file = fs::File::create(project.path("app/disk.img")).expect("made");
        file.set_len(20 << 30).expect("sparse");
        let began = std::time::Instant::now();
        project.refused(&format!("more than {LARGEST} bytes, with `disk.img`"));
        assert!(began.elapsed().as_secs() < 5, "it was read");
        file.set_len(LARGEST / 2).expect("sparse");
        fs::File::create(project.path("app/two.img")).and_then(|file| file.set_len(LARGEST / 2)).expect("sparse");
        project.refused(&format!("more than {LARGEST} bytes"));
    }

    #[test]
    fn what_is_no_file_is_refused() {
        let project = Project::new();
        let _socket = std::os::unix::net::UnixListener::bind(project.path("app/socket")).expect("bound");
        project.refused("`socket` is neither a file nor a folder");
        let device = Project::new();
        device.link("app/zero", "/dev/zero");
        device.refused("`zero` leads out of the folder of the spec");
        let empty = Project::new();
        fs::remove_file(empty.path("app/Chart.yaml")).expect("removed");
        empty.refused("there is no Chart.yaml");
    }
}
