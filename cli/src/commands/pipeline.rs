//! The stages in one process, alone or together, over bounded channels.

use std::io;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

use anyhow::Context as _;
use bytes::Bytes;
use extract::{ApiUrl, Clock, Retry};
use load::{Committed, Load};
use schemas::catalog;
use schemas::stream::RowItem;
use tokio::io::AsyncWriteExt as _;
use tokio::runtime::Runtime;
use transform::Chunk;

use crate::args;
use crate::config::{self, Work};
use crate::exit::{Interrupted, Outcome, Usage};
use crate::interrupt::Interrupt;
use crate::lake::{self, Lake};
use crate::{input, key, rows};

/// Pages between extract and transform.
const LINES: usize = 16;
/// Batches between transform and load.
const BATCHES: usize = 4;

/// The API to stdout.
pub fn extract(args: &args::Api) -> anyhow::Result<Outcome> {
    let config = api(args)?;
    let runtime = config::runtime()?;
    let interrupt = Interrupt::watch(&runtime);
    let (sender, mut lines) = tokio::sync::mpsc::channel::<Bytes>(LINES);
    let summary = runtime.block_on(async {
        let write = async {
            let mut stdout = tokio::io::BufWriter::with_capacity(1 << 20, tokio::io::stdout());
            while let Some(line) = lines.recv().await {
                stdout.write_all(&line).await?;
            }
            stdout.flush().await
        };
        tokio::select! {
            (extracted, written) = async { tokio::join!(extract::run(config, sender), write) } => {
                written.context("cannot write the raw stream to stdout")?;
                anyhow::Ok(extracted?)
            }
            () = interrupt.wait() => Err(Interrupted.into()),
        }
    })?;
    tracing::info!(pages = summary.pages, records = summary.records, requests = summary.requests, "extracted");
    Ok(Outcome::Complete)
}

/// The row stream from stdin to the lake.
pub fn load(args: &args::Load) -> anyhow::Result<Outcome> {
    let work = Work::new(&args.work)?;
    let lake = lake::open(&args.commit.lake.lake, true)?;
    let runtime = config::runtime()?;
    let committed =
        commit(&runtime, &lake, &args.commit, &work, |emit, _| rows::read(input::chunks(Vec::new()), emit))?;
    Ok(outcome(&lake, &args.commit, &committed))
}

/// All three stages.
pub fn pipeline(args: &args::Pipeline) -> anyhow::Result<Outcome> {
    let work = Work::new(&args.work)?;
    let source = if args.from_raw.is_empty() {
        Source::Api(Box::new(api(&args.api)?))
    } else {
        Source::Files(input::files(&args.from_raw)?)
    };
    let lake = lake::open(&args.commit.lake.lake, true)?;
    let runtime = config::runtime()?;
    let park = work.park()?;
    let committed = match source {
        Source::Files(files) => commit(&runtime, &lake, &args.commit, &work, |emit, _| {
            transform::run(input::chunks(files), work.threads, park, emit)?;
            Ok(())
        }),
        Source::Api(config) => commit(&runtime, &lake, &args.commit, &work, |emit, interrupt| {
            let (sender, lines) = tokio::sync::mpsc::channel(LINES);
            let interrupted = interrupt.clone().wait();
            let extracting = runtime.spawn(async move {
                tokio::select! {
                    extracted = extract::run(*config, sender) => extracted.map(drop),
                    () = interrupted => Err(extract::Error::Closed),
                }
            });
            let transformed = transform::run(pages(lines), work.threads, park, emit);
            // A stream that broke off is extract's failure, whatever transform made of it.
            let extracted = runtime.block_on(extracting).context("extract came to an untimely end")?;
            match extracted {
                Err(extract::Error::Closed) | Ok(()) => {}
                Err(error) => return Err(error.into()),
            }
            transformed?;
            Ok(())
        }),
    }?;
    Ok(outcome(&lake, &args.commit, &committed))
}

enum Source {
    Api(Box<extract::Config>),
    Files(Vec<std::path::PathBuf>),
}

fn api(args: &args::Api) -> anyhow::Result<extract::Config> {
    let resources = catalog::select(&args.resources, &args.exclude).map_err(|e| Usage(e.to_string()))?;
    let key = key::read(args.api_key_file.as_deref())?;
    let environment_id = args.client_id.clone().filter(|id| !id.is_empty()).unwrap_or_else(|| {
        tracing::warn!("no client id: the environment will be called `workos`; set WORKOS_CLIENT_ID or --client-id");
        "workos".to_owned()
    });
    let api_url = ApiUrl::parse(args.api_url.as_str(), args.allow_http).map_err(|e| Usage(e.to_string()))?;
    Ok(extract::Config {
        api_url,
        key,
        environment_id,
        run_id: config::ulid(),
        // The stream's times have milliseconds.
        started_at: config::now() / 1000 * 1000,
        resources,
        events_lookback_days: args.events_lookback_days,
        concurrency: args.concurrency.into(),
        retry: Retry::default(),
        clock: Clock::system(),
    })
}

/// The lines of extract, each as a chunk.
fn pages(mut lines: tokio::sync::mpsc::Receiver<Bytes>) -> impl Iterator<Item = io::Result<Chunk>> + Send {
    (1..).map_while(move |first_line| Some(Ok(Chunk { first_line, bytes: lines.blocking_recv()? })))
}

/// Gives what `produce` emits to load, on a thread of its own, and commits it.
fn commit(
    runtime: &Runtime,
    lake: &Lake,
    args: &args::Commit,
    work: &Work,
    produce: impl FnOnce(&(dyn Fn(RowItem) -> bool + Sync), &Interrupt) -> anyhow::Result<()>,
) -> anyhow::Result<Committed> {
    let interrupt = Interrupt::watch(runtime);
    let config = load::Config {
        memory: work.memory,
        threads: work.threads,
        max_shrink: args.max_shrink,
        allow_older: args.allow_older,
        single_writer: args.single_writer,
        zstd_level: args.zstd_level,
        ..load::Config::new(lake.store.clone(), work.spill_dir.clone(), config::now(), config::ulid())
    };
    let load = runtime.block_on(Load::open(config))?;
    tracing::info!(lake = lake.root, "reading");
    let (sender, items) = sync_channel(BATCHES);
    let (loaded, produced) = std::thread::scope(|scope| {
        let loading = scope.spawn(move || push(load, &items));
        let listening = interrupt.clone();
        let produced = produce(&move |item| !listening.happened() && send(&sender, item), &interrupt);
        (loading.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), produced)
    });
    // When load fails, those before it fail because nobody listens any more.
    let load = loaded?;
    if interrupt.happened() {
        return Err(Interrupted.into());
    }
    produced?;
    tracing::info!("all rows are in, merging and writing");
    // Nothing was written so far; a commit that has begun is seen through.
    Ok(runtime.block_on(load.commit())?)
}

fn send(sender: &SyncSender<RowItem>, item: RowItem) -> bool {
    sender.send(item).is_ok()
}

fn push(mut load: Load, items: &Receiver<RowItem>) -> Result<Load, load::Error> {
    for item in items {
        load.push(item)?;
    }
    Ok(load)
}

fn outcome(lake: &Lake, args: &args::Commit, committed: &Committed) -> Outcome {
    let manifest = &committed.manifest;
    tracing::info!(lake = lake.root, number = manifest.number, snapshot = manifest.snapshot, "committed");
    for gap in &manifest.unavailable {
        tracing::warn!(resource = gap.resource, reason = gap.reason, "unavailable");
    }
    let partial = !manifest.unavailable.is_empty() && !args.allow_unavailable;
    if partial { Outcome::Partial } else { Outcome::Complete }
}
