//! The memory of a GPU that this process may take, as one budget: sessions, caches and buffers reserve their parts
//! before they take them, and give them back when they are dropped.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Memory that libraries take for each session besides what ONNX Runtime counts: handles and workspaces of cuBLAS
/// and cuDNN, captured graphs. NVIDIA's default for the workspace of a cuBLAS handle is 32 MiB on the largest cards.
pub(crate) const LIBRARY_WORK: usize = 48 << 20;

/// Bytes reserved on each GPU.
static RESERVED: Mutex<BTreeMap<u32, usize>> = Mutex::new(BTreeMap::new());

fn lock() -> MutexGuard<'static, BTreeMap<u32, usize>> {
    RESERVED.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A part of the budget; given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Reservation {
    gpu: u32,
    bytes: usize,
}

impl Drop for Reservation {
    fn drop(&mut self) {
        if let Some(reserved) = lock().get_mut(&self.gpu) {
            *reserved -= self.bytes;
        }
    }
}

/// Reserves bytes on a GPU. `limit`: the whole budget in bytes, `None` for no limit. Fails if they are not left.
pub(crate) fn reserve(gpu: u32, limit: Option<usize>, bytes: usize) -> Result<Reservation, String> {
    let mut all = lock();
    let reserved = all.entry(gpu).or_insert(0);
    if let Some(limit) = limit {
        let left = limit.saturating_sub(*reserved);
        if bytes > left {
            // The words are among those that tell a lack of memory from other faults.
            return Err(format!(
                "out of memory: {} MB are needed and {} MB are left of the GPU memory limit of {} MB",
                bytes.div_ceil(1 << 20),
                left >> 20,
                limit >> 20
            ));
        }
    }
    *reserved += bytes;
    Ok(Reservation { gpu, bytes })
}

/// Bytes of a budget that are not reserved yet.
pub(crate) fn left(gpu: u32, limit: usize) -> usize {
    limit.saturating_sub(lock().get(&gpu).copied().unwrap_or(0))
}

#[cfg(test)]
mod tests {
    use super::*;

    // Numbers of GPUs that no other test uses.

    #[test]
    fn all_parts_together_stay_within_the_budget() {
        let (gpu, limit) = (1000, Some(100));
        let weights = reserve(gpu, limit, 60).unwrap();
        let cache = reserve(gpu, limit, 40).unwrap();
        assert_eq!(left(gpu, 100), 0);
        let refused = reserve(gpu, limit, 1).unwrap_err();
        assert!(refused.contains("out of memory"), "{refused}");
        drop(weights);
        assert_eq!(left(gpu, 100), 60);
        assert!(reserve(gpu, limit, 61).is_err());
        drop((reserve(gpu, limit, 60).unwrap(), cache));
        assert_eq!(left(gpu, 100), 100);
    }

    #[test]
    fn each_gpu_has_a_budget_and_without_a_limit_nothing_is_refused() {
        let _full = reserve(1001, Some(10), 10).unwrap();
        assert!(reserve(1001, Some(10), 1).is_err());
        let _other = reserve(1002, Some(10), 10).unwrap();
        let _unlimited = reserve(1001, None, usize::MAX / 2).unwrap();
    }
}
