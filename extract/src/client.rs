//! One GET, answered with JSON: where the key goes, how long it may take, when it is repeated.

use std::fmt::Display;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderMap, HeaderValue, LOCATION};
use reqwest::{Response, redirect};
use rustls::crypto::ring;
use rustls::{ClientConfig, RootCertStore};
use rustls_platform_verifier::BuilderVerifierExt;
use schemas::json;
use url::Url;

use crate::retry::{self, Failed};
use crate::{Clock, Config, Error, Failure, Key, Retry, message};

const USER_AGENT: &str = concat!("workos-lake/", env!("CARGO_PKG_VERSION"));
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
const REQUEST_TIMEOUT: Duration = Duration::from_secs(60);
const MAX_REDIRECTS: usize = 3;

/// The longest body that is read, in bytes: a hundred of the largest objects are far from it.
const MAX_BODY: usize = 64 << 20;

/// What every request has in common.
#[derive(Debug)]
pub(crate) struct Client {
    http: reqwest::Client,
    key: Key,
    clock: Clock,
    retry: Retry,
    seeds: Mutex<fastrand::Rng>,
    requests: AtomicU64,
}

/// The body of a success, minified, and when it was there, in microseconds since 1970 UTC.
#[derive(Debug)]
pub(crate) struct Answer {
    pub body: String,
    pub fetched_at: i64,
}

impl Client {
    pub(crate) fn new(config: &Config) -> Result<Self, Error> {
        let tls = tls(config.api_url.url().scheme() == "https").map_err(Error::Tls)?;
        let headers = HeaderMap::from_iter([
            (AUTHORIZATION, config.key.authorization()?),
            (ACCEPT, HeaderValue::from_static("application/json")),
        ]);
        let mut builder = reqwest::Client::builder()
            .tls_backend_preconfigured(tls)
            .user_agent(USER_AGENT)
            .default_headers(headers)
            .connect_timeout(CONNECT_TIMEOUT)
            .timeout(REQUEST_TIMEOUT)
            .retry(reqwest::retry::never())
            .referer(false)
            .redirect(redirect::Policy::custom(follow_at_home));
        if config.api_url.is_loopback() {
            builder = builder.no_proxy();
        }
        Ok(Self {
            http: builder.build().map_err(Error::Client)?,
            key: config.key.clone(),
            clock: config.clock.clone(),
            retry: config.retry.clone(),
            seeds: Mutex::new(config.retry.seed.map_or_else(fastrand::Rng::new, fastrand::Rng::with_seed)),
            requests: AtomicU64::new(0),
        })
    }

    /// Requests so far, repetitions included.
    pub(crate) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// The answer to a GET of `url`, for the list `what`.
    pub(crate) async fn get(&self, url: &Url, what: &(dyn Display + Sync)) -> Result<Answer, Failure> {
        let seed = self.seeds.lock().unwrap_or_else(PoisonError::into_inner).u64(..);
        self.retry.run(&self.clock, seed, what, || self.attempt(url)).await
    }

    async fn attempt(&self, url: &Url) -> Result<Answer, Failed> {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let response = self.http.get(url.clone()).send().await.map_err(transport)?;
        let status = response.status();
        if status.is_redirection() {
            return Err(Failure::Redirect { status: status.as_u16(), to: self.target(&response) }.into());
        }
        let asked = retry::asked(response.headers(), self.clock.now());
        if !status.is_success() {
            // What cannot be read of an error is no reason to hide it.
            let body = read(response).await.ok().and_then(|b| String::from_utf8(b).ok()).unwrap_or_default();
            let said = format!("{} {}", status.as_u16(), message::of_body(&body, &self.key)).trim_end().to_owned();
            return Err(Failed { failure: Failure::Status { status: status.as_u16(), said }, asked });
        }
        let body = read(response).await?;
        let fetched_at = self.clock.now();
        let body = String::from_utf8(body).map_err(|_| Failure::NotText)?;
        let minified = match json::minify(&body).map_err(Failure::NotJson)? {
            std::borrow::Cow::Owned(minified) => minified,
            std::borrow::Cow::Borrowed(_) => body,
        };
        // The key is nowhere in a body, unless somebody put it into a field of an object.
        let body = if self.key.is_in(&minified) { self.key.redact(&minified) } else { minified };
        Ok(Answer { body, fetched_at })
    }

    /// The host that a redirect names, and no more of it.
    fn target(&self, response: &Response) -> String {
        let location = response.headers().get(LOCATION).and_then(|l| l.to_str().ok());
        let host = location.and_then(|l| response.url().join(l).ok()).and_then(|u| u.host_str().map(str::to_owned));
        message::clean(&host.unwrap_or_else(|| "nowhere".to_owned()), &self.key)
    }
}

/// How connections are encrypted. The provider is named here, not installed for the process: others in it keep theirs.
fn tls(used: bool) -> Result<ClientConfig, rustls::Error> {
    let builder = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()));
    let builder = builder.with_safe_default_protocol_versions()?;
    // Without a use for them, the system's certificates need not be there, nor be read.
    let verified =
        if used { builder.with_platform_verifier()? } else { builder.with_root_certificates(RootCertStore::empty()) };
    Ok(verified.with_no_client_auth())
}

/// Follows a few redirects within the origin that was asked first; any other is an answer like any other.
fn follow_at_home(attempt: redirect::Attempt<'_>) -> redirect::Action {
    let home = attempt.previous().first().map(Url::origin);
    if attempt.previous().len() > MAX_REDIRECTS {
        attempt.error("too many redirects")
    } else if home == Some(attempt.url().origin()) {
        attempt.follow()
    } else {
        attempt.stop()
    }
}

async fn read(mut response: Response) -> Result<Vec<u8>, Failure> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(transport)? {
        if body.len() + chunk.len() > MAX_BODY {
            return Err(Failure::TooLarge { limit: MAX_BODY });
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

fn transport(error: reqwest::Error) -> Failure {
    Failure::Transport(error.without_url())
}
