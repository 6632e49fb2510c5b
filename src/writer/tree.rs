//! The two output trees below the save path: docparse's own, and the reference's.

use super::compat;
use super::format::{Format, Needs};
use super::formats::{FORMATS, Formats};
use super::options::FormatOptions;

/// An output tree: its formats, and its behaviour where the trees differ.
pub(crate) struct Tree {
    /// Its formats; names in [`Formats`] that the tree lacks are ignored.
    formats: &'static [&'static dyn Format],
    /// `true` if files left by an earlier run of the document are removed.
    pub(super) replaces_earlier: bool,
    /// `true` if a document that is given up keeps the pages received before.
    pub(super) keeps_unfinished: bool,
    /// A fault with a file while pages come ends the document.
    pub(super) ends_at_fault: bool,
    /// `true` if consecutive pages that failed alike are one entry of the result.
    pub(super) joins_failed_pages: bool,
}

/// Markdown, JSON and drawings of a whole document in one file each, its pictures in a folder of their own.
pub(crate) static OWN: Tree = Tree {
    formats: FORMATS,
    replaces_earlier: true,
    keeps_unfinished: false,
    ends_at_fault: false,
    joins_failed_pages: true,
};

/// `--compat`: the reference's files, a result and a Markdown file per page, all in one flat folder.
pub(crate) static REFERENCE: Tree = Tree {
    formats: compat::FORMATS,
    replaces_earlier: false,
    keeps_unfinished: true,
    ends_at_fault: true,
    joins_failed_pages: false,
};

impl Tree {
    /// The output tree with or without `--compat`.
    pub(crate) fn of(compat: bool) -> &'static Tree {
        if compat { &REFERENCE } else { &OWN }
    }

    /// The formats of the tree that were chosen.
    pub(crate) fn formats(
        &self,
        chosen: Formats,
    ) -> impl DoubleEndedIterator<Item = &'static dyn Format> {
        let formats = self.formats.iter().copied();
        formats.filter(move |format| chosen.contains(format.name()))
    }

    /// Endings of the files that any document may get, except pictures.
    pub(crate) fn endings(&self, chosen: Formats) -> Vec<String> {
        self.formats(chosen)
            .flat_map(|format| format.endings())
            .map(|ending| ending.to_string())
            .collect()
    }

    /// `true` if one of the formats embeds pictures.
    pub(crate) fn embeds(&self, chosen: Formats, options: &FormatOptions) -> bool {
        let is_requested = options.json.markdown.form.embed_images;
        self.formats(chosen)
            .any(|format| format.embeds_pictures().holds(is_requested))
    }

    /// Pictures that the formats need besides the finished document; some need those that they embed.
    /// `embed_images` is the setting.
    pub(crate) fn needs(&self, chosen: Formats, embed_images: bool) -> Needs {
        let embedded = |format: &dyn Format| Needs {
            block_pictures: format.embeds_pictures().holds(embed_images),
            ..Needs::default()
        };
        self.formats(chosen)
            .fold(Needs::default(), |needs, format| {
                needs | format.needs() | embedded(format)
            })
    }
}
