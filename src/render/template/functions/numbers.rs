//! Sprig's functions for numbers.

use super::builtins::list;
use super::casts::{float64, int64};
use crate::render::fault::RenderFault;
use crate::render::template::arguments::ArgumentType;
use crate::render::template::format;
use crate::render::template::state::{FunctionCall, FunctionResult, TemplateFunction, fail, text};
use crate::render::value::ChartValue;

use ArgumentType::{Any, Float, Int, Text};

pub const FUNCTIONS: &[TemplateFunction] = &[
    TemplateFunction::new("int", &[Any], |call| Ok(ChartValue::Int(int64(call.args.any(0))))),
    TemplateFunction::new("int64", &[Any], |call| Ok(ChartValue::Int64(int64(call.args.any(0))))),
    TemplateFunction::new("float64", &[Any], |call| Ok(ChartValue::Float(float64(call.args.any(0))))),
    TemplateFunction::new("atoi", &[Text], |call| Ok(ChartValue::Int(atoi(&call.args.text(0))))),
    TemplateFunction::new("toDecimal", &[Any], |call| {
        let digits = format::spaced(&call.args.all);
        let plus = digits.strip_prefix('+').unwrap_or(&digits);
        let wrong = plus.starts_with('+');
        Ok(ChartValue::Int64(if wrong { 0 } else { i64::from_str_radix(&digits, 8).unwrap_or(0) }))
    }),
    TemplateFunction::new("seq", &[], seq).rest(Int).decides(),
    TemplateFunction::new("until", &[Int], until).decides(),
    TemplateFunction::new("untilStep", &[Int, Int, Int], until_step).decides(),
    TemplateFunction::new("add1", &[Any], |call| Ok(ChartValue::Int64(int64(call.args.any(0)).wrapping_add(1)))),
    TemplateFunction::new("add", &[], |call| fold(call, Some(0), |a, b| Ok(a.wrapping_add(b)))).rest(Any),
    TemplateFunction::new("sub", &[Any, Any], |call| fold(call, None, |a, b| Ok(a.wrapping_sub(b)))),
    TemplateFunction::new("mul", &[Any], |call| fold(call, None, |a, b| Ok(a.wrapping_mul(b)))).rest(Any),
    TemplateFunction::new("div", &[Any, Any], |call| fold(call, None, |a, b| divided(a.checked_div(b), a, b))),
    TemplateFunction::new("mod", &[Any, Any], |call| fold(call, None, |a, b| divided(a.checked_rem(b), 0, b))),
    TemplateFunction::new("max", &[Any], |call| fold(call, None, |a, b| Ok(a.max(b)))).rest(Any),
    TemplateFunction::new("biggest", &[Any], |call| fold(call, None, |a, b| Ok(a.max(b)))).rest(Any),
    TemplateFunction::new("min", &[Any], |call| fold(call, None, |a, b| Ok(a.min(b)))).rest(Any),
    TemplateFunction::new("add1f", &[Any], |call| Ok(ChartValue::Float(decimal(float64(call.args.any(0)), '+', 1.0)?))),
    TemplateFunction::new("addf", &[], |call| decimals(call, Some(0.0), '+')).rest(Any),
    TemplateFunction::new("subf", &[Any], |call| decimals(call, None, '-')).rest(Any),
    TemplateFunction::new("mulf", &[Any], |call| decimals(call, None, '*')).rest(Any),
    TemplateFunction::new("divf", &[Any], |call| decimals(call, None, '/')).rest(Any),
    TemplateFunction::new("maxf", &[Any], |call| fold_floats(call, |a, b| if a > b || a.is_nan() { a } else { b }))
        .rest(Any),
    TemplateFunction::new("minf", &[Any], |call| fold_floats(call, |a, b| if a < b || a.is_nan() { a } else { b }))
        .rest(Any),
    TemplateFunction::new("ceil", &[Any], |call| Ok(ChartValue::Float(float64(call.args.any(0)).ceil()))),
    TemplateFunction::new("floor", &[Any], |call| Ok(ChartValue::Float(float64(call.args.any(0)).floor()))),
    TemplateFunction::new("round", &[Any, Int], round).rest(Float),
];

/// Decimal digits only; a number that is too large is the largest one.
fn atoi(text: &str) -> i64 {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return 0;
    }
    text.parse().unwrap_or(if text.starts_with('-') { i64::MIN } else { i64::MAX })
}

fn fold(
    call: &FunctionCall<'_, '_>,
    start: Option<i64>,
    step: fn(i64, i64) -> Result<i64, RenderFault>,
) -> FunctionResult {
    let mut numbers = call.args.all.iter().map(int64);
    let mut sum = match start {
        Some(start) => start,
        None => numbers.next().unwrap_or(0),
    };
    for number in numbers {
        sum = step(sum, number)?;
    }
    Ok(ChartValue::Int64(sum))
}

/// A quotient that has no place in 64 bits wraps around; there is only one, and one that is divided by nothing.
fn divided(result: Option<i64>, wrapped: i64, by: i64) -> Result<i64, RenderFault> {
    if by == 0 { fail("runtime error: integer divide by zero") } else { Ok(result.unwrap_or(wrapped)) }
}

fn fold_floats(call: &FunctionCall<'_, '_>, step: fn(f64, f64) -> f64) -> FunctionResult {
    Ok(ChartValue::Float(call.args.all.iter().map(float64).reduce(step).unwrap_or(0.0)))
}

fn decimals(call: &FunctionCall<'_, '_>, start: Option<f64>, operation: char) -> FunctionResult {
    let mut numbers = call.args.all.iter().map(float64);
    let mut sum = match start {
        Some(start) => start,
        None => numbers.next().unwrap_or(0.0),
    };
    for number in numbers {
        sum = decimal(sum, operation, number)?;
    }
    Ok(ChartValue::Float(sum))
}

/// Sprig computes these in decimal, so that 0.1 and 0.2 are 0.3. Where the digits do not fit, floats do.
fn decimal(one: f64, operation: char, other: f64) -> Result<f64, RenderFault> {
    if !one.is_finite() || !other.is_finite() {
        return fail("Cannot create a Decimal from a number that is none");
    }
    if operation == '/' && other == 0.0 {
        return fail("decimal division by 0");
    }
    let exact = match (Decimal::of(one), Decimal::of(other)) {
        (Some(one), Some(other)) => one.with(operation, other),
        _ => None,
    };
    Ok(exact.unwrap_or(match operation {
        '+' => one + other,
        '-' => one - other,
        '*' => one * other,
        _ => one / other,
    }))
}

/// Digits and the power of ten that they count.
struct Decimal {
    digits: i128,
    exponent: i32,
}

impl Decimal {
    fn of(number: f64) -> Option<Self> {
        let text = format!("{number:e}");
        let (mantissa, exponent) = text.split_once('e')?;
        let fraction = mantissa.split_once('.').map_or(0, |(_, fraction)| fraction.len());
        let digits = mantissa.replace('.', "").parse().ok()?;
        Some(Self { digits, exponent: exponent.parse::<i32>().ok()? - i32::try_from(fraction).ok()? })
    }

    fn with(self, operation: char, other: Self) -> Option<f64> {
        let (digits, exponent) = match operation {
            '*' => (self.digits.checked_mul(other.digits)?, self.exponent + other.exponent),
            '/' => self.divided(&other)?,
            _ => {
                let exponent = self.exponent.min(other.exponent);
                let (one, other) = (self.scaled(exponent)?, other.scaled(exponent)?);
                (if operation == '+' { one.checked_add(other)? } else { one.checked_sub(other)? }, exponent)
            }
        };
        format!("{digits}e{exponent}").parse().ok()
    }

    fn scaled(&self, exponent: i32) -> Option<i128> {
        self.digits.checked_mul(10_i128.checked_pow(u32::try_from(self.exponent - exponent).ok()?)?)
    }

    /// Quotients have sixteen digits after the point, the last one rounded.
    fn divided(&self, other: &Self) -> Option<(i128, i32)> {
        let shift = self.exponent - other.exponent + 16;
        let (mut one, mut two) = (self.digits, other.digits);
        let power = 10_i128.checked_pow(shift.unsigned_abs())?;
        if shift >= 0 {
            one = one.checked_mul(power)?;
        } else {
            two = two.checked_mul(power)?;
        }
        let (quotient, rest) = (one.checked_div(two)?, one.checked_rem(two)?);
        let up = rest.unsigned_abs().checked_mul(2)? >= two.unsigned_abs();
        let sign = if (one < 0) == (two < 0) { 1 } else { -1 };
        Some((if up { quotient + sign } else { quotient }, -16))
    }
}

fn round(call: &FunctionCall<'_, '_>) -> FunctionResult {
    let number = float64(call.args.any(0));
    let on = if call.args.len() > 2 { call.args.float(2) } else { 0.5 };
    #[allow(clippy::cast_precision_loss)]
    let power = 10_f64.powf(call.args.int(1) as f64);
    let digits = power * number;
    let up = digits.fract() >= on;
    Ok(ChartValue::Float(if up { digits.ceil() } else { digits.floor() } / power))
}

/// The numbers from one to before another, of which there may not be too many.
fn steps(call: &FunctionCall<'_, '_>, start: i64, stop: i64, step: i64) -> Result<Vec<i64>, RenderFault> {
    if start == stop || (stop < start) != (step < 0) || step == 0 {
        return Ok(Vec::new());
    }
    let count = start.abs_diff(stop).div_ceil(step.unsigned_abs());
    if count > 10_000_000 {
        return fail(format!("a list of {count} numbers is too long"));
    }
    call.run.spend(usize::try_from(count).unwrap_or(usize::MAX))?;
    let mut numbers = Vec::with_capacity(usize::try_from(count).unwrap_or(0));
    let mut number = start;
    for _ in 0..count {
        numbers.push(number);
        number = number.saturating_add(step);
    }
    Ok(numbers)
}

fn until(call: &FunctionCall<'_, '_>) -> FunctionResult {
    let stop = call.args.int(0);
    let numbers = steps(call, 0, stop, if stop < 0 { -1 } else { 1 })?;
    Ok(list(numbers.into_iter().map(ChartValue::Int).collect()))
}

fn until_step(call: &FunctionCall<'_, '_>) -> FunctionResult {
    let numbers = steps(call, call.args.int(0), call.args.int(1), call.args.int(2))?;
    Ok(list(numbers.into_iter().map(ChartValue::Int).collect()))
}

/// Numbers up to the last one, as the tool `seq` prints them.
fn seq(call: &FunctionCall<'_, '_>) -> FunctionResult {
    let given: Vec<_> = (0..call.args.len()).map(|at| call.args.int(at)).collect();
    let (start, step, end) = match *given.as_slice() {
        [end] => (1, if end < 1 { -1 } else { 1 }, end),
        [start, end] => (start, if end < start { -1 } else { 1 }, end),
        [start, step, end] if end < start && step > 0 => return text(""),
        [start, step, end] => (start, step, end),
        _ => return text(""),
    };
    let after = end.saturating_add(if end < start { -1 } else { 1 });
    let numbers = steps(call, start, after, step)?;
    text(numbers.iter().map(i64::to_string).collect::<Vec<_>>().join(" "))
}
