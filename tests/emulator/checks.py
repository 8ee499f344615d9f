"""Compares a lake with what the API answers, one line for each check."""

from catalog import ENVIRONMENT, EVENTS, NODES
from lake import TYPES, name, one_spelling, texts
from reading import RESOURCES

SHOWN = 5


class Checks:
    """Counts and prints. A check holds when it found no problem."""

    def __init__(self):
        self.passed = self.failed = 0

    def that(self, what, problems):
        problems = list(problems)
        if not problems:
            self.passed += 1
            print(f"ok    {what}", flush=True)
            return
        self.failed += 1
        print(f"FAIL  {what}", flush=True)
        for problem in problems[:SHOWN]:
            print(f"      {problem}", flush=True)
        if len(problems) > SHOWN:
            print(f"      and {len(problems) - SHOWN} more", flush=True)


class Compared:
    """One committed state beside one reading of the API."""

    def __init__(self, checks, run, lake, expected, environment, not_yet):
        self.checks, self.run, self.lake, self.expected = checks, run, lake, expected
        self.environment, self.not_yet = environment, not_yet

    def that(self, what, problems):
        self.checks.that(f"run {self.run}: {what}", problems)

    def everything(self, previous=None):
        self.manifest()
        for label in NODES:
            self.node(label)
        self.environment_node()
        for edge in sorted(self.edge_tables()):
            self.edge(edge)
        self.events()
        self.unknown_tables()
        self.stamps(previous)

    # The manifest

    def manifest(self):
        manifest, problems = self.lake.manifest, []
        for member, wanted in {"protocol": 1, "number": self.run, "environment_id": self.environment, "quarantined": 0}.items():
            if manifest.get(member) != wanted:
                problems.append(f"`{member}` is {manifest.get(member)!r}, not {wanted!r}")
        problems += [f"{name(key)} is stale since {table['stale_since']}"
                     for key, table in self.lake.tables.items() if table.get("stale_since")]
        self.that("the manifest is the run's, nothing quarantined or stale", problems)
        self.that("files have the rows, bytes and checksums of the manifest", self.lake.damaged())
        self.that("unavailable is what the API refuses, and nothing else", self.availability())

    def availability(self):
        refused, reported = self.expected.answers.unavailable, self.lake.unavailable
        for resource in RESOURCES:
            if resource in refused and resource not in reported and not self.excused(resource):
                yield f"{resource} is not listed, though the API answers {refused[resource]}"
            if resource in reported and resource not in refused:
                yield f"{resource} is listed ({reported[resource]}), though the API answers"
        for resource in reported.keys() - RESOURCES.keys():
            yield f"{resource} is listed, but was not to be read"

    def excused(self, resource):
        """Not offered yet: neither its table nor a word about it."""
        label = self.expected.label_of(resource)
        return resource in self.not_yet and label not in self.lake.labels()

    # Tables

    def node(self, label):
        table, rows, found = NODES[label], self.expected.nodes.get(label), label in self.lake.labels()
        if not found and (rows is None or all(map(self.excused, table.resources))):
            return
        if rows is None or not found:
            self.that(label, ["in the lake, though the API refuses it" if found else "missing from the lake"])
            return
        key = ("node", label)
        names = ["id", *(column.name for column in table.columns), "extra", "labels", "firstseen", "lastupdated"]
        self.that(f"{label}: columns", self.columns(key, table, names))
        self.that(f"{label}: {len(rows)} rows, field by field", differences(self.actual(key, table), rows))
        self.that(f"{label}: in order of id, none twice", unsorted(self.lake.rows(key), "id"))

    def columns(self, key, table, names):
        types = {"id": "text", "extra": "json", "labels": "list", "firstseen": "time", "lastupdated": "time",
                 **{column.name: column.type for column in table.columns}}
        found = self.lake.columns(key)
        if [column for column, _ in found] != names:
            yield f"{[column for column, _ in found]}, not {names}"
        for column, type in found:
            if column in types and type not in TYPES[types[column]]:
                yield f"`{column}` is {type}, not {types[column]}"

    def actual(self, key, table):
        json_columns = {column.name for column in table.columns if column.type == "json"} | {"extra"}
        for row in self.lake.rows(key):
            yield row["id"], {column: one_spelling(value) if column in json_columns else value
                              for column, value in row.items() if column not in ("id", "firstseen", "lastupdated")}

    def environment_node(self):
        rows = self.lake.rows(("node", ENVIRONMENT))
        found = [(row["id"], row["labels"]) for row in rows]
        wanted = [(self.environment, [ENVIRONMENT, "Tenant"])]
        self.that(f"{ENVIRONMENT}: one row, the environment's", [] if found == wanted else [f"{found}, not {wanted}"])

    def edge_tables(self):
        """Every edge that is expected or there, but for those of nodes that are not offered yet."""
        wanted = {("edge", *ends) for ends in self.expected.edges}
        there = {key for key in self.lake.tables if key[0] == "edge"}
        offered = self.lake.labels() | {label for label, node in NODES.items() if not all(r in self.not_yet for r in node.resources)}
        return {key for key in wanted | there if {key[2], key[3]} <= offered}

    def edge(self, key):
        wanted = {(source or self.environment, target) for source, target in self.expected.edges.get(key[1:], set())}
        rows = self.lake.rows(key)
        pairs = [(row["source_id"], row["target_id"]) for row in rows]
        problems = [f"missing {pair}" for pair in sorted(wanted - set(pairs))]
        problems += [f"unexpected {pair}" for pair in sorted(set(pairs) - wanted)]
        problems += unsorted(rows, "source_id", "target_id")
        self.that(f"{name(key)}: {len(wanted)} edges, none more, none less, in order", problems)

    def events(self):
        key = ("fact", "events")
        names = ["id", *(column.name for column in EVENTS.columns), "extra", "lastupdated"]
        if not self.lake.files(key):
            self.that("events", ["missing from the lake"])
            return
        self.that("events: columns", self.columns(key, EVENTS, names))
        rows = self.expected.events
        self.that(f"events: {len(rows)} rows, field by field", differences(self.actual(key, EVENTS), rows))
        self.that("events: none twice", twice(row["id"] for row in self.lake.rows(key)))
        self.that("events: each in the partition of its day", self.misplaced(key))

    def misplaced(self, key):
        for file in self.lake.files(key):
            days = self.lake.days(file)
            if not all(f"date={day}/" in file["path"] for day in days):
                yield f"{file['path']} holds {sorted(days)}"

    def unknown_tables(self):
        known = {("node", label) for label in (*NODES, ENVIRONMENT)} | {("fact", "events")}
        self.that("no table that the catalog does not name", (
            name(key) for key in self.lake.tables if key[0] != "edge" and key not in known))

    # When a row was seen

    def stamps(self, previous):
        for key in self.lake.tables:
            if key[0] == "fact":
                continue
            seen = first_seen(previous, key) if previous else {}
            problems = list(self.misdated(key, seen))
            if problems or key[0] == "node":
                self.that(f"{name(key)}: `firstseen` kept, `lastupdated` this run's", problems)

    def misdated(self, key, seen):
        for row in self.lake.rows(key):
            first = seen.get(identity(row), self.lake.started_at)
            if row["firstseen"] != first:
                yield f"{identity(row)}: `firstseen` is {row['firstseen']}, not {first}"
            if row["lastupdated"] != self.lake.started_at:
                yield f"{identity(row)}: `lastupdated` is {row['lastupdated']}, not {self.lake.started_at}"


def first_seen(lake, key):
    return {identity(row): row["firstseen"] for row in lake.rows(key)}


def identity(row):
    return row["id"] if "id" in row else (row["source_id"], row["target_id"])


def differences(actual, wanted):
    seen = set()
    for id, row in actual:
        seen.add(id)
        if id not in wanted:
            yield f"unexpected {id}"
            continue
        for column, value in wanted[id].items():
            if row.get(column) != value:
                yield f"{id}: `{column}` is {row.get(column)!r}, not {value!r}"
    for id in sorted(wanted.keys() - seen):
        yield f"missing {id}"


def unsorted(rows, *columns):
    keys = [tuple(row[column] for column in columns) for row in rows]
    return (f"{after} follows {before}" for before, after in zip(keys, keys[1:]) if not before < after)


def twice(ids):
    seen = set()
    for id in ids:
        if id in seen:
            yield f"{id} is there twice"
        seen.add(id)


def leaks(root, outputs, credentials):
    """Places where a credential can be read. The credential itself is not shown."""
    for path, content, values in texts(root):
        if any(secret in values or secret.encode() in content for secret in credentials):
            yield f"{path.relative_to(root)} holds a credential"
    for where, output in outputs.items():
        if any(secret in output for secret in credentials):
            yield f"{where} holds a credential"
