use std::path::PathBuf;
use std::sync::Arc;

use object_store::ObjectStore;

/// What a load needs to know; nothing else is read from the environment, the clock or chance.
#[derive(Debug, Clone)]
pub struct Config {
    /// The store, rooted at the lake.
    pub store: Arc<dyn ObjectStore>,
    /// Where rows that do not fit into memory are spilled; the files vanish with the process.
    pub spill_dir: PathBuf,
    /// Anonymous memory of the whole process, in bytes; load takes a share of it.
    pub memory: usize,
    /// Tables that are merged and encoded at the same time.
    pub threads: usize,
    /// When the load started, in microseconds since 1970 UTC: names the snapshot.
    pub now: i64,
    /// A ULID that no other load has: part of every file's name.
    pub load_id: String,
    /// The share of its rows that a state table may lose, from 0 to 1.
    pub max_shrink: f64,
    /// Commit a stream although it started before the newest manifest's.
    pub allow_older: bool,
    /// Nobody else writes to this lake: do without a store that honours "create if absent".
    pub single_writer: bool,
    /// The zstd level of Parquet pages.
    pub zstd_level: i32,
    /// Bytes after which the next file of a table begins.
    pub file_bytes: usize,
    /// Name and version of the tool, for manifests and the files' metadata.
    pub tool: String,
}

impl Config {
    /// The usual values around what has none.
    #[must_use]
    pub fn new(store: Arc<dyn ObjectStore>, spill_dir: PathBuf, now: i64, load_id: String) -> Self {
        Self {
            store,
            spill_dir,
            memory: 256 << 20,
            threads: 2,
            now,
            load_id,
            max_shrink: 0.5,
            allow_older: false,
            single_writer: false,
            zstd_level: 1,
            file_bytes: 256 << 20,
            tool: concat!("workos-lake ", env!("CARGO_PKG_VERSION")).to_owned(),
        }
    }

    /// Bytes of rows that are held before some are spilled: the rest of the budget is for the stages before, for
    /// decoded batches of the runs being merged, and for row groups being encoded.
    pub(crate) fn rows_in_memory(&self) -> usize {
        self.memory / 8 * 3
    }
}
