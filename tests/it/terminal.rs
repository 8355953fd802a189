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
        // A line may be longer only where it is one value that can't be broken: a name, an ARN, an address.
        let is_broken = |line: &str| line.trim().trim_start_matches(['+', '~', '-', '!', ' ']).contains(' ');
        let too_long = |line: &&str| line.chars().count() > width && is_broken(line) && !line.contains('"');
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

#[test]
fn what_failed_is_said_again_at_the_end_also_when_quiet() {
    let blocks: String = (0..25).map(|at| format!("[queue.q{at:02}]\nregions = [\"us-east-1\"]\n")).collect();
    let place = Place::with(&format!("{SPEC}{blocks}"));
    for at in 0..25 {
        place.expect(0, &["sandbox", "fail", &format!("queue.q{at:02}@us-east-1"), "denied", "--times", "9"]);
    }
    for args in [&["apply", "--yes"][..], &["apply", "--yes", "-q"]] {
        let run = place.run(args);
        assert_eq!(run.code, 3, "{run:?}");
        let said: Vec<&str> = run.stderr.lines().filter(|line| line.starts_with("failed to")).collect();
        assert_eq!(said.len(), 21, "{run:?}");
        assert!(said[0].starts_with("failed to create queue.q"), "{said:?}");
        assert!(said[0].ends_with("denied: the sandbox was told to fail: denied"), "{said:?}");
        assert_eq!(said[20], "failed to … and 5 more");
    }
}

#[test]
fn a_plan_and_what_came_of_it_name_where() {
    let place = Place::with(SPEC);
    let header = "Plan for project `t`, environment `s` (sandbox):\n";
    assert!(place.expect(0, &["plan"]).starts_with(header));
    place.expect(0, &["apply", "--yes"]);
    assert_eq!(place.expect(0, &["plan"]), format!("{header}No changes: 5 resources are as the spec says.\n"));
}

#[test]
fn what_is_typed_never_controls_the_terminal() {
    let place = Place::with(SPEC);
    place.write("bad\u{1b}[31mname.toml", "[project]\nname = \"t\"\nnome = 1\n");
    let commands: [&[&str]; 12] = [
        &["show", "queue.\u{1b}[2Jx"],
        &["plan", "--target", "queue.a\u{7}b"],
        &["plan", "--var", "x\u{1b}]0;title\u{7}=1"],
        &["plan", "--var", "x\u{9b}31m=1"],
        &["plan", "-f", "no\u{1b}[8msuch\u{7}.toml"],
        &["plan", "-f", "bad\u{1b}[31mname.toml"],
        &["plan", "-e", "s\u{1b}[1m"],
        &["plan", "--no\u{1b}[2Jsuch"],
        &["explain", "bucket\u{1b}[2J"],
        &["apply", "plan\u{1b}[2J.json"],
        &["sandbox", "set", "queue.orders@us-east-1", "delay=\u{1b}[2J\u{202e}"],
        &["plan", "--out", "no-folder\u{1b}[2J/plan.json"],
    ];
    for args in commands {
        for colour in [&[("CLICOLOR_FORCE", "1")][..], &[("NO_COLOR", "1")]] {
            let run = with(&place, args, colour);
            assert_ne!(run.code, 0, "{args:?}: {run:?}");
            let all = run.stdout.clone() + &run.stderr;
            let bare = all.replace("\u{1b}[0m", "");
            for bad in [
                "\u{1b}[2J",
                "\u{1b}]0",
                "\u{7}",
                "\u{9b}",
                "\u{1b}[8m",
                "\u{202e}",
                "bad\u{1b}[31mname",
                "s\u{1b}[1m`",
            ] {
                assert!(!bare.contains(bad), "{args:?}: {run:?}");
            }
        }
    }
    // The same holds for names that somebody else wrote.
    place.expect(0, &["apply", "--yes"]);
    let history = ".atlas/records/t/s/history.jsonl";
    place.write(history, &place.read(history).replace("converged", "con\\u001b[2Jverged"));
    assert!(place.expect(0, &["history"]).contains("con\\u{1b}[2Jverged"));
}

#[test]
fn a_plan_is_written_over_nothing_but_a_plan() {
    let place = Place::with(SPEC);
    place.write("notes.txt", "do not lose me\n");
    place.write("empty", "");
    std::os::unix::fs::symlink("notes.txt", place.path("link")).expect("linked");
    std::os::unix::fs::symlink("nowhere", place.path("dangling")).expect("linked");
    std::fs::create_dir(place.path("folder")).expect("made");
    for (name, why) in [
        ("atlas.toml", "it is the spec"),
        ("./folder/../atlas.toml", "it is the spec"),
        ("notes.txt", "it is no saved plan, and would be overwritten"),
        ("link", "it is a link"),
        ("dangling", "it is a link"),
        ("folder", "it is a folder"),
        ("/dev/null", "it is no file"),
    ] {
        let run = place.run(&["plan", "--out", name]);
        assert_eq!(run.code, 1, "{name}: {run:?}");
        assert!(run.stderr.contains(why) && run.stdout.is_empty(), "{name}: {run:?}");
    }
    assert_eq!((place.read("atlas.toml").as_str(), place.read("notes.txt").as_str()), (SPEC, "do not lose me\n"));
    assert!(!place.path("nowhere").exists());
    for name in ["new.plan", "new.plan", "empty"] {
        place.expect(0, &["plan", "--out", name]);
    }
    place.expect(0, &["apply", "new.plan"]);
}

#[test]
fn a_variable_that_means_nothing_is_said() {
    let place = Place::with(&format!("{SPEC}[var.size]\ndefault = 1\n"));
    let run = with(&place, &["plan"], &[("ATLAS_VAR_sise", "1")]);
    assert_eq!(run.code, 0, "{run:?}");
    assert!(
        run.stderr.contains("ATLAS_VAR_sise gives `sise`") && run.stderr.contains("did you mean `size`?"),
        "{run:?}"
    );
    let run = with(&place, &["plan", "--var", "sise=1"], &[]);
    assert!(run.code == 1 && run.stderr.contains("did you mean `size`?"), "{run:?}");
    assert_eq!(with(&place, &["plan", "--var", "size=2"], &[("ATLAS_VAR_size", "3")]).code, 0);
}
