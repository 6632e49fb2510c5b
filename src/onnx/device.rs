//! The devices that networks run on, by their names.

use serde::{Deserialize, Serialize};
use std::fmt;

/// Device that models run on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Device {
    /// The GPU if the runtime has one, else the CPU.
    Auto,
    /// The CPU.
    Cpu,
    /// The GPU of this number; an error if it cannot be used.
    Gpu(u32),
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Device::Auto => f.write_str("auto"),
            Device::Cpu => f.write_str("cpu"),
            Device::Gpu(number) => write!(f, "gpu:{number}"),
        }
    }
}
