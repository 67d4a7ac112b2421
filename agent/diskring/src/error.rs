//! What can go wrong, by verb and by blame.
//!
//! Owns the error types of the public verbs.
//! Invariant: a failing disk is never an error of `open` or `append`; it is a state of the ring.

use std::fmt;
use std::io;

/// Why a ring was not opened: misuse only.
#[derive(Debug, PartialEq, Eq)]
pub enum OpenError {
    /// Another process holds the folder; it may let go, so trying again makes sense.
    Locked,
    /// The folder was written by a later version, with the format number found.
    NewerFormat(u32),
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            OpenError::Locked => f.write_str("opening the ring: another process holds its lock"),
            OpenError::NewerFormat(found) => write!(
                f,
                "opening the ring: its format is {found}, this version reads up to {}",
                crate::segment::FORMAT
            ),
        }
    }
}

impl std::error::Error for OpenError {}

/// Why a frame was not appended: misuse only.
#[derive(Debug, PartialEq, Eq)]
pub enum AppendError {
    /// Note and payload are larger than the ring takes; nothing was written.
    TooLarge {
        /// Note and payload together.
        bytes: u64,
        /// What the ring takes: see [`crate::Ring::body_bytes_max`].
        bytes_max: u64,
    },
}

impl fmt::Display for AppendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let AppendError::TooLarge { bytes, bytes_max } = self;
        write!(f, "appending a frame: its body has {bytes} bytes, the ring takes {bytes_max}")
    }
}

impl std::error::Error for AppendError {}

/// Why a frame was not read.
#[derive(Debug)]
pub enum ReadError {
    /// The bytes on disk fail their checksum; every claim on the frame was released.
    Corrupt,
    /// The disk did not give the bytes; the frame stays, unless this was the last attempt.
    Io(io::Error),
    /// No reader claims a frame of this sequence.
    NotHeld,
}

impl fmt::Display for ReadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReadError::Corrupt => f.write_str("reading a frame: its checksum does not hold"),
            ReadError::Io(error) => write!(f, "reading a frame: {error}"),
            ReadError::NotHeld => f.write_str("reading a frame: no reader claims it"),
        }
    }
}

impl std::error::Error for ReadError {}

/// Why the readers were not declared.
#[derive(Debug, PartialEq, Eq)]
pub enum ReadersError {
    /// A name is empty or longer than [`crate::READER_NAME_BYTES_MAX`].
    Name(String),
    /// A name stands twice.
    Repeated(String),
    /// More than [`crate::READERS_MAX`] names, with the number found.
    TooMany(usize),
}

impl fmt::Display for ReadersError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            ReadersError::Name(name) => {
                write!(f, "declaring the readers: the name {name:?} is empty or too long")
            }
            ReadersError::Repeated(name) => {
                write!(f, "declaring the readers: the name {name:?} stands twice")
            }
            ReadersError::TooMany(found) => write!(
                f,
                "declaring the readers: {found} names, the ring takes {}",
                crate::READERS_MAX
            ),
        }
    }
}

impl std::error::Error for ReadersError {}

/// Why the application table was refused.
#[derive(Debug, PartialEq, Eq)]
pub struct TableTooLarge {
    /// The bytes offered.
    pub bytes: u64,
    /// The bytes that the ring takes.
    pub bytes_max: u64,
}

impl fmt::Display for TableTooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "setting the table: it has {} bytes, the ring takes {}",
            self.bytes, self.bytes_max
        )
    }
}

impl std::error::Error for TableTooLarge {}
