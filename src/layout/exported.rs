//! PP-DocLayout as its publisher exports it: `inference.onnx` with `inference.yml`, post-processing included.
//!
//! Inputs: `im_shape` `[B, 2]`, `image` `[B, 3, height, width]`, `scale_factor` `[B, 2]` (height, then
//! width). RunOutputs: rows of 6, 7 or 8 numbers, the number of rows per page, and for models with masks `[rows,
//! height, width]` (docs/reference.md, "Input and output of the layout networks").

use super::pixel_values;
use super::postprocess::{RawBox, RawLayout};
use crate::document::Label;
use crate::fault::{Fault, Reason};
use crate::geometry::contour::Mask;
use crate::onnx::OnnxError;
use crate::onnx::graph::Element;
use crate::onnx::network::{Array, Network, PortInfo, RunOutputs};
use crate::raster::Pixels;
use saphyr::{LoadableYamlNode, Yaml};
use std::io;
use std::path::{Path, PathBuf};

/// File name of the model.
pub(crate) const MODEL: &str = "inference.onnx";
/// File name of its description.
const DESCRIPTION: &str = "inference.yml";
/// Possible numbers of columns of a row.
const COLUMNS: [usize; 3] = [6, 7, 8];

/// Reason why a folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum ExportedError {
    /// The description cannot be read.
    #[error("cannot read `{path}`: {fault}")]
    Description {
        /// The file.
        path: PathBuf,
        /// The reason.
        fault: Fault,
    },
    /// The model has the wrong inputs or outputs.
    #[error(
        "`{path}` is no layout model: {fault}; give a folder of PP-DocLayoutV2 or PP-DocLayoutV3"
    )]
    Signature {
        /// The file.
        path: PathBuf,
        /// The reason.
        fault: Fault,
    },
}

impl From<ExportedError> for Fault {
    fn from(error: ExportedError) -> Fault {
        let (ExportedError::Description { fault, .. } | ExportedError::Signature { fault, .. }) =
            &error;
        Fault::new(fault.reason, error.to_string())
    }
}

/// The fault of a model or its description; the file is named by whoever looks at it.
fn wrong(message: impl Into<String>) -> Fault {
    Fault::new(Reason::Model, message)
}

/// The model, ready to run.
pub(crate) struct ExportedLayout {
    /// The model's name, if its description has one.
    pub name: Option<String>,
    network: Network,
    /// Height and width of the network's input.
    input: [usize; 2],
    rows: String,
    counts: String,
    masks: Option<String>,
}

impl ExportedLayout {
    /// Checks the inputs and outputs of a folder's model, and reads its description.
    pub(crate) fn of(network: Network, folder: &Path) -> Result<Self, ExportedError> {
        let Description { name, input } = Description::read(&folder.join(DESCRIPTION))?;
        let path = folder.join(MODEL);
        let bad = |fault| ExportedError::Signature {
            path: path.clone(),
            fault,
        };
        let (rows, counts, masks) =
            signature(&network.inputs(), &network.outputs()).map_err(bad)?;
        Ok(ExportedLayout {
            name,
            network,
            input,
            rows,
            counts,
            masks,
        })
    }

    /// The rows of boxes of each page.
    pub(crate) fn detect(&mut self, pages: &[&Pixels]) -> Result<Vec<RawLayout>, OnnxError> {
        let [height, width] = self.input;
        let batch = pages.len();
        let pair = |of: &dyn Fn(&Pixels) -> [f32; 2]| {
            Array::F32(
                vec![batch, 2],
                pages.iter().flat_map(|page| of(page)).collect(),
            )
        };
        let scale = |page: &Pixels| {
            [
                (height as f64 / page.height as f64) as f32,
                (width as f64 / page.width as f64) as f32,
            ]
        };
        let pixels = pages
            .iter()
            .flat_map(|page| pixel_values(page, width, height))
            .collect();
        let inputs = vec![
            ("im_shape", pair(&|_| [height as f32, width as f32])),
            ("image", Array::F32(vec![batch, 3, height, width], pixels)),
            ("scale_factor", pair(&scale)),
        ];
        let (rows, counts, masks) = (&self.rows, &self.counts, self.masks.as_deref());
        self.network.run(inputs, |outputs| {
            layouts(outputs, rows, counts, masks, batch)
        })
    }
}

/// Names of the outputs: rows, counts, masks.
type Ports = (String, String, Option<String>);

/// Checks a model's signature; the error names what is missing or wrong.
fn signature(inputs: &[PortInfo], outputs: &[PortInfo]) -> Result<Ports, Fault> {
    let names = |ports: &[PortInfo]| {
        ports
            .iter()
            .map(|p| p.name.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    };
    for wanted in ["im_shape", "image", "scale_factor"] {
        if !inputs.iter().any(|port| port.name == wanted) {
            return Err(wrong(format!(
                "it has no input `{wanted}`, only {}",
                names(inputs)
            )));
        }
    }
    if let Some(other) = inputs
        .iter()
        .find(|p| !["im_shape", "image", "scale_factor"].contains(&p.name.as_str()))
    {
        return Err(wrong(format!("its input `{}` is not known", other.name)));
    }
    let find = |what: &str, rank: usize, is: &dyn Fn(&PortInfo) -> bool| {
        let found = outputs
            .iter()
            .find(|port| port.shape.len() == rank && is(port));
        let missing = || format!("it has no output for {what} among {}", names(outputs));
        found.ok_or_else(|| wrong(missing()))
    };
    let rows = find("rows of boxes", 2, &|port| {
        port.element == Some(Element::F32)
    })?;
    let columns = rows.shape[1];
    if columns >= 0 && !COLUMNS.contains(&(columns as usize)) {
        let message = format!("its rows have {columns} columns, not 6, 7 or 8");
        return Err(wrong(message));
    }
    let is_whole = |port: &PortInfo| matches!(port.element, Some(Element::I32 | Element::I64));
    let counts = find("how many rows a page has", 1, &is_whole)?;
    let masks = find("masks", 3, &is_whole).ok();
    Ok((
        rows.name.clone(),
        counts.name.clone(),
        masks.map(|port| port.name.clone()),
    ))
}

/// Integers, from an output of 32 or 64 bits.
fn whole(outputs: &RunOutputs<'_>, name: &str) -> Result<(Vec<usize>, Vec<i64>), OnnxError> {
    if let Ok((shape, data)) = outputs.i32(name) {
        return Ok((shape, data.iter().map(|v| i64::from(*v)).collect()));
    }
    outputs
        .i64(name)
        .map(|(shape, data)| (shape, data.to_vec()))
}

fn layouts(
    outputs: &RunOutputs<'_>,
    rows: &str,
    counts: &str,
    masks: Option<&str>,
    pages: usize,
) -> Result<Vec<RawLayout>, OnnxError> {
    let wrong = |reason: String| OnnxError::Run {
        model: "the layout model".into(),
        reason,
    };
    let (shape, data) = outputs.f32(rows)?;
    let columns = shape[1];
    let (_, counts) = whole(outputs, counts)?;
    let total: i64 = counts.iter().sum();
    if !COLUMNS.contains(&columns)
        || counts.len() != pages
        || total != shape[0] as i64
        || counts.iter().any(|n| *n < 0)
    {
        return Err(wrong(format!(
            "it returned {} rows of {columns} numbers for {pages} pages with {counts:?} rows",
            shape[0]
        )));
    }
    let masks = masks.map(|name| whole(outputs, name)).transpose()?;
    if let Some((shape, _)) = &masks
        && shape[0] as i64 != total
    {
        return Err(wrong(format!(
            "it returned {} masks for {total} rows",
            shape[0]
        )));
    }
    let mut layouts = Vec::with_capacity(pages);
    let mut start = 0;
    for count in counts {
        let range = start..start + count as usize;
        start = range.end;
        let boxes = range
            .clone()
            .map(|row| raw_box(&data[row * columns..(row + 1) * columns]))
            .collect();
        let masks = masks.as_ref().map(|(shape, cells)| {
            let (height, width) = (shape[1], shape[2]);
            let mask = |row: usize| {
                let cells = &cells[row * height * width..(row + 1) * height * width];
                Mask {
                    width,
                    height,
                    cells: cells.iter().map(|v| *v > 0).collect(),
                }
            };
            range.clone().map(mask).collect()
        });
        layouts.push(RawLayout { boxes, masks });
    }
    Ok(layouts)
}

/// A box from a row: class, score, corners, order and votes.
fn raw_box(row: &[f32]) -> RawBox {
    RawBox {
        class_id: row[0] as i64,
        score: row[1],
        bbox: [row[2], row[3], row[4], row[5]],
        order: row.get(6).copied(),
        votes: row.get(7).copied(),
    }
}

/// Contents of `inference.yml`.
#[derive(Debug, PartialEq)]
struct Description {
    name: Option<String>,
    input: [usize; 2],
}

impl Description {
    fn read(path: &Path) -> Result<Self, ExportedError> {
        let bad = |fault| ExportedError::Description {
            path: path.into(),
            fault,
        };
        let unreadable = |error: io::Error| match error.kind() {
            io::ErrorKind::NotFound => wrong(error.to_string()),
            _ => Fault::new(Reason::from(&error), error.to_string()),
        };
        let text = std::fs::read_to_string(path).map_err(|error| bad(unreadable(error)))?;
        Description::parse(&text).map_err(bad)
    }

    fn parse(text: &str) -> Result<Self, Fault> {
        let documents = Yaml::load_from_str(text).map_err(|e| wrong(e.to_string()))?;
        let root = documents.first().ok_or_else(|| wrong("it is empty"))?;
        let name = root
            .as_mapping_get("Global")
            .and_then(|g| g.as_mapping_get("model_name"));
        let labels = root
            .as_mapping_get("label_list")
            .and_then(Yaml::as_sequence);
        let labels = labels.ok_or_else(|| wrong("it has no `label_list`"))?;
        let same = labels.len() == Label::CLASSES.len()
            && labels
                .iter()
                .zip(Label::CLASSES)
                .all(|(name, label)| name.as_str() == Some(label.as_str()));
        if !same {
            return Err(wrong(format!(
                "its `label_list` is not that of PP-DocLayoutV2 and V3 ({} labels)",
                Label::CLASSES.len()
            )));
        }
        let steps = root
            .as_mapping_get("Preprocess")
            .and_then(Yaml::as_sequence);
        let size = steps
            .into_iter()
            .flatten()
            .find_map(|step| step.as_mapping_get("target_size")?.as_sequence());
        let side = |i: usize| match size {
            None => Ok(super::NETWORK_SIDE),
            Some(size) => {
                let side = size
                    .get(i)
                    .and_then(Yaml::as_integer)
                    .filter(|n| (1..=1 << 14).contains(n));
                side.map(|n| n as usize)
                    .ok_or_else(|| wrong("its `target_size` is no size"))
            }
        };
        let name = name.and_then(Yaml::as_str).map(str::to_string);
        Ok(Description {
            name,
            input: [side(0)?, side(1)?],
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn port(name: &str, element: Element, shape: &[i64]) -> PortInfo {
        PortInfo {
            name: name.into(),
            element: Some(element),
            shape: shape.to_vec(),
        }
    }

    fn inputs() -> Vec<PortInfo> {
        ["im_shape", "image", "scale_factor"]
            .map(|name| port(name, Element::F32, &[-1, 2]))
            .to_vec()
    }

    #[test]
    fn a_signature_is_known_by_kinds_and_ranks() {
        let outputs = [
            port("fetch_name_0", Element::F32, &[-1, 7]),
            port("fetch_name_1", Element::I32, &[-1]),
            port("fetch_name_2", Element::I32, &[-1, 200, 200]),
        ];
        let found = signature(&inputs(), &outputs).unwrap();
        assert_eq!(found.2.as_deref(), Some("fetch_name_2"));
        assert!(signature(&inputs(), &outputs[..2]).unwrap().2.is_none());
    }

    #[test]
    fn what_is_wrong_with_a_signature_is_named() {
        let outputs = [
            port("a", Element::F32, &[-1, 5]),
            port("b", Element::I32, &[-1]),
        ];
        let check = |inputs: &[PortInfo], outputs: &[PortInfo]| {
            signature(inputs, outputs).unwrap_err().message
        };
        assert!(check(&inputs(), &outputs).contains("5 columns"));
        assert!(check(&inputs()[1..], &outputs).contains("no input `im_shape`"));
        assert!(check(&inputs(), &outputs[1..]).contains("no output for rows of boxes among b"));
        let more = [inputs(), vec![port("mask", Element::F32, &[1])]].concat();
        assert!(check(&more, &outputs).contains("input `mask` is not known"));
    }

    #[test]
    fn descriptions_tell_size_and_labels() {
        let labels = Label::CLASSES
            .iter()
            .map(|l| format!("- {}\n", l.as_str()))
            .collect::<String>();
        let text = format!(
            "Global:\n  model_name: PP-DocLayoutV3\nPreprocess:\n- type: Resize\n  target_size:\n  - 640\n  - 800\nlabel_list:\n{labels}"
        );
        let found = Description::parse(&text).unwrap();
        assert_eq!(
            (found.name.as_deref(), found.input),
            (Some("PP-DocLayoutV3"), [640, 800])
        );
        assert!(
            Description::parse("label_list: [text]")
                .unwrap_err()
                .message
                .contains("label_list")
        );
        assert!(
            Description::parse("a: 1")
                .unwrap_err()
                .message
                .contains("no `label_list`")
        );
        assert!(Description::parse("[").is_err());
    }
}
