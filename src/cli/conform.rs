//! `docparse conform URL`: says recorded exchanges to a server and tells which of its answers differ.

use super::args::ConformArgs;
use super::{Failure, exit};
use crate::net::{Origin, shown_address};
use crate::proof::exchanges::{self, Client, Dialect, Outcome, Request, Row};
use crate::shown;
use serde_json::{Value, json};
use std::time::Duration;

/// Longest difference in the table, in characters.
const MOST_SHOWN: usize = 300;

/// Checks the server; exit code 1 if an answer differs or a route is not there.
pub(super) fn run(args: &ConformArgs) -> Result<u8, Failure> {
    let shown = shown_address(&args.url);
    if Origin::of(&args.url).is_none() || args.url.contains(['?', '#']) {
        let hint = "give the address of a server, such as http://127.0.0.1:8080";
        return Err(Failure::usage(
            format!("`{shown}` is no address of a server"),
            hint,
        ));
    }
    let timeout = Duration::from_secs(args.timeout);
    let client = Client::new(&args.url, args.api_key.clone(), Some(timeout));
    let any = Request {
        method: "GET".into(),
        path: "/".into(),
        ..Request::default()
    };
    // Any answer will do.
    if let Err(reason) = client.ask(&any) {
        let hint = "start the server, or give another address";
        return Err(Failure::fatal(
            format!("{shown} does not answer: {reason}"),
            hint,
        ));
    }
    let dialects = Dialect::ALL
        .into_iter()
        .filter(|dialect| args.dialect.is_empty() || args.dialect.contains(dialect));
    let mut all = Vec::new();
    let mut agrees = true;
    for dialect in dialects {
        if !args.json {
            super::print(&format!("{}\n", dialect.name()));
        }
        let ask = |request: &Request| client.ask(request);
        let mut report = |row: &Row| {
            if !args.json {
                super::print(&line(row));
            }
        };
        let rows = exchanges::run(dialect, &ask, &mut report)
            .map_err(|reason| Failure::fatal(reason, "this build is broken; try another one"))?;
        let total = Total::of(&rows);
        agrees &= total.same == rows.len();
        match args.json {
            true => all.push(as_json(dialect, &total, &rows)),
            false => super::print(&total.line(dialect)),
        }
    }
    if args.json {
        let report = json!({"url": shown, "agrees": agrees, "dialects": all});
        super::print(&format!("{report:#}\n"));
    }
    Ok(match agrees {
        true => exit::DONE,
        false => exit::FAILED,
    })
}

/// How many exchanges went which way.
struct Total {
    same: usize,
    differs: usize,
    not_offered: usize,
}

impl Total {
    fn of(rows: &[Row]) -> Total {
        let count = |is: fn(&Outcome) -> bool| rows.iter().filter(|row| is(&row.outcome)).count();
        Total {
            same: count(|outcome| *outcome == Outcome::Same),
            differs: count(|outcome| matches!(outcome, Outcome::Differs(_))),
            not_offered: count(|outcome| *outcome == Outcome::NotOffered),
        }
    }

    fn line(&self, dialect: Dialect) -> String {
        let Total {
            same,
            differs,
            not_offered,
        } = self;
        let name = dialect.name();
        format!("{name}: same {same}, differs {differs}, not offered {not_offered}\n")
    }
}

/// The word for an outcome.
fn word(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Same => "same",
        Outcome::Differs(_) => "differs",
        Outcome::NotOffered => "not offered",
    }
}

/// A row of the table. What a server said is shown in one line.
fn line(row: &Row) -> String {
    let Row {
        name,
        method,
        path,
        outcome,
    } = row;
    let begin = format!("  {:<11}  {method:<4} {path:<28} {name}", word(outcome));
    match outcome {
        Outcome::Differs(difference) => {
            let difference = match difference.char_indices().nth(MOST_SHOWN) {
                Some((end, _)) => format!("{}...", &difference[..end]),
                None => difference.clone(),
            };
            format!("{begin}: {}\n", shown::text(&difference))
        }
        _ => format!("{begin}\n"),
    }
}

fn as_json(dialect: Dialect, total: &Total, rows: &[Row]) -> Value {
    let rows = rows.iter().map(|row| {
        let mut value = json!({
            "name": row.name,
            "method": row.method,
            "path": row.path,
            "outcome": word(&row.outcome),
        });
        if let Outcome::Differs(difference) = &row.outcome {
            value["difference"] = difference.as_str().into();
        }
        value
    });
    json!({
        "dialect": dialect.name(),
        "same": total.same,
        "differs": total.differs,
        "not_offered": total.not_offered,
        "exchanges": rows.collect::<Vec<_>>(),
    })
}
