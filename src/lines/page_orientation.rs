//! The network that sees which way up a page is, loaded from the file beside the line networks.

use crate::fault::Fault;
use crate::onnx::Runtime;
use crate::preprocess::pp_lcnet::OrientationClassifier;
use crate::runtime::{self, RuntimeDirs};

/// The classifier of pages, which runs on the CPU: it takes hundredths of a second. `None` if there is none that can be used.
pub(super) fn load(runtime: &Runtime, dirs: &RuntimeDirs) -> Option<OrientationClassifier> {
    let Ok(path) = dirs.find(runtime::PAGE_ORIENTATION) else {
        tracing::info!(
            "`{}` is not there, and pages are turned by their lines alone: scripts/setup.sh fetches it",
            runtime::PAGE_ORIENTATION
        );
        return None;
    };
    let network = runtime.on_cpu().network(&path).map_err(Fault::from);
    match network.and_then(OrientationClassifier::exported) {
        Ok(classifier) => Some(classifier),
        Err(fault) => {
            let file = path.display();
            tracing::warn!(
                "`{file}` cannot be used, pages are turned by their lines alone: {fault}"
            );
            None
        }
    }
}
