//! What the cells of a column tell together about each of them, and where the body of a table begins.

use super::Value;
use super::amount::{Amount, DecimalSign, Tells};
use super::date::{Date, Order};
use super::thresholds::*;
use crate::document::{Cell, Table};
use std::collections::{BTreeMap, BTreeSet};

/// The decimal signs that the tables of a document show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(in crate::writer) struct DecimalSigns {
    points: usize,
    commas: usize,
}

impl DecimalSigns {
    /// Those of all tables, each of which counts once.
    pub(in crate::writer) fn of<'a>(tables: impl Iterator<Item = &'a Table>) -> Self {
        let mut all = Self::default();
        for table in tables {
            let columns = columns(table, header_rows(table));
            match Self::sum(columns.iter().filter(|column| column.is_proof)).more() {
                Some(DecimalSign::Point) => all.points += 1,
                Some(DecimalSign::Comma) => all.commas += 1,
                None => {}
            }
        }
        all
    }

    fn sum<'a: 'b, 'b>(columns: impl Iterator<Item = &'b Column<'a>>) -> Self {
        columns.fold(Self::default(), |sum, column| DecimalSigns {
            points: sum.points + column.signs.points,
            commas: sum.commas + column.signs.commas,
        })
    }

    /// The sign that more of them are.
    fn more(self) -> Option<DecimalSign> {
        match self.points.cmp(&self.commas) {
            std::cmp::Ordering::Greater => Some(DecimalSign::Point),
            std::cmp::Ordering::Less => Some(DecimalSign::Comma),
            std::cmp::Ordering::Equal => None,
        }
    }

    /// The sign that all of them are.
    fn only(self) -> Option<DecimalSign> {
        (self.points == 0 || self.commas == 0)
            .then(|| self.more())
            .flatten()
    }

    fn is_empty(self) -> bool {
        self.points + self.commas == 0
    }
}

/// The form of a cell's text.
enum Form<'a> {
    Amount(Amount<'a>),
    Date(Date<'a>),
}

/// The cells of a column that may have values.
#[derive(Default)]
struct Column<'a> {
    /// Positions of cells in the table, their rows and forms.
    cells: Vec<(usize, usize, Form<'a>)>,
    signs: DecimalSigns,
    /// Some of its signs are proof for other columns: few digits around a sign (`12.30`, `1.10`) may be times or sections.
    is_proof: bool,
    /// Lengths of the cells that are digits and begin with zero: the digits of this column are names.
    names: BTreeSet<usize>,
    /// A cell is a number of a version or section (`1.2.3`).
    has_versions: bool,
}

impl<'a> Column<'a> {
    fn amounts(&self) -> impl Iterator<Item = &Amount<'a>> {
        self.cells.iter().filter_map(|(_, _, form)| match form {
            Form::Amount(amount) => Some(amount),
            Form::Date(_) => None,
        })
    }

    fn dates(&self) -> impl Iterator<Item = &Date<'a>> {
        self.cells.iter().filter_map(|(_, _, form)| match form {
            Form::Date(date) => Some(date),
            Form::Amount(_) => None,
        })
    }

    /// Counts what its numbers tell about the decimal sign.
    fn count_signs(&mut self) {
        let mut signs = DecimalSigns::default();
        let mut is_proof = false;
        if !self.has_versions {
            for amount in self.amounts() {
                match amount.tells() {
                    Tells::Is(DecimalSign::Point) => signs.points += 1,
                    Tells::Is(DecimalSign::Comma) => signs.commas += 1,
                    Tells::Open(_) | Tells::Nothing => continue,
                }
                is_proof |= !amount.may_be_time();
            }
        }
        (self.signs, self.is_proof) = (signs, is_proof);
    }

    /// The decimal sign; an error if what has one stays text. `all` are the signs of the table, `table` and `document` those
    /// that are proof for other columns.
    fn decimal(
        &self,
        all: DecimalSigns,
        table: DecimalSigns,
        document: DecimalSigns,
    ) -> Result<Option<DecimalSign>, ()> {
        if self.has_versions {
            return Err(());
        }
        if !self.signs.is_empty() {
            let own = self.signs.only().ok_or(())?;
            // Columns of one table are written alike: the others are lists (`1,2`) or names (`2.1`).
            return (all.more() == Some(own)).then_some(Some(own)).ok_or(());
        }
        let decimal = match (table.is_empty(), document.is_empty()) {
            (false, _) => table.only(),
            (true, false) => document.only(),
            (true, true) => self.without_thousands(),
        };
        Ok(decimal)
    }

    /// The point, if commas stand in thousands alone: smaller numbers beside them have none.
    fn without_thousands(&self) -> Option<DecimalSign> {
        let (mut with, mut below) = (0, 0);
        for amount in self.amounts() {
            match amount.tells() {
                Tells::Open(',') => with += 1,
                Tells::Nothing if amount.is_plain() && amount.count() <= 3 => {
                    below += usize::from(!amount.is_zero());
                }
                _ => return None,
            }
        }
        (with >= MIN_THOUSANDS && below >= MIN_BELOW_THOUSAND).then_some(DecimalSign::Point)
    }

    /// The order of day and month; `None` if the column does not tell.
    fn order(&self) -> Option<Order> {
        let all_are = |order| {
            self.dates()
                .all(|date| date.is_year_first() || date.may_be(order))
        };
        match (all_are(Order::Day), all_are(Order::Month)) {
            (true, false) => Some(Order::Day),
            (false, true) => Some(Order::Month),
            _ => None,
        }
    }

    /// `true` if digits in groups between spaces are numbers: they have different lengths.
    fn has_spaced_numbers(&self) -> bool {
        let lengths: BTreeSet<usize> = self.amounts().map(Amount::count).collect();
        let is_sure = |amount: &Amount| amount.has_spaces() && !amount.is_only_spaced();
        lengths.len() > 1 || self.amounts().any(is_sure)
    }

    /// `true` if most bare digits have this length, and none a larger one.
    fn is_named(&self, length: usize) -> bool {
        let plain = || self.amounts().filter(|amount| amount.is_plain());
        let same = plain().filter(|amount| amount.count() == length).count();
        same * 2 > plain().count() && plain().all(|amount| amount.count() <= length)
    }

    /// `true` if brackets are the sign of negative numbers; what is money or has thousands needs no proof.
    fn has_signs_in_brackets(&self) -> bool {
        let in_brackets = self
            .amounts()
            .filter(|amount| amount.is_in_brackets())
            .count();
        let all = self.amounts().count();
        let has_minus = self.amounts().any(Amount::has_minus);
        all > in_brackets && !has_minus && !self.has_errors_in_brackets(in_brackets, all)
    }

    /// `true` if every number in brackets is below one without, as many as those: errors of estimates.
    fn has_errors_in_brackets(&self, in_brackets: usize, all: usize) -> bool {
        let is_below_another = |at: usize| {
            let before = at.checked_sub(1).and_then(|before| self.cells.get(before));
            before.is_some_and(|(_, row, form)| {
                let is_next = *row + 1 == self.cells[at].1;
                is_next && matches!(form, Form::Amount(amount) if !amount.is_in_brackets())
            })
        };
        let mut brackets = self.cells.iter().enumerate().filter(
            |(_, (_, _, form))| matches!(form, Form::Amount(amount) if amount.is_in_brackets()),
        );
        in_brackets >= MIN_ERRORS
            && in_brackets * 2 >= all
            && brackets.all(|(at, _)| is_below_another(at))
    }
}

/// The values of a table's cells, in their order; `None` for text.
pub(in crate::writer) fn read(
    table: &Table,
    headers: usize,
    document: DecimalSigns,
) -> Vec<Option<Value>> {
    let mut values = vec![None; table.cells.len()];
    let columns = columns(table, headers);
    let all = DecimalSigns::sum(columns.iter());
    let proof = DecimalSigns::sum(columns.iter().filter(|column| column.is_proof));
    let names = common_names(&columns);
    let spaced = |column: &Column| column.amounts().any(Amount::is_only_spaced);
    let any_spaced = columns
        .iter()
        .any(|column| spaced(column) && column.has_spaced_numbers());
    for column in &columns {
        let decimal = column.decimal(all, proof, document);
        let order = column.order();
        let is_spaced = column.has_spaced_numbers();
        let has_names =
            !column.names.is_empty() || names.iter().any(|length| column.is_named(*length));
        let has_wholes = column
            .amounts()
            .any(|amount| amount.is_plain() && !amount.is_zero());
        let is_bracketed = column.has_signs_in_brackets();
        for (at, _, form) in &column.cells {
            values[*at] = match form {
                Form::Date(date) if date.is_year_first() => date.value(Order::Year),
                Form::Date(date) => order.and_then(|order| date.value(order)),
                Form::Amount(amount) => {
                    let is_name = has_names && (amount.is_plain() || amount.is_only_spaced());
                    let is_label =
                        amount.is_in_brackets() && !is_bracketed && !amount.is_surely_amount();
                    // Of several groups it may be the number of a telephone.
                    let is_proved = is_spaced || any_spaced && amount.is_thousands();
                    let is_split = amount.is_only_spaced() && !is_proved;
                    // The last of the dots that lead to a number.
                    let is_led = amount.begins_with_point() && has_wholes;
                    let is_open = amount.tells() != Tells::Nothing && decimal.is_err();
                    let is_text = is_name || is_label || is_split || is_led || is_open;
                    (!is_text)
                        .then(|| amount.value(decimal.unwrap_or(None)))
                        .flatten()
                }
            };
        }
    }
    values
}

/// Lengths of digits that are names in several columns, so that others of this length are names too: hours and minutes,
/// for example.
fn common_names(columns: &[Column]) -> Vec<usize> {
    let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
    for length in columns.iter().flat_map(|column| &column.names) {
        *counts.entry(*length).or_default() += 1;
    }
    counts.retain(|_, count| *count >= MIN_NAMED_COLUMNS);
    counts.into_keys().collect()
}

fn columns(table: &Table, headers: usize) -> Vec<Column<'_>> {
    let mut columns = Vec::new();
    columns.resize_with(table.columns, Column::default);
    for (at, cell) in table.cells.iter().enumerate() {
        let Some(column) = columns.get_mut(cell.column).filter(|_| cell.row >= headers) else {
            continue;
        };
        let text = cell.text.trim();
        match form(text) {
            Some(form) => column.cells.push((at, cell.row, form)),
            None => {
                if is_name(text) {
                    column.names.insert(text.len());
                }
                column.has_versions |= is_version(text);
            }
        }
    }
    columns.iter_mut().for_each(Column::count_signs);
    columns
}

fn form(text: &str) -> Option<Form<'_>> {
    if text.len() > MAX_LENGTH {
        return None;
    }
    let date = || Date::read(text).map(Form::Date);
    Amount::read(text).map(Form::Amount).or_else(date)
}

/// `007`, `030 123 456`
fn is_name(text: &str) -> bool {
    let is_spaced_digit = |c: char| c.is_ascii_digit() || c.is_whitespace();
    text.len() > 1 && text.starts_with('0') && text.chars().all(is_spaced_digit)
}

/// `1.2.3`
fn is_version(text: &str) -> bool {
    let mut parts = text.trim_end_matches('.').split('.');
    parts.clone().count() > 2
        && parts.all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
}

/// The rows of headers: those of header cells; else those before the first number; else the first, or if cells in it span
/// columns, at least two and as far as it reaches.
pub(in crate::writer) fn header_rows(table: &Table) -> usize {
    let marked = marked_rows(table);
    if marked > 0 {
        return marked;
    }
    let first_number = table
        .cells
        .iter()
        .filter(|cell| is_of_body(cell))
        .map(|cell| cell.row)
        .min();
    if let Some(row) = first_number.filter(|row| *row <= MAX_HEADER_ROWS) {
        return first_title(table, row);
    }
    let first = table.cells.iter().filter(|c| c.row == 0);
    let spans_columns = first.clone().any(|c| c.column_span > 1);
    let reach = first.map(|c| c.row_span).max().unwrap_or(1);
    let rows = if spans_columns { reach.max(2) } else { 1 };
    rows.min(table.rows.saturating_sub(1)).max(1)
}

/// Count of first rows that have header cells only; the last row is none of them.
fn marked_rows(table: &Table) -> usize {
    table.head_rows().min(table.rows.saturating_sub(1))
}

/// `true` for numbers that head no column: years do, and numbers of columns in brackets.
fn is_of_body(cell: &Cell) -> bool {
    match form(cell.text.trim()) {
        Some(Form::Amount(amount)) => {
            !amount.is_year() && (!amount.is_in_brackets() || amount.is_surely_amount())
        }
        Some(Form::Date(_)) => true,
        None => false,
    }
}

/// The first row, up to `end`, that is the title of a part of the body: nothing but its first cell has text, and there is a
/// row of several texts above.
fn first_title(table: &Table, end: usize) -> usize {
    let mut is_headed = false;
    for row in 0..end {
        let texts = table
            .cells
            .iter()
            .filter(|cell| cell.row == row && !cell.text.is_empty());
        let (mut count, mut last) = (0, 0);
        for cell in texts {
            (count, last) = (count + 1, cell.column);
        }
        if is_headed && count == 1 && last == 0 {
            return row;
        }
        is_headed |= count > 1;
    }
    end
}
