//! Inputs named on the command line or in lists, and the folders for spooled data.

use super::Failure;
use super::args::ParseArgs;
use crate::input;
use crate::input::spool::{MAX_INPUT_SIZE, Spooler};
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

/// All inputs: those of the arguments, then those in lists.
pub(super) fn named(args: &ParseArgs) -> Result<Vec<OsString>, Failure> {
    let hint = "docparse file.pdf --save-path out";
    let asks_stdin = |inputs: &[OsString]| inputs.iter().any(|input| input == "-");
    if asks_stdin(&args.files_from) && (asks_stdin(&args.input) || args.files_from.len() > 1) {
        let reason =
            "standard input is a list of files (--files-from -) and cannot be a document as well";
        return Err(Failure::usage(reason, hint));
    }
    let mut inputs = args.input.clone();
    // No cancellation flag: nothing has started yet that an interrupt would have to stop cleanly.
    let spooler = Spooler::new(spool_folders(args), MAX_INPUT_SIZE, Arc::default());
    for list in &args.files_from {
        let names = input::read_list(list, args.null, &spooler).map_err(|error| {
            Failure::fatal(
                error.to_string(),
                "give --files-from a file with one name a line, or -",
            )
        })?;
        inputs.extend(names);
    }
    match (inputs.is_empty(), args.files_from.is_empty()) {
        (true, true) => Err(Failure::usage("no input was given", hint)),
        (true, false) => Err(Failure::fatal("the list of inputs is empty", hint)),
        _ => Ok(inputs),
    }
}

/// Folders for spooled streams, those in memory last.
pub(super) fn spool_folders(args: &ParseArgs) -> Vec<PathBuf> {
    let set = |name: &str| {
        std::env::var_os(name)
            .filter(|v| !v.is_empty())
            .map(PathBuf::from)
    };
    let on_disk = [
        set("TMPDIR"),
        Some("/tmp".into()),
        Some("/var/tmp".into()),
        args.save_path.clone(),
    ];
    let in_memory = [set("XDG_RUNTIME_DIR"), Some("/dev/shm".into())];
    on_disk.into_iter().chain(in_memory).flatten().collect()
}
