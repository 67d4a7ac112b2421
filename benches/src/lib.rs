//! Inputs that the room benches share.
