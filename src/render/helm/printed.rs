//! What `helm template` prints of a rendering.

use super::request::{Manifest, Rendered};

/// The objects and the hooks as one text of YAML, as `helm template` prints them.
#[must_use]
pub fn printed(rendered: &Rendered) -> String {
    let objects: String = rendered.crds.iter().chain(&rendered.objects).map(document).collect();
    let mut out = objects.trim().to_owned();
    out.push('\n');
    out.extend(rendered.hooks.iter().map(document));
    out
}

fn document(manifest: &Manifest) -> String {
    format!("---\n# Source: {}\n{}\n", manifest.file, manifest.text)
}
