//! Networks that look at the picture of a page, as evidence beside geometry.
//!
//! In: a page whose lines were read from its picture. Out: the headings and running headers that [`page_layout`]
//! sees, which the geometric detector believes where its own rules allow it ([`Seen`]), and for a table the grid that
//! [`table_structure`] sees, which replaces geometry's where that has more in one cell than belongs there ([`regrid`]).
//! Nothing depends on them: a network that is off, missing or fails changes nothing but that. One that fails for a page is
//! tried again with the next one, and is off after three failures in a row.

mod input;
mod page_layout;
mod regrid;
mod table_structure;

use super::{LayoutError, Region};
use crate::document::{Label, TextSource};
use crate::fault::{Fault, Reason};
use crate::geometry::Rect;
use crate::lines::PreparedPage;
use crate::onnx::OnnxError;
use crate::onnx::network::Network;
use crate::runtime::{PAGE_LAYOUT, TABLE_STRUCTURE};
use page_layout::{PageLayoutNetwork, SeenLabel};
use table_structure::TableNetwork;

/// The networks of a run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PictureOptions {
    /// `use_page_layout`: look for headings and running headers.
    pub use_page_layout: bool,
    /// `use_table_structure`: look for the cells of tables.
    pub use_table_structure: bool,
}

impl PictureOptions {
    /// `true` if a network may be used.
    pub(crate) fn is_any(self) -> bool {
        self.use_page_layout || self.use_table_structure
    }
}

/// Bytes that the networks take, weights and runs together: 110 MB for layout and 80 MB for tables were measured.
pub(crate) const MEMORY: u64 = 208 << 20;

/// Least score of a heading that is believed. Of those in `tests/pictures` with 0.5 to 0.6, half are right, above that nine of
/// ten; the rules for their text refuse most of the others. More: fewer headings. Less: paragraphs become headings.
const TITLE_SCORE: f32 = 0.5;
/// Least score of a header or footer. Less: titles of small documents become headers.
const MARGIN_SCORE: f32 = 0.5;
/// Most tables of a page that are looked at; each takes 0.1 seconds.
const MOST_TABLES: usize = 16;
/// Runs that fail, one after the other, after which a network is off. One page may be at fault, or the memory of the machine
/// at that moment; a network that always fails only costs time.
const MOST_FAILURES: u32 = 3;
/// Space around a table in its crop, in pixels: the network was trained with some.
const TABLE_MARGIN: f32 = 8.0;

/// What was seen in the picture of a page.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Seen {
    /// Headings, from the surest to the least sure.
    pub titles: Vec<Rect>,
    /// Running headers.
    pub headers: Vec<Rect>,
    /// Running footers.
    pub footers: Vec<Rect>,
}

/// Loads the network of a file of the runtime folders; `None` if the file is not there.
pub(crate) type LoadNetwork = Box<dyn FnMut(&str) -> Result<Option<Network>, Fault> + Send>;

/// A network that is loaded when it is first needed.
enum Slot<T> {
    /// Not needed so far.
    Waiting,
    /// Loaded, with the number of runs that failed since the last one that did not.
    Ready(Box<T>, u32),
    /// Not wanted, not there, not to be loaded, or it failed again and again.
    Off,
}

impl<T> Slot<T> {
    fn of(is_wanted: bool) -> Slot<T> {
        match is_wanted {
            true => Slot::Waiting,
            false => Slot::Off,
        }
    }

    /// The network; `None` if it is off.
    fn network(
        &mut self,
        file: &str,
        load: &mut LoadNetwork,
        of: impl FnOnce(Network) -> Result<T, Fault>,
    ) -> Option<&mut T> {
        if matches!(self, Slot::Waiting) {
            let loaded = load(file).and_then(|network| network.map(of).transpose());
            *self = match loaded {
                Ok(Some(network)) => Slot::Ready(Box::new(network), 0),
                Ok(None) => Slot::Off,
                Err(fault) => {
                    tracing::warn!("`{file}` cannot be used, pages are read without it: {fault}");
                    Slot::Off
                }
            };
        }
        match self {
            Slot::Ready(network, _) => Some(network),
            Slot::Waiting | Slot::Off => None,
        }
    }

    /// What a run gave; `None` if it failed, and the network is off after too many failures in a row. A device that is lost
    /// ends the run.
    fn done<R>(
        &mut self,
        file: &str,
        result: Result<R, OnnxError>,
    ) -> Result<Option<R>, LayoutError> {
        let fault = match result.map_err(Fault::from) {
            Ok(done) => {
                if let Slot::Ready(_, failures) = self {
                    *failures = 0;
                }
                return Ok(Some(done));
            }
            Err(fault) if fault.reason == Reason::DeviceLost => return Err(LayoutError(fault)),
            Err(fault) => fault,
        };
        if let Slot::Ready(_, failures) = self {
            *failures += 1;
            if *failures < MOST_FAILURES {
                tracing::warn!("`{file}` fails, a page is read without it: {fault}");
                return Ok(None);
            }
        }
        tracing::warn!(
            "`{file}` failed {MOST_FAILURES} times in a row, pages are read without it from now on: {fault}"
        );
        *self = Slot::Off;
        Ok(None)
    }
}

/// The networks that look at pictures of pages.
pub(crate) struct PictureNetworks {
    load: LoadNetwork,
    layout: Slot<PageLayoutNetwork>,
    tables: Slot<TableNetwork>,
}

impl PictureNetworks {
    /// Those that the options want; `load` is called when a page first needs one.
    pub(crate) fn new(options: PictureOptions, load: LoadNetwork) -> Self {
        PictureNetworks {
            load,
            layout: Slot::of(options.use_page_layout),
            tables: Slot::of(options.use_table_structure),
        }
    }

    /// What is seen on a page; nothing if its text is not that of its picture.
    pub(crate) fn see(&mut self, page: &PreparedPage) -> Result<Seen, LayoutError> {
        let mut seen = Seen::default();
        let Some(pixels) = page.pixels.as_ref().filter(|_| is_picture(page)) else {
            return Ok(seen);
        };
        let of = PageLayoutNetwork::of;
        let Some(network) = self.layout.network(PAGE_LAYOUT, &mut self.load, of) else {
            return Ok(seen);
        };
        let found = network.detect(pixels);
        for found in self.layout.done(PAGE_LAYOUT, found)?.unwrap_or_default() {
            match found.label {
                SeenLabel::Title if found.score >= TITLE_SCORE => seen.titles.push(found.bbox),
                SeenLabel::Header if found.score >= MARGIN_SCORE => seen.headers.push(found.bbox),
                SeenLabel::Footer if found.score >= MARGIN_SCORE => seen.footers.push(found.bbox),
                _ => {}
            }
        }
        Ok(seen)
    }

    /// Gives tables the cells that are seen in the picture, where they suit the text better.
    pub(crate) fn improve_tables(
        &mut self,
        page: &PreparedPage,
        regions: &mut [Region],
    ) -> Result<(), LayoutError> {
        let Some(pixels) = page.pixels.as_ref().filter(|_| is_picture(page)) else {
            return Ok(());
        };
        let is_table =
            |region: &&mut Region| region.label == Label::Table && region.table.is_some();
        for region in regions.iter_mut().filter(is_table).take(MOST_TABLES) {
            let area = region.bbox.expanded(TABLE_MARGIN, TABLE_MARGIN);
            let area = area.clamped(page.width as f32, page.height as f32);
            let Some(crop) = pixels.crop(&area) else {
                continue;
            };
            let of = TableNetwork::of;
            let Some(network) = self.tables.network(TABLE_STRUCTURE, &mut self.load, of) else {
                return Ok(());
            };
            let seen = network.structure(&crop);
            // A page counts as one failure, however many tables it has.
            let Some(seen) = self.tables.done(TABLE_STRUCTURE, seen)? else {
                return Ok(());
            };
            let Some(mut seen) = seen else {
                continue;
            };
            seen.move_by(area.x1.floor(), area.y1.floor());
            if let Some(table) = regrid::better(&page.text.segments, region, &seen) {
                region.table = Some(table);
            }
        }
        Ok(())
    }
}

/// `true` for a page whose text was read from its picture. A PDF's own text says more about its layout.
fn is_picture(page: &PreparedPage) -> bool {
    page.text.source == TextSource::Lines && !page.text.segments.is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failed() -> Result<(), OnnxError> {
        Err(OnnxError::Load {
            model: "file".into(),
            reason: "too little memory".into(),
            lacks_memory: true,
        })
    }

    #[test]
    fn a_network_is_off_after_failures_in_a_row_only() {
        let mut slot = Slot::Ready(Box::new("network"), 0);
        for _ in 0..4 {
            for _ in 1..MOST_FAILURES {
                assert_eq!(slot.done("file", failed()).unwrap(), None);
                assert!(matches!(slot, Slot::Ready(..)));
            }
            assert_eq!(slot.done("file", Ok(7)).unwrap(), Some(7));
        }
        for _ in 0..MOST_FAILURES {
            assert!(matches!(slot, Slot::Ready(..)));
            assert_eq!(slot.done("file", failed()).unwrap(), None);
        }
        assert!(matches!(slot, Slot::Off));
        let mut load: LoadNetwork = Box::new(|_| panic!("it is not loaded again"));
        assert!(slot.network("file", &mut load, |_| Ok("network")).is_none());
    }
}
