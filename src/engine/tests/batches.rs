//! Batching of pages for the detector.

use super::*;

/// Records the number of pages of every call.
struct CountingDetector(Arc<std::sync::Mutex<Vec<usize>>>);

impl LayoutDetector for CountingDetector {
    fn batch_size(&self) -> usize {
        3
    }

    fn detect(
        &mut self,
        pages: &[&PreparedPage],
        _: &LayoutOptions,
    ) -> Result<Vec<Vec<Region>>, LayoutError> {
        self.0.lock().unwrap().push(pages.len());
        match pages.iter().any(|page| page.page_index == 5) {
            true => Err(LayoutError(Fault::internal("this page spoils its batch"))),
            false => Ok(vec![Vec::new(); pages.len()]),
        }
    }
}

#[test]
fn waiting_pages_of_several_documents_are_shown_together() {
    let trouble: fn(usize) -> Trouble = |_| Trouble::None;
    let source: Arc<dyn PageSource> = Arc::new(FakeSource::of(9, trouble));
    let (sender, inbox) = crossbeam_channel::unbounded();
    for serial in 0..7u64 {
        let page_index = serial as usize;
        let file = InputFile::from_path(&PathBuf::from("a.pdf"), PathBuf::new());
        // The first pages belong to one document, the others to another; the last has other options.
        let job = Arc::new(Job {
            id: usize::from(serial > 1),
            file,
            picture_folder: String::new(),
        });
        let own = match serial {
            6 => LayoutOptions {
                nms: true,
                ..LayoutOptions::default()
            },
            _ => LayoutOptions::default(),
        };
        let own = Arc::new(JobSettings {
            layout: LayoutChoice::Detect(own),
            ..settings()
        });
        let page = source.read_page(page_index, PixelsWanted::Preview).unwrap();
        let verdict = Verdict::sure(TextSource::Lines, "");
        let prepared = FakeLines(trouble)
            .prepare(
                source.as_ref(),
                page,
                verdict,
                &own,
                &mut Default::default(),
            )
            .unwrap();
        let (cancel, document) = (CancelToken::default(), Arc::default());
        let context = Arc::new(job::JobContext {
            key: job.id as u64,
            job,
            settings: own,
            cancel,
            document,
            turns: Arc::default(),
        });
        let page = stages::PageJob::new(serial, context, source.clone(), page_index);
        sender.send((page, prepared)).unwrap();
    }
    // No more pages are coming: the last batch must not wait.
    drop(sender);
    let counts = Arc::new(std::sync::Mutex::new(Vec::new()));
    let (out, results) = crossbeam_channel::unbounded();
    let mut detector = CountingDetector(counts.clone());
    let stage = |name| Stage {
        name,
        out: out.clone(),
    };
    let (to_cutters, pages) = crossbeam_channel::unbounded();
    let counted = EngineCounters::default();
    let at = stage("layout");
    stages::layout(inbox, &mut detector, to_cutters, &counted.layout, at);
    stages::cut(pages, stage("cut"));
    drop(out);
    // Pages 3 to 5 fail together, then 3 alone succeeds, 4 and 5 fail, 4 succeeds, 5 fails.
    assert_eq!(*counts.lock().unwrap(), [3, 3, 1, 2, 1, 1, 1]);
    let failed: Vec<usize> = results
        .iter()
        .filter_map(|outcome| match outcome {
            Message::Failed { page_index, .. } => Some(page_index),
            _ => None,
        })
        .collect();
    assert_eq!(failed, [5]);
    // What is asked again in halves is no batch more.
    let numbers = EngineNumbers {
        layout_batches: 3,
        layout_pages: 7,
        layout_places: 9,
        recognizer: None,
    };
    assert_eq!(counted.read(), numbers);
}
