//! Batches that take part in a merge, and the rows that are picked from them.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow_array::cast::AsArray as _;
use arrow_array::types::TimestampMicrosecondType;
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{ArrowError, DataType};
use arrow_select::concat::concat;
use arrow_select::interleave::interleave;

use crate::shape::{Columns, Keys};

/// Rows of a batch in the lake's files, at most.
pub(crate) const BATCH_ROWS: usize = 8192;
/// Bytes of text after which a batch ends early; counted from the rows alone, so that every way of arrival cuts alike.
pub(crate) const BATCH_BYTES: usize = 2 << 20;

/// A batch with its key columns, and the bytes of text in each of its rows.
#[derive(Debug)]
pub(crate) struct Block {
    pub keys: Keys,
    sizes: Vec<u32>,
    /// The [`Picked::round`] in which the block was last picked from, and its place there.
    seat: Cell<(u64, usize)>,
}

impl Block {
    pub fn new(batch: RecordBatch, columns: Columns, fields: usize) -> Self {
        let sizes = sizes(&batch.columns()[..fields.min(batch.num_columns())], batch.num_rows());
        Self { keys: Keys::new(batch, columns, fields), sizes, seat: Cell::new((0, 0)) }
    }
}

/// The bytes of text of each row.
fn sizes(columns: &[ArrayRef], rows: usize) -> Vec<u32> {
    let mut sizes = vec![0_u32; rows];
    for column in columns {
        match column.data_type() {
            DataType::Utf8 => {
                let offsets = column.as_string::<i32>().value_offsets();
                for (size, ends) in sizes.iter_mut().zip(offsets.windows(2)) {
                    *size += (ends[1] - ends[0]).cast_unsigned();
                }
            }
            DataType::List(_) => {
                let list = column.as_list::<i32>();
                let texts = list.values().as_string::<i32>().value_offsets();
                for (size, ends) in sizes.iter_mut().zip(list.value_offsets().windows(2)) {
                    *size += (texts[ends[1] as usize] - texts[ends[0] as usize]).cast_unsigned();
                }
            }
            _ => {}
        }
    }
    sizes
}

/// One row of a block.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub block: Rc<Block>,
    pub row: usize,
}

impl Row {
    pub fn keys(&self) -> &Keys {
        &self.block.keys
    }

    /// The instant in a column; 0 if it is null.
    pub fn time(&self, column: usize) -> i64 {
        let times = self.keys().batch().column(column).as_primitive::<TimestampMicrosecondType>();
        if times.is_valid(self.row) { times.value(self.row) } else { 0 }
    }

    pub fn same_key(&self, other: &Self) -> bool {
        self.keys().compare_key(self.row, other.keys(), other.row).is_eq()
    }
}

/// Rows picked for the next batch, in order.
#[derive(Debug)]
pub(crate) struct Picked {
    round: u64,
    blocks: Vec<Rc<Block>>,
    rows: Vec<(usize, usize)>,
    bytes: usize,
}

/// No two rounds in a process have one number: a block may meet several [`Picked`].
static ROUND: AtomicU64 = AtomicU64::new(1);

impl Default for Picked {
    fn default() -> Self {
        let round = ROUND.fetch_add(1, Ordering::Relaxed);
        Self { round, blocks: Vec::new(), rows: Vec::new(), bytes: 0 }
    }
}

impl Picked {
    pub fn push(&mut self, row: &Row) {
        let (round, mut seat) = row.block.seat.get();
        if round != self.round {
            seat = self.blocks.len();
            self.blocks.push(Rc::clone(&row.block));
            row.block.seat.set((self.round, seat));
        }
        self.rows.push((seat, row.row));
        self.bytes += row.block.sizes[row.row] as usize;
    }

    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn is_full(&self) -> bool {
        self.fills(BATCH_ROWS, BATCH_BYTES)
    }

    pub fn fills(&self, rows: usize, bytes: usize) -> bool {
        self.rows.len() >= rows || self.bytes >= bytes
    }

    /// The first `fields` columns of the picked rows; none is picked any longer.
    pub fn take(&mut self, fields: usize) -> Result<Vec<ArrayRef>, ArrowError> {
        let ranges = ranges(&self.rows);
        let column = |i: usize| {
            let arrays: Vec<&ArrayRef> = self.blocks.iter().map(|b| b.keys.batch().column(i)).collect();
            gather(&arrays, &self.rows, ranges.as_deref())
        };
        let columns = (0..fields).map(column).collect();
        self.round = ROUND.fetch_add(1, Ordering::Relaxed);
        self.blocks.clear();
        self.rows.clear();
        self.bytes = 0;
        columns
    }
}

/// The rows as ranges of (block, first row, rows), if these are few: copying ranges is cheaper than copying rows.
fn ranges(rows: &[(usize, usize)]) -> Option<Vec<(usize, usize, usize)>> {
    const ROWS_A_RANGE: usize = 8;
    let mut ranges: Vec<(usize, usize, usize)> = Vec::new();
    for &(block, row) in rows {
        if let Some((last, first, count)) = ranges.last_mut()
            && (*last, *first + *count) == (block, row)
        {
            *count += 1;
        } else if ranges.len() <= rows.len() / ROWS_A_RANGE {
            ranges.push((block, row, 1));
        } else {
            return None;
        }
    }
    Some(ranges)
}

fn gather(
    arrays: &[&ArrayRef],
    rows: &[(usize, usize)],
    ranges: Option<&[(usize, usize, usize)]>,
) -> Result<ArrayRef, ArrowError> {
    match ranges {
        Some([(block, first, count)]) => Ok(arrays[*block].slice(*first, *count)),
        Some(ranges) => {
            let slices: Vec<ArrayRef> =
                ranges.iter().map(|(b, first, count)| arrays[*b].slice(*first, *count)).collect();
            concat(&slices.iter().map(AsRef::as_ref).collect::<Vec<_>>())
        }
        None => interleave(&arrays.iter().map(|a| Arc::as_ref(a)).collect::<Vec<_>>(), rows),
    }
}
