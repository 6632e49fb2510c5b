//! What stands before the first page and between pages.

use super::escape::without_control;
use crate::document::{Document, Page};
use crate::writer::figures::own_title;

/// What is known about a document, as YAML between two lines of dashes.
pub(super) fn matter(document: &Document) -> String {
    let info = &document.info;
    let texts = [
        ("title", own_title(document).or_else(|| info.title.clone())),
        ("author", info.author.clone()),
        ("language", info.language.clone()),
        ("created", info.created.clone()),
        ("modified", info.modified.clone()),
        ("source", Some(document.input_path.clone())),
    ];
    let mut lines = vec!["---".to_string()];
    for (key, text) in texts {
        lines.extend(text.map(|text| format!("{key}: {}", quoted(&text))));
    }
    let count = document.page_count.unwrap_or(document.pages.len());
    lines.push(format!("pages: {count}"));
    lines.push("---".to_string());
    lines.join("\n")
}

/// A text on one line as a scalar of YAML, whose escapes in double quotes contain those of JSON.
fn quoted(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let clean: String = words.join(" ").chars().map(without_control).collect();
    serde_json::Value::from(clean).to_string()
}

/// A comment with the number of a page, or the numbers of those it stands for.
pub(super) fn comment(page: &Page) -> String {
    let first = page.page_index + 1;
    match page.through {
        Some(last) => format!("<!-- pages {first}-{} -->", last + 1),
        None => format!("<!-- page {first} -->"),
    }
}
