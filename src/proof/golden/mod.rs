//! Checks the build against recorded outputs of the reference: function vectors and whole pipeline cases.
//!
//! A golden folder holds `functions/*.json`, lists of inputs with their outputs, and `pipeline/<case>/`,
//! inputs with every file that the reference writes for them. `proof/compare.rs` defines which values have a
//! tolerance. Nothing here depends on the names or the number of vectors and cases.

mod cases;
mod drawings;
mod http;
mod layout;
mod pixels;
mod servers;
mod settings;
mod text;

use super::compare;
use super::exchanges::Exchange;
use serde_json::Value;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

pub(crate) use cases::{CaseRun, RunCase};
pub(crate) use http::case as http_case;

/// Result of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FileReport {
    /// The file, below the golden folder, without its extension.
    pub name: String,
    /// Number of vectors or files that agree.
    pub passed: usize,
    /// Total number.
    pub total: usize,
    /// The first difference.
    pub first_difference: Option<String>,
    /// `true` if it is about a feature that this build lacks.
    pub not_offered: bool,
}

/// Parts of the program that the checks need.
pub(crate) struct Context<'a> {
    /// The golden folder.
    pub root: &'a Path,
    /// Checks that the command line accepts a flag as the reference's list describes it.
    pub check_flag: &'a dyn Fn(&Value) -> Result<(), String>,
    /// Asks a server of this build that has [`http_case`] in place of networks.
    pub exchange: &'a Exchange<'a>,
    /// Runs a pipeline case as `--compat` does.
    pub run_case: &'a RunCase<'a>,
}

/// Checks a vector; the arguments are the vector and the context.
type CheckVector = fn(&Value, &Context) -> Result<(), String>;

/// The check of a function, with the key of its vectors in the file.
fn check_of(name: &str) -> Option<(&'static str, CheckVector)> {
    let check: CheckVector = match name {
        "cli_flags" => return Some(("flags", |vector, context| (context.check_flag)(vector))),
        "config_overrides" => settings::config_overrides,
        "pdf_scale" => settings::pdf_scale,
        "smart_resize" => layout::smart_size,
        "nms_and_containment" => layout::nms_and_containment,
        "layout_postprocess" => layout::layout_postprocess,
        "geometry" => layout::geometry,
        "mask_polygons" => layout::mask_polygons,
        "polygon_overlap" => layout::polygon_overlap,
        "overlap_filter" => layout::overlap_filter,
        "merge_blocks" => layout::merged_blocks,
        "otsl_to_html" => text::otsl_to_html,
        "truncate_repetition" => text::repetition,
        "vlm_answer_to_content" => text::answer_to_content,
        "spotting_answer" => text::spotting_answer,
        "titles" => text::titles,
        "markdown_labels" => text::markdown_labels,
        "merge_tables" => text::merge_tables,
        "title_levels" => text::title_levels,
        "height_clusters" => text::height_clusters,
        "crop_margin" => pixels::crop_margin,
        "polygon_crop" => pixels::polygon_crop,
        "merge_images" => pixels::merge_images,
        "rotation" => pixels::rotation,
        "resize_samples" => pixels::resize_samples,
        "inputs" => pixels::inputs,
        "http_api" => http::exchange,
        "server_requests" => servers::server_requests,
        _ => return None,
    };
    Some(("vectors", check))
}

/// Checks everything in the folder, calling `report` after each file.
///
/// Fails if the folder contains nothing to check.
pub(crate) fn run(
    context: &Context,
    report: &mut dyn FnMut(&FileReport),
) -> Result<Vec<FileReport>, String> {
    let mut reports = Vec::new();
    let mut done = |file: FileReport| {
        report(&file);
        reports.push(file);
    };
    for name in names_in(&context.root.join("functions"), true) {
        done(check_functions(&name, context));
    }
    for name in names_in(&context.root.join("pipeline"), false) {
        cases::check(&name, context).into_iter().for_each(&mut done);
    }
    if reports.is_empty() {
        return Err(format!(
            "`{}` holds no `functions` and no `pipeline` folder",
            context.root.display()
        ));
    }
    Ok(reports)
}

/// Names of the JSON files (without extension) or of the folders in a folder, sorted.
fn names_in(folder: &Path, files: bool) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries
        .filter(|e| e.path().is_dir() != files)
        .filter_map(|e| {
            let name = e.file_name().to_string_lossy().into_owned();
            if files {
                name.strip_suffix(".json").map(String::from)
            } else {
                Some(name)
            }
        })
        .collect();
    names.sort();
    names
}

fn check_functions(name: &str, context: &Context) -> FileReport {
    let full = format!("functions/{name}");
    let value = match cases::read_json(&context.root.join(format!("{full}.json"))) {
        Ok(value) => value,
        Err(error) => return FileReport::of(full, vec![Err(error)]),
    };
    // Two of the files are not lists of vectors.
    let results: Vec<Result<(), String>> = match (name, check_of(name)) {
        ("figure_tokens", _) => pixels::figure_tokens(&value),
        ("pipeline_configs", _) => settings::pipeline_configs(&value),
        (_, Some((key, check))) => {
            let vectors = value[key].as_array().map(Vec::as_slice).unwrap_or_default();
            vectors
                .iter()
                .enumerate()
                .map(|(i, vector)| guarded(i, vector, check, context))
                .collect()
        }
        (_, None) => {
            let total = value["vectors"].as_array().map_or(1, Vec::len);
            return FileReport {
                not_offered: true,
                total,
                ..FileReport::of(full, Vec::new())
            };
        }
    };
    FileReport::of(full, results)
}

/// Runs a check; a panic counts as a difference. If the reference failed, any result is accepted.
fn guarded(
    index: usize,
    vector: &Value,
    check: CheckVector,
    context: &Context,
) -> Result<(), String> {
    let result = catch_unwind(AssertUnwindSafe(|| check(vector, context)));
    match result {
        Err(_) => Err(format!("vector {index}: panicked")),
        Ok(Err(_)) if !vector["error"].is_null() => Ok(()),
        Ok(result) => result.map_err(|difference| format!("vector {index}: {difference}")),
    }
}

impl FileReport {
    fn of(name: String, results: Vec<Result<(), String>>) -> Self {
        let passed = results.iter().filter(|r| r.is_ok()).count();
        let total = results.len();
        let first_difference = results.into_iter().find_map(Result::err);
        FileReport {
            name,
            passed,
            total,
            first_difference,
            not_offered: false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run_in(root: &Path) -> Result<Vec<FileReport>, String> {
        let no_case: &RunCase = &|_| Err("no case".into());
        let context = Context {
            root,
            check_flag: &|_| Ok(()),
            exchange: &|_| Err("no server".into()),
            run_case: no_case,
        };
        run(&context, &mut |_| {})
    }

    #[test]
    fn wrong_vectors_are_found_and_unknown_ones_are_not_offered() {
        let folder = tempfile::tempdir().unwrap();
        assert!(run_in(folder.path()).is_err());
        let functions = folder.path().join("functions");
        std::fs::create_dir(&functions).unwrap();
        let right = r#"{"otsl": "<fcel>a<nl>", "padded": "<fcel>a<nl>", "html": "<table><tr><td>a</td></tr></table>"}"#;
        let wrong = right.replace("<td>a", "<td>b");
        std::fs::write(
            functions.join("otsl_to_html.json"),
            format!("{{\"vectors\": [{right}, {wrong}]}}"),
        )
        .unwrap();
        std::fs::write(
            functions.join("telepathy.json"),
            r#"{"vectors": [1, 2, 3]}"#,
        )
        .unwrap();
        let reports = run_in(folder.path()).unwrap();
        assert_eq!((reports[0].passed, reports[0].total), (1, 2));
        assert!(
            reports[0]
                .first_difference
                .as_ref()
                .unwrap()
                .starts_with("vector 1: html")
        );
        assert!(reports[1].not_offered && reports[1].total == 3);
    }
}
