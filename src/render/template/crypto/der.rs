//! The encoding of certificates and keys: tags, lengths and values.

/// Tags of the values that certificates and keys have.
pub mod tag {
    /// True or false.
    pub const BOOLEAN: u8 = 0x01;
    /// A whole number.
    pub const INTEGER: u8 = 0x02;
    /// Bits, after the number of those that are not used.
    pub const BITS: u8 = 0x03;
    /// Bytes.
    pub const OCTETS: u8 = 0x04;
    /// Nothing.
    pub const NULL: u8 = 0x05;
    /// The name of an algorithm or an attribute.
    pub const OID: u8 = 0x06;
    /// A text.
    pub const UTF8: u8 = 0x0c;
    /// A text of letters, digits and a few signs.
    pub const PRINTABLE: u8 = 0x13;
    /// A time with a year of two digits.
    pub const UTC_TIME: u8 = 0x17;
    /// A time with a year of four digits.
    pub const TIME: u8 = 0x18;
    /// Values in order.
    pub const SEQUENCE: u8 = 0x30;
    /// Values in any order.
    pub const SET: u8 = 0x31;
}

/// A value with its tag and length.
pub fn value(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut out = vec![tag];
    let len = content.len();
    if len < 128 {
        out.extend(u8::try_from(len));
    } else {
        let bytes = len.to_be_bytes();
        let skip = bytes.iter().take_while(|byte| **byte == 0).count();
        out.push(0x80 | u8::try_from(bytes.len() - skip).unwrap_or(0));
        out.extend_from_slice(&bytes[skip..]);
    }
    out.extend_from_slice(content);
    out
}

/// Values one after the other, under a tag.
pub fn group(tag: u8, parts: &[Vec<u8>]) -> Vec<u8> {
    value(tag, &parts.concat())
}

/// A whole number that is not below 0.
pub fn integer(bytes: &[u8]) -> Vec<u8> {
    let skip = bytes.iter().take_while(|byte| **byte == 0).count().min(bytes.len().saturating_sub(1));
    let kept = &bytes[skip..];
    let mut content = if kept.first().is_none_or(|byte| byte & 0x80 != 0) { vec![0] } else { Vec::new() };
    content.extend_from_slice(kept);
    value(tag::INTEGER, &content)
}

/// Bits, of which the last few may be unused.
pub fn bits(unused: u8, content: &[u8]) -> Vec<u8> {
    let mut all = vec![unused];
    all.extend_from_slice(content);
    value(tag::BITS, &all)
}

/// One value that was read: its tag, its content, and all of its bytes.
#[derive(Clone, Copy, Debug)]
pub struct DerElement<'d> {
    /// The tag.
    pub tag: u8,
    /// What it holds.
    pub content: &'d [u8],
    /// The value with its tag and length.
    pub whole: &'d [u8],
}

/// Reads the first value of some bytes, and gives what follows it.
pub fn read(bytes: &[u8]) -> Option<(DerElement<'_>, &[u8])> {
    let (tag, first) = (*bytes.first()?, *bytes.get(1)?);
    let (len, start) = if first < 128 {
        (usize::from(first), 2)
    } else {
        let count = usize::from(first & 0x7f);
        let digits = bytes.get(2..2 + count).filter(|_| (1..=4).contains(&count))?;
        (digits.iter().fold(0, |len, byte| (len << 8) | usize::from(*byte)), 2 + count)
    };
    let end = start.checked_add(len)?;
    Some((DerElement { tag, content: bytes.get(start..end)?, whole: bytes.get(..end)? }, &bytes[end..]))
}

/// Every value in some bytes.
pub fn all(mut bytes: &[u8]) -> Option<Vec<DerElement<'_>>> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let (value, rest) = read(bytes)?;
        found.push(value);
        bytes = rest;
    }
    Some(found)
}
