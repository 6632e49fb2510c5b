//! Flags of the reference that are accepted for compatibility and have no effect.

use super::args::parse_bool;
use clap::Args;

/// Flags for the reference's engines: accepted and checked, without effect.
#[derive(Debug, Args, Default)]
pub struct IgnoredArgs {
    /// Engine of the reference
    #[arg(long, value_name = "ENGINE", value_parser = ["paddle", "paddle_static", "paddle_dynamic", "transformers", "onnxruntime"], help_heading = "Accepted without effect")]
    pub engine: Option<String>,
    /// High-performance inference of the reference
    #[arg(long, num_args = 0..=1, default_missing_value = "true", value_parser = parse_bool, value_name = "BOOL", help_heading = "Accepted without effect")]
    pub enable_hpi: Option<bool>,
    /// TensorRT of the reference
    #[arg(long, num_args = 0..=1, default_missing_value = "true", value_parser = parse_bool, value_name = "BOOL", help_heading = "Accepted without effect")]
    pub use_tensorrt: Option<bool>,
    /// MKL-DNN of the reference
    #[arg(long, num_args = 0..=1, default_missing_value = "true", value_parser = parse_bool, value_name = "BOOL", help_heading = "Accepted without effect")]
    pub enable_mkldnn: Option<bool>,
    /// MKL-DNN cache of the reference
    #[arg(long, value_name = "N", help_heading = "Accepted without effect")]
    pub mkldnn_cache_capacity: Option<i64>,
    /// CINN of the reference
    #[arg(long, num_args = 0..=1, default_missing_value = "true", value_parser = parse_bool, value_name = "BOOL", help_heading = "Accepted without effect")]
    pub enable_cinn: Option<bool>,
    /// Threaded stages of the reference; docparse always has them
    #[arg(long, num_args = 0..=1, default_missing_value = "true", value_parser = parse_bool, value_name = "BOOL", help_heading = "Accepted without effect")]
    pub use_queues: Option<bool>,
}

impl IgnoredArgs {
    /// Names of the flags that were given.
    pub fn given(&self) -> Vec<&'static str> {
        let checks = [
            ("--engine", self.engine.is_some()),
            ("--enable-hpi", self.enable_hpi.is_some()),
            ("--use-tensorrt", self.use_tensorrt.is_some()),
            ("--enable-mkldnn", self.enable_mkldnn.is_some()),
            (
                "--mkldnn-cache-capacity",
                self.mkldnn_cache_capacity.is_some(),
            ),
            ("--enable-cinn", self.enable_cinn.is_some()),
            ("--use-queues", self.use_queues.is_some()),
        ];
        checks
            .into_iter()
            .filter(|(_, given)| *given)
            .map(|(name, _)| name)
            .collect()
    }
}
