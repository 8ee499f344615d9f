//! The rows that the newest manifest names, read back in order without ever holding a file.

use std::collections::VecDeque;
use std::rc::Rc;
use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, new_null_array};
use arrow_schema::{Schema, SchemaRef};
use futures::StreamExt as _;
use object_store::path::Path;
use parquet::arrow::ProjectionMask;
use parquet::arrow::async_reader::{ParquetRecordBatchStream, ParquetRecordBatchStreamBuilder};
use parquet::errors::ParquetError;
use schemas::table::Table;

use crate::block::{Block, Row};
use crate::error::Error;
use crate::manifest::File;
use crate::object::Object;
use crate::shape::Columns;
use crate::sink::Place;

/// Rows of a decoded batch: small, for they may be read beside many runs.
const ROWS: usize = 4096;

/// Rows of files that follow one another.
pub(crate) struct Previous<'a> {
    place: &'a Place,
    files: VecDeque<&'a File>,
    /// The columns that are read, in the order in which batches have them.
    schema: SchemaRef,
    columns: Columns,
    fields: usize,
    open: Option<(&'a File, ParquetRecordBatchStream<Object>)>,
    at: Option<Row>,
}

impl<'a> Previous<'a> {
    /// Whole rows.
    pub fn rows(place: &'a Place, table: Table, files: &'a [File]) -> Result<Self, Error> {
        let schema = table.lake_schema();
        Self::new(place, table, files, schema, table.record_fields().len())
    }

    /// Only these columns of the rows.
    pub fn columns(place: &'a Place, table: Table, files: &'a [File], names: &[&str]) -> Result<Self, Error> {
        let schema = table.lake_schema();
        let fields = schema.fields().iter().filter(|f| names.contains(&f.name().as_str()));
        let schema = Schema::new(fields.cloned().collect::<Vec<_>>());
        Self::new(place, table, files, Arc::new(schema), 0)
    }

    fn new(place: &'a Place, table: Table, files: &'a [File], schema: SchemaRef, fields: usize) -> Result<Self, Error> {
        let columns = Columns::keys(table, &schema);
        let files = files.iter().filter(|f| f.rows > 0).collect();
        let mut previous = Self { place, files, schema, columns, fields, open: None, at: None };
        previous.load()?;
        Ok(previous)
    }

    /// The row that comes next.
    pub fn peek(&self) -> Option<&Row> {
        self.at.as_ref()
    }

    /// The place of a column that is read.
    pub fn index(&self, name: &str) -> Option<usize> {
        self.schema.index_of(name).ok()
    }

    /// Steps over the next row.
    pub fn advance(&mut self) -> Result<(), Error> {
        match &mut self.at {
            Some(at) if at.row + 1 < at.keys().batch().num_rows() => {
                at.row += 1;
                Ok(())
            }
            _ => self.load(),
        }
    }

    /// Steps to the first row of the next batch.
    fn load(&mut self) -> Result<(), Error> {
        self.at = None;
        loop {
            if self.open.is_none() {
                let Some(file) = self.files.pop_front() else { return Ok(()) };
                let failed = |source| Error::Parquet { what: "read", path: file.path.clone(), source };
                let stream = self.place.handle.block_on(self.stream(file)).map_err(failed)?;
                self.open = Some((file, stream));
            }
            let Some((file, stream)) = &mut self.open else { return Ok(()) };
            let failed = |source| Error::Parquet { what: "read", path: file.path.clone(), source };
            match self.place.handle.block_on(stream.next()).transpose().map_err(failed)? {
                None => self.open = None,
                Some(batch) if batch.num_rows() == 0 => {}
                Some(batch) => {
                    let batch = fit(&batch, &self.schema, &file.path)?;
                    let block = Rc::new(Block::new(batch, self.columns, self.fields));
                    self.at = Some(Row { block, row: 0 });
                    return Ok(());
                }
            }
        }
    }

    async fn stream(&self, file: &File) -> Result<ParquetRecordBatchStream<Object>, ParquetError> {
        let path = Path::from(file.path.as_str());
        let reader = Object { store: Arc::clone(&self.place.store), path, bytes: file.bytes };
        let builder = ParquetRecordBatchStreamBuilder::new(reader).await?;
        let names = self.schema.fields().iter().map(|f| f.name().as_str());
        let wanted: Vec<usize> = names.filter_map(|n| builder.schema().index_of(n).ok()).collect();
        let mask = ProjectionMask::roots(builder.parquet_schema(), wanted);
        builder.with_projection(mask).with_batch_size(ROWS).build()
    }
}

/// `firstseen` of the first row of a table, if it has one.
pub(crate) fn first_seen(place: &Place, table: Table, files: &[File]) -> Result<Option<i64>, Error> {
    let previous = Previous::columns(place, table, files, &["id", "firstseen"])?;
    let column = previous.index("firstseen");
    Ok(previous.peek().zip(column).map(|(row, column)| row.time(column)))
}

/// The batch with exactly the columns of `schema`: files of earlier versions may lack some.
fn fit(batch: &RecordBatch, schema: &SchemaRef, path: &str) -> Result<RecordBatch, Error> {
    let column = |field: &Arc<arrow_schema::Field>| -> Result<ArrayRef, Error> {
        match batch.column_by_name(field.name()) {
            None => Ok(new_null_array(field.data_type(), batch.num_rows())),
            Some(array) if array.data_type() == field.data_type() => Ok(Arc::clone(array)),
            Some(array) => Err(Error::Column {
                path: path.to_owned(),
                column: field.name().clone(),
                found: array.data_type().to_string(),
                expected: field.data_type().to_string(),
            }),
        }
    };
    let columns = schema.fields().iter().map(column).collect::<Result<Vec<_>, _>>()?;
    RecordBatch::try_new(Arc::clone(schema), columns).map_err(|source| Error::Parquet {
        what: "read",
        path: path.to_owned(),
        source: source.into(),
    })
}
