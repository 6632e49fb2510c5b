//! Prepares a page as read: upright and straight, with its text and ruling lines.

use super::diagnostics::{
    lines_unread, no_chars, not_read, not_readable, short_of_lines, too_long, too_narrow,
    unknown_encodings,
};
use super::doubt::{self, Readings, Settled};
use super::reader::{LineNetworks, read_at};
use super::scan::{self, DarkMap};
use super::thresholds::trust::{MAX_HIDDEN, TURNED_SHARE};
use super::trust::{self, TextLayerMode, Verdict};
use super::unread;
use super::{PageText, text_layer};
use crate::document::{
    Code, Diagnostic, HiddenText, OutlineEntry, Preprocessing, TextDecision, TextSource,
};
use crate::fault::{Fault, Reason};
use crate::geometry::Rect;
use crate::input::pdf::page::{PdfPage, StructNode};
use crate::input::{PageError, PageSource, SourcePage};
use crate::preprocess::{
    self, DocPreprocessor, PreprocessError, PreprocessOptions, PreprocessSteps,
};
use crate::raster::Pixels;

/// A page ready for layout detection. All coordinates are in its own pixels.
#[derive(Debug)]
pub struct PreparedPage {
    /// Index of the page, from 0.
    pub page_index: usize,
    /// Width in pixels.
    pub width: usize,
    /// Height in pixels.
    pub height: usize,
    /// Size in points.
    pub size_points: (f32, f32),
    /// The picture, if a later stage needs it.
    pub pixels: Option<Pixels>,
    /// The text.
    pub text: PageText,
    /// Source of the text and the reason for it.
    pub decision: TextDecision,
    /// Ruling lines, horizontal and vertical.
    pub rulings: Vec<Rect>,
    /// Filled areas and their colours.
    pub fills: Vec<(Rect, [u8; 3])>,
    /// Vector shapes.
    pub drawings: Vec<Rect>,
    /// Raster pictures.
    pub images: Vec<Rect>,
    /// Structure of a tagged page.
    pub structure: Vec<StructNode>,
    /// Bookmarks that lead to the page.
    pub bookmarks: Vec<OutlineEntry>,
    /// Clockwise quarter turns that were undone.
    pub rotation_quarters: u32,
    /// Skew that was undone, in degrees clockwise.
    pub skew_degrees: f32,
    /// `true` if bent lines were made level (`straighten`).
    pub is_unwarped: bool,
    /// Steps done by document preprocessing.
    pub preprocessed: Option<Preprocessing>,
    /// The page after every step of document preprocessing, if they are to be compared.
    pub preprocess_steps: Option<PreprocessSteps>,
    /// Text that a reader does not see.
    pub hidden_text: Vec<HiddenText>,
    /// Values of a form that no page shows, with their labels.
    pub form_values: Vec<(String, String)>,
    /// Diagnostics of the page.
    pub diagnostics: Vec<Diagnostic>,
}

impl PreparedPage {
    /// An empty page of a size in pixels.
    pub fn blank(page_index: usize, width: usize, height: usize) -> Self {
        PreparedPage {
            page_index,
            width,
            height,
            // At 144 dpi.
            size_points: (width as f32 / 2.0, height as f32 / 2.0),
            pixels: None,
            text: PageText::empty(),
            decision: TextDecision {
                source: TextSource::None,
                reason: String::new(),
            },
            rulings: Vec::new(),
            fills: Vec::new(),
            drawings: Vec::new(),
            images: Vec::new(),
            structure: Vec::new(),
            bookmarks: Vec::new(),
            rotation_quarters: 0,
            skew_degrees: 0.0,
            is_unwarped: false,
            preprocessed: None,
            preprocess_steps: None,
            hidden_text: Vec::new(),
            form_values: Vec::new(),
            diagnostics: Vec::new(),
        }
    }
}

/// Reason why a page could not be prepared.
#[derive(Debug, thiserror::Error)]
pub enum PrepareError {
    /// The page cannot be rendered or decoded.
    #[error(transparent)]
    Page(#[from] PageError),
    /// A network failed.
    #[error(transparent)]
    Network(#[from] Fault),
    /// A network of document preprocessing failed.
    #[error(transparent)]
    Preprocess(#[from] PreprocessError),
}

impl PrepareError {
    /// The same for programs.
    pub fn reason(&self) -> Reason {
        match self {
            PrepareError::Page(error) => error.reason(),
            PrepareError::Network(fault) => fault.reason,
            PrepareError::Preprocess(PreprocessError(fault)) => fault.reason,
        }
    }
}

impl From<PrepareError> for Fault {
    fn from(error: PrepareError) -> Fault {
        Fault::of(error.reason(), &error)
    }
}

/// Decides the source of a page's text.
pub(crate) fn decide_text(page: &SourcePage, mode: TextLayerMode) -> Verdict {
    match &page.content {
        None => Verdict::sure(TextSource::Lines, "the input is a picture"),
        Some(content) => {
            let picture = page.pixels.as_ref().or(page.preview.as_ref());
            trust::decide(
                content,
                picture,
                (page.width as f32, page.height as f32),
                mode,
            )
        }
    }
}

/// Prepares a page whose text layer is used.
pub fn prepare_layer(mut page: SourcePage, decision: TextDecision) -> PreparedPage {
    let content = page.content.take().unwrap_or_default();
    let quarters = turned_quarters(&content);
    let told = not_readable(trust::meaningless_share(&content)).or_else(|| no_chars(&content));
    let encoding = unknown_encodings(&content);
    let mut prepared = from_content(page, content, quarters, decision);
    prepared.rotation_quarters = quarters;
    prepared.diagnostics.extend(told);
    prepared.diagnostics.extend(encoding);
    prepared
}

/// Prepares a page by line recognition, or by its text layer if lines of the picture speak for that.
///
/// Without a reader it falls back to the text layer, or to no text, with a diagnostic that names the reason.
pub(crate) fn prepare_by_lines(
    page: SourcePage,
    verdict: Verdict,
    source: &dyn PageSource,
    reader: Result<&mut dyn LineNetworks, &Fault>,
    readings: &mut Readings,
) -> Result<PreparedPage, PrepareError> {
    // Of a page before this one that failed.
    readings.take_shortage();
    let mut prepared = settle_or_read(page, verdict, source, reader, readings)?;
    prepared
        .diagnostics
        .extend(readings.take_shortage().map(short_of_lines));
    Ok(prepared)
}

/// Settles the doubts in the page's text layer, and reads the page's lines if the layer is not used.
fn settle_or_read(
    mut page: SourcePage,
    verdict: Verdict,
    source: &dyn PageSource,
    reader: Result<&mut dyn LineNetworks, &Fault>,
    readings: &mut Readings,
) -> Result<PreparedPage, PrepareError> {
    let mut decision = verdict.decision.clone();
    if decision.source == TextSource::TextLayer && reader.is_err() {
        return Ok(prepare_layer(page, decision));
    }
    let pixels = match page.pixels.take() {
        Some(pixels) => pixels,
        None => source.render_page(page.page_index)?,
    };
    let reader = match reader {
        Ok(reader) => reader,
        Err(fault) => {
            let fallback = page.content.take().unwrap_or_default();
            let fault = fault.clone().within("lines cannot be read");
            let has_layer = fallback.chars.iter().any(|c| c.run != u32::MAX);
            decision.source = if has_layer {
                TextSource::TextLayer
            } else {
                TextSource::None
            };
            page.pixels = Some(pixels);
            let mut prepared = from_content(page, fallback, 0, decision);
            let told = Diagnostic::failed(Code::LinesUnavailable, None, fault);
            prepared.diagnostics.push(told);
            return Ok(prepared);
        }
    };
    if let Some(content) = page.content.as_mut().filter(|_| verdict.is_doubted()) {
        let settled = doubt::settle(content, &verdict, readings, &mut |quads| {
            read_at(reader, &pixels, quads)
        });
        match settled {
            Ok(Settled::Layer(reason)) => {
                (decision.source, decision.reason) = (TextSource::TextLayer, reason);
                return Ok(layer_with_picture(page, pixels, decision));
            }
            Ok(Settled::Lines(reason)) => {
                (decision.source, decision.reason) = (TextSource::Lines, reason);
            }
            Ok(Settled::Open) => {}
            // The layer is there all the same.
            Err(fault)
                if decision.source == TextSource::TextLayer && !fault.reason.is_of_device() =>
            {
                return Ok(prepare_layer(page, decision));
            }
            Err(error) => return Err(error.into()),
        }
    }
    let read = reader.read(&pixels)?;
    // A slight skew moves lines by less than their height.
    if let Some(content) = page
        .content
        .as_ref()
        .filter(|_| read.rotation_quarters == 0)
        && let Some(reason) = doubt::outdone(content, &verdict, &read.text)
    {
        (decision.source, decision.reason) = (TextSource::TextLayer, reason);
        return Ok(layer_with_picture(page, pixels, decision));
    }
    let pixels = read.picture.unwrap_or(pixels);
    let map = DarkMap::new(&pixels);
    let rulings = scan::rulings(&map, &read.text);
    let mut images = scan::figures(&map, &read.text, &rulings);
    if read.tally.is_told() {
        unread::keep_pictures(&read.unread, &mut images);
    }
    let narrow = too_narrow(pixels.width, pixels.height);
    let unread = not_read(page.content.as_ref(), &read.text, &decision.reason);
    let diagnostics = narrow
        .into_iter()
        .chain(too_long(&read.too_long))
        .chain(lines_unread(&read.tally))
        .chain(unread)
        .chain(page.content.as_ref().and_then(unknown_encodings))
        .collect();
    let size_points = match read.rotation_quarters % 2 {
        0 => page.size_points,
        _ => (page.size_points.1, page.size_points.0),
    };
    Ok(PreparedPage {
        page_index: page.page_index,
        width: pixels.width,
        height: pixels.height,
        size_points,
        pixels: Some(pixels),
        text: read.text,
        decision,
        rulings,
        fills: Vec::new(),
        drawings: Vec::new(),
        images,
        structure: Vec::new(),
        bookmarks: page
            .content
            .as_ref()
            .map_or_else(Vec::new, |content| content.bookmarks.clone()),
        rotation_quarters: read.rotation_quarters,
        skew_degrees: read.skew_degrees,
        is_unwarped: read.is_unwarped,
        preprocessed: None,
        preprocess_steps: None,
        hidden_text: Vec::new(),
        form_values: Vec::new(),
        diagnostics,
    })
}

/// Prepares a page whose text layer is used, and whose picture is there. Under an invisible layer lines and
/// figures are only in the picture.
fn layer_with_picture(
    mut page: SourcePage,
    pixels: Pixels,
    decision: TextDecision,
) -> PreparedPage {
    let is_scan = page
        .content
        .as_ref()
        .is_some_and(|content| trust::hidden_share(content) > MAX_HIDDEN);
    page.pixels = Some(pixels);
    let mut prepared = prepare_layer(page, decision);
    if let Some(pixels) = prepared.pixels.as_ref().filter(|_| is_scan) {
        let map = DarkMap::new(pixels);
        prepared.rulings = scan::rulings(&map, &prepared.text);
        prepared.images = scan::figures(&map, &prepared.text, &prepared.rulings);
        (prepared.fills, prepared.drawings) = (Vec::new(), Vec::new());
    }
    prepared
}

/// Document preprocessing with its networks.
pub(crate) struct Preprocessor {
    /// Its networks.
    pub networks: Box<dyn DocPreprocessor>,
}

impl Preprocessor {
    /// Rotates and unwarps a page as the options say, then calls `prepare`. The page's PDF content is
    /// dropped, because its coordinates are those before the change. With `keep_steps` the page after every
    /// step is kept, for the drawing that compares them.
    pub(crate) fn prepare(
        &mut self,
        mut page: SourcePage,
        (options, keep_steps): (PreprocessOptions, bool),
        source: &dyn PageSource,
        prepare: impl FnOnce(SourcePage) -> Result<PreparedPage, PrepareError>,
    ) -> Result<PreparedPage, PrepareError> {
        if !options.use_doc_preprocessor {
            return prepare(page);
        }
        let pixels = match page.pixels.take() {
            Some(pixels) => pixels,
            None => source.render_page(page.page_index)?,
        };
        let networks = self.networks.as_mut();
        let (pixels, done, steps) =
            preprocess::preprocess(pixels, page.page_index, options, networks, keep_steps)?;
        if done.is_some_and(|done| done.angle % 180 == 90) {
            page.size_points = (page.size_points.1, page.size_points.0);
        }
        (page.width, page.height) = (pixels.width, pixels.height);
        page.pixels = Some(pixels);
        page.content = None;
        let mut prepared = prepare(page)?;
        prepared.preprocessed = done;
        prepared.preprocess_steps = steps;
        Ok(prepared)
    }
}

/// Prepares a page for a pipeline that uses its picture only: no text, no ruling lines.
pub(crate) fn prepare_picture(
    mut page: SourcePage,
    decision: TextDecision,
    source: &dyn PageSource,
) -> Result<PreparedPage, PrepareError> {
    if page.pixels.is_none() {
        page.pixels = Some(source.render_page(page.page_index)?);
    }
    Ok(from_content(page, PdfPage::default(), 0, decision))
}

fn from_content(
    page: SourcePage,
    mut content: PdfPage,
    quarters: u32,
    decision: TextDecision,
) -> PreparedPage {
    let (mut width, mut height, mut size_points) = (page.width, page.height, page.size_points);
    let mut pixels = page.pixels;
    if quarters != 0 {
        turn_content(&mut content, quarters, width as f32, height as f32);
        pixels = pixels.map(|p| p.rotate_quarters(4 - quarters));
        if quarters % 2 == 1 {
            (width, height, size_points) = (height, width, (size_points.1, size_points.0));
        }
    }
    let rect = |[x1, y1, x2, y2]: [f32; 4]| Rect { x1, y1, x2, y2 };
    PreparedPage {
        page_index: page.page_index,
        width,
        height,
        size_points,
        pixels,
        text: if decision.source == TextSource::None {
            PageText::empty()
        } else {
            text_layer(&content)
        },
        decision,
        rulings: content.rulings.iter().map(|r| rect(*r)).collect(),
        fills: content
            .fills
            .iter()
            .map(|(r, color)| (rect(*r), *color))
            .collect(),
        drawings: content.drawings.iter().map(|r| rect(*r)).collect(),
        images: content.images.iter().map(|r| rect(*r)).collect(),
        structure: content.structure,
        bookmarks: content.bookmarks,
        rotation_quarters: 0,
        skew_degrees: 0.0,
        is_unwarped: false,
        preprocessed: None,
        preprocess_steps: None,
        hidden_text: Vec::new(),
        form_values: Vec::new(),
        diagnostics: Vec::new(),
    }
}

/// Clockwise quarter turns of most of the page's text.
fn turned_quarters(content: &PdfPage) -> u32 {
    let mut counts = [0usize; 4];
    for c in &content.chars {
        if let Some(run) = content.runs.get(c.run as usize) {
            counts[(run.angle / 90.0).round().rem_euclid(4.0) as usize % 4] += 1;
        }
    }
    let total: usize = counts.iter().sum();
    (1..4)
        .find(|q| counts[*q] as f32 > TURNED_SHARE * total as f32)
        .unwrap_or(0) as u32
}

/// Rotates all boxes counter-clockwise by `quarters`, so that a page rotated clockwise becomes upright.
fn turn_content(content: &mut PdfPage, quarters: u32, width: f32, height: f32) {
    let turn = |r: &mut [f32; 4]| {
        let [x1, y1, x2, y2] = *r;
        *r = match quarters {
            1 => [y1, width - x2, y2, width - x1],
            2 => [width - x2, height - y2, width - x1, height - y1],
            3 => [height - y2, x1, height - y1, x2],
            _ => *r,
        };
    };
    content
        .chars
        .iter_mut()
        .filter(|c| c.run != u32::MAX)
        .for_each(|c| turn(&mut c.bbox));
    content
        .rulings
        .iter_mut()
        .chain(&mut content.drawings)
        .chain(&mut content.images)
        .chain(content.links.iter_mut().flat_map(|link| &mut link.boxes))
        .for_each(turn);
    content.fills.iter_mut().for_each(|(r, _)| turn(r));
    let small = content.small_shapes.iter_mut();
    small.for_each(|shape| turn(&mut shape.bbox));
    for run in &mut content.runs {
        run.angle = (run.angle - 90.0 * quarters as f32 + 180.0).rem_euclid(360.0) - 180.0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::PixelsWanted;

    /// A source of which nothing is asked, or whose pages cannot be rendered.
    struct Broken;

    impl PageSource for Broken {
        fn page_count(&self) -> usize {
            1
        }

        fn page_pixels(&self, _: usize) -> u64 {
            16
        }

        fn fingerprint(&self) -> u64 {
            0
        }

        fn is_paged(&self) -> bool {
            true
        }

        fn read_page(&self, _: usize, _: PixelsWanted) -> Result<SourcePage, PageError> {
            unreachable!("the page is there")
        }

        fn render_page(&self, _: usize) -> Result<Pixels, PageError> {
            let (width, height) = (0.0, 0.0);
            Err(PageError::Size { width, height })
        }
    }

    #[test]
    fn a_page_does_not_tell_what_one_before_it_was_short_of() {
        let mut readings = Readings::default();
        let prepare = |pixels: Option<Pixels>, readings: &mut Readings| {
            let page = SourcePage {
                page_index: 0,
                width: 4,
                height: 4,
                size_points: (2.0, 2.0),
                pixels,
                preview: None,
                missing_rows: 0,
                content: None,
            };
            let verdict = Verdict::sure(TextSource::Lines, "a test");
            let fault = Fault::internal("no reader");
            prepare_by_lines(page, verdict, &Broken, Err(&fault), readings)
        };
        readings.use_up();
        assert!(prepare(None, &mut readings).is_err());
        readings.use_up();
        let prepared = prepare(Some(Pixels::white(4, 4)), &mut readings).unwrap();
        let codes: Vec<Code> = prepared.diagnostics.iter().map(|told| told.code).collect();
        assert_eq!(codes, [Code::LinesUnavailable]);
    }

    #[test]
    fn turning_the_content_agrees_with_turning_the_picture() {
        let mut picture = Pixels::white(30, 20);
        picture.data[(5 * 30 + 3) * 3..][..3].fill(0);
        for quarters in 1..4 {
            let mut content = PdfPage {
                rulings: vec![[3.0, 5.0, 4.0, 6.0]],
                ..PdfPage::default()
            };
            turn_content(&mut content, quarters, 30.0, 20.0);
            let turned = picture.rotate_quarters(4 - quarters);
            let [x1, y1, ..] = content.rulings[0];
            assert_eq!(
                turned.clamped_pixel(x1 as i64, y1 as i64),
                [0; 3],
                "{quarters}"
            );
        }
    }
}
