//! Stages that are stuck or slow: cancellation does not wait for them, and a page has a time limit.

use super::*;
use crate::deadline::{self, Stopped};
use std::sync::{Condvar, Mutex};
use std::time::Instant;

/// Stage at which work gets stuck.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Place {
    Open,
    Read,
    Lines,
    Layout,
    Recognize,
    /// No stage.
    None,
}

/// Blocks its stage at the second page of the second document, ignoring cancellation, until it is opened.
#[derive(Clone)]
struct Gate {
    place: Place,
    state: Arc<(Mutex<[bool; 2]>, Condvar)>,
}

impl Gate {
    fn new(place: Place) -> Gate {
        Gate {
            place,
            state: Arc::default(),
        }
    }

    fn pass(&self, place: Place) {
        if place != self.place {
            return;
        }
        let (state, changed) = &*self.state;
        let mut state = state.lock().unwrap();
        state[0] = true;
        changed.notify_all();
        while !state[1] {
            state = changed.wait(state).unwrap();
        }
    }

    /// Waits until a stage is stuck.
    fn wait(&self) {
        let (state, changed) = &*self.state;
        let mut state = state.lock().unwrap();
        while !state[0] {
            state = changed.wait(state).unwrap();
        }
    }

    fn open(&self) {
        self.state.0.lock().unwrap()[1] = true;
        self.state.1.notify_all();
    }
}

/// The document and page that get stuck.
const STUCK: (usize, usize) = (1, 1);

struct Source(usize, Gate);

impl PageSource for Source {
    fn page_count(&self) -> usize {
        5
    }

    fn page_pixels(&self, _: usize) -> u64 {
        16
    }

    fn fingerprint(&self) -> u64 {
        0
    }

    fn is_paged(&self) -> bool {
        true
    }

    fn read_page(&self, page_index: usize, _: PixelsWanted) -> Result<SourcePage, PageError> {
        if (self.0, page_index) == STUCK {
            self.1.pass(Place::Read);
        }
        // The width tells the later stages which document it is.
        let pixels = Some(Pixels::white(4 + self.0, 4));
        let size_points = (2.0, 2.0);
        let (width, height) = (4 + self.0, 4);
        Ok(SourcePage {
            page_index,
            width,
            height,
            size_points,
            pixels,
            preview: None,
            missing_rows: 0,
            content: None,
        })
    }

    fn render_page(&self, _: usize) -> Result<Pixels, PageError> {
        Ok(Pixels::white(4, 4))
    }
}

fn is_stuck(page: &PreparedPage) -> bool {
    (page.width - 4, page.page_index) == STUCK
}

struct Lines(Gate);

impl LinePreparer for Lines {
    fn prepare(
        &mut self,
        _: &dyn PageSource,
        page: SourcePage,
        Verdict { decision, .. }: Verdict,
        _: &JobSettings,
        _: &mut Readings,
    ) -> Result<PreparedPage, PrepareError> {
        let blank = PreparedPage::blank(page.page_index, page.width, 4);
        if is_stuck(&blank) {
            self.0.pass(Place::Lines);
        }
        Ok(PreparedPage {
            pixels: page.pixels,
            decision,
            ..blank
        })
    }
}

struct Detector(Gate);

impl LayoutDetector for Detector {
    fn detect(
        &mut self,
        pages: &[&PreparedPage],
        _: &LayoutOptions,
    ) -> Result<Vec<Vec<Region>>, LayoutError> {
        if pages.iter().any(|page| is_stuck(page)) {
            self.0.pass(Place::Layout);
        }
        Ok(pages
            .iter()
            .map(|_| vec![Region::new(Label::Text, Rect::new(0.0, 0.0, 4.0, 4.0), 1.0)])
            .collect())
    }
}

struct Reader(Gate);

impl Recognizer for Reader {
    fn run(
        &mut self,
        requests: Receiver<BlockRequest>,
        answers: Sender<BlockAnswer>,
    ) -> Result<(), RecognizeError> {
        for request in requests {
            if is_stuck(&request.page) {
                self.0.pass(Place::Recognize);
            }
            let answer = BlockAnswer {
                ticket: request.ticket,
                result: Ok(Recognition::default()),
            };
            let _ = answers.send(answer);
        }
        Ok(())
    }
}

fn stages(gate: &Gate) -> Stages {
    Stages {
        lines: vec![Box::new(Lines(gate.clone()))],
        detectors: vec![Box::new(Detector(gate.clone()))],
        recognizer: Box::new(Reader(gate.clone())),
        loaded: LoadedParts::ALL,
    }
}

fn batch(count: usize, gate: &Gate, on_cancel: impl FnOnce() + 'static) -> Batch {
    let own = gate.clone();
    let open = move |job: &Job| -> Result<Arc<dyn PageSource>, InputError> {
        if job.id == STUCK.0 {
            own.pass(Place::Open);
        }
        Ok(Arc::new(Source(job.id, own.clone())))
    };
    Batch {
        jobs: jobs(count),
        open: Arc::new(open),
        on_cancel: Box::new(on_cancel),
    }
}

fn record(count: usize) -> Record {
    Record {
        pages: vec![Vec::new(); count],
        ..Record::default()
    }
}

/// Cancels once the stage is stuck; returns the outcome of four documents, and the time that it took.
fn cancelled(place: Place, opens: bool) -> (RunOutcome, Record, Duration) {
    let gate = Gate::new(place);
    let cancel = Arc::<AtomicBool>::default();
    let mut record = record(4);
    let at_cancel = gate.clone();
    let batch = batch(4, &gate, move || {
        // Like ending the worker processes, which unblocks whatever waits for them.
        if opens {
            at_cancel.open();
        }
    });
    let stages = stages(&gate);
    let since = std::thread::scope(|scope| {
        let (gate, flag) = (gate.clone(), cancel.clone());
        let canceller = scope.spawn(move || {
            gate.wait();
            flag.store(true, Ordering::Relaxed);
            Instant::now()
        });
        let outcome = run(batch, stages, &options(2, 3), &mut record, &cancel).unwrap();
        let ended = Instant::now();
        (outcome, ended.duration_since(canceller.join().unwrap()))
    });
    gate.open();
    (since.0, record, since.1)
}

#[test]
fn cancelling_waits_for_no_stage() {
    for place in [
        Place::Open,
        Place::Read,
        Place::Lines,
        Place::Layout,
        Place::Recognize,
    ] {
        for opens in [false, true] {
            let (outcome, record, took) = cancelled(place, opens);
            // Waiting would take for ever; scripts/check_interrupts.sh measures how long it should take.
            assert!(took < Duration::from_secs(10), "{place:?}: {took:?}");
            assert!(outcome.cancelled);
            // Every document ends once, and one that was given up began at most once.
            for id in 0..4 {
                let ends = |event: &&String| {
                    **event == format!("finish {id}")
                        || **event == format!("failed {id} {}", Stopped::Cancelled)
                };
                assert_eq!(
                    record.events.iter().filter(ends).count(),
                    1,
                    "{place:?}: {:?}",
                    record.events
                );
                let begun = record
                    .events
                    .iter()
                    .filter(|event| **event == format!("begin {id}"))
                    .count();
                assert!(begun <= 1);
            }
            assert_eq!(outcome.done + outcome.failed, 4);
            assert!(
                record
                    .events
                    .contains(&format!("failed 1 {}", Stopped::Cancelled)),
                "{place:?}: {:?}",
                record.events
            );
            for pages in &record.pages {
                let indices: Vec<usize> = pages.iter().map(|page| page.page_index).collect();
                assert_eq!(
                    indices,
                    (0..pages.len()).collect::<Vec<_>>(),
                    "in order, each once"
                );
                assert!(
                    pages.iter().all(|page| !page.has_error()),
                    "an interrupted page is no failed one"
                );
            }
        }
    }
}

#[test]
fn a_run_that_is_cancelled_before_it_begins_tells_all_of_its_documents() {
    let cancel = Arc::new(AtomicBool::new(true));
    let mut record = record(3);
    let gate = Gate::new(Place::None);
    let outcome = run(
        batch(3, &gate, || {}),
        stages(&gate),
        &options(2, 3),
        &mut record,
        &cancel,
    )
    .unwrap();
    assert_eq!((outcome.failed, outcome.cancelled), (3, true));
    assert_eq!(
        record.events,
        [
            "failed 0 cancelled",
            "failed 1 cancelled",
            "failed 2 cancelled"
        ]
    );
}

/// Takes `one` for the second page of the second document, `all` for others; with `looks` it sees its
/// deadline.
struct SlowLines {
    all: Duration,
    one: Duration,
    looks: bool,
}

impl LinePreparer for SlowLines {
    fn prepare(
        &mut self,
        _: &dyn PageSource,
        page: SourcePage,
        Verdict { decision, .. }: Verdict,
        _: &JobSettings,
        _: &mut Readings,
    ) -> Result<PreparedPage, PrepareError> {
        let blank = PreparedPage::blank(page.page_index, page.width, 4);
        let end = Instant::now() + if is_stuck(&blank) { self.one } else { self.all };
        while Instant::now() < end {
            std::thread::sleep(Duration::from_millis(1));
            if self.looks {
                deadline::check();
            }
        }
        Ok(PreparedPage {
            pixels: page.pixels,
            decision,
            ..blank
        })
    }
}

fn timed(lines: SlowLines, limit: Duration) -> Record {
    let gate = Gate::new(Place::None);
    let stages = Stages {
        lines: vec![Box::new(lines)],
        ..stages(&gate)
    };
    let mut record = record(3);
    let settings = JobSettings {
        page_timeout: Some(limit),
        ..settings()
    };
    let options = EngineOptions {
        settings,
        ..options(2, 8)
    };
    run(
        batch(3, &gate, || {}),
        stages,
        &options,
        &mut record,
        &Arc::default(),
    )
    .unwrap();
    record
}

#[test]
fn a_page_over_its_time_fails_and_the_others_do_not() {
    for looks in [true, false] {
        let lines = SlowLines {
            all: Duration::ZERO,
            one: Duration::from_millis(1200),
            looks,
        };
        let start = Instant::now();
        let record = timed(lines, Duration::from_secs(1));
        assert!(looks || start.elapsed() >= Duration::from_millis(1200));
        for (document, pages) in record.pages.iter().enumerate() {
            assert_eq!(pages.len(), 5);
            for page in pages {
                assert_eq!(
                    page.has_error(),
                    (document, page.page_index) == STUCK,
                    "{:?}",
                    page.diagnostics
                );
            }
        }
        let failed = &record.pages[STUCK.0][STUCK.1];
        assert_eq!(
            failed.diagnostics[0].message,
            "the page took longer than 1 s and was given up"
        );
        assert_eq!(failed.diagnostics[0].reason, Some(Reason::TimeUp));
    }
}

#[test]
fn a_page_that_waits_for_its_turn_uses_none_of_its_time() {
    // Fifteen pages, of which eight wait at a time: together they take far longer than one page may.
    let each = Duration::from_millis(100);
    let record = timed(
        SlowLines {
            all: each,
            one: each,
            looks: true,
        },
        Duration::from_secs(1),
    );
    assert!(record.pages.iter().flatten().all(|page| !page.has_error()));
}
