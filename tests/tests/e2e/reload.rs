//! Reload: by signal, by POST and by a change on disk; only what changed is touched, and a bad
//! file leaves the old one running.

use tests::server::Reply;
use tests::{Agent, Exporter, Folder, Receiver, eventually, until};

use crate::SOON;

#[test]
fn untouched_targets_keep_their_series_and_phase() {
    let scene = Scene::start(&["stays"]);
    scene.wait_up("stays");
    scene.agent.set_config(&scene.config(&["stays", "comes"]));
    scene.agent.hang_up();
    scene.wait_up("comes");
    scene.agent.set_config(&scene.config(&["stays"]));
    let answer = scene.agent.reload().expect("the agent answers");
    assert!((200..300).contains(&answer.status), "{answer:?}");
    scene.wait_stale("comes");
    scene.never_stale_and_on_time("stays");
}

#[test]
fn a_change_on_disk_is_seen() {
    let scene = Scene::start(&["stays"]);
    scene.wait_up("stays");
    scene.agent.set_config(&scene.config(&["stays", "comes"]));
    scene.wait_up("comes");
    scene.never_stale_and_on_time("stays");
}

#[test]
fn a_changed_target_is_replaced_and_its_neighbour_is_not() {
    let scene = Scene::start(&["stays", "changes"]);
    scene.wait_up("stays");
    scene.wait_up("changes");
    let changed = scene.config(&["stays", "changes"]).replace(
        "job_name: changes,",
        "job_name: changes, relabel_configs: [{target_label: new, replacement: label}],",
    );
    scene.agent.set_config(&changed);
    until("the changed target", SOON, || {
        scene.receiver.samples_of("up").iter().any(|(labels, _)| labels.contains_key("new"))
    });
    scene.never_stale_and_on_time("stays");
}

#[test]
fn a_bad_file_leaves_the_old_one_running() {
    let scene = Scene::start(&["stays"]);
    scene.wait_up("stays");
    scene.gauge_is(1.0);
    scene.agent.set_config("scrape_configs: [{job_name: x, no_such_key: 1}]\n");
    scene.gauge_is(0.0);
    let answer = scene.agent.reload().expect("the agent answers");
    assert!(answer.status >= 400, "{answer:?}");
    assert!(answer.text().contains("no_such_key"), "{answer:?}");
    let page = scene.agent.get("/").expect("the agent shows its page").text();
    assert!(page.contains("no_such_key"), "the status page says nothing of the bad file");
    let shown = scene.exporter.count("/stays");
    until("the old file to run on", SOON, || scene.exporter.count("/stays") >= shown + 3);
    scene.agent.set_config(&scene.config(&["stays", "comes"]));
    scene.gauge_is(1.0);
    scene.wait_up("comes");
    scene.never_stale_and_on_time("stays");
}

#[test]
fn the_vars_folder_is_watched() {
    let folder = Folder::new("agent");
    folder.write("vars/CLUSTER_NAME", "first");
    let vars = folder.join("vars");
    let scene = Scene::start_in(folder, Some(vars), "cluster: ${CLUSTER_NAME}\n", &["stays"]);
    scene.wait_cluster("first");
    scene.agent.folder().write("vars/CLUSTER_NAME", "second");
    scene.wait_cluster("second");
}

#[test]
fn a_rotated_secret_is_used_without_a_reload() {
    let folder = Folder::new("agent");
    let token = folder.write("token", "one\n");
    let exporter = Exporter::start(|_| Reply::page("a 1\n"));
    let receiver = Receiver::start();
    let credentials = format!("authorization: {{credentials_file: \"{}\"}}", token.display());
    let config = format!(
        "scrape_configs:\n  - {{job_name: stays, metrics_path: /stays, scrape_interval: 500ms, \
         scrape_timeout: 500ms, {credentials}, static_configs: [{{targets: [\"{}\"]}}]}}\n\
         remote_write:\n  - {{url: \"{}\", {credentials}}}\n",
        exporter.address(),
        receiver.url()
    );
    let agent = Agent::start_in(folder, None, &config);
    let scene = Scene { agent, exporter, receiver, head: String::new() };
    scene.wait_token("Bearer one");
    scene.agent.folder().write("token", "two\n");
    scene.wait_token("Bearer two");
    scene.never_stale_and_on_time("stays");
}

/// An agent between an exporter and a destination.
struct Scene {
    agent: Agent,
    exporter: Exporter,
    receiver: Receiver,
    head: String,
}

impl Scene {
    fn start(jobs: &[&str]) -> Self {
        Self::start_in(Folder::new("agent"), None, "", jobs)
    }

    fn start_in(
        folder: Folder,
        vars: Option<std::path::PathBuf>,
        head: &str,
        jobs: &[&str],
    ) -> Self {
        let exporter = Exporter::page("a 1\n");
        let receiver = Receiver::start();
        let config = config(head, &exporter, &receiver, jobs);
        let agent = Agent::start_in(folder, vars, &config);
        Self { agent, exporter, receiver, head: head.into() }
    }

    fn config(&self, jobs: &[&str]) -> String {
        config(&self.head, &self.exporter, &self.receiver, jobs)
    }

    fn wait_up(&self, job: &str) {
        until(&format!("{job} to be up"), SOON, || {
            self.samples("up", job).iter().any(|(_, value)| *value == 1.0)
        });
    }

    fn wait_stale(&self, job: &str) {
        until(&format!("{job} to be stale"), SOON, || {
            self.samples("up", job).last().is_some_and(|(_, v)| tests::series::is_stale(*v))
        });
    }

    fn wait_cluster(&self, name: &str) {
        until(&format!("samples of the cluster {name}"), SOON, || {
            let found = self.receiver.samples_of("up");
            found.iter().any(|(labels, _)| labels.get("cluster").is_some_and(|c| c == name))
        });
    }

    /// Waits until both sides are asked with this header.
    fn wait_token(&self, header: &str) {
        until(&format!("the exporter to see {header}"), SOON, || {
            let scrapes = self.exporter.scrapes();
            scrapes.last().and_then(|s| s.request.header("authorization")) == Some(header)
        });
        until(&format!("the destination to see {header}"), SOON, || {
            let notes = self.receiver.notes();
            notes.last().and_then(|note| note.authorization.as_deref()) == Some(header)
        });
    }

    fn gauge_is(&self, expected: f64) {
        eventually("the gauge of the last reload", SOON, || {
            let found = self.agent.metric("runnel_config_last_reload_successful", &[])?;
            (found == expected).then_some(()).ok_or_else(|| format!("it is {found}"))
        });
    }

    /// Two more scrapes, and still no stale marker and no break in the rhythm.
    fn never_stale_and_on_time(&self, job: &str) {
        let before = self.samples("up", job).len();
        until("two more scrapes", SOON, || self.samples("up", job).len() >= before + 2);
        let samples = self.samples("up", job);
        assert!(samples.iter().all(|(_, value)| *value == 1.0), "{job}: {samples:?}");
        for pair in samples.windows(2) {
            let gap = pair[1].0 - pair[0].0;
            assert!((350..=650).contains(&gap), "{job} lost its rhythm: {samples:?}");
        }
    }

    /// Times and values of an automatic metric of a job, in order.
    fn samples(&self, metric: &str, job: &str) -> Vec<(i64, f64)> {
        let found = self.receiver.samples_of(metric);
        let of_job = found.iter().filter(|(labels, _)| labels["job"] == job);
        let mut samples: Vec<(i64, f64)> = of_job.map(|(_, s)| (s.at_ms, s.value)).collect();
        samples.sort_by_key(|(at_ms, _)| *at_ms);
        samples
    }
}

fn config(head: &str, exporter: &Exporter, receiver: &Receiver, jobs: &[&str]) -> String {
    let mut text = format!("{head}scrape_configs:\n");
    for job in jobs {
        text.push_str(&format!(
            "  - {{job_name: {job}, metrics_path: /{job}, scrape_interval: 500ms, \
             scrape_timeout: 500ms, static_configs: [{{targets: [\"{}\"]}}]}}\n",
            exporter.address()
        ));
    }
    text.push_str(&format!("remote_write:\n  - url: {}\n", receiver.url()));
    text
}
