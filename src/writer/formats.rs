//! The list of all output formats, and the selection by `--formats`.

use super::answer::Answer;
use super::csv::TableFiles;
use super::docx::Docx;
use super::format::Format;
use super::html::Html;
use super::json::Json;
use super::markdown::Markdown;
use super::page_images::PageImages;
use super::pictures;
use super::table_drawings::TableDrawings;
use super::vis::Drawings;
use super::xlsx::Workbooks;
use std::fmt;

/// All formats. Files are made from last to first, so that the others exist once Markdown appears.
pub(crate) const FORMATS: &[&dyn Format] = &[
    &Markdown,
    &Html,
    &Docx,
    &Json,
    &Workbooks,
    &TableFiles,
    &pictures::IN_FOLDER,
    &PageImages,
    &Drawings,
    &TableDrawings,
    &Answer,
];

/// A subset of [`FORMATS`].
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Formats {
    /// One bit per entry of [`FORMATS`].
    chosen: u32,
}

impl Formats {
    /// Those that are written unless `--formats` says otherwise.
    pub(crate) fn by_default() -> Formats {
        let chosen = FORMATS.iter().enumerate().fold(0, |chosen, (at, format)| {
            chosen | (u32::from(format.is_default()) << at)
        });
        Formats { chosen }
    }

    /// None of them.
    pub(crate) fn none() -> Formats {
        Formats { chosen: 0 }
    }

    /// Formats by name; the error is the unknown name.
    ///
    /// Formats that link to pictures bring them, if they `link`. A minus before a name removes it, from the default ones if no
    /// other is named: Markdown without images shows none.
    pub(crate) fn from_names<'a>(
        names: impl IntoIterator<Item = &'a str>,
        link: bool,
    ) -> Result<Formats, String> {
        let (taken_away, named): (Vec<&str>, Vec<&str>) = names
            .into_iter()
            .map(str::trim)
            .partition(|name| name.starts_with('-'));
        let mut formats = if named.is_empty() && !taken_away.is_empty() {
            Formats::by_default()
        } else {
            Formats::none()
        };
        for name in named {
            let at = Formats::position(name)?;
            if FORMATS[at].is_hidden() {
                return Err(name.to_string());
            }
            formats.chosen |= 1 << at;
            if link && FORMATS[at].links_to_pictures() {
                formats.chosen |= Formats::bit(pictures::IN_FOLDER.name())?;
            }
        }
        for name in taken_away {
            formats.chosen &= !Formats::bit(&name[1..]).map_err(|_| name.to_string())?;
        }
        Ok(formats)
    }

    /// These formats and one more, which must be a known one.
    pub(crate) fn and(mut self, name: &str) -> Formats {
        self.chosen |= Formats::bit(name).unwrap_or(0);
        self
    }

    /// The names of all formats that may be named.
    pub(crate) fn names() -> Vec<&'static str> {
        let named = FORMATS.iter().filter(|format| !format.is_hidden());
        named.map(|format| format.name()).collect()
    }

    /// The names of those chosen.
    pub(crate) fn chosen_names(self) -> Vec<&'static str> {
        let names = Formats::names().into_iter();
        names.filter(|name| self.contains(name)).collect()
    }

    /// `true` if it contains the format of this name.
    pub(crate) fn contains(self, name: &str) -> bool {
        Formats::bit(name).is_ok_and(|bit| self.chosen & bit != 0)
    }

    fn position(name: &str) -> Result<usize, String> {
        let at = FORMATS.iter().position(|format| format.name() == name);
        at.ok_or_else(|| name.to_string())
    }

    fn bit(name: &str) -> Result<u32, String> {
        Formats::position(name).map(|at| 1 << at)
    }
}

impl fmt::Debug for Formats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names = FORMATS.iter().map(|format| format.name());
        let chosen = names.filter(|name| self.contains(name));
        f.debug_set().entries(chosen).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_with_links_bring_pictures_unless_they_are_taken_away() {
        let formats = |names: &str| {
            Formats::from_names(names.split(','), true)
                .map(|f| ["md", "json", "images", "vis"].map(|name| f.contains(name)))
        };
        assert_eq!(formats("md"), Ok([true, false, true, false]));
        assert_eq!(formats("html"), Ok([false, false, true, false]));
        assert_eq!(formats("json"), Ok([false, true, false, false]));
        for names in ["md,-images", "-images,md", "md, images, -images"] {
            assert_eq!(formats(names), Ok([true, false, false, false]), "{names}");
        }
        assert_eq!(formats("-vis"), Ok([true, true, true, false]));
        assert_eq!(formats("md,-odt"), Err("-odt".into()));
        assert_eq!(formats("--md"), Err("--md".into()));
        assert_eq!(formats("md,draw_tables"), Err("draw_tables".into()));
    }

    #[test]
    fn names_and_endings_are_told_apart() {
        let mut names: Vec<&str> = FORMATS.iter().map(|f| f.name()).collect();
        let mut endings: Vec<&str> = FORMATS.iter().flat_map(|f| f.endings()).copied().collect();
        let counts = (names.len(), endings.len());
        names.sort_unstable();
        names.dedup();
        endings.sort_unstable();
        endings.dedup();
        assert_eq!((names.len(), endings.len()), counts);
    }
}
