#!/usr/bin/env python3
"""Reads the official WorkOS emulator into a lake, three times, and compares the lake with the API."""

import argparse
import importlib.util
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
KEY, ENVIRONMENT = "sk_test_default", "client_emulator"
RUN_SECONDS = 300

# Resources that the catalog names and the program does not read yet. Their tables are compared
# as soon as they appear in a lake; out of this set, they are also missed.
NOT_YET = {
    "application_client_secrets", "permissions", "groups", "group_memberships", "feature_flags", "redirect_uris",
    "cors_origins", "organization_authorized_applications", "webhook_endpoints", "authorization_resources",
}


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--bin", default=ROOT / "target/debug/workos-lake", type=Path, help="the program under test")
    parser.add_argument("--modules", default=ROOT / ".peers/node/node_modules", type=Path, help="where the emulator is installed")
    parser.add_argument("--keep", action="store_true", help="keep the lake and the logs, and say where they are")
    parser.add_argument("--exhaust", action="store_true",
                        help="use up the emulator's 1000 requests a minute before run 2, which has to wait for it (takes a minute)")
    return parser.parse_args()


def missing(options):
    """What must be there before anything can be tested."""
    if shutil.which("node") is None:
        yield "node is not on the path: install Node.js 20 or later, then run `just setup-peers`"
    if not (options.modules / "workos").is_dir():
        yield f"the emulator is not in `{options.modules}`: run `just setup-peers`"
    if importlib.util.find_spec("duckdb") is None:
        yield "this Python has no duckdb: run `just setup-peers` and use the Python of `.peers/venv`"
    if not options.bin.is_file():
        yield f"`{options.bin}` does not exist: build it, or name it with `--bin`"


def main():
    sys.dont_write_bytecode = True
    # A request to end unwinds like any other exit, so that the scratch folder goes too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    options = arguments()
    problems = list(missing(options))
    if problems:
        print("\n".join(problems), file=sys.stderr)
        return 2
    scratch = tempfile.mkdtemp(prefix="workos-lake-emulator-")
    try:
        return verify(options, Path(scratch))
    finally:
        if options.keep:
            print(f"kept {scratch}", file=sys.stderr)
        else:
            shutil.rmtree(scratch, ignore_errors=True)


def verify(options, scratch):
    # Only here, because these need duckdb.
    import tenant
    from checks import Checks
    from peer import Api, emulator

    checks = Checks()
    with emulator(options.modules.resolve(), tenant.seed(), scratch) as url:
        writer, reader = Api(url, "sk_test_writer"), Api(url, "sk_test_reader")
        tenant.populate(writer)
        Session(options, scratch, url, checks, writer, reader).three_runs()
    print(f"{checks.passed} passed, {checks.failed} failed")
    return 1 if checks.failed else 0


class Session:
    """The runs against one emulator, into one lake."""

    def __init__(self, options, scratch, url, checks, writer, reader):
        self.options, self.url, self.checks, self.writer, self.reader = options, url, checks, writer, reader
        self.lake, self.scratch, self.outputs = scratch / "lake", scratch, {}

    def three_runs(self):
        import tenant
        from checks import leaks

        first = self.run_and_compare(1)
        if self.options.exhaust:
            self.exhaust()
        second = first and self.run_and_compare(2, first)
        if second:
            self.checks.that("run 2: the same events as after run 1", changed_events(first, second))
            organization, gone = tenant.end_organization(self.writer)
            third = self.run_and_compare(3, second)
            if third:
                self.checks.that("run 3: of the deleted organization only events are left", remains(third, gone))
                self.checks.that("run 3: its events are kept", lost_events(second, third, organization))
        credentials = self.writer.credentials | self.reader.credentials | {KEY}
        self.checks.that("no credential in any file or output", leaks(self.lake, self.outputs, credentials))

    def run_and_compare(self, number, previous=None):
        """The lake after one more run, compared; None where the run committed nothing."""
        from checks import Compared
        from expected import Expected
        from lake import Lake
        from reading import read

        # Clocks in answers count whole seconds: an event of this very second may wait for the next run.
        time.sleep(1.1)
        expected = Expected(read(self.reader))
        code = self.run(number)
        if not list(self.lake.glob("_runs/*.json")) or code not in (0, 3):
            self.checks.that(f"run {number}: commits", [f"exit code {code}", *self.outputs[f"stderr of run {number}"].splitlines()[-4:]])
            return None
        lake = Lake(self.lake)
        wanted = 3 if lake.unavailable else 0
        self.checks.that(f"run {number}: exit code {wanted}", [] if code == wanted else [f"exit code {code}"])
        Compared(self.checks, number, lake, expected, ENVIRONMENT, NOT_YET).everything(previous)
        return lake

    def run(self, number):
        environment = {name: value for name, value in os.environ.items() if not name.startswith("WORKOS_")}
        try:
            finished = subprocess.run(
                [self.options.bin.resolve(), "pipeline", "--api-url", self.url, "--lake", self.lake], cwd=self.scratch,
                env={**environment, "WORKOS_API_KEY": KEY, "WORKOS_CLIENT_ID": ENVIRONMENT},
                stdin=subprocess.DEVNULL, capture_output=True, timeout=RUN_SECONDS)
            code = finished.returncode
        except subprocess.TimeoutExpired as unfinished:
            finished, code = unfinished, f"none after {RUN_SECONDS} s"
        for stream in ("stdout", "stderr"):
            text = (getattr(finished, stream) or b"").decode("utf-8", errors="replace")
            self.outputs[f"{stream} of run {number}"] = text
            (self.scratch / f"run-{number}.{stream}").write_text(text, encoding="utf-8")
        return code

    def exhaust(self):
        """Sends requests under the program's key until the emulator answers 429."""
        import urllib.error
        from peer import Api

        api = Api(self.url, KEY)
        try:
            while True:
                api.get("/organizations", limit=1)
        except urllib.error.HTTPError as error:
            if error.code != 429:
                raise


def event_ids(lake):
    return {row["id"]: row for row in lake.rows(("fact", "events"))}


def changed_events(before, after):
    """Held rows are never replaced, so that even their `lastupdated` stays."""
    old, new = event_ids(before), event_ids(after)
    return [f"{id} differs" for id in old.keys() | new.keys() if old.get(id) != new.get(id)]


def lost_events(before, after, organization):
    old, new = event_ids(before), event_ids(after)
    lost = [f"{id} is lost" for id in old if id not in new]
    told = [row for row in new.values() if organization in row["data"]]
    return lost + ([] if told else [f"no event tells of {organization}"])


def remains(lake, gone):
    """Rows and edges that still name what was deleted."""
    from lake import name

    for key in lake.tables:
        if key[0] == "fact":
            continue
        for row in lake.rows(key):
            named = gone & {value for value in row.values() if isinstance(value, str)}
            if named:
                yield f"{name(key)} names {sorted(named)}"


if __name__ == "__main__":
    sys.exit(main())
