//! Memory of our own on a GPU, and copies to and from it.
//!
//! Buffers that outlive a run are not taken from the memory of ONNX Runtime's sessions: a captured graph writes its
//! intermediate results, whenever it is replayed, where they lay when it was captured, and the session has long
//! given these places to others. It also spares the runs that ONNX Runtime makes of copies.

use super::budget::Reservation;
use super::library::{
    CudaError, CudaRuntime, DEVICE_TO_DEVICE, DEVICE_TO_HOST, HOST_TO_DEVICE, cuda,
};
use super::{note, turns};
use std::ffi::{c_int, c_void};

/// Blocks of bytes at equal distances.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Blocks {
    /// Start of the first one.
    pub first: usize,
    /// Distance of their starts, at least their length.
    pub step: usize,
}

impl Blocks {
    /// End of the last of `count` blocks of `length` bytes.
    pub(crate) fn end(&self, length: usize, count: usize) -> usize {
        match count {
            0 => self.first,
            _ => self.first + (count - 1) * self.step + length,
        }
    }
}

/// Zeroed memory on a GPU.
pub(crate) struct DeviceMemory {
    cuda: &'static CudaRuntime,
    gpu: u32,
    start: *mut c_void,
    bytes: usize,
    _reserved: Reservation,
}

// SAFETY: the address is that of device memory, which no host code reads through it; the CUDA runtime takes calls
// from any thread.
unsafe impl Send for DeviceMemory {}
// SAFETY: as above.
unsafe impl Sync for DeviceMemory {}

impl DeviceMemory {
    /// Allocates memory and zeroes it on the device. `reserved`: its part of the budget.
    pub(crate) fn zeroed(
        gpu: u32,
        bytes: usize,
        reserved: Reservation,
    ) -> Result<DeviceMemory, String> {
        let cuda = cuda()?;
        let turn = turns::shared();
        let mut start = std::ptr::null_mut();
        // SAFETY: the functions are those of the CUDA runtime; the address is written before it is used.
        unsafe {
            on(cuda, gpu, (cuda.select)(gpu as c_int))?;
            on(cuda, gpu, (cuda.allocate)(&mut start, bytes.max(1)))?;
        }
        // If filling fails, dropping takes a turn of its own.
        drop(turn);
        let memory = DeviceMemory {
            cuda,
            gpu,
            start,
            bytes,
            _reserved: reserved,
        };
        memory.fill_with_zeros()?;
        Ok(memory)
    }

    fn fill_with_zeros(&self) -> Result<(), String> {
        let _turn = turns::shared();
        // SAFETY: the filled part is what was allocated. Networks run on streams of their own, which do not wait for
        // this one, so it is waited for.
        unsafe {
            let status = (self.cuda.fill)(self.start, 0, self.bytes);
            on(self.cuda, self.gpu, status)?;
            on(self.cuda, self.gpu, (self.cuda.wait)())
        }
    }

    /// Number of the GPU.
    pub(crate) fn gpu(&self) -> u32 {
        self.gpu
    }

    /// Address on the device.
    pub(crate) fn start(&self) -> *mut c_void {
        self.start
    }

    /// Copies the first bytes from the host; they are there when it returns.
    ///
    /// # Panics
    ///
    /// If there are more than it has.
    pub(crate) fn write(&self, from: &PinnedMemory, bytes: usize) -> Result<(), String> {
        assert!(
            bytes <= self.bytes && bytes <= from.bytes,
            "bytes of a buffer"
        );
        let _turn = turns::shared();
        // SAFETY: both sides have that many bytes (checked above).
        unsafe {
            on(self.cuda, self.gpu, (self.cuda.select)(self.gpu as c_int))?;
            let status = (self.cuda.copy)(self.start, from.start, bytes, HOST_TO_DEVICE);
            on(self.cuda, self.gpu, status)
        }
    }

    /// Copies the first bytes to the host, after all that was written by calls that have returned.
    ///
    /// # Panics
    ///
    /// If there are more than it has.
    pub(crate) fn read(&self, to: &mut PinnedMemory, bytes: usize) -> Result<(), String> {
        assert!(
            bytes <= self.bytes && bytes <= to.bytes,
            "bytes of a buffer"
        );
        let _turn = turns::shared();
        // SAFETY: both sides have that many bytes (checked above), and the host's are borrowed mutably.
        unsafe {
            on(self.cuda, self.gpu, (self.cuda.select)(self.gpu as c_int))?;
            let status = (self.cuda.copy)(to.start, self.start, bytes, DEVICE_TO_HOST);
            on(self.cuda, self.gpu, status)
        }
    }
}

impl DeviceMemory {
    /// Begins to copy `count` blocks of `length` bytes from other memory of the same device; [`DeviceMemory::copied`]
    /// waits until they are there.
    ///
    /// # Panics
    ///
    /// If a block is not within the memory.
    pub(crate) fn copy_blocks(
        &self,
        to: Blocks,
        (from, at): (&DeviceMemory, Blocks),
        length: usize,
        count: usize,
    ) -> Result<(), String> {
        assert!(
            to.end(length, count) <= self.bytes && at.end(length, count) <= from.bytes,
            "blocks of a buffer"
        );
        let _turn = turns::shared();
        let stream = std::ptr::null_mut();
        // SAFETY: all blocks lie within both memories (checked above).
        unsafe {
            on(self.cuda, self.gpu, (self.cuda.select)(self.gpu as c_int))?;
            let status = (self.cuda.copy_blocks)(
                self.start.wrapping_byte_add(to.first),
                to.step,
                from.start.wrapping_byte_add(at.first),
                at.step,
                length,
                count,
                DEVICE_TO_DEVICE,
                stream,
            );
            on(self.cuda, self.gpu, status)
        }
    }

    /// Waits for the copies that were begun, but not for networks that run.
    pub(crate) fn copied(&self) -> Result<(), String> {
        let _turn = turns::shared();
        // SAFETY: the function takes the default stream, on which the copies are, as null.
        unsafe {
            on(self.cuda, self.gpu, (self.cuda.select)(self.gpu as c_int))?;
            let status = (self.cuda.wait_for)(std::ptr::null_mut());
            on(self.cuda, self.gpu, status)
        }
    }
}

impl Drop for DeviceMemory {
    fn drop(&mut self) {
        let _turn = turns::shared();
        // SAFETY: it was allocated and is freed only here. An error (of a device that is lost) changes nothing.
        unsafe {
            (self.cuda.select)(self.gpu as c_int);
            (self.cuda.free)(self.start);
        }
    }
}

/// Pinned memory of the host, for copies that need no other copy in between.
pub(crate) struct PinnedMemory {
    cuda: &'static CudaRuntime,
    start: *mut c_void,
    bytes: usize,
}

// SAFETY: it owns its memory, which is ordinary memory to all threads.
unsafe impl Send for PinnedMemory {}

impl PinnedMemory {
    /// Allocates zeroed memory.
    pub(crate) fn zeroed(gpu: u32, bytes: usize) -> Result<PinnedMemory, String> {
        let cuda = cuda()?;
        let _turn = turns::shared();
        let mut start = std::ptr::null_mut();
        // SAFETY: as in `DeviceMemory::zeroed`; 0 asks for nothing special.
        unsafe {
            on(cuda, gpu, (cuda.select)(gpu as c_int))?;
            on(
                cuda,
                gpu,
                (cuda.allocate_pinned)(&mut start, bytes.max(1), 0),
            )?;
            start.cast::<u8>().write_bytes(0, bytes);
        }
        Ok(PinnedMemory { cuda, start, bytes })
    }

    /// The bytes.
    pub(crate) fn bytes(&self) -> &[u8] {
        // SAFETY: it owns that many bytes, all written.
        unsafe { std::slice::from_raw_parts(self.start.cast(), self.bytes) }
    }

    /// The bytes, to be written.
    pub(crate) fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: it owns that many bytes, all written, and is borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.start.cast(), self.bytes) }
    }
}

impl Drop for PinnedMemory {
    fn drop(&mut self) {
        let _turn = turns::shared();
        // SAFETY: it was allocated and is freed only here.
        unsafe { (self.cuda.free_pinned)(self.start) };
    }
}

/// The error of a call, if there is one; if it is a lasting one, the device is noted as lost.
fn on(cuda: &CudaRuntime, gpu: u32, status: c_int) -> Result<(), String> {
    cuda.check(status).map_err(|error: CudaError| {
        note(gpu, error.code, &error.words);
        error.to_string()
    })
}
