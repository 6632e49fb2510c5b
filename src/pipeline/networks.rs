//! Loading of networks from the folders of models, and the networks that a run needs.

use super::gpu_slots;
use super::order::NetworkChoices;
use super::{DraftMode, NativeOptions, NetworkRole, Precision, PrecisionError, SetupError};
use crate::config::vl::ModelChoice;
use crate::fault::{Fault, Reason};
use crate::layout::exported::{self, ExportedLayout};
use crate::layout::network::LayoutNetwork;
use crate::layout::postprocess::Threshold;
use crate::layout::pp_doclayout::config::Version;
use crate::layout::pp_doclayout::{PpDocLayout, is_known_unused, released_name};
use crate::onnx::checkpoint::Checkpoint;
use crate::onnx::graph::Element;
use crate::onnx::projection::Quantization;
use crate::onnx::slots::AttentionKernel;
use crate::onnx::{Gpu, OnnxError, Runtime};
use crate::plan::MAX_NEW_TOKENS;
use crate::preprocess::networks::DocNetworks;
use crate::preprocess::pp_lcnet::{self, OrientationClassifier};
use crate::preprocess::uvdoc::{self, Unwarper};
use crate::raster::Pixels;
use crate::recognize::paddleocr_vl;
use crate::recognize::paddleocr_vl::model::{Kernels, Model, ModelOptions, Slots, gpu_cache};
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
pub(crate) const ORIENTATION: &str = "PP-LCNet_x1_0_doc_ori";
const UNWARPING: &str = "UVDoc";

impl AnyNetwork {
    /// Runs it once on a blank page. (Recognizers are tried out when they are loaded for a GPU.)
    fn try_out(&mut self) -> Result<(), OnnxError> {
        let (width, height) = (64, 96);
        let page = Pixels {
            width,
            height,
            data: vec![255; 3 * width * height],
        };
        match self {
            AnyNetwork::Layout(network) => {
                network.detect(&[&page], &Threshold::All(0.5)).map(|_| ())
            }
            AnyNetwork::Orientation(network) => network.classify(&page).map(|_| ()),
            AnyNetwork::Unwarping(network) => network.unwarp(&page).map(|_| ()),
            AnyNetwork::Recognizer(_) => Ok(()),
        }
    }
}

/// Loads the model in a folder, of any task. The error names the file and says what to do. `quantized`:
/// folder for quantized weights.
///
/// On a GPU the network is run once. One that fails there runs on the CPU, unless the GPU was asked for by name.
pub(crate) fn load(
    folder: &Path,
    runtime: &Runtime,
    quantized: Option<&Path>,
) -> Result<LoadedModel, Fault> {
    let loaded = load_untried(folder, runtime, quantized);
    if !runtime.uses_gpu() {
        return loaded;
    }
    let tried = loaded.and_then(|mut loaded| {
        loaded.network.try_out()?;
        Ok(loaded)
    });
    match tried {
        Err(fault) if !runtime.must_use_gpu() && fault.reason != Reason::NotFound => {
            let on_cpu = load_untried(folder, &runtime.on_cpu(), quantized)?;
            let name = &on_cpu.name;
            tracing::warn!("{name} cannot run on the GPU, running it on the CPU: {fault}");
            Ok(on_cpu)
        }
        tried => tried.map_err(|fault| on_card(fault, runtime)),
    }
}

/// A fault of a network on a GPU, with the card's name.
fn on_card(fault: Fault, runtime: &Runtime) -> Fault {
    match runtime.gpu() {
        Ok(Some(gpu)) => fault.within(format!("on GPU {} ({})", gpu.number, gpu.name)),
        _ => fault,
    }
}

fn load_untried(
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
                let runtime = &for_layout(runtime);
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

/// Least and most GPU memory for the runs of a layout network, if there is a limit, in bytes; a batch for which it does
/// not suffice is tried in halves. A page of PP-DocLayoutV3 takes up to 580 MB on the CPU.
const LAYOUT_WORK: [usize; 2] = [320 << 20, 4 << 30];
/// GPU memory for the line networks, which are loaded with the first page, if there is a limit, in bytes.
const LINES_MEMORY: usize = 600 << 20;

/// The runtime with what a layout network gets of a limited GPU memory.
fn for_layout(runtime: &Runtime) -> Runtime {
    let left = runtime.gpu_memory_left().unwrap_or(usize::MAX);
    runtime.with_gpu_work((left / 8).clamp(LAYOUT_WORK[0], LAYOUT_WORK[1]))
}
/// Smallest KV cache on a GPU that is of use, in bytes.
const LEAST_CACHE: usize = 64 << 20;
/// Size of the KV cache on a GPU without a limit, in bytes.
const GPU_CACHE: usize = 8 << 30;
/// Tokens of the largest image with its prompt.
const LONGEST_PROMPT: usize = 2304;

/// Loads the recognizer of a run; also returns its number of slots.
pub(crate) fn load_recognizer(
    config: &NetworkChoices,
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
    if let Some(gpu) = runtime.gpu().map_err(|e| SetupError::Model(e.into()))? {
        let longest = LONGEST_PROMPT + config.max_new_tokens.unwrap_or(MAX_NEW_TOKENS) as usize;
        let asked = gpu_slots::of(&gpu, run.slots, longest);
        let slots = asked.count;
        let kernels = gpu_kernels(run, &gpu, asked)?;
        // Until the recognizer, which takes all that is left, has its part.
        let _for_lines = match run.draft {
            DraftMode::Lines => runtime.hold_gpu_memory(LINES_MEMORY),
            _ => None,
        };
        let mut memory = cache_on_gpu(folder, runtime, kernels)?;
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
            Err(SetupError::Model(fault)) if runtime.must_use_gpu() || run.precision.is_some() => {
                return Err(SetupError::Model(on_card(fault, runtime)));
            }
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

/// The kernels for a GPU.
fn gpu_kernels(run: &NativeOptions, gpu: &Gpu, slots: Slots) -> Result<Kernels, SetupError> {
    let (element, attention_kernel) = gpu_precision(run.precision, gpu)?;
    if run.is_vision_int8 {
        return Err(SetupError::Precision(PrecisionError::VisionOnGpu));
    }
    Ok(Kernels::Standard {
        element,
        attention_kernel,
        slots,
    })
}

/// The precision that was asked for, or the best that a GPU has.
fn gpu_precision(
    asked: Option<Precision>,
    gpu: &Gpu,
) -> Result<(Element, AttentionKernel), SetupError> {
    let element = match asked {
        None if gpu.has_bf16() => Element::Bf16,
        None | Some(Precision::Fp16) => Element::F16,
        Some(Precision::Bf16) if gpu.has_bf16() => Element::Bf16,
        Some(Precision::Bf16) => {
            let (major, minor) = gpu.capability;
            let message = format!(
                "{} (compute capability {major}.{minor}) does not compute in bf16: use fp16, which it takes by itself",
                gpu.name
            );
            return Err(SetupError::Model(Fault::new(Reason::Settings, message)));
        }
        Some(Precision::Fp32) => return Ok((Element::F32, AttentionKernel::Plain)),
        Some(Precision::Int8 | Precision::Int4) => {
            return Err(SetupError::Precision(PrecisionError::OnGpu));
        }
    };
    Ok((element, AttentionKernel::Fused))
}

/// Size of the KV cache on a GPU in bytes: what the other networks, the weights and the runs leave of the limit.
fn cache_on_gpu(folder: &Path, runtime: &Runtime, kernels: Kernels) -> Result<usize, SetupError> {
    let (Some(limit), Some(left)) = (runtime.gpu_memory(), runtime.gpu_memory_left()) else {
        return Ok(GPU_CACHE);
    };
    let asked = match kernels {
        Kernels::Standard { element, slots, .. } => (element, slots.count),
        Kernels::Own { .. } => (Element::F32, 1),
    };
    let refused = |others: usize| SetupError::GpuMemory {
        limit_mib: limit >> 20,
        taken_mib: (others + limit - left) >> 20,
    };
    match gpu_cache(folder, asked, left).map_err(SetupError::Model)? {
        Ok(cache) if cache >= LEAST_CACHE => Ok(cache),
        Ok(cache) => Err(refused(left - cache)),
        Err(others) => Err(refused(others)),
    }
}

/// A model file as published; its inputs and outputs tell which network it is.
fn model_file(folder: &Path, runtime: &Runtime) -> Result<LoadedModel, Fault> {
    let path = folder.join(exported::MODEL);
    let network = for_layout(runtime).network(&path)?;
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
    config: &NetworkChoices,
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

/// Loads the networks that the settings of a run need. `orientation`: the file that is taken if no folder of one is named.
pub(crate) fn load_for_run(
    config: &NetworkChoices,
    runtime: &Runtime,
    quantized: Option<&Path>,
    orientation: Option<&Path>,
) -> Result<RunNetworks, SetupError> {
    let models = &config.models;
    let load = |model: &ModelChoice, role: NetworkRole| load_named(model, role, runtime, quantized);
    let mut networks = RunNetworks {
        layout: None,
        preprocess: DocNetworks::default(),
    };
    if config.use_layout_detection {
        networks.layout = Some(load_layout(config, runtime, quantized)?);
    }
    let preprocess = config.preprocess;
    if preprocess.use_doc_preprocessor && preprocess.use_doc_orientation_classify {
        let (model, role) = (&models.orientation, NetworkRole::Orientation);
        let file = orientation.filter(|_| model.is_without_folder(ORIENTATION));
        networks.preprocess.orientation = Some(match file {
            Some(file) => {
                OrientationClassifier::of_file(file, runtime).map_err(SetupError::Model)?
            }
            None => match load(model, role)? {
                LoadedModel {
                    network: AnyNetwork::Orientation(network),
                    ..
                } => network,
                loaded => return other(loaded, role),
            },
        });
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_precision_goes_by_the_card_unless_it_is_asked_for() {
        let card = |capability| Gpu {
            number: 0,
            name: "a card".into(),
            capability,
        };
        let of = |asked, capability| gpu_precision(asked, &card(capability)).ok();
        let fused = |element| Some((element, AttentionKernel::Fused));
        assert_eq!(of(None, (7, 5)), fused(Element::F16));
        assert_eq!(of(None, (8, 0)), fused(Element::Bf16));
        assert_eq!(of(None, (12, 0)), fused(Element::Bf16));
        assert_eq!(of(Some(Precision::Fp16), (9, 0)), fused(Element::F16));
        assert_eq!(of(Some(Precision::Bf16), (9, 0)), fused(Element::Bf16));
        assert_eq!(of(Some(Precision::Bf16), (7, 5)), None);
        assert_eq!(of(Some(Precision::Int8), (9, 0)), None);
        let plain = Some((Element::F32, AttentionKernel::Plain));
        assert_eq!(of(Some(Precision::Fp32), (7, 5)), plain);
    }
}
