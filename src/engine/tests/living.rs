//! An engine with many clients: fairness, cancellation, slow and vanished receivers, job settings, faults.

use super::*;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::time::Instant;

/// Events that a client received about its job.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Heard {
    pub(super) pages: Vec<(usize, Vec<String>)>,
    pub(super) end: Option<Result<(), JobFault>>,
}

/// A source with slow pages: `each` is the time to read one; `read` records each.
fn slow_source(pages: usize, each: Duration, read: &Arc<Mutex<Vec<usize>>>) -> Arc<dyn PageSource> {
    let read = read.clone();
    let on_read = Box::new(move || {
        let end = Instant::now() + each;
        while Instant::now() < end {
            crate::deadline::check();
            std::thread::sleep(Duration::from_micros(100));
        }
        read.lock().unwrap().push(pages);
    });
    Arc::new(FakeSource {
        on_read,
        ..FakeSource::of(pages, |_| Trouble::None)
    })
}

pub(super) fn submission(
    id: usize,
    source: Arc<dyn PageSource>,
    events: &EventSender,
) -> Submission {
    Submission {
        job: Arc::new(job(id)),
        source: Box::new(move || Ok(source)),
        pages: PageSelection::default(),
        max_pages: None,
        settings: Arc::new(settings()),
        cancel: Arc::default(),
        stop: Arc::default(),
        events: events.clone(),
    }
}

fn vl_plan() -> PlanOptions {
    PlanOptions::Vl(Box::new(crate::plan::tests::vl()))
}

fn fake_source(pages: usize, trouble: fn(usize) -> Trouble) -> Arc<dyn PageSource> {
    Arc::new(FakeSource::of(pages, trouble))
}

fn stages(trouble: fn(usize) -> Trouble) -> Stages {
    fake_stages(trouble, 1)
}

/// Receives until `jobs` jobs have ended; fails after a while.
#[track_caller]
pub(super) fn receive(events: &EventReceiver, jobs: usize) -> BTreeMap<usize, Heard> {
    let mut heard: BTreeMap<usize, Heard> = BTreeMap::new();
    let until = Instant::now() + Duration::from_secs(60);
    let mut ended = 0;
    while ended < jobs {
        assert!(
            Instant::now() < until,
            "{ended} of {jobs} jobs have ended: {heard:?}"
        );
        let Some(delivery) = events.receive(Duration::from_millis(100)).unwrap() else {
            continue;
        };
        let of = heard.entry(delivery.job).or_default();
        assert_eq!(of.end, None, "nothing comes after the end");
        match delivery.event {
            Event::Page { page, .. } => {
                let contents = page
                    .page
                    .blocks
                    .iter()
                    .map(|block| block.content.clone())
                    .collect();
                of.pages.push((page.page.page_index, contents));
            }
            Event::Finished => of.end = Some(Ok(())),
            Event::GivenUp(fault) => of.end = Some(Err(fault)),
            Event::Opened(_) | Event::AllStarted => continue,
        }
        ended += usize::from(of.end.is_some());
    }
    heard
}

pub(super) fn whole(pages: usize) -> Heard {
    let page = |page: usize| {
        (
            page,
            (0..page % 4)
                .map(|block| format!("{page}:{block}"))
                .collect(),
        )
    };
    Heard {
        pages: (0..pages).map(page).collect(),
        end: Some(Ok(())),
    }
}

#[test]
fn sixty_four_clients_get_what_each_gets_alone() {
    let engine = Engine::start(stages(|_| Trouble::None), limits(3, 6)).unwrap();
    std::thread::scope(|scope| {
        for client in 0..64usize {
            let engine = &engine;
            scope.spawn(move || {
                let mut dice = Dice(client as u64);
                let (sender, receiver) = events();
                // Settings per job: every third job takes a part of the pages, every fourth keeps the pixels.
                let pages = 1 + dice.roll(20) as usize;
                let mut own = submission(client, fake_source(pages, |_| Trouble::None), &sender);
                let wanted = if client % 3 == 0 {
                    1 + pages / 2
                } else {
                    pages
                };
                own.max_pages = Some(wanted);
                own.settings = Arc::new(JobSettings {
                    keep_pixels: client % 4 == 0,
                    ..settings()
                });
                engine.submit(own).unwrap();
                let heard = receive(&receiver, 1);
                assert_eq!(heard[&client], whole(wanted), "client {client}");
            });
        }
    });
    assert_eq!(engine.open_jobs.load(Ordering::SeqCst), 0);
}

#[test]
fn a_thousand_jobs_of_random_troubles_each_have_one_end() {
    quiet_panics();
    let trouble = |page: usize| match page % 11 {
        9 => Trouble::RecognizerDies,
        10 => Trouble::RecognizerPanics,
        _ => troubles(page),
    };
    let engine = Engine::start(
        stages(trouble),
        Limits {
            jobs: 20,
            ..limits(2, 4)
        },
    )
    .unwrap();
    let mut dice = Dice(11);
    for round in 0..100 {
        let (sender, receiver) = events();
        let mut cancels = Vec::new();
        for id in 0..10 {
            let length = 1 + dice.roll(13) as usize;
            let mut own = submission(id, fake_source(length, trouble), &sender);
            if dice.roll(8) == 0 {
                own.source = Box::new(|| panic!("the source panics"));
            }
            if dice.roll(3) == 0 {
                cancels.push((dice.roll(3000), own.cancel.clone()));
            }
            engine.submit(own).unwrap();
        }
        let heard = std::thread::scope(|scope| {
            scope.spawn(move || {
                cancels.sort_by_key(|(after, _)| *after);
                let mut slept = 0;
                for (after, cancel) in cancels {
                    std::thread::sleep(Duration::from_micros(after - slept));
                    slept = after;
                    cancel.store(true, Ordering::Relaxed);
                }
            });
            receive(&receiver, 10)
        });
        assert_eq!(heard.len(), 10, "round {round}");
        for of in heard.values() {
            let indices: Vec<usize> = of.pages.iter().map(|(index, _)| *index).collect();
            assert_eq!(
                indices,
                (0..indices.len()).collect::<Vec<_>>(),
                "in order, each once"
            );
        }
    }
    assert_eq!(engine.open_jobs.load(Ordering::SeqCst), 0);
}

#[test]
fn a_book_does_not_stop_a_letter() {
    let engine = Engine::start(stages(|_| Trouble::None), limits(1, 2)).unwrap();
    let read = Arc::<Mutex<Vec<usize>>>::default();
    let source = |pages| slow_source(pages, Duration::from_millis(1), &read);
    let (sender, receiver) = events();
    engine.submit(submission(0, source(300), &sender)).unwrap();
    // The book is well in progress when the letter comes.
    while read.lock().unwrap().len() < 20 {
        drop(receiver.receive(Duration::from_millis(5)).unwrap());
    }
    let (letter, answered) = events();
    engine.submit(submission(1, source(3), &letter)).unwrap();
    let done = std::thread::scope(|scope| {
        let reader = scope.spawn(|| receive(&answered, 1));
        while !reader.is_finished() {
            drop(receiver.receive(Duration::from_millis(5)).unwrap());
        }
        reader.join().unwrap()
    });
    assert_eq!(done[&1], whole(3));
    let read = read.lock().unwrap();
    let first = read.iter().position(|pages| *pages == 3).unwrap();
    let last = read.iter().rposition(|pages| *pages == 3).unwrap();
    // Pages alternate, apart from those already in flight.
    assert!(
        last - first <= 12,
        "the letter took pages {first} to {last}"
    );
    assert!(read.len() < 300, "the book was not waited for");
}

#[test]
fn a_receiver_that_is_slow_or_gone_holds_back_its_own_jobs_only() {
    let engine = Engine::start(stages(|_| Trouble::None), limits(2, 3)).unwrap();
    let read = Arc::<Mutex<Vec<usize>>>::default();
    let source = |pages| slow_source(pages, Duration::ZERO, &read);
    let (slow, slow_receiver) = events();
    engine.submit(submission(0, source(50), &slow)).unwrap();
    let (gone, gone_receiver) = events();
    engine.submit(submission(1, source(40), &gone)).unwrap();
    drop(gone_receiver);
    for id in 2..10 {
        let (sender, receiver) = events();
        engine
            .submit(submission(id, fake_source(30, |_| Trouble::None), &sender))
            .unwrap();
        assert_eq!(receive(&receiver, 1)[&id], whole(30));
    }
    // As many pages of the slow job were read as may wait for its client, and not many more of the other.
    let count = |of: usize| {
        read.lock()
            .unwrap()
            .iter()
            .filter(|pages| **pages == of)
            .count()
    };
    assert!(
        count(50) <= 3 && count(40) <= 3,
        "{} {}",
        count(50),
        count(40)
    );
    // Being slow has lost nothing.
    assert_eq!(receive(&slow_receiver, 1)[&0], whole(50));
    assert_eq!(engine.open_jobs.load(Ordering::SeqCst), 0);
}

#[test]
fn a_file_that_opens_slowly_holds_up_itself() {
    let engine = Engine::start(stages(|_| Trouble::None), limits(2, 3)).unwrap();
    let (sender, receiver) = events();
    let gate = Arc::new((Mutex::new(false), std::sync::Condvar::new()));
    let own = gate.clone();
    let mut slow = submission(0, fake_source(3, |_| Trouble::None), &sender);
    let source = fake_source(3, |_| Trouble::None);
    slow.source = Box::new(move || {
        let mut is_open = own.0.lock().unwrap();
        while !*is_open {
            is_open = own.1.wait(is_open).unwrap();
        }
        Ok(source)
    });
    engine.submit(slow).unwrap();
    let (other, answered) = events();
    engine
        .submit(submission(1, fake_source(5, |_| Trouble::None), &other))
        .unwrap();
    assert_eq!(receive(&answered, 1)[&1], whole(5));
    *gate.0.lock().unwrap() = true;
    gate.1.notify_all();
    assert_eq!(receive(&receiver, 1)[&0], whole(3));
}

#[test]
fn what_was_not_loaded_and_what_is_too_much_is_refused() {
    let loaded = LoadedParts {
        recognizer: false,
        own_text: false,
        layout: false,
        ..LoadedParts::ALL
    };
    let engine = Engine::start(
        Stages {
            loaded,
            ..stages(|_| Trouble::None)
        },
        Limits {
            jobs: 2,
            ..limits(1, 1)
        },
    )
    .unwrap();
    let (sender, receiver) = events();
    let (gate, held) = std::sync::mpsc::channel::<()>();
    let with = |settings: JobSettings| Submission {
        settings: Arc::new(settings),
        ..submission(9, fake_source(1, |_| Trouble::None), &sender)
    };
    let whole_page = LayoutChoice::WholePage(Label::Text);
    let own = JobSettings {
        layout: whole_page.clone(),
        ..settings()
    };
    assert_eq!(
        engine.submit(with(settings())),
        Err(SubmitError::NotLoaded("layout detection"))
    );
    let asks = JobSettings {
        own_text: Some(TextLayerMode::Auto),
        ..own.clone()
    };
    assert!(
        matches!(engine.submit(with(asks)), Err(SubmitError::NotLoaded(what)) if what.contains("own text"))
    );
    let asks = JobSettings {
        plan: vl_plan(),
        ..own.clone()
    };
    assert_eq!(
        engine.submit(with(asks)),
        Err(SubmitError::NotLoaded("a recognizer"))
    );
    // Two wait to be opened; a third exceeds the limit.
    let held = Arc::new(Mutex::new(held));
    for id in 0..2 {
        let held = held.clone();
        let source = fake_source(1, |_| Trouble::None);
        let open = move || {
            let _ = held.lock().unwrap().recv();
            Ok(source)
        };
        let own = Submission {
            job: Arc::new(job(id)),
            source: Box::new(open),
            ..with(own.clone())
        };
        engine.submit(own).unwrap();
    }
    assert_eq!(
        engine.submit(with(own.clone())),
        Err(SubmitError::Overloaded { jobs: 2 })
    );
    drop(gate);
    let heard = receive(&receiver, 2);
    assert!(
        heard
            .values()
            .all(|of| of.end == Some(Ok(())) && of.pages.len() == 1),
        "{heard:?}"
    );
    engine.submit(with(own)).unwrap();
    receive(&receiver, 1);
}

#[test]
fn a_cancelled_job_frees_what_it_holds_and_an_engine_that_ends_gives_up_all() {
    let engine = Engine::start(stages(|_| Trouble::None), limits(1, 1)).unwrap();
    let read = Arc::<Mutex<Vec<usize>>>::default();
    let hour = Duration::from_secs(3600);
    let (sender, receiver) = events();
    let stuck = || slow_source(9, hour, &read);
    let own = submission(0, stuck(), &sender);
    let cancel = own.cancel.clone();
    engine.submit(own).unwrap();
    engine
        .submit(submission(1, fake_source(4, |_| Trouble::None), &sender))
        .unwrap();
    std::thread::sleep(Duration::from_millis(20));
    cancel.store(true, Ordering::Relaxed);
    let heard = receive(&receiver, 2);
    assert_eq!(heard[&0].end, Some(Err(JobFault::Cancelled)));
    assert_eq!(heard[&1], whole(4), "the only reader is free again");
    engine.submit(submission(2, stuck(), &sender)).unwrap();
    let start = Instant::now();
    drop(engine);
    assert!(
        start.elapsed() < Duration::from_secs(30),
        "it would take an hour"
    );
    assert_eq!(
        receive(&receiver, 1)[&2].end,
        Some(Err(JobFault::Cancelled))
    );
}

/// Prepares pages that are large enough for a block.
struct LargePages;

impl LinePreparer for LargePages {
    fn prepare(
        &mut self,
        _: &dyn PageSource,
        page: SourcePage,
        Verdict { decision, .. }: Verdict,
        _: &JobSettings,
        _: &mut Readings,
    ) -> Result<PreparedPage, PrepareError> {
        let pixels = Some(Pixels::white(64, 64));
        Ok(PreparedPage {
            pixels,
            decision,
            ..PreparedPage::blank(page.page_index, 64, 64)
        })
    }
}

/// Answers each block with the seed of its request.
struct SeedTeller;

impl Recognizer for SeedTeller {
    fn run(
        &mut self,
        requests: Receiver<BlockRequest>,
        answers: Sender<BlockAnswer>,
    ) -> Result<(), RecognizeError> {
        for request in requests {
            let content = request.seed().to_string();
            let result = Ok(Recognition {
                content,
                ..Recognition::default()
            });
            let _ = answers.send(BlockAnswer {
                ticket: request.ticket,
                result,
            });
        }
        Ok(())
    }
}

#[test]
fn nothing_depends_on_what_stood_before() {
    let parts = || Stages {
        recognizer: Box::new(SeedTeller),
        lines: vec![Box::new(LargePages)],
        ..stages(|_| Trouble::None)
    };
    let layout = LayoutChoice::WholePage(Label::Text);
    let vl = JobSettings {
        plan: vl_plan(),
        reads_pictures: true,
        layout,
        ..settings()
    };
    let parse = |engine: &Engine, id: usize, pages: usize| {
        let (sender, receiver) = events();
        let source = fake_source(pages, |_| Trouble::None);
        engine
            .submit(Submission {
                settings: Arc::new(vl.clone()),
                ..submission(id, source, &sender)
            })
            .unwrap();
        receive(&receiver, 1).remove(&id).unwrap()
    };
    let engine = Engine::start(parts(), limits(2, 4)).unwrap();
    let first = parse(&engine, 0, 9);
    parse(&engine, 1, 5);
    let again = parse(&engine, 2, 9);
    assert_eq!(first, again);
    let seeds: std::collections::BTreeSet<&String> =
        first.pages.iter().flat_map(|(_, seeds)| seeds).collect();
    assert_eq!(seeds.len(), 9, "each block has its own");
    assert_ne!(
        parse(&engine, 3, 8).pages[3],
        first.pages[3],
        "other files have others"
    );
}
