//! Halves a request, so that a receiver's 400 or 413 can be bisected.
//!
//! Owns the choice of the boundary. Copies nothing: both halves are requests as they stand.

use super::{Malformed, Request};

/// The two parts of a request, in order.
pub type Halves<'a> = (&'a [u8], &'a [u8]);

/// Splits a raw request at the field boundary nearest to its middle.
///
/// The result borrows from `raw`; both parts are whole requests. `None` where there is only one
/// field, which cannot be halved.
///
/// # Errors
/// [`Malformed`] when the bytes are not a request; nothing can then be split.
pub fn halve(raw: &[u8]) -> Result<Option<Halves<'_>>, Malformed> {
    let mut fields = Request::new(raw);
    let mut best: Option<usize> = None;
    while let Some(field) = fields.next() {
        field?;
        let at = raw.len() - fields.rest().len();
        let distance = |at: usize| (raw.len() / 2).abs_diff(at);
        let better = best.is_none_or(|best| distance(at) < distance(best));
        if at < raw.len() && better {
            best = Some(at);
        }
    }
    Ok(best.and_then(|at| raw.split_at_checked(at)))
}
