//! A checkpoint folder: `config.json` and `model.safetensors`, whose tensors are read from the mapped file.
//!
//! A network requests every tensor with its expected shape; requested tensors are recorded as used, so that
//! the rest can be reported. Requests use one naming scheme; [`Checkpoint::with_names`] translates the file's
//! names to it.

mod config;

pub(crate) use config::ModelConfig;

use super::weights::{Element, Mapped, Weights};
use crate::fault::{Fault, Reason};
use half::{bf16, f16};
use memmap2::Mmap;
use safetensors::tensor::{Dtype, Metadata, SafeTensors};
use sha2::{Digest, Sha256};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::ErrorKind;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Why a checkpoint cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CheckpointError {
    /// A file of the folder cannot be read.
    #[error("cannot read `{path}`: {source}")]
    Read {
        /// The file.
        path: PathBuf,
        /// The cause.
        source: std::io::Error,
    },
    /// A file is not valid safetensors or JSON, or is truncated.
    #[error("`{path}` is damaged: {reason}; download it again")]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The cause.
        reason: String,
    },
    /// The checkpoint is of another architecture.
    #[error("`{path}` describes `{found}`, not {expected}; give the folder of such a model")]
    Architecture {
        /// The configuration.
        path: PathBuf,
        /// Its architecture.
        found: String,
        /// The required architecture.
        expected: String,
    },
    /// A value of the configuration is missing or invalid.
    #[error("`{path}`: `{key}` {problem}; the configuration does not belong to this network")]
    Config {
        /// The configuration.
        path: PathBuf,
        /// The key.
        key: String,
        /// The problem with its value.
        problem: String,
    },
    /// A tensor is missing.
    #[error(
        "`{path}` has no tensor `{key}`; the file does not belong to its config.json, or is of another model"
    )]
    Missing {
        /// The file.
        path: PathBuf,
        /// The tensor.
        key: String,
    },
    /// A tensor's shape differs from that of the configuration.
    #[error(
        "`{path}`: tensor `{key}` has shape {found:?}, but by config.json it must be {expected:?}; the two files do not belong together"
    )]
    Shape {
        /// The file.
        path: PathBuf,
        /// The tensor.
        key: String,
        /// Its shape.
        found: Vec<usize>,
        /// The shape that the configuration implies.
        expected: Vec<usize>,
    },
    /// A tensor's element type is one that the network cannot use.
    #[error("`{path}`: tensor `{key}` holds {found}, which this network cannot use")]
    Element {
        /// The file.
        path: PathBuf,
        /// The tensor.
        key: String,
        /// Its element type.
        found: String,
    },
}

impl CheckpointError {
    /// The reason as a code for programs.
    pub fn reason(&self) -> Reason {
        match self {
            // A file that does not exist is a missing part of the model.
            CheckpointError::Read { source, .. } if source.kind() != ErrorKind::NotFound => {
                source.into()
            }
            _ => Reason::Model,
        }
    }
}

impl From<CheckpointError> for Fault {
    fn from(error: CheckpointError) -> Fault {
        Fault::new(error.reason(), error.to_string())
    }
}

/// Tensors by name: shape and elements.
pub(crate) type Tensors = BTreeMap<String, (Vec<usize>, Vec<f32>)>;

/// A tensor in the file.
#[derive(Debug, Clone)]
struct Entry {
    dtype: Dtype,
    shape: Vec<usize>,
    start: usize,
    end: usize,
    /// Its name in the file.
    stored: String,
}

/// A checkpoint folder.
pub struct Checkpoint {
    /// `config.json`.
    pub config: ModelConfig,
    folder: PathBuf,
    path: PathBuf,
    map: Arc<Mmap>,
    entries: BTreeMap<String, Entry>,
    used: RefCell<BTreeSet<String>>,
}

/// File name of the weights.
const WEIGHTS: &str = "model.safetensors";

impl Checkpoint {
    /// Opens a folder; no tensor is read yet.
    pub fn open(folder: &Path) -> Result<Self, CheckpointError> {
        let config = ModelConfig::read(folder.join("config.json"))?;
        let path = folder.join(WEIGHTS);
        let (map, entries) = map_tensors(&path)?;
        Ok(Self {
            config,
            folder: folder.into(),
            path,
            map,
            entries,
            used: RefCell::default(),
        })
    }

    /// The checkpoint with its tensor names translated.
    pub fn with_names(mut self, translate: impl Fn(&str) -> String) -> Self {
        self.entries = self
            .entries
            .into_iter()
            .map(|(name, entry)| (translate(&name), entry))
            .collect();
        self
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Path of the weights.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Fingerprint of the weights: of the safetensors header and the first bytes of every tensor.
    ///
    /// Not of the whole file: it keys a cache that saves reading gigabytes, so it must not read them itself.
    pub fn identity(&self) -> String {
        const BEGINNING: usize = 4096;
        let mut hash = Sha256::new();
        hash.update((self.map.len() as u64).to_le_bytes());
        for entry in self.entries.values() {
            hash.update(format!(
                "{} {:?} {:?} {}",
                entry.stored, entry.dtype, entry.shape, entry.start
            ));
            hash.update(&self.map[entry.start..entry.end.min(entry.start + BEGINNING)]);
        }
        hash.finalize()
            .iter()
            .take(16)
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }

    /// A tensor's elements as `f32`, converted from any floating-point type.
    ///
    /// Fails if it is missing, has a shape other than `shape`, or is not floating-point.
    pub fn f32(&self, key: &str, shape: &[usize]) -> Result<Vec<f32>, CheckpointError> {
        self.floats(self.checked(key, shape)?)
    }

    /// A tensor as weights of a graph: mapped if the file has this element type, else converted. Checked like
    /// [`Checkpoint::f32`].
    ///
    /// # Panics
    ///
    /// If `element` is not a floating-point type.
    pub fn weights(
        &self,
        key: &str,
        shape: &[usize],
        element: Element,
    ) -> Result<Weights, CheckpointError> {
        let entry = self.checked(key, shape)?;
        let stored = match element {
            Element::F32 => Dtype::F32,
            Element::F16 => Dtype::F16,
            Element::Bf16 => Dtype::BF16,
            Element::I64 | Element::I32 => panic!("weights are floating-point numbers"),
        };
        if entry.dtype == stored && entry.start.is_multiple_of(element.bytes()) {
            let mapped = Mapped {
                map: self.map.clone(),
                bytes: entry.start..entry.end,
            };
            return Ok(Weights::Mapped(element, mapped));
        }
        let values = self.floats(entry)?;
        let bits = |convert: fn(f32) -> u16| values.iter().map(|value| convert(*value)).collect();
        Ok(match element {
            Element::F16 => Weights::Half(element, bits(|value| f16::from_f32(value).to_bits())),
            Element::Bf16 => Weights::Half(element, bits(|value| bf16::from_f32(value).to_bits())),
            _ => Weights::F32(values),
        })
    }

    /// A matrix read row by row; checked like [`Checkpoint::f32`].
    pub fn matrix(&self, key: &str, shape: [usize; 2]) -> Result<MappedMatrix, CheckpointError> {
        let entry = self.checked(key, &shape)?;
        let (dtype, bytes) = (entry.dtype, entry.start..entry.end);
        if floats(dtype, &[]).is_none() {
            return Err(self.unusable(entry));
        }
        Ok(MappedMatrix {
            map: self.map.clone(),
            bytes,
            dtype,
            from: shape[1],
        })
    }

    /// `true` if the tensor exists.
    pub fn has(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    /// Names, as in the file, of the tensors that were never requested.
    pub fn unused(&self) -> Vec<&str> {
        let used = self.used.borrow();
        self.entries
            .iter()
            .filter(|(key, _)| !used.contains(*key))
            .map(|(_, e)| e.stored.as_str())
            .collect()
    }

    /// Number of tensors requested.
    pub fn used(&self) -> usize {
        self.used.borrow().len()
    }

    fn checked(&self, key: &str, shape: &[usize]) -> Result<&Entry, CheckpointError> {
        let missing = || CheckpointError::Missing {
            path: self.path.clone(),
            key: key.into(),
        };
        let entry = self.entries.get(key).ok_or_else(missing)?;
        self.used.borrow_mut().insert(key.to_string());
        if entry.shape != shape {
            return Err(CheckpointError::Shape {
                path: self.path.clone(),
                key: entry.stored.clone(),
                found: entry.shape.clone(),
                expected: shape.to_vec(),
            });
        }
        Ok(entry)
    }

    fn floats(&self, entry: &Entry) -> Result<Vec<f32>, CheckpointError> {
        floats(entry.dtype, &self.map[entry.start..entry.end]).ok_or_else(|| self.unusable(entry))
    }

    fn unusable(&self, entry: &Entry) -> CheckpointError {
        CheckpointError::Element {
            path: self.path.clone(),
            key: entry.stored.clone(),
            found: format!("{:?}", entry.dtype),
        }
    }
}

/// A matrix in a mapped file, read row by row.
#[derive(Clone)]
pub struct MappedMatrix {
    map: Arc<Mmap>,
    bytes: Range<usize>,
    dtype: Dtype,
    from: usize,
}

impl MappedMatrix {
    /// `true` if its elements are bfloat16.
    pub fn is_bf16(&self) -> bool {
        self.dtype == Dtype::BF16
    }

    /// Writes a row as `f32`.
    ///
    /// # Panics
    ///
    /// If there is no such row, or `to` has another length.
    pub fn row(&self, row: usize, to: &mut [f32]) {
        assert_eq!(to.len(), self.from);
        let size = self.dtype.bitsize() / 8 * self.from;
        let bytes = &self.map[self.bytes.clone()][row * size..(row + 1) * size];
        let fill = |to: &mut [f32], values: &mut dyn Iterator<Item = f32>| {
            to.iter_mut()
                .zip(values)
                .for_each(|(to, value)| *to = value);
        };
        match self.dtype {
            // The common case, so without an intermediate list.
            Dtype::BF16 => fill(
                to,
                &mut bytes
                    .as_chunks::<2>()
                    .0
                    .iter()
                    .map(|b| wide(u16::from_le_bytes(*b))),
            ),
            dtype => fill(to, &mut floats(dtype, bytes).into_iter().flatten()),
        }
    }
}

/// bfloat16 bits as single precision.
fn wide(bits: u16) -> f32 {
    f32::from_bits(u32::from(bits) << 16)
}

/// Maps a safetensors file and parses its header.
fn map_tensors(path: &Path) -> Result<(Arc<Mmap>, BTreeMap<String, Entry>), CheckpointError> {
    let unreadable = |source| CheckpointError::Read {
        path: path.into(),
        source,
    };
    let damaged = |reason: String| CheckpointError::Damaged {
        path: path.into(),
        reason,
    };
    let file = File::open(path).map_err(unreadable)?;
    // SAFETY: the mapping is read-only; as with any mapped file, nobody may truncate it while it is used.
    let map = unsafe { Mmap::map(&file) }.map_err(unreadable)?;
    let (header, metadata): (usize, Metadata) =
        SafeTensors::read_metadata(&map).map_err(|e| damaged(e.to_string()))?;
    // The header is preceded by its length in eight bytes.
    let data = header + 8;
    let mut entries = BTreeMap::new();
    let infos: BTreeMap<_, _> = metadata.tensors().into_iter().collect();
    for (name, info) in infos {
        let (start, end) = (data + info.data_offsets.0, data + info.data_offsets.1);
        if end > map.len() || start > end {
            return Err(damaged(format!("tensor `{name}` lies outside the file")));
        }
        let stored = name.clone();
        entries.insert(
            name,
            Entry {
                dtype: info.dtype,
                shape: info.shape.clone(),
                start,
                end,
                stored,
            },
        );
    }
    Ok((Arc::new(map), entries))
}

/// Little-endian elements as `f32`; `None` if the type is not floating-point.
fn floats(dtype: Dtype, bytes: &[u8]) -> Option<Vec<f32>> {
    Some(match dtype {
        Dtype::F32 => bytes
            .as_chunks::<4>()
            .0
            .iter()
            .map(|b| f32::from_le_bytes(*b))
            .collect(),
        Dtype::F64 => bytes
            .as_chunks::<8>()
            .0
            .iter()
            .map(|b| f64::from_le_bytes(*b) as f32)
            .collect(),
        Dtype::BF16 => bytes
            .as_chunks::<2>()
            .0
            .iter()
            .map(|b| wide(u16::from_le_bytes(*b)))
            .collect(),
        Dtype::F16 => bytes
            .as_chunks::<2>()
            .0
            .iter()
            .map(|b| f16::from_le_bytes(*b).to_f32())
            .collect(),
        _ => return None,
    })
}

/// Tensors of a safetensors file by name: shapes and `f32` elements; integers are converted.
///
/// For files of expected values; networks load their weights from a [`Checkpoint`].
pub(crate) fn read_tensors(path: &Path) -> Result<Tensors, CheckpointError> {
    let (map, entries) = map_tensors(path)?;
    let mut tensors = BTreeMap::new();
    for (name, entry) in entries {
        let bytes = &map[entry.start..entry.end];
        let values = match entry.dtype {
            Dtype::I64 => bytes
                .as_chunks::<8>()
                .0
                .iter()
                .map(|b| i64::from_le_bytes(*b) as f32)
                .collect(),
            Dtype::I32 => bytes
                .as_chunks::<4>()
                .0
                .iter()
                .map(|b| i32::from_le_bytes(*b) as f32)
                .collect(),
            dtype => floats(dtype, bytes).ok_or_else(|| CheckpointError::Element {
                path: path.into(),
                key: name.clone(),
                found: format!("{dtype:?}"),
            })?,
        };
        tensors.insert(name, (entry.shape, values));
    }
    Ok(tensors)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A file with one tensor `a` of the given type, shape and bytes.
    fn file(dtype: &str, shape: &[usize], bytes: &[u8]) -> Vec<u8> {
        let header = format!(
            r#"{{"a":{{"dtype":"{dtype}","shape":{shape:?},"data_offsets":[0,{}]}}}}"#,
            bytes.len()
        );
        let mut out = (header.len() as u64).to_le_bytes().to_vec();
        out.extend_from_slice(header.as_bytes());
        out.extend_from_slice(bytes);
        out
    }

    fn folder(weights: &[u8]) -> tempfile::TempDir {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(
            folder.path().join("config.json"),
            r#"{"model_type": "x", "n": 3, "bad": -1}"#,
        )
        .unwrap();
        std::fs::write(folder.path().join(WEIGHTS), weights).unwrap();
        folder
    }

    #[test]
    fn floating_point_kinds_become_f32() {
        let read = |dtype, bytes: &[u8]| {
            let folder = folder(&file(dtype, &[2], bytes));
            Checkpoint::open(folder.path())
                .unwrap()
                .f32("a", &[2])
                .unwrap()
        };
        assert_eq!(read("F32", &[0, 0, 128, 63, 0, 0, 0, 192]), [1.0, -2.0]);
        assert_eq!(read("BF16", &[128, 63, 0, 192]), [1.0, -2.0]);
        assert_eq!(read("F16", &[0, 60, 0, 192]), [1.0, -2.0]);
    }

    #[test]
    fn weights_are_of_the_kind_that_the_network_wants() {
        let folder = folder(&file("BF16", &[2], &[128, 63, 0, 192]));
        let checkpoint = Checkpoint::open(folder.path()).unwrap();
        let of = |element| checkpoint.weights("a", &[2], element).unwrap();
        // Elements of the requested type stay in the file if they are aligned.
        assert!(match of(Element::Bf16) {
            Weights::Mapped(Element::Bf16, mapped) => mapped.map[mapped.bytes] == [128, 63, 0, 192],
            Weights::Half(Element::Bf16, bits) => bits == [0x3f80, 0xc000],
            _ => false,
        });
        assert!(
            matches!(of(Element::F16), Weights::Half(Element::F16, bits) if bits == [0x3c00, 0xc000])
        );
        assert!(matches!(of(Element::F32), Weights::F32(values) if values == [1.0, -2.0]));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let whole = file("F32", &[2], &[0; 8]);
        let folder = folder(&whole);
        let checkpoint = Checkpoint::open(folder.path()).unwrap();
        let shape = checkpoint.f32("a", &[1, 2]).unwrap_err().to_string();
        assert!(
            shape.contains("`a` has shape [2]") && shape.contains("[1, 2]"),
            "{shape}"
        );
        let missing = checkpoint.f32("b", &[2]).unwrap_err().to_string();
        assert!(
            missing.contains("no tensor `b`") && missing.contains(WEIGHTS),
            "{missing}"
        );
        assert_eq!((checkpoint.used(), checkpoint.unused()), (1, vec![]));
        assert_eq!(checkpoint.config.count("n", 1).unwrap(), 3);
        assert_eq!(checkpoint.config.count("absent", 7).unwrap(), 7);
        assert!(
            checkpoint
                .config
                .count("bad", 1)
                .unwrap_err()
                .to_string()
                .contains("`bad` cannot be `-1`")
        );
        std::fs::write(folder.path().join(WEIGHTS), &whole[..whole.len() - 1]).unwrap();
        let cut = Checkpoint::open(folder.path()).err().unwrap().to_string();
        assert!(cut.contains("is damaged"), "{cut}");
        std::fs::write(folder.path().join(WEIGHTS), b"").unwrap();
        assert!(Checkpoint::open(folder.path()).is_err());
    }

    #[test]
    fn integers_are_no_weights() {
        let folder = folder(&file("I64", &[1], &[0; 8]));
        let error = Checkpoint::open(folder.path())
            .unwrap()
            .f32("a", &[1])
            .unwrap_err()
            .to_string();
        assert!(error.contains("holds I64"), "{error}");
    }
}
