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
        help: "Pages to parse, from 1, such as 1-3,7,10-",
        ..PROGRAM
    },
    Parameter {
        name: "max_pages",
        kind: ValueKind::Within(1, u64::MAX),
        value_name: "N",
        help: "Most pages of a document; what is left out is told, with exit code 3 [default: all]",
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
        name: "overwrite",
        kind: ValueKind::Switch {
            undoes: Some("skip_existing"),
        },
        help: "Write documents again that were written before: the default",
        ..PROGRAM
    },
    Parameter {
        name: "skip_existing",
        kind: ValueKind::Switch {
            undoes: Some("overwrite"),
        },
        help: "Leave out documents that were written before",
        ..PROGRAM
    },
    Parameter {
        name: "fetch_timeout",
        kind: ValueKind::Within(1, 31_536_000),
        value_name: "SECONDS",
        help: "Seconds after which the download of an input is given up [default: 900]",
        ..PROGRAM
    },
    Parameter {
        name: "max_input_size",
        kind: ValueKind::Size,
        value_name: "SIZE",
        help: "Most bytes of an input that is fetched or read from a stream, such as 500M; counted as they are unpacked [default: 4G]",
        ..PROGRAM
    },
    Parameter {
        name: "markdown_ignore_labels",
        place: Destination::Key("markdown_ignore_labels"),
        kind: ValueKind::Texts,
        value_name: "LABEL",
        help: "Labels left out of Markdown",
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
        help: "Join tables that go on on the next page [default: true, with --compat false]",
        ..OUTPUT
    },
    Parameter {
        name: "relevel_titles",
        help: "Find the depths of headings over the whole document [default: true, with --compat false]",
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
        help: "Write the files that the reference writes, with its names, page by page",
        ..PROGRAM
    },
    Parameter {
        name: "text_layer",
        place: Destination::Key("text_layer"),
        kind: ValueKind::OneOf(&["auto", "always", "never"]),
        help: "Where the text of PDF pages comes from: auto, always (the PDF's own), never. With PaddleOCR-VL, blocks of \
               plain text are taken from pages whose text passes all checks [default: auto; with PaddleOCR-VL never]",
        ..PIPELINE
    },
    Parameter {
        name: "text_layer_check",
        kind: ValueKind::Percent,
        value_name: "PERCENT",
        help: "Share of the blocks taken from a PDF's text that PaddleOCR-VL reads as well, to compare, such as 5% \
               [default: 2%]",
        ..PIPELINE
    },
    Parameter {
        name: "det_limit_side_len",
        place: Destination::Key("SubModules.LineDetection.det_limit_side_len"),
        kind: ValueKind::Int,
        help: "Line detection: side length in pixels; --det-limit-type says which side",
        ..LINES
    },
    Parameter {
        name: "det_limit_type",
        place: Destination::Key("SubModules.LineDetection.det_limit_type"),
        kind: ValueKind::OneOf(&["min", "max"]),
        value_name: "TYPE",
        help: "Line detection: min (shorter side at least) or max (longer side at most)",
        ..LINES
    },
    Parameter {
        name: "det_db_thresh",
        place: Destination::Key("SubModules.LineDetection.det_db_thresh"),
        value_name: "P",
        help: "Line detection: probability above which a pixel is text",
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
        help: "Line detection: how far boxes are grown",
        ..LINES
    },
    Parameter {
        name: "rec_batch_num",
        place: Destination::Key("SubModules.LineRecognition.rec_batch_num"),
        kind: ValueKind::Int,
        help: "Lines recognized at once",
        ..LINES
    },
    Parameter {
        name: "drop_score",
        place: Destination::Key("SubModules.LineRecognition.drop_score"),
        value_name: "P",
        help: "Confidence below which a line is dropped",
        ..LINES
    },
    Parameter {
        name: "use_textline_orientation",
        place: Destination::Key("SubModules.LineRecognition.use_textline_orientation"),
        kind: ValueKind::Bool,
        value_name: "BOOL",
        help: "Rotate upside-down lines",
        ..LINES
    },
];
