//! The parts of a run: what prepares pages, finds regions and reads blocks, by the pipeline's settings.

use super::pipeline::{self, DraftMode, ModelRun, OwnText, Resolved};
use super::{Failure, networks};
use crate::config::Config;
use crate::config::server::ServerConfig;
use crate::config::vl::VlConfig;
use crate::document::{TextDecision, TextSource};
use crate::engine::LinePreparer;
use crate::input::{PageSource, SourcePage};
use crate::layout::LayoutDetector;
use crate::layout::geometric::GeometricDetector;
use crate::layout::network::{NetworkDetector, WholePageDetector};
use crate::lines::{
    LineReader, PageText, PrepareError, PreparedPage, Preprocessor, TextLayerMode, decide_text,
    prepare_lines, prepare_picture, text_layer,
};
use crate::onnx::{Runtime, SessionOptions};
use crate::recognize::Recognizer;
use crate::recognize::paddleocr_vl::backend::{PaddleOcrVl, RunOptions};
use crate::recognize::page_text::PageTextRecognizer;
use crate::recognize::server::{Ends, ServerRecognizer};
use crate::recognize::text_first::TextFirst;
use crate::replay::{ReplayDetector, ReplayPreprocessor, ReplayRecognizer};
use crate::runtime::{self, RuntimeDirs};

/// The parts of a run that depend on the pipeline.
pub struct Parts {
    /// Prepares pages.
    pub lines: Box<dyn LinePreparer>,
    /// Finds regions.
    pub detector: Box<dyn LayoutDetector>,
    /// Reads blocks.
    pub recognizer: Box<dyn Recognizer>,
}

impl Parts {
    /// Loads what the settings ask for; `no_lines`: why no lines are read; `ends`: what ends it early.
    pub fn of(
        resolved: &Resolved,
        dirs: RuntimeDirs,
        session: SessionOptions,
        no_lines: Option<String>,
        keep_steps: bool,
        ends: &Ends,
    ) -> Result<Parts, Failure> {
        let config = resolved.config.clone();
        let own_text = resolved.own_text;
        let lines = LazyLines { dirs, session, config, reader: no_lines.map(Err), preprocessor: None };
        Ok(match &resolved.vl {
            None => Parts {
                lines: Box::new(lines),
                detector: Box::new(GeometricDetector),
                recognizer: Box::new(PageTextRecognizer),
            },
            Some((vl, pipeline::Parts::Recorded(case))) => {
                let networks = Box::new(ReplayPreprocessor { case: case.clone() });
                let options = match vl.plan.use_layout_detection {
                    true => Ok(vl.layout.clone()),
                    false => Err(vl.prompt_label),
                };
                Parts {
                    lines: Box::new(Pictures {
                        preprocessor: Preprocessor { options: vl.preprocess, networks, keep_steps },
                        drafts: DraftMode::Off,
                        lines: None,
                        own_text,
                    }),
                    detector: Box::new(ReplayDetector { case: case.clone(), options }),
                    recognizer: behind(own_text, Box::new(ReplayRecognizer { case: case.clone() })),
                }
            }
            Some((vl, pipeline::Parts::PageText)) => {
                Parts::of_networks(vl, &Reading::PageText, lines, (own_text, keep_steps))?
            }
            Some((vl, pipeline::Parts::Model(model))) => {
                Parts::of_networks(vl, &Reading::Model(model), lines, (own_text, keep_steps))?
            }
            Some((vl, pipeline::Parts::Server)) => {
                Parts::of_networks(vl, &Reading::Server(ends), lines, (own_text, keep_steps))?
            }
        })
    }

    /// Layout networks with the recognizer, or over the text of pages.
    fn of_networks(
        vl: &VlConfig,
        reading: &Reading<'_>,
        mut lines: LazyLines,
        (own_text, keep_steps): (Option<OwnText>, bool),
    ) -> Result<Parts, Failure> {
        let runtime = lines.runtime().map_err(|reason| {
            Failure::fatal(
                reason,
                "scripts/setup.sh fetches the native libraries; docparse doctor checks them",
            )
        })?;
        let networks = networks::load_for_run(vl, &runtime)?;
        let detector: Box<dyn LayoutDetector> = match networks.layout {
            Some(network) => Box::new(NetworkDetector {
                network,
                options: vl.layout.clone(),
                // On the CPU a page at a time is as fast, and takes a quarter of the memory.
                batch_size: if runtime.uses_gpu() { vl.layout_batch_size } else { 1 },
                reads_page_text: matches!(reading, Reading::PageText),
            }),
            None => Box::new(WholePageDetector { label: vl.prompt_label }),
        };
        let networks = Box::new(networks.preprocess);
        let preprocessor = Preprocessor { options: vl.preprocess, networks, keep_steps };
        let run = match reading {
            Reading::PageText => {
                lines.preprocessor = Some(preprocessor);
                let recognizer = Box::new(PageTextRecognizer);
                return Ok(Parts { lines: Box::new(lines), detector, recognizer });
            }
            Reading::Server(ends) => {
                let lines =
                    Box::new(Pictures { preprocessor, drafts: DraftMode::Off, lines: None, own_text });
                return Ok(Parts { lines, detector, recognizer: behind(own_text, server(vl, ends)?) });
            }
            Reading::Model(run) => *run,
        };
        let (model, slots) = networks::load_recognizer(vl, run, &runtime)?;
        let lines = (run.draft == DraftMode::Lines).then_some(lines);
        let pictures = Pictures { preprocessor, drafts: run.draft, lines, own_text };
        let recognizer = Box::new(PaddleOcrVl::new(model, RunOptions { slots, ..run.run.clone() }));
        Ok(Parts { lines: Box::new(pictures), detector, recognizer: behind(own_text, recognizer) })
    }
}

/// The recognizer, with the text of PDFs before it if that is wanted.
fn behind(own_text: Option<OwnText>, recognizer: Box<dyn Recognizer>) -> Box<dyn Recognizer> {
    match own_text {
        Some(OwnText { check, .. }) => Box::new(TextFirst::new(recognizer, check)),
        None => recognizer,
    }
}

/// What reads blocks where networks find them.
enum Reading<'a> {
    /// Their text is cut out of the page's.
    PageText,
    /// The recognizer in this process.
    Model(&'a ModelRun),
    /// Servers.
    Server(&'a Ends),
}

fn server(vl: &VlConfig, ends: &Ends) -> Result<Box<dyn Recognizer>, Failure> {
    let Some(ServerConfig { client, requests_in_flight }) = vl.server.clone() else {
        return Err(Failure::usage("no server is named", "give its address with --vl-rec-server-url"));
    };
    let hint = "start the server, or give its address with --vl-rec-server-url";
    let recognizer = ServerRecognizer::new(client, requests_in_flight, ends.clone());
    let recognizer = recognizer
        .map_err(|reason| Failure::fatal(format!("no recognition server answers: {reason}"), hint))?;
    Ok(Box::new(recognizer))
}

/// Loads the line networks when the first page needs them; preprocesses pages where networks for that are there.
struct LazyLines {
    dirs: RuntimeDirs,
    session: SessionOptions,
    config: Config,
    reader: Option<Result<LineReader, String>>,
    preprocessor: Option<Preprocessor>,
}

impl LazyLines {
    fn runtime(&self) -> Result<Runtime, String> {
        let library = self.dirs.find(runtime::ONNXRUNTIME).map_err(|e| e.to_string())?;
        Runtime::load(&library, self.session.clone()).map_err(|e| e.to_string())
    }

    /// The line networks, loaded when they are first needed.
    fn reader(&mut self) -> Result<&mut LineReader, &str> {
        if self.reader.is_none() {
            self.reader = Some(self.load());
        }
        self.reader.as_mut().expect("loaded above").as_mut().map_err(|reason| reason.as_str())
    }

    fn load(&self) -> Result<LineReader, String> {
        LineReader::load(&self.runtime()?, &self.dirs, self.config.lines).map_err(|e| e.to_string())
    }
}

impl LinePreparer for LazyLines {
    fn prepare(
        &mut self,
        source: &dyn PageSource,
        page: SourcePage,
        decision: TextDecision,
    ) -> Result<PreparedPage, PrepareError> {
        let mut preprocessor = self.preprocessor.take();
        let reader = self.reader();
        let read = |page| prepare_lines(page, decision, source, reader);
        let prepared = match &mut preprocessor {
            Some(preprocessor) => preprocessor.prepare(page, source, read),
            None => read(page),
        };
        self.preprocessor = preprocessor;
        prepared
    }
}

/// Prepares pages that a pipeline looks at as pictures.
struct Pictures {
    preprocessor: Preprocessor,
    /// Whose text goes with a page as drafts of its blocks.
    drafts: DraftMode,
    /// Reads lines for drafts.
    lines: Option<LazyLines>,
    /// Whether the text of PDFs is also taken as it is.
    own_text: Option<OwnText>,
}

impl Pictures {
    /// The text of a page for drafts, in the pixels of the page as it is; none where that is not to be had.
    fn draft(&mut self, page: &SourcePage) -> PageText {
        let options = self.preprocessor.options;
        // The places of the text would not be those of a page that is turned or flattened.
        let is_wanted = self.drafts != DraftMode::Off || self.own_text.is_some();
        if !is_wanted || options.use_doc_preprocessor {
            return PageText::empty();
        }
        let mode = self.own_text.map_or(TextLayerMode::Auto, |own_text| own_text.mode);
        if let Some(content) = &page.content
            && decide_text(page, mode).source == TextSource::TextLayer
        {
            return text_layer(content);
        }
        let read = self.lines.as_mut().zip(page.pixels.as_ref()).and_then(|(lines, pixels)| {
            let reader = lines.reader().ok()?;
            reader.read(pixels).ok().filter(|read| read.picture.is_none())
        });
        read.map_or_else(PageText::empty, |read| read.text)
    }
}

impl LinePreparer for Pictures {
    fn prepare(
        &mut self,
        source: &dyn PageSource,
        page: SourcePage,
        decision: TextDecision,
    ) -> Result<PreparedPage, PrepareError> {
        let draft = self.draft(&page);
        let mut prepared =
            self.preprocessor.prepare(page, source, |page| prepare_picture(page, decision, source))?;
        prepared.text = draft;
        Ok(prepared)
    }
}
