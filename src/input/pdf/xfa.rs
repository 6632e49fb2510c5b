//! Values of XFA forms: forms that a PDF holds as XML, and of which no page shows anything.
//!
//! pdfium reads the XML out of the file without knowing what it means. `datasets` has the values, `template` the
//! captions of the fields.

use super::library::OpenPage;
use super::page::PdfPage;
use quick_xml::Reader;
use quick_xml::events::Event;
use std::collections::HashMap;
use std::ffi::c_int;

/// Deepest element that is looked at.
const MOST_DEPTH: usize = 200;
/// Most values of a form, and the longest of them and of their captions, in bytes.
const MOST_VALUES: usize = 5000;
const MOST_VALUE: usize = 20_000;
/// Types of forms with XFA (`FORMTYPE_XFA_...`).
const WITH_XFA: [c_int; 2] = [2, 3];
/// Subtype of annotations that are fields.
const WIDGET: c_int = 20;
/// Most annotations that are looked at to find a field.
const MOST_ANNOTATIONS: c_int = 200;

impl OpenPage<'_> {
    /// Adds the values of a form that no page shows, to the first page.
    pub(super) fn add_form_values(&self, out: &mut PdfPage) {
        let api = self.api();
        // SAFETY: the document is open.
        let kind = unsafe { api.FPDF_GetFormType(self.document.handle.cast()) };
        if self.index == 0 && WITH_XFA.contains(&kind) && !self.has_fields() {
            let packets = self.document.library.packets;
            let xml = packets.map(|packets| packets.read(self.document.handle));
            out.form_values = values(&xml.unwrap_or_default());
            out.is_xfa = true;
        }
    }

    /// `true` if the page has fields that show their values themselves.
    fn has_fields(&self) -> bool {
        let api = self.api();
        // SAFETY: the page is loaded, the index below the count; the annotation is closed here.
        unsafe {
            let count = api.FPDFPage_GetAnnotCount(self.handle.cast());
            (0..count.clamp(0, MOST_ANNOTATIONS)).any(|index| {
                let annotation = api.FPDFPage_GetAnnot(self.handle.cast(), index);
                if annotation.is_null() {
                    return false;
                }
                let kind = api.FPDFAnnot_GetSubtype(annotation);
                api.FPDFPage_CloseAnnot(annotation);
                kind == WIDGET
            })
        }
    }
}

/// What is known of a field from the template.
#[derive(Default)]
struct Field {
    caption: String,
    /// It is a box to check; the value that stands for checked.
    is_check: bool,
    on: String,
}

/// The values of a form with their labels, in the order of its data.
fn values(xml: &str) -> Vec<(String, String)> {
    let mut reader = Reader::from_str(xml);
    let config = reader.config_mut();
    (config.check_end_names, config.allow_unmatched_ends) = (false, true);
    config.allow_dangling_amp = true;
    let mut walk = FormWalk::default();
    loop {
        match reader.read_event() {
            Ok(Event::Start(tag)) => {
                let name = tag.local_name().into_inner().to_string();
                let field = name_of_field(&tag);
                walk.open(name, field);
            }
            Ok(Event::Empty(tag)) => {
                let name = tag.local_name().into_inner().to_string();
                walk.open(name, None);
                walk.close();
            }
            Ok(Event::End(_)) => walk.close(),
            Ok(Event::Text(text)) => walk.text(&text),
            Ok(Event::CData(text)) => walk.text(&text),
            Ok(Event::GeneralRef(name)) => {
                let c = name.resolve_char_ref().ok().flatten();
                let known = || match &*name {
                    "lt" => Some('<'),
                    "gt" => Some('>'),
                    "amp" => Some('&'),
                    "quot" => Some('"'),
                    "apos" => Some('\''),
                    _ => None,
                };
                if let Some(c) = c.or_else(known) {
                    walk.text(c.encode_utf8(&mut [0; 4]));
                }
            }
            Ok(Event::Eof) | Err(_) => break,
            Ok(_) => {}
        }
    }
    walk.finish()
}

fn name_of_field(tag: &quick_xml::events::BytesStart<'_>) -> Option<String> {
    let name = tag.try_get_attribute("name").ok()??;
    Some(name.value.into_owned())
}

/// An open element.
struct Element {
    name: String,
    text: String,
    has_children: bool,
}

/// Reads template and data element by element.
#[derive(Default)]
struct FormWalk {
    open: Vec<Element>,
    /// Elements below the deepest one that is looked at.
    below: usize,
    /// Names of the fields that are open in the template.
    in_field: Vec<(usize, String)>,
    fields: HashMap<String, Field>,
    /// Names and texts of the data.
    data: Vec<(String, String)>,
}

impl FormWalk {
    fn open(&mut self, name: String, field: Option<String>) {
        if self.open.len() >= MOST_DEPTH {
            self.below += 1;
            return;
        }
        if let Some(parent) = self.open.last_mut() {
            parent.has_children = true;
        }
        let is_template = self.is_in("template");
        if let Some(field) = field.filter(|_| is_template && name == "field") {
            if self.fields.len() < MOST_VALUES && field.len() <= MOST_VALUE {
                self.in_field.push((self.open.len(), field));
            }
        } else if is_template
            && name == "checkButton"
            && let Some((_, field)) = self.in_field.last()
        {
            self.fields.entry(field.clone()).or_default().is_check = true;
        }
        self.open.push(Element {
            name,
            text: String::new(),
            has_children: false,
        });
    }

    fn is_in(&self, name: &str) -> bool {
        self.open.iter().any(|element| element.name == name)
    }

    fn text(&mut self, text: &str) {
        let in_caption = self.open.iter().any(|element| element.name == "caption");
        let Some(element) = self.open.last_mut().filter(|_| self.below == 0) else {
            return;
        };
        if let Some((_, field)) = self.in_field.last().filter(|_| in_caption) {
            let caption = &mut self.fields.entry(field.clone()).or_default().caption;
            if caption.len() + text.len() <= MOST_VALUE {
                caption.push_str(text);
            }
            return;
        }
        if element.text.len() + text.len() <= MOST_VALUE {
            element.text.push_str(text);
        }
    }

    fn close(&mut self) {
        if self.below > 0 {
            self.below -= 1;
            return;
        }
        let Some(element) = self.open.pop() else {
            return;
        };
        let text = words(&element.text);
        if let Some((depth, field)) = self.in_field.last() {
            if *depth == self.open.len() {
                self.in_field.pop();
            } else if !text.is_empty() {
                let known = self.fields.entry(field.clone()).or_default();
                let is_item = self
                    .open
                    .last()
                    .is_some_and(|element| element.name == "items");
                if is_item && known.on.is_empty() {
                    known.on = text;
                }
            }
            return;
        }
        let is_data = self.is_in("datasets") && self.is_in("data");
        let is_value = is_data && !element.has_children && !text.is_empty();
        if is_value && self.data.len() < MOST_VALUES {
            let value = element.text.trim().to_string();
            self.data.push((element.name, value));
        }
    }

    fn finish(self) -> Vec<(String, String)> {
        let FormWalk { data, fields, .. } = self;
        let mut left = MOST_VALUES_TEXT;
        let labelled = data.into_iter().map(|(name, value)| {
            let Some(field) = fields.get(&name) else {
                return (name, value);
            };
            let caption = words(&field.caption);
            let caption = caption.trim_end_matches(':').trim_end();
            let label = match caption.is_empty() {
                true => name,
                false => caption.chars().take(MOST_LABEL).collect(),
            };
            let on = match field.on.is_empty() {
                true => "1",
                false => field.on.as_str(),
            };
            let value = match field.is_check {
                true if value == on => "\u{2611}".to_string(),
                true => "\u{2610}".to_string(),
                false => value,
            };
            (label, value)
        });
        // One caption may be that of every value.
        let kept = labelled.take_while(|(label, value)| {
            let length = label.len() + value.len();
            left = left.saturating_sub(length);
            left > 0
        });
        kept.collect()
    }
}

/// Most characters of a label.
const MOST_LABEL: usize = 300;
/// Most bytes of all labels and values together.
const MOST_VALUES_TEXT: usize = 1_000_000;

/// The words of a text with single blanks.
fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const FORM: &str = r#"<?xml version="1.0"?><xdp:xdp xmlns:xdp="http://ns.adobe.com/xdp/">
        <template><subform name="form1">
          <field name="Name"><ui><textEdit/></ui><caption><value><text>Family name:</text></value></caption></field>
          <field name="Consent"><ui><checkButton/></ui><items><text>yes</text><text>no</text></items>
            <caption><value><exData><body><p>I <b>agree</b></p></body></exData></value></caption></field>
        </subform></template>
        <xfa:datasets><xfa:data><form1><Name>Sample &amp; Son&#x73;</Name><Empty/><Consent>yes</Consent>
          <Group><Place> North </Place></Group></form1></xfa:data></xfa:datasets></xdp:xdp>"#;

    #[test]
    fn values_have_the_captions_of_their_fields() {
        let expected = [
            ("Family name", "Sample & Sons"),
            ("I agree", "\u{2611}"),
            ("Place", "North"),
        ];
        let expected = expected.map(|(label, value)| (label.to_string(), value.to_string()));
        assert_eq!(values(FORM), expected);
    }

    #[test]
    fn broken_and_deep_forms_end() {
        assert_eq!(values(&FORM[..FORM.len() - 80]).len(), 2);
        let deep = format!("<datasets><data>{}x", "<a>".repeat(100_000));
        assert_eq!(values(&deep), []);
        assert_eq!(values("</a></b>& &#0; <"), []);
    }
}
