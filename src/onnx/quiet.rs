//! Turns off ONNX Runtime's telemetry and redirects its log from stderr.

use super::cuda::errors::essence;
use ort::logging::{LogLevel, LoggerFunction};
use std::sync::Arc;

/// Environment variable that the library reads when it is loaded and when its environment is created. Without
/// it the official builds from 1.31 on keep a database and an identifier of the machine in the user's cache,
/// and write a file `.ses` into the temporary folder, following any link of that name. The API
/// (`DisableTelemetryEvents`) needs an environment, which is too late.
const SWITCH: &str = "ORT_DISABLE_TELEMETRY";

/// Start of a warning about a number that is a list of one.
const SHAPES: &str = "Expected shape from model of {} does not match actual shape of {1}";

/// Forbids ONNX Runtime's telemetry in this process and its child processes.
///
/// To be called before the library is loaded, best as the first statement of `main`: the environment of a
/// process can be changed without a data race only while it has one thread.
/// Loading the runtime calls it as well, for programs that do not.
pub fn forbid_telemetry() {
    if std::env::var_os(SWITCH).is_some_and(|value| value == "1") {
        return;
    }
    // SAFETY: in `docparse` this runs as the first statement of `main`, in the only thread. In a program that
    // first gets here with several threads, the standard library's lock excludes all Rust code; C code that
    // reads the environment at that moment sees the old block or the new one, because the first change in a
    // process is made in a copy and frees nothing. A process that changes its environment from C while
    // several threads run is already unsound.
    unsafe { std::env::set_var(SWITCH, "1") };
}

/// Redirects the library's log lines, which it would print to stderr in red, to our log: its errors, which are
/// details of what [`super::OnnxError`] says, as information, and its warnings, of no interest to users, for debugging. None of
/// them is shown unless it is asked for, but for those after which the library ends the process.
pub(super) fn logger() -> LoggerFunction {
    Arc::new(|level, _category, _id, location, message| {
        // Told for every token of a table: its network declares numbers and hands on lists of one.
        let is_shape = level == LogLevel::Warning && message.starts_with(SHAPES);
        // Until the library's level is set, it logs every step.
        if level >= LogLevel::Warning && !is_shape {
            let message = crate::net::clean_text(&essence(message), 2000);
            let tell = || match level {
                LogLevel::Fatal => tracing::error!(location, "ONNX Runtime: {message}"),
                LogLevel::Error => tracing::info!(location, "ONNX Runtime: {message}"),
                _ => tracing::debug!(location, "ONNX Runtime: {message}"),
            };
            // A panic (for example if stderr is closed) must not unwind through the library.
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
