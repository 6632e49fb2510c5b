//! `docparse doctor`: what is there, and whether it works.

use super::args::DoctorArgs;
use super::exit;
use crate::geometry::Rect;
use crate::lines::{LineOptions, LineReader};
use crate::onnx::{Device, Runtime, SessionOptions};
use crate::raster::Pixels;
use crate::runtime::{self, RuntimeDirs};
use std::process::{Command, Stdio};

/// Checks everything and prints a line for each; returns the exit code.
pub fn run(args: &DoctorArgs) -> u8 {
    let dirs = RuntimeDirs::new(args.runtime_dir.as_deref(), super::data_home().as_deref());
    let mut failed = false;
    let mut line = |name: &str, result: Result<String, String>| {
        failed |= result.is_err();
        let text = match result {
            Ok(text) => format!("ok       {name}: {text}\n"),
            Err(text) => format!("missing  {name}: {text}\n"),
        };
        super::print(&text);
    };
    for name in runtime::FILES {
        line(name, dirs.find(name).map(|p| p.display().to_string()).map_err(|e| e.to_string()));
    }
    line("PDF worker", pdf_worker(&dirs));
    line("line recognition", line_recognition(&dirs));
    line("pipelines", Ok("lite; v1, v1.5 and v1.6 are not part of this version".into()));
    if failed { exit::FAILED } else { exit::DONE }
}

/// Starts a worker and lets it end.
fn pdf_worker(dirs: &RuntimeDirs) -> Result<String, String> {
    let library = dirs.find(runtime::PDFIUM).map_err(|e| e.to_string())?;
    let program = std::env::current_exe().map_err(|e| e.to_string())?;
    let status = Command::new(program)
        .args(["pdf-worker", "--memory-limit", "4294967296", "--library"])
        .arg(library)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .status()
        .map_err(|e| e.to_string())?;
    if status.success() { Ok("starts and ends".into()) } else { Err(format!("ended with {status}")) }
}

/// Reads a drawn page without text.
fn line_recognition(dirs: &RuntimeDirs) -> Result<String, String> {
    let library = dirs.find(runtime::ONNXRUNTIME).map_err(|e| e.to_string())?;
    let threads = super::cores();
    let options = SessionOptions::on(Device::Auto, threads);
    let runtime = Runtime::load(&library, options).map_err(|e| e.to_string())?;
    let mut reader = LineReader::load(&runtime, dirs, LineOptions::default()).map_err(|e| e.to_string())?;
    let mut page = Pixels::white(800, 800);
    for i in 0..8 {
        paint(&mut page, &Rect::new(100.0 + i as f32 * 40.0, 100.0, 120.0 + i as f32 * 40.0, 130.0));
    }
    let read = reader.read(&page).map_err(|e| e.to_string())?;
    Ok(format!("runs ({} lines on a drawn page)", read.text.segments.len()))
}

fn paint(page: &mut Pixels, rect: &Rect) {
    let [x1, y1, x2, y2] = rect.to_pixels().map(|v| v as usize);
    for y in y1..y2 {
        page.data[(y * page.width + x1) * 3..(y * page.width + x2) * 3].fill(0);
    }
}
