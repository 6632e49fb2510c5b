//! Messages as JSON, and of many pages that fail alike.

use super::*;

#[test]
fn messages_come_as_json_on_demand() {
    let folder = Folder::new();
    let ran = folder
        .run(&[
            "-i",
            "missing.pdf",
            "--save-path",
            "out",
            "--log-format",
            "json",
        ])
        .expect(1);
    for line in ran.stderr.lines() {
        serde_json::from_str::<Value>(line).unwrap_or_else(|e| panic!("{line}: {e}"));
    }
    assert!(ran.stderr.contains("no such file"));
}

#[test]
fn pages_in_a_row_that_fail_alike_are_one_message() {
    let folder = Folder::new();
    let page = "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 300 300] >>";
    let pages = "<< /Type /Pages /Kids [3 0 R 4 0 R 5 0 R 6 0 R] /Count 4 >>";
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        pages,
        page,
        "null",
        "null",
        page,
    ];
    folder.write("a.pdf", assemble(&objects.map(String::from)));
    let ran = folder
        .run(&["-i", "a.pdf", "--save-path", "out", "--formats", "json"])
        .expect(3);
    assert!(
        ran.stderr
            .contains("error: a.pdf: pages 2-3: the page measures"),
        "{}",
        ran.stderr
    );
    let arguments = [
        "-i",
        "a.pdf",
        "--save-path",
        "out",
        "--formats",
        "json",
        "--log-format",
        "json",
    ];
    let ran = folder.run(&arguments).expect(3);
    let records = ran
        .stderr
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap());
    let failed = records
        .filter(|record| record["code"] == "page_failed")
        .collect::<Vec<_>>();
    assert_eq!(failed.len(), 1);
    assert_eq!(
        (&failed[0]["page"], &failed[0]["last_page"]),
        (&2.into(), &3.into())
    );
    assert!(
        failed[0]["message"]
            .as_str()
            .unwrap()
            .starts_with("the page measures")
    );
}
