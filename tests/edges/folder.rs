//! One daemon and its folder: names, markers, links, writers that pause, files that came with old dates, and many at once.

use crate::BIN;
use crate::dropping::{FOLDER, batches, file_of, inbox, parts, put_away, told, wrap};
use fs_err as fs;
use fs_err::os::unix::fs::symlink;
use remitd_tests::firm::Firm;
use std::ffi::OsStr;
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::PermissionsExt;
use std::process::Command;

const MANY: usize = 1000;
/// Rows that take a while to read.
const LONG: usize = 20_000;

#[test]
fn a_name_that_is_no_utf8_is_taken_and_nothing_is_lost() {
    let mut firm = Firm::new(BIN, None);
    firm.start();
    let name = OsStr::from_bytes(b"Caf\xe9.csv");
    fs::write(inbox(&firm).join("x.tmp"), file_of("B-1")).unwrap();
    fs::rename(inbox(&firm).join("x.tmp"), inbox(&firm).join(name)).unwrap();
    let list = batches(&firm, 1);
    assert_eq!((&list[0]["file"], &list[0]["state"]), (&"Caf\u{fffd}.csv".into(), &"released".into()));
    put_away(&firm);
    let done = parts(&firm)[2].clone();
    let kept = done.iter().find(|name| name.ends_with("Caf\u{fffd}.csv")).unwrap();
    let kept = fs::read(firm.path(FOLDER).join("done").join(kept)).unwrap();
    assert_eq!(kept, file_of("B-1").as_bytes());
    firm.stop();
}

#[test]
fn what_is_no_plain_file_is_left_alone_and_told_once() {
    let mut firm = Firm::new(BIN, None);
    let here = inbox(&firm);
    let at = |name: &str| here.join(name);
    fs::create_dir_all(at("folder.csv")).unwrap();
    fs::write(at("folder.csv/inner.csv"), file_of("B-9")).unwrap();
    fs::write(firm.path("elsewhere.csv"), file_of("B-8")).unwrap();
    symlink(firm.path("elsewhere.csv"), at("link.csv")).unwrap();
    symlink("nowhere", at("dangling.csv")).unwrap();
    fs::hard_link(firm.path("elsewhere.csv"), at("twice.csv")).unwrap();
    assert!(Command::new("mkfifo").arg(at("pipe.csv")).status().unwrap().success());
    for quiet in ["~$june.xlsx", ".~lock.june.csv#", "june.csv.part", "june.tmp"] {
        fs::write(at(quiet), file_of("B-7")).unwrap();
    }
    firm.start();
    let strange = ["folder.csv", "link.csv", "dangling.csv", "twice.csv", "pipe.csv"];
    told(&firm, "all are told", |log| strange.iter().all(|name| log.contains(name)));
    // Whatever lies there, a file beside it is taken.
    firm.drop_file("june.csv", file_of("B-1").as_bytes());
    batches(&firm, 1);
    for name in strange {
        let log = firm.log();
        assert_eq!(log.lines().filter(|line| line.contains(name)).count(), 1, "{name}: {log}");
        assert!(fs::symlink_metadata(at(name)).is_ok(), "{name} is still there");
    }
    assert!(!firm.log().contains("june.tmp"), "{}", firm.log());
    // What had two names and has one now is a file like any other.
    fs::remove_file(firm.path("elsewhere.csv")).unwrap();
    batches(&firm, 2);
    assert_eq!(fs::read(at("folder.csv/inner.csv")).unwrap(), file_of("B-9").as_bytes());
    firm.stop();
}

#[test]
fn stop_and_lock_files_hold_back() {
    let mut firm = Firm::new(BIN, None);
    fs::create_dir_all(inbox(&firm)).unwrap();
    let here = inbox(&firm);
    let at = |name: &str| here.join(name);
    fs::write(at("STOP"), "").unwrap();
    fs::write(at("june.csv"), file_of("B-1")).unwrap();
    fs::write(at("may.csv"), file_of("B-2")).unwrap();
    fs::write(at("may.csv.lock"), "").unwrap();
    firm.start();
    told(&firm, "the stop file is told", |log| log.contains("nothing new is taken until it is gone"));
    let status = firm.ask(&["status"]);
    assert_eq!(status["paused"].as_array().unwrap().len(), 1, "{status:#}");
    assert_eq!(firm.ask(&["batch", "list"]), serde_json::json!([]));
    fs::remove_file(at("STOP")).unwrap();
    let list = batches(&firm, 1);
    assert_eq!(list[0]["file"], "june.csv");
    told(&firm, "what is held back is told", |log| log.contains("may.csv.lock"));
    fs::remove_file(at("may.csv.lock")).unwrap();
    assert_eq!(batches(&firm, 2)[0]["file"], "may.csv");
    let times = |text: &str| firm.log().matches(text).count();
    assert_eq!((times("nothing new is taken"), times("files are taken again")), (1, 1), "{}", firm.log());
    firm.stop();
}

#[test]
fn a_writer_that_pauses_is_waited_for() {
    let mut firm = Firm::new(BIN, None);
    firm.change("settle = \"100ms\"", "settle = \"1s\"");
    firm.start();
    let (first, second) = (file_of("B-1"), "Dana,dana@example.com,2.00,B-2\r\n");
    let mut writer = fs::File::create(inbox(&firm).join("june.csv")).unwrap();
    // Half a row, and a rest below the settling time; several times over.
    let text = format!("{first}{second}");
    for piece in text.as_bytes().chunks(text.len() / 6 + 1) {
        writer.write_all(piece).unwrap();
        writer.flush().unwrap();
        pause(300);
        assert_eq!(parts(&firm)[1], Vec::<String>::new(), "it is not taken yet");
    }
    drop(writer);
    let list = batches(&firm, 1);
    assert_eq!((&list[0]["rows"], &list[0]["ok"]), (&2.into(), &2.into()), "{list:#}");
    firm.stop();
}

#[test]
fn a_file_that_grows_while_it_is_read_is_read_again() {
    let mut firm = Firm::new(BIN, None);
    firm.change("release = \"send\"", "release = \"review\"");
    firm.start();
    let mut writer = fs::File::create(inbox(&firm).join("june.csv")).unwrap();
    let row = |number: usize| format!("Jane Roe,jane@example.com,10.00,B-{number}\r\n");
    let rows: String = (0..LONG).map(row).collect();
    writer
        .write_all(format!("Recipient Name,Recipient Email,Amount,Invoice Number\r\n{rows}").as_bytes())
        .unwrap();
    let mut written = LONG;
    told(&firm, "it is noticed", |log| {
        if !parts(&firm)[1].is_empty() {
            writer.write_all(row(written).as_bytes()).unwrap();
            written += 1;
        }
        log.contains("REMIT-0252")
    });
    let list = batches(&firm, 1);
    assert_eq!((&list[0]["rows"], &list[0]["state"]), (&written.into(), &"review".into()), "{list:#}");
    firm.stop();
}

#[test]
fn files_with_old_dates_the_same_name_again_and_read_only_ones_are_taken() {
    let mut firm = Firm::new(BIN, None);
    firm.start();
    let original = firm.path("old.csv");
    fs::write(&original, file_of("B-1")).unwrap();
    run(Command::new("touch").args(["-d", "2001-02-03"]).arg(&original));
    run(Command::new("cp").arg("-p").arg(&original).arg(inbox(&firm).join("june.csv")));
    batches(&firm, 1);
    // Renamed in, read-only, by the name that is used up.
    let second = firm.path("second.csv");
    fs::write(&second, file_of("B-2")).unwrap();
    fs::set_permissions(&second, PermissionsExt::from_mode(0o444)).unwrap();
    fs::rename(&second, inbox(&firm).join("june.csv")).unwrap();
    let list = batches(&firm, 2);
    assert!(list.as_array().unwrap().iter().all(|batch| batch["state"] == "released"), "{list:#}");
    put_away(&firm);
    let done = parts(&firm)[2].clone();
    assert_eq!(done.iter().filter(|name| name.ends_with("_june.csv")).count(), 2, "{done:?}");
    firm.stop();
}

#[test]
fn two_thousand_files_at_once_are_each_taken_once() {
    let mut firm = Firm::new(BIN, None);
    // Mails to as many payers are not what is tried here.
    firm.change("release = \"send\"", "release = \"review\"");
    fs::create_dir_all(inbox(&firm)).unwrap();
    for number in 0..MANY {
        fs::write(inbox(&firm).join(format!("{number}.csv")), file_of(&format!("B-{number}"))).unwrap();
    }
    firm.start();
    for quarter in 1..=4 {
        let files = (quarter * MANY / 4) as u64;
        firm.books("a quarter of them more", |books| books["files"].as_u64().unwrap() >= files);
    }
    put_away(&firm);
    assert_eq!(firm.ask(&["status"])["books"]["files"], MANY);
    let [inbox, work, done, rejected] = parts(&firm);
    assert_eq!((inbox.len(), work.len(), done.len(), rejected.len()), (0, 0, 5 * MANY, 0));
    firm.stop();
}

#[test]
fn a_file_without_rights_waits_until_it_has_them() {
    let mut firm = Firm::new(BIN, None);
    // Also root is then bound by a file's rights.
    wrap(&mut firm, "exec setpriv --bounding-set=-dac_override,-dac_read_search REMITD \"$@\"");
    firm.start();
    let dropped = firm.path("dropped.csv");
    fs::write(&dropped, file_of("B-1")).unwrap();
    fs::set_permissions(&dropped, PermissionsExt::from_mode(0o000)).unwrap();
    fs::rename(&dropped, inbox(&firm).join("june.csv")).unwrap();
    told(&firm, "the refusal is told", |log| log.contains("REMIT-0303") && log.contains("june.csv"));
    // One file's trouble is not the others'.
    firm.drop_file("may.csv", file_of("B-2").as_bytes());
    batches(&firm, 1);
    let waits = &parts(&firm)[1][0];
    fs::set_permissions(firm.path(FOLDER).join("work").join(waits), PermissionsExt::from_mode(0o644))
        .unwrap();
    batches(&firm, 2);
    firm.stop();
}

#[test]
fn a_folder_that_sends_no_events_is_read_all_the_same() {
    if !Command::new("unshare").args(["-Ur", "true"]).status().is_ok_and(|status| status.success()) {
        eprintln!("not tried: no user namespaces here");
        return;
    }
    let mut firm = Firm::new(BIN, None);
    // A machine without room for one more watcher, as with a share that cannot have any.
    wrap(
        &mut firm,
        "exec unshare -Ur sh -c 'echo 0 > /proc/sys/user/max_inotify_instances; exec REMITD \"$@\"' sh \"$@\"",
    );
    firm.start();
    told(&firm, "it says so", |log| log.contains("no file events here"));
    firm.drop_file("june.csv", file_of("B-1").as_bytes());
    batches(&firm, 1);
    firm.stop();
}

fn run(command: &mut Command) {
    assert!(command.status().unwrap().success(), "{command:?}");
}

#[allow(clippy::disallowed_methods, reason = "a writer's pause is what is tried")]
fn pause(ms: u64) {
    std::thread::sleep(std::time::Duration::from_millis(ms));
}
