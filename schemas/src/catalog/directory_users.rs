use super::directories::{DIRECTORIES, DIRECTORY};
use super::directory_groups::DIRECTORY_GROUP;
use super::organizations::ORGANIZATION;
use super::{EdgeRule, ID, Paging, Parent, ParentColumn, Record, Request, Resource};
use crate::table::{Column, EdgeTable, NodeTable, Source, Table};

/// `GET /directory_users?directory=`
pub static DIRECTORY_USERS: Resource = Resource {
    name: "directory_users",
    doc: "Each directory's users.",
    request: Request {
        path: "/directory_users",
        query: &[],
        parent_query: &[("directory", "directory_id")],
        paging: Paging::Cursor,
    },
    parent: Some(Parent {
        resource: &DIRECTORIES,
        keys: &[("directory_id", "id")],
        column: Some(ParentColumn { key: "directory_id", column: "directory_id", only_if: None }),
        unless: None,
    }),
    object: "directory_user",
    record: Record {
        table: Some(Table::Node(&DIRECTORY_USER)),
        edges: &[
            EdgeRule { table: &HAS, source: Source::Path(&["directory_id"]), target: ID, when: None },
            EdgeRule { table: &BELONGS_TO, source: ID, target: Source::Path(&["organization_id"]), when: None },
            EdgeRule { table: &MEMBER_OF, source: ID, target: Source::Each(&["groups"], "id"), when: None },
        ],
        embedded: &[],
    },
    brings: &[],
};

/// Directory users.
pub static DIRECTORY_USER: NodeTable = NodeTable {
    label: "WorkOSDirectoryUser",
    extra_labels: &["UserAccount"],
    columns: &[
        Column::text("idp_id", "The id at the identity provider."),
        Column::text("directory_id", "The directory the user is in."),
        Column::text("organization_id", "The organization the user belongs to."),
        Column::text("first_name", "The given name."),
        Column::text("last_name", "The family name."),
        Column::text("name", "The full name."),
        Column::text("email", "The primary e-mail address."),
        Column::text("state", "`active`, `suspended` or `inactive`."),
        Column::text("job_title", "The job title; null since 2026-04-15, see `custom_attributes`."),
        Column::text("username", "The user name; null since 2026-04-15, see `custom_attributes`."),
        Column::json("emails", "All e-mail addresses; empty since 2026-04-15, see `custom_attributes`."),
        Column::text("role_slug", "The slug of the role that the directory assigns.")
            .from(Source::Path(&["role", "slug"])),
        Column::list("roles", "The slugs of all roles that the directory assigns.")
            .from(Source::Each(&["roles"], "slug")),
        Column::json("custom_attributes", "Attributes mapped from the identity provider."),
        Column::json("raw_attributes", "What the provider sent; empty since 2026-04-15."),
        Column::CREATED_AT,
        Column::UPDATED_AT,
    ],
    left_out: &["groups"],
    doc: "A person as an organization's directory knows them; not an account that signs in.",
};

static HAS: EdgeTable = EdgeTable {
    kind: "HAS",
    from: &DIRECTORY,
    to: &DIRECTORY_USER,
    columns: &[],
    doc: "The directory holds this user.",
};

static BELONGS_TO: EdgeTable = EdgeTable {
    kind: "BELONGS_TO",
    from: &DIRECTORY_USER,
    to: &ORGANIZATION,
    columns: &[],
    doc: "The directory user is this organization's.",
};

/// Also carried by the listing of a group's users.
pub static MEMBER_OF: EdgeTable = EdgeTable {
    kind: "MEMBER_OF",
    from: &DIRECTORY_USER,
    to: &DIRECTORY_GROUP,
    columns: &[],
    doc: "The directory user is in this group.",
};
