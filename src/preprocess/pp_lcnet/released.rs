//! The released weights in this graph: the same scores as those of the publisher's model file.

use super::*;
use crate::onnx::model_file::ModelFile;
use crate::onnx::{Device, SessionOptions};
use crate::runtime::{ONNXRUNTIME, PAGE_ORIENTATION, RuntimeDirs};
use std::path::Path;

/// Tensors of a checkpoint: name, shape, elements.
type Tensors = Vec<(String, Vec<usize>, Vec<f32>)>;

/// The model file's tensors under the names of a checkpoint. The file numbers layers and tensors in the order of the network.
fn tensors(file: &ModelFile) -> Tensors {
    let mut out: Tensors = Vec::new();
    let (mut convolution, mut norm, mut number, mut bias) = (0, 0, 0, 0);
    let take = |name: String, shape: &[usize]| {
        let values = file.floats(&name, shape.iter().product());
        values.unwrap_or_else(|| panic!("`{name}` is missing"))
    };
    let mut layer = |key: &str, shape: [usize; 4], has_norm: bool, has_bias: bool| {
        let weight = if has_norm {
            format!("{key}.convolution.weight")
        } else {
            format!("{key}.weight")
        };
        let name = format!("conv2d_{convolution}.w_0_deepcopy_{number}");
        out.push((weight, shape.to_vec(), take(name, &shape)));
        (convolution, number) = (convolution + 1, number + 1);
        if has_norm {
            let parts = ["w_0", "b_0", "w_1", "w_2"];
            for (part, own) in parts
                .iter()
                .zip(["weight", "bias", "running_mean", "running_var"])
            {
                let name = format!("batch_norm2d_{norm}.{part}_deepcopy_{number}");
                out.push((
                    format!("{key}.normalization.{own}"),
                    vec![shape[0]],
                    take(name, &shape[..1]),
                ));
                number += 1;
            }
            norm += 1;
        }
        if has_bias {
            let name = format!("p2o.pd_op.reshape.{bias}.0");
            out.push((
                format!("{key}.bias"),
                vec![shape[0]],
                take(name, &shape[..1]),
            ));
            (bias, number) = (bias + 1, number + 1);
        }
    };
    layer("encoder.convolution", [16, 3, 3, 3], true, false);
    for (stage, blocks) in STAGES.iter().enumerate() {
        for (at, (kernel, from, to, _, squeezes)) in blocks.iter().enumerate() {
            let key = format!("encoder.blocks.{stage}.layers.{at}");
            layer(
                &format!("{key}.depthwise_convolution"),
                [*from, 1, *kernel, *kernel],
                true,
                false,
            );
            if *squeezes {
                let key = format!("{key}.squeeze_excitation_module.convolutions");
                layer(&format!("{key}.0"), [from / 4, *from, 1, 1], false, true);
                layer(&format!("{key}.2"), [*from, from / 4, 1, 1], false, true);
            }
            layer(
                &format!("{key}.pointwise_convolution"),
                [*to, *from, 1, 1],
                true,
                false,
            );
        }
    }
    layer("last_convolution", [1280, 512, 1, 1], false, false);
    let across = take(format!("linear_0.w_0_deepcopy_{number}"), &[1280, 4]);
    let turned = (0..4 * 1280).map(|i| across[i % 1280 * 4 + i / 1280]);
    out.push(("head.weight".into(), vec![4, 1280], turned.collect()));
    let name = format!("linear_0.b_0_deepcopy_{}", number + 1);
    out.push(("head.bias".into(), vec![4], take(name, &[4])));
    out
}

/// Writes a folder with a checkpoint.
fn write(folder: &Path, tensors: &Tensors) {
    let (mut header, mut data) = (serde_json::Map::new(), Vec::new());
    for (name, shape, values) in tensors {
        let start = data.len();
        data.extend(values.iter().flat_map(|v| v.to_le_bytes()));
        let entry = serde_json::json!({"dtype": "F32", "shape": shape, "data_offsets": [start, data.len()]});
        header.insert(name.clone(), entry);
    }
    let mut header = serde_json::Value::Object(header).to_string();
    while !header.len().is_multiple_of(8) {
        header.push(' ');
    }
    let length = (header.len() as u64).to_le_bytes();
    let file = [&length[..], header.as_bytes(), &data].concat();
    std::fs::write(folder.join("model.safetensors"), file).unwrap();
    std::fs::write(folder.join("config.json"), r#"{"model_type": "pp_lcnet"}"#).unwrap();
}

fn softmax(logits: &[f32]) -> Vec<f32> {
    let most = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let weights: Vec<f32> = logits.iter().map(|v| (v - most).exp()).collect();
    let sum: f32 = weights.iter().sum();
    weights.iter().map(|v| v / sum).collect()
}

#[test]
fn the_released_weights_give_the_scores_of_the_model_file() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let dirs = RuntimeDirs::new(Some(&root.join("runtime")), None);
    let runtime = Runtime::load(
        &dirs.find(ONNXRUNTIME).unwrap(),
        SessionOptions::on(Device::Cpu, 1),
    )
    .unwrap();
    let path = dirs.find(PAGE_ORIENTATION).unwrap();
    let bytes = std::fs::read(&path).unwrap();
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), &tensors(&ModelFile::read(&bytes).unwrap()));
    let checkpoint = Checkpoint::open(folder.path()).unwrap();
    let mut ours = OrientationClassifier::read(&checkpoint, &[]).unwrap()(&runtime).unwrap();
    assert_eq!(checkpoint.unused(), Vec::<&str>::new());
    let mut theirs = OrientationClassifier::exported(runtime.network(&path).unwrap()).unwrap();
    // Rows of marks like lines of text, one way and turned.
    let mut page = Pixels::white(300, 400);
    for y in (20..380).filter(|y| y % 20 < 9) {
        for x in (20..280 - y % 70).filter(|x| (x * 7 + y / 20 * 3) % 11 < 6) {
            page.data[(y * 300 + x) * 3..][..3].fill(30);
        }
    }
    for quarters in 0..4 {
        let input = pixel_values(&page.rotate_quarters(quarters));
        let logits = ours.run(input.clone(), &[]).unwrap().0;
        let scores = theirs.run(input, &[]).unwrap().0;
        for (own, other) in softmax(&logits).iter().zip(&scores) {
            assert!(
                (own - other).abs() < 1e-4,
                "{logits:?} gives other scores than {scores:?}"
            );
        }
    }
}
