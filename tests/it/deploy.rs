//! What `deploy` has: files that parse, and in them the ports, paths and numbers of the services that are replaced.
//! Whether images work is tested by `scripts/image.sh` and `scripts/image_offline.sh`.

use super::support::root;
use saphyr::{LoadableYamlNode, Scalar, Yaml};
use serde_json::{Map, Value, json};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Files below a folder, all of them.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => found.push(path),
        }
    }
    found.sort();
    found
}

/// All that this is about: the folder, and the scripts that make images.
fn all_files() -> Vec<PathBuf> {
    let mut found = files(&root().join("deploy"));
    let scripts = files(&root().join("scripts"));
    let of_images = |path: &PathBuf| path.to_string_lossy().contains("/image");
    found.extend(scripts.into_iter().filter(of_images));
    assert!(found.len() > 20);
    found
}

fn read(path: &str) -> String {
    std::fs::read_to_string(root().join(path)).unwrap()
}

/// A YAML value as JSON, in which places have addresses.
fn plain(node: &Yaml) -> Value {
    match node {
        Yaml::Value(Scalar::Null) => Value::Null,
        Yaml::Value(Scalar::Boolean(value)) => json!(value),
        Yaml::Value(Scalar::Integer(value)) => json!(value),
        Yaml::Value(Scalar::FloatingPoint(value)) => json!(value.into_inner()),
        Yaml::Value(Scalar::String(value)) => json!(value),
        Yaml::Sequence(values) => values.iter().map(plain).collect(),
        Yaml::Mapping(entries) => {
            let entry = |(key, value): (&Yaml, &Yaml)| {
                let key = key.as_str().expect("keys are strings");
                (key.to_string(), plain(value))
            };
            Value::Object(entries.iter().map(entry).collect::<Map<_, _>>())
        }
        other => panic!("{other:?}"),
    }
}

/// The documents of a YAML file below `deploy`.
fn yaml(name: &str) -> Vec<Value> {
    let text = read(&format!("deploy/{name}"));
    let documents = Yaml::load_from_str(&text).unwrap_or_else(|e| panic!("{name}: {e}"));
    documents.iter().map(plain).collect()
}

fn at<'a>(value: &'a Value, place: &str) -> &'a Value {
    value
        .pointer(place)
        .unwrap_or_else(|| panic!("{place} is missing in {value:#}"))
}

/// The check of a container's health, with the numbers that all services have.
fn health() -> Value {
    json!({
        "test": ["CMD", "/usr/bin/docparse", "serve", "--check-health"],
        "interval": "30s", "timeout": "10s", "retries": 3, "start_period": "60s",
    })
}

fn gpu() -> Value {
    json!([{"driver": "nvidia", "count": 1, "capabilities": ["gpu"]}])
}

#[test]
fn all_yaml_files_parse() {
    let mut count = 0;
    for path in all_files() {
        if path.extension().is_some_and(|e| e == "yaml") {
            let name = path.strip_prefix(root().join("deploy")).unwrap();
            assert!(!yaml(name.to_str().unwrap()).is_empty(), "{name:?}");
            count += 1;
        }
    }
    assert!(count > 12);
}

#[test]
fn scripts_parse_and_say_what_they_do() {
    for path in all_files() {
        let text = std::fs::read_to_string(&path).unwrap();
        let shown = path.display();
        let opens = text.starts_with('#') || text.starts_with("ARG");
        assert!(opens, "{shown} begins without a word about itself");
        let command = match path.extension().and_then(|e| e.to_str()) {
            Some("sh") => ("bash", vec!["-n".to_string()]),
            Some("py") => {
                let check = "import ast, sys; ast.parse(open(sys.argv[1]).read())";
                ("python3", vec!["-c".to_string(), check.to_string()])
            }
            _ => continue,
        };
        let ran = Command::new(command.0)
            .args(command.1)
            .arg(&path)
            .output()
            .unwrap();
        assert!(
            ran.status.success(),
            "{shown}: {}",
            String::from_utf8_lossy(&ran.stderr)
        );
        let mode = path.metadata().unwrap().permissions().mode();
        assert!(mode & 0o111 != 0, "{shown} cannot be run");
    }
}

/// Mirrors and registries are the business of whoever builds; only hosts of the examples are named.
#[test]
fn no_host_is_named() {
    const OUR_OWN: &[&str] = &["127.0.0.1", "localhost", "vllm:8118", "docparse", "[^"];
    for path in all_files() {
        let text = std::fs::read_to_string(&path).unwrap();
        for (place, _) in text.match_indices("://") {
            let host = &text[place + 3..];
            assert!(
                OUR_OWN.iter().any(|own| host.starts_with(own)),
                "{}: {}",
                path.display(),
                host.lines().next().unwrap_or_default()
            );
        }
    }
}

#[test]
fn images_have_the_version_of_the_program() {
    let version = env!("CARGO_PKG_VERSION");
    for path in all_files() {
        let text = std::fs::read_to_string(&path).unwrap();
        for mark in [
            "docparse:",
            "newTag: ",
            "VERSION=",
            "docparse-0",
            "app.kubernetes.io/version: \"",
        ] {
            for (place, _) in text.match_indices(mark) {
                let rest = &text[place + mark.trim_end_matches('0').len()..];
                if rest.starts_with(|c: char| c.is_ascii_digit()) {
                    assert!(rest.starts_with(version), "{}: {mark}", path.display());
                }
            }
        }
    }
}

/// Both files, and the image that is made without Docker, say the same.
#[test]
fn dockerfiles_agree_with_the_script() {
    let script = read("scripts/image.sh");
    for name in ["deploy/Dockerfile", "deploy/Dockerfile.cuda13"] {
        let text = read(name);
        for line in [
            "ARG BASE=scratch",
            "USER 65532:65532",
            "WORKDIR /app",
            "EXPOSE 8080 8081 20000",
            "STOPSIGNAL SIGTERM",
            "HEALTHCHECK --interval=30s --timeout=10s --start-period=60s --retries=3 \\",
            "    CMD [\"/usr/bin/docparse\", \"serve\", \"--check-health\"]",
            "ENTRYPOINT [\"/usr/bin/docparse\"]",
            "CMD [\"serve\"]",
            "FROM common AS offline",
        ] {
            assert!(text.lines().any(|l| l == line), "{name}: {line}");
        }
        // Without the GPU's, which come in an instruction of their own.
        let environment = text
            .split("\nENV PATH=")
            .nth(1)
            .unwrap()
            .lines()
            .take_while(|line| line.starts_with(' ') || line.starts_with('/'));
        for line in environment {
            let line = line.trim().trim_end_matches(" \\");
            let (variable, value) = line.split_once('=').unwrap_or(("PATH", line));
            let same = format!("\"{variable}\": \"{value}\"");
            assert!(script.contains(&same), "{name}: {same}");
        }
        for line in text.lines().filter(|line| line.starts_with("ARG ")) {
            let is_secret = ["TOKEN", "PASSWORD", "SECRET", "KEY", "AUTH"];
            assert!(!is_secret.iter().any(|word| line.contains(word)), "{line}");
            // Mirrors have no default.
            let is_mirror = ["MIRROR", "INDEX", "ENDPOINT"];
            let has_default = line.contains('=');
            assert!(!(has_default && is_mirror.iter().any(|word| line.contains(word))));
        }
    }
}

#[test]
fn wheels_are_pinned_by_hash() {
    let text = read("scripts/setup.sh");
    let pins: Vec<_> = text
        .lines()
        .map(|line| line.split_once("=\"").map_or(line, |(_, pin)| pin))
        .map(|line| line.trim().trim_matches('"'))
        .filter(|line| {
            line.split_once("==")
                .is_some_and(|(name, _)| !name.contains([' ', '$']))
        })
        .collect();
    for wheel in [
        "cublas",
        "cuda-nvrtc",
        "cuda-runtime",
        "cudnn-cu13",
        "curand",
    ] {
        let start = format!("nvidia-{wheel}==");
        assert!(pins.iter().any(|pin| pin.starts_with(&start)), "{start}");
    }
    assert!(pins.len() >= 9, "{pins:?}");
    for pin in pins {
        let hash = pin.split(' ').nth(1).unwrap();
        assert!(
            hash.len() == 64 && hash.chars().all(|c| c.is_ascii_hexdigit()),
            "{pin}"
        );
    }
}

#[test]
fn the_pp_ocr_service_is_as_it_was() {
    let compose = &yaml("compose/compose.ppocr.yaml")[0];
    let service = at(compose, "/services/paddleocr-api");
    assert_eq!(at(service, "/container_name"), "paddleocr-api");
    assert_eq!(at(service, "/ports"), &json!(["20000:20000"]));
    assert_eq!(at(service, "/restart"), "unless-stopped");
    let folders = [
        "./models:/app/models",
        "./cache:/app/cache",
        "./logs:/app/logs",
    ];
    assert_eq!(at(service, "/volumes"), &json!(folders));
    let variables = at(service, "/environment").as_array().unwrap();
    for variable in [
        "NVIDIA_VISIBLE_DEVICES=all",
        "NVIDIA_DRIVER_CAPABILITIES=compute,utility",
        "CUDA_VISIBLE_DEVICES=0",
        "PYTHONUNBUFFERED=1",
        "TZ=Asia/Shanghai",
        "PADDLE_OCR_MODEL_DIR=/app/models",
        "PADDLE_OCR_CACHE_DIR=/app/cache",
        "DOCPARSE_PORT=20000",
    ] {
        assert!(variables.contains(&json!(variable)), "{variable}");
    }
    assert_eq!(
        at(service, "/deploy/resources/reservations/devices"),
        &gpu()
    );
    assert_eq!(at(service, "/healthcheck"), &health());
    let logging = json!({"driver": "json-file", "options": {"max-size": "10m", "max-file": "3"}});
    assert_eq!(at(service, "/logging"), &logging);
    for volume in ["models", "cache", "logs"] {
        assert_eq!(at(compose, &format!("/volumes/{volume}/driver")), "local");
    }
}

#[test]
fn paddleocr_vl_services_are_at_their_port() {
    for (name, service) in [
        ("compose.paddleocr-vl.yaml", "paddleocr-vl"),
        ("compose.paddleocr-vl-offline.yaml", "paddleocr-vl"),
        ("compose.vllm.yaml", "docparse"),
    ] {
        let compose = &yaml(&format!("compose/{name}"))[0];
        let service = at(compose, &format!("/services/{service}"));
        assert_eq!(at(service, "/ports"), &json!(["8081:8081"]), "{name}");
        assert_eq!(at(service, "/environment/DOCPARSE_PORT"), "8081");
        assert_eq!(at(service, "/healthcheck"), &health());
        assert_eq!(at(service, "/read_only"), true);
        assert_eq!(at(service, "/cap_drop"), &json!(["ALL"]));
    }
    let compose = &yaml("compose/compose.vllm.yaml")[0];
    let after = at(compose, "/services/docparse/depends_on/vllm/condition");
    assert_eq!(after, "service_healthy");
    let backend = at(
        compose,
        "/services/docparse/environment/DOCPARSE_VL_REC_BACKEND",
    );
    assert_eq!(backend, "vllm-server");
    let devices = at(
        compose,
        "/services/vllm/deploy/resources/reservations/devices",
    );
    assert_eq!(devices, &gpu());
    assert!(compose.pointer("/services/docparse/deploy").is_none());
}

#[test]
fn the_deployment_has_the_numbers_of_the_release_note() {
    let deployment = &yaml("kubernetes/base/deployment.yaml")[0];
    let pod = at(deployment, "/spec/template/spec");
    let container = at(pod, "/containers/0");
    for (place, number) in [
        ("/startupProbe/failureThreshold", 30),
        ("/startupProbe/periodSeconds", 10),
        ("/livenessProbe/initialDelaySeconds", 60),
        ("/readinessProbe/initialDelaySeconds", 30),
        ("/ports/0/containerPort", 8081),
        ("/resources/limits/nvidia.com~1gpu", 1),
    ] {
        assert_eq!(at(container, place), number, "{place}");
    }
    for (probe, path) in [
        ("startup", "/startupz"),
        ("liveness", "/livez"),
        ("readiness", "/readyz"),
    ] {
        let place = format!("/{probe}Probe/httpGet/path");
        assert_eq!(at(container, &place), path);
    }
    assert_eq!(at(container, "/resources/requests/memory"), "8Gi");
    assert_eq!(at(container, "/resources/limits/memory"), "16Gi");
    let variables = at(container, "/env").as_array().unwrap();
    let drain = variables
        .iter()
        .find(|variable| variable["name"] == "DOCPARSE_DRAIN_TIMEOUT")
        .and_then(|variable| variable["value"].as_str())
        .and_then(|value| value.parse::<i64>().ok())
        .unwrap();
    assert!(at(pod, "/terminationGracePeriodSeconds").as_i64().unwrap() > drain);
    let autoscaler = &yaml("kubernetes/base/autoscaler.yaml")[0];
    let metric = at(autoscaler, "/spec/metrics/0/pods/metric/name");
    assert_eq!(metric, "docparse_queue_oldest_seconds");
}

#[test]
fn pods_have_no_rights() {
    let files = [
        "kubernetes/base/deployment.yaml",
        "kubernetes/job.yaml",
        "kubernetes/online/patch-models.yaml",
    ];
    for name in files {
        let pod = &yaml(name)[0]["spec"]["template"]["spec"];
        if name != files[2] {
            assert_eq!(at(pod, "/automountServiceAccountToken"), false);
            assert_eq!(at(pod, "/securityContext/runAsNonRoot"), true);
            assert_eq!(at(pod, "/securityContext/runAsUser"), 65532);
            let seccomp = at(pod, "/securityContext/seccompProfile/type");
            assert_eq!(seccomp, "RuntimeDefault");
        }
        let of = if name == files[2] {
            "/initContainers/0"
        } else {
            "/containers/0"
        };
        let rights = at(pod, &format!("{of}/securityContext"));
        let none = json!({
            "allowPrivilegeEscalation": false, "readOnlyRootFilesystem": true, "capabilities": {"drop": ["ALL"]},
        });
        assert_eq!(rights, &none, "{name}");
    }
}

#[test]
fn the_batch_job_shares_its_inputs_by_index() {
    let job = &yaml("kubernetes/job.yaml")[0];
    assert_eq!(at(job, "/spec/completionMode"), "Indexed");
    let container = at(job, "/spec/template/spec/containers/0");
    let arguments = at(container, "/args").as_array().unwrap();
    assert!(arguments.contains(&json!("--files-from=/lists/$(SHARD)")));
    assert!(arguments.contains(&json!("--skip-existing")));
    let field = at(container, "/env/0/valueFrom/fieldRef/fieldPath");
    assert!(field.as_str().unwrap().contains("job-completion-index"));
}
