//! `docparse doctor --gpu`: what a machine has for networks on GPUs, and whether they compute there what they compute on
//! the CPU.

use super::{Failure, exit};
use crate::onnx::cuda::survey::{Survey, survey};
use crate::onnx::{Device, Runtime, SessionOptions};
use crate::proof::gpu::{self, Check, SelfTest, Speed};
use crate::runtime::{self, RuntimeDirs};
use crate::shown;
use serde::Serialize;

/// The command that brings what is missing.
const SETUP: &str = "scripts/setup.sh --gpu";

/// Everything that is told.
#[derive(Serialize)]
struct Findings<'a> {
    docparse: &'a str,
    device: String,
    setup: Option<Survey>,
    test: Option<SelfTest>,
    /// One sentence for each thing that is not right.
    wrong: Vec<String>,
    /// The command that brings what is missing, if one does.
    remedy: Option<&'a str>,
}

/// Looks, tests and tells; exit code 1 if something is not right. On the CPU only the test itself is tried.
pub(super) fn run(
    dirs: &RuntimeDirs,
    options: SessionOptions,
    is_json: bool,
) -> Result<u8, Failure> {
    let device = match options.device {
        Device::Auto => Device::Gpu(0),
        device => device,
    };
    let library = dirs
        .find(runtime::ONNXRUNTIME)
        .map_err(|e| Failure::fatal(e.to_string(), format!("{SETUP} fetches the libraries")))?;
    let options = SessionOptions { device, ..options };
    let loaded = Runtime::load(&library, options)
        .map_err(|e| Failure::fatal(e.to_string(), format!("{SETUP} fetches the libraries")))?;
    let setup = (device != Device::Cpu).then(survey);
    let mut wrong = Vec::new();
    let (mut remedy, mut runs) = (None, true);
    for missing in setup.iter().flat_map(|setup| &setup.missing) {
        wrong.push(missing.what.clone());
        runs &= !missing.is_needed;
        if missing.is_fetched {
            remedy = Some(SETUP);
        }
    }
    if let (Device::Gpu(number), Some(setup)) = (device, &setup)
        && !setup.cards.is_empty()
        && !setup.cards.iter().any(|card| card.number == number)
    {
        wrong.push(format!("there is no GPU {number}"));
        runs = false;
    }
    if !is_json {
        setup.iter().for_each(|setup| super::print(&table(setup)));
    }
    let asked = setup.iter().flat_map(|setup| &setup.cards);
    let unfit = asked
        .filter(|card| device == Device::Gpu(card.number))
        .find_map(|card| card.unfit.clone());
    runs &= unfit.is_none();
    wrong.extend(unfit);
    let test = runs.then(|| gpu::run(&loaded, dirs));
    if let Some(test) = &test {
        wrong.extend(test.wrong.iter().cloned());
    }
    let findings = Findings {
        docparse: env!("CARGO_PKG_VERSION"),
        device: match device {
            Device::Gpu(number) => format!("gpu:{number}"),
            _ => "cpu".into(),
        },
        setup,
        test,
        wrong,
        remedy,
    };
    if is_json {
        let text = serde_json::to_string_pretty(&findings);
        let text = text.map_err(|e| Failure::fatal(e.to_string(), "try again"))?;
        super::print(&format!("{text}\n"));
    } else {
        findings
            .test
            .iter()
            .for_each(|test| super::print(&results(test)));
        super::print(&closing(&findings));
    }
    Ok(match findings.wrong.is_empty() {
        true => exit::DONE,
        false => exit::FAILED,
    })
}

/// Driver, libraries and cards.
fn table(setup: &Survey) -> String {
    let unknown = || "unknown".to_string();
    let driver = match (&setup.driver, &setup.driver_cuda) {
        (None, None) => "none".into(),
        (version, cuda) => format!(
            "{}, runs CUDA {}",
            version.clone().unwrap_or_else(unknown),
            cuda.clone().unwrap_or_else(unknown)
        ),
    };
    let mut text = format!("driver     {}\n", shown::text(&driver));
    for library in &setup.libraries {
        let version = library.version.clone().unwrap_or_else(unknown);
        let line = match &library.path {
            Some(path) => format!("{version}, {}", path.display()),
            None => "missing".into(),
        };
        text += &format!("library    {}: {}\n", library.name, shown::text(&line));
    }
    for card in &setup.cards {
        let line = format!(
            "{}: {}, compute capability {}, {} of {} MB free{}",
            card.number,
            card.name,
            card.capability,
            card.free >> 20,
            card.total >> 20,
            if card.unfit.is_some() { ", unfit" } else { "" }
        );
        text += &format!("GPU        {}\n", shown::text(&line));
    }
    text
}

/// Checks and speeds.
fn results(test: &SelfTest) -> String {
    let check = |check: &Check| {
        let error = check
            .error
            .map_or("NaN".to_string(), |error| format!("{error:.1e}"));
        let verdict = if check.passes() { "ok" } else { "FAIL" };
        format!(
            "{verdict:<10} {}: {error} of at most {:.1e}\n",
            check.name, check.limit
        )
    };
    let speed = |speed: &Speed| {
        let beside = speed.peak.map_or(String::new(), |peak| {
            format!(
                ", {:.0}% of the card's {peak:.0}",
                100.0 * speed.value / peak
            )
        });
        format!(
            "speed      {}: {:.4} {}{beside}\n",
            speed.name, speed.value, speed.unit
        )
    };
    let checks: String = test.checks.iter().map(check).collect();
    let speeds: String = test.speeds.iter().map(speed).collect();
    checks + &speeds
}

/// What is not right, and what helps.
fn closing(findings: &Findings<'_>) -> String {
    if findings.wrong.is_empty() {
        return match findings.device.as_str() {
            "cpu" => "the self-test passes on the CPU\n".into(),
            device => format!("{device} is ready\n"),
        };
    }
    let wrong = findings.wrong.iter();
    let mut text: String = wrong
        .map(|what| format!("wrong      {}\n", shown::text(what)))
        .collect();
    if let Some(command) = findings.remedy {
        text += &format!("hint: {command} brings all libraries but the driver's\n");
    }
    text
}
