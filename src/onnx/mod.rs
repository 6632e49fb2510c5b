//! ONNX Runtime: loading the library, choosing the device, building and running networks. Only this module names `ort`.
//!
//! A network comes from a model file ([`Runtime::network`]), or is built as code from a checkpoint
//! ([`graph`], [`layers`], [`checkpoint`]).

pub(crate) mod buffers;
pub(crate) mod checkpoint;
pub(crate) mod cuda;
mod denormals;
mod device;
mod given;
pub(crate) mod graph;
pub(crate) mod layers;
pub(crate) mod model_file;
pub(crate) mod network;
mod operators;
pub(crate) mod packs;
pub(crate) mod projection;
mod quiet;
pub(crate) mod residual;
pub(crate) mod slots;
mod watch;
pub(crate) mod weights;

use crate::fault::{Fault, Reason};
pub(crate) use cuda::Gpu;
use cuda::budget::{self, LIBRARY_WORK, Reservation};
use cuda::errors::essence;
use cuda::turns;
use denormals::without_denormals;
pub use device::Device;
use network::{Array, Network, SessionPlace};
use ort::environment::Environment;
use ort::ep::ArenaExtendStrategy;
use ort::ep::cuda::AttentionBackend;
use ort::session::Session;
use ort::session::builder::{GraphOptimizationLevel, SessionBuilder};
pub use quiet::forbid_telemetry;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, Once, PoisonError};

/// Options of a session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SessionOptions {
    /// Device.
    pub device: Device,
    /// Threads inside an operator on the CPU.
    pub cpu_threads: usize,
    /// Limit of the GPU memory of all sessions and buffers together, in bytes; `None` for no limit.
    pub gpu_memory: Option<usize>,
    /// Path prefix of the file with the time of every operator, if one is wanted.
    pub profile: Option<PathBuf>,
}

impl SessionOptions {
    /// Sessions on a device, with everything else at its default.
    pub fn on(device: Device, cpu_threads: usize) -> Self {
        SessionOptions {
            device,
            cpu_threads,
            gpu_memory: None,
            profile: None,
        }
    }
}

/// Errors of loading and running models.
#[derive(Debug, thiserror::Error)]
pub enum OnnxError {
    /// The runtime library cannot be loaded.
    #[error("failed to load ONNX Runtime from `{path}`: {reason}")]
    Library {
        /// The library.
        path: PathBuf,
        /// The reason.
        reason: String,
    },
    /// The model cannot be loaded.
    #[error("failed to load {model}: {reason}")]
    Load {
        /// The model file or network.
        model: String,
        /// The reason; names the operator at fault, if there is one.
        reason: String,
        /// `true` if memory was the reason.
        lacks_memory: bool,
    },
    /// The GPU that was asked for cannot be used.
    #[error(
        "GPU {device} cannot be used: {reason}; use `device` cpu, or set up the runtime with scripts/setup.sh --gpu"
    )]
    Device {
        /// Number of the GPU.
        device: u32,
        /// The reason.
        reason: String,
        /// `true` if memory was the reason.
        lacks_memory: bool,
    },
    /// The device has too little memory.
    #[error(
        "out of memory while running {model}: {reason}; lower the batch size, raise the limit of GPU memory, or use `device` cpu"
    )]
    OutOfMemory {
        /// The model file or network.
        model: String,
        /// The runtime's message.
        reason: String,
    },
    /// The GPU failed in such a way that nothing can run on it in this process any more.
    #[error(
        "the GPU failed while running {model}: {reason}; nothing can run on it any more in this process, so run docparse again (if it happens again, the driver's log may tell why)"
    )]
    Lost {
        /// The model file or network.
        model: String,
        /// The error of CUDA.
        reason: String,
    },
    /// Running failed.
    #[error("failed to run {model}: {reason}")]
    Run {
        /// The model file or network.
        model: String,
        /// The reason.
        reason: String,
    },
}

impl OnnxError {
    /// Classifies a failed run by the runtime's message.
    fn of_run(model: &str, reason: &str) -> Self {
        let (model, is_memory) = (model.to_string(), lacks_memory(reason));
        let reason = essence(reason);
        match is_memory {
            true => OnnxError::OutOfMemory { model, reason },
            false => OnnxError::Run { model, reason },
        }
    }

    /// Classifies what failed on a GPU, going by the message and, in doubt, by the device. Not to be called in a turn.
    fn of_gpu(gpu: u32, model: &str, reason: &str) -> Self {
        if lacks_memory(reason) {
            return OnnxError::of_run(model, reason);
        }
        match cuda::lost_by(gpu, reason) {
            Some(lost) => OnnxError::of_lost(model, lost),
            None => OnnxError::of_run(model, reason),
        }
    }

    fn of_lost(model: &str, reason: String) -> Self {
        OnnxError::Lost {
            model: model.into(),
            reason,
        }
    }

    /// Error of a network that cannot be loaded, classified by the runtime's message.
    fn of_load(model: String, reason: &str) -> Self {
        OnnxError::Load {
            model,
            reason: essence(reason),
            lacks_memory: lacks_memory(reason),
        }
    }

    /// The reason as a code for programs.
    pub fn reason(&self) -> Reason {
        match self {
            OnnxError::OutOfMemory { .. }
            | OnnxError::Load {
                lacks_memory: true, ..
            }
            | OnnxError::Device {
                lacks_memory: true, ..
            } => Reason::OutOfMemory,
            OnnxError::Library { .. } => Reason::Library,
            OnnxError::Load { .. } | OnnxError::Run { .. } => Reason::Model,
            OnnxError::Device { .. } => Reason::Device,
            OnnxError::Lost { .. } => Reason::DeviceLost,
        }
    }
}

impl From<OnnxError> for Fault {
    fn from(error: OnnxError) -> Fault {
        Fault::new(error.reason(), error.to_string())
    }
}

/// `true` if the runtime's message is about memory: its errors have no code for that.
fn lacks_memory(reason: &str) -> bool {
    let text = reason.to_lowercase();
    // Messages of the arena, the driver and the C++ library.
    let words = [
        "failed to allocate memory",
        "out of memory",
        "bad_alloc",
        "available memory of",
    ];
    words.iter().any(|words| text.contains(words))
}

/// Reason why a session could not be created.
struct NoSession {
    /// The GPU, if one was requested by number.
    device: Option<u32>,
    /// The runtime's message.
    reason: String,
}

impl NoSession {
    fn named(self, model: String) -> OnnxError {
        let reason = self.reason;
        match self.device {
            None => OnnxError::of_load(model, &reason),
            Some(device) => OnnxError::Device {
                device,
                reason: essence(&reason),
                lacks_memory: lacks_memory(&reason),
            },
        }
    }
}

/// The loaded runtime library.
#[derive(Clone)]
pub struct Runtime {
    environment: Environment,
    options: SessionOptions,
    captures: bool,
    /// Bytes of GPU memory that a session gets for its runs if there is a limit.
    gpu_work: usize,
}

/// Bytes of GPU memory for the runs of a session, if there is a limit and nothing else is known.
const GPU_WORK: usize = 128 << 20;

impl Runtime {
    /// Loads the library, once per process: a second call, even with another path, keeps the first library.
    pub fn load(library: &Path, options: SessionOptions) -> Result<Self, OnnxError> {
        // ONNX Runtime allows one environment per process.
        static LOADED: Mutex<Option<Environment>> = Mutex::new(None);
        let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(environment) = loaded.as_ref() {
            return Ok(Self {
                environment: environment.clone(),
                options,
                captures: false,
                gpu_work: GPU_WORK,
            });
        }
        let fail = |reason: String| OnnxError::Library {
            path: library.to_path_buf(),
            reason,
        };
        forbid_telemetry();
        cuda::beside(library);
        let builder = ort::init_from(library).map_err(|error| fail(error.to_string()))?;
        let environment = builder
            .with_name("docparse")
            .with_telemetry(false)
            .with_logger(quiet::logger())
            .build()
            .map_err(|error| fail(error.to_string()))?;
        environment.set_log_level(ort::logging::LogLevel::Warning);
        *loaded = Some(environment.clone());
        Ok(Self {
            environment,
            options,
            captures: false,
            gpu_work: GPU_WORK,
        })
    }

    /// The same runtime with sessions on the CPU.
    pub fn on_cpu(&self) -> Runtime {
        let options = SessionOptions {
            device: Device::Cpu,
            ..self.options.clone()
        };
        Runtime {
            options,
            captures: false,
            ..self.clone()
        }
    }

    /// The same runtime with sessions on the GPU, and an error if it cannot be used; `captures`: runs are
    /// captured as CUDA graphs, so that a step is one launch. Without a GPU, the same as [`Runtime::on_cpu`].
    pub fn on_gpu(&self, captures: bool) -> Runtime {
        let device = match self.options.device {
            Device::Auto if self.uses_gpu() => Device::Gpu(0),
            Device::Auto => Device::Cpu,
            device => device,
        };
        let captures = captures && device != Device::Cpu;
        let options = SessionOptions {
            device,
            ..self.options.clone()
        };
        Runtime {
            options,
            captures,
            ..self.clone()
        }
    }

    /// The same runtime with sessions that get so many bytes of GPU memory for their runs, besides their weights, if
    /// there is a limit.
    pub fn with_gpu_work(&self, bytes: usize) -> Runtime {
        Runtime {
            gpu_work: bytes,
            ..self.clone()
        }
    }

    /// Limit of the GPU memory of all sessions and buffers together, in bytes.
    pub fn gpu_memory(&self) -> Option<usize> {
        self.options.gpu_memory
    }

    fn gpu_number(&self) -> u32 {
        match self.options.device {
            Device::Gpu(number) => number,
            Device::Auto | Device::Cpu => 0,
        }
    }

    /// What is left of that limit, in bytes.
    pub fn gpu_memory_left(&self) -> Option<usize> {
        let limit = self.options.gpu_memory;
        limit.map(|limit| budget::left(self.gpu_number(), limit))
    }

    /// Keeps bytes of that limit, for what is loaded later, until the result is dropped. `None` if there is no limit, or
    /// if they are not left.
    pub(crate) fn hold_gpu_memory(&self, bytes: usize) -> Option<Reservation> {
        let limit = self.options.gpu_memory?;
        budget::reserve(self.gpu_number(), Some(limit), bytes).ok()
    }

    /// `true` if the options name a GPU, so that falling back to the CPU is an error.
    pub fn must_use_gpu(&self) -> bool {
        matches!(self.options.device, Device::Gpu(_))
    }

    /// `true` if sessions are expected to be created on a GPU.
    pub fn uses_gpu(&self) -> bool {
        self.must_use_gpu() || matches!(self.gpu(), Ok(Some(_)))
    }

    /// The GPU that sessions are created on; `None` for the CPU.
    ///
    /// Fails if one that was asked for by number cannot be used, with the name of the library or the card at fault.
    /// If [`Device::Auto`] finds a runtime for GPUs but none that can be used, it says so once.
    pub fn gpu(&self) -> Result<Option<Gpu>, OnnxError> {
        let found = match self.options.device {
            Device::Cpu => return Ok(None),
            Device::Auto if !cuda::is_built_in() => return Ok(None),
            Device::Auto => cuda::usable(0),
            Device::Gpu(number) => {
                let found = cuda::usable(number).map_err(|reason| {
                    let device = Some(number);
                    NoSession { device, reason }.named(String::new())
                });
                return found.map(Some);
            }
        };
        found.map(Some).or_else(|reason| {
            static TOLD: Once = Once::new();
            TOLD.call_once(|| {
                tracing::warn!("the GPU cannot be used, running on the CPU: {reason}");
            });
            Ok(None)
        })
    }

    /// Numbers of the GPUs that can be used. Fails with a sentence that says why none can.
    pub(crate) fn usable_gpus(&self) -> Result<Vec<u32>, String> {
        cuda::all_usable()
    }

    /// `true` if graphs may contain our own operators, which run on the CPU only.
    pub fn takes_own_kernels(&self) -> bool {
        !self.uses_gpu()
    }

    /// Loads a network from a model file.
    pub fn network(&self, path: &Path) -> Result<Network, OnnxError> {
        self.network_by(path, |builder| builder.clone().commit_from_file(path))
    }

    fn network_by(
        &self,
        path: &Path,
        commit: impl Fn(&mut SessionBuilder) -> graph::Built,
    ) -> Result<Network, OnnxError> {
        let name = format!("the model `{}`", path.display());
        let weights = std::fs::metadata(path).map_or(0, |file| file.len() as usize);
        let session = self.session(weights, commit);
        session
            .map(|session| Network::of_file(name.clone(), session))
            .map_err(|refused| refused.named(name))
    }

    /// Loads a model with one input and one output, whose input size changes at nearly every call.
    ///
    /// Memory planning by past sizes is off for its session: with it the runtime would allocate, for every
    /// new size, one block for all intermediate results beside the memory that it has (a page of the line
    /// detector: 690 MiB instead of 410, in the same time).
    pub fn model(&self, path: &Path) -> Result<TensorModel, OnnxError> {
        let flushed = without_denormals(path);
        let network = self.network_by(path, |builder| {
            let mut builder = builder.clone().with_memory_pattern(false)?;
            match &flushed {
                Some(file) => builder.commit_from_memory(file),
                None => builder.commit_from_file(path),
            }
        })?;
        TensorModel::of_ports(network, path)
    }

    /// A session on the selected device; `commit` creates it from the options. `weights`: their bytes.
    fn session(
        &self,
        weights: usize,
        commit: impl Fn(&mut SessionBuilder) -> graph::Built,
    ) -> Result<(Session, SessionPlace), NoSession> {
        let gpu_memory = self.options.gpu_memory;
        let build = |gpu: Option<u32>| -> Result<(Session, SessionPlace), String> {
            let words = |error: ort::Error| error.to_string();
            if let Some(reason) = gpu.and_then(cuda::lost) {
                return Err(reason);
            }
            let own = weights + self.gpu_work;
            let reserved: Option<Reservation> = gpu
                .zip(gpu_memory)
                .map(|(gpu, limit)| budget::reserve(gpu, Some(limit), own + LIBRARY_WORK))
                .transpose()?;
            let _turn = gpu.map(|_| turns::shared());
            let builder = Session::builder(&self.environment).map_err(words)?;
            let limit = reserved.is_some().then_some(own);
            let mut builder = self.configured(builder, gpu, limit).map_err(words)?;
            let session = commit(&mut builder).map_err(words)?;
            Ok((
                session,
                SessionPlace {
                    gpu,
                    captures: self.captures && gpu.is_some(),
                    gpu_memory,
                    _reserved: reserved,
                },
            ))
        };
        let refused = |device| move |reason: String| NoSession { device, reason };
        match self.options.device {
            Device::Gpu(device) => {
                cuda::usable(device).map_err(refused(Some(device)))?;
                build(Some(device)).map_err(refused(Some(device)))
            }
            Device::Auto if self.uses_gpu() => build(Some(0)).or_else(|reason| {
                tracing::warn!(reason, "the GPU cannot be used, running on the CPU");
                build(None).map_err(refused(None))
            }),
            Device::Cpu | Device::Auto => build(None).map_err(refused(None)),
        }
    }

    /// `limit`: most bytes of GPU memory.
    fn configured(
        &self,
        builder: SessionBuilder,
        gpu: Option<u32>,
        limit: Option<usize>,
    ) -> ort::Result<SessionBuilder> {
        let mut builder = builder.with_intra_threads(self.options.cpu_threads.max(1))?;
        builder = builder.with_optimization_level(GraphOptimizationLevel::All)?;
        if let Some(path) = &self.options.profile {
            builder = builder.with_profiling(path)?;
        }
        if let Some(device) = gpu {
            // No TF32: boxes come from signs and integer parts of results, which its rounding would change.
            let mut provider = ort::ep::CUDA::default()
                .with_device_id(device as i32)
                .with_tf32(false)
                .with_cuda_graph(self.captures)
                // cuDNN's attention builds a plan for every new length, and prompts have all lengths.
                .with_attention_backend(
                    AttentionBackend::FLASH_ATTENTION
                        | AttentionBackend::EFFICIENT_ATTENTION
                        | AttentionBackend::MATH,
                )
                .with_arena_extend_strategy(ArenaExtendStrategy::SameAsRequested);
            if let Some(limit) = limit {
                provider = provider.with_memory_limit(limit);
            }
            builder = builder.with_execution_providers([provider.build().error_on_failure()])?;
        }
        Ok(builder)
    }
}

/// A model with one input and one output tensor of `f32`.
pub struct TensorModel {
    network: Network,
    input: String,
    output: String,
}

impl TensorModel {
    /// A network that was built as code, with the names of its input and its output.
    pub(crate) fn of(network: Network, input: &str, output: &str) -> Self {
        TensorModel {
            network,
            input: input.into(),
            output: output.into(),
        }
    }

    /// A value of the model file's own metadata.
    pub fn metadata(&self, key: &str) -> Option<String> {
        self.network.metadata(key)
    }

    /// Runs the model on a tensor and hands its first output to `read`: the shape and the elements.
    ///
    /// `data` holds the elements of `shape` in row-major order. Fails if the runtime does, or if the output
    /// is no `f32` tensor.
    pub fn run<T>(
        &mut self,
        shape: &[usize],
        data: Vec<f32>,
        read: impl FnOnce(&[usize], &[f32]) -> T,
    ) -> Result<T, OnnxError> {
        let input = (self.input.as_str(), Array::F32(shape.to_vec(), data));
        self.network.run(vec![input], |outputs| {
            let (shape, data) = outputs.f32(&self.output)?;
            Ok(read(&shape, data))
        })
    }

    /// Gives the memory of past runs back to the system: the runtime keeps as much as the largest took.
    ///
    /// The runtime does so at the end of a run only, so this is one, on zeros of this shape. Does nothing on a
    /// GPU, where memory that is given back makes other sessions wait.
    pub fn release_memory(&mut self, shape: &[usize]) -> Result<(), OnnxError> {
        if self.network.gpu().is_some() {
            return Ok(());
        }
        let mut call = self.network.call(None)?;
        let zeros = vec![0.0; shape.iter().product()];
        call.array(&self.input, Array::F32(shape.to_vec(), zeros))?;
        call.output_to_cpu(&self.output)?;
        call.release_memory()?;
        self.network.run_call(&mut call, |_| Ok(()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lack_of_memory_is_told_from_other_faults() {
        let arena = "Failed to allocate memory for requested buffer of size 9";
        assert!(matches!(
            OnnxError::of_run("x", arena),
            OnnxError::OutOfMemory { .. }
        ));
        assert!(matches!(
            OnnxError::of_run("x", "CUDA failure 2: out of memory"),
            OnnxError::OutOfMemory { .. }
        ));
        assert!(matches!(
            OnnxError::of_run("x", "invalid dimensions"),
            OnnxError::Run { .. }
        ));
        let loaded = |reason: &str| OnnxError::of_load("x".into(), reason).reason();
        assert_eq!(loaded(arena), Reason::OutOfMemory);
        assert_eq!(loaded("no memory of such an operator"), Reason::Model);
        let unmade = |reason: &str| {
            let (device, reason) = (Some(1), reason.into());
            NoSession { device, reason }.named("x".into()).reason()
        };
        assert_eq!(unmade("CUDA failure 2: out of memory"), Reason::OutOfMemory);
        assert_eq!(unmade("no such device"), Reason::Device);
    }
}
