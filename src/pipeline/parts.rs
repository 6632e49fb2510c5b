//! Networks as the stages use them, loaded in this process: that of a run with one device, or the process of a device.

use super::order::{LoadOrder, NetworkChoices};
use super::{NativeOptions, SetupError, networks};
use crate::devices::Networks;
use crate::fault::Fault;
use crate::layout::LayoutDetector;
use crate::layout::network::{LayoutNetwork, NetworkDetector};
use crate::lines::{LineNetworks, LineOptions, LineReader};
use crate::onnx::{Runtime, SessionOptions};
use crate::preprocess::networks::DocNetworks;
use crate::recognize::Recognizer;
use crate::recognize::paddleocr_vl::backend::{PaddleOcrVl, RunOptions};
use crate::runtime::{self, RuntimeDirs};
use std::path::Path;

/// Loads ONNX Runtime.
pub(super) fn runtime(dirs: &RuntimeDirs, session: &SessionOptions) -> Result<Runtime, Fault> {
    let library = dirs.find(runtime::ONNXRUNTIME)?;
    Ok(Runtime::load(&library, session.clone())?)
}

/// Loads the line networks.
pub(super) fn line_networks(
    dirs: &RuntimeDirs,
    session: &SessionOptions,
    options: LineOptions,
) -> Result<Box<dyn LineNetworks>, Fault> {
    let reader = LineReader::load(&runtime(dirs, session)?, dirs, options)?;
    Ok(Box::new(reader))
}

/// A detector with a network that is loaded. `reads_page_text`: regions get the page's own text.
pub(super) fn detector(
    network: LayoutNetwork,
    choices: &NetworkChoices,
    runtime: &Runtime,
    quantized: Option<&Path>,
    reads_page_text: bool,
) -> Box<dyn LayoutDetector> {
    let reload = {
        let (choices, runtime) = (choices.clone(), runtime.clone());
        let quantized = quantized.map(Path::to_path_buf);
        move || {
            Ok(networks::load_layout(
                &choices,
                &runtime,
                quantized.as_deref(),
            )?)
        }
    };
    Box::new(NetworkDetector {
        network: Some(network),
        reload: Box::new(reload),
        // On the CPU one page at a time is as fast, and takes a quarter of the memory.
        batch_size: match runtime.uses_gpu() {
            true => choices.layout_batch_size,
            false => 1,
        },
        reads_page_text,
    })
}

/// The recognizer, and the number of blocks that it decodes together.
pub(super) fn recognizer(
    choices: &NetworkChoices,
    native: &NativeOptions,
    runtime: &Runtime,
    quantized: Option<&Path>,
) -> Result<(Box<dyn Recognizer>, usize), SetupError> {
    let (model, slots) = networks::load_recognizer(choices, native, runtime, quantized)?;
    let options = RunOptions {
        slots,
        ..native.run.clone()
    };
    let (choices, native, runtime) = (choices.clone(), native.clone(), runtime.clone());
    let quantized = quantized.map(Path::to_path_buf);
    let load = move || networks::load_recognizer(&choices, &native, &runtime, quantized.as_deref());
    let reload = Box::new(move || load().map(|(model, _)| model).map_err(Fault::from));
    let recognizer = PaddleOcrVl::new(model, options).with_reload(reload);
    Ok((Box::new(recognizer), slots))
}

/// The networks of a device's process. Fails also if no network is needed yet and the device cannot be used.
pub(crate) fn device_networks(order: LoadOrder) -> Result<Networks, Fault> {
    let runtime = runtime(&order.dirs, &order.session)?;
    runtime.gpu()?;
    let quantized = order.quantized.as_deref();
    let mut loaded = Networks {
        lines: {
            let (dirs, session, options) = (order.dirs.clone(), order.session.clone(), order.lines);
            Box::new(move || line_networks(&dirs, &session, options))
        },
        preprocess: Box::new(DocNetworks::default()),
        detector: None,
        recognizer: None,
    };
    let Some(choices) = &order.networks else {
        return Ok(loaded);
    };
    let orientation = order.dirs.find(runtime::PAGE_ORIENTATION).ok();
    let networks = networks::load_for_run(choices, &runtime, quantized, orientation.as_deref())?;
    loaded.detector = networks
        .layout
        .map(|network| detector(network, choices, &runtime, quantized, false));
    loaded.preprocess = Box::new(networks.preprocess);
    if let Some(native) = &order.recognizer {
        loaded.recognizer = Some(recognizer(choices, native, &runtime, quantized)?);
    }
    Ok(loaded)
}
