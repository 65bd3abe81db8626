//! Effects: wanted, leased, finished, rescued.

use crate::{Answers, NOW};
use remitd_store::{Finish, Lease, Store};

const LEASE: i64 = 1_000;
/// Wanted by the batch.
const MAIL: &str = "mail:request:1004";

/// Without its id: one database counts rows that were refused, the other does not.
fn shown(lease: &Lease) -> String {
    format!("{} of {} attempt {} fence {}", lease.key, lease.subject_id, lease.attempt, lease.fence)
}

pub async fn walk(store: &Store, url: &str, answers: &mut Answers) {
    wanted(store, answers).await;
    finished(store, answers).await;
    rescued(store, url, answers).await;
    answers.note("held", store.effects_held(10).await.unwrap());
    answers.note("summary", store.effect_summary().await.unwrap());
}

async fn wanted(store: &Store, answers: &mut Answers) {
    let mut tx = store.begin().await.unwrap();
    for key in ["post:1", "post:1", "post:2", "post:3"] {
        answers.note("want", tx.want(key, "post", 1, "{}", NOW).await.unwrap());
    }
    // The sooner of both stays.
    for at_ms in [NOW + 50, NOW + 80] {
        tx.want_again("poll:sandbox", "poll", 0, "sandbox", at_ms).await.unwrap();
    }
    tx.want_again("poll:gone", "poll", 0, "gone", NOW).await.unwrap();
    answers.note("end_others", tx.end_others("poll", &["poll:sandbox".to_owned()]).await.unwrap());
    tx.commit().await.unwrap();
    answers.note("not due yet", store.take("poll", NOW, LEASE, 5).await.unwrap().len());
    answers.note("nothing due", store.take("none", NOW, LEASE, 5).await.unwrap().len());
}

async fn finished(store: &Store, answers: &mut Answers) {
    let taken = store.take("post", NOW, LEASE, 2).await.unwrap();
    answers.note("take", taken.iter().map(shown).collect::<Vec<_>>());
    let late = store.take("post", NOW + LEASE, LEASE, 1).await.unwrap();
    answers.note("take again", late.iter().map(shown).collect::<Vec<_>>());
    let one = store.take_one("poll:sandbox", NOW, LEASE).await.unwrap().unwrap();
    answers.note("take_one", shown(&one));
    answers.note("renew", store.renew(&one, NOW + 2 * LEASE).await.unwrap());
    let lost = Lease { fence: one.fence - 1, ..one.clone() };
    answers.note("renew", store.renew(&lost, NOW + 2 * LEASE).await.unwrap());
    answers.note("take_one", store.take_one("poll:sandbox", NOW, LEASE).await.unwrap());
    let (code, message) = ("c".to_owned(), "m".to_owned());
    let ends = [
        Finish::Retry { at_ms: NOW, code: code.clone(), message: message.clone() },
        Finish::Wait { code: code.clone(), message: message.clone() },
        Finish::Failed { code: code.clone(), message: message.clone() },
        Finish::Unknown { code, message },
        Finish::Again { at_ms: NOW },
        Finish::Done,
    ];
    for end in ends {
        let lease = store.take_one(MAIL, NOW, LEASE).await.unwrap().unwrap();
        let mut tx = store.begin().await.unwrap();
        tx.still_ours(&lease).await.unwrap();
        tx.finish(&lease, &end, NOW).await.unwrap();
        answers.note("a lease that is over", tx.still_ours(&lease).await.is_err());
        answers.note("a lease that is over", tx.finish(&lease, &end, NOW).await.is_err());
        tx.commit().await.unwrap();
        answers.note("effect", store.effect(MAIL).await.unwrap());
        let mut tx = store.begin().await.unwrap();
        answers.note("settle", tx.settle(MAIL, NOW).await.unwrap());
        tx.rollback().await.unwrap();
        let mut tx = store.begin().await.unwrap();
        answers.note("revive", tx.revive(MAIL, NOW).await.unwrap());
        tx.commit().await.unwrap();
    }
    answers.note("effect", store.effect("none").await.unwrap());
    for key in [MAIL, "none"] {
        answers.note("yet_to_do", store.yet_to_do(key).await.unwrap());
    }
}

/// Another process finds what a dead one held; a living one keeps what it has.
async fn rescued(store: &Store, url: &str, answers: &mut Answers) {
    answers.note("our own", store.rescue(NOW).await.unwrap());
    let gone = Store::open(url, 8).await.unwrap();
    let lease = gone.take_one("mail:request:1002", NOW, LEASE).await.unwrap().unwrap();
    answers.note("of another", shown(&lease));
    gone.close().await;
    answers.note("rescue", store.rescue(NOW).await.unwrap());
    let lease = store.take_one("mail:request:1002", NOW, LEASE).await.unwrap().unwrap();
    let mut tx = store.begin().await.unwrap();
    tx.finish(&lease, &Finish::Wait { code: "c".into(), message: "m".into() }, NOW).await.unwrap();
    tx.commit().await.unwrap();
    answers.note("revive_waiting", store.revive_waiting(NOW).await.unwrap());
}
