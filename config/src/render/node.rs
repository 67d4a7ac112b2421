//! The agent's own sections as YAML.

use super::http;
use super::yaml::{Fields, Out};
use crate::decode::{KINDS, mask_url};
use crate::scalar::{show_duration, show_rate, show_share, show_size, show_time};
use crate::settings::{
    Buffer, ExpressionOp, Kubernetes, LabelExpression, LabelSelector, Link, LinkWindow, LogFile,
    LogPods, LogWrite, Logs, Monitors, Sharers,
};

pub(super) fn buffer(buffer: &Buffer) -> Out {
    let mut out = Fields::default();
    out.text("path", buffer.path.display().to_string());
    out.word("size", show_size(buffer.size));
    out.word("metrics_age_max", show_duration(buffer.metrics_age_max));
    out.word("logs_age_max", show_duration(buffer.logs_age_max));
    out.done()
}

pub(super) fn link(link: &Link) -> Out {
    let mut out = Fields::default();
    if let Some(rate) = link.rate {
        out.word("rate", show_rate(rate));
    }
    out.word("backlog_share", show_share(link.backlog_share));
    if let Some(capacity) = link.capacity {
        out.word("capacity", show_rate(capacity));
        out.word("share", show_share(link.share));
        match link.sharers {
            Sharers::Auto => out.text("sharers", "auto"),
            Sharers::Count(count) => out.word("sharers", count),
        }
    }
    out.list("windows", &link.windows, window);
    out.done()
}

fn window(window: &LinkWindow) -> Out {
    let mut out = Fields::default();
    out.text("from", show_time(window.from_minute));
    out.text("to", show_time(window.to_minute));
    out.word("rate", show_rate(window.rate));
    out.done()
}

pub(super) fn kubernetes(kubernetes: &Kubernetes) -> Out {
    let mut out = Fields::default();
    for item in &kubernetes.monitors {
        let key = KINDS.iter().find(|(_, kind)| *kind == item.kind).map(|(key, _)| *key);
        out.put(key.expect("every kind has its key"), monitors(item));
    }
    out.done()
}

fn monitors(monitors: &Monitors) -> Out {
    let mut out = Fields::default();
    out.word("enabled", true);
    let mut selector = Fields::default();
    label_selector(&mut selector, &monitors.selector);
    out.put("selector", selector.done());
    let mut namespaces = Fields::default();
    namespaces.texts("matchNames", &monitors.namespace_selector.names);
    label_selector(&mut namespaces, &monitors.namespace_selector.labels);
    out.put("namespace_selector", namespaces.done());
    out.done()
}

fn label_selector(out: &mut Fields, selector: &LabelSelector) {
    out.pairs("matchLabels", &selector.labels);
    out.list("matchExpressions", &selector.expressions, expression);
}

fn expression(expression: &LabelExpression) -> Out {
    let mut out = Fields::default();
    out.text("key", &expression.key);
    let op = match expression.op {
        ExpressionOp::DoesNotExist => "DoesNotExist",
        ExpressionOp::Exists => "Exists",
        ExpressionOp::In => "In",
        ExpressionOp::NotIn => "NotIn",
    };
    out.text("operator", op);
    out.texts("values", &expression.values);
    out.done()
}

pub(super) fn logs(logs: &Logs) -> Out {
    let mut out = Fields::default();
    if let Some(item) = &logs.pods {
        out.put("pods", pods(item));
    }
    out.list("files", &logs.files, file);
    out.list("write", &logs.write, log_write);
    out.done()
}

fn pods(pods: &LogPods) -> Out {
    let mut out = Fields::default();
    out.text("path", pods.path.display().to_string());
    out.texts("include", &pods.include);
    out.texts("exclude", &pods.exclude);
    out.done()
}

fn file(file: &LogFile) -> Out {
    let mut out = Fields::default();
    out.texts("paths", &file.paths);
    out.texts("exclude", &file.exclude);
    out.pairs("fields", &file.fields);
    out.done()
}

fn log_write(write: &LogWrite) -> Out {
    let mut out = Fields::default();
    out.text("url", mask_url(&write.url));
    out.text("name", &write.name);
    out.word("timeout", show_duration(write.timeout));
    out.word("min_backoff", show_duration(write.backoff_min));
    out.word("max_backoff", show_duration(write.backoff_max));
    http::client(&mut out, &write.http);
    out.done()
}
