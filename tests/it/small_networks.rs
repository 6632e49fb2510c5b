//! The small networks that help to read pictures of pages: with them, without them, and with them switched off.

use super::support::{Folder, root};

/// Names of the files of the networks.
const FILES: [&str; 3] = [
    "PP-LCNet_x1_0_doc_ori.onnx",
    "PicoDet_layout_cdla.onnx",
    "SLANet_plus.onnx",
];

fn picture(name: &str) -> String {
    root()
        .join("tests/pictures")
        .join(name)
        .display()
        .to_string()
}

/// The Markdown of a picture.
fn read(folder: &Folder, name: &str, flags: &[&str]) -> String {
    let path = picture(name);
    let given = [
        "-i",
        &path,
        "-o",
        "out",
        "--formats",
        "md,-images",
        "--overwrite",
    ];
    folder.run(&[&given[..], flags].concat()).expect(0);
    let stem = name.split('.').next().unwrap();
    folder.text(&format!("out/{stem}.md"))
}

/// The runtime folder without some of the networks.
fn without(folder: &Folder, left_out: &[&str]) -> String {
    let own = folder.path().join("runtime");
    std::fs::create_dir_all(&own).unwrap();
    for entry in std::fs::read_dir(root().join("runtime")).unwrap() {
        let entry = entry.unwrap();
        let name = entry.file_name();
        if !left_out.iter().any(|file| name == *file) {
            let from = entry.path().canonicalize().unwrap();
            std::os::unix::fs::symlink(from, own.join(name)).unwrap();
        }
    }
    own.display().to_string()
}

#[test]
fn a_row_across_a_table_is_seen_in_its_picture() {
    let folder = Folder::new();
    let across = "<tr><td colspan=\"6\">Coast</td></tr>";
    let name = "table_spans_en_clean.png";
    let seen = read(&folder, name, &[]);
    assert!(seen.contains(across), "{seen}");
    assert!(seen.contains("<th colspan=\"2\">2024</th>"), "{seen}");
    let off = read(&folder, name, &["--use-table-structure", "false"]);
    assert!(!off.contains(across) && off.contains("Coast"), "{off}");
    folder.write(
        "own.yaml",
        "pipeline_name: lite\nSubModules: {TableStructure: {use_table_structure: false}}\n",
    );
    assert_eq!(read(&folder, name, &["--paddlex_config", "own.yaml"]), off);
    let runtime = without(&folder, &FILES);
    assert_eq!(read(&folder, name, &["--runtime-dir", &runtime]), off);
}

#[test]
fn a_heading_that_is_not_larger_is_seen_in_the_picture() {
    let folder = Folder::new();
    let name = "table_none_fr_clean.png";
    let is_headed = |text: &str| {
        text.lines()
            .next()
            .is_some_and(|line| line.starts_with('#'))
    };
    let seen = read(&folder, name, &[]);
    assert!(is_headed(&seen), "{seen}");
    let off = read(&folder, name, &["--use-page-layout", "false"]);
    assert!(!is_headed(&off), "{off}");
    folder.write(
        "own.yaml",
        "pipeline_name: lite\nSubModules: {PageLayout: {use_page_layout: false}}\n",
    );
    assert_eq!(read(&folder, name, &["--paddlex_config", "own.yaml"]), off);
}

#[test]
fn turned_pages_are_read_with_and_without_the_network() {
    let folder = Folder::new();
    let seen = read(&folder, "paper_en_upside_down.png", &[]);
    assert!(
        seen.contains("Abstract") || seen.contains("ABSTRACT"),
        "{seen}"
    );
    let off = ["--use-page-orientation", "false"];
    assert_eq!(read(&folder, "paper_en_upside_down.png", &off), seen);
}

#[test]
fn doctor_tells_which_networks_are_there() {
    let folder = Folder::new();
    let all = folder.run(&["doctor"]).expect(0).stdout;
    let runtime = without(&folder, &FILES[1..]);
    let some = folder
        .run(&["doctor", "--runtime-dir", &runtime])
        .expect(0)
        .stdout;
    for file in FILES {
        assert!(all.contains(&format!("ok       {file}: ")), "{all}");
    }
    assert!(some.contains(&format!("ok       {}: ", FILES[0])), "{some}");
    for file in &FILES[1..] {
        assert!(some.contains(&format!("without  {file}: ")), "{some}");
    }
    assert!(some.contains("scripts/setup.sh fetches it"), "{some}");
}

#[test]
fn a_file_that_is_no_such_network_changes_nothing_but_a_warning() {
    let folder = Folder::new();
    let runtime = without(&folder, &FILES);
    let name = "table_spans_en_clean.png";
    let missing = read(&folder, name, &["--runtime-dir", &runtime]);
    // Networks of other kinds under these names.
    for file in FILES {
        let other = root().join("runtime/ch_ppocr_mobile_v2.0_cls_mobile.onnx");
        std::fs::copy(other, folder.path().join("runtime").join(file)).unwrap();
    }
    let path = picture(name);
    let ran = folder
        .run(&[
            "-i",
            &path,
            "-o",
            "out",
            "--formats",
            "md,-images",
            "--overwrite",
            "--runtime-dir",
            &runtime,
        ])
        .expect(0);
    for file in FILES {
        assert!(ran.stderr.contains(file), "{}", ran.stderr);
    }
    assert_eq!(folder.text("out/table_spans_en_clean.md"), missing);
}
