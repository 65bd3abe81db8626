//! `:name` parameters: finds them in a statement's text and writes the database's own in their place. Knows where a colon is no
//! parameter: in strings, quoted names, comments, casts. Lets through one statement that reads or writes rows and refuses all
//! that would change the connection, the schema or a file.
//!
//! MySQL is read as the standard has it, since `mysql.rs` sets its sessions so: a text ends at its quote, whatever backslash
//! stands before it, and `"` quotes a name. What MySQL alone would read otherwise (`#`, `--x`, `/*! … */`) is refused. So a
//! plugin may look for names without knowing the database. Behind ODBC stands any database: what two of them would read
//! differently is refused, and no comment goes to a driver, which may look for marks in it. SQL Server is read the same way.
//! A lone carriage return ends a `--` comment for PostgreSQL and for nobody else who is known here.

use super::words;
use crate::wit::sql::{Param, Statement, Value};
use crate::wit::types::Failure;

const TEXT_MAX_BYTES: usize = 256 << 10;
const PARAMS_MOST: usize = 1_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Sqlite,
    Postgres,
    MySql,
    MsSql,
    Odbc,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
}

/// A statement in the database's own writing, with its values in the order of its marks.
#[derive(Debug)]
pub(super) struct Bound<'a> {
    pub text: String,
    pub values: Vec<(&'a str, &'a Value)>,
}

/// Rewrites a statement and binds what it names.
pub(super) fn bind(statement: &Statement, dialect: Dialect, access: Access) -> Result<Bound<'_>, Failure> {
    if statement.text.len() > TEXT_MAX_BYTES || statement.params.len() > PARAMS_MOST {
        let message = "a statement has at most 256 KiB of text and 1,000 parameters";
        return Err(Failure::invalid("statement-too-large", message));
    }
    let (text, names) = rewrite(&statement.text, dialect, access).map_err(|fault| {
        Failure::invalid("statement", format!("{fault}, in: {}", excerpt(&statement.text)))
    })?;
    let mut values = Vec::with_capacity(names.len());
    for name in &names {
        let given: Option<&Param> = statement.params.iter().find(|param| param.name == *name);
        let given = given.ok_or_else(|| {
            Failure::invalid("parameter-missing", format!("the statement names :{name}, which was not given"))
        })?;
        values.push((given.name.as_str(), &given.value));
    }
    for (at, param) in statement.params.iter().enumerate() {
        if !names.contains(&param.name) {
            let message =
                format!("parameter \"{}\" was given, which the statement does not name", param.name);
            return Err(Failure::invalid("parameter-unknown", message));
        }
        if statement.params.iter().take(at).any(|earlier| earlier.name == param.name) {
            return Err(Failure::invalid(
                "parameter-twice",
                format!("parameter \"{}\" was given twice", param.name),
            ));
        }
    }
    Ok(Bound { text, values })
}

/// Whether a statement calls a procedure. One that does not read is refused when it is bound.
pub(super) fn calls(text: &str, dialect: Dialect) -> bool {
    let mut scanner = Scanner { rest: text, out: String::new(), dialect, before: ' ' };
    let mut pieces = std::iter::from_fn(|| scanner.next().ok().flatten());
    let first = pieces.find_map(|piece| if let Piece::Word(word) = piece { Some(word) } else { None });
    first.is_some_and(|word| words::calls(dialect, word))
}

/// How a statement begins: enough to know it by, and the comment in which its author says what it is for.
pub(super) fn excerpt(text: &str) -> &str {
    text.get(..text.floor_char_boundary(80)).unwrap_or_default().trim()
}

/// The text with the database's marks, and the names that they stand for, in order.
fn rewrite(text: &str, dialect: Dialect, access: Access) -> Result<(String, Vec<String>), String> {
    let mut scanner =
        Scanner { rest: text, out: String::with_capacity(text.len() + 16), dialect, before: ' ' };
    let mut names: Vec<String> = Vec::new();
    let mut ended = false;
    let mut first_word = None;
    while let Some(piece) = scanner.next()? {
        if ended && piece != Piece::Blank {
            return Err("there is a second statement after the semicolon: give one at a time".to_owned());
        }
        match piece {
            Piece::Blank | Piece::Other => {}
            Piece::End => ended = true,
            Piece::Word(word) if first_word.is_none() => {
                words::begins(dialect, access, word)?;
                first_word = Some(word);
            }
            Piece::Word(word) => words::bare(dialect, access, word)?,
            Piece::Quoted(name) => words::quoted(dialect, name)?,
            Piece::Param(name) => scanner.out.push_str(&mark(dialect, &mut names, name)),
        }
    }
    if first_word.is_none() {
        words::begins(dialect, access, "")?;
    }
    Ok((scanner.out, names))
}

/// What stands for a name: its number, or a mark for each use.
fn mark(dialect: Dialect, names: &mut Vec<String>, name: &str) -> String {
    let by_number = !matches!(dialect, Dialect::MySql | Dialect::Odbc);
    let known = names.iter().position(|known| known == name).filter(|_| by_number);
    let at = known.unwrap_or_else(|| {
        names.push(name.to_owned());
        names.len() - 1
    });
    match dialect {
        Dialect::Sqlite => format!("?{}", at + 1),
        Dialect::Postgres => format!("${}", at + 1),
        Dialect::MsSql => format!("@P{}", at + 1),
        Dialect::MySql | Dialect::Odbc => "?".to_owned(),
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Piece<'a> {
    /// Space or a comment.
    Blank,
    Word(&'a str),
    /// A quoted name, without its quotes.
    Quoted(&'a str),
    /// Left out of `out`.
    Param(&'a str),
    /// The semicolon.
    End,
    Other,
}

struct Scanner<'a> {
    rest: &'a str,
    out: String,
    dialect: Dialect,
    /// The character before `rest`.
    before: char,
}

impl<'a> Scanner<'a> {
    fn next(&mut self) -> Result<Option<Piece<'a>>, String> {
        let rest = self.rest;
        let Some(first) = rest.chars().next() else { return Ok(None) };
        let (sqlite, postgres) = (self.dialect == Dialect::Sqlite, self.dialect == Dialect::Postgres);
        let odbc = matches!(self.dialect, Dialect::MsSql | Dialect::Odbc);
        if odbc || self.dialect == Dialect::MySql {
            only_the_standard(rest)?;
        }
        if odbc && let Some(length) = read_alike(rest)? {
            self.out.push(' ');
            self.skip(length);
            return Ok(Some(Piece::Blank));
        }
        let piece = match first {
            c if c.is_whitespace() => self.copy(c.len_utf8(), Piece::Blank),
            '-' if rest.starts_with("--") => self.copy(line_comment(rest, postgres), Piece::Blank),
            '/' if rest.starts_with("/*") => self.copy(comment_end(rest, postgres)?, Piece::Blank),
            '\'' => self.copy(quote_end(rest, '\'', postgres && self.before_is_escape_mark())?, Piece::Other),
            '"' | '`' if first == '"' || !postgres => {
                let end = quote_end(rest, first, false)?;
                self.copy(end, Piece::Quoted(rest.get(1..end - 1).unwrap_or_default()))
            }
            '[' if sqlite || odbc => {
                let end = rest.find(']').ok_or("a name in [] does not end")?;
                self.copy(end + 1, Piece::Quoted(rest.get(1..end).unwrap_or_default()))
            }
            '$' if postgres => match dollar_quote(rest)? {
                Some(length) => self.copy(length, Piece::Other),
                None => return Err(not_ours("$")),
            },
            ':' if rest.starts_with("::") || rest.starts_with(":=") => self.copy(2, Piece::Other),
            ':' if name_length(rest.get(1..).unwrap_or_default()) > 0 => {
                let length = 1 + name_length(rest.get(1..).unwrap_or_default());
                let name = rest.get(1..length).unwrap_or_default();
                self.skip(length);
                Piece::Param(name)
            }
            // A procedure's own name for a parameter, in SQL Server.
            '@' if odbc && name_length(rest.get(1..).unwrap_or_default()) > 0 => self.copy(1, Piece::Other),
            '?' | '@' | '$' | '#' if !postgres => return Err(not_ours(&first.to_string())),
            ';' => self.copy(1, Piece::End),
            c if c.is_alphabetic() || c == '_' => {
                let length = rest.find(|c: char| !is_name(c) && c != '$').unwrap_or(rest.len());
                self.copy(length, Piece::Word(rest.get(..length).unwrap_or_default()))
            }
            // A number takes its letters with it, as in 0x1f or 1e5.
            c if c.is_ascii_digit() => {
                self.copy(rest.find(|c: char| !is_name(c)).unwrap_or(rest.len()), Piece::Other)
            }
            c => self.copy(c.len_utf8(), Piece::Other),
        };
        Ok(Some(piece))
    }

    fn copy(&mut self, length: usize, piece: Piece<'a>) -> Piece<'a> {
        self.out.push_str(self.rest.get(..length).unwrap_or_default());
        self.skip(length);
        piece
    }

    fn skip(&mut self, length: usize) {
        let (taken, rest) = self.rest.split_at_checked(length).unwrap_or((self.rest, ""));
        self.before = taken.chars().next_back().unwrap_or(self.before);
        self.rest = rest;
    }

    /// Whether the quote that follows is PostgreSQL's `E'…'`: the word before it is a lone E.
    fn before_is_escape_mark(&self) -> bool {
        let mut back = self.out.chars().rev();
        matches!(back.next(), Some('e' | 'E')) && !back.next().is_some_and(|c| is_name(c) || c == '$')
    }
}

/// Refuses what only MySQL reads so: a comment that nobody else takes for one, or that is executed.
fn only_the_standard(rest: &str) -> Result<(), String> {
    let after_dashes = rest.strip_prefix("--").and_then(|after| after.bytes().next());
    if after_dashes.is_some_and(|next| !next.is_ascii_whitespace() && !next.is_ascii_control()) {
        return Err("MySQL takes -- for a comment only before a blank".to_owned());
    }
    if rest.starts_with('#') {
        return Err("a comment is written /* so */ or after --, not after #".to_owned());
    }
    if ["/*!", "/*M!", "/*+"].iter().any(|begin| rest.starts_with(begin)) {
        return Err("a comment that the server executes may not be used here".to_owned());
    }
    if rest.starts_with(":=") {
        return Err("a statement sets no variable".to_owned());
    }
    Ok(())
}

/// Refuses what databases behind ODBC read differently: a backslash within quotes, a name that could be something else, comments
/// within comments. Gives the length of a comment, which is left out.
fn read_alike(rest: &str) -> Result<Option<usize>, String> {
    let inside = |close: char| {
        let inner = rest.get(1..).unwrap_or_default();
        inner.split(close).next().unwrap_or_default()
    };
    match rest.chars().next() {
        Some(quote @ ('\'' | '"')) => {
            let end = quote_end(rest, quote, false)?;
            if rest.get(..end).is_some_and(|quoted| quoted.contains('\\')) {
                return Err(
                    "a backslash within quotes is read differently: give the text as a parameter".to_owned()
                );
            }
        }
        Some(open @ ('[' | '`')) => {
            let name = inside(if open == '[' { ']' } else { '`' });
            if name.is_empty() || !name.chars().all(|c| is_name(c) || matches!(c, ' ' | '.' | '-')) {
                return Err(format!(
                    "what stands in {open} is read differently: quote the name with \" instead"
                ));
            }
        }
        Some('-') if rest.starts_with("--") => {
            let end = line_comment(rest, true);
            if rest.get(end..).is_some_and(|after| after.starts_with('\r') && !after.starts_with("\r\n")) {
                return Err(
                    "a comment that ends at a lone carriage return is read differently: end it with a line feed"
                        .to_owned(),
                );
            }
            return Ok(Some(end));
        }
        Some('/') if rest.starts_with("/*") => {
            let end = comment_end(rest, false)?;
            if rest.get(2..end).is_some_and(|inner| inner.contains("/*")) {
                return Err("a comment within a comment is read differently".to_owned());
            }
            return Ok(Some(end));
        }
        _ => {}
    }
    Ok(None)
}

fn not_ours(mark: &str) -> String {
    format!("parameters are written :name, not with {mark}")
}

fn is_name(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Bytes of the name that `text` begins with.
fn name_length(text: &str) -> usize {
    if !text.starts_with(|c: char| c.is_alphabetic() || c == '_') {
        return 0;
    }
    text.find(|c: char| !is_name(c)).unwrap_or(text.len())
}

/// Bytes up to the end of what `quote` begins; a doubled quote goes on.
fn quote_end(text: &str, quote: char, backslash: bool) -> Result<usize, String> {
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        if c == '\\' && backslash {
            chars.next();
        } else if c == quote && chars.next_if(|(_, next)| *next == quote).is_none() {
            return Ok(at + c.len_utf8());
        }
    }
    Err(format!("what {quote} begins does not end"))
}

/// Bytes of what `--` begins, up to the end of its line. For PostgreSQL a carriage return ends it too, so that what follows is read.
fn line_comment(text: &str, carriage_return: bool) -> usize {
    text.find(|c| c == '\n' || carriage_return && c == '\r').unwrap_or(text.len())
}

/// PostgreSQL's comments nest.
fn comment_end(text: &str, nests: bool) -> Result<usize, String> {
    let mut depth = 0_usize;
    let mut at = 0;
    while let Some(rest) = text.get(at..) {
        if rest.starts_with("/*") && (nests || depth == 0) {
            depth += 1;
            at += 2;
        } else if rest.starts_with("*/") {
            depth -= 1;
            at += 2;
            if depth == 0 {
                return Ok(at);
            }
        } else {
            let Some(c) = rest.chars().next() else { break };
            at += c.len_utf8();
        }
    }
    Err("a comment does not end".to_owned())
}

/// Bytes of a `$tag$ … $tag$` string; none when the dollar begins none.
fn dollar_quote(text: &str) -> Result<Option<usize>, String> {
    let inner = text.get(1..).unwrap_or_default();
    let tag = name_length(inner);
    if !inner.get(tag..).unwrap_or_default().starts_with('$') {
        return Ok(None);
    }
    let mark_bytes = tag + 2;
    let mark = text.get(..mark_bytes).unwrap_or_default();
    let body = text.get(mark_bytes..).unwrap_or_default();
    match body.find(mark) {
        Some(at) => Ok(Some(mark_bytes + at + mark_bytes)),
        None => Err(format!("what {mark} begins does not end")),
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use Access::{Read, Write};
    use Dialect::{MsSql, MySql, Odbc, Postgres, Sqlite};

    fn check(dialect: Dialect, text: &str, expect: &str, names: &[&str]) {
        let (out, found) = rewrite(text, dialect, Write).unwrap_or_else(|error| panic!("{text}: {error}"));
        assert_eq!((out.as_str(), found), (expect, names.iter().map(|n| (*n).to_owned()).collect()));
    }

    #[test]
    fn names_become_numbers() {
        check(Sqlite, "SELECT :a, :b_1, :a", "SELECT ?1, ?2, ?1", &["a", "b_1"]);
        check(Postgres, "SELECT :a::int, x::text, :b", "SELECT $1::int, x::text, $2", &["a", "b"]);
        check(Postgres, "select a[1:2] from t where b=:ä", "select a[1:2] from t where b=$1", &["ä"]);
        check(MySql, "SELECT :a, :b_1, :a", "SELECT ?, ?, ?", &["a", "b_1", "a"]);
        check(Odbc, "SELECT :a, :b_1, :a::int", "SELECT ?, ?, ?::int", &["a", "b_1", "a"]);
        check(Odbc, "EXEC pay @key = :k", "EXEC pay @key = ?", &["k"]);
        check(MsSql, "EXEC pay @key = :k, @again = :k", "EXEC pay @key = @P1, @again = @P1", &["k"]);
        check(Odbc, "{call pay(:k)}", "{call pay(?)}", &["k"]);
        check(Sqlite, "UPDATE t SET a=:a;  -- done :x", "UPDATE t SET a=?1;  -- done :x", &["a"]);
    }

    #[test]
    fn what_is_quoted_or_commented_stays() {
        for text in [
            "SELECT ':a', 'it''s :b', \":c\" -- :d",
            "SELECT 1 /* :a ' */ , ':b'",
            "SELECT 'back\\', 1",
            "SELECT '12:30', 1e5",
        ] {
            check(Sqlite, text, text, &[]);
            check(Postgres, text, text, &[]);
            check(MySql, text, text, &[]);
        }
        check(MySql, "SELECT `a``:b`, N'\\', \"c\\\", :d", "SELECT `a``:b`, N'\\', \"c\\\", ?", &["d"]);
        check(
            MySql,
            "SELECT /* /* # */ :b --\t:c\n, 5 - -3 --",
            "SELECT /* /* # */ ? --\t:c\n, 5 - -3 --",
            &["b"],
        );
        check(MySql, "SELECT 'GET_LOCK', outfiles", "SELECT 'GET_LOCK', outfiles", &[]);
        check(
            Odbc,
            "SELECT 'it''s :b', \":c\", [d e], `f` -- :d",
            "SELECT 'it''s :b', \":c\", [d e], `f`  ",
            &[],
        );
        check(Odbc, "SELECT 1/* :a ' ? */, 'commit'", "SELECT 1 , 'commit'", &[]);
        check(Sqlite, "SELECT [a:b], `c:d`", "SELECT [a:b], `c:d`", &[]);
        check(Sqlite, "SELECT 1 -- :a\r, :b\n, :c", "SELECT 1 -- :a\r, :b\n, ?1", &["c"]);
        check(MySql, "SELECT 1 -- :a\r, :b\n, :c", "SELECT 1 -- :a\r, :b\n, ?", &["c"]);
        check(Postgres, "SELECT 1 -- :a\r, :b\n, :c", "SELECT 1 -- :a\r, $1\n, $2", &["b", "c"]);
        check(Odbc, "SELECT 1 -- :a\r\n, :c", "SELECT 1  \r\n, ?", &["c"]);
        check(Postgres, "SELECT $$ :a $$, $t$ $$ :b $t$", "SELECT $$ :a $$, $t$ $$ :b $t$", &[]);
        check(Postgres, "SELECT E'\\':a', :b", "SELECT E'\\':a', $1", &["b"]);
        check(Postgres, "SELECT type'x\\', :b", "SELECT type'x\\', $1", &["b"]);
        check(Postgres, "SELECT /* /* */ :a */ :b", "SELECT /* /* */ :a */ $1", &["b"]);
        check(Sqlite, "SELECT /* /* */ :b", "SELECT /* /* */ ?1", &["b"]);
        check(Postgres, "SELECT a ? 'k', b @> c", "SELECT a ? 'k', b @> c", &[]);
    }

    #[test]
    fn what_is_refused() {
        for (dialect, access, text) in [
            (Sqlite, Read, "DELETE FROM t"),
            (Sqlite, Read, ""),
            (Sqlite, Read, "-- nothing"),
            (Sqlite, Read, "CALL pay()"),
            (Postgres, Read, "EXEC pay"),
            (MySql, Read, "EXECUTE pay"),
            (Sqlite, Write, "PRAGMA query_only=0"),
            (Sqlite, Write, "ATTACH 'remitd.db' AS x"),
            (Sqlite, Write, "VACUUM INTO '/tmp/x'"),
            (Sqlite, Write, "/* SELECT */ DROP TABLE t"),
            (Sqlite, Read, "SELECT 1; DELETE FROM t"),
            (Sqlite, Read, "SELECT 1;;SELECT 2"),
            (Sqlite, Read, "SELECT ?"),
            (Sqlite, Read, "SELECT ?1"),
            (Sqlite, Read, "SELECT @a"),
            (Sqlite, Read, "SELECT $a"),
            (Sqlite, Read, "SELECT 'open"),
            (Sqlite, Read, "SELECT 1 /* open"),
            (Postgres, Read, "SELECT $1"),
            (Postgres, Read, "SELECT $a$ open"),
            (Postgres, Write, "SET statement_timeout = 0"),
            (Postgres, Write, "COMMIT"),
            (Postgres, Write, "COPY t TO PROGRAM 'x'"),
            (Postgres, Write, "DO $$ BEGIN END $$"),
            (Postgres, Write, "--\rCOMMIT /*\nSELECT 1 */"),
            (Postgres, Read, "SELECT 1 -- one\r; SELECT 2"),
            (MySql, Read, "SELECT 1 # one"),
            (MySql, Read, "SELECT 5--3"),
            (MySql, Read, "SELECT 1 --\u{a0}, 2"),
            (MySql, Read, "SELECT 1 /*! INTO OUTFILE 'x' */"),
            (MySql, Read, "SELECT 1 /*M! + 1 */"),
            (MySql, Read, "SELECT /*+ SET_VAR(sql_mode = '') */ 1"),
            (MySql, Read, "SELECT 1 INTO OUTFILE 'x'"),
            (MySql, Write, "TABLE t INTO/**/dumpfile 'x'"),
            (MySql, Read, "SELECT load_file('x')"),
            (MySql, Read, "SELECT `Load_File` ('x')"),
            (MySql, Read, "SELECT \"load_file\"('x')"),
            (MySql, Read, "SELECT get_lock('x', 1)"),
            (MySql, Read, "SELECT @a"),
            (MySql, Read, "SELECT @@sql_mode"),
            (MySql, Read, "SELECT a := 1"),
            (MySql, Read, "SELECT ?"),
            (MySql, Write, "CALL pay(1)"),
            (MySql, Write, "LOAD DATA INFILE 'x' INTO TABLE t"),
            (MySql, Write, "SET sql_mode = ''"),
            (MySql, Write, "START TRANSACTION"),
            (MySql, Write, "HANDLER t OPEN"),
        ] {
            assert!(rewrite(text, dialect, access).is_err(), "{text}");
        }
    }

    #[test]
    fn what_is_refused_since_no_database_would() {
        for (dialect, access, text) in [
            (Odbc, Read, "SELECT 'a\\', 1"),
            (Odbc, Read, "SELECT [a'b]"),
            (Odbc, Read, "SELECT x[1:2]"),
            (Odbc, Read, "SELECT `a\\`"),
            (Odbc, Read, "SELECT $$ a $$"),
            (Odbc, Read, "SELECT 1 # one"),
            (Odbc, Read, "SELECT 5--3"),
            (Odbc, Read, "SELECT /* /* */ 1"),
            (Odbc, Write, "--\rCOMMIT /*\nSELECT 1 */"),
            (MsSql, Write, "UPDATE t SET a = 1 -- one\rWHERE b = :b"),
            (Odbc, Read, "SELECT ?"),
            (Odbc, Read, "SELECT 1; SELECT 2"),
            (Odbc, Read, "SELECT 1 DELETE FROM t"),
            (Odbc, Read, "SELECT a INTO b FROM t"),
            (Odbc, Read, "WITH x AS (SELECT 1) UPDATE t SET a = 1"),
            (Odbc, Read, "SELECT 1 EXEC pay"),
            (Odbc, Read, "EXEC pay DELETE FROM t"),
            (Odbc, Write, "UPDATE t SET a = 1 COMMIT"),
            (Odbc, Write, "DELETE FROM t DROP TABLE t"),
            (Odbc, Write, "SELECT [load_file]('x')"),
            (MsSql, Read, "SELECT 1 EXEC pay"),
            (MsSql, Read, "SELECT * FROM OPENROWSET('x')"),
            (MsSql, Read, "SELECT a INTO #b FROM t"),
            (MsSql, Write, "INSERT INTO t VALUES (1) SET XACT_ABORT OFF"),
            (MsSql, Write, "EXEC pay ROLLBACK"),
            (Odbc, Write, "BEGIN"),
            (Odbc, Write, "PRAGMA query_only = 0"),
        ] {
            assert!(rewrite(text, dialect, access).is_err(), "{text}");
        }
    }

    #[test]
    fn a_procedure_is_known_by_its_first_word() {
        for (dialect, text, expect) in [
            (MsSql, "/* bills */ EXEC open_bills @after = :after", true),
            (MsSql, "SELECT 1 EXEC open_bills", false),
            (Odbc, "call open_bills(:after)", true),
            (Odbc, "{call open_bills(:after)}", true),
            (Postgres, "(SELECT 1)", false),
            (MySql, "-- bills\nCALL open_bills(:after)", true),
            (MySql, "EXEC open_bills", false),
            (Postgres, "CALL open_bills(:after)", true),
            (Postgres, "SELECT * FROM open_bills(:after)", false),
            (Sqlite, "CALL open_bills()", false),
            (Odbc, "/* open", false),
        ] {
            assert_eq!(calls(text, dialect), expect, "{dialect:?} {text}");
        }
    }

    #[test]
    fn values_fit_the_names() {
        let param = |name: &str| Param { name: name.into(), value: Value::Null };
        let code = |params: Vec<Param>| {
            let statement = Statement { text: "SELECT :a, :b".into(), params, expect_rows: None };
            bind(&statement, Sqlite, Read).map(|bound| bound.values.len()).map_err(|failure| failure.code)
        };
        assert_eq!(code(vec![param("b"), param("a")]), Ok(2));
        assert_eq!(code(vec![param("a")]), Err("parameter-missing".into()));
        assert_eq!(code(vec![param("a"), param("b"), param("c")]), Err("parameter-unknown".into()));
        assert_eq!(code(vec![param("a"), param("b"), param("a")]), Err("parameter-twice".into()));
    }
}
