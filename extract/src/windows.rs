//! A list of things that happened, read by windows of time.
//!
//! The first page of a window is asked for by time, every further one by cursor: the API accepts only one of them. So
//! a chain of pages runs on past its window and is stopped on this side, by what arrives: a server may answer the newest
//! first, or ignore the range altogether, and still nothing is missed.

use std::ops::ControlFlow;

use schemas::json;

use crate::clock;
use crate::dialect::Dialect;
use crate::lines::Tally;
use crate::list::List;
use crate::page::Page;
use crate::paging::{self, Chain, Halt};
use crate::run::Run;

const SECOND: i64 = 1_000_000;
const DAY: i64 = 86_400 * SECOND;

/// The longest window: 30 days are the most that one query may span, and the newest window is open towards a now that
/// moves on.
const LONGEST: i64 = 30 * DAY - DAY / 24;

/// Reads everything from the look-back on.
pub(crate) async fn read(run: &Run, list: &List, dialect: &Dialect, tally: &mut Tally) -> Result<(), Halt> {
    let from = run.config.started_at - i64::from(run.config.events_lookback_days) * DAY;
    let from = from.div_euclid(SECOND) * SECOND;
    let to = run.config.clock.now().max(run.config.started_at);
    let windows = split(from, to);
    // The newest first: where the server answers newest first, its chain runs through all the others.
    for window in windows.iter().rev() {
        let mut reading = Reading::new(*window, from);
        let chain = window.chain(windows.len() > 1);
        paging::read(run, list, dialect, &chain, tally, |page| reading.visit(page)).await?;
        if let Some((at, id)) = &reading.newest {
            run.note_newest(list.resource, *at, id);
        }
        if reading.has_passed_all() {
            break;
        }
    }
    Ok(())
}

/// A window of time, in microseconds since 1970 UTC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Window {
    start: i64,
    /// Where it ends; the newest one does not.
    end: Option<i64>,
}

/// Windows of equal length from `from` on, the oldest first.
fn split(from: i64, to: i64) -> Vec<Window> {
    let span = (to - from).max(SECOND);
    let count = (span + LONGEST - 1) / LONGEST;
    let bound = |i: i64| from + (span / SECOND * i / count) * SECOND;
    (0..count).map(|i| Window { start: bound(i), end: (i + 1 < count).then(|| bound(i + 1)) }).collect()
}

impl Window {
    fn chain(&self, one_of_several: bool) -> Chain {
        // Both ends are exclusive; the second that windows share cannot lose what happened at their seam.
        let start = ("range_start", clock::seconds(self.start - SECOND));
        let end = self.end.map(|end| ("range_end", clock::seconds(end)));
        Chain { label: one_of_several.then(|| start.clone()), first: std::iter::once(start).chain(end).collect() }
    }
}

/// What a chain has shown so far.
#[derive(Debug)]
struct Reading {
    window: Window,
    look_back: i64,
    first: Option<i64>,
    last: i64,
    oldest: i64,
    newest: Option<(i64, String)>,
}

impl Reading {
    fn new(window: Window, look_back: i64) -> Self {
        Self { window, look_back, first: None, last: 0, oldest: i64::MAX, newest: None }
    }

    /// Takes note of a page, and breaks where nothing of the window, or of the look-back, can follow.
    fn visit(&mut self, page: &Page) -> ControlFlow<()> {
        for record in page.records() {
            let text = |name| json::member(record, name).and_then(json::text);
            let Some(at) = text("created_at").and_then(|t| schemas::time::parse(&t)) else { continue };
            self.first.get_or_insert(at);
            self.last = at;
            self.oldest = self.oldest.min(at);
            // Of events of one instant, the last one of a rising chain is the newest, the first one of a falling chain.
            let newer = self.newest.as_ref().is_none_or(|(newest, _)| at > *newest || at == *newest && !self.falls());
            if newer && let Some(id) = text("id") {
                self.newest = Some((at, id.into_owned()));
            }
        }
        let past_the_window = self.rises() && self.window.end.is_some_and(|end| self.last > end);
        if past_the_window || self.falls() && self.last < self.look_back {
            return ControlFlow::Break(());
        }
        ControlFlow::Continue(())
    }

    /// True if all that is wanted, in this window and the older ones, has passed by.
    fn has_passed_all(&self) -> bool {
        self.oldest < self.look_back - SECOND
    }

    // Events of the same second may come in any order: they show no direction.
    fn rises(&self) -> bool {
        self.first.is_some_and(|first| self.last - first > SECOND)
    }

    fn falls(&self) -> bool {
        self.first.is_some_and(|first| first - self.last > SECOND)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::Answer;

    #[test]
    fn windows_cover_the_look_back_without_a_seam() {
        for (days, count) in [(1, 1), (29, 1), (30, 2), (60, 3), (90, 4)] {
            let windows = split(0, days * DAY + 7);
            assert_eq!(windows.len(), count, "{days}");
            assert_eq!((windows[0].start, windows[count - 1].end), (0, None));
            for pair in windows.windows(2) {
                assert_eq!(pair[0].end, Some(pair[1].start));
                assert!(pair[1].start - pair[0].start + SECOND <= 30 * DAY);
            }
            assert!(days * DAY - windows[count - 1].start < 30 * DAY - DAY / 25);
        }
        assert_eq!(split(5, 5).len(), 1);
    }

    #[test]
    fn a_window_is_asked_for_a_second_early() {
        let window = Window { start: 10 * DAY, end: Some(20 * DAY) };
        let chain = window.chain(true);
        assert_eq!(chain.label, Some(("range_start", "1970-01-10T23:59:59Z".to_owned())));
        let last = Window { end: None, ..window }.chain(false);
        assert_eq!((last.label, last.first), (None, vec![("range_start", "1970-01-10T23:59:59Z".to_owned())]));
        assert_eq!(chain.first[1], ("range_end", "1970-01-21T00:00:00Z".to_owned()));
    }

    fn visit(reading: &mut Reading, seconds: &[i64]) -> bool {
        let records: Vec<String> = seconds
            .iter()
            .map(|s| format!(r#"{{"id":"e{s}","created_at":"{}"}}"#, schemas::time::format(s * SECOND)))
            .collect();
        let page = Page::new(Answer { body: format!("[{}]", records.join(",")), fetched_at: 0 }, "event").unwrap();
        reading.visit(&page).is_break()
    }

    fn reading(start: i64, end: Option<i64>) -> Reading {
        Reading::new(Window { start: start * SECOND, end: end.map(|e| e * SECOND) }, 100 * SECOND)
    }

    #[test]
    fn a_rising_chain_stops_past_its_window() {
        let mut inside = reading(200, Some(300));
        assert!(!visit(&mut inside, &[200, 250]));
        assert!(!visit(&mut inside, &[260, 300]));
        assert!(visit(&mut inside, &[300, 301]));
        assert!(!inside.has_passed_all());
        assert_eq!(inside.newest, Some((301 * SECOND, "e301".to_owned())));
        let mut open = reading(200, None);
        assert!(!visit(&mut open, &[200, 9000]));
    }

    #[test]
    fn a_rising_chain_from_before_the_look_back_passes_all() {
        let mut ignored = reading(200, None);
        assert!(!visit(&mut ignored, &[1, 50]));
        assert!(!visit(&mut ignored, &[60, 500]));
        assert!(ignored.has_passed_all());
    }

    #[test]
    fn a_falling_chain_runs_to_the_look_back() {
        let mut newest_first = reading(200, None);
        assert!(!visit(&mut newest_first, &[900, 300]));
        assert!(!visit(&mut newest_first, &[299, 100]));
        assert!(visit(&mut newest_first, &[99, 98]));
        assert!(newest_first.has_passed_all());
        assert_eq!(newest_first.newest, Some((900 * SECOND, "e900".to_owned())));
    }

    #[test]
    fn one_instant_shows_no_direction() {
        let mut one = reading(200, Some(300));
        assert!(!visit(&mut one, &[400, 400]));
        assert!(!visit(&mut one, &[]));
        assert!(!visit(&mut one, &[400]));
        assert!(visit(&mut one, &[500]));
    }
}
