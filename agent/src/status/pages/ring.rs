//! `/ring`: the disk space, and what each destination still has to get.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::SystemTime;

use crate::figures::{bytes, count, span};
use crate::lane::LaneStatus;
use crate::status::html::{Escaped, figures, page, table};
use crate::store::RingView;

/// The page `/ring`.
pub fn ring(
    node: &str,
    view: &RingView,
    lanes: &BTreeMap<String, LaneStatus>,
    now: SystemTime,
) -> String {
    let mut body = String::from("<h1>Ring</h1>");
    if let Some(error) = &view.error {
        let _ = write!(body, "<p class=\"banner\">{}</p>", Escaped(error));
    }
    let degraded = view.memory_only || view.segments_quarantined > 0;
    let state = match (view.memory_only, view.segments_quarantined) {
        (true, _) => "in memory only".to_owned(),
        (false, 0) => "on disk".to_owned(),
        (false, lost) => format!("on disk, {lost} segments lost"),
    };
    let undurable = view.append_seq.saturating_sub(view.durable_seq);
    body.push_str(&figures(&[
        ("State", state, if degraded { "bad" } else { "ok" }),
        ("Used", bytes(view.used_bytes), ""),
        ("Free", bytes(view.free_bytes), ""),
        ("Budget", bytes(view.budget_bytes), ""),
        ("Segments", format!("{} ({} free)", view.segments, view.segments_free), ""),
        ("Frames appended", count(view.append_seq), ""),
        ("Frames not yet synced", count(undurable), ""),
        ("Disk errors", count(view.io_errors), if view.io_errors > 0 { "bad" } else { "ok" }),
    ]));
    let _ = write!(body, "<p class=\"dim\">Folder: <code>{}</code></p>", Escaped(&view.path));
    body.push_str("<h2>Held for each destination</h2>");
    let rows: Vec<Vec<String>> = view
        .readers
        .iter()
        .map(|reader| {
            let age = reader.oldest_age(now).map_or("—".to_owned(), |age| span(age.as_secs()));
            let state = lanes.get(&reader.name).map_or("—", |lane| lane.state.name());
            vec![
                Escaped(&reader.name).to_string(),
                state.to_owned(),
                count(reader.frames),
                count(reader.items),
                bytes(reader.bytes),
                age,
            ]
        })
        .collect();
    body.push_str(&table(&["Destination", "State", "Frames", "Samples", "Bytes", "Oldest"], &rows));
    page("/ring", node, &body)
}
