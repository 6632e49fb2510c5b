//! What cards are built for: dense products in half precision with sums in single precision, and the speed of their
//! memory. From the makers' data sheets, without sparsity.

/// A card.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Peak {
    /// Words of its name, all of which occur in the driver's name for it.
    words: &'static [&'static str],
    /// Products in half precision, in TFLOP/s.
    pub tflops: f64,
    /// Memory, in GB/s.
    pub bandwidth: f64,
}

const fn peak(words: &'static [&'static str], tflops: f64, bandwidth: f64) -> Peak {
    Peak {
        words,
        tflops,
        bandwidth,
    }
}

/// Names with more words stand before those that are part of them.
const PEAKS: [Peak; 24] = [
    peak(&["T4"], 65.0, 320.0),
    peak(&["L4"], 121.0, 300.0),
    peak(&["A10"], 125.0, 600.0),
    peak(&["A10G"], 70.0, 600.0),
    peak(&["A100", "80GB", "PCIe"], 312.0, 1935.0),
    peak(&["A100", "80GB"], 312.0, 2039.0),
    peak(&["A100"], 312.0, 1555.0),
    peak(&["L40S"], 362.0, 864.0),
    peak(&["H100", "PCIe"], 756.0, 2000.0),
    peak(&["H100", "NVL"], 835.0, 3900.0),
    peak(&["H100"], 989.0, 3350.0),
    peak(&["H200", "NVL"], 835.0, 4800.0),
    peak(&["H200"], 989.0, 4800.0),
    peak(&["B200"], 2250.0, 8000.0),
    peak(&["RTX", "3080", "Ti"], 68.0, 912.0),
    peak(&["RTX", "3080"], 59.5, 760.0),
    peak(&["RTX", "3090", "Ti"], 80.0, 1008.0),
    peak(&["RTX", "3090"], 71.0, 936.0),
    peak(&["RTX", "4080", "SUPER"], 104.4, 736.0),
    peak(&["RTX", "4080"], 97.5, 717.0),
    peak(&["RTX", "4090", "D"], 147.0, 1008.0),
    peak(&["RTX", "4090"], 165.2, 1008.0),
    peak(&["RTX", "5080"], 112.6, 960.0),
    peak(&["RTX", "5090"], 209.5, 1792.0),
];

/// What a card of this name is built for; `None` for cards that are not in the table, mobile ones among them.
pub(super) fn peak_of(name: &str) -> Option<Peak> {
    let words: Vec<&str> = name.split([' ', '-']).collect();
    if words.contains(&"Laptop") || words.contains(&"MIG") {
        return None;
    }
    let is_it = |peak: &&Peak| peak.words.iter().all(|word| words.contains(word));
    PEAKS.iter().find(is_it).copied()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cards_are_known_by_the_drivers_names() {
        for (name, tflops, bandwidth) in [
            ("Tesla T4", 65.0, 320.0),
            ("NVIDIA L4", 121.0, 300.0),
            ("NVIDIA A10G", 70.0, 600.0),
            ("NVIDIA A100-SXM4-80GB", 312.0, 2039.0),
            ("NVIDIA A100-PCIE-40GB", 312.0, 1555.0),
            ("NVIDIA A100 80GB PCIe", 312.0, 1935.0),
            ("NVIDIA H100 80GB HBM3", 989.0, 3350.0),
            ("NVIDIA H100 PCIe", 756.0, 2000.0),
            ("NVIDIA H200", 989.0, 4800.0),
            ("NVIDIA GeForce RTX 3090 Ti", 80.0, 1008.0),
            ("NVIDIA GeForce RTX 4090", 165.2, 1008.0),
        ] {
            let found = peak_of(name).unwrap_or_else(|| panic!("{name}"));
            assert_eq!(
                [found.tflops, found.bandwidth],
                [tflops, bandwidth],
                "{name}"
            );
        }
        for name in [
            "Stand-in GPU",
            "NVIDIA GeForce RTX 4090 Laptop GPU",
            "NVIDIA L40",
            "NVIDIA H100 80GB HBM3 MIG 1g.10gb",
        ] {
            assert_eq!(peak_of(name), None, "{name}");
        }
    }
}
