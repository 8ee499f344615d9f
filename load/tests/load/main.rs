//! What a lake holds after loads, on disk and in memory.

mod carried;
mod commits;
mod facts;
mod files;
mod lake;
mod merges;
mod stores;
mod stream;
