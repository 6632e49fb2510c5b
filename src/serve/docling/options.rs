//! The options of docling's requests: those that docparse has an equal of become settings and pages of the job, some say
//! how the result is shown, and those without an equal are checked where they have few values, and else left alone.
//!
//! In a form a value is a text, or several under one name; in JSON it has its type. Both are taken in both.

use crate::serve::error::ApiError;
use crate::serve::ppocr::extension;
use crate::serve::spool::{DoclingContent, DoclingOptions, PictureMode};
use serde_json::{Map, Value};

/// Words of options that have no effect here.
const WORDS: &[(&str, &[&str])] = &[
    ("table_mode", &["fast", "accurate"]),
    ("pipeline", &["legacy", "standard", "native", "vlm"]),
];
/// Options without an effect that are true or false.
const SWITCHES: &[&str] = &[
    "abort_on_error",
    "do_code_enrichment",
    "do_formula_enrichment",
    "do_picture_classification",
    "do_picture_description",
    "do_table_structure",
    "table_cell_matching",
];
/// What docling converts to that docparse does not make.
const NOT_MADE: &[&str] = &[
    "yaml",
    "html_split_page",
    "vtt",
    "doclang",
    "dclx",
    "chunks",
    "latex",
];
/// Page numbers beyond this mean the last page.
const MOST_PAGES: u64 = 1_000_000;

/// Options as given: by name.
#[derive(Debug, Default)]
pub(crate) struct Given {
    values: Map<String, Value>,
    /// Where they stand, as errors name it.
    place: &'static [&'static str],
    /// The options that were looked for.
    #[cfg(test)]
    asked: std::cell::RefCell<std::collections::BTreeSet<String>>,
}

/// What the options ask for.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Wishes {
    /// How the result is shown.
    pub shown: DoclingOptions,
    /// Settings of the job.
    pub settings: Map<String, Value>,
    /// Formats of the job.
    pub formats: Vec<String>,
    /// Pages.
    pub pages: Option<String>,
    takes_pdf: bool,
    takes_pictures: bool,
}

/// An error of an option.
pub(crate) fn invalid(place: &[&str], name: &str, message: &str) -> ApiError {
    let at = [place, &[name]].concat();
    ApiError::field("value_error", &at, message, None)
}

impl Given {
    /// Those of a form.
    pub(crate) fn of_form(texts: Vec<(String, String)>) -> Given {
        let mut values: Map<String, Value> = Map::new();
        for (name, text) in texts {
            match values.get_mut(&name) {
                None => drop(values.insert(name, text.into())),
                Some(Value::Array(list)) => list.push(text.into()),
                Some(first) => *first = vec![first.take(), text.into()].into(),
            }
        }
        Given {
            values,
            place: &["body"],
            #[cfg(test)]
            asked: Default::default(),
        }
    }

    /// Those of a JSON body.
    pub(crate) fn of_json(values: Map<String, Value>) -> Given {
        Given {
            values,
            place: &["body", "options"],
            #[cfg(test)]
            asked: Default::default(),
        }
    }

    fn invalid(&self, name: &str, message: &str) -> ApiError {
        invalid(self.place, name, message)
    }

    fn get(&self, name: &str) -> Option<&Value> {
        #[cfg(test)]
        self.asked.borrow_mut().insert(name.into());
        self.values.get(name).filter(|value| !value.is_null())
    }

    /// A text.
    pub(crate) fn text(&self, name: &str) -> Result<Option<&str>, ApiError> {
        match self.get(name) {
            None => Ok(None),
            Some(Value::String(text)) => Ok(Some(text)),
            Some(Value::Array(list)) if list.last().is_some_and(Value::is_string) => {
                Ok(list.last().and_then(Value::as_str))
            }
            Some(_) => Err(self.invalid(name, "Input should be a valid string")),
        }
    }

    fn switch(&self, name: &str) -> Result<Option<bool>, ApiError> {
        if let Some(Value::Bool(value)) = self.get(name) {
            return Ok(Some(*value));
        }
        let number = self.get(name).and_then(Value::as_u64);
        let text = match number {
            Some(number) => Some(number.to_string()),
            None => self.text(name)?.map(|text| text.trim().to_lowercase()),
        };
        match text.as_deref() {
            None | Some("") => Ok(None),
            Some("true" | "1" | "yes" | "on" | "t" | "y") => Ok(Some(true)),
            Some("false" | "0" | "no" | "off" | "f" | "n") => Ok(Some(false)),
            Some(_) => Err(self.invalid(name, "Input should be a valid boolean")),
        }
    }

    /// A list: of JSON, of values under one name, or in one text.
    fn list(&self, name: &str) -> Result<Option<Vec<String>>, ApiError> {
        let Some(value) = self.get(name) else {
            return Ok(None);
        };
        let from_text = |text: &str| -> Vec<Value> {
            if let Ok(Value::Array(list)) = serde_json::from_str(text) {
                return list;
            }
            let parts = text.split([',', ';']).map(str::trim);
            parts
                .filter(|part| !part.is_empty())
                .map(Value::from)
                .collect()
        };
        let values: Vec<Value> = match value {
            Value::String(text) => from_text(text),
            Value::Array(list) => list
                .iter()
                .flat_map(|value| match value {
                    Value::String(text) => from_text(text),
                    other => vec![other.clone()],
                })
                .collect(),
            _ => return Err(self.invalid(name, "Input should be a valid list")),
        };
        let texts = values.into_iter().map(|value| match value {
            Value::String(text) => Ok(text),
            Value::Number(number) => Ok(number.to_string()),
            _ => Err(self.invalid(name, "Input should be a list of texts")),
        });
        texts.collect::<Result<Vec<_>, _>>().map(Some)
    }

    fn one_of(&self, name: &str, words: &[&str]) -> Result<Option<&str>, ApiError> {
        match self.text(name)? {
            None | Some("") => Ok(None),
            Some(word) if words.contains(&word) => Ok(Some(word)),
            Some(_) => {
                let message = format!("Input should be one of {}", words.join(", "));
                Err(self.invalid(name, &message))
            }
        }
    }

    fn contents(&self) -> Result<Vec<DoclingContent>, ApiError> {
        let names = self.list("to_formats")?.unwrap_or_default();
        let mut contents = Vec::new();
        for name in &names {
            let content = match name.as_str() {
                "md" => DoclingContent::Md,
                "json" => DoclingContent::Json,
                "html" => DoclingContent::Html,
                "text" => DoclingContent::Text,
                "doctags" => DoclingContent::Doctags,
                other => {
                    let message = match NOT_MADE.contains(&other) {
                        true => format!("`{other}` is not made by this server"),
                        false => "Input should be one of md, json, html, text, doctags".into(),
                    };
                    return Err(self.invalid("to_formats", &message));
                }
            };
            if !contents.contains(&content) {
                contents.push(content);
            }
        }
        if contents.is_empty() {
            contents.push(DoclingContent::Md);
        }
        Ok(contents)
    }

    fn pages(&self) -> Result<Option<String>, ApiError> {
        let Some(range) = self.list("page_range")? else {
            return Ok(None);
        };
        let wrong = || {
            let message =
                "Input should be two page numbers, counted from 1, the first one not greater";
            self.invalid("page_range", message)
        };
        let number = |text: &String| text.trim().parse::<u64>().map_err(|_| wrong());
        match range.as_slice() {
            [] => Ok(None),
            [first, last] => match (number(first)?, number(last)?) {
                (first, last) if first == 0 || last < first || first > MOST_PAGES => Err(wrong()),
                (1, last) if last > MOST_PAGES => Ok(None),
                (first, last) if last > MOST_PAGES => Ok(Some(format!("{first}-"))),
                (first, last) => Ok(Some(format!("{first}-{last}"))),
            },
            _ => Err(wrong()),
        }
    }

    /// `true` for a zip; `target` is where the result goes.
    fn is_zip(&self, target: Option<&str>) -> Result<bool, ApiError> {
        match target.unwrap_or_default() {
            "" | "inbody" => Ok(false),
            "zip" => Ok(true),
            // Clients that try this first go on with another target when they read this.
            "presigned_url" => Err(ApiError::settings(
                "Presigned URL target requires artifact storage to be configured and enabled on the server.",
            )),
            _ => {
                let name = match self.place {
                    ["body"] => "target_type",
                    _ => "target",
                };
                Err(invalid(&["body"], name, "Input should be inbody or zip"))
            }
        }
    }

    /// What they ask for, with the result going to a target.
    pub(crate) fn wishes(&self, target: Option<&str>) -> Result<Wishes, ApiError> {
        for (name, words) in WORDS {
            self.one_of(name, words)?;
        }
        for name in SWITCHES {
            self.switch(name)?;
        }
        let contents = self.contents()?;
        let modes = ["placeholder", "embedded", "referenced"];
        let mut pictures = match self.one_of("image_export_mode", &modes)? {
            Some("embedded") => PictureMode::Embedded,
            Some("referenced") => PictureMode::Referenced,
            _ => PictureMode::Placeholder,
        };
        if self.switch("include_images")? == Some(false) {
            pictures = PictureMode::Placeholder;
        }
        let page_break = self.text("md_page_break_placeholder")?;
        let page_break = page_break.filter(|text| !text.is_empty());
        let zip = self.is_zip(target)?;
        let shown = DoclingOptions {
            page_break: page_break.map(String::from),
            contents,
            pictures,
            zip,
        };
        let (takes_pdf, takes_pictures) = match self.list("from_formats")? {
            None => (true, true),
            Some(list) if list.is_empty() => (true, true),
            Some(list) => {
                let has = |name: &str| list.iter().any(|given| given == name);
                (has("pdf"), has("image"))
            }
        };
        if !takes_pdf && !takes_pictures {
            let message = "this server converts pdf and image";
            return Err(self.invalid("from_formats", message));
        }
        Ok(Wishes {
            formats: formats(&shown),
            settings: self.settings(&shown)?,
            pages: self.pages()?,
            shown,
            takes_pdf,
            takes_pictures,
        })
    }

    fn settings(&self, shown: &DoclingOptions) -> Result<Map<String, Value>, ApiError> {
        let mut settings = Map::new();
        let mut set = |name: &str, value: Value| drop(settings.insert(name.into(), value));
        // What the answer is made of has one form, whatever the server's settings.
        set("concatenate_pages", false.into());
        set("embed_images", false.into());
        set("front_matter", false.into());
        set(
            "page_breaks",
            match shown.page_break {
                Some(_) => "comment".into(),
                None => "none".into(),
            },
        );
        match (self.switch("do_ocr")?, self.switch("force_ocr")?) {
            (Some(false), Some(true)) => {
                let message = "force_ocr needs do_ocr";
                return Err(self.invalid("force_ocr", message));
            }
            (_, Some(true)) => set("text_layer", "never".into()),
            (Some(false), _) => set("text_layer", "always".into()),
            _ => {}
        }
        Ok(settings)
    }
}

/// Formats that a job writes for an answer.
fn formats(shown: &DoclingOptions) -> Vec<String> {
    let mut formats = vec!["json"];
    if shown.contents.contains(&DoclingContent::Md) {
        formats.push("md");
    }
    if shown.contents.contains(&DoclingContent::Html) {
        formats.push("html");
    }
    if shown.pictures != PictureMode::Placeholder {
        formats.push("images");
    }
    formats.into_iter().map(String::from).collect()
}

impl Wishes {
    /// Refuses a file whose kind is not among `from_formats`.
    pub(crate) fn check(&self, name: &str) -> Result<(), ApiError> {
        let is_taken = match extension(name).as_str() {
            "pdf" => self.takes_pdf,
            _ => self.takes_pictures || self.takes_pdf && !name.contains('.'),
        };
        match is_taken {
            true => Ok(()),
            false => Err(ApiError::settings(format!(
                "File format not allowed: {name}"
            ))),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::serve::openapi;

    #[test]
    fn what_is_read_is_what_is_described() {
        let given = Given::of_json(Map::new());
        given.wishes(None).unwrap();
        let asked: Vec<String> = given.asked.borrow().iter().cloned().collect();
        let mut described = openapi::names(openapi::DOCLING_OPTIONS);
        described.sort_unstable();
        assert_eq!(asked, described);
    }
    use serde_json::json;

    fn form(texts: &[(&str, &str)]) -> Given {
        let texts = texts
            .iter()
            .map(|(name, text)| (name.to_string(), text.to_string()));
        Given::of_form(texts.collect())
    }

    fn json(options: Value) -> Given {
        Given::of_json(options.as_object().unwrap().clone())
    }

    #[test]
    fn forms_and_json_ask_for_the_same() {
        let of_form = form(&[
            ("to_formats", "md"),
            ("to_formats", "json"),
            ("image_export_mode", "embedded"),
            ("page_range", "2"),
            ("page_range", "5"),
            ("force_ocr", "True"),
            ("md_page_break_placeholder", "\u{c}"),
            ("something_new", "x"),
        ]);
        let of_json = json(json!({
            "to_formats": ["md", "json"],
            "image_export_mode": "embedded",
            "page_range": [2, 5],
            "force_ocr": true,
            "md_page_break_placeholder": "\u{c}",
            "vlm_pipeline_model": null,
        }));
        let wishes = of_form.wishes(None).unwrap();
        assert_eq!(of_json.wishes(Some("inbody")).unwrap(), wishes);
        assert_eq!(wishes.pages.as_deref(), Some("2-5"));
        assert_eq!(wishes.formats, ["json", "md", "images"]);
        assert_eq!(wishes.settings["text_layer"], "never");
        assert_eq!(wishes.settings["page_breaks"], "comment");
    }

    #[test]
    fn pages_to_the_end_have_no_end() {
        let pages = |range: Value| {
            let given = json(json!({"page_range": range}));
            given.wishes(None).unwrap().pages
        };
        assert_eq!(pages(json!([1, i64::MAX])), None);
        assert_eq!(pages(json!([3, i64::MAX])).as_deref(), Some("3-"));
        assert_eq!(pages(json!("4,4")).as_deref(), Some("4-4"));
        assert_eq!(pages(json!("[4, 6]")).as_deref(), Some("4-6"));
    }

    #[test]
    fn what_makes_no_sense_is_refused_with_its_place() {
        for (options, name) in [
            (json!({"to_formats": ["docx"]}), "to_formats"),
            (json!({"to_formats": "vtt"}), "to_formats"),
            (json!({"image_export_mode": "big"}), "image_export_mode"),
            (json!({"do_ocr": "maybe"}), "do_ocr"),
            (json!({"do_ocr": false, "force_ocr": true}), "force_ocr"),
            (json!({"page_range": [0, 1]}), "page_range"),
            (json!({"page_range": [3, 1]}), "page_range"),
            (json!({"page_range": [1]}), "page_range"),
            (json!({"table_mode": "best"}), "table_mode"),
            (json!({"pipeline": "asr"}), "pipeline"),
            (json!({"do_table_structure": "x"}), "do_table_structure"),
            (json!({"from_formats": ["docx"]}), "from_formats"),
        ] {
            let error = json(options.clone()).wishes(None).unwrap_err();
            let detail = error.detail.unwrap();
            assert_eq!(
                detail[0]["loc"],
                json!(["body", "options", name]),
                "{options}"
            );
        }
        assert!(form(&[]).wishes(Some("s3")).is_err());
        let presigned = form(&[]).wishes(Some("presigned_url")).unwrap_err();
        assert!(presigned.message.contains("artifact storage"));
    }

    #[test]
    fn kinds_of_files_are_taken_by_their_names() {
        let only = |kind: &str| {
            let given = form(&[("from_formats", kind)]);
            given.wishes(None).unwrap()
        };
        assert!(only("pdf").check("a.PDF").is_ok());
        assert!(only("pdf").check("a").is_ok());
        assert!(only("pdf").check("a.png").is_err());
        assert!(only("image").check("a.png").is_ok());
        assert!(only("image").check("a.pdf").is_err());
    }
}
