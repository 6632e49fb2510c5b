//! CPU kernels for what ONNX Runtime lacks or does slowly: chains of convolutions, linear layers, attention
//! over a paged KV cache, and the line recognizer with weights of eight bits.
//!
//! Each has an AVX-512 form and a portable one. They distribute work through a function that the caller
//! passes ([`Parallel`]), so that they run on ONNX Runtime's threads. Every row of a result is computed by
//! the same operations in the same order whatever the batch, so it is bit-identical alone and in any batch.

pub(crate) mod attention;
pub(crate) mod int8;
pub(crate) mod line_recognizer;
pub(crate) mod linear;
mod math;
pub(crate) mod quantize;
pub mod winograd;

use std::sync::OnceLock;

/// Runs a function for every index below a count, in any order and on any thread.
pub(crate) type Parallel<'a> = &'a dyn Fn(usize, &(dyn Fn(usize) + Sync));

/// A buffer that several threads write to, each its own part.
#[derive(Clone, Copy)]
struct SharedBuffer<T>(*mut T);
// SAFETY: only the kernels create it, and their jobs write to disjoint parts.
unsafe impl<T> Send for SharedBuffer<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for SharedBuffer<T> {}

impl<T> SharedBuffer<T> {
    /// The pointer. A method, so that closures capture the whole struct.
    fn get(self) -> *mut T {
        self.0
    }
}

/// Instruction sets that kernels are written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum InstructionSet {
    /// Baseline.
    Plain,
    /// AVX2 with fused multiply-add.
    Avx2,
    /// AVX-512.
    Avx512,
    /// AVX-512 with VNNI (dot products of bytes).
    Vnni,
}

/// The best instruction set of this machine.
fn level() -> InstructionSet {
    static LEVEL: OnceLock<InstructionSet> = OnceLock::new();
    *LEVEL.get_or_init(|| {
        #[cfg(target_arch = "x86_64")]
        {
            use std::arch::is_x86_feature_detected as has;
            if has!("avx512f") && has!("avx512bw") && has!("avx512vl") {
                return if has!("avx512vnni") {
                    InstructionSet::Vnni
                } else {
                    InstructionSet::Avx512
                };
            }
            if has!("avx2") && has!("fma") {
                return InstructionSet::Avx2;
            }
        }
        InstructionSet::Plain
    })
}

/// Runs jobs sequentially.
#[cfg(test)]
pub(crate) fn one_after_the_other(count: usize, job: &(dyn Fn(usize) + Sync)) {
    (0..count).for_each(job);
}
