//! `--memory-limit`: what it plans, what it refuses, and that the processes of a run stay within it together.

use super::drawn;
use super::interrupts::{children, start};
use super::support::{Folder, assemble, example};
use docparse::internals::raster::Pixels;
use std::io::Write;
use std::time::Duration;

/// The arguments of a run that writes JSON of a file with a limit.
fn arguments<'a>(file: &'a str, limit: &'a str) -> Vec<&'a str> {
    vec![
        file,
        "-o",
        "out",
        "--formats",
        "json",
        "--memory-limit",
        limit,
    ]
}

/// The limit that a message asks for.
fn asked_for(stderr: &str) -> &str {
    let rest = stderr
        .split("raise --memory-limit to ")
        .nth(1)
        .expect(stderr);
    rest.split(' ').next().unwrap()
}

fn line_of_text() -> Pixels {
    let mut page = Pixels::white(600, 200);
    drawn::write(&mut page, (40, 80), 32.0, "Deliver before noon");
    page
}

/// Resident bytes of a process and its children.
fn resident(process: u32) -> u64 {
    let of = |process: u32| {
        let statm = std::fs::read_to_string(format!("/proc/{process}/statm")).unwrap_or_default();
        statm
            .split(' ')
            .nth(1)
            .and_then(|pages| pages.parse::<u64>().ok())
            .unwrap_or(0)
            * 4096
    };
    of(process) + children(process).into_iter().map(of).sum::<u64>()
}

/// Runs the program; its exit code and the most memory in MiB that its processes had together.
fn measured(folder: &Folder, arguments: &[&str]) -> (i32, u64) {
    let mut child = start(folder, arguments);
    let mut most = 0;
    loop {
        most = most.max(resident(child.id()));
        if let Some(status) = child.try_wait().unwrap() {
            return (status.code().unwrap_or(-1), most >> 20);
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_limit_that_is_too_little_is_refused_and_names_one_that_is_enough() {
    let folder = Folder::new();
    let report = example("report.pdf").display().to_string();
    let ran = folder.run(&arguments(&report, "100M")).expect(2);
    assert!(
        ran.stderr
            .contains("the memory limit of 100 MB is too little"),
        "{}",
        ran.stderr
    );
    assert!(!folder.path().join("out").exists());
    folder
        .run(&arguments(&report, asked_for(&ran.stderr)))
        .expect(0);
}

#[test]
fn with_little_memory_text_is_read_and_pictures_are_refused() {
    let folder = Folder::new();
    let report = example("report.pdf").display().to_string();
    let (code, most) = measured(&folder, &arguments(&report, "600M"));
    assert_eq!(code, 0);
    assert!(most < 600, "{most}");
    let text = folder.text("out/report.json");
    folder
        .run(&[&report, "-o", "all", "--formats", "json"])
        .expect(0);
    assert_eq!(
        text,
        folder.text("all/report.json"),
        "less memory gives no other result"
    );

    folder.write("line.png", drawn::png(&line_of_text()));
    let ran = folder.run(&arguments("line.png", "600M")).expect(3);
    assert!(
        ran.stderr
            .contains("the memory limit of 600 MB leaves no room for line recognition")
    );
    let (code, most) = measured(&folder, &arguments("line.png", asked_for(&ran.stderr)));
    assert_eq!(code, 0);
    assert!(most < 700, "{most}");
    assert!(folder.text("out/line.json").contains("Deliver before noon"));
}

#[test]
fn a_picture_that_is_too_large_for_the_limit_is_refused_before_it_is_decoded() {
    let folder = Folder::new();
    folder.write(
        "large.pgm",
        [b"P5 5000 4000 255\n".to_vec(), vec![255; 20_000_000]].concat(),
    );
    let ran = folder.run(&arguments("large.pgm", "760M")).expect(3);
    assert!(
        ran.stderr
            .contains("5000x4000 pixels, more than there is memory for"),
        "{}",
        ran.stderr
    );
    assert!(
        ran.stderr.contains("raise --memory-limit"),
        "{}",
        ran.stderr
    );
}

/// A page whose content is 400 MB of blanks, in half a kilobyte.
fn bomb() -> Vec<u8> {
    let packed = |bytes: &mut dyn Iterator<Item = Vec<u8>>| {
        let mut encoder = flate2::write::ZlibEncoder::new(Vec::new(), flate2::Compression::fast());
        bytes.for_each(|part| encoder.write_all(&part).unwrap());
        encoder.finish().unwrap()
    };
    let once = packed(&mut (0..400).map(|_| vec![b' '; 1 << 20]));
    let twice = packed(&mut std::iter::once(once));
    let hex: String = twice.iter().map(|byte| format!("{byte:02x}")).collect();
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_string(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_string(),
        "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 200 200] /Contents 4 0 R >>".to_string(),
        format!(
            "<< /Length {} /Filter [/ASCIIHexDecode /FlateDecode /FlateDecode] >>\nstream\n{hex}>\nendstream",
            hex.len() + 1
        ),
    ];
    assemble(&objects)
}

#[test]
fn the_processes_together_stay_below_the_limit() {
    let folder = Folder::new();
    folder.write("bomb.pdf", bomb());
    let ran = folder.run(&arguments("bomb.pdf", "500M")).expect(3);
    assert!(
        ran.stderr
            .contains("more memory than a worker process may take"),
        "{}",
        ran.stderr
    );
    assert!(
        ran.stderr.contains("raise --memory-limit"),
        "{}",
        ran.stderr
    );
    let (code, most) = measured(&folder, &arguments("bomb.pdf", "500M"));
    assert_eq!(code, 3);
    assert!((100..500).contains(&most), "{most}");
}

#[test]
fn the_limit_may_stand_in_a_file_of_settings() {
    let folder = Folder::new();
    let report = example("report.pdf").display().to_string();
    folder.write("little.yaml", "memory_limit: 100M\n");
    let with_file = [&report, "-o", "out", "--config", "little.yaml"];
    let ran = folder.run(&with_file).expect(2);
    assert!(
        ran.stderr
            .contains("the memory limit of 100 MB is too little"),
        "{}",
        ran.stderr
    );
    // The flag is stronger.
    folder
        .run(&[&with_file[..], &["--memory-limit", "1G"]].concat())
        .expect(0);
    folder.write("bad.yaml", "memory_limit: much\n");
    let ran = folder
        .run(&[&report, "-o", "out", "--config", "bad.yaml"])
        .expect(2);
    assert!(
        ran.stderr
            .contains("`memory_limit` must be a size such as 8G or 500M, or null"),
        "{}",
        ran.stderr
    );
}

#[test]
fn the_cache_of_the_recognizer_is_still_known_by_its_old_name() {
    let folder = Folder::new();
    let report = example("report.pdf").display().to_string();
    let named =
        |ran: super::support::Ran| assert!(ran.expect(2).stderr.contains("--kv-cache belongs to"));
    named(folder.run(&[&report, "-o", "out", "--memory", "1G"]));
    named(folder.run_with(&[&report, "-o", "out"], &[("DOCPARSE_MEMORY", "1G")], ""));
    named(folder.run_with(&[&report, "-o", "out"], &[("DOCPARSE_KV_CACHE", "1G")], ""));
}

#[test]
fn a_picture_that_there_is_no_memory_for_fails_its_page() {
    // The head of a progressive JPEG: 20000 x 20000 pixels, three components, then the first scan. The library draws nothing of
    // one that it has no memory for, as if the page were blank.
    let mut jpeg = vec![0xff, 0xd8];
    jpeg.extend([
        0xff, 0xc2, 0, 17, 8, 0x4e, 0x20, 0x4e, 0x20, 3, 1, 0x11, 0, 2, 0x11, 0, 3, 0x11, 0,
    ]);
    jpeg.extend([0xff, 0xda, 0, 12, 3, 1, 0, 2, 0, 3, 0, 0, 0, 0]);
    let hex: String = jpeg
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect::<String>()
        + ">";
    let drawn = "q 400 0 0 400 0 0 cm /I Do Q";
    let page = |contents: usize| {
        format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 400 400] /Contents {contents} 0 R \
             /Resources << /XObject << /I 5 0 R /X 6 0 R >> >> >>"
        )
    };
    let folder = Folder::new();
    let file = assemble(&[
        "<< /Type /Catalog /Pages 2 0 R >>".to_string(),
        "<< /Type /Pages /Count 2 /Kids [3 0 R 7 0 R] >>".to_string(),
        page(4),
        format!("<< /Length {} >>\nstream\n{drawn}\nendstream", drawn.len()),
        format!(
            "<< /Type /XObject /Subtype /Image /Width 20000 /Height 20000 /BitsPerComponent 8 \
             /ColorSpace /DeviceRGB /Filter [/ASCIIHexDecode /DCTDecode] /Length {} >>\nstream\n{hex}\nendstream",
            hex.len()
        ),
        format!(
            "<< /Type /XObject /Subtype /Form /BBox [0 0 400 400] /Resources << /XObject << /I 5 0 R >> >> \
             /Length {} >>\nstream\n{drawn}\nendstream",
            drawn.len()
        ),
        page(8),
        "<< /Length 5 >>\nstream\n/X Do\nendstream".to_string(),
    ]);
    folder.write("large.pdf", file);
    let ran = folder
        .run(&["large.pdf", "-o", "out", "--formats", "json"])
        .expect(3);
    assert!(
        ran.stderr.contains("pages 1-2: it needs more memory"),
        "{}",
        ran.stderr
    );
}
