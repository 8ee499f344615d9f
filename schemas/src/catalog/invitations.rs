use super::organizations::ORGANIZATION;
use super::users::{USER, USERS};
use super::{EdgeRule, ID, Paging, Record, Request, Resource};
use crate::table::{Column, EdgeTable, NodeTable, Source, Table};

/// `GET /user_management/invitations`
pub static INVITATIONS: Resource = Resource {
    name: "invitations",
    doc: "Invitations in every state.",
    request: Request { path: "/user_management/invitations", query: &[], parent_query: &[], paging: Paging::Cursor },
    parent: None,
    object: "invitation",
    record: Record {
        table: Some(Table::Node(&INVITATION)),
        edges: &[
            EdgeRule { table: &FOR_ORGANIZATION, source: ID, target: Source::Path(&["organization_id"]), when: None },
            EdgeRule { table: &INVITES, source: ID, target: Source::Path(&["accepted_user_id"]), when: None },
            EdgeRule { table: &INVITED_BY, source: ID, target: Source::Path(&["inviter_user_id"]), when: None },
        ],
        embedded: &[],
    },
    // An invitation that was not accepted finds its user by e-mail, when the users pass by.
    brings: &[&USERS],
};

/// Invitations.
pub static INVITATION: NodeTable = NodeTable {
    label: "WorkOSInvitation",
    extra_labels: &[],
    columns: &[
        Column::text("email", "The invited e-mail address."),
        Column::text("state", "`pending`, `accepted`, `expired` or `revoked`."),
        Column::text("organization_id", "The organization it invites to, if any."),
        Column::text("inviter_user_id", "The user who invited."),
        Column::text("accepted_user_id", "The user who accepted."),
        Column::text("role_slug", "The role that the membership will get."),
        Column::time("expires_at", "When it can no longer be accepted."),
        Column::time("accepted_at", "When it was accepted."),
        Column::time("revoked_at", "When it was revoked."),
        Column::CREATED_AT,
        Column::UPDATED_AT,
    ],
    left_out: &[],
    doc: "An invitation to join the application or one of its organizations, without its token.",
};

static FOR_ORGANIZATION: EdgeTable = EdgeTable {
    kind: "FOR_ORGANIZATION",
    from: &INVITATION,
    to: &ORGANIZATION,
    columns: &[],
    doc: "The invitation is to this organization.",
};

/// Also carried by users, whose e-mail address an invitation may name.
pub static INVITES: EdgeTable = EdgeTable {
    kind: "INVITES",
    from: &INVITATION,
    to: &USER,
    columns: &[],
    doc: "The invitation was accepted by this user or, while nobody is known to have accepted it, names the user's e-mail address.",
};

static INVITED_BY: EdgeTable = EdgeTable {
    kind: "INVITED_BY",
    from: &INVITATION,
    to: &USER,
    columns: &[],
    doc: "The invitation was sent by this user.",
};
