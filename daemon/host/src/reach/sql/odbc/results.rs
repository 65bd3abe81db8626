//! The results of one statement, of which a procedure may have several. Every one is gone through to the end: what the database
//! refuses after the first is told only there, and some drivers run the rest only while it is asked for.

use odbc_api::handles::{Statement, StatementRef};
use odbc_api::{Cursor, CursorImpl, Error};

/// What the driver manager says of a function that a driver has not: there is one result then.
const NOT_THERE: &str = "IM001";

/// The first result with rows, from the one at which an executed statement stands.
#[allow(unsafe_code)]
pub(super) fn rows_from(
    mut statement: StatementRef<'_>,
) -> Result<Option<CursorImpl<StatementRef<'_>>>, Error> {
    while statement.num_result_cols().into_result(&statement)? == 0 {
        if !has_next(&mut statement)? {
            return Ok(None);
        }
    }
    // SAFETY: it stands at a result with columns, which is what a cursor goes through.
    Ok(Some(unsafe { CursorImpl::new(statement) }))
}

/// Goes through all results after the one at which the statement stands.
pub(super) fn to_the_end(mut statement: StatementRef<'_>) -> Result<(), Error> {
    while has_next(&mut statement)? {
        let Some(mut cursor) = rows_from(statement)? else { return Ok(()) };
        while cursor.next_row()?.is_some() {}
        // Not dropped, which would throw away what comes after it.
        statement = cursor.into_stmt();
    }
    Ok(())
}

#[allow(unsafe_code)]
fn has_next(statement: &mut StatementRef<'_>) -> Result<bool, Error> {
    // SAFETY: no buffer is bound to a column, since each value is fetched by itself.
    match unsafe { statement.more_results() }.into_result_bool(statement) {
        Err(Error::Diagnostics { record, .. }) if record.state.as_str() == NOT_THERE => Ok(false),
        told => told,
    }
}
