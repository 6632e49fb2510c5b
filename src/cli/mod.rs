//! Arguments, one file for each subcommand, progress, exit codes. The only module that sees clap or a terminal.

pub mod args;
mod command;
mod doctor;
mod fetch_args;
mod golden;
mod logging;
pub mod models;
mod networks;
mod parity;
mod parse;
mod parts;
mod pipeline;
mod report;

use args::{Cli, Command};
use clap::FromArgMatches;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// Exit codes.
pub mod exit {
    /// Everything was done.
    pub const DONE: u8 = 0;
    /// Nothing could be done.
    pub const FAILED: u8 = 1;
    /// The usage or the configuration is wrong.
    pub const USAGE: u8 = 2;
    /// Done, but an input, page or block failed.
    pub const PARTIAL: u8 = 3;
    /// Interrupted; what was finished is whole.
    pub const INTERRUPTED: u8 = 130;
}

/// Why a command could not run, and what to do.
#[derive(Debug)]
pub struct Failure {
    code: u8,
    reason: String,
    hint: String,
}

impl Failure {
    /// The arguments or the configuration are wrong.
    pub fn usage(reason: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { code: exit::USAGE, reason: reason.into(), hint: hint.into() }
    }

    /// The run cannot start or go on.
    pub fn fatal(reason: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { code: exit::FAILED, reason: reason.into(), hint: hint.into() }
    }
}

/// Runs the program with the process's arguments.
pub fn main() -> ExitCode {
    // First of all: there is no other thread yet.
    crate::onnx::forbid_telemetry();
    ExitCode::from(run(std::env::args_os().map(|a| a.to_string_lossy().into_owned()).collect()))
}

fn run(arguments: Vec<String>) -> u8 {
    let command = command::command();
    let arguments = match command::spell_out(arguments, &command) {
        Ok(arguments) => arguments,
        Err(reason) => return report(Failure::usage(reason, "docparse --help lists the flags")),
    };
    let cli = match command.clone().try_get_matches_from(arguments).and_then(|m| Cli::from_arg_matches(&m)) {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version go to stdout with 0, errors to stderr with 2. A closed pipe is nobody's fault.
            let _ = error.print();
            return if error.use_stderr() { exit::USAGE } else { exit::DONE };
        }
    };
    let result = match &cli.command {
        None => parse::run(&cli.parse),
        Some(Command::DocParser(args)) => parse::run(args),
        Some(Command::Doctor(args)) => doctor::run(args),
        Some(Command::Models { command }) => models::run(command),
        Some(Command::Golden(args)) => golden::run(args),
        Some(Command::Parity(args)) => parity::run(args),
        Some(Command::Completions { shell }) => {
            let mut script = Vec::new();
            clap_complete::generate(*shell, &mut command.clone(), "docparse", &mut script);
            print(&String::from_utf8_lossy(&script));
            Ok(exit::DONE)
        }
        Some(Command::Man) => {
            let mut page = Vec::new();
            let rendered = clap_mangen::Man::new(command.clone()).render(&mut page);
            print(&String::from_utf8_lossy(&page));
            rendered.map(|()| exit::DONE).map_err(|e| Failure::fatal(e.to_string(), "try again"))
        }
        Some(Command::PdfWorker { library, memory_limit }) => {
            match crate::input::pdf::worker::run(library, *memory_limit) {
                Ok(()) => Ok(exit::DONE),
                Err(error) => Err(Failure::fatal(
                    format!("PDF worker: {error}"),
                    "docparse doctor checks the libraries",
                )),
            }
        }
    };
    result.unwrap_or_else(report)
}

fn report(failure: Failure) -> u8 {
    eprint(&format!("error: {}\nhint: {}\n", failure.reason, failure.hint));
    failure.code
}

/// Prints what was asked for; a reader that has gone is no error.
pub(crate) fn print(text: &str) {
    let _ = std::io::stdout().lock().write_all(text.as_bytes());
}

/// Prints a message for people.
pub(crate) fn eprint(text: &str) {
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

/// Processors of the machine.
pub(crate) fn cores() -> usize {
    std::thread::available_parallelism().map_or(2, |n| n.get())
}

/// The user's folder for data.
pub(crate) fn data_home() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    set("XDG_DATA_HOME").or_else(|| set("HOME").map(|home| home.join(".local").join("share")))
}

/// A flag that the first interrupt sets; the second ends the process at once.
pub(crate) fn cancel_on_signals() -> Arc<AtomicBool> {
    let flag = Arc::new(AtomicBool::new(false));
    for signal in [signal_hook::consts::SIGINT, signal_hook::consts::SIGTERM] {
        // Where a signal cannot be caught it ends the process, as it would anyway.
        let _ = signal_hook::flag::register_conditional_shutdown(
            signal,
            i32::from(exit::INTERRUPTED),
            flag.clone(),
        );
        let _ = signal_hook::flag::register(signal, flag.clone());
    }
    flag
}
