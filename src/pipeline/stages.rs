//! Loading of a run's stages, which prepare pages, detect regions and recognize blocks, from the pipeline's
//! settings.

use super::order::{LoadOrder, NetworkChoices};
use super::{Backend, DraftMode, OwnText, Resolved, SetupError, networks, parts};
use crate::config::machine;
use crate::config::server::ServerConfig;
use crate::config::vl::VlConfig;
use crate::devices::pool::{DevicePool, Program};
use crate::devices::remote::{RemoteDetector, RemoteLines, RemotePreprocessor, RemoteRecognizer};
use crate::document::TextSource;
use crate::engine::{JobSettings, LinePreparer, LoadedParts, Stages};
use crate::fault::Fault;
use crate::input::{PageSource, SourcePage};
use crate::layout::LayoutDetector;
use crate::layout::geometric::GeometricDetector;
use crate::layout::picture::{PictureNetworks, PictureOptions};
use crate::lines::{
    LineNetworks, LineOptions, PageText, PrepareError, PreparedPage, Preprocessor, Readings,
    TextLayerMode, Verdict, check_recognizer, decide_text, prepare_by_lines, prepare_picture,
    text_layer,
};
use crate::onnx::{Device, Runtime, SessionOptions};
use crate::preprocess::{DocPreprocessor, PreprocessOptions};
use crate::proof::replay::{ReplayDetector, ReplayPreprocessor, ReplayRecognizer};
use crate::recognize::Recognizer;
use crate::recognize::page_text::PageTextRecognizer;
use crate::recognize::server::{ServerRecognizer, StopSignals};
use crate::recognize::text_first::TextFirst;
use crate::runtime::{self, RuntimeDirs};
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::Arc;

/// Loads stages from files on this machine.
pub(crate) struct Loader<'a> {
    /// Folders of libraries and line networks.
    pub dirs: RuntimeDirs,
    /// Session options of the networks.
    pub session: SessionOptions,
    /// Several devices instead of the one of the session options.
    pub several: Option<SeveralDevices>,
    /// Folder for quantized weights; `None` to not store them.
    pub quantized: Option<PathBuf>,
    /// The reason why lines in images are not recognized, if so.
    pub no_lines: Option<Fault>,
    /// Conditions that cancel requests to servers.
    pub ends: &'a StopSignals,
}

/// Devices with a process for each.
#[derive(Debug, Clone)]
pub(crate) struct SeveralDevices {
    /// The devices; a CPU may be there more than once.
    pub devices: Vec<Device>,
    /// The program of their processes.
    pub program: PathBuf,
    /// Its arguments.
    pub arguments: Vec<OsString>,
}

impl Loader<'_> {
    /// Loads the stages for the settings.
    pub(crate) fn load(&self, resolved: &Resolved) -> Result<Stages, SetupError> {
        let own_text = resolved.own_text;
        let loaded = loaded(resolved);
        for folder in &resolved.config.rec_model_dirs {
            check_recognizer(folder).map_err(SetupError::Model)?;
        }
        if let Some((_, Backend::Recorded(case))) = &resolved.vl {
            let networks = Box::new(ReplayPreprocessor { case: case.clone() });
            return Ok(Stages {
                lines: vec![Box::new(ImagePreparer {
                    preprocessor: Preprocessor { networks },
                    drafts: DraftMode::Off,
                    lines: None,
                })],
                detectors: vec![Box::new(ReplayDetector { case: case.clone() })],
                recognizer: after_own_text(
                    own_text,
                    Box::new(ReplayRecognizer { case: case.clone() }),
                ),
                loaded,
            });
        }
        let devices = match &self.several {
            Some(several) => Some(Arc::new(self.start(several, resolved)?)),
            None => None,
        };
        let lines = || LazyLines {
            source: match &devices {
                Some(devices) => LineSource::Devices(devices.clone()),
                None => LineSource::Here {
                    dirs: self.dirs.with_recognizers(&resolved.config.rec_model_dirs),
                    session: self.session.clone(),
                    options: resolved.config.lines,
                },
            },
            reader: self.no_lines.clone().map(Err),
            preprocessor: None,
        };
        let Some((vl, backend)) = &resolved.vl else {
            let count = devices.as_ref().map_or(1, |devices| devices.count());
            return Ok(Stages {
                lines: (0..count).map(|_| Box::new(lines()) as _).collect(),
                detectors: vec![Box::new(GeometricDetector {
                    pictures: self.picture_networks(resolved.config.pictures),
                })],
                recognizer: Box::new(PageTextRecognizer),
                loaded,
            });
        };
        let networks = match &devices {
            Some(devices) => self.on_devices(devices, vl, backend)?,
            None => self.here(vl, backend)?,
        };
        let drafts = match backend {
            Backend::Native(native) => native.draft,
            _ => DraftMode::Off,
        };
        let preparer = |networks: Box<dyn DocPreprocessor>| -> Box<dyn LinePreparer> {
            let preprocessor = Preprocessor { networks };
            match backend {
                Backend::PageText => Box::new(LazyLines {
                    preprocessor: Some(preprocessor),
                    ..lines()
                }),
                _ => Box::new(ImagePreparer {
                    preprocessor,
                    drafts,
                    lines: (drafts == DraftMode::Lines).then(lines),
                }),
            }
        };
        Ok(Stages {
            lines: networks.preprocess.into_iter().map(preparer).collect(),
            detectors: networks.detectors,
            recognizer: match backend {
                Backend::PageText => networks.recognizer,
                _ => after_own_text(own_text, networks.recognizer),
            },
            loaded,
        })
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

    /// Loads the networks in this process.
    fn here(&self, vl: &VlConfig, backend: &Backend) -> Result<RunParts, SetupError> {
        let runtime = parts::runtime(&self.dirs, &self.session).map_err(SetupError::Runtime)?;
        let (quantized, choices) = (self.quantized.as_deref(), NetworkChoices::of(vl));
        let orientation = self.dirs.find(runtime::PAGE_ORIENTATION).ok();
        let networks =
            networks::load_for_run(&choices, &runtime, quantized, orientation.as_deref())?;
        let reads_page_text = matches!(backend, Backend::PageText);
        let detector = match networks.layout {
            Some(network) => {
                parts::detector(network, &choices, &runtime, quantized, reads_page_text)
            }
            // Each page is one region; the detector is not called.
            None => Box::new(GeometricDetector::default()),
        };
        let recognizer = match backend {
            Backend::Native(native) => parts::recognizer(&choices, native, &runtime, quantized)?.0,
            backend => elsewhere(vl, backend, self.ends)?,
        };
        Ok(RunParts {
            preprocess: vec![Box::new(networks.preprocess)],
            detectors: vec![detector],
            recognizer,
        })
    }

    /// The networks of the devices.
    fn on_devices(
        &self,
        devices: &Arc<DevicePool>,
        vl: &VlConfig,
        backend: &Backend,
    ) -> Result<RunParts, SetupError> {
        let each = || (0..devices.count()).map(|_| devices.clone());
        let detector = |pool| -> Box<dyn LayoutDetector> {
            Box::new(RemoteDetector {
                pool,
                reads_page_text: matches!(backend, Backend::PageText),
            })
        };
        let recognizer: Box<dyn Recognizer> = match backend {
            Backend::Native(native) => Box::new(RemoteRecognizer {
                pool: devices.clone(),
                drafts: native.run.drafts,
            }),
            backend => elsewhere(vl, backend, self.ends)?,
        };
        Ok(RunParts {
            preprocess: each()
                .map(|pool| Box::new(RemotePreprocessor(pool)) as _)
                .collect(),
            detectors: match vl.plan.use_layout_detection {
                true => each().map(detector).collect(),
                false => vec![Box::new(GeometricDetector::default())],
            },
            recognizer,
        })
    }

    /// Starts the processes of several devices.
    fn start(
        &self,
        several: &SeveralDevices,
        resolved: &Resolved,
    ) -> Result<DevicePool, SetupError> {
        let threads = (self.session.cpu_threads / several.devices.len().max(1)).max(1);
        let native = match &resolved.vl {
            Some((_, Backend::Native(native))) => Some(native),
            _ => None,
        };
        let order = |device: &Device| {
            let order = LoadOrder {
                dirs: self.dirs.with_recognizers(&resolved.config.rec_model_dirs),
                session: SessionOptions {
                    device: *device,
                    cpu_threads: threads,
                    ..self.session.clone()
                },
                quantized: self.quantized.clone(),
                lines: resolved.config.lines,
                networks: resolved.vl.as_ref().map(|(vl, _)| NetworkChoices::of(vl)),
                recognizer: native.cloned(),
            };
            (device.to_string(), order)
        };
        let program = Program {
            path: several.program.clone(),
            arguments: several.arguments.clone(),
            threads,
        };
        let orders = several.devices.iter().map(order).collect();
        DevicePool::start(&program, orders).map_err(SetupError::Devices)
    }
}

/// What works with networks, in this process or elsewhere.
struct RunParts {
    /// Document preprocessing, for each thread that prepares pages.
    preprocess: Vec<Box<dyn DocPreprocessor>>,
    /// Layout detection, for each thread that detects regions.
    detectors: Vec<Box<dyn LayoutDetector>>,
    /// Recognition.
    recognizer: Box<dyn Recognizer>,
}

/// A recognizer without a network of this run: servers, or the text of pages.
fn elsewhere(
    vl: &VlConfig,
    backend: &Backend,
    ends: &StopSignals,
) -> Result<Box<dyn Recognizer>, SetupError> {
    match backend {
        Backend::Server => server(vl, ends),
        _ => Ok(Box::new(PageTextRecognizer)),
    }
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
    source: LineSource,
    reader: Option<Result<Box<dyn LineNetworks>, Fault>>,
    preprocessor: Option<Preprocessor>,
}

/// Where the line networks are.
enum LineSource {
    /// In this process.
    Here {
        dirs: RuntimeDirs,
        session: SessionOptions,
        options: LineOptions,
    },
    /// On the devices.
    Devices(Arc<DevicePool>),
}

impl LineSource {
    fn load(&self) -> Result<Box<dyn LineNetworks>, Fault> {
        match self {
            LineSource::Here {
                dirs,
                session,
                options,
            } => parts::line_networks(dirs, session, *options),
            LineSource::Devices(devices) => Ok(Box::new(RemoteLines::load(devices)?)),
        }
    }
}

impl LazyLines {
    /// The line networks, loaded on first use, and the preprocessor. Both are borrowed, not taken out, since
    /// the work may unwind. Fails if it says nothing about the networks that they are not there.
    fn parts(&mut self) -> Result<LineParts<'_>, Fault> {
        let reader = match self.reader.take() {
            Some(reader) => reader,
            None => match self.source.load() {
                Err(fault) if fault.reason.is_of_device() => return Err(fault),
                loaded => loaded,
            },
        };
        let reader = match self.reader.insert(reader) {
            Ok(reader) => Ok(reader.as_mut()),
            Err(fault) => Err(&*fault),
        };
        Ok((reader, self.preprocessor.as_mut()))
    }

    fn release_memory(&mut self) {
        if let Some(Ok(reader)) = &mut self.reader
            && let Err(error) = reader.release_memory()
        {
            tracing::debug!("the line networks keep their memory: {error}");
        }
        machine::release_memory();
    }
}

/// The line networks, or why there are none, and the preprocessor.
type LineParts<'a> = (
    Result<&'a mut (dyn LineNetworks + 'static), &'a Fault>,
    Option<&'a mut Preprocessor>,
);

impl LinePreparer for LazyLines {
    fn prepare(
        &mut self,
        source: &dyn PageSource,
        page: SourcePage,
        verdict: Verdict,
        settings: &JobSettings,
        readings: &mut Readings,
    ) -> Result<PreparedPage, PrepareError> {
        let (reader, preprocessor) = self.parts().map_err(PrepareError::Network)?;
        let reader = reader.map(|reader| -> &mut dyn LineNetworks { reader });
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
                let reader = lines.parts().ok()?.0.ok()?;
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
