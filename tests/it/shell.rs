//! How the program is called from a shell: names of any bytes, pipes and devices, lists of inputs, where messages and
//! results go, and what they look like to people and programs.

mod outputs;

use super::interrupts::wait_for;
use super::support::{Folder, Ran, tiny_pdf};
use serde_json::Value;
use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

fn page(text: &str) -> Vec<u8> {
    tiny_pdf(
        612.0,
        792.0,
        &format!("BT /F 12 Tf 72 700 Td ({text}) Tj ET"),
    )
}

/// A PDF of so many pages `Line N.`.
fn long_pdf(pages: usize) -> Vec<u8> {
    let kids: String = (0..pages).map(|i| format!("{} 0 R ", 4 + 2 * i)).collect();
    let mut objects = vec![
        "<< /Type /Catalog /Pages 2 0 R >>".to_string(),
        format!("<< /Type /Pages /Kids [{kids}] /Count {pages} >>"),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_string(),
    ];
    for i in 0..pages {
        let content = format!("BT /F 12 Tf 72 700 Td (Line {i}.) Tj ET");
        objects.push(format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents {} 0 R \
             /Resources << /Font << /F 3 0 R >> >> >>",
            5 + 2 * i
        ));
        objects.push(format!(
            "<< /Length {} >>\nstream\n{content}\nendstream",
            content.len()
        ));
    }
    super::support::assemble(&objects)
}

fn raw(bytes: &[u8]) -> OsString {
    OsString::from_vec(bytes.to_vec())
}

fn mkfifo(path: &Path) {
    let name = std::ffi::CString::new(path.as_os_str().as_bytes()).unwrap();
    // SAFETY: the name is a C string.
    assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
}

/// Names of the files below a folder, their bytes as they are, sorted.
fn names(folder: &Path) -> Vec<OsString> {
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .flatten()
        .filter(|e| e.path().is_file())
        .map(|e| e.file_name())
        .collect();
    names.sort();
    names
}

/// Starts the program with `program` in front, as a shell that sets something up for it.
fn start(folder: &Folder, program: &OsStr, arguments: &[&OsStr]) -> Child {
    let mut command = Command::new(program);
    for (name, _) in
        std::env::vars_os().filter(|(name, _)| name.as_bytes().starts_with(b"DOCPARSE_"))
    {
        command.env_remove(name);
    }
    command
        .args(arguments)
        .env("HOME", folder.path())
        .current_dir(folder.path())
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn ended(child: Child) -> Ran {
    let output = child.wait_with_output().unwrap();
    Ran {
        code: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}

/// Runs a line of bash in which `$D` is the program.
fn bash(folder: &Folder, line: &str) -> Ran {
    let line = format!("D={}; {line}", env!("CARGO_BIN_EXE_docparse"));
    ended(start(
        folder,
        "bash".as_ref(),
        &["-c".as_ref(), line.as_ref()],
    ))
}

#[test]
fn names_that_are_no_text_are_names_all_the_same() {
    let folder = Folder::new();
    let name = raw(b"raw-\xe9.pdf");
    std::fs::create_dir(folder.path().join("d")).unwrap();
    for path in [
        folder.path().join(&name),
        folder.path().join("d").join(&name),
    ] {
        std::fs::write(path, page("Some text.")).unwrap();
    }
    std::fs::write(
        folder.path().join(raw(b"set-\xe9.yaml")),
        "text_layer: always\n",
    )
    .unwrap();
    std::fs::write(
        folder.path().join("list"),
        [name.as_bytes(), b"\0"].concat(),
    )
    .unwrap();
    let given = |name: &[u8]| raw(name);
    let (save, report) = (raw(b"out-\xe9"), raw(b"report-\xe9.json"));
    let config = given(b"--paddlex_config=set-\xe9.yaml");
    for input in [
        vec![given(b"-i"), name.clone()],
        vec![name.clone()],
        vec![given(b"-i"), given(b"d")],
        vec![given(b"d/*.pdf")],
        vec![given(b"d/raw-\xe9*")],
        vec![given(b"-0"), given(b"--files-from"), given(b"list")],
    ] {
        let mut arguments = input.clone();
        arguments.extend([
            given(b"--save-path"),
            save.clone(),
            given(b"--report"),
            report.clone(),
        ]);
        arguments.extend([config.clone(), given(b"--formats=json,md"), given(b"-q")]);
        let ran = folder.run(&arguments).expect(0);
        assert_eq!(ran.stderr, "", "{input:?}");
        let written = names(&folder.path().join(&save));
        assert_eq!(
            written
                .iter()
                .filter(|n| n.as_bytes().ends_with(b".md"))
                .count(),
            1,
            "{written:?}"
        );
        let text = std::fs::read_to_string(folder.path().join(&report)).unwrap();
        let value: Value = serde_json::from_str(&text).unwrap();
        let path = value["inputs"][0]["path"].as_str().unwrap();
        assert!(path.ends_with(r"raw-\xE9.pdf"), "{path}");
        assert!(
            value["inputs"][0]["outputs"][0]["sha256"].is_string(),
            "{value}"
        );
        std::fs::remove_dir_all(folder.path().join(&save)).unwrap();
    }
}

#[test]
fn names_that_would_move_a_cursor_are_shown_escaped() {
    let folder = Folder::new();
    let name = "a\x1b[2J\nerror: forged\u{202e}.pdf";
    folder.write(name, "no PDF");
    let shown = r"a\x1b[2J\x0aerror: forged\u{202e}.pdf";
    let ran = folder.run(&["-i", name, "--save-path", "out"]).expect(1);
    assert!(
        ran.stderr
            .contains(&format!("error: {shown}: the file is plain text")),
        "{}",
        ran.stderr
    );
    let ran_json = folder
        .run(&["-i", name, "--save-path", "out", "--log-format", "json"])
        .expect(1);
    let usage = folder.run(&[&format!("--{name}")]).expect(2);
    let dry = folder
        .run(&["-i", name, "b\x1b.pdf", "--dry-run"])
        .expect(1);
    folder.write("good\x1b\n.pdf", page("Some text."));
    let good = folder.run(&["-i", "good\x1b\n.pdf", "--dry-run"]).expect(0);
    assert_eq!(good.stdout, "good\\x1b\\x0a.pdf: 1 pages -> good__\n");
    for text in [ran.stderr, ran_json.stderr, usage.stderr, dry.stderr] {
        assert!(!text.contains(['\x1b', '\u{202e}']), "{text:?}");
    }
}

#[test]
fn pipes_are_read_as_files() {
    let folder = Folder::new();
    folder.write("a.pdf", page("From a pipe."));
    mkfifo(&folder.path().join("ff"));
    for line in [
        "(cat a.pdf > ff &); $D -i ff --stdout md -q",
        "$D -i <(cat a.pdf) --stdout md -q",
        "$D <(cat a.pdf) --stdout md -q",
        "cat a.pdf | $D -i /dev/stdin --stdout md -q",
        "cat a.pdf | $D -i - --stdout md -q",
        "$D /dev/stdin --stdout md -q < a.pdf",
        "$D - --stdout md -q < a.pdf",
        "ln -s /dev/stdin in; $D in --stdout md -q < a.pdf",
        // A file whose name is gone.
        "exec 7< a.pdf; rm a.pdf; $D /dev/fd/7 --stdout md -q; R=$?; cat <&7 > a.pdf; exit $R",
        // A pipe named twice has nothing to say the second time.
        "(cat a.pdf > ff &); $D ff ./ff --stdout md -q",
        // No folder for temporary files.
        "export TMPDIR=/no/such; cat a.pdf | $D - --stdout md -q",
        "mkdir tmp; export TMPDIR=$PWD/tmp; cat a.pdf | $D - --stdout md -q && rmdir tmp",
        "find . -name '*.pdf' -print0 | $D -0 --files-from - --stdout md -q",
        "$D --files-from <(echo a.pdf) --stdout md -q",
    ] {
        let ran = bash(&folder, line);
        assert_eq!(
            (ran.code, ran.stdout.as_str()),
            (0, "From a pipe.\n"),
            "{line}: {}",
            ran.stderr
        );
    }
}

#[test]
fn pipes_in_folders_are_passed_over_and_devices_refused() {
    let folder = Folder::new();
    folder.write("d/a.pdf", page("Some text."));
    mkfifo(&folder.path().join("d/b.pdf"));
    symlink("/dev/zero", folder.path().join("d/c.png")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(folder.path().join("socket")).unwrap();
    for input in ["d", "d/*"] {
        let ran = folder.run(&["-i", input, "--stdout", "md"]).expect(0);
        assert_eq!(ran.stdout, "Some text.\n");
        assert!(
            ran.stderr
                .contains("warning: d/b.pdf: is a named pipe: left out"),
            "{}",
            ran.stderr
        );
        assert!(
            ran.stderr.contains("warning: d/c.png: is a device"),
            "{}",
            ran.stderr
        );
    }
    let ran = folder
        .run(&["/dev/zero", "/dev/null", "socket", "d/a.pdf", "-o", "out"])
        .expect(3);
    for message in [
        "error: /dev/zero: is a device, not a document",
        "error: /dev/null: is a device",
        "error: socket: is a socket, not a document",
    ] {
        assert!(ran.stderr.contains(message), "{}", ran.stderr);
    }
}

#[test]
fn waiting_for_a_pipe_can_be_interrupted() {
    let folder = Folder::new();
    folder.write("a.pdf", page("Some text."));
    mkfifo(&folder.path().join("ff"));
    let arguments = ["a.pdf", "ff", "-o", "out", "--report", "report.json"].map(OsStr::new);
    let child = start(&folder, env!("CARGO_BIN_EXE_docparse").as_ref(), &arguments);
    let (pipe, fds) = (folder.path().join("ff"), format!("/proc/{}/fd", child.id()));
    wait_for("the program to open the pipe", || {
        let fds = std::fs::read_dir(&fds).into_iter().flatten().flatten();
        fds.filter_map(|fd| std::fs::read_link(fd.path()).ok())
            .any(|file| file == pipe)
    });
    let start = Instant::now();
    // SAFETY: the process was started above and has not been waited for.
    unsafe { libc::kill(child.id() as i32, libc::SIGINT) };
    let ran = ended(child).expect(130);
    assert!(
        start.elapsed() < Duration::from_secs(10),
        "{:?}",
        start.elapsed()
    );
    assert!(
        ran.stderr
            .ends_with("interrupted: 0 documents, 0 pages -> out; 2 not done\n"),
        "{}",
        ran.stderr
    );
    assert_eq!(folder.json("report.json")["exit_code"], 130);
}

#[test]
fn inputs_need_no_flag() {
    let folder = Folder::new();
    for name in ["a", "b", "c", "doctor"] {
        folder.write(&format!("{name}.pdf"), page(&format!("Text of {name}.")));
    }
    std::fs::copy(
        folder.path().join("doctor.pdf"),
        folder.path().join("doctor"),
    )
    .unwrap();
    let base = ["--formats", "md", "-q"];
    let run = |arguments: &[&str]| {
        folder.run(&[arguments, &base].concat()).expect(0);
        let tree = folder.tree("out");
        std::fs::remove_dir_all(folder.path().join("out")).unwrap();
        tree
    };
    assert_eq!(run(&["a.pdf", "b.pdf", "-o", "out"]), ["a.md", "b.md"]);
    assert_eq!(
        run(&["doc_parser", "a.pdf", "-i", "b.pdf", "-o", "out"]),
        ["a.md", "b.md"]
    );
    assert_eq!(
        run(&["-o", "out", "--use_doc_unwarping=no", "a.pdf", "./doctor"]),
        ["a.md", "doctor.md"]
    );
    assert_eq!(
        run(&["-i", "a.pdf", "b.pdf", "--save-path", "out", "c.pdf"]),
        ["a.md", "b.md", "c.md"]
    );
    assert_eq!(
        run(&["--merge_tables", "a.pdf", "--save_path=out"]),
        ["a.md"]
    );
    folder.write("list", "b.pdf\n\nc.pdf\n");
    assert_eq!(
        run(&["a.pdf", "--files-from", "list", "-o", "out"]),
        ["a.md", "b.md", "c.md"]
    );
    folder.write("empty", "\n");
    let ran = folder
        .run(&["--files-from", "empty", "-o", "out"])
        .expect(1);
    assert!(
        ran.stderr.contains("the list of inputs is empty"),
        "{}",
        ran.stderr
    );
    let ran = folder
        .run(&["-", "--files-from", "-", "-o", "out"])
        .expect(2);
    assert!(
        ran.stderr.contains("cannot be a document as well"),
        "{}",
        ran.stderr
    );
}

#[test]
fn libraries_are_found_from_wherever_the_program_lies() {
    let folder = Folder::new();
    let program = folder.path().join("elsewhere/docparse");
    std::fs::create_dir(program.parent().unwrap()).unwrap();
    std::fs::copy(env!("CARGO_BIN_EXE_docparse"), &program).unwrap();
    let run = |arguments: &[&str]| {
        let arguments: Vec<&OsStr> = arguments.iter().map(OsStr::new).collect();
        ended(start(&folder, program.as_os_str(), &arguments))
    };
    folder.write("a.pdf", page("Some text."));
    assert_eq!(
        run(&["a.pdf", "--stdout", "md"]).expect(0).stdout,
        "Some text.\n"
    );
}

#[test]
fn every_command_follows_the_folder_of_libraries() {
    let folder = Folder::new();
    folder.write("a.pdf", page("Some text."));
    folder.write("tensors/none", "");
    let environment = [("DOCPARSE_RUNTIME_DIR", "nothing-here")];
    let doctor = folder.run_with(&["doctor"], &environment, "").expect(1);
    assert!(
        doctor
            .stdout
            .contains("missing  libpdfium.so: `libpdfium.so` was not found in `nothing-here`")
    );
    let parity = folder
        .run_with(&["parity", "tensors"], &environment, "")
        .expect(1);
    assert!(
        parity.stderr.contains("was not found in `nothing-here`"),
        "{}",
        parity.stderr
    );
    let parse = folder
        .run_with(&["a.pdf", "--stdout", "md"], &environment, "")
        .expect(1);
    assert!(
        parse.stderr.contains("was not found in `nothing-here`"),
        "{}",
        parse.stderr
    );
    // The flag goes first.
    let runtime = super::support::root().join("runtime").display().to_string();
    folder
        .run_with(&["doctor", "--runtime-dir", &runtime], &environment, "")
        .expect(0);
}

#[test]
fn standard_input_may_be_slow() {
    let folder = Folder::new();
    let mut child = Command::new(env!("CARGO_BIN_EXE_docparse"))
        .args(["-", "--stdout", "md", "-q"])
        .env("HOME", folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let bytes = page("Some text.");
    for part in bytes.chunks(bytes.len().div_ceil(3)) {
        stdin.write_all(part).unwrap();
        std::thread::sleep(Duration::from_millis(250)); // longer than it is waited for at once
    }
    drop(stdin);
    assert_eq!(
        String::from_utf8_lossy(&child.wait_with_output().unwrap().stdout),
        "Some text.\n"
    );
}
