//! Output formats: the trait of a format, the list of all of them, and the choice among them that `--formats` makes.

use super::files::Files;
use super::json::{Json, JsonOptions};
use super::markdown::Markdown;
use super::pictures::Pictures;
use super::vis::Drawings;
use super::xlsx::Workbooks;
use crate::document::Document;
use crate::engine::FinishedPage;
use std::fmt;
use std::io::{self, Write};
use std::sync::Arc;

/// An output format. A new one is a file with an implementation, and an entry of [`FORMATS`].
pub trait Format: Sync {
    /// Its name in `--formats`.
    fn name(&self) -> &'static str;

    /// Endings of the files that a document may get, pictures aside: those of an earlier run are replaced. The first one is that
    /// of [`Format::write`].
    fn endings(&self) -> &'static [&'static str];

    /// Pictures that it needs beside the document.
    fn needs(&self) -> Needs {
        Needs::default()
    }

    /// `false` where a document has nothing for a file of this format.
    fn has_file(&self, _document: &Document) -> bool {
        true
    }

    /// Writes a finished document as one file. The errors are those of `out`; formats with a [`Format::start`] of their own write
    /// nothing here.
    fn write(
        &self,
        document: &Document,
        options: &FormatOptions,
        out: &mut dyn Write,
    ) -> io::Result<()>;

    /// A writer for the pages of one document as they come, where the format makes other files than one of the whole document.
    fn start(&self, _options: &Arc<FormatOptions>) -> Option<Box<dyn PageWriter>> {
        None
    }
}

/// Writes the files of one document while its pages come. What goes wrong is left with the [`Files`].
pub trait PageWriter {
    /// Takes the next page, in order; labels may still change until the document is finished.
    fn page(&mut self, page: &FinishedPage, files: &mut Files);

    /// Takes the finished document.
    fn finish(self: Box<Self>, document: &Document, files: &mut Files);
}

/// All formats. Their files are made from the last to the first, so that whoever waits for Markdown finds the others there.
pub const FORMATS: &[&dyn Format] = &[&Markdown, &Json, &Workbooks, &Pictures, &Drawings];

/// Pictures that formats need beside the finished document; what nobody needs is not made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Needs {
    /// Pages as JPEG, for drawings.
    pub page_pictures: bool,
    /// Crops of picture blocks as JPEG.
    pub block_pictures: bool,
    /// The pixels of pages.
    pub pixels: bool,
}

impl std::ops::BitOr for Needs {
    type Output = Needs;

    fn bitor(self, other: Needs) -> Needs {
        Needs {
            page_pictures: self.page_pictures || other.page_pictures,
            block_pictures: self.block_pictures || other.block_pictures,
            pixels: self.pixels || other.pixels,
        }
    }
}

/// Settings that writers share.
#[derive(Debug, Clone)]
pub struct FormatOptions {
    /// Settings of JSON and Markdown.
    pub json: JsonOptions,
    /// All pages are joined into one result (`concatenate_pages`).
    pub concatenate_pages: bool,
    /// Document preprocessing runs: every document gets a drawing that compares pages before and after.
    pub preprocesses: bool,
}

/// Formats out of [`FORMATS`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Formats {
    /// A bit for every entry of [`FORMATS`].
    chosen: u32,
}

impl Formats {
    /// All of them.
    pub const ALL: Formats = Formats {
        chosen: (1 << FORMATS.len()) - 1,
    };

    /// The formats of these names; the name that is none, if there is one.
    ///
    /// Markdown brings the pictures that it shows. A minus before a name takes it away, from all if no other is named:
    /// Markdown without images shows none.
    pub fn from_names<'a>(names: impl IntoIterator<Item = &'a str>) -> Result<Formats, String> {
        let (taken_away, named): (Vec<&str>, Vec<&str>) = names
            .into_iter()
            .map(str::trim)
            .partition(|name| name.starts_with('-'));
        let mut formats = if named.is_empty() && !taken_away.is_empty() {
            Formats::ALL
        } else {
            Formats { chosen: 0 }
        };
        for name in named {
            formats.chosen |= Formats::bit(name)?;
            if name == Markdown.name() {
                formats.chosen |= Formats::bit(Pictures.name())?;
            }
        }
        for name in taken_away {
            formats.chosen &= !Formats::bit(&name[1..]).map_err(|_| name.to_string())?;
        }
        Ok(formats)
    }

    /// The names of all formats, for messages.
    pub fn names() -> Vec<&'static str> {
        FORMATS.iter().map(|format| format.name()).collect()
    }

    /// `true` if the format of this name is among them.
    pub fn contains(self, name: &str) -> bool {
        Formats::bit(name).is_ok_and(|bit| self.chosen & bit != 0)
    }

    fn bit(name: &str) -> Result<u32, String> {
        let at = FORMATS.iter().position(|format| format.name() == name);
        at.map(|at| 1 << at).ok_or_else(|| name.to_string())
    }
}

impl fmt::Debug for Formats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let chosen = Formats::names().into_iter().filter(|n| self.contains(n));
        f.debug_set().entries(chosen).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_brings_its_pictures_unless_they_are_taken_away() {
        let formats = |names: &str| {
            Formats::from_names(names.split(','))
                .map(|f| ["md", "json", "images", "vis"].map(|name| f.contains(name)))
        };
        assert_eq!(formats("md"), Ok([true, false, true, false]));
        assert_eq!(formats("json"), Ok([false, true, false, false]));
        for names in ["md,-images", "-images,md", "md, images, -images"] {
            assert_eq!(formats(names), Ok([true, false, false, false]), "{names}");
        }
        assert_eq!(formats("-vis"), Ok([true, true, true, false]));
        assert_eq!(formats("md,-docx"), Err("-docx".into()));
        assert_eq!(formats("--md"), Err("--md".into()));
    }

    #[test]
    fn names_and_endings_are_told_apart() {
        let mut names = Formats::names();
        let mut endings: Vec<&str> = FORMATS.iter().flat_map(|f| f.endings()).copied().collect();
        let counts = (names.len(), endings.len());
        names.sort_unstable();
        names.dedup();
        endings.sort_unstable();
        endings.dedup();
        assert_eq!((names.len(), endings.len()), counts);
    }
}
