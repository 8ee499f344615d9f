"""The tenant that the emulator holds: the seed file, grown in number, and what only the API makes."""

import json
from pathlib import Path

SEED = Path(__file__).resolve().parent / "seed.json"

# More than two pages of users, and more than one page of each of the others.
USERS, INVITATIONS, ROLES, MEMBERS = 230, 120, 110, 130
ORGANIZATIONS = 24
OWN_ROLES = 12  # more than the ten that a list without `limit` answers


def seed():
    """The seed file with its kinds filled up to the numbers above."""
    tenant = json.loads(SEED.read_text(encoding="utf-8"))
    fill(tenant["users"], USERS, lambda n: {
        "email": f"user{n:03}@example.com", "first_name": f"Ünïcode {n}", "metadata": {"number": str(n)}})
    fill(tenant["organizations"], ORGANIZATIONS, lambda n: {
        "name": f"Organization {n:03}", "domains": [{"domain": f"o{n:03}.example"}]})
    fill(tenant["roles"], ROLES, lambda n: {"slug": f"role-{n:03}", "name": f"Role {n:03}", "priority": n})
    fill(tenant["invitations"], INVITATIONS, lambda n: {"email": f"USER{n:03}@example.com"})
    return tenant


def fill(items, number, make):
    items += [make(n) for n in range(len(items), number)]


def populate(api):
    """Adds through the API, and the store where the API has no request, what the seed cannot hold."""
    organizations = {o["name"]: o["id"] for o in api.list("/organizations")}
    users = {u["email"]: u["id"] for u in api.list("/user_management/users")}
    give_own_roles(api, organizations)
    add_members(api, organizations, users)
    invite(api, organizations, users)
    connect(api, organizations)
    sign_in(api)
    add_directories(api, organizations)
    api.insert("apiKeyRecords", {"object": "api_key", "name": "Ключ CI", "key": "sk_live_stored", "environment": "test"})
    api.insert("featureFlags", {"object": "feature_flag", "slug": "dark-mode", "name": "Dark mode", "description": None,
                                "type": "boolean", "default_value": False, "enabled": True})
    change(api, users)


def give_own_roles(api, organizations):
    """Own roles: one shadows the environment's `admin`, one slug is known to a single organization."""
    same = f"/authorization/organizations/{organizations['Same Slug Inc']}/roles"
    api.post(same, {"slug": "admin", "name": "Own Admin", "description": "not the environment's"})
    api.post(same, {"slug": "org-only-here", "name": "Only here"})
    api.post(f"/authorization/organizations/{organizations['Doomed Ltd']}/roles", {"slug": "org-doomed", "name": "Doomed"})
    for n in range(OWN_ROLES):
        api.post(f"/authorization/organizations/{organizations['Große Ärzte GmbH']}/roles",
                 {"slug": f"org-ward-{n}", "name": f"Station {n}", "priority": n})


def add_members(api, organizations, users):
    """Memberships of every status; roles of the environment, own ones, and ones that resolve to nothing."""
    everyone = list(users.values())
    slugs = ["member", "admin", "org-ward-1", "org-ward-11", "role-104", "nowhere"]
    big = [join(api, organizations["Große Ärzte GmbH"], user, slugs[n % len(slugs)])
           for n, user in enumerate(everyone[:MEMBERS])]
    for membership in big[::10]:
        api.put(f"/user_management/organization_memberships/{membership['id']}/deactivate")
    same = organizations["Same Slug Inc"]
    for user, slug in zip(everyone, ["admin", "org-only-here", "org-ward-1", "member"]):
        join(api, same, user, slug)
    for user, slug in zip(everyone, ["admin", "org-only-here", "member", "org-doomed", "admin"]):
        join(api, organizations["Doomed Ltd"], user, slug)
    # A user without any other membership, so that this pending one alone ties them to an organization.
    api.insert("organizationMemberships", {
        "object": "organization_membership", "organization_id": organizations["株式会社サンプル"], "user_id": everyone[-1],
        "role": {"slug": "auditor"}, "status": "pending", "external_id": None, "metadata": {}})


def join(api, organization, user, slug):
    return api.post("/user_management/organization_memberships", {
        "organization_id": organization, "user_id": user, "role_slug": slug,
        "external_id": f"seat-{slug}", "metadata": {"z": slug, "a": "é"}})


def invite(api, organizations, users):
    """Invitations to an organization, from a user, and in every state but expired."""
    def send(email, **members):
        return api.post("/user_management/invitations", {"email": email, **members})["id"]

    inviter, target = users["ada@example.com"], organizations["No Domains & Sons"]
    send("zoe@example.com", organization_id=target, inviter_user_id=inviter, role_slug="admin")
    api.post(f"/user_management/invitations/{send('taro@example.jp', organization_id=target)}/accept")
    api.post(f"/user_management/invitations/{send('nobody@EXAMPLE.com', inviter_user_id=inviter)}/revoke")
    api.post(f"/user_management/invitations/{send('late@example.net')}/resend")


def connect(api, organizations):
    """A connection, applications with and without redirect URIs, and what later resources list."""
    api.post("/connections", {"organization_id": organizations["No Domains & Sons"], "name": "Sons' OIDC",
                              "connection_type": "GenericOIDC", "domains": ["sons.example"]})
    application = api.post("/connect/applications", {
        "name": "Café reader", "logo_url": "https://example.com/logo.png",
        "redirect_uris": [{"uri": "https://example.com/callback", "default": True}, {"uri": "https://example.com/two", "default": False}]})
    api.post("/connect/applications", {"name": "Without redirects"})
    api.post("/connect/applications", {"name": "Bare redirects", "redirect_uris": [{"uri": "https://example.com/bare"}]})
    api.post(f"/connect/applications/{application['id']}/client_secrets")
    api.post("/webhook_endpoints", {"endpoint_url": "http://127.0.0.1:9/made", "enabled": False, "description": "made by the API"})
    api.post("/user_management/redirect_uris", {"uri": "https://example.com/signed-in"})
    api.post("/user_management/cors_origins", {"origin": "https://example.com"})
    for name in ("parent", "child"):
        api.post("/authorization/resources", {"resource_type_slug": "folder", "external_id": name, "metadata": {"path": f"/{name}"},
                                              "organization_id": organizations["Große Ärzte GmbH"]})


def sign_in(api):
    """Authentication events, by password and by magic code."""
    api.post("/user_management/authenticate", {"grant_type": "password", "email": "ada@example.com", "password": "correct horse"},
             x_forwarded_for="203.0.113.7", user_agent="Tester/1.0 (loopback)")
    code = api.post("/user_management/magic_auth", {"email": "magic@example.com"})["code"]
    api.post("/user_management/authenticate", {
        "grant_type": "urn:workos:oauth:grant-type:magic-auth:code", "email": "magic@example.com", "code": code})


def add_directories(api, organizations):
    """Two directories whose users carry their groups, as the emulator's own type of them does."""
    for key, organization in (("one", organizations["Große Ärzte GmbH"]), ("two", organizations["株式会社サンプル"])):
        directory = api.insert("directories", {
            "object": "directory", "name": f"Verzeichnis {key}", "organization_id": organization, "domain": None,
            "type": "okta scim v2.0", "state": "linked", "external_key": f"key-{key}"})
        groups = [add_group(api, directory, name) for name in ("Ärzte", "Pflege", "Nobody")]
        for n in range(105):
            add_directory_user(api, directory, n, groups[:1 + n % 2])


def add_group(api, directory, name):
    return api.insert("directoryGroups", {
        "object": "directory_group", "directory_id": directory["id"], "organization_id": directory["organization_id"],
        "idp_id": f"idp-{name}", "name": name, "raw_attributes": {"z": 1, "a": [1.5, None, True]}})


def add_directory_user(api, directory, n, groups):
    api.insert("directoryUsers", {
        "object": "directory_user", "directory_id": directory["id"], "organization_id": directory["organization_id"],
        "idp_id": f"{n:08}", "first_name": f"Jörg {n}", "last_name": None, "email": None if n == 3 else f"jorg{n}@example.com",
        "username": None, "state": "inactive" if n % 7 == 0 else "active", "role": {"slug": "admin"} if n % 5 == 0 else None,
        "custom_attributes": {"title": "Ärztin", "code": n, "emails": [{"primary": True, "type": "work", "value": f"j{n}@example.com"}]},
        "raw_attributes": {},
        "groups": [{"object": "directory_group", "id": group["id"], "name": group["name"]} for group in groups]})


def change(api, users):
    """Updates, so that `updated_at` differs from `created_at`."""
    api.put(f"/user_management/users/{users['zoe@example.com']}", {"last_name": "Ångström", "email_verified": True})
    domain = api.list("/organizations")[-1]["domains"][-1]
    api.post(f"/organization_domains/{domain['id']}/verify")


def end_organization(api):
    """Deletes an organization, adds a user and renames another; returns what must be gone."""
    doomed = next(o for o in api.list("/organizations") if o["name"] == "Doomed Ltd")
    gone = {doomed["id"], *(domain["id"] for domain in doomed["domains"])}
    gone |= {m["id"] for m in api.list("/user_management/organization_memberships", organization_id=doomed["id"])}
    gone |= {r["id"] for r in api.list(f"/authorization/organizations/{doomed['id']}/roles")}
    api.delete(f"/organizations/{doomed['id']}")
    api.post("/user_management/users", {"email": "latecomer@example.com", "first_name": "Späte"})
    user = api.get("/user_management/users", email="nobody@example.com")["data"][0]
    api.put(f"/user_management/users/{user['id']}", {"first_name": "Somebody", "metadata": {"b": "1", "a": "2"}})
    return doomed["id"], gone
