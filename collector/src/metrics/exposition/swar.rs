//! Scanning eight and sixteen bytes at a time, without unsafe code.
//!
//! Owns the bit tricks. Values of labels are short (10 to 40 bytes), so a call of a vectorised
//! search would cost more than it finds.

use wide::i8x16;

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

/// Marks, bit by bit, the bytes of sixteen that are `a` or `b`, a control character or not ASCII.
#[inline]
fn marks(bytes: [u8; 16], a: u8, b: u8) -> u32 {
    let bytes = i8x16::from(bytes.map(u8::cast_signed));
    let equal =
        bytes.simd_eq(i8x16::splat(a.cast_signed())) | bytes.simd_eq(i8x16::splat(b.cast_signed()));
    // As signed numbers, all that is not ASCII lies below the control characters.
    (equal | bytes.simd_lt(i8x16::splat(0x20))).to_bitmask()
}

/// The first byte from `at` on that is `a` or `b`, a control character or not ASCII.
///
/// `None` where the end of `text` comes too near to tell. 32 bytes are looked at in one go, so
/// that the usual value takes no branch that its length decides: such branches are guessed wrong
/// once a label, and cost more than the compares.
#[inline]
pub(super) fn find(text: &[u8], mut at: usize, a: u8, b: u8) -> Option<usize> {
    loop {
        let pair: &[u8; 32] = text.get(at..at + 32)?.try_into().ok()?;
        let (low, high) = pair.split_at(16);
        let low = marks(low.try_into().ok()?, a, b);
        let high = marks(high.try_into().ok()?, a, b);
        let found = low | high << 16;
        if found != 0 {
            return Some(at + found.trailing_zeros() as usize);
        }
        at += 32;
    }
}

/// Reads the decimal digits of eight bytes: how many stand at their start, and their value.
#[inline]
pub(super) fn digits8(word: u64) -> (u32, u64) {
    let digits = word ^ (ONES * u64::from(b'0'));
    // A byte above 9 reaches its high bit, or has it; a carry only reaches upwards.
    let others = (digits.wrapping_add(ONES * 0x76) | digits) & HIGHS;
    let count = (others.trailing_zeros() / 8).min(8);
    if count == 0 {
        return (0, 0);
    }
    // The digits move to the top, so that zeros stand before them.
    let digits = digits << (64 - 8 * count);
    let pairs = digits.wrapping_mul(10).wrapping_add(digits >> 8) & 0x00ff_00ff_00ff_00ff;
    let fours = pairs.wrapping_mul(100).wrapping_add(pairs >> 16) & 0x0000_ffff_0000_ffff;
    let value = fours.wrapping_mul(10_000).wrapping_add(fours >> 32) & 0xffff_ffff;
    (count, value)
}
