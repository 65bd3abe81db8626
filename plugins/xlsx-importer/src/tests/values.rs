//! What cells say: texts, numbers, money, dates.

use super::book::{Book, MAIN, STYLES, TEXTS, row, styles};
use super::*;
use crate::decimal::Decimal;
use proptest::prelude::*;
use remitd_plugin_sdk::chrono::{Days, NaiveDate};

/// What a cell of the message column says; style 1 and later have the codes.
fn says(cell: &str, codes: &[&str]) -> String {
    let book = Book::new(&row(2, &["R-1", "", "Jane Roe", "jane@example.com", "=1", cell]))
        .part(STYLES, styles(codes));
    let read = read(&book);
    assert_eq!(read.codes(), [""; 0], "{cell}");
    read.taken().next().unwrap().message.to_owned()
}

/// The amount of a cell, or the code of what is wrong with it.
fn amount(cell: &str) -> Result<i64, String> {
    let read = read(&Book::new(&row(2, &["R-1", "", "Jane Roe", "jane@example.com", cell])));
    match read.taken().next() {
        Some(row) => Ok(row.amount_minor),
        None => Err(read.codes().concat()),
    }
}

/// The due date of a cell of style 1.
fn due(cell: &str, code: &str, from_1904: bool) -> Result<Option<NaiveDate>, String> {
    let mut book = Book::new(&row(2, &["R-1", cell, "Jane Roe", "jane@example.com", "=1"]))
        .part(STYLES, styles(&[code]));
    if from_1904 {
        book = book.replace(MAIN, "<sheets>", "<workbookPr date1904=\"1\"/><sheets>");
    }
    let read = read(&book);
    read.taken().next().map(|row| row.due_date).ok_or_else(|| read.codes().concat())
}

#[test]
fn texts_are_put_together_and_escapes_undone() {
    let shared = |xml: &str, expect: &str| {
        let linked =
            Book::new(&row(2, &["R-1", "", "Jane Roe", "jane@example.com", "=1", "<c t=\"s\"><v>1</v></c>"]));
        let book = linked.part(TEXTS, format!("<sst><si><t>other</t></si><si>{xml}</si></sst>"));
        let outcome = read(&book);
        assert_eq!(outcome.codes(), [""; 0], "{xml}");
        assert_eq!(outcome.taken().next().unwrap().message, expect, "{xml}");
        assert_eq!(says(&format!("<c t=\"inlineStr\"><is>{xml}</is></c>"), &[]), expect, "{xml}");
    };
    shared("<t>Jane &amp; Joe &#233;&#xe9; &lt;</t>", "Jane & Joe éé <");
    shared("<r><rPr><b/></rPr><t xml:space=\"preserve\">Jane </t></r><r><t>Roe</t></r>", "Jane Roe");
    shared("<t>東京</t><rPh sb=\"0\" eb=\"2\"><t>トウキョウ</t></rPh><phoneticPr fontId=\"1\"/>", "東京");
    shared("<t xml:space=\"preserve\"> two\nlines </t>", "two\nlines");
    shared("<t>a_x000D_b _x0041_ _x005F_x0041_ _xZZZZ_ _x41_ _x_</t>", "a\rb A _x0041_ _xZZZZ_ _x41_ _x_");
    shared("<t><![CDATA[<b> & c]]></t>", "<b> & c");
    shared("<t/>", "");
    assert_eq!(says("<c t=\"str\"><f>A1</f><v>a_x0041_ &amp; b</v></c>", &[]), "aA & b");
}

#[test]
fn numbers_in_texts_are_what_the_sheet_shows() {
    for (cell, expect) in [
        ("=1001", "1001"),
        ("=1001.0", "1001"),
        ("=1.001E3", "1001"),
        ("=-5", "-5"),
        ("=0.5", "0.5"),
        ("=0", "0"),
        ("=1E-7", "0.0000001"),
        ("=123456789012345", "123456789012345"),
        ("=12345678901234567", "1.23456789012346E+16"),
        ("=1E+300", "1E+300"),
        ("=ten", "ten"),
        ("#1=124", "00124"),
        ("#1=1234567", "1234567"),
        ("#1=12.5", "12.5"),
        ("#2=124", "INV-0124"),
        ("#3=123456789", "123-45-6789"),
        ("#4=1234.5", "1234.5"),
        ("#5=1001", "1001"),
        ("#6=1001", "1001"),
        ("#7=46234", "07/31/2026"),
        ("#7=46234.75", "07/31/2026 18:00:00"),
        ("#8=0.75", "18:00:00"),
        ("#9=124", "00124"),
        ("<c t=\"b\"><v>1</v></c>", "TRUE"),
        ("<c t=\"b\"><v>0</v></c>", "FALSE"),
        ("<c t=\"d\"><v>2026-07-31T00:00:00</v></c>", "07/31/2026"),
    ] {
        let codes = [
            "00000",
            "\"INV-\"0000",
            "000-00-0000",
            "#,##0.00",
            "General",
            "0",
            "yyyy\\-mm\\-dd",
            "[h]:mm",
            "[Red]00000;\"day\"",
        ];
        assert_eq!(says(cell, &codes), expect, "{cell}");
    }
}

#[test]
fn numbers_are_the_money_that_was_meant() {
    for (cell, expect) in [
        ("=15030.1", 1_503_010),
        ("=0.28999999999999998", 29),
        ("=0.30000000000000004", 30),
        ("=99.9999999999986", 10_000),
        ("=1E+3", 100_000),
        ("=1.5E-1", 15),
        ("=9999999999999.99", 999_999_999_999_999),
        ("$1,234.56", 123_456),
    ] {
        assert_eq!(amount(cell), Ok(expect), "{cell}");
    }
    for (cell, code) in [
        ("=12.345", "2:Amount:REMIT-0202"),
        ("=33.333333333333336", "2:Amount:REMIT-0202"),
        ("=1.005", "2:Amount:REMIT-0202"),
        ("=0.001", "2:Amount:REMIT-0202"),
        ("=0", "2:Amount:REMIT-0204"),
        ("=-12", "2:Amount:REMIT-0204"),
        ("=1E+300", "2:Amount:REMIT-0219"),
        ("<c t=\"e\"><v>#N/A</v></c>", "2:Amount:REMIT-0219"),
        ("<c t=\"e\"><f>1/0</f><v>#DIV/0!</v></c>", "2:Amount:REMIT-0219"),
        ("<c t=\"b\"><v>1</v></c>", "2:Amount:REMIT-0202"),
        ("<c t=\"d\"><v>2026-07-31</v></c>", "2:Amount:REMIT-0202"),
    ] {
        assert_eq!(amount(cell), Err(code.to_owned()), "{cell}");
    }
}

#[test]
fn dates_are_known_by_their_format() {
    let july = NaiveDate::from_ymd_opt(2026, 7, 31);
    for code in
        ["yyyy-mm-dd", "d. mmm yy", "[$-409]mmmm d, yyyy;@", "m/d/yy h:mm", "ggge\"年\"m\"月\"d\"日\""]
    {
        assert_eq!(due("#1=46234", code, false), Ok(july), "{code}");
    }
    assert_eq!(due("#1=44772", "d/m/yy", true), Ok(july));
    assert_eq!(due("#1=1", "d/m/yy", false), Ok(NaiveDate::from_ymd_opt(1900, 1, 1)));
    assert_eq!(due("#1=59", "d/m/yy", false), Ok(NaiveDate::from_ymd_opt(1900, 2, 28)));
    assert_eq!(due("#1=61", "d/m/yy", false), Ok(NaiveDate::from_ymd_opt(1900, 3, 1)));
    assert_eq!(due("#1=46233.9999999999", "d/m/yy", false), Ok(july), "off by less than a second");
    for cell in ["#1=60", "#1=0", "#1=46234.5", "#1=-3", "#1=1E+9", "#1=3000000"] {
        assert_eq!(due(cell, "d/m/yy", false), Err("2:Due Date:REMIT-0205".to_owned()), "{cell}");
    }
    for code in ["General", "0", "#,##0", "\"d\"0", "0.00E+00", "[Red]0", "\\d0", "_d0", "General\" days\""] {
        let refused = due("#1=46234", code, false).unwrap_err();
        assert!(
            refused == "2:Due Date:REMIT-0219" || refused == "2:Due Date:REMIT-0205",
            "{code}: {refused}"
        );
    }
    assert_eq!(due("=20260731", "", false), Ok(july), "ISO without marks is no count of days");
    assert_eq!(due("<c t=\"d\"><v>2026-07-31</v></c>", "", false), Ok(july));
}

#[test]
fn a_firm_with_decimal_commas_sees_its_own() {
    install(Services::default());
    let conventions = Conventions {
        decimal_mark: ",".to_owned(),
        date_order: "dmy".to_owned(),
        ..mock::conventions("juni.xlsx")
    };
    let rows = [
        row(2, &["=1.5", "#1=46234", "Jane", "jane@example.com", "=15030.1", "#1=46234"]),
        row(3, &["", "31.07.2026", "Ann", "a@x.y", "=1.234"]),
    ];
    let file = Book::new(&rows.concat()).part(STYLES, styles(&["d/m/yy"])).bytes();
    let read = mock::read(&XlsxImporter::open().unwrap(), &file, usize::MAX, &conventions).unwrap();
    assert_eq!(drafts(&read), ["2:1503010:1,5:Jane:jane@example.com:31/07/2026"]);
    assert_eq!(
        (read.codes(), read.findings[0].value.as_str()),
        (vec!["3:Amount:REMIT-0202".to_owned()], "1,234")
    );
}

fn decimal(written: &str) -> String {
    let mut text = String::new();
    Decimal::read(written).unwrap().write('.', &mut text);
    text
}

proptest! {
    /// Whatever binary fraction is nearest to an amount, written as spreadsheets write it.
    #[test]
    #[allow(clippy::float_arithmetic)]
    fn an_amount_comes_back_from_its_binary_fraction(minor in -1_000_000_000_000_i64..1_000_000_000_000, exponent in 0..4_u32) {
        let unit = 10_f64.powi(i32::try_from(exponent).unwrap());
        let float = minor as f64 / unit;
        for written in [format!("{float}"), format!("{float:.16e}"), format!("{float:?}")] {
            prop_assert_eq!(Decimal::read(&written).unwrap().minor(exponent), Some(minor), "{}", written);
        }
    }

    #[test]
    fn a_number_of_few_digits_is_written_as_it_was(whole in 0..10_000_000_u64, fraction in 0..100_000_u64) {
        let written = format!("{whole}.{fraction:05}");
        let plain = written.trim_end_matches('0').trim_end_matches('.');
        prop_assert_eq!(decimal(&written), plain);
    }

    #[test]
    fn no_text_breaks_a_number(written in "[-+0-9.eE]{0,40}", exponent in 0..20_u32) {
        if let Some(number) = Decimal::read(&written) {
            let _ = (number.minor(exponent), number.whole(), number.days_and_seconds());
            let mut text = String::new();
            number.write(',', &mut text);
            prop_assert!(!text.is_empty());
        }
    }

    #[test]
    fn a_day_comes_back_from_its_number(days in 61..2_958_465_u64) {
        let date = NaiveDate::from_ymd_opt(1899, 12, 30).unwrap().checked_add_days(Days::new(days));
        prop_assert_eq!(due(&format!("#1={days}"), "yyyy-mm-dd", false), Ok(date));
    }
}
