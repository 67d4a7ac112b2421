//! What the owner may choose, and the sizes that follow from it.
//!
//! Owns the derivation of segment size, segment count and size limits.
//! Never knows files. Called by `Ring::open`.

const MIB: u64 = 1 << 20;

/// The least number of segments: one being written, one spare, two that hold.
const SEGMENTS_MIN: u64 = 4;
/// The number of segments that a middling budget is cut into: the spare costs an eighth.
const SEGMENTS_SMALL: u64 = 8;
/// The largest segment: recovery scans at most this, and one more is lost when a header rots.
const SEGMENT_BYTES_MAX: u64 = 64 * MIB;
/// The smallest segment of a real ring.
const SEGMENT_BYTES_MIN: u64 = MIB;
/// The smallest segment at all: below it the fixed 4 KiB header breaks the shares below.
const SEGMENT_BYTES_FLOOR: u64 = 64 << 10;
/// Segments are numbered with five digits.
const SEGMENTS_MAX: u64 = 99_999;

/// What the owner of a ring chooses.
#[derive(Clone, Debug)]
pub struct Options {
    /// Disk bytes that the segments may take together.
    ///
    /// Bounds: less than four segments' worth is raised to it.
    pub budget_bytes: u64,
    /// The largest body (note and payload); small budgets lower it.
    pub body_bytes_max: u64,
    /// RAM for frames while no disk can be written.
    pub memory_bytes: u64,
    /// Kind tags, most precious first; one that is not listed is the least precious.
    pub precious: Vec<u8>,
    /// The size of a segment, for tests; `None` derives it from the budget.
    #[doc(hidden)]
    pub segment_bytes: Option<u64>,
}

impl Options {
    /// The default choices with this budget.
    pub fn new(budget_bytes: u64) -> Options {
        Options {
            budget_bytes,
            // Twice the largest block of the agent, and room for offsets.
            body_bytes_max: 4 * MIB + (64 << 10),
            memory_bytes: 16 * MIB,
            precious: Vec::new(),
            segment_bytes: None,
        }
    }

    /// The sizes that follow.
    pub(crate) fn sizes(&self) -> Sizes {
        let segment_bytes = match self.segment_bytes {
            Some(bytes) => bytes.max(SEGMENT_BYTES_FLOOR) / 4096 * 4096,
            None => derived_segment_bytes(self.budget_bytes, self.body_bytes_max),
        };
        let segments = (self.budget_bytes / segment_bytes).clamp(SEGMENTS_MIN, SEGMENTS_MAX);
        Sizes {
            segment_bytes,
            segments: segments as u32,
            body_bytes_max: self.body_bytes_max.min(segment_bytes * 3 / 8),
            table_bytes_max: MIB.min(segment_bytes / 8),
        }
    }
}

/// An eighth of the budget in whole MiB, but enough for the largest body, and at most 64 MiB.
fn derived_segment_bytes(budget_bytes: u64, body_bytes_max: u64) -> u64 {
    let whole = |bytes: u64| (bytes / MIB * MIB).clamp(SEGMENT_BYTES_MIN, SEGMENT_BYTES_MAX);
    let wanted = whole((body_bytes_max * 8 / 3).next_multiple_of(MIB));
    whole(budget_bytes / SEGMENTS_SMALL).max(wanted.min(whole(budget_bytes / SEGMENTS_MIN)))
}

/// Sizes and limits, derived once.
///
/// Invariant: a fresh segment takes its header (1/16 at the smallest), the application table
/// (1/8), the live claims (1/8), what is carried over (1/4) and one largest body (3/8).
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sizes {
    pub segment_bytes: u64,
    pub segments: u32,
    pub body_bytes_max: u64,
    pub table_bytes_max: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_follow_the_budget() {
        // budget MiB, segment MiB, segments, largest body KiB
        let cases = [
            (1, 1, 4, 384),
            (16, 4, 4, 1536),
            (64, 11, 5, 4160),
            (256, 32, 8, 4160),
            (512, 64, 8, 4160),
            (10_240, 64, 160, 4160),
        ];
        for (budget, segment, segments, body_kib) in cases {
            let sizes = Options::new(budget * MIB).sizes();
            let found = (sizes.segment_bytes / MIB, sizes.segments, sizes.body_bytes_max >> 10);
            let body_kib = body_kib.min((sizes.segment_bytes * 3 / 8) >> 10);
            assert_eq!(found, (segment, segments, body_kib), "budget {budget} MiB");
        }
    }
}
