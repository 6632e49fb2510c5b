//! Names that lead where a test says.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;

/// Leads all names, at each look-up, to the next of some lists of numbers, and in the end to the last of them.
#[derive(Debug, Clone)]
pub(crate) struct FakeNames {
    lists: Arc<Vec<Vec<SocketAddr>>>,
    lookups: Arc<AtomicUsize>,
}

impl FakeNames {
    /// Leads to these; there is at least one list.
    pub(crate) fn new(lists: Vec<Vec<SocketAddr>>) -> FakeNames {
        FakeNames {
            lists: Arc::new(lists),
            lookups: Arc::default(),
        }
    }

    /// How often a name was looked up.
    pub(crate) fn lookups(&self) -> usize {
        self.lookups.load(Ordering::SeqCst)
    }
}

impl Resolver for FakeNames {
    fn resolve(
        &self,
        _: &Uri,
        _: &Config,
        _: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, ureq::Error> {
        let time = self.lookups.fetch_add(1, Ordering::SeqCst);
        let mut found = self.empty();
        let list = &self.lists[time.min(self.lists.len() - 1)];
        list.iter().for_each(|address| found.push(*address));
        Ok(found)
    }
}
