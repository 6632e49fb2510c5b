//! Results and messages as people and programs get them: reports, standard output, the closing line, JSON messages, links.

use super::super::support::{Folder, example};
use super::{bash, long_pdf, mkfifo, page};
use serde_json::Value;
use std::path::PathBuf;

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
            [
                "level",
                "code",
                "reason",
                "message",
                "file",
                "page",
                "last_page"
            ],
            "{record}"
        );
        assert!(
            record["code"].is_string() && record["message"].is_string(),
            "{record}"
        );
    }
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
        .split("![")
        .skip(1)
        .filter_map(|rest| rest.split("](").nth(1)?.split(')').next())
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
        !without.contains("![") && !without.contains("imgs/"),
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
