"""The node, edge and fact tables that follow from the API's answers."""

import json
from datetime import datetime, timezone

from catalog import ENVIRONMENT, EVENTS, NODES, REFERENCES
from peer import without_credentials


class Expected:
    """Rows by id for each node table and for the events; pairs for each (type, from, to)."""

    def __init__(self, answers):
        self.answers = answers
        self.nodes = {label: rows_of(label, answers) for label in NODES if read_at_all(label, answers)}
        resolve_roles(self.nodes)
        self.events = {event["id"]: event_row(event, self.nodes) for _, event in answers.of("events")}
        self.edges = edges_of(self)

    def label_of(self, resource):
        return next((label for label, node in NODES.items() if resource in node.resources), None)


def read_at_all(label, answers):
    return any(resource in answers.records for resource in NODES[label].resources)


# Rows ---------------------------------------------------------------------------------------------

def rows_of(label, answers):
    rows, versions = {}, {}
    for ids, record in records_of(label, answers):
        version = record.get("updated_at") or ""
        if version >= versions.get(record["id"], ""):
            versions[record["id"]] = version
            rows[record["id"]] = row(NODES[label], record, ids)
    return rows


def records_of(label, answers):
    if label == "WorkOSOrganizationDomain":
        return [(ids, domain) for ids, organization in answers.of("organizations") for domain in organization.get("domains") or []]
    return [pair for resource in NODES[label].resources for pair in answers.of(resource)]


def row(table, record, ids):
    values = {column.name: value(column, record) for column in table.columns}
    if record.get("object") == "role":
        own = record.get("type") == "OrganizationRole"
        values["organization_id"] = ids.get("organization_id") if own else None
    if "application_id" in values:
        values["application_id"] = ids["application_id"]
    return {**values, "extra": extra(table, without_credentials(record)), "labels": list(table.labels)}


def value(column, record):
    found = at(column.path, record)
    if found is None:
        return None
    if column.type == "time":
        return microseconds(found)
    if column.type == "json":
        return compact(without_credentials(found))
    return found


def at(path, record):
    """What stands at a column's path; null where any part of the way is missing."""
    if path == "-":
        return None
    name, _, rest = path.partition(".")
    found = record.get(name.removesuffix("[]"))
    if found is None or not rest:
        return found
    if name.endswith("[]"):
        return [element.get(rest) for element in found]
    return found.get(rest)


def extra(table, record):
    """The members that no column takes, in the order received; null if there are none."""
    left = {name: member for name, member in record.items()
            if name != "id" and name not in table.left_out and not taken(table, name, member)}
    return compact(left) if left else None


def taken(table, name, member):
    paths = [column.path for column in table.columns]
    if name in paths:
        return True
    parts = {path.partition(".")[2] for path in paths if path.partition(".")[0].removesuffix("[]") == name}
    if not parts:
        return False
    # A part that no column takes keeps the whole member.
    objects = member if isinstance(member, list) else [member or {}]
    return all(set(part) <= parts | {"object"} for part in objects)


def resolve_roles(nodes):
    """A slug means the organization's own role first, else the environment's; never another organization's."""
    roles = role_ids(nodes)
    for membership in nodes.get("WorkOSOrganizationMembership", {}).values():
        membership["role_id"] = resolved(roles, membership, membership["role_slug"])


def role_ids(nodes):
    return {(role["organization_id"], role["slug"]): id for id, role in nodes.get("WorkOSRole", {}).items()}


def resolved(roles, membership, slug):
    return roles.get((membership["organization_id"], slug)) or roles.get((None, slug))


# Events -------------------------------------------------------------------------------------------

def event_row(event, nodes):
    record = without_credentials(event)
    data = record.get("data") or {}
    connection_id = either(data, "connection_id")
    connection = nodes.get("WorkOSConnection", {}).get(connection_id, {})
    return {
        **{column.name: value(column, record) for column in EVENTS.columns},
        **outcome_and_method(event["event"], data),
        "organization_id": either(data, "organization_id"),
        "user_id": data.get("user_id") or (data.get("id") if data.get("object") == "user" else None),
        "connection_id": connection_id,
        "connection_type": data.get("connection_type") or connection.get("connection_type"),
        "ip_address": data.get("ip_address"), "user_agent": data.get("user_agent"), "email": data.get("email"),
        "extra": extra(EVENTS, record),
    }


def either(data, name):
    found = data.get(name)
    return found if found is not None else (data.get("sso") or {}).get(name)


def outcome_and_method(event, data):
    area, _, rest = event.partition(".")
    if area != "authentication":
        return {"outcome": None, "method": None}
    method, _, suffix = rest.rpartition("_")
    ended = suffix in ("succeeded", "failed")
    return {"outcome": suffix if ended else None, "method": data.get("type") or (method if ended else None)}


# Edges --------------------------------------------------------------------------------------------

def edges_of(expected):
    edges = {}

    def add(type, source_label, target_label, source, target):
        edges.setdefault((type, source_label, target_label), set()).add((source, target))

    for label, rows in expected.nodes.items():
        for id in rows:
            add("RESOURCE", ENVIRONMENT, label, None, id)
    for reference in REFERENCES:
        add_references(expected.nodes, reference, add)
    add_roles(expected, add)
    add_invited(expected.nodes, add)
    add_owners(expected.nodes, add)
    add_directory_groups(expected.answers, add)
    add_grants(expected.nodes, add)
    add_group_members(expected.answers, add)
    add_authorizations(expected.answers, add)
    return edges


def add_references(nodes, reference, add):
    type, source, target, holder, column = reference
    for id, row in nodes.get(source if holder == "from" else target, {}).items():
        other = row[column]
        if other is not None:
            add(type, source, target, *((id, other) if holder == "from" else (other, id)))


def add_roles(expected, add):
    roles, rows = role_ids(expected.nodes), expected.nodes.get("WorkOSOrganizationMembership", {})
    for id, membership in rows.items():
        for slug in {membership["role_slug"], *(membership["role_slugs"] or [])}:
            role = resolved(roles, membership, slug)
            if role:
                add("WITH_ROLE", "WorkOSOrganizationMembership", "WorkOSRole", id, role)


def add_invited(nodes, add):
    by_email = {}
    for id, user in nodes.get("WorkOSUser", {}).items():
        by_email.setdefault((user["email"] or "").lower(), []).append(id)
    for id, invitation in nodes.get("WorkOSInvitation", {}).items():
        accepted = invitation["accepted_user_id"]
        for user in [accepted] if accepted else by_email.get(invitation["email"].lower(), []):
            add("INVITES", "WorkOSInvitation", "WorkOSUser", id, user)


def add_owners(nodes, add):
    owners = {"organization": "WorkOSOrganization", "user": "WorkOSUser"}
    for id, key in nodes.get("WorkOSAPIKey", {}).items():
        if key["owner_type"] in owners and key["owner_id"]:
            add("OWNS", owners[key["owner_type"]], "WorkOSAPIKey", key["owner_id"], id)


def add_directory_groups(answers, add):
    for _, user in answers.of("directory_users"):
        for group in user.get("groups") or []:
            add("MEMBER_OF", "WorkOSDirectoryUser", "WorkOSDirectoryGroup", user["id"], group["id"])
    for ids, user in answers.of("directory_group_users"):
        add("MEMBER_OF", "WorkOSDirectoryUser", "WorkOSDirectoryGroup", user["id"], ids["group_id"])


def add_grants(nodes, add):
    permissions = {permission["slug"]: id for id, permission in nodes.get("WorkOSPermission", {}).items()}
    for id, role in nodes.get("WorkOSRole", {}).items():
        for slug in role["permissions"] or []:
            if slug in permissions:
                add("GRANTS", "WorkOSRole", "WorkOSPermission", id, permissions[slug])


def add_group_members(answers, add):
    for ids, membership in answers.of("group_memberships"):
        add("MEMBER_OF", "WorkOSOrganizationMembership", "WorkOSGroup", membership["id"], ids["group_id"])


def add_authorizations(answers, add):
    for _, authorization in answers.of("organization_authorized_applications"):
        application = authorization["application"]["id"]
        add("AUTHORIZED", "WorkOSUser", "WorkOSApplication", authorization["user_id"], application)


# Values -------------------------------------------------------------------------------------------

def microseconds(text):
    """An instant as microseconds since 1970; without a zone it is UTC."""
    moment = datetime.fromisoformat(text)
    moment = moment if moment.tzinfo else moment.replace(tzinfo=timezone.utc)
    since = moment - datetime(1970, 1, 1, tzinfo=timezone.utc)
    return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def compact(value):
    """JSON in one spelling, the order of members kept, so that texts compare as values do."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))
