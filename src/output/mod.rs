//! The save path, which belongs to the user: only this module plans output paths and opens, places or removes
//! files there.
//!
//! * [`names`] turns input names into safe and distinct output names.
//! * [`plan`] decides for every input, from the record of earlier runs, whether it is parsed and under which
//!   name, or why not; with the reference's names, [`page_names`] finds those that would be of two documents.
//! * [`SavePath`] opens files: each is written under a random name in a folder of the run and moved into
//!   place when its document is finished. The system resolves all paths below the save path, so no link leads
//!   out of it. Files that docparse did not write are neither replaced nor removed.
//! * [`record`] remembers all this: in `.docparse/` of the save path, or in the user's state directory if the
//!   tree must be exactly the reference's.

mod folder;
pub(crate) mod names;
pub(crate) mod page_names;
pub(crate) mod plan;
pub(crate) mod record;
mod rename;
mod run;
#[cfg(test)]
mod tests;

pub(crate) use folder::{
    DocumentOutput, OutputFile, Published, RecordPlace, SavePath, SavePathOptions,
};
pub(crate) use names::OutputName;
pub(crate) use plan::{Candidate, Decision, PlanRules};
pub(crate) use record::{DocumentOutcome, Identity, InputOrigin};

use crate::fault::Fault;
use std::collections::hash_map::RandomState;
use std::fs::{self, File, OpenOptions};
use std::hash::{BuildHasher, Hasher};
use std::io::{self, BufWriter, Write};
use std::path::Path;

/// 16 unpredictable hexadecimal digits: the standard library seeds its hash tables from the system.
fn random_name() -> String {
    format!("{:016x}", RandomState::new().build_hasher().finish())
}

/// A fault about a file, with its path.
fn io_fault(path: &Path, error: &io::Error) -> Fault {
    let message = format!("cannot write `{}`: {error}", path.display());
    Fault::new(error.into(), message)
}

/// Writes a file named by the user: under a random name beside it, then renamed. A special file such as a
/// pipe or a terminal is written directly.
pub(crate) fn write_file(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> Result<(), Fault> {
    let fail = |error: io::Error| io_fault(path, &error);
    if fs::metadata(path).is_ok_and(|meta| !meta.is_file() && !meta.is_dir()) {
        let file = OpenOptions::new().write(true).open(path).map_err(fail)?;
        let mut out = BufWriter::new(file);
        return write(&mut out).and_then(|()| out.flush()).map_err(fail);
    }
    let folder = path
        .parent()
        .filter(|p| !p.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    fs::create_dir_all(folder).map_err(fail)?;
    let part = folder.join(format!(".docparse-{}.part", random_name()));
    let written = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&part)
        .and_then(|file| {
            let mut out = BufWriter::new(file);
            write(&mut out)?;
            out.flush()?;
            out.get_ref().sync_data()
        });
    written
        .and_then(|()| fs::rename(&part, path))
        .map_err(|error| {
            let _ = fs::remove_file(&part);
            fail(error)
        })
}
