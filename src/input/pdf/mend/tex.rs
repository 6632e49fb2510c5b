//! The encodings that are built into the fonts of TeX, which its PDFs do not repeat.
//!
//! Source: the encoding files of the fonts (`OT1`, `T1`, `OML`, `OMS`, `OMX`, `U` of `amsfonts`).

/// An encoding: texts in the order of codes, with spaces between them and [`NONE`] where there is none.
type Encoding = &'static str;

/// Stands in the tables for a code without text.
const NONE: &str = "%%";

/// The text of a code in a font of TeX, by the font's name; `None` for other fonts.
pub(super) fn text(font: &str, code: u32) -> Option<String> {
    let (encoding, is_typewriter) = encoding(font)?;
    if is_typewriter && let Some(text) = typewriter(code) {
        return Some(text.to_string());
    }
    let text = encoding.split(' ').nth(code as usize)?;
    (text != NONE).then(|| text.to_string())
}

/// The encoding of a font, and whether it is a typewriter font of OT1.
fn encoding(font: &str) -> Option<(Encoding, bool)> {
    // The name of a subset font starts with six capitals and a plus sign.
    let name = font
        .split_once('+')
        .map_or(font, |(_, rest)| rest)
        .to_ascii_lowercase();
    // The name of a family and the size that it was designed for.
    let family = name.trim_end_matches(|c: char| c.is_ascii_digit());
    Some(match family {
        "cmmi" | "cmmib" | "eurm" | "eurb" => (OML, false),
        "cmsy" | "cmbsy" | "eusm" | "eusb" => (OMS, false),
        "cmex" => (OMX, false),
        "msam" => (MSAM, false),
        "msbm" => (MSBM, false),
        "cmtt" | "cmsltt" | "cmitt" | "cmtcsc" | "cmvtt" => (OT1, true),
        "cmr" | "cmbx" | "cmb" | "cmti" | "cmbxti" | "cmsl" | "cmbxsl" | "cmss" | "cmssbx"
        | "cmssi" | "cmssdc" | "cmcsc" | "cmdunh" | "cmff" | "cmfi" | "cmfib" | "cmu" | "cmssq"
        | "cmssqi" => (OT1, false),
        _ if family.len() == 4 && family.starts_with("sf") => (T1, false),
        _ if family.len() == 4 && family.starts_with("ec") => (T1, false),
        _ => return None,
    })
}

/// Where the typewriter fonts differ from OT1.
fn typewriter(code: u32) -> Option<&'static str> {
    Some(match code {
        0x0B => "↑",
        0x0C => "↓",
        0x0D => "'",
        0x0E => "¡",
        0x0F => "¿",
        0x20 => "␣",
        0x22 => "\"",
        0x3C => "<",
        0x3E => ">",
        0x5C => "\\",
        0x5F => "_",
        0x7B => "{",
        0x7C => "|",
        0x7D => "}",
        _ => return None,
    })
}

/// Text fonts of 128 characters.
#[rustfmt::skip]
const OT1: &str = "\
    Γ Δ Θ Λ Ξ Π Σ Υ Φ Ψ Ω ff fi fl ffi ffl ı ȷ ` ´ ˇ ˘ ¯ ˚ ¸ ß æ œ ø Æ Œ Ø \u{337} ! ” # $ % & ’ ( \
    ) * + , - . / 0 1 2 3 4 5 6 7 8 9 : ; ¡ = ¿ ? @ A B C D E F G H I J K L M N O P Q R S T U V W X \
    Y Z [ “ ] ˆ ˙ ‘ a b c d e f g h i j k l m n o p q r s t u v w x y z – — ˝ ˜ ¨";

/// Text fonts of 256 characters, in the Cork encoding.
#[rustfmt::skip]
const T1: &str = "\
    ` ´ ˆ ˜ ¨ ˝ ˚ ˇ ˘ ¯ ˙ ¸ ˛ ‚ ‹ › “ ” „ « » – — %% ₀ ı ȷ ff fi fl ffi ffl ␣ ! \" # $ % & ’ ( ) * \
    + , - . / 0 1 2 3 4 5 6 7 8 9 : ; < = > ? @ A B C D E F G H I J K L M N O P Q R S T U V W X Y Z \
    [ \\ ] ^ _ ‘ a b c d e f g h i j k l m n o p q r s t u v w x y z { | } ~ - Ă Ą Ć Č Ď Ě Ę Ğ Ĺ Ľ \
    Ł Ń Ň Ŋ Ő Ŕ Ř Ś Š Ş Ť Ţ Ű Ů Ÿ Ź Ž Ż IJ İ đ § ă ą ć č ď ě ę ğ ĺ ľ ł ń ň ŋ ő ŕ ř ś š ş ť ţ ű ů ÿ \
    ź ž ż ij ¡ ¿ £ À Á Â Ã Ä Å Æ Ç È É Ê Ë Ì Í Î Ï Ð Ñ Ò Ó Ô Õ Ö Œ Ø Ù Ú Û Ü Ý Þ SS à á â ã ä å æ ç \
    è é ê ë ì í î ï ð ñ ò ó ô õ ö œ ø ù ú û ü ý þ ß";

/// Math italic.
#[rustfmt::skip]
const OML: &str = "\
    Γ Δ Θ Λ Ξ Π Σ Υ Φ Ψ Ω α β γ δ ϵ ζ η θ ι κ λ μ ν ξ π ρ σ τ υ ϕ χ ψ ω ε ϑ ϖ ϱ ς φ ↼ ↽ ⇀ ⇁ ↩ ↪ ▷ ◁ \
    0 1 2 3 4 5 6 7 8 9 . , < / > ⋆ ∂ A B C D E F G H I J K L M N O P Q R S T U V W X Y Z ♭ ♮ ♯ ⌣ ⌢ \
    ℓ a b c d e f g h i j k l m n o p q r s t u v w x y z ı ȷ ℘ \u{20D7} ⁀";

/// Math symbols.
#[rustfmt::skip]
const OMS: &str = "\
    − ⋅ × ∗ ÷ ⋄ ± ∓ ⊕ ⊖ ⊗ ⊘ ⊙ ◯ ∘ • ≍ ≡ ⊆ ⊇ ≤ ≥ ⪯ ⪰ ∼ ≈ ⊂ ⊃ ≪ ≫ ≺ ≻ ← → ↑ ↓ ↔ ↗ ↘ ≃ ⇐ ⇒ ⇑ ⇓ ⇔ ↖ ↙ ∝ \
    ′ ∞ ∈ ∋ △ ▽ \u{338} ↦ ∀ ∃ ¬ ∅ ℜ ℑ ⊤ ⊥ ℵ A B C D E F G H I J K L M N O P Q R S T U V W X Y Z ∪ ∩ \
    ⊎ ∧ ∨ ⊢ ⊣ ⌊ ⌋ ⌈ ⌉ { } ⟨ ⟩ | ‖ ↕ ⇕ \\ ≀ √ ⨿ ∇ ∫ ⊔ ⊓ ⊑ ⊒ § † ‡ ¶ ♣ ♦ ♥ ♠";

/// Brackets and operators in their sizes.
#[rustfmt::skip]
const OMX: &str = "\
    ( ) [ ] ⌊ ⌋ ⌈ ⌉ { } ⟨ ⟩ | ‖ / \\ ( ) ( ) [ ] ⌊ ⌋ ⌈ ⌉ { } ⟨ ⟩ / \\ ( ) [ ] ⌊ ⌋ ⌈ ⌉ { } ⟨ ⟩ / \\ \
    / \\ ⎛ ⎞ ⎡ ⎤ ⎣ ⎦ ⎢ ⎥ ⎧ ⎫ ⎩ ⎭ ⎨ ⎬ ⎪ ⏐ ⎝ ⎠ ⎜ ⎟ ⟨ ⟩ ⊔ ⊔ ∮ ∮ ⊙ ⊙ ⊕ ⊕ ⊗ ⊗ ∑ ∏ ∫ ⋃ ⋂ ⊎ ⋀ ⋁ ∑ ∏ ∫ ⋃ ⋂ \
    ⊎ ⋀ ⋁ ∐ ∐ ˆ ˆ ˆ ˜ ˜ ˜ [ ] ⌊ ⌋ ⌈ ⌉ { } √ √ √ √ ⎷ %% %% ‖ ↑ ↓ %% %% %% %% ⇑ ⇓";

/// First symbol font of the AMS.
#[rustfmt::skip]
const MSAM: &str = "\
    ⊡ ⊞ ⊠ □ ■ · ◊ ⧫ ↻ ↺ ⇌ ⇋ ⊟ ⊩ ⊪ ⊨ ↠ ↞ ⇇ ⇉ ⇈ ⇊ ↾ ⇂ ↿ ⇃ ↣ ↢ ⇆ ⇄ ↰ ↱ ⇝ ↭ ↫ ↬ ≗ ≿ ≳ ⪆ ⊸ ∴ ∵ ≑ ≜ ≾ ≲ ⪅ \
    ⪕ ⪖ ⋞ ⋟ ≼ ≦ ⩽ ≶ ‵ %% ≓ ≒ ≽ ≧ ⩾ ≷ ⊏ ⊐ ⊳ ⊲ ⊵ ⊴ ★ ≬ ▾ ▶ ◀ %% %% ▵ ▴ ▿ ≖ ⋚ ⋛ ⪋ ⪌ ¥ ⇛ ⇚ ✓ ⊻ ⊼ ⩞ ∠ ∡ \
    ∢ ∝ ⌣ ⌢ ⋐ ⋑ ⋓ ⋒ ⋏ ⋎ ⋋ ⋌ ⫅ ⫆ ≏ ≎ ⋘ ⋙ ⌜ ⌝ ® Ⓢ ⋔ ∔ ∽ ⋍ ⌞ ⌟ ✠ ∁ ⊺ ⊚ ⊛ ⊝";

/// Second symbol font of the AMS.
#[rustfmt::skip]
const MSBM: &str = "\
    ≨ ≩ ≰ ≱ ≮ ≯ ⊀ ⊁ ≨ ≩ ≰ ≱ ⪇ ⪈ ⋠ ⋡ ⋨ ⋩ ⋦ ⋧ ≰ ≱ ⪵ ⪶ ⪹ ⪺ ⪉ ⪊ ≁ ≇ ⟋ ⟍ ⊊ ⊋ ⊈ ⊉ ⫋ ⫌ ⫋ ⫌ ⊊ ⊋ ⊈ ⊉ ∦ ∤ ∤ ∦ \
    ⊬ ⊮ ⊭ ⊯ ⋭ ⋬ ⋪ ⋫ ↚ ↛ ⇍ ⇏ ⇎ ↮ ⋇ ∅ ∄ 𝔸 𝔹 ℂ 𝔻 𝔼 𝔽 𝔾 ℍ 𝕀 𝕁 𝕂 𝕃 𝕄 ℕ 𝕆 ℙ ℚ ℝ 𝕊 𝕋 𝕌 𝕍 𝕎 𝕏 𝕐 ℤ %% %% %% \
    %% %% Ⅎ ⅁ %% %% %% %% ℧ ð ≂ ℶ ℷ ℸ ⋖ ⋗ ⋉ ⋊ ∣ ∥ ∖ ∼ ≈ ≊ ⪸ ⪷ ↶ ↷ ϝ ϰ 𝕜 ℏ ħ ∍";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_have_a_text_for_each_code() {
        for table in [OT1, OML, OMS, OMX, MSAM, MSBM] {
            assert_eq!(table.split(' ').count(), 128, "{table}");
        }
        assert_eq!(T1.split(' ').count(), 256);
    }

    #[test]
    fn a_font_of_tex_is_known_by_its_name() {
        #[track_caller]
        fn check(font: &str, code: u32, expected: Option<&str>) {
            assert_eq!(text(font, code).as_deref(), expected, "{font} {code}");
        }
        check("ABCDEF+CMR10", 0x0E, Some("ffi"));
        check("CMR10", 0x7F, Some("¨"));
        check("CMTT9", 0x7C, Some("|"));
        check("CMMI7", 0x0B, Some("α"));
        check("CMSY10", 0x32, Some("∈"));
        check("CMEX10", 0x50, Some("∑"));
        check("MSBM10", 0x52, Some("ℝ"));
        check("MSAM10", 0x03, Some("□"));
        check("SFRM1000", 0xFC, Some("ü"));
        check("Helvetica", 0x41, None);
        check("CMR10", 128, None);
    }
}
