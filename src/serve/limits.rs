//! The limits of a server. Each is a flag, an environment variable, an entry of `/v1/capabilities`, and named in the
//! error that it causes.

use serde_json::{Value, json};
use std::time::Duration;

/// What a limit counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    /// Bytes.
    Bytes,
    /// Pages.
    Pages,
    /// Pixels.
    Pixels,
    /// Seconds.
    Seconds,
    /// Other things.
    Count,
}

impl Unit {
    fn name(self) -> &'static str {
        match self {
            Unit::Bytes => "bytes",
            Unit::Pages => "pages",
            Unit::Pixels => "pixels",
            Unit::Seconds => "seconds",
            Unit::Count => "count",
        }
    }
}

/// A limit with its value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limit {
    /// Name; that of the flag, with underscores.
    pub name: &'static str,
    /// What it counts.
    pub unit: Unit,
    /// Its value.
    pub value: u64,
}

impl Limit {
    /// For clients.
    pub(crate) fn to_json(self) -> Value {
        json!({
            "name": self.name,
            "flag": self.flag(),
            "variable": format!("DOCPARSE_{}", self.name.to_uppercase()),
            "value": self.value,
            "unit": self.unit.name(),
        })
    }

    /// The flag that sets it.
    pub(crate) fn flag(self) -> String {
        format!("--{}", self.name.replace('_', "-"))
    }
}

macro_rules! limits {
    ($($field:ident, $unit:ident, $what:literal;)*) => {
        /// The limits of a server.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub(crate) struct Limits {
            $(#[doc = $what] pub $field: u64,)*
        }

        impl Limits {
            /// All of them.
            pub(crate) fn all(&self) -> Vec<Limit> {
                vec![$(Limit { name: stringify!($field), unit: Unit::$unit, value: self.$field }),*]
            }
        }
    };
}

limits! {
    max_upload_size, Bytes, "Bytes of all files of a request together.";
    max_files, Count, "Files of a request.";
    max_document_pages, Pages, "Pages of a document.";
    max_page_pixels, Pixels, "Pixels of a page; larger pages are rendered smaller, larger pictures refused.";
    page_timeout, Seconds, "Time for a page.";
    job_timeout, Seconds, "Time that a job may be worked on.";
    sync_timeout, Seconds, "Time that a request waits for its job before it is told where to find it.";
    concurrency, Count, "Jobs that are worked on at once.";
    max_queued_jobs, Count, "Jobs that have not ended.";
    max_queued_pages, Pages, "Pages of jobs that have not ended.";
    max_queued_size, Bytes, "Bytes of jobs that have not ended.";
    max_connections, Count, "Open connections.";
    read_timeout, Seconds, "Longest pause while a request comes.";
    fetch_timeout, Seconds, "Time for a file that is named by its address to come.";
    result_ttl, Seconds, "Time that results stay.";
    max_results_size, Bytes, "Bytes of all results together; the oldest go first.";
    drain_timeout, Seconds, "Time for the work under way to end once the server is told to.";
    memory_limit, Bytes, "Memory of the server with its worker processes.";
}

impl Limits {
    /// One of them, by name.
    pub(crate) fn named(&self, name: &str) -> Option<Limit> {
        self.all().into_iter().find(|limit| limit.name == name)
    }
}

/// A number of seconds.
pub(crate) fn seconds(number: u64) -> Duration {
    Duration::from_secs(number)
}
