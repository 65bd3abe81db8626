//! What runs before each exported call inside the sandbox: a panic's words reach the daemon's log before the trap hides them.

use crate::host::log;
use std::sync::Once;

/// Once an instance; later calls cost a load.
pub fn start() {
    static HOOK: Once = Once::new();
    HOOK.call_once(|| std::panic::set_hook(Box::new(|panic| log::error(&panic.to_string()))));
}
