//! Nothing is written that nobody asked for, secrets go to whom they are for, and what comes over the network ends in time.

use super::http::{Request, nobody, say, serve};
use super::interrupts::wait_for;
use super::networks::fixture;
use super::support::{Folder, Ran, example, root, tiny_pdf};
use serde_json::{Value, json};
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

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

/// A hub of one small model. `file` answers for its files.
fn hub(
    size: usize,
    file: impl Fn(&Request, &mut TcpStream) + Send + Sync + 'static,
) -> (SocketAddr, Asked) {
    recording(move |_, request, stream| {
        let path = request.path.split('?').next().unwrap();
        if path.starts_with("/api/v1/models/") {
            let file = |path: &str| json!({"Path": path, "Size": size, "Type": "blob"});
            let files = [file("config.json"), file("model.safetensors")];
            say(
                stream,
                200,
                "",
                json!({"Data": {"Files": files}}).to_string().as_bytes(),
            );
        } else if path.starts_with("/api/models/") {
            let file = |path: &str| json!({"rfilename": path, "size": size});
            let files = [file("config.json"), file("model.safetensors")];
            let sha = "0123456789abcdef0123456789abcdef01234567";
            say(
                stream,
                200,
                "",
                json!({"sha": sha, "siblings": files})
                    .to_string()
                    .as_bytes(),
            );
        } else {
            file(request, stream);
        }
        true
    })
}

fn pull(folder: &Folder, flags: &[&str], environment: &[(&str, &str)]) -> Ran {
    let home = folder.path().display().to_string();
    let base = [
        ("HOME", home.as_str()),
        ("XDG_DATA_HOME", ""),
        ("HF_TOKEN", "hf_SECRET"),
    ];
    folder.run_with(
        &[&["models", "pull", "UVDoc"][..], flags].concat(),
        &[&base[..], environment].concat(),
        "",
    )
}

fn secrets(asked: &Asked) -> Vec<String> {
    let asked = asked.lock().unwrap();
    let told = |request: &Request| format!("{:?}", request.headers).contains("SECRET");
    asked
        .iter()
        .filter(|request| told(request))
        .map(|request| request.path.clone())
        .collect()
}

#[test]
fn the_token_goes_to_its_hub_and_to_nobody_else() {
    // Its own files lie at another port, which sends back to the hub.
    let back = Arc::<Mutex<String>>::default();
    let to = back.clone();
    let (other, other_asked) = recording(move |_, request, stream| {
        let location = format!(
            "Location: http://{}/back{}\r\n",
            to.lock().unwrap(),
            request.path
        );
        say(stream, 302, &location, b"");
        true
    });
    let (own, own_asked) = hub(5, move |request, stream| {
        if request.path.starts_with("/back") {
            return say(stream, 200, "", b"bytes");
        }
        match request.path.ends_with("config.json") {
            // Also at the same place.
            true if !request.path.starts_with("/here") => say(
                stream,
                307,
                &format!("Location: /here{}\r\n", request.path),
                b"",
            ),
            true => say(stream, 200, "", b"{   }"),
            false => say(
                stream,
                302,
                &format!("Location: http://{other}{}\r\n", request.path),
                b"",
            ),
        }
    });
    *back.lock().unwrap() = own.to_string();
    let folder = Folder::new();
    pull(&folder, &[], &[("HF_ENDPOINT", &format!("http://{own}"))]).expect(0);
    let count = other_asked.lock().unwrap().len();
    assert_eq!((count, secrets(&other_asked).len()), (1, 0));
    let told = secrets(&own_asked);
    assert!(
        told.iter().any(|path| path.starts_with("/api/models")),
        "{told:?}"
    );
    assert!(
        told.iter().any(|path| path.ends_with("/config.json")),
        "{told:?}"
    );
    assert!(
        !told
            .iter()
            .any(|path| path.starts_with("/here") || path.starts_with("/back")),
        "{told:?}"
    );
    // The same machine by another name is another host.
    let (named, named_asked) = hub(5, move |request, stream| {
        let location = format!(
            "Location: http://localhost:{}/here{}\r\n",
            own.port(),
            request.path
        );
        say(stream, 302, &location, b"");
    });
    own_asked.lock().unwrap().clear();
    pull(
        &Folder::new(),
        &[],
        &[("HF_ENDPOINT", &format!("http://{named}"))],
    );
    assert!(!secrets(&named_asked).is_empty());
    assert!(!own_asked.lock().unwrap().is_empty() && secrets(&own_asked).is_empty());
    // Other hubs, and folders.
    let (scope, scope_asked) = hub(5, |_, stream| say(stream, 200, "", b"bytes"));
    let folder = Folder::new();
    let url = format!("http://{scope}");
    let ran = pull(
        &folder,
        &["--source", "modelscope"],
        &[("MODELSCOPE_ENDPOINT", &url)],
    );
    assert_eq!(ran.expect(0).code, 0);
    pull(&folder, &["--source", &url], &[]).expect(0);
    assert!(scope_asked.lock().unwrap().len() >= 5 && secrets(&scope_asked).is_empty());
}

#[test]
fn a_token_is_not_sent_without_encryption() {
    // Nobody is asked: the name stands for no machine.
    let ran = pull(
        &Folder::new(),
        &[],
        &[("HF_ENDPOINT", "http://hub.invalid")],
    )
    .expect(1);
    assert!(
        ran.stderr
            .contains("HF_TOKEN is not sent to `http://hub.invalid`"),
        "{}",
        ran.stderr
    );
}

#[test]
fn a_file_of_a_hub_ends_where_it_said() {
    let (own, _) = hub(16, |_, stream| {
        say(stream, 200, "Content-Encoding: gzip\r\n", &bomb(64 << 20))
    });
    let folder = Folder::new();
    let ran = pull(&folder, &[], &[("HF_ENDPOINT", &format!("http://{own}"))]).expect(1);
    assert!(
        ran.stderr
            .contains("more comes than the 16 bytes that the hub says"),
        "{}",
        ran.stderr
    );
    let store = folder.path().join(".local/share/docparse/models");
    for path in listing(&store).into_iter().filter(|path| path.is_file()) {
        assert!(path.metadata().unwrap().len() <= 16, "{}", path.display());
    }
    // A list.
    let (own, asked) = recording(|_, _, stream| {
        say(stream, 200, "Content-Encoding: gzip\r\n", &bomb(64 << 20));
        true
    });
    let ran = pull(
        &Folder::new(),
        &[],
        &[("HF_ENDPOINT", &format!("http://{own}"))],
    )
    .expect(1);
    assert!(
        ran.stderr.contains("longer than 16777216 bytes"),
        "{}",
        ran.stderr
    );
    assert_eq!(asked.lock().unwrap().len(), 1);
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

#[test]
fn outputs_are_named_after_the_path() {
    let (address, _) = recording(|_, _, stream| {
        say(stream, 200, "", &one_page("Some words"));
        true
    });
    for (path, stem) in [
        ("x/..", "download"),
        ("x/%2e%2e%2f", "_"),
        ("a%20b.pdf?c=/d.pdf", "a b"),
    ] {
        let folder = Folder::new();
        folder.write("kept/imgs/x", "mine");
        let input = format!("http://{address}/{path}");
        folder
            .run(&["-i", &input, "--save-path", "kept/out", "--formats", "md"])
            .expect(0);
        assert!(folder.path().join("kept/imgs/x").exists());
        assert!(
            folder.tree("kept/out").contains(&format!("{stem}.md")),
            "{:?}",
            folder.tree("kept/out")
        );
    }
}

#[test]
fn redirects_of_inputs_stay_on_the_web() {
    let folder = Folder::new();
    let secret = folder
        .write("secret.pdf", one_page("Hidden words"))
        .display()
        .to_string();
    let (address, asked) = recording(move |_, request, stream| {
        let location = match request.path.as_str() {
            "/file" => format!("file://{secret}"),
            "/again" => "/again".into(),
            "/data" => "data:text/plain,x".into(),
            "/relative/a" => "b".into(),
            "/relative/b" => {
                say(stream, 200, "", &one_page("Right words"));
                return true;
            }
            _ => String::new(),
        };
        say(stream, 302, &format!("Location: {location}\r\n"), b"");
        true
    });
    let run =
        |path: &str| folder.run(&["-i", &format!("http://{address}/{path}"), "--stdout", "md"]);
    let ran = run("file").expect(1);
    assert!(
        ran.stderr.contains("neither http nor https") && ran.stdout.is_empty(),
        "{}",
        ran.stderr
    );
    let ran = run("data").expect(1);
    assert!(ran.stderr.contains("not to an address"), "{}", ran.stderr);
    let before = asked.lock().unwrap().len();
    let ran = run("again").expect(1);
    assert!(
        ran.stderr.contains("redirects more than 10 times"),
        "{}",
        ran.stderr
    );
    assert_eq!(asked.lock().unwrap().len() - before, 11);
    assert!(run("relative/a").expect(0).stdout.contains("Right words"));
}

#[test]
fn inputs_end_at_their_limits() {
    let (address, _) = recording(|_, request, stream| {
        let head = |extra: &str| format!("HTTP/1.1 200 x\r\n{extra}\r\n");
        match request.path.as_str() {
            "/announced" => drop(stream.write_all(head("Content-Length: 99999999\r\n").as_bytes())),
            "/endless" => {
                let _ = stream.write_all(head("Connection: close\r\n").as_bytes());
                while stream.write_all(&[7; 1 << 16]).is_ok() {}
            }
            "/bomb" => say(stream, 200, "Content-Encoding: gzip\r\n", &bomb(64 << 20)),
            "/cut" => drop(stream.write_all(head("Content-Length: 5000\r\n").as_bytes())),
            _ => {
                let _ = stream.write_all(head("Content-Length: 5000\r\n").as_bytes());
                while stream.write_all(b" ").is_ok() {
                    std::thread::sleep(Duration::from_millis(50));
                }
            }
        }
        false
    });
    let folder = Folder::new();
    for (path, flags, words) in [
        (
            "announced",
            ["--max-input-size", "1M"],
            "larger than the 1048576 bytes",
        ),
        (
            "endless",
            ["--max-input-size", "1M"],
            "larger than the 1048576 bytes",
        ),
        (
            "bomb",
            ["--max-input-size", "1M"],
            "larger than the 1048576 bytes",
        ),
        (
            "drip",
            ["--fetch-timeout", "1"],
            "not there after 1 seconds",
        ),
        ("cut", ["--fetch-timeout", "60"], "broke off after 0 bytes"),
    ] {
        let started = Instant::now();
        let input = format!("http://{address}/{path}");
        let ran = quiet_run(
            &folder,
            &[&["-i", &input, "--stdout", "md"][..], &flags].concat(),
            &[],
        )
        .expect(1);
        assert!(ran.stderr.contains(words), "{path}: {}", ran.stderr);
        assert!(started.elapsed() < Duration::from_secs(40), "{path}");
    }
}

#[test]
fn inputs_are_fetched_side_by_side_and_read_in_their_order() {
    let (now, most) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
    let counted = (now.clone(), most.clone());
    let (address, asked) = recording(move |_, request, stream| {
        let at_once = counted.0.fetch_add(1, Ordering::SeqCst) + 1;
        counted.1.fetch_max(at_once, Ordering::SeqCst);
        // Nobody is answered before a second one asks, and then there is time for one too many.
        wait_for("a second request", || counted.1.load(Ordering::SeqCst) > 1);
        std::thread::sleep(Duration::from_millis(300));
        counted.0.fetch_sub(1, Ordering::SeqCst);
        let number = request
            .path
            .trim_start_matches("/n")
            .trim_end_matches(".pdf")
            .to_string();
        say(
            stream,
            200,
            "",
            &one_page(&format!("Words of number {number}")),
        );
        true
    });
    let folder = Folder::new();
    let addresses: Vec<String> = (0..9)
        .map(|number| format!("http://{address}/n{number}.pdf"))
        .collect();
    let mut arguments = vec!["-i"];
    arguments.extend(addresses.iter().map(String::as_str));
    // A file named twice is taken once.
    arguments.extend([
        addresses[0].as_str(),
        "--save-path",
        "out",
        "--formats",
        "md",
    ]);
    quiet_run(&folder, &arguments, &[]).expect(0);
    assert_eq!(asked.lock().unwrap().len(), 9);
    // Not one by one, and not all at once.
    let most = most.load(Ordering::SeqCst);
    assert!((2..=4).contains(&most), "{most}");
    for number in 0..9 {
        let text = folder.text(&format!("out/n{number}.md"));
        assert!(
            text.contains(&format!("Words of number {number}")),
            "{number}: {text}"
        );
    }
}

#[test]
fn a_killed_run_leaves_no_temporary_file() {
    let (address, asked) = recording(|_, _, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 x\r\nContent-Length: 5000000\r\n\r\n");
        let _ = stream.write_all(&[7; 100_000]);
        std::thread::sleep(Duration::from_secs(30));
        false
    });
    for signal in [libc::SIGKILL, libc::SIGTERM] {
        let folder = Folder::new();
        let temporary = folder.path().join("tmp");
        std::fs::create_dir(&temporary).unwrap();
        let before = asked.lock().unwrap().len();
        let mut child = Command::new(env!("CARGO_BIN_EXE_docparse"))
            .args(["-i", &format!("http://{address}/a.pdf"), "--stdout", "md"])
            .env("TMPDIR", &temporary)
            .env_remove("http_proxy")
            .env_remove("HTTP_PROXY")
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let started = Instant::now();
        while asked.lock().unwrap().len() == before && started.elapsed() < Duration::from_secs(20) {
            std::thread::sleep(Duration::from_millis(20));
        }
        std::thread::sleep(Duration::from_millis(300));
        let killed = Instant::now();
        // SAFETY: a signal to a child that is not waited for yet.
        unsafe { libc::kill(child.id() as i32, signal) };
        child.wait().unwrap();
        assert!(killed.elapsed() < Duration::from_secs(10));
        assert_eq!(listing(&temporary), Vec::<PathBuf>::new());
    }
}

/// Pictures, each of which is a page of one block, and a run over them by a server.
fn recognized(folder: &Folder, count: usize, url: &str, flags: &[&str]) -> Ran {
    let mut arguments = vec!["-i".to_string()];
    for number in 0..count {
        let path = folder.path().join(format!("p{number:02}.png"));
        image::RgbImage::from_pixel(120, 40, image::Rgb([(number * 20) as u8, 200, 90]))
            .save(&path)
            .unwrap();
        arguments.push(path.display().to_string());
    }
    let base = [
        "--save-path",
        "out",
        "--use-layout-detection",
        "false",
        "--vl-rec-backend",
        "vllm-server",
    ];
    let more = [
        "--vl-rec-server-url",
        url,
        "--vl-rec-api-key",
        "key-SECRET",
        "--report",
        "report.json",
    ];
    arguments.extend(
        base.iter()
            .chain(&more)
            .chain(flags)
            .map(|flag| flag.to_string()),
    );
    folder.run(&arguments)
}

fn completions(asked: &Asked) -> usize {
    asked
        .lock()
        .unwrap()
        .iter()
        .filter(|request| request.path.ends_with("/chat/completions"))
        .count()
}

const MODELS: &[u8] = br#"{"data": [{"id": "PaddleOCR-VL-1.6-0.9B"}]}"#;
const ANSWER: &[u8] =
    br#"{"choices": [{"message": {"content": "read"}, "finish_reason": "stop"}]}"#;

#[test]
fn a_wrong_key_is_told_once_and_asked_with_once() {
    let refuse = |_: usize, request: &Request, stream: &mut TcpStream| {
        match request.path.ends_with("/models") {
            true => say(stream, 200, "", MODELS),
            false => say(
                stream,
                401,
                "",
                b"{\"error\": {\"message\": \"no such key: key-SECRET \\u001b[2J\"}}",
            ),
        }
        true
    };
    let (address, asked) = recording(refuse);
    let folder = Folder::new();
    let ran = recognized(&folder, 9, &format!("http://{address}/v1"), &[]).expect(3);
    assert_eq!(completions(&asked), 1);
    let told = ran
        .stderr
        .lines()
        .filter(|line| line.starts_with("error: `http"))
        .count();
    assert_eq!(told, 1, "{}", ran.stderr);
    assert!(
        ran.stderr.contains("it is not asked again") && !ran.stderr.contains('\x1b'),
        "{}",
        ran.stderr
    );
    assert!(!ran.stderr.contains("SECRET"), "{}", ran.stderr);
    let blocks: Value = folder.json("out/p08.json");
    assert!(
        blocks.to_string().contains("status 401") && !blocks.to_string().contains("SECRET"),
        "{blocks}"
    );
    // Another server takes it.
    let (other, other_asked) = recording(|_, request, stream| {
        say(
            stream,
            200,
            "",
            if request.path.ends_with("/models") {
                MODELS
            } else {
                ANSWER
            },
        );
        true
    });
    let urls = format!("http://{address}/v1,http://{other}/v1");
    recognized(&folder, 9, &urls, &[]).expect(0);
    assert_eq!(
        (completions(&asked) <= 2, completions(&other_asked)),
        (true, 9)
    );
}

#[test]
fn a_picture_that_is_forbidden_costs_itself() {
    let count = AtomicUsize::default();
    let (address, asked) = recording(move |_, request, stream| {
        match request.path.ends_with("/models") {
            true => say(stream, 200, "", MODELS),
            false if count.fetch_add(1, Ordering::SeqCst) == 1 => {
                say(stream, 403, "", b"not this one")
            }
            false => say(stream, 200, "", ANSWER),
        }
        true
    });
    let url = format!("http://{address}/v1");
    recognized(&Folder::new(), 5, &url, &["--vl-rec-max-concurrency", "1"]).expect(3);
    assert_eq!(completions(&asked), 5);
}

#[test]
fn a_servers_answer_is_counted_as_it_is_unpacked() {
    let (address, asked) = recording(|_, request, stream| {
        match request.path.ends_with("/models") {
            true => say(stream, 200, "", MODELS),
            false => say(stream, 200, "Content-Encoding: gzip\r\n", &bomb(64 << 20)),
        }
        true
    });
    let folder = Folder::new();
    recognized(&folder, 1, &format!("http://{address}/v1"), &[]).expect(3);
    let page = folder.json("out/p00.json").to_string();
    assert!(page.contains("longer than 16 MB"), "{page}");
    assert_eq!(completions(&asked), 1);
}

#[test]
fn a_server_that_sends_on_is_not_followed() {
    let (other, other_asked) = recording(|_, _, stream| {
        say(stream, 200, "", ANSWER);
        true
    });
    let (address, _) = recording(move |_, request, stream| {
        let location = format!("Location: http://{other}{}\r\n", request.path);
        say(stream, 302, &location, b"");
        true
    });
    recognized(&Folder::new(), 1, &format!("http://{address}/v1"), &[]).expect(3);
    assert!(other_asked.lock().unwrap().is_empty());
}

#[test]
fn offline_lets_only_this_machine_be_asked() {
    let folder = Folder::new();
    for url in [
        "http://evil.invalid//127.0.0.1/v1",
        "http://localhost.evil.invalid/v1",
        "http://127.evil.invalid/v1",
    ] {
        let ran = recognized(&folder, 1, url, &["--offline"]).expect(2);
        assert!(ran.stderr.contains("--offline"), "{}", ran.stderr);
    }
    let input = example("report.pdf").display().to_string();
    folder
        .run(&[
            "-i",
            &input,
            "--save-path",
            "out",
            "--offline",
            "--formats",
            "md",
        ])
        .expect(0);
}
