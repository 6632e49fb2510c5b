//! `docparse serve`: from arguments to a server.

use super::args::ParseArgs;
use super::parameter_args::ParameterArgs;
use super::request::{self, not_loaded};
use super::serve_args::ServeArgs;
use super::{Failure, devices, exit, interrupt, logging, outputs};
use crate::config::{ServingConfig, machine};
use crate::engine::Engine;
use crate::fault::Fault;
use crate::onnx::{Device, SessionOptions};
use crate::pipeline::stages::Loader;
use crate::pipeline::{Resolved, memory};
use crate::recognize::server::StopSignals;
use crate::runtime::RuntimeDirs;
use crate::serve::{self, Limits, LinkOptions, Loaded, ServeOptions, TlsFiles};
use std::io::Write;
use std::time::Duration;
use tracing::Level;
use ureq::tls::TlsConfig;

/// Time for a server to say that it lives.
const HEALTH_PATIENCE: Duration = Duration::from_secs(5);

/// Serves until the process is told to end; returns the exit code.
pub(super) fn run(args: &ServeArgs) -> Result<u8, Failure> {
    if args.check_health {
        return Ok(check_health(args));
    }
    let level = match (args.quiet, args.verbose) {
        (true, _) => Level::WARN,
        (_, true) => Level::DEBUG,
        _ => Level::INFO,
    };
    logging::set_up(args.log_format, level);
    machine::keep_memory_flat();
    let parse_args = of_pipeline(args);
    // What is wrong with the arguments is told before the port opens; what takes long comes after.
    let early = request::checked(&parse_args)?;
    let dirs = RuntimeDirs::new(parse_args.runtime_dir(), super::data_home().as_deref());
    let devices = devices::devices(parse_args.device(), &dirs)?;
    let threads = parse_args.thread_count("threads");
    let limits = limits(args, &early);
    let links = links(args, &early.config.serving)?;
    let spool = args
        .spool
        .clone()
        .or_else(|| outputs::state_home().map(|home| home.join("docparse").join("spool")));
    let spool = spool.ok_or_else(|| {
        Failure::usage("there is no folder for jobs", "give one with --spool DIR")
    })?;
    let options = ServeOptions {
        host: args.host.clone(),
        port: args.port,
        spool,
        api_keys_file: args.api_keys_file.clone(),
        tls: tls_files(args),
        allow_url_fetch: args.outbound.allow_url_fetch,
        outbound: args.outbound.options(args.offline)?,
        links,
        visualize: early.config.serving.visualize,
        single_use_results: args.single_use_results,
        model_dir: shown_folder("PADDLE_OCR_MODEL_DIR", "/app/models"),
        cache_dir: shown_folder("PADDLE_OCR_CACHE_DIR", "/app/cache"),
        gpu_count: gpu_count(&devices),
        limits,
    };
    let load = move || -> Result<Loaded, Fault> {
        let told = |failure: Failure| failure.into_fault();
        let mut resolved = request::resolved(&parse_args).map_err(told)?;
        let request = request::request(&parse_args).map_err(told)?;
        let cores = machine::cores();
        let limit = parse_args.parameters.0.count("memory_limit");
        let memory = memory::plan(&mut resolved, limit, &devices, threads.min(cores))
            .map_err(|error| told(not_loaded(error)))?;
        let program = std::env::current_exe()
            .map_err(|error| Fault::io("cannot find the program itself", &error))?;
        let several = devices::several(&devices, &program, level);
        let open = resolved.open_options(program, Vec::new(), &dirs, &memory);
        let session = SessionOptions {
            gpu_memory: parse_args
                .parameters
                .0
                .count("gpu_memory")
                .map(|n| n as usize),
            ..SessionOptions::on(devices[0], parse_args.thread_count("cpu_threads"))
        };
        let loader = Loader {
            dirs,
            session,
            several,
            quantized: super::quantized_store(),
            no_lines: memory.no_lines,
            ends: &StopSignals::default(),
        };
        let stages = loader
            .load(&resolved)
            .map_err(|error| told(not_loaded(error)))?;
        let limits = resolved.limits(threads, memory.shares.pages, devices.len());
        let engine = Engine::start(stages, limits)
            .map_err(|error| Fault::new(error.reason(), error.to_string()))?;
        Ok(Loaded {
            engine,
            limits,
            open,
            request,
            pipeline: resolved.config.pipeline.name(),
            has_networks: resolved.vl.is_some(),
            has_recognizer: resolved.looks_at_pictures().is_some(),
        })
    };
    let scheme = scheme(args);
    let told = |address: &str| tracing::info!("listening at {scheme}://{address}");
    let served = serve::run(options, Box::new(load), told);
    match served {
        // Other threads may still use the libraries, whose destructors must then not run.
        Ok(()) => {
            let _ = std::io::stdout().flush();
            interrupt::end_now(exit::DONE)
        }
        Err(fault) => {
            let failure = Failure::fatal(fault, "docparse doctor checks libraries and models");
            failure.tell();
            interrupt::end_now(exit::FAILED)
        }
    }
}

/// Addresses of pictures, as the flags and the section `Serving` of the settings file want them. Fails for a storage
/// that docparse does not write to.
fn links(args: &ServeArgs, serving: &ServingConfig) -> Result<LinkOptions, Failure> {
    match serving.file_storage.as_deref() {
        None | Some("memory") => {}
        Some("file_system") => tracing::warn!(
            "Serving.extra.file_storage: nothing is written into that folder; files of results lie in the spool"
        ),
        Some(other) => {
            return Err(Failure::usage(
                format!(
                    "Serving.extra.file_storage is `{other}`, and docparse puts no files into object storages"
                ),
                "leave file_storage out: with return_urls, pictures are fetched from this server, where results stay for --result-ttl",
            ));
        }
    }
    Ok(LinkOptions {
        return_urls: args.return_urls || serving.return_urls,
        public_url: args.public_url.clone(),
        is_https: args.tls_cert.is_some(),
        expires_in: args.url_expires_in.or(serving.url_expires_in),
    })
}

/// The arguments of a run with the same pipeline.
fn of_pipeline(args: &ServeArgs) -> ParseArgs {
    ParseArgs {
        pipeline_version: args.pipeline_version.clone(),
        paddlex_config: args.paddlex_config.clone(),
        parameters: ParameterArgs(args.parameters.0.clone()),
        vl_rec_api_key_file: args.vl_rec_api_key_file.clone(),
        download: args.download,
        model_source: args.model_source.clone(),
        offline: args.offline,
        replay: args.replay.clone(),
        ..ParseArgs::default()
    }
}

/// Certificate and key; the flags are given together or not at all.
fn tls_files(args: &ServeArgs) -> Option<TlsFiles> {
    let (cert, key) = args.tls_cert.clone().zip(args.tls_key.clone())?;
    Some(TlsFiles { cert, key })
}

fn scheme(args: &ServeArgs) -> &'static str {
    match args.tls_cert {
        Some(_) => "https",
        None => "http",
    }
}

/// A folder that clients of the PP-OCR service are shown, as its containers name it.
fn shown_folder(variable: &str, default: &str) -> String {
    let given = std::env::var(variable).ok();
    given
        .filter(|folder| !folder.is_empty())
        .unwrap_or_else(|| default.into())
}

/// GPUs of NVIDIA that this process sees; none if it is not to use any.
fn gpu_count(devices: &[Device]) -> usize {
    if devices.iter().all(|device| *device == Device::Cpu) {
        return 0;
    }
    let entries = std::fs::read_dir("/dev").into_iter().flatten().flatten();
    let is_gpu = |name: &str| {
        let number = name.strip_prefix("nvidia");
        number.is_some_and(|n| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
    };
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    names.filter(|name| is_gpu(name)).count()
}

fn limits(args: &ServeArgs, resolved: &Resolved) -> Limits {
    let given = args.parameters.0.count("memory_limit");
    let memory = given
        .or(resolved.config.memory_limit)
        .or_else(|| machine::memory().map(|bytes| bytes / 4 * 3));
    Limits {
        max_upload_size: args.max_upload_size as u64,
        max_files: args.max_files,
        max_document_pages: args.max_document_pages,
        max_page_pixels: resolved.config.max_page_pixels,
        page_timeout: resolved.config.page_timeout.as_secs(),
        job_timeout: args.job_timeout,
        sync_timeout: args.sync_timeout,
        concurrency: args.concurrency,
        max_queued_jobs: args.max_queued_jobs,
        max_queued_pages: args.max_queued_pages,
        max_queued_size: args.max_queued_size as u64,
        max_connections: args.max_connections,
        read_timeout: args.read_timeout,
        fetch_timeout: args.outbound.fetch_timeout,
        result_ttl: args.result_ttl,
        max_results_size: args.max_results_size as u64,
        drain_timeout: args.drain_timeout,
        memory_limit: memory.unwrap_or(u64::MAX),
    }
}

/// Asks a server on this machine whether it lives.
fn check_health(args: &ServeArgs) -> u8 {
    let host = match args.host.as_str() {
        "0.0.0.0" => "127.0.0.1",
        "::" => "::1",
        host => host,
    };
    let host = match host.contains(':') {
        true => format!("[{host}]"),
        false => host.to_string(),
    };
    let agent = ureq::Agent::config_builder()
        .timeout_global(Some(HEALTH_PATIENCE))
        .proxy(None)
        // Nothing is sent that anybody could take, and the certificate is for other names than this one.
        .tls_config(TlsConfig::builder().disable_verification(true).build())
        .build()
        .new_agent();
    let address = format!("{}://{host}:{}/livez", scheme(args), args.port);
    match agent.get(address).call() {
        Ok(answer) if answer.status() == 200 => exit::DONE,
        _ => exit::FAILED,
    }
}
