//! Loading of a run's stages, which prepare pages, detect regions and recognize blocks, from the pipeline's
//! settings.

use super::networks;
use super::{Backend, DraftMode, NativeOptions, OwnText, Resolved, SetupError};
use crate::config::server::ServerConfig;
use crate::config::vl::VlConfig;
use crate::config::{Config, machine};
use crate::document::TextSource;
use crate::engine::{JobSettings, LinePreparer, LoadedParts, Stages};
use crate::fault::Fault;
use crate::input::{PageSource, SourcePage};
use crate::layout::LayoutDetector;
use crate::layout::geometric::GeometricDetector;
use crate::layout::network::NetworkDetector;
use crate::layout::picture::{PictureNetworks, PictureOptions};
use crate::lines::{
    LineReader, PageText, PrepareError, PreparedPage, Preprocessor, Readings, TextLayerMode,
    Verdict, decide_text, prepare_by_lines, prepare_picture, text_layer,
};
use crate::onnx::{Runtime, SessionOptions};
use crate::preprocess::PreprocessOptions;
use crate::proof::replay::{ReplayDetector, ReplayPreprocessor, ReplayRecognizer};
use crate::recognize::Recognizer;
use crate::recognize::paddleocr_vl::backend::{PaddleOcrVl, RunOptions};
use crate::recognize::page_text::PageTextRecognizer;
use crate::recognize::server::{ServerRecognizer, StopSignals};
use crate::recognize::text_first::TextFirst;
use crate::runtime::{self, RuntimeDirs};
use std::path::{Path, PathBuf};

/// Loads stages from files on this machine.
pub(crate) struct Loader<'a> {
    /// Folders of libraries and line networks.
    pub dirs: RuntimeDirs,
    /// Session options of the networks.
    pub session: SessionOptions,
    /// Folder for quantized weights; `None` to not store them.
    pub quantized: Option<PathBuf>,
    /// The reason why lines in images are not recognized, if so.
    pub no_lines: Option<Fault>,
    /// Conditions that cancel requests to servers.
    pub ends: &'a StopSignals,
}

impl Loader<'_> {
    /// Loads the stages for the settings.
    pub(crate) fn load(&self, resolved: &Resolved) -> Result<Stages, SetupError> {
        let own_text = resolved.own_text;
        let loaded = loaded(resolved);
        let lines = LazyLines {
            dirs: self.dirs.clone(),
            session: self.session.clone(),
            config: resolved.config.clone(),
            reader: self.no_lines.clone().map(Err),
            preprocessor: None,
        };
        match &resolved.vl {
            None => Ok(Stages {
                lines: Box::new(lines),
                detector: Box::new(GeometricDetector {
                    pictures: self.picture_networks(resolved.config.pictures),
                }),
                recognizer: Box::new(PageTextRecognizer),
                loaded,
            }),
            Some((_, Backend::Recorded(case))) => {
                let networks = Box::new(ReplayPreprocessor { case: case.clone() });
                Ok(Stages {
                    lines: Box::new(ImagePreparer {
                        preprocessor: Preprocessor { networks },
                        drafts: DraftMode::Off,
                        lines: None,
                    }),
                    detector: Box::new(ReplayDetector { case: case.clone() }),
                    recognizer: after_own_text(
                        own_text,
                        Box::new(ReplayRecognizer { case: case.clone() }),
                    ),
                    loaded,
                })
            }
            Some((vl, backend)) => self.load_networks(vl, backend, lines, own_text, loaded),
        }
    }

    /// The networks that look at pictures of pages, if some are wanted. They run on the CPU, which needs a tenth of a second
    /// for each.
    fn picture_networks(&self, options: PictureOptions) -> Option<PictureNetworks> {
        let (dirs, session) = (self.dirs.clone(), self.session.clone());
        let load = move |file: &str| {
            let Ok(path) = dirs.find(file) else {
                tracing::info!(
                    "`{file}` is not there, and pages are read without it: scripts/setup.sh fetches it"
                );
                return Ok(None);
            };
            let library = dirs.find(runtime::ONNXRUNTIME)?;
            let runtime = Runtime::load(&library, session.clone())?;
            Ok(Some(runtime.on_cpu().network(&path)?))
        };
        let reads_pictures = self.no_lines.is_none();
        (options.is_any() && reads_pictures).then(|| PictureNetworks::new(options, Box::new(load)))
    }

    /// Layout networks with a backend: the recognizer in this process, servers, or the text of pages.
    fn load_networks(
        &self,
        vl: &VlConfig,
        backend: &Backend,
        mut lines: LazyLines,
        own_text: Option<OwnText>,
        loaded: LoadedParts,
    ) -> Result<Stages, SetupError> {
        let runtime = lines.runtime().map_err(SetupError::Runtime)?;
        let quantized = self.quantized.as_deref();
        let orientation = self.dirs.find(runtime::PAGE_ORIENTATION).ok();
        let networks = networks::load_for_run(vl, &runtime, quantized, orientation.as_deref())?;
        let detector: Box<dyn LayoutDetector> = match networks.layout {
            Some(network) => Box::new(NetworkDetector {
                network: Some(network),
                reload: {
                    let (vl, runtime, quantized) =
                        (vl.clone(), runtime.clone(), self.quantized.clone());
                    let load = move || networks::load_layout(&vl, &runtime, quantized.as_deref());
                    Box::new(move || load().map_err(Fault::from))
                },
                // On the CPU one page at a time is as fast, and takes a quarter of the memory.
                batch_size: if runtime.uses_gpu() {
                    vl.layout_batch_size
                } else {
                    1
                },
                reads_page_text: matches!(backend, Backend::PageText),
            }),
            // Each page is one region; the detector is not called.
            None => Box::new(GeometricDetector::default()),
        };
        let networks = Box::new(networks.preprocess);
        let preprocessor = Preprocessor { networks };
        let (drafts, line_drafts, recognizer): (_, _, Box<dyn Recognizer>) = match backend {
            Backend::PageText | Backend::Recorded(_) => {
                lines.preprocessor = Some(preprocessor);
                let recognizer = Box::new(PageTextRecognizer);
                return Ok(Stages {
                    lines: Box::new(lines),
                    detector,
                    recognizer,
                    loaded,
                });
            }
            Backend::Server => (DraftMode::Off, None, server(vl, self.ends)?),
            Backend::Native(native) => {
                let recognizer = recognizer(vl, native, &runtime, quantized)?;
                (
                    native.draft,
                    (native.draft == DraftMode::Lines).then_some(lines),
                    recognizer,
                )
            }
        };
        let pictures = ImagePreparer {
            preprocessor,
            drafts,
            lines: line_drafts,
        };
        let recognizer = after_own_text(own_text, recognizer);
        Ok(Stages {
            lines: Box::new(pictures),
            detector,
            recognizer,
            loaded,
        })
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
    let options = RunOptions {
        slots,
        ..native.run.clone()
    };
    let (vl, native, runtime) = (vl.clone(), native.clone(), runtime.clone());
    let quantized = quantized.map(Path::to_path_buf);
    let load = move || networks::load_recognizer(&vl, &native, &runtime, quantized.as_deref());
    let reload = Box::new(move || load().map(|(model, _)| model).map_err(Fault::from));
    Ok(Box::new(
        PaddleOcrVl::new(model, options).with_reload(reload),
    ))
}

/// Parts available to jobs after these settings were loaded.
fn loaded(resolved: &Resolved) -> LoadedParts {
    match &resolved.vl {
        None => LoadedParts {
            layout: true,
            orientation: false,
            unwarping: false,
            recognizer: false,
            page_text: true,
            own_text: false,
        },
        Some((vl, backend)) => {
            let PreprocessOptions {
                use_doc_preprocessor,
                use_doc_orientation_classify,
                use_doc_unwarping,
            } = vl.preprocess;
            LoadedParts {
                layout: vl.plan.use_layout_detection,
                orientation: use_doc_preprocessor && use_doc_orientation_classify,
                unwarping: use_doc_preprocessor && use_doc_unwarping,
                recognizer: !matches!(backend, Backend::PageText),
                page_text: matches!(backend, Backend::PageText),
                own_text: resolved.own_text.is_some(),
            }
        }
    }
}

/// The recognizer, preceded by the text of PDFs if wanted.
fn after_own_text(
    own_text: Option<OwnText>,
    recognizer: Box<dyn Recognizer>,
) -> Box<dyn Recognizer> {
    match own_text {
        Some(OwnText { check, .. }) => Box::new(TextFirst::new(recognizer, check)),
        None => recognizer,
    }
}

fn server(vl: &VlConfig, ends: &StopSignals) -> Result<Box<dyn Recognizer>, SetupError> {
    let ServerConfig {
        client,
        requests_in_flight,
    } = vl.server.clone().ok_or(SetupError::NoServer)?;
    let recognizer = ServerRecognizer::new(client, requests_in_flight, ends.clone());
    Ok(Box::new(recognizer.map_err(SetupError::Server)?))
}

/// Loads the line networks when the first page needs them; preprocesses pages if there are networks for that.
struct LazyLines {
    dirs: RuntimeDirs,
    session: SessionOptions,
    config: Config,
    reader: Option<Result<LineReader, Fault>>,
    preprocessor: Option<Preprocessor>,
}

impl LazyLines {
    fn runtime(&self) -> Result<Runtime, Fault> {
        let library = self.dirs.find(runtime::ONNXRUNTIME)?;
        Ok(Runtime::load(&library, self.session.clone())?)
    }

    /// The line networks, loaded on first use, and the preprocessor. Both are borrowed, not taken out, since
    /// the work may unwind.
    fn parts(&mut self) -> (Result<&mut LineReader, &Fault>, Option<&mut Preprocessor>) {
        if self.reader.is_none() {
            self.reader = Some(self.load());
        }
        let reader = self.reader.as_mut().expect("loaded above");
        (
            reader.as_mut().map_err(|fault| &*fault),
            self.preprocessor.as_mut(),
        )
    }

    fn release_memory(&mut self) {
        if let Some(Ok(reader)) = &mut self.reader
            && let Err(error) = reader.release_memory()
        {
            tracing::debug!("the line networks keep their memory: {error}");
        }
        machine::release_memory();
    }

    fn load(&self) -> Result<LineReader, Fault> {
        let reader = LineReader::load(&self.runtime()?, &self.dirs, self.config.lines)?;
        Ok(reader)
    }
}

impl LinePreparer for LazyLines {
    fn prepare(
        &mut self,
        source: &dyn PageSource,
        page: SourcePage,
        verdict: Verdict,
        settings: &JobSettings,
        readings: &mut Readings,
    ) -> Result<PreparedPage, PrepareError> {
        let (reader, preprocessor) = self.parts();
        let read = |page| prepare_by_lines(page, verdict, source, reader, readings);
        match preprocessor {
            Some(preprocessor) => preprocessor.prepare(
                page,
                (settings.preprocess, settings.keep_steps()),
                source,
                read,
            ),
            None => read(page),
        }
    }

    fn rest(&mut self) {
        self.release_memory();
    }
}

/// Prepares pages for a pipeline that works on page images.
struct ImagePreparer {
    preprocessor: Preprocessor,
    /// Source of the draft text that accompanies a page.
    drafts: DraftMode,
    /// Recognizes lines for drafts.
    lines: Option<LazyLines>,
}

impl ImagePreparer {
    /// The text of a page for drafts, in pixels of the page before preprocessing; empty if there is none.
    fn draft(&mut self, page: &SourcePage, settings: &JobSettings) -> PageText {
        // The text's coordinates would not match a page that is rotated or unwarped.
        let is_wanted = self.drafts != DraftMode::Off || settings.own_text.is_some();
        if !is_wanted || settings.preprocess.use_doc_preprocessor {
            return PageText::empty();
        }
        let mode = settings.own_text.unwrap_or(TextLayerMode::Auto);
        if let Some(content) = &page.content {
            let verdict = decide_text(page, mode);
            if verdict.decision.source == TextSource::TextLayer && !verdict.is_odd() {
                return text_layer(content);
            }
        }
        let read = self
            .lines
            .as_mut()
            .zip(page.pixels.as_ref())
            .and_then(|(lines, pixels)| {
                let reader = lines.parts().0.ok()?;
                reader
                    .read(pixels)
                    .ok()
                    .filter(|read| read.picture.is_none())
            });
        read.map_or_else(PageText::empty, |read| read.text)
    }
}

impl LinePreparer for ImagePreparer {
    fn prepare(
        &mut self,
        source: &dyn PageSource,
        page: SourcePage,
        verdict: Verdict,
        settings: &JobSettings,
        _: &mut Readings,
    ) -> Result<PreparedPage, PrepareError> {
        let draft = self.draft(&page, settings);
        let steps = (settings.preprocess, settings.keep_steps());
        let mut prepared = self.preprocessor.prepare(page, steps, source, |page| {
            prepare_picture(page, verdict.decision, source)
        })?;
        prepared.text = draft;
        Ok(prepared)
    }

    fn rest(&mut self) {
        if let Some(lines) = &mut self.lines {
            lines.release_memory();
        }
    }
}
