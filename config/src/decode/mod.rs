//! Trees to checked settings.
//!
//! Owns: which file is read when, and what has to hold across sections.
//! Never knows: files and environment; closures answer.
//! Invariant: as many errors as possible are found in one go; settings are given out only when
//! there is none.
//! Called by the binary at start, at each reload, and by `runnel check`.

mod http;
mod kubernetes;
mod logs;
mod node;
mod relabel;
mod scrape;
mod sd;
pub(crate) mod view;
mod write;

use std::collections::HashMap;

pub(crate) use http::mask_url;
pub(crate) use kubernetes::KINDS;
pub(crate) use relabel::action_word;
pub(crate) use sd::role_word;

use crate::check;
use crate::context::Context;
use crate::diag::{Errors, Log};
use crate::re2::Regexes;
use crate::register::{RELABEL, ROOT, SCRAPE, SCRAPE_FILE};
use crate::settings::{Global, RelabelRule, ScrapeJob, Settings};
use crate::source::{Files, Loaded, Source};
use crate::vars::{self, Vars};
use crate::yaml::{self, Node, Value};
use view::View;

/// Most files that `scrape_config_files` may name. A file has a job or more, and 10,000 jobs are
/// more than any node scrapes.
pub const FILES_MAX: usize = 10_000;

/// Reads a configuration.
///
/// `vars` answers variables: the caller looks in the `--vars` directories, then in the environment.
/// `files` reads the sources that a pattern of `scrape_config_files` names, sorted by name; it is
/// handed patterns that are already resolved against the folder of `source`.
///
/// # Errors
/// All that is wrong, up to [`crate::ERRORS_MAX`], each with its place.
pub fn load(source: &Source, vars: &Vars, files: &Files) -> Result<Loaded, Errors> {
    let log = Log::default();
    let mut read = vec![source.name.clone()];
    let regexes = Regexes::default();
    let cx = Context { source, log: &log, regexes: &regexes };
    let settings = main_source(&cx, vars, files, &mut read);
    let warnings = log.finish()?;
    let settings = settings.expect("without an error there is a tree");
    Ok(Loaded { settings, warnings, files: read })
}

/// Reads a list of relabel rules that stands alone.
///
/// # Errors
/// As [`load`].
pub fn load_relabel(source: &Source, vars: &Vars) -> Result<Vec<RelabelRule>, Errors> {
    let log = Log::default();
    let regexes = Regexes::default();
    let cx = Context { source, log: &log, regexes: &regexes };
    let rules = tree(&cx, vars).map(|node| {
        // An empty text is an empty mapping, and no rule at all.
        if node.is_off() {
            return Vec::new();
        }
        check::check_list(&cx, &RELABEL, &node, "");
        let one = |(index, node)| View::new(&cx, &RELABEL, node, format!("[{index}]"));
        node.items().iter().enumerate().map(one).map(|view| relabel::rule(&view)).collect()
    });
    log.finish()?;
    Ok(rules.unwrap_or_default())
}

/// The tree of a source, variables expanded; `None` when it is no YAML.
fn tree(cx: &Context, vars: &Vars) -> Option<Node> {
    let mut node = match yaml::parse(&cx.source.text) {
        Ok(node) => node,
        Err(error) => {
            cx.error(error.pos, "", error.text);
            return None;
        }
    };
    vars::expand_tree(&mut node, vars, &mut |error| cx.error(error.pos, "", error.text));
    Some(node)
}

fn main_source(
    cx: &Context,
    vars: &Vars,
    files: &Files,
    read: &mut Vec<String>,
) -> Option<Settings> {
    let node = tree(cx, vars)?;
    check::check_map(cx, &ROOT, &node, "");
    let view = View::new(cx, &ROOT, &node, String::new());
    let cluster = view.text("cluster");
    let global = scrape::global(&view.map_or_empty("global"), &cluster);
    let scrape_configs = jobs(&view, &global, vars, files, read);
    let remote_write = write::remote_writes(&view);
    if remote_write.is_empty() && (!scrape_configs.is_empty() || view.has("kubernetes")) {
        cx.warn(
            view.pos,
            "",
            "`remote_write` is missing: samples are held and never sent".to_owned(),
        );
    }
    Some(Settings {
        cluster,
        node: view.text("node"),
        global,
        scrape_configs,
        kubernetes: view.map("kubernetes").map(|view| kubernetes::kubernetes(&view)),
        remote_write,
        logs: view.map("logs").map(|view| logs::logs(&view)),
        buffer: node::buffer(&view.map_or_empty("buffer")),
        link: node::link(&view.map_or_empty("link")),
        memory: node::memory(&view.map_or_empty("memory")),
        server: node::server(&view.map_or_empty("server")),
    })
}

/// All jobs: those of the main source, then those of the files it names.
fn jobs(
    view: &View<'_>,
    global: &Global,
    vars: &Vars,
    files: &Files,
    read: &mut Vec<String>,
) -> Vec<ScrapeJob> {
    const KEY: &str = "scrape_config_files";
    let mut jobs = Jobs { global, list: Vec::new(), places: HashMap::new() };
    jobs.extend(view.list("scrape_configs"));
    for pattern in view.texts(KEY) {
        if pattern.is_empty() || pattern.contains("://") {
            view.error(KEY, format!("found {pattern:?}, expected a path, in which `*` may stand"));
            continue;
        }
        let pattern = view.cx.source.resolve(&pattern).display().to_string();
        let sources = files(&pattern).unwrap_or_else(|why| {
            view.error(KEY, why);
            Vec::new()
        });
        for source in sources {
            if read.len() > FILES_MAX {
                view.error(KEY, format!("names more than {FILES_MAX} files"));
                break;
            }
            jobs.source(&Context { source: &source, ..*view.cx }, vars);
            read.push(source.name);
        }
    }
    jobs.list
}

/// The jobs of all sources; their names are unique.
struct Jobs<'a> {
    global: &'a Global,
    list: Vec<ScrapeJob>,
    places: HashMap<String, String>,
}

impl Jobs<'_> {
    /// Reads a file of jobs: vmagent's is a list, Prometheus' a mapping with one key.
    fn source(&mut self, cx: &Context, vars: &Vars) {
        let Some(node) = tree(cx, vars) else { return };
        if let Value::Seq(items) = &node.value {
            check::check_list(cx, &SCRAPE, &node, "");
            let one = |(index, node)| View::new(cx, &SCRAPE, node, format!("[{index}]"));
            self.extend(items.iter().enumerate().map(one).collect());
        } else {
            check::check_map(cx, &SCRAPE_FILE, &node, "");
            let view = View::new(cx, &SCRAPE_FILE, &node, String::new());
            self.extend(view.list("scrape_configs"));
        }
    }

    fn extend(&mut self, views: Vec<View<'_>>) {
        for view in views {
            let job = scrape::job(&view, self.global);
            let place = view.cx.place(view.pos_of("job_name"));
            match self.places.get(&job.job_name) {
                Some(first) if !job.job_name.is_empty() => {
                    let text = format!("the job {:?} stands at {first} already", job.job_name);
                    view.error("job_name", text);
                }
                _ => {
                    self.places.insert(job.job_name.clone(), place);
                }
            }
            self.list.push(job);
        }
    }
}
