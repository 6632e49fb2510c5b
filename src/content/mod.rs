//! Post-processing: a recognizer's answer to the block's content (docs/reference.md, "Block content").
//!
//! [`read`] runs the steps in order: repetition is truncated, formula delimiters are normalized, table tokens
//! become HTML, spotted texts are separated from their locations. Every step takes linear time and memory,
//! and [`bounds`] limits the length of its input.

pub(crate) mod bounds;
pub mod otsl;
mod repetition;
mod spotting;

pub use repetition::{MIN_LENGTH, MIN_LENGTH_TABLE, truncate_repetition};
pub(crate) use spotting::spotting_content;

use crate::document::{Code, Label, Spotting};

/// Content made from an answer.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct ParsedAnswer {
    /// The block's content.
    pub content: String,
    /// Result of text spotting.
    pub spotting: Option<Spotting>,
    /// Parts of the answer that were dropped, with the reason: a code and a message.
    pub notes: Vec<(Code, String)>,
}

/// Post-processes a recognizer's answer; `size` is the block's width and height in pixels.
pub(crate) fn read(answer: &str, label: Label, size: (usize, usize)) -> ParsedAnswer {
    let mut reading = ParsedAnswer::default();
    let (answer, all) = bounds::first_chars(answer, bounds::MAX_ANSWER_CHARS);
    if let Some(all) = all {
        let limit = bounds::MAX_ANSWER_CHARS;
        let message = format!("the answer has {all} characters and was cut after {limit}");
        reading.notes.push((Code::AnswerCut, message));
    }
    let min_length = if label == Label::Table {
        MIN_LENGTH_TABLE
    } else {
        MIN_LENGTH
    };
    let text = uniform_delimiters(truncate_repetition(answer, min_length), label);
    match label {
        Label::Table => match otsl::read(&text) {
            Ok(html) if html.is_empty() => reading.content = text,
            Ok(html) => reading.content = html,
            Err(too_large) => {
                reading
                    .notes
                    .push((Code::TableTooLarge, too_large.to_string()));
                reading.content = text;
            }
        },
        Label::Spotting => {
            let (content, found) = spotting_content(&text, size.0 as f64, size.1 as f64);
            (reading.content, reading.spotting) = (content, Some(found));
        }
        _ => reading.content = text,
    }
    reading
}

/// The same as [`read`], without the notes.
pub fn content_of(answer: &str, label: Label, size: (usize, usize)) -> (String, Option<Spotting>) {
    let reading = read(answer, label, size);
    (reading.content, reading.spotting)
}

/// Replaces `\(...\)` and `\[...\]` by dollar signs if the text has a pair of either.
fn uniform_delimiters(text: String, label: Label) -> String {
    let has = |open: &str, close: &str| text.contains(open) && text.contains(close);
    if !has("\\(", "\\)") && !has("\\[", "\\]") {
        return text;
    }
    let text = text
        .replace('$', "")
        .replace("\\(", " $ ")
        .replace("\\)", " $")
        .replace("\\[\\[", "\\[")
        .replace("\\]\\]", "\\]")
        .replace("\\[", " $$ ")
        .replace("\\]", " $$ ");
    if label == Label::FormulaNumber {
        text.replace('$', "")
    } else {
        text
    }
}

/// Restores pictures in a table: `[F<n>]` becomes the tag of the picture that the token stands for, followed
/// by the text recognized in it (docs/reference.md, "Images inside tables").
///
/// `picture` returns a token's path and text; tokens without a picture stay, and so do all after the first
/// [`bounds::MAX_RESTORED_BYTES`]. For a picture without a path only the text is inserted.
pub(crate) fn restore_figures(
    html: &str,
    picture: impl Fn(&str) -> Option<(String, String)>,
) -> String {
    let mut out = String::with_capacity(html.len());
    let mut rest = html;
    while let Some(at) = rest.find("[F") {
        let digits = rest[at + 2..]
            .bytes()
            .take_while(u8::is_ascii_digit)
            .count();
        let end = at + 2 + digits;
        let token = (digits > 0 && rest[end..].starts_with(']')).then(|| &rest[at..=end]);
        out.push_str(&rest[..at]);
        // Without the limit a token repeated without end would insert its picture's text each time.
        let token = token.filter(|_| out.len() < bounds::MAX_RESTORED_BYTES);
        match token.map(|token| (token, picture(token))) {
            Some((token, Some((path, text)))) => {
                if !path.is_empty() {
                    // The doubled quote is the reference's (docs/reference.md, "Images inside tables").
                    out.push_str(&format!("<img src=\"{path}\" alt=\"Image\"\" />"));
                }
                if !text.is_empty() {
                    out.push_str(&format!("\n\n{text}\n\n"));
                }
                rest = &rest[at + token.len()..];
            }
            _ => {
                out.push_str("[F");
                rest = &rest[at + 2..];
            }
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn content(label: Label, answer: &str) -> String {
        content_of(answer, label, (100, 100)).0
    }

    #[test]
    fn delimiters_become_dollars_when_there_is_a_pair() {
        assert_eq!(
            content(Label::Text, "\\(a\\) and \\[b\\]"),
            " $ a $ and  $$ b $$ "
        );
        assert_eq!(content(Label::Text, "\\(a and $b$"), "\\(a and $b$");
        assert_eq!(content(Label::FormulaNumber, "\\((1)\\)"), "  (1) ");
    }

    #[test]
    fn a_table_without_tokens_stays_as_it_was_said() {
        assert_eq!(content(Label::Table, "no table here"), "no table here");
        assert_eq!(
            content(Label::Table, "<fcel>a<nl>"),
            "<table><tr><td>a</td></tr></table>"
        );
    }

    #[test]
    fn known_figures_come_back_and_unknown_tokens_stay() {
        let picture =
            |token: &str| (token == "[F2]").then(|| ("p.jpg".to_string(), "seen".to_string()));
        assert_eq!(
            restore_figures("a[F2]b[F3][F][Fx", picture),
            "a<img src=\"p.jpg\" alt=\"Image\"\" />\n\nseen\n\nb[F3][F][Fx"
        );
    }

    /// Answers of a broken or hostile recognizer; each once took minutes or unbounded memory.
    #[test]
    fn answers_without_end_are_cut_and_told() {
        let codes = |reading: &ParsedAnswer| {
            reading
                .notes
                .iter()
                .map(|(code, _)| *code)
                .collect::<Vec<_>>()
        };
        let row: String = (0..1_000_000).map(|i| format!("<fcel>{i}")).collect();
        let reading = read(&row, Label::Table, (100, 100));
        assert_eq!(codes(&reading), [Code::AnswerCut]);
        assert!(
            reading
                .content
                .starts_with("<table><tr><td>0</td><td>1</td>")
        );
        assert!(reading.content.len() < 2 * bounds::MAX_ANSWER_CHARS);
        // Rows of very different lengths: padded they would take 9 GB.
        let rows: String = (0..20_000).map(|i| format!("<fcel>{i}<nl>")).collect();
        let ragged = format!("{}<nl>{rows}", "<fcel>a".repeat(20_000));
        let reading = read(&ragged, Label::Table, (100, 100));
        assert_eq!(codes(&reading), [Code::TableTooLarge]);
        assert_eq!(reading.content, ragged);
        let long = "ab".repeat(10).replace('a', "\u{1f600}") + &"x y ".repeat(1_000_000);
        let reading = read(&long, Label::Text, (9, 9));
        assert!(reading.content.chars().count() <= bounds::MAX_ANSWER_CHARS);
        assert_eq!(codes(&reading), [Code::AnswerCut]);
        assert!(
            read("an honest answer", Label::Text, (9, 9))
                .notes
                .is_empty()
        );
    }

    #[test]
    fn repeated_tokens_of_figures_do_not_multiply_their_text() {
        let text = "t".repeat(100_000);
        let restored = restore_figures(&"[F2]".repeat(10_000), |_| {
            Some(("p.jpg".into(), text.clone()))
        });
        assert!(restored.len() < 2 * bounds::MAX_RESTORED_BYTES);
        assert!(restored.ends_with("[F2][F2]"));
    }

    proptest::proptest! {
        #[test]
        fn no_answer_panics(answer in "(<[fel]?[cu]?cel>|<nl>|<\\|LOC_[0-9]{1,3}\\|>|\\\\[\\[\\]()]|\\$|\\[F[0-9]|\\PC{0,3}|\n){0,30}") {
            for label in Label::ALL {
                content_of(&answer, *label, (7, 9));
            }
        }
    }
}
