//! DuckDB views over the files that the newest manifest names.
//!
//! The views look the newest manifest up whenever they are asked, so that they follow new commits and never show the
//! files of one that is still being written: a table's files are found by a glob, and those count that the manifest names.
//! DuckDB lists what a statement reads from left to right. The manifests stand left of the files and are listed once,
//! so that whatever the newest of them names is already there when the files are listed; the other way round a
//! commit in between would show an empty table.

use std::fmt::Write as _;

use schemas::table::ColumnType;

use crate::manifest::{Entry, Kind, Manifest};

/// The SQL of a view for each label, fact and type of edge, over the lake at `root`, a path or URL as DuckDB reads it.
///
/// Each view shows one commit, whole. Statements, and the views within one, may see different commits if one comes in
/// between; setting the variable `lake_commit` to a manifest's number makes all of them show that commit.
#[must_use]
pub fn duckdb(manifest: &Manifest, root: &str) -> String {
    let root = prefix(root);
    let mut sql = format!(
        "-- Views over the WorkOS lake at {}\n-- They follow new commits by themselves. To stay with one: set variable lake_commit = {};\n\n",
        root.escape_debug(),
        manifest.number
    );
    sql.push_str(&files(&root));
    let mut edges: Vec<&str> = Vec::new();
    for entry in &manifest.tables {
        match entry.kind {
            Kind::Node => {
                let from = parquet(&root, &format!("nodes/label={}/*/*.parquet", entry.name), false);
                view(&mut sql, &snake(&entry.name), &[], &from, entry);
            }
            Kind::Edge if !edges.contains(&entry.name.as_str()) => {
                edges.push(&entry.name);
                let from = parquet(&root, &format!("edges/type={}/*/*/*/*.parquet", entry.name), false);
                view(&mut sql, &entry.name.to_lowercase(), &["live.from_label", "live.to_label"], &from, entry);
            }
            Kind::Fact if entry.files.is_empty() => empty(&mut sql, entry),
            Kind::Fact => {
                let from = parquet(&root, &format!("{}/*/*.parquet", entry.name), true);
                view(&mut sql, &entry.name, &["f.date"], &from, entry);
            }
            Kind::Edge | Kind::Quarantine | Kind::Raw => {}
        }
    }
    sql
}

/// The view of the newest manifest's files, on which all others rest.
fn files(root: &str) -> String {
    let manifests = text(&format!("{}_runs/[0-9]*.json", escape_glob(root)));
    format!(
        "create or replace view lake_files as\n\
         select entry.kind, entry.name, entry.\"from\" as from_label, entry.\"to\" as to_label, entry.stale_since,\n\
         \x20      {} || file.path as path, file.rows, file.bytes\n\
         from (\n\
         \x20 select unnest(arg_max(tables, number)) as entry from read_json({manifests}, maximum_object_size = 67108864, columns = {{number: 'BIGINT', tables:\n\
         \x20   'STRUCT(kind VARCHAR, name VARCHAR, \"from\" VARCHAR, \"to\" VARCHAR, stale_since TIMESTAMPTZ, files STRUCT(path VARCHAR, rows BIGINT, bytes BIGINT)[])[]'}})\n\
         \x20 where number <= coalesce(getvariable('lake_commit')::BIGINT, 9223372036854775807)\n\
         ), unnest(entry.files) as files(file);\n\n",
        text(root)
    )
}

fn parquet(root: &str, glob: &str, hive: bool) -> String {
    let types = if hive { "true, hive_types = {date: DATE}" } else { "false" };
    let glob = text(&format!("{}{glob}", escape_glob(root)));
    format!("read_parquet({glob}, filename = true, union_by_name = true, hive_partitioning = {types})")
}

/// Columns are named one by one: a view over `*` fails as soon as a later version adds one.
fn view(sql: &mut String, view: &str, more: &[&str], from: &str, entry: &Entry) {
    let kind = match entry.kind {
        Kind::Node => "node",
        Kind::Edge => "edge",
        _ => "fact",
    };
    let columns = entry.schema.iter().map(|c| format!("f.{}", name(&c.name)));
    let columns: Vec<String> = columns.chain(more.iter().map(|c| (*c).to_owned())).collect();
    let _ = writeln!(
        sql,
        "create or replace view {} as\nselect {}\n\
         from (select * from lake_files where kind = '{kind}' and name = {}) as live\n\
         join {from} as f on f.filename = live.path;\n",
        name(view),
        columns.join(", "),
        text(&entry.name)
    );
}

/// What DuckDB writes in front of the paths it lists at `root`: without empty parts and `.`, with a slash at its end.
fn prefix(root: &str) -> String {
    let (scheme, path) = root.find("://").map_or(("", root), |at| root.split_at(at + 3));
    let absolute = if path.starts_with('/') { "/" } else { "" };
    let parts = path.split('/').filter(|p| !p.is_empty() && *p != ".");
    let path: String = parts.fold(String::new(), |path, part| path + part + "/");
    format!("{scheme}{absolute}{path}")
}

/// A fact table of which nothing was ever read: there is no file that could be asked for its columns.
fn empty(sql: &mut String, entry: &Entry) {
    let columns = entry.schema.iter().map(|c| format!("null::{} as {}", duckdb_type(&c.kind), name(&c.name)));
    let columns: Vec<String> = columns.collect();
    let _ = writeln!(
        sql,
        "-- Nothing was read yet: print the views again after a run that did.\ncreate or replace view {} as\nselect {}, null::DATE as date where false;\n",
        name(&entry.name),
        columns.join(", ")
    );
}

fn duckdb_type(kind: &str) -> &'static str {
    match kind {
        k if k == ColumnType::Bool.name() => "BOOLEAN",
        k if k == ColumnType::Int.name() => "BIGINT",
        k if k == ColumnType::Time.name() => "TIMESTAMPTZ",
        k if k == ColumnType::List.name() => "VARCHAR[]",
        _ => "VARCHAR",
    }
}

/// `WorkOSAPIKey` as `workos_api_key`.
fn snake(label: &str) -> String {
    let label = label.replacen("WorkOS", "Workos", 1);
    let letters: Vec<char> = label.chars().collect();
    let mut out = String::new();
    for (i, letter) in letters.iter().enumerate() {
        let before = i.checked_sub(1).map(|j| letters[j]);
        let starts_word = before.is_some_and(char::is_lowercase)
            || before.is_some_and(char::is_uppercase) && letters.get(i + 1).is_some_and(|n| n.is_lowercase());
        if letter.is_uppercase() && starts_word {
            out.push('_');
        }
        out.extend(letter.to_lowercase());
    }
    out
}

/// An SQL string.
fn text(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// An SQL name; quoted, because `in` is one of them.
fn name(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// A path whose own characters do not act as a glob.
fn escape_glob(path: &str) -> String {
    path.chars().map(|c| if "*?[".contains(c) { format!("[{c}]") } else { c.to_string() }).collect()
}

#[cfg(test)]
mod tests {
    use schemas::catalog::{TABLES, table_index};

    use super::*;

    fn manifest(keys: &[&str]) -> Manifest {
        let entries = keys.iter().map(|key| Entry::new(TABLES[table_index(key).unwrap()].table, Vec::new()));
        let value = serde_json::json!({
            "protocol": 1, "number": 1, "snapshot": "s", "run_id": "r", "load_id": "l", "tool": "t", "environment_id": "e",
            "started_at": "", "committed_at": "", "tables": [], "unavailable": [], "quarantined": 0, "drift": {}, "cursors": {},
        });
        Manifest { tables: entries.collect(), ..serde_json::from_value(value).unwrap() }
    }

    #[test]
    fn labels_in_snake_case() {
        for (label, expected) in [
            ("WorkOSUser", "workos_user"),
            ("WorkOSAPIKey", "workos_api_key"),
            ("WorkOSOrganizationDomain", "workos_organization_domain"),
            ("WorkOSCORSOrigin", "workos_cors_origin"),
            ("WorkOSRedirectURI", "workos_redirect_uri"),
        ] {
            assert_eq!(snake(label), expected);
        }
    }

    #[test]
    fn roots_as_duckdb_lists_them() {
        for (root, expected) in [
            ("/lake", "/lake/"),
            ("./a//b/./c/", "a/b/c/"),
            ("../lake", "../lake/"),
            ("s3://bucket/a/", "s3://bucket/a/"),
            ("/", "/"),
            ("./", ""),
        ] {
            assert_eq!(prefix(root), expected, "{root}");
        }
    }

    #[test]
    fn a_view_is_as_it_was() {
        let sql = duckdb(&manifest(&["MEMBER_OF/WorkOSUser/WorkOSOrganizationMembership"]), "s3://bucket/lake");
        let expected = "create or replace view \"member_of\" as\n\
            select f.\"source_id\", f.\"target_id\", f.\"firstseen\", f.\"lastupdated\", live.from_label, live.to_label\n\
            from (select * from lake_files where kind = 'edge' and name = 'MEMBER_OF') as live\n\
            join read_parquet('s3://bucket/lake/edges/type=MEMBER_OF/*/*/*/*.parquet', filename = true, \
            union_by_name = true, hive_partitioning = false) as f on f.filename = live.path;\n\n";
        assert!(sql.ends_with(expected), "{sql}");
    }

    #[test]
    fn one_view_for_each_label_type_and_fact() {
        let keys = ["WorkOSAPIKey", "OWNS/WorkOSOrganization/WorkOSAPIKey", "OWNS/WorkOSUser/WorkOSAPIKey", "events"];
        let sql = duckdb(&manifest(&keys), "/it's/a=[b]/lake/");
        let views: Vec<&str> = sql.lines().filter_map(|l| l.strip_prefix("create or replace view ")).collect();
        assert_eq!(views, ["lake_files as", "\"workos_api_key\" as", "\"owns\" as", "\"events\" as"]);
        assert!(sql.contains("'/it''s/a=[[]b]/lake/nodes/label=WorkOSAPIKey/*/*.parquet'"), "{sql}");
        assert!(sql.contains("'/it''s/a=[b]/lake/' || file.path"), "{sql}");
    }
}
