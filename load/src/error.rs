use arrow_schema::ArrowError;
use parquet::errors::ParquetError;

/// Why nothing was committed.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The stream has no `end`, or not all that its `end` counts.
    #[error("the row stream is incomplete: {0}; nothing was committed, run again")]
    Incomplete(String),
    /// Another load committed while this one ran.
    #[error("another run committed manifest {number} first; its state stands, what this one wrote is removed")]
    LostRace {
        /// The number that both wanted.
        number: u64,
    },
    /// The lake holds another environment.
    #[error("the lake holds environment `{lake}`, the stream is of `{stream}`: give each environment its own lake")]
    Environment {
        /// Of the newest manifest.
        lake: String,
        /// Of the stream.
        stream: String,
    },
    /// The stream is older than what is committed.
    #[error(
        "the stream started at {stream}, before the newest commit's ({lake}): pass `--allow-older` to make it the newest state"
    )]
    Older {
        /// `started_at` of the newest manifest.
        lake: String,
        /// `started_at` of the stream.
        stream: String,
    },
    /// A table lost more rows than is believable.
    #[error(
        "table `{table}` would shrink from {was} to {now} rows: if that is right, raise `--max-shrink` (now {max_shrink})"
    )]
    Shrunk {
        /// The table.
        table: String,
        /// Rows that the newest manifest names.
        was: u64,
        /// Rows of this run.
        now: u64,
        /// The share that may be lost.
        max_shrink: f64,
    },
    /// The lake, or the stream, is of a protocol that this version does not know.
    #[error("{what} is of protocol {found}, this version knows {known}: update workos-lake")]
    Protocol {
        /// Which of them.
        what: &'static str,
        /// Its number.
        found: u32,
        /// [`schemas::stream::PROTOCOL`].
        known: u32,
    },
    /// The store overwrites what it was told to create.
    #[error(
        "the store overwrites objects that must only be created, so two runs could overwrite each other's commit: pass `--single-writer` if nobody else writes to this lake"
    )]
    NoConditionalPut,
    /// Whether the manifest is there could not be found out.
    #[error(
        "cannot tell whether `{path}` was committed: the files of this run are left where they are; look for it, and run again if it is not there"
    )]
    Unsettled {
        /// The manifest.
        path: String,
        /// Why the store could not say.
        source: object_store::Error,
    },
    /// An item of the row stream is not what it has to be.
    #[error("the row stream is wrong: {0}")]
    Stream(String),
    /// A request to the store failed.
    #[error("cannot {what} `{path}` in the lake")]
    Store {
        /// What was tried.
        what: &'static str,
        /// Relative to the lake.
        path: String,
        /// Why.
        source: object_store::Error,
    },
    /// A Parquet file could not be read or written.
    #[error("cannot {what} `{path}`")]
    Parquet {
        /// What was tried.
        what: &'static str,
        /// Relative to the lake.
        path: String,
        /// Why.
        source: ParquetError,
    },
    /// A file of the lake has a column of another type than the catalog's.
    #[error("`{path}` has column `{column}` as {found}, not {expected}: was it written by another version?")]
    Column {
        /// Relative to the lake.
        path: String,
        /// The column.
        column: String,
        /// Its type in the file.
        found: String,
        /// Its type in the catalog.
        expected: String,
    },
    /// A manifest could not be read or written as JSON.
    #[error("manifest `{path}` is not one")]
    Manifest {
        /// Relative to the lake.
        path: String,
        /// Why.
        source: serde_json::Error,
    },
    /// Rows could not be spilled or read back.
    #[error("cannot spill rows to `{dir}`: is the disk full?")]
    Spill {
        /// The spill folder.
        dir: String,
        /// Why.
        source: ArrowError,
    },
    /// Rows do not make a batch.
    #[error("rows of `{table}` do not make a batch")]
    Arrow {
        /// The table.
        table: String,
        /// Why.
        source: ArrowError,
    },
    /// A thread of the load died.
    #[error("a thread of the load died: {0}")]
    Died(String),
    /// Another table failed first; its error is the one to report.
    #[error("stopped, because another table failed")]
    Stopped,
}
