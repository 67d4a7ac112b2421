//! Numbers of a page: values and timestamps.
//!
//! Owns exactness: the quick way (Clinger) is taken only where a double holds the digits and the
//! power of ten exactly; everything else goes to the standard library.

use super::swar::{digits8, load8};

/// Powers of ten that a double holds exactly.
const TENS: [f64; 23] = [
    1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
    1e17, 1e18, 1e19, 1e20, 1e21, 1e22,
];

/// Powers of ten as integers.
const WHOLE_TENS: [u64; 9] =
    [1, 10, 100, 1_000, 10_000, 100_000, 1_000_000, 10_000_000, 100_000_000];

/// Largest integer up to which a double holds every integer.
const EXACT_MAX: u64 = 1 << 53;

/// Digits that always fit in 64 bits.
const DIGITS_MAX: usize = 19;

/// Reads a plain decimal number at `at` as long as the quick way is exact.
///
/// Returns the value and where the number ends; the caller looks at what follows. `None` for
/// everything else: infinities, long mantissas, large exponents, no number at all.
#[inline]
pub(super) fn quick(text: &[u8], mut at: usize) -> Option<(f64, usize)> {
    let negative = *text.get(at)? == b'-';
    at += usize::from(negative);
    let start = at;
    let mut mantissa = 0u64;
    at = digits(text, at, &mut mantissa);
    let mut count = at - start;
    let mut exponent = 0i64;
    if text.get(at) == Some(&b'.') {
        let point = at + 1;
        at = digits(text, point, &mut mantissa);
        exponent = -((at - point) as i64);
        count += at - point;
    }
    if count == 0 || count > DIGITS_MAX || mantissa > EXACT_MAX {
        return None;
    }
    if let Some(b'e' | b'E') = text.get(at) {
        let (power, end) = power(text, at + 1)?;
        exponent += power;
        at = end;
    }
    let tens = *TENS.get(usize::try_from(exponent.abs()).ok()?)?;
    let value = mantissa as f64;
    let value = if exponent < 0 { value / tens } else { value * tens };
    Some((if negative { -value } else { value }, at))
}

/// Adds the digits at `at` to `number`, which wraps beyond [`DIGITS_MAX`]; returns their end.
#[inline]
fn digits(text: &[u8], mut at: usize, number: &mut u64) -> usize {
    while let Some(word) = load8(text, at) {
        let (count, value) = digits8(word);
        let shifted = number.wrapping_mul(*WHOLE_TENS.get(count as usize).unwrap_or(&1));
        *number = shifted.wrapping_add(value);
        at += count as usize;
        if count < 8 {
            return at;
        }
    }
    digits_near_end(text, at, number)
}

/// The same, digit by digit.
fn digits_near_end(text: &[u8], mut at: usize, number: &mut u64) -> usize {
    while let Some(digit) = text.get(at).map(|byte| byte.wrapping_sub(b'0'))
        && digit < 10
    {
        *number = number.wrapping_mul(10).wrapping_add(u64::from(digit));
        at += 1;
    }
    at
}

/// Reads the exponent behind an `e`.
fn power(text: &[u8], mut at: usize) -> Option<(i64, usize)> {
    let sign = text.get(at)?;
    let negative = *sign == b'-';
    at += usize::from(matches!(sign, b'-' | b'+'));
    let mut power = 0;
    let end = digits(text, at, &mut power);
    if end == at || end - at > 4 {
        return None;
    }
    let power = power as i64;
    Some((if negative { -power } else { power }, end))
}

/// Reads a whole token as a value.
///
/// What vmagent takes is taken: `1.`, `.5`, exponents, and `Inf`, `Infinity` and `NaN` in any
/// case; a leading `+` too, as Prometheus does. No hexadecimal, no underscores: neither peer takes
/// them.
pub(super) fn value(token: &[u8]) -> Option<f64> {
    if let Some((value, end)) = quick(token, 0)
        && end == token.len()
    {
        return Some(value);
    }
    std::str::from_utf8(token).ok()?.parse().ok()
}

/// Reads integer digits at `at`: the usual timestamp.
#[inline]
pub(super) fn integer(text: &[u8], at: usize) -> Option<(i64, usize)> {
    let mut number = 0;
    let end = digits(text, at, &mut number);
    // 18 digits stay below 2^63.
    (end > at && end - at <= 18).then_some((number as i64, end))
}

/// Seconds and milliseconds are told apart by size, as vmagent does: milliseconds below 2^31 are
/// of January 1970.
#[inline]
pub(super) fn text_timestamp_ms(timestamp: i64) -> i64 {
    const SECONDS_BELOW: i64 = 1 << 31;
    if (-SECONDS_BELOW..SECONDS_BELOW).contains(&timestamp) { timestamp * 1_000 } else { timestamp }
}

/// Reads a whole token as a timestamp of the text format, in milliseconds.
pub(super) fn text_timestamp(token: &[u8]) -> Option<i64> {
    if let Some((timestamp, end)) = integer(token, 0)
        && end == token.len()
    {
        return Some(text_timestamp_ms(timestamp));
    }
    let timestamp = value(token).filter(|t| t.is_finite())?;
    let seconds = (-2_147_483_648.0..2_147_483_648.0).contains(&timestamp);
    // `as` clamps what no integer holds.
    Some(if seconds { timestamp * 1_000.0 } else { timestamp } as i64)
}

/// Reads a whole token as a timestamp of OpenMetrics: seconds, with a fraction.
pub(super) fn open_metrics_timestamp(token: &[u8]) -> Option<i64> {
    let seconds = value(token).filter(|t| t.is_finite())?;
    Some((seconds * 1_000.0).round() as i64)
}
