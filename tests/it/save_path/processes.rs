//! Runs that are killed, and runs at the same time: whole files only, and none of another run's.

use super::super::support::{Folder, example};
use super::{contents, pdf, run};
use std::fs;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Starts a run and gives it a while before it is killed or ends.
fn start(folder: &Folder, arguments: &[&str]) -> Child {
    let mut command = Command::new(env!("CARGO_BIN_EXE_docparse"));
    command
        .args(arguments)
        .current_dir(folder.path())
        .envs(crate::support::SAME_EVERYWHERE)
        .env("HOME", folder.path());
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

#[test]
fn killed_runs_leave_whole_files_and_nothing_else() {
    let folder = Folder::new();
    for name in ["a", "b", "c"] {
        folder.write(
            &format!("in/{name}.pdf"),
            fs::read(example("report.pdf")).unwrap(),
        );
    }
    run(
        &folder,
        &[
            "-i",
            "in",
            "--save-path",
            "undisturbed",
            "--formats",
            "md,json,xlsx,images,vis",
        ],
        0,
    );
    let whole = contents(&folder, "undisturbed");
    let arguments = [
        "-i",
        "in",
        "--save-path",
        "out",
        "--skip-existing",
        "--quiet",
    ];
    for milliseconds in [20, 150, 300, 500, 700, 900, 1100] {
        let mut child = start(&folder, &arguments);
        std::thread::sleep(Duration::from_millis(milliseconds));
        let _ = child.kill();
        child.wait().unwrap();
        for (name, bytes) in contents(&folder, "out") {
            assert!(
                whole.get(&name) == Some(&bytes),
                "{name} is not whole after {milliseconds} ms"
            );
        }
    }
    folder.run(&arguments).expect(0);
    assert!(
        contents(&folder, "out") == whole,
        "{:?}",
        folder.tree("out")
    );
    let runs = fs::read_dir(folder.path().join("out/.docparse/runs")).unwrap();
    assert_eq!(runs.count(), 0, "what killed runs left is swept");
}

#[test]
fn two_runs_share_a_save_path() {
    let folder = Folder::new();
    for name in ["a", "b", "c"] {
        folder.write(
            &format!("in/{name}.pdf"),
            fs::read(example("report.pdf")).unwrap(),
        );
    }
    folder.write("other/a.pdf", pdf("Another one."));
    let arguments = ["-i", "in", "--save-path", "out"];
    let mut children = vec![start(&folder, &arguments), start(&folder, &arguments)];
    children.push(start(
        &folder,
        &["-i", "other/a.pdf", "--save-path", "out", "--formats", "md"],
    ));
    for mut child in children {
        assert_eq!(child.wait().unwrap().code(), Some(0));
    }
    run(
        &folder,
        &[
            "-i",
            "in",
            "--save-path",
            "alone",
            "--formats",
            "md,json,xlsx,images,vis",
        ],
        0,
    );
    let (both, alone) = (contents(&folder, "out"), contents(&folder, "alone"));
    // Whoever came first has the name.
    let texts: Vec<_> = both
        .iter()
        .filter(|(name, _)| name.starts_with('a') && name.ends_with(".md"))
        .collect();
    assert_eq!(texts.len(), 2);
    assert!(
        texts
            .iter()
            .any(|(_, text)| text.as_slice() == b"Another one.\n")
    );
    for name in ["b.md", "b.json", "c_layout_det_res.pdf"] {
        assert!(both.get(name) == alone.get(name), "{name}");
    }
}
