//! Webhooks: who is told of the end of jobs, how, and how often.

use super::server::{Server, error, form, is_clean, long_pdf, names};
use crate::http::{Request, say, serve};
use crate::support::Folder;
use hmac::{Hmac, Mac};
use serde_json::Value;
use sha2::Sha256;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

const SECRET: &str = "a secret of tests";

/// A receiver of webhooks that answers with these statuses in turn, the last for good; what it got.
fn receiver(statuses: &'static [u16]) -> (SocketAddr, Arc<Mutex<Vec<Request>>>) {
    let got = Arc::new(Mutex::new(Vec::new()));
    let kept = got.clone();
    let at = serve(move |request, stream| {
        let mut kept = kept.lock().unwrap();
        let status = statuses[kept.len().min(statuses.len() - 1)];
        kept.push(request.clone());
        drop(kept);
        say(stream, status, "Location: /elsewhere\r\n", b"");
        true
    });
    (at, got)
}

/// A server that tells this receiver.
fn telling(at: SocketAddr) -> Server {
    telling_in(Arc::new(Folder::new()), at)
}

/// The same in a folder that others have, too.
fn telling_in(folder: Arc<Folder>, at: SocketAddr) -> Server {
    folder.write("secret", SECRET);
    let hosts = at.to_string();
    let flags = [
        "--webhook-hosts",
        &*hosts,
        "--webhook-secret-file",
        "secret",
        "--allow-private-urls",
    ];
    let server = Server::in_folder(folder, &flags);
    server.wait_ready();
    server
}

fn verify(request: &Request, secret: &str) {
    let signature = request.header("x-docparse-signature");
    let (time, hash) = signature.split_once(",v1=").unwrap();
    let time = time.strip_prefix("t=").unwrap();
    let now = std::time::SystemTime::now();
    let now = now.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    assert!(now.abs_diff(time.parse().unwrap()) < 60);
    let mut expected = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    expected.update(format!("{time}.").as_bytes());
    expected.update(&request.body);
    let expected: String = expected
        .finalize()
        .into_bytes()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert_eq!(hash, expected);
}

#[test]
fn webhooks_are_signed_and_tried_again() {
    let (at, got) = receiver(&[500, 302, 204]);
    let server = telling(at);
    let hook = format!("webhook=http://{at}/hook?token=hidden");
    let job = server.order(&format!("wait=60&formats=md&{hook}"), &long_pdf(1));
    let job = job.expect(200).json();
    assert!(!job.to_string().contains("hidden"), "{job}");
    let spool = server.folder.path().join("spool/webhooks");
    server.until("told", || names(&spool).is_empty());
    let got = got.lock().unwrap();
    // No redirect was followed.
    let paths: Vec<&str> = got.iter().map(|request| request.path.as_str()).collect();
    assert_eq!(paths, ["/hook?token=hidden"; 3]);
    for request in got.iter() {
        verify(request, SECRET);
        assert_eq!(request.header("x-docparse-event"), "job.done");
        assert_eq!(
            request.header("x-docparse-delivery"),
            got[0].header("x-docparse-delivery")
        );
        assert_eq!(serde_json::from_slice::<Value>(&request.body).unwrap(), job);
    }
    let metrics = server.get("/metrics").text();
    for line in ["delivered\"} 1", "failed\"} 2"] {
        let line = format!("docparse_webhooks_total{{outcome=\"{line}");
        assert!(metrics.contains(&line), "{metrics}");
    }
    let log = server.log();
    assert!(!log.contains("hidden") && !log.contains(SECRET), "{log}");
    let times: Vec<&str> = got
        .iter()
        .map(|r| r.header("x-docparse-signature"))
        .collect();
    assert_ne!(times[0], times[2]);
}

#[test]
fn every_end_is_told_and_secrets_are_read_again() {
    let (at, got) = receiver(&[200]);
    let server = telling(at);
    let hook = format!("http://{at}/hook");
    let told = |count: usize| {
        server.until("told", || got.lock().unwrap().len() == count);
        got.lock().unwrap()[count - 1].clone()
    };
    server.order(&format!("webhook={hook}"), b"neither this nor that");
    assert_eq!(told(1).header("x-docparse-event"), "job.failed");
    // As a field of a form.
    let (kind, body) = form(&[
        ("file", Some("bad.pdf"), b"%PDF-1.4 and nothing more"),
        ("file", Some("good.pdf"), &long_pdf(1)),
        ("webhook", None, hook.as_bytes()),
    ]);
    server.ask("POST", "/v1/jobs", &[("content-type", &kind)], &body);
    assert_eq!(told(2).header("x-docparse-event"), "job.partial");
    server.folder.write("secret", "quite another secret\n");
    server.signal(libc::SIGHUP);
    let job = server.order(&format!("formats=md&webhook={hook}"), &long_pdf(3000));
    let path = format!("/v1/jobs/{}", job.json()["id"].as_str().unwrap());
    server.ask("DELETE", &path, &[], b"").expect(200);
    let last = told(3);
    assert_eq!(last.header("x-docparse-event"), "job.canceled");
    verify(&last, "quite another secret");
}

#[test]
fn webhooks_of_other_hosts_are_refused() {
    let (at, got) = receiver(&[410]);
    let server = telling(at);
    for hook in [
        "http://127.0.0.2/".to_string(),
        format!("http://127.0.0.1:{}/", at.port() ^ 1),
        format!("http://me@{at}/"),
        format!("ftp://{at}/"),
        "x".into(),
    ] {
        let answer = server.order(&format!("webhook={hook}"), &long_pdf(1));
        assert_eq!(error(&answer).0, 403, "{hook}");
    }
    assert!(is_clean(&server));
    let spool = server.folder.path().join("spool/webhooks");
    assert_eq!(names(&spool), [""; 0]);
    // One that wants no more is not asked again.
    let job = server.order(&format!("wait=60&webhook=http://{at}/"), &long_pdf(1));
    job.expect(200);
    server.until("told", || names(&spool).is_empty());
    std::thread::sleep(Duration::from_millis(1500));
    assert_eq!(got.lock().unwrap().len(), 1);
    let off = Server::start(&[]);
    let told = error(&off.order("webhook=https://example.org/", &long_pdf(1)));
    assert_eq!(told.0, 403);
    assert!(told.2.contains("webhook_hosts"), "{told:?}");
    let folder = Folder::new();
    folder
        .run(&["serve", "--webhook-hosts", "a.example"])
        .expect(2);
    let none = [
        "--webhook-secret-file",
        "none",
        "--spool",
        "s",
        "--port",
        "0",
    ];
    let ran = folder.run(&[&["serve", "--webhook-hosts", "a.example"][..], &none].concat());
    assert!(ran.expect(1).stderr.contains("secret of webhooks `none`"));
}

#[test]
fn inner_addresses_are_told_nothing() {
    let (at, got) = receiver(&[200]);
    let folder = Arc::new(Folder::new());
    folder.write("secret", SECRET);
    let hosts = format!("{at},localhost:{}", at.port());
    let flags = [
        "--webhook-hosts",
        &*hosts,
        "--webhook-secret-file",
        "secret",
    ];
    let server = Server::in_folder(folder, &flags);
    server.wait_ready();
    for host in [at.to_string(), format!("localhost:{}", at.port())] {
        let answer = server.order(&format!("webhook=http://{host}/"), &long_pdf(1));
        assert_eq!(error(&answer).0, 403, "{host}");
    }
    assert_eq!(got.lock().unwrap().len(), 0);
}

#[test]
fn webhooks_survive_a_killed_server() {
    let (at, got) = receiver(&[500, 500, 200]);
    let folder = Arc::new(Folder::new());
    let first = telling_in(folder.clone(), at);
    // One whose job has not ended, one whose delivery has begun.
    let hook = format!("webhook=http://{at}/");
    let ended = first.order(&format!("formats=md&name=a.pdf&{hook}"), &long_pdf(1));
    let ended = ended.json();
    first.until("tried", || !got.lock().unwrap().is_empty());
    let open = first.order(&format!("formats=md&name=b.pdf&{hook}"), &long_pdf(400));
    let open = open.json();
    first.signal(libc::SIGKILL);
    drop(first);
    let next = telling_in(folder, at);
    let spool = next.folder.path().join("spool/webhooks");
    next.until("told", || names(&spool).is_empty());
    let got = got.lock().unwrap();
    for job in [ended, open] {
        let of_job: Vec<&Request> = got
            .iter()
            .filter(|r| serde_json::from_slice::<Value>(&r.body).unwrap()["id"] == job["id"])
            .collect();
        let delivery = of_job.last().unwrap().header("x-docparse-delivery");
        assert!(
            of_job
                .iter()
                .all(|r| r.header("x-docparse-delivery") == delivery)
        );
        of_job.iter().for_each(|request| verify(request, SECRET));
    }
}

#[test]
fn of_two_servers_one_tells() {
    let (at, got) = receiver(&[200]);
    let folder = Arc::new(Folder::new());
    let servers = [0, 1].map(|_| telling_in(folder.clone(), at));
    let mut ids = Vec::new();
    for i in 0..20 {
        let query = format!("formats=md&name={i}.pdf&webhook=http://{at}/");
        let job = servers[i % 2].order(&query, &long_pdf(1)).json();
        ids.push(job["id"].clone());
    }
    let spool = folder.path().join("spool/webhooks");
    servers[0].until("told", || names(&spool).is_empty());
    std::thread::sleep(Duration::from_millis(1200));
    let mut told: Vec<Value> = got
        .lock()
        .unwrap()
        .iter()
        .map(|r| serde_json::from_slice::<Value>(&r.body).unwrap()["id"].clone())
        .collect();
    told.sort_by_key(Value::to_string);
    ids.sort_by_key(Value::to_string);
    assert_eq!(told, ids);
    // Both had something to do.
    let count = |server: &Server| server.log().matches("outcome=delivered").count();
    let counts = [count(&servers[0]), count(&servers[1])];
    assert_eq!(counts[0] + counts[1], 20, "{}", servers[0].log());
}

#[test]
fn a_removed_job_is_told_no_more() {
    let (at, got) = receiver(&[500]);
    let server = telling(at);
    let job = server.order(&format!("wait=60&webhook=http://{at}/"), &long_pdf(1));
    let path = format!("/v1/jobs/{}?purge=true", job.json()["id"].as_str().unwrap());
    server.until("tried", || !got.lock().unwrap().is_empty());
    server.ask("DELETE", &path, &[], b"").expect(200);
    let count = got.lock().unwrap().len();
    std::thread::sleep(Duration::from_millis(2500));
    assert!(got.lock().unwrap().len() <= count + 1);
}

#[test]
fn a_receiver_that_hangs_holds_up_nothing() {
    let at = serve(|request, stream| {
        if request.path == "/hang" {
            std::thread::sleep(Duration::from_secs(60));
        }
        say(stream, 200, "", b"");
        true
    });
    let (other, got) = receiver(&[200]);
    let folder = Arc::new(Folder::new());
    folder.write("secret", SECRET);
    // Another name for the same machine is another host.
    let hosts = format!("{at},localhost:{}", other.port());
    let flags = [
        "--webhook-hosts",
        &*hosts,
        "--webhook-secret-file",
        "secret",
        "--allow-private-urls",
    ];
    let server = Server::in_folder(folder, &flags);
    server.wait_ready();
    for i in 0..8 {
        let query = format!("wait=60&formats=md&name={i}.pdf&webhook=http://{at}/hang");
        server.order(&query, &long_pdf(1)).expect(200);
    }
    let begun = Instant::now();
    let hook = format!("http://localhost:{}/", other.port());
    server.order(&format!("wait=60&formats=md&webhook={hook}"), &long_pdf(1));
    server.until("told", || got.lock().unwrap().len() == 1);
    assert!(begun.elapsed() < Duration::from_secs(9));
}
