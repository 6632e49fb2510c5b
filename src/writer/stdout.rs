//! Results on standard output: documents in the order of the inputs, whichever is finished first, and told apart.
//!
//! JSON is one value a document, each ending with a newline. Markdown of several documents has a line
//! `<!-- document: NAME -->` before each, between blank lines; that of a single one stands alone. A document that is
//! finished before its turn waits, a large one in a temporary file. On a terminal nothing of a document is obeyed.

use crate::shown;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Seek, SeekFrom, Write};

/// Bytes that a waiting document may take in memory.
const IN_MEMORY: usize = 8 << 20;

/// Writes documents in the order of their numbers.
pub struct OrderedOutput<W: Write> {
    out: W,
    options: OutputOptions,
    /// What is known of documents that are not written: finished ones with their text; `None` for those given up.
    waiting: BTreeMap<usize, Option<Held>>,
    /// The first number of which nothing is known.
    next: usize,
    written: usize,
}

/// How documents are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OutputOptions {
    /// Whether a line with its name comes before each document.
    pub with_names: bool,
    /// Whether the output goes to a terminal.
    pub to_terminal: bool,
}

impl<W: Write> OrderedOutput<W> {
    /// Output of documents whose numbers count up from 0. Each is [finished](Self::finish) or [given up](Self::give_up).
    pub fn new(out: W, options: OutputOptions) -> Self {
        Self { out, options, waiting: BTreeMap::new(), next: 0, written: 0 }
    }

    /// Takes a finished document; what can be written now is written.
    ///
    /// Fails where the output does. A reader that has gone is no error.
    pub fn finish(
        &mut self,
        number: usize,
        name: &str,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut held = Held::default();
        if self.options.with_names {
            writeln!(held, "<!-- document: {} -->\n", in_comment(name))?;
        }
        write(&mut held)?;
        self.waiting.insert(number, Some(held));
        self.write_ready()
    }

    /// Notes that nothing will come of a document.
    pub fn give_up(&mut self, number: usize) -> io::Result<()> {
        self.waiting.insert(number, None);
        self.write_ready()
    }

    /// Writes what still waits for documents that never came.
    pub fn close(&mut self) -> io::Result<()> {
        while let Some(number) = self.waiting.keys().next().copied() {
            self.next = number;
            self.write_ready()?;
        }
        Ok(())
    }

    fn write_ready(&mut self) -> io::Result<()> {
        while let Some(known) = self.waiting.remove(&self.next) {
            self.next += 1;
            let Some(held) = known else { continue };
            let written = self.write_one(held);
            match written {
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {}
                other => other?,
            }
        }
        Ok(())
    }

    fn write_one(&mut self, held: Held) -> io::Result<()> {
        if self.options.with_names && self.written > 0 {
            self.out.write_all(b"\n")?;
        }
        self.written += 1;
        held.copy_to(&mut self.out, self.options.to_terminal)?;
        self.out.flush()
    }
}

impl<W: Write> Drop for OrderedOutput<W> {
    fn drop(&mut self) {
        let _ = self.close();
    }
}

/// A name that ends no comment.
fn in_comment(name: &str) -> String {
    shown::text(name).replace("--", "-\\x2d").replace('<', "\\x3c").replace('>', "\\x3e")
}

/// A document that waits for its turn.
#[derive(Default)]
struct Held {
    memory: Vec<u8>,
    file: Option<File>,
}

impl Held {
    fn copy_to(self, out: &mut impl Write, to_terminal: bool) -> io::Result<()> {
        let Held { mut memory, file } = self;
        if let Some(mut file) = file {
            file.seek(SeekFrom::Start(0))?;
            if !to_terminal {
                return io::copy(&mut file, out).map(drop);
            }
            io::copy(&mut file, &mut memory)?;
        }
        match to_terminal {
            true => out.write_all(shown::lines(&String::from_utf8_lossy(&memory)).as_bytes()),
            false => out.write_all(&memory),
        }
    }
}

impl Write for Held {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some(file) = &mut self.file {
            return file.write(bytes);
        }
        self.memory.extend_from_slice(bytes);
        // Without a folder for temporary files it stays in memory.
        if self.memory.len() > IN_MEMORY
            && let Ok(mut file) = tempfile::tempfile()
            && file.write_all(&self.memory).is_ok()
        {
            self.memory = Vec::new();
            self.file = Some(file);
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: OutputOptions = OutputOptions { with_names: false, to_terminal: false };

    fn text(options: OutputOptions, steps: impl FnOnce(&mut OrderedOutput<&mut Vec<u8>>)) -> String {
        let mut out = Vec::new();
        steps(&mut OrderedOutput::new(&mut out, options));
        String::from_utf8(out).unwrap()
    }

    fn finish(output: &mut OrderedOutput<&mut Vec<u8>>, number: usize, text: &str) {
        output.finish(number, "some--><b>\x1b.pdf", |out| out.write_all(text.as_bytes())).unwrap();
    }

    #[test]
    fn documents_come_in_the_order_of_their_numbers() {
        let all = text(PLAIN, |output| {
            finish(output, 2, "two\n");
            finish(output, 0, "zero\n");
            output.give_up(1).unwrap();
            output.give_up(4).unwrap();
            finish(output, 5, "five\n");
            assert_eq!(*output.out, b"zero\ntwo\n");
            finish(output, 3, "three\n");
        });
        assert_eq!(all, "zero\ntwo\nthree\nfive\n");
    }

    #[test]
    fn what_waits_for_nothing_is_written_at_the_end() {
        let all = text(PLAIN, |output| {
            finish(output, 3, "three\n");
            finish(output, 1, "one\n");
        });
        assert_eq!(all, "one\nthree\n");
    }

    #[test]
    fn documents_are_told_apart_by_their_names() {
        let all = text(OutputOptions { with_names: true, ..PLAIN }, |output| {
            finish(output, 0, "zero\n");
            finish(output, 1, "one\n");
        });
        let line = r"<!-- document: some-\x2d\x3e\x3cb\x3e\x1b.pdf -->";
        assert_eq!(all, format!("{line}\n\nzero\n\n{line}\n\none\n"));
    }

    #[test]
    fn large_documents_wait_in_a_file() {
        let large = "x".repeat(IN_MEMORY + 3);
        let all = text(PLAIN, |output| {
            finish(output, 1, &large);
            assert!(output.waiting[&1].as_ref().unwrap().file.is_some());
            finish(output, 0, "zero\n");
        });
        assert!(all == format!("zero\n{large}"));
    }

    #[test]
    fn a_terminal_obeys_nothing_of_a_document() {
        let all =
            text(OutputOptions { to_terminal: true, ..PLAIN }, |output| finish(output, 0, "a\x1b[2J\n\tb\n"));
        assert_eq!(all, "a\\x1b[2J\n\tb\n");
    }
}
