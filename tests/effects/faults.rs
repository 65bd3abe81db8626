//! Fail points in one process: a recorder that learns which points are passed, and a crash at one of them. An error there
//! drops everything in hand, as the end of a process would.

use remitd_flow::{Crashed, Faults};
use std::collections::HashMap;
use std::sync::Mutex;

/// A point, and at which of its hits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct At {
    pub point: &'static str,
    pub nth: usize,
}

/// Notes every point that is passed.
#[derive(Default)]
pub struct Recorder(Mutex<Vec<At>>);

impl Recorder {
    pub fn passed(&self) -> Vec<At> {
        self.0.lock().unwrap().clone()
    }
}

impl Faults for Recorder {
    fn hit(&self, point: &'static str) -> Result<(), Crashed> {
        let mut passed = self.0.lock().unwrap();
        let nth = 1 + passed.iter().filter(|at| at.point == point).count();
        passed.push(At { point, nth });
        Ok(())
    }
}

/// Crashes once, at one point.
pub struct CrashAt {
    at: At,
    hits: Mutex<HashMap<&'static str, usize>>,
}

impl CrashAt {
    pub fn new(at: At) -> CrashAt {
        CrashAt { at, hits: Mutex::default() }
    }

    pub fn fired(&self) -> bool {
        self.hits.lock().unwrap().get(self.at.point).is_some_and(|hits| *hits >= self.at.nth)
    }
}

impl Faults for CrashAt {
    fn hit(&self, point: &'static str) -> Result<(), Crashed> {
        let mut hits = self.hits.lock().unwrap();
        let hits = hits.entry(point).or_default();
        *hits += 1;
        if (At { point, nth: *hits }) == self.at { Err(Crashed(point)) } else { Ok(()) }
    }
}
