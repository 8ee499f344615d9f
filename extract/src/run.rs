//! The route of one extraction: begin, every resource in order, state, end.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use futures::future::{self, Either};
use schemas::catalog::Resource;
use schemas::stream::{Begin, PROTOCOL, ParentIds, RawEnd, State};
use serde_json::json;
use tokio::sync::mpsc::Sender;
use tracing::info;

use crate::children::Children;
use crate::client::Client;
use crate::lines::Lines;
use crate::list::List;
use crate::{Config, Error, clock, resource};

/// What a whole extraction came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Summary {
    /// Pages in the stream.
    pub pages: u64,
    /// Records on them.
    pub records: u64,
    /// Requests that it took, repetitions included.
    pub requests: u64,
    /// What the API did not answer.
    pub unavailable: Vec<Unavailable>,
}

/// A list that the API did not answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unavailable {
    /// The resource.
    pub resource: &'static str,
    /// The parent; none if the resource is unavailable as a whole.
    pub parent: Option<ParentIds>,
    /// Why.
    pub reason: String,
}

/// Sends the raw stream into `lines`, each line with its line feed. Only a stream whose last line is `end` is whole.
///
/// At most [`Config::concurrency`] pages are held, besides the ids of parents and what the channel holds.
///
/// # Errors
/// [`Error::Closed`] as soon as nobody reads the stream; any other error ends the stream where it stands.
pub async fn run(config: Config, lines: Sender<Bytes>) -> Result<Summary, Error> {
    config.check()?;
    let run = Run::new(config, lines.clone())?;
    let route = std::pin::pin!(run.route());
    let closed = std::pin::pin!(lines.closed());
    match future::select(route, closed).await {
        Either::Left((summary, _)) => summary,
        Either::Right(_) => Err(Error::Closed),
    }
}

/// What the parts of one extraction share.
#[derive(Debug)]
pub(crate) struct Run {
    pub config: Config,
    pub client: Client,
    pub lines: Lines,
    pub children: Children,
    unavailable: Mutex<Vec<Unavailable>>,
    newest: Mutex<BTreeMap<&'static str, (i64, String)>>,
}

impl Run {
    fn new(config: Config, lines: Sender<Bytes>) -> Result<Self, Error> {
        Ok(Self {
            client: Client::new(&config)?,
            lines: Lines::new(lines),
            children: Children::new(&config.resources),
            config,
            unavailable: Mutex::default(),
            newest: Mutex::default(),
        })
    }

    async fn route(&self) -> Result<Summary, Error> {
        self.lines.record("begin", &self.begin()).await?;
        for resource in &self.config.resources {
            resource::read(self, resource).await?;
        }
        if let Some(state) = self.state() {
            self.lines.record("state", &state).await?;
        }
        let tally = self.lines.tally();
        let requests = self.client.requests();
        let finished_at = Some(clock::millis(self.config.clock.now()));
        let end = RawEnd { pages: tally.pages, records: tally.records, requests, finished_at };
        self.lines.record("end", &end).await?;
        info!(pages = tally.pages, records = tally.records, requests, "extracted");
        let unavailable = lock(&self.unavailable).clone();
        Ok(Summary { pages: tally.pages, records: tally.records, requests, unavailable })
    }

    fn begin(&self) -> Begin {
        Begin {
            protocol: PROTOCOL,
            run_id: self.config.run_id.clone(),
            environment_id: self.config.environment_id.clone(),
            started_at: clock::millis(self.config.started_at),
            mode: "full".to_owned(),
            resources: Some(self.config.resources.iter().map(|r| r.name.to_owned()).collect()),
        }
    }

    /// Where the next run goes on, if anything was read that has a newest record.
    fn state(&self) -> Option<State> {
        let newest = lock(&self.newest);
        let cursor = |(at, id): &(i64, String)| json!({ "after": id, "created_at": schemas::time::format(*at) });
        let cursors: serde_json::Map<_, _> = newest.iter().map(|(name, n)| ((*name).to_owned(), cursor(n))).collect();
        (!cursors.is_empty()).then_some(State { cursors })
    }

    /// Takes note of a chain's newest record.
    pub(crate) fn note_newest(&self, resource: &'static Resource, at: i64, id: &str) {
        let mut newest = lock(&self.newest);
        if newest.get(resource.name).is_none_or(|(known, _)| at > *known) {
            newest.insert(resource.name, (at, id.to_owned()));
        }
    }

    /// Takes note of a list that the API did not answer.
    pub(crate) fn note_unavailable(&self, list: &List, reason: &str) {
        lock(&self.unavailable).push(Unavailable {
            resource: list.resource.name,
            parent: list.parent.clone(),
            reason: reason.to_owned(),
        });
    }

    /// Why a resource is unavailable as a whole, if it is.
    pub(crate) fn unavailable_as_a_whole(&self, resource: &Resource) -> Option<String> {
        let unavailable = lock(&self.unavailable);
        unavailable.iter().find(|u| u.resource == resource.name && u.parent.is_none()).map(|u| u.reason.clone())
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
