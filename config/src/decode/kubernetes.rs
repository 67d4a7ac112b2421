//! The monitor objects of the cluster.

use super::view::View;
use crate::settings::{
    ExpressionOp, Kubernetes, LabelExpression, LabelSelector, MonitorKind, Monitors,
    NamespaceSelector,
};

/// The key of each kind.
pub(crate) const KINDS: [(&str, MonitorKind); 10] = [
    ("pod_monitors", MonitorKind::PodMonitor),
    ("probes", MonitorKind::Probe),
    ("scrape_configs", MonitorKind::ScrapeConfig),
    ("service_monitors", MonitorKind::ServiceMonitor),
    ("vm_node_scrapes", MonitorKind::VmNodeScrape),
    ("vm_pod_scrapes", MonitorKind::VmPodScrape),
    ("vm_probes", MonitorKind::VmProbe),
    ("vm_scrape_configs", MonitorKind::VmScrapeConfig),
    ("vm_service_scrapes", MonitorKind::VmServiceScrape),
    ("vm_static_scrapes", MonitorKind::VmStaticScrape),
];

pub(super) fn kubernetes(view: &View<'_>) -> Kubernetes {
    let mut monitors = Vec::new();
    for (key, kind) in KINDS {
        if view.is_null(key) {
            view.warn(key, "is empty and watches nothing; `{}` watches all");
        }
        let Some(view) = view.map(key) else { continue };
        if !view.bool("enabled") {
            continue;
        }
        monitors.push(Monitors {
            kind,
            selector: label_selector(&view.map_or_empty("selector")),
            namespace_selector: namespace_selector(&view.map_or_empty("namespace_selector")),
        });
    }
    Kubernetes { monitors }
}

fn namespace_selector(view: &View<'_>) -> NamespaceSelector {
    NamespaceSelector { names: view.texts("matchNames"), labels: label_selector(view) }
}

fn label_selector(view: &View<'_>) -> LabelSelector {
    LabelSelector {
        labels: view.pairs("matchLabels"),
        expressions: view.list("matchExpressions").iter().map(expression).collect(),
    }
}

fn expression(view: &View<'_>) -> LabelExpression {
    let op = match view.word("operator") {
        "DoesNotExist" => ExpressionOp::DoesNotExist,
        "In" => ExpressionOp::In,
        "NotIn" => ExpressionOp::NotIn,
        _ => ExpressionOp::Exists,
    };
    let values = view.texts("values");
    let lists = matches!(op, ExpressionOp::In | ExpressionOp::NotIn);
    if lists && values.is_empty() {
        view.error_here(format!("`values` is missing, which `{}` needs", view.word("operator")));
    }
    let word = view.word("operator");
    if !lists && !values.is_empty() && !word.is_empty() {
        view.error("values", format!("`{word}` takes no `values`"));
    }
    LabelExpression { key: view.text("key"), op, values }
}
