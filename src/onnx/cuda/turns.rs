//! Turns on the GPUs of this process.
//!
//! While a CUDA graph is captured, CUDA forbids all threads of the process to allocate, to free and to wait for a
//! device: the forbidden call fails, and the capture with it. So captures take turns with everything else.

use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

static TURNS: RwLock<()> = RwLock::new(());

/// Excludes captures: for runs, copies, allocations, and the making and dropping of sessions. Held by any number
/// of threads; not to be taken again by one that has it.
pub(crate) fn shared() -> RwLockReadGuard<'static, ()> {
    TURNS.read().unwrap_or_else(PoisonError::into_inner)
}

/// Excludes everything else: for a capture.
pub(crate) fn alone() -> RwLockWriteGuard<'static, ()> {
    TURNS.write().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_capture_excludes_everything_and_is_excluded_by_everything() {
        let turn = alone();
        assert!(TURNS.try_read().is_err());
        drop(turn);
        let turn = shared();
        assert!(TURNS.try_write().is_err());
        assert!(TURNS.try_read().is_ok());
        drop(turn);
    }
}
