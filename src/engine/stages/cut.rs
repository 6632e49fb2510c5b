//! The last stage before recognition: regions are planned, cut out of the page, and become requests for their blocks.

use super::{PageJob, Stage};
use crate::engine::assemble::PlannedPage;
use crate::engine::coordinator::Message;
use crate::engine::illustrate::illustrate;
use crate::layout::Region;
use crate::layout::geometric::trace_tables;
use crate::lines::PreparedPage;
use crate::plan::{self, PageName, PagePlan};
use crate::raster::Pixels;
use crate::recognize::{BlockRequest, Ticket};
use crossbeam_channel::{Receiver, Sender};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

/// A page whose regions are known.
pub(crate) struct ToCut {
    pub(super) job: PageJob,
    pub(super) prepared: PreparedPage,
    pub(super) regions: Vec<Region>,
}

/// Plans the regions of pages, cuts pictures out and sends requests for their blocks. Encoding pictures takes longer than
/// finding regions in text, so several threads do it.
pub(in crate::engine) fn cut(inbox: Receiver<ToCut>, stage: Stage) {
    for page in inbox {
        if !page.job.passes(&stage.out) {
            plan(page, &stage.out);
        }
    }
}

fn plan(page: ToCut, out: &Sender<Message>) {
    let ToCut {
        mut job,
        mut prepared,
        regions,
    } = page;
    let (source, context) = (job.source.clone(), job.context.clone());
    let settings = &context.settings;
    let planned = job.work(
        ("pictures", "planning the page and cutting pictures"),
        || {
            let name = PageName {
                folder: &context.job.picture_folder,
                page_index: prepared.page_index,
            };
            let plan = plan::plan_page(regions, name, &settings.plan);
            let cut = illustrate(&mut prepared, &plan, source.as_ref(), settings)?;
            let trace = || Box::new(trace_tables(&prepared));
            Ok((plan, cut, settings.trace_tables.then(trace)))
        },
    );
    let (plan, mut cut, tables) = match planned {
        Ok(planned) => planned,
        Err(fault) => return job.fail(out, fault),
    };
    let steps = prepared.preprocess_steps.take();
    let prepared = Arc::new(prepared);
    let crops = std::mem::take(&mut cut.crops);
    let time_left = settings
        .page_timeout
        .map(|limit| limit.saturating_sub(job.spent));
    let time_spent = Arc::default();
    let time = (time_left, &time_spent);
    let requests = requests(&job, &plan, &prepared, &crops, time);
    let waiting = requests.iter().map(|r| r.ticket.block).collect();
    let (serial, timings) = (job.serial, job.timings);
    let page = Box::new(PlannedPage {
        serial,
        context,
        prepared,
        plan,
        cut,
        steps,
        tables,
        timings,
        waiting,
        time_left,
        time_spent,
    });
    drop(out.send(Message::Planned { page, requests }));
}

/// The page's requests to the recognizer.
fn requests(
    job: &PageJob,
    plan: &PagePlan,
    prepared: &Arc<PreparedPage>,
    crops: &BTreeMap<usize, Arc<Pixels>>,
    (time_left, time_spent): (Option<Duration>, &Arc<AtomicU64>),
) -> Vec<BlockRequest> {
    let asked = plan
        .blocks
        .iter()
        .enumerate()
        .filter_map(|(block, planned)| {
            Some(BlockRequest {
                ticket: Ticket {
                    page: job.serial,
                    block,
                },
                document: job.context.document.clone(),
                page: prepared.clone(),
                region: Arc::new(planned.region.clone()),
                request: Arc::new(planned.request.clone()?),
                crop: crops.get(&block).cloned(),
                draft: None,
                time_left,
                time_spent: Arc::clone(time_spent),
            })
        });
    asked.collect()
}
