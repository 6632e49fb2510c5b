//! The CUDA libraries that ONNX Runtime needs, and the functions of the CUDA runtime that docparse calls itself.
//!
//! All are loaded before ONNX Runtime asks for them, so that the one that is missing can be named (ONNX Runtime
//! would look for cuDNN only at the first convolution), and by full path if they lie in the folder `cuda` beside ONNX
//! Runtime: a library that is loaded already is the one that others get when they ask for its name, so no search path
//! has to be set. What is not there is left to the system's loader.

use super::names::{self, Wanted};
use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW, Symbol};
use std::ffi::{CStr, c_char, c_int, c_uint, c_void};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

/// The folder of ONNX Runtime.
static FOLDER: OnceLock<PathBuf> = OnceLock::new();

/// Notes the folder that ONNX Runtime is loaded from; the first call counts.
pub(in crate::onnx) fn beside(library: &Path) {
    if let Some(folder) = library.parent() {
        FOLDER.get_or_init(|| folder.to_path_buf());
    }
}

/// The major version of CUDA that the ONNX Runtime in use is built for.
pub(super) fn major() -> u32 {
    names::major_of(FOLDER.get().map(PathBuf::as_path))
}

/// The names of the libraries of that version.
pub(super) fn wanted() -> Vec<Wanted> {
    names::wanted(major())
}

/// The path of a library in the folder `cuda` beside ONNX Runtime, if it is there.
fn own_path(name: &str) -> Option<PathBuf> {
    let path = FOLDER.get()?.join("cuda").join(name);
    // A link that leads nowhere is no library.
    path.exists().then_some(path)
}

/// Opens a library: the one beside ONNX Runtime, else that of the system. Fails with the loader's own words.
pub(super) fn open(name: &str) -> Result<Library, String> {
    let path = own_path(name).unwrap_or_else(|| name.into());
    // SAFETY: the initializers of these libraries have no preconditions.
    let library = unsafe { Library::open(Some(&path), RTLD_NOW | RTLD_LOCAL) };
    library.map_err(|error| {
        let cause = std::error::Error::source(&error).map(ToString::to_string);
        cause.unwrap_or_else(|| error.to_string())
    })
}

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
                        *symbol.map_err(|error| format!("the CUDA runtime is of another version: {error}"))?
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
    memory = "cudaMemGetInfo" (*mut usize, *mut usize) -> Status;
    driver_version = "cudaDriverGetVersion" (*mut c_int) -> Status;
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
    for library in wanted() {
        let loaded = match open(&library.name) {
            Ok(loaded) => loaded,
            Err(_) if library.is_optional => continue,
            Err(reason) => return Err(library.missing(&reason)),
        };
        if library.is_runtime() {
            runtime = Some(CudaRuntime::of(&loaded)?);
        }
        // Never unloaded: ONNX Runtime goes on using it, and so do the functions.
        std::mem::forget(loaded);
    }
    // The runtime compiler loads it by its name, and says of itself nowhere where it lies.
    if let Some(path) = builtins()
        && let Some(name) = path.file_name().and_then(|name| name.to_str())
        && let Ok(loaded) = open(name)
    {
        std::mem::forget(loaded);
    }
    runtime.ok_or_else(|| "there is no CUDA runtime".into())
}

/// The file of the runtime compiler's own functions beside ONNX Runtime; its name has its version.
fn builtins() -> Option<PathBuf> {
    let files = std::fs::read_dir(FOLDER.get()?.join("cuda")).ok()?;
    let mut paths: Vec<PathBuf> = files.filter_map(|file| Some(file.ok()?.path())).collect();
    paths.sort();
    let is_wanted = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| name.starts_with("libnvrtc-builtins.so."))
    };
    paths.into_iter().find(is_wanted)
}
