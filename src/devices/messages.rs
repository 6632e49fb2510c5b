//! Messages between the main process and the process of a device, in the format of
//! [`protocol`](crate::input::worker::protocol): a length, then that many bytes of postcard. The pixels of a message's
//! pictures follow it, `width * height * 3` bytes for each, RGB, rows from the top.

use crate::document::{Generation, Label};
use crate::fault::Fault;
use crate::geometry::{Point, Rect};
use crate::input::decode::MAX_PICTURE_PIXELS;
use crate::input::worker::protocol::{read_message, write_message};
use crate::layout::Region;
use crate::layout::postprocess::LayoutOptions;
use crate::lines::{LineText, PageText, Tally};
use crate::plan::{PixelLimits, Task};
use crate::raster::Pixels;
use serde::{Deserialize, Serialize};
use std::io::{self, Read, Write};

/// Most bytes of a message without its pictures: the text of a page has a hundredth of that.
pub(super) const MOST_BYTES: usize = 64 << 20;
/// Most pictures of a message. A page has fewer lines.
const MOST_PICTURES: usize = 1 << 16;

/// To the process of a device, after the order that tells what to load.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum ToDevice {
    /// Do this; the pictures follow.
    Work {
        /// Number of the request.
        id: u64,
        /// What to do.
        work: Work,
        /// Width and height of each picture.
        pictures: Vec<(usize, usize)>,
    },
    /// Nobody waits for this request any more.
    Cancel {
        /// Number of the request.
        id: u64,
    },
}

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Work {
    /// Load the line networks, to know whether they can be used.
    LoadLines,
    /// The lines of a page.
    Lines,
    /// The texts of lines that were cut out.
    Crops,
    /// The angle of a page.
    Orientation,
    /// A page unwarped.
    Unwarping,
    /// The regions of pages.
    Regions {
        /// Options of detection.
        options: Box<LayoutOptions>,
        /// Width and height of each page.
        sizes: Vec<(usize, usize)>,
    },
    /// The content of a block.
    Block(Box<BlockWork>),
}

/// A block for the recognizer; its crop is the message's picture.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct BlockWork {
    /// The task.
    pub task: Task,
    /// Limits of the crop's pixels after resizing.
    pub limits: PixelLimits,
    /// Most tokens of the answer.
    pub max_new_tokens: u64,
    /// Sampling temperature.
    pub temperature: Option<f64>,
    /// Nucleus sampling: probability mass.
    pub top_p: Option<f64>,
    /// Penalty on repeated tokens.
    pub repetition_penalty: Option<f64>,
    /// `true` if special tokens are left out of the answer.
    pub skip_special_tokens: bool,
    /// Its seed of random choices.
    pub seed: u64,
    /// Its text in the page's own text, for drafts.
    pub draft: String,
}

/// From the process of a device.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum FromDevice {
    /// The networks are loaded.
    Loaded(Abilities),
    /// The result of a request.
    Done {
        /// Number of the request.
        id: u64,
        /// The result.
        result: Result<Output, Fault>,
        /// Width and height of the picture that follows, if one does.
        picture: Option<(usize, usize)>,
    },
    /// The recognizer has taken a step since it last said so.
    GoesOn,
    /// The process ends for this reason. Before [`FromDevice::Loaded`] the reason why nothing can be loaded.
    Ending(Fault),
}

/// What the process of a device can do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Abilities {
    /// Most pages of a batch for layout detection; 0 without a network for it.
    pub layout_batch: usize,
    /// Most blocks that it should have at once.
    pub blocks: usize,
}

/// Result of a [`Work`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) enum Output {
    /// The line networks are loaded.
    LinesLoaded,
    /// Of [`Work::Lines`]; the straightened picture follows, if it was changed.
    Lines(FoundLines),
    /// Of [`Work::Crops`], one for each picture.
    Crops(Vec<LineText>),
    /// Of [`Work::Orientation`]: degrees counter-clockwise.
    Degrees(u32),
    /// Of [`Work::Unwarping`]; the picture follows.
    Unwarped,
    /// Of [`Work::Regions`], for each page.
    Regions(Vec<Vec<FoundRegion>>),
    /// Of [`Work::Block`].
    Block {
        /// The raw answer.
        content: String,
        /// How it came about.
        generation: Option<Generation>,
    },
}

/// The lines of a page.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct FoundLines {
    /// The lines.
    pub text: PageText,
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
    pub tally: Tally,
}

/// A region as a layout network finds it: what other detectors know about a region is not in it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct FoundRegion {
    label: Label,
    bbox: Rect,
    score: f32,
    polygon: Option<Vec<Point>>,
    order: Option<usize>,
}

impl From<Region> for FoundRegion {
    fn from(region: Region) -> FoundRegion {
        FoundRegion {
            label: region.label,
            bbox: region.bbox,
            score: region.score,
            polygon: region.polygon,
            order: region.order,
        }
    }
}

impl From<FoundRegion> for Region {
    fn from(found: FoundRegion) -> Region {
        Region {
            polygon: found.polygon,
            order: found.order,
            ..Region::new(found.label, found.bbox, found.score)
        }
    }
}

fn invalid(what: String) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, what)
}

/// Writes a message with its pictures.
pub(super) fn send<'a>(
    out: &mut impl Write,
    message: &impl Serialize,
    pictures: impl IntoIterator<Item = &'a Pixels>,
) -> io::Result<()> {
    write_message(out, message)?;
    for picture in pictures {
        out.write_all(&picture.data)?;
    }
    out.flush()
}

/// Reads the next message to a device, with its pictures. Fails at the end of the stream and on invalid data.
pub(super) fn next_order(input: &mut impl Read) -> io::Result<(ToDevice, Vec<Pixels>)> {
    let message: ToDevice = read_message(input, MOST_BYTES)?;
    let mut pictures = Vec::new();
    if let ToDevice::Work {
        pictures: sizes, ..
    } = &message
    {
        if sizes.len() > MOST_PICTURES {
            return Err(invalid(format!("a message with {} pictures", sizes.len())));
        }
        for size in sizes {
            pictures.push(read_picture(input, *size, MAX_PICTURE_PIXELS)?);
        }
    }
    Ok((message, pictures))
}

/// Reads a picture of at most `most` pixels.
pub(super) fn read_picture(
    input: &mut impl Read,
    (width, height): (usize, usize),
    most: u64,
) -> io::Result<Pixels> {
    if (width as u64).saturating_mul(height as u64) > most {
        return Err(invalid(format!(
            "a picture of {width}x{height} pixels, where {most} are allowed"
        )));
    }
    let mut data = vec![0; width * height * 3];
    input.read_exact(&mut data)?;
    Ok(Pixels {
        width,
        height,
        data,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn order(pictures: &[(usize, usize)]) -> ToDevice {
        ToDevice::Work {
            id: 7,
            work: Work::Crops,
            pictures: pictures.to_vec(),
        }
    }

    #[test]
    fn a_message_comes_with_its_pictures() {
        let picture = |value, width| Pixels {
            width,
            height: 2,
            data: vec![value; width * 6],
        };
        let (first, second) = (picture(3, 4), picture(9, 1));
        let mut bytes = Vec::new();
        send(&mut bytes, &order(&[(4, 2), (1, 2)]), [&first, &second]).unwrap();
        let (message, pictures) = next_order(&mut bytes.as_slice()).unwrap();
        assert!(matches!(message, ToDevice::Work { id: 7, .. }));
        assert!(pictures == [first, second]);
        bytes.pop();
        assert!(next_order(&mut bytes.as_slice()).is_err());
    }

    #[test]
    fn sizes_are_looked_at_before_memory_is_taken() {
        for pictures in [
            vec![(usize::MAX, 2)],
            vec![(1 << 20, 1 << 20)],
            vec![(0, 0); MOST_PICTURES + 1],
        ] {
            let mut bytes = Vec::new();
            send(&mut bytes, &order(&pictures), []).unwrap();
            let error = next_order(&mut bytes.as_slice()).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidData);
        }
        assert!(read_picture(&mut [0; 12].as_slice(), (2, 2), 3).is_err());
        assert!(read_picture(&mut [0; 12].as_slice(), (2, 2), 4).is_ok());
    }
}
