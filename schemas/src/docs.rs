//! `docs/tables.md`, from the catalog.

use std::fmt::Write as _;

use crate::catalog::{ENVIRONMENT, RESOURCES, TABLES, TableEntry, resource_edges};
use crate::table::{Column, NodeTable, Source, Table};

/// The whole document.
#[must_use]
pub fn tables() -> String {
    let mut out = String::from(
        "# Tables\n\nGenerated from the catalog; `just docs` writes it anew.\n\n\
         Every node table has `id` (text, the object's id), `extra` (json, the members that no column takes, as received; \
         null when there are none), `labels` (list, the table's label and its extra labels), `firstseen` (time, the first run \
         that saw the id) and `lastupdated` (time, the run that read the row). Every edge table has `source_id` and \
         `target_id` (text), `firstseen` and `lastupdated` (time). Fact tables have `id`, `extra` and `lastupdated`, and are \
         partitioned by the date of `created_at`. Times are UTC, in microseconds. Nothing but ids and a fact's `created_at` \
         is ever required: what the API leaves out is null.\n\n## Resources\n\n| resource | request | what it lists |\n|---|---|---|\n",
    );
    for resource in RESOURCES {
        let mut request = resource.request.path.to_owned();
        let parents = resource.request.parent_query.iter().map(|(name, key)| format!("{name}={{{key}}}"));
        let fixed = resource.request.query.iter().map(|(name, value)| format!("{name}={value}"));
        let query: Vec<String> = parents.chain(fixed).collect();
        if !query.is_empty() {
            let _ = write!(request, "?{}", query.join("&"));
        }
        let _ = writeln!(out, "| `{}` | `GET {request}` | {} |", resource.name, resource.doc);
    }
    out.push_str("\n## Nodes\n");
    node(&mut out, &ENVIRONMENT, None);
    for entry in TABLES.iter() {
        if let Table::Node(table) = entry.table {
            node(&mut out, table, Some(entry));
        }
    }
    out.push_str("\n## Edges\n\n| source | type | target | from | what it says |\n|---|---|---|---|---|\n");
    for entry in TABLES.iter() {
        if let Table::Edge(t) = entry.table {
            let _ =
                writeln!(out, "| {} | {} | {} | {} | {} |", t.from.label, t.kind, t.to.label, sources(entry), t.doc);
        }
    }
    for entry in TABLES.iter() {
        if let Table::Node(table) = entry.table {
            let t = resource_edges(table);
            let _ = writeln!(out, "| {} | {} | {} | every row | {} |", t.from.label, t.kind, t.to.label, t.doc);
        }
    }
    out.push_str("\n## Facts\n");
    for entry in TABLES.iter() {
        if let Table::Fact(t) = entry.table {
            let _ = writeln!(out, "\n### {}\n\n{} From {}.\n", t.name, t.doc, sources(entry));
            columns(&mut out, t.columns);
        }
    }
    out
}

fn node(out: &mut String, table: &NodeTable, entry: Option<&TableEntry>) {
    let labels =
        if table.extra_labels.is_empty() { String::new() } else { format!(" (`{}`)", table.extra_labels.join("`, `")) };
    let from = entry.map_or_else(|| "the run itself".to_owned(), sources);
    let _ = writeln!(out, "\n### {}{labels}\n\n{} From {from}.\n", table.label, table.doc);
    if !table.columns.is_empty() {
        columns(out, table.columns);
    }
}

fn columns(out: &mut String, columns: &[Column]) {
    out.push_str("| column | type | from | what it holds |\n|---|---|---|---|\n");
    for column in columns {
        let _ = writeln!(
            out,
            "| `{}` | {} | {} | {} |",
            column.name,
            column.kind.name(),
            source(&column.source, column.name),
            column.doc
        );
    }
}

fn sources(entry: &TableEntry) -> String {
    entry.resources.iter().map(|r| format!("`{}`", r.name)).collect::<Vec<_>>().join(", ")
}

fn source(source: &Source, own: &str) -> String {
    match source {
        Source::Own => format!("`{own}`"),
        Source::Path(path) => format!("`{}`", path.join(".")),
        Source::PathWhen(path, when) => {
            format!("`{}` where `{}` is `{}`", path.join("."), when.path.join("."), when.equals)
        }
        Source::Each(path, member) => format!("`{}[].{member}`", path.join(".")),
        Source::Parent(key, None) => format!("the request's `{key}`"),
        Source::Parent(key, Some(when)) => {
            format!("the request's `{key}` where `{}` is `{}`", when.path.join("."), when.equals)
        }
        Source::ParentUnless(key, when) => {
            format!("the request's `{key}` unless `{}` is `{}`", when.path.join("."), when.equals)
        }
        Source::Lookup { lookup, key, .. } => format!("{} of {}", lookup.name, self::source(key, own)),
        Source::Derived(paths, _) => {
            format!(
                "derived from {}",
                paths.iter().map(|p| format!("`{}`", p.join("."))).collect::<Vec<_>>().join(", ")
            )
        }
        Source::FirstOf(all) => all.iter().map(|s| self::source(s, own)).collect::<Vec<_>>().join(", else "),
        Source::AllOf(all) => all.iter().map(|s| self::source(s, own)).collect::<Vec<_>>().join(" and "),
    }
}
