//! Text of glyph names: the rules of the Adobe Glyph List, and names of TeX fonts.
//!
//! pdfium knows the list itself. Names come here when it has no text for them (ligatures with underscores,
//! sizes of brackets, small capitals), or to be compared with a map to Unicode.

use unicode_normalization::char::compose;

/// Longest name that is looked at, in bytes: the longest glyph names of real fonts are some forty long.
const MAX_NAME: usize = 64;

/// The text of a glyph with this name, without style: small capitals are capitals, old-style figures
/// figures. `None` for `.notdef`, and for names that only number glyphs (`g12`, `cid34`).
pub(super) fn text(name: &str) -> Option<String> {
    if name.len() > MAX_NAME {
        return None;
    }
    let base = name.split('.').next().filter(|base| !base.is_empty())?;
    if let Some(text) = component(base) {
        return Some(text);
    }
    let parts: Vec<String> = base.split('_').map(component).collect::<Option<_>>()?;
    Some(parts.concat())
}

/// The name of the glyph of a printable ASCII character.
pub(super) fn of_ascii(code: u32) -> Option<&'static str> {
    const LETTERS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let letter = char::from_u32(code).filter(|c| matches!(c, ' '..='~'))?;
    if let Some(at) = LETTERS.find(letter) {
        return Some(&LETTERS[at..at + 1]);
    }
    // Adobe's StandardEncoding has curly quotes at these two codes.
    let named = |text: char| match text {
        '\'' => Some("quoteright"),
        '`' => Some("quoteleft"),
        '-' => Some("hyphen"),
        _ => {
            let mut of_text = NAMED.iter().filter(|(_, known)| known.chars().eq([text]));
            of_text.next().map(|(name, _)| *name)
        }
    };
    named(letter)
}

/// The text of a name without suffix and underscores.
fn component(name: &str) -> Option<String> {
    if let Some(text) = plain(name) {
        return Some(text);
    }
    if let Some(text) = by_number(name) {
        return Some(text);
    }
    // TeX names the sizes and parts of its brackets and operators, others their figures and capitals.
    const STYLES: &[&str] = &[
        "display",
        "text",
        "big",
        "Big",
        "bigg",
        "Bigg",
        "tp",
        "bt",
        "mid",
        "ex",
        "oldstyle",
        "small",
        "superior",
        "inferior",
        "fitted",
        "taboldstyle",
        "tab",
        "alt",
        "sc",
        "smcp",
        "onum",
        "lnum",
    ];
    STYLES.iter().find_map(|style| {
        let stem = name.strip_suffix(style).filter(|stem| !stem.is_empty())?;
        plain(stem)
    })
}

/// The text of a name without style.
fn plain(name: &str) -> Option<String> {
    let mut letters = name.chars();
    if let (Some(letter), None) = (letters.next(), letters.next()) {
        return letter.is_ascii_alphabetic().then(|| letter.to_string());
    }
    if let Ok(at) = NAMED.binary_search_by(|(known, _)| (*known).cmp(name)) {
        return Some(NAMED[at].1.to_string());
    }
    accented(name).or_else(|| cyrillic(name))
}

/// `uni` with groups of four digits, `u` with four to six.
fn by_number(name: &str) -> Option<String> {
    let is_hex = |digits: &str| digits.bytes().all(|b| b.is_ascii_hexdigit());
    let valid = |c: &char| *c != '\u{FFFD}' && !matches!(*c as u32, 0..=0x1F | 0xE000..=0xF8FF);
    let letter = |digits: &str| char::from_u32(u32::from_str_radix(digits, 16).ok()?).filter(valid);
    if let Some(digits) = name.strip_prefix("uni")
        && digits.len() >= 4
        && digits.len().is_multiple_of(4)
        && is_hex(digits)
    {
        let groups = (0..digits.len())
            .step_by(4)
            .map(|at| letter(&digits[at..at + 4]));
        return groups.collect();
    }
    let digits = name.strip_prefix('u')?;
    ((4..=6).contains(&digits.len()) && is_hex(digits))
        .then(|| letter(digits).map(String::from))
        .flatten()
}

/// A letter and the name of its accent, such as `Eacute`.
fn accented(name: &str) -> Option<String> {
    let (letter, accent) = if let Some(accent) = name.strip_prefix("dotlessi") {
        ('i', accent)
    } else {
        let mut letters = name.chars();
        (
            letters.next().filter(char::is_ascii_alphabetic)?,
            letters.as_str(),
        )
    };
    let mark = match accent {
        "grave" => '\u{300}',
        "acute" => '\u{301}',
        "circumflex" => '\u{302}',
        "tilde" => '\u{303}',
        "macron" => '\u{304}',
        "breve" => '\u{306}',
        "dotaccent" | "dot" => '\u{307}',
        "dieresis" => '\u{308}',
        "ring" => '\u{30A}',
        "hungarumlaut" | "dblacute" => '\u{30B}',
        "caron" | "hacek" => '\u{30C}',
        "cedilla" | "commaaccent" => '\u{327}',
        "ogonek" => '\u{328}',
        _ => return None,
    };
    compose(letter, mark).map(String::from)
}

/// The Cyrillic letters of the list, which are numbered in the order of the alphabet.
fn cyrillic(name: &str) -> Option<String> {
    let number: u32 = name
        .strip_prefix("afii10")
        .filter(|n| n.len() == 3)?
        .parse()
        .ok()?;
    // Ё stands after Е in the alphabet, but not in Unicode.
    let code = match number {
        23 => 0x401,
        17..=22 => 0x410 + number - 17,
        24..=49 => 0x410 + number - 18,
        71 => 0x451,
        65..=70 => 0x430 + number - 65,
        72..=97 => 0x430 + number - 66,
        _ => return None,
    };
    char::from_u32(code).map(String::from)
}

/// Names of the list, and of TeX's fonts, by byte order.
#[rustfmt::skip]
const NAMED: &[(&str, &str)] = &[
    ("AE", "Æ"), ("Alpha", "Α"), ("Alphatonos", "Ά"), ("Beta", "Β"), ("Chi", "Χ"), ("Dbar", "Đ"),
    ("Dcroat", "Đ"), ("Delta", "Δ"), ("Eng", "Ŋ"), ("Epsilon", "Ε"), ("Epsilontonos", "Έ"), ("Eta", "Η"),
    ("Etatonos", "Ή"), ("Eth", "Ð"), ("Euro", "€"), ("Gamma", "Γ"), ("H18533", "■"), ("H18543", "▪"),
    ("H18551", "▫"), ("H22073", "□"), ("IJ", "IJ"), ("Idotaccent", "İ"), ("Ifraktur", "ℑ"), ("Iota", "Ι"),
    ("Iotatonos", "Ί"), ("Kappa", "Κ"), ("Lambda", "Λ"), ("Ldot", "Ŀ"), ("Lslash", "Ł"), ("Mu", "Μ"),
    ("Nu", "Ν"), ("OE", "Œ"), ("Ohm", "Ω"), ("Omega", "Ω"), ("Omegatonos", "Ώ"), ("Omicron", "Ο"),
    ("Omicrontonos", "Ό"), ("Oslash", "Ø"), ("Phi", "Φ"), ("Pi", "Π"), ("Psi", "Ψ"), ("Rfraktur", "ℜ"),
    ("Rho", "Ρ"), ("SS", "SS"), ("S_S", "SS"), ("Sigma", "Σ"), ("Tau", "Τ"), ("Tbar", "Ŧ"), ("Th", "Th"),
    ("Theta", "Θ"), ("Thorn", "Þ"), ("Upsilon", "Υ"), ("Upsilon1", "ϒ"), ("Upsilontonos", "Ύ"), ("Xi", "Ξ"),
    ("Zeta", "Ζ"),
    ("acute", "´"), ("ae", "æ"), ("afii00208", "―"), ("afii61289", "ℓ"),
    ("afii61352", "№"), ("aleph", "ℵ"), ("alpha", "α"), ("alphatonos", "ά"), ("ampersand", "&"),
    ("angle", "∠"), ("angleleft", "⟨"), ("angleright", "⟩"), ("approxequal", "≈"), ("arrowboth", "↔"),
    ("arrowbothv", "↕"), ("arrowdblboth", "⇔"), ("arrowdblbothv", "⇕"), ("arrowdbldown", "⇓"),
    ("arrowdblleft", "⇐"), ("arrowdblright", "⇒"), ("arrowdblup", "⇑"), ("arrowdblupdn", "⇕"),
    ("arrowdown", "↓"), ("arrowhookleft", "↩"), ("arrowhookright", "↪"), ("arrowleft", "←"),
    ("arrownortheast", "↗"), ("arrownorthwest", "↖"), ("arrowright", "→"), ("arrowsoutheast", "↘"),
    ("arrowsouthwest", "↙"), ("arrowup", "↑"), ("arrowupdn", "↕"), ("asciicircum", "^"),
    ("asciitilde", "~"), ("asterisk", "*"), ("asteriskmath", "∗"), ("at", "@"), ("backslash", "\\"),
    ("backslashmath", "\\"), ("bar", "|"), ("bardbl", "‖"), ("beta", "β"), ("bigcirc", "◯"),
    ("bigintersection", "⋂"), ("bigunion", "⋃"), ("box", "□"), ("braceleft", "{"), ("braceleftmath", "{"),
    ("braceright", "}"), ("bracketleft", "["), ("bracketright", "]"), ("breve", "˘"), ("brokenbar", "¦"),
    ("bullet", "•"), ("caron", "ˇ"), ("carriagereturn", "↵"), ("cedilla", "¸"), ("ceilingleft", "⌈"),
    ("ceilingright", "⌉"), ("cent", "¢"), ("checkmark", "✓"), ("chi", "χ"), ("circle", "○"), ("circlecopyrt", "◯"),
    ("circledivide", "⊘"), ("circledot", "⊙"), ("circleminus", "⊖"), ("circlemultiply", "⊗"),
    ("circleplus", "⊕"), ("circumflex", "ˆ"), ("club", "♣"), ("colon", ":"), ("colonmonetary", "₡"),
    ("comma", ","), ("commaaccent", ","), ("commamath", ","), ("compwordmark", ""), ("congruent", "≅"),
    ("contintegral", "∮"), ("coproduct", "∐"), ("copyright", "©"), ("ct", "ct"), ("currency", "¤"),
    ("cwm", ""), ("dagger", "†"), ("daggerdbl", "‡"), ("dbar", "đ"), ("dcroat", "đ"), ("degree", "°"),
    ("delta", "δ"), ("diamond", "♦"), ("diamondmath", "⋄"), ("dieresis", "¨"), ("digamma", "ϝ"),
    ("divide", "÷"), ("dollar", "$"), ("dong", "₫"), ("dotaccent", "˙"), ("dotlessi", "ı"),
    ("dotlessj", "ȷ"), ("dotmath", "⋅"), ("eight", "8"), ("element", "∈"), ("ellipsis", "…"),
    ("emdash", "—"), ("emptyset", "∅"), ("endash", "–"), ("eng", "ŋ"), ("epsilon", "ε"), ("epsilon1", "ϵ"),
    ("epsilontonos", "έ"), ("equal", "="), ("equivalence", "≡"), ("equivasymptotic", "≍"),
    ("estimated", "℮"), ("eta", "η"), ("etatonos", "ή"), ("eth", "ð"), ("euro", "€"), ("exclam", "!"),
    ("exclamdbl", "‼"), ("exclamdown", "¡"), ("existential", "∃"), ("ff", "ff"), ("ffi", "ffi"),
    ("ffj", "ffj"), ("ffl", "ffl"), ("fi", "fi"), ("figuredash", "‒"), ("filledbox", "■"), ("five", "5"),
    ("fiveeighths", "⅝"), ("fj", "fj"), ("fl", "fl"), ("flat", "♭"), ("floorleft", "⌊"),
    ("floorright", "⌋"), ("florin", "ƒ"), ("follows", "≻"), ("followsequal", "⪰"), ("four", "4"),
    ("fraction", "⁄"), ("ft", "ft"), ("gamma", "γ"), ("germandbls", "ß"), ("gradient", "∇"), ("grave", "`"),
    ("greater", ">"), ("greaterequal", "≥"), ("greatermuch", "≫"), ("guillemotleft", "«"),
    ("guillemotright", "»"), ("guilsinglleft", "‹"), ("guilsinglright", "›"), ("harpoonleftbarbup", "↼"),
    ("harpoonrightbarbup", "⇀"), ("hbar", "ħ"), ("heart", "♥"), ("horizontalbar", "―"), ("hslash", "ℏ"),
    ("hungarumlaut", "˝"), ("hyphen", "-"), ("hyphentwo", "‐"), ("ij", "ij"), ("increment", "∆"),
    ("infinity", "∞"), ("integral", "∫"), ("intercal", "⊺"), ("intersection", "∩"), ("intersectionsq", "⊓"),
    ("iota", "ι"), ("iotatonos", "ί"), ("kappa", "κ"), ("kgreenlandic", "ĸ"), ("lambda", "λ"),
    ("latticetop", "⊤"), ("ldot", "ŀ"), ("less", "<"), ("lessequal", "≤"), ("lessmuch", "≪"), ("lira", "₤"),
    ("logicaland", "∧"), ("logicalnot", "¬"), ("logicalnotreversed", "⌐"), ("logicalor", "∨"),
    ("longs", "ſ"), ("longst", "st"), ("lozenge", "◊"), ("lscript", "ℓ"), ("lslash", "ł"), ("macron", "¯"),
    ("mapsto", "↦"), ("mapstochar", "↦"), ("middot", "·"), ("minus", "−"), ("minusplus", "∓"),
    ("minute", "′"), ("mu", "µ"), ("multiply", "×"), ("nabla", "∇"), ("napostrophe", "ʼn"),
    ("natural", "♮"), ("nbspace", "\u{A0}"), ("negationslash", "\u{338}"), ("nine", "9"),
    ("nonbreakingspace", "\u{A0}"), ("notelement", "∉"), ("notequal", "≠"), ("notsubset", "⊄"), ("nu", "ν"),
    ("numbersign", "#"), ("numero", "№"), ("oe", "œ"), ("ogonek", "˛"), ("omega", "ω"), ("omega1", "ϖ"),
    ("omegatonos", "ώ"), ("omicron", "ο"), ("omicrontonos", "ό"), ("one", "1"), ("onedotenleader", "․"),
    ("oneeighth", "⅛"), ("onehalf", "½"), ("onequarter", "¼"), ("onesuperior", "¹"), ("onethird", "⅓"),
    ("openbullet", "∘"), ("ordfeminine", "ª"), ("ordmasculine", "º"), ("oslash", "ø"), ("overline", "‾"),
    ("owner", "∋"), ("paragraph", "¶"), ("parenleft", "("), ("parenright", ")"), ("partialdiff", "∂"),
    ("percent", "%"), ("period", "."), ("periodcentered", "·"), ("periodmath", "."), ("perpendicular", "⊥"),
    ("perthousand", "‰"), ("peseta", "₧"), ("phi", "φ"), ("phi1", "ϕ"), ("pi", "π"), ("pi1", "ϖ"),
    ("plus", "+"), ("plusminus", "±"), ("precedes", "≺"), ("precedesequal", "⪯"), ("prime", "′"),
    ("product", "∏"), ("propersubset", "⊂"), ("propersuperset", "⊃"), ("proportional", "∝"), ("psi", "ψ"),
    ("question", "?"), ("questiondown", "¿"), ("quotedbl", "\""), ("quotedblbase", "„"),
    ("quotedblleft", "“"), ("quotedblright", "”"), ("quoteleft", "‘"), ("quoteright", "’"),
    ("quotesinglbase", "‚"), ("quotesingle", "'"), ("radical", "√"), ("reflexsubset", "⊆"),
    ("reflexsuperset", "⊇"), ("registered", "®"), ("revlogicalnot", "⌐"), ("rho", "ρ"), ("rho1", "ϱ"),
    ("ring", "˚"), ("schwa", "ə"), ("second", "″"), ("section", "§"), ("semicolon", ";"), ("seven", "7"),
    ("seveneighths", "⅞"), ("sfthyphen", "-"), ("sharp", "♯"), ("sheqel", "₪"), ("sigma", "σ"),
    ("sigma1", "ς"), ("similar", "∼"), ("similarequal", "≃"), ("six", "6"), ("slash", "/"),
    ("slurabove", "⌢"), ("slurbelow", "⌣"), ("softhyphen", "-"), ("space", " "), ("spade", "♠"),
    ("square", "□"), ("squaresolid", "■"), ("st", "st"), ("star", "⋆"), ("sterling", "£"),
    ("subsetsqequal", "⊑"), ("suchthat", "∋"), ("summation", "∑"), ("supersetsqequal", "⊒"),
    ("suppress", ""), ("tau", "τ"), ("tbar", "ŧ"), ("therefore", "∴"), ("theta", "θ"), ("theta1", "ϑ"),
    ("thorn", "þ"), ("three", "3"), ("threeeighths", "⅜"), ("threequarters", "¾"), ("threesuperior", "³"),
    ("tie", "⁀"), ("tilde", "˜"), ("trademark", "™"), ("triagdn", "▼"), ("triaglf", "◄"), ("triagrt", "►"),
    ("triagup", "▲"), ("triangle", "△"), ("triangleinv", "▽"), ("triangleleft", "◁"),
    ("triangleright", "▷"), ("tt", "tt"), ("turnstileleft", "⊢"), ("turnstileright", "⊣"), ("two", "2"),
    ("twodotenleader", "‥"), ("twosuperior", "²"), ("twothirds", "⅔"), ("underscore", "_"),
    ("underscoredbl", "‗"), ("union", "∪"), ("unionmulti", "⊎"), ("unionsq", "⊔"), ("universal", "∀"),
    ("upsilon", "υ"), ("upsilontonos", "ύ"), ("varepsilon", "ε"), ("varkappa", "ϰ"), ("varphi", "ϕ"),
    ("varpi", "ϖ"), ("varrho", "ϱ"), ("varsigma", "ς"), ("vartheta", "ϑ"), ("vector", "\u{20D7}"),
    ("visiblespace", "␣"), ("visualspace", "␣"), ("weierstrass", "℘"), ("wreathproduct", "≀"), ("xi", "ξ"),
    ("yen", "¥"), ("zero", "0"), ("zeta", "ζ"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, expected: &str) {
        assert_eq!(text(name).as_deref(), Some(expected), "{name}");
    }

    #[test]
    fn the_table_is_in_order() {
        assert!(NAMED.windows(2).all(|pair| pair[0].0 < pair[1].0));
    }

    #[test]
    fn names_of_all_kinds_have_their_text() {
        check("f_f_i", "ffi");
        check("T_h", "Th");
        check("a.sc", "a");
        check("Aacute.sc", "Á");
        check("uni00660069", "fi");
        check("uni0411", "Б");
        check("u1F600", "😀");
        check("Scaron", "Š");
        check("dotlessi", "ı");
        check("dotlessiacute", "í");
        check("Gamma", "Γ");
        check("arrowright", "→");
        check("parenleftbig", "(");
        check("summationdisplay", "∑");
        check("oneoldstyle", "1");
        check("Asmall", "A");
        check("afii10023", "Ё");
        check("afii10097", "я");
        check("ffl", "ffl");
    }

    #[test]
    fn printable_characters_have_names() {
        let name = |letter: char| of_ascii(letter as u32).unwrap();
        assert_eq!(
            ['A', 'z', '7', '(', '-', ' '].map(name),
            ["A", "z", "seven", "parenleft", "hyphen", "space"]
        );
        assert!((' '..='~').all(|c| text(name(c)).is_some()));
        assert_eq!(of_ascii(0x80), None);
    }

    #[test]
    fn names_that_say_nothing_have_none() {
        for name in [
            "", ".notdef", "g12", "cid34", "glyph5", "uniD800", "uniE001", "u12", "a_", "C0_1",
        ] {
            assert_eq!(text(name), None, "{name}");
        }
    }
}
