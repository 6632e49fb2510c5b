//! The structure tree of a tagged page.

use super::library::OpenPage;
use super::page::StructNode;
use std::ffi::c_void;

/// Limit on spans; larger ones are mistakes or attacks.
const MAX_CELL_SPAN: f32 = 200.0;
/// Limit on structure elements and marked contents read from one page.
const MAX_STRUCTURE_NODES: usize = 20_000;

impl OpenPage<'_> {
    /// The elements of the structure tree, depth first; empty if the page is not tagged.
    pub(super) fn structure(&self) -> Vec<StructNode> {
        let api = self.api();
        let mut nodes = Vec::new();
        // SAFETY: the tree is used and closed here; elements live as long as the tree.
        unsafe {
            let tree = api.FPDF_StructTree_GetForPage(self.handle.cast());
            if tree.is_null() {
                return nodes;
            }
            let mut stack: Vec<(*mut c_void, Option<usize>)> = Vec::new();
            for index in (0..api.FPDF_StructTree_CountChildren(tree).max(0)).rev() {
                stack.push((
                    api.FPDF_StructTree_GetChildAtIndex(tree, index).cast(),
                    None,
                ));
            }
            while let Some((element, parent)) = stack.pop() {
                if element.is_null() || nodes.len() >= MAX_STRUCTURE_NODES {
                    continue;
                }
                nodes.push(self.structure_node(element, parent));
                let this = Some(nodes.len() - 1);
                for index in (0..api.FPDF_StructElement_CountChildren(element.cast()).max(0)).rev()
                {
                    let child = api.FPDF_StructElement_GetChildAtIndex(element.cast(), index);
                    stack.push((child.cast(), this));
                }
            }
            api.FPDF_StructTree_Close(tree);
        }
        nodes
    }

    /// One element of the structure tree, without its children.
    ///
    /// # Safety
    /// `element` belongs to an open structure tree of this page.
    unsafe fn structure_node(&self, element: *mut c_void, parent: Option<usize>) -> StructNode {
        let api = self.api();
        let text = |read: &dyn Fn(*mut c_void, u64) -> u64| {
            let mut buffer = vec![0u16; 512];
            let bytes = read(buffer.as_mut_ptr().cast(), 1024) as usize;
            buffer.truncate((bytes / 2).saturating_sub(1).min(511));
            String::from_utf16_lossy(&buffer)
        };
        // SAFETY: by the contract of this function; the buffers above are 1024 bytes.
        unsafe {
            let kind = text(&|p, n| api.FPDF_StructElement_GetType(element.cast(), p, n));
            let alt = text(&|p, n| api.FPDF_StructElement_GetAltText(element.cast(), p, n));
            let count = api.FPDF_StructElement_CountChildren(element.cast()).max(0);
            let mut mcids: Vec<i32> = (0..count)
                .map(|i| api.FPDF_StructElement_GetChildMarkedContentID(element.cast(), i))
                .filter(|mcid| *mcid >= 0)
                .collect();
            let single = api.FPDF_StructElement_GetMarkedContentID(element.cast());
            if mcids.is_empty() && single >= 0 {
                mcids.push(single);
            }
            let is_cell = matches!(kind.as_str(), "TD" | "TH");
            let spans = if is_cell {
                self.cell_spans(element)
            } else {
                [1; 2]
            };
            StructNode {
                kind,
                parent,
                mcids,
                alt: (!alt.trim().is_empty()).then_some(alt),
                spans,
            }
        }
    }

    /// Rows and columns that a table cell spans, from its attributes.
    ///
    /// # Safety
    /// `element` belongs to an open structure tree of this page.
    unsafe fn cell_spans(&self, element: *mut c_void) -> [u16; 2] {
        let api = self.api();
        let mut spans = [1u16; 2];
        // SAFETY: by the contract of this function; attributes live as long as their element.
        unsafe {
            for index in 0..api
                .FPDF_StructElement_GetAttributeCount(element.cast())
                .max(0)
            {
                let attributes = api.FPDF_StructElement_GetAttributeAtIndex(element.cast(), index);
                if attributes.is_null() {
                    continue;
                }
                for (span, name) in spans.iter_mut().zip(["RowSpan", "ColSpan"]) {
                    let value = api.FPDF_StructElement_Attr_GetValue(attributes, name);
                    let mut number = 0f32;
                    if !value.is_null()
                        && api.FPDF_StructElement_Attr_GetNumberValue(value, &mut number) != 0
                    {
                        *span = number.clamp(1.0, MAX_CELL_SPAN) as u16;
                    }
                }
            }
        }
        spans
    }
}
