//! The command line, before it is validated.
#![allow(clippy::doc_markdown, reason = "these comments are the help, which is no Markdown")]
#![allow(clippy::struct_field_names, reason = "fields are named like their flags")]

use std::path::PathBuf;

use bytesize::ByteSize;
use clap::{Args as Group, Parser, Subcommand};

/// Streams everything a WorkOS environment holds into a graph of Parquet tables.
#[derive(Debug, Parser)]
#[command(name = "workos-lake", version, arg_required_else_help = true, max_term_width = 100)]
pub struct Args {
    /// Only warnings and errors on stderr
    #[arg(short, long, global = true)]
    pub quiet: bool,
    #[command(subcommand)]
    pub command: Command,
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Read the API and write the raw stream to stdout
    ///
    /// One JSON object a line: every page as the API sent it, less its credentials. Pipe it into `workos-lake transform`,
    /// or land it in a file and transform it later.
    Extract(Api),
    /// Turn a raw stream into the row stream on stdout
    ///
    /// Reads files, globs or stdin, plain or zstd-compressed. Needs no API.
    Transform(Transform),
    /// Read the row stream from stdin and commit it to a lake
    Load(Load),
    /// Extract, transform and load in one process
    ///
    /// Reads the API, or with --from-raw a raw stream that was landed before, and commits one snapshot to the lake.
    Pipeline(Box<Pipeline>),
    /// Print DuckDB views over the lake
    ///
    /// One view for each label, fact and type of edge. They follow new commits by themselves.
    Views(Views),
    /// List the resources that can be read
    Resources,
}

#[derive(Debug, Group)]
pub struct Api {
    /// Where the API is
    #[arg(long, env = "WORKOS_API_URL", default_value = "https://api.workos.com", value_name = "URL")]
    pub api_url: url::Url,
    /// A file that holds the API key, or `-` for stdin; else WORKOS_API_KEY or WORKOS_TOKEN is used
    #[arg(long, value_name = "FILE")]
    pub api_key_file: Option<PathBuf>,
    /// The environment's client id; without it the environment is called `workos`
    #[arg(long, env = "WORKOS_CLIENT_ID", value_name = "ID")]
    pub client_id: Option<String>,
    /// Read only these resources, and what they need
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    pub resources: Vec<String>,
    /// Do not read these resources
    #[arg(long, value_delimiter = ',', value_name = "NAME")]
    pub exclude: Vec<String>,
    /// How many days of events to read
    #[arg(long, default_value_t = 30, value_parser = clap::value_parser!(u32).range(1..=90), value_name = "DAYS")]
    pub events_lookback_days: u32,
    /// Requests under way at once
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u16).range(1..=256), value_name = "N")]
    pub concurrency: u16,
    /// Send the key over plain http:// to hosts other than this one
    #[arg(long)]
    pub allow_http: bool,
}

#[derive(Debug, Group)]
pub struct Work {
    /// Memory to use at most
    #[arg(long, default_value = "256MB", value_name = "SIZE")]
    pub memory: ByteSize,
    /// Threads to work on, at most 256; by default as many as there are processors
    #[arg(long, value_parser = clap::value_parser!(u16).range(1..=256), value_name = "N")]
    pub threads: Option<u16>,
    /// Where to keep what exceeds the memory while the run lasts
    #[arg(long, value_name = "DIR")]
    pub spill_dir: Option<PathBuf>,
}

#[derive(Debug, Group)]
pub struct Transform {
    /// Raw streams: paths or globs, in order; stdin without any
    #[arg(value_name = "FILE")]
    pub files: Vec<String>,
    #[command(flatten)]
    pub work: Work,
}

#[derive(Debug, Group)]
pub struct Lake {
    /// Where the lake is: a path or a file:// URL
    #[arg(long, env = "WORKOS_LAKE", default_value = "lake", value_name = "PATH")]
    pub lake: String,
}

#[derive(Debug, Group)]
pub struct Commit {
    #[command(flatten)]
    pub lake: Lake,
    /// Refuse to commit when a table would lose more than this share of its rows
    #[arg(long, default_value_t = 0.5, value_name = "SHARE", value_parser = share)]
    pub max_shrink: f64,
    /// Commit a stream that started before the newest snapshot did
    #[arg(long)]
    pub allow_older: bool,
    /// Nobody else writes to the lake, so a store that cannot create a file only if it is absent will do
    #[arg(long)]
    pub single_writer: bool,
    /// Exit 0 even if something was unavailable
    #[arg(long)]
    pub allow_unavailable: bool,
    /// The level of zstd compression
    #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(i32).range(1..=22), value_name = "LEVEL")]
    pub zstd_level: i32,
}

fn share(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(share) if (0.0..=1.0).contains(&share) => Ok(share),
        _ => Err("expected a number from 0 to 1".to_owned()),
    }
}

#[derive(Debug, Group)]
pub struct Load {
    #[command(flatten)]
    pub commit: Commit,
    #[command(flatten)]
    pub work: Work,
}

#[derive(Debug, Group)]
pub struct Pipeline {
    #[command(flatten)]
    pub api: Api,
    /// Read raw streams that were landed before, instead of the API: paths or globs
    #[arg(long, num_args = 1.., value_name = "FILE", conflicts_with_all = ["api_key_file", "client_id", "resources", "exclude"])]
    pub from_raw: Vec<String>,
    #[command(flatten)]
    pub commit: Commit,
    #[command(flatten)]
    pub work: Work,
}

#[derive(Debug, Group)]
pub struct Views {
    #[command(flatten)]
    pub lake: Lake,
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory as _;

    #[test]
    fn the_command_line_is_sound() {
        Args::command().debug_assert();
    }
}
