//! Several devices: a process for each, which loads the networks of a run on its one device. The main process keeps
//! everything that is not a network, so order, determinism and steps over whole documents are the same with one device
//! and with many.
//!
//! Processes and not threads, since much of CUDA belongs to a process: the capture of streams, the turns of what a
//! capture forbids, and an error after which nothing runs on the device any more. Such an error, or the death of a
//! process for any other reason, costs what was under way there a second try elsewhere.
//!
//! * [`remote`] has the networks as the stages see them: each of their calls becomes a request.
//! * [`state`] decides which device a request goes to, and what becomes of it when the process there dies. It starts
//!   nothing and waits for nothing, so its rules are tested without processes.
//! * [`pool`] starts the processes, writes and reads, ends those that hang, and starts others in their places.
//! * [`child`] is the process of a device; [`messages`] is what goes through its pipes.

pub(crate) mod child;
mod messages;
pub(crate) mod pool;
pub(crate) mod remote;
mod state;

use crate::fault::Fault;
use crate::layout::LayoutDetector;
use crate::lines::LineNetworks;
use crate::preprocess::DocPreprocessor;
use crate::recognize::Recognizer;

/// Loads the line networks, when a page first needs them.
pub(crate) type LoadLines = Box<dyn FnMut() -> Result<Box<dyn LineNetworks>, Fault> + Send>;

/// The networks of a device's process.
pub(crate) struct Networks {
    /// Line detection and recognition.
    pub lines: LoadLines,
    /// Page orientation and unwarping.
    pub preprocess: Box<dyn DocPreprocessor>,
    /// Layout detection, if the run has a network for it.
    pub detector: Option<Box<dyn LayoutDetector>>,
    /// The recognizer of blocks, if it runs here, and the number of blocks that it decodes together.
    pub recognizer: Option<(Box<dyn Recognizer>, usize)>,
}
