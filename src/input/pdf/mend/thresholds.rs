//! Thresholds for mending text, each with its unit and its trade-off.

/// Share of vowels (with y) among Latin letters in texts of any language: 0.35 in Czech and Welsh, 0.41 in
/// English, 0.55 in Hawaiian; abbreviations reach lower. Wider: shifted texts go unnoticed. Narrower: fonts
/// are compared in vain, which costs milliseconds.
pub(super) const VOWELS: std::ops::Range<f32> = 0.3..0.6;
/// Number of Latin letters below which vowels are not counted. Larger: shifted headings go unnoticed.
/// Smaller: fonts of abbreviations are compared in vain.
pub(super) const LEAST_LETTERS: u32 = 16;
/// Number of letters and figures that must be compared before a map to Unicode is called wrong. Larger: maps
/// of short texts are believed. Smaller: a few odd glyph names overrule a sound map.
pub(super) const LEAST_COMPARED: usize = 6;
/// Share of the compared letters that must differ, or differ by one distance. Larger: a wrong map with a few
/// right entries is believed. Smaller: fonts with some odd names lose a sound map.
pub(super) const MOST_DIFFER: f32 = 0.8;
/// Share of a text's characters that must be printable ASCII after adding one of [`GLYPH_SHIFTS`]. Larger:
/// texts with some ligatures are not mended. Smaller: glyphs of other orders become wrong letters.
pub(super) const MOST_PRINTABLE: f32 = 0.85;
/// Share of letters and spaces that is needed as well. Larger: tables of figures are not mended. Smaller:
/// glyphs of other orders become wrong letters.
pub(super) const MOST_LETTERS: f32 = 0.6;
/// What the glyph index of an ASCII character lacks to its code in the usual orders of glyphs: those of
/// TrueType fonts, in which three glyphs stand before the space, and of Adobe's, with one.
pub(super) const GLYPH_SHIFTS: [u32; 2] = [29, 31];

/// Cyrillic letters that come as accented Latin ones.
pub(super) mod cyrillic {
    /// Minimum share of accented letters among the letters of a font. Larger: fonts with a Latin word in between stay.
    /// Smaller: French words in capitals are decoded.
    pub(crate) const FONT_SHARE: f32 = 0.85;
    /// Minimum number of such letters on a page.
    pub(crate) const LEAST: usize = 12;
    /// Minimum share of frequent letters of Russian among them after decoding; text has 0.5 to 0.65.
    pub(crate) const COMMON_SHARE: f32 = 0.45;
}
