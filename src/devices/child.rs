//! The process of a device: loads its networks, then does what it is asked for until its stdin closes.
//!
//! One thread reads requests; lines and preprocessing, layout detection, and the recognizer have a thread each, as in a
//! run with one device. When the device is lost, or the recognizer ends, the process says so and ends: another one starts
//! afresh in its place.

use super::Networks;
use super::messages::{
    Abilities, FoundLines, FromDevice, MOST_BYTES, Output, ToDevice, Work, next_order, send,
};
use crate::config::machine;
use crate::deadline::{CancelToken, Deadline, guarded};
use crate::document::Label;
use crate::fault::{Fault, Reason};
use crate::geometry::Rect;
use crate::input::worker::process::{end_with_parent, take_stdout};
use crate::input::worker::protocol::read_message;
use crate::layout::{LayoutDetector, Region};
use crate::lines::{LineNetworks, PreparedPage};
use crate::plan::{self, RequestOptions};
use crate::preprocess::DocPreprocessor;
use crate::raster::Pixels;
use crate::recognize::{BlockAnswer, BlockRequest, DocumentState, Recognizer, Ticket, cancelled};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use serde::de::DeserializeOwned;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, BufWriter};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

/// Time without a page after which the line networks give memory back, as in a run with one device.
const REST_AFTER: Duration = Duration::from_secs(1);
/// Interval at which the main process is told that the recognizer goes on.
const TELL: Duration = Duration::from_secs(5);
/// Most blocks that wait beside those that are decoded.
const MOST_AHEAD: usize = 64;

/// A request that was read.
struct Task {
    id: u64,
    work: Work,
    pictures: Vec<Pixels>,
    cancel: CancelToken,
}

/// A request that is not answered.
struct Pending {
    cancel: CancelToken,
    /// `true` for a block: it may wait for a long time where nobody looks whether it is cancelled.
    is_block: bool,
    /// `true` once a thread works on it.
    is_begun: bool,
}

/// The requests under way, by their numbers.
type UnderWay = Mutex<BTreeMap<u64, Pending>>;

/// The way to the main process.
struct Answers {
    pipe: Mutex<BufWriter<File>>,
    under_way: UnderWay,
}

impl Answers {
    fn write(&self, message: &FromDevice, picture: Option<&Pixels>) {
        let mut pipe = self.pipe.lock().unwrap_or_else(PoisonError::into_inner);
        if send(&mut *pipe, message, picture).is_err() {
            // The main process is gone.
            exit();
        }
    }

    fn under_way(&self) -> MutexGuard<'_, BTreeMap<u64, Pending>> {
        let under_way = self.under_way.lock();
        under_way.unwrap_or_else(PoisonError::into_inner)
    }

    /// A thread begins with a request; `false` if it has been answered, because it was cancelled.
    fn begin(&self, id: u64) -> bool {
        let mut under_way = self.under_way();
        let pending = under_way.get_mut(&id);
        pending.map(|pending| pending.is_begun = true).is_some()
    }

    /// Nobody waits for a request any more. One that no thread has begun with, and a block, is answered at once: how long the
    /// others before it take says nothing about this process.
    fn cancel(&self, id: u64) {
        let under_way = self.under_way();
        let Some(pending) = under_way.get(&id) else {
            return;
        };
        pending.cancel.cancel();
        let is_left = pending.is_block || !pending.is_begun;
        drop(under_way);
        if is_left {
            self.done(id, Err(cancelled()));
        }
    }

    fn done(&self, id: u64, result: Result<(Output, Option<Pixels>), Fault>) {
        if let Err(fault) = &result
            && fault.reason == Reason::DeviceLost
        {
            self.end(fault.clone());
        }
        // It may have been answered when it was cancelled.
        if self.under_way().remove(&id).is_none() {
            return;
        }
        let (result, picture) = match result {
            Ok((output, picture)) => (Ok(output), picture),
            Err(fault) => (Err(fault), None),
        };
        let size = picture
            .as_ref()
            .map(|picture| (picture.width, picture.height));
        let message = FromDevice::Done {
            id,
            result,
            picture: size,
        };
        self.write(&message, picture.as_ref());
    }

    /// Tells the reason and ends the process.
    fn end(&self, fault: Fault) -> ! {
        self.write(&FromDevice::Ending(fault), None);
        exit()
    }
}

/// Ends the process without the destructors of its libraries, which other threads use.
fn exit() -> ! {
    // SAFETY: ends the process; nothing in it needs saving.
    unsafe { libc::_exit(0) }
}

/// Runs the process: `load` makes the networks of the order that comes first. Ends the process when stdin closes; fails if
/// the pipes break.
pub(crate) fn run<O: DeserializeOwned>(
    load: impl FnOnce(O) -> Result<Networks, Fault>,
) -> io::Result<()> {
    end_with_parent()?;
    let answers = Arc::new(Answers {
        pipe: Mutex::new(BufWriter::with_capacity(1 << 16, take_stdout()?)),
        under_way: UnderWay::default(),
    });
    let mut input = BufReader::with_capacity(1 << 16, io::stdin().lock());
    let order = read_message(&mut input, MOST_BYTES)?;
    let networks = guarded("loading networks", || load(order));
    let networks = networks.unwrap_or_else(|fault| answers.end(fault));
    let abilities = Abilities {
        layout_batch: networks.detector.as_ref().map_or(0, |d| d.batch_size()),
        blocks: networks
            .recognizer
            .as_ref()
            .map_or(0, |(_, slots)| slots + (*slots).min(MOST_AHEAD)),
    };
    let lines = {
        let (mut stage, answers) = (
            LineStage {
                load: networks.lines,
                reader: None,
                preprocess: networks.preprocess,
            },
            answers.clone(),
        );
        start("lines", move |inbox| stage.run(&inbox, &answers))?
    };
    let layout = {
        let (mut detector, answers) = (networks.detector, answers.clone());
        start("layout", move |inbox| {
            for task in inbox {
                if !answers.begin(task.id) {
                    continue;
                }
                let found = worked(&task, "finding the layout", || {
                    regions(detector.as_deref_mut(), &task)
                });
                answers.done(task.id, found);
            }
        })?
    };
    let blocks = {
        let (recognizer, answers) = (networks.recognizer, answers.clone());
        start("recognize", move |inbox| {
            if let Some((recognizer, _)) = recognizer {
                recognize(recognizer, &inbox, &answers);
            }
        })?
    };
    answers.write(&FromDevice::Loaded(abilities), None);
    loop {
        let (message, pictures) = match next_order(&mut input) {
            Ok(order) => order,
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => exit(),
            Err(error) => answers.end(Fault::internal(error.to_string())),
        };
        match message {
            ToDevice::Cancel { id } => answers.cancel(id),
            ToDevice::Work { id, work, .. } => {
                let cancel = CancelToken::default();
                let pending = Pending {
                    cancel: cancel.clone(),
                    is_block: matches!(work, Work::Block(_)),
                    is_begun: false,
                };
                answers.under_way().insert(id, pending);
                let to = match work {
                    Work::Block(_) => &blocks,
                    Work::Regions { .. } => &layout,
                    _ => &lines,
                };
                let task = Task {
                    id,
                    work,
                    pictures,
                    cancel,
                };
                if to.send(task).is_err() {
                    answers.end(Fault::internal("a thread of the device has ended"));
                }
            }
        }
    }
}

/// Starts a thread that takes requests.
fn start(
    name: &str,
    body: impl FnOnce(Receiver<Task>) + Send + 'static,
) -> io::Result<Sender<Task>> {
    let (to, inbox) = crossbeam_channel::unbounded();
    let thread = thread::Builder::new().name(name.into());
    thread.spawn(move || body(inbox)).map(|_| to)
}

/// Does a request's work, which ends when nobody waits for it any more.
fn worked<T>(task: &Task, what: &str, work: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
    let deadline = Deadline::of_all(vec![task.cancel.clone()], None);
    deadline
        .run(|| {
            guarded(what, || {
                crate::deadline::check();
                work()
            })
        })
        .0
}

fn picture(pictures: &[Pixels]) -> Result<&Pixels, Fault> {
    let missing = || Fault::internal("the request has no picture");
    pictures.first().ok_or_else(missing)
}

/// The networks that prepare pages.
struct LineStage {
    load: super::LoadLines,
    /// Loaded with the first page.
    reader: Option<Result<Box<dyn LineNetworks>, Fault>>,
    preprocess: Box<dyn DocPreprocessor>,
}

impl LineStage {
    fn run(&mut self, inbox: &Receiver<Task>, answers: &Answers) {
        let mut is_tired = false;
        loop {
            let came = match is_tired {
                true => inbox.recv_timeout(REST_AFTER),
                false => inbox.recv().map_err(|_| RecvTimeoutError::Disconnected),
            };
            is_tired = came.is_ok();
            match came {
                Ok(task) if !answers.begin(task.id) => {}
                Ok(mut task) => {
                    let pictures = std::mem::take(&mut task.pictures);
                    let done = worked(&task, "reading lines", || self.work(&task.work, pictures));
                    self.end_if_unfit(&task.work, answers);
                    answers.done(task.id, done);
                }
                Err(RecvTimeoutError::Disconnected) => return,
                Err(RecvTimeoutError::Timeout) => {
                    if let Some(Ok(reader)) = &mut self.reader {
                        let released = guarded("giving memory back", || reader.release_memory());
                        if let Err(error) = released {
                            tracing::debug!("the line networks keep their memory: {error}");
                        }
                    }
                    machine::release_memory();
                }
            }
        }
    }

    /// Ends the process if the line networks cannot be loaded on its device, although they were on another one, or for want
    /// of the device's memory: the request is then asked of another one. An answer would draw all other pages here, where
    /// each of them fails at once.
    fn end_if_unfit(&self, work: &Work, answers: &Answers) {
        let Some(Err(fault)) = &self.reader else {
            return;
        };
        let is_unfit = match work {
            Work::LoadLines => matches!(fault.reason, Reason::OutOfMemory | Reason::Device),
            Work::Lines | Work::Crops => true,
            _ => false,
        };
        if is_unfit {
            answers.end(fault.clone());
        }
    }

    fn reader(&mut self) -> Result<&mut dyn LineNetworks, Fault> {
        let reader = self.reader.get_or_insert_with(|| (self.load)());
        match reader {
            Ok(reader) => Ok(reader.as_mut()),
            Err(fault) => Err(fault.clone()),
        }
    }

    fn work(
        &mut self,
        work: &Work,
        pictures: Vec<Pixels>,
    ) -> Result<(Output, Option<Pixels>), Fault> {
        Ok(match work {
            Work::LoadLines => {
                self.reader()?;
                (Output::LinesLoaded, None)
            }
            Work::Lines => {
                let read = self.reader()?.read(picture(&pictures)?)?;
                let lines = FoundLines {
                    text: read.text,
                    rotation_quarters: read.rotation_quarters,
                    skew_degrees: read.skew_degrees,
                    is_unwarped: read.is_unwarped,
                    too_long: read.too_long,
                    unread: read.unread,
                    tally: read.tally,
                };
                (Output::Lines(lines), read.picture)
            }
            Work::Crops => (Output::Crops(self.reader()?.read_crops(pictures)?), None),
            Work::Orientation => {
                let degrees = self.preprocess.orientation(picture(&pictures)?, 0);
                (Output::Degrees(degrees.map_err(|error| error.0)?), None)
            }
            Work::Unwarping => {
                let unwarped = self.preprocess.unwarp(picture(&pictures)?, 0);
                (Output::Unwarped, Some(unwarped.map_err(|error| error.0)?))
            }
            Work::Regions { .. } | Work::Block(_) => {
                return Err(Fault::internal("the request came to the wrong thread"));
            }
        })
    }
}

fn regions(
    detector: Option<&mut (dyn LayoutDetector + 'static)>,
    task: &Task,
) -> Result<(Output, Option<Pixels>), Fault> {
    let (Some(detector), Work::Regions { options, sizes }) = (detector, &task.work) else {
        return Err(Fault::internal("no layout network is loaded"));
    };
    let pages: Vec<PreparedPage> = task
        .pictures
        .iter()
        .zip(sizes)
        .enumerate()
        .map(|(index, (picture, (width, height)))| PreparedPage {
            pixels: Some(picture.clone()),
            ..PreparedPage::blank(index, *width, *height)
        })
        .collect();
    let mut found = Vec::with_capacity(pages.len());
    // Devices differ in how many pages they take at once.
    for batch in pages.chunks(detector.batch_size().max(1)) {
        let batch: Vec<&PreparedPage> = batch.iter().collect();
        let regions = detector.detect(&batch, options).map_err(|error| error.0)?;
        found.extend(regions);
    }
    let found = found
        .into_iter()
        .map(|page| page.into_iter().map(Into::into).collect());
    Ok((Output::Regions(found.collect()), None))
}

/// Runs the recognizer on the blocks that come. When it ends, so does the process.
fn recognize(mut recognizer: Box<dyn Recognizer>, inbox: &Receiver<Task>, answers: &Arc<Answers>) {
    let (to_recognizer, requests) = crossbeam_channel::unbounded();
    let (to_answer, answered) = crossbeam_channel::unbounded::<BlockAnswer>();
    if let Some(counters) = recognizer.counters() {
        let told = answers.clone();
        let tell = move || {
            let mut before = 0;
            loop {
                thread::sleep(TELL);
                let steps = counters.read().steps;
                if steps != before {
                    told.write(&FromDevice::GoesOn, None);
                }
                before = steps;
            }
        };
        let telling = thread::Builder::new().name("tell".into()).spawn(tell);
        if let Err(error) = telling {
            answers.end(Fault::io("no thread can be started", &error));
        }
    }
    let told = answers.clone();
    let running = thread::Builder::new().name("run".into()).spawn(move || {
        let ended = guarded("recognizing", || {
            recognizer.run(requests, to_answer).map_err(Fault::from)
        });
        let early = || Fault::internal("the recognizer ended early");
        told.end(ended.err().unwrap_or_else(early));
    });
    let told = answers.clone();
    let telling = thread::Builder::new().name("answer".into()).spawn(move || {
        for answer in answered {
            let read = answer.result.map(|recognition| {
                let output = Output::Block {
                    content: recognition.content,
                    generation: recognition.generation,
                };
                (output, None)
            });
            told.done(answer.ticket.page, read);
        }
    });
    if let Err(error) = running.and(telling) {
        answers.end(Fault::io("no thread can be started", &error));
    }
    let page = Arc::new(PreparedPage::blank(0, 1, 1));
    let region = Arc::new(Region::new(Label::Text, Rect::new(0.0, 0.0, 1.0, 1.0), 1.0));
    for task in inbox {
        let Work::Block(block) = task.work else {
            answers.done(
                task.id,
                Err(Fault::internal("the request is about no block")),
            );
            continue;
        };
        let request = plan::Request {
            task: block.task,
            limits: block.limits,
            max_new_tokens: block.max_new_tokens,
            temperature: block.temperature,
            top_p: block.top_p,
            repetition_penalty: block.repetition_penalty,
            skip_special_tokens: block.skip_special_tokens,
            ..plan::Request::of(Label::Text, &RequestOptions::default())
        };
        let document = DocumentState {
            // The seed of block 0 on page 0 is the document's fingerprint.
            fingerprint: block.seed,
            cancel: task.cancel,
            ..DocumentState::default()
        };
        let request = BlockRequest {
            ticket: Ticket {
                page: task.id,
                block: 0,
            },
            document: Arc::new(document),
            page: page.clone(),
            region: region.clone(),
            request: Arc::new(request),
            crop: task.pictures.into_iter().next().map(Arc::new),
            draft: Some(block.draft.into()),
            time_left: None,
            time_spent: Arc::default(),
        };
        // A recognizer that has ended has told the reason why the process ends.
        drop(to_recognizer.send(request));
    }
}
