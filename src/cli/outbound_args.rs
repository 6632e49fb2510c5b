//! Flags about what `docparse serve` asks of other machines.

use super::Failure;
use crate::serve::{HostPattern, OutboundOptions};
use clap::{Args, ValueHint, value_parser};
use std::path::PathBuf;

const OTHERS: &str = "Other machines";

/// Flags about files with addresses, and webhooks.
#[derive(Debug, Args)]
pub(crate) struct OutboundArgs {
    /// Fetch files that clients name by http or https addresses; only from the public network
    #[arg(long, help_heading = OTHERS)]
    pub allow_url_fetch: bool,
    /// Fetch from these hosts only: example.org, *.example.org (those below it) or host:8443, separated by commas
    #[arg(long, value_name = "HOSTS", value_delimiter = ',', requires = "allow_url_fetch", help_heading = OTHERS)]
    pub allow_url_hosts: Vec<HostPattern>,
    /// Fetch from these ports only; 0 for any
    #[arg(long, value_name = "PORTS", value_delimiter = ',', default_value = "80,443", help_heading = OTHERS)]
    pub url_fetch_ports: Vec<u16>,
    /// Seconds for a file to come, redirects included
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = value_parser!(u64).range(1..=86_400), help_heading = OTHERS)]
    pub fetch_timeout: u64,
    /// Tell these hosts of the end of jobs that ask for it (webhook): example.org, *.example.org or host:8443, separated by commas
    #[arg(long, value_name = "HOSTS", value_delimiter = ',', requires = "webhook_secret_file", help_heading = OTHERS)]
    pub webhook_hosts: Vec<HostPattern>,
    /// File of the secret that webhooks are signed with, at least 16 characters; read again at SIGHUP
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, help_heading = OTHERS)]
    pub webhook_secret_file: Option<PathBuf>,
    /// Dangerous: let clients make the server ask addresses of this machine and of private networks. For tests, and for
    /// closed networks whose clients may reach all of it anyway
    #[arg(long, help_heading = OTHERS)]
    pub allow_private_urls: bool,
}

impl OutboundArgs {
    /// Options of the server.
    pub(super) fn options(&self, is_offline: bool) -> Result<OutboundOptions, Failure> {
        if is_offline && (self.allow_url_fetch || !self.webhook_hosts.is_empty()) {
            return Err(Failure::usage(
                "--offline forbids what --allow-url-fetch and --webhook-hosts allow",
                "leave one of them out",
            ));
        }
        Ok(OutboundOptions {
            fetch_hosts: self.allow_url_hosts.clone(),
            fetch_ports: self.url_fetch_ports.clone(),
            webhook_hosts: self.webhook_hosts.clone(),
            webhook_secret_file: self.webhook_secret_file.clone(),
            allow_private: self.allow_private_urls,
        })
    }
}
