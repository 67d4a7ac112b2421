//! The kinds of pages, each with the job that scrapes it.

use std::collections::BTreeSet;

use tests::Folder;
use tests::server::Reply;

/// Page k answers the k-th scrape; the last one answers all later ones.
pub type Pages = Vec<Reply>;

/// One kind of page.
pub struct Case {
    /// Its job, its path and its `instance`.
    pub name: &'static str,
    /// Further keys of the job, as a YAML flow mapping without its braces.
    pub keys: &'static str,
    /// What it shows.
    pub pages: Pages,
    /// The target stands in a file and vanishes after the last page.
    pub vanishes: bool,
}

impl Case {
    /// Scrapes that are compared; `None` when the target ends at a time of its own.
    pub fn steps(&self) -> Option<usize> {
        (!self.vanishes).then_some(self.pages.len())
    }

    /// Its entry of `scrape_configs`.
    pub fn job(&self, address: &str, discovered: &Folder) -> String {
        let name = self.name;
        let targets = if self.vanishes {
            let list =
                format!(r#"[{{"targets": ["{address}"], "labels": {{"instance": "{name}"}}}}]"#);
            let file = discovered.write(&format!("{name}.json"), list);
            format!("file_sd_configs: [{{files: [\"{}\"]}}]", file.display())
        } else {
            format!(
                "static_configs: [{{targets: [\"{address}\"], \
                 labels: {{instance: {name}, team: target, empty: \"\"}}}}]"
            )
        };
        let keys = if self.keys.is_empty() { String::new() } else { format!(", {}", self.keys) };
        format!("- {{job_name: {name}, metrics_path: /{name}, {targets}{keys}}}\n")
    }
}

/// Labels of the whole agent, as a YAML flow mapping.
pub fn external_labels() -> &'static str {
    "{cluster: outer, region: north}"
}

/// Explicit timestamps that the pages show, in milliseconds.
pub fn stamps() -> BTreeSet<i64> {
    BTreeSet::from([STAMP_MS, STAMP_MS + 1500, STAMP_S * 1000])
}

/// All kinds.
pub fn cases() -> Vec<Case> {
    let mut all = syntax();
    all.extend(types());
    all.extend(labels());
    all.extend(changes());
    all.extend(limits());
    all.extend(relabeling());
    all
}

fn case(name: &'static str, keys: &'static str, pages: &[&str]) -> Case {
    let pages = pages.iter().map(|page| Reply::page(*page)).collect();
    Case { name, keys, pages, vanishes: false }
}

fn syntax() -> Vec<Case> {
    let escapes = concat!(
        "# HELP quoted Has a \\\\ and a \\n.\n# TYPE quoted gauge\n",
        "quoted{a=\"say \\\"hi\\\"\",b=\"back\\\\slash\",c=\"two\\nlines\"} 1\n",
        "quoted{a=\"{},=# not a comment\",b=\"\"} 2\n",
        "quoted{a=\"grüße \u{1f41f}\",b=\"tab\there\"} 3\n",
        "quoted{a=\"\\t unknown escape\"} 4\n",
    );
    let spaces = "  led 1\nbetween    2  \n\ttabbed\t3\nnone{} 4\ncomma{a=\"b\",} 5\n\
        inside{ a = \"b\" , c = \"d\" } 6\r\n\n\n# just a comment\n#\nlast 7";
    let values = "v{n=\"nan\"} NaN\nv{n=\"pinf\"} +Inf\nv{n=\"minf\"} -Inf\nv{n=\"inf\"} Inf\n\
        v{n=\"lower\"} nan\nv{n=\"exp\"} 1.5e-7\nv{n=\"big\"} 1e300\nv{n=\"neg\"} -0.25\n\
        v{n=\"zero\"} 0\nv{n=\"int\"} 9007199254740993\nv{n=\"plus\"} +3\nv{n=\"dot\"} 5.\n\
        v{n=\"long\"} 0.1234567890123456789\n";
    let bad = "good 1\nno value\nnovalue\nbad{a=\"open 1\nbad{a=} 2\nbad{a=b} 3\n{} 4\n\
        bad 1 2 3\nbad x\n=\ngood_too 2\n\u{1}\u{2} 3\n";
    let utf8 = "{\"dots.in.name\",\"label.dot\"=\"x\"} 1\n{\"with space\"} 2\n\
        plain{\"quoted label\"=\"y\",bare=\"z\"} 3\nplain{\"grün\"=\"y\"} 4\n";
    vec![
        case("escapes", "", &[escapes, escapes]),
        case("spaces", "", &[spaces, spaces]),
        case("special_values", "", &[values, values]),
        case("bad_lines", "", &[bad, bad]),
        case("utf8_names", "", &[utf8, utf8]),
        case("empty_page", "", &["", "a 1\n", ""]),
        Case { pages: vec![Reply::gzip("zipped 1\n"); 2], ..case("gzipped", "", &[]) },
    ]
}

fn types() -> Vec<Case> {
    let histogram = "# TYPE h histogram\nh_bucket{le=\"0.1\"} 1\nh_bucket{le=\"1\"} 2\n\
        h_bucket{le=\"1.0\"} 2\nh_bucket{le=\"+Inf\"} 3\nh_sum 1.75\nh_count 3\n";
    let summary = "# TYPE s summary\ns{quantile=\"0.5\"} 0.2\ns{quantile=\"0.99\"} NaN\n\
        s_sum 12.5\ns_count 40\n";
    let counters = ["c_total 1\nuntyped 5\n", "c_total 2\nuntyped 5\n", "c_total 0\nuntyped 6\n"];
    let open = "# TYPE r counter\n# UNIT r seconds\n# HELP r Requests.\n\
        r_total{a=\"b\"} 17 # {trace_id=\"abc\"} 0.67\nr_created{a=\"b\"} 1520430000.123\n\
        # TYPE g gauge\ng 1.5\n# TYPE st stateset\nst{st=\"on\"} 1\n\
        # TYPE i info\ni_info{version=\"1\"} 1\n# EOF\n";
    let mut cases = vec![
        case("histogram", "", &[histogram, histogram]),
        case("summary", "", &[summary, summary]),
        case("counters", "", &counters),
        case("open_metrics", "", &[open, open]),
    ];
    let stamped =
        format!("ms 1 {STAMP_MS}\nlater 2 {}\nseconds 3 {STAMP_S}\nwithout 4\n", STAMP_MS + 1500);
    cases.push(case("stamps_honored", "honor_timestamps: true", &[&stamped, &stamped]));
    cases.push(case("stamps_ignored", "honor_timestamps: false", &[&stamped, &stamped]));
    cases.push(case("stamps_default", "", &[&stamped, &stamped]));
    cases
}

fn labels() -> Vec<Case> {
    let clash = "m{job=\"own\",team=\"page\"} 1\nm{exported_team=\"old\",team=\"page\"} 2\n\
        m{team=\"\"} 3\nm{empty=\"filled\"} 4\n";
    let auto = "up 5\nscrape_duration_seconds 6\nscrape_samples_scraped{a=\"b\"} 7\n\
        scrape_series_added 8\nupper 9\n";
    let external = "e{cluster=\"inner\"} 1\ne{region=\"\"} 2\ne{exported_cluster=\"x\"} 3\n\
        e{cluster=\"inner\",exported_cluster=\"x\"} 4\n";
    let honored = "up{a=\"b\"} 5\nscrape_series_added{a=\"b\"} 8\nupper 9\n";
    vec![
        case("label_clash", "honor_labels: false", &[clash, clash]),
        case("label_clash_honored", "honor_labels: true", &[clash, clash]),
        case("auto_names", "honor_labels: false", &[auto, auto]),
        case("auto_names_honored", "honor_labels: true", &[honored, honored]),
        case("external_clash", "", &[external, external]),
        case("external_clash_honored", "honor_labels: true", &[external, external]),
        case("target_params", "params: {a: [x, y], b: [z]}", &["p 1\n"]),
    ]
}

fn changes() -> Vec<Case> {
    let (both, one) = ("stays 1\ngoes{a=\"1\"} 2\n", "stays 1\n");
    let page = Reply::page(both);
    let failing = vec![
        page.clone(),
        Reply::status(500),
        Reply::status(500),
        page.clone(),
        Reply::Close,
        page.clone(),
    ];
    vec![
        case("vanishing_series", "", &[both, one, one, both, both]),
        case("vanishing_unmarked", "no_stale_markers: true", &[both, one, both]),
        Case { pages: failing, ..case("failing", "", &[]) },
        Case {
            pages: vec![Reply::status(404), page.clone(), page],
            ..case("failing_first", "", &[])
        },
        Case { vanishes: true, ..case("vanishing_target", "", &[both, both]) },
        case("duplicates", "", &["twice 1\ntwice 2\nonce 3\n", "twice 1\ntwice 2\nonce 3\n"]),
    ]
}

fn limits() -> Vec<Case> {
    let (three, two) = ("a 1\nb 2\nc 3\n", "a 1\nb 2\n");
    let wide = "w{a=\"1\",b=\"2\",c=\"3\",d=\"4\",e=\"5\",f=\"6\",g=\"7\"} 1\nn 2\n";
    vec![
        case("sample_limit", "sample_limit: 2", &[two, three, two]),
        case("sample_limit_relabeled", SAMPLE_LIMIT_RELABELED, &[three, three]),
        case("label_limit", "label_limit: 8", &["n 2\n", wide, "n 2\n"]),
        case("series_limit", "series_limit: 2", &[three, two]),
    ]
}

fn relabeling() -> Vec<Case> {
    let page = "keep_me{code=\"200\",path=\"/a/b\",other=\"/a/b\"} 1\n\
        drop_me 2\nkeep_me{code=\"500\",path=\"/A/c\",other=\"x\"} 3\n\
        keep_me{label_x=\"1\",label_y=\"2\",tmp_a=\"3\",a_b_c=\"4\"} 5\n\
        rename_me{code=\"301\"} 6\nlist{all=\"a,b,c\",part=\"b\"} 7\n\
        unlike{all=\"a,b,c\",part=\"z\"} 8\nequal{a=\"x\",b=\"x\"} 9\n\
        equal{a=\"x\",b=\"y\"} 10\nsome.graphite.name 11\nhashed{path=\"/a/b\"} 12\n";
    let metric = |name, keys| case(name, keys, &[page, page]);
    vec![
        metric("relabel_replace", REPLACE),
        metric("relabel_keep", KEEP),
        metric("relabel_drop", DROP),
        metric("relabel_labels", LABELS),
        metric("relabel_vm_filter", VM_FILTER),
        metric("relabel_vm_filter_equal", VM_FILTER_EQUAL),
        metric("relabel_vm_rewrite", VM_REWRITE),
        metric("relabel_keep_metrics", KEEP_METRICS),
        metric("relabel_if", IF),
        metric("relabel_all_dropped", ALL_DROPPED),
        metric("relabel_target", TARGET),
        metric("relabel_target_equal", TARGET_EQUAL),
    ]
}

const SAMPLE_LIMIT_RELABELED: &str = "sample_limit: 2, metric_relabel_configs: \
    [{source_labels: [__name__], regex: c, action: drop}]";

const REPLACE: &str = "metric_relabel_configs: [\
    {source_labels: [code, path], separator: '-', target_label: joined},\
    {source_labels: [code], regex: '(.)..', target_label: class, replacement: '${1}xx'},\
    {source_labels: [__name__], regex: 'rename_(.+)', target_label: __name__, replacement: 'renamed_$1'},\
    {target_label: constant, replacement: c},\
    {source_labels: [path], regex: '/a', target_label: not_anchored, replacement: wrong},\
    {source_labels: [missing], regex: '', target_label: was_missing, replacement: 'yes'},\
    {source_labels: [other], regex: '(.*)', target_label: other, replacement: ''},\
    {source_labels: [path], target_label: up, action: uppercase},\
    {source_labels: [path], target_label: down, action: lowercase},\
    {source_labels: [path], target_label: bucket, modulus: 8, action: hashmod},\
    {source_labels: [code, path], target_label: bucket2, modulus: 1000, action: hashmod}]";

const KEEP: &str = "metric_relabel_configs: [\
    {source_labels: [code, path], regex: '200;.*|301;', action: keep}]";

const DROP: &str = "metric_relabel_configs: [\
    {source_labels: [__name__], regex: 'drop_.*', action: drop},\
    {source_labels: [code], regex: '[45]..', action: drop}]";

const LABELS: &str = "metric_relabel_configs: [\
    {regex: 'label_(.+)', action: labelmap},\
    {regex: 'tmp_.*', action: labeldrop},\
    {regex: '__name__|instance|job|x|y|code|cluster', action: labelkeep}]";

const VM_FILTER: &str = "metric_relabel_configs: [\
    {source_labels: [part], target_label: all, action: keep_if_contains, if: '{all!=\"\"}'},\
    {source_labels: [path], target_label: other, action: drop_if_contains, if: '{path!=\"\"}'},\
    {source_labels: [a, b], action: drop_if_equal, if: 'equal'},\
    {regex: 'drop_.*', action: drop_metrics}]";

const VM_FILTER_EQUAL: &str = "metric_relabel_configs: [\
    {source_labels: [a, b], action: keep_if_equal}]";

const VM_REWRITE: &str = "metric_relabel_configs: [\
    {source_labels: [path], target_label: path, regex: '/', replacement: '_', action: replace_all},\
    {regex: '_', replacement: '.', action: labelmap_all, if: '{a_b_c!=\"\"}'},\
    {action: graphite, match: 'some.*.*', labels: {__name__: 'from_$2', middle: '$1'}},\
    {target_label: filled, replacement: '{{code}}:{{__name__}}'}]";

const KEEP_METRICS: &str = "metric_relabel_configs: [\
    {regex: 'keep_me|list', action: keep_metrics}]";

const IF: &str = "metric_relabel_configs: [\
    {if: 'keep_me{code=~\"2..\"}', target_label: fine, replacement: 'yes'},\
    {if: ['list', '{path!~\"/a.*\",code!=\"\"}'], target_label: either, replacement: 'yes'},\
    {if: '{code=\"500\" or a=\"x\"}', target_label: alternative, replacement: 'yes'},\
    {if: 'drop_me', action: drop}]";

const ALL_DROPPED: &str =
    "metric_relabel_configs: [{source_labels: [__name__], action: drop, regex: '.*'}]";

const TARGET: &str = "relabel_configs: [\
    {source_labels: [__address__], regex: '([^:]+):.*', target_label: host},\
    {source_labels: [__metrics_path__, __scheme__, __scrape_interval__], target_label: seen},\
    {source_labels: [job], target_label: __param_module, replacement: 'm_$1'},\
    {regex: 'te(.)m', replacement: 'mapped_$1', action: labelmap},\
    {regex: team, action: labeldrop},\
    {target_label: __tmp_gone, replacement: x},\
    {source_labels: [__tmp_gone], target_label: kept}]";

const TARGET_EQUAL: &str = "relabel_configs: [\
    {source_labels: [team], target_label: same, action: replace},\
    {source_labels: [team], target_label: same, action: keepequal},\
    {source_labels: [job], target_label: team, action: dropequal}]";

/// In the past, so that no scrape of a run has this time by chance.
const STAMP_MS: i64 = 1_700_000_000_123;
/// The same in seconds, as some pages write it.
const STAMP_S: i64 = 1_700_000_500;
