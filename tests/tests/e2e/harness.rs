//! The machinery itself: fakes and real parts, with vmagent in the agent's place.

use tests::client;
use tests::parts;
use tests::series::same_value;
use tests::server::Reply;
use tests::wire::{Label, TimeSeries, WireSample, WriteRequest};
use tests::{Authority, Counting, Exporter, Receiver, VictoriaMetrics, VmAgent, eventually, until};

use prost::Message;

use crate::{SOON, bad_targets, node_exporter};

#[test]
fn vmagent_delivers_every_page_to_the_receiver() {
    let Some(parts) = parts::need() else { return };
    let load = Counting::start(3, 5);
    let mut receiver = Receiver::start();
    let config = format!("scrape_configs:\n{}", load.jobs("1s"));
    let _agent = VmAgent::start(&parts, &config, &[receiver.url()]);
    until("the load to run", SOON, || load.shown() >= 6);
    receiver.go_down();
    until("the load to run on", SOON, || load.shown() >= 12);
    receiver.come_up();
    let shown = load.scrapes();
    until("all pages to arrive", SOON, || load.missing(&shown, &receiver).is_empty());
}

#[test]
fn vmagent_stores_the_node_exporter_page() {
    let Some(parts) = parts::need() else { return };
    node_exporter::check(&parts, |config, url| VmAgent::start(&parts, config, &[url.to_string()]));
}

#[test]
fn vmagent_reports_the_bad_targets_that_it_knows() {
    let Some(parts) = parts::need() else { return };
    let zoo = bad_targets::Zoo::start();
    let receiver = Receiver::start();
    let agent = VmAgent::start(&parts, &zoo.config(), &[receiver.url()]);
    zoo.check(&receiver, || agent.targets(), &bad_targets::FINE_FOR_VMAGENT);
}

#[test]
fn the_receiver_refuses_what_it_cannot_read() {
    let receiver = Receiver::start();
    let sample = WireSample { value: 1.5, timestamp: 7 };
    let name = Label { name: "__name__".into(), value: "a".into() };
    let series = TimeSeries { labels: vec![name], samples: vec![sample], exemplars: vec![] };
    let body = WriteRequest { timeseries: vec![series], metadata: vec![] }.encode_to_vec();
    let frame = |bytes: &[u8]| zstd::encode_all(bytes, 1).expect("writing to memory succeeds");
    let snappy = snap::raw::Encoder::new().compress_vec(&body).expect("a small body fits");
    let twice = [frame(&body), frame(&body)].concat();
    let post = |encoding: &str, body: &[u8]| {
        let address = receiver.url()["http://".len()..].split('/').next().map(str::to_string);
        let address = address.and_then(|a| a.parse().ok()).expect("the URL holds an address");
        let headers = [("Content-Encoding", encoding)];
        client::request("POST", address, "/api/v1/write", &headers, body).map(|a| a.status)
    };
    assert_eq!(post("zstd", &frame(&body)), Ok(204));
    assert_eq!(post("zstd", &twice), Ok(204));
    assert_eq!(post("snappy", &snappy), Ok(204));
    assert_eq!(post("zstd", b"garbage"), Ok(400));
    assert_eq!(post("gzip", &body), Ok(400));
    assert_eq!(receiver.samples(), 4);
    assert_eq!(receiver.notes().iter().filter(|note| note.committed).count(), 3);
}

#[test]
fn an_exporter_over_tls_is_trusted_by_its_authority_only() {
    let Some(parts) = parts::need() else { return };
    let (own, other) = (Authority::new(), Authority::new());
    let page = |_: &tests::exporter::Scrape| Reply::page("a 1\n");
    let good = Exporter::start_tls(own.server(&["127.0.0.1"], false), page);
    let bad = Exporter::start_tls(other.server(&["127.0.0.1"], false), page);
    let folder = tests::Folder::new("tls");
    let ca = folder.write("ca.pem", own.pem());
    let job = |name: &str, exporter: &Exporter| {
        format!(
            "  - {{job_name: {name}, scheme: https, scrape_interval: 1s, \
             tls_config: {{ca_file: \"{}\"}}, static_configs: [{{targets: [\"{}\"]}}]}}\n",
            ca.display(),
            exporter.address()
        )
    };
    let config = format!("scrape_configs:\n{}{}", job("good", &good), job("bad", &bad));
    let receiver = Receiver::start();
    let _agent = VmAgent::start(&parts, &config, &[receiver.url()]);
    let up = |job: &str, value: f64| {
        let found = receiver.samples_of("up");
        found.iter().any(|(labels, s)| labels["job"] == job && s.value == value)
    };
    until("both verdicts", SOON, || up("good", 1.0) && up("bad", 0.0));
    assert!(!up("bad", 1.0) && !up("good", 0.0));
}

#[test]
fn victoria_metrics_returns_what_was_written() {
    let Some(parts) = parts::need() else { return };
    let victoria = VictoriaMetrics::start(&parts);
    let exporter = Exporter::page("a{b=\"c\"} 1.5\nn NaN\ni -Inf\n");
    let config = format!(
        "scrape_configs:\n- {{job_name: j, scrape_interval: 1s, \
         static_configs: [{{targets: [\"{}\"], labels: {{instance: i}}}}]}}\n",
        exporter.address()
    );
    let _agent = VmAgent::start(&parts, &config, &[victoria.url()]);
    // A plain NaN is not stored: what the fake receiver is for.
    eventually("the page to be stored", SOON, || {
        let store = victoria.export_all();
        let found = |name: &str, expected: f64| {
            let mut samples = store.iter().filter(|(labels, _)| labels["__name__"] == name);
            samples.any(|(_, s)| s.iter().any(|s| same_value(expected, s.value)))
        };
        let all = found("a", 1.5) && found("i", f64::NEG_INFINITY);
        all.then_some(()).ok_or_else(|| format!("{store:?}"))
    });
}
