use super::directory_groups::DIRECTORY_GROUPS;
use super::directory_users::{DIRECTORY_USERS, MEMBER_OF};
use super::{EdgeRule, ID, Paging, Parent, Record, Request, Resource, Unless};
use crate::table::Source;

/// `GET /directory_users?directory=&group=`
pub static DIRECTORY_GROUP_USERS: Resource = Resource {
    name: "directory_group_users",
    doc: "Each directory group's users, where the directory's users come without their groups.",
    request: Request {
        path: "/directory_users",
        query: &[],
        parent_query: &[("directory", "directory_id"), ("group", "group_id")],
        paging: Paging::Cursor,
    },
    parent: Some(Parent {
        resource: &DIRECTORY_GROUPS,
        keys: &[("directory_id", "directory_id"), ("group_id", "id")],
        column: None,
        unless: Some(Unless { resource: &DIRECTORY_USERS, key: "directory_id", member: "groups" }),
    }),
    object: "directory_user",
    record: Record {
        table: None,
        edges: &[EdgeRule { table: &MEMBER_OF, source: ID, target: Source::Parent("group_id", None), when: None }],
        embedded: &[],
    },
    brings: &[&DIRECTORY_USERS],
};
