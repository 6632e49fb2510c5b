//! The recognizer in process, on documents: a tiny random checkpoint reads nonsense, but always the same.

use super::networks::{changed, copy_folder, doctor, fixture};
use super::support::{Folder, Ran, example, root};
use docparse::document::Label;
use docparse::fault::{Fault, Reason};
use docparse::internals::geometry::Rect;
use docparse::internals::layout::Region;
use docparse::internals::lines::PreparedPage;
use docparse::internals::onnx::checkpoint::Checkpoint;
use docparse::internals::onnx::graph::Element;
use docparse::internals::onnx::projection::Quantization;
use docparse::internals::onnx::slots::AttentionKernel;
use docparse::internals::onnx::{Device, Runtime, SessionOptions};
use docparse::internals::plan::{Request, RequestOptions};
use docparse::internals::raster::Pixels;
use docparse::internals::recognize::paddleocr_vl::backend::{PaddleOcrVl, RunOptions};
use docparse::internals::recognize::paddleocr_vl::config::VlModelConfig;
use docparse::internals::recognize::paddleocr_vl::model::{Kernels, Model, ModelOptions, Slots};
use docparse::internals::recognize::paddleocr_vl::released_name;
use docparse::internals::recognize::paddleocr_vl::slot_decoder::{SlotDecoder, SlotOptions};
use docparse::internals::recognize::scheduler::kv_cache::Bucket;
use docparse::internals::recognize::{BlockRequest, Recognizer, Ticket};
use serde_json::Value;
use std::path::Path;
use std::sync::Arc;

/// Runs documents over the tiny networks; few tokens, since nothing ever ends an answer.
fn run(folder: &Folder, inputs: &[&Path], out: &str, flags: &[&str]) -> Ran {
    let model = |name: &str| fixture(name).display().to_string();
    let (layout, recognizer) = (model("pp_doclayout_v3"), model("paddleocr_vl"));
    let inputs: Vec<String> = inputs
        .iter()
        .map(|path| path.display().to_string())
        .collect();
    let mut arguments = vec!["-i"];
    arguments.extend(inputs.iter().map(String::as_str));
    arguments.extend([
        "--save-path",
        out,
        "--device",
        "cpu",
        "--layout-threshold",
        "0.4",
    ]);
    arguments.extend([
        "--layout-detection-model-dir",
        &layout,
        "--vl-rec-model-dir",
        &recognizer,
    ]);
    if !flags.contains(&"--max-new-tokens") {
        arguments.extend(["--max-new-tokens", "30"]);
    }
    arguments.extend(flags);
    folder.run(&arguments)
}

fn document(folder: &Folder, path: &str) -> Value {
    folder.json(path)
}

/// The contents of all blocks, page by page.
fn contents(document: &Value) -> Vec<String> {
    let pages = document["pages"].as_array().unwrap();
    let blocks = pages
        .iter()
        .flat_map(|page| page["parsing_res_list"].as_array().unwrap());
    blocks
        .map(|block| block["block_content"].as_str().unwrap().to_string())
        .collect()
}

/// What is told of every block that was read.
fn generations(document: &Value) -> Vec<Value> {
    let pages = document["pages"].as_array().unwrap();
    let blocks = pages
        .iter()
        .flat_map(|page| page["diagnostics"]["blocks"].as_array().unwrap());
    blocks
        .filter_map(|block| block.get("generation").cloned())
        .collect()
}

#[test]
fn batches_drafts_and_files_beside_do_not_change_what_is_read() {
    let folder = Folder::new();
    let (report, scan) = (example("report.pdf"), example("report_scan.pdf"));
    run(
        &folder,
        &[&report],
        "alone",
        &["--vl-rec-slots", "1", "--draft", "off"],
    )
    .expect(0);
    let alone = document(&folder, "alone/report.json");
    assert!(
        contents(&alone).iter().any(|content| content.len() > 20),
        "{:?}",
        contents(&alone)
    );
    for (out, flags) in [
        ("batched", &["--vl-rec-slots", "16", "--draft", "auto"][..]),
        (
            "drafted",
            &[
                "--vl-rec-slots",
                "3",
                "--draft",
                "lines",
                "--kv-cache",
                "10M",
            ],
        ),
    ] {
        run(&folder, &[&scan, &report], out, flags).expect(0);
        let other = document(&folder, &format!("{out}/report.json"));
        assert_eq!(contents(&alone), contents(&other), "{out}");
    }
    for generation in generations(&alone) {
        let number = |key: &str| generation[key].as_f64().unwrap();
        assert!(
            number("token_count") > 0.0 && number("milliseconds") >= 0.0,
            "{generation}"
        );
        assert!(
            number("min_log_probability") <= number("mean_log_probability"),
            "{generation}"
        );
        assert!(number("mean_log_probability") < 0.0, "{generation}");
        let reason = &generation["finish_reason"];
        assert_eq!(
            reason == "length",
            number("token_count") == 30.0,
            "{generation}"
        );
        assert!(generation.get("drafted_share").is_none());
    }
    // Cut answers are told, and are no errors.
    let messages = alone["pages"][0]["diagnostics"]["messages"].to_string();
    assert!(
        messages.contains("block_cut") && messages.contains("after 30 tokens"),
        "{messages}"
    );
    let drafted = generations(&document(&folder, "drafted/report.json"));
    assert!(
        drafted
            .iter()
            .any(|generation| generation["drafted_share"].is_number())
    );
}

fn runtime() -> Runtime {
    let library = root().join("runtime/libonnxruntime.so");
    Runtime::load(&library, SessionOptions::on(Device::Cpu, 2)).unwrap()
}

fn load(kernels: Kernels) -> Result<Model, Fault> {
    let runtime = runtime();
    let options = ModelOptions {
        kernels,
        memory: 1 << 22,
        is_first_version: false,
        store: None,
    };
    Model::load(&fixture("paddleocr_vl"), &runtime, options)
}

/// The networks as they run on a GPU.
fn standard(element: Element, attention_kernel: AttentionKernel) -> Kernels {
    Kernels::Standard {
        element,
        attention_kernel,
        slots: Slots {
            count: 5,
            longest: 300,
            common: 100,
            most_long: 5,
        },
    }
}

/// A request about a picture of a size.
fn request(block: usize, (width, height): (usize, usize)) -> BlockRequest {
    let data = (0..width * height * 3)
        .map(|i| ((i * i) % (251 - block)) as u8)
        .collect();
    let mut request = Request::of(Label::Text, &RequestOptions::default());
    request.max_new_tokens = 10 + 6 * block as u64;
    BlockRequest {
        ticket: Ticket { page: 0, block },
        document: Arc::default(),
        page: Arc::new(PreparedPage::blank(0, 1000, 1000)),
        region: Arc::new(Region::new(
            Label::Text,
            Rect::new(0.0, 0.0, 100.0, 100.0),
            1.0,
        )),
        request: Arc::new(request),
        crop: Some(Arc::new(Pixels {
            width,
            height,
            data,
        })),
        draft: None,
        time_left: None,
        time_spent: Arc::default(),
    }
}

fn run_options() -> RunOptions {
    RunOptions {
        slots: 5,
        repetition_stop: true,
        timeout: None,
        drafts: false,
        seed: 0,
    }
}

/// Reads pictures of many sizes, one of which cannot be shown; contents or reasons by block.
fn read_blocks(model: Model) -> Vec<Result<String, Fault>> {
    let (to_recognizer, requests) = crossbeam_channel::unbounded();
    let sizes = [
        (200, 60),
        (64, 300),
        (9000, 4),
        (120, 120),
        (200, 64),
        (30, 30),
        (190, 60),
        (120, 116),
    ];
    for (block, size) in sizes.into_iter().enumerate() {
        to_recognizer.send(request(block, size)).unwrap();
    }
    drop(to_recognizer);
    let (answers, answered) = crossbeam_channel::unbounded();
    PaddleOcrVl::new(model, run_options())
        .run(requests, answers)
        .unwrap();
    let mut all: Vec<_> = answered
        .iter()
        .map(|a| (a.ticket.block, a.result.map(|r| r.content)))
        .collect();
    all.sort_by_key(|(block, _)| *block);
    assert_eq!(all.len(), sizes.len());
    all.into_iter().map(|(_, result)| result).collect()
}

#[test]
fn a_recognizer_ends_whatever_it_waits_for_and_is_loaded_again() {
    let model = || {
        load(Kernels::Own {
            decoder: Quantization::Exact,
            vision: Quantization::Exact,
        })
    };
    let mut recognizer =
        PaddleOcrVl::new(model().unwrap(), run_options()).with_reload(Box::new(model));
    // Nobody takes its answers, and more requests may come at any time.
    let (to_recognizer, requests) = crossbeam_channel::unbounded();
    to_recognizer.send(request(0, (200, 60))).unwrap();
    let answers = crossbeam_channel::unbounded().0;
    recognizer.run(requests.clone(), answers).unwrap();
    drop(to_recognizer);
    let (answers, answered) = crossbeam_channel::unbounded();
    assert!(recognizer.run(requests.clone(), answers.clone()).is_err());
    recognizer.restart().unwrap();
    let (to_recognizer, requests) = crossbeam_channel::unbounded();
    let cancelled = request(2, (200, 60));
    cancelled.document.cancel.cancel();
    for request in [request(1, (200, 60)), cancelled] {
        to_recognizer.send(request).unwrap();
    }
    drop(to_recognizer);
    recognizer.run(requests, answers).unwrap();
    let mut all: Vec<_> = answered
        .iter()
        .map(|a| (a.ticket.block, a.result.map(|r| r.content)))
        .collect();
    all.sort_by_key(|(block, _)| *block);
    assert!(
        matches!(all.as_slice(), [(1, Ok(_)), (2, Err(fault))] if fault.reason == Reason::Cancelled),
        "{all:?}"
    );
}

#[test]
fn the_networks_for_a_gpu_read_what_those_of_the_cpu_read() {
    let own = Kernels::Own {
        decoder: Quantization::Exact,
        vision: Quantization::Exact,
    };
    let expected = read_blocks(load(own).unwrap());
    assert_eq!(expected.iter().filter(|result| result.is_err()).count(), 1);
    assert!(
        expected.iter().flatten().any(|content| content.len() > 20),
        "{expected:?}"
    );
    for attention_kernel in [AttentionKernel::Fused, AttentionKernel::Plain] {
        assert_eq!(
            read_blocks(load(standard(Element::F32, attention_kernel)).unwrap()),
            expected,
            "{attention_kernel:?}"
        );
    }
    assert!(read_blocks(load(standard(Element::F16, AttentionKernel::Fused)).unwrap())[2].is_err());
}

#[test]
fn bfloat16_fails_on_the_cpu_for_want_of_kernels_only() {
    // All kinds fit together, or the graph itself would be refused.
    let fault = load(standard(Element::Bf16, AttentionKernel::Fused))
        .err()
        .unwrap();
    assert!(
        fault.message.contains("Could not find an implementation"),
        "{fault}"
    );
    assert_eq!(fault.reason, Reason::Model);
    let folder = fixture("paddleocr_vl");
    let checkpoint = Checkpoint::open(&folder).unwrap().with_names(released_name);
    let config = VlModelConfig::read(&folder, &checkpoint.config).unwrap();
    let slots = vec![Bucket {
        slots: 2,
        tokens: 50,
    }];
    let options = SlotOptions {
        element: Element::Bf16,
        buckets: slots,
        attention_kernel: AttentionKernel::Fused,
    };
    let decoder = SlotDecoder::read(&checkpoint, &config, options).unwrap();
    let reason = decoder(&runtime()).err().unwrap().to_string();
    assert!(
        reason.contains("Could not find an implementation"),
        "{reason}"
    );
}

#[test]
fn sampling_follows_its_seed() {
    let folder = Folder::new();
    let report = example("report.pdf");
    let read = |out: &str, flags: &[&str]| {
        run(
            &folder,
            &[&report],
            out,
            &[flags, &["--pages", "1"]].concat(),
        )
        .expect(0);
        contents(&document(&folder, &format!("{out}/report.json")))
    };
    let greedy = read("greedy", &[]);
    let hot = ["--temperature", "1.5", "--top-p", "0.9"];
    let first = read("first", &hot);
    assert_ne!(first, greedy);
    assert_eq!(
        first,
        read("again", &[&hot[..], &["--vl-rec-slots", "1"]].concat())
    );
    assert_ne!(first, read("other", &[&hot[..], &["--seed", "5"]].concat()));
    assert_ne!(greedy, read("penalty", &["--repetition-penalty", "1.8"]));
    // Every precision reads something.
    for precision in ["int8", "int4", "fp32"] {
        let flags = ["--precision", precision, "--vision-precision", "int8"];
        assert!(
            read(precision, &flags)
                .iter()
                .any(|content| !content.is_empty()),
            "{precision}"
        );
    }
}

#[test]
fn a_crop_that_cannot_be_shown_is_one_lost_block() {
    let folder = Folder::new();
    let strip = image::RgbImage::from_pixel(6, 3000, image::Rgb([200, 200, 200]));
    strip.save(folder.path().join("strip.png")).unwrap();
    let (strip, report) = (folder.path().join("strip.png"), example("report.pdf"));
    let flags = ["--use-layout-detection", "false", "--max-new-tokens", "5"];
    run(&folder, &[&strip, &report], "out", &flags).expect(3);
    let messages =
        document(&folder, "out/strip.json")["pages"][0]["diagnostics"]["messages"].take();
    let told = &messages[0];
    assert_eq!(
        (&told["code"], &told["reason"]),
        (&"block_failed".into(), &"too_large".into())
    );
    assert!(
        messages.to_string().contains("6x3000 pixels is too long"),
        "{messages}"
    );
    assert_eq!(contents(&document(&folder, "out/report.json")).len(), 2);
}

#[test]
fn answers_that_go_on_for_ever_are_ended_unless_told_not_to() {
    let folder = Folder::new();
    // A last layer that always says the same: every answer is a loop.
    let recognizer = changed(&folder, "paddleocr_vl", |header, data| {
        let place = &header["lm_head.weight"]["data_offsets"];
        let [start, end] = [0, 1].map(|i| place[i].as_u64().unwrap() as usize);
        data[start..end].fill(0);
    });
    // Of equal logits the first is said; it is special and leaves no text, so another one is said instead.
    let tokenizer = std::fs::read_to_string(recognizer.join("tokenizer.json")).unwrap();
    let mut tokenizer: Value = serde_json::from_str(&tokenizer).unwrap();
    for token in tokenizer["added_tokens"].as_array_mut().unwrap() {
        token["special"] = (token["id"] != 0 && token["special"] == true).into();
    }
    std::fs::write(recognizer.join("tokenizer.json"), tokenizer.to_string()).unwrap();
    let report = example("report.pdf").display().to_string();
    let read = |out: &str, switch: &str| {
        let model = recognizer.display().to_string();
        let flags = [
            "-i",
            &report,
            "--save-path",
            out,
            "--pages",
            "1",
            "--use-layout-detection",
            "false",
        ];
        let more = [
            "--vl-rec-model-dir",
            &model,
            "--repetition-stop",
            switch,
            "--max-new-tokens",
            "2000",
        ];
        folder.run(&[&flags[..], &more].concat()).expect(0);
        document(&folder, &format!("{out}/report.json"))
    };
    let (ended, full) = (read("on", "on"), read("off", "off"));
    assert_eq!(contents(&ended), contents(&full));
    let facts = |document: &Value| {
        let generation = &generations(document)[0];
        (
            generation["token_count"].as_u64().unwrap(),
            generation["finish_reason"].as_str().unwrap().to_string(),
        )
    };
    assert_eq!(facts(&full), (2000, "length".into()));
    let (tokens, reason) = facts(&ended);
    assert!(tokens < 900 && reason == "repetition", "{tokens} {reason}");
}

#[test]
fn what_is_wrong_is_said_before_anything_is_read() {
    let folder = Folder::new();
    let report = example("report.pdf");
    let check = |flags: &[&str], code: i32, words: &str| {
        let ran = run(&folder, &[&report], "out", flags);
        assert!(
            ran.code == code && ran.stderr.contains(words),
            "{flags:?}: {} {}",
            ran.code,
            ran.stderr
        );
    };
    check(
        &["--vl-rec-backend", "vllm-server"],
        2,
        "--vl-rec-model-dir is about the recognizer in this process",
    );
    check(
        &["--vl-rec-model-name", "PaddleOCR-VL-9"],
        2,
        "is no recognizer of docparse",
    );
    check(&["--precision", "bf16"], 2, "fp32, int8 or int4");
    check(
        &["--vl-rec-backend", "lines"],
        2,
        "--vl-rec-model-dir belongs to the PaddleOCR-VL recognizer",
    );
    check(
        &["--pipeline-version", "lite"],
        2,
        "without a layout network and a recognizer",
    );
    check(&["--kv-cache", "1K"], 3, "more than there is memory for");
    check(&["--memory", "900000G"], 1, "lower --kv-cache");
    let says = |model: &Path, word: &str| {
        let ran = doctor(&folder, model).expect(1);
        assert!(ran.stderr.contains(word), "{word}: {}", ran.stderr);
    };
    let broken = |name: &str, change: &dyn Fn(&Path)| {
        let copy = folder.path().join(name);
        copy_folder(&fixture("paddleocr_vl"), &copy);
        change(&copy);
        copy
    };
    let tokenizer = broken("a", &|copy| {
        std::fs::write(copy.join("tokenizer.json"), "{").unwrap()
    });
    says(&tokenizer, "tokenizer.json` is damaged");
    let template = broken("b", &|copy| {
        std::fs::write(copy.join("chat_template.jinja"), "{% if").unwrap()
    });
    says(&template, "chat_template.jinja` is damaged");
    let silent = broken("c", &|copy| {
        std::fs::write(copy.join("chat_template.jinja"), "hello").unwrap()
    });
    says(&silent, "names the picture 0 times");
    let missing = broken("d", &|copy| {
        std::fs::remove_file(copy.join("preprocessor_config.json")).unwrap()
    });
    says(&missing, "preprocessor_config.json");
    let key = "model.layers.1.mlp.up_proj.weight";
    let incomplete = changed(&folder, "paddleocr_vl", |header, _| {
        let value = header.as_object_mut().unwrap().remove(key).unwrap();
        header["another"] = value;
    });
    says(&incomplete, &format!("no tensor `{key}`"));
}

#[test]
fn names_of_transformers_and_a_tied_last_layer_are_understood() {
    let folder = Folder::new();
    let model = changed(&folder, "paddleocr_vl", |header, _| {
        let renamed = header.as_object().unwrap().iter().map(|(name, value)| {
            let name = match name {
                _ if name.starts_with("model.") => {
                    name.replacen("model.", "model.language_model.", 1)
                }
                _ if name.starts_with("visual.") => format!("model.{name}"),
                _ => name.replacen("mlp_AR.", "model.projector.", 1),
            };
            (name, value.clone())
        });
        *header = Value::Object(renamed.collect());
    });
    let path = model.display().to_string();
    let ran = folder.run(&["parity", &path, "--device", "cpu"]).expect(0);
    assert!(
        ran.stdout.ends_with("1 of 1 checkpoints agree\n"),
        "{}",
        ran.stdout
    );
    // Without a last layer of its own the table of tokens is taken; its place in the file goes to a part without use.
    let tied = changed(&folder, "paddleocr_vl", |header, _| {
        let value = header
            .as_object_mut()
            .unwrap()
            .remove("lm_head.weight")
            .unwrap();
        header["visual.vision_model.head.more"] = value;
    });
    let ran = doctor(&folder, &tied).expect(0);
    assert!(
        ran.stdout
            .contains("ignored  visual.vision_model.head.more"),
        "{}",
        ran.stdout
    );
}
