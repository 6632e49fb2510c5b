//! Requests and their resolved settings.

use super::*;
use crate::config::parameters::{Parameters, ValueKind};
use crate::config::schema::{self, ValueType};
use std::path::Path;

fn given(values: &[(&str, Value)]) -> Parameters {
    let mut parameters = Parameters::default();
    values
        .iter()
        .for_each(|(name, value)| parameters.set(name, value.clone()));
    parameters
}

fn request(values: &[(&str, Value)]) -> RunRequest {
    RunRequest {
        parameters: given(values),
        ..RunRequest::default()
    }
}

fn file(text: &str) -> Option<Settings> {
    Some(Settings::parse(text, "x.yaml").unwrap())
}

/// The message with which a request is refused.
#[track_caller]
fn refused(request: &RunRequest) -> String {
    resolve(request).map(|_| ()).unwrap_err().to_string()
}

/// Name of the request's backend.
#[track_caller]
fn reader(request: &RunRequest) -> &'static str {
    match resolve(request).unwrap().vl {
        None => "lite",
        Some((_, Backend::Recorded(_))) => "recorded",
        Some((_, Backend::PageText)) => "page text",
        Some((_, Backend::Native(_))) => "native",
        Some((_, Backend::Server)) => "server",
    }
}

const URL: (&str, &str) = ("vl_rec_server_url", "http://localhost:1/v1");

#[test]
fn what_reads_blocks_follows_from_what_is_asked_for() {
    assert_eq!(reader(&RunRequest::default()), "lite");
    assert_eq!(
        reader(&request(&[("vl_rec_backend", "lines".into())])),
        "page text"
    );
    assert_eq!(
        reader(&request(&[("vl_rec_backend", "native".into())])),
        "native"
    );
    assert_eq!(
        reader(&request(&[
            ("vl_rec_backend", "vllm-server".into()),
            (URL.0, URL.1.into())
        ])),
        "server"
    );
    let mut named = RunRequest {
        pipeline: Some(Pipeline::V15),
        ..RunRequest::default()
    };
    assert_eq!(reader(&named), "native");
    named
        .parameters
        .set_folder("layout_detection_model_dir", "networks".into());
    named.pipeline = None;
    assert_eq!(reader(&named), "native");
    let in_file = RunRequest {
        settings: file("pipeline_name: PaddleOCR-VL-1.6"),
        ..RunRequest::default()
    };
    assert_eq!(reader(&in_file), "native");
    assert!(resolve(&RunRequest::default()).unwrap().is_default);
    let lite = RunRequest {
        pipeline: Some(Pipeline::Lite),
        ..RunRequest::default()
    };
    assert!(!resolve(&lite).unwrap().is_default);
}

#[test]
fn parameters_without_a_part_are_refused_by_name() {
    assert_eq!(
        refused(&request(&[("layout_nms", true.into())])),
        "`layout_nms` belongs to the PaddleOCR-VL pipelines"
    );
    let text = [
        ("vl_rec_backend", "lines".into()),
        ("temperature", 0.5.into()),
    ];
    assert!(
        refused(&request(&text))
            .starts_with("`temperature` belongs to the PaddleOCR-VL recognizer")
    );
    assert!(
        refused(&request(&[(URL.0, URL.1.into())]))
            .starts_with("`vl_rec_server_url` is about a server")
    );
    let server = [
        ("vl_rec_backend", "vllm-server".into()),
        (URL.0, URL.1.into()),
        ("kv_cache", (1 << 20).into()),
    ];
    assert!(
        refused(&request(&server))
            .starts_with("`kv_cache` is about the recognizer in this process")
    );
    let lite = RunRequest {
        pipeline: Some(Pipeline::Lite),
        ..request(&[("vl_rec_backend", "native".into())])
    };
    assert_eq!(
        refused(&lite),
        "the pipeline `lite` runs without a layout network and a recognizer"
    );
    let none = RunRequest {
        pipeline: Some(Pipeline::V16),
        ..request(&[("max_pixels", 0.into())])
    };
    assert_eq!(refused(&none), "`max_pixels` must be above 0");
    assert_eq!(
        refused(&request(&[(
            "markdown_ignore_labels",
            vec!["colour"].into()
        )])),
        "markdown_ignore_labels: `colour` is no label"
    );
}

#[test]
fn parameters_are_stronger_than_the_file_and_that_than_the_pipeline() {
    let both = RunRequest {
        settings: file(
            "text_layer: never\nSubModules: {LineRecognition: {drop_score: 0.25, rec_batch_num: 3}}",
        ),
        ..request(&[("drop_score", 0.75.into())])
    };
    let config = resolve(&both).unwrap().config;
    assert_eq!(
        (config.text_layer, config.lines.drop_score),
        (TextLayerMode::Never, 0.75)
    );
    assert_eq!(
        (config.lines.rec_batch_num, config.lines.detect.box_thresh),
        (3, 0.5)
    );
    let vl = RunRequest {
        pipeline: Some(Pipeline::V16),
        ..both
    };
    let resolved = resolve(&vl).unwrap();
    assert_eq!(resolved.config.lines.drop_score, 0.75);
    // A parameter without a key in the pipeline's settings is not shown among them.
    assert!(
        resolved
            .config
            .settings
            .to_string()
            .contains("LayoutDetection")
    );
    assert!(
        resolved.config.settings["SubModules"]["LineRecognition"].get("drop_score")
            == Some(&0.25.into())
    );
}

#[test]
fn one_step_of_preprocessing_does_not_bring_the_other() {
    let steps = |request: RunRequest| {
        let (vl, _) = resolve(&request).unwrap().vl.unwrap();
        let options = vl.preprocess;
        [
            options.use_doc_preprocessor,
            options.use_doc_orientation_classify,
            options.use_doc_unwarping,
        ]
    };
    let v16 = |values| RunRequest {
        pipeline: Some(Pipeline::V16),
        ..request(values)
    };
    let upright = [("use_doc_orientation_classify", true.into())];
    assert_eq!(steps(v16(&upright)), [true, true, false]);
    assert_eq!(
        steps(RunRequest {
            as_reference: true,
            ..v16(&upright)
        }),
        [true, true, true]
    );
    let set = file("SubPipelines: {DocPreprocessor: {use_doc_unwarping: true}}");
    assert_eq!(
        steps(RunRequest {
            settings: set,
            ..v16(&upright)
        }),
        [true, true, true]
    );
}

#[test]
fn only_names_that_somebody_gave_bind_a_folder() {
    let layout = |request: RunRequest| resolve(&request).unwrap().vl.unwrap().0.models.layout;
    let mut v16 = RunRequest {
        pipeline: Some(Pipeline::V16),
        ..RunRequest::default()
    };
    v16.parameters
        .set_folder("layout_detection_model_dir", "networks".into());
    let choice = layout(v16.clone());
    assert_eq!(
        (choice.dir.as_deref(), choice.is_name_given),
        (Some(Path::new("networks")), false)
    );
    assert_eq!(choice.name.as_deref(), Some("PP-DocLayoutV3"));
    v16.parameters
        .set("layout_detection_model_name", "PP-DocLayoutV2");
    let choice = layout(v16.clone());
    assert_eq!(
        (choice.name.as_deref(), choice.is_name_given),
        (Some("PP-DocLayoutV2"), true)
    );
    v16.parameters = Parameters::default();
    v16.settings = file("SubModules: {LayoutDetection: {model_name: PP-DocLayoutV2}}");
    assert!(layout(v16).is_name_given);
}

#[test]
fn the_recognizer_runs_as_it_is_told() {
    let native = |values: &[(&str, Value)]| {
        let request = RunRequest {
            pipeline: Some(Pipeline::V1),
            ..request(values)
        };
        match resolve(&request).unwrap().vl.unwrap().1 {
            Backend::Native(native) => native,
            _ => panic!("another backend"),
        }
    };
    let plain = native(&[]);
    assert_eq!(
        (plain.precision, plain.draft, plain.kv_cache),
        (None, DraftMode::Auto, KV_CACHE)
    );
    assert!(plain.is_first_version && !plain.is_kv_cache_given && plain.run.repetition_stop);
    let told = native(&[
        ("precision", "int4".into()),
        ("draft", "off".into()),
        ("kv_cache", (3 << 20).into()),
        ("vl_rec_slots", 5000.into()),
        ("repetition_stop", "off".into()),
        ("block_timeout", 7.into()),
    ]);
    assert_eq!(
        (told.precision, told.draft),
        (Some(Precision::Int4), DraftMode::Off)
    );
    assert_eq!((told.kv_cache, told.slots), (3 << 20, Some(1024)));
    assert!(told.is_kv_cache_given && !told.run.drafts && !told.run.repetition_stop);
    assert_eq!(told.run.timeout, Some(Duration::from_secs(7)));
}

#[test]
fn text_of_pdfs_is_taken_before_a_recognizer_on_request_only() {
    let own_text = |values: &[(&str, Value)]| {
        let request = RunRequest {
            pipeline: Some(Pipeline::V16),
            ..request(values)
        };
        resolve(&request).unwrap().own_text
    };
    assert_eq!(own_text(&[]), None);
    assert_eq!(own_text(&[("text_layer", "never".into())]), None);
    let some = |mode, check| Some(OwnText { mode, check });
    assert_eq!(
        own_text(&[("text_layer", "auto".into())]),
        some(TextLayerMode::Auto, 0.02)
    );
    let checked = [
        ("text_layer", "always".into()),
        ("text_layer_check", 0.5.into()),
    ];
    assert_eq!(own_text(&checked), some(TextLayerMode::Always, 0.5));
}

/// Two values of a key that differ in what comes of them, or are refused.
fn values_of(key: &str, kind: ValueType) -> Vec<Value> {
    match kind {
        ValueType::Bool | ValueType::OptionalBool => vec![true.into(), false.into()],
        ValueType::Int => vec![7.into(), 50_000.into()],
        ValueType::Float | ValueType::NumberOrByClass | ValueType::Ratio => {
            vec![0.123.into(), 1.23.into()]
        }
        ValueType::Text | ValueType::OptionalText | ValueType::TextOrByClass => {
            vec!["zzz".into(), "small".into()]
        }
        ValueType::Texts => vec![vec!["text"].into()],
        ValueType::Size => vec!["3G".into()],
        ValueType::Any if key.ends_with("file_storage") => {
            vec![serde_json::json!({"type": "memory"})]
        }
        ValueType::Any if key.ends_with("client_kwargs") => vec![serde_json::json!({"timeout": 5})],
        ValueType::Any => vec![serde_json::json!({"a": 1})],
    }
}

/// All that a run with these settings is made of, or why there is none.
fn made_of(settings: &Settings) -> String {
    let request = RunRequest {
        settings: Some(settings.clone()),
        ..RunRequest::default()
    };
    let resolved = match resolve(&request) {
        Ok(resolved) => resolved,
        Err(error) => return error.to_string(),
    };
    let config = Config {
        settings: Value::Null,
        ..resolved.config
    };
    let backend = match &resolved.vl {
        Some((_, Backend::Native(native))) => format!("{native:?}"),
        Some((_, Backend::PageText)) => "page text".into(),
        Some((_, Backend::Server)) => "server".into(),
        Some((_, Backend::Recorded(_))) => "recorded".into(),
        None => "lite".into(),
    };
    let vl = resolved.vl.map(|(vl, _)| vl);
    format!(
        "{config:?} {vl:?} {backend} {:?} {:?}",
        resolved.ignore_labels, resolved.own_text
    )
}

#[test]
fn every_key_of_files_is_read_or_told_to_be_without_effect() {
    let server = format!("{{backend: vllm-server, server_url: '{}'}}", URL.1);
    let files = [
        "pipeline_name: lite".to_string(),
        "pipeline_name: PaddleOCR-VL-1.6".to_string(),
        format!(
            "pipeline_name: PaddleOCR-VL-1.6\nSubModules: {{VLRecognition: {{genai_config: {server}}}}}"
        ),
    ];
    let files = files.map(|text| file(&text).unwrap());
    for (key, kind) in schema::KEYS {
        let values = values_of(key, *kind);
        let is_read = files.iter().any(|file| {
            let mut all = vec![made_of(file)];
            for value in &values {
                let mut changed = file.clone();
                changed.set(key, value.clone());
                all.push(made_of(&changed));
            }
            all.iter().any(|one| *one != all[0])
        });
        assert_eq!(is_read, schema::unused(key).is_none(), "{key}");
    }
    assert!(
        schema::UNUSED
            .iter()
            .all(|(key, _)| schema::kind_of(key).is_some())
    );
}

#[test]
fn keys_that_a_run_does_not_use_are_told() {
    let not_used = |text: &str| {
        let request = RunRequest {
            settings: file(text),
            ..RunRequest::default()
        };
        let told = resolve(&request).unwrap().not_used;
        told.iter()
            .map(|group| group.to_string())
            .collect::<Vec<_>>()
    };
    assert_eq!(not_used("text_layer: never\nmemory_limit: 4G"), [""; 0]);
    let at_once = "accepted and not used by docparse (how much is done at once follows from memory and threads)";
    let text = "batch_size: 3\nengine: null\nuse_queues: true\nuse_chart_recognition: true";
    let engines = "engine: accepted and not used by docparse (for the reference's engines)";
    let others =
        "use_chart_recognition: accepted and not used by docparse (for the PaddleOCR-VL pipelines)";
    let queues = format!("batch_size, use_queues: {at_once}");
    assert_eq!(not_used(text), [&queues, others, engines]);
    let text = format!("pipeline_name: PaddleOCR-VL-1.6\n{text}");
    assert_eq!(not_used(&text), [&queues, engines]);
}

#[test]
fn a_file_names_a_pipeline_that_there_is() {
    let request = RunRequest {
        settings: file("pipeline_name: PaddleOCR"),
        ..RunRequest::default()
    };
    assert!(refused(&request).starts_with("`pipeline_name` must be one of lite, PaddleOCR-VL"));
}

#[test]
fn defaults_in_the_help_are_those_of_the_program() {
    let told = |name: &str| {
        let help = PARAMETERS.iter().find(|p| p.name == name).unwrap().help;
        let default = help.split("[default: ").nth(1).unwrap();
        default.split([']', ',', ';']).next().unwrap()
    };
    let with = |values: &[(&str, Value)]| {
        let request = RunRequest {
            pipeline: Some(Pipeline::V16),
            ..request(values)
        };
        resolve(&request).unwrap()
    };
    let Backend::Native(native) = with(&[]).vl.unwrap().1 else {
        panic!("another backend");
    };
    assert_eq!(schema::parse_size(told("kv_cache")), Ok(native.kv_cache));
    assert_eq!(told("vl_rec_slots"), native.run.slots.to_string());
    assert_eq!(told("seed"), native.run.seed.to_string());
    assert_eq!(told("vl_rec_backend"), "native");
    let check = with(&[("text_layer", "auto".into())])
        .own_text
        .unwrap()
        .check;
    assert_eq!(told("text_layer_check"), format!("{}%", check * 100.0));
    let server = with(&[
        ("vl_rec_backend", "vllm-server".into()),
        (URL.0, URL.1.into()),
    ]);
    let server = server.vl.unwrap().0.server.unwrap();
    assert_eq!(
        told("vl_rec_max_concurrency"),
        server.requests_in_flight.to_string()
    );
    let lite = resolve(&RunRequest::default()).unwrap();
    assert!(matches!(lite.config.text_layer, TextLayerMode::Auto));
    assert_eq!(told("text_layer"), "auto");
    let put_together = crate::pipeline::restructure_options(&Parameters::default(), false);
    assert_eq!(told("merge_tables"), put_together.merge_tables.to_string());
    assert_eq!(
        told("relevel_titles"),
        put_together.relevel_titles.to_string()
    );
    assert_eq!(
        told("concatenate_pages"),
        put_together.concatenate_pages.to_string()
    );
    let fetch_timeout = crate::input::fetch::DEFAULT_TIMEOUT.as_secs();
    assert_eq!(told("fetch_timeout"), fetch_timeout.to_string());
    let most = schema::parse_size(told("max_input_size")).unwrap() as u64;
    assert_eq!(most, crate::input::spool::MAX_INPUT_SIZE);
}

#[test]
fn every_backend_of_the_table_is_known() {
    let parameter = PARAMETERS.iter().find(|p| p.name == "vl_rec_backend");
    let ValueKind::OneOf(words) = parameter.unwrap().kind else {
        panic!("another kind");
    };
    for word in words {
        let is_server = word.ends_with("-server");
        let url = is_server.then_some((URL.0, Value::from(URL.1)));
        let values: Vec<_> = [("vl_rec_backend", (*word).into())]
            .into_iter()
            .chain(url)
            .collect();
        let expected = match *word {
            "native" => "native",
            "lines" | "text_layer" => "page text",
            _ => "server",
        };
        let request = request(&values);
        assert_eq!(reader(&request), expected, "{word}");
        let server = resolve(&request).unwrap().vl.unwrap().0.server;
        assert_eq!(server.is_some(), is_server, "{word}");
    }
}
