use crate::lake::Lake;
use crate::stream::{Stream, event};

fn at(day: u32, hour: u32) -> String {
    format!("2026-11-{day:02}T{hour:02}:00:00Z")
}

#[test]
fn overlapping_runs_add_nothing_twice() {
    for mut lake in [Lake::in_memory(), Lake::on_disk()] {
        let first = Stream::complete(&at(22, 10))
            .event("event_1", &at(20, 1))
            .event("event_3", &at(21, 3))
            .event("event_2", &at(21, 2));
        lake.load(&first).unwrap();
        let before = lake.entry("events");
        assert_eq!(
            before.files.iter().map(|f| f.date.as_deref().unwrap()).collect::<Vec<_>>(),
            ["2026-11-20", "2026-11-21"]
        );
        assert_eq!(
            (before.files[1].min.as_deref(), before.files[1].max.as_deref()),
            (Some("event_2"), Some("event_3"))
        );
        // The same again adds no file.
        lake.load(&first.clone()).unwrap();
        assert_eq!(lake.entry("events").files, before.files);
        // A run that overlaps adds what is new, and never replaces what is held.
        let mut second = Stream::complete(&at(22, 11)).event("event_4", &at(21, 1)).event("event_5", &at(22, 5));
        second.lines.push(event("event_2", &at(21, 2), 99, "changed"));
        lake.load(&second).unwrap();
        let after = lake.entry("events");
        assert_eq!((after.rows, after.files.len()), (5, 4));
        assert_eq!(after.files[..2], before.files[..]);
        let mut ids = lake.ids("events");
        ids.sort();
        assert_eq!(ids, ["event_1", "event_2", "event_3", "event_4", "event_5"]);
        assert!(!lake.column("events", "event").contains(&Some("changed".to_owned())));
        // Several files of one date are looked at.
        lake.load(&Stream { started: at(22, 12), ..second }).unwrap();
        assert_eq!(lake.entry("events").files, after.files);
    }
}

#[test]
fn within_a_run_the_highest_tie_wins() {
    for order in [[1, 2], [2, 1]] {
        let mut lake = Lake::in_memory();
        let mut stream = Stream::complete(&at(22, 10));
        for tie in order {
            stream.lines.push(event("event_1", &at(20, 1), tie, &format!("tie{tie}")));
        }
        // The same id at another time is another fact.
        stream.lines.push(event("event_1", &at(20, 2), 1, "later"));
        lake.load(&stream).unwrap();
        let names = [Some("tie2".to_owned()), Some("later".to_owned())];
        assert_eq!(lake.column("events", "event"), names);
    }
}

#[test]
fn facts_stay_when_they_can_not_be_read() {
    let mut lake = Lake::in_memory();
    lake.load(&Stream::complete(&at(22, 10)).event("event_1", &at(20, 1))).unwrap();
    // What came before the list broke off is added all the same.
    lake.load(&Stream::without(&at(22, 11), &["events"]).event("event_2", &at(20, 2))).unwrap();
    let entry = lake.entry("events");
    assert_eq!((entry.rows, entry.stale_since.as_deref()), (2, Some("2026-11-22T10:00:00Z")));
    lake.load(&Stream::complete(&at(22, 12))).unwrap();
    let entry = lake.entry("events");
    assert_eq!((entry.rows, entry.stale_since), (2, None));
}

#[test]
fn cursors_stay_until_there_are_new_ones() {
    let mut lake = Lake::in_memory();
    let state = |after: &str| format!(r#"{{"kind":"state","cursors":{{"events":{{"after":"{after}"}}}}}}"#);
    lake.load(&Stream::complete(&at(22, 10)).line(state("a")).line(state("b"))).unwrap();
    assert_eq!(lake.manifest().cursors["events"]["after"], "b");
    lake.load(&Stream::complete(&at(22, 11))).unwrap();
    assert_eq!(lake.manifest().cursors["events"]["after"], "b");
}
