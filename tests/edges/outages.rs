//! The folder itself goes away, is full, or is not this daemon's alone.

use crate::BIN;
use crate::dropping::{FOLDER, batches, file_of, inbox, parts, put_away, told};
use fs_err as fs;
use fs_err::os::unix::fs::symlink;
use remitd_tests::daemon::Daemon;
use remitd_tests::firm::Firm;
use remitd_tests::postgres;
use std::io::Write;
use std::path::Path;
use std::process::Command;

const FILES: usize = 40;

#[test]
fn a_folder_that_vanishes_comes_back() {
    let mut firm = Firm::new(BIN, None);
    firm.start();
    firm.drop_file("june.csv", file_of("B-1").as_bytes());
    batches(&firm, 1);
    let (here, away) = (firm.path(FOLDER), firm.path("folders/away"));
    fs::rename(&here, &away).unwrap();
    told(&firm, "it is away", |log| log.contains("the folder is away"));
    // Meanwhile somebody puts a file into it, where it is now.
    fs::write(away.join("inbox/may.csv"), file_of("B-2")).unwrap();
    assert!(!here.exists(), "a folder that is away is not made anew");
    fs::rename(&away, &here).unwrap();
    batches(&firm, 2);
    told(&firm, "it is back", |log| log.contains("the folder is back"));
    firm.drop_file("april.csv", file_of("B-3").as_bytes());
    batches(&firm, 3);
    assert_eq!(firm.log().matches("the folder is away").count(), 1, "{}", firm.log());
    firm.stop();
}

/// A small disk of its own; needs root, as a container's tests mostly have.
struct SmallDisk<'a>(&'a Path);

impl<'a> SmallDisk<'a> {
    fn at(path: &'a Path) -> Option<SmallDisk<'a>> {
        fs::create_dir_all(path).unwrap();
        let mount = Command::new("mount").args(["-t", "tmpfs", "-o", "size=64k", "tmpfs"]).arg(path).status();
        mount.is_ok_and(|status| status.success()).then_some(SmallDisk(path))
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0).status();
    }
}

#[test]
fn on_a_full_disk_a_file_waits_and_nothing_is_done_twice() {
    let mut firm = Firm::new(BIN, None);
    let path = firm.path(FOLDER);
    // Without a disk of its own, what stands in the way of the report is something else that cannot be written to.
    let disk = SmallDisk::at(&path);
    for part in ["inbox", "work"] {
        fs::create_dir_all(path.join(part)).unwrap();
    }
    match &disk {
        Some(_) => {
            fs::create_dir(path.join("done")).unwrap();
            fs::create_dir(path.join("rejected")).unwrap();
        }
        None => symlink("/proc", path.join("done")).unwrap(),
    }
    fs::write(inbox(&firm).join("june.csv"), file_of("B-1")).unwrap();
    if disk.is_some() {
        fill(&path.join("other.bin"));
    }
    firm.start();
    told(&firm, "the report cannot be written", |log| log.contains("not done with it yet"));
    batches(&firm, 1);
    assert_eq!(parts(&firm)[1].len(), 1, "the file waits in work");
    match &disk {
        Some(_) => fs::remove_file(path.join("other.bin")).unwrap(),
        None => fs::remove_file(path.join("done")).unwrap(),
    }
    put_away(&firm);
    let books = firm.books("one mail", |books| books["unmailed"] == 0);
    assert_eq!((&books["files"], &books["requests"], &books["mails"]), (&1.into(), &1.into(), &1.into()));
    let done = &parts(&firm)[2];
    assert_eq!(done.len(), 5, "the file and its report, and no half of one: {done:?}");
    firm.stop();
    drop(disk);
}

/// Writes until nothing more fits.
fn fill(path: &Path) {
    let block = [0; 512];
    let mut file = fs::File::create(path).unwrap();
    while file.write_all(&block).is_ok() {}
}

#[test]
fn two_daemons_on_one_folder_take_each_file_once() {
    let mut firm = Firm::new(BIN, Some(postgres::shared()));
    firm.start();
    let elsewhere =
        [("REMITD__SERVER__PUBLIC_LISTEN", "127.0.0.1:0"), ("REMITD__SERVER__STAFF_LISTEN", "127.0.0.1:0")];
    let second = Daemon::start(&firm.bin, &firm.config, &elsewhere);
    for number in 0..FILES {
        firm.drop_file(&format!("{number}.csv"), file_of(&format!("B-{number}")).as_bytes());
    }
    let books = firm.books("all are released", |books| books["requests"] == FILES && books["unmailed"] == 0);
    assert_eq!((&books["files"], &books["mails"]), (&FILES.into(), &FILES.into()));
    put_away(&firm);
    let [_, _, done, rejected] = parts(&firm);
    assert_eq!((done.len(), rejected.len()), (5 * FILES, 0));
    second.stop();
    firm.stop();
}

/// Two firms that were given the same folder by mistake.
#[test]
fn two_stores_on_one_folder_take_each_file_once() {
    let mut firms = [Firm::new(BIN, None), Firm::new(BIN, None)];
    let folder = firms[0].path(FOLDER);
    firms[1].change("path = \"folders/operating\"", &format!("path = {folder:?}"));
    for firm in &mut firms {
        firm.start();
    }
    for number in 0..FILES {
        firms[0].drop_file(&format!("{number}.csv"), file_of(&format!("B-{number}")).as_bytes());
    }
    firms[0].until("all are put away", &["status"], |status| {
        status["files_in_hand"] == serde_json::json!([]) && parts(&firms[0])[2].len() == 5 * FILES
    });
    let requests = |firm: &Firm| firm.ask(&["status"])["books"]["requests"].as_u64().unwrap();
    assert_eq!(requests(&firms[0]) + requests(&firms[1]), FILES as u64);
    for firm in &mut firms {
        firm.stop();
    }
}
