//! Named places at which a test may end the process, so that what a crash leaves behind can be looked at.

/// A named place at which a test may end the process.
#[derive(Debug, Clone, Copy)]
pub struct Crashed(pub &'static str);

/// Where faults come from. In a real run nothing ever does.
pub trait Faults: Send + Sync {
    fn hit(&self, point: &'static str) -> Result<(), Crashed>;
}

pub struct NoFaults;

impl Faults for NoFaults {
    fn hit(&self, _: &'static str) -> Result<(), Crashed> {
        Ok(())
    }
}
