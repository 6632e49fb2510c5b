//! Recorded answers of networks and recognizers, replayed in their place.
//!
//! A [`Case`] is a JSON file with, for every page, the layout network's output, the instance masks if any,
//! the orientation classifier's result, and the recognizer's answer to each block. Everything else is
//! computed.

use crate::fault::{Fault, Reason};
use crate::geometry::contour::Mask;
use crate::layout::postprocess::{LayoutOptions, RawBox, RawLayout, postprocess};
use crate::layout::{LayoutDetector, LayoutError, Region};
use crate::lines::PreparedPage;
use crate::preprocess::{DocPreprocessor, PreprocessError};
use crate::raster::Pixels;
use crate::recognize::{BlockAnswer, BlockRequest, Recognition, RecognizeError, Recognizer};
use crossbeam_channel::{Receiver, Sender};
use serde::Deserialize;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

/// A recorded run.
#[derive(Debug, Clone, PartialEq, Deserialize)]
pub struct Case {
    /// `v1`, `v1.5` or `v1.6`.
    pub pipeline_version: String,
    /// Name of the input file, in the folder of the case's file.
    #[serde(default)]
    pub input: String,
    /// Settings, named like flags but with underscores.
    #[serde(default)]
    pub params: Map<String, Value>,
    /// Settings that exist only in the reference's Python API.
    #[serde(default)]
    pub api_predict_params: Map<String, Value>,
    /// `true` if the pixels of pages do not depend on a decoder.
    #[serde(default = "yes")]
    pub pixel_exact: bool,
    /// Pages in order.
    #[serde(default)]
    pub pages: Vec<CasePage>,
    /// Answers of the recognizer by `<page>:<block>`, with block numbers after merging, or by the label of the block.
    #[serde(default)]
    pub vlm_answers: BTreeMap<String, Option<String>>,
}

fn yes() -> bool {
    true
}

/// Recorded outputs for a page.
#[derive(Debug, Clone, PartialEq, Default, Deserialize)]
pub struct CasePage {
    /// Rows of class, score, x1, y1, x2, y2, optionally followed by order and votes.
    #[serde(default)]
    raw_boxes: Vec<Vec<f64>>,
    /// Width and height of the masks.
    #[serde(default)]
    mask_size: Option<[usize; 2]>,
    /// A list of runs (start, length) per row of `raw_boxes`.
    #[serde(default)]
    mask_rle: Option<Vec<Vec<usize>>>,
    /// `0`, `90`, `180` or `270`.
    #[serde(default)]
    orientation_label: Option<String>,
}

/// Reason why a case cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CaseError {
    /// The file cannot be read.
    #[error("{path}: {source}")]
    Read {
        /// The file.
        path: String,
        /// The cause.
        source: std::io::Error,
    },
    /// It is not a valid case.
    #[error("{path}: not a recorded case: {source}")]
    Format {
        /// The file.
        path: String,
        /// The cause.
        source: serde_json::Error,
    },
}

/// Masks with more cells are invalid.
const MAX_MASK_CELLS: usize = 1 << 24;

impl Case {
    /// Reads a case.
    pub fn load(path: &Path) -> Result<Case, CaseError> {
        let shown = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|source| CaseError::Read {
            path: shown.clone(),
            source,
        })?;
        Case::parse(&text).map_err(|source| CaseError::Format {
            path: shown,
            source,
        })
    }

    /// Parses a case.
    pub fn parse(text: &str) -> Result<Case, serde_json::Error> {
        serde_json::from_str(text)
    }

    /// The layout network's recorded output for a page.
    pub fn raw_layout(&self, page_index: usize) -> Option<RawLayout> {
        let page = self.pages.get(page_index)?;
        let boxes = page.raw_boxes.iter().map(|row| raw_box(row)).collect();
        let masks = page
            .mask_size
            .zip(page.mask_rle.as_ref())
            .filter(|([w, h], _)| w.saturating_mul(*h) <= MAX_MASK_CELLS);
        let masks = masks.map(|([width, height], rows)| {
            rows.iter().map(|runs| mask(width, height, runs)).collect()
        });
        Some(RawLayout { boxes, masks })
    }
}

/// A row of numbers as a box; missing columns are 0 or absent.
pub(crate) fn raw_box(row: &[f64]) -> RawBox {
    let at = |i: usize| row.get(i).map(|v| *v as f32);
    RawBox {
        class_id: at(0).map_or(-1, |v| v as i64),
        score: at(1).unwrap_or(0.0),
        bbox: std::array::from_fn(|i| at(i + 2).unwrap_or(0.0)),
        order: at(6),
        votes: at(7),
    }
}

/// A mask from its runs (start, length), clipped to its size.
pub(crate) fn mask(width: usize, height: usize, runs: &[usize]) -> Mask {
    let mut mask = Mask::new(width, height);
    for run in runs.chunks_exact(2) {
        let end = run[0].saturating_add(run[1]).min(mask.cells.len());
        mask.cells[run[0].min(end)..end].fill(true);
    }
    mask
}

/// The fault of a case without a recording that is needed.
fn not_recorded(message: String) -> Fault {
    Fault::new(Reason::Settings, message)
}

/// Returns recorded outputs in place of the layout network.
pub(crate) struct ReplayDetector {
    /// The case.
    pub case: Arc<Case>,
}

impl LayoutDetector for ReplayDetector {
    fn detect(
        &mut self,
        pages: &[&PreparedPage],
        options: &LayoutOptions,
    ) -> Result<Vec<Vec<Region>>, LayoutError> {
        let regions = pages.iter().map(|page| {
            let missing = || {
                let number = page.page_index + 1;
                LayoutError(not_recorded(format!(
                    "nothing was recorded for page {number}"
                )))
            };
            let raw = self.case.raw_layout(page.page_index).ok_or_else(missing)?;
            Ok(postprocess(&raw, page.width, page.height, options))
        });
        regions.collect()
    }
}

/// Returns recorded answers in place of the recognizer.
pub(crate) struct ReplayRecognizer {
    /// The case.
    pub case: Arc<Case>,
}

impl Recognizer for ReplayRecognizer {
    fn run(
        &mut self,
        requests: Receiver<BlockRequest>,
        answers: Sender<BlockAnswer>,
    ) -> Result<(), RecognizeError> {
        for request in requests {
            let key = format!("{}:{}", request.page.page_index, request.ticket.block);
            let recorded = &self.case.vlm_answers;
            let of_label = || recorded.get(request.region.label.as_str());
            let result = match recorded.get(&key).or_else(of_label) {
                Some(answer) => Ok(Recognition {
                    content: answer.clone().unwrap_or_default(),
                    is_raw: true,
                    ..Recognition::default()
                }),
                None => Err(not_recorded(format!("no answer was recorded for `{key}`"))),
            };
            // The receiver is gone: the run is over.
            if answers
                .send(BlockAnswer {
                    ticket: request.ticket,
                    result,
                })
                .is_err()
            {
                break;
            }
        }
        Ok(())
    }
}

/// Returns recorded results in place of the preprocessing networks; unwarping only passes the pixels through
/// single precision.
pub(crate) struct ReplayPreprocessor {
    /// The case.
    pub case: Arc<Case>,
}

impl DocPreprocessor for ReplayPreprocessor {
    fn orientation(&mut self, _: &Pixels, page_index: usize) -> Result<u32, PreprocessError> {
        let label = self
            .case
            .pages
            .get(page_index)
            .and_then(|p| p.orientation_label.as_deref())
            .unwrap_or("0");
        match label {
            "0" | "90" | "180" | "270" => Ok(label.parse().unwrap_or(0)),
            other => Err(PreprocessError(not_recorded(format!(
                "`{other}` is no orientation"
            )))),
        }
    }

    fn unwarp(&mut self, page: &Pixels, _: usize) -> Result<Pixels, PreprocessError> {
        let through = |v: &u8| (*v as f32 / 255.0 * 255.0) as u8;
        Ok(Pixels {
            width: page.width,
            height: page.height,
            data: page.data.iter().map(through).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_case_needs_little() {
        let case = Case::parse(
            r#"{"pipeline_version": "v1.6", "pages": [{"raw_boxes": [[22, 0.9, 1, 2, 3, 4, 0]]}]}"#,
        );
        let case = case.unwrap();
        let raw = case.raw_layout(0).unwrap();
        assert_eq!((raw.boxes[0].class_id, raw.boxes[0].order), (22, Some(0.0)));
        assert!(raw.masks.is_none() && case.raw_layout(1).is_none() && case.pixel_exact);
        assert!(Case::parse("{}").is_err());
    }

    #[test]
    fn runs_beyond_the_mask_are_cut() {
        let mask = mask(2, 2, &[1, 2, usize::MAX, 5]);
        assert_eq!(mask.cells, [false, true, true, false]);
    }

    proptest::proptest! {
        #[test]
        fn no_text_panics(text in "\\PC{0,40}|\\{\"pipeline_version\": \"[a-z0-9.]{0,4}\", \"pages\": \\[(\\{\"raw_boxes\": \\[\\[-?[0-9]{1,4}(, -?[0-9]{1,3}){0,8}\\]\\]\\})?\\]\\}") {
            if let Ok(case) = Case::parse(&text) {
                case.raw_layout(0);
            }
        }
    }
}
