//! Sprig's functions that draw from the entropy of the caller.

use super::encodings::{base64_text, hex};
use crate::render::fault::RenderFault;
use crate::render::template::arguments::ArgumentType;
use crate::render::template::state::{FunctionCall, FunctionResult, TemplateFunction, fail, text};
use crate::render::value::ChartValue;

use ArgumentType::{Int, Text};

pub const FUNCTIONS: &[TemplateFunction] = &[
    TemplateFunction::new("randAlphaNum", &[Int], |call| letters(call, |c| c.is_ascii_alphanumeric())),
    TemplateFunction::new("randAlpha", &[Int], |call| letters(call, |c| c.is_ascii_alphabetic())),
    TemplateFunction::new("randNumeric", &[Int], |call| letters(call, |c| c.is_ascii_digit())),
    TemplateFunction::new("randAscii", &[Int], |call| letters(call, |c| (' '..='~').contains(c))),
    TemplateFunction::new("randBytes", &[Int], |call| match usize::try_from(call.args.int(0)) {
        Ok(count) if count <= call.run.settings.output => text(base64_text(&call.run.bytes(count)?)),
        _ => fail("runtime error: makeslice: len out of range"),
    }),
    TemplateFunction::new("randInt", &[Int, Int], |call| {
        let (least, most) = (call.args.int(0), call.args.int(1));
        match u64::try_from(i128::from(most) - i128::from(least)) {
            Ok(count) if count > 0 && count < 1 << 63 => {
                Ok(ChartValue::Int(least.saturating_add_unsigned(below(call, count)?)))
            }
            _ => fail("invalid argument to Intn"),
        }
    }),
    TemplateFunction::new("uuidv4", &[], uuid),
    TemplateFunction::new("shuffle", &[Text], shuffle),
];

/// A number below another one, each as likely.
fn below(call: &FunctionCall<'_, '_>, count: u64) -> Result<u64, RenderFault> {
    let zone = u64::MAX - u64::MAX % count;
    // An entropy that is stuck must not hold the rendering up.
    for _ in 0..64 {
        let mut number = 0;
        for byte in call.run.bytes(8)? {
            number = (number << 8) | u64::from(byte);
        }
        if number < zone {
            return Ok(number % count);
        }
    }
    Ok(0)
}

fn letters(call: &FunctionCall<'_, '_>, holds: fn(&char) -> bool) -> FunctionResult {
    let set: Vec<char> = (' '..='~').filter(holds).collect();
    let count = usize::try_from(call.args.int(0)).unwrap_or(0);
    if count > call.run.settings.output {
        return fail("the text would be too long");
    }
    let mut out = String::with_capacity(count);
    for _ in 0..count {
        call.run.spend(1)?;
        let at = usize::try_from(below(call, set.len() as u64)?).unwrap_or(0);
        out.extend(set.get(at));
    }
    text(out)
}

fn uuid(call: &FunctionCall<'_, '_>) -> FunctionResult {
    let mut bytes = call.run.bytes(16)?;
    bytes[6] = (bytes[6] & 0x0f) | 0x40;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    let digits = hex(&bytes);
    let (a, b, c, d, e) = (&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]);
    text(format!("{a}-{b}-{c}-{d}-{e}"))
}

fn shuffle(call: &FunctionCall<'_, '_>) -> FunctionResult {
    let mut all: Vec<char> = call.args.text(0).chars().collect();
    for at in (1..all.len()).rev() {
        let other = usize::try_from(below(call, at as u64 + 1)?).unwrap_or(0);
        all.swap(at, other);
    }
    text(all.into_iter().collect::<String>())
}
