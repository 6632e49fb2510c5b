//! The forms of tables, formulas, bullets, listings and pictures.

use super::*;
use crate::fault::Fault;

#[test]
fn tables_keep_what_tables_hold() {
    let check = |content: &str, expected: &str| {
        let pages = [Page {
            table_pictures: vec!["imgs/x\" y/a.jpg".into()],
            ..Page::failed(0, Fault::internal(""))
        }];
        let pictures = PictureSources::of(&pages);
        let options = MarkdownOptions {
            pretty: false,
            ..MarkdownOptions::default()
        };
        let text = block(
            &view("table", content, Markup::default()),
            1000.0,
            &pictures,
            &options,
        )
        .unwrap();
        assert_eq!(text.trim(), expected);
    };
    let honest = "<table><tr><td rowspan=\"2\" colspan=\"2\">a &amp; b</td><td>x<sup>2</sup></td></tr><tr><td>$c$</td></tr></table>";
    check(honest, honest);
    check(
        "<html><body><table border=1 onclick='a()'><TR><td colspan=100000000 style=x>a<td>b</table></body></html>",
        "<table><tr><td colspan=\"1000\">a</td><td>b</td></tr></table>",
    );
    check(
        "<table><tr><td><script>a</script></td></tr></table>",
        "<table><tr><td>&lt;script>a&lt;/script></td></tr></table>",
    );
    check(
        "<table><tr><td>a\n\n\nb",
        "<table><tr><td>a\nb</td></tr></table>",
    );
    check(
        "<table><tr><td><img src=\"imgs/x\" y/a.jpg\" alt=\"Image\"\" />\n\n<b>seen\n\n</td></tr></table>",
        "<table><tr><td><img src=\"imgs/x%22%20y/a.jpg\" alt=\"Image\" />\n<b>seen\n</b></td></tr></table>",
    );
    check(
        "# words <b>\n<table><tr><td>a</table>* more",
        "\\# words &lt;b>\n\n<table><tr><td>a</td></tr></table>\n\n\\* more",
    );
    check("<td>a</td>", "&lt;td>a&lt;/td>");
}

#[test]
fn nested_without_end_stays_bounded() {
    let deep = "<table><tr><td>".repeat(100_000);
    let markdown = written("table", &deep, Markup::default(), false);
    assert!(markdown.len() < 3 * deep.len());
    assert!(markdown.matches("<table>").count() < 64 && markdown.ends_with("</table>"));
    let divs = format!("<table><tr><td>{}", "<div>".repeat(200_000));
    assert_eq!(
        written("table", &divs, Markup::default(), false)
            .matches("&lt;div>")
            .count(),
        200_000
    );
}

#[test]
fn formulas_stay_formulas_and_cannot_break_out() {
    let said = Markup {
        formulas: true,
        ..Markup::default()
    };
    let check = |label: &str, text: &str, expected: &str| {
        assert_eq!(written(label, text, said, true), expected)
    };
    check("text", "so $a_1 * b_2$ holds", "so $a_1 * b_2$ holds");
    check("text", " $ x $ and  $$ y $$ ", "$ x $ and  $$ y $$");
    check("text", "costs $5 and $6", "costs \\$5 and \\$6");
    check("display_formula", " $$ a<b $$ ", "$$ a< b $$");
    check(
        "display_formula",
        "$$a $$ <script> $$b$$",
        "$$a $$ &lt;script> $$b$$",
    );
    check("display_formula", "$$a\n\n# b\n+ c$$", "$$a # b + c$$");
    check("inline_formula", "$[a](b)$", "$[a] (b)$");
    check("text", "$$\na\n$$", "$$\na\n$$");
}

#[test]
fn bullets_of_the_layout_are_items_and_others_are_text() {
    let item = Markup {
        list_item: true,
        ..Markup::default()
    };
    assert_eq!(written("text", "- a # b", item, true), "- a # b");
    assert_eq!(written("text", "- # a", item, true), "- \\# a");
    assert_eq!(written("text", "- a\n- b", item, true), "- a\n\n\\- b");
    let raised = Markup {
        scripts: true,
        ..Markup::default()
    };
    assert_eq!(
        written("text", "x<sup>2</sup> <sup>a<b></sup>", raised, true),
        "x<sup>2</sup> &lt;sup>a&lt;b>&lt;/sup>"
    );
}

#[test]
fn listings_are_fenced() {
    assert_eq!(
        written(
            "algorithm",
            "\n#include <a>\n    ```\n",
            Markup::default(),
            true
        ),
        "````\n#include <a>\n    ```\n````"
    );
}

#[test]
fn pictures_are_quoted() {
    let options = MarkdownOptions::default();
    let block = MarkdownBlock {
        image: Some("imgs/x\" onerror=\"alert(1)/a.jpg"),
        alt: Some("a\"\n\n<b>"),
        ..view("image", "", Markup::default())
    };
    let pretty = super::block(&block, 1000.0, &PictureSources::default(), &options).unwrap();
    assert_eq!(
        pretty,
        "<div style=\"text-align: center;\"><img src=\"imgs/x%22%20onerror%3D%22alert%281%29/a.jpg\" \
         alt=\"a&quot;  &lt;b&gt;\" width=\"30%\" /></div>\n"
    );
    let plain = MarkdownOptions {
        pretty: false,
        ..options
    };
    let block = MarkdownBlock {
        alt: Some("a](b) <c>"),
        ..block
    };
    let plain = super::block(&block, 1000.0, &PictureSources::default(), &plain).unwrap();
    assert_eq!(
        plain,
        "![a\\](b) &lt;c>](imgs/x%22%20onerror%3D%22alert%281%29/a.jpg)"
    );
}
