//! Against recorded outputs of the reference (`tests/golden/README.md`), through the hidden `golden` command.

use super::support::{Folder, root};

#[test]
fn everything_recorded_agrees_or_is_not_offered() {
    let ran = Folder::new()
        .run(&["golden", &root().join("tests/golden").display().to_string()])
        .expect(0);
    let lines: Vec<&str> = ran.stdout.lines().collect();
    let count = |prefix: &str| lines.iter().filter(|l| l.starts_with(prefix)).count();
    assert!(
        count("functions/") >= 26 && count("pipeline/") == 55,
        "{}",
        ran.stdout
    );
    let total = lines.iter().find_map(|l| l.strip_prefix("total ")).unwrap();
    let (passed, all) = total.split_once('/').unwrap();
    assert_eq!(passed, all);
    assert!(all.parse::<usize>().unwrap() > 2000);
    // The reference's own server and Word documents are the only things left out.
    let left_out: Vec<&&str> = lines
        .iter()
        .skip_while(|l| !l.starts_with("not offered"))
        .skip(1)
        .collect();
    assert!(
        left_out
            .iter()
            .all(|l| l.contains("http_api") || l.contains("/docx"))
    );
}

#[test]
fn a_difference_is_told_and_fails() {
    let folder = Folder::new();
    let vector = r#"{"vectors": [{"text": "a", "min_count": 50, "output": "a"}, {"text": "a", "min_count": 50, "output": "b"}]}"#;
    folder.write("g/functions/truncate_repetition.json", vector.as_bytes());
    let ran = folder.run(&["golden", "g"]).expect(1);
    assert!(
        ran.stdout
            .starts_with("functions/truncate_repetition 1/2  vector 1: output"),
        "{}",
        ran.stdout
    );
    assert!(
        folder
            .run(&["golden", "nowhere"])
            .expect(1)
            .stderr
            .contains("error: `nowhere` holds no")
    );
}
