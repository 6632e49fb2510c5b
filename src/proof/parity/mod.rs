//! Checks networks tensor by tensor against values that transformers computed from the same checkpoints.
//!
//! A folder to check holds a checkpoint and `goldens/`: for every case a safetensors file of expected tensors
//! with a JSON file of facts, and `images/` with the pictures. Nothing here depends on the names or the
//! number of cases, or on the sizes of the networks.
//!
//! An error is the largest difference relative to the largest expected value. Tolerances are what a correct
//! single-precision implementation meets on these fixtures, that is several times the measured error.

mod batches;
mod expected;
mod layout;
mod preprocess;
mod recognizer;

pub(in crate::proof) use expected::error;

use crate::layout::pp_doclayout::config::Version;
use crate::onnx::Runtime;
use crate::onnx::checkpoint::ModelConfig;
use crate::preprocess::{pp_lcnet, uvdoc};
use crate::recognize::paddleocr_vl;
use std::path::{Path, PathBuf};

/// A tensor, or another value that must agree.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    /// The case, by its file name.
    pub case: String,
    /// The tensor.
    pub tensor: String,
    /// Its error.
    pub error: f64,
    /// The tolerance; `None` if the error is only reported.
    pub tolerance: Option<f64>,
}

impl Check {
    /// `true` if the error exceeds its tolerance or is NaN.
    pub fn fails(&self) -> bool {
        self.tolerance
            .is_some_and(|tolerance| self.error.is_nan() || self.error > tolerance)
    }
}

/// Result of one folder.
#[derive(Debug, Clone, PartialEq)]
pub struct FolderReport {
    /// The folder, relative to the given one.
    pub folder: PathBuf,
    /// The network's model type.
    pub model: String,
    /// The checks, or the reason why there are none.
    pub outcome: Outcome,
}

/// Outcome of a folder.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// It was checked.
    Checked(Vec<Check>),
    /// Its network is not supported by this build.
    NotOffered,
    /// It could not be loaded or run.
    Failed(String),
}

impl FolderReport {
    /// `true` if everything agrees.
    pub fn passes(&self) -> bool {
        match &self.outcome {
            Outcome::Checked(checks) => !checks.iter().any(Check::fails),
            Outcome::NotOffered => true,
            Outcome::Failed(_) => false,
        }
    }
}

/// Checks every checkpoint folder at or below `root`, calling `done` after each.
///
/// Fails if `root` cannot be read or contains no checkpoint with expected values.
pub fn run(
    root: &Path,
    runtime: &Runtime,
    done: &mut dyn FnMut(&FolderReport),
) -> Result<Vec<FolderReport>, String> {
    let mut folders = Vec::new();
    find(root, &mut folders).map_err(|e| format!("cannot read `{}`: {e}", root.display()))?;
    let mut reports = Vec::new();
    for folder in folders {
        let report = check(root, &folder, runtime);
        done(&report);
        reports.push(report);
    }
    match reports.is_empty() {
        true => Err(format!(
            "no folder with config.json and goldens lies in `{}`",
            root.display()
        )),
        false => Ok(reports),
    }
}

fn find(folder: &Path, found: &mut Vec<PathBuf>) -> std::io::Result<()> {
    if folder.join("config.json").is_file() && folder.join("goldens").is_dir() {
        found.push(folder.to_path_buf());
        return Ok(());
    }
    let mut inner: Vec<PathBuf> = std::fs::read_dir(folder)?
        .map(|e| Ok(e?.path()))
        .collect::<std::io::Result<_>>()?;
    inner.sort();
    inner
        .iter()
        .filter(|path| path.is_dir())
        .try_for_each(|path| find(path, found))
}

fn check(root: &Path, folder: &Path, runtime: &Runtime) -> FolderReport {
    let below = folder.strip_prefix(root).unwrap_or(folder);
    let name = if below.as_os_str().is_empty() {
        folder
    } else {
        below
    };
    let report = |model: &str, outcome| FolderReport {
        folder: name.into(),
        model: model.into(),
        outcome,
    };
    let config = match ModelConfig::read(folder.join("config.json")) {
        Ok(config) => config,
        Err(error) => return report("?", Outcome::Failed(error.to_string())),
    };
    let model = config.model_type().to_string();
    let checked = match model.as_str() {
        _ if Version::of(&config).is_some() => layout::check(folder, runtime),
        pp_lcnet::MODEL_TYPE => preprocess::orientation(folder, runtime),
        uvdoc::MODEL_TYPE => preprocess::unwarping(folder, runtime),
        paddleocr_vl::config::MODEL_TYPE => recognizer::check(folder, runtime),
        _ => return report(&model, Outcome::NotOffered),
    };
    let outcome = match checked {
        Ok(checks) => Outcome::Checked(checks),
        Err(error) => Outcome::Failed(error),
    };
    report(&model, outcome)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_folders_with_expected_numbers_are_found() {
        let root = tempfile::tempdir().unwrap();
        for (folder, has_goldens) in [("a/b", true), ("c", false)] {
            let path = root.path().join(folder);
            std::fs::create_dir_all(&path).unwrap();
            std::fs::write(path.join("config.json"), "{}").unwrap();
            if has_goldens {
                std::fs::create_dir(path.join("goldens")).unwrap();
            }
        }
        let mut found = Vec::new();
        find(root.path(), &mut found).unwrap();
        assert_eq!(found, [root.path().join("a/b")]);
    }
}
