//! Settles what [`trust`](super::trust) leaves open about a text layer, by a look at single lines of the page's
//! picture: where they lie is known, so nothing is detected.
//!
//! Glyphs without meaning are read from the lines that they stand in ([`fill`]). Fonts with odd letters are
//! compared with the picture ([`sample`], [`compare`]) and, if they are wrong, read anew glyph by glyph. A layer
//! that would be given up for its quality is compared as well. All this is bounded by a number of lines, of the page and of
//! the document ([`readings`]).

mod align;
mod compare;
mod fill;
mod readings;
mod sample;
mod thresholds;

use super::line_text::LineText;
use super::page_text::PageText;
use super::rows::{Row, rows};
use super::thresholds::trust::{MAX_HIDDEN, MAX_MEANINGLESS, MAX_OTHER_SCRIPT};
use super::trust::{Rejected, Verdict, hidden_share, meaningless_share, other_script_share};
use crate::document::TextSource;
use crate::fault::Fault;
use crate::geometry::Quad;
use crate::input::pdf::page::{PdfChar, PdfPage};
use compare::Found;
pub(crate) use readings::Readings;
use thresholds::compare::{ENOUGH, ENOUGH_OF_SCAN};
use thresholds::fill::MOST_UNKNOWN;
use thresholds::sample::{MOST_FONTS, READ_AGAIN};

/// Reads the lines at these places of the page's picture.
pub(super) type Read<'a> = dyn FnMut(&[Quad]) -> Result<Vec<LineText>, Fault> + 'a;

/// What is known after some lines were read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Settled {
    /// The layer is used, for this reason.
    Layer(String),
    /// The page is read from its picture, for this reason.
    Lines(String),
    /// What was decided before stays.
    Open,
}

/// Settles the doubts of a verdict, and mends characters of the layer.
pub(super) fn settle(
    content: &mut PdfPage,
    verdict: &Verdict,
    readings: &mut Readings,
    read: &mut Read<'_>,
) -> Result<Settled, Fault> {
    let reason = &verdict.decision.reason;
    let mut mended = 0;
    if verdict.has_unknown && meaningless_share(content) <= MOST_UNKNOWN {
        mended += mend(content, &PdfChar::is_meaningless, readings, read)?;
    }
    for font in verdict.odd_fonts.iter().take(MOST_FONTS) {
        match odd_font(content, *font, readings, read)? {
            Odd::Right => {}
            Odd::Mended(count) => mended += count,
            Odd::Wrong => {
                return Ok(Settled::Lines(format!(
                    "the letters of a font are not those of the page's picture ({})",
                    content.fonts[usize::from(*font)]
                )));
            }
        }
    }
    let told = match mended {
        0 => String::new(),
        1 => "; 1 character was read from the picture".into(),
        n => format!("; {n} characters were read from the picture"),
    };
    if verdict.decision.source == TextSource::TextLayer {
        return Ok(Settled::Layer(format!("{reason}{told}")));
    }
    if verdict.rejected != Some(Rejected::Quality) || meaningless_share(content) > MAX_MEANINGLESS {
        return Ok(Settled::Open);
    }
    if other_script_share(content) > MAX_OTHER_SCRIPT {
        return Ok(Settled::Layer(format!(
            "{reason}, but the line recognizer does not know its script{told}"
        )));
    }
    let rows = rows(content);
    let rows: Vec<&Row> = rows.iter().collect();
    Ok(
        match sample::sample(content, &rows, enough(content), read)? {
            Found::AsGood => Settled::Layer(format!(
                "{reason}, but lines read from the picture are not better{told}"
            )),
            Found::Worse => Settled::Lines(format!(
                "{reason}, and lines read from the picture are better"
            )),
            Found::Unknown => Settled::Open,
        },
    )
}

/// The reason why a layer is used that was to be given up, if it has all that was read on the page, and as well.
/// `text` is in the pixels of the layer, but for a slight skew.
pub(super) fn outdone(content: &PdfPage, verdict: &Verdict, text: &PageText) -> Option<String> {
    let is_possible = verdict.rejected.is_some() && meaningless_share(content) <= MAX_MEANINGLESS;
    let is_good = is_possible && sample::has_all(content, text, enough(content));
    let reason = &verdict.decision.reason;
    is_good.then(|| format!("{reason}, but the layer has all that is read from the picture"))
}

/// Share of equal characters from which the layer is good.
fn enough(content: &PdfPage) -> f32 {
    match hidden_share(content) > MAX_HIDDEN {
        true => ENOUGH_OF_SCAN,
        false => ENOUGH,
    }
}

/// Reads the glyphs that `is_wanted` from the rows in which they are part of words, or of all rows.
fn mend(
    content: &mut PdfPage,
    is_wanted: &dyn Fn(&PdfChar) -> bool,
    readings: &mut Readings,
    read: &mut Read<'_>,
) -> Result<usize, Fault> {
    let rows = rows(content);
    let asked: Vec<Row> = rows
        .into_iter()
        .filter(|row| row.has_unknown_letter(content) && row.is_readable(content))
        .collect();
    fill::fill(content, &asked, (is_wanted, false), readings, read)
}

/// What was found out about a font with odd letters.
enum Odd {
    /// They are those of the picture, or cannot be read.
    Right,
    /// They are not; this many characters were read anew.
    Mended(usize),
    /// They are not, and not enough of them could be read.
    Wrong,
}

fn odd_font(
    content: &mut PdfPage,
    font: u16,
    readings: &mut Readings,
    read: &mut Read<'_>,
) -> Result<Odd, Fault> {
    let key = Readings::key(content, font);
    let known = readings.is_right(key);
    if known == Some(true) {
        return Ok(Odd::Right);
    }
    let runs: Vec<bool> = content.runs.iter().map(|run| run.font == font).collect();
    let is_of_font =
        move |c: &PdfChar| c.is_mark() && runs.get(c.run as usize).copied().unwrap_or(false);
    let rows = rows(content);
    let is_mostly = |row: &&Row| {
        let chars = &content.chars[row.chars.clone()];
        let of_font = chars.iter().filter(|c| is_of_font(c)).count();
        of_font * 2 > chars.iter().filter(|c| c.is_mark()).count()
    };
    let of_font: Vec<&Row> = rows.iter().filter(is_mostly).collect();
    if known.is_none() {
        let lines = sample::count(content, &of_font);
        if !readings.take_all(lines) {
            return Ok(Odd::Right);
        }
        let found = sample::sample(content, &of_font, ENOUGH, read)?;
        if found != Found::Unknown {
            readings.note_font(key, found == Found::AsGood);
        }
        if found != Found::Worse {
            return Ok(Odd::Right);
        }
    }
    let count = content.chars.iter().filter(|c| is_of_font(c)).count();
    let of_font: Vec<Row> = of_font.into_iter().cloned().collect();
    let mended = fill::fill(content, &of_font, (&is_of_font, true), readings, read)?;
    Ok(match mended as f32 >= READ_AGAIN * count as f32 {
        true => Odd::Mended(mended),
        false => Odd::Wrong,
    })
}

#[cfg(test)]
mod tests;
