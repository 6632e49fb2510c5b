//! Bad input: each gets a message that says what is wrong, and costs nothing but itself.

use super::interrupts::{start, wait_for};
use super::left::left_behind;
use super::support::{Folder, assemble, example, root, tiny_pdf};
use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::Duration;

fn good() -> Vec<u8> {
    tiny_pdf(612.0, 792.0, "BT /F 12 Tf 72 700 Td (A good page.) Tj ET")
}

/// Runs a bad file beside a good one: exit code 3, the message, and the good one's result.
#[track_caller]
fn check(name: &str, bytes: &[u8], message: &str) {
    let folder = Folder::new();
    folder.write(name, bytes);
    folder.write("good.pdf", good());
    let ran = folder
        .run(&[
            "-i",
            name,
            "good.pdf",
            "--save-path",
            "out",
            "--formats",
            "md",
        ])
        .expect(3);
    assert!(
        ran.stderr.contains(&format!("error: {name}: ")),
        "{}",
        ran.stderr
    );
    assert!(ran.stderr.contains(message), "{}", ran.stderr);
    assert_eq!(folder.text("out/good.md"), "A good page.\n");
    assert_eq!(folder.tree("out"), ["good.md"]);
    folder
        .run(&["-i", name, "--save-path", "out", "--formats", "md"])
        .expect(1);
}

#[test]
fn empty_file() {
    check("empty.pdf", b"", "the file is empty");
}

#[test]
fn text_named_pdf() {
    check(
        "notes.pdf",
        b"Only some notes.",
        "the file is plain text; expected a PDF",
    );
}

#[test]
fn truncated_pdf() {
    let mut bytes = std::fs::read(example("report.pdf")).unwrap();
    bytes.truncate(400);
    check("cut.pdf", &bytes, "not a PDF, or damaged beyond repair");
}

#[test]
fn pdf_without_pages() {
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [] /Count 0 >>",
    ]
    .map(String::from);
    check("none.pdf", &assemble(&objects), "the PDF has no pages");
}

#[test]
fn a_png_that_ends_before_its_first_row() {
    let mut png = Vec::new();
    let picture = image::RgbImage::from_fn(200, 200, |x, y| {
        image::Rgb([x as u8, y as u8, (x * y) as u8])
    });
    picture
        .write_to(&mut std::io::Cursor::new(&mut png), image::ImageFormat::Png)
        .unwrap();
    png.truncate(60);
    let folder = Folder::new();
    folder.write("cut.png", &png);
    let ran = folder
        .run(&["-i", "cut.png", "--save-path", "out", "--formats", "json"])
        .expect(3);
    assert!(
        ran.stderr
            .contains("page 1: the PNG picture is damaged or cut off"),
        "{}",
        ran.stderr
    );
    let document = folder.json("out/cut.json");
    assert_eq!(
        document["pages"][0]["diagnostics"]["messages"][0]["code"],
        "page_failed"
    );
}

#[test]
fn a_picture_of_too_many_pixels() {
    // A PNG header that promises 30,000 x 30,000 pixels; nothing is decoded before the size is looked at.
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut header = b"IHDR".to_vec();
    header.extend(30_000u32.to_be_bytes());
    header.extend(30_000u32.to_be_bytes());
    header.extend([8, 2, 0, 0, 0]);
    png.extend(13u32.to_be_bytes());
    png.extend(&header);
    png.extend(crc(&header).to_be_bytes());
    png.extend(0u32.to_be_bytes());
    png.extend(b"IDAT");
    png.extend(crc(b"IDAT").to_be_bytes());
    let folder = Folder::new();
    folder.write("huge.png", &png);
    let ran = folder
        .run(&["-i", "huge.png", "--save-path", "out", "--formats", "json"])
        .expect(3);
    assert!(
        ran.stderr
            .contains("30000x30000 pixels, more than the limit"),
        "{}",
        ran.stderr
    );
}

fn crc(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0u32, |crc, byte| {
        (0..8).fold(crc ^ *byte as u32, |c, _| {
            if c & 1 == 1 {
                0xEDB8_8320 ^ (c >> 1)
            } else {
                c >> 1
            }
        })
    })
}

#[test]
fn pages_of_no_and_of_two_hundred_inches() {
    let folder = Folder::new();
    let content = "BT /F 300 Tf 1000 9000 Td (A very large page.) Tj ET";
    folder.write("large.pdf", tiny_pdf(14_400.0, 14_400.0, content));
    folder
        .run(&["-i", "large.pdf", "--save-path", "out"])
        .expect(0);
    assert_eq!(
        folder.text("out/large.md").trim_start_matches("# "),
        "A very large page.\n"
    );
    folder.write("flat.pdf", tiny_pdf(612.0, 0.0, ""));
    // pdfium gives such a page a size of its own; what counts is that it ends well.
    let ran = folder.run(&["-i", "flat.pdf", "--save-path", "out"]);
    assert!([0, 3].contains(&ran.code), "{}", ran.stderr);
}

#[test]
fn missing_file_and_pattern_without_a_match() {
    let folder = Folder::new();
    folder.write("good.pdf", good());
    let ran = folder
        .run(&[
            "-i",
            "missing.pdf",
            "*.tiff",
            "good.pdf",
            "--save-path",
            "out",
            "--formats",
            "md",
        ])
        .expect(3);
    assert!(
        ran.stderr
            .contains("error: missing.pdf: no such file or directory"),
        "{}",
        ran.stderr
    );
    assert!(
        ran.stderr
            .contains("error: *.tiff: no file matches the pattern"),
        "{}",
        ran.stderr
    );
    assert_eq!(folder.tree("out"), ["good.md"]);
}

#[test]
fn a_save_path_that_cannot_be_written_is_found_first() {
    let folder = Folder::new();
    folder.write("good.pdf", good());
    folder.write("taken", "a file");
    let ran = folder
        .run(&["-i", "good.pdf", "--save-path", "taken/out"])
        .expect(1);
    assert!(
        ran.stderr.starts_with("note: using")
            && ran.stderr.contains("error: cannot write `taken/out`"),
        "{}",
        ran.stderr
    );
}

#[test]
fn missing_libraries_say_how_to_get_them() {
    let folder = Folder::new();
    folder.write("good.pdf", good());
    let ran = folder
        .run(&["-i", "good.pdf", "--save-path", "out", "--runtime-dir", "."])
        .expect(1);
    assert!(
        ran.stderr
            .contains("`libpdfium.so` was not found in `.`; run scripts/setup.sh"),
        "{}",
        ran.stderr
    );
}

/// Serves one connection, answering with `answer`, or never.
fn serve(answer: Option<&'static [u8]>) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten().take(1) {
            let mut stream = stream;
            let _ = stream.read(&mut [0u8; 1024]);
            match answer {
                Some(answer) => drop(stream.write_all(answer)),
                None => std::thread::sleep(Duration::from_secs(40)),
            }
        }
    });
    format!("http://{address}/file.pdf?version=2")
}

#[test]
fn urls_that_are_missing_or_never_answer() {
    let folder = Folder::new();
    let missing = serve(Some(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n"));
    let silent = serve(None);
    let ran = folder
        .run(&["-i", &missing, &silent, "--save-path", "out"])
        .expect(1);
    // Without the query.
    let [missing, silent] = [missing, silent].map(|url| url.split('?').next().unwrap().to_string());
    assert!(
        ran.stderr.contains(&format!(
            "error: {missing}: the server answered with status 404"
        )),
        "{}",
        ran.stderr
    );
    assert!(
        ran.stderr
            .contains(&format!("error: {silent}: the download failed")),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_url_is_a_document() {
    let folder = Folder::new();
    let body = good();
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
    let answer: &'static [u8] = Box::leak([head.into_bytes(), body].concat().into_boxed_slice());
    let url = serve(Some(answer));
    folder
        .run(&["-i", &url, "--save-path", "out", "--formats", "md"])
        .expect(0);
    assert_eq!(folder.text("out/file.md"), "A good page.\n");
}

#[test]
fn a_hanging_page_is_given_up() {
    // A content stream that draws a filled shape a great many times over a very large page.
    let shape = "0 0 m 14400 14400 l 0 14400 l 14400 0 l b*\n".repeat(40_000);
    let folder = Folder::new();
    folder.write("slow.pdf", tiny_pdf(14_400.0, 14_400.0, &shape));
    folder.write("good.pdf", good());
    let ran = folder
        .run(&[
            "-i",
            "slow.pdf",
            "good.pdf",
            "--save-path",
            "out",
            "--formats",
            "md,vis",
            "--page-timeout",
            "1",
        ])
        .expect(3);
    assert!(
        ran.stderr
            .contains("slow.pdf: page 1: the page took longer than 1 s and was given up"),
        "{}",
        ran.stderr
    );
    assert_eq!(folder.text("out/good.md"), "A good page.\n");
}

#[test]
fn an_encrypted_pdf_wants_its_password() {
    let folder = Folder::new();
    let path = root()
        .join("tests/fixtures/encrypted.pdf")
        .display()
        .to_string();
    for wrong in [&[][..], &["--password", "guess"]] {
        let ran = folder
            .run(&[&["-i", &path, "--stdout", "md"][..], wrong].concat())
            .expect(1);
        let message = "encrypted and none of the passwords opens it; give one with --password";
        assert!(ran.stderr.contains(message), "{}", ran.stderr);
    }
    let right = [
        "-i",
        &path,
        "--stdout",
        "md",
        "--password",
        "guess",
        "--password",
        "open sesame",
    ];
    assert_eq!(
        folder.run(&right).expect(0).stdout,
        "Opened with the password.\n"
    );
}

/// A PDF of many pages.
fn many_pages(count: usize) -> Vec<u8> {
    let kids: Vec<String> = (0..count).map(|i| format!("{} 0 R", i + 5)).collect();
    let mut objects = vec![
        "<< /Type /Catalog /Pages 2 0 R >>".to_string(),
        format!(
            "<< /Type /Pages /Kids [{}] /Count {count} >>",
            kids.join(" ")
        ),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_string(),
        "<< /Length 46 >>\nstream\nBT /F 12 Tf 72 700 Td (One of many pages) Tj ET\nendstream"
            .to_string(),
    ];
    let page = "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F 3 0 R >> >> >>";
    objects.extend(std::iter::repeat_n(page.to_string(), count));
    assemble(&objects)
}

#[test]
fn an_interrupt_leaves_whole_files_only() {
    let folder = Folder::new();
    folder.write("in/a.pdf", good());
    folder.write("in/long.pdf", many_pages(3000));
    let mut child = start(&folder, &["-i", "in", "--save-path", "out", "--quiet"]);
    // Once the first document is written the long one is under way.
    wait_for("the first document", || {
        folder.path().join("out/a.md").exists()
    });
    std::process::Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status()
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130));
    let tree = folder.tree("out");
    assert_eq!(
        tree,
        [
            "a.json",
            "a.md",
            "a_layout_det_res.pdf",
            "a_layout_order_res.pdf"
        ]
    );
    assert_eq!(left_behind(&folder, "out"), Vec::<String>::new());
}
