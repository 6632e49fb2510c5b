//! The command line: arguments, one file for each subcommand, progress, exit codes. Only this module uses
//! clap or a terminal.

pub(crate) mod args;
mod bench;
mod command;
mod conform;
mod devices;
mod doctor;
mod doctor_gpu;
mod flags;
mod folders;
mod golden;
mod identity;
mod inputs;
mod interrupt;
mod logging;
pub(crate) mod models;
mod models_args;
mod outbound_args;
mod outputs;
mod parameter_args;
mod parity;
mod parse;
mod report;
mod report_file;
mod request;
mod serve;
mod serve_args;
mod terminal;
mod values;

use crate::devices::child;
use crate::document::Code;
use crate::fault::{Fault, Reason};
use crate::input::worker::process::{self, WorkerLimits};
use crate::pipeline::parts::device_networks;
use crate::shown;
use args::{Cli, Command};
use clap::FromArgMatches;
pub(crate) use folders::{data_home, quantized_store};
use logging::LogRecord;
use std::borrow::Cow;
use std::ffi::OsString;
use std::fmt;
use std::io::Write;
use std::process::ExitCode;
pub(crate) use terminal::{eprint, print};
use tracing::Level;

/// Exit codes.
pub(crate) mod exit {
    /// Everything was done.
    pub(crate) const DONE: u8 = 0;
    /// Nothing could be done.
    pub(crate) const FAILED: u8 = 1;
    /// The usage or the configuration is wrong.
    pub(crate) const USAGE: u8 = 2;
    /// Done, but an input, page or block failed.
    pub(crate) const PARTIAL: u8 = 3;
    /// Interrupted; finished documents are complete.
    pub(crate) const INTERRUPTED: u8 = 130;
}

/// Cause of a [`Failure`]: a message or an error.
pub(crate) trait Told: fmt::Display + fmt::Debug + Send + Sync + 'static {}

impl<T: fmt::Display + fmt::Debug + Send + Sync + 'static> Told for T {}

/// Reason why a command could not run, and advice on what to do.
#[derive(Debug)]
pub(crate) struct Failure {
    code: u8,
    /// A [`Fault`] if its reason is known.
    error: anyhow::Error,
    hint: String,
}

impl Failure {
    /// The arguments or the configuration are wrong.
    pub(crate) fn usage(what: impl Told, hint: impl Into<String>) -> Self {
        Self {
            code: exit::USAGE,
            error: anyhow::Error::msg(what),
            hint: hint.into(),
        }
    }

    /// The run cannot start or go on.
    pub(crate) fn fatal(what: impl Told, hint: impl Into<String>) -> Self {
        Self {
            code: exit::FAILED,
            error: anyhow::Error::msg(what),
            hint: hint.into(),
        }
    }

    /// The same, with the failed action before the message.
    pub(crate) fn context(self, what: impl Told) -> Self {
        Self {
            error: self.error.context(what),
            ..self
        }
    }

    /// As a fault, for those who have no use for advice on flags.
    pub(crate) fn into_fault(self) -> Fault {
        let message = format!("{:#}; hint: {}", self.error, self.hint);
        let reason = match self.error.downcast_ref::<Fault>() {
            Some(fault) => fault.reason,
            None => Reason::Settings,
        };
        Fault::new(reason, message)
    }

    /// Prints the failure.
    pub(crate) fn tell(&self) {
        if logging::is_json() {
            let code = if self.code == exit::USAGE {
                Code::Usage.name()
            } else {
                Code::Fatal.name()
            };
            let fault = self.error.downcast_ref::<Fault>();
            let message = format!("{:#}; hint: {}", self.error, self.hint);
            LogRecord {
                reason: fault.map(|fault| fault.reason.name()),
                ..LogRecord::new(Level::ERROR, code, &message)
            }
            .print();
        } else {
            let message = format!("{:#}", self.error);
            LogRecord::new(Level::ERROR, Code::Fatal.name(), &message).print();
            eprint(&format!("hint: {}\n", shown::text(&self.hint)));
        }
    }
}

/// Runs the program with the process's arguments.
pub fn main() -> ExitCode {
    // Before anything else, while there is no other thread.
    crate::onnx::forbid_telemetry();
    let code = run(std::env::args_os().collect());
    if code == exit::INTERRUPTED {
        let _ = std::io::stdout().flush();
        interrupt::end_now(code);
    }
    ExitCode::from(code)
}

fn run(arguments: Vec<OsString>) -> u8 {
    let command = command::command();
    logging::choose(command::log_format(&arguments));
    logging::catch_panics();
    if let Err(failure) = identity::take() {
        return report(failure);
    }
    let arguments = match command::spell_out(arguments, &command) {
        Ok(arguments) => arguments,
        Err(reason) => return report(Failure::usage(reason, "docparse --help lists the flags")),
    };
    let parsed = command.clone().try_get_matches_from(arguments);
    let parsed = parsed.and_then(|matches| Ok((Cli::from_arg_matches(&matches)?, matches)));
    let (mut cli, matches) = match parsed {
        Ok(parsed) => parsed,
        Err(error) => return explain(&error),
    };
    match &mut cli.command {
        None => cli.parse.input = command::inputs_in_order(&matches),
        Some(Command::DocParser(args)) => {
            let matches = matches.subcommand_matches("doc_parser");
            args.input = matches.map(command::inputs_in_order).unwrap_or_default();
        }
        _ => {}
    }
    let result = match &cli.command {
        None => parse::run(&cli.parse),
        Some(Command::DocParser(args)) => parse::run(args),
        Some(Command::Serve(args)) => serve::run(args),
        Some(Command::Doctor(args)) => doctor::run(args),
        Some(Command::Bench(args)) => bench::run(args),
        Some(Command::Conform(args)) => conform::run(args),
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
            rendered
                .map(|()| exit::DONE)
                .map_err(|e| Failure::fatal(e.to_string(), "try again"))
        }
        Some(Command::DeviceProcess { level, format }) => {
            logging::set_up(*format, *level);
            match child::run(device_networks) {
                Ok(()) => Ok(exit::DONE),
                Err(error) => {
                    let hint = "docparse doctor checks the libraries";
                    Err(Failure::fatal(error, hint).context("process of a device"))
                }
            }
        }
        Some(Command::Worker {
            pdfium,
            memory,
            cpu_seconds,
        }) => {
            let limits = WorkerLimits {
                memory: *memory,
                cpu_seconds: *cpu_seconds,
            };
            match process::run(pdfium.as_deref(), limits) {
                Ok(()) => Ok(exit::DONE),
                Err(error) => {
                    let hint = "docparse doctor checks the libraries";
                    Err(Failure::fatal(error, hint).context("worker"))
                }
            }
        }
    };
    result.unwrap_or_else(report)
}

fn report(failure: Failure) -> u8 {
    failure.tell();
    failure.code
}

/// Prints a message of clap. Help and version go to stdout with exit code 0, errors to stderr with 2.
fn explain(error: &clap::Error) -> u8 {
    let text = error.render().to_string();
    if !error.use_stderr() {
        let _ = error.print(); // a closed pipe is nobody's fault
        return exit::DONE;
    }
    if logging::is_json() {
        let text = text.split("\n\nUsage:").next().unwrap_or(&text);
        let text = text
            .split("\n\nFor more information")
            .next()
            .unwrap_or(text);
        let words: Vec<&str> = text
            .strip_prefix("error: ")
            .unwrap_or(text)
            .split_whitespace()
            .collect();
        LogRecord::new(Level::ERROR, Code::Usage.name(), &words.join(" ")).print();
    } else if matches!(shown::lines(&text), Cow::Borrowed(_)) {
        let _ = error.print();
    } else {
        eprint(&shown::lines(&text));
    }
    exit::USAGE
}
