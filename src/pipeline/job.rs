//! From the settings of a run to those of its jobs: parsing options, opening of files, finishing of
//! documents, and the limits of the engine.

use super::memory::MemoryPlan;
use super::{Backend, Resolved, restructure_options};
use crate::config::parameters::Parameters;
use crate::config::vl::VlConfig;
use crate::engine::{JobSettings, LayoutChoice, Limits};
use crate::fault::Fault;
use crate::input::worker::protocol::MAX_MESSAGE;
use crate::input::worker::{PoolOptions, WorkerPool};
use crate::input::{OpenOptions, PictureOptions};
use crate::layout::polygons::ShapeMode;
use crate::layout::postprocess::LayoutOptions;
use crate::plan::PlanOptions;
use crate::preprocess::PreprocessOptions;
use crate::restructure::{FinishOptions, RestructureOptions};
use crate::runtime::{self, RuntimeDirs};
use crate::writer::FormatOptions;
use crate::writer::json::JsonOptions;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

/// Most pages parsed that are the same object of the file as an earlier one: honest documents repeat a blank
/// or separator page this often.
const MOST_REPEATS: usize = 100;
/// Approximate number of blocks on a page.
const BLOCKS_OF_A_PAGE: usize = 8;
/// Most pages in flight to keep the recognizer busy.
const MOST_PAGES: usize = 64;
/// Blocks that recognizers get in addition to twice their parallel capacity: they prepare blocks ahead and
/// sort them by size.
const BLOCKS_AHEAD: usize = 128;
/// Threads that open files, so that a few slow ones do not hold up the others.
const OPENERS: usize = 4;

/// Time limit of a worker's request, unless the page timeout is shorter, or a quarter of it longer: a worker
/// responds within milliseconds or not at all.
const WORKER_PATIENCE: Duration = Duration::from_secs(50);

/// Outputs wanted from pages besides their content.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct WantedPictures {
    /// Pixels of the pages.
    pub pixels: bool,
    /// Trace of decisions and requests.
    pub trace: bool,
    /// Pages as JPEG, for drawings.
    pub pages: bool,
    /// Crops of blocks that are kept as pictures.
    pub blocks: bool,
    /// What was considered while tables were looked for.
    pub tables: bool,
}

impl Resolved {
    /// Settings for parsing a document.
    pub(crate) fn job_settings(&self, wanted: WantedPictures, as_reference: bool) -> JobSettings {
        let vl = self.vl.as_ref().map(|(vl, _)| vl);
        JobSettings {
            // The reference parses every page.
            most_repeats: (!as_reference).then_some(MOST_REPEATS),
            text_layer: self.config.text_layer,
            hidden_text: self.config.hidden_text,
            own_text: self.own_text.map(|own_text| own_text.mode),
            reads_pictures: self.looks_at_pictures().is_some(),
            detector_sees_pixels: vl.is_some(),
            preprocess: vl.map_or_else(PreprocessOptions::default, |vl| vl.preprocess),
            layout: match vl {
                None => LayoutChoice::Detect(LayoutOptions::default()),
                Some(vl) if vl.plan.use_layout_detection => LayoutChoice::Detect(vl.layout.clone()),
                Some(vl) => LayoutChoice::WholePage(vl.prompt_label),
            },
            plan: match self.looks_at_pictures() {
                Some(vl) => PlanOptions::Vl(vl.plan.clone().into()),
                None => PlanOptions::PageText,
            },
            keep_pixels: wanted.pixels,
            trace: wanted.trace,
            page_pictures: wanted.pages,
            block_pictures: wanted.blocks,
            // Networks find tables without looking at lines and gaps.
            trace_tables: wanted.tables && vl.is_none(),
            page_timeout: Some(self.config.page_timeout),
            trace_context: None,
            // Without networks, labels depend on the whole document.
            pages_are_final: vl.is_some(),
        }
    }

    /// Steps applied to a document once all its pages are done.
    pub(crate) fn finish_options(&self, restructure: RestructureOptions) -> FinishOptions {
        FinishOptions {
            restructure: Some(restructure),
            regions_from_text: self.vl.is_none(),
        }
    }

    /// The same for a run with these parameters. Results like the reference's have the steps that were asked for.
    pub(crate) fn finish(&self, parameters: &Parameters, as_reference: bool) -> FinishOptions {
        let restructure = restructure_options(parameters, as_reference);
        if !as_reference {
            return self.finish_options(restructure);
        }
        // The reference's command restructures across pages only on request.
        let asked = ["merge_tables", "relevel_titles", "concatenate_pages"];
        let is_asked = |name: &&str| parameters.bool(name) == Some(true);
        FinishOptions {
            restructure: asked.iter().any(is_asked).then_some(restructure),
            regions_from_text: false,
        }
    }

    /// Options of the formats, for documents that are finished like this.
    pub(crate) fn format_options(
        &self,
        finish: &FinishOptions,
        as_reference: bool,
    ) -> FormatOptions {
        FormatOptions {
            json: self.json_options(as_reference),
            concatenate_pages: finish.restructure.is_some_and(|r| r.concatenate_pages),
            answer: None,
            preprocesses: self
                .vl
                .as_ref()
                .is_some_and(|(vl, _)| vl.preprocess.use_doc_preprocessor),
        }
    }

    /// Options of the JSON and Markdown output.
    pub(crate) fn json_options(&self, as_reference: bool) -> JsonOptions {
        let config = &self.config;
        let options = JsonOptions {
            settings: config.settings.clone(),
            format_block_content: config.format_block_content,
            ignore_labels: self.ignore_labels.clone(),
            compat: as_reference,
            ..JsonOptions::page_text(config.pipeline.name(), config.markdown.clone())
        };
        match &self.vl {
            None => options,
            Some((vl, _)) => JsonOptions {
                use_doc_preprocessor: vl.preprocess.use_doc_preprocessor,
                merge_layout_blocks: vl.plan.merge_layout_blocks,
                return_layout_polygon_points: vl.layout.shape_mode != ShapeMode::Rect,
                ..options
            },
        }
    }

    /// Options for opening files, not as the reference does, in worker processes of `program`, which is docparse itself.
    pub(crate) fn open_options(
        &self,
        program: PathBuf,
        passwords: Vec<String>,
        dirs: &RuntimeDirs,
        memory: &MemoryPlan,
    ) -> OpenOptions {
        let config = &self.config;
        let library = dirs.find(runtime::PDFIUM).map_err(Fault::from);
        let max_picture_pixels = memory.picture_pixels();
        let pool = PoolOptions {
            program,
            library: library.as_ref().ok().cloned(),
            workers: memory.shares.workers,
            timeout: config
                .page_timeout
                .min(WORKER_PATIENCE)
                .max(config.page_timeout / 4),
            memory: memory.shares.worker,
            memory_setting: memory.worker_setting,
            // A page may have another size when it is rendered; twice as many pixels are still within the
            // memory planned for a page.
            max_pixels: max_picture_pixels.saturating_mul(2),
            max_message: memory.message_bytes(MAX_MESSAGE),
        };
        OpenOptions {
            passwords,
            max_page_pixels: config.max_page_pixels,
            max_picture_pixels,
            pictures: PictureOptions {
                as_reference: false,
                all_frames: config.all_frames,
            },
            workers: Arc::new(WorkerPool::new(pool)),
            no_pdfs: library.err(),
        }
    }

    /// Limits of the engine, for `threads` readers, `page_memory` bytes of pages in flight and so many devices.
    pub(crate) fn limits(&self, threads: usize, page_memory: u64, devices: usize) -> Limits {
        // While one batch of pages is processed, the next one is read.
        let batch = self.vl.as_ref().map_or(1, |(vl, _)| vl.layout_batch_size) * devices;
        // Blocks recognized at once: enough pages are read to keep the recognizer busy.
        let at_once = match &self.vl {
            Some((_, Backend::Native(run))) => run.slots.unwrap_or(run.run.slots) * devices,
            Some((
                VlConfig {
                    server: Some(server),
                    ..
                },
                Backend::Server,
            )) => server.requests_in_flight,
            _ => 0,
        };
        let fed = (at_once / BLOCKS_OF_A_PAGE).min(MOST_PAGES);
        Limits {
            jobs: usize::MAX,
            openers: OPENERS,
            readers: threads,
            pages_in_flight: (threads * 2 + 2 * devices)
                .max(batch + threads)
                .max(fed + threads),
            page_memory,
            blocks_in_flight: at_once.saturating_mul(2).saturating_add(BLOCKS_AHEAD),
        }
    }
}
