//! The work on jobs: threads that claim them from the spool and send them through the engine, one that shows that the
//! leases of this server live, and one that sweeps.

use super::choice::{Choice, Claimed};
use super::health::Phase;
use super::limits::seconds;
use super::names::{StemFiles, portable};
use super::observe::{JobObserver, Places};
use super::running::{End, Running};
use super::settings;
use super::spool::{
    AnswerOptions, FileProgress, JobError, JobRecord, JobState, Lease, Outcome, Progress,
    SweepRules, now_ms,
};
use super::state::{Loaded, Server};
use crate::engine::{self, Batch, EngineOptions, Job, JobSettings};
use crate::fault::{Fault, Reason};
use crate::input::{self, InputFile, OpenOptions, PictureOptions};
use crate::lines::LineOptions;
use crate::net::TraceContext;
use crate::output::names::{self, NamedInput};
use crate::output::{Identity, RecordPlace, SavePath, SavePathOptions};
use crate::pipeline::job::WantedPictures;
use crate::plan::{PictureNames, PlanOptions};
use crate::restructure::{FinishOptions, RestructureOptions};
use crate::writer::options::{AnswerForm, OcrForm};
use crate::writer::{FilesOptions, FilesWriter, FormatOptions, Formats, Outputs, Tree, answer};
use std::collections::BTreeMap;
use std::ffi::OsStr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

/// Longest time until a job of another server, or one given back, is seen.
const LOOK: Duration = Duration::from_millis(500);
/// Interval at which leases are shown to live and orders to cancel are looked for. Far below the expiry of leases.
const BEAT: Duration = Duration::from_secs(1);
/// Every so many beats a lease is written to.
const BEATS_OF_LEASE: u32 = 5;
/// Interval of sweeps.
const SWEEP: Duration = Duration::from_secs(60);

/// Starts the threads.
pub(crate) fn start(server: &Arc<Server>, loaded: &Arc<Loaded>) -> std::io::Result<()> {
    let named = |name: &str| thread::Builder::new().name(name.into());
    for _ in 0..server.options.limits.concurrency.max(1) {
        let (server, loaded) = (server.clone(), loaded.clone());
        named("job").spawn(move || work(&server, &loaded))?;
    }
    let beating = server.clone();
    named("leases").spawn(move || beat(&beating))?;
    let sweeping = server.clone();
    named("sweep").spawn(move || sweep(&sweeping))?;
    Ok(())
}

fn work(server: &Arc<Server>, loaded: &Loaded) {
    loop {
        if server.health.phase() == Phase::Draining {
            return;
        }
        // Before the look: a job that comes in its middle ends the wait at once.
        let seen = server.work.news.seen();
        match next(server) {
            Some(claimed) => run_guarded(server, loaded, &claimed.record, &claimed.cancel),
            None => {
                server.work.news.wait(seen, LOOK);
            }
        }
    }
}

/// Claims the next job.
fn next(server: &Server) -> Option<Claimed> {
    let limits = &server.options.limits;
    let places = usize::try_from(limits.concurrency).unwrap_or(usize::MAX);
    let choice = Choice {
        spool: &server.spool,
        work: &server.work,
        notices: &server.notices,
        // One of several clients never has all places, so that the next one begins at once.
        share: match server.keys.count() > 1 {
            true => places.saturating_sub(1).max(1),
            false => places.max(1),
        },
        job_timeout: seconds(limits.job_timeout),
    };
    choice.next(Instant::now())
}

/// Runs a claimed job; a panic fails it.
fn run_guarded(server: &Server, loaded: &Loaded, record: &JobRecord, cancel: &Arc<AtomicBool>) {
    let began = Instant::now();
    server.health.pulse.begin();
    let attempt = {
        let running = server.work.lock();
        let lease = running.get(&record.id).and_then(|job| job.lease.as_ref());
        lease.map_or(0, |lease| lease.attempt)
    };
    let done = catch_unwind(AssertUnwindSafe(|| {
        run(server, loaded, record, attempt, cancel)
    }));
    let result = done.unwrap_or_else(|_| Err(Fault::internal("a fault of docparse itself")));
    let ended = server.work.lock().remove(&record.id);
    if ended.as_ref().is_some_and(|job| job.alone_until.is_some()) {
        // Others have their turn before the next one that servers died with.
        let suspects = &server.work.suspects;
        let mut suspects = suspects.lock().unwrap_or_else(PoisonError::into_inner);
        suspects
            .values_mut()
            .for_each(|since| *since = Instant::now());
    }
    server.health.pulse.end();
    if let Some(Running {
        end,
        lease: Some(lease),
        ..
    }) = ended
    {
        close(server, record, lease, end, result, began.elapsed());
    }
    if loaded.engine.has_ended() {
        tracing::error!("the engine has ended; the server ends, too, to be started again");
        server.fail();
    } else if let Some(fault) = loaded.engine.lost() {
        tracing::error!("the server ends, to be started again: {fault}");
        server.fail();
    }
    server.notices.tell(&record.id);
    server.outbound.webhooks.wake();
    server.work.wake();
}

/// Writes how a job ended, or gives it back.
fn close(
    server: &Server,
    record: &JobRecord,
    lease: Lease,
    end: Option<End>,
    result: Result<Progress, Fault>,
    time: Duration,
) {
    let id = &record.id;
    let is_whole = result.as_ref().is_ok_and(|progress| {
        let mut files = progress.files.iter();
        files.all(|file| file.state != JobState::Canceled && file.state.is_final())
    });
    let (state, error, progress) = match (end, result) {
        // What was finished all the same is kept.
        (Some(End::GivenBack), _) if !is_whole => return server.spool.give_back(lease),
        (Some(End::Lost), _) => return,
        (Some(End::Cancelled), result) if !is_whole => (JobState::Canceled, None, result.ok()),
        (Some(End::TimeUp), result) if !is_whole => {
            let limit = server.options.limits.named("job_timeout");
            let flag = limit.map(|limit| limit.flag()).unwrap_or_default();
            let message = format!("the time for the job was up ({flag})");
            let error = JobError::from(&Fault::new(Reason::TimeUp, message));
            (JobState::Failed, Some(error), result.ok())
        }
        (_, Err(fault)) => (JobState::Failed, Some(JobError::from(&fault)), None),
        (_, Ok(progress)) => (state_of(&progress), error_of(&progress), Some(progress)),
    };
    let code = error.as_ref().map_or("", |error| &error.code);
    server.metrics.ended(state.name(), code, time);
    let outcome = Outcome {
        state,
        finished_ms: now_ms(),
        error,
        progress,
    };
    let trace = record.trace.as_ref().map(TraceContext::parent);
    if let Err(error) = server.spool.finish(id, lease, &outcome) {
        // The lease is dead now: the job is tried again.
        tracing::error!(
            job = id,
            trace,
            "the outcome of a job cannot be written: {error}"
        );
    }
    tracing::info!(
        job = id,
        trace,
        state = state.name(),
        ms = time.as_millis() as u64,
        "job ended"
    );
}

/// State of a job from those of its files.
fn state_of(progress: &Progress) -> JobState {
    let count = |state| {
        progress
            .files
            .iter()
            .filter(|file| file.state == state)
            .count()
    };
    let all = progress.files.len();
    if count(JobState::Done) == all {
        JobState::Done
    } else if count(JobState::Done) + count(JobState::Partial) > 0 {
        JobState::Partial
    } else {
        JobState::Failed
    }
}

/// Why a job without a result has none: what is wrong with its first file.
fn error_of(progress: &Progress) -> Option<JobError> {
    let is_failed = state_of(progress) == JobState::Failed;
    let first = progress.files.iter().flat_map(|file| &file.errors).next();
    first.filter(|_| is_failed).cloned()
}

/// Sends the files of a job through the engine.
fn run(
    server: &Server,
    loaded: &Loaded,
    record: &JobRecord,
    attempt: u32,
    cancel: &Arc<AtomicBool>,
) -> Result<Progress, Fault> {
    let refused = |error: settings::SettingError| Fault::new(Reason::Settings, error.to_string());
    let (request, resolved) =
        settings::resolved(&loaded.request, &record.settings).map_err(refused)?;
    let as_reference = request.as_reference;
    let mut finish = resolved.finish(&request.parameters, as_reference);
    let mut format = resolved.format_options(&finish, as_reference);
    let embeds = format.json.markdown.form.embed_images;
    let mut formats = settings::formats(&record.formats, embeds).map_err(refused)?;
    if let Some(answer) = &record.answer {
        formats = Formats::none().and(answer::NAME);
        let lines = &resolved.config.lines;
        answer_form(answer, record.created_ms, lines, &mut finish, &mut format);
    }
    let pages = settings::pages(record.pages.as_deref()).map_err(refused)?;
    let tree = Tree::of(as_reference);
    let needs = tree.needs(formats, embeds);
    let wanted = WantedPictures {
        pixels: needs.pixels || format.answer.is_some_and(|answer| answer.visualize),
        pages: needs.page_pictures,
        blocks: needs.block_pictures,
        ..WantedPictures::default()
    };
    let stem_files = match as_reference {
        true => StemFiles::Pages,
        false => StemFiles::Whole,
    };
    let jobs = jobs_of(server, record, stem_files)?;
    let root = server
        .spool
        .results(&record.id, attempt)
        .ok_or_else(|| Fault::internal("the job has no folder"))?;
    let outputs = outputs(&root, &jobs)?;
    let mut job_settings = JobSettings {
        trace_context: record.trace.clone().map(Arc::new),
        ..resolved.job_settings(wanted, as_reference)
    };
    if let (PlanOptions::Vl(plan), true) = (&mut job_settings.plan, jobs.len() > 1)
        && plan.picture_names == PictureNames::Reference
    {
        // The texts of one document are not to show the pictures of another.
        plan.picture_names = PictureNames::ReferenceInFolders;
    }
    let options = EngineOptions {
        limits: loaded.limits,
        settings: job_settings,
        pages,
        max_pages: None,
        fail_fast: false,
    };
    let progress = Progress {
        attempt,
        started_ms: now_ms(),
        files: record
            .files
            .iter()
            .map(|_| FileProgress::queued())
            .collect(),
    };
    let places = Places {
        spool: &server.spool,
        notices: &server.notices,
        metrics: &server.metrics,
        pulse: &server.health.pulse,
    };
    let mut observer = JobObserver::new(
        places,
        &record.id,
        progress,
        format.json.markdown.clone(),
        finish,
    )
    .map_err(|error| Fault::io("the spool folder cannot be used", &error))?;
    let open = OpenOptions {
        passwords: request.parameters.texts("password"),
        pictures: PictureOptions {
            as_reference: request.as_reference,
            ..loaded.open.pictures
        },
        ..loaded.open.clone()
    };
    let options_of_files = FilesOptions {
        formats,
        format,
        finish,
    };
    let mut writer = FilesWriter::new(tree, options_of_files, outputs, &mut observer);
    let batch = Batch {
        jobs,
        open: Arc::new(move |job: &Job| input::open(&job.file, &open)),
        // Other jobs go on: nothing that they share is ended.
        on_cancel: Box::new(|| {}),
    };
    engine::run_on(&loaded.engine, batch, &options, &mut writer, cancel);
    Ok(observer.into_progress())
}

/// Changes options to those of the reference's answer.
fn answer_form(
    answer: &AnswerOptions,
    created_ms: u64,
    lines: &LineOptions,
    finish: &mut FinishOptions,
    format: &mut FormatOptions,
) {
    let steps = |(merge_tables, relevel_titles)| RestructureOptions {
        merge_tables,
        relevel_titles,
        concatenate_pages: false,
    };
    finish.restructure = answer.restructure.map(steps);
    format.concatenate_pages = false;
    format.json.markdown.pretty = answer.pretty;
    format.json.markdown.show_formula_number = answer.show_formula_number;
    format.answer = Some(AnswerForm {
        visualize: answer.visualize,
        images: answer.return_markdown_images,
        docx: answer.docx.then_some(created_ms / 1000),
        is_pdf: answer.is_pdf,
        as_files: answer.as_files,
        ocr: answer.ocr.map(|score_thresh| OcrForm {
            score_thresh,
            detect: lines.detect,
            use_textline_orientation: lines.use_textline_orientation,
        }),
    });
}

/// The documents of a job, under names that differ and that any system can hold.
fn jobs_of(server: &Server, record: &JobRecord, stem_files: StemFiles) -> Result<Vec<Job>, Fault> {
    let named: Vec<NamedInput> = record
        .files
        .iter()
        .map(|file| NamedInput {
            name: OsStr::new(&file.name),
            mirror: Path::new(""),
            parent: Path::new(""),
        })
        .collect();
    let stems: Vec<String> = names::plan(&named)
        .into_iter()
        .map(|name| name.pictures)
        .collect();
    let jobs = record
        .files
        .iter()
        .zip(portable(&stems, stem_files))
        .enumerate();
    jobs.map(|(id, (file, stem))| {
        let path = server
            .spool
            .input(&record.id, id)
            .ok_or_else(|| Fault::internal("the job has no folder"))?;
        Ok(Job {
            id,
            file: InputFile::known_as(&path, &file.name),
            picture_folder: stem,
        })
    })
    .collect()
}

/// The folder of results, and the place of each document in it.
fn outputs(root: &Path, jobs: &[Job]) -> Result<Outputs, Fault> {
    let options = SavePathOptions {
        record: RecordPlace::Nowhere,
        overwrite: true,
        shares_names: true,
    };
    let path = SavePath::open(root, &options)?;
    let mut documents = BTreeMap::new();
    for job in jobs {
        let stem = OsStr::new(&job.picture_folder).to_os_string();
        let name = names::OutputName::new(Path::new("").into(), stem);
        let identity = Identity::of(&job.file.given, &job.file.path, job.file.origin())
            .map_err(|error| Fault::io("a file of the job cannot be read", &error))?;
        documents.insert(job.id, (name, identity));
    }
    Ok(Outputs {
        path: Arc::new(path),
        documents,
        settings: String::new(),
    })
}

/// Shows that the leases of this server live, and looks for orders to cancel.
fn beat(server: &Server) {
    let mut beats: u32 = 0;
    loop {
        thread::sleep(BEAT);
        beats = beats.wrapping_add(1);
        if !server.spool.is_there() {
            tracing::error!("the spool folder is gone; the server ends, to be started again");
            server.fail();
            return;
        }
        let ids: Vec<String> = server.work.lock().keys().cloned().collect();
        for id in ids {
            if server.spool.is_cancelled(&id) {
                server.work.end(&id, End::Cancelled);
            }
            let mut is_late = false;
            let mut is_lost = false;
            if let Some(job) = server.work.lock().get(&id) {
                is_late = Instant::now() >= job.until;
                if beats.is_multiple_of(BEATS_OF_LEASE)
                    && let Some(lease) = &job.lease
                {
                    match server.spool.beat(&id, lease) {
                        Ok(is_held) => is_lost = !is_held,
                        Err(error) => tracing::warn!("a lease cannot be written: {error}"),
                    }
                }
            }
            if is_late {
                server.work.end(&id, End::TimeUp);
            }
            if is_lost {
                server.work.end(&id, End::Lost);
            }
        }
    }
}

fn sweep(server: &Server) {
    let limits = &server.options.limits;
    let rules = SweepRules {
        result_ttl: seconds(limits.result_ttl),
        max_results_size: limits.max_results_size,
    };
    loop {
        match server.spool.sweep(&rules) {
            Ok(swept) => {
                server.metrics.results_bytes.set(swept.bytes as i64);
                if swept.removed + swept.enqueued > 0 {
                    server.work.wake();
                }
            }
            Err(error) => tracing::warn!("the spool cannot be swept: {error}"),
        }
        server.forget_ended();
        thread::sleep(SWEEP);
    }
}
