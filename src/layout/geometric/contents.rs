//! Entries of a table of contents that have no dots before their page number: chapters, or all of them.

use super::labels::is_page_number;
use super::thresholds::contents::{EDGE, GAP, HEADED, PLAIN};
use crate::document::Label;
use crate::geometry::Rect;
use crate::layout::Region;
use crate::lines::Segment;

/// What tells that a region is an entry.
#[derive(Clone, Copy)]
struct Entry {
    /// Its page; `None` for a Roman number, or if dots said already what it is.
    page: Option<u32>,
    /// Right edge of the number.
    right: f32,
    /// It would be a heading, which ends with a number far from its words in tables of contents only.
    is_sure: bool,
}

/// Labels consecutive regions as contents where each ends with a page number at the right edge, and pages do not go back.
pub(super) fn relabel(regions: &mut [Region], segments: &[Segment]) {
    let mut start = 0;
    while start < regions.len() {
        let mut found: Vec<Entry> = Vec::new();
        for region in &regions[start..] {
            match entry(region, segments).filter(|next| goes_on(&found, next)) {
                Some(next) => found.push(next),
                None => break,
            }
        }
        let end = start + found.len();
        let sure = found.iter().filter(|entry| entry.is_sure).count();
        if sure >= HEADED || found.len() >= PLAIN {
            regions[start..end]
                .iter_mut()
                .for_each(|region| region.label = Label::Content);
        }
        start = end.max(start + 1);
    }
}

/// `true` if an entry stands below the others, on a page that is not before theirs.
fn goes_on(found: &[Entry], next: &Entry) -> bool {
    let last = found.iter().rev().find_map(|entry| entry.page);
    let is_later = last.zip(next.page).is_none_or(|(last, page)| last <= page);
    let is_aligned = found
        .last()
        .is_none_or(|last| (last.right - next.right).abs() < EDGE);
    is_later && is_aligned
}

fn entry(region: &Region, segments: &[Segment]) -> Option<Entry> {
    if !matches!(
        region.label,
        Label::Content | Label::ParagraphTitle | Label::Text
    ) {
        return None;
    }
    let last = region.lines.last()?;
    let words: Vec<(&Rect, &str)> = last
        .iter()
        .filter_map(|i| segments.get(*i))
        .flat_map(|segment| &segment.words)
        .map(|word| (&word.bbox, word.text.as_str()))
        .collect();
    let [.., (before, _), (bbox, number)] = words[..] else {
        return None;
    };
    let is_apart = bbox.x1 - before.x2 > GAP * bbox.height();
    let has_dots = region.label == Label::Content;
    (is_page_number(number) && (is_apart || has_dots)).then(|| Entry {
        page: number.parse().ok().filter(|_| !has_dots),
        right: bbox.x2,
        is_sure: region.label != Label::Text,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::lines::Word;

    /// Labels of one-line regions of a text and a number, the numbers ending at `right`.
    fn labels(lines: &[(Label, &str, &str)], gap: f32) -> Vec<Label> {
        let (mut segments, mut regions) = (Vec::new(), Vec::new());
        for (at, (label, text, number)) in lines.iter().enumerate() {
            let y = at as f32 * 30.0;
            let word =
                |x1: f32, x2: f32, text: &str| Word::of(Rect::new(x1, y, x2, y + 20.0), text);
            let words = vec![word(0.0, 300.0 - gap, text), word(300.0, 330.0, number)];
            segments.push(Segment::of(words, 20.0));
            let mut region = Region::new(*label, segments[at].bbox, 1.0);
            region.lines = vec![vec![at]];
            regions.push(region);
        }
        relabel(&mut regions, &segments);
        regions.iter().map(|region| region.label).collect()
    }

    #[test]
    fn chapters_without_dots_are_entries() {
        use Label::{Content, ParagraphTitle, Text};
        let heading = |text, number| (ParagraphTitle, text, number);
        let chapters = [
            heading("Ebb", "21"),
            heading("Flow", "21"),
            heading("Gale", "30"),
        ];
        assert_eq!(labels(&chapters, 90.0), [Content; 3]);
        assert_eq!(
            labels(&chapters, 6.0),
            [ParagraphTitle; 3],
            "numbers beside the words"
        );
        let back = [
            heading("Ebb", "21"),
            heading("Flow", "5"),
            heading("Gale", "30"),
        ];
        assert_eq!(labels(&back, 90.0), [ParagraphTitle; 3], "values");
        let text = |number| (Text, "Tides", number);
        assert_eq!(labels(&[text("1"), text("2"), text("3")], 90.0), [Text; 3]);
        let many = ["1", "2", "4", "4", "9", "12"].map(text);
        assert_eq!(labels(&many, 90.0), [Content; 6]);
    }
}
