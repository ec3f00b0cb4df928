//! What the process itself uses, as Linux tells it, and which build it is.

use std::time::SystemTime;

use gimlet_app::MetricDoc;
use prometheus::{
    Registry,
    core::{Collector, Desc},
    proto::MetricFamily,
};

const BUILD: MetricDoc =
    MetricDoc::gauge("gimlet_build_info", "1; the labels tell the build", &[("version", &[])]);
const MEMORY: MetricDoc =
    MetricDoc::gauge("process_resident_memory_bytes", "Bytes of memory in use", &[]);
const CPU: MetricDoc = MetricDoc::counter(
    "process_cpu_seconds_total",
    "Seconds of processor time, of this process without its git processes",
    &[],
);
const OPEN_FILES: MetricDoc = MetricDoc::gauge("process_open_fds", "Open file descriptors", &[]);
const MOST_FILES: MetricDoc =
    MetricDoc::gauge("process_max_fds", "How many file descriptors may be open", &[]);
const STARTED: MetricDoc = MetricDoc::gauge(
    "process_start_time_seconds",
    "When the process started, in seconds since 1970",
    &[],
);

/// All metrics of this component.
pub(crate) const METRICS: &[MetricDoc] = &[BUILD, MEMORY, CPU, OPEN_FILES, MOST_FILES, STARTED];

/// Reads the process anew whenever the metrics are read.
struct Process {
    memory: prometheus::IntGauge,
    cpu: prometheus::Counter,
    open_files: prometheus::IntGauge,
    most_files: prometheus::IntGauge,
}

/// Registers the metrics of the process and of its build.
///
/// # Errors
/// When metrics of the same name are registered already.
pub(crate) fn register(registry: &Registry) -> Result<(), prometheus::Error> {
    BUILD.int_gauge_vec(registry)?.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
    let started = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    STARTED.gauge_of(registry)?.set(started.as_secs_f64());
    let gauge = |doc: &MetricDoc| prometheus::IntGauge::new(doc.name, doc.help);
    registry.register(Box::new(Process {
        memory: gauge(&MEMORY)?,
        cpu: prometheus::Counter::new(CPU.name, CPU.help)?,
        open_files: gauge(&OPEN_FILES)?,
        most_files: gauge(&MOST_FILES)?,
    }))
}

impl Collector for Process {
    fn desc(&self) -> Vec<&Desc> {
        let gauges = [&self.memory, &self.open_files, &self.most_files];
        let gauges = gauges.into_iter().flat_map(Collector::desc);
        gauges.chain(self.cpu.desc()).collect()
    }

    fn collect(&self) -> Vec<MetricFamily> {
        let page = i64::try_from(rustix::param::page_size()).unwrap_or(4096);
        if let Some(pages) = resident_pages() {
            self.memory.set(pages.saturating_mul(page));
        }
        if let Some(seconds) = cpu_seconds() {
            self.cpu.inc_by((seconds - self.cpu.get()).max(0.0));
        }
        if let Ok(open) = std::fs::read_dir("/proc/self/fd") {
            self.open_files.set(i64::try_from(open.count()).unwrap_or(i64::MAX));
        }
        let most = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
        self.most_files.set(most.and_then(|most| i64::try_from(most).ok()).unwrap_or(i64::MAX));
        let gauges = [&self.memory, &self.open_files, &self.most_files];
        let gauges = gauges.into_iter().flat_map(Collector::collect);
        gauges.chain(self.cpu.collect()).collect()
    }
}

/// <https://man7.org/linux/man-pages/man5/proc_pid_statm.5.html>, second field.
fn resident_pages() -> Option<i64> {
    std::fs::read_to_string("/proc/self/statm").ok()?.split_whitespace().nth(1)?.parse().ok()
}

/// <https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html>, fields 14 and 15, behind the name in
/// brackets, which may hold anything.
fn cpu_seconds() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/self/stat").ok()?;
    let mut fields = text.rsplit_once(')')?.1.split_whitespace().skip(11);
    let user: u32 = fields.next()?.parse().ok()?;
    let system: u32 = fields.next()?.parse().ok()?;
    let ticks = u32::try_from(rustix::param::clock_ticks_per_second()).ok()?;
    Some((f64::from(user) + f64::from(system)) / f64::from(ticks))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_uses_memory_time_and_files() {
        let registry = Registry::new();
        register(&registry).expect("registered");
        let text = prometheus::TextEncoder::new().encode_to_string(&registry.gather());
        let text = text.expect("text");
        let value = |name: &str| -> f64 {
            let line = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
            line.expect(name).parse().expect("a number")
        };
        assert!(value("process_resident_memory_bytes") > 1_000_000.0);
        assert!(value("process_open_fds") >= 3.0);
        assert!(value("process_max_fds") >= value("process_open_fds"));
        assert!(value("process_cpu_seconds_total") >= 0.0);
        assert!(value("process_start_time_seconds") > 1_700_000_000.0);
    }
}
