//! Thresholds for building words and lines from characters, by topic: each with its unit and its trade-off.
//!
//! Ems are those of the text at hand, pixels those of a page at 144 dpi. If a comment gives no other reason,
//! the value was found by trial on the examples. `scripts/compare.py recall` and `scripts/compare.py
//! similarity` measure the result for text layers, `scripts/compare.py scans` for pictures;
//! `tests/it/documents.rs` and `tests/it/scans.rs` check the documents in `examples/documents`. Sizes and
//! thresholds of rapidocr, for which the networks were made, are beside their use. The effects given for
//! larger and smaller values follow from the rule that uses the threshold.

/// Words and lines of a text layer.
pub(super) mod layer {
    /// Maximum gap inside a word in ems. Letter-spaced headings reach 0.25. Larger: narrow spaces vanish.
    /// Smaller: letter-spaced words are split into letters.
    pub(crate) const WORD_GAP: f32 = 0.3;
    /// Maximum gap between words of a line in ems. Justified lines reach 0.9; gutters and table columns start
    /// at 1. Larger: lines run across gutters. Smaller: justified lines are split.
    pub(crate) const LINE_GAP: f32 = 0.95;
    /// Gap in ems beyond which a space is inserted if the layer has none. Larger: words are merged. Smaller:
    /// kerned words are split.
    pub(crate) const BLANK_GAP: f32 = 0.15;
    /// Maximum gap in ems between a word and its hyphen at a line's end: less than a space. Larger: dashes are hyphens.
    pub(crate) const HYPHEN_GAP: f32 = 0.2;
    /// Minimum share of the lower one's height that two words of a line have in common. Larger: superscripts
    /// leave their line. Smaller: words of neighbouring lines join.
    pub(crate) const LINE_OVERLAP: f32 = 0.5;
    /// Maximum font size of a superscript or subscript relative to its line: they are set at about two
    /// thirds. Larger: small capitals are superscripts. Smaller: large ones stay on the line.
    pub(crate) const SHIFT_SIZE: f32 = 0.82;
    /// Minimum vertical offset of its middle from that of the line, in font sizes of the line. Larger:
    /// subscripts stay on the line. Smaller: small words on the line are superscripts.
    pub(crate) const SHIFT_OFFSET: f32 = 0.12;
    /// Font size in pixels below which a stated size is only a scale, and characters' heights are used.
    /// Larger: tiny print is measured by its boxes, which vary. Smaller: text scaled by its matrix has no
    /// size.
    pub(crate) const LEAST_SIZE: f32 = 0.5;
    /// Angle in degrees beyond which text is rotated: more than a page is skewed or letters lean. Larger:
    /// slanted stamps are mixed into lines. Smaller: lines of skewed pages are rotated text.
    pub(crate) const TURNED_ANGLE: f32 = 20.0;
    /// Maximum difference of font sizes inside a word in ems: a change of size is where a superscript starts.
    /// Larger: superscripts stick to their words. Smaller: words with differently rounded sizes are split.
    pub(crate) const SAME_SIZE: f32 = 0.12;
    /// Minimum share of the narrower width that two stacked characters of vertical text have in common.
    /// Larger: vertical text with narrow characters is split. Smaller: mutually indented lines are vertical.
    pub(crate) const COLUMN_OVERLAP: f32 = 0.6;
    /// Maximum gap between characters of vertical text in ems. Larger: lists of single characters are
    /// vertical text. Smaller: widely set columns are split.
    pub(crate) const COLUMN_GAP: f32 = 0.35;
    /// Minimum width in ems of a character of vertical text: they are square. Larger: narrow characters end
    /// vertical text. Smaller: columns of letters are vertical text.
    pub(crate) const SQUARE: f32 = 0.6;
    /// Maximum overlap in ems of words of a line: italics lean over the next word. Larger: words printed over
    /// each other are a line. Smaller: italics end their line.
    pub(crate) const WORD_OVERLAP: f32 = 0.35;
    /// Ratio of font sizes below which words differ in size and belong together only if they touch: drop caps
    /// and superscripts, not captions beside text. Larger: words in small capitals drop off justified lines.
    /// Smaller: notes beside text join its lines.
    pub(crate) const OTHER_SIZE: f32 = 0.75;
    /// The same for words that do not stand on one baseline. Larger: rounding of sizes splits lines of mathematics.
    /// Smaller: side notes set a little smaller join the text's lines.
    pub(crate) const NEAR_SIZE: f32 = 0.93;
    /// Depth of a box below the baseline, in font sizes: fonts have 0.2 to 0.25.
    pub(crate) const DESCENT: f32 = 0.22;
    /// Maximum distance of two baselines that are one, in ems. Larger: side notes join the text's lines. Smaller:
    /// fonts with another depth leave them.
    pub(crate) const SAME_BASELINE: f32 = 0.12;
    /// Maximum gap between words of different sizes, in ems of the larger one. Larger: captions beside text
    /// join its lines. Smaller: drop caps and superscripts are separate.
    pub(crate) const OTHER_SIZE_GAP: f32 = 0.3;
    /// Ratio of font sizes below which words never share a line: a drop cap of three lines and the text
    /// beside it. Larger: small superscripts are separate. Smaller: drop caps of many lines join one.
    pub(crate) const UNRELATED_SIZE: f32 = 0.4;
}

/// Characters printed twice.
pub(super) mod doubled {
    /// Distance in ems up to which two equal characters are one: shadows and bold tricks shift by up to a
    /// tenth. Narrow letters are a fifth wide. Larger: "ll" in narrow fonts loses a letter. Smaller: wide
    /// shadows come twice.
    pub(crate) const SHIFT: f32 = 0.12;
    /// The same across in widths of the character, if that is less. Larger: doubled narrow letters are one.
    /// Smaller: shadows of narrow letters come twice.
    pub(crate) const WIDTH: f32 = 0.6;
    /// Difference of their sizes, as a share. Larger: a letter in a letter is lost. Smaller: shadows of
    /// rounded sizes come twice.
    pub(crate) const SAME: f32 = 0.1;
    /// Side in pixels of the cells in which characters are looked up, and largest distance that is looked at.
    pub(crate) const CELL: f32 = 16.0;
    /// Most characters of one kind that a cell remembers; this bounds the time of a page of specks.
    pub(crate) const MOST_IN_CELL: usize = 64;
}

/// Accents printed over letters.
pub(super) mod accents {
    /// Distance in ems of their middles, across, up to which an accent belongs to a letter: half a letter
    /// lies between two that follow each other. Larger: accents in a row of characters are composed. Smaller:
    /// those of slanted letters stay alone.
    pub(crate) const OFF_MIDDLE: f32 = 0.25;
    /// Share of the letter's height that both have in common; their boxes reach from descent to ascent.
    /// Larger: accents over capitals stay alone. Smaller: accents of the line above are composed.
    pub(crate) const OVERLAP: f32 = 0.4;
    /// Difference of their font sizes, as a share. Larger: footnote signs are composed. Smaller: accents of
    /// fonts that were scaled stay alone.
    pub(crate) const OTHER_SIZE: f32 = 0.3;
    /// Number of characters before and behind an accent among which its letter is looked for: pdfium orders
    /// what a line has by its position, accents over capitals at the end. Larger: takes longer. Smaller: such
    /// accents stay alone.
    pub(crate) const AROUND: usize = 120;
    /// Gap in ems before the letter below which a space before its accent is none. Larger: spaces before
    /// words that start with an accent are lost. Smaller: words are cut before their accents.
    pub(crate) const SPACE: f32 = 0.12;
}

/// Gutters narrower than the widest spaces within lines.
pub(super) mod gutters {
    /// Gap in ems from which two words may be parts of different columns. Larger: notes close to their text run into it.
    /// Smaller: lines whose words the layer has in another order fall apart.
    pub(crate) const LEAST_GAP: f32 = 0.45;
    /// Distance in ems, up and down, of the lines whose gutters count: three lines. Larger: wide spaces that happen to
    /// stand below a gutter are one. Smaller: the first line of a note joins the text.
    pub(crate) const NEAR_LINES: f32 = 4.0;
    /// Maximum distance in ems of the left edges of two pieces of one column: italics overhang. Larger: wide spaces nearby
    /// are gutters.
    pub(crate) const SAME_START: f32 = 0.15;
    /// Most pieces nearby that are looked at.
    pub(crate) const MOST_STARTS: usize = 200;
}

/// Fractions within a line of text.
pub(super) mod fractions {
    /// Maximum number of characters of a numerator or denominator. Larger: two short lines beside a sentence are a
    /// fraction. Smaller: long fractions are lines of their own.
    pub(crate) const MAX_CHARS: usize = 40;
    /// Maximum gap between numerator and denominator in ems: a bar and the space around it. Larger: lines of text are.
    pub(crate) const BAR_GAP: f32 = 0.6;
    /// Maximum overlap of both in ems: boxes reach from ascent to descent. Larger: superscripts are numerators.
    pub(crate) const BAR_OVERLAP: f32 = 0.45;
    /// Minimum share of the narrower one that is above or below the other: they are centred. Smaller: words of two
    /// lines that are set apart from each other are a fraction.
    pub(crate) const STACKED: f32 = 0.6;
    /// Maximum distance in ems between the middles of the fraction and of the words beside it, which is the bar's height.
    /// Larger: lines above and below are taken. Smaller: fractions with tall parts are missed.
    pub(crate) const OFF_AXIS: f32 = 0.4;
    /// Maximum gap in ems between the fraction and the words beside it: a space and that of a relation. Larger: cells
    /// of tables between others are fractions. Smaller: fractions in loosely justified lines are missed.
    pub(crate) const SIDE_GAP: f32 = 0.75;
    /// Maximum overlap of the same in ems: italics lean. Larger: words below a line are in it.
    pub(crate) const SIDE_OVERLAP: f32 = 0.15;
    /// Short pieces below a numerator that are looked at, highest first: those of its line and the next.
    pub(crate) const MOST_BELOW: usize = 400;
    /// Words that begin above a fraction's middle and are looked at, lowest first: those of two lines at least.
    pub(crate) const MOST_NEIGHBOURS: usize = 200;
}

/// Large initials over several lines.
pub(super) mod drop_caps {
    /// Minimum font size relative to the words beside it. Larger: initials of two lines stay apart. Smaller: the first
    /// letters of words in small capitals are initials.
    pub(crate) const SIZE: f32 = 1.7;
    /// Maximum number of characters: a letter with a quotation mark before it.
    pub(crate) const MAX_CHARS: usize = 2;
    /// Maximum gap in ems of the text between the initial and its word. Larger: letters that head a part of an index are
    /// initials. Smaller: initials with room beside them stay apart.
    pub(crate) const GAP: f32 = 1.0;
    /// The same for single lines, of which the first may be indented.
    pub(crate) const INDENTED_GAP: f32 = 2.5;
    /// Maximum overlap of the same: letters such as L and A let text come near.
    pub(crate) const OVERLAP: f32 = 0.5;
    /// Most large capitals of a page with initials: a page with more is a poster or a puzzle.
    pub(crate) const MOST_CAPS: usize = 200;
    /// Minimum number of lines beside it. Smaller: the number of a chapter before its title is an initial.
    pub(crate) const MIN_LINES: usize = 2;
}

/// Numbers of lines beside the text.
pub(super) mod line_numbers {
    /// Maximum font size relative to body text. Larger: row numbers of tables are taken away. Smaller: those in the type of
    /// the text stay.
    pub(crate) const SMALL: f32 = 0.85;
    /// Minimum number of them on a page. Larger: those of short pages stay. Smaller: small figures in a row are taken away.
    pub(crate) const LEAST: usize = 8;
    /// Small figures of a page beyond which none is looked for: no page has so many lines.
    pub(crate) const MOST: usize = 1000;
    /// Most figures of one.
    pub(crate) const DIGITS: usize = 5;
    /// Largest step from one to the next: every fifth line has one, or every tenth.
    pub(crate) const MAX_STEP: u32 = 10;
    /// Maximum distance of their right edges in ems.
    pub(crate) const EDGE: f32 = 0.3;
    /// Minimum share of the lines of text that they count. Larger: pages with tables keep them. Smaller: labels of a figure
    /// beside a page are taken away.
    pub(crate) const ON_LINES: f32 = 0.6;
}

/// Letters of logos that overlap.
pub(super) mod logos {
    use std::ops::Range;
    /// Font size of the small letter relative to that of the others. Wider: letters set closely are joined. Narrower: logos
    /// in other fonts have a superscript.
    pub(crate) const SIZES: Range<f32> = 0.55..0.9;
    /// Minimum overlap of two letters in ems of the large ones: letters beside each other have none but for rounding.
    pub(crate) const OVERLAP: f32 = 0.04;
    /// Maximum difference of the font sizes of the large letters.
    pub(crate) const SAME_SIZE: f32 = 0.1;
}

/// Words that are struck out.
pub(super) mod strikes {
    use std::ops::Range;
    /// Place of the line in a word's box, 0 at its top (the ascent) to 1 (the descent). Wider: underlines close to the
    /// letters strike out. Narrower: lines that programs set high or low are missed.
    pub(crate) const PLACE: Range<f32> = 0.4..0.74;
    /// Minimum share of a word that the line covers. Larger: struck words with a sign after them are missed.
    pub(crate) const COVER: f32 = 0.6;
    /// Maximum distance in ems of its ends from those of the words. Larger: dashes between words strike out what is beside
    /// them. Smaller: lines that include a space are missed.
    pub(crate) const SLACK: f32 = 0.5;
    /// Maximum thickness in ems: thicker ones are bars that cover words.
    pub(crate) const THICKNESS: f32 = 0.2;
}

/// Bullets and check boxes that are drawn as shapes.
pub(super) mod markers {
    /// Most small shapes of a page with marks; pages with more are drawings.
    pub(crate) const MAX_SHAPES: usize = 2000;
    /// Most shapes that make a mark: fill, border and tick, with others between.
    pub(crate) const MOST_PARTS: usize = 4;
    /// Share of the smaller of two shapes that lies in the other if both are parts of a mark. Larger: ticks beyond
    /// their box are apart. Smaller: shapes that touch are one.
    pub(crate) const COVERED: f32 = 0.5;
    /// Words that begin above a mark's middle and are looked at, lowest first.
    pub(crate) const MOST_WORDS: usize = 200;
    /// Parts of a line's height, at its top and bottom, in which no mark has its middle. Larger: high check boxes are
    /// missed. Smaller: dots between lines are bullets.
    pub(crate) const TOP: f32 = 0.2;
    /// See [`TOP`].
    pub(crate) const BOTTOM: f32 = 0.15;
    /// Maximum gap after a mark in ems: browsers leave one. Larger: points of a drawing mark the text beside it.
    pub(crate) const AFTER: f32 = 2.2;
    /// Minimum gap before a mark in ems, to other text: it begins its line. Smaller: shapes within a line are marks.
    pub(crate) const BEFORE: f32 = 1.0;
    /// Width over height of a mark: they are round or square.
    pub(crate) const ASPECT: std::ops::Range<f32> = 0.75..1.35;
    /// Side of a bullet in ems. Larger: check boxes are bullets. Smaller: bullets of small lists are missed.
    pub(crate) const BULLET: std::ops::Range<f32> = 0.14..0.55;
    /// Side of a check box in ems. Larger: icons are. Smaller: boxes lower than letters are missed.
    pub(crate) const BOX: std::ops::Range<f32> = 0.6..1.5;
    /// Most segments of a path without curves: a rectangle and its end.
    pub(crate) const STRAIGHT: u32 = 6;
    /// Segments of a tick or a cross.
    pub(crate) const TICK: std::ops::Range<u32> = 2..4;
    /// Mean of red, green and blue below which a fill is dark.
    pub(crate) const LIGHT: u32 = 170;
    /// Difference between the largest and smallest of red, green and blue below which a colour is a grey.
    pub(crate) const TINT: u8 = 40;
}

/// Traits of fonts.
pub(super) mod fonts {
    /// Minimum weight of a bold font, 1 to 1000: semi-bold (OpenType's `usWeightClass`).
    pub(crate) const BOLD_WEIGHT: u16 = 600;
    /// Minimum number each of narrow and wide letters of a font for comparing their widths. Larger: short
    /// listings are text. Smaller: a few letters of similar widths make a font fixed-pitch.
    pub(crate) const FIXED_PITCH_LETTERS: usize = 4;
    /// Difference of widths in ems below which a font is fixed-pitch; in others it is half an em and more.
    /// Larger: wide sans-serif fonts are fixed-pitch. Smaller: rounding of boxes hides fixed pitch.
    pub(crate) const FIXED_PITCH_SLACK: f32 = 0.03;
    /// Mean width of its narrow letters relative to that of its wide ones below which a font is none with equal widths,
    /// whatever its name and flags say. Larger: fonts whose figures alone are narrower lose the trait. Smaller: text of
    /// fonts with a wrong flag is code.
    pub(crate) const PROPORTIONAL: f32 = 0.7;
}

/// Trust in a text layer.
pub(super) mod trust {
    /// Share of hidden characters beyond which the layer belongs to a scan. Larger: recognized text of
    /// unknown quality is used. Smaller: pages with hidden notes are read as pictures.
    pub(crate) const MAX_HIDDEN: f32 = 0.5;
    /// Share of meaningless characters beyond which fonts lack their Unicode mapping. Math fonts of sound
    /// papers reach some 5 % on a page. Larger: layers with unreadable words are used. Smaller: pages full of
    /// formulas are read as pictures.
    pub(crate) const MAX_MEANINGLESS: f32 = 0.12;
    /// Share of letters in scripts that the line recognizer does not know beyond which the layer is kept
    /// whatever its state: the recognizer would make nonsense of them. Larger: pages in two scripts lose one.
    /// Smaller: a few letters keep a bad layer.
    pub(crate) const MAX_OTHER_SCRIPT: f32 = 0.3;
    /// Share of characters without meaning beyond which a page's text says so in a diagnostic. Larger: lost
    /// words go untold. Smaller: a few odd signs are told.
    pub(crate) const TOLD_MEANINGLESS: f32 = 0.02;
    /// Share of characters without ink beyond which the page shows something else. Larger: layers of other
    /// pages are used. Smaller: pages with white text on white are read as pictures.
    pub(crate) const MAX_WITHOUT_INK: f32 = 0.4;
    /// Share of ink outside the page's stated content beyond which the page shows something else, such as
    /// annotations or patterns with text. Larger: layers of such pages are used. Smaller: pages with large
    /// annotations are read as pictures.
    pub(crate) const MAX_INK_OUTSIDE: f32 = 0.6;
    /// Share of a page covered by pictures beyond which one with little text is a scan. Larger: scans with
    /// wide margins are read as their stamps. Smaller: slides with a picture and a few words are read as
    /// pictures.
    pub(crate) const SCAN_COVER: f32 = 0.5;
    /// Number of characters below which a page covered by pictures is a scan: stamps and page numbers.
    /// Larger: pictures with captions are scans. Smaller: of stamped scans only the stamps are read.
    pub(crate) const SCAN_CHARS: usize = 80;
    /// Number of glyph-sized shapes beyond which, if above the characters', text became outlines. Larger:
    /// pages with a few outlined lines lose them. Smaller: diagrams with many small marks are read as
    /// pictures.
    pub(crate) const OUTLINES: usize = 150;
    /// Fraction (one in this many) of the page's shorter side below which a shape is glyph-sized: 24 points
    /// on A4. Larger: outlines of headings are not letters. Smaller: parts of drawings are.
    pub(crate) const OUTLINE_PART: f32 = 25.0;
    /// Minimum contrast in levels, of 255, of a box with ink in it. Larger: pale text has no ink. Smaller:
    /// JPEG noise is ink.
    pub(crate) const INK_CONTRAST: u8 = 24;
    /// Scale, in relation to the page's pixels, at which ink is looked for: that of previews. Larger: slower. Smaller: thin
    /// letters fade.
    pub(crate) const INK_SCALE: f32 = 0.25;
    /// Contrast to the paper in levels, of 255, beyond which pixels outside boxes are ink, unlike soft edges
    /// of letters and pale tints. Larger: grey text is not ink. Smaller: tints are.
    pub(crate) const DARK_LEVELS: u8 = 96;
    /// Share of characters along the page beyond which it counts as rotated. Larger: rotated pages with an
    /// upright header are left. Smaller: pages with a rotated table are rotated.
    pub(crate) const TURNED_SHARE: f32 = 0.6;
}

/// Letters of a text that are none of a language.
pub(super) mod letters {
    /// Number of characters of a font below which they are not looked at. Larger: shifted headings go
    /// unnoticed. Smaller: names and abbreviations are compared with the picture in vain, which takes a second.
    pub(crate) const LEAST_TO_SHIFT: u32 = 40;
    /// Number of letters from which they alone can be odd, without a distance that makes a language of them.
    pub(crate) const LEAST_TO_JUDGE: u32 = 100;
    /// Likeness to a language, 0 to 1, below which they are. Pages of text have 0.93 and more, text in arbitrary
    /// letters 0.4 to 0.6. Larger: lists of codes are compared in vain. Smaller: mixed-up letters go unnoticed.
    pub(crate) const ODD: f32 = 0.65;
    /// Likeness from which they are usual whatever a distance would make of them. Larger: compared in vain.
    pub(crate) const USUAL: f32 = 0.85;
    /// Share of a font's characters that must be letters when its codes are moved. Larger: shifted texts with
    /// figures go unnoticed. Smaller: figures become letters.
    pub(crate) const SHIFTED_LETTERS: f32 = 0.7;
    /// Likeness that moving must gain. Larger: short shifted texts go unnoticed. Smaller: chance decides.
    pub(crate) const SHIFT_GAIN: f32 = 0.12;
    /// Likeness that it must reach. Larger: short shifted texts go unnoticed. Smaller: names are compared in vain.
    pub(crate) const SHIFTED: f32 = 0.8;
    /// Farthest distance that codes are moved by. Larger: figures become letters.
    pub(crate) const FARTHEST: i32 = 13;
    /// Share of letters in a font's characters below which they are not looked at. Larger: shifted texts that
    /// became marks in part go unnoticed. Smaller: tables of figures are compared in vain.
    pub(crate) const MOST_LETTERS: f32 = 0.5;
}

/// Rows of characters that can be read from the picture by themselves.
pub(super) mod rows {
    /// Angle in degrees from upright or a quarter turn beyond which text is slanted.
    pub(crate) const SLANTED: f32 = 5.0;
    /// Share of the lower one's height that two characters of a row have in common. Larger: superscripts end a
    /// row. Smaller: rows run into the next line.
    pub(crate) const OVERLAP: f32 = 0.4;
    /// Maximum gap in heights between characters of a row: a space of a justified line. Larger: rows run across
    /// gutters. Smaller: lines are read in pieces.
    pub(crate) const GAP: f32 = 1.0;
    /// The same within a word.
    pub(crate) const WORD_GAP: f32 = 0.15;
    /// Share of the narrower one's width that two characters may have in common to follow each other. Larger: a
    /// sign printed twice is a word. Smaller: italics are none.
    pub(crate) const SAME_PLACE: f32 = 0.5;
    /// Glyphs without Unicode that are a word without a known letter. Larger: short words stay unread. Smaller:
    /// signs beside each other are read.
    pub(crate) const WORD_GLYPHS: usize = 3;
    /// Room around a row in heights, as line detection leaves it.
    pub(crate) const ROOM: f32 = 0.08;
    /// Most characters of a row; this bounds the time of aligning it.
    pub(crate) const MOST_CHARS: usize = 400;
    /// Share of letters in scripts that the line recognizer does not know beyond which a row is not read.
    pub(crate) const MAX_OTHER: f32 = 0.1;
}

/// Ruling lines and figures in the picture of a page.
pub(super) mod scans {
    /// Minimum length of a horizontal ruling line in pixels: longer than any stroke of body text. Larger:
    /// rules of narrow columns are missed. Smaller: strokes of large letters are rules.
    pub(crate) const MIN_HORIZONTAL: usize = 48;
    /// The same in ems, for larger text.
    pub(crate) const MIN_HORIZONTAL_EMS: f32 = 2.0;
    /// Minimum length of a vertical ruling line in pixels, which may be as short as a table row. Larger:
    /// borders of low rows are missed. Smaller: stems of large letters are rules.
    pub(crate) const MIN_VERTICAL: usize = 30;
    /// The same in ems, for larger text.
    pub(crate) const MIN_VERTICAL_EMS: f32 = 1.4;
    /// Maximum length in pixels of a break in a line: noise and worn print. Larger: dashes and rows of
    /// letters are lines. Smaller: worn lines are split.
    pub(crate) const MAX_BREAK: usize = 3;
    /// Maximum thickness of a line in pixels: thicker ones are bars. Larger: bars are lines. Smaller: thick
    /// or blurred lines are missed.
    pub(crate) const MAX_THICKNESS: usize = 8;
    /// Extra thickness of a line per pixel of its length, for the skew left after straightening (0.2
    /// degrees). Larger: wedges are lines. Smaller: long lines of scans are missed.
    pub(crate) const TILT: f32 = 0.004;
    /// Share of a text line's height excluded at top and bottom when lines through its middle are looked for,
    /// which keeps underlines. Larger: strokes of letters are rules. Smaller: underlines are lost.
    pub(crate) const TEXT_CORE: f32 = 0.22;
    /// Share of a ruling line within the middle of a text line beyond which it is a stroke of the text.
    /// Larger: strokes of letters are rules. Smaller: borders that cross a line are lost.
    pub(crate) const STROKE_INSIDE: f32 = 0.6;
    /// Minimum width and height of a figure in cells. Larger: small figures are lost. Smaller: signatures and
    /// specks are figures.
    pub(crate) const MIN_FIGURE_CELLS: usize = 8;
    /// Minimum share of inked cells in a figure's box: a large box around a few strokes is not a figure.
    /// Larger: line drawings are lost. Smaller: scattered specks are figures.
    pub(crate) const MIN_FIGURE_DENSITY: f32 = 0.07;
    /// Number of dark pixels, of 64, beyond which a cell has ink: a speck of dust fills less. Larger: thin
    /// strokes are lost. Smaller: dust is joined to figures.
    pub(crate) const MIN_CELL_INK: u16 = 5;
    /// Confidence, 0 to 1, below which a short line may be part of a drawing misread as letters. Larger:
    /// short words beside a figure join it. Smaller: drawings are cut where letters were seen.
    pub(crate) const DOUBTFUL: f32 = 0.8;
    /// Maximum number of characters of such a line. Larger: badly printed words are figures. Smaller:
    /// drawings are cut where letters were seen.
    pub(crate) const DOUBTFUL_CHARS: usize = 6;
    /// Pixels around a ruling line that belong to it: its soft edges. Larger: strokes beside a line are lost.
    /// Smaller: edges of lines are ink of figures.
    pub(crate) const RULE_MARGIN: f32 = 3.0;
    /// Lighter half of the levels, in which the paper's level is searched.
    pub(crate) const PAPER_LEVELS: std::ops::Range<usize> = 128..256;
    /// Fraction (one in this many) of pixels that must be darker for a level to be ink rather than dust.
    pub(crate) const INK_PART: usize = 2000;
}

/// Orientation and skew of pages read as pictures.
pub(super) mod skew {
    /// Least score with which the network for whole pages is believed. Of 260 pictures (`tests/pictures` and turned copies), all
    /// seen right, two have less. Larger: more pages are judged by their lines, which takes longer.
    pub(crate) const SURELY_SEEN: f32 = 0.8;
    /// Number of longest lines whose confidence decides the page's orientation. More take longer, fewer err.
    pub(crate) const ORIENTATION_LINES: usize = 6;
    /// Share of them upside down from which the page is suspected to be, and read both ways: the classifier
    /// errs on single lines. Larger: upside-down pages are missed. Smaller: upright pages are read twice.
    pub(crate) const SUSPECT_SHARE: f32 = 0.3;
    /// Confidence from which a line of an upright page is not read the other way round, whatever the classifier says. Larger:
    /// more lines are read twice. Smaller: a line upside down that can be misread stays so.
    pub(crate) const SURELY_UPRIGHT: f32 = 0.9;
    /// Ratio of height to width beyond which a line is tall, that is runs along the page. Larger: short lines
    /// along the page count as across. Smaller: single characters are tall.
    pub(crate) const TALL: f32 = 1.5;
    /// Ratio of width to height beyond which a line indicates the skew: short ones have no direction. Larger:
    /// pages of short lines have no skew. Smaller: words distort it.
    pub(crate) const LONG: f32 = 4.0;
    /// Skew in radians below which a page is left unchanged: one pixel in 400. Straightening softens the
    /// picture. Larger: long lines of text meet.
    pub(crate) const MIN_SKEW: f32 = 0.0025;
    /// Skew in radians from which it is slanted text instead: some 15 degrees. Larger: slanted posters are
    /// straightened. Smaller: badly placed scans are not.
    pub(crate) const MAX_SKEW: f32 = 0.26;
    /// Ratio of a detected box's height to the font size: boxes are grown by the unclip rule.
    pub(crate) const BOX_HEIGHT_PER_EM: f32 = 1.3;
}

/// Straightening of pages whose lines are curved, or run in several directions. Heights of lines are those of small letters.
pub(super) mod straighten {
    /// Most lines of a map that are followed, the longest first; this bounds the time of a page of specks.
    pub(crate) const MOST_LINES: usize = 600;
    /// Least length of a line in columns of the detector's map: a word or two.
    pub(crate) const LEAST_LENGTH: usize = 32;
    /// Ratio of length to height from which an area is a line. Larger: pages of short lines are never measured. Smaller: words
    /// with a letter that reaches up at one end seem to rise.
    pub(crate) const LONG: f32 = 5.0;
    /// Least number of columns that are one point of a line.
    pub(crate) const LEAST_STEP: usize = 4;
    /// Least number of points of a line.
    pub(crate) const LEAST_POINTS: usize = 3;
    /// Height of a column in heights of its line beyond which it belongs to two lines. Larger: touching lines bend the
    /// middle. Smaller: steep parts have no points.
    pub(crate) const MAX_REACH: f32 = 1.5;
    /// The same below which it is a gap or a bridge.
    pub(crate) const MIN_REACH: f32 = 0.5;
    /// Least sum of the lines' lengths in widths of the page from which they are measured. Larger: short texts stay as they are.
    /// Smaller: a single line decides.
    pub(crate) const LEAST_TEXT: f32 = 1.5;
    /// Rise or bow of a line beside the page's skew, in heights of the line, beyond which it is not straight. Boxes are about
    /// three such heights. Undamaged pages of `tests/pictures` reach 0.4 with lines of leader dots.
    pub(crate) const BENT: f32 = 1.0;
    /// Share of the lines, by length, that are not straight from which a page is straightened. Larger: pages bent at one side stay
    /// so. Smaller: slanted notes and lines of dots count.
    pub(crate) const BENT_SHARE: f32 = 0.25;
    /// Least number of lines whose slopes tell that they are bent although each is short. Larger: newspapers stay curved.
    /// Smaller: stamps and notes count.
    pub(crate) const MANY_LINES: usize = 60;
    /// Median distance of their slopes from the page's, pixels down per pixel across, from which they are. Flat pages of
    /// `tests/pictures` with as many lines have at most 0.002. Larger: photos at an angle stay as they are.
    pub(crate) const UNEVEN: f32 = 0.006;
    /// Most that a row is stretched or squeezed. Larger: the field of a page with lines in all directions is believed.
    pub(crate) const MAX_STRETCH: f32 = 0.5;
    /// Largest slant of margins, pixels across per pixel down.
    pub(crate) const MOST_SLANT: f32 = 0.12;
    /// Distance across, in heights of the line, of two ends that stand below each other. Larger: indents count.
    pub(crate) const SAME_MARGIN: f32 = 0.3;
    /// How many times as many ends have to stand below each other with a slant as without one. Larger: leaning columns stay so.
    /// Smaller: ragged lines make columns lean.
    pub(crate) const CLEARLY_UPRIGHT: f32 = 1.2;
    /// Most that the page may grow, as a share of each side, so that no line leaves it.
    pub(crate) const MAX_GROWTH: f32 = 0.25;
}

/// Which recognizers read a line.
pub(crate) mod recognizers {
    /// Confidence from which a reading is final. Larger: more lines are read by every recognizer that was given. Smaller: a line in
    /// a script that the embedded recognizer lacks keeps the letters that look alike; it reads Greek without its accents
    /// at 0.82 to 0.91.
    pub(crate) const SURELY_READ: f32 = 0.95;
}

/// Lines that could not be read, or not surely.
pub(super) mod unread {
    /// Minimum length of a line by its height. Larger: short lines of a foreign script are not told. Smaller: marks and
    /// parts of drawings count as lines.
    pub(crate) const LEAST_RATIO: f32 = 4.0;
    /// Minimum characters of a line for each of its heights. Lines of Chinese have 0.9, of Latin letters 1.5 to 2.5; of
    /// Cyrillic, Korean, Arabic and Tamil 0.2 and fewer are read. Larger: lines with wide gaps are dropped. Smaller: the
    /// commas of a foreign script pass as its text.
    pub(crate) const LEAST_CHARACTERS: f32 = 0.25;
    /// Confidence below which a reading is doubtful. Hebrew is read as Latin letters at 0.72 to 0.77, Thai at 0.57.
    pub(crate) const SURE: f32 = 0.8;
    /// Least share of a page's lines, by length, without a sure reading for which it is told.
    pub(crate) const TOLD_SHARE: f32 = 0.15;
}
