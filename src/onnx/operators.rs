//! Our own operators in ONNX Runtime's graphs: the [kernels](crate::kernels) applied to its tensors, on its
//! threads.

use crate::kernels::Parallel;
use crate::kernels::attention::Cache;
use crate::kernels::line_recognizer::LineRecognizer;
use crate::kernels::linear::{Linear, Scratch};
use crate::kernels::winograd::{self, ConvFilter};
use ort::Error;
use ort::operator::{
    BoxedKernel, ComputeContext, KernelContext, Operator, OperatorDomain, OperatorInput,
    OperatorOutput, ShapeInferenceContext,
};
use ort::value::TensorElementType;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// Domain of the operators.
pub(super) const DOMAIN: &str = "docparse";

/// A single-precision tensor: its shape and its elements.
pub(super) type Input<'a> = (Vec<usize>, &'a [f32]);

/// Computation of a custom operator: single-precision tensors in, one out.
pub(super) trait Kernel: Send + Sync {
    /// Number of input tensors.
    fn inputs(&self) -> usize;

    /// The shape of the result.
    fn shape(&self, inputs: &[Input<'_>]) -> Vec<usize>;

    /// `true` if the result always has the shape of the first input.
    fn keeps_shape(&self) -> bool {
        false
    }

    /// Computes the result.
    fn run(&self, inputs: &[Input<'_>], output: &mut [f32], parallel: Parallel<'_>);
}

/// Locks even after a panic: kernels write working memory before they read it, so half-done work is harmless.
fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// 3x3 convolutions with SiLU after each, `[B, channels, height, width]` to the same.
pub(super) struct SiluChain {
    pub filters: Vec<ConvFilter>,
    /// Working memory; chains of a network run sequentially and share it.
    pub scratch: Arc<Mutex<winograd::ConvScratch>>,
}

impl Kernel for SiluChain {
    fn inputs(&self) -> usize {
        1
    }

    fn shape(&self, inputs: &[Input<'_>]) -> Vec<usize> {
        inputs[0].0.clone()
    }

    fn keeps_shape(&self) -> bool {
        true
    }

    fn run(&self, inputs: &[Input<'_>], output: &mut [f32], parallel: Parallel<'_>) {
        let (shape, input) = &inputs[0];
        let map = input.len() / shape[0].max(1);
        let mut scratch = locked(&self.scratch);
        for (input, output) in input.chunks_exact(map).zip(output.chunks_exact_mut(map)) {
            winograd::chain(
                &self.filters,
                input,
                output,
                [shape[2], shape[3]],
                &mut scratch,
                parallel,
            );
        }
    }
}

/// A linear layer, `[.., from]` to `[.., outputs]`; an optional second input is added to the result.
pub(super) struct LinearLayer {
    pub layer: Linear,
    pub has_residual: bool,
    /// Working memory; layers of a network run sequentially and share it.
    pub scratch: Arc<Mutex<Scratch>>,
}

impl Kernel for LinearLayer {
    fn inputs(&self) -> usize {
        1 + usize::from(self.has_residual)
    }

    fn shape(&self, inputs: &[Input<'_>]) -> Vec<usize> {
        let (last, rest) = inputs[0]
            .0
            .split_last()
            .map_or((0, &[][..]), |(last, rest)| (*last, rest));
        assert!(
            last == self.layer.from,
            "{last} inputs for a layer of {}",
            self.layer.from
        );
        [rest, &[self.layer.outputs]].concat()
    }

    fn run(&self, inputs: &[Input<'_>], output: &mut [f32], parallel: Parallel<'_>) {
        let residual = inputs.get(1).map(|(_, values)| *values);
        self.layer.run(
            inputs[0].1,
            residual,
            output,
            &mut locked(&self.scratch),
            parallel,
        );
    }
}

/// Attention of a layer over the paged KV cache: queries, keys and values `[tokens, width]`, cosines and
/// sines `[tokens, size / 2]` to `[tokens, heads * size]`.
pub(super) struct CachedAttention {
    pub cache: Arc<Mutex<Cache>>,
    pub layer: usize,
    /// Width of a result row.
    pub width: usize,
}

impl Kernel for CachedAttention {
    fn inputs(&self) -> usize {
        3
    }

    fn shape(&self, inputs: &[Input<'_>]) -> Vec<usize> {
        vec![inputs[0].0[0], self.width]
    }

    fn run(&self, inputs: &[Input<'_>], output: &mut [f32], parallel: Parallel<'_>) {
        let tables = [inputs[1].1, inputs[2].1];
        locked(&self.cache).run(self.layer, inputs[0].1, tables, output, parallel);
    }
}

/// Greedy choice: the largest logit of each row, `[rows, vocabulary]` to `[rows, 2]` (index,
/// log-probability).
pub(super) struct GreedyChoice;

impl Kernel for GreedyChoice {
    fn inputs(&self) -> usize {
        1
    }

    fn shape(&self, inputs: &[Input<'_>]) -> Vec<usize> {
        vec![inputs[0].0[0], 2]
    }

    fn run(&self, inputs: &[Input<'_>], output: &mut [f32], parallel: Parallel<'_>) {
        let (shape, logits) = &inputs[0];
        crate::kernels::linear::choose(logits, shape[1], output, parallel);
    }
}

/// A line recognizer: lines `[lines, 3, 48, width]` to classes and probabilities, `[lines, steps, 2]`.
pub(super) struct LineReading {
    pub recognizer: LineRecognizer,
}

impl Kernel for LineReading {
    fn inputs(&self) -> usize {
        1
    }

    fn shape(&self, inputs: &[Input<'_>]) -> Vec<usize> {
        let shape = &inputs[0].0;
        vec![shape[0], LineRecognizer::steps(shape[3]), 2]
    }

    fn run(&self, inputs: &[Input<'_>], output: &mut [f32], parallel: Parallel<'_>) {
        let (shape, input) = &inputs[0];
        self.recognizer.run(input, shape[3], output, parallel);
    }
}

/// A kernel under the name of its operator.
struct OwnOperator {
    kind: String,
    kernel: Arc<dyn Kernel>,
}

impl Operator for OwnOperator {
    type Kernel<'attr> = BoxedKernel<'attr>;

    fn name(&self) -> &str {
        &self.kind
    }

    fn inputs(&self) -> impl IntoIterator<Item = OperatorInput> {
        (0..self.kernel.inputs())
            .map(|_| OperatorInput::required(TensorElementType::Float32))
            .collect::<Vec<_>>()
    }

    fn outputs(&self) -> impl IntoIterator<Item = OperatorOutput> {
        [OperatorOutput::required(TensorElementType::Float32)]
    }

    fn infer_shape(&self, context: &mut ShapeInferenceContext) -> ort::Result<()> {
        match context.inputs().first() {
            Some(input) if self.kernel.keeps_shape() => context.set_output(0, input),
            _ => Ok(()),
        }
    }

    fn create_kernel<'attr>(&self, _: &KernelContext<'attr>) -> ort::Result<BoxedKernel<'attr>> {
        let kernel = self.kernel.clone();
        Ok(Box::new(move |context: &ComputeContext| {
            run(&*kernel, context)
        }))
    }
}

fn run(kernel: &dyn Kernel, context: &ComputeContext) -> ort::Result<()> {
    let missing = || Error::new("an operator of docparse lacks an input or its output");
    let mut values = Vec::new();
    for index in 0..kernel.inputs() {
        values.push(context.input(index)?.ok_or_else(missing)?);
    }
    let mut inputs: Vec<Input<'_>> = Vec::new();
    for value in &values {
        let (shape, data) = value.try_extract_tensor::<f32>()?;
        inputs.push((shape.iter().map(|n| *n as usize).collect(), data));
    }
    let shape: Vec<i64> = kernel
        .shape(&inputs)
        .into_iter()
        .map(|n| n as i64)
        .collect();
    let mut output = context.output(0, shape)?.ok_or_else(missing)?;
    let (_, output) = output.try_extract_tensor_mut::<f32>()?;
    // ONNX Runtime's own threads: a second pool would compete with them.
    let parallel = |count: usize, job: &(dyn Fn(usize) + Sync)| {
        if context.par_for(count, 0, job).is_err() {
            (0..count).for_each(job);
        }
    };
    kernel.run(&inputs, output, &parallel);
    Ok(())
}

/// An operator domain with all custom operators of a network.
pub(super) fn domain(kernels: Vec<(String, Arc<dyn Kernel>)>) -> ort::Result<OperatorDomain> {
    kernels
        .into_iter()
        .map(|(kind, kernel)| OwnOperator { kind, kernel })
        .try_fold(OperatorDomain::new(DOMAIN)?, OperatorDomain::add)
}
