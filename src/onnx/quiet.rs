//! Keeps ONNX Runtime from talking: neither about the user to its makers, nor on stderr.

use ort::logging::{LogLevel, LoggerFunction};
use std::sync::Arc;

/// Read by the library when it is loaded and when its environment is made. Without it the official builds from 1.31 on keep a
/// database and an identifier of the machine in the user's cache, and a file `.ses` in the temporary folder, through any link
/// that lies there. What the API offers (`DisableTelemetryEvents`) needs an environment, and comes too late.
const SWITCH: &str = "ORT_DISABLE_TELEMETRY";

/// Forbids ONNX Runtime's telemetry in this process and those that it starts.
///
/// To be called before the library is loaded, and best as the first statement of `main`: the environment of a process can only be
/// written without a race while it has one thread. [`Runtime::load`](super::Runtime::load) calls it as well, so that a program
/// that forgets it is kept quiet all the same.
pub fn forbid_telemetry() {
    if std::env::var_os(SWITCH).is_some_and(|value| value == "1") {
        return;
    }
    // SAFETY: in `docparse` this runs as the first statement of `main`, in the only thread. In another program that comes here
    // first with several threads, the standard library's lock keeps all Rust code apart; C code that reads the environment in
    // that very moment sees the old block or the new one, since the first change of a process is made in a copy and frees
    // nothing. A process that changes its environment from C with several threads running is at fault already.
    unsafe { std::env::set_var(SWITCH, "1") };
}

/// Takes the library's own lines, which it would print in red over several lines: they are details of what [`super::OnnxError`]
/// says, or of no interest at a shell.
pub(super) fn logger() -> LoggerFunction {
    Arc::new(|level, _category, _id, location, message| {
        // Before the level is set, it tells of every step.
        if level >= LogLevel::Warning {
            let message = crate::net::clean_text(message, 2000);
            let tell = || tracing::debug!(location, "ONNX Runtime: {message}");
            // A panic, as where stderr is closed, must not go through the library.
            let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(tell));
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn telemetry_is_off_once_it_was_forbidden() {
        forbid_telemetry();
        assert_eq!(std::env::var(SWITCH).as_deref(), Ok("1"));
    }
}
