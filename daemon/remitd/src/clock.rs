//! The system's clock: read here and nowhere else, and handed down.

use chrono::{DateTime, Utc};
use remitd_domain::time::Clock;

pub struct SystemClock;

impl Clock for SystemClock {
    #[allow(clippy::disallowed_methods, reason = "the one place that reads the clock")]
    fn now(&self) -> DateTime<Utc> {
        Utc::now()
    }
}
