use super::lookups::ROLE_BY_SLUG;
use super::organization_roles::ORGANIZATION_ROLES;
use super::organizations::{ORGANIZATION, ORGANIZATIONS};
use super::roles::{ROLE, ROLES};
use super::users::USER;
use super::{EdgeRule, ID, Paging, Parent, ParentColumn, Record, Request, Resource};
use crate::table::{Column, EdgeTable, NodeTable, Source, Table};

/// `GET /user_management/organization_memberships`
pub static ORGANIZATION_MEMBERSHIPS: Resource = Resource {
    name: "organization_memberships",
    doc: "Each organization's memberships, active, inactive and pending.",
    request: Request {
        path: "/user_management/organization_memberships",
        query: &[("statuses", "active,inactive,pending")],
        parent_query: &[("organization_id", "organization_id")],
        paging: Paging::Cursor,
    },
    parent: Some(Parent {
        resource: &ORGANIZATIONS,
        keys: &[("organization_id", "id")],
        column: Some(ParentColumn { key: "organization_id", column: "organization_id", only_if: None }),
        unless: None,
    }),
    object: "organization_membership",
    record: Record {
        table: Some(Table::Node(&ORGANIZATION_MEMBERSHIP)),
        edges: &[
            EdgeRule { table: &MEMBER_OF, source: Source::Path(&["user_id"]), target: ID, when: None },
            EdgeRule { table: &IN, source: ID, target: ORGANIZATION_ID, when: None },
            EdgeRule {
                table: &WITH_ROLE,
                source: ID,
                target: Source::Lookup {
                    lookup: &ROLE_BY_SLUG,
                    key: &Source::AllOf(&[ROLE_SLUG, ROLE_SLUGS]),
                    scope: Some(&SCOPE),
                },
                when: None,
            },
        ],
        embedded: &[],
    },
    brings: &[&ROLES, &ORGANIZATION_ROLES],
};

const ORGANIZATION_ID: Source = Source::Path(&["organization_id"]);
/// The list that a membership stands in tells its organization where the membership does not.
const SCOPE: Source = Source::FirstOf(&[ORGANIZATION_ID, Source::Parent("organization_id", None)]);
const ROLE_SLUG: Source = Source::Path(&["role", "slug"]);
const ROLE_SLUGS: Source = Source::Each(&["roles"], "slug");

/// Memberships.
pub static ORGANIZATION_MEMBERSHIP: NodeTable = NodeTable {
    label: "WorkOSOrganizationMembership",
    extra_labels: &[],
    columns: &[
        Column::text("user_id", "The user."),
        Column::text("organization_id", "The organization."),
        Column::text("organization_name", "The organization's name when the membership was read."),
        Column::text("status", "`active`, `inactive` or `pending`."),
        Column::bool("directory_managed", "Whether a directory created it and keeps it."),
        Column::text("role_id", "The role behind `role_slug`: the organization's own, else the environment's.")
            .from(Source::Lookup { lookup: &ROLE_BY_SLUG, key: &ROLE_SLUG, scope: Some(&SCOPE) }),
        Column::text("role_slug", "The slug of its role.").from(ROLE_SLUG),
        Column::list("role_slugs", "The slugs of all its roles.").from(ROLE_SLUGS),
        Column::json("custom_attributes", "Attributes mapped from the identity provider."),
        Column::CREATED_AT,
        Column::UPDATED_AT,
    ],
    left_out: &["user"],
    doc: "A user's place in an organization.",
};

static MEMBER_OF: EdgeTable = EdgeTable {
    kind: "MEMBER_OF",
    from: &USER,
    to: &ORGANIZATION_MEMBERSHIP,
    columns: &[],
    doc: "The user has this membership.",
};

static IN: EdgeTable = EdgeTable {
    kind: "IN",
    from: &ORGANIZATION_MEMBERSHIP,
    to: &ORGANIZATION,
    columns: &[],
    doc: "The membership is in this organization.",
};

static WITH_ROLE: EdgeTable = EdgeTable {
    kind: "WITH_ROLE",
    from: &ORGANIZATION_MEMBERSHIP,
    to: &ROLE,
    columns: &[],
    doc: "The membership carries this role.",
};
