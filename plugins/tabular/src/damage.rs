//! What a spreadsheet leaves in a cell that it has damaged: a failed formula, a number cut to its first digits, a date that turned
//! into a count of days. Owns the words for it. The row is never taken, since what stood there before is gone.

use remitd_plugin_sdk::chrono::{Days, NaiveDate};

/// What failed formulas show.
const FAILED: [&str; 8] =
    ["#N/A", "#REF!", "#VALUE!", "#DIV/0!", "#NAME?", "#NUM!", "#NULL!", "#GETTING_DATA"];
/// Days since 1899-12-30 that a bill may be dated: 1982 to 2064.
const SERIALS: std::ops::Range<u64> = 30_000..60_000;

/// In any cell.
#[inline]
pub fn in_text(written: &str) -> Option<String> {
    if written.starts_with('#') { signs(written) } else { None }
}

#[cold]
fn signs(written: &str) -> Option<String> {
    if FAILED.contains(&written) {
        return Some(format!(
            "\"{written}\" is what a spreadsheet shows where a formula has failed: write the value itself"
        ));
    }
    let narrow = written.len() > 2 && written.bytes().all(|byte| byte == b'#');
    narrow.then(|| {
        "the cell was too narrow, and the file has only its signs: widen the column and save again".to_owned()
    })
}

/// In a cell that holds an amount or somebody's number.
#[inline]
pub fn in_number(written: &str) -> Option<String> {
    match written.as_bytes() {
        [b'#', ..] => signs(written),
        // One digit, and then what tells it from a whole number.
        [b'0'..=b'9', b'.' | b',' | b'E' | b'e', ..] => cut_short(written),
        _ => None,
    }
}

fn cut_short(written: &str) -> Option<String> {
    let (digits, power) = written.split_once(['E', 'e'])?;
    let power = power.strip_prefix('+')?;
    let plain = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let (whole, fraction) = digits.split_once(['.', ',']).unwrap_or((digits, "0"));
    (whole.len() == 1 && plain(whole) && plain(fraction) && plain(power)).then(|| {
        format!(
            "\"{written}\" is a number that a spreadsheet has cut short: format the column as text, write the number again and save again"
        )
    })
}

/// In a cell that holds a date.
pub fn in_date(written: &str) -> Option<String> {
    in_text(written).or_else(|| {
        let days = written.parse().ok().filter(|days| written.len() == 5 && SERIALS.contains(days))?;
        let date = NaiveDate::from_ymd_opt(1899, 12, 30)?.checked_add_days(Days::new(days))?;
        Some(format!("\"{written}\" is a spreadsheet's count of days, perhaps {date}: format the column as a date and save again"))
    })
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;

    fn check(look: fn(&str) -> Option<String>, written: &str, expect: Option<&str>) {
        let found = look(written);
        match expect {
            Some(part) => {
                assert!(found.as_ref().is_some_and(|said| said.contains(part)), "{written}: {found:?}")
            }
            None => assert_eq!(found, None, "{written}"),
        }
    }

    #[test]
    fn damaged_cells_are_known() {
        for look in [in_text, in_number, in_date] {
            check(look, "#N/A", Some("a formula has failed"));
            check(look, "#########", Some("too narrow"));
        }
        for written in ["1E+05", "1.00124E+12", "1,00124E+12"] {
            check(in_number, written, Some("cut short"));
        }
        check(in_date, "46085", Some("perhaps 2026-03-04"));
    }

    #[test]
    fn whole_cells_are_left_alone() {
        for written in ["", "#1 Main St", "##", "INV-1E+05", "12E+05", "1E05", "E+5", "1E+", "00124", "é"] {
            check(in_number, written, None);
        }
        for written in ["20260304", "12345", "2026-03-04", "460850", "é"] {
            check(in_date, written, None);
        }
    }
}
