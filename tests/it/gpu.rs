//! The set-up for a GPU and its checks, as far as they go without one: the self-test passes on the CPU and says what is
//! missing for a GPU, speeds are measured on pages that the program makes, and `scripts/setup.sh` takes what the system has.
//! `scripts/gpu_standin.sh` goes on over stand-ins for the CUDA libraries, where the self-test has to fail.

use super::support::{Folder, root};
use serde_json::Value;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;

fn runtime() -> String {
    root().join("runtime").to_str().unwrap().to_string()
}

#[test]
fn the_self_test_passes_on_the_cpu() {
    let folder = Folder::new();
    let runtime = runtime();
    let flags = ["doctor", "--gpu", "--device", "cpu", "--runtime-dir"];
    let ran = folder
        .run(&[&flags[..], &[&runtime, "--json"]].concat())
        .expect(0);
    let found: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(found["wrong"], Value::Array(Vec::new()));
    assert_eq!(found["setup"], Value::Null, "nothing is asked of a GPU");
    let checks = found["test"]["checks"].as_array().unwrap();
    let named = |words: &str| {
        let is_it = |check: &&Value| check["name"].as_str().unwrap().contains(words);
        checks.iter().filter(is_it).count()
    };
    // Every size of step, upwards and downwards, in two precisions with two numbers each.
    for size in [1, 2, 4, 8] {
        for phase in ["rising", "falling"] {
            let words = format!("steps of {size} slots, load {phase}");
            assert_eq!(named(&words), 4, "{words}");
        }
    }
    for words in ["a picture", "layout network", "line network"] {
        assert!(named(words) >= 2, "{words}");
    }
    // Numbers of different kernels: equal ones would have compared a network with itself.
    let differs = |check: &Value| check["error"].as_f64().is_some_and(|error| error > 0.0);
    assert!(checks.iter().any(differs));
    let speeds = found["test"]["speeds"].as_array().unwrap();
    assert!(
        speeds
            .iter()
            .all(|speed| speed["value"].as_f64().unwrap() > 0.0)
    );
    let told = folder
        .run(&[&flags[..], &[&runtime]].concat())
        .expect(0)
        .stdout;
    assert!(
        told.ends_with("the self-test passes on the CPU\n"),
        "{told}"
    );
}

#[test]
fn what_a_gpu_lacks_is_said_with_the_command_that_brings_it() {
    let folder = Folder::new();
    let flags = ["doctor", "--gpu", "--runtime-dir", &runtime()];
    // A GPU of this machine is none of this test's.
    let hidden = [("CUDA_VISIBLE_DEVICES", "-1")];
    let ran = folder.run_with(&flags, &hidden, "");
    assert_eq!(ran.code, 1, "{}", ran.stderr);
    assert!(ran.stdout.contains("\nwrong      "), "{}", ran.stdout);
    let as_json = folder.run_with(&[&flags[..], &["--json"]].concat(), &hidden, "");
    assert_eq!(as_json.code, 1);
    let found: Value = serde_json::from_str(&as_json.stdout).unwrap();
    assert!(!found["wrong"].as_array().unwrap().is_empty());
    assert_eq!(found["test"], Value::Null, "nothing is tried");
    let libraries = found["setup"]["libraries"].as_array().unwrap();
    assert!(libraries.iter().any(|one| one["name"] == "libcuda.so.1"));
    if found["remedy"] != Value::Null {
        assert!(
            ran.stdout
                .ends_with("hint: scripts/setup.sh --gpu brings all libraries but the driver's\n")
        );
    }
}

#[test]
fn speeds_are_measured_on_pages_that_the_program_makes() {
    let folder = Folder::new();
    let flags = [
        "--pages",
        "2",
        "--device",
        "cpu",
        "--runtime-dir",
        &runtime(),
    ];
    let pipeline = ["--", "--pipeline-version", "lite"];
    let ran = folder
        .run(&[&["bench", "--json"][..], &flags, &pipeline].concat())
        .expect(0);
    let found: Value = serde_json::from_str(&ran.stdout).unwrap();
    assert_eq!(found["pages"], 2);
    assert_eq!(found["pipeline"], "lite");
    for field in [
        "seconds",
        "pages_per_second",
        "first_page_seconds",
        "peak_memory_mb",
        "cores",
    ] {
        assert!(
            found[field].as_f64().is_some_and(|value| value > 0.0),
            "{field}: {found}"
        );
    }
    let stages = found["stages"].as_object().unwrap();
    assert!(stages.len() >= 3, "{stages:?}");
    let shares: f64 = stages
        .values()
        .map(|stage| stage["share"].as_f64().unwrap())
        .sum();
    assert!((shares - 1.0).abs() < 0.01, "{stages:?}");
    let ran = folder.run(
        &[
            &["bench"][..],
            &flags,
            &["--", "--pipeline-version", "none"],
        ]
        .concat(),
    );
    assert_eq!(ran.code, 1);
    assert!(
        ran.stderr.contains("invalid value 'none'"),
        "{}",
        ran.stderr
    );
}

/// A copy of what `scripts/setup.sh` needs, with a Python that downloads nothing.
fn setup_folder(folder: &Path) {
    for below in ["scripts", "assets/cids", "assets/fonts", "bin"] {
        std::fs::create_dir_all(folder.join(below)).unwrap();
    }
    for file in [
        "scripts/setup.sh",
        "assets/cids/LICENSE",
        "assets/fonts/LICENSE",
    ] {
        std::fs::copy(root().join(file), folder.join(file)).unwrap();
    }
    // Nothing can be fetched; there is room, and no library of the system.
    for (name, script) in [
        (
            "python3",
            "case \"$*\" in *--version*) exit 0 ;; esac\nexit 7",
        ),
        ("df", "echo head\necho disk 9 9 9999999"),
        ("ldconfig", ""),
    ] {
        let program = folder.join("bin").join(name);
        std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
    }
}

fn setup(folder: &Path, arguments: &[&str], libraries: &Path) -> (i32, String) {
    let path = format!(
        "{}:{}",
        folder.join("bin").display(),
        std::env::var("PATH").unwrap()
    );
    let ran = Command::new(folder.join("scripts/setup.sh"))
        .args(arguments)
        .env("PATH", path)
        .env("LD_LIBRARY_PATH", libraries)
        .output()
        .unwrap();
    let text = [ran.stdout, ran.stderr].concat();
    (
        ran.status.code().unwrap(),
        String::from_utf8_lossy(&text).into_owned(),
    )
}

#[test]
fn the_set_up_takes_fit_libraries_of_the_system_and_leaves_nothing_half() {
    let folder = tempfile::tempdir().unwrap();
    let (own, system) = (folder.path(), folder.path().join("system"));
    setup_folder(own);
    std::fs::create_dir(&system).unwrap();
    for (name, content) in [
        ("libcudart.so.13", ""),
        ("libcublas.so.13", ""),
        ("libcublasLt.so.13", ""),
        ("libcudnn.so.9", ""),
        // By what its parts load, this cuDNN is for CUDA 12.
        ("libcudnn_ops.so.9", "libcublasLt.so.12"),
    ] {
        std::fs::write(system.join(name), content).unwrap();
    }
    let (code, told) = setup(own, &["--gpu", "--system-cuda"], &system);
    assert_ne!(code, 0, "the download fails: {told}");
    for name in ["libcudart.so.13", "libcublas.so.13", "libcublasLt.so.13"] {
        let path = system.join(name);
        assert!(
            told.contains(&format!("from the system: {}", path.display())),
            "{told}"
        );
        assert_eq!(
            std::fs::read_link(own.join("runtime/cuda.next").join(name)).unwrap(),
            path
        );
    }
    assert!(!own.join("runtime/cuda.next/libcudnn.so.9").exists());
    assert!(!own.join("runtime/cuda/libcudart.so.13").exists());
    assert!(told.contains("MB of disk are needed"), "{told}");
    assert!(told.contains("fetching nvidia-curand=="), "{told}");
    let mut left = std::fs::read_dir(own.join("runtime")).unwrap();
    let is_left = |name: std::ffi::OsString| name.to_string_lossy().starts_with(".fetching");
    assert!(!left.any(|file| is_left(file.unwrap().file_name())));
}

/// Libraries in use, of wheels that are no longer wanted, and their lists.
fn old_libraries(folder: &Path, files: &[(&str, &str)]) {
    let cuda = folder.join("runtime/cuda");
    std::fs::create_dir_all(cuda.join("wheels")).unwrap();
    for (wheel, file) in files {
        let list = format!("{wheel}==0.1\n{file}\n");
        std::fs::write(cuda.join("wheels").join(wheel), list).unwrap();
        std::fs::write(cuda.join(file), "old").unwrap();
    }
}

#[test]
fn libraries_in_use_stay_until_the_new_ones_are_there() {
    let folder = tempfile::tempdir().unwrap();
    let (own, system) = (folder.path(), folder.path().join("system"));
    setup_folder(own);
    std::fs::create_dir(&system).unwrap();
    for name in [
        "libcudart.so.13",
        "libcublas.so.13",
        "libcublasLt.so.13",
        "libcurand.so.10.4.0",
        "libnvrtc.so.13",
    ] {
        std::fs::write(system.join(name), "new").unwrap();
    }
    std::os::unix::fs::symlink("libcurand.so.10.4.0", system.join("libcurand.so.10")).unwrap();
    old_libraries(
        own,
        &[
            ("nvidia-cuda-runtime", "libcudart.so.13"),
            ("nvidia-cufft", "libcufft.so.12"),
        ],
    );
    let read = |name: &str| std::fs::read_to_string(own.join("runtime/cuda").join(name)).ok();
    // cuDNN is missing, and cannot be fetched.
    let (code, told) = setup(own, &["--gpu", "--system-cuda"], &system);
    assert_ne!(code, 0, "{told}");
    assert!(told.contains("fetching nvidia-cudnn-cu13=="), "{told}");
    for name in ["libcudart.so.13", "libcufft.so.12"] {
        assert_eq!(read(name).as_deref(), Some("old"), "{name}: {told}");
    }

    // With cuDNN and everything but the libraries of CUDA there, the change is made.
    std::fs::write(system.join("libcudnn.so.9"), "new").unwrap();
    std::fs::write(system.join("libcudnn_ops.so.9"), "libcublasLt.so.13").unwrap();
    complete_base(own);
    let (code, told) = setup(own, &["--gpu", "--system-cuda"], &system);
    assert_eq!(code, 0, "{told}");
    for name in ["libcudart.so.13", "libcudnn.so.9", "libcurand.so.10"] {
        assert_eq!(read(name).as_deref(), Some("new"), "{name}: {told}");
    }
    assert_eq!(read("libcufft.so.12"), None, "{told}");
    assert!(!own.join("runtime/cuda/wheels/nvidia-cufft").exists());
    assert!(!own.join("runtime/cuda.next").exists());
}

/// Makes what `scripts/setup.sh --gpu` fetches besides the libraries of CUDA look complete.
fn complete_base(folder: &Path) {
    let script = std::fs::read_to_string(folder.join("scripts/setup.sh")).unwrap();
    // The stamp is made of the script's own pins: the lines from the first pin to the stamp, which only set variables.
    let from = script.find("onnxruntime_cpu=").unwrap();
    let to = script.find("# Whether everything but").unwrap();
    let pins = &script[from..to];
    let finish = "mkdir -p runtime; printf %s \"$stamp\" > runtime/stamp
        for file in libonnxruntime.so libpdfium.so PP-OCRv6_det_small.onnx PP-OCRv6_rec_small.onnx \
            ch_ppocr_mobile_v2.0_cls_mobile.onnx; do touch runtime/$file; done
        for network in \"${networks[@]}\"; do touch \"runtime/${network##* }\"; done";
    let ran = Command::new("bash")
        .args([
            "-euc",
            &format!("variant=gpu machine=x86_64\n{pins}\n{finish}"),
        ])
        .current_dir(folder)
        .status()
        .unwrap();
    assert!(ran.success());
}

#[test]
fn the_set_up_fetches_for_the_machine_it_runs_on() {
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path();
    setup_folder(own);
    // The fake Python names the platforms that it is asked for, and fails.
    let write = |name: &str, script: &str| {
        let program = own.join("bin").join(name);
        std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).unwrap();
        std::fs::set_permissions(&program, PermissionsExt::from_mode(0o755)).unwrap();
    };
    write(
        "python3",
        "case \"$*\" in *--version*) exit 0 ;; esac\necho \"$*\"\nexit 7",
    );
    for (machine, other) in [("x86_64", "aarch64"), ("aarch64", "x86_64")] {
        let uname = format!("case \"$1\" in -m) echo {machine} ;; *) echo Linux ;; esac");
        write("uname", &uname);
        let (code, told) = setup(own, &[], own);
        assert_eq!(code, 7, "{told}");
        let asked = format!("--platform manylinux_2_28_{machine} ");
        assert!(told.contains(&asked), "{told}");
        assert!(!told.contains(other), "{told}");
    }
    let (code, told) = setup(own, &["--gpu"], own);
    assert_eq!(code, 1, "{told}");
    assert!(told.contains("--gpu is for Linux on x86-64"), "{told}");
    write("uname", "echo riscv64");
    let (code, told) = setup(own, &[], own);
    assert_eq!(code, 1, "{told}");
    assert!(told.contains("x86-64 and aarch64"), "{told}");
}

#[test]
fn wrong_uses_of_the_set_up_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    setup_folder(folder.path());
    for (arguments, words) in [
        (&["--system-cuda"][..], "goes with --gpu"),
        (&["--cuda"], "usage: scripts/setup.sh"),
    ] {
        let (code, told) = setup(folder.path(), arguments, folder.path());
        assert_eq!(code, 2, "{told}");
        assert!(told.contains(words), "{told}");
    }
    // Older drivers cannot be set up for, and the reason is said.
    let (code, told) = setup(folder.path(), &["--gpu-cuda12"], folder.path());
    assert_eq!(code, 1, "{told}");
    assert!(told.contains("R580"), "{told}");
}
