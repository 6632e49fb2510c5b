//! Numbers for Prometheus.

use super::engine_numbers::EngineCollector;
use crate::document::{Page, Severity};
use crate::engine::EngineCounters;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Metric, Registry, Unit};
use std::sync::atomic::AtomicU64;
use std::time::Duration;

/// Upper bounds of request and job times in seconds.
const TIMES: [f64; 12] = [
    0.01, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 15.0, 60.0, 300.0, 1800.0,
];
/// Upper bounds of the times of a page in a stage, in seconds.
const STAGE_TIMES: [f64; 10] = [0.001, 0.005, 0.02, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0, 300.0];

/// An answered request.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Answered {
    route: String,
    status: u16,
}

/// Why a job ended.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Ended {
    state: &'static str,
    code: String,
}

/// A stage of the engine.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OfStage {
    stage: &'static str,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Wrong {
    code: &'static str,
}

/// What came of an order, or of something that was asked of another machine.
#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Asked {
    outcome: &'static str,
}

/// All numbers.
#[derive(Debug)]
pub(crate) struct Metrics {
    registry: Registry,
    engine: EngineCollector,
    requests: Family<Answered, Counter>,
    request_errors: Family<Wrong, Counter>,
    request_time: Histogram,
    orders: Family<Asked, Counter>,
    jobs: Family<Ended, Counter>,
    job_time: Histogram,
    pages: Counter,
    repeated_pages: Counter,
    failed_pages: Family<Wrong, Counter>,
    tokens: Counter,
    blocks: Counter,
    stages: Family<OfStage, Histogram, fn() -> Histogram>,
    fetches: Family<Asked, Counter>,
    webhooks: Family<Asked, Counter>,
    /// Jobs that have not ended.
    pub queue_jobs: Gauge,
    /// Pages of those jobs.
    pub queue_pages: Gauge,
    /// Bytes of those jobs.
    pub queue_bytes: Gauge,
    /// Age of the oldest job that waits, in seconds.
    pub queue_oldest: Gauge<f64, AtomicU64>,
    /// Jobs that this server works on.
    pub running_jobs: Gauge,
    /// 1 if the server takes work.
    pub ready: Gauge,
    /// Memory of the server and its processes in bytes.
    pub memory: Gauge,
    /// Bytes of all results.
    pub results_bytes: Gauge,
}

/// Adds a metric under a name, with what it counts; returns it.
fn put<M: Metric + Clone>(all: &mut Registry, name: &str, help: &str, metric: M) -> M {
    all.register(name, help, metric.clone());
    metric
}

/// Adds a metric whose name ends with its unit; returns it.
fn put_in<M: Metric + Clone>(
    unit: Unit,
    all: &mut Registry,
    name: &str,
    help: &str,
    metric: M,
) -> M {
    all.register_with_unit(name, help, unit, metric.clone());
    metric
}

impl Metrics {
    /// All at zero.
    pub(crate) fn new() -> Metrics {
        let mut registry = Registry::with_prefix("docparse");
        let all = &mut registry;
        let times = || Histogram::new(TIMES);
        let stage_times: fn() -> Histogram = || Histogram::new(STAGE_TIMES);
        let mut metrics = Metrics {
            requests: put(
                all,
                "requests",
                "Answered requests, by route and status",
                Family::default(),
            ),
            request_errors: put(
                all,
                "request_errors",
                "Requests that were answered with an error, by its code",
                Family::default(),
            ),
            request_time: put_in(
                Unit::Seconds,
                all,
                "request",
                "Time to answer a request",
                times(),
            ),
            orders: put(
                all,
                "orders",
                "Orders that were taken: new jobs, and those that led to a job of before",
                Family::default(),
            ),
            jobs: put(
                all,
                "jobs",
                "Jobs that this server worked on and that have ended, by state and code",
                Family::default(),
            ),
            job_time: put_in(
                Unit::Seconds,
                all,
                "job",
                "Time of the work on a job",
                times(),
            ),
            pages: put(all, "pages", "Finished pages", Counter::default()),
            repeated_pages: put(
                all,
                "repeated_pages",
                "Pages that repeat an earlier one of their document and were not parsed again",
                Counter::default(),
            ),
            failed_pages: put(
                all,
                "failed_pages",
                "Pages with an error, by the reason of the first one",
                Family::default(),
            ),
            tokens: put(
                all,
                "tokens",
                "Tokens generated by the recognizer",
                Counter::default(),
            ),
            blocks: put(
                all,
                "blocks",
                "Blocks of finished pages",
                Counter::default(),
            ),
            stages: put_in(
                Unit::Seconds,
                all,
                "stage",
                "Time that a page spends in a stage of the engine",
                Family::new_with_constructor(stage_times),
            ),
            fetches: put(
                all,
                "fetches",
                "Files fetched by their address, by outcome",
                Family::default(),
            ),
            webhooks: put(
                all,
                "webhooks",
                "Attempts to deliver webhooks, by outcome",
                Family::default(),
            ),
            queue_jobs: put(
                all,
                "queue_jobs",
                "Jobs that have not ended",
                Gauge::default(),
            ),
            queue_pages: put(
                all,
                "queue_pages",
                "Pages of jobs that have not ended",
                Gauge::default(),
            ),
            queue_bytes: put_in(
                Unit::Bytes,
                all,
                "queue",
                "Bytes of jobs that have not ended",
                Gauge::default(),
            ),
            queue_oldest: put_in(
                Unit::Seconds,
                all,
                "queue_oldest",
                "Age of the oldest job that waits",
                Gauge::default(),
            ),
            running_jobs: put(
                all,
                "running_jobs",
                "Jobs that this server works on",
                Gauge::default(),
            ),
            ready: put(all, "ready", "1 if the server takes work", Gauge::default()),
            memory: put_in(
                Unit::Bytes,
                all,
                "memory",
                "Memory of the server and its worker processes",
                Gauge::default(),
            ),
            results_bytes: put_in(
                Unit::Bytes,
                all,
                "results",
                "Bytes of all results in the spool",
                Gauge::default(),
            ),
            engine: EngineCollector::default(),
            registry,
        };
        let engine = Box::new(metrics.engine.clone());
        metrics.registry.register_collector(engine);
        metrics
    }

    /// Shows the numbers of this engine, too.
    pub(crate) fn watch(&self, engine: EngineCounters) {
        self.engine.watch(engine);
    }

    /// An order was taken; `is_new`: it became a job of its own.
    pub(crate) fn ordered(&self, is_new: bool) {
        let outcome = if is_new { "new" } else { "known" };
        self.orders.get_or_create(&Asked { outcome }).inc();
    }

    /// A request was answered; `code` is that of its error.
    pub(crate) fn answered(
        &self,
        route: &str,
        (status, code): (u16, Option<&'static str>),
        time: Duration,
    ) {
        if let Some(code) = code {
            self.request_errors.get_or_create(&Wrong { code }).inc();
        }
        let answered = Answered {
            route: route.into(),
            status,
        };
        self.requests.get_or_create(&answered).inc();
        self.request_time.observe(time.as_secs_f64());
    }

    /// A job has ended.
    pub(crate) fn ended(&self, state: &'static str, code: &str, time: Duration) {
        let ended = Ended {
            state,
            code: code.into(),
        };
        self.jobs.get_or_create(&ended).inc();
        self.job_time.observe(time.as_secs_f64());
    }

    /// A file was fetched, or not.
    pub(crate) fn fetched(&self, outcome: &'static str) {
        self.fetches.get_or_create(&Asked { outcome }).inc();
    }

    /// A webhook was delivered, or not.
    pub(crate) fn webhook(&self, outcome: &'static str) {
        self.webhooks.get_or_create(&Asked { outcome }).inc();
    }

    /// A page was finished.
    pub(crate) fn page(&self, page: &Page) {
        self.pages.inc_by(page.stands_for() as u64);
        self.blocks.inc_by(page.blocks.len() as u64);
        let generated = page.blocks.iter().filter_map(|b| b.generation.as_ref());
        self.tokens
            .inc_by(generated.map(|g| g.token_count as u64).sum());
        let repeated = page.stands_for().saturating_sub(1);
        self.repeated_pages.inc_by(repeated as u64);
        let mut told = page.diagnostics.iter();
        if let Some(error) = told.find(|told| told.severity == Severity::Error) {
            let code = error.reason.map_or(error.code.name(), |r| r.name());
            self.failed_pages.get_or_create(&Wrong { code }).inc();
        }
        for (stage, ms) in &page.timings {
            let stage = OfStage { stage };
            self.stages.get_or_create(&stage).observe(ms / 1000.0);
        }
    }

    /// The text that Prometheus reads.
    pub(crate) fn text(&self) -> String {
        let mut text = String::new();
        // Text takes all that is written.
        let _ = encode(&mut text, &self.registry);
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Diagnostic;
    use crate::fault::{Fault, Reason};
    use crate::recognize::RecognizerCounters;
    use std::sync::Arc;

    /// Names and types of all metrics, as they stand in the samples.
    fn told(text: &str) -> Vec<(String, String)> {
        let lines = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
        let mut told: Vec<(String, String)> = lines
            .map(|line| {
                let (name, kind) = line.split_once(' ').unwrap();
                let end = if kind == "counter" { "_total" } else { "" };
                (format!("{name}{end}"), kind.to_string())
            })
            .collect();
        told.sort();
        told
    }

    #[test]
    fn the_list_of_metrics_is_complete() {
        let metrics = used();
        let before = told(&metrics.text()).len();
        metrics.watch(EngineCounters::of(Some(
            Arc::<RecognizerCounters>::default(),
        )));
        let told = told(&metrics.text());
        assert!(told.len() > before, "the engine has numbers, too");
        let page = include_str!("../../docs/serve.md");
        let rows = page
            .lines()
            .filter_map(|line| line.strip_prefix("| `docparse_"));
        let mut listed: Vec<(String, String)> = rows
            .map(|row| {
                let cells: Vec<&str> = row.split('|').map(str::trim).collect();
                assert!(!cells[3].is_empty(), "`{row}` does not say what it counts");
                let name = format!("docparse_{}", cells[0].trim_end_matches('`'));
                (name, cells[1].to_string())
            })
            .collect();
        listed.sort();
        assert_eq!(
            told, listed,
            "docs/serve.md lists every metric with its type"
        );
    }

    /// Numbers of a server to which everything has happened: what has labels is told from then on.
    fn used() -> Metrics {
        let metrics = Metrics::new();
        metrics.answered("/v1/jobs", (429, Some("overloaded")), Duration::ZERO);
        metrics.answered("/v1/jobs", (200, None), Duration::ZERO);
        metrics.ordered(true);
        metrics.ordered(false);
        metrics.ended("failed", "damaged", Duration::ZERO);
        metrics.fetched("fetched");
        metrics.webhook("delivered");
        let mut page = Page::failed(0, Fault::new(Reason::TimeUp, "late"));
        page.timings = vec![("layout", 400.0)];
        metrics.page(&page);
        page.diagnostics = vec![Diagnostic::warning(
            page.diagnostics[0].code,
            None,
            "odd".into(),
        )];
        metrics.page(&page);
        metrics
    }

    #[test]
    fn outcomes_are_told_by_code() {
        let text = used().text();
        for line in [
            "docparse_requests_total{route=\"/v1/jobs\",status=\"429\"} 1",
            "docparse_request_errors_total{code=\"overloaded\"} 1",
            "docparse_orders_total{outcome=\"new\"} 1",
            "docparse_orders_total{outcome=\"known\"} 1",
            "docparse_jobs_total{state=\"failed\",code=\"damaged\"} 1",
            "docparse_failed_pages_total{code=\"time_up\"} 1",
            "docparse_stage_seconds_sum{stage=\"layout\"} 0.8",
            "docparse_stage_seconds_count{stage=\"layout\"} 2",
            "docparse_stage_seconds_bucket{le=\"0.5\",stage=\"layout\"} 2",
            "docparse_pages_total 2",
        ] {
            assert!(text.lines().any(|told| told == line), "{line}: {text}");
        }
    }
}
