//! What one extraction is to do.

use schemas::catalog::Resource;

use crate::{ApiUrl, Clock, Key, Retry};

/// How long the API keeps events, in days.
const EVENTS_KEPT_DAYS: u32 = 90;

/// What one extraction is to do. Everything that could differ between two runs of the same input is in here.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where the API is.
    pub api_url: ApiUrl,
    /// What it is asked with.
    pub key: Key,
    /// The WorkOS client id.
    pub environment_id: String,
    /// A ULID.
    pub run_id: String,
    /// When the run started, in microseconds since 1970 UTC.
    pub started_at: i64,
    /// What to read, in the order of the catalog, parents included: what [`schemas::catalog::select`] returns.
    pub resources: Vec<&'static Resource>,
    /// How far back events are read, in days: 1 to 90.
    pub events_lookback_days: u32,
    /// How many lists of one resource are read at a time: at least 1.
    pub concurrency: usize,
    /// How requests are repeated.
    pub retry: Retry,
    /// Where the time comes from.
    pub clock: Clock,
}

impl Config {
    /// Checks what the types of the members leave open.
    ///
    /// # Errors
    /// The first thing that makes no sense.
    pub fn check(&self) -> Result<(), ConfigError> {
        if !(1..=EVENTS_KEPT_DAYS).contains(&self.events_lookback_days) {
            return Err(ConfigError::Lookback(self.events_lookback_days));
        }
        if self.concurrency == 0 {
            return Err(ConfigError::Concurrency);
        }
        for (at, resource) in self.resources.iter().enumerate() {
            if let Some(parent) = &resource.parent
                && !self.resources[..at].iter().any(|r| r.name == parent.resource.name)
            {
                return Err(ConfigError::Parent { resource: resource.name, parent: parent.resource.name });
            }
        }
        Ok(())
    }
}

/// Why a configuration makes no sense.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// The look-back is nothing, or longer than the API remembers.
    #[error(
        "an events look-back of {0} days is not possible: the API keeps events for {EVENTS_KEPT_DAYS} days, take 1 to {EVENTS_KEPT_DAYS}"
    )]
    Lookback(u32),
    /// Nothing would ever be read.
    #[error("a concurrency of 0 reads nothing: take at least 1")]
    Concurrency,
    /// A child list without the list that names its parents.
    #[error("`{resource}` is read for each record of `{parent}`: select `{parent}` before it")]
    Parent {
        /// The child list.
        resource: &'static str,
        /// The list that is missing.
        parent: &'static str,
    },
}
