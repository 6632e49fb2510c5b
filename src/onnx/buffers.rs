//! Tensors that stay in the memory of a network's device, and calls that are bound to them: the state that a
//! decoder keeps between steps is never copied.

use super::OnnxError;
pub(crate) use super::cuda::memory::Blocks;
use super::cuda::memory::{DeviceMemory, PinnedMemory};
use super::cuda::{self, budget, turns};
use super::network::{Array, Network, RunOutputs, SessionPlace};
use super::watch;
use super::weights::Element;
use bytemuck::Pod;
use ort::memory::{AllocationDevice, Allocator, AllocatorType, MemoryInfo, MemoryType};
use ort::session::{IoBinding, RunOptions};
use ort::value::DynTensor;
use ort::{AsPointer, Error};
use std::ffi::{CString, c_void};
use std::ops::Range;
use std::ptr::NonNull;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, ThreadId};

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
    memory: BufferMemory,
    element: Element,
    shape: Vec<usize>,
}

enum BufferMemory {
    /// A tensor of ONNX Runtime's in host memory.
    Host(Mutex<DynTensor>),
    /// Memory of our own on a GPU: that of a session is no place for what outlives a run (see [`cuda::memory`]).
    Gpu {
        memory: DeviceMemory,
        info: MemoryInfo<'static>,
        /// Pinned host memory for copies; `None` if the buffer is too large to be copied.
        staging: Option<Mutex<PinnedMemory>>,
    },
}

impl Buffer {
    /// A zeroed buffer in host memory, or on a GPU within its budget.
    fn new(place: &SessionPlace, element: Element, shape: &[usize]) -> Result<Buffer, Error> {
        let bytes = shape.iter().product::<usize>() * element.bytes();
        let memory = match place.gpu {
            None => {
                // `ort` cannot make bfloat16 tensors; half precision has the same width.
                let stored = match element {
                    Element::Bf16 => Element::F16,
                    other => other,
                };
                let tensor =
                    DynTensor::new(&Allocator::default(), stored.of_ort(), shape.to_vec())?;
                BufferMemory::Host(Mutex::new(tensor))
            }
            Some(gpu) => {
                let reserved = budget::reserve(gpu, place.gpu_memory, bytes).map_err(Error::new)?;
                let small = bytes < STAGED;
                BufferMemory::Gpu {
                    // Zeroed: uninitialized memory may hold NaN, which stays NaN when multiplied by zero.
                    memory: DeviceMemory::zeroed(gpu, bytes, reserved).map_err(Error::new)?,
                    info: MemoryInfo::new(
                        AllocationDevice::CUDA,
                        gpu as i32,
                        AllocatorType::Device,
                        MemoryType::Default,
                    )?,
                    staging: small
                        .then(|| PinnedMemory::zeroed(gpu, bytes).map(Mutex::new))
                        .transpose()
                        .map_err(Error::new)?,
                }
            }
        };
        Ok(Buffer {
            memory,
            element,
            shape: shape.to_vec(),
        })
    }

    /// Writes the first entries of the first dimension, as many as there are in `data`.
    ///
    /// # Panics
    ///
    /// If `data` is longer than the buffer, or a buffer on a GPU is too large to be copied.
    pub fn write<T: Pod>(&self, data: &[T]) -> Result<(), OnnxError> {
        let data: &[u8] = bytemuck::cast_slice(data);
        assert!(data.len() <= self.bytes(), "elements of a buffer");
        match &self.memory {
            BufferMemory::Host(tensor) => {
                let mut tensor = lock(tensor);
                // SAFETY: the tensor is in host memory and has at least that many bytes.
                unsafe {
                    tensor
                        .data_ptr_mut()
                        .cast::<u8>()
                        .copy_from_nonoverlapping(data.as_ptr(), data.len())
                };
                Ok(())
            }
            BufferMemory::Gpu {
                memory, staging, ..
            } => {
                let mut staging = lock(staging.as_ref().expect(SMALL));
                staging.bytes_mut()[..data.len()].copy_from_slice(data);
                let copied = memory.write(&staging, data.len());
                copied.map_err(|error| OnnxError::of_gpu(memory.gpu(), "a buffer", &error))
            }
        }
    }

    /// Reads the first `rows` entries of the first dimension; elements must be `f32`.
    ///
    /// # Panics
    ///
    /// If there are fewer, or a buffer on a GPU is too large to be copied.
    pub fn read_f32(&self, rows: usize) -> Result<Vec<f32>, OnnxError> {
        let bytes = rows * self.row_bytes();
        assert!(bytes <= self.bytes(), "rows of a buffer");
        match &self.memory {
            BufferMemory::Host(tensor) => {
                let tensor = lock(tensor);
                let all = tensor.try_extract_tensor::<f32>();
                let (_, all) =
                    all.map_err(|error| OnnxError::of_run("a buffer", &error.to_string()))?;
                Ok(all[..bytes / Element::F32.bytes()].to_vec())
            }
            BufferMemory::Gpu {
                memory, staging, ..
            } => {
                let mut staging = lock(staging.as_ref().expect(SMALL));
                let copied = memory.read(&mut staging, bytes);
                copied.map_err(|error| OnnxError::of_gpu(memory.gpu(), "a buffer", &error))?;
                Ok(bytemuck::pod_collect_to_vec(&staging.bytes()[..bytes]))
            }
        }
    }

    /// Copies `count` blocks of `length` elements from another buffer on the same device. [`Buffer::copied`] is called
    /// before a network reads them.
    ///
    /// # Panics
    ///
    /// If the elements are of another type, a block is not within its buffer, or both are the same buffer.
    pub(crate) fn copy_blocks(
        &self,
        to: Blocks,
        (from, at): (&Buffer, Blocks),
        length: usize,
        count: usize,
    ) -> Result<(), OnnxError> {
        assert_eq!(self.element, from.element, "elements of a buffer");
        let width = self.element.bytes();
        let [to, at] = [to, at].map(|blocks| Blocks {
            first: blocks.first * width,
            step: blocks.step * width,
        });
        let length = length * width;
        assert!(
            to.end(length, count) <= self.bytes() && at.end(length, count) <= from.bytes(),
            "blocks of a buffer"
        );
        match (&self.memory, &from.memory) {
            (BufferMemory::Host(own), BufferMemory::Host(other)) => {
                assert!(!std::ptr::eq(own, other), "two buffers");
                let (mut own, mut other) = (lock(own), lock(other));
                let (own, other) = (own.data_ptr_mut(), other.data_ptr_mut());
                for block in 0..count {
                    // SAFETY: all blocks lie within both tensors (checked above), which are different ones in host
                    // memory.
                    unsafe {
                        own.cast::<u8>()
                            .add(to.first + block * to.step)
                            .copy_from_nonoverlapping(
                                other.cast::<u8>().add(at.first + block * at.step),
                                length,
                            );
                    }
                }
                Ok(())
            }
            (
                BufferMemory::Gpu { memory, .. },
                BufferMemory::Gpu {
                    memory: from_memory,
                    ..
                },
            ) => {
                let copied = memory.copy_blocks(to, (from_memory, at), length, count);
                copied.map_err(|error| OnnxError::of_gpu(memory.gpu(), "a buffer", &error))
            }
            _ => unreachable!("buffers of one network are on one device"),
        }
    }

    /// Waits for the copies that [`Buffer::copy_blocks`] has begun, of all buffers of the device.
    pub(crate) fn copied(&self) -> Result<(), OnnxError> {
        match &self.memory {
            BufferMemory::Host(_) => Ok(()),
            BufferMemory::Gpu { memory, .. } => memory
                .copied()
                .map_err(|error| OnnxError::of_gpu(memory.gpu(), "a buffer", &error)),
        }
    }

    fn bytes(&self) -> usize {
        self.shape.iter().product::<usize>() * self.element.bytes()
    }

    fn row_bytes(&self) -> usize {
        self.bytes() / self.shape[0].max(1)
    }

    /// Entries `rows` of the first dimension as a tensor.
    fn rows(&self, rows: Range<usize>) -> Result<TensorView, Error> {
        assert!(
            rows.start <= rows.end && rows.end <= self.shape[0],
            "rows of a buffer"
        );
        let mut shape = self.shape.clone();
        shape[0] = rows.len();
        self.part(rows.start * self.row_bytes(), &shape)
    }

    /// The memory from a byte on as a tensor of a shape.
    fn part(&self, first: usize, shape: &[usize]) -> Result<TensorView, Error> {
        let bytes = shape.iter().product::<usize>() * self.element.bytes();
        assert!(first + bytes <= self.bytes(), "part of a buffer");
        // SAFETY: the part lies in the buffer (checked above), which the binding that gets the view keeps.
        unsafe {
            match &self.memory {
                BufferMemory::Host(tensor) => {
                    let mut tensor = lock(tensor);
                    let start = tensor.data_ptr_mut().wrapping_byte_add(first);
                    view(tensor.memory_info(), start, self.element, shape)
                }
                BufferMemory::Gpu { memory, info, .. } => {
                    let start = memory.start().wrapping_byte_add(first);
                    view(info, start, self.element, shape)
                }
            }
        }
    }
}

/// Size in bytes from which buffers get no staging memory; buffers that large are never copied.
const STAGED: usize = 16 << 20;
const SMALL: &str = "buffers that are copied are small";

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A call of a network with inputs and outputs bound to buffers; it can be run repeatedly.
pub struct Call {
    binding: IoBinding,
    /// Buffers that the bound views point into.
    kept: Vec<Arc<Buffer>>,
    options: Arc<RunOptions>,
    /// `true` once an output is bound to a buffer.
    has_placed_outputs: bool,
    gpu: Option<u32>,
    /// `true` if it is captured.
    captures: bool,
    /// The thread that has captured it. ONNX Runtime keeps captured graphs by thread: in another one it would
    /// capture the call again.
    captured_by: Option<ThreadId>,
}

impl Network {
    /// A zeroed buffer on the network's device.
    pub fn buffer(&self, element: Element, shape: &[usize]) -> Result<Arc<Buffer>, OnnxError> {
        let buffer = Buffer::new(self.place(), element, shape);
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
            gpu: self.gpu(),
            captures: self.captures() && captured.is_some(),
            captured_by: None,
        })
    }

    /// Runs a call; `read` gets the outputs that [`Call::output_to_cpu`] asked for.
    ///
    /// On a GPU it waits while a graph is captured; if it is itself to be captured, and this thread has not done so
    /// yet, it waits until nothing else uses a GPU. Fails if the runtime does: with [`OnnxError::OutOfMemory`] if
    /// the device has too little memory, with [`OnnxError::Lost`] if it can run nothing any more. Unwinds if the thread's deadline passes or its job is cancelled, before or during the run: see
    /// [`crate::deadline`].
    pub fn run_call<T>(
        &mut self,
        call: &mut Call,
        read: impl FnOnce(&RunOutputs<'_>) -> Result<T, OnnxError>,
    ) -> Result<T, OnnxError> {
        let gpu = self.gpu();
        if let Some(reason) = gpu.and_then(cuda::lost) {
            return Err(OnnxError::of_lost(self.name(), reason));
        }
        let (session, name) = self.parts();
        let options = &call.options;
        let thread = thread::current().id();
        let is_capture = call.captures && call.captured_by != Some(thread);
        let outputs = if is_capture {
            let _turn = turns::alone();
            // Not ended in its middle by a deadline: the stream would be left in capture mode.
            session.run_binding_with_options(&call.binding, options)
        } else {
            let _turn = gpu.map(|_| turns::shared());
            watch::watched(options, || {
                session.run_binding_with_options(&call.binding, options)
            })
        };
        let outputs = outputs.map_err(|error| match gpu {
            Some(gpu) => OnnxError::of_gpu(gpu, name, &error.to_string()),
            None => OnnxError::of_run(name, &error.to_string()),
        })?;
        call.captured_by = is_capture.then_some(thread).or(call.captured_by);
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

    /// `true` if this thread has captured it.
    pub fn is_captured(&self) -> bool {
        self.captured_by == Some(thread::current().id())
    }

    /// Binds an input to an array; if the device is a GPU, it is copied there now.
    pub fn array(&mut self, input: &str, array: Array) -> Result<(), OnnxError> {
        let fail = |error: Error| {
            let what = format!("input `{input}`");
            match self.gpu {
                Some(gpu) => OnnxError::of_gpu(gpu, &what, &error.to_string()),
                None => OnnxError::of_run(&what, &error.to_string()),
            }
        };
        let value = array.into_value().map_err(fail)?;
        let turn = self.gpu.map(|_| turns::shared());
        let bound = self.binding.bind_input(input, &value);
        drop(turn);
        bound.map_err(fail)
    }

    /// Binds an input to entries of a buffer's first dimension.
    pub fn input(
        &mut self,
        input: &str,
        buffer: &Arc<Buffer>,
        rows: Range<usize>,
    ) -> Result<(), OnnxError> {
        self.bind(input, buffer, buffer.rows(rows), ort::api().BindInput)
    }

    /// Binds an input and an output to the same memory, that of the first elements of a buffer in a shape of their own,
    /// for an operator that writes in place.
    pub fn in_place(
        &mut self,
        [input, output]: [&str; 2],
        buffer: &Arc<Buffer>,
        shape: &[usize],
    ) -> Result<(), OnnxError> {
        self.has_placed_outputs = true;
        self.bind(input, buffer, buffer.part(0, shape), ort::api().BindInput)?;
        self.bind(output, buffer, buffer.part(0, shape), ort::api().BindOutput)
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
        self.bind(output, buffer, buffer.rows(rows), ort::api().BindOutput)
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
        view: Result<TensorView, Error>,
        bind: unsafe extern "system" fn(
            *mut ort::sys::OrtIoBinding,
            *const std::ffi::c_char,
            *const ort::sys::OrtValue,
        ) -> ort::sys::OrtStatusPtr,
    ) -> Result<(), OnnxError> {
        let fail = |error: Error| OnnxError::of_run(&format!("port `{port}`"), &error.to_string());
        let view = view.map_err(fail)?;
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
