//! All exchanges of a dialect, said to a server.

use super::client::{Answer, Exchange};
use super::described::{self, Described, Kept};
use super::files::Files;
use super::recorded;
use crate::proof::compare::text;
use serde_json::Value;

/// The reference's recordings.
const REFERENCE: &str = include_str!("../../../tests/golden/functions/http_api.json");
/// The PP-OCR service.
const PPOCR: &str = include_str!("ppocr.json");
/// docling's service.
const DOCLING: &str = include_str!("docling.json");

/// Statuses of servers that do not have a route.
const NOT_THERE: [u16; 3] = [404, 405, 501];

/// A service whose clients are spoken with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Dialect {
    /// The reference's service.
    Reference,
    /// The PP-OCR service.
    Ppocr,
    /// docling's service.
    Docling,
}

impl Dialect {
    /// All of them.
    pub(crate) const ALL: [Dialect; 3] = [Dialect::Reference, Dialect::Ppocr, Dialect::Docling];

    /// Its name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Dialect::Reference => "reference",
            Dialect::Ppocr => "ppocr",
            Dialect::Docling => "docling",
        }
    }
}

/// How an exchange went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// As with the service.
    Same,
    /// In another way, which is told.
    Differs(String),
    /// The server does not have the route.
    NotOffered,
}

/// An exchange and its outcome.
#[derive(Debug)]
pub(crate) struct Row {
    pub name: String,
    pub method: String,
    pub path: String,
    pub outcome: Outcome,
}

/// Says all exchanges of a dialect, one after the other, calling `report` after each.
pub(crate) fn run(
    dialect: Dialect,
    ask: &Exchange,
    report: &mut dyn FnMut(&Row),
) -> Result<Vec<Row>, String> {
    let files = Files::with_text()?;
    let mut rows = Vec::new();
    let mut done = |row: Row| {
        report(&row);
        rows.push(row);
    };
    match dialect {
        Dialect::Reference => {
            let all: Value = serde_json::from_str(REFERENCE).map_err(|error| error.to_string())?;
            let all = all["vectors"].as_array().into_iter().flatten();
            all.map(|recording| recorded_row(recording, &files, ask))
                .for_each(&mut done);
        }
        Dialect::Ppocr => described_rows(PPOCR, &files, ask, &mut done)?,
        Dialect::Docling => described_rows(DOCLING, &files, ask, &mut done)?,
    }
    Ok(rows)
}

fn recorded_row(recording: &Value, files: &Files, ask: &Exchange) -> Row {
    let answer = recorded::request(recording, files).and_then(|request| ask(&request));
    let status = recording["status"].as_u64().unwrap_or_default();
    let outcome = outcome(answer, status, |answer| recorded::alike(recording, answer));
    Row {
        name: text(&recording["note"]).into(),
        method: text(&recording["method"]).into(),
        path: text(&recording["path"]).into(),
        outcome,
    }
}

fn described_rows(
    file: &str,
    files: &Files,
    ask: &Exchange,
    done: &mut dyn FnMut(Row),
) -> Result<(), String> {
    let mut kept = Kept::new();
    // Whether what could not be kept was not offered.
    let mut is_offered = true;
    for exchange in described::read(file)? {
        let outcome = match exchange.full_path(&kept) {
            Some(path) => described_outcome(&exchange, path, files, ask, &mut kept),
            None if is_offered => Outcome::Differs("an earlier answer does not say it".into()),
            None => Outcome::NotOffered,
        };
        if !exchange.keep.is_empty() {
            is_offered = outcome != Outcome::NotOffered;
        }
        done(Row {
            name: exchange.name,
            method: exchange.method,
            path: exchange.path,
            outcome,
        });
    }
    Ok(())
}

fn described_outcome(
    exchange: &Described,
    path: String,
    files: &Files,
    ask: &Exchange,
    kept: &mut Kept,
) -> Outcome {
    // What is kept is of this exchange, not of an earlier one.
    for name in exchange.keep.keys() {
        kept.remove(name);
    }
    let answer = exchange.request(path, files);
    let answer = answer.and_then(|request| exchange.ask(&request, ask));
    let is_about_kept = exchange.path.contains('{');
    match outcome(answer, exchange.status.into(), |answer| {
        exchange.check(answer, kept)
    }) {
        // What was ordered is there, so the route is.
        Outcome::NotOffered if is_about_kept => Outcome::Differs("it is not found".into()),
        outcome => outcome,
    }
}

fn outcome(
    answer: Result<Answer, String>,
    status: u64,
    check: impl FnOnce(&Answer) -> Result<(), String>,
) -> Outcome {
    match answer {
        Ok(answer) if NOT_THERE.contains(&answer.status) && u64::from(answer.status) != status => {
            Outcome::NotOffered
        }
        Ok(answer) => match check(&answer) {
            Ok(()) => Outcome::Same,
            Err(difference) => Outcome::Differs(difference),
        },
        Err(error) => Outcome::Differs(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_requests_can_be_made() {
        let files = Files::with_text().unwrap();
        for file in [PPOCR, DOCLING] {
            for exchange in described::read(file).unwrap() {
                let made = exchange.request(exchange.path.clone(), &files);
                assert!(made.is_ok(), "{}: {made:?}", exchange.name);
            }
        }
        let nobody: &Exchange = &|_| Err("nobody".into());
        let rows = run(Dialect::Reference, nobody, &mut |_| {}).unwrap();
        assert_eq!(rows.len(), 40);
        let differs = Outcome::Differs("nobody".into());
        assert!(rows.iter().all(|row| row.outcome == differs));
    }
}
