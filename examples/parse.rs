//! Parses the files that are named and prints them as Markdown.
//!
//! ```text
//! cargo build --release
//! cargo run --release --example parse -- examples/documents/report.pdf
//! ```

use docparse::{Parser, ParserOptions};
use std::io::Write;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    // Before there are threads.
    docparse::forbid_telemetry();
    let parser = Parser::load(ParserOptions::default())?;
    let mut failed = 0;
    for file in std::env::args_os().skip(1) {
        match parser.parse(&file) {
            Ok(parsed) => std::io::stdout().write_all(parsed.to_markdown().as_bytes())?,
            Err(error) => {
                writeln!(std::io::stderr(), "{error}")?;
                failed += 1;
            }
        }
    }
    std::process::exit(i32::from(failed > 0));
}
