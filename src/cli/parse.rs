//! The main command: arguments to settings, settings to a run, the run to an exit code.

use super::args::{LogFormat, ParseArgs, StdoutFormat};
use super::parts::Parts;
use super::pipeline::{self, Resolved};
use super::report::RunReporter;
use super::{Failure, exit, logging};
use crate::config::Config;
use crate::config::vl::VlConfig;
use crate::engine::{self, DocumentSink, EngineOptions, Job, PageSelection, RunOutcome, Stages};
use crate::input::fetch::Fetcher;
use crate::input::pdf::{PdfPool, PoolOptions};
use crate::input::{self, InputFile, OpenOptions};
use crate::layout::polygons::ShapeMode;
use crate::net::{is_address, shown_address};
use crate::onnx::{Device, SessionOptions};
use crate::plan::PlanOptions;
use crate::recognize::server::Ends;
use crate::restructure::RestructureOptions;
use crate::runtime::{self, RuntimeDirs};
use crate::writer::compat::{CompatOptions, CompatWriter};
use crate::writer::json::JsonOptions;
use crate::writer::paths::{self, OutputStem};
use crate::writer::trace::TraceWriter;
use crate::writer::{self, DocumentWriter, Formats, Target, WriterOptions};
use std::io::IsTerminal;
use std::ops::RangeInclusive;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use tracing::Level;

/// Parses what the arguments name; returns the exit code.
pub fn run(args: &ParseArgs) -> Result<u8, Failure> {
    let level = match (args.quiet, args.verbose) {
        (true, _) => Level::ERROR,
        (_, true) => Level::DEBUG,
        _ => Level::WARN,
    };
    logging::set_up(args.log_format, level);
    let target = target(args)?;
    // Before models are fetched.
    if args.input.is_empty() {
        return Err(Failure::usage("no input was given", "docparse -i file.pdf --save-path out"));
    }
    if let Some(address) = args.input.iter().find(|input| is_address(input)).filter(|_| args.later.offline) {
        let shown = shown_address(address);
        let reason = format!("--offline makes no network call, and `{shown}` is an address");
        return Err(Failure::usage(reason, "leave --offline out, or give a file"));
    }
    let resolved = pipeline::resolve(args)?;
    let config = &resolved.config;
    let formats = formats(args)?;
    let pages = page_selection(args.pages.as_deref())?;
    let device = device(args.device.as_deref())?;
    if !args.quiet {
        resolved.notes.iter().for_each(|note| tell(args.log_format, note));
    }
    if target == Target::Files && !args.dry_run {
        let root = args.save_path.as_deref().unwrap_or(Path::new("."));
        writer::check_writable(root).map_err(|reason| Failure::fatal(reason, "give another --save-path"))?;
    }
    let cancel = super::cancel_on_signals();
    let fetcher = Fetcher::new(args.fetch.options(cancel.clone()));
    let (files, missing): (Vec<_>, Vec<_>) =
        input::discover(&args.input, &fetcher).into_iter().partition(Result::is_ok);
    let files: Vec<InputFile> = files.into_iter().flatten().collect();
    let stems = paths::plan(&files);
    let dirs = RuntimeDirs::new(args.runtime_dir.as_deref(), super::data_home().as_deref());
    let cores = super::cores();
    let threads = args.threads.unwrap_or(cores).clamp(1, 256);
    let open_options = OpenOptions {
        passwords: args.password.clone(),
        max_page_pixels: config.max_page_pixels,
        // More processes than cores would only take memory.
        pdf: pdf_pool(&dirs, threads.min(cores), config),
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
    let session = SessionOptions {
        gpu_memory: args.gpu_memory,
        ..SessionOptions::on(device, args.cpu_threads.unwrap_or(cores).clamp(1, 256))
    };
    let options = engine_options(args, &resolved, formats, target == Target::Files, threads, pages);
    let ends = Ends { cancel: cancel.clone(), fail_fast: args.fail_fast };
    let parts = Parts::of(&resolved, dirs.clone(), session, options.keep_steps(), &ends)?;
    let outcome = with_sink(args, &resolved, target, formats, stems, &mut reporter, |sink| {
        let open = |job: &Job| input::open(&job.file, &open_options);
        let Parts { lines, detector, recognizer } = parts;
        engine::run(jobs, Stages { open: &open, lines, detector, recognizer }, &options, sink, &cancel)
    });
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

/// Blocks of a page, about.
const BLOCKS_OF_A_PAGE: usize = 8;
/// Pages in flight at most for the sake of their blocks.
const MOST_PAGES: usize = 64;

fn engine_options(
    args: &ParseArgs,
    resolved: &Resolved,
    formats: Formats,
    to_files: bool,
    threads: usize,
    pages: PageSelection,
) -> EngineOptions {
    let vl = resolved.vl.as_ref().map(|(vl, _)| vl);
    // While one batch of pages is looked at, the next one is read.
    let batch = vl.map_or(1, |vl| vl.layout_batch_size);
    // Enough pages for all that reads blocks at once; pages have some ten of them.
    let at_once = match resolved.vl.as_ref() {
        Some((_, pipeline::Parts::Model(run))) => run.slots.unwrap_or(run.run.slots),
        Some((VlConfig { server: Some(server), .. }, pipeline::Parts::Server)) => server.requests_in_flight,
        _ => 0,
    };
    let fed = (at_once / BLOCKS_OF_A_PAGE).min(MOST_PAGES);
    EngineOptions {
        readers: threads,
        pages_in_flight: (threads * 2 + 2).max(batch + threads).max(fed + threads),
        pages,
        text_layer: resolved.config.text_layer,
        reads_pictures: resolved.looks_at_pictures().is_some(),
        detector_sees_pixels: vl.is_some(),
        plan: match resolved.looks_at_pictures() {
            Some(vl) => PlanOptions::Vl(vl.plan.clone().into()),
            None => PlanOptions::PageText,
        },
        keep_pixels: args.trace.is_some() || (args.compat && formats.vis && to_files),
        trace: args.trace.is_some(),
        page_pictures: formats.vis && to_files && !args.compat,
        // The reference's files name pictures whether they are written or not.
        block_pictures: (formats.images && to_files) || args.compat || args.trace.is_some(),
        fail_fast: args.fail_fast,
    }
}

/// Makes the sink that the arguments ask for and runs with it.
fn with_sink(
    args: &ParseArgs,
    resolved: &Resolved,
    target: Target,
    formats: Formats,
    stems: Vec<OutputStem>,
    reporter: &mut RunReporter,
    run: impl FnOnce(&mut dyn DocumentSink) -> RunOutcome,
) -> RunOutcome {
    let json = json_options(args, resolved);
    let folders = trace_folders(args, &stems);
    let root = args.save_path.clone().unwrap_or_default();
    let asked = [args.merge_tables, args.relevel_titles, args.concatenate_pages];
    let restructure = RestructureOptions {
        merge_tables: args.merge_tables.unwrap_or(!args.compat),
        relevel_titles: args.relevel_titles.unwrap_or(!args.compat),
        concatenate_pages: args.concatenate_pages.unwrap_or(false),
    };
    let traced = |inner: &mut dyn DocumentSink| match folders {
        Some(folders) => {
            run(&mut TraceWriter::new(folders, JsonOptions { compat: true, ..json.clone() }, inner))
        }
        None => run(inner),
    };
    if args.compat {
        let restructure = asked.contains(&Some(true)).then_some(restructure);
        let options = CompatOptions { root, formats, json: json.clone(), restructure };
        traced(&mut CompatWriter::new(options, reporter))
    } else {
        let options = WriterOptions {
            root,
            target,
            formats,
            json: json.clone(),
            restructure,
            regions_from_text: resolved.vl.is_none(),
            preprocesses: resolved.vl.as_ref().is_some_and(|(vl, _)| vl.preprocess.use_doc_preprocessor),
        };
        traced(&mut DocumentWriter::new(options, stems, reporter))
    }
}

/// Where the trace of every document goes: into the folder itself, or below it where there are several.
fn trace_folders(args: &ParseArgs, stems: &[OutputStem]) -> Option<Vec<PathBuf>> {
    let root = args.trace.as_ref()?;
    let folder = |stem: &OutputStem| if stems.len() == 1 { root.clone() } else { stem.file(root, "") };
    Some(stems.iter().map(folder).collect())
}

fn json_options(args: &ParseArgs, resolved: &Resolved) -> JsonOptions {
    let config = &resolved.config;
    let options = JsonOptions {
        settings: config.settings.clone(),
        format_block_content: config.format_block_content,
        ignore_labels: resolved.ignore_labels.clone(),
        compat: args.compat,
        ..JsonOptions::page_text(config.pipeline.name(), config.markdown.clone())
    };
    match &resolved.vl {
        None => options,
        Some((vl, _)) => JsonOptions {
            use_doc_preprocessor: vl.preprocess.use_doc_preprocessor,
            merge_layout_blocks: vl.plan.merge_layout_blocks,
            return_layout_polygon_points: vl.layout.shape_mode != ShapeMode::Rect,
            ..options
        },
    }
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
        (Some(_), None) if args.compat => {
            Err(Failure::usage("--compat writes files only", "give --save-path instead of --stdout"))
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

pub(super) fn device(text: Option<&str>) -> Result<Device, Failure> {
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
        let is_written = |root: &Path| match args.compat {
            true => CompatWriter::is_written(root, &file.name),
            false => writer::is_written(root, stem, formats),
        };
        if args.skip_existing && root.is_some_and(is_written) {
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
