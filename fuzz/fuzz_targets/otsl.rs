//! Any answer about a table gives HTML with as many cells opened as closed.
#![no_main]

use docparse::internals::content::otsl;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|text: &str| {
    let html = otsl::to_html(text);
    assert_eq!(html.matches("<td").count(), html.matches("</td>").count());
    assert_eq!(html.matches("<tr>").count(), html.matches("</tr>").count());
});
