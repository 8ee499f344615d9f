//! Raw lines in, the row stream out.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test that panics has failed")]

mod support;

use proptest::prelude::*;
use serde_json::{Value, json};
use support::{Out, begin, done, end, page, page_of, run, run_with};

fn one(resource: &str, record: &str) -> Out {
    run(&[begin(&[resource]), page(resource, &[record]), done(resource, 1), end()])
}

#[test]
fn every_member_finds_its_column_and_the_rest_goes_to_extra() {
    let out = one(
        "users",
        r#"{"object":"user","id":"user_1","email":"a@b.c","first_name":null,"email_verified":true,"new":{"b":1,"a":[ 1.0,12345678901234567890,"\ud800"]},
            "metadata":{"z":1e400,"a":"\u0041"},"created_at":"2023-04-28 20:05:31.093","updated_at":"2023-04-28T22:05:31.0930009+02:00","nulled":null}"#
            .replace('\n', "")
            .as_str(),
    );
    assert_eq!(
        out.raw_rows("WorkOSUser"),
        [concat!(
            r#"{"id":"user_1","email":"a@b.c","email_verified":true,"metadata":{"z":1e400,"a":"\u0041"},"#,
            r#""created_at":"2023-04-28T20:05:31.093000Z","updated_at":"2023-04-28T20:05:31.093000Z","#,
            r#""extra":{"new":{"b":1,"a":[ 1.0,12345678901234567890,"\ud800"]},"nulled":null}}"#
        )]
    );
    let line = &out.lines("WorkOSUser")[0];
    assert_eq!(line["version"], "2023-04-28T20:05:31.093000Z");
    assert_eq!(line["tie"].as_str().unwrap().len(), 16);
    assert!(line.get("owner").is_none());
}

#[test]
fn nasty_texts_and_ids_pass_unharmed() {
    let out = one(
        "users",
        r#"{"id":"not a ulid / é","email":"\u0000\ud83d\ude00\"\\","first_name":"\u00e9","last_name":"𝔘","name":""}"#,
    );
    let row = &out.rows("WorkOSUser")[0];
    assert_eq!(row["id"], "not a ulid / é");
    assert_eq!(row["email"], "\0😀\"\\");
    assert_eq!((&row["first_name"], &row["last_name"], &row["name"]), (&json!("é"), &json!("𝔘"), &json!("")));
    // Without `updated_at`, when it was fetched is its version.
    assert_eq!(out.lines("WorkOSUser")[0]["version"], "2026-11-22T10:15:01.000000Z");
}

#[test]
fn the_first_of_two_members_counts() {
    let out = one("users", r#"{"id":"u","email":"first","em\u0061il":"second","email":"third","x":1,"x":2,"id":"v"}"#);
    assert_eq!(out.raw_rows("WorkOSUser"), [r#"{"id":"u","email":"first","extra":{"x":1}}"#]);
    assert_eq!(one("users", r#"{"\u0069d":"u","email":null,"email":"x"}"#).raw_rows("WorkOSUser"), [r#"{"id":"u"}"#]);
}

#[test]
fn what_does_not_fit_is_set_aside_whole() {
    for (resource, record, reason, id) in [
        ("users", r#"{"id":"u","email_verified":"yes"}"#, r#"email_verified: expected bool, found "yes""#, Some("u")),
        ("users", r#"{"id":"u","email":7}"#, "email: expected text, found 7", Some("u")),
        (
            "users",
            r#"{"id":"u","email":"\ud800"}"#,
            r#"email: expected text without lone surrogates, found "\ud800""#,
            Some("u"),
        ),
        ("users", r#"{"id":"u","created_at":"soon"}"#, r#"created_at: expected time, found "soon""#, Some("u")),
        ("users", r#"{"id":"u","updated_at":1700000000}"#, "updated_at: expected time, found 1700000000", Some("u")),
        ("users", r#"{"email":"a"}"#, "id: expected text, found nothing", None),
        ("users", r#"{"id":null}"#, "id: expected text, found nothing", None),
        ("users", r#"{"id":12}"#, "id: expected text, found 12", None),
        ("users", "7", "expected an object", None),
        ("roles", r#"{"id":"r","permissions":"all"}"#, r#"permissions: expected list, found "all""#, Some("r")),
        ("roles", r#"{"id":"r","permissions":["a",1]}"#, "permissions: expected text, found 1", Some("r")),
        (
            "applications",
            r#"{"id":"a","redirect_uris":["x"]}"#,
            r#"redirect_uris: expected list of objects, found "x""#,
            Some("a"),
        ),
        ("api_keys", r#"{"id":"k","owner":"me"}"#, r#"owner: expected object, found "me""#, Some("k")),
        (
            "organizations",
            r#"{"id":"o","domains":[{"id":"d","domain":1}]}"#,
            "domains[].domain: expected text, found 1",
            Some("o"),
        ),
        ("organizations", r#"{"id":"o","domains":[7]}"#, "domains: expected list of objects, found 7", Some("o")),
        ("events", r#"{"id":"e","event":"x"}"#, "created_at: expected time, found nothing", Some("e")),
    ] {
        let out = one(resource, record);
        let quarantine = &out.quarantine()[0];
        assert_eq!(quarantine["reason"], reason);
        assert_eq!(quarantine.get("id").and_then(Value::as_str), id);
        assert_eq!(
            (&quarantine["resource"], &quarantine["line"], &quarantine["index"]),
            (&json!(resource), &json!(2), &json!(0))
        );
        assert!(out.text.contains(record), "the record is kept: {record}");
        assert_eq!(out.count("row") + out.count("edge"), 0, "nothing of it becomes a row: {record}");
        assert_eq!(out.end()["quarantined"], 1);
    }
}

#[test]
fn what_is_no_page_is_set_aside_by_its_place() {
    let broken =
        r#"{"kind":"page","resource":"webhook_endpoints","body":{"data":[{"object":"invitation","token":"PLANTED"}"#;
    for line in [
        broken,
        "PLANTED",
        "\u{1}",
        "[\"PLANTED\"]",
        r#"{"no":"PLANTED"}"#,
        r#"{"kind":"page","resource":"users","body":{"data":"PLANTED"}}"#,
        r#"{"kind":"page","resource":"users"}"#,
        r#"{"kind":"page","body":[{"PLANTED":1}]}"#,
        r#"{"kind":"done","resource":7,"PLANTED":1}"#,
    ] {
        let out = run(&[begin(&["users"]), line.to_owned(), end()]);
        let quarantine = &out.quarantine()[0];
        assert_eq!((&quarantine["line"], &quarantine["resource"]), (&json!(2), &Value::Null), "{line}");
        assert!(quarantine["reason"].as_str().unwrap().contains(&format!("{} bytes, XXH3-64 ", line.len())), "{line}");
        assert!(!out.text.contains("PLANTED"), "{}", out.text);
    }
    let out = run_with(&[begin(&["users"]).into_bytes(), b"\xff\xfe".to_vec(), end().into_bytes()], 1, usize::MAX);
    assert_eq!(out.quarantine().len(), 1);
}

#[test]
fn records_of_an_unknown_resource_are_kept_without_their_credentials() {
    let out = one("tomorrow", r#"{"id":"t","object":"invitation","token":"PLANTED","x":1}"#);
    let quarantine = &out.quarantine()[0];
    assert_eq!((&quarantine["resource"], &quarantine["id"]), (&json!("tomorrow"), &json!("t")));
    assert_eq!(quarantine["record"], json!({"id": "t", "object": "invitation", "x": 1}));
    assert!(!out.text.contains("PLANTED"));
}

#[test]
fn kinds_that_nobody_knows_yet_say_nothing() {
    let out = run(&[begin(&["users"]), r#"{"kind":"tomorrow","x":[1]}"#.into(), String::new(), " ".into(), end()]);
    assert_eq!(out.kinds(), ["begin", "end"]);
}

#[test]
fn parts_of_objects_that_no_column_takes_keep_the_whole_object() {
    let out = one(
        "api_keys",
        r#"{"id":"k","owner":{"type":"user","id":"u","organization_id":"o"},"permissions":["a",null]}"#,
    );
    assert_eq!(
        out.raw_rows("WorkOSAPIKey"),
        [
            r#"{"id":"k","owner_type":"user","owner_id":"u","permissions":["a",null],"extra":{"owner":{"type":"user","id":"u","organization_id":"o"}}}"#
        ]
    );
    assert_eq!(out.edges("OWNS/WorkOSUser/WorkOSAPIKey"), [("u".into(), "k".into())]);
    let out = one("api_keys", r#"{"id":"k","owner":{"object":"x","type":"organization","id":"o"}}"#);
    assert_eq!(out.raw_rows("WorkOSAPIKey"), [r#"{"id":"k","owner_type":"organization","owner_id":"o"}"#]);
    assert_eq!(out.edges("OWNS/WorkOSOrganization/WorkOSAPIKey"), [("o".into(), "k".into())]);

    let out = one(
        "applications",
        r#"{"id":"a","redirect_uris":[{"uri":"x","default":true},{"default":false},null],"scopes":[]}"#,
    );
    assert_eq!(
        out.raw_rows("WorkOSApplication"),
        [
            r#"{"id":"a","redirect_uris":["x",null,null],"scopes":[],"extra":{"redirect_uris":[{"uri":"x","default":true},{"default":false},null]}}"#
        ]
    );
    let out = one("connections", r#"{"id":"c","domains":[{"object":"connection_domain","domain":"d"}]}"#);
    assert_eq!(out.raw_rows("WorkOSConnection"), [r#"{"id":"c","domains":["d"]}"#]);
    let out = one("connections", r#"{"id":"c","domains":null}"#);
    assert_eq!(out.raw_rows("WorkOSConnection"), [r#"{"id":"c"}"#]);
}

#[test]
fn an_organization_owns_its_domains() {
    let out = one(
        "organizations",
        r#"{"id":"o","updated_at":"2026-01-01T00:00:00Z","domains":[{"object":"organization_domain","id":"d1","domain":"a.b","organization_id":"o","updated_at":"2025-01-01T00:00:00Z"},{"id":"d2","new":1}]}"#,
    );
    assert_eq!(
        out.raw_rows("WorkOSOrganization"),
        [r#"{"id":"o","domains":["a.b",null],"updated_at":"2026-01-01T00:00:00.000000Z"}"#]
    );
    let domains = out.lines("WorkOSOrganizationDomain");
    assert_eq!(domains[0]["version"], "2025-01-01T00:00:00.000000Z");
    assert_eq!(domains[1]["version"], "2026-11-22T10:15:01.000000Z");
    assert_eq!(domains[1]["row"], json!({"id": "d2", "extra": {"new": 1}}));
    let organization = &out.lines("WorkOSOrganization")[0];
    let owner = |table: &str, id: &str, of: &Value| json!({"table": table, "id": id, "version": of["version"], "tie": of["tie"]});
    for domain in &domains {
        assert_eq!(domain["owner"], owner("WorkOSOrganization", "o", organization));
    }
    // A domain may stand in two organizations while it moves: the edge of the older one falls with that domain's state.
    let edges = out.lines("DOMAIN_OF/WorkOSOrganizationDomain/WorkOSOrganization");
    assert_eq!(edges[0]["owner"], owner("WorkOSOrganizationDomain", "d1", &domains[0]));
    assert_eq!(out.edges("DOMAIN_OF/WorkOSOrganizationDomain/WorkOSOrganization"), [("d1".into(), "o".into())]);
}

const ENVIRONMENT_ROLES: &str =
    r#"{"id":"role_admin","slug":"admin","type":"EnvironmentRole","organization_id":null,"permissions":["p"]}"#;

/// Two organizations with an own role of one slug, one whose roles could not be read, and one without own roles.
fn role_lines() -> Vec<String> {
    let own = |id: &str, slug: &str| format!(r#"{{"id":"{id}","slug":"{slug}","type":"OrganizationRole"}}"#);
    let member = |org: &str, roles: &str| {
        format!(
            r#"{{"id":"om_{org}","user_id":"u","organization_id":"{org}","role":{{"slug":"admin"}},"roles":{roles},"user":{{"id":"u","email":"x"}}}}"#
        )
    };
    let parent = |org: &str| format!(r#"{{"organization_id":"{org}"}}"#);
    let done_for = |resource: &str, org: &str, status: &str, pages: u64| {
        format!(
            r#"{{"kind":"done","resource":"{resource}","parent":{},"status":"{status}","pages":{pages},"records":1}}"#,
            parent(org)
        )
    };
    let mut lines = vec![
        begin(&["roles", "organizations", "organization_roles", "organization_memberships"]),
        page("roles", &[ENVIRONMENT_ROLES]),
        done("roles", 1),
        page_of(
            "organization_roles",
            &parent("A"),
            0,
            &[ENVIRONMENT_ROLES, &own("role_A", "admin"), &own("role_A2", "extra")],
        ),
        done_for("organization_roles", "A", "complete", 1),
        page_of("organization_roles", &parent("B"), 0, &[&own("role_B", "admin")]),
        done_for("organization_roles", "B", "complete", 1),
        page_of("organization_roles", &parent("C"), 0, &[ENVIRONMENT_ROLES]),
        done_for("organization_roles", "C", "complete", 1),
        done_for("organization_roles", "D", "unavailable", 0),
        done("organization_roles", 0),
    ];
    for (org, roles) in [
        ("A", r#"[{"slug":"admin"},{"slug":"extra"},{"slug":"retired"},{}]"#),
        ("B", "null"),
        ("C", "[]"),
        ("D", r#"[{"slug":"admin"}]"#),
    ] {
        lines.push(page_of("organization_memberships", &parent(org), 0, &[&member(org, roles)]));
        lines.push(done_for("organization_memberships", org, "complete", 1));
    }
    lines.push(done("organization_memberships", 0));
    lines.push(end());
    lines
}

#[test]
fn a_slug_is_resolved_within_its_organization() {
    let out = run(&role_lines());
    let roles = |org: &str| {
        let row = out.rows("WorkOSOrganizationMembership").into_iter().find(|r| r["organization_id"] == org).unwrap();
        (row.get("role_id").cloned(), row.get("role_slugs").cloned())
    };
    assert_eq!(roles("A"), (Some(json!("role_A")), Some(json!(["admin", "extra", "retired", null]))));
    assert_eq!(roles("B"), (Some(json!("role_B")), None));
    assert_eq!(roles("C"), (Some(json!("role_admin")), Some(json!([]))));
    assert_eq!(roles("D"), (None, Some(json!(["admin"]))), "its own list was not read");
    let mut edges = out.edges("WITH_ROLE/WorkOSOrganizationMembership/WorkOSRole");
    edges.sort();
    let expected = [("om_A", "role_A"), ("om_A", "role_A2"), ("om_B", "role_B"), ("om_C", "role_admin")];
    assert_eq!(edges, expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
    let mut has = out.edges("HAS/WorkOSOrganization/WorkOSRole");
    has.sort();
    assert_eq!(has, [("A", "role_A"), ("A", "role_A2"), ("B", "role_B")].map(|(a, b)| (a.to_owned(), b.to_owned())));
    for role in out.rows("WorkOSRole") {
        let own = role["id"] != "role_admin";
        assert_eq!(role.get("organization_id").is_some(), own, "{role}");
        assert!(role.get("extra").is_none(), "{role}");
    }
    assert!(
        out.lines("HAS/WorkOSOrganization/WorkOSRole").iter().all(|l| l.get("owner").is_none()),
        "they come from the parent"
    );
    assert!(out.rows("WorkOSOrganizationMembership").iter().all(|r| r.get("extra").is_none()), "`user` is left out");
}

/// The role that the membership of organization A gets.
fn role_of_a(lines: &[String]) -> Option<Value> {
    run(lines).rows("WorkOSOrganizationMembership").iter().find(|r| r["id"] == "om_A").unwrap().get("role_id").cloned()
}

#[test]
fn a_role_that_is_set_aside_still_hides_the_other() {
    let mut lines = role_lines();
    lines[3] = lines[3].replace(r#""id":"role_A","slug""#, r#""id":"role_A","name":5,"slug""#);
    assert_eq!(role_of_a(&lines), Some(json!("role_A")));
    // Of an unknown type, it is at least nobody else's.
    let mut lines = role_lines();
    lines[3] = lines[3].replace("OrganizationRole", "organization_role");
    let out = run(&lines);
    assert_eq!(role_of_a(&lines), Some(json!("role_A")));
    assert!(
        !out.edges("WITH_ROLE/WorkOSOrganizationMembership/WorkOSRole").contains(&("om_C".into(), "role_A".into()))
    );
}

#[test]
fn a_list_of_roles_that_is_read_later_counts() {
    let mut lines = role_lines();
    let roles: Vec<String> = lines.drain(3..5).collect();
    let unavailable = roles[1].replace("complete", "unavailable").replace("\"pages\":1", "\"pages\":0");
    lines.insert(3, unavailable);
    let end = lines.len() - 2;
    lines.splice(end..end, roles);
    assert_eq!(role_of_a(&lines), Some(json!("role_A")));
}

#[test]
fn a_lost_page_of_roles_leaves_the_slug_unresolved() {
    let mut lines = role_lines();
    lines[3].truncate(200);
    assert_eq!(role_of_a(&lines), None, "what hides the environment's role may stand on it");
}

#[test]
fn a_membership_is_of_the_organization_whose_list_it_stands_in() {
    let lines: Vec<String> =
        role_lines().iter().map(|l| l.replace(r#""organization_id":"A","role""#, r#""role""#)).collect();
    assert_eq!(role_of_a(&lines), Some(json!("role_A")));
}

#[test]
fn a_lost_page_is_not_taken_for_an_empty_one() {
    let user = |id: &str| page_of("users", "null", usize::from(id == "u2"), &[&format!(r#"{{"id":"{id}"}}"#)]);
    let statuses = |lines: Vec<String>| {
        let mut all = vec![begin(&["users"])];
        all.extend(lines);
        all.push(end());
        run(&all).dones().iter().map(|d| (d["status"].clone(), d.get("reason").cloned())).collect::<Vec<_>>()
    };
    let complete = vec![(json!("complete"), None)];
    assert_eq!(statuses(vec![user("u1"), user("u2"), done("users", 2)]), complete);
    assert_eq!(statuses(vec![done("users", 2), user("u2"), user("u1")]), complete);
    let records = done("users", 1).replace("\"records\":0", "\"records\":2");
    let garbled = user("u2")[..60].to_owned();
    let no_list = r#"{"kind":"page","resource":"users","seq":1,"body":{"message":"oops"}}"#.to_owned();
    for (lines, reason) in [
        (vec![user("u1"), done("users", 2)], "1 of 2 pages"),
        (vec![user("u1"), user("u1"), done("users", 2)], "1 of 2 pages"),
        (vec![user("u1"), garbled, done("users", 2)], "1 of 2 pages"),
        (vec![user("u1"), no_list, done("users", 2)], "1 of 2 pages"),
        (vec![user("u1"), records], "1 of 2 records"),
        (vec![user("u1")], "no `done` line"),
    ] {
        let found = statuses(lines);
        assert_eq!((found.len(), &found[0].0), (1, &json!("unavailable")), "{reason}");
        assert!(
            found[0].1.as_ref().unwrap().as_str().unwrap().starts_with(reason) || reason.starts_with("no"),
            "{found:?}"
        );
    }
}

#[test]
fn an_invitation_finds_its_user_by_mail_only_while_nobody_accepted_it() {
    let invitations = [
        r#"{"id":"i1","email":"ADA@x.y","accepted_user_id":null,"updated_at":"2026-01-01T00:00:00Z","token":"PLANTED","object":"invitation"}"#,
        r#"{"id":"i2","email":"ada@X.y","updated_at":"2026-01-01T00:00:00Z"}"#,
        r#"{"id":"i3","email":"ada@x.y","accepted_user_id":"u9","updated_at":"2026-01-01T00:00:00Z"}"#,
        r#"{"id":"i4","email":"ada@x.y","updated_at":"2026-01-01T00:00:00Z"}"#,
        r#"{"id":"i4","email":"ada@x.y","accepted_user_id":"u8","updated_at":"2026-01-02T00:00:00Z"}"#,
        r#"{"id":"i5","email":null}"#,
    ];
    let users = [r#"{"id":"u1","email":"Ada@x.Y"}"#, r#"{"id":"u2","email":"ada@x.y"}"#, r#"{"id":"u3"}"#];
    let out = run(&[
        begin(&["invitations", "users"]),
        page("invitations", &invitations),
        done("invitations", 1),
        page("users", &users),
        done("users", 1),
        end(),
    ]);
    let mut edges = out.edges("INVITES/WorkOSInvitation/WorkOSUser");
    edges.sort();
    let expected = [("i1", "u1"), ("i1", "u2"), ("i2", "u1"), ("i2", "u2"), ("i3", "u9"), ("i4", "u8")];
    assert_eq!(edges, expected.map(|(a, b)| (a.to_owned(), b.to_owned())));
    for line in out.lines("INVITES/WorkOSInvitation/WorkOSUser") {
        let owner = if ["u8", "u9"].contains(&line["row"]["target_id"].as_str().unwrap()) {
            "WorkOSInvitation"
        } else {
            "WorkOSUser"
        };
        assert_eq!(line["owner"]["table"], owner);
    }
    assert!(!out.text.contains("PLANTED"));
}

#[test]
fn directory_users_bring_their_groups_or_their_groups_bring_them() {
    let user = r#"{"id":"du1","directory_id":"d1","organization_id":"o","role":{"slug":"member"},"roles":[{"slug":"member"}],"emails":[{"value":"a@b","primary":true}],"groups":[{"id":"g1","name":"G"},{"id":"g2"},{"name":"no id"}]}"#;
    let out = run(&[
        begin(&["directory_users", "directory_group_users"]),
        page_of("directory_users", r#"{"directory_id":"d1"}"#, 0, &[user]),
        page_of(
            "directory_group_users",
            r#"{"directory_id":"d2","group_id":"g7"}"#,
            0,
            &[r#"{"id":"du7","directory_id":"d2","email":7}"#],
        ),
        end(),
    ]);
    assert_eq!(
        out.raw_rows("WorkOSDirectoryUser"),
        [
            r#"{"id":"du1","directory_id":"d1","organization_id":"o","emails":[{"value":"a@b","primary":true}],"role_slug":"member","roles":["member"]}"#
        ]
    );
    let mut edges = out.edges("MEMBER_OF/WorkOSDirectoryUser/WorkOSDirectoryGroup");
    edges.sort();
    assert_eq!(edges, [("du1", "g1"), ("du1", "g2"), ("du7", "g7")].map(|(a, b)| (a.to_owned(), b.to_owned())));
    let owners: Vec<bool> = out
        .lines("MEMBER_OF/WorkOSDirectoryUser/WorkOSDirectoryGroup")
        .iter()
        .map(|l| l.get("owner").is_some())
        .collect();
    assert_eq!(owners.iter().filter(|owned| **owned).count(), 2, "an edge from the request's parent has no owner");
}

#[test]
fn events_say_who_did_what_from_where() {
    let out = run(&[
        begin(&["connections", "events"]),
        page("connections", &[r#"{"id":"conn_1","connection_type":"OktaSAML"}"#]),
        done("connections", 1),
        page(
            "events",
            &[
                r#"{"object":"event","id":"e1","event":"authentication.sso_succeeded","created_at":"2026-11-01T00:00:00Z","data":{"type":"sso","user_id":"u","email":"e","ip_address":"i","user_agent":"a","sso":{"organization_id":"o","connection_id":"conn_1","session_id":"s"}},"context":{"client_id":"c"}}"#,
                r#"{"id":"e2","event":"user.updated","created_at":"2026-11-01 00:00:00.5","data":{"object":"user","id":"u2","email":"e"},"context":{}}"#,
                r#"{"id":"e3","event":"authentication.magic_auth_failed","created_at":"2026-11-01T00:00:00Z","data":{"organization_id":"o2","connection_id":"conn_2","connection_type":"T"}}"#,
                r#"{"id":"e4","event":"session.created","created_at":"2026-11-01T00:00:00Z","data":null,"new":1}"#,
                r#"{"id":"e5","event":"authentication.radar_risk_detected","created_at":"2026-11-01T00:00:00Z","data":{"sso":null}}"#,
            ],
        ),
        done("events", 1),
        end(),
    ]);
    let rows = out.rows("events");
    let get = |i: usize, name: &str| rows[i].get(name).and_then(Value::as_str).unwrap_or("-").to_owned();
    let columns = ["outcome", "method", "organization_id", "user_id", "connection_id", "connection_type", "email"];
    for (i, expected) in [
        ["succeeded", "sso", "o", "u", "conn_1", "OktaSAML", "e"],
        ["-", "-", "-", "u2", "-", "-", "e"],
        ["failed", "magic_auth", "o2", "-", "conn_2", "T", "-"],
        ["-", "-", "-", "-", "-", "-", "-"],
        ["-", "-", "-", "-", "-", "-", "-"],
    ]
    .into_iter()
    .enumerate()
    {
        assert_eq!(columns.map(|c| get(i, c)), expected, "{i}");
    }
    assert_eq!(rows[1]["created_at"], "2026-11-01T00:00:00.500000Z");
    assert_eq!(rows[0]["context"], json!({"client_id": "c"}));
    assert_eq!((rows[3].get("data"), &rows[3]["extra"]), (None, &json!({"new": 1})));
    let line = &out.lines("events")[0];
    assert!(line.get("version").is_none() && line.get("tie").is_some());
}

#[test]
fn lists_come_in_an_envelope_or_bare() {
    let bare = r#"{"kind":"page","resource":"users","parent":null,"seq":0,"fetched_at":"2026-11-22T10:15:01.000Z","body":[{"id":"u"}]}"#;
    assert_eq!(run(&[begin(&["users"]), bare.into(), end()]).rows("WorkOSUser").len(), 1);
    let members_first = r#"{"body":{"list_metadata":{"after":null},"data":[{"id":"u"}],"object":"list"},"resource":"users","kind":"page"}"#;
    assert_eq!(run(&[begin(&["users"]), members_first.into(), end()]).rows("WorkOSUser").len(), 1);
}

#[test]
fn planted_credentials_appear_nowhere() {
    let planted = [
        r#"{"object":"invitation","id":"1","token":"PLANTED","accept_invitation_url":"PLANTED"}"#,
        r#"{"object":"password_reset","id":"1","password_reset_token":"PLANTED","password_reset_url":"PLANTED"}"#,
        r#"{"object":"magic_auth","id":"1","code":"PLANTED"}"#,
        r#"{"object":"email_verification","id":"1","code":"PLANTED"}"#,
        r#"{"object":"authentication_factor","id":"1","totp":{"issuer":"i","secret":"PLANTED","qr_code":"PLANTED","uri":"PLANTED"}}"#,
        r#"{"object":"api_key","id":"1","value":"PLANTED"}"#,
        r#"{"object":"webhook_endpoint","id":"1","secret":"PLANTED"}"#,
        r#"{"object":"session","id":"1","access_token":"PLANTED","refresh_token":"PLANTED","token":"PLANTED"}"#,
        r#"{"obj\u0065ct":"m\u0061gic_auth","id":"1","c\u006fde":"PLANTED"}"#,
    ];
    let mut lines = vec![begin(&["users", "events", "invitations"])];
    for record in planted {
        let event = format!(
            r#"{{"object":"event","id":"e","event":"x.y","created_at":"2026-11-01T00:00:00Z","data":{record},"context":{{"deep":[[{record}]]}}}}"#
        );
        let misfit = format!(r#"{{"id":"u","email":{record},"metadata":{record},"unknown":{record}}}"#);
        for resource in ["users", "events", "invitations", "tomorrow"] {
            lines.push(page(resource, &[record, &event, &misfit]));
        }
        lines.push(format!("{} broken", page("users", &[record])));
    }
    lines.push(end());
    let out = run(&lines);
    assert!(
        !out.text.contains("PLANTED"),
        "{}",
        &out.text[out.text.find("PLANTED").unwrap().saturating_sub(300)..][..400]
    );
    assert!(out.count("quarantine") > 30);
}

#[test]
fn a_stream_must_begin_and_be_one_run() {
    let fails = |lines: &[String]| support::try_run(lines).unwrap_err().to_string();
    assert!(fails(&[]).contains("no raw stream"));
    assert!(fails(&[page("users", &[])]).contains("no raw stream"));
    assert!(
        fails(&[
            "{\"kind\":\"begin\",\"protocol\":2,\"run_id\":\"r\",\"environment_id\":\"e\",\"started_at\":\"x\"}".into()
        ])
        .contains("protocol 2")
    );
    assert!(fails(&[begin(&[]), begin(&[]).replace("01K", "01L")]).contains("two runs"));
    assert!(fails(&[begin(&[]), begin(&[]).replace("client_1", "client_2")]).contains("two runs"));
    let again = run(&[begin(&["users"]), end(), begin(&["users"]), page("users", &[r#"{"id":"u"}"#])]);
    assert_eq!(again.count("end"), 0, "what begins anew must end anew");
    let cut = run(&[begin(&["users"]), page("users", &[r#"{"id":"u"}"#])]);
    assert_eq!(cut.count("end"), 0, "what is cut short must not look whole");
}

/// A stream that meets every look-up, as it should be and as it should not.
fn whole_stream() -> Vec<String> {
    let mut lines = role_lines();
    lines.pop();
    lines[0] = lines[0].split(",\"resources\"").next().unwrap().to_owned() + "}";
    let user =
        |i: usize| format!(r#"{{"id":"u{i}","email":"U{}@x","updated_at":"2026-01-0{}T00:00:00Z"}}"#, i % 7, 1 + i % 9);
    let invitation = |i: usize| format!(r#"{{"id":"i{i}","email":"u{i}@X"}}"#);
    for seq in 0..3 {
        let users: Vec<String> = (seq * 5..seq * 5 + 5).map(user).chain(["{\"id\":7}".to_owned()]).collect();
        let invitations: Vec<String> = (seq * 3..seq * 3 + 3).map(invitation).collect();
        lines.push(page_of("users", "null", seq, &users.iter().map(String::as_str).collect::<Vec<_>>()));
        lines.push(page_of("invitations", "null", seq, &invitations.iter().map(String::as_str).collect::<Vec<_>>()));
    }
    lines.push(done("invitations", 3));
    lines.push(done("users", 3));
    lines.push(page("connections", &[r#"{"id":"c1","connection_type":"T"}"#]));
    lines.push(page(
        "events",
        &[r#"{"id":"e1","event":"x","created_at":"2026-11-01T00:00:00Z","data":{"connection_id":"c1"}}"#],
    ));
    lines.push(end());
    lines
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn neither_order_nor_doubling_nor_threads_change_the_rows(
        seed in any::<u64>(), threads in 1..4_usize, budget in prop_oneof![Just(0), Just(300), Just(usize::MAX)], doubled in any::<bool>(),
    ) {
        let lines = whole_stream();
        let expected = run(&lines).distinct();
        let mut rest: Vec<String> = lines[1..].to_vec();
        if doubled {
            rest.extend_from_within(..);
        }
        support::shuffle(&mut rest, seed);
        let shuffled: Vec<Vec<u8>> = std::iter::once(lines[0].clone()).chain(rest).map(String::into_bytes).collect();
        prop_assert_eq!(run_with(&shuffled, threads, budget).distinct(), expected);
    }

    #[test]
    fn every_record_is_a_row_or_in_quarantine(records in prop::collection::vec(record(), 0..20)) {
        let texts: Vec<&str> = records.iter().map(String::as_str).collect();
        let out = run(&[begin(&["users"]), page("users", &texts), done("users", 1), end()]);
        prop_assert_eq!(out.lines("WorkOSUser").len() + out.quarantine().len(), records.len());
        prop_assert_eq!(&out.end()["quarantined"], &json!(out.quarantine().len()));
    }

    #[test]
    fn no_bytes_panic(lines in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..60), 0..6)) {
        let mut all = vec![begin(&["users"]).into_bytes()];
        all.extend(lines.into_iter().map(|l| l.into_iter().filter(|b| *b != b'\n').collect()));
        all.push(end().into_bytes());
        run_with(&all, 1, usize::MAX);
    }

    #[test]
    fn no_damage_panics(at in any::<prop::sample::Index>(), line in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>()) {
        let mut lines: Vec<Vec<u8>> = whole_stream().into_iter().map(String::into_bytes).collect();
        let last = lines.len() - 1;
        let line = &mut lines[1 + line.index(last - 1)];
        let at = at.index(line.len());
        if cut { line.truncate(at) } else if byte != b'\n' { line[at] = byte }
        // A line may stop being a record, or say something else; the rest still comes through.
        if let Ok(out) = support::try_run_with(&lines, 1, usize::MAX) {
            prop_assert_eq!(out.count("end"), 1);
        }
    }
}

/// Something like a user, with values that fit and others that do not.
fn record() -> impl Strategy<Value = String> {
    let value = prop_oneof![
        Just("null".to_owned()),
        Just("true".to_owned()),
        "0|[1-9][0-9]{0,19}",
        "\"[a-z]{0,8}\"",
        Just("\"2026-01-01T00:00:00Z\"".to_owned()),
        Just("{\"a\":[]}".to_owned()),
        Just("\"\\ud800\"".to_owned()),
    ];
    let key = prop::sample::select(vec![
        "id",
        "email",
        "email_verified",
        "created_at",
        "updated_at",
        "metadata",
        "other",
        "object",
    ]);
    let object = prop::collection::vec((key, value.clone()), 0..8).prop_map(|members| {
        format!("{{{}}}", members.iter().map(|(k, v)| format!("\"{k}\":{v}")).collect::<Vec<_>>().join(","))
    });
    prop_oneof![9 => object, 1 => value]
}
