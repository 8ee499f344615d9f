//! What each command does.

mod pipeline;

use std::io::Write as _;

use anyhow::Context as _;
use schemas::catalog::RESOURCES;

use crate::args::{self, Command};
use crate::config;
use crate::exit::{Outcome, Usage};
use crate::{input, lake, rows};

/// Runs a command to its end.
pub fn run(command: Command) -> anyhow::Result<Outcome> {
    match command {
        Command::Extract(args) => pipeline::extract(&args),
        Command::Transform(args) => transform(&args),
        Command::Load(args) => pipeline::load(&args),
        Command::Pipeline(args) => pipeline::pipeline(&args),
        Command::Views(args) => views(&args),
        Command::Resources => resources(),
    }
}

fn transform(args: &args::Transform) -> anyhow::Result<Outcome> {
    let chunks = input::chunks(input::files(&args.files)?);
    let work = config::Work::new(&args.work)?;
    let writer = rows::Writer::new();
    let result = transform::run(chunks, work.threads, work.park()?, &|item| writer.write(&item));
    writer.finish()?;
    let summary = result?;
    tracing::info!(quarantined = summary.quarantined, parked = summary.parked, "transformed");
    if summary.end.is_none() {
        // The row stream has no `end` either, so nobody can mistake it for a whole one.
        anyhow::bail!("the raw stream has no `end` line: it was cut short, and nothing will be committed from it");
    }
    Ok(Outcome::Complete)
}

fn views(args: &args::Views) -> anyhow::Result<Outcome> {
    let lake = lake::open(&args.lake.lake, false)?;
    let manifest = config::runtime()?.block_on(load::manifest::read_newest(lake.store.as_ref()))?;
    let manifest =
        manifest.ok_or_else(|| Usage(format!("no commit yet in `{}`: run `workos-lake pipeline` first", lake.root)))?;
    print(&load::views::duckdb(&manifest, &lake.root))
}

fn resources() -> anyhow::Result<Outcome> {
    let width = RESOURCES.iter().map(|r| r.name.len()).max().unwrap_or(0);
    let lines = RESOURCES.iter().map(|r| format!("{:width$}  {}\n", r.name, r.doc));
    print(&lines.collect::<String>())
}

/// Writes to stdout; a reader that has seen enough is no error.
fn print(text: &str) -> anyhow::Result<Outcome> {
    match std::io::stdout().write_all(text.as_bytes()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error).context("cannot write to stdout"),
        _ => Ok(Outcome::Complete),
    }
}
