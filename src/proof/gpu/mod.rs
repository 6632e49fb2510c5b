//! Self-test of a device: the networks on it against the same ones on the CPU, and how fast it is beside what the card is
//! built for.
//!
//! The networks are tiny ones with random weights that are part of the program, so that nothing has to be installed: a
//! recognizer ([`steps`]) and a layout network ([`networks`]). The line networks are those of the runtime folder.
//! Random weights have no text to read, but every kernel, buffer and captured step is the one of a real run.

mod cards;
mod networks;
mod noise;
mod speed;
mod steps;

use crate::onnx::Runtime;
use crate::runtime::RuntimeDirs;
use serde::Serialize;
use std::path::Path;

/// Files of the tiny networks: folder, name, content.
const FILES: [(&str, &str, &[u8]); 8] = [
    (
        RECOGNIZER,
        "config.json",
        include_bytes!("../../../tests/parity/paddleocr_vl/config.json"),
    ),
    (
        RECOGNIZER,
        "model.safetensors",
        include_bytes!("../../../tests/parity/paddleocr_vl/model.safetensors"),
    ),
    (
        RECOGNIZER,
        "preprocessor_config.json",
        include_bytes!("../../../tests/parity/paddleocr_vl/preprocessor_config.json"),
    ),
    (
        RECOGNIZER,
        "tokenizer.json",
        include_bytes!("../../../tests/parity/paddleocr_vl/tokenizer.json"),
    ),
    (
        RECOGNIZER,
        "chat_template.jinja",
        include_bytes!("../../../tests/parity/paddleocr_vl/chat_template.jinja"),
    ),
    (
        LAYOUT,
        "config.json",
        include_bytes!("../../../tests/parity/pp_doclayout_v3/config.json"),
    ),
    (
        LAYOUT,
        "model.safetensors",
        include_bytes!("../../../tests/parity/pp_doclayout_v3/model.safetensors"),
    ),
    (
        LAYOUT,
        "preprocessor_config.json",
        include_bytes!("../../../tests/parity/pp_doclayout_v3/preprocessor_config.json"),
    ),
];
const RECOGNIZER: &str = "recognizer";
const LAYOUT: &str = "layout";

/// What the self-test found.
#[derive(Debug, Default, Serialize)]
pub(crate) struct SelfTest {
    /// Numbers beside those of the CPU.
    pub checks: Vec<Check>,
    /// Times and speeds.
    pub speeds: Vec<Speed>,
    /// One sentence for each thing that is not right.
    pub wrong: Vec<String>,
}

/// A number that must not exceed its limit.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Check {
    /// What was compared.
    pub name: String,
    /// The difference: of log-probabilities, or relative to the largest value; `None` if it is no number.
    pub error: Option<f64>,
    /// Its limit.
    pub limit: f64,
}

impl Check {
    fn new(name: impl Into<String>, error: f64, limit: f64) -> Check {
        Check {
            name: name.into(),
            error: error.is_finite().then_some(error),
            limit,
        }
    }

    /// `true` if it does not exceed its limit.
    pub(crate) fn passes(&self) -> bool {
        self.error.is_some_and(|error| error <= self.limit)
    }
}

/// A time or a speed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Speed {
    /// What was measured.
    pub name: String,
    /// Its value.
    pub value: f64,
    /// Its unit.
    pub unit: &'static str,
    /// What the card is built for, from its data sheet, in the same unit; `None` if it is not known.
    pub peak: Option<f64>,
}

/// Least part of a card's peak speed in products; with less, something holds it back.
const LEAST_OF_PEAK: f64 = 0.25;
/// Most part of it that can be: clocks may be a little higher than the data sheet's.
const MOST_OF_PEAK: f64 = 1.25;

/// Runs everything; a part that cannot be run is one of the things that are not right. `dirs`: where the line networks
/// are.
pub(crate) fn run(runtime: &Runtime, dirs: &RuntimeDirs) -> SelfTest {
    let mut found = SelfTest::default();
    let folder = match unpack() {
        Ok(folder) => folder,
        Err(reason) => {
            let reason = format!("the networks of the self-test cannot be written: {reason}");
            found.wrong.push(reason);
            return found;
        }
    };
    let recognizer = folder.path().join(RECOGNIZER);
    let layout = folder.path().join(LAYOUT);
    type Part<'a> = (&'a str, &'a dyn Fn(&mut SelfTest) -> Result<(), String>);
    let parts: [Part<'_>; 4] = [
        ("the recognizer", &|found| {
            steps::check(&recognizer, runtime, found)
        }),
        ("the layout network", &|found| {
            networks::layout(&layout, runtime, found)
        }),
        ("the line networks", &|found| {
            networks::lines(dirs, runtime, found)
        }),
        ("the speed of products", &|found| {
            speed::measure(runtime, found)
        }),
    ];
    for (name, part) in parts {
        if let Err(reason) = part(&mut found) {
            found.wrong.push(format!("{name} failed: {reason}"));
        }
    }
    judge(&mut found);
    found
}

/// Adds a sentence for each number that is not right.
fn judge(found: &mut SelfTest) {
    for check in found.checks.iter().filter(|check| !check.passes()) {
        let error = check
            .error
            .map_or("no number".to_string(), |error| format!("{error:.1e}"));
        found.wrong.push(format!(
            "{}: differs from the CPU by {error}, more than {:.1e}",
            check.name, check.limit
        ));
    }
    for speed in &found.speeds {
        let Some(peak) = speed.peak else { continue };
        let part = speed.value / peak;
        if part < LEAST_OF_PEAK {
            found.wrong.push(format!(
                "{}: {:.0} {} is only {:.0}% of what the card is built for; is it shared, too hot, or limited in power?",
                speed.name,
                speed.value,
                speed.unit,
                part * 100.0
            ));
        } else if part > MOST_OF_PEAK {
            found.wrong.push(format!(
                "{}: {:.0} {} is more than the card can do, so nothing was computed",
                speed.name, speed.value, speed.unit
            ));
        }
    }
}

/// The tiny networks in a folder that is removed with the result.
fn unpack() -> std::io::Result<tempfile::TempDir> {
    let folder = tempfile::tempdir()?;
    for (below, name, content) in FILES {
        let to = folder.path().join(below);
        std::fs::create_dir_all(&to)?;
        std::fs::write(Path::new(&to).join(name), content)?;
    }
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(checks: &[Check], speeds: &[Speed]) -> Vec<String> {
        let mut found = SelfTest {
            checks: checks.to_vec(),
            speeds: speeds.to_vec(),
            wrong: Vec::new(),
        };
        judge(&mut found);
        found.wrong
    }

    #[test]
    fn what_exceeds_its_limit_or_is_no_number_is_wrong() {
        assert_eq!(wrong(&[Check::new("a", 0.1, 0.1)], &[]), [""; 0]);
        for error in [0.11, f64::NAN, f64::INFINITY] {
            let told = wrong(&[Check::new("step", error, 0.1)], &[]);
            assert!(told.len() == 1 && told[0].starts_with("step: "), "{told:?}");
        }
    }

    #[test]
    fn speeds_are_judged_by_the_card_alone() {
        let speed = |value, peak| Speed {
            name: "products".into(),
            value,
            unit: "TFLOP/s",
            peak,
        };
        assert_eq!(
            wrong(&[], &[speed(1.0, None), speed(60.0, Some(100.0))]),
            [""; 0]
        );
        assert!(wrong(&[], &[speed(10.0, Some(100.0))])[0].contains("only 10%"));
        assert!(wrong(&[], &[speed(1e6, Some(100.0))])[0].contains("nothing was computed"));
    }
}
