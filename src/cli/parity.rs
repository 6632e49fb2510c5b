//! `docparse parity DIR`: a table of tensors with their errors for every checkpoint folder.

use super::args::ParityArgs;
use super::{Failure, exit};
use crate::onnx::{Runtime, SessionOptions};
use crate::proof::parity::{self, Check, FolderReport, Outcome};
use crate::runtime::{self, RuntimeDirs};

/// Checks the folder; exit code 1 if any error exceeds its tolerance.
pub(super) fn run(args: &ParityArgs) -> Result<u8, Failure> {
    let dirs = RuntimeDirs::new(args.runtime_dir.as_deref(), super::data_home().as_deref());
    let library = dirs.find(runtime::ONNXRUNTIME).map_err(|e| {
        Failure::fatal(
            e.to_string(),
            "scripts/setup.sh fetches the native libraries",
        )
    })?;
    let device = super::devices::one_device(args.device.as_deref())?;
    let threads = args
        .cpu_threads
        .unwrap_or_else(crate::config::machine::cores)
        .clamp(1, 256);
    let loaded = Runtime::load(&library, SessionOptions::on(device, threads));
    let loaded =
        loaded.map_err(|e| Failure::fatal(e.to_string(), "docparse doctor checks the set-up"))?;
    let reports = parity::run(&args.dir, &loaded, &mut |report| {
        super::print(&table(report))
    })
    .map_err(|reason| {
        Failure::fatal(
            reason,
            "docparse parity DIR checks checkpoints with expected numbers",
        )
    })?;
    let failed = reports.iter().filter(|report| !report.passes()).count();
    let offered = reports
        .iter()
        .filter(|report| report.outcome != Outcome::NotOffered)
        .count();
    super::print(&format!(
        "{} of {offered} checkpoints agree\n",
        offered - failed
    ));
    Ok(if failed == 0 {
        exit::DONE
    } else {
        exit::FAILED
    })
}

fn table(report: &FolderReport) -> String {
    let title = format!("{} ({})", report.folder.display(), report.model);
    match &report.outcome {
        Outcome::NotOffered => format!("{title}: not offered\n"),
        Outcome::Failed(reason) => format!("{title}: failed: {reason}\n"),
        Outcome::Checked(checks) => {
            let rows: String = checks.iter().map(row).collect();
            format!("{title}\n{rows}")
        }
    }
}

fn row(check: &Check) -> String {
    let Check {
        case,
        tensor,
        error,
        tolerance,
    } = check;
    let (limit, verdict) = match tolerance {
        None => ("-".to_string(), "not compared"),
        Some(limit) => (
            format!("{limit:.0e}"),
            if check.fails() { "FAIL" } else { "ok" },
        ),
    };
    format!("  {case:<18} {tensor:<37} {error:9.1e} {limit:>8}  {verdict}\n")
}
