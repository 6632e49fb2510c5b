//! The recognizer: takes blocks from the pages in flight and keeps the scheduler's slots full.
//!
//! ```text
//! requests -> preparing (own threads: resize, cut into patches, tokenize) -> vision -> scheduler -> answers
//! ```
//!
//! On the CPU one thread alternates between vision encoding and the scheduler's steps, since each uses all
//! cores. On a GPU a thread of its own encodes pictures, in batches of similar size, while the steps go on.

use super::config::VlModelConfig;
use super::image::{Patches, patches};
use super::model::{DecoderSteps, EncodedPrompt, Encoder, Model};
use super::prompt::Prompts;
use super::vision::{Arranger, Batch};
use crate::deadline::{self, CancelToken};
use crate::fault::{Fault, Reason};
use crate::onnx::OnnxError;
use crate::plan;
use crate::raster::Pixels;
use crate::recognize::draft::Draft;
use crate::recognize::repetition;
use crate::recognize::sampling::Sampling;
use crate::recognize::scheduler::{Answer, EarlyEnd, GenerationTask, Scheduler};
use crate::recognize::{
    BlockAnswer, BlockRequest, Recognition, RecognizeError, Recognizer, RecognizerCounters, Ticket,
    cancelled, no_crop, page_text,
};
use crossbeam_channel::{Receiver, Sender, TryRecvError};
use rand_mt::Mt64;
use serde::{Deserialize, Serialize};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

/// Most threads that prepare pictures for a GPU.
const MOST_PREPARERS: usize = 8;
/// Most prepared blocks that are sorted into batches for a GPU.
const MOST_PENDING: usize = 64;

/// Options of recognition.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunOptions {
    /// Number of blocks that decode together.
    pub slots: usize,
    /// `true` to stop runaway repetition early.
    pub repetition_stop: bool,
    /// Time limit of a block.
    pub timeout: Option<Duration>,
    /// `true` to use the page's own text as a draft.
    pub drafts: bool,
    /// Seed of sampling.
    pub seed: u64,
}

/// Loads the model again.
pub type Reload = Box<dyn FnMut() -> Result<Model, Fault> + Send>;

/// The backend.
pub struct PaddleOcrVl {
    model: Option<Model>,
    reload: Option<Reload>,
    options: RunOptions,
    counters: Arc<RecognizerCounters>,
}

/// A block ready for vision encoding.
struct Prepared {
    ticket: Ticket,
    /// Depends on the block only, not on its neighbours in the batch.
    seed: u64,
    cancel: CancelToken,
    request: Arc<plan::Request>,
    patches: Patches,
    ids: Vec<u32>,
    draft: Draft,
    started: Instant,
}

/// A block's identity within the scheduler.
struct BlockTag {
    ticket: Ticket,
    skip_special_tokens: bool,
}

impl PaddleOcrVl {
    /// A recognizer with a loaded model.
    pub fn new(model: Model, options: RunOptions) -> Self {
        PaddleOcrVl {
            model: Some(model),
            reload: None,
            options,
            counters: Arc::default(),
        }
    }

    /// Adds a function that loads the model again after a run that ended early.
    pub fn with_reload(self, reload: Reload) -> Self {
        PaddleOcrVl {
            reload: Some(reload),
            ..self
        }
    }
}

impl Recognizer for PaddleOcrVl {
    fn run(
        &mut self,
        requests: Receiver<BlockRequest>,
        answers: Sender<BlockAnswer>,
    ) -> Result<(), RecognizeError> {
        let model = self
            .model
            .take()
            .ok_or_else(|| RecognizeError(Fault::internal("the recognizer has run already")))?;
        let (config, prompts) = (model.config.clone(), model.prompts.clone());
        let options = self.options.clone();
        // Room to refill all slots if they end at once; each entry holds a picture.
        let (to_run, prepared) = crossbeam_channel::bounded(options.slots.max(1));
        let (drafts, looks_ahead) = (options.drafts, model.encoder.takes_several());
        // On the CPU the networks need the cores; a GPU leaves them idle.
        let cores = thread::available_parallelism().map_or(1, |n| n.get());
        let preparers = if looks_ahead {
            (cores / 2).clamp(1, MOST_PREPARERS)
        } else {
            1
        };
        let Model {
            encoder,
            mut decoder,
            ..
        } = model;
        // Before vision starts: nothing else may run meanwhile.
        decoder
            .prepare()
            .map_err(|error| RecognizeError(error.into()))?;
        // Lives as long as the decoder: its memory is not given back between the decoder's steps.
        let mut vision_stage = VisionStage {
            encoder,
            options: &options,
            config: &config,
            prompts: &prompts,
        };
        let scheduler = Scheduler::new(decoder, options.slots).counted(self.counters.clone());
        let deadline = deadline::current();
        let vision_stage = &mut vision_stage;
        thread::scope(|scope| {
            // Closes when this scope ends, however it does, so that preparers stop waiting for requests.
            let (_over, is_over) = crossbeam_channel::bounded::<()>(0);
            // The closure owns its end of the channel: if the scope ends early, so do the senders' threads.
            let next: Box<dyn FnMut(bool) -> Result<Looked, TryRecvError>> = match looks_ahead {
                false => Box::new(move |wait| {
                    next_of(&prepared, wait).map(|block| vision_stage.one(block))
                }),
                true => {
                    // One batch is arranged while another is encoded.
                    let (to_encode, arranged) = crossbeam_channel::bounded(1);
                    let arranger = vision_stage.encoder.arranger();
                    let arrange = move || arrange_all(&arranger, &prepared, &to_encode);
                    thread::Builder::new()
                        .spawn_scoped(scope, arrange)
                        .map_err(RecognizeError::no_thread)?;
                    let (to_decode, looked) = crossbeam_channel::bounded(options.slots.max(1));
                    let ahead =
                        move || deadline.run(|| vision_stage.ahead(&arranged, &to_decode)).0;
                    thread::Builder::new()
                        .spawn_scoped(scope, ahead)
                        .map_err(RecognizeError::no_thread)?;
                    Box::new(move |wait| next_of(&looked, wait))
                }
            };
            for number in 0..preparers {
                let (requests, to_run, refusals) =
                    (requests.clone(), to_run.clone(), answers.clone());
                let is_over = is_over.clone();
                let (config, prompts) = (&config, &prompts);
                let work = move || {
                    let next = || {
                        crossbeam_channel::select! {
                            recv(requests) -> request => request.ok(),
                            recv(is_over) -> _ => None,
                        }
                    };
                    while let Some(request) = next() {
                        let ticket = request.ticket;
                        let result = match request.is_cancelled() {
                            true => Err(cancelled()),
                            false => guarded(|| prepare(&request, config, prompts, drafts)),
                        };
                        let is_heard = match result {
                            Ok(prepared) => to_run.send(prepared).is_ok(),
                            Err(fault) => refusals
                                .send(BlockAnswer {
                                    ticket,
                                    result: Err(fault),
                                })
                                .is_ok(),
                        };
                        // The receiver is gone: the run is over.
                        if !is_heard {
                            break;
                        }
                    }
                };
                match thread::Builder::new().spawn_scoped(scope, work) {
                    // Fewer threads suffice.
                    Err(_) if number > 0 => break,
                    started => drop(started.map_err(RecognizeError::no_thread)?),
                }
            }
            drop((requests, to_run));
            serve(scheduler, next, &prompts, &answers).map_err(RecognizeError)
        })
    }

    fn restart(&mut self) -> Result<(), RecognizeError> {
        let reload = self
            .reload
            .as_mut()
            .ok_or_else(|| RecognizeError(Fault::internal("it cannot be loaded again")))?;
        // The previous model's memory is free by now: its run has dropped it.
        self.model = Some(reload().map_err(RecognizeError)?);
        Ok(())
    }

    fn counters(&self) -> Option<Arc<RecognizerCounters>> {
        Some(self.counters.clone())
    }
}

/// The channel's next item; with `wait` it blocks until there is one.
fn next_of<T>(channel: &Receiver<T>, wait: bool) -> Result<T, TryRecvError> {
    match wait {
        true => channel.recv().map_err(|_| TryRecvError::Disconnected),
        false => channel.try_recv(),
    }
}

/// Reads one crop as text, up to a number of tokens.
pub fn read_one(model: Model, crop: &Pixels, max_new_tokens: usize) -> Result<Answer, Fault> {
    let Model {
        config,
        prompts,
        mut encoder,
        decoder,
        ..
    } = model;
    let [min, max] = config.image.limits;
    let limits = plan::PixelLimits { min, max };
    let (patches, ids) = shown(crop, plan::Task::Ocr, limits, &config, &prompts)?;
    let started = Instant::now();
    let prompt = encoder.encode(patches, &ids)?;
    let mut scheduler: Scheduler<DecoderSteps, ()> = Scheduler::new(decoder, 1);
    scheduler.push(GenerationTask {
        tag: (),
        prompt,
        max_new_tokens,
        eos: config.eos,
        sampling: None,
        early_end: None,
        draft: Draft::default(),
        started,
        timeout: None,
        cancel: CancelToken::default(),
    });
    loop {
        if let Some((_, result)) = scheduler.step().pop() {
            return result;
        }
    }
}

/// Runs `work`; a panic becomes an error of the block.
fn guarded<T>(work: impl FnOnce() -> Result<T, Fault>) -> Result<T, Fault> {
    let panicked = || Fault::internal("internal error while preparing the crop");
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(panicked()))
}

fn prepare(
    request: &BlockRequest,
    config: &VlModelConfig,
    prompts: &Prompts,
    drafts: bool,
) -> Result<Prepared, Fault> {
    let started = Instant::now();
    let crop = request.crop.as_deref().ok_or_else(no_crop)?;
    let asked = &request.request;
    let (patches, ids) = shown(crop, asked.task, asked.limits, config, prompts)?;
    let draft = match drafts && asked.task == plan::Task::Ocr {
        true => Draft::new(draft_tokens(request, prompts)),
        false => Draft::default(),
    };
    let (ticket, seed) = (request.ticket, request.seed());
    let cancel = request.document.cancel.clone();
    Ok(Prepared {
        ticket,
        seed,
        cancel,
        request: asked.clone(),
        patches,
        ids,
        draft,
        started,
    })
}

/// The patches of a crop, and the tokens of its prompt.
fn shown(
    crop: &Pixels,
    task: plan::Task,
    limits: plan::PixelLimits,
    config: &VlModelConfig,
    prompts: &Prompts,
) -> Result<(Patches, Vec<u32>), Fault> {
    let patches = patches(crop, limits, config)?;
    let merged = config.vision.merge_size * config.vision.merge_size;
    let ids = prompts.encode(task.prompt(), patches.count() / merged)?;
    Ok((patches, ids))
}

/// Tokens of the page's own text in a block.
fn draft_tokens(request: &BlockRequest, prompts: &Prompts) -> Vec<u32> {
    match &request.draft {
        Some(text) => prompts.encode_answer(text.trim()),
        None => {
            let text = page_text::recognize(&request.page.text, &request.region).content;
            prompts.encode_answer(text.trim())
        }
    }
}

/// A block after vision encoding, or its ticket and the reason of its failure.
type Looked = Result<GenerationTask<EncodedPrompt, BlockTag>, (Ticket, Fault)>;

/// Vision encoding of blocks.
struct VisionStage<'a> {
    encoder: Encoder,
    options: &'a RunOptions,
    config: &'a VlModelConfig,
    prompts: &'a Arc<Prompts>,
}

impl VisionStage<'_> {
    /// Encodes a block's picture.
    fn one(&mut self, mut block: Prepared) -> Looked {
        let ticket = block.ticket;
        if block.cancel.is_cancelled() {
            return Err((ticket, cancelled()));
        }
        // Moved, not copied: nothing needs them afterwards.
        let patches = Patches {
            values: std::mem::take(&mut block.patches.values),
            grid: block.patches.grid,
        };
        let prompt = self.encoder.encode(patches, &block.ids);
        let prompt = prompt.map_err(|error| (ticket, error.into()))?;
        Ok(self.task(block, prompt))
    }

    /// Encodes batches until no more come.
    fn ahead(&mut self, arranged: &Receiver<(Vec<Prepared>, Batch)>, to_decode: &Sender<Looked>) {
        for (blocks, batch) in arranged {
            for looked in self.several(blocks, batch) {
                // The receiver is gone: the run is over.
                if to_decode.send(looked).is_err() {
                    return;
                }
            }
        }
    }

    /// Encodes several pictures at once; if that fails, one by one, so that a failure affects no other.
    fn several(&mut self, blocks: Vec<Prepared>, batch: Batch) -> Vec<Looked> {
        let shown: Vec<([usize; 2], &[u32])> = blocks
            .iter()
            .map(|block| (block.patches.grid, block.ids.as_slice()))
            .collect();
        match self.encoder.encode_batch(batch, &shown) {
            Ok(prompts) => blocks
                .into_iter()
                .zip(prompts)
                .map(|(block, prompt)| Ok(self.task(block, prompt)))
                .collect(),
            Err(error @ OnnxError::Lost { .. }) => {
                let fault = Fault::from(error);
                let each = blocks.into_iter();
                each.map(|block| Err((block.ticket, fault.clone())))
                    .collect()
            }
            Err(error) => {
                if blocks.len() > 1 {
                    tracing::warn!(%error, "{} pictures at once failed, trying one by one", blocks.len());
                }
                blocks.into_iter().map(|block| self.one(block)).collect()
            }
        }
    }

    /// Creates the scheduler's task for a block.
    fn task(
        &self,
        block: Prepared,
        prompt: EncodedPrompt,
    ) -> GenerationTask<EncodedPrompt, BlockTag> {
        let Prepared {
            ticket,
            seed,
            cancel,
            request,
            ids,
            draft,
            started,
            ..
        } = block;
        let room = self.config.text.max_positions.saturating_sub(ids.len());
        let max_new_tokens = (request.max_new_tokens as usize).min(room);
        let skip_special_tokens = request.skip_special_tokens;
        let sampling = Sampling::of(
            request.temperature,
            request.top_p,
            request.repetition_penalty,
        );
        let seed = self.options.seed ^ seed;
        let early_end: Option<EarlyEnd> = self.options.repetition_stop.then(|| {
            let (prompts, task) = (self.prompts.clone(), request.task);
            let decode = move |ids: &[u32]| prompts.decode(ids, skip_special_tokens).ok();
            Box::new(move |ids: &[u32]| repetition::endless(ids, task, max_new_tokens, &decode))
                as EarlyEnd
        });
        GenerationTask {
            tag: BlockTag {
                ticket,
                skip_special_tokens,
            },
            prompt,
            max_new_tokens,
            eos: self.config.eos.clone(),
            sampling: sampling.map(|sampling| (sampling, Mt64::new(seed))),
            early_end,
            draft,
            started,
            timeout: self.options.timeout,
            cancel,
        }
    }
}

/// Arranges pictures in batches until no more come: on the processor, while the GPU encodes the batch before.
fn arrange_all(
    arranger: &Arranger,
    prepared: &Receiver<Prepared>,
    to_encode: &Sender<(Vec<Prepared>, Batch)>,
) {
    let mut pending: Vec<Prepared> = Vec::new();
    loop {
        if pending.is_empty() {
            let Ok(block) = prepared.recv() else { return };
            pending.push(block);
        }
        pending.extend(
            prepared
                .try_iter()
                .take(MOST_PENDING.saturating_sub(pending.len())),
        );
        let counts: Vec<usize> = pending.iter().map(|block| block.patches.count()).collect();
        // The batch of the block that has waited longest, so that none waits for ever.
        let batch = arranger
            .batches(&counts)
            .into_iter()
            .find(|batch| batch.contains(&0));
        let mut batch = batch.unwrap_or_else(|| vec![0]);
        batch.sort_unstable();
        let blocks: Vec<Prepared> = batch
            .into_iter()
            .rev()
            .map(|at| pending.remove(at))
            .collect();
        let pictures: Vec<&Patches> = blocks.iter().map(|block| &block.patches).collect();
        let batch = arranger.arrange(&pictures);
        // The receiver is gone: the run is over.
        if to_encode.send((blocks, batch)).is_err() {
            return;
        }
    }
}

/// Decodes blocks until no more come and all are answered. `next(wait)` gives one; with `wait` it blocks. Fails if the
/// device is lost: blocks that are under way are then not answered.
fn serve(
    mut scheduler: Scheduler<DecoderSteps, BlockTag>,
    mut next: impl FnMut(bool) -> Result<Looked, TryRecvError>,
    prompts: &Prompts,
    answers: &Sender<BlockAnswer>,
) -> Result<(), Fault> {
    let mut is_open = true;
    while is_open || scheduler.load() > 0 {
        if deadline::stopped().is_some() {
            return Ok(());
        }
        while is_open && scheduler.wants_more() {
            match next(scheduler.load() == 0) {
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => is_open = false,
                Ok(Ok(task)) => scheduler.push(task),
                Ok(Err((_, fault))) if fault.reason == Reason::DeviceLost => return Err(fault),
                Ok(Err((ticket, fault))) => {
                    drop(answers.send(BlockAnswer {
                        ticket,
                        result: Err(fault),
                    }));
                }
            }
        }
        for (tag, result) in scheduler.step() {
            let result =
                result.and_then(|answer| recognition(answer, prompts, tag.skip_special_tokens));
            if let Err(fault) = &result
                && fault.reason == Reason::DeviceLost
            {
                return Err(fault.clone());
            }
            // The receiver is gone: the remaining sequences would be decoded in vain.
            if answers
                .send(BlockAnswer {
                    ticket: tag.ticket,
                    result,
                })
                .is_err()
            {
                return Ok(());
            }
        }
    }
    Ok(())
}

fn recognition(
    answer: Answer,
    prompts: &Prompts,
    skip_special_tokens: bool,
) -> Result<Recognition, Fault> {
    let content = match answer.text {
        Some(text) => text,
        None => prompts.decode(&answer.ids, skip_special_tokens)?,
    };
    Ok(Recognition {
        content,
        is_raw: true,
        generation: Some(answer.generation),
        ..Recognition::default()
    })
}
