//! Scanning eight bytes at a time, without unsafe code.
//!
//! Owns the bit tricks. Values of labels are short (10 to 40 bytes), so a call of a vectorised
//! search would cost more than it finds.

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGHS: u64 = 0x8080_8080_8080_8080;

/// Eight bytes at `at`, the first one lowest; `None` near the end of `text`.
#[inline]
pub(super) fn load8(text: &[u8], at: usize) -> Option<u64> {
    let bytes = text.get(at..at + 8)?;
    Some(u64::from_le_bytes(bytes.try_into().ok()?))
}

/// Sixteen bytes at `at`, the first one lowest; `None` near the end of `text`.
#[inline]
pub(super) fn load16(text: &[u8], at: usize) -> Option<u128> {
    let bytes = text.get(at..at + 16)?;
    Some(u128::from_le_bytes(bytes.try_into().ok()?))
}

/// Marks the bytes of `word` that are `byte`, and perhaps bytes above the first one marked.
#[inline]
const fn equal(word: u64, byte: u8) -> u64 {
    let zeros = word ^ (ONES * byte as u64);
    zeros.wrapping_sub(ONES) & !zeros & HIGHS
}

/// Marks the bytes that are a control character or not ASCII, and perhaps bytes above the first
/// one marked.
#[inline]
const fn unusual(word: u64) -> u64 {
    (word.wrapping_sub(ONES * 0x20) | word) & HIGHS
}

/// The first byte from `at` on that is `a` or `b`, a control character or not ASCII.
///
/// `None` where the end of `text` comes too near to tell.
#[inline]
pub(super) fn find(text: &[u8], mut at: usize, a: u8, b: u8) -> Option<usize> {
    loop {
        let word = load8(text, at)?;
        let marks = equal(word, a) | equal(word, b) | unusual(word);
        if marks != 0 {
            // The borrow of the subtractions only reaches upwards, so the lowest mark is right.
            return Some(at + (marks.trailing_zeros() / 8) as usize);
        }
        at += 8;
    }
}
