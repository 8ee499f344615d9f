//! One sorted stream of rows from many sorted runs.

use std::rc::Rc;

use arrow_array::RecordBatch;
use arrow_schema::ArrowError;

use crate::block::{Block, Row};
use crate::run::{Reader, Run, Sorted};
use crate::shape::{Columns, Common, Shape};

/// Everything that arrived for one table.
#[derive(Debug, Default)]
pub(crate) struct Arrived {
    pub batches: Vec<RecordBatch>,
    pub runs: Vec<Run>,
    pub common: Common,
    pub rows: u64,
    /// Bytes in memory and in runs.
    pub bytes: u64,
}

/// All rows of a table in order, each once for every time that it arrived.
pub(crate) struct Merge {
    cursors: Vec<Cursor>,
    skip: usize,
    /// The cursors with the least and the second least row.
    least: usize,
    second: Option<usize>,
    /// The prefix of the row that was taken last.
    last: u64,
}

struct Cursor {
    at: Row,
    prefix: u64,
    rest: Rest,
}

enum Rest {
    Memory(Sorted),
    File { reader: Box<Reader>, columns: Columns, fields: usize },
}

impl Rest {
    fn next(&mut self, at: Option<Row>) -> Result<Option<Row>, ArrowError> {
        match self {
            Self::Memory(sorted) => Ok(sorted.next()),
            Self::File { reader, columns, fields } => {
                if let Some(mut at) = at
                    && at.row + 1 < at.keys().batch().num_rows()
                {
                    at.row += 1;
                    return Ok(Some(at));
                }
                for batch in reader {
                    let batch = batch?;
                    if batch.num_rows() > 0 {
                        let block = Rc::new(Block::new(batch, *columns, *fields));
                        return Ok(Some(Row { block, row: 0 }));
                    }
                }
                Ok(None)
            }
        }
    }
}

impl Merge {
    pub fn new(arrived: Arrived, shape: &Shape) -> Result<Self, ArrowError> {
        let skip = arrived.common.len();
        let mut rests = vec![Rest::Memory(Sorted::new(arrived.batches, shape, &arrived.common))];
        for run in arrived.runs {
            let reader = Box::new(run.read()?);
            rests.push(Rest::File { reader, columns: shape.columns, fields: shape.fields });
        }
        let mut cursors = Vec::with_capacity(rests.len());
        for mut rest in rests {
            if let Some(at) = rest.next(None)? {
                cursors.push(Cursor { prefix: at.keys().prefix(at.row, skip), at, rest });
            }
        }
        let mut merge = Self { cursors, skip, least: 0, second: None, last: 0 };
        merge.look();
        Ok(merge)
    }

    /// Takes the next row if it has the key of `row`, which was taken last.
    pub fn pop_same(&mut self, row: &Row) -> Result<Option<Row>, ArrowError> {
        match self.cursors.get(self.least) {
            Some(next) if next.prefix == self.last && next.at.same_key(row) => self.pop(),
            _ => Ok(None),
        }
    }

    /// Takes the next row.
    pub fn pop(&mut self) -> Result<Option<Row>, ArrowError> {
        let skip = self.skip;
        let Some(cursor) = self.cursors.get_mut(self.least) else { return Ok(None) };
        let row = cursor.at.clone();
        self.last = cursor.prefix;
        // The old row is handed on by value: its block lives as long as something was picked from it.
        let at = match &cursor.rest {
            Rest::Memory(_) => None,
            Rest::File { .. } => Some(row.clone()),
        };
        match cursor.rest.next(at)? {
            Some(at) => {
                cursor.prefix = at.keys().prefix(at.row, skip);
                cursor.at = at;
                // As long as its rows stay below the second least, no other run needs a look.
                if self.second.is_some_and(|second| !self.is_before(self.least, second)) {
                    self.look();
                }
            }
            None => {
                self.cursors.swap_remove(self.least);
                self.look();
            }
        }
        Ok(Some(row))
    }

    fn is_before(&self, a: usize, b: usize) -> bool {
        let (a, b) = (&self.cursors[a], &self.cursors[b]);
        let full = || a.at.keys().compare(a.at.row, b.at.keys(), b.at.row);
        a.prefix.cmp(&b.prefix).then_with(full).is_le()
    }

    /// Finds the least and the second least row: by a look at each, for runs are few.
    fn look(&mut self) {
        (self.least, self.second) = (0, None);
        for i in 1..self.cursors.len() {
            if !self.is_before(self.least, i) {
                self.second = Some(self.least);
                self.least = i;
            } else if self.second.is_none_or(|second| !self.is_before(second, i)) {
                self.second = Some(i);
            }
        }
    }
}

impl Iterator for Merge {
    type Item = Result<Row, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.pop().transpose()
    }
}
