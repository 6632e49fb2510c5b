//! Worker processes: bounded, and gone with the main process; files that promise pages which are not there.

use super::interrupts::{children, good, slow_shading, start, wait_for};
use super::support::{Folder, assemble, example};
use std::path::Path;

#[test]
fn a_page_count_that_lies_is_not_believed() {
    let folder = Folder::new();
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        "<< /Type /Pages /Kids [3 0 R] /Count 500000 >>",
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] >>",
    ];
    folder.write("lies.pdf", assemble(&objects.map(String::from)));
    let ran = folder
        .run(&["lies.pdf", "-o", "out", "--formats", "json"])
        .expect(0);
    assert!(
        ran.stderr
            .contains("it says that it has 500000 pages; 1 of them are there"),
        "{}",
        ran.stderr
    );
    assert_eq!(
        folder.json("out/lies.json")["pages"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[test]
fn pages_beyond_the_most_are_left_out_and_told() {
    let folder = Folder::new();
    let report = example("report.pdf").display().to_string();
    let arguments = [
        report.as_str(),
        "-o",
        "out",
        "--formats",
        "json",
        "--max-pages",
        "1",
    ];
    let ran = folder.run(&arguments).expect(3);
    assert!(ran.stderr.contains("only 1 of "), "{}", ran.stderr);
    assert_eq!(
        folder.json("out/report.json")["pages"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    // No page that is there is cut by itself.
    folder
        .run(&[report.as_str(), "-o", "out", "--formats", "json"])
        .expect(0);
    assert!(
        folder.json("out/report.json")["pages"]
            .as_array()
            .unwrap()
            .len()
            > 1
    );
}

/// Time for which a process has computed, in hundredths of a second.
pub fn ticks(process: u32) -> u64 {
    let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
    // The fourteenth field; the second one may hold spaces.
    let field = stat
        .rsplit_once(") ")
        .and_then(|(_, rest)| rest.split(' ').nth(11));
    field.and_then(|ticks| ticks.parse().ok()).unwrap_or(0)
}

#[test]
fn workers_end_with_the_main_process() {
    let folder = Folder::new();
    folder.write("slow.pdf", slow_shading());
    let mut child = start(&folder, &["slow.pdf", "-o", "out", "--page-timeout", "600"]);
    let workers = || children(child.id());
    // One that computes: it has been at work for longer than opening the file takes.
    wait_for("a worker at work", || {
        workers().into_iter().any(|worker| ticks(worker) >= 30)
    });
    let workers = workers();
    child.kill().unwrap();
    child.wait().unwrap();
    for worker in workers {
        wait_for("the end of a worker", || {
            let stat = std::fs::read_to_string(format!("/proc/{worker}/stat")).unwrap_or_default();
            stat.is_empty() || stat.contains(") Z ")
        });
    }
}

#[test]
fn a_file_that_wants_all_memory_costs_itself() {
    // Forms in forms: each draws the next one many times.
    let folder = Folder::new();
    let mut objects = vec![
        "<< /Type /Catalog /Pages 2 0 R >>".to_string(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_string(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] /Contents 4 0 R \
         /Resources << /XObject << /X 5 0 R >> >> >>"
            .to_string(),
        "<< /Length 5 >>\nstream\n/X Do\nendstream".to_string(),
    ];
    for depth in 0..10 {
        let next = 6 + depth;
        let draws = "/X Do\n".repeat(10);
        objects.push(format!(
            "<< /Type /XObject /Subtype /Form /BBox [0 0 200 200] /Length {} \
             /Resources << /XObject << /X {next} 0 R >> >> >>\nstream\n{draws}\nendstream",
            draws.len()
        ));
    }
    let last = "0 0 5 5 re f\n";
    objects.push(format!(
        "<< /Type /XObject /Subtype /Form /BBox [0 0 200 200] /Length {} >>\nstream\n{last}\nendstream",
        last.len()
    ));
    folder.write("forms.pdf", assemble(&objects));
    folder.write("good.pdf", good());
    let arguments = [
        "forms.pdf",
        "good.pdf",
        "-o",
        "out",
        "--formats",
        "md,json",
        "--page-timeout",
        "20",
    ];
    let ran = folder.run(&arguments);
    assert!([0, 3].contains(&ran.code), "{}", ran.stderr);
    assert!(Path::new(&folder.path().join("out/good.md")).exists());
}

/// The header of a picture of 10,000 x 10,000 pixels of 16-bit colours, and no pixels.
fn vast_png() -> Vec<u8> {
    let mut header = b"IHDR".to_vec();
    header.extend_from_slice(&10_000u32.to_be_bytes());
    header.extend_from_slice(&10_000u32.to_be_bytes());
    header.extend_from_slice(&[16, 2, 0, 0, 0]);
    let mut png = b"\x89PNG\r\n\x1a\n".to_vec();
    for chunk in [header, b"IDAT".to_vec()] {
        let mut crc = flate2::Crc::new();
        crc.update(&chunk);
        png.extend_from_slice(&(chunk.len() as u32 - 4).to_be_bytes());
        png.extend_from_slice(&chunk);
        png.extend_from_slice(&crc.sum().to_be_bytes());
    }
    png
}

#[test]
fn a_picture_takes_no_more_memory_than_its_process_may() {
    let folder = Folder::new();
    folder.write("vast.png", vast_png());
    folder.write("little.yaml", "pipeline_name: lite\nworker_memory: 256\n");
    let ran = folder.run(&["vast.png", "-o", "out", "--config", "little.yaml"]);
    assert_ne!(ran.code, 0);
    assert!(
        ran.stderr
            .contains("more memory than a worker process may take (256 MB)"),
        "{}",
        ran.stderr
    );
}
