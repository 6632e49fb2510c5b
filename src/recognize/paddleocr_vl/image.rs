//! Image preprocessing: from a crop to the patches of the vision encoder.

use super::config::VlModelConfig;
use crate::fault::{Fault, Reason};
use crate::plan::{PixelLimits, smart_resize};
use crate::raster::{Filter, Pixels};

/// A picture in patches.
#[derive(Debug, Clone, PartialEq)]
pub struct Patches {
    /// `[rows * columns, channels * side * side]`, patches row by row; within a patch channel by channel.
    pub values: Vec<f32>,
    /// Rows and columns of patches, multiples of the merged squares' side.
    pub grid: [usize; 2],
}

impl Patches {
    /// Number of patches.
    pub fn count(&self) -> usize {
        self.grid[0] * self.grid[1]
    }
}

/// Resizes a crop to within the limits and cuts it into patches.
///
/// Fails for empty crops, and for those more than 200 times as long as wide.
pub fn patches(
    crop: &Pixels,
    limits: PixelLimits,
    config: &VlModelConfig,
) -> Result<Patches, Fault> {
    let (width, height) = (crop.width, crop.height);
    if width == 0 || height == 0 {
        return Err(Fault::internal("the crop is empty"));
    }
    let size = smart_resize(width, height, config.vision.factor(), limits, false);
    let too_long = || format!("a crop of {width}x{height} pixels is too long to be shown");
    let (new_width, new_height) = size.ok_or_else(|| Fault::new(Reason::TooLarge, too_long()))?;
    Ok(cut(
        &crop.resize_pillow(new_width, new_height, Filter::Bicubic),
        config,
    ))
}

/// Cuts a picture whose sides are multiples of the patch size.
fn cut(picture: &Pixels, config: &VlModelConfig) -> Patches {
    let side = config.vision.patch_size;
    let grid = [picture.height / side, picture.width / side];
    let image = &config.image;
    let levels: [[f32; 256]; 3] = std::array::from_fn(|c| {
        std::array::from_fn(|v| (v as f32 * image.rescale - image.mean[c]) / image.std[c])
    });
    let mut values = Vec::with_capacity(grid[0] * grid[1] * config.vision.patch_numbers());
    for row in 0..grid[0] {
        for column in 0..grid[1] {
            for (c, levels) in levels.iter().enumerate() {
                for y in row * side..(row + 1) * side {
                    let start = (y * picture.width + column * side) * 3 + c;
                    let line = picture.data[start..].iter().step_by(3).take(side);
                    values.extend(line.map(|v| levels[usize::from(*v)]));
                }
            }
        }
    }
    Patches { values, grid }
}
