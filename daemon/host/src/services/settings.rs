//! The plugin's own settings.

use crate::job::JobState;
use crate::wit::settings::Host;

impl Host for JobState {
    fn json(&mut self) -> wasmtime::Result<String> {
        let mark = self.enter("settings.json")?;
        let json = self.charter.settings_json.clone();
        self.leave(mark);
        Ok(json)
    }
}
