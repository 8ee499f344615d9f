//! A lake in memory or on disk, loaded and read back.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::TimestampMicrosecondType;
use arrow_array::{Array, RecordBatch};
use bytes::Bytes;
use futures::TryStreamExt;
use load::manifest::{Entry, Manifest};
use load::{Committed, Config, Error, Load};
use object_store::local::LocalFileSystem;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use schemas::stream::RowItem;
use schemas::time::parse;

use crate::stream::Stream;

pub struct Lake {
    pub store: Arc<dyn ObjectStore>,
    pub config: Config,
    loads: u32,
    /// Rows in a batch of the stream.
    pub rows: usize,
    _folder: Option<tempfile::TempDir>,
}

impl Lake {
    pub fn in_memory() -> Self {
        Self::new(Arc::new(InMemory::new()), None)
    }

    pub fn on_disk() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = LocalFileSystem::new_with_prefix(folder.path()).unwrap().with_automatic_cleanup(true);
        Self::new(Arc::new(store.with_fsync(true)), Some(folder))
    }

    pub fn new(store: Arc<dyn ObjectStore>, folder: Option<tempfile::TempDir>) -> Self {
        let now = parse("2026-11-22T10:15:00.123Z").unwrap();
        let config = Config::new(Arc::clone(&store), std::env::temp_dir(), now, "01LOAD0".to_owned());
        Self { store, config, loads: 0, rows: 3, _folder: folder }
    }

    /// The settings of the next load: another id and a later start than the last one's.
    pub fn next(&mut self) -> Config {
        self.loads += 1;
        let now = self.config.now + i64::from(self.loads) * 60_000_000;
        Config { store: Arc::clone(&self.store), now, load_id: format!("01LOAD{}", self.loads), ..self.config.clone() }
    }

    pub fn load(&mut self, stream: &Stream) -> Result<Committed, Error> {
        let config = self.next();
        load(config, stream.items(self.rows))
    }

    pub fn manifest(&self) -> Manifest {
        block_on(load::manifest::read_newest(&self.store)).unwrap().unwrap()
    }

    pub fn entry(&self, key: &str) -> Entry {
        self.manifest().table(key).unwrap_or_else(|| panic!("no table {key}")).clone()
    }

    pub fn batches(&self, key: &str) -> Vec<RecordBatch> {
        self.entry(key).files.iter().flat_map(|f| read(&self.store, &f.path)).collect()
    }

    /// The ids of a table, or its pairs, in order.
    pub fn ids(&self, key: &str) -> Vec<String> {
        self.rows_of(key).into_iter().map(|r| r.0).collect()
    }

    /// Ids or pairs, with first seen and last updated as `HH:MM`.
    pub fn rows_of(&self, key: &str) -> Vec<(String, String, String)> {
        let mut rows = Vec::new();
        for batch in self.batches(key) {
            let text = |name: &str, row| batch.column_by_name(name).map(|c| c.as_string::<i32>().value(row).to_owned());
            let clock = |name: &str, row| {
                let column = batch.column_by_name(name)?.as_primitive::<TimestampMicrosecondType>();
                Some(schemas::time::format(column.value(row))[11..16].to_owned())
            };
            for row in 0..batch.num_rows() {
                let id = text("id", row).unwrap_or_else(|| {
                    format!("{}>{}", text("source_id", row).unwrap(), text("target_id", row).unwrap())
                });
                rows.push((id, clock("firstseen", row).unwrap_or_default(), clock("lastupdated", row).unwrap()));
            }
        }
        rows
    }

    /// One text column of a table.
    pub fn column(&self, key: &str, name: &str) -> Vec<Option<String>> {
        let text = |batch: RecordBatch| {
            let column = batch.column_by_name(name).unwrap().clone();
            let column = column.as_string::<i32>();
            (0..column.len()).map(|i| column.is_valid(i).then(|| column.value(i).to_owned())).collect::<Vec<_>>()
        };
        self.batches(key).into_iter().flat_map(text).collect()
    }

    /// Every object but manifests.
    pub fn objects(&self) -> BTreeMap<String, Bytes> {
        objects(&self.store)
    }
}

pub fn objects(store: &Arc<dyn ObjectStore>) -> BTreeMap<String, Bytes> {
    block_on(async {
        let all: Vec<_> = store.list(None).try_collect().await.unwrap();
        let mut objects = BTreeMap::new();
        for meta in all.into_iter().filter(|m| !m.location.as_ref().starts_with("_runs/")) {
            let bytes = store.get(&meta.location).await.unwrap().bytes().await.unwrap();
            objects.insert(meta.location.to_string(), bytes);
        }
        objects
    })
}

pub fn load(config: Config, items: Vec<RowItem>) -> Result<Committed, Error> {
    block_on(async {
        let mut load = Load::open(config).await?;
        for item in items {
            load.push(item)?;
        }
        load.commit().await
    })
}

pub fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(future)
}

pub fn read(store: &Arc<dyn ObjectStore>, path: &str) -> Vec<RecordBatch> {
    let bytes = block_on(async { store.get(&Path::from(path)).await.unwrap().bytes().await.unwrap() });
    ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap().build().unwrap().map(Result::unwrap).collect()
}
