//! A loaded network: named tensors in, named tensors out.
//!
//! It runs on one thread at a time (`run` takes `&mut self`) and is never called inside a rayon task: ONNX
//! Runtime has its own threads.

use super::OnnxError;
use super::cuda::budget::Reservation;
use super::cuda::{lost, turns};
use super::weights::{Element, Weights};
use ort::session::{Session, SessionOutputs};
use ort::value::{DynValue, Tensor, TensorElementType, ValueType};
use std::mem::ManuallyDrop;

/// Elements of an input, row-major, with their shape.
#[derive(Debug, Clone)]
pub enum Array {
    /// Single precision.
    F32(Vec<usize>, Vec<f32>),
    /// 64-bit integers.
    I64(Vec<usize>, Vec<i64>),
    /// 32-bit integers.
    I32(Vec<usize>, Vec<i32>),
}

impl Array {
    pub(super) fn into_value(self) -> ort::Result<DynValue> {
        Ok(match self {
            Array::F32(shape, data) => Tensor::from_array((shape, data))?.into_dyn(),
            Array::I64(shape, data) => Tensor::from_array((shape, data))?.into_dyn(),
            Array::I32(shape, data) => Tensor::from_array((shape, data))?.into_dyn(),
        })
    }
}

/// An input or output of a model file.
#[derive(Debug, Clone, PartialEq)]
pub struct PortInfo {
    /// Its name.
    pub name: String,
    /// Element type, if it is one that docparse uses.
    pub element: Option<Element>,
    /// Dimensions; -1 for those known only at run time.
    pub shape: Vec<i64>,
}

/// A network, ready to run.
pub struct Network {
    // Dropped by `drop`, before the weights: the session points into them.
    session: ManuallyDrop<Session>,
    _weights: Vec<Weights>,
    name: String,
    outputs: Vec<String>,
    place: SessionPlace,
}

impl Drop for Network {
    fn drop(&mut self) {
        // ONNX Runtime ends the process if it cannot free memory of a device that is lost. There it is left behind: its
        // process has nothing left to do.
        if self.place.gpu.and_then(lost).is_some() {
            return;
        }
        let _turn = self.place.gpu.map(|_| turns::shared());
        // SAFETY: this is the only place where it is dropped, and nothing uses it afterwards.
        unsafe { ManuallyDrop::drop(&mut self.session) };
    }
}

/// Device and mode of a session.
#[derive(Debug, Default)]
pub(super) struct SessionPlace {
    /// Number of the GPU; `None` for the CPU.
    pub gpu: Option<u32>,
    /// `true` if runs are captured as CUDA graphs.
    pub captures: bool,
    /// The GPU's memory limit in bytes.
    pub gpu_memory: Option<usize>,
    /// The session's part of that.
    pub _reserved: Option<Reservation>,
}

impl Network {
    pub(super) fn new(
        name: String,
        (session, place): (Session, SessionPlace),
        outputs: Vec<String>,
        weights: Vec<Weights>,
    ) -> Self {
        Network {
            session: ManuallyDrop::new(session),
            _weights: weights,
            name,
            outputs,
            place,
        }
    }

    pub(super) fn of_file(name: String, (session, place): (Session, SessionPlace)) -> Self {
        let outputs = session
            .outputs()
            .iter()
            .map(|o| o.name().to_string())
            .collect();
        Network::new(name, (session, place), outputs, Vec::new())
    }

    pub(super) fn session(&self) -> &Session {
        &self.session
    }

    pub(super) fn parts(&mut self) -> (&mut Session, &str) {
        (&mut self.session, &self.name)
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn place(&self) -> &SessionPlace {
        &self.place
    }

    /// Number of the GPU that it runs on; `None` for the CPU.
    pub fn gpu(&self) -> Option<u32> {
        self.place.gpu
    }

    /// `true` if calls with a number are captured as CUDA graphs.
    pub(crate) fn captures(&self) -> bool {
        self.place.captures
    }

    pub(super) fn failed(&self, error: &ort::Error) -> OnnxError {
        OnnxError::of_run(&self.name, &error.to_string())
    }

    /// Inputs, in order.
    pub fn inputs(&self) -> Vec<PortInfo> {
        self.session
            .inputs()
            .iter()
            .map(|o| port(o.name(), o.dtype()))
            .collect()
    }

    /// Outputs, in order.
    pub fn outputs(&self) -> Vec<PortInfo> {
        self.session
            .outputs()
            .iter()
            .map(|o| port(o.name(), o.dtype()))
            .collect()
    }

    /// A value of the model file's own metadata.
    pub fn metadata(&self, key: &str) -> Option<String> {
        self.session.metadata().ok()?.custom(key)
    }

    /// Runs the network and hands its outputs to `read`.
    ///
    /// Inputs are bound without a copy, except to another device; outputs come back to the CPU. Fails if the
    /// runtime does, with [`OnnxError::OutOfMemory`] if the device has too little memory.
    pub fn run<T>(
        &mut self,
        inputs: Vec<(&str, Array)>,
        read: impl FnOnce(&RunOutputs<'_>) -> Result<T, OnnxError>,
    ) -> Result<T, OnnxError> {
        let names = self.outputs.clone();
        self.run_for(inputs, &names, read)
    }

    /// The same, computing only the named outputs.
    pub fn run_for<T>(
        &mut self,
        inputs: Vec<(&str, Array)>,
        names: &[impl AsRef<str>],
        read: impl FnOnce(&RunOutputs<'_>) -> Result<T, OnnxError>,
    ) -> Result<T, OnnxError> {
        let mut call = self.call(None)?;
        for (input, array) in inputs {
            call.array(input, array)?;
        }
        for output in names {
            call.output_to_cpu(output.as_ref())?;
        }
        self.run_call(&mut call, read)
    }

    /// Stops collecting the profile that [`SessionOptions::profile`](super::SessionOptions::profile) asked
    /// for and returns the path of its file.
    pub fn end_profile(&mut self) -> Result<String, OnnxError> {
        self.session
            .end_profiling()
            .map_err(|error| OnnxError::of_run(&self.name, &error.to_string()))
    }
}

fn port(name: &str, kind: &ValueType) -> PortInfo {
    let (element, shape) = match kind {
        ValueType::Tensor { ty, shape, .. } => {
            let element = match ty {
                TensorElementType::Float32 => Some(Element::F32),
                TensorElementType::Int64 => Some(Element::I64),
                TensorElementType::Int32 => Some(Element::I32),
                TensorElementType::Float16 => Some(Element::F16),
                TensorElementType::Bfloat16 => Some(Element::Bf16),
                _ => None,
            };
            (element, shape.to_vec())
        }
        _ => (None, Vec::new()),
    };
    PortInfo {
        name: name.into(),
        element,
        shape,
    }
}

/// Outputs of a run.
pub struct RunOutputs<'a> {
    outputs: SessionOutputs<'a>,
    network: &'a str,
}

impl<'a> RunOutputs<'a> {
    pub(super) fn new(outputs: SessionOutputs<'a>, network: &'a str) -> Self {
        RunOutputs { outputs, network }
    }

    /// Shape and elements of an `f32` output.
    pub fn f32(&self, name: &str) -> Result<(Vec<usize>, &[f32]), OnnxError> {
        self.get(name)
    }

    /// Shape and elements of an `i64` output.
    pub fn i64(&self, name: &str) -> Result<(Vec<usize>, &[i64]), OnnxError> {
        self.get(name)
    }

    /// Shape and elements of an `i32` output.
    pub fn i32(&self, name: &str) -> Result<(Vec<usize>, &[i32]), OnnxError> {
        self.get(name)
    }

    fn get<T: ort::value::PrimitiveTensorElementType>(
        &self,
        name: &str,
    ) -> Result<(Vec<usize>, &[T]), OnnxError> {
        let missing = || OnnxError::of_run(self.network, &format!("there is no output `{name}`"));
        let value = self.outputs.get(name).ok_or_else(missing)?;
        let (shape, data) = value.try_extract_tensor::<T>().map_err(|error| {
            OnnxError::of_run(self.network, &format!("output `{name}`: {error}"))
        })?;
        Ok((shape.iter().map(|n| *n as usize).collect(), data))
    }
}
