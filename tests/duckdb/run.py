#!/usr/bin/env python3
"""Reads a lake with DuckDB through the views that the program prints, before and after a second commit."""

import argparse
import importlib.util
import json
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FIXTURE = ROOT / "cli/tests/fixtures/nasty.ndjson"
# Committed, but some lists of the fixture are unavailable.
PARTIAL = 3


def program(binary, *arguments, stdin=""):
    done = subprocess.run([binary, "-q", *arguments], input=stdin, capture_output=True, text=True)
    if done.returncode not in (0, PARTIAL):
        raise SystemExit(f"{arguments[0]} exited {done.returncode}: {done.stderr}")
    return done.stdout


def newest(lake):
    return json.loads(max(Path(lake, "_runs").glob("*.json")).read_text())


def snake_of(names, label):
    """The view of a label: the one whose name is the label's letters."""
    return next(n for n in names if n.replace("_", "") == label.lower())


class Checks:
    passed = failed = 0

    def that(self, holds, what):
        print("ok   " if holds else "FAIL ", what)
        self.passed, self.failed = self.passed + bool(holds), self.failed + (not holds)


def counts_agree(checks, con, lake, when):
    views = [v for (v,) in con.execute("select view_name from duckdb_views() where not internal").fetchall()]
    rows = {}
    for table in newest(lake)["tables"]:
        if table["kind"] in ("node", "edge", "fact"):
            view = snake_of(views, table["name"]) if table["kind"] != "edge" else table["name"].lower()
            rows[view] = rows.get(view, 0) + table["rows"]
    checks.that(set(views) == {*rows, "lake_files"}, f"{when}: a view for each label, type of edge and fact")
    for view, expected in sorted(rows.items()):
        found = con.execute(f'select count(*) from "{view}"').fetchone()[0]
        checks.that(found == expected, f"{when}: {view} has the manifest's {expected} rows, found {found}")


def texts(con):
    """Every text in every view, lists and labels included."""
    for (view,) in con.execute("select view_name from duckdb_views() where not internal").fetchall():
        for (text,) in con.execute(f'select cast(columns(*) as varchar) from (select row(*columns(*)) from "{view}")').fetchall():
            yield text or ""


def run(binary, scratch):
    import duckdb

    checks = Checks()
    # A quote and a partition-like part in the path: both mean something to DuckDB.
    lake = str(Path(scratch, "it's", "env=prod", "lake"))
    program(binary, "pipeline", "--from-raw", str(FIXTURE), "--lake", lake)
    con = duckdb.connect()
    con.execute("set TimeZone = 'UTC'")
    con.execute(program(binary, "views", "--lake", lake))
    counts_agree(checks, con, lake, "first commit")

    one = lambda sql: con.execute(sql).fetchall()
    checks.that(one("select from_label, to_label from owns order by 1") == [
        ("WorkOSOrganization", "WorkOSAPIKey"), ("WorkOSUser", "WorkOSAPIKey")], "edges tell their pairs apart")
    checks.that(one("select metadata from workos_user where id = 'user_1'") == [
        ('{"lone":"\\ud800","nested":{"a":[{},[],null,1.0,-0.0]}}',)], "JSON columns keep the received text")
    checks.that(one("select first_name, last_name from workos_user where id = 'user_1'") == [("Ada\0", "Lövelace")], "escapes are read")
    checks.that(one("select epoch_us(last_sign_in_at) % 1000000 from workos_user where id = 'user_1'") == [(999999,)],
                "times are instants in microseconds, floored")
    checks.that(one("select extra from workos_user where id = 'user_1'") == [('{"nickname":"new tomorrow"}',)], "extra has the rest")
    checks.that(one("select role_slugs, role_id from workos_organization_membership where id = 'om_1'") == [
        (["admin", "member"], "role_A")], "lists are lists, and an organization's own role comes first")
    checks.that(one("select labels from workos_api_key limit 1") == [(["WorkOSAPIKey", "APIKey"],)], "labels")
    dates = one("select id, date::varchar from events order by id")
    checks.that(dates == [("event_1", "2026-11-20"), ("event_2", "2026-11-21"), ("event_3", "2026-11-21"), ("event_4", "2026-11-22")],
                "events are partitioned by their date")
    checks.that(not any("PLANTED" in t for t in texts(con)), "no planted credential is in any column")

    first_seen = one("select id, epoch_us(firstseen) from workos_user order by id")
    later = FIXTURE.read_text().replace("2026-11-22T10:15:00.000Z", "2026-11-22T12:00:00.000Z", 1)
    later = "\n".join(line for line in later.splitlines() if '"id":"user_6"' not in line or '"resource":"users"' not in line)
    later = later.replace('"resource":"users","parent":null,"status":"complete","pages":2,"records":9', '"resource":"users","parent":null,"status":"complete","pages":1,"records":3')
    program(binary, "pipeline", "--from-raw", "-", "--lake", lake, stdin=later)
    checks.that(newest(lake)["number"] == 2, "a second commit")
    counts_agree(checks, con, lake, "second commit, same connection")
    users = dict(one("select id, epoch_us(firstseen) from workos_user order by id"))
    checks.that(users and users == {i: t for i, t in first_seen if i in users}, "firstseen is kept")
    checks.that("user_6" not in users, "who is gone is gone")
    checks.that(one("select distinct lastupdated::varchar from workos_user") == [("2026-11-22 12:00:00+00",)], "lastupdated moved")
    checks.that(one("select count(*) from events") == [(4,)], "events are not doubled")
    print(f"{checks.passed} passed, {checks.failed} failed")
    return 1 if checks.failed else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", default=ROOT / "target/debug/workos-lake", type=Path, help="the program under test")
    options = parser.parse_args()
    if importlib.util.find_spec("duckdb") is None:
        print("this Python has no duckdb: run `just setup-peers` and use the Python of `.peers/venv`", file=sys.stderr)
        return 2
    if not options.bin.is_file():
        print(f"`{options.bin}` does not exist: build it, or name it with `--bin`", file=sys.stderr)
        return 2
    with tempfile.TemporaryDirectory(prefix="workos-lake-duckdb-") as scratch:
        return run(options.bin.resolve(), scratch)


if __name__ == "__main__":
    sys.exit(main())
