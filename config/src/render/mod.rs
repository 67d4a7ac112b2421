//! The settings as YAML: the resolved file, defaults filled in, secrets masked.
//!
//! Owns: which settings become which keys.
//! Never knows: the text they came from.
//! Invariants: what is rendered is a valid configuration, and loads to equal settings but for the
//! secrets, which are `<secret>`; the order is that of the register.
//! Called by `runnel check` and the status page.

mod http;
mod node;
pub(crate) mod scrape;
mod yaml;

#[cfg(test)]
mod tests;

use crate::decode::mask_url;
use crate::scalar::{show_duration, show_size};
use crate::settings::{
    BadLines, ExternalLabelsClash, Global, RemoteWrite, ScrapeLimits, Settings, WriteProtocol,
};
use yaml::Fields;

/// Renders settings as a configuration file with masked secrets.
pub fn render(settings: &Settings) -> String {
    let mut out = Fields::default();
    out.text_if("cluster", &settings.cluster);
    out.text_if("node", &settings.node);
    out.put("global", global(&settings.global));
    out.list("scrape_configs", &settings.scrape_configs, scrape::job);
    if let Some(kubernetes) = &settings.kubernetes {
        out.put("kubernetes", node::kubernetes(kubernetes));
    }
    out.list("remote_write", &settings.remote_write, remote_write);
    if let Some(logs) = &settings.logs {
        out.put("logs", node::logs(logs));
    }
    out.put("buffer", node::buffer(&settings.buffer));
    out.put("link", node::link(&settings.link));
    let mut memory = Fields::default();
    memory.word("limit", show_size(settings.memory.limit));
    out.put("memory", memory.done());
    let mut server = Fields::default();
    server.text("listen", settings.server.listen.to_string());
    out.put("server", server.done());
    yaml::write(&out.done())
}

fn global(global: &Global) -> yaml::Out {
    let mut out = Fields::default();
    out.word("scrape_interval", show_duration(global.scrape_interval));
    out.word("scrape_timeout", show_duration(global.scrape_timeout));
    out.pairs("external_labels", &global.external_labels);
    let clash = match global.external_labels_clash {
        ExternalLabelsClash::External => "external",
        ExternalLabelsClash::Series => "series",
    };
    out.text("external_labels_clash", clash);
    out.word("honor_timestamps", global.honor_timestamps);
    out.text("bad_lines", bad_lines(global.bad_lines));
    out.list("relabel_configs", &global.relabel_configs, scrape::rule);
    out.list("metric_relabel_configs", &global.metric_relabel_configs, scrape::rule);
    limits(&mut out, &global.limits);
    out.done()
}

fn bad_lines(bad_lines: BadLines) -> &'static str {
    match bad_lines {
        BadLines::Fail => "fail",
        BadLines::Skip => "skip",
    }
}

fn limits(out: &mut Fields, limits: &ScrapeLimits) {
    out.word("body_size_limit", show_size(limits.body_bytes_max));
    out.word("sample_limit", limits.sample_limit);
    if limits.series_limit > 0 {
        out.word("series_limit", limits.series_limit);
    }
    out.word("target_limit", limits.target_limit);
    out.word("label_limit", limits.label_limit);
    out.word("label_name_length_limit", limits.label_name_length_limit);
    out.word("label_value_length_limit", limits.label_value_length_limit);
}

fn remote_write(write: &RemoteWrite) -> yaml::Out {
    let mut out = Fields::default();
    out.text("url", mask_url(&write.url));
    out.text("name", &write.name);
    out.word("remote_timeout", show_duration(write.timeout));
    let protocol = match write.protocol {
        WriteProtocol::Auto => "auto",
        WriteProtocol::RemoteWrite1 => "remote_write_1",
        WriteProtocol::RemoteWrite2 => "remote_write_2",
        WriteProtocol::VictoriaMetrics => "victoriametrics",
    };
    out.text("protocol", protocol);
    out.list("write_relabel_configs", &write.write_relabel_configs, scrape::rule);
    out.word("send_exemplars", write.send_exemplars);
    let mut queue = Fields::default();
    queue.word("min_backoff", show_duration(write.backoff_min));
    queue.word("max_backoff", show_duration(write.backoff_max));
    out.put("queue_config", queue.done());
    let mut metadata = Fields::default();
    metadata.word("send", write.send_metadata);
    out.put("metadata_config", metadata.done());
    http::client(&mut out, &write.http);
    out.done()
}
