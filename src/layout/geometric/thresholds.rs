//! Thresholds of layout analysis without a network, by topic: each with its unit and its trade-off.
//!
//! Ems are those of body text on the page, in `paragraphs` those of the larger of two lines. If a comment
//! gives no other reason, the value was found by trial on the examples. `tests/it/documents.rs` and
//! `tests/it/scans.rs` check labels, order and cells of `examples/documents`; on any folder of PDFs,
//! `scripts/compare.py similarity` measures text and order, and `scripts/compare.py recall` lost text. The
//! effects given for larger and smaller values follow from the rule that uses the threshold.

/// Columns and reading order.
pub(super) mod columns {
    /// Minimum gap between two columns in ems. Larger: narrow gutters are missed and lines of two columns are
    /// read across. Smaller: wide spaces of justified lines that happen to be aligned count as gutters.
    pub(crate) const MIN_GUTTER: f32 = 0.75;
    /// Minimum width of a column in ems. Larger: narrow columns are read across. Smaller: columns of tables
    /// and glossaries are read one after the other instead of row by row.
    pub(crate) const MIN_COLUMN: f32 = 7.0;
    /// Minimum number of rows of a column without a picture or table. Larger: short columns are read across.
    /// Smaller: two pieces beside two others count as columns.
    pub(crate) const MIN_ROWS: usize = 3;
    /// Minimum share of its column that the typical line fills: prose does, list entries do not. Larger:
    /// ragged and short paragraphs are no columns. Smaller: labels beside values are read as two columns.
    pub(crate) const MIN_FILL: f32 = 0.42;
    /// Minimum share of the shorter column that is beside the other one. Larger: a short column beside a long
    /// one is read across. Smaller: paragraphs that are merely offset count as columns.
    pub(crate) const MIN_BESIDE: f32 = 0.3;
    /// Minimum width in ems of a column that the text layer goes through as a whole. Larger: narrow columns of an index
    /// are read across. Smaller: marks and numbers of items are a column.
    pub(crate) const DOWN_COLUMN: f32 = 4.0;
    /// Minimum number of its rows. Larger: short addresses side by side are read across.
    pub(crate) const DOWN_ROWS: usize = 2;
    /// Minimum share of its column that the typical line of prose fills. Larger: ragged prose is a column of fields.
    /// Smaller: rows of long fields are prose.
    pub(crate) const PROSE_FILL: f32 = 0.75;
    /// Minimum number of lines of a column of prose.
    pub(crate) const PROSE_ROWS: usize = 3;
    /// Share of its column that a full line leaves free at most. Larger: last lines of paragraphs are full.
    pub(crate) const FULL_LINE: f32 = 0.08;
    /// Minimum share of the text's width of a rule that separates what is above it from what is below. Larger: columns run
    /// across rules with margins. Smaller: rules in one of two columns cut the other one.
    pub(crate) const RULE_SHARE: f32 = 0.8;
    /// Maximum thickness of such a rule in ems. Larger: bars behind headings separate.
    pub(crate) const RULE_THICKNESS: f32 = 0.5;
    /// Minimum distance of such a rule from tables and figures in ems: nearer ones are their borders.
    pub(crate) const RULE_DISTANCE: f32 = 0.5;
}

/// The order of the text layer in columns.
pub(super) mod flow {
    /// Share of a line's height trimmed at top and bottom before rows are formed, because boxes span ascent
    /// to descent and touch the next line's. Larger: lines of a column that are slightly off the other's
    /// become rows of their own. Smaller: neighbouring lines are merged.
    pub(crate) const LINE_TRIM: f32 = 0.2;
    /// Minimum number of rows with a piece in several columns for the layer to go row by row. Smaller: two columns
    /// below two others are rows.
    pub(crate) const MIN_PAIRS: usize = 2;
    /// Distance in ems within which the left edges of a column's rows are one. Larger: centred lines are a column.
    pub(crate) const SAME_EDGE: f32 = 0.6;
    /// Minimum share of a column's rows that have such an edge in common. Larger: forms with indented items are no
    /// columns. Smaller: titles above columns are part of one.
    pub(crate) const ALIGNED_SHARE: f32 = 0.6;
    /// Minimum share of names of fields in a column for it to name what stands beside it. Larger: forms whose values come
    /// last are read column by column. Smaller: lists with some words in bold are.
    pub(crate) const LABEL_SHARE: f32 = 0.4;
    /// Minimum share of entries with a number in a column of an index. Larger: indexes with many entries that refer to others
    /// may be tables. Smaller: columns of tables are.
    pub(crate) const ENTRY_SHARE: f32 = 0.5;
    /// Most lines of a cell of a table whose neighbours are wrapped, too. Larger: cards side by side are a table. Smaller:
    /// tables with long cells are read cell by cell.
    pub(crate) const WRAPPED_LINES: usize = 3;
    /// Most columns of a form: two of names and two of values. Larger: heads of wide tables are fields.
    pub(crate) const MAX_PARTS: usize = 4;
    /// Overlap in ems of a row with the one above it: boxes reach from ascent to descent. Larger: columns that the layer
    /// jumps between are rows. Smaller: rows that are set solid are none.
    pub(crate) const ROW_SLACK: f32 = 0.5;
    /// Minimum number of lines of text for each line of notes beside it. Larger: long notes are read as a column.
    /// Smaller: columns of prose are notes.
    pub(crate) const NOTE_LINES: usize = 2;
    /// Minimum width of notes in ems. Smaller: numbers of lines are notes.
    pub(crate) const NOTE_WIDTH: f32 = 3.0;
    /// Maximum gap in ems between lines of one paragraph. Larger: names beside paragraphs are notes. Smaller: notes in
    /// text with wide spacing tear it apart.
    pub(crate) const LINE_STEP: f32 = 0.7;
}

/// The margins of a page: running headers, page numbers, rotated text.
pub(super) mod margins {
    /// Share of the page's height, from the top, that may contain a header without a page number. Larger: a
    /// title set off by a rule is a header. Smaller: headers further down are read as text.
    pub(crate) const HEADER_SHARE: f32 = 0.1;
    /// Share of the page's height, from top and bottom, in which the outermost line may be a header or footer
    /// with a page number. Larger: a short last line of text ending in a number is a footer. Smaller: those
    /// of pages with wide margins are text.
    pub(crate) const OUTER_SHARE: f32 = 0.2;
    /// Shares of the page's height above and below which a number is a page number even if no other page has
    /// one there. Nearer the middle: numbers in drawings and tables are page numbers. Further out: page
    /// numbers stay in the text.
    pub(crate) const NUMBER_PLACE: (f32, f32) = (0.09, 0.91);
    /// Maximum number of digits of a page number. Larger: report and phone numbers are page numbers. Smaller:
    /// page numbers of long series stay in the text.
    pub(crate) const NUMBER_DIGITS: usize = 5;
    /// Maximum length of a roman page number: `xxviii`. Larger: words made of these letters are page numbers.
    /// Smaller: roman numbers of a long preface stay in the text.
    pub(crate) const ROMAN_CHARS: usize = 6;
    /// Vertical offset in ems within which boxes of one line all count as outermost. Larger: the second line
    /// counts as outermost too. Smaller: a superscript hides the line that it is on.
    pub(crate) const SAME_LINE: f32 = 0.5;
    /// Minimum width of the rule below a header as a share of the page's. Larger: rules as wide as the text
    /// of pages with wide margins are missed. Smaller: underlined words are headers.
    pub(crate) const RULE_WIDTH: f32 = 0.55;
    /// Distance in ems of that rule from the header's lower edge: from inside its box, whose descent it may
    /// touch, to a line and a half below. Wider: rules of the text are taken. Narrower: loose headers are
    /// missed.
    pub(crate) const RULE_BELOW: std::ops::Range<f32> = -0.3..1.6;
    /// Minimum gap between the two parts of a header as a share of the page's width. Larger: headers with
    /// long parts are missed. Smaller: two columns that start with one line each are a header.
    pub(crate) const HEADER_GAP: f32 = 0.3;
    /// Maximum gap in ems between a heading's number and its title at the top of a page; a page number is further away
    /// from its header. Larger: headers beside their page number are headings. Smaller: headings lose their number.
    pub(crate) const HEADING_NUMBER_GAP: f32 = 3.0;
    /// Maximum difference of the font sizes of both, relative to the title's: rounding.
    pub(crate) const SAME_SIZE: f32 = 0.05;
    /// Minimum share of its height that a piece of vertical text has in common with its neighbour. Larger: a
    /// short last column stays separate. Smaller: captions below vertical text join it.
    pub(crate) const VERTICAL_OVERLAP: f32 = 0.3;
}

/// Pictures and drawings.
pub(super) mod figures {
    /// Minimum width and height of a figure in ems. Larger: small diagrams are lost. Smaller: bullets, icons
    /// and underlines are figures.
    pub(crate) const MIN_SIDE: f32 = 2.2;
    /// Share of the page from which a picture or shape is the page's background. Larger: backgrounds with a
    /// margin are figures and absorb the page. Smaller: full-page figures are lost.
    pub(crate) const BACKGROUND_SHARE: f32 = 0.85;
    /// Twice the maximum distance in ems of shapes that belong together. Larger: neighbouring figures become
    /// one. Smaller: bars and points of a chart are separate figures.
    pub(crate) const SHAPE_GAP: f32 = 1.0;
    /// Maximum distance in ems of a label from its figure. Larger: lines of text beside a figure join it.
    /// Smaller: numbers along axes are read as text.
    pub(crate) const LABEL_GAP: f32 = 0.7;
    /// Font size relative to body size below which a label is small: too small for body text, so it may be
    /// further away. Larger: text set slightly smaller joins figures. Smaller: axis titles stay outside.
    pub(crate) const SMALL_LABEL: f32 = 0.86;
    /// Maximum distance in ems of a small label from its figure; as `LABEL_GAP`.
    pub(crate) const SMALL_LABEL_GAP: f32 = 1.9;
    /// Font size relative to body size below which text can be a label. Larger: body text beside a figure is
    /// a label. Smaller: labels nearly as large as the text are read as text.
    pub(crate) const LABEL_SIZE: f32 = 0.97;
    /// Maximum words of a label. Larger: short lines of text are labels. Smaller: axis titles are text.
    pub(crate) const LABEL_WORDS: usize = 4;
    /// Width relative to its drawing's below which a line can be a label: one as wide as the figure is a
    /// caption or text. Larger: captions join figures. Smaller: long axis titles are text.
    pub(crate) const LABEL_WIDTH: f32 = 0.6;
    /// Maximum number of words of a label on a photograph; more are text on a background. Larger: text on
    /// photographs is lost in them. Smaller: their labels are paragraphs of one word.
    pub(crate) const PHOTO_LABEL_WORDS: usize = 2;
    /// Share of a figure covered by lines of text beyond which it is a background of text. Larger: frames and
    /// tinted boxes absorb their text. Smaller: diagrams with long labels are split up.
    pub(crate) const MAX_TEXT_SHARE: f32 = 0.18;
    /// Share of the page of a large figure: with `LARGE_WORDS` words in lines it is a decorated page.
    pub(crate) const LARGE_SHARE: f32 = 0.33;
    /// Number of words in lines that makes a large figure a decorated page. Larger: designed pages are
    /// pictures. Smaller: large diagrams with descriptions are read as text.
    pub(crate) const LARGE_WORDS: usize = 30;
    /// Minimum number of words of a line that counts for `LARGE_WORDS`, which excludes labels. Larger:
    /// designed pages with short lines are pictures. Smaller: labels make large diagrams decorated pages.
    pub(crate) const LINE_WORDS: usize = 4;
    /// Height in ems below which shapes around text decorate a heading. Larger: flat diagrams are lost.
    /// Smaller: banners behind headings are figures.
    pub(crate) const BANNER_HEIGHT: f32 = 4.0;
    /// Maximum distance in ems of a ruling line from the scanned figure whose axis it is. Larger: rules of
    /// the page join. Smaller: axes stay outside.
    pub(crate) const AXIS_GAP: f32 = 0.5;
    /// Length relative to the figure's longer side below which such a line is an axis: a longer one is a rule
    /// of the page. Smaller: axes longer than their curves stay outside.
    pub(crate) const AXIS_LENGTH: f32 = 1.6;
    /// Maximum distance in pixels at 144 dpi of a drawn axis from its shapes: drawn axes touch. Larger: rules
    /// beside a drawing join it. Smaller: axes that end short of their bars stay outside.
    pub(crate) const DRAWN_AXIS_GAP: f32 = 3.0;
    /// Factor below which an axis may enlarge the box of its shapes: a long rule is no axis of a small shape.
    /// Larger: a bullet takes the rule beside it. Smaller: long axes with few points stay outside.
    pub(crate) const AXIS_GROWTH: f32 = 2.5;
    /// Minimum overlap, as a share of the smaller of two boxes, for both to be one figure. Larger: insets are
    /// separate figures. Smaller: figures that touch become one.
    pub(crate) const JOIN_SHARE: f32 = 0.3;
    /// Share of a drawing covered by text that is read on a panel from which the drawing decorates the panel. Larger:
    /// ornaments under text are figures. Smaller: figures that the text flows around are lost.
    pub(crate) const BEHIND_SHARE: f32 = 0.05;
    /// Distance in ems within which groups of shapes are beside one another, so that a short text in one of them
    /// is a label of a diagram. Larger: framed words near a figure are pictures. Smaller: nodes that no arrow
    /// touches are text.
    pub(crate) const NEIGHBOUR: f32 = 2.0;
    /// Maximum offset in pixels at 144 dpi between strips of one picture: a point and a half, more than
    /// rounding causes. Larger: pictures stacked vertically become one. Smaller: one picture becomes many.
    pub(crate) const STRIP_SLACK: f32 = 3.0;
    /// Share of a piece of text that must lie in a figure to belong to it. Larger: labels on the border are
    /// text. Smaller: text touched by a figure's box is lost in it.
    pub(crate) const LABEL_INSIDE: f32 = 0.6;
    /// Minimum number of numbers along a drawing that makes it a chart. Larger: charts with few ticks are
    /// images. Smaller: numbered diagrams are charts.
    pub(crate) const CHART_NUMBERS: usize = 4;
}

pub(super) mod panels;
pub(super) mod prose;
pub(super) mod seen;

/// Tables detected before, and the objects in them.
pub(super) mod tables {
    /// Pixels at 144 dpi by which a table's box grows before rules are assigned to it: the thickness of its
    /// border. Larger: rules beside a table join it. Smaller: its own border counts as a rule of the page.
    pub(crate) const RULE_MARGIN: f32 = 3.0;
    /// Pixels at 144 dpi by which a table's box grows before pictures and shapes are assigned to it. Larger:
    /// drawings beside a table are lost. Smaller: tinted cells are figures.
    pub(crate) const SHAPE_MARGIN: f32 = 2.0;
    /// Share of a rule or shape that must lie in a table to be part of it: most of it. Larger: objects that
    /// stick out are processed again. Smaller: objects that merely touch it are dropped.
    pub(crate) const INSIDE: f32 = 0.5;
}

/// Lines combined into paragraphs.
pub(super) mod paragraphs {
    /// Maximum distance of a line from one that ends with a divided word, in ems, for the word to go on there whatever else
    /// tells them apart. Larger: words of two columns are joined. Smaller: lines after a tall sign begin paragraphs.
    pub(crate) const DIVIDED_STEP: f32 = 2.2;
    /// Quantile, 0 to 1, of lines' right ends that is the right edge of the zone, so that one protruding line
    /// makes no others look short. Larger: it does. Smaller: full lines protrude from ragged ones.
    pub(crate) const RIGHT_EDGE: f32 = 0.9;
    /// Maximum difference of two lines' font sizes, as a share of the first, for their distance to count as
    /// line pitch. Larger: distances to headings count. Smaller: lines of one font with rounded sizes do not.
    pub(crate) const PITCH_SIZES: f32 = 0.1;
    /// Plausible line pitches inside a paragraph in ems: set solid is 1, double spacing 2.4. Wider: distances
    /// between paragraphs count. Narrower: those of double-spaced text do not.
    pub(crate) const PITCHES: std::ops::Range<f32> = 0.9..2.4;
    /// Line pitch in ems assumed for a zone with too few lines: the usual 120 to 130 % of the size. Larger:
    /// two paragraphs of one line each are merged. Smaller: two loosely set lines are two paragraphs.
    pub(crate) const DEFAULT_PITCH: f32 = 1.25;
    /// Difference of font sizes in ems beyond which lines belong to different paragraphs. Larger: headings
    /// join their text. Smaller: rounding of sizes splits paragraphs.
    pub(crate) const SIZE_SLACK: f32 = 0.08;
    /// The same for recognized lines, whose height depends on their letters: without ascenders and descenders
    /// it is up to a third lower. Larger: headings join their text. Smaller: lines of small letters drop out
    /// of their paragraph.
    pub(crate) const SIZE_SLACK_RECOGNIZED: f32 = 0.32;
    /// Distance in ems up to which two lines of one tagged element stay together unconditionally. Larger:
    /// distant parts of an element become one block. Smaller: loosely set elements are split by appearance.
    pub(crate) const TAGGED_STEP: f32 = 2.2;
    /// Height in ems from which a line is a tall one, with sums or fractions, so that the gap to the next one tells if they
    /// belong together. Larger: such lines end their paragraph. Smaller: accents over capitals make tall lines.
    pub(crate) const TALL: f32 = 1.6;
    /// Pitch in ems of lines without a gap between their boxes.
    pub(crate) const SOLID_PITCH: f32 = 1.05;
    /// Most characters of a part of a formula above or below the line that it belongs to. Larger: short lines between
    /// others are in them. Smaller: long numerators end their line.
    pub(crate) const PART_CHARS: usize = 40;
    /// Most words that the layer may have between the start of such a part and its line.
    pub(crate) const PART_WORDS: usize = 12;
    /// Minimum share of the lower one's height that a part and its line have in common. Larger: numerators stay outside.
    /// Smaller: short last lines of paragraphs are in the next one.
    pub(crate) const PART_OVERLAP: f32 = 0.12;
    /// Limit of a paragraph's own line pitch relative to the zone's: a loosely set one keeps its lines, but
    /// the gap after its first line does not become its pitch. Larger: paragraphs of one line are merged with
    /// the next. Smaller: loosely set paragraphs in a dense zone are split into lines.
    pub(crate) const OWN_PITCH: f32 = 1.35;
    /// Distance relative to the line pitch beyond which a new paragraph starts. Larger: paragraphs are
    /// merged. Smaller: lines with superscripts or formulas split them.
    pub(crate) const STEP: f32 = 1.3;
    /// The same for recognized lines, whose boxes vary; the same trade-off.
    pub(crate) const STEP_RECOGNIZED: f32 = 1.45;
    /// The same in pixels, between recognized lines of which one ends a sentence and the other one begins one. Larger:
    /// paragraphs with little space between them are merged. Smaller: lines whose boxes vary are cut after full stops.
    pub(crate) const STEP_SENTENCE: f32 = 1.25;
    /// Share of the zone's width that a recognized first line leaves free if the full line below it begins another
    /// paragraph. Larger: headings are glued to their text. Smaller: first lines of ragged text are cut off.
    pub(crate) const SHORT_FIRST: f32 = 0.3;
    /// Minimum number of full lines of a zone where that says so. Smaller: lines of addresses fall apart.
    pub(crate) const PROSE_LINES: usize = 3;
    /// Minimum size of such a heading relative to the text below it. Larger: headings without tall letters are text.
    /// Smaller: captions above text are headings.
    pub(crate) const SMALLEST: f32 = 0.92;
    /// Maximum distance in ems of such a heading from its text, and of that text's first lines. Larger: fields and names
    /// far above text are headings.
    pub(crate) const MAX_STEP: f32 = 2.2;
    /// Distance relative to the line pitch beyond which a bold line after a listing in the same font is a heading. Larger:
    /// headings stick to listings. Smaller: highlighted lines end them.
    pub(crate) const HEADING_STEP: f32 = 1.12;
    /// Distance in ems by which the next line may be higher than the last: beyond it, it belongs to another
    /// column. Larger: undetected columns are merged. Smaller: superscripts start paragraphs.
    pub(crate) const MAX_RISE: f32 = 0.5;
    /// Distance in ems by which the next line of a caption may start left of the last one; beyond it, it is
    /// text. Larger: text below a caption joins it. Smaller: captions with an indented first line are split.
    pub(crate) const CAPTION_OUTDENT: f32 = 1.0;
    /// Distance in ems by which the second line of a list item may start left of its first; beyond it, it is
    /// no part of the item, whose lines continue below its text or marker. Larger: text after a list joins
    /// its last item. Smaller: slightly misaligned items are split.
    pub(crate) const ITEM_OUTDENT: f32 = 0.3;
    /// The same for later lines, whose predecessor hangs at the item's text; the same trade-off.
    pub(crate) const ITEM_LATER_OUTDENT: f32 = 0.7;
    /// Maximum difference in ems of the margins on both sides of a centred line. Larger: short paragraphs are
    /// centred. Smaller: imprecisely centred ones are split.
    pub(crate) const CENTERED_SLACK: f32 = 1.0;
    /// Minimum left margin of a centred line in ems: a full line has equal margins too. Larger: centred lines
    /// of nearly full width are split off. Smaller: full lines are centred.
    pub(crate) const CENTERED_ROOM: f32 = 1.0;
    /// Indents of first lines in ems, above the first and below the second value: typography uses one to
    /// three. Smaller minimum: optical alignment is an indent. Larger maximum: tabulated text is one.
    pub(crate) const INDENT: (f32, f32) = (0.7, 4.5);
    /// Share of the zone's width left free at a line's end although the next word would have fitted. Larger:
    /// paragraphs ending in a long line join the next. Smaller: ragged lines end paragraphs.
    pub(crate) const EARLY_END: f32 = 0.16;
    /// Sum of the differences of red, green and blue, 0 to 765, beyond which the colours of two lines differ.
    /// Larger: tinted headings join their text. Smaller: shades of one colour split paragraphs.
    pub(crate) const COLOR_DIFFERENCE: u32 = 180;
}

/// Headings; used by `headings.rs`.
pub(super) mod headings {
    /// Maximum number of lines of text that is a heading for its size in the document. Larger: large
    /// paragraphs are headings. Smaller: long titles of parts are text. By trial on the examples.
    pub(crate) const MAX_PROMOTED_LINES: usize = 3;
    /// Maximum number of its characters; the same trade-off.
    pub(crate) const MAX_PROMOTED_CHARS: usize = 160;
    /// Font size relative to body size beyond which a line is a heading unconditionally. Larger: headings a
    /// point above their text are missed. Smaller: lines whose font is measured slightly larger are headings.
    pub(crate) const SIZE: f32 = 1.13;
    /// The same for recognized lines, whose size is known from their boxes only: with ascenders and
    /// descenders they are up to a third higher. Larger: headings of scans are text. Smaller: lines of text
    /// with high boxes are headings.
    pub(crate) const SIZE_RECOGNIZED: f32 = 1.3;
    /// Share of bold characters from which a block is bold. Larger: headings with a number or sign that is not bold are text.
    /// Smaller: labels in bold with their values are headings.
    pub(crate) const ALL_BOLD: f32 = 0.8;
    /// Minimum font size relative to body size of a heading identified by bold or capitals: smaller ones are
    /// labels and notes. Larger: headings of notes are text. Smaller: bold labels are headings.
    pub(crate) const DISTINCT_SIZE: f32 = 0.88;
    /// Minimum font size relative to body size of a recognized heading identified by its number. Larger:
    /// numbered headings without ascenders are text. Smaller: numbered notes are headings.
    pub(crate) const NUMBERED_SIZE: f32 = 0.9;
    /// Maximum number of lines of a large heading. Larger: quotations and abstracts in large type are
    /// headings. Smaller: long titles are text.
    pub(crate) const MAX_LINES: usize = 4;
    /// Maximum number of characters of a large heading; as `MAX_LINES`.
    pub(crate) const MAX_CHARS: usize = 220;
    /// Minimum number of words of a sentence in large type that is none. Larger: short quotations are headings. Smaller:
    /// titles of two lines that end with a full stop are text.
    pub(crate) const SENTENCE_WORDS: usize = 7;
    /// Minimum letters of a word that ends a sentence within a heading. Larger: paragraphs with their headings are headings.
    /// Smaller: titles with abbreviations (`St. Paul`) are text.
    pub(crate) const WORD_LETTERS: usize = 4;
    /// Minimum letters of a heading; fewer are numbers and signs. Larger: one letter and a number are text.
    pub(crate) const MIN_LETTERS: usize = 2;
    /// Maximum number of lines of a heading in body size. Larger: bold paragraphs are headings. Smaller:
    /// headings that wrap are text.
    pub(crate) const MAX_DISTINCT_LINES: usize = 2;
    /// Maximum number of characters of a heading in body size; as `MAX_DISTINCT_LINES`.
    pub(crate) const MAX_DISTINCT_CHARS: usize = 120;
    /// Minimum number of characters of a heading identified by bold or capitals: fewer are marks and units.
    /// Larger: short headings in Chinese characters are text.
    pub(crate) const MIN_DISTINCT_CHARS: usize = 3;
    /// A heading identified by capitals alone has more characters than this: fewer are abbreviations. Larger:
    /// short headings in capitals are text.
    pub(crate) const CAPITALS_CHARS: usize = 4;
    /// Number of characters below which a numbered recognized line can be a heading: longer ones are list
    /// items. Smaller: long headings of scans are text.
    pub(crate) const MAX_NUMBERED_CHARS: usize = 70;
    /// Minimum number of capitals of a text in capitals: two are an abbreviation.
    pub(crate) const MIN_CAPITALS: usize = 3;
    /// Ratio of capitals to small letters above which a text is in capitals. Larger: headings in capitals
    /// with a word in small letters are missed. Smaller: text full of abbreviations is in capitals.
    pub(crate) const CAPITALS_PER_SMALL: usize = 4;
    /// Maximum digits per part of a heading's number: years have four. Smaller: sections from 10 on are
    /// missed.
    pub(crate) const NUMBER_DIGITS: usize = 2;
    /// Maximum length of a number that starts with a letter: `A.10.2`.
    pub(crate) const LETTERED_CHARS: usize = 6;
    /// Share of the zone's width that a recognized heading identified by number or wording must leave free: a
    /// line that fills its column is text. Larger: long headings are merged with their text. Smaller: first
    /// lines of numbered paragraphs are headings.
    pub(crate) const FREE_SHARE: f32 = 0.15;
}

/// Listings of code.
pub(super) mod listings {
    /// Share of a page's characters in fonts with equal widths from which they are its body text. Larger: documents typed
    /// in such a font are code. Smaller: pages full of listings are prose.
    pub(crate) const BODY_SHARE: f32 = 0.75;
    /// Most lines of a piece of a listing without a sign of code that is set off by empty lines. Larger: paragraphs in such
    /// a font below a listing are part of it. Smaller: listings fall apart.
    pub(crate) const PLAIN_LINES: usize = 3;
}

/// Captions and tables of contents.
pub(super) mod captions {
    /// Font size relative to body size below which a caption or a sentence about a figure is a caption.
    /// Larger: sentences like `Table 2 shows` are captions. Smaller: captions set slightly smaller are text.
    pub(crate) const WEAK_SIZE: f32 = 0.97;
    /// Minimum number of leader dots of a contents entry: an ellipsis has as many, but no page number after
    /// it. Larger: entries as long as their line are text. Smaller: sentences ending in a number are entries.
    pub(crate) const LEADER_DOTS: usize = 3;
    /// Minimum number of letters of an entry of an index. Larger: short entries are text. Smaller: letters with numbers,
    /// as in tables and formulas, are entries.
    pub(crate) const ENTRY_LETTERS: usize = 3;
    /// Lines before and after a line that tell whether it is in an index. Larger: short indexes are paragraphs.
    pub(crate) const ENTRIES_AROUND: usize = 3;
    /// Minimum number of entries among them. Larger: ends of indexes are paragraphs. Smaller: lists of dates are indexes.
    pub(crate) const LEAST_ENTRIES: usize = 3;
    /// Minimum share of entries among them. Larger: indexes with many subjects without a page are paragraphs.
    pub(crate) const ENTRIES_SHARE: f32 = 0.6;
}

/// Display formulas.
pub(super) mod formulas {
    /// Share of characters in math fonts beyond which a block is a formula. Larger: formulas with upright
    /// names are text. Smaller: sentences full of symbols are formulas.
    pub(crate) const MATH_SHARE: f32 = 0.33;
    /// Minimum number of letters of a word: function names (`sin`, `log`) have three. Larger: short sentences
    /// with symbols are formulas. Smaller: formulas with functions are text.
    pub(crate) const WORD_LETTERS: usize = 4;
    /// Minimum number of characters of a formula per word in it. Larger: formulas with a word (`if`,
    /// `otherwise`) are text. Smaller: sentences with many symbols are formulas.
    pub(crate) const CHARS_PER_WORD: usize = 8;
    /// Minimum indent in ems of a formula from both edges of its zone. Larger: formulas with a small indent
    /// are text. Smaller: lines of text with symbols are formulas.
    pub(crate) const SET_IN: f32 = 2.0;
    /// Maximum number of lines of a formula: longer ones are derivations with text. Larger: derivations lose
    /// their text. Smaller: large matrices are text.
    pub(crate) const MAX_LINES: usize = 12;
    /// Maximum number of characters of a formula identified by its symbols. Larger: paragraphs with an
    /// equation are formulas. Smaller: long formulas are text.
    pub(crate) const MAX_SIGNED_CHARS: usize = 120;
    /// Minimum number of spaced pieces of a formula identified by its symbols: one piece is a value.
    pub(crate) const MIN_PIECES: usize = 2;
    /// Maximum number of characters of a formula's line when lines are combined. Larger: lines of text with a
    /// symbol are split off. Smaller: long formulas are merged with their text.
    pub(crate) const MAX_LINE_CHARS: usize = 80;
    /// Maximum number of characters of a limit, numerator or denominator on a line of its own. Larger: words
    /// below a formula join it. Smaller: its parts stay outside.
    pub(crate) const PIECE_CHARS: usize = 5;
    /// Width relative to its zone's below which a line can be a formula: a full line is text, unless nearly
    /// all symbols. Larger: full lines of text with symbols are formulas. Smaller: wide formulas are text.
    pub(crate) const FULL_LINE: f32 = 0.97;
    /// Share of characters in math fonts beyond which a full line is a formula nevertheless.
    pub(crate) const MATH_LINE: f32 = 0.5;
    /// Maximum number of characters of a formula's number in brackets. Larger: arguments in brackets are
    /// numbers. Smaller: numbers with a section and a letter are part of the formula.
    pub(crate) const NUMBER_CHARS: usize = 7;
}

/// Footnotes.
pub(super) mod footnotes {
    /// Font size relative to body size below which text under the rule is a footnote. Larger: headings below
    /// a short rule are notes. Smaller: notes as large as the text are text.
    pub(crate) const RULED_SIZE: f32 = 1.05;
    /// Font size relative to body size below which text without a rule is a footnote. Larger: numbered text
    /// low on the page is a footnote. Smaller: notes set only slightly smaller are text.
    pub(crate) const SIZE: f32 = 0.93;
    /// The same for recognized lines, whose sizes vary more; the same trade-off.
    pub(crate) const SIZE_RECOGNIZED: f32 = 0.85;
    /// Share of the page's height, from the top, below which a footnote without a rule starts. Larger: notes
    /// of pages with many are text. Smaller: numbered small text in the middle is a note.
    pub(crate) const PLACE: f32 = 0.6;
    /// Maximum number of digits of a footnote's mark: years have four. Larger: text starting with a year is a
    /// note. Smaller: notes from 100 on are text.
    pub(crate) const MARK_DIGITS: usize = 3;
    /// Maximum thickness in ems of the rule above. Larger: bars are rules. Smaller: thick rules are missed.
    pub(crate) const RULE_THICKNESS: f32 = 0.4;
    /// Minimum width of that rule in ems. Larger: short rules are missed. Smaller: fraction bars and dashes
    /// are rules.
    pub(crate) const RULE_MIN_WIDTH: f32 = 2.5;
    /// Maximum width of that rule as a share of the page's: longer ones belong to tables and pages. Larger:
    /// rules above a table count. Smaller: long rules above notes are missed.
    pub(crate) const RULE_MAX_WIDTH: f32 = 0.45;
    /// Share of the page's height, from the top, below which that rule lies. Larger: rules above long notes
    /// are missed. Smaller: rules below a title count.
    pub(crate) const RULE_PLACE: f32 = 0.5;
    /// Distance in ems within which there is no other rule: tables and frames have several. Larger: a rule
    /// near a table is missed. Smaller: the rule of a table counts.
    pub(crate) const RULE_ALONE: f32 = 4.0;
    /// Overlap in ems of the text with the rule above it: boxes reach up to the ascent. Larger: underlines
    /// count as rules above. Smaller: close rules are missed.
    pub(crate) const RULE_OVERLAP: f32 = 0.3;
    /// Maximum distance in ems of the text below the rule. Larger: rules between sections count. Smaller:
    /// rules with a gap below are missed.
    pub(crate) const RULE_TEXT_GAP: f32 = 1.5;
}

/// Regions of the same kind that are merged.
pub(super) mod joined {
    /// Minimum text size, in pixels at 144 dpi, for the distances below: 4 points.
    pub(crate) const MIN_SIZE: f32 = 8.0;
    /// Distance, relative to their text size, below which parts of a formula are merged. Larger: formulas
    /// below each other become one. Smaller: fractions are split.
    pub(crate) const FORMULA_GAP: f32 = 0.6;
    /// Distance below which parts of a table of contents are merged: gaps between chapters do not end it.
    /// Larger: two tables of contents become one. Smaller: one is split into chapters.
    pub(crate) const CONTENTS_GAP: f32 = 2.5;
    /// Distance below which parts of a listing are merged: an empty line does not end it. Larger: two
    /// listings become one. Smaller: one is split at empty lines.
    pub(crate) const LISTING_GAP: f32 = 2.2;
}

/// Tables of contents without dots.
pub(super) mod contents {
    /// Minimum white space between an entry and its page number in heights of the line. Larger: long entries end the table.
    /// Smaller: headings that end with a number are entries.
    pub(crate) const GAP: f32 = 1.0;
    /// Maximum distance in pixels of the right edges of page numbers. Larger: values of lists are page numbers. Smaller:
    /// numbers of different fonts are not.
    pub(crate) const EDGE: f32 = 4.0;
    /// Minimum number of consecutive entries that would be headings or have dots. Larger: short tables are headings.
    pub(crate) const HEADED: usize = 3;
    /// Minimum number of consecutive entries in the type of text. Larger: tables of plain entries are text. Smaller: lists
    /// of growing values are contents.
    pub(crate) const PLAIN: usize = 6;
}

/// Headings that bookmarks name.
pub(super) mod bookmarks {
    /// Most lines of a title. Larger: text is compared with it for longer. Smaller: long titles are missed.
    pub(crate) const MAX_LINES: usize = 5;
    /// Most bytes of a heading's number, with its word: `chapter12`. Larger: other text before a title is its number.
    pub(crate) const MAX_NUMBER: usize = 12;
    /// Smallest font size relative to body text. Larger: small headings are missed. Smaller: running headers that repeat
    /// a title are headings.
    pub(crate) const SMALLEST: f32 = 0.9;
}

/// Tags of a PDF.
pub(super) mod tags {
    /// Minimum share of tagged text for tags to be used. Larger: tags of pages with an untagged header are
    /// ignored. Smaller: on partly tagged pages the rest loses its place.
    pub(crate) const MIN_COVER: f32 = 0.85;
    /// Minimum share of neighbouring regions whose order the tags must preserve. Larger: tags that correct
    /// the order of a page are ignored. Smaller: tags in drawing order are followed.
    pub(crate) const MIN_AGREEMENT: f32 = 0.6;
    /// Maximum share of heading elements: beyond it, headings were used for their looks. Larger: pages tagged
    /// as headings throughout are believed. Smaller: lists of headings are not.
    pub(crate) const MAX_HEADING_SHARE: f32 = 0.5;
    /// Minimum share of neighbouring cells of a tagged table whose texts stand as neighbours. Larger: tables with cells that
    /// hang over are not believed. Smaller: lists tagged as tables are.
    pub(crate) const MIN_PLACED: f32 = 0.9;
    /// Most rows of the head of a tagged table that names none; more are rows of text above those of numbers.
    pub(crate) const MOST_HEAD_ROWS: usize = 4;
    /// Distance in ems of a tagged cell's text from those of its column, up to which it belongs there. Larger: texts of a
    /// column that is not known are put beside it. Smaller: short numbers below long headings are none of their column.
    pub(crate) const MISPLACED: f32 = 4.0;
    /// Characters beyond which a cell of a tagged table holds a long paragraph. Larger: pages laid out with tables of short texts
    /// are tables. Smaller: tables with descriptions are none.
    pub(crate) const PROSE_CHARS: usize = 350;
    /// Share of such cells, as a fraction, from which a tagged table only places the parts of a page. Larger: pages laid out
    /// with tables are tables. Smaller: tables with a column of descriptions are none.
    pub(crate) const PROSE_CELLS: (usize, usize) = (1, 4);
}

/// Confidence of each rule in its label, 0 to 1: the scores of regions in results. They decide nothing; they
/// are estimates, ordered by how often the rules err.
pub(super) mod scores {
    /// Headings by a PDF's own tags.
    pub(crate) const TAGGED_HEADING: f32 = 0.95;
    /// Text that matches no other rule.
    pub(crate) const TEXT: f32 = 0.9;
    /// Tables.
    pub(crate) const TABLE: f32 = 0.9;
    /// Tables of contents.
    pub(crate) const CONTENTS: f32 = 0.85;
    /// Listings.
    pub(crate) const LISTING: f32 = 0.85;
    /// Captions.
    pub(crate) const CAPTION: f32 = 0.85;
    /// Images and charts.
    pub(crate) const FIGURE: f32 = 0.85;
    /// Formulas.
    pub(crate) const FORMULA: f32 = 0.8;
    /// Headings by size, appearance or wording.
    pub(crate) const HEADING: f32 = 0.8;
    /// Vertical text.
    pub(crate) const VERTICAL: f32 = 0.8;
    /// Page numbers, and headers and footers beside one.
    pub(crate) const NUMBERED_MARGIN: f32 = 0.8;
    /// Headers without a page number.
    pub(crate) const HEADER: f32 = 0.75;
    /// Footnotes.
    pub(crate) const FOOTNOTE: f32 = 0.75;
    /// Rotated text.
    pub(crate) const ASIDE: f32 = 0.7;
}
