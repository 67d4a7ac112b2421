//! `runnel targets|ledger|ring`: asks a running agent and prints a table.

use std::sync::Arc;
use std::time::Duration;

use runnel_collector::http::{Client, Context, HeaderMap, Url};
use runnel_config::settings::HttpClient;
use serde_json::Value;
use tokio::time::Instant;

use super::table::table;
use super::{Failure, VERSION};
use crate::figures::{bytes, count, span};

/// Time an agent has to answer: it may be busy, but a person waits.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Largest answer: 10,000 targets with 6 KiB of labels each.
const ANSWER_BYTES_MAX: u64 = 64 << 20;

/// `runnel targets`.
///
/// # Errors
/// [`Failure::Internal`] when the agent can't be asked.
pub fn targets(address: &str, json: bool) -> Result<(), Failure> {
    show(address, "/api/v1/targets", json, |data| {
        let rows = array(data, "activeTargets").iter().map(|target| {
            let milliseconds = target["lastScrapeDuration"].as_f64().unwrap_or(0.0) * 1000.0;
            vec![
                text(target, "scrapePool"),
                text(target, "health"),
                count(number(target, "lastSamplesKept")),
                format!("{milliseconds:.0} ms"),
                text(target, "scrapeUrl"),
                text(target, "lastError"),
            ]
        });
        let rows: Vec<_> = rows.collect();
        let dropped: u64 = data["droppedTargetCounts"]
            .as_object()
            .map_or(0, |counts| counts.values().filter_map(Value::as_u64).sum());
        let head = ["JOB", "STATE", "SAMPLES", "TOOK", "URL", "ERROR"];
        format!("{}{} targets, {dropped} dropped\n", table(&head, &rows), rows.len())
    })
}

/// `runnel ledger`.
///
/// # Errors
/// [`Failure::Internal`] when the agent can't be asked.
pub fn ledger(address: &str, json: bool) -> Result<(), Failure> {
    show(address, "/api/v1/ledger", json, |data| {
        let sum = |value: &Value| -> u64 {
            value.as_object().map_or(0, |counts| counts.values().filter_map(Value::as_u64).sum())
        };
        let rows = array(data, "accounts").iter().map(|account| {
            vec![
                text(account, "signal"),
                text(account, "destination"),
                count(sum(&account["taken"])),
                count(number(account, "delivered")),
                count(sum(&account["dropped"])),
                count(sum(&account["rejected"])),
                count(sum(&account["held"])),
                count(number(account, "lost")),
                account["balanced"].to_string(),
            ]
        });
        let head = [
            "SIGNAL",
            "DESTINATION",
            "TAKEN",
            "DELIVERED",
            "DROPPED",
            "REJECTED",
            "HELD",
            "LOST",
            "BALANCED",
        ];
        table(&head, &rows.collect::<Vec<_>>())
    })
}

/// `runnel ring`.
///
/// # Errors
/// [`Failure::Internal`] when the agent can't be asked.
pub fn ring(address: &str, json: bool) -> Result<(), Failure> {
    show(address, "/api/v1/ring", json, |data| {
        let rows = array(data, "destinations").iter().map(|reader| {
            let age = reader["oldest_age_seconds"].as_f64();
            vec![
                text(reader, "destination"),
                text(reader, "state"),
                count(number(reader, "frames")),
                count(number(reader, "items")),
                bytes(number(reader, "bytes")),
                age.map_or("-".to_owned(), |age| span(age as u64)),
                text(reader, "last_error"),
            ]
        });
        let head = ["DESTINATION", "STATE", "FRAMES", "ITEMS", "BYTES", "OLDEST", "ERROR"];
        format!(
            "{} used of {}, {} free{}\n{}",
            bytes(number(data, "used_bytes")),
            bytes(number(data, "budget_bytes")),
            bytes(number(data, "free_bytes")),
            if data["memory_only"] == Value::Bool(true) { ", IN MEMORY ONLY" } else { "" },
            table(&head, &rows.collect::<Vec<_>>())
        )
    })
}

fn show(
    address: &str,
    path: &str,
    json: bool,
    human: impl FnOnce(&Value) -> String,
) -> Result<(), Failure> {
    let answer = ask(address, path)?;
    let data = &answer["data"];
    if json {
        println!("{data:#}");
    } else {
        print!("{}", human(data));
    }
    Ok(())
}

/// Asks the agent at `address`.
fn ask(address: &str, path: &str) -> Result<Value, Failure> {
    let url = Url::parse(address)
        .and_then(|url| url.join(path))
        .map_err(|error| Failure::Usage(format!("--address {address:?}: {error}")))?;
    let failed = |error: &dyn std::fmt::Display| {
        Failure::Internal(format!("cannot ask the agent at {url}: {error}"))
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let runtime = runtime.map_err(|error| failed(&error))?;
    let context = Context::new(format!("runnel/{VERSION}"));
    let client = Client::new(&HttpClient::default(), &context).map_err(|error| failed(&error))?;
    let client = Arc::new(client);
    let (status, _, body) = runtime
        .block_on(async {
            let deadline = Instant::now() + TIMEOUT;
            client.get(&url, HeaderMap::new(), deadline, ANSWER_BYTES_MAX).await
        })
        .map_err(|error| failed(&error))?;
    if !status.is_success() {
        return Err(failed(&format!("it answered {status}")));
    }
    serde_json::from_slice(&body).map_err(|error| failed(&error))
}

fn array<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value[name].as_array().map_or(&[], Vec::as_slice)
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or("").to_owned()
}

fn number(value: &Value, name: &str) -> u64 {
    value[name].as_u64().unwrap_or(0)
}
