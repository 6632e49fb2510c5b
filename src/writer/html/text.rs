//! Text of documents as HTML: the one place that escapes it.

use crate::document::inline::{Inline, Script, TextRun};
use crate::document::{Paragraph, escape};
use crate::writer::markdown::{address, without_control};

/// Text for HTML, between tags or between quotes: control characters become blanks or U+FFFD, a line end `line_end`.
pub(super) fn escaped(text: &str, line_end: &str) -> String {
    let clean: String = text
        .replace("\r\n", "\n")
        .chars()
        .map(|c| match c {
            '\n' | '\r' => '\n',
            c => without_control(c),
        })
        .collect();
    escape(&clean).replace('\n', line_end)
}

/// Text of one style as HTML; `has_page` tells the positions of pages of the document, which links may lead to.
pub(super) fn text_run(run: &TextRun, has_page: &dyn Fn(usize) -> bool) -> String {
    let mut html = escaped(&run.text, "<br>\n");
    let script = match run.script {
        Some(Script::Sup) => Some("sup"),
        Some(Script::Sub) => Some("sub"),
        None => None,
    };
    let names = [
        run.code.then_some("code"),
        run.italic.then_some("em"),
        run.bold.then_some("strong"),
        run.strike.then_some("s"),
        script,
    ];
    for name in names.into_iter().flatten() {
        html = format!("<{name}>{html}</{name}>");
    }
    let link = run.link.as_deref();
    let page = link.and_then(|link| link.strip_prefix("#page=")?.parse::<usize>().ok());
    if let Some(number) = page.filter(|number| *number > 0 && has_page(number - 1)) {
        return format!("<a href=\"#page-{number}\">{html}</a>");
    }
    match link.and_then(address) {
        Some(link) => format!("<a href=\"{}\">{html}</a>", escaped(link, " ")),
        None => html,
    }
}

/// The text of a heading, which is bold as it is.
pub(super) fn light(text: &Paragraph) -> Paragraph {
    let mut text = text.clone();
    for inline in &mut text {
        if let Inline::Text(run) = inline {
            run.bold = false;
        }
    }
    text
}
