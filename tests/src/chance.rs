//! Random numbers that a seed gives again.

/// Knuth's multiplier and increment for 64 bits; only the upper bits are handed out.
const MULTIPLIER: u64 = 6_364_136_223_846_793_005;
const INCREMENT: u64 = 1_442_695_040_888_963_407;

#[derive(Debug, Clone)]
pub struct Chance(u64);

impl Chance {
    pub fn new(seed: u64) -> Chance {
        Chance(seed.wrapping_mul(MULTIPLIER).wrapping_add(INCREMENT))
    }

    /// From the variable's seed, or one of this process; printed, so that a failure can be had again.
    pub fn from_environment(variable: &str) -> Chance {
        Chance::new(seed(variable))
    }

    /// Below `most`, which is less than 2³¹; 0 where it is 0.
    pub fn below(&mut self, most: u64) -> u64 {
        self.0 = self.0.wrapping_mul(MULTIPLIER).wrapping_add(INCREMENT);
        (self.0 >> 33).checked_rem(most).unwrap_or(0)
    }

    /// A place in a list of so many.
    pub fn at(&mut self, many: usize) -> usize {
        usize::try_from(self.below(many as u64)).expect("it is below a usize")
    }

    pub fn of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.at(all.len())]
    }
}

/// The variable's seed, or one of this process; printed.
pub fn seed(variable: &str) -> u64 {
    let given = std::env::var(variable).ok().and_then(|text| text.parse().ok());
    let seed = given.unwrap_or_else(|| u64::from(std::process::id()));
    eprintln!("{variable}={seed}");
    seed
}
