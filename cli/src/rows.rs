//! The row stream between processes.

use std::io::{self, Write};
use std::sync::{Mutex, PoisonError};

use anyhow::Context as _;
use schemas::row;
use schemas::stream::RowItem;
use transform::Chunk;

/// Writes items to stdout, from any thread.
pub struct Writer {
    out: Mutex<Out>,
}

struct Out {
    stdout: io::Stdout,
    failed: Option<anyhow::Error>,
}

impl Writer {
    pub fn new() -> Self {
        Self { out: Mutex::new(Out { stdout: io::stdout(), failed: None }) }
    }

    /// Writes one item; false when that is no longer possible.
    pub fn write(&self, item: &RowItem) -> bool {
        // Lines are made outside the lock: that is where the time goes.
        let mut lines = Vec::new();
        let made = row::write(item, &mut lines).map_err(anyhow::Error::from);
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        if out.failed.is_some() {
            return false;
        }
        if let Err(error) = made.and_then(|()| Ok(out.stdout.write_all(&lines)?)) {
            out.failed = Some(error);
            return false;
        }
        true
    }

    /// What went wrong, if anything did.
    pub fn finish(self) -> anyhow::Result<()> {
        let mut out = self.out.into_inner().unwrap_or_else(PoisonError::into_inner);
        match out.failed {
            Some(error) => Err(error),
            None => Ok(out.stdout.flush()?),
        }
        .context("cannot write the row stream to stdout")
    }
}

/// Reads items from chunks of lines, in order; stops when `emit` says so.
pub fn read(
    chunks: impl Iterator<Item = io::Result<Chunk>>,
    mut emit: impl FnMut(RowItem) -> bool,
) -> anyhow::Result<()> {
    let mut reader = row::Reader::default();
    let mut wanted = true;
    for chunk in chunks {
        let chunk = chunk.context("cannot read the row stream")?;
        for (line, number) in chunk.lines().zip(chunk.first_line..) {
            if line.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let place = || format!("line {number} of the row stream");
            let read = match std::str::from_utf8(line) {
                Ok(line) => reader.line(line, &mut |item| wanted = wanted && emit(item)).with_context(place),
                Err(error) => Err(error).with_context(place),
            };
            // A last line without its line feed was cut short, as its missing `end` will tell.
            if read.is_err()
                && !chunk.bytes.ends_with(b"\n")
                && chunk.bytes.as_ptr_range().end == line.as_ptr_range().end
            {
                return Ok(());
            }
            read?;
            if !wanted {
                return Ok(());
            }
        }
    }
    Ok(())
}
