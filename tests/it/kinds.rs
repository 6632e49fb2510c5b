//! Kinds of pictures, read by the real networks: `tests/fixtures/kinds` holds one picture in many of them.

use super::support::{Folder, contents, root};
use std::path::{Path, PathBuf};

/// The lines on the picture, without blanks.
const LINES: [&str; 3] = ["Parcel48weighs7.20", "Secondlineofgoods", "Thirdline,1990"];

fn kinds() -> PathBuf {
    root().join("tests/fixtures/kinds")
}

/// Copies a picture into the folder of a test.
fn copy(folder: &Folder, name: &str) {
    let bytes = std::fs::read(kinds().join(name)).unwrap();
    folder.write(&format!("in/{name}"), bytes);
}

/// What is read of a page, without blanks.
fn text(page: &serde_json::Value) -> String {
    let text = contents(page).concat();
    text.split_whitespace().collect()
}

/// Codes of the messages about a page.
fn codes(page: &serde_json::Value) -> Vec<String> {
    let messages = page["diagnostics"]["messages"].as_array();
    let codes = messages.into_iter().flatten().map(|told| &told["code"]);
    codes.map(|code| code.as_str().unwrap().into()).collect()
}

const OUT: [&str; 4] = ["--save-path", "out", "--formats", "json"];

fn json_name(name: &str) -> String {
    let stem = Path::new(name).file_stem().unwrap().to_str().unwrap();
    format!("out/{stem}.json")
}

#[test]
fn every_kind_is_read() {
    let names = [
        "float_lzma.tif",
        "gray16.tif",
        "group3.tif",
        "group3_2d.tif",
        "huffman.tif",
        "inks.tif",
        "lab.tif",
        "palette.tif",
        "planes_zstd.tif",
        "ycbcr_jpeg.tif",
        "photo.jp2",
        "transparent.png",
    ];
    let folder = Folder::new();
    names.iter().for_each(|name| copy(&folder, name));
    folder.run(&[&["-i", "in"][..], &OUT].concat()).expect(0);
    for name in names {
        let document = folder.json(&json_name(name));
        let page = &document["pages"][0];
        let read = text(page);
        for line in LINES {
            assert!(read.contains(line), "{name}: {read}");
        }
        assert_eq!(codes(page), [""; 0], "{name}");
    }
}

#[test]
fn pictures_of_phones_and_bare_codestreams_are_read() {
    for name in ["photo.heic", "photo.j2k", "inks.jpg"] {
        let folder = Folder::new();
        copy(&folder, name);
        let input = format!("in/{name}");
        folder.run(&[&["-i", &input][..], &OUT].concat()).expect(0);
        let read = text(&folder.json(&json_name(name))["pages"][0]);
        for line in LINES {
            assert!(read.contains(line), "{name}: {read}");
        }
    }
}

#[test]
fn rows_before_a_cut_are_read_and_the_others_told() {
    for (name, missing) in [("cut.png", 36), ("cut.jpg", 48), ("cut.tif", 38)] {
        let folder = Folder::new();
        copy(&folder, name);
        let input = format!("in/{name}");
        let ran = folder.run(&[&["-i", &input][..], &OUT].concat()).expect(0);
        let document = folder.json(&json_name(name));
        let page = &document["pages"][0];
        let read = text(page);
        assert!(
            read.contains(LINES[0]) && !read.contains(LINES[2]),
            "{name}: {read}"
        );
        assert_eq!(codes(page), ["picture_cut"], "{name}");
        let told = format!("rows of pixels that are missing: {missing}");
        let message = &page["diagnostics"]["messages"][0]["message"];
        assert!(message.as_str().unwrap().contains(&told), "{message}");
        assert_eq!(page["height"], 160, "{name}");
        assert!(!ran.stderr.contains("error:"), "{}", ran.stderr);
    }
}

#[test]
fn frames_of_animations_are_pages_if_asked_for() {
    for name in ["frames.gif", "frames.png", "frames.webp"] {
        let folder = Folder::new();
        copy(&folder, name);
        let input = format!("in/{name}");
        let first = [&["-i", &input][..], &OUT].concat();
        let read = |options: &[&str]| {
            folder.run(&[&first[..], options].concat()).expect(0);
            let document = folder.json(&json_name(name));
            let pages = document["pages"].as_array().unwrap();
            pages.iter().map(text).collect::<Vec<_>>()
        };
        assert_eq!(read(&[]), LINES[..1], "{name}");
        assert_eq!(read(&["--animation-frames", "all"]), LINES, "{name}");
    }
}

#[test]
fn of_a_cut_animation_the_frames_before_the_cut_are_pages() {
    let folder = Folder::new();
    let bytes = std::fs::read(kinds().join("frames.gif")).unwrap();
    folder.write("in/frames.gif", &bytes[..bytes.len() - 40]);
    let all = ["-i", "in/frames.gif", "--animation-frames", "all"];
    let ran = folder.run(&[&all[..], &OUT].concat()).expect(3);
    assert!(
        ran.stderr.contains("the GIF picture is damaged or cut off"),
        "{}",
        ran.stderr
    );
    let document = folder.json("out/frames.json");
    let pages = document["pages"].as_array().unwrap();
    let read: Vec<String> = pages.iter().map(text).collect();
    assert_eq!(read, [LINES[0], LINES[1], ""]);
}

#[test]
fn a_picture_without_pixels_is_damaged() {
    let folder = Folder::new();
    let mut bytes = std::fs::read(kinds().join("frames.gif")).unwrap();
    bytes[6..10].fill(0); // width and height of the canvas
    folder.write("in/empty.gif", bytes);
    for (frames, code) in [("first", 3), ("all", 1)] {
        let given = ["-i", "in/empty.gif", "--animation-frames", frames];
        let ran = folder.run(&[&given[..], &OUT].concat()).expect(code);
        assert!(
            ran.stderr.contains("a width or a height of 0 pixels"),
            "{}",
            ran.stderr
        );
    }
}

#[test]
fn kinds_that_are_not_read_name_a_converter() {
    let folder = Folder::new();
    copy(&folder, "photo.avif");
    let ran = folder
        .run(&[&["-i", "in/photo.avif"][..], &OUT].concat())
        .expect(1);
    for part in [
        "the AVIF picture is not read",
        "need not be damaged",
        "heif-convert",
    ] {
        assert!(ran.stderr.contains(part), "{}", ran.stderr);
    }
}

#[test]
fn with_compat_transparency_is_dropped() {
    let folder = Folder::new();
    copy(&folder, "transparent.png");
    let all = ["-i", "in/transparent.png", "--save-path", "out", "--compat"];
    folder.run(&all).expect(0);
    let result = folder.json("out/transparent_res.json");
    assert!(!result.to_string().contains("Parcel"), "{result}");
}
