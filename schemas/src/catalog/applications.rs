use super::organizations::ORGANIZATION;
use super::{EdgeRule, ID, Paging, Record, Request, Resource};
use crate::table::{Column, EdgeTable, NodeTable, Source, Table};

/// `GET /connect/applications`
pub static APPLICATIONS: Resource = Resource {
    name: "applications",
    doc: "Connect applications, those that registered themselves among them.",
    request: Request {
        path: "/connect/applications",
        query: &[("registration_types", "dynamic,authenticated")],
        parent_query: &[],
        paging: Paging::Cursor,
    },
    parent: None,
    object: "connect_application",
    record: Record {
        table: Some(Table::Node(&APPLICATION)),
        edges: &[EdgeRule { table: &BELONGS_TO, source: ID, target: Source::Path(&["organization_id"]), when: None }],
        embedded: &[],
    },
    brings: &[],
};

/// Applications.
pub static APPLICATION: NodeTable = NodeTable {
    label: "WorkOSApplication",
    extra_labels: &["ThirdPartyApp"],
    columns: &[
        Column::text("client_id", "The OAuth client id."),
        Column::text("name", "The application's name."),
        Column::text("description", "What it is for."),
        Column::text("application_type", "`oauth` or `m2m`."),
        Column::text("organization_id", "The organization it belongs to, unless it is your own."),
        Column::list("redirect_uris", "Where OAuth flows may return to.").from(Source::Each(&["redirect_uris"], "uri")),
        Column::bool("uses_pkce", "Whether it uses proof keys for code exchange."),
        Column::bool("is_first_party", "Whether it is your own."),
        Column::bool("was_dynamically_registered", "Whether it registered itself."),
        Column::list("scopes", "The OAuth scopes it may ask for."),
        Column::CREATED_AT,
        Column::UPDATED_AT,
    ],
    left_out: &[],
    doc: "An OAuth or machine-to-machine application.",
};

static BELONGS_TO: EdgeTable = EdgeTable {
    kind: "BELONGS_TO",
    from: &APPLICATION,
    to: &ORGANIZATION,
    columns: &[],
    doc: "The application is this organization's.",
};
