//! GPUs through the CUDA runtime: whether one can be used, memory of our own on it, whose turn it is, how much of it
//! is left, and whether it is lost.

pub(crate) mod budget;
pub(crate) mod errors;
mod library;
pub(crate) mod memory;
mod names;
pub(crate) mod survey;
pub(crate) mod turns;

use errors::is_lasting;
pub(super) use library::beside;
use library::{CAPABILITY, CudaRuntime, cuda};
use ort::ep::ExecutionProvider;
use std::collections::BTreeMap;
use std::ffi::{CStr, c_int};
use std::sync::{Mutex, PoisonError};

/// Least compute capability that ONNX Runtime's kernels and CUDA 13 are built for.
const LEAST_CAPABILITY: (u32, u32) = (7, 5);
/// Least compute capability with bfloat16.
const BF16_CAPABILITY: (u32, u32) = (8, 0);
/// Least compute capability with flash attention.
const FLASH_CAPABILITY: (u32, u32) = (8, 0);
/// Bytes for the properties of a device: more than any version of the library writes.
const PROPERTIES: usize = 16 << 10;
/// Bytes of its name, with which they begin.
const NAME: usize = 256;

/// A GPU that can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gpu {
    /// Its number.
    pub number: u32,
    /// Its name, such as "NVIDIA H200".
    pub name: String,
    /// Compute capability, major and minor.
    pub capability: (u32, u32),
}

impl Gpu {
    /// `true` if it computes in bfloat16.
    pub fn has_bf16(&self) -> bool {
        self.capability >= BF16_CAPABILITY
    }

    /// `true` if ONNX Runtime has attention for it that reads a KV cache as it lies there. Other GPUs copy keys and values
    /// of the whole cache, for every query head, in every step.
    pub fn has_flash_attention(&self) -> bool {
        self.capability >= FLASH_CAPABILITY
    }

    /// The reason why it cannot be used, if it is too old.
    fn too_old(&self) -> Option<String> {
        let (least, own) = (LEAST_CAPABILITY, self.capability);
        (own < least).then(|| {
            format!(
                "{} has compute capability {}.{}; networks need {}.{} or more",
                self.name, own.0, own.1, least.0, least.1
            )
        })
    }
}

/// `true` if the loaded ONNX Runtime is one for GPUs.
pub(crate) fn is_built_in() -> bool {
    ort::ep::CUDA::is_available().unwrap_or(false)
}

/// Why there is no GPU with a runtime for the CPU.
const NOT_FOR_GPUS: &str = "the ONNX Runtime in the runtime folder is one for the CPU";

/// The GPU of this number. Fails with a sentence that says why it cannot be used.
pub(crate) fn usable(number: u32) -> Result<Gpu, String> {
    match is_built_in() {
        true => look_at(number),
        false => Err(NOT_FOR_GPUS.into()),
    }
}

/// Numbers of the GPUs that can be used. Fails with a sentence that says why there is none.
pub(crate) fn all_usable() -> Result<Vec<u32>, String> {
    let mut why_none = "the driver offers none".to_string();
    let mut numbers = Vec::new();
    for number in 0..cuda_count()? {
        match look_at(number) {
            Ok(_) => numbers.push(number),
            Err(reason) => {
                tracing::warn!("GPU {number} is left out: {reason}");
                why_none = reason;
            }
        }
    }
    match numbers.is_empty() {
        true => Err(why_none),
        false => Ok(numbers),
    }
}

fn cuda_count() -> Result<u32, String> {
    match is_built_in() {
        true => cuda().and_then(offered),
        false => Err(NOT_FOR_GPUS.into()),
    }
}

fn offered(cuda: &CudaRuntime) -> Result<u32, String> {
    let _turn = turns::shared();
    let mut count = 0;
    // SAFETY: the function writes one number.
    cuda.check(unsafe { (cuda.count)(&mut count) })
        .map_err(|error| format!("the driver offers no GPU ({error})"))?;
    Ok(count.max(0) as u32)
}

/// Looks at a GPU, once per process. Fails with a sentence that names the library or the card that is at fault.
fn look_at(number: u32) -> Result<Gpu, String> {
    static SEEN: Mutex<BTreeMap<u32, Result<Gpu, String>>> = Mutex::new(BTreeMap::new());
    let mut seen = SEEN.lock().unwrap_or_else(PoisonError::into_inner);
    seen.entry(number)
        .or_insert_with(|| {
            let gpu = cuda().and_then(|cuda| facts(cuda, number))?;
            match gpu.too_old() {
                Some(reason) => Err(reason),
                None => Ok(gpu),
            }
        })
        .clone()
}

fn facts(cuda: &CudaRuntime, number: u32) -> Result<Gpu, String> {
    let count = offered(cuda)?;
    let _turn = turns::shared();
    if number >= count {
        return Err(match count {
            1 => "there is only GPU 0".into(),
            _ => format!("there are {count} GPUs"),
        });
    }
    let failed = |error| format!("GPU {number} does not answer ({error})");
    let mut capability = [0; 2];
    for (value, attribute) in capability.iter_mut().zip(CAPABILITY) {
        // SAFETY: the function writes one number.
        let status = unsafe { (cuda.attribute)(value, attribute, number as c_int) };
        cuda.check(status).map_err(failed)?;
    }
    let mut properties = vec![0_u64; PROPERTIES / 8];
    // SAFETY: there is room for the largest version of the structure, suitably aligned.
    let status = unsafe { (cuda.properties)(properties.as_mut_ptr().cast(), number as c_int) };
    cuda.check(status).map_err(failed)?;
    let bytes: &[u8] = bytemuck::cast_slice(&properties);
    let name = CStr::from_bytes_until_nul(&bytes[..NAME])
        .map_or("a GPU".into(), |name| name.to_string_lossy().into_owned());
    Ok(Gpu {
        number,
        name,
        capability: (capability[0] as u32, capability[1] as u32),
    })
}

/// Why each lost GPU is lost.
static LOST: Mutex<BTreeMap<u32, String>> = Mutex::new(BTreeMap::new());

/// Notes a GPU as lost if the code is that of a lasting error.
fn note(gpu: u32, code: i32, words: &str) {
    if is_lasting(code) {
        let mut lost = LOST.lock().unwrap_or_else(PoisonError::into_inner);
        lost.entry(gpu)
            .or_insert_with(|| format!("CUDA failure {code}: {words}"));
    }
}

/// The error with which a GPU was lost, if it was.
pub(crate) fn lost(gpu: u32) -> Option<String> {
    let lost = LOST.lock().unwrap_or_else(PoisonError::into_inner);
    lost.get(&gpu).cloned()
}

/// The error with which a GPU was lost, if it was, after a run on it that failed with a message of ONNX Runtime.
///
/// Not every message has the code, so the device is asked as well.
pub(crate) fn lost_by(gpu: u32, message: &str) -> Option<String> {
    if let Some(code) = errors::lasting_code(message) {
        let words = "the device failed";
        let words = cuda().map_or(words.into(), |cuda| {
            cuda.check(code)
                .err()
                .map_or(words.into(), |error| error.words)
        });
        note(gpu, code, &words);
    } else if let Ok(cuda) = cuda() {
        let _turn = turns::shared();
        // SAFETY: the functions have no preconditions.
        let status = unsafe {
            (cuda.select)(gpu as c_int);
            (cuda.wait)()
        };
        if let Err(error) = cuda.check(status) {
            note(gpu, error.code, &error.words);
        }
    }
    lost(gpu)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn gpu(capability: (u32, u32)) -> Gpu {
        Gpu {
            number: 0,
            name: "NVIDIA T4".into(),
            capability,
        }
    }

    #[test]
    fn bfloat16_and_use_go_by_the_capability() {
        for (capability, has_bf16) in [
            ((7, 5), false),
            ((8, 0), true),
            ((8, 6), true),
            ((12, 0), true),
        ] {
            assert_eq!(gpu(capability).has_bf16(), has_bf16, "{capability:?}");
            assert_eq!(
                gpu(capability).has_flash_attention(),
                has_bf16,
                "{capability:?}"
            );
            assert_eq!(gpu(capability).too_old(), None, "{capability:?}");
        }
        let refused = gpu((7, 0)).too_old().unwrap();
        assert!(
            refused.contains("NVIDIA T4") && refused.contains("7.0"),
            "{refused}"
        );
    }

    #[test]
    fn a_gpu_is_lost_by_lasting_errors_only() {
        // Numbers of GPUs that no other test uses.
        note(2000, 2, "out of memory");
        assert_eq!(lost(2000), None);
        note(2000, 719, "unspecified launch failure");
        note(2000, 700, "later");
        let told = lost(2000).unwrap();
        assert_eq!(told, "CUDA failure 719: unspecified launch failure");
        assert_eq!(lost(2001), None);
    }
}
