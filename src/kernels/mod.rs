//! Kernels of our own for the CPU, for what ONNX Runtime has none or slower ones: chains of convolutions, linear layers,
//! and attention over cached keys and values.
//!
//! Each has a form for AVX-512 and a portable one. They share work out by a function that the caller gives
//! ([`Parallel`]), so that they run on ONNX Runtime's threads. Every row of a result is computed by the same operations
//! in the same order however many rows there are: what a batch holds besides does not change it by a bit.

pub mod attention;
pub mod linear;
mod math;
pub mod quantize;
pub mod winograd;

use std::sync::OnceLock;

/// Runs a function for every number below a count, in any order and on any thread.
pub type Parallel<'a> = &'a dyn Fn(usize, &(dyn Fn(usize) + Sync));

/// A place that several threads write to, each its own part of it.
#[derive(Clone, Copy)]
struct Shared<T>(*mut T);
// SAFETY: only the kernels make them, and their jobs write to parts that do not overlap.
unsafe impl<T> Send for Shared<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for Shared<T> {}

impl<T> Shared<T> {
    /// The place. A method, so that closures take the whole of it.
    fn get(self) -> *mut T {
        self.0
    }
}

/// Instructions that kernels are written for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Level {
    /// Nothing special.
    Plain,
    /// AVX2 with fused multiplication and addition.
    Avx2,
    /// AVX-512.
    Avx512,
    /// AVX-512 with dot products of bytes.
    Vnni,
}

/// The best that this machine has.
fn level() -> Level {
    static LEVEL: OnceLock<Level> = OnceLock::new();
    *LEVEL.get_or_init(|| {
        #[cfg(target_arch = "x86_64")]
        {
            use std::arch::is_x86_feature_detected as has;
            if has!("avx512f") && has!("avx512bw") && has!("avx512vl") {
                return if has!("avx512vnni") {
                    Level::Vnni
                } else {
                    Level::Avx512
                };
            }
            if has!("avx2") && has!("fma") {
                return Level::Avx2;
            }
        }
        Level::Plain
    })
}

/// Runs jobs one after the other.
pub fn one_after_the_other(count: usize, job: &(dyn Fn(usize) + Sync)) {
    (0..count).for_each(job);
}
