//! The network that sees which way up a page is, loaded from the file beside the line networks.

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
    match OrientationClassifier::of_file(&path, &runtime.on_cpu()) {
        Ok(classifier) => Some(classifier),
        Err(fault) => {
            tracing::warn!("pages are turned by their lines alone: {fault}");
            None
        }
    }
}
