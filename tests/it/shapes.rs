//! Pictures of any shape: strips, receipts, panoramas and what is no picture of anything are read whole, in bounded memory.

use super::drawn;
use super::support::{Folder, contents, root, tiny_pdf};
use docparse::internals::lines::{LineOptions, LineReader, memory};
use docparse::internals::onnx::{Device, Runtime, SessionOptions};
use docparse::internals::raster::Pixels;
use docparse::internals::runtime::{self, RuntimeDirs};
use serde_json::Value;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus, Stdio};

/// Runs the program and returns its exit code and the most memory that it had, in MiB (that of workers not counted).
// Clippy does not see that `wait4` waits.
#[allow(clippy::zombie_processes)]
fn measured(folder: &Folder, arguments: &[&str]) -> (i32, u64) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_docparse"));
    command
        .args(arguments)
        .current_dir(folder.path())
        .envs(crate::support::SAME_EVERYWHERE)
        .env("HOME", folder.path());
    let child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    // SAFETY: a structure of numbers.
    let (mut status, mut usage) = (0, unsafe { std::mem::zeroed::<libc::rusage>() });
    // SAFETY: both are written by the call; the child is waited for nowhere else.
    let waited = unsafe { libc::wait4(child.id() as i32, &mut status, 0, &mut usage) };
    assert_eq!(waited, child.id() as i32);
    (
        ExitStatus::from_raw(status).code().unwrap_or(-1),
        usage.ru_maxrss as u64 / 1024,
    )
}

/// What is read on a picture, and the most memory in MiB that this took.
fn read(page: &Pixels) -> (String, u64) {
    let (page, peak) = parsed(page);
    (contents(&page).join("\n"), peak)
}

/// The page in the JSON of a picture, and the most memory in MiB that this took.
fn parsed(page: &Pixels) -> (Value, u64) {
    let folder = Folder::new();
    folder.write("page.png", drawn::png(page));
    // Not how fast it is: machines that run tests are busy.
    folder.write("slow.yaml", "page_timeout: 3000\n");
    let arguments = [
        "-i",
        "page.png",
        "--save-path",
        "out",
        "--formats",
        "json",
        "--config",
        "slow.yaml",
    ];
    let (code, peak) = measured(&folder, &arguments);
    assert_eq!(code, 0);
    (folder.json("out/page.json")["pages"][0].clone(), peak)
}

/// The lines that are not in the text, spaces and tags of tables aside.
fn missing<'a>(text: &str, lines: &'a [String]) -> Vec<&'a String> {
    let squeeze = |s: &str| {
        let mut is_tag = false;
        let mut is_text = |c: char| {
            is_tag = (is_tag || c == '<') && c != '>';
            !is_tag && c != '>' && !c.is_whitespace()
        };
        s.chars().filter(|c| is_text(*c)).collect::<String>()
    };
    let text = squeeze(text);
    lines
        .iter()
        .filter(|line| !text.contains(&squeeze(line)))
        .collect()
}

#[test]
fn a_tall_screenshot_is_read_whole() {
    let (page, lines) = drawn::screenshot(12_000);
    let (text, peak) = read(&page);
    assert_eq!(
        missing(&text, &lines),
        Vec::<&String>::new(),
        "of {} lines",
        lines.len()
    );
    // No line is there twice.
    assert_eq!(text.matches("Line 0").count(), lines.len());
    assert!(peak < 1200, "{peak} MiB");
}

#[test]
fn a_long_receipt_is_read_whole() {
    let (page, items) = drawn::receipt(6000);
    let (text, peak) = read(&page);
    assert_eq!(
        missing(&text, &items),
        Vec::<&String>::new(),
        "of {} items",
        items.len()
    );
    assert!(peak < 1200, "{peak} MiB");
}

#[test]
fn a_wide_panorama_is_read_whole() {
    let (page, mut signs) = drawn::panorama(9000);
    let (text, peak) = read(&page);
    let long = signs.pop().unwrap();
    assert_eq!(
        missing(&text, &signs),
        Vec::<&String>::new(),
        "of {} signs",
        signs.len()
    );
    assert_eq!(text.matches("Sign ").count(), signs.len());
    // The line from end to end is one, with its words in order.
    let words: Vec<&str> = long.split(' ').collect();
    let line = text.lines().find(|line| line.contains("word001")).unwrap();
    let found = words.iter().filter(|word| line.contains(**word)).count();
    assert!(
        found * 100 >= words.len() * 95,
        "{found} of {} words in {line}",
        words.len()
    );
    assert!(peak < 1200, "{peak} MiB");
}

#[test]
fn a_narrow_strip_is_read_at_its_own_scale() {
    let mut page = Pixels::white(40, 3000);
    let numbers: Vec<String> = (10..58).map(|i| i.to_string()).collect();
    numbers
        .iter()
        .enumerate()
        .for_each(|(i, n)| drawn::write(&mut page, (8, 20 + i * 60), 20.0, n));
    let (text, peak) = read(&page);
    let found: Vec<&str> = text.split_whitespace().collect();
    let lost = numbers
        .iter()
        .filter(|n| !found.contains(&n.as_str()))
        .count();
    assert!(
        lost <= 2,
        "{lost} of {} numbers are missing in {text}",
        numbers.len()
    );
    assert!(peak < 1000, "{peak} MiB");
}

#[test]
fn pictures_without_room_for_a_letter_cost_nothing() {
    for (width, height) in [(1, 20_000), (20_000, 1), (100_000, 2), (3, 50_000)] {
        // Stripes: nothing of it is plain.
        let data = (0..width * height)
            .flat_map(|i| [if i / 8 % 2 == 0 { 0 } else { 255 }; 3])
            .collect();
        let (page, peak) = parsed(&Pixels {
            width,
            height,
            data,
        });
        assert!(
            contents(&page).is_empty() && peak < 600,
            "{width}x{height}: {peak} MiB, {page}"
        );
        // Whoever asks is told why.
        assert!(
            page["diagnostics"].to_string().contains("too_narrow"),
            "{page}"
        );
    }
}

#[test]
fn a_page_without_room_is_warned_of() {
    let folder = Folder::new();
    folder.write("strip.png", drawn::png(&Pixels::white(2, 500)));
    let ran = folder
        .run(&["-i", "strip.png", "--save-path", "out"])
        .expect(0);
    let warning = "warning: strip.png: page 1: a picture of 2x500 pixels has no room for text";
    assert!(ran.stderr.contains(warning), "{}", ran.stderr);
    let ran = folder
        .run(&[
            "-i",
            "strip.png",
            "--save-path",
            "out",
            "--log-format",
            "json",
        ])
        .expect(0);
    assert!(
        ran.stderr.contains(r#""WARN","code":"too_narrow""#),
        "{}",
        ran.stderr
    );
}

#[test]
fn pages_of_pdfs_without_height_or_width_end() {
    for (width, height) in [(20_000_000.0, 2.0), (2.0, 20_000_000.0), (400_000.0, 12.0)] {
        let folder = Folder::new();
        folder.write("page.pdf", tiny_pdf(width, height, "0 0 1 1 re f"));
        let (code, peak) = measured(&folder, &["-i", "page.pdf", "--save-path", "out"]);
        assert!(
            [0, 3].contains(&code) && peak < 1500,
            "{width}x{height}: code {code}, {peak} MiB"
        );
    }
}

#[test]
fn an_upper_limit_of_the_short_side_is_one_of_the_input() {
    let folder = Folder::new();
    let mut page = Pixels::white(900, 700);
    drawn::write(&mut page, (60, 300), 40.0, "Gate closes at noon");
    folder.write("page.png", drawn::png(&page));
    let limits = ["--det-limit-type", "min", "--det-limit-side-len", "4000"];
    let flags = [
        &["-i", "page.png", "--save-path", "out", "--formats", "json"][..],
        &limits,
    ]
    .concat();
    let (code, peak) = measured(&folder, &flags);
    assert!(code == 0 && peak < 1500, "code {code}, {peak} MiB");
    let text = contents(&folder.json("out/page.json")["pages"][0]).join(" ");
    assert!(text.contains("Gate closes at noon"), "{text}");
}

#[test]
fn with_the_least_budget_the_same_lines_are_read() {
    let mut page = Pixels::white(1191, 1684);
    let lines: Vec<String> = (1..=30)
        .map(|i| format!("Paragraph {i:02} goes on to the other margin of this page"))
        .collect();
    lines
        .iter()
        .enumerate()
        .for_each(|(i, line)| drawn::write(&mut page, (90, 70 + i * 52), 32.0, line));
    let dirs = RuntimeDirs::new(Some(&root().join("runtime")), None);
    let library = dirs.find(runtime::ONNXRUNTIME).unwrap();
    let runtime = Runtime::load(&library, SessionOptions::on(Device::Cpu, 2)).unwrap();
    for budget in [memory::LEAST_BUDGET, memory::DEFAULT_BUDGET] {
        // The direction classifier errs on some of these lines, with any budget.
        let options = LineOptions {
            memory: budget,
            use_textline_orientation: false,
            ..LineOptions::default()
        };
        let read = LineReader::load(&runtime, &dirs, options)
            .unwrap()
            .read(&page)
            .unwrap();
        let text: Vec<String> = read.text.segments.iter().map(|s| s.text()).collect();
        assert_eq!(
            missing(&text.join("\n"), &lines),
            Vec::<&String>::new(),
            "with {budget} bytes: {text:#?}"
        );
        assert_eq!(text.len(), lines.len());
    }
}
