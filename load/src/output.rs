//! Merged rows on their way into files: gathered into batches, with the columns that load adds.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

use arrow_array::builder::{ListBuilder, StringBuilder};
use arrow_array::{ArrayRef, ListArray, RecordBatch, StringArray, TimestampMicrosecondArray};
use schemas::catalog::{ENVIRONMENT, TABLES, resource_edges};
use schemas::table::{EdgeTable, NodeTable, Table};

use crate::block::{BATCH_ROWS, Picked, Row};
use crate::error::Error;
use crate::manifest::File;
use crate::write::{TableWriter, Writing};

/// The `RESOURCE` edges to the nodes of each label.
static RESOURCE_EDGES: LazyLock<HashMap<&'static str, EdgeTable>> = LazyLock::new(|| {
    let nodes = TABLES.iter().filter_map(|t| match t.table {
        Table::Node(node) => Some((node.label, resource_edges(node))),
        _ => None,
    });
    nodes.collect()
});

/// The `RESOURCE` edges to a table's nodes; none to the environment itself, and none to what is not a node.
pub(crate) fn edges_to(table: Table) -> Option<Table> {
    match table {
        Table::Node(node) => RESOURCE_EDGES.get(node.label).map(Table::Edge),
        _ => None,
    }
}

/// Writes rows of a state table; with those of a node table, its `RESOURCE` edges.
pub(crate) struct Output<'a> {
    table: Table,
    fields: usize,
    picked: Picked,
    firstseen: Vec<i64>,
    lastupdated: Vec<i64>,
    /// The labels of a node table, as often as a batch has rows.
    labels: Option<ListArray>,
    writer: TableWriter<'a>,
    edges: Option<Edges<'a>>,
}

struct Edges<'a> {
    table: Table,
    writer: TableWriter<'a>,
    /// The environment's id, as often as a batch has rows.
    environment: StringArray,
}

impl<'a> Output<'a> {
    pub fn new(writing: &'a Writing, table: Table, environment: &str) -> Self {
        Self {
            table,
            fields: table.record_fields().len(),
            picked: Picked::default(),
            firstseen: Vec::with_capacity(BATCH_ROWS),
            lastupdated: Vec::with_capacity(BATCH_ROWS),
            labels: match table {
                Table::Node(node) => Some(labels(node, BATCH_ROWS)),
                _ => None,
            },
            writer: writing.state(table),
            edges: edges_to(table).map(|edges| Edges {
                table: edges,
                writer: writing.state(edges),
                environment: StringArray::new_repeated(environment, BATCH_ROWS),
            }),
        }
    }

    /// Appends a row; true if a batch was written.
    pub fn push(&mut self, row: &Row, firstseen: i64, lastupdated: i64) -> Result<bool, Error> {
        self.picked.push(row);
        self.firstseen.push(firstseen);
        self.lastupdated.push(lastupdated);
        if !self.picked.is_full() {
            return Ok(false);
        }
        self.write()?;
        Ok(true)
    }

    fn write(&mut self) -> Result<(), Error> {
        let rows = self.picked.len();
        let failed = |source| Error::Arrow { table: self.table.key(), source };
        let mut columns = self.picked.take(self.fields).map_err(failed)?;
        if let Some(labels) = &self.labels {
            columns.push(Arc::new(labels.slice(0, rows)));
        }
        let times: [ArrayRef; 2] = [times(&self.firstseen), times(&self.lastupdated)];
        columns.extend(times.iter().cloned());
        self.firstseen.clear();
        self.lastupdated.clear();
        let batch = RecordBatch::try_new(self.table.lake_schema(), columns).map_err(failed)?;
        self.writer.write(&batch)?;
        if let Some(edges) = &mut self.edges {
            // An edge to a node is as old as the node: both are written and carried together, always.
            let [firstseen, lastupdated] = times;
            let source: ArrayRef = Arc::new(edges.environment.slice(0, rows));
            let columns = vec![source, Arc::clone(batch.column(0)), firstseen, lastupdated];
            let batch = RecordBatch::try_new(edges.table.lake_schema(), columns).map_err(failed)?;
            edges.writer.write(&batch)?;
        }
        Ok(())
    }

    /// The files of the table, and of its `RESOURCE` edges.
    pub fn finish(mut self) -> Result<(Vec<File>, Vec<File>), Error> {
        if self.picked.len() > 0 {
            self.write()?;
        }
        let files = self.writer.finish()?;
        Ok((files, self.edges.map_or(Ok(Vec::new()), |e| e.writer.finish())?))
    }
}

/// The one row of the environment's table.
pub(crate) fn environment(writing: &Writing, id: &str, firstseen: i64, lastupdated: i64) -> Result<Vec<File>, Error> {
    let table = Table::Node(&ENVIRONMENT);
    let mut writer = writing.state(table);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(StringArray::from(vec![id])),
        Arc::new(StringArray::new_null(1)),
        Arc::new(labels(&ENVIRONMENT, 1)),
        times(&[firstseen]),
        times(&[lastupdated]),
    ];
    let batch = RecordBatch::try_new(table.lake_schema(), columns);
    writer.write(&batch.map_err(|source| Error::Arrow { table: table.key(), source })?)?;
    writer.finish()
}

fn times(micros: &[i64]) -> ArrayRef {
    Arc::new(TimestampMicrosecondArray::from(micros.to_vec()).with_timezone("UTC"))
}

fn labels(node: &NodeTable, rows: usize) -> ListArray {
    let mut builder = ListBuilder::new(StringBuilder::new());
    for _ in 0..rows {
        builder.append_value(std::iter::once(&node.label).chain(node.extra_labels).map(Some));
    }
    builder.finish()
}
