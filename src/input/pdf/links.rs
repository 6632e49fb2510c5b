//! The links of a page: those that the file states, and addresses in its text.

use super::library::OpenPage;
use super::page::{PdfLink, PdfPage};
use super::strings::{utf8, utf16};
use super::transform::{Transform, apply_box};
use std::ffi::{c_ulong, c_void};

/// Most links that are read from a page.
const MOST_LINKS: usize = 4000;
/// Most boxes of a link.
const MOST_BOXES: i32 = 64;
/// Longest address, in characters: browsers follow no longer ones.
const MOST_ADDRESS: usize = 2048;
/// Schemes of addresses that are kept: they lead to something that is read or written to.
const SCHEMES: [&str; 4] = ["http://", "https://", "mailto:", "ftp://"];
/// Types of actions: to a place in the document, to an address.
const GO_TO: c_ulong = 1;
const ADDRESS: c_ulong = 3;

impl OpenPage<'_> {
    /// Adds the links that the file states, before those that are there.
    pub(super) fn add_links(&self, to_page: &Transform, out: &mut PdfPage) {
        let api = self.api();
        let (mut position, mut found) = (0, Vec::new());
        let mut places = self.document.most_places();
        while found.len() < MOST_LINKS {
            let mut link = std::ptr::null_mut();
            // SAFETY: the page is loaded, the targets are locals; links live as long as the page.
            let is_there =
                unsafe { api.FPDFLink_Enumerate(self.handle.cast(), &mut position, &mut link) };
            if is_there == 0 || link.is_null() {
                break;
            }
            let link = link.cast();
            if let Some(target) = self.target(link, &mut places) {
                let boxes = self.link_boxes(link, to_page);
                found.push(PdfLink { boxes, target });
            }
        }
        found.append(&mut out.links);
        out.links = found;
    }

    /// Where a link leads to; `places` is how many places may still be looked up.
    fn target(&self, link: *mut c_void, places: &mut usize) -> Option<String> {
        let api = self.api();
        let document = self.document.handle;
        // SAFETY: the document is open, and the link and what it holds live as long as the page.
        unsafe {
            let mut place = std::ptr::null_mut();
            if *places > 0 {
                *places -= 1;
                place = api.FPDFLink_GetDest(document.cast(), link.cast());
            }
            if place.is_null() {
                let action = api.FPDFLink_GetAction(link.cast());
                if action.is_null() {
                    return None;
                }
                match api.FPDFAction_GetType(action) {
                    GO_TO if *places == 0 => return None,
                    GO_TO => place = api.FPDFAction_GetDest(document.cast(), action),
                    ADDRESS => {
                        let address = utf8(MOST_ADDRESS, &|buffer, bytes| {
                            let buffer = buffer.cast();
                            api.FPDFAction_GetURIPath(document.cast(), action, buffer, bytes as _)
                                as usize
                        });
                        return safe_address(&address);
                    }
                    _ => return None,
                }
            }
            if place.is_null() {
                return None;
            }
            let page = api.FPDFDest_GetDestPageIndex(document.cast(), place);
            (page >= 0).then(|| format!("#page={}", i64::from(page) + 1))
        }
    }

    fn link_boxes(&self, link: *mut c_void, to_page: &Transform) -> Vec<[f32; 4]> {
        let api = self.api();
        let mut boxes = Vec::new();
        // SAFETY: the link is valid; FS_QUADPOINTSF is eight floats, FS_RECTF four.
        unsafe {
            for index in 0..api
                .FPDFLink_CountQuadPoints(link.cast())
                .clamp(0, MOST_BOXES)
            {
                let mut quad = [0f32; 8];
                let quad_points = quad.as_mut_ptr().cast();
                if api.FPDFLink_GetQuadPoints(link.cast(), index, quad_points) != 0 {
                    let side = |from: usize, f: fn(f32, f32) -> f32| {
                        quad.iter()
                            .skip(from)
                            .step_by(2)
                            .copied()
                            .reduce(f)
                            .unwrap_or(0.0)
                    };
                    let user = [
                        side(0, f32::min),
                        side(1, f32::min),
                        side(0, f32::max),
                        side(1, f32::max),
                    ];
                    boxes.push(apply_box(to_page, user));
                }
            }
            let mut rect = [0f32; 4];
            if boxes.is_empty()
                && api.FPDFLink_GetAnnotRect(link.cast(), rect.as_mut_ptr().cast()) != 0
            {
                let [left, top, right, bottom] = rect;
                boxes.push(apply_box(to_page, [left, bottom, right, top]));
            }
        }
        boxes
    }

    /// Adds addresses that stand in the text.
    ///
    /// # Safety
    /// `text` is an open text page of this page.
    pub(super) unsafe fn add_web_links(
        &self,
        text: *mut c_void,
        to_page: &Transform,
        out: &mut PdfPage,
    ) {
        let api = self.api();
        // SAFETY: by the contract of this function; the list is closed here, the targets are locals.
        unsafe {
            let list = api.FPDFLink_LoadWebLinks(text.cast());
            if list.is_null() {
                return;
            }
            for link in 0..api.FPDFLink_CountWebLinks(list).clamp(0, MOST_LINKS as i32) {
                // This function counts in characters, the others in bytes.
                let address = utf16(MOST_ADDRESS, &|buffer, bytes| {
                    let characters = (bytes / 2) as i32;
                    api.FPDFLink_GetURL(list, link, buffer, characters).max(0) as usize * 2
                });
                let Some(target) = safe_address(&address) else {
                    continue;
                };
                let mut boxes = Vec::new();
                for index in 0..api.FPDFLink_CountRects(list, link).clamp(0, MOST_BOXES) {
                    let (mut left, mut top, mut right, mut bottom) = (0f64, 0f64, 0f64, 0f64);
                    let is_there = api.FPDFLink_GetRect(
                        list,
                        link,
                        index,
                        &mut left,
                        &mut top,
                        &mut right,
                        &mut bottom,
                    );
                    if is_there != 0 {
                        let user = [left, bottom, right, top].map(|v| v as f32);
                        boxes.push(apply_box(to_page, user));
                    }
                }
                out.links.push(PdfLink { boxes, target });
            }
            api.FPDFLink_CloseWebLinks(list);
        }
    }
}

/// An address of the web or of mail, percent-encoded where it has to be; `None` for others, and for those that
/// hold control characters.
fn safe_address(address: &str) -> Option<String> {
    let address = address.trim();
    let is_kept = SCHEMES.iter().any(|scheme| {
        let start = address.get(..scheme.len());
        start.is_some_and(|start| start.eq_ignore_ascii_case(scheme))
            && address.len() > scheme.len()
    });
    if !is_kept || address.chars().any(char::is_control) {
        return None;
    }
    Some(address.replace(' ', "%20"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_the_web_and_of_mail_are_kept() {
        let kept = |address: &str| safe_address(address);
        assert_eq!(
            kept(" https://a.example/b c "),
            Some("https://a.example/b%20c".into())
        );
        assert_eq!(
            kept("MAILTO:a@b.example"),
            Some("MAILTO:a@b.example".into())
        );
        for bad in [
            "javascript:alert(1)",
            "file:///etc/passwd",
            "http://",
            "http://a\n.example",
            "ü",
        ] {
            assert_eq!(kept(bad), None, "{bad}");
        }
    }
}
