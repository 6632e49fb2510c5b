//! Inputs that are fetched: their names, redirects, limits and order, and what a killed run leaves of them.

use super::super::http::say;
use super::super::interrupts::wait_for;
use super::super::support::Folder;
use super::{bomb, listing, one_page, quiet_run, recording};
use std::io::Write;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

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
