//! Bytes that are no UTF-8 within texts: each is kept as a character for private use, so that `b64dec`, `.Files.Get` and `b64enc` lose nothing.

/// The character of the byte 0, in the last plane for private use, where no font keeps its signs; that of another byte is as many places after it.
const FIRST: u32 = 0x10_FD00;

/// A text of any bytes.
#[must_use]
pub fn text(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        out.push_str(chunk.valid());
        out.extend(chunk.invalid().iter().filter_map(|byte| char::from_u32(FIRST + u32::from(*byte))));
    }
    out
}

/// The bytes of a text.
#[must_use]
pub fn bytes(text: &str) -> Vec<u8> {
    if !text.chars().any(|c| byte(c).is_some()) {
        return text.as_bytes().to_vec();
    }
    let mut out = Vec::with_capacity(text.len());
    for c in text.chars() {
        match byte(c) {
            Some(byte) => out.push(byte),
            None => out.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
        }
    }
    out
}

/// The text as it can be shown, with the sign for what is no character in place of each such byte.
#[must_use]
pub fn shown(text: &str) -> String {
    text.chars().map(|c| if byte(c).is_some() { char::REPLACEMENT_CHARACTER } else { c }).collect()
}

/// The byte that a character stands for; none of any other character.
pub fn byte(c: char) -> Option<u8> {
    u32::from(c).checked_sub(FIRST).and_then(|byte| u8::try_from(byte).ok())
}
