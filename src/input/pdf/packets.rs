//! Functions of pdfium for the packets of XFA forms, which the bindings have only for builds that run such forms.

use std::ffi::{CStr, c_char, c_int, c_ulong, c_void};

/// Most packets and bytes of a form that are read.
const MOST_PACKETS: c_int = 64;
const MOST_BYTES: usize = 16 << 20;

type Count = unsafe extern "C" fn(*mut c_void) -> c_int;
type Content =
    unsafe extern "C" fn(*mut c_void, c_int, *mut c_void, c_ulong, *mut c_ulong) -> c_int;

/// The functions.
#[derive(Clone, Copy)]
pub(super) struct PacketFunctions {
    count: Count,
    content: Content,
}

impl PacketFunctions {
    /// The functions of the library that is open at `handle` (of `dlopen`), if it has them.
    pub(super) fn of(handle: *mut c_void) -> Option<PacketFunctions> {
        let symbol = |name: &CStr| {
            // SAFETY: an open library and a name that ends with zero.
            let address = unsafe { libc::dlsym(handle, name.as_ptr().cast::<c_char>()) };
            (!address.is_null()).then_some(address)
        };
        let count = symbol(c"FPDF_GetXFAPacketCount")?;
        let content = symbol(c"FPDF_GetXFAPacketContent")?;
        // SAFETY: these are the signatures of pdfium's `fpdfview.h`.
        unsafe {
            Some(PacketFunctions {
                count: std::mem::transmute::<*mut c_void, Count>(count),
                content: std::mem::transmute::<*mut c_void, Content>(content),
            })
        }
    }

    /// All packets of a document's form, one behind the other; `document` is open.
    pub(super) fn read(&self, document: *mut c_void) -> String {
        let mut xml = Vec::new();
        // SAFETY: the document is open, the index below the count; buffers are as long as said.
        unsafe {
            for index in 0..(self.count)(document).clamp(0, MOST_PACKETS) {
                let mut bytes: c_ulong = 0;
                let none = std::ptr::null_mut();
                if (self.content)(document, index, none, 0, &mut bytes) == 0 {
                    continue;
                }
                if bytes as usize > MOST_BYTES.saturating_sub(xml.len()) {
                    break;
                }
                let mut packet = vec![0u8; bytes as usize];
                let buffer = packet.as_mut_ptr().cast();
                if (self.content)(document, index, buffer, bytes, &mut bytes) != 0 {
                    xml.append(&mut packet);
                    xml.push(b'\n');
                }
            }
        }
        String::from_utf8_lossy(&xml).into_owned()
    }
}
