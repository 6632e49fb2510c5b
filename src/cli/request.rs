//! From arguments to a request to the pipeline, and from its errors to advice for users of the command line.

use super::args::ParseArgs;
use super::values::flag_name;
use super::{Failure, models};
use crate::config::parameters::{Destination, PARAMETERS};
use crate::config::{ConfigError, Pipeline, Settings};
use crate::fault::Fault;
use crate::net::Origin;
use crate::pipeline::networks::RECOGNIZERS;
use crate::pipeline::resolve::resolve;
use crate::pipeline::{
    Backend, NetworkRole, NotTaken, PrecisionError, RequestError, Resolved, RunRequest, SetupError,
};
use crate::proof::replay::Case;
use crate::runtime::{PAGE_ORIENTATION, RuntimeDirs};
use std::sync::Arc;

/// Advice for a parameter that `lite` does not have.
const LITE_ONLY: &str = "leave the flag out, or name the networks: --layout-detection-model-dir DIR with --vl-rec-model-dir DIR, or with --vl-rec-backend lines";
const HELP: &str = "docparse --help lists the flags";

/// The settings of a run; its models are located, and fetched if wanted.
pub(super) fn resolved(args: &ParseArgs) -> Result<Resolved, Failure> {
    let mut resolved = checked(args)?;
    if let Some((vl, backend)) = &mut resolved.vl {
        let source = args.model_source.as_deref().unwrap_or("huggingface");
        let download = (args.download && !args.dry_run).then_some(source);
        let recognizer = matches!(backend, Backend::Native(_));
        let dirs = RuntimeDirs::new(args.runtime_dir(), super::data_home().as_deref());
        if !matches!(backend, Backend::Recorded(_)) {
            models::provide(
                vl,
                models::Wanted {
                    recognizer,
                    download,
                    has_orientation: dirs.find(PAGE_ORIENTATION).is_ok(),
                },
            )?;
        }
        let is_here = |url: &String| Origin::of(url).is_some_and(|origin| origin.is_loopback());
        let servers = vl
            .server
            .iter()
            .filter(|_| matches!(backend, Backend::Server));
        if args.offline && !servers.flat_map(|server| &server.client.urls).all(is_here) {
            let reason =
                "--offline makes no network call, and the recognition server is another machine";
            return Err(Failure::usage(reason, "leave --offline out"));
        }
    }
    Ok(resolved)
}

/// The settings of a run, without a look at its models.
pub(super) fn checked(args: &ParseArgs) -> Result<Resolved, Failure> {
    resolve(&request(args)?).map_err(|error| refused(&error))
}

/// Notes about the settings, shown before the work begins.
pub(super) fn notes(args: &ParseArgs, resolved: &Resolved) -> Vec<String> {
    let mut notes = Vec::new();
    if resolved.is_default {
        notes.push("using the embedded pipeline `lite`; --vl-rec-model-dir and --layout-detection-model-dir run PaddleOCR-VL, --pipeline-version lite silences this".to_string());
    }
    let ignored = args.parameters.0.at(|place| place == Destination::Nowhere);
    let in_order = PARAMETERS.iter().filter(|p| ignored.contains_key(p.name));
    let ignored: Vec<String> = in_order.map(|p| flag(p.name)).collect();
    if !ignored.is_empty() {
        notes.push(format!(
            "{}: for the reference's engines, without effect here",
            ignored.join(", ")
        ));
    }
    if !resolved.not_used.is_empty() {
        let groups: Vec<String> = resolved.not_used.iter().map(|n| n.to_string()).collect();
        notes.push(groups.join("; "));
    }
    notes
}

/// The request to the pipeline.
pub(super) fn request(args: &ParseArgs) -> Result<RunRequest, Failure> {
    let settings = args
        .paddlex_config
        .as_deref()
        .map(Settings::from_file)
        .transpose();
    let settings = settings.map_err(|error| Failure::usage(error.to_string(), HELP))?;
    let recorded = args.replay.as_deref().map(Case::load).transpose();
    let recorded =
        recorded.map_err(|e| Failure::usage(e.to_string(), "give a file of recorded answers"))?;
    let mut parameters = args.parameters.0.clone();
    if let Some(path) = args
        .vl_rec_api_key_file
        .as_ref()
        .filter(|_| !parameters.has("vl_rec_api_key"))
    {
        let key = std::fs::read_to_string(path).map_err(|error| {
            let reason = format!(
                "--vl-rec-api-key-file `{}` cannot be read: {error}",
                path.display()
            );
            Failure::usage(reason, "give the file that holds the key, and nothing else")
        })?;
        parameters.set("vl_rec_api_key", key.trim());
    }
    Ok(RunRequest {
        pipeline: Pipeline::from_version(&args.pipeline_version),
        settings,
        parameters,
        recorded: recorded.map(Arc::new),
        as_reference: args.compat(),
    })
}

fn flag(parameter: &str) -> String {
    format!("--{}", flag_name(parameter))
}

/// Advice for a request that cannot be resolved.
fn refused(error: &RequestError) -> Failure {
    let reason = match error {
        RequestError::NotTaken { parameter, why } => format!("{} {}", flag(parameter), why.text()),
        RequestError::NotPositive(parameter) => format!("{} must be above 0", flag(parameter)),
        RequestError::Config(ConfigError::Parameter {
            name,
            expected,
            value,
        }) => {
            format!("`{}` must be {expected}, not `{value}`", flag(name))
        }
        other => other.to_string(),
    };
    let hint = match error {
        RequestError::Config(_) => HELP,
        RequestError::NotTaken { why, .. } => match why {
            NotTaken::ByLite => LITE_ONLY,
            NotTaken::ByPageText => "leave the flag out, or use --vl-rec-backend native",
            NotTaken::WithoutServer => {
                "add --vl-rec-backend vllm-server (or another), or leave the flag out"
            }
            NotTaken::ByServer => "leave the flag out, or use --vl-rec-backend native",
        },
        RequestError::NotOfLite(_) => "leave --pipeline-version out, or name v1, v1.5 or v1.6",
        RequestError::Recorded(_) => "name one with --pipeline-version",
        RequestError::NotPositive(_) => "leave it out for the default",
        RequestError::UnknownLabel(_) => "see the list of labels in README.md",
    };
    Failure::usage(reason, hint)
}

/// Advice for parts of a run that cannot be loaded.
pub(super) fn not_loaded(error: SetupError) -> Failure {
    let folder = |role: NetworkRole| flag(role.folder_parameter());
    let hint = match &error {
        SetupError::Memory { least_mib, .. } => {
            format!("raise --memory-limit to {least_mib}M or more")
        }
        SetupError::Runtime(_) => {
            "scripts/setup.sh fetches the native libraries; docparse doctor checks them".into()
        }
        SetupError::NoFolder(role) => format!(
            "give its folder with {}, or fetch the pipeline's networks with docparse models pull",
            folder(*role)
        ),
        SetupError::UnknownRecognizer(_) => {
            format!(
                "use one of {}, or leave the name out",
                RECOGNIZERS.join(", ")
            )
        }
        SetupError::NoRecognizer(_) => {
            format!(
                "give another folder with {}",
                folder(NetworkRole::Recognizer)
            )
        }
        SetupError::OtherName { named, .. } => {
            format!("give the folder of {named}, or leave the name out")
        }
        SetupError::OtherRole { role, .. } => format!("give another folder with {}", folder(*role)),
        SetupError::Model(_) => "docparse doctor --model DIR tells what a folder holds".into(),
        SetupError::Devices(_) => {
            "leave that device out of --device; docparse doctor --device looks at each".into()
        }
        SetupError::Precision(error) => match error {
            PrecisionError::OnCpu => {
                "fp32 keeps bfloat16 weights as they are; leave --precision out for int8".into()
            }
            PrecisionError::OnGpu => "leave --precision out for bf16, or add --device cpu".into(),
            PrecisionError::VisionOnGpu => {
                "leave --vision-precision out, or add --device cpu".into()
            }
        },
        SetupError::GpuMemory { .. } => {
            "raise --gpu-memory, leave it out, or add --device cpu".into()
        }
        SetupError::NoServer => "give its address with --vl-rec-server-url".into(),
        SetupError::Server(_) => {
            "start the server, or give its address with --vl-rec-server-url".into()
        }
    };
    match error {
        SetupError::Runtime(_)
        | SetupError::NoRecognizer(_)
        | SetupError::Model(_)
        | SetupError::Devices(_)
        | SetupError::Server(_) => Failure::fatal(Fault::from(error), hint),
        _ => Failure::usage(Fault::from(error), hint),
    }
}
