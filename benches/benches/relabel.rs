//! Relabeling: nanoseconds per series, for the rules that kube-prometheus puts on cAdvisor and for
//! each common shape of a rule alone.
//!
//! The speed of light is one comparison per rule: reading a label's value and its first bytes,
//! about 5 ns.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use runnel_collector::labels::Labels;
use runnel_collector::relabel::{Rules, Scratch};
use runnel_config::settings::{RelabelAction, RelabelRule};

fn rule(
    action: RelabelAction,
    source: &[&str],
    regex: &str,
    target: &str,
    to: &str,
) -> RelabelRule {
    RelabelRule {
        action,
        source_labels: source.iter().map(|name| (*name).to_owned()).collect(),
        separator: ";".to_owned(),
        target_label: target.to_owned(),
        regex: (!regex.is_empty()).then(|| regex.to_owned()),
        modulus: 0,
        replacement: to.to_owned(),
        condition: Vec::new(),
        graphite_match: String::new(),
        graphite_labels: Vec::new(),
        place: String::new(),
    }
}

/// The metric relabeling of kube-prometheus' kubelet monitor, and the usual additions of a cluster.
fn kube_prometheus() -> Vec<RelabelRule> {
    use RelabelAction::{Drop, Keep, LabelDrop, LabelMap, Replace};
    let name = &["__name__"][..];
    let drop = |source: &[&str], regex: &str| rule(Drop, source, regex, "", "");
    vec![
        drop(
            name,
            "kubelet_(pod_worker_latency_microseconds|pod_start_latency_microseconds|cgroup_manager_latency_microseconds|pod_worker_start_latency_microseconds|pleg_relist_latency_microseconds|pleg_relist_interval_microseconds|runtime_operations|runtime_operations_latency_microseconds|runtime_operations_errors|eviction_stats_age_microseconds|device_plugin_registration_count|device_plugin_alloc_latency_microseconds|network_plugin_operations_latency_microseconds)",
        ),
        drop(
            name,
            "scheduler_(e2e_scheduling_latency_microseconds|scheduling_algorithm_predicate_evaluation|scheduling_algorithm_priority_evaluation|scheduling_algorithm_preemption_evaluation|scheduling_algorithm_latency_microseconds|binding_latency_microseconds|scheduling_latency_seconds)",
        ),
        drop(
            name,
            "apiserver_(request_count|request_latencies|request_latencies_summary|dropped_requests|storage_data_key_generation_latencies_microseconds|storage_transformation_failures_total|storage_transformation_latencies_microseconds|proxy_tunnel_sync_latency_secs|longrunning_gauge|registered_watchers)",
        ),
        drop(
            name,
            "kubelet_docker_(operations|operations_latency_microseconds|operations_errors|operations_timeout)",
        ),
        drop(
            name,
            "reflector_(items_per_list|items_per_watch|list_duration_seconds|lists_total|short_watches_total|watch_duration_seconds|watches_total)",
        ),
        drop(
            name,
            "etcd_(helper_cache_hit_count|helper_cache_miss_count|helper_cache_entry_count|object_counts|request_cache_get_latencies_summary|request_cache_add_latencies_summary|request_latencies_summary)",
        ),
        drop(name, "transformation_(transformation_latencies_microseconds|failures_total)"),
        drop(
            name,
            "container_(network_tcp_usage_total|network_udp_usage_total|tasks_state|cpu_load_average_10s)",
        ),
        drop(
            &["__name__", "pod", "namespace"],
            "(container_spec_.*|container_file_descriptors|container_sockets|container_threads_max|container_threads|container_start_time_seconds|container_last_seen);;",
        ),
        drop(&["__name__", "container"], "(container_blkio_device_usage_total);.+"),
        drop(&["__name__", "scope"], "container_memory_failures_total;hierarchy"),
        drop(&["__name__", "interface"], "container_network_.+;(cali|cilium|lxc|nodelocaldns).*"),
        rule(Keep, &["namespace"], ".+", "", ""),
        rule(Replace, &["pod"], "(.+)-[a-f0-9]{8,10}-[a-z0-9]{5}", "workload", "$1"),
        rule(LabelMap, &[], "container_label_(.+)", "", "$1"),
        rule(LabelDrop, &[], "id|image_id|uid", "", ""),
    ]
}

fn series() -> Labels {
    [
        ("__name__", "container_memory_working_set_bytes"),
        ("container", "server"),
        ("endpoint", "https-metrics"),
        ("id", "/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod9f0d8f7a.slice/cri-containerd-4be2.scope"),
        ("image", "registry.example/team/server:v1.42.0"),
        ("instance", "10.0.3.14:10250"),
        ("job", "kubelet"),
        ("metrics_path", "/metrics/cadvisor"),
        ("name", "4be2f1c9d3a7b5e8f0a1c2d3e4f5a6b7c8d9e0f1a2b3c4d5e6f708192a3b4c5d"),
        ("namespace", "team-production"),
        ("node", "worker-3"),
        ("pod", "server-7d9c6f5b84-x2x7q"),
        ("service", "kubelet"),
    ]
    .into_iter()
    .collect()
}

fn bench(c: &mut Criterion) {
    use RelabelAction::{Drop, LabelDrop, LabelMap, Replace};
    let one = |rule| vec![rule];
    let name = &["__name__"][..];
    let sets = [
        ("kube_prometheus_16", kube_prometheus()),
        ("drop_names", one(rule(Drop, name, "a_(b|c|d|e|f|g)|h", "", ""))),
        ("drop_prefix", one(rule(Drop, name, "container_cpu_.*", "", ""))),
        ("drop_joined", one(rule(Drop, &["__name__", "pod"], "container_.*;x.*", "", ""))),
        ("drop_engine", one(rule(Drop, name, "container_[a-z]+_seconds", "", ""))),
        ("copy", one(rule(Replace, &["pod"], "", "node", "$1"))),
        ("replace_groups", one(rule(Replace, &["instance"], "(.+):(\\d+)", "node", "$1"))),
        ("labelmap", one(rule(LabelMap, &[], "container_label_(.+)", "", "$1"))),
        ("labeldrop", one(rule(LabelDrop, &[], "uid|pod_uid", "", ""))),
    ];
    let series = series();
    let mut group = c.benchmark_group("relabel");
    group.throughput(Throughput::Elements(1));
    for (label, rules) in sets {
        let rules = Rules::compile(&rules).expect("the bench's rules compile");
        let mut scratch = Scratch::default();
        group.bench_function(label, |b| {
            // All rules here leave a second pass as the first left it, so one set serves all
            // passes and no clone is timed.
            let mut labels = series.clone();
            b.iter(|| black_box(rules.apply_with(&mut labels, &mut scratch)));
        });
    }
    group.finish();
}

criterion_group!(benches, bench);
criterion_main!(benches);
