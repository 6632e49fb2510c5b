//! Files that a server fetches by their address.

use super::server::{Answer, Server, error, is_clean, long_pdf};
use crate::http::{nobody, say, serve};
use crate::support::Folder;
use serde_json::{Value, json};
use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// Flags of a server that fetches from this machine.
const FETCHES: [&str; 4] = [
    "--allow-url-fetch",
    "--allow-private-urls",
    "--url-fetch-ports",
    "0",
];

fn fetching(more: &[&str]) -> Server {
    Server::start(&[&FETCHES, more].concat())
}

/// Orders files by their addresses.
fn order_urls(server: &Server, query: &str, files: &[Value]) -> Answer {
    let order = json!({"files": files, "formats": ["md"]});
    let kind = [("content-type", "application/json")];
    let path = format!("/v1/jobs?{query}");
    server.ask("POST", &path, &kind, order.to_string().as_bytes())
}

fn order_url(server: &Server, url: &str) -> Answer {
    order_urls(server, "wait=60", &[json!({"url": url})])
}

fn files() -> SocketAddr {
    serve(|request, stream| {
        let path = request.path.split('?').next().unwrap();
        match path {
            "/a.pdf" => say(stream, 200, "", &long_pdf(1)),
            "/named" => {
                let name = "Content-Disposition: attachment; filename=\"..\\\\x; y.pdf\"\r\n";
                say(stream, 200, name, &long_pdf(1));
            }
            "/to" => say(stream, 302, "Location: /here/b.pdf?secret\r\n", b""),
            "/here/b.pdf" => say(stream, 200, "", &long_pdf(1)),
            "/loop" => say(stream, 307, "Location: /loop\r\n", b""),
            "/file" => say(stream, 302, "Location: file:///etc/passwd\r\n", b""),
            "/nowhere" => say(stream, 302, "", b""),
            "/user" => say(stream, 302, "Location: http://a:b@127.0.0.1/\r\n", b""),
            "/missing" => say(stream, 404, "", b"an inner secret"),
            "/broken" => say(stream, 500, "", b"an inner secret"),
            "/br" => say(stream, 200, "Content-Encoding: br\r\n", b"xx"),
            "/cut" => {
                let _ = stream.write_all(b"HTTP/1.1 200 x\r\nContent-Length: 99\r\n\r\n%PDF-");
                return false;
            }
            "/cut-pieces" => {
                let head = b"HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n%PDF-\r\n";
                let _ = stream.write_all(head);
                return false;
            }
            "/large" => say(stream, 200, "", &vec![0; 200_000]),
            "/endless" => {
                let _ = stream.write_all(b"HTTP/1.1 200 x\r\n\r\n");
                while stream.write_all(&[7; 10_000]).is_ok() {}
                return false;
            }
            "/bomb" => {
                let mut packed = Vec::new();
                let level = flate2::Compression::best();
                let mut pack = flate2::write::GzEncoder::new(&mut packed, level);
                pack.write_all(&vec![0; 2_000_000]).unwrap();
                pack.finish().unwrap();
                say(stream, 200, "Content-Encoding: gzip\r\n", &packed);
            }
            "/slow" => {
                let _ = stream.write_all(b"HTTP/1.1 200 x\r\nContent-Length: 9999\r\n\r\n");
                while stream.write_all(b"x").is_ok() {
                    std::thread::sleep(Duration::from_millis(100));
                }
                return false;
            }
            "/slow-head" => {
                let _ = stream.write_all(b"HTTP/1.1 200 x\r\n");
                while stream.write_all(b"X: y\r\n").is_ok() {
                    std::thread::sleep(Duration::from_millis(100));
                }
                return false;
            }
            "/silent" => std::thread::sleep(Duration::from_secs(20)),
            _ => return false,
        }
        true
    })
}

#[test]
fn files_are_fetched_along_redirects_and_named() {
    let server = fetching(&[]);
    let at = files();
    for (path, name) in [
        ("a.pdf?X-Signature=hidden", "a.pdf"),
        ("named", "x; y.pdf"),
        ("to", "b.pdf"),
    ] {
        let job = order_url(&server, &format!("http://{at}/{path}"));
        let job = job.expect(200).json();
        assert_eq!(
            (&job["state"], &job["files"][0]["name"]),
            (&json!("done"), &json!(name)),
            "{job}"
        );
    }
    let both = [
        json!({"url": format!("http://{at}/a.pdf"), "name": "../mine.pdf"}),
        json!({"content": "bm90aGluZw==", "name": "n"}),
    ];
    let job = order_urls(&server, "wait=60", &both).expect(200).json();
    assert_eq!(job["files"][0]["name"], "mine.pdf");
    assert_eq!(job["state"], "partial");
    let log = server.log();
    assert!(!log.contains("hidden") && !log.contains("secret"), "{log}");
    let metrics = server.get("/metrics").text();
    assert!(
        metrics.contains("docparse_fetches_total{outcome=\"fetched\"} 4"),
        "{metrics}"
    );
    assert_eq!(
        server.get("/v1/capabilities").json()["url_fetch"],
        json!(true)
    );
}

#[test]
fn what_cannot_be_fetched_is_told_with_its_reason() {
    let server = fetching(&["--max-upload-size", "100K", "--fetch-timeout", "2"]);
    let at = files();
    let check = |path: &str, status: u16, code: &str, word: &str| {
        let begun = Instant::now();
        let answer = order_url(&server, &format!("http://{at}/{path}?q=hidden"));
        let told = error(&answer);
        assert_eq!(
            (told.0, told.1.as_str()),
            (status, code),
            "{path}: {told:?}"
        );
        assert!(told.2.contains(word), "{path}: {told:?}");
        let all = answer.text() + &server.log();
        assert!(
            !all.contains("hidden") && !all.contains("inner secret"),
            "{all}"
        );
        assert!(begun.elapsed() < Duration::from_secs(15), "{path}");
        assert!(is_clean(&server), "{path}");
    };
    check("loop", 422, "fetch_failed", "more than 5 times");
    check("file", 403, "not_allowed", "only http and https");
    check("nowhere", 422, "fetch_failed", "not to an address");
    check("user", 403, "not_allowed", "a user or a password");
    check("missing", 422, "fetch_failed", "status 404");
    check("broken", 502, "fetch_failed", "status 500");
    check("br", 422, "fetch_failed", "encoded");
    check("cut", 502, "fetch_failed", "broke off");
    check("cut-pieces", 502, "fetch_failed", "broke off");
    check("large", 413, "too_large", "--max-upload-size");
    check("endless", 413, "too_large", "--max-upload-size");
    check("bomb", 413, "too_large", "--max-upload-size");
    check("slow", 504, "fetch_failed", "--fetch-timeout");
    check("slow-head", 504, "fetch_failed", "--fetch-timeout");
    check("silent", 504, "fetch_failed", "--fetch-timeout");
    check("hang-up", 502, "fetch_failed", "cannot be fetched");
    let answer = order_url(&server, &format!("http://{}/", nobody()));
    assert_eq!(error(&answer).0, 502);
    for (url, status) in [
        ("file:///etc/passwd", 403),
        ("ftp://127.0.0.1/", 403),
        ("http://me:hidden@127.0.0.1/", 403),
        ("http://127.0.0.1:99999/", 422),
        ("not an address", 422),
        ("", 422),
    ] {
        let answer = order_url(&server, url);
        assert_eq!(answer.status, status, "{url}: {}", answer.text());
        assert!(!answer.text().contains("hidden"));
    }
    // The files of a request count together.
    let page = long_pdf(150);
    assert!((40_000..90_000).contains(&page.len()), "{}", page.len());
    let at = serve(move |_, stream| {
        say(stream, 200, "", &page);
        true
    });
    let one = json!({"url": format!("http://{at}/x.pdf")});
    order_urls(&server, "wait=60", std::slice::from_ref(&one)).expect(200);
    let all = order_urls(&server, "wait=60", &[one.clone(), one.clone(), one]);
    all.expect(413);
    // And the server is as it was.
    server.parse_a_page();
}

#[test]
fn nothing_is_fetched_from_inside() {
    let visits = Arc::new(AtomicUsize::new(0));
    let counted = visits.clone();
    let at = serve(move |_, stream| {
        counted.fetch_add(1, Ordering::SeqCst);
        say(stream, 200, "", b"secret");
        true
    });
    let port = at.port();
    let server = Server::start(&["--allow-url-fetch", "--url-fetch-ports", "0"]);
    for host in [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::127.0.0.1]",
        "0.0.0.0",
        "[::]",
        "127.0.0.2",
        "localhost.",
        "a.localhost",
    ] {
        let answer = order_url(&server, &format!("http://{host}:{port}/"));
        let told = error(&answer);
        assert_eq!((told.0, told.1.as_str()), (403, "not_allowed"), "{host}");
        assert!(!told.2.contains("refused") && !told.2.contains("secret"));
    }
    // Spellings that only some readers of addresses take for this machine.
    for host in ["2130706433", "0x7f.1", "0177.0.0.1", "127.1"] {
        let answer = order_url(&server, &format!("http://{host}:{port}/"));
        assert_eq!(answer.status, 422, "{host}");
    }
    for inner in [
        "http://169.254.169.254/latest/meta-data/",
        "http://10.0.0.1/",
    ] {
        assert_eq!(error(&order_url(&server, inner)).1, "not_allowed");
    }
    assert_eq!(visits.load(Ordering::SeqCst), 0);
    // A proxy of the environment would look names up itself: it is not asked.
    let proxied = fetching_with_proxy(at);
    order_url(&proxied, "http://none.invalid/a.pdf").expect(502);
    assert_eq!(visits.load(Ordering::SeqCst), 0);
}

/// A server whose environment names a proxy.
fn fetching_with_proxy(proxy: SocketAddr) -> Server {
    let proxy = format!("http://{proxy}");
    let set = ["http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"].map(|name| (name, &*proxy));
    let server = Server::with_environment(Arc::new(Folder::new()), &FETCHES, &set);
    server.wait_ready();
    server
}

#[test]
fn lists_and_ports_narrow_what_is_fetched() {
    let at = files();
    let port = at.port();
    let listed = fetching(&["--allow-url-hosts", "127.0.0.1,*.example.org"]);
    order_url(&listed, &format!("http://{at}/a.pdf")).expect(200);
    let other = order_url(&listed, &format!("http://127.0.0.2:{port}/a.pdf"));
    assert!(error(&other).2.contains("not on this server's list"));
    let usual = Server::start(&["--allow-url-fetch", "--allow-private-urls"]);
    let told = error(&order_url(&usual, &format!("http://{at}/a.pdf")));
    assert_eq!(told.0, 403);
    assert!(told.2.contains(&format!("port {port}")), "{told:?}");
    let off = Server::start(&[]);
    let told = error(&order_url(&off, &format!("http://{at}/a.pdf")));
    assert_eq!(told.0, 403);
    assert!(told.2.contains("allow_url_fetch"), "{told:?}");
    let folder = Folder::new();
    let ran = folder.run(&["serve", "--allow-url-fetch", "--allow-url-hosts", "a b"]);
    ran.expect(2);
    let ran = folder.run(&["serve", "--allow-url-fetch", "--offline"]);
    assert!(ran.expect(2).stderr.contains("--offline"));
}

#[test]
fn clients_that_go_away_end_their_fetches() {
    let gone = Arc::new(AtomicUsize::new(0));
    let counted = gone.clone();
    let at = serve(move |_, stream| {
        let _ = stream.write_all(b"HTTP/1.1 200 x\r\n\r\n");
        while stream.write_all(&[7; 100]).is_ok() {
            std::thread::sleep(Duration::from_millis(20));
        }
        counted.fetch_add(1, Ordering::SeqCst);
        false
    });
    let server = fetching(&[]);
    let order = json!({"files": [{"url": format!("http://{at}/")}]}).to_string();
    let head = format!(
        "POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{order}",
        order.len()
    );
    let mut clients = Vec::new();
    // More than are fetched at once.
    for _ in 0..24 {
        let mut client = TcpStream::connect(server.url.trim_start_matches("http://")).unwrap();
        client.write_all(head.as_bytes()).unwrap();
        clients.push(client);
    }
    std::thread::sleep(Duration::from_millis(500));
    // Others are served meanwhile.
    server.parse_a_page();
    drop(clients);
    server.until("ended", || gone.load(Ordering::SeqCst) >= 16);
    server.until("clean", || is_clean(&server));
}

#[test]
fn the_references_route_takes_addresses() {
    let server = fetching(&[]);
    let at = files();
    let ask = |body: Value| {
        let kind = [("content-type", "application/json")];
        server.ask(
            "POST",
            "/layout-parsing",
            &kind,
            body.to_string().as_bytes(),
        )
    };
    let answer = ask(json!({"file": format!("http://{at}/a.pdf?x=y.png"), "visualize": false}));
    let answer = answer.expect(200).json();
    assert_eq!(answer["result"]["dataInfo"]["type"], "pdf", "{answer}");
    let given = json!({"file": format!("http://{at}/named"), "fileType": 0, "visualize": false});
    ask(given).expect(200);
    let unknown = ask(json!({"file": format!("http://{at}/named")})).expect(422);
    assert_eq!(unknown.json()["errorMsg"], "Unsupported file type");
    let other = ask(json!({"file": format!("http://{at}/a.pdf"), "fileType": 1})).expect(422);
    assert_eq!(other.json()["errorMsg"], "Invalid input file");
    let missing = ask(json!({"file": format!("http://{at}/missing"), "fileType": 1})).expect(422);
    assert_eq!(missing.json()["errorCode"], 422);
}
