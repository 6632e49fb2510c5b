//! Weights of a graph, added through ONNX Runtime's model editor as initializers.

use super::super::buffers::view;
use super::super::weights::Weights;
use ort::editor::Graph as EditorGraph;
use ort::memory::{Allocator, MemoryInfo};
use ort::value::DynTensor;
use ort::{AsPointer, Error};
use std::ffi::CString;

/// Tensors of fewer bytes are copied into the graph: the editor takes no smaller external ones.
const MIN_EXTERNAL: usize = 128;

/// Adds a weight; a large one is not copied, but owned by the [`Network`](super::Network).
pub(super) fn add_weight(
    graph: &mut EditorGraph,
    name: &str,
    shape: &[usize],
    weights: &Weights,
) -> Result<(), Error> {
    let (element, bytes) = (weights.element(), weights.bytes());
    if shape.iter().product::<usize>() * element.bytes() != bytes.len() {
        return Err(Error::new(format!("it has {} bytes", bytes.len())));
    }
    if bytes.len() < MIN_EXTERNAL {
        let mut tensor = DynTensor::new(&Allocator::default(), element.of_ort(), shape.to_vec())?;
        // SAFETY: the tensor is new, in CPU memory, and has as many bytes (checked above).
        unsafe {
            tensor
                .data_ptr_mut()
                .cast::<u8>()
                .copy_from_nonoverlapping(bytes.as_ptr(), bytes.len())
        };
        return add_initializer(graph, name, tensor, false);
    }
    if !bytes.as_ptr().addr().is_multiple_of(element.bytes()) {
        return Err(Error::new(format!(
            "it does not lie at a multiple of {} bytes",
            element.bytes()
        )));
    }
    // SAFETY: `bytes` has as many elements as `shape` says (checked above) and is owned by the graph, then by
    // the `Network` made of it, which drops its session first. Weights are only read.
    let tensor = unsafe {
        view(
            &MemoryInfo::default(),
            bytes.as_ptr().cast_mut().cast(),
            element,
            shape,
        )?
    };
    add_initializer(graph, name, tensor, true)
}

/// Adds a tensor; `is_external`: its elements are not copied.
fn add_initializer(
    graph: &mut EditorGraph,
    name: &str,
    tensor: impl AsPointer<Sys = ort::sys::OrtValue>,
    is_external: bool,
) -> Result<(), Error> {
    let c_name = CString::new(name).map_err(Error::wrap)?;
    let editor = ort::api::editor()?;
    // SAFETY: graph and tensor are alive; the call takes ownership of the tensor only on success, and then it
    // is forgotten here.
    unsafe {
        let status = (editor.AddInitializerToGraph)(
            graph.ptr().cast_mut(),
            c_name.as_ptr(),
            tensor.ptr().cast_mut(),
            is_external,
        );
        Error::result_from_status(status)?;
    }
    std::mem::forget(tensor);
    Ok(())
}
