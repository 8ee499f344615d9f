//! Lists that are read for each parent: what is refused, what is gone, what is not asked for.

use crate::run::{config, extract, read};
use crate::server::{Reply, Request, Server, envelope, ids, status};

const FORBIDDEN: &str = r#"{"message":"Not enabled.","code":"forbidden"}"#;

fn organization(request: &Request) -> &str {
    request.path.trim_start_matches("/organizations/").trim_end_matches("/api_keys")
}

/// Ten organizations, whose API keys are answered by `keys`.
async fn ten(keys: impl Fn(&str) -> Reply + Send + Sync + 'static) -> (crate::run::Outcome, Server) {
    read(&["organizations", "api_keys"], move |request, _| {
        if request.path == "/organizations" {
            ids(&["o0", "o1", "o2", "o3", "o4", "o5", "o6", "o7", "o8", "o9"], None)
        } else {
            keys(organization(request))
        }
    })
    .await
}

fn sorted(mut done: Vec<String>) -> Vec<String> {
    done.sort();
    done
}

#[tokio::test]
async fn a_list_that_five_parents_refuse_is_unavailable() {
    for refusal in [403, 404] {
        let (outcome, server) = ten(move |_| status(refusal, FORBIDDEN)).await;
        let summary = outcome.result.as_ref().unwrap();
        assert_eq!(outcome.done(), ["organizations - complete 1/10", "api_keys - unavailable 0/0"]);
        assert_eq!(outcome.of("done")[1]["reason"], format!("{refusal} forbidden: Not enabled."));
        assert_eq!(server.requests().len(), 1 + 5);
        assert_eq!((summary.unavailable.len(), &summary.unavailable[0].parent), (1, &None));
        assert_eq!(outcome.of("end").len(), 1);
    }
}

#[tokio::test]
async fn fewer_than_five_parents_decide_as_well() {
    let (outcome, _) = read(&["organizations", "api_keys"], |request, _| {
        if request.path == "/organizations" { ids(&["o1", "o2"], None) } else { status(403, FORBIDDEN) }
    })
    .await;
    assert_eq!(outcome.done(), ["organizations - complete 1/2", "api_keys - unavailable 0/0"]);
}

#[tokio::test]
async fn no_parents_make_an_empty_list() {
    let (outcome, server) = read(&["organizations", "api_keys"], |_, _| ids(&[], None)).await;
    assert_eq!(outcome.done(), ["organizations - complete 1/0", "api_keys - complete 0/0"]);
    assert_eq!(server.requests().len(), 1);
}

#[tokio::test]
async fn a_refusal_is_the_parents_own_where_others_answer() {
    // The one that answers is the last of those that are asked first.
    let (outcome, _) = ten(|o| match o {
        "o0" | "o1" | "o7" => status(404, "{}"),
        "o2" | "o3" | "o8" => status(403, FORBIDDEN),
        _ => ids(&["k"], None),
    })
    .await;
    let summary = outcome.result.as_ref().unwrap();
    assert_eq!(
        sorted(outcome.done()),
        [
            "api_keys - complete 0/0",
            "api_keys o0 gone 0/0",
            "api_keys o1 gone 0/0",
            "api_keys o2 unavailable 0/0",
            "api_keys o3 unavailable 0/0",
            "api_keys o4 complete 1/1",
            "api_keys o5 complete 1/1",
            "api_keys o6 complete 1/1",
            "api_keys o7 gone 0/0",
            "api_keys o8 unavailable 0/0",
            "api_keys o9 complete 1/1",
            "organizations - complete 1/10",
        ]
    );
    assert_eq!(outcome.of("done").last().unwrap()["parent"], serde_json::Value::Null);
    assert_eq!(summary.unavailable.len(), 3);
}

#[tokio::test]
async fn a_parent_that_vanishes_between_pages_is_gone() {
    let (outcome, _) =
        read(&["organizations", "api_keys"], |request, _| match (request.path.as_str(), request.query("after")) {
            ("/organizations", _) => ids(&["o1"], None),
            (_, None) => ids(&["k1", "k2"], Some("k2")),
            _ => status(404, "{}"),
        })
        .await;
    outcome.result.as_ref().unwrap();
    assert_eq!(outcome.done()[1..], ["api_keys o1 gone 1/2", "api_keys - complete 0/0"]);
}

#[tokio::test]
async fn an_unavailable_parent_list_takes_its_children_along() {
    let names = ["directories", "directory_groups", "directory_users", "directory_group_users", "connections"];
    let (outcome, server) =
        read(&names, |request, _| if request.path == "/directories" { status(403, FORBIDDEN) } else { ids(&[], None) })
            .await;
    assert_eq!(outcome.result.as_ref().unwrap().unavailable.len(), 4);
    assert_eq!(
        outcome.done(),
        [
            "directories - unavailable 0/0",
            "directory_groups - unavailable 0/0",
            "directory_users - unavailable 0/0",
            "directory_group_users - unavailable 0/0",
            "connections - complete 1/0",
        ]
    );
    assert_eq!(outcome.of("done")[1]["reason"], "`directories` is unavailable: 403 forbidden: Not enabled.");
    assert_eq!(server.requests().len(), 2);
    let (outcome, _) = read(&["directories"], |_, _| status(404, "nothing")).await;
    assert_eq!(
        (outcome.done(), &outcome.of("done")[0]["reason"]),
        (vec!["directories - unavailable 0/0".into()], &"404".into())
    );
}

/// Directories whose users carry groups, or not.
fn directories(request: &Request) -> Reply {
    let directory = request.query("directory");
    match (request.path.as_str(), directory, request.query("group"), request.query("after")) {
        ("/directories", ..) => ids(&["filled", "empty", "hidden"], None),
        ("/directory_groups", Some("hidden"), ..) => status(403, FORBIDDEN),
        ("/directory_groups", Some(d), ..) => {
            envelope(&[&format!(r#"{{"id":"g1","directory_id":"{d}"}}"#), r#"{"id":"g2"}"#], None)
        }
        ("/directory_users", Some("filled"), None, None) => envelope(&[r#"{"id":"u","groups":[]}"#], Some("u")),
        ("/directory_users", Some("filled"), None, _) => envelope(&[r#"{"id":"v","groups":[{"id":"g1"}]}"#], None),
        ("/directory_users", _, None, _) => envelope(&[r#"{"id":"w","groups":[]}"#], None),
        ("/directory_users", Some("empty"), Some(_), _) => ids(&["w"], None),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn what_another_list_holds_is_not_asked_for() {
    let server = Server::start(|request, _| directories(request)).await;
    let names = ["directories", "directory_groups", "directory_users", "directory_group_users"];
    let mut config = config(&server, &names);
    config.concurrency = 1;
    let outcome = extract(config).await;
    outcome.result.as_ref().unwrap();
    assert_eq!(
        outcome.done(),
        [
            "directories - complete 1/3",
            "directory_groups filled complete 1/2",
            "directory_groups empty complete 1/2",
            "directory_groups hidden unavailable 0/0",
            "directory_groups - complete 0/0",
            "directory_users filled complete 2/2",
            "directory_users empty complete 1/1",
            "directory_users hidden complete 1/1",
            "directory_users - complete 0/0",
            "directory_group_users hidden unavailable 0/0",
            "directory_group_users empty+g1 complete 1/1",
            "directory_group_users empty+g2 complete 1/1",
            "directory_group_users - complete 0/0",
        ]
    );
    let unread = &outcome.of("done")[9];
    assert_eq!(
        unread["reason"],
        "`directory_groups` of directory_id `hidden` is unavailable: 403 forbidden: Not enabled."
    );
}

#[tokio::test]
async fn at_most_so_many_lists_at_a_time() {
    use std::sync::atomic::{AtomicUsize, Ordering};
    static OPEN: AtomicUsize = AtomicUsize::new(0);
    let organizations: Vec<String> = (0..40).map(|i| format!("o{i}")).collect();
    let (outcome, _) = read(&["organizations", "api_keys"], move |request, _| {
        if request.path == "/organizations" {
            return ids(&organizations.iter().map(String::as_str).collect::<Vec<_>>(), None);
        }
        // A list is open from its first page to its second.
        if request.query("after").is_some() {
            OPEN.fetch_sub(1, Ordering::SeqCst);
            ids(&[], None)
        } else {
            assert!(OPEN.fetch_add(1, Ordering::SeqCst) < 4);
            ids(&["k"], Some("k"))
        }
    })
    .await;
    outcome.result.as_ref().unwrap();
    assert_eq!(outcome.of("page").len(), 81);
}
