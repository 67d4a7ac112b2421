//! Bytes in, bytes out, in order, across crashes.
