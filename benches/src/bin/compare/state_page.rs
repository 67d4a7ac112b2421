//! The page of a kube-state-metrics of a large cluster.
//!
//! Owns the look of the lines: few families, each with one sample per pod, long labels that repeat
//! from family to family, values that hardly move.

use std::fmt::Write;

/// A page of `samples` samples at scrape number `scrape`; about 190 bytes a sample.
pub fn state_page(samples: usize, scrape: u64) -> String {
    let mut page = String::with_capacity(samples * 200 + 4_096);
    let pods = samples.div_ceil(FAMILIES.len());
    let mut left = samples;
    for (family, (name, kind, more)) in FAMILIES.iter().enumerate() {
        writeln!(page, "# HELP {name} Some words about what {name} is.\n# TYPE {name} {kind}")
            .expect("a string takes everything");
        for pod in 0..pods.min(left) {
            line(&mut page, name, more, pod as u64, value(family, pod as u64, scrape));
        }
        left -= pods.min(left);
    }
    page
}

fn line(page: &mut String, name: &str, more: &str, pod: u64, value: u64) {
    // Numbers that look like chance; pods of one owner stand together, as they do in a cluster.
    let id = pod.wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let owner = (pod / 8).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    writeln!(
        page,
        "{name}{{namespace=\"team-{}-production\",pod=\"service-{}-{:09x}-{:05x}\",\
         uid=\"{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}\"{more}}} {value}",
        pod / 100,
        pod / 8,
        owner >> 28,
        id >> 44,
        id as u32,
        (id >> 16) as u16,
        (id >> 36) & 0xfff,
        (id >> 24) & 0xfff,
        id >> 16,
    )
    .expect("a string takes everything");
}

/// Times rest, counters rise, states flip for one pod in a thousand.
fn value(family: usize, pod: u64, scrape: u64) -> u64 {
    match family % 4 {
        0 => 1_700_000_000 + pod * 37 % 10_000_000,
        1 => pod % 17 + scrape,
        _ => u64::from((pod + family as u64).wrapping_add(scrape).is_multiple_of(1_000)),
    }
}

/// Name, type and further labels of each family.
const FAMILIES: [(&str, &str, &str); 20] = [
    ("kube_pod_created", "gauge", ""),
    ("kube_pod_container_status_restarts_total", "counter", ",container=\"app\""),
    ("kube_pod_container_status_ready", "gauge", ",container=\"app\""),
    ("kube_pod_container_status_running", "gauge", ",container=\"app\""),
    ("kube_pod_start_time", "gauge", ""),
    ("kube_pod_init_container_status_restarts_total", "counter", ",container=\"init\""),
    ("kube_pod_container_status_waiting", "gauge", ",container=\"app\""),
    ("kube_pod_status_phase", "gauge", ",phase=\"Failed\""),
    ("kube_pod_status_ready_time", "gauge", ""),
    ("kube_pod_overhead_memory_bytes", "gauge", ",unit=\"byte\""),
    ("kube_pod_status_scheduled", "gauge", ",condition=\"true\""),
    ("kube_pod_status_ready", "gauge", ",condition=\"true\""),
    ("kube_pod_status_scheduled_time", "gauge", ""),
    (
        "kube_pod_container_resource_limits",
        "gauge",
        ",container=\"app\",resource=\"memory\",unit=\"byte\"",
    ),
    ("kube_pod_container_info", "gauge", ",container=\"app\",image=\"registry.example/app:v1\""),
    ("kube_pod_info", "gauge", ",host_ip=\"192.0.2.7\",created_by_kind=\"ReplicaSet\""),
    ("kube_pod_container_state_started", "gauge", ",container=\"app\""),
    ("kube_pod_restart_policy", "gauge", ",type=\"Always\""),
    ("kube_pod_tolerations", "gauge", ",key=\"node.kubernetes.io/not-ready\",operator=\"Exists\""),
    ("kube_pod_status_reason", "gauge", ",reason=\"Evicted\""),
];

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn a_page_has_as_many_distinct_series_as_asked() {
        for samples in [1, 20, 1_999, 10_000] {
            let page = state_page(samples, 0);
            let lines: Vec<&str> = page.lines().filter(|line| !line.starts_with('#')).collect();
            let series: HashSet<&str> =
                lines.iter().filter_map(|line| line.split_once("} ")).map(|(s, _)| s).collect();
            assert_eq!((lines.len(), series.len()), (samples, samples));
        }
    }
}
