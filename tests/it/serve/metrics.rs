//! What `/metrics` tells of a server that works with a recognizer of its own: a tiny one with random weights.

use super::server::{Server, example};
use crate::networks::fixture;
use std::collections::BTreeMap;

/// The samples without labels.
fn numbers(server: &Server) -> BTreeMap<String, f64> {
    let text = server.get("/metrics").expect(200).text();
    let samples = text.lines().filter_map(|line| line.split_once(' '));
    samples
        .filter_map(|(name, value)| Some((name.to_string(), value.parse().ok()?)))
        .collect()
}

#[test]
fn fill_of_batches_and_use_of_the_cache_are_told() {
    let model = |name: &str| fixture(name).display().to_string();
    let (layout, recognizer) = (model("pp_doclayout_v3"), model("paddleocr_vl"));
    let server = Server::start(&[
        "--device",
        "cpu",
        "--layout-threshold",
        "0.4",
        "--layout-detection-model-dir",
        &layout,
        "--vl-rec-model-dir",
        &recognizer,
        "--vl-rec-slots",
        "3",
        "--max-new-tokens",
        "20",
    ]);
    let before = numbers(&server);
    let of = |numbers: &BTreeMap<String, f64>, name: &str| numbers[&format!("docparse_{name}")];
    assert_eq!(of(&before, "recognizer_slots"), 3.0);
    let room = of(&before, "kv_cache_tokens");
    assert!(room > 0.0);
    assert_eq!(of(&before, "kv_cache_used_tokens"), 0.0);
    // The page of the self-test has been through.
    let steps = of(&before, "recognizer_steps_total");
    let job = server.order(
        "name=report.pdf&formats=md&wait=100",
        &example("report.pdf"),
    );
    assert_eq!(job.expect(200).json()["state"], "done", "{}", server.log());
    let after = numbers(&server);
    let more = |name: &str| of(&after, name) - of(&before, name);
    assert!(of(&after, "recognizer_steps_total") > steps, "{after:?}");
    let (rows, slots) = (
        more("recognizer_step_rows_total"),
        more("recognizer_step_slots_total"),
    );
    assert_eq!(slots, 3.0 * more("recognizer_steps_total"));
    // More than one at once, and the last steps are not full.
    assert!(
        rows > more("recognizer_steps_total") && rows < slots,
        "{rows} of {slots}"
    );
    let peak = of(&after, "kv_cache_peak_tokens");
    assert!(peak > 0.0 && peak <= room, "{peak} of {room}");
    assert_eq!(of(&after, "kv_cache_used_tokens"), 0.0);
    assert_eq!(of(&after, "recognizer_active_sequences"), 0.0);
    assert_eq!(more("layout_batch_pages_total"), 2.0);
    assert!(more("layout_batches_total") <= more("layout_batch_places_total"));
    assert_eq!(more("pages_total"), 2.0);
    assert!(more("tokens_total") > 20.0, "{after:?}");
    // The same order again is no work.
    let again = server.order(
        "name=report.pdf&formats=md&wait=100",
        &example("report.pdf"),
    );
    again.expect(200);
    let text = server.get("/metrics").expect(200).text();
    for line in [
        "docparse_orders_total{outcome=\"new\"} 1",
        "docparse_orders_total{outcome=\"known\"} 1",
        "docparse_stage_seconds_count{stage=\"layout\"} 2",
    ] {
        assert!(text.lines().any(|told| told == line), "{line}: {text}");
    }
    assert_eq!(
        numbers(&server)["docparse_pages_total"],
        of(&after, "pages_total")
    );
}
