//! Time as the domain sees it: a clock that is handed in, instants in UTC. Never reads the system's clock itself.

use chrono::{DateTime, Utc};

/// The only way to learn the time below the binary.
pub trait Clock: Send + Sync {
    fn now(&self) -> DateTime<Utc>;

    /// Unix milliseconds, the unit in which instants are stored.
    fn now_ms(&self) -> i64 {
        self.now().timestamp_millis()
    }
}
