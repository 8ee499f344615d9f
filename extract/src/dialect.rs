//! What a server accepts besides the catalog's parameters, found out by asking.

use std::sync::atomic::{AtomicUsize, Ordering};

use schemas::catalog::{Paging, Request};
use tracing::warn;

use crate::event_types;
use crate::list::Query;

/// Records on a page at most, by the API's description; its default is 10.
const LIMIT: &str = "100";

/// The forms in which a list can be asked for, the best first, and the one that the server accepts.
#[derive(Debug)]
pub(crate) struct Dialect {
    forms: Vec<Query>,
    at: AtomicUsize,
}

impl Dialect {
    pub(crate) fn new(request: &Request) -> Self {
        let limit = || ("limit", LIMIT.to_owned());
        let forms = match request.paging {
            Paging::Cursor => vec![vec![limit()]],
            // Not paged by the description; a server that pages them all the same is asked for as few pages as possible.
            Paging::Whole | Paging::Array => vec![vec![limit()], Vec::new()],
            // Read by time, a list has to come in the order of time, and old servers want to hear of what.
            Paging::Windows => vec![
                vec![limit(), ("order", "asc".to_owned())],
                vec![limit()],
                vec![limit(), ("events", event_types::ALL.join(","))],
                vec![limit(), ("events", event_types::subscribable().collect::<Vec<_>>().join(","))],
            ],
        };
        Self { forms, at: AtomicUsize::new(0) }
    }

    /// The form to ask in now, by number.
    pub(crate) fn current(&self) -> usize {
        self.at.load(Ordering::Relaxed)
    }

    /// The parameters of a form.
    pub(crate) fn form(&self, number: usize) -> &[(&'static str, String)] {
        self.forms.get(number).map_or(&[], Vec::as_slice)
    }

    /// True if another form is left to try after that one was refused.
    pub(crate) fn step(&self, refused: usize, said: &str) -> bool {
        let next = refused + 1;
        if next >= self.forms.len() {
            return false;
        }
        if self.at.fetch_max(next, Ordering::Relaxed) < next {
            let without: Vec<&str> = self.form(refused).iter().map(|(name, _)| *name).collect();
            warn!(without = without.join(","), said, "the API refused a request, asking in another form");
        }
        true
    }
}
