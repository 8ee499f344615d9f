//! How the lake's Parquet is encoded.

use std::collections::HashSet;

use arrow_array::cast::AsArray as _;
use arrow_array::types::TimestampMicrosecondType;
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::DataType;
use parquet::basic::{Compression, Encoding, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::{KeyValue, SortingColumn};
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;
use schemas::stream::PROTOCOL;
use schemas::table::{ColumnType, Table};

/// Rows of a row group at most.
const ROW_GROUP_ROWS: usize = 1 << 20;
/// Encoded bytes after which a row group ends: a writer holds them in memory, and several write at a time.
pub(crate) const ROW_GROUP_BYTES: usize = 16 << 20;
const PAGE_ROWS: usize = 8192;

/// The properties of a file whose first batch is `sample`.
///
/// Which columns get a dictionary is decided by that batch, which depends on the rows alone: where more than nine in
/// ten values are distinct, as of ids, a dictionary only costs. There are no bloom filters: ids are sorted, so that
/// statistics find them.
pub(crate) fn properties(
    table: Table,
    sample: &RecordBatch,
    level: i32,
    metadata: Vec<KeyValue>,
) -> Result<WriterProperties, ParquetError> {
    let mut builder = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(level)?))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_data_page_row_count_limit(PAGE_ROWS)
        .set_statistics_enabled(EnabledStatistics::Page)
        .set_sorting_columns(Some(sorting(table, sample)))
        .set_key_value_metadata(Some(metadata));
    for ((name, kind), column) in table.lake_columns().into_iter().zip(sample.columns()) {
        let path = ColumnPath::from(name);
        if kind == ColumnType::Json {
            // The least and greatest JSON text tell nothing.
            builder = builder.set_column_statistics_enabled(path.clone(), EnabledStatistics::None);
        }
        if is_mostly_distinct(column) {
            builder = builder.set_column_dictionary_enabled(path.clone(), false);
            if kind == ColumnType::Time {
                builder = builder.set_column_encoding(path, Encoding::DELTA_BINARY_PACKED);
            }
        }
    }
    Ok(builder.build())
}

/// What the file says of itself.
pub(crate) fn metadata(table: Table, tool: &str) -> Vec<KeyValue> {
    let pair = |key: &str, value: String| KeyValue { key: format!("workos_lake.{key}"), value: Some(value) };
    let mut pairs = match table {
        Table::Node(t) => {
            vec![pair("label", t.label.to_owned()), pair("extra_labels", t.extra_labels.join(","))]
        }
        Table::Edge(t) => vec![
            pair("type", t.kind.to_owned()),
            pair("from", t.from.label.to_owned()),
            pair("to", t.to.label.to_owned()),
        ],
        Table::Fact(t) => vec![pair("facts", t.name.to_owned())],
    };
    pairs.extend([pair("protocol", PROTOCOL.to_string()), pair("tool", tool.to_owned())]);
    pairs
}

/// Every column holds one leaf, so that a column's index is its leaf's.
fn sorting(table: Table, sample: &RecordBatch) -> Vec<SortingColumn> {
    let names: &[&str] = match table {
        Table::Edge(edge) if !edge.is_keyed() => &["source_id", "target_id"],
        Table::Fact(_) => &["created_at", "id"],
        _ => &["id"],
    };
    let index = |name: &&str| sample.schema_ref().index_of(name).ok();
    let column = |i: usize| SortingColumn { column_idx: i as i32, descending: false, nulls_first: false };
    names.iter().filter_map(index).map(column).collect()
}

fn is_mostly_distinct(column: &ArrayRef) -> bool {
    // Fewer rows say little, and cost little either way.
    const ENOUGH: usize = 100;
    let (values, distinct) = match column.data_type() {
        DataType::Utf8 => {
            let column = column.as_string::<i32>();
            (column.len() - column.null_count(), column.iter().flatten().collect::<HashSet<_>>().len())
        }
        DataType::Timestamp(..) => {
            let column = column.as_primitive::<TimestampMicrosecondType>();
            (column.len() - column.null_count(), column.iter().flatten().collect::<HashSet<_>>().len())
        }
        _ => return false,
    };
    values >= ENOUGH && distinct * 10 > values * 9
}
