//! How the program is called from a shell: names of any bytes, pipes and devices, lists of inputs, where messages and
//! results go, and what they look like to people and programs.

use super::interrupts::wait_for;
use super::support::{Folder, Ran, example, tiny_pdf};
use serde_json::Value;
use std::ffi::{OsStr, OsString};
use std::io::Write;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
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

fn records(stderr: &str) -> Vec<Value> {
    stderr
        .lines()
        .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{line}: {e}")))
        .collect()
}

#[track_caller]
fn check_keys(records: &[Value]) {
    for record in records {
        let keys: Vec<&String> = record.as_object().unwrap().keys().collect();
        assert_eq!(
            keys,
            ["level", "code", "message", "file", "page", "last_page"],
            "{record}"
        );
        assert!(
            record["code"].is_string() && record["message"].is_string(),
            "{record}"
        );
    }
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
fn a_report_that_cannot_be_written_is_told_before_the_work() {
    let folder = Folder::new();
    folder.write("a.pdf", page("Some text."));
    for report in [".", "missing/report.json"] {
        let ran = folder
            .run(&["a.pdf", "-o", "out", "--report", report])
            .expect(1);
        assert!(
            ran.stderr.contains(&format!("cannot write `{report}`")),
            "{}",
            ran.stderr
        );
        assert_eq!(folder.tree("out"), [""; 0]);
    }
    // A report that is there is replaced whole.
    let report = folder.write("report.json", "old");
    let same = folder.path().join("same.json");
    std::fs::hard_link(&report, &same).unwrap();
    folder
        .run(&["a.pdf", "-o", "out", "--report", "report.json"])
        .expect(0);
    assert_eq!(
        (
            folder.text("same.json").as_str(),
            &folder.json("report.json")["exit_code"]
        ),
        ("old", &0.into())
    );
    // Pipes are written to.
    let ran = bash(
        &folder,
        "$D a.pdf -o out --report >(cat > from-pipe.json; mv from-pipe.json whole.json) -q; \
                            while [ ! -e whole.json ]; do sleep 0.1; done",
    );
    assert_eq!(
        (ran.code, &folder.json("whole.json")["exit_code"]),
        (0, &0.into()),
        "{}",
        ran.stderr
    );
    let ran = folder
        .run(&["a.pdf", "-o", "out", "--report", "/dev/stdout", "-q"])
        .expect(0);
    assert_eq!(
        serde_json::from_str::<Value>(&ran.stdout).unwrap()["exit_code"],
        0
    );
}

#[test]
fn results_on_standard_output_keep_the_order_of_inputs() {
    let folder = Folder::new();
    folder.write("long.pdf", long_pdf(60));
    let mut inputs = vec!["long.pdf".to_string()];
    for i in 0..6 {
        folder.write(&format!("{i}.pdf"), page(&format!("Short {i}.")));
        inputs.push(format!("{i}.pdf"));
    }
    folder.write("bad.pdf", "no PDF");
    inputs.insert(3, "bad.pdf".into());
    let mut arguments = inputs.clone();
    arguments.extend(["--stdout", "md", "--threads", "4"].map(String::from));
    let ran = folder.run(&arguments).expect(3);
    let headings: Vec<&str> = ran
        .stdout
        .lines()
        .filter(|line| line.starts_with("<!--"))
        .collect();
    let good: Vec<&String> = inputs.iter().filter(|name| *name != "bad.pdf").collect();
    let expected: Vec<String> = good
        .iter()
        .map(|name| format!("<!-- document: {name} -->"))
        .collect();
    assert_eq!(headings, expected);
    assert!(
        ran.stdout
            .ends_with("\n\n<!-- document: 5.pdf -->\n\nShort 5.\n"),
        "{}",
        ran.stdout
    );
    arguments[inputs.len() + 1] = "json".into();
    let ran = folder.run(&arguments).expect(3);
    let values = serde_json::Deserializer::from_str(&ran.stdout).into_iter::<Value>();
    let paths: Vec<String> = values
        .map(|v| {
            v.unwrap()["pages"][0]["input_path"]
                .as_str()
                .unwrap()
                .to_string()
        })
        .collect();
    assert_eq!(paths.iter().collect::<Vec<_>>(), good);
}

#[test]
fn a_closing_line_says_what_was_done_and_where() {
    let folder = Folder::new();
    for name in [
        "in/a.pdf",
        "in/b.pdf",
        "in/notes.docx",
        "in/more.DOCX",
        "in/README",
    ] {
        folder.write(name, page("Some text."));
    }
    folder.write("in/bad.pdf", "no PDF");
    let arguments = ["in", "missing.pdf", "-o", "out", "--formats", "md"];
    let ran = folder.run(&arguments).expect(3);
    let kinds = "note: 3 files of other kinds left out: .docx 2, without extension 1\n";
    assert!(ran.stderr.contains(kinds), "{}", ran.stderr);
    assert!(
        ran.stderr
            .ends_with("done: 2 documents, 2 pages -> out; 2 failed\n"),
        "{}",
        ran.stderr
    );
    let ran = folder.run(&[&arguments[..], &["-q"]].concat()).expect(3);
    assert!(
        ran.stderr.lines().all(|line| line.starts_with("error: ")),
        "{}",
        ran.stderr
    );
    let ran = folder.run(&["in/a.pdf", "--stdout", "md"]).expect(0);
    assert!(
        ran.stderr
            .ends_with("done: 1 document, 1 page -> standard output\n"),
        "{}",
        ran.stderr
    );
}

#[test]
fn json_messages_all_have_the_same_keys() {
    let folder = Folder::new();
    folder.write("in/a.pdf", page("Some text."));
    folder.write("in/notes.docx", "x");
    folder.write("in/bad.pdf", "no PDF");
    folder.write("in/cut.png", &png()[..60]);
    mkfifo(&folder.path().join("in/pipe.pdf"));
    for more in [&[][..], &["--verbose"]] {
        let arguments = [
            &[
                "in",
                "missing.pdf",
                "-o",
                "out",
                "--log-format",
                "json",
                "--use_tensorrt",
            ],
            more,
        ];
        let ran = folder.run(&arguments.concat()).expect(3);
        let records = records(&ran.stderr);
        check_keys(&records);
        let last = records.last().unwrap();
        assert_eq!(
            (&last["code"], &last["level"]),
            (&"summary".into(), &"INFO".into())
        );
        let sum = "2 documents, 2 pages -> out; 1 with errors, 2 failed";
        assert_eq!(last["message"], sum);
        let of = |code: &str| {
            records
                .iter()
                .filter(|r| r["code"] == code)
                .collect::<Vec<_>>()
        };
        let missing = of("input_failed")
            .into_iter()
            .find(|r| r["file"] == "missing.pdf")
            .unwrap();
        assert_eq!(missing["message"], "no such file or directory");
        assert_eq!(
            (&of("page_failed")[0]["file"], &of("page_failed")[0]["page"]),
            (&"in/cut.png".into(), &1.into())
        );
        assert_eq!(of("left_out").len(), 2, "{records:?}");
        assert!(
            of("note")
                .iter()
                .any(|r| r["message"].as_str().unwrap().contains("--use-tensorrt"))
        );
    }
    for arguments in [
        &["--log-format", "json", "--nonsense"][..],
        &["--log_format=json"],
        &[
            "--nonsense=a",
            "--log-f",
            "json",
            "-i",
            "a.pdf",
            "-o",
            "out",
        ],
        &["a.pdf", "-o", "out", "--log-format", "json", "--use_doc=a"],
        &[
            "a.pdf",
            "-o",
            "out",
            "--log-format",
            "json",
            "--pages",
            "3-1",
        ],
    ] {
        let ran = folder.run(arguments).expect(2);
        let records = records(&ran.stderr);
        check_keys(&records);
        assert_eq!(
            (records.len(), &records[0]["code"]),
            (1, &"usage".into()),
            "{arguments:?}: {}",
            ran.stderr
        );
    }
    let ran = folder
        .run_with(&["--nonsense"], &[("DOCPARSE_LOG_FORMAT", "json")], "")
        .expect(2);
    let unexpected = records(&ran.stderr)[0]["message"]
        .as_str()
        .unwrap()
        .to_string();
    assert!(
        unexpected.contains("unexpected argument '--nonsense' found"),
        "{unexpected}"
    );
}

fn png() -> Vec<u8> {
    let mut png = Vec::new();
    let picture = image::RgbImage::from_fn(200, 200, |x, y| {
        image::Rgb([x as u8, y as u8, (x * y) as u8])
    });
    picture
        .write_to(&mut std::io::Cursor::new(&mut png), image::ImageFormat::Png)
        .unwrap();
    png
}

#[test]
fn markdown_links_lead_to_files() {
    let folder = Folder::new();
    let report: PathBuf = example("report.pdf");
    let report = report.to_str().unwrap();
    folder
        .run(&[report, "-o", "out", "--formats", "md"])
        .expect(0);
    let (tree, markdown) = (folder.tree("out"), folder.text("out/report.md"));
    let links: Vec<&str> = markdown
        .split("src=\"")
        .skip(1)
        .map(|rest| rest.split('"').next().unwrap())
        .collect();
    assert_eq!((links.len(), tree.len()), (3, 4), "{tree:?}");
    assert!(
        links
            .iter()
            .all(|link| folder.path().join("out").join(link).is_file()),
        "{links:?}"
    );
    folder
        .run(&[report, "-o", "without", "--formats", "md,-images"])
        .expect(0);
    assert_eq!(folder.tree("without"), ["report.md"]);
    let without = folder.text("without/report.md");
    assert!(
        !without.contains("<img") && !without.contains("imgs/") && !without.contains("\"></div>"),
        "{without}"
    );
    let ran = folder
        .run(&[report, "-o", "without", "--formats=-vis,-images,-xlsx"])
        .expect(0);
    assert_eq!(
        folder.tree("without"),
        ["report.json", "report.md"],
        "{}",
        ran.stderr
    );
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
