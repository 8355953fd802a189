//! Whether a scalar looks like a time of day: such texts are quoted when they are written.

/// Whether a text is a date, or a date and a time, in one of the four notations that Go's reader of YAML knows.
pub(super) fn is_timestamp(text: &str) -> bool {
    let Some((year, rest)) = text.split_at_checked(4) else { return false };
    let Some(year) = number(year, 4..=4) else { return false };
    let Some(rest) = rest.strip_prefix('-') else { return false };
    let Some((month, rest)) = rest.split_once('-') else { return false };
    let Some(month) = number(month, 1..=2) else { return false };
    let (day, rest) = rest.split_at(rest.bytes().take_while(u8::is_ascii_digit).count());
    let Some(day) = number(day, 1..=2) else { return false };
    if !(1..=12).contains(&month) || day == 0 || day > days(year, month) {
        return false;
    }
    match rest.as_bytes().first() {
        None => true,
        Some(b'T' | b't') => clock(&rest[1..]).is_some_and(is_zone),
        Some(b' ') => clock(rest[1..].trim_start_matches(' ')).is_some_and(str::is_empty),
        Some(_) => false,
    }
}

fn number(text: &str, places: std::ops::RangeInclusive<usize>) -> Option<u32> {
    (places.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit())).then(|| text.parse().ok())?
}

fn days(year: u32, month: u32) -> u32 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Reads hours, minutes, seconds and their fraction, and gives what follows.
fn clock(text: &str) -> Option<&str> {
    let (hours, rest) = text.split_once(':')?;
    let (minutes, rest) = rest.split_once(':')?;
    let (seconds, rest) = rest.split_at(rest.bytes().take_while(u8::is_ascii_digit).count());
    let fits = number(hours, 1..=2)? < 24 && number(minutes, 1..=2)? < 60 && number(seconds, 1..=2)? < 60;
    if !fits {
        return None;
    }
    let Some(fraction) = rest.strip_prefix(['.', ',']) else { return Some(rest) };
    let places = fraction.bytes().take_while(u8::is_ascii_digit).count();
    Some(if places == 0 { rest } else { &fraction[places..] })
}

/// `Z`, or hours and minutes with a sign.
fn is_zone(text: &str) -> bool {
    if text == "Z" {
        return true;
    }
    let Some(rest) = text.strip_prefix(['+', '-']) else { return false };
    let Some((hours, minutes)) = rest.split_once(':') else { return false };
    number(hours, 2..=2).is_some_and(|hours| hours <= 24) && number(minutes, 2..=2).is_some_and(|minutes| minutes < 60)
}
