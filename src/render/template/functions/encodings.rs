//! Base 64, base 32 and checksums.

use std::fmt::Write as _;

use base64::Engine as _;
use sha2::Digest as _;

use crate::render::bytes;
use crate::render::template::arguments::ArgumentType;
use crate::render::template::state::{FunctionCall, TemplateFunction, text};

use ArgumentType::Text;

pub const FUNCTIONS: &[TemplateFunction] = &[
    TemplateFunction::new("b64enc", &[Text], |call| text(base64_text(&given(call)))),
    TemplateFunction::new("b64dec", &[Text], |call| {
        text(match base64_bytes(&given(call)) {
            Ok(decoded) => bytes::text(&decoded),
            Err(at) => format!("illegal base64 data at input byte {at}"),
        })
    }),
    TemplateFunction::new("b32enc", &[Text], |call| text(base32_text(&given(call)))),
    TemplateFunction::new("b32dec", &[Text], |call| {
        text(match base32_bytes(&given(call)) {
            Ok(decoded) => bytes::text(&decoded),
            Err(at) => format!("illegal base32 data at input byte {at}"),
        })
    }),
    TemplateFunction::new("sha1sum", &[Text], |call| text(hex(&sha1::Sha1::digest(given(call))))),
    TemplateFunction::new("sha256sum", &[Text], |call| text(hex(&sha2::Sha256::digest(given(call))))),
    TemplateFunction::new("sha512sum", &[Text], |call| text(hex(&sha2::Sha512::digest(given(call))))),
    TemplateFunction::new("adler32sum", &[Text], |call| text(adler32(&given(call)).to_string())),
];

fn given(call: &FunctionCall<'_, '_>) -> Vec<u8> {
    bytes::bytes(&call.args.text(0))
}

/// Bytes in base 64 with padding.
pub fn base64_text(bytes: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(bytes)
}

/// Bytes out of base 64, in which Go passes over line breaks, or the place where it says that it is wrong.
pub fn base64_bytes(text: &[u8]) -> Result<Vec<u8>, usize> {
    let skip = |mut at: usize| {
        while matches!(text.get(at), Some(b'\r' | b'\n')) {
            at += 1;
        }
        at
    };
    let mut out = Vec::with_capacity(text.len() / 4 * 3);
    let mut at = 0;
    loop {
        let (mut bits, mut digits) = (0_u32, 0_usize);
        while digits < 4 {
            at = skip(at);
            let Some(byte) = text.get(at) else {
                return if digits == 0 { Ok(out) } else { Err(at - digits) };
            };
            at += 1;
            if let Some(digit) = base64_digit(*byte) {
                bits |= digit << (18 - 6 * digits);
                digits += 1;
                continue;
            }
            if *byte != b'=' || digits < 2 {
                return Err(at - 1);
            }
            if digits == 2 {
                at = skip(at);
                match text.get(at) {
                    None => return Err(text.len()),
                    Some(b'=') => at += 1,
                    Some(_) => return Err(at - 1),
                }
            }
            at = skip(at);
            if at < text.len() {
                return Err(at);
            }
            break;
        }
        out.extend_from_slice(&bits.to_be_bytes()[1..digits.max(1)]);
    }
}

fn base64_digit(byte: u8) -> Option<u32> {
    Some(u32::from(match byte {
        b'A'..=b'Z' => byte - b'A',
        b'a'..=b'z' => byte - b'a' + 26,
        b'0'..=b'9' => byte - b'0' + 52,
        b'+' => 62,
        b'/' => 63,
        _ => return None,
    }))
}

/// Bytes in hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, byte| {
        let _ = write!(out, "{byte:02x}");
        out
    })
}

fn adler32(bytes: &[u8]) -> u32 {
    let (mut a, mut b) = (1_u32, 0_u32);
    for byte in bytes {
        a = (a + u32::from(*byte)) % 65521;
        b = (b + a) % 65521;
    }
    (b << 16) | a
}

const BASE32: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

fn base32_text(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len().div_ceil(5) * 8);
    for group in bytes.chunks(5) {
        let bits = group.iter().enumerate().fold(0_u64, |bits, (at, byte)| bits | (u64::from(*byte) << (32 - 8 * at)));
        let used = (group.len() * 8).div_ceil(5);
        for at in 0..8 {
            let digit = usize::try_from((bits >> (35 - 5 * at)) & 31).unwrap_or(0);
            out.push(if at < used { char::from(BASE32[digit]) } else { '=' });
        }
    }
    out
}

fn base32_bytes(text: &[u8]) -> Result<Vec<u8>, usize> {
    let text: Vec<u8> = text.iter().copied().filter(|byte| !matches!(byte, b'\r' | b'\n')).collect();
    let mut out = Vec::with_capacity(text.len() / 8 * 5);
    let mut at = 0;
    while at < text.len() {
        let (mut bits, mut digits, mut end) = (0_u64, 0_usize, false);
        while digits < 8 {
            let byte = *text.get(at).ok_or(at - digits)?;
            at += 1;
            let left = text.len() - at;
            if byte == b'=' && digits >= 2 && left < 8 {
                if left + digits < 7 {
                    return Err(text.len());
                }
                let wrong = (0..7 - digits).find(|more| text.get(at + more).is_some_and(|byte| *byte != b'='));
                if let Some(more) = wrong {
                    return Err((at + more).saturating_sub(1));
                }
                if matches!(digits, 3 | 6) {
                    return Err(at - 1);
                }
                end = true;
                break;
            }
            let digit = BASE32.iter().position(|it| *it == byte).ok_or(at - 1)?;
            bits |= u64::try_from(digit).unwrap_or(0) << (35 - 5 * digits);
            digits += 1;
        }
        out.extend_from_slice(&bits.to_be_bytes()[3..3 + digits * 5 / 8]);
        if end {
            break;
        }
    }
    Ok(out)
}
