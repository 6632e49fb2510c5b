//! Frames of animated GIF, PNG and WebP files, as a viewer shows them.
//!
//! A frame of an animation changes a part of the one before, so that frames can only be decoded in order. They are
//! decoded twice: once to count them, since the numbers in the files need not be true, and once for their pixels.

use super::pixels::to_pixels;
use super::{
    DecodeError, DecodeOptions, Decoded, FileKind, check_memory, check_size, damaged,
    decode_picture, profile,
};
use image::codecs::gif::GifDecoder;
use image::codecs::png::PngDecoder;
use image::codecs::webp::WebPDecoder;
use image::metadata::Orientation;
use image::{
    AnimationDecoder, DynamicImage, Frames, ImageDecoder, ImageError, ImageResult, Limits,
};
use std::fs::File;
use std::io::BufReader;
use std::path::{Path, PathBuf};

/// Most frames that are read: twenty minutes of eight frames a second. A few bytes make a frame.
const MOST_FRAMES: usize = 10_000;
/// Bytes that a pixel takes at most: four for the frame, two frames that decoders keep, and a turned copy; three for
/// what is returned.
const BYTES_PER_PIXEL: u64 = 19;

/// An animation whose frames are decoded one at a time.
pub(crate) struct Animation {
    path: PathBuf,
    kind: FileKind,
    options: DecodeOptions,
    /// The frames from `next` on.
    playing: Option<Playing>,
}

/// A pass over the frames.
struct Playing {
    frames: Frames<'static>,
    /// Index of the frame that comes next.
    next: usize,
    orientation: Orientation,
    profile: Option<Vec<u8>>,
}

impl Animation {
    /// The file as an animation; `None` if it holds a single picture or is of a kind without animations. Fails if the
    /// header is damaged, or if its frames take more memory than there is.
    pub(crate) fn open(
        path: &Path,
        kind: FileKind,
        options: DecodeOptions,
    ) -> Result<Option<Animation>, DecodeError> {
        let mut animation = Animation {
            path: path.to_path_buf(),
            kind,
            options,
            playing: None,
        };
        animation.playing = animation.play()?;
        Ok(animation.playing.is_some().then_some(animation))
    }

    /// Width and height of all frames. If one cannot be decoded, or there are more than [`MOST_FRAMES`], the last
    /// entry has size zero, and [`Animation::frame`] tells why.
    pub(crate) fn sizes(&mut self) -> Vec<(u32, u32)> {
        let mut sizes = Vec::new();
        let Some(playing) = self.playing.take() else {
            return sizes;
        };
        for frame in playing.frames {
            match frame {
                Ok(frame) if sizes.len() < MOST_FRAMES => sizes.push(frame.buffer().dimensions()),
                _ => {
                    sizes.push((0, 0));
                    break;
                }
            }
        }
        sizes
    }

    /// Decodes a frame; the first one also if it is cut off. In order, each frame is decoded once.
    pub(crate) fn frame(&mut self, index: usize) -> Result<Decoded, DecodeError> {
        if index >= MOST_FRAMES {
            return Err(DecodeError::Unread {
                format: self.kind.name(),
                reason: format!("it has more than {MOST_FRAMES} frames"),
                advice: "cut it into several files",
            });
        }
        match self.played(index) {
            // As where only the first frame is asked for, the rows that are there count.
            Err(_) if index == 0 => decode_picture(&self.path, self.kind, self.options),
            other => other,
        }
    }

    fn played(&mut self, index: usize) -> Result<Decoded, DecodeError> {
        let (kind, memory) = (self.kind, self.options.memory);
        let mut playing = match self.playing.take() {
            Some(playing) if playing.next <= index => playing,
            _ => self.play()?.ok_or_else(|| ended(kind))?,
        };
        let frame = playing.frames.nth(index - playing.next);
        let frame = frame.ok_or_else(|| ended(kind))?;
        let frame = frame.map_err(|error| damaged(kind, error, memory))?;
        playing.next = index + 1;
        let mut picture = DynamicImage::ImageRgba8(frame.into_buffer());
        picture.apply_orientation(playing.orientation);
        let mut pixels = to_pixels(picture, !self.options.as_reference);
        if let Some(profile) = &playing.profile {
            profile::to_srgb(&mut pixels, profile);
        }
        self.playing = Some(playing);
        Ok(Decoded::whole(pixels))
    }

    /// Starts with the first frame; `None` if the file is no animation.
    fn play(&self) -> Result<Option<Playing>, DecodeError> {
        let memory = self.options.memory;
        let failed = |error| damaged(self.kind, error, memory);
        let file = BufReader::new(File::open(&self.path)?);
        match self.kind {
            FileKind::Gif => {
                let decoder = GifDecoder::new(file).map_err(failed)?;
                self.playing(decoder, |decoder| Ok(decoder.into_frames()))
                    .map(Some)
            }
            FileKind::Png => {
                let decoder = PngDecoder::new(file).map_err(failed)?;
                if !decoder.is_apng().map_err(failed)? {
                    return Ok(None);
                }
                let frames = |decoder: PngDecoder<_>| Ok(decoder.apng()?.into_frames());
                self.playing(decoder, frames).map(Some)
            }
            FileKind::WebP => {
                let decoder = WebPDecoder::new(file).map_err(failed)?;
                if !decoder.has_animation() {
                    return Ok(None);
                }
                self.playing(decoder, |decoder| Ok(decoder.into_frames()))
                    .map(Some)
            }
            _ => Ok(None),
        }
    }

    /// What the header says, and the frames, which `frames` makes of the decoder.
    fn playing<D: ImageDecoder>(
        &self,
        mut decoder: D,
        frames: impl FnOnce(D) -> ImageResult<Frames<'static>>,
    ) -> Result<Playing, DecodeError> {
        let memory = self.options.memory;
        let failed = |error: ImageError| damaged(self.kind, error, memory);
        let (width, height) = (decoder.dimensions().0.into(), decoder.dimensions().1.into());
        check_size(width, height)?;
        check_memory(width * height * BYTES_PER_PIXEL, memory)?;
        let mut limits = Limits::no_limits();
        limits.max_alloc = Some(memory);
        decoder.set_limits(limits).map_err(failed)?;
        // As for a single picture.
        let orientation = match self.kind {
            FileKind::WebP => Orientation::NoTransforms,
            _ => decoder.orientation().unwrap_or(Orientation::NoTransforms),
        };
        let profile = match self.options.as_reference {
            true => None,
            false => decoder.icc_profile().unwrap_or_default(),
        };
        Ok(Playing {
            frames: frames(decoder).map_err(failed)?,
            next: 0,
            orientation,
            profile,
        })
    }
}

/// The file has changed since its frames were counted, or the decoder ends without a reason.
fn ended(kind: FileKind) -> DecodeError {
    DecodeError::Damaged {
        format: kind.name(),
        reason: "the animation ends before this frame".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use image::codecs::gif::GifEncoder;
    use image::{Frame, Rgba, RgbaImage};

    const OPTIONS: DecodeOptions = DecodeOptions {
        memory: 1 << 30,
        as_reference: false,
    };

    /// A GIF in which frame `n` has the level `n * 40`, and the bytes of it without its last `cut`.
    fn gif(frames: u8, cut: usize) -> tempfile::NamedTempFile {
        let mut bytes = Vec::new();
        let mut encoder = GifEncoder::new(&mut bytes);
        for number in 0..frames {
            let level = number * 40;
            let picture = RgbaImage::from_pixel(30, 20, Rgba([level, level, level, 255]));
            encoder.encode_frame(Frame::new(picture)).unwrap();
        }
        drop(encoder);
        bytes.truncate(bytes.len() - cut);
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), bytes).unwrap();
        file
    }

    fn level(animation: &mut Animation, index: usize) -> u8 {
        let decoded = animation.frame(index).unwrap();
        assert_eq!((decoded.pixels.width, decoded.pixels.height), (30, 20));
        decoded.pixels.data[0]
    }

    #[test]
    fn frames_are_counted_and_decoded_in_any_order() {
        let file = gif(4, 0);
        let animation = Animation::open(file.path(), FileKind::Gif, OPTIONS);
        let mut animation = animation.unwrap().unwrap();
        assert_eq!(animation.sizes(), [(30, 20); 4]);
        let levels = [0, 1, 3, 2, 0].map(|index| level(&mut animation, index));
        assert_eq!(levels, [0, 40, 120, 80, 0]);
    }

    #[test]
    fn of_a_cut_animation_the_frames_before_the_cut_are_there() {
        let file = gif(4, 20);
        let animation = Animation::open(file.path(), FileKind::Gif, OPTIONS);
        let mut animation = animation.unwrap().unwrap();
        assert_eq!(animation.sizes(), [(30, 20), (30, 20), (30, 20), (0, 0)]);
        assert_eq!(level(&mut animation, 2), 80);
        let error = animation.frame(3).unwrap_err();
        assert!(matches!(error, DecodeError::Damaged { .. }), "{error}");
        assert_eq!(level(&mut animation, 1), 40);
    }

    #[test]
    fn a_canvas_beyond_the_memory_is_refused() {
        let file = gif(2, 0);
        let options = DecodeOptions {
            memory: 30 * 20 * BYTES_PER_PIXEL - 1,
            ..OPTIONS
        };
        let opened = Animation::open(file.path(), FileKind::Gif, options);
        assert!(matches!(opened, Err(DecodeError::Memory { .. })));
    }
}
