//! Codes of messages, in the JSON of results (`diagnostics.messages`) and on stderr (`--log-format json`).
//! Codes are stable; the wording of messages may change. `docs/errors.md` lists them.

use crate::fault::Reason;
use serde::{Serialize, Serializer};

macro_rules! codes {
    ($($variant:ident = $name:literal, $what:literal, $todo:literal;)*) => {
        /// A stable code for programs that says what happened.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Code {
            $(#[doc = $what] $variant,)*
        }

        impl Code {
            /// All codes.
            pub const ALL: &'static [Code] = &[$(Code::$variant),*];

            /// The code as written in files and logs.
            pub const fn name(self) -> &'static str {
                match self { $(Code::$variant => $name,)* }
            }

            /// One sentence on what happened.
            pub const fn meaning(self) -> &'static str {
                match self { $(Code::$variant => $what,)* }
            }

            /// Advice on what to do about it.
            pub const fn advice(self) -> &'static str {
                match self { $(Code::$variant => $todo,)* }
            }
        }
    };
}

codes! {
    PageFailed = "page_failed", "A page could not be parsed; the message says why.",
        "Where it says so, raise `page_timeout`, `memory_limit`, or `worker_memory` in a file of settings; else the page is damaged. The other pages are whole.";
    PageRepeated = "page_repeated", "A PDF lists one page so often that it is not parsed again.",
        "Nothing: the page that is named has the content. `pages` with that page alone, or `compat`, parse it all the same.";
    LinesUnavailable = "lines_unavailable", "A page needs its lines read from its picture, and the line networks are not there.",
        "Run `scripts/setup.sh`, or name their folder with `runtime_dir`; `docparse doctor` checks them.";
    TooNarrow = "too_narrow", "A picture is so narrow that no text fits into it.", "Nothing, unless it was cut wrongly.";
    PictureCut = "picture_cut", "A picture is damaged or cut off; the rows that are there were read.",
        "Get the whole file; the message says how many rows are missing.";
    LineTooLong = "line_too_long", "Something looked like a line of text and is too long to be one; it was not read.",
        "Look at the page: it may be a drawing. Cut the picture into parts if it is text.";
    LinesUnread = "lines_unread", "Lines in the picture of a page could not be read, or only doubtfully; their script may be one that the recognizer lacks. Their picture is kept.",
        "Give a recognizer for the script with `rec_model_dir`; `docparse doctor` lists the scripts that are read. With `strict_language` the exit code is 3.";
    TextUnreadable = "text_unreadable", "Text of a PDF was not read: its characters have no meaning in Unicode or are not shown, or its encoding is not known.",
        "Look at the page. `text_layer` says whether the PDF's own text or the page's picture is read.";
    BlockFailed = "block_failed", "A block could not be recognized; the message says why.",
        "Parse the document again if the reason may pass; the block's place and its picture are in the result.";
    BlockCut = "block_cut", "The answer to a block came to its limit of tokens.", "Raise `max_new_tokens`.";
    BlockRepetition = "block_repetition", "The answer to a block repeated itself and was ended.",
        "Look at the block: what stands before the repetition is kept.";
    BlockTimeout = "block_timeout", "The time of a block was up before its answer was whole.", "Raise `block_timeout`.";
    AnswerCut = "answer_cut", "The answer to a block was longer than anything that stands on a page, and was cut.",
        "Look at the block; with a server, limit its answers.";
    TableTooLarge = "table_too_large", "The answer about a table has more cells than a table is given.", "Look at the block: its text is kept.";
    XfaForm = "xfa_form", "A PDF is an XFA form, and its pages do not show what it holds.",
        "Look at the form in a program that shows XFA: labels, order and what depends on scripts may differ.";
    TextLayerDiffers = "text_layer_differs", "The PDF's own text of a block is not what the recognizer reads; the latter is taken.",
        "Leave `text_layer` out to have everything read.";
    PdfCut = "pdf_cut", "Something of a PDF is beyond what is read of one: fields of a page, bookmarks, a title; the message says what.",
        "Nothing, if the file is meant to be so. The rest is read.";
    TablesApart = "tables_apart", "A table may go on over pages, and its parts are too large to be put together.", "Join them in the workbook.";
    PageCount = "page_count", "A PDF says that it has more pages than are there.", "Nothing: those that are there are parsed. The file may be cut off.";
    MaxPages = "max_pages", "A document has more pages than `max_pages` allows; the rest is left out.", "Raise it, or leave it out.";
    InputFailed = "input_failed", "A document could not be parsed at all; the message says why.", "The message says what to do.";
    LeftOut = "left_out", "Something in a folder is not read: a pipe, a device, a socket.", "Give a pipe as an input of its own if it is meant.";
    Skipped = "skipped", "A document is done already (`skip_existing`), or it is an output of docparse itself.", "Name an output as an input of its own if it is meant.";
    DoneAgain = "done_again", "A document that was done before is done again; the message says why.", "Nothing.";
    DocumentDone = "document_done", "A document is finished.", "Nothing.";
    PageDone = "page_done", "A page is finished (`verbose`).", "Nothing.";
    Note = "note", "Something worth knowing about the run.", "Nothing.";
    Summary = "summary", "The last message of a run: what was done, and where.", "Nothing.";
    Usage = "usage", "The command line or a setting is wrong; nothing was done.", "The message says what to do.";
    Fatal = "fatal", "The run could not begin, or could not go on.", "The message says what to do.";
    Error = "error", "Another error, about no document.", "The message says what it is about.";
    Warning = "warning", "Another warning.", "The message says what it is about.";
    Debug = "debug", "What the run does (`verbose`).", "Nothing.";
    Panic = "panic", "A fault of docparse itself. It costs the page or the file at hand.", "Report it, with the file if you can.";
}

#[cfg(test)]
impl schemars::JsonSchema for Code {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Code".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        let names: Vec<&str> = Code::ALL.iter().map(|code| code.name()).collect();
        schemars::json_schema!({"type": "string", "enum": names})
    }
}

impl Serialize for Code {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.name())
    }
}

/// The list of codes in Markdown, for `docs/errors.md`.
pub fn reference() -> String {
    let setting = "page_timeout";
    let flag = setting.replace('_', "-");
    let mut text = format!(
        "# Codes of messages\n\n\
         Messages in `diagnostics.messages` of results and on stderr as JSON (`log_format`: json) carry one of these codes. The words of\n\
         messages may change, codes do not. Settings are called here as in files of settings; on the command line `{setting}` is\n\
         `--{flag}`, and so for all of them.\n\n\
         | code | what happened | what to do |\n| --- | --- | --- |\n",
    );
    for code in Code::ALL {
        text.push_str(&format!(
            "| `{}` | {} | {} |\n",
            code.name(),
            code.meaning(),
            code.advice()
        ));
    }
    text.push_str(
        "\n# Reasons\n\n\
         Where something failed a reason says why: `reason` beside the code in `diagnostics.messages` (always with `page_failed` and\n\
         `block_failed`), in messages as JSON about an input (`input_failed`) or the run as a whole, and with inputs of the report.\n\n\
         | reason | what happened | what to do |\n| --- | --- | --- |\n",
    );
    for reason in Reason::ALL {
        text.push_str(&format!(
            "| `{}` | {} | {} |\n",
            reason.name(),
            reason.meaning(),
            reason.advice()
        ));
    }
    text
}
