//! Thresholds of boxes of text, told from drawings.

/// Share of a piece of text or a shape that must lie in a box to belong to it. Larger: text that reaches
/// over its frame is not the frame's. Smaller: shapes take lines that they touch.
pub(crate) const HELD: f32 = 0.6;
/// Common height, as a share of the lower of two pieces, from which they stand in one line; and common
/// width, as a share of the narrower, from which one stands below the other.
pub(crate) const SAME_LINE: f32 = 0.5;
/// Maximum gap in ems between pieces of one line. Larger: labels side by side are one line of many words.
/// Smaller: justified lines fall apart.
pub(crate) const WORD_GAP: f32 = 1.5;
/// Maximum gap in ems between pieces of one line of code: comments are set off by spaces.
pub(crate) const CODE_GAP: f32 = 20.0;
/// Maximum distance in ems from line to line in a stack: double spacing. Larger: labels below one another
/// are lines of one text. Smaller: widely set text is single lines.
pub(crate) const LEADING: f32 = 2.1;
/// The same for code, which has empty lines.
pub(crate) const CODE_LEADING: f32 = 3.2;
/// Maximum difference of font sizes in a stack, relative to the larger. Larger: titles are lines of their
/// text, which does no harm. Smaller: lines with much mathematics are stacks of their own.
pub(crate) const SAME_SIZE: f32 = 0.25;
/// Distance in ems within which lines start at one edge.
pub(crate) const EDGE_SLACK: f32 = 0.5;
/// Minimum share of lines that start at the left edge of text; the others are indented. Larger: poems and
/// listings in boxes are figures. Smaller: centred labels have an edge.
pub(crate) const LEFT_SHARE: f32 = 0.5;
/// Minimum number of lines with a common left edge, of lines of code, or of items of a list in a box. Larger:
/// short listings are figures. Smaller: single labels in fonts with equal widths are code.
pub(crate) const LEAST_LINES: usize = 2;
/// Mean number of words a line from which lines with a common left edge are text. Larger: narrow columns
/// in boxes are figures. Smaller: labels of two lines are text.
pub(crate) const LINE_WORDS: f32 = 3.0;
/// Number of lines with a common left edge from which short ones are text, too. Larger: short lists in boxes
/// are figures. Smaller: legends are text.
pub(crate) const MANY_LINES: usize = 5;
/// The same mean number of words for that many lines. Larger: listings in proportional fonts are figures.
pub(crate) const MANY_WORDS: f32 = 1.5;
/// The same for single and centred lines, as labels are set. Larger: centred text is a figure.
pub(crate) const FREE_WORDS: f32 = 4.5;
/// Minimum number of words of a text. Larger: boxes with a short sentence need more evidence. Smaller: long
/// labels make a shape their background.
pub(crate) const TEXT_WORDS: f32 = 6.0;
/// Share of the words of a box that must run for it to be a box of text: most of them.
pub(crate) const RUNNING_SHARE: f32 = 0.5;
/// Share of a box that running lines cover from which it is their background wherever they stand. Larger:
/// frames and tinted boxes with wide margins absorb their text. Smaller: diagrams with a long remark are
/// split up.
pub(crate) const COVER: f32 = 0.18;
/// The same for text that is set as in a frame. Larger: panels with little text are figures. Smaller:
/// curves around the legend of a plot are its frame.
pub(crate) const LOOSE_COVER: f32 = 0.05;
/// Maximum distance in ems of text from the sides of its frame where it starts, and maximum difference of
/// the distances on both sides where it is centred. Larger: labels anywhere in a curve have a frame.
/// Smaller: frames with a wide margin are figures.
pub(crate) const PADDING: f32 = 3.0;
/// Thickness in ems below which a shape beside text is a side bar, shadow or line of its frame. Larger:
/// bars of charts are lines of a frame.
pub(crate) const STRIP: f32 = 1.0;
/// Length of such a strip, relative to its thickness. Larger: short side bars are icons. Smaller: dots are strips.
pub(crate) const STRIP_LENGTH: f32 = 3.0;
/// Largest side in ems of an icon beside text. Larger: small drawings with a label are boxes of text.
/// Smaller: large icons make their box a figure.
pub(crate) const ICON: f32 = 3.0;
/// Share of a strip or icon that text may overlap.
pub(crate) const TOUCH: f32 = 0.1;
/// Width of the shade behind a title, relative to its box's. Smaller: boxes of a diagram are such shades.
pub(crate) const TITLE_WIDTH: f32 = 0.8;
/// Maximum gap in ems between the stacks of a box of text. Larger: labels far apart are one text.
pub(crate) const STACK_GAP: f32 = 4.5;
/// Minimum number of letters of a word: names of points and variables are labels.
pub(crate) const WORD_LETTERS: usize = 3;
/// Distance in pixels at 144 dpi within which a line touches a shape. Larger: lines that pass by lead to
/// it. Smaller: arrows that end short of their box do not.
pub(crate) const CONTACT: f32 = 3.0;
/// Minimum length in ems by which a line that leads to a shape stands out of it. Larger: short arrows are
/// none. Smaller: shadows and corners lead to their box.
pub(crate) const LEAD: f32 = 0.7;
/// Maximum width of such a line, relative to the side it leads to. Larger: shades beside a panel lead to
/// it. Smaller: wide arrows do not.
pub(crate) const LEAD_SIDE: f32 = 0.35;
/// The same for lines that are slanted or bent, whose boxes are wider. Larger: ornaments beside a panel lead to it.
pub(crate) const BENT_SIDE: f32 = 1.0;
/// Share of a side next to its corners where a line is a piece of a frame and leads nowhere.
pub(crate) const CORNER: f32 = 0.1;
/// Most stacks of text in a node of a diagram: a name, what it is and what it has. Larger: panels that ornaments touch
/// are figures.
pub(crate) const NODE_STACKS: usize = 3;
/// Minimum share of a node that its text covers: nodes are as large as their labels. Larger: nodes with wide margins
/// are text.
pub(crate) const NODE_COVER: f32 = 0.08;
/// Number of running words that are read wherever they stand in a drawing: a slide or page in miniature. Larger: text
/// on ornaments is lost in them. Smaller: remarks in diagrams are paragraphs.
pub(crate) const PAGE_WORDS: f32 = 20.0;
