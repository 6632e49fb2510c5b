//! Mending on synthetic pages: which fonts are looked at, how texts take the place of characters.

use super::*;
use crate::input::pdf::page::{PdfRun, part_of};

/// A page of one font with these codes, ten pixels wide each; those below 0x80 that are no letters, and
/// private ones, are unmapped.
fn page(codes: &[u32]) -> PdfPage {
    let run = PdfRun::PLAIN;
    let char = |(at, code): (usize, &u32)| PdfChar {
        code: *code,
        bbox: [at as f32 * 10.0, 0.0, at as f32 * 10.0 + 10.0, 10.0],
        run: 0,
        unmapped: char::from_u32(*code).is_some_and(|c| c.is_ascii() && !c.is_ascii_alphabetic()),
    };
    PdfPage {
        chars: codes.iter().enumerate().map(char).collect(),
        runs: vec![run],
        fonts: vec!["ABCDEF+Wingdings".into()],
        embedded: vec![false],
        ..PdfPage::default()
    }
}

fn text(page: &PdfPage) -> String {
    page.chars.iter().map(PdfChar::letter).collect()
}

#[test]
fn sound_pages_do_not_ask_the_second_reader() {
    let mut sound = page(
        &"Readableletters"
            .chars()
            .map(|c| c as u32)
            .collect::<Vec<_>>(),
    );
    let before = sound.clone();
    mend(
        &mut sound,
        0,
        || unreachable!("not needed"),
        |_| unreachable!("not needed"),
    );
    assert_eq!(sound, before);
}

#[test]
fn without_a_second_reader_custom_still_helps() {
    let mut page = page(&[0xF0A7, 'a' as u32, 0xE123, 0x01, 0x85]);
    page.chars[4].unmapped = true;
    mend(&mut page, 0, || None, |_| None);
    assert_eq!(text(&page), "▪a\u{E123}\u{FFFD}\u{FFFD}");
    let codes = page.chars[3..].iter().map(|c| c.code);
    assert!(codes.eq([0xF0001, 0xF0085]), "glyphs keep their numbers");
}

#[test]
fn several_letters_share_a_box_in_the_direction_of_writing() {
    let mut page = page(&[0x02, 'c' as u32]);
    page.replace_chars(BTreeMap::from([(0, "ffi".to_string())]));
    assert_eq!(text(&page), "ffic");
    assert_eq!(page.chars[1].bbox[0], page.chars[0].bbox[2]);
    assert!((page.chars[2].bbox[2] - 10.0).abs() < 0.01);
    assert!(page.chars.iter().all(|c| !c.unmapped));
    let boxed = [0.0, 0.0, 10.0, 40.0];
    assert_eq!(part_of(boxed, 90.0, 0, 2), [0.0, 0.0, 10.0, 20.0]);
    assert_eq!(part_of(boxed, -90.0, 0, 2), [0.0, 20.0, 10.0, 40.0]);
    assert_eq!(part_of(boxed, 180.0, 1, 2), [0.0, 0.0, 5.0, 40.0]);
}
