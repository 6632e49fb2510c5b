//! The layout stage: pages are passed to the detector.

use super::cut::ToCut;
use super::{PageJob, Stage, by_deadline};
use crate::deadline::{CancelToken, Deadline, guarded};
use crate::engine::counters::LayoutCounters;
use crate::engine::job::{JobSettings, LayoutChoice};
use crate::fault::{Fault, Reason};
use crate::layout::postprocess::LayoutOptions;
use crate::layout::{LayoutDetector, Region, whole_page};
use crate::lines::PreparedPage;
use crossbeam_channel::{Receiver, Sender};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Detects regions and passes them on to be planned and cut out.
///
/// Waiting pages of any documents form a batch if their options are equal, up to the detector's batch size.
/// It never waits for more pages: they gather while it works.
pub(in crate::engine) fn layout(
    inbox: Receiver<(PageJob, PreparedPage)>,
    detector: &mut dyn LayoutDetector,
    to_cutters: Sender<ToCut>,
    counters: &LayoutCounters,
    stage: Stage,
) {
    let mut detector = Restarted {
        detector,
        since: PAGES_BETWEEN_RESTARTS,
        restarting: Duration::ZERO,
    };
    let mut held = None;
    while let Some(first) = held.take().or_else(|| inbox.recv().ok()) {
        let others = detector.detector.batch_size().max(1) - 1;
        let settings = first.0.context.settings.clone();
        let mut batch = vec![first];
        while batch.len() <= others && held.is_none() {
            match inbox.try_recv() {
                Ok(next) if asks_alike(&next.0, &settings) => batch.push(next),
                Ok(next) => held = Some(next),
                Err(_) => break,
            }
        }
        // The page with the least time left sets the deadline, so that it costs the others no more.
        let mut least = None;
        batch.retain(|(job, _)| match job.left() {
            _ if job.passes(&stage.out) => false,
            Ok(left) => {
                least = least.into_iter().chain(left).min();
                true
            }
            Err(fault) => {
                job.fail(&stage.out, fault);
                false
            }
        });
        if batch.is_empty() {
            continue;
        }
        let start = Instant::now();
        let pages: Vec<_> = batch.iter().map(|(_, prepared)| prepared).collect();
        let found = match &settings.layout {
            LayoutChoice::WholePage(label) => pages
                .iter()
                .map(|page| Ok(vec![whole_page(*label, page.width, page.height)]))
                .collect(),
            LayoutChoice::Detect(options) => {
                let cancels = batch
                    .iter()
                    .map(|(job, _)| job.context.cancel.clone())
                    .collect();
                let ends = BatchEnd {
                    cancels,
                    left: least,
                    limit: settings.page_timeout,
                };
                counters.batch(pages.len(), others + 1);
                detector.detect(&pages, options, &ends)
            }
        };
        let restarting = std::mem::take(&mut detector.restarting);
        let share = start.elapsed().saturating_sub(restarting) / batch.len() as u32;
        for ((mut job, prepared), found) in batch.into_iter().zip(found) {
            job.count("layout", share);
            match found {
                Ok(regions) => drop(to_cutters.send(ToCut {
                    job,
                    prepared,
                    regions,
                })),
                Err(fault) => job.fail(&stage.out, fault),
            }
        }
    }
}

/// `true` if a page can share a batch with pages of these settings.
fn asks_alike(page: &PageJob, settings: &Arc<JobSettings>) -> bool {
    let own = &page.context.settings;
    Arc::ptr_eq(own, settings)
        || (own.layout == settings.layout && own.page_timeout == settings.page_timeout)
}

/// End of a batch's work: when all its pages are cancelled, or its deadline passes.
struct BatchEnd {
    cancels: Vec<CancelToken>,
    left: Option<Duration>,
    /// Time limit of a page, for messages.
    limit: Option<Duration>,
}

impl BatchEnd {
    fn deadline(&self) -> Deadline {
        Deadline::of_all(self.cancels.clone(), self.left)
    }

    fn is_cancelled(&self) -> bool {
        self.cancels.iter().all(CancelToken::is_cancelled)
    }
}

/// Pages that a detector must process before it may be restarted again.
const PAGES_BETWEEN_RESTARTS: usize = 100;

/// A detector that is restarted when it fails.
struct Restarted<'a> {
    detector: &'a mut dyn LayoutDetector,
    /// Pages since the last restart.
    since: usize,
    /// Time spent on restarts, which counts for no page.
    restarting: Duration,
}

impl Restarted<'_> {
    /// Detects the regions of every page. A batch that fails is retried in halves, so that one bad page, or
    /// lack of memory for the batch, costs no other page; each half gets the full time again. If a single
    /// page fails, the detector is restarted and the page retried: the fault may be the detector's own.
    fn detect(
        &mut self,
        pages: &[&PreparedPage],
        options: &LayoutOptions,
        ends: &BatchEnd,
    ) -> Vec<Result<Vec<Region>, Fault>> {
        let (found, _) = by_deadline(ends.deadline(), ends.limit, "finding the layout", || {
            let regions = self.detector.detect(pages, options).map_err(Fault::from)?;
            match regions.len() == pages.len() {
                true => Ok(regions),
                false => Err(Fault::internal(format!(
                    "{} pages were answered with {} layouts",
                    pages.len(),
                    regions.len()
                ))),
            }
        });
        match found {
            Ok(regions) => {
                self.since = self.since.saturating_add(pages.len());
                regions.into_iter().map(Ok).collect()
            }
            Err(fault) if fault.reason == Reason::TimeUp && pages.len() < 2 => vec![Err(fault)],
            // No other batch, and no other detector, could run on the device.
            Err(fault) if ends.is_cancelled() || fault.reason == Reason::DeviceLost => {
                pages.iter().map(|_| Err(fault.clone())).collect()
            }
            Err(fault) if pages.len() < 2 => match self.restart(&fault) {
                true => self.detect(pages, options, ends),
                false => vec![Err(fault)],
            },
            Err(_) => {
                let (a, b) = pages.split_at(pages.len() / 2);
                let mut found = self.detect(a, options, ends);
                found.extend(self.detect(b, options, ends));
                found
            }
        }
    }

    /// Restarts the detector, unless it was restarted recently.
    fn restart(&mut self, fault: &Fault) -> bool {
        if self.since < PAGES_BETWEEN_RESTARTS {
            return false;
        }
        self.since = 0;
        let start = Instant::now();
        let what = "starting layout detection";
        let restarted = guarded(what, || self.detector.restart().map_err(Fault::from));
        self.restarting += start.elapsed();
        restarted.unwrap_or_else(|error| {
            tracing::warn!(
                "layout detection failed ({fault}) and cannot be started again: {error}"
            );
            false
        })
    }
}
