//! Scalars: text to numbers with units, and back.
//!
//! Owns: the grammar of every unit, and what a message calls it.
//! Never knows: keys, trees.
//! Invariants: each `parse` answers what was expected when it fails; each `show` prints a text that
//! its `parse` reads back to the same value.
//! Called by the decoder, the register's defaults and `render`.

use std::net::SocketAddr;

use url::Url;

use crate::units::{BitsPerSecond, Bytes, Millis};

#[cfg(test)]
mod tests;

/// What was expected, for a message.
pub(crate) type Expected = &'static str;

/// Longest duration: a century. Above it a number was meant in another unit.
const DURATION_MS_MAX: u64 = 100 * 365 * 86_400_000;

/// Units of durations in milliseconds, the largest first. Source: Prometheus' durations.
const DURATION_UNITS: [(&str, u64); 7] = [
    ("y", 365 * 86_400_000),
    ("w", 7 * 86_400_000),
    ("d", 86_400_000),
    ("h", 3_600_000),
    ("m", 60_000),
    ("s", 1_000),
    ("ms", 1),
];

/// Reads a truth value. Source: YAML 1.1, which Prometheus reads.
pub(crate) fn parse_bool(text: &str) -> Result<bool, Expected> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "y" => Ok(true),
        "false" | "no" | "off" | "n" => Ok(false),
        _ => Err("true or false"),
    }
}

/// Reads a count.
pub(crate) fn parse_count(text: &str) -> Result<u64, Expected> {
    let digits = text.replace('_', "");
    if !digits.starts_with(|c: char| c.is_ascii_digit()) {
        return Err("a whole number, 0 or above");
    }
    digits.parse().map_err(|_| "a whole number, 0 or above")
}

/// Reads any number.
pub(crate) fn parse_number(text: &str) -> Result<f64, Expected> {
    text.parse().ok().filter(|number: &f64| number.is_finite()).ok_or("a number")
}

/// Reads a duration: Prometheus' `1h30m`, vmagent's `1.5h`, and a bare number of seconds.
pub(crate) fn parse_duration(text: &str) -> Result<Millis, Expected> {
    const EXPECTED: Expected = "a duration such as 500ms, 30s, 1h30m or 7d";
    if let Some(seconds) = decimal(text) {
        return millis(seconds * 1_000.0).ok_or(EXPECTED);
    }
    let mut rest = text;
    let mut total = 0.0;
    let mut units = DURATION_UNITS.iter();
    while !rest.is_empty() {
        let number_len = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or(EXPECTED)?;
        let (number, tail) = rest.split_at(number_len);
        let unit_len = tail.find(|c: char| !c.is_ascii_lowercase()).unwrap_or(tail.len());
        let (unit, tail) = tail.split_at(unit_len);
        // Going on in the same iterator keeps the units in order and each at most once.
        let (_, unit_ms) = units.find(|(name, _)| *name == unit).ok_or(EXPECTED)?;
        total += decimal(number).ok_or(EXPECTED)? * *unit_ms as f64;
        rest = tail;
    }
    if text.is_empty() { Err(EXPECTED) } else { millis(total).ok_or(EXPECTED) }
}

/// Reads a size: plain bytes, decimal `16MB`, binary `16MiB`.
pub(crate) fn parse_size(text: &str) -> Result<Bytes, Expected> {
    const EXPECTED: Expected = "a size such as 8GiB, 512MiB, 16MB or plain bytes";
    size(text, 1000).ok_or(EXPECTED)
}

/// Reads a size in which `16MB` is binary too. Source: Prometheus' `body_size_limit`.
pub(crate) fn parse_size_binary(text: &str) -> Result<Bytes, Expected> {
    const EXPECTED: Expected = "a size such as 16MB or 16MiB";
    size(text, 1024).ok_or(EXPECTED)
}

/// Reads a rate on the wire: `160Mbit`, decimal, in bits per second.
pub(crate) fn parse_rate(text: &str) -> Result<BitsPerSecond, Expected> {
    const EXPECTED: Expected = "a rate such as 500kbit, 160Mbit or 1Gbit";
    let (number, unit) = split_unit(text);
    let factor: f64 = match unit {
        "bit" => 1.0,
        "kbit" | "Kbit" => 1e3,
        "Mbit" => 1e6,
        "Gbit" => 1e9,
        _ => return Err(EXPECTED),
    };
    let bits = decimal(number).ok_or(EXPECTED)? * factor;
    whole(bits).map(BitsPerSecond).ok_or(EXPECTED)
}

/// Reads a share: `50%` or `0.5`.
pub(crate) fn parse_share(text: &str) -> Result<f64, Expected> {
    const EXPECTED: Expected = "a share such as 50% or 0.5, from 0 to 1";
    let share = match text.strip_suffix('%') {
        Some(percent) => decimal(percent.trim_end()).map(|percent| percent / 100.0),
        None => decimal(text),
    };
    share.filter(|share| *share <= 1.0).ok_or(EXPECTED)
}

/// Reads a time of day as minutes since midnight.
pub(crate) fn parse_time(text: &str) -> Result<u16, Expected> {
    const EXPECTED: Expected = "a time of day such as 22:00";
    let (hours, minutes) = text.split_once(':').ok_or(EXPECTED)?;
    let part = |text: &str, max: u16| {
        let fits = text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit());
        text.parse().ok().filter(|number: &u16| fits && *number <= max)
    };
    match (part(hours, 24), part(minutes, 59)) {
        (Some(hours), Some(minutes)) if hours * 60 + minutes <= 24 * 60 => Ok(hours * 60 + minutes),
        _ => Err(EXPECTED),
    }
}

/// Reads an address to listen on; `:9480` means all interfaces.
pub(crate) fn parse_address(text: &str) -> Result<SocketAddr, Expected> {
    let whole = if text.starts_with(':') { format!("0.0.0.0{text}") } else { text.to_owned() };
    whole.parse().map_err(|_| "an address and port such as 0.0.0.0:9480 or [::]:9480")
}

/// Checks an `http://` or `https://` URL with a host; the text stays as it was written.
pub(crate) fn parse_url(text: &str) -> Result<Url, Expected> {
    let url = Url::parse(text).map_err(|_| "a URL such as https://host/path")?;
    // The parser also takes `http:host` and `http:///host`, where a password would hide from masks.
    let written = text.split_once("://").is_some_and(|(scheme, rest)| {
        scheme.eq_ignore_ascii_case(url.scheme()) && !rest.starts_with(['/', '\\'])
    });
    match url.scheme() {
        "http" | "https" if url.has_host() && written => Ok(url),
        _ => Err("a URL that begins with http:// or https://"),
    }
}

/// Prints a duration; whole units only.
pub(crate) fn show_duration(span: Millis) -> String {
    let mut rest = span.0;
    let mut out = String::new();
    for (unit, unit_ms) in DURATION_UNITS {
        // Years and weeks are read, never written: 90d says more than 12w6d.
        if matches!(unit, "y" | "w") || rest < unit_ms {
            continue;
        }
        out.push_str(&format!("{}{unit}", rest / unit_ms));
        rest %= unit_ms;
    }
    if out.is_empty() { "0s".to_owned() } else { out }
}

/// Prints a size in the largest binary unit that divides it.
pub(crate) fn show_size(size: Bytes) -> String {
    for (unit, shift) in [("TiB", 40), ("GiB", 30), ("MiB", 20), ("KiB", 10)] {
        if size.0 > 0 && size.0.trailing_zeros() >= shift {
            return format!("{}{unit}", size.0 >> shift);
        }
    }
    size.0.to_string()
}

/// Prints a rate in the largest unit that divides it.
pub(crate) fn show_rate(rate: BitsPerSecond) -> String {
    for (unit, factor) in [("Gbit", 1_000_000_000), ("Mbit", 1_000_000), ("kbit", 1_000)] {
        if rate.0 > 0 && rate.0.is_multiple_of(factor) {
            return format!("{}{unit}", rate.0 / factor);
        }
    }
    format!("{}bit", rate.0)
}

/// Prints a share: as a percentage where that is exact, as a number otherwise.
pub(crate) fn show_share(share: f64) -> String {
    let percent = (share * 100.0).round();
    if percent / 100.0 == share { format!("{percent}%") } else { share.to_string() }
}

/// Prints a time of day.
pub(crate) fn show_time(minutes: u16) -> String {
    format!("{:02}:{:02}", minutes / 60, minutes % 60)
}

/// A decimal number without sign and exponent.
fn decimal(text: &str) -> Option<f64> {
    let digits = text.starts_with(|c: char| c.is_ascii_digit())
        && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    if digits { text.parse().ok() } else { None }
}

fn millis(ms: f64) -> Option<Millis> {
    whole(ms).filter(|ms| *ms <= DURATION_MS_MAX).map(Millis)
}

/// The nearest whole number; `None` above 2^53, where a float no longer holds each of them.
fn whole(number: f64) -> Option<u64> {
    let rounded = number.round();
    ((0.0..=9_007_199_254_740_992.0).contains(&rounded)).then_some(rounded as u64)
}

fn split_unit(text: &str) -> (&str, &str) {
    let at = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(at);
    (number, unit.trim_start())
}

fn size(text: &str, decimal_base: u64) -> Option<Bytes> {
    let (number, unit) = split_unit(text);
    let (prefix, base) = match unit.strip_suffix("iB").or_else(|| unit.strip_suffix('i')) {
        Some(prefix) => (prefix, 1024),
        None => (unit.strip_suffix('B').unwrap_or(unit), decimal_base),
    };
    let power = match prefix {
        "" => 0,
        "k" | "K" => 1,
        "M" => 2,
        "G" => 3,
        "T" => 4,
        _ => return None,
    };
    if power == 0 && unit.contains('i') {
        return None;
    }
    whole(decimal(number)? * (base as f64).powi(power)).map(Bytes)
}
