//! The configuration files of `tests/config`: `*.bad.yaml` are refused with the text beside them,
//! all others load, with their warnings and their resolved form beside them.
//!
//! `UPDATE=1 cargo test -p runnel-config` renews what stands beside.

use std::path::{Path, PathBuf};

use crate::decode::view::asked;
use crate::register::{self, Fate};
use crate::settings::*;
use crate::units::Secret;
use crate::{Errors, Loaded, Settings, Source, load, render};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/config")
}

/// The configuration files directly in the folder, bad ones or good ones.
fn names(bad: bool) -> Vec<String> {
    let mut names: Vec<String> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.ends_with(".yaml") && !name.ends_with(".resolved.yaml"))
        .filter(|name| name.ends_with(".bad.yaml") == bad)
        .collect();
    names.sort();
    assert!(!names.is_empty());
    names
}

fn read(name: &str) -> String {
    std::fs::read_to_string(folder().join(name)).unwrap()
}

fn vars(name: &str) -> Option<String> {
    match name {
        "CLUSTER_NAME" | "METRICS_HOST" | "KUBE_NODE_NAME" | "A" | "B" => None,
        "DATACENTER" => Some("eu-1\n".to_owned()),
        "GOOD_CLUSTER" => Some("prod".to_owned()),
        "NODE_NAME" => Some("worker-1".to_owned()),
        "SET_TO_TEXT" => Some("plenty".to_owned()),
        _ => None,
    }
}

fn files(pattern: &str) -> Result<Vec<Source>, String> {
    let path = Path::new(pattern);
    let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
    match std::fs::read_to_string(folder().join("included").join(name)) {
        Ok(text) => Ok(vec![Source::new(path, text)]),
        Err(_) => Err(format!("read {pattern:?}: no such file")),
    }
}

fn load_text(text: &str) -> Result<Loaded, Errors> {
    let source = Source::new(Path::new("/etc/runnel/runnel.yaml"), text);
    load(&source, &vars, &files)
}

/// Compares with the golden file, or writes it under `UPDATE=1`.
fn check_golden(name: &str, text: &str) -> Result<(), String> {
    let path = folder().join(name);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    if golden == text { Ok(()) } else { Err(format!("--- {name}\n{text}")) }
}

#[test]
fn bad_files_are_refused_with_the_text_beside_them() {
    let mut wrong = Vec::new();
    for name in names(true) {
        let text = match load_text(&read(&name)) {
            Ok(_) => panic!("{name} loads"),
            Err(errors) => format!("{errors}\n"),
        };
        assert!(
            !text.contains("hidden") && !text.contains("hid\\n"),
            "{name} shows a secret: {text}"
        );
        wrong.extend(check_golden(&name.replace(".yaml", ".txt"), &text).err());
    }
    assert!(wrong.is_empty(), "other texts than the golden ones:\n{}", wrong.join("\n"));
}

/// Loads a good file; the contract's variables have values here.
fn load_good(name: &str) -> Loaded {
    let text = read(name).replace("${CLUSTER_NAME}", "${GOOD_CLUSTER}");
    load_text(&text).unwrap_or_else(|errors| panic!("{name} is refused:\n{errors}"))
}

#[test]
fn good_files_load_with_the_warnings_beside_them() {
    let mut wrong = Vec::new();
    for name in names(false) {
        let loaded = load_good(&name);
        let warnings: String = loaded.warnings.iter().map(|found| format!("{found}\n")).collect();
        wrong.extend(check_golden(&name.replace(".yaml", ".warnings.txt"), &warnings).err());
        let resolved = render(&loaded.settings);
        assert!(!resolved.contains("hidden"), "{name} shows a secret");
        wrong.extend(check_golden(&name.replace(".yaml", ".resolved.yaml"), &resolved).err());
    }
    assert!(wrong.is_empty(), "other texts than the golden ones:\n{}", wrong.join("\n"));
}

#[test]
fn rendered_settings_load_to_the_same_but_for_secrets() {
    for name in names(false) {
        let mut first = load_good(&name).settings;
        let text = render(&first);
        let mut again = load_text(&text).unwrap_or_else(|why| panic!("{name}:\n{why}\n{text}"));
        assert_eq!(render(&again.settings), text, "{name} renders otherwise the second time");
        mask(&mut first);
        mask(&mut again.settings);
        assert_eq!(first, again.settings, "{name}");
    }
}

#[test]
fn the_decoder_reads_each_key_of_the_register() {
    for name in names(false) {
        load_good(&name);
    }
    for section in register::sections() {
        for key in section.keys() {
            let read = asked::has(section.title, key.name);
            let wanted = matches!(key.fate, Fate::Required | Fate::Used);
            assert_eq!(read, wanted, "whether `{}` of `{}` is read", key.name, section.title);
        }
    }
}

#[test]
fn no_cut_panics() {
    for name in names(false) {
        let text = read(&name).into_bytes();
        // Each cut of the small files; of the large ones, which cost a millisecond each, a spread.
        let step = 1 + text.len() / 1500;
        for at in (0..text.len()).step_by(step) {
            let _ = load_text(&String::from_utf8_lossy(&text[..at]));
        }
    }
}

#[test]
fn no_changed_byte_panics() {
    for name in names(false) {
        let text = read(&name).into_bytes();
        let step = 1 + text.len() / 100;
        for at in (0..text.len()).step_by(step) {
            let mut bytes = text.clone();
            for changed in [b':', b'{', b'"', b'$', text[at] ^ 1] {
                bytes[at] = changed;
                let _ = load_text(&String::from_utf8_lossy(&bytes));
            }
        }
    }
}

/// Each value of the file with every key becomes something else that is valid YAML.
#[test]
fn no_changed_value_panics() {
    let text = read("every-key.yaml");
    for (at, _) in text.match_indices(": ") {
        let (head, tail) = text.split_at(at + 2);
        let end = tail.find([',', '}', '\n']).unwrap();
        for value in ["''", "~", "[~]", "{a: ~}", "-1"] {
            let _ = load_text(&format!("{head}{value}{}", &tail[end..]));
        }
    }
}

/// A load of what a large operator generates stays fast: its regexes are compiled once.
#[test]
fn many_jobs_load() {
    let job = |n: usize| {
        format!(
            "- job_name: job{n}\n  relabel_configs:\n  \
             - {{source_labels: [a], regex: '(.+)(?::\\d+);(\\d+)', target_label: b}}\n"
        )
    };
    let jobs: String = (0..2000).map(job).collect();
    let loaded = load_text(&format!("scrape_configs:\n{jobs}")).unwrap();
    assert_eq!(loaded.settings.scrape_configs.len(), 2000);
}

/// Replaces what `render` masks by one text on both sides.
fn mask(settings: &mut Settings) {
    for write in &mut settings.remote_write {
        write.url = crate::decode::mask_url(&write.url);
        mask_http(&mut write.http);
    }
    for write in settings.logs.iter_mut().flat_map(|logs| &mut logs.write) {
        mask_http(&mut write.http);
    }
    for job in &mut settings.scrape_configs {
        mask_http(&mut job.http);
        job.kubernetes_sd_configs.iter_mut().for_each(|sd| mask_http(&mut sd.http));
        for sd in &mut job.http_sd_configs {
            sd.url = crate::decode::mask_url(&sd.url);
            mask_http(&mut sd.http);
        }
        for target in job.static_configs.iter_mut().flat_map(|group| &mut group.targets) {
            *target = crate::render::scrape::mask_target(target);
        }
    }
}

fn mask_http(http: &mut HttpClient) {
    let hide = |source: &mut SecretSource| {
        if let SecretSource::Inline(secret) = source {
            *secret = Secret::new("x");
        }
    };
    match &mut http.auth {
        Auth::Basic { password, .. } => hide(password),
        Auth::Header { credentials, .. } => hide(credentials),
        Auth::None => {}
        Auth::OAuth2(oauth2) => {
            hide(&mut oauth2.client_secret);
            oauth2.endpoint_params.iter_mut().for_each(|(_, value)| value.clear());
            mask_proxy(&mut oauth2.proxy);
        }
    }
    http.headers.iter_mut().for_each(|(_, source)| hide(source));
    mask_proxy(&mut http.proxy);
    let pems = http.tls.identity.iter_mut().flat_map(|(cert, key)| [cert, key]);
    for pem in pems.chain(&mut http.tls.ca) {
        if let Pem::Inline(text) = pem {
            *text = Secret::new("x");
        }
    }
}

fn mask_proxy(proxy: &mut Proxy) {
    if let Some(url) = &mut proxy.url {
        *url = Secret::new(crate::decode::mask_url(url.reveal()));
    }
    proxy.connect_headers.iter_mut().for_each(|(_, secret)| *secret = Secret::new("x"));
}

#[test]
fn rules_alone_load() {
    let check = |text: &str| {
        let source =
            Source { name: "rules".to_owned(), text: text.to_owned(), ..Source::default() };
        match crate::load_relabel(&source, &vars) {
            Ok(rules) => format!("{} rules", rules.len()),
            Err(errors) => errors.to_string(),
        }
    };
    assert_eq!(check(""), "0 rules");
    assert_eq!(check("[]"), "0 rules");
    assert_eq!(check("- {action: labeldrop, regex: a}\n- {target_label: b}"), "2 rules");
    assert_eq!(check("- {action: hashmod}").lines().count(), 3);
    assert_eq!(check("a: b"), "rules:1:1: found a mapping, expected a list");
    assert_eq!(check("text"), "rules:1:1: found \"text\", expected a list");
}

#[test]
fn a_moved_rule_is_the_same_rule() {
    let rules = |text: &str| load_text(text).unwrap().settings.global.relabel_configs;
    let first = rules("global:\n  relabel_configs: [{action: labeldrop, regex: a}]");
    let moved = rules("\n\nglobal:\n  relabel_configs: [{action: labeldrop, regex: a}]");
    assert_ne!(first[0].place, moved[0].place);
    assert_eq!(first, moved);
}
