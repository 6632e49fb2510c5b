//! The networks of document preprocessing, combined.

use super::pp_lcnet::OrientationClassifier;
use super::uvdoc::Unwarper;
use super::{DocPreprocessor, PreprocessError};
use crate::raster::Pixels;

/// The networks that a run needs.
#[derive(Default)]
pub struct DocNetworks {
    /// Orientation classifier.
    pub orientation: Option<OrientationClassifier>,
    /// Unwarping network.
    pub unwarper: Option<Unwarper>,
}

impl DocPreprocessor for DocNetworks {
    fn orientation(&mut self, page: &Pixels, _: usize) -> Result<u32, PreprocessError> {
        let network = self.orientation.as_mut();
        let network = network
            .ok_or_else(|| PreprocessError("the orientation network is not loaded".into()))?;
        network
            .classify(page)
            .map_err(|e| PreprocessError(e.to_string()))
    }

    fn unwarp(&mut self, page: &Pixels, _: usize) -> Result<Pixels, PreprocessError> {
        let network = self.unwarper.as_mut();
        let network =
            network.ok_or_else(|| PreprocessError("the unwarping network is not loaded".into()))?;
        network
            .unwarp(page)
            .map_err(|e| PreprocessError(e.to_string()))
    }
}
