//! The text grammars of metric pages.
