//! The stream of tokens in a transformer: layers add their results to it, and the next layer reads it through a norm.
//!
//! ONNX Runtime adds a result with its bias and computes the norm of the sum in one operator. So a result is not
//! added at once: it waits for the norm that follows. Our own kernels add it in the linear layer.

use super::checkpoint::CheckpointError;
use super::graph::{Attr, Dim, Value};
use super::layers::Layers;
use super::projection::Projection;
use crate::kernels::linear::Finish;

/// A stream, `[.., width]`.
pub(crate) struct ResidualStream {
    sum: Value,
    /// What is to be added to the sum: a result and its bias.
    waiting: Option<(Value, Option<Value>)>,
}

impl ResidualStream {
    /// A stream that starts with `x`.
    pub(crate) fn new(x: Value) -> ResidualStream {
        ResidualStream {
            sum: x,
            waiting: None,
        }
    }
}

/// A norm over the last dimension.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Norm {
    /// To mean zero and variance one, with scale and bias.
    Layer {
        /// Added to the variance.
        epsilon: f32,
    },
    /// To a mean of squares of one, with scale.
    RootMeanSquare {
        /// Added to the mean of squares.
        epsilon: f32,
    },
}

impl Layers<'_> {
    /// Adds linear layers over `x[.., from]` to a stream; `projection` has no epilogue.
    pub(crate) fn add_projection(
        &mut self,
        at: &str,
        x: &Value,
        projection: &Projection<'_>,
        stream: &mut ResidualStream,
    ) -> Result<(), CheckpointError> {
        debug_assert_eq!(projection.finish, Finish::Plain);
        let sum = self.settled(at, stream);
        if self.own_kernels {
            stream.sum = self.projection(at, x, projection, Some(&sum))?;
        } else {
            stream.waiting = Some(self.product(at, x, projection)?);
        }
        Ok(())
    }

    /// The norm of a stream with the weights under `key`, `[.., width]`.
    pub(crate) fn normed(
        &mut self,
        key: &str,
        stream: &mut ResidualStream,
        width: usize,
        norm: Norm,
    ) -> Result<Value, CheckpointError> {
        let Some((result, bias)) = stream.waiting.take() else {
            return match norm {
                Norm::Layer { epsilon } => self.layer_norm(key, &stream.sum, width, epsilon),
                Norm::RootMeanSquare { epsilon } => self.rms_norm(key, &stream.sum, width, epsilon),
            };
        };
        let scale = self.vector(&format!("{key}.weight"), width)?;
        let mut inputs = vec![&result, &stream.sum, &scale];
        let own_bias;
        let (kind, epsilon) = match norm {
            Norm::Layer { epsilon } => {
                own_bias = self.vector(&format!("{key}.bias"), width)?;
                inputs.push(&own_bias);
                ("SkipLayerNormalization", epsilon)
            }
            Norm::RootMeanSquare { epsilon } => ("SkipSimplifiedLayerNormalization", epsilon),
        };
        inputs.extend(&bias);
        let attributes = [("epsilon", Attr::Float(epsilon))];
        // The second and the third output, mean and deviation, exist for training only.
        let [normed, sum] = self.graph.contrib_outer(kind, key, &inputs, &attributes, 4);
        stream.sum = sum;
        Ok(normed)
    }

    /// Makes the stream an output if it was requested (see [`Graph::tap`](super::graph::Graph::tap)).
    pub(crate) fn tap_stream(&mut self, name: &str, stream: &mut ResidualStream, dims: &[Dim]) {
        if self.graph.is_tapped(name) {
            let value = self.settled(name, stream);
            self.graph.tap(name, &value, dims);
        }
    }

    /// The stream with everything added to it.
    pub(crate) fn settled(&mut self, at: &str, stream: &mut ResidualStream) -> Value {
        if let Some((result, bias)) = stream.waiting.take() {
            let sum = match bias {
                Some(bias) => self.graph.op("Add", at, &[&result, &bias], &[]),
                None => result,
            };
            stream.sum = self.graph.op("Add", at, &[&sum, &stream.sum], &[]);
        }
        stream.sum.clone()
    }
}
