//! Parameters of running: time, memory, threads, devices; and flags of the reference that change nothing here.

use super::{BASE, Destination, Heading, Parameter, ValueKind};

const RUNNING: Parameter = Parameter {
    place: Destination::Program { key: None },
    kind: ValueKind::Size,
    heading: Heading::Running,
    value_name: "SIZE",
    ..BASE
};
const IGNORED: Parameter = Parameter {
    place: Destination::Nowhere,
    kind: ValueKind::Bool,
    heading: Heading::Ignored,
    value_name: "BOOL",
    ..BASE
};

/// Its entries.
pub(super) const PART: &[Parameter] = &[
    Parameter {
        name: "max_page_pixels",
        place: Destination::Key("max_page_pixels"),
        kind: ValueKind::Within(10_000, 178_956_970),
        value_name: "N",
        help: "Limit on the pixels of a page; larger pages are rendered at a lower scale [default: 178956970]",
        ..RUNNING
    },
    Parameter {
        name: "page_timeout",
        place: Destination::Key("page_timeout"),
        kind: ValueKind::Int,
        value_name: "SECONDS",
        help: "Time limit in seconds for a page, all steps together; a page that takes longer fails",
        ..RUNNING
    },
    Parameter {
        name: "device",
        kind: ValueKind::Text,
        value_name: "DEVICE",
        help: "Device that networks run on: auto, cpu, gpu, gpu:N; or several, with a process for each: gpu:0,1, gpu:all, \
               gpu:0,cpu",
        ..RUNNING
    },
    Parameter {
        name: "cpu_threads",
        kind: ValueKind::Count,
        value_name: "N",
        help: "Number of CPU threads for ONNX Runtime, shared out among several devices [default: all cores]",
        ..RUNNING
    },
    Parameter {
        name: "gpu_memory",
        help: "GPU memory limit of all networks together, on each GPU, such as 8G or 3000M [default: no limit; the recognizer's KV \
               cache takes 8G besides its weights]",
        ..RUNNING
    },
    Parameter {
        name: "threads",
        kind: ValueKind::Count,
        value_name: "N",
        help: "Number of threads and worker processes for everything but the networks [default: all cores]",
        ..RUNNING
    },
    Parameter {
        name: "memory_limit",
        place: Destination::Program {
            key: Some("memory_limit"),
        },
        help: "Memory limit of a run, all its processes together, such as 4G; worker processes, networks and pages \
               in flight are planned within it [default: the memory of the machine or its control group, less a \
               quarter]",
        ..RUNNING
    },
    Parameter {
        name: "runtime_dir",
        kind: ValueKind::Folder,
        value_name: "DIR",
        help: "Folder of the native libraries and line recognition models",
        ..RUNNING
    },
    Parameter {
        name: "fail_fast",
        kind: ValueKind::Switch { undoes: None },
        help: "Stop at the first input, page or block that fails",
        ..RUNNING
    },
    Parameter {
        name: "engine",
        kind: ValueKind::OneOf(&[
            "paddle",
            "paddle_static",
            "paddle_dynamic",
            "transformers",
            "onnxruntime",
        ]),
        value_name: "ENGINE",
        help: "Engine of the reference",
        ..IGNORED
    },
    Parameter {
        name: "enable_hpi",
        help: "High-performance inference of the reference",
        ..IGNORED
    },
    Parameter {
        name: "use_tensorrt",
        help: "TensorRT of the reference",
        ..IGNORED
    },
    Parameter {
        name: "enable_mkldnn",
        help: "MKL-DNN of the reference",
        ..IGNORED
    },
    Parameter {
        name: "mkldnn_cache_capacity",
        kind: ValueKind::Int,
        value_name: "N",
        help: "MKL-DNN cache of the reference",
        ..IGNORED
    },
    Parameter {
        name: "enable_cinn",
        help: "CINN of the reference",
        ..IGNORED
    },
    Parameter {
        name: "use_queues",
        help: "Threaded stages of the reference; always on in docparse",
        ..IGNORED
    },
];
