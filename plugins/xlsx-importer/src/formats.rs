//! How cells show their numbers: as a date, with the zeros that a number begins with, or as they are. Owns the reading of format codes, as far
//! as that goes: `yyyy-mm-dd`, `00000`, `"INV-"0000`. Knows no value.

use crate::container::{Container, SMALL_PART_MAX_BYTES};
use crate::wrong::Wrong;
use crate::xml::{Xml, attribute};
use quick_xml::events::Event;
use std::collections::BTreeMap;

/// What a cell's style says of its number.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Format {
    #[default]
    Plain,
    Date,
    /// Zeros for digits, and what stands between them.
    Mask(Vec<Sign>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sign {
    Digit,
    Text(char),
}

/// The formats of all styles, in their order.
#[derive(Default)]
pub struct Formats(Vec<Format>);

impl Formats {
    pub fn read(container: &Container, part: &str) -> Result<Formats, Wrong> {
        let mut xml = Xml::open(container, part, SMALL_PART_MAX_BYTES)?;
        let (mut codes, mut formats, mut in_styles) = (BTreeMap::new(), Vec::new(), false);
        loop {
            match xml.next()? {
                Event::Start(tag) => match tag.local_name().as_ref() {
                    "numFmt" => {
                        let id = number(attribute(&tag, "numFmtId"));
                        codes.insert(id, Format::of_code(&attribute(&tag, "formatCode").unwrap_or_default()));
                    }
                    "cellXfs" => in_styles = true,
                    "xf" if in_styles => {
                        let id = number(attribute(&tag, "numFmtId"));
                        formats.push(codes.get(&id).cloned().unwrap_or_else(|| Format::of_id(id)));
                    }
                    _ => {}
                },
                Event::End(tag) if tag.local_name().as_ref() == "cellXfs" => in_styles = false,
                Event::Eof => return Ok(Formats(formats)),
                _ => {}
            }
        }
    }

    #[inline]
    pub fn get(&self, style: u32) -> &Format {
        usize::try_from(style).ok().and_then(|at| self.0.get(at)).unwrap_or(&Format::Plain)
    }
}

fn number(written: Option<String>) -> u32 {
    written.and_then(|written| written.parse().ok()).unwrap_or_default()
}

impl Format {
    /// Those that every workbook has without saying so (ECMA-376, 18.8.30; 27 to 36 and 50 to 58 are dates in East Asia).
    fn of_id(id: u32) -> Format {
        match id {
            14..=22 | 27..=36 | 45..=47 | 50..=58 => Format::Date,
            _ => Format::Plain,
        }
    }

    fn of_code(code: &str) -> Format {
        let signs = signs_of(code);
        let is = |letters: &str| {
            signs
                .iter()
                .any(|sign| matches!(sign, Code::Letter(c) if letters.contains(c.to_ascii_lowercase())))
        };
        if is("dmyhs") {
            return Format::Date;
        }
        let mut mask = Vec::with_capacity(signs.len());
        for sign in signs {
            mask.push(match sign {
                Code::Letter('0') => Sign::Digit,
                Code::Letter(c @ ('-' | ' ' | '/' | ':' | '(' | ')')) | Code::Text(c) => Sign::Text(c),
                Code::Letter(_) => return Format::Plain,
            });
        }
        let digits = mask.iter().filter(|sign| **sign == Sign::Digit).count();
        if digits >= 2 || (digits == 1 && mask.len() > 1) { Format::Mask(mask) } else { Format::Plain }
    }
}

/// A sign of a format code.
#[derive(Clone, Copy)]
enum Code {
    /// It means something.
    Letter(char),
    /// It stands for itself.
    Text(char),
}

/// Those of the code's first section, which is for numbers above zero. A colour, a condition or a language in brackets shows nothing.
fn signs_of(code: &str) -> Vec<Code> {
    let mut signs = Vec::new();
    let code = code.replace("General", "#");
    let mut chars = code.chars();
    while let Some(c) = chars.next() {
        match c {
            ';' => break,
            '"' => signs.extend(chars.by_ref().take_while(|c| *c != '"').map(Code::Text)),
            '\\' => signs.extend(chars.next().map(Code::Text)),
            // As wide as the next sign, or as many of it as there is room for.
            '_' | '*' => drop(chars.next()),
            '[' => {
                let inside: String = chars.by_ref().take_while(|c| *c != ']').collect();
                // Hours beyond a day: `[h]:mm`.
                if inside.chars().all(|c| "hms".contains(c.to_ascii_lowercase())) {
                    signs.extend(inside.chars().map(Code::Letter));
                } else if inside.starts_with('$') {
                    // A currency: what has one is an amount and no number of somebody.
                    signs.push(Code::Letter('$'));
                }
            }
            c => signs.push(Code::Letter(c)),
        }
    }
    signs
}

/// A whole number in a mask: `00000` shows 124 as 00124. More digits than it has stand at its front.
pub fn write_masked(number: u64, mask: &[Sign], to: &mut String) {
    let places = mask.iter().filter(|sign| **sign == Sign::Digit).count();
    let digits = format!("{number:0places$}");
    let surplus = digits.len().saturating_sub(places);
    let mut digits = digits.chars();
    let mut first = true;
    for sign in mask {
        match sign {
            Sign::Text(c) => to.push(*c),
            Sign::Digit => {
                let count = if std::mem::take(&mut first) { surplus + 1 } else { 1 };
                to.extend(digits.by_ref().take(count));
            }
        }
    }
}
