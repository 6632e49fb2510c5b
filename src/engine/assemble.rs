//! Assembly: combines a planned page and the answers for its blocks into a finished page.

use super::FinishedPage;
use super::illustrate::Illustrations;
use super::job::JobContext;
use crate::content;
use crate::deadline;
use crate::deadline::guarded;
use crate::document::{
    Block, Code, Diagnostic, FinishReason, HiddenMode, Label, Markup, Page, Picture, Spotting,
};
use crate::fault::{Fault, Reason};
use crate::geometry::Rect;
use crate::layout::TableTrace;
use crate::lines::PreparedPage;
use crate::plan::{PagePlan, TableFigure};
use crate::preprocess::PreprocessSteps;
use crate::recognize::Recognition;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Answers for the blocks of a page, by block index.
pub(super) type Answers = BTreeMap<usize, Result<Recognition, Fault>>;

/// A page that waits for the recognizer's answers.
pub(crate) struct PlannedPage {
    pub(super) serial: u64,
    pub(super) context: Arc<JobContext>,
    pub(super) prepared: Arc<PreparedPage>,
    pub(super) plan: PagePlan,
    pub(super) cut: Illustrations,
    pub(super) steps: Option<PreprocessSteps>,
    /// What was considered while its tables were looked for, if requested.
    pub(super) tables: Option<Box<TableTrace>>,
    pub(super) timings: Vec<(&'static str, f64)>,
    pub(super) waiting: BTreeSet<usize>,
    /// Time left to recognizers that read the page's text, and nanoseconds that they have spent on it.
    pub(super) time_left: Option<Duration>,
    pub(super) time_spent: Arc<AtomicU64>,
}

impl PlannedPage {
    /// `true` if its deadline passed. Other recognizers have a time limit per block, which is not the page's.
    fn is_time_up(&self, answers: &Answers) -> bool {
        let is_late = |answer: &Result<_, Fault>| {
            answer
                .as_ref()
                .is_err_and(|fault| fault.reason == Reason::TimeUp)
        };
        let spent = Duration::from_nanos(self.time_spent.load(Ordering::Relaxed));
        self.time_left.is_some_and(|left| spent >= left) && answers.values().any(is_late)
    }
}

/// The finished page; a failed one if its deadline passed while its blocks were recognized.
pub(super) fn page(page: PlannedPage, answers: Answers) -> FinishedPage {
    let index = page.prepared.page_index;
    let failed = |fault: Fault| FinishedPage::of(Page::failed(index, fault));
    let limit = page.context.settings.page_timeout;
    match limit.filter(|_| page.is_time_up(&answers)) {
        Some(limit) => failed(deadline::time_up(limit)),
        None => guarded("putting the page together", || Ok(finished(page, answers)))
            .unwrap_or_else(failed),
    }
}

/// Assembles a page from its plan and the answers.
fn finished(planned: PlannedPage, mut answers: Answers) -> FinishedPage {
    let PlannedPage {
        context: planned_context,
        prepared,
        plan,
        mut cut,
        steps,
        tables,
        timings,
        ..
    } = planned;
    let mut pictures: BTreeMap<usize, Picture> = cut.pictures.into_iter().collect();
    let mut diagnostics = prepared.diagnostics.clone();
    let mut blocks = Vec::with_capacity(plan.blocks.len());
    let mut figures = Vec::new();
    let mut spotting = None;
    for (index, planned) in plan.blocks.into_iter().enumerate() {
        if cut.blank.contains(&index) {
            continue;
        }
        let region = planned.region;
        let mut block = Block::new(region.label, region.bbox, region.score);
        block.style = region.style;
        block.alt = region.alt;
        block.polygon = region.polygon;
        block.group_id = planned.group_id;
        block.picture = pictures.remove(&index);
        let answer = answers.remove(&index);
        if let (Some(trace), Some(Ok(answer))) = (&mut cut.trace, &answer) {
            trace.answers.insert(index, answer.content.clone());
        }
        if let Some(Ok(Recognition {
            warning: Some((code, message)),
            ..
        })) = &answer
        {
            let block_id = Some(blocks.len());
            let message = message.clone();
            diagnostics.push(Diagnostic::warning(*code, block_id, message));
        }
        let mut notes = Vec::new();
        let filled =
            answer.map(|answer| answer.and_then(|answer| fill(&mut block, answer, &mut notes)));
        let block_id = Some(blocks.len());
        let warnings = notes
            .into_iter()
            .map(|(code, message)| Diagnostic::warning(code, block_id, message));
        diagnostics.extend(warnings);
        match filled {
            Some(Ok(found)) => {
                spotting = found.or(spotting);
                diagnostics.extend(cut_off(&block, blocks.len()));
            }
            Some(Err(fault)) => {
                diagnostics.push(Diagnostic::failed(Code::BlockFailed, block_id, fault));
            }
            None => {}
        }
        figures.push(planned.request.map(|r| r.figures).unwrap_or_default());
        blocks.push(block);
    }
    let table_pictures = restore_table_pictures(&mut blocks, &mut diagnostics, &figures);
    let marks = planned_context.settings.hidden_text == HiddenMode::Mark;
    add_unplanned(&prepared, marks, &mut blocks, &mut diagnostics);
    let page = Page {
        page_index: prepared.page_index,
        width: prepared.width,
        height: prepared.height,
        size_points: prepared.size_points,
        rotation_quarters: prepared.rotation_quarters,
        skew_degrees: prepared.skew_degrees,
        is_unwarped: prepared.is_unwarped,
        regions: plan.detected,
        blocks,
        pictures: cut.page_pictures,
        table_pictures,
        spotting,
        preprocessed: prepared.preprocessed,
        text_decision: prepared.decision.clone(),
        hidden_text: prepared.hidden_text.clone(),
        diagnostics,
        timings,
        through: None,
    };
    FinishedPage {
        page,
        picture: cut.page_picture,
        pixels: cut.pixels,
        steps,
        trace: cut.trace,
        tables,
    }
}

/// Adds the blocks that no layout has: values of a form that no page shows behind all others, and with `marks`
/// hidden text, each piece behind the last block above it.
fn add_unplanned(
    prepared: &PreparedPage,
    marks: bool,
    blocks: &mut Vec<Block>,
    diagnostics: &mut [Diagnostic],
) {
    let text = |bbox: Rect, content: String| {
        let mut block = Block::new(Label::Text, bbox, 1.0);
        block.content = content;
        block.style.font_size = prepared.text.body_size_or_default();
        block.style.line_count = 1;
        block
    };
    let hidden = prepared.hidden_text.iter().filter(|_| marks);
    for piece in hidden {
        let [x1, y1, x2, y2] = piece.bbox.map(|v| v as f32);
        let bbox = Rect { x1, y1, x2, y2 };
        let is_above =
            |block: &Block| block.bbox.y1 <= bbox.y1 && block.bbox.overlap_x(&bbox) > 0.0;
        let at = blocks.iter().rposition(is_above).map_or(0, |at| at + 1);
        let mut block = text(bbox, piece.text.clone());
        block.hidden = Some(piece.reason);
        blocks.insert(at, block);
        for diagnostic in &mut *diagnostics {
            diagnostic.block_id = diagnostic.block_id.map(|id| id + usize::from(id >= at));
        }
    }
    let page = Rect::new(0.0, 0.0, prepared.width as f32, prepared.height as f32);
    let values = prepared.form_values.iter();
    blocks.extend(values.map(|(label, value)| text(page, format!("{label}: {value}"))));
}

/// Warning about a block whose answer did not end by itself.
fn cut_off(block: &Block, index: usize) -> Option<Diagnostic> {
    let generation = block.generation.as_ref()?;
    let (code, what) = match generation.finish_reason {
        FinishReason::Eos => return None,
        FinishReason::Length => (Code::BlockCut, "the answer was cut at its limit"),
        FinishReason::Repetition => (
            Code::BlockRepetition,
            "the answer repeated itself and was ended",
        ),
        FinishReason::Timeout => (
            Code::BlockTimeout,
            "the answer was cut because its time was up",
        ),
    };
    let message = format!("{what}, after {} tokens", generation.token_count);
    Some(Diagnostic::warning(code, Some(index), message))
}

/// Puts an answer into its block, post-processed if it is a model's raw words; returns the spotted texts.
/// `notes` collects what was dropped.
///
/// Locations in an answer refer to the block's box, whatever was done to the crop.
fn fill(
    block: &mut Block,
    answer: Recognition,
    notes: &mut Vec<(Code, String)>,
) -> Result<Option<Spotting>, Fault> {
    block.confidence = answer.confidence;
    block.lines = answer.lines;
    block.generation = answer.generation;
    block.text = answer.text;
    block.content = answer.content;
    block.markup = answer.markup;
    block.spans = answer.spans;
    block.cells = answer.cells;
    if !answer.is_raw {
        return Ok(None);
    }
    // Models mark up formulas and superscripts like the pipelines' own recognizer; the rest is text.
    block.markup = Markup {
        formulas: true,
        scripts: true,
        ..Markup::default()
    };
    let size = (block.bbox.width() as usize, block.bbox.height() as usize);
    let reading = guarded("reading the answer", || {
        Ok(content::read(&block.content, block.label, size))
    })?;
    block.content = reading.content;
    block.spans.clear();
    block.cells.clear();
    notes.extend(reading.notes);
    Ok(reading.spotting.filter(|found| !found.rec_texts.is_empty()))
}

/// Restores the pictures inside tables, and removes them from the page's blocks; returns their paths.
fn restore_table_pictures(
    blocks: &mut Vec<Block>,
    diagnostics: &mut [Diagnostic],
    figures: &[Vec<TableFigure>],
) -> Vec<String> {
    let in_tables: Vec<String> = figures.iter().flatten().map(|f| f.path.clone()).collect();
    if in_tables.is_empty() {
        return in_tables;
    }
    let path_of = |block: &Block| block.picture.as_ref().map(|p| p.path.clone());
    let known: BTreeMap<String, String> = blocks
        .iter()
        .filter_map(|b| Some((path_of(b)?, b.content.clone())))
        .collect();
    for (block, figures) in blocks
        .iter_mut()
        .zip(figures)
        .filter(|(_, figures)| !figures.is_empty())
    {
        block.content = content::restore_figures(&block.content, |token| {
            let figure = figures.iter().find(|f| f.painted && f.token == token)?;
            if known.is_empty() {
                return Some((String::new(), String::new())); // no pictures are kept, so none is shown
            }
            Some((figure.path.clone(), known.get(&figure.path)?.clone()))
        });
    }
    // Diagnostics refer to blocks by index, which changes here.
    let stays: Vec<bool> = blocks
        .iter()
        .map(|b| path_of(b).is_none_or(|path| !in_tables.contains(&path)))
        .collect();
    for diagnostic in diagnostics {
        diagnostic.block_id = diagnostic
            .block_id
            .filter(|i| stays[*i])
            .map(|i| stays[..i].iter().filter(|s| **s).count());
    }
    let mut stays = stays.into_iter();
    blocks.retain(|_| stays.next().unwrap_or(true));
    in_tables
}
