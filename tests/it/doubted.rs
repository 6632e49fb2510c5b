//! Text layers with wrong or missing letters, settled by what the page shows: by outlines that other fonts have,
//! and by single lines that the real networks read.

use super::support::{Folder, assemble, contents, root};
use super::type1;
use ab_glyph::{Font, FontRef, ScaleFont, point};
use serde_json::Value;
use std::fmt::Write;

/// A font file whose own map to Unicode cannot be found, and the same font to draw with.
struct Typeface {
    file: Vec<u8>,
    whole: Vec<u8>,
}

impl Typeface {
    fn new() -> Typeface {
        let whole = std::fs::read(root().join("assets/fonts/DejaVuSans-subset.ttf")).unwrap();
        let mut file = whole.clone();
        let at = file.windows(4).position(|tag| tag == b"cmap").unwrap();
        file[at..at + 4].copy_from_slice(b"none");
        Typeface { file, whole }
    }

    fn face(&self) -> ttf_parser::Face<'_> {
        ttf_parser::Face::parse(&self.whole, 0).unwrap()
    }

    fn glyph(&self, letter: char) -> u16 {
        self.face().glyph_index(letter).unwrap().0
    }

    /// A text as the glyphs of the font, in a string of a content stream.
    fn codes(&self, text: &str) -> String {
        let digits: String = text
            .chars()
            .map(|c| format!("{:04X}", self.glyph(c)))
            .collect();
        format!("<{digits}>")
    }

    /// A composite font of which only what `unicode` says is known, as the five objects from `number` on.
    fn objects(&self, number: usize, unicode: &dyn Fn(char) -> Option<char>) -> Vec<String> {
        let face = self.face();
        let letters: Vec<char> = (' '..='~')
            .filter(|c| face.glyph_index(*c).is_some())
            .collect();
        let widths: String = letters
            .iter()
            .map(|c| {
                let glyph = face.glyph_index(*c).unwrap();
                let width = f32::from(face.glyph_hor_advance(glyph).unwrap());
                format!(
                    "{} [{}] ",
                    glyph.0,
                    width * 1000.0 / f32::from(face.units_per_em())
                )
            })
            .collect();
        let mut map = String::from(
            "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /X def /CMapType 2 def\n\
             1 begincodespacerange <0000> <FFFF> endcodespacerange\n",
        );
        let mapped = letters
            .iter()
            .filter_map(|c| Some((self.glyph(*c), unicode(*c)?)));
        for (glyph, letter) in mapped {
            let letter = letter as u32;
            writeln!(map, "1 beginbfchar <{glyph:04X}> <{letter:04X}> endbfchar").unwrap();
        }
        map.push_str("endcmap end end");
        let hex: String = self.file.iter().map(|byte| format!("{byte:02x}")).collect();
        let [descendant, descriptor, file, map_number] =
            [1, 2, 3, 4].map(|n| format!("{} 0 R", number + n));
        vec![
            format!(
                "<< /Type /Font /Subtype /Type0 /BaseFont /ABCDEF+Sans{number} /Encoding /Identity-H \
                 /DescendantFonts [{descendant}] /ToUnicode {map_number} >>"
            ),
            format!(
                "<< /Type /Font /Subtype /CIDFontType2 /BaseFont /ABCDEF+Sans{number} /CIDToGIDMap /Identity \
                 /CIDSystemInfo << /Registry (Adobe) /Ordering (Identity) /Supplement 0 >> /DW 600 \
                 /W [{widths}] /FontDescriptor {descriptor} >>"
            ),
            format!(
                "<< /Type /FontDescriptor /FontName /ABCDEF+Sans{number} /Flags 4 /FontBBox [0 -240 1000 930] \
                 /ItalicAngle 0 /Ascent 930 /Descent -240 /CapHeight 730 /StemV 80 /FontFile2 {file} >>"
            ),
            format!(
                "<< /Length {} /Filter /ASCIIHexDecode >>\nstream\n{hex}>\nendstream",
                hex.len() + 1
            ),
            format!("<< /Length {} >>\nstream\n{map}\nendstream", map.len()),
        ]
    }

    /// A picture of `width` x `height` points with these lines, 12 points high and 24 apart, as an object.
    fn picture(&self, (width, height): (usize, usize), lines: &[&str]) -> String {
        let (width, height) = (width * 2, height * 2);
        let font = FontRef::try_from_slice(&self.whole).unwrap();
        let font = font.as_scaled(font.pt_to_px_scale(18.0).unwrap());
        let mut gray = vec![255u8; width * height];
        for (row, line) in lines.iter().enumerate() {
            let mut x = 40.0;
            for letter in line.chars() {
                let id = font.glyph_id(letter);
                let glyph =
                    id.with_scale_and_position(font.scale(), point(x, 60.0 + 48.0 * row as f32));
                x += font.h_advance(id);
                let Some(outline) = font.outline_glyph(glyph) else {
                    continue;
                };
                let left_top = outline.px_bounds().min;
                outline.draw(|dx, dy, cover| {
                    let (x, y) = (
                        left_top.x as usize + dx as usize,
                        left_top.y as usize + dy as usize,
                    );
                    gray[y * width + x] = 255 - (cover * 255.0) as u8;
                });
            }
        }
        let hex: String = gray.iter().map(|byte| format!("{byte:02x}")).collect();
        format!(
            "<< /Type /XObject /Subtype /Image /Width {width} /Height {height} /BitsPerComponent 8 \
             /ColorSpace /DeviceGray /Filter /ASCIIHexDecode /Length {} >>\nstream\n{hex}>\nendstream",
            hex.len() + 1
        )
    }
}

/// A PDF of pages with these contents, 595 x 842 points or `size`; `resources` are of all, and `objects` from
/// number 3 on.
fn pdf(
    size: (usize, usize),
    contents: &[String],
    resources: &str,
    objects: Vec<String>,
) -> Vec<u8> {
    let first = 3 + objects.len();
    let kids: String = (0..contents.len())
        .map(|n| format!("{} 0 R ", first + 2 * n))
        .collect();
    let mut all = vec![
        "<< /Type /Catalog /Pages 2 0 R >>".to_string(),
        format!(
            "<< /Type /Pages /Kids [{kids}] /Count {} >>",
            contents.len()
        ),
    ];
    all.extend(objects);
    for content in contents {
        let (number, (width, height)) = (all.len() + 1, size);
        all.push(format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {width} {height}] /Contents {} 0 R \
             /Resources << {resources} >> >>",
            number + 1
        ));
        all.push(format!(
            "<< /Length {} >>\nstream\n{content}\nendstream",
            content.len()
        ));
    }
    assemble(&all)
}

const A4: (usize, usize) = (595, 842);

/// The pages of the JSON of a PDF.
fn pages(bytes: &[u8]) -> Vec<Value> {
    let folder = Folder::new();
    folder.write("a.pdf", bytes);
    folder
        .run(&["-i", "a.pdf", "--save-path", "out", "--formats", "json"])
        .expect(0);
    let document = folder.json("out/a.json");
    document["pages"].as_array().unwrap().clone()
}

fn text(page: &Value) -> String {
    let all = contents(page).join(" ");
    all.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn source(page: &Value) -> (&str, &str) {
    let decision = &page["diagnostics"]["text"];
    (
        decision["source"].as_str().unwrap(),
        decision["reason"].as_str().unwrap(),
    )
}

/// Lines of text in a font, 24 points apart.
fn shown(face: &Typeface, font: &str, top: usize, lines: &[&str]) -> String {
    let line = |(row, line): (usize, &&str)| {
        let y = top - 24 * row;
        format!("BT /{font} 12 Tf 72 {y} Td {} Tj ET\n", face.codes(line))
    };
    lines.iter().enumerate().map(line).collect()
}

/// The page that these lines make in the font of the objects from 3 on.
fn page_in(face: &Typeface, objects: Vec<String>, lines: &[&str]) -> Value {
    let contents = [shown(face, "F", 700, lines)];
    pages(&pdf(A4, &contents, "/Font << /F 3 0 R >>", objects)).remove(0)
}

const LINES: [&str; 4] = [
    "Dirk Groeneveld and Pete Walsh wrote about the weights of models",
    "that anybody may read, with Rodney Kinney and Akshita Bhagia.",
    "The harbour was closed for two days in March because of the ice,",
    "and forty vessels waited before the quay until it had gone.",
];

#[test]
fn a_map_that_is_off_by_a_letter_is_caught() {
    let face = Typeface::new();
    let back = |c: char| match c.is_ascii_alphabetic() {
        true => char::from_u32(c as u32 - 1),
        false => Some(c),
    };
    let objects = face.objects(3, &back);
    let page = page_in(&face, objects, &LINES);
    assert_eq!(text(&page), LINES.join(" "), "{:?}", source(&page));
    assert_eq!(source(&page).0, "text_layer");
    assert!(
        source(&page).1.contains("read from the picture"),
        "{:?}",
        source(&page)
    );
}

#[test]
fn glyphs_without_unicode_are_read_from_their_lines() {
    let face = Typeface::new();
    let known = |c: char| (!"edv".contains(c)).then_some(c);
    let objects = face.objects(3, &known);
    let page = page_in(&face, objects, &LINES);
    assert_eq!(text(&page), LINES.join(" "), "{:?}", source(&page));
    assert_eq!(source(&page).0, "text_layer");
}

#[test]
fn a_font_of_several_pages_is_read_once() {
    // Single letters of a font without Unicode in words of another one. The second page has more lines than are read of
    // a page.
    const WORDS: [&str; 16] = [
        "a-bout", "b-ack", "d-ays", "e-very", "f-ind", "g-ood", "h-ouse", "k-ind", "m-ore",
        "n-ame", "p-art", "r-ead", "s-een", "t-wo", "u-ntil", "w-as",
    ];
    let face = Typeface::new();
    let word = |word: &str| {
        let (letter, rest) = word.split_once('-').unwrap();
        let code = face.codes(letter);
        format!("/G 12 Tf {code} Tj /F 12 Tf ({rest} ) Tj ")
    };
    let page = |words_of_line: usize, rest: &str| -> (String, String) {
        let lines = WORDS.chunks(words_of_line);
        let text = lines
            .clone()
            .map(|words| words.join(" ").replace('-', "") + " " + rest);
        let shown = lines.enumerate().map(|(row, words)| {
            let words: String = words.iter().map(|w| word(w)).collect();
            format!("BT 72 {} Td {words}({rest}) Tj ET\n", 780 - 24 * row)
        });
        (shown.collect(), text.collect::<Vec<_>>().join(" "))
    };
    let (first, _) = page(2, "waited forty vessels");
    let (second, expected) = page(1, "because of the ice in march");
    let objects = face.objects(3, &|_| None);
    let resources = "/Font << /G 3 0 R /F << /Type /Font /Subtype /Type1 /BaseFont /Helvetica \
        /Encoding /WinAnsiEncoding >> >>";
    let pages = pages(&pdf(A4, &[first, second], resources, objects));
    assert_eq!(text(&pages[1]), expected);
    assert!(
        source(&pages[1]).1.contains("16 characters were read"),
        "{:?}",
        source(&pages[1])
    );
}

#[test]
fn equal_outlines_of_another_font_tell_the_letters() {
    let face = Typeface::new();
    let mut objects = face.objects(3, &Some);
    objects.extend(face.objects(8, &|_| None));
    let alphabet: String = (' '..='~')
        .filter(|c| c.is_ascii_alphanumeric() || ",. ".contains(*c))
        .collect();
    let contents = [
        shown(&face, "F", 700, &[&alphabet]),
        shown(&face, "G", 700, &LINES),
    ];
    let resources = "/Font << /F 3 0 R /G 8 0 R >>";
    let pages = pages(&pdf(A4, &contents, resources, objects));
    assert_eq!(text(&pages[1]), LINES.join(" "));
    assert_eq!(
        source(&pages[1]),
        ("text_layer", "passed all checks"),
        "no line is read"
    );
}

#[test]
fn equal_outlines_of_a_type1_font_tell_the_letters() {
    let face = Typeface::new();
    let letters: Vec<char> = ('a'..='z').chain([' ']).collect();
    // The same glyphs under their names, and under names that say nothing.
    let named = |c: char| {
        if c == ' ' {
            "space".into()
        } else {
            c.to_string()
        }
    };
    let other = |c: char| format!("q{}x", c as u32);
    let mut objects = type1::objects(&face.face(), 3, &letters, &named, 97);
    objects.extend(type1::objects(&face.face(), 6, &letters, &other, 1));
    let line = "the quick brown fox jumps over the lazy dog and was not seen since";
    let codes = |first: usize| -> String {
        let code = |c| first + letters.iter().position(|letter| *letter == c).unwrap();
        let digits: String = line.chars().map(|c| format!("{:02X}", code(c))).collect();
        format!("<{digits}>")
    };
    let shown =
        |font: &str, first: usize| format!("BT /{font} 12 Tf 72 700 Td {} Tj ET", codes(first));
    let contents = [shown("F", 97), shown("G", 1)];
    let resources = "/Font << /F 3 0 R /G 6 0 R >>";
    let pages = pages(&pdf(A4, &contents, resources, objects));
    for page in &pages {
        assert_eq!(text(page), line);
        assert_eq!(
            source(page),
            ("text_layer", "passed all checks"),
            "no line is read"
        );
    }
}

#[test]
fn a_glyph_without_an_outline_is_a_space() {
    let face = Typeface::new();
    let objects = face.objects(3, &|c| (c != ' ').then_some(c));
    let page = page_in(&face, objects, &LINES);
    assert_eq!(text(&page), LINES.join(" "));
    assert_eq!(source(&page), ("text_layer", "passed all checks"));
}

#[test]
fn characters_of_a_collection_are_known() {
    // Identifiers of Adobe-Japan1; the last one is of the fifth edition.
    let content = "BT /F 12 Tf 72 700 Td <0022034B05DC3D54> Tj ET".to_string();
    let objects = vec![
        "<< /Type /Font /Subtype /Type0 /BaseFont /Some-Font /Encoding /Identity-H /DescendantFonts [4 0 R] >>".into(),
        "<< /Type /Font /Subtype /CIDFontType0 /BaseFont /Some-Font /DW 1000 /CIDSystemInfo << /Registry (Adobe) \
         /Ordering (Japan1) /Supplement 6 >> /FontDescriptor << /Type /FontDescriptor /FontName /Some-Font /Flags 4 \
         /FontBBox [0 -250 1000 880] /ItalicAngle 0 /Ascent 880 /Descent -120 /CapHeight 700 /StemV 80 >> >>".into(),
    ];
    let pages = pages(&pdf(A4, &[content], "/Font << /F 3 0 R >>", objects));
    let text = text(&pages[0]);
    // The last one is a letter and a mark.
    assert_eq!(text, "Aあ萱ツ\u{309A}");
    assert_eq!(source(&pages[0]), ("text_layer", "passed all checks"));
}

#[test]
fn a_sign_that_stands_alone_costs_no_networks() {
    let face = Typeface::new();
    let known = |c: char| (c != '#').then_some(c);
    let objects = face.objects(3, &known);
    let lines = ["# the first of two items", "# the second of two items"];
    let page = page_in(&face, objects, &lines);
    assert_eq!(source(&page), ("text_layer", "passed all checks"));
}

#[test]
fn a_script_that_cannot_be_read_keeps_its_hidden_layer() {
    // "올해의 총수입은 작년보다" in UTF-16.
    let codes = "<C62CD574C7580020CD1DC218C785C7400020C791B144BCF4B2E4>";
    let face = Typeface::new();
    let size = (560, 180);
    let content = format!(
        "q 560 0 0 180 0 0 cm /I Do Q BT 3 Tr /F 12 Tf 20 150 Td {codes} Tj 0 -24 Td {codes} Tj ET"
    );
    let objects = vec![
        "<< /Type /Font /Subtype /Type0 /BaseFont /Some-Font /Encoding /UniKS-UCS2-H /DescendantFonts [5 0 R] >>".into(),
        face.picture(size, &LINES),
        "<< /Type /Font /Subtype /CIDFontType0 /BaseFont /Some-Font /DW 1000 /CIDSystemInfo << /Registry (Adobe) \
         /Ordering (Korea1) /Supplement 0 >> /FontDescriptor << /Type /FontDescriptor /FontName /Some-Font /Flags 4 \
         /FontBBox [0 -250 1000 880] /ItalicAngle 0 /Ascent 880 /Descent -120 /CapHeight 700 /StemV 80 >> >>".into(),
    ];
    let resources = "/Font << /F 3 0 R >> /XObject << /I 4 0 R >>";
    let page = pages(&pdf(size, &[content], resources, objects)).remove(0);
    assert_eq!(source(&page).0, "text_layer", "{:?}", source(&page));
    assert!(
        text(&page).contains("올해의 총수입은 작년보다"),
        "{}",
        text(&page)
    );
}

/// A page that is a picture of `lines` under an invisible layer of `layer`.
fn scan(lines: &[&str], layer: &[&str]) -> Value {
    let face = Typeface::new();
    let size = (560, 180);
    let mut content = format!("q {} 0 0 {} 0 0 cm /I Do Q\n", size.0, size.1);
    for (row, line) in layer.iter().enumerate() {
        let y = size.1 - 30 - 24 * row;
        writeln!(content, "BT 3 Tr /F 12 Tf 20 {y} Td ({line}) Tj ET").unwrap();
    }
    let objects = vec![
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>".into(),
        face.picture(size, lines),
    ];
    let resources = "/Font << /F 3 0 R >> /XObject << /I 4 0 R >>";
    pages(&pdf(size, &[content], resources, objects)).remove(0)
}

#[test]
fn a_hidden_layer_is_kept_where_it_is_as_good() {
    let page = scan(&LINES, &LINES);
    assert_eq!(text(&page), LINES.join(" "), "{:?}", source(&page));
    assert_eq!(source(&page).0, "text_layer", "{:?}", source(&page));
}

#[test]
fn a_hidden_layer_is_left_where_the_picture_is_read_better() {
    let slips = LINES.map(|line| line.replace("e", "c").replace('h', "li").replace("o", "0"));
    let page = scan(&LINES, &slips.each_ref().map(String::as_str));
    assert_eq!(source(&page).0, "lines", "{:?}", source(&page));
    assert!(
        text(&page).contains("harbour was closed"),
        "{}",
        text(&page)
    );
}
