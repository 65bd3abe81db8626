//! Statements that several payers share: a row for each payer, one after another, with the payer's `share` in percent. Owns how
//! rows become statements, and that shares make a whole.

use crate::answer::{Answer, Row, WHOLE};
use remitd_plugin_sdk::Failure;
use remitd_plugin_sdk::connector::{Payer, Statement};
use remitd_plugin_sdk::rust_decimal::Decimal;
use remitd_plugin_sdk::rust_decimal::prelude::ToPrimitive;

/// What rounding thirds to two decimals takes from a payer's share, in percent.
const ROUNDED: Decimal = Decimal::from_parts(1, 0, 0, false, 2);

/// Each statement with its first row.
pub fn statements<'a>(found: &'a Answer<'a>) -> Result<Vec<(Statement, Row<'a>)>, Failure> {
    if !found.is_shared() {
        return found.take_rows().map(|mut row| Ok((row.statement()?, row))).collect();
    }
    let mut groups: Vec<(Statement, Vec<Row<'a>>)> = Vec::new();
    for row in found.take_rows() {
        let statement = row.clone().statement()?;
        match groups.last_mut() {
            Some((last, rows)) if last.number == statement.number => rows.push(row),
            _ => groups.push((statement, vec![row])),
        }
    }
    groups.into_iter().map(|(statement, rows)| shared(found, statement, rows)).collect()
}

fn shared<'a>(
    found: &Answer<'a>,
    mut statement: Statement,
    mut rows: Vec<Row<'a>>,
) -> Result<(Statement, Row<'a>), Failure> {
    let number = &statement.number;
    let Some(first) = rows.first().cloned() else {
        return Err(found.refuse("shares", "a statement without a row"));
    };
    if rows.len() == 1 && first.share()?.is_none_or(|share| share == Decimal::ONE_HUNDRED) {
        return Ok((statement, first));
    }
    let mut payers: Vec<Payer> = Vec::new();
    let mut shares = Vec::new();
    for row in &mut rows {
        let payer = row.sharer()?;
        if payer.id.is_empty() || payers.iter().any(|known| known.id == payer.id) {
            let why = format!(
                "two rows of statement {number} are of the same payer \"{}\": give each a payer_id of its own",
                payer.id
            );
            return Err(found.refuse("shares", &why));
        }
        payers.push(payer);
        shares.push(row.share()?.unwrap_or_default());
    }
    let whole: Decimal = shares.iter().sum();
    if (whole - Decimal::ONE_HUNDRED).abs() > ROUNDED * Decimal::from(shares.len()) {
        let why = format!("the shares of statement {number} make {whole} percent, not 100");
        return Err(found.refuse("shares", &why));
    }
    // What rounding leaves over goes from one payer to the next, so that the parts make the whole.
    let (mut sum, mut given) = (Decimal::ZERO, 0);
    for (payer, share) in payers.iter_mut().zip(shares) {
        sum += share;
        let upto = (sum * Decimal::from(WHOLE) / whole).round().to_u32().unwrap_or(WHOLE);
        payer.share = upto.saturating_sub(given);
        given = upto;
    }
    statement.payers = payers;
    Ok((statement, first))
}
