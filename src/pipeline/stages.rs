//! The stages of a run, loaded: what prepares pages, finds regions and reads blocks, by the pipeline's settings.

use super::networks;
use super::{Backend, DraftMode, NativeOptions, OwnText, Resolved, SetupError};
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
use std::path::{Path, PathBuf};

/// The stages of a run that depend on the pipeline.
pub struct PipelineStages {
    /// Prepares pages.
    pub lines: Box<dyn LinePreparer>,
    /// Finds regions.
    pub detector: Box<dyn LayoutDetector>,
    /// Reads blocks.
    pub recognizer: Box<dyn Recognizer>,
}

/// Where the stages come from, and what ends them early.
pub struct Loader<'a> {
    /// Where libraries and the line networks lie.
    pub dirs: RuntimeDirs,
    /// How networks run.
    pub session: SessionOptions,
    /// Where quantized weights are kept; `None`: nowhere.
    pub quantized: Option<PathBuf>,
    /// Why no lines are read from pictures, if none are.
    pub no_lines: Option<String>,
    /// Whether the page at every step of document preprocessing is kept.
    pub keep_steps: bool,
    /// What ends requests to servers early.
    pub ends: &'a Ends,
}

impl Loader<'_> {
    /// Loads what the settings ask for.
    pub fn load(&self, resolved: &Resolved) -> Result<PipelineStages, SetupError> {
        let own_text = resolved.own_text;
        let lines = LazyLines {
            dirs: self.dirs.clone(),
            session: self.session.clone(),
            config: resolved.config.clone(),
            reader: self.no_lines.clone().map(Err),
            preprocessor: None,
        };
        match &resolved.vl {
            None => Ok(PipelineStages {
                lines: Box::new(lines),
                detector: Box::new(GeometricDetector),
                recognizer: Box::new(PageTextRecognizer),
            }),
            Some((vl, Backend::Recorded(case))) => {
                let networks = Box::new(ReplayPreprocessor { case: case.clone() });
                let options = match vl.plan.use_layout_detection {
                    true => Ok(vl.layout.clone()),
                    false => Err(vl.prompt_label),
                };
                let keep_steps = self.keep_steps;
                Ok(PipelineStages {
                    lines: Box::new(Pictures {
                        preprocessor: Preprocessor { options: vl.preprocess, networks, keep_steps },
                        drafts: DraftMode::Off,
                        lines: None,
                        own_text,
                    }),
                    detector: Box::new(ReplayDetector { case: case.clone(), options }),
                    recognizer: behind(own_text, Box::new(ReplayRecognizer { case: case.clone() })),
                })
            }
            Some((vl, backend)) => self.load_networks(vl, backend, lines, own_text),
        }
    }

    /// Layout networks with what reads blocks: the recognizer in this process, servers, or the text of pages.
    fn load_networks(
        &self,
        vl: &VlConfig,
        backend: &Backend,
        mut lines: LazyLines,
        own_text: Option<OwnText>,
    ) -> Result<PipelineStages, SetupError> {
        let runtime = lines.runtime().map_err(SetupError::Runtime)?;
        let quantized = self.quantized.as_deref();
        let networks = networks::load_for_run(vl, &runtime, quantized)?;
        let detector: Box<dyn LayoutDetector> = match networks.layout {
            Some(network) => Box::new(NetworkDetector {
                network,
                options: vl.layout.clone(),
                // On the CPU a page at a time is as fast, and takes a quarter of the memory.
                batch_size: if runtime.uses_gpu() { vl.layout_batch_size } else { 1 },
                reads_page_text: matches!(backend, Backend::PageText),
            }),
            None => Box::new(WholePageDetector { label: vl.prompt_label }),
        };
        let networks = Box::new(networks.preprocess);
        let preprocessor = Preprocessor { options: vl.preprocess, networks, keep_steps: self.keep_steps };
        let (drafts, line_drafts, recognizer): (_, _, Box<dyn Recognizer>) = match backend {
            Backend::PageText | Backend::Recorded(_) => {
                lines.preprocessor = Some(preprocessor);
                let recognizer = Box::new(PageTextRecognizer);
                return Ok(PipelineStages { lines: Box::new(lines), detector, recognizer });
            }
            Backend::Server => (DraftMode::Off, None, server(vl, self.ends)?),
            Backend::Native(native) => {
                let recognizer = recognizer(vl, native, &runtime, quantized)?;
                (native.draft, (native.draft == DraftMode::Lines).then_some(lines), recognizer)
            }
        };
        let pictures = Pictures { preprocessor, drafts, lines: line_drafts, own_text };
        Ok(PipelineStages { lines: Box::new(pictures), detector, recognizer: behind(own_text, recognizer) })
    }
}

/// The recognizer in this process.
fn recognizer(
    vl: &VlConfig,
    native: &NativeOptions,
    runtime: &Runtime,
    quantized: Option<&Path>,
) -> Result<Box<dyn Recognizer>, SetupError> {
    let (model, slots) = networks::load_recognizer(vl, native, runtime, quantized)?;
    Ok(Box::new(PaddleOcrVl::new(model, RunOptions { slots, ..native.run.clone() })))
}

/// The recognizer, with the text of PDFs before it if that is wanted.
fn behind(own_text: Option<OwnText>, recognizer: Box<dyn Recognizer>) -> Box<dyn Recognizer> {
    match own_text {
        Some(OwnText { check, .. }) => Box::new(TextFirst::new(recognizer, check)),
        None => recognizer,
    }
}

fn server(vl: &VlConfig, ends: &Ends) -> Result<Box<dyn Recognizer>, SetupError> {
    let ServerConfig { client, requests_in_flight } = vl.server.clone().ok_or(SetupError::NoServer)?;
    let recognizer = ServerRecognizer::new(client, requests_in_flight, ends.clone());
    Ok(Box::new(recognizer.map_err(SetupError::Server)?))
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
