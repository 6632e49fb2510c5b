//! Which addresses a server asks for its clients: schemes, hosts, ports, and the numbers that hosts lead to.
//!
//! [`Rules::target`] looks at an address as it is written, [`Checked`] at the numbers that its host leads to. The client
//! of HTTP connects to the numbers that [`Checked`] returns and looks nothing up itself, so a name that leads elsewhere
//! the next time (DNS rebinding) gains nothing. The ranges are those of IANA's registries of special-purpose addresses.

use crate::net::is_address;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::{DefaultConnector, NextTimeout};

/// Longest address in bytes.
const MOST_ADDRESS: usize = 4096;
/// What is written in addresses though it must be encoded there.
const UNENCODED: &AsciiSet = &CONTROLS.add(b' ').add(b'"').add(b'<').add(b'>');
/// Names of machines of a local network, as they are or as the end of a name.
const LOCAL_NAMES: [&str; 9] = [
    "localhost",
    "localdomain",
    "local",
    "internal",
    "intranet",
    "lan",
    "home",
    "corp",
    "home.arpa",
];
/// Time to reach a server.
const REACH: Duration = Duration::from_secs(10);

/// Reason why an address is not asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refusal {
    /// It is none.
    #[error("it is no address that can be asked")]
    NoAddress,
    /// Another scheme.
    #[error("only http and https addresses are asked")]
    Scheme,
    /// A user or a password.
    #[error("it holds a user or a password")]
    Credentials,
    /// A port that is not allowed.
    #[error("port {0} is not asked by this server")]
    Port(u16),
    /// A host that is not allowed.
    #[error("its host is not on this server's list")]
    NotListed,
    /// The host leads into a private network, or nowhere: which of both, clients need not know.
    #[error("its host is unknown, or not on the public network")]
    NotPublic,
}

/// Hosts that may be asked: `host`, `*.domain` or `*`, with or without a port.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HostPattern {
    /// In lower case; empty for all hosts.
    name: String,
    /// Names below it, and not itself.
    is_below: bool,
    port: Option<u16>,
}

impl FromStr for HostPattern {
    type Err = String;

    fn from_str(text: &str) -> Result<HostPattern, String> {
        let wrong =
            || format!("`{text}` is no host; write example.org, *.example.org or host:8443");
        let text = text.trim();
        let (name, port) = match text.rsplit_once(':') {
            Some((name, port)) if !text.ends_with(']') => {
                (name, Some(port_of(port).ok_or_else(wrong)?))
            }
            _ => (text, None),
        };
        let (name, is_below) = match name.strip_prefix("*.") {
            Some(name) => (name, true),
            None => (name, name == "*"),
        };
        let name = match name {
            "*" => String::new(),
            name => plain_host(name).ok_or_else(wrong)?,
        };
        Ok(HostPattern {
            name,
            is_below,
            port,
        })
    }
}

impl HostPattern {
    fn fits(&self, host: &str) -> bool {
        match self.is_below {
            false => host == self.name,
            true if self.name.is_empty() => true,
            true => host
                .strip_suffix(&self.name)
                .is_some_and(|rest| rest.len() > 1 && rest.ends_with('.')),
        }
    }
}

/// A port as it stands in an address.
fn port_of(text: &str) -> Option<u16> {
    let is_number = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
    text.parse().ok().filter(|port| is_number && *port > 0)
}

/// A host in its one spelling; `None` if it is none. Numbers are written plainly or not at all: what else the system
/// takes for a number (`0x7f.1`, `2130706433`) is refused.
fn plain_host(host: &str) -> Option<String> {
    if let Some(inner) = host.strip_prefix('[') {
        let number: Ipv6Addr = inner.strip_suffix(']')?.parse().ok()?;
        return Some(format!("[{number}]"));
    }
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    let is_label = |label: &str| {
        let is_in = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
        (1..=63).contains(&label.len()) && label.bytes().all(is_in)
    };
    if host.len() > 253 || !host.split('.').all(is_label) {
        return None;
    }
    let last = host.rsplit('.').next().unwrap_or_default();
    let is_number = last.bytes().all(|b| b.is_ascii_digit()) || last.starts_with("0x");
    (!is_number || host.parse::<Ipv4Addr>().is_ok()).then_some(host)
}

/// `true` for names that only a local network knows: those without a dot, too.
fn is_local_name(host: &str) -> bool {
    let is_number = host.starts_with('[') || host.parse::<Ipv4Addr>().is_ok();
    let ends = |name: &str| {
        host.strip_suffix(name)
            .is_some_and(|rest| rest.is_empty() || rest.ends_with('.'))
    };
    !is_number && (!host.contains('.') || LOCAL_NAMES.iter().any(|name| ends(name)))
}

/// `true` for numbers of the public network.
pub(crate) fn is_public(number: IpAddr) -> bool {
    match number {
        IpAddr::V4(number) => is_public_v4(number),
        IpAddr::V6(number) => is_public_v6(number),
    }
}

/// `true` for all numbers, which is for closed networks.
pub(crate) fn any(_: IpAddr) -> bool {
    true
}

fn is_public_v4(number: Ipv4Addr) -> bool {
    !matches!(
        number.octets(),
        // This network, private networks, this machine.
        [0 | 10 | 127, ..]
        | [172, 16..=31, ..]
        | [192, 168, ..]
        // Behind the translators of providers; metadata of some clouds.
        | [100, 64..=127, ..]
        // Link-local, with the metadata of most clouds.
        | [169, 254, ..]
        // Protocols, documentation, relays.
        | [192, 0, 0 | 2, _]
        | [192, 88, 99, _]
        | [198, 51, 100, _]
        | [203, 0, 113, _]
        // Benchmarks.
        | [198, 18 | 19, ..]
        // A cloud's own services, at a number that looks public.
        | [168, 63, 129, 16]
        // Multicast, reserved, broadcast.
        | [224..=255, ..]
    )
}

fn is_public_v6(number: Ipv6Addr) -> bool {
    let parts = number.segments();
    // What is given out lies in 2000::/3: this leaves out loopback, mapped and compatible IPv4 (::/96, ::ffff:0:0/96),
    // NAT64 (64:ff9b::/96, 64:ff9b:1::/48), unique local (fc00::/7), link-local and multicast numbers.
    let is_given_out = parts[0] & 0xe000 == 0x2000;
    let is_special = match parts {
        // Protocols: Teredo, benchmarks, ORCHID.
        [0x2001, 0..=0x1ff, ..] => true,
        // Documentation.
        [0x2001, 0xdb8, ..] | [0x3fff, 0..=0xfff, ..] => true,
        // 6to4: an IPv4 number in disguise. So is ISATAP, in the last half.
        [0x2002, ..] | [_, _, _, _, 0 | 0x200, 0x5efe, ..] => true,
        _ => false,
    };
    is_given_out && !is_special
}

/// `true` if a number is one of this machine's own, whatever network it lies in. Nothing is sent.
fn is_own(address: SocketAddr) -> bool {
    let any: IpAddr = match address {
        SocketAddr::V4(_) => Ipv4Addr::UNSPECIFIED.into(),
        SocketAddr::V6(_) => Ipv6Addr::UNSPECIFIED.into(),
    };
    let own = UdpSocket::bind((any, 0)).and_then(|socket| {
        socket.connect(address)?;
        socket.local_addr()
    });
    own.is_ok_and(|own| own.ip() == address.ip())
}

/// Which addresses may be asked.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    /// Hosts; any without one.
    pub hosts: Vec<HostPattern>,
    /// Ports of hosts that are listed without one; 0 for any.
    pub ports: Vec<u16>,
    /// Which numbers may be reached: [`is_public`] or [`any`].
    pub is_reachable: fn(IpAddr) -> bool,
}

/// An address that may be asked, as far as can be seen without looking up its host.
#[derive(Clone)]
pub(crate) struct Target {
    /// The address, without a fragment.
    pub text: String,
    /// The same, parsed.
    pub uri: Uri,
    /// Its host, in its one spelling.
    pub host: String,
    /// It is encrypted.
    pub is_https: bool,
}

impl fmt::Debug for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The rest of an address may be secret.
        write!(f, "Target({})", self.host)
    }
}

impl Rules {
    fn allows_private(&self) -> bool {
        (self.is_reachable)(Ipv4Addr::LOCALHOST.into())
    }

    /// Checks an address as it is written.
    pub(crate) fn target(&self, address: &str) -> Result<Target, Refusal> {
        let text = address.split('#').next().unwrap_or_default().trim();
        if text.len() > MOST_ADDRESS {
            return Err(Refusal::NoAddress);
        }
        if !is_address(text) {
            return Err(match text.contains(':') {
                true => Refusal::Scheme,
                false => Refusal::NoAddress,
            });
        }
        let text = utf8_percent_encode(text, UNENCODED).to_string();
        let uri: Uri = text.parse().map_err(|_| Refusal::NoAddress)?;
        let authority = uri.authority().ok_or(Refusal::NoAddress)?.as_str();
        if authority.contains('@') {
            return Err(Refusal::Credentials);
        }
        let written = uri.host().ok_or(Refusal::NoAddress)?;
        let host = plain_host(written).ok_or(Refusal::NoAddress)?;
        let is_https = uri.scheme_str() == Some("https");
        // A port that the parser passes over in silence is none.
        let port = match authority.strip_prefix(written) {
            Some("") if is_https => 443,
            Some("") => 80,
            Some(rest) => {
                let port = rest.strip_prefix(':').and_then(port_of);
                port.ok_or(Refusal::NoAddress)?
            }
            None => return Err(Refusal::NoAddress),
        };
        self.check(&host, port)?;
        Ok(Target {
            text,
            uri,
            host,
            is_https,
        })
    }

    fn check(&self, host: &str, port: u16) -> Result<(), Refusal> {
        let is_usual = self.ports.contains(&port) || self.ports.contains(&0);
        let mut listed = self.hosts.iter().filter(|pattern| pattern.fits(host));
        let is_port = match self.hosts.is_empty() {
            true => is_usual,
            false => {
                let first = listed.next().ok_or(Refusal::NotListed)?;
                let fits = |pattern: &HostPattern| pattern.port.map_or(is_usual, |own| own == port);
                fits(first) || listed.any(fits)
            }
        };
        if !is_port {
            return Err(Refusal::Port(port));
        }
        if self.allows_private() {
            return Ok(());
        }
        let number: Option<IpAddr> = match host.strip_prefix('[') {
            Some(inner) => inner.trim_end_matches(']').parse().ok(),
            None => host.parse().ok(),
        };
        match number.map_or(!is_local_name(host), self.is_reachable) {
            true => Ok(()),
            false => Err(Refusal::NotPublic),
        }
    }

    /// A client that connects to checked numbers only. It follows no redirects, returns error statuses as answers,
    /// keeps no connections, and passes through no proxy: that would look up hosts itself.
    pub(crate) fn agent(self: &Arc<Self>) -> ureq::Agent {
        self.agent_with(DefaultResolver::default())
    }

    /// The same, with another way to look up names.
    pub(crate) fn agent_with(self: &Arc<Self>, names: impl Resolver) -> ureq::Agent {
        let config = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .max_redirects(0)
            .max_redirects_will_error(false)
            .accept_encoding("identity")
            .user_agent(concat!("docparse/", env!("CARGO_PKG_VERSION")))
            .proxy(None)
            .max_idle_connections(0)
            .max_idle_connections_per_host(0)
            .timeout_connect(Some(REACH))
            .build();
        let checked = Checked {
            names,
            rules: self.clone(),
        };
        ureq::Agent::with_parts(config, DefaultConnector::default(), checked)
    }
}

/// Looks up names, and returns their numbers only if all of them may be reached.
#[derive(Debug)]
pub(crate) struct Checked<R> {
    names: R,
    rules: Arc<Rules>,
}

impl<R: Resolver> Resolver for Checked<R> {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let refused = || ureq::Error::Io(io::Error::other(Refusal::NotPublic));
        let found = match self.names.resolve(uri, config, timeout) {
            Ok(found) => found,
            Err(ureq::Error::HostNotFound | ureq::Error::Io(_)) if !self.rules.allows_private() => {
                return Err(refused());
            }
            Err(error) => return Err(error),
        };
        let is_allowed = |address: &SocketAddr| {
            (self.rules.is_reachable)(address.ip())
                && (self.rules.allows_private() || !is_own(*address))
        };
        match found.iter().all(is_allowed) {
            true => Ok(found),
            false => Err(refused()),
        }
    }
}

/// The refusal that an error carries.
pub(crate) fn refusal_of(error: &ureq::Error) -> Option<Refusal> {
    match error {
        ureq::Error::Io(error) => error.get_ref()?.downcast_ref::<Refusal>().copied(),
        _ => None,
    }
}

#[cfg(test)]
mod tests;
