//! Documents made of small JSON.

use super::*;
use crate::serve::docling::doctags;
use crate::serve::docling::items::TableCell;
use serde_json::{Value, from_value, to_value};

struct NoPictures;

impl Pictures for NoPictures {
    fn picture(&self, _: &str) -> Option<(String, Option<(u32, u32)>)> {
        None
    }
}

fn run(text: &str) -> Value {
    json!([{"type": "text", "text": text}])
}

fn block(label: &str, top: u32, body: Value) -> Value {
    json!({"block_label": label, "block_bbox": [10, top, 110, top + 20], "body": body})
}

fn text(top: u32, words: &str) -> Value {
    block(
        "text",
        top,
        json!({"type": "text", "paragraphs": [run(words)]}),
    )
}

fn caption(top: u32, words: &str) -> Value {
    block(
        "figure_title",
        top,
        json!({"type": "caption", "text": run(words)}),
    )
}

fn picture(top: u32) -> Value {
    block("image", top, json!({"type": "picture"}))
}

fn table(top: u32, cells: Value) -> Value {
    let body = json!({"type": "table", "rows": 2, "columns": 2, "cells": cells});
    block("table", top, body)
}

fn item(top: u32, marker: Value, words: &str, below: Value) -> Value {
    let item = json!({"marker": marker, "paragraphs": [run(words)], "items": below});
    block("text", top, json!({"type": "list", "items": [item]}))
}

/// The document of some pages of 200 by 400 pixels.
fn made(name: &str, pages: &[Vec<Value>]) -> DoclingDocument {
    let pages: Vec<Value> = pages
        .iter()
        .enumerate()
        .map(|(index, blocks)| {
            json!({
                "page_index": index,
                "width": 200,
                "height": 400,
                "parsing_res_list": blocks,
                "diagnostics": {"text": {"source": "text_layer"}},
            })
        })
        .collect();
    let parsed: Parsed = from_value(json!({"pages": pages})).unwrap();
    let source = Source {
        name,
        sha256: "00000000000000000000000000000000000000000000000000000000000000ff",
    };
    document(&parsed, &source, &NoPictures)
}

fn children(document: &DoclingDocument) -> Vec<String> {
    let children = document.body.node.children.iter();
    children.map(|child| child.place().pointer()).collect()
}

#[test]
fn places_count_from_the_bottom_in_points() {
    let document = made("a.b.pdf", &[vec![text(0, "äb")]]);
    let value = to_value(&document).unwrap();
    assert_eq!(value["name"], "a.b");
    assert_eq!(value["origin"]["binary_hash"], 255);
    assert_eq!(
        value["pages"]["1"],
        json!({"size": {"width": 100.0, "height": 200.0}, "page_no": 1})
    );
    assert_eq!(
        value["texts"][0],
        json!({
            "self_ref": "#/texts/0",
            "parent": {"$ref": "#/body"},
            "children": [],
            "content_layer": "body",
            "label": "text",
            "prov": [{
                "page_no": 1,
                "bbox": {"l": 5.0, "t": 200.0, "r": 55.0, "b": 190.0, "coord_origin": "BOTTOMLEFT"},
                "charspan": [0, 2],
            }],
            "orig": "äb",
            "text": "äb",
        })
    );
    // The points of a picture are its pixels, and not every reader knows all media types.
    let picture = made("a.webp", &[vec![]]);
    assert_eq!(picture.pages[&1].size.width, 200.0);
    assert_eq!(picture.origin, None);
}

#[test]
fn items_come_together_in_lists() {
    let below = json!([{"marker": "a)", "paragraphs": [run("deep")]}]);
    let document = made(
        "a.pdf",
        &[vec![
            item(0, Value::Null, "one", below),
            item(30, Value::Null, "two", json!([])),
            item(60, "1.".into(), "three", json!([])),
            text(90, "end"),
            item(120, "2.".into(), "four", json!([])),
        ]],
    );
    let found = children(&document);
    assert_eq!(
        found,
        ["#/groups/0", "#/groups/2", "#/texts/4", "#/groups/3"]
    );
    assert_eq!(document.groups[0].node.children.len(), 2);
    let parent = document.groups[1].node.parent.as_ref().unwrap();
    assert_eq!(parent.place(), Place::Text(0));
    let deep = &document.texts[1];
    assert_eq!(
        (deep.text.as_str(), deep.enumerated, deep.marker.as_deref()),
        ("deep", Some(true), Some("a)"))
    );
    assert_eq!(document.texts[0].enumerated, Some(false));
}

#[test]
fn captions_belong_to_what_is_beside_them() {
    let owner = |blocks: Vec<Value>| {
        let document = made("a.pdf", &[blocks]);
        let text = document.texts.last().unwrap();
        assert_eq!(text.label, "caption");
        text.node.parent.as_ref().unwrap().place()
    };
    let words = "Table 1: numbers";
    assert_eq!(
        owner(vec![picture(0), caption(30, words), table(60, json!([]))]),
        Place::Table(0)
    );
    assert_eq!(
        owner(vec![
            table(0, json!([])),
            caption(30, "Figure 1"),
            picture(60)
        ]),
        Place::Picture(0)
    );
    assert_eq!(
        owner(vec![picture(0), caption(100, "a"), picture(121)]),
        Place::Picture(1)
    );
    assert_eq!(owner(vec![text(0, "a"), caption(30, "b")]), Place::Body);
}

#[test]
fn cells_are_heads_of_columns_or_rows() {
    let cell = |row: usize, column: usize, text: &str, header: bool| json!({"row": row, "column": column, "text": text, "header": header, "kind": "text"});
    let mut wide = cell(0, 0, "head", true);
    wide["column_span"] = 2.into();
    wide["bbox"] = json!([10, 20, 110, 40]);
    let cells = json!([wide, cell(1, 0, "row", true), cell(1, 1, "", false)]);
    let document = made("a.pdf", &[vec![table(0, cells)]]);
    let data = &document.tables[0].data;
    let heads = |cell: &TableCell| (cell.column_header, cell.row_header);
    assert_eq!(heads(&data.table_cells[0]), (true, false));
    assert_eq!(heads(&data.table_cells[1]), (false, true));
    assert_eq!(data.grid[0][1], data.table_cells[0]);
    let bbox = data.table_cells[0].bbox.unwrap();
    assert_eq!((bbox.t, bbox.coord_origin), (10.0, "TOPLEFT"));
    let place = "<loc_25><loc_0><loc_275><loc_25>";
    assert_eq!(
        doctags::write(&document),
        format!("<doctag><otsl>{place}<ched>head<lcel><nl><rhed>row<ecel><nl></otsl>\n</doctag>")
    );
}

#[test]
fn what_goes_on_elsewhere_has_several_places() {
    let joined = block("text", 0, json!({"type": "joined", "page": 0, "block": 1}));
    let running = block(
        "number",
        380,
        json!({"type": "running", "paragraphs": [run("7")]}),
    );
    let title = block(
        "doc_title",
        0,
        json!({"type": "heading", "depth": 0, "text": run("t")}),
    );
    let document = made(
        "a.pdf",
        &[vec![title, text(30, "long")], vec![joined, running]],
    );
    let labels: Vec<&str> = document.texts.iter().map(|text| text.label).collect();
    assert_eq!(labels, ["title", "text", "page_footer"]);
    let pages: Vec<usize> = document.texts[1].prov.iter().map(|p| p.page_no).collect();
    assert_eq!(pages, [1, 2]);
    assert_eq!(document.texts[2].node.content_layer, FURNITURE);
}

#[test]
fn formulas_that_nobody_read_have_no_text() {
    let body = json!({"type": "picture", "paragraphs": [run("x = 1")]});
    let document = made("a.pdf", &[vec![block("display_formula", 0, body)]]);
    let formula = &document.texts[0];
    assert_eq!(
        (formula.label, formula.text.as_str(), formula.orig.as_str()),
        ("formula", "", "x = 1")
    );
}
