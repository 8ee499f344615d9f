"""The official emulator as a child process, and a plain client of its API."""

import json
import os
import select
import subprocess
import urllib.error
import urllib.parse
import urllib.request
from contextlib import contextmanager
from pathlib import Path

HERE = Path(__file__).resolve().parent
START_SECONDS = 30
# Shorter ones, such as a code of six digits, would be found by chance in a checksum or an id.
SEARCHABLE = 12

# What an object of each type must keep to itself. A member called `token` elsewhere is data.
CREDENTIALS = {
    "invitation": {"token", "accept_invitation_url"},
    "password_reset": {"token", "password_reset_url"},
    "magic_auth": {"code"},
    "email_verification": {"code"},
    "webhook_endpoint": {"secret"},
    "api_key": {"value"},
    "client_secret": {"value", "secret"},
    "connect_application_secret": {"value", "secret"},
}
# Answers to a sign-in carry no `object`; nothing of these may reach a lake either.
SIGN_IN_CREDENTIALS = {"access_token", "refresh_token", "sealed_session"}


@contextmanager
def emulator(modules, seed, scratch):
    """Runs the emulator on a free loopback port, yields its URL, and stops it in every case."""
    seed_file = Path(scratch) / "seed.json"
    seed_file.write_text(json.dumps(seed, ensure_ascii=False), encoding="utf-8")
    with open(Path(scratch) / "emulator.log", "wb") as log:
        process = subprocess.Popen(
            ["node", str(HERE / "emulator.mjs"), str(modules), str(seed_file)],
            cwd=scratch, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log,
            env={**os.environ, "WORKOS_TELEMETRY": "false"},
        )
        try:
            yield started(process, log.name)
        finally:
            stop(process)


def started(process, log):
    ready, _, _ = select.select([process.stdout], [], [], START_SECONDS)
    line = process.stdout.readline() if ready else b""
    if not line:
        detail = Path(log).read_text(encoding="utf-8", errors="replace")[-2000:]
        raise RuntimeError(f"the emulator did not start within {START_SECONDS} s\n{detail}")
    return json.loads(line)["url"]


def stop(process):
    process.terminate()
    try:
        process.wait(timeout=5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    process.stdin.close()
    process.stdout.close()


class Unavailable(Exception):
    """The list answered 403 or 404."""


class Api:
    """Requests under one key; remembers every credential that an answer held.

    The emulator counts requests for each key, so a key of its own keeps the test's requests out
    of the budget of the program under test.
    """

    def __init__(self, url, key):
        self.url, self.key, self.credentials = url, key, {key}

    def call(self, method, path, body=None, headers=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data=data, method=method, headers={
            "Authorization": f"Bearer {self.key}", "Content-Type": "application/json", **(headers or {})})
        with urllib.request.urlopen(request, timeout=30) as response:
            text = response.read()
        answer = json.loads(text) if text else None
        self.credentials |= set(credentials_in(answer))
        return answer

    def get(self, path, **parameters):
        query = urllib.parse.urlencode(parameters, doseq=True)
        return self.call("GET", f"{path}?{query}" if query else path)

    def post(self, path, body=None, **headers):
        return self.call("POST", path, body or {}, {name.replace("_", "-"): v for name, v in headers.items()})

    def put(self, path, body=None):
        return self.call("PUT", path, body or {})

    def delete(self, path):
        return self.call("DELETE", path)

    def insert(self, collection, record):
        """Puts a record into the emulator's store, for what its API cannot create."""
        return self.post(f"/_store/{collection}", record)

    def list(self, path, **parameters):
        """Every object of a list, page after page."""
        objects, cursor, seen = [], {}, set()
        while True:
            page = self.page(path, **parameters, **cursor, limit=100)
            if isinstance(page, list):
                return page
            objects += page["data"]
            after = (page.get("list_metadata") or {}).get("after")
            if after is None:
                return objects
            if after in seen:
                raise RuntimeError(f"{path} pages in a circle at `{after}`")
            seen.add(after)
            cursor = {"after": after}

    def page(self, path, **parameters):
        try:
            return self.get(path, **parameters)
        except urllib.error.HTTPError as error:
            if error.code in (403, 404):
                raise Unavailable(f"{error.code} {path}") from error
            raise


def credentials_in(value):
    """The credential values at any depth of an answer."""
    if isinstance(value, list):
        for item in value:
            yield from credentials_in(item)
    elif isinstance(value, dict):
        secret = CREDENTIALS.get(kind(value), set()) | SIGN_IN_CREDENTIALS
        for name, item in value.items():
            if name not in secret:
                yield from credentials_in(item)
            elif isinstance(item, str) and len(item) >= SEARCHABLE:
                yield item


def without_credentials(value):
    """The answer as a lake may hold it: the members that are credentials are gone."""
    if isinstance(value, list):
        return [without_credentials(item) for item in value]
    if not isinstance(value, dict):
        return value
    secret = CREDENTIALS.get(kind(value), set())
    return {name: without_credentials(item) for name, item in value.items() if name not in secret}


def kind(value):
    name = value.get("object")
    return name if isinstance(name, str) else None
