//! Several devices: a process for each. What is read is what one device reads, to the byte, also if processes die.

use super::interrupts::{children, good, wait_for};
use super::networks::fixture;
use super::serve::server::Server;
use super::support::{Folder, example};
use super::workers::ticks;
use serde_json::Value;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// A run that all processes of devices died in must have ended after this.
const BOUND: Duration = Duration::from_secs(200);

/// Starts the program in the folder; what it says goes to `stderr` there.
fn start(folder: &Folder, arguments: &[String]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_docparse"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("DOCPARSE_")) {
        command.env_remove(name);
    }
    let stderr = std::fs::File::create(folder.path().join("stderr")).unwrap();
    command
        .args(arguments)
        .env_remove("XDG_DATA_HOME")
        .env("HOME", folder.path())
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(stderr)
        .spawn()
        .expect("the program starts")
}

fn said(folder: &Folder) -> String {
    std::fs::read_to_string(folder.path().join("stderr")).unwrap()
}

/// The processes of devices that a process has started.
fn device_processes(of: u32) -> Vec<u32> {
    let is_one = |id: &u32| {
        let line = std::fs::read(format!("/proc/{id}/cmdline")).unwrap_or_default();
        String::from_utf8_lossy(&line).contains("device-process")
    };
    children(of).into_iter().filter(is_one).collect()
}

fn kill(process: u32) {
    // SAFETY: a plain call; the process is one that this test has started.
    unsafe { libc::kill(process as libc::pid_t, libc::SIGKILL) };
}

fn is_gone(process: u32) -> bool {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    stat.is_empty() || stat.contains(") Z ")
}

/// Documents, one of them with pages that only networks read.
fn scans() -> Vec<PathBuf> {
    vec![example("report_scan.pdf"), example("report.pdf")]
}

/// Arguments of a run on these devices.
fn arguments(inputs: &[PathBuf], out: &str, device: &str, flags: &[&str]) -> Vec<String> {
    let mut arguments: Vec<String> = inputs
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    let own = [
        "--save-path",
        out,
        "--formats",
        "md,json",
        "--device",
        device,
    ];
    arguments.extend(own.map(String::from));
    arguments.extend(flags.iter().map(|flag| flag.to_string()));
    arguments
}

/// Flags of the tiny networks, which read nonsense, but always the same.
fn tiny(tokens: &str) -> Vec<String> {
    let model = |name: &str| fixture(name).display().to_string();
    [
        "--layout-threshold",
        "0.4",
        "--layout-detection-model-dir",
        &model("pp_doclayout_v3"),
        "--vl-rec-model-dir",
        &model("paddleocr_vl"),
        "--max-new-tokens",
        tokens,
    ]
    .map(String::from)
    .to_vec()
}

/// Takes what the clock says out of a result.
fn without_times(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|name, _| {
                !matches!(name.as_str(), "milliseconds" | "timings_ms" | "timings")
            });
            fields.values_mut().for_each(without_times);
        }
        Value::Array(values) => values.iter_mut().for_each(without_times),
        _ => {}
    }
}

/// All files of a run, by name.
fn files(folder: &Folder, out: &str) -> BTreeMap<String, Vec<u8>> {
    let names = folder.tree(out).into_iter();
    names
        .map(|name| {
            let bytes = std::fs::read(folder.path().join(out).join(&name)).unwrap();
            let bytes = match name.ends_with(".json") {
                false => bytes,
                true => {
                    let mut value = serde_json::from_slice(&bytes).unwrap();
                    without_times(&mut value);
                    value.to_string().into_bytes()
                }
            };
            (name, bytes)
        })
        .collect()
}

#[track_caller]
fn assert_equal(folder: &Folder, one: &str, other: &str) {
    let (one, other) = (files(folder, one), files(folder, other));
    let names = |files: &BTreeMap<String, Vec<u8>>| files.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&one), names(&other));
    assert!(!one.is_empty());
    for (name, bytes) in &one {
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        assert!(
            *bytes == other[name],
            "{name}:\n{}\n{}",
            text(bytes),
            text(&other[name])
        );
    }
}

#[test]
fn two_devices_read_what_one_reads() {
    let folder = Folder::new();
    for device in ["cpu", "cpu,cpu"] {
        folder
            .run(&arguments(&scans(), device, device, &[]))
            .expect(0);
    }
    assert_equal(&folder, "cpu", "cpu,cpu");
    let inputs = &scans();
    for (out, device, draft) in [("vl_one", "cpu", "off"), ("vl_two", "cpu,cpu", "lines")] {
        let mut all = arguments(inputs, out, device, &["--draft", draft]);
        all.extend(tiny("30"));
        folder.run(&all).expect(0);
    }
    // Drafts change how fast an answer comes, and what is told of that.
    let words = |out: &str| -> Vec<Vec<u8>> {
        let files = files(&folder, out).into_iter();
        files
            .filter(|(name, _)| name.ends_with(".md"))
            .map(|(_, text)| text)
            .collect()
    };
    assert!(words("vl_one").concat().len() > 100);
    assert_eq!(words("vl_one"), words("vl_two"));
}

#[test]
fn a_process_that_dies_costs_nothing_but_time() {
    let folder = Folder::new();
    let inputs = scans();
    let run = |out: &str, device: &str| {
        let mut all = arguments(&inputs, out, device, &[]);
        all.extend(tiny("60"));
        all
    };
    folder.run(&run("one", "cpu")).expect(0);
    let mut child = start(&folder, &run("two", "cpu,cpu"));
    // One that computes for longer than loading takes: it has been asked for something.
    let at_work = || {
        device_processes(child.id())
            .into_iter()
            .find(|id| ticks(*id) >= 60)
    };
    wait_for("a process at work", || at_work().is_some());
    kill(at_work().unwrap());
    let status = child.wait().unwrap();
    assert_eq!(status.code(), Some(0), "{}", said(&folder));
    assert!(
        said(&folder).contains("is started again"),
        "{}",
        said(&folder)
    );
    assert_equal(&folder, "one", "two");
}

#[test]
fn a_run_ends_when_its_processes_die_again_and_again() {
    let folder = Folder::new();
    folder.write("good.pdf", good());
    let mut inputs = vec![folder.path().join("good.pdf")];
    inputs.extend(scans());
    let mut child = start(&folder, &arguments(&inputs, "out", "cpu,cpu", &[]));
    wait_for("the first document", || {
        folder.path().join("out/good.md").exists()
    });
    let begun = Instant::now();
    let status = loop {
        if let Some(status) = child.try_wait().unwrap() {
            break status;
        }
        device_processes(child.id()).into_iter().for_each(kill);
        assert!(begun.elapsed() < BOUND, "{}", said(&folder));
        std::thread::sleep(Duration::from_millis(20));
    };
    assert_eq!(status.code(), Some(3), "{}", said(&folder));
    assert!(folder.path().join("out/good.md").exists());
    let told = said(&folder);
    assert!(
        told.contains("no device is left") || told.contains("two processes"),
        "{told}"
    );
}

#[test]
fn processes_of_devices_end_with_the_main_process() {
    let folder = Folder::new();
    let mut child = start(&folder, &arguments(&scans(), "out", "cpu,cpu", &[]));
    let is_at_work = || {
        device_processes(child.id())
            .into_iter()
            .any(|id| ticks(id) >= 20)
    };
    wait_for("a process at work", is_at_work);
    let processes = device_processes(child.id());
    assert_eq!(processes.len(), 2);
    child.kill().unwrap();
    child.wait().unwrap();
    for process in processes {
        wait_for("the end of a process", || is_gone(process));
    }
}

#[test]
fn devices_that_cannot_be_used_are_named() {
    let folder = Folder::new();
    folder.write("good.pdf", good());
    let input = [folder.path().join("good.pdf")];
    for (device, code, words) in [
        ("gpu:0,0", 2, "GPU 0 stands twice"),
        ("cpu,auto", 2, "`auto` in `cpu,auto`"),
        ("gpu:", 2, "lacks a number"),
        ("gpu:all", 1, "finds no GPU"),
        ("cpu,gpu:7", 1, "device gpu:7: GPU 7 cannot be used"),
    ] {
        let ran = folder
            .run(&arguments(&input, "out", device, &[]))
            .expect(code);
        assert!(ran.stderr.contains(words), "{device}: {}", ran.stderr);
    }
}

#[test]
fn a_server_goes_on_when_a_process_of_a_device_dies() {
    let server = Server::start(&["--device", "cpu,cpu", "--memory-limit", "4G"]);
    let scan = std::fs::read(example("report_scan.pdf")).unwrap();
    let read = || {
        // Done by now, or under way.
        let job = server.order("name=scan.pdf", &scan).json();
        let id = job["id"].as_str().unwrap().to_string();
        server.finished(&id)
    };
    let before = read();
    assert_eq!(before["state"], "done", "{before}");
    let processes = device_processes(server.pid() as u32);
    assert_eq!(processes.len(), 2);
    processes.into_iter().for_each(kill);
    let after = read();
    assert_eq!(after["state"], "done", "{after}");
}
