# Every task of the project. `just` alone lists them.

set positional-arguments

peers := ".peers"
python := peers / "venv/bin/python"
binary := "target/release/workos-lake"

# List the tasks
default:
    @just --list --unsorted

# Read a WorkOS environment into a lake: needs WORKOS_API_KEY; more flags may follow
pipeline *args:
    cargo run --quiet --release --bin workos-lake -- pipeline "$@"

# Run all tests that need nothing but Rust
test:
    cargo test --workspace --quiet

# Check format and lints
lint:
    cargo fmt --all --check
    cargo clippy --workspace --all-targets --quiet -- --deny warnings

# Write docs/tables.md anew from the catalog
docs:
    UPDATE_DOCS=1 cargo test --quiet --package schemas the_documentation_is_fresh

# Open the lake in DuckDB, or run the SQL that is given: just duckdb "from workos_user limit 5"
duckdb *sql: build
    #!/usr/bin/env bash
    set -euo pipefail
    duckdb=$(command -v duckdb || echo "{{peers}}/venv/bin/duckdb")
    if [ ! -x "$duckdb" ]; then
        echo "duckdb is not installed: install it, or run \`just setup-peers\`" >&2
        exit 1
    fi
    views=$(mktemp)
    trap 'rm -f "$views"' EXIT
    {{binary}} views --lake "${WORKOS_LAKE:-lake}" > "$views"
    if [ $# -eq 0 ]; then "$duckdb" -init "$views"; else "$duckdb" -init "$views" -c "$*"; fi

# Build the program as users get it
build:
    cargo build --quiet --release --bin workos-lake

# Install what the tests below compare with, into .peers: needs node, npm and Python
setup-peers:
    mkdir -p {{peers}}/node
    cp tests/emulator/package.json tests/emulator/package-lock.json {{peers}}/node/
    npm ci --prefix {{peers}}/node --omit=optional --ignore-scripts --no-audit --no-fund
    python3 -m venv {{peers}}/venv
    {{python}} -m pip install --quiet --disable-pip-version-check -r tests/requirements.txt

# Compare the lake with what the official WorkOS emulator answers
test-emulator: build
    {{python}} tests/emulator/run.py --bin {{binary}}

# Read a lake through its views with DuckDB
test-duckdb: build
    {{python}} tests/duckdb/run.py --bin {{binary}}

# Everything that must hold
ci: lint test build setup-peers test-emulator test-duckdb
