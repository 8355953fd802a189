//! PEM: base 64 between lines that say what it is.

use crate::render::template::functions::{base64_bytes, base64_text};

/// Bytes under a label.
pub fn write(label: &str, bytes: &[u8]) -> String {
    let coded = base64_text(bytes);
    let mut out = format!("-----BEGIN {label}-----\n");
    for line in coded.as_bytes().chunks(64) {
        out.extend(line.iter().map(|byte| char::from(*byte)));
        out.push('\n');
    }
    out.push_str(&format!("-----END {label}-----\n"));
    out
}

/// The first label and its bytes.
pub fn read(text: &str) -> Option<(&str, Vec<u8>)> {
    let (_, after) = text.split_once("-----BEGIN ")?;
    let (label, body) = after.split_once("-----")?;
    let (body, _) = body.split_once(&format!("-----END {label}-----"))?;
    // Headers, which nobody writes any more, end at an empty line.
    let body = body.split_once("\n\n").map_or(body, |(head, rest)| if head.contains(':') { rest } else { body });
    let kept: Vec<u8> = body.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect();
    Some((label, base64_bytes(&kept).ok()?))
}
