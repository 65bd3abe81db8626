//! Bytes from the system's secure generator.

use crate::job::JobState;
use crate::wit::random::Host;

const MOST_BYTES: u32 = 1_024;

impl Host for JobState {
    fn bytes(&mut self, len: u32) -> wasmtime::Result<Vec<u8>> {
        let mark = self.enter("random.bytes")?;
        // Fewer bytes than asked for would be a key that is weaker than its maker thinks: rather no plugin.
        if len > MOST_BYTES {
            return Err(wasmtime::Error::msg(format!(
                "it asked for {len} random bytes, {MOST_BYTES} at most"
            )));
        }
        let mut bytes = vec![0; len as usize];
        getrandom::fill(&mut bytes).map_err(|error| wasmtime::Error::msg(error.to_string()))?;
        self.leave(mark);
        Ok(bytes)
    }
}
