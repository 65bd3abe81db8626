//! From the command to "ready" with five plugins in the cache, and what the daemon holds and uses when it has nothing to do.

use crate::{BIN, bound, least, memory_mib, now};
use remitd_tests::daemon::Daemon;
use remitd_tests::firm::Firm;

const RUNS: usize = 5;
/// Kept from the start until the daemon has nothing to do: its first polls, its first sweep.
const QUIET: std::time::Duration = std::time::Duration::from_secs(3);
const SMTP: &str = r#"
[[smtp]]
id = "relay"
host = "smtp.example.com"

[[plugin]]
id = "relay"
file = "smtp"
[plugin.settings]
connection = "relay"
[plugin.grants]
smtp = ["relay"]
"#;

pub fn run() {
    let firm = Firm::with_matters(BIN, None);
    firm.add("relay", SMTP);
    firm.cli(&["check"]).expect(0);
    let (mut idle_mib, mut idle_processor) = (0_f64, 0_f64);
    let ready = least(RUNS, || {
        let began = now();
        let daemon = Daemon::start(&firm.bin, &firm.config, &[]);
        let seconds = began.elapsed().as_secs_f64();
        if idle_mib == 0.0 {
            quiet();
            let before = processor_s(daemon.pid());
            quiet();
            idle_processor = (processor_s(daemon.pid()) - before) / QUIET.as_secs_f64();
            idle_mib = memory_mib(daemon.pid(), "VmRSS").unwrap();
        }
        daemon.stop();
        seconds
    });
    bound("ready with five plugins in the cache", ready * 1e3, 300.0, "ms");
    bound("memory when idle", idle_mib, 60.0, "MiB");
    // The firm of a benchmark polls and scans ten times as often as one in use.
    bound("processor when idle", idle_processor * 100.0, 5.0, "%");
}

/// Seconds of processor that a process has used.
fn processor_s(pid: u32) -> f64 {
    let stat = fs_err::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    // After the name in brackets: state is field 3, user and system time are 14 and 15, in hundredths.
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap().split_whitespace().collect();
    (fields[11].parse::<f64>().unwrap() + fields[12].parse::<f64>().unwrap()) / 100.0
}

#[allow(clippy::disallowed_methods, reason = "quiet is what is waited for")]
fn quiet() {
    std::thread::sleep(QUIET);
}
