//! Repeating a request: the one place that decides whether, when and how often.

use std::fmt::Display;
use std::time::Duration;

use backon::{ExponentialBuilder, Retryable};
use jiff::fmt::rfc2822;
use reqwest::header::{HeaderMap, RETRY_AFTER};
use tracing::warn;

use crate::{Clock, Failure};

/// How often and how patiently a request is repeated.
#[derive(Debug, Clone)]
pub struct Retry {
    /// Repetitions after the first attempt.
    pub times: usize,
    /// The wait before the first repetition; each further one doubles it, and up to as much again is added at random.
    pub min_delay: Duration,
    /// Where the doubling ends.
    pub max_delay: Duration,
    /// The longest that one request waits in all, by its own choice or because the API asked for it.
    pub max_wait: Duration,
    /// The seed of the randomness; from the system if none.
    pub seed: Option<u64>,
}

impl Default for Retry {
    /// Eight repetitions within ten minutes.
    fn default() -> Self {
        Self {
            times: 8,
            min_delay: Duration::from_millis(500),
            max_delay: Duration::from_secs(30),
            max_wait: Duration::from_secs(600),
            seed: None,
        }
    }
}

/// An attempt that failed.
#[derive(Debug)]
pub(crate) struct Failed {
    pub failure: Failure,
    /// How long the API asked to wait.
    pub asked: Option<Duration>,
}

impl From<Failure> for Failed {
    fn from(failure: Failure) -> Self {
        Self { failure, asked: None }
    }
}

impl Retry {
    /// The result of the first attempt that succeeds, or fails for good.
    pub(crate) async fn run<T, F>(
        &self,
        clock: &Clock,
        seed: u64,
        what: &(dyn Display + Sync),
        mut attempt: impl FnMut() -> F + Send,
    ) -> Result<T, Failure>
    where
        F: Future<Output = Result<T, Failed>> + Send,
    {
        let delays = ExponentialBuilder::new()
            .with_jitter()
            .with_jitter_seed(seed)
            .with_min_delay(self.min_delay)
            .with_max_delay(self.max_delay)
            .with_max_times(self.times);
        let sleeper = clock.clone();
        let mut left = self.max_wait;
        (move || attempt())
            .retry(delays)
            .sleep(move |wait| sleeper.sleep(wait))
            .when(|failed: &Failed| failed.failure.is_transient())
            .adjust(|failed, delay| {
                // What the API asks for is the least; its own random share keeps requests from coming back together.
                let wait = delay.map(|delay| failed.asked.map_or(delay, |asked| asked.max(delay)))?;
                left = left.checked_sub(wait)?;
                Some(wait)
            })
            .notify(|failed, wait| {
                let failure = brief(&failed.failure);
                warn!(list = %what, failure, wait_ms = wait.as_millis(), "repeating a request");
            })
            .await
            .map_err(|failed| failed.failure)
    }
}

/// What happened, without the advice that only the last failure deserves.
fn brief(failure: &Failure) -> String {
    match failure {
        Failure::Status { said, .. } => said.clone(),
        other => std::error::Error::source(other).map_or_else(|| other.to_string(), ToString::to_string),
    }
}

/// How long an answer asks to wait: `Retry-After` in seconds or as a date, else `X-RateLimit-Reset`, in Unix seconds,
/// once nothing remains of the budget. `now` in microseconds since 1970 UTC.
pub(crate) fn asked(headers: &HeaderMap, now: i64) -> Option<Duration> {
    let text = |name: &str| headers.get(name)?.to_str().ok().map(str::trim);
    let until = |micros: i64| Duration::from_micros(u64::try_from(micros.saturating_sub(now)).unwrap_or(0));
    if let Some(after) = text(RETRY_AFTER.as_str()) {
        if let Ok(seconds) = after.parse::<f64>() {
            return Duration::try_from_secs_f64(seconds).ok();
        }
        if let Ok(date) = rfc2822::parse(after) {
            return Some(until(date.timestamp().as_microsecond()));
        }
    }
    if text("x-ratelimit-remaining").is_some_and(|remaining| remaining != "0") {
        return None;
    }
    let reset: i64 = text("x-ratelimit-reset")?.parse().ok()?;
    Some(until(reset.saturating_mul(1_000_000)))
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use futures::FutureExt;
    use reqwest::header::HeaderValue;

    use super::*;

    fn status(status: u16, asked: Option<u64>) -> Failed {
        let failure = Failure::Status { status, said: status.to_string() };
        Failed { failure, asked: asked.map(Duration::from_secs) }
    }

    /// What comes of these attempts, and the waits in between.
    async fn run(retry: &Retry, seed: u64, attempts: Vec<Result<u8, Failed>>) -> (Result<u8, Failure>, Vec<Duration>) {
        let waits = Arc::new(Mutex::new(Vec::new()));
        let noted = waits.clone();
        let clock = Clock::new(
            || 0,
            move |wait| {
                noted.lock().unwrap().push(wait);
                tokio::time::sleep(wait).boxed()
            },
        );
        let mut attempts = attempts.into_iter();
        let result = retry.run(&clock, seed, &"`users`", || std::future::ready(attempts.next().unwrap())).await;
        let waits = waits.lock().unwrap().clone();
        (result, waits)
    }

    #[tokio::test(start_paused = true)]
    async fn waits_grow_and_are_spread() {
        let retry = Retry { times: 4, ..Retry::default() };
        let down = || (0..5).map(|_| Err(status(503, None))).collect::<Vec<_>>();
        let (result, waits) = run(&retry, 1, down()).await;
        assert!(matches!(result, Err(Failure::Status { status: 503, .. })));
        assert_eq!(waits.len(), 4);
        for (i, wait) in waits.iter().enumerate() {
            let least = Duration::from_millis(500 << i);
            assert!((least..least * 2).contains(wait), "{i} {wait:?}");
        }
        assert_eq!(run(&retry, 1, down()).await.1, waits);
        assert_ne!(run(&retry, 2, down()).await.1, waits);
    }

    #[tokio::test(start_paused = true)]
    async fn the_api_says_when() {
        let (result, waits) = run(&Retry::default(), 1, vec![Err(status(429, Some(7))), Ok(1)]).await;
        assert_eq!((result.unwrap(), waits), (1, vec![Duration::from_secs(7)]));
        let (result, waits) = run(&Retry::default(), 1, vec![Err(status(429, Some(0))), Ok(1)]).await;
        assert!(result.is_ok() && waits[0] >= Duration::from_millis(500), "{waits:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn waiting_has_an_end() {
        let attempts = vec![Err(status(429, Some(400))), Err(status(429, Some(400)))];
        let (result, waits) = run(&Retry::default(), 1, attempts).await;
        assert!(matches!(result, Err(Failure::Status { status: 429, .. })) && waits.len() == 1);
    }

    #[tokio::test(start_paused = true)]
    async fn what_stays_refused_is_not_asked_again() {
        for refused in [302, 400, 401, 403, 404, 409, 422] {
            let (result, waits) = run(&Retry::default(), 1, vec![Err(status(refused, None))]).await;
            assert!(result.is_err() && waits.is_empty(), "{refused}");
        }
        for passing in [408, 429, 500, 502, 503, 504, 529] {
            let (result, _) = run(&Retry::default(), 1, vec![Err(status(passing, None)), Ok(1)]).await;
            assert!(result.is_ok(), "{passing}");
        }
    }

    #[test]
    fn every_way_to_ask() {
        let now = schemas::time::parse("2026-11-22T10:15:00Z").unwrap();
        let asked = |pairs: &[(&'static str, &str)]| {
            let headers =
                pairs.iter().map(|(n, v)| ((*n).parse().unwrap(), HeaderValue::from_str(v).unwrap())).collect();
            asked(&headers, now).map(|d| d.as_secs_f64())
        };
        assert_eq!(asked(&[("retry-after", "12")]), Some(12.0));
        assert_eq!(asked(&[("retry-after", " 0.5 ")]), Some(0.5));
        assert_eq!(asked(&[("retry-after", "Sun, 22 Nov 2026 10:15:30 GMT")]), Some(30.0));
        assert_eq!(asked(&[("retry-after", "Sun, 22 Nov 2026 10:14:30 GMT")]), Some(0.0));
        assert_eq!(asked(&[("retry-after", "-1")]), None);
        assert_eq!(asked(&[("retry-after", "soon")]), None);
        let reset = (now / 1_000_000 + 9).to_string();
        assert_eq!(asked(&[("x-ratelimit-reset", &reset), ("x-ratelimit-remaining", "0")]), Some(9.0));
        assert_eq!(asked(&[("x-ratelimit-reset", &reset)]), Some(9.0));
        assert_eq!(asked(&[("x-ratelimit-reset", &reset), ("x-ratelimit-remaining", "3")]), None);
        assert_eq!(asked(&[("retry-after", "1"), ("x-ratelimit-reset", &reset)]), Some(1.0));
        assert_eq!(asked(&[]), None);
    }
}
