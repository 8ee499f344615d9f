//! What goes wrong on the way, and what is made of it.

use std::time::Duration;

use extract::{Error, Failure};

use crate::run::{KEY, TestClock, config, extract, read};
use crate::server::{Reply, Server, ids, ok, status};

/// Reads users from a server that fails once in that way; the waits in between.
async fn once(fault: Reply) -> Vec<Duration> {
    let server = Server::start(move |_, n| if n == 0 { fault.clone() } else { ids(&["u"], None) }).await;
    let clock = TestClock::new();
    let mut config = config(&server, &["users"]);
    config.clock = clock.clock();
    let outcome = extract(config).await;
    assert_eq!(outcome.result.as_ref().unwrap().requests, 2);
    assert_eq!(outcome.done(), ["users - complete 1/1"]);
    let waits = clock.waits.lock().unwrap();
    waits.clone()
}

#[tokio::test]
async fn what_passes_is_asked_again() {
    let usual = Duration::from_millis(500)..Duration::from_secs(1);
    let page = r#"{"object":"list","data":[{"id":"u"}],"list_metadata":{"after":null}}"#;
    for fault in [
        status(500, "{}"),
        status(502, "<html>"),
        status(408, ""),
        status(429, "{}"),
        Reply::Dropped,
        Reply::Truncated(page.to_owned()),
        ok("<html>A page before the API.</html>"),
        ok(r#"{"data":[{"id":"u"}"#),
        ok(""),
        ok([0xff, 0xfe]),
        ok("garbage").with("content-encoding", "gzip"),
    ] {
        let text = format!("{fault:?}");
        let waits = once(fault).await;
        assert!(waits.len() == 1 && usual.contains(&waits[0]), "{text}: {waits:?}");
    }
}

#[tokio::test]
async fn the_api_says_how_long_to_wait() {
    let seconds = |n| vec![Duration::from_secs(n)];
    assert_eq!(once(status(429, "{}").with("Retry-After", "17")).await, seconds(17));
    assert_eq!(once(status(503, "{}").with("Retry-After", "18")).await, seconds(18));
    assert_eq!(once(status(429, "{}").with("Retry-After", "Sun, 22 Nov 2026 10:15:19 GMT")).await, seconds(19));
    let reset = schemas::time::parse(crate::run::STARTED_AT).unwrap() / 1_000_000 + 20;
    let limited = status(429, "{}").with("X-RateLimit-Remaining", "0").with("X-RateLimit-Reset", reset.to_string());
    assert_eq!(once(limited).await, seconds(20));
}

#[tokio::test]
async fn what_does_not_pass_ends_the_run() {
    for (fault, expected) in [
        (
            status(503, r#"{"message":"Down.","code":"down","secret":"PLANTED"}"#),
            "the API answered 503 down: Down. to every attempt",
        ),
        (status(429, "{}"), "the API answered 429 to every attempt"),
        (ok("<html>"), "not JSON: check that --api-url"),
        (Reply::Dropped, "could not be reached, or broke off its answer"),
    ] {
        let (outcome, server) = read(&["organizations", "api_keys"], move |request, _| {
            if request.path == "/organizations" { ids(&["org_1"], None) } else { fault.clone() }
        })
        .await;
        let error = outcome.error();
        assert!(error.starts_with("cannot read `api_keys` of organization_id `org_1`: "), "{error}");
        assert!(error.contains(expected) && !error.contains("PLANTED"), "{error}");
        assert_eq!(server.requests().len(), 1 + 9);
        assert!(outcome.of("end").is_empty());
    }
}

#[tokio::test]
async fn what_is_wrong_is_not_asked_again() {
    for wrong in [400, 409, 418, 422] {
        let (outcome, server) = read(&["users"], move |_, _| status(wrong, r#"{"message":"Wrong."}"#)).await;
        assert!(
            outcome.error().contains(&format!("cannot read `users`: the API answered {wrong} Wrong.: ")),
            "{}",
            outcome.error()
        );
        assert_eq!(server.requests().len(), 1, "{wrong}");
    }
    let (outcome, server) = read(&["users"], |_, _| ok(r#"{"users":[]}"#)).await;
    assert!(matches!(outcome.result, Err(Error::List { source: Failure::Shape { .. }, .. })));
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_refused_key_ends_the_run() {
    let (outcome, server) = read(&["users", "connections"], |_, _| status(401, r#"{"message":"Unauthorized"}"#)).await;
    assert!(matches!(outcome.result, Err(Error::KeyRefused { .. })));
    let error = outcome.error();
    assert!(error.contains("401 Unauthorized") && error.contains("WORKOS_API_KEY") && error.contains("--api-key-file"));
    assert_eq!((server.requests().len(), outcome.of("end").len(), outcome.of("done").len()), (1, 0, 0));
}

#[tokio::test]
async fn a_cursor_that_comes_again_is_not_followed() {
    // Any cursor restarts the list at its first page.
    let (outcome, server) = read(&["users"], |_, _| ids(&["u1"], Some("u1"))).await;
    assert!(
        outcome.error().contains("cannot read `users`: the API answered the same cursor twice"),
        "{}",
        outcome.error()
    );
    assert_eq!((server.requests().len(), outcome.of("end").len()), (2, 0));
    // A longer circle.
    let (outcome, server) = read(&["users"], |request, _| match request.query("after") {
        None => ids(&["u1"], Some("a")),
        Some("a") => ids(&["u2"], Some("b")),
        _ => ids(&["u3"], Some("a")),
    })
    .await;
    assert!(matches!(outcome.result, Err(Error::List { source: Failure::Loop { page: 2 }, .. })));
    assert_eq!(server.requests().len(), 3);
}

#[tokio::test]
async fn empty_pages_are_followed_only_so_far() {
    let next = |request: &crate::server::Request| request.query("after").map_or(1, |a| a.parse::<u32>().unwrap() + 1);
    let (outcome, _) = read(&["users"], move |request, _| ids(&[], Some(&next(request).to_string()))).await;
    assert!(matches!(outcome.result, Err(Error::List { source: Failure::Empty { pages: 10 }, .. })));
    let (outcome, _) = read(&["users"], move |request, _| match next(request) {
        n if n < 10 => ids(&[], Some(&n.to_string())),
        _ => ids(&["u"], None),
    })
    .await;
    assert_eq!(outcome.done(), ["users - complete 10/1"]);
}

#[tokio::test]
async fn a_record_without_an_id_is_said() {
    let (outcome, _) = read(&["organizations", "api_keys"], |_, _| ok(r#"[{"name":"x"}]"#)).await;
    assert!(outcome.error().contains("a record of `organizations` has no text in `id`, without which `api_keys`"));
}

#[tokio::test]
async fn a_key_in_an_object_is_not_passed_on() {
    let (outcome, _) =
        read(&["users"], |_, _| ok(format!(r#"{{"data":[{{"id":"u","first_name":"{KEY}"}}]}}"#).as_str())).await;
    outcome.result.as_ref().unwrap();
    assert_eq!(outcome.of("page")[0]["body"]["data"][0]["first_name"], "[key]");
}
