//! The line recognizers of a run: the embedded one, and those that were given for other scripts.
//!
//! Every line is read by the embedded one. A line that it is not sure of is read by the others, one after the other until one
//! is; the surest reading is taken. The one that has won most lines of the page is asked first.

use super::int8_recognizer::{self, Int8Recognizer};
use super::line_text::LineText;
use super::memory::most_columns;
use super::options::LineOptions;
use super::read::LineRecognizer;
use super::reader_error::ReaderError;
use super::thresholds::recognizers::SURELY_READ;
use super::unread::sureness;
use super::{recognizer_folder, visual_order};
use crate::fault::Fault;
use crate::onnx::{OnnxError, Runtime, TensorModel};
use crate::raster::Pixels;
use crate::runtime::{self, RuntimeDirs};

/// The embedded recognizer as it was loaded.
pub(super) enum LoadedRecognizer {
    /// With weights of eight bits.
    Int8(Int8Recognizer),
    /// As the file has it.
    File(TensorModel),
}

/// Loads the embedded recognizer in the precision that the options ask for, as far as it goes.
pub(super) fn load_embedded(
    runtime: &Runtime,
    dirs: &RuntimeDirs,
    options: &LineOptions,
) -> Result<LoadedRecognizer, ReaderError> {
    let path = dirs.find(runtime::LINE_RECOGNIZER)?;
    Ok(
        match int8_recognizer::load(&path, runtime, options.precision)? {
            Some(int8) => LoadedRecognizer::Int8(int8),
            None => LoadedRecognizer::File(runtime.model(&path)?),
        },
    )
}

/// A recognizer that was given.
struct Given {
    recognizer: LineRecognizer,
    /// Lines of the page that it has won.
    won: usize,
}

/// The embedded recognizer, and those that were given.
pub(super) struct Recognizers {
    embedded: LineRecognizer,
    given: Vec<Given>,
}

impl Recognizers {
    /// The embedded one with those in the folders that were given.
    pub(super) fn load(
        embedded: LineRecognizer,
        runtime: &Runtime,
        dirs: &RuntimeDirs,
        options: &LineOptions,
    ) -> Result<Self, Fault> {
        let (batch, columns) = (options.rec_batch_num, most_columns(options.memory));
        let given = dirs.recognizers().iter().map(|folder| {
            let recognizer = recognizer_folder::load(folder, runtime, batch, columns);
            recognizer.map(|recognizer| Given { recognizer, won: 0 })
        });
        Ok(Self {
            embedded,
            given: given.collect::<Result<_, _>>()?,
        })
    }

    /// The embedded one.
    pub(super) fn embedded(&mut self) -> &mut LineRecognizer {
        &mut self.embedded
    }

    /// Forgets which recognizer has won lines: a new page begins.
    pub(super) fn begin_page(&mut self) {
        self.given.iter_mut().for_each(|given| given.won = 0);
    }

    /// Number of lines in a batch.
    pub(super) fn batch(&self) -> usize {
        self.embedded.batch()
    }

    /// Scripts of each recognizer, the embedded one first, with their numbers of characters.
    pub(super) fn scripts(&self) -> Vec<Vec<(&'static str, usize)>> {
        let given = self.given.iter().map(|given| given.recognizer.scripts());
        std::iter::once(self.embedded.scripts())
            .chain(given)
            .collect()
    }

    /// Gives the memory of past runs back to the system.
    pub(super) fn release_memory(&mut self) -> Result<(), OnnxError> {
        let given = &mut self.given;
        given
            .iter_mut()
            .try_for_each(|given| given.recognizer.release_memory())?;
        self.embedded.release_memory()
    }

    /// Reads lines; results are in the order of `crops`.
    pub(super) fn read(&mut self, crops: &[Pixels]) -> Result<Vec<LineText>, OnnxError> {
        let mut lines = self.embedded.read(crops)?;
        let mut order: Vec<usize> = (0..self.given.len()).collect();
        order.sort_by_key(|at| std::cmp::Reverse(self.given[*at].won));
        let mut winners: Vec<Option<usize>> = vec![None; crops.len()];
        for at in order {
            let sureness = |i: usize, line: &LineText| {
                sureness(crops[i].width as f32 / crops[i].height.max(1) as f32, line)
            };
            let is_open = |i: usize| !lines[i].is_too_long && sureness(i, &lines[i]) < SURELY_READ;
            let open: Vec<usize> = (0..lines.len()).filter(|i| is_open(*i)).collect();
            if open.is_empty() {
                break;
            }
            let doubted: Vec<Pixels> = open.iter().map(|i| crops[*i].clone()).collect();
            let readings = self.given[at].recognizer.read(&doubted)?;
            for (i, mut reading) in open.into_iter().zip(readings) {
                // What is no probability wins nothing.
                let is_surer = sureness(i, &reading) > sureness(i, &lines[i])
                    && reading.confidence <= MOST_CONFIDENCE;
                if is_surer {
                    visual_order::to_reading_order(&mut reading);
                    lines[i] = reading;
                    winners[i] = Some(at);
                }
            }
        }
        winners
            .into_iter()
            .flatten()
            .for_each(|at| self.given[at].won += 1);
        Ok(lines)
    }
}

/// A mean of probabilities, with the error of their rounding.
const MOST_CONFIDENCE: f32 = 1.001;
