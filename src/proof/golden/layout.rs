//! Vectors of layout detection and of planning.

use super::Context;
use super::compare::{
    POINT_TOLERANCE, RATIO_TOLERANCE, exactly, numbers, polygon, rect, same, text, whole,
};
use crate::config::vl;
use crate::document::Label;
use crate::geometry::Point;
use crate::geometry::contour::{Mask, arc_length, contour_area, external_contours, simplify};
use crate::geometry::polygon::Overlap;
use crate::layout::Region;
use crate::layout::polygons::{self, ShapeMode};
use crate::layout::postprocess::{self, LayoutOptions, RawBox, RawLayout};
use crate::plan::{self, PixelLimits};
use crate::proof::replay::{mask, raw_box};
use crate::proof::trace::region as region_value;
use crate::writer::json::points;
use serde_json::{Value, json};

use super::compare::Checked;
pub(super) fn smart_size(v: &Value, _: &Context) -> Checked {
    let limits = PixelLimits {
        min: whole(&v["min_pixels"]) as u64,
        max: whole(&v["max_pixels"]) as u64,
    };
    let (width, height) = plan::smart_resize(
        whole(&v["width"]),
        whole(&v["height"]),
        plan::FACTOR,
        limits,
        true,
    )
    .ok_or("refused")?;
    exactly("out_width", &v["out_width"], width)?;
    exactly("out_height", &v["out_height"], height)
}

fn raw_boxes(rows: &Value) -> Vec<RawBox> {
    rows.as_array()
        .into_iter()
        .flatten()
        .map(|row| raw_box(&numbers(row)))
        .collect()
}

fn mask_of(width: usize, height: usize, runs: &Value) -> Mask {
    let runs: Vec<usize> = runs.as_array().into_iter().flatten().map(whole).collect();
    mask(width, height, &runs)
}

pub(super) fn nms_and_containment(v: &Value, _: &Context) -> Checked {
    let boxes = raw_boxes(&v["boxes"]);
    exactly("keep", &v["keep"], postprocess::nms(&boxes))?;
    let (contains, contained) = postprocess::containment(&boxes, |_, _| true);
    let flags = |flags: Vec<bool>| flags.into_iter().map(u8::from).collect::<Vec<u8>>();
    exactly("contains_other", &v["contains_other"], flags(contains))?;
    exactly(
        "contained_by_other",
        &v["contained_by_other"],
        flags(contained),
    )
}

pub(super) fn layout_postprocess(v: &Value, _: &Context) -> Checked {
    let options = LayoutOptions {
        threshold: vl::threshold(&v["threshold"], true),
        nms: v["layout_nms"].as_bool().unwrap_or(false),
        unclip_ratio: vl::unclip_ratio(&v["layout_unclip_ratio"]),
        merge_bboxes_mode: vl::merge_modes(&v["layout_merge_bboxes_mode"])
            .ok_or("unknown merge mode")?,
        shape_mode: ShapeMode::Auto,
    };
    let raw = RawLayout {
        boxes: raw_boxes(&v["raw"]),
        masks: None,
    };
    let (width, height) = (whole(&v["image_size"][0]), whole(&v["image_size"][1]));
    let mut regions = postprocess::postprocess(&raw, width, height, &options);
    if v["filter_overlap_boxes"] == true {
        regions = postprocess::without_overlaps(&regions, ShapeMode::Auto);
        // Numbers are assigned after this filter if it runs.
        let mut order = 0;
        for region in regions.iter_mut().filter(|r| r.order.is_some()) {
            order += 1;
            region.order = Some(order);
        }
    }
    exactly(
        "boxes",
        &v["boxes"],
        regions
            .iter()
            .map(|r| region_value(r, false))
            .collect::<Value>(),
    )
}

pub(super) fn geometry(v: &Value, _: &Context) -> Checked {
    let mask = mask_of(whole(&v["size"][0]), whole(&v["size"][1]), &v["mask_rle"]);
    let contours = external_contours(&mask);
    exactly("contours", &v["contours"], json!(contours))?;
    exactly(
        "areas",
        &v["areas"],
        json!(contours.iter().map(|c| contour_area(c)).collect::<Vec<_>>()),
    )?;
    let largest = contours.iter().reduce(|a, b| {
        if contour_area(b) > contour_area(a) {
            b
        } else {
            a
        }
    });
    let largest = largest.ok_or("no contour")?;
    let length = arc_length(largest);
    same(
        "arc_length",
        &v["arc_length"],
        &json!(length),
        RATIO_TOLERANCE,
    )?;
    let corners = simplify(largest, 0.004 * length);
    exactly("approx", &v["approx"], json!(corners))?;
    let custom = polygons::custom_vertices(
        &corners,
        v["custom_vertices_max_dist"].as_f64().unwrap_or(0.0),
    );
    same(
        "custom_vertices",
        &v["custom_vertices"],
        &json!(custom),
        POINT_TOLERANCE,
    )?;
    let corners: Vec<Point> = corners
        .iter()
        .map(|p| Point {
            x: p[0] as f32,
            y: p[1] as f32,
        })
        .collect();
    let quad = polygons::quad(&corners).map_or(Value::Null, |quad| points(&quad).into());
    same("quad", &v["quad"], &quad, POINT_TOLERANCE)
}

pub(super) fn mask_polygons(v: &Value, _: &Context) -> Checked {
    let (columns, rows) = (whole(&v["mask_size"][0]), whole(&v["mask_size"][1]));
    let masks = v["mask_rle"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|runs| mask_of(columns, rows, runs));
    let masks: Vec<Mask> = masks.collect();
    let boxes = v["boxes"].as_array().into_iter().flatten();
    let boxes: Vec<[f32; 4]> = boxes
        .map(|b| std::array::from_fn(|i| b[i].as_f64().unwrap_or(0.0) as f32))
        .collect();
    let (width, height) = (whole(&v["image_size"][0]), whole(&v["image_size"][1]));
    for name in ["rect", "quad", "poly", "auto"] {
        let mode = ShapeMode::from_name(name).ok_or("no such mode")?;
        let shapes = polygons::polygons(
            &boxes,
            &masks.iter().collect::<Vec<_>>(),
            width,
            height,
            mode,
        );
        let shapes: Value = shapes.iter().map(|p| points(p)).collect();
        same(name, &v[name], &shapes, POINT_TOLERANCE)?;
    }
    Ok(())
}

pub(super) fn polygon_overlap(v: &Value, _: &Context) -> Checked {
    let overlap = Overlap::of(&polygon(&v["a"]), &polygon(&v["b"]));
    same(
        "union",
        &v["union"],
        &json!(overlap.of_union()),
        RATIO_TOLERANCE,
    )?;
    same(
        "small",
        &v["small"],
        &json!(overlap.of_smaller()),
        RATIO_TOLERANCE,
    )?;
    same(
        "large",
        &v["large"],
        &json!(overlap.of_larger()),
        RATIO_TOLERANCE,
    )
}

fn region(value: &Value, bbox: &str) -> Result<Region, String> {
    let label = Label::from_name(text(&value["label"])).ok_or("unknown label")?;
    let mut region = Region::new(
        label,
        rect(&value[bbox]),
        value["score"].as_f64().unwrap_or(0.0) as f32,
    );
    region.polygon = value.get("polygon_points").map(polygon);
    Ok(region)
}

fn regions(value: &Value, bbox: &str) -> Result<Vec<Region>, String> {
    value
        .as_array()
        .into_iter()
        .flatten()
        .map(|r| region(r, bbox))
        .collect()
}

pub(super) fn overlap_filter(v: &Value, _: &Context) -> Checked {
    let mode = ShapeMode::from_name(text(&v["layout_shape_mode"])).ok_or("no such mode")?;
    let kept = postprocess::without_overlaps(&regions(&v["boxes"], "coordinate")?, mode);
    let kept: Value = kept
        .iter()
        .map(|r| json!([r.label, r.bbox.to_pixels()]))
        .collect();
    exactly("kept", &v["kept"], kept)
}

pub(super) fn merged_blocks(v: &Value, _: &Context) -> Checked {
    let never: Vec<&str> = v["non_merge_labels"]
        .as_array()
        .into_iter()
        .flatten()
        .map(text)
        .collect();
    let regions = regions(&v["blocks"], "box")?;
    let merged = plan::merge_blocks(&regions, &|label| never.contains(&label.as_str()));
    let block = |block: &plan::MergedBlock| {
        let region = &regions[block.index];
        let has_crop = !block.members.is_empty();
        let aligns: Vec<&str> = block.aligns.iter().map(|a| a.as_str()).collect();
        let width = block
            .members
            .iter()
            .map(|i| regions[*i].bbox.width())
            .fold(0.0, f32::max);
        let height: f32 = block
            .members
            .iter()
            .map(|i| regions[*i].bbox.height())
            .sum();
        json!({
            "label": region.label,
            "box": region.bbox.to_pixels(),
            "group_id": block.group_id,
            "merge_aligns": (has_crop && block.group_id.is_some()).then_some(aligns),
            "image_size": has_crop.then_some([width as i64, height as i64]),
        })
    };
    exactly(
        "output",
        &v["output"],
        merged.iter().map(block).collect::<Value>(),
    )
}
