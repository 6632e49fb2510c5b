//! The files of one document while they are made.

use crate::fault::{Fault, Reason};
use crate::output::{DocumentOutput, OutputFile};
use std::ffi::OsStr;
use std::fmt::Display;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

/// The files of one document, for its formats: none is in its place before all are made, and what goes wrong is kept.
pub(crate) struct Files<'a> {
    pub(super) output: &'a mut DocumentOutput,
    pub(super) faults: &'a mut Vec<Fault>,
    pub(super) most_faults: usize,
    pub(super) input_name: &'a OsStr,
    pub(super) is_paged: bool,
}

impl Files<'_> {
    /// The input's own name, without its folder.
    pub(crate) fn input_name(&self) -> &OsStr {
        self.input_name
    }

    /// `true` for kinds of input (PDF, TIFF) of which the reference numbers the pages.
    pub(crate) fn is_paged(&self) -> bool {
        self.is_paged
    }

    /// The place of the document's file with this ending.
    pub(crate) fn place(&self, ending: &str) -> PathBuf {
        self.output.name().file(ending)
    }

    /// The folder of the document's pictures.
    pub(crate) fn picture_folder(&self) -> PathBuf {
        self.output.name().picture_folder()
    }

    /// Makes a file for a place below the save path.
    pub(crate) fn write(
        &mut self,
        place: PathBuf,
        work: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) {
        if let Err(fault) = self.output.write(place, |out| work(out)) {
            self.fault(fault);
        }
    }

    /// A file that is written over the time of many pages; [`Files::add`] gives it its place.
    pub(crate) fn create(&self) -> io::Result<OutputFile> {
        self.output.create()
    }

    /// Takes a file that was [created](Files::create), now complete, for the place with this ending.
    pub(crate) fn add(&mut self, file: OutputFile, ending: &str) -> io::Result<()> {
        let place = self.place(ending);
        self.output.add(file, place)
    }

    /// Keeps what went wrong with a file.
    pub(crate) fn fault(&mut self, fault: Fault) {
        if self.faults.len() < self.most_faults {
            self.faults.push(fault);
        }
    }

    /// Runs the work of a format, whose panic costs its own files.
    pub(super) fn guard(&mut self, what: impl Display, work: impl FnOnce(&mut Self)) {
        if catch_unwind(AssertUnwindSafe(|| work(self))).is_err() {
            let message = format!("internal error while writing {what}");
            self.fault(Fault::new(Reason::Internal, message));
        }
    }
}
