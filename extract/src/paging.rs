//! A list, page after page: the one function that follows cursors.

use std::collections::HashSet;
use std::ops::ControlFlow;

use twox_hash::XxHash3_128;

use crate::dialect::Dialect;
use crate::lines::Tally;
use crate::list::{List, Query};
use crate::page::Page;
use crate::run::Run;
use crate::{Error, Failure};

/// As many pages without a record as are followed in a row.
const MAX_EMPTY: u64 = 10;

/// Why a list was not read to its end.
#[derive(Debug)]
pub(crate) enum Halt {
    /// 403 or 404: only this list is lost.
    Refused(Refusal),
    /// Anything else: the run is.
    Failed(Error),
}

impl From<Error> for Halt {
    fn from(error: Error) -> Self {
        Self::Failed(error)
    }
}

/// The API does not answer a list.
#[derive(Debug, Clone)]
pub(crate) struct Refusal {
    pub status: u16,
    /// The status, and what the API said.
    pub said: String,
}

/// Where a chain of pages starts.
#[derive(Debug, Default)]
pub(crate) struct Chain {
    /// Parameters of its first page only.
    pub first: Query,
    /// What tells it from the list's other chains, if there are any.
    pub label: Option<(&'static str, String)>,
}

/// Reads one chain to its end, or to where `visit` breaks it off; each page is in the stream before it is visited.
pub(crate) async fn read(
    run: &Run,
    list: &List,
    dialect: &Dialect,
    chain: &Chain,
    tally: &mut Tally,
    mut visit: impl FnMut(&Page) -> ControlFlow<()> + Send,
) -> Result<(), Halt> {
    let mut seen = HashSet::new();
    let mut empty = 0;
    let mut position = chain.first.clone();
    for seq in 0.. {
        let page = fetch(run, list, dialect, &position).await?;
        let records = page.records().len();
        run.lines.page(list, chain.label.as_ref(), seq, &page).await?;
        tally.pages += 1;
        tally.records += records as u64;
        run.children.note(list, &page)?;
        if visit(&page).is_break() {
            break;
        }
        let Some(after) = page.after else { break };
        if !seen.insert(XxHash3_128::oneshot(after.as_bytes())) {
            return Err(failed(list, Failure::Loop { page: seq }));
        }
        empty = if records == 0 { empty + 1 } else { 0 };
        if empty == MAX_EMPTY {
            return Err(failed(list, Failure::Empty { pages: empty }));
        }
        position = vec![("after", after)];
    }
    Ok(())
}

/// One page, in the first form that the server accepts.
async fn fetch(run: &Run, list: &List, dialect: &Dialect, position: &Query) -> Result<Page, Halt> {
    loop {
        let form = dialect.current();
        let url = list.url(run.config.api_url.url(), dialect.form(form).iter().chain(position));
        match run.client.get(&url, list).await {
            Ok(answer) => return Page::new(answer, list.resource.object).map_err(|failure| failed(list, failure)),
            Err(Failure::Status { status: 400 | 422, said }) if dialect.step(form, &said) => {}
            Err(failure) => return Err(failed(list, failure)),
        }
    }
}

fn failed(list: &List, failure: Failure) -> Halt {
    match failure {
        Failure::Status { status: 401, said } => Halt::Failed(Error::KeyRefused { said }),
        Failure::Status { status: status @ (403 | 404), said } => Halt::Refused(Refusal { status, said }),
        source => Halt::Failed(Error::List { list: list.to_string(), source }),
    }
}
