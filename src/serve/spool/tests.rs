//! Jobs of two servers on one folder, in all orders of events.

use super::*;
use std::time::Duration;

/// A folder with two servers.
fn two() -> (tempfile::TempDir, Spool, Spool) {
    let folder = tempfile::tempdir().unwrap();
    let (one, other) = (Spool::open(folder.path()), Spool::open(folder.path()));
    (folder, one.unwrap(), other.unwrap())
}

fn record(incoming: &Incoming) -> JobRecord {
    JobRecord {
        id: new_id(),
        key: String::new(),
        owner: String::new(),
        created_ms: now_ms(),
        files: incoming.files().to_vec(),
        settings: serde_json::Map::new(),
        formats: Vec::new(),
        pages: None,
        answer: None,
        docling: None,
        webhook: None,
        trace: None,
        page_estimate: 1,
        waited_at: None,
    }
}

fn ordered(spool: &Spool, bytes: &[u8], key: &str) -> Ordered {
    let mut incoming = spool.incoming().unwrap();
    let mut file = incoming.begin().unwrap();
    file.write(bytes).unwrap();
    incoming.end(file, "a.pdf".into()).unwrap();
    let record = record(&incoming);
    spool.order(incoming, record, key, &|_| true).unwrap()
}

fn new_job(spool: &Spool) -> String {
    match ordered(spool, b"bytes", &random()) {
        Ordered::New(id) => id,
        Ordered::Known(id) => panic!("{id} is known"),
    }
}

/// Takes a job; `None` if it is not free.
fn taken(spool: &Spool, id: &str) -> Option<Lease> {
    match spool.claim(id, true).unwrap() {
        Claim::Taken(lease) => Some(lease),
        Claim::NotFree => None,
        Claim::Suspect => panic!("{id} was left"),
    }
}

fn done() -> Outcome {
    Outcome::without_result(JobState::Done, None)
}

fn state(spool: &Spool, id: &str) -> JobState {
    spool.status(id).unwrap().unwrap().state
}

#[test]
fn a_job_is_seen_by_all_and_worked_on_by_one() {
    let (_folder, one, other) = two();
    let id = new_job(&one);
    assert_eq!(state(&other, &id), JobState::Queued);
    assert_eq!(fs::read(other.input(&id, 0).unwrap()).unwrap(), b"bytes");
    let lease = taken(&one, &id).unwrap();
    assert!(taken(&other, &id).is_none());
    assert!(taken(&one, &id).is_none());
    assert_eq!(state(&other, &id), JobState::Running);
    assert!(one.finish(&id, lease, &done()).unwrap());
    assert_eq!(state(&other, &id), JobState::Done);
    assert!(other.open_jobs().unwrap().is_empty());
    assert!(taken(&other, &id).is_none());
    // Nobody needs its files any more.
    assert!(!other.input(&id, 0).unwrap().exists());
}

#[test]
fn many_threads_claim_a_job_once() {
    let (_folder, one, other) = two();
    for _ in 0..20 {
        let id = new_job(&one);
        let claims: Vec<Option<Lease>> = std::thread::scope(|scope| {
            let claim = |i: usize| {
                let (spool, id) = (if i.is_multiple_of(2) { &one } else { &other }, &id);
                scope.spawn(move || taken(spool, id))
            };
            let threads: Vec<_> = (0..8).map(claim).collect();
            threads.into_iter().map(|t| t.join().unwrap()).collect()
        });
        assert_eq!(claims.iter().flatten().count(), 1);
    }
}

#[test]
fn the_job_of_a_dead_server_is_taken_up_and_its_late_result_dropped() {
    let (_folder, one, other) = two();
    let id = new_job(&one);
    let dead = taken(&one, &id).unwrap();
    fs::create_dir(one.results(&id, 1).unwrap()).unwrap();
    // As if it stood still for long, on another machine: its lock tells nothing then.
    let long_ago = SystemTime::now() - lease::EXPIRY - Duration::from_secs(5);
    let file = one.folder(&id).unwrap().join("lease.1");
    let file = OpenOptions::new().write(true).open(file).unwrap();
    file.set_modified(long_ago).unwrap();
    assert_eq!(state(&other, &id), JobState::Queued);
    let lease = taken(&other, &id).unwrap();
    assert_eq!(lease.attempt, 2);
    assert!(!other.results(&id, 1).unwrap().exists());
    // It wakes up, sees that somebody has taken over, and ends all the same.
    assert!(!one.beat(&id, &dead).unwrap());
    assert!(!one.finish(&id, dead, &done()).unwrap());
    assert_eq!(state(&one, &id), JobState::Running);
    assert!(other.finish(&id, lease, &done()).unwrap());
    assert_eq!(state(&one, &id), JobState::Done);
}

#[test]
fn how_far_a_job_is_tells_who_holds_the_newest_lease() {
    let (_folder, one, other) = two();
    let id = new_job(&one);
    let progress = |attempt, pages_done| Progress {
        attempt,
        started_ms: 0,
        files: vec![FileProgress {
            pages_done,
            ..FileProgress::queued()
        }],
    };
    let shown = || other.status(&id).unwrap().unwrap().progress;
    let first = taken(&one, &id).unwrap();
    one.set_progress(&id, &progress(first.attempt, 7)).unwrap();
    assert_eq!(shown(), Some(progress(1, 7)));
    drop(first);
    let second = taken(&other, &id).unwrap();
    assert_eq!(shown(), None);
    other
        .set_progress(&id, &progress(second.attempt, 1))
        .unwrap();
    // The first server goes on for a while before it sees that it has lost the job.
    one.set_progress(&id, &progress(1, 8)).unwrap();
    assert_eq!(shown(), Some(progress(2, 1)));
    // Of an attempt with the same number that was given back nothing is shown.
    other.give_back(second);
    one.set_progress(&id, &progress(1, 9)).unwrap();
    let third = taken(&one, &id).unwrap();
    assert_eq!((third.attempt, shown()), (2, None));
}

#[test]
fn the_result_of_a_job_that_ends_while_others_look_stays() {
    let (_folder, one, other) = two();
    for _ in 0..150 {
        let id = new_job(&one);
        let lease = taken(&one, &id).unwrap();
        let results = one.results(&id, 1).unwrap();
        fs::create_dir(&results).unwrap();
        std::thread::scope(|scope| {
            let looking = scope.spawn(|| {
                while other.open_jobs().unwrap().contains(&id) {
                    assert!(taken(&other, &id).is_none());
                }
            });
            assert!(one.finish(&id, lease, &done()).unwrap());
            looking.join().unwrap();
        });
        assert!(results.exists());
        assert_eq!(state(&other, &id), JobState::Done);
    }
}

#[test]
fn an_order_that_was_repeated_after_a_kill_is_one_job() {
    let (_folder, one, _) = two();
    let Ordered::New(first) = ordered(&one, b"x", "key") else {
        panic!("it is new");
    };
    // Killed before the key was placed, and ordered again.
    fs::remove_file(one.root.join("keys/key")).unwrap();
    fs::remove_file(one.marker(&first)).unwrap();
    let Ordered::New(second) = ordered(&one, b"x", "key") else {
        panic!("nothing leads to the first");
    };
    let record = one.record(&first).unwrap().unwrap();
    assert!(!one.settle(&record).unwrap());
    assert!(one.record(&first).unwrap().is_none());
    assert_eq!(one.open_jobs().unwrap(), std::slice::from_ref(&second));
    // Killed before its turn, and ordered again.
    fs::remove_file(one.marker(&second)).unwrap();
    assert_eq!(ordered(&one, b"x", "key"), Ordered::Known(second.clone()));
    assert_eq!(one.open_jobs().unwrap(), [second]);
}

#[test]
fn the_lock_of_a_dead_process_is_free_at_once() {
    let (_folder, one, other) = two();
    let id = new_job(&one);
    drop(taken(&one, &id).unwrap());
    assert_eq!(taken(&other, &id).unwrap().attempt, 2);
}

#[test]
fn a_job_that_servers_die_of_fails() {
    let (_folder, one, _) = two();
    let id = new_job(&one);
    for attempt in 1..=MOST_ATTEMPTS {
        let is_suspect = attempt > SUSPECT;
        assert_eq!(one.is_suspect(&id).unwrap(), is_suspect);
        match one.claim(&id, false).unwrap() {
            Claim::Suspect => assert!(is_suspect),
            Claim::Taken(lease) if !is_suspect => one.give_back(lease),
            other => panic!("{other:?}"),
        }
        let lease = taken(&one, &id).unwrap();
        assert_eq!(lease.attempt, attempt);
        assert!(!one.is_suspect(&id).unwrap(), "somebody works on it");
        assert!(matches!(one.claim(&id, false).unwrap(), Claim::NotFree));
    }
    assert!(taken(&one, &id).is_none());
    let status = one.status(&id).unwrap().unwrap();
    assert_eq!(status.state, JobState::Failed);
    assert_eq!(status.outcome.unwrap().error.unwrap().code, "worker_died");
}

#[test]
fn a_job_that_is_given_back_counts_no_attempt() {
    let (_folder, one, other) = two();
    let id = new_job(&one);
    for _ in 0..10 {
        let lease = taken(&one, &id).unwrap();
        assert_eq!(lease.attempt, 1);
        fs::create_dir(one.results(&id, 1).unwrap()).unwrap();
        one.give_back(lease);
        assert_eq!(state(&other, &id), JobState::Queued);
    }
}

#[test]
fn cancelling_ends_a_waiting_job_and_is_told_to_who_works() {
    let (_folder, one, other) = two();
    let id = new_job(&one);
    other.cancel(&id).unwrap();
    assert_eq!(state(&one, &id), JobState::Canceled);
    let id = new_job(&one);
    let lease = taken(&one, &id).unwrap();
    other.cancel(&id).unwrap();
    assert!(one.is_cancelled(&id));
    assert_eq!(state(&other, &id), JobState::Running);
    // The server dies before it looks: the next one does not begin.
    drop(lease);
    assert!(taken(&other, &id).is_none());
    assert_eq!(state(&one, &id), JobState::Canceled);
}

#[test]
fn equal_orders_are_one_job_while_it_is_of_use() {
    let (_folder, one, other) = two();
    let Ordered::New(id) = ordered(&one, b"x", "key") else {
        panic!("it is new");
    };
    assert_eq!(ordered(&other, b"x", "key"), Ordered::Known(id.clone()));
    other.cancel(&id).unwrap();
    let Ordered::New(second) = ordered(&other, b"x", "key") else {
        panic!("that job is cancelled");
    };
    other.remove(&second).unwrap();
    assert!(matches!(ordered(&one, b"x", "key"), Ordered::New(_)));
    assert!(
        fs::read_dir(one.root.join("incoming"))
            .unwrap()
            .next()
            .is_none()
    );
}

#[test]
fn equal_orders_at_the_same_moment_are_one_job() {
    let (_folder, one, other) = two();
    for round in 0..10 {
        let key = format!("key{round}");
        let results: Vec<Ordered> = std::thread::scope(|scope| {
            let order = |i: usize| {
                let (spool, key) = (if i.is_multiple_of(2) { &one } else { &other }, &key);
                scope.spawn(move || ordered(spool, b"x", key))
            };
            let threads: Vec<_> = (0..6).map(order).collect();
            threads.into_iter().map(|t| t.join().unwrap()).collect()
        });
        let is_new = |ordered: &&Ordered| matches!(ordered, Ordered::New(_));
        assert_eq!(results.iter().filter(is_new).count(), 1);
        let ids = results
            .iter()
            .map(|(Ordered::New(id) | Ordered::Known(id))| id);
        let ids: std::collections::BTreeSet<_> = ids.collect();
        assert_eq!(ids.len(), 1);
        assert!(ids.iter().all(|id| other.status(id).unwrap().is_some()));
    }
    assert_eq!(one.jobs().unwrap().len(), 10);
}

#[test]
fn a_sweep_removes_what_is_over_and_enqueues_what_was_lost() {
    let (_folder, one, _) = two();
    let rules = |seconds, bytes| SweepRules {
        result_ttl: Duration::from_secs(seconds),
        max_results_size: bytes,
    };
    let finished = |ago: u64, size: u64| {
        let id = new_job(&one);
        let file = FileProgress {
            outputs: vec![("a.md".into(), size)],
            ..FileProgress::queued()
        };
        let outcome = Outcome {
            finished_ms: now_ms() - ago * 1000,
            progress: Some(Progress {
                attempt: 1,
                started_ms: 0,
                files: vec![file],
            }),
            ..done()
        };
        one.end(&id, &outcome).unwrap();
        id
    };
    let (old, large, new) = (finished(100, 1), finished(20, 700), finished(10, 300));
    let waiting = new_job(&one);
    let swept = one.sweep(&rules(60, 1000)).unwrap();
    assert_eq!((swept.removed, swept.bytes), (1, 1000));
    assert!(one.status(&old).unwrap().is_none());
    let swept = one.sweep(&rules(60, 999)).unwrap();
    assert_eq!((swept.removed, swept.bytes), (1, 300));
    assert!(one.status(&large).unwrap().is_none());
    assert_eq!(state(&one, &new), JobState::Done);
    // A server died between the job and its place in the queue.
    fs::remove_file(one.marker(&waiting)).unwrap();
    assert_eq!(one.sweep(&rules(60, 999)).unwrap().enqueued, 0);
    let path = one.folder(&waiting).unwrap().join("request.json");
    let mut record: JobRecord = files::read(&path).unwrap().unwrap();
    record.created_ms -= 2 * 60_000;
    fs::write(&path, serde_json::to_vec(&record).unwrap()).unwrap();
    one.forget(&waiting);
    assert_eq!(one.sweep(&rules(60, 999)).unwrap().enqueued, 1);
    assert_eq!(one.open_jobs().unwrap(), [waiting]);
}

#[test]
fn leftovers_of_killed_servers_are_removed_once_they_are_old() {
    let (_folder, one, _) = two();
    let incoming = one.incoming().unwrap();
    let path = incoming.path().to_path_buf();
    std::mem::forget(incoming);
    let rules = SweepRules {
        result_ttl: Duration::from_secs(1),
        max_results_size: 0,
    };
    one.sweep(&rules).unwrap();
    assert!(path.exists());
    let long_ago = SystemTime::now() - Duration::from_secs(7 * 3600);
    File::open(&path).unwrap().set_modified(long_ago).unwrap();
    one.sweep(&rules).unwrap();
    assert!(!path.exists());
}

#[test]
fn only_ids_become_paths() {
    let (_folder, one, _) = two();
    for text in [
        "",
        "..",
        "../../etc",
        &"A".repeat(44),
        &"0".repeat(43),
        &"/".repeat(44),
    ] {
        assert!(one.record(text).unwrap().is_none(), "{text}");
        assert!(one.folder(text).is_none() && one.cancel(text).is_err());
    }
}

#[test]
fn a_key_of_addresses_is_used_only_if_it_can_be_a_secret() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, one, other) = two();
    let path = folder.path().join("link-key");
    let key = one.link_key().unwrap();
    assert_eq!(other.link_key().unwrap(), key);
    let mode = |mode| fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
    mode(0o660);
    assert_eq!(one.link_key().unwrap(), key);
    let refused = |why: &str| {
        let fault = one.link_key().unwrap_err().to_string();
        assert!(fault.contains(why), "{fault}");
    };
    for open in [0o604, 0o602] {
        mode(open);
        refused("any user of the system");
    }
    mode(0o600);
    for damaged in [vec![0; 64], vec![b'g'; 64], vec![b'0'; 63], vec![b'0'; 65]] {
        fs::write(&path, damaged).unwrap();
        refused("damaged; remove it");
    }
    fs::remove_file(&path).unwrap();
    let name = std::ffi::CString::new(path.to_str().unwrap()).unwrap();
    // SAFETY: the name is a C string.
    assert_eq!(unsafe { libc::mkfifo(name.as_ptr(), 0o600) }, 0);
    refused("regular file");
}
