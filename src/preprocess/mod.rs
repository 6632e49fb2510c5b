//! Orientation and unwarping of pages before layout detection (docs/reference.md, "Document preprocessing").
//!
//! [`DocPreprocessor`] is the seam for the networks; [`preprocess`] runs the steps in order. The networks are
//! PP-LCNet_x1_0_doc_ori ([`pp_lcnet`]) and UVDoc ([`uvdoc`]).

pub(crate) mod networks;
pub(crate) mod pp_lcnet;
pub(crate) mod uvdoc;

use crate::document::Preprocessing;
use crate::fault::Fault;
use crate::raster::Pixels;
use serde::{Deserialize, Serialize};

/// Steps that run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PreprocessOptions {
    /// `use_doc_preprocessor`: `false` turns off both steps.
    pub use_doc_preprocessor: bool,
    /// `use_doc_orientation_classify`.
    pub use_doc_orientation_classify: bool,
    /// `use_doc_unwarping`.
    pub use_doc_unwarping: bool,
}

/// A page after every step, for the drawing that compares them.
#[derive(Debug, Clone)]
pub struct PreprocessSteps {
    /// The page as read.
    pub original: Pixels,
    /// After rotation.
    pub rotated: Pixels,
    /// After unwarping.
    pub unwarped: Pixels,
}

/// A network failed.
#[derive(Debug, Clone, thiserror::Error)]
#[error("preprocessing failed: {0}")]
pub struct PreprocessError(pub Fault);

/// The networks of document preprocessing.
pub(crate) trait DocPreprocessor: Send {
    /// Angle in degrees, counter-clockwise, that turns the page upright: 0, 90, 180 or 270.
    fn orientation(&mut self, page: &Pixels, page_index: usize) -> Result<u32, PreprocessError>;

    /// The unwarped page, of the same size.
    fn unwarp(&mut self, page: &Pixels, page_index: usize) -> Result<Pixels, PreprocessError>;
}

/// Side of the classifier's square input in pixels, and the page's shorter side after resampling.
const ORIENTATION_SIDE: usize = 224;
const ORIENTATION_SHORT_SIDE: f64 = 256.0;
/// Mean and standard deviation of the channels R, G, B (PP-LCNet_x1_0_doc_ori, inference.yml).
const MEAN: [f32; 3] = [0.485, 0.456, 0.406];
const DEVIATION: [f32; 3] = [0.229, 0.224, 0.225];

/// Size to which a page is resampled for the orientation classifier.
pub fn orientation_size(width: usize, height: usize) -> (usize, usize) {
    let scale = ORIENTATION_SHORT_SIDE / width.min(height).max(1) as f64;
    let side = |length: usize| (length as f64 * scale).round_ties_even() as usize;
    (side(width), side(height))
}

/// Normalized R, G, B at a position of the classifier's input, the 224 by 224 pixels in the middle of the
/// resampled page.
pub(crate) fn orientation_value(resampled: &Pixels, x: usize, y: usize) -> [f32; 3] {
    let offset = |length: usize| (length as i64 - ORIENTATION_SIDE as i64).div_euclid(2);
    let pixel = resampled.clamped_pixel(
        x as i64 + offset(resampled.width),
        y as i64 + offset(resampled.height),
    );
    std::array::from_fn(|c| (pixel[c] as f32 / 255.0 - MEAN[c]) / DEVIATION[c])
}

/// Rotates and unwarps a page as the options say.
///
/// With `keep_steps` the result includes the page after each step.
pub(crate) fn preprocess(
    page: Pixels,
    page_index: usize,
    options: PreprocessOptions,
    networks: &mut dyn DocPreprocessor,
    keep_steps: bool,
) -> Result<(Pixels, Option<Preprocessing>, Option<PreprocessSteps>), PreprocessError> {
    if !options.use_doc_preprocessor {
        return Ok((page, None, None));
    }
    let original = keep_steps.then(|| page.clone());
    let mut angle = -1;
    let mut page = page;
    if options.use_doc_orientation_classify {
        let degrees = networks.orientation(&page, page_index)?;
        page = page.rotate_page(degrees);
        angle = degrees as i32;
    }
    let rotated = keep_steps.then(|| page.clone());
    if options.use_doc_unwarping {
        page = networks.unwarp(&page, page_index)?;
    }
    let steps = original
        .zip(rotated)
        .map(|(original, rotated)| PreprocessSteps {
            original,
            rotated,
            unwarped: page.clone(),
        });
    let done = Preprocessing {
        use_doc_orientation_classify: options.use_doc_orientation_classify,
        use_doc_unwarping: options.use_doc_unwarping,
        angle,
    };
    Ok((page, Some(done), steps))
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Fake;

    impl DocPreprocessor for Fake {
        fn orientation(&mut self, _: &Pixels, page_index: usize) -> Result<u32, PreprocessError> {
            if page_index > 0 {
                Err(PreprocessError(Fault::internal("no")))
            } else {
                Ok(90)
            }
        }

        fn unwarp(&mut self, page: &Pixels, _: usize) -> Result<Pixels, PreprocessError> {
            Ok(Pixels::white(page.width, page.height))
        }
    }

    #[test]
    fn only_what_is_asked_for_runs() {
        let run = |classify, unwarp, index| {
            let options = PreprocessOptions {
                use_doc_preprocessor: classify || unwarp,
                use_doc_orientation_classify: classify,
                use_doc_unwarping: unwarp,
            };
            let page = Pixels {
                width: 4,
                height: 2,
                data: vec![9; 24],
            };
            preprocess(page, index, options, &mut Fake, true)
        };
        let (page, done, steps) = run(true, false, 0).unwrap();
        assert_eq!((page.width, page.height, done.unwrap().angle), (2, 4, 90));
        assert_eq!(steps.unwrap().original.width, 4);
        let (page, done, _) = run(false, true, 5).unwrap();
        assert_eq!((page.data[0], done.unwrap().angle), (255, -1));
        assert!(run(false, false, 0).unwrap().1.is_none());
        assert!(run(true, false, 1).is_err());
    }
}
