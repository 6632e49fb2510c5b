//! Outputs of a run: the save path, the plan of outputs, and `--dry-run`, which shows it.

use super::args::ParseArgs;
use super::flags;
use super::report::{RunReporter, tell_failed};
use super::{Failure, exit};
use crate::document::Code;
use crate::engine::Job;
use crate::fault::Fault;
use crate::input::{self, InputError, InputFile, OpenOptions};
use crate::output::names::{key_of, stem_of};
use crate::output::page_names::{Pages, worth_a_look};
use crate::output::plan::OwnOutputs;
use crate::output::{
    Candidate, Decision, Identity, OutputName, PlanRules, RecordPlace, SavePath, SavePathOptions,
};
use crate::pipeline::{Backend, Resolved};
use crate::shown;
use crate::writer::{Formats, Tree};
use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Reason for skipping documents that docparse wrote itself.
const OWN_OUTPUT: &str = "docparse wrote it itself; name it as a file to parse it";

/// The user's state directory.
pub(super) fn state_home() -> Option<PathBuf> {
    let set = |name: &str| {
        std::env::var_os(name)
            .filter(|v| !v.is_empty())
            .map(PathBuf::from)
    };
    set("XDG_STATE_HOME").or_else(|| set("HOME").map(|home| home.join(".local").join("state")))
}

/// Opens the save path of a run, read-only for a dry run; `None` if documents are printed.
pub(super) fn open(args: &ParseArgs, is_printed: bool) -> Result<Option<Arc<SavePath>>, Failure> {
    if is_printed {
        return Ok(None);
    }
    let root = args.save_path.as_deref().unwrap_or(Path::new("."));
    let record = match args.compat() {
        false => RecordPlace::SavePath,
        // A run on recorded answers is a check and leaves no record.
        true if args.replay.is_some() => RecordPlace::Nowhere,
        true => state_home().map_or(RecordPlace::Nowhere, |home| {
            RecordPlace::State(home.join("docparse"))
        }),
    };
    let overwrite = args.parameters.0.is_on("overwrite") || record == RecordPlace::Nowhere;
    let options = SavePathOptions {
        record,
        overwrite,
        shares_names: args.compat(),
    };
    if args.dry_run {
        return Ok(Some(Arc::new(SavePath::look(root, &options))));
    }
    let fail = |fault: Fault| Failure::fatal(fault, "give another --save-path");
    let opened = match SavePath::open(root, &options) {
        // Without a place for the record, as in a container without a home, the reference's files can still
        // be written.
        Err(fault) if args.compat() && options.record != RecordPlace::Nowhere => {
            let forgetful = SavePathOptions {
                record: RecordPlace::Nowhere,
                overwrite: true,
                ..options
            };
            let opened = SavePath::open(root, &forgetful).map_err(fail)?;
            tracing::warn!("{fault}; this run leaves no record, and replaces files that are there");
            opened
        }
        other => other.map_err(fail)?,
    };
    Ok(Some(Arc::new(opened)))
}

/// Hash of all settings that outputs depend on; settings that only affect speed are excluded.
pub(super) fn settings_hash(args: &ParseArgs, resolved: &Resolved, formats: Formats) -> String {
    let given = |names: &[&str]| {
        names
            .iter()
            .map(|name| args.parameters.0.get(name).cloned())
            .collect::<Vec<_>>()
    };
    let own = format!(
        "{:?}",
        (
            (
                env!("CARGO_PKG_VERSION"),
                resolved.config.pipeline.name(),
                resolved.config.settings.to_string()
            ),
            (
                formats,
                args.pages(),
                args.max_pages(),
                args.compat(),
                &resolved.ignore_labels,
                resolved.config.markdown.form
            ),
            given(&["merge_tables", "relevel_titles", "concatenate_pages"]),
            &resolved.own_text,
        )
    );
    let vl = resolved.vl.as_ref().map(|(vl, parts)| {
        let reader = match parts {
            Backend::Recorded(_) => format!("recorded {:?}", args.replay),
            Backend::PageText => format!("page text {:?}", given(&["vl_rec_backend"])),
            Backend::Native(run) => {
                format!(
                    "model {:?} {} {:?}",
                    run.precision, run.is_vision_int8, run.run.repetition_stop
                )
            }
            Backend::Server => "server".to_string(),
        };
        format!("{vl:?} {reader}")
    });
    key_of(&[own.as_bytes(), vl.unwrap_or_default().as_bytes()])
}

/// An input with the decision about it.
pub(super) struct PlannedInput {
    /// The input.
    pub file: InputFile,
    /// The decision.
    pub decision: Decision,
}

/// Plan of a run.
pub(super) struct PlannedRun {
    /// All inputs, in order.
    pub inputs: Vec<PlannedInput>,
    /// Hash of the settings.
    pub settings: String,
    /// The save path, if files are written.
    path: Option<Arc<SavePath>>,
}

/// Counts of inputs that are not parsed.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct LeftOut {
    /// The record proves them done, or docparse wrote them.
    pub skipped: usize,
    /// They cannot be parsed.
    pub refused: usize,
}

impl PlannedRun {
    /// Plans the outputs of all inputs.
    pub(super) fn of(
        files: Vec<InputFile>,
        path: Option<&Arc<SavePath>>,
        formats: Formats,
        settings: String,
        args: &ParseArgs,
        open: &OpenOptions,
    ) -> PlannedRun {
        // The whole record is read only if some input was found by a search.
        let mut own = match files.iter().any(|f| !f.is_named) {
            true => OwnOutputs::of(path.map(Arc::as_ref)),
            false => OwnOutputs::default(),
        };
        let is_own: Vec<bool> = files
            .iter()
            .map(|f| !f.is_named && own.contains(&f.path))
            .collect();
        let Some(path) = path else {
            let inputs = files.into_iter().zip(is_own).map(|(file, is_own)| {
                let decision = match is_own {
                    true => Decision::Skip(OWN_OUTPUT.into()),
                    false => printed(&file),
                };
                PlannedInput { file, decision }
            });
            return PlannedRun {
                inputs: inputs.collect(),
                settings,
                path: None,
            };
        };
        let planned = files.iter().zip(&is_own).filter(|(_, own)| !**own);
        let planned: Vec<&InputFile> = planned.map(|(file, _)| file).collect();
        // Joined pages have files without a number.
        let has_pages = args.compat() && !args.parameters.0.is_on("concatenate_pages");
        let asked = match has_pages {
            true => worth_a_look(&planned.iter().map(|f| stem_of(&f.name)).collect::<Vec<_>>()),
            false => BTreeSet::new(),
        };
        let candidates: Vec<Candidate> = planned
            .into_iter()
            .enumerate()
            .map(|(index, file)| {
                let pages = asked.contains(&index).then(|| pages_of(file, open));
                candidate(file, pages.unwrap_or(Pages::SINGLE))
            })
            .collect();
        let rules = PlanRules {
            suffixes: Tree::of(args.compat()).endings(formats),
            pictures: formats.contains("images") && !args.compat(),
            tables: formats.contains("csv") && !args.compat(),
            settings: settings.clone(),
            skip_existing: args.parameters.0.is_on("skip_existing"),
            reference_names: args.compat(),
        };
        let mut decisions = path.plan(&candidates, &rules).into_iter();
        let of_file = |is_own: bool| match is_own {
            true => Decision::Skip(OWN_OUTPUT.into()),
            false => decisions
                .next()
                .unwrap_or(Decision::Refuse(Fault::internal("it was not planned"))),
        };
        let decisions: Vec<Decision> = is_own.into_iter().map(of_file).collect();
        let inputs = files
            .into_iter()
            .zip(decisions)
            .map(|(file, decision)| PlannedInput { file, decision })
            .collect();
        PlannedRun {
            inputs,
            settings,
            path: Some(path.clone()),
        }
    }

    /// The jobs, the names and inputs of their documents by job id, and the counts of inputs left out, which
    /// are reported to `reporter`.
    pub(super) fn jobs(
        &self,
        reporter: &mut RunReporter,
    ) -> (Vec<Job>, BTreeMap<usize, (OutputName, Identity)>, LeftOut) {
        let (mut jobs, mut documents, mut left) = (Vec::new(), BTreeMap::new(), LeftOut::default());
        for (id, input) in self.inputs.iter().enumerate() {
            let given = &input.file.given;
            match &input.decision {
                Decision::Parse {
                    name,
                    input: identity,
                    note,
                } => {
                    if let Some(note) = note {
                        tracing::warn!(code = Code::DoneAgain.name(), file = given, "{note}");
                    }
                    jobs.push(Job {
                        id,
                        file: input.file.clone(),
                        picture_folder: name.pictures.clone(),
                    });
                    documents.insert(id, (name.clone(), identity.as_ref().clone()));
                }
                Decision::Skip(reason) => {
                    left.skipped += 1;
                    reporter.skipped(given, reason);
                }
                Decision::Refuse(fault) => {
                    left.refused += 1;
                    reporter.missing(given, fault);
                }
            }
        }
        (jobs, documents, left)
    }
}

/// Decision about a document that is printed: its name is needed only for links to its pictures.
fn printed(file: &InputFile) -> Decision {
    let stem = crate::output::names::safe_name(
        Path::new(&file.name).file_stem().unwrap_or(OsStr::new("_")),
    );
    let name = OutputName::new(PathBuf::new(), stem.into_owned());
    match Identity::of(&file.given, &file.path, file.origin()) {
        Ok(input) => Decision::Parse {
            name,
            input: Box::new(input),
            note: None,
        },
        Err(error) => Decision::Refuse(Fault::io("cannot be read", &error)),
    }
}

/// The pages of an input, without fetching it.
fn pages_of(file: &InputFile, open: &OpenOptions) -> Pages {
    if file.remote.is_some() {
        let ending = Path::new(&file.name).extension().unwrap_or_default();
        let is_one_of = |endings: &[&str]| endings.iter().any(|e| ending.eq_ignore_ascii_case(e));
        return match is_one_of(&["pdf", "tif", "tiff"]) {
            true => Pages::numbered(usize::MAX),
            false => Pages::UNKNOWN,
        };
    }
    match input::open(file, open) {
        Ok(source) if source.is_paged() => Pages::numbered(source.page_count()),
        // What cannot be opened has no files.
        _ => Pages::SINGLE,
    }
}

fn candidate(file: &InputFile, pages: Pages) -> Candidate<'_> {
    Candidate {
        given: &file.given,
        path: &file.path,
        name: OsStr::new(&file.name),
        mirror: &file.mirror,
        origin: file.origin(),
        pages,
    }
}

/// Prints the plan, one line per input.
pub(super) fn dry_run(
    planned: &PlannedRun,
    missing: &[Result<InputFile, InputError>],
    options: &OpenOptions,
) -> u8 {
    let mut failed = missing.len();
    for error in missing.iter().filter_map(|m| m.as_ref().err()) {
        tell_failed(&error.input, &error.fault);
    }
    for PlannedInput { file, decision } in &planned.inputs {
        let given = &file.given;
        match decision {
            Decision::Skip(reason) => super::print(&format!(
                "{}: left out: {}\n",
                shown::text(given),
                flags::named(reason, Some(given))
            )),
            Decision::Refuse(fault) => {
                failed += 1;
                tell_failed(given, fault);
            }
            Decision::Parse { name, note, .. } => match input::open(file, options) {
                Ok(source) => {
                    let out = planned
                        .path
                        .as_ref()
                        .map(|path| shown::name(path.shown(&name.file(""))));
                    let out = out.unwrap_or_else(|| "standard output".into());
                    let note = note
                        .as_ref()
                        .map(|note| format!(" ({})", flags::named(note, Some(given))))
                        .unwrap_or_default();
                    let given = shown::text(given);
                    super::print(&format!(
                        "{given}: {} pages -> {out}{note}\n",
                        source.page_count()
                    ));
                }
                Err(error) => {
                    failed += 1;
                    tell_failed(&error.input, &error.fault);
                }
            },
        }
    }
    match (failed, failed < planned.inputs.len() + missing.len()) {
        (0, _) => exit::DONE,
        (_, true) => exit::PARTIAL,
        _ => exit::FAILED,
    }
}
