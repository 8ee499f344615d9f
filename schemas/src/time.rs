//! Instants as the API writes them, and as the row stream does.

use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{RoundMode, Timestamp, TimestampRound, Unit};

const MICROS_PER_SECOND: i64 = 1_000_000;
const SECONDS_PER_DAY: i64 = 86_400;

/// Microseconds since 1970 UTC of an instant in RFC 3339, or in the form `2023-04-28 20:05:31.093`,
/// which has no zone and means UTC. Finer fractions are floored. `None` for anything else.
#[must_use]
pub fn parse(text: &str) -> Option<i64> {
    parse_usual(text.as_bytes()).or_else(|| parse_any(text))
}

/// `YYYY-MM-DDTHH:MM:SS[.f{1,6}]Z`, which is nearly every value: no allocation, no zone.
fn parse_usual(b: &[u8]) -> Option<i64> {
    let (head, rest) = b.split_at_checked(19)?;
    let fraction = match rest {
        [b'Z'] => 0,
        [b'.', digits @ .., b'Z'] if (1..=6).contains(&digits.len()) => {
            number(digits)? * 10_i64.pow(6 - digits.len() as u32)
        }
        _ => return None,
    };
    if [head[4], head[7], head[10], head[13], head[16]] != *b"--T::" {
        return None;
    }
    let (year, month, day) = (number(&head[..4])?, number(&head[5..7])?, number(&head[8..10])?);
    let (hour, minute, second) = (number(&head[11..13])?, number(&head[14..16])?, number(&head[17..19])?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days_in_month = match month {
        4 | 6 | 9 | 11 => 30,
        2 => 28 + i64::from(leap),
        1..=12 => 31,
        _ => return None,
    };
    if !(1..=days_in_month).contains(&day) || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let seconds = days_from_civil(year, month, day) * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second;
    Some(seconds * MICROS_PER_SECOND + fraction)
}

fn number(digits: &[u8]) -> Option<i64> {
    digits.iter().try_fold(0, |n, d| d.is_ascii_digit().then(|| n * 10 + i64::from(d - b'0')))
}

/// Days since 1970-01-01 of a date in the proleptic Gregorian calendar.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    // March is month 0, so that the leap day ends the year.
    let y = if month <= 2 { year - 1 } else { year };
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    y * 365 + y.div_euclid(4) - y.div_euclid(100) + y.div_euclid(400) + day_of_year - 719_468
}

/// Any other zone, separator or precision, by the library.
fn parse_any(text: &str) -> Option<i64> {
    let timestamp = match text.parse::<Timestamp>() {
        Ok(timestamp) => timestamp,
        Err(_) => text.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok()?.timestamp(),
    };
    let floor = TimestampRound::new().smallest(Unit::Microsecond).mode(RoundMode::Floor);
    Some(timestamp.round(floor).ok()?.as_microsecond())
}

/// RFC 3339 with six digits and `Z`: `2025-12-11T11:06:08.633000Z`.
#[must_use]
pub fn format(micros: i64) -> String {
    match Timestamp::from_microsecond(micros) {
        Ok(t) => t.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string(),
        // Beyond year 9999 there is no RFC 3339 form; `parse` never yields such a value.
        Err(_) => Timestamp::MAX.strftime("%Y-%m-%dT%H:%M:%S%.6fZ").to_string(),
    }
}

/// `20261122T101500123Z`: milliseconds, sortable, free of characters that paths dislike.
#[must_use]
pub fn format_snapshot(micros: i64) -> String {
    let milli = micros.div_euclid(1000);
    match Timestamp::from_millisecond(milli) {
        Ok(t) => t.strftime("%Y%m%dT%H%M%S%3fZ").to_string(),
        Err(_) => Timestamp::MAX.strftime("%Y%m%dT%H%M%S%3fZ").to_string(),
    }
}

/// `2026-11-22`: the UTC date on which an instant falls.
#[must_use]
pub fn format_date(micros: i64) -> String {
    format(micros)[..10].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_form_the_api_has_shown() {
        let expected = parse("2023-04-28T20:05:31.093Z").unwrap();
        for same in [
            "2023-04-28 20:05:31.093",
            "2023-04-28T20:05:31.093",
            "2023-04-28T20:05:31.093000Z",
            "2023-04-28T20:05:31.0930009Z",
            "2023-04-28T22:05:31.093+02:00",
            "2023-04-28T20:05:31.093-00:00",
            "2023-04-28t20:05:31.093z",
        ] {
            assert_eq!(parse(same), Some(expected), "{same}");
        }
        assert_eq!(format(expected), "2023-04-28T20:05:31.093000Z");
        assert_eq!(format_snapshot(expected), "20230428T200531093Z");
        assert_eq!(format_date(expected), "2023-04-28");
    }

    #[test]
    fn finer_than_a_microsecond_is_floored_before_1970_too() {
        assert_eq!(parse("1970-01-01T00:00:00.0000019Z"), Some(1));
        assert_eq!(parse("1969-12-31T23:59:59.9999999Z"), Some(-1));
    }

    #[test]
    fn what_is_no_instant() {
        for not in ["", "yesterday", "2023-02-30T00:00:00Z", "2023-13-01T00:00:00Z", "1682712331", "20:05:31"] {
            assert_eq!(parse(not), None, "{not}");
        }
    }

    proptest! {
        #[test]
        fn the_fast_path_agrees_with_the_library(
            y in 0_i16..=9999, mo in 1_i8..=12, d in 1_i8..=31, h in 0_i8..=23, mi in 0_i8..=59, s in 0_i8..=59,
            f in "[0-9]{1,6}",
        ) {
            let text = format!("{y:04}-{mo:02}-{d:02}T{h:02}:{mi:02}:{s:02}.{f}Z");
            prop_assert_eq!(parse_usual(text.as_bytes()), parse_any(&text));
        }

        #[test]
        fn what_is_formatted_parses_back(micros in -62_000_000_000_000_000_i64..250_000_000_000_000_000) {
            prop_assert_eq!(parse(&format(micros)), Some(micros));
        }

        #[test]
        fn no_text_panics(text in ".*") {
            let _ = parse(&text);
        }
    }
}
