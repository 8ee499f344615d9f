//! One resource, from its first request to the `done` line that closes it as a whole.

use schemas::catalog::{Paging, Parent, Resource};
use schemas::stream::{Done, Status};
use tracing::{info, warn};

use crate::Error;
use crate::dialect::Dialect;
use crate::fan_out;
use crate::lines::Tally;
use crate::list::List;
use crate::paging::{self, Chain, Halt, Refusal};
use crate::run::Run;
use crate::windows;

/// Reads a resource, whole or for each of its parents, and closes it.
pub(crate) async fn read(run: &Run, resource: &'static Resource) -> Result<(), Error> {
    let whole = List { resource, parent: None };
    let before = run.lines.tally();
    let (tally, unavailable) = match &resource.parent {
        None => {
            let (tally, refusal) = read_list(run, &whole, &Dialect::new(&resource.request)).await?;
            (tally, refusal.map(|r| r.said))
        }
        Some(parent) => (Tally::default(), read_children(run, resource, parent).await?),
    };
    let status = if unavailable.is_some() { Status::Unavailable } else { Status::Complete };
    run.lines.done(&done(&whole, status, unavailable.as_deref(), tally)).await?;
    if let Some(reason) = unavailable {
        warn!(resource = resource.name, reason, "unavailable");
        run.note_unavailable(&whole, &reason);
    } else {
        let after = run.lines.tally();
        let (pages, records) = (after.pages - before.pages, after.records - before.records);
        info!(resource = resource.name, pages, records, "read");
    }
    Ok(())
}

/// Reads a child list for each parent. Why it is unavailable as a whole, if it is.
async fn read_children(
    run: &Run,
    resource: &'static Resource,
    parent: &'static Parent,
) -> Result<Option<String>, Error> {
    if let Some(reason) = run.unavailable_as_a_whole(parent.resource) {
        return Ok(Some(format!("`{}` is unavailable: {reason}", parent.resource.name)));
    }
    let asked = run.children.take(resource, parent);
    for (above, reason) in asked.unread {
        let list = List { resource, parent: Some(above) };
        warn!(%list, reason, "unavailable");
        run.note_unavailable(&list, &reason);
        run.children.unread(&list, &reason);
        run.lines.done(&done(&list, Status::Unavailable, Some(&reason), Tally::default())).await?;
    }
    Ok(fan_out::read(run, resource, asked.parents).await?.map(|refusal| refusal.said))
}

/// Reads one list. What was read of it, and why no more, if the API refused it.
pub(crate) async fn read_list(run: &Run, list: &List, dialect: &Dialect) -> Result<(Tally, Option<Refusal>), Error> {
    let mut tally = Tally::default();
    let result = match list.resource.request.paging {
        Paging::Windows => windows::read(run, list, dialect, &mut tally).await,
        Paging::Cursor | Paging::Whole | Paging::Array => {
            let go_on = |_: &_| std::ops::ControlFlow::Continue(());
            paging::read(run, list, dialect, &Chain::default(), &mut tally, go_on).await
        }
    };
    match result {
        Ok(()) => Ok((tally, None)),
        Err(Halt::Refused(refusal)) => Ok((tally, Some(refusal))),
        Err(Halt::Failed(error)) => Err(error),
    }
}

/// The line that closes a list.
pub(crate) fn done(list: &List, status: Status, reason: Option<&str>, tally: Tally) -> Done {
    Done {
        resource: list.resource.name.to_owned(),
        parent: list.parent.clone(),
        status,
        reason: reason.map(str::to_owned),
        pages: tally.pages,
        records: tally.records,
    }
}
