//! Failures as plugins and jobs give them: constructors, and what a trap of the guest means.

use crate::ledger::Ledger;
use crate::limits::{TABLE_ELEMENTS, TICK_MS};
use crate::wit::types::{Failure, FailureClass};

/// Longest message that a guest's failure may carry, in bytes.
const MESSAGE_MAX_BYTES: usize = 4_000;
const CODE_MAX_BYTES: usize = 64;

impl AsRef<Failure> for Failure {
    fn as_ref(&self) -> &Failure {
        self
    }
}

impl Failure {
    pub fn new(class: FailureClass, code: &str, message: impl Into<String>) -> Failure {
        Failure { class, code: code.to_owned(), message: message.into(), retry_after_s: None }
    }

    /// The input is wrong.
    pub fn invalid(code: &str, message: impl Into<String>) -> Failure {
        Failure::new(FailureClass::Invalid, code, message)
    }

    /// Waits for the operator.
    pub fn denied(code: &str, message: impl Into<String>) -> Failure {
        Failure::new(FailureClass::Denied, code, message)
    }

    /// May pass by itself.
    pub fn unavailable(code: &str, message: impl Into<String>) -> Failure {
        Failure::new(FailureClass::Unavailable, code, message)
    }

    /// May have happened.
    pub fn unknown(code: &str, message: impl Into<String>) -> Failure {
        Failure::new(FailureClass::UnknownOutcome, code, message)
    }

    /// The plugin is wrong.
    pub fn bug(code: &str, message: impl Into<String>) -> Failure {
        Failure::new(FailureClass::Bug, code, message)
    }

    /// Cut to what a row of ours may hold: the words are the guest's.
    pub(crate) fn bounded(mut self) -> Failure {
        for (text, most) in [(&mut self.code, CODE_MAX_BYTES), (&mut self.message, MESSAGE_MAX_BYTES)] {
            // Escaping makes it longer, and is not to be done to a megabyte.
            truncate(text, most);
            *text = one_line(text);
            truncate(text, most);
        }
        self
    }
}

/// Cuts at a character's boundary.
pub(crate) fn truncate(text: &mut String, max_bytes: usize) {
    text.truncate(text.floor_char_boundary(max_bytes));
}

/// For a line of the log: a guest's line breaks and control characters are shown, not obeyed.
pub(crate) fn one_line(text: &str) -> String {
    let breaks = |c: char| c.is_control() || matches!(c, '\u{2028}' | '\u{2029}');
    let shown = |c: char| if breaks(c) { c.escape_default().to_string() } else { c.to_string() };
    text.chars().map(shown).collect()
}

/// The daemon's own code failed: no plugin's fault.
pub(crate) const HOST_PANICKED: &str = "host-panicked";

/// What a guest says itself. One that gives up on its own work after it may have changed something leaves an unknown end: as a
/// plain bug it would be tried again after a mend.
pub(crate) fn of_guest(mut failure: Failure, ledger: &Ledger) -> Failure {
    if failure.class == FailureClass::Bug && ledger.touched() {
        failure.class = FailureClass::UnknownOutcome;
    }
    failure.bounded()
}

/// Why the host ended a guest; travels as the trap's error.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Ended {
    #[error("the guest computed for longer than {0} ms")]
    GuestTime(u64),
    #[error("the guest was still computing after {0} ms")]
    Deadline(u64),
    #[error("the guest made more than {0} host calls")]
    HostCalls(u32),
    #[error("the guest was ended beside a host call, on purpose")]
    Crashed,
}

/// Why a plugin is not called any more, and the way back.
pub(crate) fn set_aside(plugin: &str, most: u32) -> Failure {
    Failure::denied(
        "set-aside",
        format!(
            "plugin \"{plugin}\" failed {most} jobs in a row by its own fault and is set aside: mend or replace it, then run \
             `remitd reload`."
        ),
    )
}

/// What a trap means. Ambiguous ones are told apart by what the host noted meanwhile.
pub(crate) fn of_trap(error: &wasmtime::Error, ledger: &Ledger) -> Failure {
    let (code, message) = name_trap(error, ledger);
    let message = format!("the plugin was stopped: {message}");
    if ledger.touched() {
        let message =
            format!("{message}; it had already made a call that may have changed something outside");
        return Failure::unknown(code, message).bounded();
    }
    Failure::bug(code, message).bounded()
}

fn name_trap(error: &wasmtime::Error, ledger: &Ledger) -> (&'static str, String) {
    if let Some(ended) = error.downcast_ref::<Ended>() {
        return match ended {
            Ended::GuestTime(_) => ("time-limit", format!("{ended} ([limits] plugin_time)")),
            Ended::Deadline(_) => {
                ("time-limit", format!("{ended}: it loops, or this machine has too much to do"))
            }
            Ended::HostCalls(_) => ("too-many-host-calls", ended.to_string()),
            Ended::Crashed => ("crashed", ended.to_string()),
        };
    }
    if let Some(bytes) = ledger.memory_refused() {
        let mebibytes = bytes >> 20;
        return ("memory-limit", format!("it asked for more than {mebibytes} MiB ([limits] plugin_memory)"));
    }
    if ledger.table_refused() {
        return ("table-limit", format!("it asked for a table of more than {TABLE_ELEMENTS} elements"));
    }
    // wasmtime keeps this error's type to itself; a test holds the words.
    if error.chain().any(|cause| cause.to_string().contains("fuel allocated for hostcalls")) {
        return ("answer-too-large", "it handed over more in one piece than the daemon takes".to_owned());
    }
    match error.downcast_ref::<wasmtime::Trap>() {
        Some(wasmtime::Trap::StackOverflow) => ("stack-overflow", "it called itself too deeply".to_owned()),
        Some(trap) => match ledger.panic_text() {
            Some(text) => ("panicked", text),
            None => ("trapped", trap.to_string()),
        },
        None => ("trapped", error.root_cause().to_string()),
    }
}

/// The wall deadline passed. Where the guest spent it computing, that is its own deed: on a busy machine its threads get so
/// little that a loop meets this end before the limit of its own time.
pub(crate) fn deadline(wall_ms: u64, ledger: &Ledger) -> Failure {
    if ledger.mostly_computed(wall_ms / TICK_MS) {
        ledger.note_trap();
        return of_trap(&Ended::Deadline(wall_ms).into(), ledger);
    }
    let message = format!("the call took longer than {wall_ms} ms");
    if ledger.touched() {
        let message = format!("{message}, after a call that may have changed something outside");
        return Failure::unknown("deadline", message);
    }
    Failure::unavailable("deadline", message)
}
