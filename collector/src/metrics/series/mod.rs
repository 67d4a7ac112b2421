//! What a series was last time.
