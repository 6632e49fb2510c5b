//! Servers that start, end, are killed, share a folder, or have too much to do.

use super::server::{Server, form, long_pdf, names};
use crate::support::Folder;
use serde_json::{Value, json};
use std::io::{Cursor, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::{Duration, Instant};

#[test]
fn the_port_opens_first_and_probes_are_told_apart() {
    let folder = Arc::new(Folder::new());
    let server = Server::in_folder(folder, &[]);
    // Whether it is ready yet or not.
    server.get("/livez").expect(200);
    let health = server.get("/health");
    assert!(matches!(health.status, 200 | 503));
    if health.status == 503 {
        assert_ne!(health.json()["errorCode"], 0);
        assert_eq!(server.order("", &long_pdf(1)).header("retry-after"), "1");
    }
    server.wait_ready();
    assert_eq!(server.get("/health").expect(200).json()["errorCode"], 0);
    server.get("/startupz").expect(200);
    let metrics = server.get("/metrics").expect(200).text();
    assert!(metrics.contains("docparse_ready 1"), "{metrics}");
    assert!(
        metrics.contains("docparse_queue_oldest_seconds"),
        "{metrics}"
    );
}

#[test]
fn an_idle_server_gives_back_what_its_largest_picture_took() {
    let server = Server::start(&[]);
    let memory = || -> u64 {
        let metrics = server.get("/metrics").expect(200).text();
        let line = metrics
            .lines()
            .find(|line| line.starts_with("docparse_memory_bytes "));
        line.and_then(|line| line.rsplit(' ').next()?.parse().ok())
            .expect("memory in bytes")
    };
    let before = memory();
    let mut page = Vec::new();
    // An input of the line detector with four times the pixels of the self-test's: some 280 MiB more.
    image::GrayImage::from_pixel(1240, 1754, image::Luma([255]))
        .write_to(&mut Cursor::new(&mut page), image::ImageFormat::Png)
        .unwrap();
    let answer = server.order("wait=60", &page).expect(200);
    assert_eq!(answer.json()["state"], "done");
    server.until("the memory is given back", || {
        memory() < before + (100 << 20)
    });
}

#[test]
fn an_id_and_a_trace_go_in_and_come_out() {
    let server = Server::start(&["--log-format", "json"]);
    let trace = "00-0123456789abcdef0123456789abcdef-0123456789abcdef-01";
    let headers = [("x-request-id", "mine-1"), ("traceparent", trace)];
    let answer = server.ask("GET", "/v1/jobs?limit=1&secret=hidden", &headers, b"");
    assert_eq!(answer.header("x-request-id"), "mine-1");
    assert_eq!(answer.header("traceparent"), trace);
    let bad = server.ask("GET", "/livez", &[("x-request-id", "a b")], b"");
    assert_ne!(bad.header("x-request-id"), "a b");
    // The line is written once the answer is on its way.
    server.until("logged", || server.log().contains("mine-1"));
    let log = server.log();
    let line = log.lines().find(|line| line.contains("mine-1")).unwrap();
    let line: Value = serde_json::from_str(line).unwrap();
    assert_eq!(line["fields"]["status"], 200, "{line}");
    assert_eq!(line["fields"]["route"], "/v1/jobs");
    assert!(!log.contains("hidden"), "{log}");
}

#[test]
fn sigterm_gives_jobs_back_and_the_next_server_does_them() {
    let folder = Arc::new(Folder::new());
    let server = Server::in_folder(
        folder.clone(),
        &["--drain-timeout", "0", "--concurrency", "1"],
    );
    server.wait_ready();
    let long = server.order("formats=md", &long_pdf(900)).json();
    let waiting = server.order("formats=md", &long_pdf(2)).json();
    let id = long["id"].as_str().unwrap().to_string();
    server.until("running", || {
        server.get(&format!("/v1/jobs/{id}")).json()["state"] == "running"
    });
    server.signal(libc::SIGTERM);
    assert_eq!(server.ended(), Some(0));
    let next = Server::in_folder(folder, &[]);
    next.wait_ready();
    for job in [&long, &waiting] {
        let job = next.finished(job["id"].as_str().unwrap());
        assert_eq!(job["state"], "done", "{job}");
    }
}

#[test]
fn sigterm_waits_for_jobs_within_the_time_for_it() {
    let server = Server::start(&["--drain-timeout", "60"]);
    let id = server.order("formats=md", &long_pdf(300)).json()["id"].clone();
    server.until("running", || {
        server
            .get(&format!("/v1/jobs/{}", id.as_str().unwrap()))
            .json()["state"]
            == "running"
    });
    let folder = server.folder.clone();
    server.signal(libc::SIGTERM);
    assert_eq!(server.ended(), Some(0));
    let outcome = format!("spool/jobs/{}/outcome.json", id.as_str().unwrap());
    let outcome = std::fs::read_to_string(folder.path().join(outcome)).unwrap();
    assert!(outcome.contains("\"state\":\"done\""), "{outcome}");
}

#[test]
fn killed_servers_on_one_folder_lose_no_job_and_do_none_twice() {
    let folder = Arc::new(Folder::new());
    let mut servers: Vec<Server> = (0..2)
        .map(|_| Server::in_folder(folder.clone(), &[]))
        .collect();
    servers.iter().for_each(Server::wait_ready);
    let mut ids = Vec::new();
    for round in 0..4 {
        for i in 0..5 {
            let pages = 20 + round * 10 + i;
            let job = servers[i % 2].order(
                &format!("formats=md&name=r{round}i{i}.pdf"),
                &long_pdf(pages),
            );
            ids.push((
                job.expect(202).json()["id"].as_str().unwrap().to_string(),
                pages,
            ));
        }
        // In the middle of whatever it does.
        std::thread::sleep(Duration::from_millis(30 + 40 * round as u64));
        let killed = servers.remove(round % 2);
        killed.signal(libc::SIGKILL);
        drop(killed);
        let next = Server::in_folder(folder.clone(), &[]);
        next.wait_ready();
        servers.push(next);
    }
    for (id, pages) in &ids {
        let job = servers[0].finished(id);
        assert_eq!(job["state"], "done", "{job}");
        assert_eq!(job["pages_done"], *pages);
        // The other one knows it, too.
        servers[1].get(&format!("/v1/jobs/{id}")).expect(200);
        let kept = names(&folder.path().join("spool/jobs").join(id));
        let results = kept
            .iter()
            .filter(|name| name.starts_with("results."))
            .count();
        assert_eq!(results, 1, "{kept:?}");
    }
    assert_eq!(names(&folder.path().join("spool/queue")), [""; 0]);
}

#[test]
fn a_job_that_servers_died_with_is_worked_on_alone() {
    let folder = Arc::new(Folder::new());
    let mut suspect = String::new();
    let mut beside = String::new();
    for round in 0..2 {
        let server = Server::in_folder(folder.clone(), &["--concurrency", "1"]);
        server.wait_ready();
        if round == 0 {
            let job = server.order("formats=md", &long_pdf(900)).expect(202);
            suspect = job.json()["id"].as_str().unwrap().to_string();
        }
        let state = |id: &str| server.get(&format!("/v1/jobs/{id}")).json()["state"].clone();
        server.until("under way", || state(&suspect) == "running");
        if round == 1 {
            let job = server.order("formats=md", &long_pdf(200)).expect(202);
            beside = job.json()["id"].as_str().unwrap().to_string();
            assert_eq!(state(&beside), "queued");
        }
        server.signal(libc::SIGKILL);
    }
    let server = Server::in_folder(folder, &["--concurrency", "4"]);
    server.wait_ready();
    let (suspect, beside) = (server.finished(&suspect), server.finished(&beside));
    assert_eq!(
        (&suspect["state"], &beside["state"]),
        (&json!("done"), &json!("done"))
    );
    let moment = |job: &Value, key: &str| job[key].as_str().unwrap().to_string();
    assert!(
        moment(&beside, "finished") <= moment(&suspect, "started"),
        "{beside} {suspect}"
    );
}

#[test]
fn a_full_queue_is_told_at_once() {
    let server = Server::start(&["--max-queued-pages", "1000", "--concurrency", "1"]);
    server
        .order("formats=md&name=long.pdf", &long_pdf(990))
        .expect(202);
    let begun = Instant::now();
    let refused = server.order("formats=md", &long_pdf(100)).expect(429);
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert_ne!(refused.header("retry-after"), "");
    assert_eq!(
        refused.json()["error"]["limit"]["flag"],
        "--max-queued-pages"
    );
    server.order("formats=md", &long_pdf(2)).expect(202);
}

#[test]
fn every_answer_under_load_is_a_job_or_a_refusal() {
    let server = Server::start(&["--max-queued-jobs", "6", "--concurrency", "2"]);
    let codes: Vec<u16> = std::thread::scope(|scope| {
        let ask = |i: usize| {
            let server = &server;
            scope.spawn(move || {
                server
                    .order(&format!("wait=30&formats=md&name={i}.pdf"), &long_pdf(20))
                    .status
            })
        };
        let threads: Vec<_> = (0..40).map(ask).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    });
    assert!(
        codes.iter().all(|code| matches!(code, 200 | 202 | 429)),
        "{codes:?}"
    );
    assert!(codes.contains(&200) && codes.contains(&429), "{codes:?}");
    // And it is idle again.
    server
        .order("wait=30&formats=md&name=last.pdf", &long_pdf(1))
        .expect(200);
}

#[test]
fn clients_that_stall_or_go_away_leave_nothing_behind() {
    let server = Server::start(&["--read-timeout", "1"]);
    let address = server.url.trim_start_matches("http://");
    let head = "POST /v1/jobs HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nsome";
    let mut stalled = TcpStream::connect(address).unwrap();
    stalled.write_all(head.as_bytes()).unwrap();
    let mut gone = TcpStream::connect(address).unwrap();
    gone.write_all(head.as_bytes()).unwrap();
    drop(gone);
    let mut answer = String::new();
    let _ = std::io::Read::read_to_string(&mut stalled, &mut answer);
    assert!(answer.starts_with("HTTP/1.1 408"), "{answer}");
    let spool = server.folder.path().join("spool");
    server.until("clean", || names(&spool.join("incoming")).is_empty());
    assert_eq!(names(&spool.join("jobs")), [""; 0]);
}

#[test]
fn results_go_when_their_time_is_over_or_they_were_fetched() {
    let server = Server::start(&["--single-use-results"]);
    let job = server.parse_a_page();
    let path = job["links"]["result"].as_str().unwrap();
    server.get(path).expect(200);
    server.until("gone", || server.get(path).status == 404);
}

#[test]
fn keys_are_read_again() {
    let folder = Arc::new(Folder::new());
    folder.write("keys", "old\n");
    let server = Server::in_folder(folder.clone(), &["--api-keys-file", "keys"]);
    server.wait_ready();
    let ask = |key: &str| {
        server
            .ask("GET", "/v1/jobs", &[("x-api-key", key)], b"")
            .status
    };
    assert_eq!((ask("old"), ask("new")), (200, 401));
    folder.write("keys", "new\n");
    server.signal(libc::SIGHUP);
    server.until("read", || ask("new") == 200);
    assert_eq!(ask("old"), 401);
    // A pipe is no file of keys: it is told, and holds up nothing, later readings among it.
    let path = folder.path().join("keys");
    std::fs::remove_file(&path).unwrap();
    let name = std::ffi::CString::new(path.to_str().unwrap()).unwrap();
    // SAFETY: a plain call with a text that ends in NUL.
    assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
    for _ in 0..20 {
        server.signal(libc::SIGHUP);
        assert_eq!(ask("new"), 200);
    }
    server.until("told", || server.log().contains("regular file"));
    std::fs::remove_file(&path).unwrap();
    folder.write("keys", "newer\n");
    server.signal(libc::SIGHUP);
    server.until("read", || ask("newer") == 200);
    assert_eq!(ask("new"), 401);
    server.signal(libc::SIGTERM);
    assert_eq!(server.ended(), Some(0));
}

#[test]
fn wrong_uses_are_told_before_the_port_opens() {
    let folder = Folder::new();
    let ran = folder
        .run(&[
            "serve",
            "--api-keys-file",
            "none",
            "--spool",
            "s",
            "--port",
            "0",
        ])
        .expect(1);
    assert!(ran.stderr.contains("API keys `none`"), "{}", ran.stderr);
    folder.write("file", "");
    let ran = folder
        .run(&["serve", "--spool", "file", "--port", "0"])
        .expect(1);
    assert!(
        ran.stderr.contains("the spool folder `file`"),
        "{}",
        ran.stderr
    );
    folder.run(&["serve", "--text-layer", "maybe"]).expect(2);
    folder
        .run(&["serve", "--check-health", "--port", "1"])
        .expect(1);
}

#[test]
fn many_files_of_one_request_are_bounded() {
    let server = Server::start(&["--max-files", "2"]);
    let page = long_pdf(1);
    let part = ("file", Some("a.pdf"), page.as_slice());
    let (kind, body) = form(&[part, part, part]);
    let answer = server
        .ask("POST", "/v1/jobs", &[("content-type", &kind)], &body)
        .expect(413);
    assert_eq!(answer.json()["error"]["limit"]["name"], "max_files");
}

#[test]
fn one_key_never_has_all_places() {
    let folder = Arc::new(Folder::new());
    let keys = folder.write("keys", "alpha\nbeta\n");
    let keys = keys.to_str().unwrap().to_string();
    let server = Server::in_folder(folder, &["--api-keys-file", &keys, "--concurrency", "2"]);
    server.wait_ready();
    let order = |key: &str, query: &str, pages: usize| {
        let headers = [("x-api-key", key), ("content-type", "application/pdf")];
        let path = format!("/v1/jobs?formats=md&{query}");
        server.ask("POST", &path, &headers, &long_pdf(pages)).json()
    };
    let first = order("alpha", "name=first.pdf", 2500);
    let second = order("alpha", "name=second.pdf", 2500);
    let other = order("beta", "wait=60", 1);
    assert_eq!(other["state"], "done", "{other}");
    let state = |job: &Value| {
        let path = format!("/v1/jobs/{}", job["id"].as_str().unwrap());
        server
            .ask("GET", &path, &[("x-api-key", "alpha")], b"")
            .json()["state"]
            .clone()
    };
    assert_eq!(
        (state(&first), state(&second)),
        (json!("running"), json!("queued"))
    );
}
