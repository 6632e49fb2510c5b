//! The thresholds by which characters become words and lines, by topic: each with its unit and what it trades.
//!
//! Ems are those of the text at hand, pixels those of a page at 144 dpi. Where a comment names no other reason, the
//! value was chosen by trial on the examples. `scripts/compare.py recall` and `scripts/compare.py similarity` measure
//! what becomes of a text layer, `scripts/compare.py scans` what is read of pictures; `tests/it/documents.rs` and
//! `tests/it/scans.rs` check the documents in `examples/documents`. Sizes and thresholds of rapidocr, which the
//! networks were made for, stand where they are used.
//! What a larger or smaller value does is what follows from the rule that uses it.

/// Words and lines of a text layer.
pub(super) mod layer {
    /// Gap inside a word, most, in ems. Letter-spaced headings reach 0.25. Larger: narrow blanks vanish. Smaller:
    /// letter-spaced words fall into letters.
    pub(crate) const WORD_GAP: f32 = 0.3;
    /// Gap between words of a line, most, in ems. Justified lines reach 0.9, gutters and table columns start at 1.
    /// Larger: lines run across gutters. Smaller: justified lines fall apart.
    pub(crate) const LINE_GAP: f32 = 0.95;
    /// Gap that stands for a blank when the layer has none, more than this, in ems. Larger: words run together.
    /// Smaller: kerned words fall apart.
    pub(crate) const BLANK_GAP: f32 = 0.15;
    /// Share of the lower one's height that two words of a line have in common, least. Larger: index marks leave their
    /// line. Smaller: words of neighbouring lines join.
    pub(crate) const LINE_OVERLAP: f32 = 0.5;
    /// Size of a raised or lowered word over that of its line, most: index marks are set at about two thirds. Larger:
    /// small capitals are marks. Smaller: large marks stay on the line.
    pub(crate) const SHIFT_SIZE: f32 = 0.82;
    /// Distance of its middle from that of the line, more than this, in sizes of the line. Larger: lowered marks stay
    /// on the line. Smaller: small words on the line are marks.
    pub(crate) const SHIFT_OFFSET: f32 = 0.12;
    /// Size below which what a font states is no size but a scale, in pixels: the height of the characters is taken
    /// then. Larger: tiny print is measured by its boxes, which vary. Smaller: text scaled by its matrix has no size.
    pub(crate) const LEAST_SIZE: f32 = 0.5;
    /// Degrees beyond which text is turned: further than a page is skewed or letters lean. Larger: slanted stamps are
    /// mixed into lines. Smaller: lines of skewed pages are turned text.
    pub(crate) const TURNED_ANGLE: f32 = 20.0;
    /// Difference of sizes inside a word, most, in ems: a change of size is where an index mark starts. Larger: marks
    /// stick to their words. Smaller: words whose sizes are rounded differently are cut.
    pub(crate) const SAME_SIZE: f32 = 0.12;
    /// Share of the narrower width that two characters above each other have in common, more than this, in vertical
    /// text. Larger: vertical text with narrow characters falls apart. Smaller: lines set in against each other are
    /// vertical.
    pub(crate) const COLUMN_OVERLAP: f32 = 0.6;
    /// Gap between characters of vertical text, below, in ems. Larger: lists of single characters are vertical text.
    /// Smaller: widely set columns fall apart.
    pub(crate) const COLUMN_GAP: f32 = 0.35;
    /// Width of a character of vertical text, more than this, in ems: they are square. Larger: narrow characters end
    /// vertical text. Smaller: columns of letters are vertical text.
    pub(crate) const SQUARE: f32 = 0.6;
    /// Ems by which words of a line may overlap: italics lean over what follows. Larger: words printed over each other
    /// are a line. Smaller: italics end their line.
    pub(crate) const WORD_OVERLAP: f32 = 0.35;
    /// Smaller size over larger one below which words are of different sizes. Those belong together only when they
    /// touch: drop caps and index marks, not captions beside text. Larger: words in small capitals fall off justified
    /// lines. Smaller: notes beside text join its lines.
    pub(crate) const OTHER_SIZE: f32 = 0.75;
    /// Gap between words of different sizes, most, in ems of the larger one. Larger: captions beside text join its
    /// lines. Smaller: drop caps and marks stand alone.
    pub(crate) const OTHER_SIZE_GAP: f32 = 0.3;
    /// Smaller size over larger one below which words never share a line: a drop cap of three lines and what is beside
    /// it. Larger: small marks stand alone. Smaller: drop caps of many lines join one.
    pub(crate) const UNRELATED_SIZE: f32 = 0.4;
}

/// Traits of fonts.
pub(super) mod fonts {
    /// Weight of a bold font, least, 1 to 1000: semi-bold (OpenType's `usWeightClass`).
    pub(crate) const BOLD_WEIGHT: u16 = 600;
    /// Narrow and wide letters of a font, least of each, before their widths tell whether all are equal. Larger: short
    /// listings are text. Smaller: a few letters of like widths make a font fixed.
    pub(crate) const FIXED_PITCH_LETTERS: usize = 4;
    /// Difference of their widths in ems, below, in a font of equal widths. In others it is half an em and more.
    /// Larger: wide sans-serif fonts are fixed. Smaller: rounding of boxes hides a fixed one.
    pub(crate) const FIXED_PITCH_SLACK: f32 = 0.03;
}

/// Trust in a text layer.
pub(super) mod trust {
    /// Share of hidden characters beyond which the layer belongs to a scan. Larger: recognized text of unknown quality
    /// is taken. Smaller: pages with hidden notes are read as pictures.
    pub(crate) const MAX_HIDDEN: f32 = 0.5;
    /// Share of characters without meaning beyond which the fonts lack their mapping. Formula fonts of honest papers
    /// reach some 5 % on a page. Larger: layers with unreadable words are taken. Smaller: pages full of formulas are
    /// read as pictures.
    pub(crate) const MAX_MEANINGLESS: f32 = 0.12;
    /// Share of characters without ink beyond which something else is shown. Larger: layers of other pages are taken.
    /// Smaller: pages with white text on white are read as pictures.
    pub(crate) const MAX_WITHOUT_INK: f32 = 0.4;
    /// Share of the ink outside of everything that the page's content states beyond which it shows something else, such
    /// as annotations or patterns with text in them. Larger: pages that show something else are taken for their text.
    /// Smaller: pages with large annotations are read as pictures.
    pub(crate) const MAX_INK_OUTSIDE: f32 = 0.6;
    /// Share of a page that pictures cover beyond which one with little text is a scan. Larger: scans with wide margins
    /// are read as their stamps. Smaller: slides with a picture and a few words are read as pictures.
    pub(crate) const SCAN_COVER: f32 = 0.5;
    /// Characters of its own that a scan has, fewer than this: stamps and page numbers. Larger: pictures with captions
    /// are scans. Smaller: stamped scans are read as their stamps.
    pub(crate) const SCAN_CHARS: usize = 80;
    /// Glyph-sized shapes, more than this and than characters, of text that was turned into outlines. Larger: pages
    /// with a few outlined lines lose them. Smaller: diagrams with many small marks are read as pictures.
    pub(crate) const OUTLINES: usize = 150;
    /// Part of the page's shorter side, one in so many, below which a shape is glyph-sized: 24 points on A4. Larger:
    /// outlines of headings are no letters. Smaller: parts of drawings are.
    pub(crate) const OUTLINE_PART: f32 = 25.0;
    /// Levels between the darkest and the lightest place of a box with ink in it, least, of 255. Larger: pale text has
    /// none. Smaller: the noise of a JPEG is ink.
    pub(crate) const INK_CONTRAST: u8 = 24;
    /// Levels by which ink is darker than the paper, more than this, of 255, where it is looked for outside of boxes:
    /// the soft edges of letters and pale tints are none. Larger: grey text is no ink. Smaller: tints are.
    pub(crate) const DARK_LEVELS: u8 = 96;
    /// Share of characters written along the page beyond which it counts as turned. Larger: turned pages with an
    /// upright header are left. Smaller: pages with a turned table are turned.
    pub(crate) const TURNED_SHARE: f32 = 0.6;
}

/// Ruling lines and figures in the picture of a page.
pub(super) mod scans {
    /// Length of a horizontal ruling line, least, in pixels: longer than any stroke of body text. Larger: rules of
    /// narrow columns are missed. Smaller: strokes of large letters are rules.
    pub(crate) const MIN_HORIZONTAL: usize = 48;
    /// The same in ems, for larger text.
    pub(crate) const MIN_HORIZONTAL_EMS: f32 = 2.0;
    /// Length of a vertical ruling line, least, in pixels: they may be as short as a table row. Larger: borders of low
    /// rows are missed. Smaller: stems of large letters are rules.
    pub(crate) const MIN_VERTICAL: usize = 30;
    /// The same in ems, for larger text.
    pub(crate) const MIN_VERTICAL_EMS: f32 = 1.4;
    /// Pixels for which a line may be interrupted: noise and worn print. Larger: dashes and rows of letters are lines.
    /// Smaller: worn lines fall apart.
    pub(crate) const MAX_BREAK: usize = 3;
    /// Thickness of a line, most, in pixels: thicker ones are bars. Larger: bars are lines. Smaller: thick or blurred
    /// lines are missed.
    pub(crate) const MAX_THICKNESS: usize = 8;
    /// Pixels by which a line may be thicker for every pixel of its length: what is left of the skew after
    /// straightening (0.2 degrees). Larger: wedges are lines. Smaller: long lines of scans are missed.
    pub(crate) const TILT: f32 = 0.004;
    /// Share of a text line's height that is cut off above and below before a line through its middle is looked for:
    /// underlines are kept. Larger: strokes of letters are rules. Smaller: underlines are lost.
    pub(crate) const TEXT_CORE: f32 = 0.22;
    /// Share of a line that must lie in the middle of a line of text to be a stroke of it, more than this. Larger:
    /// strokes of letters are rules. Smaller: borders that run through a line are lost.
    pub(crate) const STROKE_INSIDE: f32 = 0.6;
    /// Width and height of a figure, least, in cells. Larger: small figures are lost. Smaller: signatures and specks
    /// are figures.
    pub(crate) const MIN_FIGURE_CELLS: usize = 8;
    /// Share of the cells inside a figure's box that have ink, least: a large box around a few strokes is none. Larger:
    /// line drawings are lost. Smaller: scattered specks are figures.
    pub(crate) const MIN_FIGURE_DENSITY: f32 = 0.07;
    /// Dark pixels of a cell with ink, more than this, of 64: a speck of dust fills less. Larger: thin strokes are
    /// lost. Smaller: dust joins to figures.
    pub(crate) const MIN_CELL_INK: u16 = 5;
    /// Confidence, 0 to 1, below which a short line may be part of a drawing that the recognizer took for letters.
    /// Larger: short words beside a figure are drawn into it. Smaller: drawings are cut where letters were seen.
    pub(crate) const DOUBTFUL: f32 = 0.8;
    /// Characters of such a line, most. Larger: badly printed words are figures. Smaller: drawings are cut where
    /// letters were seen.
    pub(crate) const DOUBTFUL_CHARS: usize = 6;
    /// Pixels around a ruling line that belong to it: its soft edges. Larger: strokes beside a line are lost. Smaller:
    /// edges of lines are ink of figures.
    pub(crate) const RULE_MARGIN: f32 = 3.0;
    /// Lightest half of the levels, in which the paper's is looked for.
    pub(crate) const PAPER_LEVELS: std::ops::Range<usize> = 128..256;
    /// Part of the page's pixels, one in so many, that must be darker for a level to be that of ink and not of dust.
    pub(crate) const INK_PART: usize = 2000;
}

/// Orientation and skew of pages that are read as pictures.
pub(super) mod skew {
    /// Lines whose confidence decides about the page's orientation: the longest. More take longer, fewer err.
    pub(crate) const ORIENTATION_LINES: usize = 6;
    /// Share of them on their heads from which the whole page is suspected, and read both ways. The classifier errs on
    /// single lines. Larger: pages on their heads are missed. Smaller: upright pages are read twice.
    pub(crate) const SUSPECT_SHARE: f32 = 0.3;
    /// Height over width beyond which a line is tall: it runs along the page. Larger: short lines along the page are
    /// across it. Smaller: single characters are tall.
    pub(crate) const TALL: f32 = 1.5;
    /// Width over height of a line that tells the skew, more than this: short ones have no direction. Larger: pages of
    /// short lines have no skew. Smaller: words bend it.
    pub(crate) const LONG: f32 = 4.0;
    /// Skew in radians below which a page is left as it is: a pixel over 400. Straightening softens the picture.
    /// Larger: long lines of text meet.
    pub(crate) const MIN_SKEW: f32 = 0.0025;
    /// Skew in radians from which it is none but slanted text: some 15 degrees. Larger: slanted posters are turned.
    /// Smaller: badly laid scans are not.
    pub(crate) const MAX_SKEW: f32 = 0.26;
    /// Height of a detected line's box over the size of its font: boxes are grown by the unclip rule.
    pub(crate) const BOX_HEIGHT_PER_EM: f32 = 1.3;
}
