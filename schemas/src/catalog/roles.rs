use super::{Paging, Record, Request, Resource};
use crate::catalog::lookups::OWN_ROLE;
use crate::table::{Column, NodeTable, Source, Table};

/// `GET /authorization/roles`
pub static ROLES: Resource = Resource {
    name: "roles",
    doc: "The environment's roles.",
    request: Request { path: "/authorization/roles", query: &[], parent_query: &[], paging: Paging::Whole },
    parent: None,
    object: "role",
    record: Record { table: Some(Table::Node(&ROLE)), edges: &[], embedded: &[] },
    brings: &[],
};

/// Roles of the environment and of single organizations.
pub static ROLE: NodeTable = NodeTable {
    label: "WorkOSRole",
    extra_labels: &["PermissionRole"],
    columns: &[
        Column::text("slug", "The name by which memberships refer to the role, unique within its scope."),
        Column::text("name", "The name that people read."),
        Column::text("description", "What the role is for."),
        Column::text("type", "`EnvironmentRole` or `OrganizationRole`."),
        Column::text(
            "organization_id",
            "The organization that a role of its own belongs to; null for the environment's roles.",
        )
        .from(Source::Parent("organization_id", Some(OWN_ROLE))),
        Column::text("resource_type_slug", "The type of resource that the role is granted on."),
        Column::list("permissions", "Slugs of the permissions that the role grants."),
        Column::CREATED_AT,
        Column::UPDATED_AT,
    ],
    left_out: &[],
    doc: "A named set of permissions.",
};
