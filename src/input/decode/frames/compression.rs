//! Compressed chunks of a TIFF, as streams of the bytes of their rows.
//!
//! Streams are decompressed as they are read. CCITT and JPEG are decoded a chunk at a time, into as many bytes as
//! the layout says that there are.

use super::super::{DecodeError, check_memory};
use super::fax;
use super::layout::Layout;
use ruzstd::decoding::StreamingDecoder;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::os::unix::fs::FileExt;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::options::DecoderOptions;

/// Bytes read ahead of a chunk.
const READ_AHEAD: u64 = 32 << 10;
/// Bytes that JPEG's decoder keeps of each sample, beside the answer: coefficients and rows.
const JPEG_BESIDE: u64 = 4;

/// The level that JPEG's decoder gives to what is not there.
const JPEG_FILLER: u8 = 128;
/// Most rows that JPEG codes together, with the usual sharing of colours.
const JPEG_UNIT: usize = 16;

/// How chunks are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Compression {
    None,
    /// Modified Huffman, rows starting on bytes.
    Huffman,
    Group3,
    Group4,
    Lzw,
    Jpeg,
    Deflate,
    PackBits,
    /// LZMA2 in the XZ container.
    Lzma,
    Zstd,
}

impl Compression {
    pub(super) fn of(code: u32) -> Option<Compression> {
        Some(match code {
            1 => Compression::None,
            2 => Compression::Huffman,
            3 => Compression::Group3,
            4 => Compression::Group4,
            5 => Compression::Lzw,
            7 => Compression::Jpeg,
            8 | 32946 => Compression::Deflate,
            32773 => Compression::PackBits,
            34925 => Compression::Lzma,
            50000 => Compression::Zstd,
            _ => return None,
        })
    }
}

/// Opens a chunk of which `rows` rows are wanted. `memory`: limit in bytes.
///
/// Reading fails, or ends early, where the chunk is damaged or cut off.
pub(super) fn open<'a>(
    file: &'a File,
    layout: &Layout,
    index: usize,
    rows: usize,
    memory: u64,
) -> Result<Box<dyn Read + 'a>, DecodeError> {
    let (at, length) = layout.places.get(index).copied().unwrap_or_default();
    let section = Section {
        file,
        at,
        end: at.saturating_add(length),
        // Codes of JPEG are never reversed.
        is_reversed: layout.is_reversed && layout.compression != Compression::Jpeg,
    };
    let source = BufReader::with_capacity(length.clamp(1, READ_AHEAD) as usize, section);
    Ok(match layout.compression {
        Compression::None => Box::new(source),
        Compression::Lzw => Box::new(Lzw {
            source,
            decoder: weezl::decode::Configuration::with_tiff_size_switch(weezl::BitOrder::Msb, 8)
                .with_yield_on_full_buffer(true)
                .build(),
        }),
        Compression::Deflate => Box::new(flate2::bufread::ZlibDecoder::new(source)),
        Compression::PackBits => Box::new(PackBits::new(source)),
        Compression::Zstd => match StreamingDecoder::new_with_max_window_size(source, memory / 2) {
            Ok(stream) => Box::new(stream),
            Err(error) => Box::new(Failed(error.to_string())),
        },
        Compression::Lzma => {
            let kilobytes = u32::try_from(memory / 2 / 1024).unwrap_or(u32::MAX - 1);
            Box::new(lzma_rust2::XzReader::new_mem_limit(
                source, false, kilobytes,
            ))
        }
        Compression::Huffman | Compression::Group3 | Compression::Group4 => {
            let bytes = (layout.row_bytes()).saturating_mul(rows as u64);
            let data = whole(source, length, bytes, memory)?;
            Box::new(Cursor::new(fax::decode(&data, layout, rows)))
        }
        Compression::Jpeg => {
            let pixels = (layout.chunk.0 as u64).saturating_mul(layout.chunk.1 as u64);
            let samples = pixels.saturating_mul(layout.chunk_samples() as u64);
            let bytes = samples.saturating_mul(1 + JPEG_BESIDE);
            let data = whole(source, length, bytes, memory)?;
            let is_cut = (data.len() as u64) < length;
            match jpeg(data, layout) {
                Ok(mut rows) => {
                    if is_cut {
                        cut_filler(&mut rows, layout.row_bytes() as usize);
                    }
                    Box::new(Cursor::new(rows))
                }
                Err(reason) => Box::new(Failed(reason)),
            }
        }
    })
}

/// A chunk as it lies in the file. `beside`: bytes that decoding it takes in addition.
fn whole(
    mut source: BufReader<Section<'_>>,
    length: u64,
    beside: u64,
    memory: u64,
) -> Result<Vec<u8>, DecodeError> {
    let there = source.get_ref().file.metadata()?.len();
    check_memory(length.min(there).saturating_add(beside), memory)?;
    let mut data = Vec::new();
    source.read_to_end(&mut data)?;
    Ok(data)
}

/// A JPEG of a chunk's size, its samples as they are stored. Fails with the reason.
fn jpeg(data: Vec<u8>, layout: &Layout) -> Result<Vec<u8>, String> {
    // The shared tables are a JPEG without a picture: its end and the chunk's beginning are left out.
    let data = match layout.jpeg_tables.len() {
        0..4 => data,
        tables => [
            &layout.jpeg_tables[..tables - 2],
            data.get(2..).unwrap_or_default(),
        ]
        .concat(),
    };
    let (width, height) = layout.chunk;
    let options = DecoderOptions::default()
        .set_strict_mode(false)
        .set_max_width(width)
        .set_max_height(height);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(data), options);
    decoder.decode_headers().map_err(|e| e.to_string())?;
    let (found, space) = match (decoder.info(), decoder.input_colorspace()) {
        (Some(info), Some(space)) => (info, space),
        _ => return Err("it has no header".into()),
    };
    let samples = layout.chunk_samples();
    if usize::from(found.width) != width || space.num_components() != samples {
        return Err("a JPEG in it has another size".into());
    }
    // No conversion: the tags say what the samples mean.
    decoder.set_options(options.jpeg_set_out_colorspace(space));
    decoder.decode().map_err(|error| error.to_string())
}

/// Cuts off rows that the decoder filled because they are not there, and those coded together with the first of them.
fn cut_filler(rows: &mut Vec<u8>, row: usize) {
    let there = rows.iter().rposition(|level| *level != JPEG_FILLER);
    let whole = there.map_or(0, |at| at / row / JPEG_UNIT * JPEG_UNIT);
    rows.truncate(whole * row);
}

/// A part of a file.
struct Section<'a> {
    file: &'a File,
    at: u64,
    end: u64,
    /// Bits of each byte in reverse.
    is_reversed: bool,
}

impl Read for Section<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = (self.end.saturating_sub(self.at)).min(buffer.len() as u64) as usize;
        let read = self.file.read_at(&mut buffer[..most], self.at)?;
        self.at += read as u64;
        if self.is_reversed {
            buffer[..read]
                .iter_mut()
                .for_each(|byte| *byte = byte.reverse_bits());
        }
        Ok(read)
    }
}

/// A chunk that cannot be opened.
struct Failed(String);

impl Read for Failed {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        Err(io::Error::new(io::ErrorKind::InvalidData, self.0.clone()))
    }
}

/// LZW as TIFF has it: codes grow one code early, from the high bits on.
struct Lzw<R> {
    source: R,
    decoder: weezl::decode::Decoder,
}

impl<R: BufRead> Read for Lzw<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if buffer.is_empty() {
            return Ok(0);
        }
        loop {
            let input = self.source.fill_buf()?;
            let result = self.decoder.decode_bytes(input, buffer);
            self.source.consume(result.consumed_in);
            match result.status {
                Ok(weezl::LzwStatus::Ok) if result.consumed_out == 0 => {}
                // Without an end code the stream ends with the chunk.
                Ok(_) => return Ok(result.consumed_out),
                Err(error) => return Err(io::Error::new(io::ErrorKind::InvalidData, error)),
            }
        }
    }
}

/// Runs of equal bytes and copies of others, each with its length before it.
struct PackBits<R> {
    source: R,
    /// Bytes left of the run or copy.
    left: usize,
    /// The byte of the run; `None` in a copy.
    run: Option<u8>,
}

impl<R: Read> PackBits<R> {
    fn new(source: R) -> Self {
        PackBits {
            source,
            left: 0,
            run: None,
        }
    }

    fn byte(&mut self) -> io::Result<Option<u8>> {
        let mut byte = [0];
        Ok((self.source.read(&mut byte)? == 1).then_some(byte[0]))
    }
}

impl<R: Read> Read for PackBits<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        while self.left == 0 {
            let Some(length) = self.byte()? else {
                return Ok(0);
            };
            match length as i8 {
                -128 => {}
                length @ 0.. => (self.left, self.run) = (length as usize + 1, None),
                length => {
                    let Some(byte) = self.byte()? else {
                        return Ok(0);
                    };
                    (self.left, self.run) = ((1 - isize::from(length)) as usize, Some(byte));
                }
            }
        }
        let most = self.left.min(buffer.len());
        let read = match self.run {
            Some(byte) => {
                buffer[..most].fill(byte);
                most
            }
            None => self.source.read(&mut buffer[..most])?,
        };
        self.left -= read;
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_runs_and_copies() {
        // The example of TIFF 6.0 (1992), section 9.
        let packed = [
            0xfe, 0xaa, 0x02, 0x80, 0x00, 0x2a, 0xfd, 0xaa, 0x03, 0x80, 0x00, 0x2a, 0x22, 0xf7,
            0xaa,
        ];
        let mut bytes = Vec::new();
        PackBits::new(&packed[..]).read_to_end(&mut bytes).unwrap();
        let expected = [
            &[
                0xaa, 0xaa, 0xaa, 0x80, 0x00, 0x2a, 0xaa, 0xaa, 0xaa, 0xaa, 0x80, 0x00, 0x2a, 0x22,
            ][..],
            &[0xaa; 10],
        ];
        assert_eq!(bytes, expected.concat());
    }

    #[test]
    fn a_cut_run_ends_the_bytes() {
        let mut bytes = Vec::new();
        PackBits::new(&[2, 1, 2][..])
            .read_to_end(&mut bytes)
            .unwrap();
        assert_eq!(bytes, [1, 2]);
        PackBits::new(&[0xfe][..]).read_to_end(&mut bytes).unwrap();
        assert_eq!(bytes, [1, 2]);
    }
}
