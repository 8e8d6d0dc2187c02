//! Identities, as wide as they are in a record and never reused within one life of what they name.

use serde::{Deserialize, Serialize};

/// A connection of a specimen: its serial number since that specimen's process started. Zero names none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ConnId(pub u32);

/// A client's place in the load: `0..connections`. It outlives the connections that the client opens one after another.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct ClientId(pub u32);

/// A specimen's place in its scenario: `0..specimens`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct SpecimenId(pub u8);

impl ConnId {
    /// No connection: what a callback of the listener or of a control message belongs to.
    pub const NONE: Self = Self(0);

    /// Whether this names a connection at all.
    pub fn is_some(self) -> bool {
        self != Self::NONE
    }
}
