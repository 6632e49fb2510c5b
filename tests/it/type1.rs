//! Type 1 fonts made of glyphs of a TrueType font.

use ttf_parser::{Face, OutlineBuilder};

/// A Type 1 font with these letters from the code `first` on, as the three objects from `number` on; `name` gives
/// the names of their glyphs.
pub(crate) fn objects(
    face: &Face<'_>,
    number: usize,
    letters: &[char],
    name: &dyn Fn(char) -> String,
    first: usize,
) -> Vec<String> {
    let scale = 1000.0 / f32::from(face.units_per_em());
    let width = |c: &char| {
        let glyph = face.glyph_index(*c).unwrap();
        (f32::from(face.glyph_hor_advance(glyph).unwrap()) * scale).round() as i32
    };
    let mut private = b"dup /Private 8 dict dup begin\n/RD {string currentfile exch readstring pop} executeonly def\n\
        /ND {noaccess def} executeonly def\n/NP {noaccess put} executeonly def\n/BlueValues [] def\n\
        /MinFeature{16 16} def\n/password 5839 def\n/lenIV 4 def\n/Subrs 0 array\nND\n"
        .to_vec();
    private.extend(
        format!(
            "2 index /CharStrings {} dict dup begin\n",
            letters.len() + 1
        )
        .bytes(),
    );
    let mut add = |name: &str, width: i32, letter: Option<char>| {
        let mut procedure = Procedure {
            bytes: Vec::new(),
            at: (0, 0),
            scale,
        };
        procedure.numbers(&[0, width]);
        procedure.bytes.push(13);
        if let Some(glyph) = letter.and_then(|c| face.glyph_index(c)) {
            face.outline_glyph(glyph, &mut procedure);
        }
        procedure.bytes.push(14);
        let bytes = encrypted(&procedure.bytes, 4330);
        private.extend(format!("/{name} {} RD ", bytes.len()).bytes());
        private.extend(bytes);
        private.extend(b" ND\n");
    };
    add(".notdef", 500, None);
    for letter in letters {
        add(&name(*letter), width(letter), Some(*letter));
    }
    private.extend(b"end\nend\nreadonly put\nnoaccess put\ndup/FontName get exch definefont pop\nmark currentfile closefile\n");
    let head = format!(
        "%!PS-AdobeFont-1.0: Made{number} 001.000\n12 dict begin\n/FontInfo 1 dict dup begin\nend readonly def\n\
         /FontName /Made{number} def\n/PaintType 0 def\n/FontType 1 def\n/FontMatrix [0.001 0 0 0.001 0 0] readonly def\n\
         /Encoding StandardEncoding def\n/FontBBox {{-200 -300 1300 1000}} readonly def\ncurrentdict end\n\
         currentfile eexec\n"
    );
    let private = encrypted(&private, 55_665);
    let tail = format!("{}cleartomark\n", format!("{}\n", "0".repeat(64)).repeat(8));
    let file = [head.as_bytes(), &private, tail.as_bytes()].concat();
    let hex: String = file.iter().map(|byte| format!("{byte:02x}")).collect();
    let names: String = letters.iter().map(|c| format!("/{} ", name(*c))).collect();
    let widths: String = letters.iter().map(|c| format!("{} ", width(c))).collect();
    let (descriptor, program) = (number + 1, number + 2);
    vec![
        format!(
            "<< /Type /Font /Subtype /Type1 /BaseFont /Made{number} /FirstChar {first} /LastChar {} /Widths [{widths}] \
             /FontDescriptor {descriptor} 0 R /Encoding << /Type /Encoding /Differences [{first} {names}] >> >>",
            first + letters.len() - 1
        ),
        format!(
            "<< /Type /FontDescriptor /FontName /Made{number} /Flags 4 /FontBBox [-200 -300 1300 1000] /ItalicAngle 0 \
             /Ascent 930 /Descent -240 /CapHeight 730 /StemV 80 /FontFile {program} 0 R >>"
        ),
        format!(
            "<< /Length {} /Length1 {} /Length2 {} /Length3 {} /Filter /ASCIIHexDecode >>\nstream\n{hex}>\nendstream",
            hex.len() + 1,
            head.len(),
            private.len(),
            tail.len()
        ),
    ]
}

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

/// A glyph's procedure: steps between points that are rounded.
struct Procedure {
    bytes: Vec<u8>,
    at: (i32, i32),
    scale: f32,
}

impl Procedure {
    fn numbers(&mut self, numbers: &[i32]) {
        for number in numbers {
            self.bytes.push(255);
            self.bytes.extend(number.to_be_bytes());
        }
    }

    fn steps(&mut self, points: &[(f32, f32)], command: u8) {
        for (x, y) in points {
            let to = (
                (x * self.scale).round() as i32,
                (y * self.scale).round() as i32,
            );
            self.numbers(&[to.0 - self.at.0, to.1 - self.at.1]);
            self.at = to;
        }
        self.bytes.push(command);
    }
}

impl OutlineBuilder for Procedure {
    fn move_to(&mut self, x: f32, y: f32) {
        self.steps(&[(x, y)], 21);
    }

    fn line_to(&mut self, x: f32, y: f32) {
        self.steps(&[(x, y)], 5);
    }

    fn quad_to(&mut self, _: f32, _: f32, x: f32, y: f32) {
        self.line_to(x, y);
    }

    fn curve_to(&mut self, a: f32, b: f32, c: f32, d: f32, x: f32, y: f32) {
        self.steps(&[(a, b), (c, d), (x, y)], 8);
    }

    fn close(&mut self) {
        self.bytes.push(9);
    }
}
