//! Cyrillic text whose codes a file gives out as Latin letters with accents: `Ìèíèñòåðñòâî` for `Министерство`.
//!
//! Old programs wrote the bytes of a Cyrillic code page into fonts that say nothing of Unicode, and a reader then takes them
//! for Latin-1. No Latin text consists of accented letters, so it can be told.

use super::super::page::PdfPage;
use super::thresholds::cyrillic::{COMMON_SHARE, FONT_SHARE, LEAST};

/// The letters of KOI8-R from 0xC0 to 0xDF; those from 0xE0 are the capitals.
const KOI8: &str = "юабцдефгхийклмнопярстужвьызшэщчъ";
/// The most frequent letters of Russian; more than half of any text.
const COMMON: &str = "оеаинтср";

/// The letter that a code stands for in Windows-1251.
fn windows(code: u32) -> Option<char> {
    match code {
        0xA8 => Some('Ё'),
        0xB8 => Some('ё'),
        0xAA => Some('Є'),
        0xBA => Some('є'),
        0xB2 => Some('І'),
        0xB3 => Some('і'),
        0xAF => Some('Ї'),
        0xBF => Some('ї'),
        0xC0..=0xFF => char::from_u32(code - 0xC0 + 0x410),
        _ => None,
    }
}

/// The character that a code stands for in T2A, the encoding of TeX, whose letters are those of Windows-1251.
fn tex(code: u32) -> Option<char> {
    match code {
        0x9C => Some('Ё'),
        0xBC => Some('ё'),
        0xBE => Some('«'),
        0xBF => Some('»'),
        _ => windows(code).filter(|_| code >= 0xC0),
    }
}

/// The letter that a code stands for in KOI8-R.
fn koi8(code: u32) -> Option<char> {
    match code {
        0xA3 => Some('ё'),
        0xB3 => Some('Ё'),
        0xC0..=0xDF => KOI8.chars().nth(code as usize - 0xC0),
        0xE0..=0xFF => KOI8
            .chars()
            .nth(code as usize - 0xE0)?
            .to_uppercase()
            .next(),
        _ => None,
    }
}

/// Decodes the letters of fonts that have hardly any letters but accented ones, where Russian words come of it.
pub(in crate::input::pdf) fn decode(page: &mut PdfPage) {
    let mut letters = vec![(0usize, 0usize); page.fonts.len()];
    for c in &page.chars {
        let Some(run) = page.runs.get(c.run as usize) else {
            continue;
        };
        let is_letter = char::from_u32(c.code).is_some_and(char::is_alphabetic);
        if let Some((all, high)) = letters.get_mut(run.font as usize).filter(|_| is_letter) {
            *all += 1;
            *high += usize::from((0xC0..=0xFF).contains(&c.code));
        }
    }
    let is_encoded = |run: u32| {
        let font = page.runs.get(run as usize).map(|run| run.font as usize);
        let counts = font.and_then(|font| letters.get(font));
        counts.is_some_and(|(all, high)| *high > 0 && *high as f32 >= FONT_SHARE * *all as f32)
    };
    let found: Vec<usize> = (0..page.chars.len())
        .filter(|at| is_encoded(page.chars[*at].run))
        .collect();
    let share = |decode: fn(u32) -> Option<char>| {
        let decoded = found.iter().filter_map(|at| decode(page.chars[*at].code));
        let decoded: Vec<char> = decoded.collect();
        let is_common = |c: &&char| c.to_lowercase().any(|c| COMMON.contains(c));
        match decoded.len() {
            count if count < LEAST => 0.0,
            count => decoded.iter().filter(is_common).count() as f32 / count as f32,
        }
    };
    let (by_windows, by_koi8) = (share(windows), share(koi8));
    if by_windows.max(by_koi8) < COMMON_SHARE {
        return;
    }
    // Quotation marks of TeX are letters of Macedonian and Ukrainian in the other.
    let has = |code: u32| found.iter().any(|at| page.chars[*at].code == code);
    let decode = match by_windows >= by_koi8 {
        true if has(0xBE) && has(0xBF) => tex,
        true => windows,
        false => koi8,
    };
    for at in found {
        let c = &mut page.chars[at];
        if let Some(letter) = decode(c.code) {
            (c.code, c.unmapped) = (letter as u32, false);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::page::{PdfChar, PdfRun};
    use super::*;

    fn decoded(text: &str) -> String {
        let char_of = |c: char| PdfChar {
            code: c as u32,
            bbox: [0.0; 4],
            run: 0,
            unmapped: true,
        };
        let mut page = PdfPage {
            chars: text.chars().map(char_of).collect(),
            runs: vec![PdfRun::PLAIN],
            fonts: vec!["Font".into()],
            ..PdfPage::default()
        };
        decode(&mut page);
        page.chars
            .iter()
            .filter_map(|c| char::from_u32(c.code))
            .collect()
    }

    #[test]
    fn code_pages_are_told_by_their_letters() {
        let text = "Министерство образования и науки, 2019";
        let bytes = |code_of: fn(u32) -> Option<char>| -> String {
            let back = |c: char| (0xA0..=0xFF).find(|code| code_of(*code) == Some(c));
            text.chars()
                .map(|c| back(c).and_then(char::from_u32).unwrap_or(c))
                .collect()
        };
        assert_eq!(bytes(windows).chars().take(4).collect::<String>(), "Ìèíè");
        assert_eq!(decoded(&bytes(windows)), text);
        assert_eq!(decoded(&bytes(koi8)), text);
        let quoted = format!("{} \u{be}\u{cc}\u{bf}", bytes(windows));
        assert_eq!(decoded(&quoted), format!("{text} «М»"));
    }

    #[test]
    fn latin_text_stays() {
        for text in [
            "Öl für die Mühle, Übung, Größe",
            "àéîõü àéîõü àéîõü àéîõü àéîõü",
            "Ìè",
        ] {
            assert_eq!(decoded(text), text);
        }
    }
}
