//! Messages on stderr: lines for people (`error: ...`, `note: ...`) or one JSON object per line.
//!
//! One function writes them all: the events of `tracing`, messages before a run is set up, panics, and the
//! closing line. In JSON, every record has the same keys: `level`, `code`, `message`, `file`, `page` and
//! `last_page`; the last three are null if a message concerns no file, no page, or no range of pages. No
//! message can move the cursor or start a new line ([`shown::text`]).

use super::flags;
use super::values::LogFormat;
use crate::document::Code;
use crate::shown;
use serde_json::{Map, Value, json};
use std::fmt::{self, Write as _};
use std::io::IsTerminal;
use std::panic::PanicHookInfo;
use std::sync::atomic::{AtomicBool, Ordering};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::fmt::FmtContext;
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::registry::LookupSpan;

/// Where the records of the service come from.
const SERVICE: &str = "docparse::serve";

/// Messages are written as JSON.
static AS_JSON: AtomicBool = AtomicBool::new(false);

/// Sets the format of all later messages.
pub(super) fn choose(format: LogFormat) {
    AS_JSON.store(format == LogFormat::Json, Ordering::Relaxed);
}

/// `true` if messages are JSON.
pub(super) fn is_json() -> bool {
    AS_JSON.load(Ordering::Relaxed)
}

/// Sets up messages for the process. `level`: least important level to show.
pub(super) fn set_up(format: LogFormat, level: Level) {
    choose(format);
    let builder = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(std::io::stderr);
    // A second call in one process keeps the first setup.
    let _ = builder.event_format(Records).try_init();
}

/// Prints panics in the format of other messages.
pub(super) fn catch_panics() {
    std::panic::set_hook(Box::new(|info: &PanicHookInfo<'_>| {
        let text = info.payload_as_str().unwrap_or("a fault without a message");
        let place = info
            .location()
            .map(|place| format!(" ({place})"))
            .unwrap_or_default();
        LogRecord::new(
            Level::ERROR,
            Code::Panic.name(),
            &format!("a fault of docparse itself: {text}{place}"),
        )
        .print();
    }));
}

/// A message.
#[derive(Debug, Clone)]
pub(super) struct LogRecord<'a> {
    /// Severity.
    pub level: Level,
    /// Stable code for programs.
    pub code: &'a str,
    /// Why something failed, for programs.
    pub reason: Option<&'a str>,
    /// Text of the message.
    pub message: &'a str,
    /// The input concerned, as given.
    pub file: Option<&'a str>,
    /// The page concerned, from 1.
    pub page: Option<u64>,
    /// The last page, if the message concerns a range of pages.
    pub last_page: Option<u64>,
    /// The word before the message for people, if not that of the level.
    pub word: Option<&'a str>,
    /// What else programs are told, by name.
    pub fields: Option<&'a Map<String, Value>>,
}

impl<'a> LogRecord<'a> {
    /// A message that concerns no file.
    pub(super) fn new(level: Level, code: &'a str, message: &'a str) -> Self {
        Self {
            level,
            code,
            reason: None,
            message,
            file: None,
            page: None,
            last_page: None,
            word: None,
            fields: None,
        }
    }

    /// Writes it to stderr, regardless of the level.
    pub(super) fn print(&self) {
        super::eprint(&self.line(is_json(), use_color()));
    }

    /// The message as one line.
    fn line(&self, as_json: bool, color: bool) -> String {
        let message = flags::named(self.message, self.file);
        if as_json {
            let (message, file) = (shown::text(&message), self.file.map(shown::text));
            let mut record = json!({
                "level": self.level.as_str(),
                "code": self.code,
                "reason": self.reason,
                "message": message,
                "file": file,
                "page": self.page,
                "last_page": self.last_page,
            });
            if let Some(fields) = self.fields.filter(|fields| !fields.is_empty()) {
                record["fields"] = fields.clone().into();
            }
            return format!("{record}\n");
        }
        let (word, number) = match self.level {
            Level::ERROR => ("error", "31"),
            Level::WARN => ("warning", "33"),
            Level::INFO => ("note", "36"),
            _ => ("debug", "90"),
        };
        let word = self.word.unwrap_or(word);
        let file = self
            .file
            .map(|file| format!("{file}: "))
            .unwrap_or_default();
        let page = match (self.page, self.last_page) {
            (Some(page), None) => format!("page {page}: "),
            (Some(page), Some(last)) => format!("pages {page}-{last}: "),
            (None, _) => String::new(),
        };
        let text = format!("{file}{page}{message}");
        let text = shown::text(&text);
        match color {
            true => format!("\x1b[1;{number}m{word}\x1b[0m: {text}\n"),
            false => format!("{word}: {text}\n"),
        }
    }
}

fn use_color() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty())
}

/// Formats `tracing` events as records.
struct Records;

impl<S, N> FormatEvent<S, N> for Records
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut out: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let level = *event.metadata().level();
        let mut fields = Fields::default();
        event.record(&mut fields);
        let Fields {
            mut message,
            mut rest,
            named,
            code,
            reason,
            mut file,
            mut page,
            last_page,
        } = fields;
        let as_json = is_json();
        // For debug output the text comes first, then file and page.
        if level > Level::INFO && !as_json {
            let about = file.take().map(|file| format!(" file={file}"));
            let about = about
                .into_iter()
                .chain(page.take().map(|page| format!(" page={page}")));
            rest = about.chain([rest]).collect();
        }
        // Records of the service have their facts by name; those of a run all have the same keys.
        let has_fields = as_json && event.metadata().target().starts_with(SERVICE);
        if !has_fields {
            message.push_str(&rest);
        }
        let usual = match level {
            Level::ERROR => Code::Error,
            Level::WARN => Code::Warning,
            Level::INFO => Code::Note,
            _ => Code::Debug,
        };
        let code = code.as_deref().unwrap_or(usual.name());
        let (message, file) = (message.as_str(), file.as_deref());
        let record = LogRecord {
            level,
            code,
            reason: reason.as_deref(),
            message,
            file,
            page,
            last_page,
            word: None,
            fields: has_fields.then_some(&named),
        };
        out.write_str(&record.line(as_json, use_color()))
    }
}

#[derive(Default)]
struct Fields {
    message: String,
    rest: String,
    /// The same for programs.
    named: Map<String, Value>,
    code: Option<String>,
    reason: Option<String>,
    file: Option<String>,
    page: Option<u64>,
    last_page: Option<u64>,
}

impl Visit for Fields {
    fn record_u64(&mut self, field: &Field, value: u64) {
        match field.name() {
            "page" => self.page = Some(value),
            "last_page" => self.last_page = Some(value),
            name => {
                self.rest.push_str(&format!(" {name}={value}"));
                self.named.insert(name.into(), value.into());
            }
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "message" => self.message = value.to_string(),
            "code" => self.code = Some(value.to_string()),
            "fault_reason" => self.reason = Some(value.to_string()),
            "file" => self.file = Some(value.to_string()),
            name => {
                self.rest.push_str(&format!(" {name}={value}"));
                self.named.insert(name.into(), shown::text(value).into());
            }
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let written = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            "code" => write!(self.code.get_or_insert_default(), "{value:?}"),
            "fault_reason" => write!(self.reason.get_or_insert_default(), "{value:?}"),
            "file" => write!(self.file.get_or_insert_default(), "{value:?}"),
            name => {
                let text = format!("{value:?}");
                self.named.insert(name.into(), shown::text(&text).into());
                write!(self.rest, " {name}={text}")
            }
        };
        written.expect("writing to a string cannot fail");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_one_line_whatever_it_holds() {
        let file = Some("a\x1b[2J\n.pdf");
        let message = "bad\r\nerror: forged \u{202e}";
        let record = LogRecord {
            file,
            page: Some(3),
            ..LogRecord::new(Level::WARN, "some_code", message)
        };
        let shown = r"a\x1b[2J\x0a.pdf: page 3: bad\x0d\x0aerror: forged \u{202e}";
        assert_eq!(record.line(false, false), format!("warning: {shown}\n"));
        assert_eq!(
            record.line(false, true),
            format!("\x1b[1;33mwarning\x1b[0m: {shown}\n")
        );
        let json = r#"{"level":"WARN","code":"some_code","reason":null,"message":"bad\\x0d\\x0aerror: forged \\u{202e}","file":"a\\x1b[2J\\x0a.pdf","page":3,"last_page":null}"#;
        assert_eq!(record.line(true, true), format!("{json}\n"));
    }

    #[test]
    fn settings_are_shown_as_flags_and_names_of_files_as_they_are() {
        let message = "`out/(`seed`).md` is too large; raise `memory_limit`";
        let record = LogRecord {
            file: Some("(`seed`).pdf"),
            ..LogRecord::new(Level::ERROR, "page_failed", message)
        };
        let shown = "`out/(`seed`).md` is too large; raise --memory-limit";
        let line = format!("error: (`seed`).pdf: {shown}\n");
        assert_eq!(record.line(false, false), line);
        let json: serde_json::Value = serde_json::from_str(&record.line(true, false)).unwrap();
        assert_eq!(json["message"], shown);
        assert_eq!(json["file"], "(`seed`).pdf");
    }

    #[test]
    fn pages_in_a_row_are_told_by_the_first_and_the_last() {
        let record = LogRecord {
            page: Some(3),
            last_page: Some(7),
            ..LogRecord::new(Level::ERROR, "page_failed", "bad")
        };
        assert_eq!(record.line(false, false), "error: pages 3-7: bad\n");
        let json = r#"{"level":"ERROR","code":"page_failed","reason":null,"message":"bad","file":null,"page":3,"last_page":7}"#;
        assert_eq!(record.line(true, false), format!("{json}\n"));
    }
}
