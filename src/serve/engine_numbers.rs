//! Numbers of the engine for Prometheus, read when somebody asks: how full its batches are, and the KV cache.

use crate::engine::EngineCounters;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use std::sync::{Arc, OnceLock};

/// The numbers of an engine, once there is one.
#[derive(Debug, Clone, Default)]
pub(super) struct EngineCollector(Arc<OnceLock<EngineCounters>>);

impl EngineCollector {
    /// Reads those of this engine from now on.
    pub(super) fn watch(&self, counters: EngineCounters) {
        // A server has one engine.
        let _ = self.0.set(counters);
    }
}

impl Collector for EngineCollector {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), std::fmt::Error> {
        let Some(counters) = self.0.get() else {
            return Ok(());
        };
        let numbers = counters.read();
        let mut put = |name: &str, help: &str, metric: &dyn EncodeMetric| {
            let encoder = encoder.encode_descriptor(name, help, None, metric.metric_type())?;
            metric.encode(encoder)
        };
        put(
            "layout_batches",
            "Batches of pages for layout detection.",
            &ConstCounter::new(numbers.layout_batches),
        )?;
        put(
            "layout_batch_pages",
            "Pages in those batches.",
            &ConstCounter::new(numbers.layout_pages),
        )?;
        put(
            "layout_batch_places",
            "Pages that those batches had room for.",
            &ConstCounter::new(numbers.layout_places),
        )?;
        let Some(numbers) = numbers.recognizer else {
            return Ok(());
        };
        put(
            "recognizer_steps",
            "Steps of the recognizer.",
            &ConstCounter::new(numbers.steps),
        )?;
        put(
            "recognizer_step_rows",
            "Rows of those steps: sequences that had a slot.",
            &ConstCounter::new(numbers.step_rows),
        )?;
        put(
            "recognizer_step_slots",
            "Rows that those steps had room for.",
            &ConstCounter::new(numbers.step_slots),
        )?;
        put(
            "recognizer_preemptions",
            "Sequences that lost their slot for want of KV cache, and started again.",
            &ConstCounter::new(numbers.preemptions),
        )?;
        let gauge = |number: u64| ConstGauge::new(i64::try_from(number).unwrap_or(i64::MAX));
        put(
            "recognizer_slots",
            "Sequences that the recognizer decodes at once at most.",
            &gauge(numbers.slots),
        )?;
        put(
            "recognizer_active_sequences",
            "Sequences that the recognizer decodes now.",
            &gauge(numbers.active),
        )?;
        put(
            "recognizer_waiting_sequences",
            "Sequences that wait for a slot.",
            &gauge(numbers.waiting),
        )?;
        put(
            "kv_cache_tokens",
            "Tokens that the KV cache has room for.",
            &gauge(numbers.cache_tokens),
        )?;
        put(
            "kv_cache_used_tokens",
            "Tokens of the cache pages or slots that sequences hold.",
            &gauge(numbers.used_cache_tokens),
        )?;
        put(
            "kv_cache_peak_tokens",
            "Most tokens in use at once since the start.",
            &gauge(numbers.peak_cache_tokens),
        )
    }
}
