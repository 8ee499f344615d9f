//! What can end a run, and what can keep one list from being read.

use schemas::json;

use crate::api_url::ApiUrlError;
use crate::config::ConfigError;
use crate::key::KeyError;

/// What ends a run. No error holds the key, nor anything of an answer but its `code` and `message`.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The configuration makes no sense.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// The key cannot be sent.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The address cannot be asked.
    #[error(transparent)]
    ApiUrl(#[from] ApiUrlError),
    /// No encrypted connection is possible on this machine.
    #[error("cannot set up TLS: check that the system's root certificates are installed")]
    Tls(#[source] rustls::Error),
    /// No HTTP client is possible on this machine.
    #[error("cannot set up the HTTP client")]
    Client(#[source] reqwest::Error),
    /// 401.
    #[error(
        "the API refused the key ({said}): put a valid secret key into WORKOS_API_KEY or the file of --api-key-file"
    )]
    KeyRefused {
        /// The status, and what the API said.
        said: String,
    },
    /// A list cannot be read.
    #[error("cannot read {list}")]
    List {
        /// The list.
        list: String,
        /// Why.
        source: Failure,
    },
    /// A record that other lists are asked for with does not say its id.
    #[error("a record of {list} has no text in `{member}`, without which `{child}` cannot be read: exclude `{child}`")]
    ParentId {
        /// The list that holds the record.
        list: String,
        /// The member that is missing.
        member: &'static str,
        /// The list that needs it.
        child: &'static str,
    },
    /// A line cannot be written as JSON.
    #[error("cannot write a line of the raw stream")]
    Line(#[source] serde_json::Error),
    /// Nobody reads the stream any more.
    #[error("the reader of the raw stream is gone")]
    Closed,
}

/// Why a list cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// A status that is no success.
    #[error("the API answered {said}{}", advice(*status))]
    Status {
        /// The status.
        status: u16,
        /// The status, and what the API said.
        said: String,
    },
    /// A redirect that would take the key elsewhere.
    #[error(
        "the API answered {status}, a redirect to `{to}`, where the key is not sent: set --api-url to where the API is"
    )]
    Redirect {
        /// The status.
        status: u16,
        /// The host.
        to: String,
    },
    /// No answer, or not all of it.
    #[error("the API could not be reached, or broke off its answer: check the network and --api-url")]
    Transport(#[source] reqwest::Error),
    /// A success whose body is not JSON.
    #[error(
        "the API answered 200 with something that is not JSON: check that --api-url is the API itself, not a page before it"
    )]
    NotJson(#[source] json::Error),
    /// A success whose body is no text.
    #[error("the API answered 200 with something that is not UTF-8: check that --api-url is the API itself")]
    NotText,
    /// A body that no page can have.
    #[error("the API answered with more than {limit} bytes for one page")]
    TooLarge {
        /// The most that is read.
        limit: usize,
    },
    /// JSON of another shape than that of a list.
    #[error("the API answered 200 with JSON that is no list: expected {expected}")]
    Shape {
        /// What would have fitted.
        expected: &'static str,
    },
    /// A cursor that was followed before.
    #[error("the API answered the same cursor twice (page {page}): following it would never end, run again")]
    Loop {
        /// The page of the chain, from 0.
        page: u64,
    },
    /// Pages without records that promise more.
    #[error("the API answered {pages} empty pages in a row that promise more: run again")]
    Empty {
        /// How many.
        pages: u64,
    },
}

impl Failure {
    /// True if the same request may be answered another time.
    pub(crate) fn is_transient(&self) -> bool {
        match self {
            Self::Status { status, .. } => matches!(status, 408 | 429 | 500..),
            Self::Transport(error) => !error.is_builder() && !error.is_redirect(),
            Self::NotJson(_) | Self::NotText => true,
            Self::Redirect { .. }
            | Self::TooLarge { .. }
            | Self::Shape { .. }
            | Self::Loop { .. }
            | Self::Empty { .. } => false,
        }
    }
}

fn advice(status: u16) -> &'static str {
    match status {
        400 | 422 => ": the request does not suit this API, report it, or exclude the resource",
        429 => " to every attempt: let fewer clients use the API at a time, or run again later",
        500.. => " to every attempt: run again later, see https://status.workos.com",
        _ => ": run again, or exclude the resource",
    }
}
