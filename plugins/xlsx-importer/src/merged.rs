//! Cells that were merged into one: the file keeps the value in the first of them alone, so that nobody can tell what the others were to
//! say. A file names them below its rows, so that the sheet is unpacked once before it is read; that also shows, before the first row
//! is handed over, that it is whole.

use crate::container::PART_MAX_BYTES;
use crate::row::{COLUMNS_MAX, column_of, name_of};
use crate::workbook::{SheetName, Workbook};
use crate::wrong::Wrong;
use crate::xml::attribute;
use quick_xml::Reader;
use quick_xml::events::Event;
use std::io::BufRead;

/// What stands below the rows: links, conditions, merged cells.
const TAIL_MAX_BYTES: usize = 8 << 20;
const RANGES_MAX: usize = 10_000;
const ROWS_END: &[u8] = b"sheetData";

/// Ranges that make rows unreadable, from the top.
pub struct Merged {
    ranges: Vec<Range>,
    /// Those before it have begun.
    next: usize,
    /// Those that have begun and not ended.
    begun: Vec<Range>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Range {
    first_line: u32,
    last_line: u32,
    first_column: u32,
    last_column: u32,
}

impl Merged {
    /// Of those below the header, the ones that touch the `wanted` columns.
    pub fn read(book: &Workbook, sheet: &SheetName, header: u32, wanted: &[bool]) -> Result<Merged, Wrong> {
        let tail = tail(book, sheet)?;
        let mut reader = Reader::from_reader(tail.as_slice());
        reader.config_mut().allow_unmatched_ends = true;
        let mut ranges = Vec::new();
        loop {
            match reader.read_event().map_err(|error| Wrong::xml(&sheet.part, &error))? {
                Event::Start(tag) | Event::Empty(tag) if tag.local_name().as_ref() == "mergeCell" => {
                    let range = attribute(&tag, "ref").unwrap_or_default();
                    let range = Range::read(&range);
                    ranges.extend(range.filter(|range| range.last_line > header && range.harms(wanted)));
                }
                Event::Eof => break,
                _ => {}
            }
            if ranges.len() > RANGES_MAX {
                return Err(Wrong::too_large(format!(
                    "the list has more than {RANGES_MAX} merged cells: unmerge them and fill in each cell"
                )));
            }
        }
        ranges.sort_unstable();
        Ok(Merged { ranges, next: 0, begun: Vec::new() })
    }

    /// For a row that has such cells, words. Asked for rising lines.
    pub fn touch(&mut self, line: u32) -> Option<String> {
        while let Some(range) = self.ranges.get(self.next).filter(|range| range.first_line <= line) {
            self.begun.push(*range);
            self.next += 1;
        }
        self.begun.retain(|range| range.last_line >= line);
        self.begun.first().map(|range| {
            format!(
                "the cells {} are merged, and only the first of them has a value: unmerge them and fill in each",
                range.name()
            )
        })
    }
}

impl Range {
    /// From `B3:C7`.
    fn read(written: &str) -> Option<Range> {
        let (first, last) = written.split_once(':')?;
        let line = |cell: &str| cell.trim_start_matches(|c: char| c.is_ascii_alphabetic()).parse().ok();
        Some(Range {
            first_line: line(first)?,
            last_line: line(last)?,
            first_column: column_of(first)?,
            last_column: column_of(last)?,
        })
    }

    /// A column that is read lost its value in a row, or has one that several rows share.
    fn harms(&self, wanted: &[bool]) -> bool {
        let first = if self.last_line > self.first_line { self.first_column } else { self.first_column + 1 };
        let is_wanted =
            |column: u32| usize::try_from(column).ok().and_then(|at| wanted.get(at)) == Some(&true);
        (first..=self.last_column.min(COLUMNS_MAX)).any(is_wanted)
    }

    fn name(&self) -> String {
        let Range { first_line, last_line, first_column, last_column } = self;
        format!("{}{first_line}:{}{last_line}", name_of(*first_column), name_of(*last_column))
    }
}

/// What stands behind the rows. Unpacks the sheet to its end.
fn tail(book: &Workbook, sheet: &SheetName) -> Result<Vec<u8>, Wrong> {
    let mut part = book.container.part(&sheet.part, PART_MAX_BYTES)?;
    let mut tail: Vec<u8> = Vec::new();
    let mut was_cut = false;
    loop {
        part.begin_piece();
        let bytes = part.fill_buf().map_err(|error| Wrong::reading(&sheet.part, &error))?;
        let length = bytes.len();
        if length == 0 {
            break;
        }
        if tail.len() > 2 * TAIL_MAX_BYTES {
            tail.drain(..TAIL_MAX_BYTES);
            was_cut = true;
        }
        tail.extend_from_slice(bytes);
        part.consume(length);
    }
    let end = tail.windows(ROWS_END.len()).rposition(|window| window == ROWS_END);
    match end {
        Some(at) => {
            let behind = tail.split_off(at);
            let close = behind.iter().position(|byte| *byte == b'>').map_or(behind.len(), |close| close + 1);
            Ok(behind.get(close..).unwrap_or_default().to_vec())
        }
        None if was_cut => Err(Wrong::too_large(
            "there is too much below the list's rows (links, conditional formats): copy the rows alone into a new workbook",
        )),
        None => Ok(Vec::new()),
    }
}
