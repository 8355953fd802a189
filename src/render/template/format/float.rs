//! Numbers with a fraction as Go's strconv writes them.

/// A number by a verb of `e`, `f`, `g`, `b`, `x` or their capitals; without a precision with as few digits as tell it from its neighbours.
pub fn float(number: f64, verb: char, precision: Option<usize>) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    match verb {
        'f' | 'F' => match precision {
            Some(precision) => format!("{number:.precision$}"),
            None => format!("{number}"),
        },
        'e' => exponential(number, precision),
        'E' => exponential(number, precision).to_uppercase(),
        'G' => general(number, precision).to_uppercase(),
        'b' => binary(number),
        'x' => hexadecimal(number, precision),
        'X' => hexadecimal(number, precision).to_uppercase(),
        _ => general(number, precision),
    }
}

/// Rust writes exponents without a plus and without a leading zero.
fn exponential(number: f64, precision: Option<usize>) -> String {
    let text = match precision {
        Some(precision) => format!("{number:.precision$e}"),
        None => format!("{number:e}"),
    };
    let Some((digits, exponent)) = text.split_once('e') else { return text };
    let (sign, size) = exponent.strip_prefix('-').map_or(('+', exponent), |size| ('-', size));
    format!("{digits}e{sign}{size:0>2}")
}

fn general(number: f64, precision: Option<usize>) -> String {
    let rounded = match precision {
        Some(precision) => format!("{number:.*e}", precision.max(1) - 1),
        None => format!("{number:e}"),
    };
    let Some((mantissa, exponent)) = rounded.split_once('e') else { return rounded };
    let exponent: i64 = exponent.parse().unwrap_or(0);
    let digits = mantissa.bytes().filter(u8::is_ascii_digit).collect::<Vec<_>>();
    let count = digits.iter().rposition(|digit| *digit != b'0').map_or(0, |last| last + 1);
    let point = exponent + 1;
    let wide = |size: usize| i64::try_from(size).unwrap_or(i64::MAX);
    let limit = match precision {
        None => 6,
        Some(precision) => {
            let precision = precision.max(1);
            if precision > count && wide(count) >= point { wide(count) } else { wide(precision) }
        }
    };
    if exponent < -4 || exponent >= limit {
        return exponential(number, Some(count.max(1) - 1));
    }
    let fraction = usize::try_from(wide(count) - point).unwrap_or(0);
    match precision {
        None => format!("{number}"),
        // The digits are rounded already; what is left is to place the point.
        Some(_) => format!("{:.fraction$}", rounded.parse::<f64>().unwrap_or(number)),
    }
}

/// The mantissa and the power of two of a number, as in `4503599627370496p-52`.
fn binary(number: f64) -> String {
    let (negative, exponent, mantissa) = parts(number);
    format!("{}{mantissa}p{exponent:+}", if negative { "-" } else { "" })
}

fn parts(number: f64) -> (bool, i64, u64) {
    let bits = number.to_bits();
    let exponent = i64::try_from((bits >> 52) & 0x7ff).unwrap_or(0);
    let mantissa = bits & ((1 << 52) - 1);
    if exponent == 0 {
        (number.is_sign_negative(), 1 - 1075, mantissa)
    } else {
        (number.is_sign_negative(), exponent - 1075, mantissa | (1 << 52))
    }
}

fn hexadecimal(number: f64, precision: Option<usize>) -> String {
    let (negative, exponent, mantissa) = parts(number);
    let sign = if negative { "-" } else { "" };
    if mantissa == 0 {
        let zeros =
            precision.filter(|count| *count > 0).map_or(String::new(), |count| format!(".{}", "0".repeat(count)));
        return format!("{sign}0x0{zeros}p+00");
    }
    let shift = mantissa.leading_zeros() - 11;
    let mut mantissa = mantissa << shift;
    let mut exponent = exponent + 52 - i64::from(shift);
    if let Some(count) = precision.filter(|count| *count < 13) {
        let drop = 52 - 4 * u32::try_from(count).unwrap_or(0);
        let (kept, rest, half) = (mantissa >> drop, mantissa & ((1 << drop) - 1), 1 << (drop - 1));
        let up = u64::from(rest > half || (rest == half && kept & 1 == 1));
        mantissa = (kept + up) << drop;
        if mantissa >> 53 == 1 {
            mantissa >>= 1;
            exponent += 1;
        }
    }
    let mut digits = format!("{:013x}", mantissa & ((1 << 52) - 1));
    match precision {
        None => digits.truncate(digits.trim_end_matches('0').len()),
        Some(count) => {
            digits.truncate(count);
            digits.extend(std::iter::repeat_n('0', count.saturating_sub(digits.len())));
        }
    }
    let point = if digits.is_empty() { "" } else { "." };
    let (mark, size) = if exponent < 0 { ('-', -exponent) } else { ('+', exponent) };
    format!("{sign}0x1{point}{digits}p{mark}{size:02}")
}
