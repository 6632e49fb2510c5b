//! Heading levels over a whole document (docs/reference.md, "Heading levels").

use super::clusters::level_of_heights;
use crate::document::{Block, Label, is_space, strip};

/// Numbering style of a heading.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Numbering {
    /// `(1)`, `2.1)`.
    BracketedNumber,
    /// `IV.`
    Roman,
    /// `第一章`, `二、`
    Chinese,
    /// `A.`
    Letter,
    /// `1.2`
    NumberList,
}

/// Headings of level 1 whatever their height (docs/reference.md, "Heading levels").
const SPECIAL: &[&str] = &[
    "ABSTRACT",
    "SUMMARY",
    "RESUME",
    "CONTENTS",
    "REFERENCES",
    "REFERENCE",
    "APPENDIX",
    "APPENDICES",
    "ACKNOWLEDGMENTS",
    "INTRODUCTION",
    "BACKGROUNDANDRELATEDWORK",
    "BACKGROUND",
    "RELATEDWORK",
    "THEORETICALMODELS",
    "DATA",
    "METHOD",
    "METHODS",
    "METHODOLOGY",
    "TOPICANALYSIS",
    "RESULT",
    "RESULTS",
    "DISCUSSION",
    "CONCLUSIONS",
    "CONCLUSION",
    "LIMITATIONS",
    "绪论",
    "引言",
    "参考文献",
    "附录",
    "研究背景",
    "相关工作",
    "研究方法",
    "实验结果",
    "讨论",
    "结论",
    "致谢",
    "目录",
];

/// Sets the level of every heading of a document.
pub(super) fn relevel_titles(pages: &mut [&mut [Block]]) {
    let is_title = |b: &&mut Block| b.label == Label::ParagraphTitle;
    let titles = pages
        .iter()
        .flat_map(|p| p.iter())
        .filter(|b| b.label == Label::ParagraphTitle);
    let known: Vec<(String, i64)> = titles.map(|b| (b.content.clone(), height(b))).collect();
    let levels = title_levels(&known);
    for (block, level) in pages
        .iter_mut()
        .flat_map(|p| p.iter_mut())
        .filter(is_title)
        .zip(levels)
    {
        block.title_level = Some(level);
    }
}

/// Line height of a heading in pixels; for headings that run down the page their width.
pub(crate) fn height(block: &Block) -> i64 {
    let lines = strip(&block.content).matches('\n').count() + 1;
    let (width, height) = (block.bbox.width() as f64, block.bbox.height() as f64);
    let across = if height > 0.0 && width / height >= 1.0 {
        height
    } else {
        width
    };
    (across / lines as f64) as i64
}

/// Levels of headings, given their texts and line heights.
fn title_levels(titles: &[(String, i64)]) -> Vec<i32> {
    let heights: Vec<i64> = titles.iter().map(|t| t.1).collect();
    let by_height = level_of_heights(&heights);
    let styles: Vec<Option<(Numbering, i32)>> = titles.iter().map(|t| numbering(&t.0)).collect();
    let mut order: Vec<Numbering> = Vec::new();
    for (style, _) in styles.iter().flatten() {
        if !order.contains(style) {
            order.push(*style);
        }
    }
    let first_list = styles
        .iter()
        .flatten()
        .find(|(style, _)| *style == Numbering::NumberList)
        .map(|(_, l)| *l);
    titles
        .iter()
        .zip(styles)
        .map(|((text, height), style)| {
            let cluster = by_height.get(height).copied().unwrap_or(1);
            let Some((style, semantic)) = style else {
                return if is_special(text) { 1 } else { cluster };
            };
            let place = order
                .iter()
                .position(|s| *s == style)
                .map_or(1, |i| i as i32 + 1);
            let relative = match style {
                Numbering::NumberList => place + semantic - first_list.unwrap_or(semantic),
                _ => place,
            };
            // Two of three votes win.
            if semantic == cluster {
                cluster
            } else {
                relative
            }
        })
        .collect()
}

fn is_special(text: &str) -> bool {
    let text = text.to_uppercase();
    let text = strip(&text)
        .trim_end_matches(['：', ':', ' '])
        .replace(' ', "");
    SPECIAL.contains(&text.as_str())
}

/// Numbering style of a heading and the level that its number gives; `None` without a number.
pub(crate) fn numbering(text: &str) -> Option<(Numbering, i32)> {
    let text = strip(text);
    bracketed(text)
        .or_else(|| roman(text))
        .or_else(|| chinese(text))
        .or_else(|| letter(text))
        .or_else(|| number_list(text))
}

/// Length in bytes and number of dots of `digits(.digits)*` at the start.
fn dotted_number(text: &str) -> Option<(usize, usize)> {
    let digits = |s: &str| {
        s.chars()
            .take_while(|c| is_digit(*c))
            .map(char::len_utf8)
            .sum::<usize>()
    };
    let mut length = digits(text);
    if length == 0 {
        return None;
    }
    let mut dots = 0;
    while let Some(more) = text[length..]
        .strip_prefix('.')
        .map(digits)
        .filter(|n| *n > 0)
    {
        length += 1 + more;
        dots += 1;
    }
    Some((length, dots))
}

/// `true` if Python's `\d` matches: decimal digits of all scripts.
fn is_digit(c: char) -> bool {
    c.is_ascii_digit() || unicode_decimal(c)
}

/// Decimal digits come in runs of ten that start at these code points (Unicode 15, category Nd, the BMP).
fn unicode_decimal(c: char) -> bool {
    const ZEROS: &[u32] = &[
        0x660, 0x6f0, 0x7c0, 0x966, 0x9e6, 0xa66, 0xae6, 0xb66, 0xbe6, 0xc66, 0xce6, 0xd66, 0xde6,
        0xe50, 0xed0, 0xf20, 0x1040, 0x1090, 0x17e0, 0x1810, 0x1946, 0x19d0, 0x1a80, 0x1a90,
        0x1b50, 0x1bb0, 0x1c40, 0x1c50, 0xa620, 0xa8d0, 0xa900, 0xa9d0, 0xa9f0, 0xaa50, 0xabf0,
        0xff10,
    ];
    ZEROS
        .iter()
        .any(|zero| (*zero..zero + 10).contains(&(c as u32)))
}

fn bracketed(text: &str) -> Option<(Numbering, i32)> {
    let inner = text.strip_prefix(['(', '（']).unwrap_or(text);
    let (length, _) = dotted_number(inner)?;
    inner[length..]
        .starts_with([')', '）'])
        .then_some((Numbering::BracketedNumber, 4))
}

fn roman(text: &str) -> Option<(Numbering, i32)> {
    let length = text.bytes().take_while(|b| b"IVXivx".contains(b)).count();
    let next = text[length..].chars().next();
    let ends = next.is_none_or(|c| matches!(c, '.' | '．' | ')') || is_space(c));
    (length > 0 && ends).then_some((Numbering::Roman, 1))
}

fn chinese(text: &str) -> Option<(Numbering, i32)> {
    const DIGITS: &str = "一二三四五六七八九十";
    let inner = text.strip_prefix(['第', '（', '(']).unwrap_or(text);
    let mut chars = inner.chars();
    chars.next().filter(|c| DIGITS.contains(*c))?;
    // One or two digits; if the second does not end the number, it may begin the rest, and vice versa.
    let ends = |c: Option<char>| {
        c.is_none_or(|c| {
            "章节篇卷部条题讲课回）)".contains(c)
                || !(c.is_ascii_alphabetic() || ('\u{4e00}'..='\u{9fa5}').contains(&c))
        })
    };
    let (second, third) = (chars.next(), chars.next());
    let two = second.is_some_and(|c| DIGITS.contains(c)) && ends(third);
    (two || ends(second)).then_some((Numbering::Chinese, 1))
}

fn letter(text: &str) -> Option<(Numbering, i32)> {
    let mut chars = text.chars();
    chars.next().filter(char::is_ascii_alphabetic)?;
    let mark = chars
        .next()
        .is_some_and(|c| matches!(c, '.' | '．' | ')') || is_space(c));
    mark.then_some((Numbering::Letter, 2))
}

fn number_list(text: &str) -> Option<(Numbering, i32)> {
    dotted_number(text).map(|(_, dots)| (Numbering::NumberList, dots as i32 + 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use Numbering::*;

    #[track_caller]
    fn check(text: &str, expected: Option<(Numbering, i32)>) {
        assert_eq!(numbering(text), expected, "{text}");
    }

    #[test]
    fn numberings() {
        check("(1) Sampling", Some((BracketedNumber, 4)));
        check("I think", Some((Roman, 1)));
        check("第一章 总则", Some((Chinese, 1)));
        check("一般规定", None);
        check("三十六计", None);
        check("A study", Some((Letter, 2)));
        check(" 2.3.1 Notes", Some((NumberList, 3)));
        check("Abstract", None);
    }

    #[test]
    fn special_words_and_votes() {
        let titles = [
            ("REFERENCES :", 10),
            ("1 One", 30),
            ("1.1 Two", 20),
            ("Plain", 20),
        ];
        let titles = titles.map(|(t, h)| (t.to_string(), h));
        assert_eq!(title_levels(&titles), [1, 1, 2, 2]);
        assert_eq!(title_levels(&[]), [0; 0]);
    }
}
