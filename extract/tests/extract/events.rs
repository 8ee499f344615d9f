//! Events, from servers that keep to the specification and from others that do not.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::run::{Outcome, STARTED_AT, config, extract};
use crate::server::{Reply, Request, Server, envelope, status};

const HOUR: i64 = 3_600_000_000;

/// How a server deviates from the specification.
#[derive(Debug, Clone, Copy, Default)]
#[allow(clippy::struct_excessive_bools, reason = "each is one deviation, and all go together")]
struct Quirks {
    newest_first: bool,
    ignores_ranges: bool,
    ignores_limit: bool,
    refuses_order: bool,
    wants_events: bool,
    most_events: Option<usize>,
}

fn now() -> i64 {
    schemas::time::parse(STARTED_AT).unwrap()
}

/// An event for each instant, given in hours before the run; ids rise with time.
fn events(hours: impl Iterator<Item = i64>) -> Vec<(i64, String)> {
    let mut events: Vec<_> = hours.map(|h| (now() - h * HOUR, format!("e{:05}", 10_000 - h))).collect();
    events.sort();
    events
}

/// The page that a server of these events answers.
fn answer(events: &[(i64, String)], quirks: Quirks, request: &Request) -> Reply {
    let time = |name| request.query(name).map(|text| schemas::time::parse(text).unwrap());
    let listed = request.query("events").map_or(0, |e| e.split(',').count());
    if request.query("after").is_some() && (time("range_start").is_some() || time("range_end").is_some()) {
        return status(422, r#"{"message":"after and range_start are exclusive"}"#);
    }
    if quirks.refuses_order && request.query("order").is_some() {
        return status(422, r#"{"message":"order is unknown"}"#);
    }
    if quirks.wants_events && listed == 0 || quirks.most_events.is_some_and(|most| listed > most) {
        return status(400, r#"{"message":"events is wrong"}"#);
    }
    let (start, end) = (time("range_start").unwrap_or(0), time("range_end").unwrap_or(i64::MAX));
    if !quirks.ignores_ranges && start > 0 && end.min(now()) - start > 30 * 24 * HOUR {
        return status(422, r#"{"message":"more than 30 days"}"#);
    }
    let mut found: Vec<_> =
        events.iter().filter(|(at, _)| quirks.ignores_ranges || start < *at && *at < end).cloned().collect();
    if request.query("after").is_some() {
        found = events.to_vec();
    }
    if quirks.newest_first {
        found.reverse();
    }
    if let Some(after) = request.query("after") {
        found = found.into_iter().skip_while(|(_, id)| id != after).skip(1).collect();
    }
    let limit = if quirks.ignores_limit { 10 } else { request.query("limit").unwrap().parse().unwrap() };
    let more = found.len() > limit;
    found.truncate(limit);
    let records: Vec<String> = found
        .iter()
        .map(|(at, id)| format!(r#"{{"object":"event","id":"{id}","created_at":"{}"}}"#, schemas::time::format(*at)))
        .collect();
    let after = found.last().filter(|_| more).map(|(_, id)| id.as_str());
    envelope(&records.iter().map(String::as_str).collect::<Vec<_>>(), after)
}

async fn read(events: Vec<(i64, String)>, quirks: Quirks, days: u32) -> (Outcome, Server) {
    let server = Server::start(move |request, _| answer(&events, quirks, request)).await;
    let mut config = config(&server, &["events"]);
    config.resources = vec![schemas::catalog::Resource::find("events").unwrap()];
    config.events_lookback_days = days;
    (extract(config).await, server)
}

fn ids(outcome: &Outcome) -> BTreeSet<String> {
    let pages = outcome.of("page");
    let records = pages.iter().flat_map(|p| p["body"]["data"].as_array().unwrap());
    records.map(|r| r["id"].as_str().unwrap().to_owned()).collect()
}

fn wanted(events: &[(i64, String)], days: i64) -> BTreeSet<String> {
    events.iter().filter(|(at, _)| *at >= now() - days * 24 * HOUR).map(|(_, id)| id.clone()).collect()
}

#[tokio::test]
async fn one_window_is_one_chain() {
    let all = events(0..24 * 40);
    let (outcome, server) = read(all.clone(), Quirks::default(), 7).await;
    outcome.result.as_ref().unwrap();
    assert_eq!(ids(&outcome), wanted(&all, 7));
    assert_eq!(
        server.targets(),
        [
            "/events?limit=100&order=asc&range_start=2026-11-15T10%3A14%3A59Z",
            "/events?limit=100&order=asc&after=e09931",
        ]
    );
    assert!(outcome.of("page").iter().all(|p| p.get("chain").is_none()));
    assert_eq!(
        outcome.of("state"),
        [json!({"kind":"state","cursors":{"events":{"after":"e10000","created_at":"2026-11-22T10:15:00.000000Z"}}})]
    );
    let kinds: Vec<Value> = outcome.lines().iter().map(|l| l["kind"].clone()).collect();
    assert_eq!(kinds[kinds.len() - 2..], ["state", "end"]);
}

#[tokio::test]
async fn a_long_look_back_takes_several_windows() {
    let all = events((0..24 * 89).step_by(2));
    let (outcome, _) = read(all.clone(), Quirks::default(), 90).await;
    outcome.result.as_ref().unwrap();
    assert_eq!(ids(&outcome), wanted(&all, 90));
    let pages = outcome.of("page");
    let chains: BTreeSet<&str> = pages.iter().map(|p| p["chain"]["range_start"].as_str().unwrap()).collect();
    assert_eq!(chains.len(), 4);
    for chain in chains {
        let seqs = pages.iter().filter(|p| p["chain"]["range_start"] == chain).map(|p| p["seq"].as_u64().unwrap());
        let seqs: Vec<u64> = seqs.collect();
        assert_eq!(seqs, (0..seqs.len() as u64).collect::<Vec<_>>());
    }
    let records: usize = pages.iter().map(|p| p["body"]["data"].as_array().unwrap().len()).sum();
    assert!(records < all.len() + 4 * 101, "{records}");
    assert_eq!(outcome.done(), [format!("events - complete {}/{records}", pages.len())]);
    assert_eq!(outcome.of("state")[0]["cursors"]["events"]["after"], "e10000");
}

#[tokio::test]
async fn no_server_makes_it_miss_an_event_or_read_for_ever() {
    let sparse = |step| events((0..24 * 89).step_by(step));
    for all in [
        sparse(1),
        sparse(7),
        sparse(200),
        sparse(900),
        events((0..300).chain(24 * 80..24 * 88)),
        events([700].into_iter()),
        vec![],
    ] {
        for days in [7, 30, 90] {
            for bits in (0..8).chain([9, 18, 31]) {
                let quirks = Quirks {
                    newest_first: bits & 1 != 0,
                    ignores_ranges: bits & 2 != 0,
                    ignores_limit: bits & 4 != 0,
                    refuses_order: bits & 8 != 0,
                    wants_events: bits & 16 != 0,
                    most_events: None,
                };
                if quirks.ignores_limit && all.len() > 600 {
                    continue;
                }
                let (outcome, server) = read(all.clone(), quirks, days).await;
                assert!(outcome.result.is_ok(), "{}", outcome.error());
                let (found, wanted) = (ids(&outcome), wanted(&all, i64::from(days)));
                assert!(found.is_superset(&wanted), "{quirks:?} {days} {:?}", wanted.difference(&found));
                let newest =
                    outcome.of("state").first().map(|s| s["cursors"]["events"]["after"].as_str().unwrap().to_owned());
                assert_eq!(newest, found.last().cloned());
                assert!(server.requests().len() < 4 * (all.len() / 10 + 4), "{quirks:?} {days}");
            }
        }
    }
}

#[tokio::test]
async fn a_server_that_answers_newest_first_is_read_once() {
    let all = events((0..24 * 89).step_by(2));
    let quirks = Quirks { newest_first: true, ignores_ranges: true, ..Quirks::default() };
    let (outcome, server) = read(all.clone(), quirks, 30).await;
    assert_eq!(ids(&outcome).len(), 400, "the pages that reach back 30 days, and no more");
    assert_eq!(server.requests().len(), 4);
}

#[tokio::test]
async fn what_a_server_refuses_is_left_out_from_then_on() {
    let all = events(0..250);
    let quirks = Quirks { refuses_order: true, ..Quirks::default() };
    let (outcome, server) = read(all.clone(), quirks, 20).await;
    outcome.result.as_ref().unwrap();
    let ordered = server.requests().iter().filter(|r| r.query("order").is_some()).count();
    assert_eq!((ordered, server.requests().len(), ids(&outcome).len()), (1, 4, 250));

    for (most, forms) in [(111, vec![0, 0, 111, 111, 111]), (93, vec![0, 0, 111, 93, 93, 93])] {
        let quirks = Quirks { wants_events: true, most_events: Some(most), ..Quirks::default() };
        let (outcome, server) = read(all.clone(), quirks, 20).await;
        outcome.result.as_ref().unwrap();
        let listed: Vec<usize> =
            server.requests().iter().map(|r| r.query("events").map_or(0, |e| e.split(',').count())).collect();
        assert_eq!((listed, ids(&outcome).len()), (forms, 250));
    }

    let quirks = Quirks { wants_events: true, most_events: Some(9), ..Quirks::default() };
    let (outcome, server) = read(all, quirks, 20).await;
    assert!(
        outcome.error().contains("cannot read `events`: the API answered 400 events is wrong"),
        "{}",
        outcome.error()
    );
    assert_eq!(server.requests().len(), 4);
}

#[tokio::test]
async fn a_refused_list_of_events_is_unavailable() {
    let server = Server::start(|_, _| status(403, r#"{"message":"No."}"#)).await;
    let outcome = extract(config(&server, &["events"])).await;
    assert_eq!(outcome.done(), ["events - unavailable 0/0"]);
    assert!(outcome.of("state").is_empty());
}
