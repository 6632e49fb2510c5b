//! Time of every stage on the pages of the example report; prints a table.
//!
//! `cargo bench` runs it. Each stage runs for about half a second; the median of its runs is shown. Figures of two
//! builds are comparable only within one run on one machine.

#![allow(missing_docs, clippy::print_stdout)]

use docparse::document::{TextDecision, TextSource};
use docparse::internals::input::decode::FileKind;
use docparse::internals::input::worker::protocol::{MAX_MESSAGE, PageRequest};
use docparse::internals::input::worker::{PoolOptions, WorkerPool};
use docparse::internals::input::{InputFile, OpenOptions, PixelsWanted};
use docparse::internals::layout::geometric::regions;
use docparse::internals::lines::{LineOptions, LineReader, RecognizerPrecision, prepare_layer};
use docparse::internals::onnx::{Device, Runtime, SessionOptions};
use docparse::internals::runtime::{self, RuntimeDirs};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

const LONGEST: Duration = Duration::from_millis(500);

/// The median time of a run, in milliseconds.
fn median(mut work: impl FnMut()) -> f64 {
    let start = Instant::now();
    let mut times = Vec::new();
    while times.len() < 3 || start.elapsed() < LONGEST {
        let start = Instant::now();
        work();
        times.push(start.elapsed().as_secs_f64() * 1000.0);
    }
    times.sort_by(f64::total_cmp);
    times[times.len() / 2]
}

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let dirs = RuntimeDirs::new(Some(&root.join("runtime")), None);
    let pool = Arc::new(WorkerPool::new(PoolOptions {
        program: PathBuf::from(env!("CARGO_BIN_EXE_docparse")),
        library: Some(
            dirs.find(runtime::PDFIUM)
                .expect("scripts/setup.sh was run"),
        ),
        workers: 1,
        timeout: Duration::from_secs(60),
        memory: 4 << 30,
        memory_setting: "worker_memory",
        max_pixels: 40_000_000,
        max_message: MAX_MESSAGE,
    }));
    let options = OpenOptions {
        passwords: Vec::new(),
        max_page_pixels: 40_000_000,
        max_picture_pixels: 40_000_000,
        pictures: Default::default(),
        workers: pool.clone(),
        no_pdfs: None,
    };
    let path = root.join("examples/documents/report.pdf");
    let file = InputFile::from_path(&path, PathBuf::new());
    let source = docparse::internals::input::open(&file, &options).expect("the example opens");
    let handle = pool
        .open(&path, FileKind::Pdf, &[], Default::default())
        .expect("the example opens");
    let request = PageRequest {
        page_index: 0,
        scale: 2.0,
        content: true,
        render_scale: None,
    };
    println!("{:44} {:>9}", "stage, first page of report.pdf", "ms");
    let show = |name: &str, ms: f64| println!("{name:44} {ms:9.3}");
    show(
        "characters and shapes from the worker",
        median(|| drop(pool.page(&handle, request))),
    );
    show(
        "the same and a preview",
        median(|| drop(source.read_page(0, PixelsWanted::Preview))),
    );
    show(
        "the same and the page at 144 dpi",
        median(|| drop(source.read_page(0, PixelsWanted::Full))),
    );
    let page = || {
        source
            .read_page(0, PixelsWanted::Preview)
            .expect("the page can be read")
    };
    let decision = || TextDecision {
        source: TextSource::TextLayer,
        reason: String::new(),
    };
    let read = median(|| drop(page()));
    show(
        "words and lines of the text layer",
        median(|| drop(prepare_layer(page(), decision()))) - read,
    );
    let prepared = prepare_layer(page(), decision());
    show("layout", median(|| drop(regions(&prepared))));
    let pixels = source.render_page(0).expect("the page can be drawn");
    show("page picture as JPEG", median(|| drop(pixels.to_jpeg(72))));
    let threads = std::thread::available_parallelism().map_or(2, |n| n.get());
    let session = SessionOptions::on(Device::Cpu, threads);
    let library = dirs
        .find(runtime::ONNXRUNTIME)
        .expect("scripts/setup.sh was run");
    let runtime = Runtime::load(&library, session).expect("the runtime loads");
    for (name, precision) in [
        ("lines read from the picture, f32", RecognizerPrecision::F32),
        ("the same, int8", RecognizerPrecision::Int8),
    ] {
        let options = LineOptions {
            precision,
            ..LineOptions::default()
        };
        let mut reader = LineReader::load(&runtime, &dirs, options).expect("the models load");
        show(name, median(|| drop(reader.read(&pixels))));
    }
}
