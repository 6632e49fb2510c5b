//! Layout detection by a network: pictures of pages in, post-processed regions out.

use super::exported::ExportedLayout;
use super::postprocess::{LayoutOptions, RawLayout, Threshold, postprocess};
use super::pp_doclayout::PpDocLayout;
use super::{LayoutDetector, LayoutError, Region, over_text, whole_page};
use crate::document::Label;
use crate::lines::PreparedPage;
use crate::onnx::OnnxError;
use crate::raster::Pixels;

/// A layout network, wherever it comes from.
pub enum LayoutNetwork {
    /// Built from a checkpoint.
    Checkpoint(Box<PpDocLayout>),
    /// The publisher's model file.
    Exported(Box<ExportedLayout>),
}

impl LayoutNetwork {
    /// The rows of boxes on pages; those that `threshold` drops may be left out.
    pub fn detect(&mut self, pages: &[&Pixels], threshold: &Threshold) -> Result<Vec<RawLayout>, OnnxError> {
        match self {
            LayoutNetwork::Checkpoint(network) => network.detect(pages, threshold),
            LayoutNetwork::Exported(network) => network.detect(pages),
        }
    }
}

/// The detector of the PaddleOCR-VL pipelines.
pub struct NetworkDetector {
    /// The network.
    pub network: LayoutNetwork,
    /// Options of the post-processing.
    pub options: LayoutOptions,
    /// Pages shown to the network at once.
    pub batch_size: usize,
    /// Whether regions are given the text that the page has.
    pub reads_page_text: bool,
}

impl LayoutDetector for NetworkDetector {
    fn batch_size(&self) -> usize {
        self.batch_size
    }

    fn detect(&mut self, pages: &[&PreparedPage]) -> Result<Vec<Vec<Region>>, LayoutError> {
        let missing = || LayoutError("the page has no picture".into());
        let pictures = pages.iter().map(|page| page.pixels.as_ref().ok_or_else(missing));
        let pictures: Vec<&Pixels> = pictures.collect::<Result<_, _>>()?;
        let layouts = self.network.detect(&pictures, &self.options.threshold).map_err(|error| {
            if matches!(error, OnnxError::OutOfMemory { .. }) && pages.len() > 1 {
                // The caller tries these pages again in halves; the next ones need not fail first.
                self.batch_size = pages.len() / 2;
                tracing::warn!(
                    batch_size = self.batch_size,
                    "too little memory for {} pages at once",
                    pages.len()
                );
            }
            LayoutError(error.to_string())
        })?;
        let regions = pages.iter().zip(layouts).map(|(page, raw)| {
            let regions = postprocess(&raw, page.width, page.height, &self.options);
            match self.reads_page_text {
                true => over_text::with_text(regions, page, self.options.shape_mode),
                false => regions,
            }
        });
        Ok(regions.collect())
    }
}

/// Takes every page as one region (`use_layout_detection` is off).
pub struct WholePageDetector {
    /// Its label.
    pub label: Label,
}

impl LayoutDetector for WholePageDetector {
    fn detect(&mut self, pages: &[&PreparedPage]) -> Result<Vec<Vec<Region>>, LayoutError> {
        Ok(pages.iter().map(|page| vec![whole_page(self.label, page.width, page.height)]).collect())
    }
}
