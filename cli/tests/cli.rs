//! The program as its users run it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that panics has failed")]

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use tempfile::TempDir;

const NASTY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/fixtures/nasty.ndjson");

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_workos-lake"));
    for name in ["WORKOS_API_KEY", "WORKOS_TOKEN", "WORKOS_CLIENT_ID", "WORKOS_API_URL", "WORKOS_LAKE"] {
        command.env_remove(name);
    }
    command
}

#[track_caller]
fn run(args: &[&str], stdin: &[u8], code: i32) -> Output {
    let mut child =
        program().args(args).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut pipe = child.stdin.take().unwrap();
    let bytes = stdin.to_vec();
    // A program that ends early does not read it all.
    let writing = std::thread::spawn(move || drop(pipe.write_all(&bytes)));
    let output = child.wait_with_output().unwrap();
    writing.join().unwrap();
    assert_eq!(output.status.code(), Some(code), "{args:?}: {}", stderr(&output));
    output
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

struct Lake(TempDir);

impl Lake {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self) -> &str {
        self.0.path().to_str().unwrap()
    }

    fn newest(&self) -> Value {
        let mut runs: Vec<PathBuf> = files(&self.0.path().join("_runs"));
        runs.sort();
        serde_json::from_slice(&std::fs::read(runs.last().expect("a manifest")).unwrap()).unwrap()
    }

    /// The checksums of each table's files, by the table.
    fn checksums(&self) -> BTreeMap<String, Vec<String>> {
        let manifest = self.newest();
        let mut checksums: BTreeMap<String, Vec<String>> = BTreeMap::new();
        for table in manifest["tables"].as_array().unwrap().iter().filter(|t| t["kind"] != "quarantine") {
            let key = format!("{}/{}/{}", table["name"], table["from"], table["to"]);
            let files = table["files"].as_array().unwrap().iter();
            checksums.entry(key).or_default().extend(files.map(|f| f["sha256"].as_str().unwrap().to_owned()));
        }
        checksums
    }

    fn rows(&self, name: &str) -> u64 {
        let manifest = self.newest();
        let tables = manifest["tables"].as_array().unwrap().iter().filter(|t| t["name"] == name);
        tables.map(|t| t["rows"].as_u64().unwrap()).sum()
    }
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(dir) else { return Vec::new() };
    entries.map(|e| e.unwrap().path()).flat_map(|p| if p.is_dir() { files(&p) } else { vec![p] }).collect()
}

fn fixture() -> Vec<String> {
    std::fs::read_to_string(NASTY).unwrap().lines().map(str::to_owned).collect()
}

#[test]
fn a_landed_stream_becomes_a_lake() {
    let lake = Lake::new();
    let output = run(&["pipeline", "--from-raw", NASTY, "--lake", lake.path()], b"", 3);
    assert!(stderr(&output).contains("unavailable"), "{}", stderr(&output));
    let manifest = lake.newest();
    assert_eq!((&manifest["number"], &manifest["environment_id"]), (&json!(1), &json!("client_fixture")));
    assert_eq!(manifest["cursors"]["events"]["after"], "event_4");
    assert_eq!(manifest["quarantined"], 7);
    for (name, rows) in [
        ("WorkOSUser", 4),
        ("WorkOSRole", 5),
        ("WorkOSOrganizationMembership", 5),
        ("WITH_ROLE", 4),
        ("INVITES", 3),
        ("OWNS", 2),
        ("MEMBER_OF", 7),
        ("events", 4),
        ("WorkOSEnvironment", 1),
    ] {
        assert_eq!(lake.rows(name), rows, "{name}");
    }
    // The applications were never read: an empty table would say that there are none.
    assert!(manifest["tables"].as_array().unwrap().iter().all(|t| t["name"] != "WorkOSApplication"));
    run(&["pipeline", "--from-raw", NASTY, "--lake", lake.path(), "--allow-unavailable"], b"", 0);
    assert_eq!((lake.newest()["number"].as_u64(), lake.rows("events")), (Some(2), 4));
}

#[test]
fn every_way_gives_the_same_bytes() {
    let lines = fixture();
    let pipeline = Lake::new();
    run(&["pipeline", "--from-raw", NASTY, "--lake", pipeline.path()], b"", 3);
    let expected = pipeline.checksums();
    assert!(expected.len() > 30);

    let piped = Lake::new();
    let rows = run(&["transform", NASTY], b"", 0).stdout;
    run(&["load", "--lake", piped.path()], &rows, 3);
    assert_eq!(piped.checksums(), expected, "piped");

    let dir = tempfile::tempdir().unwrap();
    let packed = dir.path().join("raw.ndjson.zst");
    std::fs::write(&packed, zstd::encode_all(lines.join("\n").as_bytes(), 3).unwrap()).unwrap();
    for threads in ["1", "3"] {
        let lake = Lake::new();
        run(&["pipeline", "--threads", threads, "--from-raw", packed.to_str().unwrap(), "--lake", lake.path()], b"", 3);
        assert_eq!(lake.checksums(), expected, "zstd, {threads} threads");
    }

    // Every line but the first, backwards and twice.
    let doubled = lines[1..].iter().rev().chain(&lines[1..]);
    let shuffled: Vec<&str> = std::iter::once(&lines[0]).chain(doubled).map(String::as_str).collect();
    let lake = Lake::new();
    run(&["pipeline", "--from-raw", "-", "--lake", lake.path()], shuffled.join("\n").as_bytes(), 3);
    assert_eq!(lake.checksums(), expected, "shuffled and doubled");
}

#[test]
fn credentials_appear_nowhere() {
    let lake = Lake::new();
    let outputs = [
        run(&["pipeline", "--from-raw", NASTY, "--lake", lake.path()], b"", 3),
        run(&["transform", NASTY], b"", 0),
        run(&["views", "--lake", lake.path()], b"", 0),
    ];
    let contains = |bytes: &[u8]| bytes.windows(7).any(|w| w == b"PLANTED");
    assert!(contains(&std::fs::read(NASTY).unwrap()));
    for output in outputs {
        assert!(!contains(&output.stdout) && !contains(&output.stderr));
    }
    for file in files(lake.0.path()) {
        assert!(!contains(&std::fs::read(&file).unwrap()), "{}", file.display());
    }
}

#[test]
fn what_is_cut_short_commits_nothing() {
    let lines = fixture();
    let cut = lines[..lines.len() - 1].join("\n");
    for stdin in [cut.as_str(), lines[0].as_str(), &cut[..cut.len() / 2]] {
        let lake = Lake::new();
        let output = run(&["pipeline", "--from-raw", "-", "--lake", lake.path()], stdin.as_bytes(), 4);
        assert!(stderr(&output).contains("nothing was committed"), "{}", stderr(&output));
        assert_eq!(files(lake.0.path()), Vec::<PathBuf>::new());
    }
    let rows = run(&["transform", NASTY], b"", 0).stdout;
    for length in [0, rows.len() / 2, rows.len() - 100] {
        let lake = Lake::new();
        run(&["load", "--lake", lake.path()], &rows[..length], 4);
        assert_eq!(files(lake.0.path()), Vec::<PathBuf>::new());
    }
    let output = run(&["transform"], cut.as_bytes(), 1);
    assert!(stderr(&output).contains("cut short"), "{}", stderr(&output));
    assert!(!String::from_utf8_lossy(&output.stdout).contains("\"kind\":\"end\""));
}

#[test]
fn a_lake_is_of_one_environment_and_goes_forward() {
    let lake = Lake::new();
    run(&["pipeline", "--from-raw", NASTY, "--lake", lake.path()], b"", 3);
    let other = fixture().join("\n").replacen("client_fixture", "client_other", 1);
    let output = run(&["pipeline", "--from-raw", "-", "--lake", lake.path()], other.as_bytes(), 1);
    assert!(
        stderr(&output).contains("client_fixture") && stderr(&output).contains("client_other"),
        "{}",
        stderr(&output)
    );
    let older = fixture().join("\n").replacen("2026-11-22T10:15:00.000Z", "2026-11-21T10:15:00.000Z", 1);
    let output = run(&["pipeline", "--from-raw", "-", "--lake", lake.path()], older.as_bytes(), 1);
    assert!(stderr(&output).contains("--allow-older"), "{}", stderr(&output));
    run(&["pipeline", "--from-raw", "-", "--lake", lake.path(), "--allow-older"], older.as_bytes(), 3);
    assert_eq!(lake.newest()["number"], 2);
}

#[test]
fn wrong_arguments_are_told_apart_from_failures() {
    let lake = Lake::new();
    let at = |args: &[&str]| -> Vec<String> { args.iter().map(|a| a.replace("LAKE", lake.path())).collect() };
    for (args, says) in [
        (at(&["pipeline", "--lake", "LAKE"]), "WORKOS_API_KEY"),
        (at(&["extract"]), "WORKOS_API_KEY"),
        (at(&["extract", "--resources", "user"]), "unknown resource `user`"),
        (at(&["extract", "--exclude", "roles"]), "needs `roles`"),
        (at(&["pipeline", "--from-raw", "LAKE/*.nothing", "--lake", "LAKE"]), "no file matches"),
        (at(&["pipeline", "--from-raw", NASTY, "--lake", "gopher://x"]), "gopher"),
        (at(&["pipeline", "--from-raw", NASTY, "--lake", "LAKE", "--memory", "1KB"]), "--memory"),
        (at(&["pipeline", "--from-raw", NASTY, "--lake", "LAKE", "--max-shrink", "2"]), "--max-shrink"),
        (at(&["pipeline", "--from-raw", NASTY, "--lake", "LAKE", "--resources", "users"]), "--resources"),
        (at(&["extract", "--events-lookback-days", "91"]), "91"),
        (at(&["views", "--lake", "LAKE"]), "no commit yet"),
        (at(&["pipelin"]), "pipeline"),
    ] {
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        let output = run(&args, b"", 2);
        assert!(stderr(&output).contains(says), "{args:?}: {}", stderr(&output));
        assert_eq!(output.stdout, b"");
    }
    let output = run(&["pipeline", "--from-raw", "/nowhere/raw.ndjson", "--lake", lake.path()], b"", 1);
    assert!(stderr(&output).contains("/nowhere/raw.ndjson"), "{}", stderr(&output));
    let output = run(&["pipeline", "--from-raw", "-", "--lake", lake.path()], b"id,name\n1,x\n", 1);
    assert!(stderr(&output).contains("no raw stream"), "{}", stderr(&output));
}

#[test]
fn the_key_stays_secret() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("key");
    std::fs::write(&file, "sk_test_PLANTED\n").unwrap();
    let file = file.to_str().unwrap();
    let refused = ["extract", "--api-url", "http://workos.example", "--api-key-file"];
    let by_file = [&refused[..], &[file]].concat();
    let by_stdin = [&refused[..], &["-"]].concat();
    for (args, stdin) in [(by_file, &b""[..]), (by_stdin, b"sk_test_PLANTED")] {
        let output = run(&args, stdin, 2);
        assert!(stderr(&output).contains("http"), "{}", stderr(&output));
        assert!(!stderr(&output).contains("PLANTED"));
    }
    let output = program()
        .args(["extract", "--api-url", "http://workos.example"])
        .env("WORKOS_TOKEN", "sk_test_PLANTED")
        .output();
    let output = output.unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(!stderr(&output).contains("PLANTED") && stderr(&output).contains("--allow-http"), "{}", stderr(&output));
}

#[test]
fn resources_and_views_can_be_piped() {
    let listed = run(&["resources"], b"", 0).stdout;
    assert!(String::from_utf8(listed).unwrap().contains("organization_memberships"));
    let lake = Lake::new();
    run(&["pipeline", "-q", "--from-raw", NASTY, "--lake", lake.path()], b"", 3);
    let views = String::from_utf8(run(&["views", "--lake", lake.path()], b"", 0).stdout).unwrap();
    for view in ["\"workos_user\"", "\"workos_api_key\"", "\"member_of\"", "\"in\"", "\"events\"", "lake_files"] {
        assert!(views.contains(&format!("create or replace view {view} as")), "{view}");
    }
}

#[test]
fn what_was_lost_on_the_way_stays_as_it_was() {
    let lake = Lake::new();
    run(&["pipeline", "--from-raw", NASTY, "--lake", lake.path()], b"", 3);
    let (users, keys) = (lake.rows("WorkOSUser"), lake.rows("WorkOSAPIKey"));
    // The second page of users is gone, and the keys of the organization that has some cannot be read.
    let second = |line: &String| line.contains("\"resource\":\"users\"") && line.contains("\"seq\":1");
    let keys_of_a = |line: &String| line.contains("\"resource\":\"api_keys\"") && line.contains("org_A");
    let mut later: Vec<String> = fixture().into_iter().filter(|l| !second(l) && !keys_of_a(l)).collect();
    let refused = r#"{"kind":"done","resource":"api_keys","parent":{"organization_id":"org_A"},"status":"unavailable","reason":"403"}"#;
    later.insert(1, refused.to_owned());
    let output = run(&["pipeline", "--from-raw", "-", "--lake", lake.path()], later.join("\n").as_bytes(), 3);
    assert!(stderr(&output).contains("1 of 2 pages"), "{}", stderr(&output));
    assert_eq!((lake.rows("WorkOSUser"), lake.rows("WorkOSAPIKey"), lake.rows("OWNS")), (users, keys, 2));
    let manifest = lake.newest();
    let table = |name: &str| manifest["tables"].as_array().unwrap().iter().find(|t| t["name"] == name).unwrap().clone();
    assert_eq!(table("WorkOSUser")["stale_since"], "2026-11-22T10:15:00.000Z");
    assert!(!table("WorkOSAPIKey")["stale_since"].is_null());
    assert!(table("WorkOSOrganization")["stale_since"].is_null());
}
