//! Sun raster files, which no library here reads.

use super::{DecodeError, Decoded, FileKind, are_too_few, check_memory, check_size};
use crate::raster::Pixels;
use std::fs::File;
use std::io::{BufReader, Read, Seek, SeekFrom};
use std::path::Path;

/// The header of a Sun raster file: eight big-endian words.
pub(super) struct SunHeader {
    /// Width and height in pixels.
    pub(super) size: (usize, usize),
    /// Bits of a pixel.
    depth: u32,
    /// Type of the file.
    kind: u32,
    /// Type and length of the colour map.
    map: (u32, usize),
}

impl SunHeader {
    pub(super) fn read(file: &mut impl Read) -> Result<SunHeader, DecodeError> {
        let mut header = [0u8; 32];
        file.read_exact(&mut header)
            .map_err(|_| sun_damaged("the header is cut off"))?;
        let word = |i: usize| {
            u32::from_be_bytes([
                header[i * 4],
                header[i * 4 + 1],
                header[i * 4 + 2],
                header[i * 4 + 3],
            ])
        };
        Ok(SunHeader {
            size: (word(1) as usize, word(2) as usize),
            depth: word(3),
            kind: word(5),
            map: (word(6), word(7) as usize),
        })
    }
}

fn sun_damaged(reason: &str) -> DecodeError {
    DecodeError::Damaged {
        format: FileKind::SunRaster.name(),
        reason: reason.into(),
    }
}

/// Decodes an uncompressed Sun raster file of 8, 24 or 32 bits.
pub(super) fn decode_sun_raster(path: &Path, memory: u64) -> Result<Decoded, DecodeError> {
    let damaged = sun_damaged;
    let mut file = BufReader::new(File::open(path)?);
    let SunHeader {
        size: (width, height),
        depth,
        kind,
        map: (map_kind, map_length),
    } = SunHeader::read(&mut file)?;
    check_size(width as u64, height as u64)?;
    // The pixels, and a row as it lies in the file.
    check_memory(
        (width as u64 * height as u64 * 3).saturating_add(width as u64 * 4),
        memory,
    )?;
    if !matches!(depth, 8 | 24 | 32) || !matches!(kind, 0 | 1 | 3) {
        return Err(DecodeError::Unsupported {
            format: FileKind::SunRaster.name(),
            reason: "only uncompressed files of 8, 24 or 32 bits are supported".into(),
        });
    }
    let mut map = vec![0u8; map_length.min(1 << 16)];
    file.read_exact(&mut map)
        .map_err(|_| damaged("the colour map is cut off"))?;
    file.seek(SeekFrom::Start(32 + map_length as u64))?;
    let bytes = depth as usize / 8;
    let mut row = vec![0u8; (width * bytes).next_multiple_of(2)];
    let mut data = Vec::with_capacity(width * height * 3);
    let mut missing_rows = 0;
    for y in 0..height {
        if file.read_exact(&mut row).is_err() {
            if are_too_few(y, height) {
                return Err(damaged("the pixels are cut off"));
            }
            missing_rows = height - y;
            data.resize(width * height * 3, 255);
            break;
        }
        for pixel in row.chunks_exact(bytes).take(width) {
            let color = match bytes {
                1 if map_kind == 1 && map.len() >= 3 => {
                    let third = map.len() / 3;
                    let at = (pixel[0] as usize).min(third - 1);
                    [map[at], map[third + at], map[2 * third + at]]
                }
                1 => [pixel[0]; 3],
                // Type 3 stores R, G, B; the others B, G, R; a fourth byte comes first.
                _ if kind == 3 => [pixel[bytes - 3], pixel[bytes - 2], pixel[bytes - 1]],
                _ => [pixel[bytes - 1], pixel[bytes - 2], pixel[bytes - 3]],
            };
            data.extend_from_slice(&color);
        }
    }
    Ok(Decoded {
        pixels: Pixels {
            width,
            height,
            data,
        },
        missing_rows,
    })
}
