//! Line recognition: cuts lines out of the page, tells which are upside down, and reads them.
//!
//! Preprocessing and decoding are those of rapidocr 3.10.0 (`ch_ppocr_rec`, `ch_ppocr_cls`): height 48,
//! batches of lines of similar width padded to the widest, greedy CTC with the blank first and the space
//! last. The network's input is bounded: a batch that is too wide is split, padded as the whole would be, and
//! a line too long is read in pieces ([`pieces`](super::pieces)).

use super::detect::normalized;
use super::dictionary;
use super::int8_recognizer::Int8Recognizer;
use super::line_text::LineText;
use super::pieces::{self, LinePiece};
use crate::fault::{Fault, Reason};
use crate::geometry::Quad;
use crate::onnx::{OnnxError, TensorModel};
use crate::raster::Pixels;

/// Height of the recognizer's and the classifier's input.
const HEIGHT: usize = 48;
/// Least width of the recognizer's input (`rec_img_shape` 3, 48, 320).
const MIN_WIDTH: usize = 320;
/// Width of the classifier's input (`cls_image_shape` 3, 48, 192).
const DIRECTION_WIDTH: usize = 192;
/// Confidence above which the classifier's result rotates a line (`cls_thresh`).
const DIRECTION_THRESH: f32 = 0.9;
/// Aspect ratio above which tall crops are rotated by a quarter turn (`get_rotate_crop_image`).
const UPRIGHT_RATIO: f32 = 1.5;

/// Limit of pixels in a line's crop; a larger one (letters thousands of pixels high) is downscaled.
const MOST_CROP: f32 = 8e6;

/// Width and height of a line's crop before rotation; `None` if nothing can be cut out.
fn crop_size(quad: &Quad) -> Option<(usize, usize)> {
    let (width, height) = (quad.width(), quad.height());
    let scale = (MOST_CROP / (width * height)).sqrt().min(1.0);
    let (width, height) = ((width * scale) as usize, (height * scale) as usize);
    (width > 0 && height > 0).then_some((width, height))
}

fn is_tall(width: usize, height: usize) -> bool {
    height as f32 / width.max(1) as f32 >= UPRIGHT_RATIO
}

/// Aspect ratio (width by height) of the crop that [`cut_line`] gives; `None` if its size gives none.
pub(super) fn crop_ratio(quad: &Quad) -> Option<f32> {
    let (width, height) = crop_size(quad)?;
    let (width, height) = if is_tall(width, height) {
        (height, width)
    } else {
        (width, height)
    };
    Some(width as f32 / height as f32)
}

/// Cuts a line out of the page and straightens it; a tall crop is rotated by a quarter turn
/// counter-clockwise.
pub(super) fn cut_line(page: &Pixels, quad: &Quad) -> Option<Pixels> {
    let (width, height) = crop_size(quad)?;
    let crop = page.warp_quad(quad, width, height)?;
    if is_tall(width, height) {
        Some(crop.rotate_quarters(3))
    } else {
        Some(crop)
    }
}

/// The recognizer and its alphabet.
pub(super) struct LineRecognizer {
    model: TensorModel,
    /// Whether the model chooses the classes itself: its outputs are `[lines, steps, 2]` (class and
    /// probability), else `[lines, steps, classes]`.
    chooses: bool,
    alphabet: Vec<String>,
    batch: usize,
    most_columns: usize,
}

impl LineRecognizer {
    /// Takes the alphabet from the model's metadata (key `character`, one entry per line).
    ///
    /// `batch`: lines padded to the same width; `most_columns`: most columns of one input.
    pub(super) fn new(
        model: TensorModel,
        batch: usize,
        most_columns: usize,
    ) -> Result<Self, Fault> {
        let characters = model
            .metadata("character")
            .ok_or_else(|| Fault::new(Reason::Model, "its metadata has no key `character`"))?;
        Ok(Self {
            model,
            chooses: false,
            alphabet: alphabet_of(&characters),
            batch: batch.max(1),
            most_columns,
        })
    }

    /// One whose alphabet, an entry for each class, does not come with the model file.
    pub(super) fn with_alphabet(
        model: TensorModel,
        alphabet: Vec<String>,
        batch: usize,
        most_columns: usize,
    ) -> Self {
        Self {
            model,
            chooses: false,
            alphabet,
            batch: batch.max(1),
            most_columns,
        }
    }

    /// Scripts of its characters, and how many it has of each.
    pub(super) fn scripts(&self) -> Vec<(&'static str, usize)> {
        let entries = self
            .alphabet
            .iter()
            .filter(|entry| !entry.trim().is_empty());
        dictionary::scripts(entries.map(String::as_str))
    }

    /// The same with weights of eight bits.
    pub(super) fn of_int8(int8: Int8Recognizer, batch: usize, most_columns: usize) -> Self {
        Self {
            model: int8.model,
            chooses: true,
            alphabet: alphabet_of(&int8.characters),
            batch: batch.max(1),
            most_columns,
        }
    }

    /// Number of lines in a batch.
    pub(super) fn batch(&self) -> usize {
        self.batch
    }

    /// Gives the memory of past runs back to the system.
    pub(super) fn release_memory(&mut self) -> Result<(), OnnxError> {
        self.model.release_memory(&[1, 3, HEIGHT, MIN_WIDTH])
    }

    /// Reads lines; results are in the order of `crops`.
    pub(super) fn read(&mut self, crops: &[Pixels]) -> Result<Vec<LineText>, OnnxError> {
        let mut answers = vec![LineText::default(); crops.len()];
        // A line with more columns than one input is read in pieces.
        let longest = self.most_columns as f32 / HEIGHT as f32;
        let ratio = |i: &usize| crops[*i].width as f32 / crops[*i].height.max(1) as f32;
        let (mut order, long): (Vec<usize>, Vec<usize>) = (0..crops.len())
            .filter(|i| crops[*i].height > 1)
            .partition(|i| ratio(i) <= longest);
        order.sort_by(|a, b| ratio(a).total_cmp(&ratio(b)).then(a.cmp(b)));
        for batch in order.chunks(self.batch) {
            let widest = batch
                .iter()
                .map(ratio)
                .fold(MIN_WIDTH as f32 / HEIGHT as f32, f32::max);
            let width = (HEIGHT as f32 * widest) as usize;
            for batch in batch.chunks((self.most_columns / width.max(1)).max(1)) {
                let texts =
                    self.read_padded(batch.iter().map(|i| &crops[*i]), batch.len(), width)?;
                batch
                    .iter()
                    .zip(texts)
                    .for_each(|(&i, text)| answers[i] = text);
            }
        }
        for i in long {
            answers[i] = self.read_long(&crops[i])?;
        }
        Ok(answers)
    }

    /// Reads lines of at most `width` columns, padded to that width.
    fn read_padded<'a>(
        &mut self,
        crops: impl Iterator<Item = &'a Pixels> + Clone,
        count: usize,
        width: usize,
    ) -> Result<Vec<LineText>, OnnxError> {
        let data = batch_input(crops.clone(), width);
        let (alphabet, chooses) = (&self.alphabet, self.chooses);
        let mut texts = self
            .model
            .run(&[count, 3, HEIGHT, width], data, |shape, output| {
                // A model that was given may answer with anything.
                let &[_, steps, classes] = shape else {
                    return Vec::new();
                };
                output
                    .chunks_exact((steps * classes).max(1))
                    .map(|line| match chooses {
                        true => ctc(
                            line.chunks_exact(2).map(|s| (s[0] as usize, s[1])),
                            alphabet,
                        ),
                        false => ctc(line.chunks_exact(classes.max(1)).map(argmax), alphabet),
                    })
                    .collect::<Vec<_>>()
            })?;
        for (crop, text) in crops.zip(&mut texts) {
            // Positions come as fractions of the padded width.
            let stretch = width as f32 / scaled_width(crop, width) as f32;
            text.positions
                .iter_mut()
                .for_each(|p| *p = (*p * stretch).min(1.0));
        }
        Ok(texts)
    }

    /// Reads a line in pieces, one by one; empty if it is too long to be a line.
    fn read_long(&mut self, crop: &Pixels) -> Result<LineText, OnnxError> {
        // Leaves room for rounding, so that no piece is wider than one input.
        let longest = crop.height * (self.most_columns - HEIGHT) / HEIGHT;
        if pieces::is_too_long(crop.width, longest) {
            return Ok(LineText {
                is_too_long: true,
                ..LineText::default()
            });
        }
        let mut texts: Vec<(LinePiece, LineText)> = Vec::new();
        for piece in pieces::pieces_of(crop, longest) {
            let part = crop.part(piece.start, 0, piece.end - piece.start, crop.height);
            let Some(part) = part.filter(|part| !part.is_plain()) else {
                continue;
            };
            let width = scaled_width(&part, self.most_columns).max(MIN_WIDTH);
            let text = self.read_padded(std::iter::once(&part), 1, width)?.pop();
            texts.extend(text.map(|text| (piece, text)));
        }
        Ok(pieces::joined(&texts, crop.width))
    }
}

/// The entries of all classes: the blank comes first, the space last; neither is in the list.
fn alphabet_of(characters: &str) -> Vec<String> {
    let mut alphabet = vec![String::new()];
    alphabet.extend(characters.lines().map(str::to_string));
    alphabet.push(" ".to_string());
    alphabet
}

/// Greedy CTC decoding of the likeliest class of each step and its probability: repeats are merged, blanks
/// (class 0) dropped.
fn ctc(choices: impl ExactSizeIterator<Item = (usize, f32)>, alphabet: &[String]) -> LineText {
    let (mut text, mut sum, mut count, mut last) = (String::new(), 0f64, 0u32, 0usize);
    let mut positions = Vec::new();
    let steps = choices.len() as f32;
    for (at, (best, probability)) in choices.enumerate() {
        if best != 0 && best != last {
            let entry = alphabet.get(best).map_or("", String::as_str);
            text.push_str(entry);
            positions.extend(entry.chars().map(|_| (at as f32 + 0.5) / steps));
            sum += probability as f64;
            count += 1;
        }
        last = best;
    }
    let confidence = if count == 0 {
        0.0
    } else {
        (sum / count as f64) as f32
    };
    LineText {
        text,
        confidence,
        positions,
        is_too_long: false,
    }
}

/// Index and value of the maximum; ties go to the first. Computed in lanes, which compilers vectorize.
fn argmax(values: &[f32]) -> (usize, f32) {
    let mut lanes = [f32::NEG_INFINITY; 16];
    let chunks = values.chunks_exact(16);
    let rest = chunks
        .remainder()
        .iter()
        .copied()
        .fold(f32::NEG_INFINITY, f32::max);
    for chunk in chunks {
        for (lane, value) in lanes.iter_mut().zip(chunk) {
            *lane = if *value > *lane { *value } else { *lane };
        }
    }
    let max = lanes.into_iter().fold(rest, f32::max);
    (values.iter().position(|v| *v == max).unwrap_or(0), max)
}

/// Says of every line whether the classifier takes it for upside down. It errs on single lines, long ones most.
pub(super) fn upside_down(
    model: &mut TensorModel,
    crops: &[Pixels],
    batch: usize,
) -> Result<Vec<bool>, OnnxError> {
    let mut turned = Vec::with_capacity(crops.len());
    for part in crops.chunks(batch.max(1)) {
        let data = batch_input(part.iter(), DIRECTION_WIDTH);
        let shape = [part.len(), 3, HEIGHT, DIRECTION_WIDTH];
        let flags = model.run(&shape, data, |_, output| {
            output
                .chunks_exact(2)
                .map(|p| p[1] > p[0] && p[1] > DIRECTION_THRESH)
                .collect::<Vec<_>>()
        })?;
        turned.extend(flags);
    }
    Ok(turned)
}

/// `[batch, 3, 48, width]`: each crop scaled to the height, at most `width` wide, zero-padded.
fn batch_input<'a>(crops: impl Iterator<Item = &'a Pixels>, width: usize) -> Vec<f32> {
    let mut data = Vec::new();
    for crop in crops {
        let scaled = scaled_width(crop, width);
        let values = normalized(&crop.resize_bilinear(scaled, HEIGHT));
        for row in values.chunks_exact(scaled) {
            data.extend_from_slice(row);
            data.resize(data.len() + width - scaled, 0.0);
        }
    }
    data
}

/// Width of a crop at the input's height, at most `width`.
fn scaled_width(crop: &Pixels, width: usize) -> usize {
    let ratio = crop.width as f32 / crop.height.max(1) as f32;
    ((HEIGHT as f32 * ratio).ceil() as usize).clamp(1, width)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn repeats_merge_unless_a_blank_stands_between() {
        let alphabet: Vec<String> = ["", "a", "b", " "].map(String::from).to_vec();
        let step = |class: usize| (0..4).map(move |i| if i == class { 0.8 } else { 0.1 });
        let output: Vec<f32> = [1, 1, 0, 1, 2, 3, 3, 2]
            .into_iter()
            .flat_map(step)
            .collect();
        let line = ctc(output.chunks_exact(4).map(argmax), &alphabet);
        assert_eq!(line.text, "aab b");
        assert!((line.confidence - 0.8).abs() < 1e-6);
        let blank = ctc([(0, 0.9)].into_iter(), &alphabet);
        assert_eq!(blank, LineText::default());
        assert_eq!(line.positions.len(), 5);
    }

    #[test]
    fn the_first_of_equal_classes_wins() {
        let mut values = vec![0.0; 40];
        (values[7], values[33]) = (0.5, 0.5);
        assert_eq!(argmax(&values), (7, 0.5));
        values[39] = 0.6;
        assert_eq!(argmax(&values), (39, 0.6));
    }

    #[test]
    fn batches_are_padded_on_the_right() {
        let crops = [Pixels::white(48, 48), Pixels::white(96, 48)];
        let data = batch_input(crops.iter(), 96);
        assert_eq!(data.len(), 2 * 3 * 48 * 96);
        assert_eq!(
            (data[0], data[47], data[48], data[95]),
            (1.0, 1.0, 0.0, 0.0)
        );
        assert!(data[3 * 48 * 96..].iter().all(|v| *v == 1.0));
    }
}
