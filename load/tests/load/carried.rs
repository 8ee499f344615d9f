use crate::lake::Lake;
use crate::stream::Stream;

const MEMBERSHIP: &str = "WorkOSOrganizationMembership";
const IN: &str = "IN/WorkOSOrganizationMembership/WorkOSOrganization";
const WITH_ROLE: &str = "WITH_ROLE/WorkOSOrganizationMembership/WorkOSRole";
const T10: &str = "2026-11-22T10:00:00Z";
const T11: &str = "2026-11-22T11:00:00Z";
const T12: &str = "2026-11-22T12:00:00Z";

/// Members of two organizations.
fn members(stream: Stream, organizations: &[u32]) -> Stream {
    organizations.iter().fold(stream, |stream, org| {
        let (om, org) = (format!("om_{org}"), format!("org_{org}"));
        stream
            .node("WorkOSOrganization", &org, 1, "")
            .node(MEMBERSHIP, &om, 1, &format!(r#""organization_id":"{org}""#))
            .edge(IN, &om, &org, Some((MEMBERSHIP, &om, 1)))
    })
}

#[test]
fn a_list_that_was_not_readable_leaves_its_tables_as_they_were() {
    let mut lake = Lake::in_memory();
    lake.load(&members(Stream::complete(T10), &[1]).node("WorkOSUser", "user_1", 1, "")).unwrap();
    let before = lake.manifest();
    for started in [T11, T12] {
        let committed = lake.load(&members(Stream::without(started, &["users"]), &[1])).unwrap();
        assert_eq!(committed.manifest.unavailable[0].resource, "users");
        let users = lake.entry("WorkOSUser");
        assert_eq!(users.files, before.table("WorkOSUser").unwrap().files);
        // Stale since the last complete read, however often it fails.
        assert_eq!(users.stale_since.as_deref(), Some(T10));
        let edges = lake.entry("RESOURCE/WorkOSEnvironment/WorkOSUser");
        assert_eq!(edges.files, before.table("RESOURCE/WorkOSEnvironment/WorkOSUser").unwrap().files);
        // An edge table needs all its lists.
        let invites = lake.entry("INVITES/WorkOSInvitation/WorkOSUser");
        assert_eq!(invites.stale_since.as_deref(), Some(T10));
        assert_eq!(lake.entry(MEMBERSHIP).stale_since, None);
    }
    lake.load(&members(Stream::complete(T12), &[1])).unwrap();
    let users = lake.entry("WorkOSUser");
    assert_eq!((users.rows, users.stale_since), (0, None));
}

#[test]
fn without_a_previous_table_what_was_read_is_partial() {
    let mut lake = Lake::in_memory();
    let stream = Stream::new(T10).done("users").done("invitations");
    let stream = stream
        .node("WorkOSUser", "user_1", 1, "")
        .line(r#"{"kind":"done","resource":"roles","parent":null,"status":"complete"}"#)
        .node("WorkOSRole", "role_1", 1, "");
    let manifest = lake.load(&stream).unwrap().manifest;
    assert!(!lake.entry("WorkOSUser").partial);
    // Organizations' roles were not read.
    assert!(lake.entry("WorkOSRole").partial);
    assert!(lake.entry("RESOURCE/WorkOSEnvironment/WorkOSRole").partial);
    assert!(manifest.table("WorkOSDirectory").is_none());
    assert!(manifest.table("events").is_none());
    assert!(manifest.table(IN).is_none());
}

#[test]
fn rows_of_single_parents_stay_with_their_edges() {
    let mut lake = Lake::in_memory();
    let org = |id| [("organization_id", id)];
    lake.load(&members(Stream::complete(T10), &[1, 2, 3, 4])).unwrap();
    // Two lists are not readable, one organization is gone, and of the others' members one left.
    let second = members(Stream::complete(T11), &[4])
        .node("WorkOSOrganization", "org_1", 1, "")
        .node("WorkOSOrganization", "org_2", 1, "")
        .done_for("organization_memberships", &org("org_1"), "unavailable")
        .done_for("organization_memberships", &org("org_2"), "complete")
        .done_for("organization_memberships", &org("org_3"), "gone");
    let manifest = lake.load(&second).unwrap().manifest;
    let ids = |key: &str| lake.rows_of(key).into_iter().map(|r| format!("{} {} {}", r.0, r.1, r.2)).collect::<Vec<_>>();
    assert_eq!(ids(MEMBERSHIP), ["om_1 10:00 10:00", "om_4 10:00 11:00"]);
    assert_eq!(ids(IN), ["om_1>org_1 10:00 10:00", "om_4>org_4 10:00 11:00"]);
    let resource = format!("RESOURCE/WorkOSEnvironment/{MEMBERSHIP}");
    assert_eq!(ids(&resource), ["client_1>om_1 10:00 10:00", "client_1>om_4 10:00 11:00"]);
    for key in [MEMBERSHIP, IN, &resource] {
        assert_eq!(lake.entry(key).stale_since.as_deref(), Some(T10), "{key}");
    }
    assert_eq!(lake.entry("WorkOSOrganization").stale_since, None);
    assert_eq!(manifest.unavailable.len(), 1);
    assert_eq!(manifest.unavailable[0].parent.as_ref().unwrap()["organization_id"], "org_1");
}

#[test]
fn a_row_that_moved_is_not_doubled_by_its_old_parent() {
    let mut lake = Lake::in_memory();
    lake.load(&members(Stream::complete(T10), &[1, 2])).unwrap();
    let second = Stream::complete(T11).node(MEMBERSHIP, "om_1", 2, r#""organization_id":"org_2""#).done_for(
        "organization_memberships",
        &[("organization_id", "org_1")],
        "unavailable",
    );
    lake.load(&second).unwrap();
    assert_eq!(lake.ids(MEMBERSHIP), ["om_1"]);
    assert_eq!(lake.column(MEMBERSHIP, "organization_id"), [Some("org_2".to_owned())]);
}

#[test]
fn carried_parents_make_their_children_unavailable() {
    const MEMBER_OF: &str = "MEMBER_OF/WorkOSDirectoryUser/WorkOSDirectoryGroup";
    let group = |stream: Stream, n: u32| {
        let (g, d, u) = (format!("group_{n}"), format!("directory_{n}"), format!("du_{n}"));
        stream
            .node("WorkOSDirectory", &d, 1, "")
            .node("WorkOSDirectoryUser", &u, 1, &format!(r#""directory_id":"{d}""#))
            .node("WorkOSDirectoryGroup", &g, 1, &format!(r#""directory_id":"{d}""#))
            .edge("HAS/WorkOSDirectory/WorkOSDirectoryGroup", &d, &g, Some(("WorkOSDirectoryGroup", &g, 1)))
            .edge(MEMBER_OF, &u, &g, Some(("WorkOSDirectoryUser", &u, 1)))
    };
    let mut lake = Lake::in_memory();
    lake.load(&group(group(Stream::complete(T10), 1), 2)).unwrap();
    // The groups of directory 1 can not be listed, so nobody can ask for their users; directory 2 lost its group.
    let second = Stream::complete(T11)
        .node("WorkOSDirectory", "directory_1", 1, "")
        .node("WorkOSDirectory", "directory_2", 1, "")
        .node("WorkOSDirectoryUser", "du_1", 1, r#""directory_id":"directory_1""#)
        .node("WorkOSDirectoryUser", "du_2", 1, r#""directory_id":"directory_2""#)
        .done_for("directory_groups", &[("directory_id", "directory_1")], "unavailable");
    lake.load(&second).unwrap();
    assert_eq!(lake.ids("WorkOSDirectoryGroup"), ["group_1"]);
    assert_eq!(lake.ids("HAS/WorkOSDirectory/WorkOSDirectoryGroup"), ["directory_1>group_1"]);
    assert_eq!(lake.ids(MEMBER_OF), ["du_1>group_1"]);
    assert_eq!(lake.entry(MEMBER_OF).stale_since.as_deref(), Some(T10));
    assert_eq!(lake.entry("WorkOSDirectoryUser").stale_since, None);
}

#[test]
fn edges_that_need_an_unread_list_of_roles_stay() {
    let roles = |stream: Stream| {
        stream.node("WorkOSRole", "role_env", 1, r#""type":"EnvironmentRole""#).node(
            "WorkOSRole",
            "role_own",
            1,
            r#""type":"OrganizationRole","organization_id":"org_1""#,
        )
    };
    let with = |stream: Stream, om: &str, role: &str| stream.edge(WITH_ROLE, om, role, Some((MEMBERSHIP, om, 1)));
    let mut lake = Lake::in_memory();
    let first = with(
        with(with(roles(members(Stream::complete(T10), &[1, 2])), "om_1", "role_own"), "om_1", "role_env"),
        "om_2",
        "role_env",
    );
    lake.load(&first).unwrap();
    // The roles of organization 1 are unreadable: its members' slugs stay unresolved, the others' do not.
    let second = members(Stream::complete(T11), &[1, 2]).node("WorkOSRole", "role_env", 1, "").done_for(
        "organization_roles",
        &[("organization_id", "org_1")],
        "unavailable",
    );
    lake.load(&second).unwrap();
    assert_eq!(lake.ids("WorkOSRole"), ["role_env", "role_own"]);
    assert_eq!(lake.ids(WITH_ROLE), ["om_1>role_env", "om_1>role_own"]);
    assert_eq!(lake.entry(WITH_ROLE).stale_since.as_deref(), Some(T10));
}

#[test]
fn the_last_good_row_stands_in_for_a_quarantined_one() {
    const OF: &str = "DOMAIN_OF/WorkOSOrganizationDomain/WorkOSOrganization";
    let domain = |stream: Stream, n: u32| {
        let (d, o) = (format!("domain_{n}"), format!("org_{n}"));
        stream.domain(&d, 1, (&o, 1)).edge(OF, &d, &o, Some(("WorkOSOrganizationDomain", &d, 1)))
    };
    let mut lake = Lake::in_memory();
    let first = domain(domain(members(Stream::complete(T10), &[1, 2, 3]), 1), 2);
    lake.load(&first).unwrap();
    // Organization 1 does not fit any more, nor does its membership; organization 2 does not in one of two places;
    // organization 3 is gone.
    let second = domain(Stream::complete(T11).node("WorkOSOrganization", "org_2", 1, ""), 2)
        .quarantine("organizations", "org_1", 7, "name: expected text")
        .quarantine("organizations", "org_1", 3, "name: expected text")
        .quarantine("organizations", "org_2", 5, "name: expected text")
        .quarantine("organization_memberships", "om_1", 9, "status: expected text");
    let manifest = lake.load(&second).unwrap().manifest;
    let rows = |key: &str| lake.rows_of(key).into_iter().map(|r| format!("{} {}", r.0, r.2)).collect::<Vec<_>>();
    assert_eq!(rows("WorkOSOrganization"), ["org_1 10:00", "org_2 11:00"]);
    assert_eq!(rows("WorkOSOrganizationDomain"), ["domain_1 10:00", "domain_2 11:00"]);
    assert_eq!(rows(OF), ["domain_1>org_1 10:00", "domain_2>org_2 11:00"]);
    assert_eq!(rows(MEMBERSHIP), ["om_1 10:00"]);
    assert_eq!(rows(IN), ["om_1>org_1 10:00"]);
    let organizations = lake.entry("WorkOSOrganization");
    assert_eq!((organizations.held, organizations.stale_since), (1, None));
    // Wrong in the same way twice counts once.
    assert_eq!(manifest.quarantined, 3);
    let entry = lake.entry("quarantine");
    let text = String::from_utf8(lake.objects()[&entry.files[0].path].to_vec()).unwrap();
    let lines: Vec<_> = text.lines().map(|l| serde_json::from_str::<serde_json::Value>(l).unwrap()).collect();
    let places: Vec<_> = lines.iter().map(|l| (l["id"].as_str().unwrap(), l["line"].as_u64().unwrap())).collect();
    assert_eq!(places, [("om_1", 9), ("org_1", 3), ("org_2", 5)]);
    assert_eq!(lines[1]["record"]["id"], "org_1");
    // In the next run it is whole again.
    let manifest = lake.load(&members(Stream::complete(T12), &[1])).unwrap().manifest;
    assert!(manifest.table("quarantine").is_none());
    assert_eq!((lake.entry(MEMBERSHIP).held, lake.entry(MEMBERSHIP).rows), (0, 1));
}

#[test]
fn an_older_state_does_not_replace_the_last_good_row() {
    let user = |stream: Stream, version: u32| {
        let members = format!(r#""first_name":"v{version}","updated_at":"{}""#, crate::stream::time(version));
        stream.node("WorkOSUser", "user_1", version, &members)
    };
    let mut lake = Lake::in_memory();
    lake.load(&user(Stream::complete(T10), 3)).unwrap();
    // An old page has the user's second state, a new one a state that does not fit.
    let second = user(Stream::complete(T11), 2).quarantine("users", "user_1", 7, "email: expected text");
    lake.load(&second).unwrap();
    assert_eq!(lake.rows_of("WorkOSUser")[0].2, "10:00");
    assert_eq!(lake.entry("WorkOSUser").held, 1);
    // A newer one that fits does replace it.
    let third = user(Stream::complete(T12), 4).quarantine("users", "user_1", 7, "email: expected text");
    lake.load(&third).unwrap();
    assert_eq!(lake.rows_of("WorkOSUser")[0].2, "12:00");
}

#[test]
fn a_table_nobody_knows_any_more_stays() {
    let mut lake = Lake::in_memory();
    lake.load(&Stream::complete(T10)).unwrap();
    // As if a later version had written a table more.
    let mut manifest = lake.manifest();
    let mut strange = manifest.table("WorkOSUser").unwrap().clone();
    strange.name = "WorkOSLater".to_owned();
    manifest.tables.push(strange.clone());
    manifest.number = 2;
    let path = load::manifest::path(2);
    let bytes = serde_json::to_vec(&manifest).unwrap();
    crate::lake::block_on(object_store::ObjectStoreExt::put(&lake.store, &path, bytes.into())).unwrap();
    lake.load(&Stream::complete(T11)).unwrap();
    assert_eq!(lake.entry("WorkOSLater").files, strange.files);
    assert_eq!(lake.entry("WorkOSLater").stale_since.as_deref(), Some(T10));
}
