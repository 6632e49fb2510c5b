//! Parameters of the PaddleOCR-VL pipelines: their networks, the recognizer, servers.

use super::{About, BASE, Destination, Heading, Parameter, ValueKind};

const NETWORKS: Parameter = Parameter {
    kind: ValueKind::Bool,
    about: About::Networks,
    heading: Heading::PaddleOcrVl,
    value_name: "BOOL",
    ..BASE
};
const NETWORK_NAME: Parameter = Parameter {
    kind: ValueKind::Text,
    value_name: "NAME",
    ..NETWORKS
};
const NETWORK_DIR: Parameter = Parameter {
    kind: ValueKind::Folder,
    value_name: "DIR",
    ..NETWORKS
};
const RECOGNIZER: Parameter = Parameter {
    about: About::Recognizer,
    ..NETWORKS
};
const SAMPLING: Parameter = Parameter {
    place: Destination::Predict,
    kind: ValueKind::Float,
    value_name: "X",
    ..RECOGNIZER
};
const PIXELS: Parameter = Parameter {
    place: Destination::Predict,
    kind: ValueKind::Int,
    value_name: "N",
    ..RECOGNIZER
};
const OWN: Parameter = Parameter {
    about: About::OwnRecognizer,
    kind: ValueKind::Count,
    value_name: "N",
    ..RECOGNIZER
};
const SERVER: Parameter = Parameter {
    about: About::Server,
    kind: ValueKind::Text,
    value_name: "NAME",
    ..RECOGNIZER
};

/// Its entries.
pub(super) const PART: &[Parameter] = &[
    Parameter {
        name: "use_doc_orientation_classify",
        place: Destination::Key("SubPipelines.DocPreprocessor.use_doc_orientation_classify"),
        neutral: &["false"],
        help: "Turn pages upright with the orientation network; the pipeline lite needs no network for this \
               [default: false]",
        ..NETWORKS
    },
    Parameter {
        name: "use_doc_unwarping",
        place: Destination::Key("SubPipelines.DocPreprocessor.use_doc_unwarping"),
        neutral: &["false"],
        help: "Flatten photographed pages with the unwarping network [default: false]",
        ..NETWORKS
    },
    Parameter {
        name: "use_layout_detection",
        place: Destination::Key("use_layout_detection"),
        neutral: &["true"],
        help: "Run layout detection",
        ..NETWORKS
    },
    Parameter {
        name: "use_chart_recognition",
        place: Destination::Key("use_chart_recognition"),
        neutral: &["false"],
        help: "Recognize charts as tables",
        ..RECOGNIZER
    },
    Parameter {
        name: "use_seal_recognition",
        place: Destination::Key("use_seal_recognition"),
        neutral: &["false"],
        help: "Recognize the text of seals",
        ..RECOGNIZER
    },
    Parameter {
        name: "use_ocr_for_image_block",
        place: Destination::Key("use_ocr_for_image_block"),
        neutral: &["false"],
        help: "Recognize the text in pictures",
        ..RECOGNIZER
    },
    Parameter {
        name: "merge_layout_blocks",
        place: Destination::Key("merge_layout_blocks"),
        neutral: &["false"],
        help: "Merge neighbouring text blocks before recognition",
        ..RECOGNIZER
    },
    Parameter {
        name: "layout_detection_model_name",
        place: Destination::Key("SubModules.LayoutDetection.model_name"),
        help: "Layout network: PP-DocLayoutV2 or PP-DocLayoutV3",
        ..NETWORK_NAME
    },
    Parameter {
        name: "layout_detection_model_dir",
        place: Destination::Key("SubModules.LayoutDetection.model_dir"),
        help: "Folder of the layout network: config.json with model.safetensors, or inference.onnx with inference.yml",
        ..NETWORK_DIR
    },
    Parameter {
        name: "layout_threshold",
        place: Destination::Key("SubModules.LayoutDetection.threshold"),
        kind: ValueKind::Float,
        value_name: "P",
        help: "Score threshold of the layout network",
        ..NETWORKS
    },
    Parameter {
        name: "layout_nms",
        place: Destination::Key("SubModules.LayoutDetection.layout_nms"),
        help: "Drop overlapping layout boxes (non-maximum suppression)",
        ..NETWORKS
    },
    Parameter {
        name: "layout_unclip_ratio",
        place: Destination::Key("SubModules.LayoutDetection.layout_unclip_ratio"),
        kind: ValueKind::Float,
        value_name: "RATIO",
        help: "Factor by which layout boxes are enlarged",
        ..NETWORKS
    },
    Parameter {
        name: "layout_merge_bboxes_mode",
        place: Destination::Key("SubModules.LayoutDetection.layout_merge_bboxes_mode"),
        kind: ValueKind::OneOf(&["union", "large", "small"]),
        value_name: "MODE",
        help: "Layout boxes that contain each other: union (keep all), large (keep the outer), small (keep the inner)",
        ..NETWORKS
    },
    Parameter {
        name: "layout_shape_mode",
        place: Destination::Predict,
        kind: ValueKind::OneOf(&["rect", "quad", "poly", "auto"]),
        neutral: &["auto", "rect"],
        value_name: "MODE",
        help: "Shape of layout regions: rect, quad, poly or auto",
        ..NETWORKS
    },
    Parameter {
        name: "vl_rec_model_name",
        place: Destination::Key("SubModules.VLRecognition.model_name"),
        kind: ValueKind::Text,
        value_name: "NAME",
        help: "Recognizer: PaddleOCR-VL-0.9B, PaddleOCR-VL-1.5-0.9B or PaddleOCR-VL-1.6-0.9B",
        ..RECOGNIZER
    },
    Parameter {
        name: "vl_rec_model_dir",
        place: Destination::Key("SubModules.VLRecognition.model_dir"),
        kind: ValueKind::Folder,
        value_name: "DIR",
        help: "Folder of the recognizer: config.json, model.safetensors, tokenizer.json and its other files",
        ..OWN
    },
    Parameter {
        name: "vl_rec_backend",
        place: Destination::Key("SubModules.VLRecognition.genai_config.backend"),
        kind: ValueKind::OneOf(&[
            "native",
            "lines",
            "text_layer",
            "vllm-server",
            "sglang-server",
            "fastdeploy-server",
            "mlx-vlm-server",
            "llama-cpp-server",
        ]),
        value_name: "NAME",
        help: "What reads blocks: native (PaddleOCR-VL in this process), a server with --vl-rec-server-url, or \
               without PaddleOCR-VL: lines (the text layer, or line recognition if there is none) or text_layer (the \
               text layer only) [default: native]",
        ..NETWORKS
    },
    Parameter {
        name: "vl_rec_server_url",
        place: Destination::Key("SubModules.VLRecognition.genai_config.server_url"),
        value_name: "URL",
        help: "URL of the recognition server, such as http://localhost:8118/v1. With several, separated by commas, \
               each request goes to the server with the fewest requests in flight",
        ..SERVER
    },
    Parameter {
        name: "vl_rec_max_concurrency",
        place: Destination::Key("SubModules.VLRecognition.genai_config.max_concurrency"),
        kind: ValueKind::Int,
        value_name: "N",
        help: "Limit on the requests in flight, to all servers together [default: 200]",
        ..SERVER
    },
    Parameter {
        name: "vl_rec_api_model_name",
        place: Destination::Key("SubModules.VLRecognition.genai_config.client_kwargs.model_name"),
        help: "Model name sent to the server [default: that of the pipeline, such as PaddleOCR-VL-1.6-0.9B]",
        ..SERVER
    },
    Parameter {
        name: "vl_rec_api_key",
        place: Destination::Key("SubModules.VLRecognition.genai_config.client_kwargs.api_key"),
        kind: ValueKind::Secret,
        value_name: "KEY",
        help: "API key sent to the server; safer in the environment or a file",
        ..SERVER
    },
    Parameter {
        name: "doc_orientation_classify_model_name",
        place: Destination::Key(
            "SubPipelines.DocPreprocessor.SubModules.DocOrientationClassify.model_name",
        ),
        help: "Orientation network",
        ..NETWORK_NAME
    },
    Parameter {
        name: "doc_orientation_classify_model_dir",
        place: Destination::Key(
            "SubPipelines.DocPreprocessor.SubModules.DocOrientationClassify.model_dir",
        ),
        help: "Folder of the orientation network [default: docparse's own copy]",
        ..NETWORK_DIR
    },
    Parameter {
        name: "doc_unwarping_model_name",
        place: Destination::Key("SubPipelines.DocPreprocessor.SubModules.DocUnwarping.model_name"),
        help: "Unwarping network",
        ..NETWORK_NAME
    },
    Parameter {
        name: "doc_unwarping_model_dir",
        place: Destination::Key("SubPipelines.DocPreprocessor.SubModules.DocUnwarping.model_dir"),
        help: "Folder of the unwarping network",
        ..NETWORK_DIR
    },
    Parameter {
        name: "prompt_label",
        place: Destination::Predict,
        kind: ValueKind::OneOfAnyCase(&["ocr", "formula", "table", "chart", "seal", "spotting"]),
        neutral: &["ocr"],
        value_name: "LABEL",
        help: "Recognition task for whole pages, without layout detection",
        ..RECOGNIZER
    },
    Parameter {
        name: "repetition_penalty",
        help: "Sampling: penalty on repeated tokens",
        ..SAMPLING
    },
    Parameter {
        name: "temperature",
        help: "Sampling temperature",
        ..SAMPLING
    },
    Parameter {
        name: "top_p",
        value_name: "P",
        help: "Sampling: probability mass of the tokens that may be chosen (nucleus sampling)",
        ..SAMPLING
    },
    Parameter {
        name: "min_pixels",
        help: "Minimum number of pixels of a crop; smaller crops are enlarged",
        ..PIXELS
    },
    Parameter {
        name: "max_pixels",
        help: "Maximum number of pixels of a crop; larger crops are reduced",
        ..PIXELS
    },
    Parameter {
        name: "max_new_tokens",
        help: "Limit on the tokens generated for a block",
        ..PIXELS
    },
    Parameter {
        name: "vl_rec_channel_order",
        kind: ValueKind::OneOf(&["rgb", "bgr"]),
        neutral: &["rgb"],
        value_name: "ORDER",
        help: "Order of the colour channels for the recognizer: rgb, or bgr as in the reference's native backend \
               [default: rgb]",
        ..RECOGNIZER
    },
    Parameter {
        name: "precision",
        kind: ValueKind::OneOf(&["auto", "fp32", "fp16", "bf16", "int8", "int4"]),
        neutral: &["auto", "fp32"],
        value_name: "PRECISION",
        help: "Precision of the recognizer: auto (int8 on the CPU, bf16 or fp16 on a GPU), fp32 (exact), bf16 and fp16 (GPU), \
               int8 and int4 (CPU; the decoder only; int4 is experimental); see docs/precision.md [default: auto]",
        ..OWN
    },
    Parameter {
        name: "vision_precision",
        kind: ValueKind::OneOf(&["fp32", "int8"]),
        neutral: &["fp32"],
        value_name: "PRECISION",
        help: "Precision of the recognizer's vision encoder on the CPU: fp32, or int8 (twice as fast) [default: fp32]",
        ..OWN
    },
    Parameter {
        name: "draft",
        kind: ValueKind::OneOf(&["auto", "lines", "off"]),
        neutral: &["off"],
        value_name: "MODE",
        help: "Source of drafts for speculative decoding: auto (the text layer, where it can be trusted), lines \
               (also line recognition), off. Drafts change the speed, never the result [default: auto]",
        ..OWN
    },
    Parameter {
        name: "repetition_stop",
        kind: ValueKind::OneOf(&["on", "off"]),
        value_name: "SWITCH",
        help: "Stop runaway repetition early, once it is certain that it would be cut at the token limit: on, or off \
               to decode to the limit [default: on]",
        ..OWN
    },
    Parameter {
        name: "block_timeout",
        kind: ValueKind::Count,
        value_name: "SECONDS",
        help: "Time limit in seconds for recognizing a block: then the answer is cut, or with a server the block \
               fails [default: none]",
        ..RECOGNIZER
    },
    Parameter {
        name: "seed",
        help: "Seed of sampling with --temperature [default: 0]",
        ..OWN
    },
    Parameter {
        name: "vl_rec_slots",
        help: "Number of blocks decoded together in a batch [default: 16; on a GPU 64, below compute capability 8.0 16]",
        ..OWN
    },
    Parameter {
        name: "kv_cache",
        alias: Some("memory"),
        kind: ValueKind::Size,
        value_name: "SIZE",
        help: "Size limit of the recognizer's KV cache on the CPU, shared by the blocks in flight, such as 2G \
               [default: 1G, less if --memory-limit requires it]",
        ..OWN
    },
];
