//! A part as XML: its tags, its texts, its references. Owns the refusal of what a workbook never has and only does harm: a document
//! type (with it, entities that grow), tags within tags without end. Names are those without their prefix, so that both kinds of OOXML
//! are one.

use crate::container::{Container, Part};
use crate::wrong::Wrong;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::{Reader, XmlVersion};
use std::io::BufRead;

/// Tags within tags. A workbook has some ten.
const DEPTH_MAX: u32 = 100;

pub struct Xml<'a> {
    reader: Reader<Part<'a>>,
    /// As it is called to people.
    name: &'a str,
    buffer: Vec<u8>,
    depth: u32,
}

impl<'a> Xml<'a> {
    pub fn open(container: &'a Container, name: &'a str, most_bytes: u64) -> Result<Xml<'a>, Wrong> {
        Ok(Xml::new(Reader::from_reader(container.part(name, most_bytes)?), name))
    }

    fn new(mut reader: Reader<Part<'a>>, name: &'a str) -> Xml<'a> {
        reader.config_mut().expand_empty_elements = true;
        Xml { reader, name, buffer: Vec::new(), depth: 0 }
    }

    /// What is in memory of what follows.
    pub fn ahead(&mut self) -> Result<&[u8], Wrong> {
        let part = self.reader.get_mut();
        part.begin_piece();
        part.fill_buf().map_err(|error| Wrong::reading(self.name, &error))
    }

    /// So many bytes were read otherwise; they are whole tags, as many ends as starts.
    pub fn skip(&mut self, bytes: usize) {
        self.reader.get_mut().consume(bytes);
    }

    /// The next event: of interest are `Start` (an empty tag is a start and an end), `End`, `Text`, `CData`, `GeneralRef` and `Eof`.
    #[inline]
    pub fn next(&mut self) -> Result<Event<'_>, Wrong> {
        self.buffer.clear();
        self.reader.get_mut().begin_piece();
        let event =
            self.reader.read_event_into(&mut self.buffer).map_err(|error| Wrong::xml(self.name, &error))?;
        match &event {
            Event::Start(_) => {
                self.depth += 1;
                if self.depth > DEPTH_MAX {
                    return Err(Wrong::damaged(format!(
                        "{}: more than {DEPTH_MAX} tags within tags",
                        self.name
                    )));
                }
            }
            Event::End(_) => self.depth = self.depth.saturating_sub(1),
            Event::DocType(_) => {
                return Err(Wrong::damaged(format!(
                    "{}: it has a document type, as no workbook has",
                    self.name
                )));
            }
            Event::Eof if self.depth > 0 => {
                return Err(Wrong::damaged(format!("{}: it ends in its midst", self.name)));
            }
            _ => {}
        }
        Ok(event)
    }
}

/// The text of an event in the midst of a text; nothing of others.
#[inline]
pub fn add_text(event: &Event<'_>, to: &mut String) -> Result<(), Wrong> {
    match event {
        Event::Text(text) => to.push_str(&text.xml10_content()),
        Event::CData(text) => to.push_str(&text.xml10_content()),
        Event::GeneralRef(reference) => add_reference(reference, to)?,
        _ => {}
    }
    Ok(())
}

fn add_reference(reference: &BytesRef<'_>, to: &mut String) -> Result<(), Wrong> {
    let unknown = || Wrong::damaged(format!("an unknown reference: &{};", reference.as_ref()));
    if reference.is_char_ref() {
        let c = reference.resolve_char_ref().map_err(|_| unknown())?;
        to.extend(c);
    } else {
        to.push_str(resolve_predefined_entity(reference.as_ref()).ok_or_else(unknown)?);
    }
    Ok(())
}

/// The value of an attribute.
pub fn attribute(tag: &BytesStart<'_>, name: &str) -> Option<String> {
    let found = tag
        .attributes()
        .with_checks(false)
        .flatten()
        .find(|attribute| attribute.key.local_name().as_ref() == name);
    found?.normalized_value(XmlVersion::Implicit1_0).ok().map(std::borrow::Cow::into_owned)
}

/// Whether a flag is set; absent ones are not.
pub fn flag(tag: &BytesStart<'_>, name: &str) -> bool {
    attribute(tag, name).is_some_and(|value| matches!(value.as_str(), "1" | "true" | "on"))
}
