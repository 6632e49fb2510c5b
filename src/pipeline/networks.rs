//! Loading of networks from the folders of models, and the networks that a run needs.

use super::{NativeOptions, NetworkRole, Precision, PrecisionError, SetupError};
use crate::config::vl::{ModelChoice, VlConfig};
use crate::fault::{Fault, Reason};
use crate::layout::exported::{self, ExportedLayout};
use crate::layout::network::LayoutNetwork;
use crate::layout::pp_doclayout::config::Version;
use crate::layout::pp_doclayout::{PpDocLayout, is_known_unused, released_name};
use crate::onnx::Runtime;
use crate::onnx::checkpoint::Checkpoint;
use crate::onnx::graph::Element;
use crate::onnx::projection::Quantization;
use crate::onnx::slots::AttentionKernel;
use crate::plan::MAX_NEW_TOKENS;
use crate::preprocess::networks::DocNetworks;
use crate::preprocess::pp_lcnet::{self, OrientationClassifier};
use crate::preprocess::uvdoc::{self, Unwarper};
use crate::recognize::paddleocr_vl;
use crate::recognize::paddleocr_vl::model::{Kernels, Model, ModelOptions, Slots};
use std::path::Path;

/// A network of any task.
pub(crate) enum AnyNetwork {
    /// Layout detection.
    Layout(Box<LayoutNetwork>),
    /// Page orientation.
    Orientation(OrientationClassifier),
    /// Unwarping.
    Unwarping(Unwarper),
    /// Recognition.
    Recognizer(Box<Model>),
}

/// A loaded model folder.
pub(crate) struct LoadedModel {
    /// The network.
    pub network: AnyNetwork,
    /// Name of the network.
    pub name: String,
    /// Number of tensors of the checkpoint in use; `None` for a model file.
    pub used: Option<usize>,
    /// Tensors that are known to be unused.
    pub ignored: Vec<String>,
    /// Tensors that the network does not know.
    pub unknown: Vec<String>,
}

/// Options for loading a recognizer as a trial.
const TRIAL: ModelOptions<'_> = ModelOptions {
    kernels: Kernels::Own {
        decoder: Quantization::Int8,
        vision: Quantization::Exact,
    },
    // Enough for one short block.
    memory: 64 << 20,
    is_first_version: false,
    store: None,
};

/// Name for recognizers of any version.
const RECOGNIZER: &str = "PaddleOCR-VL";
/// The reference's names of the recognizers.
pub(crate) const RECOGNIZERS: [&str; 3] = [
    "PaddleOCR-VL-0.9B",
    "PaddleOCR-VL-1.5-0.9B",
    "PaddleOCR-VL-1.6-0.9B",
];
/// The reference's names of the other models.
const ORIENTATION: &str = "PP-LCNet_x1_0_doc_ori";
const UNWARPING: &str = "UVDoc";

/// Loads the model in a folder, of any task. The error names the file and says what to do. `quantized`:
/// folder for quantized weights.
pub(crate) fn load(
    folder: &Path,
    runtime: &Runtime,
    quantized: Option<&Path>,
) -> Result<LoadedModel, Fault> {
    let has = |name: &str| folder.join(name).is_file();
    if !folder.is_dir() {
        let message = format!("`{}` is no folder", folder.display());
        return Err(Fault::new(Reason::NotFound, message));
    }
    if has("config.json") && has("model.safetensors") {
        return checkpoint(folder, runtime, quantized);
    }
    if has(exported::MODEL) {
        return model_file(folder, runtime);
    }
    let advice = match has("inference.pdiparams") {
        true => {
            "; these are weights for Paddle: give the `_safetensors` or `_onnx` edition of the model"
        }
        false => "",
    };
    let message = format!(
        "`{}` holds neither config.json with model.safetensors nor inference.onnx with inference.yml{advice}",
        folder.display()
    );
    Err(Fault::new(Reason::Model, message))
}

fn checkpoint(
    folder: &Path,
    runtime: &Runtime,
    quantized: Option<&Path>,
) -> Result<LoadedModel, Fault> {
    let checkpoint = Checkpoint::open(folder)?.with_names(released_name);
    if checkpoint.config.model_type() == paddleocr_vl::config::MODEL_TYPE {
        // A trial checks the folder, not the device.
        let options = ModelOptions {
            store: quantized,
            ..TRIAL
        };
        return recognizer(folder, &runtime.on_cpu(), options);
    }
    let (network, name) = match checkpoint.config.model_type() {
        pp_lcnet::MODEL_TYPE => {
            let build = OrientationClassifier::read(&checkpoint, &[])?;
            (AnyNetwork::Orientation(build(runtime)?), ORIENTATION)
        }
        uvdoc::MODEL_TYPE => {
            let build = Unwarper::read(&checkpoint)?;
            (AnyNetwork::Unwarping(build(runtime)?), UNWARPING)
        }
        _ => match Version::of(&checkpoint.config) {
            Some(version) => {
                let build = PpDocLayout::read(&checkpoint, &[], runtime.takes_own_kernels())?;
                let network = LayoutNetwork::Checkpoint(Box::new(build(runtime)?));
                (AnyNetwork::Layout(Box::new(network)), version.name())
            }
            None => {
                let known = format!(
                    "PP-DocLayoutV2, PP-DocLayoutV3, {ORIENTATION}, {UNWARPING} or {RECOGNIZER}"
                );
                return Err(checkpoint.config.of_another_network(&known).into());
            }
        },
    };
    // Many files contain counters of training steps, which inference does not use.
    let may_be_left =
        |name: &String| is_known_unused(name) || name.ends_with(".num_batches_tracked");
    let left = checkpoint.unused().into_iter().map(str::to_string);
    let (ignored, unknown): (Vec<String>, Vec<String>) = left.partition(may_be_left);
    warn_of(&unknown, checkpoint.path(), name);
    Ok(LoadedModel {
        network,
        name: name.into(),
        used: Some(checkpoint.used()),
        ignored,
        unknown,
    })
}

fn warn_of(unknown: &[String], path: &Path, name: &str) {
    if let Some(first) = unknown.first() {
        let (path, count) = (path.display(), unknown.len());
        tracing::warn!(
            "`{path}` holds {count} tensors that {name} has no place for, such as `{first}`"
        );
    }
}

/// Loads the recognizer in a folder.
fn recognizer(
    folder: &Path,
    runtime: &Runtime,
    options: ModelOptions<'_>,
) -> Result<LoadedModel, Fault> {
    let mut model = Model::load(folder, runtime, options)?;
    let (ignored, unknown) = (
        std::mem::take(&mut model.ignored),
        std::mem::take(&mut model.unknown),
    );
    warn_of(&unknown, &folder.join("model.safetensors"), RECOGNIZER);
    let (name, used) = (RECOGNIZER.to_string(), Some(model.used));
    Ok(LoadedModel {
        network: AnyNetwork::Recognizer(Box::new(model)),
        name,
        used,
        ignored,
        unknown,
    })
}

/// Default number of slots on a GPU: blocks that are decoded together.
const GPU_SLOTS: usize = 64;
/// Smallest KV cache on a GPU that is of use, in bytes.
const LEAST_CACHE: usize = 64 << 20;
/// Size of the KV cache on a GPU without a limit, in bytes.
const GPU_CACHE: usize = 8 << 30;
/// Tokens of the largest image with its prompt.
const LONGEST_PROMPT: usize = 2304;
/// Tokens that most blocks stay below, including image and answer.
const COMMON_TOKENS: usize = 2048;

/// Loads the recognizer of a run; also returns its number of slots.
pub(crate) fn load_recognizer(
    config: &VlConfig,
    run: &NativeOptions,
    runtime: &Runtime,
    quantized: Option<&Path>,
) -> Result<(Model, usize), SetupError> {
    let ModelChoice {
        name,
        dir,
        is_name_given,
    } = &config.models.recognizer;
    let name = name.as_ref().filter(|_| *is_name_given);
    let folder = dir.as_deref().unwrap_or(Path::new(""));
    // A folder does not tell its version; only an unknown name can be rejected.
    if let Some(name) = name.filter(|name| !RECOGNIZERS.contains(&name.as_str())) {
        return Err(SetupError::UnknownRecognizer(name.clone()));
    }
    if !folder.join("config.json").is_file() {
        return Err(SetupError::NoRecognizer(folder.display().to_string()));
    }
    let options = |(kernels, memory)| ModelOptions {
        kernels,
        memory,
        is_first_version: name.map_or(run.is_first_version, |name| name == RECOGNIZERS[0]),
        store: quantized,
    };
    let load = |runtime: &Runtime, options| match recognizer(folder, runtime, options)
        .map(|loaded| loaded.network)
    {
        Ok(AnyNetwork::Recognizer(model)) => Ok(*model),
        Ok(_) => {
            let message = format!("`{}` holds no recognizer", folder.display());
            Err(SetupError::Model(Fault::new(Reason::Model, message)))
        }
        Err(fault) => Err(SetupError::Model(fault)),
    };
    if runtime.uses_gpu() {
        let slots = run.slots.unwrap_or(GPU_SLOTS);
        let longest =
            LONGEST_PROMPT + config.plan.request.max_new_tokens.unwrap_or(MAX_NEW_TOKENS) as usize;
        let kernels = gpu_kernels(
            run,
            Slots {
                count: slots,
                longest,
                common: COMMON_TOKENS,
            },
        )?;
        let mut memory = gpu_cache(folder, runtime, kernels)?;
        let mut loaded = load(runtime, options((kernels, memory)));
        // For a smaller GPU, or one that others use as well.
        while let Err(SetupError::Model(fault)) = &loaded
            && fault.reason == Reason::OutOfMemory
            && memory / 2 >= LEAST_CACHE
        {
            memory /= 2;
            tracing::warn!(
                "the GPU has too little memory, trying with {} MB for blocks under way",
                memory >> 20
            );
            loaded = load(runtime, options((kernels, memory)));
        }
        match loaded {
            // An explicit request is never replaced by something else.
            Err(failure) if runtime.must_use_gpu() || run.precision.is_some() => {
                return Err(failure);
            }
            Err(failure) => {
                tracing::warn!(
                    reason = failure.to_string(),
                    "the recognizer cannot use the GPU, running on the CPU"
                );
            }
            Ok(model) => return Ok((model, slots)),
        }
    }
    let kernels = cpu_kernels(run)?;
    Ok((
        load(&runtime.on_cpu(), options((kernels, run.kv_cache)))?,
        run.run.slots,
    ))
}

fn cpu_kernels(run: &NativeOptions) -> Result<Kernels, SetupError> {
    let decoder = match run.precision {
        None | Some(Precision::Int8) => Quantization::Int8,
        Some(Precision::Fp32) => Quantization::Exact,
        Some(Precision::Int4) => Quantization::Int4,
        Some(Precision::Fp16 | Precision::Bf16) => {
            return Err(SetupError::Precision(PrecisionError::OnCpu));
        }
    };
    Ok(Kernels::Own {
        decoder,
        vision: if run.is_vision_int8 {
            Quantization::Int8
        } else {
            Quantization::Exact
        },
    })
}

fn gpu_kernels(run: &NativeOptions, slots: Slots) -> Result<Kernels, SetupError> {
    let (element, attention_kernel) = match run.precision {
        None | Some(Precision::Bf16) => (Element::Bf16, AttentionKernel::Fused),
        Some(Precision::Fp16) => (Element::F16, AttentionKernel::Fused),
        Some(Precision::Fp32) => (Element::F32, AttentionKernel::Plain),
        Some(Precision::Int8 | Precision::Int4) => {
            return Err(SetupError::Precision(PrecisionError::OnGpu));
        }
    };
    if run.is_vision_int8 {
        return Err(SetupError::Precision(PrecisionError::VisionOnGpu));
    }
    Ok(Kernels::Standard {
        element,
        attention_kernel,
        slots,
    })
}

/// Size of the KV cache on a GPU in bytes: the limit less the weights, less a quarter for the working memory
/// of a step.
fn gpu_cache(folder: &Path, runtime: &Runtime, kernels: Kernels) -> Result<usize, SetupError> {
    let Some(limit) = runtime.gpu_memory() else {
        return Ok(GPU_CACHE);
    };
    let file =
        std::fs::metadata(folder.join("model.safetensors")).map_or(0, |file| file.len() as usize);
    // Files hold two bytes per weight.
    let weights = if matches!(
        kernels,
        Kernels::Standard {
            element: Element::F32,
            ..
        }
    ) {
        2 * file
    } else {
        file
    };
    match limit
        .checked_sub(weights)
        .map(|left| left / 4 * 3)
        .filter(|left| *left >= LEAST_CACHE)
    {
        Some(memory) => Ok(memory),
        None => Err(SetupError::GpuMemory {
            limit_mib: limit >> 20,
            weights_mib: weights >> 20,
        }),
    }
}

/// A model file as published; its inputs and outputs tell which network it is.
fn model_file(folder: &Path, runtime: &Runtime) -> Result<LoadedModel, Fault> {
    let path = folder.join(exported::MODEL);
    let network = runtime.network(&path)?;
    let inputs = network.inputs();
    let outputs = network.outputs();
    let named = |fault: Fault| fault.within(format!("`{}`", path.display()));
    let (network, name) =
        if inputs.len() == 1 && outputs.first().is_some_and(|port| port.shape.len() == 4) {
            let unwarper = Unwarper::exported(network).map_err(named)?;
            (AnyNetwork::Unwarping(unwarper), UNWARPING.to_string())
        } else if inputs.len() == 1 {
            let classifier = OrientationClassifier::exported(network).map_err(named)?;
            (AnyNetwork::Orientation(classifier), ORIENTATION.to_string())
        } else {
            let layout = ExportedLayout::of(network, folder)?;
            let name = layout
                .name
                .clone()
                .unwrap_or_else(|| "a layout model".into());
            (
                AnyNetwork::Layout(Box::new(LayoutNetwork::Exported(Box::new(layout)))),
                name,
            )
        };
    Ok(LoadedModel {
        network,
        name,
        used: None,
        ignored: Vec::new(),
        unknown: Vec::new(),
    })
}

/// The networks of a run.
pub(crate) struct RunNetworks {
    /// Layout detection, unless it is off.
    pub layout: Option<LayoutNetwork>,
    /// Document preprocessing.
    pub preprocess: DocNetworks,
}

/// A network whose name may have been given.
fn load_named(
    model: &ModelChoice,
    role: NetworkRole,
    runtime: &Runtime,
    quantized: Option<&Path>,
) -> Result<LoadedModel, SetupError> {
    let folder = model.dir.as_ref().ok_or(SetupError::NoFolder(role))?;
    let loaded = load(folder, runtime, quantized).map_err(SetupError::Model)?;
    match model.name.as_ref().filter(|_| model.is_name_given) {
        Some(named) if *named != loaded.name => Err(SetupError::OtherName {
            folder: folder.display().to_string(),
            holds: loaded.name,
            named: named.clone(),
        }),
        _ => Ok(loaded),
    }
}

fn other<T>(loaded: LoadedModel, role: NetworkRole) -> Result<T, SetupError> {
    Err(SetupError::OtherRole {
        holds: loaded.name,
        role,
    })
}

/// Loads the layout network of the settings.
pub(crate) fn load_layout(
    config: &VlConfig,
    runtime: &Runtime,
    quantized: Option<&Path>,
) -> Result<LayoutNetwork, SetupError> {
    let role = NetworkRole::Layout;
    let loaded = load_named(&config.models.layout, role, runtime, quantized)?;
    match loaded.network {
        AnyNetwork::Layout(network) => Ok(*network),
        _ => other(loaded, role),
    }
}

/// Loads the networks that the settings of a run need.
pub(crate) fn load_for_run(
    config: &VlConfig,
    runtime: &Runtime,
    quantized: Option<&Path>,
) -> Result<RunNetworks, SetupError> {
    let models = &config.models;
    let load = |model: &ModelChoice, role: NetworkRole| load_named(model, role, runtime, quantized);
    let mut networks = RunNetworks {
        layout: None,
        preprocess: DocNetworks::default(),
    };
    if config.plan.use_layout_detection {
        networks.layout = Some(load_layout(config, runtime, quantized)?);
    }
    let preprocess = config.preprocess;
    if preprocess.use_doc_preprocessor && preprocess.use_doc_orientation_classify {
        let role = NetworkRole::Orientation;
        let loaded = load(&models.orientation, role)?;
        match loaded.network {
            AnyNetwork::Orientation(network) => networks.preprocess.orientation = Some(network),
            _ => return other(loaded, role),
        }
    }
    if preprocess.use_doc_preprocessor && preprocess.use_doc_unwarping {
        let role = NetworkRole::Unwarping;
        let loaded = load(&models.unwarping, role)?;
        match loaded.network {
            AnyNetwork::Unwarping(network) => networks.preprocess.unwarper = Some(network),
            _ => return other(loaded, role),
        }
    }
    Ok(networks)
}
