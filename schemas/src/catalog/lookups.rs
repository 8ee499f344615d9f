//! The maps by which records of one list find ids in another.

use super::connections::CONNECTIONS;
use super::invitations::INVITATIONS;
use super::organization_roles::ORGANIZATION_ROLES;
use super::roles::ROLES;
use super::{Feed, ID, Lookup};
use crate::table::{Source, When};

/// The condition that tells an organization's own role from the environment's.
pub const OWN_ROLE: When = When { path: &["type"], equals: "OrganizationRole" };

/// The condition that tells the environment's role, which is listed again in each organization.
const ENVIRONMENT_ROLE: When = When { path: &["type"], equals: "EnvironmentRole" };

/// A role's slug to its id: an organization's own role hides the environment's role of the same slug.
pub static ROLE_BY_SLUG: Lookup = Lookup {
    name: "role by slug",
    feeds: &[
        Feed { resource: &ROLES, key: Source::Path(&["slug"]), value: ID, scope: None, unless: None },
        Feed {
            resource: &ORGANIZATION_ROLES,
            key: Source::Path(&["slug"]),
            value: ID,
            // Whatever is not plainly the environment's must not be found elsewhere.
            scope: Some(Source::ParentUnless("organization_id", ENVIRONMENT_ROLE)),
            unless: None,
        },
    ],
    ignore_case: false,
    many: false,
    scope: Some((&ORGANIZATION_ROLES, "organization_id")),
};

/// An invited e-mail address to the invitations that nobody is known to have accepted.
pub static INVITATION_BY_EMAIL: Lookup = Lookup {
    name: "invitation by e-mail",
    feeds: &[Feed {
        resource: &INVITATIONS,
        key: Source::Path(&["email"]),
        value: ID,
        scope: None,
        unless: Some(Source::Path(&["accepted_user_id"])),
    }],
    ignore_case: true,
    many: true,
    scope: None,
};

/// A connection's id to its type.
pub static CONNECTION_TYPE: Lookup = Lookup {
    name: "connection type",
    feeds: &[Feed {
        resource: &CONNECTIONS,
        key: ID,
        value: Source::Path(&["connection_type"]),
        scope: None,
        unless: None,
    }],
    ignore_case: false,
    many: false,
    scope: None,
};
