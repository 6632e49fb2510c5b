//! Private items for this project's benchmarks, tests and fuzz targets. They exist with the feature `internals` only, and change without
//! notice.

/// Items of `config`.
pub mod config {
    pub use crate::config::{Config, Pipeline, Settings};
    /// Items of `config::parameters`.
    pub mod parameters {
        pub use crate::config::parameters::reference;
    }
    /// Items of `config::vl`.
    pub mod vl {
        pub use crate::config::vl::VlConfig;
    }
}
/// Items of `content`.
pub mod content {
    pub use crate::content::{MIN_LENGTH, MIN_LENGTH_TABLE, content_of, otsl, truncate_repetition};
}
/// Items of `geometry`.
pub mod geometry {
    pub use crate::geometry::Rect;
    /// Items of `geometry::contour`.
    pub mod contour {
        pub use crate::geometry::contour::Mask;
    }
}
/// Items of `input`.
pub mod input {
    pub use crate::input::{InputFile, OpenOptions, PixelsWanted, decode_all, open};
    /// Items of `input::decode`.
    pub mod decode {
        pub use crate::input::decode::FileKind;
    }
    /// Items of `input::worker`.
    pub mod worker {
        pub use crate::input::worker::{PoolOptions, WorkerPool};
        /// Items of `input::worker::protocol`.
        pub mod protocol {
            pub use crate::input::worker::protocol::{MAX_MESSAGE, PageRequest};
        }
    }
}
/// Items of `kernels`.
pub mod kernels {
    pub use crate::kernels::winograd;
    /// Items of `kernels::attention`.
    pub mod attention {
        pub use crate::kernels::attention::Row;
    }
}
/// Items of `layout`.
pub mod layout {
    pub use crate::layout::{Region, pixel_values};
    /// Items of `layout::geometric`.
    pub mod geometric {
        pub use crate::layout::geometric::regions;
    }
    /// Items of `layout::postprocess`.
    pub mod postprocess {
        pub use crate::layout::postprocess::{RawBox, RawLayout, postprocess};
    }
    /// Items of `layout::pp_doclayout`.
    pub mod pp_doclayout {
        pub use crate::layout::pp_doclayout::{PpDocLayout, released_name};
    }
}
/// Items of `lines`.
pub mod lines {
    pub use crate::lines::{
        LineOptions, LineReader, PreparedPage, RecognizerPrecision, memory, prepare_layer,
    };
}
/// Items of `net`.
pub mod net {
    pub use crate::net::{RetryRules, TraceContext};
}
/// Items of `onnx`.
pub mod onnx {
    pub use crate::onnx::{Device, Runtime, SessionOptions};
    /// Items of `onnx::checkpoint`.
    pub mod checkpoint {
        pub use crate::onnx::checkpoint::Checkpoint;
    }
    /// Items of `onnx::graph`.
    pub mod graph {
        pub use crate::onnx::graph::{Attr, Dim, Element, Graph};
    }
    /// Items of `onnx::network`.
    pub mod network {
        pub use crate::onnx::network::Array;
    }
    /// Items of `onnx::projection`.
    pub mod projection {
        pub use crate::onnx::projection::Quantization;
    }
    /// Items of `onnx::slots`.
    pub mod slots {
        pub use crate::onnx::slots::AttentionKernel;
    }
}
/// Items of `plan`.
pub mod plan {
    pub use crate::plan::{
        FACTOR, PageName, PixelLimits, PlanOptions, Request, RequestOptions, plan_page,
        smart_resize,
    };
}
/// Items of `preprocess`.
pub mod preprocess {
    pub use crate::preprocess::orientation_size;
    /// Items of `preprocess::pp_lcnet`.
    pub mod pp_lcnet {
        pub use crate::preprocess::pp_lcnet::{OrientationClassifier, pixel_values};
    }
    /// Items of `preprocess::uvdoc`.
    pub mod uvdoc {
        pub use crate::preprocess::uvdoc::Unwarper;
    }
}
/// Items of `proof`.
pub mod proof {
    pub use crate::proof::parity;
    /// Items of `proof::replay`.
    pub mod replay {
        pub use crate::proof::replay::Case;
    }
}
/// Items of `raster`.
pub mod raster {
    pub use crate::raster::{Filter, Pixels};
}
/// Items of `recognize`.
pub mod recognize {
    pub use crate::recognize::{BlockRequest, Recognizer, Ticket, paddleocr_vl};
    /// Items of `recognize::draft`.
    pub mod draft {
        pub use crate::recognize::draft::Draft;
    }
    /// Items of `recognize::scheduler`.
    pub mod scheduler {
        pub use crate::recognize::scheduler::{Answer, GenerationTask, Scheduler, Steps};
        /// Items of `recognize::scheduler::kv_cache`.
        pub mod kv_cache {
            pub use crate::recognize::scheduler::kv_cache::Bucket;
        }
    }
    /// Items of `recognize::server`.
    pub mod server {
        pub use crate::recognize::server::{ServerRecognizer, StopSignals};
        /// Items of `recognize::server::client`.
        pub mod client {
            pub use crate::recognize::server::client::{ApiKey, ClientOptions, ModelName};
        }
        /// Items of `recognize::server::protocol`.
        pub mod protocol {
            pub use crate::recognize::server::protocol::Dialect;
        }
    }
}
/// Items of `runtime`.
pub mod runtime {
    pub use crate::runtime::{ONNXRUNTIME, PDFIUM, RuntimeDirs};
}
/// Items of `writer`.
pub mod writer {
    pub use crate::writer::markdown;
}
