//! The raw stream, against a local server whose answers each test scripts.

#![allow(clippy::unwrap_used, clippy::panic, reason = "clippy knows tests by their attribute, not what they call")]

mod children;
mod events;
mod faults;
mod lists;
mod run;
mod secrets;
mod server;
