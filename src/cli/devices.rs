//! The devices that networks run on, as they are given: one, or a list of several, each with a process of its own.

use super::{Failure, logging};
use crate::onnx::{Device, Runtime, SessionOptions};
use crate::pipeline::stages::SeveralDevices;
use crate::runtime::{self, RuntimeDirs};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::Path;
use tracing::Level;

const SYNTAX: &str = "use --device auto, cpu, gpu or gpu:N, or for several devices a list such as gpu:0,1 or gpu:all, in which cpu may stand as well";
/// The hidden subcommand that is the process of a device.
pub(super) const SUBCOMMAND: &str = "device-process";
/// Most devices of a run.
const MOST: usize = 64;

/// A part of the list.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Part {
    One(Device),
    AllGpus,
}

/// The devices that were given; one of them at least.
pub(super) fn devices(text: Option<&str>, dirs: &RuntimeDirs) -> Result<Vec<Device>, Failure> {
    let list = text.unwrap_or("auto");
    let parts = parts(list)?;
    let mut devices = Vec::new();
    for part in &parts {
        match part {
            Part::One(device) => devices.push(*device),
            Part::AllGpus => devices.extend(usable_gpus(dirs)?.into_iter().map(Device::Gpu)),
        }
    }
    if devices.len() > MOST {
        let reason = format!("`{list}` is a list of {} devices", devices.len());
        return Err(Failure::usage(reason, format!("give {MOST} at most")));
    }
    Ok(devices)
}

/// The device that was given, for commands that take only one.
pub(super) fn one_device(text: Option<&str>) -> Result<Device, Failure> {
    match parts(text.unwrap_or("auto"))?.as_slice() {
        [Part::One(device)] => Ok(*device),
        _ => Err(Failure::usage(
            "this command takes one device",
            "use --device auto, cpu, gpu or gpu:N",
        )),
    }
}

/// What starts the processes of several devices; `None` for one device, which needs none.
pub(super) fn several(devices: &[Device], program: &Path, level: Level) -> Option<SeveralDevices> {
    let format = match logging::is_json() {
        true => "json",
        false => "text",
    };
    let level = level.to_string();
    (devices.len() > 1).then(|| SeveralDevices {
        devices: devices.to_vec(),
        program: program.to_path_buf(),
        arguments: [SUBCOMMAND, &level, format].map(OsString::from).to_vec(),
    })
}

fn parts(list: &str) -> Result<Vec<Part>, Failure> {
    let wrong = |reason: String| Failure::usage(reason, SYNTAX);
    let words: Vec<&str> = list.split(',').map(str::trim).collect();
    let mut parts = Vec::new();
    let mut follows_gpu = false;
    for word in &words {
        let number = |text: &str| text.parse::<u32>().ok();
        let part = match (*word, word.strip_prefix("gpu:")) {
            ("auto", _) => Part::One(Device::Auto),
            ("cpu", _) => Part::One(Device::Cpu),
            ("gpu", _) => Part::One(Device::Gpu(0)),
            (_, Some("all")) => Part::AllGpus,
            (_, Some("")) => {
                return Err(wrong(format!("`{list}` lacks a number after `gpu:`")));
            }
            (_, Some(text)) if number(text).is_some() => {
                Part::One(Device::Gpu(number(text).unwrap_or(0)))
            }
            // A further number of the same kind.
            (text, None) if follows_gpu && number(text).is_some() => {
                Part::One(Device::Gpu(number(text).unwrap_or(0)))
            }
            (text, None) if number(text).is_some() => {
                return Err(wrong(format!(
                    "`{text}` in `{list}` is a number that follows no `gpu:`"
                )));
            }
            ("", _) => return Err(wrong(format!("`{list}` has an empty place"))),
            _ => return Err(wrong(format!("`{word}` is no device of docparse"))),
        };
        follows_gpu = matches!(part, Part::One(Device::Gpu(_))) && *word != "gpu";
        parts.push(part);
    }
    if parts.len() > 1 && parts.contains(&Part::One(Device::Auto)) {
        return Err(wrong(format!(
            "`auto` in `{list}` stands for one device, which it looks for itself"
        )));
    }
    let mut seen = BTreeSet::new();
    for part in &parts {
        let name = match part {
            Part::One(Device::Gpu(number)) => format!("GPU {number}"),
            Part::AllGpus => "`gpu:all`".into(),
            // Several processes may share a CPU.
            Part::One(_) => continue,
        };
        if !seen.insert(name.clone()) {
            let reason = format!("{name} stands twice in `{list}`");
            return Err(Failure::usage(reason, "name each GPU once"));
        }
    }
    if parts.contains(&Part::AllGpus) && seen.len() > 1 {
        return Err(Failure::usage(
            format!("`{list}` names all GPUs, and some of them by their numbers"),
            "leave the numbers out, or gpu:all",
        ));
    }
    Ok(parts)
}

/// Numbers of the GPUs that can be used; fails if there is none.
fn usable_gpus(dirs: &RuntimeDirs) -> Result<Vec<u32>, Failure> {
    let none = |reason: String| {
        Failure::fatal(
            format!("`gpu:all` finds no GPU: {reason}"),
            "use --device cpu, or set up the runtime with scripts/setup.sh --gpu",
        )
    };
    let library = dirs.find(runtime::ONNXRUNTIME);
    let library = library.map_err(|error| none(error.to_string()))?;
    // The device of these options is that of no session.
    let runtime = Runtime::load(&library, SessionOptions::on(Device::Cpu, 1));
    let runtime = runtime.map_err(|error| none(error.to_string()))?;
    runtime.usable_gpus().map_err(none)
}

#[cfg(test)]
mod tests {
    use super::*;
    use Device::{Auto, Cpu, Gpu};

    #[test]
    fn lists_of_devices() {
        let dirs = RuntimeDirs::new(Some(Path::new("/nowhere")), None);
        let check = |text, expected: &[Device]| {
            assert_eq!(
                devices(text, &dirs).ok().as_deref(),
                Some(expected),
                "{text:?}"
            );
        };
        check(None, &[Auto]);
        check(Some("auto"), &[Auto]);
        check(Some("gpu"), &[Gpu(0)]);
        check(Some("gpu:2"), &[Gpu(2)]);
        check(Some("gpu:0,1"), &[Gpu(0), Gpu(1)]);
        check(Some("gpu:3, 1,gpu:0"), &[Gpu(3), Gpu(1), Gpu(0)]);
        check(Some("cpu,cpu"), &[Cpu, Cpu]);
        check(Some("gpu:0,cpu,gpu:1"), &[Gpu(0), Cpu, Gpu(1)]);
    }

    #[test]
    fn lists_that_are_none_say_what_is_wrong() {
        let dirs = RuntimeDirs::new(Some(Path::new("/nowhere")), None);
        let check = |text: &str, expected: &str| {
            let failure = devices(Some(text), &dirs).unwrap_err().into_fault();
            assert!(failure.message.contains(expected), "{text}: {failure}");
        };
        check("npu", "`npu` is no device");
        check("gpu:x", "`gpu:x` is no device");
        check("gpu:-1", "`gpu:-1` is no device");
        check("gpu:4294967296", "is no device");
        check("gpu:", "lacks a number");
        check("gpu:,1", "lacks a number");
        check("gpu:0,", "an empty place");
        check("", "an empty place");
        check("cpu,1", "follows no `gpu:`");
        check("gpu,1", "follows no `gpu:`");
        check("gpu:0,cpu,1", "follows no `gpu:`");
        check("cpu,auto", "`auto` in `cpu,auto`");
        check("gpu:0,0", "GPU 0 stands twice");
        check("gpu,gpu:0", "GPU 0 stands twice");
        check("gpu:all,gpu:all", "`gpu:all` stands twice");
        check("gpu:all,1", "follows no `gpu:`");
        check("gpu:all,gpu:1", "names all GPUs");
        check("gpu:all", "finds no GPU");
        let many = vec!["cpu"; MOST + 1].join(",");
        check(&many, "a list of 65 devices");
        assert!(one_device(Some("cpu,cpu")).is_err() && one_device(Some("gpu:all")).is_err());
        assert_eq!(one_device(Some("gpu:1")).ok(), Some(Gpu(1)));
    }
}
