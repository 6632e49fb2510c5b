//! What a server may ask of other machines: files that clients name by their address (`serve/fetch.rs`), and addresses that
//! are told when a job has ended (`serve/deliver.rs`). Which machines those may be is decided in one place ([`address`]).
//!
//! A client chooses these addresses, and the server stands where the client does not: next to databases, other
//! services and the metadata of its cloud. So nothing is asked unless whoever runs the server allows it; the numbers
//! that a name leads to are checked each time it is looked up, and connections are made to the checked numbers only.

mod address;
mod disposition;
#[cfg(test)]
mod fake_names;
mod webhooks;

pub(crate) use address::{HostPattern, Refusal, Rules, Target, refusal_of};
pub(crate) use disposition::file_name;
#[cfg(test)]
pub(crate) use fake_names::FakeNames;

use crate::fault::Fault;
use address::any;
pub(crate) use address::is_public;
use std::path::PathBuf;
use std::sync::Arc;
use tokio::sync::Semaphore;
use webhooks::Webhooks;

/// Addresses that are fetched at once; further ones wait.
const FETCHES: usize = 16;
/// Ports of webhooks, unless the list of hosts names others.
const WEB_PORTS: [u16; 2] = [80, 443];

/// Options of what a server asks.
#[derive(Debug, Clone, Default)]
pub(crate) struct OutboundOptions {
    /// Hosts of files; any without one.
    pub fetch_hosts: Vec<HostPattern>,
    /// Ports of files; 0 for any.
    pub fetch_ports: Vec<u16>,
    /// Hosts of webhooks; none without one.
    pub webhook_hosts: Vec<HostPattern>,
    /// The file of the secret that webhooks are signed with.
    pub webhook_secret_file: Option<PathBuf>,
    /// Addresses of private networks and of this machine may be asked, too.
    pub allow_private: bool,
}

/// What a server asks.
pub(crate) struct Outbound {
    /// The webhooks.
    pub webhooks: Webhooks,
    /// Where files may be fetched from.
    pub files: Arc<Rules>,
    /// Fetches that may begin.
    pub turns: Arc<Semaphore>,
}

impl Outbound {
    /// Fails if the secret of webhooks cannot be read.
    pub(crate) fn new(options: &OutboundOptions) -> Result<Outbound, Fault> {
        let is_reachable = match options.allow_private {
            true => any,
            false => is_public,
        };
        let hooks = Rules {
            hosts: options.webhook_hosts.clone(),
            ports: WEB_PORTS.to_vec(),
            is_reachable,
        };
        Ok(Outbound {
            webhooks: Webhooks::new(hooks, options.webhook_secret_file.clone())?,
            files: Arc::new(Rules {
                hosts: options.fetch_hosts.clone(),
                ports: options.fetch_ports.clone(),
                is_reachable,
            }),
            turns: Arc::new(Semaphore::new(FETCHES)),
        })
    }
}
