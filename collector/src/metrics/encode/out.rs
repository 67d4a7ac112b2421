//! The buffer that series are written to.
//!
//! Owns the cursor and the length prefix of a series; knows the wire format and nothing above it.
//! Invariant: `at <= buf.len()`; bytes beyond `at` are initialised and mean nothing.
//! The spare bytes behind the cursor let short copies move 32 or 64 bytes whatever their length
//! is: a copy of known size is a few instructions where one of unknown size is a call.

use super::{
    TAG_DOUBLE_1, TAG_DOUBLE_2, TAG_EXEMPLAR, TAG_LABEL, TAG_SAMPLE, TAG_SERIES, TAG_VARINT_2,
    TAG_VARINT_3, put_label, put_varint, value_bits, varint_len,
};

/// Room that is always left behind what a caller asked for. Derivation: one copy of the larger
/// width (64) and the largest sample (1 tag + 1 length + 9 value + 11 timestamp), rounded up.
const SPARE_BYTES: usize = 96;

/// Width of the usual copy of known size. Derivation: two 16-byte registers; most label values
/// and names are shorter.
const WIDE: usize = 32;

/// Width of the larger copy of known size: four registers; most constant labels are shorter.
const WIDER: usize = 64;

/// Bytes left free for the length of a series: 128 to 16,383 is by far the usual size.
const LEN_BYTES_GUESS: usize = 2;

/// Most bytes that the length of a series may take (a series is far below 2^28).
const LEN_BYTES_MAX: usize = 4;

/// A buffer of top-level fields of a `WriteRequest`.
#[derive(Debug, Default)]
pub struct Out {
    buf: Vec<u8>,
    at: usize,
}

/// Where a series began.
#[derive(Clone, Copy, Debug)]
pub struct Mark(usize);

impl Mark {
    /// Where the labels of the series begin.
    fn body(self) -> usize {
        self.0 + 1 + LEN_BYTES_GUESS
    }
}

impl Out {
    /// What was written.
    pub fn bytes(&self) -> &[u8] {
        self.buf.get(..self.at).unwrap_or_default()
    }

    /// Number of bytes written.
    pub fn len(&self) -> usize {
        self.at
    }

    /// Whether nothing was written.
    pub fn is_empty(&self) -> bool {
        self.at == 0
    }

    /// Forgets what was written, keeps the memory up to `keep_bytes`.
    pub fn clear(&mut self, keep_bytes: usize) {
        self.at = 0;
        if self.buf.len() > keep_bytes {
            self.buf.truncate(keep_bytes);
            self.buf.shrink_to_fit();
        }
    }

    /// Begins a series and makes room for `room` bytes of it.
    #[inline]
    pub fn begin(&mut self, room: usize) -> Mark {
        self.reserve(room + 1 + LEN_BYTES_MAX);
        let mark = Mark(self.at);
        self.at = mark.body();
        mark
    }

    /// Takes the series back.
    #[inline]
    pub fn rollback(&mut self, mark: Mark) {
        self.at = mark.0;
    }

    /// The labels written since `mark`.
    #[inline]
    pub fn labels(&self, mark: Mark) -> &[u8] {
        self.buf.get(mark.body()..self.at).unwrap_or_default()
    }

    /// Puts other labels in place of those written since `mark`.
    pub fn replace_labels(&mut self, mark: Mark, labels: &[u8]) {
        self.at = mark.body();
        self.reserve(labels.len());
        self.bytes_exact(labels);
    }

    /// Ends the series: writes its sample and its length.
    #[inline]
    pub fn finish(&mut self, mark: Mark, value: f64, timestamp_ms: i64) {
        self.sample(value, timestamp_ms);
        self.close(mark);
    }

    /// Writes the sample of a series that [`Out::close`] will end.
    #[inline]
    pub fn sample(&mut self, value: f64, timestamp_ms: i64) {
        self.reserve(0);
        let len = 10 + varint_len(timestamp_ms as u64);
        let mut head = [TAG_SAMPLE, len as u8, TAG_DOUBLE_1, 0, 0, 0, 0, 0, 0, 0, 0, TAG_VARINT_2];
        head[3..11].copy_from_slice(&value_bits(value).to_le_bytes());
        self.array(head);
        self.varint(timestamp_ms as u64);
    }

    /// Writes an exemplar of a series that [`Out::close`] will end.
    pub fn exemplar<'a>(
        &mut self,
        labels: impl Iterator<Item = (&'a [u8], &'a [u8])>,
        value: f64,
        timestamp_ms: Option<i64>,
    ) {
        let mut body = Vec::with_capacity(128);
        for (name, label_value) in labels {
            put_label(&mut body, name, label_value);
        }
        body.push(TAG_DOUBLE_2);
        body.extend_from_slice(&value_bits(value).to_le_bytes());
        if let Some(timestamp_ms) = timestamp_ms {
            body.push(TAG_VARINT_3);
            put_varint(&mut body, timestamp_ms as u64);
        }
        self.reserve(body.len() + 16);
        self.array([TAG_EXEMPLAR]);
        self.varint(body.len() as u64);
        self.bytes_exact(&body);
    }

    /// Ends the series: writes its length.
    #[inline]
    pub fn close(&mut self, mark: Mark) {
        let len = self.at - mark.body();
        self.buf[mark.0] = TAG_SERIES;
        if (0x80..0x4000).contains(&len) {
            self.buf[mark.0 + 1] = len as u8 | 0x80;
            self.buf[mark.0 + 2] = (len >> 7) as u8;
        } else {
            self.close_moved(mark, len);
        }
    }

    /// Ends a series whose length does not take the guessed number of bytes.
    #[cold]
    fn close_moved(&mut self, mark: Mark, len: usize) {
        let to = mark.0 + 1 + varint_len(len as u64);
        self.reserve(LEN_BYTES_MAX);
        self.buf.copy_within(mark.body()..mark.body() + len, to);
        self.at = mark.0 + 1;
        self.varint(len as u64);
        self.at += len;
    }

    /// Copies `source[start..start + len]`, and spare bytes behind it where that is faster.
    ///
    /// The caller has made room by [`Out::begin`].
    #[inline]
    pub fn copy(&mut self, source: &[u8], start: usize, len: usize) {
        let copied = if len <= WIDE {
            self.copy_wide::<WIDE>(source, start)
        } else {
            len <= WIDER && self.copy_wide::<WIDER>(source, start)
        };
        if copied {
            self.at += len;
        } else {
            self.bytes_exact(source.get(start..start + len).unwrap_or_default());
        }
    }

    /// Copies `N` bytes without moving the cursor; says no near the end of `source`.
    #[inline]
    fn copy_wide<const N: usize>(&mut self, source: &[u8], start: usize) -> bool {
        let wide = source.get(start..start + N);
        let to = self.buf.get_mut(self.at..self.at + N);
        let (Some(wide), Some(to)) = (wide, to) else { return false };
        to.copy_from_slice(wide);
        true
    }

    /// Writes a label whose head (`tag, length, name field, value tag, value length`) stands ready
    /// in `source`, after `lead` constant bytes; the two lengths are put right here.
    ///
    /// Invariant: the label is shorter than 128 bytes, so that both lengths take one byte.
    #[inline]
    pub fn label(&mut self, source: &[u8], lead: HeadSpan, text: &[u8], value: (usize, usize)) {
        self.copy(source, lead.start, lead.len);
        let length_at = self.at - lead.head_len + 1;
        self.buf[length_at] = (lead.head_len - 2 + value.1) as u8;
        self.buf[self.at - 1] = value.1 as u8;
        self.copy(text, value.0, value.1);
    }

    /// Writes a label of any length; `name_field` is the name with its tag and length.
    pub fn label_long(&mut self, name_field: &[u8], value: &[u8]) {
        let len = name_field.len() + 1 + varint_len(value.len() as u64) + value.len();
        self.reserve(len + 16);
        self.array([TAG_LABEL]);
        self.varint(len as u64);
        self.bytes_exact(name_field);
        self.array([super::TAG_VALUE]);
        self.varint(value.len() as u64);
        self.bytes_exact(value);
    }

    #[inline]
    fn array<const N: usize>(&mut self, bytes: [u8; N]) {
        self.buf[self.at..self.at + N].copy_from_slice(&bytes);
        self.at += N;
    }

    #[inline]
    fn bytes_exact(&mut self, bytes: &[u8]) {
        self.buf[self.at..self.at + bytes.len()].copy_from_slice(bytes);
        self.at += bytes.len();
    }

    #[inline]
    fn varint(&mut self, mut n: u64) {
        while n >= 0x80 {
            self.buf[self.at] = n as u8 | 0x80;
            self.at += 1;
            n >>= 7;
        }
        self.buf[self.at] = n as u8;
        self.at += 1;
    }

    #[inline]
    fn reserve(&mut self, room: usize) {
        if self.buf.len() - self.at < room + SPARE_BYTES {
            self.grow(room);
        }
    }

    #[cold]
    fn grow(&mut self, room: usize) {
        let len = (self.at + room + SPARE_BYTES).max(self.buf.len() * 3 / 2);
        self.buf.resize(len, 0);
    }
}

/// Where the head of a label stands, with the constant bytes that go before it.
#[derive(Clone, Copy, Debug)]
pub struct HeadSpan {
    /// Where the constant bytes begin.
    pub start: usize,
    /// Length of the constant bytes and the head together.
    pub len: usize,
    /// Length of the head alone.
    pub head_len: usize,
}
