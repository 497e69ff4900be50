//! Prometheus's text format, version 0.0.4.

use chat_core::histogram::Distribution;
use std::fmt::{self, Display, Write as _};

/// A writer of metrics in Prometheus's text format, version 0.0.4.
///
/// A program that serves the metrics of a [`ChatService`](crate::ChatService) can add its own to them.
///
/// ```
/// use chat_server::{Exposition, MetricKind};
///
/// let mut text = Exposition::default();
/// let orders = [([("shop", "north")], 7), ([("shop", "south")], 5)];
/// text.numbers(MetricKind::Counter, "shop_orders_total", "Orders taken.", orders);
/// let samples = "shop_orders_total{shop=\"north\"} 7\nshop_orders_total{shop=\"south\"} 5\n";
/// assert!(text.into_text().ends_with(samples));
/// ```
#[derive(Debug, Default)]
pub struct Exposition(String);

/// The type of a metric family whose samples are single numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetricKind {
    /// A number that only increases until the process ends.
    Counter,
    /// A number that can increase and decrease.
    Gauge,
}

/// Labels with their values.
type Labels<'a> = &'a [(&'static str, &'a str)];

impl Exposition {
    /// Writes a metric family of single numbers.
    ///
    /// Each sample has labels with their values, and a number. `[([], 1)]` is one sample without labels. A name is
    /// written once for each text. `help` has no line break and no backslash.
    pub fn numbers<'a, L: AsRef<[(&'static str, &'a str)]>, N: Display>(
        &mut self,
        kind: MetricKind,
        name: &str,
        help: &str,
        samples: impl IntoIterator<Item = (L, N)>,
    ) {
        self.head(name, help, if kind == MetricKind::Counter { "counter" } else { "gauge" });
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
    pub fn into_text(self) -> String {
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
            let _ = write!(self.0, "{before}{label}=\"{}\"", Escaped(value));
            before = ',';
        }
        let _ = writeln!(self.0, "{} {value}", if before == ',' { "}" } else { "" });
    }
}

/// Continues a text that [`ChatService::metrics`](crate::ChatService::metrics) returned.
impl From<String> for Exposition {
    fn from(text: String) -> Self {
        Self(text)
    }
}

/// The value of a label, with the escapes of the format.
struct Escaped<'a>(&'a str);

impl Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.0.contains(['\\', '"', '\n']) {
            return f.write_str(self.0);
        }
        self.0.chars().try_for_each(|character| match character {
            '\\' => f.write_str("\\\\"),
            '"' => f.write_str("\\\""),
            '\n' => f.write_str("\\n"),
            other => f.write_char(other),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_format_is_what_prometheus_reads() {
        let mut text = Exposition::default();
        text.numbers(MetricKind::Counter, "a_total", "All a.", [([("x", "1"), ("y", "z")], 7)]);
        text.numbers(MetricKind::Gauge, "b", "Now.", [([], 3)]);
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

    #[test]
    fn a_label_is_escaped_and_a_text_is_continued() {
        let mut text = Exposition::from("a 1\n".to_owned());
        text.numbers(MetricKind::Gauge, "b_seconds", "Now.", [([("path", "C:\\x\n\"y\"")], 0.5)]);
        let expected = "a 1\n# HELP b_seconds Now.\n# TYPE b_seconds gauge\nb_seconds{path=\"C:\\\\x\\n\\\"y\\\"\"} 0.5\n";
        assert_eq!(text.into_text(), expected);
    }
}
