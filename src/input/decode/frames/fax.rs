//! Chunks compressed for fax machines: ITU-T T.4 (Group 3) and T.6 (Group 4).

use super::compression::Compression;
use super::layout::Layout;
use hayro_ccitt::{DecodeSettings, Decoder, DecoderContext, EncodingMode};

/// Bits of the tag T4Options: rows may refer to the row before; ends of lines come on bytes.
const TWO_DIMENSIONAL: u32 = 1;
const BYTE_ALIGNED: u32 = 4;

/// Rows of packed pixels, black set, the first in the high bits. Fewer than `rows` if the data ends early; a damaged
/// row is white from the damage on where the data allow to find the next one.
pub(super) fn decode(data: &[u8], layout: &Layout, rows: usize) -> Vec<u8> {
    let width = layout.chunk.0;
    let is_huffman = layout.compression == Compression::Huffman;
    let is_group_4 = layout.compression == Compression::Group4;
    let settings = DecodeSettings {
        columns: width as u32,
        rows: rows as u32,
        end_of_block: !is_huffman,
        end_of_line: false,
        rows_are_byte_aligned: is_huffman
            || (!is_group_4 && layout.fax_options & BYTE_ALIGNED != 0),
        encoding: match layout.compression {
            Compression::Group4 => EncodingMode::Group4,
            Compression::Group3 if layout.fax_options & TWO_DIMENSIONAL != 0 => {
                EncodingMode::Group3_2D
            }
            _ => EncodingMode::Group3_1D,
        },
        strict: false,
    };
    let mut found = Rows {
        width,
        left: rows,
        data: Vec::new(),
    };
    // An error ends the rows, as the end of the data does.
    let _ = hayro_ccitt::decode(data, &mut found, &mut DecoderContext::new(settings));
    found.data
}

/// Rows as they come.
struct Rows {
    width: usize,
    /// Rows still wanted.
    left: usize,
    data: Vec<u8>,
}

impl Decoder for Rows {
    fn push_row(&mut self, changes: &[u32]) {
        if self.left == 0 {
            return;
        }
        self.left -= 1;
        let start = self.data.len();
        self.data.resize(start + self.width.div_ceil(8), 0);
        let row = &mut self.data[start..];
        for run in changes.chunks(2) {
            let from = (run[0] as usize).min(self.width);
            let to = run.get(1).map_or(self.width, |end| *end as usize);
            set_bits(row, from, to.min(self.width));
        }
    }
}

/// Sets the bits from one to before another, counted from the high bit of the first byte.
fn set_bits(row: &mut [u8], from: usize, to: usize) {
    if from >= to {
        return;
    }
    let (first, last) = (from / 8, (to - 1) / 8);
    let head = 0xff >> (from % 8);
    let tail = 0xff << (7 - (to - 1) % 8);
    if first == last {
        row[first] |= head & tail;
    } else {
        row[first] |= head;
        row[first + 1..last].fill(0xff);
        row[last] |= tail;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bits_are_set_from_one_to_before_another() {
        for from in 0..24 {
            for to in 0..=24 {
                let mut row = [0u8; 3];
                set_bits(&mut row, from, to);
                let found = (0..24).filter(|i| row[i / 8] >> (7 - i % 8) & 1 == 1);
                assert!(found.eq(from..to.max(from)), "{from}..{to}");
            }
        }
    }
}
