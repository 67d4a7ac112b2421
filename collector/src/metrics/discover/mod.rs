//! Which targets exist.
