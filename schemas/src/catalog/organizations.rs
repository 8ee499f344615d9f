use super::{EdgeRule, Embedded, ID, Paging, Record, Request, Resource};
use crate::table::{Column, EdgeTable, NodeTable, Source, Table};

/// `GET /organizations`
pub static ORGANIZATIONS: Resource = Resource {
    name: "organizations",
    doc: "The customers: every organization with its domains.",
    request: Request { path: "/organizations", query: &[], parent_query: &[], paging: Paging::Cursor },
    parent: None,
    object: "organization",
    record: Record {
        table: Some(Table::Node(&ORGANIZATION)),
        edges: &[],
        embedded: &[Embedded {
            member: "domains",
            table: &ORGANIZATION_DOMAIN,
            column: "organization_id",
            edges: &[EdgeRule {
                table: &DOMAIN_OF,
                source: ID,
                target: Source::Path(&["organization_id"]),
                when: None,
            }],
        }],
    },
    brings: &[],
};

/// Organizations.
pub static ORGANIZATION: NodeTable = NodeTable {
    label: "WorkOSOrganization",
    extra_labels: &["Tenant"],
    columns: &[
        Column::text("name", "The organization's name."),
        Column::list("domains", "Its domain names, verified or not.").from(Source::Each(&["domains"], "domain")),
        Column::text("external_id", "The id that your application gave it."),
        Column::text("stripe_customer_id", "The Stripe customer it is linked to."),
        Column::json("metadata", "Key-value pairs that your application attached."),
        Column::bool(
            "allow_profiles_outside_organization",
            "Whether profiles outside its domains may sign in (deprecated).",
        ),
        Column::CREATED_AT,
        Column::UPDATED_AT,
    ],
    left_out: &["domains"],
    doc: "A customer of yours: the tenant that users, directories and connections belong to.",
};

/// Domains, which stand in their organization's record.
pub static ORGANIZATION_DOMAIN: NodeTable = NodeTable {
    label: "WorkOSOrganizationDomain",
    extra_labels: &[],
    columns: &[
        Column::text("domain", "The domain name."),
        Column::text("organization_id", "The organization it belongs to."),
        Column::text("state", "`verified`, `pending`, `failed`, `unverified` or `legacy_verified`."),
        Column::text("verification_strategy", "`dns` or `manual`."),
        Column::text("verification_token", "The value expected in the DNS TXT record; public by design."),
        Column::text("verification_prefix", "The prefix of the DNS record's name."),
        Column::CREATED_AT,
        Column::UPDATED_AT,
    ],
    left_out: &[],
    doc: "A domain name that an organization claims.",
};

static DOMAIN_OF: EdgeTable = EdgeTable {
    kind: "DOMAIN_OF",
    from: &ORGANIZATION_DOMAIN,
    to: &ORGANIZATION,
    columns: &[],
    doc: "The domain is claimed by the organization.",
};
