//! Text of private-use characters that have a known meaning by custom: symbol fonts, and the private area of
//! the Adobe Glyph List.

/// The text of a private-use character in a font of this name, if custom gives it one.
pub(super) fn text(font: &str, code: u32) -> Option<String> {
    let name = font
        .split_once('+')
        .map_or(font, |(_, rest)| rest)
        .to_ascii_lowercase();
    // Symbol fonts of Windows: the code of the font plus 0xF000.
    if let Some(low) = code
        .checked_sub(0xF000)
        .filter(|low| (0x20..=0xFF).contains(low))
    {
        if name.contains("wingdings") {
            return wingdings(low).map(String::from);
        }
        if name.starts_with("symbol") {
            return symbol(low).map(String::from);
        }
        if name.contains("webdings") || name.contains("dingbat") {
            return None;
        }
    }
    let text = match code {
        // Two ligatures of Apple's and Microsoft's older fonts.
        0xF001 => "fi",
        0xF002 => "fl",
        0xF6BE => "ȷ",
        0xF6C3 => ",",
        0xF6D9 | 0xF8E9 => "©",
        0xF6DA | 0xF8E8 => "®",
        0xF6DB | 0xF8EA => "™",
        0xF8E5 => "‾",
        0xF8E6 => "⏐",
        0xF8E7 => "⎯",
        // Parts of tall brackets.
        0xF8EB..=0xF8FE => return PARTS.chars().nth(code as usize - 0xF8EB).map(String::from),
        // Old-style figures and small capitals.
        0xF730..=0xF739 | 0xF761..=0xF77A => {
            let plain = char::from_u32(code - 0xF700)?.to_ascii_uppercase();
            return Some(plain.to_string());
        }
        0xF7E0..=0xF7F6 | 0xF7F8..=0xF7FE => {
            let small = char::from_u32(code - 0xF700)?;
            return Some(small.to_uppercase().to_string());
        }
        0xF721 => "!",
        0xF724 => "$",
        0xF726 => "&",
        0xF73F => "?",
        _ => return None,
    };
    Some(text.to_string())
}

/// U+F8EB to U+F8FE: left parenthesis, bracket and brace, integral, then right parenthesis, bracket and brace.
const PARTS: &str = "⎛⎜⎝⎡⎢⎣⎧⎨⎩⎪⎮⎞⎟⎠⎤⎥⎦⎫⎬⎭";

fn wingdings(low: u32) -> Option<&'static str> {
    Some(match low {
        0x21 => "✏",
        0x22 => "✂",
        0x28 => "☎",
        0x2A => "✉",
        0x46 => "☞",
        0x4A => "☺",
        0x6C => "●",
        0x6E => "■",
        0x6F | 0x71 => "□",
        0x72 => "❒",
        0x73 => "⬧",
        0x74 => "⧫",
        0x75 => "◆",
        0x76 => "❖",
        0x77 => "⬥",
        0x9F => "•",
        0xA1 => "○",
        0xA7 => "▪",
        0xA8 => "◻",
        0xAB => "★",
        0xD8 => "➢",
        0xDC => "➲",
        0xDF | 0xE7 => "←",
        0xE0 | 0xE8 => "→",
        0xE1 | 0xE9 => "↑",
        0xE2 | 0xEA => "↓",
        0xF0 => "⇨",
        0xFB => "✗",
        0xFC => "✓",
        0xFD => "☒",
        0xFE => "☑",
        _ => return None,
    })
}

/// The upper half of Adobe's Symbol encoding; of the lower one, the Greek letters.
fn symbol(low: u32) -> Option<char> {
    const GREEK_CAPITALS: &str = "ΑΒΧΔΕΦΓΗΙϑΚΛΜΝΟΠΘΡΣΤΥςΩΞΨΖ";
    const GREEK: &str = "αβχδεφγηιϕκλμνοπθρστυϖωξψζ";
    const UPPER: &str = "ϒ′≤⁄∞ƒ♣♦♥♠↔←↑→↓°±″≥×∝∂•÷≠≡≈…⏐⎯↵ℵℑℜ℘⊗⊕∅∩∪⊃⊇⊄⊂⊆∈∉∠∇®©™∏√⋅¬∧∨⇔⇐⇑⇒⇓◊⟨®©™∑\
        ⎛⎜⎝⎡⎢⎣⎧⎨⎩⎪\u{F8FF}⟩∫⌠⎮⌡⎞⎟⎠⎤⎥⎦⎫⎬⎭";
    let at = |text: &str, index: u32| text.chars().nth(index as usize);
    match low {
        0x41..=0x5A => at(GREEK_CAPITALS, low - 0x41),
        0x61..=0x7A => at(GREEK, low - 0x61),
        0x22 => Some('∀'),
        0x24 => Some('∃'),
        0x27 => Some('∋'),
        0x2A => Some('∗'),
        0x2D => Some('−'),
        0x40 => Some('≅'),
        0x5C => Some('∴'),
        0x5E => Some('⊥'),
        0x7E => Some('∼'),
        0x20..=0x7D => char::from_u32(low),
        0xA1..=0xFE => at(UPPER, low - 0xA1).filter(|c| *c != '\u{F8FF}'),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn custom_gives_private_characters_a_meaning() {
        #[track_caller]
        fn check(font: &str, code: u32, expected: Option<&str>) {
            assert_eq!(text(font, code).as_deref(), expected, "{font} {code:X}");
        }
        check("ABCDEF+Wingdings-Regular", 0xF0A7, Some("▪"));
        check("SymbolMT", 0xF0B7, Some("•"));
        check("Symbol", 0xF061, Some("α"));
        check("Symbol", 0xF0E5, Some("∑"));
        check("Symbol", 0xF0FE, Some("⎭"));
        check("Minion", 0xF761, Some("A"));
        check("Minion", 0xF7E9, Some("É"));
        check("Minion", 0xF731, Some("1"));
        check("Any", 0xF8EB, Some("⎛"));
        check("Any", 0xF8FE, Some("⎭"));
        check("Any", 0xE123, None);
    }
}
