//! Dates in figures: `2024-12-31`, `31.12.2024`, `12/31/2024`.

use super::{Content, Value};

/// First and last year of dates that workbooks can hold.
const YEARS: std::ops::RangeInclusive<u16> = 1900..=9999;

/// Three numbers that may be a date.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Date<'a> {
    /// The figures, as written; the year has four.
    parts: [&'a str; 3],
    sign: char,
}

/// Order of the parts of a date, named after the first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// Year, month, day.
    Year,
    /// Day, month, year.
    Day,
    /// Month, day, year.
    Month,
}

impl<'a> Date<'a> {
    /// The parts of a text of this form.
    pub(super) fn read(text: &'a str) -> Option<Self> {
        let sign = text.chars().find(|c| !c.is_ascii_digit())?;
        if !matches!(sign, '-' | '.' | '/') {
            return None;
        }
        let mut parts = text.split(sign);
        let parts = [parts.next()?, parts.next()?, parts.next()?];
        let written = parts.iter().map(|part| part.len()).sum::<usize>() + 2;
        let are_digits = parts
            .iter()
            .all(|part| part.bytes().all(|b| b.is_ascii_digit()));
        let lengths = parts.map(str::len);
        let is_year_first = lengths == [4, 2, 2] && sign == '-';
        let is_year_last = matches!(lengths, [1..=2, 1..=2, 4]) && sign != '-';
        let is_date = written == text.len() && are_digits && (is_year_first || is_year_last);
        let date = Date { parts, sign };
        (is_date && (is_year_first || date.may_be(Order::Day) || date.may_be(Order::Month)))
            .then_some(date)
    }

    /// `true` if the order gives a day that exists.
    pub(super) fn may_be(&self, order: Order) -> bool {
        self.day(order).is_some()
    }

    /// Year, month and day in an order, if there is such a day.
    fn day(&self, order: Order) -> Option<(u16, u8, u8)> {
        let [year, month, day] = match order {
            Order::Year => [0, 1, 2],
            Order::Day => [2, 1, 0],
            Order::Month => [2, 0, 1],
        }
        .map(|at| self.parts[at]);
        let (year, month, day) = (year.parse().ok()?, month.parse().ok()?, day.parse().ok()?);
        let is_day = YEARS.contains(&year) && (1..=days_of(year, month)).contains(&day);
        is_day.then_some((year, month, day))
    }

    /// The value in an order.
    pub(super) fn value(&self, order: Order) -> Option<Value> {
        let (year, month, day) = self.day(order)?;
        let letters = match order {
            Order::Year => ["y", "m", "d"],
            Order::Day => ["d", "m", "y"],
            Order::Month => ["m", "d", "y"],
        };
        let parts = letters.iter().zip(self.parts);
        let parts: Vec<String> = parts
            .map(|(letter, part)| letter.repeat(part.len()))
            .collect();
        // Escaped: a bare `/` would be the sign of the reader's language.
        let sign = format!("\\{}", self.sign);
        Some(Value {
            content: Content::Date(year, month, day),
            format: parts.join(&sign),
        })
    }

    /// The order that the form alone tells.
    pub(super) fn is_year_first(&self) -> bool {
        self.parts[0].len() == 4
    }
}

fn days_of(year: u16, month: u8) -> u8 {
    let is_leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    }
}
