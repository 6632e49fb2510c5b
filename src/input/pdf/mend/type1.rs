//! Type 1 fonts: the encoding that is built in, and the outlines of glyphs by their names.
//!
//! After the format's description (Adobe, Type 1 Font Format, 1990): the second part of the file is encrypted, and so
//! is each procedure in it, which are found by what stands before their bytes.

use std::collections::BTreeMap;
use ttf_parser::OutlineBuilder;

/// Bytes of a font in which its encoding is looked for: it stands in the readable part.
const MAX_HEAD: usize = 128 << 10;
/// Most bytes of a font that are decrypted.
const MAX_PRIVATE: usize = 1 << 20;
/// Most procedures of a font, of glyphs and of parts of glyphs each.
const MAX_PROCEDURES: usize = 5000;
/// Depth of procedures in each other (the format: 10).
const MAX_DEPTH: usize = 10;
/// Most commands and numbers of an outline, those of procedures in it counted each time.
const MAX_STEPS: usize = 50_000;
/// Most numbers on the stack (the format: 24).
const MAX_STACK: usize = 48;

/// Keys of the encryption: of the file's second part, and of procedures.
const FILE_KEY: u16 = 55_665;
/// See [`FILE_KEY`].
const PROCEDURE_KEY: u16 = 4330;

/// Commands of procedures (the format, chapter 6).
mod commands {
    pub(super) const HSTEM: i32 = 1;
    pub(super) const VSTEM: i32 = 3;
    pub(super) const VMOVETO: i32 = 4;
    pub(super) const RLINETO: i32 = 5;
    pub(super) const HLINETO: i32 = 6;
    pub(super) const VLINETO: i32 = 7;
    pub(super) const RRCURVETO: i32 = 8;
    pub(super) const CLOSEPATH: i32 = 9;
    pub(super) const CALLSUBR: i32 = 10;
    pub(super) const RETURN: i32 = 11;
    pub(super) const ESCAPE: i32 = 12;
    pub(super) const HSBW: i32 = 13;
    pub(super) const ENDCHAR: i32 = 14;
    pub(super) const RMOVETO: i32 = 21;
    pub(super) const HMOVETO: i32 = 22;
    pub(super) const VHCURVETO: i32 = 30;
    pub(super) const HVCURVETO: i32 = 31;
}

/// Commands after [`commands::ESCAPE`].
mod escaped {
    pub(super) const DOTSECTION: i32 = 0;
    pub(super) const VSTEM3: i32 = 1;
    pub(super) const HSTEM3: i32 = 2;
    pub(super) const SBW: i32 = 7;
    pub(super) const DIV: i32 = 12;
    pub(super) const CALLOTHERSUBR: i32 = 16;
    pub(super) const POP: i32 = 17;
    pub(super) const SETCURRENTPOINT: i32 = 33;
}

/// A font, as far as outlines need it.
#[derive(Debug, Default)]
pub(super) struct Type1 {
    glyphs: BTreeMap<String, Vec<u8>>,
    parts: BTreeMap<usize, Vec<u8>>,
}

/// `true` if a font file is one.
pub(super) fn is_type1(data: &[u8]) -> bool {
    data.starts_with(b"%!") || data.first() == Some(&0x80)
}

/// The names of glyphs by code in the encoding that is built in: lines such as `dup 65 /A put`.
pub(super) fn encoding(data: &[u8]) -> BTreeMap<u8, String> {
    let mut names = BTreeMap::new();
    let head = String::from_utf8_lossy(&data[..data.len().min(MAX_HEAD)]);
    let head = head.split("eexec").next().unwrap_or_default();
    let Some((_, encoding)) = head.split_once("/Encoding") else {
        return names;
    };
    let spaced = encoding.replace('/', " /");
    let mut words = spaced.split_ascii_whitespace();
    while let Some(word) = words.next() {
        match word {
            "def" | "readonly" => break,
            "dup" => {
                let (code, name) = (words.next(), words.next());
                let code = code.and_then(|code| code.parse::<u8>().ok());
                let name = name.and_then(|name| name.strip_prefix('/'));
                if let (Some(code), Some(name)) = (code, name) {
                    names.insert(code, name.to_string());
                }
            }
            _ => {}
        }
    }
    names
}

impl Type1 {
    /// Reads a font file; a damaged one has no glyphs.
    pub(super) fn read(data: &[u8]) -> Type1 {
        let mut font = Type1::default();
        let plain = without_headers(data);
        let Some(start) = find(&plain, b"eexec") else {
            return font;
        };
        let packed = plain[start + 5..].trim_ascii_start();
        let packed = &packed[..packed.len().min(MAX_PRIVATE)];
        let is_hex = packed.len() >= 4 && packed[..4].iter().all(u8::is_ascii_hexdigit);
        let private = match is_hex {
            true => decrypted(&from_hex(packed), FILE_KEY, 4),
            false => decrypted(packed, FILE_KEY, 4),
        };
        font.procedures(&private);
        font
    }

    /// Finds procedures: a number or name, a length, a word, a space, and the bytes.
    fn procedures(&mut self, private: &[u8]) {
        let mut lead = 4;
        let (mut at, mut before): (usize, [&[u8]; 3]) = (0, [b""; 3]);
        while let Some((word, end)) = word(private, at) {
            at = end;
            let number = |word: &[u8]| std::str::from_utf8(word).ok()?.parse::<usize>().ok();
            let is_start = word == b"RD" || word == b"-|";
            if before[2] == b"/lenIV" {
                let Some(length) = number(word) else {
                    // -1: the procedures are not encrypted. That is rare, and not read.
                    return;
                };
                lead = length;
            }
            if let (true, Some(length)) = (is_start, number(before[2])) {
                let Some(bytes) = private.get(at + 1..at.saturating_add(1).saturating_add(length))
                else {
                    return;
                };
                let procedure = decrypted(bytes, PROCEDURE_KEY, lead);
                if let Some(name) = before[1].strip_prefix(b"/") {
                    let name = String::from_utf8_lossy(name).into_owned();
                    self.glyphs.insert(name, procedure);
                } else if let Some(part) = number(before[1]).filter(|_| before[0] == b"dup") {
                    self.parts.insert(part, procedure);
                }
                if self.glyphs.len().max(self.parts.len()) > MAX_PROCEDURES {
                    return;
                }
                at += 1 + length;
            }
            before = [before[1], before[2], word];
        }
    }

    /// `true` if the font has a glyph with this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.glyphs.contains_key(name)
    }

    /// Draws a glyph, in units of which an em has 1000; `None` if it cannot be drawn.
    pub(super) fn outline(&self, name: &str, builder: &mut dyn OutlineBuilder) -> Option<()> {
        let mut drawing = Drawing {
            font: self,
            builder,
            at: (0.0, 0.0),
            stack: Vec::new(),
            passed: Vec::new(),
            flex: None,
            steps: 0,
        };
        drawing.run(self.glyphs.get(name)?, 0).map(|_| ())
    }
}

/// What a command does to the procedure that it stands in.
#[derive(PartialEq)]
enum Then {
    GoOn,
    End,
}

/// A glyph that is drawn.
struct Drawing<'a> {
    font: &'a Type1,
    builder: &'a mut dyn OutlineBuilder,
    at: (f32, f32),
    stack: Vec<f32>,
    /// Numbers that a procedure outside the font leaves.
    passed: Vec<f32>,
    /// Points of a curve that is flat at small sizes, while they are collected.
    flex: Option<Vec<(f32, f32)>>,
    steps: usize,
}

impl Drawing<'_> {
    fn run(&mut self, procedure: &[u8], depth: usize) -> Option<Then> {
        let mut bytes = procedure.iter().map(|byte| i32::from(*byte));
        while let Some(byte) = bytes.next() {
            self.steps += 1;
            if self.steps > MAX_STEPS || self.stack.len() > MAX_STACK {
                return None;
            }
            let number = match byte {
                32..=246 => byte - 139,
                247..=250 => (byte - 247) * 256 + bytes.next()? + 108,
                251..=254 => -(byte - 251) * 256 - bytes.next()? - 108,
                255 => (0..4).try_fold(0i32, |n, _| Some(n << 8 | bytes.next()?))?,
                commands::CALLSUBR => {
                    let part = self.stack.pop()?;
                    let part = self.font.parts.get(&(part as usize))?;
                    if depth >= MAX_DEPTH {
                        return None;
                    }
                    if self.run(part, depth + 1)? == Then::End {
                        return Some(Then::End);
                    }
                    continue;
                }
                commands::RETURN => return Some(Then::GoOn),
                commands::ENDCHAR => return Some(Then::End),
                commands::ESCAPE => {
                    self.escaped(bytes.next()?)?;
                    continue;
                }
                _ => {
                    self.command(byte)?;
                    continue;
                }
            };
            self.stack.push(number as f32);
        }
        Some(Then::GoOn)
    }

    /// The numbers of a command, which takes all that are there.
    fn numbers<const N: usize>(&mut self) -> Option<[f32; N]> {
        let numbers = self.stack.last_chunk::<N>().copied();
        self.stack.clear();
        numbers
    }

    fn command(&mut self, command: i32) -> Option<()> {
        match command {
            commands::HSBW => {
                let [side, _] = self.numbers()?;
                self.at = (side, 0.0);
            }
            commands::VMOVETO => {
                let [dy] = self.numbers()?;
                self.move_by(0.0, dy);
            }
            commands::RMOVETO => {
                let [dx, dy] = self.numbers()?;
                self.move_by(dx, dy);
            }
            commands::HMOVETO => {
                let [dx] = self.numbers()?;
                self.move_by(dx, 0.0);
            }
            commands::RLINETO => {
                let [dx, dy] = self.numbers()?;
                self.line_by(dx, dy);
            }
            commands::HLINETO => {
                let [dx] = self.numbers()?;
                self.line_by(dx, 0.0);
            }
            commands::VLINETO => {
                let [dy] = self.numbers()?;
                self.line_by(0.0, dy);
            }
            commands::RRCURVETO => {
                let steps = self.numbers()?;
                self.curve_by(steps);
            }
            commands::VHCURVETO => {
                let [dy1, dx2, dy2, dx3] = self.numbers()?;
                self.curve_by([0.0, dy1, dx2, dy2, dx3, 0.0]);
            }
            commands::HVCURVETO => {
                let [dx1, dx2, dy2, dy3] = self.numbers()?;
                self.curve_by([dx1, 0.0, dx2, dy2, 0.0, dy3]);
            }
            commands::CLOSEPATH => {
                self.stack.clear();
                self.builder.close();
            }
            commands::HSTEM | commands::VSTEM => self.stack.clear(),
            _ => return None,
        }
        Some(())
    }

    fn escaped(&mut self, command: i32) -> Option<()> {
        match command {
            escaped::DOTSECTION | escaped::VSTEM3 | escaped::HSTEM3 => self.stack.clear(),
            escaped::SBW => {
                let [x, y, _, _] = self.numbers()?;
                self.at = (x, y);
            }
            escaped::DIV => {
                let (b, a) = (self.stack.pop()?, self.stack.pop()?);
                self.stack.push(a / b);
            }
            escaped::CALLOTHERSUBR => self.outside()?,
            escaped::POP => {
                let number = self.passed.pop().unwrap_or_default();
                self.stack.push(number);
            }
            escaped::SETCURRENTPOINT => self.stack.clear(),
            // A letter with an accent (seac) is no glyph of its own.
            _ => return None,
        }
        Some(())
    }

    /// Calls a procedure outside the font: 0 to 2 draw two curves that are flat at small sizes, 3 changes hints.
    fn outside(&mut self) -> Option<()> {
        let (which, count) = (
            self.stack.pop()? as i32,
            self.stack.pop()?.max(0.0) as usize,
        );
        let rest = self.stack.len().checked_sub(count)?;
        let numbers = self.stack.split_off(rest);
        self.passed = numbers.into_iter().rev().collect();
        match which {
            1 => self.flex = Some(Vec::new()),
            2 => {
                let at = self.at;
                self.flex.as_mut()?.push(at);
            }
            0 => {
                // The first point is only the one that the others are told from.
                let points = self.flex.take()?;
                let [_, a, b, c, d, e, f] = <[_; 7]>::try_from(points).ok()?;
                self.builder.curve_to(a.0, a.1, b.0, b.1, c.0, c.1);
                self.builder.curve_to(d.0, d.1, e.0, e.1, f.0, f.1);
            }
            3 => self.passed = vec![3.0],
            _ => {}
        }
        Some(())
    }

    fn move_by(&mut self, dx: f32, dy: f32) {
        self.at = (self.at.0 + dx, self.at.1 + dy);
        if self.flex.is_none() {
            self.builder.move_to(self.at.0, self.at.1);
        }
    }

    fn line_by(&mut self, dx: f32, dy: f32) {
        self.at = (self.at.0 + dx, self.at.1 + dy);
        self.builder.line_to(self.at.0, self.at.1);
    }

    fn curve_by(&mut self, [dx1, dy1, dx2, dy2, dx3, dy3]: [f32; 6]) {
        let a = (self.at.0 + dx1, self.at.1 + dy1);
        let b = (a.0 + dx2, a.1 + dy2);
        self.at = (b.0 + dx3, b.1 + dy3);
        self.builder
            .curve_to(a.0, a.1, b.0, b.1, self.at.0, self.at.1);
    }
}

/// The contents of a file in segments, each with six bytes before it; others as they are.
fn without_headers(data: &[u8]) -> Vec<u8> {
    let mut plain = Vec::new();
    let mut rest = data;
    while let [0x80, 1 | 2, a, b, c, d, ..] = rest {
        let length = u32::from_le_bytes([*a, *b, *c, *d]) as usize;
        let end = length.saturating_add(6).min(rest.len());
        plain.extend_from_slice(&rest[6..end]);
        rest = &rest[end..];
    }
    match plain.is_empty() {
        true => data.to_vec(),
        false => plain,
    }
}

fn find(data: &[u8], word: &[u8]) -> Option<usize> {
    data.windows(word.len()).position(|window| window == word)
}

fn from_hex(data: &[u8]) -> Vec<u8> {
    let digits = data.iter().filter_map(|byte| (*byte as char).to_digit(16));
    let digits: Vec<u8> = digits.map(|digit| digit as u8).collect();
    let pairs = digits.chunks_exact(2);
    pairs.map(|pair| pair[0] << 4 | pair[1]).collect()
}

/// Decrypts bytes of which the first `lead` only stir the key.
fn decrypted(data: &[u8], mut key: u16, lead: usize) -> Vec<u8> {
    let plain = data.iter().map(|&byte| {
        let plain = byte ^ (key >> 8) as u8;
        key = u16::from(byte)
            .wrapping_add(key)
            .wrapping_mul(52845)
            .wrapping_add(22719);
        plain
    });
    plain.skip(lead).collect()
}

/// The next word from a place on, and where it ends. A slash begins one.
fn word(data: &[u8], from: usize) -> Option<(&[u8], usize)> {
    let start = from
        + data
            .get(from..)?
            .iter()
            .position(|b| !b.is_ascii_whitespace())?;
    let is_end = |byte: &u8| byte.is_ascii_whitespace() || *byte == b'/';
    let length = data[start + 1..].iter().position(is_end);
    let end = length.map_or(data.len(), |length| start + 1 + length);
    Some((&data[start..end], end))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn encrypted(data: &[u8], mut key: u16) -> Vec<u8> {
        let cipher = [0; 4].iter().chain(data).map(|&byte| {
            let cipher = byte ^ (key >> 8) as u8;
            key = u16::from(cipher)
                .wrapping_add(key)
                .wrapping_mul(52845)
                .wrapping_add(22719);
            cipher
        });
        cipher.collect()
    }

    /// A font with these glyphs, and a part 4 that draws a line by 10, 20.
    fn font(glyphs: &[(&str, &[u8])]) -> Vec<u8> {
        let mut private = b"dup /Private 8 dict dup begin /lenIV 4 def /Subrs 5 array ".to_vec();
        let mut add = |before: &str, procedure: &[u8]| {
            let bytes = encrypted(procedure, PROCEDURE_KEY);
            private.extend(format!("{before} {} RD ", bytes.len()).bytes());
            private.extend(bytes);
            private.extend(b" ND\n");
        };
        add("dup 4", &[149, 159, 5, 11]);
        for (name, procedure) in glyphs {
            add(&format!("/{name}"), procedure);
        }
        let mut file =
            b"%!PS-AdobeFont-1.0: X\n/Encoding 256 array dup 65/one put def currentfile eexec\n"
                .to_vec();
        file.extend(encrypted(&private, FILE_KEY));
        file
    }

    #[derive(Default)]
    struct Text(String);

    impl OutlineBuilder for Text {
        fn move_to(&mut self, x: f32, y: f32) {
            self.0 += &format!("m{x},{y} ");
        }
        fn line_to(&mut self, x: f32, y: f32) {
            self.0 += &format!("l{x},{y} ");
        }
        fn quad_to(&mut self, _: f32, _: f32, _: f32, _: f32) {}
        fn curve_to(&mut self, a: f32, b: f32, c: f32, d: f32, x: f32, y: f32) {
            self.0 += &format!("c{a},{b},{c},{d},{x},{y} ");
        }
        fn close(&mut self) {
            self.0 += "z";
        }
    }

    #[track_caller]
    fn check(procedure: &[u8], expected: Option<&str>) {
        let font = Type1::read(&font(&[("one", procedure)]));
        let mut text = Text::default();
        let drawn = font.outline("one", &mut text);
        assert_eq!(
            drawn.map(|()| text.0.trim().to_string()).as_deref(),
            expected
        );
    }

    #[test]
    fn procedures_are_outlines() {
        // hsbw 5 100, rmoveto 1 2, part 4, hvcurveto, closepath, endchar.
        let lines = [
            144, 239, 13, 140, 141, 21, 143, 10, 140, 141, 142, 143, 31, 9, 14,
        ];
        check(&lines, Some("m6,2 l16,22 c17,22,19,25,19,29 z"));
        // 300 2 div hlineto; a number of two bytes.
        check(
            &[139, 239, 13, 247, 192, 141, 12, 12, 6, 14],
            Some("l150,0"),
        );
    }

    #[test]
    fn flat_curves_are_two_curves() {
        let mut procedure = vec![139, 239, 13, 139, 140, 12, 16];
        for _ in 0..7 {
            procedure.extend([140, 140, 21, 139, 141, 12, 16]);
        }
        procedure.extend([189, 146, 146, 142, 139, 12, 16, 12, 17, 12, 17, 12, 33, 14]);
        check(&procedure, Some("c2,2,3,3,4,4 c5,5,6,6,7,7"));
    }

    #[test]
    fn endless_and_damaged_fonts_end() {
        // A part that calls itself, a command without numbers, a command that there is not, an accent.
        let itself = font(&[("one", &[143, 10])]);
        let mut read = Type1::read(&itself);
        read.parts.insert(4, [143, 10].repeat(100));
        assert_eq!(read.outline("one", &mut Text::default()), None);
        check(&[5], None);
        check(&[2], None);
        check(&[139, 139, 139, 139, 139, 12, 6], None);
        for data in [
            &b""[..],
            b"%!",
            b"%! eexec",
            b"\x80\x01\xFF\xFF\xFF\xFF",
            b"%! eexec 00",
        ] {
            assert!(Type1::read(data).glyphs.is_empty());
        }
        // Procedures that are not encrypted.
        let plain = b"dup /Private 8 dict dup begin /lenIV -1 def /one 1 RD \x0E ND\n";
        let plain = [&b"%! eexec "[..], &encrypted(plain, FILE_KEY)].concat();
        assert!(Type1::read(&plain).glyphs.is_empty());
        let whole = font(&[("one", &[14])]);
        (0..whole.len()).for_each(|end| drop(Type1::read(&whole[..end])));
    }
}
