//! The key and the credentials of others: where they must not go.

use std::fmt::Write as _;
use std::io::Write;
use std::sync::{Arc, Mutex};

use extract::{ApiUrl, Error, Failure};

use crate::run::{KEY, config, extract, read};
use crate::server::{Server, envelope, ids, ok, status};

#[tokio::test]
async fn credentials_are_gone_before_the_stream() {
    let (outcome, _) = read(&["invitations", "connections", "events"], |request, _| match request.path.as_str() {
        "/user_management/invitations" => envelope(
            &[
                r#"{"object":"invitation", "id":"i1", "token":"PLANTED", "accept_invitation_url":"https://x/PLANTED", "email":"a@b"}"#,
                r#"{"id":"i2","token":"PLANTED"}"#,
            ],
            None,
        ),
        "/events" => ok(r#"{"data":[{"object":"event","id":"e","event":"magic_auth.created",
            "created_at":"2026-11-22T10:00:00Z","data":{"object":"magic_auth","code":"PLANTED","id":"m"}}]}"#),
        _ => envelope(&[r#"{"object":"connection","id":"c","token":"kept"}"#], None),
    })
    .await;
    outcome.result.as_ref().unwrap();
    assert!(!outcome.text.contains("PLANTED"), "{}", outcome.text);
    for kept in [
        r#"{"object":"invitation","id":"i1","email":"a@b"},{"id":"i2"}"#,
        r#""data":{"object":"magic_auth","id":"m"}"#,
        r#"{"object":"connection","id":"c","token":"kept"}"#,
    ] {
        assert!(outcome.text.contains(kept), "{}", outcome.text);
    }
}

#[tokio::test]
async fn the_key_does_not_follow_a_redirect_to_another_host() {
    let other = Server::start(|_, _| ids(&["u"], None)).await;
    // Another port is another origin, and so is another name of this machine.
    for host in ["127.0.0.1", "localhost"] {
        let to = format!("http://{host}:{}/users?token=S", other.address.port());
        let (outcome, server) = read(&["users"], move |_, _| status(302, "").with("location", to.clone())).await;
        assert!(matches!(outcome.result, Err(Error::List { source: Failure::Redirect { status: 302, .. }, .. })));
        let error = outcome.error();
        assert!(error.contains(&format!("redirect to `{host}`")) && !error.contains("token"), "{error}");
        assert_eq!(server.requests().len(), 1);
    }
    assert!(other.requests().is_empty());
}

#[tokio::test]
async fn a_redirect_within_the_origin_is_followed_a_few_times() {
    let (outcome, server) = read(&["users"], |request, _| match request.path.as_str() {
        "/user_management/users" => status(307, "").with("location", "/moved?limit=100"),
        _ => ids(&["u"], None),
    })
    .await;
    assert_eq!(outcome.done(), ["users - complete 1/1"]);
    assert_eq!(server.requests()[1].headers["authorization"], format!("Bearer {KEY}"));
    let (outcome, server) = read(&["users"], |_, _| status(302, "").with("location", "/again")).await;
    assert!(outcome.error().contains("redirect"), "{}", outcome.error());
    assert_eq!(server.requests().len(), 4);
}

#[test]
fn the_key_is_not_sent_in_the_clear() {
    let error = ApiUrl::parse("http://api.workos.com", false).unwrap_err().to_string();
    assert!(error.contains("in the clear") && error.contains("https://"), "{error}");
}

/// Collects what is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn the_key_is_in_no_error_and_no_log() {
    let log = Log::default();
    let writer = log.clone();
    let subscriber =
        tracing_subscriber::fmt().with_max_level(tracing::Level::TRACE).with_writer(move || writer.clone()).finish();
    let guard = tracing::subscriber::set_default(subscriber);
    let echo = format!(r#"{{"message":"bad {KEY}\u0000","code":"{KEY}","{KEY}":"x"}}"#);
    let mut texts = String::new();
    for refusal in [400, 401, 403, 429, 500] {
        let echo = echo.clone();
        let server = Server::start(move |_, _| status(refusal, echo.clone())).await;
        let config = config(&server, &["users"]);
        write!(texts, "{config:?}").unwrap();
        let outcome = extract(config).await;
        texts.push_str(&outcome.text);
        if outcome.result.is_err() {
            write!(texts, "{} {:?}", outcome.error(), outcome.result).unwrap();
        }
    }
    let server = Server::start(|_, _| status(302, "").with("location", format!("http://{KEY}.example/"))).await;
    let outcome = extract(config(&server, &["users"])).await;
    write!(texts, "{} {:?}", outcome.error(), outcome.result).unwrap();
    drop(guard);
    texts.push_str(&String::from_utf8(log.0.lock().unwrap().clone()).unwrap());
    assert!(texts.contains("[key]") && texts.contains("repeating a request"), "{texts}");
    assert!(!texts.to_lowercase().contains(&KEY.to_lowercase()), "{texts}");
}
