//! `workos-lake`: arguments → validated configuration → the route.

mod args;
mod commands;
mod config;
mod exit;
mod input;
mod interrupt;
mod key;
mod lake;
mod rows;

use clap::Parser as _;

fn main() -> std::process::ExitCode {
    let args = args::Args::parse();
    let level = if args.quiet { tracing::Level::WARN } else { tracing::Level::INFO };
    tracing_subscriber::fmt().with_max_level(level).with_target(false).with_writer(std::io::stderr).init();
    exit::code(commands::run(args.command))
}
