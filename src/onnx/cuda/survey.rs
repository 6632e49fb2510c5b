//! What a machine has for networks on GPUs: the driver, the libraries with their versions and places, and the cards with
//! their memory. Nothing is run.

use super::library::{self, CudaRuntime, cuda, open};
use super::{Gpu, NOT_FOR_GPUS, facts, turns};
use libloading::os::unix::{Library, Symbol};
use serde::Serialize;
use std::ffi::c_int;
use std::path::{Path, PathBuf};

/// Where the kernel's part of the driver tells its version.
const DRIVER_FILE: &str = "/proc/driver/nvidia/version";
/// Oldest driver for each major version of CUDA: release notes of CUDA 13.0 (table of drivers), and the compatibility
/// within CUDA 12.
const DRIVERS: [(u32, u32); 2] = [(12, 525), (13, 580)];

/// What is there.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Survey {
    /// Major version of CUDA that the ONNX Runtime in use is built for.
    pub cuda_major: u32,
    /// Version of the driver, such as `580.82.07`; `None` if no driver is loaded.
    pub driver: Option<String>,
    /// Newest version of CUDA that the driver runs, such as `13.0`.
    pub driver_cuda: Option<String>,
    /// The libraries, in the order in which they are loaded.
    pub libraries: Vec<LibraryFound>,
    /// The cards.
    pub cards: Vec<Card>,
    /// One sentence for each thing that is missing or unfit.
    pub missing: Vec<Missing>,
}

/// A library.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct LibraryFound {
    /// Its name.
    pub name: String,
    /// Its version, if it tells.
    pub version: Option<String>,
    /// The file that is loaded; `None` if there is none.
    pub path: Option<PathBuf>,
}

/// A card.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Card {
    /// Its number.
    pub number: u32,
    /// Its name.
    pub name: String,
    /// Compute capability, such as `9.0`.
    pub capability: String,
    /// Free memory in bytes; 0 if it does not tell.
    pub free: u64,
    /// All of its memory in bytes.
    pub total: u64,
    /// Why networks cannot run on it, if so.
    pub unfit: Option<String>,
}

/// Something that is missing or unfit.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Missing {
    /// What, as a sentence.
    pub what: String,
    /// `true` if the setup script brings it.
    pub is_fetched: bool,
    /// `true` if networks cannot run without it.
    pub is_needed: bool,
}

impl Missing {
    fn new(what: impl Into<String>, is_fetched: bool) -> Missing {
        Missing {
            what: what.into(),
            is_fetched,
            is_needed: true,
        }
    }
}

/// Looks at libraries and cards. ONNX Runtime must be loaded. Never fails: what cannot be had is in
/// [`Survey::missing`].
pub(crate) fn survey() -> Survey {
    let wanted = library::wanted();
    let cuda_major = library::major();
    let mut missing = Vec::new();
    if !super::is_built_in() {
        missing.push(Missing::new(NOT_FOR_GPUS, true));
    }
    let driver = std::fs::read_to_string(DRIVER_FILE).ok();
    let driver = driver.as_deref().and_then(driver_in);
    // Loaded in the order that networks need, then asked one by one.
    let loaded = cuda();
    let mut libraries = Vec::new();
    for library in &wanted {
        let found = match open(&library.name) {
            Ok(open) => LibraryFound {
                name: library.name.clone(),
                version: version_of(&open, &library.name),
                path: loaded_from(&library.name),
            },
            Err(reason) => {
                let what = match library.is_driver() {
                    true => format!(
                        "{}; install the driver of the card, {} or later",
                        library.missing(&reason),
                        oldest_driver(cuda_major)
                            .map_or("R580".into(), |least| format!("R{least}"))
                    ),
                    false => library.missing(&reason),
                };
                missing.push(Missing {
                    what,
                    is_fetched: !library.is_driver(),
                    is_needed: !library.is_optional,
                });
                LibraryFound {
                    name: library.name.clone(),
                    version: None,
                    path: None,
                }
            }
        };
        libraries.push(found);
    }
    if let Some(reason) = driver.as_deref().and_then(|own| too_old(own, cuda_major)) {
        missing.push(Missing::new(reason, false));
    }
    let mut cards = Vec::new();
    let mut driver_cuda = None;
    match loaded {
        Ok(cuda) => {
            driver_cuda = number(cuda, cuda.driver_version).map(cuda_version);
            match cards_of(cuda) {
                Ok(found) => cards = found,
                Err(reason) => missing.push(Missing::new(reason, false)),
            }
        }
        // The library is named already.
        Err(_) if !missing.is_empty() => {}
        Err(reason) => missing.push(Missing::new(reason, true)),
    }
    Survey {
        cuda_major,
        driver,
        driver_cuda,
        libraries,
        cards,
        missing,
    }
}

/// All cards. Fails with a sentence if the driver offers none.
fn cards_of(cuda: &CudaRuntime) -> Result<Vec<Card>, String> {
    let mut cards = Vec::new();
    // The first card's facts are asked for in any case, as their error says why there is none.
    let mut number = 0;
    loop {
        match facts(cuda, number) {
            Ok(gpu) => cards.push(card(cuda, gpu)),
            Err(reason) if number == 0 => return Err(reason),
            Err(_) => return Ok(cards),
        }
        number += 1;
    }
}

fn card(cuda: &CudaRuntime, gpu: Gpu) -> Card {
    let _turn = turns::shared();
    let (mut free, mut total) = (0, 0);
    // SAFETY: the functions take numbers, and write one each.
    let status = unsafe {
        match (cuda.select)(gpu.number as c_int) {
            0 => (cuda.memory)(&mut free, &mut total),
            status => status,
        }
    };
    if status != 0 {
        (free, total) = (0, 0);
    }
    Card {
        unfit: gpu.too_old(),
        number: gpu.number,
        name: gpu.name,
        capability: format!("{}.{}", gpu.capability.0, gpu.capability.1),
        free: free as u64,
        total: total as u64,
    }
}

/// A number that a function of the CUDA runtime writes.
fn number(cuda: &CudaRuntime, ask: unsafe extern "C" fn(*mut c_int) -> c_int) -> Option<i32> {
    let mut value = 0;
    // SAFETY: the function writes one number.
    let status = unsafe { ask(&mut value) };
    (cuda.check(status).is_ok() && value > 0).then_some(value)
}

/// The version that a library tells of itself.
fn version_of(library: &Library, name: &str) -> Option<String> {
    let stem = name.split(".so").next().unwrap_or(name);
    // SAFETY of each: the types are those of the library's headers; the functions have no preconditions.
    let by_pointer = |function: &str| -> Option<i32> {
        let mut value = 0;
        unsafe {
            let ask: Symbol<unsafe extern "C" fn(*mut c_int) -> c_int> =
                library.get(function.as_bytes()).ok()?;
            (ask(&mut value) == 0 && value > 0).then_some(value)
        }
    };
    let by_value = |function: &str| -> Option<usize> {
        let value = unsafe {
            let ask: Symbol<unsafe extern "C" fn() -> usize> =
                library.get(function.as_bytes()).ok()?;
            ask()
        };
        (value > 0).then_some(value)
    };
    match stem {
        "libcuda" => by_pointer("cuDriverGetVersion").map(cuda_version),
        "libcudart" => by_pointer("cudaRuntimeGetVersion").map(cuda_version),
        "libcublasLt" => by_value("cublasLtGetVersion").map(packed_version),
        "libcurand" => by_pointer("curandGetVersion").map(curand_version),
        "libcudnn" => by_value("cudnnGetVersion").map(packed_version),
        "libcublas" => {
            let mut parts = [0; 3];
            for (at, part) in parts.iter_mut().enumerate() {
                // SAFETY: `libraryPropertyType` is a number from 0 on, the function writes another.
                let status = unsafe {
                    let ask: Symbol<unsafe extern "C" fn(c_int, *mut c_int) -> c_int> =
                        library.get(b"cublasGetProperty").ok()?;
                    ask(at as c_int, part)
                };
                if status != 0 {
                    return None;
                }
            }
            (parts[0] > 0).then(|| format!("{}.{}.{}", parts[0], parts[1], parts[2]))
        }
        "libnvrtc" => {
            let (mut major, mut minor) = (0, 0);
            // SAFETY: the function writes two numbers.
            let status = unsafe {
                let ask: Symbol<unsafe extern "C" fn(*mut c_int, *mut c_int) -> c_int> =
                    library.get(b"nvrtcVersion").ok()?;
                ask(&mut major, &mut minor)
            };
            (status == 0 && major > 0).then(|| format!("{major}.{minor}"))
        }
        _ => None,
    }
}

/// `13000` as `13.0`.
fn cuda_version(number: i32) -> String {
    format!("{}.{}", number / 1000, number % 1000 / 10)
}

/// `91900` as `9.19.0`, and `130100` as `13.1.0`.
fn packed_version(number: usize) -> String {
    format!(
        "{}.{}.{}",
        number / 10_000,
        number / 100 % 100,
        number % 100
    )
}

/// `10400` as `10.4.0`, the form of cuRAND.
fn curand_version(number: i32) -> String {
    format!("{}.{}.{}", number / 1000, number / 100 % 10, number % 100)
}

/// The file that a loaded library is of, by the process's own map.
fn loaded_from(name: &str) -> Option<PathBuf> {
    let stem = name.split(".so").next()?;
    let maps = std::fs::read_to_string("/proc/self/maps").ok()?;
    let mut paths = maps
        .lines()
        .filter_map(|line| line.find('/').map(|at| &line[at..]));
    let is_it = |path: &&str| {
        let file = Path::new(path).file_name().and_then(|name| name.to_str());
        file.is_some_and(|file| {
            file.strip_prefix(stem)
                .is_some_and(|rest| rest.starts_with(".so"))
        })
    };
    paths.find(is_it).map(PathBuf::from)
}

/// The version of the driver in its own words: the first that has the form of one.
fn driver_in(words: &str) -> Option<String> {
    let is_version = |word: &&str| {
        let parts: Vec<&str> = word.split('.').collect();
        parts.len() >= 2 && parts.iter().all(|part| part.parse::<u32>().is_ok())
    };
    let line = words.lines().next()?;
    line.split_whitespace().find(is_version).map(String::from)
}

fn oldest_driver(major: u32) -> Option<u32> {
    let found = DRIVERS.iter().find(|(cuda, _)| *cuda == major);
    found.map(|(_, least)| *least)
}

/// The sentence for a driver that is too old.
fn too_old(driver: &str, major: u32) -> Option<String> {
    let own: u32 = driver.split('.').next()?.parse().ok()?;
    let least = oldest_driver(major)?;
    (own < least).then(|| {
        format!("the driver is {driver}, and CUDA {major} needs R{least} or later: install a newer driver")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_told_as_people_write_them() {
        assert_eq!(cuda_version(13000), "13.0");
        assert_eq!(cuda_version(12080), "12.8");
        assert_eq!(packed_version(91_901), "9.19.1");
        assert_eq!(packed_version(130_100), "13.1.0");
        assert_eq!(curand_version(10400), "10.4.0");
        assert_eq!(curand_version(10309), "10.3.9");
    }

    #[test]
    fn the_drivers_version_is_found_in_its_words() {
        let closed = "NVRM version: NVIDIA UNIX x86_64 Kernel Module  580.82.07  Wed Aug 27 2025\nGCC version: 12.3.0";
        let open =
            "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.172.08  Release Build";
        assert_eq!(driver_in(closed).as_deref(), Some("580.82.07"));
        assert_eq!(driver_in(open).as_deref(), Some("570.172.08"));
        assert_eq!(driver_in("nothing"), None);
    }

    #[test]
    fn a_driver_that_is_too_old_is_refused_with_what_helps() {
        assert_eq!(too_old("580.65.06", 13), None);
        assert_eq!(too_old("525.60.13", 12), None);
        let told = too_old("570.172.08", 13).unwrap();
        assert!(
            told.contains("570.172.08") && told.contains("R580"),
            "{told}"
        );
    }

    #[test]
    fn a_loaded_library_is_found_by_its_name() {
        let path = loaded_from("libc.so.6").unwrap();
        assert!(path.is_absolute() && path.exists(), "{path:?}");
        assert_eq!(loaded_from("libnothing.so.1"), None);
    }
}
