//! Services of several containers: a block for each, as compose numbers them.

use atlas::compose::Imported;
use atlas::spec::toml_of;

use super::{is_good, translated};

fn imported(text: &str) -> Imported {
    let imported = translated(text).unwrap_or_else(|fault| panic!("{fault:?}\n{text}"));
    is_good(&imported);
    imported
}

/// An attribute of each block of a service, by address.
fn told(imported: &Imported, attribute: &str) -> Vec<(String, String)> {
    let containers = imported.blocks.iter().filter(|block| block.address.kind() == "container");
    let value = |lines: &[(&str, atlas::value::Value)]| {
        lines.iter().find(|(name, _)| *name == attribute).map_or_else(String::new, |(_, value)| toml_of(value))
    };
    containers.map(|block| (block.address.to_string(), value(&block.lines))).collect()
}

fn pairs(all: &[(&str, &str)]) -> Vec<(String, String)> {
    all.iter().map(|(address, value)| ((*address).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn a_service_of_several_containers_is_a_block_for_each() {
    let text = "services:\n  web:\n    image: i\n    ports: [\"8080-8084:80\"]\n    deploy: { replicas: 3 }\n  front:\n    image: i\n    \
        depends_on: [web]\n";
    let all = imported(text);
    assert_eq!(
        told(&all, "name"),
        pairs(&[
            ("container.web-1", r#""shop1-web-1""#),
            ("container.web-2", r#""shop1-web-2""#),
            ("container.web-3", r#""shop1-web-3""#),
            ("container.front", r#""shop1-front-1""#),
        ])
    );
    assert_eq!(
        told(&all, "ports")[..3],
        pairs(&[
            ("container.web-1", r#"["0.0.0.0:8080:80"]"#),
            ("container.web-2", r#"["0.0.0.0:8081:80"]"#),
            ("container.web-3", r#"["0.0.0.0:8082:80"]"#),
        ])
    );
    // All of them answer to the name of the service, and who needs it needs all of them.
    assert!(told(&all, "networks")[..3].iter().all(|(_, value)| value.contains(r#"aliases = ["web"]"#)));
    let needs = &told(&all, "depends_on")[3].1;
    assert_eq!(needs, r#"["container.web-1", "container.web-2", "container.web-3"]"#);
    assert_eq!(all.all_untaken().len(), 0, "{:#?}", all.all_untaken());
}

#[test]
fn names_of_blocks_stay_apart_from_those_of_other_services() {
    let text = "services:\n  web-2:\n    image: i\n  web:\n    image: i\n    scale: 2\n";
    let all = imported(text);
    let names: Vec<String> = told(&all, "name").into_iter().map(|(address, _)| address).collect();
    assert_eq!(names, ["container.web-2", "container.web-1", "container.web-2-2"]);
}

#[test]
fn what_several_containers_can_t_share_is_named() {
    for (says, path, ways) in [
        ("container_name: mine\n    scale: 2", "services.web.scale", "container_name"),
        ("deploy: { replicas: 101 }", "services.web.deploy.replicas", "say fewer"),
        ("scale: 2\n    networks: { n: { ipv4_address: 10.1.0.9 } }", "services.web.scale", "addresses"),
        ("scale: 2\n    ports: [\"8080:80\"]", "services.web.ports", "say a range of 2 ports"),
        ("scale: 3\n    ports: [\"8080-8081:80\"]", "services.web.ports", "as many ports as containers"),
    ] {
        let text = format!(
            "services:\n  web:\n    image: i\n    {says}\nnetworks: {{ n: {{ ipam: {{ config: [{{ subnet: 10.1.0.0/16 }}] }} }} }}\n"
        );
        let all = imported(&text);
        let named = all.all_untaken();
        let found = named.iter().any(|one| one.path() == path && one.way_out.contains(ways));
        assert!(found, "{text}\n{named:#?}");
    }
    // One port is published by the first, so that the others can run.
    let all = imported("services:\n  web:\n    image: i\n    scale: 2\n    ports: [\"8080:80\"]\n");
    let ports = told(&all, "ports");
    assert_eq!(ports, pairs(&[("container.web-1", r#"["0.0.0.0:8080:80"]"#), ("container.web-2", "")]));
}
