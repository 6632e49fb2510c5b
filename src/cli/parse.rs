//! The main command: arguments to settings, settings to a run, the run to an exit code.

use super::args::{LogFormat, ParseArgs, StdoutFormat};
use super::report::RunReporter;
use super::{Failure, exit, logging};
use crate::config::{Config, Pipeline, Settings};
use crate::document::TextDecision;
use crate::engine::{self, EngineOptions, Job, LinePreparer, PageSelection, RunOutcome, Stages};
use crate::input::pdf::{PdfPool, PoolOptions};
use crate::input::{self, InputFile, OpenOptions, PageSource, SourcePage};
use crate::layout::geometric::GeometricDetector;
use crate::lines::{LineReader, PrepareError, PreparedPage, prepare_lines};
use crate::onnx::{Device, Runtime, SessionOptions};
use crate::recognize::page_text::PageTextRecognizer;
use crate::runtime::{self, RuntimeDirs};
use crate::writer::json::JsonOptions;
use crate::writer::paths::{self, OutputStem};
use crate::writer::{self, DocumentWriter, Formats, Target, WriterOptions};
use serde_json::{Map, Value};
use std::io::IsTerminal;
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use tracing::Level;

/// What to do about a pipeline that this version does not have.
const LITE_ONLY: &str =
    "this version has the embedded pipeline `lite` only; leave the flag out, or use --pipeline-version lite";

/// Parses what the arguments name; returns the exit code.
pub fn run(args: &ParseArgs) -> Result<u8, Failure> {
    let level = match (args.quiet, args.verbose) {
        (true, _) => Level::ERROR,
        (_, true) => Level::DEBUG,
        _ => Level::WARN,
    };
    logging::set_up(args.log_format, level);
    let target = target(args)?;
    let (config, notes) = resolve(args)?;
    let formats = formats(args)?;
    let pages = page_selection(args.pages.as_deref())?;
    let device = device(args.device.as_deref())?;
    if args.input.is_empty() {
        return Err(Failure::usage("no input was given", "docparse -i file.pdf --save-path out"));
    }
    if !args.quiet {
        notes.iter().for_each(|note| tell(args.log_format, note));
    }
    if target == Target::Files && !args.dry_run {
        let root = args.save_path.as_deref().unwrap_or(Path::new("."));
        writer::check_writable(root).map_err(|reason| Failure::fatal(reason, "give another --save-path"))?;
    }
    let (files, missing): (Vec<_>, Vec<_>) =
        input::discover(&args.input).into_iter().partition(Result::is_ok);
    let files: Vec<InputFile> = files.into_iter().flatten().collect();
    let stems = paths::plan(&files);
    let dirs = RuntimeDirs::new(args.runtime_dir.as_deref(), super::data_home().as_deref());
    let cores = std::thread::available_parallelism().map_or(2, |n| n.get());
    let threads = args.threads.unwrap_or(cores).clamp(1, 256);
    let open_options = OpenOptions {
        passwords: args.password.clone(),
        max_page_pixels: config.max_page_pixels,
        // More processes than cores would only take memory.
        pdf: pdf_pool(&dirs, threads.min(cores), &config),
    };
    if args.dry_run {
        return Ok(dry_run(&files, &stems, &missing, &open_options, args));
    }
    let show_bar =
        !args.quiet && !args.verbose && args.log_format == LogFormat::Text && std::io::stderr().is_terminal();
    let mut reporter = RunReporter::new(files.len(), show_bar);
    for error in missing.iter().filter_map(|m| m.as_ref().err()) {
        reporter.outside(&error.input, "failed", &error.reason);
    }
    let jobs = jobs(&files, &stems, args, formats, &mut reporter);
    let skipped = files.len() - jobs.len();
    let cancel = super::cancel_on_signals();
    let writer_options = WriterOptions {
        root: args.save_path.clone().unwrap_or_default(),
        target,
        formats,
        json: JsonOptions {
            pipeline: config.pipeline.name().to_string(),
            settings: config.settings.clone(),
            markdown: config.markdown.clone(),
            format_block_content: config.format_block_content,
        },
    };
    let session = SessionOptions { device, cpu_threads: args.cpu_threads.unwrap_or(cores).clamp(1, 256) };
    let outcome = {
        let mut sink = DocumentWriter::new(writer_options, stems, &mut reporter);
        let options = EngineOptions {
            readers: threads,
            pages_in_flight: threads * 2 + 2,
            pages,
            text_layer: config.text_layer,
            reads_pictures: false,
            plan: crate::plan::PlanOptions::PageText,
            keep_pixels: false,
            trace: false,
            page_pictures: formats.vis && target == Target::Files,
            block_pictures: formats.images && target == Target::Files,
            fail_fast: args.fail_fast,
        };
        let lines = LazyLines { dirs: dirs.clone(), session, config: config.clone(), reader: None };
        run_engine(jobs, &open_options, lines, &options, &mut sink, &cancel)
    };
    reporter.finish();
    let code = exit_code(&outcome, missing.len(), skipped);
    if let Some(path) = &args.report {
        let report = reporter.to_json(config.pipeline.name(), code);
        let text = format!("{}\n", serde_json::to_string_pretty(&report).unwrap_or_default());
        std::fs::write(path, text).map_err(|e| {
            Failure::fatal(format!("cannot write `{}`: {e}", path.display()), "give another --report")
        })?;
    }
    Ok(code)
}

fn run_engine(
    jobs: Vec<Job>,
    open_options: &OpenOptions,
    lines: LazyLines,
    options: &EngineOptions,
    sink: &mut DocumentWriter,
    cancel: &AtomicBool,
) -> RunOutcome {
    let open = |job: &Job| input::open(&job.file, open_options);
    let stages = Stages {
        open: &open,
        lines: Box::new(lines),
        detector: Box::new(GeometricDetector),
        recognizer: Box::new(PageTextRecognizer),
    };
    engine::run(jobs, stages, options, sink, cancel)
}

fn exit_code(outcome: &RunOutcome, missing: usize, skipped: usize) -> u8 {
    let failed = outcome.failed + missing;
    if outcome.cancelled {
        exit::INTERRUPTED
    } else if failed == 0 && outcome.partial == 0 {
        exit::DONE
    } else if outcome.done + outcome.partial + skipped == 0 {
        exit::FAILED
    } else {
        exit::PARTIAL
    }
}

fn target(args: &ParseArgs) -> Result<Target, Failure> {
    match (args.stdout, &args.save_path) {
        (Some(_), Some(_)) => {
            Err(Failure::usage("--stdout and --save-path exclude each other", "leave one of them out"))
        }
        (Some(StdoutFormat::Md), None) => Ok(Target::StdoutMarkdown),
        (Some(StdoutFormat::Json), None) => Ok(Target::StdoutJson),
        (None, Some(_)) => Ok(Target::Files),
        (None, None) if args.dry_run => Ok(Target::Files),
        (None, None) => Err(Failure::usage(
            "nothing says where the result goes",
            "add --save-path DIR, or --stdout md to print it",
        )),
    }
}

fn formats(args: &ParseArgs) -> Result<Formats, Failure> {
    if args.formats.is_empty() {
        return Ok(Formats::ALL);
    }
    Formats::from_names(args.formats.iter().map(String::as_str)).map_err(|name| {
        Failure::usage(
            format!("unknown format `{name}`"),
            format!("use some of {}", Formats::NAMES.join(",")),
        )
    })
}

/// `1-3,7,10-` as ranges from 1.
fn page_selection(text: Option<&str>) -> Result<PageSelection, Failure> {
    let Some(text) = text else { return Ok(PageSelection::default()) };
    let bad =
        |part: &str| Failure::usage(format!("`{part}` is no range of pages"), "write --pages 1-3,7,10-");
    let number = |n: &str| n.trim().parse::<usize>().ok().filter(|n| *n > 0);
    let range = |part: &str| -> Option<RangeInclusive<usize>> {
        match part.split_once('-') {
            None => number(part).map(|n| n..=n),
            Some((a, "")) => number(a).map(|a| a..=usize::MAX),
            Some(("", b)) => number(b).map(|b| 1..=b),
            Some((a, b)) => number(a).zip(number(b)).filter(|(a, b)| a <= b).map(|(a, b)| a..=b),
        }
    };
    let parts = text.split(',').map(|part| range(part.trim()).ok_or_else(|| bad(part)));
    parts.collect::<Result<Vec<_>, _>>().map(PageSelection)
}

fn device(text: Option<&str>) -> Result<Device, Failure> {
    let name = text.unwrap_or("auto");
    match name.split_once(':').map_or((name, None), |(a, b)| (a, Some(b))) {
        ("auto", None) => Ok(Device::Auto),
        ("cpu", None) => Ok(Device::Cpu),
        ("gpu", None) => Ok(Device::Gpu(0)),
        ("gpu", Some(number)) if number.parse::<u32>().is_ok() => {
            Ok(Device::Gpu(number.parse().unwrap_or(0)))
        }
        _ => Err(Failure::usage(
            format!("`{name}` is no device of docparse"),
            "use --device auto, cpu, gpu or gpu:N",
        )),
    }
}

/// The settings from all layers, and notes for the user.
fn resolve(args: &ParseArgs) -> Result<(Config, Vec<String>), Failure> {
    let config_error = |error: crate::config::ConfigError| {
        Failure::usage(error.to_string(), "docparse --help lists the flags")
    };
    let mut notes = Vec::new();
    let file = args.paddlex_config.as_deref().map(Settings::from_file).transpose().map_err(config_error)?;
    let named = Pipeline::from_version(&args.pipeline_version);
    let wanted = named.or(file.as_ref().and_then(Settings::pipeline));
    if let Some(pipeline) = wanted.filter(|p| *p != Pipeline::Lite) {
        let reason = format!(
            "pipeline {} ({}) needs networks that are not part of this version",
            pipeline.version(),
            pipeline.name()
        );
        return Err(Failure::usage(reason, LITE_ONLY));
    }
    if let Some(flag) = args.later.refused() {
        return Err(Failure::usage(format!("--{flag} belongs to the PaddleOCR-VL pipelines"), LITE_ONLY));
    }
    if wanted.is_none() {
        notes.push("using the embedded pipeline `lite`: the PaddleOCR-VL pipelines are not part of this version; --pipeline-version lite silences this".to_string());
    }
    let ignored = args.ignored.given();
    if !ignored.is_empty() {
        notes.push(format!("{}: for the reference's engines, without effect here", ignored.join(", ")));
    }
    let mut settings = Settings::defaults(Pipeline::Lite);
    if let Some(file) = file {
        settings.merge(file);
    }
    settings.apply_flags(&setting_flags(args)).map_err(config_error)?;
    for label in settings.get("markdown_ignore_labels").and_then(Value::as_array).into_iter().flatten() {
        let name = label.as_str().unwrap_or_default();
        if crate::document::Label::from_name(name).is_none() {
            return Err(Failure::usage(
                format!("markdown_ignore_labels: `{name}` is no label"),
                "see the list of labels in README.md",
            ));
        }
    }
    Config::lite(&settings).map(|config| (config, notes)).map_err(config_error)
}

/// Flags that are settings, by their names with underscores.
fn setting_flags(args: &ParseArgs) -> Map<String, Value> {
    let mut flags = Map::new();
    let mut add = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            flags.insert(name.to_string(), value);
        }
    };
    add("text_layer", args.text_layer.clone().map(Value::from));
    add("format_block_content", args.format_block_content.map(Value::from));
    add("page_timeout", args.page_timeout.map(Value::from));
    add("det_limit_side_len", args.det_limit_side_len.map(Value::from));
    add("det_limit_type", args.det_limit_type.clone().map(Value::from));
    add("det_db_thresh", args.det_db_thresh.map(Value::from));
    add("det_db_box_thresh", args.det_db_box_thresh.map(Value::from));
    add("det_db_unclip_ratio", args.det_db_unclip_ratio.map(Value::from));
    add("rec_batch_num", args.rec_batch_num.map(Value::from));
    add("drop_score", args.drop_score.map(Value::from));
    add("use_textline_orientation", args.use_textline_orientation.map(Value::from));
    let labels = &args.markdown_ignore_labels;
    add("markdown_ignore_labels", (!labels.is_empty()).then(|| Value::from(labels.clone())));
    flags
}

fn pdf_pool(dirs: &RuntimeDirs, workers: usize, config: &Config) -> Result<Arc<PdfPool>, String> {
    let library = dirs.find(runtime::PDFIUM).map_err(|error| error.to_string())?;
    let program =
        std::env::current_exe().map_err(|error| format!("cannot find the program itself: {error}"))?;
    Ok(Arc::new(PdfPool::new(PoolOptions {
        program,
        library,
        workers,
        timeout: config.page_timeout,
        memory_limit: config.pdf_worker_memory,
    })))
}

/// The jobs to do; documents that `--skip-existing` leaves out are told.
fn jobs(
    files: &[InputFile],
    stems: &[OutputStem],
    args: &ParseArgs,
    formats: Formats,
    reporter: &mut RunReporter,
) -> Vec<Job> {
    let mut jobs = Vec::new();
    for (id, (file, stem)) in files.iter().zip(stems).enumerate() {
        let root = args.save_path.as_deref();
        if args.skip_existing && root.is_some_and(|root| writer::is_written(root, stem, formats)) {
            reporter.outside(&file.given, "skipped", "written before");
            continue;
        }
        jobs.push(Job { id, file: file.clone(), picture_folder: stem.stem.clone() });
    }
    jobs
}

/// Prints what would be done, one line an input.
fn dry_run(
    files: &[InputFile],
    stems: &[OutputStem],
    missing: &[Result<InputFile, input::InputError>],
    options: &OpenOptions,
    args: &ParseArgs,
) -> u8 {
    let mut failed = missing.len();
    for error in missing.iter().filter_map(|m| m.as_ref().err()) {
        tracing::error!("{}: {}", error.input, error.reason);
    }
    for (file, stem) in files.iter().zip(stems) {
        match input::open(file, options) {
            Ok(source) => {
                let out = stem.file(args.save_path.as_deref().unwrap_or(Path::new("")), "");
                super::print(&format!(
                    "{}: {} pages -> {}\n",
                    file.given,
                    source.page_count(),
                    out.display()
                ));
            }
            Err(error) => {
                failed += 1;
                tracing::error!("{}: {}", error.input, error.reason);
            }
        }
    }
    match (failed, failed < files.len() + missing.len()) {
        (0, _) => exit::DONE,
        (_, true) => exit::PARTIAL,
        _ => exit::FAILED,
    }
}

fn tell(format: LogFormat, note: &str) {
    match format {
        LogFormat::Text => super::eprint(&format!("note: {note}\n")),
        LogFormat::Json => tracing::warn!(note),
    }
}

/// Loads the line networks when the first page needs them.
struct LazyLines {
    dirs: RuntimeDirs,
    session: SessionOptions,
    config: Config,
    reader: Option<Result<LineReader, String>>,
}

impl LazyLines {
    fn load(&self) -> Result<LineReader, String> {
        let chain = |error: &dyn std::error::Error| error.to_string();
        let library = self.dirs.find(runtime::ONNXRUNTIME).map_err(|e| chain(&e))?;
        let runtime = Runtime::load(&library, self.session).map_err(|e| chain(&e))?;
        LineReader::load(&runtime, &self.dirs, self.config.lines).map_err(|e| chain(&e))
    }
}

impl LinePreparer for LazyLines {
    fn prepare(
        &mut self,
        source: &dyn PageSource,
        page: SourcePage,
        decision: TextDecision,
    ) -> Result<PreparedPage, PrepareError> {
        if self.reader.is_none() {
            self.reader = Some(self.load());
        }
        let reader = self.reader.as_mut().expect("loaded above").as_mut().map_err(|reason| reason.as_str());
        prepare_lines(page, decision, source, reader)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_pages() {
        let ranges = |text| page_selection(Some(text)).map(|s| s.0).ok();
        assert_eq!(ranges("1-3,7,10-"), Some(vec![1..=3, 7..=7, 10..=usize::MAX]));
        assert_eq!(ranges("-2"), Some(vec![1..=2]));
        for bad in ["", "0", "3-1", "a", "1--2", "1,,2"] {
            assert_eq!(ranges(bad), None, "{bad}");
        }
    }

    #[test]
    fn devices() {
        assert_eq!(device(None).ok(), Some(Device::Auto));
        assert_eq!(device(Some("gpu:2")).ok(), Some(Device::Gpu(2)));
        assert!(device(Some("npu")).is_err() && device(Some("gpu:x")).is_err());
    }

    #[test]
    fn exit_codes_tell_how_much_was_done() {
        let outcome = |done, partial, failed| RunOutcome { done, partial, failed, cancelled: false };
        assert_eq!(exit_code(&outcome(2, 0, 0), 0, 0), 0);
        assert_eq!(exit_code(&outcome(0, 0, 1), 0, 0), 1);
        assert_eq!(exit_code(&outcome(0, 0, 0), 1, 0), 1);
        assert_eq!(exit_code(&outcome(1, 0, 0), 1, 0), 3);
        assert_eq!(exit_code(&outcome(0, 1, 0), 0, 0), 3);
        assert_eq!(exit_code(&outcome(0, 0, 0), 0, 4), 0);
        assert_eq!(exit_code(&RunOutcome { cancelled: true, ..outcome(1, 0, 0) }, 0, 0), 130);
    }
}
