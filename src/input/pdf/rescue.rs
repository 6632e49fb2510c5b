//! Writes a PDF anew that pdfium refuses: its header is missing or late, its end is cut off, its encryption
//! is of a kind that pdfium does not know.
//!
//! The second reader finds the objects; those that can be reached from the document's root are written
//! plainly, one after the other, without encryption and object streams. The data of streams stay as they are.

use hayro_syntax::metadata::Metadata;
use hayro_syntax::object::{MaybeRef, Object, ObjectIdentifier};
use hayro_syntax::{Pdf, PdfData};
use std::collections::BTreeMap;
use std::io::Write;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Largest file that is written anew, in bytes: the copy lies in memory.
const MAX_FILE: usize = 256 << 20;
/// Bytes of the copy for each byte of the file, and beside those: objects that were packed become larger.
const MAX_GROWTH: usize = 16;
/// See [`MAX_GROWTH`].
const MAX_BESIDE: usize = 1 << 20;
/// Most bytes of a copy.
const MAX_COPY: usize = 512 << 20;
/// Most objects that are written.
const MAX_OBJECTS: usize = 1 << 20;
/// Depth of arrays and dictionaries in each other that is written; deeper ones become null.
const MAX_DEPTH: usize = 64;

/// The same document, as pdfium can read it; `None` if there is no document to be found, or it needs another
/// password.
pub(super) fn written_anew(data: &PdfData, password: &str) -> Option<Vec<u8>> {
    let bytes = data.as_ref();
    if bytes.len() > MAX_FILE || !bytes.windows(6).any(|window| window == b"endobj") {
        return None;
    }
    let most = (bytes.len() * MAX_GROWTH + MAX_BESIDE).min(MAX_COPY);
    let data = data.clone();
    let written = catch_unwind(AssertUnwindSafe(|| {
        let pdf = Pdf::new_with_password(data, password).ok()?;
        Rewriting::of(&pdf, most)
    }));
    written.ok().flatten()
}

/// A copy on its way.
struct Rewriting {
    out: Vec<u8>,
    most: usize,
    /// New numbers of the objects, and the objects in the order of those.
    numbers: BTreeMap<ObjectIdentifier, usize>,
    order: Vec<ObjectIdentifier>,
}

impl Rewriting {
    fn of(pdf: &Pdf, most: usize) -> Option<Vec<u8>> {
        let mut copy = Rewriting {
            out: b"%PDF-1.7\n".to_vec(),
            most,
            numbers: BTreeMap::new(),
            order: Vec::new(),
        };
        let root = copy.number(pdf.xref().root_id());
        let mut offsets = Vec::new();
        while let Some(id) = copy.order.get(offsets.len()).copied() {
            offsets.push(copy.out.len());
            copy.line(format_args!("{} 0 obj", offsets.len()));
            match pdf.xref().get::<Object<'_>>(id) {
                Some(object) => copy.object(&object, 0),
                None => copy.out.extend(b"null"),
            }
            copy.line(format_args!("\nendobj"));
            if copy.out.len() > copy.most {
                return None;
            }
        }
        // What the document says about itself comes as an object of its own: the reader has it in parts only.
        offsets.push(copy.out.len());
        let info = offsets.len();
        copy.line(format_args!("{info} 0 obj"));
        copy.info(pdf.metadata());
        copy.line(format_args!("\nendobj"));
        let start = copy.out.len();
        copy.line(format_args!(
            "xref\n0 {}\n0000000000 65535 f ",
            offsets.len() + 1
        ));
        for offset in &offsets {
            copy.line(format_args!("{offset:010} 00000 n "));
        }
        let size = offsets.len() + 1;
        copy.line(format_args!(
            "trailer\n<< /Size {size} /Root {root} 0 R /Info {info} 0 R >>\nstartxref\n{start}\n%%EOF"
        ));
        Some(copy.out)
    }

    fn info(&mut self, info: &Metadata) {
        let texts = [
            ("Title", &info.title),
            ("Author", &info.author),
            ("Subject", &info.subject),
            ("Keywords", &info.keywords),
            ("Creator", &info.creator),
            ("Producer", &info.producer),
        ];
        self.out.extend(b"<<");
        for (key, text) in texts {
            if let Some(text) = text {
                write!(self.out, "/{key} ").expect("memory can be written to");
                self.string(text);
            }
        }
        let dates = [
            ("CreationDate", &info.creation_date),
            ("ModDate", &info.modification_date),
        ];
        for (key, date) in dates {
            if let Some(d) = date {
                let (day, time) = ((d.year, d.month, d.day), (d.hour, d.minute, d.second));
                let zone = (d.utc_offset_hour, d.utc_offset_minute);
                let text = format!(
                    "D:{:04}{:02}{:02}{:02}{:02}{:02}{:+03}'{:02}'",
                    day.0, day.1, day.2, time.0, time.1, time.2, zone.0, zone.1
                );
                write!(self.out, "/{key} ").expect("memory can be written to");
                self.string(text.as_bytes());
            }
        }
        self.out.extend(b">>");
    }

    fn string(&mut self, bytes: &[u8]) {
        self.out.push(b'<');
        for byte in bytes {
            write!(self.out, "{byte:02X}").expect("memory can be written to");
        }
        self.out.push(b'>');
    }

    fn line(&mut self, text: std::fmt::Arguments<'_>) {
        writeln!(self.out, "{text}").expect("memory can be written to");
    }

    /// The new number of an object; 0, which is none, when there are too many.
    fn number(&mut self, id: ObjectIdentifier) -> usize {
        if let Some(number) = self.numbers.get(&id) {
            return *number;
        }
        if self.order.len() >= MAX_OBJECTS {
            return 0;
        }
        self.order.push(id);
        self.numbers.insert(id, self.order.len());
        self.order.len()
    }

    fn value(&mut self, value: MaybeRef<Object<'_>>, depth: usize) {
        match value {
            MaybeRef::Ref(reference) => {
                let number = self.number(reference.into());
                write!(self.out, "{number} 0 R").expect("memory can be written to");
            }
            MaybeRef::NotRef(object) => self.object(&object, depth),
        }
    }

    fn object(&mut self, object: &Object<'_>, depth: usize) {
        if depth > MAX_DEPTH || self.out.len() > self.most {
            self.out.extend(b"null");
            return;
        }
        match object {
            Object::Null(_) => self.out.extend(b"null"),
            Object::Boolean(value) => self.out.extend(value.to_string().bytes()),
            Object::Number(number) => self.out.extend(number.as_f64().to_string().bytes()),
            Object::Name(name) => self.name(name),
            Object::String(string) => self.string(string.as_bytes()),
            Object::Array(array) => {
                self.out.push(b'[');
                for item in array.raw_iter() {
                    self.value(item, depth + 1);
                    self.out.push(b' ');
                }
                self.out.push(b']');
            }
            Object::Dict(dict) => {
                self.out.extend(b"<<");
                self.entries(dict, &[], depth);
                self.out.extend(b">>");
            }
            Object::Stream(stream) => {
                let data = stream.raw_data();
                self.out.extend(b"<<");
                self.entries(stream.dict(), &[b"Length"], depth);
                write!(self.out, "/Length {}", data.len()).expect("memory can be written to");
                self.out.extend(b">>\nstream\n");
                self.out.extend_from_slice(&data);
                self.out.extend(b"\nendstream");
            }
        }
    }

    fn entries(&mut self, dict: &hayro_syntax::object::Dict<'_>, without: &[&[u8]], depth: usize) {
        for (key, value) in dict
            .entries()
            .filter(|(key, _)| !without.contains(&key.as_ref()))
        {
            self.name(&key);
            self.out.push(b' ');
            self.value(value, depth + 1);
            self.out.push(b' ');
        }
    }

    fn name(&mut self, name: &[u8]) {
        self.out.push(b'/');
        for &byte in name {
            match byte {
                b'!'..=b'~' if !b"#()<>[]{}/%".contains(&byte) => self.out.push(byte),
                _ => write!(self.out, "#{byte:02X}").expect("memory can be written to"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A page without header, cross-references and trailer.
    const BARE: &str = "1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n\
        2 0 obj\n<< /Type /Pages /Kids [3 0 R] /Count 1 >>\nendobj\n\
        3 0 obj\n<< /Type /Page /Parent 2 0 R /MediaBox [0 0 100.5 50] /A#20B (x) >>\nendobj\n";

    #[test]
    fn a_document_without_its_ends_is_written_anew() {
        let data = PdfData::from(BARE.as_bytes().to_vec());
        let copy = written_anew(&data, "").unwrap();
        let text = String::from_utf8(copy.clone()).unwrap();
        assert!(text.starts_with("%PDF-1.7\n"), "{text}");
        assert!(text.contains("/MediaBox [0 0 100.5 50 ]"), "{text}");
        assert!(text.contains("/A#20B <78>"), "{text}");
        assert!(text.contains("/Root 1 0 R"), "{text}");
        // The copy has sound cross-references.
        let start = text.rsplit("startxref\n").next().unwrap();
        let start: usize = start.split('\n').next().unwrap().parse().unwrap();
        assert!(text[start..].starts_with("xref\n0 5\n"), "{text}");
    }

    #[test]
    fn what_a_document_says_about_itself_is_written_too() {
        let info = "4 0 obj\n<< /Title (On tides) /ModDate (D:20240131120501+01'00') >>\nendobj\n\
            trailer\n<< /Root 1 0 R /Info 4 0 R >>\n";
        let data = PdfData::from(format!("{BARE}{info}").into_bytes());
        let text = String::from_utf8(written_anew(&data, "").unwrap()).unwrap();
        assert!(text.contains("/Title <4F6E207469646573>"), "{text}");
        assert!(text.contains("/ModDate <443A32303234"), "{text}");
        assert!(text.contains("/Info 4 0 R"), "{text}");
    }

    #[test]
    fn what_is_no_document_is_not_written() {
        for text in [
            "",
            "no PDF",
            "1 0 obj\n<< /Type /Page >>\nendobj\n",
            "endobj endobj",
        ] {
            let data = PdfData::from(text.as_bytes().to_vec());
            assert!(written_anew(&data, "").is_none(), "{text}");
        }
    }
}
