//! Time, passed in: what the clock says, and waiting.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{BoxFuture, FutureExt};
use jiff::Timestamp;

/// Where the time comes from, and how to wait: the system's, or a test's own.
#[derive(Clone)]
pub struct Clock {
    now: Arc<dyn Fn() -> i64 + Send + Sync>,
    sleep: Arc<dyn Fn(Duration) -> BoxFuture<'static, ()> + Send + Sync>,
}

impl Clock {
    /// The clock of the machine. Waiting needs a Tokio runtime with its timer enabled.
    #[must_use]
    pub fn system() -> Self {
        Self::new(|| Timestamp::now().as_microsecond(), |wait| tokio::time::sleep(wait).boxed())
    }

    /// A clock that says `now`, in microseconds since 1970 UTC, and waits by `sleep`.
    #[must_use]
    pub fn new(
        now: impl Fn() -> i64 + Send + Sync + 'static,
        sleep: impl Fn(Duration) -> BoxFuture<'static, ()> + Send + Sync + 'static,
    ) -> Self {
        Self { now: Arc::new(now), sleep: Arc::new(sleep) }
    }

    pub(crate) fn now(&self) -> i64 {
        (self.now)()
    }

    pub(crate) fn sleep(&self, wait: Duration) -> BoxFuture<'static, ()> {
        (self.sleep)(wait)
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Clock")
    }
}

/// RFC 3339 with milliseconds and `Z`, as the raw stream writes instants.
pub(crate) fn millis(micros: i64) -> String {
    timestamp(micros).strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string()
}

/// RFC 3339 with whole seconds and `Z`, as the API is asked.
pub(crate) fn seconds(micros: i64) -> String {
    timestamp(micros).strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

fn timestamp(micros: i64) -> Timestamp {
    Timestamp::from_microsecond(micros).unwrap_or(Timestamp::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_have_a_fixed_width() {
        let at = schemas::time::parse("2026-11-22T10:15:00.1239Z").unwrap();
        assert_eq!(millis(at), "2026-11-22T10:15:00.123Z");
        assert_eq!(millis(at - 123_900), "2026-11-22T10:15:00.000Z");
        assert_eq!(seconds(at), "2026-11-22T10:15:00Z");
    }
}
