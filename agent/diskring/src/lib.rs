//! Bytes in, bytes out, in order, across crashes.
//!
//! A [`Ring`] is a log of frames in preallocated segment files that are used again and again.
//! Frames are claimed by readers; a frame lives until every reader has acknowledged it, or until
//! the ring must let it go, and every such loss is told by a [`Removal`].
//! The format and its reasons stand in `docs/ring-format.md`.
//!
//! The crate never knows what the bytes mean, a network, a clock, or an asynchronous runtime.
//! It is one synchronous value; the owner runs it on one thread.
//! A failing disk is a state ([`Status`]), never an error of [`Ring::open`] or [`Ring::append`].

mod append;
mod control;
pub mod disk;
mod error;
mod evict;
mod frame;
#[doc(hidden)]
pub mod fuzz;
mod index;
mod memory;
pub mod offline;
mod options;
mod readers;
mod recover;
mod releases;
mod ring;
mod scan;
mod segment;
mod segments;
#[cfg(test)]
mod tests;

pub use append::{Appended, Frame};
pub use control::Total;
pub use disk::{Disk, RealDisk};
pub use error::{AppendError, OpenError, ReadError, ReadersError, TableTooLarge};
pub use index::{FrameMeta, Held, Order, Reason};
pub use options::Options;
pub use readers::{Claims, READER_NAME_BYTES_MAX, READERS_MAX, ReaderId};
pub use recover::{Note, Recovery};
pub use ring::{FrameData, Removal, Ring, Status};
