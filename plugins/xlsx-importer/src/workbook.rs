//! The workbook as a whole: which sheets it has, in which part each of them stands, which calendar it counts by, and what all sheets
//! share. Never reads a sheet.

use crate::container::{Container, SMALL_PART_MAX_BYTES, resolve};
use crate::formats::Formats;
use crate::texts::Texts;
use crate::wrong::Wrong;
use crate::xml::{Xml, attribute, flag};
use quick_xml::events::Event;

const ROOT: &str = "_rels/.rels";
/// Where the workbook stands, if nothing says so.
const USUAL: &str = "xl/workbook.xml";
/// More than anybody looks through.
const SHEETS_MAX: usize = 1_000;

pub struct Workbook {
    pub container: Container,
    pub sheets: Vec<SheetName>,
    pub texts: Texts,
    pub formats: Formats,
    /// Days are counted from 1904-01-01, as on old Macintoshes.
    pub counts_from_1904: bool,
}

#[derive(Debug)]
pub struct SheetName {
    pub name: String,
    /// The part in which it stands.
    pub part: String,
    pub is_hidden: bool,
}

impl Workbook {
    pub fn open(file: Vec<u8>) -> Result<Workbook, Wrong> {
        let container = Container::open(file)?;
        let main = main_part(&container)?;
        let relations = relations(&container, &main)?;
        let part_of = |kind: &str| {
            let found = relations.iter().find(|relation| relation.kind == kind);
            found.map(|relation| relation.part.as_str()).filter(|part| container.has(part))
        };
        let texts = part_of("sharedStrings").map(|part| Texts::read(&container, part)).transpose()?;
        let formats = part_of("styles").map(|part| Formats::read(&container, part)).transpose()?;
        let (sheets, counts_from_1904) = sheets(&container, &main, &relations)?;
        Ok(Workbook {
            texts: texts.unwrap_or_default(),
            formats: formats.unwrap_or_default(),
            sheets,
            counts_from_1904,
            container,
        })
    }
}

/// From one part to another.
struct Relation {
    id: String,
    /// The last word of its type, which both kinds of OOXML share.
    kind: String,
    part: String,
}

fn relations(container: &Container, from: &str) -> Result<Vec<Relation>, Wrong> {
    let (folder, file) = from.rsplit_once('/').unwrap_or(("", from));
    let part = if from.is_empty() { ROOT.to_owned() } else { format!("{folder}/_rels/{file}.rels") };
    let mut relations = Vec::new();
    if !container.has(&part) {
        return Ok(relations);
    }
    let mut xml = Xml::open(container, &part, SMALL_PART_MAX_BYTES)?;
    loop {
        match xml.next()? {
            Event::Start(tag) if tag.local_name().as_ref() == "Relationship" => {
                let kind = attribute(&tag, "Type").unwrap_or_default();
                relations.push(Relation {
                    id: attribute(&tag, "Id").unwrap_or_default(),
                    kind: kind.rsplit('/').next().unwrap_or_default().to_owned(),
                    part: resolve(from, &attribute(&tag, "Target").unwrap_or_default()),
                });
            }
            Event::Eof => return Ok(relations),
            _ => {}
        }
    }
}

fn main_part(container: &Container) -> Result<String, Wrong> {
    let relations = relations(container, "")?;
    let main = relations.into_iter().find(|relation| relation.kind == "officeDocument");
    let main = main.map_or_else(|| USUAL.to_owned(), |relation| relation.part);
    if main.ends_with(".bin") {
        return Err(Wrong::no_workbook("this is a binary Excel workbook (.xlsb): save it as .xlsx"));
    }
    if container.has(&main) {
        return Ok(main);
    }
    Err(Wrong::no_workbook(if container.has("content.xml") {
        "this is an OpenDocument file: save the list as .xlsx"
    } else {
        "this is an archive, and no Excel workbook is in it as such: send the workbook itself"
    }))
}

fn sheets(
    container: &Container,
    main: &str,
    relations: &[Relation],
) -> Result<(Vec<SheetName>, bool), Wrong> {
    let mut xml = Xml::open(container, main, SMALL_PART_MAX_BYTES)?;
    let (mut sheets, mut counts_from_1904, mut is_workbook) = (Vec::new(), false, false);
    loop {
        match xml.next()? {
            Event::Start(tag) => match tag.local_name().as_ref() {
                "workbook" => is_workbook = true,
                "workbookPr" => counts_from_1904 = flag(&tag, "date1904"),
                "sheet" if sheets.len() >= SHEETS_MAX => {
                    return Err(Wrong::too_large(format!("the workbook has more than {SHEETS_MAX} sheets")));
                }
                "sheet" => {
                    let id = attribute(&tag, "id").unwrap_or_default();
                    let relation = relations.iter().find(|relation| relation.id == id);
                    // A sheet that is one diagram has no cells.
                    if let Some(relation) = relation.filter(|relation| relation.kind == "worksheet") {
                        let state = attribute(&tag, "state").unwrap_or_default();
                        sheets.push(SheetName {
                            name: attribute(&tag, "name").unwrap_or_default(),
                            part: relation.part.clone(),
                            is_hidden: matches!(state.as_str(), "hidden" | "veryHidden"),
                        });
                    }
                }
                _ => {}
            },
            Event::Eof if !is_workbook => {
                return Err(Wrong::no_workbook(
                    "this is an Office document, and no Excel workbook: send the list as .xlsx",
                ));
            }
            Event::Eof => return Ok((sheets, counts_from_1904)),
            _ => {}
        }
    }
}
