//! The main command: arguments to settings, settings to a run, the run to an exit code.

use super::args::{ParseArgs, StdoutFormat, TableForm};
use super::inputs;
use super::interrupt::{self, SharedReporter};
use super::logging::LogRecord;
use super::outputs::{self, PlannedRun};
use super::report::RunReporter;
use super::report_file::Report;
use super::request::{self, not_loaded};
use super::values::LogFormat;
use super::{Failure, devices, exit, logging};
use crate::config::machine;
use crate::document::Code;
use crate::engine::{
    self, Batch, DocumentSink, EngineOptions, Job, PageSelection, RunOutcome, StartError,
};
use crate::fault::Fault;
use crate::input::fetch::Fetcher;
use crate::input::spool::Spooler;
use crate::input::{self, InputFile};
use crate::net::{is_address, shown_address};
use crate::onnx::SessionOptions;
use crate::pipeline::Resolved;
use crate::pipeline::job::WantedPictures;
use crate::pipeline::memory;
use crate::pipeline::stages::Loader;
use crate::proof::trace::TraceWriter;
use crate::recognize::server::StopSignals;
use crate::runtime::RuntimeDirs;
use crate::shown;
use crate::writer::format::Needs;
use crate::writer::html::Html;
use crate::writer::json::{Json, JsonOptions};
use crate::writer::markdown::Markdown;
use crate::writer::{
    FilesOptions, FilesWriter, Format, Formats, Outputs, PrintOptions, PrintWriter, Tree,
    WriteObserver,
};
use std::collections::BTreeMap;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use tracing::Level;

/// Parses the inputs in the arguments; returns the exit code.
pub(super) fn run(args: &ParseArgs) -> Result<u8, Failure> {
    let cancel = interrupt::flag();
    match parse(args, &cancel) {
        // After an interrupt, any error is a consequence of it.
        Err(_) if cancel.load(Ordering::Relaxed) => {
            interrupt::say_last_words();
            Ok(exit::INTERRUPTED)
        }
        result => result,
    }
}

fn parse(args: &ParseArgs, cancel: &Arc<AtomicBool>) -> Result<u8, Failure> {
    let level = match (args.quiet, args.verbose) {
        (true, _) => Level::ERROR,
        (_, true) => Level::DEBUG,
        _ => Level::WARN,
    };
    logging::set_up(args.log_format, level);
    let given = &args.parameters.0;
    let target = target(args)?;
    let report = Report::check(args.report.as_deref().filter(|_| !args.dry_run))?;
    let (early, pipeline) = (report.clone(), args.pipeline_version.clone());
    interrupt::set_last_words(move || {
        let nothing = SharedReporter::new(RunReporter::new(0, false));
        drop(early.write(&nothing, &pipeline, exit::INTERRUPTED));
    });
    // Before models are fetched.
    let inputs = inputs::named(args)?;
    let mut addresses = inputs
        .iter()
        .filter_map(|input| input.to_str())
        .filter(|word| is_address(word));
    if let Some(address) = addresses.next().filter(|_| args.offline) {
        let shown = shown_address(address);
        let reason = format!("--offline makes no network call, and `{shown}` is an address");
        return Err(Failure::usage(
            reason,
            "leave --offline out, or give a file",
        ));
    }
    let mut resolved = request::resolved(args)?;
    let embeds = resolved.config.markdown.form.embed_images;
    let formats = formats(args, embeds)?;
    if args.draw_tables && resolved.vl.is_some() {
        return Err(Failure::usage(
            "--draw-tables draws how tables are found in the text of pages, and here a network finds them",
            "add --pipeline-version lite, or leave the flag out",
        ));
    }
    let pages = page_selection(args.pages())?;
    let dirs = RuntimeDirs::new(args.runtime_dir(), super::data_home().as_deref());
    let devices = devices::devices(args.device(), &dirs)?;
    let cores = machine::cores();
    let threads = args.thread_count("threads");
    let limit = given.count("memory_limit");
    // More processes than cores would only take memory.
    let memory =
        memory::plan(&mut resolved, limit, &devices, threads.min(cores)).map_err(not_loaded)?;
    let config = &resolved.config;
    if !args.quiet {
        let notes = request::notes(args, &resolved);
        notes
            .iter()
            .for_each(|note| LogRecord::new(Level::INFO, Code::Note.name(), note).print());
    }
    let save_path = outputs::open(args, matches!(target, Target::Print(_)))?;
    let spooler = Spooler::new(
        inputs::spool_folders(args),
        args.max_input_size(),
        cancel.clone(),
    );
    let found = input::discover(&inputs, &Fetcher::new(args.fetch_timeout(), spooler));
    let (files, missing): (Vec<_>, Vec<_>) = found.files.into_iter().partition(Result::is_ok);
    let files: Vec<InputFile> = files.into_iter().flatten().collect();
    let settings = outputs::settings_hash(args, &resolved, formats);
    let program = std::env::current_exe().map_err(|error| {
        Failure::fatal(
            format!("cannot find the program itself: {error}"),
            "start it by its path",
        )
    })?;
    let several = devices::several(&devices, &program, level);
    let mut open_options = resolved.open_options(program, given.texts("password"), &dirs, &memory);
    open_options.pictures.as_reference = args.compat();
    let path = save_path.as_ref();
    let planned = PlannedRun::of(files, path, formats, settings, args, &open_options);
    if args.dry_run {
        return Ok(outputs::dry_run(&planned, &missing, &open_options));
    }
    let show_bar = !args.quiet
        && !args.verbose
        && args.log_format == LogFormat::Text
        && std::io::stderr().is_terminal();
    let mut reporter = RunReporter::new(planned.inputs.len(), show_bar);
    reporter.left_out(&found.passed_over, found.other_kinds, args.quiet);
    for error in missing.iter().filter_map(|m| m.as_ref().err()) {
        reporter.missing(&error.input, &error.fault);
    }
    let (jobs, documents, left) = planned.jobs(&mut reporter);
    let settings = planned.settings.clone();
    let sink_outputs = save_path.map(|path| Outputs {
        path,
        documents,
        settings,
    });
    let session = SessionOptions {
        gpu_memory: given.count("gpu_memory").map(|n| n as usize),
        ..SessionOptions::on(devices[0], args.thread_count("cpu_threads"))
    };
    let needs = match target {
        Target::Files => Tree::of(args.compat()).needs(formats, embeds),
        Target::Print(format) => Needs {
            block_pictures: format.embeds_pictures().holds(embeds),
            ..Needs::default()
        },
    };
    let wanted = WantedPictures {
        pixels: args.trace.is_some() || needs.pixels,
        trace: args.trace.is_some(),
        pages: needs.page_pictures,
        // The reference's files link to pictures whether they are written or not.
        blocks: needs.block_pictures || args.compat() || args.trace.is_some(),
        tables: needs.table_traces,
    };
    let options = EngineOptions {
        limits: resolved.limits(threads, memory.shares.pages, devices.len()),
        settings: resolved.job_settings(wanted, args.compat()),
        pages,
        max_pages: args
            .max_pages()
            .map(|most| usize::try_from(most).unwrap_or(usize::MAX)),
        fail_fast: args.fail_fast(),
    };
    let ends = StopSignals {
        cancel: cancel.clone(),
        fail_fast: args.fail_fast(),
    };
    if args.report.is_some() {
        reporter.hash_outputs();
    }
    let reporter = SharedReporter::new(reporter);
    let workers = open_options.workers.clone();
    let kill_workers = move || workers.kill_all();
    let place = args
        .save_path
        .as_deref()
        .map_or("standard output".into(), shown::name);
    let (last, last_report, name) = (reporter.clone(), report.clone(), config.pipeline.name());
    let (last_place, is_quiet) = (place.clone(), args.quiet);
    let kill_workers_last = kill_workers.clone();
    let last_save_path = sink_outputs.as_ref().map(|outputs| outputs.path.clone());
    interrupt::set_last_words(move || {
        kill_workers_last();
        last_save_path.iter().for_each(|path| path.abandon());
        // A failure to write the report can no longer be reported.
        drop(last_report.write(&last, name, exit::INTERRUPTED));
        if !is_quiet {
            last.lock().close(&last_place, true);
        }
    });
    let outcome = if cancel.load(Ordering::Relaxed) {
        RunOutcome {
            cancelled: true,
            ..RunOutcome::default()
        } // nobody waits for models any more
    } else {
        let loader = Loader {
            dirs: dirs.clone(),
            session,
            several,
            quantized: super::quantized_store(),
            no_lines: memory.no_lines,
            ends: &ends,
        };
        let stages = loader.load(&resolved).map_err(not_loaded)?;
        let formats = (target, formats);
        let outcome = with_sink(
            args,
            &resolved,
            formats,
            sink_outputs,
            &jobs,
            &mut reporter.clone(),
            |sink| {
                let open = Arc::new(move |job: &Job| input::open(&job.file, &open_options));
                let batch = Batch {
                    jobs: jobs.clone(),
                    open,
                    on_cancel: Box::new(kill_workers),
                };
                engine::run(batch, stages, &options, sink, cancel)
            },
        );
        outcome.map_err(|error| {
            let fault = Fault::new(error.reason(), error.to_string());
            Failure::fatal(
                fault,
                "raise the limit of processes (ulimit -u), or lower --threads",
            )
        })?
    };
    interrupt::drop_last_words();
    reporter.lock().finish();
    let mut code = exit_code(&outcome, missing.len() + left.refused, left.skipped);
    let is_strict = args.parameters.0.is_on("strict_language");
    if code == exit::DONE && is_strict && reporter.lock().has_warned(Code::LinesUnread) {
        code = exit::PARTIAL;
    }
    if let Err(failure) = report.write(&reporter, name, code) {
        failure.tell();
        code = exit::FAILED;
    }
    if !args.quiet {
        reporter.lock().close(&place, outcome.cancelled);
    }
    Ok(code)
}

/// Destination of finished documents.
#[derive(Clone, Copy)]
enum Target {
    /// Files below the save path.
    Files,
    /// Standard output, in this format.
    Print(&'static dyn Format),
}

/// Creates the sink for the arguments and runs with it.
fn with_sink(
    args: &ParseArgs,
    resolved: &Resolved,
    (target, formats): (Target, Formats),
    outputs: Option<Outputs>,
    jobs: &[Job],
    reporter: &mut dyn WriteObserver,
    run: impl FnOnce(&mut dyn DocumentSink) -> Result<RunOutcome, StartError>,
) -> Result<RunOutcome, StartError> {
    let json = resolved.json_options(args.compat());
    let folders = trace_folders(args, jobs);
    let traced = |inner: &mut dyn DocumentSink| match folders {
        Some(folders) => run(&mut TraceWriter::new(
            folders,
            JsonOptions {
                compat: true,
                ..json.clone()
            },
            inner,
        )),
        None => run(inner),
    };
    let finish = resolved.finish(&args.parameters.0, args.compat());
    let format = resolved.format_options(&finish, args.compat());
    match (target, outputs) {
        (Target::Print(printed), _) => {
            let options = PrintOptions {
                format: printed,
                options: format,
                finish,
                with_names: printed.name() != Json.name() && jobs.len() > 1,
                to_terminal: std::io::stdout().is_terminal(),
            };
            traced(&mut PrintWriter::new(options, jobs, reporter))
        }
        (Target::Files, outputs) => {
            let options = FilesOptions {
                formats,
                format,
                finish,
            };
            let outputs = outputs.expect("a run into files has a save path");
            let tree = Tree::of(args.compat());
            traced(&mut FilesWriter::new(tree, options, outputs, reporter))
        }
    }
}

/// Trace folder of every document, by job id: the folder itself, or a subfolder if there are several.
fn trace_folders(args: &ParseArgs, jobs: &[Job]) -> Option<BTreeMap<usize, PathBuf>> {
    let root = args.trace.as_ref()?;
    let folder = |job: &Job| {
        if jobs.len() == 1 {
            root.clone()
        } else {
            root.join(job.id.to_string())
        }
    };
    Some(jobs.iter().map(|job| (job.id, folder(job))).collect())
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
        (Some(_), Some(_)) => Err(Failure::usage(
            "--stdout and --save-path exclude each other",
            "leave one of them out",
        )),
        (Some(_), None) if args.compat() => Err(Failure::usage(
            "--compat writes files only",
            "give --save-path instead of --stdout",
        )),
        (Some(StdoutFormat::Md), None) => Ok(Target::Print(&Markdown)),
        (Some(StdoutFormat::Html), None) => Ok(Target::Print(&Html)),
        (Some(StdoutFormat::Json), None) => Ok(Target::Print(&Json)),
        (None, Some(_)) => Ok(Target::Files),
        (None, None) if args.dry_run => Ok(Target::Files),
        (None, None) => Err(Failure::usage(
            "nothing says where the result goes",
            "add --save-path DIR, or --stdout md to print it",
        )),
    }
}

fn formats(args: &ParseArgs, embeds: bool) -> Result<Formats, Failure> {
    let tables = args.tables.map(|TableForm::Csv| ("csv", "--tables csv"));
    let drawn = args.draw_tables.then_some(("draw_tables", "--draw-tables"));
    let more: Vec<(&str, &str)> = tables.into_iter().chain(drawn).collect();
    if let Some((_, flag)) = more.first()
        && (args.compat() || args.stdout.is_some())
    {
        return Err(Failure::usage(
            format!("{flag} writes files that --compat and --stdout leave out"),
            "use it with --save-path and without --compat",
        ));
    }
    let and_more = |formats: Formats| {
        let names = more.iter().map(|(name, _)| *name);
        names.fold(formats, |formats, name| formats.and(name))
    };
    if args.formats.is_empty() {
        return Ok(and_more(Formats::by_default()));
    }
    let chosen = Formats::from_names(args.formats.iter().map(String::as_str), !embeds);
    chosen.map(and_more).map_err(|name| {
        Failure::usage(
            format!("unknown format `{name}`"),
            format!(
                "use some of {}, with a minus before those to leave out",
                Formats::names().join(",")
            ),
        )
    })
}

/// Parses `1-3,7,10-` into ranges from 1.
fn page_selection(text: Option<&str>) -> Result<PageSelection, Failure> {
    let Some(text) = text else {
        return Ok(PageSelection::default());
    };
    PageSelection::parse(text).map_err(|part| {
        Failure::usage(
            format!("`{part}` is no range of pages"),
            "write --pages 1-3,7,10-",
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_of_pages() {
        let ranges = |text| page_selection(Some(text)).map(|s| s.0).ok();
        assert_eq!(
            ranges("1-3,7,10-"),
            Some(vec![1..=3, 7..=7, 10..=usize::MAX])
        );
        assert_eq!(ranges("-2"), Some(vec![1..=2]));
        for bad in ["", "0", "3-1", "a", "1--2", "1,,2"] {
            assert_eq!(ranges(bad), None, "{bad}");
        }
    }

    #[test]
    fn exit_codes_tell_how_much_was_done() {
        let outcome = |done, partial, failed| RunOutcome {
            done,
            partial,
            failed,
            cancelled: false,
        };
        assert_eq!(exit_code(&outcome(2, 0, 0), 0, 0), 0);
        assert_eq!(exit_code(&outcome(0, 0, 1), 0, 0), 1);
        assert_eq!(exit_code(&outcome(0, 0, 0), 1, 0), 1);
        assert_eq!(exit_code(&outcome(1, 0, 0), 1, 0), 3);
        assert_eq!(exit_code(&outcome(0, 1, 0), 0, 0), 3);
        assert_eq!(exit_code(&outcome(0, 0, 0), 0, 4), 0);
        assert_eq!(
            exit_code(
                &RunOutcome {
                    cancelled: true,
                    ..outcome(1, 0, 0)
                },
                0,
                0
            ),
            130
        );
    }
}
