//! Sorted runs of one table's rows: in memory, or spilled to a file that vanishes with the process.

use std::fs::File;
use std::io::{BufReader, BufWriter, Seek as _};
use std::path::Path;
use std::rc::Rc;

use arrow_array::RecordBatch;
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::StreamWriter;
use arrow_schema::ArrowError;

use crate::block::{Block, Picked, Row};
use crate::shape::{Common, Shape};

/// Rows and bytes of text of a spilled batch: small, because the merge holds one of each run.
const SPILLED_ROWS: usize = 2048;
const SPILLED_BYTES: usize = 512 << 10;
const FILE_BUFFER: usize = 64 << 10;

/// Rows of some batches in order.
#[derive(Debug)]
pub(crate) struct Sorted {
    blocks: Vec<Rc<Block>>,
    order: std::vec::IntoIter<(u64, u32, u32)>,
}

impl Sorted {
    /// Sorts small entries instead of rows; full keys are compared only where their prefixes are equal.
    pub fn new(batches: Vec<RecordBatch>, shape: &Shape, common: &Common) -> Self {
        let blocks: Vec<Rc<Block>> =
            batches.into_iter().map(|b| Rc::new(Block::new(b, shape.columns, shape.fields))).collect();
        let rows = blocks.iter().map(|b| b.keys.batch().num_rows()).sum();
        let mut order: Vec<(u64, u32, u32)> = Vec::with_capacity(rows);
        for (i, block) in blocks.iter().enumerate() {
            let rows = 0..block.keys.batch().num_rows();
            order.extend(rows.map(|row| (block.keys.prefix(row, common.len()), i as u32, row as u32)));
        }
        // The stable sort finds runs that ascend or descend already, which is how the API lists.
        order.sort_by(|a, b| {
            a.0.cmp(&b.0).then_with(|| {
                let (x, y) = (&blocks[a.1 as usize].keys, &blocks[b.1 as usize].keys);
                x.compare(a.2 as usize, y, b.2 as usize)
            })
        });
        Self { blocks, order: order.into_iter() }
    }
}

impl Iterator for Sorted {
    type Item = Row;

    fn next(&mut self) -> Option<Row> {
        let (_, block, row) = self.order.next()?;
        Some(Row { block: Rc::clone(&self.blocks[block as usize]), row: row as usize })
    }
}

/// A sorted run in a file without a name.
#[derive(Debug)]
pub(crate) struct Run {
    file: File,
    /// How often its rows were merged from other runs.
    pub level: usize,
}

impl Run {
    pub fn write(
        rows: impl Iterator<Item = Result<Row, ArrowError>>,
        shape: &Shape,
        level: usize,
        dir: &Path,
    ) -> Result<Self, ArrowError> {
        let file = BufWriter::with_capacity(FILE_BUFFER, tempfile::tempfile_in(dir)?);
        let mut writer = StreamWriter::try_new(file, &shape.schema)?;
        let mut picked = Picked::default();
        let mut write = |picked: &mut Picked| {
            let columns = picked.take(shape.schema.fields().len())?;
            writer.write(&RecordBatch::try_new(shape.schema.clone(), columns)?)
        };
        for row in rows {
            picked.push(&row?);
            if picked.fills(SPILLED_ROWS, SPILLED_BYTES) {
                write(&mut picked)?;
            }
        }
        if picked.len() > 0 {
            write(&mut picked)?;
        }
        writer.finish()?;
        let file = writer.into_inner()?.into_inner().map_err(|e| ArrowError::from(e.into_error()))?;
        Ok(Self { file, level })
    }

    pub fn read(mut self) -> Result<Reader, ArrowError> {
        self.file.rewind()?;
        StreamReader::try_new(BufReader::with_capacity(FILE_BUFFER, self.file), None)
    }
}

/// The batches of a spilled run.
pub(crate) type Reader = StreamReader<BufReader<File>>;
