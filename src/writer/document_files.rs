//! The files of one document, while they are being written.

use crate::fault::{Fault, Reason};
use crate::output::{DocumentOutput, OutputFile};
use std::ffi::OsStr;
use std::fmt::Display;
use std::io::{self, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

/// The files of one document, for its formats: all are moved into place at the end; faults are collected.
pub(crate) struct Files<'a> {
    pub(super) output: &'a mut DocumentOutput,
    pub(super) faults: &'a mut Vec<Fault>,
    pub(super) most_faults: usize,
    pub(super) input_name: &'a OsStr,
    pub(super) is_paged: bool,
}

impl Files<'_> {
    /// File name of the input, without its folder.
    pub(crate) fn input_name(&self) -> &OsStr {
        self.input_name
    }

    /// `true` for input formats (PDF, TIFF) whose pages the reference numbers.
    pub(crate) fn is_paged(&self) -> bool {
        self.is_paged
    }

    /// Path of the document's file with this ending.
    pub(crate) fn place(&self, ending: &str) -> PathBuf {
        self.output.name().file(ending)
    }

    /// Folder of the document's pictures.
    pub(crate) fn picture_folder(&self) -> PathBuf {
        self.output.name().picture_folder()
    }

    /// Folder of the document's tables.
    pub(crate) fn table_folder(&self) -> PathBuf {
        self.output.name().table_folder()
    }

    /// Folder of the pictures of its pages.
    pub(crate) fn page_folder(&self) -> PathBuf {
        self.output.name().page_folder()
    }

    /// Writes a file for a path below the save path.
    pub(crate) fn write(
        &mut self,
        place: PathBuf,
        work: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) {
        if let Err(fault) = self.output.write(place, |out| work(out)) {
            self.fault(fault);
        }
    }

    /// Creates a file that is written page by page; [`Files::add`] gives it its path.
    pub(crate) fn create(&self) -> io::Result<OutputFile> {
        self.output.create()
    }

    /// Registers a complete file from [`Files::create`] under the path with this ending.
    pub(crate) fn add(&mut self, file: OutputFile, ending: &str) -> io::Result<()> {
        let place = self.place(ending);
        self.output.add(file, place)
    }

    /// Records a fault with a file.
    pub(crate) fn fault(&mut self, fault: Fault) {
        if self.faults.len() < self.most_faults {
            self.faults.push(fault);
        }
    }

    /// Runs a format's work; if it panics, only the format's own files are lost.
    pub(super) fn guard(&mut self, what: impl Display, work: impl FnOnce(&mut Self)) {
        if catch_unwind(AssertUnwindSafe(|| work(self))).is_err() {
            let message = format!("internal error while writing {what}");
            self.fault(Fault::new(Reason::Internal, message));
        }
    }
}
