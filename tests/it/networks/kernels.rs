//! Kernels of our own against ONNX Runtime's operators.

use super::super::support::root;
use super::fixture;
use docparse::internals::kernels::winograd::{self, ConvFilter};
use docparse::internals::onnx::checkpoint::Checkpoint;
use docparse::internals::onnx::graph::{Attr, Dim, Element, Graph};
use docparse::internals::onnx::network::Array;
use docparse::internals::onnx::projection::Quantization;
use docparse::internals::onnx::{Device, Runtime, SessionOptions};
use docparse::internals::recognize::paddleocr_vl;
use docparse::internals::recognize::paddleocr_vl::config::VlModelConfig;
use docparse::internals::recognize::paddleocr_vl::image::Patches;
use docparse::internals::recognize::paddleocr_vl::vision::{Computing, Vision};

#[test]
fn our_own_layers_compute_what_the_runtime_does() {
    let folder = fixture("paddleocr_vl");
    let checkpoint = Checkpoint::open(&folder)
        .unwrap()
        .with_names(paddleocr_vl::released_name);
    let config = VlModelConfig::read(&folder, &checkpoint.config).unwrap();
    let library = root().join("runtime/libonnxruntime.so");
    let runtime = Runtime::load(&library, SessionOptions::on(Device::Cpu, 2)).unwrap();
    let encode = |quantization, own_kernels| {
        let computing = Computing::Single {
            quantization,
            own_kernels,
        };
        let read = Vision::read(&checkpoint, &config, computing, &[], None).unwrap();
        let numbers = 6 * 10 * config.vision.patch_numbers();
        let values = (0..numbers)
            .map(|i| (i * 7919 % 255) as f32 / 127.5 - 1.0)
            .collect();
        read(&runtime)
            .unwrap()
            .encode(Patches {
                values,
                grid: [6, 10],
            })
            .unwrap()
    };
    let runtimes = encode(Quantization::Exact, false);
    let largest = runtimes.iter().fold(0f32, |a, b| a.max(b.abs()));
    assert!(runtimes.len() == 15 * config.text.hidden_size && largest > 0.1);
    for (quantization, allowed) in [(Quantization::Exact, 1e-5), (Quantization::Int8, 0.1)] {
        let own = encode(quantization, true);
        let worst = own
            .iter()
            .zip(&runtimes)
            .map(|(a, b)| (a - b).abs() / largest)
            .fold(0f32, f32::max);
        assert!(worst < allowed, "{quantization:?}: {worst}");
    }
}

#[test]
fn our_own_kernel_computes_what_the_runtime_does() {
    let (channels, size) = (64, [50, 49]);
    if !winograd::is_supported(channels) {
        return;
    }
    let number = |i: usize, scale: f64| ((i * 2_654_435_761 % 1009) as f64 / 504.5 - 1.0) * scale;
    let weight: Vec<f64> = (0..channels * channels * 9)
        .map(|i| number(i, 0.06))
        .collect();
    let bias: Vec<f64> = (0..channels).map(|i| number(i + 5, 0.5)).collect();
    let dims = [
        Dim::Named("batch"),
        Dim::Fixed(channels),
        Dim::Fixed(size[0]),
        Dim::Fixed(size[1]),
    ];
    let mut graph = Graph::new("test");
    let x = graph.input("x", Element::F32, &dims);
    let filter = || ConvFilter::new(channels, &weight, &bias);
    let own = graph.silu_chain("own", &x, vec![filter(), filter()], Default::default());
    let single = |values: &[f64]| values.iter().map(|v| *v as f32).collect();
    let w = graph.floats("w", &[channels, channels, 3, 3], single(&weight));
    let b = graph.floats("b", &[channels], single(&bias));
    let mut y = x;
    for _ in 0..2 {
        let sum = graph.op(
            "Conv",
            "conv",
            &[&y, &w, &b],
            &[("pads", Attr::Ints(vec![1; 4]))],
        );
        let gate = graph.op("Sigmoid", "conv", &[&sum], &[]);
        y = graph.op("Mul", "conv", &[&sum, &gate], &[]);
    }
    graph.output("own", &own, Element::F32, &dims);
    graph.output("runtime", &y, Element::F32, &dims);
    let library = root().join("runtime/libonnxruntime.so");
    let runtime = Runtime::load(&library, SessionOptions::on(Device::Cpu, 2)).unwrap();
    let mut network = graph.build(&runtime).unwrap();
    let shape = vec![2, channels, size[0], size[1]];
    let input = (0..shape.iter().product())
        .map(|i| number(i + 7, 1.0) as f32)
        .collect();
    let worst = network.run(vec![("x", Array::F32(shape, input))], |outputs| {
        let (own, runtime) = (outputs.f32("own")?.1, outputs.f32("runtime")?.1);
        let largest = runtime.iter().fold(0f32, |a, b| a.max(b.abs()));
        assert!(largest > 0.1 && own.len() == runtime.len());
        Ok(own
            .iter()
            .zip(runtime)
            .map(|(a, b)| (a - b).abs() / largest)
            .fold(0f32, f32::max))
    });
    let worst = worst.unwrap();
    assert!(worst < 2e-5, "{worst}");
}
