//! A line recognizer that somebody gives: a folder with a PP-OCR recognizer in ONNX and its dictionary.
//!
//! The model is the only file that ends in `.onnx`. The dictionary is in the model's metadata (`character`, as rapidocr has
//! it), in `inference.yml` (`PostProcess.character_dict`, as PaddleX has it), or in a text file with one entry in
//! each line whose name contains `dict` or `keys`. Sizes are limited, and only regular files are opened.

use super::dictionary;
use super::read::LineRecognizer;
use crate::fault::{Fault, Reason};
use crate::onnx::{Runtime, TensorModel};
use crate::shown;
use std::fs::{File, OpenOptions};
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

/// Limit of a model file; the largest recognizer of PP-OCRv5 (server) has 81 MB.
const MOST_MODEL: u64 = 512 << 20;
/// Limit of a dictionary; that of 18,708 entries has 75 KB, its `inference.yml` 150.
const MOST_DICTIONARY: u64 = 8 << 20;
/// Limit of entries of the folder.
const MOST_FILES: usize = 10_000;
/// Size of the trial input: two lines.
const TRIAL: [usize; 4] = [2, 3, 48, 480];
/// By how much the probabilities of a step may miss a sum of 1.
const SUM_TOLERANCE: f32 = 0.02;

/// What is in such a folder.
struct Found {
    model: PathBuf,
    bytes: Vec<u8>,
    /// The entries of a file; `None`: they can only be in the metadata.
    entries: Option<Vec<String>>,
}

fn fault(folder: &Path, what: impl std::fmt::Display) -> Fault {
    let folder = shown::name(folder);
    Fault::new(
        Reason::Model,
        format!("the folder `{folder}` of a line recognizer cannot be used: {what}"),
    )
}

/// Looks whether a folder has the files of a recognizer. Whether they fit together is seen when it is loaded.
pub(crate) fn check(folder: &Path) -> Result<(), Fault> {
    find(folder).map(|_| ())
}

fn find(folder: &Path) -> Result<Found, Fault> {
    let wrong = |what: String| fault(folder, what);
    let listed = std::fs::read_dir(folder).map_err(|error| wrong(error.to_string()))?;
    let mut names: Vec<PathBuf> = Vec::new();
    for entry in listed {
        names.push(
            entry
                .map_err(|error| wrong(error.to_string()))?
                .file_name()
                .into(),
        );
        if names.len() > MOST_FILES {
            return Err(wrong(format!("it has more than {MOST_FILES} files")));
        }
    }
    names.sort();
    let ends_with = |name: &Path, end: &str| {
        name.extension()
            .is_some_and(|e| e.eq_ignore_ascii_case(end))
    };
    let models: Vec<&PathBuf> = names
        .iter()
        .filter(|name| ends_with(name, "onnx"))
        .collect();
    let model = match models[..] {
        [model] => folder.join(model),
        [] => {
            let paddle = names
                .iter()
                .any(|n| ends_with(n, "pdiparams") || ends_with(n, "safetensors"));
            return Err(wrong(match paddle {
                true => "it has a model of Paddle, not one in ONNX; take the ONNX file that its publisher offers, or convert it with paddle2onnx".into(),
                false => "there is no file that ends in .onnx".into(),
            }));
        }
        _ => {
            return Err(wrong(format!(
                "it has {} files that end in .onnx; leave one there",
                models.len()
            )));
        }
    };
    let bytes = read(&model, MOST_MODEL).map_err(|error| wrong(error.to_string()))?;
    let entries = entries(folder, &names)?;
    Ok(Found {
        model,
        bytes,
        entries,
    })
}

/// Entries of the dictionary file; `None` if there is no such file.
fn entries(folder: &Path, names: &[PathBuf]) -> Result<Option<Vec<String>>, Fault> {
    let text = |name: &Path| -> Result<String, Fault> {
        let of_file = |what: String| fault(folder, format!("`{}`: {what}", shown::name(name)));
        let bytes =
            read(&folder.join(name), MOST_DICTIONARY).map_err(|e| of_file(e.to_string()))?;
        String::from_utf8(bytes).map_err(|_| of_file("it is not in UTF-8".into()))
    };
    if let Some(name) = names
        .iter()
        .find(|name| name.as_os_str() == "inference.yml")
        && let Some(entries) = dictionary::of_inference_yml(&text(name)?)
    {
        return Ok(Some(entries));
    }
    let is_dictionary = |name: &&PathBuf| {
        let name = name.to_string_lossy().to_lowercase();
        name.ends_with(".txt") && (name.contains("dict") || name.contains("keys"))
    };
    let files: Vec<&PathBuf> = names.iter().filter(is_dictionary).collect();
    match files[..] {
        [] => Ok(None),
        [name] => Ok(Some(dictionary::of_lines(&text(name)?))),
        _ => {
            let what = format!(
                "it has {} text files that may be its dictionary; leave one there",
                files.len()
            );
            Err(fault(folder, what))
        }
    }
}

/// A regular file of at most `most` bytes. A named pipe is not waited for.
fn read(path: &Path, most: u64) -> std::io::Result<Vec<u8>> {
    let file: File = OpenOptions::new()
        .read(true)
        .custom_flags(libc::O_NONBLOCK)
        .open(path)?;
    if !file.metadata()?.is_file() {
        return Err(std::io::Error::other(format!(
            "`{}` is no regular file",
            shown::name(path)
        )));
    }
    let mut bytes = Vec::new();
    file.take(most + 1).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > most {
        let message = format!("`{}` is larger than {} MB", shown::name(path), most >> 20);
        return Err(std::io::Error::other(message));
    }
    Ok(bytes)
}

/// Loads the recognizer of a folder and reads two empty lines with it. `batch` and `most_columns` as for the embedded one.
///
/// Fails if a file is missing or too large, and if the model is no recognizer: it takes `[lines, 3, 48, width]` and gives
/// `[lines, steps, classes]`, probabilities of the dictionary's entries, the blank, and perhaps the space.
pub(super) fn load(
    folder: &Path,
    runtime: &Runtime,
    batch: usize,
    most_columns: usize,
) -> Result<LineRecognizer, Fault> {
    let found = find(folder)?;
    let wrong = |what: String| fault(folder, what);
    let mut model = runtime
        .given_model(&found.model, &found.bytes)
        .map_err(|error| wrong(error.to_string()))?;
    drop(found.bytes);
    check_input(&model).map_err(wrong)?;
    let classes = try_out(&mut model).map_err(wrong)?;
    let in_metadata = || Some(dictionary::of_lines(&model.metadata("character")?));
    let entries = found.entries.or_else(in_metadata).ok_or_else(|| {
        wrong("there is no dictionary: put its `inference.yml`, or a text file with `dict` in its name and one character in each line, beside the model".into())
    })?;
    let alphabet = dictionary::alphabet(entries, classes).map_err(wrong)?;
    Ok(LineRecognizer::with_alphabet(
        model,
        alphabet,
        batch,
        most_columns,
    ))
}

/// Checks what the model says of its input.
fn check_input(model: &TensorModel) -> Result<(), String> {
    let (inputs, _) = model.ports();
    let shape = inputs.first().map_or(&[][..], |port| &port.shape[..]);
    let shown = |shape: &[i64]| {
        let dims = shape
            .iter()
            .map(|d| if *d < 0 { "?".into() } else { d.to_string() });
        dims.collect::<Vec<String>>().join("x")
    };
    let fits = |dim: i64, wanted: i64| dim < 0 || dim == wanted;
    match *shape {
        [lines, channels, height, width]
            if lines < 0
                && fits(channels, 3)
                && fits(height, 48)
                && width < 0
                && inputs.len() == 1 =>
        {
            Ok(())
        }
        _ => Err(format!(
            "the model takes {} input(s), the first of {}; a recognizer takes one of ?x3x48x?, any number of lines of any width, \
             48 pixels high (PP-OCRv3 and later)",
            inputs.len(),
            shown(shape)
        )),
    }
}

/// Runs the model on two white lines; its number of classes.
fn try_out(model: &mut TensorModel) -> Result<usize, String> {
    let data = vec![1.0; TRIAL.iter().product()];
    let tried = model.run(&TRIAL, data, |shape, output| {
        let &[lines, steps, classes] = shape else {
            return Err(format!("its output has {} dimensions, not 3 (lines, steps, classes)", shape.len()));
        };
        if lines != TRIAL[0] || steps == 0 || steps > TRIAL[3] || classes < 2 {
            return Err(format!("for two lines its output is {lines}x{steps}x{classes}, not lines, steps and classes"));
        }
        let is_spread = |step: &[f32]| {
            step.iter().all(|p| *p >= 0.0) && (step.iter().sum::<f32>() - 1.0).abs() < SUM_TOLERANCE
        };
        match output.chunks_exact(classes).all(is_spread) {
            true => Ok(classes),
            false => Err("its outputs are no probabilities of classes; export it with the softmax at its end".into()),
        }
    });
    tried.map_err(|error| error.to_string())?
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(prepare: impl Fn(&Path)) -> String {
        let folder = tempfile::tempdir().unwrap();
        prepare(folder.path());
        check(folder.path()).unwrap_err().message
    }

    #[test]
    fn what_is_wrong_with_a_folder_is_said() {
        let put = |folder: &Path, name: &str| std::fs::write(folder.join(name), "x").unwrap();
        assert!(told(|_| {}).contains("no file that ends in .onnx"));
        assert!(told(|f| put(f, "inference.pdiparams")).contains("model of Paddle"));
        let two = told(|f| ["a.onnx", "b.onnx"].iter().for_each(|name| put(f, name)));
        assert!(two.contains("2 files that end in .onnx"), "{two}");
        let two = told(|f| {
            ["a.onnx", "dict.txt", "keys.txt"]
                .iter()
                .for_each(|name| put(f, name))
        });
        assert!(two.contains("2 text files"), "{two}");
        assert!(check(Path::new("/nowhere/at/all")).is_err());
    }

    #[test]
    fn only_regular_files_of_moderate_size_are_read() {
        let pipe = told(|folder| {
            let path = std::ffi::CString::new(folder.join("a.onnx").to_str().unwrap()).unwrap();
            // SAFETY: the path is a string that ends in zero.
            assert_eq!(unsafe { libc::mkfifo(path.as_ptr(), 0o600) }, 0);
        });
        assert!(pipe.contains("no regular file"), "{pipe}");
        let large = told(|folder| {
            std::fs::write(folder.join("a.onnx"), "x").unwrap();
            let file = File::create(folder.join("dict.txt")).unwrap();
            file.set_len(1 << 30).unwrap();
        });
        assert!(large.contains("larger than 8 MB"), "{large}");
    }
}
