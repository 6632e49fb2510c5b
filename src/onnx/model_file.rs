//! Weights and metadata of an ONNX file, for networks that are computed by our own kernels.
//!
//! Reads the few fields of the format that it needs (`onnx.proto3` of ONNX 1.16: `ModelProto`, `GraphProto`,
//! `TensorProto`). Nothing is copied or allocated by sizes that the file states: tensors are slices of it.

use std::collections::BTreeMap;

/// The parts of a model file.
pub(crate) struct ModelFile<'a> {
    tensors: BTreeMap<&'a str, Tensor<'a>>,
    metadata: BTreeMap<&'a str, &'a str>,
}

/// A tensor of the file.
#[derive(Default)]
struct Tensor<'a> {
    /// Element type: 1 for single precision.
    element: u64,
    /// Elements, little endian.
    data: &'a [u8],
}

/// A field of a message.
enum Field<'a> {
    Number(u64),
    Bytes(&'a [u8]),
    /// Of a kind that is not needed.
    Fixed,
}

/// What remains of a message.
struct Message<'a>(&'a [u8]);

impl<'a> Message<'a> {
    fn number(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..64).step_by(7) {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            value |= u64::from(byte & 0x7f) << shift;
            if byte & 0x80 == 0 {
                return Some(value);
            }
        }
        None
    }

    fn bytes(&mut self, count: u64) -> Option<&'a [u8]> {
        let (bytes, rest) = self.0.split_at_checked(usize::try_from(count).ok()?)?;
        self.0 = rest;
        Some(bytes)
    }

    /// The next field and its number.
    fn field(&mut self) -> Option<(u64, Field<'a>)> {
        let key = self.number()?;
        let field = match key & 7 {
            0 => Field::Number(self.number()?),
            1 => self.bytes(8).map(|_| Field::Fixed)?,
            2 => {
                let count = self.number()?;
                Field::Bytes(self.bytes(count)?)
            }
            5 => self.bytes(4).map(|_| Field::Fixed)?,
            _ => return None,
        };
        Some((key >> 3, field))
    }

    /// All fields; `None` if the message is broken off or malformed.
    fn each(mut self, mut take: impl FnMut(u64, Field<'a>) -> Option<()>) -> Option<()> {
        while !self.0.is_empty() {
            let (number, field) = self.field()?;
            take(number, field)?;
        }
        Some(())
    }
}

fn text(bytes: &[u8]) -> Option<&str> {
    std::str::from_utf8(bytes).ok()
}

impl<'a> ModelFile<'a> {
    /// Finds the parts of a file; `None` if it is no ONNX file.
    pub(crate) fn read(file: &'a [u8]) -> Option<Self> {
        let (mut tensors, mut metadata) = (BTreeMap::new(), BTreeMap::new());
        Message(file).each(|number, field| match (number, field) {
            // graph
            (7, Field::Bytes(graph)) => Message(graph).each(|number, field| {
                // initializer
                if let (5, Field::Bytes(bytes)) = (number, field) {
                    let (name, tensor) = read_tensor(bytes)?;
                    tensors.insert(name, tensor);
                }
                Some(())
            }),
            // metadata_props
            (14, Field::Bytes(entry)) => {
                let (mut key, mut value) = ("", "");
                Message(entry).each(|number, field| {
                    match (number, field) {
                        (1, Field::Bytes(bytes)) => key = text(bytes)?,
                        (2, Field::Bytes(bytes)) => value = text(bytes)?,
                        _ => {}
                    }
                    Some(())
                })?;
                metadata.insert(key, value);
                Some(())
            }
            _ => Some(()),
        })?;
        Some(ModelFile { tensors, metadata })
    }

    /// A tensor's elements in row-major order; `None` if there is none of this name, in single precision and
    /// with this number of elements.
    pub(crate) fn floats(&self, name: &str, count: usize) -> Option<Vec<f32>> {
        let tensor = self.tensors.get(name)?;
        let (elements, rest) = tensor.data.as_chunks::<4>();
        let fits = tensor.element == 1 && elements.len() == count && rest.is_empty();
        fits.then(|| elements.iter().map(|e| f32::from_le_bytes(*e)).collect())
    }

    /// The elements of all tensors in single precision, little endian: slices of the file.
    pub(crate) fn all_floats(&self) -> impl Iterator<Item = &'a [u8]> {
        let tensors = self.tensors.values();
        let floats = tensors.filter(|tensor| tensor.element == 1 && !tensor.data.is_empty());
        floats.map(|tensor| tensor.data)
    }

    /// A value of the file's own metadata.
    pub(crate) fn metadata(&self, key: &str) -> Option<&'a str> {
        self.metadata.get(key).copied()
    }
}

/// Kinds of messages in which tensors are.
#[derive(Clone, Copy)]
enum Kind {
    Model,
    Training,
    Graph,
    Function,
    Node,
    Attribute,
    Sparse,
    Tensor,
}

/// Limit of messages in each other: graphs lie in attributes of nodes.
const MOST_DEPTH: usize = 100;

/// `true` if a tensor of the file says that its elements are in another file; `None` if it is no ONNX file.
pub(crate) fn names_other_files(file: &[u8]) -> Option<bool> {
    has_external(file, Kind::Model, 0)
}

fn has_external(bytes: &[u8], kind: Kind, depth: usize) -> Option<bool> {
    if depth > MOST_DEPTH {
        return None;
    }
    let mut found = false;
    Message(bytes).each(|number, field| {
        let below = match (kind, number) {
            (Kind::Model, 7) | (Kind::Training, 1 | 2) | (Kind::Attribute, 6 | 11) => Kind::Graph,
            (Kind::Model, 20) => Kind::Training,
            (Kind::Model, 25) => Kind::Function,
            (Kind::Graph, 1) | (Kind::Function, 7) => Kind::Node,
            (Kind::Graph, 5) | (Kind::Attribute, 5 | 10) | (Kind::Sparse, 1 | 2) => Kind::Tensor,
            (Kind::Graph, 15) | (Kind::Attribute, 22 | 23) => Kind::Sparse,
            (Kind::Node, 5) | (Kind::Function, 11) => Kind::Attribute,
            // external_data, data_location
            (Kind::Tensor, 13) => {
                found = true;
                return Some(());
            }
            (Kind::Tensor, 14) => {
                found |= !matches!(field, Field::Number(0));
                return Some(());
            }
            _ => return Some(()),
        };
        let Field::Bytes(bytes) = field else {
            return None;
        };
        found |= has_external(bytes, below, depth + 1)?;
        Some(())
    })?;
    Some(found)
}

fn read_tensor(bytes: &[u8]) -> Option<(&str, Tensor<'_>)> {
    let (mut name, mut tensor) = ("", Tensor::default());
    Message(bytes).each(|number, field| {
        match (number, field) {
            // data_type, name, raw_data
            (2, Field::Number(element)) => tensor.element = element,
            (8, Field::Bytes(bytes)) => name = text(bytes)?,
            (9, Field::Bytes(bytes)) => tensor.data = bytes,
            _ => {}
        }
        Some(())
    })?;
    Some((name, tensor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tensors_in_other_files_are_seen_wherever_they_are() {
        let wrap = |field: u8, inner: &[u8]| {
            let mut bytes = vec![field << 3 | 2, inner.len() as u8];
            bytes.extend(inner);
            bytes
        };
        let (outside, inside) = ([14 << 3, 1], [14 << 3, 0]);
        let initializer = |tensor: &[u8]| wrap(7, &wrap(5, tensor));
        assert_eq!(names_other_files(&initializer(&inside)), Some(false));
        assert_eq!(names_other_files(&initializer(&outside)), Some(true));
        let listed = wrap(13, b"");
        assert_eq!(names_other_files(&initializer(&listed)), Some(true));
        let constant = wrap(7, &wrap(1, &wrap(5, &wrap(5, &outside))));
        assert_eq!(names_other_files(&constant), Some(true));
        let in_branch = wrap(7, &wrap(1, &wrap(5, &wrap(6, &wrap(5, &outside)))));
        assert_eq!(names_other_files(&in_branch), Some(true));
        assert_eq!(names_other_files(b"no model"), None);
        assert_eq!(names_other_files(&initializer(&[9 << 3 | 2, 200])), None);
    }

    /// A field of bytes.
    fn field(number: u8, bytes: &[u8]) -> Vec<u8> {
        [&[number << 3 | 2, bytes.len() as u8], bytes].concat()
    }

    /// A file with the tensor `w` and a metadatum.
    fn file(data: &[u8], element: u8) -> Vec<u8> {
        let tensor = [
            &[1 << 3, 2, 2 << 3, element][..],
            &field(8, b"w"),
            &field(9, data),
        ]
        .concat();
        let graph = field(7, &[field(1, b"node"), field(5, &tensor)].concat());
        let entry = [field(1, b"character"), field(2, b"a\nb")].concat();
        // Fields of other kinds lie between: a version, a double, a float.
        let others = [
            &[1 << 3, 0x96, 1][..],
            &[15 << 3 | 1, 0, 0, 0, 0, 0, 0, 0, 0],
        ]
        .concat();
        [
            others,
            vec![13 << 3 | 5, 0, 0, 0, 0],
            graph,
            field(14, &entry),
        ]
        .concat()
    }

    #[test]
    fn tensors_and_metadata_are_found() {
        let data = [1.5f32.to_le_bytes(), (-2f32).to_le_bytes()].concat();
        let bytes = file(&data, 1);
        let read = ModelFile::read(&bytes).unwrap();
        assert_eq!(read.floats("w", 2), Some(vec![1.5, -2.0]));
        assert_eq!((read.floats("w", 3), read.floats("v", 2)), (None, None));
        assert_eq!(read.metadata("character"), Some("a\nb"));
        assert_eq!(read.metadata("other"), None);
        let bytes = file(&data, 7);
        assert_eq!(ModelFile::read(&bytes).unwrap().floats("w", 2), None);
        let bytes = file(&data[..7], 1);
        assert_eq!(ModelFile::read(&bytes).unwrap().floats("w", 1), None);
    }

    #[test]
    fn files_that_are_cut_off_or_changed_are_refused_or_read_without_a_panic() {
        let bytes = file(&[0; 8], 1);
        let whole: Vec<usize> = (0..bytes.len())
            .filter(|end| ModelFile::read(&bytes[..*end]).is_some())
            .collect();
        // Only between fields of the model: after none, the three others, and the graph.
        assert_eq!(whole.len(), 5, "{whole:?}");
        for at in 0..bytes.len() {
            for value in [0, 0x7f, 0x80, 0xff] {
                let mut changed = bytes.clone();
                changed[at] = value;
                if let Some(read) = ModelFile::read(&changed) {
                    assert!(read.floats("w", 2).is_none_or(|floats| floats.len() == 2));
                }
            }
        }
        // A length beyond what a machine can address, and one of more than 64 bits.
        let huge = [
            7 << 3 | 2,
            0xff,
            0xff,
            0xff,
            0xff,
            0xff,
            0xff,
            0xff,
            0xff,
            0xff,
            1,
        ];
        assert!(ModelFile::read(&huge).is_none());
        assert!(ModelFile::read(&[0xff; 12]).is_none());
    }
}
