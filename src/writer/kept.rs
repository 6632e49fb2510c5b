//! Finished documents as formats get them, and the bytes of pictures that some formats put into their files.

use crate::document::{Document, Page};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};
use std::os::unix::fs::FileExt;

/// A finished document, for a format.
#[derive(Clone, Copy)]
pub(crate) struct Finished<'a> {
    /// The document.
    pub document: &'a Document,
    /// The bytes of its pictures that are not in the document, where they are kept.
    pub kept: Option<&'a KeptPictures>,
}

impl<'a> From<&'a Document> for Finished<'a> {
    fn from(document: &'a Document) -> Self {
        Finished {
            document,
            kept: None,
        }
    }
}

/// The bytes of a document's pictures, in memory or kept in a file.
pub(super) struct PictureBytes<'a> {
    in_memory: BTreeMap<&'a str, &'a [u8]>,
    kept: Option<&'a KeptPictures>,
}

impl<'a> PictureBytes<'a> {
    /// The pictures of a document.
    pub(super) fn of(finished: Finished<'a>) -> Self {
        let pages = finished.document.pages.iter();
        let in_memory = pages.flat_map(Page::all_pictures).filter_map(|picture| {
            let jpeg = picture.jpeg.as_deref()?;
            Some((picture.path.as_str(), jpeg))
        });
        PictureBytes {
            in_memory: in_memory.collect(),
            kept: finished.kept,
        }
    }

    /// The bytes of a picture; `None` if there are none.
    pub(super) fn read(&self, path: &str) -> io::Result<Option<Cow<'a, [u8]>>> {
        if let Some(jpeg) = self.in_memory.get(path) {
            return Ok(Some(Cow::Borrowed(jpeg)));
        }
        let kept = self.kept.map(|kept| kept.read(path)).transpose()?;
        Ok(kept.flatten().map(Cow::Owned))
    }
}

/// The pictures of a document in a temporary file without a name: those of a long document would fill the memory.
#[derive(Debug, Default)]
pub(crate) struct KeptPictures {
    file: Option<File>,
    /// Place in the file and length, by path.
    places: BTreeMap<String, (u64, usize)>,
}

impl KeptPictures {
    /// Keeps the pictures of a page.
    pub(super) fn keep(&mut self, page: &Page) -> io::Result<()> {
        for picture in page.all_pictures() {
            let Some(jpeg) = &picture.jpeg else {
                continue;
            };
            let file = match &mut self.file {
                Some(file) => file,
                none => none.insert(tempfile::tempfile()?),
            };
            let place = file.seek(SeekFrom::End(0))?;
            file.write_all(jpeg)?;
            self.places
                .insert(picture.path.clone(), (place, jpeg.len()));
        }
        Ok(())
    }

    /// The bytes of a picture; `None` if it was not kept.
    fn read(&self, path: &str) -> io::Result<Option<Vec<u8>>> {
        let Some(((place, length), file)) = self.places.get(path).zip(self.file.as_ref()) else {
            return Ok(None);
        };
        let mut jpeg = vec![0; *length];
        file.read_exact_at(&mut jpeg, *place)?;
        Ok(Some(jpeg))
    }
}
