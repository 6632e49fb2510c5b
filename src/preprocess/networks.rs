//! The networks of document preprocessing, combined.

use super::pp_lcnet::OrientationClassifier;
use super::uvdoc::Unwarper;
use super::{DocPreprocessor, PreprocessError};
use crate::fault::Fault;
use crate::raster::Pixels;

/// The networks that a run needs.
#[derive(Default)]
pub(crate) struct DocNetworks {
    /// Orientation classifier.
    pub orientation: Option<OrientationClassifier>,
    /// Unwarping network.
    pub unwarper: Option<Unwarper>,
}

/// A job asks for what was loaded only: the engine sees to it.
fn not_loaded(message: &str) -> PreprocessError {
    PreprocessError(Fault::internal(message))
}

impl DocPreprocessor for DocNetworks {
    fn orientation(&mut self, page: &Pixels, _: usize) -> Result<u32, PreprocessError> {
        let network = self.orientation.as_mut();
        let network = network.ok_or_else(|| not_loaded("the orientation network is not loaded"))?;
        network
            .classify(page)
            .map_err(|error| PreprocessError(error.into()))
    }

    fn unwarp(&mut self, page: &Pixels, _: usize) -> Result<Pixels, PreprocessError> {
        let network = self.unwarper.as_mut();
        let network = network.ok_or_else(|| not_loaded("the unwarping network is not loaded"))?;
        network
            .unwarp(page)
            .map_err(|error| PreprocessError(error.into()))
    }
}
