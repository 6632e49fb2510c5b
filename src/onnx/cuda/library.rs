//! The CUDA libraries that ONNX Runtime needs, and the functions of the CUDA runtime that docparse calls itself.
//!
//! All are loaded before ONNX Runtime asks for them, so that the one that is missing can be named; ONNX Runtime
//! would look for cuDNN only at the first convolution.

use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW, Symbol};
use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::sync::OnceLock;

/// The driver, the CUDA runtime, and the libraries on top of it, each after those that it needs: those of CUDA 13,
/// which the pinned ONNX Runtime is built for.
const LIBRARIES: [&str; 6] = [
    "libcuda.so.1",
    RUNTIME,
    "libcublasLt.so.13",
    "libcublas.so.13",
    "libcurand.so.10",
    "libcudnn.so.9",
];
/// The CUDA runtime.
const RUNTIME: &str = "libcudart.so.13";

/// Result of a function of the CUDA runtime; 0 is success.
pub(super) type Status = c_int;

/// Attributes of a device (`cudaDevAttrComputeCapabilityMajor` and `Minor`).
pub(super) const CAPABILITY: [c_int; 2] = [75, 76];
/// Kinds of copies (`cudaMemcpyKind`).
pub(super) const HOST_TO_DEVICE: c_int = 1;
/// The other way.
pub(super) const DEVICE_TO_HOST: c_int = 2;
/// Within a device.
pub(super) const DEVICE_TO_DEVICE: c_int = 3;

macro_rules! functions {
    ($($field:ident = $name:literal ($($of:ty),*) -> $to:ty;)*) => {
        /// Functions of the CUDA runtime.
        pub(super) struct CudaRuntime {
            $(pub $field: unsafe extern "C" fn($($of),*) -> $to,)*
        }

        impl CudaRuntime {
            /// The functions of a library. Fails with the name of one that it lacks.
            fn of(library: &Library) -> Result<CudaRuntime, String> {
                Ok(CudaRuntime {
                    $($field: {
                        // SAFETY: the types are those of the CUDA runtime API.
                        let symbol: Result<Symbol<unsafe extern "C" fn($($of),*) -> $to>, _> =
                            unsafe { library.get($name.as_bytes()) };
                        *symbol.map_err(|error| format!("`{RUNTIME}` is of another version: {error}"))?
                    },)*
                })
            }
        }
    };
}

functions! {
    count = "cudaGetDeviceCount" (*mut c_int) -> Status;
    select = "cudaSetDevice" (c_int) -> Status;
    attribute = "cudaDeviceGetAttribute" (*mut c_int, c_int, c_int) -> Status;
    properties = "cudaGetDeviceProperties" (*mut c_void, c_int) -> Status;
    allocate = "cudaMalloc" (*mut *mut c_void, usize) -> Status;
    free = "cudaFree" (*mut c_void) -> Status;
    allocate_pinned = "cudaHostAlloc" (*mut *mut c_void, usize, c_uint) -> Status;
    free_pinned = "cudaFreeHost" (*mut c_void) -> Status;
    fill = "cudaMemset" (*mut c_void, c_int, usize) -> Status;
    copy = "cudaMemcpy" (*mut c_void, *const c_void, usize, c_int) -> Status;
    copy_blocks = "cudaMemcpy2DAsync" (*mut c_void, usize, *const c_void, usize, usize, usize, c_int, *mut c_void) -> Status;
    wait = "cudaDeviceSynchronize" () -> Status;
    wait_for = "cudaStreamSynchronize" (*mut c_void) -> Status;
    words = "cudaGetErrorString" (c_int) -> *const c_char;
}

impl CudaRuntime {
    /// The library's words for an error.
    fn words_of(&self, status: Status) -> String {
        // SAFETY: the function takes any number and returns a constant string of the library, or null.
        let words = unsafe { (self.words)(status) };
        if words.is_null() {
            return "unknown error".into();
        }
        // SAFETY: it is not null, so it is such a string.
        unsafe { CStr::from_ptr(words) }
            .to_string_lossy()
            .into_owned()
    }

    /// An error with its code and its words, if there is one.
    pub(super) fn check(&self, status: Status) -> Result<(), CudaError> {
        match status {
            0 => Ok(()),
            code => Err(CudaError {
                code,
                words: self.words_of(code),
            }),
        }
    }
}

/// An error of the CUDA runtime.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("CUDA failure {code}: {words}")]
pub(crate) struct CudaError {
    /// Its code (`cudaError_t`).
    pub code: i32,
    /// The library's words for it.
    pub words: String,
}

/// The functions of the CUDA runtime, loaded once per process with all libraries that networks need. Fails with a
/// sentence that names the library that cannot be loaded.
pub(super) fn cuda() -> Result<&'static CudaRuntime, String> {
    static LOADED: OnceLock<Result<CudaRuntime, String>> = OnceLock::new();
    LOADED.get_or_init(load).as_ref().map_err(String::clone)
}

fn load() -> Result<CudaRuntime, String> {
    let mut runtime = None;
    for name in LIBRARIES {
        // SAFETY: the initializers of these libraries have no preconditions.
        let library = unsafe { Library::open(Some(name), RTLD_NOW | RTLD_LOCAL) };
        let library = library.map_err(|error| {
            // The loader's own words are the cause.
            let cause = std::error::Error::source(&error).map(ToString::to_string);
            missing(name, &cause.unwrap_or_else(|| error.to_string()))
        })?;
        if name == RUNTIME {
            runtime = Some(CudaRuntime::of(&library)?);
        }
        // Never unloaded: ONNX Runtime goes on using it, and so do the functions.
        std::mem::forget(library);
    }
    runtime.ok_or_else(|| "there is no CUDA runtime".into())
}

/// The sentence for a library that cannot be loaded.
fn missing(name: &str, reason: &str) -> String {
    let part = match name {
        "libcuda.so.1" => "the NVIDIA driver",
        "libcudnn.so.9" => "cuDNN 9",
        _ => "CUDA 13",
    };
    format!("`{name}`, a library of {part}, cannot be loaded ({reason})")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_library_is_named_with_what_it_belongs_to() {
        let told = missing("libcudnn.so.9", "no such file");
        assert_eq!(
            told,
            "`libcudnn.so.9`, a library of cuDNN 9, cannot be loaded (no such file)"
        );
        for (name, part) in [
            ("libcuda.so.1", "the NVIDIA driver"),
            ("libcublas.so.13", "CUDA 13"),
        ] {
            assert!(missing(name, "x").contains(part), "{name}");
        }
    }

    #[test]
    fn the_runtime_comes_after_the_driver_and_before_what_needs_it() {
        let at = |name: &str| LIBRARIES.iter().position(|other| *other == name).unwrap();
        assert!(at("libcuda.so.1") < at(RUNTIME));
        assert!(at(RUNTIME) < at("libcublasLt.so.13"));
        assert!(at("libcublasLt.so.13") < at("libcublas.so.13"));
    }
}
