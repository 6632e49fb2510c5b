//! Errors and panics of a stage's work, as faults.

use crate::deadline::{self, Stopped};
use crate::fault::{Fault, Reason};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs `work`, turning a panic into an error; `what` names the stage.
pub(super) fn guarded<T>(what: &str, work: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        match deadline::why(panic.as_ref()) {
            Some(Stopped::Cancelled) => Err(Stopped::Cancelled.into()),
            Some(Stopped::TimeUp) => {
                let message = format!("the time is up while {what}");
                Err(Fault::new(Reason::TimeUp, message))
            }
            None => {
                let text = panic.downcast_ref::<&str>().map(|s| s.to_string());
                let text = text
                    .or_else(|| panic.downcast_ref::<String>().cloned())
                    .unwrap_or_default();
                let message = format!("internal error while {what}: {text}");
                Err(Fault::internal(message))
            }
        }
    })
}
