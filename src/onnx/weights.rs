//! Weights as they are passed to a network, and their element types.

use memmap2::Mmap;
use ort::value::TensorElementType;
use std::ops::Range;
use std::sync::Arc;

/// An element type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Element {
    /// Single precision.
    F32,
    /// 64-bit integers.
    I64,
    /// 32-bit integers.
    I32,
    /// Half precision (IEEE 754 binary16).
    F16,
    /// The upper half of single precision (bfloat16).
    Bf16,
}

impl Element {
    pub(super) fn of_ort(self) -> TensorElementType {
        match self {
            Element::F32 => TensorElementType::Float32,
            Element::I64 => TensorElementType::Int64,
            Element::I32 => TensorElementType::Int32,
            Element::F16 => TensorElementType::Float16,
            Element::Bf16 => TensorElementType::Bfloat16,
        }
    }

    /// Its number in ONNX attributes.
    pub(super) fn number(self) -> i64 {
        match self {
            Element::F32 => 1,
            Element::I32 => 6,
            Element::I64 => 7,
            Element::F16 => 10,
            Element::Bf16 => 16,
        }
    }

    /// Bytes per element.
    pub fn bytes(self) -> usize {
        match self {
            Element::F16 | Element::Bf16 => 2,
            Element::F32 | Element::I32 => 4,
            Element::I64 => 8,
        }
    }
}

/// Elements of a weight, row-major.
pub enum Weights {
    /// Single precision.
    F32(Vec<f32>),
    /// 64-bit integers.
    I64(Vec<i64>),
    /// Half precision or bfloat16, as bits.
    Half(Element, Vec<u16>),
    /// In a mapped file, aligned to the element size.
    Mapped(Element, Mapped),
}

impl Weights {
    pub(super) fn element(&self) -> Element {
        match self {
            Weights::F32(_) => Element::F32,
            Weights::I64(_) => Element::I64,
            Weights::Half(element, _) | Weights::Mapped(element, _) => *element,
        }
    }

    /// Stacks matrices of equal width vertically.
    pub fn stacked(parts: Vec<Weights>) -> Weights {
        let mut parts = parts;
        if parts.len() == 1 {
            return parts.remove(0);
        }
        let element = parts.first().map_or(Element::F32, Weights::element);
        let bytes = parts.iter().flat_map(Weights::bytes).copied();
        match element {
            // Two bytes per element.
            Element::F16 | Element::Bf16 => {
                let bytes: Vec<u8> = bytes.collect();
                Weights::Half(element, bytemuck::pod_collect_to_vec(&bytes))
            }
            Element::I64 => Weights::I64(bytemuck::pod_collect_to_vec(&bytes.collect::<Vec<u8>>())),
            _ => Weights::F32(bytemuck::pod_collect_to_vec(&bytes.collect::<Vec<u8>>())),
        }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        match self {
            Weights::F32(data) => bytemuck::cast_slice(data),
            Weights::I64(data) => bytemuck::cast_slice(data),
            Weights::Half(_, data) => bytemuck::cast_slice(data),
            Weights::Mapped(_, mapped) => &mapped.map[mapped.bytes.clone()],
        }
    }
}

/// Location of a tensor's elements in a mapped file.
pub struct Mapped {
    /// The file.
    pub map: Arc<Mmap>,
    /// Byte range of the elements.
    pub bytes: Range<usize>,
}
