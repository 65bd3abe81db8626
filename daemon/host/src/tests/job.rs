//! How a job's time is counted.

use super::job;
use crate::failure::Ended;
use crate::grants::Grants;
use crate::reach::Services;
use std::sync::atomic::Ordering;

#[tokio::test]
async fn only_the_guests_own_ticks_are_charged() {
    let mut job = job(Services::default(), Grants::default());
    let tick_ms = job.around.limits.guest_ms / 4;
    for _ in 0..10 {
        let mark = job.enter("log.write").unwrap();
        job.around.ticks.fetch_add(7, Ordering::Relaxed);
        job.leave(mark);
        assert_eq!(job.charge_tick(tick_ms), Ok(()), "it fell into a host call");
    }
    for _ in 0..4 {
        assert_eq!(job.charge_tick(tick_ms), Ok(()));
    }
    assert_eq!(job.charge_tick(tick_ms), Err(Ended::GuestTime(10_000)));
}
