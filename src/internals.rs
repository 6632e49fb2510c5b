//! The door for this project's benchmarks, tests and fuzz targets: what they measure and check of the inside. It is there with the feature
//! `internals` only, and changes without notice.

/// Of `config`.
pub mod config {
    pub use crate::config::{Config, Pipeline, Settings};
    /// Of `config::parameters`.
    pub mod parameters {
        pub use crate::config::parameters::reference;
    }
    /// Of `config::vl`.
    pub mod vl {
        pub use crate::config::vl::VlConfig;
    }
}
/// Of `content`.
pub mod content {
    pub use crate::content::{MIN_LENGTH, MIN_LENGTH_TABLE, content_of, otsl, truncate_repetition};
}
/// Of `geometry`.
pub mod geometry {
    pub use crate::geometry::Rect;
    /// Of `geometry::contour`.
    pub mod contour {
        pub use crate::geometry::contour::Mask;
    }
}
/// Of `input`.
pub mod input {
    pub use crate::input::{InputFile, OpenOptions, PixelsWanted, decode_all, open};
    /// Of `input::decode`.
    pub mod decode {
        pub use crate::input::decode::FileKind;
    }
    /// Of `input::worker`.
    pub mod worker {
        pub use crate::input::worker::{PoolOptions, WorkerPool};
        /// Of `input::worker::protocol`.
        pub mod protocol {
            pub use crate::input::worker::protocol::{MAX_MESSAGE, PageRequest};
        }
    }
}
/// Of `kernels`.
pub mod kernels {
    pub use crate::kernels::winograd;
    /// Of `kernels::attention`.
    pub mod attention {
        pub use crate::kernels::attention::Row;
    }
}
/// Of `layout`.
pub mod layout {
    pub use crate::layout::{Region, pixel_values};
    /// Of `layout::geometric`.
    pub mod geometric {
        pub use crate::layout::geometric::regions;
    }
    /// Of `layout::postprocess`.
    pub mod postprocess {
        pub use crate::layout::postprocess::{RawBox, RawLayout, postprocess};
    }
    /// Of `layout::pp_doclayout`.
    pub mod pp_doclayout {
        pub use crate::layout::pp_doclayout::{PpDocLayout, released_name};
    }
}
/// Of `lines`.
pub mod lines {
    pub use crate::lines::{LineOptions, LineReader, PreparedPage, memory, prepare_layer};
}
/// Of `net`.
pub mod net {
    pub use crate::net::RetryRules;
}
/// Of `onnx`.
pub mod onnx {
    pub use crate::onnx::{Device, Runtime, SessionOptions};
    /// Of `onnx::checkpoint`.
    pub mod checkpoint {
        pub use crate::onnx::checkpoint::Checkpoint;
    }
    /// Of `onnx::graph`.
    pub mod graph {
        pub use crate::onnx::graph::{Attr, Dim, Element, Graph};
    }
    /// Of `onnx::network`.
    pub mod network {
        pub use crate::onnx::network::Array;
    }
    /// Of `onnx::projection`.
    pub mod projection {
        pub use crate::onnx::projection::Quantization;
    }
    /// Of `onnx::slots`.
    pub mod slots {
        pub use crate::onnx::slots::AttentionKernel;
    }
}
/// Of `plan`.
pub mod plan {
    pub use crate::plan::{
        FACTOR, PageName, PixelLimits, PlanOptions, Request, RequestOptions, plan_page,
        smart_resize,
    };
}
/// Of `preprocess`.
pub mod preprocess {
    pub use crate::preprocess::orientation_size;
    /// Of `preprocess::pp_lcnet`.
    pub mod pp_lcnet {
        pub use crate::preprocess::pp_lcnet::{OrientationClassifier, pixel_values};
    }
    /// Of `preprocess::uvdoc`.
    pub mod uvdoc {
        pub use crate::preprocess::uvdoc::Unwarper;
    }
}
/// Of `proof`.
pub mod proof {
    pub use crate::proof::parity;
    /// Of `proof::replay`.
    pub mod replay {
        pub use crate::proof::replay::Case;
    }
}
/// Of `raster`.
pub mod raster {
    pub use crate::raster::{Filter, Pixels};
}
/// Of `recognize`.
pub mod recognize {
    pub use crate::recognize::{BlockRequest, Recognizer, Ticket, paddleocr_vl};
    /// Of `recognize::draft`.
    pub mod draft {
        pub use crate::recognize::draft::Draft;
    }
    /// Of `recognize::scheduler`.
    pub mod scheduler {
        pub use crate::recognize::scheduler::{Answer, GenerationTask, Scheduler, Steps};
        /// Of `recognize::scheduler::kv_cache`.
        pub mod kv_cache {
            pub use crate::recognize::scheduler::kv_cache::Bucket;
        }
    }
    /// Of `recognize::server`.
    pub mod server {
        pub use crate::recognize::server::{ServerRecognizer, StopSignals};
        /// Of `recognize::server::client`.
        pub mod client {
            pub use crate::recognize::server::client::{ApiKey, ClientOptions, ModelName};
        }
        /// Of `recognize::server::protocol`.
        pub mod protocol {
            pub use crate::recognize::server::protocol::Dialect;
        }
    }
}
/// Of `runtime`.
pub mod runtime {
    pub use crate::runtime::{ONNXRUNTIME, PDFIUM, RuntimeDirs};
}
/// Of `writer`.
pub mod writer {
    pub use crate::writer::markdown;
}
