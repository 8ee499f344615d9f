//! Arguments, validated.

use std::path::PathBuf;

use anyhow::Context as _;
use jiff::Timestamp;
use tokio::runtime::Runtime;
use transform::Park;

use crate::args;
use crate::exit::Usage;

/// How much of the memory the records that wait for a look-up may take.
const PARK_SHARE: usize = 16;
/// Less memory than this does not hold what one page of every table needs.
const LEAST_MEMORY: usize = 64_000_000;

/// Threads, memory and the place for what exceeds it.
#[derive(Debug)]
pub struct Work {
    /// Threads that parse, merge and encode.
    pub threads: usize,
    /// Bytes.
    pub memory: usize,
    /// A folder on a local disk.
    pub spill_dir: PathBuf,
}

impl Work {
    pub fn new(args: &args::Work) -> anyhow::Result<Self> {
        let memory = usize::try_from(args.memory.as_u64()).unwrap_or(usize::MAX);
        if memory < LEAST_MEMORY {
            return Err(Usage(format!("--memory {} is too little: it takes at least 64MB", args.memory)).into());
        }
        let processors = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let threads = args.threads.map_or_else(processors, usize::from);
        let spill_dir = args.spill_dir.clone().unwrap_or_else(std::env::temp_dir);
        if !spill_dir.is_dir() {
            return Err(Usage(format!("--spill-dir `{}` is no folder", spill_dir.display())).into());
        }
        Ok(Self { threads, memory, spill_dir })
    }

    /// An empty place for records that wait.
    pub fn park(&self) -> anyhow::Result<Park> {
        let file = tempfile::tempfile_in(&self.spill_dir)
            .with_context(|| format!("cannot make a spill file in `{}`", self.spill_dir.display()))?;
        Ok(Park::new(self.memory / PARK_SHARE, Box::new(file)))
    }
}

/// Microseconds since 1970 UTC.
pub fn now() -> i64 {
    Timestamp::now().as_microsecond()
}

/// A fresh ULID.
pub fn ulid() -> String {
    ulid::Ulid::generate().to_string()
}

/// Where asynchronous work runs: requests and uploads, nothing that computes.
pub fn runtime() -> anyhow::Result<Runtime> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .context("cannot start the runtime for requests and uploads")
}
