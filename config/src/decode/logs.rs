//! Log files.

use super::view::View;
use super::write;
use crate::settings::{LogFile, LogPods, Logs};

pub(super) fn logs(view: &View<'_>) -> Logs {
    let logs = Logs {
        pods: view.map("pods").map(|view| pods(&view)),
        files: view.list("files").iter().map(file).collect(),
        write: write::log_writes(view),
    };
    if (logs.pods.is_some() || !logs.files.is_empty()) && logs.write.is_empty() {
        view.cx.warn(
            view.pos,
            &view.path,
            "`write` is missing: lines are held and never sent".to_owned(),
        );
    }
    logs
}

fn pods(view: &View<'_>) -> LogPods {
    for key in ["include", "exclude"] {
        for pattern in view.texts(key) {
            let parts: Vec<&str> = pattern.split('/').collect();
            if parts.len() > 3 || parts.iter().any(|part| part.is_empty()) {
                view.error(key, format!("found {pattern:?}, expected namespace/pod/container"));
            }
        }
    }
    LogPods {
        path: view.path_opt("path").expect("the register has a default"),
        include: view.texts("include"),
        exclude: view.texts("exclude"),
    }
}

fn file(view: &View<'_>) -> LogFile {
    let resolve = |key: &str| {
        let one = |path: &String| {
            if path.is_empty() {
                view.error(key, "found an empty text, expected a path");
            }
            view.cx.source.resolve(path).display().to_string()
        };
        view.texts(key).iter().map(one).collect::<Vec<_>>()
    };
    let paths = resolve("paths");
    if paths.is_empty() && view.has("paths") {
        view.error("paths", "found an empty list, expected paths");
    }
    LogFile { paths, exclude: resolve("exclude"), fields: view.pairs("fields") }
}
