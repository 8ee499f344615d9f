//! Where the API is, checked before a key is sent there.

use std::fmt;

use url::{Host, Url};

/// The base of every request: `https`, or plain `http` where nobody can listen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiUrl(Url);

impl ApiUrl {
    /// Where WorkOS answers.
    pub const WORKOS: &'static str = "https://api.workos.com";

    /// The base that a text names. Plain `http` is only for loopback addresses, unless `allow_http`.
    ///
    /// # Errors
    /// If the key would travel in the clear, or the text is no base of HTTP requests.
    pub fn parse(text: &str, allow_http: bool) -> Result<Self, ApiUrlError> {
        let url = Url::parse(text).map_err(ApiUrlError::Invalid)?;
        if !url.username().is_empty() || url.password().is_some() {
            // The address is repeated in errors and logs.
            return Err(ApiUrlError::Credentials);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(ApiUrlError::Query(url.into()));
        }
        let this = Self(url);
        match this.0.scheme() {
            "https" => Ok(this),
            "http" if allow_http || this.is_loopback() => Ok(this),
            "http" => Err(ApiUrlError::Plain(this.0.into())),
            _ => Err(ApiUrlError::Scheme(this.0.into())),
        }
    }

    /// True if the address is this machine's own.
    pub(crate) fn is_loopback(&self) -> bool {
        match self.0.host() {
            Some(Host::Domain(name)) => name == "localhost",
            Some(Host::Ipv4(address)) => address.is_loopback(),
            Some(Host::Ipv6(address)) => address.is_loopback(),
            None => false,
        }
    }

    pub(crate) fn url(&self) -> &Url {
        &self.0
    }
}

impl fmt::Display for ApiUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Why an address is not where a key may be sent.
#[derive(Debug, thiserror::Error)]
pub enum ApiUrlError {
    /// No address at all.
    #[error("the API's address is not a URL: write it like `{}`", ApiUrl::WORKOS)]
    Invalid(#[source] url::ParseError),
    /// Neither `https` nor `http`.
    #[error("the API's address `{0}` is neither https:// nor http://")]
    Scheme(String),
    /// Plain `http` to another machine.
    #[error("`{0}` would send the API key in the clear: use https://, or pass --allow-http if the way there is safe")]
    Plain(String),
    /// A user name or password.
    #[error("the API's address holds a user name or password: leave it out, the API key is all that is sent")]
    Credentials,
    /// Something that would get lost when paths are appended.
    #[error("the API's address `{0}` ends in a query or fragment: leave it out")]
    Query(String),
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_stays_on_this_machine() {
        for fine in ["https://api.workos.com", "http://127.0.0.1:8080", "http://[::1]/v1/", "http://localhost:1"] {
            assert!(ApiUrl::parse(fine, false).is_ok(), "{fine}");
        }
        for plain in ["http://api.workos.com", "http://10.0.0.1", "http://localhost.example.com", "http://0.0.0.0"] {
            assert!(matches!(ApiUrl::parse(plain, false), Err(ApiUrlError::Plain(_))), "{plain}");
            assert!(ApiUrl::parse(plain, true).is_ok(), "{plain}");
        }
    }

    #[test]
    fn what_is_no_base() {
        assert!(matches!(ApiUrl::parse("api.workos.com", false), Err(ApiUrlError::Invalid(_))));
        assert!(matches!(ApiUrl::parse("ftp://api.workos.com", true), Err(ApiUrlError::Scheme(_))));
        assert!(matches!(ApiUrl::parse("https://a?b=c", false), Err(ApiUrlError::Query(_))));
        let error = ApiUrl::parse("https://user:hunter2@a", false).unwrap_err();
        assert!(matches!(error, ApiUrlError::Credentials) && !format!("{error:?} {error}").contains("hunter2"));
    }
}
