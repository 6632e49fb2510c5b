//! The engine with fakes: random work, failures, panics, cancelling, a dying recognizer, a slow sink.

mod batches;
mod living;
mod stuck;

use super::*;
use crate::document::{Label, Severity, TextSource};
use crate::geometry::Rect;
use crate::input::{InputError, InputFile, PageError, PixelsWanted};
use crate::layout::postprocess::LayoutOptions;
use crate::layout::{LayoutError, Region};
use crate::lines::TextLayerMode;
use crate::preprocess::PreprocessOptions;
use crate::raster::Pixels;
use crate::recognize::{BlockAnswer, BlockRequest, Recognition, RecognizeError};
use crossbeam_channel::{Receiver, Sender};
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

/// A small generator: the tests must be the same every time.
#[derive(Clone, Copy)]
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (self.0 >> 33) % sides
    }
}

/// What the fakes do to the page of this number.
#[derive(Clone, Copy, PartialEq, Debug)]
enum Trouble {
    None,
    ReadFails,
    ReadPanics,
    LinesPanic,
    LayoutFails,
    LayoutPanics,
    BlockFails,
    RecognizerDies,
    RecognizerPanics,
}

struct FakeSource {
    pages: usize,
    trouble: fn(usize) -> Trouble,
    in_flight: Arc<AtomicUsize>,
    most: Arc<AtomicUsize>,
    /// Called when a page is read.
    on_read: Box<dyn Fn() + Send + Sync>,
}

impl FakeSource {
    fn of(pages: usize, trouble: fn(usize) -> Trouble) -> FakeSource {
        let (in_flight, most) = Default::default();
        FakeSource {
            pages,
            trouble,
            in_flight,
            most,
            on_read: Box::new(|| {}),
        }
    }
}

impl PageSource for FakeSource {
    fn page_count(&self) -> usize {
        self.pages
    }

    fn page_pixels(&self, _: usize) -> u64 {
        16
    }

    fn repeats(&self, page_index: usize) -> Option<usize> {
        (page_index >= 20).then_some(page_index % 4)
    }

    fn fingerprint(&self) -> u64 {
        self.pages as u64
    }

    fn is_paged(&self) -> bool {
        true
    }

    fn read_page(&self, page_index: usize, _: PixelsWanted) -> Result<SourcePage, PageError> {
        let now = self.in_flight.fetch_add(1, Ordering::SeqCst) + 1;
        self.most.fetch_max(now, Ordering::SeqCst);
        (self.on_read)();
        match (self.trouble)(page_index) {
            Trouble::ReadFails => {
                return Err(PageError::Size {
                    width: 0.0,
                    height: 0.0,
                });
            }
            Trouble::ReadPanics => panic!("the source panics"),
            _ => {}
        }
        let pixels = Some(Pixels::white(4, 4));
        Ok(SourcePage {
            page_index,
            width: 4,
            height: 4,
            size_points: (2.0, 2.0),
            pixels,
            preview: None,
            content: None,
        })
    }

    fn render_page(&self, _: usize) -> Result<Pixels, PageError> {
        Ok(Pixels::white(4, 4))
    }
}

struct FakeLines(fn(usize) -> Trouble);

impl LinePreparer for FakeLines {
    fn prepare(
        &mut self,
        _: &dyn PageSource,
        page: SourcePage,
        decision: TextDecision,
        _: &JobSettings,
    ) -> Result<PreparedPage, PrepareError> {
        assert_ne!(
            (self.0)(page.page_index),
            Trouble::LinesPanic,
            "the line reader panics"
        );
        Ok(PreparedPage {
            pixels: page.pixels,
            decision,
            ..PreparedPage::blank(page.page_index, 4, 4)
        })
    }
}

struct FakeDetector(fn(usize) -> Trouble);

impl LayoutDetector for FakeDetector {
    fn batch_size(&self) -> usize {
        3
    }

    fn detect(
        &mut self,
        pages: &[&PreparedPage],
        _: &LayoutOptions,
    ) -> Result<Vec<Vec<Region>>, LayoutError> {
        assert!((1..=3).contains(&pages.len()));
        let regions = pages.iter().map(|page| {
            match (self.0)(page.page_index) {
                Trouble::LayoutFails => return Err(LayoutError("no layout".into())),
                Trouble::LayoutPanics => panic!("the detector panics"),
                _ => {}
            }
            let bbox = |i: usize| Rect::new(0.0, i as f32, 4.0, i as f32 + 1.0);
            let region = |i: usize| Region::new(Label::Text, bbox(i), 1.0);
            Ok((0..page.page_index % 4).map(region).collect())
        });
        regions.collect()
    }
}

/// Answers in random order, holding up to a handful of requests back.
struct FakeRecognizer(fn(usize) -> Trouble, Dice);

impl Recognizer for FakeRecognizer {
    fn run(
        &mut self,
        requests: Receiver<BlockRequest>,
        answers: Sender<BlockAnswer>,
    ) -> Result<(), RecognizeError> {
        let mut held: Vec<BlockRequest> = Vec::new();
        let answer = |request: BlockRequest, trouble: Trouble| {
            let content = format!("{}:{}", request.page.page_index, request.ticket.block);
            let result = match trouble {
                Trouble::BlockFails => Err("a bad block".to_string()),
                _ => Ok(Recognition {
                    content,
                    ..Recognition::default()
                }),
            };
            let _ = answers.send(BlockAnswer {
                ticket: request.ticket,
                result,
            });
        };
        // Held requests must be answered when nothing more comes for a while: pages wait for them.
        loop {
            match requests.recv_timeout(std::time::Duration::from_millis(1)) {
                Ok(request) => {
                    match (self.0)(request.page.page_index) {
                        Trouble::RecognizerDies => {
                            return Err(RecognizeError("the device is lost".into()));
                        }
                        Trouble::RecognizerPanics => panic!("the recognizer panics"),
                        _ => {}
                    }
                    held.push(request);
                    if held.len() < 5 {
                        continue;
                    }
                    let request = held.swap_remove(self.1.roll(held.len() as u64) as usize);
                    let trouble = (self.0)(request.page.page_index);
                    answer(request, trouble);
                }
                Err(error) => {
                    for request in held.drain(..) {
                        let trouble = (self.0)(request.page.page_index);
                        answer(request, trouble);
                    }
                    if error.is_disconnected() {
                        return Ok(());
                    }
                }
            }
        }
    }
}

#[derive(Default)]
struct Record {
    events: Vec<String>,
    pages: Vec<Vec<Page>>,
    in_flight: Arc<AtomicUsize>,
    fail_at: Option<(usize, usize)>,
    panic_at: Option<(usize, &'static str)>,
    cancel_at: Option<(usize, Arc<AtomicBool>)>,
    slow: bool,
}

impl Record {
    /// Panics where it is told to: in this call about this document.
    fn panic_in(&self, job: &Job, call: &'static str) {
        assert_ne!(self.panic_at, Some((job.id, call)), "the sink panics");
    }
}

impl DocumentSink for Record {
    fn begin(&mut self, job: &Job, _: usize, _: usize, _: bool) {
        self.panic_in(job, "begin");
        self.events.push(format!("begin {}", job.id));
    }

    fn page(&mut self, job: &Job, page: FinishedPage) -> Result<(), String> {
        if self.slow {
            std::thread::sleep(std::time::Duration::from_micros(300));
        }
        self.in_flight.fetch_sub(1, Ordering::SeqCst);
        self.panic_in(job, "page");
        if self.fail_at == Some((job.id, page.page.page_index)) {
            return Err("disk full".into());
        }
        self.pages[job.id].push(page.page);
        let total: usize = self.pages.iter().map(Vec::len).sum();
        if let Some((at, flag)) = &self.cancel_at
            && total >= *at
        {
            flag.store(true, Ordering::Relaxed);
        }
        Ok(())
    }

    fn finish(&mut self, job: &Job) -> Result<DocumentEnd, String> {
        self.panic_in(job, "finish");
        self.events.push(format!("finish {}", job.id));
        Ok(DocumentEnd::Whole)
    }

    fn failed(&mut self, job: &Job, reason: &str) {
        self.events.push(format!("failed {} {reason}", job.id));
        self.panic_in(job, "failed");
    }
}

/// The document `0.pdf`, `1.pdf` or so on.
fn job(id: usize) -> Job {
    Job {
        id,
        file: InputFile::from_path(&PathBuf::from(format!("{id}.pdf")), PathBuf::new()),
        picture_folder: id.to_string(),
    }
}

fn jobs(count: usize) -> Vec<Job> {
    (0..count).map(job).collect()
}

/// Every page is in some trouble by its number, but none that ends the recognizer.
fn troubles(page: usize) -> Trouble {
    match page % 11 {
        2 => Trouble::ReadFails,
        3 => Trouble::ReadPanics,
        5 => Trouble::LayoutFails,
        6 => Trouble::LayoutPanics,
        7 => Trouble::BlockFails,
        8 => Trouble::LinesPanic,
        _ => Trouble::None,
    }
}

fn fake_stages(trouble: fn(usize) -> Trouble, seed: u64) -> Stages {
    Stages {
        lines: Box::new(FakeLines(trouble)),
        detector: Box::new(FakeDetector(trouble)),
        recognizer: Box::new(FakeRecognizer(trouble, Dice(seed))),
        loaded: LoadedParts::ALL,
    }
}

struct Ran {
    outcome: RunOutcome,
    record: Record,
    most_in_flight: usize,
}

/// Runs documents of the given lengths; 0 pages means that the document cannot be opened.
fn run_fakes(
    lengths: &[usize],
    trouble: fn(usize) -> Trouble,
    seed: u64,
    mut record: Record,
    options: EngineOptions,
) -> Ran {
    let most = Arc::new(AtomicUsize::new(0));
    record.pages = vec![Vec::new(); lengths.len()];
    let in_flight = record.in_flight.clone();
    let cancel = record
        .cancel_at
        .as_ref()
        .map(|c| c.1.clone())
        .unwrap_or_default();
    let jobs = jobs(lengths.len());
    let lengths = lengths.to_vec();
    let counted = most.clone();
    let open = move |job: &Job| -> Result<Arc<dyn PageSource>, InputError> {
        match lengths[job.id] {
            0 => Err(InputError::new(&job.file.given, "cannot be opened".into())),
            pages => Ok(Arc::new(FakeSource {
                in_flight: in_flight.clone(),
                most: counted.clone(),
                ..FakeSource::of(pages, trouble)
            })),
        }
    };
    let stages = fake_stages(trouble, seed);
    let batch = Batch {
        jobs,
        open: Arc::new(open),
        on_cancel: Box::new(|| {}),
    };
    let outcome = run(batch, stages, &options, &mut record, &cancel).unwrap();
    Ran {
        outcome,
        record,
        most_in_flight: most.load(Ordering::SeqCst),
    }
}

fn settings() -> JobSettings {
    JobSettings {
        most_repeats: None,
        text_layer: TextLayerMode::Auto,
        own_text: None,
        reads_pictures: false,
        detector_sees_pixels: false,
        preprocess: PreprocessOptions::default(),
        layout: LayoutChoice::Detect(LayoutOptions::default()),
        plan: PlanOptions::PageText,
        keep_pixels: false,
        trace: false,
        page_pictures: false,
        block_pictures: false,
        page_timeout: None,
        pages_are_final: true,
    }
}

fn limits(readers: usize, pages_in_flight: usize) -> Limits {
    Limits {
        jobs: 100,
        openers: 2,
        readers,
        pages_in_flight,
        page_memory: u64::MAX,
        blocks_in_flight: 1 + 3 * readers,
    }
}

fn options(readers: usize, pages_in_flight: usize) -> EngineOptions {
    EngineOptions {
        limits: limits(readers, pages_in_flight),
        settings: settings(),
        pages: PageSelection::default(),
        max_pages: None,
        fail_fast: false,
    }
}

/// Panics are part of these tests: their messages would only be noise.
fn quiet_panics() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let usual = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let text = info
                .payload()
                .downcast_ref::<&str>()
                .copied()
                .unwrap_or_default();
            let told = info.to_string();
            if !text.ends_with("panics")
                && !["line reader", "sink"]
                    .iter()
                    .any(|who| told.contains(&format!("the {who} panics")))
            {
                usual(info);
            }
        }));
    });
}

/// Every page once, in order, with every block, unless something was done to it.
#[track_caller]
fn check_pages(run: &Ran, lengths: &[usize], trouble: fn(usize) -> Trouble) {
    for (id, pages) in run.record.pages.iter().enumerate() {
        let indices: Vec<usize> = pages.iter().map(|p| p.page_index).collect();
        assert_eq!(
            indices,
            (0..lengths[id]).collect::<Vec<_>>(),
            "document {id}"
        );
        for page in pages {
            let expected = trouble(page.page_index);
            if expected == Trouble::None {
                let contents: Vec<_> = page.blocks.iter().map(|b| b.content.clone()).collect();
                let wanted: Vec<_> = (0..page.page_index % 4)
                    .map(|b| format!("{}:{b}", page.page_index))
                    .collect();
                assert_eq!(contents, wanted);
                assert!(!page.has_error(), "{:?}", page.diagnostics);
            }
        }
    }
}

#[test]
fn a_thousand_random_runs_lose_no_page() {
    quiet_panics();
    let trouble = troubles;
    for seed in 0..1000 {
        let mut dice = Dice(seed);
        let lengths: Vec<usize> = (0..1 + dice.roll(4))
            .map(|_| dice.roll(14) as usize)
            .collect();
        let in_flight = 1 + dice.roll(6) as usize;
        let options = options(1 + dice.roll(3) as usize, in_flight);
        let record = Record {
            slow: seed % 50 == 0,
            ..Record::default()
        };
        let run = run_fakes(&lengths, trouble, seed, record, options);
        check_pages(&run, &lengths, trouble);
        assert!(
            run.most_in_flight <= in_flight,
            "{} of {in_flight}",
            run.most_in_flight
        );
        let opened = lengths.iter().filter(|n| **n > 0).count();
        assert_eq!(run.outcome.done + run.outcome.partial, opened);
        assert_eq!(run.outcome.failed, lengths.len() - opened);
        for page in run.record.pages.iter().flatten() {
            // A page without blocks cannot have a bad one.
            let hurt = trouble(page.page_index) != Trouble::None
                && !(trouble(page.page_index) == Trouble::BlockFails && page.page_index % 4 == 0);
            assert_eq!(page.has_error(), hurt, "{}", page.page_index);
        }
    }
}

#[test]
fn a_recognizer_that_dies_is_started_again_and_only_what_it_dies_of_fails() {
    quiet_panics();
    for (trouble, message) in [
        (
            (|page| {
                if page == 5 {
                    Trouble::RecognizerDies
                } else {
                    Trouble::None
                }
            }) as fn(usize) -> Trouble,
            "device is lost",
        ),
        (
            |page| {
                if page == 5 {
                    Trouble::RecognizerPanics
                } else {
                    Trouble::None
                }
            },
            "recognizer panics",
        ),
    ] {
        for seed in 0..100 {
            let run = run_fakes(&[9, 7], trouble, seed, Record::default(), options(2, 3));
            check_pages(&run, &[9, 7], trouble);
            for page in run
                .record
                .pages
                .iter()
                .flatten()
                .filter(|page| page.page_index == 5)
            {
                let [told] = page.diagnostics.as_slice() else {
                    panic!("{:?}", page.diagnostics)
                };
                assert!(told.message.contains(message) && told.severity == Severity::Error);
            }
            assert_eq!(run.outcome.partial, 2);
        }
    }
}

#[test]
fn a_recognizer_that_never_answers_is_not_started_for_ever() {
    for seed in 0..50 {
        let run = run_fakes(
            &[9, 7],
            |_| Trouble::RecognizerDies,
            seed,
            Record::default(),
            options(2, 3),
        );
        assert_eq!(
            run.record.pages.iter().map(Vec::len).collect::<Vec<_>>(),
            [9, 7]
        );
        for page in run.record.pages.iter().flatten() {
            assert_eq!(page.diagnostics.len(), page.page_index % 4);
            assert!(
                page.diagnostics
                    .iter()
                    .all(|told| told.message.contains("device is lost"))
            );
        }
    }
}

#[test]
fn cancelling_gives_up_what_is_not_finished() {
    for seed in 0..200 {
        let record = Record {
            cancel_at: Some((12, Arc::default())),
            ..Record::default()
        };
        let run = run_fakes(&[8, 40, 8], |_| Trouble::None, seed, record, options(2, 4));
        assert!(run.outcome.cancelled);
        assert_eq!(
            run.record
                .events
                .iter()
                .filter(|e| *e == "finish 0")
                .count(),
            1
        );
        assert!(
            run.record
                .events
                .contains(&"failed 1 cancelled".to_string()),
            "{:?}",
            run.record.events
        );
        assert_eq!(run.outcome.done + run.outcome.failed, 3);
    }
}

#[test]
fn pages_that_repeat_earlier_ones_too_often_are_one() {
    let with = |most_repeats| EngineOptions {
        settings: JobSettings {
            most_repeats,
            ..settings()
        },
        ..options(2, 3)
    };
    let shown = |options: EngineOptions| -> Vec<(usize, usize, usize)> {
        let run = run_fakes(&[60, 2], |_| Trouble::None, 3, Record::default(), options);
        assert_eq!((run.outcome.done, run.record.pages[1].len()), (2, 2));
        let pages = run.record.pages[0].iter();
        pages
            .map(|page| (page.page_index, page.stands_for(), page.blocks.len()))
            .collect()
    };
    // From page 20 on the source shows pages 0 to 3 again.
    let all = shown(options(2, 3));
    assert_eq!(all.len(), 60);
    let some = shown(with(Some(3)));
    assert_eq!(some[..23], all[..23]);
    assert_eq!(some[23..], [(23, 37, 0)]);
    let run = run_fakes(
        &[60],
        |_| Trouble::None,
        3,
        Record::default(),
        EngineOptions {
            pages: PageSelection(vec![20..=24, 31..=31, 33..=33, 46..=60]),
            ..with(Some(0))
        },
    );
    let pages: Vec<_> = run.record.pages[0]
        .iter()
        .map(|p| (p.page_index, p.stands_for()))
        .collect();
    // Of the selected pages the first ones of each object are parsed.
    assert_eq!(
        pages,
        [
            (19, 1),
            (20, 1),
            (21, 1),
            (22, 1),
            (23, 1),
            (30, 1),
            (32, 1),
            (45, 15)
        ]
    );
    let message = &run.record.pages[0].last().unwrap().diagnostics[0].message;
    assert_eq!(
        message,
        "pages 46 to 60 are the same in the file as pages 21, 22, 23, 24, and not parsed again"
    );
}

#[test]
fn a_sink_that_fails_costs_its_document_only() {
    let record = Record {
        fail_at: Some((0, 3)),
        ..Record::default()
    };
    let run = run_fakes(&[9, 5], |_| Trouble::None, 1, record, options(2, 3));
    assert_eq!((run.outcome.done, run.outcome.failed), (1, 1));
    assert!(
        run.record
            .events
            .contains(&"failed 0 disk full".to_string())
    );
    assert_eq!(run.record.pages[0].len(), 3);
}

#[test]
fn a_sink_that_panics_costs_its_document_only() {
    quiet_panics();
    for (call, told) in [
        ("begin", true),
        ("page", true),
        ("finish", true),
        ("failed", false),
    ] {
        let record = Record {
            panic_at: Some((1, call)),
            ..Record::default()
        };
        // The last document cannot be opened; with `failed` the second cannot be either.
        let lengths = [4, if call == "failed" { 0 } else { 5 }, 6, 0];
        let run = run_fakes(&lengths, |_| Trouble::None, 1, record, options(2, 3));
        assert_eq!((run.outcome.done, run.outcome.failed), (2, 2), "{call}");
        let failed = run
            .record
            .events
            .iter()
            .filter(|event| event.starts_with("failed 1 "))
            .collect::<Vec<_>>();
        assert_eq!(failed.len(), 1, "{call}: {:?}", run.record.events);
        let is_told = failed[0].contains("internal error while writing the document");
        assert_eq!(
            (is_told, run.record.pages[0].len()),
            (told, 4),
            "{failed:?}"
        );
        assert!(
            run.record
                .events
                .contains(&"failed 3 cannot be opened".to_string())
        );
    }
}

#[test]
fn fail_fast_stops_the_run() {
    let options = EngineOptions {
        fail_fast: true,
        ..options(1, 1)
    };
    let run = run_fakes(
        &[3, 300],
        |page| {
            if page == 2 {
                Trouble::ReadFails
            } else {
                Trouble::None
            }
        },
        1,
        Record::default(),
        options,
    );
    assert_eq!((run.outcome.partial, run.outcome.failed), (1, 1));
    assert!(run.record.pages[1].len() < 300);
}

#[test]
fn selected_pages_come_in_order_and_once() {
    assert_eq!(
        PageSelection(vec![4..=9, 1..=2, 2..=2]).of(6),
        [0, 1, 3, 4, 5]
    );
    assert_eq!(PageSelection::default().of(2), [0, 1]);
    let options = EngineOptions {
        pages: PageSelection(vec![2..=2, 5..=usize::MAX]),
        ..options(2, 2)
    };
    let run = run_fakes(&[6, 1], |_| Trouble::None, 1, Record::default(), options);
    let indices: Vec<usize> = run.record.pages[0].iter().map(|p| p.page_index).collect();
    assert_eq!(indices, [1, 4, 5]);
    assert!(
        run.record
            .events
            .contains(&"failed 1 none of the 1 pages was asked for".to_string())
    );
}
