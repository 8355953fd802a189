//! How much is asked of a server.

use super::harness::Cluster;

#[test]
fn a_plan_that_changes_nothing_asks_for_one_list_of_each_kind_and_for_no_trial() {
    let object =
        |at: usize| format!("---\napiVersion: v1\nkind: ConfigMap\nmetadata: {{name: c{at}}}\ndata: {{a: b}}\n");
    let secret =
        |at: usize| format!("---\napiVersion: v1\nkind: Secret\nmetadata: {{name: s{at}}}\nstringData: {{a: b}}\n");
    let all: String = (0..500).map(object).chain((0..500).map(secret)).collect();
    let cluster = Cluster::with_chart(&all);
    let Some(server) = &cluster.server else { return };
    server.forget_requests();
    cluster.place.expect(0, &["apply", "--yes"]);
    let writes = server.requests().iter().filter(|one| one.method == "PATCH").count();
    // The objects, the namespace, the record, and its two kinds.
    assert!(writes <= 1_004, "{writes}");
    server.forget_requests();
    let began = std::time::Instant::now();
    cluster.is_converged();
    println!("a plan of 1,000 objects takes {:?}", began.elapsed());
    let asked = server.requests();
    assert!(asked.iter().all(|one| one.method == "GET"), "{asked:?}");
    let lists = asked.iter().filter(|one| one.path.ends_with("/secrets") || one.path.ends_with("/configmaps")).count();
    // Records of apps are found by one list more, and a list of 500 has a page at most.
    assert!(lists <= 5, "{asked:?}");
    assert!(asked.len() < 20, "{} requests: {asked:?}", asked.len());
}
