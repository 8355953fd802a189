//! How much there is of something, in words.

/// So many of something: `1 row`, `3 rows`.
#[must_use]
pub fn count(number: u64, one: &str) -> String {
    format!("{number} {one}{}", if number == 1 { "" } else { "s" })
}

/// So many bytes, in the largest decimal unit of which there is at least one: `11 bytes`, `4.2 MB`.
#[must_use]
#[allow(clippy::cast_precision_loss, reason = "one digit behind the point is shown")]
pub fn bytes(number: u64) -> String {
    const UNITS: [&str; 5] = ["kB", "MB", "GB", "TB", "PB"];
    if number < 1_000 {
        return count(number, "byte");
    }
    let mut amount = number as f64 / 1_000.0;
    let mut unit = 0;
    // What would be rounded up to 1000.0 is 1.0 of the next unit.
    while amount >= 999.95 && unit + 1 < UNITS.len() {
        amount /= 1_000.0;
        unit += 1;
    }
    format!("{amount:.1} {}", UNITS[unit])
}

#[cfg(test)]
mod tests {
    use super::{bytes, count};

    #[test]
    fn amounts_read_well() {
        assert_eq!([count(0, "row"), count(1, "row"), count(2, "row")], ["0 rows", "1 row", "2 rows"]);
        let all = [0, 1, 999, 1_000, 999_949, 999_950, 4_200_000, u64::MAX].map(bytes);
        assert_eq!(all, ["0 bytes", "1 byte", "999 bytes", "1.0 kB", "999.9 kB", "1.0 MB", "4.2 MB", "18446.7 PB"]);
    }
}
