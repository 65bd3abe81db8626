//! What keeps a workbook from being read, in words for whoever has sent it. Owns the codes that only workbooks have.

use std::io;

pub mod code {
    pub const NO_WORKBOOK: &str = "REMIT-0240";
    pub const DAMAGED: &str = "REMIT-0241";
    pub const TOO_LARGE: &str = "REMIT-0242";
    pub const SHEET: &str = "REMIT-0243";
    pub const NO_VALUE: &str = "REMIT-0244";
    pub const MERGED: &str = "REMIT-0245";
    pub const HIDDEN: &str = "REMIT-0246";
}

#[derive(Debug)]
pub struct Wrong {
    pub code: &'static str,
    pub message: String,
}

impl Wrong {
    pub fn no_workbook(message: impl Into<String>) -> Wrong {
        Wrong { code: code::NO_WORKBOOK, message: message.into() }
    }

    /// `what` is a part of a sentence: what of the workbook is damaged, and how.
    pub fn damaged(what: impl std::fmt::Display) -> Wrong {
        let message = format!("the workbook is damaged ({what}): open it in Excel, save it again as .xlsx");
        Wrong { code: code::DAMAGED, message }
    }

    pub fn too_large(message: impl Into<String>) -> Wrong {
        Wrong { code: code::TOO_LARGE, message: message.into() }
    }

    pub fn sheet(message: impl Into<String>) -> Wrong {
        Wrong { code: code::SHEET, message: message.into() }
    }

    /// Where reading a part ended. A limit of ours is told apart by its kind.
    pub fn reading(part: &str, error: &io::Error) -> Wrong {
        match error.kind() {
            io::ErrorKind::FileTooLarge => {
                Wrong::too_large(format!("{part} of the workbook is too large: {error}"))
            }
            _ => Wrong::damaged(format!("{part}: {error}")),
        }
    }

    pub fn xml(part: &str, error: &quick_xml::Error) -> Wrong {
        match error {
            quick_xml::Error::Io(error) => Wrong::reading(part, error),
            other => Wrong::damaged(format!("{part}: {other}")),
        }
    }
}
