//! What a table is: its columns, where each value comes from, and its Arrow schema.

use std::sync::Arc;

use arrow_schema::{DataType, Field, Schema, TimeUnit};

use crate::catalog::Lookup;

/// The type of a column, and so the only form in which a value is accepted for it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    /// A JSON string.
    Text,
    /// A JSON boolean.
    Bool,
    /// A JSON integer within 64 bits.
    Int,
    /// A JSON string that holds an instant; microseconds, UTC.
    Time,
    /// A JSON array of strings; an element may be null.
    List,
    /// Any JSON value, kept as the text that was received.
    Json,
}

impl ColumnType {
    /// The name used in manifests and documentation.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Bool => "bool",
            Self::Int => "int",
            Self::Time => "time",
            Self::List => "list",
            Self::Json => "json",
        }
    }

    /// The Arrow type that carries it.
    #[must_use]
    pub fn arrow(self) -> DataType {
        match self {
            Self::Text | Self::Json => DataType::Utf8,
            Self::Bool => DataType::Boolean,
            Self::Int => DataType::Int64,
            Self::Time => DataType::Timestamp(TimeUnit::Microsecond, Some(Arc::from("UTC"))),
            Self::List => DataType::List(Arc::new(Field::new("item", DataType::Utf8, true))),
        }
    }
}

/// A condition on a text member of the record.
#[derive(Debug, Clone, Copy)]
pub struct When {
    /// Path to the member.
    pub path: &'static [&'static str],
    /// The text that it must equal.
    pub equals: &'static str,
}

/// Computes a text from the texts at some paths, as a part of one of them.
pub type Derive = for<'a> fn(&[Option<&'a str>]) -> Option<&'a str>;

/// Where in a record, or in the request that brought it, a value comes from.
#[derive(Debug, Clone, Copy)]
pub enum Source {
    /// The member named like the column.
    Own,
    /// The member at this path.
    Path(&'static [&'static str]),
    /// The member at this path, if the condition holds.
    PathWhen(&'static [&'static str], When),
    /// One member of each object in an array: `Each(&["domains"], "domain")` is `domains[].domain`.
    Each(&'static [&'static str], &'static str),
    /// The id in `parent` under this key, if the condition holds.
    Parent(&'static str, Option<When>),
    /// The id in `parent` under this key, unless the condition holds.
    ParentUnless(&'static str, When),
    /// Every value of a look-up for the key, within the scope.
    Lookup {
        /// The look-up that is asked.
        lookup: &'static Lookup,
        /// The keys that are looked up.
        key: &'static Source,
        /// The scope in which a key is looked up first.
        scope: Option<&'static Source>,
    },
    /// Computed from the texts at some paths.
    Derived(&'static [&'static [&'static str]], Derive),
    /// The first of several sources that is not null.
    FirstOf(&'static [Source]),
    /// All values of several sources, each distinct value once.
    AllOf(&'static [Source]),
}

/// One column of a table, declared once: name, type, source and a sentence.
#[derive(Debug, Clone, Copy)]
pub struct Column {
    /// The name, in snake case.
    pub name: &'static str,
    /// The type.
    pub kind: ColumnType,
    /// Where its value comes from.
    pub source: Source,
    /// One sentence for the documentation.
    pub doc: &'static str,
}

impl Column {
    const fn new(kind: ColumnType, name: &'static str, doc: &'static str) -> Self {
        Self { name, kind, source: Source::Own, doc }
    }

    /// A text column, read from the member of its name.
    #[must_use]
    pub const fn text(name: &'static str, doc: &'static str) -> Self {
        Self::new(ColumnType::Text, name, doc)
    }

    /// A boolean column, read from the member of its name.
    #[must_use]
    pub const fn bool(name: &'static str, doc: &'static str) -> Self {
        Self::new(ColumnType::Bool, name, doc)
    }

    /// An integer column, read from the member of its name.
    #[must_use]
    pub const fn int(name: &'static str, doc: &'static str) -> Self {
        Self::new(ColumnType::Int, name, doc)
    }

    /// A timestamp column, read from the member of its name.
    #[must_use]
    pub const fn time(name: &'static str, doc: &'static str) -> Self {
        Self::new(ColumnType::Time, name, doc)
    }

    /// A list-of-text column, read from the member of its name.
    #[must_use]
    pub const fn list(name: &'static str, doc: &'static str) -> Self {
        Self::new(ColumnType::List, name, doc)
    }

    /// A JSON column, read from the member of its name.
    #[must_use]
    pub const fn json(name: &'static str, doc: &'static str) -> Self {
        Self::new(ColumnType::Json, name, doc)
    }

    /// The same column, read from elsewhere.
    #[must_use]
    pub const fn from(mut self, source: Source) -> Self {
        self.source = source;
        self
    }

    /// `created_at` and `updated_at`, which nearly every object has.
    pub const CREATED_AT: Self = Self::time("created_at", "When the object was created.");
    /// See [`Self::CREATED_AT`].
    pub const UPDATED_AT: Self = Self::time("updated_at", "When the object was last changed.");
}

/// A table of objects of one kind.
#[derive(Debug)]
pub struct NodeTable {
    /// The graph label, also the table's name.
    pub label: &'static str,
    /// Labels shared with other systems' nodes.
    pub extra_labels: &'static [&'static str],
    /// The columns between `id` and `extra`.
    pub columns: &'static [Column],
    /// Members that are neither a column nor part of `extra`, because they are read elsewhere.
    pub left_out: &'static [&'static str],
    /// One sentence for the documentation.
    pub doc: &'static str,
}

/// A table of relationships of one type between nodes of two kinds.
#[derive(Debug)]
pub struct EdgeTable {
    /// The relationship's type.
    pub kind: &'static str,
    /// The label of the nodes that `source_id` names.
    pub from: &'static NodeTable,
    /// The label of the nodes that `target_id` names.
    pub to: &'static NodeTable,
    /// Columns of its own, after `id`; a table that has some is keyed by `id`, else by both ends.
    pub columns: &'static [Column],
    /// One sentence for the documentation.
    pub doc: &'static str,
}

impl EdgeTable {
    /// True if rows are told apart by an `id` of their own.
    #[must_use]
    pub fn is_keyed(&self) -> bool {
        !self.columns.is_empty()
    }
}

/// A table of things that happened: rows are added, never changed.
#[derive(Debug)]
pub struct FactTable {
    /// The table's name.
    pub name: &'static str,
    /// The columns between `id` and `extra`; `created_at`, which is never null, gives the partition.
    pub columns: &'static [Column],
    /// One sentence for the documentation.
    pub doc: &'static str,
}

/// Any table of the lake.
#[derive(Debug, Clone, Copy)]
pub enum Table {
    /// State of objects.
    Node(&'static NodeTable),
    /// State of relationships.
    Edge(&'static EdgeTable),
    /// Facts.
    Fact(&'static FactTable),
}

/// Name of the column that holds the object's `updated_at`, or when it was fetched.
pub const VERSION: &str = "_version";
/// Name of the column that holds the hash of the received record.
pub const TIE: &str = "_tie";
/// Names of the columns that say which object a row was read from.
pub const OWNER: [&str; 4] = ["_owner_table", "_owner_id", "_owner_version", "_owner_tie"];

/// The time type of every time column.
#[must_use]
pub fn time_type() -> DataType {
    ColumnType::Time.arrow()
}

impl Table {
    /// `WorkOSUser`, `MEMBER_OF/WorkOSUser/WorkOSOrganizationMembership` or `events`: unique.
    #[must_use]
    pub fn key(self) -> String {
        match self {
            Self::Node(t) => t.label.to_owned(),
            Self::Edge(t) => format!("{}/{}/{}", t.kind, t.from.label, t.to.label),
            Self::Fact(t) => t.name.to_owned(),
        }
    }

    /// One sentence for the documentation.
    #[must_use]
    pub fn doc(self) -> &'static str {
        match self {
            Self::Node(t) => t.doc,
            Self::Edge(t) => t.doc,
            Self::Fact(t) => t.doc,
        }
    }

    /// The columns that the catalog declares, without those that every table of the kind has.
    #[must_use]
    pub fn columns(self) -> &'static [Column] {
        match self {
            Self::Node(t) => t.columns,
            Self::Edge(t) => t.columns,
            Self::Fact(t) => t.columns,
        }
    }

    /// Columns that a record gives: everything but what load adds.
    #[must_use]
    pub fn record_fields(self) -> Vec<Field> {
        let mut fields = match self {
            Self::Edge(t) => {
                let mut ends = vec![
                    Field::new("source_id", DataType::Utf8, false),
                    Field::new("target_id", DataType::Utf8, false),
                ];
                if t.is_keyed() {
                    ends.push(Field::new("id", DataType::Utf8, false));
                }
                ends
            }
            Self::Node(_) | Self::Fact(_) => vec![Field::new("id", DataType::Utf8, false)],
        };
        for column in self.columns() {
            let partition = matches!(self, Self::Fact(_)) && column.name == "created_at";
            fields.push(Field::new(column.name, column.kind.arrow(), !partition));
        }
        if !matches!(self, Self::Edge(_)) {
            fields.push(Field::new("extra", DataType::Utf8, true));
        }
        fields
    }

    /// The Arrow schema between transform and load: what a record gives, then `_version`, `_tie` and
    /// `_owner_…`.
    #[must_use]
    pub fn stream_schema(self) -> Arc<Schema> {
        let mut fields = self.record_fields();
        fields.push(Field::new(VERSION, time_type(), true));
        fields.push(Field::new(TIE, DataType::UInt64, true));
        let dictionary = DataType::Dictionary(Box::new(DataType::Int8), Box::new(DataType::Utf8));
        fields.push(Field::new(OWNER[0], dictionary, true));
        fields.push(Field::new(OWNER[1], DataType::Utf8, true));
        fields.push(Field::new(OWNER[2], time_type(), true));
        fields.push(Field::new(OWNER[3], DataType::UInt64, true));
        Arc::new(Schema::new(fields))
    }

    /// The columns of the lake's files with their catalog types, in order.
    #[must_use]
    pub fn lake_columns(self) -> Vec<(&'static str, ColumnType)> {
        use ColumnType::{Json, List, Text, Time};
        let own = self.columns().iter().map(|c| (c.name, c.kind));
        match self {
            Self::Node(_) => std::iter::once(("id", Text))
                .chain(own)
                .chain([("extra", Json), ("labels", List), ("firstseen", Time), ("lastupdated", Time)])
                .collect(),
            Self::Edge(t) => [("source_id", Text), ("target_id", Text)]
                .into_iter()
                .chain(t.is_keyed().then_some(("id", Text)))
                .chain(own)
                .chain([("firstseen", Time), ("lastupdated", Time)])
                .collect(),
            Self::Fact(_) => {
                std::iter::once(("id", Text)).chain(own).chain([("extra", Json), ("lastupdated", Time)]).collect()
            }
        }
    }

    /// The Arrow schema of the lake's files.
    #[must_use]
    pub fn lake_schema(self) -> Arc<Schema> {
        let mut fields = self.record_fields();
        if matches!(self, Self::Node(_)) {
            let item = Field::new("item", DataType::Utf8, true);
            fields.push(Field::new("labels", DataType::List(Arc::new(item)), false));
        }
        if !matches!(self, Self::Fact(_)) {
            fields.push(Field::new("firstseen", time_type(), false));
        }
        fields.push(Field::new("lastupdated", time_type(), false));
        Arc::new(Schema::new(fields))
    }
}
