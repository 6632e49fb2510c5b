//! Running the real program in a folder of its own.

use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::LazyLock;

/// The checkout.
pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Names of the PDFs in a folder, without `.pdf`, sorted.
pub fn pdf_names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let pdfs = paths.filter(|path| path.extension().is_some_and(|e| e == "pdf"));
    let mut names: Vec<String> = pdfs
        .map(|path| path.file_stem().unwrap().to_str().unwrap().to_string())
        .collect();
    names.sort();
    names
}

/// A document of `examples/documents`.
pub fn example(name: &str) -> PathBuf {
    root().join("examples/documents").join(name)
}

/// What a run left behind.
pub struct Ran {
    pub code: i32,
    pub stdout: String,
    pub stderr: String,
}

/// A folder for one test.
pub struct Folder(tempfile::TempDir);

/// Settings with which results do not depend on what the machine's processor has.
pub const SAME_EVERYWHERE: [(&str, &str); 1] = [("DOCPARSE_REC_PRECISION", "f32")];

impl Folder {
    pub fn new() -> Self {
        let libraries = root().join("runtime/stamp");
        assert!(
            libraries.exists(),
            "run scripts/setup.sh first: {} is missing",
            libraries.display()
        );
        Self(tempfile::tempdir().expect("the system has a temporary folder"))
    }

    pub fn path(&self) -> &Path {
        self.0.path()
    }

    pub fn write(&self, name: &str, bytes: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, bytes).unwrap();
        path
    }

    /// Runs the program with this folder as the working directory and no settings from the environment.
    pub fn run<S: AsRef<std::ffi::OsStr>>(&self, arguments: &[S]) -> Ran {
        self.run_with(arguments, &[], "")
    }

    pub fn run_with<S: AsRef<std::ffi::OsStr>>(
        &self,
        arguments: &[S],
        environment: &[(&str, &str)],
        stdin: &str,
    ) -> Ran {
        use std::io::Write;
        let mut command = Command::new(env!("CARGO_BIN_EXE_docparse"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("DOCPARSE_")) {
            command.env_remove(name);
        }
        // Nor any models of whoever runs the tests.
        for name in [
            "XDG_DATA_HOME",
            "HF_HOME",
            "HF_HUB_CACHE",
            "HF_ENDPOINT",
            "PADDLE_PDX_CACHE_HOME",
            "PADDLEX_HOME",
        ] {
            command.env_remove(name);
        }
        // Servers of the tests are on this machine.
        for name in [
            "http_proxy",
            "https_proxy",
            "all_proxy",
            "HTTP_PROXY",
            "HTTPS_PROXY",
            "ALL_PROXY",
        ] {
            command.env_remove(name);
        }
        command.envs(SAME_EVERYWHERE);
        command.env("HOME", self.path());
        let mut child = command
            .args(arguments)
            .envs(environment.iter().copied())
            .current_dir(self.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let _ = child.stdin.take().unwrap().write_all(stdin.as_bytes());
        let output = child.wait_with_output().unwrap();
        Ran {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }

    /// All files below a folder of this one but docparse's own record, with `/`, sorted.
    pub fn tree(&self, below: &str) -> Vec<String> {
        let mut files = Vec::new();
        let mut folders = vec![self.path().join(below)];
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
                let path = entry.path();
                if path.is_dir() {
                    if path.file_name() != Some(".docparse".as_ref()) {
                        folders.push(path);
                    }
                } else {
                    let relative = path.strip_prefix(self.path().join(below)).unwrap();
                    files.push(relative.display().to_string());
                }
            }
        }
        files.sort();
        files
    }

    pub fn json(&self, name: &str) -> Value {
        let path = self.path().join(name);
        let text =
            std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let value: Value = serde_json::from_str(&text).unwrap();
        // A result of ours: those of the reference and reports lack one of the keys.
        if value.get("docparse").is_some() && value.get("pages").is_some() {
            assert_is_described(&value, &path);
        }
        value
    }

    pub fn text(&self, name: &str) -> String {
        std::fs::read_to_string(self.path().join(name)).unwrap()
    }
}

/// Fails unless `docs/output.schema.json` describes all of a result: every key that stands there, too.
fn assert_is_described(value: &Value, path: &Path) {
    static VALIDATOR: LazyLock<jsonschema::Validator> = LazyLock::new(|| {
        let text = std::fs::read_to_string(root().join("docs/output.schema.json")).unwrap();
        let mut schema: Value = serde_json::from_str(&text).unwrap();
        forbid_other_keys(&mut schema);
        jsonschema::validator_for(&schema).unwrap()
    });
    let errors: Vec<String> = VALIDATOR
        .iter_errors(value)
        .take(5)
        .map(|error| format!("{}: {error}", error.instance_path()))
        .collect();
    assert!(errors.is_empty(), "{}: {errors:#?}", path.display());
}

/// The schema leaves keys of later versions open; a test must not.
fn forbid_other_keys(schema: &mut Value) {
    // Keys of a type that is described in two parts can be counted by the whole only.
    let mut parts = BTreeSet::new();
    visit(schema, &mut |map| {
        if let (Some(Value::String(part)), true) = (map.get("$ref"), map.contains_key("properties"))
        {
            parts.insert(part.trim_start_matches("#/$defs/").to_string());
            map.insert("unevaluatedProperties".into(), false.into());
        }
    });
    let Value::Object(root) = schema else {
        panic!("no schema")
    };
    let Some(Value::Object(mut types)) = root.remove("$defs") else {
        panic!("no types")
    };
    let close = &mut |map: &mut Map<String, Value>| {
        if map.get("properties").is_some_and(Value::is_object) && !map.contains_key("$ref") {
            map.insert("additionalProperties".into(), false.into());
        }
    };
    for (_, described) in types.iter_mut().filter(|(name, _)| !parts.contains(*name)) {
        visit(described, close);
    }
    visit(schema, close);
    schema["$defs"] = Value::Object(types);
}

/// Shows all objects of a JSON value to `work`.
fn visit(value: &mut Value, work: &mut impl FnMut(&mut Map<String, Value>)) {
    match value {
        Value::Object(map) => {
            work(map);
            map.values_mut().for_each(|value| visit(value, work));
        }
        Value::Array(values) => values.iter_mut().for_each(|value| visit(value, work)),
        _ => {}
    }
}

impl Ran {
    #[track_caller]
    pub fn expect(self, code: i32) -> Self {
        assert_eq!(
            self.code, code,
            "stdout:\n{}\nstderr:\n{}",
            self.stdout, self.stderr
        );
        self
    }
}

/// The blocks of a page with a label, as `(content, bbox)`.
pub fn blocks_with(page: &Value, label: &str) -> Vec<(String, [i64; 4])> {
    let list = page["parsing_res_list"].as_array().unwrap();
    let found = list.iter().filter(|b| b["block_label"] == label);
    found
        .map(|b| {
            let bbox = b["block_bbox"].as_array().unwrap();
            let number = |i: usize| bbox[i].as_i64().unwrap();
            (
                b["block_content"].as_str().unwrap().to_string(),
                [number(0), number(1), number(2), number(3)],
            )
        })
        .collect()
}

/// All contents of a page in reading order.
pub fn contents(page: &Value) -> Vec<String> {
    page["parsing_res_list"]
        .as_array()
        .unwrap()
        .iter()
        .map(|b| b["block_content"].as_str().unwrap().to_string())
        .collect()
}

/// A PDF of one page of `width` x `height` points with the content stream `content` and Helvetica as `/F`.
pub fn tiny_pdf(width: f32, height: f32, content: &str) -> Vec<u8> {
    let objects = [
        "<< /Type /Catalog /Pages 2 0 R >>".to_string(),
        "<< /Type /Pages /Kids [3 0 R] /Count 1 >>".to_string(),
        format!(
            "<< /Type /Page /Parent 2 0 R /MediaBox [0 0 {width} {height}] /Contents 4 0 R \
             /Resources << /Font << /F 5 0 R >> >> >>"
        ),
        format!(
            "<< /Length {} >>\nstream\n{content}\nendstream",
            content.len()
        ),
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>".to_string(),
    ];
    assemble(&objects)
}

/// A PDF file of these objects, the first being the catalog.
pub fn assemble(objects: &[String]) -> Vec<u8> {
    let mut file = b"%PDF-1.4\n".to_vec();
    let mut offsets = Vec::new();
    for (i, object) in objects.iter().enumerate() {
        offsets.push(file.len());
        file.extend(format!("{} 0 obj\n{object}\nendobj\n", i + 1).bytes());
    }
    let start = file.len();
    file.extend(format!("xref\n0 {}\n0000000000 65535 f \n", objects.len() + 1).bytes());
    for offset in offsets {
        file.extend(format!("{offset:010} 00000 n \n").bytes());
    }
    file.extend(
        format!(
            "trailer\n<< /Size {} /Root 1 0 R >>\nstartxref\n{start}\n%%EOF\n",
            objects.len() + 1
        )
        .bytes(),
    );
    file
}
