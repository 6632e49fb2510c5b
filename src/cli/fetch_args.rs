//! Flags of inputs that are fetched or read from a stream.

use crate::config::schema::parse_size;
use crate::input::fetch::DEFAULT_TIMEOUT;
use crate::input::spool::MAX_INPUT_SIZE;
use clap::Args;
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
    /// Size limit in bytes of an input that is not a file.
    pub fn max_bytes(&self) -> u64 {
        self.max_input_size
            .map_or(MAX_INPUT_SIZE, |bytes| bytes as u64)
    }

    /// Time limit for the download of an input.
    pub fn timeout(&self) -> Duration {
        self.fetch_timeout
            .map_or(DEFAULT_TIMEOUT, Duration::from_secs)
    }
}
