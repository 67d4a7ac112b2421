//! A block: what is sealed once and then only moved.
