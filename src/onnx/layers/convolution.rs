//! Convolutions: their geometry, the folding of branches and batch norms into one, and the resulting
//! operators.

use super::{Activation, Layers};
use crate::kernels::winograd::{self, ConvFilter};
use crate::onnx::checkpoint::CheckpointError;
use crate::onnx::graph::{Attr, Value};
use std::ops::Range;

/// Cells of a feature map from which a Winograd convolution chain beats ONNX Runtime's convolutions: with 256
/// channels on two cores, 1.5 times as fast at 50x50 cells, slower at 25x25.
const MIN_CHAIN_CELLS: usize = 48 * 48;

/// A convolution's geometry.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ConvShape {
    /// Input channels.
    pub channels: usize,
    /// Output channels.
    pub out: usize,
    /// Kernel size.
    pub kernel: usize,
    /// Stride in both directions.
    pub stride: usize,
    /// Dilation.
    pub dilation: usize,
    /// Zero padding at the top, left, bottom and right.
    pub pads: [usize; 4],
    /// Groups; `channels` for a depthwise convolution.
    pub groups: usize,
}

impl ConvShape {
    /// A convolution that keeps the map's size: stride 1, padding of half the kernel.
    pub(crate) fn same(channels: usize, out: usize, kernel: usize) -> Self {
        ConvShape {
            channels,
            out,
            kernel,
            stride: 1,
            dilation: 1,
            pads: [(kernel - 1) / 2; 4],
            groups: 1,
        }
    }

    /// The same with another stride.
    pub(crate) fn with_stride(self, stride: usize) -> Self {
        ConvShape { stride, ..self }
    }

    /// The same, depthwise.
    pub(crate) fn depthwise(self) -> Self {
        ConvShape {
            groups: self.channels,
            ..self
        }
    }

    /// The same with a dilation, padded to keep the map's size.
    pub(crate) fn with_dilation(self, dilation: usize) -> Self {
        ConvShape {
            dilation,
            pads: [(self.kernel - 1) / 2 * dilation; 4],
            ..self
        }
    }

    /// The same with other padding: top, left, bottom and right.
    pub(crate) fn with_pads(self, pads: [usize; 4]) -> Self {
        ConvShape { pads, ..self }
    }

    /// `[out, channels / groups, kernel, kernel]`.
    fn weight_shape(&self) -> [usize; 4] {
        [
            self.out,
            self.channels / self.groups,
            self.kernel,
            self.kernel,
        ]
    }
}

/// Weights of a convolution, in double precision for folding.
#[derive(Debug, Clone)]
pub(crate) struct ConvWeights {
    shape: ConvShape,
    /// `[out, channels / groups, kernel, kernel]`.
    weight: Vec<f64>,
    /// `[out]`.
    bias: Vec<f64>,
}

impl ConvWeights {
    /// The sum of two convolutions as one. The smaller kernel is centred in the larger.
    pub(crate) fn plus(mut self, other: &ConvWeights) -> Self {
        let (large, small) = (self.shape.kernel, other.shape.kernel);
        let offset = (large - small) / 2;
        for (index, value) in other.weight.iter().enumerate() {
            let (plane, y, x) = (
                index / (small * small),
                index / small % small,
                index % small,
            );
            self.weight[(plane * large + y + offset) * large + x + offset] += value;
        }
        self.bias
            .iter_mut()
            .zip(&other.bias)
            .for_each(|(a, b)| *a += b);
        self
    }

    /// This convolution directly after `first`, as one. Both have 1x1 kernels and one group.
    pub(crate) fn after(&self, first: &ConvWeights) -> ConvWeights {
        let (inner, channels) = (self.shape.channels, first.shape.channels);
        let row = |out: usize| &self.weight[out * inner..(out + 1) * inner];
        let mut weight = vec![0.0; self.shape.out * channels];
        for out in 0..self.shape.out {
            let sums = &mut weight[out * channels..(out + 1) * channels];
            for (factor, from) in row(out).iter().zip(first.weight.chunks_exact(channels)) {
                sums.iter_mut()
                    .zip(from)
                    .for_each(|(sum, w)| *sum += factor * w);
            }
        }
        let bias = (0..self.shape.out).map(|out| {
            self.bias[out]
                + row(out)
                    .iter()
                    .zip(&first.bias)
                    .map(|(w, b)| w * b)
                    .sum::<f64>()
        });
        ConvWeights {
            shape: ConvShape {
                channels,
                ..self.shape
            },
            weight,
            bias: bias.collect(),
        }
    }

    /// The part for input channels `range`, for inputs that are not concatenated; the first part keeps the
    /// bias.
    pub(crate) fn of_channels(&self, range: Range<usize>) -> ConvWeights {
        let plane = self.shape.kernel * self.shape.kernel;
        let rows = self.weight.chunks_exact(self.shape.channels * plane);
        let weight = rows
            .flat_map(|row| &row[range.start * plane..range.end * plane])
            .copied()
            .collect();
        let bias = if range.start == 0 {
            self.bias.clone()
        } else {
            vec![0.0; self.shape.out]
        };
        ConvWeights {
            shape: ConvShape {
                channels: range.len(),
                ..self.shape
            },
            weight,
            bias,
        }
    }

    /// The same without its bias, and the bias.
    pub(crate) fn without_bias(self) -> (ConvWeights, Vec<f32>) {
        let bias = rounded(&self.bias);
        (
            ConvWeights {
                bias: vec![0.0; self.bias.len()],
                ..self
            },
            bias,
        )
    }
}

/// Rounds to single precision.
fn rounded(values: &[f64]) -> Vec<f32> {
    values.iter().map(|v| *v as f32).collect()
}

fn wide(values: Vec<f32>) -> Vec<f64> {
    values.into_iter().map(f64::from).collect()
}

impl Layers<'_> {
    /// Weights of the convolution `key` (`key.weight`, and `key.bias` with `has_bias`), with the batch norm
    /// `norm`, if there is one, folded in.
    pub(crate) fn conv_weights(
        &self,
        key: &str,
        has_bias: bool,
        norm: Option<(&str, f64)>,
        shape: ConvShape,
    ) -> Result<ConvWeights, CheckpointError> {
        let file = self.checkpoint;
        let mut weight = wide(file.f32(&format!("{key}.weight"), &shape.weight_shape())?);
        let mut bias = match has_bias {
            true => wide(file.f32(&format!("{key}.bias"), &[shape.out])?),
            false => vec![0.0; shape.out],
        };
        if let Some((norm, epsilon)) = norm {
            let part = |name: &str| Ok(wide(file.f32(&format!("{norm}.{name}"), &[shape.out])?));
            let (gamma, beta) = (part("weight")?, part("bias")?);
            let (mean, variance) = (part("running_mean")?, part("running_var")?);
            let plane = weight.len() / shape.out;
            for out in 0..shape.out {
                let scale = gamma[out] / (variance[out] + epsilon).sqrt();
                weight[out * plane..(out + 1) * plane]
                    .iter_mut()
                    .for_each(|w| *w *= scale);
                bias[out] = beta[out] + (bias[out] - mean[out]) * scale;
            }
        }
        Ok(ConvWeights {
            shape,
            weight,
            bias,
        })
    }

    /// Weights of `key.convolution` and the batch norm `key.normalization`, the usual names.
    pub(crate) fn unit_weights(
        &self,
        key: &str,
        has_bias: bool,
        epsilon: f64,
        shape: ConvShape,
    ) -> Result<ConvWeights, CheckpointError> {
        let norm = format!("{key}.normalization");
        self.conv_weights(
            &format!("{key}.convolution"),
            has_bias,
            Some((&norm, epsilon)),
            shape,
        )
    }

    /// A convolution. `at` is its place in the network, for names.
    pub(crate) fn conv(
        &mut self,
        at: &str,
        x: &Value,
        weights: &ConvWeights,
        activation: Activation,
    ) -> Value {
        let ConvWeights {
            shape,
            weight,
            bias,
        } = weights;
        let w = self
            .graph
            .floats(at, &shape.weight_shape(), rounded(weight));
        let b = self.graph.floats(at, &[shape.out], rounded(bias));
        let pair = |n: usize| Attr::Ints(vec![n as i64; 2]);
        let attributes = [
            ("kernel_shape", pair(shape.kernel)),
            ("strides", pair(shape.stride)),
            ("dilations", pair(shape.dilation)),
            (
                "pads",
                Attr::Ints(shape.pads.iter().map(|n| *n as i64).collect()),
            ),
            ("group", Attr::Int(shape.groups as i64)),
        ];
        let y = self.graph.op("Conv", at, &[x, &w, &b], &attributes);
        self.activation(at, &y, activation)
    }

    /// 3x3 convolutions, each followed by SiLU, over maps of `size` (height, width).
    pub(crate) fn silu_chain(
        &mut self,
        at: &str,
        x: &Value,
        convs: &[ConvWeights],
        size: [usize; 2],
    ) -> Value {
        let is_fit = |conv: &ConvWeights| {
            let ConvShape {
                channels,
                out,
                kernel,
                stride,
                dilation,
                pads,
                groups,
            } = conv.shape;
            channels == out
                && [kernel, stride, dilation, groups] == [3, 1, 1, 1]
                && pads == [1; 4]
                && winograd::is_supported(channels)
        };
        let cells = size[0] * size[1];
        if self.own_kernels && cells >= MIN_CHAIN_CELLS && convs.iter().all(is_fit) {
            let filters = convs
                .iter()
                .map(|c| ConvFilter::new(c.shape.channels, &c.weight, &c.bias))
                .collect();
            let scratch = self.chain_scratch.clone();
            return self.graph.silu_chain(at, x, filters, scratch);
        }
        let mut x = x.clone();
        for (index, conv) in convs.iter().enumerate() {
            x = self.conv(&format!("{at}.{index}"), &x, conv, Activation::Silu);
        }
        x
    }

    /// The linear layer `key` as a 1x1 convolution, for feature maps instead of tokens.
    pub(crate) fn linear_as_conv(
        &self,
        key: &str,
        from: usize,
        to: usize,
    ) -> Result<ConvWeights, CheckpointError> {
        Ok(ConvWeights {
            shape: ConvShape::same(from, to, 1),
            weight: wide(self.checkpoint.f32(&format!("{key}.weight"), &[to, from])?),
            bias: wide(self.checkpoint.f32(&format!("{key}.bias"), &[to])?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn branches_are_added_in_the_middle_of_the_larger_kernel() {
        let shape = |kernel| ConvShape::same(1, 1, kernel);
        let large = ConvWeights {
            shape: shape(3),
            weight: vec![1.0; 9],
            bias: vec![1.0],
        };
        let small = ConvWeights {
            shape: shape(1),
            weight: vec![5.0],
            bias: vec![2.0],
        };
        let sum = large.plus(&small);
        assert_eq!(sum.weight, [1.0, 1.0, 1.0, 1.0, 6.0, 1.0, 1.0, 1.0, 1.0]);
        assert_eq!(sum.bias, [3.0]);
    }

    fn one_by_one(channels: usize, weight: &[f64], bias: &[f64]) -> ConvWeights {
        let shape = ConvShape::same(channels, bias.len(), 1);
        ConvWeights {
            shape,
            weight: weight.to_vec(),
            bias: bias.to_vec(),
        }
    }

    #[test]
    fn two_convolutions_with_nothing_between_are_one() {
        let first = one_by_one(2, &[1.0, 2.0, 3.0, 4.0], &[1.0, -1.0]);
        let both = one_by_one(2, &[10.0, 1.0], &[5.0]).after(&first);
        assert_eq!((both.weight, both.bias), (vec![13.0, 24.0], vec![14.0]));
    }

    #[test]
    fn parts_of_the_input_have_parts_of_the_weights() {
        let whole = one_by_one(3, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0], &[7.0, 8.0]);
        let (a, b) = (whole.of_channels(0..1), whole.of_channels(1..3));
        assert_eq!((a.weight, a.bias), (vec![1.0, 4.0], vec![7.0, 8.0]));
        assert_eq!(
            (b.weight, b.bias),
            (vec![2.0, 3.0, 5.0, 6.0], vec![0.0, 0.0])
        );
    }

    #[test]
    fn sizes_are_kept() {
        assert_eq!(ConvShape::same(4, 8, 5).pads, [2; 4]);
        assert_eq!(ConvShape::same(4, 8, 3).with_dilation(5).pads, [5; 4]);
        assert_eq!(
            ConvShape::same(4, 4, 3).depthwise().weight_shape(),
            [4, 1, 3, 3]
        );
    }
}
