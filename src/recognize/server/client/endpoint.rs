//! State of one server, and its temporary exclusion.

use crate::fault::Fault;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Consecutive failed attempts after which a server is excluded. (A single server is used all the same.)
const MOST_TROUBLES: u32 = 3;
/// Time for which an unreachable server is excluded, initially and at most.
const LEFT_OUT: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(60)];

/// A server.
pub(super) struct Endpoint {
    pub url: String,
    /// Its URL as displayed in messages.
    pub shown: String,
    pub state: Mutex<EndpointState>,
}

#[derive(Default)]
pub(super) struct EndpointState {
    pub in_flight: usize,
    /// Number of consecutive failed connections, and the end of its exclusion.
    pub unreachable: u32,
    pub left_out_until: Option<Instant>,
    /// Number of consecutive failed attempts.
    pub troubles: u32,
    /// Name of the model on this server.
    pub model: Option<String>,
    /// Request keys that this server rejects.
    pub unknown_keys: Vec<&'static str>,
    /// `true` once it has answered other than by refusing the key, and the time of its first request.
    pub lets_in: bool,
    pub first_asked: Option<Instant>,
    /// Its refusal if the key is wrong: every further request would be refused as well.
    pub refusal: Option<Fault>,
}

impl Endpoint {
    pub(super) fn lock(&self) -> MutexGuard<'_, EndpointState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `true` if it is not excluded at present.
    pub(super) fn is_in(&self) -> bool {
        self.lock()
            .left_out_until
            .is_none_or(|until| until <= Instant::now())
    }

    /// Records a failed attempt; after several in a row the server is excluded.
    pub(super) fn note_trouble(&self) {
        let is_out = {
            let mut state = self.lock();
            state.troubles += 1;
            state.troubles >= MOST_TROUBLES
        };
        if is_out && self.is_in() {
            self.leave_out();
        }
    }

    /// Records a request key that it rejects, and logs that.
    pub(super) fn leave_key_out(&self, key: &'static str) {
        let mut state = self.lock();
        // Another request may have recorded it before.
        if !state.unknown_keys.contains(&key) {
            tracing::warn!("`{}` does not know `{key}`: asking without it", self.shown);
            state.unknown_keys.push(key);
        }
    }

    /// Excludes it for a while, longer each time.
    pub(super) fn leave_out(&self) {
        let mut state = self.lock();
        let [first, most] = LEFT_OUT;
        let time = first
            .saturating_mul(1 << state.unreachable.min(10))
            .min(most);
        state.unreachable += 1;
        state.left_out_until = Some(Instant::now() + time);
    }
}
