use std::collections::HashSet;
use std::path::Path;

use super::*;
use crate::table::Column;

fn unique<T: std::hash::Hash + Eq + std::fmt::Debug>(all: impl IntoIterator<Item = T>) {
    let mut seen = HashSet::new();
    for one in all {
        let text = format!("{one:?}");
        assert!(seen.insert(one), "{text} is there twice");
    }
}

#[test]
fn names_are_unique() {
    unique(RESOURCES.iter().map(|r| r.name));
    unique(TABLES.iter().map(|t| &t.key));
    for entry in TABLES.iter() {
        unique(entry.table.lake_columns().into_iter().map(|c| c.0));
    }
}

#[test]
fn one_static_declares_each_table() {
    // Two statics with one key would let a column be read or documented from the wrong one.
    for resource in RESOURCES {
        for (table, _) in tables_of(resource) {
            let listed = TABLES[table_index(&table.key()).unwrap()].table;
            let same = match (table, listed) {
                (Table::Node(a), Table::Node(b)) => std::ptr::eq(a, b),
                (Table::Edge(a), Table::Edge(b)) => std::ptr::eq(a, b),
                (Table::Fact(a), Table::Fact(b)) => std::ptr::eq(a, b),
                _ => false,
            };
            assert!(same, "{}", table.key());
        }
    }
}

#[test]
fn parents_and_lookups_come_first() {
    for resource in RESOURCES {
        if let Some(parent) = &resource.parent {
            assert!(parent.resource.index() < resource.index(), "{}", resource.name);
            if let Some(unless) = &parent.unless {
                assert!(unless.resource.index() < resource.index(), "{}", resource.name);
                assert!(parent.keys.iter().any(|(key, _)| *key == unless.key));
            }
        }
        for feed in resource.lookups().iter().flat_map(|l| l.feeds) {
            assert!(feed.resource.index() < resource.index(), "{} feeds {}", feed.resource.name, resource.name);
            let brought = resource.closure().iter().any(|r| r.name == feed.resource.name)
                || feed.resource.closure().iter().any(|r| r.name == resource.name);
            assert!(brought, "{} is looked up in {} but neither brings the other", feed.resource.name, resource.name);
        }
    }
}

#[test]
fn parent_keys_fill_the_request() {
    for resource in RESOURCES {
        let keys: Vec<&str> = resource.parent.iter().flat_map(|p| p.keys).map(|(k, _)| *k).collect();
        for (_, key) in resource.request.parent_query {
            assert!(keys.contains(key), "{}: {key}", resource.name);
        }
        for part in resource.request.path.split('{').skip(1) {
            let key = part.split('}').next().unwrap();
            assert!(keys.contains(&key), "{}: {key}", resource.name);
        }
        if let Some(ParentColumn { key, column, only_if }) = resource.parent.as_ref().and_then(|p| p.column) {
            assert!(keys.contains(&key));
            let has = |column: &str| resource.record.table.unwrap().columns().iter().any(|c| c.name == column);
            assert!(only_if.is_none_or(|(told_by, _)| has(told_by)), "{}", resource.name);
            let table = resource.record.table.expect("a column needs a table");
            assert!(table.columns().iter().any(|c| c.name == column), "{}: {column}", resource.name);
        }
    }
}

#[test]
fn every_column_is_documented_in_a_sentence() {
    let sentence = |doc: &str| doc.len() > 8 && (doc.ends_with('.') || doc.ends_with('…'));
    for entry in TABLES.iter() {
        assert!(sentence(entry.table.doc()), "{}", entry.key);
        for Column { name, doc, .. } in entry.table.columns() {
            assert!(sentence(doc), "{}.{name}: {doc}", entry.key);
        }
    }
    for resource in RESOURCES {
        assert!(sentence(resource.doc), "{}", resource.name);
    }
}

#[test]
fn ids_are_required_and_facts_have_a_date() {
    for entry in TABLES.iter() {
        let schema = entry.table.lake_schema();
        let id = if matches!(entry.table, Table::Edge(_)) { "source_id" } else { "id" };
        assert!(!schema.field_with_name(id).unwrap().is_nullable());
        if let Table::Fact(_) = entry.table {
            assert!(!schema.field_with_name("created_at").unwrap().is_nullable(), "{}", entry.key);
        }
        let columns: Vec<_> = entry.table.lake_columns().into_iter().map(|c| (c.0.to_owned(), c.1.arrow())).collect();
        let fields: Vec<_> = schema.fields().iter().map(|f| (f.name().clone(), f.data_type().clone())).collect();
        assert_eq!(columns, fields);
    }
}

#[test]
fn embedded_tables_name_their_owner() {
    for embedded in RESOURCES.iter().flat_map(|r| r.record.embedded) {
        assert!(embedded.table.columns.iter().any(|c| c.name == embedded.column));
    }
}

#[test]
fn every_catalog_file_is_listed() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/catalog");
    for entry in std::fs::read_dir(dir).unwrap() {
        let name = entry.unwrap().file_name().into_string().unwrap();
        let name = name.trim_end_matches(".rs");
        let listed = RESOURCES.iter().any(|r| r.name == name) || ["environment", "lookups", "tests"].contains(&name);
        assert!(listed, "{name} is not in RESOURCES");
    }
}

#[test]
fn the_documentation_is_fresh() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/tables.md");
    let expected = crate::docs::tables();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        std::fs::write(&path, &expected).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == expected, "docs/tables.md is stale: run `just docs`");
}

#[test]
fn a_selection_brings_what_it_needs() {
    let names = |only: &[&str], exclude: &[&str]| {
        let owned = |l: &[&str]| l.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
        select(&owned(only), &owned(exclude)).map(|s| s.iter().map(|r| r.name).collect::<Vec<_>>())
    };
    assert_eq!(names(&["users"], &[]).unwrap(), ["users"]);
    assert_eq!(names(&["invitations"], &[]).unwrap(), ["invitations", "users"]);
    assert_eq!(
        names(&["organization_memberships"], &[]).unwrap(),
        ["roles", "organizations", "organization_roles", "organization_memberships"]
    );
    assert_eq!(
        names(&["directory_group_users"], &[]).unwrap(),
        ["directories", "directory_groups", "directory_users", "directory_group_users"]
    );
    assert_eq!(names(&["events"], &[]).unwrap(), ["connections", "events"]);
    assert_eq!(names(&[], &[]).unwrap().len(), RESOURCES.len());
    assert_eq!(names(&[], &["events"]).unwrap().len(), RESOURCES.len() - 1);
    assert_eq!(names(&[], &["roles"]), Err(SelectError::Needed { excluded: "roles", by: "organization_roles" }));
    assert!(matches!(names(&["user"], &[]), Err(SelectError::Unknown(_))));
}
