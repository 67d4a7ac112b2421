//! A real VictoriaMetrics.

use std::net::SocketAddr;
use std::process::Command;

use serde_json::Value;

use crate::client;
use crate::folder::Folder;
use crate::parts::Parts;
use crate::process::{Process, free_address};
use crate::series::{Labels, STALE, Sample, Store};

/// A VictoriaMetrics with its data in a temporary folder.
#[derive(Debug)]
pub struct VictoriaMetrics {
    address: SocketAddr,
    // Before the folder: the process ends before its data go.
    _process: Process,
    _folder: Folder,
}

impl VictoriaMetrics {
    /// Starts one and waits until it is ready.
    ///
    /// # Panics
    /// When it does not become ready.
    pub fn start(parts: &Parts) -> Self {
        let folder = Folder::new("victoria-metrics");
        let address = free_address();
        let mut command = Command::new(parts.victoria_metrics());
        command
            .arg(format!("-storageDataPath={}", folder.join("data").display()))
            .arg(format!("-httpListenAddr={address}"))
            // Pages with timestamps of their own may be old.
            .arg("-retentionPeriod=100y")
            .arg("-memory.allowedBytes=256MiB")
            .arg("-loggerLevel=ERROR");
        let mut process = Process::start("victoria-metrics", command, &folder.join("log"));
        process.wait_ready(|| client::get(address, "/health"));
        Self { address, _process: process, _folder: folder }
    }

    /// Where blocks are posted.
    pub fn url(&self) -> String {
        format!("http://{}/api/v1/write", self.address)
    }

    /// Makes what arrived visible.
    ///
    /// # Panics
    /// When it refuses.
    pub fn flush(&self) {
        client::get(self.address, "/internal/force_flush").expect("VictoriaMetrics flushes");
    }

    /// Everything that it holds of the series that `selector` selects, after a flush.
    ///
    /// # Panics
    /// When it refuses, or answers something else than its JSON lines.
    pub fn export(&self, selector: &str) -> Store {
        self.flush();
        let path = format!("/api/v1/export?match[]={}&start=0", client::encode(selector));
        let answer = client::get(self.address, &path).expect("VictoriaMetrics exports");
        let mut store = Store::new();
        for line in answer.text().lines() {
            let line: Value = serde_json::from_str(line).expect("an exported line is JSON");
            let (labels, samples) = series(&line).unwrap_or_else(|| panic!("reading {line}"));
            store.entry(labels).or_default().extend(samples);
        }
        store.values_mut().for_each(|samples| samples.sort_by_key(|s| s.at_ms));
        store
    }

    /// Everything that it holds.
    pub fn export_all(&self) -> Store {
        self.export(r#"{__name__!=""}"#)
    }
}

/// Shape: `{"metric":{…},"values":[…],"timestamps":[…]}`.
fn series(line: &Value) -> Option<(Labels, Vec<Sample>)> {
    let metric = line["metric"].as_object()?;
    let labels = metric
        .iter()
        .map(|(name, value)| Some((name.clone(), value.as_str()?.to_string())))
        .collect::<Option<Labels>>()?;
    let stamps = line["timestamps"].as_array()?.iter();
    let samples = line["values"]
        .as_array()?
        .iter()
        .zip(stamps)
        .map(|(value, at)| Some(Sample { at_ms: at.as_i64()?, value: number(value)? }))
        .collect::<Option<Vec<Sample>>>()?;
    Some((labels, samples))
}

/// JSON has no infinities and no NaN: infinities come as text, stale markers as null. Any other
/// NaN was dropped when it arrived.
fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Null => Some(f64::from_bits(STALE)),
        Value::String(text) => text.parse().ok(),
        other => other.as_f64(),
    }
}
