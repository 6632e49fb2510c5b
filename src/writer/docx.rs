//! The document for Word and other word processors, in Office Open XML (ECMA-376, transitional): one file with its pictures.
//!
//! It is made of the bodies of blocks, as HTML is. Headings, lists, captions and footnotes are those of Word, so that its
//! outline, its numbering and its styles work on them. Text flows: pages of the source begin no new ones. Every text of the
//! document goes through [`xml`], every address through [`links`].
//!
//! A page at a time is written, and a picture at a time is read; footnotes, addresses and paths are kept until the end.

mod blocks;
mod direction;
mod links;
mod numbering;
mod parts;
mod pictures;
mod tables;
mod texts;
mod xml;

use super::figures::own_title;
use super::format::{Embedding, Format};
use super::kept::{Finished, PictureBytes};
use super::options::{FormatOptions, MarkdownOptions};
use crate::document::Page;
use blocks::{Written, write_pages};
use parts::Paper;
use pictures::Pictures;
use std::io::{self, Cursor, Seek, Write};
use xml::Stream;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, DateTime, ZipWriter};

/// The format `docx`.
pub(super) struct Docx;

impl Format for Docx {
    fn name(&self) -> &'static str {
        "docx"
    }

    fn endings(&self) -> &'static [&'static str] {
        &[".docx"]
    }

    fn is_default(&self) -> bool {
        false
    }

    fn embeds_pictures(&self) -> Embedding {
        Embedding::Always
    }

    fn write(
        &self,
        finished: Finished,
        options: &FormatOptions,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        // The archive is gone back into for sizes, and `out` may be a pipe.
        let pages = &finished.document.pages;
        let file = io::BufWriter::new(tempfile::tempfile()?);
        let mut file = package(finished, pages, &options.json.markdown, file)?.into_inner()?;
        file.rewind()?;
        io::copy(&mut file, out).map(drop)
    }
}

/// Some pages of a document, one after the other, as a Word document.
pub(crate) fn bytes(
    finished: Finished,
    pages: &[Page],
    options: &MarkdownOptions,
) -> io::Result<Vec<u8>> {
    let out = package(finished, pages, options, Cursor::new(Vec::new()))?;
    Ok(out.into_inner())
}

/// Writes the parts.
fn package<W: Write + Seek>(
    finished: Finished,
    pages: &[Page],
    options: &MarkdownOptions,
    out: W,
) -> io::Result<W> {
    let document = finished.document;
    let paper = Paper::of(pages);
    let mut archive = Archive(ZipWriter::new(out));
    archive.part("[Content_Types].xml", &parts::content_types())?;
    archive.part(
        "_rels/.rels",
        &parts::relationships(&[&parts::of_package()]),
    )?;
    let properties = parts::properties(&document.info, own_title(document));
    archive.part("docProps/core.xml", &properties)?;
    archive.part("word/styles.xml", &parts::styles(&document.info, paper))?;
    archive.part("word/settings.xml", parts::SETTINGS)?;
    archive.start("word/document.xml", CompressionMethod::Deflated)?;
    let stream = Stream::new(&mut archive.0);
    let pictures = Pictures::new(PictureBytes::of(finished));
    let Written {
        pictures,
        links,
        note_links,
        footnotes,
        numbering,
    } = write_pages(pages, options, paper, pictures, stream)?;
    archive.part("word/footnotes.xml", &parts::footnotes(&footnotes))?;
    archive.part("word/numbering.xml", &numbering)?;
    let (shown, links) = (pictures.relationships(), links.relationships());
    let entries = parts::relationships(&[&parts::of_text(), &shown, &links]);
    archive.part("word/_rels/document.xml.rels", &entries)?;
    let entries = parts::relationships(&[&note_links.relationships()]);
    archive.part("word/_rels/footnotes.xml.rels", &entries)?;
    pictures.each(|name, jpeg| {
        archive.start(name, CompressionMethod::Stored)?;
        archive.0.write_all(jpeg)
    })?;
    Ok(archive.0.finish()?)
}

/// A ZIP archive with the same bytes for the same parts.
struct Archive<W: Write + Seek>(ZipWriter<W>);

impl<W: Write + Seek> Archive<W> {
    fn start(&mut self, name: &str, method: CompressionMethod) -> io::Result<()> {
        let options = SimpleFileOptions::default()
            .compression_method(method)
            .last_modified_time(DateTime::default());
        Ok(self.0.start_file(name, options)?)
    }

    fn part(&mut self, name: &str, xml: &str) -> io::Result<()> {
        self.start(name, CompressionMethod::Deflated)?;
        self.0.write_all(xml.as_bytes())
    }
}

#[cfg(test)]
mod tests;
