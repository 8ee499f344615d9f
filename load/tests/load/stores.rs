//! Stores that do not do what they should.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use futures::stream::BoxStream;
use load::Error;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::{
    CopyOptions, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, PutMode,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, Result, UploadPart,
};

use crate::lake::{Lake, block_on, objects};
use crate::stream::Stream;

const T10: &str = "2026-11-22T10:00:00Z";

#[derive(Debug, Clone, Copy, PartialEq)]
enum Fault {
    /// "Create if absent" overwrites.
    Overwrites,
    /// "Create if absent" is not there at all.
    KnowsNoCreate,
    /// The first manifest is put, but its answer is lost.
    LosesAnswer,
    /// The first manifest is not put, and nor is the answer.
    LosesRequest,
    /// No manifest is ever put.
    RefusesManifest,
    /// The third part of an upload fails.
    FailsParts,
    /// Files of one table fail.
    FailsTable(&'static str),
}

#[derive(Debug)]
struct Faulty {
    inner: Arc<dyn ObjectStore>,
    fault: Fault,
    manifests: AtomicUsize,
    aborted: Arc<AtomicUsize>,
}

impl fmt::Display for Faulty {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.fault)
    }
}

fn broken() -> object_store::Error {
    object_store::Error::Generic { store: "faulty", source: "the connection broke".into() }
}

#[async_trait]
impl ObjectStore for Faulty {
    async fn put_opts(&self, path: &Path, payload: PutPayload, mut options: PutOptions) -> Result<PutResult> {
        let manifest = path.extension() == Some("json");
        let nth = if manifest { self.manifests.fetch_add(1, Ordering::SeqCst) } else { 0 };
        match self.fault {
            Fault::Overwrites => options.mode = PutMode::Overwrite,
            Fault::KnowsNoCreate if options.mode == PutMode::Create => {
                return Err(object_store::Error::NotImplemented {
                    operation: "create".into(),
                    implementer: "faulty".into(),
                });
            }
            Fault::LosesAnswer if manifest && nth == 0 => {
                self.inner.put_opts(path, payload, options).await?;
                return Err(broken());
            }
            Fault::LosesRequest if manifest && nth == 0 => return Err(broken()),
            Fault::RefusesManifest if manifest => return Err(broken()),
            Fault::FailsTable(table) if path.as_ref().contains(table) => return Err(broken()),
            _ => {}
        }
        self.inner.put_opts(path, payload, options).await
    }

    async fn put_multipart_opts(&self, path: &Path, options: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        let inner = self.inner.put_multipart_opts(path, options).await?;
        let left = if self.fault == Fault::FailsParts { 2 } else { usize::MAX };
        Ok(Box::new(Upload { inner, left, aborted: Arc::clone(&self.aborted) }))
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(path, options).await
    }

    fn delete_stream(&self, paths: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(paths)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }
}

#[derive(Debug)]
struct Upload {
    inner: Box<dyn MultipartUpload>,
    left: usize,
    aborted: Arc<AtomicUsize>,
}

#[async_trait]
impl MultipartUpload for Upload {
    fn put_part(&mut self, part: PutPayload) -> UploadPart {
        if self.left == 0 {
            return Box::pin(async { Err(broken()) });
        }
        self.left -= 1;
        self.inner.put_part(part)
    }

    async fn complete(&mut self) -> Result<PutResult> {
        self.inner.complete().await
    }

    async fn abort(&mut self) -> Result<()> {
        self.aborted.fetch_add(1, Ordering::SeqCst);
        self.inner.abort().await
    }
}

fn faulty(fault: Fault) -> (Lake, Arc<AtomicUsize>) {
    let aborted = Arc::new(AtomicUsize::new(0));
    let inner: Arc<dyn ObjectStore> = Arc::new(InMemory::new());
    let store = Faulty { inner, fault, manifests: AtomicUsize::new(0), aborted: Arc::clone(&aborted) };
    (Lake::new(Arc::new(store), None), aborted)
}

fn users() -> Stream {
    Stream::complete(T10).node("WorkOSUser", "user_1", 1, "")
}

fn nothing_is_left(lake: &Lake) {
    assert!(objects(&lake.store).is_empty(), "{:?}", objects(&lake.store).keys());
    assert!(block_on(load::manifest::read_newest(&lake.store)).unwrap().is_none());
}

#[test]
fn a_store_that_overwrites_is_refused_unless_nobody_else_writes() {
    for fault in [Fault::Overwrites, Fault::KnowsNoCreate] {
        let (mut lake, _) = faulty(fault);
        let error = lake.load(&users()).unwrap_err();
        assert!(matches!(error, Error::NoConditionalPut), "{error}");
        assert!(error.to_string().contains("--single-writer"));
        nothing_is_left(&lake);
        lake.config.single_writer = true;
        lake.load(&users()).unwrap();
        lake.load(&users()).unwrap();
        assert_eq!(lake.manifest().number, 2);
    }
}

#[test]
fn the_probe_leaves_nothing() {
    let mut lake = Lake::in_memory();
    lake.load(&users()).unwrap();
    let all: Vec<_> = block_on(futures::TryStreamExt::try_collect::<Vec<_>>(lake.store.list(None))).unwrap();
    assert!(all.iter().all(|m| !m.location.as_ref().contains("probe")));
}

#[test]
fn a_lost_answer_is_settled_by_reading_back() {
    for fault in [Fault::LosesAnswer, Fault::LosesRequest] {
        let (mut lake, _) = faulty(fault);
        let committed = lake.load(&users()).unwrap();
        assert_eq!(lake.manifest(), committed.manifest);
        assert_eq!(lake.ids("WorkOSUser"), ["user_1"]);
    }
}

#[test]
fn without_a_manifest_no_file_stays() {
    let (mut lake, _) = faulty(Fault::RefusesManifest);
    let error = lake.load(&users()).unwrap_err();
    assert!(matches!(error, Error::Store { what: "write", .. }), "{error}");
    nothing_is_left(&lake);
}

#[test]
fn a_table_that_can_not_be_written_takes_the_others_with_it() {
    let (mut lake, _) = faulty(Fault::FailsTable("MEMBER_OF"));
    let error = lake.load(&users()).unwrap_err();
    assert!(error.to_string().contains("MEMBER_OF"), "{error}");
    nothing_is_left(&lake);
}

#[test]
fn an_upload_that_breaks_is_aborted() {
    let (mut lake, aborted) = faulty(Fault::FailsParts);
    let mut random = fastrand::Rng::with_seed(2);
    let mut stream = users();
    for i in 0..48 {
        let value: String = (0..1 << 20).map(|_| random.alphanumeric()).collect();
        stream = stream.node("WorkOSUser", &format!("user_{i:02}"), 1, &format!(r#""name":"{value}""#));
    }
    let error = lake.load(&stream).unwrap_err();
    assert!(error.to_string().contains("WorkOSUser"), "{error}");
    assert_eq!(aborted.load(Ordering::SeqCst), 1);
    nothing_is_left(&lake);
}
