//! Constants of the reading of values.

/// Bytes of a text up to which it may be a number. A larger one costs time on long texts; a smaller one would leave out
/// amounts with a currency.
pub(super) const MAX_LENGTH: usize = 64;
/// Rows up to which all before the first number are headers. With a larger one, rows of text at the top of the body
/// become headers; with a smaller one, deep headers do not.
pub(super) const MAX_HEADER_ROWS: usize = 4;
/// Numbers with a comma before three digits that, beside numbers below a thousand without one, show that it separates
/// thousands. A larger one leaves short columns text; with 1, a single number with three decimals would be taken for one.
pub(super) const MIN_THOUSANDS: usize = 2;
/// Numbers below a thousand beside those. A larger one leaves more columns text; 0 would take any three decimals for
/// thousands.
pub(super) const MIN_BELOW_THOUSAND: usize = 1;
/// Numbers in brackets, each below an estimate, from which on they are its errors and not negative. A larger one makes
/// errors of short tables negative; with 1, a single negative amount below another would be text.
pub(super) const MIN_ERRORS: usize = 2;
/// Columns with digits of one length that begin with zero, from which on other digits of this length are names as well. A
/// larger one makes times of narrow timetables numbers; with 1, years beside one column of codes would be text.
pub(super) const MIN_NAMED_COLUMNS: usize = 2;
