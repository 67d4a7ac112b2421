//! The tables: medians, spreads, ratios, and whether both agents did the same work.
//!
//! Pure: turns in, Markdown out. Called by `main`.

use std::fmt::Write;
use std::fs;

use crate::MetricsPlan;
use crate::agents::Agent;
use crate::big::BigTurn;
use crate::peer::Ready;
use crate::turn::Turn;

/// One figure of a turn.
struct Figure {
    name: &'static str,
    of: fn(&Turn) -> f64,
    /// Largest ratio to vmagent that is wanted, where one is.
    ratio_max: Option<f64>,
}

const FIGURES: [Figure; 12] = [
    Figure { name: "CPU, µs per sample", of: cpu_us_per_sample, ratio_max: Some(1.0 / 8.0) },
    Figure { name: "peak resident, MiB", of: |t| mib(t.peak_bytes), ratio_max: Some(0.5) },
    Figure { name: "resident at the end, MiB", of: |t| mib(t.resident_bytes), ratio_max: None },
    Figure {
        name: "wire, body bytes per sample",
        of: |t| per_sample(t, t.tally.body_bytes),
        ratio_max: Some(0.5),
    },
    Figure {
        name: "wire, header bytes per sample",
        of: |t| per_sample(t, t.tally.head_bytes),
        ratio_max: None,
    },
    Figure { name: "delay, median ms", of: |t| ms(t.tally.delay_median_ms), ratio_max: None },
    Figure { name: "delay, p99 ms", of: |t| ms(t.tally.delay_p99_ms), ratio_max: None },
    Figure {
        name: "samples delivered per second",
        of: |t| t.tally.samples as f64 / t.seconds,
        ratio_max: None,
    },
    Figure {
        name: "samples per scrape, median",
        of: |t| t.tally.scrape_samples[1] as f64,
        ratio_max: None,
    },
    Figure { name: "distinct series", of: |t| t.tally.series as f64, ratio_max: None },
    Figure {
        name: "metadata entries per 1,000 samples",
        of: |t| per_sample(t, t.tally.metadata) * 1e3,
        ratio_max: None,
    },
    Figure {
        name: "requests per second",
        of: |t| t.tally.requests as f64 / t.seconds,
        ratio_max: None,
    },
];

/// The report on many targets.
pub fn metrics(plan: &MetricsPlan, ready: &Ready, turns: &[Turn]) -> String {
    let mut out = format!(
        "{} targets of {} series every {} s; a page of {} samples is {} KiB of text, {} KiB of \
         gzip; {} rounds of {} s a turn, medians (least to most).\n{}\n\n",
        plan.targets(),
        number(plan.series() as f64),
        plan.interval_s(),
        number(plan.series() as f64),
        ready.page_text_bytes >> 10,
        ready.page_gzip_bytes >> 10,
        plan.rounds.max(1),
        plan.window().measured.as_secs(),
        machine(),
    );
    out.push_str(&table(turns));
    out.push('\n');
    out.push_str(&same_work(turns));
    out
}

/// One line about one turn.
pub fn summary(turn: &Turn) -> String {
    format!(
        "{} µs CPU and {} bytes per sample, peak {} MiB",
        number(cpu_us_per_sample(turn)),
        number(per_sample(turn, turn.tally.body_bytes)),
        number(mib(turn.peak_bytes)),
    )
}

/// The report on one huge page.
pub fn big(plan: &MetricsPlan, ready: &Ready, turns: &[BigTurn]) -> String {
    let body = mib(ready.page_gzip_bytes);
    let mut out = format!(
        "One page of {} samples every {} s: {} MiB of text, {} MiB of gzip. Resident memory in \
         MiB.\n{}\n\n",
        number(plan.series() as f64),
        plan.interval_s(),
        number(mib(ready.page_text_bytes)),
        number(body),
        machine(),
    );
    out.push_str(
        "| | idle | peak, first scrape | peak, both | above idle and compressed body | wanted | \
         CPU, µs per sample |\n|---|---|---|---|---|---|---|\n",
    );
    for turn in turns {
        let above = mib(turn.peak_bytes) - mib(turn.idle_bytes) - body;
        let wanted = match turn.agent {
            Agent::Runnel => verdict(above, ABOVE_MIB_MAX),
            Agent::Vmagent => String::new(),
        };
        let figures =
            [mib(turn.idle_bytes), mib(turn.first_peak_bytes), mib(turn.peak_bytes), above];
        let figures = figures.map(number).join(" | ");
        let cpu = number(turn.cpu_us as f64 / turn.samples.max(1) as f64);
        line(&mut out, format_args!("| {} | {figures} | {wanted} | {cpu} |", turn.agent));
    }
    out
}

/// One row per figure, one column per agent, the ratio when both are there.
fn table(turns: &[Turn]) -> String {
    let of = |agent: Agent| turns.iter().filter(|t| t.agent == agent).collect::<Vec<_>>();
    let (runnel, vmagent) = (of(Agent::Runnel), of(Agent::Vmagent));
    if runnel.is_empty() || vmagent.is_empty() {
        let (only, agent) =
            if runnel.is_empty() { (vmagent, Agent::Vmagent) } else { (runnel, Agent::Runnel) };
        let mut out = format!("| | {agent} |\n|---|---|\n");
        for figure in &FIGURES {
            line(&mut out, format_args!("| {} | {} |", figure.name, spread(&only, figure)));
        }
        return out;
    }
    let mut out =
        "| | runnel | vmagent | runnel / vmagent | wanted |\n|---|---|---|---|---|\n".to_owned();
    for figure in &FIGURES {
        // By rounds: what disturbs the machine disturbs both turns of a round.
        let ratios = runnel.iter().zip(&vmagent).map(|(a, b)| (figure.of)(a) / (figure.of)(b));
        let ratio = median(ratios.collect());
        line(
            &mut out,
            format_args!(
                "| {} | {} | {} | {} | {} |",
                figure.name,
                spread(&runnel, figure),
                spread(&vmagent, figure),
                if ratio.is_finite() { format!("{ratio:.3}") } else { "-".to_owned() },
                figure.ratio_max.map_or_else(String::new, |max| verdict(ratio, max)),
            ),
        );
    }
    out
}

/// Median, and fewest to most behind it.
fn spread(turns: &[&Turn], figure: &Figure) -> String {
    let values: Vec<f64> = turns.iter().map(|turn| (figure.of)(turn)).collect();
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let middle = number(median(values));
    let (low, high) = (number(low), number(high));
    if low == high { middle } else { format!("{middle} ({low} to {high})") }
}

fn verdict(found: f64, max: f64) -> String {
    let met = if found <= max { "met" } else { "missed" };
    format!("≤ {}: {met}", number(max))
}

/// Whether all turns delivered the same series and whole scrapes, and where not, what differs.
fn same_work(turns: &[Turn]) -> String {
    let mut out = String::new();
    let Some(first) = turns.first() else { return out };
    for turn in turns {
        let [fewest, median, most] = turn.tally.scrape_samples;
        if fewest != median || most != median {
            line(
                &mut out,
                format_args!(
                    "Uneven scrapes: {} delivered {fewest} to {most} samples of one scrape.",
                    turn.agent
                ),
            );
        }
    }
    let size = |turn: &Turn| (turn.tally.fingerprint, turn.tally.scrape_samples[1]);
    match turns.iter().find(|turn| size(turn) != size(first)) {
        None => line(
            &mut out,
            format_args!(
                "Same work: every turn delivered the same {} series, {} samples per scrape.",
                number(first.tally.series as f64),
                number(first.tally.scrape_samples[1] as f64),
            ),
        ),
        Some(other) => differences(first, other, &mut out),
    }
    out
}

fn differences(first: &Turn, other: &Turn, out: &mut String) {
    line(
        out,
        format_args!(
            "Not the same work: {} delivered {} series and {} samples per scrape, {} {} and {}.",
            first.agent,
            first.tally.series,
            first.tally.scrape_samples[1],
            other.agent,
            other.tally.series,
            other.tally.scrape_samples[1],
        ),
    );
    let (a, b) = (&first.tally.names, &other.tally.names);
    let mut names: Vec<&String> =
        a.keys().chain(b.keys()).filter(|name| a.get(*name) != b.get(*name)).collect();
    names.sort_unstable();
    names.dedup();
    if names.is_empty() {
        line(out, format_args!("The names agree, other labels differ."));
    }
    for name in names.iter().take(NAMES_SHOWN) {
        let count = |of: &std::collections::BTreeMap<String, u64>| {
            of.get(*name).copied().unwrap_or_default()
        };
        line(out, format_args!("- `{name}`: {} and {} series", count(a), count(b)));
    }
}

fn line(out: &mut String, text: std::fmt::Arguments<'_>) {
    writeln!(out, "{text}").expect("a string takes everything");
}

fn cpu_us_per_sample(turn: &Turn) -> f64 {
    per_sample(turn, turn.cpu_us)
}

fn per_sample(turn: &Turn, of: u64) -> f64 {
    of as f64 / turn.tally.samples.max(1) as f64
}

fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}

fn ms(delay: Option<u64>) -> f64 {
    delay.map_or(f64::NAN, |ms| ms as f64)
}

/// The middle value, the mean of the two middle ones of an even number.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match (values.get(middle), values.len() % 2) {
        (None, _) => f64::NAN,
        (Some(&value), 1) => value,
        (Some(&value), _) => (values[middle - 1] + value) / 2.0,
    }
}

/// Three significant digits below 100, whole and grouped above.
fn number(value: f64) -> String {
    if !value.is_finite() {
        return "-".to_owned();
    }
    match value.abs() {
        0.0 => "0".to_owned(),
        ..1.0 => format!("{value:.3}"),
        ..10.0 => format!("{value:.2}"),
        ..100.0 => format!("{value:.1}"),
        _ => grouped(value.round() as i64),
    }
}

fn grouped(value: i64) -> String {
    let digits = value.unsigned_abs().to_string();
    let mut out = String::from(if value < 0 { "-" } else { "" });
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// What the figures were taken on.
fn machine() -> String {
    let read = |path: &str| fs::read_to_string(path).unwrap_or_default();
    let cpus = read("/proc/cpuinfo");
    let model = cpus
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("unknown processor", |(_, model)| model);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let kernel = read("/proc/sys/kernel/osrelease");
    let load = read("/proc/loadavg");
    format!(
        "{cores} cores of {model}, kernel {}, load {} at the end.",
        kernel.trim(),
        load.split(' ').next().unwrap_or("unknown"),
    )
}

/// Names of metrics that a report on differences shows.
const NAMES_SHOWN: usize = 20;
/// What a huge page may take above idle and its compressed body. Unit: MiB.
const ABOVE_MIB_MAX: f64 = 64.0;

#[cfg(test)]
mod tests;
