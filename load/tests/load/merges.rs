use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use crate::lake::Lake;
use crate::stream::{Stream, edge, node};

const MEMBER_OF: &str = "MEMBER_OF/WorkOSUser/WorkOSOrganizationMembership";
const MEMBERSHIP: &str = "WorkOSOrganizationMembership";

fn lakes() -> [Lake; 2] {
    [Lake::in_memory(), Lake::on_disk()]
}

fn row(id: &str, firstseen: &str, lastupdated: &str) -> (String, String, String) {
    (id.to_owned(), firstseen.to_owned(), lastupdated.to_owned())
}

#[test]
fn the_first_load_holds_what_the_stream_says() {
    for mut lake in lakes() {
        let stream = Stream::complete("2026-11-22T10:00:00Z")
            .node("WorkOSUser", "user_2", 1, r#""email":"b@x.org","metadata":{"b": 1,"a":2}"#)
            .node("WorkOSUser", "user_1", 1, r#""email":"a@x.org""#)
            .node("WorkOSOrganization", "org_1", 1, r#""domains":["x.org",null]"#)
            .domain("domain_1", 1, ("org_1", 1))
            .edge("DOMAIN_OF/WorkOSOrganizationDomain/WorkOSOrganization", "domain_1", "org_1", None)
            .edge(MEMBER_OF, "user_1", "om_1", None)
            .event("event_1", "2026-11-21T23:59:59.999Z");
        let committed = lake.load(&stream).unwrap();
        assert_eq!(committed.manifest.number, 1);
        assert_eq!(committed.manifest.snapshot, "20261122T101600123Z");
        assert_eq!(lake.rows_of("WorkOSUser"), [row("user_1", "10:00", "10:00"), row("user_2", "10:00", "10:00")]);
        assert_eq!(lake.column("WorkOSUser", "metadata"), [None, Some(r#"{"b": 1,"a":2}"#.to_owned())]);
        assert_eq!(lake.ids("WorkOSEnvironment"), ["client_1"]);
        let edges = "RESOURCE/WorkOSEnvironment/WorkOSUser";
        assert_eq!(lake.ids(edges), ["client_1>user_1", "client_1>user_2"]);
        assert_eq!(lake.ids("RESOURCE/WorkOSEnvironment/WorkOSOrganizationDomain"), ["client_1>domain_1"]);
        assert_eq!(lake.ids(MEMBER_OF), ["user_1>om_1"]);
        let events = lake.entry("events");
        assert_eq!((events.rows, events.files[0].date.as_deref()), (1, Some("2026-11-21")));
        assert_eq!(events.files[0].path, "events/date=2026-11-21/20261122T101600123Z-00000-01LOAD1.parquet");
        let users = lake.entry("WorkOSUser");
        assert_eq!(
            users.files[0].path,
            "nodes/label=WorkOSUser/snapshot=20261122T101600123Z/part-00000-01LOAD1.parquet"
        );
        assert_eq!((users.files[0].min.as_deref(), users.files[0].max.as_deref()), (Some("user_1"), Some("user_2")));
        assert!(!users.partial && users.stale_since.is_none());
        // Complete but empty: one file without rows.
        let keys = lake.entry("WorkOSAPIKey");
        assert_eq!((keys.rows, keys.files.len(), keys.files[0].min.as_deref()), (0, 1, None));
        for entry in &committed.manifest.tables {
            for file in &entry.files {
                assert_eq!(lake.objects()[&file.path].len() as u64, file.bytes, "{}", file.path);
            }
        }
    }
}

#[test]
fn a_second_load_remembers_when_a_row_was_first_seen() {
    for mut lake in lakes() {
        let first = Stream::complete("2026-11-22T10:00:00Z")
            .node("WorkOSUser", "user_1", 1, "")
            .node("WorkOSUser", "user_2", 1, "")
            .edge(MEMBER_OF, "user_1", "om_1", None)
            .edge(MEMBER_OF, "user_1", "om_2", None);
        lake.load(&first).unwrap();
        let second = Stream::complete("2026-11-22T11:00:00Z")
            .node("WorkOSUser", "user_0", 1, "")
            .node("WorkOSUser", "user_2", 1, "")
            .edge(MEMBER_OF, "user_1", "om_2", None)
            .edge(MEMBER_OF, "user_1", "om_3", None);
        lake.load(&second).unwrap();
        let users = [row("user_0", "11:00", "11:00"), row("user_2", "10:00", "11:00")];
        assert_eq!(lake.rows_of("WorkOSUser"), users);
        assert_eq!(
            lake.rows_of("RESOURCE/WorkOSEnvironment/WorkOSUser"),
            [row("client_1>user_0", "11:00", "11:00"), row("client_1>user_2", "10:00", "11:00")]
        );
        assert_eq!(
            lake.rows_of(MEMBER_OF),
            [row("user_1>om_2", "10:00", "11:00"), row("user_1>om_3", "11:00", "11:00")]
        );
        assert_eq!(lake.rows_of("WorkOSEnvironment"), [row("client_1", "10:00", "11:00")]);
        // What was absent starts anew.
        let third = Stream::complete("2026-11-22T12:00:00Z").node("WorkOSUser", "user_1", 1, "");
        lake.load(&third).unwrap();
        assert_eq!(lake.rows_of("WorkOSUser"), [row("user_1", "12:00", "12:00")]);
        assert_eq!(lake.manifest().number, 3);
    }
}

#[test]
fn what_a_losing_version_owns_falls_with_it() {
    let own = |v| Some(("WorkOSOrganizationDomain", "domain_1", v));
    let of = "DOMAIN_OF/WorkOSOrganizationDomain/WorkOSOrganization";
    let mut lake = Lake::in_memory();
    let stream = Stream::complete("2026-11-22T10:00:00Z")
        .node("WorkOSOrganization", "org_1", 5, r#""name":"new""#)
        .node("WorkOSOrganization", "org_1", 4, r#""name":"old""#)
        .node("WorkOSOrganization", "org_2", 1, "")
        // The old version embedded a newer domain; it falls all the same, and its edge with it.
        .domain("domain_1", 9, ("org_1", 4))
        .edge(of, "domain_1", "org_9", own(9))
        .domain("domain_1", 2, ("org_1", 5))
        .edge(of, "domain_1", "org_1", own(2))
        .domain("domain_2", 2, ("org_1", 4))
        .edge(of, "domain_2", "org_1", Some(("WorkOSOrganizationDomain", "domain_2", 2)))
        // In both versions: it stays.
        .domain("domain_3", 2, ("org_1", 4))
        .domain("domain_3", 2, ("org_1", 5))
        .edge(of, "domain_3", "org_1", Some(("WorkOSOrganizationDomain", "domain_3", 2)));
    lake.load(&stream).unwrap();
    assert_eq!(lake.column("WorkOSOrganization", "name"), [Some("new".to_owned()), None]);
    assert_eq!(lake.ids("WorkOSOrganizationDomain"), ["domain_1", "domain_3"]);
    assert_eq!(lake.ids(of), ["domain_1>org_1", "domain_3>org_1"]);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    /// Versions of memberships with the edges that each carries, in any order, some of them twice.
    #[test]
    fn whatever_the_order_the_newest_wins(
        versions in prop::collection::vec((0..6_u32, 0..4_u32, 0..3_u64, 0..5_u32), 1..40),
        seed in any::<u64>(),
        rows in 1..20_usize,
        memory in prop::sample::select(vec![0_usize, 4096, 1 << 20]),
    ) {
        let mut lines = Vec::new();
        let mut newest: BTreeMap<u32, (u32, u64)> = BTreeMap::new();
        let mut all = BTreeMap::new();
        for (id, version, tie, user) in versions {
            // One version of a record has one content.
            let user = *all.entry((id, version, tie)).or_insert(user);
            let (id, user) = (format!("om_{id}"), format!("user_{user}"));
            lines.push(node(MEMBERSHIP, &id, version, tie, &format!(r#""user_id":"{user}""#)));
            lines.push(edge(MEMBER_OF, &user, &id, Some((MEMBERSHIP, &id, version, tie))));
        }
        for (id, version, tie) in all.keys() {
            let best = newest.entry(*id).or_insert((*version, *tie));
            *best = (*best).max((*version, *tie));
        }
        let expected: BTreeSet<String> =
            newest.iter().map(|(id, v)| format!("user_{}>om_{id}", all[&(*id, v.0, v.1)])).collect();
        fastrand::Rng::with_seed(seed).shuffle(&mut lines);
        let mut stream = Stream::complete("2026-11-22T10:00:00Z");
        stream.lines.extend(lines);
        let mut lake = Lake::in_memory();
        lake.rows = rows;
        lake.config.memory = memory;
        lake.load(&stream).unwrap();
        prop_assert_eq!(lake.ids(MEMBER_OF), expected.into_iter().collect::<Vec<_>>());
        let users: Vec<_> = newest.iter().map(|(id, v)| Some(format!("user_{}", all[&(*id, v.0, v.1)]))).collect();
        prop_assert_eq!(lake.column(MEMBERSHIP, "user_id"), users);
    }
}

/// A stream with a little of everything, and duplicates.
fn mixed() -> Stream {
    let mut stream = Stream::complete("2026-11-22T10:00:00Z");
    let mut random = fastrand::Rng::with_seed(7);
    for i in 0..3000_u32 {
        let id = format!("user_{:05}", random.u32(0..2500));
        let name = "x".repeat(random.usize(0..200));
        let version = random.u32(0..3);
        stream = stream.node("WorkOSUser", &id, version, &format!(r#""email":"{id}{version}@x.org","name":"{name}""#));
        let om = format!("om_{i:05}");
        stream = stream.node(MEMBERSHIP, &om, 1, &format!(r#""user_id":"{id}","role_slugs":["a","{id}"]"#));
        stream = stream.edge(MEMBER_OF, &id, &om, Some((MEMBERSHIP, &om, 1)));
        let minute = random.u32(0..100_000);
        let date = schemas::time::format(1_700_000_000_000_000 + i64::from(minute) * 60_000_000);
        stream = stream.event(&format!("event_{i}"), &date);
        if i % 500 == 0 {
            stream = stream.quarantine("users", &format!("user_q{i}"), i + 1, "odd");
        }
    }
    stream
}

#[test]
fn order_batches_and_memory_leave_no_trace_in_the_bytes() {
    let stream = mixed();
    let mut plain = Lake::in_memory();
    plain.rows = 1000;
    plain.load(&stream).unwrap();
    let expected = plain.objects();
    for (seed, rows, memory, threads) in [(1, 1000, 256 << 20, 1), (2, 100, 1 << 19, 2), (3, 37, 60_000, 3)] {
        let mut other = stream.clone();
        // Twice the same page is harmless.
        other.lines.extend_from_within(4000..6000);
        fastrand::Rng::with_seed(seed).shuffle(&mut other.lines);
        let mut lake = Lake::in_memory();
        lake.rows = rows;
        lake.config.memory = memory;
        lake.config.threads = threads;
        lake.load(&other).unwrap();
        let found = lake.objects();
        assert_eq!(found.keys().collect::<Vec<_>>(), expected.keys().collect::<Vec<_>>());
        for (path, bytes) in &expected {
            assert!(found[path] == *bytes, "{path} differs with {rows} rows a batch and {memory} bytes");
        }
    }
}

#[test]
fn many_runs_are_merged_by_levels() {
    let mut lake = Lake::in_memory();
    lake.config.memory = 0;
    lake.rows = 1;
    let mut stream = Stream::complete("2026-11-22T10:00:00Z");
    for i in 0..1100 {
        stream = stream.node("WorkOSUser", &format!("user_{:04}", i * 37 % 1100), 1, "");
    }
    lake.load(&stream).unwrap();
    let ids: Vec<String> = (0..1100).map(|i| format!("user_{i:04}")).collect();
    assert_eq!(lake.ids("WorkOSUser"), ids);
}

#[test]
fn an_empty_tenant_is_a_lake_of_empty_tables() {
    for mut lake in lakes() {
        lake.load(&Stream::complete("2026-11-22T10:00:00Z")).unwrap();
        let manifest = lake.manifest();
        for entry in &manifest.tables {
            assert_eq!(entry.files.len(), 1, "{}", entry.name);
            assert_eq!(entry.rows, u64::from(entry.name == "WorkOSEnvironment"), "{}", entry.name);
            assert!(!entry.partial && entry.stale_since.is_none());
        }
        assert!(manifest.table("events").is_some() && manifest.table("WorkOSUser").is_some());
        // Its events come later.
        lake.load(&Stream::complete("2026-11-22T11:00:00Z").event("event_1", "2026-11-22T10:30:00Z")).unwrap();
        assert_eq!(lake.entry("events").files.len(), 1);
        assert_eq!(lake.ids("events"), ["event_1"]);
    }
}

#[test]
fn the_lake_may_be_loaded_from_a_current_thread_runtime() {
    let mut lake = Lake::in_memory();
    let config = lake.next();
    let items = Stream::complete("2026-11-22T10:00:00Z").node("WorkOSUser", "user_1", 1, "").items(1);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(async {
        let mut load = load::Load::open(config).await.unwrap();
        for item in items {
            load.push(item).unwrap();
        }
        load.commit().await.unwrap();
    });
    assert_eq!(lake.ids("WorkOSUser"), ["user_1"]);
}
