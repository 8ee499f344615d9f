use load::{Config, Error, Load};
use schemas::stream::RowItem;

use crate::lake::{Lake, block_on, load, objects};
use crate::stream::Stream;

const T10: &str = "2026-11-22T10:00:00Z";
const T11: &str = "2026-11-22T11:00:00Z";

fn users(started: &str, count: usize) -> Stream {
    let one = |s: Stream, i| s.node("WorkOSUser", &format!("user_{i:04}"), 1, "");
    (0..count).fold(Stream::complete(started), one)
}

#[test]
fn a_stream_without_its_end_commits_nothing_and_leaves_nothing() {
    for mut lake in [Lake::in_memory(), Lake::on_disk()] {
        let stream = Stream { ended: false, ..users(T10, 5) };
        assert!(matches!(lake.load(&stream), Err(Error::Incomplete(_))));
        assert!(block_on(load::manifest::read_newest(&lake.store)).unwrap().is_none());
        assert!(lake.objects().is_empty());
    }
}

#[test]
fn rows_that_were_lost_on_the_way_are_missed() {
    let mut lake = Lake::in_memory();
    let mut items = users(T10, 5).items(3);
    let Some(RowItem::End(end)) = items.last_mut() else { panic!("no end") };
    end.rows.insert("WorkOSUser".to_owned(), 6);
    let error = load(lake.next(), items).unwrap_err();
    assert!(matches!(error, Error::Incomplete(_)), "{error}");
    assert!(error.to_string().contains("6 rows of `WorkOSUser`"), "{error}");
    assert!(lake.objects().is_empty());
}

#[test]
fn a_stream_is_in_order_and_of_this_protocol() {
    let mut lake = Lake::in_memory();
    let items = || users(T10, 1).items(1);
    let wrong = |config: Config, items: Vec<RowItem>| load(config, items).unwrap_err().to_string();
    let twice = items().into_iter().chain(items()).collect();
    assert!(wrong(lake.next(), twice).contains("follows its `end`"));
    assert!(wrong(lake.next(), items().split_off(1)).contains("begin"));
    let mut later = items();
    let RowItem::Begin(begin) = &mut later[0] else { panic!("no begin") };
    begin.protocol = 2;
    assert!(matches!(load(lake.next(), later), Err(Error::Protocol { found: 2, .. })));
    let mut foreign = items();
    for item in &mut foreign {
        if let RowItem::Batch { table, .. } = item {
            *table = schemas::catalog::table_index("events").unwrap();
        }
    }
    assert!(wrong(lake.next(), foreign).contains("other columns"));
}

#[test]
fn another_environment_is_refused() {
    let mut lake = Lake::in_memory();
    lake.load(&users(T10, 1)).unwrap();
    let other = Stream { environment: "client_2".to_owned(), ..users(T11, 1) };
    let error = lake.load(&other).unwrap_err();
    assert!(matches!(&error, Error::Environment { lake, stream } if lake == "client_1" && stream == "client_2"));
    assert_eq!(lake.manifest().number, 1);
}

#[test]
fn an_older_stream_needs_to_be_asked_for() {
    let mut lake = Lake::in_memory();
    lake.load(&users(T11, 1)).unwrap();
    let error = lake.load(&users(T10, 1)).unwrap_err();
    assert!(error.to_string().contains("--allow-older"), "{error}");
    // The same stream again is not older.
    lake.load(&users(T11, 1)).unwrap();
    lake.config.allow_older = true;
    lake.load(&users(T10, 1)).unwrap();
    assert_eq!(lake.manifest().started_at, T10);
}

#[test]
fn a_table_does_not_vanish_unasked() {
    let mut lake = Lake::in_memory();
    lake.load(&users(T10, 210)).unwrap();
    let before = lake.objects();
    for count in [0, 104] {
        let error = lake.load(&users(T11, count)).unwrap_err();
        assert!(matches!(&error, Error::Shrunk { was: 210, now, .. } if *now == count as u64), "{error}");
        assert!(error.to_string().contains("--max-shrink"), "{error}");
        assert_eq!(lake.objects(), before);
    }
    // Exactly half is allowed, and small tables may do as they like.
    lake.load(&users(T11, 105)).unwrap();
    lake.load(&users(T11, 5)).unwrap();
    lake.load(&users(T11, 0)).unwrap();
    lake.load(&users(T11, 210)).unwrap();
    lake.config.max_shrink = 1.0;
    lake.load(&users(T11, 0)).unwrap();
}

#[test]
fn of_two_loads_at_once_one_commits_and_the_other_leaves_nothing() {
    for mut lake in [Lake::in_memory(), Lake::on_disk()] {
        let (one, other) = (lake.next(), lake.next());
        let (first, second) = block_on(async {
            let (mut one, mut other) = (Load::open(one).await.unwrap(), Load::open(other).await.unwrap());
            for (a, b) in users(T10, 3).items(2).into_iter().zip(users(T10, 3).items(2)) {
                one.push(a).unwrap();
                other.push(b).unwrap();
            }
            (one.commit().await, other.commit().await)
        });
        let winner = first.unwrap().manifest;
        assert!(matches!(second, Err(Error::LostRace { number: 1 })));
        assert_eq!(lake.manifest(), winner);
        assert!(objects(&lake.store).keys().all(|path| path.contains(&winner.load_id)));
    }
}

#[test]
fn a_lake_of_a_later_protocol_is_left_alone() {
    let mut lake = Lake::in_memory();
    let path = load::manifest::path(7);
    let later = br#"{"protocol":2,"everything":"else"}"#.to_vec();
    block_on(object_store::ObjectStoreExt::put(&lake.store, &path, later.into())).unwrap();
    let error = lake.load(&users(T10, 1)).unwrap_err();
    assert!(matches!(error, Error::Protocol { found: 2, known: 1, .. }), "{error}");
}

#[test]
fn other_objects_among_the_manifests_do_no_harm() {
    let mut lake = Lake::in_memory();
    lake.load(&users(T10, 1)).unwrap();
    for name in ["_runs/notes.txt", "_runs/9.json", "_runs/old/0000000099.txt"] {
        let path = object_store::path::Path::from(name);
        block_on(object_store::ObjectStoreExt::put(&lake.store, &path, b"{}".to_vec().into())).unwrap();
    }
    lake.load(&users(T11, 1)).unwrap();
    assert_eq!(lake.manifest().number, 2);
}
