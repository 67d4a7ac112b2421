//! When to scrape a target, and its body.
