//! A part of a plan, asked for by `--target` or `--exclude`, includes everything that it depends on.

use atlas::plan::Options;

use crate::support::{Engine, actions, selector};

const USED: &str = "[project]\nname = \"t\"\n[region.a]\n[queue.dead]\nregions = [\"a\"]\n[queue.jobs]\nregions = [\"a\"]\n\
    dead_letter = { queue = \"queue.dead\" }\n";
const UNUSED: &str = "[project]\nname = \"t\"\n[region.a]\n[queue.jobs]\nregions = [\"a\"]\n";

#[tokio::test]
async fn what_goes_takes_along_the_change_that_ends_its_use() {
    let engine = Engine::new();
    engine.converge(USED).await;
    let target = Options { targets: vec![selector("queue.dead@a")], ..Options::default() };
    let plan = actions(&engine.plan_with(UNUSED, &target).await);
    assert_eq!(plan.get("queue.dead@a").map(String::as_str), Some("delete"), "{plan:?}");
    assert_eq!(plan.get("queue.jobs@a").map(String::as_str), Some("update"), "{plan:?}");
    // Without that change the queue stays.
    let exclude = Options { excludes: vec![selector("queue.jobs@a")], ..Options::default() };
    let plan = actions(&engine.plan_with(UNUSED, &exclude).await);
    assert!(!plan.contains_key("queue.dead@a") && !plan.contains_key("queue.jobs@a"), "{plan:?}");
    let report = engine.apply_with(UNUSED, &target, &["queue.dead@a"]).await;
    assert!(report.is_complete(), "{report:?}");
    assert!(engine.plan(UNUSED).await.is_empty());
}
