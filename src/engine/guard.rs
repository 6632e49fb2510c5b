//! Errors and panics of a stage's work, as the texts of failures.

use super::CANCELLED;
use crate::deadline::{self, Stopped};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Runs `work`, turning a panic into an error; `what` names the stage.
pub(super) fn guarded<T>(
    what: &str,
    work: impl FnOnce() -> Result<T, String>,
) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|panic| {
        match deadline::why(panic.as_ref()) {
            Some(Stopped::Cancelled) => Err(CANCELLED.to_string()),
            Some(Stopped::TimeUp) => Err(format!("the time is up while {what}")),
            None => {
                let text = panic.downcast_ref::<&str>().map(|s| s.to_string());
                let text = text
                    .or_else(|| panic.downcast_ref::<String>().cloned())
                    .unwrap_or_default();
                Err(format!("internal error while {what}: {text}"))
            }
        }
    })
}

/// An error and its causes in one line.
pub(super) fn error_chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(&format!(": {cause}"));
        source = cause.source();
    }
    text
}
