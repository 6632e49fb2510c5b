//! ONNX Runtime: loading the library, choosing the device, running models. The only module that names `ort`.
//!
//! A [`Model`] takes and gives `f32` tensors. It runs from one thread at a time (`run` takes `&mut self`) and is
//! never called inside a rayon task: ONNX Runtime has its own threads.

use ort::environment::Environment;
use ort::ep::ExecutionProvider;
use ort::session::Session;
use ort::session::builder::{BuilderResult, GraphOptimizationLevel};
use ort::value::Tensor;
use std::path::{Path, PathBuf};

/// Where models run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Device {
    /// The GPU if the runtime has one, else the CPU.
    Auto,
    /// The CPU.
    Cpu,
    /// The GPU of this number; an error where it cannot be used.
    Gpu(u32),
}

/// What a session needs to know.
#[derive(Debug, Clone, Copy)]
pub struct SessionOptions {
    /// Where it runs.
    pub device: Device,
    /// Threads inside an operator on the CPU.
    pub cpu_threads: usize,
}

/// What can go wrong with a model.
#[derive(Debug, thiserror::Error)]
pub enum OnnxError {
    /// The runtime library cannot be loaded.
    #[error("failed to load ONNX Runtime from `{path}`: {reason}")]
    Library {
        /// The library.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The model cannot be loaded.
    #[error("failed to load the model `{path}`: {reason}")]
    Load {
        /// The model file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
    /// The GPU that was asked for cannot be used.
    #[error(
        "GPU {device} cannot be used: {reason}; use --device cpu, or set up the runtime with scripts/setup.sh --gpu"
    )]
    Device {
        /// Number of the GPU.
        device: u32,
        /// Why.
        reason: String,
    },
    /// Running failed.
    #[error("failed to run the model `{path}`: {reason}")]
    Run {
        /// The model file.
        path: PathBuf,
        /// Why.
        reason: String,
    },
}

/// The loaded runtime library.
pub struct Runtime {
    environment: Environment,
    options: SessionOptions,
}

impl Runtime {
    /// Loads the library. Once in a process; a second call with another path keeps the first library.
    pub fn load(library: &Path, options: SessionOptions) -> Result<Self, OnnxError> {
        let fail = |reason: String| OnnxError::Library { path: library.to_path_buf(), reason };
        let builder = ort::init_from(library).map_err(|error| fail(error.to_string()))?;
        let environment = builder
            .with_name("docparse")
            .with_telemetry(false)
            .build()
            .map_err(|error| fail(error.to_string()))?;
        // Warnings about node placement help nobody at a shell.
        environment.set_log_level(ort::logging::LogLevel::Error);
        Ok(Self { environment, options })
    }

    /// Loads a model.
    pub fn model(&self, path: &Path) -> Result<Model, OnnxError> {
        let build = |device: Option<u32>| -> Result<Session, String> {
            let mut builder = recovered(
                Session::builder(&self.environment)
                    .map_err(|error| error.to_string())?
                    .with_intra_threads(self.options.cpu_threads.max(1)),
            )?;
            builder = recovered(builder.with_optimization_level(GraphOptimizationLevel::All))?;
            if let Some(device) = device {
                let provider =
                    ort::ep::CUDA::default().with_device_id(device as i32).build().error_on_failure();
                builder = recovered(builder.with_execution_providers([provider]))?;
            }
            builder.commit_from_file(path).map_err(|error| error.to_string())
        };
        let load = |reason: String| OnnxError::Load { path: path.to_path_buf(), reason };
        let has_gpu = || ort::ep::CUDA::is_available().unwrap_or(false);
        let session = match self.options.device {
            Device::Cpu => build(None).map_err(load)?,
            Device::Gpu(device) => {
                build(Some(device)).map_err(|reason| OnnxError::Device { device, reason })?
            }
            Device::Auto if has_gpu() => match build(Some(0)) {
                Ok(session) => session,
                Err(reason) => {
                    tracing::warn!(reason, "the GPU cannot be used, running on the CPU");
                    build(None).map_err(load)?
                }
            },
            Device::Auto => build(None).map_err(load)?,
        };
        Ok(Model { session, path: path.to_path_buf() })
    }
}

fn recovered(result: BuilderResult) -> Result<ort::session::builder::SessionBuilder, String> {
    result.map_err(|error| error.to_string())
}

/// A model with one input and one output tensor of `f32`.
pub struct Model {
    session: Session,
    path: PathBuf,
}

impl Model {
    /// A value of the model's own metadata.
    pub fn metadata(&self, key: &str) -> Option<String> {
        self.session.metadata().ok()?.custom(key)
    }

    /// Runs the model on a tensor and hands its first output to `read`: the shape and the elements.
    ///
    /// `data` holds the elements of `shape` in row-major order. Fails when the runtime does, or when the output
    /// is no `f32` tensor.
    pub fn run<T>(
        &mut self,
        shape: &[usize],
        data: Vec<f32>,
        read: impl FnOnce(&[i64], &[f32]) -> T,
    ) -> Result<T, OnnxError> {
        let fail = |error: &dyn std::fmt::Display| OnnxError::Run {
            path: self.path.clone(),
            reason: error.to_string(),
        };
        let input = Tensor::from_array((shape.to_vec(), data)).map_err(|error| fail(&error))?;
        let outputs = self.session.run(ort::inputs![input]).map_err(|error| fail(&error))?;
        let (shape, data) = outputs[0].try_extract_tensor::<f32>().map_err(|error| fail(&error))?;
        Ok(read(shape, data))
    }
}
