//! Requests and their resolved settings.

use super::*;
use crate::config::parameters::Parameters;
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
