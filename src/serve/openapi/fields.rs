//! The fields of bodies and answers, by route: names, types, which ones must be there, what they mean. Tests beside the
//! parsers hold that they read these fields, and no others.

use utoipa::openapi::schema::{
    AdditionalProperties, ArrayItems, KnownFormat, SchemaFormat, SchemaType, Type,
};
use utoipa::openapi::{ArrayBuilder, ObjectBuilder, RefOr, Schema};

/// Type of a field.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Kind {
    /// A text.
    Text,
    /// `true` or `false`.
    Switch,
    /// A whole number.
    Whole,
    /// A number.
    Number,
    /// A list of texts.
    Texts,
    /// An object whose keys are told elsewhere.
    Map,
    /// Several types.
    Any,
    /// A part of a form that is a file.
    File,
    /// Several such parts of one name.
    Files,
    /// An object.
    Object(&'static [Field]),
    /// A list of objects.
    List(&'static [Field]),
    /// The same, and other fields of the objects are refused.
    StrictList(&'static [Field]),
}

/// What becomes of fields that are not described.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Others {
    /// They are left alone.
    Ignored,
    /// The request is refused.
    Refused,
    /// They are taken if they are files; with others the request is refused.
    Files,
}

/// A field.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Field {
    /// Name.
    pub name: &'static str,
    /// Type.
    kind: Kind,
    /// It must be there.
    is_required: bool,
    /// What it means.
    what: &'static str,
}

const fn may(name: &'static str, kind: Kind, what: &'static str) -> Field {
    Field {
        name,
        kind,
        is_required: false,
        what,
    }
}

const fn must(name: &'static str, kind: Kind, what: &'static str) -> Field {
    Field {
        is_required: true,
        ..may(name, kind, what)
    }
}

use Kind::{Any, File, Files, List, Map, Number, Object, StrictList, Switch, Text, Texts, Whole};

const FORMATS: &str = "Formats, as GET /v1/capabilities lists them; the default ones without any";
const PAGES: &str = "Pages, as in 1-3,7,10-; all without it";
const SETTINGS: &str = "Settings of this job, as GET /v1/capabilities lists them";
const WEBHOOK: &str =
    "Address that is told of the end; its host must be among those that the server allows";
const LOG_ID: &str = "Id of the request, which the answer repeats; a random one without it";
const OUTPUT_FORMATS: &str = "Further formats of each page; only docx";
const MARKDOWN_IMAGES: &str = "The pictures of the Markdown are part of the answer (true)";
const MERGE_TABLES: &str = "Tables that go on over pages are one (true)";
const RELEVEL: &str = "Headings get the levels that they have in the whole document (true)";
const PRETTIFY: &str = "Centred figures and styled tables in the Markdown (true)";
const FORMULA_NUMBER: &str = "Numbers of formulas are part of them in the Markdown (false)";
const FILE: &str = "The file in base64, or its address where the server fetches addresses";
const FILE_TYPE: &str = "0 for a PDF, 1 for a picture; of an address it follows from the ending";
const VISUALIZE: &str =
    "Drawings and the page's picture are part of the answer (as the server is set)";
const NO_EFFECT: &str =
    "Checked, without effect: it belongs to the server, and the answer says what was used";
const NOT_HERE: &str = "Checked, without effect";

/// A file of an order in JSON: one of `content` and `url`.
#[rustfmt::skip]
pub(crate) const ORDER_FILE: &[Field] = &[
    may("name", Text, "Name of the file; of an address, what its server says"),
    may("content", Text, "The file in base64"),
    may("url", Text, "Address of the file, instead of its content; only where the server fetches addresses"),
];

/// `POST /v1/jobs` as JSON.
#[rustfmt::skip]
pub(crate) const ORDER: &[Field] = &[
    must("files", StrictList(ORDER_FILE), "The files"),
    may("formats", Texts, FORMATS),
    may("pages", Text, PAGES),
    may("settings", Map, SETTINGS),
    may("webhook", Text, WEBHOOK),
];

/// The same as a form. Parts that are files may have any name.
#[rustfmt::skip]
pub(crate) const ORDER_FORM: &[Field] = &[
    must("file", Files, "The files, one or more parts; the name of the part does not matter"),
    may("formats", Text, "Formats, with commas between, or several parts"),
    may("pages", Text, PAGES),
    may("settings", Text, "Settings of this job, as a JSON object"),
    may("webhook", Text, WEBHOOK),
];

/// `/layout-parsing`.
#[rustfmt::skip]
pub(crate) const LAYOUT_PARSING: &[Field] = &[
    must("file", Text, FILE),
    may("fileType", Whole, FILE_TYPE),
    may("useDocOrientationClassify", Switch, "Pages are turned upright"),
    may("useDocUnwarping", Switch, "Pages are unwarped"),
    may("useLayoutDetection", Switch, "A layout is detected; else the page is read as one"),
    may("useChartRecognition", Switch, "Charts are read as tables"),
    may("useSealRecognition", Switch, "Seals are read"),
    may("useOcrForImageBlock", Switch, "Pictures are read"),
    may("layoutThreshold", Any, "Least score of a region, 0 to 1; or an object of such numbers by class"),
    may("layoutNms", Switch, "Regions that overlap much are left out"),
    may("layoutUnclipRatio", Any, "Factor by which regions grow, above 0; or two, for width and height; or an object of either by class"),
    may("layoutMergeBboxesMode", Any, "large, small or union: what becomes of regions in each other; or an object of such words by class"),
    may("layoutShapeMode", Text, "rect, quad, poly or auto"),
    may("promptLabel", Text, "What the page is read as without layout detection: ocr, formula, table, chart, seal or spotting"),
    may("formatBlockContent", Switch, "Contents of blocks are Markdown"),
    may("repetitionPenalty", Number, "Of the recognizer, above 0"),
    may("temperature", Number, "Of the recognizer, at least 0"),
    may("topP", Number, "Of the recognizer, above 0, at most 1"),
    may("minPixels", Whole, "Least pixels of a picture that is read"),
    may("maxPixels", Whole, "Most pixels of a picture that is read"),
    may("maxNewTokens", Whole, "Most tokens of an answer of the recognizer"),
    may("mergeLayoutBlocks", Switch, "Blocks beside and below each other are read as one"),
    may("markdownIgnoreLabels", Texts, "Labels that are left out of the Markdown"),
    may("prettifyMarkdown", Switch, PRETTIFY),
    may("showFormulaNumber", Switch, FORMULA_NUMBER),
    may("returnMarkdownImages", Switch, MARKDOWN_IMAGES),
    may("restructurePages", Switch, "Steps over the whole document, as of /restructure-pages (false)"),
    may("mergeTables", Switch, MERGE_TABLES),
    may("relevelTitles", Switch, RELEVEL),
    may("outputFormats", Texts, OUTPUT_FORMATS),
    may("visualize", Switch, VISUALIZE),
    may("logId", Text, LOG_ID),
];

/// A page of `/restructure-pages`.
#[rustfmt::skip]
pub(crate) const GIVEN_PAGE: &[Field] = &[
    must("prunedResult", Map, "That of an answer of before"),
    may("markdownImages", Map, "Its pictures by path, in base64 or by address"),
];

/// `/restructure-pages`.
#[rustfmt::skip]
pub(crate) const RESTRUCTURE_PAGES: &[Field] = &[
    must("pages", List(GIVEN_PAGE), "Pages of answers of before, in order"),
    may("mergeTables", Switch, MERGE_TABLES),
    may("relevelTitles", Switch, RELEVEL),
    may("concatenatePages", Switch, "All pages are one result (false)"),
    may("prettifyMarkdown", Switch, PRETTIFY),
    may("showFormulaNumber", Switch, FORMULA_NUMBER),
    may("returnMarkdownImages", Switch, MARKDOWN_IMAGES),
    may("outputFormats", Texts, OUTPUT_FORMATS),
    may("logId", Text, LOG_ID),
];

/// `/ocr` as JSON.
#[rustfmt::skip]
pub(crate) const OCR: &[Field] = &[
    must("file", Text, FILE),
    may("fileType", Whole, FILE_TYPE),
    may("useDocOrientationClassify", Switch, "Pages are turned upright"),
    may("useDocUnwarping", Switch, "Pages are unwarped"),
    may("useTextlineOrientation", Switch, NO_EFFECT),
    may("textDetLimitSideLen", Whole, NO_EFFECT),
    may("textDetLimitType", Text, NO_EFFECT),
    may("textDetThresh", Number, NO_EFFECT),
    may("textDetBoxThresh", Number, NO_EFFECT),
    may("textDetUnclipRatio", Number, NO_EFFECT),
    may("textRecScoreThresh", Number, "Score below which lines are left out, 0 to 1 (0)"),
    may("returnWordBox", Switch, "true is refused: there are boxes of lines"),
    may("visualize", Switch, VISUALIZE),
    may("logId", Text, LOG_ID),
];

/// The forms of the PP-OCR service.
pub(crate) const PP_OCR_FORM: &[Field] = &[must(
    "file",
    File,
    "The file; its kind follows from its name: jpg, jpeg, png, bmp, tiff, gif, webp, pdf",
)];

/// Options of docling's service.
#[rustfmt::skip]
pub(crate) const DOCLING_OPTIONS: &[Field] = &[
    may("to_formats", Texts, "md (the default), json, html, text, doctags"),
    may("from_formats", Texts, "pdf, image: files of other kinds are refused"),
    may("image_export_mode", Text, "placeholder (the default), embedded or referenced"),
    may("include_images", Switch, "false: as placeholder"),
    may("page_range", Any, "First and last page, counted from 1"),
    may("md_page_break_placeholder", Text, "What stands between pages in the Markdown"),
    may("do_ocr", Switch, "false: text of PDFs is taken from their text layer"),
    may("force_ocr", Switch, "true: pages of PDFs are read as pictures"),
    may("table_mode", Text, NOT_HERE),
    may("pipeline", Text, NOT_HERE),
    may("abort_on_error", Switch, NOT_HERE),
    may("do_code_enrichment", Switch, NOT_HERE),
    may("do_formula_enrichment", Switch, NOT_HERE),
    may("do_picture_classification", Switch, NOT_HERE),
    may("do_picture_description", Switch, NOT_HERE),
    may("do_table_structure", Switch, NOT_HERE),
    may("table_cell_matching", Switch, NOT_HERE),
];

/// What a form of docling's service has besides its options.
#[rustfmt::skip]
pub(crate) const DOCLING_FORM: &[Field] = &[
    must("files", Files, "The files, one or more parts"),
    may("target_type", Text, "inbody (the default) or zip"),
    may("callbacks", Text, "Refused: the server calls nobody back"),
];

/// A source of docling's service.
#[rustfmt::skip]
pub(crate) const DOCLING_SOURCE: &[Field] = &[
    must("kind", Text, "file, or http where the server fetches addresses"),
    may("filename", Text, "Name of a file"),
    may("base64_string", Text, "A file in base64"),
    may("url", Text, "Address of a file"),
];

/// Where a result of docling's service goes.
pub(crate) const DOCLING_TARGET: &[Field] = &[must("kind", Text, "inbody (the default) or zip")];

/// A JSON body of docling's service.
#[rustfmt::skip]
pub(crate) const DOCLING_ORDER: &[Field] = &[
    must("sources", List(DOCLING_SOURCE), "The files"),
    may("options", Object(DOCLING_OPTIONS), "Options"),
    may("target", Object(DOCLING_TARGET), "Where the result goes"),
    may("callbacks", Any, "A list that must be empty: the server calls nobody back"),
];

/// A job.
#[rustfmt::skip]
pub(crate) const JOB: &[Field] = &[
    must("id", Text, "Its id"),
    must("state", Text, "queued, running, done, partial, failed or canceled"),
    must("created", Text, "When it was ordered (RFC 3339), as all times"),
    must("started", Any, "When work on it began, or null"),
    must("finished", Any, "When it ended, or null"),
    must("expires", Any, "When it goes, or null"),
    must("pages_done", Whole, "Pages that are finished"),
    must("page_count", Any, "Pages that are parsed; null until all files are open"),
    must("formats", Texts, "Formats that were ordered"),
    must("settings", Map, "Settings that were ordered"),
    may("pages", Text, "Pages that were ordered"),
    must("files", List(JOB_FILE), "Its files, in order"),
    may("error", Map, "Why it has no result: code and message"),
    must("links", Map, "Addresses: self, pages, events, result"),
];

#[rustfmt::skip]
const JOB_FILE: &[Field] = &[
    must("index", Whole, "Position, from 0"),
    must("name", Text, "Name"),
    must("size", Whole, "Bytes"),
    must("sha256", Text, "Hash of its bytes"),
    must("state", Text, "State, as of jobs"),
    must("page_count", Any, "Pages that are parsed, or null"),
    must("pages_done", Whole, "Pages that are finished"),
    must("errors", Any, "A list of what went wrong: code, message and page"),
    must("outputs", List(OUTPUT), "Files of its result"),
];

#[rustfmt::skip]
const OUTPUT: &[Field] = &[
    must("name", Text, "Name, for /v1/jobs/{id}/result/{name}"),
    must("size", Whole, "Bytes"),
    must("media_type", Text, "Media type"),
];

/// A list of jobs.
pub(crate) const JOBS: &[Field] = &[must("jobs", List(JOB), "Jobs, newest first")];

/// An answer of the reference's routes.
#[rustfmt::skip]
pub(crate) const REFERENCE_ANSWER: &[Field] = &[
    must("logId", Text, "Id of the request"),
    must("errorCode", Whole, "0, or the status of a failure"),
    must("errorMsg", Text, "Success, or what went wrong"),
    may("result", Map, "layoutParsingResults (of /ocr ocrResults), a list of pages; dataInfo with their sizes; errors of pages that failed"),
    may("job", Text, "Address of the job, if the answer is 202"),
];

/// `/ocr/json`.
#[rustfmt::skip]
pub(crate) const PP_OCR_JSON: &[Field] = &[
    must("success", Switch, "true"),
    must("filename", Text, "Name of the file"),
    must("file_type", Text, "Its ending"),
    must("text", Text, "The text"),
    must("text_length", Whole, "Characters of the text"),
    must("processing_time", Number, "Seconds"),
    must("has_content", Switch, "There is text"),
];

/// `/ocr/debug`.
#[rustfmt::skip]
pub(crate) const PP_OCR_DEBUG: &[Field] = &[
    must("filename", Text, "Name of the file"),
    must("image_size", Text, "As in 600x240"),
    must("raw_result_count", Whole, "Lines"),
    must("raw_results", Any, "A list of lines: index, text, confidence, bbox, text_length, is_single_char"),
    must("filtered_text", Text, "The text of lines that are sure enough"),
    must("processing_time", Number, "Seconds"),
];

/// A result of docling's service.
#[rustfmt::skip]
pub(crate) const DOCLING_RESULT: &[Field] = &[
    must("document", Map, "filename, and md_content, json_content, html_content, text_content, doctags_content, null where not asked for"),
    must("status", Text, "success, partial_success or failure"),
    must("errors", Any, "A list of what went wrong"),
    must("processing_time", Number, "Seconds"),
    must("timings", Map, "Empty"),
];

/// A task of docling's service.
#[rustfmt::skip]
pub(crate) const DOCLING_TASK: &[Field] = &[
    must("task_id", Text, "Its id, which is that of the job"),
    must("task_type", Text, "convert"),
    must("task_status", Text, "pending, started, success or failure"),
    must("task_position", Any, "Position in the queue, from 1, or null"),
    must("task_meta", Map, "Numbers of documents"),
    must("error_message", Any, "Why there is no result, or null"),
];

/// A message about such a task.
#[rustfmt::skip]
pub(crate) const DOCLING_MESSAGE: &[Field] = &[
    must("message", Text, "connection, update or error"),
    must("task", Any, "The task, or null"),
    must("error", Any, "Why there is no task, or null"),
];

/// The names of fields, in order.
pub(crate) fn names(fields: &[Field]) -> Vec<&'static str> {
    fields.iter().map(|field| field.name).collect()
}

/// The description of an object with these fields.
pub(super) fn object<'a>(
    fields: impl IntoIterator<Item = &'a Field>,
    others: Others,
) -> ObjectBuilder {
    let built = ObjectBuilder::new()
        .schema_type(Type::Object)
        .additional_properties(match others {
            Others::Ignored => None,
            Others::Refused => Some(AdditionalProperties::FreeForm(false)),
            Others::Files => Some(AdditionalProperties::RefOr(list(file()).into())),
        });
    fields.into_iter().fold(built, |built, field| {
        let built = built.property(field.name, schema(field));
        match field.is_required {
            true => built.required(field.name),
            false => built,
        }
    })
}

fn plain(kind: Type) -> ObjectBuilder {
    ObjectBuilder::new().schema_type(kind)
}

fn file() -> ObjectBuilder {
    let binary = SchemaFormat::KnownFormat(KnownFormat::Binary);
    plain(Type::String).format(Some(binary))
}

fn list(items: ObjectBuilder) -> ArrayBuilder {
    let items = ArrayItems::RefOrSchema(Box::new(items.into()));
    ArrayBuilder::new().items(items)
}

fn schema(field: &Field) -> RefOr<Schema> {
    let what = Some(field.what);
    let list_of = |items: ObjectBuilder| list(items).description(what).into();
    match field.kind {
        Text => plain(Type::String),
        Switch => plain(Type::Boolean),
        Whole => plain(Type::Integer),
        Number => plain(Type::Number),
        Map => plain(Type::Object),
        Any => ObjectBuilder::new().schema_type(SchemaType::AnyValue),
        File => file(),
        Object(fields) => object(fields, Others::Ignored),
        Texts => return list_of(plain(Type::String)),
        Files => return list_of(file()),
        List(fields) => return list_of(object(fields, Others::Ignored)),
        StrictList(fields) => return list_of(object(fields, Others::Refused)),
    }
    .description(what)
    .into()
}
