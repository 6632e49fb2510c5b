//! `docparse bench`: pages a second and the time of each stage, on pages that the program makes itself.
//!
//! The measured run is one of this same program, in a process of its own and with a report: it is what a user runs, with
//! the loading of its networks, and its memory is that of nothing else.

use super::args::BenchArgs;
use super::{Failure, exit, interrupt};
use crate::config::machine;
use crate::writer::sample_pages;
use serde_json::{Value, json};
use std::io::BufWriter;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

/// What a user can do if something of the machine fails.
const HINT: &str = "set TMPDIR to a folder with room";
/// Time between two looks at the measured run: small beside a run, which takes seconds.
const LOOK: Duration = Duration::from_millis(20);
/// Time for the measured run to end by itself after an interrupt; this process ends soon after that, in any case.
const PATIENCE: Duration = Duration::from_millis(1200);

/// Measures and prints; exit code 1 if the run did not do all pages, 130 after an interrupt.
pub(super) fn run(args: &BenchArgs) -> Result<u8, Failure> {
    let failed = |what: &str, error: &dyn std::fmt::Display| {
        Failure::fatal(format!("failed to {what}: {error}"), HINT)
    };
    // From here on an interrupt ends this process by the way of all errors, on which the folder is removed; if that takes
    // too long, as the pages are still being made, the last words remove it.
    let cancel = interrupt::flag();
    let folder = tempfile::tempdir().map_err(|e| failed("make a folder", &e))?;
    let path = folder.path().to_path_buf();
    interrupt::set_last_words(move || drop(std::fs::remove_dir_all(path)));
    let (input, report) = (
        folder.path().join("pages.pdf"),
        folder.path().join("report.json"),
    );
    let file = std::fs::File::create(&input).map_err(|e| failed("write the pages", &e))?;
    sample_pages::write(BufWriter::new(file), args.pages as usize)
        .map_err(|e| failed("write the pages", &e))?;
    let start = Instant::now();
    let Some(told) = measured(args, folder.path(), &input, &report, &cancel)? else {
        super::eprint("interrupted: nothing was measured\n");
        return Ok(exit::INTERRUPTED);
    };
    let seconds = start.elapsed().as_secs_f64();
    let text = std::fs::read_to_string(&report).map_err(|e| {
        Failure::fatal(
            format!("the run wrote no report ({e}): {}", told.trim()),
            "try the same flags with docparse and a file",
        )
    })?;
    let report: Value = serde_json::from_str(&text).map_err(|e| failed("read the report", &e))?;
    let mut result = result(args, &report, seconds);
    let document = std::fs::read(folder.path().join("out/pages.json"));
    let document = document
        .ok()
        .and_then(|text| serde_json::from_slice(&text).ok());
    result["recognition"] = document.as_ref().map_or(Value::Null, recognition);
    super::print(&match args.json {
        true => format!("{result:#}\n"),
        false => table(&result),
    });
    match result["exit_code"].as_u64() {
        Some(0) => Ok(exit::DONE),
        _ => Err(Failure::fatal(
            format!("the run did not do all pages: {}", told.trim()),
            "try the same flags with docparse and a file",
        )),
    }
}

/// Runs docparse on the pages; returns what it said on stderr, `None` after an interrupt.
fn measured(
    args: &BenchArgs,
    folder: &Path,
    input: &Path,
    report: &Path,
    cancel: &AtomicBool,
) -> Result<Option<String>, Failure> {
    let program = std::env::current_exe()
        .map_err(|e| Failure::fatal(format!("cannot find the program itself: {e}"), HINT))?;
    let mut command = Command::new(program);
    command.arg("-i").arg(input);
    command.arg("--save-path").arg(folder.join("out"));
    command.arg("--report").arg(report);
    if let Some(device) = &args.device {
        command.arg("--device").arg(device);
    }
    if let Some(runtime) = &args.runtime_dir {
        command.arg("--runtime-dir").arg(runtime);
    }
    command.args(&args.flags);
    let failed =
        |e: std::io::Error| Failure::fatal(format!("cannot run docparse on the pages: {e}"), HINT);
    // A file, as a pipe that nobody reads while the run is watched would fill.
    let said = folder.join("stderr.txt");
    let stderr = std::fs::File::create(&said).map_err(failed)?;
    command.stdin(Stdio::null()).stdout(Stdio::null());
    let mut child = command.stderr(stderr).spawn().map_err(failed)?;
    while child.try_wait().map_err(failed)?.is_none() {
        if cancel.load(Ordering::Relaxed) {
            stop(&mut child);
            return Ok(None);
        }
        std::thread::sleep(LOOK);
    }
    // An interrupt at the shell reaches the run, too, which may be the first to end.
    if cancel.load(Ordering::Relaxed) {
        return Ok(None);
    }
    let said = std::fs::read(&said).map_err(failed)?;
    Ok(Some(String::from_utf8_lossy(&said).into_owned()))
}

/// Ends the measured run: it is asked first, so that it can end the processes that it started.
fn stop(child: &mut Child) {
    // SAFETY: the process was started here and has not been waited for, so that its number is still its own.
    unsafe { libc::kill(child.id() as libc::pid_t, libc::SIGTERM) };
    let asked = Instant::now();
    while asked.elapsed() < PATIENCE {
        if !matches!(child.try_wait(), Ok(None)) {
            return;
        }
        std::thread::sleep(LOOK);
    }
    let _ = child.kill();
    let _ = child.wait();
}

/// The numbers of a run. Stages work side by side, so their times together are longer than the run.
fn result(args: &BenchArgs, report: &Value, wall: f64) -> Value {
    let seconds = report["seconds"].as_f64().unwrap_or(wall);
    let first = report["first_page_seconds"].as_f64().unwrap_or(seconds);
    let pages = f64::from(args.pages);
    let stages = report["stage_seconds"].as_object();
    let all: f64 = stages
        .into_iter()
        .flat_map(|stages| stages.values())
        .filter_map(Value::as_f64)
        .sum();
    let stages: serde_json::Map<String, Value> = stages
        .into_iter()
        .flatten()
        .map(|(name, value)| {
            let seconds = value.as_f64().unwrap_or(0.0);
            let share = if all > 0.0 { seconds / all } else { 0.0 };
            let value = json!({"seconds": rounded(seconds), "share": rounded(share)});
            (name.clone(), value)
        })
        .collect();
    json!({
        "docparse": env!("CARGO_PKG_VERSION"),
        "pipeline": report["pipeline"],
        "device": args.device.clone().unwrap_or_else(|| "auto".into()),
        "flags": args.flags.iter().map(|flag| flag.to_string_lossy()).collect::<Vec<_>>(),
        "cores": machine::cores(),
        "pages": args.pages,
        "exit_code": report["exit_code"],
        "seconds": rounded(wall),
        "pages_per_second": rounded(pages / wall),
        // Loading is over when the first page is there.
        "first_page_seconds": rounded(first),
        "pages_per_second_after_the_first": (args.pages > 1 && seconds > first)
            .then(|| rounded((pages - 1.0) / (seconds - first))),
        "stages": stages,
        "peak_memory_mb": peak_memory() >> 20,
    })
}

/// Blocks that a recognizer generated, their tokens, and their times: many blocks are under way at once, so together they
/// take longer than the run, and their time has no share of it. `null` if none was generated.
fn recognition(document: &Value) -> Value {
    let pages = document["pages"].as_array();
    let blocks = pages
        .into_iter()
        .flatten()
        .filter_map(|page| page["diagnostics"]["blocks"].as_array())
        .flatten();
    let (mut count, mut tokens, mut milliseconds) = (0, 0, 0.0);
    for generation in blocks.filter_map(|block| block.get("generation")) {
        if let Some(own) = generation["token_count"].as_u64() {
            count += 1;
            tokens += own;
            milliseconds += generation["milliseconds"].as_f64().unwrap_or(0.0);
        }
    }
    match count {
        0 => Value::Null,
        _ => json!({
            "blocks": count,
            "tokens": tokens,
            "block_seconds": rounded(milliseconds / 1000.0),
        }),
    }
}

/// Memory of the largest process of the run, in bytes.
fn peak_memory() -> u64 {
    // SAFETY: all zeros is a valid value of the structure.
    let mut usage: libc::rusage = unsafe { std::mem::zeroed() };
    // SAFETY: the structure is written by the call, which cannot fail with these arguments.
    unsafe { libc::getrusage(libc::RUSAGE_CHILDREN, &mut usage) };
    usage.ru_maxrss.max(0) as u64 * 1024
}

fn rounded(value: f64) -> f64 {
    (value * 1000.0).round() / 1000.0
}

/// The same for people, in a form that can be pasted into a report.
fn table(result: &Value) -> String {
    let number = |key: &str| result[key].as_f64().unwrap_or(0.0);
    let mut text = format!(
        "docparse {}, pipeline {}, device {}, {} cores\n",
        env!("CARGO_PKG_VERSION"),
        result["pipeline"].as_str().unwrap_or("unknown"),
        result["device"].as_str().unwrap_or("unknown"),
        number("cores")
    );
    text += &format!(
        "{} pages in {:.2} s: {:.2} pages a second\n",
        number("pages"),
        number("seconds"),
        number("pages_per_second")
    );
    if let Some(rate) = result["pages_per_second_after_the_first"].as_f64() {
        text += &format!(
            "first page after {:.2} s, then {rate:.2} pages a second\n",
            number("first_page_seconds")
        );
    }
    text += &format!(
        "memory of the largest process {} MB\n",
        number("peak_memory_mb")
    );
    text += "stage                seconds   share\n";
    for (name, stage) in result["stages"].as_object().into_iter().flatten() {
        text += &format!(
            "{name:<20} {:>7.2} {:>6.1}%\n",
            stage["seconds"].as_f64().unwrap_or(0.0),
            100.0 * stage["share"].as_f64().unwrap_or(0.0)
        );
    }
    if let Some(blocks) = result["recognition"]["blocks"].as_u64() {
        let number = |key: &str| result["recognition"][key].as_f64().unwrap_or(0.0);
        text += &format!(
            "recognition: {blocks} blocks of {} tokens, {:.2} s for a block on average, many at once\n",
            number("tokens"),
            number("block_seconds") / blocks as f64
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_that_were_generated_are_added_up() {
        let block =
            |tokens: u64| json!({"generation": {"token_count": tokens, "milliseconds": 500.0}});
        let page = |blocks: &[Value]| json!({"diagnostics": {"blocks": blocks}});
        let document = json!({"pages": [page(&[block(3), json!({})]), page(&[block(4)]), {}]});
        let expected = json!({"blocks": 2, "tokens": 7, "block_seconds": 1.0});
        assert_eq!(recognition(&document), expected);
        assert_eq!(
            recognition(&json!({"pages": [page(&[json!({})])]})),
            Value::Null
        );
    }
}
