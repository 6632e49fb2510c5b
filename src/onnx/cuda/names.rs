//! Names of the CUDA libraries, in the order in which they are loaded, for the version of CUDA that an ONNX Runtime is
//! built for.

use std::fs::File;
use std::io::Read;
use std::path::Path;

/// The version that is assumed where the file does not tell: that of the pinned ONNX Runtime.
const MAJOR: u32 = 13;
/// ONNX Runtime's part for CUDA.
const PROVIDER: &str = "libonnxruntime_providers_cuda.so";
/// Bytes at the start of that file that are looked at: the names of the libraries that it needs lie within the first 64 KB.
const HEAD: u64 = 4 << 20;
/// What the name of the CUDA runtime begins with; its major version follows.
const RUNTIME: &str = "libcudart.so.";

/// A library that is needed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Wanted {
    /// Its name with its major version, as the loader knows it.
    pub name: String,
    /// What it belongs to, for people.
    pub part: String,
    /// `true` if networks run without it.
    pub is_optional: bool,
}

impl Wanted {
    fn new(name: impl Into<String>, part: impl Into<String>) -> Wanted {
        Wanted {
            name: name.into(),
            part: part.into(),
            is_optional: false,
        }
    }

    /// `true` for the CUDA runtime.
    pub(super) fn is_runtime(&self) -> bool {
        self.name.starts_with(RUNTIME)
    }

    /// `true` for the driver's library, which no setup can bring.
    pub(crate) fn is_driver(&self) -> bool {
        self.name.starts_with("libcuda.so")
    }

    /// The sentence for it if it cannot be loaded.
    pub(crate) fn missing(&self, reason: &str) -> String {
        format!(
            "`{}`, a library of {}, cannot be loaded ({reason})",
            self.name, self.part
        )
    }
}

/// The major version of CUDA that the ONNX Runtime in a folder is built for.
pub(super) fn major_of(folder: Option<&Path>) -> u32 {
    let read = |folder: &Path| {
        let mut head = Vec::new();
        let file = File::open(folder.join(PROVIDER)).ok()?;
        file.take(HEAD).read_to_end(&mut head).ok()?;
        major_in(&head)
    };
    folder.and_then(read).unwrap_or(MAJOR)
}

/// The major version in the first name of a CUDA runtime among bytes.
fn major_in(bytes: &[u8]) -> Option<u32> {
    let at = bytes
        .windows(RUNTIME.len())
        .position(|window| window == RUNTIME.as_bytes())?;
    let rest = &bytes[at + RUNTIME.len()..];
    let end = rest.iter().position(|byte| !byte.is_ascii_digit())?;
    std::str::from_utf8(&rest[..end]).ok()?.parse().ok()
}

/// The driver, the CUDA runtime, and the libraries on top of it, each after those that it needs.
pub(super) fn wanted(major: u32) -> Vec<Wanted> {
    let cuda = format!("CUDA {major}");
    let of = |name: &str| Wanted::new(format!("{name}.so.{major}"), &cuda);
    let mut all = vec![
        Wanted::new("libcuda.so.1", "the NVIDIA driver"),
        of("libcudart"),
        of("libcublasLt"),
        of("libcublas"),
        Wanted::new("libcurand.so.10", &cuda),
    ];
    // ONNX Runtime for CUDA 12 is linked with it, though no network here uses it.
    if major == 12 {
        all.push(Wanted::new("libcufft.so.11", &cuda));
    }
    // cuDNN asks for it when it compiles a kernel of its own; it has others without it.
    all.push(Wanted {
        is_optional: true,
        ..of("libnvrtc")
    });
    all.push(Wanted::new("libcudnn.so.9", "cuDNN 9"));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_library_is_named_with_what_it_belongs_to() {
        let all = wanted(13);
        let of = |name: &str| all.iter().find(|library| library.name == name).unwrap();
        assert_eq!(
            of("libcudnn.so.9").missing("no such file"),
            "`libcudnn.so.9`, a library of cuDNN 9, cannot be loaded (no such file)"
        );
        for (name, part) in [
            ("libcuda.so.1", "the NVIDIA driver"),
            ("libcublas.so.13", "CUDA 13"),
        ] {
            assert!(of(name).missing("x").contains(part), "{name}");
        }
    }

    #[test]
    fn each_library_comes_after_those_that_it_needs() {
        for major in [12, 13] {
            let all = wanted(major);
            let at = |start: &str| {
                let found = all
                    .iter()
                    .position(|library| library.name.starts_with(start));
                found.unwrap_or_else(|| panic!("{start} of CUDA {major}"))
            };
            assert!(at("libcuda.so.1") < at(RUNTIME));
            assert!(at(RUNTIME) < at("libcublasLt.so."));
            assert!(at("libcublasLt.so.") < at("libcublas.so."));
            assert!(at("libcublas.so.") < at("libcudnn.so."));
            assert!(at("libnvrtc.so.") < at("libcudnn.so."));
        }
        assert!(
            !wanted(13)
                .iter()
                .any(|library| library.name.contains("cufft"))
        );
    }

    #[test]
    fn the_version_is_that_of_the_provider() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(major_of(None), 13);
        assert_eq!(major_of(Some(folder.path())), 13, "no provider");
        let file = folder.path().join(PROVIDER);
        for (bytes, major) in [
            (
                &b"\x7fELF\0libcublas.so.12\0libcudart.so.12\0libcudart.so.13\0"[..],
                12,
            ),
            (b"libcudart.so.13\0", 13),
            (b"libcudart.so.\0", 13),
            (b"nothing", 13),
        ] {
            std::fs::write(&file, bytes).unwrap();
            assert_eq!(major_of(Some(folder.path())), major);
        }
    }
}
