//! Layout detection by a network: page pictures in, post-processed regions out.

use super::exported::ExportedLayout;
use super::postprocess::{LayoutOptions, RawLayout, Threshold, postprocess};
use super::pp_doclayout::PpDocLayout;
use super::{LayoutDetector, LayoutError, Region, over_text};
use crate::fault::Fault;
use crate::lines::PreparedPage;
use crate::onnx::OnnxError;
use crate::raster::Pixels;

/// A layout network from either source.
pub(crate) enum LayoutNetwork {
    /// Built from a checkpoint.
    Checkpoint(Box<PpDocLayout>),
    /// The publisher's model file.
    Exported(Box<ExportedLayout>),
}

impl LayoutNetwork {
    /// The rows of boxes of each page; those that `threshold` drops may be left out.
    pub(crate) fn detect(
        &mut self,
        pages: &[&Pixels],
        threshold: &Threshold,
    ) -> Result<Vec<RawLayout>, OnnxError> {
        match self {
            LayoutNetwork::Checkpoint(network) => network.detect(pages, threshold),
            LayoutNetwork::Exported(network) => network.detect(pages),
        }
    }
}

/// The detector of the PaddleOCR-VL pipelines.
pub(crate) struct NetworkDetector {
    /// The network; `None` if reloading it failed.
    pub network: Option<LayoutNetwork>,
    /// Number of pages per call of the network.
    pub batch_size: usize,
    /// `true` if regions get the page's own text.
    pub reads_page_text: bool,
    /// Loads the network again.
    pub reload: Box<dyn FnMut() -> Result<LayoutNetwork, Fault> + Send>,
}

impl LayoutDetector for NetworkDetector {
    fn batch_size(&self) -> usize {
        self.batch_size
    }

    fn detect(
        &mut self,
        pages: &[&PreparedPage],
        options: &LayoutOptions,
    ) -> Result<Vec<Vec<Region>>, LayoutError> {
        let missing = || LayoutError(Fault::internal("the page has no picture"));
        let pictures = pages
            .iter()
            .map(|page| page.pixels.as_ref().ok_or_else(missing));
        let pictures: Vec<&Pixels> = pictures.collect::<Result<_, _>>()?;
        let network = self
            .network
            .as_mut()
            .ok_or_else(|| LayoutError(Fault::internal("the network is not loaded")))?;
        let layouts = network
            .detect(&pictures, &options.threshold)
            .map_err(|error| {
                if matches!(error, OnnxError::OutOfMemory { .. }) && pages.len() > 1 {
                    // The caller retries these pages in halves; later batches start at the smaller size.
                    self.batch_size = pages.len() / 2;
                    tracing::warn!(
                        batch_size = self.batch_size,
                        "too little memory for {} pages at once",
                        pages.len()
                    );
                }
                LayoutError(error.into())
            })?;
        let regions = pages.iter().zip(layouts).map(|(page, raw)| {
            let regions = postprocess(&raw, page.width, page.height, options);
            match self.reads_page_text {
                true => over_text::with_text(regions, page, options.shape_mode),
                false => regions,
            }
        });
        Ok(regions.collect())
    }

    fn restart(&mut self) -> Result<bool, LayoutError> {
        // Dropped first: there may be no memory for two.
        self.network = None;
        self.network = Some((self.reload)().map_err(LayoutError)?);
        Ok(true)
    }
}
