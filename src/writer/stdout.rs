//! Results on standard output: documents in input order, whichever finishes first, and delimited.
//!
//! JSON is one value per document, each ending with a newline. Markdown of several documents has a line `<!--
//! document: NAME -->` before each, between blank lines. A document that finishes early is held back, a large
//! one in a temporary file. For a terminal, control characters are neutralized.

use crate::shown;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufWriter, Read, Seek, SeekFrom, Write};

/// Bytes of memory that held-back documents may take.
const IN_MEMORY: usize = 16 << 20;

/// Writes documents in the order of their numbers.
pub(super) struct OrderedOutput<W: Write> {
    out: W,
    options: OutputOptions,
    /// Documents not written yet: finished ones with their text; `None` for those given up.
    waiting: BTreeMap<usize, Option<Held>>,
    /// The next number to be written; nothing has arrived for it yet.
    next: usize,
    written: usize,
    in_memory: usize,
    spill: Option<File>,
}

/// Options of the output.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct OutputOptions {
    /// `true` if a line with its name precedes each document.
    pub with_names: bool,
    /// `true` if the output is a terminal.
    pub to_terminal: bool,
}

/// A held-back document.
enum Held {
    Memory(Vec<u8>),
    /// Offset and length in the spill file.
    Spilled(u64, u64),
}

impl<W: Write> OrderedOutput<W> {
    /// Output of documents numbered from 0. Each is [finished](Self::finish) or [given up](Self::give_up).
    pub(super) fn new(out: W, options: OutputOptions) -> Self {
        Self {
            out,
            options,
            waiting: BTreeMap::new(),
            next: 0,
            written: 0,
            in_memory: 0,
            spill: None,
        }
    }

    /// Takes a finished document and writes all whose turn has come.
    ///
    /// Fails if the output does; a closed pipe is not an error.
    pub(super) fn finish(
        &mut self,
        number: usize,
        name: &str,
        write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
    ) -> io::Result<()> {
        let heading = match self.options.with_names {
            true => format!("<!-- document: {} -->\n\n", in_comment(name)),
            false => String::new(),
        };
        if number == self.next && !self.options.to_terminal {
            self.next += 1;
            let written = self.separate().and_then(|()| {
                let mut out = BufWriter::new(&mut self.out);
                out.write_all(heading.as_bytes())?;
                write(&mut out)?;
                out.flush()
            });
            unless_gone(written)?;
        } else {
            let mut text = heading.into_bytes();
            write(&mut text)?;
            let held = self.hold(text);
            self.waiting.insert(number, Some(held));
        }
        self.write_ready()
    }

    /// Marks a document as never to be written.
    pub(super) fn give_up(&mut self, number: usize) -> io::Result<()> {
        self.waiting.insert(number, None);
        self.write_ready()
    }

    /// Writes documents that still wait for others that never arrived.
    pub(super) fn close(&mut self) -> io::Result<()> {
        while let Some(number) = self.waiting.keys().next().copied() {
            self.next = number;
            self.write_ready()?;
        }
        Ok(())
    }

    fn write_ready(&mut self) -> io::Result<()> {
        while let Some(known) = self.waiting.remove(&self.next) {
            self.next += 1;
            if let Some(held) = known {
                unless_gone(self.separate().and_then(|()| self.write_one(held)))?;
            }
        }
        Ok(())
    }

    /// Writes the blank line before all documents but the first.
    fn separate(&mut self) -> io::Result<()> {
        self.written += 1;
        if self.options.with_names && self.written > 1 {
            self.out.write_all(b"\n")
        } else {
            Ok(())
        }
    }

    /// Holds a text back, in a file if memory is used up, or in memory if there is no temporary folder.
    fn hold(&mut self, text: Vec<u8>) -> Held {
        if self.in_memory + text.len() > IN_MEMORY
            && let Ok(place) = self.spill(&text)
        {
            return Held::Spilled(place, text.len() as u64);
        }
        self.in_memory += text.len();
        Held::Memory(text)
    }

    fn spill(&mut self, text: &[u8]) -> io::Result<u64> {
        let file = match &mut self.spill {
            Some(file) => file,
            none => none.insert(tempfile::tempfile()?),
        };
        let place = file.seek(SeekFrom::End(0))?;
        file.write_all(text).map(|()| place)
    }

    fn write_one(&mut self, held: Held) -> io::Result<()> {
        let text = match held {
            Held::Memory(text) => {
                self.in_memory -= text.len();
                text
            }
            Held::Spilled(place, length) => {
                let Some(file) = &mut self.spill else {
                    return Ok(());
                };
                file.seek(SeekFrom::Start(place))?;
                let mut file = file.take(length);
                if !self.options.to_terminal {
                    io::copy(&mut file, &mut self.out)?;
                    return self.out.flush();
                }
                let mut text = Vec::new();
                file.read_to_end(&mut text)?;
                text
            }
        };
        match self.options.to_terminal {
            true => self
                .out
                .write_all(shown::lines(&String::from_utf8_lossy(&text)).as_bytes())?,
            false => self.out.write_all(&text)?,
        }
        self.out.flush()
    }
}

impl<W: Write> Drop for OrderedOutput<W> {
    fn drop(&mut self) {
        let _ = self.close();
    }
}

/// Ignores the error of a closed pipe.
fn unless_gone(written: io::Result<()>) -> io::Result<()> {
    match written {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

/// A name that cannot end a comment.
fn in_comment(name: &str) -> String {
    shown::text(name)
        .replace("--", "-\\x2d")
        .replace('<', "\\x3c")
        .replace('>', "\\x3e")
}

#[cfg(test)]
mod tests {
    use super::*;

    const PLAIN: OutputOptions = OutputOptions {
        with_names: false,
        to_terminal: false,
    };

    fn text(
        options: OutputOptions,
        steps: impl FnOnce(&mut OrderedOutput<&mut Vec<u8>>),
    ) -> String {
        let mut out = Vec::new();
        steps(&mut OrderedOutput::new(&mut out, options));
        String::from_utf8(out).unwrap()
    }

    fn finish(output: &mut OrderedOutput<&mut Vec<u8>>, number: usize, text: &str) {
        output
            .finish(number, "some--><b>\x1b.pdf", |out| {
                out.write_all(text.as_bytes())
            })
            .unwrap();
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
        let all = text(
            OutputOptions {
                with_names: true,
                ..PLAIN
            },
            |output| {
                finish(output, 0, "zero\n");
                finish(output, 1, "one\n");
            },
        );
        let line = r"<!-- document: some-\x2d\x3e\x3cb\x3e\x1b.pdf -->";
        assert_eq!(all, format!("{line}\n\nzero\n\n{line}\n\none\n"));
    }

    #[test]
    fn what_waits_does_not_fill_the_memory() {
        let large = "x".repeat(IN_MEMORY - 3);
        let all = text(PLAIN, |output| {
            for number in [4, 1, 3, 2] {
                finish(output, number, &large);
                finish(output, number + 4, "small\n");
            }
            let kept = output
                .waiting
                .values()
                .flatten()
                .filter(|held| matches!(held, Held::Memory(_)))
                .count();
            assert!(kept < 8 && output.in_memory <= IN_MEMORY, "{kept}");
            finish(output, 0, "zero\n");
        });
        let smalls = "small\n".repeat(4);
        assert!(all == format!("zero\n{large}{large}{large}{large}{smalls}"));
    }

    #[test]
    fn a_terminal_obeys_nothing_of_a_document() {
        let all = text(
            OutputOptions {
                to_terminal: true,
                ..PLAIN
            },
            |output| finish(output, 0, "a\x1b[2J\n\tb\n"),
        );
        assert_eq!(all, "a\\x1b[2J\n\tb\n");
    }
}
