//! Bytes of one file on their way into the store, hashed as they pass.

use std::fmt::Write as _;
use std::io::{self, Write};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _, WriteMultipart};
use sha2::{Digest as _, Sha256};
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;

use crate::error::Error;

/// Bytes of a part: what is smaller as a whole is put at once.
const PART: usize = 8 << 20;

/// Files that are being completed at a time: each waits for the disk, or for an answer, while the next one is encoded.
const COMPLETING: usize = 4;

/// A file on its last step.
type Completion = JoinHandle<Result<(), Error>>;

/// Where files go; what was begun is remembered, so that a failed load can remove it.
#[derive(Debug, Clone)]
pub(crate) struct Place {
    pub store: Arc<dyn ObjectStore>,
    pub handle: Handle,
    begun: Arc<Mutex<Vec<Path>>>,
    completing: Arc<Mutex<Vec<Completion>>>,
    room: Arc<Semaphore>,
}

impl Place {
    pub fn new(store: Arc<dyn ObjectStore>, handle: Handle) -> Self {
        let room = Arc::new(Semaphore::new(COMPLETING));
        Self { store, handle, begun: Arc::default(), completing: Arc::default(), room }
    }

    /// A new file. Files are put whole under their final names: only a manifest makes them part of the lake.
    pub fn create(&self, path: &str) -> Sink {
        let path = Path::from(path);
        self.begun.lock().unwrap_or_else(PoisonError::into_inner).push(path.clone());
        Sink { place: self.clone(), path, part: Vec::new(), upload: None, hash: Sha256::new(), bytes: 0 }
    }

    /// Waits until every finished file is there; gives the first failure.
    pub async fn settle(&self) -> Result<(), Error> {
        let tasks = std::mem::take(&mut *self.completing.lock().unwrap_or_else(PoisonError::into_inner));
        let mut settled = Ok(());
        for task in tasks {
            let done = task.await.unwrap_or_else(|e| Err(Error::Died(e.to_string())));
            settled = settled.and(done);
        }
        settled
    }

    /// Removes every file of this load. What cannot be removed is an orphan that no manifest names.
    pub async fn remove_all(&self) {
        let paths = std::mem::take(&mut *self.begun.lock().unwrap_or_else(PoisonError::into_inner));
        for path in paths {
            match self.store.delete(&path).await {
                Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                Err(e) => tracing::warn!(%path, error = %e, "cannot remove a file of this failed load"),
            }
        }
    }
}

/// A file being written, from a thread that may block.
#[derive(Debug)]
pub(crate) struct Sink {
    place: Place,
    path: Path,
    part: Vec<u8>,
    upload: Option<WriteMultipart>,
    hash: Sha256,
    bytes: u64,
}

/// What became of a sink.
#[derive(Debug)]
pub(crate) struct Written {
    pub path: String,
    pub bytes: u64,
    pub sha256: String,
}

impl Sink {
    fn send_part(&mut self) -> Result<(), object_store::Error> {
        let Place { store, handle, .. } = &self.place;
        let upload = match &mut self.upload {
            Some(upload) => upload,
            None => {
                let upload = handle.block_on(store.put_multipart(&self.path))?;
                self.upload.insert(WriteMultipart::new_with_chunk_size(upload, PART))
            }
        };
        // One part is on its way while the next one fills.
        handle.block_on(upload.wait_for_capacity(1))?;
        let part = Bytes::from(std::mem::replace(&mut self.part, Vec::with_capacity(PART)));
        let _runtime = handle.enter();
        upload.put(part);
        Ok(())
    }

    /// Completes the file in the background: it is there once the place has [settled](Place::settle).
    pub fn finish(mut self) -> Result<Written, Error> {
        let part = Bytes::from(std::mem::take(&mut self.part));
        let (upload, path) = (self.upload.take(), self.path.clone());
        let Place { store, handle, completing, room, .. } = self.place.clone();
        let room = handle.block_on(room.acquire_owned()).map_err(|e| Error::Died(e.to_string()))?;
        let task = handle.spawn(async move {
            let done = match upload {
                None => store.put(&path, part.into()).await.map(drop),
                Some(mut upload) => {
                    upload.put(part);
                    upload.finish().await.map(drop)
                }
            };
            drop(room);
            done.map_err(|source| Error::Store { what: "write", path: path.to_string(), source })
        });
        completing.lock().unwrap_or_else(PoisonError::into_inner).push(task);
        let mut sha256 = String::with_capacity(64);
        for byte in std::mem::take(&mut self.hash).finalize() {
            let _ = write!(sha256, "{byte:02x}");
        }
        Ok(Written { path: self.path.to_string(), bytes: self.bytes, sha256 })
    }
}

impl Write for Sink {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.hash.update(bytes);
        self.bytes += bytes.len() as u64;
        self.part.extend_from_slice(bytes);
        if self.part.len() >= PART {
            self.send_part().map_err(io::Error::other)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Sink {
    /// An upload that was not finished must not stay in the store, where its parts would cost money unseen.
    fn drop(&mut self) {
        if let Some(upload) = self.upload.take()
            && let Err(e) = self.place.handle.block_on(upload.abort())
        {
            tracing::warn!(path = %self.path, error = %e, "cannot abort an upload");
        }
    }
}
