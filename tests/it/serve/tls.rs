//! HTTPS at the server's own port: certificates, their renewal, and clients that do not agree on encryption.

use super::server::{PATIENCE, Server, long_pdf};
use crate::support::{Folder, root};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};
use ureq::tls::{Certificate, RootCerts, TlsConfig};

fn pem(name: &str) -> Vec<u8> {
    std::fs::read(root().join("tests/fixtures/tls").join(name)).unwrap()
}

/// The status for a client that trusts one certificate only; `None` if it is shown another.
fn asked(server: &Server, path: &str, trusted: &str) -> Option<u16> {
    let cert = Certificate::from_pem(&pem(trusted)).unwrap();
    let roots = RootCerts::Specific(Arc::new(vec![cert]));
    let agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .proxy(None)
        .timeout_global(Some(PATIENCE))
        .tls_config(TlsConfig::builder().root_certs(roots).build())
        .build()
        .new_agent();
    let answer = agent.get(format!("{}{path}", server.url)).call();
    answer.ok().map(|answer| answer.status().as_u16())
}

/// A folder with the certificate `name`.
fn with(folder: &Folder, name: &str) {
    for end in ["crt", "key"] {
        folder.write(&format!("tls.{end}"), pem(&format!("{name}.{end}")));
    }
}

const FLAGS: [&str; 4] = ["--tls-cert", "tls.crt", "--tls-key", "tls.key"];

fn server() -> Server {
    let folder = Arc::new(Folder::new());
    with(&folder, "one");
    let server = Server::in_folder(folder, &FLAGS);
    server.wait_ready();
    server
}

#[test]
fn jobs_go_over_https_and_certificates_are_renewed() {
    let server = server();
    assert!(
        server.url.starts_with("https://127.0.0.1:"),
        "{}",
        server.url
    );
    let job = server.order("wait=60&formats=md", &long_pdf(2)).expect(200);
    let job = job.json();
    let zip = server.get(job["links"]["result"].as_str().unwrap());
    assert!(zip.expect(200).body.starts_with(b"PK"));
    assert_eq!(asked(&server, "/readyz", "one.crt"), Some(200));
    assert_eq!(asked(&server, "/readyz", "two.crt"), None);
    // A key that is not the certificate's changes nothing.
    server.folder.write("tls.key", pem("two.key"));
    server.signal(libc::SIGHUP);
    server.until("told", || {
        server.log().contains("is not that of the certificate")
    });
    assert_eq!(asked(&server, "/readyz", "one.crt"), Some(200));
    with(&server.folder, "two");
    server.signal(libc::SIGHUP);
    server.until("renewed", || {
        asked(&server, "/readyz", "two.crt") == Some(200)
    });
    assert_eq!(asked(&server, "/readyz", "one.crt"), None);
    let log = server.log();
    assert!(!log.contains("BEGIN") && !log.contains("PRIVATE"), "{log}");
}

#[test]
fn clients_that_do_not_agree_hold_up_nobody() {
    let server = server();
    let address = server.url.trim_start_matches("https://").to_string();
    // Some say nothing, some half of a greeting.
    let silent: Vec<TcpStream> = (0..40)
        .map(|number| {
            let mut stream = TcpStream::connect(&address).unwrap();
            if number % 2 == 0 {
                stream
                    .write_all(&[0x16, 0x03, 0x01, 0x02, 0x00, 0x01])
                    .unwrap();
            }
            stream
        })
        .collect();
    server.get("/livez").expect(200);
    server.parse_a_page();
    // Plain HTTP gets no answer of HTTP, and no secret either.
    let mut plain = TcpStream::connect(&address).unwrap();
    plain
        .write_all(b"GET /livez HTTP/1.1\r\nHost: x\r\n\r\n")
        .unwrap();
    let mut answer = Vec::new();
    let _ = plain.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP"), "{answer:?}");
    // Those that say nothing are given up after a while, by the server.
    for mut stream in silent {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut rest = Vec::new();
        let ended = stream.read_to_end(&mut rest);
        assert!(ended.is_ok() || ended.unwrap_err().kind() == std::io::ErrorKind::ConnectionReset);
    }
    server.get("/livez").expect(200);
}

#[test]
fn probes_are_answered_beside_clients_that_do_not_agree() {
    let folder = Arc::new(Folder::new());
    with(&folder, "one");
    let flags = [&FLAGS[..], &["--max-connections", "8"]].concat();
    let server = Server::in_folder(folder, &flags);
    server.wait_ready();
    let address = server.url.trim_start_matches("https://");
    // More than the ordinary places and those kept for probes.
    let silent: Vec<TcpStream> = (0..60)
        .map(|_| TcpStream::connect(address).unwrap())
        .collect();
    let begun = Instant::now();
    server.get("/livez").expect(200);
    assert!(begun.elapsed() < Duration::from_secs(7));
    drop(silent);
}

#[test]
fn health_is_asked_over_https() {
    let server = server();
    let port = server.url.rsplit(':').next().unwrap().to_string();
    let mut encrypted = vec!["serve", "--check-health", "--port", &port];
    server.folder.run(&encrypted).expect(1);
    encrypted.extend(FLAGS);
    server.folder.run(&encrypted).expect(0);
}

#[test]
fn files_that_cannot_be_used_are_told_before_the_port_opens() {
    let folder = Folder::new();
    with(&folder, "one");
    let run = |flags: &[&str]| {
        let all = [&["serve", "--port", "0", "--spool", "s"], flags].concat();
        folder.run(&all)
    };
    let ran = run(&FLAGS[..2]).expect(2);
    assert!(ran.stderr.contains("--tls-key"), "{}", ran.stderr);
    run(&FLAGS[2..]).expect(2);
    let ran = run(&["--tls-cert", "none", "--tls-key", "tls.key"]).expect(1);
    assert!(ran.stderr.contains("certificate `none`"), "{}", ran.stderr);
    folder.write("tls.key", pem("two.key"));
    let ran = run(&FLAGS).expect(1);
    assert!(
        ran.stderr.contains("not that of the certificate"),
        "{}",
        ran.stderr
    );
}
