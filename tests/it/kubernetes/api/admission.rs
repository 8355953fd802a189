//! Who may refuse a write: the namespace, and the functions that were hung in.

use serde_json::Value;

use super::failure::{Failure, Subject};
use super::json;
use super::world::{Key, World};

/// Refuses a create in a namespace that is not there, or on its way out.
pub fn namespace(world: &World, namespaced: bool, subject: &Subject, namespace: &str) -> Result<(), Failure> {
    if !namespaced {
        return Ok(());
    }
    let key = Key { plural: "namespaces".to_owned(), name: namespace.to_owned(), ..Key::default() };
    let Some(found) = world.get(&key) else {
        let subject = Subject {
            resource: "namespaces".to_owned(),
            kind: "Namespace".to_owned(),
            name: namespace.to_owned(),
            ..Subject::default()
        };
        return Err(Failure::not_found(&subject));
    };
    if json::at(found, "metadata.deletionTimestamp").is_some() {
        return Err(Failure::terminating(subject, namespace));
    }
    Ok(())
}

/// Asks the functions that may refuse an object.
pub fn validate(world: &World, operation: &str, object: &Value) -> Result<(), Failure> {
    for validate in &world.validate {
        if let Err(why) = validate(operation, object) {
            let message = format!("admission webhook \"validate.example.com\" denied the request: {why}");
            return Err(Failure::new(403, "Forbidden", message));
        }
    }
    Ok(())
}
