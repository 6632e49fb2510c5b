//! The networks as the stages of the main process see them: each call is a request to one of the devices.

use super::messages::{BlockWork, Output, Work};
use super::pool::DevicePool;
use super::state::{Answer, Outcome, Request};
use crate::deadline::{self, Stopped};
use crate::fault::{Fault, Reason};
use crate::layout::postprocess::LayoutOptions;
use crate::layout::{LayoutDetector, LayoutError, NETWORK_SIDE, Region, over_text};
use crate::lines::{LineNetworks, LineText, PreparedPage, ReadPage};
use crate::plan;
use crate::preprocess::{DocPreprocessor, PreprocessError};
use crate::raster::Pixels;
use crate::recognize::{
    BlockAnswer, BlockRequest, Recognition, RecognizeError, Recognizer, Ticket, cancelled, no_crop,
    page_text,
};
use crossbeam_channel::{Receiver, RecvTimeoutError, Sender};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

/// Interval at which deadlines and cancellations are looked at.
const LOOK: Duration = Duration::from_millis(20);
/// Pixels that the orientation classifier sees.
const ORIENTATION_PIXELS: u64 = 224 * 224;

fn pixels(picture: &Pixels) -> u64 {
    (picture.width * picture.height) as u64
}

fn unexpected() -> Fault {
    Fault::internal("the process of a device answered something else")
}

/// Asks and waits for the answer; unwinds like the work itself when its time is up or nobody waits for it.
fn call(pool: &DevicePool, request: Request) -> Result<Outcome, Fault> {
    let (to, answer) = crossbeam_channel::bounded::<Answer>(1);
    let id = pool.ask(request, to);
    loop {
        // No work yet: all devices are being started again.
        let came = match pool.is_waiting(id) {
            true => deadline::waiting(|| answer.recv_timeout(LOOK)),
            false => answer.recv_timeout(LOOK),
        };
        match came {
            Ok((_, result)) => return result,
            Err(RecvTimeoutError::Disconnected) => return Err(unexpected()),
            Err(RecvTimeoutError::Timeout) => {
                if let Some(why) = deadline::stopped() {
                    pool.cancel(id);
                    deadline::end(why);
                }
            }
        }
    }
}

/// The line networks of the devices.
pub(crate) struct RemoteLines(Arc<DevicePool>);

impl RemoteLines {
    /// The line networks, loaded on a device. Fails as they would in this process.
    pub(crate) fn load(pool: &Arc<DevicePool>) -> Result<RemoteLines, Fault> {
        let request = Request {
            work: Work::LoadLines,
            pictures: Vec::new(),
            weight: 0,
        };
        match call(pool, request)?.output {
            Output::LinesLoaded => Ok(RemoteLines(pool.clone())),
            _ => Err(unexpected()),
        }
    }
}

impl LineNetworks for RemoteLines {
    fn read(&mut self, page: &Pixels) -> Result<ReadPage, Fault> {
        let request = Request {
            work: Work::Lines,
            pictures: vec![Arc::new(page.clone())],
            weight: pixels(page),
        };
        let outcome = call(&self.0, request)?;
        let Output::Lines(found) = outcome.output else {
            return Err(unexpected());
        };
        Ok(ReadPage {
            text: found.text,
            picture: outcome.picture,
            rotation_quarters: found.rotation_quarters,
            skew_degrees: found.skew_degrees,
            is_unwarped: found.is_unwarped,
            too_long: found.too_long,
            unread: found.unread,
            tally: found.tally,
        })
    }

    fn read_crops(&mut self, crops: Vec<Pixels>) -> Result<Vec<LineText>, Fault> {
        let (count, weight) = (crops.len(), crops.iter().map(pixels).sum());
        let request = Request {
            work: Work::Crops,
            pictures: crops.into_iter().map(Arc::new).collect(),
            weight,
        };
        match call(&self.0, request)?.output {
            Output::Crops(lines) if lines.len() == count => Ok(lines),
            _ => Err(unexpected()),
        }
    }

    /// Nothing: the processes of the devices do it by themselves.
    fn release_memory(&mut self) -> Result<(), Fault> {
        Ok(())
    }
}

/// The networks of document preprocessing of the devices.
pub(crate) struct RemotePreprocessor(pub Arc<DevicePool>);

impl DocPreprocessor for RemotePreprocessor {
    fn orientation(&mut self, page: &Pixels, _: usize) -> Result<u32, PreprocessError> {
        let request = Request {
            work: Work::Orientation,
            pictures: vec![Arc::new(page.clone())],
            weight: ORIENTATION_PIXELS,
        };
        match call(&self.0, request).map_err(PreprocessError)?.output {
            Output::Degrees(degrees) => Ok(degrees),
            _ => Err(PreprocessError(unexpected())),
        }
    }

    fn unwarp(&mut self, page: &Pixels, _: usize) -> Result<Pixels, PreprocessError> {
        let request = Request {
            work: Work::Unwarping,
            pictures: vec![Arc::new(page.clone())],
            weight: pixels(page),
        };
        let outcome = call(&self.0, request).map_err(PreprocessError)?;
        let picture = outcome
            .picture
            .filter(|_| outcome.output == Output::Unwarped);
        picture.ok_or_else(|| PreprocessError(unexpected()))
    }
}

/// The layout networks of the devices.
pub(crate) struct RemoteDetector {
    /// The devices.
    pub pool: Arc<DevicePool>,
    /// `true` if regions get the page's own text.
    pub reads_page_text: bool,
}

impl LayoutDetector for RemoteDetector {
    fn batch_size(&self) -> usize {
        self.pool.abilities().layout_batch.max(1)
    }

    fn detect(
        &mut self,
        pages: &[&PreparedPage],
        options: &LayoutOptions,
    ) -> Result<Vec<Vec<Region>>, LayoutError> {
        let missing = || LayoutError(Fault::internal("the page has no picture"));
        let pictures = pages.iter().map(|page| {
            let picture = page.pixels.as_ref().ok_or_else(missing)?;
            Ok(Arc::new(picture.clone()))
        });
        let request = Request {
            work: Work::Regions {
                options: Box::new(options.clone()),
                sizes: pages.iter().map(|page| (page.width, page.height)).collect(),
            },
            pictures: pictures.collect::<Result<_, LayoutError>>()?,
            weight: (NETWORK_SIDE * NETWORK_SIDE * pages.len()) as u64,
        };
        let found = match call(&self.pool, request).map_err(LayoutError)?.output {
            Output::Regions(found) if found.len() == pages.len() => found,
            _ => return Err(LayoutError(unexpected())),
        };
        let found = found.into_iter().zip(pages).map(|(regions, page)| {
            let regions = regions.into_iter().map(Region::from).collect();
            match self.reads_page_text {
                true => over_text::with_text(regions, page, options.shape_mode),
                false => regions,
            }
        });
        Ok(found.collect())
    }
}

/// The recognizers of the devices.
pub(crate) struct RemoteRecognizer {
    /// The devices.
    pub pool: Arc<DevicePool>,
    /// `true` if the page's own text is used as a draft.
    pub drafts: bool,
}

/// A block that a device was asked for.
struct Block {
    ticket: Ticket,
    request: BlockRequest,
}

impl Recognizer for RemoteRecognizer {
    fn run(
        &mut self,
        requests: Receiver<BlockRequest>,
        answers: Sender<BlockAnswer>,
    ) -> Result<(), RecognizeError> {
        let mut under_way = BTreeMap::new();
        let ended = self.serve(requests, &answers, &mut under_way);
        // Nobody waits for what is left.
        under_way.keys().for_each(|id| self.pool.cancel(*id));
        ended.map_err(RecognizeError)
    }
}

impl RemoteRecognizer {
    /// Passes blocks on until no more come and all are answered.
    fn serve(
        &self,
        mut requests: Receiver<BlockRequest>,
        answers: &Sender<BlockAnswer>,
        under_way: &mut BTreeMap<u64, Block>,
    ) -> Result<(), Fault> {
        let (to, read) = crossbeam_channel::unbounded::<Answer>();
        let mut is_open = true;
        while is_open || !under_way.is_empty() {
            let answer = crossbeam_channel::select! {
                recv(requests) -> request => match request {
                    Ok(request) => self.ask(request, &to, under_way),
                    Err(_) => {
                        is_open = false;
                        requests = crossbeam_channel::never();
                        None
                    }
                },
                recv(read) -> answer => {
                    let answered = answer.ok().and_then(|(id, result)| {
                        Some((under_way.remove(&id)?.ticket, result))
                    });
                    match answered {
                        Some((_, Err(fault))) if fault.reason == Reason::DeviceLost => {
                            return Err(fault);
                        }
                        Some((ticket, result)) => Some(BlockAnswer {
                            ticket,
                            result: result.and_then(recognition),
                        }),
                        None => None,
                    }
                },
                default(LOOK) => None,
            };
            if deadline::stopped() == Some(Stopped::Cancelled) {
                return Ok(());
            }
            // The receiver is gone: the run is over.
            if answer.is_some_and(|answer| answers.send(answer).is_err()) {
                return Ok(());
            }
            let left: Vec<u64> = under_way
                .iter()
                .filter(|(_, block)| block.request.is_cancelled())
                .map(|(id, _)| *id)
                .collect();
            for id in left {
                self.pool.cancel(id);
                if let Some(block) = under_way.remove(&id) {
                    drop(answers.send(BlockAnswer {
                        ticket: block.ticket,
                        result: Err(cancelled()),
                    }));
                }
            }
        }
        Ok(())
    }

    /// Asks for a block; answers one that cannot be asked for.
    fn ask(
        &self,
        request: BlockRequest,
        to: &Sender<Answer>,
        under_way: &mut BTreeMap<u64, Block>,
    ) -> Option<BlockAnswer> {
        let ticket = request.ticket;
        let Some(crop) = request.crop.clone() else {
            let result = Err(no_crop());
            return Some(BlockAnswer { ticket, result });
        };
        let asked = &request.request;
        let draft = match self.drafts && asked.task == plan::Task::Ocr {
            true => page_text::recognize(&request.page.text, &request.region).content,
            false => String::new(),
        };
        let work = BlockWork {
            task: asked.task,
            limits: asked.limits,
            max_new_tokens: asked.max_new_tokens,
            temperature: asked.temperature,
            top_p: asked.top_p,
            repetition_penalty: asked.repetition_penalty,
            skip_special_tokens: asked.skip_special_tokens,
            seed: request.seed(),
            draft,
        };
        // What the vision encoder sees, and the decoder goes over.
        let weight = pixels(&crop).min(asked.limits.max).max(asked.limits.min);
        let work = Request {
            work: Work::Block(Box::new(work)),
            pictures: vec![crop],
            weight,
        };
        let id = self.pool.ask(work, to.clone());
        under_way.insert(id, Block { ticket, request });
        None
    }
}

fn recognition(outcome: Outcome) -> Result<Recognition, Fault> {
    match outcome.output {
        Output::Block {
            content,
            generation,
        } => Ok(Recognition {
            content,
            is_raw: true,
            generation,
            ..Recognition::default()
        }),
        _ => Err(unexpected()),
    }
}
