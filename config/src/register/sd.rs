//! Keys of the discoveries.

use super::http::{HTTP, PROXY, PROXY_VM};
use super::{Key, Kind, Section, key};

pub(crate) static STATIC: Section = Section {
    title: "static_configs[]",
    about: "Targets written down.",
    groups: &[&[
        key("targets", Kind::Texts, "", "Addresses."),
        key("labels", Kind::Labels, "", "Labels of all of them."),
    ]],
};

pub(crate) static FILE_SD: Section = Section {
    title: "file_sd_configs[]",
    about: "Targets read from JSON or YAML files, again whenever one changes.",
    groups: &[&[
        key(
            "files",
            Kind::Texts,
            "",
            "Paths; the last part may hold `*`. Relative ones start at the configuration file.",
        )
        .required(),
        key("refresh_interval", Kind::Duration, "5m", "Slow re-read behind the watch for changes."),
    ]],
};

pub(crate) static HTTP_SD: Section = Section {
    title: "http_sd_configs[]",
    about: "Targets asked over HTTP, as JSON.",
    groups: &[
        &[
            key("url", Kind::Url, "", "Where the list is.").required(),
            key("refresh_interval", Kind::Duration, "1m", "Time between two requests."),
        ],
        HTTP,
        PROXY,
        PROXY_VM,
    ],
};

pub(crate) static DNS_SD: Section = Section {
    title: "dns_sd_configs[]",
    about: "Targets asked from DNS.",
    groups: &[&[
        key("names", Kind::Texts, "", "Names to look up.").required(),
        key("type", Kind::OneOf(&["A", "AAAA", "MX", "NS", "SRV"]), "SRV", "Record type."),
        key("port", Kind::Count, "", "Port of the targets; needed for all types but SRV."),
        key("refresh_interval", Kind::Duration, "30s", "Time between two look-ups."),
    ]],
};

/// What Kubernetes calls its objects here.
const ROLES: &[&str] = &["endpoints", "endpointslice", "ingress", "node", "pod", "service"];

pub(crate) static KUBERNETES_SD: Section = Section {
    title: "kubernetes_sd_configs[]",
    about: "Targets asked from a Kubernetes API server.",
    groups: &[
        &[
            key("role", Kind::OneOf(ROLES), "", "Objects that become targets.").required(),
            key(
                "api_server",
                Kind::Url,
                "",
                "API server; that of the cluster around the agent by default.",
            ),
            key("api_servers", Kind::Any, "", "").renamed("api_server"),
            key(
                "kubeconfig_file",
                Kind::Path,
                "",
                "File that says where the API server is and who we are.",
            ),
            key("namespaces", Kind::Map(&NAMESPACES), "", "Namespaces looked at; all by default."),
            key("selectors", Kind::List(&SD_SELECTOR), "", "What the API server filters."),
            key(
                "attach_metadata",
                Kind::Map(&ATTACH_METADATA),
                "",
                "Further objects whose metadata becomes labels.",
            ),
        ],
        HTTP,
        PROXY,
        PROXY_VM,
    ],
};

pub(crate) static NAMESPACES: Section = Section {
    title: "namespaces",
    about: "Namespaces a discovery looks at.",
    groups: &[&[
        key("own_namespace", Kind::Bool, "false", "The agent's own."),
        key("names", Kind::Texts, "", "These."),
    ]],
};

pub(crate) static SD_SELECTOR: Section = Section {
    title: "selectors[]",
    about: "What the API server filters, per kind of object.",
    groups: &[&[
        key("role", Kind::OneOf(ROLES), "", "Kind of object.").required(),
        key("label", Kind::Text, "", "Label selector in Kubernetes' syntax."),
        key("field", Kind::Text, "", "Field selector in Kubernetes' syntax."),
    ]],
};

pub(crate) static ATTACH_METADATA: Section = Section {
    title: "attach_metadata",
    about: "Further objects whose metadata becomes labels.",
    groups: &[&[
        key("node", Kind::Bool, "false", "The node of a pod."),
        key("namespace", Kind::Bool, "false", "The namespace of an object."),
    ]],
};

/// A discovery of others, refused with a way out.
const fn unsupported(name: &'static str) -> Key {
    key(name, Kind::Any, "", "").refused(
        "service discovery {discovery} is not supported by runnel; use file_sd_configs or http_sd_configs",
    )
}

/// Discoveries of Prometheus and vmagent that are not supported.
pub(super) const UNSUPPORTED: &[Key] = &[
    unsupported("azure_sd_configs"),
    unsupported("consul_sd_configs"),
    unsupported("consulagent_sd_configs"),
    unsupported("digitalocean_sd_configs"),
    unsupported("docker_sd_configs"),
    unsupported("dockerswarm_sd_configs"),
    unsupported("ec2_sd_configs"),
    unsupported("eureka_sd_configs"),
    unsupported("gce_sd_configs"),
    unsupported("hetzner_sd_configs"),
    unsupported("ionos_sd_configs"),
    unsupported("kuma_sd_configs"),
    unsupported("lightsail_sd_configs"),
    unsupported("linode_sd_configs"),
    unsupported("marathon_sd_configs"),
    unsupported("nerve_sd_configs"),
    unsupported("nomad_sd_configs"),
    unsupported("oci_sd_configs"),
    unsupported("openstack_sd_configs"),
    unsupported("ovhcloud_sd_configs"),
    unsupported("puppetdb_sd_configs"),
    unsupported("scaleway_sd_configs"),
    unsupported("serverset_sd_configs"),
    unsupported("stackit_sd_configs"),
    unsupported("triton_sd_configs"),
    unsupported("uyuni_sd_configs"),
    unsupported("vultr_sd_configs"),
    unsupported("yandexcloud_sd_configs"),
];
