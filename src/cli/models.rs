//! `docparse models`: listing, fetching, verifying, locating and removing models.

use super::models_args::ModelsCommand;
use super::values::flag_name;
use super::{Failure, exit};
use crate::config::vl::{ModelChoice, VlConfig};
use crate::fault::Fault;
use crate::pipeline::NetworkRole;
use crate::pipeline::networks::ORIENTATION;
use crate::store::catalog::ModelEntry;
use crate::store::hub::{Hub, Source};
use crate::store::{Progress, Pulled, Store, StoreError, pull};
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;
use std::path::PathBuf;

fn variable(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// The store of this user.
pub(crate) fn store() -> Result<Store, Failure> {
    let home = super::data_home().ok_or_else(|| {
        Failure::fatal("there is no folder for models", "set HOME or XDG_DATA_HOME")
    })?;
    Store::new(&home, variable).map_err(|fault| Failure::fatal(fault, "this build is broken"))
}

/// `true` if the environment forbids network calls.
fn is_offline_by_environment() -> bool {
    variable("DOCPARSE_OFFLINE").is_some_and(|value| super::values::parse_bool(&value) == Ok(true))
}

/// Runs the command.
pub(crate) fn run(command: &ModelsCommand) -> Result<u8, Failure> {
    super::logging::set_up(super::values::LogFormat::Text, tracing::Level::WARN);
    let store = store()?;
    match command {
        ModelsCommand::List => {
            super::print(&list(&store));
            Ok(exit::DONE)
        }
        ModelsCommand::Pull {
            names,
            all,
            source,
            revision,
            offline,
        } => {
            let models = named(&store, names, *all)?;
            if *offline || is_offline_by_environment() {
                return pull_offline(&store, &models);
            }
            let source = Source::named(source, &store.catalog.hubs, variable)
                .map_err(|fault| Failure::usage(fault, "docparse models pull --help"))?;
            let hub = Hub::new(source, variable("HF_TOKEN"));
            for model in models {
                pull_one(&store, &hub, model, revision.as_deref())?;
            }
            Ok(exit::DONE)
        }
        ModelsCommand::Verify { names } => verify(&store, names),
        ModelsCommand::Path { name } => {
            let model = named(&store, std::slice::from_ref(name), false)?;
            match model.as_slice() {
                [model] => match store.find(model) {
                    Some(place) => {
                        super::print(&format!("{}\n", place.path().display()));
                        Ok(exit::DONE)
                    }
                    None => Err(missing(model)),
                },
                _ => Err(Failure::usage(
                    format!("`{name}` is a pipeline"),
                    "name one of its models",
                )),
            }
        }
        ModelsCommand::Remove { names } => {
            for model in named(&store, names, false)? {
                match store.remove(model).map_err(failed)? {
                    true => super::print(&format!("{} is removed\n", model.name)),
                    false => super::print(&format!("{} is not in the store\n", model.name)),
                }
            }
            Ok(exit::DONE)
        }
    }
}

fn named<'a>(
    store: &'a Store,
    names: &[String],
    all: bool,
) -> Result<Vec<&'a ModelEntry>, Failure> {
    let mut models: Vec<&ModelEntry> = Vec::new();
    for name in names {
        let found = store.catalog.named(name, all).ok_or_else(|| {
            let reason = format!("`{name}` is no model and no pipeline of docparse");
            Failure::usage(reason, "docparse models list tells their names")
        })?;
        for model in found {
            if !models.contains(&model) {
                models.push(model);
            }
        }
    }
    Ok(models)
}

fn missing(model: &ModelEntry) -> Failure {
    let hint = format!("docparse models pull {} fetches it", model.name);
    Failure::fatal(format!("{} is not on this machine", model.name), hint)
}

fn failed(error: StoreError) -> Failure {
    let hint = match &error {
        StoreError::Network { .. } => {
            "see whether the hub can be reached; HF_ENDPOINT names a mirror, --source another hub"
        }
        StoreError::Wrong { .. } => "fetch it again with docparse models pull",
        _ => "docparse models --help tells more",
    };
    Failure::fatal(Fault::from(error), hint)
}

fn list(store: &Store) -> String {
    let mut text = String::new();
    for model in &store.catalog.models {
        let place = match store.find(model) {
            Some(place) => {
                let commit = store
                    .record(model)
                    .map(|record| format!(" at {}", short(&record.commit)));
                format!(
                    "{} ({}{})",
                    place.path().display(),
                    place.owner(),
                    commit.unwrap_or_default()
                )
            }
            None => "-".to_string(),
        };
        text.push_str(&format!("{:<30} {:<36} {place}\n", model.name, model.what));
    }
    text
}

fn short(commit: &str) -> &str {
    commit
        .get(..12)
        .filter(|_| commit.len() == 40)
        .unwrap_or(commit)
}

fn pull_offline(store: &Store, models: &[&ModelEntry]) -> Result<u8, Failure> {
    for model in models {
        match store.find(model) {
            Some(place) => super::print(&format!("{}: {}\n", model.name, place.path().display())),
            None => {
                let reason = format!(
                    "{} is not on this machine, and no network call may be made",
                    model.name
                );
                return Err(Failure::fatal(
                    reason,
                    "leave --offline and DOCPARSE_OFFLINE out",
                ));
            }
        }
    }
    Ok(exit::DONE)
}

/// Fetches a model, with a progress bar on a terminal.
fn fetch(
    store: &Store,
    hub: &Hub,
    model: &ModelEntry,
    revision: Option<&str>,
) -> Result<Pulled, Failure> {
    let bar = Bar::new(&model.name);
    let pulled = pull(store, hub, model, revision, &bar);
    bar.0.finish_and_clear();
    pulled.map_err(failed)
}

fn pull_one(
    store: &Store,
    hub: &Hub,
    model: &ModelEntry,
    revision: Option<&str>,
) -> Result<(), Failure> {
    let text = match fetch(store, hub, model, revision)? {
        Pulled::UpToDate(record) => {
            format!("{} is up to date at {}", model.name, short(&record.commit))
        }
        Pulled::Fetched(record) => {
            let bytes: u64 = record.files.iter().map(|file| file.size).sum();
            let commit = short(&record.commit);
            format!(
                "{}: {} files, {:.1} MB, at {commit}",
                model.name,
                record.files.len(),
                bytes as f64 / 1e6
            )
        }
    };
    super::print(&format!("{text}\n"));
    Ok(())
}

/// A progress bar on a terminal.
struct Bar(ProgressBar);

impl Bar {
    fn new(name: &str) -> Bar {
        if !std::io::stderr().is_terminal() {
            return Bar(ProgressBar::hidden());
        }
        let style = ProgressStyle::with_template(
            "{prefix} {bar:30} {bytes}/{total_bytes} {bytes_per_sec} {eta}",
        );
        let bar = ProgressBar::new(0).with_prefix(name.to_string());
        Bar(match style {
            Ok(style) => bar.with_style(style),
            Err(_) => bar,
        })
    }
}

impl Progress for Bar {
    fn expect(&self, bytes: u64) {
        self.0.inc_length(bytes);
    }

    fn advance(&self, bytes: u64) {
        self.0.inc(bytes);
    }
}

fn verify(store: &Store, names: &[String]) -> Result<u8, Failure> {
    let models = match names.is_empty() {
        true => store
            .catalog
            .models
            .iter()
            .filter(|model| store.record(model).is_some())
            .collect(),
        false => named(store, names, true)?,
    };
    let mut code = exit::DONE;
    for model in models {
        match store.verify(model, &mut |_| {}) {
            Ok(record) => super::print(&format!(
                "{}: {} files are right\n",
                model.name,
                record.files.len()
            )),
            Err(error) => {
                super::print(&format!("{}: {error}\n", model.name));
                code = exit::FAILED;
            }
        }
    }
    Ok(code)
}

/// Networks of a run to locate on this machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Wanted<'a> {
    /// Also the recognizer, besides the networks for pages.
    pub recognizer: bool,
    /// Source that missing models are fetched from; `None` to not fetch them.
    pub download: Option<&'a str>,
    /// The orientation classifier is among the files of the runtime folders.
    pub has_orientation: bool,
}

/// Fills in the folders on this machine of all networks that a run needs and that have no folder yet.
pub(crate) fn provide(vl: &mut VlConfig, wanted: Wanted<'_>) -> Result<(), Failure> {
    let preprocess = vl.preprocess;
    let does = |step: bool| preprocess.use_doc_preprocessor && step;
    let needed = [
        (
            vl.plan.use_layout_detection,
            &mut vl.models.layout,
            NetworkRole::Layout,
        ),
        (
            does(preprocess.use_doc_orientation_classify),
            &mut vl.models.orientation,
            NetworkRole::Orientation,
        ),
        (
            does(preprocess.use_doc_unwarping),
            &mut vl.models.unwarping,
            NetworkRole::Unwarping,
        ),
        (
            wanted.recognizer,
            &mut vl.models.recognizer,
            NetworkRole::Recognizer,
        ),
    ];
    let mut store = None;
    for (is_needed, choice, role) in needed {
        if !is_needed || choice.dir.is_some() {
            continue;
        }
        let is_orientation =
            role == NetworkRole::Orientation && choice.is_without_folder(ORIENTATION);
        let is_there = wanted.has_orientation && is_orientation;
        let store = match &store {
            Some(store) => store,
            None => store.insert(self::store()?),
        };
        match is_there {
            true => choice.dir = stored(store, choice),
            false => find(store, choice, role, wanted.download)?,
        }
    }
    Ok(())
}

/// The folder of a model in the store.
fn stored(store: &Store, choice: &ModelChoice) -> Option<PathBuf> {
    let model = store.catalog.model(choice.name.as_ref()?)?;
    store.find(model).map(|place| place.path().to_path_buf())
}

fn find(
    store: &Store,
    choice: &mut ModelChoice,
    role: NetworkRole,
    download: Option<&str>,
) -> Result<(), Failure> {
    // An unknown name is reported when the network is loaded.
    let name = choice.name.as_ref();
    let Some(model) = name.and_then(|name| store.catalog.model(name)) else {
        return Ok(());
    };
    if let Some(source) = download.filter(|_| store.find(model).is_none()) {
        let source = Source::named(source, &store.catalog.hubs, variable)
            .map_err(|fault| Failure::usage(fault, "leave it out").context("--model-source"))?;
        let hub = Hub::new(source, variable("HF_TOKEN"));
        fetch(store, &hub, model, None)?;
    }
    match store.find(model) {
        Some(place) => choice.dir = Some(place.path().to_path_buf()),
        None => {
            let hint = format!(
                "docparse models pull {} or --download fetches it; or give its folder with --{}",
                model.name,
                flag_name(role.folder_parameter())
            );
            return Err(Failure::usage(
                format!("{} is not on this machine", model.name),
                hint,
            ));
        }
    }
    Ok(())
}
