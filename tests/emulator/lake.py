"""A lake as a reader meets it: the newest manifest and the Parquet files that it names."""

import hashlib
import json
from pathlib import Path

import duckdb

from expected import compact, microseconds

# The DuckDB types that a column of the catalog may come out as.
TYPES = {
    "text": {"VARCHAR"}, "bool": {"BOOLEAN"}, "int": {"BIGINT"}, "time": {"TIMESTAMP WITH TIME ZONE"},
    "list": {"VARCHAR[]"}, "json": {"JSON", "VARCHAR"},
}


class Lake:
    """One committed state."""

    def __init__(self, root):
        self.root = Path(root)
        path = max((self.root / "_runs").glob("*.json"), key=lambda p: int(p.stem))
        self.manifest = json.loads(path.read_text(encoding="utf-8"))
        self.tables = {key(table): table for table in self.manifest["tables"] if table["kind"] in ("node", "edge", "fact")}
        self.started_at = microseconds(self.manifest["started_at"])
        self.unavailable = {entry["resource"]: entry["reason"] for entry in self.manifest["unavailable"]}

    def labels(self):
        return {label for kind, label, *_ in self.tables if kind == "node"}

    def files(self, table_key):
        return self.tables[table_key]["files"] if table_key in self.tables else []

    def columns(self, table_key):
        """Names and types, as DuckDB reads them from the first file."""
        if not self.files(table_key):
            return []
        with duckdb.connect() as db:
            described = db.execute(f"describe {self.select(self.files(table_key)[:1])}").fetchall()
        return [(column, type) for column, type, *_ in described]

    def rows(self, table_key):
        """Every row in file order; times as microseconds, JSON as its text."""
        files = self.files(table_key)
        if not files:
            return []
        columns = self.columns(table_key)
        with duckdb.connect() as db:
            found = db.execute(self.select(files, ", ".join(expression(*column) for column in columns))).fetchall()
        return [{column: value for (column, _), value in zip(columns, row)} for row in found]

    def days(self, file):
        """The UTC days that a file of events holds."""
        day = "strftime(make_timestamp(epoch_us(created_at)), '%Y-%m-%d')"
        with duckdb.connect() as db:
            return {day for (day,) in db.execute(self.select([file], f"distinct {day}")).fetchall()}

    def select(self, files, expressions="*"):
        paths = ", ".join(quoted(str(self.root / file["path"])) for file in files)
        # Partitions repeat in the folders what is no column of the files.
        return f"select {expressions} from read_parquet([{paths}], hive_partitioning = false)"

    def damaged(self):
        """Files whose bytes, rows or path are not what the manifest says."""
        for entry in self.manifest["tables"]:
            for file in entry["files"]:
                content = (self.root / file["path"]).read_bytes()
                if len(content) != file["bytes"] or hashlib.sha256(content).hexdigest() != file["sha256"]:
                    yield file["path"]
        for table_key, entry in self.tables.items():
            if len(self.rows(table_key)) != entry["rows"] or sum(file["rows"] for file in entry["files"]) != entry["rows"]:
                yield f"rows of {name(table_key)}"


def key(table):
    """(kind, name) of a node or fact table, (kind, type, from, to) of an edge table."""
    return (table["kind"], table["name"], *((table["from"], table["to"]) if table["kind"] == "edge" else ()))


def name(table_key):
    _, called, *ends = table_key
    return f"({ends[0]})-[:{called}]->({ends[1]})" if ends else called


def expression(column, type):
    spelled = '"' + column.replace('"', '""') + '"'
    if type.startswith("TIMESTAMP"):
        return f"epoch_us({spelled})"
    return f"{spelled}::varchar" if type == "JSON" else spelled


def one_spelling(text):
    return None if text is None else compact(json.loads(text))


def quoted(text):
    return "'" + text.replace("'", "''") + "'"


def texts(root):
    """Whatever can be read of the files below a folder: (path, bytes, every value of every row)."""
    for path in sorted(Path(root).rglob("*")):
        if path.is_file():
            values = parquet_text(path) if path.suffix == ".parquet" else ""
            yield path, path.read_bytes(), values


def parquet_text(path):
    with duckdb.connect() as db:
        rows = db.execute(
            f"select columns(*)::varchar from read_parquet({quoted(str(path))}, hive_partitioning = false)").fetchall()
    return "\n".join(str(value) for row in rows for value in row)
