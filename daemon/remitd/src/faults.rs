//! Fail points for the crash tests: `REMITD_FAULT=post.written:3` ends the process with SIGKILL when that point is reached
//! for the third time. Without the variable nothing ever happens.

use remitd_flow::{Crashed, Faults, NoFaults};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

const VARIABLE: &str = "REMITD_FAULT";

pub struct KillSelf {
    point: String,
    left: AtomicU64,
}

impl KillSelf {
    pub fn from_environment() -> Arc<dyn Faults> {
        let wanted = std::env::var(VARIABLE).unwrap_or_default();
        match wanted.split_once(':').and_then(|(point, nth)| Some((point.to_owned(), nth.parse().ok()?))) {
            Some((point, nth)) => Arc::new(KillSelf { point, left: AtomicU64::new(nth) }),
            None => Arc::new(NoFaults),
        }
    }
}

impl Faults for KillSelf {
    fn hit(&self, point: &'static str) -> Result<(), Crashed> {
        if point == self.point && self.left.fetch_sub(1, Ordering::SeqCst) == 1 {
            // The strongest end there is: no destructor, no flush, no goodbye.
            let _ = rustix::process::kill_process(rustix::process::getpid(), rustix::process::Signal::KILL);
        }
        Ok(())
    }
}
