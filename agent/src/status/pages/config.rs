//! `/config`: the configuration that runs, secrets masked, and the state of the newest one.

use std::fmt::Write;

use crate::reload::ConfigStatus;
use crate::status::html::{Escaped, page};

/// The page `/config`.
pub fn config(node: &str, status: &ConfigStatus) -> String {
    let mut body = String::from("<h1>Configuration</h1>");
    if let Some(error) = &status.error {
        let _ = write!(
            body,
            "<p class=\"banner\">The newest configuration is bad, this older one runs:\n{}</p>",
            Escaped(error)
        );
    }
    for warning in &status.warnings {
        let _ = write!(body, "<p class=\"warn\">{}</p>", Escaped(warning));
    }
    let _ = write!(body, "<pre>{}</pre>", Escaped(&status.resolved));
    page("/config", node, &body)
}
