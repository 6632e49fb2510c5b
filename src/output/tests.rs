//! Planning, publishing and the record, on real folders.

use super::page_names::Pages;
use super::*;
use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::sync::Arc;

fn open(root: &Path) -> Arc<SavePath> {
    Arc::new(SavePath::open(root, &SavePathOptions::default()).unwrap())
}

fn rules() -> PlanRules {
    PlanRules {
        suffixes: vec![".md".into()],
        settings: "s".into(),
        skip_existing: true,
        ..PlanRules::default()
    }
}

fn plan_one(path: &SavePath, file: &Path) -> Decision {
    let name = file.file_name().unwrap();
    let given = file.to_str().unwrap();
    let candidate = Candidate {
        given,
        path: file,
        name,
        mirror: Path::new(""),
        origin: InputOrigin::File,
        pages: Pages::SINGLE,
    };
    path.plan(&[candidate], &rules()).remove(0)
}

/// Writes a document of one file.
fn write(path: &Arc<SavePath>, file: &Path, text: &str, outcome: DocumentOutcome) -> Published {
    let Decision::Parse { name, input, .. } = plan_one(path, file) else {
        panic!("it is left out")
    };
    let mut output = path.begin(&name, &input, "s");
    output
        .write(name.file(".md"), |out| out.write_all(text.as_bytes()))
        .unwrap();
    output.publish(outcome, &|_| true)
}

fn in_folder(names: &[&str]) -> (tempfile::TempDir, Vec<PathBuf>) {
    let folder = tempfile::tempdir().unwrap();
    let files = names
        .iter()
        .map(|name| folder.path().join(name))
        .collect::<Vec<_>>();
    for file in &files {
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, file.to_str().unwrap()).unwrap();
    }
    (folder, files)
}

#[test]
fn what_is_finished_is_proven_until_something_changes() {
    let (folder, files) = in_folder(&["a.pdf"]);
    let path = open(&folder.path().join("out"));
    let published = write(&path, &files[0], "text", DocumentOutcome::Done);
    assert!(published.errors.is_empty() && published.files[0].0 == Path::new("a.md"));
    assert_eq!(
        plan_one(&path, &files[0]),
        Decision::Skip("written before".into())
    );
    fs::write(&files[0], "other").unwrap();
    assert!(matches!(
        plan_one(&path, &files[0]),
        Decision::Parse { note: Some(_), .. }
    ));
}

#[test]
fn a_document_that_is_not_published_leaves_nothing() {
    let (folder, files) = in_folder(&["a.pdf"]);
    let path = open(&folder.path().join("out"));
    let Decision::Parse { name, input, .. } = plan_one(&path, &files[0]) else {
        panic!()
    };
    let mut output = path.begin(&name, &input, "s");
    output
        .write(name.file(".md"), |out| out.write_all(b"half"))
        .unwrap();
    let other = output.create().unwrap();
    drop((other, output));
    drop(path);
    let left: Vec<_> = walk(&folder.path().join("out"))
        .into_iter()
        .filter(|p| !p.contains("locks"))
        .collect();
    assert_eq!(left, Vec::<String>::new());
}

#[test]
fn places_lie_below_the_save_path() {
    let (folder, files) = in_folder(&["a.pdf"]);
    let path = open(&folder.path().join("out"));
    let Decision::Parse { name, input, .. } = plan_one(&path, &files[0]) else {
        panic!()
    };
    let mut output = path.begin(&name, &input, "s");
    for place in [
        "../a.md",
        "/tmp/a.md",
        "",
        "b/../../a.md",
        ".docparse/names/x",
    ] {
        assert!(
            output
                .write(place.into(), |out| out.write_all(b"x"))
                .is_err(),
            "{place}"
        );
    }
}

#[test]
fn a_record_of_somebody_else_removes_nothing_outside() {
    let (folder, files) = in_folder(&["a.pdf", "victim.txt"]);
    let path = open(&folder.path().join("out"));
    write(&path, &files[0], "text", DocumentOutcome::Done);
    // Planted: an output outside the save path, with the right size and hash.
    let records = folder.path().join("out/.docparse/documents");
    let record = fs::read_dir(&records)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let text = fs::read_to_string(&record).unwrap();
    let victim = fs::read(&files[1]).unwrap();
    let planted = format!(
        r#""outputs": [{{"path": "../victim.txt", "size": {}, "modified_ns": 0, "sha256": "{}"}},"#,
        victim.len(),
        record::sha256_of(victim.as_slice()).unwrap()
    );
    assert!(text.contains("\"outputs\": ["));
    fs::write(&record, text.replace("\"outputs\": [", &planted)).unwrap();
    fs::write(&files[0], "changed").unwrap();
    write(&path, &files[0], "text 2", DocumentOutcome::Done);
    assert_eq!(fs::read(&files[1]).unwrap(), victim);
    assert_eq!(
        fs::read_to_string(folder.path().join("out/a.md")).unwrap(),
        "text 2"
    );
}

#[test]
fn a_name_is_free_again_when_its_document_is_gone_from_the_record() {
    let (folder, files) = in_folder(&["1/a.pdf", "2/a.pdf"]);
    let path = open(&folder.path().join("out"));
    write(&path, &files[0], "one", DocumentOutcome::Done);
    let Decision::Parse { name, .. } = plan_one(&path, &files[1]) else {
        panic!()
    };
    assert_eq!(name.stem, OsStr::new("a_2"));
    drop(path);
    fs::remove_dir_all(folder.path().join("out")).unwrap();
    let path = open(&folder.path().join("out"));
    let Decision::Parse { name, .. } = plan_one(&path, &files[1]) else {
        panic!()
    };
    assert_eq!(name.stem, OsStr::new("a"));
}

#[test]
fn a_run_that_was_killed_while_it_published_is_understood() {
    let (folder, files) = in_folder(&["a.pdf"]);
    let path = open(&folder.path().join("out"));
    write(&path, &files[0], "text", DocumentOutcome::Done);
    let records = folder.path().join("out/.docparse/documents");
    let record = fs::read_dir(&records)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let text = fs::read_to_string(&record).unwrap();
    fs::write(
        &record,
        text.replace("\"is_complete\": true", "\"is_complete\": false"),
    )
    .unwrap();
    // All files are in place: finished. One is missing: parsed again, under the same name.
    assert_eq!(
        plan_one(&path, &files[0]),
        Decision::Skip("written before".into())
    );
    fs::remove_file(folder.path().join("out/a.md")).unwrap();
    let Decision::Parse { name, .. } = plan_one(&path, &files[0]) else {
        panic!()
    };
    assert_eq!(name.stem, OsStr::new("a"));
}

fn walk(folder: &Path) -> Vec<String> {
    let mut found = BTreeSet::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            match entry.path().is_dir() {
                true => folders.push(entry.path()),
                false => drop(found.insert(entry.path().display().to_string())),
            }
        }
    }
    found.into_iter().collect()
}

#[test]
fn half_a_record_of_a_killed_run_is_swept_and_that_of_a_living_one_stays() {
    let (folder, files) = in_folder(&["a.pdf"]);
    let out = folder.path().join("out");
    drop(open(&out));
    let runs = out.join(".docparse/runs");
    fs::write(runs.join("0123456789abcdef"), "{\"inp").unwrap();
    let living = fs::File::create(runs.join("fedcba9876543210")).unwrap();
    living.lock().unwrap();
    let path = open(&out);
    assert!(!runs.join("0123456789abcdef").exists() && runs.join("fedcba9876543210").exists());
    assert!(
        write(&path, &files[0], "text", DocumentOutcome::Done)
            .errors
            .is_empty()
    );
    drop((path, living));
    drop(open(&out));
    assert_eq!(fs::read_dir(runs).unwrap().count(), 0);
}

#[test]
fn what_stands_in_the_place_of_an_input_is_not_read_to_its_end() {
    let (folder, files) = in_folder(&["a.pdf"]);
    let path = open(&folder.path().join("out"));
    let Decision::Parse { input, .. } = plan_one(&path, &files[0]) else {
        panic!()
    };
    assert!(input.with_hash().sha256.is_some());
    // A pipe would block for ever, and a device would never end.
    fs::remove_file(&files[0]).unwrap();
    let name = std::ffi::CString::new(files[0].as_os_str().as_bytes()).unwrap();
    // SAFETY: `name` is a NUL-terminated path that outlives the call.
    assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
    assert_eq!(input.with_hash().sha256, None);
    fs::remove_file(&files[0]).unwrap();
    std::os::unix::fs::symlink("/dev/zero", &files[0]).unwrap();
    assert_eq!(input.with_hash().sha256, None);
}
