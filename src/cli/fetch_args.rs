//! Flags of inputs that are fetched or read from a stream.

use super::args::parse_size;
use crate::input::fetch::{DEFAULT_MAX_INPUT, DEFAULT_TIMEOUT, FetchOptions};
use clap::Args;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// Flags of inputs that are fetched or read from a stream.
#[derive(Debug, Args, Default)]
pub struct FetchArgs {
    /// Seconds after which the download of an input is given up [default: 900]
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=31_536_000), help_heading = "Input and output")]
    pub fetch_timeout: Option<u64>,
    /// Most bytes of an input that is fetched or read from a stream, such as 500M; counted as they are unpacked [default: 4G]
    #[arg(long, value_name = "SIZE", value_parser = parse_size, help_heading = "Input and output")]
    pub max_input_size: Option<usize>,
}

impl FetchArgs {
    /// Bytes at most of an input that is no file.
    pub fn max_bytes(&self) -> u64 {
        self.max_input_size.map_or(DEFAULT_MAX_INPUT, |bytes| bytes as u64)
    }

    /// How inputs are fetched; `cancel` ends it.
    pub fn options(&self, cancel: Arc<AtomicBool>) -> FetchOptions {
        let timeout = self.fetch_timeout.map_or(DEFAULT_TIMEOUT, Duration::from_secs);
        FetchOptions { timeout, max_bytes: self.max_bytes(), cancel }
    }
}
