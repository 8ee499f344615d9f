"""Reads every list that the catalog's resources name, with plain requests of its own."""

from dataclasses import dataclass, field

from peer import Unavailable

STATUSES = ["active", "inactive", "pending"]

# Resource: (path, parameters, the parent resource it is asked for once each). Parameters are sent
# in the way the specification has them and in the way the emulator reads them, where these differ:
# the emulator knows `statuses[]`, `directory_id` and `group_id`.
RESOURCES = {
    "organizations": ("/organizations", {}, None),
    "users": ("/user_management/users", {}, None),
    "roles": ("/authorization/roles", {}, None),
    "organization_roles": ("/authorization/organizations/{organization_id}/roles", {}, "organizations"),
    "organization_memberships": (
        "/user_management/organization_memberships",
        {"organization_id": "{organization_id}", "statuses": ",".join(STATUSES), "statuses[]": STATUSES}, "organizations"),
    "invitations": ("/user_management/invitations", {}, None),
    "directories": ("/directories", {}, None),
    "directory_users": ("/directory_users", {"directory": "{directory_id}", "directory_id": "{directory_id}"}, "directories"),
    "directory_groups": ("/directory_groups", {"directory": "{directory_id}", "directory_id": "{directory_id}"}, "directories"),
    "directory_group_users": (
        "/directory_users", {"directory": "{directory_id}", "directory_id": "{directory_id}",
                             "group": "{group_id}", "group_id": "{group_id}"}, "directory_groups"),
    "api_keys": ("/organizations/{organization_id}/api_keys", {}, "organizations"),
    "applications": ("/connect/applications", {"registration_types": "dynamic,authenticated"}, None),
    "connections": ("/connections", {}, None),
    "application_client_secrets": ("/connect/applications/{application_id}/client_secrets", {}, "applications"),
    "permissions": ("/authorization/permissions", {}, None),
    "groups": ("/organizations/{organization_id}/groups", {}, "organizations"),
    "group_memberships": ("/organizations/{organization_id}/groups/{group_id}/organization-memberships", {}, "groups"),
    "feature_flags": ("/feature-flags", {}, None),
    "redirect_uris": ("/user_management/redirect_uris", {}, None),
    "cors_origins": ("/user_management/cors_origins", {}, None),
    "organization_authorized_applications": ("/organizations/{organization_id}/authorized_applications", {}, "organizations"),
    "webhook_endpoints": ("/webhook_endpoints", {}, None),
    "authorization_resources": ("/authorization/resources", {}, None),
    "events": ("/events", {}, None),
}

# What a parent's own id is called where its children are asked for.
PARENT_ID = {
    "organizations": "organization_id", "directories": "directory_id", "directory_groups": "group_id",
    "groups": "group_id", "applications": "application_id",
}


@dataclass
class Answers:
    """The records of each resource beside the ids they were asked for with."""

    records: dict = field(default_factory=dict)
    unavailable: dict = field(default_factory=dict)

    def of(self, resource):
        return self.records.get(resource, [])


def read(api):
    """Every resource of the catalog, parents first."""
    answers = Answers()
    for resource in RESOURCES:
        read_resource(api, resource, answers)
    return answers


def read_resource(api, resource, answers):
    path, parameters, parent = RESOURCES[resource]
    if parent in answers.unavailable:
        answers.unavailable[resource] = f"{parent} is unavailable"
        return
    records, refused, parents = [], [], parent_ids(resource, parent, answers)
    for ids in parents:
        try:
            listed = api.list(path.format(**ids), **filled(parameters, ids))
        except Unavailable as error:
            refused.append(str(error))
        else:
            records += [(ids, record) for record in listed]
    # No parent answered: that is not an empty list, it is none at all.
    if parents and len(refused) == len(parents):
        answers.unavailable[resource] = refused[0]
    else:
        answers.records[resource] = records


def parent_ids(resource, parent, answers):
    if parent is None:
        return [{}]
    parents = [{**ids, PARENT_ID[parent]: record["id"]} for ids, record in answers.of(parent)]
    if resource == "directory_group_users":
        embedded = {ids["directory_id"] for ids, user in answers.of("directory_users") if user.get("groups")}
        parents = [ids for ids in parents if ids["directory_id"] not in embedded]
    return parents


def filled(parameters, ids):
    return {name: value.format(**ids) if isinstance(value, str) else value for name, value in parameters.items()}
