//! The agent's own resources: disk, hop, memory, server.

use super::view::View;
use crate::scalar::show_size;
use crate::settings::{Buffer, Link, LinkWindow, Memory, Server, Sharers};
use crate::units::{BitsPerSecond, Bytes};

/// Smallest ring: eight frames of the largest size, so that writing and sending can overlap.
const BUFFER_BYTES_MIN: Bytes = Bytes::mib(4);

/// Smallest memory bound: the largest scrape body and nothing else.
const MEMORY_BYTES_MIN: Bytes = Bytes::mib(16);

/// Lowest rate: at 64 kbit a frame of 512 KiB takes a minute.
const RATE_MIN: BitsPerSecond = BitsPerSecond(64_000);

pub(super) fn buffer(view: &View<'_>) -> Buffer {
    Buffer {
        path: view.path_opt("path").expect("the register has a default"),
        size: at_least(view, "size", BUFFER_BYTES_MIN),
        metrics_age_max: view.duration("metrics_age_max"),
        logs_age_max: view.duration("logs_age_max"),
    }
}

pub(super) fn memory(view: &View<'_>) -> Memory {
    Memory { limit: at_least(view, "limit", MEMORY_BYTES_MIN) }
}

pub(super) fn server(view: &View<'_>) -> Server {
    Server { listen: view.address("listen") }
}

pub(super) fn link(view: &View<'_>) -> Link {
    if view.has("rate") && view.has("capacity") {
        view.error("capacity", "stands beside `rate`, expected one of them");
    }
    for key in ["share", "sharers"] {
        if view.has(key) && !view.has("capacity") {
            view.error(key, "is given without `capacity`");
        }
    }
    let share = view.share("share");
    if share == 0.0 {
        view.error("share", "found 0, expected a share above 0");
    }
    Link {
        rate: rate(view, "rate"),
        backlog_share: view.share("backlog_share"),
        capacity: rate(view, "capacity"),
        share,
        sharers: sharers(view),
        windows: view.list("windows").iter().map(window).collect(),
    }
}

fn rate(view: &View<'_>, key: &str) -> Option<BitsPerSecond> {
    let rate = view.rate_opt(key)?;
    if rate < RATE_MIN {
        view.error(key, format!("found {} bits per second, expected 64kbit or more", rate.0));
    }
    Some(rate)
}

fn sharers(view: &View<'_>) -> Sharers {
    let text = view.text("sharers");
    match crate::scalar::parse_count(&text) {
        _ if text == "auto" => Sharers::Auto,
        Ok(count) if count > 0 => Sharers::Count(count),
        _ => {
            view.error("sharers", format!("found {text:?}, expected auto or a count above 0"));
            Sharers::Auto
        }
    }
}

fn window(view: &View<'_>) -> LinkWindow {
    let window = LinkWindow {
        from_minute: view.time("from"),
        to_minute: view.time("to"),
        rate: rate(view, "rate").unwrap_or_default(),
    };
    if window.from_minute == window.to_minute && view.has("to") {
        view.error("to", "is the same as `from`");
    }
    window
}

fn at_least(view: &View<'_>, key: &str, min: Bytes) -> Bytes {
    let size = view.size(key);
    if size < min {
        let (size, min) = (show_size(size), show_size(min));
        view.error(key, format!("found {size}, expected {min} or more"));
    }
    size
}
