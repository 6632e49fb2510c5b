//! Hostile words, names and answers, through the real program: Markdown shows them, and nothing hangs.

use super::http::{say, serve};
use super::support::{Folder, tiny_pdf};
use pulldown_cmark::{Event, Options, Parser, Tag};
use serde_json::{Value, json};

/// Events of a Markdown text.
fn events(markdown: &str) -> Vec<Event<'_>> {
    let options = Options::ENABLE_TABLES
        | Options::ENABLE_STRIKETHROUGH
        | Options::ENABLE_FOOTNOTES
        | Options::ENABLE_MATH;
    Parser::new_ext(markdown, options).collect()
}

fn text_of(events: &[Event]) -> String {
    let piece = |event: &Event| match event {
        Event::Text(text) => text.to_string(),
        _ => " ".to_string(),
    };
    events
        .iter()
        .map(piece)
        .collect::<String>()
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ")
}

/// A PDF of paragraphs far apart.
fn pdf(lines: &[&str]) -> Vec<u8> {
    let escaped = |line: &str| {
        line.replace('\\', "\\\\")
            .replace('(', "\\(")
            .replace(')', "\\)")
    };
    let draw = |(i, line): (usize, &&str)| {
        format!(
            "BT /F 11 Tf 72 {} Td ({}) Tj ET\n",
            720 - 40 * i as i32,
            escaped(line)
        )
    };
    tiny_pdf(
        612.0,
        792.0,
        &lines.iter().enumerate().map(draw).collect::<String>(),
    )
}

#[test]
fn words_of_a_document_are_no_markup() {
    let lines = [
        "<script>alert(1)</script> in the running text of a page",
        "<!-- not a comment, and what follows it must not vanish",
        "# not a heading but a number sign in front of words",
        "> not a quotation but an angle bracket at the start",
        "[a link](javascript:alert(1)) that is none, &lt;b&gt; as it stands",
        "*stars* and ~tildes~ and costs of $5 or rather $6 in all",
        "| a bar | at the start of a line that is no table |",
    ];
    let folder = Folder::new();
    folder.write("a.pdf", pdf(&lines));
    folder
        .run(&["-i", "a.pdf", "--save-path", "out", "--formats", "md"])
        .expect(0);
    let markdown = folder.text("out/a.md");
    let events = events(&markdown);
    let harm = events.iter().find(|event| {
        let code = matches!(
            event,
            Event::Code(_) | Event::InlineMath(_) | Event::DisplayMath(_) | Event::InlineHtml(_)
        );
        let tag = matches!(
            event,
            Event::Start(
                Tag::Link { .. }
                    | Tag::BlockQuote(_)
                    | Tag::Emphasis
                    | Tag::HtmlBlock
                    | Tag::Table(_)
            )
        );
        code || tag
    });
    assert!(harm.is_none(), "{harm:?} in\n{markdown}");
    let text = text_of(&events);
    for line in lines {
        assert!(text.contains(line), "{line}\n{markdown}");
    }
}

#[test]
fn pictures_of_documents_with_any_name_are_found() {
    let folder = Folder::new();
    // A picture on the page: random pixels, so that it is neither blank nor text.
    let noise: String = (0..64 * 64 * 3u32)
        .map(|i| format!("{:02x}", (i.wrapping_mul(2_654_435_761) >> 24) as u8))
        .collect();
    let content = format!(
        "BT /F 11 Tf 72 720 Td (A page with a picture on it, and words above the picture) Tj ET\n\
         q 300 0 0 300 100 300 cm BI /W 64 /H 64 /CS /RGB /BPC 8 /F /AHx ID {noise}> EI Q"
    );
    for name in ["fig #1 50%", "x\" onerror=\"alert(1)", "a (b) & 'c' é"] {
        folder.write(&format!("{name}.pdf"), tiny_pdf(612.0, 792.0, &content));
        folder
            .run(&[
                "-i",
                &format!("{name}.pdf"),
                "--save-path",
                "out",
                "--formats",
                "md,images",
            ])
            .expect(0);
        let markdown = folder.text(&format!("out/{name}.md"));
        let link = markdown
            .split("](")
            .nth(1)
            .and_then(|t| t.split(')').next())
            .expect("a picture");
        assert!(
            !markdown.contains("onerror=\"") && !link.contains([' ', '#', '&', '\'', '(']),
            "{markdown}"
        );
        let path = percent_decoded(link);
        assert!(folder.path().join("out").join(&path).is_file(), "{path}");
    }
}

fn percent_decoded(link: &str) -> String {
    percent_encoding::percent_decode_str(link)
        .decode_utf8()
        .unwrap()
        .into_owned()
}

/// Reads a picture by a server that says `answer` of it; its page.
fn answered(label: &str, answer: &str) -> (Folder, Value) {
    let models = json!({"data": [{"id": "PaddleOCR-VL-1.6-0.9B"}]}).to_string();
    let choice =
        json!({"message": {"role": "assistant", "content": answer}, "finish_reason": "stop"});
    let said = json!({"choices": [choice], "usage": {"completion_tokens": 7}}).to_string();
    let address = serve(move |request, stream| {
        say(
            stream,
            200,
            "",
            if request.path == "/v1/models" {
                models.as_bytes()
            } else {
                said.as_bytes()
            },
        );
        true
    });
    let folder = Folder::new();
    image::RgbImage::from_pixel(120, 40, image::Rgb([20, 200, 90]))
        .save(folder.path().join("p.png"))
        .unwrap();
    let url = format!("http://{address}/v1");
    let arguments = [
        "-i",
        "p.png",
        "--save-path",
        "out",
        "--use-layout-detection",
        "false",
        "--prompt-label",
        label,
        "--device",
        "cpu",
        "--vl-rec-server-url",
        &url,
        "--vl-rec-backend",
        "vllm-server",
        "--formats",
        "md,json,xlsx",
    ];
    folder.run(&arguments).expect(0);
    let page = folder.json("out/p.json")["pages"][0].clone();
    (folder, page)
}

fn codes(page: &Value) -> Vec<&str> {
    page["diagnostics"]["messages"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|m| m["code"].as_str())
        .collect()
}

#[test]
fn tables_of_recognizers_are_written_anew() {
    let answer = "<table onclick='a()'><tr><td colspan=100000000 style='x'>a<script>b</script><td><img src=x onerror=y></table># c";
    let (folder, page) = answered("table", answer);
    // What was said stays what was said in the JSON: it is data.
    assert_eq!(page["parsing_res_list"][0]["block_content"], answer);
    let markdown = folder.text("out/p.md");
    assert_eq!(
        markdown,
        "<table><tr><td colspan=\"1000\">a&lt;script>b&lt;/script></td>\
         <td>&lt;img src=x onerror=y></td></tr></table>\n\n\\# c\n"
    );
}

#[test]
fn answers_without_end_are_cut_with_a_warning() {
    let row: String = (0..1_000_000).map(|i| format!("<fcel>{i}")).collect();
    let (folder, page) = answered("table", &row);
    assert_eq!(codes(&page), ["answer_cut"]);
    assert!(folder.text("out/p.md").contains("| 0 | 1 | 2 |"));
    let ragged: String = (0..25_000).map(|i| format!("<fcel>{i}<nl>")).collect();
    let (folder, page) = answered("table", &format!("{}<nl>{ragged}", "<fcel>a".repeat(9_000)));
    assert_eq!(codes(&page), ["table_too_large"]);
    assert!(folder.text("out/p.md").contains("&lt;fcel>24999&lt;nl>"));
    // Nearly a repetition: every length was tried against the whole text.
    let (_, page) = answered(
        "ocr",
        &format!("x{}b{}", "a".repeat(200_000), "a".repeat(200_000)),
    );
    assert_eq!(
        page["parsing_res_list"][0]["block_content"]
            .as_str()
            .map(str::len),
        Some(400_002)
    );
}
