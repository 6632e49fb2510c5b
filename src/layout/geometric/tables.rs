//! Tables among the regions of a page, and the trace of how they were found.

use super::{PageLayout, prose, tagged_tables};
use crate::document::{Label, TextSource};
use crate::geometry::Rect;
use crate::layout::Region;
use crate::layout::geometric::thresholds::scores;
use crate::layout::table::{self, Considered, FoundTable, Origin, Outline, TableTrace, Trace};
use crate::lines::{PreparedPage, Segment, main_size};

/// What was considered while the tables of a page were looked for. Its regions are found once more for that, in the same way.
pub(crate) fn trace_tables(page: &PreparedPage) -> TableTrace {
    let mut layout = PageLayout::new(page);
    layout.evidence.trace = Trace::on();
    layout.evidence.note_rules();
    let regions = layout.regions();
    let tables = regions.iter().filter(|region| region.label == Label::Table);
    let tables: Vec<Rect> = tables.map(|region| region.bbox).collect();
    let mut trace = layout.evidence.trace.into_inner();
    trace.settle(&tables);
    trace
}

/// The region of a table.
pub(super) fn region(found: FoundTable, segments: &[Segment]) -> Region {
    let mut region = Region::new(Label::Table, found.bbox, scores::TABLE);
    let own = found.segments.iter().map(|i| &segments[*i]);
    region.style.font_size = main_size(own).unwrap_or_default();
    region.lines = found.segments.iter().map(|i| vec![*i]).collect();
    region.table = Some(found.table);
    region
}

impl PageLayout<'_> {
    /// Finds the tables that are sure wherever the page is cut.
    pub(super) fn find_tables(&mut self) {
        let size = (self.page.width as f32, self.page.height as f32);
        let (rulings, fills) = (&self.page.rulings, &self.page.fills);
        if self.tags.is_some() {
            for found in tagged_tables::tables(
                &self.page.structure,
                self.segments,
                &self.taken,
                &self.evidence,
            ) {
                self.evidence.trace.consider(|| of_tags(&found));
                let area = found.bbox;
                if self.take_table(found) {
                    self.evidence.take(area);
                }
            }
        }
        let trace = &self.evidence.trace;
        for found in table::find_turned(self.segments, rulings, fills, size, &self.free(), trace) {
            self.take_table(found);
        }
        table::note_text(&self.evidence, &self.free());
        // Rules above and below a story frame its columns.
        let column_of = match self.page.text.source {
            TextSource::Lines => prose::long_columns(self.segments, self.body),
            _ => vec![None; self.segments.len()],
        };
        for found in table::find_drawn(&self.evidence, &self.free()) {
            if !prose::are_columns(&found.segments, &column_of) {
                self.take_table(found);
            }
        }
        for found in table::find_numbers(&self.evidence, &self.free()) {
            self.take_table(found);
        }
    }

    /// Makes a table a region, and returns `true`, unless another region already has some of its text.
    fn take_table(&mut self, found: FoundTable) -> bool {
        if found.segments.iter().any(|&i| self.taken[i]) {
            return false;
        }
        found.segments.iter().for_each(|&i| self.taken[i] = true);
        self.floats.push(region(found, self.segments));
        true
    }
}

/// A tagged table.
fn of_tags(found: &FoundTable) -> Considered {
    Considered {
        grid: Outline::of(&found.table),
        ..Considered::bare(Origin::Tags, found.bbox, None)
    }
}
