//! Runs of the extraction, and what is common to all streams.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use extract::{ApiUrl, Clock, Config, ConfigError, Error, Key, Retry, Summary, run};
use futures::FutureExt;
use schemas::catalog::Resource;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use crate::server::{Reply, Server, ids, ok};

pub const KEY: &str = "sk_test_51SECRETSECRET";
pub const STARTED_AT: &str = "2026-11-22T10:15:00Z";

/// A clock that never waits: it moves on instead, and notes by how much.
#[derive(Clone)]
pub struct TestClock {
    now: Arc<AtomicI64>,
    pub waits: Arc<Mutex<Vec<Duration>>>,
}

impl TestClock {
    pub fn new() -> Self {
        Self { now: Arc::new(AtomicI64::new(schemas::time::parse(STARTED_AT).unwrap())), waits: Arc::default() }
    }

    pub fn clock(&self) -> Clock {
        let (now, moved, waits) = (self.now.clone(), self.now.clone(), self.waits.clone());
        Clock::new(
            move || now.load(Ordering::Relaxed),
            move |wait| {
                moved.fetch_add(wait.as_micros() as i64, Ordering::Relaxed);
                waits.lock().unwrap().push(wait);
                std::future::ready(()).boxed()
            },
        )
    }
}

/// A configuration that reads these resources, and nothing else.
pub fn config(server: &Server, resources: &[&str]) -> Config {
    Config {
        api_url: ApiUrl::parse(&server.url(), false).unwrap(),
        key: Key::new(KEY).unwrap(),
        environment_id: "client_1".to_owned(),
        run_id: "01K".to_owned(),
        started_at: schemas::time::parse(STARTED_AT).unwrap(),
        resources: resources.iter().map(|name| Resource::find(name).unwrap()).collect(),
        events_lookback_days: 7,
        concurrency: 4,
        retry: Retry { seed: Some(1), ..Retry::default() },
        clock: TestClock::new().clock(),
    }
}

/// What came of a run.
pub struct Outcome {
    pub result: Result<Summary, Error>,
    pub text: String,
}

impl Outcome {
    /// The lines of the stream.
    pub fn lines(&self) -> Vec<Value> {
        self.text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// The lines of a kind.
    pub fn of(&self, kind: &str) -> Vec<Value> {
        self.lines().into_iter().filter(|line| line["kind"] == kind).collect()
    }

    /// The `done` lines, shortened: resource, the ids of the parent, status, pages, records.
    pub fn done(&self) -> Vec<String> {
        let short = |line: &Value| {
            let parent: Vec<&str> = match line["parent"].as_object() {
                Some(ids) => ids.values().map(|id| id.as_str().unwrap()).collect(),
                None => vec!["-"],
            };
            let status = line["status"].as_str().unwrap();
            format!(
                "{} {} {status} {}/{}",
                line["resource"].as_str().unwrap(),
                parent.join("+"),
                line["pages"],
                line["records"]
            )
        };
        self.of("done").iter().map(short).collect()
    }

    /// The error with its causes.
    pub fn error(&self) -> String {
        let mut cause: &dyn std::error::Error = self.result.as_ref().unwrap_err();
        let mut text = cause.to_string();
        while let Some(next) = cause.source() {
            text = format!("{text}: {next}");
            cause = next;
        }
        text
    }
}

pub async fn extract(config: Config) -> Outcome {
    let (sender, mut receiver) = mpsc::channel::<Bytes>(1);
    let collect = async {
        let mut text = String::new();
        while let Some(line) = receiver.recv().await {
            assert!(line.ends_with(b"\n"));
            text.push_str(std::str::from_utf8(&line).unwrap());
        }
        text
    };
    let (result, text) = tokio::join!(run(config, sender), collect);
    Outcome { result, text }
}

/// Serves these answers and reads these resources.
pub async fn read(
    resources: &[&str],
    handler: impl Fn(&crate::server::Request, usize) -> Reply + Send + Sync + 'static,
) -> (Outcome, Server) {
    let server = Server::start(handler).await;
    (extract(config(&server, resources)).await, server)
}

#[tokio::test]
async fn a_stream_from_begin_to_end() {
    let (outcome, server) = read(&["roles", "organizations", "organization_roles"], |request, _| {
        if request.path == "/organizations" { ids(&["org_1", "org_2"], None) } else { ok(r#"{"data":[{"id":"r"}]}"#) }
    })
    .await;
    let lines = outcome.lines();
    assert_eq!(
        lines[0],
        json!({"kind":"begin","protocol":1,"run_id":"01K","environment_id":"client_1",
               "started_at":"2026-11-22T10:15:00.000Z","mode":"full",
               "resources":["roles","organizations","organization_roles"]})
    );
    assert_eq!(
        outcome.text.lines().nth(1).unwrap(),
        r#"{"kind":"page","resource":"roles","parent":null,"seq":0,"fetched_at":"2026-11-22T10:15:00.000Z","body":{"data":[{"id":"r"}]}}"#
    );
    assert_eq!(
        *lines.last().unwrap(),
        json!({"kind":"end","pages":4,"records":5,"requests":4,"finished_at":"2026-11-22T10:15:00.000Z"})
    );
    let mut done = outcome.done();
    done[2..4].sort();
    assert_eq!(
        done,
        [
            "roles - complete 1/1",
            "organizations - complete 1/2",
            "organization_roles org_1 complete 1/1",
            "organization_roles org_2 complete 1/1",
            "organization_roles - complete 0/0",
        ]
    );
    let summary = outcome.result.unwrap();
    assert_eq!((summary.pages, summary.records, summary.requests, summary.unavailable.len()), (4, 5, 4, 0));
    for request in server.requests() {
        assert_eq!(request.headers["authorization"], format!("Bearer {KEY}"));
        assert_eq!(request.headers["user-agent"], concat!("workos-lake/", env!("CARGO_PKG_VERSION")));
        assert_eq!(request.headers["accept-encoding"], "gzip");
    }
}

#[tokio::test]
async fn a_closed_reader_ends_the_run() {
    let server = Server::start(|_, n| ids(&["u"], Some(&format!("c{n}")))).await;
    let (sender, mut receiver) = mpsc::channel(1);
    let reader = async move {
        receiver.recv().await.unwrap();
    };
    let (result, ()) = tokio::join!(run(config(&server, &["users"]), sender), reader);
    assert!(matches!(result, Err(Error::Closed)));
}

#[tokio::test]
async fn a_configuration_is_checked_first() {
    let server = Server::start(|_, _| ids(&[], None)).await;
    let check = |change: fn(&mut Config)| {
        let mut config = config(&server, &["organizations", "api_keys"]);
        change(&mut config);
        config.check()
    };
    assert_eq!(check(|_| {}), Ok(()));
    assert_eq!(check(|c| c.events_lookback_days = 91), Err(ConfigError::Lookback(91)));
    assert_eq!(check(|c| c.events_lookback_days = 0), Err(ConfigError::Lookback(0)));
    assert_eq!(check(|c| c.concurrency = 0), Err(ConfigError::Concurrency));
    let parent = ConfigError::Parent { resource: "api_keys", parent: "organizations" };
    assert_eq!(check(|c| c.resources.reverse()), Err(parent));
    let mut wrong = config(&server, &["organizations"]);
    wrong.concurrency = 0;
    let outcome = extract(wrong).await;
    assert!(matches!(outcome.result, Err(Error::Config(_))) && outcome.text.is_empty());
}

#[tokio::test]
async fn all_resources_of_the_catalog_are_read_in_order() {
    let names: Vec<&str> = schemas::catalog::RESOURCES.iter().map(|r| r.name).collect();
    let (outcome, _) = read(&names, |request, _| match request.path.as_str() {
        "/organizations" | "/directories" => ids(&["a", "b"], None),
        "/directory_groups" => ids(&["g"], None),
        _ => ids(&[], None),
    })
    .await;
    let closed: Vec<Value> = outcome.of("done").into_iter().filter(|d| d["parent"].is_null()).collect();
    assert_eq!(closed.iter().map(|d| d["resource"].as_str().unwrap()).collect::<Vec<_>>(), names);
    assert!(closed.iter().all(|d| d["status"] == "complete"));
    assert_eq!(outcome.of("end").len(), 1);
    assert_eq!(outcome.of("state").len(), 0, "no event was seen");
}

#[tokio::test]
async fn a_run_can_be_spawned_and_speaks_tls() {
    let server = Server::start(|_, _| ids(&[], None)).await;
    let mut config = config(&server, &["users"]);
    // The server speaks no TLS, so the handshake fails; it must fail as a connection does.
    config.api_url = ApiUrl::parse(&server.url().replace("http://", "https://"), false).unwrap();
    config.retry = Retry { times: 1, min_delay: Duration::ZERO, ..Retry::default() };
    config.clock = Clock::system();
    let (sender, _receiver) = mpsc::channel(8);
    let result = tokio::spawn(run(config, sender)).await.unwrap();
    assert!(matches!(result, Err(Error::List { source: extract::Failure::Transport(_), .. })), "{result:?}");
}
