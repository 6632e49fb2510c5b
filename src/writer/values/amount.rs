//! Numbers as they are printed: sign, currency, percent sign, and digits with their separators.

use super::{Content, Value};

/// Workbooks keep this many digits of a number; one with more would change.
const MAX_DIGITS: usize = 15;
/// Digits around a decimal sign up to which it may stand in a time or the number of a section: `12.30`, `10.12`.
const MAX_TIME_DIGITS: usize = 4;
/// Digits after a plus sign, without a separator, from which on they are a telephone number.
const DIGITS_TO_DIAL: usize = 7;
/// Codes of currencies that stand before or after amounts.
const CURRENCY_CODES: [&str; 20] = [
    "AUD", "BRL", "CAD", "CHF", "CNY", "CZK", "DKK", "EUR", "GBP", "HKD", "HUF", "INR", "JPY",
    "KRW", "NOK", "NZD", "PLN", "SEK", "SGD", "USD",
];

/// A decimal sign; the other one stands between thousands, if any does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum DecimalSign {
    /// `1,234.5`
    Point,
    /// `1.234,5`
    Comma,
}

impl DecimalSign {
    fn of(sign: char) -> Option<Self> {
        match sign {
            '.' => Some(DecimalSign::Point),
            ',' => Some(DecimalSign::Comma),
            _ => None,
        }
    }

    /// The other one.
    pub(super) fn other(self) -> Self {
        match self {
            DecimalSign::Point => DecimalSign::Comma,
            DecimalSign::Comma => DecimalSign::Point,
        }
    }

    fn is(self, sign: char) -> bool {
        Self::of(sign) == Some(self)
    }
}

/// What the digits of a number tell about its decimal sign.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Tells {
    /// There is neither `.` nor `,`.
    Nothing,
    /// It can only be this one.
    Is(DecimalSign),
    /// This sign stands before three digits: it may be either.
    Open(char),
}

/// A number as printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Amount<'a> {
    sign: Option<Sign>,
    /// Texts before and after the digits, within the sign: currencies, percent signs, and their spaces.
    before: &'a str,
    after: &'a str,
    /// The minus stands between the currency and the digits.
    is_sign_inside: bool,
    /// Digits and separators.
    digits: &'a str,
    tells: Tells,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    Plus,
    Minus(char),
    MinusAfter(char),
    Brackets,
}

fn minus(c: char) -> bool {
    matches!(c, '-' | '\u{2212}' | '\u{2013}')
}

/// Spaces within numbers.
fn space(c: char) -> bool {
    matches!(c, ' ' | '\u{a0}' | '\u{202f}' | '\u{2009}')
}

fn currency_sign(c: char) -> bool {
    matches!(
        c,
        '$' | '¢' | '£' | '¤' | '¥' | '฿' | '\u{20a0}'..='\u{20cf}'
    )
}

/// `true` if the text before or after digits is a currency.
fn is_currency(text: &str) -> bool {
    let text = text.trim_matches(space);
    let mut chars = text.chars();
    CURRENCY_CODES.contains(&text)
        || matches!((chars.next(), chars.next()), (Some(sign), None) if currency_sign(sign))
}

fn is_percent(text: &str) -> bool {
    text.trim_matches(space) == "%"
}

fn are_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

impl<'a> Amount<'a> {
    /// Reads a text; `None` if it is no number.
    pub(super) fn read(text: &'a str) -> Option<Self> {
        let text = text.trim();
        let in_brackets = text.strip_prefix('(').and_then(|t| t.strip_suffix(')'));
        let (mut sign, mut core) = match in_brackets {
            Some(core) => (Some(Sign::Brackets), core),
            None => (None, text),
        };
        if sign.is_none() {
            (sign, core) = leading_sign(core);
        }
        // An en dash after a number begins a range without an end.
        if sign.is_none()
            && let Some(last) = core
                .chars()
                .next_back()
                .filter(|c| minus(*c) && *c != '\u{2013}')
        {
            (sign, core) = (
                Some(Sign::MinusAfter(last)),
                &core[..core.len() - last.len_utf8()],
            );
        }
        let from = core.find(|c: char| c.is_ascii_digit())?;
        // A decimal sign may be the first of the digits.
        let from = if core[..from].ends_with('.') {
            from - 1
        } else {
            from
        };
        let to = core.rfind(|c: char| c.is_ascii_digit())? + 1;
        let (mut before, digits, after) = (&core[..from], &core[from..to], &core[to..]);
        let mut is_sign_inside = false;
        if let Some(last) = before.chars().next_back().filter(|c| minus(*c)) {
            if sign.is_some() || before.len() == last.len_utf8() {
                return None;
            }
            sign = Some(Sign::Minus(last));
            before = &before[..before.len() - last.len_utf8()];
            is_sign_inside = true;
        }
        let is_dressed = (before.is_empty() || is_currency(before))
            && (after.is_empty() || is_percent(after) || is_currency(after))
            && (before.is_empty() || after.is_empty());
        if !is_dressed {
            return None;
        }
        let tells = tells(digits)?;
        let tells = match tells {
            // No currency in use has its parts in thousands where amounts are written with one sign.
            Tells::Open(sign) if is_currency(before) || is_currency(after) => {
                Tells::Is(DecimalSign::of(sign)?.other())
            }
            tells => tells,
        };
        let amount = Amount {
            sign,
            before,
            after,
            is_sign_inside,
            digits,
            tells,
        };
        let is_dialled = sign == Some(Sign::Plus)
            && (amount.has_spaces() || digits.len() >= DIGITS_TO_DIAL && are_digits(digits));
        (!is_dialled).then_some(amount)
    }

    /// What its digits tell about the decimal sign.
    pub(super) fn tells(&self) -> Tells {
        self.tells
    }

    /// `true` for bare digits.
    pub(super) fn is_plain(&self) -> bool {
        self.sign.is_none()
            && self.before.is_empty()
            && self.after.is_empty()
            && are_digits(self.digits)
    }

    /// Count of digits.
    pub(super) fn count(&self) -> usize {
        self.digits.bytes().filter(u8::is_ascii_digit).count()
    }

    /// A year or the like, alone: what heads columns as well.
    pub(super) fn is_year(&self) -> bool {
        self.is_plain()
            && self.digits.len() == 4
            && matches!(&self.digits[..2], "18" | "19" | "20" | "21")
    }

    /// `true` for zero in bare digits.
    pub(super) fn is_zero(&self) -> bool {
        self.is_plain() && self.digits == "0"
    }

    /// `true` if spaces separate its thousands.
    pub(super) fn has_spaces(&self) -> bool {
        self.digits.contains(space)
    }

    /// `true` for thousands below a million with a space.
    pub(super) fn is_thousands(&self) -> bool {
        self.digits.chars().filter(|c| space(*c)).count() == 1
    }

    /// `true` for what may be a time or the number of a section: `12.30`, `1.10`, but not `0.5`.
    pub(super) fn may_be_time(&self) -> bool {
        let is_fraction = self.digits.starts_with(['0', '.', ',']);
        !self.is_surely_amount() && self.count() <= MAX_TIME_DIGITS && !is_fraction
    }

    /// `true` for `.5`.
    pub(super) fn begins_with_point(&self) -> bool {
        self.digits.starts_with('.')
    }

    /// `true` if nothing but spaces between groups of digits makes it a number: it may as well be a name in groups.
    pub(super) fn is_only_spaced(&self) -> bool {
        self.has_spaces()
            && self.before.is_empty()
            && self.after.is_empty()
            && self.sign.is_none()
            && self.tells == Tells::Nothing
    }

    /// `true` if it is in brackets.
    pub(super) fn is_in_brackets(&self) -> bool {
        self.sign == Some(Sign::Brackets)
    }

    /// `true` if it has a minus sign.
    pub(super) fn has_minus(&self) -> bool {
        matches!(self.sign, Some(Sign::Minus(_) | Sign::MinusAfter(_)))
    }

    /// `true` if it is money, or has its thousands separated: brackets around it are a sign.
    pub(super) fn is_surely_amount(&self) -> bool {
        is_currency(self.before) || is_currency(self.after) || self.has_thousands()
    }

    fn has_thousands(&self) -> bool {
        match self.tells {
            Tells::Open(_) => true,
            Tells::Is(sign) => self
                .digits
                .contains(|c: char| !c.is_ascii_digit() && !sign.is(c)),
            Tells::Nothing => !are_digits(self.digits),
        }
    }

    /// Its value, if this is the decimal sign; `None` if it needs one and none is known.
    pub(super) fn value(&self, decimal: Option<DecimalSign>) -> Option<Value> {
        let decimal = match self.tells {
            Tells::Nothing => None,
            // Known, but contrary to what others tell.
            Tells::Is(sign) if decimal.is_some_and(|decimal| decimal != sign) => return None,
            Tells::Is(sign) => Some(sign),
            Tells::Open(_) => Some(decimal?),
        };
        let at = decimal.and_then(|sign| self.digits.rfind(|c| sign.is(c)));
        let (whole, fraction) = match at {
            Some(at) => (&self.digits[..at], &self.digits[at + 1..]),
            None => (self.digits, ""),
        };
        let plain: String = whole.chars().filter(char::is_ascii_digit).collect();
        if plain.len() + fraction.len() > MAX_DIGITS {
            return None;
        }
        let is_percent = is_percent(self.after);
        // Divided in figures: the result is the nearest number to what is written.
        let power = if is_percent { "e-2" } else { "" };
        let number: f64 = format!("0{plain}.{fraction}0{power}").parse().ok()?;
        let is_negative = !matches!(self.sign, None | Some(Sign::Plus));
        // A program would lose the sign of zero.
        if self.sign.is_some() && number == 0.0 {
            return None;
        }
        let mut digits = String::from(match (whole.is_empty(), plain.len() < whole.len()) {
            (true, _) => "",
            (_, true) => "#,##0",
            (_, false) => "0",
        });
        if !fraction.is_empty() {
            digits.push('.');
            digits.extend(std::iter::repeat_n('0', fraction.len()));
        }
        Some(Value {
            content: Content::Number(if is_negative { -number } else { number }),
            format: self.format(&digits, is_percent),
        })
    }

    fn format(&self, digits: &str, is_percent: bool) -> String {
        let before = quoted(self.before);
        let after = match is_percent {
            true => self.after.replace(space, " "),
            false => quoted(self.after),
        };
        let usual = format!("{before}{digits}{after}");
        match self.sign {
            None => usual,
            Some(Sign::Minus('-')) if !self.is_sign_inside => usual,
            Some(Sign::Plus) => format!("+{usual};-{usual}"),
            Some(Sign::Minus(minus)) => {
                let minus = sign(minus);
                match self.is_sign_inside {
                    true => format!("{usual};{before}{minus}{digits}{after}"),
                    false => format!("{usual};{minus}{usual}"),
                }
            }
            Some(Sign::MinusAfter(minus)) => format!("{usual};{usual}{}", sign(minus)),
            Some(Sign::Brackets) => format!("{usual};({usual})"),
        }
    }
}

/// A minus sign in a number format.
fn sign(minus: char) -> String {
    match minus {
        '-' => "-".into(),
        other => format!("\"{other}\""),
    }
}

/// A text in a number format.
fn quoted(text: &str) -> String {
    match text.is_empty() {
        true => String::new(),
        false => format!("\"{text}\""),
    }
}

fn leading_sign(text: &str) -> (Option<Sign>, &str) {
    match text.chars().next() {
        Some('+') => (Some(Sign::Plus), &text[1..]),
        Some(c) if minus(c) => (
            Some(Sign::Minus(c)),
            text[c.len_utf8()..].trim_start_matches(space),
        ),
        _ => (None, text),
    }
}

/// What digits with separators tell about the decimal sign; `None` if they are no number.
fn tells(digits: &str) -> Option<Tells> {
    let fits = |sign: Option<DecimalSign>| is_number(digits, sign);
    let signs: Vec<char> = digits.chars().filter(|c| matches!(c, '.' | ',')).collect();
    let Some(last) = signs.last() else {
        return fits(None).then_some(Tells::Nothing);
    };
    match (
        fits(Some(DecimalSign::Point)),
        fits(Some(DecimalSign::Comma)),
    ) {
        (true, true) => Some(Tells::Open(*last)),
        (true, false) => Some(Tells::Is(DecimalSign::Point)),
        (false, true) => Some(Tells::Is(DecimalSign::Comma)),
        (false, false) => None,
    }
}

/// `true` if the text is a number with this decimal sign: thousands in groups of three between equal separators, no zero
/// before other digits.
fn is_number(text: &str, decimal: Option<DecimalSign>) -> bool {
    let is_decimal = |c: char| decimal.is_some_and(|sign| sign.is(c));
    let (whole, fraction) = match text.find(is_decimal) {
        Some(at) => (&text[..at], Some(&text[at + 1..])),
        None => (text, None),
    };
    if !fraction.is_none_or(are_digits) {
        return false;
    }
    // `.05`, as statistics write it.
    if whole.is_empty() {
        return decimal == Some(DecimalSign::Point);
    }
    let separator = whole.chars().find(|c| !c.is_ascii_digit());
    let Some(separator) = separator else {
        return whole.len() == 1 || !whole.starts_with('0');
    };
    let may_separate = matches!(separator, '.' | ',' | '\'' | '\u{2019}') || space(separator);
    let mut groups = whole.split(separator);
    let first = groups.next().unwrap_or_default();
    may_separate
        && are_digits(first)
        && first.len() <= 3
        && !first.starts_with('0')
        && groups.all(|group| group.len() == 3 && are_digits(group))
}
