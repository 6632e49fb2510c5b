//! Memory plan of a run: the limit, the needs of the pipeline's parts, and the share of each.

use super::{Backend, DraftMode, Resolved, SetupError};
use crate::config::machine;
use crate::config::memory::{BASE, Shares, Wants};
use crate::config::vl::VlConfig;
use crate::fault::{Fault, Reason};
use crate::input::decode::MAX_PICTURE_PIXELS;
use crate::layout::exported;
use crate::layout::picture::{self, PictureOptions};
use crate::lines::memory::{GIVEN_RECOGNIZER, PAGE_ORIENTATION};
use crate::onnx::Device;
use std::path::Path;

/// Least bytes of the recognizer's KV cache if no size is given: enough for one long answer.
const LEAST_KV_CACHE: u64 = 128 << 20;
/// Working memory of a layout network in bytes, besides its weights, for one page: 580 MB measured with
/// PP-DocLayoutV3.
const LAYOUT_WORK: u64 = 640 << 20;
/// Working memory of the recognizer in bytes, besides weights and KV cache.
const RECOGNIZER_WORK: u64 = 256 << 20;
/// Working memory of the networks of document preprocessing in bytes, besides their weights.
const PREPROCESS_WORK: u64 = 256 << 20;
/// The networks that look at pages are used if this many times their memory is left by the least of all other parts, which would
/// have little to share else.
const MUCH: u64 = 4;
/// Main memory taken by the libraries of a GPU, in bytes. An estimate.
const GPU_LIBRARIES: u64 = 2 << 30;

/// Memory shares of the parts of a run.
#[derive(Debug)]
pub(crate) struct MemoryPlan {
    /// The shares.
    pub shares: Shares,
    /// Name of the setting that gives worker processes more memory.
    pub worker_setting: &'static str,
    /// The reason why lines in images are not recognized, if there is no room for it.
    pub no_lines: Option<Fault>,
}

impl MemoryPlan {
    /// Pixel limit of image files.
    pub(crate) fn picture_pixels(&self) -> u64 {
        self.shares.page_pixels().min(MAX_PICTURE_PIXELS)
    }

    /// Limit in bytes on a worker's message about a page: decoding it takes more than twice as much memory
    /// beside the message.
    pub(crate) fn message_bytes(&self, most: usize) -> usize {
        usize::try_from(self.shares.pages / 4)
            .unwrap_or(usize::MAX)
            .min(most)
    }
}

/// Divides the memory and adjusts the settings to it. `limit`: bytes, if a limit was given besides that of
/// the settings. `devices`: those of the networks; with several of them each has a process of its own.
pub(crate) fn plan(
    resolved: &mut Resolved,
    limit: Option<u64>,
    devices: &[Device],
    workers: usize,
) -> Result<MemoryPlan, SetupError> {
    let asked = limit.or(resolved.config.memory_limit);
    let mut wants = wants(resolved, devices, workers);
    let given = resolved.config.rec_model_dirs.len() * wants.line_readers;
    wants.networks += given as u64 * GIVEN_RECOGNIZER;
    // If the system does not report its memory, there is no limit.
    let limit = asked.unwrap_or_else(|| machine::memory().map_or(u64::MAX, |bytes| bytes / 4 * 3));
    let (least, least_with_lines) = wants.least();
    wants.networks += helpers(resolved, &wants, limit.saturating_sub(least_with_lines));
    if limit < least {
        let (limit, least) = (megabytes(limit), megabytes(least));
        if asked.is_some() {
            return Err(SetupError::Memory {
                limit_mib: limit,
                least_mib: least,
            });
        }
        tracing::warn!(
            "three quarters of this machine's memory are {limit} MB; a run takes at least {least} MB"
        );
    }
    let shares = wants.share(limit);
    let no_lines = (wants.line_readers > 0 && shares.lines.is_none()).then(|| {
        let (limit, least) = (megabytes(limit), megabytes(least_with_lines));
        let message = format!(
            "the memory limit of {limit} MB leaves no room for line recognition; raise `memory_limit` to {least}M or more"
        );
        Fault::new(Reason::OutOfMemory, message)
    });
    tracing::debug!("memory: {} MB, of which {shares:?}", megabytes(limit));
    let config = &mut resolved.config;
    let worker_setting = match shares.worker < config.worker_memory {
        true => "`memory_limit`",
        false => "worker_memory in a file of settings",
    };
    config.lines.memory = shares.lines.unwrap_or(config.lines.memory);
    config.max_page_pixels = config.max_page_pixels.min(shares.page_pixels());
    if let Some((_, Backend::Native(run))) = &mut resolved.vl {
        let caches = devices.iter().filter(|device| !is_gpu(**device)).count();
        let share = shares.kv_cache / caches.max(1) as u64;
        run.kv_cache = usize::try_from(share).unwrap_or(usize::MAX);
    }
    Ok(MemoryPlan {
        shares,
        worker_setting,
        no_lines,
    })
}

/// Bytes of the networks that help to read pictures of pages. They only improve what is found without them: if they do not leave
/// most of the `left` bytes, they are turned off.
fn helpers(resolved: &mut Resolved, wants: &Wants, left: u64) -> u64 {
    let config = &mut resolved.config;
    let looks = wants.line_readers > 0 && resolved.vl.is_none() && config.pictures.is_any();
    let turning = match config.lines.use_page_orientation {
        true => wants.line_readers as u64,
        false => 0,
    };
    let asked = u64::from(looks) * picture::MEMORY + turning * PAGE_ORIENTATION;
    if left >= MUCH * asked {
        return asked;
    }
    tracing::info!("the memory limit leaves no room for the networks that look at pages");
    config.pictures = PictureOptions::default();
    config.lines.use_page_orientation = false;
    0
}

/// Rounded up, so that the number in a message is enough.
fn megabytes(bytes: u64) -> u64 {
    bytes.div_ceil(1 << 20)
}

/// `true` if networks are expected to run on a GPU.
fn is_gpu(device: Device) -> bool {
    match device {
        Device::Gpu(_) => true,
        Device::Auto => Path::new("/dev/nvidiactl").exists(),
        Device::Cpu => false,
    }
}

fn wants(resolved: &Resolved, devices: &[Device], workers: usize) -> Wants {
    let (mut networks, mut kv_cache) = (0, (0, 0));
    let gpus = devices.iter().filter(|device| is_gpu(**device)).count() as u64;
    let processes = devices.len().max(1) as u64;
    let cpus = processes - gpus;
    let mut reads_lines = true;
    if let Some((vl, parts)) = &resolved.vl {
        reads_lines = match parts {
            Backend::PageText => true,
            Backend::Native(run) => run.draft == DraftMode::Lines,
            Backend::Recorded(_) | Backend::Server => false,
        };
        if !matches!(parts, Backend::Recorded(_)) {
            networks += layout_and_preprocessing(vl);
        }
        if let Backend::Native(run) = parts {
            let weights = weights(vl.models.recognizer.dir.as_deref());
            // Measured with int8: the vision encoder keeps the precision of computation, the decoder takes
            // less than its file.
            networks += weights / 4 * 5 + RECOGNIZER_WORK;
            let wanted = run.kv_cache as u64;
            kv_cache = match run.is_kv_cache_given {
                true => (wanted, wanted),
                false => (LEAST_KV_CACHE.min(wanted), wanted),
            };
            // That of a GPU lies on it.
            kv_cache = (kv_cache.0 * cpus, kv_cache.1 * cpus);
        }
    }
    networks = networks * processes + GPU_LIBRARIES * gpus;
    if processes > 1 {
        networks += BASE * processes;
    }
    Wants {
        workers,
        worker: resolved.config.worker_memory,
        line_readers: if reads_lines { processes as usize } else { 0 },
        networks,
        kv_cache,
    }
}

fn layout_and_preprocessing(vl: &VlConfig) -> u64 {
    let (models, preprocess) = (&vl.models, vl.preprocess);
    let mut bytes = 0;
    if vl.plan.use_layout_detection {
        bytes += weights(models.layout.dir.as_deref()) + LAYOUT_WORK;
    }
    if preprocess.use_doc_preprocessor && preprocess.use_doc_orientation_classify {
        bytes += weights(models.orientation.dir.as_deref()) + PREPROCESS_WORK;
    }
    if preprocess.use_doc_preprocessor && preprocess.use_doc_unwarping {
        bytes += weights(models.unwarping.dir.as_deref()) + PREPROCESS_WORK;
    }
    bytes
}

/// Size in bytes of the weights in a model's folder; 0 if there are none, which is reported when the model is
/// loaded.
fn weights(folder: Option<&Path>) -> u64 {
    let length = |name: &str| {
        folder
            .and_then(|folder| std::fs::metadata(folder.join(name)).ok())
            .map(|file| file.len())
    };
    length("model.safetensors")
        .or_else(|| length(exported::MODEL))
        .unwrap_or(0)
}
