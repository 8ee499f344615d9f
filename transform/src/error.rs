use schemas::stream::PROTOCOL;

/// Why a raw stream cannot be transformed at all; single lines and records that do not fit go to quarantine instead.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The first line is not `begin`.
    #[error("the input is no raw stream: its first line is not a `begin` record")]
    NoBegin,
    /// The `begin` line cannot be read.
    #[error("the `begin` line of the raw stream cannot be read")]
    Begin(#[source] serde_json::Error),
    /// The stream is of another protocol.
    #[error("the raw stream is of protocol {0}, this version reads {PROTOCOL}: use the version that wrote it")]
    Protocol(u32),
    /// Two runs in one input.
    #[error("the input holds two runs, {first} and {second}: transform one at a time")]
    TwoRuns {
        /// The run that the input began with.
        first: String,
        /// The run that began later.
        second: String,
    },
    /// `started_at` is no instant.
    #[error("`started_at` of the raw stream is no time: `{0}`")]
    StartedAt(String),
    /// The input could not be read.
    #[error("cannot read the raw stream")]
    Input(#[source] std::io::Error),
    /// Records that wait for a look-up could not be written or read back.
    #[error("cannot keep the records that wait for a look-up in the spill file: is there room on the disk?")]
    Spill(#[source] std::io::Error),
    /// A batch could not be made.
    #[error("cannot gather rows of table `{table}`")]
    Batch {
        /// The table.
        table: String,
        /// What is wrong with it.
        source: arrow_schema::ArrowError,
    },
    /// Nobody takes the rows any more.
    #[error("the reader of the rows is gone")]
    Closed,
}
