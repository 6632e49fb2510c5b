//! Parameters of reading documents and writing results, of the text of PDFs, and of lines.

use super::{BASE, Destination, Heading, Parameter, ValueKind};

const LINES: Parameter = BASE;
const OUTPUT: Parameter = Parameter {
    kind: ValueKind::Bool,
    heading: Heading::InputAndOutput,
    value_name: "BOOL",
    ..BASE
};
const PROGRAM: Parameter = Parameter {
    place: Destination::Program { key: None },
    ..OUTPUT
};
const PIPELINE: Parameter = Parameter {
    heading: Heading::Pipeline,
    value_name: "MODE",
    ..BASE
};

/// Its entries.
pub(super) const PART: &[Parameter] = &[
    Parameter {
        name: "pages",
        kind: ValueKind::Text,
        value_name: "RANGES",
        help: "Pages to parse, counted from 1, such as 1-3,7,10-",
        ..PROGRAM
    },
    Parameter {
        name: "max_pages",
        kind: ValueKind::Within(1, u64::MAX),
        value_name: "N",
        help: "Limit on the pages of a document; pages beyond it are skipped and reported, with exit code 3 \
               [default: all]",
        ..PROGRAM
    },
    Parameter {
        name: "password",
        kind: ValueKind::Repeated,
        value_name: "TEXT",
        help: "Password for encrypted PDFs; may be given several times",
        ..PROGRAM
    },
    Parameter {
        name: "animation_frames",
        place: Destination::Key("animation_frames"),
        kind: ValueKind::OneOf(&["first", "all"]),
        value_name: "WHICH",
        help: "Pages of an animated GIF, PNG or WebP: first (its first frame) or all (every frame, at most 10000) \
               [default: first]",
        ..OUTPUT
    },
    Parameter {
        name: "overwrite",
        kind: ValueKind::Switch {
            undoes: Some("skip_existing"),
        },
        help: "Parse documents again even if they are done (the default), and replace files that docparse did not \
               write or that were edited since",
        ..PROGRAM
    },
    Parameter {
        name: "skip_existing",
        kind: ValueKind::Switch {
            undoes: Some("overwrite"),
        },
        help: "Skip documents that are done: the same input and settings, no failed page, all files still there",
        ..PROGRAM
    },
    Parameter {
        name: "fetch_timeout",
        kind: ValueKind::Within(1, 31_536_000),
        value_name: "SECONDS",
        help: "Time limit in seconds for downloading an input [default: 900]",
        ..PROGRAM
    },
    Parameter {
        name: "max_input_size",
        kind: ValueKind::Size,
        value_name: "SIZE",
        help: "Size limit of an input that is downloaded or read from a stream, such as 500M; counts decompressed \
               bytes [default: 4G]",
        ..PROGRAM
    },
    Parameter {
        name: "markdown_ignore_labels",
        place: Destination::Key("markdown_ignore_labels"),
        kind: ValueKind::Texts,
        value_name: "LABEL",
        help: "Labels of blocks that are left out of the Markdown",
        ..OUTPUT
    },
    Parameter {
        name: "markdown_style",
        place: Destination::Key("markdown_style"),
        kind: ValueKind::OneOf(&["gfm", "html"]),
        value_name: "STYLE",
        help: "Look of the Markdown: gfm (GitHub's, with footnotes) or html (the reference's, with styled figures, \
               captions and tables) [default: gfm]",
        ..OUTPUT
    },
    Parameter {
        name: "page_breaks",
        place: Destination::Key("page_breaks"),
        kind: ValueKind::OneOf(&["none", "comment", "rule"]),
        value_name: "MARK",
        help: "Marks of pages in the Markdown: none, comment (with its number, before each page), rule (between pages) \
               [default: none]",
        ..OUTPUT
    },
    Parameter {
        name: "front_matter",
        place: Destination::Key("front_matter"),
        help: "Begin the Markdown with what is known about the document (title, author, source, pages), as YAML \
               [default: false]",
        ..OUTPUT
    },
    Parameter {
        name: "embed_images",
        place: Destination::Key("embed_images"),
        help: "Put pictures into the Markdown and HTML themselves, instead of links to files [default: false]",
        ..OUTPUT
    },
    Parameter {
        name: "format_block_content",
        place: Destination::Key("format_block_content"),
        help: "Write block contents in the JSON as Markdown",
        ..OUTPUT
    },
    Parameter {
        name: "merge_tables",
        help: "Join tables that continue on the next page [default: true, with --compat false]",
        ..OUTPUT
    },
    Parameter {
        name: "relevel_titles",
        help: "Assign heading depths consistently over the whole document [default: true, with --compat false]",
        ..OUTPUT
    },
    Parameter {
        name: "concatenate_pages",
        help: "Join all pages into one result [default: false]",
        ..OUTPUT
    },
    Parameter {
        name: "compat",
        kind: ValueKind::Switch { undoes: None },
        help: "Write the same files as the reference, with its names, page by page",
        ..PROGRAM
    },
    Parameter {
        name: "text_layer",
        place: Destination::Key("text_layer"),
        kind: ValueKind::OneOf(&["auto", "always", "never"]),
        help: "Use of the text layer of PDFs: auto (if it passes the checks), always, never. With PaddleOCR-VL, auto \
               takes only plain-text blocks from it [default: auto; with PaddleOCR-VL never]",
        ..PIPELINE
    },
    Parameter {
        name: "hidden_text",
        place: Destination::Key("hidden_text"),
        kind: ValueKind::OneOf(&["drop", "keep", "mark"]),
        help: "Text of PDFs that a reader does not see (off the page, in the colour of its ground, covered, in a layer \
               that is off): drop (only list it in the JSON), keep (as any text), mark (list it, and put it in its \
               place as a comment) [default: drop]",
        ..PIPELINE
    },
    Parameter {
        name: "text_layer_check",
        kind: ValueKind::Percent,
        value_name: "PERCENT",
        help: "Share of the blocks taken from the text layer that PaddleOCR-VL also reads, as a check, such as 5% \
               [default: 2%]",
        ..PIPELINE
    },
    Parameter {
        name: "det_limit_side_len",
        place: Destination::Key("SubModules.LineDetection.det_limit_side_len"),
        kind: ValueKind::Int,
        help: "Line detection: side length in pixels to which pictures are scaled, as --det-limit-type says",
        ..LINES
    },
    Parameter {
        name: "det_limit_type",
        place: Destination::Key("SubModules.LineDetection.det_limit_type"),
        kind: ValueKind::OneOf(&["letters", "min", "max"]),
        value_name: "TYPE",
        help: "Line detection: letters (as small as the letters on the page allow, at most as min), min (enlarge until the shorter side has --det-limit-side-len) or max (shrink until \
               the longer side has it)",
        ..LINES
    },
    Parameter {
        name: "det_db_thresh",
        place: Destination::Key("SubModules.LineDetection.det_db_thresh"),
        value_name: "P",
        help: "Line detection: probability above which a pixel counts as text",
        ..LINES
    },
    Parameter {
        name: "det_db_box_thresh",
        place: Destination::Key("SubModules.LineDetection.det_db_box_thresh"),
        value_name: "P",
        help: "Line detection: mean probability below which a box is dropped",
        ..LINES
    },
    Parameter {
        name: "det_db_unclip_ratio",
        place: Destination::Key("SubModules.LineDetection.det_db_unclip_ratio"),
        value_name: "RATIO",
        help: "Line detection: ratio by which boxes are enlarged",
        ..LINES
    },
    Parameter {
        name: "rec_batch_num",
        place: Destination::Key("SubModules.LineRecognition.rec_batch_num"),
        kind: ValueKind::Int,
        help: "Batch size of line recognition",
        ..LINES
    },
    Parameter {
        name: "strict_language",
        place: Destination::Program { key: None },
        kind: ValueKind::Switch { undoes: None },
        help: "Exit with code 3 if lines of a page could not be read, or only doubtfully, as those in a script that the \
               recognizer lacks",
        ..LINES
    },
    Parameter {
        name: "rec_precision",
        place: Destination::Key("SubModules.LineRecognition.precision"),
        kind: ValueKind::OneOf(&["auto", "f32", "int8"]),
        value_name: "PRECISION",
        help: "Line recognition: f32 (single precision), int8 (weights and activations of eight bits, on CPUs) or auto (int8 on CPUs \
               with VNNI, else f32)",
        ..LINES
    },
    Parameter {
        name: "rec_model_dir",
        place: Destination::Key("SubModules.LineRecognition.model_dirs"),
        kind: ValueKind::Repeated,
        value_name: "DIR",
        help: "Line recognition: folder of a further PP-OCR recognizer in ONNX with its dictionary, for scripts that the embedded one \
               lacks; lines that that one is not sure of are read by it, too. May be given several times",
        ..LINES
    },
    Parameter {
        name: "drop_score",
        place: Destination::Key("SubModules.LineRecognition.drop_score"),
        value_name: "P",
        help: "Line recognition: confidence below which a line is dropped",
        ..LINES
    },
    Parameter {
        name: "use_textline_orientation",
        place: Destination::Key("SubModules.LineRecognition.use_textline_orientation"),
        kind: ValueKind::Bool,
        value_name: "BOOL",
        help: "Detect upside-down lines and rotate them",
        ..LINES
    },
    Parameter {
        name: "use_page_orientation",
        place: Destination::Key("SubModules.PageOrientation.use_page_orientation"),
        kind: ValueKind::Bool,
        value_name: "BOOL",
        help: "See which way up a scanned page is before its lines are detected, with a small network [default: true]",
        ..LINES
    },
    Parameter {
        name: "use_page_layout",
        place: Destination::Key("SubModules.PageLayout.use_page_layout"),
        kind: ValueKind::Bool,
        value_name: "BOOL",
        help: "Look for headings and running headers in the pictures of scanned pages, with a small network \
               [default: true]",
        ..LINES
    },
    Parameter {
        name: "use_table_structure",
        place: Destination::Key("SubModules.TableStructure.use_table_structure"),
        kind: ValueKind::Bool,
        value_name: "BOOL",
        help: "Look for the cells of tables in the pictures of scanned pages, with a small network, where geometry \
               has more in a cell than belongs there [default: true]",
        ..LINES
    },
];
