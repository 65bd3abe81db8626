//! What holds for every table, whatever is in it.

use super::*;
use proptest::prelude::*;
use remitd_plugin_sdk::chrono::{Datelike, NaiveDate};
use remitd_plugin_sdk::importer::{Conventions, Importer, Out, Source};
use remitd_plugin_sdk::{About, Context, Failure, mock};

/// A row of a format without a file.
#[derive(Debug, Clone)]
enum Step {
    Row(Vec<String>),
    Empty,
    Broken,
}

impl Cells for Vec<String> {
    fn text(&self, at: usize) -> &str {
        self.get(at).map_or("", |cell| cell.trim())
    }
}

struct Steps(Vec<Step>);

impl Importer for Steps {
    const ABOUT: About = About { name: "Steps", version: "0.1.0", settings_schema: "{}" };

    fn open() -> Result<Steps, Failure> {
        Ok(Steps(Vec::new()))
    }

    fn recognise(_: &str, _: &[u8]) -> u8 {
        0
    }

    fn read(
        &self,
        _: &Context,
        _: &mut Source<'_>,
        out: &mut Out<'_>,
        conventions: &Conventions,
    ) -> Result<u64, Failure> {
        let mut places = 0..;
        let mut table = Table::new(Columns::new(COLUMNS.len(), COLUMNS.map(|_| places.next())), conventions)?;
        for (line, step) in (1..).zip(&self.0) {
            assert!(!table.is_full(line, out)?);
            match step {
                Step::Row(cells) => table.row(line, cells, out)?,
                Step::Empty => table.empty(line),
                Step::Broken => table.broken(line, "", code::FIELDS, "it is broken", out)?,
            }
        }
        Ok(table.rows())
    }
}

fn cell() -> impl Strategy<Value = String> {
    prop_oneof![
        "\\PC{0,12}",
        "[$€(-]{0,2}[0-9.,' ]{1,9}[)€]?",
        "[0-9]{1,4}[-/.][0-9]{1,2}[-/.][0-9]{1,4}",
        Just("#N/A".to_owned()),
        Just("1E+05".to_owned()),
        Just(String::new()),
        Just("x".repeat(CELL_MAX_BYTES + 1)),
    ]
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => prop::collection::vec(cell(), 0..COLUMNS.len() + 1).prop_map(Step::Row),
        1 => Just(Step::Empty),
        1 => Just(Step::Broken),
    ]
}

fn order() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec!["mdy", "dmy", "ymd"])
}

proptest! {
    #[test]
    fn every_row_ends_somewhere(steps in prop::collection::vec(step(), 0..40), order in order(), mark in "[.,]") {
        let conventions =
            Conventions { date_order: order.to_owned(), decimal_mark: mark, ..mock::conventions("steps") };
        let read = mock::read(&Steps(steps.clone()), &[], 1, &conventions).unwrap();
        prop_assert!(read.adds_up(), "{:?}", read.codes());
        let last = steps.iter().rposition(|step| !matches!(step, Step::Empty)).map_or(0, |last| last + 1);
        prop_assert_eq!(read.rows, u64::try_from(last).unwrap(), "empty rows at the end are none");
        prop_assert!(read.taken().all(|row| row.amount_minor > 0));
    }

    #[test]
    fn an_amount_reads_as_it_was_written(minor in 0..i64::MAX, exponent in 0..4_u32, german in any::<bool>(), group in prop::sample::select(vec!["", "’", " "])) {
        let style = Style { mark: if german { ',' } else { '.' }, exponent, currency: "USD".to_owned() };
        let unit = 10_i64.pow(exponent);
        let whole = (minor / unit).to_string();
        let mut written = String::new();
        for (at, digit) in whole.chars().enumerate() {
            if at > 0 && (whole.len() - at).is_multiple_of(3) {
                written.push_str(group);
            }
            written.push(digit);
        }
        if exponent > 0 {
            let width = usize::try_from(exponent).unwrap();
            written.push_str(&format!("{}{:0width$}", style.mark, minor % unit));
        }
        prop_assert_eq!(style.read(&written), Ok(minor), "{}", written);
    }

    #[test]
    fn no_text_breaks_an_amount(written in cell(), exponent in 0..20_u32, mark in prop::sample::select(vec!['.', ','])) {
        let style = Style { mark, exponent, currency: "USD".to_owned() };
        if let Err(words) = style.read(&written) {
            prop_assert!(words.contains(&written));
        }
    }

    #[test]
    fn a_date_reads_as_it_was_written(days in -700_000..700_000_i32, order in order(), separator in "[-/.]") {
        let date = NaiveDate::from_epoch_days(days).unwrap();
        prop_assume!((1000..10_000).contains(&date.year()));
        let (year, month, day) = (date.year(), date.month(), date.day());
        let written = match order {
            "mdy" => format!("{month}{separator}{day}{separator}{year}"),
            "dmy" => format!("{day}{separator}{month}{separator}{year}"),
            _ => format!("{year}{separator}{month}{separator}{day}"),
        };
        prop_assert_eq!(Order::named(order).unwrap().read(&written), Ok(date), "{}", written);
        prop_assert_eq!(Order::named(order).unwrap().read(&date.to_string()), Ok(date));
    }

    #[test]
    fn no_text_breaks_a_date(written in cell(), order in order()) {
        if let Err(words) = Order::named(order).unwrap().read(&written) {
            prop_assert!(words.contains(&written));
        }
    }

    #[test]
    fn any_header_is_understood_or_said(
        names in prop::collection::vec(prop_oneof![
            "\\PC{0,8}",
            prop::sample::select(vec!["Amount", "e-mail", "NAME", "Inv. #", "balance", "due", "Client", "Betrag"]).prop_map(str::to_owned),
        ], 0..12),
        own in any::<bool>(),
    ) {
        let own = if own { vec![("Betrag".to_owned(), AMOUNT.to_owned())] } else { Vec::new() };
        let own = OwnNames::new(&own.into_iter().collect()).unwrap();
        let mut said = 0;
        let mut out = Out::new(|_| Ok(()), |found| { said += found.len(); Ok(()) });
        let header = Header { line: 1, names: &names, how: "" };
        let columns = Columns::find(&header, &own, &mut out).unwrap();
        out.finish().unwrap();
        drop(out);
        prop_assert_eq!(columns.is_some(), said == 0);
        if let Some(columns) = columns {
            let found = [columns.name, columns.email, columns.amount, columns.invoice, columns.due_date, columns.client];
            let mut places: Vec<usize> = found.into_iter().flatten().collect();
            prop_assert!(places.iter().all(|at| *at < names.len()));
            places.sort_unstable();
            prop_assert!(places.windows(2).all(|pair| pair[0] < pair[1]), "no cell is two columns");
            prop_assert_eq!(own.known(&names).required, 3);
        }
    }
}
