use super::organizations::{ORGANIZATION, ORGANIZATIONS};
use super::users::USER;
use super::{EdgeRule, ID, Paging, Parent, ParentColumn, Record, Request, Resource};
use crate::table::{Column, EdgeTable, NodeTable, Source, Table, When};

/// `GET /organizations/{id}/api_keys`
pub static API_KEYS: Resource = Resource {
    name: "api_keys",
    doc: "Each organization's API keys.",
    request: Request {
        path: "/organizations/{organization_id}/api_keys",
        query: &[],
        parent_query: &[],
        paging: Paging::Cursor,
    },
    parent: Some(Parent {
        resource: &ORGANIZATIONS,
        keys: &[("organization_id", "id")],
        column: Some(ParentColumn {
            key: "organization_id",
            column: "owner_id",
            only_if: Some(("owner_type", "organization")),
        }),
        unless: None,
    }),
    object: "api_key",
    record: Record {
        table: Some(Table::Node(&API_KEY)),
        edges: &[
            EdgeRule { table: &ORGANIZATION_OWNS, source: OWNER_ID, target: ID, when: Some(owned_by("organization")) },
            EdgeRule { table: &USER_OWNS, source: OWNER_ID, target: ID, when: Some(owned_by("user")) },
        ],
        embedded: &[],
    },
    brings: &[],
};

const OWNER_ID: Source = Source::Path(&["owner", "id"]);

const fn owned_by(equals: &'static str) -> When {
    When { path: &["owner", "type"], equals }
}

/// API keys.
pub static API_KEY: NodeTable = NodeTable {
    label: "WorkOSAPIKey",
    extra_labels: &["APIKey"],
    columns: &[
        Column::text("name", "The key's name."),
        Column::text("obfuscated_value", "The first and last characters of the key."),
        Column::text("owner_type", "`organization` or `user`.").from(Source::Path(&["owner", "type"])),
        Column::text("owner_id", "The organization or user that owns it.").from(OWNER_ID),
        Column::list("permissions", "Slugs of the permissions it carries."),
        Column::time("last_used_at", "When it was last used."),
        Column::time("expires_at", "When it stops working; null if never."),
        Column::CREATED_AT,
        Column::UPDATED_AT,
    ],
    left_out: &[],
    doc: "A key for your application's API, without its value.",
};

static ORGANIZATION_OWNS: EdgeTable =
    EdgeTable { kind: "OWNS", from: &ORGANIZATION, to: &API_KEY, columns: &[], doc: "The organization owns this key." };

static USER_OWNS: EdgeTable =
    EdgeTable { kind: "OWNS", from: &USER, to: &API_KEY, columns: &[], doc: "The user owns this key." };
