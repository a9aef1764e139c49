#!/bin/sh
# Puts data/ (or the folders that are named) into the collection of this example, and takes out what is gone: scripts/ingest.sh [PATH…]
# Run it from the top of the repository, as the server: both keep their data where config.yaml says.
set -eu
example="$(cd "$(dirname "$0")/.." && pwd)"
[ $# -gt 0 ] || set -- "$example/data"
exec "${MILLRACE:-.build/release/millrace}" ingest "$@" --index kestrel --delete-missing --config "$example/config.yaml"
