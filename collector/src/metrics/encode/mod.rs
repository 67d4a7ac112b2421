//! Remote-write protobuf.
