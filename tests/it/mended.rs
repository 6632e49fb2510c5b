//! Text layers that are mended glyph by glyph, layers that are kept, and PDFs that pdfium refuses.

use super::support::{Folder, assemble, contents, example, root, tiny_pdf};

/// A PDF of one page that shows `content`; the first of `objects`, object 5, is its font `/F`.
fn pdf(content: &str, objects: &[&str]) -> Vec<u8> {
    let mut all = vec![
        "<< /Type /Catalog /Pages 2 0 R >>".to_string(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_string(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents 4 0 R \
         /Resources << /Font << /F 5 0 R /G 6 0 R >> >> >>"
            .to_string(),
        format!(
            "<< /Length {} >>\nstream\n{content}\nendstream",
            content.len()
        ),
    ];
    all.extend(objects.iter().map(|object| object.to_string()));
    assemble(&all)
}

/// The Markdown of a PDF, without line breaks.
#[track_caller]
fn markdown(bytes: &[u8]) -> String {
    let folder = Folder::new();
    folder.write("a.pdf", bytes);
    let ran = folder
        .run(&["-i", "a.pdf", "--stdout", "md", "-q"])
        .expect(0);
    ran.stdout.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A composite font whose glyphs are not in the file, and its descendant as the object after it.
fn composite(number: usize, encoding: &str, collection: &str, more: &str) -> [String; 2] {
    let descendant = number + 1;
    let kind = if collection == "Identity" { 2 } else { 0 };
    [
        format!(
            "<< /Type /Font /Subtype /Type0 /BaseFont /Some-Font /Encoding /{encoding} {more} \
             /DescendantFonts [{descendant} 0 R] >>"
        ),
        format!(
            "<< /Type /Font /Subtype /CIDFontType{kind} /BaseFont /Some-Font /DW 1000 /CIDSystemInfo \
             << /Registry (Adobe) /Ordering ({collection}) /Supplement 0 >> /FontDescriptor \
             << /Type /FontDescriptor /FontName /Some-Font /Flags 4 /FontBBox [0 -250 1000 880] /ItalicAngle 0 \
             /Ascent 880 /Descent -120 /CapHeight 700 /StemV 80 >> >>"
        ),
    ]
}

/// The codes of a text in UTF-16, as a string of a content stream.
fn utf16(text: &str) -> String {
    let digits: String = text
        .encode_utf16()
        .map(|unit| format!("{unit:04X}"))
        .collect();
    format!("<{digits}>")
}

#[test]
fn names_of_ligatures_are_letters() {
    let font = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding << /Type /Encoding \
        /BaseEncoding /WinAnsiEncoding /Differences [2 /f_f_i /T_h /uni00660069 /a.sc] >> >>";
    let content = "BT /F 12 Tf 72 700 Td (\\003e o\\002ce of the \\004rm st\\005ys) Tj ET";
    assert_eq!(
        markdown(&pdf(content, &[font])),
        "The office of the firm stays"
    );
}

#[test]
fn a_name_in_the_place_of_a_map_makes_codes_unicode() {
    let text = "Uvolnění vinkulace proběhlo podle smlouvy";
    let content = format!("BT /F 12 Tf 72 700 Td {} Tj ET", utf16(text));
    let [font, descendant] = composite(5, "Identity-H", "Identity", "/ToUnicode /Identity-H");
    assert_eq!(markdown(&pdf(&content, &[&font, &descendant])), text);
}

#[test]
fn numbers_of_glyphs_in_the_usual_order_are_letters() {
    // Names that are a letter and the index of the glyph, as some printer drivers write them.
    let text = "Copyright and similar notes stand in a font of numbered glyphs";
    let mut letters: Vec<char> = text.chars().collect();
    letters.sort();
    letters.dedup();
    let names: String = letters
        .iter()
        .map(|c| format!("/g{} ", *c as u32 - 29))
        .collect();
    let codes: String = text
        .chars()
        .map(|c| format!("{:02X}", 128 + letters.binary_search(&c).unwrap()))
        .collect();
    let shapes = names.replace(' ', " 6 0 R ");
    let (last, widths) = (127 + letters.len(), "600 ".repeat(letters.len()));
    let font = format!(
        "<< /Type /Font /Subtype /Type3 /FontBBox [0 0 600 700] /FontMatrix [0.001 0 0 0.001 0 0] \
         /FirstChar 128 /LastChar {last} /Widths [{widths}] /Encoding << /Differences [128 {names}] >> \
         /CharProcs << {shapes} >> /Resources << >> >>"
    );
    let shape = "600 0 0 0 600 700 d1 0 0 500 700 re f";
    let shape = format!("<< /Length {} >>\nstream\n{shape}\nendstream", shape.len());
    let content = format!("BT /F 12 Tf 72 700 Td <{codes}> Tj ET");
    assert_eq!(markdown(&pdf(&content, &[&font, &shape])), text);
}

#[test]
fn a_map_that_is_shifted_by_a_letter_is_not_believed() {
    let text = "Dirk Groeneveld and Pete Walsh wrote about the weights of open language models";
    let names: String = (b'A'..=b'z')
        .filter(u8::is_ascii_alphabetic)
        .map(|letter| format!("{letter} /{} ", letter as char))
        .collect();
    let font = format!(
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /ToUnicode 6 0 R /Encoding << /Differences [{names}] >> >>"
    );
    let map = "/CIDInit /ProcSet findresource begin 12 dict begin begincmap /CMapName /X def /CMapType 2 def\n\
        1 begincodespacerange <00> <FF> endcodespacerange\n\
        3 beginbfrange <20> <20> <0020> <41> <5A> <0040> <61> <7A> <0060> endbfrange\nendcmap end end";
    let map = format!("<< /Length {} >>\nstream\n{map}\nendstream", map.len());
    let content = format!("BT /F 12 Tf 72 700 Td ({text}) Tj ET");
    assert_eq!(markdown(&pdf(&content, &[&font, &map])), text);
}

#[test]
fn accents_of_tex_stand_on_their_letters() {
    // The accent is set first, then the letter below it: 0.556 em back.
    let content = "BT /F 12 Tf 72 700 Td [(B) (\\250) 445 (orsch and caf) (\\264) 445 (e)] TJ ET";
    let font = "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>";
    assert_eq!(markdown(&pdf(content, &[font])), "Börsch and café");
}

#[test]
fn words_printed_over_themselves_stand_once() {
    let line = |x: f32, y: f32| format!("BT /F 18 Tf {x} {y} Td (ANHUI ANLI LEATHER) Tj ET ");
    let words = "BT /F 18 Tf 72.5 699.8 Td (ANHUI) Tj ET BT /F 18 Tf 133.5 699.8 Td (ANLI) Tj ET ";
    let content = [line(72.0, 700.0), line(72.36, 700.0), words.to_string()].concat();
    let text = markdown(&tiny_pdf(595.0, 842.0, &content));
    assert_eq!(text.trim_start_matches(['#', ' ']), "ANHUI ANLI LEATHER");
}

#[test]
fn a_font_that_is_not_in_the_file_proves_nothing() {
    let text = "今年的总收入比去年增长了百分之十二";
    let content = format!("BT /F 12 Tf 72 700 Td {} Tj ET", utf16(text));
    let [font, descendant] = composite(5, "UniGB-UCS2-H", "GB1", "");
    assert_eq!(markdown(&pdf(&content, &[&font, &descendant])), text);
}

#[test]
fn a_script_that_is_not_recognized_is_not_lost() {
    let text = "올해의 총수입은 작년보다 십이 퍼센트 늘었다";
    // A font of which nothing is known, with a fifth of the characters.
    let unknown = "<0F010F0B0F330F020F0D0F41>";
    let content = format!(
        "BT /F 12 Tf 72 700 Td {} Tj ET BT /G 12 Tf 72 650 Td {unknown} Tj ET",
        utf16(text)
    );
    let [font, descendant] = composite(7, "UniKS-UCS2-H", "Korea1", "");
    let [other, other_descendant] = composite(9, "Identity-H", "Identity", "");
    let other = other.replace("Some-Font", "Other-Font");
    let other_descendant = other_descendant.replace("Some-Font", "Other-Font");
    // Objects 5 and 6 are what the page names; they are the fonts themselves.
    let bytes = pdf(
        &content,
        &[
            &font.replace("8 0 R", "7 0 R"),
            &other.replace("10 0 R", "8 0 R"),
            &descendant,
            &other_descendant,
        ],
    );
    let folder = Folder::new();
    folder.write("a.pdf", bytes);
    let ran = folder
        .run(&["-i", "a.pdf", "--save-path", "out", "--formats", "json"])
        .expect(0);
    let page = &folder.json("out/a.json")["pages"][0];
    assert!(contents(page).concat().contains(text), "{page:#}");
    assert_eq!(
        page["diagnostics"]["messages"][0]["code"], "text_unreadable",
        "{page:#}"
    );
    assert!(
        ran.stderr.contains("have no meaning in Unicode"),
        "{}",
        ran.stderr
    );
}

#[test]
fn refused_pdfs_are_written_anew() {
    let whole = tiny_pdf(
        612.0,
        792.0,
        "BT /F 12 Tf 72 700 Td (Whole but for its ends.) Tj ET",
    );
    let find = |needle: &[u8]| {
        whole
            .windows(needle.len())
            .rposition(|w| w == needle)
            .unwrap()
    };
    let no_header = [b"% made by hand\n", &whole[9..]].concat();
    let late_header = [b"a line of junk\n".repeat(200), whole.clone()].concat();
    let no_trailer = whole[..find(b"trailer")].to_vec();
    let cut = whole[..find(b"xref\n0 ")].to_vec();
    for (name, bytes) in [
        ("no_header", no_header),
        ("late_header", late_header),
        ("no_trailer", no_trailer),
        ("cut", cut),
    ] {
        assert_eq!(markdown(&bytes), "Whole but for its ends.", "{name}");
    }
}

#[test]
fn what_only_speaks_of_pdfs_is_none() {
    let folder = Folder::new();
    folder.write(
        "notes.pdf",
        "A PDF begins with %PDF-1.4 somewhere,\nhas objects like 1 0 obj, and %%EOF.\n".repeat(40),
    );
    folder.write("head.txt", "1 0 obj\n<< >>\nendobj\n");
    for name in ["notes.pdf", "head.txt"] {
        let ran = folder
            .run(&["-i", name, "--save-path", "out", "--formats", "md"])
            .expect(1);
        assert!(!ran.stderr.contains("panic"), "{}", ran.stderr);
        assert!(
            ran.stderr.contains(&format!("error: {name}: ")),
            "{}",
            ran.stderr
        );
    }
    let mut bytes = std::fs::read(example("report.pdf")).unwrap();
    bytes.truncate(bytes.len() / 2);
    folder.write("half.pdf", bytes);
    let ran = folder.run(&["-i", "half.pdf", "--save-path", "out", "--formats", "md"]);
    assert!(matches!(ran.code, 0 | 1 | 3), "{}", ran.stderr);
    assert!(!ran.stderr.contains("crashed"), "{}", ran.stderr);
}

/// What a PDF with a text in one encoding becomes, and the messages about it. With `file` the font is in the PDF,
/// without a glyph that is asked for.
fn encoded(encoding: &str, collection: &str, bytes: &[u8], file: bool) -> (String, Vec<String>) {
    let codes: String = bytes.iter().map(|byte| format!("{byte:02X}")).collect();
    let content = format!("BT /F 20 Tf 200 600 Td <{codes}> Tj ET");
    let [font, descendant] = composite(5, encoding, collection, "");
    let data = std::fs::read(root().join("assets/fonts/DejaVuSans-subset.ttf")).unwrap();
    let hex: String = data.iter().map(|byte| format!("{byte:02x}")).collect();
    let program = format!(
        "<< /Filter /ASCIIHexDecode /Length {} >>\nstream\n{hex}>\nendstream",
        hex.len() + 1
    );
    let descendant = match file {
        true => descendant
            .replace("/CIDFontType0", "/CIDFontType2 /CIDToGIDMap /Identity")
            .replace("/StemV 80", "/StemV 80 /FontFile2 7 0 R"),
        false => descendant,
    };
    let folder = Folder::new();
    folder.write("a.pdf", pdf(&content, &[&font, &descendant, &program]));
    let ran = folder
        .run(&["-i", "a.pdf", "--stdout", "md", "--log-format", "json"])
        .expect(0);
    let messages = ran
        .stderr
        .lines()
        .filter(|line| line.contains("text_unreadable"));
    let messages = messages.map(String::from).collect();
    (ran.stdout.trim().to_string(), messages)
}

#[test]
fn encodings_that_pdfium_does_not_know_are_read() {
    let utf32 = |text: &str| -> Vec<u8> {
        let codes = text.chars().map(|c| (c as u32).to_be_bytes());
        codes.flatten().collect()
    };
    let utf16 = |text: &str| -> Vec<u8> {
        let units = text.encode_utf16().map(u16::to_be_bytes);
        units.flatten().collect()
    };
    #[track_caller]
    fn check(encoding: &str, collection: &str, bytes: &[u8], expected: &str) {
        for file in [false, true] {
            let (text, messages) = encoded(encoding, collection, bytes, file);
            assert_eq!(
                (text.as_str(), messages.len()),
                (expected, 0),
                "{encoding} {file}"
            );
        }
    }
    let (chinese, japanese, korean) = ("中文字符测试", "日本語の文章です", "한국어문장가나");
    check("UniGB-UTF32-H", "GB1", &utf32(chinese), chinese);
    check("UniGB-UTF8-V", "GB1", chinese.as_bytes(), chinese);
    check("UniJIS2004-UTF32-V", "Japan1", &utf32(japanese), japanese);
    check("UniAKR-UTF16-H", "KR", &utf16(korean), korean);
    check("UniKS-UTF32-V", "Korea1", &utf32(korean), korean);
    check("CNS-EUC-H", "CNS1", &[0xC4, 0xA1, 0xC4, 0xE3], "一中");
    check("RKSJ-V", "Japan1", &[0x93, 0xFA, 0x96, 0x7B], "日本");
}

#[test]
fn the_korean_collection_has_its_characters() {
    let (text, messages) = encoded("Identity-H", "KR", &[0, 221, 0, 222, 0, 34], false);
    assert_eq!((text.as_str(), messages.len()), ("가각A", 0));
}

#[test]
fn texts_that_pdfium_leaves_out_are_told() {
    // Nothing of it can be drawn, and it has no width.
    let (text, messages) = encoded("EUC-V", "Japan1", &[0xC6, 0xFC, 0xCB, 0xDC], true);
    assert_eq!(text, "");
    assert!(
        messages[0].contains("the page's text of 2 characters is not used"),
        "{messages:?}"
    );
    let (_, messages) = encoded("KSC-Johab-H", "Korea1", &[0xD0, 0x65, 0x8A, 0x82], true);
    let told = "encoding `KSC-Johab-H` is unknown";
    assert!(
        messages.iter().any(|message| message.contains(told)),
        "{messages:?}"
    );
}
