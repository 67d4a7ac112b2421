//! Fakes and fixtures that the end-to-end tests and the benches share.
