//! Interrupts of the real program, whatever it is at: it ends soon, with 130, whole files and a report. The bounds are wide, since
//! machines are slow at times; `scripts/check_interrupts.sh` measures.

use super::http::{say, serve};
use super::left::left_behind;
use super::support::{Folder, assemble, tiny_pdf};
use docparse::internals::raster::Pixels;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// An interrupted run has ended after this at the latest: five times what it should take.
const BOUND: Duration = Duration::from_secs(10);

/// Starts the program in the folder, as [`Folder::run`] does.
pub fn start(folder: &Folder, arguments: &[&str]) -> Child {
    command(folder, arguments)
        .spawn()
        .expect("the program starts")
}

/// What [`start`] starts.
fn command(folder: &Folder, arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_docparse"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("DOCPARSE_")) {
        command.env_remove(name);
    }
    for name in [
        "http_proxy",
        "https_proxy",
        "all_proxy",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "ALL_PROXY",
    ] {
        command.env_remove(name);
    }
    command
        .env_remove("XDG_DATA_HOME")
        .envs(crate::support::SAME_EVERYWHERE)
        .env("HOME", folder.path());
    command
        .args(arguments)
        .current_dir(folder.path())
        .stdin(Stdio::piped());
    command.stdout(Stdio::null()).stderr(Stdio::null());
    command
}

pub fn wait_for(what: &str, is_there: impl Fn() -> bool) {
    let start = Instant::now();
    while !is_there() {
        assert!(
            start.elapsed() < Duration::from_secs(120),
            "waited in vain for {what}"
        );
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Waits until the program catches SIGTERM: before that, a signal ends it as any other program.
pub fn wait_until_it_listens(child: &Child) {
    let mask = |status: String| {
        let line = status.lines().find_map(|line| {
            line.strip_prefix("SigCgt:")
                .map(str::trim)
                .map(String::from)
        });
        line.and_then(|mask| u64::from_str_radix(&mask, 16).ok())
            .unwrap_or(0)
    };
    wait_for("the program to listen to signals", || {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id()));
        status.is_ok_and(|status| mask(status) & (1 << (libc::SIGTERM - 1)) != 0)
    });
}

/// Sends SIGTERM; the exit code, which must come within the bound.
#[track_caller]
fn terminated(mut child: Child) -> Option<i32> {
    let sent = Command::new("kill")
        .args(["-TERM", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(sent.success());
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return status.code();
        }
        if start.elapsed() > BOUND {
            let _ = child.kill();
            panic!("it did not end within {BOUND:?}");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The outcome of the input whose path ends so.
#[track_caller]
fn outcome(folder: &Folder, name: &str) -> String {
    let report = folder.json("report.json");
    assert_eq!(report["exit_code"], 130);
    let inputs = report["inputs"].as_array().unwrap();
    let input = inputs
        .iter()
        .find(|input| input["path"].as_str().unwrap().ends_with(name));
    input.unwrap_or_else(|| panic!("{name}: {report}"))["outcome"]
        .as_str()
        .unwrap()
        .to_string()
}

/// Processes that this one started and that still run.
pub fn children(of: u32) -> Vec<u32> {
    let tasks = std::fs::read_dir(format!("/proc/{of}/task"))
        .into_iter()
        .flatten()
        .flatten();
    let lists = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("children")).ok());
    lists
        .flat_map(|list| {
            list.split_whitespace()
                .filter_map(|id| id.parse().ok())
                .collect::<Vec<_>>()
        })
        .collect()
}

pub fn good() -> Vec<u8> {
    tiny_pdf(612.0, 792.0, "BT /F 12 Tf 72 700 Td (A good page.) Tj ET")
}

/// A page with a shading by a function that takes minutes: its program is long, and is run for every pixel.
pub fn slow_shading() -> Vec<u8> {
    let program = format!("{{ {}dup dup }}", "sin cos ".repeat(22_000));
    assemble(&[
        "<< /Type /Catalog /Pages 2 0 R >>".to_string(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_string(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R \
         /Resources << /Shading << /S 5 0 R >> >> >>"
            .to_string(),
        "<< /Length 5 >>\nstream\n/S sh\nendstream".to_string(),
        "<< /ShadingType 1 /ColorSpace /DeviceRGB /Domain [0 100000 0 100000] /Function 6 0 R >>"
            .to_string(),
        format!(
            "<< /FunctionType 4 /Domain [0 1 0 1] /Range [0 1 0 1 0 1] /Length {} >>\nstream\n{program}\nendstream",
            program.len()
        ),
    ])
}

/// Starts a run that has written a document and has begun one that takes minutes, with parts of it.
fn stuck(folder: &Folder, more: &[&str]) -> Child {
    folder.write("in/a.pdf", good());
    folder.write("in/b.pdf", slow_shading());
    let arguments = [
        "-i",
        "in",
        "--save-path",
        "out",
        "--report",
        "report.json",
        "--formats",
        "md,json,vis",
    ];
    let child = start(folder, &[&arguments, more].concat());
    wait_for("the first document", || {
        folder.tree("out").iter().any(|file| file.ends_with(".md"))
    });
    child
}

#[test]
fn while_a_worker_computes() {
    let folder = Folder::new();
    let child = stuck(&folder, &[]);
    wait_for("a worker", || !children(child.id()).is_empty());
    let workers = children(child.id());
    assert_eq!(terminated(child), Some(130));
    assert_eq!(outcome(&folder, "a.pdf"), "done");
    assert_eq!(outcome(&folder, "b.pdf"), "interrupted");
    let files = folder
        .tree("out")
        .into_iter()
        .filter(|file| file.contains("b.") || file.contains("b_"));
    assert_eq!(files.collect::<Vec<_>>(), Vec::<String>::new());
    assert_eq!(left_behind(&folder, "out"), Vec::<String>::new());
    // Nor do the workers go on.
    wait_for("the end of the workers", || {
        workers.iter().all(
            |id| match std::fs::read_to_string(format!("/proc/{id}/stat")) {
                Ok(stat) => stat.contains(") Z "),
                Err(_) => true,
            },
        )
    });
}

#[test]
fn while_a_worker_computes_for_the_reference_s_tree() {
    let folder = Folder::new();
    assert_eq!(terminated(stuck(&folder, &["--compat"])), Some(130));
    assert_eq!(left_behind(&folder, "out"), Vec::<String>::new());
    assert!(!folder.tree("out").is_empty());
}

/// What is left behind is seen: by a run that could take nothing away, and where a file is not whole.
#[test]
fn a_killed_run_is_seen_to_leave_something() {
    for (more, place) in [
        (&[][..], "no run owns: runs/"),
        (&["--compat"], "no record knows: .docparse-run-"),
    ] {
        let folder = Folder::new();
        let mut child = stuck(&folder, more);
        child.kill().unwrap();
        child.wait().unwrap();
        let left = left_behind(&folder, "out");
        assert!(left.iter().any(|line| line.starts_with(place)), "{left:?}");
        assert!(
            !left.iter().any(|line| line.starts_with("torn")),
            "{left:?}"
        );
        // The next run takes it away.
        let files = [
            "-i",
            "in/a.pdf",
            "--save-path",
            "out",
            "--formats",
            "md,json,vis",
        ];
        folder.run(&[&files, more].concat()).expect(0);
        assert_eq!(left_behind(&folder, "out"), Vec::<String>::new());
        let file = folder
            .tree("out")
            .into_iter()
            .find(|file| file.ends_with(".md"))
            .unwrap();
        std::fs::write(folder.path().join("out").join(&file), "A go").unwrap();
        assert_eq!(left_behind(&folder, "out"), [format!("torn: {file}")]);
    }
}

/// A page full of marks that look like text to the detector.
fn dense(path: &Path) {
    let (width, height) = (1600, 2200);
    let ink = |x: usize, y: usize| {
        y % 28 < 16 && (x / 7 * 31 + y / 28 * 17) % 5 < 3 && (40..1560).contains(&x)
    };
    let data = (0..width * height)
        .flat_map(|at| [if ink(at % width, at / width) { 20 } else { 245 }; 3])
        .collect();
    std::fs::write(
        path,
        Pixels {
            width,
            height,
            data,
        }
        .to_png()
        .unwrap(),
    )
    .unwrap();
}

#[test]
fn while_lines_are_read() {
    let folder = Folder::new();
    folder.write("in/a.pdf", good());
    (0..12).for_each(|page| dense(&folder.path().join(format!("in/scan{page:02}.png"))));
    let child = start(
        &folder,
        &["-i", "in", "--save-path", "out", "--report", "report.json"],
    );
    wait_for("the first document", || {
        folder.path().join("out/a.md").exists()
    });
    std::thread::sleep(Duration::from_millis(1500));
    assert_eq!(terminated(child), Some(130));
    assert_eq!(outcome(&folder, "a.pdf"), "done");
    assert_eq!(outcome(&folder, "scan11.png"), "interrupted");
    let report = folder.json("report.json");
    let told = report["inputs"]
        .as_array()
        .unwrap()
        .iter()
        .map(|input| input["outcome"].clone());
    assert!(
        told.clone()
            .all(|outcome| outcome == "done" || outcome == "interrupted"),
        "{report}"
    );
    assert_eq!(told.count(), 13);
    assert_eq!(left_behind(&folder, "out"), Vec::<String>::new());
}

#[test]
fn while_a_server_says_nothing() {
    let folder = Folder::new();
    let asked = Arc::<Mutex<bool>>::default();
    let hears = asked.clone();
    let address = serve(move |request, stream| {
        if request.path == "/v1/models" {
            say(
                stream,
                200,
                "",
                br#"{"data": [{"id": "PaddleOCR-VL-1.6-0.9B"}]}"#,
            );
            return true;
        }
        *hears.lock().unwrap() = true;
        std::thread::sleep(Duration::from_secs(600));
        false
    });
    let url = format!("http://{address}/v1");
    dense(&folder.path().join("scan.png"));
    let arguments = [
        "-i",
        "scan.png",
        "--save-path",
        "out",
        "--report",
        "report.json",
        "--device",
        "cpu",
        "--use-layout-detection",
        "false",
        "--vl-rec-backend",
        "vllm-server",
        "--vl-rec-server-url",
        &url,
    ];
    let child = start(&folder, &arguments);
    wait_for("a request", || *asked.lock().unwrap());
    assert_eq!(terminated(child), Some(130));
    assert_eq!(outcome(&folder, "scan.png"), "interrupted");
    assert_eq!(left_behind(&folder, "out"), Vec::<String>::new());
}

#[test]
fn while_standard_input_never_ends() {
    let folder = Folder::new();
    let child = start(
        &folder,
        &["-i", "-", "--save-path", "out", "--report", "report.json"],
    );
    wait_until_it_listens(&child);
    assert_eq!(terminated(child), Some(130));
    assert_eq!(folder.json("report.json")["exit_code"], 130);
}

#[test]
fn while_a_download_never_ends() {
    let folder = Folder::new();
    let asked = Arc::<Mutex<bool>>::default();
    let hears = asked.clone();
    let address = serve(move |_, stream| {
        use std::io::Write;
        *hears.lock().unwrap() = true;
        let _ = stream.write_all(b"HTTP/1.1 200 x\r\nContent-Length: 1000000\r\n\r\n%PDF-1.4\n");
        std::thread::sleep(Duration::from_secs(600));
        false
    });
    let url = format!("http://{address}/slow.pdf");
    let child = start(
        &folder,
        &["-i", &url, "--save-path", "out", "--report", "report.json"],
    );
    wait_for("a request", || *asked.lock().unwrap());
    assert_eq!(terminated(child), Some(130));
    assert_eq!(folder.json("report.json")["exit_code"], 130);
}

#[test]
fn a_second_signal_ends_at_once() {
    let folder = Folder::new();
    let child = start(&folder, &["-i", "-", "--save-path", "out"]);
    wait_until_it_listens(&child);
    let first = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert!(first.success());
    std::thread::sleep(Duration::from_millis(50));
    assert_eq!(terminated(child), Some(130));
}

/// Starts `docparse bench` with its folder in the one for temporary files, and waits until the file is in it.
fn bench_until(folder: &Folder, temporary: &Path, pages: &str, file: &str) -> Child {
    std::fs::create_dir(temporary).unwrap();
    let runtime = super::support::root().join("runtime");
    let runtime = runtime.to_str().unwrap();
    let arguments = ["bench", "--pages", pages, "--runtime-dir", runtime];
    let mut bench = command(folder, &arguments);
    let bench = bench.env("TMPDIR", temporary).spawn().unwrap();
    wait_for(file, || {
        let folders = std::fs::read_dir(temporary).into_iter().flatten();
        let mut files = folders.flatten().map(|folder| folder.path().join(file));
        files.any(|file| file.exists())
    });
    bench
}

#[test]
fn an_interrupted_bench_ends_its_run_and_leaves_nothing() {
    let folder = Folder::new();
    let temporary = folder.path().join("tmp");
    let bench = bench_until(&folder, &temporary, "100", "out");
    let children = format!("/proc/{0}/task/{0}/children", bench.id());
    let children = std::fs::read_to_string(children).unwrap();
    assert_eq!(children.split_whitespace().count(), 1, "{children}");
    assert_eq!(terminated(bench), Some(130));
    let run = Path::new("/proc").join(children.trim());
    assert!(!run.exists(), "the measured run goes on");
    let left: Vec<_> = std::fs::read_dir(&temporary).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}

#[test]
fn a_bench_that_still_makes_its_pages_is_interrupted() {
    let folder = Folder::new();
    let temporary = folder.path().join("tmp");
    let bench = bench_until(&folder, &temporary, "2000", "pages.pdf");
    assert_eq!(terminated(bench), Some(130));
    let left: Vec<_> = std::fs::read_dir(&temporary).unwrap().collect();
    assert!(left.is_empty(), "{left:?}");
}
