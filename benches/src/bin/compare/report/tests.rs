use super::*;
use crate::sink::Tally;

fn turn(agent: Agent, cpu_us: u64, series: u64) -> Turn {
    let tally = Tally {
        samples: 1_000,
        body_bytes: 5_000,
        series,
        fingerprint: series,
        names: [("up".to_owned(), series)].into(),
        scrape_samples: [7, 7, 7],
        ..Tally::default()
    };
    let (peak_bytes, resident_bytes) = (8 << 20, 4 << 20);
    Turn { agent, seconds: 2.0, cpu_us, peak_bytes, resident_bytes, tally }
}

#[test]
fn medians_are_in_the_middle() {
    let check = |values: &[f64], expected: f64| {
        let found = median(values.to_vec());
        assert!(found == expected || found.is_nan() && expected.is_nan(), "{values:?}");
    };
    check(&[], f64::NAN);
    check(&[3.0], 3.0);
    check(&[9.0, 1.0, 2.0], 2.0);
    check(&[4.0, 1.0, 2.0, 9.0], 3.0);
}

#[test]
fn numbers_are_readable() {
    let cases = [
        (0.0, "0"),
        (0.1254, "0.125"),
        (6.789, "6.79"),
        (12.34, "12.3"),
        (123.4, "123"),
        (302_100.0, "302,100"),
        (-1_234_567.0, "-1,234,567"),
        (f64::NAN, "-"),
    ];
    for (value, expected) in cases {
        assert_eq!(number(value), expected);
    }
}

#[test]
fn the_table_takes_the_ratio_round_by_round() {
    use Agent::{Runnel, Vmagent};
    let cpu = [(Runnel, 1), (Vmagent, 8), (Runnel, 2), (Vmagent, 20), (Runnel, 4), (Vmagent, 80)];
    let turns: Vec<Turn> = cpu.iter().map(|&(a, us)| turn(a, us * 1_000, 5)).collect();
    let found = table(&turns);
    let rows: Vec<&str> = found.lines().collect();
    assert_eq!(rows[0], "| | runnel | vmagent | runnel / vmagent | wanted |");
    assert_eq!(
        rows[2],
        "| CPU, µs per sample | 2.00 (1.00 to 4.00) | 20.0 (8.00 to 80.0) | 0.100 | \
         ≤ 0.125: met |"
    );
    assert_eq!(rows[3], "| peak resident, MiB | 8.00 | 8.00 | 1.000 | ≤ 0.500: missed |");
    assert_eq!(rows.len(), 2 + FIGURES.len());
}

#[test]
fn one_agent_alone_has_one_column() {
    let found = table(&[turn(Agent::Vmagent, 7_000, 5)]);
    assert!(found.starts_with("| | vmagent |\n|---|---|\n| CPU, µs per sample | 7.00 |\n"));
}

#[test]
fn unequal_work_is_told() {
    let check = |others: [u64; 2], expected: &str| {
        let turns = [turn(Agent::Runnel, 1, others[0]), turn(Agent::Vmagent, 1, others[1])];
        assert_eq!(same_work(&turns), expected);
    };
    check(
        [5, 5],
        "Same work: every turn delivered the same 5.00 series, 7.00 samples per scrape.\n",
    );
    check(
        [5, 6],
        "Not the same work: runnel delivered 5 series and 7 samples per scrape, vmagent 6 \
         and 7.\n- `up`: 5 and 6 series\n",
    );
}
