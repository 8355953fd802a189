//! What output looks like where it goes: colour, width, pipes, formats.

use crate::support::{Place, Run};

const SPEC: &str = r#"
[project]
name = "t"
environment = "s"
[environment.s]
world = "sandbox"
[region.us-east-1]
[queue.dead]
regions = ["us-east-1"]
[queue.orders]
regions = ["us-east-1"]
dead_letter = { queue = "queue.dead" }
[cluster.dc]
region = "us-east-1"
[namespace.a]
clusters = ["dc"]
depends_on = ["queue.orders@us-east-1"]
"#;

fn with(place: &Place, args: &[&str], variables: &[(&str, &str)]) -> Run {
    let mut command = place.command(args);
    command.env_remove("NO_COLOR").env_remove("CLICOLOR_FORCE").envs(variables.iter().copied());
    Run::of(command.output().expect("it runs"))
}

#[test]
fn colour_is_there_when_asked_for_and_not_otherwise() {
    let place = Place::with(SPEC);
    let coloured = |run: &Run| run.stdout.contains('\u{1b}');
    assert!(!coloured(&with(&place, &["plan"], &[])), "a pipe gets none");
    assert!(coloured(&with(&place, &["plan"], &[("CLICOLOR_FORCE", "1")])));
    assert!(!coloured(&with(&place, &["plan"], &[("CLICOLOR_FORCE", "0")])));
    assert!(!coloured(&with(&place, &["plan"], &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")])));
    assert!(!coloured(&with(&place, &["plan", "--no-color"], &[("CLICOLOR_FORCE", "1")])));
    assert!(!coloured(&with(&place, &["plan", "--json"], &[("CLICOLOR_FORCE", "1")])));
    let broken = Place::with("[project]\nname = \"t\"\nnome = 1\n");
    assert!(with(&broken, &["plan"], &[("CLICOLOR_FORCE", "1")]).stderr.contains('\u{1b}'));
    assert!(!with(&broken, &["plan"], &[]).stderr.contains('\u{1b}'));
}

#[test]
fn a_plan_stays_within_a_narrow_terminal() {
    let place = Place::flagship();
    for width in [60, 80, 120] {
        let run = with(&place, &["plan"], &[("COLUMNS", &width.to_string())]);
        // What can't be broken is one value: a name, an ARN, an address.
        let too_long = |line: &&str| line.chars().count() > width && line.trim().contains(' ') && !line.contains('"');
        let long: Vec<&str> = run.stdout.lines().filter(too_long).collect();
        assert!(long.is_empty(), "{width}: {long:#?}");
    }
}

#[test]
fn the_graph_in_every_format() {
    let place = Place::with(SPEC);
    let all = ["dot", "mermaid", "json"].map(|format| place.expect(0, &["graph", "--format", format]));
    insta::assert_snapshot!(all.join("\n"));
    assert_eq!(place.expect(0, &["graph", "--json"]), all[2]);
}

#[test]
fn a_reader_that_goes_away_is_no_error() {
    let place = Place::flagship();
    let mut child = place.command(&["plan"]).stdout(std::process::Stdio::piped()).spawn().expect("it begins");
    drop(child.stdout.take());
    assert!(child.wait().expect("it ends").success());
}

#[cfg(target_os = "linux")]
#[test]
fn output_that_can_not_be_written_is_an_error() {
    let place = Place::flagship();
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("there");
    let status = place.command(&["plan"]).stdout(full).stderr(std::process::Stdio::null()).status();
    assert_eq!(status.expect("it runs").code(), Some(1));
}

#[test]
fn quiet_says_only_what_came_of_it() {
    let place = Place::with(SPEC);
    assert_eq!(place.expect(0, &["apply", "--yes", "-q"]), "Done: 5 created.\n");
    assert_eq!(place.expect(0, &["apply", "--yes", "-q"]), "");
    assert_eq!(place.expect(0, &["drift", "-q"]), "");
}
