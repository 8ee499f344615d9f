//! From the API of WorkOS to the raw stream: every list, page by page, as the API sent it, less its credentials.
//!
//! One function reads a chain of pages, one fans a list out over its parents, one repeats requests; all three are
//! driven by [`schemas::catalog`], and nothing here knows a resource by its name.

mod api_url;
mod children;
mod client;
mod clock;
mod config;
mod dialect;
mod error;
mod event_types;
mod fan_out;
mod key;
mod lines;
mod list;
mod message;
mod page;
mod paging;
mod resource;
mod retry;
mod run;
mod windows;

pub use api_url::{ApiUrl, ApiUrlError};
pub use clock::Clock;
pub use config::{Config, ConfigError};
pub use error::{Error, Failure};
pub use key::{Key, KeyError};
pub use retry::Retry;
pub use run::{Summary, Unavailable, run};
