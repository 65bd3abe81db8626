//! The time, as the daemon's clock gives it.

use crate::job::JobState;
use crate::wit::clock::Host;
use chrono::Datelike;

impl Host for JobState {
    fn now_ms(&mut self) -> wasmtime::Result<u64> {
        let mark = self.enter("clock.now-ms")?;
        let now = (self.around.clock)().timestamp_millis();
        self.leave(mark);
        Ok(u64::try_from(now).unwrap_or(0))
    }

    fn today(&mut self) -> wasmtime::Result<(i32, u8, u8)> {
        let mark = self.enter("clock.today")?;
        let today = (self.around.clock)().with_timezone(&self.around.zone).date_naive();
        self.leave(mark);
        Ok((today.year(), u8::try_from(today.month())?, u8::try_from(today.day())?))
    }
}
