//! The whole document as one HTML file that nothing is loaded into but its pictures: no script, no address that a browser
//! follows by itself.
//!
//! It is made of the bodies of blocks, so what is structure comes from types, and every text of the document goes through
//! [`text::escaped`]. Links are written for addresses of the web and of mail, for pages and for footnotes of the document.

mod text;

use super::figures::{captions, chart_table, is_blank, title};
use super::format::{Embedding, Format};
use super::kept::Finished;
use super::markdown;
use super::markdown::{MarkdownOptions, PictureSources};
use super::notes::{Notes, footnote};
use super::options::FormatOptions;
use crate::document::inline::{Inline, TextRun};
use crate::document::{Block, Body, Cell, Label, ListItem, Markup, Page, Paragraph, Table};
use std::collections::BTreeSet;
use std::io::{self, Write};
use text::{escaped, light, text_run};

/// The format `html`.
pub(crate) struct Html;

impl Format for Html {
    fn name(&self) -> &'static str {
        "html"
    }

    fn endings(&self) -> &'static [&'static str] {
        &[".html"]
    }

    fn is_default(&self) -> bool {
        false
    }

    fn links_to_pictures(&self) -> bool {
        true
    }

    fn embeds_pictures(&self) -> Embedding {
        Embedding::OnRequest
    }

    fn write(
        &self,
        finished: Finished,
        options: &FormatOptions,
        out: &mut dyn Write,
    ) -> io::Result<()> {
        let document = finished.document;
        let title = escaped(&title(document), " ");
        write!(
            out,
            "{HEAD}<title>{title}</title>\n{STYLE}</head>\n<body>\n"
        )?;
        let embeds = options.json.markdown.form.embed_images;
        let pictures = PictureSources::new(finished, embeds);
        let mut writer = HtmlWriter {
            out: String::new(),
            options: &options.json.markdown,
            pictures: &pictures,
            notes: Notes::of(&document.pages, true),
        };
        for page in &document.pages {
            writer.page(page);
            pictures.check()?;
            out.write_all(writer.out.as_bytes())?;
            writer.out.clear();
        }
        out.write_all(b"</body>\n</html>\n")
    }
}

/// The policy states for browsers what holds anyway; names in links are not looked up before they are followed.
const HEAD: &str = r#"<!DOCTYPE html>
<html>
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<meta name="referrer" content="no-referrer">
<meta http-equiv="x-dns-prefetch-control" content="off">
<meta http-equiv="Content-Security-Policy" content="script-src 'none'; object-src 'none'; base-uri 'none'; form-action 'none'">
"#;

const STYLE: &str = "<style>
body { max-width: 50rem; margin: 2rem auto; padding: 0 1rem; font-family: serif; line-height: 1.5; overflow-wrap: anywhere; }
section + section { margin-top: 2rem; border-top: 1px solid #ccc; padding-top: 1rem; }
h1, h2, h3, h4, h5, h6 { line-height: 1.25; }
table { border-collapse: collapse; margin: 1rem auto; }
th, td { border: 1px solid #999; padding: 0.2rem 0.5rem; text-align: left; vertical-align: top; }
th { background: #e8edf3; }
caption, figcaption, .caption { font-size: 0.9em; text-align: center; }
.below { caption-side: bottom; }
figure { margin: 1rem 0; text-align: center; }
figure table, figure p { text-align: left; }
img { max-width: 100%; }
pre { overflow-x: auto; background: #f5f5f5; padding: 0.5rem; }
.math { font-family: monospace; white-space: pre-wrap; }
div.math { margin: 1rem 2rem; }
.number { float: right; }
ul.contents, li.marked { list-style: none; }
.footnote, .running, .note { font-size: 0.9em; }
</style>
";

/// Width of a picture in percent of the page that is not told: it would be none.
const LEAST_WIDTH: f64 = 1.0;
/// Deepest heading of HTML.
const MAX_DEPTH: u8 = 6;
/// Depth below the title of the document of headings whose depth is not known.
const UNKNOWN_DEPTH: u8 = 1;

/// `true` if a block is part of the text of its page; footnotes are not, they stand below it.
fn is_shown(block: &Block, options: &MarkdownOptions) -> bool {
    match &block.body {
        Body::Empty | Body::Joined { .. } => false,
        Body::Picture { path: None, .. } if !options.shows_text_of(block.label) => false,
        _ if footnote(block).is_some() => false,
        _ => !options.ignore_labels.contains(block.label.as_str()),
    }
}

/// A caption, and where it stands.
struct Caption {
    html: String,
    is_below: bool,
}

/// Writes pages.
struct HtmlWriter<'a> {
    out: String,
    options: &'a MarkdownOptions,
    pictures: &'a PictureSources<'a>,
    notes: Notes<'a>,
}

impl<'a> HtmlWriter<'a> {
    fn push(&mut self, pieces: &[&str]) {
        self.out.extend(pieces.iter().copied());
    }

    fn page(&mut self, page: &'a Page) {
        let number = page.page_index + 1;
        self.out.push_str(&format!(
            "<section id=\"page-{number}\" data-page=\"{number}\""
        ));
        if let Some(last) = page.through {
            self.out
                .push_str(&format!(" data-last-page=\"{}\"", last + 1));
        }
        self.out.push_str(">\n");
        let first_note = self.notes.start(page);
        let options = self.options;
        let shown: Vec<(usize, &Block)> = page
            .blocks
            .iter()
            .enumerate()
            .filter(|(_, block)| is_shown(block, options))
            .collect();
        let captions = captions(&shown);
        let taken: BTreeSet<usize> = captions.iter().flatten().copied().collect();
        let is_list = |at: usize| {
            let body = shown.get(at).map(|(_, block)| &block.body);
            matches!(body, Some(Body::List { .. }))
        };
        for (at, (index, block)) in shown.iter().enumerate() {
            if let Some(reason) = block.hidden {
                let text = format!("hidden ({}): {}", reason.name(), block.content);
                self.push(&[&markdown::comment(&text), "\n"]);
                continue;
            }
            // The layout has a block for each item of a list.
            if let Body::List { items } = &block.body {
                let follows = at > 0 && is_list(at - 1);
                self.push(&[if follows { "" } else { "<ul>\n" }]);
                self.items(items, *index);
                self.push(&[if is_list(at + 1) { "" } else { "</ul>\n" }]);
            } else if !taken.contains(&at) {
                let caption = captions[at].and_then(|of| match &shown[of].1.body {
                    Body::Caption { text } => Some(Caption {
                        html: self.inline(text, shown[of].0),
                        is_below: of > at,
                    }),
                    _ => None,
                });
                self.block(block, *index, page, caption);
            }
        }
        self.footnotes(page, first_note);
        self.out.push_str("</section>\n");
    }

    /// Writes a block that is no list; `at` is its index on its page.
    fn block(&mut self, block: &Block, at: usize, page: &Page, caption: Option<Caption>) {
        match &block.body {
            Body::Empty | Body::Joined { .. } | Body::List { .. } => {}
            Body::Text { paragraphs } => self.paragraphs(paragraphs, at),
            Body::Heading { depth, text } => {
                let depth = depth.unwrap_or(UNKNOWN_DEPTH);
                let level = (depth.saturating_add(1).min(MAX_DEPTH)).to_string();
                let text = self.inline(&light(text), at);
                self.push(&["<h", &level, ">", &text, "</h", &level, ">\n"]);
            }
            Body::Contents { entries } => {
                self.out.push_str("<ul class=\"contents\">\n");
                for entry in entries {
                    let entry = self.inline(entry, at);
                    self.push(&["<li>", &entry, "</li>\n"]);
                }
                self.out.push_str("</ul>\n");
            }
            Body::Table { table, is_cut } => {
                self.table(table, block.markup, caption);
                if *is_cut {
                    let note = "The table is too large; its last cells are left out.";
                    self.push(&["<p class=\"note\">", note, "</p>\n"]);
                }
                self.pictures_of_table(table);
            }
            Body::Code { language, text } => {
                self.out.push_str("<pre><code");
                if let Some(language) = language {
                    let language = escaped(language, " ");
                    self.push(&[" class=\"language-", &language, "\""]);
                }
                self.push(&[">", &escaped(text, "\n"), "</code></pre>\n"]);
            }
            Body::Formula { latex, number } => {
                self.out.push_str("<div class=\"math\">");
                if let Some(number) = number {
                    let number = escaped(number, " ");
                    self.push(&["<span class=\"number\">", &number, "</span>"]);
                }
                self.push(&[&escaped(latex, "\n"), "</div>\n"]);
            }
            Body::Picture { .. } => self.picture(block, at, page, caption),
            Body::Caption { text } => {
                let text = self.inline(text, at);
                self.push(&["<p class=\"caption\">", &text, "</p>\n"]);
            }
            Body::Footnote { mark, paragraphs } => {
                self.out.push_str("<div class=\"note\">\n");
                self.note(mark.as_deref(), paragraphs, at, None);
                self.out.push_str("</div>\n");
            }
            Body::Running { paragraphs } => {
                self.out.push_str("<aside class=\"running\">\n");
                self.paragraphs(paragraphs, at);
                self.out.push_str("</aside>\n");
            }
        }
    }

    fn paragraphs(&mut self, paragraphs: &[Paragraph], at: usize) {
        for paragraph in paragraphs.iter().filter(|p| !is_blank(p)) {
            let text = self.inline(paragraph, at);
            self.push(&["<p>", &text, "</p>\n"]);
        }
    }

    fn items(&mut self, items: &[ListItem], at: usize) {
        for item in items {
            match &item.marker {
                Some(marker) => {
                    let marker = escaped(marker, " ");
                    self.push(&["<li class=\"marked\">", &marker, " "]);
                }
                None => self.out.push_str("<li>"),
            }
            match item.paragraphs.as_slice() {
                [only] => {
                    let text = self.inline(only, at);
                    self.out.push_str(&text);
                }
                paragraphs => self.paragraphs(paragraphs, at),
            }
            if !item.items.is_empty() {
                self.out.push_str("\n<ul>\n");
                self.items(&item.items, at);
                self.out.push_str("</ul>\n");
            }
            self.out.push_str("</li>\n");
        }
    }

    fn table(&mut self, table: &Table, markup: Markup, caption: Option<Caption>) {
        self.out.push_str("<table>\n");
        if let Some(Caption { html, is_below }) = caption {
            let class = if is_below { " class=\"below\"" } else { "" };
            self.push(&["<caption", class, ">", &html, "</caption>\n"]);
        }
        // Cells of recognizers have formulas; raised text lost its tags when they were read.
        let markup = Markup {
            formulas: markup.formulas,
            ..Markup::default()
        };
        let mut cells: Vec<&Cell> = table.cells.iter().collect();
        cells.sort_by_key(|cell| cell.row);
        let mut cells = cells.into_iter().peekable();
        for row in 0..table.rows {
            self.out.push_str("<tr>");
            while let Some(cell) = cells.next_if(|cell| cell.row <= row) {
                let name = if cell.header { "th" } else { "td" };
                self.push(&["<", name]);
                let spans = [("rowspan", cell.row_span), ("colspan", cell.column_span)];
                for (attribute, span) in spans.iter().filter(|(_, span)| *span > 1) {
                    self.out.push_str(&format!(" {attribute}=\"{span}\""));
                }
                let text = Inline::parse(&cell.text, markup, &TextRun::default());
                let text = self.inline(&text, 0);
                self.push(&[">", &text, "</", name, ">"]);
            }
            self.out.push_str("</tr>\n");
        }
        self.out.push_str("</table>\n");
    }

    /// Pictures inside of a table stand below it.
    fn pictures_of_table(&mut self, table: &Table) {
        for path in table.cells.iter().flat_map(|cell| &cell.pictures) {
            if self.pictures.is_in_table(path) {
                let source = self.pictures.source(path);
                self.push(&[
                    "<figure><img src=\"",
                    &source,
                    "\" alt=\"Image\"></figure>\n",
                ]);
            }
        }
    }

    fn picture(&mut self, block: &Block, at: usize, page: &Page, caption: Option<Caption>) {
        let Body::Picture {
            path,
            alt,
            paragraphs,
        } = &block.body
        else {
            return;
        };
        let caption = caption.map(|caption| {
            let html = format!("<figcaption>{}</figcaption>\n", caption.html);
            (html, caption.is_below)
        });
        self.out.push_str("<figure>\n");
        if let Some((html, false)) = &caption {
            self.out.push_str(html);
        }
        if let Some(path) = path {
            let alt = escaped(alt.as_deref().unwrap_or("Image"), " ");
            self.push(&[
                "<img src=\"",
                &self.pictures.source(path),
                "\" alt=\"",
                &alt,
                "\"",
            ]);
            let percent = f64::from(block.bbox.width()) / page.width.max(1) as f64 * 100.0;
            if percent >= LEAST_WIDTH {
                self.out
                    .push_str(&format!(" width=\"{}%\"", percent.min(100.0) as u32));
            }
            self.out.push_str(">\n");
        }
        if self.options.shows_text_of(block.label) {
            if block.label == Label::Chart && self.options.use_chart_recognition {
                self.table(&chart_table(paragraphs), block.markup, None);
            } else {
                self.paragraphs(paragraphs, at);
            }
        }
        if let Some((html, true)) = &caption {
            self.out.push_str(html);
        }
        self.out.push_str("</figure>\n");
    }

    fn footnotes(&mut self, page: &Page, first: usize) {
        let blocks = page.blocks.iter().enumerate();
        let notes = blocks.filter(|(_, block)| footnote(block).is_some());
        for (number, (at, block)) in (first..).zip(notes) {
            if let Body::Footnote { mark, paragraphs } = &block.body {
                let id = format!("<div class=\"footnote\" id=\"note-{number}\">\n");
                self.out.push_str(&id);
                self.note(mark.as_deref(), paragraphs, at, Some(number));
                self.out.push_str("</div>\n");
            }
        }
    }

    /// Writes a note; its number leads back to where it is referred to.
    fn note(
        &mut self,
        mark: Option<&str>,
        paragraphs: &[Paragraph],
        at: usize,
        number: Option<usize>,
    ) {
        let texts = paragraphs.iter().map(|p| self.inline(p, at));
        let mut texts: Vec<String> = texts.collect();
        if texts.is_empty() {
            texts.push(String::new());
        }
        if let Some(mark) = mark {
            texts[0].insert_str(0, &format!("<sup>{}</sup> ", escaped(mark, " ")));
        }
        let number = number.filter(|number| self.notes.is_referred(*number));
        if let (Some(number), Some(last)) = (number, texts.last_mut()) {
            last.push_str(&format!(" <a href=\"#ref-{number}\">\u{21a9}</a>"));
        }
        for text in texts {
            self.push(&["<p>", &text, "</p>\n"]);
        }
    }

    /// A paragraph of a block as HTML.
    fn inline(&mut self, paragraph: &Paragraph, at: usize) -> String {
        let mut html = String::new();
        for inline in paragraph {
            match inline {
                Inline::Text(run) => {
                    html.push_str(&text_run(run, &|page| self.notes.has_page(page)));
                }
                Inline::Formula { latex, display } => {
                    let class = if *display { "math display" } else { "math" };
                    let latex = escaped(latex, "\n");
                    html.push_str(&format!("<span class=\"{class}\">{latex}</span>"));
                }
                Inline::FootnoteReference { mark, page } => {
                    html.push_str(&self.reference(mark, at, *page));
                }
            }
        }
        html
    }

    fn reference(&mut self, mark: &str, at: usize, page: Option<usize>) -> String {
        let text = escaped(mark, " ");
        match self.notes.number(mark, at, page) {
            Some(number) => {
                let is_first = self.notes.refer(number);
                let id = match is_first {
                    true => format!(" id=\"ref-{number}\""),
                    false => String::new(),
                };
                format!("<sup><a{id} href=\"#note-{number}\">{text}</a></sup>")
            }
            None => format!("<sup>{text}</sup>"),
        }
    }
}

#[cfg(test)]
mod tests;
