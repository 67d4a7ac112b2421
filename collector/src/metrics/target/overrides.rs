//! Labels that override a setting for one target.
//!
//! Owns their names and how their values are read. Never knows who wrote them.
//! Source: vmagent's `promscrape/config.go`. `__stream_parse__` has no meaning here, since every
//! page is read in one pass; `__tenant_id__` and `__unix_socket__` are not supported.

use runnel_config::settings::ScrapeLimits;
use runnel_config::units::{Bytes, Millis};

use super::{DropReason, TargetBuilder};
use crate::labels::Labels;

/// Longest span that a label may give: a hundred years, as the largest unit suggests.
const MILLIS_MAX: f64 = 100.0 * 365.0 * 86_400_000.0;

/// Times and limits of one target.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Overrides {
    pub interval: Millis,
    pub timeout: Millis,
    pub limits: ScrapeLimits,
}

impl Overrides {
    /// Reads a target's labels, with the job's settings where there is none.
    ///
    /// # Errors
    /// A label that does not parse.
    pub(super) fn read(labels: &Labels, builder: &TargetBuilder) -> Result<Self, DropReason> {
        let job = &builder.job;
        let span = |name, known: &str, default| match labels.value(name) {
            "" => Ok(default),
            same if same == known => Ok(default),
            text => duration(text).ok_or_else(|| refuse(name, text, "a span above 0 such as 30s")),
        };
        let count = |name, default: u64| match labels.value(name) {
            "" => Ok(default),
            // A negative limit is none, as 0 is.
            text => match text.parse::<i64>() {
                Ok(count) => Ok(u64::try_from(count).unwrap_or(0)),
                Err(_) => Err(refuse(name, text, "a whole number")),
            },
        };
        let size = |name, default| match labels.value(name) {
            "" => Ok(default),
            text => match bytes(text) {
                Some(Bytes(0)) => Ok(default),
                Some(size) => Ok(size),
                None => Err(refuse(name, text, "a size such as 16MiB")),
            },
        };
        let interval = span("__scrape_interval__", &builder.interval_text, job.scrape_interval)?;
        let timeout = span("__scrape_timeout__", &builder.timeout_text, job.scrape_timeout)?;
        let limits = ScrapeLimits {
            body_bytes_max: size("__max_scrape_size__", job.limits.body_bytes_max)?,
            label_limit: count("__label_limit__", job.limits.label_limit)?,
            sample_limit: count("__sample_limit__", job.limits.sample_limit)?,
            series_limit: count("__series_limit__", job.limits.series_limit)?,
            ..job.limits
        };
        // A scrape that outlasts its interval would run into the next one.
        Ok(Self { interval, timeout: timeout.min(interval), limits })
    }
}

fn refuse(name: &'static str, value: &str, expected: &'static str) -> DropReason {
    DropReason::Label { name, value: value.to_owned(), expected }
}

/// A span as Go prints it, which is what rules see in `__scrape_interval__`: `30s`, `1m0s`.
pub(super) fn go_duration(span: Millis) -> String {
    let Millis(ms) = span;
    if ms == 0 {
        return "0s".to_owned();
    }
    if ms < 1000 {
        return format!("{ms}ms");
    }
    let (hours, minutes, rest) = (ms / 3_600_000, ms / 60_000 % 60, ms % 60_000);
    let mut seconds = (rest / 1000).to_string();
    if rest % 1000 > 0 {
        let fraction = format!("{:03}", rest % 1000);
        seconds = format!("{seconds}.{}", fraction.trim_end_matches('0'));
    }
    match (hours, minutes) {
        (0, 0) => format!("{seconds}s"),
        (0, _) => format!("{minutes}m{seconds}s"),
        _ => format!("{hours}h{minutes}m{seconds}s"),
    }
}

/// A span above 0: numbers with units, such as `1h30m` or `1.5s`; seconds without a unit.
fn duration(text: &str) -> Option<Millis> {
    let mut ms = 0.0;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(rest.len());
        let (number, behind) = rest.split_at(digits);
        let letters = behind.find(|c: char| !c.is_ascii_alphabetic()).unwrap_or(behind.len());
        let (unit, behind) = behind.split_at(letters);
        let factor = match unit.to_ascii_lowercase().as_str() {
            "" if number.len() == text.len() => 1000.0,
            "ms" => 1.0,
            "s" => 1000.0,
            "m" => 60_000.0,
            "h" => 3_600_000.0,
            "d" => 86_400_000.0,
            "w" => 7.0 * 86_400_000.0,
            "y" => 365.0 * 86_400_000.0,
            _ => return None,
        };
        ms += number.parse::<f64>().ok()? * factor;
        rest = behind;
    }
    (1.0..=MILLIS_MAX).contains(&ms).then_some(Millis(ms as u64))
}

/// A size: a number with `KB`, `MB`, `GB`, `TB`, `KiB`, `MiB`, `GiB` or `TiB`, in any case, or bytes.
fn bytes(text: &str) -> Option<Bytes> {
    let upper = text.trim().to_ascii_uppercase();
    let units = [
        ("KIB", 1024.0),
        ("MIB", f64::from(1 << 20)),
        ("GIB", f64::from(1 << 30)),
        ("TIB", 1024.0 * f64::from(1 << 30)),
        ("KB", 1e3),
        ("MB", 1e6),
        ("GB", 1e9),
        ("TB", 1e12),
    ];
    let unit = units.iter().find_map(|(unit, factor)| Some((upper.strip_suffix(unit)?, *factor)));
    let (number, factor) = unit.unwrap_or((&upper, 1.0));
    let plain = number.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    let size = number.trim().parse::<f64>().ok().filter(|_| plain)? * factor;
    // Above this a float no longer counts single bytes.
    (size < f64::from(1 << 30) * f64::from(1 << 22)).then_some(Bytes(size as u64))
}
