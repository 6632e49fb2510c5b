//! Blocks as Markdown shaped like the reference's (docs/reference.md, "Markdown of blocks"), with text
//! escaped.
//!
//! Only structure is written directly: headings, bullets found by the layout, hard line breaks in tables of
//! contents, the frames of pictures and tables. All else goes through [`super::escape`] or [`super::html`].

use super::escape::{description, heading, html, longest_run, normalized, paragraph, paragraphs};
use super::html::table;
use super::links::PictureSources;
use super::reference::{centered, title_parts};
use super::{MarkdownBlock, MarkdownOptions, formulas};
use crate::document::inline::has_formula;
use crate::document::{Markup, escape, soft_newlines};

/// Deepest heading level of Markdown.
const MAX_DEPTH: usize = 6;
/// Limit of lines of a formula within a text.
const MAX_FORMULA_LINES: usize = 60;

/// Markdown of the blocks of a page, `page_width` pixels wide.
pub(super) fn blocks(
    blocks: &[MarkdownBlock],
    page_width: f32,
    pictures: &PictureSources,
    options: &MarkdownOptions,
) -> String {
    let mut text = String::new();
    for (index, block) in blocks.iter().enumerate() {
        let number = blocks
            .get(index + 1)
            .filter(|next| next.label == "formula_number");
        let formula = matches!(block.label, "formula" | "display_formula");
        let piece = match (formula && options.show_formula_number, number) {
            (true, Some(number)) if !options.ignore_labels.contains(block.label) => {
                let inner = block.content.replace("$$", "");
                let number = number.content.replace(['$', '{', '}', '\\'], "");
                Some(format!(
                    "$${} \\tag*{{{}}}$$",
                    safe_formula(&inner),
                    safe_formula(&number)
                ))
            }
            _ => self::block(block, page_width, pictures, options),
        };
        if let Some(piece) = piece {
            if !text.is_empty() {
                text.push_str("\n\n");
            }
            text.push_str(&piece);
        }
    }
    text
}

/// Markdown of one block; `None` for labels without a form.
pub(super) fn block(
    block: &MarkdownBlock,
    page_width: f32,
    pictures: &PictureSources,
    options: &MarkdownOptions,
) -> Option<String> {
    if options.ignore_labels.contains(block.label) {
        return None;
    }
    let MarkdownBlock {
        content, markup, ..
    } = *block;
    let pretty = options.pretty;
    let caption = || {
        if pretty {
            centered(&html(&soft_newlines(content), markup))
        } else {
            paragraphs(content, markup).join("\n\n")
        }
    };
    Some(match block.label {
        "doc_title" => titled(1, content, markup),
        "paragraph_title" => match block.title_level {
            Some(level) => titled(
                level.clamp(1, MAX_DEPTH as i32) as usize + 1,
                content,
                markup,
            ),
            None => numbered_title(content, markup),
        },
        "abstract_title" | "reference_title" | "content_title" => numbered_title(content, markup),
        "text" | "ocr" | "vertical_text" | "reference_content" | "vision_footnote" => {
            running(content, markup)
        }
        "abstract" => opened_by(content, ' ', &["abstract", "摘要"], "\n ", markup),
        "reference" => opened_by(content, '\n', &["references", "参考文献"], "\n", markup),
        "content" => contents(content, markup),
        "table_title" | "figure_title" | "chart_title" => caption(),
        "image" | "header_image" | "footer_image" => picture(
            block,
            page_width,
            pictures,
            options,
            options.use_ocr_for_image_block,
        ),
        "chart" if options.use_chart_recognition => chart_table(content),
        "chart" => picture(
            block,
            page_width,
            pictures,
            options,
            options.use_ocr_for_image_block,
        ),
        "seal" if !options.use_layout_detection => caption(),
        "seal" => picture(
            block,
            page_width,
            pictures,
            options,
            options.use_seal_recognition,
        ),
        "table" => table(content, pictures, pretty, markup),
        "hidden" => hidden(block),
        "algorithm" => listing(content, markup),
        "formula" | "display_formula" | "inline_formula" if markup.formulas => formula(content),
        "formula" | "display_formula" | "inline_formula" | "spotting" | "number" | "footnote"
        | "header" | "footer" | "aside_text" => paragraphs(content, markup).join("\n\n"),
        _ => return None,
    })
}

/// A heading of the given depth; 1 is the document's title.
fn titled(depth: usize, content: &str, markup: Markup) -> String {
    let text = normalized(&soft_newlines(content)).replace('\n', " ");
    format!(
        "{} {}",
        "#".repeat(depth.clamp(1, MAX_DEPTH)),
        heading(&text, markup)
    )
}

/// A heading whose depth follows from the dots in its numbering.
fn numbered_title(content: &str, markup: Markup) -> String {
    let (level, text) = title_parts(content);
    titled(level + 1, &text, markup)
}

/// Text in which every line is a paragraph, except lines of one formula.
fn running(content: &str, markup: Markup) -> String {
    let text = normalized(content);
    let lines: Vec<&str> = text.split('\n').collect();
    let mut out: Vec<String> = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        let end = at
            + if markup.formulas {
                formula_lines(&lines[at..])
            } else {
                1
            };
        let piece = lines[at..end].join("\n");
        let is_item = at == 0 && markup.list_item;
        match piece.strip_prefix("- ").filter(|_| is_item) {
            Some(item) => out.push(format!("- {}", paragraph(&normalized(item), markup))),
            None if piece.is_empty() => {}
            None => out.push(paragraph(&piece, markup)),
        }
        at = end;
    }
    out.join("\n\n")
}

/// Number of lines that one `$$` formula spans; 1 if there is none.
fn formula_lines(lines: &[&str]) -> usize {
    let marks = |line: &str| line.matches("$$").count();
    if marks(lines[0]) % 2 == 0 {
        return 1;
    }
    let more = lines
        .iter()
        .skip(1)
        .take(MAX_FORMULA_LINES)
        .position(|line| marks(line) % 2 == 1);
    more.filter(|more| lines[..more + 2].iter().all(|line| !line.is_empty()))
        .map_or(1, |more| more + 2)
}

/// Text whose first part becomes a heading if it is one of `words`.
fn opened_by(
    content: &str,
    separator: char,
    words: &[&str],
    after: &str,
    markup: Markup,
) -> String {
    let text = normalized(content);
    let text = text.trim_start_matches(['\n', separator]);
    let (first, rest) = text.split_once(separator).unwrap_or((text, ""));
    if words.contains(&first.trim().to_lowercase().as_str()) {
        let heading = format!("## {}", heading(first.trim(), markup));
        let rest = paragraphs(rest, markup).join("\n\n");
        return if rest.is_empty() {
            heading
        } else {
            format!("{heading}{after}{rest}")
        };
    }
    paragraphs(text, markup).join("\n\n")
}

/// A table of contents: line ends are kept, hyphens before them removed.
fn contents(content: &str, markup: Markup) -> String {
    let text = normalized(&content.replace("-\n", "\n"));
    let paragraphs = paragraphs(&text, markup);
    paragraphs
        .iter()
        .map(|p| p.replace('\n', "  \n"))
        .collect::<Vec<_>>()
        .join("\n\n")
}

/// A listing. One with formulas is pseudocode, not a program, and is written as text.
fn listing(content: &str, markup: Markup) -> String {
    if markup.formulas && has_formula(content) {
        return paragraphs(&lines_of_code(content), markup).join("\n\n");
    }
    code(content, None)
}

/// Code without control characters, and without empty lines at its ends.
fn lines_of_code(content: &str) -> String {
    let clean = |c: char| match c {
        c if c.is_control() && c != '\t' => '\u{fffd}',
        c => c,
    };
    let text = content.replace("\r\n", "\n");
    let lines = text.split(['\n', '\r']);
    let lines: Vec<String> = lines
        .map(|line| line.chars().map(clean).collect())
        .collect();
    lines.join("\n").trim_matches('\n').to_string()
}

/// Code in a fence that its text cannot close: nothing in it is markup. Nothing if it is blank.
pub(super) fn code(content: &str, language: Option<&str>) -> String {
    let text = lines_of_code(content);
    if text.trim().is_empty() {
        return String::new();
    }
    let fence = "`".repeat((longest_run(&text, '`') + 1).max(3));
    let is_name = |c: char| c.is_ascii_alphanumeric() || matches!(c, '+' | '#' | '-' | '_' | '.');
    let language = language.filter(|language| language.chars().all(is_name));
    format!("{fence}{}\n{text}\n{fence}", language.unwrap_or_default())
}

/// A formula within the dollar signs of its content; anything outside them is text.
fn formula(content: &str) -> String {
    let text = normalized(content);
    let trimmed = text.trim();
    for mark in ["$$", "$"] {
        let inner = trimmed
            .strip_prefix(mark)
            .and_then(|t| t.strip_suffix(mark));
        if let Some(inner) = inner.filter(|inner| !inner.contains('$') && !inner.trim().is_empty())
        {
            return format!("{mark}{}{mark}", safe_formula(inner));
        }
    }
    let markup = Markup {
        formulas: true,
        ..Markup::default()
    };
    paragraphs(&text, markup).join("\n\n")
}

/// The inside of a formula, without its dollar signs.
pub(super) fn safe_formula(inner: &str) -> String {
    let text = normalized(inner);
    let lines: Vec<&str> = text.split('\n').filter(|line| !line.is_empty()).collect();
    // A backtick could pair with one outside.
    let chars: Vec<char> = lines.join("\n").replace('`', "'").chars().collect();
    let blank = |is_there: bool| if is_there { " " } else { "" };
    let (before, after) = (blank(inner.starts_with(' ')), blank(inner.ends_with(' ')));
    format!("{before}{}{after}", formulas::safe(&chars))
}

fn picture(
    block: &MarkdownBlock,
    page_width: f32,
    pictures: &PictureSources,
    options: &MarkdownOptions,
    with_text: bool,
) -> String {
    let text = match with_text {
        true => format!(
            "\n\n{}\n\n",
            paragraphs(block.content, block.markup).join("\n\n")
        ),
        false => String::new(),
    };
    let Some(path) = block.image.map(|path| pictures.source(path)) else {
        return if options.pretty {
            centered("")
        } else {
            String::new()
        };
    };
    if !options.pretty {
        return format!(
            "![{}]({path}){}",
            description(block.alt.unwrap_or_default()),
            text
        );
    }
    // Operations in the reference's order: rounding decides about the last percent.
    let percent = (block.width as f64 / page_width.max(1.0) as f64 * 100.0) as i64;
    let alt = escape(&normalized(&soft_newlines(block.alt.unwrap_or("Image"))).replace('\n', " "));
    centered(&format!(
        "<img src=\"{path}\" alt=\"{alt}\" width=\"{percent}%\" />{text}"
    ))
}

/// Text that a reader does not see, as a comment.
fn hidden(block: &MarkdownBlock) -> String {
    let reason = block.alt.unwrap_or_default();
    comment(&format!("hidden ({reason}): {}", block.content))
}

/// A comment on one line that its text cannot end.
pub(in crate::writer) fn comment(text: &str) -> String {
    let text = normalized(text).replace('\n', " ");
    let mut safe = String::new();
    for c in text.chars() {
        // Two hyphens would end it.
        if c == '-' && safe.ends_with('-') {
            safe.push(' ');
        }
        safe.push(c);
    }
    format!("<!-- {} -->", safe.trim())
}

/// A chart recognized as rows of cells separated by `|`.
fn chart_table(content: &str) -> String {
    let cells = |line: &str, tag: &str| -> String {
        line.split('|')
            .map(|cell| {
                let text = html(
                    cell.trim(),
                    Markup {
                        scripts: true,
                        ..Markup::default()
                    },
                );
                format!("<{tag} style='text-align: center;'>{text}</{tag}>")
            })
            .collect()
    };
    let mut lines = content.split('\n');
    let head = cells(lines.next().unwrap_or_default(), "th");
    let mut html = format!(
        "<table border=1 style='margin: auto; width: max-content;'>\n  <thead><tr>{head}</tr></thead>\n  <tbody>"
    );
    for line in lines {
        html.push_str(&format!("\n    <tr>{}</tr>", cells(line, "td")));
    }
    html.push_str("\n  </tbody>\n</table>");
    html
}
