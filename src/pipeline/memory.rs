//! How the memory of a run is planned: the limit, what the pipeline's parts want, and what each of them gets.

use super::{Backend, DraftMode, Resolved, SetupError};
use crate::config::machine;
use crate::config::memory::{Shares, Wants};
use crate::config::vl::VlConfig;
use crate::input::decode::MAX_PICTURE_PIXELS;
use crate::layout::exported;
use crate::onnx::Device;
use std::path::Path;

/// Least bytes for the recognizer's keys and values where no size was asked for: one long answer.
const LEAST_KV_CACHE: u64 = 128 << 20;
/// Bytes that a layout network takes at work beside its weights, one page at a time: 580 MB measured with PP-DocLayoutV3.
const LAYOUT_WORK: u64 = 640 << 20;
/// Bytes that the recognizer takes at work beside weights, keys and values.
const RECOGNIZER_WORK: u64 = 256 << 20;
/// Bytes that the networks of document preprocessing take at work beside their weights.
const PREPROCESS_WORK: u64 = 256 << 20;
/// Bytes of this machine's memory that the libraries of a GPU take. An estimate.
const GPU_LIBRARIES: u64 = 2 << 30;

/// What the parts of a run may take.
#[derive(Debug)]
pub struct MemoryPlan {
    /// The shares.
    pub shares: Shares,
    /// The setting that gives worker processes more.
    pub worker_setting: &'static str,
    /// Why no lines are read from pictures, where they would be and there is no room for it.
    pub no_lines: Option<String>,
}

impl MemoryPlan {
    /// Pixels that pictures may have.
    pub fn picture_pixels(&self) -> u64 {
        self.shares.page_pixels().min(MAX_PICTURE_PIXELS)
    }

    /// Bytes that what stands on a page may take on its way from a worker. It is unpacked beside the message, to twice as much
    /// and more.
    pub fn message_bytes(&self, most: usize) -> usize {
        usize::try_from(self.shares.pages / 4)
            .unwrap_or(usize::MAX)
            .min(most)
    }
}

/// Shares out the memory, and puts into the settings what they say of it. `limit`: bytes, where somebody gave a limit besides
/// that of the settings; `limit_name`: what a limit is called where it was given, for messages.
pub fn plan(
    resolved: &mut Resolved,
    (limit, limit_name): (Option<u64>, &'static str),
    device: Device,
    workers: usize,
) -> Result<MemoryPlan, SetupError> {
    let asked = limit.or(resolved.config.memory_limit);
    let wants = wants(resolved, device, workers);
    // Where the system does not tell what there is, nothing is planned.
    let limit = asked.unwrap_or_else(|| machine::memory().map_or(u64::MAX, |bytes| bytes / 4 * 3));
    let (least, least_with_lines) = wants.least();
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
    let no_lines = (wants.reads_lines && shares.lines.is_none()).then(|| {
        let (limit, least) = (megabytes(limit), megabytes(least_with_lines));
        format!(
            "the memory limit of {limit} MB leaves no room for line recognition; raise {limit_name} to {least}M or more"
        )
    });
    tracing::debug!("memory: {} MB, of which {shares:?}", megabytes(limit));
    let config = &mut resolved.config;
    let worker_setting = match shares.worker < config.worker_memory {
        true => limit_name,
        false => "worker_memory in a file of settings",
    };
    config.lines.memory = shares.lines.unwrap_or(config.lines.memory);
    config.max_page_pixels = config.max_page_pixels.min(shares.page_pixels());
    if let Some((_, Backend::Native(run))) = &mut resolved.vl {
        run.kv_cache = usize::try_from(shares.kv_cache).unwrap_or(usize::MAX);
    }
    Ok(MemoryPlan {
        shares,
        worker_setting,
        no_lines,
    })
}

/// Rounded up, so that what is named is enough.
fn megabytes(bytes: u64) -> u64 {
    bytes.div_ceil(1 << 20)
}

fn wants(resolved: &Resolved, device: Device, workers: usize) -> Wants {
    let (mut networks, mut kv_cache) = (0, (0, 0));
    let uses_gpu = match device {
        Device::Gpu(_) => true,
        Device::Auto => Path::new("/dev/nvidiactl").exists(),
        Device::Cpu => false,
    };
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
            // Measured with int8: the vision encoder is kept as it is computed, the decoder in less than its file.
            networks += weights / 4 * 5 + RECOGNIZER_WORK;
            let wanted = run.kv_cache as u64;
            kv_cache = match run.is_kv_cache_given {
                true => (wanted, wanted),
                false => (LEAST_KV_CACHE.min(wanted), wanted),
            };
            if uses_gpu {
                kv_cache = (0, 0); // it lies on the GPU
            }
        }
    }
    if uses_gpu {
        networks += GPU_LIBRARIES;
    }
    Wants {
        workers,
        worker: resolved.config.worker_memory,
        reads_lines,
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

/// Bytes of the file of weights in a model's folder; 0 where there is none, which is told when it is loaded.
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
