//! The monitor objects of a cluster, and the discovery that asks an API server.

use std::path::PathBuf;

use crate::settings::HttpClient;

/// The monitor objects of the cluster.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Kubernetes {
    /// The kinds that are watched, each once, in the order of [`MonitorKind`].
    pub monitors: Vec<Monitors>,
}

/// Which objects of one kind become targets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Monitors {
    /// The kind.
    pub kind: MonitorKind,
    /// Objects by their labels.
    pub selector: LabelSelector,
    /// Objects by their namespace.
    pub namespace_selector: NamespaceSelector,
}

/// A kind of monitor object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MonitorKind {
    /// `monitoring.coreos.com` PodMonitor.
    PodMonitor,
    /// `monitoring.coreos.com` Probe.
    Probe,
    /// `monitoring.coreos.com` ScrapeConfig.
    ScrapeConfig,
    /// `monitoring.coreos.com` ServiceMonitor.
    ServiceMonitor,
    /// `operator.victoriametrics.com` VMNodeScrape.
    VmNodeScrape,
    /// `operator.victoriametrics.com` VMPodScrape.
    VmPodScrape,
    /// `operator.victoriametrics.com` VMProbe.
    VmProbe,
    /// `operator.victoriametrics.com` VMScrapeConfig.
    VmScrapeConfig,
    /// `operator.victoriametrics.com` VMServiceScrape.
    VmServiceScrape,
    /// `operator.victoriametrics.com` VMStaticScrape.
    VmStaticScrape,
}

/// Kubernetes' label selector: all parts have to hold; an empty one selects everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelSelector {
    /// Labels with these values.
    pub labels: Vec<(String, String)>,
    /// Conditions on labels.
    pub expressions: Vec<LabelExpression>,
}

/// One condition on a label.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LabelExpression {
    /// Label.
    pub key: String,
    /// Comparison.
    pub op: ExpressionOp,
    /// Values; at least one for `In` and `NotIn`, none otherwise.
    pub values: Vec<String>,
}

/// Comparison of a condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExpressionOp {
    /// The label is absent.
    DoesNotExist,
    /// The label is there.
    Exists,
    /// The label has one of the values.
    In,
    /// The label is absent or has none of the values.
    NotIn,
}

/// Namespaces by name and by label: both have to hold.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NamespaceSelector {
    /// One of these names; empty means all.
    pub names: Vec<String>,
    /// By their labels.
    pub labels: LabelSelector,
}

/// Targets asked from a Kubernetes API server.
#[derive(Clone, Debug, PartialEq)]
pub struct KubernetesSd {
    /// Objects that become targets.
    pub role: KubernetesRole,
    /// API server; `None` means that of the cluster around the agent.
    pub api_server: Option<String>,
    /// File that says where the API server is and who we are.
    pub kubeconfig_file: Option<PathBuf>,
    /// Look at the agent's own namespace.
    pub own_namespace: bool,
    /// Namespaces looked at; empty means all, unless `own_namespace` is set.
    pub namespaces: Vec<String>,
    /// What the API server filters; at most one per role.
    pub selectors: Vec<SdSelector>,
    /// Attach the metadata of a pod's node.
    pub attach_node: bool,
    /// Attach the metadata of an object's namespace.
    pub attach_namespace: bool,
    /// HTTP client options.
    pub http: HttpClient,
}

/// What the API server filters of one kind of object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SdSelector {
    /// Kind of object.
    pub role: KubernetesRole,
    /// Label selector in Kubernetes' syntax; empty means all.
    pub label: String,
    /// Field selector in Kubernetes' syntax; empty means all.
    pub field: String,
}

/// Kind of object that becomes a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KubernetesRole {
    /// Endpoints.
    Endpoints,
    /// EndpointSlice.
    EndpointSlice,
    /// Ingress.
    Ingress,
    /// Node.
    Node,
    /// Pod.
    Pod,
    /// Service.
    Service,
}
