//! Reads the lines of a page picture: detection, page orientation, skew, direction, recognition.

use super::detect::{Detected, detect_lines};
use super::grain;
use super::line_text::LineText;
use super::memory::{most_columns, most_pixels};
use super::options::LineOptions;
use super::page_orientation;
use super::page_text::{
    Direction, PageText, Segment, SegmentStyle, Shift, Word, is_cjk, is_right_to_left,
};
use super::read::{LineRecognizer, crop_ratio, cut_line, upside_down};
use super::reader_error::ReaderError;
use super::recognizers::{LoadedRecognizer, Recognizers, load_embedded};
use super::skew::{are_tall, longest, rotate_point, skew};
use super::straighten::{Bend, Straightening};
use super::thresholds::skew::*;
use super::tiles;
use super::unread::{self, Tally};
use crate::document::{SpanStyle, TextSource};
use crate::fault::Fault;
use crate::geometry::{Point, Quad, Rect};
use crate::onnx::{OnnxError, Runtime, TensorModel};
use crate::preprocess::pp_lcnet::{self, OrientationClassifier};
use crate::raster::Pixels;
use crate::runtime::{self, RuntimeDirs};
use std::path::PathBuf;

/// The lines of a page, upright and straight.
pub struct ReadPage {
    /// The lines.
    pub text: PageText,
    /// The straightened picture, if it had to be changed.
    pub picture: Option<Pixels>,
    /// Clockwise quarter turns that were undone.
    pub rotation_quarters: u32,
    /// Skew that was undone, in degrees clockwise.
    pub skew_degrees: f32,
    /// `true` if bent lines were made level.
    pub is_unwarped: bool,
    /// Boxes of lines that were too long to be read.
    pub too_long: Vec<Rect>,
    /// Boxes of lines that were detected and of which nothing was read.
    pub unread: Vec<Rect>,
    /// How the lines were read.
    pub(crate) tally: Tally,
}

/// The three networks, loaded.
pub struct LineReader {
    detector: TensorModel,
    direction: Option<TensorModel>,
    recognizer: Recognizers,
    /// Sees which way up a page is; `None` if that is not wanted, or its file is not there.
    page_orientation: Option<OrientationClassifier>,
    options: LineOptions,
}

/// A page with its lines across, and what is detected there.
struct Turned {
    /// Its picture, if it had to be turned.
    picture: Option<Pixels>,
    found: Detected,
    /// Clockwise quarter turns that were undone, 0 to 3.
    quarters: u32,
    /// Text ran from top to bottom on the page as it was seen upright, so that letters may lie on their side now.
    letters_lie: bool,
}

/// A model that was loaded; on a GPU it is run once, on zeros of a shape that it takes. One that fails there runs on the
/// CPU, unless the GPU was asked for by name.
fn tried(
    loaded: Result<TensorModel, ReaderError>,
    runtime: &Runtime,
    path: impl FnOnce() -> Result<PathBuf, runtime::RuntimeError>,
    shape: [usize; 4],
) -> Result<TensorModel, ReaderError> {
    if !runtime.uses_gpu() {
        return loaded;
    }
    let tried = loaded.and_then(|mut model| {
        model.run(&shape, vec![0.0; shape.iter().product()], |_, _| ())?;
        Ok(model)
    });
    match tried {
        Err(ReaderError::Onnx(error)) if !runtime.must_use_gpu() => {
            let path = path()?;
            let file = path.display();
            tracing::warn!("`{file}` cannot run on the GPU, running it on the CPU: {error}");
            Ok(runtime.on_cpu().model(&path)?)
        }
        tried => tried,
    }
}

/// The line networks, in this process or in another one.
pub(crate) trait LineNetworks: Send {
    /// Reads a page; results are in the pixels of the straightened page.
    fn read(&mut self, page: &Pixels) -> Result<ReadPage, Fault>;

    /// Reads lines that were cut out of a page, upright.
    fn read_crops(&mut self, crops: Vec<Pixels>) -> Result<Vec<LineText>, Fault>;

    /// Gives the memory that past pages took back to the system; the next page takes it anew.
    fn release_memory(&mut self) -> Result<(), Fault>;
}

impl LineNetworks for LineReader {
    fn read(&mut self, page: &Pixels) -> Result<ReadPage, Fault> {
        Ok(LineReader::read(self, page)?)
    }

    fn read_crops(&mut self, crops: Vec<Pixels>) -> Result<Vec<LineText>, Fault> {
        Ok(self.recognizer.read(&crops)?)
    }

    fn release_memory(&mut self) -> Result<(), Fault> {
        self.detector
            .release_memory(&[1, 3, tiles::LEAST_INPUT, tiles::LEAST_INPUT])?;
        // The direction classifier takes hardly any.
        Ok(self.recognizer.release_memory()?)
    }
}

/// Reads the lines at these places of a page; one without area is empty. Nothing is detected.
pub(super) fn read_at(
    networks: &mut dyn LineNetworks,
    page: &Pixels,
    quads: &[Quad],
) -> Result<Vec<LineText>, Fault> {
    let mut lines = vec![LineText::default(); quads.len()];
    let cut = quads.iter().map(|quad| cut_line(page, quad)).enumerate();
    let (places, crops): (Vec<usize>, Vec<Pixels>) =
        cut.filter_map(|(at, crop)| Some((at, crop?))).unzip();
    for (at, line) in places.into_iter().zip(networks.read_crops(crops)?) {
        lines[at] = line;
    }
    Ok(lines)
}

impl LineReader {
    /// Loads the networks from the runtime folders.
    pub fn load(
        runtime: &Runtime,
        dirs: &RuntimeDirs,
        options: LineOptions,
    ) -> Result<Self, ReaderError> {
        let load =
            |file| -> Result<TensorModel, ReaderError> { Ok(runtime.model(&dirs.find(file)?)?) };
        // Side by side: their graphs are optimized on one thread each, and the first page waits for it.
        let wants_orientation = options.use_page_orientation;
        let ((detector, page_orientation), (recognizer, direction)) = rayon::join(
            || {
                let orientation = || page_orientation::load(runtime, dirs);
                (
                    load(runtime::LINE_DETECTOR),
                    wants_orientation.then(orientation).flatten(),
                )
            },
            || {
                let wants_direction = options.use_textline_orientation;
                let direction = || load(runtime::LINE_DIRECTION);
                (
                    load_embedded(runtime, dirs, &options),
                    wants_direction.then(direction),
                )
            },
        );
        let tried =
            |loaded, file, height| tried(loaded, runtime, || dirs.find(file), [1, 3, height, 192]);
        let detector = tried(detector, runtime::LINE_DETECTOR, 64)?;
        let (batch, columns) = (options.rec_batch_num, most_columns(options.memory));
        let of_file = |loaded| {
            let model = tried(loaded, runtime::LINE_RECOGNIZER, 48)?;
            LineRecognizer::new(model, batch, columns).map_err(ReaderError::Recognizer)
        };
        let recognizer = match recognizer {
            Ok(LoadedRecognizer::Int8(int8)) => LineRecognizer::of_int8(int8, batch, columns),
            Ok(LoadedRecognizer::File(model)) => of_file(Ok(model))?,
            Err(error) => of_file(Err(error))?,
        };
        let recognizer = Recognizers::load(recognizer, runtime, dirs, &options)
            .map_err(ReaderError::Recognizer)?;
        let direction = direction
            .map(|loaded| tried(loaded, runtime::LINE_DIRECTION, 48))
            .transpose()?;
        Ok(Self {
            detector,
            direction,
            recognizer,
            page_orientation,
            options,
        })
    }

    /// Reads a page; results are in the pixels of the straightened page.
    pub fn read(&mut self, page: &Pixels) -> Result<ReadPage, OnnxError> {
        self.recognizer.begin_page();
        let turned = self.upright(page)?;
        let upright = turned.picture.as_ref().unwrap_or(page);
        let (straight, found) = self.straightened(upright, turned.found)?;
        let unbent = straight.as_ref().map(|(_, unbent)| *unbent);
        let mut picture = straight.map(|(picture, _)| picture).or(turned.picture);
        let quads: Vec<Quad> = found.lines.into_iter().map(|(quad, _)| quad).collect();
        let upright = picture.as_ref().unwrap_or(page);
        let lines = self.recognize(upright, &quads, turned.letters_lie)?;
        let skew = if unbent.is_some() { 0.0 } else { skew(&quads) };
        let (width, height) = (upright.width as f32, upright.height as f32);
        let too_long = lines
            .iter()
            .filter(|(_, line)| line.is_too_long)
            .map(|(quad, _)| quad.bounds())
            .collect();
        let straighten = |p: Point| rotate_point(p, -skew, width / 2.0, height / 2.0);
        let (mut segments, mut unread, mut tally) = (Vec::new(), Vec::new(), Tally::default());
        for (quad, line) in lines {
            let ratio = crop_ratio(&quad).unwrap_or(0.0);
            let is_dropped = unread::sureness(ratio, &line) < self.options.drop_score
                || line.text.trim().is_empty();
            tally.add(ratio, &line, is_dropped);
            let quad = Quad(quad.0.map(straighten));
            match is_dropped {
                false => segments.push(segment(&quad, &line)),
                true if unread::is_line(ratio, &line) => unread.push(quad.bounds()),
                true => {}
            }
        }
        if skew != 0.0 {
            picture = Some(upright.rotate_small(skew));
        }
        let text = PageText {
            source: TextSource::Lines,
            segments,
        };
        Ok(ReadPage {
            text,
            picture,
            rotation_quarters: turned.quarters,
            skew_degrees: unbent.unwrap_or(skew).to_degrees(),
            is_unwarped: unbent.is_some(),
            too_long,
            unread,
            tally,
        })
    }

    /// Scripts that each recognizer has characters of, and how many; the embedded one comes first.
    pub fn scripts(&self) -> Vec<Vec<(&'static str, usize)>> {
        self.recognizer.scripts()
    }

    fn detect(&mut self, page: &Pixels) -> Result<Detected, OnnxError> {
        let most = most_pixels(self.options.memory);
        detect_lines(&mut self.detector, page, &self.options.detect, most)
    }

    /// An upright page whose lines are curved or run in several directions: its picture with straight lines, what is
    /// detected there, and the skew that was undone with it. Any other page: none, and what was detected on it.
    fn straightened(
        &mut self,
        page: &Pixels,
        found: Detected,
    ) -> Result<(Option<(Pixels, f32)>, Detected), OnnxError> {
        let (width, height) = (page.width as f32, page.height as f32);
        let Some(bent) = Straightening::of(&found.midlines, width, height) else {
            return Ok((None, found));
        };
        let picture = bent.applied(page);
        let straight = self.detect(&picture)?;
        if !Bend::of(&straight.midlines).is_less_than(&Bend::of(&found.midlines)) {
            return Ok((None, found));
        }
        Ok((Some((picture, bent.skew)), straight))
    }

    /// The page turned as its lines need it.
    ///
    /// A network that sees the whole page turns it, if it is sure, before lines are detected, which is most of the work. The
    /// lines then have the last word, unless they run across a page that was seen to be upright: a picture
    /// without text has no such side, and pages with text from top to bottom are turned to be read.
    fn upright(&mut self, page: &Pixels) -> Result<Turned, OnnxError> {
        let seen = self.seen_orientation(page);
        let first = seen.unwrap_or(0);
        let turned = |quarters: u32| (quarters != 0).then(|| page.rotate_quarters(4 - quarters));
        let picture = turned(first);
        let upright = picture.as_ref().unwrap_or(page);
        let found = self.detect(upright)?;
        let as_seen = |picture, found| Turned {
            picture,
            found,
            quarters: first,
            letters_lie: false,
        };
        if seen == Some(0) && !are_tall(&longest(&found.lines)) {
            return Ok(as_seen(picture, found));
        }
        match self.orientation(upright, &found.lines)? {
            0 => Ok(as_seen(picture, found)),
            more => {
                let quarters = (first + more) % 4;
                let picture = turned(quarters);
                let found = self.detect(picture.as_ref().unwrap_or(page))?;
                Ok(Turned {
                    picture,
                    found,
                    quarters,
                    letters_lie: more % 2 == 1,
                })
            }
        }
    }

    /// Clockwise quarter turns of the page as a network sees them, 0 to 3; `None` if there is none, or it is not sure.
    fn seen_orientation(&mut self, page: &Pixels) -> Option<u32> {
        let network = self.page_orientation.as_mut()?;
        let scores = match network.run(pp_lcnet::pixel_values(page), &[]) {
            Ok((scores, _)) => scores,
            // The lines tell as well.
            Err(error) => {
                tracing::warn!("a page is turned by its lines alone: {error}");
                return None;
            }
        };
        let best = (0..scores.len().min(4)).max_by(|a, b| scores[*a].total_cmp(&scores[*b]));
        best.filter(|best| scores[*best] >= SURELY_SEEN)
            .map(|best| best as u32)
    }

    /// Clockwise quarter turns of the page by its lines: 0 to 3.
    ///
    /// The shape of the longest lines shows if text runs across or along the page; reading some of them in
    /// both directions decides which end is up. The direction classifier is only a hint, because it errs on
    /// single lines.
    fn orientation(&mut self, page: &Pixels, lines: &[(Quad, f32)]) -> Result<u32, OnnxError> {
        let longest = longest(lines);
        let tall = are_tall(&longest);
        let mut crops: Vec<Pixels> = longest.iter().filter_map(|q| cut_line(page, q)).collect();
        if crops.is_empty() {
            return Ok(0);
        }
        if !tall {
            let Some(direction) = &mut self.direction else {
                return Ok(0);
            };
            let turned = upside_down(direction, &crops, self.options.rec_batch_num)?;
            let suspects = turned.iter().filter(|t| **t).count();
            if (suspects as f32) < SUSPECT_SHARE * crops.len() as f32 {
                return Ok(0);
            }
        }
        let as_cut = self.mean_confidence(&crops)?;
        crops
            .iter_mut()
            .for_each(|crop| *crop = crop.rotate_quarters(2));
        let on_head = self.mean_confidence(&crops)?;
        // A tall crop was rotated counter-clockwise, which undoes one quarter turn clockwise.
        Ok(match (tall, as_cut >= on_head) {
            (false, true) => 0,
            (false, false) => 2,
            (true, true) => 1,
            (true, false) => 3,
        })
    }

    fn mean_confidence(&mut self, crops: &[Pixels]) -> Result<f32, OnnxError> {
        let lines = self.recognizer.read(crops)?;
        Ok(lines.iter().map(|line| line.confidence).sum::<f32>() / lines.len().max(1) as f32)
    }

    /// Recognizes the lines at `quads`, whose letters lie on their side if `letters_lie`. Crops are made batch by batch: all at once they would take as much
    /// memory as the page.
    fn recognize(
        &mut self,
        page: &Pixels,
        quads: &[Quad],
        letters_lie: bool,
    ) -> Result<Vec<(Quad, LineText)>, OnnxError> {
        let mut order: Vec<(usize, f32)> = quads
            .iter()
            .enumerate()
            .filter_map(|(i, quad)| Some((i, crop_ratio(quad)?)))
            .collect();
        // The recognizer's own order, so that each batch holds the same lines as if it got all of them.
        order.sort_by(|a, b| a.1.total_cmp(&b.1).then(a.0.cmp(&b.0)));
        let mut lines: Vec<(usize, LineText)> = Vec::with_capacity(order.len());
        let mut waiting = order.into_iter();
        loop {
            let cut = waiting
                .by_ref()
                .filter_map(|(i, _)| Some((i, cut_line(page, &quads[i])?)));
            let (batch, crops): (Vec<usize>, Vec<Pixels>) =
                cut.take(self.recognizer.batch()).unzip();
            if batch.is_empty() {
                break;
            }
            let mut read = self.surest(&crops)?;
            // Tall lines are cut with their letters on their side.
            let is_tall = |i: &usize| quads[*i].height() > quads[*i].width() * TALL;
            let lie: Vec<bool> = batch.iter().map(|i| is_tall(i) != letters_lie).collect();
            grain::completed(self.recognizer.embedded(), &crops, &lie, &mut read)?;
            lines.extend(batch.into_iter().zip(read));
        }
        lines.sort_by_key(|(i, _)| *i);
        Ok(lines
            .into_iter()
            .map(|(i, line)| (quads[i], line))
            .collect())
    }

    /// Reads lines of an upright page: as they stand, and those that seem to be upside down the other way round, too, if
    /// that is the surer reading. Most of these are errors of the classifier.
    fn surest(&mut self, crops: &[Pixels]) -> Result<Vec<LineText>, OnnxError> {
        let mut lines = self.recognizer.read(crops)?;
        let Some(direction) = &mut self.direction else {
            return Ok(lines);
        };
        let turned = upside_down(direction, crops, self.options.rec_batch_num)?;
        let doubted: Vec<usize> = (0..crops.len())
            .filter(|i| turned[*i] && lines[*i].confidence < SURELY_UPRIGHT)
            .collect();
        let other = |i: &usize| crops[*i].rotate_quarters(2);
        let others: Vec<Pixels> = doubted.iter().map(other).collect();
        for (i, line) in doubted.into_iter().zip(self.recognizer.read(&others)?) {
            if line.confidence > lines[i].confidence {
                lines[i] = line;
            }
        }
        Ok(lines)
    }
}

/// A recognized line as a segment; its words get boxes from the recognizer's character positions.
fn segment(quad: &Quad, line: &LineText) -> Segment {
    let bbox = quad.bounds();
    let tall = bbox.height() > TALL * bbox.width() && line.text.chars().count() > 1;
    let em = if tall { bbox.width() } else { bbox.height() } / BOX_HEIGHT_PER_EM;
    let words = if tall {
        let word = |(i, text): (usize, &str)| Word {
            bbox,
            text: text.to_string(),
            space_before: i > 0,
            shift: Shift::None,
            mcid: -1,
            style: SpanStyle::default(),
        };
        line.text.split_whitespace().enumerate().map(word).collect()
    } else {
        words(&bbox, line)
    };
    let count = |f: fn(char) -> bool| line.text.chars().filter(|c| f(*c)).count();
    let hyphenated = ends_with_line_hyphen(&line.text);
    let mut segment = Segment {
        bbox,
        words,
        style: SegmentStyle {
            font_size: em,
            ..SegmentStyle::default()
        },
        direction: match tall {
            true if count(is_cjk) * 2 > line.text.chars().count() => Direction::Vertical,
            true => Direction::Turned,
            false => Direction::Horizontal,
        },
        right_to_left: count(is_right_to_left) * 2 > count(char::is_alphabetic),
        hyphenated,
        has_space_after: false,
        confidence: Some(line.confidence),
        mcid: -1,
        order: None,
    };
    if let Some(last) = segment.words.last_mut().filter(|_| hyphenated) {
        last.text.pop();
    }
    segment
}

/// `true` if a line ends within a word: a letter and a hyphen.
fn ends_with_line_hyphen(text: &str) -> bool {
    let mut back = text.chars().rev();
    matches!(back.next(), Some('-' | '\u{2010}')) && back.next().is_some_and(char::is_lowercase)
}

fn words(bbox: &Rect, line: &LineText) -> Vec<Word> {
    let chars: Vec<char> = line.text.chars().collect();
    let half = 0.5 / chars.len().max(1) as f32;
    let at = |i: usize| {
        line.positions
            .get(i)
            .copied()
            .unwrap_or(i as f32 / chars.len().max(1) as f32)
    };
    let mut words = Vec::new();
    let mut start = 0;
    while start < chars.len() {
        if chars[start].is_whitespace() {
            start += 1;
            continue;
        }
        let end = (start..chars.len())
            .find(|&i| chars[i].is_whitespace())
            .unwrap_or(chars.len());
        // From right to left the first character stands last.
        let (first, last) = (at(start), at(end - 1));
        let left = (first.min(last) - half).clamp(0.0, 1.0);
        let right = (first.max(last) + half).clamp(left, 1.0);
        words.push(Word {
            bbox: Rect {
                x1: bbox.x1 + left * bbox.width(),
                x2: bbox.x1 + right * bbox.width(),
                y1: bbox.y1,
                y2: bbox.y2,
            },
            text: chars[start..end].iter().collect(),
            space_before: !words.is_empty(),
            shift: Shift::None,
            mcid: -1,
            style: SpanStyle::default(),
        });
        start = end;
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    fn level() -> Quad {
        let p = |x: f32, y: f32| Point { x, y };
        Quad([p(0.0, 0.0), p(200.0, 0.0), p(200.0, 20.0), p(0.0, 20.0)])
    }

    #[test]
    fn words_lie_where_their_characters_were_seen() {
        let positions = vec![0.1, 0.3, 0.5, 0.9];
        let line = LineText {
            text: "ab c".into(),
            confidence: 1.0,
            positions,
            is_too_long: false,
        };
        let segment = segment(&level(), &line);
        let boxes: Vec<_> = segment
            .words
            .iter()
            .map(|w| (w.bbox.x1, w.bbox.x2))
            .collect();
        assert_eq!(boxes, [(0.0, 85.0), (155.0, 200.0)]);
        assert_eq!(segment.text(), "ab c");
    }

    #[test]
    fn a_word_cut_at_the_line_end_loses_its_hyphen() {
        let line = LineText {
            text: "the recog-".into(),
            confidence: 1.0,
            ..LineText::default()
        };
        let segment = segment(&level(), &line);
        assert_eq!(
            (segment.text().as_str(), segment.hyphenated),
            ("the recog", true)
        );
        assert!(!ends_with_line_hyphen("A-") && !ends_with_line_hyphen("-"));
    }
}
