//! What a lake holds after loads, on disk and in memory.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on should say where")]

mod carried;
mod commits;
mod facts;
mod files;
mod lake;
mod merges;
mod stores;
mod stream;
