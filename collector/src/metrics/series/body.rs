//! The body of a page, compressed or not, as text in pieces of whole lines.
//!
//! Owns both sides of inflation: the size limit on what came and on what it becomes, the whole
//! road and the streamed road, and the compressed copy that is kept until the next page.
//! Invariants: a piece begins at the start of a line and ends behind a newline, but for the last
//! one; both roads give the same lines; memory stays below [`WHOLE_BYTES_MAX`] and one line.

use std::fmt;
use std::io::{self, Read};
use std::ops::ControlFlow;

use bytes::Bytes;
use flate2::read::MultiGzDecoder;
use libdeflater::Decompressor;
use memchr::{memchr, memrchr};

use super::gzip::{self, WHOLE_BYTES_MAX, Whole};
use crate::metrics::exposition::LINE_BYTES_MAX;

/// Size of the pieces of a streamed body. Derivation: large beside a line, small beside a cache.
const PIECE_BYTES: usize = 256 << 10;

/// What the streamed road needs to know that a line is too long: the line, a carriage return, and
/// one byte more.
const LONG_LINE_BYTES: usize = LINE_BYTES_MAX + 2;

/// Smallest plain body that is compressed for keeping. Derivation: below it the frame's overhead
/// and the work outweigh what is saved.
const KEEP_PLAIN_BYTES_MAX: usize = 4 << 10;

/// zstd level of kept bodies. Derivation: they are read once in hundreds of scrapes at most.
const KEEP_LEVEL: i32 = 1;

/// A body as it came.
#[derive(Clone, Debug)]
pub enum Body {
    /// gzip, one member or several.
    Gzip(Bytes),
    /// Plain text.
    Plain(Bytes),
}

/// Why a body cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BodyError {
    /// The gzip data are broken or cut off.
    Gzip,
    /// It is larger than the limit; the limit in bytes.
    TooLarge(u64),
}

impl fmt::Display for BodyError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gzip => f.write_str("inflating the body: found broken or cut gzip data"),
            Self::TooLarge(limit) => {
                write!(f, "reading the body: found more than the limit of {limit} bytes")
            }
        }
    }
}

impl std::error::Error for BodyError {}

impl Body {
    pub(super) fn source(&self) -> Source<'_> {
        match self {
            Self::Gzip(bytes) => Source::Gzip(bytes),
            Self::Plain(bytes) => Source::Plain(bytes),
        }
    }
}

/// The last good body, kept as small as it comes.
#[derive(Debug)]
pub(super) enum Kept {
    Gzip(Box<[u8]>),
    Plain(Box<[u8]>),
    Zstd(Box<[u8]>),
}

impl Kept {
    /// Copies a body, so that no larger buffer stays alive behind it.
    pub(super) fn new(body: &Body) -> Self {
        match body {
            Body::Gzip(bytes) => Self::Gzip(bytes.as_ref().into()),
            Body::Plain(bytes) if bytes.len() > KEEP_PLAIN_BYTES_MAX => {
                match zstd::stream::encode_all(bytes.as_ref(), KEEP_LEVEL) {
                    Ok(frame) => Self::Zstd(frame.into()),
                    Err(_) => Self::Plain(bytes.as_ref().into()),
                }
            }
            Body::Plain(bytes) => Self::Plain(bytes.as_ref().into()),
        }
    }

    pub(super) fn source(&self) -> Source<'_> {
        match self {
            Self::Gzip(bytes) => Source::Gzip(bytes),
            Self::Plain(bytes) => Source::Plain(bytes),
            Self::Zstd(bytes) => Source::Zstd(bytes),
        }
    }

    pub(super) fn memory_bytes(&self) -> usize {
        self.source().bytes().len()
    }
}

/// Where text comes from.
#[derive(Clone, Copy, Debug)]
pub(super) enum Source<'a> {
    Gzip(&'a [u8]),
    Plain(&'a [u8]),
    Zstd(&'a [u8]),
}

impl<'a> Source<'a> {
    fn bytes(self) -> &'a [u8] {
        match self {
            Self::Gzip(bytes) | Self::Plain(bytes) | Self::Zstd(bytes) => bytes,
        }
    }

    fn reader(self) -> io::Result<Box<dyn Read + 'a>> {
        Ok(match self {
            Self::Gzip(bytes) => Box::new(MultiGzDecoder::new(bytes)),
            Self::Plain(bytes) => Box::new(bytes),
            Self::Zstd(bytes) => Box::new(zstd::stream::read::Decoder::with_buffer(bytes)?),
        })
    }
}

/// Memory for inflation.
pub(super) struct Inflate {
    decompressor: Option<Decompressor>,
    text: Vec<u8>,
    /// Size of the pieces of a streamed body.
    piece_bytes: usize,
}

impl Default for Inflate {
    fn default() -> Self {
        Self { decompressor: None, text: Vec::new(), piece_bytes: PIECE_BYTES }
    }
}

impl fmt::Debug for Inflate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inflate").field("text_bytes", &self.text.len()).finish_non_exhaustive()
    }
}

/// A body that was opened.
#[derive(Debug)]
pub(super) enum Opened<'a> {
    /// It is to be read by [`Inflate::stream`].
    Streamed,
    /// All of its text.
    Whole(&'a [u8]),
}

impl Inflate {
    /// With a first buffer of its own size, to see pieces end anywhere.
    #[cfg(test)]
    pub(super) fn with_buffer(bytes: usize) -> Self {
        Self { decompressor: None, text: vec![0; bytes.max(1)], piece_bytes: bytes.max(1) }
    }

    /// Opens a body: all of its text, or word that it must be streamed.
    pub(super) fn open<'a>(
        &'a mut self,
        source: Source<'a>,
        bytes_max: u64,
    ) -> Result<Opened<'a>, BodyError> {
        let fits = |bytes: usize| {
            if bytes as u64 > bytes_max { Err(BodyError::TooLarge(bytes_max)) } else { Ok(()) }
        };
        fits(source.bytes().len())?;
        match source {
            Source::Plain(bytes) => Ok(Opened::Whole(bytes)),
            Source::Zstd(_) => Ok(Opened::Streamed),
            Source::Gzip(bytes) => {
                let decompressor = self.decompressor.get_or_insert_with(Decompressor::new);
                match gzip::inflate(decompressor, bytes, &mut self.text) {
                    Whole::Broken => Err(BodyError::Gzip),
                    Whole::Stream => Ok(Opened::Streamed),
                    Whole::Text(len) => {
                        fits(len)?;
                        Ok(Opened::Whole(self.text.get(..len).unwrap_or_default()))
                    }
                }
            }
        }
    }

    /// Reads a body piece by piece; `each` may stop it. Returns the size of the text read.
    pub(super) fn stream(
        &mut self,
        source: Source<'_>,
        bytes_max: u64,
        each: &mut dyn FnMut(&[u8]) -> ControlFlow<()>,
    ) -> Result<u64, BodyError> {
        if self.text.len() < self.piece_bytes {
            self.text.resize(self.piece_bytes, 0);
        }
        let mut reader = source.reader().map_err(|_| BodyError::Gzip)?;
        let mut lines = Lines { text: &mut self.text, filled: 0, skipping: false };
        let mut total = 0;
        loop {
            let room = lines.text.get_mut(lines.filled..).unwrap_or_default();
            let read = match reader.read(room) {
                Ok(read) => read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(_) => return Err(BodyError::Gzip),
            };
            total += read as u64;
            if total > bytes_max {
                return Err(BodyError::TooLarge(bytes_max));
            }
            let flow = if read == 0 { lines.end(each) } else { lines.push(read, each) };
            if read == 0 || flow.is_break() {
                return Ok(total);
            }
        }
    }

    /// Gives back what a large page needed.
    pub(super) fn trim(&mut self, keep_bytes: usize) {
        if self.text.len() > keep_bytes {
            self.text.truncate(keep_bytes);
            self.text.shrink_to_fit();
        }
    }
}

/// Cuts what is read into pieces of whole lines.
struct Lines<'a> {
    text: &'a mut Vec<u8>,
    /// Bytes at the start of `text` that no piece held yet.
    filled: usize,
    /// Whether the rest of a line that is too long is being passed over.
    skipping: bool,
}

impl Lines<'_> {
    /// Takes `read` bytes more, which stand behind the filled ones.
    fn push(
        &mut self,
        read: usize,
        each: &mut dyn FnMut(&[u8]) -> ControlFlow<()>,
    ) -> ControlFlow<()> {
        let from = self.filled;
        self.filled += read;
        if self.skipping {
            let Some(newline) = memchr(b'\n', self.between(from, self.filled)) else {
                self.filled = from;
                return ControlFlow::Continue(());
            };
            self.skipping = false;
            self.drop_front(from + newline + 1);
        }
        if let Some(newline) = memrchr(b'\n', self.between(0, self.filled)) {
            each(self.between(0, newline + 1))?;
            self.drop_front(newline + 1);
        }
        if self.filled >= LONG_LINE_BYTES {
            // The start of the line is enough to call it bad.
            each(self.between(0, LONG_LINE_BYTES))?;
            self.filled = 0;
            self.skipping = true;
        } else if self.filled == self.text.len() {
            let len = (2 * self.filled).min(LONG_LINE_BYTES);
            self.text.resize(len, 0);
        }
        ControlFlow::Continue(())
    }

    /// Takes the end of the text.
    fn end(&mut self, each: &mut dyn FnMut(&[u8]) -> ControlFlow<()>) -> ControlFlow<()> {
        if self.filled > 0 { each(self.between(0, self.filled)) } else { ControlFlow::Continue(()) }
    }

    fn between(&self, from: usize, to: usize) -> &[u8] {
        self.text.get(from..to).unwrap_or_default()
    }

    fn drop_front(&mut self, bytes: usize) {
        self.text.copy_within(bytes..self.filled, 0);
        self.filled -= bytes;
    }
}

// A streamed text never needs more room than a whole one.
const _: () = assert!(LONG_LINE_BYTES <= WHOLE_BYTES_MAX);
