//! `docparse doctor`: checks that libraries and models are present and work.

use super::args::DoctorArgs;
use super::{Failure, devices, doctor_gpu, exit, flags};
use crate::config::machine;
use crate::fault::Fault;
use crate::geometry::Rect;
use crate::input::worker::protocol::MAX_MESSAGE;
use crate::input::worker::{PoolOptions, WorkerPool};
use crate::layout::postprocess::Threshold;
use crate::lines::{LineOptions, LineReader};
use crate::onnx::{Runtime, SessionOptions};
use crate::pipeline::networks::{self, AnyNetwork, LoadedModel};
use crate::raster::Pixels;
use crate::recognize::paddleocr_vl::backend;
use crate::runtime::{self, RuntimeDirs};
use anyhow::Context;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Tokens that a recognizer generates as a test.
const DOCTOR_TOKENS: usize = 8;
/// Time and memory limits of a worker that only loads its library.
const WORKER_TIME: Duration = Duration::from_secs(20);
const WORKER_MEMORY: u64 = 256 << 20;

/// Checks everything and prints a line for each; returns the exit code.
pub(super) fn run(args: &DoctorArgs) -> Result<u8, Failure> {
    let dirs = RuntimeDirs::new(args.runtime_dir.as_deref(), super::data_home().as_deref());
    let devices = devices::devices(args.device.as_deref(), &dirs)?;
    let threads = args
        .cpu_threads
        .unwrap_or_else(crate::config::machine::cores)
        .clamp(1, 256);
    if let Some(folder) = &args.model {
        let device = devices::one_device(args.device.as_deref())?;
        return model(folder, &dirs, SessionOptions::on(device, threads));
    }
    if args.gpu {
        let device = devices::one_device(args.device.as_deref())?;
        return doctor_gpu::run(&dirs, SessionOptions::on(device, threads), args.json);
    }
    let mut failed = false;
    let mut line = |name: &str, result: anyhow::Result<String>| {
        failed |= result.is_err();
        let text = match result {
            Ok(text) => format!("ok       {name}: {text}\n"),
            Err(error) => {
                let text = format!("{error:#}");
                format!("missing  {name}: {}\n", flags::named(&text, None))
            }
        };
        super::print(&text);
    };
    for name in runtime::FILES {
        line(
            name,
            dirs.find(name)
                .map(|p| p.display().to_string())
                .map_err(anyhow::Error::from),
        );
    }
    for (name, what) in runtime::MORE_FILES {
        super::print(&match dirs.find(name) {
            Ok(path) => format!("ok       {name}: {}\n", path.display()),
            Err(_) => format!(
                "without  {name}: it is of use for {what}, and not needed; scripts/setup.sh fetches it\n"
            ),
        });
    }
    line("memory", memory());
    line("worker process", worker(&dirs));
    for device in &devices {
        let name = match devices.len() {
            1 => "line recognition".to_string(),
            _ => format!("line recognition on {device}"),
        };
        line(
            &name,
            line_recognition(
                &dirs,
                &args.rec_model_dir,
                SessionOptions::on(*device, threads),
            ),
        );
    }
    let pipelines = "lite; v1, v1.5 and v1.6 with folders of their networks (docparse doctor --model DIR checks one)";
    line("pipelines", Ok(pipelines.into()));
    Ok(if failed { exit::FAILED } else { exit::DONE })
}

/// Loads the model in a folder, reports its type, and runs it on a drawn page.
fn model(folder: &Path, dirs: &RuntimeDirs, options: SessionOptions) -> Result<u8, Failure> {
    let fail = |fault: Fault| {
        let hint = "give the folder of PP-DocLayoutV2, PP-DocLayoutV3, PP-LCNet_x1_0_doc_ori, UVDoc or PaddleOCR-VL";
        Failure::fatal(fault, hint)
    };
    let library = dirs.find(runtime::ONNXRUNTIME).map_err(|e| {
        let hint = "scripts/setup.sh fetches the native libraries";
        Failure::fatal(Fault::from(e), hint)
    })?;
    let start = Instant::now();
    let loaded = Runtime::load(&library, options).map_err(|e| fail(e.into()))?;
    let LoadedModel {
        network,
        name,
        used,
        ignored,
        unknown,
    } = networks::load(folder, &loaded, super::quantized_store().as_deref()).map_err(fail)?;
    let tell = |name: &str, text: String| super::print(&format!("{name:<9}{text}\n"));
    tell("model", name);
    match used {
        Some(used) => tell(
            "format",
            format!("checkpoint: {used} tensors used, {} ignored", ignored.len()),
        ),
        None => tell("format", "model file, post-processing included".into()),
    }
    ignored.iter().for_each(|key| tell("ignored", key.clone()));
    unknown.iter().for_each(|key| tell("unknown", key.clone()));
    tell(
        "loaded",
        format!("in {:.2} s", start.elapsed().as_secs_f64()),
    );
    let start = Instant::now();
    let found = run_once(network).map_err(fail)?;
    tell(
        "runs",
        format!(
            "in {:.2} s on a drawn page: {found}",
            start.elapsed().as_secs_f64()
        ),
    );
    Ok(exit::DONE)
}

fn run_once(network: AnyNetwork) -> Result<String, Fault> {
    let page = drawn_page();
    match network {
        AnyNetwork::Layout(mut network) => {
            let layouts = network.detect(&[&page], &Threshold::Off)?;
            let best = layouts[0]
                .boxes
                .iter()
                .map(|row| row.score)
                .fold(0.0, f32::max);
            let masks = if layouts[0].masks.is_some() {
                "with masks"
            } else {
                "without masks"
            };
            Ok(format!(
                "{} rows {masks}, best score {best:.3}",
                layouts[0].boxes.len()
            ))
        }
        AnyNetwork::Orientation(mut network) => {
            let degrees = network.classify(&page)?;
            Ok(format!("{degrees} degrees"))
        }
        AnyNetwork::Unwarping(mut network) => {
            let flat = network.unwarp(&page)?;
            Ok(format!("a page of {}x{} pixels", flat.width, flat.height))
        }
        AnyNetwork::Recognizer(model) => {
            let crop = page
                .crop(&Rect::new(80.0, 80.0, 480.0, 150.0))
                .ok_or_else(|| Fault::internal("nothing was drawn"))?;
            let answer = backend::read_one(*model, &crop, DOCTOR_TOKENS)?;
            Ok(format!(
                "{} tokens for a crop of it",
                answer.generation.token_count
            ))
        }
    }
}

/// Default memory limit of a run.
fn memory() -> anyhow::Result<String> {
    let all = machine::memory()
        .context("the system does not tell how much there is; give --memory-limit")?;
    Ok(format!(
        "{} MB, of which a run takes {} at most (--memory-limit)",
        all >> 20,
        (all / 4 * 3) >> 20
    ))
}

/// Starts a worker that loads the PDF library.
fn worker(dirs: &RuntimeDirs) -> anyhow::Result<String> {
    let library = dirs.find(runtime::PDFIUM)?;
    let program = std::env::current_exe()?;
    let pool = WorkerPool::new(PoolOptions {
        program,
        library: Some(library),
        workers: 1,
        timeout: WORKER_TIME,
        memory: WORKER_MEMORY,
        memory_setting: "worker_memory",
        max_pixels: 0,
        max_message: MAX_MESSAGE,
    });
    pool.check()?;
    Ok("starts, loads the PDF library and ends".into())
}

/// Runs line recognition on a drawn page without text, and lists the scripts that each recognizer reads.
fn line_recognition(
    dirs: &RuntimeDirs,
    given: &[PathBuf],
    options: SessionOptions,
) -> anyhow::Result<String> {
    let library = dirs.find(runtime::ONNXRUNTIME)?;
    let runtime = Runtime::load(&library, options)?;
    let dirs = dirs.with_recognizers(given);
    let mut reader = LineReader::load(&runtime, &dirs, LineOptions::default())?;
    let read = reader.read(&drawn_page())?;
    let mut told = format!("runs ({} lines on a drawn page)", read.text.segments.len());
    let embedded = Path::new(runtime::LINE_RECOGNIZER);
    let names = std::iter::once(embedded).chain(given.iter().map(PathBuf::as_path));
    for (name, scripts) in names.zip(reader.scripts()) {
        let counts = scripts
            .iter()
            .map(|(script, count)| format!("{script} {count}"));
        let counts: Vec<String> = counts.collect();
        let name = crate::shown::name(name);
        told.push_str(&format!("\nok       {name}: reads {}", counts.join(", ")));
    }
    Ok(told)
}

/// A white page with black bars.
fn drawn_page() -> Pixels {
    let mut page = Pixels::white(800, 800);
    for left in (100..420).step_by(40) {
        page.fill_rect([left, 100, left + 19, 129], [0; 3]);
    }
    page
}
