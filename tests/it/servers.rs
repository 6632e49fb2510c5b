//! Recognition by servers, against one that behaves or misbehaves as it is told.

mod completions;

use super::http::nobody;
use super::support::{Folder, Ran, example, tiny_pdf};
use completions::*;
use serde_json::{Value, json};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

/// Makes pictures, each of which is a page of one block.
fn pictures(folder: &Folder, count: usize) -> Vec<String> {
    let name = |number: usize| {
        let path = folder.path().join(format!("p{number:02}.png"));
        let color = [(number * 20) as u8, 200, 90];
        image::RgbImage::from_pixel(120, 40, image::Rgb(color))
            .save(&path)
            .unwrap();
        path.display().to_string()
    };
    (0..count).map(name).collect()
}

/// Reads pictures by a server.
fn run(folder: &Folder, inputs: &[String], url: &str, flags: &[&str]) -> Ran {
    let mut arguments = vec!["-i"];
    arguments.extend(inputs.iter().map(String::as_str));
    arguments.extend([
        "--save-path",
        "out",
        "--use-layout-detection",
        "false",
        "--device",
        "cpu",
    ]);
    arguments.extend(["--vl-rec-server-url", url]);
    if !flags.contains(&"--vl-rec-backend") {
        arguments.extend(["--vl-rec-backend", "vllm-server"]);
    }
    arguments.extend(flags);
    folder.run(&arguments)
}

fn page(folder: &Folder, name: &str) -> Value {
    let text = std::fs::read(folder.path().join(format!("out/{name}.json"))).unwrap();
    serde_json::from_slice::<Value>(&text).unwrap()["pages"][0].clone()
}

fn content(folder: &Folder, name: &str) -> String {
    page(folder, name)["parsing_res_list"][0]["block_content"]
        .as_str()
        .unwrap_or_default()
        .to_string()
}

/// A file of settings with arguments of the client.
fn with_client(folder: &Folder, kwargs: &str) -> String {
    let text = format!(
        "SubModules:\n  VLRecognition:\n    genai_config:\n      client_kwargs: {kwargs}\n"
    );
    folder.write("settings.yaml", text).display().to_string()
}

#[test]
fn blocks_are_asked_for_and_the_key_stays_hidden() {
    let server =
        Server::start(|_, asked| says(&format!("**{}**", asked.body["model"].as_str().unwrap())));
    let folder = Folder::new();
    let inputs = pictures(&folder, 1);
    let key = folder.write("key", "very-secret\n").display().to_string();
    let flags = [
        "--vl-rec-api-key-file",
        &key,
        "--temperature",
        "0.5",
        "--report",
        "report.json",
        "--verbose",
    ];
    let ran = run(&folder, &inputs, &format!("{}/", server.url), &flags).expect(0);
    assert_eq!(content(&folder, "p00"), "**PaddleOCR-VL-1.6-0.9B**");
    let generation = page(&folder, "p00")["diagnostics"]["blocks"][0]["generation"].clone();
    assert_eq!(
        (&generation["token_count"], &generation["finish_reason"]),
        (&json!(7), &json!("eos"))
    );
    assert!(generation.get("mean_log_probability").is_none());
    let asked = server.asked();
    assert_eq!(
        (asked.len(), asked[0].path.as_str()),
        (1, "/v1/chat/completions")
    );
    assert_eq!(asked[0].header("authorization"), "Bearer very-secret");
    let mut body = asked[0].body.clone();
    let picture = body["messages"][0]["content"][0]["image_url"]["url"].take();
    assert!(
        picture
            .as_str()
            .unwrap()
            .starts_with("data:image/jpeg;base64,/9j/")
    );
    let limits = json!({"min_pixels": 112896, "max_pixels": 1003520});
    assert_eq!(
        (
            &body["temperature"],
            &body["mm_processor_kwargs"],
            &body["max_completion_tokens"]
        ),
        (&json!(0.5), &limits, &json!(4096))
    );
    let secret = "very-secret";
    assert!(
        !ran.stdout.contains(secret) && !ran.stderr.contains(secret),
        "{}",
        ran.stderr
    );
    for file in folder
        .tree("out")
        .iter()
        .chain([&"../report.json".to_string()])
    {
        let bytes = std::fs::read(folder.path().join("out").join(file)).unwrap();
        assert!(!String::from_utf8_lossy(&bytes).contains(secret), "{file}");
    }
    // A server that tells it on is not repeated.
    let gossip = Server::start(|_, asked| {
        let text =
            json!({"error": {"message": format!("no such {}", asked.header("authorization"))}});
        Reply::Says(401, "", text.to_string(), Duration::ZERO)
    });
    let ran = run(&folder, &inputs, &gossip.url, &["--vl-rec-api-key", secret]).expect(3);
    assert!(
        ran.stderr.contains("no such Bearer (hidden)"),
        "{}",
        ran.stderr
    );
    assert!(!page(&folder, "p00").to_string().contains(secret));
}

#[test]
fn what_may_pass_is_tried_again_and_what_fails_costs_its_block() {
    let folder = Folder::new();
    let inputs = pictures(&folder, 1);
    let long = || Reply::Says(200, "", answer(&"x".repeat(17 << 20)), Duration::ZERO);
    type Behave = Box<dyn Fn(usize, &Asked) -> Reply + Send + Sync>;
    // What the server does, how often it is asked, and what is told; nothing where the block is read. What is said of the way
    // to the server has another reason than what the server says.
    let of_network = ["broke off", "timeout"];
    let table: Vec<(Behave, usize, &str)> = vec![
        (
            Box::new(|n, _| if n < 2 { status(500) } else { says("a") }),
            3,
            "",
        ),
        (
            Box::new(|n, _| if n < 1 { Reply::Cut } else { says("a") }),
            2,
            "",
        ),
        (
            Box::new(|_, _| status(503)),
            3,
            "status 503: refused (3 attempts)",
        ),
        (Box::new(|_, _| status(408)), 3, "status 408"),
        (Box::new(|_, _| status(400)), 1, "status 400: refused"),
        (Box::new(|_, _| status(422)), 1, "status 422: refused"),
        (Box::new(|_, _| Reply::Cut), 3, "broke off"),
        (
            Box::new(|_, _| Reply::Says(200, "", "<html>".into(), Duration::ZERO)),
            1,
            "no JSON",
        ),
        (
            Box::new(|_, _| Reply::Says(200, "", "{}".into(), Duration::ZERO)),
            1,
            "no `choices`",
        ),
        (Box::new(move |_, _| long()), 1, "longer than 16 MB"),
        (Box::new(|_, _| Reply::Silent), 3, "timeout"),
        (Box::new(|_, _| Reply::Endless), 3, "timeout"),
        (
            Box::new(|_, _| {
                Reply::Says(429, "Retry-After: 9999\r\n", String::new(), Duration::ZERO)
            }),
            1,
            "asks to wait too long",
        ),
    ];
    let settings = with_client(&folder, "{timeout: 2.5}");
    for (row, (behave, attempts, told)) in table.into_iter().enumerate() {
        let server = Server::start(behave);
        let code = if told.is_empty() { 0 } else { 3 };
        let ran = run(&folder, &inputs, &server.url, &["--config", &settings]).expect(code);
        assert!(ran.stderr.contains(told), "row {row}: {}", ran.stderr);
        assert_eq!(server.asked().len(), attempts, "row {row}: {told}");
        let messages = page(&folder, "p00")["diagnostics"]["messages"].clone();
        let reasons: Vec<&Value> = messages
            .as_array()
            .unwrap()
            .iter()
            .filter(|told| told["code"] == "block_failed")
            .map(|told| &told["reason"])
            .collect();
        let reason = match of_network.contains(&told) {
            true => "network",
            false => "server",
        };
        let expected = if code == 3 { vec![reason] } else { Vec::new() };
        assert_eq!(reasons, expected, "row {row}: {messages}");
        assert_eq!(content(&folder, "p00"), if code == 0 { "a" } else { "" });
    }
    // Null is an empty block and no error.
    let null = json!({"choices": [{"message": {"content": null}}]}).to_string();
    let server = Server::start(move |_, _| Reply::Says(200, "", null.clone(), Duration::ZERO));
    run(&folder, &inputs, &server.url, &[]).expect(0);
    assert_eq!(content(&folder, "p00"), "");
    // The server is waited for as long as it says.
    let server = Server::start(|n, _| match n {
        0 => Reply::Says(429, "Retry-After: 1.2\r\n", String::new(), Duration::ZERO),
        _ => says("b"),
    });
    let start = Instant::now();
    run(&folder, &inputs, &server.url, &[]).expect(0);
    assert!(start.elapsed() >= Duration::from_millis(1200) && content(&folder, "p00") == "b");
    // A block has a time of its own, with all attempts.
    let server = Server::start(|_, _| Reply::Silent);
    let ran = run(&folder, &inputs, &server.url, &["--block-timeout", "1"]).expect(3);
    assert!(
        ran.stderr.contains("timeout") || ran.stderr.contains("no answer within"),
        "{}",
        ran.stderr
    );
    assert_eq!(server.asked().len(), 1);
}

#[test]
fn one_lost_block_stops_nothing_unless_it_shall() {
    let folder = Folder::new();
    let inputs = pictures(&folder, 9);
    let server = Server::start(|n, _| {
        if n == 1 {
            status(400)
        } else {
            says(&format!("text {n}"))
        }
    });
    run(
        &folder,
        &inputs,
        &server.url,
        &["--vl-rec-max-concurrency", "1"],
    )
    .expect(3);
    let read = (0..9)
        .filter(|n| content(&folder, &format!("p{n:02}")).starts_with("text"))
        .count();
    assert_eq!((read, server.asked().len()), (8, 9));
    let server = Server::start(|_, _| status(400));
    run(
        &folder,
        &inputs,
        &server.url,
        &["--vl-rec-max-concurrency", "1", "--fail-fast"],
    )
    .expect(3);
    assert_eq!(server.asked().len(), 1);
}

#[test]
fn no_more_requests_than_allowed_and_servers_share_them() {
    let folder = Folder::new();
    let inputs = pictures(&folder, 14);
    let slow =
        |_: usize, _: &Asked| Reply::Says(200, "", answer("slow"), Duration::from_millis(80));
    // The first ones wait for each other, however slow the machine is.
    let held = move |n: usize, asked: &Asked| match slow(n, asked) {
        Reply::Says(status, headers, body, _) if n < 3 => {
            Reply::Says(status, headers, body, Duration::from_secs(2))
        }
        reply => reply,
    };
    let server = Server::start(held);
    run(
        &folder,
        &inputs,
        &server.url,
        &["--vl-rec-max-concurrency", "3"],
    )
    .expect(0);
    assert_eq!(
        (
            server.most_at_once.load(Ordering::SeqCst),
            server.asked().len()
        ),
        (3, 14)
    );
    // Two servers, and one that is not there.
    let (a, b) = (Server::start(slow), Server::start(slow));
    let gone = nobody();
    let urls = format!("http://{gone}/v1, {}, {}", a.url, b.url);
    run(&folder, &inputs, &urls, &["--vl-rec-max-concurrency", "4"]).expect(0);
    let (of_a, of_b) = (a.asked().len(), b.asked().len());
    assert!(
        of_a + of_b == 14 && of_a >= 4 && of_b >= 4,
        "{of_a} and {of_b}"
    );
    // One that goes away while it is asked.
    let leaving = Server::start(|n, _| if n < 2 { says("x") } else { Reply::Cut });
    let staying = Server::start(slow);
    let urls = format!("{},{}", leaving.url, staying.url);
    run(&folder, &inputs, &urls, &["--vl-rec-max-concurrency", "2"]).expect(0);
}

#[test]
fn models_are_found_where_the_name_is_another_one() {
    let folder = Folder::new();
    let inputs = pictures(&folder, 2);
    let picky = |_: usize, asked: &Asked| match asked.body["model"].as_str() {
        Some("served") => says("found"),
        _ => status(404),
    };
    let server = Server::with_models(&["served"], picky);
    let ran = run(
        &folder,
        &inputs,
        &server.url,
        &["--vl-rec-max-concurrency", "1"],
    )
    .expect(0);
    assert!(
        ran.stderr
            .contains("using `served`, the only one that it serves"),
        "{}",
        ran.stderr
    );
    assert_eq!(
        (server.asked().len(), content(&folder, "p01").as_str()),
        (3, "found")
    );
    // Also where many find it out at once.
    let server = Server::with_models(&["served"], picky);
    run(
        &folder,
        &pictures(&folder, 12),
        &server.url,
        &["--vl-rec-max-concurrency", "12"],
    )
    .expect(0);
    let server = Server::with_models(&["one", "two"], picky);
    let ran = run(&folder, &inputs, &server.url, &[]).expect(3);
    assert!(
        ran.stderr
            .contains("it serves one, two; name one with --vl-rec-api-model-name"),
        "{}",
        ran.stderr
    );
    // By flag, and the first of the list.
    let server = Server::with_models(&["served", "two"], picky);
    run(
        &folder,
        &inputs,
        &server.url,
        &["--vl-rec-api-model-name", "served"],
    )
    .expect(0);
    let settings = with_client(
        &folder,
        "{model_name: null, default_headers: {X-Team: hidden-team}}",
    );
    run(&folder, &inputs, &server.url, &["--config", &settings]).expect(0);
    assert_eq!(server.asked().len(), 4);
    assert_eq!(server.asked()[3].header("x-team"), "hidden-team");
    assert!(
        !std::fs::read_to_string(folder.path().join("out/p00.json"))
            .unwrap()
            .contains("hidden-team")
    );
}

#[test]
fn keys_that_a_server_can_do_without_are_left_out() {
    let folder = Folder::new();
    let inputs = pictures(&folder, 2);
    let strict = |key: &'static str| {
        move |_: usize, asked: &Asked| match asked.body.get(key) {
            Some(_) => Reply::Says(
                422,
                "",
                json!({"detail": format!("Unexpected: {key}")}).to_string(),
                Duration::ZERO,
            ),
            None => says("done"),
        }
    };
    let server = Server::start(strict("skip_special_tokens"));
    let ran = run(
        &folder,
        &inputs,
        &server.url,
        &["--vl-rec-max-concurrency", "1"],
    )
    .expect(0);
    assert!(
        ran.stderr
            .contains("does not know `skip_special_tokens`: asking without it"),
        "{}",
        ran.stderr
    );
    assert_eq!(
        (server.asked().len(), content(&folder, "p01").as_str()),
        (3, "done")
    );
    // Not where the answer would be another one, and not what was asked for.
    let server = Server::start(strict("skip_special_tokens"));
    run(
        &folder,
        &inputs,
        &server.url,
        &["--prompt-label", "spotting"],
    )
    .expect(3);
    let server = Server::start(strict("repetition_penalty"));
    run(
        &folder,
        &inputs,
        &server.url,
        &["--repetition-penalty", "1.2"],
    )
    .expect(3);
}

#[test]
fn what_is_wrong_is_said_before_pages_are_read() {
    let folder = Folder::new();
    let inputs = pictures(&folder, 1);
    let server = Server::start(|_, _| says("a"));
    let check = |url: &str, flags: &[&str], code: i32, words: &str| {
        let ran = run(&folder, &inputs, url, flags);
        assert!(
            ran.code == code && ran.stderr.contains(words),
            "{url} {flags:?}: {} {}",
            ran.code,
            ran.stderr
        );
    };
    let gone = nobody();
    check(
        &format!("http://{gone}/v1"),
        &[],
        1,
        "no recognition server answers",
    );
    // Not encrypted, whatever its address says.
    check(
        &server.url.replace("http:", "https:"),
        &[],
        1,
        "no recognition server answers",
    );
    check("localhost:8118", &[], 2, "such as http://localhost:8118/v1");
    check(
        &server.url,
        &["--precision", "int8"],
        2,
        "--precision is about the recognizer in this process",
    );
    check(
        &server.url,
        &["--vl-rec-backend", "native"],
        2,
        "--vl-rec-server-url is about a server",
    );
    check(
        &server.url,
        &["--vl-rec-max-concurrency", "0"],
        2,
        "max_concurrency",
    );
    check(
        &server.url,
        &["--vl-rec-api-key-file", "missing"],
        2,
        "cannot be read",
    );
    let ran = folder.run(&[
        "-i",
        &inputs[0],
        "--vl-rec-backend",
        "vllm-server",
        "--save-path",
        "out",
    ]);
    assert!(
        ran.code == 2 && ran.stderr.contains("server_url"),
        "{}",
        ran.stderr
    );
    assert_eq!(server.asked().len(), 0);
}

#[test]
fn text_of_pdfs_is_taken_compared_and_given_up_where_it_differs() {
    let folder = Folder::new();
    let inputs = [example("report.pdf").display().to_string()];
    let parse = |server: &Server, flags: &[&str]| {
        let base = ["--text-layer", "auto", "--vl-rec-max-concurrency", "1"];
        run(&folder, &inputs, &server.url, &[&base[..], flags].concat()).expect(0);
        let text = std::fs::read(folder.path().join("out/report.json")).unwrap();
        serde_json::from_slice::<Value>(&text).unwrap()["pages"].clone()
    };
    let silent = Server::start(|_, _| says("read"));
    // Nothing is taken without a word.
    run(&folder, &inputs, &silent.url, &[]).expect(0);
    let all = silent.asked().len();
    // Pages of this document are more than their text: each is read, as one block.
    let server = Server::start(|_, _| says("read"));
    let pages = parse(&server, &[]);
    assert_eq!(server.asked().len(), all);
    assert!(pages[0]["diagnostics"]["blocks"][0].get("text").is_none());

    let words = "Plain words of a page, and nothing else.";
    let plain = folder
        .write(
            "plain.pdf",
            tiny_pdf(
                612.0,
                792.0,
                &format!("BT /F1 14 Tf 72 700 Td ({words}) Tj ET"),
            ),
        )
        .display()
        .to_string();
    let inputs = [plain];
    let parse = |server: &Server, flags: &[&str]| {
        let base = ["--text-layer", "auto", "--vl-rec-max-concurrency", "1"];
        run(&folder, &inputs, &server.url, &[&base[..], flags].concat()).expect(0);
        page(&folder, "plain")
    };
    let server = Server::start(|_, _| says("read"));
    let taken = parse(&server, &["--text-layer-check", "0%"]);
    assert_eq!(
        (content(&folder, "plain").as_str(), server.asked().len()),
        (words, 0)
    );
    assert_eq!(
        taken["diagnostics"]["blocks"][0]["text"]["source"],
        "text_layer"
    );
    // The first block of a document is always compared.
    let server = Server::start(move |_, _| says("**Plain words** of a page, and nothing else"));
    let confirmed = parse(&server, &[]);
    assert_eq!(
        (content(&folder, "plain").as_str(), server.asked().len()),
        (words, 1)
    );
    let reason = confirmed["diagnostics"]["blocks"][0]["text"]["reason"].to_string();
    assert!(reason.contains("confirms (100 %)"), "{reason}");
    let server = Server::start(|_, _| says("Quite another text stands on this page."));
    let differing = parse(&server, &[]);
    assert_eq!(
        content(&folder, "plain"),
        "Quite another text stands on this page."
    );
    let messages = differing["diagnostics"]["messages"].to_string();
    assert!(
        messages.contains("text_layer_differs") && messages.contains("the rest of the document"),
        "{messages}"
    );
}
