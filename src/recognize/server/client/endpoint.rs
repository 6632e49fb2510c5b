//! One of the servers: what is known of it, and when it is left out.

use crate::fault::Fault;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Attempts in a row that may fail before a server is left out. (A single one is asked all the same.)
const MOST_TROUBLES: u32 = 3;
/// Time for which a server that cannot be reached is left out, at first and at most.
const LEFT_OUT: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(60)];

/// A server.
pub(super) struct Endpoint {
    pub url: String,
    /// Its address as it is shown in messages.
    pub shown: String,
    pub state: Mutex<EndpointState>,
}

#[derive(Default)]
pub(super) struct EndpointState {
    pub in_flight: usize,
    /// How often in a row it could not be reached, and until when it is left out.
    pub unreachable: u32,
    pub left_out_until: Option<Instant>,
    /// Attempts in a row that failed.
    pub troubles: u32,
    /// The model as this server calls it.
    pub model: Option<String>,
    /// Keys of requests that this server refuses.
    pub unknown_keys: Vec<&'static str>,
    /// Whether it has answered anything but that the key is wrong, and when it was first asked.
    pub lets_in: bool,
    pub first_asked: Option<Instant>,
    /// Its refusal, where the key is wrong: nothing else that it is asked can come out better.
    pub refusal: Option<Fault>,
}

impl Endpoint {
    pub(super) fn lock(&self) -> MutexGuard<'_, EndpointState> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it is not left out at present.
    pub(super) fn is_in(&self) -> bool {
        self.lock()
            .left_out_until
            .is_none_or(|until| until <= Instant::now())
    }

    /// Remembers that an attempt failed; after several in a row it is left out.
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

    /// Remembers a key that it refuses, and says so.
    pub(super) fn leave_key_out(&self, key: &'static str) {
        let mut state = self.lock();
        // Another request may have found it out before.
        if !state.unknown_keys.contains(&key) {
            tracing::warn!("`{}` does not know `{key}`: asking without it", self.shown);
            state.unknown_keys.push(key);
        }
    }

    /// Leaves it out for a while, longer each time.
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
