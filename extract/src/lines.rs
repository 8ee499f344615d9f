//! The lines of the raw stream, on their way out.

use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use schemas::stream::{self, Done};
use serde_json::json;
use tokio::sync::mpsc::Sender;

use crate::Error;
use crate::clock;
use crate::list::List;
use crate::page::Page;

/// Pages, and the records on them.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Tally {
    pub pages: u64,
    pub records: u64,
}

/// Writes lines, and counts the pages among them.
#[derive(Debug)]
pub(crate) struct Lines {
    sender: Sender<Bytes>,
    pages: AtomicU64,
    records: AtomicU64,
}

impl Lines {
    pub(crate) fn new(sender: Sender<Bytes>) -> Self {
        Self { sender, pages: AtomicU64::new(0), records: AtomicU64::new(0) }
    }

    pub(crate) fn tally(&self) -> Tally {
        Tally { pages: self.pages.load(Ordering::Relaxed), records: self.records.load(Ordering::Relaxed) }
    }

    /// A page; `chain` is the parameter that tells its chain from others of the same list.
    pub(crate) async fn page(
        &self,
        list: &List,
        chain: Option<&(&'static str, String)>,
        seq: u64,
        page: &Page,
    ) -> Result<(), Error> {
        let resource = list.resource.name;
        let parent = json!(list.parent);
        let chain = chain.map(|(name, value)| format!("\"chain\":{},", json!({ *name: value }))).unwrap_or_default();
        let fetched_at = clock::millis(page.fetched_at);
        let body = &page.body;
        // By hand: the body goes out byte for byte, and is not read once more to do so.
        let line = format!(
            "{{\"kind\":\"page\",\"resource\":\"{resource}\",\"parent\":{parent},{chain}\"seq\":{seq},\
             \"fetched_at\":\"{fetched_at}\",\"body\":{body}}}\n"
        );
        self.send(line).await?;
        self.pages.fetch_add(1, Ordering::Relaxed);
        self.records.fetch_add(page.records().len() as u64, Ordering::Relaxed);
        Ok(())
    }

    pub(crate) async fn done(&self, done: &Done) -> Result<(), Error> {
        self.record("done", done).await
    }

    pub(crate) async fn record(&self, kind: &str, record: &impl serde::Serialize) -> Result<(), Error> {
        self.send(stream::line(kind, record).map_err(Error::Line)?).await
    }

    async fn send(&self, line: String) -> Result<(), Error> {
        self.sender.send(line.into()).await.map_err(|_| Error::Closed)
    }
}
