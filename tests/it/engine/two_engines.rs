//! A plan that was saved for one engine is not carried out on another, which people reach by another `DOCKER_HOST` or context.

use super::killed::Own;
use super::{Engine, container, head};
use crate::support::Place;

/// What an engine has of the project: its containers and volumes.
fn all_on(engine: &Engine) -> Vec<String> {
    let containers =
        engine.docker(&["ps", "--all", "--format", "{{.ID}}", "--filter", "label=atlas.project=two-engines"]);
    let volumes = engine.docker(&["volume", "ls", "--quiet", "--filter", "label=atlas.project=two-engines"]);
    containers.lines().chain(volumes.lines()).map(str::to_owned).collect()
}

/// Carries out a saved plan on an engine that it was not made for, and expects that nothing is done.
fn refuses(engine: &Engine, place: &Place, plan: &str, changes: usize) {
    let before = all_on(engine);
    let run = engine.run(place, &["apply", plan, "--yes"]);
    assert_eq!(run.code, 3, "{}\n{}", run.stdout, run.stderr);
    let refused = run.stderr.matches("it was approved for [").count();
    assert_eq!(refused, changes, "{}\n{}", run.stdout, run.stderr);
    assert_eq!(all_on(engine), before);
}

#[test]
fn a_plan_that_was_saved_for_one_engine_does_nothing_on_another() {
    let Some(own) = Own::start() else { return };
    let Some(first) = Engine::here() else { return };
    let second = &own.engine;
    let blocks = "[volume.two-engines]\n".to_owned() + &container("two-engines", "restart = \"unless-stopped\"\n");
    let place = Place::with(&(head("two-engines") + &blocks));
    first.expect(&place, 0, &["plan", "--out", "made.plan"]);
    refuses(second, &place, "made.plan", 2);
    first.expect(&place, 0, &["apply", "made.plan", "--yes"]);
    second.expect(&place, 0, &["apply", "--yes"]);

    place.edit("restart = \"unless-stopped\"", "restart = \"always\"");
    first.expect(&place, 0, &["plan", "--out", "changed.plan"]);
    refuses(second, &place, "changed.plan", 1);
    first.expect(&place, 0, &["apply", "changed.plan", "--yes"]);

    first.expect(&place, 0, &["plan", "--destroy", "--out", "removed.plan"]);
    refuses(second, &place, "removed.plan", 2);
    // By another address it is the same engine.
    let by_link = place.path("link.sock");
    let socket = first.host.strip_prefix("unix://").expect("a socket");
    std::os::unix::fs::symlink(socket, &by_link).expect("linked");
    Engine::at(&format!("unix://{}", by_link.display())).expect(&place, 0, &["apply", "removed.plan", "--yes"]);
    assert_eq!(all_on(&first), Vec::<String>::new());
}
