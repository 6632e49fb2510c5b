//! The parts of a Word document beside its text: what is the same in all of them, its paper, its styles, its properties.

use super::xml::escaped;
use crate::document::{DocumentInfo, Page};

/// Margins in twentieths of a point.
const MARGIN: u32 = 1134;
/// Twentieths of a point in a point.
const TWIPS: f64 = 20.0;
/// Part of the text's height that a picture may have: its caption stays beside it.
const PICTURE_SHARE: f64 = 0.85;

const HEAD: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";

/// What the kinds of relationships begin with.
const OFFICE: &str = "http://schemas.openxmlformats.org/officeDocument/2006/relationships/";
/// What the kinds of the parts of a text begin with.
const WORD: &str = "application/vnd.openxmlformats-officedocument.wordprocessingml.";
/// The parts beside the text: names and kinds.
const BESIDE_TEXT: [&str; 4] = ["styles", "settings", "numbering", "footnotes"];
/// The part of properties.
const PROPERTIES: &str = "docProps/core.xml";

/// The part that tells the kinds of all parts.
pub(super) fn content_types() -> String {
    let mut xml = format!(
        "{HEAD}<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\">"
    );
    let by_ending = [
        (
            "rels",
            "application/vnd.openxmlformats-package.relationships+xml",
        ),
        ("xml", "application/xml"),
        ("jpg", "image/jpeg"),
    ];
    for (ending, kind) in by_ending {
        xml.push_str(&format!(
            "<Default Extension=\"{ending}\" ContentType=\"{kind}\"/>"
        ));
    }
    let beside = BESIDE_TEXT.map(|name| (format!("word/{name}.xml"), format!("{WORD}{name}+xml")));
    let text = (
        "word/document.xml".to_string(),
        format!("{WORD}document.main+xml"),
    );
    let properties = "application/vnd.openxmlformats-package.core-properties+xml";
    let properties = (PROPERTIES.to_string(), properties.to_string());
    for (name, kind) in [text, properties].into_iter().chain(beside) {
        xml.push_str(&format!(
            "<Override PartName=\"/{name}\" ContentType=\"{kind}\"/>"
        ));
    }
    xml.push_str("</Types>");
    xml
}

/// A relationship of a part to another one.
pub(super) fn relationship(id: &str, kind: &str, target: &str) -> String {
    format!("<Relationship Id=\"{id}\" Type=\"{OFFICE}{kind}\" Target=\"{target}\"/>")
}

/// A relationship to an address.
pub(super) fn external(id: &str, kind: &str, address: &str) -> String {
    let address = escaped(address);
    format!(
        "<Relationship Id=\"{id}\" Type=\"{OFFICE}{kind}\" Target=\"{address}\" TargetMode=\"External\"/>"
    )
}

/// The relationships of the package: to the text and its properties.
pub(super) fn of_package() -> String {
    let kind =
        "http://schemas.openxmlformats.org/package/2006/relationships/metadata/core-properties";
    let properties =
        format!("<Relationship Id=\"properties\" Type=\"{kind}\" Target=\"{PROPERTIES}\"/>");
    relationship("document", "officeDocument", "word/document.xml") + &properties
}

/// The relationships that the text of every document has.
pub(super) fn of_text() -> String {
    BESIDE_TEXT
        .map(|name| relationship(name, name, &format!("{name}.xml")))
        .concat()
}

/// Settings of the document: without the mode of compatibility Word would treat it as one of 2007.
pub(super) const SETTINGS: &str = concat!(
    "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n",
    "<w:settings xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\">",
    "<w:defaultTabStop w:val=\"720\"/>",
    "<w:footnotePr><w:footnote w:id=\"-1\"/><w:footnote w:id=\"0\"/></w:footnotePr>",
    "<w:compat><w:compatSetting w:name=\"compatibilityMode\" ",
    "w:uri=\"http://schemas.microsoft.com/office/word\" w:val=\"15\"/></w:compat>",
    "</w:settings>"
);

/// Start of the part of lists.
pub(super) const NUMBERING_START: &str = concat!(
    "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n",
    "<w:numbering xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\">"
);

/// Start of the text.
pub(super) const DOCUMENT_START: &str = concat!(
    "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n",
    "<w:document xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\" ",
    "xmlns:r=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships\" ",
    "xmlns:wp=\"http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing\"><w:body>"
);

/// Start of the footnotes: the lines above them are the first two.
const FOOTNOTES_START: &str = concat!(
    "<w:footnotes xmlns:w=\"http://schemas.openxmlformats.org/wordprocessingml/2006/main\" ",
    "xmlns:r=\"http://schemas.openxmlformats.org/officeDocument/2006/relationships\">",
    "<w:footnote w:type=\"separator\" w:id=\"-1\"><w:p><w:pPr><w:spacing w:after=\"0\"/></w:pPr>",
    "<w:r><w:separator/></w:r></w:p></w:footnote>",
    "<w:footnote w:type=\"continuationSeparator\" w:id=\"0\"><w:p><w:pPr><w:spacing w:after=\"0\"/></w:pPr>",
    "<w:r><w:continuationSeparator/></w:r></w:p></w:footnote>"
);

/// The part of footnotes.
pub(super) fn footnotes(notes: &str) -> String {
    format!("{HEAD}{FOOTNOTES_START}{notes}</w:footnotes>")
}

/// A part of relationships.
pub(super) fn relationships(entries: &[&str]) -> String {
    let entries = entries.concat();
    let kind = "http://schemas.openxmlformats.org/package/2006/relationships";
    format!("{HEAD}<Relationships xmlns=\"{kind}\">{entries}</Relationships>")
}

/// The paper, in twentieths of a point.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Paper {
    width: u32,
    height: u32,
}

impl Paper {
    /// Letter where the first page is, else A4; upright or not as the first page. Text flows, so it need not have the
    /// size of the pages: slides and photos have any.
    pub(super) fn of(pages: &[Page]) -> Paper {
        let (width, height) = pages
            .first()
            .map_or((595.0, 842.0), |page| page.size_points);
        let is_near = |a: f32, b: f32| (a - b).abs() < 3.0;
        let (short, long) = (width.min(height), width.max(height));
        let (short, long) = match is_near(short, 612.0) && is_near(long, 792.0) {
            true => (12_240, 15_840),
            false => (11_906, 16_838),
        };
        let (width, height) = if width > height {
            (long, short)
        } else {
            (short, long)
        };
        Paper { width, height }
    }

    /// Width of the text.
    pub(super) fn text_width(self) -> u32 {
        self.width - 2 * MARGIN
    }

    /// Width in points.
    pub(super) fn width(self) -> f64 {
        f64::from(self.width) / TWIPS
    }

    /// Limits of the width and height of pictures, in points.
    pub(super) fn most(self) -> (f64, f64) {
        let height = f64::from(self.height - 2 * MARGIN) * PICTURE_SHARE;
        (f64::from(self.text_width()) / TWIPS, height / TWIPS)
    }

    /// End of the text, which says what it is printed on.
    pub(super) fn document_end(self) -> String {
        let Paper { width, height } = self;
        let turned = if width > height {
            " w:orient=\"landscape\""
        } else {
            ""
        };
        format!(
            "<w:sectPr><w:pgSz w:w=\"{width}\" w:h=\"{height}\"{turned}/>\
             <w:pgMar w:top=\"{MARGIN}\" w:right=\"{MARGIN}\" w:bottom=\"{MARGIN}\" w:left=\"{MARGIN}\" \
             w:header=\"567\" w:footer=\"567\" w:gutter=\"0\"/></w:sectPr></w:body></w:document>"
        )
    }
}

/// The styles of a document.
pub(super) fn styles(info: &DocumentInfo, paper: Paper) -> String {
    let language = info
        .language
        .as_deref()
        .map(str::trim)
        .filter(|language| is_language(language));
    let language = language.map(|language| format!("<w:lang w:val=\"{language}\"/>"));
    include_str!("styles.xml")
        .replace("{language}", &language.unwrap_or_default())
        .replace("{width}", &paper.text_width().to_string())
}

/// `true` for the name of a language as in `en-GB`.
fn is_language(name: &str) -> bool {
    let is_first =
        |part: &str| (2..=3).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphabetic());
    let is_part = |part: &str| {
        (2..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric())
    };
    let mut parts = name.split('-');
    name.len() <= 20 && parts.next().is_some_and(is_first) && parts.all(is_part)
}

/// What the document says about itself. Times are left out: the same document gives the same bytes.
pub(super) fn properties(info: &DocumentInfo, title: Option<String>) -> String {
    let given = |value: &Option<String>| {
        let value = value.as_deref().map(str::trim);
        value.filter(|value| !value.is_empty()).map(String::from)
    };
    let properties = [
        ("dc:title", given(&info.title).or(title)),
        ("dc:subject", given(&info.subject)),
        ("dc:creator", given(&info.author)),
        ("cp:keywords", given(&info.keywords)),
    ];
    let mut xml = String::from(HEAD);
    xml.push_str(concat!(
        "<cp:coreProperties xmlns:cp=\"http://schemas.openxmlformats.org/package/2006/metadata/core-properties\" ",
        "xmlns:dc=\"http://purl.org/dc/elements/1.1/\">"
    ));
    for (name, value) in properties {
        if let Some(value) = value {
            xml.push_str(&format!("<{name}>{}</{name}>", escaped(&value)));
        }
    }
    xml.push_str("</cp:coreProperties>");
    xml
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Fault;

    #[test]
    fn paper_is_that_of_the_first_page() {
        let paper = |width: f32, height: f32| {
            let mut page = Page::failed(0, Fault::internal(""));
            page.size_points = (width, height);
            let paper = Paper::of(&[page]);
            (paper.width, paper.height)
        };
        assert_eq!(paper(612.0, 792.0), (12_240, 15_840));
        assert_eq!(paper(841.9, 595.3), (16_838, 11_906));
        assert_eq!(paper(2000.0, 3000.0), (11_906, 16_838));
        assert_eq!(Paper::of(&[]).text_width(), 9638);
    }

    #[test]
    fn only_names_of_languages_are_languages() {
        for (name, expected) in [
            ("en-GB", true),
            ("zh-Hant-TW", true),
            ("x\"/>", false),
            ("", false),
            ("en-", false),
        ] {
            assert_eq!(is_language(name), expected, "{name}");
        }
    }
}
