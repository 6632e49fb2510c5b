//! Inputs of the networks that look at pictures: pixels to numbers.

use crate::raster::Pixels;

/// Mean and standard deviation of the channels in the order B, G, R. Those of R, G, B stand on them in the training, too.
const MEAN: [f32; 3] = [0.485, 0.456, 0.406];
const DEVIATION: [f32; 3] = [0.229, 0.224, 0.225];

/// Elements of a picture, `[3, height, width]`, channels B, G, R: divided by 255, less the mean, over the deviation.
pub(super) fn normalized(picture: &Pixels) -> Vec<f32> {
    (0..3)
        .flat_map(|c| {
            let levels: [f32; 256] =
                std::array::from_fn(|v| (v as f32 / 255.0 - MEAN[c]) / DEVIATION[c]);
            let channel = picture.data.iter().skip(2 - c).step_by(3);
            channel.map(move |v| levels[usize::from(*v)])
        })
        .collect()
}
