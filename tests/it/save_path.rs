//! The save path belongs to the user: nothing is deleted that docparse did not write, nothing lies outside, nothing is
//! done twice that the record proves done.

mod processes;

use super::support::{Folder, Ran, example, tiny_pdf};
use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;
use std::process::Command;

fn pdf(text: &str) -> Vec<u8> {
    tiny_pdf(
        612.0,
        792.0,
        &format!("BT /F 12 Tf 72 700 Td ({text}) Tj ET"),
    )
}

/// Runs and expects an exit code; only Markdown unless the arguments say otherwise.
#[track_caller]
fn run(folder: &Folder, arguments: &[&str], code: i32) -> Ran {
    let mut all = arguments.to_vec();
    if !arguments.contains(&"--formats") && !arguments.contains(&"--compat") {
        all.extend(["--formats", "md"]);
    }
    folder.run(&all).expect(code)
}

/// Names and contents of all files below `below` but the record.
fn contents(folder: &Folder, below: &str) -> BTreeMap<String, Vec<u8>> {
    let read = |name: String| {
        (
            name.clone(),
            fs::read(folder.path().join(below).join(&name)).unwrap(),
        )
    };
    folder.tree(below).into_iter().map(read).collect()
}

fn outcome(folder: &Folder, report: &str, input: usize) -> String {
    folder.json(report)["inputs"][input]["outcome"]
        .as_str()
        .unwrap()
        .to_string()
}

#[test]
fn names_made_of_dots_delete_nothing() {
    let folder = Folder::new();
    folder.write("...pdf", pdf("Three dots."));
    folder.write("..pdf", pdf("Two dots."));
    folder.write("out/mine.txt", "mine");
    folder.write("out/imgs/mine.jpg", "mine");
    folder.write("out/sub/imgs/other/mine.jpg", "mine");
    folder
        .run(&["-i", "...pdf", "..pdf", "--save-path", "out"])
        .expect(0);
    let tree = folder.tree("out");
    for file in [
        "mine.txt",
        "imgs/mine.jpg",
        "sub/imgs/other/mine.jpg",
        "__.md",
        "_.md",
    ] {
        assert!(
            tree.contains(&file.to_string()),
            "{file} is not in {tree:?}"
        );
    }
    assert_eq!(folder.text("out/__.md"), "Three dots.\n");
}

#[test]
fn files_of_the_user_stay_whatever_their_names() {
    let folder = Folder::new();
    let report = fs::read(example("report.pdf")).unwrap();
    folder.write("report.pdf", report);
    folder.write("out/imgs/report/holiday.jpg", "mine");
    folder.write("out/report.json", "mine");
    let ran = folder
        .run(&["-i", "report.pdf", "--save-path", "out"])
        .expect(0);
    assert!(
        ran.stderr
            .contains("`out/report.json` is not docparse's own; written as `out/report_2`"),
        "{}",
        ran.stderr
    );
    assert_eq!(folder.text("out/report.json"), "mine");
    assert_eq!(folder.text("out/imgs/report/holiday.jpg"), "mine");
    let first = contents(&folder, "out");
    assert!(first.contains_key("report_2.md") && !first.contains_key("report.md"));
    // Once more: the same names, and pictures of its own are replaced.
    folder
        .run(&["-i", "report.pdf", "--save-path", "out"])
        .expect(0);
    assert_eq!(contents(&folder, "out"), first);
    // An output that the user edited is the user's.
    folder.write("out/report_2.md", "edited");
    folder
        .run(&["-i", "report.pdf", "--save-path", "out", "--formats", "md"])
        .expect(0);
    assert_eq!(folder.text("out/report_2.md"), "edited");
    // Who asks for it gets it.
    folder
        .run(&[
            "-i",
            "report.pdf",
            "--save-path",
            "out",
            "--formats",
            "json",
            "--overwrite",
        ])
        .expect(0);
    assert_ne!(folder.text("out/report.json"), "mine");
}

#[test]
fn pictures_of_an_earlier_run_go_with_it() {
    let folder = Folder::new();
    let report = example("report.pdf").display().to_string();
    folder.run(&["-i", &report, "--save-path", "out"]).expect(0);
    assert!(
        folder
            .tree("out")
            .iter()
            .any(|f| f.starts_with("imgs/report/"))
    );
    folder.write("out/imgs/report/mine.txt", "mine");
    folder
        .run(&[
            "-i",
            &report,
            "--save-path",
            "out",
            "--pages",
            "2",
            "--text_layer",
            "always",
        ])
        .expect(0);
    let kept: Vec<String> = folder
        .tree("out")
        .into_iter()
        .filter(|f| f.starts_with("imgs/"))
        .collect();
    assert!(kept.contains(&"imgs/report/mine.txt".to_string()));
    assert!(!kept.iter().any(|f| f.contains("/p0001_")), "{kept:?}");
}

#[test]
fn no_document_lies_in_the_pictures_of_another() {
    let folder = Folder::new();
    folder.write("in/report.pdf", fs::read(example("report.pdf")).unwrap());
    folder.write("in/imgs/report/x.pdf", pdf("Within."));
    folder.run(&["-i", "in", "--save-path", "out"]).expect(0);
    let first = contents(&folder, "out");
    assert!(first.contains_key("imgs/report/x.md") && first.contains_key("report.md"));
    assert!(
        first.keys().any(|f| f.starts_with("imgs/report_2/p0")),
        "{:?}",
        first.keys()
    );
    assert!(folder.text("out/report.md").contains("imgs/report_2/p0"));
    folder
        .run(&["-i", "in/report.pdf", "--save-path", "out"])
        .expect(0);
    assert!(folder.tree("out").contains(&"imgs/report/x.md".to_string()));
}

#[test]
fn outputs_lie_below_the_save_path() {
    let folder = Folder::new();
    folder.write("a/x.pdf", pdf("One."));
    folder.write("b/x.pdf", pdf("Two."));
    run(
        &folder,
        &["-i", "a/x.pdf", "a/../b/x.pdf", "--save-path", "deep/out"],
        0,
    );
    assert_eq!(folder.tree("deep"), ["out/a/x.pdf.md", "out/b/x.pdf.md"]);
    // Links in the save path lead nowhere.
    folder.write("victim/keep.txt", "mine");
    fs::create_dir(folder.path().join("linked")).unwrap();
    symlink("../victim", folder.path().join("linked/sub")).unwrap();
    folder.write("in/sub/y.pdf", pdf("Three."));
    let ran = run(&folder, &["-i", "in", "--save-path", "linked"], 1);
    assert!(
        ran.stderr.contains("cannot write `linked/sub/y.md`"),
        "{}",
        ran.stderr
    );
    assert_eq!(folder.tree("victim"), ["keep.txt"]);
    fs::create_dir(folder.path().join("planted")).unwrap();
    symlink("../victim", folder.path().join("planted/.docparse")).unwrap();
    run(&folder, &["-i", "a/x.pdf", "--save-path", "planted"], 1);
    assert_eq!(folder.tree("victim"), ["keep.txt"]);
    // A link in the place of an output is replaced, if at all, and not written through.
    folder.write("secret.txt", "mine");
    fs::create_dir(folder.path().join("third")).unwrap();
    symlink("../secret.txt", folder.path().join("third/x.md")).unwrap();
    run(
        &folder,
        &["-i", "a/x.pdf", "--save-path", "third", "--overwrite"],
        0,
    );
    assert_eq!(
        (
            folder.text("secret.txt").as_str(),
            folder.text("third/x.md").as_str()
        ),
        ("mine", "One.\n")
    );
}

#[test]
fn what_docparse_wrote_is_no_input() {
    let folder = Folder::new();
    folder.write("d/doc.pdf", fs::read(example("report.pdf")).unwrap());
    let mut counts = Vec::new();
    for _ in 0..3 {
        folder.run(&["-i", "d", "--save-path", "d"]).expect(0);
        counts.push(folder.tree("d").len());
    }
    assert!(
        counts[0] > 4 && counts.iter().all(|n| *n == counts[0]),
        "{counts:?}"
    );
    // Into another folder as well; and by name it is read.
    folder
        .run(&["-i", "d", "--save-path", "e", "--formats", "md"])
        .expect(0);
    assert_eq!(
        folder
            .tree("e")
            .iter()
            .filter(|f| f.ends_with(".md"))
            .collect::<Vec<_>>(),
        ["doc.md"]
    );
    folder
        .run(&[
            "-i",
            "d/doc_layout_det_res.pdf",
            "--save-path",
            "e",
            "--formats",
            "md",
        ])
        .expect(0);
    assert!(
        folder
            .tree("e")
            .contains(&"doc_layout_det_res.md".to_string())
    );
}

#[test]
fn documents_of_one_name_do_not_meet() {
    let folder = Folder::new();
    folder.write("d1/doc.pdf", pdf("First."));
    folder.write("d2/doc.pdf", pdf("Second."));
    run(&folder, &["-i", "d1/doc.pdf", "--save-path", "out"], 0);
    let ran = run(&folder, &["-i", "d2/doc.pdf", "--save-path", "out"], 0);
    assert!(
        ran.stderr
            .contains("`out/doc` belongs to `d1/doc.pdf`; written as `out/doc_2`"),
        "{}",
        ran.stderr
    );
    // Both keep their names, in any order and through changes.
    folder.write("d1/doc.pdf", pdf("First, changed."));
    run(&folder, &["-i", "d2/doc.pdf", "--save-path", "out"], 0);
    run(&folder, &["-i", "d1/doc.pdf", "--save-path", "out"], 0);
    assert_eq!(folder.tree("out"), ["doc.md", "doc_2.md"]);
    assert_eq!(
        (
            folder.text("out/doc.md").as_str(),
            folder.text("out/doc_2.md").as_str()
        ),
        ("First, changed.\n", "Second.\n")
    );
    // Streams are known by what they hold.
    for (text, expected) in [
        ("Third.", "stdin.md"),
        ("Fourth.", "stdin_2.md"),
        ("Third.", "stdin.md"),
    ] {
        let input = String::from_utf8(pdf(text)).unwrap();
        folder
            .run_with(
                &["-i", "-", "--save-path", "out", "--formats", "md"],
                &[],
                &input,
            )
            .expect(0);
        assert_eq!(folder.text(&format!("out/{expected}")), format!("{text}\n"));
    }
}

#[test]
fn only_what_the_record_proves_is_left_out() {
    let folder = Folder::new();
    let input = folder.write("a.pdf", pdf("Version 1."));
    let again = |more: &[&str]| {
        let arguments = [
            &[
                "-i",
                "a.pdf",
                "--save-path",
                "out",
                "--skip-existing",
                "--report",
                "r.json",
            ],
            more,
        ]
        .concat();
        let ran = run(&folder, &arguments, 0);
        (outcome(&folder, "r.json", 0), ran.stderr)
    };
    assert_eq!(again(&[]).0, "done");
    assert_eq!(again(&[]).0, "skipped");
    // The same length and time, another content.
    let time = fs::metadata(&input).unwrap().modified().unwrap();
    fs::write(&input, pdf("Version 2.")).unwrap();
    fs::File::options()
        .write(true)
        .open(&input)
        .unwrap()
        .set_modified(time)
        .unwrap();
    let (outcome, told) = again(&[]);
    assert_eq!(outcome, "done");
    assert!(told.contains("done again: the input was changed"), "{told}");
    assert_eq!(folder.text("out/a.md"), "Version 2.\n");
    // Touched, but the same.
    fs::write(&input, pdf("Version 2.")).unwrap();
    assert_eq!(again(&[]).0, "skipped");
    let (outcome, told) = again(&["--formats", "md,json"]);
    assert!(
        outcome == "done" && told.contains("the settings are others"),
        "{told}"
    );
    fs::remove_file(folder.path().join("out/a.json")).unwrap();
    let (outcome, told) = again(&["--formats", "md,json"]);
    assert!(
        outcome == "done" && told.contains("an output is missing or was changed"),
        "{told}"
    );
    // An output of no bytes is somebody's: it stays, and is told.
    folder.write("out/a.md", "");
    let (outcome, told) = again(&["--formats", "md,json"]);
    assert!(
        outcome == "done"
            && told.contains("`out/a.md` is not docparse's own; written as `out/a_2`"),
        "{told}"
    );
    assert_eq!(
        (
            folder.text("out/a.md").as_str(),
            folder.text("out/a_2.md").as_str()
        ),
        ("", "Version 2.\n")
    );
    assert_eq!(again(&["--formats", "md,json"]).0, "skipped");
    // Files that were there before docparse came prove nothing.
    folder.write("b.pdf", pdf("Other."));
    folder.write("old/b.md", "old");
    run(
        &folder,
        &["-i", "b.pdf", "--save-path", "old", "--skip-existing"],
        0,
    );
    assert_eq!(folder.tree("old"), ["b.md", "b_2.md"]);
}

#[test]
fn a_partial_result_is_done_again() {
    let folder = Folder::new();
    let mut png = Vec::new();
    let picture = image::RgbImage::from_fn(64, 64, |x, y| image::Rgb([x as u8, y as u8, 0]));
    picture
        .write_to(&mut std::io::Cursor::new(&mut png), image::ImageFormat::Png)
        .unwrap();
    folder.write("a.png", &png[..40]);
    let arguments = [
        "-i",
        "a.png",
        "--save-path",
        "out",
        "--skip-existing",
        "--report",
        "r.json",
    ];
    for _ in 0..2 {
        run(&folder, &arguments, 3);
        assert_eq!(outcome(&folder, "r.json", 0), "partial");
    }
    folder.write("a.png", &png);
    run(&folder, &arguments, 0);
    run(&folder, &arguments, 0);
    assert_eq!(outcome(&folder, "r.json", 0), "skipped");
    assert_eq!(folder.tree("out"), ["a.md"]);
}

#[test]
fn a_dry_run_tells_what_a_run_does_and_makes_nothing() {
    let folder = Folder::new();
    folder.write("d1/doc.pdf", pdf("First."));
    folder.write("d2/doc.pdf", pdf("Second."));
    let dry = run(
        &folder,
        &["-i", "d1/doc.pdf", "--save-path", "out", "--dry-run"],
        0,
    );
    assert_eq!(dry.stdout, "d1/doc.pdf: 1 pages -> out/doc\n");
    assert!(!folder.path().join("out").exists());
    run(&folder, &["-i", "d1/doc.pdf", "--save-path", "out"], 0);
    let before = contents(&folder, "out");
    let arguments = [
        "-i",
        "d1/doc.pdf",
        "d2",
        "--save-path",
        "out",
        "--skip-existing",
    ];
    let dry = run(&folder, &[&arguments[..], &["--dry-run"]].concat(), 0);
    let expected = "d1/doc.pdf: left out: written before\n\
                    d2/doc.pdf: 1 pages -> out/d2/doc.pdf\n";
    assert_eq!(dry.stdout, expected);
    assert_eq!(contents(&folder, "out"), before);
    run(&folder, &arguments, 0);
    assert_eq!(folder.tree("out"), ["d2/doc.pdf.md", "doc.md"]);
}

#[test]
fn the_reference_s_tree_has_its_record_elsewhere() {
    let folder = Folder::new();
    folder.write("d1/doc.pdf", pdf("First."));
    folder.write("d2/doc.pdf", pdf("Second."));
    folder.write("...pdf", pdf("Dots."));
    let of = |input: &'static str| {
        [
            "-i",
            input,
            "--save-path",
            "out",
            "--compat",
            "--formats",
            "md,json",
        ]
    };
    run(&folder, &of("d1/doc.pdf"), 0);
    let first = contents(&folder, "out");
    assert_eq!(folder.tree("out"), ["doc_0.md", "doc_0_res.json"]);
    assert!(!folder.path().join("out/.docparse").exists());
    assert!(folder.path().join(".local/state/docparse").is_dir());
    let ran = run(&folder, &of("d2/doc.pdf"), 1);
    assert!(
        ran.stderr.contains("belongs to `d1/doc.pdf`"),
        "{}",
        ran.stderr
    );
    let ran = run(&folder, &of("...pdf"), 1);
    assert!(
        ran.stderr.contains("cannot be the name of files"),
        "{}",
        ran.stderr
    );
    run(&folder, &of("d1/doc.pdf"), 0);
    assert_eq!(contents(&folder, "out"), first);
    let rest: Vec<_> = fs::read_dir(folder.path().join("out")).unwrap().collect();
    assert_eq!(rest.len(), 2, "{rest:?}");
}

#[test]
fn a_file_that_cannot_be_written_costs_itself() {
    let folder = Folder::new();
    folder.write("report.pdf", fs::read(example("report.pdf")).unwrap());
    // Files of more than 20 kB cannot be written: drawings and the workbook fail as on a full disk.
    let script = format!(
        "trap '' XFSZ; ulimit -f 20; exec {} -i report.pdf --save-path out --report r.json",
        env!("CARGO_BIN_EXE_docparse")
    );
    let mut command = Command::new("bash");
    command
        .args(["-c", &script])
        .current_dir(folder.path())
        .env("HOME", folder.path());
    let ran = command.output().unwrap();
    let stderr = String::from_utf8_lossy(&ran.stderr);
    assert_eq!(ran.status.code(), Some(3), "{stderr}");
    assert!(stderr.contains("failed to write a drawing"), "{stderr}");
    let tree = folder.tree("out");
    assert!(
        tree.contains(&"report.md".to_string())
            && !tree.contains(&"report_layout_det_res.pdf".to_string()),
        "{tree:?}"
    );
    assert_eq!(outcome(&folder, "r.json", 0), "partial");
}
