//! The model store, against hubs that behave or misbehave as they are told.

mod hub;

use super::http::{nobody, say};
use super::support::{Folder, Ran, example};
use hub::*;
use std::path::PathBuf;

/// The store of a test and what the program is told of it.
fn run(folder: &Folder, arguments: &[&str], more: &[(&str, &str)]) -> Ran {
    let home = folder.path().display().to_string();
    let mut environment = vec![
        ("HOME", home.as_str()),
        ("XDG_DATA_HOME", ""),
        ("HF_TOKEN", ""),
    ];
    environment.extend(more);
    folder.run_with(arguments, &environment, "")
}

fn stored(folder: &Folder, model: &str) -> PathBuf {
    folder
        .path()
        .join(".local/share/docparse/models")
        .join(model)
}

#[test]
fn a_model_is_fetched_checked_found_and_removed() {
    let (folder, hub) = (Folder::new(), Hub::start(small(), no_mischief()));
    let endpoint = [("HF_ENDPOINT", hub.url.as_str()), ("HF_TOKEN", "hf-secret")];
    let ran = run(&folder, &["models", "pull", "UVDoc"], &endpoint).expect(0);
    assert!(
        ran.stdout
            .contains("UVDoc: 2 files, 0.3 MB, at 0123456789ab"),
        "{}",
        ran.stdout
    );
    let place = stored(&folder, "UVDoc");
    assert_eq!(
        std::fs::read(place.join("model.safetensors")).unwrap(),
        small().into_values().next().unwrap()[2].1
    );
    assert!(!place.join("README.md").exists());
    let record = std::fs::read_to_string(place.join("docparse.json")).unwrap();
    assert!(
        record.contains(COMMIT) && record.contains("PaddlePaddle/UVDoc_safetensors"),
        "{record}"
    );
    // The token goes to the hub, and not to where it sends us.
    for request in hub.requests() {
        let expected = if request.path.starts_with("/elsewhere") {
            ""
        } else {
            "Bearer hf-secret"
        };
        assert_eq!(
            request.header("authorization"),
            expected,
            "{}",
            request.path
        );
    }
    // Again: only the list is asked for.
    let before = hub.requests().len();
    let again = run(&folder, &["models", "pull", "UVDoc"], &endpoint).expect(0);
    assert!(
        again.stdout.contains("up to date") && hub.requests().len() == before + 1,
        "{}",
        again.stdout
    );
    let path = run(&folder, &["models", "path", "UVDoc"], &[]).expect(0);
    assert_eq!(path.stdout.trim(), place.display().to_string());
    assert!(
        run(&folder, &["models", "list"], &[])
            .expect(0)
            .stdout
            .contains("(docparse at 0123456789ab)")
    );
    assert!(
        run(&folder, &["models", "verify"], &[])
            .expect(0)
            .stdout
            .contains("2 files are right")
    );
    // A flipped bit and a missing end are found.
    let mut bytes = std::fs::read(place.join("model.safetensors")).unwrap();
    bytes[1000] ^= 1;
    std::fs::write(place.join("model.safetensors"), &bytes).unwrap();
    assert!(
        run(&folder, &["models", "verify", "UVDoc"], &[])
            .expect(1)
            .stdout
            .contains("its SHA-256 is")
    );
    std::fs::write(place.join("model.safetensors"), &bytes[..99]).unwrap();
    assert!(
        run(&folder, &["models", "verify"], &[])
            .expect(1)
            .stdout
            .contains("99 bytes instead of 300000")
    );
    // What is damaged is fetched anew.
    run(&folder, &["models", "pull", "UVDoc"], &endpoint).expect(0);
    run(&folder, &["models", "verify"], &[]).expect(0);
    run(&folder, &["models", "remove", "UVDoc"], &[]).expect(0);
    assert!(!place.exists());
    let gone = run(&folder, &["models", "path", "UVDoc"], &[]).expect(1);
    assert!(
        gone.stderr
            .contains("docparse models pull UVDoc fetches it"),
        "{}",
        gone.stderr
    );
}

#[test]
fn other_hubs_and_folders_are_sources_too() {
    let (folder, hub) = (Folder::new(), Hub::start(small(), no_mischief()));
    let endpoint = [("MODELSCOPE_ENDPOINT", hub.url.as_str())];
    let pull = ["models", "pull", "UVDoc", "--source"];
    run(&folder, &[&pull[..], &["modelscope"]].concat(), &endpoint).expect(0);
    run(&folder, &["models", "verify"], &[]).expect(0);
    run(&folder, &[&pull[..], &[&hub.url]].concat(), &[]).expect(0);
    run(&folder, &["models", "verify"], &[]).expect(0);
    let ran = run(&folder, &[&pull[..], &["elsewhere"]].concat(), &[]).expect(2);
    assert!(
        ran.stderr
            .contains("neither huggingface, modelscope nor an address"),
        "{}",
        ran.stderr
    );
}

#[test]
fn what_breaks_off_goes_on_and_what_is_wrong_is_not_kept() {
    // Each time a third comes; the rest is asked for from there.
    let cut: Mischief = Box::new(|_, request, bytes, stream| {
        use std::io::Write;
        if bytes.len() < 1000 {
            return None;
        }
        let start = request
            .header("range")
            .trim_start_matches("bytes=")
            .trim_end_matches('-')
            .parse()
            .unwrap_or(0);
        let end = bytes.len().min(start + 100_000);
        let (status, left) = (if start > 0 { 206 } else { 200 }, bytes.len() - start);
        let head = format!("HTTP/1.1 {status} x\r\nContent-Length: {left}\r\n\r\n");
        let _ = stream.write_all(&[head.as_bytes(), &bytes[start..end]].concat());
        Some(end == bytes.len())
    });
    let (folder, hub) = (Folder::new(), Hub::start(small(), cut));
    run(
        &folder,
        &["models", "pull", "UVDoc"],
        &[("HF_ENDPOINT", &hub.url)],
    )
    .expect(0);
    run(&folder, &["models", "verify"], &[]).expect(0);
    let ranges: Vec<String> = hub
        .requests()
        .iter()
        .map(|r| r.header("range").to_string())
        .collect();
    assert!(
        ranges.contains(&"bytes=100000-".to_string())
            && ranges.contains(&"bytes=200000-".to_string())
    );

    // A process that died left the beginning of the file.
    let (folder, hub) = (Folder::new(), Hub::start(small(), no_mischief()));
    let begun = stored(&folder, ".UVDoc.partial");
    std::fs::create_dir_all(&begun).unwrap();
    std::fs::write(
        begun.join("model.safetensors"),
        &small().into_values().next().unwrap()[2].1[..250_000],
    )
    .unwrap();
    run(
        &folder,
        &["models", "pull", "UVDoc"],
        &[("HF_ENDPOINT", &hub.url)],
    )
    .expect(0);
    assert!(
        hub.requests()
            .iter()
            .any(|request| request.header("range") == "bytes=250000-")
    );
    run(&folder, &["models", "verify"], &[]).expect(0);
    // Of another file: it is fetched anew.
    run(&folder, &["models", "remove", "UVDoc"], &[]).expect(0);
    std::fs::create_dir_all(&begun).unwrap();
    std::fs::write(begun.join("model.safetensors"), vec![9; 250_000]).unwrap();
    run(
        &folder,
        &["models", "pull", "UVDoc"],
        &[("HF_ENDPOINT", &hub.url)],
    )
    .expect(0);
    run(&folder, &["models", "verify"], &[]).expect(0);

    let wrong: Mischief = Box::new(|_, _, bytes, stream| {
        say(stream, 200, "", &vec![5; bytes.len()]);
        Some(true)
    });
    let (folder, hub) = (Folder::new(), Hub::start(small(), wrong));
    let ran = run(
        &folder,
        &["models", "pull", "UVDoc"],
        &[("HF_ENDPOINT", &hub.url)],
    )
    .expect(1);
    assert!(
        ran.stderr
            .contains("`model.safetensors` of UVDoc is not what its hub says"),
        "{}",
        ran.stderr
    );
    assert!(!stored(&folder, "UVDoc").exists());

    let busy: Mischief = Box::new(|count, _, _, stream| {
        (count < 2).then(|| {
            say(stream, 429, "Retry-After: 0.1\r\n", b"");
            true
        })
    });
    let (folder, hub) = (Folder::new(), Hub::start(small(), busy));
    run(
        &folder,
        &["models", "pull", "UVDoc"],
        &[("HF_ENDPOINT", &hub.url)],
    )
    .expect(0);

    let closed: Mischief = Box::new(|_, _, _, stream| {
        say(stream, 401, "", b"");
        Some(true)
    });
    let (folder, hub) = (Folder::new(), Hub::start(small(), closed));
    let ran = run(
        &folder,
        &["models", "pull", "UVDoc"],
        &[("HF_ENDPOINT", &hub.url)],
    )
    .expect(1);
    assert!(
        ran.stderr
            .contains("status 401: it asks for a token; set HF_TOKEN"),
        "{}",
        ran.stderr
    );
    let ran = run(
        &folder,
        &["models", "pull", "PP-DocLayoutV3"],
        &[("HF_ENDPOINT", &hub.url)],
    )
    .expect(1);
    assert!(
        ran.stderr
            .contains("has no repository `PaddlePaddle/PP-DocLayoutV3_safetensors`"),
        "{}",
        ran.stderr
    );
    let ran = run(&folder, &["models", "pull", "v9"], &[]).expect(2);
    assert!(
        ran.stderr.contains("`v9` is no model and no pipeline"),
        "{}",
        ran.stderr
    );
    let mut without = small();
    without
        .values_mut()
        .for_each(|files| files.retain(|(path, _)| path != "config.json"));
    let hub = Hub::start(without, no_mischief());
    let ran = run(
        &folder,
        &["models", "pull", "UVDoc"],
        &[("HF_ENDPOINT", &hub.url)],
    )
    .expect(1);
    assert!(
        ran.stderr
            .contains("has no `config.json`, which UVDoc cannot do without"),
        "{}",
        ran.stderr
    );
}

#[test]
fn two_processes_at_once_do_not_spoil_each_other() {
    let slow: Mischief = Box::new(|_, _, _, _| {
        std::thread::sleep(std::time::Duration::from_millis(300));
        None
    });
    let (folder, hub) = (Folder::new(), Hub::start(small(), slow));
    std::thread::scope(|scope| {
        for _ in 0..3 {
            let (folder, hub) = (&folder, &hub);
            scope.spawn(move || {
                run(
                    folder,
                    &["models", "pull", "UVDoc"],
                    &[("HF_ENDPOINT", &hub.url)],
                )
                .expect(0);
            });
        }
    });
    run(&folder, &["models", "verify"], &[]).expect(0);
    let fetched = hub
        .requests()
        .iter()
        .filter(|request| request.path.starts_with("/elsewhere"))
        .count();
    assert_eq!(fetched, 1);
}

#[test]
fn caches_of_other_programs_are_used_where_they_are() {
    let folder = Folder::new();
    let whole = |place: &str| {
        folder.write(&format!("{place}/config.json"), b"{}");
        folder.write(&format!("{place}/model.safetensors"), b"x");
        folder.path().join(place).display().to_string()
    };
    let path = |name: &str| {
        run(&folder, &["models", "path", name], &[])
            .expect(0)
            .stdout
            .trim()
            .to_string()
    };
    let expected = whole(".paddlex/official_models/UVDoc_safetensors");
    assert_eq!(path("UVDoc"), expected);
    // Wherever a variable says that PaddleX has its folder.
    for variable in ["PADDLE_PDX_CACHE_HOME", "PADDLEX_HOME"] {
        let expected = whole(&format!("{variable}/official_models/UVDoc"));
        let home = folder.path().join(variable).display().to_string();
        let ran = run(&folder, &["models", "path", "UVDoc"], &[(variable, &home)]).expect(0);
        assert_eq!(ran.stdout.trim(), expected);
    }
    let snapshot = format!(
        ".cache/huggingface/hub/models--PaddlePaddle--PP-DocLayoutV3_safetensors/snapshots/{COMMIT}"
    );
    let expected = whole(&snapshot);
    assert_eq!(path("PP-DocLayoutV3"), expected);
    // With several snapshots the reference to `main` counts.
    whole(&snapshot.replace("0123", "9999"));
    run(&folder, &["models", "path", "PP-DocLayoutV3"], &[]).expect(1);
    folder.write(
        ".cache/huggingface/hub/models--PaddlePaddle--PP-DocLayoutV3_safetensors/refs/main",
        COMMIT,
    );
    assert_eq!(path("PP-DocLayoutV3"), expected);
    let listed = run(&folder, &["models", "list"], &[]).expect(0).stdout;
    assert!(
        listed.contains("(PaddleX)") && listed.contains("(Hugging Face cache)"),
        "{listed}"
    );
    // Not all files are there.
    folder.write(".paddlex/official_models/PP-DocLayoutV2/config.json", b"{}");
    run(&folder, &["models", "path", "PP-DocLayoutV2"], &[]).expect(1);
    run(&folder, &["models", "remove", "UVDoc"], &[]).expect(0);
    path("UVDoc");
}

#[test]
fn a_run_fetches_only_when_told_and_then_needs_no_network() {
    let folder = Folder::new();
    let repositories: Repositories = [
        (
            "PaddlePaddle/PP-DocLayoutV3_safetensors".to_string(),
            files_of("pp_doclayout_v3"),
        ),
        (
            "PaddlePaddle/PaddleOCR-VL-1.6".to_string(),
            files_of("paddleocr_vl"),
        ),
    ]
    .into();
    let hub = Hub::start(repositories, no_mischief());
    let report = example("report.pdf").display().to_string();
    let parse = |flags: &[&str], endpoint: &str, out: &str| {
        let base = [
            "-i",
            &report,
            "--pages",
            "1",
            "--pipeline-version",
            "v1.6",
            "--device",
            "cpu",
            "--save-path",
            out,
        ];
        let more = ["--max-new-tokens", "8", "--layout-threshold", "0.4"];
        run(
            &folder,
            &[&base[..], &more, flags].concat(),
            &[("HF_ENDPOINT", endpoint)],
        )
    };
    let ran = parse(&[], &hub.url, "a").expect(2);
    assert!(
        ran.stderr.contains("PP-DocLayoutV3 is not on this machine"),
        "{}",
        ran.stderr
    );
    assert!(
        ran.stderr.contains("--download fetches it") && hub.requests().is_empty(),
        "{}",
        ran.stderr
    );
    let ran = parse(&["--offline", "--download"], &hub.url, "a").expect(2);
    assert!(
        ran.stderr.contains("--offline") && hub.requests().is_empty(),
        "{}",
        ran.stderr
    );
    parse(&["--download"], &hub.url, "a").expect(0);
    assert!(folder.path().join("a/report.md").exists());
    // From now on nobody is asked: there is nobody.
    let (silent, count) = (format!("http://{}", nobody()), hub.requests().len());
    parse(&["--offline"], &silent, "b").expect(0);
    parse(&["--download"], &silent, "c").expect(0);
    run(
        &folder,
        &["models", "pull", "v1.6", "--offline"],
        &[("HF_ENDPOINT", &silent)],
    )
    .expect(0);
    run(
        &folder,
        &["models", "pull", "v1.6"],
        &[("HF_ENDPOINT", &silent), ("DOCPARSE_OFFLINE", "1")],
    )
    .expect(0);
    let ran = run(
        &folder,
        &["models", "pull", "UVDoc"],
        &[("HF_ENDPOINT", &hub.url), ("DOCPARSE_OFFLINE", "1")],
    );
    assert!(ran.expect(1).stderr.contains("no network call may be made"));
    assert_eq!(hub.requests().len(), count);
    // Neither is an address fetched, nor a server on another machine asked.
    let ran = run(
        &folder,
        &[
            "-i",
            &format!("{}/a.pdf", hub.url),
            "--save-path",
            "d",
            "--offline",
        ],
        &[],
    )
    .expect(2);
    assert!(ran.stderr.contains("is an address"), "{}", ran.stderr);
    let ran = parse(
        &[
            "--offline",
            "--vl-rec-backend",
            "vllm-server",
            "--vl-rec-server-url",
            "http://10.0.0.9/v1",
        ],
        &hub.url,
        "d",
    );
    assert!(ran.expect(2).stderr.contains("another machine"));
    assert_eq!(hub.requests().len(), count);
}
