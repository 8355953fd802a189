//! Dates of the Gregorian calendar, before and after its time.

/// A point in time as clocks and calendars show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Civil {
    /// The year.
    pub year: i64,
    /// The month, from 1.
    pub month: u32,
    /// The day of the month, from 1.
    pub day: u32,
    /// Hours since midnight.
    pub hour: u32,
    /// Minutes.
    pub minute: u32,
    /// Seconds.
    pub second: u32,
    /// Nanoseconds.
    pub nanosecond: u32,
}

/// The months by their names.
pub const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
/// The days of the week by their names.
pub const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

/// Whether February has 29 days.
pub fn is_leap(year: i64) -> bool {
    year % 4 == 0 && (year % 100 != 0 || year % 400 == 0)
}

/// How many days a month has.
pub fn days_in(year: i64, month: u32) -> u32 {
    match month {
        2 if is_leap(year) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 1970 of a date.
pub fn days(year: i64, month: u32, day: u32) -> i64 {
    // Years are counted from March, so that the day that some have more is their last one.
    let shifted = if month > 2 { year } else { year - 1 };
    let (era, of_era) = (shifted.div_euclid(400), shifted.rem_euclid(400));
    let from_march = (i64::from(month) + 9) % 12;
    let day_of_year = (153 * from_march + 2) / 5 + i64::from(day) - 1;
    era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + day_of_year - 719_468
}

/// The year, month and day of so many days since 1970.
pub fn date(days: i64) -> (i64, u32, u32) {
    let shifted = days + 719_468;
    let (era, of_era) = (shifted.div_euclid(146_097), shifted.rem_euclid(146_097));
    let year = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year + year / 4 - year / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    let small = |number: i64| u32::try_from(number).unwrap_or(1);
    (era * 400 + year + i64::from(month <= 2), small(month), small(day))
}

/// What clocks show at so many nanoseconds since 1970, where they are so many seconds ahead.
pub fn civil(nanoseconds: i128, offset: i32) -> Civil {
    let seconds = i64::try_from(nanoseconds.div_euclid(1_000_000_000)).unwrap_or(0).saturating_add(i64::from(offset));
    let small = |number: i64| u32::try_from(number).unwrap_or(0);
    let (year, month, day) = date(seconds.div_euclid(86_400));
    let of_day = seconds.rem_euclid(86_400);
    Civil {
        year,
        month,
        day,
        hour: small(of_day / 3600),
        minute: small(of_day / 60 % 60),
        second: small(of_day % 60),
        nanosecond: u32::try_from(nanoseconds.rem_euclid(1_000_000_000)).unwrap_or(0),
    }
}

/// Nanoseconds since 1970 of what clocks show that are so many seconds ahead.
pub fn nanoseconds(civil: &Civil, offset: i32) -> i128 {
    let seconds = i128::from(days(civil.year, civil.month, civil.day)) * 86_400
        + i128::from(civil.hour * 3600 + civil.minute * 60 + civil.second)
        - i128::from(offset);
    seconds * 1_000_000_000 + i128::from(civil.nanosecond)
}

/// The day of the week, from Sunday.
pub fn weekday(civil: &Civil) -> usize {
    usize::try_from((days(civil.year, civil.month, civil.day) + 4).rem_euclid(7)).unwrap_or(0)
}

/// The day of the year, from 1.
pub fn day_of_year(civil: &Civil) -> i64 {
    days(civil.year, civil.month, civil.day) - days(civil.year, 1, 1) + 1
}
