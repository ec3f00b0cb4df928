//! A metric before it counts: its name, its labels with every value they can have, and what it means.

use prometheus::{
    Gauge, GaugeVec, Histogram, HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec,
    Opts, Registry,
};
use serde::Serialize;

/// What a metric does.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MetricKind {
    /// Only grows, and begins anew with the process.
    Counter,
    /// Goes up and down.
    Gauge,
    /// Counts observations in buckets, in seconds.
    Histogram,
}

/// One metric, as the list of all metrics shows it.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct MetricDoc {
    /// Its name.
    pub name: &'static str,
    /// What it does.
    pub kind: MetricKind,
    /// What it counts; its unit.
    pub help: &'static str,
    /// Its labels with all values; a label without values takes those of a set that the program fixes, such
    /// as the templates of routes.
    pub labels: &'static [(&'static str, &'static [&'static str])],
}

type Made<T> = Result<T, prometheus::Error>;

impl MetricDoc {
    const fn new(
        kind: MetricKind,
        name: &'static str,
        help: &'static str,
        labels: &'static [(&'static str, &'static [&'static str])],
    ) -> Self {
        Self { name, kind, help, labels }
    }

    /// A counter.
    #[must_use]
    pub const fn counter(
        name: &'static str,
        help: &'static str,
        labels: &'static [(&'static str, &'static [&'static str])],
    ) -> Self {
        Self::new(MetricKind::Counter, name, help, labels)
    }

    /// A gauge.
    #[must_use]
    pub const fn gauge(
        name: &'static str,
        help: &'static str,
        labels: &'static [(&'static str, &'static [&'static str])],
    ) -> Self {
        Self::new(MetricKind::Gauge, name, help, labels)
    }

    /// A histogram of seconds.
    #[must_use]
    pub const fn histogram(
        name: &'static str,
        help: &'static str,
        labels: &'static [(&'static str, &'static [&'static str])],
    ) -> Self {
        Self::new(MetricKind::Histogram, name, help, labels)
    }

    /// Makes the counter and registers it. Every value of its only label begins at 0, so that rates are
    /// right from the first event on.
    ///
    /// # Errors
    /// When a metric of the same name is registered already.
    pub fn counter_vec(&self, registry: &Registry) -> Made<IntCounterVec> {
        let made = IntCounterVec::new(self.opts(), &self.label_names())?;
        for value in self.values() {
            made.with_label_values(&[value]);
        }
        registry.register(Box::new(made.clone()))?;
        Ok(made)
    }

    /// Makes the gauge and registers it, as [`counter_vec`](Self::counter_vec).
    ///
    /// # Errors
    /// When a metric of the same name is registered already.
    pub fn int_gauge_vec(&self, registry: &Registry) -> Made<IntGaugeVec> {
        let made = IntGaugeVec::new(self.opts(), &self.label_names())?;
        for value in self.values() {
            made.with_label_values(&[value]);
        }
        registry.register(Box::new(made.clone()))?;
        Ok(made)
    }

    /// Makes the gauge and registers it, as [`counter_vec`](Self::counter_vec).
    ///
    /// # Errors
    /// When a metric of the same name is registered already.
    pub fn gauge_vec(&self, registry: &Registry) -> Made<GaugeVec> {
        let made = GaugeVec::new(self.opts(), &self.label_names())?;
        for value in self.values() {
            made.with_label_values(&[value]);
        }
        registry.register(Box::new(made.clone()))?;
        Ok(made)
    }

    /// Makes a gauge without labels and registers it.
    ///
    /// # Errors
    /// When a metric of the same name is registered already.
    pub fn int_gauge_of(&self, registry: &Registry) -> Made<IntGauge> {
        let made = IntGauge::with_opts(self.opts())?;
        registry.register(Box::new(made.clone()))?;
        Ok(made)
    }

    /// Makes a gauge of fractions without labels and registers it.
    ///
    /// # Errors
    /// When a metric of the same name is registered already.
    pub fn gauge_of(&self, registry: &Registry) -> Made<Gauge> {
        let made = Gauge::with_opts(self.opts())?;
        registry.register(Box::new(made.clone()))?;
        Ok(made)
    }

    /// Makes a histogram without labels, with these upper bounds in seconds, and registers it.
    ///
    /// # Errors
    /// When a metric of the same name is registered already.
    pub fn histogram_of(&self, registry: &Registry, buckets: &[f64]) -> Made<Histogram> {
        let opts = HistogramOpts::new(self.name, self.help).buckets(buckets.to_vec());
        let made = Histogram::with_opts(opts)?;
        registry.register(Box::new(made.clone()))?;
        Ok(made)
    }

    /// Makes the histogram with these upper bounds in seconds, and registers it.
    ///
    /// # Errors
    /// When a metric of the same name is registered already.
    pub fn histogram_vec(&self, registry: &Registry, buckets: &[f64]) -> Made<HistogramVec> {
        let opts = HistogramOpts::new(self.name, self.help).buckets(buckets.to_vec());
        let made = HistogramVec::new(opts, &self.label_names())?;
        for value in self.values() {
            made.with_label_values(&[value]);
        }
        registry.register(Box::new(made.clone()))?;
        Ok(made)
    }

    fn opts(&self) -> Opts {
        Opts::new(self.name, self.help)
    }

    fn label_names(&self) -> Vec<&'static str> {
        self.labels.iter().map(|(name, _)| *name).collect()
    }

    /// The values of a metric's only label.
    fn values(&self) -> &'static [&'static str] {
        match self.labels {
            [(_, values)] => values,
            _ => &[],
        }
    }
}
