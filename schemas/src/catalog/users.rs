use super::invitations::INVITES;
use super::lookups::INVITATION_BY_EMAIL;
use super::{EdgeRule, ID, Paging, Record, Request, Resource};
use crate::table::{Column, NodeTable, Source, Table};

/// `GET /user_management/users`
pub static USERS: Resource = Resource {
    name: "users",
    doc: "Every user account.",
    request: Request { path: "/user_management/users", query: &[], parent_query: &[], paging: Paging::Cursor },
    parent: None,
    object: "user",
    record: Record {
        table: Some(Table::Node(&USER)),
        edges: &[EdgeRule {
            table: &INVITES,
            source: Source::Lookup { lookup: &INVITATION_BY_EMAIL, key: &Source::Path(&["email"]), scope: None },
            target: ID,
            when: None,
        }],
        embedded: &[],
    },
    brings: &[],
};

/// Users.
pub static USER: NodeTable = NodeTable {
    label: "WorkOSUser",
    extra_labels: &["UserAccount"],
    columns: &[
        Column::text("email", "The e-mail address."),
        Column::text("first_name", "The given name."),
        Column::text("last_name", "The family name."),
        Column::text("name", "The full name."),
        Column::bool("email_verified", "Whether the e-mail address was verified."),
        Column::text("profile_picture_url", "Where the profile picture is."),
        Column::time("last_sign_in_at", "When the user last signed in."),
        Column::text("external_id", "The id that your application gave the user."),
        Column::text("locale", "The preferred locale, such as `en-US`."),
        Column::json("metadata", "Key-value pairs that your application attached."),
        Column::CREATED_AT,
        Column::UPDATED_AT,
    ],
    left_out: &[],
    doc: "An account that can sign in.",
};
