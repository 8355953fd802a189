//! What a replacement on AWS finds out before it deletes the object that is there.

use serde_json::json;

use super::Cloud;
use crate::support::{Place, Run};

#[test]
fn a_role_whose_boundary_does_not_exist_is_not_deleted_for_it() {
    let Some(cloud) = Cloud::moto() else { return };
    let role = "[role.prepared]\nname = \"prepared\"\ntrust = { service = \"lambda.amazonaws.com\" }\nregions = [\"us-east-1\"]\npath = \"/old/\"\n";
    let place = Place::with(&(cloud.head("prepared") + role));
    place.expect(0, &["apply", "--yes"]);
    let name = "prepared";
    let before = cloud.describe("us-east-1", "role", name);
    assert_ne!(before, json!(null));
    // A path is given when a role is made, so the role is replaced under the same name: the old one goes first.
    let misspelt = "arn:aws:iam::123456789012:policy/misspelt";
    let bounded = format!("path = \"/new/\"\npermissions_boundary = \"{misspelt}\"");
    place.edit("path = \"/old/\"", &bounded);
    let Run { code, stdout, stderr } = place.run(&["apply", "--yes"]);
    let said = (stdout + &stderr).split_whitespace().collect::<Vec<_>>().join(" ");
    assert_eq!(code, 3, "{said}");
    assert!(
        said.contains("nothing was deleted") && said.contains(&format!("there is no policy `{misspelt}`")),
        "{said}"
    );
    assert_eq!(cloud.describe("us-east-1", "role", name), before);
    place.edit(&bounded, "path = \"/new/\"");
    place.expect(0, &["apply", "--yes"]);
    place.expect(0, &["plan", "--detailed-exitcode"]);
}
