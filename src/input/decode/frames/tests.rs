//! Frames written by the tests: small TIFFs with a directory, and what comes of them.

use super::*;

/// Tags of a frame, each with its values, in little-endian order.
struct File16 {
    tags: Vec<(u16, u16, Vec<u32>)>,
    data: Vec<Vec<u8>>,
}

impl File16 {
    /// A frame with one strip for each part of `data`, as many rows each as fit.
    fn new(size: (u32, u32), bits: &[u32], photometric: u32, data: &[&[u8]]) -> Self {
        let rows = size.1.div_ceil(data.len() as u32);
        File16 {
            tags: vec![
                (256, 4, vec![size.0]),
                (257, 4, vec![size.1]),
                (258, 3, bits.to_vec()),
                (262, 3, vec![photometric]),
                (277, 3, vec![bits.len() as u32]),
                (278, 4, vec![rows]),
            ],
            data: data.iter().map(|part| part.to_vec()).collect(),
        }
    }

    fn with(mut self, tag: u16, values: &[u32]) -> Self {
        self.tags.retain(|(known, ..)| *known != tag);
        self.tags.push((tag, 3, values.to_vec()));
        self
    }

    fn bytes(mut self) -> Vec<u8> {
        let mut data = b"II*\0\0\0\0\0".to_vec();
        let mut offsets = Vec::new();
        for part in &self.data {
            offsets.push(data.len() as u32);
            data.extend(part);
        }
        let lengths = self.data.iter().map(|part| part.len() as u32).collect();
        self.tags.push((273, 4, offsets));
        self.tags.push((279, 4, lengths));
        self.tags.sort();
        let mut directory = (self.tags.len() as u16).to_le_bytes().to_vec();
        for (tag, kind, values) in &self.tags {
            let raw: Vec<u8> = values
                .iter()
                .flat_map(|value| match kind {
                    3 => (*value as u16).to_le_bytes().to_vec(),
                    _ => value.to_le_bytes().to_vec(),
                })
                .collect();
            let mut field = raw.clone();
            if raw.len() > 4 {
                field = (data.len() as u32).to_le_bytes().to_vec();
                data.extend(&raw);
            }
            field.resize(4, 0);
            directory.extend(tag.to_le_bytes());
            directory.extend(kind.to_le_bytes());
            directory.extend((values.len() as u32).to_le_bytes());
            directory.extend(field);
        }
        directory.extend([0; 4]);
        let at = (data.len() as u32).to_le_bytes();
        data[4..8].copy_from_slice(&at);
        data.extend(directory);
        data
    }

    fn decode(self, as_reference: bool) -> Result<Decoded, DecodeError> {
        decode(&self.bytes(), 1 << 20, as_reference)
    }

    /// Level of red of every pixel.
    #[track_caller]
    fn reds(self) -> Vec<u8> {
        let decoded = self.decode(false).unwrap();
        assert_eq!(decoded.missing_rows, 0);
        decoded
            .pixels
            .data
            .chunks(3)
            .map(|pixel| pixel[0])
            .collect()
    }
}

fn decode(bytes: &[u8], memory: u64, as_reference: bool) -> Result<Decoded, DecodeError> {
    let file = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(file.path(), bytes).unwrap();
    let options = DecodeOptions {
        memory,
        as_reference,
    };
    TiffFrames::open(file.path(), options)?.frame(0)
}

#[test]
fn packed_bilevel_rows_start_on_bytes() {
    let rows = [0b1000_0000, 0b0100_0000];
    let file = |photometric| File16::new((2, 2), &[1], photometric, &[&rows]);
    assert_eq!(file(1).reds(), [255, 0, 0, 255]);
    assert_eq!(file(0).reds(), [0, 255, 255, 0]);
    let reversed = [0b0000_0001, 0b0000_0010];
    let file = File16::new((2, 2), &[1], 1, &[&reversed]).with(266, &[2]);
    assert_eq!(file.reds(), [255, 0, 0, 255]);
}

#[test]
fn colours_of_a_list() {
    let map: Vec<u32> = [[0, 0xff00, 0x8000], [0, 0x1000, 0x2000], [0, 0, 0]].concat();
    let mut map = map;
    // Lists have as many colours as there are numbers.
    let list = |at: usize, map: &[u32]| [&map[at * 3..at * 3 + 3], &[0]].concat();
    map = [list(0, &map), list(1, &map), list(2, &map)].concat();
    let file = File16::new((4, 1), &[2], 3, &[&[0b0001_1000]]).with(320, &map);
    let pixels = file.decode(false).unwrap().pixels;
    assert_eq!(
        pixels.data,
        [[0; 3], [255, 16, 0], [128, 32, 0], [0; 3]].concat()
    );
}

#[test]
fn planes_of_their_own() {
    let parts: [&[u8]; 3] = [&[1, 2], &[3, 4], &[5, 6]];
    let mut file = File16::new((2, 1), &[8, 8, 8], 2, &parts).with(284, &[2]);
    file.tags.retain(|(tag, ..)| *tag != 278);
    let pixels = file.decode(false).unwrap().pixels;
    assert_eq!(pixels.data, [1, 3, 5, 2, 4, 6]);
}

#[test]
fn shared_differences_of_colour() {
    // Two by two lumas, then the differences: none.
    let unit = [10, 20, 30, 40, 128, 128];
    let file = File16::new((2, 2), &[8, 8, 8], 6, &[&unit]);
    assert_eq!(file.reds(), [10, 20, 30, 40]);
}

#[test]
fn gray_of_sixteen_bits_is_scaled_unless_the_reference_is_wanted() {
    let samples: Vec<u8> = [0u16, 100, 2048, 4095]
        .iter()
        .flat_map(|v| v.to_le_bytes())
        .collect();
    let file = || File16::new((4, 1), &[16], 1, &[&samples]);
    assert_eq!(file().reds(), [0, 6, 128, 255]);
    let pixels = file().decode(true).unwrap().pixels;
    assert_eq!(pixels.data[3..9], [100, 100, 100, 255, 255, 255]);
}

#[test]
fn floating_point_between_its_limits() {
    let samples: Vec<u8> = [0f32, 0.5, 1.0, f32::NAN]
        .iter()
        .flat_map(|v| v.to_le_bytes())
        .collect();
    let file = File16::new((4, 1), &[32], 1, &[&samples]).with(339, &[3]);
    assert_eq!(file.reds(), [0, 128, 255, 0]);
}

#[test]
fn alpha_that_carries_the_content() {
    let letters = [0, 0, 0, 0, 0, 0, 0, 255, 0, 0, 0, 0];
    let file = || File16::new((3, 1), &[8; 4], 2, &[&letters]).with(338, &[2]);
    assert_eq!(file().reds(), [255, 0, 255]);
    assert_eq!(file().decode(true).unwrap().pixels.data, [0; 9]);
}

#[test]
fn rows_before_a_cut_are_kept() {
    let mut bytes = File16::new((2, 4), &[8], 1, &[&[1, 2, 3, 4, 5, 6, 7, 8]]).bytes();
    // The strip says that it is longer than the file: the rows lie behind the directory.
    let strip = bytes.len() as u32;
    bytes.extend([9, 9, 9]);
    let at = bytes.windows(4).position(|w| w == [0x11, 1, 4, 0]).unwrap();
    bytes[at + 8..at + 12].copy_from_slice(&strip.to_le_bytes());
    let decoded = decode(&bytes, 1 << 20, false).unwrap();
    assert_eq!(decoded.missing_rows, 3);
    assert_eq!(decoded.pixels.data[..6], [9; 6]);
    assert_eq!(decoded.pixels.data[6..], [255; 18]);
    bytes.truncate(strip as usize);
    assert!(matches!(
        decode(&bytes, 1 << 20, false),
        Err(DecodeError::Damaged { .. })
    ));
}

#[test]
fn what_is_not_read_names_a_converter() {
    for code in [6, 34887, 50002] {
        let file = File16::new((2, 1), &[8], 1, &[&[1, 2]]).with(259, &[code]);
        let message = file.decode(false).unwrap_err().to_string();
        assert!(
            message.contains(&format!("compression {code} (")),
            "{message}"
        );
        assert!(
            message.contains("need not be damaged; convert it with"),
            "{message}"
        );
    }
}

#[test]
fn sizes_that_nothing_stands_behind_take_no_memory() {
    for size in [(100_000, 1_000), (1_000_000, 1_000_000), (1 << 31, 1)] {
        let error = File16::new(size, &[8], 1, &[&[1]])
            .decode(false)
            .unwrap_err();
        let is_refused = matches!(
            error,
            DecodeError::Memory { .. } | DecodeError::TooLarge { .. }
        );
        assert!(is_refused, "{size:?}: {error}");
    }
    // A tile that is larger than the picture.
    let mut file = File16::new((2, 2), &[8], 1, &[&[1, 2, 3, 4]]);
    file.tags.retain(|(tag, ..)| *tag != 278);
    for compression in [1, 4, 7] {
        let mut bytes = File16 {
            tags: file.tags.clone(),
            data: file.data.clone(),
        }
        .with(259, &[compression])
        .with(322, &[60_000])
        .with(323, &[60_000])
        .bytes();
        for (strip, tile) in [(273u16, 324u16), (279, 325)] {
            let at = bytes
                .windows(4)
                .rposition(|w| w == [strip.to_le_bytes(), [4, 0]].concat());
            bytes[at.unwrap()..][..2].copy_from_slice(&tile.to_le_bytes());
        }
        let result = decode(&bytes, 1 << 20, false);
        // Uncompressed, the tile's first row does not fit into the file.
        assert!(result.is_err(), "{compression}");
    }
}
