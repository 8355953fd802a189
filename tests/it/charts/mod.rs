//! Charts that somebody publishes: locking them, pulling them, and everything that can go wrong on the way.

mod dependencies;
mod locking;
mod server;
mod trouble;

use crate::support::Place;
pub use server::ChartServer;

/// A spec in the sandbox with an app of each of these lines, in a folder of its own.
fn place(apps: &[&str]) -> Place {
    let mut spec = String::from(
        "[project]\nname = \"t\"\nenvironment = \"sandbox\"\n\n[environment.sandbox]\nworld = \"sandbox\"\n\n[region.r]\n\n[cluster.dc]\nregion = \"r\"\n",
    );
    for (at, lines) in apps.iter().enumerate() {
        spec.push_str(&format!("\n[app.a{at}]\nclusters = [\"dc\"]\n{lines}\n"));
    }
    Place::with(&spec)
}

/// The line that names a chart in a repository.
fn of_repository(server: &ChartServer, chart: &str, version: &str) -> String {
    format!("chart = \"{chart}\"\nrepository = \"{}\"\nversion = \"{version}\"", server.repository())
}

/// The line that names a chart in a registry.
fn of_registry(server: &ChartServer, chart: &str, version: &str) -> String {
    format!("chart = \"{}/{chart}\"\nversion = \"{version}\"", server.registry())
}

/// Puts files below the folder of a spec.
fn put(place: &Place, files: &[(&str, &str)]) {
    for (path, content) in files {
        let path = place.path(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(path, content).expect("written");
    }
}

/// Applies the spec, and expects that nothing is left to do then.
fn converges(place: &Place) {
    place.expect(0, &["apply", "--yes"]);
    place.expect(0, &["plan", "--detailed-exitcode"]);
}
