//! What lies in an inbox, seen without opening anything: the files to take, and what is left alone, and why. A pipe or a link
//! is never opened, so that nothing here can hang or lead elsewhere.

use crate::intake::look::Look;
use std::collections::HashSet;
use std::ffi::OsString;
use std::fmt;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

/// How names begin and end that other programs use while they write, and what they put beside.
const UNFINISHED_STARTS: [char; 2] = ['.', '~'];
const UNFINISHED_ENDS: [&str; 12] = [
    ".tmp",
    ".temp",
    ".part",
    ".partial",
    ".crdownload",
    ".download",
    ".filepart",
    ".upload",
    ".writing",
    ".swp",
    ".lck",
    "~",
];
/// What a system puts into folders that people look at.
const OF_THE_SYSTEM: [&str; 2] = ["thumbs.db", "desktop.ini"];
/// Its being there holds the whole folder back.
const STOP: &str = "stop";
/// `june.csv.lock` holds `june.csv` back.
const HOLDS: [&str; 2] = [".stop", ".lock"];

/// Why something in an inbox is not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Left {
    /// By its name, another program is at work on it.
    Unfinished,
    /// It holds other files back.
    Marker,
    HeldBy(String),
    Link,
    /// It has several names, by which it can still be changed.
    Linked(u64),
    Folder,
    /// A pipe, a socket, a device.
    NoFile,
    /// The system says no.
    Refused(String),
}

impl Left {
    /// What is as it should be, so that nobody needs to hear of it.
    pub fn is_usual(&self) -> bool {
        matches!(self, Left::Unfinished | Left::Marker)
    }
}

impl fmt::Display for Left {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Left::Unfinished => f.write_str("by its name, somebody is still writing it"),
            Left::Marker => f.write_str("it holds other files back"),
            Left::HeldBy(marker) => {
                write!(f, "\"{marker}\" beside it holds it back: delete that to let it go")
            }
            Left::Link => f.write_str("it is a link, which could lead anywhere: put the file itself here"),
            Left::Linked(names) => {
                write!(
                    f,
                    "it has {names} names, and could be changed by another: put a copy here, or delete the others"
                )
            }
            Left::Folder => f.write_str("it is a folder: put the files in it here, one by one"),
            Left::NoFile => f.write_str("it is no file but a pipe, a socket or a device: delete it"),
            Left::Refused(why) => write!(f, "it cannot be taken: {why}"),
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Dropped {
    pub name: OsString,
    pub look: Look,
    /// Why it is not taken; none for a file that is.
    pub left: Option<Left>,
}

#[derive(Debug, Default)]
pub struct Contents {
    /// By name.
    pub dropped: Vec<Dropped>,
    /// Nothing new is taken while a file named `stop` lies here.
    pub stopped: bool,
}

impl Contents {
    /// Reads the folder; may take as long as the file system takes.
    pub fn of(folder: &Path) -> std::io::Result<Contents> {
        let mut entries = Vec::new();
        for entry in fs_err::read_dir(folder)? {
            let entry = entry?;
            // Gone since the folder was read: somebody took it.
            if let Ok(facts) = fs_err::symlink_metadata(entry.path()) {
                entries.push((entry.file_name(), facts));
            }
        }
        entries.sort_by(|(one, _), (other, _)| one.cmp(other));
        let names: HashSet<String> = entries.iter().map(|(name, _)| small(name)).collect();
        let dropped = |(name, facts): (OsString, Metadata)| {
            let left = left(&small(&name), &facts, &names);
            Dropped { name, look: Look::of(&facts), left }
        };
        let dropped = entries.into_iter().map(dropped).collect();
        Ok(Contents { dropped, stopped: names.contains(STOP) })
    }
}

/// As names are compared: also where the folder is another system's, which writes STOP.
fn small(name: &OsString) -> String {
    name.to_string_lossy().to_lowercase()
}

fn left(name: &str, facts: &Metadata, names: &HashSet<String>) -> Option<Left> {
    let kind = facts.file_type();
    if name == STOP || HOLDS.iter().any(|end| name.ends_with(end)) {
        return Some(Left::Marker);
    }
    let unfinished =
        name.starts_with(UNFINISHED_STARTS) || UNFINISHED_ENDS.iter().any(|end| name.ends_with(end));
    if unfinished || OF_THE_SYSTEM.contains(&name) {
        return Some(Left::Unfinished);
    }
    if kind.is_symlink() {
        return Some(Left::Link);
    }
    if kind.is_dir() {
        return Some(Left::Folder);
    }
    if !kind.is_file() {
        return Some(Left::NoFile);
    }
    if let Some(end) = HOLDS.iter().find(|end| names.contains(&format!("{name}{end}"))) {
        return Some(Left::HeldBy(format!("{name}{end}")));
    }
    (facts.nlink() > 1).then(|| Left::Linked(facts.nlink()))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]
mod tests {
    use super::*;
    use fs_err::os::unix::fs::symlink;
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    #[test]
    fn only_whole_files_with_one_name_are_for_us() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &OsStr| folder.path().join(name);
        let bad = OsStr::from_bytes(b"caf\xe9.csv");
        let quiet =
            ["~$june.xlsx", ".~lock.june.csv#", "june.csv.part", "June.TMP", "june.csv~", "Thumbs.db"];
        let held = ["may.csv", "may.csv.lock", "april.csv", "April.csv.STOP"];
        for name in quiet.iter().chain(&held).map(OsStr::new).chain([bad, OsStr::new("june.csv")]) {
            fs_err::write(at(name), "a").unwrap();
        }
        fs_err::create_dir(at(OsStr::new("folder.csv"))).unwrap();
        symlink("/etc/hostname", at(OsStr::new("link.csv"))).unwrap();
        symlink("nowhere", at(OsStr::new("dangling.csv"))).unwrap();
        fs_err::write(at(OsStr::new("twice.csv")), "a").unwrap();
        fs_err::hard_link(at(OsStr::new("twice.csv")), at(OsStr::new("twice.old.tmp"))).unwrap();
        let contents = Contents::of(folder.path()).unwrap();
        let files = contents.dropped.iter().filter(|dropped| dropped.left.is_none());
        assert_eq!(
            files.map(|file| file.name.as_os_str()).collect::<Vec<_>>(),
            [bad, OsStr::new("june.csv")]
        );
        let left = contents.dropped.iter().filter_map(|dropped| Some((dropped, dropped.left.clone()?)));
        let told: Vec<_> = left
            .filter(|(_, why)| !why.is_usual())
            .map(|(dropped, why)| (dropped.name.to_str().unwrap(), why))
            .collect();
        let held_by = |marker: &str| Left::HeldBy(marker.to_owned());
        let expect = [
            ("april.csv", held_by("april.csv.stop")),
            ("dangling.csv", Left::Link),
            ("folder.csv", Left::Folder),
            ("link.csv", Left::Link),
            ("may.csv", held_by("may.csv.lock")),
            ("twice.csv", Left::Linked(2)),
        ];
        assert_eq!(told, expect);
        assert!(!contents.stopped);
        fs_err::write(at(OsStr::new("STOP")), "").unwrap();
        assert!(Contents::of(folder.path()).unwrap().stopped);
    }
}
