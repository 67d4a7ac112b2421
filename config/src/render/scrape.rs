//! Scrape jobs and relabel rules as YAML.

use super::yaml::{Fields, Out};
use super::{bad_lines, http, limits};
use crate::decode::{action_word, mask_url, role_word};
use crate::scalar::show_duration;
use crate::selector;
use crate::settings::{
    DnsRecord, DnsSd, FileSd, HttpSd, KubernetesSd, RelabelRule, ScrapeJob, SdSelector, StaticGroup,
};

/// One job.
pub(super) fn job(job: &ScrapeJob) -> Out {
    let mut out = Fields::default();
    out.text("job_name", &job.job_name);
    out.word("scrape_interval", show_duration(job.scrape_interval));
    out.word("scrape_timeout", show_duration(job.scrape_timeout));
    out.text("scheme", &job.scheme);
    out.text("metrics_path", &job.metrics_path);
    if !job.params.is_empty() {
        let texts = |texts: &[String]| Out::List(texts.iter().cloned().map(Out::Text).collect());
        let one = |(name, values): &(String, Vec<String>)| (name.clone(), texts(values));
        out.put("params", Out::Map(job.params.iter().map(one).collect()));
    }
    out.word("honor_labels", job.honor_labels);
    out.word("honor_timestamps", job.honor_timestamps);
    out.word("track_timestamps_staleness", job.track_timestamps_staleness);
    out.word("enable_compression", job.compression);
    out.word("disable_keepalive", !job.keep_alive);
    out.word("no_stale_markers", job.no_stale_markers);
    if let Some(span) = job.scrape_align_interval {
        out.word("scrape_align_interval", show_duration(span));
    }
    if let Some(span) = job.scrape_offset {
        out.word("scrape_offset", show_duration(span));
    }
    out.text("bad_lines", bad_lines(job.bad_lines));
    out.list("relabel_configs", &job.relabel_configs, rule);
    out.list("metric_relabel_configs", &job.metric_relabel_configs, rule);
    limits(&mut out, &job.limits);
    out.list("static_configs", &job.static_configs, statics);
    out.list("file_sd_configs", &job.file_sd_configs, files);
    out.list("http_sd_configs", &job.http_sd_configs, http_list);
    out.list("dns_sd_configs", &job.dns_sd_configs, dns);
    out.list("kubernetes_sd_configs", &job.kubernetes_sd_configs, kubernetes);
    http::client(&mut out, &job.http);
    out.done()
}

/// One relabel rule; what the action does not use is left out.
pub(super) fn rule(rule: &RelabelRule) -> Out {
    let mut out = Fields::default();
    out.text("action", action_word(rule.action));
    out.texts("source_labels", &rule.source_labels);
    if rule.separator != ";" {
        out.text("separator", &rule.separator);
    }
    if let Some(regex) = &rule.regex {
        out.text("regex", regex);
    }
    out.text_if("target_label", &rule.target_label);
    if rule.replacement != "$1" {
        out.text("replacement", &rule.replacement);
    }
    if rule.modulus > 0 {
        out.word("modulus", rule.modulus);
    }
    out.list("if", &rule.condition, |selector| Out::Text(selector::show(selector)));
    out.text_if("match", &rule.graphite_match);
    out.pairs("labels", &rule.graphite_labels);
    out.done()
}

fn statics(group: &StaticGroup) -> Out {
    let mut out = Fields::default();
    // A target of vmagent may be a URL with a password.
    let masked: Vec<String> = group.targets.iter().map(|target| mask_target(target)).collect();
    out.texts("targets", &masked);
    out.pairs("labels", &group.labels);
    out.done()
}

/// An address without `@` is shown, a URL is masked, anything else with one is hidden.
pub(crate) fn mask_target(target: &str) -> String {
    match (target.contains('@'), target.contains("://")) {
        (false, _) => target.to_owned(),
        (true, true) => mask_url(target),
        (true, false) => "<secret>".to_owned(),
    }
}

fn files(files: &FileSd) -> Out {
    let mut out = Fields::default();
    out.texts("files", &files.files);
    out.word("refresh_interval", show_duration(files.refresh_interval));
    out.done()
}

fn http_list(list: &HttpSd) -> Out {
    let mut out = Fields::default();
    out.text("url", mask_url(&list.url));
    out.word("refresh_interval", show_duration(list.refresh_interval));
    http::client(&mut out, &list.http);
    out.done()
}

fn dns(dns: &DnsSd) -> Out {
    let mut out = Fields::default();
    out.texts("names", &dns.names);
    let record = match dns.record {
        DnsRecord::A => "A",
        DnsRecord::Aaaa => "AAAA",
        DnsRecord::Mx => "MX",
        DnsRecord::Ns => "NS",
        DnsRecord::Srv => "SRV",
    };
    out.text("type", record);
    if dns.port > 0 {
        out.word("port", dns.port);
    }
    out.word("refresh_interval", show_duration(dns.refresh_interval));
    out.done()
}

fn kubernetes(sd: &KubernetesSd) -> Out {
    let mut out = Fields::default();
    out.text("role", role_word(sd.role));
    if let Some(url) = &sd.api_server {
        out.text("api_server", mask_url(url));
    }
    if let Some(path) = &sd.kubeconfig_file {
        out.text("kubeconfig_file", path.display().to_string());
    }
    let mut namespaces = Fields::default();
    namespaces.word("own_namespace", sd.own_namespace);
    namespaces.texts("names", &sd.namespaces);
    out.put("namespaces", namespaces.done());
    out.list("selectors", &sd.selectors, sd_selector);
    let mut attach = Fields::default();
    attach.word("node", sd.attach_node);
    attach.word("namespace", sd.attach_namespace);
    out.put("attach_metadata", attach.done());
    http::client(&mut out, &sd.http);
    out.done()
}

fn sd_selector(selector: &SdSelector) -> Out {
    let mut out = Fields::default();
    out.text("role", role_word(selector.role));
    out.text_if("label", &selector.label);
    out.text_if("field", &selector.field);
    out.done()
}
