use std::fs as blocking;

use super::*;

/// A folder of this test alone, removed at the end.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path =
            std::env::temp_dir().join(format!("runnel-file-sd-{name}-{}", std::process::id()));
        let _ = blocking::remove_dir_all(&path);
        blocking::create_dir_all(&path).unwrap();
        Self(path)
    }

    fn path(&self, name: &str) -> String {
        self.0.join(name).display().to_string()
    }

    /// Writes by rename, as a careful writer does: the inode changes with each write.
    fn write(&self, name: &str, text: &str) {
        blocking::write(self.path("new"), text).unwrap();
        blocking::rename(self.path("new"), self.path(name)).unwrap();
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = blocking::remove_dir_all(&self.0);
    }
}

/// `address address | source: error`, paths without their folder.
fn show(folder: &Folder, watcher: &Watcher) -> String {
    let addresses: Vec<_> = watcher.groups().into_iter().flat_map(|g| g.addresses).collect();
    let errors = watcher.errors().into_iter().map(|e| format!(" | {}: {}", e.source, e.text));
    let text = addresses.join(" ") + &errors.collect::<String>();
    text.replace(&format!("{}/", folder.0.display()), "")
}

#[tokio::test]
async fn files_are_read_when_they_change() {
    let folder = Folder::new("change");
    let mut watcher = Watcher::new(&[folder.path("a.json"), folder.path("t-*.yml")]);
    let mut look = async |change: &dyn Fn(), expected: &str| {
        change();
        watcher.look(false).await;
        assert_eq!(show(&folder, &watcher), expected);
    };
    look(&|| {}, " | a.json: cannot read the file: it does not exist").await;
    look(&|| folder.write("a.json", r#"[{"targets":["a:1"]}]"#), "a:1").await;
    look(&|| folder.write("t-2.yml", "- targets: [c:2]"), "a:1 c:2").await;
    look(&|| folder.write("t-1.yml", "- targets: [b:2]"), "a:1 b:2 c:2").await;
    look(&|| folder.write("a.json", r#"[{"targets":["a:2"]}]"#), "a:2 b:2 c:2").await;
    // A bad file keeps its last good groups.
    let bad = "a:2 b:2 c:2 | a.json: group 1: expected a mapping, found a number";
    look(&|| folder.write("a.json", "[1]"), bad).await;
    look(&|| {}, bad).await;
    look(&|| folder.write("a.json", "[]"), "b:2 c:2").await;
    // A file that vanishes for one look only is not gone.
    let remove = |name: &str| blocking::remove_file(folder.path(name)).unwrap();
    look(&|| remove("t-1.yml"), "b:2 c:2").await;
    look(&|| folder.write("t-1.yml", "- targets: [b:3]"), "b:3 c:2").await;
    look(&|| remove("t-1.yml"), "b:3 c:2").await;
    look(&|| {}, "c:2").await;
    look(&|| remove("a.json"), "c:2 | a.json: cannot read the file: it does not exist").await;
}

#[tokio::test]
async fn groups_say_which_file_they_are_from() {
    let folder = Folder::new("label");
    folder.write("a.yaml", "- targets: [a]\n  labels: {x: y, __meta_filepath: z}");
    let mut watcher = Watcher::new(&[folder.path("*.yaml")]);
    watcher.look(false).await;
    let groups = watcher.groups();
    assert_eq!(groups[0].labels.value("__meta_filepath"), folder.path("a.yaml"));
    assert_eq!((groups[0].labels.value("x"), &groups[0].source), ("y", &folder.path("a.yaml")));
}

#[tokio::test]
async fn a_file_too_large_is_refused_unread() {
    let folder = Folder::new("large");
    blocking::File::create(folder.path("a.json")).unwrap().set_len(FILE_BYTES_MAX + 1).unwrap();
    let mut watcher = Watcher::new(&[folder.path("a.json")]);
    watcher.look(false).await;
    let expected = " | a.json: the file has 33554433 bytes, at most 33554432 are read";
    assert_eq!(show(&folder, &watcher), expected);
}

#[tokio::test]
async fn a_reader_publishes_changes_and_ends_with_its_listener() {
    let folder = Folder::new("run");
    folder.write("a.json", r#"[{"targets":["a:1"]}]"#);
    let (out, mut seen) = watch::channel(Discovered::default());
    let settings = FileSd {
        files: vec![folder.path("a.json")],
        refresh_interval: runnel_config::units::Millis::seconds(300),
    };
    let reader = run(settings, out);
    let listener = async {
        seen.wait_for(|state| state.attempted && state.groups.len() == 1).await.unwrap();
        folder.write("a.json", r#"[{"targets":["a:1"]},{"targets":["b:1"]}]"#);
        seen.wait_for(|state| state.groups.len() == 2).await.unwrap();
        drop(seen);
    };
    let both = async { tokio::join!(reader, listener) };
    tokio::time::timeout(Duration::from_secs(20), both).await.expect("the reader ends");
}

#[test]
fn patterns_name_paths() {
    for (pattern, path, expected) in [
        ("/a/*.json", "/a/b.json", true),
        ("/a/*.json", "/a/.b.json", false),
        ("/a/.*", "/a/.b", true),
        ("/a/*.json", "/c/b.json", false),
        ("/a/x*y*z", "/a/xyz", true),
        ("/a/x*y*z", "/a/xyyzz", true),
        ("/a/x*y*z", "/a/xz", false),
        ("/a/*a", "/a/aa", true),
        ("/a/a*a", "/a/a", false),
        ("/a/b", "/a/b", true),
        ("*.yml", "a.yml", true),
    ] {
        assert_eq!(names(Path::new(pattern), Path::new(path)), expected, "{pattern} {path}");
    }
}
