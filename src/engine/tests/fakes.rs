//! Fakes: a source, stages and a sink that fail on demand, and runs of the engine with them.

use super::*;

/// A small random generator with a fixed seed, so that tests are reproducible.
#[derive(Clone, Copy)]
pub(super) struct Dice(pub(super) u64);

impl Dice {
    pub(super) fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        (self.0 >> 33) % sides
    }
}

/// Failures that the fakes produce for a page.
#[derive(Clone, Copy, PartialEq, Debug)]
pub(super) enum Trouble {
    None,
    ReadFails,
    ReadPanics,
    LinesPanic,
    LayoutFails,
    LayoutPanics,
    BlockFails,
    RecognizerDies,
    DeviceLost,
    RecognizerPanics,
}

pub(super) struct FakeSource {
    pub(super) pages: usize,
    pub(super) trouble: fn(usize) -> Trouble,
    pub(super) in_flight: Arc<AtomicUsize>,
    pub(super) most: Arc<AtomicUsize>,
    /// Called when a page is read.
    pub(super) on_read: Box<dyn Fn() + Send + Sync>,
}

impl FakeSource {
    pub(super) fn of(pages: usize, trouble: fn(usize) -> Trouble) -> FakeSource {
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
            missing_rows: 0,
            content: None,
        })
    }

    fn render_page(&self, _: usize) -> Result<Pixels, PageError> {
        Ok(Pixels::white(4, 4))
    }
}

pub(super) struct FakeLines(pub(super) fn(usize) -> Trouble);

impl LinePreparer for FakeLines {
    fn prepare(
        &mut self,
        _: &dyn PageSource,
        page: SourcePage,
        Verdict { decision, .. }: Verdict,
        _: &JobSettings,
        _: &mut Readings,
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

pub(super) struct FakeDetector(pub(super) fn(usize) -> Trouble);

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
                Trouble::LayoutFails => return Err(LayoutError(Fault::internal("no layout"))),
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

/// Answers in random order, holding back a few requests.
pub(super) struct FakeRecognizer(pub(super) fn(usize) -> Trouble, pub(super) Dice);

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
                Trouble::BlockFails => Err(Fault::new(Reason::Server, "a bad block")),
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
        // Held-back requests must be answered if nothing arrives for a while, because pages wait for them.
        loop {
            match requests.recv_timeout(std::time::Duration::from_millis(1)) {
                Ok(request) => {
                    match (self.0)(request.page.page_index) {
                        Trouble::RecognizerDies => {
                            return Err(RecognizeError(Fault::new(
                                Reason::Device,
                                "the device is lost",
                            )));
                        }
                        Trouble::DeviceLost => {
                            return Err(RecognizeError(Fault::new(
                                Reason::DeviceLost,
                                "the GPU is lost",
                            )));
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
pub(super) struct Record {
    pub(super) events: Vec<String>,
    pub(super) pages: Vec<Vec<Page>>,
    pub(super) in_flight: Arc<AtomicUsize>,
    pub(super) fail_at: Option<(usize, usize)>,
    pub(super) panic_at: Option<(usize, &'static str)>,
    pub(super) cancel_at: Option<(usize, Arc<AtomicBool>)>,
    pub(super) slow: bool,
}

impl Record {
    /// Panics if configured to in this call for this document.
    pub(super) fn panic_in(&self, job: &Job, call: &'static str) {
        assert_ne!(self.panic_at, Some((job.id, call)), "the sink panics");
    }
}

impl DocumentSink for Record {
    fn begin(&mut self, job: &Job, _: OpenedDocument) {
        self.panic_in(job, "begin");
        self.events.push(format!("begin {}", job.id));
    }

    fn page(&mut self, job: &Job, page: FinishedPage) -> Result<(), Fault> {
        if self.slow {
            std::thread::sleep(std::time::Duration::from_micros(300));
        }
        self.in_flight.fetch_sub(1, Ordering::SeqCst);
        self.panic_in(job, "page");
        if self.fail_at == Some((job.id, page.page.page_index)) {
            return Err(Fault::new(Reason::Access, "disk full"));
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

    fn finish(&mut self, job: &Job) -> Result<DocumentEnd, Fault> {
        self.panic_in(job, "finish");
        self.events.push(format!("finish {}", job.id));
        Ok(DocumentEnd::Whole)
    }

    fn failed(&mut self, job: &Job, fault: &Fault) {
        self.events.push(format!("failed {} {fault}", job.id));
        self.panic_in(job, "failed");
    }
}

/// The document `0.pdf`, `1.pdf` and so on.
pub(super) fn job(id: usize) -> Job {
    Job {
        id,
        file: InputFile::from_path(&PathBuf::from(format!("{id}.pdf")), PathBuf::new()),
        picture_folder: id.to_string(),
    }
}

pub(super) fn jobs(count: usize) -> Vec<Job> {
    (0..count).map(job).collect()
}

/// Every page has trouble depending on its number, but none that ends the recognizer.
pub(super) fn troubles(page: usize) -> Trouble {
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

pub(super) fn fake_stages(trouble: fn(usize) -> Trouble, seed: u64) -> Stages {
    Stages {
        lines: vec![Box::new(FakeLines(trouble))],
        detectors: vec![Box::new(FakeDetector(trouble))],
        recognizer: Box::new(FakeRecognizer(trouble, Dice(seed))),
        loaded: LoadedParts::ALL,
    }
}

pub(super) struct Ran {
    pub(super) outcome: RunOutcome,
    pub(super) record: Record,
    pub(super) most_in_flight: usize,
}

/// Runs documents of the given lengths; a length of 0 means that the document cannot be opened.
pub(super) fn run_fakes(
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
            0 => {
                let fault = Fault::new(Reason::Damaged, "cannot be opened");
                Err(InputError::new(&job.file.given, fault))
            }
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

pub(super) fn settings() -> JobSettings {
    JobSettings {
        most_repeats: None,
        text_layer: TextLayerMode::Auto,
        hidden_text: HiddenMode::Drop,
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
        trace_tables: false,
        page_timeout: None,
        trace_context: None,
        pages_are_final: true,
    }
}

pub(super) fn limits(readers: usize, pages_in_flight: usize) -> Limits {
    Limits {
        jobs: 100,
        openers: 2,
        readers,
        pages_in_flight,
        page_memory: u64::MAX,
        blocks_in_flight: 1 + 3 * readers,
    }
}

pub(super) fn options(readers: usize, pages_in_flight: usize) -> EngineOptions {
    EngineOptions {
        limits: limits(readers, pages_in_flight),
        settings: settings(),
        pages: PageSelection::default(),
        max_pages: None,
        fail_fast: false,
    }
}

/// Silences panic messages, which these tests provoke.
pub(super) fn quiet_panics() {
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

/// Checks that every page came once, in order, with every block, unless it had trouble.
#[track_caller]
pub(super) fn check_pages(run: &Ran, lengths: &[usize], trouble: fn(usize) -> Trouble) {
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
