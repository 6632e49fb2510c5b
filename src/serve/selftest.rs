//! The page that goes through the whole engine before the server says that it is ready: a small PDF for the way from
//! a text layer, and a picture of its heading for the networks.
//!
//! The picture is square: the line detector gets its input with a shorter side of 736 pixels, so that a square takes
//! the least of its time, which is most of what a start takes.

use super::state::Loaded;
use crate::engine::{self, Batch, DocumentEnd, DocumentSink, EngineOptions, FinishedPage, Job};
use crate::engine::{OpenedDocument, PageSelection};
use crate::fault::Fault;
use crate::input::{self, InputFile};
use crate::pipeline::job::WantedPictures;
use crate::pipeline::resolve::resolve;
use std::io::Write;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

const PDF: &[u8] = include_bytes!("selftest/page.pdf");
const PNG: &[u8] = include_bytes!("selftest/page.png");
/// What both of them say.
const WORD: &str = "docparse";

/// Takes the pages.
#[derive(Default)]
struct Taken {
    text: String,
    fault: Option<Fault>,
    pages: usize,
}

impl DocumentSink for Taken {
    fn begin(&mut self, _: &Job, _: OpenedDocument) {}

    fn page(&mut self, _: &Job, page: FinishedPage) -> Result<(), Fault> {
        self.pages += 1;
        let failed = page
            .page
            .diagnostics
            .iter()
            .find(|told| told.severity == crate::document::Severity::Error);
        if let Some(told) = failed {
            let reason = told.reason.unwrap_or(crate::fault::Reason::Internal);
            self.fault.get_or_insert(Fault::new(reason, &told.message));
        }
        for block in &page.page.blocks {
            self.text.push_str(&block.content);
            self.text.push('\n');
        }
        Ok(())
    }

    fn finish(&mut self, _: &Job) -> Result<DocumentEnd, Fault> {
        Ok(DocumentEnd::Whole)
    }

    fn failed(&mut self, _: &Job, fault: &Fault) {
        self.fault.get_or_insert(fault.clone());
    }
}

/// Sends the page through the engine, as PDF and as picture. Fails if it does not come out right.
pub(super) fn run(loaded: &Loaded) -> Result<(), Fault> {
    if loaded.request.recorded.is_some() {
        return Ok(()); // recorded answers are for other pages
    }
    for (name, bytes) in [("selftest.pdf", PDF), ("selftest.png", PNG)] {
        check(loaded, name, bytes).map_err(|fault| fault.within("the self-test failed"))?;
    }
    Ok(())
}

fn check(loaded: &Loaded, name: &str, bytes: &[u8]) -> Result<(), Fault> {
    let fail = |error: std::io::Error| Fault::io("a temporary file cannot be written", &error);
    let mut file = tempfile::NamedTempFile::new().map_err(fail)?;
    file.write_all(bytes).map_err(fail)?;
    let resolved = resolve(&loaded.request)
        .map_err(|error| Fault::new(crate::fault::Reason::Settings, error.to_string()))?;
    let options = EngineOptions {
        limits: loaded.limits,
        settings: resolved.job_settings(WantedPictures::default(), loaded.request.as_reference),
        pages: PageSelection::default(),
        max_pages: None,
        fail_fast: false,
    };
    let job = Job {
        id: 0,
        file: InputFile::known_as(file.path(), name),
        picture_folder: "selftest".into(),
    };
    let open = loaded.open.clone();
    let batch = Batch {
        jobs: vec![job],
        open: Arc::new(move |job: &Job| input::open(&job.file, &open)),
        on_cancel: Box::new(|| {}),
    };
    let mut taken = Taken::default();
    let cancel = Arc::<AtomicBool>::default();
    engine::run_on(&loaded.engine, batch, &options, &mut taken, &cancel);
    match taken {
        Taken {
            fault: Some(fault), ..
        } => Err(fault),
        Taken { pages: 1, text, .. } if loaded.has_recognizer || text.contains(WORD) => Ok(()),
        _ => Err(Fault::internal("the page came out without its text")),
    }
}
