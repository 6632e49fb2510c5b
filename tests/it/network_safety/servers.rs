//! Recognition servers: keys that are refused, answers without end, redirects, and what `--offline` lets through.

use super::super::http::{Request, say};
use super::super::support::{Folder, Ran, example};
use super::{Asked, bomb, recording};
use serde_json::Value;
use std::net::TcpStream;
use std::sync::atomic::{AtomicUsize, Ordering};

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
