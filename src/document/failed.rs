//! Pages that stand for a range of pages: long runs that failed for the same reason, and pages that repeat
//! earlier ones. A file that claims a million pages thus costs no more than its actual content.

use super::{Code, Document, Page};
use crate::fault::Reason;

/// Longest run of pages with the same failure that is still listed page by page.
pub const FAILED_ALIKE: usize = 16;

impl Page {
    /// Number of pages that this one stands for.
    pub fn stands_for(&self) -> usize {
        self.last_index() - self.page_index + 1
    }

    /// `true` if the page only says that it repeats an earlier one.
    pub fn is_repeated(&self) -> bool {
        self.diagnostics
            .iter()
            .any(|diagnostic| diagnostic.code == Code::PageRepeated)
    }

    fn last_index(&self) -> usize {
        self.through.unwrap_or(self.page_index).max(self.page_index)
    }

    /// The failure's message, if nothing else is known of the page.
    fn failure(&self) -> Option<(Option<Reason>, &str)> {
        match self.diagnostics.as_slice() {
            [only] if only.code == Code::PageFailed && self.blocks.is_empty() => {
                Some((only.reason, &only.message))
            }
            _ => None,
        }
    }
}

impl Document {
    /// Adds the next page. More than [`FAILED_ALIKE`] consecutive pages that failed for the same reason are
    /// replaced by one with `page_index` of the first and `through` of the last.
    pub fn push(&mut self, page: Page) {
        let is_alike = |a: &Page, b: &Page| {
            a.last_index() + 1 == b.page_index
                && a.failure().is_some_and(|why| b.failure() == Some(why))
        };
        if let Some(last) = self.pages.last_mut()
            && last.through.is_some()
            && is_alike(last, &page)
        {
            last.through = Some(page.page_index);
            return;
        }
        self.pages.push(page);
        let alike = self
            .pages
            .windows(2)
            .rev()
            .take_while(|two| is_alike(&two[0], &two[1]))
            .count()
            + 1;
        if alike > FAILED_ALIKE {
            let last = self.pages.last().map(|page| page.page_index);
            self.pages.truncate(self.pages.len() - alike + 1);
            if let Some(first) = self.pages.last_mut() {
                first.through = last;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Fault;

    fn pages(reasons: &[(usize, &str)]) -> Vec<[usize; 2]> {
        let mut document = Document {
            input_path: String::new(),
            pages: Vec::new(),
            page_count: None,
            info: Default::default(),
        };
        for (index, reason) in reasons {
            document.push(Page::failed(*index, Fault::new(Reason::Damaged, *reason)));
        }
        document
            .pages
            .iter()
            .map(|page| [page.page_index, page.stands_for()])
            .collect()
    }

    #[test]
    fn many_pages_that_failed_alike_are_one() {
        let alike = |count: usize| (0..count).map(|index| (index, "no")).collect::<Vec<_>>();
        assert_eq!(pages(&alike(FAILED_ALIKE)).len(), FAILED_ALIKE);
        assert_eq!(pages(&alike(FAILED_ALIKE + 1)), [[0, FAILED_ALIKE + 1]]);
        assert_eq!(pages(&alike(5000)), [[0, 5000]]);
        // Another reason, or a page in between, starts a new group.
        let mut two = alike(40);
        two.extend((40..80).map(|index| (index, "never")));
        two.extend((90..130).map(|index| (index, "never")));
        assert_eq!(pages(&two), [[0, 40], [40, 40], [90, 40]]);
    }
}
