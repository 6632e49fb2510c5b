//! Markdown of blocks exactly as the reference writes it (docs/reference.md, "Markdown of blocks"): contents
//! are written unescaped, so text of a document can become markup. `--compat` and the recorded comparisons
//! need that; our own files are written by [`super::blocks`].

use super::{MarkdownBlock, MarkdownOptions};
use crate::document::soft_newlines;

/// Markdown of the blocks of a page, `page_width` pixels wide.
pub fn blocks(blocks: &[MarkdownBlock], page_width: f32, options: &MarkdownOptions) -> String {
    let mut text = String::new();
    for (index, block) in blocks.iter().enumerate() {
        let number = blocks
            .get(index + 1)
            .filter(|next| next.label == "formula_number");
        let formula = matches!(block.label, "formula" | "display_formula");
        let piece = match (formula && options.show_formula_number, number) {
            (true, Some(number)) if !options.ignore_labels.contains(block.label) => Some(format!(
                "$${} \\tag*{{{}}}$$",
                block.content.replace("$$", ""),
                number.content
            )),
            _ => self::block(block, page_width, options),
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
pub fn block(block: &MarkdownBlock, page_width: f32, options: &MarkdownOptions) -> Option<String> {
    if options.ignore_labels.contains(block.label) {
        return None;
    }
    let content = block.content;
    let pretty = options.pretty;
    Some(match block.label {
        "doc_title" => format!("# {}", soft_newlines(content)),
        "paragraph_title" => match block.title_level {
            Some(level) => leveled_title(content, level),
            None => title(content),
        },
        "abstract_title" | "reference_title" | "content_title" => title(content),
        "text" | "ocr" | "vertical_text" | "reference_content" | "vision_footnote" => {
            content.replace("\n\n", "\n").replace('\n', "\n\n")
        }
        "abstract" => first_word_heading(content, ' ', &["abstract", "摘要"], "\n"),
        "reference" => first_word_heading(content, '\n', &["references", "参考文献"], ""),
        "content" => content.replace("-\n", "  \n").replace('\n', "  \n"),
        "table_title" | "figure_title" | "chart_title" if pretty => {
            centered(&soft_newlines(content))
        }
        "table_title" | "figure_title" | "chart_title" => content.to_string(),
        "image" | "header_image" | "footer_image" => {
            picture(block, page_width, options, options.use_ocr_for_image_block)
        }
        "chart" if options.use_chart_recognition => chart_table(content),
        "chart" => picture(block, page_width, options, options.use_ocr_for_image_block),
        "seal" if !options.use_layout_detection && pretty => centered(&soft_newlines(content)),
        "seal" if !options.use_layout_detection => content.to_string(),
        "seal" => picture(block, page_width, options, options.use_seal_recognition),
        "table" if pretty => format!("\n{}", styled_table(content)),
        "table" => {
            let plain = ["<html>", "</html>", "<body>", "</body>"]
                .iter()
                .fold(content.to_string(), |t, tag| t.replace(tag, ""));
            format!("\n\n{plain}")
        }
        "algorithm" => algorithm(content),
        "formula" | "display_formula" | "inline_formula" | "spotting" | "number" | "footnote"
        | "header" | "footer" | "aside_text" => content.to_string(),
        _ => return None,
    })
}

/// As in the reference, a listing keeps its line ends and is not fenced.
fn algorithm(content: &str) -> String {
    content.trim_matches('\n').to_string()
}

pub(super) fn centered(inner: &str) -> String {
    format!("<div style=\"text-align: center;\">{inner}</div>\n")
}

fn picture(
    block: &MarkdownBlock,
    page_width: f32,
    options: &MarkdownOptions,
    with_text: bool,
) -> String {
    let Some(path) = block.image else {
        return if options.pretty {
            centered("")
        } else {
            String::new()
        };
    };
    let text = if with_text {
        format!("\n\n{}\n\n", block.content)
    } else {
        String::new()
    };
    if !options.pretty {
        return format!("![{}]({path}){text}", block.alt.unwrap_or_default());
    }
    // Operations in the reference's order: rounding decides about the last percent.
    let percent = (block.width as f64 / page_width.max(1.0) as f64 * 100.0) as i64;
    let alt = crate::document::escape(block.alt.unwrap_or("Image"));
    let tag = format!("<img src=\"{path}\" alt=\"{alt}\" width=\"{percent}%\" />");
    // If text follows, its line ends are kept.
    if with_text {
        centered(&format!("{tag}{text}"))
    } else {
        centered(&soft_newlines(&tag))
    }
}

pub(super) fn styled_table(html: &str) -> String {
    html.replace(
        "<table>",
        "<table border=1 style='margin: auto; word-wrap: break-word;'>",
    )
    .replace(
        "<th>",
        "<th style='text-align: center; word-wrap: break-word;'>",
    )
    .replace(
        "<td>",
        "<td style='text-align: center; word-wrap: break-word;'>",
    )
}

fn chart_table(content: &str) -> String {
    let cells = |line: &str, tag: &str| -> String {
        line.split('|')
            .map(|cell| format!("<{tag} style='text-align: center;'>{}</{tag}>", cell.trim()))
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

/// Turns the first non-blank part into a heading if it is one of `words`.
fn first_word_heading(text: &str, separator: char, words: &[&str], after: &str) -> String {
    let mut parts: Vec<String> = text.split(separator).map(String::from).collect();
    if let Some(first) = parts.iter_mut().find(|part| !part.trim().is_empty())
        && words.contains(&first.trim().to_lowercase().as_str())
    {
        *first = format!("## {first}{after}");
    }
    parts.join(&separator.to_string())
}

/// A heading of known depth.
pub fn leveled_title(text: &str, level: i32) -> String {
    format!(
        "{} {}",
        "#".repeat((level + 1).max(1) as usize),
        soft_newlines(text)
    )
}

/// A heading; its depth follows from the dots in it (docs/reference.md, "Headings without a level").
pub fn title(text: &str) -> String {
    let (level, text) = title_parts(text);
    format!("{} {}", "#".repeat(level + 1), soft_newlines(&text))
}

/// Depth of a heading by the dots in its numbering, and its text with one blank after the numbering.
pub(super) fn title_parts(text: &str) -> (usize, String) {
    let text = split_numbering(text).unwrap_or_else(|| text.to_string());
    let text = text.trim_end_matches('.');
    (text.matches('.').count() + 1, text.to_string())
}

const CHINESE_DIGITS: &str = "一二三四五六七八九十百千万亿零壹贰叁肆伍陆柒捌玖拾";

/// The text with exactly one blank after its numbering; `None` without numbering or with several lines.
fn split_numbering(text: &str) -> Option<String> {
    let line = text.strip_suffix('\n').unwrap_or(text);
    if line.contains('\n') {
        return None;
    }
    let line = line.trim_start();
    let length = numbering_length(line)?;
    let (number, rest) = line.split_at(length);
    Some(format!("{} {}", number.trim_end(), rest.trim_start()))
}

/// Length in bytes of the numbering at the start of a line, by the first pattern that matches.
fn numbering_length(line: &str) -> Option<usize> {
    let digits = integer_groups(line);
    if digits > 0 {
        let after = &line[digits..];
        return Some(
            digits
                + after
                    .chars()
                    .next()
                    .filter(|c| matches!(c, '.' | '、'))
                    .map_or(0, char::len_utf8),
        );
    }
    let chinese = |s: &str| {
        s.chars()
            .take_while(|c| CHINESE_DIGITS.contains(*c))
            .map(char::len_utf8)
            .sum::<usize>()
    };
    if let Some(inner) = line.strip_prefix(['(', '（']) {
        let open = line.len() - inner.len();
        let length = match integer(inner) {
            0 => chinese(inner),
            n => n,
        };
        if let Some(close) = inner[length..]
            .chars()
            .next()
            .filter(|c| length > 0 && matches!(c, ')' | '）'))
        {
            return Some(open + length + close.len_utf8());
        }
    }
    let length = chinese(line);
    if length > 0 {
        return Some(
            length
                + line[length..]
                    .chars()
                    .next()
                    .filter(|c| matches!(c, '、' | '.'))
                    .map_or(0, char::len_utf8),
        );
    }
    const ROMAN: [&str; 10] = ["VIII", "III", "VII", "II", "IV", "VI", "IX", "I", "V", "X"];
    let follows = |n: &&&str| {
        line[n.len()..]
            .chars()
            .next()
            .filter(|c| *c == '.' || c.is_whitespace())
    };
    let numeral = ROMAN
        .iter()
        .filter(|n| line.starts_with(**n))
        .find(|n| follows(n).is_some())?;
    Some(numeral.len() + follows(&numeral).map_or(0, char::len_utf8))
}

/// Length in bytes of an integer without leading zero at the start.
fn integer(text: &str) -> usize {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    if text.starts_with('0') { 0 } else { digits }
}

/// Length in bytes of an integer followed by `.integer` groups.
fn integer_groups(text: &str) -> usize {
    let mut length = integer(text);
    while length > 0 {
        let more = text[length..].strip_prefix('.').map_or(0, integer);
        if more == 0 {
            break;
        }
        length += 1 + more;
    }
    length
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::{Label, Markup};

    fn view<'a>(label: &'a str, content: &'a str) -> MarkdownBlock<'a> {
        let markup = Markup::default();
        MarkdownBlock {
            label,
            width: 300.0,
            content,
            markup,
            image: None,
            alt: None,
            title_level: None,
        }
    }

    #[test]
    fn headings_by_their_numbers() {
        assert_eq!(title("1.1 Scope"), "### 1.1 Scope");
        assert_eq!(title("3D models"), "## 3 D models");
        assert_eq!(title("（一）总则"), "## （一） 总则");
        assert_eq!(title("IV. Results"), "### IV. Results");
        assert_eq!(leveled_title("a-\nb", 2), "### ab");
    }

    #[test]
    fn pictures_state_their_share_of_the_page() {
        let block = MarkdownBlock {
            image: Some("imgs/a.jpg"),
            ..view("image", "")
        };
        let options = MarkdownOptions::default();
        assert_eq!(
            blocks(&[block], 1000.0, &options),
            "<div style=\"text-align: center;\"><img src=\"imgs/a.jpg\" alt=\"Image\" width=\"30%\" /></div>\n"
        );
        let plain = MarkdownOptions {
            pretty: false,
            ..options
        };
        assert_eq!(blocks(&[block], 1000.0, &plain), "![](imgs/a.jpg)");
    }

    proptest::proptest! {
        #[test]
        fn any_blocks_have_one_markdown(blocks in proptest::collection::vec((0usize..28, "[a-c0-9.|\\n# -]{0,12}"), 0..6), pretty in proptest::bool::ANY) {
            let views: Vec<MarkdownBlock> =
                blocks.iter().map(|(label, content)| view(Label::ALL[*label].as_str(), content)).collect();
            let options = MarkdownOptions { pretty, show_formula_number: true, ..MarkdownOptions::default() };
            let text = super::blocks(&views, 500.0, &options);
            proptest::prop_assert_eq!(&text, &super::blocks(&views, 500.0, &options));
            proptest::prop_assert!(views.iter().any(|v| v.label == "text" && !v.content.is_empty()) <= !text.is_empty());
        }
    }

    #[test]
    fn ignored_and_unknown_labels_leave_no_trace() {
        let all = [
            view("header", "H"),
            view("text", "a\nb"),
            view("formula_number", "(1)"),
            view("text", "c"),
        ];
        assert_eq!(
            blocks(&all, 100.0, &MarkdownOptions::default()),
            "a\n\nb\n\nc"
        );
    }
}
