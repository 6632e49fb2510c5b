//! Nothing is written that nobody asked for, secrets go to whom they are for, and what comes over the network ends in time.

mod hubs;
mod inputs;
mod servers;

use super::http::{Request, nobody, say, serve};
use super::networks::fixture;
use super::support::{Folder, Ran, root, tiny_pdf};
use hubs::pull;
use serde_json::Value;
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// What a server was asked.
type Asked = Arc<Mutex<Vec<Request>>>;

/// A server that records what it is asked.
fn recording(
    answer: impl Fn(usize, &Request, &mut TcpStream) -> bool + Send + Sync + 'static,
) -> (SocketAddr, Asked) {
    let asked = Asked::default();
    let record = asked.clone();
    let address = serve(move |request, stream| {
        let number = {
            let mut record = record.lock().unwrap();
            record.push(request.clone());
            record.len() - 1
        };
        answer(number, request, stream)
    });
    (address, asked)
}

fn one_page(words: &str) -> Vec<u8> {
    tiny_pdf(
        612.0,
        792.0,
        &format!("BT /F 14 Tf 72 700 Td ({words}) Tj ET"),
    )
}

/// `bytes` zeros, packed by gzip.
fn bomb(bytes: usize) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    let zeros = vec![0u8; 1 << 20];
    for _ in 0..bytes >> 20 {
        packer.write_all(&zeros).unwrap();
    }
    packer.finish().unwrap()
}

/// Everything below a folder, folders included.
fn listing(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        if entry.file_type().unwrap().is_dir() {
            found.extend(listing(&entry.path()));
        }
        found.push(entry.path());
    }
    found
}

/// Runs with an empty home and an empty temporary folder, and finds them empty again.
fn quiet_run(folder: &Folder, arguments: &[&str], more: &[(&str, &str)]) -> Ran {
    let (home, temporary) = (folder.path().join("home"), folder.path().join("tmp"));
    std::fs::create_dir_all(&home).unwrap();
    std::fs::create_dir_all(&temporary).unwrap();
    let (home_name, temporary_name) = (home.display().to_string(), temporary.display().to_string());
    let mut environment = vec![
        ("HOME", home_name.as_str()),
        ("TMPDIR", temporary_name.as_str()),
        ("ORT_DISABLE_TELEMETRY", ""),
    ];
    environment.extend(more);
    let ran = folder.run_with(arguments, &environment, "");
    let left = [listing(&home), listing(&temporary)].concat();
    assert!(left.is_empty(), "{arguments:?} leaves {left:?}");
    ran
}

#[test]
fn no_run_writes_into_the_home_or_the_temporary_folder() {
    let folder = Folder::new();
    let pdf = folder.write("a.pdf", one_page("Some words of a page"));
    let picture = folder.path().join("a.png");
    image::RgbImage::from_pixel(200, 60, image::Rgb([250, 250, 250]))
        .save(&picture)
        .unwrap();
    let (pdf, picture) = (pdf.display().to_string(), picture.display().to_string());
    for input in [&pdf, &picture] {
        quiet_run(&folder, &["-i", input, "--save-path", "out"], &[]).expect(0);
    }
    quiet_run(&folder, &["doctor"], &[]);
    let model = fixture("uvdoc").display().to_string();
    quiet_run(
        &folder,
        &["doctor", "--model", &model, "--device", "cpu"],
        &[],
    )
    .expect(0);
    let layout = fixture("pp_doclayout_v3").display().to_string();
    let networks = [
        "--layout-detection-model-dir",
        &layout,
        "--vl-rec-backend",
        "lines",
        "--device",
        "cpu",
    ];
    quiet_run(
        &folder,
        &[&["-i", &picture, "--save-path", "out"][..], &networks].concat(),
        &[],
    )
    .expect(0);
    // Fetched inputs leave nothing either.
    let bytes = std::fs::read(&pdf).unwrap();
    let (address, _) = recording(move |_, _, stream| {
        say(stream, 200, "", &bytes);
        true
    });
    let ran = quiet_run(
        &folder,
        &["-i", &format!("http://{address}/a.pdf"), "--stdout", "md"],
        &[],
    )
    .expect(0);
    assert!(
        ran.stdout.contains("Some words of a page"),
        "{}",
        ran.stdout
    );
}

#[test]
fn a_link_in_the_temporary_folder_is_not_followed() {
    let folder = Folder::new();
    let picture = folder.path().join("a.png");
    image::RgbImage::from_pixel(200, 60, image::Rgb([250, 250, 250]))
        .save(&picture)
        .unwrap();
    let victim = folder.write("victim", "mine");
    let temporary = folder.path().join("planted");
    std::fs::create_dir(&temporary).unwrap();
    std::os::unix::fs::symlink(&victim, temporary.join(".ses")).unwrap();
    let picture = picture.display().to_string();
    let environment = [
        ("TMPDIR", temporary.to_str().unwrap()),
        ("ORT_DISABLE_TELEMETRY", ""),
    ];
    folder
        .run_with(&["-i", &picture, "--save-path", "out"], &environment, "")
        .expect(0);
    assert_eq!(folder.text("victim"), "mine");
    assert_eq!(listing(&temporary), [temporary.join(".ses")]);
}

/// A field of a message of ONNX's: bytes with their length.
fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
    assert!(bytes.len() < 128);
    [&[number << 3 | 2, bytes.len() as u8], bytes].concat()
}

/// A model that is well formed and fails whenever it runs: it takes `x` and gives it seven elements.
fn failing_model() -> Vec<u8> {
    let port = |name: &[u8]| [field(1, name), field(2, &field(1, &[8, 1]))].concat();
    let ports = [field(1, b"x"), field(1, b"shape"), field(2, b"y")].concat();
    let node = [ports, field(4, b"Reshape")].concat();
    let shape = [
        vec![8, 1, 16, 7],
        field(8, b"shape"),
        field(9, &7i64.to_le_bytes()),
    ]
    .concat();
    let graph = [
        field(1, &node),
        field(2, b"g"),
        field(5, &shape),
        field(11, &port(b"x")),
        field(12, &port(b"y")),
    ];
    [vec![8, 8], field(8, &[16, 13]), field(7, &graph.concat())].concat()
}

#[test]
fn the_runtime_talks_at_debug_level_only() {
    let folder = Folder::new();
    let picture = folder.path().join("a.png");
    image::RgbImage::from_pixel(200, 60, image::Rgb([250, 250, 250]))
        .save(&picture)
        .unwrap();
    let runtime = folder.path().join("runtime");
    std::fs::create_dir(&runtime).unwrap();
    for entry in std::fs::read_dir(root().join("runtime")).unwrap().flatten() {
        std::os::unix::fs::symlink(entry.path(), runtime.join(entry.file_name())).unwrap();
    }
    std::fs::remove_file(runtime.join("PP-OCRv6_det_small.onnx")).unwrap();
    folder.write("runtime/PP-OCRv6_det_small.onnx", failing_model());
    let (picture, runtime) = (picture.display().to_string(), runtime.display().to_string());
    let base = [
        "-i",
        &picture,
        "--save-path",
        "out",
        "--runtime-dir",
        &runtime,
    ];
    for (flags, is_told) in [
        (&["--quiet"][..], false),
        (&[], false),
        (&["--log-format", "json"], false),
        (&["--verbose"], true),
        (&["--verbose", "--log-format", "json"], true),
    ] {
        let ran = folder.run(&[&base[..], flags].concat());
        // The fault itself is told, where errors are.
        let page = folder.json("out/a.json").to_string();
        assert!(page.contains("Reshape"), "{page}");
        assert!(
            !ran.stderr.contains('\x1b') && !ran.stderr.contains("[E:onnxruntime"),
            "{}",
            ran.stderr
        );
        assert_eq!(
            ran.stderr.contains("ONNX Runtime: "),
            is_told,
            "{}",
            ran.stderr
        );
        let is_json = |line: &str| serde_json::from_str::<Value>(line).is_ok();
        assert!(
            !flags.contains(&"json") || ran.stderr.lines().all(is_json),
            "{}",
            ran.stderr
        );
    }
}

/// Everything that a run says, and stores below `out`.
fn said(folder: &Folder, ran: &Ran) -> String {
    let mut text = format!("{}{}", ran.stdout, ran.stderr);
    for name in folder.tree("out").iter().chain(&folder.tree("report")) {
        let of =
            |below: &str| std::fs::read(folder.path().join(below).join(name)).unwrap_or_default();
        text += name;
        text += &String::from_utf8_lossy(&[of("out"), of("report")].concat());
    }
    text
}

#[test]
fn what_is_secret_in_an_address_is_shown_nowhere() {
    let (address, asked) = recording(|_, request, stream| {
        match request.path.split('?').next().unwrap() {
            "/a%20b.pdf" => say(stream, 200, "", &one_page("Some words")),
            "/away" => say(
                stream,
                302,
                "Location: ftp://me:SECRET@host/x?SECRET\r\n",
                b"",
            ),
            _ => say(stream, 404, "", b"SECRET"),
        }
        true
    });
    let gone = nobody();
    for (host, path, code) in [
        (address, "a%20b.pdf", 0),
        (address, "missing.pdf", 1),
        (address, "away", 1),
        (address, "with space", 1),
        (gone, "a.pdf", 1),
    ] {
        for scheme in ["http", "HTTP"] {
            let folder = Folder::new();
            std::fs::create_dir(folder.path().join("report")).unwrap();
            let input = format!("{scheme}://me:SECRET@{host}/{path}?X-Signature=SECRET#SECRET");
            let base = [
                "-i",
                &input,
                "--save-path",
                "out",
                "--report",
                "report/r.json",
            ];
            for flags in [&["--verbose"][..], &["--log-format", "json"]] {
                let ran = folder.run(&[&base[..], flags].concat()).expect(code);
                let said = said(&folder, &ran);
                assert!(!said.contains("SECRET"), "{input}: {said}");
                assert!(
                    said.contains(&format!("{scheme}://{host}/{path}")),
                    "{input}: {said}"
                );
            }
        }
    }
    assert!(
        asked
            .lock()
            .unwrap()
            .iter()
            .any(|request| request.path.contains("X-Signature=SECRET"))
    );
    for (input, code) in [
        ("ftp://me:SECRET@host/x?SECRET", 1),
        ("http://me:SEC/RET@host/a", 1),
    ] {
        let ran = Folder::new()
            .run(&["-i", input, "--save-path", "out"])
            .expect(code);
        assert!(
            !ran.stderr.contains("SEC") && !ran.stderr.contains("RET@"),
            "{}",
            ran.stderr
        );
    }
    let ran = Folder::new()
        .run(&[
            "-i",
            "http://me:SECRET@host/x",
            "--offline",
            "--save-path",
            "out",
        ])
        .expect(2);
    assert!(!ran.stderr.contains("SECRET"), "{}", ran.stderr);
    let source = format!("http://me:SECRET@{gone}/x?SECRET");
    let ran = pull(&Folder::new(), &["--source", &source], &[]).expect(1);
    assert!(!ran.stderr.contains("SECRET"), "{}", ran.stderr);
}
