//! The JSON of `/api/v1`. Targets in Prometheus' shape, the rest in ours.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use runnel_collector::labels::Labels;
use runnel_collector::metrics::status::{DroppedTarget, Snapshot, TargetStatus};
use serde_json::{Map, Value, json};

use crate::lane::LaneStatus;
use crate::ledger::{Counts, Drop, Place, Reject, Signal};
use crate::send::Codec;
use crate::store::{Audit, AuditedAccount, RingView};

/// `{"status": "success", "data": …}`.
pub fn success(data: &Value) -> Value {
    json!({"status": "success", "data": data})
}

/// Data of `/api/v1/targets`. `state` is Prometheus' parameter: active, dropped or any.
///
/// Source: Prometheus HTTP API, `/api/v1/targets`.
pub fn targets(snapshot: &Snapshot, state: &str, pool: &str) -> Value {
    let of_pool = |name: &str| pool.is_empty() || name == pool;
    let active: Vec<Value> = match state {
        "dropped" => Vec::new(),
        _ => snapshot.targets.iter().filter(|t| of_pool(&t.pool)).map(active_target).collect(),
    };
    let jobs = || snapshot.jobs.iter().filter(|job| of_pool(&job.name));
    let dropped: Vec<Value> = match state {
        "active" => Vec::new(),
        _ => jobs().flat_map(|job| job.dropped.iter().map(dropped_target)).collect(),
    };
    let counts: BTreeMap<&str, u64> =
        jobs().map(|job| (job.name.as_str(), job.dropped_count)).collect();
    json!({"activeTargets": active, "droppedTargets": dropped, "droppedTargetCounts": counts})
}

fn active_target(target: &TargetStatus) -> Value {
    let scrape = &target.scrape;
    json!({
        "discoveredLabels": labels(&target.discovered),
        "labels": labels(&target.labels),
        "scrapePool": target.pool,
        "scrapeUrl": target.url,
        "globalUrl": target.url,
        "lastError": scrape.error,
        "lastScrape": scrape.scraped_at_ms.map_or_else(zero_time, time),
        "lastScrapeDuration": scrape.duration.as_secs_f64(),
        "health": scrape.health.name(),
        "scrapeInterval": span(target.interval),
        "scrapeTimeout": span(target.timeout),
        "lastSamplesScraped": scrape.samples_scraped,
        "lastSamplesKept": scrape.samples_kept,
        "lastBadLines": scrape.bad_lines,
        "lastBadLine": scrape.bad_line,
        "lastBodyBytes": scrape.body_bytes,
    })
}

fn dropped_target(target: &DroppedTarget) -> Value {
    json!({"discoveredLabels": labels(&target.discovered), "reason": target.reason})
}

/// Labels as a JSON object.
fn labels(labels: &Labels) -> Value {
    let entries = labels.iter().map(|label| (label.name.clone(), label.value.as_str().into()));
    Value::Object(entries.collect::<Map<String, Value>>())
}

/// Go's zero time, which Prometheus answers for a target not scraped yet.
fn zero_time() -> String {
    "0001-01-01T00:00:00Z".to_owned()
}

/// Milliseconds since the epoch as RFC 3339.
pub fn time(ms: i64) -> String {
    Timestamp::from_millisecond(ms).map_or_else(|_| zero_time(), |time| time.to_string())
}

/// A span the way Prometheus writes it: `30s`, `1m30s`, `500ms`.
pub fn span(span: Duration) -> String {
    runnel_config::units::Millis(u64::try_from(span.as_millis()).unwrap_or(u64::MAX)).to_string()
}

/// Data of `/api/v1/ledger`.
pub fn ledger(audit: &Audit) -> Value {
    let one = |entry: &AuditedAccount| {
        account(entry.signal, &entry.destination, &entry.counts, entry.balanced())
    };
    let accounts: Vec<Value> = audit.accounts.iter().map(one).collect();
    json!({"balanced": audit.balanced(), "accounts": accounts})
}

fn account(signal: Signal, destination: &str, counts: &Counts, balanced: bool) -> Value {
    let dropped: Map<String, Value> = Drop::ALL
        .iter()
        .map(|reason| (reason.name().to_owned(), counts.dropped[*reason as usize].into()))
        .collect();
    let rejected: Map<String, Value> = Reject::ALL
        .iter()
        .map(|reason| (reason.name().to_owned(), counts.rejected[*reason as usize].into()))
        .collect();
    json!({
        "signal": signal.name(),
        "destination": destination,
        "taken": {"collected": counts.collected, "recovered": counts.recovered},
        "delivered": counts.delivered,
        "dropped": dropped,
        "rejected": rejected,
        "held": {
            "block": counts.held_at(Place::Block),
            "queue": counts.held_at(Place::Queue),
            "ring": counts.held_at(Place::Ring),
        },
        "lost": counts.lost(),
        "possible_duplicates": counts.possible_duplicates,
        "balanced": balanced,
    })
}

/// Data of `/api/v1/ring`.
pub fn ring(ring: &RingView, lanes: &BTreeMap<String, LaneStatus>, now: SystemTime) -> Value {
    let readers: Vec<Value> = ring
        .readers
        .iter()
        .map(|reader| {
            let lane = lanes.get(&reader.name).cloned().unwrap_or_default();
            json!({
                "destination": reader.name,
                "state": lane.state.name(),
                "last_error": lane.error,
                "last_refusal": lane.refusal,
                "frames": reader.frames,
                "items": reader.items,
                "bytes": reader.bytes,
                "oldest_age_seconds": reader.oldest_age(now).map(|age| age.as_secs_f64()),
                "wire_bytes": lane.wire_bytes,
                "codec": lane.codec.map(Codec::name),
                "last_delivered_seconds_ago": lane.delivered_at.map(|at| at.elapsed().as_secs_f64()),
            })
        })
        .collect();
    json!({
        "path": ring.path,
        "budget_bytes": ring.budget_bytes,
        "used_bytes": ring.used_bytes,
        "free_bytes": ring.free_bytes,
        "lost_bytes": ring.lost_bytes,
        "segments": {"total": ring.segments, "free": ring.segments_free, "quarantined": ring.segments_quarantined},
        "append_seq": ring.append_seq,
        "durable_seq": ring.durable_seq,
        "memory_only": ring.memory_only,
        "io_errors": ring.io_errors,
        "last_error": ring.error,
        "destinations": readers,
    })
}
