//! Prometheus's text format, version 0.0.4.

use chat_core::histogram::Distribution;
use std::fmt::{Display, Write as _};

/// The text that is written so far.
#[derive(Debug, Default)]
pub(super) struct Exposition(String);

/// The type of a metric family whose samples are single numbers.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind {
    Counter,
    Gauge,
}

/// Labels with their values. None of the values needs escaping.
pub(super) type Labels<'a> = &'a [(&'static str, &'a str)];

impl Exposition {
    /// Writes a metric family of single numbers.
    pub(super) fn numbers<'a, L: AsRef<[(&'static str, &'a str)]>>(
        &mut self,
        kind: Kind,
        name: &str,
        help: &str,
        samples: impl IntoIterator<Item = (L, u64)>,
    ) {
        self.head(name, help, if matches!(kind, Kind::Counter) { "counter" } else { "gauge" });
        for (labels, value) in samples {
            self.sample(name, "", labels.as_ref(), None, value);
        }
    }

    /// Writes a metric family of histograms.
    ///
    /// Recorded values are divided by `unit`. With a million, microseconds are printed as seconds.
    pub(super) fn histograms<'a, L: AsRef<[(&'static str, &'a str)]>>(
        &mut self,
        name: &str,
        help: &str,
        unit: u32,
        samples: impl IntoIterator<Item = (L, Distribution)>,
    ) {
        self.head(name, help, "histogram");
        for (labels, distribution) in samples {
            let labels = labels.as_ref();
            let scaled = |number: u64| number as f64 / f64::from(unit);
            let bounds = distribution.bounds.iter().map(|bound| scaled(*bound).to_string());
            let mut cumulative = 0;
            for (bound, count) in bounds.chain(["+Inf".to_owned()]).zip(&distribution.counts) {
                cumulative += count;
                self.sample(name, "_bucket", labels, Some(&bound), cumulative);
            }
            self.sample(name, "_sum", labels, None, scaled(distribution.sum));
            self.sample(name, "_count", labels, None, cumulative);
        }
    }

    /// Returns the text.
    pub(super) fn into_text(self) -> String {
        self.0
    }

    fn head(&mut self, name: &str, help: &str, kind: &str) {
        // Writing to a String cannot fail.
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn sample(
        &mut self,
        name: &str,
        suffix: &str,
        labels: Labels<'_>,
        le: Option<&str>,
        value: impl Display,
    ) {
        let _ = write!(self.0, "{name}{suffix}");
        let mut before = '{';
        for (label, value) in labels.iter().copied().chain(le.map(|bound| ("le", bound))) {
            let _ = write!(self.0, "{before}{label}=\"{value}\"");
            before = ',';
        }
        let _ = writeln!(self.0, "{} {value}", if before == ',' { "}" } else { "" });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_is_what_prometheus_reads() {
        let mut text = Exposition::default();
        text.numbers(Kind::Counter, "a_total", "All a.", [([("x", "1"), ("y", "z")], 7)]);
        text.numbers(Kind::Gauge, "b", "Now.", [([], 3)]);
        let distribution = Distribution::new(&[250, 1_000_000], vec![1, 0, 2], 3_500_000);
        text.histograms("c_seconds", "Time.", 1_000_000, [([("x", "1")], distribution)]);
        let expected = r#"# HELP a_total All a.
# TYPE a_total counter
a_total{x="1",y="z"} 7
# HELP b Now.
# TYPE b gauge
b 3
# HELP c_seconds Time.
# TYPE c_seconds histogram
c_seconds_bucket{x="1",le="0.00025"} 1
c_seconds_bucket{x="1",le="1"} 1
c_seconds_bucket{x="1",le="+Inf"} 3
c_seconds_sum{x="1"} 3.5
c_seconds_count{x="1"} 3
"#;
        assert_eq!(text.into_text(), expected);
    }
}
