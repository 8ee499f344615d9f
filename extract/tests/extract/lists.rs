//! Shapes of lists, paging, parameters, bodies.

use crate::run::{config, extract, read};
use crate::server::{Server, envelope, ids, ok, status};

#[tokio::test]
async fn every_shape_of_a_list() {
    let (outcome, _) = read(&["users", "roles", "connections"], |request, _| match request.path.as_str() {
        "/user_management/users" => ids(&["u"], None),
        "/authorization/roles" => ok(r#"{"object":"list","data":[{"id":"r"},{"id":"s"}]}"#),
        _ => ok(r#"[{"id":"c"}]"#),
    })
    .await;
    outcome.result.as_ref().unwrap();
    assert_eq!(outcome.done(), ["users - complete 1/1", "roles - complete 1/2", "connections - complete 1/1"]);
    let bodies: Vec<String> = outcome.of("page").iter().map(|p| p["body"].to_string()).collect();
    assert_eq!(bodies[2], r#"[{"id":"c"}]"#);
}

#[tokio::test]
async fn pages_follow_their_cursors() {
    let (outcome, server) = read(&["users"], |request, _| match request.query("after") {
        None => ids(&["u1", "u2"], Some("u2")),
        Some("u2") => ids(&[], Some("u3 &,é")),
        Some("u3 &,é") => ids(&["u4"], None),
        other => status(400, format!("{other:?}")),
    })
    .await;
    outcome.result.as_ref().unwrap();
    assert_eq!(outcome.done(), ["users - complete 3/3"]);
    let pages = outcome.of("page");
    assert_eq!(pages.iter().map(|p| p["seq"].as_u64().unwrap()).collect::<Vec<_>>(), [0, 1, 2]);
    assert!(pages.iter().all(|p| p["parent"].is_null() && p.get("chain").is_none()));
    assert_eq!(
        server.targets(),
        [
            "/user_management/users?limit=100",
            "/user_management/users?limit=100&after=u2",
            "/user_management/users?limit=100&after=u3+%26,%C3%A9",
        ]
    );
}

#[tokio::test]
async fn the_parameters_that_the_api_needs() {
    let names = [
        "roles",
        "organizations",
        "organization_roles",
        "organization_memberships",
        "directories",
        "directory_groups",
        "directory_users",
        "directory_group_users",
        "applications",
    ];
    let (outcome, server) = read(&names, |request, _| match request.path.as_str() {
        "/organizations" => ids(&["org_1"], None),
        "/directories" => ids(&["dir_1"], None),
        "/directory_groups" => ids(&["grp_1"], None),
        _ => ids(&[], None),
    })
    .await;
    outcome.result.as_ref().unwrap();
    assert_eq!(
        server.targets(),
        [
            "/authorization/roles?limit=100",
            "/organizations?limit=100",
            "/authorization/organizations/org_1/roles?limit=100",
            "/user_management/organization_memberships?statuses=active,inactive,pending&organization_id=org_1&limit=100",
            "/directories?limit=100",
            "/directory_groups?directory=dir_1&limit=100",
            "/directory_users?directory=dir_1&limit=100",
            "/directory_users?directory=dir_1&group=grp_1&limit=100",
            "/connect/applications?registration_types=dynamic,authenticated&limit=100",
        ]
    );
}

#[tokio::test]
async fn a_base_with_a_path_keeps_it() {
    let server = Server::start(|_, _| ids(&[], None)).await;
    let mut config = config(&server, &["users"]);
    config.api_url = extract::ApiUrl::parse(&format!("{}/proxy/", server.url()), false).unwrap();
    extract(config).await.result.unwrap();
    assert_eq!(server.targets(), ["/proxy/user_management/users?limit=100"]);
}

#[tokio::test]
async fn bodies_are_minified_and_otherwise_untouched() {
    const SENT: &str = "{ \"object\" : \"list\",\r\n \"x\\u0061\" : 1.50e+2,\t\"data\" : [ {\"id\":\"u\", \"unknown\":[ 1e400, -0.0,\n \
        12345678901234567890123, \"a  b\\n\\ud83d\\/ \\\" c\"], \"id\":\"again\", \"é\":null } ] }\n";
    let (outcome, _) = read(&["users"], |_, _| ok(SENT)).await;
    let page = outcome.text.lines().find(|l| l.contains("\"page\"")).unwrap();
    let body = page.split_once("\"body\":").unwrap().1.strip_suffix('}').unwrap();
    assert_eq!(
        body,
        r#"{"object":"list","x\u0061":1.50e+2,"data":[{"id":"u","unknown":[1e400,-0.0,12345678901234567890123,"a  b\n\ud83d\/ \" c"],"id":"again","é":null}]}"#
    );
}

#[tokio::test]
async fn a_compressed_body_is_unpacked() {
    // `[{"id":"u"}]`, packed by gzip.
    const PACKED: [u8; 32] = [
        0x1f, 0x8b, 0x08, 0x00, 0x00, 0x00, 0x00, 0x00, 0x02, 0x03, 0x8b, 0xae, 0x56, 0xca, 0x4c, 0x51, 0xb2, 0x52,
        0x2a, 0x55, 0xaa, 0x8d, 0x05, 0x00, 0x41, 0x3f, 0x57, 0xaa, 0x0c, 0x00, 0x00, 0x00,
    ];
    let (outcome, _) = read(&["users"], |_, _| ok(PACKED).with("content-encoding", "gzip")).await;
    assert_eq!(outcome.done(), ["users - complete 1/1"]);
}

#[tokio::test]
async fn one_list_can_hold_an_object_twice() {
    let (outcome, server) =
        read(&["organizations", "api_keys"], |request, _| match (request.path.as_str(), request.query("after")) {
            ("/organizations", None) => ids(&["o1", "o2"], Some("o2")),
            ("/organizations", Some(_)) => ids(&["o2", "o1"], None),
            _ => envelope(&[], None),
        })
        .await;
    outcome.result.as_ref().unwrap();
    assert_eq!(server.targets().iter().filter(|t| t.contains("api_keys")).count(), 2);
}

#[tokio::test]
async fn a_list_without_paging_may_refuse_to_hear_of_pages() {
    let (outcome, server) = read(&["roles", "organizations", "organization_roles"], |request, _| {
        let roles = request.path.ends_with("/roles");
        match request.path.as_str() {
            _ if roles && request.query("limit").is_some() => status(422, r#"{"message":"limit should not exist"}"#),
            "/organizations" => ids(&["org_1", "org_2"], None),
            _ => ids(&["role_1"], None),
        }
    })
    .await;
    outcome.result.as_ref().unwrap();
    assert_eq!(outcome.of("page").len(), 4);
    let without = server.targets().iter().filter(|t| t.ends_with("/roles")).count();
    assert_eq!(without, 3, "{:?}", server.targets());
}
