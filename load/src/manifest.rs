//! The manifest: its existence is the commit, and it names everything that belongs to the lake.

use futures::TryStreamExt as _;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _};
use schemas::stream::{PROTOCOL, ParentIds};
use schemas::table::Table;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::Error;

/// The folder of the manifests.
pub const FOLDER: &str = "_runs";

/// One commit: every live file of every table, and what a next run needs to know.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Manifest {
    /// [`PROTOCOL`].
    pub protocol: u32,
    /// From 1, without gaps.
    pub number: u64,
    /// When load started: in the paths of what this commit wrote.
    pub snapshot: String,
    /// The run whose stream this is.
    pub run_id: String,
    /// The load that committed it: in the names of what it wrote.
    pub load_id: String,
    /// Name and version of the tool.
    pub tool: String,
    /// The WorkOS client id.
    pub environment_id: String,
    /// When the run started, as its stream says: `lastupdated` of its rows.
    pub started_at: String,
    /// When this was written.
    pub committed_at: String,
    /// Every table that was ever read, and quarantine.
    pub tables: Vec<Entry>,
    /// Lists that could not be read.
    pub unavailable: Vec<Unavailable>,
    /// Records and lines that were set aside.
    pub quarantined: u64,
    /// What the API sent beyond the catalog, and what it no longer sends.
    pub drift: Drift,
    /// Where the next run goes on, by resource.
    pub cursors: Map<String, Value>,
    /// Seconds from the start of the load to its commit.
    #[serde(default)]
    pub seconds: f64,
}

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// State of objects.
    Node,
    /// State of relationships.
    Edge,
    /// Things that happened.
    Fact,
    /// What fits nowhere.
    Quarantine,
    /// The raw stream.
    Raw,
}

/// One table, with its live files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// What it is.
    pub kind: Kind,
    /// Label, type or name.
    pub name: String,
    /// The label of an edge's source.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The label of an edge's target.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<String>,
    /// The lists whose records are its rows or carry its edges.
    #[serde(default)]
    pub resources: Vec<String>,
    /// Its columns, in order.
    #[serde(default)]
    pub schema: Vec<Column>,
    /// Rows in all its files.
    pub rows: u64,
    /// `started_at` of the last run that read it completely, if this one did not.
    #[serde(default)]
    pub stale_since: Option<String>,
    /// Something of it was never read.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub partial: bool,
    /// Rows that stand in for quarantined records: the last good ones.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub held: u64,
    /// Its live files, in the order of their rows.
    pub files: Vec<File>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
fn is_zero(n: &u64) -> bool {
    *n == 0
}

/// A column of a table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Column {
    /// Its name.
    pub name: String,
    /// Its catalog type.
    #[serde(rename = "type")]
    pub kind: String,
}

/// A live file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct File {
    /// Relative to the lake.
    pub path: String,
    /// Rows in it.
    pub rows: u64,
    /// Its size.
    pub bytes: u64,
    /// SHA-256 of its bytes.
    pub sha256: String,
    /// The least id in it (of edges without one: `source_id`); null if it has no rows.
    pub min: Option<String>,
    /// The greatest.
    pub max: Option<String>,
    /// The date whose facts it holds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub date: Option<String>,
}

/// A list that could not be read.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Unavailable {
    /// The list.
    pub resource: String,
    /// The parent, if others could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<ParentIds>,
    /// Why.
    pub reason: String,
}

/// How the API differs from the catalog.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drift {
    /// Members that no column takes, with the records they came in.
    #[serde(default)]
    pub new: Map<String, Value>,
    /// Members that no record has any longer.
    #[serde(default)]
    pub missing: Vec<String>,
}

impl Manifest {
    /// The table with this [`key`](Table::key); `RESOURCE` edges have one like other edges.
    #[must_use]
    pub fn table(&self, key: &str) -> Option<&Entry> {
        self.tables.iter().find(|t| t.key() == key)
    }
}

impl Entry {
    /// An entry for a table, still without files.
    #[must_use]
    pub fn new(table: Table, resources: Vec<String>) -> Self {
        let (kind, name, from, to) = match table {
            Table::Node(t) => (Kind::Node, t.label, None, None),
            Table::Edge(t) => (Kind::Edge, t.kind, Some(t.from.label), Some(t.to.label)),
            Table::Fact(t) => (Kind::Fact, t.name, None, None),
        };
        let column = |(name, kind): (&str, schemas::table::ColumnType)| Column {
            name: name.to_owned(),
            kind: kind.name().to_owned(),
        };
        Self {
            kind,
            name: name.to_owned(),
            from: from.map(str::to_owned),
            to: to.map(str::to_owned),
            resources,
            schema: table.lake_columns().into_iter().map(column).collect(),
            rows: 0,
            stale_since: None,
            partial: false,
            held: 0,
            files: Vec::new(),
        }
    }

    /// The table's [`key`](Table::key).
    #[must_use]
    pub fn key(&self) -> String {
        match (&self.from, &self.to) {
            (Some(from), Some(to)) => format!("{}/{from}/{to}", self.name),
            _ => self.name.clone(),
        }
    }

    /// The same entry with these files, and as many rows as they hold.
    #[must_use]
    pub fn with_files(mut self, files: Vec<File>) -> Self {
        self.rows = files.iter().map(|f| f.rows).sum();
        self.files = files;
        self
    }
}

/// Where the manifest of that number is.
#[must_use]
pub fn path(number: u64) -> Path {
    Path::from(format!("{FOLDER}/{number:010}.json"))
}

/// The number in a manifest's name; `None` for whatever else lies in the folder.
fn number(path: &Path) -> Option<u64> {
    let digits = path.filename()?.strip_suffix(".json")?;
    (digits.len() == 10 && digits.bytes().all(|b| b.is_ascii_digit())).then(|| digits.parse().ok())?
}

/// The newest manifest; `None` if nothing was ever committed.
pub async fn read_newest(store: &dyn ObjectStore) -> Result<Option<Manifest>, Error> {
    let failed = |source| Error::Store { what: "list", path: FOLDER.to_owned(), source };
    let folder = Path::from(FOLDER);
    let names = store.list(Some(&folder)).map_err(failed);
    let newest = names.try_fold(None, async |newest, meta| Ok(newest.max(number(&meta.location)))).await?;
    match newest {
        None => Ok(None),
        Some(number) => read(store, number).await.map(Some),
    }
}

/// The manifest of that number.
pub async fn read(store: &dyn ObjectStore, number: u64) -> Result<Manifest, Error> {
    #[derive(Deserialize)]
    struct Protocol {
        protocol: u32,
    }
    let path = path(number);
    let failed = |source| Error::Store { what: "read", path: path.to_string(), source };
    let bytes = store.get(&path).await.map_err(failed)?.bytes().await.map_err(failed)?;
    let not_one = |source| Error::Manifest { path: path.to_string(), source };
    // A later protocol may have other members: its number has to be looked at first.
    let Protocol { protocol } = serde_json::from_slice(&bytes).map_err(not_one)?;
    if protocol > PROTOCOL {
        return Err(Error::Protocol { what: "the lake", found: protocol, known: PROTOCOL });
    }
    serde_json::from_slice(&bytes).map_err(not_one)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_manifests_have_numbers() {
        assert_eq!(number(&path(42)), Some(42));
        assert_eq!(path(42).as_ref(), "_runs/0000000042.json");
        for not in ["_runs/.probe-01K", "_runs/42.json", "_runs/0000000042.json.tmp", "_runs/00000000x2.json"] {
            assert_eq!(number(&Path::from(not)), None, "{not}");
        }
    }

    #[test]
    fn members_are_called_as_the_design_says() {
        let text = r#"{"protocol":1,"number":1,"snapshot":"20261122T101500123Z","run_id":"01K","load_id":"01L","tool":"t",
            "environment_id":"client_1","started_at":"2026-11-22T10:15:00.000Z","committed_at":"2026-11-22T10:16:00.000000Z",
            "tables":[{"kind":"node","name":"WorkOSUser","resources":["users"],"schema":[{"name":"id","type":"text"}],"rows":1,
            "stale_since":null,"files":[{"path":"p","rows":1,"bytes":2,"sha256":"ab","min":"a","max":"b"}]},
            {"kind":"fact","name":"events","rows":0,"files":[{"path":"p","rows":0,"bytes":2,"sha256":"ab","min":null,"max":null,"date":"2026-11-22"}]}],
            "unavailable":[{"resource":"api_keys","reason":"403"}],"quarantined":0,"drift":{"new":{},"missing":[]},"cursors":{},"later":1}"#;
        let manifest: Manifest = serde_json::from_str(text).unwrap();
        let written = serde_json::to_value(&manifest).unwrap();
        assert_eq!(written["tables"][0]["schema"][0]["type"], "text");
        assert_eq!(written["tables"][0]["stale_since"], Value::Null);
        assert_eq!(written["tables"][1]["files"][0]["date"], "2026-11-22");
        assert_eq!(written["unavailable"][0], serde_json::json!({"resource": "api_keys", "reason": "403"}));
        assert_eq!(manifest.table("WorkOSUser").unwrap().rows, 1);
    }
}
