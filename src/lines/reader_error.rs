//! Why the networks of lines could not be loaded.

use crate::fault::{Fault, Reason};
use crate::onnx::OnnxError;
use crate::runtime;

/// Reason why the reader could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum ReaderError {
    /// A library or model file is missing.
    #[error(transparent)]
    Missing(#[from] runtime::RuntimeError),
    /// The runtime or a model failed.
    #[error(transparent)]
    Onnx(#[from] OnnxError),
    /// The recognizer's model file is unsuitable.
    #[error("the line recognizer cannot be used: {0}")]
    Recognizer(Fault),
}

impl ReaderError {
    /// The same for programs.
    pub fn reason(&self) -> Reason {
        match self {
            ReaderError::Missing(error) => error.reason(),
            ReaderError::Onnx(error) => error.reason(),
            ReaderError::Recognizer(fault) => fault.reason,
        }
    }
}

impl From<ReaderError> for Fault {
    fn from(error: ReaderError) -> Fault {
        Fault::new(error.reason(), error.to_string())
    }
}
