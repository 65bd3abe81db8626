//! Merchant accounts: of which kind the money in them is. What follows from the kind is decided where it matters.

use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// The firm's own money: earned fees and costs.
    #[default]
    Operating,
    /// A client's money that the firm keeps (IOLTA).
    Trust,
}
