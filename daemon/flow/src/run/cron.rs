//! Schedules: cron's five fields, put into the form of the `cron` crate (seconds in front, weekdays by name, since its numbers
//! begin with 1 for Sunday; never a line that Unix would read otherwise than the crate), walked on the wall clock of the firm's time zone and then mapped to instants. A time that
//! a change of clocks skips runs at the first instant after it; one that comes twice runs once.

use chrono::{DateTime, Datelike, NaiveDateTime, TimeDelta, TimeZone, Utc};
use chrono_tz::Tz;
use cron::Schedule;
use std::str::FromStr;

/// Clocks are not put forward by more than this.
const GAP_MAX_MINUTES: i64 = 180;
const YEARS_AHEAD: i32 = 5;

const DAYS: [&str; 7] = ["SUN", "MON", "TUE", "WED", "THU", "FRI", "SAT"];

/// Whether the expression is a schedule that will ever come.
pub fn check(expr: &str) -> Result<(), String> {
    let schedule =
        Schedule::from_str(&translate(expr)?).map_err(|_| format!("{expr:?} is not a schedule"))?;
    // Any instant will do: what does not come in the years after it never comes.
    match schedule.after(&DateTime::UNIX_EPOCH).next() {
        Some(_) => Ok(()),
        None => Err(format!("{expr:?} never comes: no such day is in the calendar")),
    }
}

/// `30 6 * * 1-5` becomes `0 30 6 * * MON,TUE,WED,THU,FRI`.
pub fn translate(expr: &str) -> Result<String, String> {
    let fields: Vec<&str> = expr.split_whitespace().collect();
    let &[minute, hour, day, month, weekday] = fields.as_slice() else {
        return Err(format!(
            "{expr:?} has {} fields, a schedule has five: minute, hour, day of month, month, day of week",
            fields.len()
        ));
    };
    if fields.iter().any(|field| field.contains('?')) {
        return Err(format!("{expr:?} has a `?` in it: write `*`"));
    }
    // Unix takes a day that fits either; the crate one that fits both.
    if !day.starts_with('*') && !weekday.starts_with('*') {
        return Err(format!(
            "{expr:?} names days of the month and of the week: name one of the two; a second [[push]] can have the other"
        ));
    }
    Ok(format!("0 {minute} {hour} {day} {month} {}", weekdays(weekday)?))
}

fn weekdays(field: &str) -> Result<String, String> {
    if field == "*" {
        return Ok(field.to_owned());
    }
    let mut chosen = [false; 7];
    for part in field.split(',') {
        mark(part, &mut chosen)
            .ok_or_else(|| format!("{part:?} is no day of the week: write 0 to 7, SUN to SAT, or a range"))?;
    }
    let names: Vec<&str> = DAYS.iter().zip(chosen).filter_map(|(name, on)| on.then_some(*name)).collect();
    Ok(names.join(","))
}

/// Marks the days of `a`, `a-b` or `*`, each with or without `/step`. Sunday is 0 and 7, so that `5-7` is a range.
fn mark(part: &str, chosen: &mut [bool; 7]) -> Option<()> {
    let (range, step) = match part.split_once('/') {
        Some((range, step)) => (range, step.parse::<usize>().ok().filter(|step| *step > 0)?),
        None => (part, 1),
    };
    let (first, last) = match range.split_once('-') {
        _ if range == "*" => (0, 6),
        Some((first, last)) => (weekday(first)?, weekday(last)?),
        None if part.contains('/') => (weekday(range)?, 6),
        None => (weekday(range)?, weekday(range)?),
    };
    // "FRI-SUN": by name, Sunday may end a range too.
    let last = if last == 0 && first > 0 { 7 } else { last };
    if first > last {
        return None;
    }
    for day in (first..=last).step_by(step) {
        *chosen.get_mut(day % 7)? = true;
    }
    Some(())
}

fn weekday(text: &str) -> Option<usize> {
    let named = DAYS.iter().position(|name| name.eq_ignore_ascii_case(text));
    named.or_else(|| text.parse::<usize>().ok().filter(|day| *day <= 7))
}

/// The next time of a schedule after `now_ms`; none where there is none within five years.
pub fn next_ms(expression: &str, zone: Tz, now_ms: i64) -> Option<i64> {
    let schedule = Schedule::from_str(&translate(expression).ok()?).ok()?;
    let now = DateTime::<Utc>::from_timestamp_millis(now_ms)?;
    // On the wall clock as if it were UTC, which has neither gaps nor repeats.
    let mut wall = now.with_timezone(&zone).naive_local();
    let last_year = wall.year() + YEARS_AHEAD;
    loop {
        wall = schedule.after(&wall.and_utc()).next()?.naive_utc();
        if wall.year() > last_year {
            return None;
        }
        let at = instant(zone, wall)?;
        if at > now {
            return Some(at.timestamp_millis());
        }
    }
}

fn instant(zone: Tz, wall: NaiveDateTime) -> Option<DateTime<Utc>> {
    (0..=GAP_MAX_MINUTES)
        .find_map(|minutes| zone.from_local_datetime(&(wall + TimeDelta::minutes(minutes))).earliest())
        .map(|at| at.with_timezone(&Utc))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    fn next(expression: &str, now: &str) -> String {
        let zone: Tz = "America/New_York".parse().unwrap();
        let now = now.parse::<DateTime<Utc>>().unwrap().timestamp_millis();
        let at = next_ms(expression, zone, now).unwrap();
        DateTime::<Utc>::from_timestamp_millis(at).unwrap().to_rfc3339_opts(chrono::SecondsFormat::Secs, true)
    }

    #[test]
    fn a_time_that_the_clocks_skip_runs_right_after() {
        // 2026-03-08 02:30 does not exist in New York.
        assert_eq!(next("30 2 * * *", "2026-03-08T05:00:00Z"), "2026-03-08T07:00:00Z");
        assert_eq!(next("30 2 * * *", "2026-03-08T07:00:00Z"), "2026-03-09T06:30:00Z");
    }

    #[test]
    fn a_time_that_comes_twice_runs_once() {
        // 2026-11-01 01:30 comes twice in New York.
        assert_eq!(next("30 1 * * *", "2026-11-01T04:00:00Z"), "2026-11-01T05:30:00Z");
        assert_eq!(next("30 1 * * *", "2026-11-01T05:30:00Z"), "2026-11-02T06:30:00Z");
    }

    fn reads(expr: &str, expect: Result<&str, &str>) {
        let got = check(expr).and_then(|()| translate(expr));
        match expect {
            Ok(translated) => assert_eq!(got.as_deref(), Ok(translated), "{expr}"),
            Err(part) => assert!(got.clone().is_err_and(|error| error.contains(part)), "{expr}: {got:?}"),
        }
    }

    #[test]
    fn five_fields_as_unix_reads_them() {
        reads("30 6 * * 1-5", Ok("0 30 6 * * MON,TUE,WED,THU,FRI"));
        reads("0 9 * * 0", Ok("0 0 9 * * SUN"));
        reads("0 9 * * 7", Ok("0 0 9 * * SUN"));
        reads("0 9 * * 5-7", Ok("0 0 9 * * SUN,FRI,SAT"));
        reads("0 9 * * Mon,WED-fri", Ok("0 0 9 * * MON,WED,THU,FRI"));
        reads("0 9 * * FRI-SUN", Ok("0 0 9 * * SUN,FRI,SAT"));
        reads("0 9 * * */2", Ok("0 0 9 * * SUN,TUE,THU,SAT"));
        reads("*/15 8-18 1 * *", Ok("0 */15 8-18 1 * *"));
        reads("0 9 29 2 *", Ok("0 0 9 29 2 *"));
    }

    #[test]
    fn refuses_what_is_no_schedule() {
        reads("0 30 6 * * MON", Err("has 6 fields"));
        reads("@daily", Err("has 1 fields"));
        reads("60 6 * * *", Err("not a schedule"));
        reads("0 9 * * 8", Err("no day of the week"));
        reads("0 9 * * 5-2", Err("no day of the week"));
        reads("0 9 1 * 1", Err("name one of the two"));
        reads("0 9 31 2 *", Err("never comes"));
        reads("0 9 ? * 1", Err("write `*`"));
    }
}
