//! Uses the page's own text before a recognizer: blocks of plain text whose characters can be trusted are
//! answered from it, all others go to the inner recognizer. A sample of the former is recognized as well and
//! compared: if too many of a document's texts differ, the rest of it goes to the recognizer.

use super::{
    BlockAnswer, BlockRequest, DocumentState, Recognition, RecognizeError, Recognizer,
    RecognizerCounters, Ticket, page_text,
};
use crate::deadline;
use crate::document::{Code, TextDecision, TextSource};
use crate::fault::Fault;
use crate::plan::own_text;
use crossbeam_channel::{Receiver, Sender};
use std::collections::BTreeMap;
use std::sync::{Arc, MutexGuard, PoisonError};
use std::thread;

/// Similarity from which two texts agree: recognizers misread some characters and add markup.
const AGREE: f64 = 0.9;
/// Largest share of a document's sample that may disagree.
const MOST_DISAGREE: f64 = 0.2;
/// Length in characters up to which texts are compared.
const COMPARED: usize = 2000;

/// A recognizer with the page's own text in front of it.
pub(crate) struct TextFirst {
    fallback: Box<dyn Recognizer>,
    /// Share of blocks with trusted text that are recognized as well, 0 to 1.
    check: f64,
}

/// Results of checking a document's own text.
#[derive(Debug, Default)]
pub struct OwnTextRecord {
    samples: usize,
    differing: usize,
    /// Pages and blocks whose text was taken, `true` for those in the sample. Kept because a block is
    /// requested again after a restart of the recognizer.
    taken: BTreeMap<(usize, usize), bool>,
}

impl OwnTextRecord {
    fn is_given_up(&self) -> bool {
        self.differing as f64 > MOST_DISAGREE * self.samples as f64
    }
}

/// A block's own text while its recognition is awaited.
struct Sample {
    document: Arc<DocumentState>,
    own: Recognition,
}

impl TextFirst {
    /// Wraps a recognizer; `check`: share of blocks with trusted text that are recognized as well, 0 to 1.
    pub(crate) fn new(fallback: Box<dyn Recognizer>, check: f64) -> TextFirst {
        TextFirst {
            fallback,
            check: check.clamp(0.0, 1.0),
        }
    }
}

impl Recognizer for TextFirst {
    fn run(
        &mut self,
        requests: Receiver<BlockRequest>,
        answers: Sender<BlockAnswer>,
    ) -> Result<(), RecognizeError> {
        let (to_behind, for_fallback) = crossbeam_channel::unbounded();
        let (from_fallback, read) = crossbeam_channel::unbounded();
        let (fallback, check) = (&mut self.fallback, self.check);
        thread::scope(|scope| {
            let deadline = deadline::current();
            let running = thread::Builder::new()
                .name("behind".into())
                .spawn_scoped(scope, move || {
                    deadline.run(|| fallback.run(for_fallback, from_fallback)).0
                })
                .map_err(RecognizeError::no_thread)?;
            let mut samples: BTreeMap<Ticket, Sample> = BTreeMap::new();
            let mut to_behind = Some(to_behind);
            let mut requests = requests;
            loop {
                let answer = crossbeam_channel::select! {
                    recv(requests) -> request => match request {
                        Ok(request) => {
                            match taken(&request, check) {
                                Ok((own, false)) => {
                                    Some(BlockAnswer { ticket: request.ticket, result: Ok(own) })
                                }
                                Ok((own, true)) => {
                                    let document = request.document.clone();
                                    samples.insert(request.ticket, Sample { document, own });
                                    forward(&to_behind, request);
                                    None
                                }
                                Err(_) => {
                                    forward(&to_behind, request);
                                    None
                                }
                            }
                        }
                        Err(_) => {
                            // Without the sender the inner recognizer ends once it has answered all requests.
                            to_behind = None;
                            requests = crossbeam_channel::never();
                            None
                        }
                    },
                    recv(read) -> answer => match answer {
                        Ok(answer) => Some(match samples.remove(&answer.ticket) {
                            Some(sample) => compared(answer, sample),
                            None => answer,
                        }),
                        Err(_) => break,
                    },
                };
                if answer.is_some_and(|answer| answers.send(answer).is_err()) {
                    // The receiver is gone: the run is over.
                    break;
                }
            }
            drop((to_behind, read));
            let panicked = || RecognizeError(Fault::internal("internal error while recognizing"));
            running.join().unwrap_or_else(|_| Err(panicked()))
        })
    }

    fn restart(&mut self) -> Result<(), RecognizeError> {
        self.fallback.restart()
    }

    fn counters(&self) -> Option<Arc<RecognizerCounters>> {
        self.fallback.counters()
    }
}

fn forward(to: &Option<Sender<BlockRequest>>, request: BlockRequest) {
    // If sending fails, the inner recognizer has ended; its unanswered blocks are requested again.
    drop(to.as_ref().map(|to| to.send(request)));
}

/// The own text of a block, and `true` if it belongs to the sample; or the reason why it is not used.
///
/// The first such block of a document always belongs to the sample.
fn taken(request: &BlockRequest, check: f64) -> Result<(Recognition, bool), &'static str> {
    if !request.document.takes_own_text {
        return Err("it is not asked for");
    }
    let mut known = record(&request.document);
    if known.is_given_up() {
        return Err("too much of the document's text differs from what is shown");
    }
    let asked = &request.request;
    let crop = request.crop.as_deref();
    let text = &request.page.text;
    if let Some(doubt) =
        own_text::doubt(text, &request.region, asked.task, asked.figures.len(), crop)
    {
        return Err(doubt);
    }
    let mut own = page_text::recognize(text, &request.region);
    if own.content.trim().is_empty() {
        return Err("no text lies in it");
    }
    own.text = Some(decision("the PDF's own text"));
    let is_first = known.taken.is_empty();
    let is_sampled = check > 0.0 && (is_first || chance(request.seed()) < check);
    let place = (request.page.page_index, request.ticket.block);
    Ok((own, *known.taken.entry(place).or_insert(is_sampled)))
}

fn decision(reason: &str) -> TextDecision {
    TextDecision {
        source: TextSource::TextLayer,
        reason: reason.to_string(),
    }
}

fn record(document: &DocumentState) -> MutexGuard<'_, OwnTextRecord> {
    document
        .own_text
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
}

/// A number from 0 to 1 that depends on the seed only.
fn chance(seed: u64) -> f64 {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    state ^= state >> 29;
    state = state.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    state ^= state >> 32;
    (state >> 11) as f64 / (1u64 << 53) as f64
}

/// Answer to a block of the sample: its own text if the recognizer agrees, else the recognizer's answer.
fn compared(answer: BlockAnswer, sample: Sample) -> BlockAnswer {
    let Ok(read) = answer.result else {
        // Only the check is lost; the block's own text stands.
        return BlockAnswer {
            result: Ok(sample.own),
            ..answer
        };
    };
    let similarity = similarity(&sample.own.content, &read.content);
    let mut known = record(&sample.document);
    known.samples += 1;
    if similarity >= AGREE {
        let reason = format!(
            "the PDF's own text, which the recognizer confirms ({:.0} %)",
            similarity * 100.0
        );
        let own = Recognition {
            text: Some(decision(&reason)),
            generation: read.generation,
            ..sample.own
        };
        return BlockAnswer {
            result: Ok(own),
            ..answer
        };
    }
    let was_given_up = known.is_given_up();
    known.differing += 1;
    let mut warning = format!(
        "the PDF's own text is only {:.0} % like what is shown",
        similarity * 100.0
    );
    if known.is_given_up() && !was_given_up {
        warning.push_str("; the rest of the document is read by the recognizer");
    }
    BlockAnswer {
        result: Ok(Recognition {
            warning: Some((Code::TextLayerDiffers, warning)),
            ..read
        }),
        ..answer
    }
}

/// Similarity of two texts, 0 to 1, by their letters and digits alone.
fn similarity(a: &str, b: &str) -> f64 {
    let plain = |text: &str| -> Vec<char> {
        let chars = text.chars().filter(|c| c.is_alphanumeric());
        chars.flat_map(char::to_lowercase).take(COMPARED).collect()
    };
    let (a, b) = (plain(a), plain(b));
    let distance = strsim::generic_levenshtein(&a, &b);
    1.0 - distance as f64 / a.len().max(b.len()).max(1) as f64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Label;
    use crate::geometry::Rect;
    use crate::layout::Region;
    use crate::lines::{PageText, PreparedPage, Segment, Word};
    use crate::plan::{Request, RequestOptions};
    use crate::raster::Pixels;
    use std::sync::Mutex;

    /// Gives the same answer for every block, and records which blocks it got.
    struct Fallback {
        says: &'static str,
        asked: Arc<Mutex<Vec<Ticket>>>,
    }

    impl Recognizer for Fallback {
        fn run(
            &mut self,
            requests: Receiver<BlockRequest>,
            answers: Sender<BlockAnswer>,
        ) -> Result<(), RecognizeError> {
            for request in requests {
                self.asked.lock().unwrap().push(request.ticket);
                let result = match self.says {
                    "" => Err(Fault::internal("no")),
                    says => Ok(Recognition {
                        content: says.into(),
                        is_raw: true,
                        ..Recognition::default()
                    }),
                };
                answers
                    .send(BlockAnswer {
                        ticket: request.ticket,
                        result,
                    })
                    .unwrap();
            }
            Ok(())
        }
    }

    /// A document with its own fingerprint.
    fn document(fingerprint: u64) -> Arc<DocumentState> {
        Arc::new(DocumentState {
            fingerprint,
            takes_own_text: true,
            ..DocumentState::default()
        })
    }

    fn request(document: &Arc<DocumentState>, block: usize, label: Label) -> BlockRequest {
        let bbox = Rect::new(10.0, 10.0, 190.0, 50.0);
        let word = Word::of(Rect::new(20.0, 20.0, 180.0, 40.0), "some words");
        let mut page = PreparedPage::blank(0, 200, 100);
        let segments = vec![Segment::of(vec![word], 20.0)];
        page.text = PageText {
            source: TextSource::TextLayer,
            segments,
        };
        let mut crop = Pixels {
            width: 180,
            height: 40,
            data: vec![255; 180 * 40 * 3],
        };
        (12..28).for_each(|y| crop.data[(y * 180 + 12) * 3..(y * 180 + 60) * 3].fill(0));
        BlockRequest {
            ticket: Ticket {
                page: document.fingerprint,
                block,
            },
            document: document.clone(),
            page: Arc::new(page),
            region: Arc::new(Region::new(label, bbox, 0.9)),
            request: Arc::new(Request::of(label, &RequestOptions::default())),
            crop: Some(Arc::new(crop)),
            draft: None,
            time_left: None,
            time_spent: Arc::default(),
        }
    }

    /// Answers in order, one request at a time, and how many requests reached the inner recognizer.
    fn run(
        says: &'static str,
        check: f64,
        requests: Vec<BlockRequest>,
    ) -> (Vec<Recognition>, usize) {
        let asked = Arc::<Mutex<Vec<Ticket>>>::default();
        let fallback = Fallback {
            says,
            asked: asked.clone(),
        };
        let mut recognizer = TextFirst::new(Box::new(fallback), check);
        let (to, inbox) = crossbeam_channel::unbounded();
        let (answers, answered) = crossbeam_channel::unbounded();
        let mut all = Vec::new();
        std::thread::scope(|scope| {
            scope.spawn(move || recognizer.run(inbox, answers).unwrap());
            for request in requests {
                to.send(request).unwrap();
                all.push(answered.recv().unwrap().result.unwrap());
            }
            drop(to);
        });
        let count = asked.lock().unwrap().len();
        (all, count)
    }

    #[test]
    fn plain_text_is_taken_and_the_rest_is_read() {
        let labels = [Label::Text, Label::Table, Label::Text];
        let document = document(0);
        let requests = labels
            .into_iter()
            .enumerate()
            .map(|(block, label)| request(&document, block, label));
        let (answers, asked) = run("read", 0.0, requests.collect());
        let contents: Vec<&str> = answers
            .iter()
            .map(|answer| answer.content.as_str())
            .collect();
        assert_eq!(
            (contents, asked),
            (vec!["some words", "read", "some words"], 1)
        );
        assert_eq!(
            answers[0].text.as_ref().unwrap().source,
            TextSource::TextLayer
        );
        assert!(answers[1].text.is_none());
    }

    #[test]
    fn the_first_block_of_a_document_and_a_share_are_checked() {
        let blocks = || {
            let document = document(0);
            (0..200)
                .map(|block| request(&document, block, Label::Text))
                .collect::<Vec<_>>()
        };
        let (answers, asked) = run("Some **words**", 0.1, blocks());
        assert!((10..40).contains(&asked), "{asked}");
        assert!(
            answers
                .iter()
                .all(|answer| answer.content == "some words" && answer.warning.is_none())
        );
        assert!(
            answers[0]
                .text
                .as_ref()
                .unwrap()
                .reason
                .contains("confirms (100 %)")
        );
        assert_eq!(run("Some words", 1e-9, blocks()).1, 1);
        assert_eq!(run("Some words", 1.0, blocks()).1, 200);
        // A failed check loses nothing.
        assert_eq!(run("", 1e-9, blocks()).0[0].content, "some words");
    }

    #[test]
    fn a_document_whose_text_differs_is_read() {
        let requests = [(0, 0), (0, 1), (1, 0), (0, 2)];
        let documents = [document(0), document(1)];
        let requests = requests.map(|(at, block)| request(&documents[at], block, Label::Text));
        let (answers, asked) = run("something else altogether", 1e-9, requests.to_vec());
        let contents: Vec<&str> = answers
            .iter()
            .map(|answer| answer.content.as_str())
            .collect();
        assert_eq!((contents, asked), (vec!["something else altogether"; 4], 4));
        let (code, warning) = answers[0].warning.as_ref().unwrap();
        assert!(
            *code == Code::TextLayerDiffers && warning.contains("the rest of the document"),
            "{warning}"
        );
        assert!(answers[1].warning.is_none() && answers[2].warning.is_some());
    }

    #[test]
    fn texts_are_compared_by_their_letters() {
        assert_eq!(similarity("A  b-c, 1", "**a** bc1"), 1.0);
        assert!(similarity("hello world", "hallo world") > 0.85);
        assert_eq!(similarity("abc", "xyz"), 0.0);
        assert_eq!(similarity("", ""), 1.0);
    }
}
