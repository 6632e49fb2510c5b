//! Model files that somebody gives: loaded from memory, and refused where they name other files.

use super::model_file::names_other_files;
use super::network::{Network, PortInfo};
use super::{OnnxError, Runtime, TensorModel};
use std::path::Path;

impl Runtime {
    /// Loads a model with one input and one output from the bytes of its file; `path` is for messages only.
    ///
    /// Refused is a file whose tensors lie in other files: their names could lead anywhere.
    pub(crate) fn given_model(&self, path: &Path, file: &[u8]) -> Result<TensorModel, OnnxError> {
        let refused =
            |reason: &str| OnnxError::of_load(format!("the model `{}`", path.display()), reason);
        match names_other_files(file) {
            Some(false) => {}
            Some(true) => {
                return Err(refused(
                    "its weights are in other files; export it as one file",
                ));
            }
            None => return Err(refused("it is no ONNX file, or a damaged one")),
        }
        let network = self.network_by(path, |builder| {
            builder
                .clone()
                .with_memory_pattern(false)?
                .commit_from_memory(file)
        })?;
        TensorModel::of_ports(network, path)
    }
}

impl TensorModel {
    /// A network with its first input and its first output.
    pub(super) fn of_ports(network: Network, path: &Path) -> Result<Self, OnnxError> {
        let first = |ports: Vec<PortInfo>| ports.into_iter().next().map(|port| port.name);
        match (first(network.inputs()), first(network.outputs())) {
            (Some(input), Some(output)) => Ok(TensorModel {
                network,
                input,
                output,
            }),
            _ => {
                let model = format!("the model `{}`", path.display());
                Err(OnnxError::of_load(model, "it has no input or no output"))
            }
        }
    }

    /// Its inputs, and its outputs.
    pub(crate) fn ports(&self) -> (Vec<PortInfo>, Vec<PortInfo>) {
        (self.network.inputs(), self.network.outputs())
    }
}
