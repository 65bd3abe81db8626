//! Ports that stay a daemon's own while it is down. They lie below the range from which the kernel takes ports for outgoing
//! connections, so that none of those can have them when the daemon comes back.

use std::collections::HashSet;
use std::hash::{BuildHasher, RandomState};
use std::net::{Ipv4Addr, TcpListener};
use std::sync::Mutex;

const FIRST: u16 = 15_000;
const LAST: u16 = 31_000;

/// Given out in this process so far.
static GIVEN: Mutex<Option<HashSet<u16>>> = Mutex::new(None);

/// Ports that nobody listens on now, never the same twice in a process. Other processes begin elsewhere, by chance.
pub fn free<const N: usize>() -> [u16; N] {
    let mut given = GIVEN.lock().expect("no other caller failed");
    let given = given.get_or_insert_default();
    let span = u64::from(LAST - FIRST);
    let start = u16::try_from(RandomState::new().hash_one(0) % span).expect("is below the span");
    let around = (FIRST + start..LAST).chain(FIRST..FIRST + start);
    let mut free = around.filter(|port| !given.contains(port) && is_free(*port));
    let ports = [(); N].map(|()| free.next().expect("some ports are free"));
    drop(free);
    given.extend(ports);
    ports
}

fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_port_is_given_twice_and_none_is_the_kernels_to_give() {
        let (one, two) = (free::<40>(), free::<40>());
        let all: HashSet<u16> = one.into_iter().chain(two).collect();
        assert_eq!(all.len(), 80);
        let range = fs_err::read_to_string("/proc/sys/net/ipv4/ip_local_port_range").unwrap();
        let kernels: u16 = range.split_whitespace().next().unwrap().parse().unwrap();
        assert!(all.iter().all(|port| *port < kernels), "the kernel gives ports from {kernels}");
    }
}
