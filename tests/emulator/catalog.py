"""The tables that must come out, written down for this test alone.

A column is `name type`, or `name type path` where it is not the member of the same name:
`role.slug` is a member of a member, `domains[].domain` that member of every element, and `-` a
value that is worked out. The order is the order in the file.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    name: str
    type: str
    path: str


@dataclass(frozen=True)
class Table:
    labels: tuple
    resources: tuple
    columns: tuple
    # Members that neither a column nor `extra` holds.
    left_out: frozenset


def table(labels, resources, *columns, left_out=()):
    parsed = []
    for column in columns:
        name, kind, *path = column.split()
        parsed.append(Column(name, kind, path[0] if path else name))
    return Table(tuple(labels.split()), tuple(resources.split()), tuple(parsed), frozenset(left_out) | {"object"})


STAMPS = ("created_at time", "updated_at time")

NODES = {node.labels[0]: node for node in (
    table("WorkOSOrganization Tenant", "organizations",
          "name text", "domains list domains[].domain", "external_id text", "stripe_customer_id text", "metadata json",
          "allow_profiles_outside_organization bool", *STAMPS, left_out=["domains"]),
    table("WorkOSOrganizationDomain", "organizations",
          "domain text", "organization_id text", "state text", "verification_strategy text", "verification_token text",
          "verification_prefix text", *STAMPS),
    table("WorkOSUser UserAccount", "users",
          "email text", "first_name text", "last_name text", "name text", "email_verified bool", "profile_picture_url text",
          "last_sign_in_at time", "external_id text", "locale text", "metadata json", *STAMPS),
    table("WorkOSRole PermissionRole", "roles organization_roles",
          "slug text", "name text", "description text", "type text", "organization_id text", "resource_type_slug text",
          "permissions list", *STAMPS),
    table("WorkOSOrganizationMembership", "organization_memberships",
          "user_id text", "organization_id text", "organization_name text", "status text", "directory_managed bool",
          "role_id text -", "role_slug text role.slug", "role_slugs list roles[].slug", "custom_attributes json", *STAMPS,
          left_out=["user"]),
    table("WorkOSInvitation", "invitations",
          "email text", "state text", "organization_id text", "inviter_user_id text", "accepted_user_id text", "role_slug text",
          "expires_at time", "accepted_at time", "revoked_at time", *STAMPS),
    table("WorkOSDirectory", "directories",
          "name text", "domain text", "state text", "type text", "organization_id text", "external_key text", "metadata json",
          *STAMPS),
    table("WorkOSDirectoryUser UserAccount", "directory_users",
          "idp_id text", "directory_id text", "organization_id text", "first_name text", "last_name text", "name text",
          "email text", "state text", "job_title text", "username text", "emails json", "role_slug text role.slug",
          "roles list roles[].slug", "custom_attributes json", "raw_attributes json", *STAMPS, left_out=["groups"]),
    table("WorkOSDirectoryGroup", "directory_groups",
          "idp_id text", "name text", "directory_id text", "organization_id text", "raw_attributes json", *STAMPS),
    table("WorkOSAPIKey APIKey", "api_keys",
          "name text", "obfuscated_value text", "owner_type text owner.type", "owner_id text owner.id", "permissions list",
          "last_used_at time", "expires_at time", *STAMPS),
    table("WorkOSApplication ThirdPartyApp", "applications",
          "client_id text", "name text", "description text", "application_type text", "organization_id text",
          "redirect_uris list redirect_uris[].uri", "uses_pkce bool", "is_first_party bool", "was_dynamically_registered bool",
          "scopes list", *STAMPS),
    table("WorkOSConnection", "connections",
          "name text", "connection_type text", "state text", "status text", "organization_id text",
          "domains list domains[].domain", *STAMPS),
    table("WorkOSApplicationClientSecret APIKey", "application_client_secrets",
          "application_id text", "secret_hint text", "last_used_at time", *STAMPS),
    table("WorkOSPermission", "permissions",
          "slug text", "name text", "description text", "system bool", "resource_type_slug text", *STAMPS),
    table("WorkOSGroup", "groups", "name text", "description text", "organization_id text", *STAMPS),
    table("WorkOSFeatureFlag", "feature_flags",
          "slug text", "name text", "description text", "enabled bool", "default_value bool", "tags list",
          "owner_email text owner.email", *STAMPS),
    table("WorkOSRedirectURI", "redirect_uris", "uri text", "default bool", *STAMPS),
    table("WorkOSCORSOrigin", "cors_origins", "origin text", *STAMPS),
    table("WorkOSWebhookEndpoint", "webhook_endpoints", "endpoint_url text", "status text", "events list", *STAMPS),
    table("WorkOSAuthorizationResource", "authorization_resources",
          "name text", "description text", "external_id text", "resource_type_slug text", "organization_id text",
          "parent_resource_id text", *STAMPS),
)}

EVENTS = table("events", "events",
               "event text", "created_at time", "outcome text -", "method text -", "organization_id text -", "user_id text -",
               "connection_id text -", "connection_type text -", "ip_address text -", "user_agent text -", "email text -",
               "data json", "context json")

ENVIRONMENT = "WorkOSEnvironment"

# (type, from, to, the node whose row holds the other end, in which column).
REFERENCES = (
    ("DOMAIN_OF", "WorkOSOrganizationDomain", "WorkOSOrganization", "from", "organization_id"),
    ("HAS", "WorkOSOrganization", "WorkOSRole", "to", "organization_id"),
    ("MEMBER_OF", "WorkOSUser", "WorkOSOrganizationMembership", "to", "user_id"),
    ("IN", "WorkOSOrganizationMembership", "WorkOSOrganization", "from", "organization_id"),
    ("FOR_ORGANIZATION", "WorkOSInvitation", "WorkOSOrganization", "from", "organization_id"),
    ("INVITED_BY", "WorkOSInvitation", "WorkOSUser", "from", "inviter_user_id"),
    ("BELONGS_TO", "WorkOSDirectory", "WorkOSOrganization", "from", "organization_id"),
    ("HAS", "WorkOSDirectory", "WorkOSDirectoryUser", "to", "directory_id"),
    ("BELONGS_TO", "WorkOSDirectoryUser", "WorkOSOrganization", "from", "organization_id"),
    ("HAS", "WorkOSDirectory", "WorkOSDirectoryGroup", "to", "directory_id"),
    ("BELONGS_TO", "WorkOSDirectoryGroup", "WorkOSOrganization", "from", "organization_id"),
    ("BELONGS_TO", "WorkOSApplication", "WorkOSOrganization", "from", "organization_id"),
    ("BELONGS_TO", "WorkOSConnection", "WorkOSOrganization", "from", "organization_id"),
    ("HAS_SECRET", "WorkOSApplication", "WorkOSApplicationClientSecret", "to", "application_id"),
    ("BELONGS_TO", "WorkOSGroup", "WorkOSOrganization", "from", "organization_id"),
    ("BELONGS_TO", "WorkOSAuthorizationResource", "WorkOSOrganization", "from", "organization_id"),
    ("CHILD_OF", "WorkOSAuthorizationResource", "WorkOSAuthorizationResource", "from", "parent_resource_id"),
)
