//! A list for each of its parents, several at a time.

use futures::future::FutureExt;
use futures::stream::{FuturesUnordered, StreamExt};
use schemas::catalog::Resource;
use schemas::stream::{Done, ParentIds, Status};
use tracing::warn;

use crate::Error;
use crate::dialect::Dialect;
use crate::lines::Tally;
use crate::list::List;
use crate::paging::Refusal;
use crate::resource::{self, done};
use crate::run::Run;

/// Parents that must all be refused before the list counts as unavailable.
const PROBED: usize = 5;

/// Reads a list for each parent. The refusal that makes it unavailable as a whole, if no parent answered.
pub(crate) async fn read(
    run: &Run,
    resource: &'static Resource,
    parents: Vec<ParentIds>,
) -> Result<Option<Refusal>, Error> {
    let dialect = Dialect::new(&resource.request);
    let mut parents = parents.into_iter().enumerate();
    // Nothing but these is waited for while they run: a future among them may be next in the channel's queue, and the
    // channel would wait for it as long as nobody polls it.
    let mut running = FuturesUnordered::new();
    let mut refused = Vec::new();
    let mut answered = false;
    let mut asked = 0;
    loop {
        while running.len() < run.config.concurrency && (answered || asked < PROBED) {
            let Some((at, parent)) = parents.next() else { break };
            running.push(
                read_one(run, List { resource, parent: Some(parent) }, &dialect, at)
                    .map(|outcome| outcome.map(Some))
                    .boxed(),
            );
            asked += 1;
        }
        let Some(finished) = running.next().await else { break };
        let Some(outcome) = finished? else { continue };
        answered |= outcome.refusal.is_none() || outcome.tally.pages > 0;
        if let Some(refusal) = outcome.refusal {
            refused.push((outcome.at, outcome.list, refusal, outcome.tally));
        }
        // What a refusal means for one parent is only known once another parent answers.
        if answered {
            let closing = refused.drain(..).map(|(_, list, refusal, tally)| close_refused(run, list, refusal, tally));
            running.extend(closing.map(|closed| closed.map(|closed| closed.map(|()| None)).boxed()));
        }
    }
    refused.sort_by_key(|(at, ..)| *at);
    Ok(refused.into_iter().next().map(|(_, _, refusal, _)| refusal))
}

/// What came of one parent.
struct Outcome {
    at: usize,
    list: List,
    tally: Tally,
    refusal: Option<Refusal>,
}

async fn read_one(run: &Run, list: List, dialect: &Dialect, at: usize) -> Result<Outcome, Error> {
    let (tally, refusal) = resource::read_list(run, &list, dialect).await?;
    if refusal.is_none() {
        run.lines.done(&done(&list, Status::Complete, None, tally)).await?;
    }
    Ok(Outcome { at, list, tally, refusal })
}

async fn close_refused(run: &Run, list: List, refusal: Refusal, tally: Tally) -> Result<(), Error> {
    let line: Done = if refusal.status == 404 {
        done(&list, Status::Gone, None, tally)
    } else {
        warn!(%list, reason = refusal.said, "unavailable");
        run.children.unread(&list, &refusal.said);
        run.note_unavailable(&list, &refusal.said);
        done(&list, Status::Unavailable, Some(&refusal.said), tally)
    };
    run.lines.done(&line).await
}
