//! Operators of our own in ONNX Runtime's graphs.

use super::winograd::{self, Filter, Scratch};
use ort::Error;
use ort::operator::{
    BoxedKernel, ComputeContext, KernelContext, Operator, OperatorDomain, OperatorInput, OperatorOutput,
    ShapeInferenceContext,
};
use ort::value::TensorElementType;
use std::sync::{Arc, Mutex, PoisonError};

/// Domain of the operators.
pub(super) const DOMAIN: &str = "docparse";

/// 3x3 convolutions with SiLU after each, `[B, channels, height, width]` to the same.
pub(super) struct SiluChain {
    /// The operator's type, one for each chain: the weights belong to it.
    pub kind: String,
    pub filters: Arc<Vec<Filter>>,
    /// Chains of a network run one after the other and share their memory.
    pub scratch: Arc<Mutex<Scratch>>,
}

impl Operator for SiluChain {
    type Kernel<'attr> = BoxedKernel<'attr>;

    fn name(&self) -> &str {
        &self.kind
    }

    fn inputs(&self) -> impl IntoIterator<Item = OperatorInput> {
        [OperatorInput::required(TensorElementType::Float32)]
    }

    fn outputs(&self) -> impl IntoIterator<Item = OperatorOutput> {
        [OperatorOutput::required(TensorElementType::Float32)]
    }

    fn infer_shape(&self, context: &mut ShapeInferenceContext) -> ort::Result<()> {
        match context.inputs().first() {
            Some(input) => context.set_output(0, input),
            None => Ok(()),
        }
    }

    fn create_kernel<'attr>(&self, _: &KernelContext<'attr>) -> ort::Result<BoxedKernel<'attr>> {
        let (filters, scratch) = (self.filters.clone(), self.scratch.clone());
        Ok(Box::new(move |context: &ComputeContext| run(&filters, &scratch, context)))
    }
}

fn run(filters: &[Filter], scratch: &Mutex<Scratch>, context: &ComputeContext) -> ort::Result<()> {
    let missing = || Error::new("a chain of convolutions has one input and one output");
    let input = context.input(0)?.ok_or_else(missing)?;
    let (shape, input) = input.try_extract_tensor::<f32>()?;
    let shape = shape.to_vec();
    let mut output = context.output(0, shape.clone())?.ok_or_else(missing)?;
    let (_, output) = output.try_extract_tensor_mut::<f32>()?;
    let size = [shape[2] as usize, shape[3] as usize];
    let map = input.len() / (shape[0].max(1) as usize);
    let mut scratch = scratch.lock().unwrap_or_else(PoisonError::into_inner);
    for (input, output) in input.chunks_exact(map).zip(output.chunks_exact_mut(map)) {
        // ONNX Runtime's own threads: others would get into their way.
        let parallel = |count: usize, job: &(dyn Fn(usize) + Sync)| {
            if context.par_for(count, 0, job).is_err() {
                (0..count).for_each(job);
            }
        };
        winograd::chain(filters, input, output, size, &mut scratch, &parallel);
    }
    Ok(())
}

/// A domain with all chains of a network.
pub(super) fn domain(chains: Vec<SiluChain>) -> ort::Result<OperatorDomain> {
    chains.into_iter().try_fold(OperatorDomain::new(DOMAIN)?, OperatorDomain::add)
}
