//! What a hundred live instances of one plugin hold, against one: in a process of its own, which holds nothing else.

use crate::grown;
use crate::sandbox::{csv, host, runtime};
use remitd_host::{Failure, Host, JobSpec, Plugin};
use std::process::Command;
use std::sync::Arc;
use tokio::sync::{Semaphore, mpsc};
use tokio::task::JoinSet;
use wasmtime::component::Val;

/// The argument by which this program is asked to be that process.
pub const PART: &str = "live-instances";
const LIVE: usize = 100;

pub fn run() {
    let mut part = Command::new(std::env::current_exe().unwrap());
    let output = part.arg(PART).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).unwrap();
    let mut mib = text.split_whitespace().map(|figure| figure.parse::<f64>().unwrap());
    let (one, hundred) = (mib.next().unwrap(), mib.next().unwrap());
    grown("memory: 100 live instances / one", (hundred, one), "MiB", 1.15);
}

/// Prints the two figures, in MiB.
pub fn part() {
    let folder = tempfile::tempdir().unwrap();
    // The one that compiles is gone: a daemon finds its plugins in the cache.
    drop(csv(&host(folder.path(), 2)));
    let host = host(folder.path(), 2);
    let plugin = csv(&host);
    runtime().block_on(async {
        let one = holding(&host, &plugin, 1).await;
        let hundred = holding(&host, &plugin, LIVE).await;
        println!("{one} {hundred}");
    });
}

/// This process's memory with what is shared counted once: the instances share a plugin's first content.
fn own_mib() -> f64 {
    let rollup = fs_err::read_to_string("/proc/self/smaps_rollup").unwrap();
    let line = rollup.lines().find_map(|line| line.strip_prefix("Pss:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<f64>().unwrap() / 1024.0
}

/// Memory while so many instances, each of which was called once, are held.
async fn holding(host: &Arc<Host>, plugin: &Arc<Plugin>, instances: usize) -> f64 {
    let end = Arc::new(Semaphore::new(0));
    let (called, mut calls) = mpsc::channel::<()>(instances);
    let mut jobs = JoinSet::new();
    for _ in 0..instances {
        let (host, plugin, called, end) =
            (Arc::clone(host), Arc::clone(plugin), called.clone(), Arc::clone(&end));
        jobs.spawn(async move {
            let job = JobSpec::new("bench", "bench");
            let held = host.run(&plugin, job, |mut store, pre, _| async move {
                let instance = pre.instantiate_async(&mut store).await?;
                let interface = instance.get_export_index(&mut store, None, "remitd:plugin/importer@1.0.0");
                let describe = instance.get_export_index(&mut store, interface.as_ref(), "describe").unwrap();
                let describe = instance.get_func(&mut store, describe).unwrap();
                describe.call_async(&mut store, &[], &mut [Val::Bool(false)]).await?;
                called.send(()).await.unwrap();
                let _ = end.acquire().await;
                Ok(Ok::<(), Failure>(()))
            });
            held.await.unwrap();
        });
    }
    for _ in 0..instances {
        calls.recv().await.unwrap();
    }
    let mib = own_mib();
    end.add_permits(instances);
    jobs.join_all().await;
    mib
}
