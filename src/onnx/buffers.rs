//! Tensors that stay in the memory of a network's device, and calls that are bound to them: the state that a
//! decoder keeps between steps is never copied.

use super::OnnxError;
use super::network::{Array, Network, RunOutputs};
use super::watch;
use super::weights::Element;
use bytemuck::Pod;
use ort::memory::{AllocationDevice, Allocator, AllocatorType, MemoryInfo, MemoryType};
use ort::session::{IoBinding, RunOptions, Session};
use ort::value::DynTensor;
use ort::{AsPointer, Error};
use std::ffi::{CString, c_void};
use std::ops::Range;
use std::ptr::NonNull;
use std::sync::{Arc, Mutex, PoisonError};

/// Graph annotation id of runs that are not captured.
const NOT_CAPTURED: &str = "-1";

/// A tensor over memory that it does not own.
pub(super) struct TensorView(NonNull<ort::sys::OrtValue>);

impl AsPointer for TensorView {
    type Sys = ort::sys::OrtValue;

    fn ptr(&self) -> *const Self::Sys {
        self.0.as_ptr()
    }
}

impl Drop for TensorView {
    fn drop(&mut self) {
        // SAFETY: it was made by `view` and is released only here.
        unsafe { (ort::api().ReleaseValue)(self.0.as_ptr()) };
    }
}

/// Makes a tensor over memory.
///
/// # Safety
///
/// `data` must point to as many elements as `shape` has, in the memory that `info` names, for as long as the
/// tensor, or a binding that it is given to, is used.
pub(super) unsafe fn view(
    info: &MemoryInfo<'_>,
    data: *mut c_void,
    element: Element,
    shape: &[usize],
) -> Result<TensorView, Error> {
    let bytes = shape.iter().product::<usize>() * element.bytes();
    let shape: Vec<i64> = shape.iter().map(|n| *n as i64).collect();
    let mut value = std::ptr::null_mut();
    // SAFETY: the shape is passed with its length; the rest is up to the caller.
    unsafe {
        let status = (ort::api().CreateTensorWithDataAsOrtValue)(
            info.ptr(),
            data,
            bytes,
            shape.as_ptr(),
            shape.len(),
            element.of_ort().into(),
            &mut value,
        );
        Error::result_from_status(status)?;
    }
    NonNull::new(value)
        .map(TensorView)
        .ok_or_else(|| Error::new("the runtime made no tensor"))
}

/// A tensor in the memory of a network's device.
pub struct Buffer {
    tensor: Mutex<DynTensor>,
    /// Pinned host memory for transfers; `None` if the buffer is in host memory or too large to be written.
    staging: Option<Mutex<DynTensor>>,
    element: Element,
    shape: Vec<usize>,
}

impl Buffer {
    /// A zeroed buffer on the device of a session; `gpu` is the device's number.
    pub(super) fn new(
        session: &Session,
        gpu: Option<u32>,
        element: Element,
        shape: &[usize],
    ) -> Result<Buffer, Error> {
        // `ort` cannot copy bfloat16 tensors; half precision has the same width.
        let stored = if element == Element::Bf16 {
            Element::F16
        } else {
            element
        };
        let tensor =
            |allocator: &Allocator| DynTensor::new(allocator, stored.of_ort(), shape.to_vec());
        let (tensor, staging) = match gpu {
            None => (tensor(&Allocator::default())?, None),
            Some(gpu) => {
                let on =
                    |device, kind| MemoryInfo::new(device, gpu as i32, AllocatorType::Device, kind);
                let info = on(AllocationDevice::CUDA, MemoryType::Default)?;
                let mut device = tensor(&Allocator::new(session, info)?)?;
                // Uninitialized memory may hold NaN, which stays NaN when multiplied by zero. Host memory is
                // allocated zeroed.
                tensor(&Allocator::default())?.copy_into(&mut device)?;
                let info = on(AllocationDevice::CUDA_PINNED, MemoryType::CPUInput)?;
                let small = shape.iter().product::<usize>() * element.bytes() < STAGED;
                let staging = if small {
                    Some(tensor(&Allocator::new(session, info)?)?)
                } else {
                    None
                };
                (device, staging)
            }
        };
        let staging = staging.map(Mutex::new);
        Ok(Buffer {
            tensor: Mutex::new(tensor),
            staging,
            element,
            shape: shape.to_vec(),
        })
    }

    /// Writes all elements.
    ///
    /// # Panics
    ///
    /// If `data` has a different number of bytes.
    pub fn write<T: Pod>(&self, data: &[T]) -> Result<(), OnnxError> {
        let fail = |error: Error| OnnxError::of_run("a buffer", &error.to_string());
        let mut tensor = lock(&self.tensor);
        match &self.staging {
            None => {
                fill(&mut tensor, self.bytes(), data);
                Ok(())
            }
            Some(staging) => {
                let mut staging = lock(staging);
                fill(&mut staging, self.bytes(), data);
                staging.copy_into(&mut *tensor).map_err(fail)
            }
        }
    }

    /// Reads all elements; they must be `f32`.
    pub fn read_f32(&self) -> Result<Vec<f32>, OnnxError> {
        let fail = |error: Error| OnnxError::of_run("a buffer", &error.to_string());
        let tensor = lock(&self.tensor);
        match tensor.memory_info().is_cpu_accessible() {
            true => Ok(tensor.try_extract_tensor::<f32>().map_err(fail)?.1.to_vec()),
            false => {
                let host = tensor.to(AllocationDevice::CPU, 0).map_err(fail)?;
                Ok(host.try_extract_tensor::<f32>().map_err(fail)?.1.to_vec())
            }
        }
    }

    fn bytes(&self) -> usize {
        self.shape.iter().product::<usize>() * self.element.bytes()
    }

    /// Entries `rows` of the first dimension as a tensor.
    fn rows(&self, rows: Range<usize>) -> Result<TensorView, Error> {
        assert!(
            rows.start <= rows.end && rows.end <= self.shape[0],
            "rows of a buffer"
        );
        let row = self.bytes() / self.shape[0].max(1);
        let mut shape = self.shape.clone();
        shape[0] = rows.len();
        let mut tensor = lock(&self.tensor);
        let start = tensor.data_ptr_mut().wrapping_byte_add(rows.start * row);
        // SAFETY: the rows lie in the buffer (checked above), which the binding that gets the view keeps.
        unsafe { view(tensor.memory_info(), start, self.element, &shape) }
    }
}

/// Size in bytes from which buffers get no staging memory; buffers that large are never written.
const STAGED: usize = 16 << 20;

fn lock(tensor: &Mutex<DynTensor>) -> std::sync::MutexGuard<'_, DynTensor> {
    tensor.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Fills a tensor in host memory.
fn fill<T: Pod>(tensor: &mut DynTensor, bytes: usize, data: &[T]) {
    let data: &[u8] = bytemuck::cast_slice(data);
    assert_eq!(bytes, data.len(), "elements of a buffer");
    // SAFETY: the tensor is in host memory and has that many bytes.
    unsafe {
        tensor
            .data_ptr_mut()
            .cast::<u8>()
            .copy_from_nonoverlapping(data.as_ptr(), bytes)
    };
}

/// A call of a network with inputs and outputs bound to buffers; it can be run repeatedly.
pub struct Call {
    binding: IoBinding,
    /// Buffers that the bound views point into.
    kept: Vec<Arc<Buffer>>,
    options: Arc<RunOptions>,
    /// `true` once an output is bound to a buffer.
    has_placed_outputs: bool,
}

impl Network {
    /// A zeroed buffer on the network's device.
    pub fn buffer(&self, element: Element, shape: &[usize]) -> Result<Arc<Buffer>, OnnxError> {
        let buffer = Buffer::new(self.session(), self.gpu(), element, shape);
        buffer.map(Arc::new).map_err(|error| self.failed(&error))
    }

    /// A call with nothing bound yet.
    ///
    /// `captured`: for a network made to capture its runs as CUDA graphs, the number of this one; it must
    /// always have the same shapes and buffers, and only arrays that the CPU reads.
    pub fn call(&self, captured: Option<usize>) -> Result<Call, OnnxError> {
        let fail = |error: Error| self.failed(&error);
        let mut options = RunOptions::new().map_err(fail)?;
        if self.captures() {
            let number = captured.map_or(NOT_CAPTURED.to_string(), |number| number.to_string());
            options.set("gpu_graph_id", number).map_err(fail)?;
        }
        let binding = self.session().create_binding().map_err(fail)?;
        Ok(Call {
            binding,
            kept: Vec::new(),
            options: Arc::new(options),
            has_placed_outputs: false,
        })
    }

    /// Runs a call; `read` gets the outputs that [`Call::output_to_cpu`] asked for.
    ///
    /// Unwinds if the thread's deadline passes or its job is cancelled, before or during the run: see
    /// [`crate::deadline`].
    pub fn run_call<T>(
        &mut self,
        call: &mut Call,
        read: impl FnOnce(&RunOutputs<'_>) -> Result<T, OnnxError>,
    ) -> Result<T, OnnxError> {
        let (session, name) = self.parts();
        let options = &call.options;
        let outputs = watch::watched(options, || {
            session.run_binding_with_options(&call.binding, options)
        });
        let outputs = outputs.map_err(|error| OnnxError::of_run(name, &error.to_string()))?;
        read(&RunOutputs::new(outputs, name))
    }
}

impl Call {
    /// Has the run give the host memory back to the system that no run holds when it ends; the runtime would
    /// keep it for the next one.
    pub fn release_memory(&mut self) -> Result<(), OnnxError> {
        let fail = |error: Error| OnnxError::of_run("the options of a run", &error.to_string());
        let options = Arc::get_mut(&mut self.options);
        let options = options.expect("shared only during a run");
        let arenas = "cpu:0";
        options
            .set("memory.enable_memory_arena_shrinkage", arenas)
            .map_err(fail)
    }

    /// Binds an input to an array; if the device is a GPU, it is copied there now.
    pub fn array(&mut self, input: &str, array: Array) -> Result<(), OnnxError> {
        let fail =
            |error: Error| OnnxError::of_run(&format!("input `{input}`"), &error.to_string());
        let value = array.into_value().map_err(fail)?;
        self.binding.bind_input(input, &value).map_err(fail)
    }

    /// Binds an input to entries of a buffer's first dimension.
    pub fn input(
        &mut self,
        input: &str,
        buffer: &Arc<Buffer>,
        rows: Range<usize>,
    ) -> Result<(), OnnxError> {
        self.bind(input, buffer, rows, ort::api().BindInput)
    }

    /// Binds an output to entries of a buffer's first dimension; the same entries as an input's if the
    /// operator writes in place.
    pub fn output(
        &mut self,
        output: &str,
        buffer: &Arc<Buffer>,
        rows: Range<usize>,
    ) -> Result<(), OnnxError> {
        self.has_placed_outputs = true;
        self.bind(output, buffer, rows, ort::api().BindOutput)
    }

    /// Asks for an output in host memory. Such outputs are bound before any that goes to a buffer.
    ///
    /// # Panics
    ///
    /// If an output is bound to a buffer already.
    pub fn output_to_cpu(&mut self, output: &str) -> Result<(), OnnxError> {
        // `ort` names the first results after the outputs that were bound through it.
        assert!(
            !self.has_placed_outputs,
            "outputs in the host's memory come first"
        );
        let fail =
            |error: Error| OnnxError::of_run(&format!("output `{output}`"), &error.to_string());
        self.binding
            .bind_output_to_device(output, &MemoryInfo::default())
            .map_err(fail)
    }

    fn bind(
        &mut self,
        port: &str,
        buffer: &Arc<Buffer>,
        rows: Range<usize>,
        bind: unsafe extern "system" fn(
            *mut ort::sys::OrtIoBinding,
            *const std::ffi::c_char,
            *const ort::sys::OrtValue,
        ) -> ort::sys::OrtStatusPtr,
    ) -> Result<(), OnnxError> {
        let fail = |error: Error| OnnxError::of_run(&format!("port `{port}`"), &error.to_string());
        let view = buffer.rows(rows).map_err(fail)?;
        let name = CString::new(port).map_err(Error::wrap).map_err(fail)?;
        // SAFETY: binding, name and tensor are alive; the binding shares ownership of the tensor, and the
        // memory behind it stays because the buffer is kept beside the binding. (`ort`'s own methods would
        // copy a borrowed tensor.)
        let status = unsafe { bind(self.binding.ptr().cast_mut(), name.as_ptr(), view.ptr()) };
        // SAFETY: the runtime has just returned this status.
        unsafe { Error::result_from_status(status) }.map_err(fail)?;
        self.kept.push(buffer.clone());
        Ok(())
    }
}
