//! The recognizer's weights, under the names of PP-OCRv6's published file.

use super::blocks::{Block, Squeeze};
use super::{CLASSES, Int8Layer, LAST, Layer, LineRecognizer, Linear, Norm, STEM, WIDTH, linear};
use crate::kernels::quantize::{WeightFormat, pack};

/// The weights of a name and a number of elements; `None` if there are no such.
pub(crate) type Weights<'a> = &'a dyn Fn(&str, usize) -> Option<Vec<f32>>;

/// Weights and bias.
type Pair = (Vec<f32>, Vec<f32>);

/// Reads layers in the order of the network, in which the biases of convolutions are numbered.
struct Reader<'a> {
    weights: Weights<'a>,
    biases: usize,
}

impl LineRecognizer {
    /// Quantizes the network. Fails with the name of a tensor that is missing or has another size.
    pub(crate) fn new(weights: Weights<'_>) -> Result<Self, String> {
        let mut reader = Reader { weights, biases: 0 };
        let (first, first_bias) = reader.convolution(68, STEM, 27)?;
        let small = [reader.int8(69, STEM, 24, 4)?, reader.int8(70, 24, STEM, 4)?];
        let third = reader.int8(71, 96, STEM, 9)?;
        let fourth = reader.int8(72, STEM, 96, 1)?;
        let blocks = reader.blocks()?;
        let (shortcut, shortcut_bias) = reader.normalized(67, 57, LAST)?;
        let (entry, entry_bias) = reader.normalized(65, 55, LAST)?;
        let (mix, mix_bias) = reader.normalized(66, 56, 7)?;
        let layers = [0, 1].map(|n| reader.layer(n));
        let [one, two] = layers;
        let head = reader.read("linear_8.w_0", WIDTH * CLASSES)?;
        let head_bias = reader.read("linear_8.b_0", CLASSES)?;
        Ok(LineRecognizer {
            first: transposed(&first, 27),
            first_bias,
            small,
            third,
            fourth,
            blocks,
            shortcut: linear_of(&shortcut, shortcut_bias, LAST),
            entry: linear_of(&entry, entry_bias, LAST),
            mix: transposed(&mix, 7),
            mix_bias,
            layers: vec![one?, two?],
            norm: reader.norm(4)?,
            head: Int8Layer::new(&transposed(&head, CLASSES), &head_bias, WIDTH, CLASSES),
        })
    }
}

impl Reader<'_> {
    fn read(&self, name: &str, count: usize) -> Result<Vec<f32>, String> {
        (self.weights)(name, count).ok_or_else(|| name.to_string())
    }

    /// A convolution: `[outputs, size]` and `[outputs]`.
    fn convolution(&mut self, number: usize, outputs: usize, size: usize) -> Result<Pair, String> {
        let weights = self.read(&format!("conv2d_{number}.w_0"), outputs * size)?;
        let bias = self.read(&format!("p2o.pd_op.reshape.{}.0", self.biases), outputs)?;
        self.biases += 1;
        Ok((weights, bias))
    }

    /// A convolution with `taps` weights for each input and output.
    fn int8(
        &mut self,
        number: usize,
        from: usize,
        to: usize,
        taps: usize,
    ) -> Result<Int8Layer, String> {
        let (weights, bias) = self.convolution(number, to, from * taps)?;
        // Inputs last, as windows have them.
        let weights: Vec<f32> = weights
            .chunks_exact(from * taps)
            .flat_map(|output| transposed(output, taps))
            .collect();
        Ok(Int8Layer::new(&weights, &bias, from * taps, to))
    }

    fn blocks(&mut self) -> Result<Vec<Block>, String> {
        [
            // Convolutions, squeeze and excitation, channels, vertical stride.
            ([74, 75, 76], Some([7, 8]), [96, 192, 96], 1),
            ([78, 79, 80], None, [96, 192, 96], 1),
            ([82, 83, 84], None, [96, 192, 96], 1),
            ([85, 86, 87], None, [96, 192, 192], 2),
            ([89, 90, 91], Some([24, 25]), [192, 384, 192], 1),
            ([93, 94, 95], None, [192, 384, 192], 1),
            ([97, 98, 99], Some([34, 35]), [192, 384, 192], 1),
            ([101, 102, 103], None, [192, 384, 192], 1),
            ([105, 106, 107], Some([44, 45]), [192, 384, 192], 1),
            ([109, 110, 111], None, [192, 384, 192], 1),
            ([112, 113, 114], None, [192, 384, 384], 2),
            ([116, 117, 118], Some([57, 58]), [384, 768, 384], 1),
            ([120, 121, 122], None, [384, 768, 384], 1),
        ]
        .into_iter()
        .map(|(convolutions, squeeze, channels, stride)| {
            self.block(convolutions, squeeze, channels, stride)
        })
        .collect()
    }

    fn block(
        &mut self,
        [depthwise, up, down]: [usize; 3],
        squeeze: Option<[usize; 2]>,
        [from, middle, to]: [usize; 3],
        stride: usize,
    ) -> Result<Block, String> {
        let (depthwise, bias) = self.convolution(depthwise, from, 9)?;
        let squeeze = match squeeze {
            Some([down, up]) => Some(Squeeze {
                down: self.convolution(down, from / 4, from)?,
                up: self.convolution(up, from, from / 4)?,
            }),
            None => None,
        };
        Ok(Block {
            channels: from,
            depthwise: transposed(&depthwise, 9),
            bias,
            squeeze,
            up: self.int8(up, from, middle, 1)?,
            down: self.int8(down, middle, to, 1)?,
            stride,
        })
    }

    /// A convolution to the transformer's width with its batch norm folded into it.
    fn normalized(&self, number: usize, norm: usize, size: usize) -> Result<Pair, String> {
        let mut weights = self.read(&format!("conv2d_{number}.w_0"), WIDTH * size)?;
        let part = |part: &str| self.read(&format!("batch_norm2d_{norm}.{part}"), WIDTH);
        let (scale, shift, mean, variance) =
            (part("w_0")?, part("b_0")?, part("w_1")?, part("w_2")?);
        let mut bias = Vec::with_capacity(WIDTH);
        for (n, weights) in weights.chunks_exact_mut(size).enumerate() {
            let factor = f64::from(scale[n]) / (f64::from(variance[n]) + 1e-5).sqrt();
            for weight in weights {
                *weight = (f64::from(*weight) * factor) as f32;
            }
            bias.push((f64::from(shift[n]) - f64::from(mean[n]) * factor) as f32);
        }
        Ok((weights, bias))
    }

    fn layer(&self, number: usize) -> Result<Layer, String> {
        Ok(Layer {
            norm: self.norm(number * 2)?,
            query_key_value: self.linear(number * 4, WIDTH, WIDTH * 3)?,
            output: self.linear(number * 4 + 1, WIDTH, WIDTH)?,
            second_norm: self.norm(number * 2 + 1)?,
            up: self.linear(number * 4 + 2, WIDTH, WIDTH * 2)?,
            down: self.linear(number * 4 + 3, WIDTH * 2, WIDTH)?,
        })
    }

    fn linear(&self, number: usize, from: usize, to: usize) -> Result<Linear, String> {
        let weights = self.read(&format!("linear_{number}.w_0"), from * to)?;
        let bias = self.read(&format!("linear_{number}.b_0"), to)?;
        Ok(linear_of(&transposed(&weights, to), bias, from))
    }

    fn norm(&self, number: usize) -> Result<Norm, String> {
        let part = |n: usize| self.read(&format!("helper.reshape.{n}"), WIDTH);
        Ok((part(number * 2)?, part(number * 2 + 1)?))
    }
}

/// `[rows, columns]` to `[columns, rows]`.
fn transposed(values: &[f32], columns: usize) -> Vec<f32> {
    let rows = values.len() / columns;
    let mut turned = Vec::with_capacity(values.len());
    for column in 0..columns {
        turned.extend((0..rows).map(|row| values[row * columns + column]));
    }
    turned
}

/// A layer in single precision; `weights` are `[outputs, from]`.
fn linear_of(weights: &[f32], bias: Vec<f32>, from: usize) -> Linear {
    let to = bias.len();
    let row = |n: usize, to: &mut [f32]| to.copy_from_slice(&weights[n * from..(n + 1) * from]);
    Linear {
        from,
        to,
        outputs: to,
        form: WeightFormat::F32,
        weights: pack(WeightFormat::F32, from, to, &row),
        bias,
        finish: linear::Finish::Plain,
    }
}
